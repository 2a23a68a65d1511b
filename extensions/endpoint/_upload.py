# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Receiving one file: the network fills buffers, a thread writes and hashes them; neither waits for the other."""

from __future__ import annotations

import contextlib
import ctypes
import dataclasses as dc
import errno
import os
import pathlib
import queue
import stat
import threading
import time
import typing as t

from ._digests import ALGORITHMS, Digests, FileKey, Hash, digest_of_range

__all__ = [
    "CLEAN_MODE",
    "COMPLETE_MODE",
    "PART_MODE",
    "RECORD",
    "Outcome",
    "Refusal",
    "Upload",
    "UploadTarget",
    "reply_of",
]

#: The mode of a complete file; one that can be written is not complete.
COMPLETE_MODE: t.Final = 0o440
#: The mode of a part: it is being written, or its upload was broken off.
PART_MODE: t.Final = 0o600
#: The mode of a temporary file whose last upload was complete.
CLEAN_MODE: t.Final = 0o640
#: Most bytes of one TLS record: read so much at once, and nothing stays behind in OpenSSL.
RECORD: t.Final = 16384
_BUFFER: t.Final = 256 * 1024
_WAITING: t.Final = 4
_WRITEBACK: t.Final = 8 << 20
_FULL: t.Final = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


class Refusal(Exception):
    """A command that is not carried out.

    Args:
        code: Of the reply.
        text: One sentence for the client.
    """

    def __init__(self, code: int, text: str) -> None:
        self.code, self.text = code, text
        super().__init__(f"{code} {text}")


def reply_of(error: OSError) -> Refusal:
    """The reply to an error of the file system.

    Args:
        error: What the system said.

    Returns:
        552 when there is no room (RFC 959), 553 for a name that cannot be, 450 or 550 otherwise.
    """
    if error.errno in _FULL:
        return Refusal(552, "No room is left for this file; what has arrived can be resumed.")
    if error.errno in (errno.ENAMETOOLONG, errno.EINVAL, errno.EILSEQ):
        return Refusal(553, "This name is too long or cannot be a file name here.")
    if error.errno == errno.EIO:
        return Refusal(451, "The storage failed.")
    return Refusal(550, f"{os.strerror(error.errno or 0)}.")


@dc.dataclass(frozen=True, kw_only=True)
class Outcome:
    """How an upload ended, for the audit log.

    Attributes:
        complete: Answered with 226.
        size: Of the file now.
        received: Bytes of this upload.
        sha256: Of the file now; nothing when it was not worth reading it again.
        seconds: From the first byte to the end.
        problem: Why it is not complete.
    """

    complete: bool
    size: int
    received: int
    sha256: str | None
    seconds: float
    problem: str | None


@dc.dataclass(frozen=True, kw_only=True)
class UploadTarget:
    """A file that has been opened for an upload.

    Attributes:
        path: On disk.
        descriptor: Open for reading and writing, cut at `offset`.
        offset: Where the upload goes on.
        created: It was not there before.
        seal: A complete upload makes it immutable.
        release: To be called once when nobody writes it any more.
    """

    path: str
    descriptor: int
    offset: int
    created: bool
    seal: bool
    release: t.Callable[[], None]


class Upload:
    """An upload that is going on; pyftpdlib takes it for a file object.

    Args:
        target: Where it goes.
        digests: Remembers the digest; knows the one of the part that is there.
        max_size: Largest size; 0 for no limit.
        durable: Have it on the disk before it is complete.
        keep_part: Keep a part when the disk is full.
        on_end: Told once how it ended.
    """

    def __init__(
        self,
        target: UploadTarget,
        *,
        digests: Digests,
        max_size: int,
        durable: bool,
        keep_part: bool,
        on_end: t.Callable[[Outcome], None],
    ) -> None:
        self.name = target.path
        self.closed = False
        self.received = 0
        self._target = target
        self._digests = digests
        self._max_size = max_size
        self._durable = durable
        self._keep_part = keep_part
        self._on_end = on_end
        self._start = time.monotonic()
        self._position = target.offset
        self._synced = target.offset
        self._hash: Hash | None = self._known_start()
        self._buffer: memoryview | None = None
        self._filled = 0
        self._free: queue.SimpleQueue[memoryview] = queue.SimpleQueue()
        self._waiting: queue.Queue[tuple[memoryview, int] | None] = queue.Queue(_WAITING)
        self._writer: threading.Thread | None = None
        self._error: OSError | None = None
        self._too_large = False

    def _known_start(self) -> Hash | None:
        key = FileKey.of(os.fstat(self._target.descriptor))
        known = self._digests.known(key, "SHA-256") if self._target.offset else ALGORITHMS["SHA-256"]()
        # Whatever becomes of this upload, nothing that was known before it is to be taken for the digest after it.
        self._digests.forget(key)
        return known

    # -- while it is going on --------------------------------------------------------------------------------------

    def space(self) -> memoryview:
        """Room for the next record.

        Returns:
            Where to put it; then call :meth:`filled`.
        """
        if self._buffer is None:
            try:
                self._buffer = self._free.get_nowait()
            except queue.Empty:
                self._buffer = memoryview(bytearray(_BUFFER))
            self._filled = 0
        return self._buffer[self._filled : self._filled + RECORD]

    def filled(self, count: int) -> None:
        """Take what has been put into the room.

        Args:
            count: Its bytes.

        Raises:
            Refusal: The file is too large, or the disk is full.
        """
        self._filled += count
        self.received += count
        if self._max_size and self._target.offset + self.received > self._max_size:
            self._too_large = True
            raise Refusal(552, f"This endpoint takes no file of more than {self._max_size} bytes.")
        if self._filled + RECORD > _BUFFER:
            self._pass_on()
        if self._error is not None:
            raise reply_of(self._error)

    def settle(self) -> None:
        """Let what has come so far go to the disk: the network brings nothing more at this moment."""
        if self._filled >= _BUFFER // 2:
            self._pass_on()

    def _pass_on(self) -> None:
        if self._buffer is None or not self._filled:
            return
        if self._writer is None:
            self._writer = threading.Thread(target=self._write_all, name="camsec-writer", daemon=True)
            self._writer.start()
        self._waiting.put((self._buffer, self._filled))
        self._buffer = None

    def _write_all(self) -> None:
        while (waiting := self._waiting.get()) is not None:
            buffer, count = waiting
            self._take(buffer[:count])
            self._free.put(buffer)

    def _take(self, data: memoryview) -> None:
        """Write and hash; after an error the rest is dropped, the network side sees the error."""
        if self._error is not None:
            return
        try:
            if self._hash is None:
                self._hash = digest_of_range(self._target.descriptor, "SHA-256", 0, self._target.offset)
            written = 0
            while written < len(data):
                count = os.pwrite(self._target.descriptor, data[written:], self._position)
                # What is on disk and what is hashed stay the same, also when the disk gets full in between.
                self._hash.update(data[written : written + count])
                written += count
                self._position += count
            self._write_back()
        except OSError as error:
            self._error = error

    def _write_back(self) -> None:
        """Let the disk begin early, so that the fsync at the end has little left."""
        if self._durable and self._position - self._synced >= _WRITEBACK:
            _start_writeback(self._target.descriptor, self._synced, self._position - self._synced)
            self._synced = self._position

    # -- its end -----------------------------------------------------------------------------------------------------

    def _drain(self) -> None:
        if self._writer is not None:
            self._pass_on()
            self._waiting.put(None)
            self._writer.join()
            self._writer = None
        elif self._buffer is not None and self._filled:
            self._take(self._buffer[: self._filled])
        self._buffer, self._filled = None, 0

    def finish(self) -> Outcome:
        """All has arrived: have it on the disk, make it immutable.

        Returns:
            The outcome.

        Raises:
            Refusal: It could not be written; the upload is ended as incomplete.
        """
        self._drain()
        try:
            if self._error is not None:
                raise self._error
            self._make_complete()
        except OSError as error:
            self._error = error
            self.close()
            raise reply_of(error) from error
        return self._end(complete=True, problem=None)

    def _make_complete(self) -> None:
        descriptor = self._target.descriptor
        if self._durable:
            os.fsync(descriptor)
        if self._target.seal:
            # Only after its content is safe: a crash leaves it incomplete, never complete without content.
            os.fchmod(descriptor, COMPLETE_MODE)
            if self._durable:
                os.fsync(descriptor)
        else:
            os.fchmod(descriptor, CLEAN_MODE)
        if self._durable and self._target.created:
            sync_directory(str(pathlib.Path(self._target.path).parent))

    def close(self, problem: str | None = None) -> None:
        """End it as incomplete; nothing when it has ended.

        Args:
            problem: Why.
        """
        if self.closed:
            return
        self._drain()
        if self._error is not None:
            problem = os.strerror(self._error.errno or 0)
        elif self._too_large:
            problem = "larger than allowed"
        full = self._too_large or (self._error is not None and self._error.errno in _FULL)
        empty = self._target.created and not self._position
        if empty or (full and not self._keep_part):
            with contextlib.suppress(OSError):
                pathlib.Path(self._target.path).unlink()
        self._end(complete=False, problem=problem or "the transfer was broken off")

    def _end(self, *, complete: bool, problem: str | None) -> Outcome:
        status = os.fstat(self._target.descriptor)
        self._digests.forget(FileKey.of(status))
        digest = None
        if self._hash is not None and status.st_size == self._position:
            digest = self._hash.hexdigest()
            if stat.S_ISREG(status.st_mode):
                self._digests.remember(FileKey.of(status), "SHA-256", self._hash)
        outcome = Outcome(
            complete=complete,
            size=status.st_size,
            received=self.received,
            sha256=digest,
            seconds=round(time.monotonic() - self._start, 3),
            problem=problem,
        )
        self.closed = True
        os.close(self._target.descriptor)
        self._target.release()
        self._on_end(outcome)
        return outcome


def sync_directory(path: str) -> None:
    """Have a directory's entries on the disk.

    Args:
        path: The directory.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _start_writeback(descriptor: int, start: int, count: int) -> None:
    if _SYNC_FILE_RANGE is not None:
        _SYNC_FILE_RANGE(descriptor, start, count, 2)


def _sync_file_range() -> t.Callable[..., t.Any] | None:
    function = getattr(ctypes.CDLL(None), "sync_file_range", None)
    if function is not None:
        function.argtypes = (ctypes.c_int, ctypes.c_int64, ctypes.c_int64, ctypes.c_uint)
    return t.cast("t.Callable[..., t.Any] | None", function)


_SYNC_FILE_RANGE: t.Final = _sync_file_range()
