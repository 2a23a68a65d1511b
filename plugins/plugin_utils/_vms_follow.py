# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a VMS follows its cameras, and where a camera goes that it does not follow. Pure."""

from __future__ import annotations

import typing as t

from ansible_collections.camsec.fleet.plugins.module_utils._core._errors import LoginError
from ansible_collections.camsec.fleet.plugins.plugin_utils._vms_cameras import (
    ENTRIES,
    LOOK,
    hardware_of,
    has_failed,
    message_of,
    vms_objection,
)

__all__ = [
    "goes_back_for_vms",
    "vms_camera_links",
    "vms_lost_cameras",
    "vms_sentence",
    "vms_unmet_cameras",
    "vms_ways_back",
    "way",
]

HostVars = t.Mapping[str, t.Mapping[str, t.Any]]
Results = t.Iterable[t.Mapping[str, t.Any]]
Row = dict[str, t.Any]

#: What the role camera_https registers and sets for each camera from its turn on.
_CAMERA, _TOLD, _UNMET = "camera_https_camera", "camera_https_told", "camera_https_unmet"


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
        told, entry = variables.get(_TOLD) or {}, (variables.get(ENTRIES) or {}).get(name) or {}
        if has_failed(told) or not told.get("changed") or not entry["recorder"]:
            continue
        after = told["after"]
        camera = {
            "name": name,
            "address": hardware_of({**after, "model": "", "enabled": True}).host,
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
        if has_failed(one):
            unmet |= {camera["name"]: message_of(one) for camera in one["item"]["cameras"]}
        unmet |= {camera["name"]: camera["reason"] for camera in one.get("cameras") or () if not camera["accepted"]}
    return unmet


def _unfollowed(name: str, variables: t.Mapping[str, t.Any]) -> str:
    """Why the VMS does not follow a camera; empty when it does."""
    told = variables.get(_TOLD) or {}
    reason = message_of(told) if has_failed(told) else str((variables.get(_UNMET) or {}).get(name, ""))
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
    before = variables[LOOK]["before"]
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
    goals = {one["item"]["name"]: one["item"] for one in moved if one.get("item") and not has_failed(one)}
    for name in cameras:
        variables = hostvars[name]
        if _unfollowed(name, variables) and _at(_now(variables), _had(variables)):
            goals.setdefault(name, _had(variables))
    found = []
    for name, goal in goals.items():
        variables = hostvars[name]
        entry = (variables.get(ENTRIES) or {}).get(name)
        before, told = (variables.get(LOOK) or {}).get("before"), variables.get(_TOLD) or {}
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
    objection = vms_objection((variables.get(ENTRIES) or {}).get(name) or {}, variables.get(LOOK) or {})
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
