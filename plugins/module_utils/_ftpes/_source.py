# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is sent: an opened file that must not change meanwhile, or bytes."""

from __future__ import annotations

import contextlib
import io
import os
import pathlib
import stat
import types
import typing as t

from .._core._errors import InputError, VerificationError

__all__ = ["Source"]

_SMALL: t.Final = 1 << 18


class Source:
    """Something to be sent; its size is settled at the start. A context manager that closes the file.

    Use :meth:`open` or :meth:`of_bytes`.

    Attributes:
        path: Where the file lies; empty for bytes.
        size: In bytes.
        mtime_ns: Time of the last change in nanoseconds; 0 for bytes.
        inode: Number of the inode; 0 for bytes.
    """

    def __init__(
        self, stream: io.RawIOBase | io.BytesIO, *, path: str, size: int, status: os.stat_result | None
    ) -> None:
        self._stream = stream
        self._status = status
        self.path = path
        self.size = size
        self.mtime_ns = status.st_mtime_ns if status is not None else 0
        self.inode = status.st_ino if status is not None else 0

    @classmethod
    def open(cls, path: str | os.PathLike[str]) -> t.Self:
        """Open a file and notice what it is now.

        Args:
            path: Of a regular file.

        Returns:
            The source.

        Raises:
            InputError: No such file, unreadable, or not a regular file.
        """
        shown = os.fspath(path)
        try:
            # Not to hang on a pipe that lies there.
            descriptor = os.open(shown, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        except (OSError, ValueError) as error:
            raise _unreadable(shown, error) from error
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            os.close(descriptor)
            raise InputError(device=shown, subject="file", found="no regular file", expected="a regular file")
        with contextlib.suppress(AttributeError, OSError):
            # Reading ahead, where there is something ahead.
            if status.st_size > _SMALL:
                os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_SEQUENTIAL)
        return cls(io.FileIO(descriptor), path=shown, size=status.st_size, status=status)

    @classmethod
    def of_bytes(cls, content: bytes) -> t.Self:
        """Bytes in memory.

        Args:
            content: What is to be sent.

        Returns:
            The source.
        """
        return cls(io.BytesIO(content), path="", size=len(content), status=None)

    def seek(self, position: int) -> None:
        """Go on from there.

        Args:
            position: In bytes from the start.
        """
        self._stream.seek(position)

    def read_into(self, buffer: memoryview) -> int:
        """Read on, as much as there is room for.

        Args:
            buffer: Where to.

        Returns:
            Number of bytes; less than the buffer's size only at the end.

        Raises:
            VerificationError: The file cannot be read to its end any more.
        """
        filled = 0
        try:
            while filled < len(buffer):
                count = self._stream.readinto(buffer[filled:])
                if not count:
                    break
                filled += count
        except OSError as error:
            raise VerificationError(
                device=self.path,
                subject="file",
                found=f"a read error ({error.strerror})",
                expected="a file that can be read to its end",
            ) from error
        return filled

    def check_unchanged(self) -> None:
        """Compare the file with what it was at the start.

        Raises:
            VerificationError: It has changed, or another file lies under its name.
        """
        if self._status is None:
            return
        now = os.fstat(self._stream.fileno())
        if _identity(now) != _identity(self._status):
            raise self.changed(f"{now.st_size} bytes with another time of change")
        try:
            there = pathlib.Path(self.path).stat()
        except OSError:
            raise self.changed("no file under its name any more") from None
        if (there.st_dev, there.st_ino) != (now.st_dev, now.st_ino):
            raise self.changed("another file under its name")

    def changed(self, found: str) -> VerificationError:
        """The error for a file that changed.

        Args:
            found: What is there now.

        Returns:
            The error.
        """
        return VerificationError(
            device=self.path or "content",
            subject="file while it was being sent",
            found=found,
            expected=f"the {self.size} bytes that it had at the start, unchanged",
            advice="Send it again when nothing writes to it any more.",
        )

    def close(self) -> None:
        """Close the file."""
        self._stream.close()

    def __enter__(self) -> t.Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: types.TracebackType | None
    ) -> None:
        self.close()


def _identity(status: os.stat_result) -> tuple[int, int, int, int]:
    return status.st_size, status.st_mtime_ns, status.st_ino, status.st_dev


def _unreadable(path: str, error: OSError | ValueError) -> InputError:
    reason = (error.strerror if isinstance(error, OSError) else None) or str(error)
    return InputError(device=path, subject="file", found=reason, expected="a file that can be read")
