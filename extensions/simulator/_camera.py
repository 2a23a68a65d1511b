# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A simulated i-PRO camera."""

from __future__ import annotations

import asyncio
import dataclasses as dc
import secrets
import ssl
import typing as t

from aiohttp import web

from . import _picture
from ._camera_onvif import CameraDoor
from ._camera_state import NOT_GENERATED, CameraState, Certificate, Key
from ._catalog import KEY_SIZES
from ._cgi import Call, CgiDevice, Request
from ._clock import Clock, Timer, format_time, parse_time
from ._device import ReadOnly
from ._frame import After, Answer, ApiError, lines_answer
from ._listener import Listener, PortError
from ._pki import load_into, make_key
from ._spec import CameraSpec

__all__ = ["Camera"]

SWITCHING_SECONDS: t.Final = 10.0
TLS_MODE: t.Final = "tls1.2"
_PASSWORD_LENGTH: t.Final = range(4, 17)
_WHILE_GENERATING: t.Final = ("/cgi-bin/get_crt_key", "/cgi-bin/get_time", "/cgi-bin/getinfo")


@dc.dataclass(kw_only=True)
class _Generation:
    """A key being generated: done when the device's time has passed and the key exists."""

    size: int
    ready: float
    key: asyncio.Future[str]
    timer: Timer | None = None


class Camera(CgiDevice):
    kind = "camera"
    realm = "i-PRO network camera"
    spec: CameraSpec

    def __init__(self, *, spec: CameraSpec, clock: Clock, read_only: ReadOnly) -> None:
        super().__init__(spec=spec, clock=clock, read_only=read_only)
        self.state = CameraState(https_port=spec.https_port)
        self._listeners: dict[str, Listener] = {}
        self._next: dict[str, Listener] = {}
        self._context: ssl.SSLContext | None = None
        self._presented: Certificate | None = None
        self._generation: _Generation | None = None
        self._random = ""
        self._streams: set[asyncio.Queue[None]] = set()
        self._door = CameraDoor(self)

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        return await (self._door.handle(request) if self._door.is_meant(request) else super().handle(request))

    @property
    def address(self) -> str:
        return self.state.address or str(self.spec.address)

    def now(self) -> float:
        return super().now() + self.state.clock_set

    # -- power and listeners -------------------------------------------------------------------------------------

    def listeners(self) -> t.Iterable[Listener]:
        return self._listeners.values()

    async def boot(self) -> None:
        if self.state.secure and self.state.expired(self.now()):
            # HTTPS-24: at the restart after the expiry the connection falls back to HTTP.
            self.state.live = "http"
        for scheme, port in self._ports(self.state.live, self.state.https_port).items():
            self._listeners[scheme] = self._listener_for(scheme, port)
            await self._listeners[scheme].open()

    async def halt(self) -> None:
        generation, self._generation = self._generation, None
        if generation is not None and generation.timer is not None:
            generation.timer.cancel()
        for listener in self._next.values():
            listener.release()
        self._next = {}
        listeners, self._listeners = self._listeners, {}
        for listener in listeners.values():
            await listener.close()

    def _ports(self, live: str, https_port: int) -> dict[str, int]:
        """What answers, by its scheme."""
        ports = {"http": self.spec.http_port, "https": https_port}
        return {scheme: port for scheme, port in ports.items() if live in (scheme, "dual")}

    def _listener_for(self, scheme: str, port: int) -> Listener:
        tls = self._tls() if scheme == "https" else None
        return Listener(address=self.address, port=port, handler=self.handle, tls=tls)

    def _tls(self) -> ssl.SSLContext:
        if self._context is None:
            self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self._context.minimum_version = ssl.TLSVersion.TLSv1_2
            # The device serves whatever its owner installs, a key of 1024 bits as well; judging that is the client's.
            self._context.set_ciphers("DEFAULT:@SECLEVEL=0")
            self._context.sni_callback = self._greet
        self.present()
        return self._context

    def present(self) -> None:
        """Bring the live context to the certificate in use; connections that stand keep theirs."""
        wanted = self.state.in_use(self.now())
        if self._context is None or wanted is None or wanted == self._presented or self.state.current is None:
            return
        load_into(self._context, wanted.pem, self.state.current.pem)
        self._presented = wanted

    def _greet(self, _tls: object, _host: str | None, _context: ssl.SSLContext) -> int | None:
        """Called for every handshake; an expired CA certificate makes HTTPS unavailable (HTTPS-24)."""
        if self.state.expired(self.now()):
            return ssl.AlertDescription.ALERT_DESCRIPTION_CERTIFICATE_EXPIRED
        return None

    def check_not_generating(self) -> None:
        if self._generation is not None:
            left = self._generation.ready - self.clock.now()
            raise self.busy_for("HTTPS-03: the camera is generating the CRT key.", left)

    # -- what is refused before the call -------------------------------------------------------------------------

    def check_request(self, request: web.BaseRequest, call: Call | None) -> None:
        accept = request.headers.get("Accept", "")
        if self.spec.enhanced_security and "text/html" in accept and "Randomnum" not in request.query:
            raise ApiError(400, "Enhanced security: a browser's request needs a Randomnum.")
        if request.path not in _WHILE_GENERATING:
            self.check_not_generating()
        if not self.spec.tls and call is not None and call.path in _HTTPS_PATHS:
            raise ApiError(404, "This model has no HTTPS.")

    # -- calls: about the camera ---------------------------------------------------------------------------------

    async def get_info(self, _request: Request) -> Answer:
        spec = self.spec
        return lines_answer([
            ("MAC", spec.mac_address),
            ("SERIAL", spec.serial or "SIM" + spec.mac_address.replace("-", "")[-8:]),
            ("VERSION", spec.version),
            ("NAME", spec.name),
            ("PRODUCT_NAME", spec.model),
            ("DESTINATION", "P"),
        ])  # fmt: skip

    async def get_capability(self, _request: Request) -> Answer:
        return lines_answer([
            ("common.category", "camera"),
            ("video_server.network.https.supported", _yes(self.spec.tls)),
            ("video_server.network.ipv6.supported", "yes"),
            ("video_server.stream.encryption.supported", _yes(self.spec.encryption)),
        ])  # fmt: skip

    async def get_time(self, _request: Request) -> Answer:
        return lines_answer([("time", format_time(self.now()))])

    async def set_time(self, request: Request) -> Answer:
        text = request.params.need("time")
        try:
            wanted = parse_time(text)
        except ValueError as error:
            raise ApiError(400, f"time is {text!r}; it is written YYYY-MM-DD HH:MM:SS.") from error
        self.state.clock_set += wanted - self.now()
        return await self.get_time(request)

    async def get_random(self, _request: Request) -> Answer:
        self._random = secrets.token_hex(8).upper()
        return lines_answer([("randomnum", self._random)])

    async def reset(self, request: Request) -> Answer:
        given = request.params.need("Randomnum")
        if not self._random or given != self._random:
            raise ApiError(400, "Randomnum is not the number that get_randomnum gave last.")
        self._random = ""
        return lines_answer([("reset", "ok")], after=self.restart)

    # -- calls: HTTPS --------------------------------------------------------------------------------------------

    def _https_answer(self, after: t.Any = None) -> Answer:
        now = self.now()
        return lines_answer(
            [
                ("live", self.state.live),
                ("https_port", self.state.https_port),
                ("self_signed_info", self.state.self_signed_info(now)),
                ("ca_cert_info", self.state.ca_info(now)),
                ("mode", TLS_MODE),
            ],
            after=after,
        )

    async def get_https(self, _request: Request) -> Answer:
        return self._https_answer()

    async def get_http_port(self, _request: Request) -> Answer:
        return lines_answer([("http_port", self.spec.http_port)])

    async def set_https(self, request: Request) -> Answer:
        params = request.params
        live = params.one_of("live", ("http", "https")) if "live" in params.values else self.state.live
        port = self.state.https_port
        if "https_port" in params.values:
            port = params.number("https_port", 1, 65535, "HTTPS-31")
        if "https_mode" in params.values:
            params.one_of("https_mode", (TLS_MODE,))
        return self._https_answer(after=self.connect(live, port))

    def connect(self, live: str, port: int) -> After | None:
        """Bind what is new at once; what goes is closed when the answer is out, and the new answers after a while."""
        self.state.check_connection(live, port, self.spec.http_port, self.now())
        wanted = self._ports(live, port)
        if wanted == self._ports(self.state.live, self.state.https_port):
            self.state.https_port = port
            return None
        kept = {scheme for scheme, listener in self._listeners.items() if wanted.get(scheme) == listener.port}
        new = {scheme: self._coming(scheme, port) for scheme, port in wanted.items() if scheme not in kept}
        for listener in new.values():
            listener.bind()
        for listener in self._next.values():
            if listener not in new.values():
                listener.release()
        self.state.live, self.state.https_port = t.cast("t.Any", live), port
        return self._switch(kept, new)

    def _coming(self, scheme: str, port: int) -> Listener:
        """One that waits for its time already, or a new one."""
        waiting = self._next.get(scheme)
        return waiting if waiting is not None and waiting.port == port else self._listener_for(scheme, port)

    def _switch(self, kept: t.Collection[str], new: dict[str, Listener]) -> After:
        """HTTPS-32: the old listener goes when the answer is out, the new one answers after the switching time."""
        old = [self._listeners.pop(scheme) for scheme in list(self._listeners) if scheme not in kept]
        boots, self._next = self._boots, new

        async def answer() -> None:
            if self._boots != boots or self._next is not new:
                return
            self.unreachable = ""
            self._listeners.update(new)
            self._next = {}
            for listener in new.values():
                await self.open_late(listener)

        async def leave() -> None:
            for listener in old:
                await listener.close()

        self.clock.call_in(SWITCHING_SECONDS, answer)
        return leave

    async def move(self, address: str) -> None:
        """By hand: no public call sets a camera's address."""
        before, self.state.address = self.state.address, address
        new = {
            scheme: self._listener_for(scheme, port)
            for scheme, port in self._ports(self.state.live, self.state.https_port).items()
        }
        try:
            for listener in new.values():
                listener.bind()
        except PortError:
            for listener in new.values():
                listener.release()
            self.state.address = before
            raise
        for listener in self._next.values():
            listener.release()
        await self._switch((), new)()

    async def get_key(self, _request: Request) -> Answer:
        current, previous = self.state.current, self.state.previous
        return lines_answer([
            ("cur_key_size", current.size if current else ""),
            ("cur_key_last_modified", format_time(current.modified) if current else NOT_GENERATED),
            ("pre_key_size", previous.size if previous else ""),
            ("pre_key_last_modified", format_time(previous.modified) if previous else NOT_GENERATED),
            ("generating", _yes(self._generation is not None)),
        ])  # fmt: skip

    async def create_key(self, request: Request) -> Answer:
        size = int(request.params.one_of("size", [str(size) for size in KEY_SIZES]))
        self.state.check_key_change(self.now())
        seconds = self.spec.key_generation_seconds
        made = asyncio.get_running_loop().run_in_executor(None, make_key, size)
        generation = _Generation(size=size, ready=self.clock.now() + seconds, key=made)
        self._generation = generation

        async def done() -> None:
            pem = await generation.key
            if self._generation is generation:
                self.state.put_key(Key.new(pem, size, self.now()))
                self._generation = None
                self.on_change(self)

        generation.timer = self.clock.call_in(seconds, done)
        return await self.get_key(request)

    async def apply_key_history(self, request: Request) -> Answer:
        self.state.apply_history(self.now())
        return await self.get_key(request)

    async def create_self_signed(self, request: Request) -> Answer:
        # A device clock that a rehearsal runs fast must not make certificates of the future for real clients.
        self.state.create_self_signed(request.params, self.now(), self.clock.wall())
        return self._https_answer()

    async def delete_self_signed(self, _request: Request) -> Answer:
        self.state.delete_self_signed(self.now())
        return self._https_answer()

    async def confirm_self_signed(self, _request: Request) -> Answer:
        if self.state.self_signed is None:
            raise ApiError(400, "HTTPS-12: there is no self-signed certificate.")
        return lines_answer(self.state.self_signed.lines())

    async def create_csr(self, request: Request) -> Answer:
        self.state.create_csr(request.params, self.now())
        return await self.csr_info(request)

    async def csr_info(self, _request: Request) -> Answer:
        csr = self.state.csr
        return lines_answer([("last_modified", format_time(csr.modified) if csr else NOT_GENERATED)])

    async def get_csr(self, _request: Request) -> Answer:
        if self.state.csr is None:
            raise ApiError(400, "HTTPS-20: there is no CSR.")
        return Answer(body=self.state.csr.pem.encode(), content_type="application/x-pem-file")

    async def install_ca(self, request: Request) -> Answer:
        self.state.install_ca(uploaded(request))
        self.present()
        return self._https_answer()

    async def confirm_ca(self, _request: Request) -> Answer:
        if self.state.ca is None:
            raise ApiError(400, "HTTPS-23: there is no CA certificate.")
        return lines_answer(self.state.ca.lines())

    async def delete_ca(self, _request: Request) -> Answer:
        self.state.delete_ca()
        return self._https_answer()

    # -- calls: pictures -----------------------------------------------------------------------------------------

    async def get_data_encryption(self, _request: Request) -> Answer:
        return lines_answer([
            ("encryption", _on(self.state.encryption)),
            ("password_set", _yes(bool(self.state.password))),
            ("compression", self.spec.compression),
        ])  # fmt: skip

    async def set_data_encryption(self, request: Request) -> Answer:
        params = request.params
        wanted = params.one_of("encryption", ("on", "off")) == "on"
        password = params.get("password") or self.state.password
        if wanted and not self.spec.encryption:
            raise ApiError(400, "REC-33: this camera does not support data encryption.")
        if password and not _good_password(password):
            raise ApiError(400, "REC-30: the password has 4 to 16 half-width letters, digits and symbols.")
        if wanted and not password:
            raise ApiError(400, "REC-30: data encryption needs a password.")
        changed = (wanted, password) != (self.state.encryption, self.state.password)
        self.state.encryption, self.state.password = wanted, password
        if changed:
            self._new_pictures()
        return await self.get_data_encryption(request)

    def _new_pictures(self) -> None:
        for stream in self._streams:
            stream.put_nowait(None)

    def _picture(self) -> bytes:
        password = self.state.password if self.state.encryption else None
        return _picture.make(self.name, format_time(self.now()), password)

    async def live_stream(self, request: Request) -> web.StreamResponse:
        """Endless: a picture at the start and after every change of the encryption."""
        response = web.StreamResponse(headers={
            "Content-Type": "application/octet-stream",
            "X-Encryption": _on(self.state.encryption),
            "X-Encryption-Support": _yes(self.spec.encryption),
            "X-TLS-Support": _yes(self.spec.tls),
            "X-Compression": self.spec.compression,
        })  # fmt: skip
        response.enable_chunked_encoding()
        await response.prepare(request.http)
        self.log.add(request.http, 200)
        news: asyncio.Queue[None] = asyncio.Queue()
        self._streams.add(news)
        try:
            while True:
                await response.write(self._picture())
                await news.get()
        finally:
            self._streams.discard(news)

    # -- for the control interface and the state directory -------------------------------------------------------

    def change_spec(self, changes: t.Mapping[str, t.Any]) -> None:
        streams = "compression" in changes or "encryption" in changes
        self.spec = dc.replace(self.spec, **changes)
        if streams:
            self._new_pictures()

    def expire_certificate(self) -> None:
        """Put this camera's clock a second past the end of the certificate in use."""
        certificate = self.state.in_use(self.now())
        if certificate is None:
            raise ApiError(400, f"{self.name} has no certificate.")
        self.spec = dc.replace(
            self.spec, clock_offset=self.spec.clock_offset + certificate.not_after + 1.0 - self.now()
        )

    def short_state(self) -> dict[str, object]:
        now = self.now()
        return {
            "live": self.state.live,
            "self_signed_info": self.state.self_signed_info(now),
            "ca_cert_info": self.state.ca_info(now),
            "generating": self._generation is not None,
            "encryption": self.state.encryption,
        }

    def full_state(self) -> dict[str, object]:
        state = self.state.dump()
        for part in ("current", "previous"):
            if state[part] is not None:
                state[part]["pem"] = "***"
        state["password"] = "***" if state["password"] else ""
        return {**self.short_state(), "time": format_time(self.now()), "streams": len(self._streams), "https": state}

    def dump(self) -> dict[str, t.Any]:
        return self.state.dump()

    def load(self, data: t.Mapping[str, t.Any]) -> None:
        self.state = CameraState.load(data)


def uploaded(request: Request) -> bytes:
    """The multipart field fileName, whether it came as a file or as text."""
    params = request.params
    data = params.files.get("fileName")
    if data is None and "fileName" in params.values:
        data = params.values["fileName"].encode()
    if data is None:
        raise ApiError(400, "The multipart field fileName is missing.")
    return data


def _good_password(password: str) -> bool:
    return len(password) in _PASSWORD_LENGTH and all("!" <= char <= "~" for char in password)


def _yes(value: bool) -> str:
    return "yes" if value else "no"


def _on(value: bool) -> str:
    return "on" if value else "off"


def _get(path: str, run: t.Any, sure: t.Any, **more: t.Any) -> Call:
    return Call(method="GET", path=f"/cgi-bin/{path}", run=run, sure=sure, **more)


def _post(path: str, run: t.Any, sure: t.Any, **more: t.Any) -> Call:
    return Call(method="POST", path=f"/cgi-bin/{path}", run=run, sure=sure, writes=True, **more)


_CREATE: t.Final = ("mode", "create")
_DELETE: t.Final = ("mode", "delete")
_CONFIRM: t.Final = ("mode", "confirm")

OFFICIAL_CALLS: t.Final = (
    _get("getinfo", Camera.get_info, "FIELD", level=3),
    _get("get_capability", Camera.get_capability, "FIELD", level=3),
    _get("get_randomnum", Camera.get_random, "FIELD"),
    _get("get_https", Camera.get_https, "OFFICIAL"),
    _post("set_https", Camera.set_https, "OFFICIAL"),
    _get("get_http_live_port", Camera.get_http_port, "OFFICIAL"),
    _get("get_crt_key", Camera.get_key, "OFFICIAL"),
    _get("https_self_signed", Camera.delete_self_signed, "OFFICIAL", select=_DELETE, writes=True),
    _get("https_signed", Camera.csr_info, "OFFICIAL", select=("mode", "get_info")),
    _get("https_signed", Camera.delete_ca, "OFFICIAL", select=_DELETE, writes=True),
    _post("https_install_signed", Camera.install_ca, "OFFICIAL"),
    _get("get_time", Camera.get_time, "OFFICIAL"),
    _post("time", Camera.set_time, "OFFICIAL"),
    _get("initial", Camera.reset, "OFFICIAL", select=("cmd", "reset"), writes=True),
)
INFERRED_CALLS: t.Final = (
    _get("set_crt_key", Camera.create_key, "INFERRED", select=_CREATE, writes=True),
    _get("set_crt_key", Camera.apply_key_history, "INFERRED", select=("mode", "history_apply"), writes=True),
    _post("https_self_signed", Camera.create_self_signed, "INFERRED", select=_CREATE),
    _get("https_self_signed", Camera.confirm_self_signed, "INFERRED", select=_CONFIRM),
    _post("https_signed", Camera.create_csr, "INFERRED", select=_CREATE),
    _get("https_signed", Camera.get_csr, "INFERRED", select=("mode", "get_csr")),
    _get("https_signed", Camera.confirm_ca, "INFERRED", select=_CONFIRM),
    _get("get_data_encryption", Camera.get_data_encryption, "INFERRED"),
    _post("set_data_encryption", Camera.set_data_encryption, "INFERRED"),
    _get("live_stream", Camera.live_stream, "INFERRED", level=3, streams=True),
)
Camera.calls = OFFICIAL_CALLS + INFERRED_CALLS
_HTTPS_PATHS: t.Final = frozenset(
    f"/cgi-bin/{name}"
    for name in (
        "get_https",
        "set_https",
        "get_crt_key",
        "set_crt_key",
        "https_self_signed",
        "https_signed",
        "https_install_signed",
    )
)
if not {call.path for call in Camera.calls} >= _HTTPS_PATHS:
    raise ValueError("a call of the HTTPS side is missing from the table")
