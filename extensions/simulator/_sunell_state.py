# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The settings of a Sunell camera: network, ports, time, users; no sockets in here."""

from __future__ import annotations

import dataclasses as dc
import datetime as dt
import ipaddress
import re
import typing as t

from ._frame import ApiError, Params
from ._spec_common import User, is_loopback
from ._sunell_catalog import FACTORY_NTP, FACTORY_PORTS, GROUPS, TIME_ZONES
from ._sunell_certificates import SunellCertificates
from ._sunell_spec import SunellCameraSpec

__all__ = ["Network", "Ntp", "SunellState"]

Lines = list[tuple[str, object]]

_FLAGS: t.Final = ("0", "1")
_DNS_NAME: t.Final = r"[0-9A-Za-z][0-9A-Za-z.\-]{0,62}"
_ALLOWED: t.Final = r"[!-~]{4,32}"
_USER_NAME: t.Final = r"[0-9A-Za-z_.\-]{1,32}"
_DATE: t.Final[t.Mapping[str, tuple[int, int]]] = {
    "year": (1970, 2099), "month": (1, 12), "day": (1, 31), "hour": (0, 23), "minute": (0, 59), "second": (0, 59),
}  # fmt: skip


def _address(params: Params, name: str, present: str) -> str:
    """An IPv4 address of the request, or the present one; may be empty where it is empty now or is a DNS server's."""
    value = params.get(name, present)
    try:
        return str(ipaddress.IPv4Address(value)) if value else value
    except ValueError as error:
        raise ApiError(400, f"{name} is {value!r}; it is an IPv4 address.") from error


@dc.dataclass(frozen=True, kw_only=True)
class Network:
    """type=localNetwork; `subGetway` is the device's own spelling."""

    address: str
    netmask: str = "255.255.255.0"
    gateway: str = ""
    dns: tuple[str, str] = ("", "")
    mtu: int = 1500

    def lines(self) -> Lines:
        return [
            ("localNetworkBegin", 1),
            ("IPProtoVer", 1),
            ("netCardId", 1),
            ("IPAddress", self.address),
            ("subNetmask", self.netmask),
            ("subGetway", self.gateway),
            ("preferredDNS", self.dns[0]),
            ("alternateDNS", self.dns[1]),
            ("autoGetIPFlag", 0),
            ("mtu", self.mtu),
            ("localNetworkEnd", 1),
        ]

    def changed(self, params: Params) -> Network:
        if params.get("autoGetIPFlag", "0") != "0":
            raise ApiError(400, "Limit of the simulator: autoGetIPFlag is 0, there is no DHCP.")
        address = _address(params, "IPAddress", self.address)
        if not is_loopback(address):
            raise ApiError(400, f"Limit of the simulator: {address!r} is not a loopback address.")
        dns = (_address(params, "preferredDNS", self.dns[0]), _address(params, "alternateDNS", self.dns[1]))
        return Network(
            address=address,
            netmask=_address(params, "subNetmask", self.netmask),
            gateway=_address(params, "subGetway", self.gateway),
            dns=dns,
            mtu=params.number("mtu", 576, 1500, "localNetwork") if "mtu" in params.values else self.mtu,
        )


@dc.dataclass(frozen=True, kw_only=True)
class Ntp:
    """type=NTP."""

    enabled: bool = False
    server: str = str(FACTORY_NTP["NTPIP"])
    port: int = 123
    seconds: int = 3600

    def lines(self) -> Lines:
        return [
            ("enableFlag", int(self.enabled)),
            ("IPProtoVer", 1),
            ("NTPIP", self.server),
            ("NTPPort", self.port),
            ("NTPCheckTime", self.seconds),
        ]

    def changed(self, params: Params) -> Ntp:
        given = params.values
        server = params.get("NTPIP", self.server)
        if not re.fullmatch(_DNS_NAME, server):
            raise ApiError(400, f"NTPIP is {server[:80]!r}; it is an address or a host name.")
        return Ntp(
            enabled=params.one_of("enableFlag", _FLAGS) == "1" if "enableFlag" in given else self.enabled,
            server=server,
            port=params.number("NTPPort", 1, 65535, "NTP") if "NTPPort" in given else self.port,
            seconds=params.number("NTPCheckTime", 60, 604800, "NTP") if "NTPCheckTime" in given else self.seconds,
        )


@dc.dataclass(kw_only=True)
class SunellState:
    """What outlives a restart."""

    network: Network
    ports: dict[str, int]
    users: dict[str, User]
    https: bool
    zone: int
    ntp: Ntp = dc.field(default_factory=Ntp)
    certificates: SunellCertificates = dc.field(default_factory=SunellCertificates)
    clock_set: float = 0.0

    @classmethod
    def factory(cls, spec: SunellCameraSpec) -> SunellState:
        gateway = spec.address.rpartition(".")[0] + ".1"
        return cls(
            network=Network(address=spec.address, gateway=gateway),
            ports={**FACTORY_PORTS, "httpPort": spec.http_port, "httpsPort": spec.https_port},
            users=dict(spec.accounts),
            https=spec.https,
            zone=spec.time_zone,
        )

    @property
    def places(self) -> set[tuple[str, int, bool]]:
        """Address, port, and whether TLS is spoken there."""
        address = self.network.address
        secure = {(address, self.ports["httpsPort"], True)} if self.https else set()
        return {(address, self.ports["httpPort"], False), *secure}

    # -- ports ---------------------------------------------------------------------------------------------------

    def changed_ports(self, params: Params) -> dict[str, int]:
        """All ports after a change; each that is given must be free. No TLS port of its own: sslPort may be 0."""
        wanted = dict(self.ports)
        for name in self.ports.keys() & params.values.keys():
            wanted[name] = params.number(name, 0 if name == "sslPort" else 1, 65535, "devicePort")
        for name, port in wanted.items():
            other = next((one for one in wanted if one != name and wanted[one] == port), None)
            if port != self.ports[name] and port and other is not None:
                raise ApiError(400, f"devicePort: {port} is {other} already; take another {name}.")
        return wanted

    # -- time ----------------------------------------------------------------------------------------------------

    def date_lines(self, now: float) -> Lines:
        """The local time."""
        local = dt.datetime.fromtimestamp(now + 60 * TIME_ZONES[self.zone], dt.UTC)
        return [(name, getattr(local, name)) for name in _DATE]

    def date_of(self, params: Params) -> float:
        """Seconds since 1970 of a local time."""
        parts = {name: params.number(name, low, high, "dateTime") for name, (low, high) in _DATE.items()}
        try:
            local = dt.datetime(**parts, tzinfo=dt.UTC)
        except ValueError as error:
            raise ApiError(400, "dateTime: this month has no such day.") from error
        return local.timestamp() - 60 * TIME_ZONES[self.zone]

    def zone_lines(self) -> Lines:
        """The rules of daylight saving time as the factory left them; it is switched off."""
        begin = [("beginMonth", 3), ("beginWeekly", 5), ("beginWeekDays", 0), ("beginTime", 60)]
        end = [("endMonth", 10), ("endWeekly", 5), ("endWeekDays", 0), ("endTime", 120)]
        return [("timeZone", self.zone), ("DSTOpenFlag", 0), *begin, *end]

    def set_zone(self, params: Params) -> None:
        """The clock goes on; it is shown in another zone."""
        if params.get("DSTOpenFlag", "0") != "0":
            raise ApiError(400, "Limit of the simulator: DSTOpenFlag is 0, there is no daylight saving time.")
        zone = params.number("timeZone", 0, 999, "timeZone")
        if zone not in TIME_ZONES:
            raise ApiError(400, f"timeZone is {zone}; it is not the index of a time zone.")
        self.zone = zone

    # -- users ---------------------------------------------------------------------------------------------------

    def user_lines(self) -> Lines:
        lines: Lines = [("userCount", len(self.users))]
        for number, user in enumerate(self.users.values(), 1):
            group = GROUPS[user.level - 1]
            lines += [("userBegin", 1)] if number == 1 else [("next_userURL", number)]
            lines += [("userName", user.name), ("groupName", group.name), ("privilegeCount", len(group.privileges))]
            for count, privilege in enumerate(group.privileges, 1):
                lines.append(("privilegeBegin", 1) if count == 1 else ("next_privilegeURL", count))
                lines.append(("privilege", privilege))
            lines.append(("privilegeEnd", 1))
        return [*lines, ("userEnd", 1)]

    def add_user(self, params: Params) -> None:
        name = params.need("userName")
        if not re.fullmatch(_USER_NAME, name) or name in self.users:
            raise ApiError(400, f"userName is {name[:80]!r}; it is a new name of letters, digits and _ . -")
        group = params.one_of("groupName", [group.name for group in GROUPS])
        level = next(one.level for one in GROUPS if one.name == group)
        self.users[name] = User(name=name, password=_new_password(params), level=level)

    def change_password(self, params: Params) -> None:
        user = self._user(params)
        self.users[user.name] = dc.replace(user, password=_new_password(params))

    def delete_user(self, params: Params) -> None:
        user = self._user(params)
        left = [one for one in self.users.values() if one.level == 1 and one.name != user.name]
        if not left:
            raise ApiError(400, f"{user.name} is the last user of the group {GROUPS[0].name}.")
        del self.users[user.name]

    def _user(self, params: Params) -> User:
        user = self.users.get(params.need("userName"))
        if user is None:
            raise ApiError(400, "There is no user of this userName.")
        return user

    # -- keeping it ----------------------------------------------------------------------------------------------

    def dump(self) -> dict[str, t.Any]:
        return dc.asdict(self)

    @classmethod
    def load(cls, data: t.Mapping[str, t.Any]) -> SunellState:
        network = data["network"]
        return cls(
            network=Network(**{**network, "dns": tuple(network["dns"])}),
            ports=dict(data["ports"]),
            users={name: User(**user) for name, user in data["users"].items()},
            https=data["https"],
            zone=data["zone"],
            ntp=Ntp(**data["ntp"]),
            certificates=SunellCertificates.load(data["certificates"]),
            clock_set=data["clock_set"],
        )


def _new_password(params: Params) -> str:
    password = params.need("newPassword")
    if not re.fullmatch(_ALLOWED, password):
        raise ApiError(400, "newPassword has 4 to 32 printable characters without a space.")
    return password
