# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Windows hosts as they are found: other languages, old key providers, foreign certificates, services that are down."""

from __future__ import annotations

import contextlib
import pathlib
import tempfile
import typing as t

import pytest
import yaml
from ansible_collections.camsec.fleet.extensions.simulator.testing import own_base_address, spawn

from .conftest import SPEED, Vms

ROLES = {
    "management-01": "management_server",
    "recording-01": "recording_server",
    "recording-02": "recording_server",
    "mobile-01": "mobile_server",
}
OWN = {
    "management-01": {"iis_certificate": True},
    "recording-01": {"locale": "ja-JP", "legacy_csp": True},
    "recording-02": {"locale": "de-DE"},
}


@contextlib.contextmanager
def mixed() -> t.Iterator[Vms]:
    net = own_base_address(1).rpartition(".")[0]
    servers = [
        {"name": name, "address": f"{net}.{number}", "roles": [role], **OWN.get(name, {})}
        for number, (name, role) in enumerate(ROLES.items(), 1)
    ]
    with tempfile.TemporaryDirectory(prefix="camsec-vms-") as name:
        folder = pathlib.Path(name)
        (folder / "fleet.yml").write_text(yaml.safe_dump({"vms_servers": servers}), encoding="utf-8")
        with spawn("--fleet", str(folder / "fleet.yml"), "--speed", str(SPEED)) as simulator:
            inventory = yaml.safe_load(simulator.inventory.read_text(encoding="utf-8"))
            yield Vms(simulator=simulator, folder=folder, inventory=inventory)


@pytest.fixture(scope="module")
def vms() -> t.Iterator[Vms]:
    with mixed() as vms:
        yield vms


def set_service(vms: Vms, name: str, service: str, status: str) -> None:
    vms.control(f"servers/{name}/services", "POST", {"name": service, "status": status})


def test_a_service_that_is_down_holds_up_and_nothing_is_guessed(vms: Vms) -> None:
    set_service(vms, "mobile-01", "Milestone XProtect Mobile Server", "Stopped")
    run = vms.vms()
    assert run.status != 0
    assert "mobile-01: port 8082 (mobile): found no answer on the host itself" in run.text
    assert set(vms.links()) == {"plain"}
    set_service(vms, "mobile-01", "Milestone XProtect Mobile Server", "Running")


def test_a_rollout_on_hosts_of_three_languages_with_an_iis_of_its_own(vms: Vms) -> None:
    run = vms.vms()
    assert run.status == 0, run.output
    assert set(vms.links()) == {"encrypted"}
    # The certificate of IIS was neither taken nor made a root that others trust, and it is still there.
    assert {len(stores["Root"]) for stores in vms.stores().values()} == {1}
    assert len(vms.stores()["management-01"]["My"]) == 2
    assert sum(vms.vms().changed.values()) == 0


def test_a_key_that_is_gone_says_nothing_of_the_others(vms: Vms) -> None:
    (entry,) = vms.server("recording-02")["stores"]["My"]
    vms.control("servers/recording-02/orphan_key", "POST", {"thumbprint": entry["thumbprint"]})
    assert set(vms.links()) == {"encrypted", "broken"}
    run = vms.vms()
    assert run.status == 0, run.output
    assert set(vms.links()) == {"encrypted"}


def test_a_stopped_mobile_server_is_never_switched_off(vms: Vms) -> None:
    set_service(vms, "mobile-01", "Milestone XProtect Mobile Server", "Stopped")
    for more in ({}, {"vms_encryption_mobile": "plain"}):
        run = vms.vms(**more)
        assert run.status != 0
        assert "mobile-01: port 8082 (mobile): found no answer" in run.text, run.output
    set_service(vms, "mobile-01", "Milestone XProtect Mobile Server", "Running")
    assert "mobile_server" in vms.server("mobile-01")["encrypted"]
