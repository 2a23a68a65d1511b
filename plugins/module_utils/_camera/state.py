# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a camera is like now, and what it should be like."""

from __future__ import annotations

import dataclasses as dc
import typing as t

from .._core._secret import Secret
from .._tls._certificate import CertificateFacts
from .._transport._connection import Peer
from .._transport._contact import Contact
from .abilities import RSA_ALONE, Abilities, KeyKind
from .rules import CameraRules

__all__ = ["CameraState", "CertificateStatus", "HttpsState", "KeyFacts", "SubjectName", "WantedCertificate"]

#: What the camera says of a certificate, self-signed or of a CA.
CertificateStatus = t.Literal["not_generated", "invalid", "expired", "valid"]


@dc.dataclass(frozen=True, kw_only=True)
class KeyFacts:
    """A private key as the camera shows it.

    Attributes:
        type: ``rsa`` or ``ecdsa``.
        size: Bits.
        generated_at: The camera's own time of generation, text; empty where the dialect does not tell it.
        external: It was made outside of the camera.
    """

    type: str = "rsa"
    size: int
    generated_at: str
    external: bool = False

    @property
    def kind(self) -> KeyKind:
        """What it is of."""
        return KeyKind(type=self.type, size=self.size)

    def shown(self) -> dict[str, t.Any]:
        """The key as a result shows it."""
        return {"type": self.type, "size": self.size, "generated_at": self.generated_at, "external": self.external}


@dc.dataclass(frozen=True, kw_only=True)
class HttpsState:
    """How the camera answers.

    Attributes:
        connection: ``http`` or ``https``; ``http_and_https`` as a dialect's present state.
        https_port: TCP port for HTTPS; 0 where the model knows no HTTPS.
    """

    connection: str
    https_port: int


@dc.dataclass(frozen=True, kw_only=True)
class CameraState:
    """A camera's present state, read once.

    Attributes:
        rules: What this kind of camera forbids.
        https: How it answers.
        http_port: TCP port for plain HTTP, as the operator gave it.
        self_signed: Status of the self-signed certificate.
        self_signed_name: Its common name, when valid.
        ca_certificate: Status of the CA certificate.
        ca_certificate_name: The host name in it, when valid.
        key: Present private key, where the dialect shows one.
        previous_key: The key before it.
        request_made_at: The camera's time of the last CSR, empty if none.
        installed_serial: Serial number (lower-case hex) that the camera shows for its CA certificate; read over plain
            HTTP only, where no handshake can show it.
        tls_supported: Whether the model knows HTTPS at all.
        contact: How it was reached.
        peer: What the handshake showed.
        certificate: The certificate in that handshake.
        abilities: What this very camera can do, where it was asked; otherwise its dialect's.
        tls_versions: TLS versions that are enabled; read only where they matter.
        basic_over_https: Over HTTPS it takes HTTP Basic, which hands over the password.
    """

    rules: CameraRules
    https: HttpsState
    http_port: int
    self_signed: CertificateStatus
    self_signed_name: str
    ca_certificate: CertificateStatus
    ca_certificate_name: str
    key: KeyFacts | None
    previous_key: KeyFacts | None
    request_made_at: str
    installed_serial: str
    tls_supported: bool
    contact: Contact
    peer: Peer | None
    certificate: CertificateFacts | None
    abilities: Abilities = RSA_ALONE
    tls_versions: tuple[str, ...] = ()
    basic_over_https: bool = False

    def shown(self) -> dict[str, t.Any]:
        """The state as ``before`` and ``after`` show it."""
        return {
            "connection": self.https.connection,
            "https_port": self.https.https_port,
            "tls_versions": list(self.tls_versions) or None,
            "private_key": self.key.shown() if self.key else None,
            "previous_private_key": self.previous_key.shown() if self.previous_key else None,
            "self_signed_certificate": self.self_signed_name or self.self_signed,
            "ca_certificate": self.ca_certificate_name or self.ca_certificate,
            "certificate_signing_request": self.request_made_at or "not_generated",
            "certificate": self.certificate.shown() if self.certificate else None,
        }


@dc.dataclass(frozen=True, kw_only=True)
class SubjectName:
    """The fields of a certificate's subject.

    Attributes:
        common_name: Address or host name; an IPv6 address in brackets.
        country: Two letters, or empty.
        state: State or province, or empty.
        locality: Or empty.
        organization: Or empty.
        organizational_unit: Or empty.
    """

    common_name: str
    country: str = ""
    state: str = ""
    locality: str = ""
    organization: str = ""
    organizational_unit: str = ""

    def form(self) -> dict[str, str]:
        """The fields as the camera's form takes them."""
        return dc.asdict(self)


@dc.dataclass(frozen=True, kw_only=True)
class WantedCertificate:
    """What the installed certificate has to be like.

    Attributes:
        subject: The CSR's subject.
        subject_alt_names: Addresses and names that it must cover, ``IP:…`` and ``DNS:…``.
        lifetime_days: Validity of a new one, days.
        backdate_hours: It starts so long ago, for cameras whose clock is behind.
        renew_before_days: A new one is due when fewer days are left.
        renew_share: Or when less than this share of its lifetime is left; None for no such limit.
        warn_before_days: One that is not renewed is a warning when fewer days are left.
        unwanted_names: Addresses and names that it must not cover any more, ``IP:…`` and ``DNS:…``.
        passphrase: Of the CA's key; needed only when there is something to sign.
    """

    subject: SubjectName
    subject_alt_names: tuple[str, ...]
    lifetime_days: int
    backdate_hours: int
    renew_before_days: int
    renew_share: float | None
    passphrase: Secret | None
    warn_before_days: float = 0.0
    unwanted_names: tuple[str, ...] = ()

    def unwanted_in(self, facts: CertificateFacts) -> list[str]:
        """What a certificate covers and must not.

        Args:
            facts: The certificate.

        Returns:
            Addresses and names.
        """
        names = [name.partition(":")[2] for name in self.unwanted_names]
        return [name for name in names if facts.covers(name)]
