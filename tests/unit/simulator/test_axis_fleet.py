# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Axis cameras in fleet files, made-up fleets, inventories and state directories."""

from __future__ import annotations

import pathlib

import pytest
import yaml
from ansible_collections.camsec.fleet.extensions.simulator._fleet import (
    fleet_yaml,
    generate,
    inventory_yaml,
    parse_fleet,
)
from ansible_collections.camsec.fleet.extensions.simulator._spec import FleetError
from ansible_collections.camsec.fleet.extensions.simulator.cli import main
from ansible_collections.camsec.fleet.extensions.simulator.testing import RunningSimulator, own_base_address

ADDRESS = own_base_address(5)[:-1] + "40"
GOOD = f"""
defaults: {{axis_camera: {{http_port: 8080, https_port: 8443}}}}
axis_cameras:
- {{name: a1, address: {ADDRESS}, password: Rehearsal-a1-1, users: [{{name: viewer, password: Betrachter-3}}]}}
"""


def test_a_fleet_is_read_and_written() -> None:
    fleet = parse_fleet(GOOD)
    (spec,) = fleet.axis_cameras
    assert fleet.summary == "0 recorders, 0 cameras, 1 Axis cameras"
    assert spec.serial_number.startswith("B8A44F")
    assert parse_fleet(fleet_yaml(fleet)) == fleet


@pytest.mark.parametrize(
    ("new", "sentence"),
    [
        ("version: twelve", "version 'twelve' is not like 12.11.77"),
        ("serial: X", "serial 'X' is not a MAC address"),
        ("https_login: oidc", "https_login 'oidc' is not one of basic, digest"),
        ("policy: Sometimes", "policy 'Sometimes' is not one of Http, HttpAndHttps, Https"),
        ("key_types: []", "key_types must not be empty"),
        ("key_types: [RSA-1024]", "'RSA-1024' is not one of"),
        ("switching_seconds: -1", "switching_seconds must not be negative"),
        ("username: viewer", "two users have the same name"),
        ("colour: red", "unknown key 'colour'"),
    ],
)
def test_a_bad_fleet_is_one_sentence(new: str, sentence: str) -> None:
    with pytest.raises(FleetError, match=sentence):
        parse_fleet(GOOD.replace("password: Rehearsal-a1-1", f"password: Rehearsal-a1-1, {new}"))


def test_a_made_up_fleet_and_its_inventory(capsys: pytest.CaptureFixture[str]) -> None:
    fleet = generate(recorders=1, cameras=2, base_address="127.50.0.0", sunell_cameras=1, axis_cameras=251)
    first, last = fleet.axis_cameras[0], fleet.axis_cameras[-1]
    assert (first.address, last.address) == ("127.50.3.1", "127.50.4.1")
    groups = yaml.safe_load(inventory_yaml(fleet, https_port=8443, speed=1.0))["all"]["children"]["camsec_cameras"]
    axis = groups["children"]["camsec_axis_cameras"]
    assert axis["vars"] == {"camsec_driver": "axis", "camsec_first_contact": "any_certificate"}
    assert axis["hosts"]["axis-0001"]["camsec_username"] == "root"
    assert main(["--check", "--recorders", "0", "--cameras", "0", "--axis-cameras", "3"]) == 0
    assert "3 Axis cameras" in capsys.readouterr().out


def test_a_state_directory_keeps_everything(tmp_path: pathlib.Path) -> None:
    with RunningSimulator(GOOD, state_dir=tmp_path) as sim:
        device = sim.axis_camera("a1")
        device.state.clock_set, device.state.time_server = 5000.0, "192.0.2.9"
        kept = device.state.dump()
        sim.control("/devices/a1/set", "POST", {"clock_offset": 7.0})
    assert (tmp_path / "a1.json").stat().st_mode & 0o777 == 0o600
    with RunningSimulator(GOOD, state_dir=tmp_path) as sim:
        assert sim.axis_camera("a1").state.dump() == kept
        shown = str(sim.control("/devices/a1"))
        assert "PRIVATE KEY" not in shown
        assert "Rehearsal" not in shown
        sim.control("/reset", "POST", {})
        assert sim.axis_camera("a1").state.time_server == ""
