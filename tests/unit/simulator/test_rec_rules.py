# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Rules REC-01 to REC-38, as curl and openssl see them."""

from __future__ import annotations

import datetime as dt
import pathlib
import socket
import subprocess
import typing as t

import pytest

Device = t.Any
MAIN_KEY, KIT_4, KIT_1 = "1" * 20, "4" * 20, "7" * 20


def stamp(device: Device, offset: float = 0) -> str:
    now = device.sim.recorder("rec").now() + offset
    return dt.datetime.fromtimestamp(now, dt.UTC).strftime("%y%m%d%H%M%S")


# -- licences --------------------------------------------------------------------------------------------------------


def test_rec_01_a_licence_is_an_unlock_key(rec: Device) -> None:
    assert rec.post("sec_license.cgi", TARGET="MAIN", KEY=MAIN_KEY).lines["MAIN_UNLOCK"] == "1"
    spaced = "-".join([KIT_4[:5], KIT_4[5:10], KIT_4[10:]]) + " "
    lines = rec.post("sec_license.cgi", TARGET="SECURE", KEY=spaced).lines
    assert (lines["KIT_NUM"], lines["KIT_01"]) == ("1", "WJ-NXS04WUX,4444************4444")


def test_rec_02_the_main_unit_comes_first(rec: Device) -> None:
    reply = rec.post("sec_license.cgi", TARGET="SECURE", KEY=KIT_4)
    assert reply.status == 400
    assert "REC-02" in reply.reason
    assert rec.get("sec_license.cgi").lines["MAIN_UNLOCK"] == "0"


def test_rec_03_only_who_may_change_settings(camera: t.Callable[..., Device]) -> None:
    viewer = camera("rec", user="viewer:viewer-pw").log_in()
    reply = viewer.post("sec_license.cgi", TARGET="MAIN", KEY=MAIN_KEY)
    assert reply.status == 403
    assert "REC-03" in reply.reason
    setup = camera("rec", user="setup:setup-pw").log_in()
    assert setup.post("sec_license.cgi", TARGET="MAIN", KEY=MAIN_KEY).status == 200


def test_rec_04_a_wrong_key_is_an_error_and_can_be_repeated(rec: Device) -> None:
    assert "REC-04" in rec.post("sec_license.cgi", TARGET="MAIN", KEY="9" * 20).reason
    assert rec.post("sec_license.cgi", TARGET="MAIN", KEY=MAIN_KEY).status == 200
    assert "REC-04" in rec.post("sec_license.cgi", TARGET="SECURE", KEY="12345").reason
    assert rec.post("sec_license.cgi", TARGET="SECURE", KEY=KIT_4).status == 200
    assert "REC-04" in rec.post("sec_license.cgi", TARGET="SECURE", KEY=KIT_4).reason


def test_rec_05_the_total_grows_by_the_kit(rec: Device) -> None:
    rec.license()
    assert rec.get("sec_license.cgi").lines["TOTAL_LICENSES"] == "4"
    assert rec.post("sec_license.cgi", TARGET="SECURE", KEY=KIT_1).lines["TOTAL_LICENSES"] == "5"


def test_rec_06_settings_do_not_exist_before_a_kit(rec: Device) -> None:
    rec.post("sec_license.cgi", TARGET="MAIN", KEY=MAIN_KEY)
    for path in ("sec_camera.cgi", "sec_encryption.cgi"):
        assert "REC-06" in rec.get(path).reason
        assert rec.post(path, CAM_01_CONNECTION="HTTPS").status == 404
    rec.post("sec_license.cgi", TARGET="SECURE", KEY=KIT_1)
    assert rec.get("sec_camera.cgi").status == 200


def test_rec_07_licences_are_the_union(licensed: Device) -> None:
    fields = {f"CAM_0{n}_CONNECTION": "HTTPS" for n in (1, 2, 5)}
    assert licensed.post("sec_camera.cgi", **fields).lines["USED_LICENSES"] == "3"
    fields = {f"CAM_0{n}_ENCRYPT": "ON" for n in (1, 2, 6)}
    lines = licensed.post("sec_encryption.cgi", PASSWORD="abcd", PASSWORD_CONFIRM="abcd", **fields).lines
    assert (lines["USED_LICENSES"], lines["TOTAL_LICENSES"]) == ("4", "4")
    refused = licensed.post("sec_camera.cgi", CAM_01_CONNECTION="HTTP", CAM_04_CONNECTION="HTTPS")
    assert refused.status == 400
    assert "REC-07" in refused.reason
    assert licensed.get("sec_camera.cgi").lines["CAM_01_CONNECTION"] == "HTTPS"


# -- recorder to PC --------------------------------------------------------------------------------------------------


def test_rec_10_https_only(rec: Device) -> None:
    before = rec.get("sec_pc.cgi").lines
    assert (before["CONNECTION"], before["PORT_FORWARD"]) == ("HTTP_HTTPS", "ON")
    after = rec.post("sec_pc.cgi", CONNECTION="HTTPS").lines
    assert (after["CONNECTION"], after["PORT_FORWARD"]) == ("HTTPS", "OFF")
    rec.sim.settle()
    assert rec.get("sec_pc.cgi").status == 0
    rec.scheme, rec.port = "https", 4443
    assert rec.get("sec_pc.cgi").status == 200
    rec.post("sec_pc.cgi", CONNECTION="HTTP_HTTPS")
    rec.sim.advance(5)
    rec.scheme, rec.port = "http", 8080
    assert rec.get("sec_pc.cgi").lines["PORT_FORWARD"] == "ON"


def test_rec_11_tls_1_1_on_and_off(rec: Device, shell: t.Any) -> None:
    def version() -> str:
        place = f"{rec.spec.address}:4443"
        return str(shell("openssl", "s_client", "-connect", place, "-tls1_1", "-cipher", "ALL:@SECLEVEL=0", data=""))

    assert rec.get("sec_pc.cgi").lines["TLS11"] == "ON"
    assert "Protocol  : TLSv1.1" in (text := version())
    assert "Cipher is (NONE)" not in text
    assert rec.post("sec_pc.cgi", TLS11="OFF").lines["TLS11"] == "OFF"
    rec.sim.advance(5)
    assert "Cipher is (NONE)" in version()
    rec.scheme, rec.port = "https", 4443
    assert rec.get("sec_pc.cgi").status == 200
    assert rec.post("sec_pc.cgi", TLS11="ON").status == 200
    rec.sim.advance(5)
    assert "Cipher is (NONE)" not in version()


REFUSED = (
    0,
    20,
    21,
    23,
    25,
    42,
    53,
    67,
    68,
    69,
    79,
    105,
    110,
    123,
    161,
    162,
    546,
    547,
    995,
    10001,
    10007,
    50000,
    50255,
)


@pytest.mark.parametrize("port", [*REFUSED, 65536, 8080, 1818, 81, 8500])
def test_rec_12_ports_that_are_refused(rec: Device, port: int) -> None:
    reply = rec.post("sec_pc.cgi", HTTPS_PORT=port)
    assert reply.status == 400
    assert "REC-12" in reply.reason


def test_rec_12_the_port_moves(rec: Device) -> None:
    assert rec.post("sec_pc.cgi", HTTPS_PORT=8443).lines["HTTPS_PORT"] == "8443"
    rec.sim.settle()
    rec.scheme, rec.port = "https", 8443
    assert rec.get("sec_pc.cgi").status == 0
    rec.sim.advance(5)
    assert rec.get("sec_pc.cgi").lines["HTTPS_PORT"] == "8443"
    rec.port = 4443
    assert rec.get("sec_pc.cgi").status == 0


def test_rec_13_the_root_certificate(rec: Device, shell: t.Any, tmp_path: pathlib.Path) -> None:
    root = rec.get("root_certificate.cgi").text
    (tmp_path / "root.pem").write_text(root)
    text = shell(
        "openssl", "s_client", "-connect", f"{rec.spec.address}:4443", "-x509_strict", "-verify_return_error",
        "-verify_ip", rec.spec.address, "-CAfile", str(tmp_path / "root.pem"), data="",
    )  # fmt: skip
    assert "Verify return code: 0 (ok)" in text


def test_rec_14_a_port_that_cannot_be_had_changes_nothing(rec: Device) -> None:
    with socket.create_server((rec.spec.address, 9443)):
        reply = rec.post("sec_pc.cgi", HTTPS_PORT=9443, CONNECTION="HTTPS")
    assert reply.status == 500
    assert "Limit of the simulator" in reply.reason
    lines = rec.get("sec_pc.cgi").lines
    assert (lines["HTTPS_PORT"], lines["CONNECTION"]) == ("4443", "HTTP_HTTPS")
    rec.scheme, rec.port = "https", 4443
    assert rec.get("sec_pc.cgi").status == 200


# -- recorder to camera ----------------------------------------------------------------------------------------------


def trust(rec: Device, ca: t.Any) -> None:
    assert rec.upload("trusted_ca.cgi", ca.pem).lines["CA_NUM"] == "1"


def test_rec_20_a_camera_moves_to_https_with_its_recorder(licensed: Device, cam: Device, ca: t.Any) -> None:
    assert licensed.get("sec_camera.cgi").lines["CAM_01_CONNECTION"] == "HTTP"
    assert licensed.get("sec_camera.cgi").lines["CAM_01_PORT"] == "443"
    for port in ("0", "65536", "x"):
        assert "REC-20" in licensed.post("sec_camera.cgi", CAM_01_PORT=port).reason
    trust(licensed, ca)
    cam.make_key()
    cam.upload("https_install_signed", ca.sign(cam.make_csr(), cam.spec.address))
    sent = licensed.post("sec_camera.cgi", CAM_01_CONNECTION="HTTPS", CAM_01_PORT=8443, CAM_01_SEND=1).lines
    assert sent["CAM_01_SEND_RESULT"] == "OK"
    licensed.sim.advance(10)
    cam.scheme, cam.port = "https", 8443
    assert cam.get("get_https").lines["live"] == "https"
    assert licensed.connects()[1] == "1"
    back = licensed.post("sec_camera.cgi", CAM_01_CONNECTION="HTTP", CAM_01_SEND=1).lines
    assert (back["CAM_01_SEND_RESULT"], back["USED_LICENSES"]) == ("OK", "0")
    licensed.sim.advance(10)
    assert licensed.connects()[1] == "1"


def test_rec_20_sending_to_a_camera_without_certificate_fails(licensed: Device) -> None:
    lines = licensed.post("sec_camera.cgi", CAM_01_CONNECTION="HTTPS", CAM_01_PORT=8443, CAM_01_SEND=1).lines
    assert lines["CAM_01_SEND_RESULT"] == "NG"
    assert licensed.connects()[1] == "2"


def test_rec_20_one_request_is_all_or_nothing(licensed: Device) -> None:
    assert licensed.post("sec_camera.cgi", CAM_01_CONNECTION="HTTPS", CAM_02_PORT="x").status == 400
    assert licensed.post("sec_camera.cgi", CAM_01_CONNECTION="HTTPS", CAM_09_CONNECTION="HTTPS").status == 400
    assert licensed.post("sec_camera.cgi", CAM_01_CONNECTION="HTTPS", CAM_02_NOISE="1").status == 400
    assert licensed.get("sec_camera.cgi").lines["CAM_01_CONNECTION"] == "HTTP"


def test_rec_21_a_camera_without_tls(licensed: Device, camera: t.Callable[..., Device]) -> None:
    assert licensed.get("sec_camera.cgi").lines["CAM_03_TLS_SUPPORT"] == "0"
    for fields in ({"CAM_03_CONNECTION": "HTTPS"}, {"CAM_03_CONNECTION": "HTTP", "CAM_03_SEND": "1"}):
        assert "REC-21" in licensed.post("sec_camera.cgi", **fields).reason
    plain = camera("no-tls")
    assert plain.get("get_capability").lines["video_server.network.https.supported"] == "no"
    assert plain.get("get_https").status == 404


def test_rec_22_an_expired_certificate_shows(licensed: Device, cam: Device, ca: t.Any) -> None:
    trust(licensed, ca)
    cam.secure(ca)
    licensed.post("sec_camera.cgi", CAM_01_CONNECTION="HTTPS", CAM_01_PORT=8443)
    assert licensed.connects()[1] == "1"
    assert licensed.get("sec_camera.cgi").lines["CAM_01_FAULT"] == ""
    licensed.sim.control("/devices/cam1/set", "POST", {"expire_certificate": True})
    assert licensed.connects()[1] == "2"
    assert licensed.get("sec_camera.cgi").lines["CAM_01_FAULT"] == "-(expired)"


def test_rec_22_the_recorder_judges_by_its_own_clock(licensed: Device, cam: Device, ca: t.Any) -> None:
    trust(licensed, ca)
    cam.secure(ca)
    licensed.post("sec_camera.cgi", CAM_01_CONNECTION="HTTPS", CAM_01_PORT=8443)
    assert licensed.connects()[1] == "1"
    licensed.sim.control("/devices/rec/set", "POST", {"clock_offset": 91 * 86400})
    assert licensed.connects()[1] == "2"
    assert licensed.get("sec_camera.cgi").lines["CAM_01_FAULT"] == "-(expired)"


def test_rec_20_the_recorder_verifies_the_camera(licensed: Device, cam: Device, ca: t.Any) -> None:
    cam.secure(ca)
    licensed.post("sec_camera.cgi", CAM_01_CONNECTION="HTTPS", CAM_01_PORT=8443)
    assert licensed.connects()[1] == "2"
    log = licensed.get("loglist.cgi?KIND=ERR&HTML=as_errorlog.html").text
    assert '"CAM 1 COMMUNICATION ERROR","GMT+00:00","002"' in log
    trust(licensed, ca)
    assert licensed.connects()[1] == "1"
    digest = licensed.get("trusted_ca.cgi").lines["CA_01"].partition(",")[0]
    licensed.get(f"trusted_ca_delete.cgi?SHA256={digest}")
    assert licensed.connects()[1] == "2"


def test_rec_20_a_certificate_for_another_address_is_refused(licensed: Device, cam: Device, ca: t.Any) -> None:
    trust(licensed, ca)
    cam.make_key()
    cam.upload("https_install_signed", ca.sign(cam.make_csr(), "127.0.0.99"))
    cam.go_https()
    licensed.post("sec_camera.cgi", CAM_01_CONNECTION="HTTPS", CAM_01_PORT=8443)
    assert licensed.connects()[1] == "2"


def test_rec_23_internet_mode_is_counted(licensed: Device) -> None:
    lines = licensed.get("sec_camera.cgi").lines
    assert (lines["INTERNET_MODE_NUM"], lines["CAM_05_INTERNET_MODE"]) == ("1", "1")
    assert licensed.get("sec_system.cgi").lines["VERSION"] == "3.10"


# -- data encryption -------------------------------------------------------------------------------------------------


def encrypt(rec: Device, password: str, *numbers: int, send: int = 1) -> dict[str, str]:
    fields = {f"CAM_0{n}_ENCRYPT": "ON" for n in numbers} | {f"CAM_0{n}_SEND": str(send) for n in numbers}
    reply = rec.post("sec_encryption.cgi", PASSWORD=password, PASSWORD_CONFIRM=password, **fields)
    rec.sim.settle()
    return dict(reply.lines)


@pytest.mark.parametrize("password", ["abc", "a" * 17, "ab cd", "パスワード", "abcd\x7f"])
def test_rec_30_passwords_that_are_refused(licensed: Device, password: str) -> None:
    reply = licensed.post("sec_encryption.cgi", PASSWORD=password, PASSWORD_CONFIRM=password)
    assert reply.status == 400
    assert "REC-30" in reply.reason


def test_rec_30_entered_twice_and_unset_only_while_unused(licensed: Device) -> None:
    assert "REC-30" in licensed.post("sec_encryption.cgi", PASSWORD="abcd", PASSWORD_CONFIRM="abce").reason
    assert "REC-30" in licensed.post("sec_encryption.cgi", CAM_01_ENCRYPT="ON").reason
    assert licensed.get("sec_encryption.cgi").lines["PASSWORD_SET"] == "0"
    assert encrypt(licensed, "a~!4", 1)["PASSWORD_SET"] == "1"
    assert "REC-30" in licensed.post("sec_encryption.cgi", PASSWORD="", PASSWORD_CONFIRM="").reason
    off = {"CAM_01_ENCRYPT": "OFF", "CAM_01_SEND": "1", "PASSWORD": "", "PASSWORD_CONFIRM": ""}
    assert licensed.post("sec_encryption.cgi", **off).lines["PASSWORD_SET"] == "0"


def test_rec_31_on_and_off_are_sent(licensed: Device, cam: Device) -> None:
    assert licensed.get("sec_encryption.cgi").lines["CAM_01_ENCRYPT"] == "OFF"
    assert encrypt(licensed, "abcd", 1)["CAM_01_SEND_RESULT"] == "OK"
    assert cam.get("get_data_encryption").lines == {
        "encryption": "on", "password_set": "yes", "compression": "h265_1",
    }  # fmt: skip
    licensed.post("sec_encryption.cgi", CAM_01_ENCRYPT="OFF", CAM_01_SEND="1")
    assert cam.get("get_data_encryption").lines["encryption"] == "off"


@pytest.mark.parametrize("compression", ["h265_3", "h265_4", "h264_3", "h264_4"])
def test_rec_32_compressions_that_break_communication(licensed: Device, compression: str) -> None:
    licensed.sim.control("/devices/cam1/set", "POST", {"compression": compression})
    assert licensed.connects()[1] == "1"
    encrypt(licensed, "abcd", 1, 2, 5)
    assert {n: licensed.connects()[n] for n in (1, 2, 5)} == {1: "2", 2: "1", 5: "1"}
    assert licensed.get("sec_encryption.cgi").lines["CAM_01_COMPRESSION"] == compression.upper()
    licensed.sim.control("/devices/cam1/set", "POST", {"compression": "h265_1"})
    assert licensed.connects()[1] == "1"


def test_rec_33_a_camera_without_encryption(licensed: Device, camera: t.Callable[..., Device]) -> None:
    assert licensed.get("sec_encryption.cgi").lines["CAM_04_ENCRYPT_SUPPORT"] == "0"
    for fields in ({"CAM_04_ENCRYPT": "ON"}, {"CAM_04_ENCRYPT": "OFF", "CAM_04_SEND": "1"}):
        assert "REC-33" in licensed.post("sec_encryption.cgi", **fields).reason
    assert "REC-33" in camera("no-enc").post("set_data_encryption", encryption="on", password="abcd").reason


def live(rec: Device, number: int, screen: str = "1X") -> str | None:
    return t.cast("dict[str, str]", rec.get(f"hdrctl.cgi?SCREEN={screen}&PC=AS60").lines).get(f"CAM_{number:02}CH_LIVE")


def test_rec_34_live_needs_the_present_password(licensed: Device) -> None:
    encrypt(licensed, "first", 1)
    assert live(licensed, 1) == "FULL"
    encrypt(licensed, "second", 1, send=0)
    assert live(licensed, 1) == "DECODE_ERROR"
    encrypt(licensed, "second", 1)
    assert live(licensed, 1) == "FULL"


def download(rec: Device, start: str, end: str, *, password: str = "", more: str = "", cam: int = 1) -> tuple[str, str]:
    field = f"&PASSWORD={password}" if password else ""
    assert rec.get("status.cgi?PC=AS60").status == 200  # and a new session if it has timed out
    path = f"httpdl.cgi?UID={rec.uid}&STARTTIME={start}&ENDTIME={end}&KIND=N3&CAM={cam}&PC=AS60{field}{more}"
    spec = rec.spec
    url = f"http://{spec.address}:8080/cgi-bin/{path}"
    raw = subprocess.run(
        ["curl", "-sS", "--noproxy", "*", "--digest", "-u", f"{spec.username}:{spec.password}", url],
        capture_output=True, check=True, timeout=30,
    ).stdout  # fmt: skip
    assert raw.startswith(b"--myboundary\r\n")
    head, _blank, body = raw.partition(b"\r\n\r\n")
    status = head.decode().partition("X-RecData-Satus: ")[2].splitlines()[0]
    return status, body.decode("latin-1")


def test_rec_35_old_recordings_need_their_old_password(licensed: Device) -> None:
    encrypt(licensed, "first", 1)
    spans = []
    for password in ("second", "third", "fourth"):
        licensed.sim.advance(60)
        begin = stamp(licensed, -30)
        spans.append((begin, stamp(licensed, -20)))
        encrypt(licensed, password, 1)
    licensed.sim.advance(60)
    for span, password in zip(spans, ("first", "second", "third"), strict=True):
        status, picture = download(licensed, *span)
        assert (status, "black" in picture) == ("3", True)
        assert download(licensed, *span, password="wrong")[0] == "3"
        status, picture = download(licensed, *span, password=password)
        assert (status, "cam1" in picture) == ("0", True)
        # Entering it does not make it the present one.
        assert download(licensed, *span)[0] == "3"
    assert download(licensed, stamp(licensed, -5), stamp(licensed))[0] == "0"
    rows = licensed.get("recordedtime.cgi?CAM=1").text.split()
    assert [row.split(",")[3] for row in rows] == ["0", "1", "1", "1", "1"]
    assert live(licensed, 1) == "FULL"


def test_rec_35_plain_recordings_and_empty_spans(rec: Device) -> None:
    rec.sim.advance(100)
    assert download(rec, stamp(rec, -50), stamp(rec))[0] == "0"
    assert download(rec, stamp(rec, -5000), stamp(rec, -4000))[0] == "1"
    assert download(rec, stamp(rec, -4000), stamp(rec))[0] == "2"
    rec.sim.control("/devices/cam1/power_off", "POST", {})
    rec.sim.advance(100)
    assert download(rec, stamp(rec, -50), stamp(rec))[0] == "1"


def test_rec_36_thumbnails(licensed: Device, cam: Device) -> None:
    def thumbnail() -> str:
        return str(licensed.get("sec_encryption.cgi").lines["CAM_01_THUMBNAIL"])

    assert thumbnail() == "OK"
    encrypt(licensed, "abcd", 1)
    assert thumbnail() == "DECODE_ERROR"
    assert cam.post("set_data_encryption", encryption="off").status == 200
    licensed.sim.settle()
    assert thumbnail() == "BROKEN"


def test_rec_37_encrypted_live_pictures_are_thinned_out(licensed: Device) -> None:
    encrypt(licensed, "abcd", 1, 5)
    assert [live(licensed, 1, screen) for screen in ("1X", "4X", "9X", "16X")] == ["FULL", *["I_FRAME"] * 3]
    assert live(licensed, 5, "4X") == "1IPS"
    assert live(licensed, 2, "16X") == "FULL"


def test_rec_38_an_export_stays_encrypted(licensed: Device) -> None:
    encrypt(licensed, "abcd", 1)
    licensed.sim.advance(10)
    status, data = download(licensed, stamp(licensed, -5), stamp(licensed), more="&EXPORT=ENCRYPTED")
    assert status == "0"
    assert "cam1" not in data
    assert data.startswith("E")
