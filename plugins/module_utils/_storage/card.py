# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A card in a reader: a directory on which it is mounted."""

from __future__ import annotations

import contextlib
import fcntl
import os
import stat
import typing as t
from pathlib import Path

from .._core._errors import CamsecError, ConnectError, InputError, RefusedError, VerificationError
from .content import Present
from .rules import FILE_NAME

__all__ = ["Card", "LocalCard"]

_TEMPORARY: t.Final = f".{FILE_NAME}.tmp"
_LARGEST: t.Final = 64 * 1024 * 1024
_MOUNTS: t.Final = "/proc/self/mountinfo"


class Card(t.Protocol):
    """Where a card's root folder is; a context manager."""

    place: str

    def examine(self) -> Present:
        """What lies there, and whether it can be written to."""

    def write(self, data: bytes) -> None:
        """Put ``certification.pem`` there, so that at any moment the old or the new one lies there."""

    def remove(self) -> None:
        """Take ``certification.pem`` away."""

    def close(self) -> None:
        """End what was opened."""


class LocalCard:
    """A mounted card.

    Args:
        path: The card's root folder.
        require_mount: Refuse a directory on which nothing is mounted.
    """

    def __init__(self, path: str, *, require_mount: bool = True) -> None:
        self.place = path
        self._require_mount = require_mount

    def examine(self) -> Present:
        """What lies there, and whether it can be written to.

        Returns:
            The file and the obstacles.

        Raises:
            InputError: There is no such directory, or no card is mounted on it.
            RefusedError: ``certification.pem`` is no file, or cannot be read.
        """
        root = self._root()
        try:
            data = self._read(root / FILE_NAME)
            free, read_only = _room(root)
        except OSError as error:
            raise self._refused(_why(error), "a readable card") from error
        return Present(data=data, free=free, obstacle=_obstacle(root, read_only=read_only))

    def write(self, data: bytes) -> None:
        """Write, sync, read back from the card itself, and rename.

        Args:
            data: The whole file.

        Raises:
            RefusedError: The card is full, write-protected, or was pulled.
            VerificationError: Something else came back; the old file is as it was.
        """
        root = self._root()
        temporary, advice = root / _TEMPORARY, "The old file is as it was."
        try:
            with _exclusive(temporary) as descriptor:
                _write_all(descriptor, data)
                found = _read_back(descriptor)
                if found == data:
                    temporary.replace(root / FILE_NAME)
            _sync_directory(root)
        except OSError as error:
            raise self._refused(_why(error), "a card that takes the file", advice) from error
        if found != data:
            raise VerificationError(
                device=self.place,
                subject=FILE_NAME,
                found="other content after writing",
                expected="what was written",
                advice=advice,
            )

    def remove(self) -> None:
        """Take ``certification.pem`` away.

        Raises:
            RefusedError: The card does not let it go.
        """
        root = self._root()
        try:
            (root / FILE_NAME).unlink(missing_ok=True)
            _sync_directory(root)
        except OSError as error:
            raise self._refused(_why(error), "a card that can be written to") from error

    def close(self) -> None:
        """Nothing is open."""

    def _root(self) -> Path:
        root = Path(self.place)
        found = ""
        if not root.is_absolute():
            found = "a relative path"
        elif not root.exists():
            found = "no such directory"
        elif not root.is_dir():
            found = "no directory"
        elif self._require_mount and not _is_mount(root):
            found = "a directory on which nothing is mounted"
        if not found:
            return root
        advice = "With require_mount=false a mere directory is taken." if "mounted" in found else ""
        raise InputError(
            device=self.place, subject="memory card", found=found, expected="the root of a mounted card", advice=advice
        )

    def _read(self, path: Path) -> bytes | None:
        try:
            mode = path.lstat().st_mode
        except FileNotFoundError:
            return None
        if not stat.S_ISREG(mode):
            raise self._refused(f"{FILE_NAME} that is no file", "a file, or nothing of that name")
        with path.open("rb") as file:
            return file.read(_LARGEST)

    def _refused(self, found: str, expected: str, advice: str = "") -> CamsecError:
        kind = ConnectError if found == "input/output error" else RefusedError
        return kind(device=self.place, subject="memory card", found=found, expected=expected, advice=advice)


def _is_mount(path: Path) -> bool:
    real = os.path.realpath(path)
    if os.path.ismount(real):
        return True
    # A bind mount from the same file system shows only here.
    with contextlib.suppress(OSError), Path(_MOUNTS).open(encoding="utf-8", errors="surrogateescape") as file:
        return any(_unescaped(line.split(" ")[4]) == real for line in file)
    return False


def _unescaped(name: str) -> str:
    for code in ("040", "011", "012", "134"):
        name = name.replace(f"\\{code}", chr(int(code, 8)))
    return name


def _room(root: Path) -> tuple[int, bool]:
    facts = os.statvfs(root)
    return facts.f_bavail * facts.f_frsize, bool(facts.f_flag & os.ST_RDONLY)


def _obstacle(root: Path, *, read_only: bool) -> str:
    if read_only:
        return "a write-protected card (mounted read-only)"
    return "" if os.access(root, os.W_OK) else "a card that this account may not write to"


@contextlib.contextmanager
def _exclusive(path: Path) -> t.Iterator[int]:
    """A new file that no other process writes at the same time; one that a crash left behind is taken over.

    Unless it was renamed, it is removed again.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o644)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if not _is_at(descriptor, path):
            # Between opening and locking, another process has renamed it: it is the card's own file by now.
            raise BlockingIOError
        yield descriptor
        if _is_at(descriptor, path):
            path.unlink()
    except BlockingIOError:
        raise
    except BaseException:
        with contextlib.suppress(OSError):
            path.unlink()
        raise
    finally:
        os.close(descriptor)


def _is_at(descriptor: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), path.lstat())
    except FileNotFoundError:
        return False


def _write_all(descriptor: int, data: bytes) -> None:
    os.ftruncate(descriptor, 0)
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]
    # FAT knows no modes.
    with contextlib.suppress(OSError):
        os.fchmod(descriptor, 0o644)
    os.fsync(descriptor)


def _read_back(descriptor: int) -> bytes:
    # What lies in the memory of this host says nothing about the card.
    with contextlib.suppress(OSError):
        os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
    return os.pread(descriptor, _LARGEST, 0)


def _sync_directory(path: Path) -> None:
    # Some drivers of FAT and exFAT cannot; the file itself is on the card by then.
    with contextlib.suppress(OSError):
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _why(error: OSError) -> str:
    if isinstance(error, BlockingIOError):
        return "another process that is writing to it"
    return (error.strerror or type(error).__name__).lower()
