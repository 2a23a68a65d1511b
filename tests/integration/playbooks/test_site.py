# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A fleet's whole way: rehearsal, rollout, nothing left to do, audit, drift, another recording password.

The tests build on each other, in their order: what one leaves is what the next finds.
"""

from __future__ import annotations

import datetime as dt
import json
import pathlib
import re
import subprocess
import sys
import typing as t

import pytest

from .conftest import (
    CA_PASSPHRASE,
    KIT_KEY,
    MAIN_KEY,
    NEW_PASSWORD,
    OLD_PASSWORD,
    VAULT_PASSWORD,
    Run,
    Site,
    run_ansible,
    running,
)

CAMERAS = (
    "{data_encryption: true}",
    "{}",
    "{model: WV-OLD, tls: false}",
    "{recorder: null, camera_number: null}",
)
SEEN = {1: 1, 2: 1, 3: 1}


@pytest.fixture(scope="module")
def site() -> t.Iterator[Site]:
    with running(CAMERAS, offset=3) as site:
        site.change("cam3", camsec_connection="http", camsec_data_encryption=None)
        yield site


@pytest.fixture(scope="module")
def rolled_out(site: Site) -> Run:
    run = site.site("-vvv", "--diff", watch=True)
    assert run.status == 0, run.output
    return run


def _endpoints(site: Site) -> dict[str, pathlib.Path]:
    ca = site.folder / "ca" / "trusted.pem"
    return {"rec": site.folder / "trust" / "rec.pem", "cam1": ca, "cam2": ca, "cam4": ca}


def test_check_mode_on_a_fresh_fleet(site: Site) -> None:
    files, states = site.files(), site.states()
    site.read_only(True)
    run = site.site("--check", "--diff")
    assert site.read_only(False) == 0
    assert run.status == 0, run.output
    assert run.changed == {"localhost": 1, "rec": 1, "cam1": 1, "cam2": 1, "cam3": 0, "cam4": 1}
    assert "WHAT WOULD CHANGE" in run.output
    assert "WHAT CHANGED" not in run.output
    for step in ("Make the certificate authority", "Register the licence kit's unlock key", "Set the cameras"):
        assert step in run.output
    assert re.search(r"3 × Answer in HTTPS only, port 8443", run.output)
    assert site.states() == states
    assert site.files() == files


def test_rollout(site: Site, rolled_out: Run) -> None:
    assert not rolled_out.failed
    for name, ca in _endpoints(site).items():
        assert "Verification: OK" in site.verified(name, ca)
    assert site.connected() == SEEN
    assert site.links() == {1: ("https", 1), 2: ("https", 1), 3: ("http", 1)}
    assert "MAC=" in site.curl("cam3", "getinfo?FILE=1", plain=True)
    assert "CAM_01_ENCRYPT=ON" in site.recorder("sec_encryption.cgi")


def test_order_of_the_rollout(rolled_out: Run) -> None:
    """Trust before certificates, certificates before the switch, the switch before the recorder's turn."""
    order = [
        "Install trusted certificates for cameras",
        "Install the certificate",
        "Answer in HTTPS only",
        "Connect to cameras",
        "Data encryption: password",
    ]
    summary = rolled_out.output[rolled_out.output.index("WHAT CHANGED") :]
    places = [summary.index(step) for step in order]
    assert places == sorted(places)


def test_no_secret_is_shown(site: Site, rolled_out: Run) -> None:
    secrets = [CA_PASSPHRASE, VAULT_PASSWORD, OLD_PASSWORD, MAIN_KEY, KIT_KEY]
    secrets += [host["camsec_password"] for host in site.hosts.values()]
    assert any("ansible-playbook" in text for text in rolled_out.seen)
    kept = [path for path in site.folder.rglob("*") if path.is_file() and path.name != "fleet.yml"]
    assert any(path.name == "rec.vault" for path in kept)
    texts = [rolled_out.output, *rolled_out.seen, *(path.read_bytes().decode("latin-1") for path in kept)]
    assert [secret for secret in secrets if any(secret in text for text in texts)] == []


@pytest.mark.usefixtures("rolled_out")
def test_again_changes_nothing(site: Site) -> None:
    files, states = site.files(), site.states()
    run = site.site()
    assert run.status == 0, run.output
    assert set(run.changed.values()) == {0}
    assert "No device was changed." in run.output
    assert site.states() == states
    assert site.files() == files


@pytest.mark.usefixtures("rolled_out")
def test_a_task_without_host(site: Site) -> None:
    """It works on the inventory host, with what the README's inventory says."""
    site.change("cam1", camsec_ca_path="{{ camsec_authority_directory }}/trusted.pem")
    site.change("rec", camsec_ca_path="{{ camsec_trust_directory }}/{{ inventory_hostname }}.pem")
    camera, recorder = site.ask("cam1", "camsec.fleet.camera_info"), site.ask("rec", "camsec.fleet.recorder_info")
    again = site.site("--limit", "rec,cam1,localhost")
    for name in ("cam1", "rec"):
        site.change(name, camsec_ca_path=None)
    assert "cam1 | SUCCESS" in camera.output, camera.output
    assert '"connection": "https"' in camera.output
    assert "rec | SUCCESS" in recorder.output, recorder.output
    assert set(again.changed.values()) == {0}, again.output


@pytest.mark.usefixtures("rolled_out")
def test_audit_in_line(site: Site) -> None:
    files, states = site.files(), site.states()
    site.read_only(True)
    run = site.play("camsec.fleet.audit", camsec_audit_warn_days=500)
    assert site.read_only(False) == 0
    assert run.status == 0, run.output
    assert "5 devices, 3 findings" in run.output
    for name in ("cam1", "cam2", "cam4"):
        assert re.search(rf"{name}: expires: certificate [0-9a-f]+ has 39\d days left", run.output)
    assert site.states() == states
    assert site.files() == files


@pytest.mark.usefixtures("rolled_out")
def test_audit_finds_drift(site: Site) -> None:
    site.curl("cam2", "set_https", "-d", "live=http", "-d", "https_port=8443", ca=site.folder / "ca" / "trusted.pem")
    site.simulator.control("/devices/cam4/power_off", "POST")
    files = site.files()
    run = site.play("camsec.fleet.audit", camsec_audit_strict=True)
    site.simulator.control("/devices/cam4/power_on", "POST")
    assert site.files() == files
    assert run.status == 2, run.output
    assert "3 findings, expected none" in run.output
    assert "WHAT CHANGED" not in run.output
    report = run.output[run.output.index("TASK [The report]") : run.output.index("PLAY RECAP")]
    assert re.search(r"cam2: out of line: Answer in HTTPS only", report), report
    assert re.search(r"cam4: unread: ", report), report
    assert re.search(r"rec: out of line: camera 2 is not seen", report), report
    assert "cam3" not in report


@pytest.mark.usefixtures("rolled_out")
def test_site_mends_drift_and_changes_the_recording_password(site: Site) -> None:
    escrow = site.folder / "escrow" / "rec.vault"
    old = next(entry for entry in _entries(site, escrow) if entry["state"] == "in_force")
    assert old["password"] == OLD_PASSWORD
    recorded = _newest_encrypted(site)
    site.change("rec", camsec_data_encryption_password=NEW_PASSWORD)
    run = site.site()
    assert run.status == 0, run.output
    assert {name for name, count in run.changed.items() if count} == {"cam2", "rec"}
    site.verified("cam2", site.folder / "ca" / "trusted.pem")
    site.await_connected(SEEN)
    assert NEW_PASSWORD not in run.output
    states = {entry["password"]: entry["state"] for entry in _entries(site, escrow)}
    assert states == {OLD_PASSWORD: "former", NEW_PASSWORD: "in_force"}
    assert _plays(site, recorded, OLD_PASSWORD)
    assert not _plays(site, recorded, NEW_PASSWORD)
    assert _lookup(site, old["since"]) == [OLD_PASSWORD]
    assert NEW_PASSWORD in _lookup(site, None)


def _entries(site: Site, escrow: pathlib.Path) -> list[dict[str, t.Any]]:
    password = site.folder / "vault-password"
    password.write_text(VAULT_PASSWORD, encoding="utf-8")
    program = pathlib.Path(sys.executable).parent / "ansible-vault"
    command = [str(program), "view", "--vault-password-file", str(password), str(escrow)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return t.cast("list[dict[str, t.Any]]", json.loads(done.stdout)["entries"])


def _newest_encrypted(site: Site) -> str:
    rows = [line.strip().split(",") for line in site.recorder("recordedtime.cgi?CAM=1").splitlines()]
    encrypted = [row for row in rows if len(row) == 4 and row[3] == "1"]
    # Not its very first second, in which pictures without encryption were recorded too.
    start = dt.datetime.strptime(encrypted[-1][1], "%y%m%d%H%M%S").replace(tzinfo=dt.UTC)
    return (start + dt.timedelta(seconds=3)).strftime("%y%m%d%H%M%S")


def _plays(site: Site, at: str, password: str) -> bool:
    path = f"httpdl.cgi?STARTTIME={at}&ENDTIME={at}&KIND=N3&CAM=1&PC=AS60&PASSWORD={password}"
    return "X-RecData-Satus: 0" in site.recorder(path)


def _lookup(site: Site, at: str | None) -> list[str]:
    instant = f", at='{at}'" if at else ""
    term = f"query('camsec.fleet.recording_password', 'rec', escrow_directory='{site.folder}/escrow'{instant})"
    file = site.folder / "vault-password"
    command = ["ansible", "localhost", "-m", "ansible.builtin.debug", "-a", f"msg={{{{ {term} | to_json }}}}"]
    run = run_ansible([*command, "--vault-password-file", str(file)], site.folder)
    assert run.status == 0, run.output
    found = json.loads(run.output[run.output.index("{") :])["msg"]
    return t.cast("list[str]", json.loads(found) if isinstance(found, str) else found)


def test_a_recording_password_that_no_camera_needs(fresh: Site) -> None:
    """It is in the inventory, and no camera encrypts: it is not sent, not planned, and needs no escrow."""
    for name in ("cam1", "cam2", "cam3", "cam4"):
        fresh.change(name, camsec_data_encryption=None)
    without = {"camsec_escrow_directory": None, "camsec_escrow_password": None}
    first = fresh.site(**without)
    assert first.status == 0, first.output
    fresh.await_connected(dict.fromkeys((1, 2, 3, 4), 1))
    for arguments in ((), ("--check",)):
        again = fresh.site(*arguments, **without)
        assert again.status == 0, again.output
        assert set(again.changed.values()) == {0}, again.output
    audit = fresh.play("camsec.fleet.audit", camsec_audit_strict=True, **without)
    assert audit.status == 0, audit.output
    assert "5 devices, 0 findings" in audit.output
    # A camera whose pictures are expressly not encrypted needs none either.
    fresh.change("cam1", camsec_data_encryption=False)
    for arguments in ((), ("--check",)):
        again = fresh.site(*arguments, **without)
        assert again.status == 0, again.output
    assert set(again.changed.values()) == {0}, again.output
