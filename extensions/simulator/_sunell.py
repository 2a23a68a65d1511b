# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A simulated Sunell IP camera: `param.cgi`, `operate.cgi`, `system.cgi`, and the three ways to a certificate."""

from __future__ import annotations

import asyncio
import dataclasses as dc
import hmac
import ssl
import typing as t

from aiohttp import web

from ._cgi import Call, CgiDevice, Request
from ._clock import Clock, Timer, format_time
from ._device import ReadOnly
from ._digest import Login
from ._frame import Answer, ApiError, Params, error_response
from ._listener import Listener, PortError
from ._pki import load_into, make_key
from ._spec_common import User
from ._sunell_catalog import CA_FILE, KEY_SIZE, REQUEST_FILE, WAYS
from ._sunell_certificates import CertificateRequest, DeviceTime, Pair, request_subject
from ._sunell_firmware import BuiltInRoot, Firmwares
from ._sunell_spec import SunellCameraSpec
from ._sunell_state import SunellState

__all__ = ["SunellCall", "SunellCamera"]

#: A changed address or port answers after that; FIELD: a script that changes the address waits so long.
MOVING_SECONDS: t.Final = 3.0
_PROTOCOL: t.Final = "v22.06"
_ANYBODY: t.Final = User(name="", password="", level=3)
_PEM: t.Final = "application/x-pem-file"
Place = tuple[str, int, bool]


@dc.dataclass(frozen=True, kw_only=True)
class SunellCall(Call):
    """A call is named by its path, its `action` and its `type`; all three stand in the URL, of a POST as well."""

    action: str
    kind: str = ""
    #: No login (FIELD, for deviceInfo).
    open: bool = False
    #: Only of cameras that take the login in the query, or only of the others.
    older: bool | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.action or self.select is not None or (self.open and self.writes):
            raise ValueError(f"{self.method} {self.path} {self.action}: no call")


class SunellCamera(CgiDevice):
    kind = "sunell_camera"
    realm = "IPCamera"
    spec: SunellCameraSpec
    calls: t.ClassVar[t.Sequence[SunellCall]]

    def __init__(self, *, spec: SunellCameraSpec, clock: Clock, read_only: ReadOnly, firmwares: Firmwares) -> None:
        super().__init__(spec=spec, clock=clock, read_only=read_only)
        self._firmwares = firmwares
        self._open: dict[Place, Listener] = {}
        self._coming: dict[Place, Listener] = {}
        self._context: ssl.SSLContext | None = None
        self._root: BuiltInRoot | None = None
        self._built_in: Pair | None = None
        self._presented: Pair | None = None
        self._ntp_timer: Timer | None = None
        self._adopt(SunellState.factory(spec))

    def _adopt(self, state: SunellState) -> None:
        self.state = state
        self._adopt_users()

    def _adopt_users(self) -> None:
        self._accounts = self.state.users
        self._passwords = {user.name: user.password for user in self.state.users.values()}

    # -- time ----------------------------------------------------------------------------------------------------

    @property
    def _error(self) -> float:
        """How far this clock is ahead of the simulator's."""
        return self.spec.clock_offset + self.state.clock_set

    @property
    def address(self) -> str:
        return self.state.network.address

    def now(self) -> float:
        return super().now() + self.state.clock_set

    def _time(self) -> DeviceTime:
        return DeviceTime(now=self.now(), latest=max(self.now(), self.clock.wall() + self._error))

    def _ask_ntp(self) -> bool:
        """One question to the time server; the clock follows its answer."""
        reached = self.state.ntp.server in self.spec.ntp_servers
        if reached and self.state.ntp.enabled:
            self.state.clock_set = -self.spec.clock_offset
        return reached

    def _keep_time(self) -> None:
        """Ask now, and again and again."""
        if self._ntp_timer is not None:
            self._ntp_timer.cancel()
            self._ntp_timer = None
        if not self.state.ntp.enabled:
            return
        self._ask_ntp()

        async def again() -> None:
            self._keep_time()

        self._ntp_timer = self.clock.call_in(self.state.ntp.seconds, again, housekeeping=True)

    # -- power and listeners -------------------------------------------------------------------------------------

    def listeners(self) -> t.Iterable[Listener]:
        return self._open.values()

    async def boot(self) -> None:
        self._keep_time()
        self.state.certificates.at_boot()
        await self._make_built_in()
        self._present()
        coming = self._bound(self.state)
        self._open = coming
        for listener in coming.values():
            await listener.open()

    async def halt(self) -> None:
        if self._ntp_timer is not None:
            self._ntp_timer.cancel()
            self._ntp_timer = None
        coming, self._coming = self._coming, {}
        for listener in coming.values():
            listener.release()
        listeners, self._open = self._open, {}
        await asyncio.gather(*(listener.close() for listener in listeners.values()))

    async def _make_built_in(self) -> None:
        """CAM-01: at every boot, for the address of now, by the clock of now."""
        self._root = root = await self._firmwares.root(self.spec.version)
        # A device clock that a rehearsal runs fast must not make certificates of the future for real clients.
        begin = min(self.clock.now(), self.clock.wall()) + self._error
        address = self.state.network.address
        loop = asyncio.get_running_loop()
        self._built_in = await loop.run_in_executor(None, root.server_pair, address, begin)

    def _present(self) -> None:
        """Bring the live context to the certificate in use; connections that stand keep theirs."""
        certificates = self.state.certificates
        wanted = self._built_in if certificates.way == "builtin" else certificates.stored(certificates.way)
        if wanted is None or wanted == self._presented:
            return
        if self._context is None:
            self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self._context.minimum_version = ssl.TLSVersion.TLSv1_2
            # The device serves whatever its owner uploads; judging that is the client's.
            self._context.set_ciphers("DEFAULT:@SECLEVEL=0")
            self._context.sni_callback = self._greet
        load_into(self._context, wanted.chain_pem, wanted.key_pem)
        self._presented = wanted

    def _greet(self, _tls: object, _host: str | None, _context: ssl.SSLContext) -> int | None:
        """Called for every handshake: CAM-15. A built-in certificate is shown as it is (CAM-05)."""
        shown = self._presented
        if shown is None or shown == self._built_in or shown.fits(self._time()):
            return None
        return ssl.AlertDescription.ALERT_DESCRIPTION_CERTIFICATE_EXPIRED

    def _bound(self, state: SunellState) -> dict[Place, Listener]:
        """The listeners of a state that are not open or coming yet, bound; all of them or none."""
        new: dict[Place, Listener] = {}
        try:
            for place in sorted(state.places - self._open.keys() - self._coming.keys()):
                address, port, secure = place
                tls = self._context if secure else None
                new[place] = Listener(address=address, port=port, handler=self.handle, tls=tls)
                new[place].bind()
        except PortError:
            for listener in new.values():
                listener.release()
            raise
        return new

    def _move_to(self, state: SunellState) -> t.Callable[[], t.Coroutine[t.Any, t.Any, None]] | None:
        """Take a state; what it no longer wants closes when the answer is out, what is new answers a little later."""
        new = self._bound(state)
        self._adopt(state)
        for place in self._coming.keys() - state.places:
            self._coming.pop(place).release()
        self._coming.update(new)
        old = [self._open.pop(place) for place in self._open.keys() - state.places]
        if not new and not old:
            return None

        async def arrive() -> None:
            for place, listener in new.items():
                # A restart or another move may have taken it off meanwhile.
                if self._coming.get(place) is listener:
                    self._open[place] = self._coming.pop(place)
                    await self.open_late(listener)

        async def leave() -> None:
            await asyncio.gather(*(listener.close() for listener in old))

        self.unreachable = ""
        self.clock.call_in(MOVING_SECONDS, arrive)
        return leave

    # -- login and the way to a call -----------------------------------------------------------------------------

    def _find(self, request: web.BaseRequest) -> SunellCall | None:
        # FIELD: scripts that write `action= get` and `type= deviceInfo` are understood.
        action, kind = (request.query.get(name, "").strip() for name in ("action", "type"))
        for call in self.calls:
            named = (call.method, call.path, call.action, call.kind) == (request.method, request.path, action, kind)
            if named and call.older in (None, self.spec.query_login):
                return call
        return None

    def _log_in(self, request: web.BaseRequest) -> User:
        call = self._find(request)
        return _ANYBODY if call is not None and call.open else super()._log_in(request)

    def identify(self, request: web.BaseRequest) -> Login:
        if not self.spec.query_login:
            return super().identify(request)
        name, password = (request.query.get(field, "") for field in ("userName", "password"))
        expected = self._passwords.get(name)
        if expected is not None and hmac.compare_digest(expected.encode(), password.encode()):
            return Login(user=name)
        return Login(wrong=bool(name))

    def _refusal(self, error: ApiError) -> web.Response:
        return error_response(error) if self.spec.query_login else super()._refusal(error)

    def check_request(self, request: web.BaseRequest, call: Call | None) -> None:
        """Nothing is refused before the call."""

    # -- calls: param.cgi ----------------------------------------------------------------------------------------

    async def get_info(self, _request: Request) -> Answer:
        spec = self.spec
        return plain_answer([
            ("deviceID", spec.device_id),
            ("deviceName", spec.name),
            ("deviceType", 22),
            ("productModel", spec.model),
            ("manufacturerID", "003"),
            ("manufacturerName", "IPCamera"),
            ("MACAddress", spec.mac_address),
            ("hardwareVer", "V330014_1"),
            ("softwareVer", spec.version),
            ("channelNum", 1),
            ("alarmInNum", 1),
            ("alarmOutNum", 1),
            ("RS485Num", 0),
            ("ubootVersion", "v6.4"),
            ("kerneVersion", "v6.4_20240821"),
            ("networkCardNum", 1),
        ])  # fmt: skip

    async def get_ports(self, _request: Request) -> Answer:
        return plain_answer(list(self.state.ports.items()))

    async def set_ports(self, request: Request) -> Answer:
        wanted = dc.replace(self.state, ports=self.state.changed_ports(request.params))
        after = self._move_to(wanted)
        return plain_answer(list(wanted.ports.items()), after=after)

    async def get_network(self, request: Request) -> Answer:
        _check_card(request.params)
        return plain_answer(self.state.network.lines())

    async def set_network(self, request: Request) -> Answer:
        """The device moves at once; its certificate stays that of the boot (CAM-03)."""
        _check_card(request.params)
        wanted = dc.replace(self.state, network=self.state.network.changed(request.params))
        after = self._move_to(wanted)
        return plain_answer(wanted.network.lines(), after=after)

    async def move(self, address: str) -> None:
        leave = self._move_to(dc.replace(self.state, network=dc.replace(self.state.network, address=address)))
        if leave is not None:
            await leave()

    async def get_date(self, _request: Request) -> Answer:
        return plain_answer(self.state.date_lines(self.now()))

    async def set_date(self, request: Request) -> Answer:
        self.state.clock_set += self.state.date_of(request.params) - self.now()
        return await self.get_date(request)

    async def get_zone(self, _request: Request) -> Answer:
        return plain_answer(self.state.zone_lines())

    async def set_zone(self, request: Request) -> Answer:
        self.state.set_zone(request.params)
        return await self.get_zone(request)

    async def get_ntp(self, _request: Request) -> Answer:
        return plain_answer(self.state.ntp.lines())

    async def set_ntp(self, request: Request) -> Answer:
        self.state.ntp = self.state.ntp.changed(request.params)
        self._keep_time()
        return await self.get_ntp(request)

    async def check_ntp(self, _request: Request) -> Answer:
        return plain_answer([("result", int(self.state.ntp.server in self.spec.ntp_servers))])

    async def get_protocol(self, _request: Request) -> Answer:
        address, port = self.state.network.address, self.state.ports["rtspPort"]
        mac = self.spec.mac_address.replace(":", "").lower()
        return plain_answer([
            ("protocolName", "ONVIF"),
            ("protocolVersion", _PROTOCOL),
            ("protocolSoftwareVersion", f"{_PROTOCOL}_build000581"),
            ("rtspRule", "rtsp://ip:port/snl/live/cameraid/streamid"),
            ("rtspExample", f"rtsp://{address}:{port}/snl/live/1/1"),
            ("onvifUuid", f"483673c0-a403-11ef-b078-{mac}"),
        ])  # fmt: skip

    async def get_users(self, _request: Request) -> Answer:
        return plain_answer(self.state.user_lines())

    async def add_user(self, request: Request) -> Answer:
        self.state.add_user(request.params)
        return self._users_changed()

    async def change_user(self, request: Request) -> Answer:
        self.state.change_password(request.params)
        return self._users_changed()

    async def delete_user(self, request: Request) -> Answer:
        self.state.delete_user(request.params)
        return self._users_changed()

    def _users_changed(self) -> Answer:
        self._adopt_users()
        return plain_answer(self.state.user_lines())

    # -- calls: HTTPS and certificates ---------------------------------------------------------------------------

    def _https_answer(self, after: t.Any = None) -> Answer:
        state = self.state
        return plain_answer([("enableFlag", int(state.https)), *state.certificates.lines()], after=after)

    async def get_https(self, _request: Request) -> Answer:
        return self._https_answer()

    async def set_https(self, request: Request) -> Answer:
        params, certificates = request.params, self.state.certificates
        https, way = self.state.https, certificates.way
        if "enableFlag" in params.values:
            https = params.one_of("enableFlag", ("0", "1")) == "1"
        if "certType" in params.values:
            way = WAYS[params.number("certType", 0, len(WAYS) - 1, "HTTPS")]
            certificates.need(way)
        after = self._move_to(dc.replace(self.state, https=https))
        certificates.way = way
        self._present()
        return self._https_answer(after)

    async def export_root(self, _request: Request) -> Answer:
        """CAM-02: that of the firmware which was booted."""
        root = self._root or await self._firmwares.root(self.spec.version)
        return Answer(body=root.pem.encode(), content_type="application/x-x509-ca-cert", filename=CA_FILE)

    async def upload_pair(self, request: Request) -> Answer:
        certificate, key = (_file(request.params, name) for name in ("certFile", "keyFile"))
        self.state.certificates.upload(certificate, key, self._time())
        return self._certificates_changed()

    async def create_request(self, request: Request) -> Answer:
        subject = request_subject(request.params)
        boots, loop = self._boots, asyncio.get_running_loop()
        key = await loop.run_in_executor(None, make_key, KEY_SIZE)
        if self._boots != boots:
            raise ApiError(503, "The device was restarted before the key was there.")
        self.state.certificates.put_request(CertificateRequest.make(key, subject))
        return self._https_answer()

    async def export_request(self, _request: Request) -> Answer:
        """CAM-21."""
        pem = self.state.certificates.need_request().pem
        return Answer(body=pem.encode(), content_type=_PEM, filename=REQUEST_FILE)

    async def upload_signed(self, request: Request) -> Answer:
        self.state.certificates.install(_file(request.params, "certFile"), self._time())
        return self._certificates_changed()

    async def delete_pair(self, _request: Request) -> Answer:
        self.state.certificates.delete_uploaded()
        return self._certificates_changed()

    async def delete_request(self, _request: Request) -> Answer:
        self.state.certificates.delete_request()
        return self._certificates_changed()

    async def delete_signed(self, _request: Request) -> Answer:
        self.state.certificates.delete_signed()
        return self._certificates_changed()

    def _certificates_changed(self) -> Answer:
        self._present()
        return self._https_answer()

    # -- calls: operate.cgi --------------------------------------------------------------------------------------

    async def ask_restart(self, _request: Request) -> Answer:
        return plain_answer([("result", "success")], after=self.restart)

    async def ask_reset(self, _request: Request) -> Answer:
        return plain_answer([("result", "success")], after=self.factory_reset)

    async def factory_reset(self) -> None:
        """CAM-24: keys and certificates go, address and accounts become those of the factory; the clock runs on."""
        clock_set = self.state.clock_set
        self._adopt(dc.replace(SunellState.factory(self.spec), clock_set=clock_set))
        await self.restart()

    # -- for the control interface and the state directory -------------------------------------------------------

    def change_spec(self, changes: t.Mapping[str, t.Any]) -> None:
        self.spec = dc.replace(self.spec, **changes)

    def expire_certificate(self) -> None:
        if self._presented is None:
            raise ApiError(400, f"{self.name} has no certificate.")
        offset = self.spec.clock_offset + self._presented.not_after + 1.0 - self.now()
        self.spec = dc.replace(self.spec, clock_offset=offset)

    def short_state(self) -> dict[str, object]:
        state = self.state
        return {
            "address": state.network.address,
            "http_port": state.ports["httpPort"],
            "https_port": state.ports["httpsPort"],
            "https": state.https,
            "way": state.certificates.way,
            "moving": bool(self._coming),
        }

    def full_state(self) -> dict[str, object]:
        state = self.state
        return {
            **self.short_state(),
            "time": format_time(self.now()),
            "time_zone": state.zone,
            "ntp": dc.asdict(state.ntp),
            "ports": state.ports,
            "network": dc.asdict(state.network),
            "users": {user.name: user.level for user in state.users.values()},
            "certificates": state.certificates.shown(),
            "presented_spki_sha256": self._presented.spki if self._presented else "",
        }

    def dump(self) -> dict[str, t.Any]:
        return {"state": self.state.dump(), "root": dc.asdict(self._root) if self._root else None}

    def load(self, data: t.Mapping[str, t.Any]) -> None:
        self._adopt(SunellState.load(data["state"]))
        if data["root"] is not None:
            self._firmwares.remember(data["root"])


def plain_answer(lines: t.Sequence[tuple[str, object]], *, after: t.Any = None) -> Answer:
    """The dialect's frame: key=value and CRLF, nothing around it."""
    return Answer(body="".join(f"{key}={value}\r\n" for key, value in lines).encode(), after=after)


def _file(params: Params, name: str) -> bytes:
    """A field of a multipart upload, whether it came as a file or as text."""
    data = params.files.get(name)
    if data is None and name in params.values:
        data = params.values[name].encode()
    if data is None:
        raise ApiError(400, f"The multipart field {name} is missing.")
    return data


def _check_card(params: Params) -> None:
    params.one_of("IPProtoVer", ("1",))
    params.one_of("netCardId", ("1",))


def _get(action: str, kind: str, run: t.Any, sure: t.Any, *, path: str = "param", **more: t.Any) -> SunellCall:
    return SunellCall(method="GET", path=f"/cgi-bin/{path}.cgi", action=action, kind=kind, run=run, sure=sure, **more)


def _set(action: str, kind: str, run: t.Any, sure: t.Any, **more: t.Any) -> SunellCall:
    return _get(action, kind, run, sure, writes=True, **more)


def _post(action: str, kind: str, run: t.Any, sure: t.Any) -> SunellCall:
    path = "/cgi-bin/param.cgi"
    return SunellCall(method="POST", path=path, action=action, kind=kind, run=run, sure=sure, writes=True)


FIELD_CALLS: t.Final = (
    _get("get", "deviceInfo", SunellCamera.get_info, "FIELD", level=3, open=True),
    _get("get", "devicePort", SunellCamera.get_ports, "FIELD", level=3),
    _set("set", "devicePort", SunellCamera.set_ports, "FIELD"),
    _get("get", "localNetwork", SunellCamera.get_network, "FIELD", level=3),
    _set("set", "localNetwork", SunellCamera.set_network, "FIELD"),
    _get("get", "dateTime", SunellCamera.get_date, "FIELD", level=3),
    _set("set", "dateTime", SunellCamera.set_date, "FIELD"),
    _get("get", "timeZone", SunellCamera.get_zone, "FIELD", level=3),
    _set("set", "timeZone", SunellCamera.set_zone, "FIELD"),
    _get("get", "NTP", SunellCamera.get_ntp, "FIELD", level=3),
    _set("set", "NTP", SunellCamera.set_ntp, "FIELD"),
    _get("get", "protocolInfo", SunellCamera.get_protocol, "FIELD", level=3),
    _get("getAllUser", "User", SunellCamera.get_users, "FIELD"),
    _get("test", "NTP", SunellCamera.check_ntp, "FIELD", path="system", level=2),
    _set("deviceRestart", "", SunellCamera.ask_restart, "FIELD", path="operate", older=False),
    _set("deviceReset", "", SunellCamera.ask_reset, "FIELD", path="operate"),
    _set("restart", "", SunellCamera.ask_restart, "FIELD", path="operate", older=True),
)
INFERRED_CALLS: t.Final = (
    _get("get", "HTTPS", SunellCamera.get_https, "INFERRED"),
    _set("set", "HTTPS", SunellCamera.set_https, "INFERRED"),
    _get("export", "CACert", SunellCamera.export_root, "INFERRED"),
    _post("upload", "serverCert", SunellCamera.upload_pair, "INFERRED"),
    _set("delete", "serverCert", SunellCamera.delete_pair, "INFERRED"),
    _set("create", "certReq", SunellCamera.create_request, "INFERRED"),
    _get("export", "certReq", SunellCamera.export_request, "INFERRED"),
    _set("delete", "certReq", SunellCamera.delete_request, "INFERRED"),
    _post("upload", "signedCert", SunellCamera.upload_signed, "INFERRED"),
    _set("delete", "signedCert", SunellCamera.delete_signed, "INFERRED"),
    _post("addUser", "User", SunellCamera.add_user, "INFERRED"),
    _post("modifyUser", "User", SunellCamera.change_user, "INFERRED"),
    _set("deleteUser", "User", SunellCamera.delete_user, "INFERRED"),
)
SunellCamera.calls = FIELD_CALLS + INFERRED_CALLS
_NAMES: t.Final = {(call.method, call.path, call.action, call.kind) for call in SunellCamera.calls}
if len(_NAMES) != len(SunellCamera.calls):
    raise ValueError("a call of the Sunell camera is listed twice")
