# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Devices that are driven by CGI calls: log in by HTTP Digest, find the call, check, answer, misbehave when told to."""

from __future__ import annotations

import abc
import asyncio
import contextlib
import dataclasses as dc
import typing as t
import urllib.parse

from aiohttp import web

from ._clock import Clock
from ._device import Device, ReadOnly
from ._digest import DigestGate, Login
from ._faults import Fault, play
from ._frame import Answer, ApiError, Params, error_response
from ._listener import PortError
from ._spec_common import DeviceSpec, User

__all__ = ["Call", "CgiDevice", "Request", "Sure"]

Sure = t.Literal["OFFICIAL", "FIELD", "INFERRED"]
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


class CgiDevice(Device):
    """A device with its table of calls."""

    calls: t.ClassVar[t.Sequence[Call]]
    spec: DeviceSpec

    def __init__(self, *, spec: DeviceSpec, clock: Clock, read_only: ReadOnly) -> None:
        super().__init__(spec=spec, clock=clock, read_only=read_only)
        self.gate = DigestGate(realm=self.realm, clock=clock, algorithms=spec.digest)
        self._accounts = spec.accounts
        self._passwords = {user.name: user.password for user in self._accounts.values()}

    # -- one request ---------------------------------------------------------------------------------------------

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        fault = self.take_fault(request.raw_path, after_write=False)
        if fault is not None:
            status, response = await play(fault, request)
            self.log.add(request, status)
            return response
        await _take_body(request)
        call = self._find(request)
        if call is not None and call.streams:
            return (await self._answer(request, call))[0]
        # A client that goes away does not undo half of what it asked for.
        response, fault = await asyncio.shield(self._answer(request, call))
        return response if fault is None else (await play(fault, request))[1]

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
            self.log.add(request, response.status, writes=call is not None and call.writes)
        fault = None
        if call is not None and call.writes and response.status < 300:
            fault = self.take_fault(request.raw_path, after_write=True)
        if isinstance(answer, Answer) and answer.after is not None:
            await self.send_then(request, response, answer.after, silent=fault is not None)
        return response, fault

    def _refusal(self, error: ApiError) -> web.Response:
        response = error_response(error)
        if error.status == 401:
            for challenge in self.gate.challenges(stale=error.reason == "stale"):
                response.headers.add("WWW-Authenticate", challenge)
        return response

    def _log_in(self, request: web.BaseRequest) -> User:
        if self.locked:
            raise ApiError(403, "The device is locked after wrong logins.")
        login = self.identify(request)
        if login.user is not None:
            self.logged_in()
            return self._accounts[login.user]
        if login.wrong:
            self.count_wrong_login()
        raise ApiError(401, "stale" if login.stale else "Unauthorized")

    def identify(self, request: web.BaseRequest) -> Login:
        """Who it is that asks."""
        header = request.headers.get("Authorization")
        return self.gate.check(header, request.method, request.raw_path, self._passwords)

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


async def _take_body(request: web.BaseRequest) -> None:
    """Before the login: an answer that comes sooner cuts the client off while it still sends."""
    if request.method == "POST" and (request.content_length or 0) <= _BODY_LIMIT:
        # What cannot be read is told by whoever needs it.
        with contextlib.suppress(ValueError, LookupError):
            await request.post()


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
