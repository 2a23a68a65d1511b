# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A server's replies, read out of bytes. Pure (RFC 959 4.2, RFC 2428, RFC 2389, RFC 3659)."""

from __future__ import annotations

import collections
import dataclasses as dc
import ipaddress
import re
import typing as t

from .._core._errors import ProtocolError

__all__ = ["Entry", "Reply", "ReplyReader", "features", "machine_entry", "passive_address", "passive_port", "size_of"]

# A server that sends more than this is broken or hostile.
_LONGEST_LINE: t.Final = 8192
_LONGEST_REPLY: t.Final = 1 << 20
_SHOWN: t.Final = 200
_FIRST = re.compile(rb"([1-5][0-9]{2})([ -]?)(.*)", re.DOTALL)
_EXTENDED = re.compile(r"\((?P<mark>[\x21-\x7e])(?P=mark)(?P=mark)(?P<port>[0-9]{1,5})(?P=mark)\)")
_SIX = re.compile(r"([0-9]{1,3}),([0-9]{1,3}),([0-9]{1,3}),([0-9]{1,3}),([0-9]{1,3}),([0-9]{1,3})")


@dc.dataclass(frozen=True, kw_only=True)
class Reply:
    """One reply.

    Attributes:
        code: Three digits.
        lines: Its text without the codes, at least one line.
    """

    code: int
    lines: tuple[str, ...]

    @property
    def kind(self) -> int:
        """The first digit: 1 preliminary, 2 done, 3 go on, 4 not now, 5 no."""
        return self.code // 100

    @property
    def text(self) -> str:
        """The text in one line."""
        return " ".join(line.strip() for line in self.lines if line.strip())

    @property
    def shown(self) -> str:
        """The reply as messages show it: short, without control characters."""
        text = "".join(character if character.isprintable() else "?" for character in self.text)
        return f"{self.code} {text[:_SHOWN]}".strip()

    def without(self, secret: str) -> Reply:
        """The same reply without a secret that it may repeat.

        Args:
            secret: What must not be shown; may be empty.

        Returns:
            The reply.
        """
        if not secret:
            return self
        return dc.replace(self, lines=tuple(line.replace(secret, "***") for line in self.lines))


class ReplyReader:
    """Makes replies out of what arrives.

    Args:
        device: The server, for messages.
    """

    def __init__(self, device: str) -> None:
        self._device = device
        self._bytes = bytearray()
        self._lines: list[str] = []
        self._code = b""
        self._size = 0
        self._ready: collections.deque[Reply] = collections.deque()

    @property
    def empty(self) -> bool:
        """Nothing is left that was not asked for."""
        return not (self._bytes or self._lines or self._ready)

    def feed(self, data: bytes) -> None:
        """Take what arrived.

        Args:
            data: Bytes, decrypted.

        Raises:
            ProtocolError: That is no FTP.
        """
        self._bytes += data
        while True:
            end = self._bytes.find(b"\n")
            if end > _LONGEST_LINE or (end < 0 and len(self._bytes) > _LONGEST_LINE):
                raise self._error(f"a line longer than {_LONGEST_LINE} bytes")
            if end < 0:
                return
            line = bytes(self._bytes[:end]).rstrip(b"\r")
            del self._bytes[: end + 1]
            self._take(line)

    def next(self) -> Reply | None:
        """The next whole reply, if there is one."""
        return self._ready.popleft() if self._ready else None

    def _take(self, line: bytes) -> None:
        self._size += len(line)
        if self._size > _LONGEST_REPLY:
            raise self._error(f"a reply longer than {_LONGEST_REPLY} bytes")
        match = _FIRST.fullmatch(line)
        if self._code:
            ends = match is not None and match[1] == self._code and match[2] != b"-"
            self._lines.append(_text(match[3] if match is not None and match[1] == self._code else line))
            if ends:
                self._finish()
            return
        if match is None:
            raise self._error(f"the line {_text(line[:60])!r}")
        self._code = match[1]
        self._lines.append(_text(match[3]))
        if match[2] != b"-":
            self._finish()

    def _finish(self) -> None:
        self._ready.append(Reply(code=int(self._code), lines=tuple(self._lines)))
        self._lines, self._code, self._size = [], b"", 0

    def _error(self, found: str) -> ProtocolError:
        return ProtocolError(
            device=self._device, subject="reply", found=found, expected="a reply of FTP: three digits and a text"
        )


def _text(line: bytes) -> str:
    return line.decode("utf-8", "replace")


def passive_port(reply: Reply) -> int | None:
    """The port in an answer to EPSV (RFC 2428 3).

    Args:
        reply: With code 229.

    Returns:
        The port, or nothing when the answer has none, or names an address.
    """
    match = _EXTENDED.search(reply.text)
    port = int(match["port"]) if match is not None else 0
    return port if 0 < port <= 0xFFFF else None


def passive_address(reply: Reply) -> tuple[str, int] | None:
    """Address and port in an answer to PASV (RFC 959 4.1.2).

    Args:
        reply: With code 227.

    Returns:
        Both, or nothing when the answer has none.
    """
    match = _SIX.search(reply.text)
    if match is None:
        return None
    numbers = [int(one) for one in match.groups()]
    if max(numbers) > 255 or numbers[4:] == [0, 0]:
        return None
    return str(ipaddress.IPv4Address(bytes(numbers[:4]))), numbers[4] * 256 + numbers[5]


def features(reply: Reply) -> dict[str, str]:
    """What a server offers (RFC 2389 3.2).

    Args:
        reply: To FEAT.

    Returns:
        The rest of the line by the name in upper case; empty where the server knows no FEAT.
    """
    if reply.kind != 2:
        return {}
    found: dict[str, str] = {}
    for line in reply.lines[1:-1]:
        name, dummy, rest = line.strip().partition(" ")
        if name:
            found[name.upper()] = f"{found[name.upper()]};{rest}" if name.upper() in found else rest
    return found


def size_of(reply: Reply) -> int | None:
    """The size in an answer to SIZE (RFC 3659 4).

    Args:
        reply: With code 213.

    Returns:
        The size, or nothing when the answer has none.
    """
    word = reply.text.split(" ")[-1]
    return int(word) if reply.code == 213 and word.isascii() and word.isdecimal() else None


@dc.dataclass(frozen=True, kw_only=True)
class Entry:
    """A line of a listing.

    Attributes:
        name: Without its folder.
        kind: ``file``, ``dir`` or another word of the server; empty where it tells none.
        size: In bytes, where the server tells it.
    """

    name: str
    kind: str = ""
    size: int | None = None


def machine_entry(line: str) -> Entry | None:
    """A line of MLSD or MLST (RFC 3659 7.2).

    Args:
        line: ``fact=value;… name``.

    Returns:
        The entry, or nothing for a line that is none.
    """
    facts, space, name = line.lstrip(" ").partition(" ")
    if not space or not name:
        return None
    known = dict(fact.lower().split("=", 1) for fact in facts.split(";") if "=" in fact)
    size = known.get("size", "")
    return Entry(
        name=name,
        kind=known.get("type", ""),
        size=int(size) if size.isascii() and size.isdecimal() else None,
    )
