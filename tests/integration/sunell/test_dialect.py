# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The simulated Sunell camera's dialect, as curl sees it."""

from __future__ import annotations

import datetime as dt
import socket
import typing as t

import pytest

from .conftest import HTTP, HTTPS, OTHER_VERSION, PASSWORD, VIEWER, Reply, Rig


def test_device_info_needs_no_login_and_has_the_very_keys(rig: Rig) -> None:
    reply = rig.curl("param.cgi?action=get&type=deviceInfo", login=False)
    assert list(reply.fields) == [
        "deviceID", "deviceName", "deviceType", "productModel", "manufacturerID", "manufacturerName", "MACAddress",
        "hardwareVer", "softwareVer", "channelNum", "alarmInNum", "alarmOutNum", "RS485Num", "ubootVersion",
        "kerneVersion", "networkCardNum",
    ]  # fmt: skip
    assert reply.fields["deviceType"] == "22"
    assert reply.fields["MACAddress"].startswith("00:1C:27:")
    # Scripts that are in use write a space there.
    assert rig.curl("param.cgi?action=get&type=%20deviceInfo", login=False).status == 200


def test_everything_else_needs_digest(rig: Rig) -> None:
    for path in ("param.cgi?action=get&type=devicePort", "operate.cgi?action=deviceRestart", "param.cgi", "no.cgi"):
        reply = rig.curl(path, login=False)
        assert reply.status == 401
        assert 'WWW-Authenticate: Digest realm="IPCamera", qop="auth"' in reply.head
        assert "algorithm=MD5" in reply.head
    query = f"param.cgi?action=get&type=devicePort&userName=admin&password={PASSWORD}"
    assert rig.curl(query, login=False).status == 401


def test_ports(rig: Rig) -> None:
    reply = rig.param("get", "devicePort")
    assert reply.text == (
        f"controlPort=30001\r\nhttpPort={HTTP}\r\nrtspPort=554\r\nrtmpPort=8080\r\nsslPort=0\r\nhttpsPort={HTTPS}\r\n"
    )


def test_local_network_has_the_odd_spelling(rig: Rig) -> None:
    net = rig.host.rpartition(".")[0]
    assert rig.param("get", "localNetwork", IPProtoVer=1, netCardId=1).text == (
        f"localNetworkBegin=1\r\nIPProtoVer=1\r\nnetCardId=1\r\nIPAddress={rig.host}\r\nsubNetmask=255.255.255.0\r\n"
        f"subGetway={net}.1\r\npreferredDNS=\r\nalternateDNS=\r\nautoGetIPFlag=0\r\nmtu=1500\r\nlocalNetworkEnd=1\r\n"
    )
    assert rig.param("get", "localNetwork").status == 400
    assert rig.param("get", "localNetwork", IPProtoVer=2, netCardId=1).status == 400


def test_protocol_info(rig: Rig) -> None:
    fields = rig.param("get", "protocolInfo").fields
    assert fields["rtspRule"] == "rtsp://ip:port/snl/live/cameraid/streamid"
    assert fields["rtspExample"] == f"rtsp://{rig.host}:554/snl/live/1/1"
    assert fields["protocolVersion"] == "v22.06"


def test_unknown_calls_are_not_found(rig: Rig) -> None:
    for path in ("param.cgi?action=get&type=none", "param.cgi?action=set&type=User", "image.cgi?cameraID=1"):
        assert rig.get(path).status == 404
    assert rig.curl("operate.cgi?action=restart").status == 404


def utc(reply: Reply, minutes_east: int) -> dt.datetime:
    parts = {name: int(reply.fields[name]) for name in ("year", "month", "day", "hour", "minute", "second")}
    return dt.datetime(**parts, tzinfo=dt.timezone(dt.timedelta(minutes=minutes_east)))


def test_the_clock_is_local_and_can_be_set(rig: Rig) -> None:
    zone = rig.param("get", "timeZone").fields
    assert (zone["timeZone"], zone["DSTOpenFlag"]) == ("235", "0")
    now = dt.datetime.fromtimestamp(int(rig.device.now()), dt.UTC)
    assert utc(rig.param("get", "dateTime"), 540) == now
    assert rig.param("set", "timeZone", timeZone=90, DSTOpenFlag=0).fields["timeZone"] == "90"
    assert utc(rig.param("get", "dateTime"), 0) == now
    wanted = {"year": 2030, "month": 2, "day": 28, "hour": 23, "minute": 59, "second": 58}
    assert rig.param("set", "dateTime", **wanted).fields == {name: str(value) for name, value in wanted.items()}
    rig.sim.advance(3)
    later = rig.param("get", "dateTime").fields
    assert (later["month"], later["day"], later["second"]) == ("3", "1", "1")
    for bad in ({"day": 30}, {"month": 13}, {"hour": ""}):
        assert rig.param("set", "dateTime", **{**wanted, **bad}).status == 400
    assert rig.param("set", "timeZone", timeZone=91).status == 400
    assert "Limit" in rig.param("set", "timeZone", timeZone=90, DSTOpenFlag=1).reason


def test_ntp_sets_the_clock_and_keeps_it(rig: Rig) -> None:
    assert rig.param("get", "NTP").text == (
        "enableFlag=0\r\nIPProtoVer=1\r\nNTPIP=ntp.nict.jp\r\nNTPPort=123\r\nNTPCheckTime=3600\r\n"
    )
    rig.order("set", clock_offset=-86400.0)
    test = "system.cgi?action=test&type=NTP"
    assert rig.get(test).fields == {"result": "1"}
    true = rig.sim.simulator.clock.now
    assert rig.device.now() < true() - 86000
    assert rig.param("set", "NTP", NTPIP="wrong.example.invalid", enableFlag=1).fields["enableFlag"] == "1"
    assert rig.get(test).fields == {"result": "0"}
    assert rig.device.now() < true() - 86000
    assert rig.param("set", "NTP", NTPIP="ntp.nict.jp", NTPCheckTime=600).status == 200
    assert rig.device.now() == pytest.approx(true())
    rig.order("set", clock_offset=5000.0)
    assert rig.device.now() == pytest.approx(true() + 5000 + 86400)
    rig.sim.advance(600)
    assert rig.device.now() == pytest.approx(true())
    for bad in ({"NTPPort": 0}, {"NTPIP": "a b"}, {"enableFlag": 2}, {"NTPCheckTime": 1}):
        assert rig.param("set", "NTP", **t.cast("dict[str, t.Any]", bad)).status == 400


def test_users_and_their_levels(rig: Rig) -> None:
    reply = rig.param("getAllUser", "User")
    lines = reply.text.split("\r\n")
    assert lines[:6] == [
        "userCount=2", "userBegin=1", "userName=admin", "groupName=SuperAdmin", "privilegeCount=15", "privilegeBegin=1",
    ]  # fmt: skip
    assert lines[6:9] == ["privilege=0", "next_privilegeURL=2", "privilege=1"]
    assert "next_userURL=2" in lines
    assert PASSWORD not in reply.text
    viewer = Rig(sim=rig.sim, spec=rig.spec, folder=rig.folder, user=f"{VIEWER.name}:{VIEWER.password}")
    assert viewer.param("get", "devicePort").status == 200
    for reply in (viewer.param("set", "devicePort", httpsPort=1), viewer.param("getAllUser", "User"), viewer.param(
        "export", "CACert"
    )):  # fmt: skip
        assert reply.status == 403


def test_a_password_change_counts_at_once(rig: Rig) -> None:
    assert rig.post("modifyUser", "User", userName="admin", newPassword="no").status == 400
    assert rig.post("modifyUser", "User", userName="nobody", newPassword="Neues-Wort-9").status == 400
    assert rig.post("modifyUser", "User", userName="admin", newPassword="Neues-Wort-9").status == 200
    assert rig.param("get", "devicePort").status == 401
    rig.user = "admin:Neues-Wort-9"
    assert rig.param("get", "devicePort").status == 200
    assert rig.post("addUser", "User", userName="second", newPassword="Zweites-8", groupName="SuperAdmin").status == 200
    assert rig.post("addUser", "User", userName="second", newPassword="Zweites-8", groupName="User").status == 400
    assert rig.param("deleteUser", "User", userName="admin").status == 200
    rig.user = "second:Zweites-8"
    assert "last user" in rig.param("deleteUser", "User", userName="second").reason
    shown = rig.sim.control(f"/devices/{rig.spec.name}/requests")
    assert "Zweites-8" not in str(shown) + str(rig.sim.control(f"/devices/{rig.spec.name}"))


def test_the_older_variant_logs_in_by_the_query(new_rig: t.Callable[..., Rig]) -> None:
    rig = new_rig("older")
    login = f"userName=admin&password={PASSWORD}"
    assert rig.curl("param.cgi?action=get&type=deviceInfo").status == 200
    bare = rig.curl("param.cgi?action=get&type=devicePort")
    assert (bare.status, "WWW-Authenticate" in bare.head) == (401, False)
    assert rig.curl("param.cgi?userName=admin&password=wrong&action=get&type=devicePort").status == 401
    assert rig.curl(f"param.cgi?{login}&action=get&type=devicePort").fields["httpPort"] == str(HTTP)
    # A new password stands in the body, the one that logs in stays in the URL.
    fields = ["--data-urlencode", "userName=viewer", "--data-urlencode", "newPassword=Neues-Wort-9"]
    assert rig.curl(f"param.cgi?{login}&action=modifyUser&type=User", *fields).status == 200
    assert rig.curl("param.cgi?userName=viewer&password=Neues-Wort-9&action=get&type=NTP").status == 200
    assert rig.curl(f"operate.cgi?{login}&action=deviceRestart").status == 404
    assert rig.curl(f"operate.cgi?{login}&action=restart").fields == {"result": "success"}
    rig.sim.settle()
    assert rig.curl(f"param.cgi?{login}&action=get&type=devicePort").status == 0
    rig.sim.advance(60)
    assert rig.curl(f"param.cgi?{login}&action=get&type=devicePort").status == 200
    shown = str(rig.sim.control(f"/devices/{rig.spec.name}/requests"))
    assert PASSWORD not in shown
    assert "Neues-Wort-9" not in shown
    assert "password=***" in shown


def test_wrong_logins_lock_and_device_info_still_answers(new_rig: t.Callable[..., Rig]) -> None:
    rig = new_rig("locks")
    wrong = Rig(sim=rig.sim, spec=rig.spec, folder=rig.folder, user="admin:wrong")
    assert [wrong.param("get", "NTP").status for _try in range(3)] == [401] * 3
    assert rig.param("get", "NTP").status == 403
    assert rig.curl("param.cgi?action=get&type=deviceInfo", login=False).status == 200
    rig.sim.advance(300)
    assert rig.param("get", "NTP").status == 200
    rig.order("lock_out")
    assert rig.param("get", "NTP").status == 403


def test_https_port_and_http_port_move(rig: Rig) -> None:
    assert rig.param("set", "devicePort", httpsPort=9443).fields["httpsPort"] == "9443"
    rig.sim.settle()
    assert rig.shown() == ""
    rig.sim.advance(3)
    rig.https_port = 9443
    assert rig.shown()
    assert rig.param("set", "devicePort", httpPort=9080).status == 200
    rig.sim.advance(3)
    assert rig.param("get", "devicePort").status == 0
    assert rig.get("param.cgi?action=get&type=devicePort", port=9080).fields["httpPort"] == "9080"
    for taken in (9443, 554, 0, 70000):
        assert rig.curl(f"param.cgi?action=set&type=devicePort&httpPort={taken}", port=9080).status == 400
    assert rig.curl("param.cgi?action=set&type=devicePort&sslPort=9443", port=9080).status == 400
    assert rig.curl("param.cgi?action=set&type=devicePort&sslPort=9444", port=9080).fields["sslPort"] == "9444"


def test_https_off_and_on(new_rig: t.Callable[..., Rig]) -> None:
    rig = new_rig("plain")
    assert rig.ways["enableFlag"] == "0"
    assert rig.shown() == ""
    assert rig.param("set", "HTTPS", enableFlag=1).fields["enableFlag"] == "1"
    rig.sim.advance(3)
    assert rig.verdict(rig.trusted_root()) == "OK"
    assert rig.param("set", "HTTPS", enableFlag=0).status == 200
    rig.sim.settle()
    assert rig.shown() == ""
    assert rig.param("set", "HTTPS", enableFlag="x").status == 400


def test_the_camera_moves_to_another_address(rig: Rig, elsewhere: str) -> None:
    old = rig.host
    for bad in ("10.0.0.1", "nowhere", ""):
        assert rig.move(bad).status == 400
    # Another camera's place cannot be had, and then nothing changes.
    taken = next(spec.address for spec in rig.sim.fleet.sunell_cameras if spec.address != old)
    assert rig.move(taken).status == 500
    assert rig.param("get", "localNetwork", IPProtoVer=1, netCardId=1).fields["IPAddress"] == old
    reply = rig.param(
        "set", "localNetwork", IPProtoVer=1, netCardId=1, IPAddress=elsewhere, subNetmask="255.255.0.0", subGetway=old
    )
    assert reply.fields["IPAddress"] == elsewhere
    rig.sim.settle()
    assert rig.param("get", "NTP").status == 0
    rig.host = elsewhere
    assert rig.param("get", "NTP").status == 0
    rig.sim.advance(3)
    fields = rig.param("get", "localNetwork", IPProtoVer=1, netCardId=1).fields
    assert (fields["subNetmask"], fields["subGetway"]) == ("255.255.0.0", old)
    row = next(row for row in rig.sim.control("/devices") if row["name"] == rig.spec.name)
    assert row["address"] == elsewhere
    # The factory reset brings the old address back.
    rig.reset()
    rig.host = old
    assert rig.param("get", "NTP").status == 200


def test_an_address_change_survives_a_restart_that_comes_too_soon(rig: Rig, elsewhere: str) -> None:
    assert rig.param("set", "localNetwork", IPProtoVer=1, netCardId=1, IPAddress=elsewhere).status == 200
    rig.order("restart")
    rig.sim.advance(60)
    rig.host = elsewhere
    assert rig.verdict(rig.trusted_root()) == "OK"
    rig.order("power_off")
    assert rig.param("get", "NTP").status == 0
    rig.order("power_on")
    assert rig.param("get", "NTP").status == 200


def is_free(host: str, port: int) -> bool:
    """Whether nobody has this port, not even bound without listening."""
    with socket.socket() as one:
        try:
            one.bind((host, port))
        except OSError:
            return False
    return True


def test_there_and_back_within_the_moving_time(rig: Rig) -> None:
    assert rig.param("set", "devicePort", httpsPort=9443).status == 200
    assert rig.param("set", "devicePort", httpsPort=HTTPS).status == 200
    # What is no longer wanted is free at once.
    assert is_free(rig.host, 9443)
    rig.sim.advance(3)
    assert rig.shown()
    assert rig.sim.control(f"/devices/{rig.spec.name}")["state"]["moving"] is False
    for port in (9443, HTTPS, 9443):
        assert rig.param("set", "devicePort", httpsPort=port).status == 200
        rig.sim.advance(1)
    rig.sim.advance(3)
    rig.https_port = 9443
    assert rig.shown()


def test_an_address_whose_second_port_is_taken(rig: Rig, elsewhere: str) -> None:
    with socket.create_server((elsewhere, HTTPS)):
        assert f"{elsewhere}:{HTTPS} is taken by another process" in rig.move(elsewhere).reason
    assert is_free(elsewhere, HTTP)
    assert is_free(elsewhere, HTTPS)
    assert rig.shown()
    assert rig.param("get", "localNetwork", IPProtoVer=1, netCardId=1).fields["IPAddress"] == rig.host


def test_a_restart_between_answer_and_arrival(rig: Rig) -> None:
    assert rig.param("set", "devicePort", httpsPort=9443).status == 200
    rig.order("power_off")
    assert is_free(rig.host, 9443)
    rig.sim.advance(3)
    assert rig.param("get", "NTP").status == 0
    rig.order("power_on")
    rig.https_port = 9443
    assert rig.shown()


def test_read_only_refuses_and_counts_every_write(rig: Rig) -> None:
    before = rig.device.dump()
    rig.sim.control("/read_only", "POST", {"enabled": True})
    try:
        writes = [
            rig.param("set", "devicePort", httpsPort=9443),
            rig.param("create", "certReq", commonName=rig.host),
            rig.curl("operate.cgi?action=deviceReset"),
            rig.post("modifyUser", "User", userName="admin", newPassword="Neues-Wort-9"),
            rig.upload("serverCert", certFile="x", keyFile="y"),
        ]
        assert [reply.status for reply in writes] == [500] * 5
        assert rig.root()
        assert rig.param("get", "HTTPS").status == 200
        assert rig.sim.control("/read_only") == {"enabled": True, "refused": 5}
    finally:
        rig.sim.control("/read_only", "POST", {"enabled": False})
    assert rig.device.dump() == before


def test_faults_come_in_place_of_answers(rig: Rig) -> None:
    rig.order("fault", kind="unavailable", count=1)
    assert rig.param("get", "NTP").status == 503
    rig.order("fault", kind="drop", after_write=True, count=1)
    fresh = ["-H", "Connection: close"]
    assert "Empty reply" in rig.curl("param.cgi?action=set&type=devicePort&sslPort=777", *fresh).head
    assert rig.param("get", "devicePort").fields["sslPort"] == "777"


def test_the_control_interface_shows_no_key(rig: Rig) -> None:
    rig.make_request()
    shown = rig.sim.control(f"/devices/{rig.spec.name}")
    assert shown["kind"] == "sunell_camera"
    assert shown["state"]["certificates"]["certificate_request"]["spki_sha256"]
    assert "PRIVATE KEY" not in str(shown)
    assert PASSWORD not in str(shown)


def test_other_version_has_another_root(rig: Rig, new_rig: t.Callable[..., Rig]) -> None:
    other = new_rig("other-version")
    assert other.param("get", "deviceInfo").fields["softwareVer"] == OTHER_VERSION
    assert other.root() != rig.root()
    assert "unable to get local issuer" in other.verdict(rig.trusted_root())


def test_another_firmware_counts_from_the_next_boot(rig: Rig) -> None:
    before = rig.trusted_root()
    rig.order("set", version="v9.0.1")
    assert rig.root() == before.read_text()
    assert rig.verdict(before) == "OK"
    rig.restart()
    assert rig.root() != before.read_text()
    assert rig.verdict(rig.trusted_root()) == "OK"
