# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Control of cinema cameras and FTPES servers. A real camera has no such interface: its menu and its SDK do this."""

from __future__ import annotations

import typing as t

from aiohttp import web

from ._cinema import CinemaCamera
from ._cinema_state import is_number
from ._fleet import convert
from ._frame import ApiError, json_body
from ._ftpes_quirks import Behaviour, QuirkError

if t.TYPE_CHECKING:
    from ._ftpes_server import FtpesServer
    from ._simulator import Simulator

__all__ = ["cinema_routes"]


def cinema_routes(simulator: Simulator) -> list[web.RouteDef]:
    """The routes below `/cinema_cameras` and `/ftpes_servers`."""
    cameras, servers = _Cameras(simulator), _Servers(simulator)
    one, server = "/cinema_cameras/{name}", "/ftpes_servers/{name}"
    return [
        web.get("/cinema_cameras", cameras.all),
        web.get(one, cameras.one),
        web.get(f"{one}/FTPServerSettingList", cameras.servers),
        web.post(f"{one}/FTPServerSetting", cameras.set_server),
        web.get(f"{one}/FTPJobList", cameras.jobs),
        web.post(f"{one}/ControlFTPJobList", cameras.control_jobs),
        web.post(f"{one}/menu/load_certificate", cameras.load_certificate),
        web.post(f"{one}/menu/forget_certificate", cameras.forget_certificate),
        web.post(f"{one}/account", cameras.account),
        web.post(f"{one}/access_point", cameras.access_point),
        web.post(f"{one}/record", cameras.record),
        web.post(f"{one}/set", cameras.set),
        web.post(one + "/{action:power_off|power_on|insert_card|eject_card|lock_out}", cameras.act),
        web.get("/ftpes_servers", servers.all),
        web.get(server, servers.one),
        web.post(f"{server}/behaviour", servers.behave),
        web.delete(f"{server}/behaviour", servers.behave_well),
        web.post(f"{server}/hang_up", servers.hang_up),
    ]


class _Cameras:
    """The calls of cinema cameras."""

    def __init__(self, simulator: Simulator) -> None:
        self._simulator = simulator

    def _find(self, request: web.Request) -> CinemaCamera:
        name = request.match_info["name"]
        camera = self._simulator.cinema.get(name)
        if camera is None:
            raise ApiError(404, f"there is no cinema camera {name!r}")
        return camera

    async def all(self, _request: web.Request) -> web.Response:
        return web.json_response([camera.row() for camera in self._simulator.cinema.values()])

    async def one(self, request: web.Request) -> web.Response:
        return web.json_response(self._find(request).full())

    async def servers(self, request: web.Request) -> web.Response:
        return web.json_response(self._find(request).full()["FTPServerSettingList"])

    async def set_server(self, request: web.Request) -> web.Response:
        camera = self._find(request)
        return web.json_response(camera.set_server(await json_body(request, None)).shown())

    async def jobs(self, request: web.Request) -> web.Response:
        return web.json_response(self._find(request).full()["FTPJobList"])

    async def control_jobs(self, request: web.Request) -> web.Response:
        camera = self._find(request)
        body = await json_body(request, ("control", "serverId", "files", "jobs"))
        camera.control_jobs(str(body.get("control")), body)
        return web.json_response(camera.full()["FTPJobList"])

    async def load_certificate(self, request: web.Request) -> web.Response:
        return web.json_response(self._find(request).load_certificate())

    async def forget_certificate(self, request: web.Request) -> web.Response:
        self._find(request).forget_certificate()
        return web.json_response({})

    async def account(self, request: web.Request) -> web.Response:
        camera, body = self._find(request), await json_body(request, ("user", "password"))
        camera.set_account(_text(body, "user"), _text(body, "password"))
        return web.json_response({"user": camera.state.username})

    async def access_point(self, request: web.Request) -> web.Response:
        camera, body = self._find(request), await json_body(request, ("security",))
        camera.set_access_point(_text(body, "security"))
        return web.json_response({"security": camera.state.access_point})

    async def record(self, request: web.Request) -> web.Response:
        camera, body = self._find(request), await json_body(request, ("file", "size"))
        size = body.get("size")
        if not is_number(size) or size < 0:
            raise ApiError(400, f"size is {size!r}; it is a number of bytes")
        return web.json_response(camera.record(_text(body, "file"), size))

    async def set(self, request: web.Request) -> web.Response:
        camera, body = self._find(request), await json_body(request, None)
        for name in body:
            if name not in camera.spec.LIVE:
                raise ApiError(400, f"{name!r} cannot be set; {', '.join(camera.spec.LIVE)} can")
        kind = type(camera.spec)
        camera.change_spec({name: convert(kind, name, value, camera.name) for name, value in body.items()})
        return web.json_response(camera.row())

    async def act(self, request: web.Request) -> web.Response:
        camera, action = self._find(request), request.match_info["action"]
        if action == "power_off":
            await camera.power_off()
        elif action == "power_on":
            await camera.power_on()
        elif action == "lock_out":
            camera.lock_out()
        else:
            camera.insert_card(inserted=action == "insert_card")
        return web.json_response(camera.row())


class _Servers:
    """The calls of FTPES servers."""

    def __init__(self, simulator: Simulator) -> None:
        self._simulator = simulator

    def _find(self, request: web.Request) -> tuple[str, FtpesServer]:
        name = request.match_info["name"]
        server = self._simulator.ftpes.servers.get(name)
        if server is None:
            raise ApiError(404, f"there is no FTPES server {name!r}")
        return name, server

    async def all(self, _request: web.Request) -> web.Response:
        ftpes = self._simulator.ftpes
        return web.json_response([ftpes.row(name) for name in ftpes.servers])

    async def one(self, request: web.Request) -> web.Response:
        name, server = self._find(request)
        record = server.record
        return web.json_response({
            **self._simulator.ftpes.row(name),
            "connections": record.connections,
            "commands": list(record.commands),
            "transfers": list(record.transfers),
        })  # fmt: skip

    async def behave(self, request: web.Request) -> web.Response:
        name, server = self._find(request)
        body = await json_body(request, ("quirks", "at_byte", "bytes_per_second", "count"))
        quirks = body.pop("quirks", [])
        if not isinstance(quirks, list) or not all(isinstance(one, str) for one in quirks):
            raise ApiError(400, "quirks is a list of names")
        for key, value in body.items():
            if not is_number(value) and not (key == "count" and value is None):
                raise ApiError(400, f"{key} is {value!r}; it is a whole number")
        try:
            server.behave(Behaviour(quirks=frozenset(quirks), **body))
        except QuirkError as error:
            raise ApiError(400, str(error)) from error
        return web.json_response(self._simulator.ftpes.row(name))

    async def behave_well(self, request: web.Request) -> web.Response:
        name, server = self._find(request)
        server.behave(Behaviour())
        return web.json_response(self._simulator.ftpes.row(name))

    async def hang_up(self, request: web.Request) -> web.Response:
        name, server = self._find(request)
        server.hang_up()
        return web.json_response(self._simulator.ftpes.row(name))


def _text(body: t.Mapping[str, t.Any], name: str) -> str:
    value = body.get(name)
    if not isinstance(value, str):
        raise ApiError(400, f"{name} is {value!r}; it is a text" if name != "password" else "password is a text")
    return value
