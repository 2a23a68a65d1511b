# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filters of a rollout, with good and with bad input."""

from __future__ import annotations

import datetime as dt
import typing as t

import pytest
from ansible.errors import AnsibleFilterError
from ansible_collections.camsec.fleet.plugins.plugin_utils._rollout import (
    audit_report,
    cameras_by_recorder,
    lost_cameras,
    pending_links,
    rollout_failures,
)

Json = dict[str, t.Any]


def _camera(number: t.Any = 1, **more: t.Any) -> Json:
    return {"camsec_recorder": "rec", "camsec_camera_number": number, "camsec_https_port": 8443, **more}


def _changed(before: str = "http", after: str = "https", *, changed: bool = True) -> Json:
    state = {"connection": before, "https_port": 443}
    return {"changed": changed, "before": state, "after": {"connection": after, "https_port": 8443}}


def _seen(**cameras: Json) -> Json:
    """What the preflight registers: cam_1={...}."""
    rows = [{"number": int(key[4:]), **value} for key, value in cameras.items()]
    return {"before": {"cameras": rows}, "cameras": rows}


# -- cameras_by_recorder ---------------------------------------------------------------------------------------------


def test_groups() -> None:
    hostvars: dict[str, Json] = {
        "rec": {},
        "a": _camera(1, camsec_data_encryption=True),
        "b": _camera("2", camsec_connection="http", camsec_data_encryption=False),
        "c": _camera(3, camsec_https_port="9443"),
        "alone": {},
        "empty": {"camsec_recorder": ""},
    }
    found = cameras_by_recorder(["a", "b", "c", "alone", "empty"], hostvars)
    assert found == {
        "rec": {
            "names": {1: "a", 2: "b", 3: "c"},
            "links": [
                {"number": 1, "connection": "https", "port": 8443},
                {"number": 2, "connection": "http"},
                {"number": 3, "connection": "https", "port": 9443},
            ],
            "encryption": [
                {"number": 1, "encrypt": True, "send": True},
                {"number": 2, "encrypt": False, "send": True},
            ],
            "wanted": [
                {"number": 1, "connection": "https", "port": 8443, "encrypt": True},
                {"number": 2, "connection": "http", "encrypt": False},
                {"number": 3, "connection": "https", "port": 9443},
            ],
        }
    }
    assert cameras_by_recorder([], {}) == {}


@pytest.mark.parametrize(
    ("camera", "sentence"),
    [
        (_camera(None), "cam: camsec_camera_number: found None, expected a whole number."),
        (_camera(True), "cam: camsec_camera_number: found True, expected a whole number."),
        (_camera("one"), "cam: camsec_camera_number: found 'one', expected a whole number."),
        (_camera(1.5), "cam: camsec_camera_number: found 1.5, expected a whole number."),
        (_camera(7), "cam: camsec_camera_number: found 7, which first has on rec too, expected one of its own."),
        (_camera(2, camsec_https_port="x"), "cam: camsec_https_port: found 'x', expected a whole number."),
        (_camera(2, camsec_connection="HTTPS"), "cam: camsec_connection: found 'HTTPS', expected http or https."),
        (_camera(2, camsec_data_encryption="yes"), "cam: camsec_data_encryption: found 'yes', expected true or false."),
        (
            _camera(2, camsec_recorder="x"),
            "cam: camsec_recorder: found 'x', expected the inventory name of a recorder.",
        ),
    ],
)
def test_bad_cameras(camera: Json, sentence: str) -> None:
    with pytest.raises(AnsibleFilterError) as caught:
        cameras_by_recorder(["first", "cam"], {"rec": {}, "first": _camera(7), "cam": camera})
    assert str(caught.value) == sentence


# -- pending_links ---------------------------------------------------------------------------------------------------

_GOOD = {"connection": "https", "port": 8443, "state": "normal"}
_SAME = {"changed": False}


@pytest.mark.parametrize(
    ("camera", "preflight", "pending"),
    [
        (None, None, True),
        (_SAME, None, True),
        (_SAME, {"failed": True}, True),
        (_SAME, {"skipped": True}, True),
        (_SAME, _seen(cam_1=_GOOD), False),
        (_SAME, _seen(cam_2=_GOOD), True),
        (_SAME, _seen(cam_1={**_GOOD, "connection": "http"}), True),
        (_SAME, _seen(cam_1={**_GOOD, "port": 443}), True),
        (_SAME, _seen(cam_1={**_GOOD, "state": "error"}), True),
        (_SAME, {"before": {"cameras": [{"number": 1, **_GOOD}]}}, False),
        (_changed(), _seen(cam_1=_GOOD), True),
        ({"failed": True}, None, False),
    ],
)
def test_pending(camera: Json | None, preflight: Json | None, *, pending: bool) -> None:
    hostvars: dict[str, Json] = {"rec": {}, "cam": _camera()}
    if camera is not None:
        hostvars["cam"]["camera_https_camera"] = camera
    if preflight is not None:
        hostvars["rec"]["recorder_https_links"] = preflight
    expected = {"names": {1: "cam"}, "links": [{"number": 1, "connection": "https", "port": 8443}]}
    assert pending_links(["cam"], hostvars) == ({"rec": expected} if pending else {})


# -- lost_cameras, rollout_failures ----------------------------------------------------------------------------------


def _turn(**more: t.Any) -> Json:
    return {"item": {"key": "rec", "value": {"names": {1: "a", "2": "b"}}}, **more}


def test_nobody_is_lost() -> None:
    assert lost_cameras([], {}) == []
    assert lost_cameras([_turn(), _turn(skipped=True), {"skipped": True}], {}) == []
    assert lost_cameras([_turn(unseen=[], reverted=[], cameras=[])], {}) == []


def test_lost_ones_go_where_their_recorder_has_them() -> None:
    cameras = [
        {"number": 1, "connection": "http", "port": 443},
        {"number": 2, "connection": "https", "port": 9443},
        {"number": 9, "connection": "http", "port": 443},
    ]
    reasons = [{"number": 1, "fault": "-(expired)", "error_log": "x"}, {"number": 2, "fault": "", "error_log": "log"}]
    turn = _turn(reverted=[1], unseen=[2, 9], cameras=cameras, unseen_reasons=reasons)
    first = {"name": "a", "number": 1, "connection": "http", "port": None, "move": True, "reason": "-(expired)"}
    second = {"name": "b", "number": 2, "connection": "https", "port": 9443, "move": False, "reason": "log"}
    of_both = {"recorder": "rec", "login_refused": False}
    assert lost_cameras([turn], {}) == [{**of_both, **first}, {**of_both, **second}]


def test_after_a_failed_turn() -> None:
    turn = _turn(failed=True, msg="No.")
    changed = {"camera_https_camera": _changed()}
    same = {"camera_https_camera": _changed("https", changed=False)}
    assert lost_cameras([turn], {"a": {}, "b": same}) == []
    (lost,) = lost_cameras([turn], {"a": changed, "b": same})
    assert (lost["name"], lost["connection"], lost["port"], lost["move"]) == ("a", "http", None, True)
    assert lost["reason"] == "No"


@pytest.mark.parametrize(
    ("preflight", "expected"),
    [
        (None, ("http", None, True)),
        ({"failed": True}, ("http", None, True)),
        (_seen(cam_1={"connection": "http", "port": 443, "state": "normal"}), ("http", None, True)),
        (_seen(cam_1={"connection": "https", "port": 443, "state": "normal"}), ("https", 443, True)),
        (_seen(cam_1=_GOOD), ("https", 8443, False)),
    ],
)
def test_a_camera_that_answered_in_both_goes_back_to_what_its_recorder_used(
    preflight: Json | None, expected: tuple[str, int | None, bool]
) -> None:
    """No camera is brought to HTTP and HTTPS together: the module has no such choice."""
    turn = _turn(failed=True, msg="No.")
    hostvars: dict[str, Json] = {"a": {"camera_https_camera": _changed("http_and_https")}, "b": {}}
    hostvars["rec"] = {} if preflight is None else {"recorder_https_links": preflight}
    found = lost_cameras([turn], hostvars)
    assert [(one["connection"], one["port"], one["move"]) for one in found] == [expected]


@pytest.mark.parametrize(
    ("link", "expected"),
    [
        ({"connection": "https", "port": 8443, "state": "normal"}, None),
        ({"connection": "https", "port": 8443, "state": "error"}, ("https", 8443, False)),
        ({"connection": "http", "port": 8443, "state": "error"}, ("http", None, True)),
        ({"connection": "https", "port": 443, "state": "error"}, ("https", 443, True)),
    ],
)
def test_a_recorder_that_was_asked(link: Json, expected: tuple[str, int | None, bool] | None) -> None:
    turn = _turn(failed=True, msg="No.")
    asked = [{"item": turn, "cameras": [{"number": 1, **link}]}]
    found = lost_cameras([turn], {"a": {"camera_https_camera": _changed()}, "b": {}}, asked=asked)
    assert [(one["connection"], one["port"], one["move"]) for one in found] == ([expected] if expected else [])


_REFUSED = {"failed": True, "msg": "No.", "error": {"kind": "LoginError"}}


@pytest.mark.parametrize(
    ("turn", "asked", "refused"),
    [
        (_turn(**_REFUSED), {"skipped": True}, True),
        (_turn(failed=True, msg="No.", error={"kind": "NetworkError"}), _REFUSED, True),
        (_turn(failed=True, msg="No."), {"failed": True, "msg": "No."}, False),
    ],
)
def test_a_login_that_was_refused(turn: Json, asked: Json, *, refused: bool) -> None:
    hostvars = {"a": {"camera_https_camera": _changed()}, "b": {}}
    (lost,) = lost_cameras(iter([turn]), hostvars, asked=iter([{"item": turn, **asked}]))
    assert lost["login_refused"] is refused


def _lost(**more: t.Any) -> Json:
    lost = {"recorder": "rec", "name": "a", "number": 1, "connection": "http", "port": None, "move": True}
    return {**lost, "reason": "-(expired)", "login_refused": False, **more}


def _failures(**more: t.Any) -> list[str]:
    given: Json = {"links": [], "lost": [], "moved": [], "seen": [], **more}
    return rollout_failures(["a"], {"a": {}}, **given)


def test_sentences() -> None:
    again = [{"item": ["rec", []], "cameras": [{"number": 1, "state": "normal"}]}]
    not_yet = [{"item": ["rec", []], "failed": True, "cameras": [{"number": 1, "state": "error"}]}]
    assert _failures() == []
    assert rollout_failures(
        ["a"], {"a": {"camera_https_camera": {"failed": True, "msg": "x"}}}, links=[], lost=[], moved=[], seen=[]
    ) == ["a: x"]
    assert _failures(links=[_turn(failed=True, msg="No.")]) == ["rec: No."]
    (sentence,) = _failures(lost=[_lost()], seen=again)
    assert sentence.startswith(
        "a: found not seen by rec (-(expired)), expected CAM_CONNECT 1. It was brought back to HTTP,"
    )
    assert "where rec sees it again." in sentence
    assert "rec does NOT see it yet." in _failures(lost=[_lost()], seen=not_yet)[0]
    assert "rec does NOT see it yet." in _failures(lost=[_lost()])[0]
    assert "whether rec sees it is not known, since" in _failures(lost=[_lost(login_refused=True)])[0]
    refused = [{"item": ["rec", []], **_REFUSED}]
    assert "whether rec sees it is not known, since" in _failures(lost=[_lost()], seen=refused)[0]
    moved = [{"item": {"name": "a"}, "failed": True, "msg": "It is gone."}]
    assert (
        "It could NOT be brought back to HTTP, by which rec connects to it: It is gone."
        in _failures(lost=[_lost()], moved=moved)[0]
    )
    assert (
        "It was left at HTTPS; rec does NOT see it yet." in _failures(lost=[_lost(move=False, connection="https")])[0]
    )


def test_a_camera_that_only_was_slow_is_no_failure() -> None:
    again = [{"item": ["rec", []], "cameras": [{"number": 1, "state": "normal"}]}]
    assert _failures(lost=[_lost(move=False)], seen=again) == []


# -- audit_report ----------------------------------------------------------------------------------------------------


def _certificate(days: float) -> Json:
    end = dt.datetime.now(tz=dt.UTC) + dt.timedelta(days=days)
    return {"serial_number": "3f6a", "not_after": end.isoformat()}


def test_audit_in_line() -> None:
    hostvars = {"a": {"camera_https_camera": {"changed": False, "plan": [], "certificate": _certificate(61)}}}
    report = audit_report(["a"], hostvars, authority={"certificate": _certificate(100)})
    assert report == {"findings": [], "lines": ["1 devices, 0 findings"]}
    assert audit_report([], {})["lines"] == ["0 devices, 0 findings"]


def test_audit_findings() -> None:
    hostvars: dict[str, Json] = {
        "silent": {},
        "skipped": {"camera_https_camera": {"skipped": True}},
        "gone": {"camera_https_camera": {"failed": True, "msg": "no answer"}},
        "old": {"camera_https_camera": {"plan": None, "before": {"certificate": _certificate(9.5)}}},
        "off": {"recorder_https_recorder": {"plan": [{"title": "Do it"}], "unseen_reasons": [{"number": 3}]}},
    }
    report = audit_report(hostvars, hostvars, warn_days=10, authority={"failed": True, "msg": "no CA"})
    assert [(one["host"], one["kind"]) for one in report["findings"]] == [
        ("certificate authority", "unread"),
        ("silent", "unread"),
        ("skipped", "unread"),
        ("gone", "unread"),
        ("old", "expires"),
        ("off", "out_of_line"),
        ("off", "out_of_line"),
    ]
    assert report["lines"][0] == "5 devices, 7 findings"
    assert "gone: unread: no answer" in report["lines"]
    assert "off: out of line: camera 3 is not seen (no entry in the log)" in report["lines"]
    assert any(line.startswith("old: expires: certificate 3f6a has 9 days left") for line in report["lines"])


def test_audit_of_an_authority_that_ends() -> None:
    report = audit_report([], {}, authority={"certificate": _certificate(-2.5)})
    assert "certificate authority: expires: certificate 3f6a has -3 days left" in report["lines"][1]
