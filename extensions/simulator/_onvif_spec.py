# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An ONVIF camera, as a fleet file describes it."""

from __future__ import annotations

import dataclasses as dc
import hashlib
import re
import typing as t

from ._digest import ALGORITHMS
from ._onvif_catalog import ELLIPTIC_CURVES, KNOWN_CURVES, RSA_KEY_LENGTHS, TLS_VERSIONS, USER_LEVELS
from ._spec_common import check_place, require

__all__ = ["OnvifCameraSpec", "OnvifUser"]

_LIMITS: t.Final = (
    "max_keys", "max_certificates", "max_certification_paths", "max_tls_certification_paths", "max_users",
)  # fmt: skip
_LIMITS_OR_NONE: t.Final = ("max_passphrases", "max_crls", "max_validation_policies", "lockout_after")
_SECONDS: t.Final = ("lockout_seconds", "key_generation_seconds", "switching_seconds", "token_window_seconds")


@dc.dataclass(frozen=True, kw_only=True)
class OnvifUser:
    name: str
    password: str
    level: str = "User"

    def __post_init__(self) -> None:
        levels = ", ".join(USER_LEVELS)
        require(self.level in USER_LEVELS, f"user {self.name}: level {self.level!r} is not one of {levels}")
        require(bool(self.name and self.password), "a user's name and password must not be empty")


@dc.dataclass(frozen=True, kw_only=True)
class OnvifCameraSpec:
    """A camera of any maker that is driven by ONVIF alone."""

    name: str
    address: str
    http_port: int = 80
    https_port: int = 443
    rtsp_port: int = 554
    manufacturer: str = "Simulated"
    model: str = "NVT-1"
    version: str = "1.0"
    serial: str = ""
    username: str = "admin"
    password: str = ""
    users: tuple[OnvifUser, ...] = ()
    scopes: tuple[str, ...] = ()
    digest: tuple[str, ...] = ("MD5",)
    token_only: bool = False
    token_window_seconds: float = 300.0
    advanced_security: bool = True
    legacy_certificates: bool = True
    rsa_key_lengths: tuple[int, ...] = RSA_KEY_LENGTHS
    elliptic_curves: tuple[str, ...] = ELLIPTIC_CURVES
    tls_versions: tuple[str, ...] = ("1.2", "1.3")
    max_keys: int = 16
    max_certificates: int = 16
    max_certification_paths: int = 8
    max_tls_certification_paths: int = 1
    max_passphrases: int = 8
    max_crls: int = 4
    max_validation_policies: int = 2
    max_users: int = 10
    key_generation_seconds: float = 20.0
    switching_seconds: float = 5.0
    lockout_after: int = 0
    lockout_seconds: float = 300.0
    clock_offset: float = 0.0
    #: A new address counts after the next restart (tds:SetNetworkInterfaces, RebootNeeded).
    network_needs_reboot: bool = False
    discovery_port: int = 0
    discovery_multicast: bool = False

    LIVE: t.ClassVar = (
        "version", "token_window_seconds", "key_generation_seconds", "switching_seconds", "lockout_after",
        "lockout_seconds", "clock_offset", "network_needs_reboot",
    )  # fmt: skip

    def __post_init__(self) -> None:
        where = f"ONVIF camera {self.name!r}"
        check_place(self.name, self.address, where)
        self._check_ports(where)
        self._check_numbers(where)
        self._check_abilities(where)
        require(bool(self.username and self.password), f"{where}: username and password must not be empty")
        names = [self.username, *(user.name for user in self.users)]
        require(len(set(names)) == len(names), f"{where}: two users have the same name")
        for scope in self.scopes:
            require(bool(re.fullmatch(r"[a-z]+://\S+", scope)), f"{where}: scope {scope!r} is not a URI")

    def _check_ports(self, where: str) -> None:
        ports = (self.http_port, self.https_port, self.rtsp_port)
        for port in ports:
            require(1 <= port <= 65535, f"{where}: port {port} is not 1 to 65535")
        require(len(set(ports)) == 3, f"{where}: http_port, https_port and rtsp_port must differ")
        require(0 <= self.discovery_port <= 65535, f"{where}: discovery_port is 1 to 65535, or 0 for none")
        require(self.discovery_port > 0 or not self.discovery_multicast, f"{where}: multicast needs a discovery_port")

    def _check_numbers(self, where: str) -> None:
        for name in _LIMITS:
            require(getattr(self, name) >= 1, f"{where}: {name} must be at least 1")
        for name in (*_LIMITS_OR_NONE, *_SECONDS):
            require(getattr(self, name) >= 0, f"{where}: {name} must not be negative")

    def _check_abilities(self, where: str) -> None:
        known: dict[str, tuple[t.Collection[object], t.Collection[object]]] = {
            "digest": (self.digest, ALGORITHMS),
            "tls_versions": (self.tls_versions, TLS_VERSIONS),
            "elliptic_curves": (self.elliptic_curves, KNOWN_CURVES),
            "rsa_key_lengths": (self.rsa_key_lengths, range(1024, 8193)),
        }
        for name, (values, choices) in known.items():
            for value in values:
                require(value in choices, f"{where}: {name}: {value!r} is not one of {choices!r}")
        require(bool(self.digest and self.tls_versions), f"{where}: digest and tls_versions must not be empty")
        keys = self.rsa_key_lengths or self.elliptic_curves
        require(bool(keys), f"{where}: rsa_key_lengths and elliptic_curves must not both be empty")

    @property
    def serial_number(self) -> str:
        return self.serial or hashlib.sha256(self.name.encode()).hexdigest()[:12].upper()

    @property
    def accounts(self) -> dict[str, OnvifUser]:
        admin = OnvifUser(name=self.username, password=self.password, level="Administrator")
        return {user.name: user for user in (admin, *self.users)}
