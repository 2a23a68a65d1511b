# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A server of the VMS: a Windows host, the services that run on it, and where they listen."""

from __future__ import annotations

import asyncio
import dataclasses as dc
import functools
import ssl
import typing as t

from aiohttp import web

from ._clock import Clock
from ._device import Device, ReadOnly
from ._frame import ApiError
from ._listener import Handler, Listener, PortError
from ._vms_catalog import (
    CONFIGURATOR,
    DATA_COLLECTOR,
    EVENT,
    FAILOVER,
    GROUPS,
    IIS,
    IIS_APP_ID,
    MANAGEMENT,
    MOBILE,
    RECORDER_CONFIGURATION,
    RECORDING,
    ROLES,
    SERVER,
    STREAMING,
)
from ._vms_certificates import Bound, Presenter
from ._vms_spec import VmsServerSpec
from ._windows_host import WindowsHost
from ._windows_parts import Binding, Process, Service
from ._windows_store import Entry, Stores

__all__ = ["RESTART_SECONDS", "Port", "VmsServer"]

#: How long a service is away when ServerConfigurator restarts it. INFERRED.
RESTART_SECONDS: t.Final = 5.0
_RUNNING: t.Final = "Running"
_STARTING: t.Final = "StartPending"
_STOPPED: t.Final = "Stopped"
_CONFIGURATOR: t.Final = "ServerConfigurator"


@dc.dataclass(frozen=True, kw_only=True)
class Port:
    """Where a service listens, and with which certificate group's certificate (or IIS' own); plain without a group."""

    number: int
    service: str
    group: str | None


class _Door(Listener):
    """A listener that asks at each handshake what is to be presented (VMS-17)."""

    def __init__(
        self, *, address: str, port: int, handler: Handler, present: t.Callable[[], ssl.SSLContext] | None
    ) -> None:
        super().__init__(address=address, port=port, handler=handler, tls=present() if present else None)
        self._present = present

    def _present_tls(self) -> ssl.SSLContext:
        assert self._present is not None
        return self._present()


class VmsServer(Device):
    """A host of the VMS. What the API gateway answers is plugged in for the management server."""

    kind = "vms_server"
    realm = "XProtect"
    spec: VmsServerSpec

    def __init__(
        self,
        *,
        spec: VmsServerSpec,
        clock: Clock,
        read_only: ReadOnly,
        resolve: t.Callable[[str], str | None],
        authorized_keys: t.Sequence[str] = (),
    ) -> None:
        super().__init__(spec=spec, clock=clock, read_only=read_only)
        self.host = self._make_host(resolve, authorized_keys)
        self.certificates = Presenter(self.host, spec.service_account)
        self._give_iis_its_own()
        self._write_configuration()
        self.gateway: t.Callable[[web.BaseRequest], t.Awaitable[web.StreamResponse]] | None = None
        # What is kept with a server without being its own, by name: the management server's configuration.
        self.kept: dict[str, t.Any] = {}
        self._doors: dict[Port, _Door] = {}
        self._loop: asyncio.AbstractEventLoop | None = None
        self._opening = asyncio.Lock()
        self._halted = True

    def _make_host(self, resolve: t.Callable[[str], str | None], authorized_keys: t.Sequence[str]) -> WindowsHost:
        spec = self.spec
        host = WindowsHost(
            name=spec.name,
            address=spec.address,
            host_name=spec.full_name,
            clock=self.clock,
            read_only=self.read_only,
            resolve=resolve,
            port=spec.ssh_port,
            account=spec.username,
            password=spec.ssh_password,
            authorized_keys=authorized_keys,
            locale=spec.locale,
            key_storage="csp" if spec.legacy_csp else "cng",
            clock_offset=spec.clock_offset,
        )
        if host.service_sid(spec.service_account) is None:
            host.add_account(spec.service_account)
        for name in spec.services:
            start = "Manual" if spec.cold_standby and name == ROLES[FAILOVER].recording_service else "Automatic"
            host.services[name] = Service(name=name, display_name=name, account=spec.service_account, start_type=start)
        return host

    def _give_iis_its_own(self) -> None:
        if self.spec.iis_certificate and not self.certificates.iis:
            self.certificates.make_iis(self.spec.full_name)

    # -- as a verifier -------------------------------------------------------------------------------------------

    @property
    def source(self) -> str:
        """The address that it connects from."""
        return self.spec.address

    @property
    def stores(self) -> Stores:
        return self.host.stores

    @property
    def on(self) -> bool:
        return self.power == "on"

    @property
    def stands_by(self) -> bool:
        """Whether it is in cold standby and has not taken over: nobody fetches streams from it."""
        service = self.host.services.get(ROLES[FAILOVER].recording_service)
        return self.spec.cold_standby and service is not None and service.status == _STOPPED

    # -- what is encrypted ---------------------------------------------------------------------------------------

    def encrypted(self, group: str) -> bool:
        """Whether encryption is switched on for a certificate group."""
        return group in self.certificates.bound

    def bind_group(self, group: str, bound: Bound | None) -> None:
        """Switch a group on with a certificate, or off."""
        if bound is None:
            self.certificates.bound.pop(group, None)
        else:
            self.certificates.bound[group] = bound
        self._publish_bindings()
        self._write_configuration()

    def _write_configuration(self) -> None:
        """The file in which a recording server has what ServerConfigurator told it."""
        if not self.spec.is_recording:
            return
        bound = self.certificates.bound.get(STREAMING)
        hash_of, enabled = (bound.thumbprint, "true") if bound is not None else ("", "false")
        text = (
            '<?xml version="1.0" encoding="utf-8"?>\r\n<recorderconfig>\r\n  <webserver>\r\n'
            f"    <port>{self.spec.streaming_port}</port>\r\n"
            f'    <serverEncryption enabled="{enabled}" certificateHash="{hash_of}" />\r\n'
            "  </webserver>\r\n</recorderconfig>\r\n"
        )
        files = self.host.files
        files.make_folder(RECORDER_CONFIGURATION.rpartition("\\")[0])
        files.write(RECORDER_CONFIGURATION, text.encode())

    def _publish_bindings(self) -> None:
        """HTTP.sys' table: what is presented at the ports of the groups that it serves. INFERRED: it follows VMS-17."""
        shown = [(port, *self._in_table(port.group)) for port in self.wanted_ports() if port.group is not None]
        self.host.bindings[:] = [
            Binding(endpoint=f"0.0.0.0:{port.number}", thumbprint=entry.thumbprint, app_id=app_id)
            for port, app_id, entry in shown
            if app_id and entry is not None
        ]

    def _in_table(self, group: str) -> tuple[str, Entry | None]:
        """Which application stands for a group in HTTP.sys' table, and with which certificate."""
        if group == IIS:
            return IIS_APP_ID, self.certificates.iis_entry()
        return GROUPS[group].app_id, self.certificates.entry(group)

    # -- where it listens ----------------------------------------------------------------------------------------

    def wanted_ports(self) -> list[Port]:
        """What is to be open, by what is encrypted, when all services run."""
        spec, roles = self.spec, self.spec.roles
        ports = [self._either(spec.data_collector_port, DATA_COLLECTOR, SERVER)]
        if spec.is_management:
            # The plain port stays open: it refuses when encryption is on (INFERRED: as IIS does it, 403).
            service = ROLES[MANAGEMENT].service
            ports.append(Port(number=spec.http_port, service=service, group=None))
            ports += self._encrypted_only(spec.https_port, service, SERVER)
            if spec.iis_certificate and not self.encrypted(SERVER):
                # INFERRED: what a default site of IIS does; switching encryption on takes the binding's place.
                ports.append(Port(number=spec.https_port, service=service, group=IIS))
        for role in (role for role in RECORDING if role in roles):
            service = ROLES[role].streams
            ports.append(self._either(spec.webapi_port, service, SERVER))
            ports.append(self._either(spec.streaming_port, service, STREAMING))
        if MOBILE in roles:
            service = ROLES[MOBILE].service
            ports.append(Port(number=spec.mobile_http_port, service=service, group=None))
            ports += self._encrypted_only(spec.mobile_https_port, service, MOBILE)
        if EVENT in roles:
            ports.append(self._either(spec.event_port, ROLES[EVENT].service, EVENT))
        # A host with both kinds of recording server has one of the ports.
        return list({port.number: port for port in ports}.values())

    def _either(self, number: int, service: str, group: str) -> Port:
        return Port(number=number, service=service, group=group if self.encrypted(group) else None)

    def _encrypted_only(self, number: int, service: str, group: str) -> list[Port]:
        return [Port(number=number, service=service, group=group)] if self.encrypted(group) else []

    def listeners(self) -> t.Iterable[Listener]:
        return self._doors.values()

    async def reconcile(self) -> None:
        """Open and close what the state says; PortError when a port cannot be had."""
        async with self._opening:
            if self._halted:
                return
            running = {name for name, service in self.host.services.items() if service.status == _RUNNING}
            wanted = [port for port in self.wanted_ports() if port.service in running]
            for port in [port for port in self._doors if port not in wanted]:
                await self._doors.pop(port).close()
            for port in wanted:
                if port not in self._doors:
                    await self._open(port)
            self._publish_bindings()

    async def _open(self, port: Port) -> None:
        door = _Door(
            address=self.spec.address,
            port=port.number,
            handler=functools.partial(self._answer, port),
            present=self._presenting(port.group),
        )
        self._doors[port] = door
        await door.open()

    def _presenting(self, group: str | None) -> t.Callable[[], ssl.SSLContext] | None:
        """What asks for the certificate of each handshake."""
        if group is None:
            return None
        return self.certificates.iis_context if group == IIS else functools.partial(self.certificates.context, group)

    # -- requests ------------------------------------------------------------------------------------------------

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """What a service that is no API gateway says; it says it to anybody."""
        del request
        return web.Response(text=f"Milestone XProtect {self.spec.version}\r\n")

    async def _answer(self, port: Port, request: web.BaseRequest) -> web.StreamResponse:
        if self.gateway is None or port.service != ROLES[MANAGEMENT].service:
            return await self.handle(request)
        if port.group is None and self.encrypted(SERVER):
            text = "403.4 - Forbidden: SSL is required to view this resource."
            return web.Response(status=403, text=text)
        return await self.gateway(request)

    # -- services ------------------------------------------------------------------------------------------------

    def services_of(self, group: str) -> tuple[str, ...]:
        """The services that a certificate group's change restarts."""
        roles = [ROLES[role] for role in self.spec.roles if group in ROLES[role].groups]
        services = [role.service for role in roles]
        services += [role.recording_service for role in roles if role.recording_service and not self.stands_by]
        return (*services, DATA_COLLECTOR) if group == SERVER else tuple(services)

    async def restart_services(self, names: t.Sequence[str]) -> bool:
        """Restart services; False when one does not start again.

        They are away for a while of device time. While the clock stands still nobody waits for them: `advance` brings
        them back.
        """
        for name in names:
            self.host.services[name].status = _STARTING
        await self._reconcile_late()
        failing = {ROLES[role].service for role in self.spec.failing_services}
        boots, back = self._boots, asyncio.Event()

        async def up() -> None:
            if self._boots == boots:
                for name in names:
                    self.host.services[name].status = _STOPPED if name in failing else _RUNNING
                await self._reconcile_late()
            back.set()

        self.clock.call_in(RESTART_SECONDS, up)
        if self.clock.speed > 0:
            await back.wait()
        return not failing.intersection(names)

    async def set_service(self, name: str, status: str) -> None:
        """Stop or start a service, as somebody does by hand; its ports close and open with it.

        ApiError for a service that is not there or does not start.
        """
        service = self.host.services.get(name)
        if service is None:
            raise ApiError(400, f"{self.name} has no service {name!r}; it has {', '.join(self.host.services)}")
        if self.power != "on":
            raise ApiError(400, f"{self.name} is powered off")
        if status == _RUNNING and name in {ROLES[role].service for role in self.spec.failing_services}:
            raise ApiError(400, f"the service {name!r} does not start (failing_services)")
        service.status = status
        await self._reconcile_late()
        self.on_change(self)

    async def _reconcile_late(self) -> None:
        """When nobody waits for an answer: a port that cannot be had is shown as `unreachable`."""
        try:
            await self.reconcile()
        except PortError as error:
            self.unreachable = str(error)

    def _host_changed(self) -> None:
        """Something on the host is different; this is called in whatever thread changed it."""
        loop = self._loop
        if loop is not None and not loop.is_closed():
            loop.call_soon_threadsafe(self._follow_host)

    def _follow_host(self) -> None:
        if self.power == "on":
            self.clock.track(self._reconcile_late())
        self.on_change(self)

    # -- processes -----------------------------------------------------------------------------------------------

    def configurator_runs(self) -> bool:
        return any(process.name.lower() == _CONFIGURATOR.lower() for process in self.host.processes)

    def start_configurator(self) -> Process:
        """A process of ServerConfigurator, which stays until somebody ends it."""
        number = max((process.id for process in self.host.processes), default=4000) + 4
        process = Process(id=number, name=_CONFIGURATOR, path=CONFIGURATOR)
        self.host.processes.append(process)
        self.on_change(self)
        return process

    def end_process(self, process: Process) -> None:
        self.host.processes[:] = [one for one in self.host.processes if one.id != process.id]

    # -- power ---------------------------------------------------------------------------------------------------

    async def boot(self) -> None:
        self._loop = asyncio.get_running_loop()
        failing = {ROLES[role].service for role in self.spec.failing_services}
        for name, service in self.host.services.items():
            starts = service.start_type == "Automatic" and name not in failing
            service.status = _RUNNING if starts else _STOPPED
        # A process does not outlive its computer.
        self.host.processes[:] = [process for process in self.host.processes if process.name != _CONFIGURATOR]
        await self.host.power_on()
        self._halted = False
        await self.reconcile()
        self.host.on_change = self.host.stores.on_change = self._host_changed

    async def halt(self) -> None:
        self.host.on_change = self.host.stores.on_change = lambda: None
        self._halted = True
        await self.host.power_off()
        async with self._opening:
            doors, self._doors = self._doors, {}
            for door in doors.values():
                await door.close()

    def change_spec(self, changes: t.Mapping[str, t.Any]) -> None:
        self.spec = dc.replace(self.spec, **changes)
        self.host.clock_offset = self.spec.clock_offset
        self.on_change(self)

    # -- state ---------------------------------------------------------------------------------------------------

    def short_state(self) -> dict[str, object]:
        return {
            "host_name": self.spec.full_name,
            "roles": list(self.spec.roles),
            "encrypted": [group for group in self.spec.groups if self.encrypted(group)],
        }

    def full_state(self) -> dict[str, object]:
        stores = {
            store: [
                {
                    "thumbprint": entry.thumbprint,
                    "subject": entry.subject,
                    "not_before": entry.certificate.not_valid_before_utc.isoformat(),
                    "not_after": entry.certificate.not_valid_after_utc.isoformat(),
                    "has_key": entry.key is not None,
                    "orphaned": entry.orphaned,
                    "key_readable": self.certificates.readable(entry.thumbprint),
                }
                for entry in self.host.stores.entries(store)
            ]
            for store in ("My", "Root", "CA")
        }
        return {
            "stores": stores,
            "groups": {group: self.certificates.shown(group) for group in self.spec.groups},
            "services": {name: service.status for name, service in self.host.services.items()},
            "processes": [dc.asdict(process) for process in self.host.processes],
            "bindings": [dc.asdict(binding) for binding in self.host.bindings],
            "service_account": self.spec.service_account,
            "ssh_faults": sorted(self.host.faults),
        }

    def dump(self) -> dict[str, t.Any]:
        return {
            "host": self.host.dump(),
            "groups": {group: dc.asdict(bound) for group, bound in self.certificates.bound.items()},
            "live": {name: getattr(self.spec, name) for name in self.spec.LIVE},
            "kept": self.kept,
            "iis": self.certificates.iis,
        }

    def load(self, data: t.Mapping[str, t.Any]) -> None:
        self.host.load(data["host"])
        self.certificates.bound = {group: Bound(**bound) for group, bound in data["groups"].items()}
        live = {**data["live"], "failing_services": tuple(data["live"]["failing_services"])}
        self.spec = dc.replace(self.spec, **live)
        self.host.clock_offset = self.spec.clock_offset
        self.kept = dict(data["kept"])
        self.certificates.iis = data.get("iis", "")
        self._give_iis_its_own()
