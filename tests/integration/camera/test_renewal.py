# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Renewal over HTTPS with the same key, certificates of others, expiry, and a CA that does not exist yet."""

from __future__ import annotations

import pathlib
import typing as t

import pytest
from ansible_collections.camsec.fleet.extensions.simulator._camera_state import CameraState
from ansible_collections.camsec.fleet.plugins.module_utils._pki._authority import CertificateAuthority

from .conftest import HTTPS, PASSPHRASE, OutsideCA, Rig, must

Options = dict[str, t.Any]
RENEWAL = ["make_request", "sign_request", "install_certificate"]


def ids(result: Options) -> list[str]:
    return [step["id"] for step in result["plan"]]


def test_a_due_certificate_is_renewed_over_https_with_the_same_key(
    rig: Rig, authority: CertificateAuthority, ours: Options
) -> None:
    rig.good("camera", lifetime_days=20, renew_before=10, **ours)
    key, serial = rig.key(), rig.field("serial")
    rig.forget()
    over_https = {"first_contact": "refuse", **ours}
    planned = rig.planned("camera", warn_before=21, **over_https)
    assert ids(planned) == RENEWAL
    assert [text for text in planned["warnings"] if "days left, fewer than 21 (warn_before), and was not renew" in text]
    assert not rig.planned("camera", **over_https)["warnings"]
    assert "fewer than the 30 days" in rig.bad("camera", warn_before=30, **over_https)["msg"]
    assert rig.field("serial") == serial
    assert ids(rig.good("camera", **over_https)) == RENEWAL
    assert rig.field("serial") != serial
    assert rig.key() == key
    assert rig.verified(authority.trusted_path)
    assert "POST /cgi-bin/set_https" not in rig.log()["calls"]
    assert not rig.good("camera", **over_https)["changed"]


def test_new_names_and_a_new_subject_are_reissued(rig: Rig, ours: Options) -> None:
    rig.good("camera", **ours)
    over_https = {"first_contact": "refuse", **ours}
    changes: list[Options] = [
        {"subject_alt_name": ["DNS:gate.example.org"]},
        {"subject_alt_name": ["DNS:gate.example.org"], "organization": "Example"},
    ]
    for change in changes:
        assert ids(rig.good("camera", **change, **over_https)) == RENEWAL
        assert not rig.good("camera", **change, **over_https)["changed"]
    text = must("openssl", "x509", "-noout", "-text", data=rig.shown())
    assert "DNS:gate.example.org" in text
    assert "O = Example" in text or "O=Example" in text


@pytest.mark.parametrize("by", ["its CA", "pin", "any certificate"])
def test_a_certificate_of_a_foreign_ca_is_replaced(
    rig: Rig, authority: CertificateAuthority, ours: Options, outside: OutsideCA, by: str
) -> None:
    rig.good("camera_private_key")
    csr = rig.good("camera_certificate_request")["certificate_signing_request"]
    rig.good("camera_certificate", certificate_content=outside.sign(csr, f"IP:{rig.host}"))
    shown = rig.good("camera_https", ca_path=outside.trusted)
    contacts: dict[str, Options] = {
        "its CA": {"ca_path": outside.trusted},
        "pin": {"spki_sha256": [shown["certificate"]["spki_sha256"]]},
        "any certificate": {"first_contact": "any_certificate"},
    }
    refused = rig.bad("camera", first_contact="refuse", **ours)
    assert refused["error"]["kind"] == "TrustError"
    result = rig.good("camera", **{"first_contact": "refuse", **contacts[by]}, **ours)
    assert ids(result) == RENEWAL
    assert "not issued by this certificate authority" in result["plan"][1]["title"]
    assert rig.verified(authority.trusted_path)
    assert bool(result["warnings"]) == (by == "any certificate")
    assert not rig.good("camera", first_contact="refuse", **ours)["changed"]


def test_https_24_an_expired_certificate_is_replaced_after_the_fall_back_to_http(
    rig: Rig, authority: CertificateAuthority, ours: Options
) -> None:
    rig.good("camera", **ours)
    rig.set(expire_certificate=True)
    failed = rig.bad("camera", first_contact="refuse", timeout=0.5, **ours)
    assert failed["error"]["kind"] == "ConnectError"
    rig.act("restart")
    wait_for_http(rig)
    rig.set(clock_offset=0)
    # The clock is right again, the certificate is not: it is renewed by its real age alone.
    rig.good("camera", **ours)
    assert rig.answers_https(authority.trusted_path)


def wait_for_http(rig: Rig) -> None:
    for dummy in range(200):
        if rig.answers_http():
            return
    raise AssertionError("it did not come back")


def test_https_05_a_certificate_for_an_older_key_is_refused(rig: Rig, outside: OutsideCA) -> None:
    rig.good("camera_private_key")
    csr = rig.good("camera_certificate_request")["certificate_signing_request"]
    old = outside.sign(csr, f"IP:{rig.host}")
    rig.good("camera_private_key", regenerate="always")
    # The CSR that is there was made for the older key: another one is made although its subject is the same.
    assert rig.good("camera_certificate_request")["changed"]
    rig.forget()
    failed = rig.bad("camera_certificate", certificate_content=old)
    assert "HTTPS-05" in failed["msg"]
    assert rig.log()["counts"]["writes"] == 0


def test_https_11_a_self_signed_certificate_of_an_older_key_is_made_anew(rig: Rig) -> None:
    rig.good("camera_private_key")
    rig.good("camera_self_signed_certificate")
    older: t.Any = rig.state.self_signed
    rig.good("camera_self_signed_certificate", state="absent")
    rig.good("camera_private_key", regenerate="always")
    state: CameraState = rig.state
    state.self_signed = older
    result = rig.good("camera_self_signed_certificate")
    assert ids(result) == ["delete_self_signed", "make_self_signed"]
    assert not rig.good("camera_self_signed_certificate")["changed"]


def test_self_signed_https_with_a_pin(rig: Rig) -> None:
    rig.good("camera_private_key")
    rig.good("camera_self_signed_certificate")
    first = rig.good("camera_https", first_contact="any_certificate")
    assert first["contact"]["trust"] == "any_certificate"
    pinned = {"first_contact": "refuse", "spki_sha256": [first["certificate"]["spki_sha256"].upper()]}
    again = rig.good("camera_https", **pinned)
    assert (again["changed"], again["contact"]["trust"]) == (False, "pin")
    rig.bad("camera_https", **{**pinned, "spki_sha256": ["0" * 64]})
    back = rig.good("camera_https", connection="http", **pinned)
    assert back["contact"]["scheme"] == "http"


def test_rec_21_a_model_without_https(rig: Rig, ours: Options) -> None:
    rig.set(tls=False)
    assert "[REC-21]" in rig.bad("camera", **ours)["msg"]
    assert "[REC-21]" in rig.bad("camera_private_key")["msg"]
    assert "[REC-21]" in rig.bad("camera_certificate_request")["msg"]
    assert "[REC-21]" in rig.bad("camera_self_signed_certificate")["msg"]
    assert not rig.good("camera_https", connection="http")["changed"]
    assert not rig.good("camera_certificate", state="absent")["changed"]
    assert rig.good("camera_info")["camera"]["https_port"] == 0


def test_check_mode_on_a_fresh_fleet_plans_as_if_the_ca_existed(rig: Rig, tmp_path: pathlib.Path) -> None:
    missing = {"authority_directory": str(tmp_path / "ca"), "authority_passphrase": PASSPHRASE}
    planned = rig.planned("camera", **missing)
    assert ids(planned) == ["generate_key", *RENEWAL, "set_https"]
    assert [warning for warning in planned["warnings"] if "does not exist yet" in warning]
    assert not any(rig.host in warning for warning in planned["warnings"])
    again = rig.planned("camera", ca_path=str(tmp_path / "ca" / "trusted.pem"), **missing)
    assert ids(again) == ids(planned)
    assert not (tmp_path / "ca").exists()

    assert "no complete authority" in rig.bad("camera", **missing)["msg"]


def test_a_wrong_passphrase_is_found_before_the_camera_makes_a_key(rig: Rig, ours: Options) -> None:
    for check_mode in (True, False):
        failed = rig.run("camera", check_mode=check_mode, **{**ours, "authority_passphrase": "Falsch-Geheimnis-1"})
        assert "a wrong passphrase" in failed["msg"]
        assert "Falsch" not in str(failed)
    assert rig.log()["counts"]["writes"] == 0


def test_first_contacts_are_in_the_ledger(rig: Rig, authority: CertificateAuthority, ours: Options) -> None:
    rig.good("camera", **ours)
    rig.good("camera", first_contact="refuse", **ours)
    contacts = authority.ledger.contacts(rig.host)
    assert [(one.trust, one.port) for one in contacts] == [("plain_http", 8080)]
    assert [entry.device for entry in authority.ledger.certificates(rig.host)] == [rig.host]
    assert HTTPS == 8443
