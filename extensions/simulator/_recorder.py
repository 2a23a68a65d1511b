# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A simulated i-PRO WJ-NX recorder."""

from __future__ import annotations

import asyncio
import copy
import dataclasses as dc
import ssl
import typing as t
import warnings

from aiohttp import web
from cryptography import x509

from . import _picture
from ._camera import uploaded
from ._cgi import Call, CgiDevice, Request
from ._clock import Clock, format_time, parse_time
from ._device import ReadOnly
from ._frame import Answer, ApiError, Params, lines_answer
from ._link import Link, Segment, Setting
from ._listener import Listener
from ._pki import (
    CertificateError,
    as_pem,
    common_name,
    issue,
    load_into,
    make_key,
    make_root,
    pem_certificates,
    sha256_hex,
)
from ._recorder_state import BuiltIn, CameraFields, PcSetting, RecorderState, camera_fields, new_password
from ._sessions import MAX_UIDS, Sessions
from ._spec import CameraSpec, RecorderSpec
from ._spec_common import is_loopback

__all__ = ["Recorder"]

LISTENER_SECONDS: t.Final = 5.0
STAMP: t.Final = "%y%m%d%H%M%S"
LOG_LINES: t.Final = 500
# X509_V_FLAG_NO_CHECK_TIME: times are judged by the recorder's clock, not by the computer's.
_NO_CHECK_TIME: t.Final = 0x200000
_HELLO_AT_ONCE: t.Final = 32
_DOWNLOAD_SPAN: t.Final = 3600.0
_DOWNLOAD_PARTS: t.Final = 16


class Recorder(CgiDevice):
    kind = "recorder"
    realm = "Network disk recorder"
    spec: RecorderSpec

    def __init__(
        self, *, spec: RecorderSpec, cameras: t.Sequence[CameraSpec], clock: Clock, read_only: ReadOnly
    ) -> None:
        super().__init__(spec=spec, clock=clock, read_only=read_only)
        self.state = RecorderState(pc=PcSetting(https_port=spec.https_port))
        self.links = {camera.camera_number: Link(self, camera) for camera in cameras}
        self.sessions = Sessions(clock)
        self._http: Listener | None = None
        self._https: Listener | None = None
        self._bound: list[Listener] = []
        self._context: ssl.SSLContext | None = None
        self._trust: ssl.SSLContext | None = None
        self._trusted: list[x509.Certificate] = []
        self._hello = asyncio.Semaphore(_HELLO_AT_ONCE)

    # -- power and listeners -------------------------------------------------------------------------------------

    @property
    def awake(self) -> bool:
        return self.power == "on"

    def listeners(self) -> t.Iterable[Listener]:
        return [listener for listener in (self._http, self._https) if listener is not None]

    async def boot(self) -> None:
        await self._make_certificates()
        if not self.state.pc.https_only:
            self._http = self._plain()
            await self._http.open()
        self._https = self._secure()
        await self._https.open()
        self._trust_changed()
        self.clock.track(self.check_all())

    async def halt(self) -> None:
        for link in self.links.values():
            link.stop()
        self.sessions.clear()
        for bound in self._bound:
            bound.release()
        listeners = list(self.listeners())
        self._http = self._https = None
        for listener in listeners:
            await listener.close()

    async def _make_certificates(self) -> None:
        """The built-in root (REC-13), and a server certificate for the present address."""
        if self.state.built_in.server:
            return
        loop = asyncio.get_running_loop()
        keys = await asyncio.gather(*(loop.run_in_executor(None, make_key, 2048) for _key in range(2)))
        begin = min(self.now(), self.clock.wall())
        root = make_root(keys[0], f"{self.spec.model} {self.name} root", begin)
        server = issue(root_pem=root, root_key_pem=keys[0], key_pem=keys[1], host=self.spec.address, begin=begin)
        self.state.built_in = BuiltIn(root_key=keys[0], root=root, server_key=keys[1], server=server)
        self.on_change(self)

    def _plain(self) -> Listener:
        return Listener(address=self.spec.address, port=self.spec.http_port, handler=self.handle, tls=None)

    def _secure(self) -> Listener:
        if self._context is None:
            self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            load_into(self._context, self.state.built_in.server, self.state.built_in.server_key)
        self._set_versions(self._context)
        port = self.state.pc.https_port
        return Listener(address=self.spec.address, port=port, handler=self.handle, tls=self._context)

    def _set_versions(self, context: ssl.SSLContext) -> None:
        """REC-11; OpenSSL 3 speaks TLS 1.1 at security level 0 only."""
        tls11 = self.state.pc.tls11
        context.set_ciphers("DEFAULT:@SECLEVEL=0" if tls11 else "DEFAULT")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            context.minimum_version = ssl.TLSVersion.TLSv1_1 if tls11 else ssl.TLSVersion.TLSv1_2

    # -- the cameras ---------------------------------------------------------------------------------------------

    async def check_all(self) -> None:
        await asyncio.gather(*(self._gently(link.check) for link in self.links.values()))

    async def _gently(self, work: t.Callable[[], t.Awaitable[None]]) -> None:
        async with self._hello:
            await work()

    def _trust_changed(self) -> None:
        self._trust = None
        self._trusted = [x509.load_pem_x509_certificate(pem.encode()) for pem in self.state.trusted.values()]

    def trust_context(self) -> ssl.SSLContext:
        """By which the recorder verifies its cameras: chain to a trusted root, and the address."""
        if self._trust is None:
            self._trust = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            self._trust.verify_flags |= ssl.VerifyFlags(_NO_CHECK_TIME)
            if self.state.trusted:
                self._trust.load_verify_locations(cadata="".join(self.state.trusted.values()))
        return self._trust

    def issuers_of(self, certificate: x509.Certificate) -> list[x509.Certificate]:
        """The trusted certificates up to the root; OpenSSL has checked the signatures."""
        chain: list[x509.Certificate] = []
        while certificate.issuer != certificate.subject and len(chain) < len(self._trusted):
            above = [entry for entry in self._trusted if entry.subject == certificate.issuer]
            if not above:
                break
            # A root that was renewed under its old name: the younger one counts.
            certificate = max(above, key=lambda entry: entry.not_valid_after_utc)
            chain.append(certificate)
        return chain

    def used_licences(self, changed: t.Mapping[int, Setting] | None = None) -> int:
        """The union of the cameras set to HTTPS and those set to encrypt (REC-07)."""
        changed = changed or {}
        return sum(changed.get(number, link.setting).licensed for number, link in self.links.items())

    # -- logs ----------------------------------------------------------------------------------------------------

    def write_error(self, text: str) -> None:
        self._write(self.state.errors, text)

    def write_event(self, text: str) -> None:
        self._write(self.state.events, text)

    def _write(self, log: list[tuple[str, str]], text: str) -> None:
        log.insert(0, (format_time(self.now(), "%Y/%m/%d %H:%M:%S"), text))
        del log[LOG_LINES:]
        self.on_change(self)

    # -- what is refused before the call -------------------------------------------------------------------------

    def check_request(self, request: web.BaseRequest, call: Call | None) -> None:
        """A recorder is never too busy to look at a call."""

    def check_call(self, request: Request) -> None:
        if request.user.level > request.call.level:
            rule = "REC-03: only" if request.call.path.endswith("sec_license.cgi") else "Only"
            wanted = f"level {request.call.level} or higher"
            raise ApiError(403, f"{rule} a user of {wanted} may do this; the user's level does not allow it.")
        session = request.call.session
        if session == "needed" or (session == "optional" and "UID" in request.params.values):
            self.sessions.command(request.params.get("UID"), request.user.name, self.spec.command_interval)

    # -- calls: the session --------------------------------------------------------------------------------------

    async def log_in(self, request: Request) -> Answer:
        uid = self.sessions.log_in(request.user.name)
        page = f'<HTML><HEAD><SCRIPT>location.href="./hdrctl.cgi?UID={uid}&HTML=live.html";</SCRIPT></HEAD></HTML>\r\n'
        return Answer(body=page.encode(), content_type="text/html; charset=utf-8")

    async def keep_alive(self, request: Request) -> Answer:
        return lines_answer([("UID", request.params.get("UID")), ("TIME", format_time(self.now()))])

    async def log_out(self, request: Request) -> Answer:
        self.sessions.log_out(request.params.get("UID"))
        return lines_answer([("LOGOUT", "OK")])

    # -- calls: cameras and pictures -----------------------------------------------------------------------------

    async def get_info(self, _request: Request) -> Answer:
        await asyncio.gather(*(self._gently(link.refresh) for link in self.links.values()))
        states = [
            (f"CAM_CONNECT_{number:02}CH", self.links[number].status if number in self.links else 0)
            for number in range(1, self.spec.cameras_max + 1)
        ]
        return lines_answer([*states, ("MAXUID", MAX_UIDS), ("USEDUID", self.sessions.used)])

    async def control(self, request: Request) -> Answer:
        """REC-34 and REC-37."""
        screen = (
            request.params.one_of("SCREEN", ("1X", "4X", "9X", "16X")) if "SCREEN" in request.params.values else "1X"
        )
        tiles = int(screen[:-1])
        shown = [link for link in self.links.values() if link.connected]
        return lines_answer([(f"CAM_{link.number:02}CH_LIVE", self._live(link, tiles)) for link in shown])

    @staticmethod
    def _live(link: Link, tiles: int) -> str:
        if not link.opens:
            return "DECODE_ERROR"
        return link.compression.thinned if link.camera_encrypts and tiles >= 4 else "FULL"

    async def log_list(self, request: Request) -> Answer:
        kind = request.params.one_of("KIND", ("ERR", "EVENT"))
        name = "ERROR" if kind == "ERR" else "EVENT"
        entries = self.state.errors if kind == "ERR" else self.state.events
        lines: list[tuple[str, object]] = [("FILENAME", f"as_{name.lower()}log.html"), (f"{name}_LOG_NO", len(entries))]
        lines += [
            (f"{name}_LOG", f'"{number:03}","{when}","0","{text}","GMT+00:00","002"')
            for number, (when, text) in enumerate(entries, 1)
        ]
        return lines_answer(lines)

    def _camera(self, params: Params) -> Link:
        number = params.number("CAM", 1, self.spec.cameras_max, "CAM")
        link = self.links.get(number)
        if link is None:
            raise ApiError(400, f"Camera {number} is not registered.")
        return link

    async def recorded_time(self, request: Request) -> Answer:
        link = self._camera(request.params)
        rows = [
            f"{link.number},{format_time(segment.start, STAMP)},{format_time(self._end(segment), STAMP)},"
            f"{int(_picture.is_encrypted(segment.picture))}\r\n"
            for segment in link.segments
        ]
        return Answer(body="".join(rows).encode())

    def _end(self, segment: Segment) -> float:
        return self.now() if segment.end is None else segment.end

    async def download(self, request: Request) -> Answer:
        params = request.params
        link = self._camera(params)
        params.one_of("KIND", ("N3", "N3VO", "MP4", "MP4VO", "LIST"))
        start, end = _stamp(params, "STARTTIME"), _stamp(params, "ENDTIME")
        if end < start:
            raise ApiError(400, "ENDTIME is before STARTTIME.")
        if end - start > _DOWNLOAD_SPAN:
            return _multipart([_part(2, b"", "")])
        # Stamps have whole seconds, recordings have not.
        found = [s for s in link.segments if int(s.start) <= end and self._end(s) >= start][:_DOWNLOAD_PARTS]
        # REC-35: a playback password is for this playback alone.
        password = params.get("PASSWORD") or self.state.password
        raw = params.get("EXPORT") == "ENCRYPTED"
        parts = [self._play(link, segment, password, raw=raw) for segment in found]
        return _multipart(parts or [_part(1, b"", "")])

    @staticmethod
    def _play(link: Link, segment: Segment, password: str, *, raw: bool) -> bytes:
        name = f"cam{link.number:02}_{format_time(segment.start, STAMP)}"
        if raw:
            # REC-38: what goes to outside media is what was stored.
            return _part(0, segment.picture, f"{name}.n3r")
        picture = _picture.decode(segment.picture, password)
        if picture is None:
            return _part(3, _picture.BLACK, f"{name}.jpg")
        return _part(0, picture, f"{name}.jpg")

    # -- calls: system and licences ------------------------------------------------------------------------------

    async def get_system(self, _request: Request) -> Answer:
        spec = self.spec
        return lines_answer([
            ("MODEL", spec.model),
            ("VERSION", spec.version),
            ("SERIAL", spec.serial or f"SIM-{spec.name}"),
            ("MAXCAM", spec.cameras_max),
        ])  # fmt: skip

    async def get_licence(self, _request: Request) -> Answer:
        return lines_answer(self.state.licences.lines(self.used_licences()))

    async def post_licence(self, request: Request) -> Answer:
        target = request.params.one_of("TARGET", ("MAIN", "SECURE"))
        self.state.licences.register(self.spec, target, request.params.need("KEY"))
        self.write_event(f"LICENSE REGISTERED ({target})")
        return await self.get_licence(request)

    # -- calls: recorder and PC ----------------------------------------------------------------------------------

    def _pc_answer(self, after: t.Any = None) -> Answer:
        pc, spec = self.state.pc, self.spec
        forwards = spec.port_forward and not pc.https_only
        return lines_answer(
            [
                ("CONNECTION", "HTTPS" if pc.https_only else "HTTP_HTTPS"),
                ("TLS11", _on(pc.tls11)),
                ("HTTPS_PORT", pc.https_port),
                ("HTTP_PORT", spec.http_port),
                ("FTP_PORT", spec.ftp_port),
                ("SITE_ALARM_PORT", spec.site_alarm_port),
                ("PORT_FORWARD", _on(forwards)),
                ("PORT_FORWARD_PORTS", ",".join(map(str, spec.port_forward_ports))),
            ],
            after=after,
        )

    async def get_pc(self, _request: Request) -> Answer:
        return self._pc_answer()

    async def post_pc(self, request: Request) -> Answer:
        old, new = self.state.pc, self.state.pc.changed(request.params, self.spec)
        if new == old:
            return self._pc_answer()
        opening: list[Listener] = []
        if old.https_only and not new.https_only:
            opening.append(self._plain())
        if new.https_port != old.https_port:
            secure = Listener(address=self.spec.address, port=new.https_port, handler=self.handle, tls=self._context)
            opening.append(secure)
        _bind_all(opening)
        self._bound += opening
        self.state.pc = new
        return self._pc_answer(after=self._change_listeners(old, new, opening))

    def _change_listeners(
        self, old: PcSetting, new: PcSetting, opening: list[Listener]
    ) -> t.Callable[[], t.Coroutine[t.Any, t.Any, None]]:
        """The changed listeners go when the answer is out, and come back after 5 s."""
        closing: list[Listener] = []
        if new.https_only and self._http is not None:
            closing.append(self._http)
            self._http = None
        if (new.https_port, new.tls11) != (old.https_port, old.tls11) and self._https is not None:
            closing.append(self._https)
            self._https = None
        boots = self._boots

        async def leave() -> None:
            for listener in closing:
                await listener.close()

        async def come_back() -> None:
            self._bound = [listener for listener in self._bound if listener not in opening]
            if self._boots != boots or self.state.pc != new:
                for listener in opening:
                    listener.release()
                return
            await self._open_missing(opening)

        self.clock.call_in(LISTENER_SECONDS, come_back)
        return leave

    async def _open_missing(self, bound: list[Listener]) -> None:
        by_port = {listener.port: listener for listener in bound}
        self.unreachable = ""
        if not _is_open(self._http) and not self.state.pc.https_only:
            self._http = by_port.get(self.spec.http_port) or self._plain()
            await self.open_late(self._http)
        if not _is_open(self._https):
            secure = self._secure()
            self._https = by_port.get(secure.port) or secure
            await self.open_late(self._https)

    # -- calls: certificates -------------------------------------------------------------------------------------

    async def get_root(self, _request: Request) -> Answer:
        return Answer(body=self.state.built_in.root.encode(), content_type="application/x-pem-file")

    async def get_trusted(self, _request: Request) -> Answer:
        rows = [
            (f"CA_{number:02}", f"{digest},{common_name(x509.load_pem_x509_certificate(pem.encode()).subject)}")
            for number, (digest, pem) in enumerate(self.state.trusted.items(), 1)
        ]
        return lines_answer([("CA_NUM", len(rows)), *rows])

    async def post_trusted(self, request: Request) -> Answer:
        try:
            certificates = pem_certificates(uploaded(request))
        except CertificateError as error:
            raise ApiError(400, str(error)) from error
        for certificate in certificates:
            self.state.trusted.setdefault(sha256_hex(certificate), as_pem(certificate))
        self._trust_changed()
        return await self.get_trusted(request)

    async def delete_trusted(self, request: Request) -> Answer:
        digest = request.params.need("SHA256").lower()
        if self.state.trusted.pop(digest, None) is None:
            raise ApiError(400, "There is no trusted certificate with this SHA256.")
        self._trust_changed()
        return await self.get_trusted(request)

    # -- calls: recorder and cameras -----------------------------------------------------------------------------

    def _need_kit(self) -> None:
        if not self.state.licences.kits:
            raise ApiError(404, "REC-06: this setting does not exist before a kit is registered.")

    def _licence_lines(self) -> list[tuple[str, object]]:
        return [("USED_LICENSES", self.used_licences()), ("TOTAL_LICENSES", self.state.licences.total)]

    def _camera_lines(self) -> list[tuple[str, object]]:
        lines = self._licence_lines()
        lines.append(("INTERNET_MODE_NUM", sum(link.internet_mode for link in self.links.values())))
        for number, link in self.links.items():
            lines += [
                (f"CAM_{number:02}_ADDRESS", link.address),
                (f"CAM_{number:02}_HTTP_PORT", link.http_port),
                (f"CAM_{number:02}_MODEL", link.model),
                (f"CAM_{number:02}_TLS_SUPPORT", int(link.tls_support)),
                (f"CAM_{number:02}_CONNECTION", "HTTPS" if link.setting.https else "HTTP"),
                (f"CAM_{number:02}_PORT", link.setting.port),
                (f"CAM_{number:02}_INTERNET_MODE", int(link.internet_mode)),
                (f"CAM_{number:02}_FAULT", link.fault),
            ]
        return lines

    async def get_cameras(self, _request: Request) -> Answer:
        self._need_kit()
        return lines_answer(self._camera_lines())

    async def post_cameras(self, request: Request) -> Answer:
        self._need_kit()
        fields = camera_fields(request.params, self.links, ("ADDRESS", "CONNECTION", "PORT", "SEND"))
        changed = {number: self._connection_setting(number, values) for number, values in fields.items()}
        self.state.licences.check(self.used_licences(changed))
        before = {number: self.links[number].setting for number in changed}
        self._apply(changed)
        results = await self._send(fields, before, "/cgi-bin/set_https", self._https_form)
        self._reconnect([number for number in changed if changed[number] != before[number]])
        return lines_answer([*self._camera_lines(), *results])

    def _connection_setting(self, number: int, values: t.Mapping[str, str]) -> Setting:
        params = Params(values=values, files={})
        link = self.links[number]
        new = copy.copy(link.setting)
        if "ADDRESS" in values:
            new.address = _address(values["ADDRESS"], number)
        if "CONNECTION" in values:
            new.https = params.one_of("CONNECTION", ("HTTP", "HTTPS")) == "HTTPS"
        if "PORT" in values:
            new.port = params.number("PORT", 1, 65535, "REC-20")
        if (_ticked(params) or new.https) and not link.tls_support:
            raise ApiError(
                400, f"REC-21: camera {number} does not support TLS; it cannot be set to HTTPS nor be sent to."
            )
        return new

    def _apply(self, changed: t.Mapping[int, Setting]) -> None:
        for number, setting in changed.items():
            self.links[number].setting = setting

    def _https_form(self, link: Link) -> dict[str, str]:
        return {"live": "https" if link.setting.https else "http", "https_port": str(link.setting.port)}

    def _encryption_form(self, link: Link) -> dict[str, str]:
        if not link.setting.encrypt:
            return {"encryption": "off"}
        return {"encryption": "on", "password": self.state.password}

    async def _send(
        self,
        fields: CameraFields,
        before: t.Mapping[int, Setting],
        path: str,
        form: t.Callable[[Link], dict[str, str]],
    ) -> list[tuple[str, object]]:
        """Send the setting to the ticked cameras; by the way the recorder reached them before, else by the new one."""
        ticked = [number for number, values in fields.items() if values.get("SEND") == "1"]

        async def one(number: int) -> bool:
            link = self.links[number]
            ways = [(s.https, s.port if s.https else link.http_port) for s in (before[number], link.setting)]
            async with self._hello:
                return await link.send(path, form(link), ways)

        done = await asyncio.gather(*map(one, ticked))
        return [(f"CAM_{number:02}_SEND_RESULT", "OK" if ok else "NG") for number, ok in zip(ticked, done, strict=True)]

    def _reconnect(self, numbers: t.Iterable[int]) -> None:
        for number in numbers:
            self.clock.track(self._gently(self.links[number].check))

    async def get_encryption(self, _request: Request) -> Answer:
        self._need_kit()
        return lines_answer(self._encryption_lines())

    def _encryption_lines(self) -> list[tuple[str, object]]:
        lines: list[tuple[str, object]] = [("PASSWORD_SET", int(bool(self.state.password))), *self._licence_lines()]
        for number, link in self.links.items():
            lines += [
                (f"CAM_{number:02}_COMPRESSION", link.compression.name.upper()),
                (f"CAM_{number:02}_ENCRYPT_SUPPORT", int(link.encrypt_support)),
                (f"CAM_{number:02}_ENCRYPT", _on(link.setting.encrypt)),
                (f"CAM_{number:02}_THUMBNAIL", link.thumbnail),
            ]
        return lines

    async def post_encryption(self, request: Request) -> Answer:
        self._need_kit()
        fields = camera_fields(request.params, self.links, ("ENCRYPT", "SEND"))
        changed = {number: self._encryption_setting(number, values) for number, values in fields.items()}
        password = new_password(request.params, self.state.password)
        encrypting = any(changed.get(number, link.setting).encrypt for number, link in self.links.items())
        if encrypting and not password:
            raise ApiError(400, "REC-30: the password may be left unset only while no camera encrypts.")
        self.state.licences.check(self.used_licences(changed))
        before = {number: self.links[number].setting for number in changed}
        self.state.password = password
        self._apply(changed)
        results = await self._send(fields, before, "/cgi-bin/set_data_encryption", self._encryption_form)
        self._reconnect([number for number in changed if changed[number] != before[number]])
        return lines_answer([*self._encryption_lines(), *results])

    def _encryption_setting(self, number: int, values: t.Mapping[str, str]) -> Setting:
        params = Params(values=values, files={})
        link = self.links[number]
        new = copy.copy(link.setting)
        if "ENCRYPT" in values:
            new.encrypt = params.one_of("ENCRYPT", ("ON", "OFF")) == "ON"
        if (_ticked(params) or new.encrypt) and not link.encrypt_support:
            raise ApiError(
                400, f"REC-33: camera {number} does not support data encryption; it cannot be set nor be sent to."
            )
        return new

    # -- for the control interface and the state directory -------------------------------------------------------

    def change_spec(self, changes: t.Mapping[str, t.Any]) -> None:
        self.spec = dc.replace(self.spec, **changes)

    def short_state(self) -> dict[str, object]:
        pc = self.state.pc
        return {
            "connection": "HTTPS" if pc.https_only else "HTTP_HTTPS",
            "https_port": pc.https_port,
            "tls11": pc.tls11,
            "licences": f"{self.used_licences()} / {self.state.licences.total}",
            "cameras_connected": sum(link.connected for link in self.links.values()),
            "cameras_registered": len(self.links),
        }

    def full_state(self) -> dict[str, object]:
        cameras = {
            str(number): {
                **dc.asdict(link.setting),
                "address": link.address,
                "connect": link.status,
                "fault": link.fault,
                "reason": link.reason,
                "recordings": len(link.segments),
                "camera_encrypts": link.camera_encrypts,
            }
            for number, link in self.links.items()
        }
        return {
            **self.short_state(),
            "time": format_time(self.now()),
            "password_set": bool(self.state.password),
            "trusted": list(self.state.trusted),
            "root": self.state.built_in.root,
            "sessions": self.sessions.used,
            "cameras": cameras,
            "errors": self.state.errors,
            "events": self.state.events,
        }

    def dump(self) -> dict[str, t.Any]:
        return self.state.dump(self.links)

    def load(self, data: t.Mapping[str, t.Any]) -> None:
        self.state = RecorderState.load(data, self.links)


def _is_open(listener: Listener | None) -> bool:
    return listener is not None and listener.is_open


def _bind_all(listeners: t.Sequence[Listener]) -> None:
    """Take every port or none."""
    complete = False
    try:
        for listener in listeners:
            listener.bind()
        complete = True
    finally:
        if not complete:
            for listener in listeners:
                listener.release()


def _address(text: str, number: int) -> str:
    if not is_loopback(text):
        raise ApiError(400, f"Limit of the simulator: the address {text[:80]!r} of camera {number} is no loopback one.")
    return text


def _ticked(params: Params) -> bool:
    return "SEND" in params.values and params.one_of("SEND", ("0", "1")) == "1"


def _on(value: bool) -> str:
    return "ON" if value else "OFF"


def _stamp(params: Params, name: str) -> float:
    text = params.need(name)
    try:
        return parse_time(text, STAMP)
    except ValueError as error:
        raise ApiError(400, f"{name} is {text!r}; it is written yymmddhhmmss.") from error


def _part(status: int, data: bytes, name: str) -> bytes:
    head = (
        "--myboundary\r\nContent-Type: application/octet-stream\r\n"
        f"Content-Length: {len(data)}\r\nX-Temp-FileName: {name}\r\nX-RecData-Satus: {status}\r\n\r\n"
    )
    return head.encode() + data + b"\r\n"


def _multipart(parts: t.Sequence[bytes]) -> Answer:
    body = b"".join(parts) + b"--myboundary--\r\n"
    return Answer(body=body, content_type="multipart/mixed; boundary=myboundary")


def _get(path: str, run: t.Any, sure: t.Any, level: int, **more: t.Any) -> Call:
    more.setdefault("session", "needed")
    return Call(method="GET", path=f"/cgi-bin/{path}.cgi", run=run, sure=sure, level=level, **more)


def _post(path: str, run: t.Any, level: int = 2) -> Call:
    return Call(
        method="POST", path=f"/cgi-bin/{path}.cgi", run=run, sure="INFERRED", level=level, writes=True, session="needed"
    )


OFFICIAL_CALLS: t.Final = (
    _get("dlogin", Recorder.log_in, "OFFICIAL", 3, session="none"),
    _get("status", Recorder.keep_alive, "OFFICIAL", 3),
    _get("logout", Recorder.log_out, "OFFICIAL", 3),
    _get("hdrctl", Recorder.control, "OFFICIAL", 3),
    _get("as_getinfo", Recorder.get_info, "OFFICIAL", 3, session="optional"),
    _get("loglist", Recorder.log_list, "OFFICIAL", 3),
    _get("recordedtime", Recorder.recorded_time, "OFFICIAL", 3),
    _get("httpdl", Recorder.download, "OFFICIAL", 3),
)
INFERRED_CALLS: t.Final = (
    _get("sec_system", Recorder.get_system, "INFERRED", 3),
    _get("sec_license", Recorder.get_licence, "INFERRED", 2),
    _post("sec_license", Recorder.post_licence),
    _get("sec_pc", Recorder.get_pc, "INFERRED", 2),
    _post("sec_pc", Recorder.post_pc),
    _get("root_certificate", Recorder.get_root, "INFERRED", 3),
    _get("trusted_ca", Recorder.get_trusted, "INFERRED", 2),
    _post("trusted_ca", Recorder.post_trusted),
    _get("trusted_ca_delete", Recorder.delete_trusted, "INFERRED", 2, writes=True),
    _get("sec_camera", Recorder.get_cameras, "INFERRED", 2),
    _post("sec_camera", Recorder.post_cameras),
    _get("sec_encryption", Recorder.get_encryption, "INFERRED", 2),
    _post("sec_encryption", Recorder.post_encryption),
)
Recorder.calls = OFFICIAL_CALLS + INFERRED_CALLS
