# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""First find out where and how a device answers, strongest way first."""

from __future__ import annotations

import dataclasses as dc
import typing as t

from .._core._errors import CamsecError, ConnectError, InputError, PasswordWithheldError, TrustError
from .._tls._certificate import CertificateFacts
from ._connection import Endpoint, Trust
from ._session import Credentials, DeviceSession

__all__ = ["FIRST_CONTACT_CHOICES", "Contact", "Target", "contact", "contact_shown"]

FIRST_CONTACT_CHOICES = ("refuse", "plain_http", "any_certificate")
_LONGEST_TIMEOUT = 3600


@dc.dataclass(frozen=True, kw_only=True)
class Target:
    """A device, where it may answer, and on what terms we talk to it.

    Attributes:
        host: Address or host name.
        https_ports: Ports to try with HTTPS, in this order.
        http_port: Port to try with plain HTTP, last, if ``first_contact`` allows it.
        credentials: The account.
        trust: Whose certificate is accepted.
        first_contact: ``refuse``, ``plain_http`` or ``any_certificate``: the operator's word on a device that cannot
            prove who it is yet.
        timeout: Seconds for each wait on the device.

    Raises:
        InputError: The timeout is none.
    """

    host: str
    https_ports: tuple[int, ...]
    http_port: int
    credentials: Credentials
    trust: Trust
    first_contact: str = "refuse"
    timeout: float = 10.0

    def __post_init__(self) -> None:
        if not 0 < self.timeout <= _LONGEST_TIMEOUT:
            raise InputError(
                device=self.host,
                subject="timeout",
                found=f"{self.timeout:g}",
                expected=f"more than 0 and at most {_LONGEST_TIMEOUT} seconds",
            )

    @property
    def accepts_any_certificate(self) -> bool:
        """Whether the operator's word covers any certificate; a pin is the stronger word."""
        return self.first_contact == "any_certificate" and not self.trust.spki_sha256

    def session(self, scheme: str, port: int, trust: Trust | None = None) -> DeviceSession:
        """A session with one endpoint of the device; nothing is sent yet.

        Args:
            scheme: ``http`` or ``https``.
            port: TCP port.
            trust: Instead of the target's own.

        Returns:
            The session.
        """
        return DeviceSession(
            device=self.host,
            endpoint=Endpoint(scheme=scheme, host=self.host, port=port),
            credentials=self.credentials,
            trust=trust or self.trust,
            timeout=self.timeout,
        )


@dc.dataclass(frozen=True, kw_only=True)
class Contact:
    """How the device was reached.

    Attributes:
        session: The open session.
        trust: ``certificate_authority``, ``pin``, ``any_certificate`` or ``plain_http``.
    """

    session: DeviceSession
    trust: str

    def shown(self) -> dict[str, t.Any]:
        """The contact as a result shows it."""
        endpoint = self.session.endpoint
        return {"scheme": endpoint.scheme, "port": endpoint.port, "trust": self.trust}


def _candidates(target: Target) -> t.Iterator[tuple[str, int, Trust, str]]:
    if target.trust.usable:
        for port in target.https_ports:
            yield "https", port, target.trust, target.trust.kind
    if target.accepts_any_certificate:
        anyone = Trust(any_certificate=True)
        for port in target.https_ports:
            yield "https", port, anyone, anyone.kind
    if target.first_contact in ("plain_http", "any_certificate"):
        yield "http", target.http_port, Trust(), "plain_http"


def contact(target: Target, prove: t.Callable[[DeviceSession], t.Any]) -> tuple[Contact, t.Any]:
    """Reach the device by the strongest way that works.

    A certificate that is not trusted ends the search, as a refused login does: a weaker way is not tried behind the
    operator's back, since that is just what an attacker would wish for. Only ``any_certificate`` is the operator's
    explicit word for such a certificate. A device that wants the password itself behind it is not given it; plain
    HTTP, which that word covers too, is tried then, where such devices take HTTP Digest.

    Args:
        target: The device.
        prove: A first read; the endpoint at which it succeeds is the one.

    Returns:
        The contact and what ``prove`` gave.

    Raises:
        CamsecError: The device cannot be reached, or not in a way that is allowed.
    """
    failures: list[CamsecError] = []
    for scheme, port, trust, kind in _candidates(target):
        session = target.session(scheme, port, trust)
        try:
            return Contact(session=session, trust=kind), prove(session)
        except CamsecError as error:
            session.close()
            unproven = isinstance(error, (TrustError, PasswordWithheldError))
            untrusted = unproven and target.accepts_any_certificate
            if not untrusted and not isinstance(error, ConnectError):
                raise
            failures.append(error)
    raise _unreachable(target, failures)


def contact_shown(reached: Contact, certificate: CertificateFacts | None) -> dict[str, t.Any]:
    """How a device was reached, as a result shows it.

    Args:
        reached: The contact.
        certificate: The certificate in the handshake.

    Returns:
        ``contact`` and, over HTTPS, ``endpoint`` and ``certificate``.
    """
    shown: dict[str, t.Any] = {"contact": reached.shown()}
    peer = reached.session.peer
    if peer is not None and certificate is not None:
        endpoint = reached.session.endpoint
        shown["certificate"] = certificate.shown()
        shown["endpoint"] = {
            "address": endpoint.host,
            "port": endpoint.port,
            "protocol": peer.protocol,
            "suite": peer.suite,
        }
    return shown


def _unreachable(target: Target, failures: t.Sequence[CamsecError]) -> ConnectError:
    tried = "; ".join(f"{error.subject}: {error.found}" for error in failures) or "no way that may be tried"
    advice = "Check the address, the ports and the network."
    if target.first_contact == "refuse":
        advice += (
            " A device fresh from the factory answers in plain HTTP only: set first_contact to plain_http for its first"
            " contact, on a network you trust."
        )
    return ConnectError(
        device=target.host, subject="contact", found=tried, expected="the device to answer", advice=advice
    )
