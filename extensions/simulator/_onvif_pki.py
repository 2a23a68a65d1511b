# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Keys, requests, certificates and files of an ONVIF keystore; a refusal is the fault of the documents."""

from __future__ import annotations

import dataclasses as dc
import datetime as dt
import itertools
import re
import typing as t

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import pkcs12

from ._onvif_catalog import SIGNATURES, Signature
from ._pki import as_pem
from ._soap import SoapFault

__all__ = [
    "Extension",
    "Pkcs12",
    "Private",
    "as_pem",
    "check_chain",
    "der_of",
    "key_kind",
    "load_certificate",
    "load_crl",
    "load_pkcs8",
    "load_pkcs12",
    "load_private",
    "make_private",
    "names_of",
    "private_pem",
    "self_signed",
    "sign_request",
    "signature_for",
    "spki_hex",
]

Private = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey
Public = rsa.RSAPublicKey | ec.EllipticCurvePublicKey
Names = t.Sequence[t.Sequence[tuple[str, str]]]
_CURVES: t.Final[t.Mapping[str, ec.EllipticCurve]] = {
    curve.name: curve for curve in (ec.SECP256R1(), ec.SECP384R1(), ec.SECP521R1())
}
_HASHES: t.Final[t.Mapping[str, t.Any]] = {
    "sha256": hashes.SHA256(), "sha384": hashes.SHA384(), "sha512": hashes.SHA512(),
}  # fmt: skip
#: What an uploaded certificate may be signed with: what we sign with, and RSA and ECDSA with SHA-1.
_SIGNED_BY: t.Final = frozenset({*SIGNATURES, "1.2.840.113549.1.1.5", "1.2.840.10045.4.1", "1.2.840.113549.1.1.10"})
_LIFETIME: t.Final = dt.timedelta(days=3650)
_UTF8_STRING: t.Final = 0x0C


@dc.dataclass(frozen=True, kw_only=True)
class Extension:
    """An extension as a client gave it: its value is DER that we pass on."""

    oid: str
    critical: bool
    value: bytes

    def parsed(self) -> x509.UnrecognizedExtension:
        return x509.UnrecognizedExtension(x509.ObjectIdentifier(self.oid), self.value)


@dc.dataclass(frozen=True, kw_only=True)
class Pkcs12:
    """What was in a PKCS#12 file."""

    key: Private
    certificates: tuple[x509.Certificate, ...]


# -- keys ------------------------------------------------------------------------------------------------------------


def make_private(kind: str) -> str:
    """A new key, of so many RSA bits or on a curve; takes a while (it is meant for a thread)."""
    key: Private
    if kind.isdigit():
        key = rsa.generate_private_key(public_exponent=65537, key_size=int(kind))
    else:
        key = ec.generate_private_key(_CURVES[kind])
    return private_pem(key)


def private_pem(key: Private) -> str:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()


def load_private(pem: str) -> Private:
    """One of our own keys."""
    key = serialization.load_pem_private_key(pem.encode(), None, unsafe_skip_rsa_key_validation=True)
    assert isinstance(key, Private)
    return key


def key_kind(public: object) -> str:
    """As `make_private` takes it; UnsupportedPublicKeyAlgorithm when it is neither RSA nor on a known curve."""
    if isinstance(public, rsa.RSAPublicKey):
        return str(public.key_size)
    if isinstance(public, ec.EllipticCurvePublicKey) and public.curve.name in _CURVES:
        return str(public.curve.name)
    raise SoapFault("UnsupportedPublicKeyAlgorithm", "The public key is neither RSA nor on a known curve.")


def spki_hex(public: t.Any) -> str:
    encoded = public.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    digest = hashes.Hash(hashes.SHA256())
    digest.update(encoded)
    return digest.finalize().hex()


def signature_for(oid: str, key: Private) -> Signature:
    signature = SIGNATURES.get(oid)
    if signature is None:
        raise SoapFault("UnsupportedSignatureAlgorithm", f"The signature algorithm {oid} is not supported.")
    if (signature.kind == "RSA") != isinstance(key, rsa.RSAPrivateKey):
        raise SoapFault("KeySignatureAlgorithmMismatch", f"The signature algorithm {oid} is not for such a key.")
    return signature


# -- names -----------------------------------------------------------------------------------------------------------


def _attribute(oid: str, value: str) -> x509.NameAttribute[str]:
    return x509.NameAttribute(x509.ObjectIdentifier(oid), value)


def _name(parts: Names) -> x509.Name:
    try:
        name = x509.Name([x509.RelativeDistinguishedName(_attribute(*part) for part in rdn) for rdn in parts])
        name.public_bytes()
    except ValueError as error:
        raise SoapFault("InvalidSubject", "The subject holds a value that its type does not allow.") from error
    if not parts:
        raise SoapFault("InvalidSubject", "The subject is empty.")
    return name


def names_of(text: str) -> list[list[tuple[str, str]]]:
    """A subject written as in RFC 4514."""
    try:
        name = x509.Name.from_rfc4514_string(text)
    except ValueError as error:
        raise SoapFault("InvalidSubject", f"The subject {text!r} is not written as RFC 4514 has it.") from error
    return [[(part.oid.dotted_string, str(part.value)) for part in rdn] for rdn in name.rdns]


# -- what the device makes -------------------------------------------------------------------------------------------


def sign_request(
    key: Private, subject: Names, oid: str, extensions: t.Sequence[Extension], attributes: t.Mapping[str, bytes]
) -> bytes:
    """A PKCS#10 request, DER."""
    signature = signature_for(oid, key)
    builder = x509.CertificateSigningRequestBuilder().subject_name(_name(subject))
    try:
        for extension in extensions:
            builder = builder.add_extension(extension.parsed(), extension.critical)
        for name, value in attributes.items():
            builder = builder.add_attribute(x509.ObjectIdentifier(name), _utf8_string(value))
        request = builder.sign(key, _HASHES[signature.hash_name])
        # Parsing them is what shows whether the values are what their types say.
        list(request.extensions)
    except (ValueError, x509.DuplicateExtension) as error:
        raise SoapFault("InvalidAttribute", "An attribute is given twice, or its value is not of its type.") from error
    return request.public_bytes(serialization.Encoding.DER)


def _utf8_string(value: bytes) -> bytes:
    """The text of a short DER UTF8String; ValueError when it is none."""
    if len(value) < 2 or value[0] != _UTF8_STRING or value[1] != len(value) - 2 or value[1] > 127:
        raise ValueError("no UTF8String")
    return value[2:]


def self_signed(
    key: Private,
    subject: Names,
    oid: str,
    extensions: t.Sequence[Extension],
    *,
    begin: float,
    end: float | None,
) -> x509.Certificate:
    signature = signature_for(oid, key)
    name = _name(subject)
    start = dt.datetime.fromtimestamp(int(begin), dt.UTC)
    try:
        stop = start + _LIFETIME if end is None else dt.datetime.fromtimestamp(int(end), dt.UTC)
        builder = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(start)
            .not_valid_after(stop)
        )
    except (ValueError, OverflowError) as error:
        raise SoapFault("InvalidDateTime", "The certificate would end before it begins.") from error
    try:
        for extension in extensions:
            builder = builder.add_extension(extension.parsed(), extension.critical)
        for own, critical in _own_extensions(key.public_key(), {extension.oid for extension in extensions}):
            builder = builder.add_extension(own, critical)
        made = builder.sign(key, _HASHES[signature.hash_name])
        list(made.extensions)
    except (ValueError, x509.DuplicateExtension) as error:
        raise SoapFault("CertificateCreationFailed", "An extension is given twice, or is not of its type.") from error
    return made


def _own_extensions(public: Public, given: t.Collection[str]) -> t.Iterator[tuple[x509.ExtensionType, bool]]:
    """What every self-signed certificate has, unless the client says otherwise."""
    basic = x509.BasicConstraints(ca=False, path_length=None)
    if basic.oid.dotted_string not in given:
        yield basic, True
    identifier = x509.SubjectKeyIdentifier.from_public_key(public)
    if identifier.oid.dotted_string not in given:
        yield identifier, False


# -- what a client uploads -------------------------------------------------------------------------------------------


def load_certificate(data: bytes) -> x509.Certificate:
    """A certificate in DER whose key and signature the device can use."""
    try:
        certificate = x509.load_der_x509_certificate(data)
        key_kind(certificate.public_key())
        # The library reads the rest only when it is asked for.
        for part in (certificate.subject, certificate.issuer):
            part.rfc4514_string()
        list(certificate.extensions)
    except (ValueError, UnsupportedAlgorithm, x509.InvalidVersion, x509.DuplicateExtension) as error:
        raise SoapFault("BadCertificate", "The data is no readable X.509 certificate in DER.") from error
    oid = certificate.signature_algorithm_oid.dotted_string
    if oid not in _SIGNED_BY:
        raise SoapFault("UnsupportedSignatureAlgorithm", f"The certificate's signature algorithm {oid} is not known.")
    return certificate


def load_crl(data: bytes) -> x509.CertificateRevocationList:
    try:
        crl = x509.load_der_x509_crl(data)
        crl.issuer.rfc4514_string()
    except ValueError as error:
        raise SoapFault("BadCRL", "The data is no readable CRL in DER.") from error
    if crl.signature_algorithm_oid.dotted_string not in _SIGNED_BY:
        raise SoapFault("UnsupportedSignatureAlgorithm", "The CRL's signature algorithm is not known.")
    return crl


def _private(key: object) -> Private:
    if not isinstance(key, Private):
        raise SoapFault("UnsupportedPublicKeyAlgorithm", "The key is neither RSA nor on a known curve.")
    key_kind(key.public_key())
    return key


def load_pkcs8(data: bytes, passphrase: str | None) -> Private:
    try:
        key = serialization.load_der_private_key(data, None if passphrase is None else passphrase.encode())
    except TypeError as error:
        raise SoapFault("DecryptionFailed", "The key is encrypted and has no passphrase, or the reverse.") from error
    except UnsupportedAlgorithm as error:
        raise SoapFault("UnsupportedPublicKeyAlgorithm", "The key is of a kind that is not supported.") from error
    except ValueError as error:
        name = "BadPKCS8File" if passphrase is None else "DecryptionFailed"
        raise SoapFault(name, "The key cannot be read, or the passphrase is wrong.") from error
    return _private(key)


def load_pkcs12(data: bytes, passphrase: str | None) -> Pkcs12:
    try:
        found = pkcs12.load_pkcs12(data, None if passphrase is None else passphrase.encode())
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        wrong = re.search(r"(?i)password|mac|decrypt", str(error)) is not None
        name = "DecryptionFailed" if wrong else "BadPKCS12File"
        raise SoapFault(name, "The PKCS#12 file cannot be read, or the passphrase is wrong.") from error
    # One that is marked as the key's comes first, then the others in their order.
    certificates = [one.certificate for one in (found.cert, *found.additional_certs) if one is not None]
    if found.key is None or not certificates:
        raise SoapFault("BadPKCS12File", "The PKCS#12 file lacks a private key, or a certificate.")
    key = _private(found.key)
    for certificate in certificates:
        load_certificate(certificate.public_bytes(serialization.Encoding.DER))
    if spki_hex(certificates[0].public_key()) != spki_hex(key.public_key()):
        raise SoapFault("PublicPrivateKeyMismatch", "The certificate is of another key than the one in the file.")
    return Pkcs12(key=key, certificates=tuple(certificates))


def check_chain(chain: t.Sequence[x509.Certificate]) -> None:
    """Each one but the last is signed by the next; otherwise InvalidCertificationPath."""
    for below, above in itertools.pairwise(chain):
        try:
            below.verify_directly_issued_by(above)
        except (ValueError, TypeError, InvalidSignature, UnsupportedAlgorithm) as error:
            raise SoapFault(
                "InvalidCertificationPath", "A certificate of the path is not signed by the one that follows it."
            ) from error


def der_of(pem: str) -> bytes:
    return x509.load_pem_x509_certificate(pem.encode()).public_bytes(serialization.Encoding.DER)
