# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What goes wrong in a rollout: one sentence, what is left, and no link lost without a word."""

from __future__ import annotations

import os
import pathlib
import signal
import subprocess
import sys
import time

import yaml

from .conftest import Vms

SWITCHES = ("vms_encryption_management", "vms_encryption_streaming", "vms_encryption_mobile")


def test_a_server_that_is_down_holds_up_the_switches_and_nothing_else(fresh: Vms) -> None:
    fresh.control("servers/recording-02/power_off", "POST")
    run = fresh.vms()
    assert run.status != 0
    assert "recording-02 did not answer" in run.text
    assert "steps are left" in run.text
    assert {
        one["status"] for one in fresh.control("links") if "recording-02" not in (one["presenter"], one["verifier"])
    } == {"plain"}
    assert len(fresh.server("recording-01")["stores"]["My"]) == 1
    fresh.control("servers/recording-02/power_on", "POST")
    again = fresh.vms()
    assert again.status == 0, again.output
    fresh.clients_trust()
    assert set(fresh.links()) == {"encrypted"}


def test_a_part_of_the_vms_is_not_switched(fresh: Vms) -> None:
    run = fresh.vms("--limit", "localhost,management-01,recording-01")
    assert run.status != 0
    assert "recording-02 is not in this run (--limit)." in run.text
    assert set(fresh.links()) == {"plain"}
    assert fresh.stores()["recording-02"]["My"] == []


def test_a_registration_that_is_refused_is_taken_back_and_said(fresh: Vms) -> None:
    fresh.control("servers/recording-01/set", "POST", {"configurator_authorized": False})
    run = fresh.vms()
    assert run.status != 0
    assert "exit code 100" in run.text, run.output
    assert "the link worked before and does not now" in run.text
    assert "encryption is on at management-01 and off at recording-01" in run.text
    assert fresh.server("recording-01")["encrypted"] == []
    fresh.control("servers/recording-01/set", "POST", {"configurator_authorized": True})
    again = fresh.vms()
    assert again.status == 0, again.output
    assert set(fresh.links()) == {"encrypted"}


def test_a_stale_configurator_is_named_and_ended_when_told_to(fresh: Vms) -> None:
    fresh.control("servers/management-01/stale_configurator", "POST")
    run = fresh.vms()
    assert run.status != 0
    assert "management-01: ServerConfigurator: found 1 running already" in run.text
    assert set(fresh.links()) == {"plain"}
    again = fresh.vms(vms_encryption_stop_running_configurator=True)
    assert again.status == 0, again.output
    assert set(fresh.links()) == {"encrypted"}


def test_a_connection_lost_after_a_step_is_gone_on_with(fresh: Vms) -> None:
    assert fresh.vms(**dict.fromkeys(SWITCHES, "unchanged")).status == 0
    fresh.control("servers/failover-01/ssh_fault", "POST", {"kind": "drop_after_script"})
    run = fresh.vms()
    assert run.status != 0
    assert "failover-01" in run.text
    fresh.control("servers/failover-01/ssh_fault", "DELETE")
    again = fresh.vms()
    assert again.status == 0, again.output
    assert set(fresh.links()) == {"encrypted"}
    assert len(fresh.server("failover-01")["stores"]["My"]) == 1


def test_a_run_that_is_killed_is_gone_on_with(fresh: Vms, tmp_path: pathlib.Path) -> None:
    inventory, values = tmp_path / "inventory.yml", tmp_path / "variables.yml"
    inventory.write_text(yaml.safe_dump(fresh.inventory), encoding="utf-8")
    values.write_text(yaml.safe_dump(fresh.variables()), encoding="utf-8")
    program = str(pathlib.Path(sys.executable).with_name("ansible-playbook"))
    root = pathlib.Path(__file__).resolve().parents[3]
    environment = {
        **os.environ,
        "ANSIBLE_COLLECTIONS_PATH": str(root / ".dev"),
        "ANSIBLE_HOME": str(tmp_path / "ansible"),
    }
    command = [program, "-i", str(inventory), "-e", f"@{values}", "camsec.fleet.vms"]
    with subprocess.Popen(
        command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    ) as process:
        end = time.monotonic() + 90
        while not fresh.server("management-01")["encrypted"] and time.monotonic() < end:
            time.sleep(0.05)
        os.killpg(process.pid, signal.SIGKILL)
    assert fresh.server("management-01")["encrypted"] == ["server"]
    again = fresh.vms()
    assert again.status == 0, again.output
    assert set(fresh.links()) == {"encrypted"}


def test_a_topology_that_is_none_is_refused_before_anything(fresh: Vms) -> None:
    fresh.hosts["recording-02"]["camsec_vms_host_name"] = fresh.hosts["recording-01"]["camsec_vms_host_name"]
    run = fresh.vms()
    assert run.status != 0
    assert "two servers with it" in run.text
    fresh.hosts["recording-02"]["camsec_vms_host_name"] = "recording-02.vms.example"
    clients = [{"name": "control room", "kind": "smart_client", "servers": ["recording-77"]}]
    other = fresh.vms(camsec_vms_clients=clients)
    assert "recording-77" in other.text
    assert all(stores["My"] == [] for stores in fresh.stores().values())
