# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Bad input and bad answers: one failed task with one sentence, and nothing changed."""

from __future__ import annotations

import datetime as dt
import typing as t

import pytest
from ansible_collections.camsec.fleet.plugins.module_utils import _thirdparty
from ansible_collections.camsec.fleet.plugins.module_utils._camera import planning
from ansible_collections.camsec.fleet.plugins.module_utils._transport import _connection

from .conftest import HTTP, OutsideCA, Rig, must

Options = dict[str, t.Any]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"https_prot": 443}, "unsupported option https_prot"),
        ({"https_port": 0}, "HTTPS port: found 0, expected a port from 1 to 65535"),
        ({"https_port": 70000}, "HTTPS port: found 70000, expected a port from 1 to 65535"),
        ({"https_port": "443x"}, "'443x'"),
        ({"https_port": 554}, "HTTPS port: found 554, which the manual forbids"),
        ({"https_port": HTTP}, "HTTPS port: found 8080, the camera's own HTTP port"),
        ({"connection": "ftp"}, "value of connection must be one of: http, https"),
        ({"timeout": 0}, "timeout: found 0, expected more than 0"),
        ({"spki_sha256": ["abc"]}, "spki_sha256: found 'abc', expected 64 hexadecimal digits"),
    ],
)
def test_options_are_refused_before_the_camera_is_asked(rig: Rig, options: Options, words: str) -> None:
    for module in ("camera_https", "camera"):
        for check_mode in (True, False):
            result = rig.bad(module, check_mode=check_mode, **options)
            assert result["msg"].startswith(f"{rig.host}: ")
            assert words in result["msg"]
    assert rig.log()["counts"]["client"] == 0


def test_certificates_that_cannot_be_are_refused_before_anything_is_sent(rig: Rig, outside: OutsideCA) -> None:
    rig.good("camera_private_key")
    csr = rig.good("camera_certificate_request")["certificate_signing_request"]
    other_key = must("openssl", "genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256")
    other_csr = must("openssl", "req", "-new", "-key", "/dev/stdin", "-subj", f"/CN={rig.host}", data=other_key)
    name, now, day = f"IP:{rig.host}", dt.datetime.now(dt.UTC), dt.timedelta(days=1)
    good = outside.sign(csr, name)
    cases = {
        "private key": other_key,
        "request": csr,
        "which did not issue it, expected the device's certificate first": good + good,
        "no PEM block": "hello",
        "nothing": "\n",
        "expired on": outside.sign_for(csr, rig.host, now - 2 * day, now - day),
        "not valid before": outside.sign_for(csr, rig.host, now + day, now + 2 * day),
        "found IP:192.0.2.99": outside.sign(csr, "IP:192.0.2.99"),
        "no subject alternative name": outside.sign(csr),
        "not the one in the camera's CSR": outside.sign(other_csr, name),
    }
    rig.forget()
    for words, pem in cases.items():
        for check_mode in (True, False):
            result = rig.bad("camera_certificate", check_mode=check_mode, certificate_content=pem)
            assert words in result["msg"], (words, result["msg"])
            assert "PRIVATE KEY-----" not in str(result)
    assert rig.log()["counts"]["writes"] == 0
    missing = rig.bad("camera_certificate", certificate_path="/nowhere/cam.pem")
    assert missing["msg"].startswith("/nowhere/cam.pem: certificate: found no such file")


def test_a_wrong_login_is_tried_once(rig: Rig) -> None:
    rig.set(lockout_after=2)
    for check_mode in (True, False):
        rig.forget()
        result = rig.bad("camera_https", check_mode=check_mode, password="Falsches-Wort-3")
        assert result["error"]["kind"] == "LoginError"
        assert "Falsches-Wort-3" not in str(result)
        log = rig.log()
        # The first answer is the challenge of Digest, not a wrong login.
        assert (log["statuses"], log["counts"]["client"]) == ({"401": 2}, 2)
        rig.good("camera_info")


def test_a_locked_camera_says_so(rig: Rig) -> None:
    rig.act("lock_out")
    result = rig.bad("camera_info")
    assert "status 403 (The device is locked after wrong logins.)" in result["msg"]


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("html", "an HTML page without cur_key_size"),
        ("redirect", "a redirect to http://other-host.example.invalid/cgi-bin/"),
        ("truncate", "found "),
        ("huge", "more than 1 MiB"),
        ("empty", "0 bytes without cur_key_size"),
        ("drop", "found "),
        ("stall", "no answer within 0.3 s"),
        ("unavailable", "status 503 (Service Unavailable)"),
    ],
)
def test_a_device_that_answers_wrongly(rig: Rig, kind: str, words: str) -> None:
    rig.fault(kind)
    result = rig.bad("camera", timeout=0.3, first_contact="plain_http")
    assert words in result["msg"]
    assert result["msg"].startswith(f"{rig.host}: ")
    rig.clear_faults()
    assert rig.log()["counts"]["writes"] == 0


def test_a_busy_camera_is_waited_for(rig: Rig) -> None:
    rig.fault("unavailable", count=2)
    rig.good("camera_info")


def test_a_factory_fresh_camera_is_not_met_over_plain_http_without_a_word(rig: Rig) -> None:
    result = rig.bad("camera_info", first_contact="refuse")
    assert "no way that may be tried" in result["msg"]
    assert "set first_contact to plain_http" in result["msg"]
    assert rig.log()["counts"]["client"] == 0


@pytest.mark.parametrize(
    ("module", "options", "rule"),
    [
        ("camera_self_signed_certificate", {}, "HTTPS-01"),
        ("camera_certificate_request", {}, "HTTPS-01"),
        ("camera_https", {"first_contact": "any_certificate"}, "HTTPS-30"),
        ("camera_private_key", {"generated_at": "2020-01-01 00:00:00"}, "HTTPS-04"),
        ("camera_certificate_request", {"common_name": "Tür"}, "HTTPS-10"),
    ],
)
def test_steps_in_the_wrong_order_are_refused_with_the_rule(rig: Rig, module: str, options: Options, rule: str) -> None:
    for check_mode in (True, False):
        assert rig.bad(module, check_mode=check_mode, **options)["error"]["rule"] == rule
    assert rig.log()["counts"]["writes"] == 0


def test_https_12_and_23_certificates_in_use_are_not_deleted(rig: Rig, outside: OutsideCA) -> None:
    rig.good("camera_private_key")
    rig.good("camera_self_signed_certificate")
    rig.good("camera_https", first_contact="any_certificate")
    anyone = {"first_contact": "any_certificate"}
    assert rig.bad("camera_self_signed_certificate", state="absent", **anyone)["error"]["rule"] == "HTTPS-12"
    assert rig.bad("camera_self_signed_certificate", common_name="x", **anyone)["error"]["rule"] == "HTTPS-12"
    assert rig.bad("camera_private_key", regenerate="always", **anyone)["error"]["rule"] == "HTTPS-02"
    csr = rig.good("camera_certificate_request", **anyone)["certificate_signing_request"]
    certificate = outside.sign(csr, f"IP:{rig.host}")
    rig.good("camera_certificate", certificate_content=certificate, **anyone)
    assert rig.verified(outside.trusted)
    assert rig.bad("camera_certificate", state="absent", **anyone)["error"]["rule"] == "HTTPS-23"
    refused = rig.bad("camera_private_key", regenerate="always", **anyone)
    assert refused["error"]["rule"] == "HTTPS-02"
    assert "Shortest legal order: set the connection to http, delete the CA certificate" in refused["msg"]


def test_a_missing_library_is_one_sentence(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    """As an ordinary module on a host without it; the worker's own Python has them all."""
    monkeypatch.setattr(_connection, "urllib3", _thirdparty.Missing("requests"))
    result = rig.run("camera_info")
    assert result["msg"] == (
        "this host: Python library requests: found not installed, expected installed for the Python that runs this"
        " task. Run: pip install requests"
    )
    monkeypatch.undo()
    monkeypatch.setattr(planning, "x509", _thirdparty.Missing("cryptography"))
    monkeypatch.setattr(_connection, "x509", _thirdparty.Missing("cryptography"))
    result = rig.run("camera_info", first_contact="any_certificate", spki_sha256=["0" * 64])
    assert not result.get("failed") or "Python library" in result["msg"]


@pytest.mark.parametrize(
    "host", ["cam 1", "fe80::1%", "fe80::1%l o", "192.0.2.1%lo", "cam%lo", ".bad", "a" * 300, "192.0.2.256/"]
)
def test_hosts_that_cannot_be(rig: Rig, host: str) -> None:
    result = rig.bad("camera_info", host=host)
    assert result["error"]["kind"] == "InputError"
    assert "host: found " in result["msg"]


def test_a_zone_belongs_to_a_connection_and_not_into_a_certificate(rig: Rig) -> None:
    names = {"subject_alt_name": ["IP:fe80::1%lo"]}, {"common_name": "[fe80::1%lo]"}
    for wrong in names:
        result = rig.bad("camera", **wrong, authority_directory="/nowhere", check_mode=True)
        assert "expected an IPv6 address without a zone. A certificate cannot hold a zone such as" in result["msg"]
    gone = rig.bad("camera_info", host="fe80::1%nosuchlink", timeout=1)
    assert gone["error"]["kind"] == "ConnectError"


def test_a_user_name_that_digest_cannot_carry(rig: Rig) -> None:
    assert "username: found characters outside of ASCII" in rig.bad("camera_info", username="администратор")["msg"]
