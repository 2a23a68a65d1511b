# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Cameras of a VMS that encrypts no link of its own: what keeps them from being touched, and the ways back.

The run is for another VMS (camsec_vms_group), as in an inventory with several: the cameras and the recording servers
say themselves whose they are.
"""

from __future__ import annotations

import dataclasses as dc
import json
import pathlib
import re
import subprocess
import typing as t

import pytest
import yaml

from ..playbooks.conftest import VAULT_PASSWORD, Run
from .conftest import Vms, running
from .test_site import hardware

DAY = 86400.0
SERVERS = "management-01,recording-01,failover-01"
PLAIN = {"camera-0001": ("recording-01", "plain"), "camera-0002": ("recording-01", "plain")}


@pytest.fixture(scope="module")
def _small() -> t.Iterator[Vms]:
    with running(offset=2, recording=1, failover=1, recorders=1, cameras=2) as vms:
        yield vms


@pytest.fixture
def small(_small: Vms, tmp_path: pathlib.Path) -> Vms:
    """A recorder, two cameras and a VMS that has them, as from the factory, and nothing on the controller."""
    _small.simulator.control("/devices/management-01/fault", "DELETE")
    _small.simulator.control("/devices/recorder-01/set", "POST", {"clock_offset": 0.0})
    _small.simulator.control("/reset", "POST")
    vms = dc.replace(_small, folder=tmp_path, inventory=yaml.safe_load(_small.simulator.inventory.read_text()))
    vms.hosts["management-01"]["camsec_vms_first_contact"] = "plain_http"
    for host in (*vms.hosts.values(), *cameras(vms).values()):
        host["camsec_vms_gateway_host"] = "management-01"
    for name in (*cameras(vms), "management-01"):
        vms.simulator.control(f"/devices/{name}/requests", "DELETE")
    return vms


def cameras(vms: Vms) -> dict[str, dict[str, t.Any]]:
    return t.cast("dict[str, t.Any]", vms.inventory["all"]["children"]["camsec_cameras"]["hosts"])


def site(vms: Vms, *arguments: str, **variables: t.Any) -> Run:
    common = {
        "camsec_vms_group": "another_vms",
        "camsec_trust_directory": str(vms.folder / "trust"),
        "camsec_escrow_directory": str(vms.folder / "escrow"),
        "camsec_escrow_password": VAULT_PASSWORD,
        "camsec_camera_waves": ["100%"],
        "camera_https_link_timeout": 4,
        "camera_https_link_interval": 1,
        "camsec_timeout": None,
        "camsec_switch_timeout": None,
    }
    return vms.play("camsec.fleet.site", *arguments, **{**common, **variables})


def writes(vms: Vms, name: str) -> int:
    """How often a device was changed."""
    return int(vms.simulator.control(f"/devices/{name}/requests")["counts"].get("writes", 0))


def speaks_plainly(vms: Vms, name: str) -> bool:
    host = cameras(vms)[name]
    place = f"http://{host['ansible_host']}:{host['camsec_http_port']}/"
    asked = ["curl", "-sS", "-o", "/dev/null", "--noproxy", "*", "-m", "20", place]
    return subprocess.run(asked, check=False, capture_output=True).returncode == 0


def test_what_the_vms_cannot_follow_is_not_touched(small: Vms) -> None:
    cameras(small)["camera-0002"]["camsec_vms_hardware"] = "No such camera"
    sentence = (
        "camera-0002: management-01: hardware No such camera: found none with this name, address or id, expected"
        " exactly one. It was not touched."
    )
    planned = site(small, "--check", "--limit", f"camsec_cameras,{SERVERS},localhost")
    assert planned.status == 2
    assert sentence in planned.text, planned.output
    settings = "https true, camera_https_port 8443, validate_certificate true, validate_host_name true"
    assert f"1 × Set in the VMS: {settings} (vms_hardware: camera-0001)" in planned.text
    assert "Answer in HTTPS only" in planned.text
    # A failover recording server that does not answer may lack the root; it takes over any camera.
    small.control("servers/failover-01/power_off", "POST")
    run = site(small, "--limit", f"camsec_cameras,{SERVERS},localhost")
    small.control("servers/failover-01/power_on", "POST")
    assert run.status == 2
    assert sentence in run.text, run.output
    assert "camera-0001: the root of its authority: found not known to be trusted by failover-01 (" in run.text
    assert hardware(small) == PLAIN
    assert [writes(small, name) for name in cameras(small)] == [0, 0]
    # Without the servers in the run nobody knows.
    run = site(small, "--limit", "camera-0001,localhost")
    assert run.status == 2
    assert "found nobody who has looked whether failover-01, recording-01 trusts it" in run.text, run.output
    assert writes(small, "camera-0001") == 0


def test_ways_back(small: Vms) -> None:
    # The VMS takes the change of one, and says that it did not: so it is told to go back as well. By the recording
    # server's clock the certificate of the other has expired.
    small.control("servers/recording-01/set", "POST", {"clock_offset": 500 * DAY})
    fault = {"kind": "unavailable", "path": "hardwareDriverSettings", "after_write": True, "count": 1}
    small.simulator.control("/devices/management-01/fault", "POST", fault)
    run = site(small)
    assert run.status == 2
    said = run.text.rpartition("fatal: ")[2]
    assert "found that the VMS does not follow it (127." in said, run.output
    assert "found status 503 (Service Unavailable)" in said
    assert (
        "found that the VMS does not follow it (recording-01 does not accept the certificate of the camera at" in said
    )
    assert "NotTimeValid" in said
    end = "It was brought back to where the VMS had it, by plain HTTP; recorder-01 sees it again."
    assert said.count(end) == 2
    assert writes(small, "management-01") == 3  # The one that was answered as refused is not counted.
    assert hardware(small) == PLAIN
    assert all(speaks_plainly(small, name) for name in cameras(small))
    small.control("servers/recording-01/set", "POST", {"clock_offset": 0.0})
    # By the recorder's clock the new certificate has expired. What is not to be verified needs no root at the VMS's
    # servers, so that they need not be in this run.
    small.simulator.control("/devices/recorder-01/set", "POST", {"clock_offset": 500 * DAY})
    cameras(small)["camera-0001"]["camsec_vms_validate_certificate"] = False
    run = site(small, "--limit", "camera-0001,recorder-01,localhost")
    assert run.status == 2
    assert "camera-0001: found not seen by recorder-01" in run.text, run.output
    assert "It was brought back to HTTP, where recorder-01 sees it again." in run.text
    assert writes(small, "management-01") == 5
    assert hardware(small) == PLAIN
    assert speaks_plainly(small, "camera-0001")
    # Now both do.
    small.simulator.control("/devices/recorder-01/set", "POST", {"clock_offset": 0.0})
    small.simulator.control("/devices/management-01/requests", "DELETE")
    again = site(small, "-vvv")
    assert again.status == 0, again.output
    # Both have names there; all hardware is listed once a wave.
    asked = small.simulator.control("/devices/management-01/requests")["requests"]
    assert len([call for call in asked if call["path"].startswith("/api/rest/v1/hardware?")]) == 1
    secrets = [small.hosts["management-01"]["camsec_vms_api_password"]]
    secrets += [camera["camsec_password"] for camera in cameras(small).values()]
    assert not any(secret in again.output for secret in secrets)
    assert hardware(small) == dict.fromkeys(PLAIN, ("recording-01", "encrypted"))
    # The same handshakes by themselves.
    address, management = cameras(small)["camera-0001"]["ansible_host"], small.hosts["management-01"]
    rows = [
        {"name": "good", "address": address, "port": 8443},
        {"name": "silent", "address": address, "port": 9},
        {"name": "plain", "address": management["ansible_host"], "port": management["camsec_vms_api_http_port"]},
        {"name": "no port", "address": address, "port": 0},
    ]
    options = [json.dumps({"cameras": some}) for some in (rows[:3], rows)]
    good = small.ask("recording-01", "vms_camera_link_info", options[0])
    assert good.status == 0, good.output
    assert re.findall(r'"reason": "(.*?)"', good.output) == [
        "",
        f"the camera at {address}:9 does not answer it when recording-01 asks",
        f"the camera at {rows[2]['address']}:{rows[2]['port']} answers it in plain HTTP when recording-01 asks",
    ]
    bad = small.ask("recording-01", "vms_camera_link_info", options[1])
    assert "recording-01: port of no port: found 0, expected a port from 1 to 65535." in bad.text
    # Another server of the VMS has no reason to trust the cameras' authority.
    other = small.ask("event-01", "vms_camera_link_info", options[0])
    assert f"event-01 does not accept the certificate of the camera at {address}:8443: Remote" in other.text, (
        other.output
    )
