# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Rules HTTPS-01 to HTTPS-33, as curl and openssl see them."""

from __future__ import annotations

import pathlib
import re
import subprocess
import typing as t

import pytest

Camera = t.Any
NOW_LIVE = "live_stream"


def test_https_01_a_key_comes_first(cam: Camera) -> None:
    for path in ("https_self_signed", "https_signed"):
        reply = cam.post(path, mode="create", common_name="a")
        assert reply.status == 400
        assert "HTTPS-01" in reply.reason
    assert "HTTPS-01" in cam.post("set_https", live="https", https_port=8443).reason


def test_https_02_no_new_key_under_a_certificate(cam: Camera, ca: t.Any) -> None:
    cam.make_key()
    assert cam.post("https_self_signed", mode="create", common_name="cam").status == 200
    assert "HTTPS-02" in cam.get("set_crt_key?mode=create&size=2048").reason
    assert cam.get("https_self_signed?mode=delete").status == 200
    assert cam.upload("https_install_signed", ca.sign(cam.make_csr(), cam.spec.address)).status == 200
    assert "HTTPS-02" in cam.get("set_crt_key?mode=create&size=2048").reason
    assert "HTTPS-02" in cam.get("set_crt_key?mode=history_apply").reason
    assert cam.get("https_signed?mode=delete").status == 200
    assert cam.get("set_crt_key?mode=create&size=2048").status == 200


def test_https_03_generating_keeps_the_camera_busy(cam: Camera) -> None:
    assert cam.get("set_crt_key?mode=create&size=3000").status == 400
    assert cam.get("set_crt_key?mode=create&size=2048").lines["generating"] == "yes"
    cam.sim.advance(119)
    busy = cam.get("get_https")
    assert busy.status == 503
    assert "HTTPS-03" in busy.reason
    assert "Retry-After: 1\n" in busy.head
    for path in ("get_crt_key", "get_time", "getinfo?FILE=1"):
        assert cam.get(path).status == 200
    assert cam.get("get_crt_key").lines["cur_key_last_modified"] == "not_generated"
    cam.sim.advance(1)
    lines = cam.get("get_crt_key").lines
    assert (lines["generating"], lines["cur_key_size"]) == ("no", "2048")
    assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", lines["cur_key_last_modified"])


def test_https_03_power_loss_loses_a_key_being_generated(cam: Camera) -> None:
    cam.get("set_crt_key?mode=create&size=2048")
    cam.sim.control("/devices/cam1/power_off", "POST", {})
    cam.sim.control("/devices/cam1/power_on", "POST", {})
    cam.sim.advance(200)
    assert cam.get("get_crt_key").lines["cur_key_last_modified"] == "not_generated"


def test_https_04_the_previous_key_can_be_applied(cam: Camera) -> None:
    cam.make_key()
    first = cam.make_csr()
    assert "HTTPS-04" in cam.get("set_crt_key?mode=history_apply").reason
    cam.make_key()
    second = cam.make_csr()
    lines = cam.get("get_crt_key").lines
    assert lines["pre_key_size"] == "2048"
    assert lines["pre_key_last_modified"] < lines["cur_key_last_modified"]
    after = cam.get("set_crt_key?mode=history_apply").lines
    assert after["cur_key_last_modified"] == lines["pre_key_last_modified"]
    assert after["pre_key_last_modified"] == lines["cur_key_last_modified"]
    keys = [public_key(cam, csr) for csr in (first, second, cam.make_csr())]
    assert keys[0] == keys[2] != keys[1]


def public_key(cam: Camera, csr: str) -> str:
    file = cam.folder / "key.csr"
    file.write_text(csr)
    return subprocess.run(
        ["openssl", "req", "-in", str(file), "-noout", "-pubkey"], capture_output=True, text=True, check=True
    ).stdout


def test_https_05_key_and_certificate_are_a_pair(cam: Camera, ca: t.Any) -> None:
    cam.make_key()
    old = ca.sign(cam.make_csr(), cam.spec.address)
    cam.make_key()
    assert "HTTPS-05" in cam.upload("https_install_signed", old).reason
    fresh = cam.make_csr()
    assert "HTTPS-05" in cam.upload("https_install_signed", old).reason
    assert cam.upload("https_install_signed", ca.sign(fresh, cam.spec.address)).status == 200


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("common_name", ""),
        ("common_name", "a" * 65),
        ("common_name", "a b"),
        ("common_name", "[::1"),
        ("country", "JPN"),
        ("country", "J1"),
        ("state", "x" * 129),
        ("locality", "x" * 129),
        ("organization", "x" * 65),
        ("organization", "a&b"),
        ("organizational_unit", "x" * 65),
        ("organizational_unit", "東京"),
    ],
)
def test_https_10_fields_are_refused(cam: Camera, field: str, value: str) -> None:
    give_key(cam)
    for path, rule in (("https_self_signed", "HTTPS-10"), ("https_signed", "HTTPS-20")):
        reply = cam.post(path, **{"mode": "create", "common_name": "cam", field: value})
        assert reply.status == 400
        assert rule in reply.reason


def give_key(cam: Camera) -> None:
    """A key without waiting."""
    from ansible_collections.camsec.fleet.extensions.simulator._camera_state import Key
    from ansible_collections.camsec.fleet.extensions.simulator._pki import make_key

    pem = make_key(1024)
    cam.sim.camera(cam.name).state.put_key(Key.new(pem, 1024, cam.sim.simulator.clock.now()))


def test_https_10_fields_are_taken(cam: Camera) -> None:
    give_key(cam)
    fields = {"country": "jp", "state": "s" * 128, "locality": "L-._,+/()", "organization": "o" * 64}
    assert cam.post("https_self_signed", mode="create", common_name="[2001:db8::10]", **fields).status == 200
    shown = cam.get("https_self_signed?mode=confirm").lines
    assert {key: shown[key] for key in fields} == fields
    assert shown["common_name"] == "[2001:db8::10]"


def test_https_11_states_of_the_self_signed_certificate(cam: Camera, ca: t.Any) -> None:
    assert cam.get("get_https").lines["self_signed_info"] == "not_generated"
    cam.make_key()
    cam.post("https_self_signed", mode="create", common_name="my-cam")
    assert cam.get("get_https").lines["self_signed_info"] == "my-cam"
    cam.upload("https_install_signed", ca.sign(cam.make_csr(), cam.spec.address))
    assert cam.get("get_https").lines["self_signed_info"] == "invalid"
    cam.get("https_signed?mode=delete")
    assert cam.get("get_https").lines["self_signed_info"] == "my-cam"


def test_https_11_the_self_signed_certificate_is_strict(cam: Camera, shell: t.Any, tmp_path: pathlib.Path) -> None:
    cam.make_key()
    cam.post("https_self_signed", mode="create", common_name=cam.spec.address)
    file = tmp_path / "own.pem"
    file.write_text(cam.sim.camera("cam1").state.self_signed.pem)
    strict = ["-x509_strict", "-purpose", "sslserver", "-verify_ip", cam.spec.address, "-CAfile", str(file)]
    assert shell("openssl", "verify", *strict, str(file)) == f"{file}: OK\n"


def test_https_12_confirm_and_delete_self_signed(cam: Camera) -> None:
    assert cam.get("https_self_signed?mode=confirm").status == 400
    cam.make_key()
    cam.post("https_self_signed", mode="create", common_name=cam.spec.address)
    cam.go_https()
    assert "HTTPS-12" in cam.get("https_self_signed?mode=delete").reason
    assert cam.post("set_https", live="http").status == 200
    cam.sim.advance(10)
    cam.scheme, cam.port = "http", 8080
    assert cam.get("https_self_signed?mode=delete").status == 200
    assert "HTTPS-12" in cam.get("https_self_signed?mode=delete").reason


def test_https_20_the_csr_is_what_openssl_reads(cam: Camera, shell: t.Any, tmp_path: pathlib.Path) -> None:
    cam.make_key()
    assert cam.get("https_signed?mode=get_info").lines["last_modified"] == "not_generated"
    assert "HTTPS-20" in cam.get("https_signed?mode=get_csr").reason
    csr = cam.make_csr(country="JP", organization="Acme", organizational_unit="CCTV")
    (tmp_path / "a.csr").write_text(csr)
    text = shell(
        "openssl", "req", "-in", str(tmp_path / "a.csr"), "-verify", "-noout", "-subject", "-nameopt", "RFC2253"
    )
    assert "verify OK" in text
    assert f"CN={cam.spec.address},OU=CCTV,O=Acme,C=JP" in text
    assert cam.get("https_signed?mode=get_info").lines["last_modified"] != "not_generated"
    assert "application/x-pem-file" in cam.get("https_signed?mode=get_csr").head


def test_https_21_what_cannot_be_installed(cam: Camera, ca: t.Any) -> None:
    assert "HTTPS-21" in cam.upload("https_install_signed", ca.pem).reason
    cam.make_key()
    assert "HTTPS-21" in cam.upload("https_install_signed", ca.pem).reason
    good = ca.sign(cam.make_csr(), cam.spec.address)
    key = (ca.folder / "ca.key").read_text()
    for text in (key, good + key, "garbage", good + good, good.replace("MII", "AAA", 1), ""):
        reply = cam.upload("https_install_signed", text)
        assert reply.status == 400
        assert "HTTPS-21" in reply.reason
    assert "HTTPS-05" in cam.upload("https_install_signed", ca.pem).reason
    assert cam.post("https_install_signed", other="x").status == 400
    assert cam.upload("https_install_signed", good).status == 200


def test_https_21_the_ca_certificate_is_used(cam: Camera, ca: t.Any, shell: t.Any) -> None:
    cam.make_key()
    cam.post("https_self_signed", mode="create", common_name="own")
    cam.upload("https_install_signed", ca.sign(cam.make_csr(), cam.spec.address))
    cam.go_https()
    assert "verify return:1" in (text := handshake(cam, shell, ca))
    assert "Verify return code: 0 (ok)" in text


def handshake(cam: Camera, shell: t.Any, ca: t.Any, *options: str) -> str:
    place = f"{cam.spec.address}:{cam.port}"
    strict = ["-x509_strict", "-verify_ip", cam.spec.address, "-CAfile", str(ca.path)]
    return str(shell("openssl", "s_client", "-connect", place, *strict, *options, data=""))


def test_https_22_states_of_the_ca_certificate(cam: Camera, ca: t.Any) -> None:
    assert cam.get("get_https").lines["ca_cert_info"] == "not_generated"
    cam.make_key()
    cam.upload("https_install_signed", ca.sign(cam.make_csr(), cam.spec.address))
    assert cam.get("get_https").lines["ca_cert_info"] == cam.spec.address
    cam.sim.control("/devices/cam1/set", "POST", {"expire_certificate": True})
    assert cam.get("get_https").lines["ca_cert_info"] == "expired"
    cam.get("https_signed?mode=delete")
    assert cam.get("get_https").lines["ca_cert_info"] == "invalid"


def test_https_23_confirm_delete_and_update(cam: Camera, ca: t.Any, shell: t.Any, tmp_path: pathlib.Path) -> None:
    assert "HTTPS-23" in cam.get("https_signed?mode=confirm").reason
    assert "HTTPS-23" in cam.get("https_signed?mode=delete").reason
    cam.make_key()
    certificate = ca.sign(cam.make_csr(organizational_unit="Secret"), cam.spec.address)
    (tmp_path / "c.pem").write_text(certificate)
    cam.upload("https_install_signed", certificate)
    cam.go_https()
    shown = cam.get("https_signed?mode=confirm").lines
    serial = shell("openssl", "x509", "-in", str(tmp_path / "c.pem"), "-noout", "-serial").strip().partition("=")[2]
    assert shown["serial_number"] == serial.lower().lstrip("0")
    assert (shown["organizational_unit"], shown["issuer"]) == ("******", "Test Root")
    assert "HTTPS-23" in cam.get("https_signed?mode=delete").reason
    renewed = ca.sign(cam.make_csr(), cam.spec.address, days=200)
    assert cam.upload("https_install_signed", renewed).status == 200
    assert cam.get("https_signed?mode=confirm").lines["serial_number"] != shown["serial_number"]
    served = handshake(cam, shell, ca, "-showcerts")
    assert renewed.splitlines()[5] in served


def test_https_24_expiry_ends_https_and_a_restart_falls_back(cam: Camera, ca: t.Any, shell: t.Any) -> None:
    cam.secure(ca)
    cam.sim.control("/devices/cam1/set", "POST", {"expire_certificate": True})
    assert "alert certificate expired" in handshake(cam, shell, ca)
    assert cam.get("get_https").status == 0
    cam.sim.control("/devices/cam1/restart", "POST", {})
    cam.sim.advance(60)
    cam.scheme, cam.port = "http", 8080
    lines = cam.get("get_https").lines
    assert (lines["live"], lines["ca_cert_info"]) == ("http", "expired")
    assert "HTTPS-24" in cam.post("set_https", live="https", https_port=8443).reason


def test_https_25_verification_needs_the_root_at_the_client(cam: Camera, ca: t.Any, shell: t.Any) -> None:
    cam.secure(ca)
    place = f"{cam.spec.address}:{cam.port}"
    without = shell("openssl", "s_client", "-connect", place, "-no-CApath", "-no-CAfile", "-no-CAstore", data="")
    assert "unable to get local issuer certificate" in without
    assert "Verify return code: 0 (ok)" in handshake(cam, shell, ca)


def test_https_30_http_only_or_https_only(cam: Camera) -> None:
    assert cam.post("set_https", live="dual").status == 400
    cam.make_key()
    assert "HTTPS-30" in cam.post("set_https", live="https", https_port=8443).reason
    cam.post("https_self_signed", mode="create", common_name=cam.spec.address)
    cam.go_https()
    assert cam.get("get_https").lines["live"] == "https"
    cam.scheme, cam.port = "http", 8080
    assert cam.get("get_https").status == 0


@pytest.mark.parametrize(
    "port", [0, 20, 21, 23, 25, 42, 53, 67, 68, 69, 80, 110, 123, 161, 162, 554, 995, 10669, 10670, 59000, 61000, 65536]
)
def test_https_31_ports_that_are_refused(cam: Camera, port: int) -> None:
    reply = cam.post("set_https", live="http", https_port=port)
    assert reply.status == 400
    assert "HTTPS-31" in reply.reason


def test_https_31_ports_that_are_taken(cam: Camera) -> None:
    assert cam.get("get_https").lines["https_port"] == "443"
    assert "HTTPS-31" in cam.post("set_https", live="http", https_port=8080).reason
    for port in (1, 58999, 61001, 65535):
        assert cam.post("set_https", live="http", https_port=port).lines["https_port"] == str(port)
    assert cam.post("set_https", live="http", https_port="44x").status == 400


def test_https_32_switching_takes_a_while(cam: Camera) -> None:
    cam.make_key()
    cam.post("https_self_signed", mode="create", common_name=cam.spec.address)
    assert cam.post("set_https", live="https", https_port=8443).lines["live"] == "https"
    cam.sim.settle()
    assert cam.get("getinfo?FILE=1").status == 0
    cam.scheme, cam.port = "https", 8443
    cam.sim.advance(9)
    assert cam.get("getinfo?FILE=1").status == 0
    cam.sim.advance(1)
    assert cam.get("getinfo?FILE=1").lines["NAME"] == "cam1"


def test_https_30_a_weak_key_is_served(cam: Camera) -> None:
    give_key(cam)
    cam.post("https_self_signed", mode="create", common_name=cam.spec.address)
    cam.go_https()
    assert cam.curl("get_https", "--ciphers", "DEFAULT:@SECLEVEL=0").lines["live"] == "https"


def test_https_33_a_stream_over_https_is_one(cam: Camera, ca: t.Any) -> None:
    cam.secure(ca)
    reply = cam.curl(NOW_LIVE, "--max-time", "0.3", "-o", "/dev/null")
    assert reply.status == 200
    assert "X-Encryption: off" in reply.head
