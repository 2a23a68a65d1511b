# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What every device does: log in, find the call, check, answer, remember the request, misbehave when told to."""

from __future__ import annotations

import abc
import asyncio
import collections
import contextlib
import dataclasses as dc
import logging
import re
import typing as t
import urllib.parse

from aiohttp import web

from ._clock import Clock
from ._digest import DigestGate, Login
from ._faults import Fault, play
from ._frame import Answer, ApiError, Params, busy, error_response
from ._listener import Listener, PortError
from ._spec_common import DeviceSpec, User

__all__ = ["Call", "Device", "ReadOnly", "Request", "Sure"]

Sure = t.Literal["OFFICIAL", "FIELD", "INFERRED"]
_log = logging.getLogger(__name__)

RING: t.Final = 1000
RESTART_SECONDS: t.Final = 60.0
RECORDER_AGENT: t.Final = "WJ-NX recorder"
_SECRET: t.Final = re.compile(r"(?i)\b((?:\w*PASSWORD(?:_CONFIRM)?|KEY))=[^&]*")
_BODY_LIMIT: t.Final = 256 * 1024


@dc.dataclass(frozen=True, kw_only=True)
class Request:
    """A request that has logged in."""

    call: Call
    user: User
    params: Params
    http: web.BaseRequest


Run = t.Callable[[t.Any, Request], t.Awaitable[Answer | web.StreamResponse]]


@dc.dataclass(frozen=True, kw_only=True)
class Call:
    """A call of a device: how it is made, who may, whether it changes anything, and how sure its shape is."""

    method: t.Literal["GET", "POST"]
    path: str
    run: Run
    sure: Sure
    level: int = 1
    writes: bool = False
    select: tuple[str, str] | None = None
    streams: bool = False
    session: t.Literal["needed", "optional", "none"] = "none"

    def __post_init__(self) -> None:
        if not self.path.startswith("/cgi-bin/") or self.level not in (1, 2, 3):
            raise ValueError(f"{self.method} {self.path}: no call")

    @property
    def title(self) -> str:
        return f"{self.method} {self.path}" + (f" {'='.join(self.select)}" if self.select else "")


@dc.dataclass
class ReadOnly:
    """The simulator-wide switch by which check-mode tests prove that nothing was written."""

    enabled: bool = False
    refused: int = 0


class RequestLog:
    """The last requests of a device, and counts since the reset."""

    def __init__(self) -> None:
        self.clear()

    def clear(self) -> None:
        self.entries: collections.deque[dict[str, object]] = collections.deque(maxlen=RING)
        self.counts = {"client": 0, "recorder": 0, "writes": 0, "authenticated": 0}
        self.statuses: collections.Counter[str] = collections.Counter()
        self.calls: collections.Counter[str] = collections.Counter()

    def add(self, request: web.BaseRequest, status: int, call: Call | None) -> None:
        by = "recorder" if request.headers.get("User-Agent") == RECORDER_AGENT else "client"
        path = _SECRET.sub(r"\1=***", request.raw_path)
        self.entries.append({"method": request.method, "path": path, "status": status, "by": by})
        self.counts[by] += 1
        self.statuses[str(status)] += 1
        if by == "client":
            self.calls[f"{request.method} {request.path}"] += 1
            self.counts["authenticated"] += status != 401
            self.counts["writes"] += call is not None and call.writes and status < 400


class Device(abc.ABC):
    """A device with its login, its listeners and its faults."""

    kind: t.ClassVar[str]
    realm: t.ClassVar[str]
    calls: t.ClassVar[t.Sequence[Call]]
    spec: DeviceSpec

    def __init__(self, *, spec: DeviceSpec, clock: Clock, read_only: ReadOnly) -> None:
        self.spec = spec
        self.clock = clock
        self.read_only = read_only
        self.log = RequestLog()
        self.faults: list[Fault] = []
        self.power = "off"
        self.unreachable = ""
        self.on_change: t.Callable[[Device], None] = lambda _device: None
        self.gate = DigestGate(realm=self.realm, clock=clock, algorithms=spec.digest)
        self._wrong_logins = 0
        self._locked_until = 0.0
        self._accounts = spec.accounts
        self._passwords = {user.name: user.password for user in self._accounts.values()}
        self._boots = 0
        self._starting = asyncio.Lock()

    @property
    def name(self) -> str:
        return self.spec.name

    def now(self) -> float:
        """This device's own clock."""
        return self.clock.now() + self.spec.clock_offset

    # -- one request ---------------------------------------------------------------------------------------------

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        fault = self._take_fault(request, after_write=False)
        if fault is not None:
            status, response = await play(fault, request)
            self.log.add(request, status, None)
            return response
        call = self._find(request)
        if call is not None and call.streams:
            return (await self._answer(request, call))[0]
        # A client that goes away does not undo half of what it asked for.
        response, fault = await asyncio.shield(self._answer(request, call))
        return response if fault is None else (await play(fault, request))[1]

    def _take_fault(self, request: web.BaseRequest, *, after_write: bool) -> Fault | None:
        for fault in self.faults:
            if fault.after_write == after_write and fault.applies(request.raw_path):
                if fault.spend():
                    self.faults.remove(fault)
                return fault
        return None

    def _find(self, request: web.BaseRequest) -> Call | None:
        found = None
        for call in self.calls:
            if call.path == request.path and call.method == request.method:
                if call.select is None:
                    found = call
                elif request.method == "POST" or request.query.get(call.select[0]) == call.select[1]:
                    return call
        return found

    async def _answer(self, request: web.BaseRequest, call: Call | None) -> tuple[web.StreamResponse, Fault | None]:
        """The response, and the fault that comes in its place although the request was carried out."""
        answer: Answer | web.StreamResponse
        try:
            user = self._log_in(request)
            answer = await self._run(request, call, user)
        except ApiError as error:
            answer = self._refusal(error)
        response = answer.response() if isinstance(answer, Answer) else answer
        if call is None or not call.streams or response.status != 200:
            self.log.add(request, response.status, call)
        fault = None
        if call is not None and call.writes and response.status < 300:
            fault = self._take_fault(request, after_write=True)
        if isinstance(answer, Answer) and answer.after is not None:
            if fault is None:
                # The answer goes out on the old connection before anything is closed; whether anybody hears it or not.
                with contextlib.suppress(ConnectionError):
                    await response.prepare(request)
                    await response.write_eof()
            self.clock.track(answer.after())
        return response, fault

    def _refusal(self, error: ApiError) -> web.Response:
        response = error_response(error)
        if error.status == 401:
            for challenge in self.gate.challenges(stale=error.reason == "stale"):
                response.headers.add("WWW-Authenticate", challenge)
        return response

    def _log_in(self, request: web.BaseRequest) -> User:
        if self.clock.now() < self._locked_until:
            raise ApiError(403, "The device is locked after wrong logins.")
        login = self.identify(request)
        if login.user is not None:
            self._wrong_logins = 0
            return self._accounts[login.user]
        if login.wrong:
            self._count_wrong_login()
        raise ApiError(401, "stale" if login.stale else "Unauthorized")

    def identify(self, request: web.BaseRequest) -> Login:
        """Who it is that asks."""
        header = request.headers.get("Authorization")
        return self.gate.check(header, request.method, request.raw_path, self._passwords)

    def _count_wrong_login(self) -> None:
        self._wrong_logins += 1
        if self.spec.lockout_after and self._wrong_logins >= self.spec.lockout_after:
            self.lock_out()

    def lock_out(self) -> None:
        self._wrong_logins = 0
        self._locked_until = self.clock.now() + self.spec.lockout_seconds

    async def _run(self, request: web.BaseRequest, call: Call | None, user: User) -> Answer | web.StreamResponse:
        self.check_request(request, call)
        if call is None:
            raise ApiError(404, "There is no such call.")
        params = await _params(request)
        if call.select is not None and params.get(call.select[0]) != call.select[1]:
            raise ApiError(400, f"{call.select[0]} is {params.get(call.select[0])!r}; it can be {call.select[1]}.")
        wanted = Request(call=call, user=user, params=params, http=request)
        self.check_call(wanted)
        if call.writes and self.read_only.enabled:
            self.read_only.refused += 1
            raise ApiError(500, "The simulator is read-only: a request that changes something was refused.")
        try:
            answer = await call.run(self, wanted)
        except PortError as error:
            raise ApiError(500, str(error)) from error
        if call.writes:
            self.on_change(self)
        return answer

    @abc.abstractmethod
    def check_request(self, request: web.BaseRequest, call: Call | None) -> None:
        """What the device refuses before it looks at the call."""

    def check_call(self, request: Request) -> None:
        if request.user.level > request.call.level:
            raise ApiError(403, "The user's level does not allow it.")

    # -- power ---------------------------------------------------------------------------------------------------

    @abc.abstractmethod
    def listeners(self) -> t.Iterable[Listener]: ...

    @abc.abstractmethod
    async def boot(self) -> None:
        """Open what the state says is open; PortError when that cannot be."""

    @abc.abstractmethod
    async def halt(self) -> None:
        """Close everything at once; what is only in memory is lost."""

    @abc.abstractmethod
    def change_spec(self, changes: t.Mapping[str, t.Any]) -> None:
        """Attributes that the control interface changes."""

    def expire_certificate(self) -> None:
        """Put this device's clock a second past the end of the certificate in use."""
        raise ApiError(400, "expire_certificate is for cameras")

    async def factory_reset(self) -> None:
        """As the button at the device does."""
        raise ApiError(400, "factory_reset is for Sunell cameras")

    @abc.abstractmethod
    def short_state(self) -> dict[str, object]: ...

    @abc.abstractmethod
    def full_state(self) -> dict[str, object]: ...

    @abc.abstractmethod
    def dump(self) -> dict[str, t.Any]: ...

    @abc.abstractmethod
    def load(self, data: t.Mapping[str, t.Any]) -> None: ...

    async def power_on(self) -> None:
        if self.power == "off":
            await self._come_up()

    async def _come_up(self) -> None:
        boots = self._boots
        async with self._starting:
            if self._boots != boots or self.power == "on":
                return
            self.unreachable = ""
            try:
                await self.boot()
            except PortError as error:
                self.unreachable = str(error)
                self.power = "off"
                await self.halt()
                raise
            if self._boots == boots:
                self.power = "on"

    async def open_late(self, listener: Listener) -> None:
        """Open when nobody waits for an answer any more: a port that cannot be had is shown as `unreachable`."""
        try:
            await listener.open()
        except PortError as error:
            self.unreachable = str(error)
            _log.error("%s: %s", self.name, error)

    async def power_off(self) -> None:
        """Lose the power; a device that is just starting is cut off once it has started."""
        self._boots += 1
        self.power = "off"
        async with self._starting:
            await self.halt()
        self.on_change(self)

    async def restart(self) -> None:
        """Drop everything, and come back after the restart time."""
        self._boots += 1
        boots = self._boots
        self.power = "restarting"

        async def up() -> None:
            if self._boots != boots:
                return
            try:
                await self._come_up()
            except PortError as error:
                _log.error("%s: %s", self.name, error)
            self.on_change(self)

        self.clock.call_in(RESTART_SECONDS, up)
        async with self._starting:
            await self.halt()

    def busy_for(self, reason: str, device_seconds: float) -> ApiError:
        return busy(reason, self.clock.real_seconds(max(0.0, device_seconds)))


async def _params(request: web.BaseRequest) -> Params:
    values = dict(urllib.parse.parse_qsl(request.query_string, keep_blank_values=True))
    files: dict[str, bytes] = {}
    if request.method == "POST":
        if (request.content_length or 0) > _BODY_LIMIT:
            raise ApiError(400, f"The body is larger than {_BODY_LIMIT} bytes.")
        try:
            form = await request.post()
        except (ValueError, LookupError) as error:
            raise ApiError(400, "The body of the request cannot be read.") from error
        for key, value in form.items():
            if isinstance(value, web.FileField):
                files[key] = value.file.read()
            elif isinstance(value, (bytes, bytearray)):
                files[key] = bytes(value)
            else:
                values[key] = value
    return Params(values=values, files=files)
