# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files of keys and certificates: read with one clear sentence on failure, written atomically."""

from __future__ import annotations

import contextlib
import os
import stat
import tempfile
import typing as t
from pathlib import Path

from .._core._errors import PkiError

__all__ = ["make_directory", "make_parents", "read_bytes", "read_secret_bytes", "read_text", "write_atomic"]

PRIVATE = 0o600
PUBLIC = 0o644
_LARGEST = 1 << 20


def read_text(path: str | Path, *, subject: str) -> str:
    """Read a small text file.

    Args:
        path: The file.
        subject: What it should hold, for the error.

    Returns:
        Its text; bytes that are no UTF-8 are replaced.

    Raises:
        PkiError: It is missing, unreadable or larger than 1 MiB.
    """
    return _read(path, subject=subject).decode("utf-8", "replace")


def read_bytes(path: str | Path, *, subject: str) -> bytes:
    """Read a small file.

    Args:
        path: The file.
        subject: What it should hold, for the error.

    Returns:
        Its content.

    Raises:
        PkiError: It is missing, unreadable or larger than 1 MiB.
    """
    return _read(path, subject=subject)


def read_secret_bytes(path: str | Path, *, subject: str) -> bytes:
    """Read a file that only its owner may read.

    Args:
        path: The file.
        subject: What it should hold, for the error.

    Returns:
        Its content.

    Raises:
        PkiError: It is missing, unreadable, or others may read or write it.
    """
    content = _read(path, subject=subject)
    mode = stat.S_IMODE(Path(path).stat().st_mode)
    if mode & 0o077:
        raise PkiError(
            device=str(path),
            subject=subject,
            found=f"mode {mode:04o}, open to other users",
            expected="mode 0600",
            advice=f"Run: chmod 600 {path}; consider the key known to others if they had access.",
        )
    return content


def _read(path: str | Path, *, subject: str) -> bytes:
    try:
        with Path(path).open("rb") as file:
            content = file.read(_LARGEST + 1)
    except OSError as error:
        found = "no such file" if isinstance(error, FileNotFoundError) else _why(error)
        raise PkiError(device=str(path), subject=subject, found=found, expected="a readable file") from error
    if len(content) > _LARGEST:
        raise PkiError(device=str(path), subject=subject, found="more than 1 MiB", expected="a small PEM file")
    return content


def make_directory(path: str | Path, *, subject: str) -> None:
    """Make a directory that only its owner may use; one that is there keeps its mode.

    Args:
        path: The directory; its parents are made too.
        subject: What it is for, for the error.

    Raises:
        PkiError: It cannot be made.
    """
    try:
        Path(path).mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise PkiError(device=str(path), subject=subject, found=_why(error), expected="a directory") from error


def make_parents(path: str | Path, *, subject: str) -> None:
    """Make the directories that a file is to lie in.

    Args:
        path: The file.
        subject: What it holds, for the error.

    Raises:
        PkiError: They cannot be made.
    """
    make_directory(Path(path).parent, subject=f"directory for the {subject}")


def write_atomic(path: str | Path, content: bytes, *, mode: int) -> None:
    """Write a file so that readers see the old content or the new, and a crash leaves one of the two.

    The temporary file is made with mode 0600 in the same directory, written, synced and renamed.

    Args:
        path: The file.
        content: Its new content.
        mode: Its permissions, for example ``0o600``.

    Raises:
        OSError: It cannot be written; the old file is untouched.
    """
    target = Path(path)
    descriptor, temporary = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fchmod(file.fileno(), mode)
            os.fsync(file.fileno())
        Path(temporary).replace(target)
    except BaseException:
        with contextlib.suppress(OSError):
            Path(temporary).unlink()
        raise
    _sync_directory(target.parent)


def write_or_fail(path: str | Path, content: bytes, *, mode: int, subject: str) -> None:
    """Write a file like :func:`write_atomic`.

    Args:
        path: The file.
        content: Its new content.
        mode: Its permissions.
        subject: What it holds, for the error.

    Raises:
        PkiError: It cannot be written; the old file is untouched.
    """
    try:
        write_atomic(path, content, mode=mode)
    except OSError as error:
        raise PkiError(device=str(path), subject=subject, found=_why(error), expected="a writable place") from error


def _sync_directory(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _why(error: OSError) -> str:
    return (error.strerror or type(error).__name__).lower()


def exists(path: str | Path) -> bool:
    """Whether there is anything at a path.

    Args:
        path: The path.

    Returns:
        True also for a dangling link.
    """
    return os.path.lexists(t.cast("str", path))
