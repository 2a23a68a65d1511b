# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which VMS has which camera, what keeps it from following, and where a camera goes that it does not follow. Pure."""

from __future__ import annotations

import contextlib
import dataclasses as dc
import typing as t

from ansible_collections.camsec.fleet.plugins.module_utils._core._errors import InputError, LoginError
from ansible_collections.camsec.fleet.plugins.module_utils._vms.gateway import Hardware
from ansible_collections.camsec.fleet.plugins.module_utils._vms.hardware import hardware_by_name, only_hardware
from ansible_collections.camsec.fleet.plugins.plugin_utils._vms_site import listed

__all__ = [
    "goes_back_for_vms",
    "vms_camera_links",
    "vms_camera_roots",
    "vms_cameras",
    "vms_followed",
    "vms_gateways",
    "vms_lost_cameras",
    "vms_objection",
    "vms_sentence",
    "vms_unfollowed",
    "vms_unmet_cameras",
    "vms_ways_back",
    "way",
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
#: What the role camera_https registers and sets for each camera, and the site's playbook for each recording server.
_CAMERA, _LOOK, _TOLD, _ENTRIES = "camera_https_camera", "camera_https_look", "camera_https_told", "camera_https_vms"
_UNMET: t.Final = "camera_https_unmet"
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
        failed = [f"{name} ({_message(one)})" for name, some in told.items() for one in _each(some) if _failed(one)]
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
    if _failed(result):
        return _entry(gateway=gateway, objection=_message(result))
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
    return hardware_by_name(map(_hardware, result.get("hardware") or ()))


def _hardware(row: t.Mapping[str, t.Any]) -> Hardware:
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
    if _failed(look):
        return _message(look)
    before, after = look.get("before") or {}, look.get("after") or {}
    if entry["unseen"] and after.get("validate_certificate") and not before.get("validate_certificate"):
        return (
            f"the root of its authority: found nobody who has looked whether {entry['unseen']} trusts it, expected each"
            " recording and failover recording server in this run (camsec.fleet.site, --limit)."
        )
    return ""


# -- the way back ------------------------------------------------------------------------------------------------------


def vms_camera_links(cameras: t.Iterable[str], hostvars: HostVars) -> list[Row]:
    """Which recording server has to get which cameras, after the VMS was told so in this run.

    Args:
        cameras: Inventory names.
        hostvars: The hosts' variables.

    Returns:
        For each recording server C(server) (its inventory name) and C(cameras) (option of C(vms_camera_link_info)).
    """
    found: dict[str, list[Row]] = {}
    for name in cameras:
        variables = hostvars[name]
        told, entry = variables.get(_TOLD) or {}, (variables.get(_ENTRIES) or {}).get(name) or {}
        if _failed(told) or not told.get("changed") or not entry["recorder"]:
            continue
        after = told["after"]
        camera = {
            "name": name,
            "address": _hardware({**after, "model": "", "enabled": True}).host,
            "port": after["camera_https_port"],
            # Which a driver may lack.
            "validate_certificate": after.get("validate_certificate", False),
            "validate_host_name": after.get("validate_host_name", False),
        }
        found.setdefault(entry["recorder"], []).append(camera)
    return [{"server": server, "cameras": some} for server, some in found.items()]


def vms_unmet_cameras(results: Results) -> dict[str, str]:
    """The cameras that their recording servers do not get.

    Args:
        results: Of a loop of C(vms_camera_link_info) over what :func:`vms_camera_links` gives.

    Returns:
        Why, by the camera's inventory name.
    """
    unmet: dict[str, str] = {}
    for one in results:
        if _failed(one):
            unmet |= {camera["name"]: _message(one) for camera in one["item"]["cameras"]}
        unmet |= {camera["name"]: camera["reason"] for camera in one.get("cameras") or () if not camera["accepted"]}
    return unmet


def _unfollowed(name: str, variables: t.Mapping[str, t.Any]) -> str:
    """Why the VMS does not follow a camera; empty when it does."""
    told = variables.get(_TOLD) or {}
    reason = _message(told) if _failed(told) else str((variables.get(_UNMET) or {}).get(name, ""))
    return reason.rstrip(".")


def goes_back_for_vms(name: str, variables: t.Mapping[str, t.Any]) -> Row | None:
    """Where a camera goes that its VMS does not follow: to where the VMS had it, if it was there before this run.

    Args:
        name: Its inventory name.
        variables: The camera's.

    Returns:
        C(connection) and C(port); None when the VMS followed, or when there is no way back.
    """
    camera = variables.get(_CAMERA) or {}
    if not _unfollowed(name, variables) or not camera.get("changed"):
        return None
    had = _had(variables)
    return had if _at(camera["before"], had) and not _at(camera["after"], had) else None


def _at(camera: t.Mapping[str, t.Any], place: t.Mapping[str, t.Any]) -> bool:
    """Whether a camera in this state answers there."""
    answers = camera.get("connection") in (place["connection"], "http_and_https")
    return answers and place["port"] in (None, camera.get("https_port"))


def _now(variables: t.Mapping[str, t.Any]) -> t.Mapping[str, t.Any]:
    """The camera's own state after its turn."""
    camera = variables.get(_CAMERA) or {}
    return camera.get("after") or camera.get("before") or {}


def _had(variables: t.Mapping[str, t.Any]) -> Row:
    """How the VMS connected to the camera before this run."""
    before = variables[_LOOK]["before"]
    return {
        "connection": "https" if before["https"] else "http",
        "port": before["camera_https_port"] if before["https"] else None,
    }


def vms_lost_cameras(cameras: t.Iterable[str], hostvars: HostVars) -> list[Row]:
    """The cameras that their VMS does not follow and that therefore go back.

    Args:
        cameras: Inventory names.
        hostvars: The hosts' variables.

    Returns:
        As :func:`lost_cameras`; C(recorder) is empty for a camera without one. No recorder was told of such a camera.
    """
    lost = []
    for name in cameras:
        variables = hostvars[name]
        goal = goes_back_for_vms(name, variables)
        if goal is not None:
            lost.append({
                "name": name,
                "recorder": variables.get("camsec_recorder") or "",
                "number": int(variables.get("camsec_camera_number") or 0),
                **goal,
                "move": True,
                "reason": _unfollowed(name, variables),
                "login_refused": False,
            })  # fmt: skip
    return lost


def vms_ways_back(moved: Results, hostvars: HostVars, *, cameras: t.Iterable[str] = ()) -> list[Row]:
    """What the VMS is to have of cameras that went back, or that are where it had them.

    Args:
        moved: Results of a loop of C(camera) that brought cameras back.
        hostvars: The hosts' variables.
        cameras: Inventory names of all that the VMS was to follow.

    Returns:
        For each camera that is back, and each that the VMS does not follow and that is where the VMS had it all the
        same, its C(name), C(gateway), C(hardware) and C(settings) (options of C(vms_hardware)). Not one whose VMS has
        refused the login: nothing was changed there, and it must not be asked again.
    """
    goals = {one["item"]["name"]: one["item"] for one in moved if one.get("item") and not _failed(one)}
    for name in cameras:
        variables = hostvars[name]
        if _unfollowed(name, variables) and _at(_now(variables), _had(variables)):
            goals.setdefault(name, _had(variables))
    found = []
    for name, goal in goals.items():
        variables = hostvars[name]
        entry = (variables.get(_ENTRIES) or {}).get(name)
        before, told = (variables.get(_LOOK) or {}).get("before"), variables.get(_TOLD) or {}
        if entry and before and (told.get("error") or {}).get("kind") != LoginError.__name__:
            place = {"gateway": entry["gateway"], "hardware": entry["hardware"]}
            found.append({"name": name, **place, "settings": _settings(before, goal)})
    return found


def _settings(before: t.Mapping[str, t.Any], goal: t.Mapping[str, t.Any]) -> Row:
    """Without HTTPS nothing can be verified, and the module takes both validations out by itself."""
    if goal["connection"] == "http":
        return {"https": False}
    settings = {"https": True, "camera_https_port": goal["port"] or before["camera_https_port"]}
    if before["https"]:
        verified = before["validate_certificate"]
        settings |= {"validate_certificate": verified, "validate_host_name": verified and before["validate_host_name"]}
    return settings


# -- sentences ---------------------------------------------------------------------------------------------------------


def vms_sentence(name: str, variables: t.Mapping[str, t.Any], not_told: str | None = None) -> str:
    """What went wrong between a camera and its VMS.

    Args:
        name: The camera's inventory name.
        variables: Its variables.
        not_told: Why the VMS could not be told to have it as before.

    Returns:
        A sentence; empty when nothing did, and for a camera that goes back for it.
    """
    objection = vms_objection((variables.get(_ENTRIES) or {}).get(name) or {}, variables.get(_LOOK) or {})
    if objection:
        return f"{name}: {objection} It was not touched."
    reason = _unfollowed(name, variables)
    if not reason or goes_back_for_vms(name, variables) is not None:
        return ""
    had = _had(variables)
    stays = "where it still is" if _at(_now(variables), had) else "where it was not: there is no way back"
    stays += f", and could not be told so ({not_told.rstrip('.')})" if not_told else ""
    return (
        f"{name}: found that the VMS does not follow it ({reason}), expected the VMS to reach it by"
        f" HTTPS and as the inventory says. It stays at HTTPS; before this run the VMS had it {way(had)}, {stays}. Run"
        " again, or set it in the VMS (camsec.fleet.vms_hardware)."
    )


def way(place: t.Mapping[str, t.Any]) -> str:
    """How a camera is reached.

    Args:
        place: C(connection) and C(port).

    Returns:
        The end of a sentence.
    """
    if place["connection"] == "http":
        return "by plain HTTP"
    return f"by HTTPS on port {place['port']}" if place["port"] else "by HTTPS"


# -- results -----------------------------------------------------------------------------------------------------------


def _each(result: t.Any) -> list[t.Mapping[str, t.Any]]:
    """What a task came to, or each round of its loop."""
    return list(result.get("results", [result])) if result else []


def _failed(result: t.Any) -> bool:
    return bool(result) and bool(result.get("failed") or result.get("unreachable"))


def _message(result: t.Mapping[str, t.Any]) -> str:
    return str(result.get("msg", "failed"))
