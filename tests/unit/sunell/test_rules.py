# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the Sunell manual demands: each refusal one sentence with device, object, found, expected and rule."""

from __future__ import annotations

import dataclasses as dc
import types
import typing as t

import pytest
from ansible_collections.camsec.fleet.plugins.module_utils._camera.state import SubjectName
from ansible_collections.camsec.fleet.plugins.module_utils._core._errors import RuleError
from ansible_collections.camsec.fleet.plugins.module_utils._sunell.rules import RULES
from ansible_collections.camsec.fleet.plugins.module_utils._tls._certificate import CertificateFacts

from .conftest import DAY, DEVICE, NOW


def refusal(rule: str, check: t.Callable[..., None], *arguments: t.Any, **more: t.Any) -> RuleError:
    with pytest.raises(RuleError) as caught:
        check(DEVICE, *arguments, **more)
    error = caught.value
    assert error.rule == rule
    assert error.message.startswith(f"{DEVICE}: {error.subject}: found {error.found}, expected {error.expected}.")
    assert error.message.endswith(f"[{rule}]")
    assert all((error.subject, error.found, error.expected))
    assert "\n" not in error.message
    return error


def state(**given: t.Any) -> t.Any:
    """What the checks ask of a state."""
    return types.SimpleNamespace(**{"request_made_at": "", "peer": None, "abilities": RULES.abilities, **given})


def test_cam_02_the_built_in_ca_is_trusted_by_an_explicit_word_only() -> None:
    refusal("CAM-02", RULES.check_built_in_trusted, allowed=False)
    RULES.check_built_in_trusted(DEVICE, allowed=True)


def test_cam_05_the_clock_at_a_boot(root: CertificateFacts) -> None:
    for inside in (root.not_before, NOW, root.not_after):
        RULES.check_built_in_clock(DEVICE, inside, root)
    for outside in (NOW - 2 * DAY, NOW + 2 * DAY):
        assert "camera_time" in refusal("CAM-05", RULES.check_built_in_clock, outside, root).advice


def test_cam_13_an_rsa_key_and_never_over_plain_http() -> None:
    over_https = state(peer=object())
    RULES.check_foreign_key(DEVICE, over_https, "rsa")
    assert "type ecdsa" in refusal("CAM-13", RULES.check_foreign_key, over_https, "ecdsa").found
    assert "plain HTTP" in refusal("CAM-13", RULES.check_foreign_key, state(), "rsa").found


def test_cam_15_the_clock() -> None:
    for inside in (NOW, NOW + DAY):
        RULES.check_clock(DEVICE, inside, NOW, NOW + DAY)
    for outside in (NOW - DAY / 86400, NOW + DAY * 1.001):
        error = refusal("CAM-15", RULES.check_clock, outside, NOW, NOW + DAY)
        assert error.expected.startswith("a time from 2026-11-22T12:00:00Z to 2026-11-23T12:00:00Z")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("common_name", ""),
        ("common_name", "a b"),
        ("common_name", "a" * 65),
        ("country", "JPN"),
        ("country", "J1"),
        ("locality", "東京"),
        ("locality", "l" * 129),
        ("state", "s" * 129),
        ("organization", "o" * 65),
        ("organizational_unit", "a\nb"),
        ("organizational_unit", "u" * 65),
    ],
)
def test_cam_20_fields_that_cannot_be(field: str, value: str) -> None:
    subject = dc.replace(SubjectName(common_name=DEVICE), **{field: value})
    assert field in refusal("CAM-20", RULES.check_subject, subject).subject


def test_cam_20_fields_that_can_be() -> None:
    RULES.check_subject(DEVICE, SubjectName(common_name=DEVICE, country="JP", locality="Osaka 1"))
    RULES.check_subject(DEVICE, SubjectName(common_name="ipc.support.com", state="s" * 128, organization="o" * 64))


def test_cam_23_cam_24_no_certificate_without_a_request() -> None:
    error = refusal("CAM-23", RULES.check_certificate_installable, state())
    assert "no CSR" in error.found
    assert "CAM-24" in error.advice
    RULES.check_certificate_installable(DEVICE, state(request_made_at="made"))


def test_cam_26_a_port_that_https_cannot_have() -> None:
    for port in (0, 65536, 80):
        refusal("CAM-26", RULES.check_https_port, port, 80)
    RULES.check_https_port(DEVICE, 8443, 80)
