# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What certreq is to make on a server, and who signs it."""

from __future__ import annotations

import dataclasses as dc
import datetime as dt
import typing as t

from .._core._errors import InputError
from .._core._secret import Secret
from .._pki._authority import CertificateAuthority, Issued
from .._pki._external import ExternalAuthority, Terms
from .._tls._certificate import CertificateFacts
from .._tls._names import bare

__all__ = ["Bundle", "ForeignAuthority", "OwnAuthority", "Signer", "Source", "request_inf"]

_SIGNING_TIME: t.Final = dt.timedelta(minutes=1)


class Signer(t.Protocol):
    """An authority that signs what a server requests."""

    @property
    def roots(self) -> tuple[CertificateFacts, ...]:
        """Roots below which it signs; none where it is yet to be made, which can be planned and nothing more."""

    @property
    def issuer_end(self) -> dt.datetime:
        """When what signs ends."""

    def issued_by_us(self, facts: CertificateFacts) -> bool:
        """Whether it signed a certificate."""

    def revoked(self, facts: CertificateFacts) -> str:
        """Why a certificate is no longer to be trusted; empty when it is."""

    def check(self, names: t.Sequence[str], common_name: str, *, device: str, fault: str) -> None:
        """Refuse, before anything is changed, what could not be signed; ``fault`` is why it has to be."""

    def sign(self, request: str, *, device: str, names: t.Sequence[str], hours_back: float) -> Issued:
        """Sign a request; the validity starts at most ``hours_back`` hours ago."""


@dc.dataclass(frozen=True, kw_only=True)
class OwnAuthority:
    """Our own authority.

    Attributes:
        own: The authority; None where it is yet to be made.
        passphrase: Of its key.
        lifetime_days: Of a new certificate.
        backdate_hours: Its validity starts this long ago.
    """

    own: CertificateAuthority | None
    passphrase: Secret | None
    lifetime_days: int
    backdate_hours: int

    @property
    def roots(self) -> tuple[CertificateFacts, ...]:
        """See :class:`Signer`."""
        return () if self.own is None else (self.own.root_certificate,)

    @property
    def issuer_end(self) -> dt.datetime:
        """See :class:`Signer`."""
        return self._made.issuer_certificate.not_after

    def issued_by_us(self, facts: CertificateFacts) -> bool:
        """See :class:`Signer`."""
        return self.own is not None and self.own.issued_by_us(facts)

    def revoked(self, facts: CertificateFacts) -> str:
        """See :class:`Signer`."""
        return self._made.revoked(facts)

    def check(self, names: t.Sequence[str], common_name: str, *, device: str, fault: str) -> None:
        """See :class:`Signer`.

        Args:
            names: Subject alternative names.
            common_name: Of the subject.
            device: Inventory name.
            fault: Why it has to be signed.

        Raises:
            InputError: No passphrase, or a name that the authority may not issue for.
            PkiError: The passphrase is not the one of the authority's key.
        """
        if self.passphrase is None:
            raise InputError(
                device=device,
                subject="authority_passphrase",
                found="none",
                expected=f"the passphrase of the CA's key, since a certificate has to be issued: {fault}",
            )
        self._made.check_names(names, common_name, device=device)
        self._made.check_passphrase(self.passphrase)

    def sign(self, request: str, *, device: str, names: t.Sequence[str], hours_back: float) -> Issued:
        """See :class:`Signer`.

        Args:
            request: PEM.
            device: Inventory name.
            names: Subject alternative names.
            hours_back: How long ago the validity starts at most.

        Returns:
            The certificate, with the subject of the request.

        Raises:
            PkiError: The request or the authority cannot be used.
        """
        if self.passphrase is None:
            raise RuntimeError("check() comes first")
        return self._made.sign_request(
            request,
            passphrase=self.passphrase,
            device=device,
            subject_alt_names=names,
            lifetime_days=self.lifetime_days,
            backdate_hours=int(min(self.backdate_hours, hours_back)),
        )

    @property
    def _made(self) -> CertificateAuthority:
        if self.own is None:
            raise RuntimeError("an authority that is yet to be made signs nothing")
        return self.own


@dc.dataclass(frozen=True, kw_only=True)
class ForeignAuthority:
    """Somebody else's authority, behind the operator's command.

    Attributes:
        external: The authority.
        lifetime_days: That a new certificate is asked to have.
        backdate_hours: How long ago it is asked to start.
        renew_before: Days; it must have more than this.
    """

    external: ExternalAuthority
    lifetime_days: int
    backdate_hours: int
    renew_before: float

    @property
    def roots(self) -> tuple[CertificateFacts, ...]:
        """See :class:`Signer`."""
        return self.external.roots

    @property
    def issuer_end(self) -> dt.datetime:
        """See :class:`Signer`."""
        return self.external.issuer_certificate.not_after

    def issued_by_us(self, facts: CertificateFacts) -> bool:
        """See :class:`Signer`."""
        return self.external.issued_by_us(facts)

    def revoked(self, facts: CertificateFacts) -> str:
        """See :class:`Signer`."""
        return self.external.revoked(facts)

    def check(self, names: t.Sequence[str], common_name: str, *, device: str, fault: str) -> None:
        """See :class:`Signer`.

        Args:
            names: Not used: what comes back is checked.
            common_name: Not used.
            device: Inventory name.
            fault: Not used.

        Raises:
            PkiError: The command cannot be run.
        """
        del names, common_name, fault
        self.external.check_ready(device=device)

    def sign(self, request: str, *, device: str, names: t.Sequence[str], hours_back: float) -> Issued:
        """See :class:`Signer`.

        Args:
            request: PEM.
            device: Inventory name.
            names: Subject alternative names.
            hours_back: How long ago the validity starts at most.

        Returns:
            The certificate, checked.

        Raises:
            PkiError: The command failed, or what it returned would not do.
        """
        terms = Terms(
            device=device,
            common_name=bare(names[0]),
            subject_alt_names=tuple(names),
            lifetime_days=self.lifetime_days,
            backdate_hours=int(min(self.backdate_hours, hours_back)),
            renew_before_days=self.renew_before,
            renew_share=None,
        )
        # An authority that does not backdate has it start when it signs, which takes its time.
        return self.external.sign(request, terms, clock=dt.datetime.now(tz=dt.UTC) + _SIGNING_TIME)


@dc.dataclass(frozen=True, kw_only=True)
class Bundle:
    """A certificate with its key from elsewhere.

    Attributes:
        content: PKCS#12.
        passphrase: Of it.
        thumbprint: Of its certificate, upper-case hexadecimal.
        leaf: Its certificate.
        issuers: Those between it and the root, PEM.
    """

    content: bytes = dc.field(repr=False)
    passphrase: Secret
    thumbprint: str
    leaf: CertificateFacts
    issuers: tuple[str, ...] = ()


Source: t.TypeAlias = "Signer | Bundle"


def request_inf(subject: str, names: t.Sequence[str], *, key_size: int) -> str:
    """The file that certreq makes a request of (Microsoft's documentation of certreq).

    Args:
        subject: Distinguished name.
        names: Subject alternative names, ``DNS:…`` and ``IP:…``.
        key_size: Of the RSA key (VMS-19), in bits.

    Returns:
        Its text. The key is a machine key and cannot be exported.
    """
    kinds = {"DNS": "dns", "IP": "ipaddress"}
    parts = "&".join(f"{kinds[name.partition(':')[0]]}={bare(name)}" for name in names)
    lines = [
        "[Version]",
        'Signature = "$Windows NT$"',
        "[NewRequest]",
        f'Subject = "{subject}"',
        f"KeyLength = {key_size}",
        "KeyAlgorithm = RSA",
        "HashAlgorithm = SHA256",
        'ProviderName = "Microsoft Software Key Storage Provider"',
        "MachineKeySet = TRUE",
        "Exportable = FALSE",
        "KeyUsage = 0xa0",
        "RequestType = PKCS10",
        "Silent = TRUE",
        "[EnhancedKeyUsageExtension]",
        "OID = 1.3.6.1.5.5.7.3.1",
        "[Extensions]",
        '2.5.29.17 = "{text}"',
        f'_continue_ = "{parts}"',
    ]
    return "\r\n".join(lines) + "\r\n"
