# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""ONVIF Advanced Security, the keystore's operations."""

from __future__ import annotations

import dataclasses as dc
import re
import typing as t

from cryptography import x509
from cryptography.hazmat.primitives import serialization

from ._keystore import Crl, Policy, StoredCertificate
from ._onvif_args import Args
from ._onvif_catalog import SUBJECT_ATTRIBUTES, AccessClass
from ._onvif_door import Operation, Reply, Run, SoapRequest
from ._onvif_pki import Extension, load_certificate, load_crl, load_pkcs8, load_pkcs12, self_signed, sign_request
from ._soap import Node, SoapFault, maker

if t.TYPE_CHECKING:
    from ._onvif import OnvifCamera

__all__ = ["KEYSTORE_OPERATIONS"]

_tas = maker("tas")
_SUBJECT: t.Final = (
    " ".join(f"{name}*" for name in SUBJECT_ATTRIBUTES) + " GenericAttribute* MultiValuedRDN* anyAttribute?"
)
_ALGORITHM: t.Final = "algorithm parameters? anyParameters?"
_EXTENSION: t.Final = "extnOID critical extnValue"
_OID: t.Final = re.compile(r"[0-2](\.\d+)+")
_DOMAIN_COMPONENT: t.Final = "0.9.2342.19200300.100.1.25"
#: How a name's part may be called beside its OID (RFC 4514).
_SHORT: t.Final = {
    "CN": "2.5.4.3", "L": "2.5.4.7", "ST": "2.5.4.8", "O": "2.5.4.10", "OU": "2.5.4.11", "C": "2.5.4.6",
    "STREET": "2.5.4.9", "DC": _DOMAIN_COMPONENT, "UID": "0.9.2342.19200300.100.1.1",
}  # fmt: skip
_CLIENT_USAGE: t.Final = "RequireTLSWWWClientAuthExtendedKeyUsage"
_POLICY: t.Final = f"{_CLIENT_USAGE}? UseDeltaCRLs? anyParameters?"


# -- keys ------------------------------------------------------------------------------------------------------------


async def _create_rsa(camera: OnvifCamera, request: SoapRequest) -> Reply:
    bits = request.args.number("KeyLength")
    if bits not in camera.spec.rsa_key_lengths:
        known = ", ".join(map(str, camera.spec.rsa_key_lengths))
        raise SoapFault("KeyLength", f"The key length is {bits}; it can be {known}.")
    return _generating(camera, str(bits), request)


async def _create_ecc(camera: OnvifCamera, request: SoapRequest) -> Reply:
    curve = request.args.word("EllipticCurve")
    if curve not in camera.spec.elliptic_curves:
        known = ", ".join(camera.spec.elliptic_curves)
        raise SoapFault("UnsupportedEllipticCurve", f"The curve is {curve!r}; it can be {known}.")
    return _generating(camera, curve, request)


def _generating(camera: OnvifCamera, kind: str, request: SoapRequest) -> Reply:
    name, seconds = camera.generate(kind, request.args.text("Alias"))
    return Reply(content=[_tas.KeyID(name), _tas.EstimatedCreationTime(f"PT{seconds:.3f}S")])


async def _key_status(camera: OnvifCamera, request: SoapRequest) -> Reply:
    return Reply(content=[_tas.KeyStatus(camera.state.store.key(request.args.word("KeyID")).status)])


async def _private_status(camera: OnvifCamera, request: SoapRequest) -> Reply:
    key = camera.state.store.key(request.args.word("KeyID"))
    return Reply(content=[_tas.hasPrivateKey(bool(key.private))])


async def _all_keys(camera: OnvifCamera, _request: SoapRequest) -> Reply:
    return Reply(content=[
        _tas.KeyAttribute(
            _tas.KeyID(key.id),
            _alias(key.alias),
            _tas.hasPrivateKey(bool(key.private) or key.status == "generating"),
            _tas.KeyStatus(key.status),
            _tas.externallyGenerated(key.external),
        )
        for key in camera.state.store.keys.values()
    ])  # fmt: skip


async def _delete_key(camera: OnvifCamera, request: SoapRequest) -> Reply:
    camera.state.store.delete_key(request.args.word("KeyID"))
    return Reply()


async def _upload_pkcs8(camera: OnvifCamera, request: SoapRequest) -> Reply:
    passphrase = _passphrase(camera, request.args, "EncryptionPassphraseID", "EncryptionPassphrase")
    key = load_pkcs8(request.args.binary("KeyPair"), passphrase)
    return Reply(content=[_tas.KeyID(camera.state.store.put_private(key, request.args.text("Alias")).id)])


def _passphrase(camera: OnvifCamera, args: Args, by_id: str, by_text: str) -> str | None:
    """One that is in the keystore, or one of the request; None for none."""
    if args.has(by_id):
        return camera.state.store.passphrase(args.word(by_id)).text
    return args.text(by_text) if args.has(by_text) else None


# -- requests and self-signed certificates ---------------------------------------------------------------------------


def _subject(request: SoapRequest) -> list[list[tuple[str, str]]]:
    args = request.args.inner("Subject", _SUBJECT)[0]
    parts = [[(oid, text)] for name, oid in SUBJECT_ATTRIBUTES.items() for text in args.texts(name)]
    parts += [[_generic(one)] for one in args.inner("GenericAttribute", "Type Value")]
    for rdn in args.inner("MultiValuedRDN", "Attribute*"):
        parts.append([_generic(one) for one in rdn.inner("Attribute", "Type Value")])
    for more in args.inner("anyAttribute", "DomainComponent*"):
        parts += [[(_DOMAIN_COMPONENT, text)] for text in more.texts("DomainComponent")]
    return parts


def _generic(args: Args) -> tuple[str, str]:
    kind = args.word("Type")
    oid = _SHORT.get(kind.upper(), kind)
    if not re.fullmatch(_OID, oid):
        raise SoapFault("InvalidSubject", f"{kind!r} is no type of a name's part.")
    return oid, args.text("Value")


def _extensions(nodes: t.Iterable[Args]) -> list[Extension]:
    found = []
    for args in nodes:
        oid = args.word("extnOID")
        if not re.fullmatch(_OID, oid):
            raise SoapFault("InvalidArgVal", f"{oid!r} is no OID.")
        found.append(Extension(oid=oid, critical=args.flag("critical"), value=args.binary("extnValue")))
    return found


def _algorithm(request: SoapRequest) -> str:
    return request.args.inner("SignatureAlgorithm", _ALGORITHM)[0].word("algorithm")


async def _create_request(camera: OnvifCamera, request: SoapRequest) -> Reply:
    key = camera.state.store.ready_key(request.args.word("KeyID"))
    given = request.args.inner("CSRAttribute", "X509v3Extension? BasicRequestAttribute? anyAttribute?")
    if any(len(one.node) > 1 for one in given):
        raise SoapFault("InvalidArgs", "A CSRAttribute is one thing of several.")
    if any(one.has("anyAttribute") for one in given):
        raise SoapFault("InvalidAttribute", "This attribute is not supported.")
    extensions = _extensions(ext for one in given for ext in one.inner("X509v3Extension", _EXTENSION))
    basic = [part for one in given for part in one.inner("BasicRequestAttribute", "OID value")]
    attributes = {part.word("OID"): part.binary("value") for part in basic}
    if len(attributes) != len(basic) or not all(re.fullmatch(_OID, oid) for oid in attributes):
        raise SoapFault("InvalidAttribute", "An attribute is given twice, or its OID is none.")
    made = sign_request(key, _subject(request), _algorithm(request), extensions, attributes)
    return Reply(content=[_tas.PKCS10CSR(made)])


async def _create_self_signed(camera: OnvifCamera, request: SoapRequest) -> Reply:
    args, store = request.args, camera.state.store
    store.check_room_for_certificates()
    extensions = _extensions(args.inner("Extension", _EXTENSION))
    version = args.number("X509Version", 3)
    if version in (1, 2) and extensions:
        raise SoapFault("X509VersionExtensionsMismatch", f"A certificate of version {version} has no extensions.")
    if version != 3:
        raise SoapFault("UnsupportedX509Version", f"X509Version is {version}; it can be 3.")
    key = store.ready_key(args.word("KeyID"))
    begin, end = args.time("notValidBefore"), args.time("notValidAfter")
    certificate = self_signed(
        key, _subject(request), _algorithm(request), extensions,
        begin=camera.begin_of_validity() if begin is None else begin, end=end,
    )  # fmt: skip
    return Reply(content=[_tas.CertificateID(store.put_certificate(certificate, alias=args.text("Alias")).id)])


# -- certificates ----------------------------------------------------------------------------------------------------


async def _upload_certificate(camera: OnvifCamera, request: SoapRequest) -> Reply:
    args = request.args
    certificate = camera.state.store.put_certificate(
        load_certificate(args.binary("Certificate")),
        alias=args.text("Alias"),
        key_alias=args.text("KeyAlias"),
        private=args.flag("PrivateKeyRequired"),
    )
    return Reply(content=[_tas.CertificateID(certificate.id), _tas.KeyID(certificate.key_id)])


async def _upload_pkcs12(camera: OnvifCamera, request: SoapRequest) -> Reply:
    args, store = request.args, camera.state.store
    integrity = _passphrase(camera, args, "IntegrityPassphraseID", "Passphrase")
    encryption = _passphrase(camera, args, "EncryptionPassphraseID", "Passphrase")
    if integrity is not None and encryption is not None and integrity != encryption:
        raise SoapFault("DecryptionFailed", "A file with two passphrases is not supported.")
    found = load_pkcs12(args.binary("CertWithPrivateKey"), integrity if encryption is None else encryption)
    chain = found.certificates[:1] if args.flag("IgnoreAdditionalCertificates") else _ordered(found.certificates)
    with camera.state.all_or_nothing():
        key = store.put_private(found.key, args.text("KeyAlias"))
        names = [(store.known_certificate(one) or store.put_certificate(one)).id for one in chain]
        path = store.put_path(names, args.text("CertificationPathAlias"))
    return Reply(content=[_tas.CertificationPathID(path.id), _tas.KeyID(key.id)])


def _ordered(certificates: t.Sequence[x509.Certificate]) -> list[x509.Certificate]:
    """From the key's own certificate upwards; a file's bags come in any order."""
    chain, rest = [certificates[0]], list(certificates[1:])
    while above := next((one for one in rest if one.subject == chain[-1].issuer), None):
        chain.append(above)
        rest.remove(above)
    if rest:
        raise SoapFault("InvalidCertificationPath", "The certificates of the file are not one path.")
    return chain


def _certificate_parts(camera: OnvifCamera, certificate: StoredCertificate) -> list[Node]:
    return [
        _tas.CertificateID(certificate.id),
        _tas.KeyID(certificate.key_id),
        _alias(certificate.alias),
        _tas.CertificateContent(certificate.der),
        _tas.HasPrivateKey(bool(camera.state.store.keys[certificate.key_id].private)),
    ]


async def _get_certificate(camera: OnvifCamera, request: SoapRequest) -> Reply:
    certificate = camera.state.store.certificate(request.args.word("CertificateID"))
    return Reply(content=[_tas.Certificate(*_certificate_parts(camera, certificate))])


async def _all_certificates(camera: OnvifCamera, _request: SoapRequest) -> Reply:
    found = camera.state.store.certificates.values()
    return Reply(content=[_tas.Certificate(*_certificate_parts(camera, one)) for one in found])


async def _delete_certificate(camera: OnvifCamera, request: SoapRequest) -> Reply:
    camera.state.delete_certificate(request.args.word("CertificateID"))
    camera.renew_tls()
    return Reply()


# -- certification paths ---------------------------------------------------------------------------------------------


def _ids(args: Args, name: str, parts: str) -> list[str]:
    return [text.strip() for text in args.inner(name, parts)[0].texts("CertificateID")]


async def _create_path(camera: OnvifCamera, request: SoapRequest) -> Reply:
    names = _ids(request.args, "CertificateIDs", "CertificateID+")
    path = camera.state.store.put_path(names, request.args.text("Alias"))
    return Reply(content=[_tas.CertificationPathID(path.id)])


async def _get_path(camera: OnvifCamera, request: SoapRequest) -> Reply:
    path = camera.state.store.path(request.args.word("CertificationPathID"))
    ids = [_tas.CertificateID(name) for name in path.certificates]
    return Reply(content=[_tas.CertificationPath(*ids, _alias(path.alias))])


async def _all_paths(camera: OnvifCamera, _request: SoapRequest) -> Reply:
    return Reply(content=[_tas.CertificationPathID(name) for name in camera.state.store.paths])


async def _set_path(camera: OnvifCamera, request: SoapRequest) -> Reply:
    args, store = request.args, camera.state.store
    path = store.path(args.word("CertificationPathID"))
    inner = args.inner("CertificationPath", "CertificateID+ Alias? anyElement?")[0]
    names = [text.strip() for text in inner.texts("CertificateID")]
    store.check_path(names)
    new = dc.replace(path, certificates=tuple(names), alias=inner.text("Alias", path.alias))
    if path.id in camera.state.tls.assigned and not store.keys[store.certificates[names[0]].key_id].private:
        raise SoapFault("InvalidCertificationPath", "The TLS server uses the path; it needs the private key.")
    store.paths[path.id] = new
    camera.renew_tls()
    return Reply()


async def _delete_path(camera: OnvifCamera, request: SoapRequest) -> Reply:
    camera.state.delete_path(request.args.word("CertificationPathID"))
    return Reply()


# -- passphrases, CRLs, policies -------------------------------------------------------------------------------------


async def _upload_passphrase(camera: OnvifCamera, request: SoapRequest) -> Reply:
    passphrase = camera.state.store.put_passphrase(
        request.args.text("Passphrase"), request.args.text("PassphraseAlias")
    )
    return Reply(content=[_tas.PassphraseID(passphrase.id)])


async def _all_passphrases(camera: OnvifCamera, _request: SoapRequest) -> Reply:
    return Reply(content=[
        _tas.PassphraseAttribute(_tas.PassphraseID(one.id), _alias(one.alias))
        for one in camera.state.store.passphrases.values()
    ])  # fmt: skip


async def _delete_passphrase(camera: OnvifCamera, request: SoapRequest) -> Reply:
    store = camera.state.store
    del store.passphrases[store.passphrase(request.args.word("PassphraseID")).id]
    return Reply()


def _crl_node(crl: Crl) -> Node:
    content = crl.parsed.public_bytes(serialization.Encoding.DER)
    return _tas.Crl(_tas.CRLID(crl.id), _tas.Alias(crl.alias), _tas.CRLContent(content))


async def _upload_crl(camera: OnvifCamera, request: SoapRequest) -> Reply:
    crl = camera.state.store.put_crl(load_crl(request.args.binary("Crl")), request.args.text("Alias"))
    camera.renew_tls()
    return Reply(content=[_tas.CrlID(crl.id)])


async def _get_crl(camera: OnvifCamera, request: SoapRequest) -> Reply:
    return Reply(content=[_crl_node(camera.state.store.crl(request.args.word("CrlID")))])


async def _all_crls(camera: OnvifCamera, _request: SoapRequest) -> Reply:
    return Reply(content=[_crl_node(crl) for crl in camera.state.store.crls.values()])


async def _delete_crl(camera: OnvifCamera, request: SoapRequest) -> Reply:
    store = camera.state.store
    del store.crls[store.crl(request.args.word("CrlID")).id]
    camera.renew_tls()
    return Reply()


def _policy(args: Args, name: str) -> Policy:
    parameters = args.inner("Parameters", _POLICY)[0]
    if parameters.flag(_CLIENT_USAGE) or parameters.flag("UseDeltaCRLs"):
        raise SoapFault("CertPathValidationParameters", "The device can neither demand a usage nor read delta CRLs.")
    anchors = args.inner("TrustAnchor", "CertificateID")
    return Policy(id=name, alias=args.text("Alias"), anchors=tuple(anchor.word("CertificateID") for anchor in anchors))


def _policy_node(policy: Policy) -> Node:
    return _tas.CertPathValidationPolicy(
        _tas.CertPathValidationPolicyID(policy.id),
        _alias(policy.alias),
        _tas.Parameters(_tas(_CLIENT_USAGE, False), _tas.UseDeltaCRLs(False)),
        *(_tas.TrustAnchor(_tas.CertificateID(name)) for name in policy.anchors),
    )


async def _create_policy(camera: OnvifCamera, request: SoapRequest) -> Reply:
    store = camera.state.store
    policy = _policy(request.args, store.new_id("policy"))
    store.put_policy(policy)
    return Reply(content=[_tas.CertPathValidationPolicyID(policy.id)])


async def _get_policy(camera: OnvifCamera, request: SoapRequest) -> Reply:
    policy = camera.state.store.policy(request.args.word("CertPathValidationPolicyID"))
    return Reply(content=[_policy_node(policy)])


async def _all_policies(camera: OnvifCamera, _request: SoapRequest) -> Reply:
    return Reply(content=[_policy_node(policy) for policy in camera.state.store.policies.values()])


async def _set_policy(camera: OnvifCamera, request: SoapRequest) -> Reply:
    parts = "CertPathValidationPolicyID Alias? Parameters TrustAnchor+ anyParameters?"
    inner = request.args.inner("CertPathValidationPolicy", parts)[0]
    known = camera.state.store.policy(inner.word("CertPathValidationPolicyID"))
    camera.state.store.put_policy(_policy(inner, known.id))
    camera.renew_tls()
    return Reply()


async def _delete_policy(camera: OnvifCamera, request: SoapRequest) -> Reply:
    camera.state.delete_policy(request.args.word("CertPathValidationPolicyID"))
    return Reply()


def _alias(alias: str) -> Node | None:
    return _tas.Alias(alias) if alias else None


def _tas_operation(name: str, parts: str, access: AccessClass, run: Run) -> Operation:
    return Operation(prefix="tas", name=name, parts=parts, access=access, run=run)


_CREATE_CERTIFICATE: t.Final = (
    "X509Version? Subject KeyID Alias? notValidBefore? notValidAfter? SignatureAlgorithm Extension*"
)
_UPLOAD_PKCS12: t.Final = (
    "CertWithPrivateKey CertificationPathAlias? KeyAlias? IgnoreAdditionalCertificates? IntegrityPassphraseID? "
    "EncryptionPassphraseID? Passphrase?"
)
KEYSTORE_OPERATIONS: t.Final = tuple(
    _tas_operation(*row)
    for row in (
        ("CreateRSAKeyPair", "KeyLength Alias?", "WRITE_SYSTEM", _create_rsa),
        ("CreateECCKeyPair", "EllipticCurve Alias?", "WRITE_SYSTEM", _create_ecc),
        ("GetKeyStatus", "KeyID", "READ_SYSTEM_SECRET", _key_status),
        ("GetPrivateKeyStatus", "KeyID", "READ_SYSTEM_SECRET", _private_status),
        ("GetAllKeys", "", "READ_SYSTEM_SECRET", _all_keys),
        ("DeleteKey", "KeyID", "UNRECOVERABLE", _delete_key),
        (
            "UploadKeyPairInPKCS8",
            "KeyPair Alias? EncryptionPassphraseID? EncryptionPassphrase?",
            "WRITE_SYSTEM",
            _upload_pkcs8,
        ),
        ("CreatePKCS10CSR", "Subject KeyID CSRAttribute* SignatureAlgorithm", "READ_SYSTEM", _create_request),
        ("CreateSelfSignedCertificate", _CREATE_CERTIFICATE, "WRITE_SYSTEM", _create_self_signed),
        ("UploadCertificate", "Certificate Alias? KeyAlias? PrivateKeyRequired?", "WRITE_SYSTEM", _upload_certificate),
        ("UploadCertificateWithPrivateKeyInPKCS12", _UPLOAD_PKCS12, "WRITE_SYSTEM", _upload_pkcs12),
        ("GetCertificate", "CertificateID", "READ_SYSTEM_SECRET", _get_certificate),
        ("GetAllCertificates", "", "READ_SYSTEM_SECRET", _all_certificates),
        ("DeleteCertificate", "CertificateID", "UNRECOVERABLE", _delete_certificate),
        ("CreateCertificationPath", "CertificateIDs Alias?", "WRITE_SYSTEM", _create_path),
        ("GetCertificationPath", "CertificationPathID", "READ_SYSTEM_SECRET", _get_path),
        ("GetAllCertificationPaths", "", "READ_SYSTEM_SECRET", _all_paths),
        ("SetCertificationPath", "CertificationPathID CertificationPath", "WRITE_SYSTEM", _set_path),
        ("DeleteCertificationPath", "CertificationPathID", "UNRECOVERABLE", _delete_path),
        ("UploadPassphrase", "Passphrase PassphraseAlias?", "WRITE_SYSTEM", _upload_passphrase),
        ("GetAllPassphrases", "", "READ_SYSTEM_SECRET", _all_passphrases),
        ("DeletePassphrase", "PassphraseID", "UNRECOVERABLE", _delete_passphrase),
        ("UploadCRL", "Crl Alias? anyParameters?", "WRITE_SYSTEM", _upload_crl),
        ("GetCRL", "CrlID", "READ_SYSTEM_SECRET", _get_crl),
        ("GetAllCRLs", "", "READ_SYSTEM_SECRET", _all_crls),
        ("DeleteCRL", "CrlID", "UNRECOVERABLE", _delete_crl),
        (
            "CreateCertPathValidationPolicy",
            "Alias? Parameters TrustAnchor+ anyParameters?",
            "WRITE_SYSTEM",
            _create_policy,
        ),
        ("GetCertPathValidationPolicy", "CertPathValidationPolicyID", "READ_SYSTEM_SECRET", _get_policy),
        ("GetAllCertPathValidationPolicies", "", "READ_SYSTEM_SECRET", _all_policies),
        (
            "SetCertPathValidationPolicy",
            "CertPathValidationPolicyID? CertPathValidationPolicy",
            "WRITE_SYSTEM",
            _set_policy,
        ),
        ("DeleteCertPathValidationPolicy", "CertPathValidationPolicyID", "UNRECOVERABLE", _delete_policy),
    )
)
