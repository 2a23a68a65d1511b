# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Keys, requests and certificates of the devices; everything is handed around as PEM text."""

from __future__ import annotations

import datetime as dt
import ipaddress
import os
import pathlib
import re
import ssl
import tempfile
import typing as t

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID, ObjectIdentifier

__all__ = [
    "CertificateError",
    "as_pem",
    "common_name",
    "issue",
    "load_into",
    "make_csr",
    "make_key",
    "make_root",
    "make_self_signed",
    "one_certificate",
    "one_key",
    "pem_certificates",
    "sha256_hex",
    "spki",
    "subject_fields",
]

_OIDS: t.Final[t.Mapping[str, ObjectIdentifier]] = {
    "common_name": NameOID.COMMON_NAME,
    "country": NameOID.COUNTRY_NAME,
    "state": NameOID.STATE_OR_PROVINCE_NAME,
    "locality": NameOID.LOCALITY_NAME,
    "organization": NameOID.ORGANIZATION_NAME,
    "organizational_unit": NameOID.ORGANIZATIONAL_UNIT_NAME,
}
_PEM_BLOCK: t.Final = re.compile(rb"-----BEGIN ([A-Z0-9 ]+)-----.*?-----END \1-----", re.DOTALL)


class CertificateError(Exception):
    """An uploaded file is not what it should be; the text is a sentence."""


def make_key(size: int) -> str:
    """A new RSA key; takes a while (it is meant for a thread)."""
    # 1024 bits is what the device offers; the simulator has to offer it as well.
    key = rsa.generate_private_key(public_exponent=65537, key_size=size)
    return _key_pem(key)


def _key_pem(key: rsa.RSAPrivateKey) -> str:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()


def one_key(data: bytes) -> str:
    """The RSA key of an uploaded PEM file; CertificateError when there is anything else or nothing."""
    kinds = [match[1] for match in _PEM_BLOCK.finditer(data)]
    if len(kinds) != 1 or not kinds[0].endswith(b"PRIVATE KEY"):
        raise CertificateError("The file does not hold exactly one private key in PEM form.")
    try:
        key = serialization.load_pem_private_key(data, None)
    except TypeError as error:
        raise CertificateError("The private key is encrypted; the device has no passphrase for it.") from error
    except (ValueError, UnsupportedAlgorithm) as error:
        raise CertificateError("The file holds a PEM block that is no readable private key.") from error
    if not isinstance(key, rsa.RSAPrivateKey):
        raise CertificateError("The key is no RSA key.")
    return _key_pem(key)


def _private(pem: str) -> rsa.RSAPrivateKey:
    # Our own keys: checking their primes each time costs more than everything else here.
    key = serialization.load_pem_private_key(pem.encode(), None, unsafe_skip_rsa_key_validation=True)
    if not isinstance(key, rsa.RSAPrivateKey):
        raise CertificateError("The key is no RSA key.")
    return key


def spki(pem: str) -> str:
    """What identifies a public key, of a private key, a request or a certificate."""
    if "PRIVATE KEY" in pem:
        public: t.Any = _private(pem).public_key()
    elif "REQUEST" in pem:
        public = x509.load_pem_x509_csr(pem.encode()).public_key()
    else:
        public = x509.load_pem_x509_certificate(pem.encode()).public_key()
    encoded = public.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    return _hex(encoded)


def _hex(data: bytes) -> str:
    digest = hashes.Hash(hashes.SHA256())
    digest.update(data)
    return digest.finalize().hex()


def sha256_hex(certificate: x509.Certificate) -> str:
    return certificate.fingerprint(hashes.SHA256()).hex()


def _name(fields: t.Mapping[str, str]) -> x509.Name:
    order = ("country", "state", "locality", "organization", "organizational_unit", "common_name")
    return x509.Name([x509.NameAttribute(_OIDS[key], fields[key]) for key in order if fields.get(key)])


def subject_fields(certificate: x509.Certificate) -> dict[str, str]:
    found = {}
    for key, oid in _OIDS.items():
        values = certificate.subject.get_attributes_for_oid(oid)
        found[key] = str(values[0].value) if values else ""
    return found


def common_name(name: x509.Name) -> str:
    values = name.get_attributes_for_oid(NameOID.COMMON_NAME)
    return str(values[0].value) if values else ""


def make_csr(key_pem: str, fields: t.Mapping[str, str]) -> str:
    builder = x509.CertificateSigningRequestBuilder().subject_name(_name(fields))
    return builder.sign(_private(key_pem), hashes.SHA256()).public_bytes(serialization.Encoding.PEM).decode()


def _alternative(host: str) -> x509.GeneralName | None:
    try:
        return x509.IPAddress(ipaddress.ip_address(host.strip("[]")))
    except ValueError:
        return x509.DNSName(host) if re.fullmatch(r"[0-9A-Za-z.\-]+", host) else None


def _utc(stamp: float) -> dt.datetime:
    return dt.datetime.fromtimestamp(int(stamp), dt.UTC)


def _builder(
    subject: x509.Name, issuer: x509.Name, key: rsa.RSAPublicKey, begin: float, days: int
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(_utc(begin))
        .not_valid_after(_utc(begin) + dt.timedelta(days=days))
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
    )


def _usage(*, authority: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not authority,
        content_commitment=False,
        key_encipherment=not authority,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=authority,
        crl_sign=authority,
        encipher_only=False,
        decipher_only=False,
    )


def as_pem(certificate: x509.Certificate) -> str:
    return certificate.public_bytes(serialization.Encoding.PEM).decode()


def _server(builder: x509.CertificateBuilder, host: str, issuer: rsa.RSAPublicKey) -> x509.CertificateBuilder:
    builder = (
        builder.add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(authority=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
    )
    alternative = _alternative(host)
    if alternative is not None:
        builder = builder.add_extension(x509.SubjectAlternativeName([alternative]), critical=False)
    return builder


def make_self_signed(key_pem: str, fields: t.Mapping[str, str], begin: float) -> str:
    """The camera's self-signed certificate, for its common name."""
    key = _private(key_pem)
    subject = _name(fields)
    builder = _builder(subject, subject, key.public_key(), begin, 3650)
    return as_pem(_server(builder, fields["common_name"], key.public_key()).sign(key, hashes.SHA256()))


def make_root(
    key_pem: str, name: str, begin: float, *, organization: str = "Simulated recorder", days: int = 7300
) -> str:
    """The recorder's own root (REC-13), or another one's."""
    key = _private(key_pem)
    subject = _name({"common_name": name, "organization": organization})
    builder = (
        _builder(subject, subject, key.public_key(), begin, days)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(key.public_key()), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(authority=True), critical=True)
    )
    return as_pem(builder.sign(key, hashes.SHA256()))


def issue(*, root_pem: str, root_key_pem: str, key_pem: str, host: str, begin: float) -> str:
    """A server certificate of the recorder's root, for its address."""
    root = x509.load_pem_x509_certificate(root_pem.encode())
    signer = _private(root_key_pem)
    subject = _name({"common_name": host})
    builder = _builder(subject, root.subject, _private(key_pem).public_key(), begin, 3650)
    return as_pem(_server(builder, host, signer.public_key()).sign(signer, hashes.SHA256()))


def pem_certificates(data: bytes) -> list[x509.Certificate]:
    """Every certificate of an uploaded PEM file; CertificateError when there is anything else or nothing."""
    kinds = [(match[1], match[0]) for match in _PEM_BLOCK.finditer(data)]
    if any(b"PRIVATE KEY" in kind for kind, _block in kinds):
        raise CertificateError("The file holds a private key; a private key never belongs into it.")
    if not kinds or any(kind != b"CERTIFICATE" for kind, _block in kinds):
        raise CertificateError("The file is no PEM certificate.")
    try:
        return [x509.load_pem_x509_certificate(block) for _kind, block in kinds]
    except ValueError as error:
        raise CertificateError("The file holds a PEM block that is no readable certificate.") from error


def one_certificate(data: bytes) -> x509.Certificate:
    found = pem_certificates(data)
    if len(found) != 1:
        raise CertificateError(f"The file holds {len(found)} certificates; it must hold exactly one.")
    return found[0]


def load_into(context: ssl.SSLContext, certificate_pem: str, key_pem: str) -> None:
    """Give a live context another certificate; ssl reads it from a file only, so there is one for a moment."""
    descriptor, name = tempfile.mkstemp(prefix="camsec-simulator-", suffix=".pem")
    try:
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(key_pem + certificate_pem)
        context.load_cert_chain(name)
    finally:
        pathlib.Path(name).unlink()
