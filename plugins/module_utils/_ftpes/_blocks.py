# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads and hashes a source in a thread of its own, so that both run beside encryption. Memory is bounded."""

from __future__ import annotations

import queue
import threading
import typing as t

from ._hashes import Digest
from ._source import Source

__all__ = ["BLOCK", "read_blocks"]

BLOCK: t.Final = 1 << 18
_BLOCKS: t.Final = 8


def read_blocks(source: Source, size: int, digest: Digest, *, block: int = BLOCK) -> t.Iterator[memoryview]:
    """Read exactly so many bytes on from where the source is, and hash them on the way.

    Args:
        source: Already at the right place.
        size: How many bytes are to come.
        digest: Takes them all.
        block: At most that many at once.

    Yields:
        The blocks. One may be used until the next is asked for.

    Raises:
        VerificationError: The source has fewer bytes, or cannot be read.
    """
    if size <= block:
        buffer = memoryview(bytearray(size))
        _fill(source, buffer, digest)
        if size:
            yield buffer
        return
    yield from _read_ahead(source, size, digest, block)


def _fill(source: Source, buffer: memoryview, digest: Digest) -> None:
    count = source.read_into(buffer)
    if count < len(buffer):
        raise source.changed(f"{len(buffer) - count} bytes less")
    digest.update(buffer)


def _read_ahead(source: Source, size: int, digest: Digest, block: int) -> t.Iterator[memoryview]:
    free: queue.SimpleQueue[memoryview | None] = queue.SimpleQueue()
    full: queue.SimpleQueue[memoryview | BaseException] = queue.SimpleQueue()
    for dummy in range(_BLOCKS):
        free.put(memoryview(bytearray(block)))

    def work() -> None:
        left = size
        try:
            while left:
                buffer = free.get()
                if buffer is None:
                    return
                part = buffer[: min(block, left)]
                _fill(source, part, digest)
                left -= len(part)
                full.put(part)
        except BaseException as error:  # noqa: BLE001 - it is raised again where the blocks are taken
            full.put(error)

    thread = threading.Thread(target=work, name="camsec-hash", daemon=True)
    thread.start()
    try:
        left = size
        while left:
            part = full.get()
            if isinstance(part, BaseException):
                raise part
            left -= len(part)
            yield part
            free.put(memoryview(part.obj))
    finally:
        free.put(None)
        thread.join()
