# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Copy the checkout to a real path `…/ansible_collections/camsec/fleet`, which ansible-test asks for.

A second copy to the same place touches only what changed, so that caches beside it stay warm.
"""

from __future__ import annotations

import filecmp
import fnmatch
import os
import pathlib
import shutil
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
KEPT = {".git", "tests/output"}
# Only where git cannot tell what belongs to the tree (a downloaded archive, say).
NOT_OURS = [".git", ".venv*", ".dev", ".build", "dist", ".*_cache", ".hypothesis", "__pycache__", "*.pyc", ".ansible"]


def files() -> list[str]:
    """The tree's files: tracked, and new ones that git does not ignore."""
    listing = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if listing.returncode == 0 and (ROOT / ".git").exists():
        return sorted({name for name in listing.stdout.split("\0") if name and (ROOT / name).is_file()})
    found = []
    for folder, folders, names in os.walk(ROOT):
        folders[:] = [n for n in folders if not any(fnmatch.fnmatch(n, pattern) for pattern in NOT_OURS)]
        found += [
            (pathlib.Path(folder) / name).relative_to(ROOT).as_posix()
            for name in names
            if not any(fnmatch.fnmatch(name, pattern) for pattern in NOT_OURS)
        ]
    return sorted(found)


def stage(target: pathlib.Path) -> int:
    """Make `target` a copy of the tree; returns the number of its files."""
    wanted = files()
    target.mkdir(parents=True, exist_ok=True)
    present = [path for path in target.rglob("*") if path.is_file() or path.is_symlink()]
    for path in present:
        name = path.relative_to(target).as_posix()
        if name not in wanted and not any(name.startswith(f"{kept}/") for kept in KEPT):
            path.unlink()
    for name in wanted:
        source, copy = ROOT / name, target / name
        if not copy.exists() or not filecmp.cmp(source, copy, shallow=True):
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, copy)
    for path in sorted(target.rglob("*"), reverse=True):
        if path.is_dir() and path.relative_to(target).parts[0] != ".git" and not any(path.iterdir()):
            path.rmdir()
    return len(wanted)


if __name__ == "__main__":
    print(f"{stage(pathlib.Path(sys.argv[1]).absolute())} files in {sys.argv[1]}")
