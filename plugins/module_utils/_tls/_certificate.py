# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a certificate says, as plain data."""

from __future__ import annotations

import dataclasses as dc
import datetime as dt
import hashlib
import re
import typing as t

from .._core._errors import PkiError
from .._thirdparty import InvalidSignature, UnsupportedAlgorithm, ec, rsa, serialization, x509
from ._names import name_covers, shown_names

__all__ = ["CertificateFacts", "certificate_blocks", "iso", "load_one_certificate", "pem_labels"]

_PEM_BEGIN = re.compile(r"-----BEGIN ([A-Z0-9 ]+)-----")
_BLOCK = re.compile(r"-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----\n?", re.DOTALL)
_KEY_TYPES = {"Ed25519PublicKey": ("ed25519", 256), "Ed448PublicKey": ("ed448", 456)}


def iso(instant: dt.datetime) -> str:
    """An instant as text.

    Args:
        instant: An aware datetime.

    Returns:
        ``2026-11-22T10:00:00Z``, in UTC, to the second.
    """
    return instant.astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


@dc.dataclass(frozen=True, kw_only=True)
class CertificateFacts:
    """One X.509 certificate (RFC 5280).

    Attributes:
        subject: Distinguished name of RFC 4514.
        subject_common_name: First common name of the subject, or empty.
        issuer: Distinguished name of RFC 4514.
        issuer_common_name: First common name of the issuer, or empty.
        serial_number: Lower-case hexadecimal without leading zeros.
        not_before: Start of the validity, UTC.
        not_after: End of the validity, UTC.
        sha256: SHA-256 of the whole certificate (DER), lower-case hexadecimal.
        spki_sha256: SHA-256 of the public key (SubjectPublicKeyInfo), lower-case hexadecimal.
        subject_alt_names: ``IP:…`` and ``DNS:…``.
        key_type: ``rsa``, ``ecdsa``, ``ed25519``, ``ed448`` or ``unknown``.
        key_size: In bits; 0 when unknown.
        authority_key_identifier: Lower-case hexadecimal, or empty.
        subject_key_identifier: Lower-case hexadecimal, or empty.
        is_ca: Basic constraints say that it may sign certificates.
        der: The certificate itself; empty when only facts are known.
    """

    subject: str
    subject_common_name: str
    issuer: str
    issuer_common_name: str
    serial_number: str
    not_before: dt.datetime
    not_after: dt.datetime
    sha256: str
    spki_sha256: str
    subject_alt_names: tuple[str, ...]
    key_type: str
    key_size: int
    authority_key_identifier: str = ""
    subject_key_identifier: str = ""
    is_ca: bool = False
    der: bytes = dc.field(default=b"", repr=False, compare=False)

    @classmethod
    def from_der(cls, der: bytes, *, device: str = "this host", subject: str = "certificate") -> CertificateFacts:
        """Read a certificate in DER.

        Args:
            der: The certificate.
            device: Device or file that the error names.
            subject: Object that the error names.

        Returns:
            Its facts.

        Raises:
            PkiError: It is not a certificate.
        """
        try:
            certificate = x509.load_der_x509_certificate(der)
            return _facts(certificate, der)
        except (ValueError, TypeError) as error:
            raise PkiError(
                device=device, subject=subject, found="data that is no X.509 certificate", expected="a certificate"
            ) from error

    @classmethod
    def from_pem(cls, pem: str, *, device: str = "this host", subject: str = "certificate") -> CertificateFacts:
        """Read exactly one certificate in PEM.

        Args:
            pem: The text.
            device: Device or file that the error names.
            subject: Object that the error names.

        Returns:
            Its facts.

        Raises:
            PkiError: There is none, more than one, or something else.
        """
        return load_one_certificate(pem, device=device, subject=subject)

    @property
    def pem(self) -> str:
        """The certificate in PEM; empty when only facts are known."""
        if not self.der:
            return ""
        certificate = x509.load_der_x509_certificate(self.der)
        return certificate.public_bytes(serialization.Encoding.PEM).decode("ascii")

    @property
    def self_signed(self) -> bool:
        """Whether issuer and subject are the same and its own key made the signature; checked when asked for."""
        if not self.der:
            return self.issuer == self.subject
        return _self_signed(x509.load_der_x509_certificate(self.der))

    def covers(self, address: str) -> bool:
        """Whether a client that connects to an address accepts the names.

        Args:
            address: IPv4 or IPv6 address or host name.

        Returns:
            True when a subject alternative name covers it. The common name does not count (RFC 9525).
        """
        return any(name_covers(name, address) for name in self.subject_alt_names)

    def days_left(self, now: dt.datetime) -> int:
        """Whole days until it expires.

        Args:
            now: An aware datetime.

        Returns:
            Days, rounded down; negative when it has expired.
        """
        return (self.not_after - now).days

    def shown(self, now: dt.datetime | None = None) -> dict[str, t.Any]:
        """The facts as a result shows them.

        Args:
            now: The clock, where one is known.

        Returns:
            ``subject``, ``issuer``, ``serial_number``, ``not_before``, ``not_after``, ``sha256``, ``spki_sha256``,
            ``subject_alt_names`` and, with a clock, ``days_left``.
        """
        shown: dict[str, t.Any] = {
            "subject": self.subject,
            "issuer": self.issuer,
            "serial_number": self.serial_number,
            "not_before": iso(self.not_before),
            "not_after": iso(self.not_after),
            "sha256": self.sha256,
            "spki_sha256": self.spki_sha256,
            "subject_alt_names": list(self.subject_alt_names),
        }
        if now is not None:
            shown["days_left"] = self.days_left(now)
        return shown


def certificate_blocks(text: str) -> tuple[str, ...]:
    """The certificates of a PEM text, one by one.

    Args:
        text: Any text.

    Returns:
        Each block as it stands there.
    """
    return tuple(_BLOCK.findall(text))


def pem_labels(text: str) -> tuple[str, ...]:
    """What kinds of blocks a PEM text holds.

    Args:
        text: Any text.

    Returns:
        The labels, for example ``("CERTIFICATE",)``.
    """
    return tuple(_PEM_BEGIN.findall(text))


def load_one_certificate(pem: str, device: str = "this host", subject: str = "certificate") -> CertificateFacts:
    """Read a text that must hold exactly one certificate and nothing else in PEM.

    Args:
        pem: The text. Explanatory text outside of the block is allowed (RFC 7468 section 2).
        device: Device or file that the error names.
        subject: Object that the error names.

    Returns:
        Its facts.

    Raises:
        PkiError: One sentence that never holds the content.
    """
    found = ""
    advice = ""
    labels = pem_labels(pem)
    if not pem.strip():
        found = "nothing (empty)"
    elif any(label.endswith("PRIVATE KEY") for label in labels):
        found = "a private key" if len(labels) == 1 else "a private key among other things"
        advice = "A private key must never be handed out: check which file was meant."
    elif not labels:
        found = "no PEM block"
        advice = "A certificate in DER is converted with: openssl x509 -inform der -in FILE."
    elif len(labels) > 1:
        found = f"{len(labels)} PEM blocks"
    elif labels[0] == "CERTIFICATE REQUEST":
        found = "a certificate request (CSR)"
    elif labels[0] not in ("CERTIFICATE", "X509 CERTIFICATE"):
        found = f"a PEM block of another kind ({labels[0].lower()})"
    if found:
        raise PkiError(
            device=device, subject=subject, found=found, expected="exactly one certificate in PEM", advice=advice
        )
    try:
        certificate = x509.load_pem_x509_certificate(pem.encode("ascii", "replace"))
        return _facts(certificate, certificate.public_bytes(serialization.Encoding.DER))
    except (ValueError, TypeError):
        raise PkiError(
            device=device,
            subject=subject,
            found="a damaged certificate",
            expected="exactly one certificate in PEM",
        ) from None


def _facts(certificate: x509.Certificate, der: bytes) -> CertificateFacts:
    try:
        key = certificate.public_key()
    except (UnsupportedAlgorithm, ValueError):
        key = None
    key_type, key_size = _key(key)
    try:
        extensions: t.Iterable[x509.Extension[t.Any]] = certificate.extensions
    except (ValueError, x509.DuplicateExtension, x509.UnsupportedGeneralNameType):
        extensions = ()  # a device wrote nonsense: no names then, and nothing is covered
    values = {type(extension.value): extension.value for extension in extensions}
    names = values.get(x509.SubjectAlternativeName)
    authority = values.get(x509.AuthorityKeyIdentifier)
    own = values.get(x509.SubjectKeyIdentifier)
    constraints = values.get(x509.BasicConstraints)
    return CertificateFacts(
        subject=certificate.subject.rfc4514_string(),
        subject_common_name=_common_name(certificate.subject),
        issuer=certificate.issuer.rfc4514_string(),
        issuer_common_name=_common_name(certificate.issuer),
        serial_number=f"{certificate.serial_number:x}",
        not_before=certificate.not_valid_before_utc,
        not_after=certificate.not_valid_after_utc,
        sha256=hashlib.sha256(der).hexdigest(),
        spki_sha256=hashlib.sha256(_spki(certificate)).hexdigest() if key is not None else "",
        subject_alt_names=shown_names(names) if names is not None else (),
        key_type=key_type,
        key_size=key_size,
        authority_key_identifier=(authority.key_identifier or b"").hex() if authority is not None else "",
        subject_key_identifier=own.digest.hex() if own is not None else "",
        is_ca=bool(constraints is not None and constraints.ca),
        der=der,
    )


def _spki(certificate: x509.Certificate) -> bytes:
    return certificate.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )


def _key(key: object) -> tuple[str, int]:
    if isinstance(key, rsa.RSAPublicKey):
        return "rsa", key.key_size
    if isinstance(key, ec.EllipticCurvePublicKey):
        return "ecdsa", key.curve.key_size
    return _KEY_TYPES.get(type(key).__name__, ("unknown", 0))


def _common_name(name: x509.Name) -> str:
    found = name.get_attributes_for_oid(x509.NameOID.COMMON_NAME)
    return str(found[0].value) if found else ""


def _self_signed(certificate: x509.Certificate) -> bool:
    if certificate.issuer != certificate.subject:
        return False
    try:
        certificate.verify_directly_issued_by(certificate)
    except InvalidSignature:
        return False
    except (UnsupportedAlgorithm, ValueError, TypeError):  # a signature too old to check: the names decide
        return True
    return True
