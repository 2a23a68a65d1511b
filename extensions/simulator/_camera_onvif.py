# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The second door of an i-PRO camera: ONVIF's device service, on the same state and by the same rules.

The maker's application note says what it can: switch HTTPS, but no keys are made, and clients are not authenticated.
"""

from __future__ import annotations

import dataclasses as dc
import functools
import typing as t
import urllib.parse

from aiohttp import web
from cryptography import x509
from cryptography.hazmat.primitives import serialization

from ._frame import After, ApiError, Params
from ._onvif_catalog import NAMESPACES, AccessClass
from ._onvif_door import PATH, Door, Operation, Reply, Run, SoapRequest, operation_table
from ._onvif_pki import der_of, names_of
from ._onvif_state import Account, Protocol
from ._pki import as_pem
from ._soap import Node, SoapFault, maker
from ._tds import VERSION, protocol_nodes, read_protocols, read_time, time_node
from ._tds_certificates import certificate_node, information_node, read_certificates

if t.TYPE_CHECKING:
    from ._camera import Camera

__all__ = ["CameraDoor"]

#: What ONVIF calls the two certificates that the camera can have (INFERRED).
SELF_SIGNED: t.Final = "self-signed"
SERVER: t.Final = "server"
RTSP: t.Final = Protocol(enabled=True, port=554)
_LEVELS: t.Final = {1: "Administrator", 2: "Operator", 3: "User"}
_FIELDS: t.Final = {
    "2.5.4.3": "common_name", "2.5.4.6": "country", "2.5.4.8": "state", "2.5.4.7": "locality",
    "2.5.4.10": "organization", "2.5.4.11": "organizational_unit",
}  # fmt: skip
_tds, _tt = maker("tds"), maker("tt")


@dc.dataclass(frozen=True, kw_only=True)
class _Settings:
    token_only: bool = False
    token_window_seconds: float = 300.0


class CameraDoor:
    """Serves the requests to a camera that come below /onvif/."""

    def __init__(self, camera: Camera) -> None:
        self.camera = camera
        self._door = Door(
            camera,
            self,
            operations=_OPERATIONS,
            gate=camera.gate,
            accounts=self._accounts,
            settings=_Settings,
        )

    def is_meant(self, request: web.BaseRequest) -> bool:
        return request.method == "POST" and request.path.startswith(PATH)

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        return await self._door.handle(request)

    def _accounts(self) -> dict[str, Account]:
        """Nobody, until the first administrator was set in a browser."""
        if not self.camera.spec.first_account:
            return {}
        return {
            user.name: Account(name=user.name, password=user.password, level=_LEVELS[user.level])
            for user in self.camera.spec.accounts.values()
        }

    # -- what is asked of the state ------------------------------------------------------------------------------

    def certificates(self) -> dict[str, str]:
        """The certificates by their ids, PEM."""
        state = self.camera.state
        pairs = ((SELF_SIGNED, state.self_signed), (SERVER, state.ca))
        return {name: certificate.pem for name, certificate in pairs if certificate is not None}

    def certificate(self, name: str) -> str:
        found = self.certificates().get(name)
        if found is None:
            raise SoapFault("CertificateID", f"There is no certificate {name!r}.")
        return found

    def statuses(self) -> dict[str, bool]:
        used = self.camera.state.in_use(self.camera.now())
        return {name: used is not None and used.pem == pem for name, pem in self.certificates().items()}

    def protocols(self) -> dict[str, Protocol]:
        state = self.camera.state
        return {
            "HTTP": Protocol(enabled=state.live != "https", port=self.camera.spec.http_port),
            "HTTPS": Protocol(enabled=state.secure, port=state.https_port),
            "RTSP": RTSP,
        }

    def set_protocols(self, wanted: t.Mapping[str, Protocol]) -> After | None:
        now = self.protocols()
        new = {**now, **wanted}
        if new["RTSP"] != RTSP or new["HTTP"].port != now["HTTP"].port:
            raise SoapFault("OperationProhibited", "RTSP and the HTTP port cannot be set by ONVIF.")
        if not 1 <= new["HTTPS"].port <= 65535:
            raise SoapFault("InvalidArgVal", f"HTTPS: port {new['HTTPS'].port} is not 1 to 65535.")
        live = {(True, False): "http", (False, True): "https", (True, True): "dual"}.get(
            (new["HTTP"].enabled, new["HTTPS"].enabled)
        )
        if live is None:
            raise SoapFault("InvalidArgVal", "HTTP and HTTPS cannot both be off.")
        try:
            return self.camera.connect(live, new["HTTPS"].port)
        except ApiError as error:
            name = "PortAlreadyInUse" if error.reason.startswith("HTTPS-31") else "EnablingTlsFailed"
            raise SoapFault(name, error.reason) from error


def _by_the_rules(run: t.Callable[[CameraDoor, SoapRequest], t.Awaitable[Reply]]) -> Run:
    """What the manual forbids, the camera forbids here as well, and with the same sentence."""

    @functools.wraps(run)
    async def checked(door: CameraDoor, request: SoapRequest) -> Reply:
        if not door.camera.spec.tls:
            raise SoapFault("ActionNotSupported", "This model has no HTTPS.")
        try:
            door.camera.check_not_generating()
            return await run(door, request)
        except ApiError as error:
            raise SoapFault("Action" if error.status == 503 else "OperationProhibited", error.reason) from error

    return checked


# -- what it is ------------------------------------------------------------------------------------------------------


async def _services(_door: CameraDoor, request: SoapRequest) -> Reply:
    address = request.base_url + f"{PATH}device_service"
    capabilities = _tds.Capabilities(_capability_node()) if request.args.flag("IncludeCapability") else None
    version = _tds.Version(_tt.Major(VERSION[0]), _tt.Minor(VERSION[1]))
    return Reply(content=[
        _tds.Service(_tds.Namespace(NAMESPACES["tds"]), _tds.XAddr(address), capabilities, version),
    ])  # fmt: skip


def _capability_node() -> Node:
    security = {"TLS1.2": "true", "OnboardKeyGeneration": "false", "UsernameToken": "true", "HttpDigest": "true"}
    return _tds.Capabilities(_tds.Network(), _tds.Security(security), _tds.System())


async def _service_capabilities(_door: CameraDoor, _request: SoapRequest) -> Reply:
    return Reply(content=[_capability_node()])


async def _capabilities(_door: CameraDoor, request: SoapRequest) -> Reply:
    for category in request.args.texts("Category"):
        if category.strip() not in ("All", "Device"):
            raise SoapFault("NoSuchService", f"The camera has no service {category}.")
    flags = {
        "TLS1.1": False, "TLS1.2": True, "OnboardKeyGeneration": False, "AccessPolicyConfig": False,
        "X.509Token": False, "SAMLToken": False, "KerberosToken": False, "RELToken": False,
    }  # fmt: skip
    security = _tt.Security(*(_tt(name, value) for name, value in flags.items()))
    device = _tt.Device(_tt.XAddr(request.base_url + f"{PATH}device_service"), security)
    return Reply(content=[_tds.Capabilities(device)])


async def _information(door: CameraDoor, _request: SoapRequest) -> Reply:
    spec = door.camera.spec
    return Reply(content=[
        _tds.Manufacturer("i-PRO"),
        _tds.Model(spec.model),
        _tds.FirmwareVersion(spec.version),
        _tds.SerialNumber(spec.serial or "SIM" + spec.mac_address.replace("-", "")[-8:]),
        _tds.HardwareId(spec.model),
    ])  # fmt: skip


async def _scopes(door: CameraDoor, _request: SoapRequest) -> Reply:
    scope = f"onvif://www.onvif.org/name/i-PRO_{urllib.parse.quote(door.camera.spec.model)}"
    return Reply(content=[_tds.Scopes(_tt.ScopeDef("Fixed"), _tt.ScopeItem(scope))])


async def _get_time(door: CameraDoor, _request: SoapRequest) -> Reply:
    return Reply(content=[time_node(door.camera.now(), "Manual", "UTC0", daylight=False)])


async def _set_time(door: CameraDoor, request: SoapRequest) -> Reply:
    if request.args.one_of("DateTimeType", ("Manual", "NTP")) == "NTP":
        raise SoapFault("NtpServerUndefined", "There is no NTP server to take the time from.")
    camera = door.camera
    camera.state.clock_set += read_time(request.args) - camera.now()
    return Reply()


async def _hostname(door: CameraDoor, _request: SoapRequest) -> Reply:
    return Reply(content=[_tds.HostnameInformation(_tt.FromDHCP(False), _tt.Name(door.camera.name))])


async def _reboot(door: CameraDoor, _request: SoapRequest) -> Reply:
    return Reply(content=[_tds.Message("The camera restarts.")], after=door.camera.restart)


# -- HTTPS -----------------------------------------------------------------------------------------------------------


async def _get_protocols(door: CameraDoor, _request: SoapRequest) -> Reply:
    return Reply(content=protocol_nodes(door.protocols()))


@_by_the_rules
async def _set_protocols(door: CameraDoor, request: SoapRequest) -> Reply:
    return Reply(after=door.set_protocols(read_protocols(request)))


def _subject(door: CameraDoor, text: str) -> Params:
    """The fields of the camera's dialogs out of a subject as RFC 4514 writes it."""
    parts = [part for rdn in names_of(text or f"CN={door.camera.address}") for part in rdn]
    unknown = [oid for oid, _value in parts if oid not in _FIELDS]
    if unknown:
        raise SoapFault("InvalidSubject", f"The camera has no field for {unknown[0]}.")
    return Params(values={_FIELDS[oid]: value for oid, value in parts}, files={})


@_by_the_rules
async def _create(door: CameraDoor, request: SoapRequest) -> Reply:
    """The self-signed certificate, of the key that is there: ONVIF makes none."""
    camera, args = door.camera, request.args
    if args.has("ValidNotBefore") or args.has("ValidNotAfter"):
        raise SoapFault("InvalidArgVal", "The camera sets the validity itself.")
    if args.word("CertificateID") not in ("", SELF_SIGNED):
        raise SoapFault("CertificateID", f"The camera's self-signed certificate is called {SELF_SIGNED!r}.")
    camera.state.create_self_signed(_subject(door, args.text("Subject")), camera.now(), camera.clock.wall())
    der = der_of(door.certificate(SELF_SIGNED))
    return Reply(content=[certificate_node("NvtCertificate", SELF_SIGNED, der)])


@_by_the_rules
async def _get_certificates(door: CameraDoor, _request: SoapRequest) -> Reply:
    found = door.certificates().items()
    return Reply(content=[certificate_node("NvtCertificate", name, der_of(pem)) for name, pem in found])


@_by_the_rules
async def _get_statuses(door: CameraDoor, _request: SoapRequest) -> Reply:
    return Reply(content=[
        _tds.CertificateStatus(_tt.CertificateID(name), _tt.Status(on)) for name, on in door.statuses().items()
    ])  # fmt: skip


@_by_the_rules
async def _set_statuses(door: CameraDoor, request: SoapRequest) -> Reply:
    """The server certificate wins over the self-signed one: nobody can choose."""
    for args in request.args.inner("CertificateStatus", "CertificateID Status", "tt"):
        name = args.word("CertificateID")
        door.certificate(name)
        if args.flag("Status") != door.statuses()[name]:
            raise SoapFault("OperationProhibited", "The camera itself decides which certificate it uses.")
    return Reply()


@_by_the_rules
async def _delete(door: CameraDoor, request: SoapRequest) -> Reply:
    camera = door.camera
    names = [text.strip() for text in request.args.texts("CertificateID")]
    for name in names:
        door.certificate(name)
    for name in names:
        if name == SERVER:
            camera.state.delete_ca()
        else:
            camera.state.delete_self_signed(camera.now())
    return Reply()


@_by_the_rules
async def _get_request(door: CameraDoor, request: SoapRequest) -> Reply:
    """Of the camera's key, whichever of its certificates is named."""
    camera, args = door.camera, request.args
    if args.word("CertificateID") not in (SELF_SIGNED, SERVER):
        raise SoapFault("CertificateID", f"The camera's certificates are {SELF_SIGNED!r} and {SERVER!r}.")
    if args.has("Attributes"):
        raise SoapFault("InvalidAttribute", "Attributes of requests are not supported.")
    camera.state.create_csr(_subject(door, args.text("Subject")), camera.now())
    assert camera.state.csr is not None
    parsed = x509.load_pem_x509_csr(camera.state.csr.pem.encode())
    camera.on_change(camera)
    return Reply(content=[_tds.Pkcs10Request(_tt.Data(parsed.public_bytes(serialization.Encoding.DER)))])


@_by_the_rules
async def _load(door: CameraDoor, request: SoapRequest) -> Reply:
    """The one server certificate."""
    given = read_certificates(request, "NVTCertificate")
    if len(given) != 1 or given[0][0] not in (SELF_SIGNED, SERVER):
        raise SoapFault("CertificateID", f"The camera takes one certificate, {SERVER!r}.")
    door.camera.state.install_ca(as_pem(given[0][1]).encode())
    door.camera.present()
    return Reply()


@_by_the_rules
async def _get_information(door: CameraDoor, request: SoapRequest) -> Reply:
    name = request.args.word("CertificateID")
    parsed = x509.load_pem_x509_certificate(door.certificate(name).encode())
    return Reply(content=[information_node(name, parsed)])


def _tds_operation(name: str, parts: str, access: AccessClass, run: Run) -> Operation:
    return Operation(prefix="tds", name=name, parts=parts, access=access, run=run)


_OPERATIONS: t.Final = operation_table(*(
    _tds_operation(*row)
    for row in (
        ("GetServices", "IncludeCapability", "PRE_AUTH", _services),
        ("GetServiceCapabilities", "", "PRE_AUTH", _service_capabilities),
        ("GetCapabilities", "Category*", "PRE_AUTH", _capabilities),
        ("GetDeviceInformation", "", "READ_SYSTEM", _information),
        ("GetScopes", "", "READ_SYSTEM", _scopes),
        ("GetSystemDateAndTime", "", "PRE_AUTH", _get_time),
        ("SetSystemDateAndTime", "DateTimeType DaylightSavings TimeZone? UTCDateTime?", "WRITE_SYSTEM", _set_time),
        ("GetHostname", "", "PRE_AUTH", _hostname),
        ("GetNetworkProtocols", "", "READ_SYSTEM", _get_protocols),
        ("SetNetworkProtocols", "NetworkProtocols+", "WRITE_SYSTEM", _set_protocols),
        ("SystemReboot", "", "UNRECOVERABLE", _reboot),
        ("CreateCertificate", "CertificateID? Subject? ValidNotBefore? ValidNotAfter?", "WRITE_SYSTEM", _create),
        ("GetCertificates", "", "READ_SYSTEM_SECRET", _get_certificates),
        ("GetCertificatesStatus", "", "READ_SYSTEM_SECRET", _get_statuses),
        ("SetCertificatesStatus", "CertificateStatus*", "WRITE_SYSTEM", _set_statuses),
        ("DeleteCertificates", "CertificateID+", "UNRECOVERABLE", _delete),
        ("GetPkcs10Request", "CertificateID Subject? Attributes?", "WRITE_SYSTEM", _get_request),
        ("LoadCertificates", "NVTCertificate+", "WRITE_SYSTEM", _load),
        ("GetCertificateInformation", "CertificateID", "READ_SYSTEM_SECRET", _get_information),
    )
))  # fmt: skip
