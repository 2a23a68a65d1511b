# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""ONVIF's device service: the certificate operations that Advanced Security has replaced."""

from __future__ import annotations

import asyncio
import datetime as dt
import typing as t

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa

from ._onvif_args import Args
from ._onvif_catalog import AccessClass
from ._onvif_door import Operation, Reply, Run, SoapRequest
from ._onvif_legacy import LegacyCertificates
from ._onvif_pki import (
    Private,
    load_certificate,
    load_pkcs8,
    load_private,
    make_private,
    names_of,
    self_signed,
    sign_request,
)
from ._soap import Node, SoapFault, maker

if t.TYPE_CHECKING:
    from ._onvif import OnvifCamera

__all__ = ["CERTIFICATE_OPERATIONS", "binary_data", "certificate_node", "information_node", "read_certificates"]

_tds, _tt = maker("tds"), maker("tt")
_BINARY: t.Final = "Data"
_CERTIFICATE: t.Final = "CertificateID Certificate"
_RSA_SIGNATURE: t.Final = "1.2.840.113549.1.1.11"
_ECC_SIGNATURE: t.Final = "1.2.840.10045.4.3.2"


def _legacy(camera: OnvifCamera) -> LegacyCertificates:
    return LegacyCertificates(camera.state)


def _signature(key: Private) -> str:
    return _RSA_SIGNATURE if isinstance(key, rsa.RSAPrivateKey) else _ECC_SIGNATURE


# -- XML that both kinds of device share -----------------------------------------------------------------------------


def certificate_node(tag: str, name: str, der: bytes) -> Node:
    return _tds(tag, _tt.CertificateID(name), _tt.Certificate(_tt.Data(der)))


def binary_data(args: Args, name: str) -> bytes:
    return args.inner(name, _BINARY, "tt")[0].binary("Data")


def read_certificates(request: SoapRequest, tag: str) -> list[tuple[str, x509.Certificate]]:
    """The ids and certificates of a request."""
    return [
        (args.word("CertificateID"), load_certificate(binary_data(args, "Certificate")))
        for args in request.args.inner(tag, _CERTIFICATE, "tt")
    ]


def information_node(name: str, parsed: x509.Certificate) -> Node:
    begin, end = parsed.not_valid_before_utc, parsed.not_valid_after_utc
    return _tds.CertificateInformation(
        _tt.CertificateID(name),
        _tt.IssuerDN(parsed.issuer.rfc4514_string()),
        _tt.SubjectDN(parsed.subject.rfc4514_string()),
        _usage("KeyUsage", parsed, x509.KeyUsage),
        _usage("ExtendedKeyUsage", parsed, x509.ExtendedKeyUsage),
        _tt.KeyLength(t.cast("t.Any", parsed.public_key()).key_size),
        _tt.Version(str(parsed.version.value + 1)),
        _tt.SerialNum(f"{parsed.serial_number:x}"),
        _tt.SignatureAlgorithm(parsed.signature_algorithm_oid.dotted_string),
        _tt.Validity(_tt.From(_xml_time(begin)), _tt.Until(_xml_time(end))),
    )


def _xml_time(stamp: dt.datetime) -> str:
    return stamp.strftime("%Y-%m-%dT%H:%M:%SZ")


_USAGES: t.Final = (
    "digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement",
    "key_cert_sign", "crl_sign",
)  # fmt: skip


def _usage(tag: str, parsed: x509.Certificate, kind: type[x509.KeyUsage | x509.ExtendedKeyUsage]) -> Node | None:
    try:
        extension = parsed.extensions.get_extension_for_class(kind)
    except x509.ExtensionNotFound:
        return None
    value = extension.value
    if isinstance(value, x509.KeyUsage):
        names = [name for name in _USAGES if getattr(value, name)]
    else:
        names = [oid.dotted_string for oid in value]
    return _tt(tag, " ".join(names), {"Critical": str(extension.critical).lower()})


# -- operations ------------------------------------------------------------------------------------------------------


async def _create(camera: OnvifCamera, request: SoapRequest) -> Reply:
    """Makes a key as well; it answers when that is done."""
    args, store, legacy = request.args, camera.state.store, _legacy(camera)
    name = args.word("CertificateID") or store.new_id("certificate")
    legacy.check_name(name)
    store.check_room_for_certificates()
    store.check_room_for_key()
    subject = names_of(args.text("Subject") or f"CN={camera.spec.address}")
    begin, end = args.time("ValidNotBefore"), args.time("ValidNotAfter")
    spec = camera.spec
    kind = str(spec.rsa_key_lengths[0]) if spec.rsa_key_lengths else spec.elliptic_curves[0]
    key = load_private(await asyncio.get_running_loop().run_in_executor(None, make_private, kind))
    certificate = self_signed(
        key, subject, _signature(key), (), begin=camera.begin_of_validity() if begin is None else begin, end=end
    )
    if camera.power != "on":
        raise SoapFault("CertificateCreationFailed", "The power went meanwhile.")
    legacy.check_name(name)
    with camera.state.all_or_nothing():
        store.put_private(key, "")
        made = store.put_certificate(certificate, name=name)
    return Reply(content=[certificate_node("NvtCertificate", made.id, made.der)])


async def _get_own(camera: OnvifCamera, _request: SoapRequest) -> Reply:
    return Reply(content=[certificate_node("NvtCertificate", one.id, one.der) for one in _legacy(camera).own()])


async def _get_statuses(camera: OnvifCamera, _request: SoapRequest) -> Reply:
    return Reply(content=[
        _tds.CertificateStatus(_tt.CertificateID(name), _tt.Status(on))
        for name, on in _legacy(camera).statuses().items()
    ])  # fmt: skip


async def _set_statuses(camera: OnvifCamera, request: SoapRequest) -> Reply:
    given = request.args.inner("CertificateStatus", "CertificateID Status", "tt")
    _legacy(camera).set_statuses({args.word("CertificateID"): args.flag("Status") for args in given})
    camera.renew_tls()
    return Reply()


async def _delete(camera: OnvifCamera, request: SoapRequest) -> Reply:
    with camera.state.all_or_nothing():
        _legacy(camera).delete([text.strip() for text in request.args.texts("CertificateID")])
    camera.renew_tls()
    return Reply()


async def _get_request(camera: OnvifCamera, request: SoapRequest) -> Reply:
    args, store = request.args, camera.state.store
    certificate = _legacy(camera).find_own(args.word("CertificateID"))
    if args.has("Attributes"):
        raise SoapFault("InvalidAttribute", "Attributes of requests are not supported.")
    subject = args.text("Subject") or certificate.parsed.subject.rfc4514_string()
    key = store.ready_key(certificate.key_id)
    made = sign_request(key, names_of(subject), _signature(key), (), {})
    return Reply(content=[_tds.Pkcs10Request(_tt.Data(made))])


async def _load(camera: OnvifCamera, request: SoapRequest) -> Reply:
    with camera.state.all_or_nothing():
        for name, parsed in read_certificates(request, "NVTCertificate"):
            _legacy(camera).load_own(name, parsed)
    camera.renew_tls()
    return Reply()


async def _load_with_key(camera: OnvifCamera, request: SoapRequest) -> Reply:
    with camera.state.all_or_nothing():
        for args in request.args.inner("CertificateWithPrivateKey", "CertificateID? Certificate PrivateKey", "tt"):
            name = args.word("CertificateID") or camera.state.store.new_id("certificate")
            parsed = load_certificate(binary_data(args, "Certificate"))
            _legacy(camera).load_own(name, parsed, load_pkcs8(binary_data(args, "PrivateKey"), None))
    camera.renew_tls()
    return Reply()


async def _load_authorities(camera: OnvifCamera, request: SoapRequest) -> Reply:
    with camera.state.all_or_nothing():
        for name, parsed in read_certificates(request, "CACertificate"):
            _legacy(camera).load_authority(name, parsed)
    camera.renew_tls()
    return Reply()


async def _get_authorities(camera: OnvifCamera, _request: SoapRequest) -> Reply:
    return Reply(content=[certificate_node("CACertificate", one.id, one.der) for one in _legacy(camera).authorities()])


async def _get_information(camera: OnvifCamera, request: SoapRequest) -> Reply:
    certificate = camera.state.store.certificate(request.args.word("CertificateID"))
    return Reply(content=[information_node(certificate.id, certificate.parsed)])


async def _get_mode(camera: OnvifCamera, _request: SoapRequest) -> Reply:
    return Reply(content=[_tds.Enabled(camera.state.tls.client_required)])


async def _set_mode(camera: OnvifCamera, request: SoapRequest) -> Reply:
    camera.state.require_clients(required=request.args.flag("Enabled"))
    camera.renew_tls()
    return Reply()


def _tds_operation(name: str, parts: str, access: AccessClass, run: Run) -> Operation:
    return Operation(prefix="tds", name=name, parts=parts, access=access, run=run)


CERTIFICATE_OPERATIONS: t.Final = tuple(
    _tds_operation(*row)
    for row in (
        ("CreateCertificate", "CertificateID? Subject? ValidNotBefore? ValidNotAfter?", "WRITE_SYSTEM", _create),
        ("GetCertificates", "", "READ_SYSTEM_SECRET", _get_own),
        ("GetCertificatesStatus", "", "READ_SYSTEM_SECRET", _get_statuses),
        ("SetCertificatesStatus", "CertificateStatus*", "WRITE_SYSTEM", _set_statuses),
        ("DeleteCertificates", "CertificateID+", "UNRECOVERABLE", _delete),
        ("GetPkcs10Request", "CertificateID Subject? Attributes?", "READ_SYSTEM_SECRET", _get_request),
        ("LoadCertificates", "NVTCertificate+", "WRITE_SYSTEM", _load),
        ("LoadCertificateWithPrivateKey", "CertificateWithPrivateKey+", "WRITE_SYSTEM", _load_with_key),
        ("LoadCACertificates", "CACertificate+", "WRITE_SYSTEM", _load_authorities),
        ("GetCACertificates", "", "READ_SYSTEM_SECRET", _get_authorities),
        ("GetCertificateInformation", "CertificateID", "READ_SYSTEM_SECRET", _get_information),
        ("GetClientCertificateMode", "", "READ_SYSTEM_SECRET", _get_mode),
        ("SetClientCertificateMode", "Enabled", "WRITE_SYSTEM", _set_mode),
    )
)
