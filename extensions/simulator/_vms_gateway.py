# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The management server's API gateway and identity provider (docs/simulator.md, VMS)."""

from __future__ import annotations

import json
import re
import secrets
import typing as t
import urllib.parse

from aiohttp import web

from ._clock import format_time
from ._faults import play
from ._frame import ApiError
from ._vms_catalog import STREAMING
from ._vms_hardware import Hardware, vms_id

if t.TYPE_CHECKING:
    from ._vms_server import VmsServer

__all__ = ["Gateway"]

TOKEN_SECONDS: t.Final = 3600
_CLIENT_ID: t.Final = "GrantValidatorClient"
_API: t.Final = "/api/rest/v1/"
_TIME: t.Final = "%Y-%m-%dT%H:%M:%S.0000000Z"
_PAGE: t.Final = 500
#: FIELD: these have no collection of their own.
_NO_COLLECTION: t.Final = ("storages", "hardwareDriverSettings")

Json = dict[str, t.Any]


class Gateway:
    """Answers for one VMS; IIS does not look at upper and lower case in a path's fixed parts."""

    def __init__(
        self, management: VmsServer, servers: t.Sequence[VmsServer], hardware: t.Mapping[str, Hardware]
    ) -> None:
        self._management = management
        self._servers = servers
        self._hardware = hardware
        self._tokens: dict[str, float] = {}
        self._site = vms_id("sites", management.name)
        self._failover_group = vms_id("failoverGroups", management.name)

    async def answer(self, request: web.BaseRequest) -> web.StreamResponse:
        """One request, with the faults that the control interface has planted."""
        device, path = self._management, request.path
        if not path.lower().startswith(("/api/", "/idp/")):
            # The links' own connections; they are neither remembered nor disturbed.
            return _refusal(ApiError(404, f"Unknown resource: {path}"))
        writes = request.method in ("PATCH", "PUT")
        body = await request.read()
        fault = device.take_fault(path, after_write=False)
        if fault is not None:
            status, response = await play(fault, request)
        else:
            answered = self._try(request, body)
            status, response = answered.status, answered
            fault = device.take_fault(path, after_write=True) if writes and status < 400 else None
            if fault is not None:
                status, response = await play(fault, request)
        device.log.add(request, status, writes=writes)
        return response

    def _try(self, request: web.BaseRequest, body: bytes) -> web.Response:
        try:
            return self._route(request, body)
        except ApiError as error:
            return _refusal(error)

    def _route(self, request: web.BaseRequest, body: bytes) -> web.Response:
        path = request.path.rstrip("/")
        low = path.lower()
        if low in ("/api/idp/connect/token", "/idp/connect/token"):
            return self._token(request, body)
        if not low.startswith(_API):
            raise ApiError(404, f"Unknown resource: {path}")
        self._check_login(request)
        parts = path[len(_API) :].split("/")
        if request.method == "GET":
            return self._read(parts, request.query)
        if request.method in ("PATCH", "PUT"):
            return self._write(parts, body)
        raise ApiError(405, f"{request.method} is not allowed here")

    # -- logins --------------------------------------------------------------------------------------------------

    def _token(self, request: web.BaseRequest, body: bytes) -> web.Response:
        if request.method != "POST":
            raise ApiError(405, f"{request.method} is not allowed here")
        form = dict(urllib.parse.parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True))
        if form.get("client_id") != _CLIENT_ID:
            return web.json_response({"error": "invalid_client"}, status=400)
        if form.get("grant_type") == "windows_credentials":
            # Not simulated: Windows users, whose logins are NTLM.
            return web.Response(status=401, headers={"WWW-Authenticate": "NTLM"})
        if form.get("grant_type") != "password":
            return web.json_response({"error": "unsupported_grant_type"}, status=400)
        spec = self._management.spec
        given = (form.get("username", "") + "\0" + form.get("password", "")).encode()
        if not secrets.compare_digest(given, f"{spec.api_username}\0{spec.gateway_password}".encode()):
            error = {"error": "invalid_grant", "error_description": "invalid_username_or_password"}
            return web.json_response(error, status=400)
        token = secrets.token_urlsafe(32)
        now = self._management.clock.now()
        self._tokens = {known: end for known, end in self._tokens.items() if end > now}
        self._tokens[token] = now + TOKEN_SECONDS
        return web.json_response({
            "access_token": token,
            "expires_in": TOKEN_SECONDS,
            "token_type": "Bearer",
            "scope": "managementserver",
        })  # fmt: skip

    def _check_login(self, request: web.BaseRequest) -> None:
        scheme, _blank, token = request.headers.get("Authorization", "").partition(" ")
        end = self._tokens.get(token.strip(), 0.0) if scheme.lower() == "bearer" else 0.0
        if end <= self._management.clock.now():
            raise ApiError(401, "Unauthorized")

    # -- reading -------------------------------------------------------------------------------------------------

    def _read(self, parts: t.Sequence[str], query: t.Mapping[str, str]) -> web.Response:
        if "includeChildren" in query:
            raise ApiError(400, "includeChildren is not supported by this installation")
        kind = _kind(parts[0])
        if len(parts) == 1:
            if kind in _NO_COLLECTION:
                raise ApiError(400, f"{kind} can only be read by id or below a parent")
            return _collection(self._objects(kind), query)
        if len(parts) == 2:
            return web.json_response({"data": self._one(kind, parts[1])})
        if len(parts) == 3:
            return self._children(kind, parts[1], parts[2], query)
        raise ApiError(404, f"Unknown resource: {'/'.join(parts)}")

    def _children(self, kind: str, name: str, child: str, query: t.Mapping[str, str]) -> web.Response:
        parent = self._one(kind, name)
        wanted = _kind(child)
        if (kind, wanted) == ("hardware", "hardwareDriverSettings"):
            return _collection([self._settings(self._hardware_of(name))], query)
        if (kind, wanted) not in _CHILDREN:
            raise ApiError(404, f"Unknown resource: {child}")
        found = [
            one for one in self._objects(wanted) if one["relations"]["parent"] == {"type": kind, "id": parent["id"]}
        ]
        return _collection(found, query)

    def _objects(self, kind: str) -> list[Json]:
        """Everything of a kind."""
        recording, failover = self._with_role("recording_server"), self._with_role("failover_recording_server")
        make: dict[str, t.Callable[[], t.Iterable[Json]]] = {
            "sites": lambda: [self._site_object()],
            "recordingServers": lambda: map(self._recording_server, recording),
            "failoverRecorders": lambda: map(self._failover_recorder, failover, range(len(failover))),
            "failoverGroups": lambda: [self._group_object()] if failover else [],
            "hardware": lambda: map(self._hardware_object, self._hardware.values()),
            "hardwareDriverSettings": lambda: map(self._settings, self._hardware.values()),
            "storages": lambda: map(self._storage, recording),
        }
        return list(make[kind]())

    def _with_role(self, role: str) -> list[VmsServer]:
        return [server for server in self._servers if role in server.spec.roles]

    def _one(self, kind: str, name: str) -> Json:
        wanted = name.lower()
        if kind == "hardwareDriverSettings":
            return self._settings(self._hardware_of(name))
        found = next((one for one in self._objects(kind) if one["id"] == wanted), None)
        if found is None:
            raise ApiError(404, f"Unknown id: {kind}/{name}")
        return found

    def _hardware_of(self, name: str) -> Hardware:
        found = self._hardware.get(name.lower())
        if found is None:
            raise ApiError(404, f"Unknown id: hardware/{name}")
        return found

    # -- objects -------------------------------------------------------------------------------------------------

    def _common(self, kind: str, name: str, parent: tuple[str, str] | None) -> Json:
        found = vms_id(kind, name)
        relations: Json = {"self": {"type": kind, "id": found}}
        if parent is not None:
            relations["parent"] = {"type": parent[0], "id": parent[1]}
        now = self._management.clock.now()
        return {
            "displayName": name,
            "enabled": True,
            "id": found,
            "name": name,
            "description": "",
            "lastModified": format_time(now, _TIME),
            "relations": relations,
        }

    def _site_object(self) -> Json:
        spec = self._management.spec
        return {**self._common("sites", spec.name, None), "computerName": spec.full_name, "version": spec.version}

    def _recording_server(self, server: VmsServer) -> Json:
        return {
            **self._common("recordingServers", server.name, ("sites", self._site)),
            **_recorder_fields(server),
        }

    def _failover_recorder(self, server: VmsServer, place: int) -> Json:
        return {
            **self._common("failoverRecorders", server.name, ("failoverGroups", self._failover_group)),
            **_recorder_fields(server),
            "udpPort": 8844,
            "position": place,
            "databasePath": "C:\\MediaDatabase",
        }

    def _group_object(self) -> Json:
        return {
            **self._common("failoverGroups", self._management.name, ("sites", self._site)),
            "displayName": "Failover group 1",
            "name": "Failover group 1",
        }

    def _storage(self, server: VmsServer) -> Json:
        parent = ("recordingServers", vms_id("recordingServers", server.name))
        return {
            **self._common("storages", server.name, parent),
            "displayName": "Local default",
            "name": "Local default",
            "diskPath": "C:\\MediaDatabase",
            "maxSize": 1000,
            "retainMinutes": 10080,
            "encryptionMethod": "None",
        }

    def _hardware_object(self, hardware: Hardware) -> Json:
        spec = hardware.spec
        parent = ("recordingServers", vms_id("recordingServers", spec.recording_server))
        return {
            **self._common("hardware", spec.name, parent),
            "address": f"http://{spec.address}:{spec.http_port}/",
            "userName": spec.username,
            "model": spec.model,
            "passwordLastModified": "",
            "hardwareDriverPath": {"type": "hardwareDrivers", "id": vms_id("hardwareDrivers", spec.model)},
        }

    @staticmethod
    def _settings(hardware: Hardware) -> Json:
        return {
            "displayName": "Settings",
            "hardwareDriverSettings": hardware.settings(),
            "relations": {
                "parent": {"type": "hardware", "id": hardware.id},
                "self": {"type": "hardwareDriverSettings", "id": hardware.id},
            },
        }

    # -- writing -------------------------------------------------------------------------------------------------

    def _write(self, parts: t.Sequence[str], body: bytes) -> web.Response:
        if len(parts) != 2 or _kind(parts[0]) != "hardwareDriverSettings":
            raise ApiError(405, f"{'/'.join(parts)} cannot be changed here")
        hardware = self._hardware_of(parts[1])
        try:
            data = json.loads(body)
        except ValueError as error:
            raise ApiError(400, "The body is no JSON") from error
        # INFERRED: the shape in which they are read is taken as well as the settings alone; PUT is as PATCH.
        changes = data.get("hardwareDriverSettings", data) if isinstance(data, dict) else None
        if not isinstance(changes, dict):
            raise ApiError(400, "The body is no JSON object")
        if not self._management.host.may_change():
            raise ApiError(500, "The simulator is read-only")
        hardware.change({name: value for name, value in changes.items() if name not in ("displayName", "relations")})
        self._management.kept.setdefault("hardware", {})[hardware.spec.name] = hardware.dump()
        self._management.on_change(self._management)
        return web.json_response({"data": self._settings(hardware)})


_KINDS: t.Final = (
    "sites", "recordingServers", "failoverRecorders", "failoverGroups", "hardware", "hardwareDriverSettings",
    "storages",
)  # fmt: skip
_CHILDREN: t.Final = (
    ("sites", "recordingServers"),
    ("sites", "failoverGroups"),
    ("recordingServers", "hardware"),
    ("recordingServers", "storages"),
    ("failoverGroups", "failoverRecorders"),
)


def _kind(text: str) -> str:
    known = next((kind for kind in _KINDS if kind.lower() == text.lower()), None)
    if known is None:
        raise ApiError(404, f"Unknown resource: {text}")
    return known


def _recorder_fields(server: VmsServer) -> Json:
    """The scheme of `webServerUri` tells whether the streams are encrypted (OFFICIAL)."""
    spec = server.spec
    scheme = "https" if server.encrypted(STREAMING) else "http"
    return {
        "synchronizationTime": -1,
        "timeZoneName": "UTC",
        "hostName": spec.full_name,
        "portNumber": spec.streaming_port,
        "webServerUri": f"{scheme}://{spec.full_name}:{spec.streaming_port}/",
        "activeWebServerUri": "",
        "publicAccessEnabled": False,
        "publicWebserverHostName": "",
        "publicWebserverPort": 0,
        "multicastServerAddress": "0.0.0.0",  # noqa: S104  # what the API says; nothing is bound
        "shutdownOnStorageFailure": False,
    }


def _collection(objects: t.Sequence[Json], query: t.Mapping[str, str]) -> web.Response:
    """FIELD: pages are numbered from 0."""
    number, size = (_number(query, name, default) for name, default in (("page", 0), ("size", _PAGE)))
    return web.json_response({"array": list(objects[number * size : (number + 1) * size])})


def _number(query: t.Mapping[str, str], name: str, default: int) -> int:
    text = query.get(name, str(default))
    if not re.fullmatch(r"[0-9]{1,6}", text):
        raise ApiError(400, f"Invalid value of {name}: {text!r}")
    return int(text)


def _refusal(error: ApiError) -> web.Response:
    body = {"error": {"httpCode": error.status, "details": [{"errorText": error.reason}]}}
    headers = {"WWW-Authenticate": "Bearer"} if error.status == 401 else {}
    return web.json_response(body, status=error.status, headers=headers)
