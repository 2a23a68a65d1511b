# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A VMS's whole way: rehearsal, rollout, nothing left to do, renewal, and back. The tests build on each other."""

from __future__ import annotations

import json
import typing as t

import pytest
from lxml import etree

from ..playbooks.conftest import CA_PASSPHRASE, Run
from .conftest import Vms, running


@pytest.fixture(scope="module")
def vms() -> t.Iterator[Vms]:
    with running(offset=5) as vms:
        yield vms


@pytest.fixture(scope="module")
def rolled_out(vms: Vms) -> Run:
    run = vms.vms(
        "-vvv", "--diff", watch=True, camsec_lifetime_days=60, vms_encryption_report_directory=str(vms.folder / "plan")
    )
    assert run.status == 0, run.output
    return run


def test_a_rehearsal_tells_the_plan_and_changes_nothing(vms: Vms) -> None:
    before = vms.stores()
    run = vms.vms("--check")
    assert run.status == 0, run.output
    assert sum(run.changed.values()) > 0
    assert "Switch encryption on (server)" in run.text
    assert vms.stores() == before
    assert set(vms.links()) == {"plain"}
    assert not vms.ca.exists()


@pytest.mark.usefixtures("rolled_out")
def test_the_rollout_encrypts_every_link(vms: Vms) -> None:
    vms.clients_trust()
    assert set(vms.links()) == {"encrypted"}
    assert vms.broken() == []
    for name, address, port in vms.endpoints():
        assert "Verification: OK" in vms.openssl(name, address, port), (name, port)


@pytest.mark.usefixtures("rolled_out")
def test_the_plan_was_kept(vms: Vms) -> None:
    plan = json.loads((vms.folder / "plan" / "plan.json").read_text(encoding="utf-8"))
    order = [(step["stage"], step["server"]) for step in plan["steps"] if step["stage"] == "switch on"]
    assert order[0] == ("switch on", "management-01")
    assert {server for _stage, server in order} == set(vms.hosts)
    assert etree.parse(str(vms.folder / "plan" / "plan.svg")).getroot().tag.endswith("svg")
    assert (vms.folder / "plan" / "plan.txt").stat().st_mode & 0o777 == 0o600


def test_no_secret_was_seen(vms: Vms, rolled_out: Run) -> None:
    assert CA_PASSPHRASE not in rolled_out.output
    assert any("ansible-playbook" in text for text in rolled_out.seen)
    assert not any(CA_PASSPHRASE in text for text in rolled_out.seen)
    assert "PRIVATE KEY" not in rolled_out.output
    assert not list(vms.folder.rglob("*.pfx"))


@pytest.mark.usefixtures("rolled_out")
def test_a_second_run_changes_nothing(vms: Vms) -> None:
    stores = vms.stores()
    run = vms.vms(camsec_lifetime_days=60)
    assert run.status == 0, run.output
    assert sum(run.changed.values()) == 0
    assert vms.stores() == stores


@pytest.mark.usefixtures("rolled_out")
def test_a_client_that_is_not_known_to_trust_holds_up_its_switches(vms: Vms) -> None:
    run = vms.vms(vms_encryption_streaming="plain", vms_encryption_clients_ready=False)
    assert run.status == 0, run.output
    assert {link["status"] for link in vms.control("links") if link["group"] == "streaming_media"} == {"plain"}
    again = vms.vms(vms_encryption_clients_ready=False, camsec_lifetime_days=60)
    assert again.status != 0
    assert "control-room" in again.text
    assert "vms_encryption_clients_ready" in again.text
    assert {link["status"] for link in vms.control("links") if link["group"] == "streaming_media"} == {"plain"}
    last = vms.vms(camsec_lifetime_days=60)
    assert last.status == 0, last.output
    assert set(vms.links()) == {"encrypted"}


@pytest.mark.usefixtures("rolled_out")
def test_vms_17_what_is_due_is_renewed_without_a_switch(vms: Vms) -> None:
    before = vms.stores()
    run = vms.play("camsec.fleet.vms_renew", camsec_renew_before=100)
    assert run.status == 0, run.output
    after = vms.stores()
    for name in vms.hosts:
        # The old one is gone, by its thumbprint; one new one is there, and its links hold.
        assert len(after[name]["My"]) == 1
        assert not set(after[name]["My"]) & set(before[name]["My"])
    assert set(vms.links()) == {"encrypted"}
    assert "Switch encryption" not in run.text
    again = vms.play("camsec.fleet.vms_renew", camsec_renew_before=100)
    assert sum(again.changed.values()) == 0, again.output


@pytest.mark.usefixtures("rolled_out")
def test_off_is_the_reverse(vms: Vms) -> None:
    run = vms.vms(vms_encryption_management="plain", vms_encryption_streaming="plain", vms_encryption_mobile="plain")
    assert run.status == 0, run.output
    assert "VMS-18" in run.text
    assert set(vms.links()) == {"plain"}
