# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Digests of files: those of received bytes are known at once, others are computed when they are asked for."""

from __future__ import annotations

import collections
import dataclasses as dc
import hashlib
import os
import threading
import time
import typing as t
import zlib

__all__ = ["ALGORITHMS", "Digests", "FileKey", "Hash", "digest_of_range"]

_BLOCK: t.Final = 1 << 20
# Times of files go by ticks of some milliseconds, of seconds on some file systems: what has changed a moment ago may
# change again within the same one.
_SETTLED_NS: t.Final = 3_000_000_000


class Hash(t.Protocol):
    """What hashlib's objects offer."""

    def update(self, data: t.Any, /) -> None: ...

    def hexdigest(self) -> str: ...

    def copy(self) -> Hash: ...


class _Crc32:
    """CRC-32 (ISO HDLC) with the interface of hashlib's objects."""

    def __init__(self, value: int = 0) -> None:
        self._value = value

    def update(self, data: t.Any, /) -> None:
        self._value = zlib.crc32(data, self._value)

    def hexdigest(self) -> str:
        return f"{self._value:08x}"

    def copy(self) -> _Crc32:
        return _Crc32(self._value)


#: Algorithm as HASH names it (IANA's registry of FTP, and what other servers use), and how it is computed.
ALGORITHMS: t.Final[t.Mapping[str, t.Callable[[], Hash]]] = {
    "SHA-256": hashlib.sha256,
    "SHA-512": hashlib.sha512,
    "CRC32": _Crc32,
}


@dc.dataclass(frozen=True, kw_only=True)
class FileKey:
    """Tells whether a file is still the one whose digest is known.

    A client can set the modification time (MFMT), never the time of change of the inode.
    """

    device: int
    inode: int
    size: int
    mtime_ns: int
    ctime_ns: int

    @property
    def file(self) -> tuple[int, int]:
        """Which file it is, whatever it holds."""
        return self.device, self.inode

    @classmethod
    def of(cls, status: os.stat_result) -> FileKey:
        """The key of a file.

        Args:
            status: Of the file.

        Returns:
            The key.
        """
        return cls(
            device=status.st_dev,
            inode=status.st_ino,
            size=status.st_size,
            mtime_ns=status.st_mtime_ns,
            ctime_ns=status.st_ctime_ns,
        )


class Digests:
    """The newest digests, in memory, of one state of each file; thread-safe.

    Args:
        most: How many files are remembered.
    """

    def __init__(self, most: int = 10_000) -> None:
        self._most = most
        self._lock = threading.Lock()
        self._known: collections.OrderedDict[tuple[int, int], tuple[FileKey, dict[str, Hash]]]
        self._known = collections.OrderedDict()

    def remember(self, key: FileKey, algorithm: str, value: Hash) -> None:
        """Keep a digest; those of another state of the file are forgotten.

        Args:
            key: Of the file.
            algorithm: Of :data:`ALGORITHMS`.
            value: Its state after the whole file, so that an upload that goes on can take it up.
        """
        with self._lock:
            state, values = self._known.get(key.file, (key, {}))
            self._known[key.file] = (key, {**(values if state == key else {}), algorithm: value})
            self._known.move_to_end(key.file)
            while len(self._known) > self._most:
                self._known.popitem(last=False)

    def known(self, key: FileKey, algorithm: str) -> Hash | None:
        """A digest that is known.

        Args:
            key: Of the file.
            algorithm: Of :data:`ALGORITHMS`.

        Returns:
            A copy of its state after the whole file, or nothing.
        """
        with self._lock:
            state, values = self._known.get(key.file, (key, {}))
            value = values.get(algorithm) if state == key else None
            return None if value is None else value.copy()

    def forget(self, key: FileKey) -> None:
        """Forget all of a file: it is about to be written.

        Args:
            key: Of the file, in whatever state.
        """
        with self._lock:
            self._known.pop(key.file, None)

    def moved(self, old: FileKey, new: FileKey) -> None:
        """Follow a change of name, mode or modification time, while nobody could write.

        Args:
            old: Key before it.
            new: Key after it; anything that was known of it is forgotten.
        """
        with self._lock:
            state, values = self._known.pop(old.file, (new, {}))
            self._known.pop(new.file, None)
            if state == old and old.file == new.file and old.size == new.size:
                self._known[new.file] = (new, values)

    def of_file(self, descriptor: int, algorithm: str) -> str:
        """The digest of a whole file.

        Args:
            descriptor: Open for reading.
            algorithm: Of :data:`ALGORITHMS`.

        Returns:
            The digest in lower-case hexadecimal.
        """
        key = FileKey.of(os.fstat(descriptor))
        settled = time.time_ns() - key.ctime_ns > _SETTLED_NS
        value = self.known(key, algorithm)
        if value is None:
            value = digest_of_range(descriptor, algorithm, 0, key.size)
            if settled and FileKey.of(os.fstat(descriptor)) == key:
                self.remember(key, algorithm, value)
        return value.hexdigest()


def digest_of_range(descriptor: int, algorithm: str, start: int, end: int) -> Hash:
    """The digest of a part of a file.

    Args:
        descriptor: Open for reading.
        algorithm: Of :data:`ALGORITHMS`.
        start: First byte.
        end: The byte behind the last one.

    Returns:
        Its state.
    """
    value = ALGORITHMS[algorithm]()
    while start < end:
        block = os.pread(descriptor, min(_BLOCK, end - start), start)
        if not block:
            break
        value.update(block)
        start += len(block)
    return value
