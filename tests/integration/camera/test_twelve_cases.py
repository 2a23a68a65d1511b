# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Create, again, modify, again, delete, again, each also in check mode on a simulator that refuses writes."""

from __future__ import annotations

import typing as t

from ansible_collections.camsec.fleet.plugins.module_utils._pki._authority import CertificateAuthority

from .conftest import HTTP, HTTPS, OutsideCA, Rig, must

Options = dict[str, t.Any]


def both(rig: Rig, module: str, *, changed: bool, **options: t.Any) -> Options:
    """Two of the twelve cases: check mode, then for good; the plan is the same."""
    planned = rig.planned(module, **options)
    done = rig.good(module, **options)
    assert (planned["changed"], done["changed"]) == (changed, changed), (planned["plan"], done["plan"])
    assert [step["id"] for step in planned["plan"]] == [step["id"] for step in done["plan"]]
    assert planned["before"] == done["before"]
    assert bool(done["plan"]) is changed
    assert all(step["rule"].startswith("HTTPS-") and step["title"] for step in done["plan"])
    if not changed:
        assert done["before"] == done["after"] == planned["after"]
    return done


def twice(rig: Rig, module: str, **options: t.Any) -> Options:
    """Four of the twelve cases: it changes, and then it does not."""
    first = both(rig, module, changed=True, **options)
    again = both(rig, module, changed=False, **options)
    assert again["before"] == first["after"]
    return first


def crt_key(rig: Rig) -> str:
    """The public part of the camera's present key, by openssl."""
    return must("openssl", "pkey", "-pubout", data=rig.state.current.pem)


def test_private_key_https_01_to_04(rig: Rig) -> None:
    made = twice(rig, "camera_private_key", size=2048)
    assert made["before"]["private_key"] is None
    assert "2048 bit" in must("openssl", "pkey", "-noout", "-text", data=rig.state.current.pem)
    first = crt_key(rig)

    larger = twice(rig, "camera_private_key", size=3072)
    assert "3072 bit" in must("openssl", "pkey", "-noout", "-text", data=rig.state.current.pem)
    assert larger["after"]["previous_private_key"] == made["after"]["private_key"]

    # There is no way to delete a key: instead of it the previous one takes its place again (HTTPS-04).
    back = twice(rig, "camera_private_key", generated_at=made["after"]["private_key"]["generated_at"])
    assert [step["id"] for step in back["plan"]] == ["apply_previous_key"]
    assert crt_key(rig) == first


def test_certificate_request_https_20(rig: Rig) -> None:
    rig.good("camera_private_key")
    made = twice(rig, "camera_certificate_request", country="JP", organization="Example")
    csr = made["certificate_signing_request"]
    assert must("openssl", "req", "-verify", "-noout", "-subject", data=csr).replace(" ", "") == (
        f"subject=C=JP,O=Example,CN={rig.host}\n"
    )
    assert must("openssl", "req", "-noout", "-pubkey", data=csr) == crt_key(rig)

    other = twice(rig, "camera_certificate_request", common_name="cam.example.org", organization="Other(1)")
    subject = must("openssl", "req", "-verify", "-noout", "-subject", data=other["certificate_signing_request"])
    assert subject.replace(" ", "") == "subject=O=Other(1),CN=cam.example.org\n"

    # There is no way to delete a CSR: instead of it another new one.
    last = twice(rig, "camera_certificate_request", organizational_unit="Gate")
    assert "OU=Gate" in must("openssl", "req", "-noout", "-subject", data=last["certificate_signing_request"]).replace(
        " ", ""
    )


def test_self_signed_certificate_https_10_to_12(rig: Rig) -> None:
    rig.good("camera_private_key")
    twice(rig, "camera_self_signed_certificate")
    made = must("openssl", "x509", "-noout", "-subject", "-issuer", data=rig.state.self_signed.pem)
    assert made.count(f"CN = {rig.host}") + made.count(f"CN={rig.host}") == 2

    twice(rig, "camera_self_signed_certificate", common_name="gate.example.org", organization="Example")
    subject = must("openssl", "x509", "-noout", "-subject", data=rig.state.self_signed.pem)
    assert subject.replace(" ", "") == "subject=O=Example,CN=gate.example.org\n"

    gone = twice(rig, "camera_self_signed_certificate", state="absent")
    assert gone["after"]["self_signed_certificate"] == "not_generated"
    assert rig.state.self_signed is None


def test_certificate_https_21_to_23(rig: Rig, outside: OutsideCA) -> None:
    rig.good("camera_private_key")
    csr = rig.good("camera_certificate_request")["certificate_signing_request"]
    first, second = (outside.sign(csr, f"IP:{rig.host}") for dummy in range(2))
    path = rig.folder / "first.pem"
    path.write_text(first)

    twice(rig, "camera_certificate", certificate_path=str(path))
    assert must("openssl", "x509", "-noout", "-serial", data=rig.state.ca.pem) == must(
        "openssl", "x509", "-noout", "-serial", data=first
    )
    updated = twice(rig, "camera_certificate", certificate_content=second)
    assert updated["plan"][0]["title"].startswith("Update")
    assert must("openssl", "x509", "-noout", "-serial", data=rig.state.ca.pem) == must(
        "openssl", "x509", "-noout", "-serial", data=second
    )
    gone = twice(rig, "camera_certificate", state="absent")
    assert [impact["rule"] for impact in gone["impacts"]] == ["HTTPS-23"]
    assert rig.state.ca is None


def test_https_30_to_33(rig: Rig, outside: OutsideCA) -> None:
    rig.good("camera_private_key")
    csr = rig.good("camera_certificate_request")["certificate_signing_request"]
    rig.good("camera_certificate", certificate_content=outside.sign(csr, f"IP:{rig.host}"))
    verified = {"ca_path": outside.trusted, "first_contact": "refuse"}

    switched = both(rig, "camera_https", changed=True, ca_path=outside.trusted)
    assert [impact["rule"] for impact in switched["impacts"]] == ["HTTPS-33"]
    assert switched["contact"] == {"scheme": "https", "port": HTTPS, "trust": "certificate_authority"}
    assert switched["endpoint"]["protocol"] == "TLSv1.3"
    both(rig, "camera_https", changed=False, **verified)
    assert rig.verified(outside.trusted)
    assert rig.answers_https(outside.trusted)
    assert not rig.answers_http()

    moved = twice(rig, "camera_https", https_port=9443, former_https_port=HTTPS, **verified)
    assert moved["before"]["https_port"] == HTTPS
    assert rig.answers_https(outside.trusted, 9443)
    assert not rig.answers_https(outside.trusted)

    back = both(rig, "camera_https", changed=True, connection="http", https_port=9443, **verified)
    assert back["contact"] == {"scheme": "http", "port": HTTP, "trust": "plain_http"}
    both(rig, "camera_https", changed=False, connection="http", https_port=9443)
    assert rig.answers_http()


def test_camera_whole(rig: Rig, authority: CertificateAuthority, ours: Options) -> None:
    first = both(rig, "camera", changed=True, **ours)
    assert [step["id"] for step in first["plan"]] == [
        "generate_key", "make_request", "sign_request", "install_certificate", "set_https",
    ]  # fmt: skip
    both(rig, "camera", changed=False, first_contact="refuse", **ours)
    assert rig.verified(authority.trusted_path)
    assert rig.answers_https(authority.trusted_path)
    key = rig.key()

    named = {"subject_alt_name": ["DNS:gate.example.org"], "first_contact": "refuse", **ours}
    assert [step["id"] for step in twice(rig, "camera", **named)["plan"]] == [
        "make_request", "sign_request", "install_certificate",
    ]  # fmt: skip
    assert "DNS:gate.example.org" in must("openssl", "x509", "-noout", "-text", data=rig.shown())
    assert rig.key() == key

    back = both(rig, "camera", changed=True, connection="http", **named)
    assert [step["id"] for step in back["plan"]] == ["set_https"]
    both(rig, "camera", changed=False, connection="http", **{**named, "first_contact": "plain_http"})
    assert rig.answers_http()


def test_info_tells_the_same_in_both_modes_and_changes_nothing(
    rig: Rig, authority: CertificateAuthority, ours: Options
) -> None:
    before = rig.good("camera_info")
    assert before["contact"] == {"scheme": "http", "port": HTTP, "trust": "plain_http"}
    assert before["camera"]["private_key"] is None
    assert "certificate" not in before
    rig.good("camera", **ours)
    rig.forget()
    trusted = {"ca_path": authority.trusted_path, "first_contact": "refuse"}
    after = rig.planned("camera_info", **trusted)
    passing = {"time": "", "clock_offset": 0}
    assert after["camera"] | passing == rig.good("camera_info", **trusted)["camera"] | passing
    assert rig.log()["counts"]["writes"] == 0
    assert after["changed"] is False
    assert after["camera"]["model"] == "WV-S1136"
    assert after["certificate"]["serial_number"].upper() == rig.field("serial").removeprefix("serial=").lstrip("0")
