# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the wire client is told and what it tells: plain data."""

from __future__ import annotations

import dataclasses as dc
import re
import typing as t

from .._core._errors import InputError
from .._core._secret import Secret
from .._tls._policies import Policy

__all__ = [
    "MINIMUM_PROOFS",
    "READ_BACK_CHOICES",
    "SESSION_REUSE_CHOICES",
    "TICKET_USE_CHOICES",
    "ChannelFacts",
    "Proof",
    "Server",
    "UploadResult",
]

SESSION_REUSE_CHOICES: t.Final = ("require", "when_offered", "prefer")
TICKET_USE_CHOICES: t.Final = ("again", "once")
READ_BACK_CHOICES: t.Final = ("never", "without_hash", "always")
# From the weakest to the strongest.
MINIMUM_PROOFS: t.Final = ("size", "crc", "hash")
_LONGEST_SECONDS: t.Final = 86400
_SHA256 = re.compile(r"[0-9a-f]{64}")


@dc.dataclass(frozen=True, kw_only=True)
class Server:
    """Where evidence goes, and what is demanded of it.

    Attributes:
        host: Address or host name.
        port: TCP port of the control connection.
        user: Name of the account.
        password: Its password.
        policy: The suites that both channels may use.
        ca_path: PEM file with the authorities that may have issued the server's certificate: the very
            ``certification.pem`` of the camera's card. Nothing: only the pins decide.
        crl_path: PEM file with revocation lists; then the server's certificate must not be on one.
        spki_sha256: SHA-256 of the public keys one of which the server must have, 64 lower-case hexadecimal digits.
            With ``ca_path`` both must hold.
        server_name: Name that the certificate must carry; nothing: the host.
        timeout: Seconds for connecting, for each answer, and without any progress while data flows.
        close_timeout: Seconds that the server has to answer close_notify on a data connection.
        session_reuse: ``require``: a data connection resumes the control connection's TLS session or is refused.
            ``when_offered``: the same, except where the server gave nothing to resume with (pure-ftpd in TLS 1.3);
            then the data connection makes a full handshake with the same certificate. ``prefer``: never refused.
        ticket_use: Of TLS 1.3. ``again``: when no new ticket is left, the newest is used once more, until the server
            turns out to take each only once. ``once``: never more than once (RFC 8446, appendix C.4); when there is
            none left the session logs in again. See docs/ftpes_wire.md for what that costs.
        read_back: ``without_hash``: a file is read back and compared if the server has no collision-safe hash command;
            ``always``; or ``never``.
        minimum_proof: The least that counts as complete: ``hash``, ``crc`` (also MD5 and SHA-1) or ``size``.
        pipelining: Commands that do not depend on each other's answers are sent together.
        set_times: The file's time of change is set on the server where it has MFMT.

    Raises:
        InputError: A value is none of those; neither a CA file nor a pin is given.
    """

    host: str
    user: str
    password: Secret = dc.field(repr=False)
    policy: Policy
    port: int = 21
    ca_path: str | None = None
    crl_path: str | None = None
    spki_sha256: tuple[str, ...] = ()
    server_name: str | None = None
    timeout: float = 30.0
    close_timeout: float = 10.0
    session_reuse: str = "when_offered"
    ticket_use: str = "again"
    read_back: str = "without_hash"
    minimum_proof: str = "hash"
    pipelining: bool = True
    set_times: bool = False

    def __post_init__(self) -> None:
        self._choice("session_reuse", SESSION_REUSE_CHOICES)
        self._choice("ticket_use", TICKET_USE_CHOICES)
        self._choice("read_back", READ_BACK_CHOICES)
        self._choice("minimum_proof", MINIMUM_PROOFS)
        for name in ("timeout", "close_timeout"):
            if not 0 < getattr(self, name) <= _LONGEST_SECONDS:
                raise self._error(name, getattr(self, name), f"more than 0 and at most {_LONGEST_SECONDS} seconds")
        if not 0 < self.port <= 0xFFFF:
            raise self._error("port", self.port, "1 to 65535")
        if not self.ca_path and not self.spki_sha256:
            raise self._error("trust", "neither ca_path nor spki_sha256", "one of the two at least")
        if self.crl_path and not self.ca_path:
            raise self._error("crl_path", "a revocation list without ca_path", "ca_path, since pins know no issuer")
        for pin in self.spki_sha256:
            if not _SHA256.fullmatch(pin):
                raise self._error("spki_sha256", pin, "64 lower-case hexadecimal digits")

    @property
    def device(self) -> str:
        """The server as messages name it."""
        return f"{self.host}:{self.port}"

    @property
    def certificate_name(self) -> str:
        """The name that the certificate must carry."""
        return self.server_name or self.host

    def _choice(self, name: str, choices: tuple[str, ...]) -> None:
        if getattr(self, name) not in choices:
            raise self._error(name, getattr(self, name), ", ".join(choices))

    def _error(self, subject: str, found: object, expected: str) -> InputError:
        return InputError(device=f"{self.host}:{self.port}", subject=subject, found=found, expected=expected)


@dc.dataclass(frozen=True, kw_only=True)
class ChannelFacts:
    """What TLS was like on one connection.

    Attributes:
        protocol: ``TLSv1.2`` or ``TLSv1.3``.
        suite: IANA name.
        resumed: It resumed an earlier TLS session; what the TLS library says, not what was asked of it.
        spki_sha256: SHA-256 of the server's public key.
        closed_cleanly: The server ended its side with close_notify too; always true while it is open.
    """

    protocol: str
    suite: str
    resumed: bool
    spki_sha256: str
    closed_cleanly: bool = True


@dc.dataclass(frozen=True, kw_only=True)
class Proof:
    """Why a file counts as arrived.

    Attributes:
        size: What the server says of the size; equal to what was sent.
        sha256: Of what was sent, computed while it was.
        kind: ``hash:SHA-256``, ``xsha256``, ``xcrc`` and the like, ``read_back``, or ``size`` alone.
        strength: ``hash``, ``crc`` or ``size``.
        confirmed: The server's value, or the SHA-256 of what was read back; the size as text for ``size``.
    """

    size: int
    sha256: str
    kind: str
    strength: str
    confirmed: str


@dc.dataclass(frozen=True, kw_only=True)
class UploadResult:
    """One file that arrived, provably.

    Attributes:
        remote_path: Where it lies.
        temporary_path: Its name while it was on the way.
        size: In bytes.
        sha256: Of its content.
        proof: Why it counts as arrived.
        resumed_from: Bytes of an earlier try that were proven to lie there and were not sent again.
        resume_proof: How: ``hash:…``, ``xsha256`` and the like, ``read_back`` (all of it) or ``tail`` (its end); empty
            without a resume.
        already_there: The same content, proven, lay under the final name; nothing was sent.
        bytes_sent: Of content, this time.
        started_at: ISO 8601, UTC.
        ended_at: ISO 8601, UTC.
        control: The control connection.
        data: Each data connection, in their order.
        host: As it was asked for.
        port: TCP port of the control connection.
        address: Where the control connection went.
        banner: The server's greeting. It comes before TLS, so nobody vouches for it.
    """

    remote_path: str
    temporary_path: str
    size: int
    sha256: str
    proof: Proof
    resumed_from: int = 0
    resume_proof: str = ""
    already_there: bool = False
    bytes_sent: int
    started_at: str
    ended_at: str
    control: ChannelFacts
    data: tuple[ChannelFacts, ...]
    host: str
    port: int
    address: str
    banner: str
