# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A whole VMS: its servers, its hardware, and the clients that fetch streams."""

from __future__ import annotations

import asyncio
import base64
import ssl
import typing as t

from ._clock import Clock
from ._device import ReadOnly
from ._frame import ApiError
from ._spec import Fleet
from ._vms_configurator import install
from ._vms_gateway import Gateway
from ._vms_hardware import Hardware
from ._vms_links import LinkState, management_link, server_links, try_link, try_links
from ._vms_server import VmsServer
from ._vms_spec import VmsClientSpec, is_certificate
from ._windows_store import Stores

__all__ = ["VmsClient", "VmsSystem"]


class VmsClient:
    """A client; it connects from anywhere, and trusts what it was given."""

    source: t.Final = "127.0.0.1"
    on: t.Final = True

    def __init__(self, spec: VmsClientSpec, clock: Clock) -> None:
        self.spec = spec
        self._clock = clock
        self.stores = Stores()
        self.on_change: t.Callable[[VmsClient], None] = lambda _client: None
        self._trust("".join(spec.trusted))

    @property
    def name(self) -> str:
        return self.spec.name

    def now(self) -> float:
        """The client's own clock."""
        return self._clock.now()

    def fetches(self, group: str, server: str) -> bool:
        """Whether it fetches streams of that kind from a server."""
        return self.spec.group == group and (not self.spec.servers or server in self.spec.servers)

    def trust(self, pems: t.Sequence[str]) -> None:
        """Trust these authorities, and no others."""
        for pem in pems:
            if not is_certificate(pem):
                raise ApiError(400, "trusted has an entry that is no certificate in PEM form")
        self.stores = Stores()
        self._trust("".join(pems))
        self.on_change(self)

    def _trust(self, pem: str) -> None:
        for part in pem.split("-----END CERTIFICATE-----")[:-1]:
            self.stores.add("Root", ssl.PEM_cert_to_DER_cert(f"{part.strip()}\n-----END CERTIFICATE-----\n"))

    def shown(self) -> dict[str, object]:
        """As the control interface shows it."""
        trusted = [{"thumbprint": one.thumbprint, "subject": one.subject} for one in self.stores.entries("Root")]
        return {"name": self.name, "kind": self.spec.kind, "servers": list(self.spec.servers), "trusted": trusted}

    def dump(self) -> dict[str, t.Any]:
        return {"trusted": [base64.b64encode(entry.der).decode() for entry in self.stores.entries("Root")]}

    def load(self, data: t.Mapping[str, t.Any]) -> None:
        self.stores = Stores()
        for der in data["trusted"]:
            self.stores.add("Root", base64.b64decode(der))


class VmsSystem:
    """The VMS of a fleet that has one."""

    def __init__(
        self, *, fleet: Fleet, clock: Clock, read_only: ReadOnly, authorized_keys: t.Sequence[str] = ()
    ) -> None:
        self._addresses = {spec.full_name.lower(): spec.address for spec in fleet.vms_servers}
        self.servers = {
            spec.name: VmsServer(
                spec=spec,
                clock=clock,
                read_only=read_only,
                resolve=self._resolve,
                authorized_keys=authorized_keys,
            )
            for spec in fleet.vms_servers
        }
        self.clients = {spec.name: VmsClient(spec, clock) for spec in fleet.vms_clients}
        self.hardware = {one.id: one for one in map(Hardware, fleet.vms_hardware)}

    @property
    def management(self) -> VmsServer:
        return next(server for server in self.servers.values() if server.spec.is_management)

    def _resolve(self, name: str) -> str | None:
        """What the site's name server says."""
        return self._addresses.get(name.lower().rstrip("."))

    async def power_on(self) -> None:
        """Plug the programs and the gateway in, and start all servers; they have their state by now."""
        management = self.management
        for one in self.hardware.values():
            kept = management.kept.get("hardware", {}).get(one.spec.name)
            if kept is not None:
                one.load(kept)
        management.gateway = Gateway(management, list(self.servers.values()), self.hardware).answer
        for server in self.servers.values():
            install(server, self._register, management.spec.full_name)
        await asyncio.gather(*(server.power_on() for server in self.servers.values()))

    async def _register(self, server: VmsServer) -> str | None:
        """Log in at the identity provider of the management server, over a connection such as the server makes."""
        if server is self.management:
            return None
        state = await try_link(management_link(self.management, server))
        return state.reason if state.status == "broken" else None

    async def links(self) -> list[LinkState]:
        """Every link, tried now."""
        servers = list(self.servers.values())
        meetings = server_links(self.management, servers, list(self.clients.values()))
        hardware = [(self.servers[one.spec.recording_server], one) for one in self.hardware.values()]
        return await try_links(meetings, hardware)
