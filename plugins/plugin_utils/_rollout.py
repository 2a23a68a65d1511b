# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the filters know of a rollout: which camera belongs where, which was lost, what is out of line. No I/O."""

from __future__ import annotations

import datetime as dt
import typing as t

from ansible.errors import AnsibleFilterError
from ansible_collections.camsec.fleet.plugins.module_utils._core._errors import LoginError
from ansible_collections.camsec.fleet.plugins.plugin_utils._vms_follow import (
    goes_back_for_vms,
    vms_sentence,
    way,
)

__all__ = ["audit_report", "cameras_by_recorder", "lost_cameras", "pending_links", "rollout_failures"]

HostVars = t.Mapping[str, t.Mapping[str, t.Any]]
Results = t.Iterable[t.Mapping[str, t.Any]]

#: What the roles register for each host.
_CAMERA = "camera_https_camera"
_PREFLIGHT = "recorder_https_links"
_AUDITED = ("recorder_https_recorder", _CAMERA, "data_encryption_recorder")


def cameras_by_recorder(cameras: t.Iterable[str], hostvars: HostVars) -> dict[str, dict[str, t.Any]]:
    """Group cameras by recorder.

    Args:
        cameras: Inventory names.
        hostvars: The hosts' variables.

    Returns:
        Recorder to C(names), C(links), C(encryption) and C(wanted).

    Raises:
        AnsibleFilterError: A camera has no number, or two have the same, or its recorder is not in the inventory.
    """
    found: dict[str, dict[str, t.Any]] = {}
    for name in cameras:
        variables = hostvars[name]
        recorder = variables.get("camsec_recorder")
        if not recorder:
            continue
        if recorder not in found:
            if recorder not in hostvars:
                raise AnsibleFilterError(
                    f"{name}: camsec_recorder: found {recorder!r}, expected the inventory name of a recorder."
                )
            found[recorder] = {"names": {}, "links": [], "encryption": [], "wanted": []}
        _add(found[recorder], name, variables, recorder)
    return found


def _add(group: dict[str, t.Any], name: str, variables: t.Mapping[str, t.Any], recorder: str) -> None:
    number = _number(name, "camsec_camera_number", variables.get("camsec_camera_number"))
    other = group["names"].setdefault(number, name)
    if other != name:
        raise AnsibleFilterError(
            f"{name}: camsec_camera_number: found {number}, which {other} has on {recorder} too,"
            " expected one of its own."
        )
    connection = variables.get("camsec_connection", "https")
    if connection not in ("http", "https"):
        raise AnsibleFilterError(f"{name}: camsec_connection: found {connection!r}, expected http or https.")
    link: dict[str, t.Any] = {"number": number, "connection": connection}
    if connection == "https":
        link["port"] = _number(name, "camsec_https_port", variables.get("camsec_https_port", 443))
    group["links"].append(link)
    encrypt = variables.get("camsec_data_encryption")
    if encrypt is None:
        group["wanted"].append(link)
        return
    if not isinstance(encrypt, bool):
        raise AnsibleFilterError(f"{name}: camsec_data_encryption: found {encrypt!r}, expected true or false.")
    group["encryption"].append({"number": number, "encrypt": encrypt, "send": True})
    group["wanted"].append({**link, "encrypt": encrypt})


def _number(name: str, variable: str, found: object) -> int:
    if isinstance(found, str) and found.isdecimal():
        return int(found)
    if not isinstance(found, int) or isinstance(found, bool):
        raise AnsibleFilterError(f"{name}: {variable}: found {found!r}, expected a whole number.")
    return int(found)


def pending_links(cameras: t.Iterable[str], hostvars: HostVars) -> dict[str, dict[str, t.Any]]:
    """What recorders have to be told about their cameras of a wave.

    Args:
        cameras: Inventory names.
        hostvars: The hosts' variables.

    Returns:
        As :func:`cameras_by_recorder`, without cameras that failed, were left alone or go back since their VMS did not
        follow, and without those that changed nothing and that their recorder is connected to as it should be already.
    """
    good = [name for name in cameras if _stays(name, hostvars[name])]
    pending = {}
    for recorder, group in cameras_by_recorder(good, hostvars).items():
        present = _present_links(hostvars[recorder].get(_PREFLIGHT))
        links = [link for link in group["links"] if _is_pending(link, group["names"], hostvars, present)]
        if links:
            names = {link["number"]: group["names"][link["number"]] for link in links}
            pending[recorder] = {"names": names, "links": links}
    return pending


def _stays(name: str, camera: t.Mapping[str, t.Any]) -> bool:
    result = camera.get(_CAMERA)
    done = result is None or not (result.get("failed") or result.get("skipped"))
    return done and goes_back_for_vms(name, camera) is None


def _failed(result: t.Any) -> bool:
    return result is not None and bool(result.get("failed"))


def _present_links(result: t.Any) -> dict[int, t.Mapping[str, t.Any]]:
    """What the preflight of this very run saw; nothing when there was none."""
    if result is None or result.get("failed") or result.get("skipped"):
        return {}
    seen = {int(one["number"]): one.get("state") for one in result.get("cameras") or ()}
    cameras = (result.get("before") or {}).get("cameras") or ()
    return {int(one["number"]): {**one, "state": seen.get(int(one["number"]))} for one in cameras}


def _is_pending(
    link: t.Mapping[str, t.Any], names: t.Mapping[int, str], hostvars: HostVars, present: t.Mapping[int, t.Any]
) -> bool:
    number = link["number"]
    result = hostvars[names[number]].get(_CAMERA)
    if result is None or result.get("changed") or number not in present:
        return True
    found = present[number]
    as_wanted = found["connection"] == link["connection"] and found["port"] == link.get("port", found["port"])
    return not as_wanted or found["state"] not in (None, "normal")


def lost_cameras(results: Results, hostvars: HostVars, *, asked: Results = ()) -> list[dict[str, t.Any]]:
    """The cameras that their recorders do not see after their turn.

    Args:
        results: Of a loop of C(recorder_camera_link) over the items of :func:`pending_links`.
        hostvars: The hosts' variables.
        asked: Results of a loop of C(recorder_info) over those results that failed.

    Returns:
        For each its name, recorder and number, how its recorder connects to it now, whether it has to C(move) there,
        why it is lost, and whether the recorder has refused our login (it must not be asked again then).
    """
    results, asked = list(results), list(asked)
    present = {one["item"]["item"]["key"]: one.get("cameras") for one in asked if one.get("item")}
    refused = {one["item"]["key"] for one in results if _login_refused(one)}
    refused |= {one["item"]["item"]["key"] for one in asked if _login_refused(one)}
    lost = []
    for result in results:
        item = result.get("item")
        if not item or result.get("skipped"):
            continue
        names = {int(number): name for number, name in item["value"]["names"].items()}
        if result.get("failed"):
            found = _lost_of_failed(result, names, hostvars, present.get(item["key"]) or (), item["key"])
        else:
            found = _lost_of(result, names)
        lost += [{"recorder": item["key"], "login_refused": item["key"] in refused, **one} for one in found]
    return lost


def _login_refused(result: t.Mapping[str, t.Any]) -> bool:
    return (result.get("error") or {}).get("kind") == LoginError.__name__


def _lost_of(result: t.Mapping[str, t.Any], names: t.Mapping[int, str]) -> t.Iterator[dict[str, t.Any]]:
    now = {int(one["number"]): one for one in result.get("cameras") or ()}
    reasons = {int(one["number"]): one for one in result.get("unseen_reasons") or ()}
    reverted = {int(number) for number in result.get("reverted") or ()}
    unseen = {int(number) for number in result.get("unseen") or ()}
    for number in sorted((reverted | unseen) & set(names)):
        link, reason = now.get(number, {}), reasons.get(number, {})
        connection = link.get("connection", "http")
        yield {
            "name": names[number],
            "number": number,
            "connection": connection,
            "port": link.get("port") if connection == "https" else None,
            "move": number in reverted,
            "reason": reason.get("fault") or reason.get("error_log") or "",
        }


def _lost_of_failed(
    result: t.Mapping[str, t.Any], names: t.Mapping[int, str], hostvars: HostVars, present: Results, recorder: str
) -> t.Iterator[dict[str, t.Any]]:
    """The recorder's turn failed: a camera goes to where the recorder has it, or else back to where it was."""
    links = {int(one["number"]): one for one in present}
    former = _present_links((hostvars.get(recorder) or {}).get(_PREFLIGHT))
    for number, name in sorted(names.items()):
        camera = hostvars[name].get(_CAMERA) or {}
        now, link = camera.get("after") or {}, links.get(number)
        if link is None and not (camera.get("changed") and camera.get("before")):
            continue
        goal = link or _where_it_was(camera["before"], former.get(number))
        connection, port = goal["connection"], goal["port"] if goal["connection"] == "https" else None
        move = connection != now.get("connection") or port not in (None, now.get("https_port"))
        if not move and link is not None and link["state"] == "normal":
            continue
        yield {
            "name": name,
            "number": number,
            "connection": connection,
            "port": port,
            "move": move,
            "reason": str(result.get("msg", "")).rstrip("."),
        }


def _where_it_was(before: t.Mapping[str, t.Any], link: t.Mapping[str, t.Any] | None) -> t.Mapping[str, t.Any]:
    """A camera that answered in both was seen in what the preflight saw; without that, in plain HTTP as at first."""
    if before["connection"] != "http_and_https":
        return {"connection": before["connection"], "port": before["https_port"]}
    return link or {"connection": "http", "port": before["https_port"]}


def rollout_failures(
    cameras: t.Iterable[str],
    hostvars: HostVars,
    *,
    links: Results,
    lost: Results,
    moved: Results,
    seen: Results,
    vms: Results = (),
) -> list[str]:
    """What went wrong in a wave, one sentence a device.

    Args:
        cameras: Inventory names.
        hostvars: The hosts' variables.
        links: Results of the loop that set the recorders' links.
        lost: What :func:`lost_cameras` and :func:`vms_lost_cameras` gave.
        moved: Results of the loop that brought lost cameras back.
        seen: Results of the loop that waited until the recorders saw them again.
        vms: Results of the loop that had the VMS follow them back.

    Returns:
        Sentences; none when all is well.
    """
    not_moved, not_told = _messages(moved), _messages(vms)
    sentences = []
    for name in cameras:
        variables = hostvars[name]
        failed = [f"{name}: {variables[_CAMERA].get('msg', 'failed')}"] if _failed(variables.get(_CAMERA)) else []
        sentences += [*failed, *filter(None, [vms_sentence(name, variables, not_told.get(name))])]
    sentences += [f"{one['item']['key']}: {one.get('msg', 'failed')}" for one in links if one.get("failed")]
    watched = {one["item"][0]: one for one in seen if one.get("item")}
    for one in lost:
        result = watched.get(one["recorder"]) or {}
        asked = {**one, "login_refused": one["login_refused"] or _login_refused(result)}
        name, sees = one["name"], _sees_again(one, result)
        describe = _lost_sentence if goes_back_for_vms(name, hostvars[name]) is None else _unfollowed_sentence
        sentence = describe(asked, not_moved.get(name), sees)
        sentences += [sentence + _not_told_sentence(one, not_told.get(name))] if sentence else []
    return sentences


def _messages(results: Results) -> dict[str, str]:
    """Why a loop over cameras failed, by camera."""
    return {one["item"]["name"]: str(one.get("msg", "failed")) for one in results if one.get("failed")}


def _sees_again(lost: t.Mapping[str, t.Any], result: t.Mapping[str, t.Any]) -> bool:
    cameras = result.get("cameras") or ()
    return any(one["number"] == lost["number"] and one["state"] == "normal" for one in cameras)


def _lost_sentence(lost: t.Mapping[str, t.Any], not_moved: str | None, sees: bool) -> str:
    name, recorder, connection = lost["name"], lost["recorder"], str(lost["connection"]).upper()
    if not lost["move"] and sees:
        return ""
    reason = f" ({lost['reason']})" if lost["reason"] else ""
    found = f"{name}: found not seen by {recorder}{reason}, expected CAM_CONNECT 1."
    if not_moved is not None:
        return f"{found} It could NOT be brought back to {connection}, by which {recorder} connects to it: {not_moved}"
    where = f"{found} It was brought back to {connection}" if lost["move"] else f"{found} It was left at {connection}"
    if sees:
        where += f", where {recorder} sees it again."
    elif lost["login_refused"]:
        return (
            f"{where}; whether {recorder} sees it is not known, since it has refused the login and is not asked again."
        )
    else:
        where += f"; {recorder} does NOT see it yet."
    return f"{where} Look at the recorder's trusted certificates, its clock and the camera's address."


def _unfollowed_sentence(lost: t.Mapping[str, t.Any], not_moved: str | None, sees: bool) -> str:
    """Of a camera that its VMS did not follow."""
    reason = f"found that the VMS does not follow it ({lost['reason']})"
    found = f"{lost['name']}: {reason}, expected the VMS to reach it by HTTPS."
    where = f"to where the VMS had it, {way(lost)}"
    if not_moved is not None:
        return f"{found} It could NOT be brought back {where}: {not_moved}"
    if not lost["recorder"]:
        return f"{found} It was brought back {where}."
    seen = "sees it again" if sees else "does NOT see it yet"
    return f"{found} It was brought back {where}; {lost['recorder']} {seen}."


def _not_told_sentence(lost: t.Mapping[str, t.Any], not_told: str | None) -> str:
    """Of a camera that went back, and whose VMS was not to be told so."""
    if not_told is None:
        return ""
    return (
        f" Whether the VMS has it {way(lost)} is NOT known ({not_told.rstrip('.')}): look there"
        " (camsec.fleet.vms_hardware_info)."
    )


def audit_report(
    hosts: t.Iterable[str],
    hostvars: HostVars,
    *,
    warn_days: int = 60,
    authority: t.Mapping[str, t.Any] | None = None,
) -> dict[str, t.Any]:
    """Collect the findings of all hosts.

    Args:
        hosts: Inventory names.
        hostvars: The hosts' variables.
        warn_days: A certificate with fewer days left is a finding.
        authority: Result of C(certificate_authority_info).

    Returns:
        C(findings) and C(lines).
    """
    names = list(hosts)
    now, days = dt.datetime.now(tz=dt.UTC), int(warn_days)
    findings = list(_authority_findings(authority, now, days))
    findings += [finding for name in names for finding in _findings(name, hostvars[name], now, days)]
    lines = [f"{len(names)} devices, {len(findings)} findings"]
    lines += [f"{finding['host']}: {finding['kind'].replace('_', ' ')}: {finding['text']}" for finding in findings]
    return {"findings": findings, "lines": lines}


def _authority_findings(
    authority: t.Mapping[str, t.Any] | None, now: dt.datetime, warn_days: int
) -> t.Iterator[dict[str, str]]:
    name = "certificate authority"
    if authority is None:
        return
    if authority.get("failed"):
        yield {"host": name, "kind": "unread", "text": str(authority.get("msg", "failed"))}
    elif authority.get("certificate"):
        yield from _expiry(name, authority["certificate"], now, warn_days)


def _findings(
    name: str, variables: t.Mapping[str, t.Any], now: dt.datetime, warn_days: int
) -> t.Iterator[dict[str, str]]:
    results = [variables[key] for key in _AUDITED if key in variables]
    done = [result for result in results if not result.get("skipped")]
    if not done:
        yield {"host": name, "kind": "unread", "text": "no result; see the task that failed"}
    for result in done:
        if result.get("failed"):
            yield {"host": name, "kind": "unread", "text": str(result.get("msg", "failed"))}
        for step in result.get("plan") or ():
            yield {"host": name, "kind": "out_of_line", "text": str(step["title"])}
        for one in result.get("unseen_reasons") or ():
            why = one.get("fault") or one.get("error_log") or "no entry in the log"
            yield {"host": name, "kind": "out_of_line", "text": f"camera {one['number']} is not seen ({why})"}
        certificate = result.get("certificate") or (result.get("before") or {}).get("certificate")
        if certificate:
            yield from _expiry(name, certificate, now, warn_days)


def _expiry(
    name: str, certificate: t.Mapping[str, t.Any], now: dt.datetime, warn_days: int
) -> t.Iterator[dict[str, str]]:
    left = (dt.datetime.fromisoformat(certificate["not_after"]) - now).days
    if left < warn_days:
        text = f"certificate {certificate['serial_number']} has {left} days left ({certificate['not_after']})"
        yield {"host": name, "kind": "expires", "text": text}
