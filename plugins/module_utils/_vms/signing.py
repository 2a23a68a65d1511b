# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What certreq is to make on a server, and who signs it."""

from __future__ import annotations

import dataclasses as dc
import typing as t

from .._core._errors import PkiError
from .._core._secret import Secret
from .._pki._authority import CertificateAuthority, Issued
from .._tls._certificate import CertificateFacts
from .._tls._names import bare

__all__ = ["Authority", "Bundle", "Source", "request_inf"]


@dc.dataclass(frozen=True, kw_only=True)
class Authority:
    """Our own authority signs what the server requests.

    Attributes:
        own: The authority; None where it is yet to be made, which can be planned and nothing more.
        passphrase: Of its key.
        lifetime_days: Of a new certificate.
        backdate_hours: Its validity starts this long ago.
    """

    own: CertificateAuthority | None
    passphrase: Secret | None
    lifetime_days: int
    backdate_hours: int

    def sign(self, request: str, *, device: str, names: t.Sequence[str], subject: str) -> Issued:
        """Sign a request, with a subject that stays as it is.

        Args:
            request: PEM.
            device: Inventory name.
            names: Subject alternative names.
            subject: That the certificate has to have (VMS-17), RFC 4514.

        Returns:
            The certificate.

        Raises:
            PkiError: The authority cannot sign, or the certificate would have another subject.
        """
        if self.own is None or self.passphrase is None:
            raise RuntimeError("planning refuses what cannot be signed")
        issued = self.own.sign_request(
            request,
            passphrase=self.passphrase,
            device=device,
            subject_alt_names=names,
            lifetime_days=self.lifetime_days,
            backdate_hours=self.backdate_hours,
        )
        if issued.facts.subject != subject:
            raise PkiError(
                device=device,
                subject="subject of the new certificate",
                found=issued.facts.subject,
                expected=f"{subject}, since the VMS takes up a renewed certificate by its subject (VMS-17)",
            )
        return issued


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


Source = Authority | Bundle


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
