# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A simulated Axis camera: VAPIX as AXIS OS 11.11 and later speak it."""

from __future__ import annotations

import asyncio
import base64
import binascii
import dataclasses as dc
import datetime as dt
import hmac
import ipaddress
import json
import re
import ssl
import typing as t
import urllib.parse

from aiohttp import web
from cryptography import x509
from lxml import etree
from lxml.builder import ElementMaker

from ._axis_spec import KEY_TYPES, AxisCameraSpec
from ._axis_state import AxisRefusal, AxisState, Network, Web, invalid, not_found
from ._clock import Clock, format_time
from ._device import Device, ReadOnly
from ._digest import DigestGate, Login
from ._faults import Fault, play
from ._frame import After, ApiError
from ._listener import Listener, PortError
from ._onvif_pki import make_private
from ._pki import load_into
from ._soap import SoapFault, read_message
from ._spec_common import User

__all__ = ["AxisCamera"]

_LIMIT: t.Final = 256 * 1024
_CERT: t.Final = "/config/rest/cert/v1"
_HOSTS: t.Final = "/config/rest/virtualhost/v1"
_SERVICES: t.Final = "/vapix/services"
_WEB: t.Final = "http://www.axis.com/vapix/ws/webserver"
_ACERT: t.Final = "http://www.axis.com/vapix/ws/cert"
_ENVELOPE: t.Final = "http://www.w3.org/2003/05/soap-envelope"
_SPACES: t.Final = {"SOAP-ENV": _ENVELOPE, "aweb": _WEB, "acert": _ACERT}
_CIPHERS: t.Final = (
    "ECDHE-ECDSA-AES128-GCM-SHA256",
    "ECDHE-RSA-AES128-GCM-SHA256",
    "ECDHE-ECDSA-AES256-GCM-SHA384",
    "ECDHE-RSA-AES256-GCM-SHA384",
    "ECDHE-ECDSA-CHACHA20-POLY1305",
    "ECDHE-RSA-CHACHA20-POLY1305",
)
_ADMIN, _VIEWER = 1, 3


@dc.dataclass(frozen=True, kw_only=True)
class Reply:
    """What a call gives back."""

    status: int = 200
    body: bytes
    content_type: str = "application/json"
    after: After | None = None


@dc.dataclass(frozen=True, kw_only=True)
class Asked:
    """A request that was read: what it asks for, and with what."""

    match: re.Match[str]
    data: t.Any
    user: User | None = None

    def alias(self) -> str:
        return urllib.parse.unquote(self.match["alias"])

    def field(self, name: str, kind: type[_T]) -> _T:
        value = self.data.get(name) if isinstance(self.data, dict) else None
        if not isinstance(value, kind):
            raise invalid(f"{name} is missing, or no {kind.__name__}")
        return value


_T = t.TypeVar("_T")
#: Address, port, and whether it speaks TLS.
Place = tuple[str, int, bool]
Run = t.Callable[["AxisCamera", Asked], t.Awaitable[Reply]]


@dc.dataclass(frozen=True, kw_only=True)
class AxisCall:
    """A call: by HTTP's method and the path, of JSON and SOAP by the name in the body too."""

    method: str
    path: re.Pattern[str]
    name: str = ""
    run: Run
    level: int = _ADMIN
    writes: bool = False
    open: bool = False


class AxisCamera(Device):
    kind = "axis_camera"
    spec: AxisCameraSpec
    calls: t.ClassVar[t.Sequence[AxisCall]]

    def __init__(self, *, spec: AxisCameraSpec, clock: Clock, read_only: ReadOnly) -> None:
        super().__init__(spec=spec, clock=clock, read_only=read_only)
        self.state = AxisState(spec)
        self.gate = DigestGate(realm=self._realm, clock=clock, algorithms=spec.digest)
        self._open: dict[Place, Listener] = {}
        self._coming: dict[Place, Listener] = {}

    @property
    def _realm(self) -> str:
        return f"AXIS_{self.spec.serial_number}"

    @property
    def address(self) -> str:
        return self.state.network.address

    def now(self) -> float:
        return super().now() + self.state.clock_set

    def _begin_of_validity(self) -> float:
        """A device clock that a rehearsal runs fast must not make certificates of the future for real clients."""
        return min(self.now(), self.clock.wall())

    # -- one request ---------------------------------------------------------------------------------------------

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        body = await _read_body(request)
        name = _name_in(request.path, body)
        fault = self.take_fault(_title(request, name), after_write=False)
        if fault is not None:
            status, response = await play(fault, request)
            self.log.add(request, status, operation=name or None)
            return response
        # A client that goes away does not undo half of what it asked for.
        response, fault = await asyncio.shield(self._answer(request, name, body))
        return response if fault is None else (await play(fault, request))[1]

    async def _answer(
        self, request: web.BaseRequest, name: str, body: bytes
    ) -> tuple[web.StreamResponse, Fault | None]:
        call, match = self._find(request, name)
        try:
            reply = await self._run(request, call, match, body)
        except AxisRefusal as error:
            reply = _error(error.status, error.code, error.reason)
        except ApiError as error:
            reply = Reply(status=error.status, body=error.reason.encode(), content_type="text/plain")
        response = web.Response(status=reply.status, body=reply.body, headers={"Content-Type": reply.content_type})
        if reply.status == 401:
            for challenge in self._challenges(request, stale=reply.body == b"stale"):
                response.headers.add("WWW-Authenticate", challenge)
        writes = call is not None and call.writes
        self.log.add(request, reply.status, writes=writes, operation=name or None)
        fault = None
        if writes and reply.status < 300:
            fault = self.take_fault(_title(request, name), after_write=True)
        if reply.after is not None:
            await self.send_then(request, response, reply.after, silent=fault is not None)
        return response, fault

    def _find(self, request: web.BaseRequest, name: str) -> tuple[AxisCall | None, re.Match[str] | None]:
        for call in self.calls:
            match = call.path.fullmatch(request.raw_path.partition("?")[0])
            if match and call.method == request.method and call.name in ("", name):
                return call, match
        return None, None

    async def _run(
        self, request: web.BaseRequest, call: AxisCall | None, match: re.Match[str] | None, body: bytes
    ) -> Reply:
        user = None if call is not None and call.open else self._log_in(request)
        if call is None or match is None:
            raise not_found(request.path)
        if request.path.startswith(_CERT) and not self.spec.has_certificate_api:
            raise not_found(request.path)
        if user is not None and user.level > call.level:
            raise ApiError(403, "Forbidden")
        if call.writes and self.read_only.enabled:
            self.read_only.refused += 1
            raise AxisRefusal(500, 0, "The simulator is read-only: a request that changes something was refused.")
        try:
            reply = await call.run(self, Asked(match=match, data=_data_of(request.path, body), user=user))
        except PortError as error:
            raise AxisRefusal(500, 0, str(error)) from error
        if call.writes:
            self.on_change(self)
        return reply

    # -- who asks ------------------------------------------------------------------------------------------------

    def _log_in(self, request: web.BaseRequest) -> User:
        if self.locked:
            raise ApiError(403, "The device is locked after wrong logins.")
        header = request.headers.get("Authorization", "")
        passwords = {user.name: user.password for user in self.state.users.values()}
        if self._auth_type(request) == "basic":
            login = _basic(header, passwords)
        else:
            login = self.gate.check(header or None, request.method, request.raw_path, passwords)
        if login.user is not None:
            self.logged_in()
            return self.state.users[login.user]
        if login.wrong:
            self.count_wrong_login()
        raise ApiError(401, "stale" if login.stale else "Unauthorized")

    def _auth_type(self, request: web.BaseRequest) -> str:
        transport = request.transport
        secure = transport is not None and transport.get_extra_info("ssl_object") is not None
        return self.state.hosts["default-https" if secure else "default-http"].auth_type

    def _challenges(self, request: web.BaseRequest, *, stale: bool) -> list[str]:
        if self._auth_type(request) == "basic":
            return [f'Basic realm="{self._realm}"']
        return self.gate.challenges(stale=stale)

    # -- power and listeners -------------------------------------------------------------------------------------

    def listeners(self) -> t.Iterable[Listener]:
        return self._open.values()

    async def boot(self) -> None:
        self._ask_time_server()
        self.state.make_factory_certificates(self._begin_of_validity())
        self._open = self._bound()
        for listener in self._open.values():
            await listener.open()

    async def halt(self) -> None:
        coming, self._coming = self._coming, {}
        for listener in coming.values():
            listener.release()
        listeners, self._open = self._open, {}
        await asyncio.gather(*(listener.close() for listener in listeners.values()))

    def _places(self) -> set[Place]:
        hosts, schemes = self.state.hosts, self.state.web.schemes
        here = self.state.network.address
        wanted = {
            "http": (here, hosts["default-http"].port, False),
            "https": (here, hosts["default-https"].port, True),
        }
        return {place for scheme, place in wanted.items() if scheme in schemes}

    def _bound(self) -> dict[Place, Listener]:
        """What the state wants and is neither open nor coming, bound; all of them or none."""
        new: dict[Place, Listener] = {}
        context = self._context()
        try:
            for place in sorted(self._places() - self._open.keys() - self._coming.keys()):
                address, port, secure = place
                tls = context if secure else None
                new[place] = Listener(address=address, port=port, handler=self.handle, tls=tls)
                new[place].bind()
        except PortError:
            for listener in new.values():
                listener.release()
            raise
        return new

    def _context(self) -> ssl.SSLContext:
        """A new one for every change: OpenSSL keeps a certificate of another kind of key beside its successor."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        # The device serves whatever its owner installs; judging that is the client's.
        context.set_ciphers("DEFAULT:@SECLEVEL=0")
        load_into(context, *self.state.shown_chain())
        return context

    def _renew_tls(self) -> None:
        """Connections to come see what the state has now, those that stand keep theirs."""
        context = self._context()
        for listener in (*self._open.values(), *self._coming.values()):
            if listener.tls is not None:
                listener.tls = context

    def _move(self) -> After | None:
        """What is no longer wanted closes when the answer is out; what is new answers a little later."""
        new = self._bound()
        wanted = self._places()
        for place in self._coming.keys() - wanted:
            self._coming.pop(place).release()
        self._coming.update(new)
        old = [self._open.pop(place) for place in self._open.keys() - wanted]
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
        self.clock.call_in(self.spec.switching_seconds, arrive)
        return leave

    def _change(self, apply: t.Callable[[], None]) -> After | None:
        """Change hosts, web server or address; a port that cannot be had leaves them as they were."""
        state = self.state
        before = dict(state.hosts), state.web, state.network
        apply()
        try:
            after = self._move()
        except PortError:
            state.hosts, state.web, state.network = before
            raise
        self._renew_tls()
        return after

    # -- JSON: identity, clock, time server, restart ---------------------------------------------------------------

    async def get_identity(self, asked: Asked) -> Reply:
        spec = self.spec
        properties = {
            "Brand": "AXIS",
            "ProdFullName": f"AXIS {spec.model} Network Camera",
            "ProdNbr": spec.model,
            "ProdShortName": f"AXIS {spec.model}",
            "ProdType": "Network Camera",
            "SerialNumber": spec.serial_number,
            "Version": spec.version,
            "WebURL": "http://www.axis.com",
        }
        return _told(asked, {"propertyList": properties})

    async def get_time(self, asked: Asked) -> Reply:
        now = dt.datetime.fromtimestamp(self.now(), dt.UTC)
        return _told(asked, {"dateTime": f"{now:%Y-%m-%dT%H:%M:%SZ}", "timeZone": "UTC", "maxYearSupported": 2069})

    async def set_time(self, asked: Asked) -> Reply:
        params = _params(asked)
        try:
            wanted = dt.datetime.strptime(params.get("dateTime", ""), "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=dt.UTC)
        except (ValueError, TypeError):
            return _failed(asked, 4004, "Invalid parameter: dateTime")
        self.state.clock_set += wanted.timestamp() - self.now()
        return _told(asked, {"dateTime": params["dateTime"]})

    async def get_ntp(self, asked: Asked) -> Reply:
        server = self.state.time_server
        return _told(asked, {"client": {
            "enabled": bool(server),
            "NTSEnabled": False,
            "serversSource": "static",
            "maxSupportedStaticServers": 5,
            "staticServers": [server] if server else [],
            "advertisedServers": [],
            "synced": server in self.spec.ntp_servers,
        }})  # fmt: skip

    async def set_ntp(self, asked: Asked) -> Reply:
        params = _params(asked)
        servers, enabled = params.get("staticServers", []), params.get("enabled", True)
        if not isinstance(enabled, bool) or not isinstance(servers, list) or (enabled and not servers):
            return _failed(asked, 4004, "Invalid parameter")
        self.state.time_server = str(servers[0]) if enabled else ""
        self._ask_time_server()
        return _told(asked, {})

    def _ask_time_server(self) -> None:
        if self.state.time_server in self.spec.ntp_servers:
            self.state.clock_set = -self.spec.clock_offset

    async def get_network(self, asked: Asked) -> Reply:
        network = self.state.network
        address = {"address": network.address, "prefixLength": network.prefix_length}
        ipv4 = {
            "enabled": True,
            "configurationMode": "static",
            "linkLocalMode": "off",
            "addresses": [{**address, "origin": "static", "scope": "global"}],
            "maxSupportedStaticAddressConfigurations": 1,
            "staticAddressConfigurations": [address],
            "defaultRouter": network.gateway,
            "staticDefaultRouter": network.gateway,
        }
        mac = ":".join(self.spec.serial_number[place : place + 2] for place in range(0, 12, 2)).lower()
        device = {"name": "eth0", "type": "wired", "macAddress": mac, "state": "up", "IPv4": ipv4}
        return _told(asked, {"devices": [device]})

    async def set_network(self, asked: Asked) -> Reply:
        """It answers before it moves."""
        params = _params(asked)
        try:
            wanted = self.state.network.changed(params)
            if params.get("deviceName") != "eth0":
                raise ValueError("deviceName")
        except (ValueError, KeyError, TypeError):
            return _failed(asked, 4004, "Invalid parameter(s)")

        return dc.replace(_told(asked, {}), after=self._move_to(wanted))

    def _move_to(self, wanted: Network) -> After | None:
        def apply() -> None:
            self.state.network = wanted

        return self._change(apply)

    async def move(self, address: str) -> None:
        leave = self._move_to(dc.replace(self.state.network, address=address))
        if leave is not None:
            await leave()

    async def ask_restart(self, asked: Asked) -> Reply:
        return dc.replace(_told(asked, {}), after=self.restart)

    async def set_password(self, asked: Asked) -> Reply:
        """``pwdgrp.cgi``: form fields, answers in HTML."""
        fields = asked.data if isinstance(asked.data, dict) else {}
        user = self.state.users.get(fields.get("user", ""))
        if fields.get("action") != "update" or user is None or not fields.get("pwd"):
            return _html("Error: unknown account, or no password.")
        self.state.users[user.name] = dc.replace(user, password=fields["pwd"])
        return _html(f"Modified account {user.name}.")

    # -- REST: certificates and hosts ------------------------------------------------------------------------------

    async def get_certificates(self, _asked: Asked) -> Reply:
        rows = [
            {"alias": alias, "certificate": one.pem, "keystore": one.keystore}
            for alias, one in self.state.certificates.items()
        ]
        return _success(rows)

    async def get_certificate(self, asked: Asked) -> Reply:
        one = self.state.stored(asked.alias())
        return _success({"alias": asked.alias(), "certificate": one.pem, "keystore": one.keystore})

    async def create_certificate(self, asked: Asked) -> Reply:
        alias, subject = asked.field("alias", str), _subject(asked.field("subject", str))
        kind = asked.data.get("key_type", "EC-P256")
        names = _names(asked.data.get("subject_alt_names", []))
        if kind not in self.spec.key_types:
            raise invalid("Failed to generate key pair: This key algorithm is not supported on this keystore")
        self.state.check_new(alias)
        boots, loop = self._boots, asyncio.get_running_loop()
        made = loop.run_in_executor(None, make_private, KEY_TYPES[kind])
        await self._pause(self.spec.key_generation_seconds)
        private = await made
        if self._boots != boots:
            raise AxisRefusal(503, 0, "The device was restarted before the key was there.")
        self.state.put_self_signed(alias, private, subject, names, self._begin_of_validity())
        return _success(None)

    async def _pause(self, device_seconds: float) -> None:
        passed = asyncio.Event()

        async def end() -> None:
            passed.set()

        self.clock.call_in(device_seconds, end)
        await passed.wait()

    async def add_certificate(self, asked: Asked) -> Reply:
        fields = (asked.field(name, str) for name in ("alias", "certificate", "private_key"))
        self.state.put_pair(*fields)
        return _success(None, status=201)

    async def get_request(self, asked: Asked) -> Reply:
        fields = asked.data if isinstance(asked.data, dict) else {}
        subject = _subject(fields["subject"]) if "subject" in fields else None
        names = _names(fields["subject_alt_names"]) if "subject_alt_names" in fields else None
        return _success(self.state.request(asked.alias(), subject, names))

    async def replace_certificate(self, asked: Asked) -> Reply:
        self.state.replace(asked.alias(), asked.field("certificate", str))
        self._renew_tls()
        return _success(None)

    async def delete_certificate(self, asked: Asked) -> Reply:
        self.state.delete(asked.alias())
        return _success(None)

    async def get_issuers(self, _asked: Asked) -> Reply:
        return _success([{"alias": alias, "certificate": pem} for alias, pem in self.state.issuers.items()])

    async def add_issuer(self, asked: Asked) -> Reply:
        self.state.put_issuer(asked.field("alias", str), asked.field("certificate", str))
        return _success(None, status=201)

    async def delete_issuer(self, asked: Asked) -> Reply:
        self.state.delete_issuer(asked.alias())
        return _success(None)

    async def get_keystore(self, asked: Asked) -> Reply:
        spec = self.spec
        if asked.alias() != spec.keystore:
            raise not_found(asked.alias())
        level = "STRONG" if spec.keystore.startswith(("SE", "TPM")) else "SOFTWARE"
        return _success({
            "id": spec.keystore, "security_level": level, "certifications": [], "key_types": list(spec.key_types),
        })  # fmt: skip

    async def get_default_keystore(self, _asked: Asked) -> Reply:
        return _success(self.spec.keystore)

    async def get_hosts(self, _asked: Asked) -> Reply:
        rows = [
            {"active": True, "auth_type": host.auth_type, "port": host.port, "server_name": name}
            for name, host in self.state.hosts.items()
        ]
        return _success({"virtualhosts": rows})

    async def set_host_port(self, asked: Asked) -> Reply:
        name, port = asked.match["name"], asked.data
        host = self.state.hosts.get(name)
        if host is None:
            raise not_found(name)
        if not isinstance(port, int) or isinstance(port, bool) or not 1 <= port <= 65535:
            raise invalid("port is no number from 1 to 65535")
        if any(other.port == port for one, other in self.state.hosts.items() if one != name):
            raise invalid(f"port {port} is in use")
        after = self._change(lambda: self.state.hosts.update({name: dc.replace(host, port=port)}))
        return dc.replace(_success(None), after=after)

    # -- SOAP: the web server --------------------------------------------------------------------------------------

    async def get_web(self, _asked: Asked) -> Reply:
        state, aweb, acert = self.state.web, _maker(_WEB), _maker(_ACERT)

        def listed(name: str, aliases: t.Iterable[str]) -> t.Any:
            return acert(name, *(acert("Id", alias) for alias in aliases))

        configuration = aweb(
            "Configuration",
            aweb("Tls", "true" if state.tls else "false"),
            aweb("ConnectionPolicies", aweb("Admin", state.policy)),
            aweb("Ciphers", *(acert("Cipher", cipher) for cipher in _CIPHERS)),
            aweb(
                "CertificateSet",
                listed("Certificates", [state.certificate]),
                listed("CACertificates", state.issuers),
                listed("TrustedCertificates", state.trusted),
            ),
        )
        return _soap(aweb("GetWebServerTlsConfigurationResponse", configuration))

    async def set_web(self, asked: Asked) -> Reply:
        try:
            wanted = _wanted_web(asked.data)
            self.state.check_web(wanted)
        except AxisRefusal as error:
            return _soap_fault(error.reason)

        def apply() -> None:
            self.state.web = wanted

        after = self._change(apply)
        return dc.replace(_soap(_maker(_WEB)("SetWebServerTlsConfigurationResponse")), after=after)

    # -- the whole -----------------------------------------------------------------------------------------------

    async def factory_reset(self) -> None:
        """Keys and certificates go, but for the camera's own identity; accounts and ports become those of the spec."""
        self.state.reset(clock_set=self.state.clock_set)
        await self.restart()

    def change_spec(self, changes: t.Mapping[str, t.Any]) -> None:
        self.spec = self.state.spec = dc.replace(self.spec, **changes)

    def expire_certificate(self) -> None:
        pem = self.state.stored(self.state.web.certificate).pem
        end = x509.load_pem_x509_certificate(pem.encode()).not_valid_after_utc.timestamp()
        self.spec = dc.replace(self.spec, clock_offset=self.spec.clock_offset + end + 1.0 - self.now())

    def short_state(self) -> dict[str, object]:
        state = self.state
        return {
            "address": state.network.address,
            "policy": state.web.policy if state.web.tls else "Http",
            "http_port": state.hosts["default-http"].port,
            "https_port": state.hosts["default-https"].port,
            "certificate": state.web.certificate,
            "moving": bool(self._coming),
        }

    def full_state(self) -> dict[str, object]:
        kept = self.state.dump()
        users = {user["name"]: user["level"] for user in kept["users"]}
        certificates = {alias: {**one, "private": "***"} for alias, one in kept["certificates"].items()}
        shown = {**kept, "users": users, "certificates": certificates}
        return {**self.short_state(), "time": format_time(self.now()), "axis": shown}

    def dump(self) -> dict[str, t.Any]:
        return self.state.dump()

    def load(self, data: t.Mapping[str, t.Any]) -> None:
        self.state.load(data)


# -- reading and writing -----------------------------------------------------------------------------------------------


async def _read_body(request: web.BaseRequest) -> bytes:
    parts, size = [], 0
    async for part in request.content.iter_any():
        size += len(part)
        if size <= _LIMIT:
            parts.append(part)
    return b"".join(parts) if size <= _LIMIT else b""


def _name_in(path: str, body: bytes) -> str:
    """The operation that a body names: JSON's ``method``, or SOAP's element."""
    if path == _SERVICES:
        try:
            return read_message(body).name
        except SoapFault:
            return ""
    if path.startswith("/axis-cgi/") and body.startswith(b"{"):
        method = _json(body).get("method") if isinstance(_json(body), dict) else None
        return str(method)[:64] if method else ""
    return ""


def _title(request: web.BaseRequest, name: str) -> str:
    """What a fault is looked up by."""
    return f"{request.raw_path} {request.method} {name}"


def _json(body: bytes) -> t.Any:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None


def _data_of(path: str, body: bytes) -> t.Any:
    """What a call works on: REST's ``data``, all of JSON's body, SOAP's element, a form's fields."""
    if path == _SERVICES:
        return read_message(body).body
    if path.startswith("/axis-cgi/pwdgrp.cgi"):
        return dict(urllib.parse.parse_qsl(body.decode(errors="replace"), keep_blank_values=True))
    found = _json(body)
    if path.startswith("/axis-cgi/"):
        return found
    if body and not (isinstance(found, dict) and "data" in found):
        raise invalid("the body has no data")
    return found["data"] if body else None


def _params(asked: Asked) -> dict[str, t.Any]:
    found = asked.data.get("params") if isinstance(asked.data, dict) else None
    return found if isinstance(found, dict) else {}


def _told(asked: Asked, data: t.Mapping[str, t.Any]) -> Reply:
    body = {"apiVersion": "1.0", "method": asked.data["method"], "data": data}
    return Reply(body=json.dumps(body).encode())


def _failed(asked: Asked, code: int, message: str) -> Reply:
    """JSON's errors come with status 200."""
    body = {"apiVersion": "1.0", "method": asked.data["method"], "error": {"code": code, "message": message}}
    return Reply(body=json.dumps(body).encode())


def _success(data: t.Any, *, status: int = 200) -> Reply:
    body = {"status": "success"} if data is None else {"status": "success", "data": data}
    return Reply(status=status, body=json.dumps(body).encode())


def _error(status: int, code: int, message: str) -> Reply:
    body = {"status": "error", "error": {"code": code, "message": message}}
    return Reply(status=status, body=json.dumps(body).encode())


def _html(text: str) -> Reply:
    return Reply(body=f"<html><head></head><body>{text}</body></html>".encode(), content_type="text/html")


def _basic(header: str, passwords: t.Mapping[str, str]) -> Login:
    """HTTP Basic (RFC 7617)."""
    if not header.lower().startswith("basic "):
        return Login()
    try:
        name, _colon, password = base64.b64decode(header[6:], validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return Login(wrong=True)
    expected = passwords.get(name)
    good = hmac.compare_digest((expected or "").encode(), password.encode()) and expected is not None
    return Login(user=name) if good else Login(wrong=True)


def _subject(text: str) -> x509.Name:
    """As the documents write it, ``C=SE,CN=example.com``: in the certificate's order."""
    try:
        return x509.Name(reversed(list(x509.Name.from_rfc4514_string(text))))
    except ValueError as error:
        raise invalid("subject is no distinguished name") from error


def _names(texts: object) -> list[x509.GeneralName]:
    if not isinstance(texts, list):
        raise invalid("subject_alt_names is no list")
    found: list[x509.GeneralName] = []
    for text in texts:
        kind, _colon, value = str(text).partition(":")
        try:
            found.append(x509.IPAddress(ipaddress.ip_address(value)) if kind == "IP" else x509.DNSName(value))
        except ValueError as error:
            raise invalid(f"subject_alt_names: {text!r}") from error
        if kind not in ("IP", "DNS"):
            raise invalid(f"subject_alt_names: {text!r}")
    return found


def _maker(namespace: str) -> t.Any:
    return ElementMaker(namespace=namespace, nsmap=_SPACES)


def _soap(body: t.Any, status: int = 200) -> Reply:
    s = _maker(_ENVELOPE)
    text = etree.tostring(s.Envelope(s.Body(body)), xml_declaration=True, encoding="UTF-8")
    return Reply(status=status, body=text, content_type="application/soap+xml; charset=utf-8")


def _soap_fault(reason: str) -> Reply:
    s = _maker(_ENVELOPE)
    text = s.Text(reason, {"{http://www.w3.org/XML/1998/namespace}lang": "en"})
    return _soap(s.Fault(s.Code(s.Value("SOAP-ENV:Sender")), s.Reason(text)), status=400)


def _wanted_web(operation: t.Any) -> Web:
    """FIELD: the elements of the configuration have to be in the web server's namespace."""
    configuration = operation.find(f"{{{_WEB}}}Configuration")
    if configuration is None or configuration.find(f"{{{_WEB}}}Tls") is None:
        raise invalid("Tag mismatch")

    def text(*names: str) -> str:
        return (configuration.findtext("/".join(f"{{{_WEB}}}{name}" for name in names)) or "").strip()

    def aliases(name: str) -> tuple[str, ...]:
        path = f"{{{_WEB}}}CertificateSet/{{{_ACERT}}}{name}/{{{_ACERT}}}Id"
        return tuple((one.text or "").strip() for one in configuration.iterfind(path))

    ciphers = [one.text for one in configuration.iterfind(f"{{{_WEB}}}Ciphers/{{{_ACERT}}}Cipher")]
    if not ciphers or not set(ciphers) <= set(_CIPHERS):
        raise invalid("Ciphers has none, or one that is not known")
    policy, certificates = text("ConnectionPolicies", "Admin"), aliases("Certificates")
    if policy not in ("Http", "HttpAndHttps", "Https") or len(certificates) != 1:
        raise invalid("ConnectionPolicies or CertificateSet")
    return Web(
        tls=text("Tls") in ("true", "1"),
        policy=policy,
        certificate=certificates[0],
        issuers=aliases("CACertificates"),
        trusted=aliases("TrustedCertificates"),
    )


def _call(method: str, path: str, run: t.Any, **more: t.Any) -> AxisCall:
    return AxisCall(method=method, path=re.compile(path), run=run, **more)


def _cgi(name: str, method: str, run: t.Any, **more: t.Any) -> AxisCall:
    return _call("POST", rf"/axis-cgi/{name}\.cgi", run, name=method, **more)


def _rest(method: str, path: str, run: t.Any, **more: t.Any) -> AxisCall:
    return _call(method, path, run, writes=method != "GET" and not path.endswith("get_csr"), **more)


_ALIAS: t.Final = r"(?P<alias>[^/]+)"
AxisCamera.calls = (
    _cgi("basicdeviceinfo", "getAllUnrestrictedProperties", AxisCamera.get_identity, open=True),
    _cgi("time", "getDateTimeInfo", AxisCamera.get_time, level=_VIEWER),
    _cgi("time", "setDateTime", AxisCamera.set_time, writes=True),
    _cgi("ntp", "getNTPInfo", AxisCamera.get_ntp, level=_VIEWER),
    _cgi("ntp", "setNTPClientConfiguration", AxisCamera.set_ntp, writes=True),
    _cgi("network_settings", "getNetworkInfo", AxisCamera.get_network, level=_VIEWER),
    _cgi("network_settings", "setIPv4AddressConfiguration", AxisCamera.set_network, writes=True),
    _cgi("firmwaremanagement", "reboot", AxisCamera.ask_restart, writes=True),
    _call("POST", r"/axis-cgi/pwdgrp\.cgi", AxisCamera.set_password, writes=True),
    _rest("GET", f"{_CERT}/certificates", AxisCamera.get_certificates, level=_VIEWER),
    _rest("POST", f"{_CERT}/certificates", AxisCamera.add_certificate),
    _rest("POST", f"{_CERT}/create_certificate", AxisCamera.create_certificate),
    _rest("GET", f"{_CERT}/certificates/{_ALIAS}", AxisCamera.get_certificate, level=_VIEWER),
    _rest("PATCH", f"{_CERT}/certificates/{_ALIAS}", AxisCamera.replace_certificate),
    _rest("DELETE", f"{_CERT}/certificates/{_ALIAS}", AxisCamera.delete_certificate),
    _rest("POST", f"{_CERT}/certificates/{_ALIAS}/get_csr", AxisCamera.get_request),
    _rest("GET", f"{_CERT}/ca_certificates", AxisCamera.get_issuers, level=_VIEWER),
    _rest("POST", f"{_CERT}/ca_certificates", AxisCamera.add_issuer),
    _rest("DELETE", f"{_CERT}/ca_certificates/{_ALIAS}", AxisCamera.delete_issuer),
    _rest("GET", f"{_CERT}/settings/keystore", AxisCamera.get_default_keystore, level=_VIEWER),
    _rest("GET", f"{_CERT}/keystores/{_ALIAS}", AxisCamera.get_keystore, level=_VIEWER),
    _rest("GET", _HOSTS, AxisCamera.get_hosts),
    _rest("PATCH", rf"{_HOSTS}/virtualhosts/(?P<name>[A-Za-z0-9.-]+)/port", AxisCamera.set_host_port),
    _call("POST", _SERVICES, AxisCamera.get_web, name="GetWebServerTlsConfiguration"),
    _call("POST", _SERVICES, AxisCamera.set_web, name="SetWebServerTlsConfiguration", writes=True),
)
