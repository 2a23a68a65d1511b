# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The key that signs receipts, with its certificate of the fleet's own authority."""

from __future__ import annotations

import datetime as dt
import typing as t
from pathlib import Path

from .._core._errors import InputError, PkiError
from .._pki._check import for_evidence
from .._pki._files import exists, read_text
from .._pki._keys import load_private_key, spki_sha256
from .._thirdparty import x509
from .._tls._certificate import CertificateFacts, iso
from ._chain import facts_of
from ._cms import sign_detached

if t.TYPE_CHECKING:
    from .._pki._keys import PrivateKey

__all__ = ["SIGNER_CERTIFICATE", "SIGNER_KEY", "Signer", "load_signer"]

SIGNER_KEY: t.Final = "signer.key"
SIGNER_CERTIFICATE: t.Final = "signer.pem"


class Signer:
    """A key with its certificate, ready to sign.

    Args:
        key: The private key.
        certificate: Its certificate.
        others: Certificates between it and the root.
    """

    def __init__(
        self, key: PrivateKey, certificate: x509.Certificate, others: t.Sequence[x509.Certificate] = ()
    ) -> None:
        self._key = key
        self._certificate = certificate
        self._others = tuple(others)
        self._facts = facts_of(certificate)

    @property
    def facts(self) -> CertificateFacts:
        """What the certificate says."""
        return self._facts

    def sign(self, content: bytes, *, now: dt.datetime | None = None) -> bytes:
        """Sign bytes.

        Args:
            content: What is signed.
            now: The clock.

        Returns:
            A detached CMS signature in DER, see :func:`.._evidence._cms.sign_detached`.

        Raises:
            PkiError: The certificate has expired since it was read: nobody would accept what it signs.
        """
        instant = now or dt.datetime.now(dt.UTC)
        if instant > self._facts.not_after:
            raise PkiError(
                device="this host",
                subject="certificate of the signer",
                found=f"valid until {iso(self._facts.not_after)}",
                expected=f"valid at {iso(instant)}",
                advice="Have it renewed; what has been sent without a receipt is proven and written down then.",
            )
        return sign_detached(content, self._key, self._certificate, self._others)


def load_signer(
    state_directory: str | Path,
    *,
    key_path: str | None = None,
    certificate_path: str | None = None,
    now: dt.datetime | None = None,
) -> Signer:
    """Read the key and the certificate, and refuse what would make receipts that nobody can check.

    Args:
        state_directory: Holds ``signer.key`` and ``signer.pem``, where no paths are given.
        key_path: Unencrypted private key in PEM, mode 0600.
        certificate_path: Its certificate, perhaps followed by those between it and the root.
        now: The clock.

    Returns:
        The signer.

    Raises:
        InputError: There is no signer.
        PkiError: A file cannot be used, they do not fit, or the certificate is not valid now or for other uses.
    """
    key_file = Path(key_path or Path(state_directory) / SIGNER_KEY)
    certificate_file = Path(certificate_path or Path(state_directory) / SIGNER_CERTIFICATE)
    if not (exists(key_file) and exists(certificate_file)):
        missing = key_file if not exists(key_file) else certificate_file
        raise InputError(
            device=str(missing),
            subject="signer of receipts",
            found="no such file",
            expected="a key and a certificate that camsec.fleet.certificate made with evidence_signer",
            advice="The command `camsec-upload signer` makes them too; unsigned receipts must be asked for.",
        )
    key = load_private_key(key_file, subject="key of the signer")
    certificate, *others = _certificates(certificate_file)
    facts = facts_of(certificate)
    instant = now or dt.datetime.now(dt.UTC)

    def refuse(found: str, expected: str) -> t.NoReturn:
        raise PkiError(
            device=str(certificate_file), subject="certificate of the signer", found=found, expected=expected
        )

    if facts.spki_sha256 != spki_sha256(key.public_key()):
        refuse(f"one that does not fit the key {key_file}", "key and certificate of one pair")
    if not for_evidence(facts):
        refuse("a certificate for other uses", "one for signing evidence (the option evidence_signer)")
    if not facts.not_before <= instant <= facts.not_after:
        refuse(f"valid from {iso(facts.not_before)} to {iso(facts.not_after)}", f"valid at {iso(instant)}")
    return Signer(key, certificate, others)


def _certificates(path: Path) -> list[x509.Certificate]:
    text = read_text(path, subject="certificate of the signer")
    try:
        found = x509.load_pem_x509_certificates(text.encode("ascii", "replace"))
    except ValueError as error:
        raise PkiError(
            device=str(path),
            subject="certificate of the signer",
            found="no readable certificate",
            expected="the signer's certificate in PEM, perhaps followed by those between it and the root",
        ) from error
    # A root is no part of what a signature brings along: whoever checks has it, or has no reason to believe it.
    return [found[0], *(one for one in found[1:] if one.issuer != one.subject)]
