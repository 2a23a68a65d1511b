# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The second entry of the matrix: the other end of the supported range of ansible-core, in an environment of its own.

.venv has ansible-core 2.19 where its Python is 3.11, and the newest core where it is newer. This makes .venv-other
with the newest core (needs Python >= 3.12), or with 2.19, installs the wheel there as a user does, and the Galaxy
tarball beside it; the checks named other-core-… use it.
"""

from __future__ import annotations

import os
import pathlib
import re
import shutil
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
VENV = ROOT / ".venv-other"
BIN = VENV / "bin"
COLLECTIONS = ROOT / ".build" / "other" / "collections"
SKIPPED = 77


def core_version(python: pathlib.Path | str) -> tuple[int, int]:
    """Major and minor version of the ansible-core that this Python has."""
    code = "import importlib.metadata as m; print(m.version('ansible-core'))"
    words = run(python, "-c", code).split(".")
    return int(words[0]), int(words[1])


def python_version(python: pathlib.Path) -> tuple[int, int]:
    """Major and minor version of a Python; 0.0 where it does not start."""
    code = "import sys, venv, ensurepip; print(*sys.version_info[:2])"
    done = subprocess.run([python, "-c", code], capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
    major, minor = done.stdout.split() if done.returncode == 0 else (0, 0)
    return int(major), int(minor)


def candidates() -> list[pathlib.Path]:
    """Every python3.12 to 3.14 on PATH and among pyenv's versions."""
    folders = [pathlib.Path(folder) for folder in os.environ.get("PATH", "").split(os.pathsep) if folder]
    roots = {folder.parent for folder in folders if folder.parent.name == ".pyenv"}
    roots |= {pathlib.Path.home() / ".pyenv", pathlib.Path(os.environ.get("PYENV_ROOT", "/nowhere"))}
    base = pathlib.Path(sys.base_prefix)
    roots |= {base.parent.parent} if base.parent.name == "versions" else set()
    folders += [path for root in roots for path in root.glob("versions/3.*/bin")]
    folders += [pathlib.Path("/usr/local/bin"), pathlib.Path("/usr/bin")]
    found = [folder / f"python3.{minor}" for minor in (13, 14, 12) for folder in folders if folder.name != "shims"]
    return [path for path in found if path.exists()]


def run(*command: object, **environment: str) -> str:
    """Run a command and show what it says; a failure ends the program."""
    words = [str(word) for word in command]
    print("$", *words, flush=True)
    done = subprocess.run(words, cwd=ROOT, env={**os.environ, **environment}, stdout=subprocess.PIPE, text=True,
                          stderr=subprocess.STDOUT, check=False, stdin=subprocess.DEVNULL)  # fmt: skip
    print(done.stdout, flush=True)
    if done.returncode:
        sys.exit(done.returncode)
    return done.stdout


def choose() -> tuple[pathlib.Path, str]:
    """The Python and the requirement of the other end."""
    here = core_version(sys.executable)
    if here >= (2, 20):
        return pathlib.Path(sys.executable).resolve(), "ansible-core==2.19.*"
    for path in candidates():
        if python_version(path) >= (3, 12):
            return path, "ansible-core>=2.21"
    print("SKIPPED: no Python >= 3.12 here, so nothing was tried with ansible-core 2.21")
    sys.exit(SKIPPED)


def make(python: pathlib.Path, requirement: str) -> None:
    """Make the environment, with the wheel that `make install` built."""
    (wheel,) = (ROOT / ".build" / "wheel").glob("*.whl")
    uv = pathlib.Path(sys.executable).with_name("uv")
    shutil.rmtree(VENV, ignore_errors=True)
    run(uv, "venv", "--quiet", "--python", python, VENV, UV_PYTHON_DOWNLOADS="never")
    run(uv, "pip", "install", "--quiet", "--python", BIN / "python", "--reinstall-package", "camsec-fleet",
        f"camsec-fleet[test] @ {wheel.as_uri()}", requirement)  # fmt: skip
    print(run(BIN / "ansible", "--version").splitlines()[0])


def install_tarball() -> None:
    """Build the tarball with this core and install it offline."""
    shutil.rmtree(COLLECTIONS.parent, ignore_errors=True)
    COLLECTIONS.mkdir(parents=True)
    staged = ROOT / ".build" / "stage" / "ansible_collections" / "camsec" / "fleet"
    run(BIN / "ansible-galaxy", "collection", "build", "--output-path", COLLECTIONS.parent, staged)
    (tarball,) = COLLECTIONS.parent.glob("*.tar.gz")
    run(BIN / "ansible-galaxy", "collection", "install", tarball, "-p", COLLECTIONS, "--offline", "--force")


def main() -> int:
    """Make it; 1 when ansible does not find the wheel's collection."""
    python, requirement = choose()
    make(python, requirement)
    install_tarball()
    said = run(BIN / "ansible-galaxy", "collection", "list", "camsec.fleet", ANSIBLE_COLLECTIONS_PATH="/nonexistent")
    listed = re.findall(r"camsec\.fleet\s+(\S+)", said)
    version = re.search(r"^version: (\S+)$", (ROOT / "galaxy.yml").read_text(), re.MULTILINE)
    assert version
    if listed != [version[1]]:
        print(f"the wheel's collection: found {listed}, expected [{version[1]!r}]")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
