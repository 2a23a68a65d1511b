# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the manual forbids: each refusal one sentence with device, object, found, expected, rule and the way."""

from __future__ import annotations

import dataclasses as dc
import pathlib
import typing as t

import pytest
from ansible_collections.camsec.fleet.plugins.module_utils._camera.driver import CameraDriver
from ansible_collections.camsec.fleet.plugins.module_utils._camera.drivers import DRIVERS
from ansible_collections.camsec.fleet.plugins.module_utils._camera.state import HttpsState, SubjectName
from ansible_collections.camsec.fleet.plugins.module_utils._core._errors import RuleError
from ansible_collections.camsec.fleet.plugins.module_utils._core._plan import Step
from ansible_collections.camsec.fleet.plugins.module_utils._ipro.rules import RULES as rules  # noqa: N811

from .conftest import DEVICE, KEY, state

ROOT = pathlib.Path(__file__).resolve().parents[3]
NEW_CA_CERTIFICATE = "delete the CA certificate, generate the key, make a CSR, install the new CA certificate"
OVER_HTTPS = HttpsState(connection="https", https_port=443)


def refusal(rule: str, check: t.Callable[..., None], *arguments: t.Any) -> RuleError:
    with pytest.raises(RuleError) as caught:
        check(DEVICE, *arguments)
    error = caught.value
    assert error.rule == rule
    assert error.message.startswith(f"{DEVICE}: {error.subject}: found {error.found}, expected {error.expected}.")
    assert error.message.endswith(f"[{rule}]")
    assert all((error.subject, error.found, error.expected))
    assert "\n" not in error.message
    return error


FORBIDDEN = (20, 21, 23, 25, 42, 53, 67, 68, 69, 80, 110, 123, 161, 162, 554, 995, 10669, 10670, 59000, 60000, 61000)


@pytest.mark.parametrize("port", FORBIDDEN)
def test_https_31_port_that_the_manual_forbids(port: int) -> None:
    error = refusal("HTTPS-31", rules.check_https_port, port, 8080)
    assert str(port) in error.found
    assert "59000-61000" in error.expected


@pytest.mark.parametrize("port", [-1, 0, 65536, 70000])
def test_https_31_not_a_port(port: int) -> None:
    assert refusal("HTTPS-31", rules.check_https_port, port, 8080).found == str(port)


def test_https_31_the_cameras_own_http_port() -> None:
    assert "own HTTP port" in refusal("HTTPS-31", rules.check_https_port, 8080, 8080).found


def test_https_31_every_other_port_is_allowed() -> None:
    listed = {*FORBIDDEN, *range(59000, 61001)}
    for port in range(1, 65536):
        if port in listed:
            assert port in rules.forbidden_ports
        else:
            rules.check_https_port(DEVICE, port, 80)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("common_name", ""),
        ("common_name", "a" * 65),
        ("common_name", "gate_1*"),
        ("common_name", "2001:db8::1"),
        ("common_name", "[192.0.2.1]"),
        ("common_name", "[2001:db8::zz]"),
        ("common_name", "Tür"),
        ("common_name", "a b"),
        ("common_name", "gate\n"),
        ("country", "J"),
        ("country", "JPN"),
        ("country", "J!"),
        ("state", "a" * 129),
        ("locality", "a" * 129),
        ("locality", "Saint@Denis"),
        ("organization", "a" * 65),
        ("organization", "A&B"),
        ("organizational_unit", "a" * 65),
    ],
)
def test_https_10_field_that_cannot_be_entered(field: str, value: str) -> None:
    subject = dc.replace(SubjectName(common_name="192.0.2.11"), **{field: value})
    error = refusal("HTTPS-10", rules.check_subject, subject)
    assert field in error.subject
    assert error.found == repr(value)


@pytest.mark.parametrize(
    "subject",
    [
        SubjectName(common_name="a" * 64),
        SubjectName(common_name="gate_1"),
        SubjectName(common_name="[2001:db8::1]"),
        SubjectName(
            common_name="192.0.2.11",
            country="JP",
            state="s" * 128,
            locality="A-B._,+/()",
            organization="o" * 64,
            organizational_unit="u" * 64,
        ),
    ],
)
def test_https_10_field_that_can_be_entered(subject: SubjectName) -> None:
    rules.check_subject(DEVICE, subject)


@pytest.mark.parametrize("subject", ["self-signed certificate", "CSR"])
def test_https_01_no_key(subject: str) -> None:
    error = refusal("HTTPS-01", rules.check_key_exists, state(key=None), subject)
    assert error.advice == f"Shortest legal order: generate the private key, make the {subject}."
    rules.check_key_exists(DEVICE, state(key=KEY), subject)


@pytest.mark.parametrize(
    ("changes", "found", "order"),
    [
        (
            {"ca_certificate": "valid"},
            "valid",
            NEW_CA_CERTIFICATE,
        ),
        (
            {"ca_certificate": "expired"},
            "expired",
            NEW_CA_CERTIFICATE,
        ),
        (
            {"ca_certificate": "valid", "https": OVER_HTTPS},
            "valid",
            f"set the connection to http, {NEW_CA_CERTIFICATE}, set the connection to https",
        ),
        ({"self_signed": "valid"}, "self-signed", "delete the self-signed certificate, generate the key"),
        (
            {"self_signed": "valid", "https": OVER_HTTPS},
            "self-signed",
            "set the connection to http, delete the self-signed certificate, generate the key",
        ),
    ],
)
def test_https_02_new_key_while_a_certificate_is_in_force(changes: dict[str, t.Any], found: str, order: str) -> None:
    error = refusal("HTTPS-02", rules.check_key_changeable, state(**changes))
    assert found in error.found
    window = " With allow_http_window, the module camera goes that way." if "CA certificate" in order else ""
    assert error.advice == f"Shortest legal order: {order}.{window}"


@pytest.mark.parametrize("status", ["not_generated", "invalid"])
def test_https_02_a_certificate_without_force_is_in_nobodys_way(status: str) -> None:
    rules.check_key_changeable(DEVICE, state(ca_certificate=status, self_signed=status))


def test_https_12_self_signed_certificate_is_not_made_over_https() -> None:
    error = refusal("HTTPS-12", rules.check_self_signed_makeable, state(https=OVER_HTTPS))
    assert error.advice == "Shortest legal order: set the connection to http, make the certificate, set it to https."
    rules.check_self_signed_makeable(DEVICE, state())


def test_https_12_self_signed_certificate_in_use_is_not_deleted() -> None:
    error = refusal("HTTPS-12", rules.check_self_signed_deletable, state(https=OVER_HTTPS, self_signed="valid"))
    assert error.advice == "Shortest legal order: set the connection to http, delete the certificate."
    rules.check_self_signed_deletable(DEVICE, state(self_signed="valid"))
    rules.check_self_signed_deletable(DEVICE, state(https=OVER_HTTPS, ca_certificate="valid", self_signed="invalid"))


def test_https_23_ca_certificate_is_not_deleted_over_https() -> None:
    error = refusal("HTTPS-23", rules.check_ca_certificate_deletable, state(https=OVER_HTTPS, ca_certificate="valid"))
    assert error.advice == "Shortest legal order: set the connection to http, delete the certificate."
    rules.check_ca_certificate_deletable(DEVICE, state(ca_certificate="valid"))


@pytest.mark.parametrize(
    ("key", "order"),
    [
        (KEY, "make a CSR, have it signed, install the certificate"),
        (None, "generate the private key, make a CSR, have it signed, install the certificate"),
    ],
)
def test_https_21_certificate_without_a_csr(key: t.Any, order: str) -> None:
    error = refusal("HTTPS-21", rules.check_certificate_installable, state(key=key))
    window = " With allow_http_window, the module camera goes that way." if "CA certificate" in order else ""
    assert error.advice == f"Shortest legal order: {order}.{window}"
    rules.check_certificate_installable(DEVICE, state(request_made_at="2026-11-22 10:00:00"))


@pytest.mark.parametrize(
    ("changes", "found", "order"),
    [
        ({"key": None}, "no private key", "generate the private key, make a CSR"),
        ({}, "no valid certificate", "make a CSR"),
        ({"ca_certificate": "expired", "self_signed": "invalid"}, "expired", "make a CSR"),
    ],
)
def test_https_30_and_24_no_https_without_a_valid_certificate(
    changes: dict[str, t.Any], found: str, order: str
) -> None:
    error = refusal("HTTPS-30", rules.check_https_ready, state(**changes))
    assert found in error.found
    assert error.advice == (
        f"Shortest legal order: {order}, have it signed, install the certificate, set the connection to https."
    )


@pytest.mark.parametrize("changes", [{"ca_certificate": "valid"}, {"self_signed": "valid"}])
def test_https_30_one_valid_certificate_is_enough(changes: dict[str, t.Any]) -> None:
    rules.check_https_ready(DEVICE, state(**changes))


def test_rec_21_model_without_tls() -> None:
    refusal("REC-21", rules.check_tls_supported, state(tls_supported=False))
    rules.check_tls_supported(DEVICE, state())


@pytest.mark.parametrize("driver", DRIVERS, ids=lambda driver: driver.rules.dialect)
def test_the_page_on_dialects_says_what_each_cannot_do(driver: type[CameraDriver]) -> None:
    page = " ".join((ROOT / "docs" / "camera_dialects.md").read_text(encoding="utf-8").split())
    assert f"`{driver.rules.dialect}`" in page
    for reason in driver.rules.cannot.values():
        # "which keeps no key", "whose keystore knows no order", "for which no public call sets": the words behind it.
        words = reason.removeprefix("for which ").partition(" ")[2] if not reason.startswith("for which") else ""
        assert (words or reason.removeprefix("for which ")) in page, reason


def test_what_a_dialect_cannot_do_is_refused_with_its_reason() -> None:
    step = Step(id="set_time_server", title="Follow the time server x", rule="R-1")
    error = refusal("R-1", rules.check_possible, [step])
    assert error.subject == "Follow the time server x"
    assert error.found == "a camera of the dialect ipro, for which no public call sets a time server"
    rules.check_possible(DEVICE, [Step(id="set_clock", title="Set it")])
