# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The control interface and the faults."""

from __future__ import annotations

import http.client
import pathlib
import socket
import subprocess
import sys
import typing as t
import urllib.error

import pytest
from aiohttp import web

Device = t.Any


def fault(device: Device, **body: object) -> None:
    device.sim.control(f"/devices/{device.name}/fault", "POST", body)


def test_devices_and_their_state(cam: Device) -> None:
    rows = {row["name"]: row for row in cam.sim.control("/devices")}
    assert rows["rec"]["kind"] == "recorder"
    assert rows["cam1"]["listening"] == [{"port": 8080, "scheme": "http"}]
    cam.make_key()
    state = cam.sim.control("/devices/cam1")
    assert state["state"]["https"]["current"]["pem"] == "***"
    with pytest.raises(urllib.error.HTTPError, match="404"):
        cam.sim.control("/devices/nobody")


def test_requests_are_remembered_without_secrets(cam: Device) -> None:
    cam.sim.control("/devices/cam1/requests", "DELETE")
    cam.get("getinfo?PASSWORD=hush&FILE=1")
    cam.post("set_https", live="http", https_port=500)
    seen = cam.sim.control("/devices/cam1/requests")
    assert [entry["status"] for entry in seen["requests"] if entry["by"] == "client"] == [401, 200, 401, 200]
    assert "hush" not in str(seen)
    assert seen["counts"]["writes"] == 1
    assert seen["calls"]["POST /cgi-bin/set_https"] == 2


def test_fault_drop_counts(cam: Device) -> None:
    fault(cam, kind="drop", count=2)
    assert [cam.get("getinfo?FILE=1").status for _try in range(3)] == [0, 0, 200]


def test_fault_unavailable_on_a_path_until_cleared(cam: Device) -> None:
    fault(cam, kind="unavailable", path="get_https")
    assert cam.get("getinfo?FILE=1").status == 200
    assert [cam.get("get_https").status for _try in range(2)] == [503, 503]
    cam.sim.control("/devices/cam1/fault", "DELETE")
    assert cam.get("get_https").status == 200


def test_fault_html_redirect_and_empty(cam: Device) -> None:
    fault(cam, kind="html", count=1)
    assert "It works!" in cam.get("getinfo").text
    fault(cam, kind="redirect", count=1)
    reply = cam.get("getinfo")
    assert (reply.status, "Location: http://other-host.example.invalid/" in reply.head) == (302, True)
    fault(cam, kind="empty", count=1)
    assert (cam.get("getinfo").status, cam.get("getinfo").status) == (200, 200)


def test_fault_stall_truncate_and_huge(cam: Device) -> None:
    fault(cam, kind="truncate", count=1)
    connection = http.client.HTTPConnection(cam.spec.address, 8080, timeout=10)
    connection.request("GET", "/cgi-bin/getinfo")
    with pytest.raises(http.client.IncompleteRead):
        connection.getresponse().read()
    fault(cam, kind="stall")
    connection.close()
    slow = http.client.HTTPConnection(cam.spec.address, 8080, timeout=0.3)
    slow.request("GET", "/cgi-bin/getinfo")
    with pytest.raises(TimeoutError):
        slow.getresponse()
    slow.close()
    cam.sim.control("/devices/cam1/fault", "DELETE")
    fault(cam, kind="huge", count=1)
    big = http.client.HTTPConnection(cam.spec.address, 8080, timeout=10)
    big.request("GET", "/cgi-bin/getinfo")
    assert len(big.getresponse().read(3_000_000)) == 3_000_000
    big.close()
    assert cam.get("getinfo").status == 200


def test_fault_huge_is_quiet_when_the_client_has_had_enough(cam: Device, caplog: pytest.LogCaptureFixture) -> None:
    for size in (1, 200_000):
        fault(cam, kind="huge", count=1)
        big = http.client.HTTPConnection(cam.spec.address, 8080, timeout=10)
        big.request("GET", "/cgi-bin/getinfo")
        assert len(big.getresponse().read(size)) == size
        big.close()
        assert cam.get("getinfo").status == 200
    assert caplog.text == ""


def test_an_answer_that_nobody_waits_for_moves_the_camera_all_the_same(
    cam: Device, monkeypatch: pytest.MonkeyPatch
) -> None:
    cam.make_key()
    cam.post("https_self_signed", mode="create", common_name="cam")
    real = web.Response.prepare

    async def gone(response: web.Response, request: web.BaseRequest) -> t.Any:
        if response.status == 200 and request.path.endswith("set_https"):
            raise ConnectionResetError
        return await real(response, request)

    monkeypatch.setattr(web.Response, "prepare", gone)
    reply = cam.curl("set_https", "-d", "live=https&https_port=8443", "-H", "Connection: close")
    assert "Empty reply" in reply.head
    monkeypatch.undo()
    cam.sim.advance(10)
    assert cam.get("get_https").status == 0
    cam.scheme, cam.port = "https", 8443
    assert cam.get("get_https").lines["live"] == "https"


def test_a_port_that_is_lost_meanwhile_is_shown(rec: Device, cam: Device) -> None:
    def unreachable(name: str) -> str:
        return str({row["name"]: row for row in rec.sim.control("/devices")}[name]["unreachable"])

    assert rec.post("sec_pc.cgi", TLS11="OFF").status == 200
    rec.sim.settle()
    with socket.create_server((rec.spec.address, 4443)):
        rec.sim.advance(5)
        assert unreachable("rec") == f"Limit of the simulator: {rec.spec.address}:4443 is taken by another process."
    assert rec.post("sec_pc.cgi", TLS11="ON").status == 200
    rec.sim.advance(5)
    assert unreachable("rec") == ""
    rec.scheme, rec.port = "https", 4443
    assert rec.get("sec_pc.cgi").status == 200
    cam.sim.control("/devices/cam1/restart", "POST", {})
    with socket.create_server((cam.spec.address, 8080)):
        cam.sim.advance(60)
        assert "8080 is taken" in unreachable("cam1")
        assert cam.sim.control("/devices/cam1")["power"] == "off"
        with pytest.raises(urllib.error.HTTPError, match="500"):
            cam.sim.control("/devices/cam1/power_on", "POST", {})
    cam.sim.control("/devices/cam1/power_on", "POST", {})
    assert unreachable("cam1") == ""
    assert cam.get("getinfo").status == 200


def test_fault_after_write(cam: Device) -> None:
    fault(cam, kind="drop", after_write=True, count=1)
    assert cam.get("get_https").status == 200
    # On a connection that it used before, curl would try again by itself.
    fresh = ["-H", "Connection: close"]
    assert "Empty reply" in cam.curl("set_https", "-d", "live=http&https_port=777", *fresh).head
    assert cam.get("get_https").lines["https_port"] == "777"
    assert cam.post("set_https", live="http", https_port=778).status == 200


def test_fault_after_a_write_that_moves_the_camera(cam: Device) -> None:
    cam.make_key()
    cam.post("https_self_signed", mode="create", common_name="cam")
    fault(cam, kind="stall", after_write=True, count=1)
    assert "Empty reply" in cam.curl("set_https", "-d", "live=https&https_port=8443", "-H", "Connection: close").head
    cam.sim.advance(10)
    cam.scheme, cam.port = "https", 8443
    assert cam.get("get_https").lines["live"] == "https"


def test_bad_orders_are_refused(cam: Device) -> None:
    for path, body in (
        ("/devices/cam1/fault", {"kind": "explode"}),
        ("/devices/cam1/fault", {"kind": "drop", "count": 0}),
        ("/devices/cam1/fault", {"kind": "drop", "more": 1}),
        ("/devices/cam1/set", {"password": "x"}),
        ("/devices/cam1/set", {"tls": "yes"}),
        ("/devices/cam1/set", {"expire_certificate": True}),
        ("/clock", {"advance": -1}),
        ("/read_only", {"enabled": 1}),
        ("/seed", "recorders: ["),
    ):
        with pytest.raises(urllib.error.HTTPError, match="400"):
            cam.sim.control(path, "POST", body)


def test_read_only_refuses_and_counts_every_write(rec: Device, cam: Device) -> None:
    cam.sim.control("/read_only", "POST", {"enabled": True})
    assert cam.get("get_https").status == 200
    assert cam.post("set_https", live="http", https_port=777).status == 500
    assert cam.get("set_crt_key?mode=create&size=2048").status == 500
    assert rec.post("sec_pc.cgi", TLS11="OFF").status == 500
    assert cam.sim.control("/read_only") == {"enabled": True, "refused": 3}
    cam.sim.control("/read_only", "POST", {"enabled": False})
    assert cam.post("set_https", live="http", https_port=777).status == 200


def test_power_lock_and_restart(cam: Device) -> None:
    cam.sim.control("/devices/cam1/lock_out", "POST", {})
    assert cam.get("getinfo").status == 403
    cam.sim.control("/devices/cam1/power_off", "POST", {})
    assert cam.get("getinfo").status == 0
    cam.sim.control("/devices/cam1/power_on", "POST", {})
    cam.sim.advance(300)
    assert cam.get("getinfo").status == 200


def test_clock_runs_at_a_speed(cam: Device) -> None:
    clock = cam.sim.control("/clock", "POST", {"advance": 1000})
    assert clock["speed"] == 0
    cam.sim.control("/clock", "POST", {"speed": 2000})
    cam.get("set_crt_key?mode=create&size=1024")
    for _try in range(100):
        if cam.get("get_crt_key").lines["generating"] == "no":
            break
    else:
        pytest.fail("the key was never made")
    assert cam.sim.control("/clock", "POST", {"speed": 0})["now"] > clock["now"] + 120


def test_reset_is_the_factory_state_and_keeps_the_root(rec: Device) -> None:
    root = rec.get("root_certificate.cgi").text
    rec.license()
    rec.sim.control("/reset", "POST", {})
    rec.log_in()
    assert rec.get("sec_license.cgi").lines["TOTAL_LICENSES"] == "0"
    assert rec.get("root_certificate.cgi").text == root


def test_fleet_round_trip(cam: Device) -> None:
    text = cam.sim.control("/fleet")
    cam.sim.control("/seed", "POST", text)
    assert cam.sim.control("/fleet") == text


def test_ansible_reads_the_inventory(cam: Device, tmp_path: pathlib.Path, as_json: t.Callable[[str], t.Any]) -> None:
    file = tmp_path / "inventory.yml"
    file.write_text(cam.sim.control("/inventory"))
    tool = pathlib.Path(sys.executable).with_name("ansible-inventory")
    done = subprocess.run([tool, "-i", file, "--list"], capture_output=True, text=True, check=True, timeout=60)
    data = as_json(done.stdout)
    hosts = data["_meta"]["hostvars"]
    assert "cam1" in data["camsec_cameras"]["hosts"]
    assert hosts["cam1"]["camsec_https_port"] == 8443
    assert hosts["rec"]["camsec_former_https_port"] == 4443
    assert hosts["rec"]["camsec_kit_unlock_keys"] == ["4" * 20, "7" * 20]
    assert hosts["cam1"]["camsec_first_contact"] == "plain_http"
