# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Fleets: read from YAML, made up, written as YAML and as an Ansible inventory."""

from __future__ import annotations

import dataclasses as dc
import hashlib
import ipaddress
import math
import typing as t

import yaml

from ._axis_spec import AxisCameraSpec
from ._catalog import KITS, RECORDER_MODELS
from ._onvif_spec import OnvifCameraSpec, OnvifUser
from ._spec import (
    CameraSpec,
    CinemaCameraSpec,
    Fleet,
    FleetError,
    FtpesServerSpec,
    Kit,
    RecorderSpec,
    SunellCameraSpec,
    User,
    unlock_key,
)
from ._vms_fleet import generate_vms, hardware_fields, vms_group
from ._vms_spec import VmsClientSpec, VmsHardwareSpec, VmsServerSpec

__all__ = ["convert", "fleet_yaml", "generate", "inventory_yaml", "parse_fleet"]

_CAMERAS_AN_OCTET: t.Final = 250
_HTTP_PORT: t.Final = 8080
_RECORDER_HTTPS_PORT: t.Final = 4443
_LISTS: t.Final = (
    "recorders",
    "cameras",
    "cinema_cameras",
    "ftpes_servers",
    "onvif_cameras",
    "sunell_cameras",
    "axis_cameras",
    "vms_servers",
    "vms_hardware",
    "vms_clients",
)
_DEFAULTS: t.Final = (
    "recorder",
    "camera",
    "cinema_camera",
    "ftpes_server",
    "onvif_camera",
    "sunell_camera",
    "axis_camera",
    "vms_server",
)


# -- reading ---------------------------------------------------------------------------------------------------------


def parse_fleet(text: str) -> Fleet:
    """A fleet from YAML; FleetError with one sentence when it cannot be."""
    try:
        data = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise FleetError(f"the fleet file is no YAML: {' '.join(str(error).split())}") from error
    top = _mapping(data, "the fleet file", (*_LISTS, "defaults"))
    defaults = _mapping(top.get("defaults", {}), "defaults", _DEFAULTS)
    recorders = [_recorder(entry) for entry in _entries(top, "recorders", defaults.get("recorder", {}))]
    cameras = [_camera(entry) for entry in _entries(top, "cameras", defaults.get("camera", {}))]
    cinema = [
        _build(CinemaCameraSpec, entry, "cinema camera")
        for entry in _entries(top, "cinema_cameras", defaults.get("cinema_camera", {}))
    ]
    servers = [
        _build(FtpesServerSpec, entry, "FTPES server")
        for entry in _entries(top, "ftpes_servers", defaults.get("ftpes_server", {}))
    ]
    onvif = [
        _build(OnvifCameraSpec, entry, "ONVIF camera")
        for entry in _entries(top, "onvif_cameras", defaults.get("onvif_camera", {}))
    ]
    sunell = [
        _build(SunellCameraSpec, entry, "Sunell camera")
        for entry in _entries(top, "sunell_cameras", defaults.get("sunell_camera", {}))
    ]
    axis = [
        _build(AxisCameraSpec, entry, "Axis camera")
        for entry in _entries(top, "axis_cameras", defaults.get("axis_camera", {}))
    ]
    every: tuple[_AnyCamera, ...] = (*cameras, *onvif, *sunell, *axis)
    known = {camera.name: camera for camera in every}
    fleet = Fleet(
        recorders=tuple(recorders),
        cameras=tuple(cameras),
        cinema_cameras=tuple(cinema),
        ftpes_servers=tuple(servers),
        sunell_cameras=tuple(sunell),
        onvif_cameras=tuple(onvif),
        axis_cameras=tuple(axis),
        vms_servers=tuple(
            _build(VmsServerSpec, entry, "VMS server")
            for entry in _entries(top, "vms_servers", defaults.get("vms_server", {}))
        ),
        vms_hardware=tuple(_hardware(entry, known) for entry in _entries(top, "vms_hardware", {})),
        vms_clients=tuple(_build(VmsClientSpec, entry, "VMS client") for entry in _entries(top, "vms_clients", {})),
    )
    if fleet == Fleet():
        raise FleetError("the fleet file names no device")
    return fleet


def _mapping(data: object, where: str, known: t.Collection[str]) -> dict[str, t.Any]:
    if not isinstance(data, dict):
        raise FleetError(f"{where} is not a mapping")
    for key in data:
        if key not in known:
            raise FleetError(f"{where} has an unknown key {key!r}")
    return data


def _entries(top: t.Mapping[str, t.Any], name: str, defaults: object) -> list[dict[str, t.Any]]:
    entries = top.get(name) or []
    if not isinstance(entries, list) or not isinstance(defaults, dict):
        raise FleetError(f"{name} is not a list, or its defaults are not a mapping")
    for number, entry in enumerate(entries, 1):
        if not isinstance(entry, dict):
            raise FleetError(f"entry {number} of {name} is not a mapping")
    return [{**defaults, **entry} for entry in entries]


def _recorder(entry: dict[str, t.Any]) -> RecorderSpec:
    return _build(RecorderSpec, entry, "recorder")


def _camera(entry: dict[str, t.Any]) -> CameraSpec:
    return _build(CameraSpec, entry, "camera")


_AnyCamera = CameraSpec | OnvifCameraSpec | SunellCameraSpec | AxisCameraSpec


def _hardware(entry: dict[str, t.Any], cameras: t.Mapping[str, _AnyCamera]) -> VmsHardwareSpec:
    """Hardware that is called as a camera of the fleet is that camera."""
    camera = cameras.get(str(entry.get("name")))
    known = {} if camera is None else hardware_fields(camera)
    return _build(VmsHardwareSpec, {**known, **entry}, "VMS hardware")


_AnySpec = (
    RecorderSpec
    | CameraSpec
    | CinemaCameraSpec
    | FtpesServerSpec
    | OnvifCameraSpec
    | SunellCameraSpec
    | AxisCameraSpec
    | VmsServerSpec
    | VmsHardwareSpec
    | VmsClientSpec
)
_Spec = t.TypeVar(
    "_Spec",
    AxisCameraSpec,
    RecorderSpec,
    CameraSpec,
    CinemaCameraSpec,
    FtpesServerSpec,
    OnvifCameraSpec,
    OnvifUser,
    SunellCameraSpec,
    User,
    Kit,
    VmsServerSpec,
    VmsHardwareSpec,
    VmsClientSpec,
)


def _build(kind: type[_Spec], entry: t.Mapping[str, t.Any], what: str) -> _Spec:
    where = f"{what} {entry.get('name', entry.get('model', '?'))!r}"
    fields = {field.name: field for field in dc.fields(kind)}
    _mapping(dict(entry), where, fields)
    for name, field in fields.items():
        if field.default is dc.MISSING and name not in entry:
            raise FleetError(f"{where} has no {name}")
    values = {name: convert(kind, name, value, where) for name, value in entry.items()}
    if kind is CinemaCameraSpec:
        values.setdefault("password", _short_password(values["name"]))
    elif kind in (RecorderSpec, CameraSpec, FtpesServerSpec, OnvifCameraSpec, SunellCameraSpec, AxisCameraSpec):
        values.setdefault("password", _password(values["name"]))
    return kind(**values)


def convert(kind: type, name: str, value: object, where: str) -> t.Any:
    """A YAML or JSON value as the field of a spec; FleetError when it is of another type."""
    hint = {field.name: str(field.type) for field in dc.fields(kind)}.get(name)
    if hint is None:
        raise FleetError(f"{where} has an unknown key {name!r}")
    if hint.startswith("tuple"):
        return _convert_list(hint, name, value, where)
    # YAML reads an unquoted 3.10 as the number 3.1: a text has to be quoted there, and the sentence says so.
    accepted: tuple[type, ...] = {"str": (str,), "int": (int,), "bool": (bool,), "float": (int, float)}[hint]
    if not isinstance(value, accepted) or (isinstance(value, bool) and hint != "bool"):
        shown = "a quoted text" if hint == "str" else f"of type {hint}"
        raise FleetError(f"{where}: {name} is {value!r}, which is not {shown}")
    return value


def _convert_list(hint: str, name: str, value: object, where: str) -> tuple[t.Any, ...]:
    if not isinstance(value, (list, tuple)):
        raise FleetError(f"{where}: {name} is not a list")
    if (kind := _PARTS.get(hint)) is not None:
        if not all(isinstance(entry, dict) for entry in value):
            raise FleetError(f"{where}: {name} is not a list of mappings")
        return tuple(_build(kind, entry, f"{where}: {name}:") for entry in value)
    wanted = int if "int" in hint else str
    if not all(isinstance(entry, wanted) for entry in value):
        raise FleetError(f"{where}: {name} is not a list of {wanted.__name__}")
    return tuple(value)


_PARTS: t.Final[t.Mapping[str, t.Any]] = {
    "tuple[User, ...]": User,
    "tuple[Kit, ...]": Kit,
    "tuple[OnvifUser, ...]": OnvifUser,
}


# -- making one up ---------------------------------------------------------------------------------------------------


def _password(name: str) -> str:
    return f"Rehearsal-{name}-1"


def _short_password(name: str) -> str:
    """One that the cinema camera takes (FTP-21): at most 16 characters."""
    return "Reh1-" + hashlib.sha256(name.encode()).hexdigest()[:10]


def _picture_password(name: str) -> str:
    return "Pic-" + hashlib.sha256(name.encode()).hexdigest()[:10]


def _kits(recorder: str, cameras: int) -> tuple[Kit, ...]:
    """The fewest kits that cover the cameras exactly."""
    kits: list[Kit] = []
    for model, size in sorted(KITS.items(), key=lambda kit: -kit[1]):
        while cameras >= size:
            kits.append(Kit(model=model, key=unlock_key("kit", recorder, len(kits))))
            cameras -= size
    return tuple(kits)


def recorders_for(cameras: int) -> int:
    return max(2, math.ceil(cameras / RECORDER_MODELS["WJ-NX400K"]))


def generate(
    *,
    recorders: int | None = None,
    cameras: int = 24,
    base_address: str = "127.50.0.0",
    http_port: int = _HTTP_PORT,
    onvif_cameras: int = 0,
    sunell_cameras: int = 0,
    axis_cameras: int = 0,
    vms_recording_servers: int = 0,
    vms_failover_servers: int = 0,
) -> Fleet:
    """A deterministic fleet: recorder i at base.0.i, cameras from base.1.1 on, each further kind in the nets behind.

    With recording servers there is a VMS: a management, an event and a mobile server besides, clients of each kind
    that a control room has, and the fleet's cameras as its hardware.
    """
    count = recorders_for(cameras) if recorders is None else recorders
    biggest = RECORDER_MODELS["WJ-NX400K"]
    if min(count, cameras, onvif_cameras, sunell_cameras, axis_cameras) < 0 or count > 250:
        raise FleetError(f"{count} recorders and {cameras} cameras are no fleet")
    if cameras > count * biggest:
        raise FleetError(f"{cameras} cameras need at least {math.ceil(cameras / biggest)} recorders")
    try:
        base = int(ipaddress.IPv4Address(base_address))
    except ValueError as error:
        raise FleetError(f"{base_address!r} is not an IPv4 address") from error
    share = math.ceil(cameras / count) if count else 0
    specs = [
        _made_recorder(i, base, http_port, min(share, max(0, cameras - (i - 1) * share))) for i in range(1, count + 1)
    ]
    first = math.ceil(cameras / _CAMERAS_AN_OCTET) * _CAMERAS_AN_OCTET
    behind = base + 256 * math.ceil((first + onvif_cameras) / _CAMERAS_AN_OCTET)
    last = behind + 256 * math.ceil(sunell_cameras / _CAMERAS_AN_OCTET)
    fleet = Fleet(
        recorders=tuple(specs),
        cameras=tuple(_made_camera(i, base, http_port, share) for i in range(cameras)),
        onvif_cameras=tuple(_made_onvif_camera(i, base, http_port, first + i) for i in range(onvif_cameras)),
        sunell_cameras=tuple(_made_sunell(i, behind, http_port) for i in range(sunell_cameras)),
        axis_cameras=tuple(_made_axis(i, last, http_port) for i in range(axis_cameras)),
    )
    end = last + 256 * math.ceil(axis_cameras / _CAMERAS_AN_OCTET)
    known: tuple[_AnyCamera, ...] = (*fleet.cameras, *fleet.onvif_cameras, *fleet.sunell_cameras, *fleet.axis_cameras)
    vms = generate_vms(
        recording=vms_recording_servers,
        failover=vms_failover_servers,
        cameras=known,
        address=lambda number: _address(end + 256 + number),
    )
    return dc.replace(fleet, **vms)


def _address(number: int) -> str:
    try:
        return str(ipaddress.IPv4Address(number))
    except ValueError as error:
        raise FleetError("the base address leaves no room for the fleet") from error


def _made_recorder(number: int, base: int, http_port: int, cameras: int) -> RecorderSpec:
    name = f"recorder-{number:02}"
    return RecorderSpec(
        name=name,
        address=_address(base + number),
        http_port=http_port,
        https_port=_RECORDER_HTTPS_PORT,
        password=_password(name),
        main_unlock_key=unlock_key("main", name),
        kits=_kits(name, cameras),
        data_encryption_password=_picture_password(name),
    )


def _camera_address(base: int, place: int) -> str:
    octet, host = divmod(place, _CAMERAS_AN_OCTET)
    return _address(base + 256 * (octet + 1) + host + 1)


def _made_onvif_camera(index: int, base: int, http_port: int, place: int) -> OnvifCameraSpec:
    name = f"onvif-{index + 1:04}"
    return OnvifCameraSpec(
        name=name, address=_camera_address(base, place), http_port=http_port, password=_password(name)
    )


def _made_camera(index: int, base: int, http_port: int, share: int) -> CameraSpec:
    name = f"camera-{index + 1:04}"
    return CameraSpec(
        name=name,
        address=_camera_address(base, index),
        http_port=http_port,
        password=_password(name),
        recorder=f"recorder-{index // share + 1:02}",
        camera_number=index % share + 1,
        data_encryption=index % 2 == 0,
    )


def _made_sunell(index: int, base: int, http_port: int) -> SunellCameraSpec:
    name = f"sunell-{index + 1:04}"
    octet, host = divmod(index, _CAMERAS_AN_OCTET)
    return SunellCameraSpec(
        name=name,
        address=_address(base + 256 * (octet + 1) + host + 1),
        http_port=http_port,
        https_port=_RECORDER_HTTPS_PORT,
        password=_password(name),
    )


def _made_axis(index: int, base: int, http_port: int) -> AxisCameraSpec:
    name = f"axis-{index + 1:04}"
    return AxisCameraSpec(
        name=name,
        address=_camera_address(base, index),
        http_port=http_port,
        https_port=_RECORDER_HTTPS_PORT,
        password=_password(name),
    )


# -- writing ---------------------------------------------------------------------------------------------------------


def fleet_yaml(fleet: Fleet) -> str:
    """The fleet as a file that `parse_fleet` reads back to the same."""
    data = {
        "recorders": [_plain(spec) for spec in fleet.recorders],
        "cameras": [_plain(spec) for spec in fleet.cameras],
    }
    if fleet.cinema_cameras:
        data["cinema_cameras"] = [_plain(spec) for spec in fleet.cinema_cameras]
    if fleet.ftpes_servers:
        data["ftpes_servers"] = [_plain(spec) for spec in fleet.ftpes_servers]
    if fleet.onvif_cameras:
        data["onvif_cameras"] = [_plain(spec) for spec in fleet.onvif_cameras]
    if fleet.sunell_cameras:
        data["sunell_cameras"] = [_plain(spec) for spec in fleet.sunell_cameras]
    if fleet.axis_cameras:
        data["axis_cameras"] = [_plain(spec) for spec in fleet.axis_cameras]
    vms: dict[str, t.Sequence[_AnySpec]] = {
        "vms_servers": fleet.vms_servers,
        "vms_hardware": fleet.vms_hardware,
        "vms_clients": fleet.vms_clients,
    }
    data.update({name: [_plain(spec) for spec in specs] for name, specs in vms.items() if specs})
    return yaml.safe_dump(data, sort_keys=False)


def _plain(spec: _AnySpec) -> dict[str, t.Any]:
    values = {}
    for field in dc.fields(spec):
        value = getattr(spec, field.name)
        if value != field.default:
            values[field.name] = _plain_value(value)
    return values


def _plain_value(value: t.Any) -> t.Any:
    if isinstance(value, tuple):
        return [_plain_value(entry) for entry in value]
    return dc.asdict(value) if dc.is_dataclass(value) and not isinstance(value, type) else value


def inventory_yaml(
    fleet: Fleet, *, https_port: int, speed: float, facts: t.Mapping[str, t.Mapping[str, t.Any]] | None = None
) -> str:
    """The Ansible inventory of the fleet; it holds passwords.

    `facts` is what only the running simulator knows of cinema cameras, FTPES servers and VMS servers, by name.
    """
    recorders = {spec.name: _recorder_vars(spec, https_port, speed) for spec in fleet.recorders}
    cameras: dict[str, t.Any] = {"hosts": {spec.name: _camera_vars(spec, https_port) for spec in fleet.cameras}}
    if others := _other_cameras(fleet, https_port):
        cameras["children"] = others
    for group in (cameras, *others.values()):
        _name_hardware(fleet, group["hosts"])
    children: dict[str, t.Any] = {"camsec_recorders": {"hosts": recorders}, "camsec_cameras": cameras}
    known = facts or {}
    if fleet.cinema_cameras:
        hosts = {spec.name: {**_cinema_vars(spec), **known.get(spec.name, {})} for spec in fleet.cinema_cameras}
        children["cinema_cameras"] = {"hosts": hosts}
    if fleet.ftpes_servers:
        hosts = {spec.name: {**_server_vars(spec), **known.get(spec.name, {})} for spec in fleet.ftpes_servers}
        children["ftpes_endpoints"] = {"hosts": hosts}
    if fleet.vms_servers:
        children["camsec_vms_servers"] = vms_group(fleet.vms_servers, fleet.vms_clients, known)
    data = {
        "all": {
            "vars": {
                "ansible_connection": "local",
                "ansible_python_interpreter": "{{ ansible_playbook_python }}",
                "camsec_first_contact": "plain_http",
            },
            "children": children,
        }
    }
    return "---\n" + yaml.safe_dump(data, sort_keys=False)


def _other_cameras(fleet: Fleet, https_port: int) -> dict[str, t.Any]:
    """Groups of cameras that speak another dialect; all of them are cameras to the playbooks."""
    groups: dict[str, t.Any] = {}
    if fleet.onvif_cameras:
        hosts = {spec.name: _onvif_vars(spec, https_port) for spec in fleet.onvif_cameras}
        groups["camsec_onvif_cameras"] = {"vars": {"camsec_driver": "onvif"}, "hosts": hosts}
    if fleet.sunell_cameras:
        hosts = {spec.name: _secure_vars(spec, https_port) for spec in fleet.sunell_cameras}
        # They leave the factory with HTTPS and a certificate that nobody should trust.
        variables = {"camsec_driver": "sunell", "camsec_first_contact": "any_certificate"}
        groups["camsec_sunell_cameras"] = {"vars": variables, "hosts": hosts}
    if fleet.axis_cameras:
        hosts = {spec.name: _secure_vars(spec, https_port) for spec in fleet.axis_cameras}
        # So do these: with HTTPS beside plain HTTP, and a certificate of their own.
        variables = {"camsec_driver": "axis", "camsec_first_contact": "any_certificate"}
        groups["camsec_axis_cameras"] = {"vars": variables, "hosts": hosts}
    return groups


def _name_hardware(fleet: Fleet, hosts: t.Mapping[str, dict[str, t.Any]]) -> None:
    """Cameras that the VMS has: by their names there."""
    for hardware in fleet.vms_hardware:
        if hardware.name in hosts:
            hosts[hardware.name]["camsec_vms_hardware"] = hardware.name


def _recorder_vars(spec: RecorderSpec, https_port: int, speed: float) -> dict[str, t.Any]:
    values: dict[str, t.Any] = {
        "ansible_host": spec.address,
        "camsec_http_port": spec.http_port,
        "camsec_https_port": https_port,
    }
    if spec.https_port != https_port:
        values["camsec_former_https_port"] = spec.https_port
    return values | {
        "camsec_username": spec.username,
        "camsec_password": spec.password,
        "camsec_main_unlock_key": spec.main_key,
        "camsec_kit_unlock_keys": [kit.key for kit in spec.kits],
        "camsec_data_encryption_password": spec.data_encryption_password or _picture_password(spec.name),
        "camsec_command_interval": spec.command_interval / (speed or 1.0),
    }


def _camera_vars(spec: CameraSpec, https_port: int) -> dict[str, t.Any]:
    values: dict[str, t.Any] = {
        "ansible_host": spec.address,
        "camsec_http_port": spec.http_port,
        "camsec_https_port": https_port,
        "camsec_username": spec.username,
        "camsec_password": spec.password,
    }
    if spec.recorder:
        values |= {"camsec_recorder": spec.recorder, "camsec_camera_number": spec.camera_number}
    return values | {"camsec_data_encryption": spec.data_encryption}


def _secure_vars(spec: SunellCameraSpec | AxisCameraSpec, https_port: int) -> dict[str, t.Any]:
    former = {"camsec_former_https_port": spec.https_port} if spec.https_port != https_port else {}
    return {**_onvif_vars(spec, https_port), **former}


def _onvif_vars(spec: OnvifCameraSpec | SunellCameraSpec | AxisCameraSpec, https_port: int) -> dict[str, t.Any]:
    return {
        "ansible_host": spec.address,
        "camsec_http_port": spec.http_port,
        "camsec_https_port": https_port,
        "camsec_username": spec.username,
        "camsec_password": spec.password,
    }


def _cinema_vars(spec: CinemaCameraSpec) -> dict[str, t.Any]:
    return {
        "ansible_host": spec.address,
        "ftpes_camera_model": spec.model,
        "ftpes_camera_user_name": spec.username,
        "ftpes_camera_password": spec.password,
        "ftpes_camera_card": spec.label,
    }


def _server_vars(spec: FtpesServerSpec) -> dict[str, t.Any]:
    return {
        "ansible_host": spec.address,
        "camsec_ftpes_port": spec.port,
        "camsec_ftpes_username": spec.username,
        "camsec_ftpes_password": spec.password,
    }
