# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Another root for a site with a VMS: held up by a server, by clients; no link is lost on the way.

The tests of this file follow each other, as the days of a rotation do.
"""

from __future__ import annotations

import pathlib
import subprocess
import typing as t

import pytest

from ..playbooks.conftest import VAULT_PASSWORD, Run
from .conftest import Vms, running

CAMERA = "camera-0001"


@pytest.fixture(scope="module")
def vms() -> t.Iterator[Vms]:
    """All of it encrypted with certificates of the old authority."""
    with running(offset=2, recording=1, failover=0, recorders=1, cameras=1) as vms:
        run = play(vms, "site", camsec_authority_directory=str(vms.folder / "ca"), camsec_authority_common_name=None)
        assert run.status == 0, run.output
        trust_on_clients(vms, "ca")
        assert links(vms) == {"encrypted"}
        yield vms


def play(vms: Vms, playbook: str, *arguments: str, **more: t.Any) -> Run:
    variables = {
        "camsec_authority_directory": str(vms.folder / "new"),
        "camsec_authority_common_name": "Next CA",
        "camsec_retiring_authority_directory": str(vms.folder / "ca"),
        "camsec_trust_directory": str(vms.folder / "trust"),
        "camsec_escrow_directory": str(vms.folder / "escrow"),
        "camsec_escrow_password": VAULT_PASSWORD,
        # The cameras' timeouts are not those of Windows hosts.
        "camsec_switch_timeout": None,
    }
    return vms.play(f"camsec.fleet.{playbook}", *arguments, **{**variables, **more})


def trust_on_clients(vms: Vms, *authorities: str) -> None:
    roots = [(vms.folder / name / "root.pem").read_text() for name in authorities]
    for client in vms.control("clients"):
        vms.control(f"clients/{client['name']}/trust", "POST", {"trusted": roots})


def links(vms: Vms) -> set[str]:
    """Of servers, cameras and clients, by the simulator's own connections."""
    return {link["status"] for link in vms.control("links")}


def fingerprint(vms: Vms, authority: str) -> str:
    """SHA-1 of a root, as the store of a Windows host has it; by openssl."""
    path = vms.folder / authority / "root.pem"
    command = ["openssl", "x509", "-in", str(path), "-noout", "-fingerprint", "-sha1"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return done.stdout.strip().rpartition("=")[2].replace(":", "")


def trusting(vms: Vms, authority: str) -> set[str]:
    """Which servers have its root in their store."""
    mark = fingerprint(vms, authority)
    return {name for name, stores in vms.stores().items() if mark in stores["Root"]}


def verifies(address: str, port: int, ca: pathlib.Path, *name: str) -> bool:
    """What openssl says of chain and name."""
    command = ["openssl", "s_client", "-connect", f"{address}:{port}", "-CAfile", str(ca), "-brief"]
    done = subprocess.run(
        [*command, "-verify_return_error", *name], input=b"", capture_output=True, timeout=20, check=False
    )
    return done.returncode == 0


def verified_by(vms: Vms, authority: str) -> set[str]:
    """Which servers and cameras a client verifies by a root, wherever they present a certificate."""
    ca = vms.folder / authority / "root.pem"
    found: dict[str, list[bool]] = {}
    for name, address, port in vms.endpoints():
        host_name = vms.hosts[name]["camsec_vms_host_name"]
        good = verifies(address, port, ca, "-servername", host_name, "-verify_hostname", host_name)
        found.setdefault(name, []).append(good)
    camera = vms.inventory["all"]["children"]["camsec_cameras"]["hosts"][CAMERA]
    address = camera["ansible_host"]
    found[CAMERA] = [verifies(address, camera["camsec_https_port"], ca, "-verify_ip", address)]
    return {name for name, good in found.items() if all(good)}


def test_a_server_that_is_down_holds_up_whatever_is_issued_anew(vms: Vms) -> None:
    vms.control("servers/recording-01/power_off", "POST")
    run = play(vms, "rotate_ca")
    assert run.status != 0
    assert "holds up the reissue: unread recording-01: Nobody knows whether it trusts the new root:" in run.text
    assert "left: vms certificate management-01: It presents certificate" in run.text
    assert "Nothing was issued anew: found servers of the VMS that are not known to trust the new root" in run.text
    assert trusting(vms, "new") == {*vms.hosts} - {"recording-01"}
    assert verified_by(vms, "ca") == {*vms.hosts, CAMERA} - {"recording-01"}


def test_without_the_server_clients_that_are_not_known_to_trust_hold_up_the_others(vms: Vms) -> None:
    given_up = {"camsec_rotate_without": ["recording-01"]}
    run = play(vms, "rotate_ca", vms_encryption_clients_ready=False, **given_up)
    vms.control("servers/recording-01/power_on", "POST")
    assert run.status != 0
    assert "then set vms_encryption_clients_ready" in run.text
    assert trusting(vms, "ca") == {*vms.hosts}
    assert trusting(vms, "new") == {*vms.hosts} - {"recording-01"}
    assert verified_by(vms, "ca") == {*vms.hosts}
    assert verified_by(vms, "new") == {CAMERA}
    # What nobody but who gave it up is to blame for.
    assert vms.broken() == [f"recording-01 {CAMERA}"]


def test_then_the_old_root_goes_and_no_link_is_lost(vms: Vms) -> None:
    trust_on_clients(vms, "ca", "new")
    run = play(vms, "rotate_ca")
    assert run.status == 0, run.output
    assert "stage done: the old root is trusted nowhere" in run.text
    trust_on_clients(vms, "new")
    assert trusting(vms, "ca") == set()
    assert verified_by(vms, "new") == {*vms.hosts, CAMERA}
    assert links(vms) == {"encrypted"}
    assert all(len(stores["My"]) == 1 for stores in vms.stores().values())


def test_finished_it_changes_nothing(vms: Vms) -> None:
    stores = vms.stores()
    run = play(vms, "rotate_ca")
    assert run.status == 0, run.output
    assert "stage done" in run.text
    assert "servers of the VMS present certificates of it alone" in run.text
    assert set(run.changed.values()) == {0}
    assert vms.stores() == stores
