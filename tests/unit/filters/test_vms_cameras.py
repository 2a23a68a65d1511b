# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Cameras that a VMS has: whose they are, what is in the way, and where they go."""

from __future__ import annotations

import collections
import time
import typing as t

import pytest
from ansible_collections.camsec.fleet.plugins.plugin_utils._rollout import pending_links, rollout_failures
from ansible_collections.camsec.fleet.plugins.plugin_utils._vms_cameras import (
    vms_camera_roots,
    vms_cameras,
    vms_followed,
    vms_gateways,
    vms_objection,
    vms_unfollowed,
)
from ansible_collections.camsec.fleet.plugins.plugin_utils._vms_follow import (
    vms_camera_links,
    vms_lost_cameras,
    vms_unmet_cameras,
    vms_ways_back,
)

Json = dict[str, t.Any]

ACCOUNT = {"camsec_vms_api_username": "camsec", "camsec_vms_api_password": "secret"}
IDS = {"Entrance": "8d1c7f0e-2f1a-4a53-9a0e-0c6a3c2a7b11", "Gate": "8d1c7f0e-2f1a-4a53-9a0e-0c6a3c2a7b12"}
ROW = {"model": "", "enabled": True, "recording_server": "Recording 1"}
ENTRY = {"gateway": "management-a", "hardware": "id", "recorder": "recording-a", "objection": "", "unseen": ""}
FAILED: t.Final[Json] = {"failed": True, "msg": "management-a: PATCH: found status 503, expected status 200."}
UNSEEN = "It was brought back to where the VMS had it, by plain HTTP; rec does NOT see it yet."
INFO = " (camsec.fleet.vms_hardware_info)."
UNFOLLOWED = f"one: found that the VMS does not follow it ({FAILED['msg'].rstrip('.')}), expected"


def server(*roles: str, **more: t.Any) -> Json:
    return {"camsec_vms_roles": list(roles), **more}


def site(**cameras: Json) -> tuple[dict[str, Json], dict[str, list[str]]]:
    """An inventory with two VMSs, a and b, each in a group of its own, and these cameras."""
    hosts: dict[str, Json] = {"localhost": {}}
    groups: dict[str, list[str]] = {"camsec_cameras": list(cameras)}
    for vms in ("a", "b"):
        own = {
            f"management-{vms}": server("management_server", **ACCOUNT),
            f"recording-{vms}": server("recording_server", camsec_vms_root={"results": [{"changed": False}]}),
            f"failover-{vms}": {"camsec_vms_roles": "failover_recording_server", "camsec_vms_root": {"results": []}},
            f"event-{vms}": server("event_server"),
        }
        groups[f"vms_{vms}"] = list(own)
        hosts |= own
    hosts |= {
        name: {"camsec_vms_group": "vms_a", "camsec_authority_directory": "/ca", **own} for name, own in hosts.items()
    }
    hosts |= {
        name: {
            "camsec_vms_hardware": "Entrance",
            "camsec_vms_group": "vms_a",
            "camsec_authority_directory": "/ca",
            **own,
        }
        for name, own in cameras.items()
    }
    groups["all"] = list(hosts)
    return hosts, groups


def listed(gateway: str = "management-a", *names: str, **more: t.Any) -> Json:
    """A round of the loop over vms_hardware_info."""
    rows = [
        {**ROW, "id": IDS.get(name, name), "name": name, "address": f"http://192.0.2.{place}/"}
        for place, name in enumerate(names or tuple(IDS), 1)
    ]
    recorders = [{"name": "Recording 1", "host_name": "RECORDING-A.example"}]
    return {"item": gateway, "hardware": rows, "recorders": recorders, **more}


def in_the_way(hosts: Json, groups: dict[str, list[str]], *results: Json, look: Json | None = None) -> dict[str, str]:
    entries = vms_cameras(groups["camsec_cameras"], hosts, groups, listed_by=results or [listed()])
    return {name: vms_objection(entry, look or {}) for name, entry in entries.items()}


# -- whose they are ----------------------------------------------------------------------------------------------------


def test_which_vms() -> None:
    """The run is for one VMS (camsec_vms_group); a camera of another says so itself."""
    hosts, groups = site(one={}, two={"camsec_vms_gateway_host": "management-b"}, three={"camsec_vms_hardware": None})
    hosts["four"] = {**hosts["one"], "camsec_connection": "http"}
    assert vms_gateways(["one", "two", "three", "four"], hosts, groups) == ["management-a", "management-b"]
    assert vms_gateways(["three", "four"], hosts, groups) == []
    assert vms_followed(["four", "two", "three", "one"], hosts) == ["two", "one"]
    assert vms_unfollowed(["four", "two", "three", "one"], hosts) == ["four", "three"]


def test_who_is_to_trust_what() -> None:
    hosts, groups = site(
        one={},
        two={"camsec_authority_directory": "/another"},
        three={"camsec_sign_command": ["sign"], "camsec_ca_path": "/theirs.pem"},
        four={"camsec_authority_directory": "/unverified", "camsec_vms_validate_certificate": "false"},
        five={"camsec_vms_gateway_host": "management-b"},
    )
    a = ["/ca/trusted.pem", "/another/trusted.pem", "/theirs.pem"]
    # Servers of b say nothing of whose they are, and the run is for a.
    assert vms_camera_roots(groups["camsec_cameras"], hosts, groups) == {"failover-a": a, "recording-a": a}
    hosts["recording-b"]["camsec_vms_gateway_host"] = "management-b"
    found = vms_camera_roots(groups["camsec_cameras"], hosts, groups)
    assert found == {"failover-a": a, "recording-a": a, "recording-b": ["/ca/trusted.pem"]}


NOBODY = "expected the inventory name of a management server (camsec_vms_roles)."
NOT_ONE = "expected exactly one, or the variable camsec_vms_gateway_host."


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"camsec_vms_gateway_host": "nobody"}, f"camsec_vms_gateway_host: found 'nobody', {NOBODY}"),
        ({"camsec_vms_gateway_host": "recording-a"}, f"camsec_vms_gateway_host: found 'recording-a', {NOBODY}"),
        ({"camsec_vms_group": "nothing"}, f"management server in the group nothing: found none, {NOT_ONE}"),
        (
            {"camsec_vms_group": "all"},
            f"management server in the group all: found management-a, management-b, {NOT_ONE}",
        ),
        (
            {"camsec_vms_gateway_host": "management-c"},
            "camsec_vms_api_password of management-c: found nothing, expected a basic user of the VMS.",
        ),
    ],
)
def test_no_vms(change: Json, sentence: str) -> None:
    hosts, groups = site(one=change)
    hosts["management-c"] = server("management_server", camsec_vms_api_username="camsec")
    assert vms_gateways(["one"], hosts, groups) == []
    assert vms_camera_roots(["one"], hosts, groups) == {}
    assert in_the_way(hosts, groups) == {"one": sentence}


# -- what is in the way ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["Entrance", "entrance ", "192.0.2.1", IDS["Entrance"], IDS["Entrance"].upper()])
def test_it_is_found(name: str) -> None:
    hosts, groups = site(one={"camsec_vms_hardware": name})
    hosts["recording-a"]["camsec_vms_host_name"] = "recording-a.example"
    entries = vms_cameras(["one"], hosts, groups, listed_by=[listed()])
    assert entries == {"one": {**ENTRY, "hardware": IDS["Entrance"]}}


def test_none_and_several() -> None:
    hosts, groups = site(one={"camsec_vms_hardware": "Nothing"}, two={"camsec_vms_hardware": "gate"})
    found = in_the_way(hosts, groups, listed("management-a", "Gate", "GATE"))
    assert found["one"] == (
        "management-a: hardware Nothing: found none with this name, address or id, expected exactly one."
    )
    assert found["two"] == (
        f"management-a: hardware gate: found 2 of them: Gate at http://192.0.2.1/ ({IDS['Gate']}), GATE at"
        " http://192.0.2.2/ (GATE), expected exactly one. Name it by its id."
    )


def test_a_vms_that_does_not_answer_or_was_not_asked() -> None:
    hosts, groups = site(one={}, two={"camsec_vms_gateway_host": "management-b"})
    refused = {"item": "management-a", "failed": True, "msg": "management-a: login: found refused, expected another."}
    found = in_the_way(hosts, groups, refused, {"item": "management-b", "skipped": True})
    assert found == {"one": "management-a: login: found refused, expected another."}


def test_a_look_that_failed() -> None:
    hosts, groups = site(one={})
    assert in_the_way(hosts, groups, look=FAILED) == {"one": FAILED["msg"]}
    assert vms_objection({}, FAILED) == ""


@pytest.mark.parametrize(
    "root", [{"unreachable": True, "msg": "no route"}, {"results": [{"failed": True, "msg": "no route"}]}]
)
def test_a_recording_server_that_lacks_the_root(root: Json) -> None:
    hosts, groups = site(one={}, two={"camsec_vms_validate_certificate": False})
    hosts["failover-a"]["camsec_vms_root"] = root
    assert in_the_way(hosts, groups) == {
        "one": "the root of its authority: found not known to be trusted by failover-a (no route), expected each"
        " recording and failover recording server to trust it.",
        "two": "",
    }


def test_a_recording_server_outside_of_the_run() -> None:
    """It holds up what is to be verified from now on, and nothing else."""
    hosts, groups = site(one={})
    del hosts["recording-a"]["camsec_vms_root"]
    off, on = {"validate_certificate": False}, {"validate_certificate": True}
    assert in_the_way(hosts, groups, look={"before": on, "after": on}) == {"one": ""}
    assert in_the_way(hosts, groups, look={"before": off, "after": on}) == {
        "one": "the root of its authority: found nobody who has looked whether recording-a trusts it, expected each"
        " recording and failover recording server in this run (camsec.fleet.site, --limit)."
    }


def test_a_vms_without_recording_servers() -> None:
    hosts, groups = site(one={"camsec_vms_gateway_host": "management-b"})
    assert in_the_way(hosts, groups, listed("management-b")) == {
        "one": "recording servers of management-b: found none in the inventory, expected those that have to trust the"
        " cameras' authority, in its group or with camsec_vms_gateway_host."
    }


class Counted(dict[str, Json]):
    """Ansible's hostvars work a host's variables out anew each time."""

    def __init__(self, hosts: dict[str, Json]) -> None:
        super().__init__(hosts)
        self.asked = collections.Counter[str]()

    def __getitem__(self, name: str) -> Json:
        self.asked[name] += 1
        return super().__getitem__(name)


def test_five_thousand() -> None:
    names = [f"camera-{number}" for number in range(5000)]
    hosts, groups = site(**{name: {"camsec_vms_hardware": name} for name in names})
    rows = [{**ROW, "id": f"id-{name}", "name": name, "address": f"http://{name}/"} for name in names]
    counted = Counted(hosts)
    start = time.monotonic()
    entries = vms_cameras(names, counted, groups, listed_by=[{"item": "management-a", "hardware": rows}])
    assert time.monotonic() - start < 5
    assert entries["camera-4999"]["hardware"] == "id-camera-4999"
    assert max(counted.asked.values()) <= 8


# -- ways back ---------------------------------------------------------------------------------------------------------


def camera(before: str = "http", had: str = "http", *, port: int = 443, now: str = "https", **more: t.Any) -> Json:
    """A camera after its turn; `had` is how the VMS had it, and 443 the port that both knew."""
    settings = {"https": had == "https", "camera_https_port": 443, "validate_certificate": False}
    return {
        "camera_https_camera": {
            "changed": True,
            "before": {"connection": before, "https_port": 443},
            "after": {"connection": now, "https_port": port},
        },
        "camera_https_look": {"before": {**settings, "validate_host_name": True}},
        "camera_https_vms": {"one": ENTRY},
        "camera_https_told": FAILED,
        "camsec_recorder": "rec",
        "camsec_camera_number": 1,
        **more,
    }


@pytest.mark.parametrize(
    ("variables", "goal"),
    [
        (camera(), ("http", None)),
        (camera("http_and_https"), ("http", None)),
        # It has another port now.
        (camera("https", "https", port=8443), ("https", 443)),
        # Where it was before, the VMS did not look for it: there is no way back.
        (camera("https", "http"), None),
        (camera("http", "https"), None),
        # It is where the VMS has it; what failed is what is verified.
        (camera("https", "https"), None),
        (camera(camera_https_told={"changed": True}), None),
        (camera(camera_https_told={"changed": True}, camera_https_unmet={"one": "not trusted"}), ("http", None)),
        (camera(camera_https_told={"skipped": True}), None),
    ],
)
def test_where_it_goes(variables: Json, goal: tuple[str, int | None] | None) -> None:
    hosts = {"one": variables, "rec": {}}
    lost = vms_lost_cameras(["one"], hosts)
    assert [(one["connection"], one["port"]) for one in lost] == ([goal] if goal else [])
    # Its recorder is told of where it stays only.
    assert bool(pending_links(["one"], hosts)) == (goal is None)


def test_who_has_to_get_what() -> None:
    after = {
        "id": "id",
        "name": "Entrance",
        "address": "http://192.0.2.11:8080/",
        "camera_https_port": 8443,
        "validate_certificate": True,
        "validate_host_name": False,
    }
    told = {"changed": True, "after": after}
    hosts = {
        "one": camera(camera_https_told=told),
        "two": camera(camera_https_told={**told, "changed": False}),
        "three": camera(),
        "four": camera(camera_https_told=told, camera_https_vms={"four": {**ENTRY, "recorder": ""}}),
    }
    found = vms_camera_links(hosts, hosts)
    row = {"name": "one", "address": "192.0.2.11", "port": 8443, "validate_certificate": True}
    assert found == [{"server": "recording-a", "cameras": [{**row, "validate_host_name": False}]}]
    seen = [{**row, "accepted": False, "reason": "not trusted"}, {"name": "two", "accepted": True, "reason": ""}]
    assert vms_unmet_cameras([{"item": found[0], "cameras": seen}]) == {"one": "not trusted"}
    assert vms_unmet_cameras([{"item": found[0], "failed": True, "msg": "no route"}]) == {"one": "no route"}


def test_what_the_vms_has_where_nothing_moved() -> None:
    """It has the camera where it is; what it was told to verify from now on does not work."""
    variables = camera("https", "https", camera_https_told={"changed": True}, camera_https_unmet={"one": "no"})
    settings = {"https": True, "camera_https_port": 443, "validate_certificate": False, "validate_host_name": False}
    back = vms_ways_back([], {"one": variables}, cameras=["one"])
    assert back == [{"name": "one", "gateway": "management-a", "hardware": "id", "settings": settings}]
    failed = [{"item": back[0], "failed": True, "msg": "no answer."}]
    found = rollout_failures(["one"], {"one": variables}, links=[], lost=[], moved=[], seen=[], vms=failed)
    assert "by HTTPS on port 443, where it still is, and could not be told so (no answer)." in found[0]
    hosts = {"one": camera("https", "http"), "two": camera(camera_https_told={"changed": True})}
    assert vms_ways_back([], hosts, cameras=hosts) == []


def test_what_the_vms_has_then() -> None:
    def back(variables: Json, connection: str, port: int | None = None) -> list[Json]:
        moved = {"item": {"name": "one", "connection": connection, "port": port}}
        return [one["settings"] for one in vms_ways_back([moved], {"one": variables})]

    assert back(camera(), "http") == [{"https": False}]
    # Lost by its recorder while the VMS has it by HTTPS.
    assert back(camera(camera_https_told={"changed": True}), "http") == [{"https": False}]
    assert back(camera(had="https", port=8443), "https", 443) == [
        {"https": True, "camera_https_port": 443, "validate_certificate": False, "validate_host_name": False}
    ]
    assert back(camera(had="http"), "https", 8443) == [{"https": True, "camera_https_port": 8443}]
    assert back(camera(camera_https_told={**FAILED, "error": {"kind": "LoginError"}}), "http") == []
    assert back({"camera_https_vms": {}}, "http") == []
    assert vms_ways_back([{"item": {"name": "one"}, "failed": True}], {"one": camera()}) == []


@pytest.mark.parametrize(
    ("results", "end"),
    [
        ({}, UNSEEN),
        (
            {"seen": [{"item": ["rec"], "cameras": [{"number": 1, "state": "normal"}]}]},
            "It was brought back to where the VMS had it, by plain HTTP; rec sees it again.",
        ),
        (
            {"moved": [{"item": {"name": "one"}, "failed": True, "msg": "no answer."}]},
            "It could NOT be brought back to where the VMS had it, by plain HTTP: no answer.",
        ),
        (
            {"vms": [{"item": {"name": "one"}, "failed": True, "msg": "no answer."}]},
            f"{UNSEEN} Whether the VMS has it by plain HTTP is NOT known (no answer): look there{INFO}",
        ),
    ],
)
def test_what_is_said_of_one_that_goes_back(results: Json, end: str) -> None:
    hosts = {"one": camera(), "rec": {}}
    given: Json = {"links": [], "lost": vms_lost_cameras(["one"], hosts), "moved": [], "seen": [], **results}
    assert rollout_failures(["one"], hosts, **given) == [f"{UNFOLLOWED} the VMS to reach it by HTTPS. {end}"]


@pytest.mark.parametrize(
    ("variables", "end"),
    [
        (camera("https", "http"), "by plain HTTP, where it was not: there is no way back."),
        (camera("https", "https"), "by HTTPS on port 443, where it still is."),
    ],
)
def test_what_is_said_of_one_that_stays(variables: Json, end: str) -> None:
    found = rollout_failures(["one"], {"one": variables}, links=[], lost=[], moved=[], seen=[])
    stays = f"It stays at HTTPS; before this run the VMS had it {end}"
    advice = "Run again, or set it in the VMS (camsec.fleet.vms_hardware)."
    assert found == [f"{UNFOLLOWED} the VMS to reach it by HTTPS and as the inventory says. {stays} {advice}"]


def test_what_is_said_of_one_that_was_not_touched() -> None:
    entry = {**ENTRY, "objection": "it: found this, expected that."}
    variables: Json = {"camera_https_vms": {"one": entry}, "camera_https_camera": {"skipped": True}}
    hosts = {"one": {**variables, "camsec_recorder": "rec", "camsec_camera_number": 1}, "rec": {}}
    assert rollout_failures(["one"], hosts, links=[], lost=[], moved=[], seen=[]) == [
        "one: it: found this, expected that. It was not touched."
    ]
    assert pending_links(["one"], hosts) == {}
