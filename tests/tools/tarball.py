# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Build the Galaxy tarball, install it offline, check its sums and have Galaxy's importer read it."""

from __future__ import annotations

import hashlib
import json
import os
import pathlib
import shutil
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
STAGED = ROOT / ".build" / "stage" / "ansible_collections" / "camsec" / "fleet"
WORK = ROOT / ".build" / "tarball"
BIN = pathlib.Path(sys.executable).parent
IMPORTER = """\
[galaxy-importer]
RUN_ANSIBLE_TEST = False
RUN_FLAKE8 = False
OFFLINE_ANSIBLE_LINT = True
CHECK_REQUIRED_TAGS = True
"""
FORBIDDEN = (".git", ".venv", ".dev", ".build", ".ci", "dist", "__pycache__", "tests/output")
EXPECTED = ("README.md", "LICENSES/GPL-3.0-or-later.txt", "meta/runtime.yml", "plugins/module_utils/_core/_plan.py")


def run(*command: object, **environment: str) -> str:
    """Run a command, show what it says and return it; a failure ends the program."""
    words = [str(word) for word in command]
    print("$", *words, flush=True)
    done = subprocess.run(
        words, env={**os.environ, **environment}, capture_output=True, text=True, check=False, cwd=WORK
    )
    print(done.stdout + done.stderr, flush=True)
    if done.returncode:
        sys.exit(done.returncode)
    return done.stdout + done.stderr


def wrong_sums(installed: pathlib.Path) -> list[str]:
    """Walk MANIFEST.json and FILES.json."""
    manifest = json.loads((installed / "MANIFEST.json").read_text())
    listing = installed / manifest["file_manifest_file"]["name"]
    wrong = []
    if hashlib.sha256(listing.read_bytes()).hexdigest() != manifest["file_manifest_file"]["chksum_sha256"]:
        wrong.append("FILES.json has another sum than MANIFEST.json says")
    entries = json.loads(listing.read_text())["files"]
    for entry in entries:
        path, name = installed / entry["name"], entry["name"]
        if any(name == part or name.startswith(f"{part}/") or f"/{part}" in name for part in FORBIDDEN):
            wrong.append(f"{name}: does not belong into the tarball")
        if entry["ftype"] == "file" and hashlib.sha256(path.read_bytes()).hexdigest() != entry["chksum_sha256"]:
            wrong.append(f"{name}: other sum than FILES.json says")
    names = {entry["name"] for entry in entries}
    return wrong + [f"{name}: missing" for name in EXPECTED if name not in names]


def main() -> int:
    """Do it all; 1 when something is wrong."""
    shutil.rmtree(WORK, ignore_errors=True)
    WORK.mkdir(parents=True)
    run(BIN / "ansible-galaxy", "collection", "build", "--output-path", WORK, STAGED)
    (tarball,) = WORK.glob("camsec-fleet-*.tar.gz")
    target = WORK / "collections"
    run(BIN / "ansible-galaxy", "collection", "install", tarball, "--collections-path", target, "--offline", "--force")
    wrong = wrong_sums(target / "ansible_collections" / "camsec" / "fleet")
    listed = run(BIN / "ansible-galaxy", "collection", "list", "camsec.fleet", "--collections-path", target)
    if "camsec.fleet" not in listed:
        wrong.append("ansible-galaxy does not list the installed collection")
    (WORK / "importer.cfg").write_text(IMPORTER)
    said = run(sys.executable, "-m", "galaxy_importer.main", tarball, GALAXY_IMPORTER_CONFIG=str(WORK / "importer.cfg"))
    complaints = {line for line in said.splitlines() if line.startswith(("ERROR", "WARNING"))}
    wrong += sorted(line for line in complaints if not line.endswith("with 0 statement(s)"))  # the empty ignore files
    if "Importer processing completed successfully" not in said:
        wrong.append("the importer does not say that it completed")
    print("\n".join(wrong) or "nothing wrong")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
