# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the Sunell manual demands: each refusal one sentence with device, object, found, expected and rule."""

from __future__ import annotations

import dataclasses as dc
import typing as t

import pytest
from ansible_collections.camsec.fleet.plugins.module_utils._core._errors import RuleError
from ansible_collections.camsec.fleet.plugins.module_utils._core._secret import Secret
from ansible_collections.camsec.fleet.plugins.module_utils._sunell import rules
from ansible_collections.camsec.fleet.plugins.module_utils._sunell.state import DeviceClock, RequestSubject
from ansible_collections.camsec.fleet.plugins.module_utils._tls._certificate import CertificateFacts
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from .conftest import DAY, DEVICE, HOUR, NOTHING, NOW, pem, state

Make = t.Callable[..., CertificateFacts]
Keys = list[rsa.RSAPrivateKey]


def refusal(rule: str, check: t.Callable[..., None], *arguments: t.Any, **more: t.Any) -> RuleError:
    with pytest.raises(RuleError) as caught:
        check(DEVICE, *arguments, **more)
    error = caught.value
    assert error.rule == rule
    assert error.message.startswith(f"{DEVICE}: {error.subject}: found {error.found}, expected {error.expected}.")
    assert error.message.endswith(f"[{rule}]")
    assert all((error.subject, error.found, error.expected))
    assert "\n" not in error.message
    assert "PRIVATE KEY" not in error.message
    return error


def at(when: t.Any, later: t.Any = None) -> t.Any:
    return state(clock=DeviceClock(earliest=when, latest=later or when))


def test_cam_02_the_built_in_ca_is_trusted_by_an_explicit_word_only() -> None:
    refusal("CAM-02", rules.check_built_in_trusted, allowed=False)
    rules.check_built_in_trusted(DEVICE, allowed=True)


def test_cam_03_the_built_in_certificate_of_another_address(make_certificate: Make) -> None:
    error = refusal("CAM-03", rules.check_built_in_current, state(certificate=make_certificate("192.0.2.99")))
    assert (error.found, "Restart" in error.advice) == ("IP:192.0.2.99", True)
    rules.check_built_in_current(DEVICE, state(certificate=make_certificate(DEVICE)))
    rules.check_built_in_current(DEVICE, state())
    uploaded = dc.replace(NOTHING, way="uploaded", uploaded=True)
    rules.check_built_in_current(DEVICE, state(certificate=make_certificate("192.0.2.99"), https=uploaded))


def test_cam_05_the_clock_at_a_boot(make_certificate: Make) -> None:
    root = make_certificate(not_before=NOW - DAY, not_after=NOW + DAY)
    rules.check_built_in_clock(DEVICE, at(NOW), root)
    for when in (NOW - 2 * DAY, NOW + 2 * DAY):
        refusal("CAM-05", rules.check_built_in_clock, at(when), root)


def test_cam_04_cam_23_a_way_needs_a_certificate() -> None:
    refusal("CAM-04", rules.check_way, state(), "uploaded")
    refusal("CAM-23", rules.check_way, state(), "signed")
    rules.check_way(DEVICE, state(), "built_in")
    stored = state(https=dc.replace(NOTHING, uploaded=True, requested=True, signed=True))
    rules.check_way(DEVICE, stored, "uploaded")
    rules.check_way(DEVICE, stored, "signed")


def test_cam_13_key_and_certificate_are_a_pair(make_certificate: Make, keys: Keys) -> None:
    certificate = make_certificate(DEVICE)
    rules.check_pair(DEVICE, certificate, pem(keys[0]))
    refusal("CAM-13", rules.check_pair, certificate, pem(keys[1]))


def test_cam_13_keys_that_the_camera_does_not_take(make_certificate: Make, keys: Keys) -> None:
    certificate = make_certificate(DEVICE)
    elliptic = ec.generate_private_key(ec.SECP256R1())
    error = refusal("CAM-13", rules.check_pair, make_certificate(DEVICE, key=elliptic), pem(elliptic))
    assert error.found == "a key of type ecdsa"
    error = refusal("CAM-13", rules.check_pair, certificate, pem(keys[0], passphrase="Siegel-Geheimnis-9"))
    assert error.found == "an encrypted key"
    assert "Siegel" not in error.message
    for text in ("", "text", certificate.pem, "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----"):
        refusal("CAM-13", rules.check_pair, certificate, Secret(text))


def test_cam_13_a_private_key_does_not_go_over_plain_http() -> None:
    refusal("CAM-13", rules.check_key_confidential, state(), allowed=False)
    rules.check_key_confidential(DEVICE, state(), allowed=True)
    rules.check_key_confidential(DEVICE, state(scheme="https"), allowed=False)


@pytest.mark.parametrize(("way", "rule"), [("uploaded", "CAM-15"), ("signed", "CAM-22"), ("built_in", "CAM-03")])
def test_cam_15_cam_22_names(make_certificate: Make, way: t.Any, rule: str) -> None:
    rules.check_names(DEVICE, make_certificate(DEVICE, "ipc.support.com"), (DEVICE, "ipc.support.com"), way=way)
    error = refusal(rule, rules.check_names, make_certificate("192.0.2.99"), (DEVICE,), way=way)
    assert (error.found, error.expected) == ("IP:192.0.2.99", f"the camera's {DEVICE}")
    # The common name is the address, and does not count.
    assert refusal(rule, rules.check_names, make_certificate(), (DEVICE,), way=way).found == "no subjectAltName"
    refusal(rule, rules.check_names, make_certificate(DEVICE), (DEVICE, "ipc.support.com"), way=way)


def test_cam_15_the_clock(make_certificate: Make) -> None:
    certificate = make_certificate(DEVICE, not_before=NOW, not_after=NOW + DAY)
    rules.check_clock(DEVICE, at(NOW), certificate)
    rules.check_clock(DEVICE, at(NOW + 23 * HOUR), certificate)
    for when in (NOW - HOUR / 60, NOW + DAY):
        error = refusal("CAM-15", rules.check_clock, at(when), certificate)
        assert error.expected == "a time from 2026-11-22T12:00:00Z to 2026-11-23T12:00:00Z"
    assert "unknown" in refusal("CAM-15", rules.check_clock, state(clock=None), certificate).found


def test_cam_15_with_daylight_saving_time_both_ends_count(make_certificate: Make) -> None:
    certificate = make_certificate(DEVICE, not_before=NOW, not_after=NOW + DAY)
    rules.check_clock(DEVICE, at(NOW, NOW + HOUR), certificate)
    error = refusal("CAM-15", rules.check_clock, at(NOW - HOUR, NOW), certificate)
    assert error.found == "2026-11-22T11:00:00Z to 2026-11-22T12:00:00Z"
    refusal("CAM-15", rules.check_clock, at(NOW + 23 * HOUR, NOW + 24 * HOUR), certificate)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("common_name", ""),
        ("common_name", "a b"),
        ("common_name", "a" * 65),
        ("country", "JPN"),
        ("locality", "東京"),
        ("state", "s" * 129),
        ("organization", "o" * 65),
        ("organizational_unit", "a\nb"),
    ],
)
def test_cam_20_fields_that_cannot_be(field: str, value: str) -> None:
    subject = dc.replace(RequestSubject(common_name=DEVICE), **{field: value})
    assert field in refusal("CAM-20", rules.check_request_subject, subject, (DEVICE,)).subject


def test_cam_20_the_common_name_is_the_cameras() -> None:
    rules.check_request_subject(DEVICE, RequestSubject(common_name=DEVICE, country="JP", locality="Osaka 1"), (DEVICE,))
    rules.check_request_subject(DEVICE, RequestSubject(common_name="ipc.support.com"), (DEVICE, "ipc.support.com"))
    refusal("CAM-20", rules.check_request_subject, RequestSubject(common_name="192.0.2.99"), (DEVICE,))


def test_cam_23_of_the_last_request_of_this_very_camera(make_certificate: Make, keys: Keys) -> None:
    own, foreign = make_certificate(DEVICE), make_certificate(DEVICE, key=keys[1])
    asked = dc.replace(NOTHING, requested=True)
    rules.check_signed(DEVICE, state(https=asked, request_spki_sha256=own.spki_sha256), own)
    error = refusal("CAM-23", rules.check_signed, state(https=asked, request_spki_sha256=own.spki_sha256), foreign)
    assert own.spki_sha256[:16] in error.expected
    assert "no certificate request" in refusal("CAM-23", rules.check_signed, state(), own).found


def test_cam_24_a_certificate_that_was_lost(make_certificate: Make, keys: Keys) -> None:
    own, newer = make_certificate(DEVICE), make_certificate(DEVICE, key=keys[1])
    kept = state(
        https=dc.replace(NOTHING, way="signed", requested=True, signed=True), request_spki_sha256=own.spki_sha256
    )
    rules.check_not_lost(DEVICE, kept, own, way="signed")
    error = refusal("CAM-24", rules.check_not_lost, state(), own, way="signed")
    assert own.serial_number in error.found
    assert "have it signed" in error.advice
    refusal("CAM-24", rules.check_not_lost, kept, newer, way="signed")
    assert "upload certificate and key" in refusal("CAM-24", rules.check_not_lost, state(), own, way="uploaded").advice
    rules.check_not_lost(DEVICE, state(https=dc.replace(NOTHING, uploaded=True)), own, way="uploaded")
    rules.check_not_lost(DEVICE, state(), own, way="built_in")


def test_cam_25_one_certificate_for_several_cameras(make_certificate: Make) -> None:
    other = "192.0.2.22"
    both = make_certificate(DEVICE, other)
    rules.check_shareable(DEVICE, both, (other,), way="uploaded")
    rules.check_shareable(DEVICE, both, (), way="signed")
    assert "inside one camera" in refusal("CAM-25", rules.check_shareable, both, (other,), way="signed").found
    refusal("CAM-25", rules.check_shareable, make_certificate(DEVICE), (other,), way="uploaded")


def test_impacts_name_their_rules() -> None:
    impacts = (rules.RESTART_IMPACT, rules.UPLOAD_IMPACT, rules.NEW_REQUEST_IMPACT, rules.RESET_IMPACT)
    assert [impact.rule for impact in impacts] == ["CAM-03", "CAM-04", "CAM-23", "CAM-24"]


def test_a_state_shows_no_clock_and_no_secret(make_certificate: Make) -> None:
    shown = state(certificate=make_certificate(DEVICE)).shown()
    assert shown["certificate_way"] == "built_in"
    assert shown["certificate"]["subject_alt_names"] == [f"IP:{DEVICE}"]
    assert "clock" not in shown
