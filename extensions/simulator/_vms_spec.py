# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The servers, hardware and clients of a VMS, as a fleet file describes them."""

from __future__ import annotations

import dataclasses as dc
import re
import typing as t

from cryptography import x509

from ._spec_common import check_place, is_loopback, require
from ._vms_catalog import CLIENT_KINDS, DATA_COLLECTOR, EVENT, FAILOVER, MANAGEMENT, MOBILE, RECORDING, ROLES
from ._windows_host import LOCALES

__all__ = ["VmsClientSpec", "VmsHardwareSpec", "VmsServerSpec", "check_vms"]

_PORTS: t.Final = (
    "ssh_port", "http_port", "https_port", "data_collector_port", "webapi_port", "streaming_port", "mobile_http_port",
    "mobile_https_port", "event_port",
)  # fmt: skip


@dc.dataclass(frozen=True, kw_only=True)
class VmsServerSpec:
    """A Windows host of the VMS; `http_port` and `https_port` are the management server's."""

    name: str
    address: str
    roles: tuple[str, ...]
    host_name: str = ""
    version: str = "24.1"
    ssh_port: int = 2222
    username: str = "Administrator"
    password: str = ""
    service_account: str = "NT AUTHORITY\\NETWORK SERVICE"
    locale: str = "en-US"
    legacy_csp: bool = False
    configurator_authorized: bool = True
    failing_services: tuple[str, ...] = ()
    cold_standby: bool = False
    http_port: int = 8080
    https_port: int = 4443
    data_collector_port: int = 7609
    webapi_port: int = 9001
    streaming_port: int = 7563
    mobile_http_port: int = 8081
    mobile_https_port: int = 8082
    event_port: int = 22331
    iis_certificate: bool = False
    api_username: str = "camsec"
    api_password: str = ""
    clock_offset: float = 0.0

    LIVE: t.ClassVar[tuple[str, ...]] = ("configurator_authorized", "failing_services", "clock_offset")
    model: t.ClassVar[str] = "XProtect"
    # Nobody is locked out here: neither a basic user of the VMS nor an administrator of Windows.
    lockout_after: t.ClassVar[int] = 0
    lockout_seconds: t.ClassVar[float] = 0.0

    def __post_init__(self) -> None:
        where = f"VMS server {self.name!r}"
        check_place(self.name, self.address, where)
        known = ", ".join(ROLES)
        require(bool(self.roles), f"{where}: roles is empty; it can be {known}")
        for role in self.roles:
            require(role in ROLES, f"{where}: role {role!r} is not one of {known}")
        require(len(set(self.roles)) == len(self.roles), f"{where}: a role is there twice")
        good = re.fullmatch(r"[0-9A-Za-z]([0-9A-Za-z.\-]*[0-9A-Za-z])?", self.full_name)
        require(good is not None, f"{where}: host_name {self.host_name!r} is not a host name")
        require(self.locale in LOCALES, f"{where}: locale {self.locale!r} is not one of {', '.join(LOCALES)}")
        for role in self.failing_services:
            require(role in self.roles, f"{where}: failing_services {role!r} is not one of {', '.join(self.roles)}")
        for name in _PORTS:
            port = getattr(self, name)
            require(1 <= port <= 65535, f"{where}: {name} {port} is not 1 to 65535")
        taken = self.taken_ports
        require(len(set(taken)) == len(taken), f"{where}: two of its ports are the same")
        managing = self.is_management or not self.iis_certificate
        require(managing, f"{where}: iis_certificate is for a management server, which alone has IIS here")
        require(FAILOVER in self.roles or not self.cold_standby, f"{where}: cold_standby is for a {FAILOVER}")
        require(bool(self.username and self.service_account), f"{where}: username and service_account must be there")

    @property
    def full_name(self) -> str:
        """What its certificates have to name (VMS-12)."""
        return self.host_name or f"{self.name}.vms.example"

    @property
    def ssh_password(self) -> str:
        return self.password or f"Rehearsal-{self.name}-1"

    @property
    def gateway_password(self) -> str:
        return self.api_password or f"Rehearsal-{self.name}-api-1"

    @property
    def groups(self) -> tuple[str, ...]:
        """The certificate groups that this server has."""
        return tuple(dict.fromkeys(group for role in self.roles for group in ROLES[role].groups))

    @property
    def services(self) -> tuple[str, ...]:
        roles = [ROLES[role] for role in self.roles]
        extra = [role.recording_service for role in roles if role.recording_service]
        return (*(role.service for role in roles), *extra, DATA_COLLECTOR)

    @property
    def is_management(self) -> bool:
        return MANAGEMENT in self.roles

    @property
    def is_recording(self) -> bool:
        return any(role in RECORDING for role in self.roles)

    @property
    def taken_ports(self) -> tuple[int, ...]:
        """What it may listen at."""
        ports = [self.ssh_port, self.data_collector_port]
        ports += [self.http_port, self.https_port] if self.is_management else []
        ports += [self.webapi_port, self.streaming_port] if self.is_recording else []
        ports += [self.mobile_http_port, self.mobile_https_port] if MOBILE in self.groups else []
        ports += [self.event_port] if EVENT in self.groups else []
        return tuple(ports)


@dc.dataclass(frozen=True, kw_only=True)
class VmsHardwareSpec:
    """A camera as a recording server knows it."""

    name: str
    recording_server: str
    address: str
    http_port: int = 80
    https_port: int = 443
    username: str = "admin"
    password: str = ""
    model: str = "Universal"
    mac: str = ""
    https: bool = False
    validate_certificate: bool = False
    validate_host_name: bool = False

    def __post_init__(self) -> None:
        where = f"VMS hardware {self.name!r}"
        require(bool(self.name), "a VMS hardware has no name")
        require(is_loopback(self.address), f"{where}: address {self.address!r} is not a loopback address")
        for port in (self.http_port, self.https_port):
            require(1 <= port <= 65535, f"{where}: port {port} is not 1 to 65535")


@dc.dataclass(frozen=True, kw_only=True)
class VmsClientSpec:
    """What fetches streams; `servers` are those it fetches from, all of their kind when none is named."""

    name: str
    kind: str
    trusted: tuple[str, ...] = ()
    servers: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        where = f"VMS client {self.name!r}"
        require(bool(self.name), "a VMS client has no name")
        known = ", ".join(CLIENT_KINDS)
        require(self.kind in CLIENT_KINDS, f"{where}: kind {self.kind!r} is not one of {known}")
        for pem in self.trusted:
            require(is_certificate(pem), f"{where}: trusted has an entry that is no certificate in PEM form")

    @property
    def group(self) -> str:
        """Which certificates it meets."""
        return CLIENT_KINDS[self.kind]


def is_certificate(pem: str) -> bool:
    """Whether a text is certificates in PEM form, and nothing else that could not be read."""
    try:
        return bool(x509.load_pem_x509_certificates(pem.encode()))
    except ValueError:
        return False


def check_vms(
    servers: t.Sequence[VmsServerSpec], hardware: t.Sequence[VmsHardwareSpec], clients: t.Sequence[VmsClientSpec]
) -> None:
    """That they fit together; FleetError when they do not."""
    if not servers:
        require(not hardware and not clients, "vms_hardware and vms_clients need vms_servers")
        return
    managing = [server.name for server in servers if server.is_management]
    found = ", ".join(managing) or "none"
    require(len(managing) == 1, f"a VMS has exactly one management server; the fleet has {found}")
    by_name = {server.name: server for server in servers}
    host_names = [server.full_name.lower() for server in servers]
    require(len(set(host_names)) == len(host_names), "two VMS servers have the same host name")
    names = [one.name for one in hardware]
    require(len(set(names)) == len(names), "two entries of vms_hardware have the same name")
    for one in hardware:
        recorder = by_name.get(one.recording_server)
        good = recorder is not None and "recording_server" in recorder.roles
        require(good, f"VMS hardware {one.name!r}: there is no recording server {one.recording_server!r}")
    for client in clients:
        for name in client.servers:
            server = by_name.get(name)
            good = server is not None and client.group in server.groups
            what = "mobile server" if client.group == MOBILE else "recording server"
            require(good, f"VMS client {client.name!r}: there is no {what} {name!r}")
