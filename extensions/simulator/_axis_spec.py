# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An Axis camera, as a fleet file describes it."""

from __future__ import annotations

import dataclasses as dc
import hashlib
import re
import typing as t

from ._spec_common import User, check_reach, require

__all__ = ["HTTPS_LOGINS", "KEY_TYPES", "AxisCameraSpec"]

#: What a keystore makes, and how `make_private` is told to.
KEY_TYPES: t.Final[t.Mapping[str, str]] = {
    "RSA-2048": "2048",
    "RSA-3072": "3072",
    "RSA-4096": "4096",
    "EC-P256": "secp256r1",
    "EC-P384": "secp384r1",
    "EC-P521": "secp521r1",
}
HTTPS_LOGINS: t.Final = ("basic", "digest")


@dc.dataclass(frozen=True, kw_only=True)
class AxisCameraSpec:
    """What left the factory, once its first account was made; a factory reset brings back all of it."""

    name: str
    address: str
    http_port: int = 80
    https_port: int = 443
    model: str = "P3265-V"
    version: str = "12.11.77"
    serial: str = ""
    username: str = "root"
    password: str = ""
    users: tuple[User, ...] = ()
    https_login: str = "basic"
    policy: str = "HttpAndHttps"
    keystore: str = "SE0"
    key_types: tuple[str, ...] = tuple(KEY_TYPES)
    ntp_servers: tuple[str, ...] = ("ntp.nict.jp",)
    key_generation_seconds: float = 10.0
    switching_seconds: float = 3.0
    lockout_after: int = 0
    lockout_seconds: float = 300.0
    clock_offset: float = 0.0
    digest: tuple[str, ...] = ("MD5",)

    LIVE: t.ClassVar[tuple[str, ...]] = (
        "version", "ntp_servers", "key_generation_seconds", "switching_seconds", "lockout_after", "lockout_seconds",
        "clock_offset",
    )  # fmt: skip

    def __post_init__(self) -> None:
        check_reach(self)
        where = f"Axis camera {self.name!r}"
        require(
            bool(re.fullmatch(r"\d+(\.\d+)+", self.version)), f"{where}: version {self.version!r} is not like 12.11.77"
        )
        serial = self.serial_number
        require(bool(re.fullmatch(r"[0-9A-F]{12}", serial)), f"{where}: serial {serial!r} is not a MAC address")
        require(
            self.https_login in HTTPS_LOGINS,
            f"{where}: https_login {self.https_login!r} is not one of {', '.join(HTTPS_LOGINS)}",
        )
        policies = ("Http", "HttpAndHttps", "Https")
        require(self.policy in policies, f"{where}: policy {self.policy!r} is not one of {', '.join(policies)}")
        require(bool(self.key_types), f"{where}: key_types must not be empty")
        for kind in self.key_types:
            require(kind in KEY_TYPES, f"{where}: key_types: {kind!r} is not one of {', '.join(KEY_TYPES)}")
        for name in ("key_generation_seconds", "switching_seconds"):
            require(getattr(self, name) >= 0, f"{where}: {name} must not be negative")
        names = [self.username, *(user.name for user in self.users)]
        require(len(set(names)) == len(names), f"{where}: two users have the same name")

    @property
    def serial_number(self) -> str:
        tail = hashlib.sha256(self.name.encode()).hexdigest()[:6].upper()
        return self.serial or "B8A44F" + tail

    @property
    def has_certificate_api(self) -> bool:
        """AXIS OS 11.11 brought it."""
        major, minor = (int(part) for part in self.version.split(".")[:2])
        return (major, minor) >= (11, 11)

    @property
    def accounts(self) -> dict[str, User]:
        admin = User(name=self.username, password=self.password, level=1)
        return {user.name: user for user in (admin, *self.users)}
