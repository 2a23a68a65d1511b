# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One desired state for cameras of every dialect: the same options, results and judges."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.camsec.fleet.plugins.module_utils._camera.driver import CameraDriver
from ansible_collections.camsec.fleet.plugins.module_utils._camera.drivers import DRIVERS
from ansible_collections.camsec.fleet.plugins.module_utils._core._errors import ConnectError
from ansible_collections.camsec.fleet.plugins.module_utils._pki._authority import CertificateAuthority

from .conftest import HTTP, HTTPS, MAKE, PASSPHRASE, Options, Rig, ids

BY_DIALECT = {driver.rules.dialect: driver for driver in DRIVERS}


def cannot(dialect: str) -> t.Mapping[str, str]:
    return BY_DIALECT[dialect].rules.cannot


# -- the whole camera ------------------------------------------------------------------------------------------------


def test_to_https_with_a_certificate_of_ours_and_on_and_back(
    rig: Rig, authority: CertificateAuthority, ours: Options
) -> None:
    done = rig.changes_once("camera", **ours)
    assert [step for step in ids(done) if step != "generate_key"][:3] == [
        "make_request", "sign_request", "install_certificate",
    ]  # fmt: skip
    assert rig.verified(authority.trusted_path)
    assert rig.reached("https", HTTPS, authority.trusted_path)
    assert done["certificate"]["serial_number"] == rig.serial()
    assert done["certificate"]["subject_alt_names"] == [f"IP:{rig.host}"]
    assert done["contact"]["trust"] == "certificate_authority"

    # From here on it is reached by nothing but that certificate.
    trusted = {"first_contact": "refuse", **ours}
    named = {"subject_alt_name": ["DNS:gate.example.org"], **trusted}
    changed = rig.changes_once("camera", **named)
    assert changed["certificate"]["serial_number"] == rig.serial() != done["certificate"]["serial_number"]
    assert rig.verified(authority.trusted_path)

    moved = {"https_port": 9443, "former_https_port": HTTPS, **named}
    assert ids(rig.changes_once("camera", **moved)) == ["set_https"]
    assert rig.verified(authority.trusted_path, 9443)
    assert not rig.reached("https", HTTPS, authority.trusted_path)

    plain = {**moved, "connection": "http", "first_contact": "plain_http"}
    assert ids(rig.changes_once("camera", **plain)) == ["set_https"]
    assert rig.reached("http", HTTP)
    assert not rig.reached("https", 9443, authority.trusted_path)


def test_a_renewal_that_is_due(rig: Rig, authority: CertificateAuthority, ours: Options) -> None:
    rig.good("camera", **ours)
    before = rig.serial()
    due = {"renew_before": 396, "first_contact": "refuse", **ours}
    renewed = rig.good("camera", lifetime_days=397, **due)
    assert not renewed["changed"]
    short = {"lifetime_days": 20, "renew_before": 19, "subject_alt_name": ["DNS:short.example.org"]}
    rig.good("camera", first_contact="refuse", **short, **ours)
    assert rig.serial() != before
    before = rig.serial()
    assert rig.good("camera", first_contact="refuse", **{**short, "renew_share": 0.999}, **ours)["changed"]
    assert rig.serial() != before
    assert rig.verified(authority.trusted_path)


def test_auto_finds_the_dialect_and_changes_nothing(rig: Rig) -> None:
    found = rig.good("camera_info", driver="auto")["camera"]
    assert found["driver"] == rig.dialect
    passing = {name: found[name] for name in ("time", "clock_offset")}
    assert found == {**rig.good("camera_info")["camera"], **passing}
    counts = rig.counts()
    assert counts["writes"] == 0


def test_another_camera_behind_the_address(rig: Rig, authority: CertificateAuthority, ours: Options) -> None:
    own = rig.good("camera_info")["camera"]["serial_number"]
    rig.forget()
    for check_mode in (True, False):
        failed = rig.bad("camera", check_mode=check_mode, serial_number="SOMEBODY-ELSE", **ours)
        assert f"serial number: found {own}, expected SOMEBODY-ELSE" in failed["msg"]
    assert rig.counts()["writes"] == 0
    rig.good("camera", serial_number=own, **ours)
    assert rig.verified(authority.trusted_path)


def test_a_dialect_that_is_not_the_cameras_is_one_sentence(rig: Rig) -> None:
    for other in MAKE:
        # An i-PRO camera has ONVIF as its second door, without the service that certificates need.
        if other != rig.dialect and (rig.dialect, other) != ("ipro", "onvif"):
            rig.bad("camera_info", driver=other)
    assert rig.counts()["writes"] == 0


@pytest.mark.parametrize("dialect", ["ipro"])
def test_the_second_door_of_an_ipro_camera_has_no_certificates(rig: Rig, ours: Options) -> None:
    assert rig.good("camera_info", driver="onvif")["camera"]["connection"] == "http"
    assert "found a camera without TLS support" in rig.bad("camera", driver="onvif", **ours)["msg"]
    assert rig.counts()["writes"] == 0


def test_what_a_dialect_cannot_do_is_said_before_anything_is_sent(rig: Rig) -> None:
    asks: dict[str, tuple[str, Options]] = {
        "generate_key": ("camera_private_key", {}),
        "make_self_signed": ("camera_self_signed_certificate", {}),
        "set_time_server": ("camera_time", {"time_server": "192.0.2.9"}),
    }
    for step in asks.keys() & cannot(rig.dialect).keys():
        module, options = asks[step]
        for check_mode in (True, False):
            assert cannot(rig.dialect)[step] in rig.bad(module, check_mode=check_mode, **options)["msg"]
    assert rig.counts()["writes"] == 0


@pytest.mark.parametrize("driver", DRIVERS, ids=BY_DIALECT)
def test_every_step_has_a_call_or_a_reason_why_not(driver: type[CameraDriver]) -> None:
    for step in (
        "generate_key", "apply_previous_key", "make_request", "install_certificate", "install_with_key",
        "delete_certificate", "set_tls_versions",
        "make_self_signed", "delete_self_signed", "set_https", "set_clock", "set_time_server", "set_password", "reboot",
    ):  # fmt: skip
        own = getattr(driver, step) is not getattr(CameraDriver, step)
        assert own != (step in driver.rules.cannot), f"{driver.rules.dialect}: {step}"


@pytest.mark.parametrize("dialect", ["ipro"])
def test_a_camera_that_onvif_left_with_both_schemes(rig: Rig, authority: CertificateAuthority, ours: Options) -> None:
    """i-PRO's own pages choose one of the two; its second door, ONVIF, may have chosen both."""
    rig.good("camera", **ours)
    rig.device.state.live = "dual"
    rig.act("power_off")
    rig.act("power_on")
    assert rig.reached("http", HTTP)
    assert rig.reached("https", HTTPS, authority.trusted_path)
    trusted = {"first_contact": "refuse", **ours}
    assert rig.good("camera", **trusted, check_mode=True)["before"]["connection"] == "http_and_https"
    done = rig.changes_once("camera", **trusted)
    assert ids(done) == ["set_https"]
    assert not rig.reached("http", HTTP)
    assert rig.verified(authority.trusted_path)


# -- what breaks in the middle ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("step", ["make_request", "install_certificate", "set_https"])
@pytest.mark.parametrize("lost", ["before", "after"])
def test_a_connection_that_breaks_at_a_step_and_the_run_after_it(  # noqa: PLR0917  # fixtures
    rig: Rig, authority: CertificateAuthority, ours: Options, step: str, lost: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    driver = BY_DIALECT[rig.dialect]
    original = getattr(driver, step)

    def breaks(self: CameraDriver, *arguments: t.Any) -> None:
        if lost == "after":
            original(self, *arguments)
        monkeypatch.undo()
        raise ConnectError(device=rig.host, subject=step, found="a broken connection", expected="an answer")

    monkeypatch.setattr(driver, step, breaks)
    # Another port than the factory's, so that each dialect has to switch.
    moved = {"https_port": 9443, "former_https_port": HTTPS, **ours}
    rig.bad("camera", switch_timeout=1, **moved)
    rig.good("camera", **moved)
    assert rig.verified(authority.trusted_path, 9443)
    rig.unchanged("camera", **{**moved, "first_contact": "refuse"})
    leaves_nothing_behind(rig)


def leaves_nothing_behind(rig: Rig) -> None:
    """A keystore holds one private key, the certificate, the one between it and the root, and one path."""
    if rig.dialect == "onvif":
        store = rig.device.full_state()["onvif"]["store"]
        assert len([key for key in store["keys"] if key["private"]]) == 1
        assert [len(store[name]) for name in ("keys", "certificates", "paths")] == [2, 2, 1]


def test_a_power_loss_in_the_middle_of_a_renewal(rig: Rig, authority: CertificateAuthority, ours: Options) -> None:
    rig.good("camera", **ours)
    serial = rig.serial()
    named = {"subject_alt_name": ["DNS:gate.example.org"], "first_contact": "refuse", **ours}
    driver = BY_DIALECT[rig.dialect]
    original = driver.make_request

    def cut(self: CameraDriver, *arguments: t.Any) -> None:
        original(self, *arguments)
        rig.act("power_off")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(driver, "make_request", cut)
        rig.bad("camera", timeout=1, switch_timeout=1, **named)
    rig.act("power_on")
    # A camera whose new key came with the CSR (CAM-20, CAM-24) shows its built-in certificate after the restart.
    contact = {"first_contact": "any_certificate"} if rig.dialect == "sunell" else {}
    rig.good("camera", **{**named, **contact})
    assert rig.serial() != serial
    assert rig.verified(authority.trusted_path)
    rig.unchanged("camera", **named)


# -- the small modules -----------------------------------------------------------------------------------------------


def test_key_request_and_certificate_one_by_one(rig: Rig, authority: CertificateAuthority, tmp_path: t.Any) -> None:
    if "generate_key" not in cannot(rig.dialect):
        rig.changes_once("camera_private_key")
    request = rig.good("camera_certificate_request")["certificate_signing_request"]
    csr = tmp_path / "request.pem"
    csr.write_text(request)
    from ansible_collections.camsec.fleet.plugins.module_utils._core._secret import Secret

    issued = authority.sign_request(
        request,
        passphrase=Secret(PASSPHRASE),
        device=rig.host,
        subject_alt_names=(f"IP:{rig.host}",),
        lifetime_days=90,
        backdate_hours=24,
    )
    chain = "".join((issued.pem, *issued.issuers_pem))
    done = rig.good("camera_certificate", certificate_content=chain)
    assert done["changed"]
    keeps_chain = BY_DIALECT[rig.dialect].rules.keeps_chain
    assert any("keeps no intermediate certificates" in warning for warning in done["warnings"]) != keeps_chain
    if rig.dialect != "sunell":
        rig.changes_once("camera_https", ca_path=authority.trusted_path)
    assert rig.serial() == issued.facts.serial_number
    assert rig.shown().count("BEGIN CERTIFICATE") == (2 if keeps_chain else 1)
    assert not rig.good("camera_certificate", certificate_content=issued.pem, ca_path=authority.trusted_path)["changed"]


def test_a_certificate_for_a_foreign_key_is_refused_before_anything_is_sent(
    rig: Rig, authority: CertificateAuthority, tmp_path: t.Any
) -> None:
    from ansible_collections.camsec.fleet.plugins.module_utils._core._secret import Secret

    from .conftest import run

    if "generate_key" not in cannot(rig.dialect):
        rig.good("camera_private_key")
    rig.good("camera_certificate_request")
    key = tmp_path / "foreign.key"
    made = run("openssl", "req", "-new", "-newkey", "rsa:2048", "-nodes", "-keyout", str(key), "-subj", "/CN=x")
    issued = authority.sign_request(
        made.stdout,
        passphrase=Secret(PASSPHRASE),
        device=rig.host,
        subject_alt_names=(f"IP:{rig.host}",),
        lifetime_days=90,
        backdate_hours=24,
    )
    rig.forget()
    failed = rig.bad("camera_certificate", certificate_content=issued.pem)
    assert "a public key that is not the one in the camera's CSR" in failed["msg"]
    assert BY_DIALECT[rig.dialect].rules.ids.pair in failed["msg"]
    assert rig.counts()["writes"] == 0


# -- clock and restart -----------------------------------------------------------------------------------------------


def test_a_clock_that_is_off_is_set_once(rig: Rig) -> None:
    rig.set(clock_offset=-86400.0)
    # The simulator's clock runs fast: what is in step now is ahead a moment later.
    done = rig.good("camera_time", maximum_offset=7200.0)
    assert ids(done) == ["set_clock"]
    assert done["before"]["clock"] == "more than 7200 s off"
    assert done["after"]["clock"] == "within 7200 s"
    assert abs(done["offset_seconds"]) < 7200
    rig.unchanged("camera_time", maximum_offset=7200.0)


def test_a_camera_that_lives_in_another_year_gets_no_certificate(
    rig: Rig, authority: CertificateAuthority, ours: Options
) -> None:
    rig.set(clock_offset=-50 * 365.25 * 86400)
    for check_mode in (True, False):
        failed = rig.bad("camera", check_mode=check_mode, **ours)
        assert ": clock: found 19" in failed["msg"]
        assert "with the module camera_time" in failed["msg"]
    assert rig.counts()["writes"] == 0
    rig.good("camera_time", maximum_offset=7200.0)
    rig.good("camera", **ours)
    assert rig.verified(authority.trusted_path)


@pytest.mark.parametrize("dialect", [name for name in MAKE if "set_time_server" not in cannot(name)])
def test_a_time_server_is_set_once(rig: Rig) -> None:
    # The simulator's clock runs fast, so that any clock is off soon.
    done = rig.changes_once("camera_time", maximum_offset=1e9, time_server="192.0.2.9")
    assert ids(done) == ["set_time_server"]
    assert done["after"]["time_server"] == "192.0.2.9"


def test_a_restart_is_seen(rig: Rig, authority: CertificateAuthority, ours: Options) -> None:
    rig.good("camera", **ours)
    serial = rig.serial()
    gone: list[str] = []
    with rig.when(lambda: rig.device.power != "on", lambda: gone.append(rig.device.power)):
        done = rig.good("camera_reboot", first_contact="refuse", ca_path=authority.trusted_path)
    assert done["changed"]
    assert gone == ["restarting"]
    assert rig.device.power == "on"
    assert rig.serial() == serial
    assert rig.planned("camera_reboot", first_contact="refuse", ca_path=authority.trusted_path)["changed"]
    assert rig.device.power == "on"


def test_a_camera_that_does_not_go_away_is_told(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(BY_DIALECT[rig.dialect], "reboot", lambda _self: None)
    failed = rig.bad("camera_reboot", down_timeout=0.2)
    assert "restart: found the camera still there 0.2 s after it was told to restart" in failed["msg"]
