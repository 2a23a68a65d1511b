# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What every kind of device in a fleet file has, and how it is checked."""

from __future__ import annotations

import dataclasses as dc
import functools
import ipaddress
import re
import typing as t

from ._digest import ALGORITHMS

__all__ = [
    "DeviceSpec",
    "FleetError",
    "User",
    "check_device",
    "check_place",
    "check_reach",
    "is_loopback",
    "require",
]


class FleetError(Exception):
    """A fleet that cannot be; the text is one sentence."""


def require(condition: bool, sentence: str) -> None:
    if not condition:
        raise FleetError(sentence)


@dc.dataclass(frozen=True, kw_only=True)
class User:
    name: str
    password: str
    level: int = 3

    def __post_init__(self) -> None:
        require(self.level in (1, 2, 3), f"user {self.name}: level {self.level} is not 1, 2 or 3")


class DeviceSpec(t.Protocol):
    """What the frame of a device with HTTP reads of its spec."""

    LIVE: t.ClassVar[tuple[str, ...]]

    @property
    def name(self) -> str: ...
    @property
    def address(self) -> str: ...
    @property
    def http_port(self) -> int: ...
    @property
    def https_port(self) -> int: ...
    @property
    def model(self) -> str: ...
    @property
    def version(self) -> str: ...
    @property
    def username(self) -> str: ...
    @property
    def password(self) -> str: ...
    @property
    def lockout_after(self) -> int: ...
    @property
    def lockout_seconds(self) -> float: ...
    @property
    def clock_offset(self) -> float: ...
    @property
    def digest(self) -> tuple[str, ...]: ...
    @property
    def accounts(self) -> dict[str, User]: ...


@functools.lru_cache(maxsize=4096)
def is_loopback(address: str) -> bool:
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False


def check_place(name: str, address: str, where: str) -> None:
    require(bool(re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.\-]{0,62}", name)), f"{where}: not a host name")
    require(is_loopback(address), f"{where}: address {address!r} is not a loopback address")


def check_reach(spec: DeviceSpec) -> None:
    """Address, ports, login."""
    where = f"device {spec.name!r}"
    check_place(spec.name, spec.address, where)
    for port in (spec.http_port, spec.https_port):
        require(1 <= port <= 65535, f"{where}: port {port} is not 1 to 65535")
    require(spec.http_port != spec.https_port, f"{where}: http_port and https_port are both {spec.http_port}")
    require(bool(spec.username and spec.password), f"{where}: username and password must not be empty")
    require(spec.lockout_after >= 0 and spec.lockout_seconds >= 0, f"{where}: lockout values must not be negative")
    require(bool(spec.digest), f"{where}: digest must name an algorithm")
    for algorithm in spec.digest:
        require(algorithm in ALGORITHMS, f"{where}: digest {algorithm!r} is not one of {', '.join(ALGORITHMS)}")


def check_device(spec: DeviceSpec) -> None:
    """The same, and a version as i-PRO writes it."""
    check_reach(spec)
    where = f"device {spec.name!r}"
    require(bool(re.fullmatch(r"\d+\.\d+", spec.version)), f"{where}: version {spec.version!r} is not like 3.10")
