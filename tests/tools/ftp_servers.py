# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Fetch other people's FTP servers and clients into `.build/ftp/`, nothing of it installed.

vsftpd, proftpd and pure-ftpd evict each other in apt, so their Debian packages are only unpacked; libraries that this
machine lacks come along. A second run finds all of it there. Where apt is missing, offline or another distribution's,
it says `SKIPPED:` and ends with status 77, and the tests that need a server say so too.
"""

from __future__ import annotations

import fcntl
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
FOLDER = ROOT / ".build" / "ftp"
SKIPPED = 77
PACKAGES = (
    "vsftpd",
    "proftpd-core",
    "proftpd-mod-crypto",
    "pure-ftpd",
    "pure-ftpd-common",
    "lftp",
    "openssh-server",
    "openssh-sftp-server",
)
PROGRAMS = {
    "vsftpd": "usr/sbin/vsftpd",
    "proftpd": "usr/sbin/proftpd",
    "pure-ftpd": "usr/sbin/pure-ftpd",
    "pure-pw": "usr/bin/pure-pw",
    "lftp": "usr/bin/lftp",
    "sshd": "usr/sbin/sshd",
    "sftp-server": "usr/lib/openssh/sftp-server",
}
PLUGINS = ("usr/lib/proftpd/mod_tls.so", "usr/lib/proftpd/mod_sftp.so")


class Unavailable(Exception):
    """The packages cannot be had here; the text says why."""


def _run(*command: str, cwd: pathlib.Path | None = None, path: str = "") -> str:
    try:
        done = subprocess.run(
            command,
            cwd=cwd,
            env={**os.environ, "LC_ALL": "C", "LD_LIBRARY_PATH": path},
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )
    except FileNotFoundError as error:
        raise Unavailable(f"{command[0]} is not installed") from error
    if done.returncode:
        last = (done.stderr or done.stdout).strip().splitlines()
        raise Unavailable(f"`{' '.join(command[:4])} …` failed: {last[-1] if last else done.returncode}")
    return done.stdout


def library_path(tree: pathlib.Path) -> str:
    """What LD_LIBRARY_PATH must hold for the unpacked programs."""
    folders = {path.parent for path in tree.glob("**/lib*.so*") if "proftpd" not in path.parts}
    return ":".join(sorted(str(folder) for folder in folders))


def _missing_libraries(tree: pathlib.Path) -> list[str]:
    path = library_path(tree)
    listings = [
        _run("ldd", str(tree / name), path=path) for name in (*PROGRAMS.values(), *PLUGINS) if (tree / name).exists()
    ]
    return sorted(set(re.findall(r"^\s*(\S+) => not found", "".join(listings), re.MULTILINE)))


def _installed(package: str) -> bool:
    done = subprocess.run(
        ["dpkg-query", "-W", "-f", "${db:Status-Status}", package], capture_output=True, text=True, check=False
    )
    return done.stdout.strip() == "installed"


def _download(packages: list[str], folder: pathlib.Path) -> None:
    try:
        _run("apt-get", "download", *packages, cwd=folder)
    except Unavailable:
        _run("apt-get", "update", "-qq")
        _run("apt-get", "download", *packages, cwd=folder)


def _library_packages(archives: list[pathlib.Path]) -> list[str]:
    """The library packages that these archives ask for and this machine has not."""
    wanted = set()
    for archive in archives:
        for clause in _run("dpkg-deb", "-f", str(archive), "Depends").split(","):
            name = clause.split("|")[0].strip().split(" ")[0].split(":")[0]
            if name.startswith("lib") and not _installed(name):
                wanted.add(name)
    return sorted(wanted)


def _unpack(archives: list[pathlib.Path], tree: pathlib.Path) -> None:
    for archive in archives:
        _run("dpkg", "-x", str(archive), str(tree))


def _fetch(tree: pathlib.Path, archives: pathlib.Path) -> None:
    _download(list(PACKAGES), archives)
    fresh = sorted(archives.glob("*.deb"))
    _unpack(fresh, tree)
    for dummy in range(4):
        if not _missing_libraries(tree):
            return
        before = set(archives.glob("*.deb"))
        wanted = [
            name for name in _library_packages(fresh) if not any(path.name.startswith(f"{name}_") for path in before)
        ]
        if not wanted:
            break
        _download(wanted, archives)
        fresh = sorted(set(archives.glob("*.deb")) - before)
        _unpack(fresh, tree)
    raise Unavailable(f"libraries that no package brought: {', '.join(_missing_libraries(tree))}")


def prepare(folder: pathlib.Path = FOLDER) -> pathlib.Path:
    """Fetch what is missing.

    Args:
        folder: Where it belongs.

    Returns:
        The tree with `usr/sbin/vsftpd` and the others.

    Raises:
        Unavailable: It cannot be had here.
    """
    tree = folder / "tree"
    if (folder / "versions.json").exists():
        return tree
    if shutil.which("apt-get") is None or shutil.which("dpkg") is None:
        raise Unavailable("this machine has no apt-get and dpkg (the servers come as Debian's packages)")
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if (folder / "versions.json").exists():
            return tree
        with tempfile.TemporaryDirectory(dir=folder) as scratch:
            fresh, archives = pathlib.Path(scratch) / "tree", pathlib.Path(scratch) / "archives"
            fresh.mkdir()
            archives.mkdir()
            _fetch(fresh, archives)
            found = sorted(archives.glob("*.deb"))
            versions = dict(_run("dpkg-deb", "-W", str(path)).strip().split("\t") for path in found)
            shutil.rmtree(tree, ignore_errors=True)
            fresh.rename(tree)
        (folder / "versions.json").write_text(json.dumps(versions, indent=2, sort_keys=True) + "\n")
    return tree


def main() -> int:
    """Entry point."""
    try:
        tree = prepare()
    except Unavailable as error:
        print(f"SKIPPED: real FTP servers (vsftpd, proftpd, pure-ftpd, lftp, sshd): {error}")
        return SKIPPED
    versions = json.loads((FOLDER / "versions.json").read_text())
    print(f"{tree}: " + ", ".join(f"{name} {versions[name]}" for name in PACKAGES))
    if os.geteuid() != 0:
        print("SKIPPED: vsftpd and pure-ftpd: they start only as root, and this user is not")
        return SKIPPED
    return 0


if __name__ == "__main__":
    sys.exit(main())
