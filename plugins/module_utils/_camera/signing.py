# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who signs a camera's certificate: our own authority, or somebody else's behind a command."""

from __future__ import annotations

import datetime as dt
import typing as t

from .._core._errors import InputError
from .._core._secret import Secret
from .._pki._authority import CertificateAuthority, Issued
from .._pki._external import ExternalAuthority, Terms
from .._thirdparty import x509
from .._tls._certificate import CertificateFacts
from .planning import Issuer, subject_fits
from .state import SubjectName, WantedCertificate

__all__ = ["ForeignSigner", "OwnSigner", "Signer", "required_passphrase"]


class Signer(Issuer, t.Protocol):
    """What a camera's resource asks of whoever signs."""

    @property
    def trusted_path(self) -> str:
        """PEM file by which what it signs is verified."""

    def common_name_for(self, host: str) -> str:
        """The common name for an address or host name."""

    def check_ready(self, wanted: WantedCertificate, *, device: str, fault: str) -> None:
        """Refuse, before anything is sent, what could not be signed; ``fault`` is why it has to be."""

    def sign(
        self, request: str, wanted: WantedCertificate, *, device: str, clock: t.Callable[[], dt.datetime]
    ) -> Issued:
        """Sign a camera's request; ``clock`` asks the camera for its time."""

    def known(self, serial_number: str) -> CertificateFacts | None:
        """A certificate by its serial number, where the signer keeps a ledger."""

    def certificates_of(self, spki_sha256: str) -> t.Sequence[CertificateFacts]:
        """All certificates of a public key, where the signer keeps a ledger."""

    def note_contact(self, *, device: str, address: str, port: int, trust: str) -> None:
        """Keep that a device was changed over a contact that proved nothing."""


def required_passphrase(wanted: WantedCertificate, *, device: str, fault: str) -> Secret:
    """The passphrase of our authority's key; needed also where that authority is yet to be made.

    Args:
        wanted: The certificate.
        device: Inventory name or address.
        fault: Why it has to be signed.

    Returns:
        The passphrase.

    Raises:
        InputError: There is none.
    """
    if wanted.passphrase is None:
        raise InputError(
            device=device,
            subject="authority_passphrase",
            found="none",
            expected=f"the passphrase of the CA's key, since a certificate has to be issued: {fault}",
        )
    return wanted.passphrase


class OwnSigner:
    """Our own certificate authority.

    Args:
        authority: The authority.
    """

    def __init__(self, authority: CertificateAuthority) -> None:
        self._authority = authority
        self.trusted_path = authority.trusted_path
        self.issuer_certificate = authority.issuer_certificate
        self.issued_by_us = authority.issued_by_us
        self.revoked = authority.revoked
        self.common_name_for = authority.common_name_for
        self.note_contact = authority.ledger.record_contact

    def subject_differs(self, facts: CertificateFacts, subject: SubjectName) -> bool:
        """Whether a certificate has another subject; our authority takes over that of the request."""
        return not subject_fits(x509.load_der_x509_certificate(facts.der).subject, subject)

    def check_ready(self, wanted: WantedCertificate, *, device: str, fault: str) -> None:
        """See :class:`Signer`.

        Args:
            wanted: The certificate.
            device: Inventory name or address.
            fault: Why it has to be signed.

        Raises:
            InputError: No passphrase, or a name that the authority may not issue for.
            PkiError: The passphrase is not the one of the authority's key.
        """
        passphrase = required_passphrase(wanted, device=device, fault=fault)
        self._authority.check_names(wanted.subject_alt_names, wanted.subject.common_name, device=device)
        self._authority.check_passphrase(passphrase)

    def sign(
        self, request: str, wanted: WantedCertificate, *, device: str, clock: t.Callable[[], dt.datetime]
    ) -> Issued:
        """See :class:`Signer`; what our authority signs is as it was planned, whatever the camera's clock says.

        Args:
            request: The camera's request.
            wanted: The certificate.
            device: Inventory name or address.
            clock: Not asked.

        Returns:
            The certificate.

        Raises:
            CamsecError: See :meth:`CertificateAuthority.sign_request`.
        """
        del clock
        if wanted.passphrase is None:
            raise RuntimeError("check_ready() comes first")
        return self._authority.sign_request(
            request,
            passphrase=wanted.passphrase,
            device=device,
            subject_alt_names=wanted.subject_alt_names,
            lifetime_days=wanted.lifetime_days,
            backdate_hours=wanted.backdate_hours,
        )

    def known(self, serial_number: str) -> CertificateFacts | None:
        """A certificate of the ledger.

        Args:
            serial_number: Lower-case hexadecimal.

        Returns:
            The certificate, or nothing.
        """
        entry = self._authority.ledger.find(serial_number)
        return CertificateFacts.from_pem(entry.pem) if entry else None

    def certificates_of(self, spki_sha256: str) -> t.Sequence[CertificateFacts]:
        """Certificates of the ledger.

        Args:
            spki_sha256: SHA-256 of the public key, hexadecimal.

        Returns:
            Those that were issued for it, oldest first.
        """
        entries = self._authority.ledger.certificates()
        return [CertificateFacts.from_pem(entry.pem) for entry in entries if entry.spki_sha256 == spki_sha256]


class ForeignSigner:
    """An authority behind the operator's command.

    Args:
        authority: The authority.
    """

    def __init__(self, authority: ExternalAuthority) -> None:
        self._authority = authority
        self.trusted_path = authority.trusted_path
        self.issuer_certificate = authority.issuer_certificate
        self.issued_by_us = authority.issued_by_us
        self.revoked = authority.revoked
        self.common_name_for = authority.common_name_for

    def subject_differs(self, facts: CertificateFacts, subject: SubjectName) -> bool:
        """Never: an authority writes the subject that it wants to, and clients look at the names alone (RFC 9525)."""
        del facts, subject
        return False

    def check_ready(self, wanted: WantedCertificate, *, device: str, fault: str) -> None:
        """See :class:`Signer`.

        Args:
            wanted: The certificate.
            device: Inventory name or address.
            fault: Why it has to be signed.

        Raises:
            PkiError: The command cannot be run.
        """
        del wanted, fault
        self._authority.check_ready(device=device)

    def sign(
        self, request: str, wanted: WantedCertificate, *, device: str, clock: t.Callable[[], dt.datetime]
    ) -> Issued:
        """See :class:`Signer`.

        Args:
            request: The camera's request.
            wanted: The certificate.
            device: Inventory name or address.
            clock: The camera's time.

        Returns:
            The certificate, checked.

        Raises:
            PkiError: The command failed, or what it returned would not do.
        """
        terms = Terms(
            device=device,
            common_name=wanted.subject.common_name,
            subject_alt_names=wanted.subject_alt_names,
            lifetime_days=wanted.lifetime_days,
            backdate_hours=wanted.backdate_hours,
            renew_before_days=wanted.renew_before_days,
            renew_share=wanted.renew_share,
        )
        return self._authority.sign(request, terms, clock=clock())

    def known(self, serial_number: str) -> CertificateFacts | None:
        """Nothing: there is no ledger of what somebody else issued.

        Args:
            serial_number: Of the certificate.

        Returns:
            Nothing.
        """
        del serial_number
        return None

    def certificates_of(self, spki_sha256: str) -> t.Sequence[CertificateFacts]:
        """None, for the same reason.

        Args:
            spki_sha256: Of the public key.

        Returns:
            Nothing.
        """
        del spki_sha256
        return ()

    def note_contact(self, *, device: str, address: str, port: int, trust: str) -> None:
        """There is no ledger to keep it in; the task's result tells it (``contact``).

        Args:
            device: Inventory name or address.
            address: Where it answered.
            port: Where it answered.
            trust: By what it was trusted.
        """
