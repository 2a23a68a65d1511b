# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How servers prove what they hold: HASH, XSHA256 and their weaker kin. Pure.

HASH is draft-bryan-ftpext-hash; the X commands are older habits of servers without a standard. Only a collision-safe
algorithm counts as ``hash``; SHA-1, MD5 and CRC-32 find accidents, not forgeries, and count as ``crc``.
"""

from __future__ import annotations

import dataclasses as dc
import hashlib
import re
import typing as t
import zlib

from ._replies import Reply

__all__ = ["CRC", "HASH", "SIZE", "Digest", "HashMethod", "choose", "reported"]

HASH: t.Final = "hash"
CRC: t.Final = "crc"
SIZE: t.Final = "size"

# Name of HASH, our name of the algorithm, the servers' older commands for it; the preferred first.
_ALGORITHMS: t.Final = (
    ("SHA-256", "sha256", ("XSHA256",), HASH),
    ("SHA-512", "sha512", ("XSHA512",), HASH),
    ("SHA-384", "sha384", ("XSHA384",), HASH),
    ("SHA-1", "sha1", ("XSHA1", "XSHA"), CRC),
    ("MD5", "md5", ("XMD5", "MD5"), CRC),
    ("CRC32", "crc32", ("XCRC",), CRC),
)
_HEXADECIMAL = re.compile(r"[0-9a-fA-F]+")
_CRC_DIGITS: t.Final = 8


@dc.dataclass(frozen=True, kw_only=True)
class HashMethod:
    """A way to have the server hash a file.

    Attributes:
        kind: As a receipt names it: ``hash:SHA-256``, ``xsha256``.
        verb: The command that a path follows.
        option: What ``OPTS HASH`` must choose first; empty for none.
        algorithm: Name for :mod:`hashlib`, or ``crc32``.
        strength: ``hash`` or ``crc``.
    """

    kind: str
    verb: str
    option: str
    algorithm: str
    strength: str

    @property
    def digits(self) -> int:
        """Hexadecimal digits of a value."""
        return _CRC_DIGITS if self.algorithm == "crc32" else hashlib.new(self.algorithm).digest_size * 2


def choose(features: t.Mapping[str, str]) -> HashMethod | None:
    """The strongest way that a server offers.

    Args:
        features: Its answer to FEAT.

    Returns:
        The way, or nothing.
    """
    offered = {name.strip().rstrip("*").upper() for name in features.get("HASH", "").split(";")}
    for name, algorithm, verbs, strength in _ALGORITHMS:
        if name in offered:
            return HashMethod(kind=f"hash:{name}", verb="HASH", option=name, algorithm=algorithm, strength=strength)
        for verb in verbs:
            if verb in features:
                return HashMethod(kind=verb.lower(), verb=verb, option="", algorithm=algorithm, strength=strength)
    return None


def reported(reply: Reply, method: HashMethod) -> str | None:
    """The value in a server's answer.

    Args:
        reply: To the method's command.
        method: The way.

    Returns:
        Lower-case hexadecimal, or nothing when the answer has no such value.
    """
    if reply.kind != 2:
        return None
    # The value comes before the file's name, which may look like one.
    for word in reply.text.split():
        if not _HEXADECIMAL.fullmatch(word):
            continue
        if method.algorithm == "crc32" and len(word) <= _CRC_DIGITS:
            return word.lower().rjust(_CRC_DIGITS, "0")
        if len(word) == method.digits:
            return word.lower()
    return None


class Digest:
    """SHA-256 of what flows by, and what the server will be asked for if that is something else.

    Args:
        method: How the server hashes, if it does.
    """

    def __init__(self, method: HashMethod | None = None) -> None:
        self._sha256 = hashlib.sha256()
        self._crc = 0
        self._algorithm = method.algorithm if method is not None else "sha256"
        self._other = (
            hashlib.new(self._algorithm, usedforsecurity=False) if self._algorithm not in ("sha256", "crc32") else None
        )

    def update(self, data: memoryview | bytes) -> None:
        """Take more.

        Args:
            data: The next bytes.
        """
        self._sha256.update(data)
        if self._other is not None:
            self._other.update(data)
        elif self._algorithm == "crc32":
            self._crc = zlib.crc32(data, self._crc)

    @property
    def sha256(self) -> str:
        """SHA-256 so far, lower-case hexadecimal."""
        return self._sha256.hexdigest()

    @property
    def value(self) -> str:
        """The server's algorithm so far, lower-case hexadecimal."""
        if self._other is not None:
            return self._other.hexdigest()
        return f"{self._crc:08x}" if self._algorithm == "crc32" else self.sha256
