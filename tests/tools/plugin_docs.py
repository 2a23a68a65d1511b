# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ask ansible-doc for every plugin and role of the tree; each must answer, without a warning.

Which ansible-doc is asked is decided by the Python that runs this, where the collection lies by
ANSIBLE_COLLECTIONS_PATH or that Python's site-packages.
"""

from __future__ import annotations

import json
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
KINDS = ("become", "cache", "callback", "cliconf", "connection", "filter", "httpapi", "inventory", "lookup", "strategy")
FOLDERS = {"module": "modules", **{kind: kind for kind in (*KINDS, "test", "vars")}}
WITH_EXAMPLES = {"filter", "inventory", "lookup", "module", "test"}


def names(kind: str) -> list[str]:
    """Full names of the tree's plugins of one kind."""
    if kind == "role":
        found = [path.name for path in (ROOT / "roles").glob("*") if path.is_dir()]
    else:
        paths = (ROOT / "plugins" / FOLDERS[kind]).glob("*")
        found = sorted({path.stem for path in paths if path.suffix in {".py", ".yml"} and path.stem[0] != "_"})
    return [f"camsec.fleet.{name}" for name in sorted(found)]


def problems(kind: str, wanted: list[str]) -> list[str]:
    """What is wrong with the answers for these names."""
    command = [str(pathlib.Path(sys.executable).with_name("ansible-doc")), "--json", "--type", kind, *wanted]
    answer = subprocess.run(command, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
    if answer.returncode:
        return [f"{kind}: {answer.stderr.strip()}"]
    documented = json.loads(answer.stdout)
    wrong = [f"{kind} {name}: no documentation" for name in wanted if not documented.get(name)]
    for name, entry in documented.items():
        if kind == "role" and not entry.get("entry_points"):
            wrong.append(f"role {name}: no argument specification")
        if kind in WITH_EXAMPLES and not (entry.get("examples") or "").strip():
            wrong.append(f"{kind} {name}: no examples")
    # ansible-core 2.21 warns of a collection inside itself.
    said = [line for line in answer.stderr.splitlines() if line.strip() and "/ansible/_internal/" not in line]
    return wrong + [f"{kind}: {line}" for line in said]


def main() -> int:
    """Print each kind and its problems; 1 when there are any or nothing was found."""
    wrong, count = [], 0
    for kind in (*FOLDERS, "role"):
        wanted = names(kind)
        count += len(wanted)
        if wanted:
            print(f"{kind}: {', '.join(wanted)}")
            wrong += problems(kind, wanted)
    if not count:
        wrong.append("no plugin and no role was found")
    print(*wrong, sep="\n")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
