# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The devices of a fleet, as a fleet file describes them."""

from __future__ import annotations

import dataclasses as dc
import hashlib
import re
import typing as t

from ._axis_spec import AxisCameraSpec
from ._catalog import COMPRESSIONS, KITS, RECORDER_MODELS
from ._cinema_catalog import CINEMA_MODELS, account_problem
from ._ftpes_quirks import Behaviour, QuirkError
from ._onvif_spec import OnvifCameraSpec
from ._spec_common import FleetError, User
from ._spec_common import check_device as _check_device
from ._spec_common import check_place as _check_place
from ._spec_common import require as _require
from ._sunell_spec import SunellCameraSpec
from ._vms_spec import VmsClientSpec, VmsHardwareSpec, VmsServerSpec, check_vms

__all__ = [
    "CameraSpec",
    "CinemaCameraSpec",
    "Fleet",
    "FleetError",
    "FtpesServerSpec",
    "Kit",
    "RecorderSpec",
    "SunellCameraSpec",
    "User",
    "unlock_key",
]


def unlock_key(*parts: object) -> str:
    """A deterministic key of 20 digits."""
    digest = hashlib.sha256("/".join(map(str, parts)).encode()).digest()
    return str(int.from_bytes(digest[:12], "big") % 10**20).rjust(20, "7")


@dc.dataclass(frozen=True, kw_only=True)
class Kit:
    model: str
    key: str

    def __post_init__(self) -> None:
        _require(self.model in KITS, f"kit {self.model!r} is not one of {', '.join(KITS)}")
        _require(bool(re.fullmatch(r"\d{20}", self.key)), f"the key of a {self.model} has not 20 digits")


@dc.dataclass(frozen=True, kw_only=True)
class RecorderSpec:
    name: str
    address: str
    http_port: int = 80
    https_port: int = 443
    model: str = "WJ-NX400K"
    version: str = "3.10"
    serial: str = ""
    max_cameras: int = 0
    username: str = "ADMIN"
    password: str = ""
    users: tuple[User, ...] = ()
    main_unlock_key: str = ""
    kits: tuple[Kit, ...] = ()
    ftp_port: int = 21
    site_alarm_port: int = 1818
    port_forward: bool = False
    port_forward_ports: tuple[int, ...] = ()
    command_interval: float = 3.0
    lockout_after: int = 0
    lockout_seconds: float = 300.0
    clock_offset: float = 0.0
    digest: tuple[str, ...] = ("MD5",)
    data_encryption_password: str = ""

    LIVE: t.ClassVar[tuple[str, ...]] = (
        "version", "ftp_port", "site_alarm_port", "port_forward", "port_forward_ports", "command_interval",
        "lockout_after", "lockout_seconds", "clock_offset",
    )  # fmt: skip

    def __post_init__(self) -> None:
        _check_device(self)
        where = f"recorder {self.name!r}"
        _require(
            self.model in RECORDER_MODELS, f"{where}: model {self.model!r} is not one of {', '.join(RECORDER_MODELS)}"
        )
        _require(0 <= self.max_cameras <= 64, f"{where}: max_cameras {self.max_cameras} is not 0 to 64")
        _require(self.command_interval >= 0, f"{where}: command_interval must not be negative")
        names = [self.username, *(user.name for user in self.users)]
        _require(len(set(names)) == len(names), f"{where}: two users have the same name")
        key = self.main_unlock_key
        _require(not key or bool(re.fullmatch(r"\d{20}", key)), f"{where}: main_unlock_key has not 20 digits")
        keys = [self.main_key, *(kit.key for kit in self.kits)]
        _require(len(set(keys)) == len(keys), f"{where}: two unlock keys are the same")

    @property
    def cameras_max(self) -> int:
        return self.max_cameras or RECORDER_MODELS[self.model]

    @property
    def main_key(self) -> str:
        return self.main_unlock_key or unlock_key("main", self.name)

    @property
    def accounts(self) -> dict[str, User]:
        admin = User(name=self.username, password=self.password, level=1)
        return {user.name: user for user in (admin, *self.users)}


@dc.dataclass(frozen=True, kw_only=True)
class CameraSpec:
    name: str
    address: str
    http_port: int = 80
    https_port: int = 443
    model: str = "WV-S1136"
    version: str = "2.40"
    mac: str = ""
    serial: str = ""
    username: str = "admin"
    password: str = ""
    users: tuple[User, ...] = ()
    recorder: str = ""
    camera_number: int = 0
    tls: bool = True
    encryption: bool = True
    compression: str = "h265_1"
    internet_mode: bool = False
    enhanced_security: bool = False
    lockout_after: int = 0
    lockout_seconds: float = 300.0
    clock_offset: float = 0.0
    key_generation_seconds: float = 120.0
    digest: tuple[str, ...] = ("MD5",)
    data_encryption: bool = False
    first_account: bool = True

    LIVE: t.ClassVar[tuple[str, ...]] = (
        "version", "tls", "encryption", "compression", "enhanced_security", "lockout_after",
        "lockout_seconds", "clock_offset", "key_generation_seconds", "first_account",
    )  # fmt: skip

    def __post_init__(self) -> None:
        _check_device(self)
        where = f"camera {self.name!r}"
        _require(
            self.compression in COMPRESSIONS,
            f"{where}: compression {self.compression!r} is not one of {', '.join(COMPRESSIONS)}",
        )
        _require(self.key_generation_seconds >= 0, f"{where}: key_generation_seconds must not be negative")
        _require(
            bool(self.recorder) == bool(self.camera_number), f"{where}: recorder and camera_number belong together"
        )

    @property
    def mac_address(self) -> str:
        tail = hashlib.sha256(self.name.encode()).hexdigest()[:6].upper()
        return self.mac or f"BC-C3-42-{tail[:2]}-{tail[2:4]}-{tail[4:]}"

    @property
    def accounts(self) -> dict[str, User]:
        admin = User(name=self.username, password=self.password, level=1)
        return {user.name: user for user in (admin, *self.users)}


@dc.dataclass(frozen=True, kw_only=True)
class CinemaCameraSpec:
    """A cinema camera: a card (a folder, also by SFTP), and an FTPES client. It has no HTTP."""

    name: str
    address: str
    model: str = "MPC-2610"
    username: str = "admin"
    password: str = ""
    sftp_port: int = 22
    authorized_key: str = ""
    card_dir: str = ""
    card_label: str = ""
    card_capacity: int = 0
    card_write_protected: bool = False
    lockout_after: int = 5
    lockout_seconds: float = 300.0
    clock_offset: float = 0.0
    timeout: float = 20.0

    LIVE: t.ClassVar = (
        "card_capacity", "card_write_protected", "lockout_after", "lockout_seconds", "clock_offset", "timeout",
    )  # fmt: skip

    def __post_init__(self) -> None:
        where = f"cinema camera {self.name!r}"
        _check_place(self.name, self.address, where)
        _require(self.model in CINEMA_MODELS, f"{where}: model {self.model!r} is not one of {', '.join(CINEMA_MODELS)}")
        _require(0 <= self.sftp_port <= 65535, f"{where}: sftp_port {self.sftp_port} is not 1 to 65535, or 0 for none")
        problem = account_problem(self.username, self.password)
        _require(not problem, f"{where}: {problem}")
        _require(self.card_capacity >= 0, f"{where}: card_capacity must not be negative")
        _require(self.lockout_after >= 0 and self.lockout_seconds >= 0, f"{where}: lockout values must not be negative")
        _require(self.timeout > 0, f"{where}: timeout must be above 0")

    @property
    def label(self) -> str:
        return self.card_label or f"{self.name}-card"


_CERTIFICATES: t.Final = ("valid", "expired", "not_yet_valid", "wrong_name", "unknown_root")
_TLS: t.Final = ("", "1.2", "1.3")


@dc.dataclass(frozen=True, kw_only=True)
class FtpesServerSpec:
    """A server that takes uploads, good or with quirks."""

    name: str
    address: str
    port: int = 21
    username: str = "camsec"
    password: str = ""
    root_dir: str = ""
    tls: str = ""
    ciphers: str = ""
    certificate: str = "valid"
    quirks: tuple[str, ...] = ()
    at_byte: int = 0
    bytes_per_second: int = 65536

    def __post_init__(self) -> None:
        where = f"FTPES server {self.name!r}"
        _check_place(self.name, self.address, where)
        _require(1 <= self.port <= 65535, f"{where}: port {self.port} is not 1 to 65535")
        _require(bool(self.username and self.password), f"{where}: username and password must not be empty")
        _require(self.tls in _TLS, f"{where}: tls {self.tls!r} is not '1.2', '1.3' or '' for both")
        known = ", ".join(_CERTIFICATES)
        _require(self.certificate in _CERTIFICATES, f"{where}: certificate {self.certificate!r} is not one of {known}")
        try:
            self.behaviour  # noqa: B018  # it says what is wrong
        except QuirkError as error:
            raise FleetError(f"{where}: {error}") from error

    @property
    def behaviour(self) -> Behaviour:
        return Behaviour(quirks=frozenset(self.quirks), at_byte=self.at_byte, bytes_per_second=self.bytes_per_second)


def _take(places: dict[tuple[str, int], str], name: str, address: str, port: int) -> None:
    other = places.setdefault((address, port), name)
    _require(other == name, f"{other!r} and {name!r} both use {address}:{port}")


@dc.dataclass(frozen=True, kw_only=True)
class Fleet:
    """Recorders and cameras that fit together; cinema cameras, the servers that they upload to, and a VMS."""

    recorders: tuple[RecorderSpec, ...] = ()
    cameras: tuple[CameraSpec, ...] = ()
    cinema_cameras: tuple[CinemaCameraSpec, ...] = ()
    ftpes_servers: tuple[FtpesServerSpec, ...] = ()
    sunell_cameras: tuple[SunellCameraSpec, ...] = ()
    onvif_cameras: tuple[OnvifCameraSpec, ...] = ()
    axis_cameras: tuple[AxisCameraSpec, ...] = ()
    vms_servers: tuple[VmsServerSpec, ...] = ()
    vms_hardware: tuple[VmsHardwareSpec, ...] = ()
    vms_clients: tuple[VmsClientSpec, ...] = ()

    @property
    def summary(self) -> str:
        """How many there are of each, in words."""
        counts = [(len(self.recorders), "recorders"), (len(self.cameras), "cameras")]
        more = [
            (len(self.sunell_cameras), "Sunell cameras"),
            (len(self.onvif_cameras), "ONVIF cameras"),
            (len(self.axis_cameras), "Axis cameras"),
            (len(self.cinema_cameras), "cinema cameras"),
            (len(self.ftpes_servers), "FTPES servers"),
            (len(self.vms_servers), "VMS servers"),
        ]
        return ", ".join(f"{count} {what}" for count, what in [*counts, *(one for one in more if one[0])])

    def __post_init__(self) -> None:
        self._check_places()
        self._check_registrations()
        check_vms(self.vms_servers, self.vms_hardware, self.vms_clients)

    def _check_places(self) -> None:
        names: set[str] = set()
        places: dict[tuple[str, int], str] = {}
        devices: tuple[RecorderSpec | CameraSpec | OnvifCameraSpec | SunellCameraSpec | AxisCameraSpec, ...]
        devices = (*self.recorders, *self.cameras, *self.onvif_cameras, *self.sunell_cameras, *self.axis_cameras)
        for spec in devices:
            _require(spec.name not in names, f"two devices are called {spec.name!r}")
            names.add(spec.name)
            for port in (spec.http_port, spec.https_port):
                _take(places, spec.name, spec.address, port)
        for cinema in self.cinema_cameras:
            _require(cinema.name not in names, f"two devices are called {cinema.name!r}")
            names.add(cinema.name)
            if cinema.sftp_port:
                _take(places, cinema.name, cinema.address, cinema.sftp_port)
        for server in self.ftpes_servers:
            _require(server.name not in names, f"two devices are called {server.name!r}")
            names.add(server.name)
            _take(places, server.name, server.address, server.port)
        for host in self.vms_servers:
            _require(host.name not in names, f"two devices are called {host.name!r}")
            names.add(host.name)
            for port in host.taken_ports:
                _take(places, host.name, host.address, port)
        for client in self.vms_clients:
            _require(client.name not in names, f"two devices are called {client.name!r}")
            names.add(client.name)

    def _check_registrations(self) -> None:
        recorders = {recorder.name: recorder for recorder in self.recorders}
        taken: dict[tuple[str, int], str] = {}
        for camera in self.cameras:
            if not camera.recorder:
                continue
            recorder = recorders.get(camera.recorder)
            if recorder is None:
                raise FleetError(f"camera {camera.name!r}: there is no recorder {camera.recorder!r}")
            _require(
                1 <= camera.camera_number <= recorder.cameras_max,
                f"camera {camera.name!r}: number {camera.camera_number} is not 1 to {recorder.cameras_max}",
            )
            other = taken.setdefault((camera.recorder, camera.camera_number), camera.name)
            _require(
                other == camera.name,
                f"{other!r} and {camera.name!r} are both camera {camera.camera_number} of {camera.recorder!r}",
            )
