# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Plans, the four verbs, errors and secrets."""

from __future__ import annotations

import copy
import dataclasses as dc
import json
import pickle
import typing as t

import pytest
from ansible_collections.camsec.fleet.plugins.module_utils._core import _errors
from ansible_collections.camsec.fleet.plugins.module_utils._core._converge import converge
from ansible_collections.camsec.fleet.plugins.module_utils._core._errors import (
    CamsecError,
    ConnectError,
    RuleError,
    VerificationError,
)
from ansible_collections.camsec.fleet.plugins.module_utils._core._plan import Impact, Plan, Step
from ansible_collections.camsec.fleet.plugins.module_utils._core._secret import Secret
from ansible_collections.camsec.fleet.plugins.module_utils._module import ModuleSpec, run_in_worker

HIDDEN = "Ganz-Geheim-5"


@dc.dataclass(frozen=True)
class Holder:
    secret: Secret


@pytest.mark.parametrize(
    "show",
    [
        repr,
        str,
        "{}".format,
        "{!r}".format,
        "{:>40}".format,
        "%s".__mod__,
        "%r".__mod__,
        lambda secret: f"{secret}{secret!r}{secret!s}{secret:x^20}",
        lambda secret: repr([secret, {"a": secret}, (secret,)]),
        lambda secret: repr(Holder(secret)),
        lambda secret: repr(Step(id="a", title="b", data={"password": secret})),
        lambda secret: repr(Plan(before={}, after={}, steps=(Step(id="a", title="b", data={"password": secret}),))),
        lambda secret: json.dumps([secret], default=str),
        lambda secret: str(ValueError(secret)),
    ],
)
def test_a_secret_is_never_shown(show: t.Callable[[Secret], str]) -> None:
    shown = show(Secret(HIDDEN))
    assert HIDDEN not in shown
    assert "***" in shown


@pytest.mark.parametrize("save", [pickle.dumps, copy.copy, copy.deepcopy, json.dumps, dict, vars])
def test_a_secret_is_never_serialised(save: t.Callable[[t.Any], t.Any]) -> None:
    with pytest.raises(TypeError) as caught:
        save(Secret(HIDDEN))
    assert HIDDEN not in str(caught.value)


def test_a_dataclass_with_a_secret_is_not_turned_into_plain_data() -> None:
    with pytest.raises(TypeError):
        dc.asdict(Holder(Secret(HIDDEN)))


def test_secrets_compare_by_value_and_only_with_secrets() -> None:
    assert Secret(HIDDEN) == Secret(HIDDEN)
    assert Secret(HIDDEN) != Secret("other")
    assert Secret(HIDDEN) != HIDDEN
    assert hash(Secret(HIDDEN)) == hash(Secret(HIDDEN))
    assert len(Secret(HIDDEN)) == len(HIDDEN)
    assert Secret("é\udcff").reveal() == "é\udcff"


def test_secrets_of_any_text_compare() -> None:
    assert Secret("é\udcff") == Secret("é\udcff")


@pytest.mark.parametrize("kind", [getattr(_errors, name) for name in _errors.__all__ if name != "RuleError"])
def test_every_error_is_one_sentence_of_four_parts(kind: type[CamsecError]) -> None:
    error = kind(device="cam011", subject="HTTPS port", found=80, expected="443", advice="Change it.")
    assert str(error) == error.message == "cam011: HTTPS port: found 80, expected 443. Change it."
    assert isinstance(error, CamsecError)


def test_a_rule_error_ends_with_its_rule() -> None:
    error = RuleError(rule="HTTPS-31", device="cam011", subject="HTTPS port", found=80, expected="443")
    assert str(error) == "cam011: HTTPS port: found 80, expected 443. [HTTPS-31]"


# -- the four verbs --------------------------------------------------------------------------------------------------

A, B = Step(id="a", title="A", rule="HTTPS-01"), Step(id="b", title="B", data={"password": Secret(HIDDEN)})


class Recorded:
    """A resource that writes down what it was asked."""

    def __init__(self, *steps: Step, fails: str = "", error: Exception | None = None) -> None:
        self.planned = Plan(
            before={"x": 1}, after={"x": 2}, steps=steps, impacts=(Impact(rule="HTTPS-33", text="slower"),)
        )
        self.fails = fails
        self.error = error or ConnectError(device="d", subject="s", found="f", expected="e")
        self.said: list[str] = []

    def _say(self, word: str) -> None:
        self.said.append(word)
        if word == self.fails:
            raise self.error

    def read(self) -> dict[str, int]:
        self._say("read")
        return {"x": 1}

    def plan(self, _current: dict[str, int]) -> Plan:
        self._say("plan")
        return self.planned

    def apply(self, step: Step) -> None:
        self._say(f"apply {step.id}")

    def verify(self, _plan: Plan) -> dict[str, t.Any]:
        self._say("verify")
        return {"after": {"x": 3}, "contact": "c"}

    def evidence(self, _current: dict[str, int]) -> dict[str, t.Any]:
        self._say("evidence")
        return {"contact": "old"}

    def abandon(self, step: Step, error: Exception) -> None:
        assert error is self.error
        self._say(f"abandon {step.id}")


def test_converge_applies_in_order_and_shows_what_it_found_afterwards() -> None:
    resource = Recorded(A, B)
    result = converge(resource, check_mode=False).result()
    assert resource.said == ["read", "plan", "apply a", "apply b", "verify"]
    assert result == {
        "changed": True,
        "before": {"x": 1},
        "after": {"x": 3},
        "plan": [
            {"id": "a", "title": "A", "rule": "HTTPS-01", "disconnects": False},
            {"id": "b", "title": "B", "rule": "", "disconnects": False},
        ],
        "impacts": [{"rule": "HTTPS-33", "text": "slower"}],
        "warnings": [],
        "diff": {"before": {"x": 1}, "after": {"x": 3}},
        "contact": "c",
    }
    assert HIDDEN not in str(result)


def test_converge_in_check_mode_only_plans() -> None:
    resource = Recorded(A)
    result = converge(resource, check_mode=True).result()
    assert resource.said == ["read", "plan"]
    assert (result["changed"], result["after"]) == (True, {"x": 2})


@pytest.mark.parametrize("check_mode", [True, False])
def test_converge_without_steps_changes_nothing(check_mode: bool) -> None:
    resource = Recorded()
    result = converge(resource, check_mode=check_mode).result()
    assert resource.said == ["read", "plan", "evidence"]
    assert (result["changed"], result["contact"]) == (False, "old")


@pytest.mark.parametrize("fails", ["read", "plan"])
def test_a_refused_plan_is_the_same_in_check_mode_and_abandons_nothing(fails: str) -> None:
    for check_mode in (True, False):
        resource = Recorded(A, fails=fails)
        with pytest.raises(ConnectError):
            converge(resource, check_mode=check_mode)
        assert not any(word.startswith(("apply", "abandon")) for word in resource.said)


@pytest.mark.parametrize(("fails", "abandoned"), [("apply a", "a"), ("apply b", "b"), ("verify", "b")])
def test_a_failed_step_is_abandoned_and_the_rest_not_begun(fails: str, abandoned: str) -> None:
    resource = Recorded(A, B, fails=fails)
    with pytest.raises(ConnectError):
        converge(resource, check_mode=False)
    assert resource.said[-2:] == [fails, f"abandon {abandoned}"]


def test_what_abandoning_says_takes_the_errors_place() -> None:
    class Says(Recorded):
        def abandon(self, step: Step, error: Exception) -> None:
            raise VerificationError(device="d", subject=step.id, found="f", expected="e") from error

    with pytest.raises(VerificationError):
        converge(Says(A, fails="verify"), check_mode=False)


# -- the seam to Ansible ---------------------------------------------------------------------------------------------

ARGUMENTS = {
    "host": {"type": "str", "required": True},
    "port": {"type": "int", "default": 443},
    "password": {"type": "str", "no_log": True},
    "kind": {"type": "str", "choices": ["a", "b"]},
}


def worker(arguments: dict[str, t.Any], run: t.Callable[[t.Any], dict[str, t.Any]] | None = None) -> dict[str, t.Any]:
    spec = ModuleSpec(argument_spec=ARGUMENTS, run=run or (lambda call: {"changed": False, "params": call.params}))
    return run_in_worker(spec, arguments, check_mode=False)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"host": "cam011", "prot": 1}, "unsupported option prot"),
        ({"host": "cam011", "port": "443x"}, "'443x'"),
        ({"host": "cam011", "kind": "c"}, "value of kind must be one of: a, b"),
        ({}, "missing required arguments: host"),
    ],
)
def test_bad_options_are_one_sentence(arguments: dict[str, t.Any], words: str) -> None:
    result = worker({**arguments, "password": HIDDEN})
    assert result["failed"] is True
    assert result["msg"].startswith(f"{arguments.get('host', 'this task')}: options of the task: found ")
    assert words in result["msg"]
    assert "\n" not in result["msg"]
    assert HIDDEN not in str(result)


def test_secrets_are_masked_wherever_they_would_appear() -> None:
    result = worker({"host": "h", "password": HIDDEN}, lambda _call: {"changed": True, "log": ["x" + HIDDEN + "y"]})
    assert HIDDEN not in str(result)
    assert result["log"] == ["x********y"]


def test_an_error_of_ours_is_a_failed_result_with_its_parts() -> None:
    def run(_call: t.Any) -> dict[str, t.Any]:
        raise RuleError(rule="HTTPS-31", device="h", subject="port", found=f"{HIDDEN}", expected="443")

    result = worker({"host": "h", "password": HIDDEN}, run)
    assert result["msg"] == "h: port: found ********, expected 443. [HTTPS-31]"
    assert result["error"] == {
        "kind": "RuleError", "device": "h", "subject": "port", "found": "VALUE_SPECIFIED_IN_NO_LOG_PARAMETER",
        "expected": "443", "advice": "", "rule": "HTTPS-31",
    }  # fmt: skip


def test_an_error_in_our_own_program_is_not_swallowed() -> None:
    with pytest.raises(ZeroDivisionError):
        worker({"host": "h"}, lambda _call: {"changed": 1 // 0})


def test_unknown_constraints_are_refused_at_import() -> None:
    with pytest.raises(ValueError, match="requird_if"):
        ModuleSpec(argument_spec={}, run=lambda _call: {}, constraints={"requird_if": []})
