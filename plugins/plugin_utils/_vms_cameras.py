# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which VMS has which camera, and what keeps it from following. Pure."""

from __future__ import annotations

import contextlib
import dataclasses as dc
import typing as t

from ansible_collections.camsec.fleet.plugins.module_utils._core._errors import InputError
from ansible_collections.camsec.fleet.plugins.module_utils._vms.gateway import Hardware
from ansible_collections.camsec.fleet.plugins.module_utils._vms.hardware import hardware_by_name, only_hardware
from ansible_collections.camsec.fleet.plugins.plugin_utils._vms_site import listed

__all__ = [
    "ENTRIES",
    "LOOK",
    "hardware_of",
    "has_failed",
    "message_of",
    "vms_camera_roots",
    "vms_cameras",
    "vms_followed",
    "vms_gateways",
    "vms_objection",
    "vms_unfollowed",
]

HostVars = t.Mapping[str, t.Mapping[str, t.Any]]
Groups = t.Mapping[str, t.Sequence[str]]
Results = t.Iterable[t.Mapping[str, t.Any]]
Row = dict[str, t.Any]

_MANAGING: t.Final = frozenset({"management_server"})
_TRUE: t.Final = ("true", "yes", "on", "1", "y", "t")
#: Servers that fetch from cameras; a failover recording server takes over any of them.
_FETCHING: t.Final = frozenset({"recording_server", "failover_recording_server"})
_ACCOUNT: t.Final = ("camsec_vms_api_username", "camsec_vms_api_password")
#: What the role camera_https registers for each camera before it is touched: the look, and what the VMS has of it.
LOOK: t.Final = "camera_https_look"
ENTRIES: t.Final = "camera_https_vms"
#: What the site's playbook registers for each recording server.
_ROOT: t.Final = "camsec_vms_root"


class _NoGatewayError(Exception):
    """Which VMS it is cannot be told; the text is the sentence without the host."""


# -- which VMS ---------------------------------------------------------------------------------------------------------


class _Vms:
    """Which VMS a host of the inventory belongs to; what is the same for many hosts is worked out once.

    Args:
        hostvars: The hosts' variables.
        groups: The inventory's groups.
    """

    def __init__(self, hostvars: HostVars, groups: Groups) -> None:
        self._hostvars = hostvars
        self._groups = groups
        self._known: dict[tuple[str, str], str | _NoGatewayError] = {}

    def gateway(self, variables: t.Mapping[str, t.Any]) -> str:
        """The management server of a camera, or of a server.

        Args:
            variables: Its variables.

        Returns:
            The inventory name.

        Raises:
            _NoGatewayError: There is none, or there are several.
        """
        named, group = variables.get("camsec_vms_gateway_host") or "", _group(variables)
        key = (str(named), "" if named else group)
        if key not in self._known:
            self._known[key] = self._checked(*(self._named(str(named)) if named else self._in_group(group)))
        found = self._known[key]
        if isinstance(found, _NoGatewayError):
            raise found
        return found

    def recorders(self, gateways: t.Iterable[str]) -> dict[str, list[str]]:
        """The recording and failover recording servers of some VMSs.

        Args:
            gateways: Inventory names of their management servers.

        Returns:
            Inventory names, by management server.
        """
        found: dict[str, list[str]] = {gateway: [] for gateway in gateways}
        # Variables of a host are costly to get, and cameras are many.
        others = set(self._groups.get("all", ())) - set(self._groups.get("camsec_cameras", ())) if found else set()
        for name in sorted(others):
            variables = self._hostvars[name]
            if _has_role(variables, _FETCHING) and self._belongs(name, variables):
                with contextlib.suppress(_NoGatewayError):
                    found.get(self.gateway(variables), []).append(name)
        return found

    def _belongs(self, name: str, variables: t.Mapping[str, t.Any]) -> bool:
        """A server outside of the group, and without a word on its VMS, is of another one."""
        return bool(variables.get("camsec_vms_gateway_host")) or name in self._groups.get(_group(variables), ())

    def _named(self, name: str) -> tuple[list[str], str, str, str]:
        right = name in self._hostvars and _has_role(self._hostvars[name], _MANAGING)
        expected = "the inventory name of a management server (camsec_vms_roles)"
        return [name] if right else [], "camsec_vms_gateway_host", repr(name), expected

    def _in_group(self, group: str) -> tuple[list[str], str, str, str]:
        found = [name for name in self._groups.get(group, ()) if _has_role(self._hostvars[name], _MANAGING)]
        subject, shown = f"management server in the group {group}", ", ".join(found) or "none"
        return found, subject, shown, "exactly one, or the variable camsec_vms_gateway_host"

    def _checked(self, found: t.Sequence[str], subject: str, shown: str, expected: str) -> str | _NoGatewayError:
        if len(found) != 1:
            return _NoGatewayError(f"{subject}: found {shown}, expected {expected}.")
        missing = [name for name in _ACCOUNT if not self._hostvars[found[0]].get(name)]
        if missing:
            return _NoGatewayError(f"{missing[0]} of {found[0]}: found nothing, expected a basic user of the VMS.")
        return found[0]


def vms_gateways(cameras: t.Iterable[str], hostvars: HostVars, groups: Groups) -> list[str]:
    """The management servers that are to be asked for cameras.

    Args:
        cameras: Inventory names.
        hostvars: The hosts' variables.
        groups: The inventory's groups.

    Returns:
        Inventory names, each once; none for a camera whose variables name none.
    """
    vms, found = _Vms(hostvars, groups), dict[str, None]()
    for name in vms_followed(cameras, hostvars):
        # What is wrong there is said of the camera by vms_cameras().
        with contextlib.suppress(_NoGatewayError):
            found[vms.gateway(hostvars[name])] = None
    return list(found)


def vms_camera_roots(cameras: t.Iterable[str], hostvars: HostVars, groups: Groups) -> dict[str, list[str]]:
    """Which recording servers are to trust what, so that they can verify cameras.

    Args:
        cameras: Inventory names.
        hostvars: The hosts' variables.
        groups: The inventory's groups.

    Returns:
        For each recording and failover recording server of a VMS that verifies a camera the trust files of the
        cameras' authorities.
    """
    vms, files = _Vms(hostvars, groups), dict[str, dict[str, None]]()
    for name in vms_followed(cameras, hostvars):
        variables = hostvars[name]
        path = _trust_file(variables)
        if path and _verifies(variables):
            with contextlib.suppress(_NoGatewayError):
                files.setdefault(vms.gateway(variables), {})[path] = None
    return {server: list(files[gateway]) for gateway, some in vms.recorders(files).items() for server in some}


def vms_followed(cameras: t.Iterable[str], hostvars: HostVars) -> list[str]:
    """The cameras that a VMS is to reach by HTTPS.

    Args:
        cameras: Inventory names.
        hostvars: The hosts' variables.

    Returns:
        Those that a VMS has, and that are to answer in HTTPS.
    """
    return [
        name
        for name in cameras
        if hostvars[name].get("camsec_vms_hardware") and hostvars[name].get("camsec_connection", "https") == "https"
    ]


def vms_unfollowed(cameras: t.Iterable[str], hostvars: HostVars) -> list[str]:
    """The cameras that no VMS is to reach by HTTPS.

    Args:
        cameras: Inventory names.
        hostvars: The hosts' variables.

    Returns:
        All others than those of :func:`vms_followed`, in their order.
    """
    names = list(cameras)
    followed = set(vms_followed(names, hostvars))
    return [name for name in names if name not in followed]


def _verifies(variables: t.Mapping[str, t.Any]) -> bool:
    """Whether the VMS is to verify a camera; what comes from a command line is a text."""
    return str(variables.get("camsec_vms_validate_certificate", True)).lower() in _TRUE


def _group(variables: t.Mapping[str, t.Any]) -> str:
    return str(variables.get("camsec_vms_group", "camsec_vms_servers"))


def _has_role(variables: t.Mapping[str, t.Any], roles: t.AbstractSet[str]) -> bool:
    return not roles.isdisjoint(listed(variables.get("camsec_vms_roles", [])))


def _trust_file(variables: t.Mapping[str, t.Any]) -> str:
    """With the authority's root; where a command of the operator's signs, that of the authority which it asks."""
    if variables.get("camsec_sign_command") is not None:
        return str(variables.get("camsec_ca_path") or "")
    directory = variables.get("camsec_authority_directory")
    return f"{directory}/trusted.pem" if directory else ""


# -- before a camera is touched ----------------------------------------------------------------------------------------


def vms_cameras(
    cameras: t.Iterable[str], hostvars: HostVars, groups: Groups, *, listed_by: Results
) -> dict[str, dict[str, str]]:
    """What the VMS has of the cameras of a wave.

    Args:
        cameras: Inventory names.
        hostvars: The hosts' variables.
        groups: The inventory's groups.
        listed_by: Results of a loop of C(vms_hardware_info) over what :func:`vms_gateways` gives.

    Returns:
        For each camera that a VMS reaches by HTTPS C(gateway) (inventory name of the management server), C(hardware)
        (its id), C(recorder) (inventory name of its recording server, or empty), C(objection) (why it must not be
        touched, or empty) and C(unseen) (recording servers of which nobody knows whether they trust its authority). A
        camera whose VMS was not asked is left out.
    """
    vms, names = _Vms(hostvars, groups), vms_followed(cameras, hostvars)
    results = {one["item"]: one for one in listed_by if one.get("item")}
    indexes = {gateway: _index(one) for gateway, one in results.items()}
    recorders = vms.recorders(results)
    trusts = {gateway: _Trust.of(gateway, some, hostvars) for gateway, some in recorders.items()}
    hosts = {gateway: _recorder_hosts(one, recorders[gateway], hostvars) for gateway, one in results.items()}
    entries = {}
    for name in names:
        try:
            gateway = vms.gateway(hostvars[name])
        except _NoGatewayError as error:
            entries[name] = _entry(objection=str(error))
            continue
        result = results.get(gateway, {"skipped": True})
        if not result.get("skipped"):
            trust = trusts[gateway] if _verifies(hostvars[name]) else _Trust()
            entry = _looked_up(hostvars[name], gateway, result, indexes[gateway], trust)
            entries[name] = {**entry, "recorder": hosts[gateway].get(entry["hardware"], "")}
    return entries


@dc.dataclass(frozen=True, kw_only=True)
class _Trust:
    """What is known of whether the recording servers of a VMS trust the cameras' authority."""

    objection: str = ""
    unseen: str = ""

    @classmethod
    def of(cls, gateway: str, servers: t.Sequence[str], hostvars: HostVars) -> t.Self:
        if not servers:
            return cls(
                objection=f"recording servers of {gateway}: found none in the inventory, expected those that have to"
                " trust the cameras' authority, in its group or with camsec_vms_gateway_host."
            )
        told = {name: hostvars[name].get(_ROOT) for name in servers}
        failed = [
            f"{name} ({message_of(one)})" for name, some in told.items() for one in _each(some) if has_failed(one)
        ]
        if failed:
            return cls(
                objection="the root of its authority: found not known to be trusted by"
                f" {', '.join(failed)}, expected each recording and failover recording server to trust it."
            )
        return cls(unseen=", ".join(name for name, some in told.items() if some is None))


def _looked_up(
    variables: t.Mapping[str, t.Any],
    gateway: str,
    result: t.Mapping[str, t.Any],
    index: t.Mapping[str, t.Sequence[Hardware]],
    trust: _Trust,
) -> dict[str, str]:
    if has_failed(result):
        return _entry(gateway=gateway, objection=message_of(result))
    text = str(variables["camsec_vms_hardware"]).strip()
    try:
        found = only_hardware(text, index.get(text.lower(), ()), device=gateway)
    except InputError as error:
        return _entry(gateway=gateway, objection=error.message)
    return _entry(gateway=gateway, hardware=found.id, objection=trust.objection, unseen=trust.unseen)


def _entry(*, gateway: str = "", hardware: str = "", objection: str = "", unseen: str = "") -> dict[str, str]:
    return {"gateway": gateway, "hardware": hardware, "recorder": "", "objection": objection, "unseen": unseen}


def _recorder_hosts(result: t.Mapping[str, t.Any], servers: t.Iterable[str], hostvars: HostVars) -> dict[str, str]:
    """Hardware's id to the inventory name of its recording server, which the VMS knows by its host's name."""
    hosts = {str(hostvars[name].get("camsec_vms_host_name", name)).lower(): name for name in servers}
    names = {one["name"]: hosts.get(one["host_name"].lower(), "") for one in result.get("recorders") or ()}
    return {one["id"].lower(): names.get(one["recording_server"], "") for one in result.get("hardware") or ()}


def _index(result: t.Mapping[str, t.Any]) -> dict[str, list[Hardware]]:
    return hardware_by_name(map(hardware_of, result.get("hardware") or ()))


def hardware_of(row: t.Mapping[str, t.Any]) -> Hardware:
    """A piece of hardware.

    Args:
        row: As C(vms_hardware_info) lists it.

    Returns:
        The hardware.
    """
    return Hardware(
        id=row["id"],
        name=row["name"],
        address=row["address"],
        model=row["model"],
        enabled=row["enabled"],
        recording_server_id="",
    )


def vms_objection(entry: t.Mapping[str, str], look: t.Mapping[str, t.Any]) -> str:
    """Why a camera must not be touched.

    Args:
        entry: Of :func:`vms_cameras`; empty when no VMS was asked for the camera.
        look: Result of C(vms_hardware) in check mode.

    Returns:
        A sentence without the camera's name; empty when nothing is in the way.
    """
    if not entry:
        return ""
    if entry["objection"]:
        return entry["objection"]
    if has_failed(look):
        return message_of(look)
    before, after = look.get("before") or {}, look.get("after") or {}
    if entry["unseen"] and after.get("validate_certificate") and not before.get("validate_certificate"):
        return (
            f"the root of its authority: found nobody who has looked whether {entry['unseen']} trusts it, expected each"
            " recording and failover recording server in this run (camsec.fleet.site, --limit)."
        )
    return ""


# -- results -----------------------------------------------------------------------------------------------------------


def _each(result: t.Any) -> list[t.Mapping[str, t.Any]]:
    """What a task came to, or each round of its loop."""
    return list(result.get("results", [result])) if result else []


def has_failed(result: t.Any) -> bool:
    """Whether a task failed.

    Args:
        result: What it was registered as, or nothing.

    Returns:
        True as well where its host was not reached.
    """
    return bool(result) and bool(result.get("failed") or result.get("unreachable"))


def message_of(result: t.Mapping[str, t.Any]) -> str:
    """What a task said that failed.

    Args:
        result: What it was registered as.

    Returns:
        The sentence.
    """
    return str(result.get("msg", "failed"))
