# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The VMS in fleet files, made-up fleets, inventories and state directories; reset."""

from __future__ import annotations

import pathlib
import stat
import typing as t

import pytest
import yaml
from ansible_collections.camsec.fleet.extensions.simulator._clock import Clock
from ansible_collections.camsec.fleet.extensions.simulator._fleet import fleet_yaml, generate, parse_fleet
from ansible_collections.camsec.fleet.extensions.simulator._spec import FleetError
from ansible_collections.camsec.fleet.extensions.simulator._vms_spec import VmsClientSpec
from ansible_collections.camsec.fleet.extensions.simulator._vms_system import VmsClient
from ansible_collections.camsec.fleet.extensions.simulator.cli import main
from ansible_collections.camsec.fleet.extensions.simulator.testing import RunningSimulator, own_base_address, spawn

Site = t.Any
GOOD = """
defaults:
  vms_server: {version: "23.3", service_account: 'EXAMPLE\\svc-vms'}
cameras:
  - {name: cam1, address: 127.0.9.1, http_port: 8080}
vms_servers:
  - {name: m1, address: 127.0.9.2, roles: [management_server, log_server]}
  - {name: r1, address: 127.0.9.3, roles: [recording_server], host_name: rec.example, locale: ja-JP}
  - {name: p1, address: 127.0.9.4, roles: [mobile_server]}
vms_hardware:
  - {name: cam1, recording_server: r1, https: true}
  - {name: door, recording_server: r1, address: 127.0.9.9}
vms_clients:
  - {name: wall, kind: smart_client, servers: [r1]}
  - {name: phones, kind: mobile_client}
"""


def test_a_fleet_file() -> None:
    fleet = parse_fleet(GOOD)
    management, recorder, _mobile = fleet.vms_servers
    assert (management.version, management.full_name, recorder.full_name) == ("23.3", "m1.vms.example", "rec.example")
    assert (management.groups, recorder.groups) == (("server",), ("server", "streaming_media"))
    camera, door = fleet.vms_hardware
    assert (camera.address, camera.http_port, camera.password, camera.https) == (
        "127.0.9.1",
        8080,
        "Rehearsal-cam1-1",
        True,
    )
    assert (door.address, door.http_port) == ("127.0.9.9", 80)
    assert fleet.summary == "0 recorders, 1 cameras, 3 VMS servers"
    assert parse_fleet(fleet_yaml(fleet)) == fleet


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ("127.0.9.3", "10.0.0.1", "not a loopback address"),
        ("127.0.9.3", "127.0.9.2", "both use 127.0.9.2:2222"),
        ("name: r1,", "name: m1,", "two devices are called 'm1'"),
        ("name: wall", "name: cam1", "two devices are called 'cam1'"),
        ("roles: [mobile_server]", "roles: [management_server]", "exactly one management server; the fleet has m1, p1"),
        ("management_server, ", "", "exactly one management server; the fleet has none"),
        ("roles: [mobile_server]", "roles: []", "roles is empty"),
        ("roles: [mobile_server]", "roles: [mail_server]", "role 'mail_server' is not one of management_server"),
        ("roles: [mobile_server]", "roles: [mobile_server, mobile_server]", "a role is there twice"),
        ("rec.example", "m1.vms.example", "the same host name"),
        ("rec.example", "'rec example'", "is not a host name"),
        ("ja-JP", "fr-FR", "locale 'fr-FR' is not one of en-US, ja-JP, de-DE"),
        ("locale: ja-JP", "streaming_port: 9001", "two of its ports are the same"),
        ("locale: ja-JP", "streaming_port: 0", "streaming_port 0 is not 1 to 65535"),
        ("recording_server: r1, https", "recording_server: m1, https", "there is no recording server 'm1'"),
        ("locale: ja-JP", "iis_certificate: true", "'r1': iis_certificate is for a management server"),
        ("servers: [r1]", "servers: [p1]", "there is no recording server 'p1'"),
        ("kind: mobile_client", "kind: mobile_client, servers: [r1]", "there is no mobile server 'r1'"),
        ("kind: smart_client", "kind: fax", "kind 'fax' is not one of smart_client"),
        ("kind: smart_client", "kind: smart_client, trusted: [x]", "no certificate in PEM form"),
        ("name: door", "name: cam1", "two entries of vms_hardware have the same name"),
        ("address: 127.0.9.9", "address: 127.0.9.9, colour: red", "unknown key 'colour'"),
    ],
)
def test_a_bad_fleet_is_one_sentence(old: str, new: str, sentence: str) -> None:
    with pytest.raises(FleetError, match=sentence):
        parse_fleet(GOOD.replace(old, new))


def test_hardware_needs_servers() -> None:
    with pytest.raises(FleetError, match="need vms_servers"):
        parse_fleet("vms_clients: [{name: x, kind: smart_client}]\ncameras: [{name: c, address: 127.0.9.1}]")


def test_a_client_fetches_from_its_servers_alone() -> None:
    client = VmsClient(VmsClientSpec(name="x", kind="dlna_server", servers=("r1",)), Clock(speed=0))
    assert client.fetches("streaming_media", "r1")
    assert not client.fetches("streaming_media", "r2")
    assert not client.fetches("mobile_server", "r1")


def test_made_up_fleets(capsys: pytest.CaptureFixture[str]) -> None:
    fleet = generate(cameras=300, axis_cameras=260, vms_recording_servers=20, vms_failover_servers=4)
    assert len(fleet.vms_servers) == 1 + 20 + 4 + 2
    assert len(fleet.vms_hardware) == 560
    assert [one.recording_server for one in fleet.vms_hardware[:2]] == ["recording-01", "recording-02"]
    assert {spec.address for spec in fleet.vms_servers}.isdisjoint({spec.address for spec in fleet.axis_cameras})
    assert parse_fleet(fleet_yaml(fleet)) == fleet
    assert not generate(cameras=1).vms_servers
    assert main(["--check", "--vms-recording-servers", "3", "--vms-failover-servers", "1"]) == 0
    assert "7 VMS servers" in capsys.readouterr().out
    assert main(["--check", "--vms-failover-servers", "1"]) == 2
    assert main(["--check", "--vms-recording-servers", "1000"]) == 2


def test_the_inventory(site: Site) -> None:
    group = yaml.safe_load(site.sim.inventory)["all"]["children"]["camsec_vms_servers"]
    assert group["vars"]["ansible_connection"] == "ssh"
    assert group["vars"]["ansible_shell_type"] == "powershell"
    assert {"name": "web-client", "kind": "web_client"} in group["vars"]["camsec_vms_clients"]
    management, recorder = group["hosts"]["management-01"], group["hosts"]["recording-01"]
    assert (management["ansible_port"], management["camsec_vms_roles"]) == (2222, ["management_server"])
    assert management["camsec_vms_api_http_port"] == 8080
    assert "camsec_vms_api_password" not in recorder
    assert set(recorder["camsec_vms_ports"]) == {
        "management",
        "management_http",
        "data_collector",
        "webapi",
        "streaming",
        "mobile",
        "mobile_http",
        "event",
    }
    key = pathlib.Path(recorder["ansible_ssh_private_key_file"])
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    known = pathlib.Path(recorder["ansible_ssh_common_args"].split("UserKnownHostsFile=")[1].split()[0])
    assert f"[{recorder['ansible_host']}]:2222 ssh-" in known.read_text()
    assert "StrictHostKeyChecking=yes" in recorder["ansible_ssh_common_args"]
    # An inventory goes on to hold after a reset.
    site.sim.control("/reset", "POST")
    hosts = yaml.safe_load(site.sim.control("/inventory"))["all"]["children"]["camsec_vms_servers"]["hosts"]
    assert hosts["recording-01"] == recorder
    site.sim.stop()
    assert not key.exists()


def test_rows_and_reset(site: Site) -> None:
    rows = {row["name"]: row for row in site.sim.control("/devices")}
    assert rows["recording-01"]["kind"] == "vms_server"
    thumbprints = site.encrypt_servers()
    assert (
        site.sim.control("/devices/recording-01")["state"]["groups"]["server"]["presented"]
        == thumbprints["recording-01"]
    )
    site.sim.control("/reset", "POST")
    state = site.sim.control("/vms/servers/recording-01")
    assert (state["encrypted"], state["stores"]) == ([], {"My": [], "Root": [], "CA": []})
    assert site.sim.control("/vms/clients/control-room")["trusted"] == []
    assert site.statuses() == {"plain"}
    site.sim.control(
        "/seed", "POST", "cameras: [{name: c, address: " + site.sim.fleet.cameras[0].address + ", http_port: 8080}]"
    )
    assert "camsec_vms_servers" not in site.sim.control("/inventory")


def _set_https_port(site: Site, hardware: str, port: int) -> None:
    spec = site.sim.vms_server("management-01").spec
    base = f"https://{spec.address}:{spec.https_port}"
    form = ("grant_type=password", "client_id=GrantValidatorClient", f"username={spec.api_username}")
    data = [part for field in (*form, f"password={spec.gateway_password}") for part in ("--data-urlencode", field)]
    token = site.curl(f"{base}/API/IDP/connect/token", "-k", *data).data["access_token"]
    change = ("-X", "PATCH", "--data", f'{{"httpSPort": "{port}"}}', "-H", f"Authorization: Bearer {token}")
    assert site.curl(f"{base}/api/rest/v1/hardwareDriverSettings/{hardware}", "-k", *change).status == 200


def test_state_survives_a_restart(site: Site, tmp_path: pathlib.Path) -> None:
    base = own_base_address(7)
    fleet = generate(recorders=1, cameras=1, base_address=base, vms_recording_servers=1, vms_failover_servers=1)
    with RunningSimulator(fleet, state_dir=tmp_path) as sim:
        site.sim.stop()
        first = type(site)(sim, site.authorities, site._keys)
        thumbprints = first.encrypt_servers()
        _set_https_port(first, next(iter(sim.simulator.vms.hardware)), 9443)
        sim.control("/vms/servers/event-01/set", "POST", {"configurator_authorized": False})
        inventory = sim.inventory
    with RunningSimulator(fleet, state_dir=tmp_path) as sim:
        again = type(site)(sim, site.authorities, site._keys)
        assert again.statuses(group="server") == {"encrypted"}
        assert again.presented("recording-01", 9001) == thumbprints["recording-01"]
        assert [one.https_port for one in sim.simulator.vms.hardware.values()] == [9443]
        assert not sim.vms_server("event-01").spec.configurator_authorized
        assert len(sim.control("/vms/clients/control-room")["trusted"]) == 1
        assert sim.inventory == inventory
    for file in tmp_path.glob("*.json"):
        assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_the_program(base: str) -> None:
    options = ("--cameras", "1", "--recorders", "1", "--base-address", base, "--vms-recording-servers", "1")
    with spawn(*options) as process:
        links = process.control("/vms/links")
        assert {link["status"] for link in links} == {"plain"}
        assert "camsec_vms_servers" in process.inventory.read_text()
