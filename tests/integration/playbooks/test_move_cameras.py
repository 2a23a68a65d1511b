# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Cameras of all dialects move to other addresses, and their recorder follows; judged by openssl."""

from __future__ import annotations

import pathlib
import re
import subprocess
import tempfile
import typing as t

import pytest
import yaml
from ansible_collections.camsec.fleet.extensions.simulator.testing import own_base_address, spawn

from .conftest import PORT, SPEED, Site, fleet

MOVE = "camsec.fleet.move_cameras"


@pytest.fixture(scope="module")
def site() -> t.Iterator[Site]:
    """A recorder with two i-PRO cameras, and three of the other dialects that no recorder knows; all in HTTPS."""
    base = own_base_address(7)
    net = base.rpartition(".")[0]
    data = yaml.safe_load(fleet(base, ["{}", "{}"]))
    common = {"http_port": 8080, "https_port": PORT, "password": "Cam-Admin-0009"}
    data["onvif_cameras"] = [
        {"name": f"onvif{number}", "address": f"{net}.{20 + number}", "key_generation_seconds": 2, **common}
        for number in (1, 2)
    ]
    data["sunell_cameras"] = [{"name": "sunell1", "address": f"{net}.31", **common}]
    with tempfile.TemporaryDirectory(prefix="camsec-site-") as name:
        folder = pathlib.Path(name)
        (folder / "fleet.yml").write_text(yaml.safe_dump(data), encoding="utf-8")
        with spawn("--fleet", str(folder / "fleet.yml"), "--speed", str(SPEED), "--https-port", str(PORT)) as simulator:
            inventory = yaml.safe_load(simulator.inventory.read_text(encoding="utf-8"))
            cameras = inventory["all"]["children"]["camsec_cameras"]
            for group in cameras.pop("children").values():
                # All of them in one place, where Site finds them.
                cameras["hosts"] |= {host: {**group["vars"], **own} for host, own in group["hosts"].items()}
            new = Site(simulator=simulator, folder=folder, inventory=inventory)
            run = new.site(camsec_camera_waves=["100%"])
            assert run.status == 0, run.output
            yield new


def move(site: Site, *arguments: str, **variables: t.Any) -> t.Any:
    limits = {"camsec_camera_waves": ["100%"], "camsec_timeout": 3}
    return site.play(MOVE, *arguments, **{**limits, **variables})


def names(site: Site, camera: str) -> set[str]:
    """The addresses in the certificate, as openssl reads them at the address of the inventory."""
    host = site.hosts[camera]
    place = f"{host['ansible_host']}:{host['camsec_https_port']}"
    shown = subprocess.run(
        ["openssl", "s_client", "-connect", place], input="", capture_output=True, text=True, timeout=20, check=False
    )
    command = ["openssl", "x509", "-noout", "-ext", "subjectAltName"]
    done = subprocess.run(command, input=shown.stdout, capture_output=True, text=True, timeout=20, check=True)
    return set(re.findall(r"IP Address:([0-9.]+)", done.stdout))


def elsewhere(site: Site, camera: str) -> str:
    net, _dot, last = site.hosts[camera]["ansible_host"].rpartition(".")
    return f"{net}.{int(last) + 100}"


def test_cameras_move(site: Site) -> None:
    moving = ("cam1", "onvif1", "sunell1")
    old = {name: site.hosts[name]["ansible_host"] for name in moving}
    new = {name: elsewhere(site, name) for name in moving}
    for name in moving:
        site.change(name, camsec_new_address=new[name])

    # What would be done; an i-PRO camera is moved by hand, and the run says so before it sends anything there.
    site.read_only(True)
    checked = move(site, "--check", "--limit", "onvif1,sunell1")
    assert site.read_only(False) == 0
    assert checked.status == 0, checked.output
    assert "Move to the address … [tds:SetNetworkInterfaces] (camera_address: onvif1)" in checked.text
    assert site.state("onvif1")["address"] == old["onvif1"]

    run = move(site)
    assert run.status == 2
    assert f"cam1: {old['cam1']}: Move to the address {new['cam1']}: found a camera of the dialect ipro" in run.text
    assert "set it by hand in its own pages, then run this again" in run.text
    ca = site.folder / "ca" / "trusted.pem"
    for name in ("onvif1", "sunell1"):
        assert f"{name}: set ansible_host to {new[name]} and take camsec_new_address out." in run.text
        assert site.state(name)["address"] == new[name]
        site.change(name, ansible_host=new[name], camsec_new_address=None)
        site.verified(name, ca)
        assert names(site, name) == {new[name]}
    assert site.links()[1] == ("https", 1)

    # Somebody moves it; the recorder lost it, and the next run finishes what the first one began.
    assert names(site, "cam1") == {old["cam1"], new["cam1"]}
    site.simulator.control("/devices/cam1/move", "POST", {"address": new["cam1"]})
    again = move(site)
    assert again.status == 0, again.output
    assert "Connect to cameras: camera 1 at" in again.text
    site.await_connected({1: 1, 2: 1})
    assert site.state("rec")["state"]["cameras"]["1"]["address"] == new["cam1"]

    # Once more with the inventory as it was, and with the inventory as the run said.
    stale = move(site)
    assert stale.status == 0, stale.output
    assert stale.changed["cam1"] == 0, stale.output
    assert f"cam1: set ansible_host to {new['cam1']}" in stale.text
    site.change("cam1", ansible_host=new["cam1"], camsec_new_address=None)
    assert names(site, "cam1") == {new["cam1"]}
    site.verified("cam1", ca)
    last = move(site)
    assert last.status == 0, last.output
    assert not any(last.changed.values())


def test_a_camera_that_its_recorder_does_not_see_goes_back(site: Site) -> None:
    """The recorder knows no ONVIF camera: it never sees this one. It goes back into the network that it left, too."""
    old, new = site.hosts["onvif2"]["ansible_host"], elsewhere(site, "onvif2")
    net = old.rpartition(".")[0]
    given = f"address={old} netmask=255.255.255.192 gateway={net}.1"
    assert site.ask("onvif2", "camsec.fleet.camera_address", "-a", given).status == 0
    home = {"address": old, "prefix_length": 26, "gateway": f"{net}.1"}
    assert site.state("onvif2")["state"]["onvif"]["network"] == home
    # The old gateway lies outside of the new network, and the new one outside of the old.
    network = {"camsec_new_netmask": "255.255.255.224", "camsec_new_gateway": f"{net}.97"}
    link = {"camsec_recorder": "rec", "camsec_camera_number": 2}
    site.change("onvif2", camsec_new_address=new, **network, **link)
    before = site.state("rec")["state"]["cameras"]["2"]["address"]
    run = move(site)
    assert run.status == 2
    assert f"onvif2: found not seen by rec at {new} (" in run.text
    assert f"It was brought back to {old}, where rec sees it again." in run.text
    assert site.state("onvif2")["state"]["onvif"]["network"] == home
    site.verified("onvif2", site.folder / "ca" / "trusted.pem")
    assert site.state("rec")["state"]["cameras"]["2"]["address"] == before
    site.await_connected({1: 1, 2: 1})
    site.change("onvif2", camsec_new_address=None, **dict.fromkeys((*network, *link)))


@pytest.mark.parametrize(
    ("variables", "sentence"),
    [
        ({"camsec_new_address": "gate"}, "onvif2: camsec_new_address: found 'gate', expected an IPv4 address."),
        (
            {"camsec_new_address": "192.0.2.9", "camsec_connection": "http"},
            "onvif2: camsec_connection: found 'http', expected https",
        ),
    ],
)
def test_a_move_that_cannot_be(site: Site, variables: dict[str, str], sentence: str) -> None:
    site.change("onvif2", **variables)
    site.forget_requests()
    run = move(site)
    assert run.status == 2
    assert sentence in run.text
    assert site.asked("onvif2") == []
    site.change("onvif2", **dict.fromkeys(variables))
