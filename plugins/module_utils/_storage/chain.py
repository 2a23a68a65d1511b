# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Does the chain of a server end at a certificate of the card? By a handshake, or by the server's certificates."""

from __future__ import annotations

import dataclasses as dc
import datetime as dt
import ssl
import typing as t

from .._core._errors import ConnectError, InputError, ProtocolError, TrustError
from .._pki._check import require_usable
from .._preflight._wire import Conversation, resolve
from .._thirdparty import InvalidSignature, UnsupportedAlgorithm, x509
from .._tls._certificate import CertificateFacts
from .._tls._policies import POLICIES
from .content import Content

__all__ = ["Proof", "ServerWish", "check_server"]

_EXPECTED: t.Final = "a chain that ends at a certificate of the card"
_LONGEST_CHAIN: t.Final = 8


@dc.dataclass(frozen=True, kw_only=True)
class ServerWish:
    """A server that the camera is to verify with the card.

    Attributes:
        host: Address or host name that the camera connects to; its certificate must have this name.
        port: Of the control connection.
        chain: The server's certificate and its intermediate ones, where they are known without asking it.
        timeout: Seconds for connecting and for each answer.
    """

    host: str
    port: int = 21
    chain: tuple[CertificateFacts, ...] = ()
    timeout: float = 10.0

    def __post_init__(self) -> None:
        if not self.host or not 1 <= self.port <= 65535 or not 0 < self.timeout <= 600:
            raise InputError(
                device=self.place,
                subject="server",
                found=f"host {self.host!r}, port {self.port}, timeout {self.timeout}",
                expected="a host, a port from 1 to 65535, a timeout above 0 and at most 600 s",
            )

    @property
    def place(self) -> str:
        """The server as errors name it."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


@dc.dataclass(frozen=True, kw_only=True)
class Proof:
    """What was found out about a server.

    Attributes:
        server: The server.
        way: ``handshake``, ``certificates`` or ``none``.
        anchor: The certificate of the card at which its chain ends; nothing when that is not known.
        certificate: What the server showed, or was said to show.
        reason: Why there was no handshake; empty when there was.
    """

    server: ServerWish
    way: str
    anchor: CertificateFacts | None = None
    certificate: CertificateFacts | None = None
    reason: str = ""

    def shown(self, now: dt.datetime) -> dict[str, t.Any]:
        """The proof as a result shows it.

        Args:
            now: The clock, for ``days_left``.

        Returns:
            Plain data.
        """
        return {
            "host": self.server.host,
            "port": self.server.port,
            "verified_by": self.way,
            "anchor_sha256": "" if self.anchor is None else self.anchor.sha256,
            "certificate": None if self.certificate is None else self.certificate.shown(now),
            "reason": self.reason,
        }


def check_server(wish: ServerWish, content: Content, *, live: bool, now: dt.datetime) -> Proof:
    """Find out whether a camera with this card would take a server.

    Args:
        wish: The server.
        content: What is on the card.
        live: Ask the server itself.
        now: The clock, for certificates that were given.

    Returns:
        How it was proved, or why it could not be.

    Raises:
        TrustError: It would not.
        PkiError: A certificate that was given is not valid now, or not for this server.
    """
    anchor = _anchor_of(wish, content, now) if wish.chain else None
    reason = ""
    if live:
        try:
            shown, found = _handshake(wish, content)
        except ConnectError as error:
            reason = error.found
        else:
            return Proof(server=wish, way="handshake", anchor=found or anchor, certificate=shown)
    if anchor is None:
        return Proof(server=wish, way="none", reason=reason)
    return Proof(server=wish, way="certificates", anchor=anchor, certificate=wish.chain[0], reason=reason)


# -- asking the server ---------------------------------------------------------------------------------------------


def _handshake(wish: ServerWish, content: Content) -> tuple[CertificateFacts, CertificateFacts | None]:
    """AUTH TLS and a handshake that trusts the card and nothing else; no login."""
    target = resolve(wish.host, wish.port, server_name=wish.host, timeout=wish.timeout)
    try:
        with Conversation(target) as conversation:
            conversation.start_tls()
            connection = conversation.wrap(_trusting(content))
            return _what_verified(connection, wish, content)
    except ssl.SSLCertVerificationError as error:
        held = ", ".join(one.subject for one in content.anchors)
        raise TrustError(
            device=wish.place,
            subject="server certificate",
            found=(error.verify_message or "a chain that does not verify").lower(),
            expected=f"{_EXPECTED} ({held}), and the name {wish.host}",
            advice="The camera would not upload to this server.",
        ) from error
    except (ssl.SSLError, ProtocolError) as error:
        found = error.found if isinstance(error, ProtocolError) else f"no handshake ({_reason(error)})"
        raise ConnectError(
            device=wish.place, subject="TLS handshake", found=found, expected="an FTPES server"
        ) from error


def _what_verified(
    connection: ssl.SSLSocket, wish: ServerWish, content: Content
) -> tuple[CertificateFacts, CertificateFacts | None]:
    """What the server showed, and the certificate of the card at which its chain ended."""
    shown = CertificateFacts.from_der(connection.getpeercert(binary_form=True) or b"", device=wish.place)
    if len(content.anchors) == 1:
        return shown, content.anchors[0]
    # Python before 3.13 does not tell the chain; then only what is on the card can join the two.
    sent: tuple[bytes, ...] = tuple(getattr(connection, "get_verified_chain", lambda: ())())
    chain = tuple(CertificateFacts.from_der(one) for one in sent) or (shown,)
    return shown, _anchor_or_nothing(dc.replace(wish, chain=chain), content)


def _trusting(content: Content) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.hostname_checks_common_name = False
    # Every suite that a camera may offer: the question here is the certificate, not the suite.
    context.set_ciphers(POLICIES["compatible"].openssl_ciphers)
    context.load_verify_locations(cadata=content.data.decode("ascii"))
    return context


def _reason(error: ssl.SSLError) -> str:
    return (error.reason or "an error").lower().replace("_", " ")


# -- the chain, without asking -------------------------------------------------------------------------------------


def _anchor_of(wish: ServerWish, content: Content, now: dt.datetime) -> CertificateFacts:
    """The certificate of the card at which the given chain ends."""
    require_usable(wish.chain[0], now=now, device=wish.place, address=wish.host)
    for one in wish.chain[1:]:
        require_usable(one, now=now, device=wish.place)
    anchor = _anchor_or_nothing(wish, content)
    if anchor is None:
        held = ", ".join(one.subject for one in content.anchors)
        raise TrustError(
            device=wish.place,
            subject="server certificate",
            found=f"issued by {wish.chain[0].issuer or 'an issuer without a name'}",
            expected=f"{_EXPECTED} ({held})",
            advice="The camera would not upload to this server.",
        )
    return anchor


def _anchor_or_nothing(wish: ServerWish, content: Content) -> CertificateFacts | None:
    anchors = {one.sha256: one for one in content.anchors}
    between = [*wish.chain[1:], *content.certificates]
    present = wish.chain[0]
    for _step in range(_LONGEST_CHAIN):
        if present.sha256 in anchors:
            return anchors[present.sha256]
        # The card's roots first: an intermediate certificate may exist as a root of its own.
        issuer = next((one for one in (*anchors.values(), *between) if _issued(present, one)), None)
        if issuer is None:
            return None
        present = issuer
    return None


def _issued(certificate: CertificateFacts, issuer: CertificateFacts) -> bool:
    if certificate.issuer != issuer.subject or certificate.sha256 == issuer.sha256 or not issuer.is_ca:
        return False
    try:
        x509.load_der_x509_certificate(certificate.der).verify_directly_issued_by(
            x509.load_der_x509_certificate(issuer.der)
        )
    except (InvalidSignature, UnsupportedAlgorithm, ValueError, TypeError):
        return False
    return True
