# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a certificate that signs evidence leads to a root that is trusted (RFC 5280 section 6, as far as it goes)."""

from __future__ import annotations

import datetime as dt
import typing as t

from .._core._errors import TrustError
from .._pki._check import for_evidence
from .._thirdparty import InvalidSignature, UnsupportedAlgorithm, serialization, x509
from .._tls._certificate import CertificateFacts, iso

__all__ = ["facts_of", "load_trusted", "require_trusted_signer"]

_LONGEST = 6


def facts_of(certificate: x509.Certificate) -> CertificateFacts:
    """What a certificate says.

    Args:
        certificate: The certificate.

    Returns:
        Its facts.
    """
    return CertificateFacts.from_der(certificate.public_bytes(serialization.Encoding.DER))


def load_trusted(pem: str, *, device: str) -> tuple[x509.Certificate, ...]:
    """Read the certificates that are trusted.

    Args:
        pem: One or more certificates in PEM.
        device: File that the error names.

    Returns:
        The certificates.

    Raises:
        TrustError: There is none, or one that is damaged.
    """
    try:
        return tuple(x509.load_pem_x509_certificates(pem.encode("ascii", "replace")))
    except ValueError as error:
        raise TrustError(
            device=device,
            subject="trusted certificates",
            found="a text without a readable certificate",
            expected="one or more certificates in PEM",
        ) from error


def require_trusted_signer(
    signer: x509.Certificate,
    others: t.Collection[x509.Certificate],
    trusted: t.Collection[x509.Certificate],
    *,
    at: dt.datetime,
    device: str,
) -> None:
    """Refuse a signer that no trusted certificate answers for.

    Args:
        signer: Certificate of the signer.
        others: Certificates that may stand between it and a trusted one.
        trusted: The trusted ones; a self-signed one among them, or one between, ends the search.
        at: The instant at which all of them must be valid.
        device: Receipt that the error names.

    Raises:
        TrustError: No chain, a certificate that was not valid then, or one that may not do what it does.
    """
    facts = facts_of(signer)
    if not for_evidence(facts):
        raise _error(device, f"the certificate {facts.subject} for other uses", "a certificate for signing evidence")
    known = {one.public_bytes(serialization.Encoding.DER) for one in trusted}
    pool = [*trusted, *others]
    _require_valid(facts, at, device)
    current, length = signer, 0
    while current.public_bytes(serialization.Encoding.DER) not in known:
        issuers = [one for one in pool if _issued(current, one, length)]
        # An authority that was renewed with its key has several certificates: one that was valid then goes first.
        issuer = next((one for one in issuers if _is_valid(facts_of(one), at)), issuers[0] if issuers else None)
        if issuer is None or length >= _LONGEST:
            raise _error(
                device,
                f"{facts.subject}, issued by {facts.issuer}, with no way to a trusted certificate",
                f"a signer that one of these answers for: {', '.join(facts_of(one).subject for one in trusted)}",
            )
        _require_valid(facts_of(issuer), at, device)
        current, length = issuer, length + 1


def _is_valid(facts: CertificateFacts, at: dt.datetime) -> bool:
    return facts.not_before <= at <= facts.not_after


def _require_valid(facts: CertificateFacts, at: dt.datetime, device: str) -> None:
    if not _is_valid(facts, at):
        raise _error(
            device,
            f"the certificate {facts.subject}, valid from {iso(facts.not_before)} to {iso(facts.not_after)}",
            f"one that was valid at {iso(at)}, when it signed",
        )


def _issued(child: x509.Certificate, parent: x509.Certificate, below: int) -> bool:
    if child.issuer != parent.subject or not _may_sign(parent, below):
        return False
    try:
        child.verify_directly_issued_by(parent)
    except (InvalidSignature, UnsupportedAlgorithm, ValueError, TypeError):
        return False
    return True


def _may_sign(certificate: x509.Certificate, below: int) -> bool:
    try:
        extensions = certificate.extensions
        constraints = extensions.get_extension_for_class(x509.BasicConstraints).value
        usage = extensions.get_extension_for_class(x509.KeyUsage).value
    except (x509.ExtensionNotFound, ValueError):
        return False
    room = constraints.path_length is None or constraints.path_length >= below
    return constraints.ca and usage.key_cert_sign and room


def _error(device: str, found: str, expected: str) -> TrustError:
    return TrustError(device=device, subject="signer", found=found, expected=expected)
