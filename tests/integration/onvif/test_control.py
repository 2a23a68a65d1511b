# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""ONVIF cameras and the simulator around them: control interface, faults, read-only, state directory, inventory."""

from __future__ import annotations

import pathlib
import time
import typing as t
import urllib.error

import pytest
import yaml
from ansible_collections.camsec.fleet.extensions.simulator.testing import RunningSimulator, own_base_address
from onvif.utils.exceptions import ONVIFOperationException

Camera = t.Any
Authority = t.Any
Expects = t.Callable[[str], t.ContextManager[None]]
TDS = "http://www.onvif.org/ver10/device/wsdl"
TAS = "http://www.onvif.org/ver10/advancedsecurity/wsdl"
HOSTNAME = f'<SetHostname xmlns="{TDS}"><Name>x</Name></SetHostname>'


def test_state_without_secrets(camera: Camera) -> None:
    keystore = camera.keystore
    key = camera.make_key("secp256r1")
    keystore.UploadPassphrase(Passphrase="hush hush")
    state = camera.control()
    assert (state["kind"], state["http"], state["https"], state["keys"]) == ("onvif_camera", True, False, 1)
    shown = str(state)
    assert key in shown
    for secret in ("PRIVATE", "hush hush", camera.PASSWORD):
        assert secret not in shown


def test_requests_are_remembered_by_their_operation(camera: Camera) -> None:
    camera.ask(HOSTNAME)
    camera.ask(HOSTNAME, password="wrong")
    seen = camera.control("/requests")
    assert seen["requests"] == [
        {
            "method": "POST",
            "path": "/onvif/device_service",
            "status": status,
            "by": "client",
            "operation": "SetHostname",
        }
        for status in (200, 400)
    ]
    assert (seen["calls"], seen["counts"]["writes"]) == ({"SetHostname": 2}, 1)


def test_read_only(camera: Camera) -> None:
    camera.sim.control("/read_only", "POST", {"enabled": True})
    try:
        assert camera.ask(HOSTNAME).fault == "Receiver/Action"
        assert (
            camera.ask(f'<CreateRSAKeyPair xmlns="{TAS}"><KeyLength>2048</KeyLength></CreateRSAKeyPair>').status == 500
        )
        assert camera.ask(f'<GetAllKeys xmlns="{TAS}"/>').status == 200
        assert camera.sim.control("/read_only")["refused"] == 2
    finally:
        camera.sim.control("/read_only", "POST", {"enabled": False})
    assert camera.control()["keys"] == 0


@pytest.mark.parametrize("kind", ["drop", "unavailable", "html", "truncate", "redirect", "empty", "huge"])
def test_faults_for_an_operation(camera: Camera, kind: str) -> None:
    """By the operation's name where the path does not tell; the others are answered."""
    device = camera.device
    camera.control("/fault", "POST", {"kind": kind, "path": "SetHostname", "count": 1})
    device.GetDeviceInformation()
    with pytest.raises(ONVIFOperationException):
        device.SetHostname(Name="x")
    assert device.GetHostname().Name == camera.name
    device.SetHostname(Name="x")


def test_a_fault_after_the_write(camera: Camera) -> None:
    device = camera.device
    camera.control("/fault", "POST", {"kind": "drop", "path": "SetHostname", "count": 1, "after_write": True})
    with pytest.raises(ONVIFOperationException):
        device.SetHostname(Name="x")
    assert device.GetHostname().Name == "x"


def test_a_restart_that_answers_nobody(camera: Camera) -> None:
    camera.control("/fault", "POST", {"kind": "drop", "path": "SystemReboot", "count": 1, "after_write": True})
    with pytest.raises(ONVIFOperationException):
        camera.device.SystemReboot()
    camera.sim.settle()
    assert camera.control()["power"] == "restarting"


def test_power_and_factory_reset(camera: Camera, authority: Authority) -> None:
    camera.secure(authority)
    camera.control("/power_off", "POST")
    assert camera.control()["listening"] == []
    camera.control("/power_on", "POST")
    assert [one["scheme"] for one in camera.control()["listening"]] == ["http", "https"]
    camera.control("/factory_reset", "POST")
    camera.advance(60)
    state = camera.control()
    assert (state["keys"], state["certificates"], state["power"]) == (0, 0, "on")


def test_the_clock_goes_past_the_certificate(camera: Camera, authority: Authority) -> None:
    with pytest.raises(urllib.error.HTTPError, match="400"):
        camera.control("/set", "POST", {"expire_certificate": True})
    camera.secure(authority)
    camera.control("/set", "POST", {"expire_certificate": True})
    got = camera.device.GetSystemDateAndTime().UTCDateTime.Date
    assert time.mktime((got.Year, got.Month, got.Day + 2, 0, 0, 0, 0, 0, 0)) > time.time() + 89 * 86400


def test_power_lost_while_protocols_switch(camera: Camera, authority: Authority) -> None:
    """What was bound and never opened is given back; what the state says is opened at the next start."""
    camera.secure(authority)
    camera.set_protocols(HTTPS=(True, 9443))
    camera.control("/power_off", "POST")
    camera.advance(10)
    assert camera.control()["listening"] == []
    camera.control("/power_on", "POST")
    assert {one["port"] for one in camera.control()["listening"]} == {camera.HTTP, 9443}


def _one(name: str, address: str) -> str:
    return f"onvif_cameras:\n  - {{name: {name}, address: {address}, http_port: 8080, https_port: 8443}}\n"


def test_the_state_survives_the_simulator(tmp_path: pathlib.Path, authority: Authority, camera: Camera) -> None:
    first, second, third, _last = own_base_address().split(".")
    fleet = _one("kept", f"{first}.{second}.{int(third) + 6}.1")
    user = {"password": "Rehearsal-kept-1"}

    def own(simulator: RunningSimulator) -> Camera:
        one = type(camera)(sim=simulator, name="kept", judge=camera.judge, folder=tmp_path)
        one.match_clock()
        one.client = one.new_client(**user)
        return one

    with RunningSimulator(fleet, state_dir=tmp_path / "state") as simulator:
        one = own(simulator)
        path = one.secure(authority)
        before = one.shown()
        one.keystore.CreateRSAKeyPair(KeyLength=2048)
    (kept,) = (tmp_path / "state").glob("kept.json")
    assert kept.stat().st_mode & 0o777 == 0o600
    with RunningSimulator(fleet, state_dir=tmp_path / "state") as simulator:
        one = own(simulator)
        assert one.shown() == before
        assert one.tls.GetAssignedServerCertificates() == [path]
        assert [key.KeyStatus for key in one.keystore.GetAllKeys()] == ["ok", "corrupt"]
        simulator.control("/reset", "POST")
        state = one.control()
        assert (state["keys"], state["https"], state["power"]) == (0, False, "on")


def test_fleets_inventories_and_what_cannot_be(sim: RunningSimulator) -> None:
    from ansible_collections.camsec.fleet.extensions.simulator._fleet import fleet_yaml, generate, parse_fleet
    from ansible_collections.camsec.fleet.extensions.simulator._spec import FleetError

    assert parse_fleet(fleet_yaml(sim.fleet)) == sim.fleet
    cameras = yaml.safe_load(sim.inventory)["all"]["children"]["camsec_cameras"]
    group = cameras["children"]["camsec_onvif_cameras"]["hosts"]
    host = group["plain-0"]
    assert (host["camsec_http_port"], host["camsec_username"]) == (8080, "admin")
    assert host["camsec_password"] == "Password-of-tests-1"
    made = generate(cameras=3, onvif_cameras=2)
    assert [one.address for one in made.onvif_cameras] == ["127.50.2.1", "127.50.2.2"]
    for wrong, why in [
        ("address: 192.0.2.1", "loopback"),
        ("address: 127.0.0.1, tls_versions: ['1.4']", "1.4"),
        ("address: 127.0.0.1, elliptic_curves: [], rsa_key_lengths: []", "both be empty"),
        ("address: 127.0.0.1, max_keys: 0", "max_keys"),
        ("address: 127.0.0.1, users: [{name: admin, password: x}]", "two users"),
        ("address: 127.0.0.1, users: [{name: x, password: x, level: Boss}]", "Boss"),
        ("address: 127.0.0.1, https_port: 80", "must differ"),
        ("address: 127.0.0.1, discovery_multicast: true", "discovery_port"),
        ("address: 127.0.0.1, scopes: [gate]", "URI"),
        ("address: 127.0.0.1, color: red", "unknown key"),
    ]:
        with pytest.raises(FleetError, match=why):
            parse_fleet(f"onvif_cameras: [{{name: x, {wrong}}}]")
