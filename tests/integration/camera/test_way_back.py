# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What breaks in the middle: the camera ends in the old or the new state, or the message says how to bring it back."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.camsec.fleet.extensions.simulator._camera_state import Certificate, Key
from ansible_collections.camsec.fleet.extensions.simulator._pki import make_key
from ansible_collections.camsec.fleet.plugins.module_utils._pki._authority import CertificateAuthority

from .conftest import HTTP, HTTPS, OutsideCA, Rig, must

Options = dict[str, t.Any]
FAST: Options = {"timeout": 0.5, "switch_timeout": 1}
KINDS = ("drop", "stall", "unavailable", "html", "truncate", "huge", "redirect", "empty")


def second_run_finishes(rig: Rig, authority: CertificateAuthority, ours: Options) -> None:
    rig.clear_faults()
    rig.good("camera", **ours)
    assert rig.answers_https(authority.trusted_path)
    assert rig.verified(authority.trusted_path)
    assert not rig.good("camera", first_contact="refuse", **ours)["changed"]


@pytest.mark.parametrize("after_write", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("kind", KINDS)
def test_a_fault_in_the_switch(
    rig: Rig, authority: CertificateAuthority, ours: Options, kind: str, after_write: bool
) -> None:
    rig.fault(kind, path="set_https", count=1, after_write=after_write)
    result = rig.run("camera", **FAST, **ours)
    if result.get("failed"):
        assert result["msg"].endswith(f"The camera answers http on port {HTTP} again, as before.")
        assert result["error"]["kind"] == "VerificationError"
        assert rig.answers_http()
    else:
        assert rig.answers_https(authority.trusted_path)
    assert rig.log()["calls"].get("POST /cgi-bin/set_https", 0) <= 2
    second_run_finishes(rig, authority, ours)


@pytest.mark.parametrize("after_write", [False, True], ids=["before", "after"])
@pytest.mark.parametrize(
    "fault",
    [{"kind": kind, "path": path} for kind in ("drop", "unavailable") for path in ("https_install", "https_signed")],
    ids=lambda fault: "-".join(fault.values()),
)
def test_a_fault_before_the_switch(
    rig: Rig, authority: CertificateAuthority, ours: Options, fault: dict[str, str], after_write: bool
) -> None:
    rig.good("camera_private_key")
    rig.fault(**fault, count=1, after_write=after_write)
    rig.run("camera", **FAST, **ours)
    assert rig.answers_http() or rig.answers_https(authority.trusted_path)
    second_run_finishes(rig, authority, ours)


def test_a_restart_in_the_middle_of_the_switch(rig: Rig, authority: CertificateAuthority, ours: Options) -> None:
    with rig.when(lambda: rig.state.live == "https", lambda: rig.act("restart")):
        rig.good("camera", **ours)
    assert rig.answers_https(authority.trusted_path)


def test_a_power_loss_in_the_middle_of_the_switch(rig: Rig, authority: CertificateAuthority, ours: Options) -> None:
    with rig.when(lambda: rig.state.live == "https", lambda: rig.act("power_off")):
        result = rig.bad("camera", **FAST, **ours)
    assert f"could NOT be brought back to http on port {HTTP}" in result["msg"]
    assert "restart the camera" in result["msg"]
    rig.act("power_on")
    second_run_finishes(rig, authority, ours)


def test_a_power_loss_while_the_key_is_generated_https_03(
    rig: Rig, authority: CertificateAuthority, ours: Options
) -> None:
    rig.set(key_generation_seconds=2000)

    def generating() -> bool:
        return rig.sim.camera(rig.spec.name).short_state()["generating"] is True

    with rig.when(generating, lambda: rig.act("power_off")):
        rig.bad("camera", **FAST, **ours)
    rig.act("power_on")
    rig.set(key_generation_seconds=10)
    second_run_finishes(rig, authority, ours)


def test_a_run_that_meets_a_camera_that_generates_a_key_waits_for_it_https_03(
    rig: Rig, authority: CertificateAuthority, ours: Options
) -> None:
    rig.set(key_generation_seconds=1000)
    done = rig.curl(f"http://{rig.host}:{HTTP}/cgi-bin/set_crt_key?mode=create&size=2048")
    assert "generating=yes" in done.stdout
    failed = rig.bad("camera_https", key_timeout=0.1, first_contact="plain_http", connection="http")
    assert "still being generated after 0.1 s" in failed["msg"]
    assert "HTTPS-03" in failed["msg"]
    assert "generate_key" not in [step["id"] for step in rig.good("camera", **ours)["plan"]]
    assert rig.answers_https(authority.trusted_path)


def test_the_switch_back_to_http_that_fails_ends_in_https(
    rig: Rig, authority: CertificateAuthority, ours: Options
) -> None:
    rig.good("camera", **ours)
    rig.fault("unavailable", path="set_https", count=1, after_write=True)
    result = rig.bad("camera", connection="http", first_contact="refuse", **FAST, **ours)
    assert f"answers https on port {HTTPS} again" in result["msg"]
    assert rig.answers_https(authority.trusted_path)
    rig.good("camera", connection="http", first_contact="refuse", **ours)
    assert rig.answers_http()


def test_a_failed_change_of_the_port_never_tries_plain_http(
    rig: Rig, authority: CertificateAuthority, ours: Options, monkeypatch: pytest.MonkeyPatch
) -> None:
    rig.good("camera", **ours)
    asked: list[str] = []
    from ansible_collections.camsec.fleet.plugins.module_utils._transport import _session

    original = _session.DeviceSession.__init__

    def spy(self: t.Any, **options: t.Any) -> None:
        asked.append(options["endpoint"].scheme)
        original(self, **options)

    monkeypatch.setattr(_session.DeviceSession, "__init__", spy)
    rig.fault("drop", path="set_https", count=1)
    changes = {"https_port": 9443, "former_https_port": HTTPS, "first_contact": "refuse"}
    result = rig.bad("camera", **changes, **FAST, **ours)
    assert f"answers https on port {HTTPS} again" in result["msg"]
    assert set(asked) == {"https"}
    rig.good("camera", **changes, **ours)
    assert rig.answers_https(authority.trusted_path, 9443)


# -- a camera that shows another certificate than the one it was given -----------------------------------------------


def swap_certificate(rig: Rig, outside: OutsideCA, monkeypatch: pytest.MonkeyPatch) -> None:
    """From now on the camera says OK to what it is given, and shows one of somebody else's for its key."""
    state = rig.state

    def install(_data: bytes) -> None:
        state.ca, state.ca_ever = Certificate.of(outside.sign(state.csr.pem, f"IP:{rig.host}")), True

    monkeypatch.setattr(state, "install_ca", install)


def test_a_camera_that_shows_another_certificate_is_brought_back(
    rig: Rig, authority: CertificateAuthority, ours: Options, outside: OutsideCA, monkeypatch: pytest.MonkeyPatch
) -> None:
    swap_certificate(rig, outside, monkeypatch)
    result = rig.bad("camera", **FAST, **ours)
    assert result["msg"].endswith(f"The camera answers http on port {HTTP} again, as before.")
    assert "certificate" in result["msg"]
    assert rig.answers_http()
    monkeypatch.undo()
    second_run_finishes(rig, authority, ours)


def test_a_camera_with_another_key_is_not_written_to(
    rig: Rig, ours: Options, outside: OutsideCA, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever answers there has not the camera's key: it gets neither a login nor a request."""
    state = rig.state
    original = state.install_ca

    def install(data: bytes) -> None:
        original(data)
        pem = make_key(2048)
        state.current = Key.new(pem, 2048, state.current.modified)
        csr = must("openssl", "req", "-new", "-key", "/dev/stdin", "-subj", "/CN=x", data=pem)
        state.ca = Certificate.of(outside.sign(csr, f"IP:{rig.host}"))

    monkeypatch.setattr(state, "install_ca", install)
    with rig.when(lambda: state.live == "https", rig.forget):
        result = rig.bad("camera", **FAST, **ours)
    assert "could NOT be brought back" in result["msg"]
    assert "is not pinned" in result["msg"]
    assert rig.log()["counts"]["writes"] == 0


def test_a_renewal_that_does_not_verify_puts_the_old_certificate_back(
    rig: Rig, authority: CertificateAuthority, ours: Options, outside: OutsideCA, monkeypatch: pytest.MonkeyPatch
) -> None:
    rig.good("camera", **ours)
    serial = rig.field("serial")
    state = rig.state
    original = state.install_ca
    times: list[int] = []

    def install(data: bytes) -> None:
        original(data)
        times.append(1)
        if len(times) == 1:
            state.ca = Certificate.of(outside.sign(state.csr.pem, f"IP:{rig.host}"))

    monkeypatch.setattr(state, "install_ca", install)
    named = {"subject_alt_name": ["DNS:gate.example.org"], "first_contact": "refuse", **ours}
    result = rig.bad("camera", **named, **FAST)
    assert result["msg"].endswith("The certificate that was there before was put back.")
    assert rig.field("serial") == serial
    assert rig.answers_https(authority.trusted_path)
    rig.good("camera", **named)
    assert rig.field("serial") != serial


def test_a_first_certificate_over_self_signed_https_that_does_not_verify_says_how_to_reach_the_camera(
    rig: Rig, ours: Options, outside: OutsideCA, monkeypatch: pytest.MonkeyPatch
) -> None:
    rig.good("camera_private_key")
    rig.good("camera_self_signed_certificate")
    shown = rig.good("camera_https", first_contact="any_certificate")
    pin = shown["certificate"]["spki_sha256"]
    swap_certificate(rig, outside, monkeypatch)
    result = rig.bad("camera", spki_sha256=[pin], first_contact="refuse", **FAST, **ours)
    assert f"With spki_sha256 {pin} the camera can be reached" in result["msg"]
    monkeypatch.undo()
    rig.good("camera", spki_sha256=[pin], first_contact="refuse", **ours)


def test_camera_https_comes_back_when_the_ca_does_not_vouch_for_the_certificate(
    rig: Rig, authority: CertificateAuthority
) -> None:
    rig.good("camera_private_key")
    rig.good("camera_self_signed_certificate")
    message = rig.bad("camera_https", ca_path=authority.trusted_path, **FAST)["msg"]
    assert message.endswith(f"The camera answers http on port {HTTP} again, as before.")
    assert rig.answers_http()


def test_a_wrong_http_port_is_refused_before_the_camera_is_lost(
    rig: Rig, authority: CertificateAuthority, ours: Options
) -> None:
    rig.good("camera", **ours)
    for module in ("camera", "camera_https"):
        trust = {"ca_path": authority.trusted_path, "connection": "http", "http_port": HTTP + 1}
        assert f"expected {HTTP}, the port on which this camera answers HTTP" in rig.bad(module, **trust)["msg"]
    assert rig.answers_https(authority.trusted_path)
