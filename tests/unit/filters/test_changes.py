# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The callback that sums up what a run changed."""

from __future__ import annotations

import types
import typing as t

import pytest
from ansible_collections.camsec.fleet.plugins.callback.changes import CallbackModule


class _Display:
    def __init__(self) -> None:
        self.lines: list[str] = []

    def display(self, text: str) -> None:
        self.lines.append(text)

    def banner(self, text: str) -> None:
        self.lines.append(f"# {text}")


@pytest.fixture
def callback() -> CallbackModule:
    module = CallbackModule()
    module._display = _Display()
    return module


def _result(values: dict[str, t.Any], *, host: str = "cam1", check_mode: bool = False) -> t.Any:
    return types.SimpleNamespace(
        _result=values,
        _host=types.SimpleNamespace(get_name=lambda: host),
        _task=types.SimpleNamespace(action="camsec.fleet.camera", check_mode=check_mode),
    )


def _lines(callback: CallbackModule) -> list[str]:
    callback.v2_playbook_on_stats(None)
    return t.cast("list[str]", callback._display.lines)


def _plan(title: str, rule: str = "HTTPS-30", **more: t.Any) -> dict[str, t.Any]:
    return {"changed": True, "plan": [{"title": title, "rule": rule}], **more}


@pytest.mark.parametrize(
    "values",
    [
        {},
        {"changed": True},
        {"changed": True, "plan": None},
        {"changed": True, "plan": "text"},
        {"changed": False, "plan": [{"title": "x"}]},
        {"changed": True, "plan": [], "impacts": None},
    ],
)
def test_nothing(callback: CallbackModule, values: dict[str, t.Any]) -> None:
    callback.v2_runner_on_ok(_result(values))
    callback.v2_runner_item_on_ok(_result({**values, "item": 3}))
    assert _lines(callback) == ["No device was changed."]


def test_each_step_once(callback: CallbackModule) -> None:
    impacts = [{"rule": "HTTPS-33", "text": "Slower."}]
    for number in range(1, 6):
        title = f"Make a CSR on the camera for 192.0.2.{number}, key 1234************5678, file /x/cam{number}.pem"
        callback.v2_runner_on_ok(_result(_plan(title, impacts=impacts), host=f"cam{number}"))
    assert _lines(callback) == [
        "# WHAT CHANGED",
        "    5 × Make a CSR on the camera for …, key …, file /x/….pem [HTTPS-30] (camera: cam1, cam2, cam3, …)",
        "      Side effect on 5: Slower. [HTTPS-33]",
    ]


def test_a_name_within_a_word_stays(callback: CallbackModule) -> None:
    callback.v2_runner_on_ok(_result(_plan("Tell the recorder rec of rec-2"), host="rec"))
    assert _lines(callback)[1] == "    1 × Tell the recorder … of rec-2 [HTTPS-30] (camera: rec)"


def test_check_mode_is_told_apart(callback: CallbackModule) -> None:
    callback.v2_runner_on_ok(_result(_plan("Do it", rule="")))
    callback.v2_runner_on_ok(_result(_plan("Plan it"), check_mode=True))
    assert _lines(callback) == [
        "# WHAT CHANGED",
        "    1 × Do it (camera: cam1)",
        "# WHAT WOULD CHANGE",
        "    1 × Plan it [HTTPS-30] (camera: cam1)",
    ]


def test_items_are_named(callback: CallbackModule) -> None:
    for item in ({"key": "rec1"}, {"name": "cam9"}, "cam7", {"other": 1}, ["x"], None):
        callback.v2_runner_item_on_ok(_result(_plan("Do it", item=item)))
    callback.v2_runner_item_on_ok(_result(_plan("Do it", item="cam7")))
    assert _lines(callback)[1] == "    4 × Do it [HTTPS-30] (camera: rec1, cam9, cam7, …, 7 in all)"


def test_long_titles_are_cut(callback: CallbackModule) -> None:
    callback.v2_runner_on_ok(_result(_plan("word " * 60)))
    line = _lines(callback)[1]
    assert len(line) < 170
    assert " … [HTTPS-30]" in line


def test_incomplete_steps(callback: CallbackModule) -> None:
    callback.v2_runner_on_ok(_result({"changed": True, "plan": [{}], "impacts": [{}]}))
    assert len(_lines(callback)) == 3
