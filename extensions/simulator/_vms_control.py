# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Control of the VMS. A real one has no such interface: it shows what the servers hold and what the links are like."""

from __future__ import annotations

import typing as t

from aiohttp import web

from ._fleet import convert
from ._frame import ApiError, json_body

if t.TYPE_CHECKING:
    from ._simulator import Simulator
    from ._vms_server import VmsServer
    from ._vms_system import VmsClient, VmsSystem

__all__ = ["vms_routes"]

_SERVICE_STATUSES: t.Final = ("Stopped", "Running")
_SSH_FAULTS: t.Final = ("refuse_connection", "drop_after_script", "slow")


def vms_routes(simulator: Simulator) -> list[web.RouteDef]:
    """The routes below `/vms`."""
    control = _Control(simulator)
    server, client = "/vms/servers/{name}", "/vms/clients/{name}"
    return [
        web.get("/vms/links", control.links),
        web.get("/vms/servers", control.servers),
        web.get(server, control.server),
        web.post(f"{server}/set", control.set),
        web.post(server + "/{action:power_off|power_on|restart|stale_configurator}", control.act),
        web.post(f"{server}/services", control.set_service),
        web.post(f"{server}/orphan_key", control.orphan_key),
        web.post(f"{server}/ssh_fault", control.add_ssh_fault),
        web.delete(f"{server}/ssh_fault", control.clear_ssh_faults),
        web.get("/vms/clients", control.clients),
        web.get(client, control.client),
        web.post(f"{client}/trust", control.trust),
    ]


class _Control:
    def __init__(self, simulator: Simulator) -> None:
        self._simulator = simulator

    @property
    def _vms(self) -> VmsSystem:
        vms = self._simulator.vms
        if vms is None:
            raise ApiError(404, "the fleet has no VMS")
        return vms

    def _server(self, request: web.Request) -> VmsServer:
        name = request.match_info["name"]
        server = self._vms.servers.get(name)
        if server is None:
            raise ApiError(404, f"there is no VMS server {name!r}")
        return server

    def _client(self, request: web.Request) -> VmsClient:
        name = request.match_info["name"]
        client = self._vms.clients.get(name)
        if client is None:
            raise ApiError(404, f"there is no VMS client {name!r}")
        return client

    async def links(self, _request: web.Request) -> web.Response:
        return web.json_response([link.shown() for link in await self._vms.links()])

    async def servers(self, _request: web.Request) -> web.Response:
        return web.json_response([_shown(server) for server in self._vms.servers.values()])

    async def server(self, request: web.Request) -> web.Response:
        return web.json_response(_shown(self._server(request)))

    async def set(self, request: web.Request) -> web.Response:
        server, body = self._server(request), await json_body(request, self._server(request).spec.LIVE)
        server.change_spec({name: convert(type(server.spec), name, value, server.name) for name, value in body.items()})
        return web.json_response(_shown(server))

    async def act(self, request: web.Request) -> web.Response:
        server, action = self._server(request), request.match_info["action"]
        if action == "stale_configurator":
            server.start_configurator()
        elif action == "restart":
            await server.restart()
        elif action == "power_off":
            await server.power_off()
        else:
            await server.power_on()
        return web.json_response(_shown(server))

    async def set_service(self, request: web.Request) -> web.Response:
        server, body = self._server(request), await json_body(request, ("name", "status"))
        name, status = body.get("name"), body.get("status")
        if not isinstance(name, str) or status not in _SERVICE_STATUSES:
            raise ApiError(400, f"name is {name!r}, a service; status is {status!r}, {' or '.join(_SERVICE_STATUSES)}")
        await server.set_service(name, status)
        return web.json_response(_shown(server))

    async def orphan_key(self, request: web.Request) -> web.Response:
        server, body = self._server(request), await json_body(request, ("thumbprint",))
        thumbprint = body.get("thumbprint")
        if not isinstance(thumbprint, str) or not server.host.stores.orphan_key(thumbprint):
            raise ApiError(400, f"thumbprint is {thumbprint!r}; there is no such certificate with a key in My")
        return web.json_response(_shown(server))

    async def add_ssh_fault(self, request: web.Request) -> web.Response:
        server, body = self._server(request), await json_body(request, ("kind",))
        kind = body.get("kind")
        if kind not in _SSH_FAULTS:
            raise ApiError(400, f"kind is {kind!r}; it can be {', '.join(_SSH_FAULTS)}")
        server.host.faults.add(kind)
        return web.json_response({"ssh_faults": sorted(server.host.faults)})

    async def clear_ssh_faults(self, request: web.Request) -> web.Response:
        server = self._server(request)
        server.host.faults.clear()
        return web.json_response({"ssh_faults": []})

    async def clients(self, _request: web.Request) -> web.Response:
        return web.json_response([client.shown() for client in self._vms.clients.values()])

    async def client(self, request: web.Request) -> web.Response:
        return web.json_response(self._client(request).shown())

    async def trust(self, request: web.Request) -> web.Response:
        client, body = self._client(request), await json_body(request, ("trusted",))
        trusted = body.get("trusted")
        if not isinstance(trusted, list) or not all(isinstance(pem, str) for pem in trusted):
            raise ApiError(400, "trusted is a list of certificates in PEM form")
        client.trust(trusted)
        return web.json_response(client.shown())


def _shown(server: VmsServer) -> dict[str, object]:
    return {
        "name": server.name,
        "address": server.address,
        "power": server.power,
        "unreachable": server.unreachable,
        "listening": [
            {"port": listener.port, "scheme": "https" if listener.tls else "http"}
            for listener in server.listeners()
            if listener.is_open
        ],
        **server.short_state(),
        **server.full_state(),
    }
