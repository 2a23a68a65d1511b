# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A Sunell IP camera, as a fleet file describes it."""

from __future__ import annotations

import dataclasses as dc
import hashlib
import re
import typing as t

from ._spec_common import User, check_reach, require
from ._sunell_catalog import TIME_ZONES

__all__ = ["SunellCameraSpec"]


@dc.dataclass(frozen=True, kw_only=True)
class SunellCameraSpec:
    """What left the factory; address, ports and accounts are what a factory reset brings back."""

    name: str
    address: str
    http_port: int = 80
    https_port: int = 443
    model: str = "SN-IPP8085QAS-B2.8-23"
    version: str = "v5.0.1621.1006.3.0.2.0.0"
    mac: str = ""
    serial: str = ""
    username: str = "admin"
    password: str = ""
    users: tuple[User, ...] = ()
    https: bool = True
    query_login: bool = False
    time_zone: int = 235
    ntp_servers: tuple[str, ...] = ("ntp.nict.jp",)
    lockout_after: int = 0
    lockout_seconds: float = 300.0
    clock_offset: float = 0.0
    digest: tuple[str, ...] = ("MD5",)

    LIVE: t.ClassVar[tuple[str, ...]] = ("version", "ntp_servers", "lockout_after", "lockout_seconds", "clock_offset")

    def __post_init__(self) -> None:
        check_reach(self)
        where = f"Sunell camera {self.name!r}"
        require(":" not in self.address, f"{where}: address {self.address!r} is not an IPv4 address")
        require(
            bool(re.fullmatch(r"v\d+(\.\d+)+", self.version)),
            f"{where}: version {self.version!r} is not like v5.0.1621",
        )
        require(self.time_zone in TIME_ZONES, f"{where}: time_zone {self.time_zone} is not an index of a time zone")
        names = [self.username, *(user.name for user in self.users)]
        require(len(set(names)) == len(names), f"{where}: two users have the same name")

    @property
    def mac_address(self) -> str:
        tail = hashlib.sha256(self.name.encode()).hexdigest()[:6].upper()
        return self.mac or f"00:1C:27:{tail[:2]}:{tail[2:4]}:{tail[4:]}"

    @property
    def device_id(self) -> str:
        return self.serial or "21SIM" + self.mac_address.replace(":", "")[-6:]

    @property
    def accounts(self) -> dict[str, User]:
        admin = User(name=self.username, password=self.password, level=1)
        return {user.name: user for user in (admin, *self.users)}
