# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A certificate as it comes from outside: with the certificates between it and the root, and with its private key."""

from __future__ import annotations

import base64
import dataclasses as dc
import itertools
import secrets
import typing as t

from .._core._errors import PkiError
from .._core._secret import Secret
from .._thirdparty import InvalidSignature, UnsupportedAlgorithm, ec, hashes, pkcs12, rsa, serialization, x509
from .._tls._certificate import CertificateFacts, load_one_certificate, pem_labels
from ._files import read_secret_bytes
from ._keys import check_strength, decrypt_key, key_pem, spki_sha256

if t.TYPE_CHECKING:
    from ._keys import PrivateKey

__all__ = ["Bundle", "bundle_from_pem", "bundle_from_pkcs12", "issued_by", "pkcs8_base64", "pkcs12_file"]

_LONGEST_CHAIN: t.Final = 8
_END: t.Final = "-----END "
_CHAIN: t.Final = "the device's certificate first, then each one's issuer"
#: How a PKCS#12 file begins: a sequence that begins with the number 3 (RFC 7292, section 4).
_PKCS12_VERSION: t.Final = b"\x02\x01\x03"


@dc.dataclass(frozen=True, kw_only=True)
class Bundle:
    """A certificate and what belongs to it.

    Attributes:
        leaf: The device's certificate.
        issuers: Those between it and the root, nearest first, PEM; never the root itself (RFC 8446, section 4.4.2).
        key: Its private key, PKCS#8 in PEM and unencrypted; None where the device has it.
    """

    leaf: CertificateFacts
    issuers: tuple[str, ...] = ()
    key: Secret | None = None

    def with_key(self, path: str, passphrase: Secret | None) -> Bundle:
        """The same with the private key out of a file.

        Args:
            path: PEM file, which only its owner may read.
            passphrase: Of an encrypted key; None for a plain one.

        Returns:
            The bundle.

        Raises:
            PkiError: The key cannot be read, or is of another certificate.
        """
        content = read_secret_bytes(path, subject="private key")
        if b"ENCRYPTED" in content and passphrase is None:
            raise PkiError(
                device=path,
                subject="private key",
                found="an encrypted key",
                expected="its passphrase in the option private_key_passphrase",
            )
        return self._paired(decrypt_key(content, passphrase, device=path), path)

    def _paired(self, key: PrivateKey, path: str) -> Bundle:
        if spki_sha256(key.public_key()) != self.leaf.spki_sha256:
            raise PkiError(
                device=path,
                subject="private key",
                found=f"a key that is not that of the certificate for {self.leaf.subject_common_name}",
                expected="key and certificate of one pair",
            )
        return dc.replace(self, key=Secret(key_pem(key, None).decode("ascii")))


def bundle_from_pem(pem: str, *, device: str, subject: str) -> Bundle:
    """A certificate with those between it and the root, out of a text.

    Args:
        pem: One to eight certificates in PEM.
        device: Name in messages.
        subject: What is read, for the error.

    Returns:
        The bundle, without a key.

    Raises:
        PkiError: There is no certificate, something else is among them, or they are not one chain in its order.
    """
    certificates = pem_labels(pem).count("CERTIFICATE")
    if certificates < 2 or certificates != len(pem_labels(pem)):
        return Bundle(leaf=_device_certificate(load_one_certificate(pem, device, subject), device, subject))
    parts = [f"{one}{_END}CERTIFICATE-----\n" for one in pem.split(f"{_END}CERTIFICATE-----")[:-1]]
    chain = [load_one_certificate(part, device, subject) for part in parts]
    _check_order(chain, device, subject)
    leaf = _device_certificate(chain[0], device, subject)
    return Bundle(leaf=leaf, issuers=tuple(one.pem for one in chain[1:] if not one.self_signed))


def bundle_from_pkcs12(path: str, passphrase: Secret) -> Bundle:
    """A certificate with its key and those between it and the root, out of a PKCS#12 file (RFC 7292).

    Args:
        path: The file, which only its owner may read.
        passphrase: It opens the file.

    Returns:
        The bundle. The file's certificates may stand in any order.

    Raises:
        PkiError: The file cannot be opened, lacks key or certificate, or they do not belong together.
    """
    subject = "PKCS#12 file"

    def refuse(found: str, expected: str) -> t.NoReturn:
        raise PkiError(device=path, subject=subject, found=found, expected=expected) from None

    content = read_secret_bytes(path, subject=subject)
    if content[:1] != b"\x30" or _PKCS12_VERSION not in content[:12]:
        refuse("data of another kind", "a PKCS#12 file")
    try:
        found = pkcs12.load_pkcs12(content, passphrase.reveal().encode("utf-8", "surrogateescape"))
    except (ValueError, TypeError, UnsupportedAlgorithm):
        refuse("a passphrase that does not open it, or a damaged file", "the file's own passphrase")
    key = found.key
    if key is None:
        refuse("no private key", "a private key and its certificate")
    if not isinstance(key, (rsa.RSAPrivateKey, ec.EllipticCurvePrivateKey)):
        refuse(f"a key of another kind ({type(key).__name__})", "an RSA or an ECDSA key")
    certificates = [one.certificate for one in (found.cert, *found.additional_certs) if one is not None]
    if not certificates:
        refuse("no certificate", "a private key and its certificate")
    if found.cert is None:
        refuse("certificates for other keys than the one in the file", "the certificate of the private key")
    check_strength(key.public_key(), device=path, subject="private key")
    text = "".join(one.public_bytes(serialization.Encoding.PEM).decode("ascii") for one in _ordered(certificates))
    return bundle_from_pem(text, device=path, subject=subject)._paired(key, path)


def _ordered(certificates: t.Sequence[x509.Certificate]) -> list[x509.Certificate]:
    """From the first one upwards; what is not above it follows, and is then no chain."""
    chain, rest = [certificates[0]], list(certificates[1:])
    while above := next((one for one in rest if one.subject == chain[-1].issuer), None):
        chain.append(above)
        rest.remove(above)
    return [*chain, *rest]


def _check_order(chain: t.Sequence[CertificateFacts], device: str, subject: str) -> None:
    found = ""
    if len(chain) > _LONGEST_CHAIN:
        found = f"{len(chain)} certificates"
    for below, above in itertools.pairwise(chain[:_LONGEST_CHAIN]):
        if not found and not issued_by(below, above):
            shown = [one.subject_common_name or one.subject for one in (below, above)]
            found = f"{shown[0]} followed by {shown[1]}, which did not issue it"
    if found:
        raise PkiError(device=device, subject=f"chain in {subject}", found=found, expected=_CHAIN)


def issued_by(below: CertificateFacts, above: CertificateFacts) -> bool:
    """Whether a certificate's signature is that of another one, which is a CA's.

    Args:
        below: The certificate.
        above: Who should have issued it.

    Returns:
        True when the signature holds.
    """
    try:
        x509.load_der_x509_certificate(below.der).verify_directly_issued_by(x509.load_der_x509_certificate(above.der))
    except (InvalidSignature, UnsupportedAlgorithm, ValueError, TypeError):
        return False
    return above.is_ca


def _device_certificate(facts: CertificateFacts, device: str, subject: str) -> CertificateFacts:
    """Neither a CA's own certificate nor a self-signed one: those are installed elsewhere."""
    found = "the certificate of a certificate authority" if facts.is_ca else ""
    if not found and facts.self_signed:
        found = "a self-signed certificate"
    if found:
        raise PkiError(
            device=device, subject=subject, found=found, expected="a device's certificate, issued by an authority"
        )
    return facts


def pkcs8_base64(key: Secret) -> Secret:
    """A private key as a device takes it.

    Args:
        key: PKCS#8 in PEM, unencrypted.

    Returns:
        PKCS#8, DER in base64.
    """
    loaded = serialization.load_pem_private_key(key.reveal().encode("ascii"), None)
    der = loaded.private_bytes(
        serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return Secret(base64.b64encode(der).decode("ascii"))


def pkcs12_file(facts: CertificateFacts, key: Secret, *, name: str, modern: bool) -> tuple[bytes, Secret]:
    """A certificate and its key in a PKCS#12 file under a passphrase of its own (RFC 7292).

    Args:
        facts: The certificate.
        key: PKCS#8 in PEM, unencrypted.
        name: Friendly name of both.
        modern: AES-256 and SHA-256 (PBES2, RFC 8018) instead of triple DES and SHA-1, which all readers know.

    Returns:
        The file and the passphrase.
    """
    passphrase = Secret(secrets.token_urlsafe(24))
    builder = serialization.PrivateFormat.PKCS12.encryption_builder()
    if modern:
        builder = builder.key_cert_algorithm(pkcs12.PBES.PBESv2SHA256AndAES256CBC).hmac_hash(hashes.SHA256())
    else:
        builder = builder.key_cert_algorithm(pkcs12.PBES.PBESv1SHA1And3KeyTripleDESCBC).hmac_hash(hashes.SHA1())
    loaded = serialization.load_pem_private_key(key.reveal().encode("ascii"), None)
    content = pkcs12.serialize_key_and_certificates(
        name.encode(),
        t.cast("PrivateKey", loaded),
        x509.load_der_x509_certificate(facts.der),
        None,
        builder.build(passphrase.reveal().encode("ascii")),
    )
    return content, passphrase
