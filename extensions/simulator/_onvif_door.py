# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The SOAP door of a device: one request from its bytes to its answer."""

from __future__ import annotations

import asyncio
import dataclasses as dc
import ipaddress
import ssl
import typing as t

from aiohttp import web

from ._device import Device
from ._digest import DigestGate, Login
from ._faults import Fault, play
from ._frame import After
from ._listener import PortError
from ._onvif_args import Args
from ._onvif_catalog import ACCESS_CLASSES, LEVELS_FOR, NAMESPACES, AccessClass
from ._onvif_login import TokenGate, has_token
from ._soap import BODY_LIMIT, CONTENT_TYPE, Message, Node, SoapFault, envelope, maker, read_message

__all__ = ["Door", "DoorAccount", "DoorSettings", "Operation", "Reply", "SoapRequest", "operation_table"]

PATH: t.Final = "/onvif/"
#: So much of an operation's name is remembered.
_TITLE: t.Final = 64


@dc.dataclass(frozen=True, kw_only=True)
class SoapRequest:
    """A request that may be carried out."""

    args: Args
    user: str
    #: Scheme, address and port at which the client reached the device.
    base_url: str


@dc.dataclass(frozen=True, kw_only=True)
class Reply:
    """The elements of the response; `after` runs once it has been sent."""

    content: t.Sequence[Node] = ()
    after: After | None = None


Run = t.Callable[[t.Any, SoapRequest], t.Awaitable[Reply]]


@dc.dataclass(frozen=True, kw_only=True)
class Operation:
    """An operation: its arguments in the order of its schema, who may, and whether it changes anything."""

    prefix: str
    name: str
    parts: str
    access: AccessClass
    run: Run

    def __post_init__(self) -> None:
        if self.prefix not in NAMESPACES or self.access not in ACCESS_CLASSES or not self.name[:1].isupper():
            raise ValueError(f"{self.prefix}:{self.name} ({self.access}) is no operation")

    @property
    def writes(self) -> bool:
        return self.access in ("WRITE_SYSTEM", "UNRECOVERABLE")

    @property
    def key(self) -> tuple[str, str]:
        return NAMESPACES[self.prefix], self.name


Operations = t.Mapping[tuple[str, str], Operation]


def operation_table(*operations: Operation) -> Operations:
    table = {operation.key: operation for operation in operations}
    if len(table) != len(operations):
        raise ValueError("an operation is listed twice")
    return table


class DoorAccount(t.Protocol):
    @property
    def password(self) -> str: ...
    @property
    def level(self) -> str: ...


class DoorSettings(t.Protocol):
    """What a door asks its device for."""

    @property
    def token_only(self) -> bool: ...
    @property
    def token_window_seconds(self) -> float: ...


@dc.dataclass(frozen=True, kw_only=True)
class _Refused:
    """No login, or a wrong one: as HTTP says it, or as SOAP does."""

    status: int
    stale: bool = False


class Door:
    """Serves a table of operations, run with `target`."""

    def __init__(
        self,
        device: Device,
        target: t.Any,
        *,
        operations: Operations,
        gate: DigestGate,
        accounts: t.Callable[[], t.Mapping[str, DoorAccount]],
        settings: t.Callable[[], DoorSettings],
        user_of_certificate: t.Callable[[str], str | None] = lambda _name: None,
    ) -> None:
        self._device = device
        self._target = target
        self._operations = operations
        self._gate = gate
        self._tokens = TokenGate()
        self._accounts = accounts
        self._settings = settings
        self._user_of_certificate = user_of_certificate

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        message, refusal, empty = None, None, False
        try:
            data = await _read_body(request)
            empty = not data
            message = read_message(data)
        except SoapFault as error:
            refusal = error
        operation = None if message is None else self._operations.get((message.namespace, message.name))
        title = "" if message is None else message.name[:_TITLE]
        fault = self._device.take_fault(f"{request.raw_path} {title}", after_write=False)
        if fault is not None:
            status, response = await play(fault, request)
            self._device.log.add(request, status, operation=title)
            return response
        if empty and not self._settings().token_only and "Authorization" not in request.headers:
            # libcurl saves itself the body while it waits to be challenged.
            self._device.log.add(request, 401, operation=title)
            return self._refusal(_Refused(status=401))
        # A client that goes away does not undo half of what it asked for.
        response, fault = await asyncio.shield(self._answer(request, message, operation, refusal))
        return response if fault is None else (await play(fault, request))[1]

    async def _answer(
        self, request: web.BaseRequest, message: Message | None, operation: Operation | None, refusal: SoapFault | None
    ) -> tuple[web.StreamResponse, Fault | None]:
        """The response, and the fault that comes in its place although the request was carried out."""
        after = None
        title = "" if message is None else message.name[:_TITLE]
        writes = operation is not None and operation.writes
        try:
            if refusal is not None:
                raise refusal
            assert message is not None
            response, after = await self._respond(request, message, operation)
        except SoapFault as error:
            response = _response(error.body(), error.status)
        self._device.log.add(request, response.status, writes=writes, operation=title)
        fault = None
        if writes and response.status < 300:
            fault = self._device.take_fault(f"{request.raw_path} {title}", after_write=True)
        if after is not None:
            await self._device.send_then(request, response, after, silent=fault is not None)
        return response, fault

    async def _respond(
        self, request: web.BaseRequest, message: Message, operation: Operation | None
    ) -> tuple[web.Response, After | None]:
        if operation is None:
            raise self._unknown(message)
        user = self._authorize(request, message, operation)
        if isinstance(user, _Refused):
            return self._refusal(user), None
        args = Args(message.body, operation.prefix, operation.parts)
        if operation.writes and self._device.read_only.enabled:
            self._device.read_only.refused += 1
            raise SoapFault("Action", "The simulator is read-only: a request that changes something was refused.")
        wanted = SoapRequest(args=args, user=user, base_url=_base_url(request))
        try:
            reply = await operation.run(self._target, wanted)
        except PortError as error:
            raise SoapFault("PortAlreadyInUse", str(error)) from error
        if operation.writes:
            self._device.on_change(self._device)
        body = maker(operation.prefix)(f"{operation.name}Response", *reply.content)
        return _response(body, 200), reply.after

    def _unknown(self, message: Message) -> SoapFault:
        names = {name for _namespace, name in self._operations}
        spaces = {namespace for namespace, _name in self._operations}
        if message.namespace in spaces:
            return SoapFault("ActionNotSupported", f"{message.name} is not supported.")
        if message.name in names:
            return SoapFault("Namespace", f"{message.name} is not of the namespace {message.namespace!r}.")
        return SoapFault("UnknownAction", f"{message.name} is no operation of this device.")

    # -- who asks ------------------------------------------------------------------------------------------------

    def _authorize(self, request: web.BaseRequest, message: Message, operation: Operation) -> str | _Refused:
        """The user's name; empty for nobody where nobody is asked for."""
        if operation.access == "PRE_AUTH":
            return ""
        if self._device.locked:
            raise SoapFault("NotAuthorized", "The device is locked after wrong logins.")
        user = self._log_in(request, message)
        if isinstance(user, _Refused):
            return user
        self._device.logged_in()
        if self._accounts()[user].level not in LEVELS_FOR[operation.access]:
            raise SoapFault("NotAuthorized", "The user's level does not allow it.")
        return user

    def _log_in(self, request: web.BaseRequest, message: Message) -> str | _Refused:
        accounts = self._accounts()
        passwords = {name: account.password for name, account in accounts.items()}
        settings, header = self._settings(), request.headers.get("Authorization")
        found = ""
        if header is not None and not settings.token_only:
            # Credentials of both layers: first HTTP's, then the message's.
            login = self._gate.check(header, request.method, request.raw_path, passwords)
            if login.user is None:
                return self._wrong(login, 401)
            found = login.user
        if has_token(message.header):
            login = self._tokens.check(
                message.header, passwords, now=self._device.now(), window=settings.token_window_seconds
            )
            return login.user if login.user is not None else self._wrong(login, 400)
        if not found:
            found = self._by_certificate(request, accounts)
        return found or _Refused(status=400 if settings.token_only else 401)

    def _by_certificate(self, request: web.BaseRequest, accounts: t.Collection[str]) -> str:
        names = _common_names(request)
        user = self._user_of_certificate(names[0]) if len(names) == 1 else None
        return user if user is not None and user in accounts else ""

    def _wrong(self, login: Login, status: int) -> _Refused:
        if login.wrong:
            self._device.count_wrong_login()
        return _Refused(status=status, stale=login.stale)

    def _refusal(self, refused: _Refused) -> web.Response:
        """The same sentence whatever was wrong: who guesses learns nothing."""
        response = _response(SoapFault("NotAuthorized", "Sender not authorized.").body(), refused.status)
        if refused.status == 401:
            for challenge in self._gate.challenges(stale=refused.stale):
                response.headers.add("WWW-Authenticate", challenge)
        return response


def _response(body: Node, status: int) -> web.Response:
    return web.Response(body=envelope(body), status=status, headers={"Content-Type": CONTENT_TYPE})


async def _read_body(request: web.BaseRequest) -> bytes:
    """The body up to a bound, announced or not."""
    parts, size = [], 0
    async for part in request.content.iter_any():
        size += len(part)
        if size > BODY_LIMIT:
            raise SoapFault("WellFormed", f"The message is larger than {BODY_LIMIT} bytes.")
        parts.append(part)
    return b"".join(parts)


def _base_url(request: web.BaseRequest) -> str:
    """Where the client reached the device, by the socket and not by a header that anybody can write."""
    transport = request.transport
    address, port = ("127.0.0.1", 80) if transport is None else transport.get_extra_info("sockname")[:2]
    host = f"[{address}]" if ipaddress.ip_address(address).version == 6 else address
    return f"{'https' if _tls_of(request) is not None else 'http'}://{host}:{port}"


def _tls_of(request: web.BaseRequest) -> ssl.SSLObject | None:
    found = None if request.transport is None else request.transport.get_extra_info("ssl_object")
    return found if isinstance(found, ssl.SSLObject) else None


def _common_names(request: web.BaseRequest) -> list[str]:
    """Of the client's certificate, which was verified in the handshake."""
    tls = _tls_of(request)
    certificate = tls.getpeercert() if tls is not None else None
    subject: t.Any = (certificate or {}).get("subject", ())
    return [str(value) for rdn in subject for kind, value in rdn if kind == "commonName"]
