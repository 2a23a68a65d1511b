# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private keys and certificate requests: what is made, what is accepted."""

from __future__ import annotations

import hashlib
import typing as t
from pathlib import Path

from .._core._errors import InputError, PkiError
from .._core._secret import Secret
from .._thirdparty import InvalidSignature, UnsupportedAlgorithm, ec, hashes, padding, rsa, serialization, x509
from .._tls._certificate import pem_labels
from ._files import read_secret_bytes

__all__ = [
    "KEY_TYPES",
    "PrivateKey",
    "PublicKey",
    "decrypt_key",
    "describe_key",
    "digest_for",
    "generate_key",
    "key_pem",
    "load_private_key",
    "load_request",
    "spki_sha256",
    "unlock_own_key",
]

if t.TYPE_CHECKING:
    PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey
    PublicKey = rsa.RSAPublicKey | ec.EllipticCurvePublicKey
else:
    PrivateKey = PublicKey = object

KEY_TYPES: t.Final[t.Mapping[str, tuple[int, ...]]] = {"rsa": (2048, 3072, 4096), "ecdsa": (256, 384, 521)}
"""Sizes in bits of the keys that are made."""

_DEFAULT_SIZES = {"rsa": 3072, "ecdsa": 256}
_CURVES = {256: "secp256r1", 384: "secp384r1", 521: "secp521r1"}
#: What a key signs to show that it can.
_PROBE: t.Final = b"camsec.fleet"
_ACCEPTED = "an RSA key of 2048 to 8192 bits or an ECDSA key on P-256, P-384 or P-521"


def default_size(key_type: str, key_size: int | None) -> int:
    """The size of a key to make.

    Args:
        key_type: ``rsa`` or ``ecdsa``.
        key_size: In bits, or nothing for the default (RSA 3072, P-256).

    Returns:
        Bits.

    Raises:
        InputError: No key of this kind is made.
    """
    if key_type not in KEY_TYPES:
        raise InputError(device="this host", subject="key type", found=repr(key_type), expected="rsa or ecdsa")
    size = _DEFAULT_SIZES[key_type] if key_size is None else key_size
    if size not in KEY_TYPES[key_type]:
        choices = ", ".join(map(str, KEY_TYPES[key_type]))
        raise InputError(device="this host", subject=f"size of the {key_type} key", found=size, expected=choices)
    return size


def generate_key(key_type: str = "rsa", key_size: int | None = None) -> PrivateKey:
    """Make a private key.

    Args:
        key_type: ``rsa`` or ``ecdsa``.
        key_size: In bits: 2048, 3072 or 4096; 256, 384 or 521.

    Returns:
        The key.

    Raises:
        InputError: No key of this kind is made.
    """
    size = default_size(key_type, key_size)
    if key_type == "rsa":
        return rsa.generate_private_key(public_exponent=65537, key_size=size)
    curves: dict[int, ec.EllipticCurve] = {256: ec.SECP256R1(), 384: ec.SECP384R1(), 521: ec.SECP521R1()}
    return ec.generate_private_key(curves[size])


def key_pem(key: PrivateKey, passphrase: Secret | None) -> bytes:
    """A key as PKCS#8 in PEM.

    Args:
        key: The key.
        passphrase: Encrypts it; without one it is written plainly, for devices that take nothing else.

    Returns:
        The PEM text, a secret.
    """
    protection: serialization.KeySerializationEncryption = serialization.NoEncryption()
    if passphrase is not None:
        protection = serialization.BestAvailableEncryption(passphrase.reveal().encode("utf-8", "surrogateescape"))
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, protection)


def load_private_key(path: str | Path, *, subject: str = "private key") -> PrivateKey:
    """Read an unencrypted private key that only its owner may read.

    Args:
        path: PEM file.
        subject: Object that the error names.

    Returns:
        The key.

    Raises:
        PkiError: It is missing, open to others, no key, encrypted, or too weak.
    """
    return decrypt_key(read_secret_bytes(path, subject=subject), None, device=str(path), subject=subject)


def unlock_own_key(content: bytes, passphrase: Secret, *, device: str, subject: str) -> PrivateKey:
    """Load a private key that we made and encrypted ourselves.

    Whether the numbers of an RSA key are primes, which takes 0.1 s, is not proven again: it signs something, and that
    is verified instead, so that a damaged one is found. A key of somebody else goes through :func:`decrypt_key`.

    Args:
        content: PEM.
        passphrase: Of the key.
        device: File that the error names.
        subject: Object that the error names.

    Returns:
        The key.

    Raises:
        PkiError: One sentence without the content or the passphrase.
    """
    key = _decrypt_key(content, passphrase, device, subject, _load_own_key)
    if isinstance(key, rsa.RSAPrivateKey):
        scheme, digest = padding.PKCS1v15(), hashes.SHA256()
        try:
            key.public_key().verify(key.sign(_PROBE, scheme, digest), _PROBE, scheme, digest)
        except (InvalidSignature, ValueError):
            raise PkiError(
                device=device, subject=subject, found="a damaged key", expected="a key whose signatures verify"
            ) from None
    return key


def _load_own_key(content: bytes, password: bytes | None) -> t.Any:
    return serialization.load_pem_private_key(content, password, unsafe_skip_rsa_key_validation=True)


def decrypt_key(content: bytes, passphrase: Secret | None, *, device: str, subject: str = "private key") -> PrivateKey:
    """Load a private key.

    Args:
        content: PEM.
        passphrase: For an encrypted key; none for a plain one.
        device: File that the error names.
        subject: Object that the error names.

    Returns:
        The key.

    Raises:
        PkiError: One sentence without the content or the passphrase.
    """
    return _decrypt_key(content, passphrase, device, subject, serialization.load_pem_private_key)


def _decrypt_key(
    content: bytes,
    passphrase: Secret | None,
    device: str,
    subject: str,
    load: t.Callable[[bytes, bytes | None], t.Any],
) -> PrivateKey:
    def refuse(found: str, expected: str) -> t.NoReturn:
        raise PkiError(device=device, subject=subject, found=found, expected=expected) from None

    labels = pem_labels(content.decode("ascii", "replace"))
    if not content.strip():
        refuse("nothing (empty)", "a private key in PEM")
    if not any(label.endswith("PRIVATE KEY") for label in labels):
        refuse(f"a {labels[0].lower()}" if labels else "no PEM block", "a private key in PEM")
    encrypted = b"ENCRYPTED" in content
    if encrypted and passphrase is None:
        refuse("an encrypted key", "a key without a passphrase")
    if not encrypted and passphrase is not None:
        refuse("an unencrypted key", "a key that the passphrase encrypts")
    password = None if passphrase is None else passphrase.reveal().encode("utf-8", "surrogateescape")
    try:
        key = load(content, password)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        refuse(
            "a wrong passphrase" if encrypted else "a damaged key", "the key's own passphrase" if encrypted else "a key"
        )
    if not isinstance(key, (rsa.RSAPrivateKey, ec.EllipticCurvePrivateKey)):
        refuse(f"a key of another kind ({type(key).__name__})", _ACCEPTED)
    check_strength(key.public_key(), device=device, subject=subject)
    return key


def load_request(csr_pem: str, *, device: str) -> x509.CertificateSigningRequest:
    """Read a certificate request (PKCS#10, RFC 2986), and prove that whoever made it has the key.

    Args:
        csr_pem: PEM text with exactly one request.
        device: Device or file that the error names.

    Returns:
        The request.

    Raises:
        PkiError: It is none, its signature does not hold, or its key is too weak.
    """

    def refuse(found: str, expected: str = "exactly one certificate request (CSR) in PEM") -> t.NoReturn:
        raise PkiError(device=device, subject="certificate request", found=found, expected=expected) from None

    unusable = _not_one_request(csr_pem)
    if unusable:
        refuse(unusable)
    try:
        request = x509.load_pem_x509_csr(csr_pem.encode("ascii", "replace"))
        key = request.public_key()
        list(request.subject)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        refuse("a damaged request")
    if not isinstance(key, (rsa.RSAPublicKey, ec.EllipticCurvePublicKey)):
        refuse(f"a key of another kind ({type(key).__name__})", _ACCEPTED)
    check_strength(key, device=device, subject="key of the certificate request")
    try:
        genuine = request.is_signature_valid
    except (ValueError, UnsupportedAlgorithm):
        refuse("a signature that cannot be checked", "a signature with SHA-256 or better")
    if not genuine:
        refuse("a signature that its own key did not make", "a request as the device made it")
    return request


def _not_one_request(text: str) -> str:
    labels = pem_labels(text)
    if not text.strip():
        return "nothing (empty)"
    if any(label.endswith("PRIVATE KEY") for label in labels):
        return "a private key"
    if len(labels) != 1:
        return f"{len(labels)} PEM blocks" if labels else "no PEM block"
    return "" if labels[0] in ("CERTIFICATE REQUEST", "NEW CERTIFICATE REQUEST") else f"a {labels[0].lower()}"


def request_key(request: x509.CertificateSigningRequest) -> PublicKey:
    """The public key of a request that :func:`load_request` accepted.

    Args:
        request: The request.

    Returns:
        The key, RSA or ECDSA.
    """
    return t.cast("PublicKey", request.public_key())


def check_strength(key: PublicKey, *, device: str, subject: str) -> None:
    """Refuse weak keys (NIST SP 800-57 part 1: at least 112 bits of security).

    Args:
        key: The public key.
        device: Device or file that the error names.
        subject: Object that the error names.

    Raises:
        PkiError: It is too weak or on another curve.
    """
    if isinstance(key, rsa.RSAPublicKey):
        fits = 2048 <= key.key_size <= 8192 and key.public_numbers().e >= 65537
        found = f"RSA {key.key_size}, exponent {key.public_numbers().e}"
    else:
        fits = key.curve.name in _CURVES.values()
        found = f"ECDSA on {key.curve.name}"
    if not fits:
        raise PkiError(device=device, subject=subject, found=found, expected=_ACCEPTED)


def digest_for(key: PrivateKey) -> hashes.SHA256 | hashes.SHA384 | hashes.SHA512:
    """The hash that fits a signing key's strength.

    Args:
        key: The signing key.

    Returns:
        SHA-256, or SHA-384 for P-384, or SHA-512 for P-521.
    """
    if isinstance(key, rsa.RSAPrivateKey) or key.curve.key_size <= 256:
        return hashes.SHA256()
    return hashes.SHA384() if key.curve.key_size == 384 else hashes.SHA512()


def spki_sha256(key: PublicKey) -> str:
    """The identity of a public key.

    Args:
        key: The public key.

    Returns:
        SHA-256 of its SubjectPublicKeyInfo, lower-case hexadecimal.
    """
    return hashlib.sha256(
        key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    ).hexdigest()


def describe_key(key: PublicKey) -> dict[str, t.Any]:
    """A key as a result shows it.

    Args:
        key: The public key.

    Returns:
        ``key_type``, ``key_size`` (bits) and ``spki_sha256``.
    """
    kind = "rsa" if isinstance(key, rsa.RSAPublicKey) else "ecdsa"
    return {"key_type": kind, "key_size": key.key_size, "spki_sha256": spki_sha256(key)}
