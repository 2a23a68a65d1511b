# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The first messages of a TLS handshake as bytes: built, and read. Knows no sockets.

A server's answer to a ClientHello that was written by hand tells which suite it takes, whatever the local OpenSSL would
offer, and costs neither side a whole handshake. In TLS 1.2 its certificates come along in the clear (RFC 5246 section
7.4.2), in TLS 1.3 they do not (RFC 8446 section 4.4.2).
"""

from __future__ import annotations

import dataclasses as dc
import os
import typing as t

from .._core._errors import ProtocolError
from ._registry import VERSIONS, is_grease

__all__ = ["ClientHello", "ServerAnswer", "ServerFlight", "alert", "client_hello", "read_client_hello"]

_ALERT, _HANDSHAKE = 21, 22
_CLIENT_HELLO, _SERVER_HELLO, _CERTIFICATE, _KEY_EXCHANGE, _DONE = 1, 2, 11, 12, 14
_TLS12, _TLS13 = 0x0303, 0x0304
_SERVER_NAME, _GROUPS, _POINT_FORMATS, _SIGNATURES = 0, 10, 11, 13
_EXTENDED_MASTER_SECRET, _VERSIONS, _KEY_SHARE, _RENEGOTIATION = 23, 43, 51, 0xFF01
_NAMED_CURVE = 3
_X25519, _SECP256R1 = 29, 23
# In TLS 1.2 the finite-field groups are left out: they would change which group a server picks (RFC 7919).
_CURVES = (_X25519, _SECP256R1, 24, 25, 30)
_FINITE_FIELDS = (256, 257, 258)
# Everything that a certificate's key may sign with, also what is old: a refusal is to be about the suite alone.
_SIGNATURE_ALGORITHMS = (
    0x0403, 0x0503, 0x0603, 0x0807, 0x0808, 0x0804, 0x0805, 0x0806, 0x0809, 0x080A, 0x080B, 0x0401, 0x0501, 0x0601,
    0x0303, 0x0301, 0x0402, 0x0302, 0x0203, 0x0201, 0x0202,
)  # fmt: skip
# RFC 8446 section 4.1.3: a ServerHello with this random asks for another key share.
_RETRY_RANDOM = bytes.fromhex("cf21ad74e59a6111be1d8c021e65b891c2a211167abb8c5e079e09e2c8a8339c")
_LONGEST_RECORD = (1 << 14) + 2048
_LONGEST_FLIGHT = 1 << 18


@dc.dataclass(frozen=True, kw_only=True)
class ServerAnswer:
    """What a server said to a ClientHello.

    Attributes:
        version: Of the protocol, for example ``0x0303``; 0 when it refused.
        suite: Code point of the suite that it picked, none when it refused.
        alert: Number of the alert by which it refused, none when it picked a suite.
        retry: It asked for another key share (HelloRetryRequest); the suite is settled all the same.
        certificates: DER, the server's own first; TLS 1.2 and older only.
        dh_bits: Size of its finite-field group, 0 where there is none.
        group: Number of its curve, 0 where there is none.
    """

    version: int = 0
    suite: int | None = None
    alert: int | None = None
    retry: bool = False
    certificates: tuple[bytes, ...] = ()
    dh_bits: int = 0
    group: int = 0


@dc.dataclass(frozen=True, kw_only=True)
class ClientHello:
    """What a client offered.

    Attributes:
        suites: Code points in the client's order, without GREASE and signals.
        signals: Code points in the list of suites that are no suites.
        versions: Protocol versions in the client's order.
        server_name: The name it asked for (SNI), or empty.
        groups: Key exchange groups in its order.
        signature_algorithms: In its order.
        extensions: Numbers of its extensions, in order.
        grease: It sent numbers that mean nothing (RFC 8701).
    """

    suites: tuple[int, ...]
    signals: tuple[int, ...]
    versions: tuple[int, ...]
    server_name: str
    groups: tuple[int, ...]
    signature_algorithms: tuple[int, ...]
    extensions: tuple[int, ...]
    grease: bool


def client_hello(suites: t.Sequence[int], *, version: int = _TLS12, server_name: str = "") -> bytes:
    """Build a ClientHello in one record (RFC 5246 section 7.4.1.2, RFC 8446 section 4.1.2).

    Args:
        suites: Code points in the order of preference.
        version: The newest version offered; ``0x0304`` offers TLS 1.3 and nothing else.
        server_name: Host name in A-labels to ask for (RFC 6066); empty for an address.

    Returns:
        The bytes to send.
    """
    body = min(version, _TLS12).to_bytes(2, "big") + os.urandom(32)
    # A session id makes a TLS 1.3 hello look like one of TLS 1.2 to what stands between (RFC 8446, appendix D.4).
    body += _vector(os.urandom(32) if version == _TLS13 else b"", 1)
    body += _vector(_numbers(suites), 2) + _vector(b"\0", 1)
    body += _vector(_extensions(version, server_name), 2)
    message = bytes([_CLIENT_HELLO]) + _vector(body, 3)
    # The version of the first record is 3.1 for all but SSL 3 (RFC 8446 section 5.1).
    return bytes([_HANDSHAKE]) + min(version, 0x0301).to_bytes(2, "big") + _vector(message, 2)


def alert(description: int, *, fatal: bool = True) -> bytes:
    """Build an alert in the clear (RFC 5246 section 7.2).

    Args:
        description: Its number.
        fatal: Else it is a warning.

    Returns:
        The bytes to send.
    """
    return bytes([_ALERT, 3, 3, 0, 2, 2 if fatal else 1, description])


def _extensions(version: int, server_name: str) -> bytes:
    found = b""
    if server_name:
        name = b"\0" + _vector(server_name.encode("ascii"), 2)
        found += _extension(_SERVER_NAME, _vector(name, 2))
    if version >= 0x0301:
        groups = _CURVES + (_FINITE_FIELDS if version == _TLS13 else ())
        found += _extension(_GROUPS, _vector(_numbers(groups), 2))
        found += _extension(_POINT_FORMATS, _vector(b"\0", 1))
    if version >= _TLS12:
        found += _extension(_SIGNATURES, _vector(_numbers(_SIGNATURE_ALGORITHMS), 2))
    if version == _TLS13:
        found += _extension(_VERSIONS, _vector(_numbers((_TLS13,)), 1))
        # Any 32 bytes are a public key of X25519; nobody will use the secret, since the handshake ends here.
        share = _X25519.to_bytes(2, "big") + _vector(os.urandom(32), 2)
        return found + _extension(_KEY_SHARE, _vector(share, 2))
    return found + _extension(_EXTENDED_MASTER_SECRET, b"") + _extension(_RENEGOTIATION, b"\0")


def _extension(number: int, content: bytes) -> bytes:
    return number.to_bytes(2, "big") + _vector(content, 2)


def _vector(content: bytes, width: int) -> bytes:
    return len(content).to_bytes(width, "big") + content


def _numbers(numbers: t.Iterable[int]) -> bytes:
    return b"".join(number.to_bytes(2, "big") for number in numbers)


class _Reader:
    """Takes vectors off a message; whoever sent less than it announced gets one sentence."""

    def __init__(self, content: bytes, *, device: str, subject: str) -> None:
        self._content = content
        self._device = device
        self._subject = subject

    def take(self, size: int) -> bytes:
        """The next bytes."""
        if size > len(self._content):
            raise ProtocolError(
                device=self._device,
                subject=self._subject,
                found="a message that ends too early",
                expected="a whole message of TLS",
            )
        taken, self._content = self._content[:size], self._content[size:]
        return taken

    def number(self, width: int) -> int:
        """The next number."""
        return int.from_bytes(self.take(width), "big")

    def vector(self, width: int) -> _Reader:
        """The next vector, its length in `width` bytes before it."""
        return _Reader(self.take(self.number(width)), device=self._device, subject=self._subject)

    def numbers(self) -> tuple[int, ...]:
        """All that is left as numbers of two bytes."""
        found = []
        while self:
            found.append(self.number(2))
        return tuple(found)

    def rest(self) -> bytes:
        """All that is left."""
        return self.take(len(self._content))

    def __bool__(self) -> bool:
        return bool(self._content)

    def extensions(self) -> dict[int, _Reader]:
        """The extensions, in order; none where the message ends before them."""
        found: dict[int, _Reader] = {}
        if self:
            block = self.vector(2)
            while block:
                number = block.number(2)
                found[number] = block.vector(2)
        return found


class _Records:
    """Puts handshake messages together out of records; keeps to limits."""

    def __init__(self, *, device: str, subject: str, expected: str) -> None:
        self.device = device
        self.subject = subject
        self._expected = expected
        self._bytes = b""
        self._messages = b""
        self._seen = 0
        self.alert: int | None = None

    def feed(self, content: bytes) -> list[tuple[int, _Reader]]:
        """Take bytes off the wire.

        Args:
            content: What arrived.

        Returns:
            The messages that are whole now: their type and body.

        Raises:
            ProtocolError: No TLS, or more than a handshake can need.
        """
        self._bytes += content
        self._seen += len(content)
        if self._seen > _LONGEST_FLIGHT:
            raise self.error("more than 256 KiB of handshake")
        while self.alert is None and self._record():
            pass
        return self._whole()

    def error(self, found: str) -> ProtocolError:
        """The sentence about bytes that do not fit."""
        return ProtocolError(device=self.device, subject=self.subject, found=found, expected=self._expected)

    def _record(self) -> bool:
        if self._bytes and self._bytes[0] in (20, 23):
            return False  # the rest of a flight of TLS 1.3 is encrypted; there is nothing in it for us
        if self._bytes and self._bytes[0] not in (_ALERT, _HANDSHAKE):
            raise self.error("an answer that is not TLS")
        if len(self._bytes) < 5:
            return False
        kind, size = self._bytes[0], int.from_bytes(self._bytes[3:5], "big")
        if self._bytes[1] != 3 or not 0 < size <= _LONGEST_RECORD:
            raise self.error("an answer that is not TLS")
        if len(self._bytes) < 5 + size:
            return False
        content, self._bytes = self._bytes[5 : 5 + size], self._bytes[5 + size :]
        if kind == _HANDSHAKE:
            self._messages += content
        elif len(content) < 2:
            raise self.error("an alert without its number")
        elif content[0] == 2 or content[1] == 0:  # a warning alone (such as unrecognized_name) ends nothing
            self.alert = content[1]
        return True

    def _whole(self) -> list[tuple[int, _Reader]]:
        found = []
        while len(self._messages) >= 4:
            size = int.from_bytes(self._messages[1:4], "big")
            if size > _LONGEST_FLIGHT:
                raise self.error("a message longer than 256 KiB")
            if len(self._messages) < 4 + size:
                break
            body = _Reader(self._messages[4 : 4 + size], device=self.device, subject=self.subject)
            found.append((self._messages[0], body))
            self._messages = self._messages[4 + size :]
        return found


class ServerFlight:
    """Reads a server's first flight as it arrives.

    Args:
        device: The server, for errors.
    """

    def __init__(self, *, device: str) -> None:
        self._records = _Records(device=device, subject="TLS handshake", expected="a ServerHello or an alert")
        self._answer = ServerAnswer()
        self._finished = False

    def feed(self, content: bytes) -> ServerAnswer | None:
        """Take bytes off the wire.

        Args:
            content: What arrived.

        Returns:
            The answer as soon as nothing more is to be learned, else None.

        Raises:
            ProtocolError: What answers does not speak TLS.
        """
        for kind, body in self._records.feed(content):
            if not self._finished:
                self._message(kind, body)
        if self._finished:
            return self._answer
        if self._records.alert is not None:
            return self._answer if self._answer.suite is not None else ServerAnswer(alert=self._records.alert)
        return None

    @property
    def picked(self) -> ServerAnswer | None:
        """What is known already where the connection ends early: a suite, else None."""
        return self._answer if self._answer.suite is not None else None

    def _message(self, kind: int, body: _Reader) -> None:
        if self._answer.suite is None and kind != _SERVER_HELLO:
            raise self._records.error(f"a handshake message of type {kind}")
        if kind == _SERVER_HELLO:
            self._server_hello(body)
        elif kind == _CERTIFICATE:
            self._answer = dc.replace(self._answer, certificates=_certificates(body))
        elif kind == _KEY_EXCHANGE:
            self._key_exchange(body)
        elif kind == _DONE:
            self._finished = True

    def _server_hello(self, body: _Reader) -> None:
        version, random = body.number(2), body.take(32)
        body.vector(1)
        suite = body.number(2)
        body.take(1)
        extensions = body.extensions()
        if _VERSIONS in extensions:
            version = extensions[_VERSIONS].number(2)
        if version not in VERSIONS:
            raise self._records.error(f"the version 0x{version:04X}")
        self._answer = ServerAnswer(version=version, suite=suite, retry=random == _RETRY_RANDOM)
        self._finished = version == _TLS13

    def _key_exchange(self, body: _Reader) -> None:
        start = body.take(3)
        if start[0] == _NAMED_CURVE:
            self._answer = dc.replace(self._answer, group=int.from_bytes(start[1:], "big"))
            return
        # Of a Diffie-Hellman exchange the prime comes first, its length in two bytes (RFC 5246 section 7.4.3).
        prime = start[2:] + body.take(int.from_bytes(start[:2], "big") - 1) if int.from_bytes(start[:2], "big") else b""
        self._answer = dc.replace(self._answer, dh_bits=int.from_bytes(prime, "big").bit_length())


def _certificates(body: _Reader) -> tuple[bytes, ...]:
    block = body.vector(3)
    found = []
    while block:
        found.append(block.vector(3).rest())
    return tuple(found)


def read_client_hello(content: bytes, *, device: str) -> ClientHello | None:
    """Read a ClientHello off the first bytes of a connection.

    Args:
        content: All that arrived so far.
        device: The client, for errors.

    Returns:
        What it offers, None while bytes are missing.

    Raises:
        ProtocolError: It is not a ClientHello.
    """
    records = _Records(device=device, subject="TLS handshake", expected="a ClientHello")
    messages = records.feed(content)
    if records.alert is not None:
        raise records.error(f"an alert ({records.alert}) instead of an offer")
    if not messages:
        return None
    kind, body = messages[0]
    if kind != _CLIENT_HELLO:
        raise records.error(f"a handshake message of type {kind}")
    return _client_hello(body)


def _client_hello(body: _Reader) -> ClientHello:
    legacy_version = body.number(2)
    body.take(32)
    body.vector(1)
    suites = body.vector(2).numbers()
    body.vector(1)
    extensions = body.extensions()
    numbers = tuple(extensions)
    versions = extensions[_VERSIONS].vector(1).numbers() if _VERSIONS in extensions else (legacy_version,)
    groups = extensions[_GROUPS].vector(2).numbers() if _GROUPS in extensions else ()
    signatures = extensions[_SIGNATURES].vector(2).numbers() if _SIGNATURES in extensions else ()
    signals = (0x00FF, 0x5600)
    return ClientHello(
        suites=tuple(one for one in suites if one not in signals and not is_grease(one)),
        signals=tuple(one for one in suites if one in signals),
        versions=_meaningful(versions),
        server_name=_asked_for(extensions.get(_SERVER_NAME)),
        groups=_meaningful(groups),
        signature_algorithms=_meaningful(signatures),
        extensions=_meaningful(numbers),
        grease=any(is_grease(one) for one in (*suites, *versions, *groups, *numbers)),
    )


def _meaningful(numbers: t.Iterable[int]) -> tuple[int, ...]:
    return tuple(one for one in numbers if not is_grease(one))


def _asked_for(extension: _Reader | None) -> str:
    if not extension:
        return ""
    names = extension.vector(2)
    while names:
        kind, name = names.number(1), names.vector(2).rest()
        if kind == 0:
            return name.decode("ascii", "backslashreplace")
    return ""
