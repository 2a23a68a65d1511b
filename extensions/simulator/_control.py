# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The control interface: JSON over HTTP on loopback, apart from the devices."""

from __future__ import annotations

import typing as t

from aiohttp import web

from ._cinema_control import cinema_routes
from ._device import Device
from ._faults import KINDS, Fault
from ._fleet import convert, fleet_yaml, inventory_yaml, parse_fleet
from ._frame import ApiError, json_body
from ._listener import PortError
from ._simulator import Simulator
from ._spec import FleetError
from ._spec_common import is_loopback
from ._vms_control import vms_routes

__all__ = ["Control"]

Json = dict[str, t.Any]


class Control:
    """Serves one simulator."""

    def __init__(self, simulator: Simulator, *, address: str, port: int, https_port: int) -> None:
        self._simulator = simulator
        self._address = address
        self._port = port
        self._https_port = https_port
        self._runner: web.AppRunner | None = None
        self.url = ""

    async def start(self) -> None:
        app = web.Application(middlewares=[_errors])
        app.add_routes([
            web.get("/devices", self._devices),
            web.get("/devices/{name}", self._device),
            web.get("/devices/{name}/requests", self._requests),
            web.delete("/devices/{name}/requests", self._clear_requests),
            web.post("/devices/{name}/fault", self._add_fault),
            web.delete("/devices/{name}/fault", self._clear_faults),
            web.post("/devices/{name}/set", self._set),
            web.post("/devices/{name}/{action:restart|power_off|power_on|lock_out|factory_reset}", self._act),
            web.post("/devices/{name}/move", self._move),
            web.post("/reset", self._reset),
            web.post("/seed", self._seed),
            web.get("/clock", self._clock),
            web.post("/clock", self._change_clock),
            web.get("/read_only", self._read_only),
            web.post("/read_only", self._set_read_only),
            web.get("/fleet", self._fleet),
            web.get("/inventory", self._inventory),
            *cinema_routes(self._simulator),
            *vms_routes(self._simulator),
        ])  # fmt: skip
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.5)
        await self._runner.setup()
        site = web.TCPSite(self._runner, self._address, self._port)
        try:
            await site.start()
        except OSError as error:
            raise FleetError(
                f"the control port {self._address}:{self._port} cannot be opened ({error.strerror})"
            ) from error
        self._port = self._runner.addresses[0][1]
        self.url = f"http://{self._address}:{self._port}"

    async def stop(self) -> None:
        if self._runner is not None:
            await self._runner.cleanup()

    # -- devices -------------------------------------------------------------------------------------------------

    def _find(self, request: web.Request) -> Device:
        name = request.match_info["name"]
        device = self._simulator.devices.get(name)
        if device is None:
            raise ApiError(404, f"there is no device {name!r}")
        return device

    async def _devices(self, _request: web.Request) -> web.Response:
        return web.json_response([_row(device) for device in self._simulator.devices.values()])

    async def _device(self, request: web.Request) -> web.Response:
        device = self._find(request)
        return web.json_response({
            **_row(device),
            "model": device.spec.model,
            "version": device.spec.version,
            "faults": [fault.as_json() for fault in device.faults],
            "requests": device.log.counts,
            "state": device.full_state(),
        })  # fmt: skip

    async def _requests(self, request: web.Request) -> web.Response:
        log = self._find(request).log
        return web.json_response({
            "requests": list(log.entries),
            "counts": log.counts,
            "statuses": log.statuses,
            "calls": log.calls,
        })  # fmt: skip

    async def _clear_requests(self, request: web.Request) -> web.Response:
        self._find(request).log.clear()
        return web.json_response({})

    async def _add_fault(self, request: web.Request) -> web.Response:
        device, body = self._find(request), await json_body(request, ("kind", "count", "path", "after_write"))
        kind, count, path, after = (body.get(key) for key in ("kind", "count", "path", "after_write"))
        if kind not in KINDS:
            raise ApiError(400, f"kind is {kind!r}; it can be {', '.join(KINDS)}")
        if count is not None and (not isinstance(count, int) or isinstance(count, bool) or count < 1):
            raise ApiError(400, f"count is {count!r}; it is a number of requests")
        if not isinstance(path, (str, type(None))) or not isinstance(after, (bool, type(None))):
            raise ApiError(400, "path is a text, after_write is true or false")
        device.faults.append(Fault(kind=kind, count=count, path=path, after_write=bool(after)))
        return web.json_response({"faults": [fault.as_json() for fault in device.faults]})

    async def _clear_faults(self, request: web.Request) -> web.Response:
        device = self._find(request)
        for fault in device.faults:
            fault.cleared.set()
        device.faults.clear()
        return web.json_response({"faults": []})

    async def _set(self, request: web.Request) -> web.Response:
        device, body = self._find(request), await json_body(request, None)
        expire = body.pop("expire_certificate", False)
        for name in body:
            if name not in device.spec.LIVE:
                raise ApiError(400, f"{name!r} cannot be set; {', '.join(device.spec.LIVE)} can")
        changes = {name: convert(type(device.spec), name, value, device.name) for name, value in body.items()}
        device.change_spec(changes)
        if expire:
            device.expire_certificate()
        return web.json_response(_row(device))

    async def _act(self, request: web.Request) -> web.Response:
        device, action = self._find(request), request.match_info["action"]
        if action == "lock_out":
            device.lock_out()
        elif action == "factory_reset":
            await device.factory_reset()
        elif action == "restart":
            await device.restart()
        elif action == "power_off":
            await device.power_off()
        else:
            await device.power_on()
        return web.json_response(_row(device))

    async def _move(self, request: web.Request) -> web.Response:
        device, body = self._find(request), await json_body(request, ("address",))
        address = body.get("address")
        if not isinstance(address, str) or not is_loopback(address):
            raise ApiError(400, f"address is {address!r}; it is a loopback address")
        await device.move(address)
        device.on_change(device)
        return web.json_response(_row(device))

    # -- the whole -----------------------------------------------------------------------------------------------

    async def _reset(self, _request: web.Request) -> web.Response:
        await self._simulator.reset()
        return await self._devices(_request)

    async def _seed(self, request: web.Request) -> web.Response:
        fleet = parse_fleet(await request.text())
        await self._simulator.reset(fleet)
        return await self._devices(request)

    async def _clock(self, _request: web.Request) -> web.Response:
        clock = self._simulator.clock
        return web.json_response({"now": clock.now(), "speed": clock.speed})

    async def _change_clock(self, request: web.Request) -> web.Response:
        body = await json_body(request, ("advance", "speed"))
        for name, value in body.items():
            if not isinstance(value, (int, float)) or isinstance(value, bool) or value < 0:
                raise ApiError(400, f"{name} is {value!r}; it is a number of seconds or a factor, not below 0")
        if "speed" in body:
            self._simulator.clock.set_speed(float(body["speed"]))
        if "advance" in body:
            await self._simulator.clock.advance(float(body["advance"]))
        return await self._clock(request)

    async def _read_only(self, _request: web.Request) -> web.Response:
        switch = self._simulator.read_only
        return web.json_response({"enabled": switch.enabled, "refused": switch.refused})

    async def _set_read_only(self, request: web.Request) -> web.Response:
        body = await json_body(request, ("enabled",))
        if not isinstance(body.get("enabled"), bool):
            raise ApiError(400, "enabled is true or false")
        self._simulator.read_only.enabled = body["enabled"]
        if body["enabled"]:
            self._simulator.read_only.refused = 0
        return await self._read_only(request)

    async def _fleet(self, _request: web.Request) -> web.Response:
        return web.Response(text=fleet_yaml(self._simulator.fleet), content_type="application/yaml")

    async def _inventory(self, _request: web.Request) -> web.Response:
        simulator = self._simulator
        text = inventory_yaml(
            simulator.fleet, https_port=self._https_port, speed=simulator.clock.speed, facts=simulator.facts()
        )
        return web.Response(text=text, content_type="application/yaml")


def _row(device: Device) -> Json:
    return {
        "name": device.name,
        "kind": device.kind,
        "address": device.address,
        "http_port": device.spec.http_port,
        "power": device.power,
        "unreachable": device.unreachable,
        "listening": [
            {"port": listener.port, "scheme": "https" if listener.tls else "http"}
            for listener in device.listeners()
            if listener.is_open
        ],
        **device.short_state(),
    }


@web.middleware
async def _errors(
    request: web.Request, handler: t.Callable[[web.Request], t.Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    try:
        return await handler(request)
    except ApiError as error:
        return web.json_response({"error": error.reason}, status=error.status)
    except FleetError as error:
        return web.json_response({"error": str(error)}, status=400)
    except PortError as error:
        return web.json_response({"error": str(error)}, status=500)
