# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the filters know of cameras that move to another address. No I/O."""

from __future__ import annotations

import ipaddress
import typing as t

from ansible.errors import AnsibleFilterError
from ansible_collections.camsec.fleet.plugins.plugin_utils._rollout import cameras_by_recorder

__all__ = ["camera_moves", "move_failures", "moved_links", "moves_back"]

HostVars = t.Mapping[str, t.Mapping[str, t.Any]]
Results = t.Iterable[t.Mapping[str, t.Any]]

#: What the playbook registers for each camera, in the order of its tasks.
_ADDRESS: t.Final = "camsec_move_address"
_TASKS: t.Final = ("camsec_move_at", "camsec_move_both", _ADDRESS, "camsec_move_back", "camsec_move_narrow")


def camera_moves(cameras: t.Iterable[str], hostvars: HostVars) -> dict[str, dict[str, str]]:
    """Which cameras are to move, and where to.

    Args:
        cameras: Inventory names.
        hostvars: The hosts' variables.

    Returns:
        Camera to C(old) and C(new), without those that have no C(camsec_new_address) or are there already.

    Raises:
        AnsibleFilterError: An address is none, or another host has it, or a camera has no TLS.
    """
    present = {str(hostvars[name].get("ansible_host", name)): name for name in hostvars}
    moves: dict[str, dict[str, str]] = {}
    for name in cameras:
        variables = hostvars[name]
        old, new = str(variables.get("ansible_host", name)), variables.get("camsec_new_address")
        if new in (None, "", old):
            continue
        _check_ipv4(name, "ansible_host", old)
        _check_ipv4(name, "camsec_new_address", new)
        others = [present.get(new), *(other for other, move in moves.items() if move["new"] == new)]
        for other in filter(None, others):
            raise AnsibleFilterError(
                f"{name}: camsec_new_address: found {new}, which is that of {other} too, expected one of its own."
            )
        if variables.get("camsec_connection", "https") != "https":
            raise AnsibleFilterError(
                f"{name}: camsec_connection: found {variables['camsec_connection']!r}, expected https: a camera is"
                " known again at its new address by its certificate."
            )
        moves[name] = {"old": old, "new": new}
    return moves


def _check_ipv4(name: str, variable: str, found: t.Any) -> None:
    try:
        ipaddress.IPv4Address(str(found))
    except ValueError:
        raise AnsibleFilterError(f"{name}: {variable}: found {found!r}, expected an IPv4 address.") from None


def moved_links(cameras: t.Iterable[str], hostvars: HostVars) -> dict[str, dict[str, t.Any]]:
    """What recorders have to be told about cameras that have moved.

    Args:
        cameras: Inventory names.
        hostvars: The hosts' variables.

    Returns:
        Recorder to C(names) and C(links), without cameras whose move failed.
    """
    cameras = list(cameras)
    moved = [name for name in cameras if hostvars[name].get(_ADDRESS) and not _sentence(hostvars[name])]
    found = {}
    for recorder, group in cameras_by_recorder(moved, hostvars).items():
        names = group["names"]
        links = [{**link, "address": hostvars[names[link["number"]]]["camsec_move"]["new"]} for link in group["links"]]
        found[recorder] = {"names": names, "links": links}
    return found


def moves_back(results: Results, hostvars: HostVars, *, asked: Results = ()) -> dict[str, dict[str, str]]:
    """Which cameras have to go back to where they were, since their recorder does not see them at the new address.

    Args:
        results: Of a loop of C(recorder_camera_link) over the items of :func:`moved_links`.
        hostvars: The hosts' variables.
        asked: Results of a loop of C(recorder_info) over those results that failed.

    Returns:
        Camera to the C(reason), what its recorder says, and the C(netmask) and C(gateway) that it goes back with; they
        are empty where they are not known, or where it had none.
    """
    reasons = _lost(results, hostvars, asked)
    return {name: {"reason": reason, **_former_network(hostvars[name])} for name, reason in reasons.items()}


def _former_network(variables: t.Mapping[str, t.Any]) -> dict[str, str]:
    """As this run found it; a run that found the camera moved by an earlier one knows only what the inventory says."""
    before = variables[_ADDRESS].get("before") or {}
    if before.get("address") == variables["camsec_move"]["old"] and before.get("prefix_length"):
        netmask = ipaddress.IPv4Network((0, int(before["prefix_length"]))).netmask
        return {"netmask": str(netmask), "gateway": str(before["gateway"])}
    return {one: str(variables.get(f"camsec_old_{one}") or "") for one in ("netmask", "gateway")}


def _lost(results: Results, hostvars: HostVars, asked: Results) -> dict[str, str]:
    told = {one["item"]["item"]["key"]: one.get("cameras") or () for one in asked if one.get("item")}
    back: dict[str, str] = {}
    for result in results:
        item = result.get("item")
        if not item or result.get("skipped"):
            continue
        reasons = {int(one["number"]): one for one in result.get("unseen_reasons") or ()}
        lost = {int(number) for key in ("reverted", "unseen") for number in result.get(key) or ()}
        present = {int(one["number"]): one for one in told.get(item["key"], ())}
        for number, name in ((int(number), name) for number, name in item["value"]["names"].items()):
            if result.get("failed"):
                # The camera is to be where the recorder looks for it; one that does not tell was told nothing.
                if present.get(number, {}).get("address") != hostvars[name]["camsec_move"]["new"]:
                    back[name] = str(result.get("msg", "failed")).rstrip(".")
            elif number in lost:
                reason = reasons.get(number, {})
                back[name] = reason.get("fault") or reason.get("error_log") or "no entry in its log"
    return back


def move_failures(
    cameras: t.Iterable[str],
    hostvars: HostVars,
    *,
    links: Results = (),
    back: t.Mapping[str, t.Mapping[str, str]],
    seen: Results = (),
) -> list[str]:
    """What went wrong in a wave, one sentence a device.

    Args:
        cameras: Inventory names.
        hostvars: The hosts' variables.
        links: Results of the loop that told the recorders.
        back: What :func:`moves_back` gave.
        seen: Results of the loop that waited until the recorders saw them again.

    Returns:
        Sentences; none when all is well.
    """
    sentences = [f"{one['item']['key']}: {one.get('msg', 'failed')}" for one in links if one.get("failed")]
    normal = {
        (one["item"]["key"], int(camera["number"]))
        for one in seen
        if one.get("item")
        for camera in one.get("cameras") or ()
        if camera.get("state") == "normal"
    }
    for name in cameras:
        variables = hostvars[name]
        failed = _sentence(variables)
        if name in back:
            sees = (variables["camsec_recorder"], int(variables["camsec_camera_number"])) in normal
            sentences.append(_back_sentence(name, variables, back[name]["reason"], failed, sees))
        elif failed:
            sentences.append(f"{name}: {failed}")
    return sentences


def _sentence(variables: t.Mapping[str, t.Any]) -> str:
    """Why one of the camera's own tasks failed; empty when none did."""
    for task in _TASKS:
        result = variables.get(task) or {}
        if result.get("failed"):
            return str(result.get("msg", "failed"))
    return ""


def _back_sentence(name: str, variables: t.Mapping[str, t.Any], reason: str, failed: str, sees: bool) -> str:
    recorder, move = variables["camsec_recorder"], variables["camsec_move"]
    found = f"{name}: found not seen by {recorder} at {move['new']} ({reason}), expected CAM_CONNECT 1."
    if failed:
        return f"{found} It could NOT be brought back to {move['old']}: {failed}"
    where = f"{recorder} sees it again" if sees else f"{recorder} does NOT see it yet"
    return f"{found} It was brought back to {move['old']}, where {where}."
