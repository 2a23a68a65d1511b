# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Detached signatures in the Cryptographic Message Syntax (RFC 5652), as `openssl cms -verify -binary` reads them.

The library makes them; it has no call that checks one, so the few structures that a signature consists of are read
here, strictly: one signer, signed attributes, SHA-256 or better. Everything else is refused.
"""

from __future__ import annotations

import dataclasses as dc
import datetime as dt
import hashlib
import hmac
import typing as t

from .._core._errors import VerificationError
from .._thirdparty import InvalidSignature, UnsupportedAlgorithm, ec, hashes, padding, pkcs7, rsa, serialization, x509

if t.TYPE_CHECKING:
    from .._pki._keys import PrivateKey

__all__ = ["CmsSignature", "read_signature", "sign_detached"]

_SIGNED_DATA = "2a864886f70d010702"
_DATA = "2a864886f70d010701"
_CONTENT_TYPE = "2a864886f70d010903"
_MESSAGE_DIGEST = "2a864886f70d010904"
_SIGNING_TIME = "2a864886f70d010905"
_DIGESTS: t.Final = {"608648016503040201": "sha256", "608648016503040202": "sha384", "608648016503040203": "sha512"}
_RSA_SIGNATURES: t.Final = {
    "2a864886f70d010101",  # rsaEncryption
    "2a864886f70d01010b",  # sha256WithRSAEncryption
    "2a864886f70d01010c",  # sha384WithRSAEncryption
    "2a864886f70d01010d",  # sha512WithRSAEncryption
}
_ECDSA_SIGNATURES: t.Final = {
    "2a8648ce3d040302": "sha256",
    "2a8648ce3d040303": "sha384",
    "2a8648ce3d040304": "sha512",
}
_SEQUENCE, _SET, _OID, _OCTETS, _INTEGER, _CONTEXT_0 = 0x30, 0x31, 0x06, 0x04, 0x02, 0xA0
_UTC_TIME, _GENERALIZED_TIME = 0x17, 0x18


def sign_detached(
    content: bytes, key: PrivateKey, certificate: x509.Certificate, others: t.Sequence[x509.Certificate]
) -> bytes:
    """Sign bytes.

    Args:
        content: What is signed; it is not part of the signature.
        key: Of the signer.
        certificate: Of the signer; it goes along.
        others: Certificates between the signer's and the root; they go along.

    Returns:
        ContentInfo with SignedData, DER.
    """
    curve = getattr(key, "curve", None)
    digests: dict[int, hashes.SHA256 | hashes.SHA384 | hashes.SHA512] = {384: hashes.SHA384(), 521: hashes.SHA512()}
    digest = digests.get(0 if curve is None else curve.key_size, hashes.SHA256())
    builder = pkcs7.PKCS7SignatureBuilder().set_data(content).add_signer(certificate, key, digest)
    for other in others:
        builder = builder.add_certificate(other)
    options = [
        pkcs7.PKCS7Options.DetachedSignature,
        pkcs7.PKCS7Options.Binary,
        pkcs7.PKCS7Options.NoCapabilities,
    ]
    return builder.sign(serialization.Encoding.DER, options)


@dc.dataclass(frozen=True, kw_only=True)
class CmsSignature:
    """A detached signature that was read, not yet checked.

    Attributes:
        signer: Certificate of the signer.
        certificates: All certificates that it brought, the signer's included.
        signed_at: When the signer says that it signed.
    """

    signer: x509.Certificate
    certificates: tuple[x509.Certificate, ...]
    signed_at: dt.datetime | None
    _attributes: bytes
    _message_digest: bytes
    _digest: str
    _algorithm: str
    _value: bytes

    def holds(self, content: bytes) -> bool:
        """Whether the signer's key signed exactly these bytes. Says nothing of who the signer is.

        Args:
            content: What should have been signed.

        Returns:
            True when it did.
        """
        if not hmac.compare_digest(hashlib.new(self._digest, content).digest(), self._message_digest):
            return False
        key = self.signer.public_key()
        digests = {"sha256": hashes.SHA256(), "sha384": hashes.SHA384(), "sha512": hashes.SHA512()}
        try:
            if isinstance(key, rsa.RSAPublicKey) and self._algorithm in _RSA_SIGNATURES and key.key_size >= 2048:
                key.verify(self._value, self._attributes, padding.PKCS1v15(), digests[self._digest])
                return True
            if isinstance(key, ec.EllipticCurvePublicKey) and self._algorithm in _ECDSA_SIGNATURES:
                key.verify(self._value, self._attributes, ec.ECDSA(digests[_ECDSA_SIGNATURES[self._algorithm]]))
                return True
        except (InvalidSignature, UnsupportedAlgorithm):
            return False
        return False


class _BrokenError(Exception):
    """The bytes are not what they should be; what was expected is its text."""


class _Reader:
    """Reads DER values one after the other."""

    def __init__(self, content: bytes) -> None:
        self._content = content
        self._position = 0

    @property
    def left(self) -> bool:
        return self._position < len(self._content)

    def peek(self) -> int:
        return self._content[self._position] if self.left else -1

    def take(self, tag: int | None = None) -> tuple[int, bytes, bytes]:
        """The next value: its tag, its content, and the whole of it."""
        start = self._position
        if len(self._content) - start < 2:
            raise _BrokenError("more data")
        found = self._content[start]
        length, head = self._length(start + 1)
        end = start + 1 + head + length
        if end > len(self._content):
            raise _BrokenError("more data")
        if tag is not None and found != tag:
            raise _BrokenError(f"tag {tag:#04x}")
        self._position = end
        return found, self._content[start + 1 + head : end], self._content[start:end]

    def _length(self, at: int) -> tuple[int, int]:
        first = self._content[at]
        if first < 0x80:
            return first, 1
        count = first & 0x7F
        if not 1 <= count <= 4 or at + 1 + count > len(self._content):
            raise _BrokenError("a definite length")
        length = int.from_bytes(self._content[at + 1 : at + 1 + count], "big")
        if length < 0x80 or length >> (8 * (count - 1)) == 0:
            raise _BrokenError("the shortest form of a length")
        return length, 1 + count

    def inner(self, tag: int) -> _Reader:
        return _Reader(self.take(tag)[1])

    def oid(self) -> str:
        return self.take(_OID)[1].hex()

    def end(self) -> None:
        if self.left:
            raise _BrokenError("nothing more")


def read_signature(signature: bytes, *, device: str) -> CmsSignature:
    """Read a detached signature.

    Args:
        signature: ContentInfo with SignedData, DER.
        device: File or receipt that the error names.

    Returns:
        The signature, to be checked with :meth:`CmsSignature.holds`.

    Raises:
        VerificationError: It is none, or one of a kind that is not made here.
    """
    try:
        return _signed_data(signature)
    except (_BrokenError, ValueError, IndexError) as error:
        raise VerificationError(
            device=device,
            subject="signature",
            found=f"data that cannot be read as one ({error})",
            expected="a detached CMS signature with one signer, in DER",
        ) from error


def _signed_data(signature: bytes) -> CmsSignature:
    outer = _Reader(signature)
    info = outer.inner(_SEQUENCE)
    outer.end()
    if info.oid() != _SIGNED_DATA:
        raise _BrokenError("signed data")
    signed = info.inner(_CONTEXT_0).inner(_SEQUENCE)
    signed.take(_INTEGER)
    signed.take(_SET)
    content = signed.inner(_SEQUENCE)
    if content.oid() != _DATA or content.left:
        raise _BrokenError("a detached signature over data")
    certificates: list[x509.Certificate] = []
    if signed.peek() == _CONTEXT_0:
        bundle = signed.inner(_CONTEXT_0)
        while bundle.left:
            certificates.append(_certificate(bundle.take(_SEQUENCE)[2]))
    signers = signed.inner(_SET)
    signed.end()
    signer = signers.inner(_SEQUENCE)
    signers.end()
    return _signer_info(signer, tuple(certificates))


def _certificate(der: bytes) -> x509.Certificate:
    """A certificate of which every part that is asked for later can be read: the library reads most of them late."""
    try:
        certificate = x509.load_der_x509_certificate(der)
        certificate.public_key()
        list(certificate.extensions)
        list(certificate.subject)
        list(certificate.issuer)
    except (
        ValueError,
        TypeError,
        UnsupportedAlgorithm,
        x509.InvalidVersion,
        x509.DuplicateExtension,
        x509.UnsupportedGeneralNameType,
    ) as error:
        raise _BrokenError("certificates that can be read") from error
    return certificate


def _signer_info(info: _Reader, certificates: tuple[x509.Certificate, ...]) -> CmsSignature:
    info.take(_INTEGER)
    issuer_and_serial = info.inner(_SEQUENCE)
    issuer = issuer_and_serial.take(_SEQUENCE)[2]
    serial = int.from_bytes(issuer_and_serial.take(_INTEGER)[1], "big", signed=True)
    signer = next((one for one in certificates if one.serial_number == serial and _issuer(one) == issuer), None)
    if signer is None:
        raise _BrokenError("the certificate of the signer")
    digest = _DIGESTS.get(info.inner(_SEQUENCE).oid(), "")
    if not digest:
        raise _BrokenError("SHA-256, SHA-384 or SHA-512")
    attributes = info.take(_CONTEXT_0)
    algorithm = info.inner(_SEQUENCE).oid()
    value = info.take(_OCTETS)[1]
    info.end()
    message_digest, signed_at = _attributes(attributes[1])
    return CmsSignature(
        signer=signer,
        certificates=certificates,
        signed_at=signed_at,
        # What is signed is the SET itself, not the context tag it travels under (RFC 5652 section 5.4).
        _attributes=bytes([_SET]) + attributes[2][1:],
        _message_digest=message_digest,
        _digest=digest,
        _algorithm=algorithm,
        _value=value,
    )


def _issuer(certificate: x509.Certificate) -> bytes:
    return certificate.issuer.public_bytes()


def _attributes(content: bytes) -> tuple[bytes, dt.datetime | None]:
    found: dict[str, tuple[int, bytes]] = {}
    reader = _Reader(content)
    while reader.left:
        attribute = reader.inner(_SEQUENCE)
        name = attribute.oid()
        content_of = attribute.inner(_SET)
        tag, value, dummy = content_of.take()
        content_of.end()
        attribute.end()
        if name in found:
            raise _BrokenError("each attribute once")
        found[name] = (tag, value)
    if found.get(_CONTENT_TYPE) != (_OID, bytes.fromhex(_DATA)):
        raise _BrokenError("the signed attribute content type")
    tag, digest = found.get(_MESSAGE_DIGEST, (0, b""))
    if tag != _OCTETS:
        raise _BrokenError("the signed attribute message digest")
    return digest, _time(*found[_SIGNING_TIME]) if _SIGNING_TIME in found else None


def _time(tag: int, value: bytes) -> dt.datetime:
    text = value.decode("ascii")
    if tag == _GENERALIZED_TIME:
        return dt.datetime.strptime(text, "%Y%m%d%H%M%SZ").replace(tzinfo=dt.UTC)
    if tag != _UTC_TIME:
        raise _BrokenError("a time")
    century = "20" if int(text[:2]) < 50 else "19"  # RFC 5652 section 11.3
    return dt.datetime.strptime(century + text, "%Y%m%d%H%M%SZ").replace(tzinfo=dt.UTC)
