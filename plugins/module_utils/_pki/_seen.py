# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What was seen of a fleet's certificates, and what the authorities know of them: the ground of all findings."""

from __future__ import annotations

import dataclasses as dc
import datetime as dt
import functools
import typing as t

from .._thirdparty import InvalidSignature, UnsupportedAlgorithm, x509
from .._tls._certificate import CertificateFacts

__all__ = ["Fleet", "Issue", "KnownAuthority", "Seen", "signed_by"]


@dc.dataclass(frozen=True, kw_only=True)
class Seen:
    """One device as it was found.

    Attributes:
        device: Inventory name.
        address: Address or host name that clients connect to.
        dialect: ``ipro``, ``axis``, ``onvif``, ``sunell`` or ``recorder``; empty when it is not known.
        certificate: What the handshake showed, or what is installed.
        chain_complete: Whether a client that trusts the root alone accepts what the device sends; None when not known.
        verified: Whether chain and name hold against what the device is verified by; None when there was no handshake.
        scheme: How the device answers: ``http``, ``https`` or ``http_and_https``; empty when it is not known.
        wanted: ``http`` where the operator wants no TLS.
        status: The device's own word on its certificate: ``valid``, ``expired``, ``invalid``, ``not_generated``.
        built_in: The certificate is one that the firmware's own authority made.
        clock_offset: How far the device's clock is ahead of the controller's; None when it was not told.
        problem: Why the device could not be read, one sentence; empty when it could.
        trusted: SHA-256 of the certificates by which the device verifies others.
        recorder: Inventory name of the recorder that shows its pictures, or empty.
        renew_window: How long before its end the certificate is renewed.
    """

    device: str
    address: str
    dialect: str = ""
    certificate: CertificateFacts | None = None
    chain_complete: bool | None = None
    verified: bool | None = None
    scheme: str = ""
    wanted: str = "https"
    status: str = ""
    built_in: bool = False
    clock_offset: dt.timedelta | None = None
    problem: str = ""
    trusted: frozenset[str] = frozenset()
    recorder: str = ""
    renew_window: dt.timedelta = dt.timedelta(days=30)

    def own_time(self, now: dt.datetime) -> dt.datetime:
        """The time by the device's own clock.

        Args:
            now: The controller's clock.

        Returns:
            The device's time, or the controller's where the device did not tell.
        """
        return now + (self.clock_offset or dt.timedelta(0))


@dc.dataclass(frozen=True, kw_only=True)
class Issue:
    """A certificate in the ledger of an authority.

    Attributes:
        serial_number: Lower-case hexadecimal.
        device: The ledger's name of the device: its inventory name or its address.
        sha256: Of the certificate.
        spki_sha256: Of its public key.
        not_after: End of its validity.
        issued_at: When it was issued.
        revoked: Why it was revoked; empty when it was not.
    """

    serial_number: str
    device: str
    sha256: str
    spki_sha256: str
    not_after: dt.datetime
    issued_at: dt.datetime
    revoked: str = ""


@dc.dataclass(frozen=True, kw_only=True)
class KnownAuthority:
    """An authority of ours.

    Attributes:
        name: Its directory.
        root: Its root certificate.
        intermediate: Its intermediate certificate, if there is one.
        issued: Its ledger, oldest first.
    """

    name: str
    root: CertificateFacts
    intermediate: CertificateFacts | None = None
    issued: tuple[Issue, ...] = ()

    @property
    def certificates(self) -> tuple[CertificateFacts, ...]:
        """The root and, where there is one, the intermediate certificate."""
        return (self.root,) if self.intermediate is None else (self.root, self.intermediate)

    @property
    def issuer(self) -> CertificateFacts:
        """The certificate that signs."""
        return self.intermediate or self.root

    @property
    def ends(self) -> dt.datetime:
        """When nothing that it issued is accepted any more."""
        return min(one.not_after for one in self.certificates)

    @functools.cached_property
    def _by_sha256(self) -> dict[str, Issue]:
        return {one.sha256: one for one in self.issued}

    @functools.cached_property
    def _newest(self) -> dict[str, int]:
        return {one.device: place for place, one in enumerate(self.issued) if not one.revoked}

    def entry(self, facts: CertificateFacts) -> Issue | None:
        """Look a certificate up in the ledger.

        Args:
            facts: The certificate.

        Returns:
            Its entry, or nothing.
        """
        return self._by_sha256.get(facts.sha256)

    def newest(self, names: t.Collection[str]) -> Issue | None:
        """The certificate that was issued to a device last and is not revoked.

        Args:
            names: What the ledger may call it.

        Returns:
            The entry, or nothing.
        """
        place = max((self._newest[name] for name in names if name in self._newest), default=None)
        return None if place is None else self.issued[place]

    def signed(self, facts: CertificateFacts) -> bool:
        """Whether it made the signature of a certificate.

        Args:
            facts: The certificate.

        Returns:
            True when one of its certificates verifies the signature.
        """
        return any(signed_by(facts, one) for one in self.certificates)


@dc.dataclass(frozen=True, kw_only=True)
class Fleet:
    """All that was seen, and all authorities.

    Attributes:
        devices: In the order of the inventory.
        authorities: Of ours.
        unread: Authorities that could not be read, each with why.
        now: The controller's clock.
    """

    devices: tuple[Seen, ...]
    authorities: tuple[KnownAuthority, ...] = ()
    unread: tuple[tuple[str, str], ...] = ()
    now: dt.datetime

    def authority_of(self, facts: CertificateFacts) -> KnownAuthority | None:
        """Who of ours issued a certificate.

        Args:
            facts: The certificate.

        Returns:
            The authority, or nothing.
        """
        return next((one for one in self.authorities if one.entry(facts) or one.signed(facts)), None)

    def newest_issue(self, seen: Seen) -> Issue | None:
        """The newest certificate that any authority of ours issued to a device.

        Args:
            seen: The device.

        Returns:
            The entry, or nothing.
        """
        names = {seen.device, seen.address}
        found = [entry for one in self.authorities if (entry := one.newest(names)) is not None]
        return max(found, key=lambda one: one.issued_at, default=None)


def signed_by(facts: CertificateFacts, issuer: CertificateFacts) -> bool:
    """Whether one certificate was signed with the key of another.

    Args:
        facts: The certificate; both have to hold their DER.
        issuer: The other one.

    Returns:
        True when the issuer's name fits and its key verifies the signature.
    """
    if facts.issuer != issuer.subject or not facts.der or not issuer.der:
        return False
    certificate = x509.load_der_x509_certificate(facts.der)
    try:
        certificate.verify_directly_issued_by(x509.load_der_x509_certificate(issuer.der))
    except (InvalidSignature, UnsupportedAlgorithm, ValueError, TypeError):
        return False
    return True
