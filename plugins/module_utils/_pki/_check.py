# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is wrong with a certificate for a given use, each as one sentence."""

from __future__ import annotations

import datetime as dt
import typing as t

from .._core._errors import PkiError
from .._thirdparty import oid, x509
from .._tls._certificate import CertificateFacts, iso

__all__ = ["certificate_problems", "for_evidence", "require_usable"]


class _Authority(t.Protocol):
    """What is asked of an authority."""

    def issued_by_us(self, facts: CertificateFacts) -> bool:
        """Whether it issued a certificate."""

    def violation(self, facts: CertificateFacts) -> str:
        """Which of its names its name constraints do not allow; empty for none."""


def certificate_problems(
    facts: CertificateFacts,
    *,
    now: dt.datetime,
    device: str = "this host",
    address: str | None = None,
    key_spki_sha256: str | None = None,
    authority: _Authority | None = None,
) -> tuple[PkiError, ...]:
    """Look for what would make clients refuse a certificate.

    Args:
        facts: The certificate.
        now: An aware datetime: the clock of the clients, or the device's own.
        device: Device or file that the sentences name.
        address: Address or host name that clients connect to.
        key_spki_sha256: Public key of the private key that it should fit, see :func:`.._keys.spki_sha256`.
        authority: The authority that should have issued it.

    Returns:
        One error for each problem, none raised.
    """
    found: list[PkiError] = []

    def problem(found_text: str, expected: str) -> None:
        found.append(PkiError(device=device, subject="certificate", found=found_text, expected=expected))

    if now >= facts.not_after:
        problem(f"expired on {iso(facts.not_after)}", f"valid at {iso(now)}")
    if now < facts.not_before:
        problem(f"not valid before {iso(facts.not_before)}", f"valid at {iso(now)}")
    if address is not None and not facts.covers(address):
        names = ", ".join(facts.subject_alt_names) or "no subject alternative name"
        problem(names, f"a subject alternative name for {address}")
    if key_spki_sha256 is not None and facts.spki_sha256 != key_spki_sha256:
        problem("a public key that does not fit the private key", "key and certificate of one pair")
    if authority is not None and not authority.issued_by_us(facts):
        problem(f"issued by {facts.issuer or 'an issuer without a name'}", "issued by the certificate authority")
    elif authority is not None and (violated := authority.violation(facts)):
        problem(violated, "names that its authority may issue for")
    return tuple(found)


def require_usable(
    facts: CertificateFacts,
    *,
    now: dt.datetime,
    device: str = "this host",
    address: str | None = None,
    key_spki_sha256: str | None = None,
    authority: _Authority | None = None,
) -> None:
    """Refuse a certificate that clients would refuse.

    Args:
        facts: See :func:`certificate_problems`.
        now: See there.
        device: See there.
        address: See there.
        key_spki_sha256: See there.
        authority: See there.

    Raises:
        PkiError: The first problem.
    """
    for problem in certificate_problems(
        facts, now=now, device=device, address=address, key_spki_sha256=key_spki_sha256, authority=authority
    ):
        raise problem


def for_evidence(facts: CertificateFacts) -> bool:
    """Whether a certificate is one for signing evidence (RFC 5280 section 4.2.1.12).

    Args:
        facts: The certificate.

    Returns:
        True when its extended key usages say so: e-mail protection, which validators of CMS signatures ask for.
    """
    try:
        extensions = x509.load_der_x509_certificate(facts.der).extensions
        usages = extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    except (x509.ExtensionNotFound, ValueError):
        return False
    return oid.ExtendedKeyUsageOID.EMAIL_PROTECTION in usages
