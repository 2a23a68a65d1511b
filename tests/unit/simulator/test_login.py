# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Digest, levels, lockout, sessions and the other manners of the devices."""

from __future__ import annotations

import hashlib
import http.client
import re
import socket
import typing as t

import pytest

Device = t.Any


def ask(device: Device, path: str, headers: dict[str, str] | None = None) -> http.client.HTTPResponse:
    connection = http.client.HTTPConnection(device.spec.address, 8080, timeout=10)
    connection.request("GET", path, headers=headers or {})
    reply = connection.getresponse()
    reply.read()
    connection.close()
    return reply


def challenge(reply: http.client.HTTPResponse) -> dict[str, str]:
    header = reply.headers["WWW-Authenticate"]
    return {key: quoted or bare for key, quoted, bare in re.findall(r'(\w+)=(?:"([^"]*)"|([^\s,]+))', header)}


def authorization(device: Device, path: str, nonce: str, count: int = 1, algorithm: str = "MD5", **changes: str) -> str:
    spec, realm = device.spec, device.sim.device(device.name).realm

    def digest(text: str) -> str:
        return str(hashlib.new(algorithm.replace("-", ""), text.encode()).hexdigest())

    fields = {
        "username": spec.username,
        "realm": realm,
        "nonce": nonce,
        "uri": path,
        "cnonce": "c",
        "nc": f"{count:08x}",
    }
    first, second = digest(f"{spec.username}:{realm}:{spec.password}"), digest(f"GET:{path}")
    fields["response"] = digest(f"{first}:{nonce}:{count:08x}:c:auth:{second}")
    text = ", ".join(f'{key}="{value}"' for key, value in (fields | changes).items() if key != "nc")
    return f"Digest {text}, qop=auth, nc={(fields | changes)['nc']}, algorithm={algorithm}"


PATH = "/cgi-bin/getinfo?FILE=1"


def test_the_challenge_is_digest(cam: Device) -> None:
    reply = ask(cam, PATH)
    fields = challenge(reply)
    assert reply.status == 401
    assert (fields["realm"], fields["qop"], fields["algorithm"]) == ("i-PRO network camera", "auth", "MD5")
    assert ask(cam, PATH, {"Authorization": "Basic eDp5"}).status == 401


def test_a_nonce_counts_and_gets_stale(cam: Device) -> None:
    nonce = challenge(ask(cam, PATH))["nonce"]

    def status(count: int) -> tuple[int, str]:
        reply = ask(cam, PATH, {"Authorization": authorization(cam, PATH, nonce, count)})
        return reply.status, challenge(reply).get("stale", "") if reply.status == 401 else ""

    assert status(1) == (200, "")
    assert status(3) == (200, "")
    assert status(2) == (200, "")
    assert status(2) == (401, "true")
    cam.sim.advance(301)
    assert status(4) == (401, "true")


def test_a_nonce_of_nobody_is_stale_and_a_wrong_answer_is_not(cam: Device) -> None:
    reply = ask(cam, PATH, {"Authorization": authorization(cam, PATH, "0" * 32)})
    assert challenge(reply)["stale"] == "true"
    nonce = challenge(ask(cam, PATH))["nonce"]
    for wrong in ({"response": "0" * 32}, {"username": "nobody"}, {"uri": "/other"}, {"realm": "x"}, {"nc": "1"}):
        reply = ask(cam, PATH, {"Authorization": authorization(cam, PATH, nonce, **wrong)})
        assert reply.status == 401
        assert "stale" not in challenge(reply)


def test_sha_256(cam: Device, sim: t.Any, fleet_text: str) -> None:
    assert ask(cam, PATH, {"Authorization": authorization(cam, PATH, "x", algorithm="SHA-256")}).status == 401
    sim.control("/seed", "POST", fleet_text.replace("name: cam1,", "name: cam1, digest: [SHA-256],"))
    fields = challenge(ask(cam, PATH))
    assert fields["algorithm"] == "SHA-256"
    header = authorization(cam, PATH, fields["nonce"], algorithm="SHA-256")
    assert ask(cam, PATH, {"Authorization": header}).status == 200
    assert cam.get("getinfo?FILE=1").status == 200


def test_levels(cam: Device, camera: t.Callable[..., Device]) -> None:
    viewer = camera(user="viewer:viewer-pw")
    assert viewer.get("getinfo?FILE=1").status == 200
    assert viewer.get("get_https").status == 403
    assert cam.get("get_https").status == 200
    low = camera("rec", user="viewer:viewer-pw").log_in()
    assert low.get("sec_system.cgi").status == 200
    assert low.get("sec_pc.cgi").status == 403
    assert low.post("sec_pc.cgi", TLS11="OFF").status == 403


def test_wrong_logins_lock_the_device(cam: Device, camera: t.Callable[..., Device]) -> None:
    cam.sim.control("/devices/cam1/set", "POST", {"lockout_after": 3})
    wrong = camera(user="admin:no")
    assert [wrong.get("getinfo").status for _try in range(3)] == [401] * 3
    locked = cam.get("getinfo")
    assert (locked.status, "locked" in locked.reason) == (403, True)
    cam.sim.advance(300)
    assert cam.get("getinfo").status == 200


def test_unknown_calls_and_bad_bodies(cam: Device) -> None:
    assert cam.get("nothing").status == 404
    assert cam.get("https_signed?mode=other").status == 404
    assert cam.post("getinfo", a="b").status == 404
    assert cam.post("https_signed", mode="other").status == 400
    assert cam.curl("set_https", "-H", "Content-Type: multipart/form-data; boundary=x", "-d", "junk").status == 400
    assert cam.curl("set_https", *["-d", "x" * 100_000] * 3).status == 400


def test_restart_by_the_random_number(cam: Device) -> None:
    assert cam.get("initial?cmd=reset&Randomnum=12345").status == 400
    number = cam.get("get_randomnum").lines["randomnum"]
    assert re.fullmatch(r"[0-9A-F]{16}", number)
    assert cam.get(f"initial?cmd=reset&Randomnum={number}").status == 200
    cam.sim.advance(59)
    assert cam.get("getinfo").status == 0
    cam.sim.advance(1)
    assert cam.get("getinfo").status == 200


def test_the_cameras_clock(cam: Device) -> None:
    assert cam.post("time", time="2030-01-02 03:04:05").lines["time"] == "2030-01-02 03:04:05"
    cam.sim.advance(5)
    assert cam.get("get_time").lines["time"] == "2030-01-02 03:04:10"
    assert cam.post("time", time="tomorrow").status == 400


def test_enhanced_security_dislikes_browsers(cam: Device) -> None:
    cam.sim.control("/devices/cam1/set", "POST", {"enhanced_security": True})
    assert cam.curl("getinfo?FILE=1", "-H", "Accept: text/html,*/*").status == 400
    assert cam.curl("getinfo?FILE=1").status == 200


def test_a_port_of_somebody_else_changes_nothing(cam: Device) -> None:
    cam.make_key()
    cam.post("https_self_signed", mode="create", common_name="cam")
    with socket.create_server((cam.spec.address, 9443)):
        reply = cam.post("set_https", live="https", https_port=9443)
    assert reply.status == 500
    assert "Limit of the simulator" in reply.reason
    assert cam.get("get_https").lines["live"] == "http"


# -- sessions of the recorder ----------------------------------------------------------------------------------------


def uid_of(rec: Device) -> str:
    return str(re.findall(r'location.href="./hdrctl.cgi\?UID=(\d+)&HTML=', rec.curl("dlogin.cgi?UID=-1").text)[0])


def status_of(rec: Device, uid: str) -> t.Any:
    return rec.curl(f"status.cgi?UID={uid}&PC=AS60")


def test_unknown_and_foreign_uids(rec: Device, camera: t.Callable[..., Device]) -> None:
    for uid in ("1", "", "-1"):
        assert (status_of(rec, uid).status, status_of(rec, uid).reason) == (403, "UID error")
    assert status_of(camera("rec", user="viewer:viewer-pw"), rec.uid).status == 403
    assert rec.curl("sec_system.cgi").status == 403
    assert rec.curl("as_getinfo.cgi?FILE=2").lines["USEDUID"] == "1"


def test_a_uid_ends_after_90_seconds_and_at_logout(rec: Device) -> None:
    rec.sim.advance(89)
    assert status_of(rec, rec.uid).status == 200
    rec.sim.advance(89)
    assert status_of(rec, rec.uid).status == 200
    rec.sim.advance(91)
    assert status_of(rec, rec.uid).status == 403
    uid = uid_of(rec)
    assert rec.curl(f"logout.cgi?UID={uid}").status == 200
    assert status_of(rec, uid).status == 403


def test_the_17th_login_throws_out_the_oldest(rec: Device) -> None:
    uids = [rec.uid, *(uid_of(rec) for _login in range(15))]
    lines = rec.curl("as_getinfo.cgi?FILE=2").lines
    assert (lines["MAXUID"], lines["USEDUID"]) == ("16", "16")
    uids.append(uid_of(rec))
    assert status_of(rec, uids[0]).status == 403
    assert status_of(rec, uids[1]).status == 200
    assert status_of(rec, uids[16]).status == 200


def test_commands_are_three_seconds_apart(rec: Device) -> None:
    rec.sim.control("/devices/rec/set", "POST", {"command_interval": 3})
    other = uid_of(rec)
    assert status_of(rec, rec.uid).status == 200
    fast = status_of(rec, rec.uid)
    assert (fast.status, "Retry-After: 3\n" in fast.head) == (503, True)
    assert status_of(rec, other).status == 200
    rec.sim.advance(3)
    assert status_of(rec, rec.uid).status == 200


def test_uids_survive_a_change_of_the_listeners(rec: Device) -> None:
    rec.post("sec_pc.cgi", HTTPS_PORT=9443)
    rec.sim.advance(5)
    assert status_of(rec, rec.uid).status == 200


# -- the recorder's view ---------------------------------------------------------------------------------------------


def test_a_camera_that_is_lost_and_found(rec: Device) -> None:
    assert {number: rec.connects()[number] for number in (1, 6, 7)} == {1: "1", 6: "1", 7: "0"}
    rec.sim.control("/devices/cam1/power_off", "POST", {})
    rec.sim.settle()
    assert rec.get("loglist.cgi?KIND=ERR&HTML=as_errorlog.html").lines["ERROR_LOG_NO"] == "1"
    rec.sim.advance(600)
    assert rec.connects()[1] == "2"
    assert rec.get("loglist.cgi?KIND=ERR&HTML=as_errorlog.html").lines["ERROR_LOG_NO"] == "1"
    rec.sim.control("/devices/cam1/power_on", "POST", {})
    rec.sim.advance(10)
    assert rec.sim.recorder("rec").links[1].status == 1
    assert "RECOVERED" in rec.get("loglist.cgi?KIND=EVENT&HTML=as_eventlog.html").text


def test_generating_a_key_does_not_lose_the_camera(rec: Device, cam: Device) -> None:
    cam.get("set_crt_key?mode=create&size=2048")
    assert rec.connects()[1] == "1"


@pytest.mark.parametrize(
    "path", ["hdrctl.cgi?SCREEN=2X", "loglist.cgi?KIND=X", "httpdl.cgi?CAM=9", "recordedtime.cgi?CAM=x"]
)
def test_recorder_refuses_nonsense(rec: Device, path: str) -> None:
    assert rec.get(path).status == 400
