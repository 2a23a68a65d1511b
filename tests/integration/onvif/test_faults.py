# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every fault that the documents give an operation of Advanced Security, provoked by messages made by hand."""

from __future__ import annotations

import base64
import dataclasses as dc
import datetime as dt
import re
import typing as t

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, NoEncryption, pkcs12
from cryptography.x509.oid import NameOID

Camera = t.Any
TAS = "http://www.onvif.org/ver10/advancedsecurity/wsdl"
RSA, ECDSA = "1.2.840.113549.1.1.11", "1.2.840.10045.4.3.2"
PASSPHRASE = "right"
ANCHOR = "<TrustAnchor><CertificateID>{ROOT}</CertificateID></TrustAnchor>"

#: The faults of each operation, as the documents list them.
DOCUMENTED = {
    "CreateRSAKeyPair": "MaximumNumberOfKeysReached KeyLength",
    "CreateECCKeyPair": "MaximumNumberOfKeysReached UnsupportedEllipticCurve",
    "GetKeyStatus": "KeyID",
    "DeleteKey": "KeyDeletionFailed KeyID ReferenceExists",
    "CreatePKCS10CSR": (
        "CSRCreationFailed KeyID UnsupportedSignatureAlgorithm KeySignatureAlgorithmMismatch InvalidKeyStatus "
        "InvalidSubject InvalidAttribute"
    ),
    "CreateSelfSignedCertificate": (
        "CertificateCreationFailed MaximumNumberOfCertificatesReached UnsupportedX509Version KeyID "
        "UnsupportedSignatureAlgorithm KeySignatureAlgorithmMismatch X509VersionExtensionsMismatch InvalidKeyStatus "
        "InvalidSubject InvalidDateTime"
    ),
    "UploadCertificate": (
        "MaximumNumberOfCertificatesReached NoMatchingPrivateKey BadCertificate UnsupportedPublicKeyAlgorithm "
        "UnsupportedSignatureAlgorithm InvalidKeyStatus Duplicate"
    ),
    "UploadCertificateWithPrivateKeyInPKCS12": (
        "MaximumNumberOfCertificatesReached MaximumNumberOfKeysReached MaximumNumberOfCertificationPathsReached "
        "PassphraseID DecryptionFailed BadCertificate UnsupportedPublicKeyAlgorithm UnsupportedSignatureAlgorithm "
        "InvalidKeyStatus BadPKCS12File PublicPrivateKeyMismatch InvalidCertificationPath"
    ),
    "GetCertificate": "CertificateID",
    "DeleteCertificate": "CertificateDeletionFailed CertificateID ReferenceExists",
    "CreateCertificationPath": (
        "MaximumNumberOfCertificationPathsReached CertificateID InvalidCertificationPath "
        "CertificationPathCreationFailed"
    ),
    "GetCertificationPath": "CertificationPathID",
    "SetCertificationPath": "CertificationPathID CertificateID InvalidCertificationPath",
    "DeleteCertificationPath": "CertificationPathDeletionFailed CertificationPathID ReferenceExists",
    "UploadPassphrase": "MaximumNumberOfPassphrasesReached BadPassphrase",
    "DeletePassphrase": "PassphraseDeletionFailed PassphraseID",
    "UploadCRL": "MaximumNumberOfCRLsReached BadCRL UnsupportedSignatureAlgorithm",
    "DeleteCRL": "CRLID ReferenceExists",
    "AddServerCertificateAssignment": "CertificationPathID NoPrivateKey",
    "RemoveServerCertificateAssignment": "OldCertificationPathID ReferenceExists",
    "ReplaceServerCertificateAssignment": "OldCertificationPathID NewCertificationPathID NoPrivateKey",
    "SetEnabledTLSVersions": "EmptyList TLSVersion",
    "SetClientAuthenticationRequired": "EnablingClientAuthenticationFailed",
    "SetCnMapsToUser": "CnMapsToUserFailed",
}
#: Those that a working device has no occasion for, or the simulator none.
NEVER = {
    ("DeleteKey", "KeyDeletionFailed"),
    ("CreatePKCS10CSR", "CSRCreationFailed"),
    ("DeleteCertificate", "CertificateDeletionFailed"),
    ("CreateCertificationPath", "CertificationPathCreationFailed"),
    ("DeleteCertificationPath", "CertificationPathDeletionFailed"),
    ("DeletePassphrase", "PassphraseDeletionFailed"),
    # Nothing refers to a CRL by its id.
    ("DeleteCRL", "ReferenceExists"),
    # A key that is not ok has no public half that a certificate could match.
    ("UploadCertificate", "InvalidKeyStatus"),
    ("UploadCertificateWithPrivateKeyInPKCS12", "InvalidKeyStatus"),
    # The library that reads PKCS#12 here refuses the whole file for one bad certificate.
    ("UploadCertificateWithPrivateKeyInPKCS12", "BadCertificate"),
}


# -- what is uploaded ------------------------------------------------------------------------------------------------


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _certificate(
    key: t.Any, name: str, issuer: str, signer: t.Any, *, ca: bool = False, odd: bool = False
) -> x509.Certificate:
    """An odd one has an extension that is not what its type says."""
    now = dt.datetime.now(dt.UTC)
    algorithm = None if isinstance(signer, ed25519.Ed25519PrivateKey) else hashes.SHA256()
    extension: x509.ExtensionType = x509.BasicConstraints(ca=ca, path_length=None)
    if odd:
        extension = x509.UnrecognizedExtension(x509.ExtensionOID.BASIC_CONSTRAINTS, b"junk")
    return (
        x509.CertificateBuilder()
        .subject_name(_name(name))
        .issuer_name(_name(issuer))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=30))
        .add_extension(extension, critical=True)
        .sign(signer, algorithm)
    )


def _der(thing: t.Any) -> bytes:
    return bytes(thing.public_bytes(serialization.Encoding.DER))


def _pkcs8(key: t.Any, passphrase: str = "") -> bytes:
    encryption = BestAvailableEncryption(passphrase.encode()) if passphrase else NoEncryption()
    return bytes(key.private_bytes(serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, encryption))


def _pkcs12(key: t.Any, certificate: x509.Certificate | None, *more: x509.Certificate) -> bytes:
    return pkcs12.serialize_key_and_certificates(
        b"own", key, certificate, list(more), BestAvailableEncryption(PASSPHRASE.encode())
    )


def _crl(issuer: str, signer: t.Any) -> x509.CertificateRevocationList:
    now = dt.datetime.now(dt.UTC)
    builder = x509.CertificateRevocationListBuilder().issuer_name(_name(issuer))
    algorithm = None if isinstance(signer, ed25519.Ed25519PrivateKey) else hashes.SHA256()
    return builder.last_update(now).next_update(now + dt.timedelta(days=9)).sign(signer, algorithm)


@pytest.fixture(scope="session")
def material() -> dict[str, str]:
    """Everything that is uploaded, base64."""
    curve = ec.SECP256R1()
    root, own, third = (ec.generate_private_key(curve) for _number in range(3))
    modern = ed25519.Ed25519PrivateKey.generate()
    root_certificate = _certificate(root, "root", "root", root, ca=True)
    own_certificate = _certificate(own, "own", "root", root)
    by_modern = _certificate(own, "own", "modern", modern)
    modern_certificate = _certificate(modern, "modern", "modern", modern)
    found = {
        "root": _der(root_certificate),
        "own": _der(own_certificate),
        "third": _der(_certificate(third, "third", "root", root)),
        "own_key": _pkcs8(own),
        "third_key": _pkcs8(third),
        "hidden_key": _pkcs8(third, PASSPHRASE),
        "modern_key": _pkcs8(modern),
        "modern": _der(modern_certificate),
        "by_modern": _der(by_modern),
        "p12": _pkcs12(third, _certificate(third, "third", "root", root), root_certificate),
        "p12_apart": _pkcs12(third, _certificate(third, "third", "root", root), _certificate(own, "x", "y", root)),
        "p12_modern": _pkcs12(modern, modern_certificate),
        "p12_by_modern": _pkcs12(own, by_modern),
        "p12_other": _pkcs12(third, None, own_certificate),
        "crl": _der(_crl("root", root)),
        "crl_modern": _der(_crl("modern", modern)),
        "junk": b"\x30\x03junk",
        "half": _der(_certificate(own, "own", "root", root, odd=True)),
    }
    return {name: base64.b64encode(data).decode() for name, data in found.items()}


# -- the stage -------------------------------------------------------------------------------------------------------


@dc.dataclass(frozen=True, kw_only=True)
class Stage:
    """A camera with a private key and its certificate, a root, a path of each, and a key in the making."""

    camera: Camera
    known: dict[str, str]

    def ask(self, operation: str, arguments: str) -> t.Any:
        filled = re.sub(r"\{(\w+)\}", lambda match: self.known[match[1]], arguments)
        return self.camera.ask(f'<{operation} xmlns="{TAS}">{filled}</{operation}>')

    def get(self, name: str, operation: str, arguments: str) -> str:
        reply = self.ask(operation, arguments)
        assert reply.status == 200, reply.data
        return str(reply.root.findtext(f".//{{{TAS}}}{name}"))


@pytest.fixture
def stage(camera: Camera, material: dict[str, str]) -> Stage:
    stage = Stage(camera=camera, known=dict(material))
    known, get = stage.known, stage.get
    known["KEY"] = get("KeyID", "UploadKeyPairInPKCS8", "<KeyPair>{own_key}</KeyPair>")
    known["OWN"] = get("CertificateID", "UploadCertificate", "<Certificate>{own}</Certificate>")
    known["ROOT"] = get("CertificateID", "UploadCertificate", "<Certificate>{root}</Certificate>")
    for path, certificate in (("PATH", "OWN"), ("ROOTS", "ROOT")):
        known[path] = get("CertificationPathID", "CreateCertificationPath", _ids(f"{{{certificate}}}"))
    known["MAKING"] = get("KeyID", "CreateECCKeyPair", "<EllipticCurve>secp256r1</EllipticCurve>")
    return stage


def _ids(*names: str) -> str:
    return f"<CertificateIDs>{''.join(f'<CertificateID>{name}</CertificateID>' for name in names)}</CertificateIDs>"


def _path(*names: str) -> str:
    inner = "".join(f"<CertificateID>{name}</CertificateID>" for name in names)
    return f"<CertificationPath>{inner}</CertificationPath>"


def _request(
    *,
    key: str = "{KEY}",
    subject: str = "<CommonName>x</CommonName>",
    algorithm: str = ECDSA,
    before: str = "",
    extra: str = "",
    last: str = "",
) -> str:
    return (
        f"{before}<Subject>{subject}</Subject><KeyID>{key}</KeyID>{extra}"
        f"<SignatureAlgorithm><algorithm>{algorithm}</algorithm></SignatureAlgorithm>{last}"
    )


def _extension(oid: str, value: bytes, tag: str = "Extension") -> str:
    text = base64.b64encode(value).decode()
    return f"<{tag}><extnOID>{oid}</extnOID><critical>false</critical><extnValue>{text}</extnValue></{tag}>"


NAMES = _extension("2.5.29.17", bytes.fromhex("30068704c0000201"))
ATTRIBUTE = f"<CSRAttribute>{_extension('2.5.29.17', b'junk', 'X509v3Extension')}</CSRAttribute>"
WORD = (
    "<CSRAttribute><BasicRequestAttribute><OID>1.2.840.113549.1.9.7</OID><value>AAAA</value></BasicRequestAttribute>"
    "</CSRAttribute>"
)
FILE = "<CertWithPrivateKey>{%s}</CertWithPrivateKey>"
SECRET = f"<Passphrase>{PASSPHRASE}</Passphrase>"
P12 = "UploadCertificateWithPrivateKeyInPKCS12"

ROWS: list[tuple[str, str, str]] = [
    ("CreateRSAKeyPair", "<KeyLength>1000</KeyLength>", "KeyLength"),
    ("CreateECCKeyPair", "<EllipticCurve>sect163k1</EllipticCurve>", "UnsupportedEllipticCurve"),
    ("GetKeyStatus", "<KeyID>none</KeyID>", "KeyID"),
    ("GetPrivateKeyStatus", "<KeyID>none</KeyID>", "KeyID"),
    ("DeleteKey", "<KeyID>none</KeyID>", "KeyID"),
    ("DeleteKey", "<KeyID>{KEY}</KeyID>", "ReferenceExists"),
    ("UploadKeyPairInPKCS8", "<KeyPair>{junk}</KeyPair>", "BadPKCS8File"),
    ("UploadKeyPairInPKCS8", "<KeyPair>{hidden_key}</KeyPair>", "DecryptionFailed"),
    (
        "UploadKeyPairInPKCS8",
        "<KeyPair>{hidden_key}</KeyPair><EncryptionPassphrase>wrong</EncryptionPassphrase>",
        "DecryptionFailed",
    ),
    (
        "UploadKeyPairInPKCS8",
        "<KeyPair>{hidden_key}</KeyPair><EncryptionPassphraseID>none</EncryptionPassphraseID>",
        "PassphraseID",
    ),
    ("UploadKeyPairInPKCS8", "<KeyPair>{modern_key}</KeyPair>", "UnsupportedPublicKeyAlgorithm"),
    ("CreatePKCS10CSR", _request(key="none"), "KeyID"),
    ("CreatePKCS10CSR", _request(algorithm="1.2.3"), "UnsupportedSignatureAlgorithm"),
    ("CreatePKCS10CSR", _request(algorithm=RSA), "KeySignatureAlgorithmMismatch"),
    ("CreatePKCS10CSR", _request(key="{MAKING}"), "InvalidKeyStatus"),
    ("CreatePKCS10CSR", _request(subject="<Country>NLD</Country>"), "InvalidSubject"),
    ("CreatePKCS10CSR", _request(subject=""), "InvalidSubject"),
    (
        "CreatePKCS10CSR",
        _request(subject="<GenericAttribute><Type>shoe</Type><Value>44</Value></GenericAttribute>"),
        "InvalidSubject",
    ),
    ("CreatePKCS10CSR", _request(extra=ATTRIBUTE), "InvalidAttribute"),
    ("CreatePKCS10CSR", _request(extra=WORD), "InvalidAttribute"),
    ("CreatePKCS10CSR", _request(extra=WORD + WORD), "InvalidAttribute"),
    ("CreateSelfSignedCertificate", _request(before="<X509Version>4</X509Version>"), "UnsupportedX509Version"),
    (
        "CreateSelfSignedCertificate",
        _request(before="<X509Version>1</X509Version>", last=NAMES),
        "X509VersionExtensionsMismatch",
    ),
    ("CreateSelfSignedCertificate", _request(key="none"), "KeyID"),
    ("CreateSelfSignedCertificate", _request(algorithm="1.2.3"), "UnsupportedSignatureAlgorithm"),
    ("CreateSelfSignedCertificate", _request(algorithm=RSA), "KeySignatureAlgorithmMismatch"),
    ("CreateSelfSignedCertificate", _request(key="{MAKING}"), "InvalidKeyStatus"),
    ("CreateSelfSignedCertificate", _request(subject="<Country>NLD</Country>"), "InvalidSubject"),
    (
        "CreateSelfSignedCertificate",
        _request(
            extra="<notValidBefore>2030-01-01T00:00:00Z</notValidBefore>"
            "<notValidAfter>2029-01-01T00:00:00Z</notValidAfter>"
        ),
        "InvalidDateTime",
    ),
    ("CreateSelfSignedCertificate", _request(last=NAMES + NAMES), "CertificateCreationFailed"),
    ("UploadCertificate", "<Certificate>{junk}</Certificate>", "BadCertificate"),
    ("UploadCertificate", "<Certificate>{half}</Certificate>", "BadCertificate"),
    ("UploadCertificate", "<Certificate>{modern}</Certificate>", "UnsupportedPublicKeyAlgorithm"),
    ("UploadCertificate", "<Certificate>{by_modern}</Certificate>", "UnsupportedSignatureAlgorithm"),
    ("UploadCertificate", "<Certificate>{own}</Certificate>", "Duplicate"),
    (
        "UploadCertificate",
        "<Certificate>{third}</Certificate><PrivateKeyRequired>true</PrivateKeyRequired>",
        "NoMatchingPrivateKey",
    ),
    (P12, FILE % "p12" + "<IntegrityPassphraseID>none</IntegrityPassphraseID>", "PassphraseID"),
    (P12, FILE % "p12" + "<EncryptionPassphraseID>none</EncryptionPassphraseID>", "PassphraseID"),
    (P12, FILE % "p12" + "<Passphrase>wrong</Passphrase>", "DecryptionFailed"),
    (P12, FILE % "p12", "DecryptionFailed"),
    (P12, FILE % "junk" + SECRET, "BadPKCS12File"),
    (P12, FILE % "p12_modern" + SECRET, "UnsupportedPublicKeyAlgorithm"),
    (P12, FILE % "p12_by_modern" + SECRET, "UnsupportedSignatureAlgorithm"),
    (P12, FILE % "p12_other" + SECRET, "PublicPrivateKeyMismatch"),
    (P12, FILE % "p12_apart" + SECRET, "InvalidCertificationPath"),
    ("GetCertificate", "<CertificateID>none</CertificateID>", "CertificateID"),
    ("DeleteCertificate", "<CertificateID>none</CertificateID>", "CertificateID"),
    ("DeleteCertificate", "<CertificateID>{OWN}</CertificateID>", "ReferenceExists"),
    ("CreateCertificationPath", _ids("{OWN}", "none"), "CertificateID"),
    ("CreateCertificationPath", _ids("{ROOT}", "{OWN}"), "InvalidCertificationPath"),
    ("CreateCertificationPath", _ids("{ROOT}", "{ROOT}"), "InvalidCertificationPath"),
    ("GetCertificationPath", "<CertificationPathID>none</CertificationPathID>", "CertificationPathID"),
    (
        "SetCertificationPath",
        "<CertificationPathID>none</CertificationPathID>" + _path("{OWN}"),
        "CertificationPathID",
    ),
    ("SetCertificationPath", "<CertificationPathID>{PATH}</CertificationPathID>" + _path("none"), "CertificateID"),
    (
        "SetCertificationPath",
        "<CertificationPathID>{PATH}</CertificationPathID>" + _path("{ROOT}", "{OWN}"),
        "InvalidCertificationPath",
    ),
    ("DeleteCertificationPath", "<CertificationPathID>none</CertificationPathID>", "CertificationPathID"),
    ("UploadPassphrase", "<Passphrase>a\nb</Passphrase>", "BadPassphrase"),
    ("DeletePassphrase", "<PassphraseID>none</PassphraseID>", "PassphraseID"),
    ("UploadCRL", "<Crl>{junk}</Crl>", "BadCRL"),
    ("UploadCRL", "<Crl>{crl_modern}</Crl>", "UnsupportedSignatureAlgorithm"),
    ("GetCRL", "<CrlID>none</CrlID>", "CRLID"),
    ("DeleteCRL", "<CrlID>none</CrlID>", "CRLID"),
    ("AddServerCertificateAssignment", "<CertificationPathID>none</CertificationPathID>", "CertificationPathID"),
    ("AddServerCertificateAssignment", "<CertificationPathID>{ROOTS}</CertificationPathID>", "NoPrivateKey"),
    (
        "RemoveServerCertificateAssignment",
        "<CertificationPathID>{PATH}</CertificationPathID>",
        "OldCertificationPathID",
    ),
    (
        "ReplaceServerCertificateAssignment",
        "<OldCertificationPathID>{PATH}</OldCertificationPathID><NewCertificationPathID>{PATH}</NewCertificationPathID>",
        "OldCertificationPathID",
    ),
    ("SetEnabledTLSVersions", "<Versions/>", "EmptyList"),
    ("SetEnabledTLSVersions", "<Versions>1.2 1.0</Versions>", "TLSVersion"),
    (
        "SetClientAuthenticationRequired",
        "<clientAuthenticationRequired>true</clientAuthenticationRequired>",
        "EnablingClientAuthenticationFailed",
    ),
    ("SetCnMapsToUser", "<cnMapsToUser>true</cnMapsToUser>", "CnMapsToUserFailed"),
    (
        "CreateCertPathValidationPolicy",
        "<Parameters/><TrustAnchor><CertificateID>none</CertificateID></TrustAnchor>",
        "CertificateID",
    ),
    (
        "CreateCertPathValidationPolicy",
        "<Parameters><UseDeltaCRLs>true</UseDeltaCRLs></Parameters>" + ANCHOR,
        "CertPathValidationParameters",
    ),
    (
        "AddCertPathValidationPolicyAssignment",
        "<CertPathValidationPolicyID>none</CertPathValidationPolicyID>",
        "CertPathValidationPolicyID",
    ),
]
#: With the path assigned and HTTPS on.
ASSIGNED: list[tuple[str, str, str]] = [
    ("DeleteCertificationPath", "<CertificationPathID>{PATH}</CertificationPathID>", "ReferenceExists"),
    ("RemoveServerCertificateAssignment", "<CertificationPathID>{PATH}</CertificationPathID>", "ReferenceExists"),
    ("AddServerCertificateAssignment", "<CertificationPathID>{PATH}</CertificationPathID>", "CertificationPathID"),
    (
        "ReplaceServerCertificateAssignment",
        "<OldCertificationPathID>{PATH}</OldCertificationPathID><NewCertificationPathID>none</NewCertificationPathID>",
        "NewCertificationPathID",
    ),
    (
        "ReplaceServerCertificateAssignment",
        "<OldCertificationPathID>{PATH}</OldCertificationPathID><NewCertificationPathID>{ROOTS}</NewCertificationPathID>",
        "NoPrivateKey",
    ),
    (
        "SetCertificationPath",
        "<CertificationPathID>{PATH}</CertificationPathID>" + _path("{ROOT}"),
        "InvalidCertificationPath",
    ),
]
#: In a keystore that is full: two keys, two certificates, one path, passphrase and CRL.
FULL: list[tuple[str, str, str]] = [
    ("CreateRSAKeyPair", "<KeyLength>2048</KeyLength>", "MaximumNumberOfKeysReached"),
    ("CreateECCKeyPair", "<EllipticCurve>secp256r1</EllipticCurve>", "MaximumNumberOfKeysReached"),
    ("UploadKeyPairInPKCS8", "<KeyPair>{third_key}</KeyPair>", "MaximumNumberOfKeysReached"),
    (P12, FILE % "p12" + SECRET, "MaximumNumberOfKeysReached"),
    ("CreateSelfSignedCertificate", _request(), "MaximumNumberOfCertificatesReached"),
    ("UploadCertificate", "<Certificate>{third}</Certificate>", "MaximumNumberOfCertificatesReached"),
    ("CreateCertificationPath", _ids("{ROOT}"), "MaximumNumberOfCertificationPathsReached"),
    ("UploadPassphrase", "<Passphrase>another</Passphrase>", "MaximumNumberOfPassphrasesReached"),
    ("UploadCRL", "<Crl>{crl}</Crl>", "MaximumNumberOfCRLsReached"),
]
RECEIVER = re.compile(r"MaximumNumber|NoMatchingPrivateKey|Failed$")
NOT_SUPPORTED = {"EnablingClientAuthenticationFailed", "CnMapsToUserFailed"}


def code_of(name: str) -> str:
    """The codes above a fault's name, by the documents."""
    if name in NOT_SUPPORTED:
        return f"Receiver/ActionNotSupported/{name}"
    if RECEIVER.search(name) and name != "DecryptionFailed":
        return f"Receiver/Action/{name}"
    return f"Sender/InvalidArgVal/{name}"


def provoke(stage: Stage, rows: t.Iterable[tuple[str, str, str]]) -> None:
    wrong = []
    for operation, arguments, name in rows:
        reply = stage.ask(operation, arguments)
        expected = code_of(name)
        if (reply.status, reply.fault) != (400 if expected.startswith("Sender") else 500, expected):
            wrong.append((operation, arguments[:80], expected, reply.status, reply.data))
    assert wrong == []


def test_refusals_change_nothing(stage: Stage) -> None:
    """All of them on one camera: that each is refused for its own reason shows that the last changed nothing."""
    before = stage.camera.control()["state"]["onvif"]
    provoke(stage, ROWS)
    after = stage.camera.control()["state"]["onvif"]
    assert {**after, "store": {**after["store"], "serial": 0}} == {**before, "store": {**before["store"], "serial": 0}}


def test_refusals_while_a_path_is_in_use(stage: Stage) -> None:
    assigned = stage.ask("AddServerCertificateAssignment", "<CertificationPathID>{PATH}</CertificationPathID>")
    assert assigned.status == 200
    stage.camera.go_https()
    provoke(stage, ASSIGNED)


def test_refusals_of_a_full_keystore(new_camera: t.Callable[..., Camera], material: dict[str, str]) -> None:
    stage = Stage(camera=new_camera("small"), known=dict(material))
    known, get = stage.known, stage.get
    known["KEY"] = get("KeyID", "UploadKeyPairInPKCS8", "<KeyPair>{own_key}</KeyPair>")
    known["OWN"] = get("CertificateID", "UploadCertificate", "<Certificate>{own}</Certificate>")
    known["ROOT"] = get("CertificateID", "UploadCertificate", "<Certificate>{root}</Certificate>")
    get("CertificationPathID", "CreateCertificationPath", _ids("{OWN}"))
    get("PassphraseID", "UploadPassphrase", "<Passphrase>one</Passphrase>")
    get("CrlID", "UploadCRL", "<Crl>{crl}</Crl>")
    provoke(stage, FULL)


@pytest.mark.parametrize("what", ["Certificates", "CertificationPaths"])
def test_a_file_that_does_not_fit_leaves_nothing_behind(
    new_camera: t.Callable[..., Camera], material: dict[str, str], what: str
) -> None:
    """A file with a key and two certificates: the third certificate, or the second path, is too many."""
    stage = Stage(camera=new_camera("small"), known=dict(material))
    if what == "Certificates":
        key = stage.get("KeyID", "UploadKeyPairInPKCS8", "<KeyPair>{third_key}</KeyPair>")
        stage.get("CertificateID", "CreateSelfSignedCertificate", _request(key=key))
    else:
        root = stage.get("CertificateID", "UploadCertificate", "<Certificate>{root}</Certificate>")
        stage.get("CertificationPathID", "CreateCertificationPath", _ids(root))
    before = stage.camera.control()["state"]["onvif"]["store"]
    reply = stage.ask(P12, FILE % "p12" + SECRET)
    assert reply.fault == f"Receiver/Action/MaximumNumberOf{what}Reached"
    assert stage.camera.control()["state"]["onvif"]["store"] == before


def test_no_documented_fault_is_left_out() -> None:
    provoked = {(operation, name) for operation, _arguments, name in [*ROWS, *ASSIGNED, *FULL]}
    provoked |= {(P12, "MaximumNumberOfCertificatesReached"), (P12, "MaximumNumberOfCertificationPathsReached")}
    documented = {(operation, name) for operation, names in DOCUMENTED.items() for name in names.split()}
    assert documented - provoked - NEVER == set()
    assert provoked & NEVER == set()
