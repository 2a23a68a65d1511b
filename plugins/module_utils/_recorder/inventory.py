# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What recorders tell of themselves and of their cameras, as hosts of an inventory; changes nothing.

Reading (:func:`survey`) gives plain data without secrets, which may be kept in a cache; :func:`inventory_hosts` makes
hosts of it and is pure.
"""

from __future__ import annotations

import concurrent.futures
import dataclasses as dc
import types
import typing as t
from pathlib import Path

from .._core._errors import CamsecError, InputError, LoginError
from .._core._host import InventoryHost, InventoryHosts, group_name
from .._options import DEVICE_OPTIONS, target_from
from .._tls._names import bare, parse_name
from .._transport._contact import Target
from .modules import RECORDER_OPTIONS
from .resource import Limits, RecorderResource
from .state import CAMERA_STATES, CameraState, Wanted

__all__ = ["SOURCE_OPTIONS", "RecorderSource", "Survey", "inventory_hosts", "sources_from", "survey"]

#: Argument specification of one entry of the option ``recorders``.
SOURCE_OPTIONS: t.Final[dict[str, dict[str, t.Any]]] = {
    "name": {"type": "str"},
    **DEVICE_OPTIONS,
    "host": {"type": "str", "required": True},
    "username": {"type": "str", "required": True},
    "password": {"type": "str", "required": True, "no_log": True},
    "command_interval": RECORDER_OPTIONS["command_interval"],
}
_SIDE_BY_SIDE = 16
#: Ansible takes hosts of these names for the computer that it runs on.
_THIS_COMPUTER: t.Final = frozenset(("localhost", "127.0.0.1", "::1"))
#: Of a reading: what a camera tells, by its name there, and the variable that it becomes.
_CAMERA_VARIABLES: t.Final[t.Mapping[str, str]] = types.MappingProxyType(
    {
        "number": "camsec_camera_number",
        "model": "camsec_model",
        "state": "camsec_state",
        "fault": "camsec_fault",
        "connection": "camsec_registered_connection",
        "port": "camsec_registered_https_port",
        "encrypted": "camsec_registered_data_encryption",
        "tls_supported": "camsec_tls_supported",
        "encryption_supported": "camsec_encryption_supported",
        "compression": "camsec_compression",
        "internet_mode": "camsec_internet_mode",
        "thumbnail": "camsec_thumbnail",
    }
)
_RECORDER_VARIABLES: t.Final[t.Mapping[str, str]] = types.MappingProxyType(
    {
        "model": "camsec_model",
        "version": "camsec_version",
        "serial_number": "camsec_serial_number",
        "max_cameras": "camsec_max_cameras",
        "licenses": "camsec_licenses",
        "data_encryption_password_set": "camsec_data_encryption_password_set",
        "contact": "camsec_contact",
    }
)
#: Logins that were refused in this process. Ansible may try a source by two names, or again in the same run.
_refused: dict[tuple[object, ...], LoginError] = {}

Reading = dict[str, t.Any]


@dc.dataclass(frozen=True, kw_only=True)
class RecorderSource:
    """A recorder to be read.

    Attributes:
        name: Its name in the inventory.
        target: The recorder.
        command_interval: Seconds between two commands.
    """

    name: str
    target: Target
    command_interval: float

    @property
    def key(self) -> str:
        """What tells in a cache that a reading is this recorder's; no secret."""
        target = self.target
        return f"{self.name} {target.host} {target.http_port} {','.join(map(str, target.https_ports))}"

    def variables(self) -> dict[str, t.Any]:
        """What the operator said of it, in the names that roles and modules take; never the password."""
        target = self.target
        ports = dict(zip(("camsec_https_port", "camsec_former_https_port"), target.https_ports, strict=False))
        trust: dict[str, t.Any] = {}
        if target.trust.spki_sha256:
            trust["camsec_spki_sha256"] = list(target.trust.spki_sha256)
        if target.trust.ca_path:
            trust["camsec_ca_path"] = target.trust.ca_path
        return {
            "ansible_host": target.host,
            "camsec_http_port": target.http_port,
            **ports,
            "camsec_username": target.credentials.username,
            "camsec_timeout": target.timeout,
            "camsec_command_interval": self.command_interval,
            **trust,
        }


@dc.dataclass(frozen=True, kw_only=True)
class Survey:
    """What recorders told.

    Attributes:
        readings: By :attr:`RecorderSource.key`; a recorder that could not be read has none.
        errors: Why.
    """

    readings: t.Mapping[str, Reading]
    errors: tuple[CamsecError, ...]

    def fail(self) -> None:
        """Raise the first error, if there is one."""
        for error in self.errors:
            raise error


def sources_from(entries: t.Sequence[t.Mapping[str, t.Any]], *, trust_directory: str | None) -> list[RecorderSource]:
    """The recorders that the options name.

    Args:
        entries: By :data:`SOURCE_OPTIONS`.
        trust_directory: Where the recorders' own root certificates are kept, by their names.

    Returns:
        The recorders.

    Raises:
        InputError: There is none, one is there twice, or an option cannot be used.
    """
    sources = [_source(entry, trust_directory) for entry in entries]
    if not sources:
        raise InputError(device="inventory", subject="recorders", found="none", expected="at least one recorder")
    seen: set[object] = set()
    for source in sources:
        address = (source.target.host, source.target.http_port, source.target.https_ports)
        if source.name in seen or address in seen:
            raise InputError(
                device=source.name, subject="recorders", found="this name or address twice", expected="each once"
            )
        seen |= {source.name, address}
    return sources


def _source(entry: t.Mapping[str, t.Any], trust_directory: str | None) -> RecorderSource:
    name = str(entry["name"] or entry["host"])
    kept = Path(trust_directory, f"{name}.pem") if trust_directory and "/" not in name else None
    target = target_from(entry, ca_path=str(kept) if kept is not None and kept.exists() else None)
    return RecorderSource(name=name, target=target, command_interval=entry["command_interval"])


# Reading.


def survey(sources: t.Sequence[RecorderSource], kept: t.Mapping[str, Reading]) -> Survey:
    """Read recorders side by side: each with one login, and always a logout.

    Args:
        sources: The recorders.
        kept: Readings that need not be made again.

    Returns:
        What they told.
    """
    readings = {source.key: kept[source.key] for source in sources if source.key in kept}
    errors: list[CamsecError] = []
    unread = [source for source in sources if source.key not in readings]
    with concurrent.futures.ThreadPoolExecutor(max_workers=_SIDE_BY_SIDE) as pool:
        for source, outcome in zip(unread, pool.map(_read_or_error, unread), strict=True):
            if isinstance(outcome, CamsecError):
                errors.append(outcome)
            else:
                readings[source.key] = outcome
    return Survey(readings=readings, errors=tuple(errors))


def _read_or_error(source: RecorderSource) -> Reading | CamsecError:
    credentials = source.target.credentials
    account = (source.target.host, source.target.http_port, credentials.username, credentials.password)
    if account in _refused:
        return _refused[account]
    try:
        return _read(source)
    except LoginError as error:
        _refused[account] = error
        return error
    except CamsecError as error:
        return error


def _read(source: RecorderSource) -> Reading:
    limits = Limits(command_interval=source.command_interval)
    with RecorderResource(Wanted(), target=source.target, limits=limits) as resource:
        api = resource.open()
        reading: Reading = {**api.system().shown(), "contact": resource.reached().shown()}
        # Asking for the connect states makes the recorder look; the fault column is read after that.
        states = api.connect_states()
        read = api.cameras()
        reading["registered"] = sum(state != CAMERA_STATES[0] for state in states.values())
        reading["cameras"] = None
        if read is not None:
            cameras, used, total = read
            reading["licenses"] = {"total": total, "used": used}
            reading["data_encryption_password_set"] = api.encryption.password_set
            reading["cameras"] = [_camera(camera, states) for camera in cameras]
        return reading


def _camera(camera: CameraState, states: t.Mapping[int, str]) -> dict[str, t.Any]:
    shown = dc.asdict(dc.replace(camera, state=states.get(camera.number, CAMERA_STATES[0])))
    return {name: shown[name] for name in ("address", *_CAMERA_VARIABLES)}


# Hosts.


def inventory_hosts(sources: t.Sequence[RecorderSource], found: Survey, *, hostname: str) -> InventoryHosts:
    """The recorders and their cameras as hosts.

    Args:
        sources: The recorders.
        found: What they told.
        hostname: What cameras are called: ``address``, or ``recorder_number`` for ``<recorder>-<number>``.

    Returns:
        The hosts, recorders first. A camera without a usable address, or of a name that is taken, is left out with a
        warning.
    """
    readings = [(source, found.readings.get(source.key)) for source in sources]
    hosts = {source.name: _recorder_host(source, reading) for source, reading in readings}
    warnings: list[str] = []
    for source, reading in readings:
        cameras = reading["cameras"] if reading is not None else []
        if cameras is None:
            warnings += _unlicensed(source.name, reading)
        for camera in cameras or ():
            try:
                host = _camera_host(source.name, camera, hostname, hosts)
            except InputError as error:
                warnings.append(f"{error.message} It is left out.")
            else:
                hosts[host.name] = host
    return InventoryHosts(hosts=tuple(hosts.values()), warnings=tuple(warnings))


def _unlicensed(recorder: str, reading: Reading | None) -> t.Iterator[str]:
    if reading is not None and reading["registered"]:
        yield (
            f"{recorder}: licence kit: found none, without which the recorder does not tell its {reading['registered']}"
            " cameras (REC-06), expected one. They are left out."
        )


def _recorder_host(source: RecorderSource, reading: Reading | None) -> InventoryHost:
    told = reading or {}
    variables = {variable: told[name] for name, variable in _RECORDER_VARIABLES.items() if name in told}
    groups = ("camsec_recorders", *group_name("camsec_recorder", source.name))
    groups += ("camsec_unread",) if reading is None else group_name("camsec_model", told["model"])
    return InventoryHost(name=source.name, groups=groups, variables={**variables, **source.variables()})


def _camera_host(recorder: str, camera: t.Mapping[str, t.Any], hostname: str, taken: t.Container[str]) -> InventoryHost:
    subject = f"camera {camera['number']}"
    address = _address(recorder, subject, camera["address"])
    name = address if hostname == "address" else f"{recorder}-{camera['number']}"
    if name in taken or name in _THIS_COMPUTER:
        raise InputError(
            device=recorder,
            subject=subject,
            found=f"the name {name}, which another host has" if name in taken else f"the name {name}",
            expected="a name of its own",
            advice="Set hostname to recorder_number." if hostname == "address" else "",
        )
    return InventoryHost(
        name=name, groups=_camera_groups(recorder, camera), variables=_variables(recorder, camera, address)
    )


def _address(recorder: str, subject: str, address: str) -> str:
    name = bare(parse_name(address, device=recorder, subject=subject))
    if "*" in name:
        raise InputError(device=recorder, subject=subject, found=repr(name), expected="an address or a host name")
    return name


def _variables(recorder: str, camera: t.Mapping[str, t.Any], address: str) -> dict[str, t.Any]:
    variables = {
        "ansible_host": address,
        "camsec_recorder": recorder,
        **{variable: camera[name] for name, variable in _CAMERA_VARIABLES.items()},
    }
    if camera["connection"] == "https":
        variables["camsec_https_port"] = camera["port"]
    if not camera["tls_supported"]:
        # REC-21: there is no other connection to be wanted.
        variables["camsec_connection"] = "http"
    return variables


def _camera_groups(recorder: str, camera: t.Mapping[str, t.Any]) -> tuple[str, ...]:
    return (
        "camsec_cameras",
        *group_name("camsec_recorder", recorder),
        *group_name("camsec_model", camera["model"]),
        *group_name("camsec_state", camera["state"]),
        *group_name("camsec_connection", camera["connection"]),
        *group_name("camsec_data_encryption", "on" if camera["encrypted"] else "off"),
    )
