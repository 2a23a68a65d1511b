# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filters of cameras that move, with good and with bad input."""

from __future__ import annotations

import typing as t

import pytest
from ansible.errors import AnsibleFilterError
from ansible_collections.camsec.fleet.plugins.plugin_utils._moves import (
    camera_moves,
    move_failures,
    moved_links,
    moves_back,
)

Json = dict[str, t.Any]
OLD, NEW = "192.0.2.11", "192.0.2.81"


def _camera(**more: t.Any) -> Json:
    return {
        "ansible_host": OLD,
        "camsec_new_address": NEW,
        "camsec_recorder": "rec",
        "camsec_camera_number": 1,
        "camsec_move": {"old": OLD, "new": NEW},
        "camsec_move_address": {"changed": True},
        **more,
    }


def test_which_cameras_are_to_move() -> None:
    hostvars: dict[str, Json] = {
        "moves": _camera(),
        "moved": _camera(ansible_host="192.0.2.82", camsec_new_address="192.0.2.82"),
        "stays": {"ansible_host": "192.0.2.13"},
        "192.0.2.14": {"camsec_new_address": "192.0.2.84"},
    }
    assert camera_moves(hostvars, hostvars) == {
        "moves": {"old": OLD, "new": NEW},
        "192.0.2.14": {"old": "192.0.2.14", "new": "192.0.2.84"},
    }


@pytest.mark.parametrize(
    ("hostvars", "sentence"),
    [
        ({"a": _camera(camsec_new_address="gate")}, "a: camsec_new_address: found 'gate', expected an IPv4 address."),
        ({"a": _camera(camsec_new_address=7.5)}, "a: camsec_new_address: found 7.5, expected an IPv4 address."),
        ({"a": _camera(ansible_host="cam.example")}, "a: ansible_host: found 'cam.example', expected an IPv4 address."),
        (
            {"a": _camera(), "b": {"ansible_host": NEW}},
            f"a: camsec_new_address: found {NEW}, which is that of b too, expected one of its own.",
        ),
        (
            {"a": _camera(), "b": _camera(ansible_host="192.0.2.12")},
            f"b: camsec_new_address: found {NEW}, which is that of a too, expected one of its own.",
        ),
        ({"a": _camera(camsec_connection="http")}, "a: camsec_connection: found 'http', expected https: a camera is"),
    ],
)
def test_moves_that_cannot_be(hostvars: dict[str, Json], sentence: str) -> None:
    with pytest.raises(AnsibleFilterError) as caught:
        camera_moves(list(hostvars), hostvars)
    assert str(caught.value).startswith(sentence)


def test_what_recorders_are_told() -> None:
    hostvars: dict[str, Json] = {
        "rec": {},
        "good": _camera(),
        "failed": _camera(camsec_camera_number=2, camsec_move_address={"failed": True}),
        "before": _camera(camsec_camera_number=3, camsec_move_both={"failed": True}),
        "alone": _camera(camsec_recorder=""),
    }
    link = {"number": 1, "connection": "https", "port": 443, "address": NEW}
    assert moved_links(["good", "failed", "before", "alone"], hostvars) == {
        "rec": {"names": {1: "good"}, "links": [link]}
    }


def _result(**more: t.Any) -> Json:
    return {"item": {"key": "rec", "value": {"names": {"1": "cam"}}}, **more}


@pytest.mark.parametrize(
    ("result", "asked", "back"),
    [
        (_result(), None, {}),
        (_result(skipped=True, failed=True), None, {}),
        (_result(reverted=[1], unseen_reasons=[{"number": 1, "fault": "-(expired)"}]), None, {"cam": "-(expired)"}),
        (_result(unseen=[1]), None, {"cam": "no entry in its log"}),
        (_result(unseen=[2]), None, {}),
        # The recorder's turn failed: the camera is to be where it looks for it.
        (_result(failed=True, msg="No answer."), None, {"cam": "No answer"}),
        (_result(failed=True, msg="No answer."), [{"number": 1, "address": OLD}], {"cam": "No answer"}),
        (_result(failed=True, msg="No answer."), [{"number": 1, "address": NEW}], {}),
    ],
)
def test_which_cameras_go_back(result: Json, asked: list[Json] | None, back: dict[str, str]) -> None:
    told = [] if asked is None else [{"item": result, "cameras": asked}]
    found = moves_back([result], {"cam": _camera()}, asked=told)
    assert {name: one["reason"] for name, one in found.items()} == back


@pytest.mark.parametrize(
    ("before", "variables", "network"),
    [
        ({"address": OLD, "prefix_length": 26, "gateway": "192.0.2.1"}, {}, ("255.255.255.192", "192.0.2.1")),
        (
            {"address": OLD, "prefix_length": 26, "gateway": ""},
            {"camsec_old_netmask": "255.0.0.0", "camsec_old_gateway": "192.0.2.2"},
            ("255.255.255.192", ""),
        ),
        # An earlier run had moved it: its network of today is the new one.
        ({"address": NEW, "prefix_length": 25, "gateway": "192.0.2.65"}, {}, ("", "")),
        (
            {"address": NEW, "prefix_length": 25, "gateway": "192.0.2.65"},
            {"camsec_old_netmask": "255.255.255.192", "camsec_old_gateway": "192.0.2.1"},
            ("255.255.255.192", "192.0.2.1"),
        ),
        # A dialect that does not tell its network.
        ({"address": OLD, "prefix_length": 0, "gateway": ""}, {"camsec_old_gateway": "192.0.2.1"}, ("", "192.0.2.1")),
    ],
)
def test_the_network_that_a_camera_goes_back_to(before: Json, variables: Json, network: tuple[str, str]) -> None:
    camera = _camera(camsec_move_address={"changed": True, "before": before}, **variables)
    back = moves_back([_result(unseen=[1])], {"cam": camera})["cam"]
    assert (back["netmask"], back["gateway"]) == network


def test_what_went_wrong() -> None:
    hostvars = {
        "lost": _camera(camsec_move_address={"failed": True, "msg": "It is gone."}),
        "back": _camera(),
        "unseen": _camera(camsec_camera_number=2),
        "stuck": _camera(camsec_camera_number=3, camsec_move_back={"failed": True, "msg": "By hand."}),
        "good": _camera(camsec_camera_number=4),
    }
    lost = {"reason": "no answer", "netmask": "", "gateway": ""}
    back = dict.fromkeys(("back", "unseen", "stuck"), lost)
    seen = [{"item": {"key": "rec"}, "cameras": [{"number": 1, "state": "normal"}, {"number": 2, "state": "error"}]}]
    found = f"found not seen by rec at {NEW} (no answer), expected CAM_CONNECT 1."
    links = [_result(failed=True, msg="It failed."), _result()]
    assert move_failures(list(hostvars), hostvars, links=links, back=back, seen=seen) == [
        "rec: It failed.",
        "lost: It is gone.",
        f"back: {found} It was brought back to {OLD}, where rec sees it again.",
        f"unseen: {found} It was brought back to {OLD}, where rec does NOT see it yet.",
        f"stuck: {found} It could NOT be brought back to {OLD}: By hand.",
    ]
    assert move_failures(["good"], hostvars, back={}) == []
