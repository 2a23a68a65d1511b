# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sunell cameras in fleet files, made-up fleets, inventories and state directories."""

from __future__ import annotations

import pathlib
import time
import typing as t

import pytest
import yaml
from ansible_collections.camsec.fleet.extensions.simulator._fleet import (
    fleet_yaml,
    generate,
    inventory_yaml,
    parse_fleet,
)
from ansible_collections.camsec.fleet.extensions.simulator._frame import ApiError, Params
from ansible_collections.camsec.fleet.extensions.simulator._pki import make_csr, make_key
from ansible_collections.camsec.fleet.extensions.simulator._spec import FleetError, SunellCameraSpec
from ansible_collections.camsec.fleet.extensions.simulator._sunell import SunellCall, SunellCamera
from ansible_collections.camsec.fleet.extensions.simulator._sunell_certificates import CertificateRequest
from ansible_collections.camsec.fleet.extensions.simulator._sunell_state import SunellState
from ansible_collections.camsec.fleet.extensions.simulator.cli import main
from ansible_collections.camsec.fleet.extensions.simulator.testing import RunningSimulator, own_base_address

NET = own_base_address()
ADDRESS = NET.rpartition(".")[0].rpartition(".")[0] + f".{int(NET.split('.')[2]) + 6}.1"
GOOD = """
defaults: {sunell_camera: {http_port: 8080, https_port: 8443}}
sunell_cameras:
  - {name: s1, address: 127.0.9.2, users: [{name: viewer, password: viewer-pw}]}
  - {name: s2, address: 127.0.9.3, query_login: true, ntp_servers: [ntp.example.com], https: false}
"""


def test_a_fleet_file() -> None:
    fleet = parse_fleet(GOOD)
    first, second = fleet.sunell_cameras
    assert (first.http_port, first.https_port, first.password) == (8080, 8443, "Rehearsal-s1-1")
    assert (second.query_login, second.ntp_servers, second.https) == (True, ("ntp.example.com",), False)
    assert fleet.summary == "0 recorders, 0 cameras, 2 Sunell cameras"
    assert parse_fleet(fleet_yaml(fleet)) == fleet


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ("127.0.9.2", "10.0.0.1", "not a loopback address"),
        ("127.0.9.2", "'::1'", "not an IPv4 address"),
        ("127.0.9.3", "127.0.9.2", "both use 127.0.9.2:8080"),
        ("name: s2", "name: s1", "two devices are called 's1'"),
        ("name: s2", "name: s2, time_zone: 91", "time_zone 91"),
        ("name: s2", "name: s2, version: '5'", "version '5'"),
        ("name: s2", "name: s2, digest: [SHA-1]", "digest 'SHA-1'"),
        ("name: viewer", "name: admin", "the same name"),
        ("name: s2", "name: s2, colour: red", "unknown key 'colour'"),
    ],
)
def test_a_bad_fleet_is_one_sentence(old: str, new: str, sentence: str) -> None:
    with pytest.raises(FleetError, match=sentence):
        parse_fleet(GOOD.replace(old, new))


def test_a_made_up_fleet_and_its_inventory(tmp_path: pathlib.Path, capsys: pytest.CaptureFixture[str]) -> None:
    fleet = generate(recorders=1, cameras=2, base_address="127.50.0.0", sunell_cameras=251)
    first, last = fleet.sunell_cameras[0], fleet.sunell_cameras[-1]
    assert (first.name, first.address, last.name, last.address) == (
        "sunell-0001", "127.50.2.1", "sunell-0251", "127.50.3.1",
    )  # fmt: skip
    cameras = yaml.safe_load(inventory_yaml(fleet, https_port=8443, speed=1.0))["all"]["children"]["camsec_cameras"]
    hosts = cameras["children"]
    assert len(cameras["hosts"]) == 2
    assert hosts["camsec_sunell_cameras"]["vars"] == {
        "camsec_driver": "sunell", "camsec_first_contact": "any_certificate",
    }  # fmt: skip
    assert len(hosts["camsec_sunell_cameras"]["hosts"]) == 251
    assert hosts["camsec_sunell_cameras"]["hosts"]["sunell-0001"] == {
        "ansible_host": "127.50.2.1",
        "camsec_http_port": 8080,
        "camsec_https_port": 8443,
        "camsec_former_https_port": 4443,
        "camsec_username": "admin",
        "camsec_password": "Rehearsal-sunell-0001-1",
    }
    assert "camsec_sunell_cameras" not in inventory_yaml(generate(cameras=1), https_port=8443, speed=1.0)
    assert main(["--check", "--recorders", "0", "--cameras", "0", "--sunell-cameras", "3"]) == 0
    assert "3 Sunell cameras" in capsys.readouterr().out
    assert main(["--check", "--sunell-cameras", "-1"]) == 2
    (tmp_path / "fleet.yml").write_text(GOOD)
    assert main(["--check", "--fleet", str(tmp_path / "fleet.yml")]) == 0


def test_the_table_of_calls() -> None:
    writes = {(call.action, call.kind) for call in SunellCamera.calls if call.writes}
    assert ("create", "certReq") in writes
    assert ("get", "HTTPS") not in writes
    assert [call.kind for call in SunellCamera.calls if call.open] == ["deviceInfo"]
    assert {call.sure for call in SunellCamera.calls} == {"FIELD", "INFERRED"}
    with pytest.raises(ValueError, match="no call"):
        SunellCall(method="GET", path="/cgi-bin/x.cgi", action="", run=SunellCamera.get_info, sure="FIELD")


def test_a_state_directory_keeps_everything(tmp_path: pathlib.Path, ca: t.Any) -> None:
    key = make_key(2048)
    certificate = ca.sign(make_csr(key, {"common_name": ADDRESS}), ADDRESS).encode()
    spec = f"{{name: s1, address: {ADDRESS}, http_port: 8080, https_port: 8443, password: Rehearsal-s1-1}}"
    moved = ADDRESS[:-1] + "9"
    with RunningSimulator(f"sunell_cameras: [{spec}]", state_dir=tmp_path) as sim:
        device = sim.sunell_camera("s1")
        root = sim.run(device._firmwares.root(device.spec.version)).pem
        device.state.ports["sslPort"] = 777
        device.state.network = device.state.network.changed(params(IPAddress=moved))
        device.state.add_user(params(userName="second", newPassword="Zweites-8", groupName="Operator"))
        device.state.certificates.put_request(CertificateRequest.make(key, {"common_name": ADDRESS}))
        device.state.certificates.upload(certificate, key.encode(), device._time())
        device.state.clock_set = 5000.0
        kept = device.state
    assert "second" in (tmp_path / "s1.json").read_text()
    assert (tmp_path / "s1.json").stat().st_mode & 0o777 == 0o600
    with RunningSimulator(f"sunell_cameras: [{spec}]", state_dir=tmp_path) as sim:
        device = sim.sunell_camera("s1")
        assert device.state == kept
        assert device._presented == kept.certificates.uploaded
        assert [listener.address for listener in device.listeners()] == [moved, moved]
        assert sim.run(device._firmwares.root(device.spec.version)).pem == root
        sim.control("/reset", "POST", {})
        fresh = sim.sunell_camera("s1")
        assert fresh.state == SunellState.factory(fresh.spec)
        assert sim.run(fresh._firmwares.root(fresh.spec.version)).pem == root


def test_a_standing_clock_refuses_no_certificate_that_was_signed_meanwhile(ca: t.Any) -> None:
    spec = f"{{name: s1, address: {ADDRESS}, http_port: 8080, https_port: 8443}}"
    key = make_key(2048)
    certificate = ca.sign(make_csr(key, {"common_name": ADDRESS}), ADDRESS).encode()
    with RunningSimulator(f"sunell_cameras: [{spec}]", start=time.time() - 3600) as sim:
        device = sim.sunell_camera("s1")
        device.state.certificates.upload(certificate, key.encode(), device._time())
        sim.control("/devices/s1/set", "POST", {"clock_offset": -86400})
        with pytest.raises(ApiError, match="CAM-15"):
            device.state.certificates.upload(certificate, key.encode(), device._time())


def params(**values: str) -> Params:
    return Params(values=values, files={})


@pytest.fixture
def state() -> SunellState:
    return SunellState.factory(SunellCameraSpec(name="s", address="127.0.9.2", password="x"))


@pytest.mark.parametrize(
    "fields",
    [
        {"IPAddress": "127.0.9"},
        {"IPAddress": "192.0.2.1"},
        {"subNetmask": "255.255"},
        {"preferredDNS": "ns"},
        {"mtu": "9000"},
        {"autoGetIPFlag": "1"},
    ],
)
def test_network_settings_that_cannot_be(state: SunellState, fields: dict[str, str]) -> None:
    with pytest.raises(ApiError):
        state.network.changed(params(**fields))


def test_factory_ports_are_those_of_real_ones(state: SunellState) -> None:
    assert state.ports == {
        "controlPort": 30001, "httpPort": 80, "rtspPort": 554, "rtmpPort": 8080, "sslPort": 0, "httpsPort": 443,
    }  # fmt: skip
    assert state.changed_ports(params(httpPort="443", httpsPort="80")) == {
        **state.ports,
        "httpPort": 443,
        "httpsPort": 80,
    }
    for fields in ({"httpPort": "443"}, {"httpPort": "0"}, {"sslPort": "80"}, {"rtspPort": "x"}):
        with pytest.raises(ApiError, match="devicePort"):
            state.changed_ports(params(**t.cast("dict[str, str]", fields)))


def test_users_that_cannot_be(state: SunellState) -> None:
    for fields in (
        {"userName": "admin", "newPassword": "good-word", "groupName": "User"},
        {"userName": "a b", "newPassword": "good-word", "groupName": "User"},
        {"userName": "new", "newPassword": "has space", "groupName": "User"},
        {"userName": "new", "newPassword": "good-word", "groupName": "Root"},
        {"userName": "new", "groupName": "User"},
    ):
        with pytest.raises(ApiError) as caught:
            state.add_user(params(**fields))
        assert "good-word" not in caught.value.reason
    assert list(state.users) == ["admin"]
    with pytest.raises(ApiError, match="last user"):
        state.delete_user(params(userName="admin"))


def test_the_local_time_crosses_the_date_line(state: SunellState) -> None:
    stamp = state.date_of(params(year="2027", month="1", day="1", hour="8", minute="0", second="0"))
    assert stamp == 1798758000.0
    state.set_zone(params(timeZone="4"))
    assert dict(state.date_lines(stamp)) == {
        "year": 2026, "month": 12, "day": 31, "hour": 15, "minute": 0, "second": 0,
    }  # fmt: skip
