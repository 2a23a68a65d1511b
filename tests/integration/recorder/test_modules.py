# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The modules of the recorder family against the simulator.

Each goes through the twelve cases: create, again, modify, again, back, again, each in check mode too; check mode runs
against a simulator that refuses every write. Results are judged by the simulator's own state, openssl and curl.
"""

from __future__ import annotations

import dataclasses as dc
import pathlib
import stat
import subprocess
import time
import typing as t

import pytest
from ansible_collections.camsec.fleet.extensions.simulator import _faults, _recorder
from ansible_collections.camsec.fleet.extensions.simulator._frame import ApiError, error_response
from ansible_collections.camsec.fleet.plugins.module_utils._core._secret import Secret
from ansible_collections.camsec.fleet.plugins.module_utils._escrow._escrow import Escrow
from ansible_collections.camsec.fleet.plugins.module_utils._pki._authority import CertificateAuthority
from ansible_collections.camsec.fleet.plugins.module_utils._recorder.api import RecorderApi
from ansible_collections.camsec.fleet.plugins.module_utils._transport._connection import Trust
from ansible_collections.camsec.fleet.plugins.module_utils._transport._contact import Target
from ansible_collections.camsec.fleet.plugins.module_utils._transport._session import DeviceSession

from .conftest import CAMERA_PASSWORD, KITS, MAIN_KEY, RECORDER_PASSWORD, Lab

PICTURES = "Pic-tures-1"
NEW_PICTURES = "Pic-tures-2"
VAULT = "vault-word-1"
Result = dict[str, t.Any]


def ok(result: Result, *, changed: bool) -> Result:
    assert "failed" not in result, result["msg"]
    assert result["changed"] is changed, result
    return result


def failed(result: Result) -> str:
    """The sentence of a failure."""
    message = t.cast("str", result.get("msg", ""))
    assert result.get("failed"), result
    assert "Traceback" not in message
    assert "\n" not in message
    assert len(message) < 900
    for secret in (RECORDER_PASSWORD, PICTURES, VAULT, MAIN_KEY, *KITS.values()):
        assert secret not in str(result)
    return message


def cycle(lab: Lab, module: str, wishes: t.Sequence[dict[str, t.Any]], judge: t.Callable[[int], None]) -> None:
    """Two cases in check mode and two for real, for each wish."""
    for number, wish in enumerate(wishes):
        planned = ok(lab.checked(module, **wish), changed=True)
        done = ok(lab.run(module, **wish), changed=True)
        assert [step["id"] for step in planned["plan"]] == [step["id"] for step in done["plan"]]
        judge(number)
        ok(lab.run(module, **wish), changed=False)
        again = ok(lab.checked(module, **wish), changed=False)
        assert again["before"] == again["after"]
        assert lab.open_uids() == 0


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> CertificateAuthority:
    folder = tmp_path_factory.mktemp("authority") / "ca"
    return CertificateAuthority.create(
        folder, passphrase=Secret("ca-pass-word"), common_name="Site CA", key_type="ecdsa"
    )


def https_camera(lab: Lab, number: int, authority: CertificateAuthority) -> None:
    """Bring a camera to HTTPS with a certificate of ours."""
    result = lab.run(
        "camera",
        host=lab.simulator.device(f"cam{number}").spec.address,
        username="admin",
        password=CAMERA_PASSWORD,
        https_port=8443,
        authority_directory=str(authority.directory),
        authority_passphrase="ca-pass-word",
        switch_timeout=20.0,
    )
    assert "failed" not in result, result["msg"]


def without(options: dict[str, t.Any], *names: str) -> dict[str, t.Any]:
    return {name: value for name, value in options.items() if name not in names}


# -- licences ------------------------------------------------------------------------------------------------------


def test_license_cycle(lab: Lab) -> None:
    one, four = KITS["WJ-NXS01WUX"], KITS["WJ-NXS04WUX"]
    wishes = [
        {"main_unlock_key": MAIN_KEY},
        {"main_unlock_key": MAIN_KEY, "kit_unlock_keys": [one]},
        {"kit_unlock_keys": [one, f"{four[:4]}-{four[4:8]} {four[8:]}"]},
    ]
    totals = [0, 1, 5]

    def judge(number: int) -> None:
        assert lab.run("recorder_info")["recorder"]["licenses"]["total"] == totals[number]

    cycle(lab, "recorder_license", wishes, judge)


def test_rec_04_wrong_key_then_a_right_one(lab: Lab) -> None:
    message = failed(lab.run("recorder_license", main_unlock_key="9" * 20))
    assert "REC-04" in message
    lab.licensed()


def test_rec_02_rec_06_shortest_way(lab: Lab) -> None:
    assert "[REC-02]" in failed(lab.checked("recorder_license", kit_unlock_keys=[KITS["WJ-NXS01WUX"]]))
    cameras = [{"number": 1, "connection": "https"}, {"number": 2, "connection": "https"}]
    message = failed(lab.checked("recorder_camera_link", cameras=cameras))
    assert "[REC-06]" in message
    assert "2 camera(s)" in message


def test_rec_03_user_whose_level_does_not_allow_it(lab: Lab) -> None:
    lab.licensed()
    assert "account was refused" in failed(lab.run("recorder_info", username="nobody"))


LEVELS: list[tuple[str, dict[str, t.Any]]] = [
    ("recorder", {"main_unlock_key": MAIN_KEY, "kit_unlock_keys": list(KITS.values())}),
    ("recorder_license", {"main_unlock_key": MAIN_KEY, "kit_unlock_keys": list(KITS.values())}),
    ("recorder_https", {"tls_1_1": False, "first_contact": "any_certificate"}),
    ("recorder_camera_link", {"cameras": [{"number": 1, "connection": "http", "port": 8443}]}),
    ("recorder_data_encryption", {"cameras": [{"number": 1, "encrypt": False}, {"number": 2, "encrypt": False}]}),
    ("recorder_info", {}),
]


@pytest.mark.parametrize(("module", "wish"), LEVELS, ids=[module for module, dummy in LEVELS])
def test_rec_03_level_2_may_register_and_set_level_3_may_not(lab: Lab, module: str, wish: dict[str, t.Any]) -> None:
    if "kit_unlock_keys" not in wish:
        lab.licensed()
    before = lab.settings
    for run in (lab.checked, lab.run):
        message = failed(run(module, username="viewer", **wish))
        assert message.endswith(
            "Use an account of level 1, or of level 2, which may change settings; level 3 may not. [REC-03]"
        )
        assert "status 403 (" in message
    assert lab.settings == before
    assert lab.open_uids() == 0
    result = lab.run(module, username="setup", **wish)
    ok(result, changed=module not in ("recorder_data_encryption", "recorder_info"))
    if "kit_unlock_keys" in wish:
        assert result["after"]["licenses"]["total"] == 5


def test_rec_03_a_403_for_another_reason_says_nothing_of_levels(lab: Lab) -> None:
    recorder = lab.simulator.recorder("rec")
    known = recorder.sessions.command

    def lock(_uid: str, user: str, interval: float) -> None:
        recorder.lock_out()
        known("0", user, interval)

    recorder.sessions.command = lock  # type: ignore[method-assign]
    message = failed(lab.run("recorder_info"))
    recorder.sessions.command = known  # type: ignore[method-assign]
    assert "status 403 (The device is locked after wrong logins.)" in message
    assert "REC-03" not in message


# -- HTTPS for PCs -------------------------------------------------------------------------------------------------


def test_https_cycle(lab: Lab) -> None:
    root = lab.folder / "root.pem"
    common = {"root_certificate_path": str(root)}
    wishes = [
        {**common, "connection": "https_only", "tls_1_1": False},
        {**common, "https_port": 8443, "former_https_port": 4443},
        {**common, "https_port": 4443, "former_https_port": 8443, "connection": "http_and_https", "tls_1_1": True},
    ]
    ports = [4443, 8443, 4443]

    def judge(number: int) -> None:
        assert stat.S_IMODE(root.stat().st_mode) == 0o644
        assert "Verify return code: 0 (ok)" in lab.s_client(ports[number], root)
        old = "Cipher is (NONE)" in lab.s_client(ports[number], None, "-tls1_1", "-cipher", "ALL:@SECLEVEL=0")
        assert old is (number < 2)
        plain = "401" if number == 2 else "000"
        assert lab.http_status(plain) == plain

    cycle(lab, "recorder_https", wishes, judge)


def test_https_result_shows_the_handshake(lab: Lab) -> None:
    root = lab.folder / "root.pem"
    wish = {"connection": "https_only", "root_certificate_path": str(root)}
    result = ok(lab.run("recorder_https", **wish), changed=True)
    assert result["endpoint"]["protocol"] == "TLSv1.3"
    assert result["contact"] == {"scheme": "https", "port": 4443, "trust": "certificate_authority"}
    assert result["certificate"]["subject_alt_names"] == [f"IP:{lab.address}"]
    assert {impact["rule"] for impact in result["impacts"]} == {"REC-10"}
    assert "plain HTTP" in result["warnings"][0]
    info = ok(lab.run("recorder_root_certificate_info", ca_path=str(root), first_contact="refuse"), changed=False)
    assert info["content"] == root.read_text()
    shown = subprocess.run(
        ["openssl", "x509", "-in", root, "-noout", "-fingerprint", "-sha256"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert shown.stdout.strip().rpartition("=")[2].replace(":", "").lower() == info["sha256"]


def test_rec_14_port_that_the_network_does_not_let_through_is_put_back(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing gets through to the new port: the old one comes back through HTTP."""
    root = lab.folder / "root.pem"
    ok(lab.run("recorder_https", root_certificate_path=str(root)), changed=True)
    real = Target.session

    def firewall(target: Target, scheme: str, port: int, trust: Trust | None = None) -> DeviceSession:
        return real(target, scheme, 9 if port == 8443 else port, trust)

    monkeypatch.setattr(Target, "session", firewall)
    wish = {"root_certificate_path": str(root), "https_port": 8443, "former_https_port": 4443, "switch_timeout": 1.0}
    message = failed(lab.run("recorder_https", connection="https_only", **wish))
    monkeypatch.undo()
    assert "brought back to port 4443 through its HTTP port" in message
    pc_side = lab.run("recorder_info")["recorder"]["pc_side"]
    assert (pc_side["https_port"], pc_side["connection"]) == (4443, "http_and_https")
    assert "Verify return code: 0 (ok)" in lab.s_client(4443, root)
    assert lab.open_uids() == 0


@pytest.mark.parametrize("plain", [False, True], ids=["refuse", "HTTP is off"])
def test_rec_14_without_plain_http_the_error_says_how_to_bring_it_back(
    lab: Lab, monkeypatch: pytest.MonkeyPatch, plain: bool
) -> None:
    root = lab.folder / "root.pem"
    both = {"root_certificate_path": str(root)}
    ok(lab.run("recorder_https", **both, connection="https_only" if plain else "http_and_https"), changed=True)
    real = Target.session
    schemes = []

    def firewall(target: Target, scheme: str, port: int, trust: Trust | None = None) -> DeviceSession:
        schemes.append(scheme)
        return real(target, scheme, 9 if port == 8443 else port, trust)

    monkeypatch.setattr(Target, "session", firewall)
    wish = {**both, "https_port": 8443, "former_https_port": 4443, "switch_timeout": 1.0}
    contact = "plain_http" if plain else "refuse"
    message = failed(lab.run("recorder_https", **wish, first_contact=contact))
    monkeypatch.undo()
    why = "HTTP is off, so it could not be brought back" if plain else "first_contact is refuse and that would take"
    assert why in message
    assert "let the network through to port 8443, or set the HTTPS port to 4443 at the recorder's own screen" in message
    assert set(schemes) == {"https"}
    assert "Verify return code: 0 (ok)" in lab.s_client(8443, root)


@pytest.mark.parametrize("moved", [False, True], ids=["as it was", "brought back"])
def test_rec_14_the_way_back_by_the_old_https_port(lab: Lab, monkeypatch: pytest.MonkeyPatch, moved: bool) -> None:
    """The write came to nothing, or the recorder goes on answering at the old port too."""
    root = lab.folder / "root.pem"
    ok(lab.run("recorder_https", root_certificate_path=str(root)), changed=True)
    real = Target.session
    schemes = []
    ways: list[dict[int, int]] = [{8443: 9, 4443: 8443}, {}] if moved else [{8443: 9}]
    to: dict[int, int] = {}

    def firewall(target: Target, scheme: str, port: int, trust: Trust | None = None) -> DeviceSession:
        schemes.append(scheme)
        return real(target, scheme, to.get(port, port), trust)

    monkeypatch.setattr(Target, "session", firewall)
    wish = {"root_certificate_path": str(root), "https_port": 8443, "switch_timeout": 1.0, "timeout": 1.0}
    wish |= {"former_https_port": 4443, "first_contact": "refuse"}
    lab.read_only(not moved)
    real_set = RecorderApi.set_pc_side

    def set_pc_side(api: RecorderApi, **settings: t.Any) -> None:
        way = ways.pop(0)
        to.clear()
        to.update(way)
        real_set(api, **settings)

    monkeypatch.setattr(RecorderApi, "set_pc_side", set_pc_side)
    message = failed(lab.run("recorder_https", **wish))
    monkeypatch.undo()
    lab.read_only(False)
    if moved:
        assert "It was brought back to port 4443 by HTTPS and answers there." in message
    else:
        assert "status 500" in message
        assert "Its settings are as they were, and it answers on port 4443." in message
    assert set(schemes) == {"https"}
    assert "Verify return code: 0 (ok)" in lab.s_client(4443, root)


def test_first_contact_with_any_certificate_and_by_a_pin(lab: Lab) -> None:
    root = lab.folder / "root.pem"
    met = ok(lab.run("recorder_info", first_contact="any_certificate"), changed=False)
    assert met["contact"]["trust"] == "any_certificate"
    pin = met["certificate"]["spki_sha256"]
    pinned = {"spki_sha256": [pin], "first_contact": "refuse"}
    done = ok(lab.run("recorder_https", connection="https_only", **pinned), changed=True)
    assert done["contact"]["trust"] == "pin"
    wrong = {"spki_sha256": ["00" * 32], "first_contact": "plain_http"}
    assert "is not pinned" in failed(lab.run("recorder_https", **wrong))
    kept = {"root_certificate_path": str(root), "first_contact": "any_certificate"}
    assert ok(lab.run("recorder_https", **kept), changed=True)["contact"]["trust"] == "certificate_authority"
    ok(lab.run("recorder_https", **{**kept, "first_contact": "refuse"}), changed=False)


def test_https_needs_something_to_verify_by(lab: Lab) -> None:
    message = failed(lab.checked("recorder_https", connection="https_only"))
    assert "root_certificate_path" in message


def test_kept_root_of_another_recorder_is_not_trusted(lab: Lab, authority: CertificateAuthority) -> None:
    message = failed(lab.run("recorder_https", root_certificate_path=authority.trusted_path, connection="https_only"))
    assert "vouches for" in message
    assert lab.simulator.control("/devices/rec/requests")["counts"]["writes"] == 0


@pytest.mark.parametrize("port", [0, 70000, 20, 10007, 50000, 8080, 2121, 1818, 8181])
def test_rec_12_forbidden_ports(lab: Lab, port: int) -> None:
    message = failed(lab.checked("recorder_https", https_port=port, former_https_port=4443, connection="https_only"))
    assert "[REC-12]" in message


# -- connections to cameras ----------------------------------------------------------------------------------------


def test_camera_link_cycle(lab: Lab, authority: CertificateAuthority) -> None:
    lab.licensed()
    https_camera(lab, 1, authority)
    both = {"trusted_ca_path": authority.trusted_path, "on_unseen": "report", "link_timeout": 3.0}
    wishes = [
        {**both, "cameras": [{"number": 1, "connection": "https", "port": 8443}]},
        {**both, "cameras": [{"number": 1, "connection": "https"}, {"number": 2, "connection": "http", "port": 8443}]},
        {"cameras": [{"number": 1, "connection": "http"}], "on_unseen": "report", "link_timeout": 0.3},
    ]

    def judge(number: int) -> None:
        cameras = lab.run("recorder_info")["cameras"]
        assert cameras[0]["connection"] == ("http" if number == 2 else "https")
        assert cameras[0]["state"] == ("error" if number == 2 else "normal")
        assert cameras[1]["port"] == (443 if number == 0 else 8443)

    cycle(lab, "recorder_camera_link", wishes, judge)


@pytest.mark.parametrize("module", ["recorder", "recorder_camera_link"])
def test_a_trusted_ca_that_the_run_makes_is_planned_in_check_mode_only(
    lab: Lab, authority: CertificateAuthority, module: str
) -> None:
    lab.licensed()
    path = lab.folder / "not yet" / "trusted.pem"
    wish = {"trusted_ca_path": str(path), "cameras": []}
    planned = ok(lab.checked(module, **wish), changed=True)
    assert [step["title"] for step in planned["plan"]] == [
        "Install trusted certificates for cameras: those that the run makes"
    ]
    assert any(f"found no file {path} yet" in warning for warning in planned["warnings"])
    assert "no such file" in failed(lab.run(module, **wish))
    path.parent.mkdir()
    path.write_bytes(pathlib.Path(authority.trusted_path).read_bytes())
    planned = ok(lab.checked(module, **wish), changed=True)
    assert [step["title"] for step in planned["plan"]] == ["Install trusted certificates for cameras: Site CA"]
    assert not any("found no file" in warning for warning in planned["warnings"])
    path.write_text("no PEM")
    assert "no PEM block" in failed(lab.checked(module, **wish))


@pytest.mark.parametrize("module", ["recorder", "recorder_camera_link"])
def test_a_retired_ca_is_taken_out_and_the_last_one_never(
    lab: Lab, authority: CertificateAuthority, tmp_path: pathlib.Path, module: str
) -> None:
    other = CertificateAuthority.create(
        tmp_path / "other", passphrase=Secret("Another-passphrase-1"), common_name="Old CA", key_type="ecdsa"
    )
    lab.licensed()
    both = authority.trusted_pem + other.trusted_pem
    ok(lab.run(module, trusted_ca_content=both, cameras=[]), changed=True)
    wish = {"retired_ca_path": other.trusted_path, "trusted_ca_path": authority.trusted_path, "cameras": []}
    contrary = {"retired_ca_path": other.trusted_path, "trusted_ca_content": both, "cameras": []}
    assert "Old CA, which has to be trusted too" in failed(lab.run(module, **contrary))
    planned = ok(lab.checked(module, **wish), changed=True)
    assert [step["title"] for step in planned["plan"]] == ["Verify cameras no longer by Old CA"]
    assert len(lab.run("recorder_info")["recorder"]["trusted_cas"]) == 2
    ok(lab.run(module, **wish), changed=True)
    left = lab.run("recorder_info")["recorder"]["trusted_cas"]
    assert [one["sha256"] for one in left] == [authority.root_certificate.sha256]
    ok(lab.run(module, **wish), changed=False)
    message = failed(lab.run(module, retired_ca_content=authority.trusted_pem, cameras=[]))
    assert "found all that the recorder trusts, expected certificates that it can do without" in message


def test_unseen_cameras_are_reverted_and_named(lab: Lab) -> None:
    lab.licensed()
    wish = {"cameras": [{"number": 2, "connection": "https", "port": 8443}], "link_timeout": 0.3}
    result = ok(lab.run("recorder_camera_link", on_unseen="revert", **wish), changed=True)
    assert result["reverted"] == [2]
    assert result["unseen"] == [2]
    assert result["unseen_reasons"][0]["error_log"].endswith("CAM 2 COMMUNICATION ERROR")
    assert result["cameras"][1]["connection"] == "http"
    assert result["cameras"][1]["state"] == "normal"
    message = failed(lab.run("recorder_camera_link", on_unseen="fail", **wish))
    assert "camera 2" in message
    assert "CAM 2 COMMUNICATION ERROR" in message
    again = ok(lab.run("recorder_camera_link", on_unseen="fail", **wish), changed=False)
    assert again["unseen"] == [2]
    assert again["unseen_reasons"][0]["error_log"].endswith("CAM 2 COMMUNICATION ERROR")
    assert "not connected to camera 2" in again["warnings"][-1]
    assert lab.open_uids() == 0


def test_rec_22_expired_certificate_and_a_camera_that_cannot_be_sent_to(
    lab: Lab, authority: CertificateAuthority
) -> None:
    lab.licensed()
    https_camera(lab, 1, authority)
    trust = {"trusted_ca_path": authority.trusted_path, "on_unseen": "report", "link_timeout": 3.0}
    wish = {**trust, "cameras": [{"number": 1, "connection": "https", "port": 8443}]}
    assert ok(lab.run("recorder_camera_link", **wish), changed=True)["unseen"] == []
    lab.simulator.control("/devices/cam1/set", "POST", {"expire_certificate": True})
    lab.simulator.settle()
    time.sleep(0.5)
    result = ok(lab.run("recorder_camera_link", **wish), changed=False)
    assert result["unseen"] == [1]
    assert result["cameras"][0]["fault"] == "-(expired)"
    assert result["unseen_reasons"][0]["fault"] == "-(expired)"
    back = {"cameras": [{"number": 1, "connection": "http", "send": True}], **trust, "link_timeout": 0.3}
    assert ok(lab.run("recorder_camera_link", **back), changed=True)["not_sent"] == [1]


@pytest.mark.parametrize(
    ("module", "camera", "rule"),
    [
        ("recorder_camera_link", {"number": 3, "connection": "https"}, "REC-21"),
        ("recorder_camera_link", {"number": 99, "connection": "https"}, "REC-20"),
        ("recorder_camera_link", {"number": 1, "connection": "https", "port": 70000}, "REC-20"),
        ("recorder_camera_link", {"number": 1, "connection": "https", "port": 0}, "REC-20"),
        ("recorder_data_encryption", {"number": 1, "encrypt": True}, "REC-30"),
        ("recorder_data_encryption", {"number": 4, "encrypt": True}, "REC-33"),
        ("recorder_data_encryption", {"number": 5, "encrypt": True}, "REC-32"),
    ],
)
def test_what_the_manual_forbids_is_refused_in_check_mode_too(
    lab: Lab, module: str, camera: dict[str, t.Any], rule: str
) -> None:
    lab.licensed()
    for run in (lab.checked, lab.run):
        assert f"[{rule}]" in failed(run(module, cameras=[camera]))


def test_rec_07_shortage(lab: Lab) -> None:
    ok(lab.run("recorder_license", main_unlock_key=MAIN_KEY, kit_unlock_keys=[KITS["WJ-NXS01WUX"]]), changed=True)
    cameras = [{"number": number, "connection": "https"} for number in (1, 2, 6)]
    assert "1 x WJ-NXS04WUX" in failed(lab.checked("recorder_camera_link", cameras=cameras))


# -- data encryption -----------------------------------------------------------------------------------------------


def escrow(lab: Lab) -> dict[str, t.Any]:
    return {"escrow_directory": str(lab.folder / "escrow"), "escrow_name": "rec", "escrow_password": VAULT}


def entries(lab: Lab) -> list[tuple[str, str]]:
    """Passwords and states in the recorder's escrow."""
    kept = Escrow(lab.folder / "escrow" / "rec.vault", Secret(VAULT)).entries()
    return [(entry.password.reveal(), entry.state) for entry in kept]


def test_data_encryption_cycle(lab: Lab) -> None:
    lab.licensed()
    kept = escrow(lab)
    wishes = [
        {**kept, "data_encryption_password": PICTURES, "cameras": [{"number": 1, "encrypt": True, "send": True}]},
        {
            **kept,
            "data_encryption_password": NEW_PICTURES,
            "cameras": [{"number": 1, "encrypt": True, "send": True}, {"number": 6, "encrypt": True, "send": True}],
        },
        {"cameras": [{"number": 1, "encrypt": False, "send": True}, {"number": 6, "encrypt": False, "send": True}]},
    ]

    def judge(number: int) -> None:
        info = lab.run("recorder_info")
        assert [camera["encrypted"] for camera in info["cameras"]].count(True) == [1, 2, 0][number]
        assert info["recorder"]["licenses"]["used"] == [1, 2, 0][number]
        entries = Escrow(lab.folder / "escrow" / "rec.vault", Secret(VAULT)).entries()
        states = [(entry.password.reveal(), entry.state) for entry in entries]
        assert states[-1] == ([PICTURES, NEW_PICTURES, NEW_PICTURES][number], "in_force")
        if number:
            assert states[0] == (PICTURES, "former")

    cycle(lab, "recorder_data_encryption", wishes, judge)


def test_rec_35_password_that_was_changed_by_hand_is_noticed(lab: Lab) -> None:
    lab.licensed()
    root = lab.folder / "root.pem"
    root.write_text(lab.run("recorder_root_certificate_info")["content"])
    wish = {
        **escrow(lab),
        "ca_path": str(root),
        "data_encryption_password": PICTURES,
        "cameras": [{"number": 1, "encrypt": True, "send": True}],
    }
    ok(lab.run("recorder_data_encryption", **wish), changed=True)
    time.sleep(0.3)
    shown = ok(lab.run("recorder_data_encryption", **wish), changed=False)
    assert shown["password_evidence"]["decodes"] is True
    lab.simulator.recorder("rec").state.password = "by-hand-1"
    found = ok(lab.checked("recorder_data_encryption", **wish), changed=True)
    assert found["plan"][0]["rule"] == "REC-30"
    assert {"REC-35", "REC-37"} <= {impact["rule"] for impact in found["impacts"]}
    ok(lab.run("recorder_data_encryption", **wish), changed=True)
    assert lab.simulator.recorder("rec").state.password == PICTURES
    shown = lab.simulator.control("/devices/rec/requests")["requests"]
    assert PICTURES not in str(shown)
    ok(lab.run("recorder_data_encryption", **wish), changed=False)


def test_escrow_comes_before_everything(lab: Lab) -> None:
    lab.licensed()
    lab.simulator.control("/devices/rec/requests", "DELETE")
    wish = {"data_encryption_password": PICTURES}
    assert "escrow" in failed(lab.run("recorder_data_encryption", **wish))
    kept = escrow(lab)
    assert "vault password" in failed(lab.run("recorder_data_encryption", **wish, **without(kept, "escrow_password")))
    folder = pathlib.Path(kept["escrow_directory"])
    folder.mkdir()
    (folder / "rec.vault").write_text("no vault")
    for run in (lab.run, lab.checked):
        assert "ansible-vault" in failed(run("recorder_data_encryption", **wish, **kept))
    assert lab.simulator.control("/devices/rec/requests")["counts"]["client"] == 0


def test_lost_answer_leaves_the_entry_pending_and_the_next_run_settles_it(lab: Lab) -> None:
    lab.licensed()
    wish = {**escrow(lab), "data_encryption_password": PICTURES}
    lab.fault(kind="drop", path="sec_encryption", after_write=True, count=1)
    message = failed(lab.run("recorder_data_encryption", **wish))
    assert "Remote end closed connection without response" in message
    assert "the escrow keeps it as pending" in message
    kept = Escrow(lab.folder / "escrow" / "rec.vault", Secret(VAULT))
    assert [entry.state for entry in kept.entries()] == ["pending"]
    ok(lab.run("recorder_data_encryption", **wish), changed=True)
    assert kept.matches(Secret(PICTURES))
    ok(lab.run("recorder_data_encryption", **wish), changed=False)


@pytest.mark.parametrize("status", [400, 401, 403, 404])
def test_refused_password_is_reverted_in_the_escrow(lab: Lab, monkeypatch: pytest.MonkeyPatch, status: int) -> None:
    lab.licensed()

    def refuse(*_arguments: object) -> t.NoReturn:
        raise ApiError(status, "No.")

    monkeypatch.setattr(_recorder, "new_password", refuse)
    failed(lab.run("recorder_data_encryption", **escrow(lab), data_encryption_password=PICTURES))
    assert entries(lab) == [(PICTURES, "refused")]


def test_an_error_500_is_no_refusal_and_leaves_the_entry_pending(lab: Lab) -> None:
    lab.licensed()
    wish = {**escrow(lab), "data_encryption_password": PICTURES}
    lab.read_only(True)
    message = failed(lab.run("recorder_data_encryption", **wish))
    lab.read_only(False)
    assert "status 500" in message
    assert "the escrow keeps it as pending" in message
    assert "Run the task again" in message
    assert entries(lab) == [(PICTURES, "pending")]
    ok(lab.run("recorder_data_encryption", **wish), changed=True)
    assert entries(lab)[-1] == (PICTURES, "in_force")


def test_a_password_that_the_answer_says_is_not_set_is_not_believed(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    lab.licensed()
    monkeypatch.setattr(_recorder, "new_password", lambda *_arguments: "")
    message = failed(lab.run("recorder_data_encryption", **escrow(lab), data_encryption_password=PICTURES))
    assert "found PASSWORD_SET=0, expected PASSWORD_SET=1" in message
    assert "the escrow keeps it as pending" in message
    assert entries(lab) == [(PICTURES, "pending")]


def test_rec_35_an_unknown_password_in_force_is_not_replaced(lab: Lab) -> None:
    lab.licensed()
    lab.simulator.recorder("rec").state.password = "by-hand-1"
    wish = {**escrow(lab), "data_encryption_password": PICTURES}
    lab.read_only(True)
    for run in (lab.checked, lab.run):
        message = failed(run("recorder_data_encryption", **wish))
        assert "found that the password in force is not in the escrow" in message
        assert "Give former_data_encryption_password, or on_unknown_former: accept_loss." in message
    assert not list(lab.folder.glob("escrow/*"))
    assert lab.simulator.recorder("rec").state.password == "by-hand-1"
    accepted = {**wish, "on_unknown_former": "accept_loss"}
    for run, state in ((lab.checked, "by-hand-1"), (lab.run, PICTURES)):
        result = ok(run("recorder_data_encryption", **accepted), changed=True)
        assert [one for one in result["warnings"] if "recorded under it is lost unless somebody knows it" in one]
        assert lab.simulator.recorder("rec").state.password == state
    assert ok(lab.run("recorder_data_encryption", **accepted), changed=False)["warnings"] == [
        warning for warning in result["warnings"] if "is lost" not in warning and "went over plain HTTP" not in warning
    ]
    assert entries(lab) == [(PICTURES, "in_force")]


def test_rec_35_a_former_password_without_recordings_is_taken_as_given(lab: Lab) -> None:
    lab.licensed()
    lab.simulator.recorder("rec").state.password = "by-hand-1"
    wish = {**escrow(lab), "data_encryption_password": PICTURES, "former_data_encryption_password": "by-hand-1"}
    ok(lab.run("recorder_data_encryption", **wish), changed=True)
    assert entries(lab) == [("by-hand-1", "former"), (PICTURES, "in_force")]


@pytest.mark.parametrize("secure", [True, False], ids=["https", "plain http"])
def test_rec_35_a_wrong_former_password_is_refused(lab: Lab, secure: bool) -> None:
    lab.licensed()
    root = lab.folder / "root.pem"
    root.write_text(lab.run("recorder_root_certificate_info")["content"])
    common: dict[str, t.Any] = {"cameras": [{"number": 6, "encrypt": True, "send": True}]}
    common |= {"ca_path": str(root)} if secure else {}
    other = {**escrow(lab), "escrow_name": "other"}
    ok(lab.run("recorder_data_encryption", **common, **other, data_encryption_password=PICTURES), changed=True)
    time.sleep(0.3)
    wish = {**common, **escrow(lab), "data_encryption_password": NEW_PICTURES}
    # Over plain HTTP check mode does not send a password, and the real run proves it before it sends the new one.
    for run in (lab.checked, lab.run) if secure else (lab.run,):
        message = failed(run("recorder_data_encryption", **wish, former_data_encryption_password="wrong-one-1"))
        assert "former_data_encryption_password: found one that does not open what the password in force" in message
        assert "camera 6" in message
        assert "wrong-one-1" not in message
    assert lab.simulator.recorder("rec").state.password == PICTURES
    assert entries(lab) == []
    wish["former_data_encryption_password"] = PICTURES
    ok(lab.run("recorder_data_encryption", **wish), changed=True)
    assert entries(lab) == [(PICTURES, "former"), (NEW_PICTURES, "in_force")]


def test_check_mode_only_looks_at_the_escrow(lab: Lab) -> None:
    lab.licensed()
    wish = {**escrow(lab), "data_encryption_password": PICTURES}
    ok(lab.run("recorder_data_encryption", **wish), changed=True)
    folder = lab.folder / "escrow"
    before = folder.stat().st_mtime_ns, sorted(folder.iterdir())
    ok(lab.checked("recorder_data_encryption", **{**wish, "data_encryption_password": NEW_PICTURES}), changed=True)
    assert (folder.stat().st_mtime_ns, sorted(folder.iterdir())) == before


@pytest.mark.parametrize("module", ["recorder", "recorder_data_encryption"])
def test_the_escrow_directory_needs_the_recorders_name(lab: Lab, module: str) -> None:
    wish = {**without(escrow(lab), "escrow_name"), "data_encryption_password": PICTURES}
    message = failed(lab.run(module, **wish))
    assert "missing parameter(s) required by 'escrow_directory': escrow_name" in message


@pytest.mark.parametrize("password", ["abc", "a" * 17, "with space", "pass\u00e9word"])
def test_rec_30_passwords(lab: Lab, password: str) -> None:
    message = failed(lab.checked("recorder_data_encryption", **escrow(lab), data_encryption_password=password))
    assert "[REC-30]" in message
    assert password not in message


# -- all of it -----------------------------------------------------------------------------------------------------


def test_whole_recorder_from_the_factory_to_encrypted(lab: Lab, authority: CertificateAuthority) -> None:
    https_camera(lab, 1, authority)
    root = lab.folder / "root.pem"
    wish = {
        **escrow(lab),
        "root_certificate_path": str(root),
        "main_unlock_key": MAIN_KEY,
        "kit_unlock_keys": list(KITS.values()),
        "trusted_ca_path": authority.trusted_path,
        "cameras": [
            {"number": 1, "connection": "https", "port": 8443, "encrypt": True, "send": True},
            {"number": 6, "encrypt": True, "send": True},
        ],
        "link_timeout": 10.0,
        "data_encryption_password": PICTURES,
        "connection": "https_only",
        "https_port": 8443,
        "former_https_port": 4443,
        "tls_1_1": False,
    }
    planned = ok(lab.checked("recorder", **wish), changed=True)
    assert [step["id"] for step in planned["plan"]] == [
        "keep_root_certificate",
        "register_main_key",
        "register_kit_key",
        "register_kit_key",
        "count_licenses",
        "add_trusted_ca",
        "set_cameras",
        "set_pc_https",
        "set_pc_connection",
    ]
    assert not root.exists()
    lab.simulator.control("/devices/rec/requests", "DELETE")
    done = ok(lab.run("recorder", **wish), changed=True)
    calls = lab.simulator.control("/devices/rec/requests")["calls"]
    assert "set_links" in [step["id"] for step in done["plan"]]
    assert done["unseen"] == []
    assert done["cameras"][0]["state"] == "normal"
    assert done["cameras"][0]["encrypted"] is True
    assert done["contact"] == {"scheme": "https", "port": 8443, "trust": "certificate_authority"}
    # One login; each new connection asks without authorisation once, before it knows the nonce.
    assert calls["GET /cgi-bin/dlogin.cgi"] == 2
    assert calls["GET /cgi-bin/logout.cgi"] == 1
    assert "Verify return code: 0 (ok)" in lab.s_client(8443, root)
    again = ok(lab.run("recorder", **{**wish, "first_contact": "refuse"}), changed=False)
    assert again["after"] == done["after"]
    ok(lab.checked("recorder", **wish), changed=False)
    assert lab.open_uids() == 0


@pytest.mark.parametrize("keys", ["all registered", "none", "main unit's only"])
def test_rec_07_without_a_new_kit_a_shortage_is_found_before_anything_is_sent(
    lab: Lab, authority: CertificateAuthority, keys: str
) -> None:
    one = [KITS["WJ-NXS01WUX"]]
    wish: dict[str, t.Any] = {"trusted_ca_path": authority.trusted_path, **escrow(lab)}
    wish |= {"data_encryption_password": PICTURES, "connection": "https_only", "tls_1_1": False}
    wish |= {"root_certificate_path": str(lab.folder / "root.pem")}
    wish["cameras"] = [{"number": number, "connection": "https", "encrypt": True} for number in (1, 2, 6)]
    expected = "Fewest kits to buy: 1 x WJ-NXS04WUX."
    if keys == "all registered":
        ok(lab.run("recorder_license", main_unlock_key=MAIN_KEY, kit_unlock_keys=one), changed=True)
        wish |= {"main_unlock_key": MAIN_KEY, "kit_unlock_keys": one}
    else:
        wish |= {"main_unlock_key": MAIN_KEY} if keys != "none" else {}
        expected = "a kit for 3 camera(s) (1 x WJ-NXS04WUX)"
    before = lab.settings
    for run in (lab.checked, lab.run):
        lab.read_only(True)
        assert expected in failed(run("recorder", **wish))
    assert lab.read_only(False) == 0
    assert lab.settings == before
    assert not (lab.folder / "root.pem").exists()
    assert not list(lab.folder.glob("escrow/*"))


def test_whole_recorder_counts_again_after_the_registration(lab: Lab) -> None:
    cameras = [{"number": number, "connection": "https", "port": 8443} for number in (1, 2, 6)]
    wish = {"main_unlock_key": MAIN_KEY, "kit_unlock_keys": [KITS["WJ-NXS01WUX"]], "cameras": cameras}
    message = failed(lab.run("recorder", **wish))
    assert "1 x WJ-NXS04WUX" in message
    cameras = lab.run("recorder_info")["cameras"]
    assert {camera["connection"] for camera in cameras} == {"http"}


# -- the driver ----------------------------------------------------------------------------------------------------


def test_commands_keep_their_distance_and_a_lost_uid_is_got_again(lab: Lab) -> None:
    lab.simulator.control("/devices/rec/set", "POST", {"command_interval": 3.0})
    begin = time.monotonic()
    ok(lab.run("recorder_info", command_interval=0.2), changed=False)
    assert time.monotonic() - begin > 1.0
    statuses = lab.simulator.control("/devices/rec/requests")["statuses"]
    assert "503" not in statuses
    recorder = lab.simulator.recorder("rec")
    known = recorder.sessions.command
    lost = iter([True])

    def once(uid: str, user: str, interval: float) -> None:
        if next(lost, False):
            recorder.sessions.log_out(uid)
        known(uid, user, interval)

    recorder.sessions.command = once  # type: ignore[method-assign]
    ok(lab.run("recorder_https", command_interval=0.2), changed=False)
    recorder.sessions.command = known  # type: ignore[method-assign]
    assert lab.open_uids() == 0


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("html", "found an HTML page without CONNECTION, "),
        ("truncate", "more expected), expected a whole answer"),
        ("huge", "found more than 1 MiB, expected an answer of at most 1 MiB"),
        ("redirect", "found a redirect to http://other-host.example.invalid/"),
        ("empty", "found 0 bytes without CONNECTION, "),
        ("drop", "found Remote end closed connection without response"),
        ("stall", "found no answer within 0.5 s"),
    ],
)
def test_answers_that_are_none(lab: Lab, kind: str, words: str) -> None:
    lab.licensed()
    lab.fault(kind=kind, path="sec_pc.cgi")
    message = failed(lab.run("recorder_https", timeout=0.5))
    assert words in message
    assert "/cgi-bin/sec_pc.cgi" in message
    lab.simulator.control("/devices/rec/fault", "DELETE")
    assert lab.open_uids() == 0


@dc.dataclass(frozen=True, kw_only=True)
class Write:
    """A write, the key that its answer must hold, and whether the next run has anything left to do."""

    module: str
    wish: dict[str, t.Any]
    path: str
    key: str
    again: bool = False
    licensed: bool = True


WRITES = {
    "register": Write(
        module="recorder_license",
        wish={"main_unlock_key": MAIN_KEY},
        path="sec_license",
        key="MAIN_UNLOCK",
        licensed=False,
    ),
    "add_trusted_ca": Write(module="recorder_camera_link", wish={"cameras": []}, path="trusted_ca", key="CA_NUM"),
    "set_links": Write(
        module="recorder_camera_link",
        wish={"cameras": [{"number": 2, "connection": "http", "port": 8443}]},
        path="sec_camera",
        key="CAM_02_CONNECTION",
    ),
    "set_encryption": Write(
        module="recorder_data_encryption",
        wish={"cameras": [{"number": 1, "encrypt": True}, {"number": 6, "encrypt": True, "send": True}]},
        path="sec_encryption",
        key="PASSWORD_SET, CAM_01_ENCRYPT, CAM_06_ENCRYPT, CAM_06_SEND_RESULT",
    ),
    "set_password": Write(
        module="recorder_data_encryption",
        wish={"data_encryption_password": PICTURES},
        path="sec_encryption",
        key="PASSWORD_SET",
        again=True,
    ),
    "set_pc_https": Write(
        module="recorder_https", wish={"https_port": 8443, "former_https_port": 4443}, path="sec_pc", key="HTTPS_PORT"
    ),
    "set_pc_connection": Write(
        module="recorder_https", wish={"connection": "https_only"}, path="sec_pc", key="CONNECTION"
    ),
}


async def _error_500(_fault: object, _request: object) -> tuple[int, t.Any]:
    return 500, error_response(ApiError(500, "Internal error"))


@pytest.mark.parametrize("kind", ["html", "empty", "500"])
@pytest.mark.parametrize("name", WRITES)
def test_a_write_whose_answer_is_none_is_not_believed(
    lab: Lab, authority: CertificateAuthority, monkeypatch: pytest.MonkeyPatch, name: str, kind: str
) -> None:
    """The recorder carries the write out; in place of its answer comes something else."""
    write = WRITES[name]
    wish = dict(write.wish)
    if write.licensed:
        lab.licensed()
    if name == "add_trusted_ca":
        wish["trusted_ca_path"] = authority.trusted_path
    if name == "set_password":
        wish |= escrow(lab)
    if name == "set_encryption":
        ok(lab.run(write.module, **escrow(lab), data_encryption_password=PICTURES), changed=True)
    if write.module == "recorder_https":
        wish["root_certificate_path"] = str(lab.folder / "root.pem")
        ok(lab.run("recorder_https", root_certificate_path=wish["root_certificate_path"]), changed=True)
    monkeypatch.setitem(_faults._PLAYS, "unavailable", _error_500)
    lab.fault(kind="unavailable" if kind == "500" else kind, path=write.path, after_write=True, count=1)
    message = failed(lab.run(write.module, **wish))
    words = {"html": "found an HTML page without ", "empty": "found 0 bytes without ", "500": "status 500 "}[kind]
    assert words + (write.key if kind != "500" else "(Internal error)") in message
    assert f"/cgi-bin/{write.path}.cgi" in message
    if name == "set_password":
        assert "the escrow keeps it as pending" in message
        assert entries(lab) == [(PICTURES, "pending")]
    if name == "set_pc_https":
        assert "The recorder answers in HTTPS on port 8443: run the task again" in message
    ok(lab.run(write.module, **wish), changed=write.again)
    if name == "set_password":
        assert entries(lab)[-1] == (PICTURES, "in_force")
    ok(lab.run(write.module, **wish), changed=False)
    assert lab.open_uids() == 0


def test_wrong_login_is_tried_once(lab: Lab) -> None:
    lab.simulator.control("/devices/rec/requests", "DELETE")
    assert "account was refused" in failed(lab.run("recorder", password="wrong"))
    assert lab.simulator.control("/devices/rec/requests")["counts"]["client"] == 2


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"https_port": "443x"}, "argument 'https_port' is of type str and we were unable to convert to int"),
        ({"no_such_option": 1}, "unsupported option no_such_option. Supported parameters include: ca_path, cameras, "),
        ({"connection": "ftp"}, "value of connection must be one of: http_and_https, https_only, got: ftp"),
        ({"tls_1_1": True}, "missing parameter(s) required by 'tls_1_1': connection"),
        ({"on_unknown_former": "no"}, "value of on_unknown_former must be one of: fail, accept_loss, got: no"),
    ],
)
def test_bad_options(lab: Lab, options: dict[str, t.Any], words: str) -> None:
    assert words in failed(lab.run("recorder", **options))
