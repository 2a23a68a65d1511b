# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The fleet of devices, their common clock and what keeps their state."""

from __future__ import annotations

import asyncio
import json
import pathlib
import typing as t

from ._axis import AxisCamera
from ._camera import Camera
from ._cinema import CinemaCamera
from ._clock import Clock
from ._device import Device, ReadOnly
from ._ftpes_fleet import FtpesServers
from ._listener import PortError
from ._onvif import OnvifCamera
from ._recorder import Recorder
from ._recorder_state import BuiltIn
from ._spec import Fleet, FleetError
from ._store import Folder, Store
from ._sunell import SunellCamera
from ._sunell_firmware import Firmwares
from ._vms_login import VmsLogin

if t.TYPE_CHECKING:
    from ._vms_system import VmsSystem

__all__ = ["Simulator"]

_CLOCK_FILE: t.Final = "_clock"
_SAVE_AFTER: t.Final = 0.2


class _Kept(t.Protocol):
    """What has a state of its own that is kept."""

    @property
    def name(self) -> str: ...
    def dump(self) -> dict[str, t.Any]: ...


class Simulator:
    """Devices on one event loop."""

    def __init__(self, *, fleet: Fleet, clock: Clock, state_dir: pathlib.Path | None = None) -> None:
        self.fleet = fleet
        self.clock = clock
        self.read_only = ReadOnly()
        self.devices: dict[str, Device] = {}
        self.cinema: dict[str, CinemaCamera] = {}
        self.ftpes = FtpesServers()
        self.vms: VmsSystem | None = None
        self._vms_login = VmsLogin(state_dir)
        self._folder = Folder(state_dir)
        self._store = Store(state_dir) if state_dir is not None else None
        self._unsaved: dict[str, _Kept] = {}
        self._saving: asyncio.TimerHandle | None = None
        self._changing = asyncio.Lock()
        self._built_in: dict[str, BuiltIn] = {}
        self._firmwares = Firmwares()

    async def start(self) -> None:
        self._resume_clock()
        await self._start_devices()

    def _resume_clock(self) -> None:
        if self._store is not None and (kept := self._load(_CLOCK_FILE)) is not None:
            # Time never runs backwards over a restart, however far it had been advanced.
            self.clock.jump_to(max(float(kept["now"]), self.clock.now()))

    async def _start_devices(self) -> None:
        self.vms = self._build_vms()
        self.devices = self._build()
        # Cameras first, so that the recorders' first try finds them.
        cameras = [device for device in self.devices.values() if isinstance(device, (Camera, OnvifCamera, AxisCamera))]
        recorders = [device for device in self.devices.values() if isinstance(device, Recorder)]
        sunell = [device for device in self.devices.values() if isinstance(device, SunellCamera)]
        try:
            for camera in cameras:
                await camera.power_on()
            await asyncio.gather(*(camera.power_on() for camera in sunell))
            await asyncio.gather(*(recorder.power_on() for recorder in recorders))
            self.cinema = self._build_cinema()
            await self.ftpes.start(self.fleet.ftpes_servers, self._folder.path / "ftpes")
            for one in self.cinema.values():
                await one.power_on()
            if self.vms is not None:
                await self.vms.power_on()
                self._vms_login.write_known_hosts(self.vms.servers.values())
        except PortError as error:
            await self._stop_devices()
            raise FleetError(str(error)) from error

    def _build(self) -> dict[str, Device]:
        devices: dict[str, Device] = {}
        for spec in self.fleet.recorders:
            cameras = sorted(
                (camera for camera in self.fleet.cameras if camera.recorder == spec.name),
                key=lambda camera: camera.camera_number,
            )
            devices[spec.name] = Recorder(spec=spec, cameras=cameras, clock=self.clock, read_only=self.read_only)
        for camera in self.fleet.cameras:
            devices[camera.name] = Camera(spec=camera, clock=self.clock, read_only=self.read_only)
        for one in self.fleet.sunell_cameras:
            devices[one.name] = SunellCamera(
                spec=one, clock=self.clock, read_only=self.read_only, firmwares=self._firmwares
            )
        for axis in self.fleet.axis_cameras:
            devices[axis.name] = AxisCamera(spec=axis, clock=self.clock, read_only=self.read_only)
        for onvif in self.fleet.onvif_cameras:
            devices[onvif.name] = OnvifCamera(spec=onvif, clock=self.clock, read_only=self.read_only)
        devices.update(self.vms.servers if self.vms is not None else {})
        for device in devices.values():
            kept = self._load(device.name)
            if kept is not None:
                device.load(kept)
            elif isinstance(device, Recorder):
                # The built-in root outlives a factory reset.
                device.state.built_in = self._built_in.get(device.spec.address, device.state.built_in)
            device.on_change = self._changed
        return devices

    def _build_vms(self) -> VmsSystem | None:
        """The fleet's VMS, if it has one; its servers are devices, and get their state with the others."""
        if not self.fleet.vms_servers:
            return None
        # asyncssh is only for fleets with a VMS.
        from ._vms_system import VmsSystem  # noqa: PLC0415

        vms = VmsSystem(
            fleet=self.fleet,
            clock=self.clock,
            read_only=self.read_only,
            authorized_keys=[self._vms_login.public_key()],
        )
        for client in vms.clients.values():
            if (kept := self._load(client.name)) is not None:
                client.load(kept)
            client.on_change = self._changed
        return vms

    def _build_cinema(self) -> dict[str, CinemaCamera]:
        cameras: dict[str, CinemaCamera] = {}
        for spec in self.fleet.cinema_cameras:
            folder = self._folder.path / "cards" / spec.name
            camera = CinemaCamera(spec=spec, clock=self.clock, read_only=self.read_only, folder=folder)
            if (kept := self._load(spec.name)) is not None:
                camera.load(kept)
            camera.on_change = self._changed
            cameras[spec.name] = camera
        return cameras

    def facts(self) -> dict[str, dict[str, t.Any]]:
        """What the inventory says of cinema cameras, FTPES servers and VMS servers beyond the fleet file."""
        cameras = {
            name: {
                "ftpes_camera_card_path": str(camera.card.root),
                "ftpes_camera_require_mount": False,
                "ftpes_camera_sftp_port": camera.spec.sftp_port,
                "ftpes_camera_sftp_host_key": camera.door.public_key(),
            }
            for name, camera in self.cinema.items()
        }
        root = str(self.ftpes.root_path)
        endpoints = {name: {"camsec_ftpes_ca_path": root} for name in self.ftpes.servers}
        servers = {spec.name: self._vms_login.facts() for spec in self.fleet.vms_servers}
        return {**cameras, **endpoints, **servers}

    def _load(self, name: str) -> dict[str, t.Any] | None:
        if self._store is None:
            return None
        try:
            return self._store.load(name)
        except json.JSONDecodeError as error:
            raise FleetError(f"the state file of {name!r} is damaged") from error

    # -- keeping the state ---------------------------------------------------------------------------------------

    def _changed(self, device: _Kept) -> None:
        name = device.name
        client = self.vms.clients.get(name) if self.vms is not None else None
        known = (self.devices.get(name), self.cinema.get(name), client)
        if self._store is None or device not in known:
            return
        self._unsaved[device.name] = device
        if self._saving is None:
            self._saving = asyncio.get_running_loop().call_later(_SAVE_AFTER, self.save)

    def save(self) -> None:
        if self._saving is not None:
            self._saving.cancel()
            self._saving = None
        if self._store is None:
            return
        unsaved, self._unsaved = self._unsaved, {}
        for name, device in unsaved.items():
            self._store.save(name, device.dump())
        self._store.save(_CLOCK_FILE, {"now": self.clock.now()})

    # -- changing the fleet --------------------------------------------------------------------------------------

    async def reset(self, fleet: Fleet | None = None) -> None:
        """Every device as the factory left it; with a fleet: that one instead."""
        async with self._changing:
            await self._stop_devices()
            self._unsaved.clear()
            if self._store is not None:
                self._store.clear()
            self._folder.clear()
            self.fleet = fleet or self.fleet
            self.read_only.enabled, self.read_only.refused = False, 0
            await self._start_devices()

    async def _stop_devices(self) -> None:
        devices, self.devices = self.devices, {}
        for device in devices.values():
            if isinstance(device, Recorder):
                self._built_in[device.spec.address] = device.state.built_in
            for fault in device.faults:
                fault.cleared.set()
        cinema, self.cinema = self.cinema, {}
        await asyncio.gather(*(device.power_off() for device in devices.values()))
        await asyncio.gather(*(camera.power_off() for camera in cinema.values()))
        await self.ftpes.stop()

    async def stop(self) -> None:
        for device in self.devices.values():
            self._changed(device)
        for camera in self.cinema.values():
            self._changed(camera)
        for client in self.vms.clients.values() if self.vms is not None else ():
            self._changed(client)
        self.save()
        await self._stop_devices()
        self._folder.remove()
        self._vms_login.remove()
        self.clock.stop()
