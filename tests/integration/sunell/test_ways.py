# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The three ways to a certificate, rules CAM-01 to CAM-26, as curl and openssl see them."""

from __future__ import annotations

import typing as t

from .conftest import HTTPS, OutsideCA, Rig, must, public_key, run

NewRig = t.Callable[..., Rig]


# -- way 1: the CA built into the firmware ---------------------------------------------------------------------------


def test_cam_01_a_certificate_of_the_built_in_root_for_the_address(rig: Rig) -> None:
    root = rig.trusted_root()
    assert rig.verdict(root) == "OK"
    assert rig.fetches(root)
    text = must("openssl", "x509", "-noout", "-ext", "subjectAltName", data=rig.shown())
    assert f"IP Address:{rig.host}" in text


def test_cam_01_every_boot_makes_another_key_under_the_same_root(rig: Rig) -> None:
    root, before = rig.trusted_root(), rig.shown()
    rig.restart()
    after = rig.shown()
    assert public_key(before) != public_key(after)
    assert rig.verdict(root) == "OK"
    assert rig.root() == root.read_text()


def test_cam_01_every_device_of_a_version_has_the_same_root(rig: Rig, new_rig: NewRig) -> None:
    other = new_rig()
    assert other.root() == rig.root()
    assert public_key(other.shown()) != public_key(rig.shown())


def test_cam_02_cacert_crt(rig: Rig) -> None:
    reply = rig.param("export", "CACert")
    assert 'Content-Disposition: attachment; filename="cacert.crt"' in reply.head
    root = reply.text
    assert "CA:TRUE" in must("openssl", "x509", "-noout", "-ext", "basicConstraints", data=root)
    dates = must("openssl", "x509", "-noout", "-dates", data=root)
    assert dates == "notBefore=Aug 14 00:00:00 2023 GMT\nnotAfter=Aug 11 00:00:00 2033 GMT\n"


def test_cam_03_the_certificate_is_of_the_old_address_until_the_restart(rig: Rig, elsewhere: str) -> None:
    root, before = rig.trusted_root(), rig.shown()
    assert rig.move(elsewhere).status == 200
    assert rig.shown() == before
    assert "IP address mismatch" in rig.verdict(root)
    assert not rig.fetches(root)
    rig.restart()
    assert rig.verdict(root) == "OK"
    assert rig.fetches(root)


def test_cam_04_an_uploaded_pair_wins_at_once_and_after_a_restart(rig: Rig, outside: OutsideCA) -> None:
    root = rig.trusted_root()
    certificate, key = outside.pair(rig.host, f"IP:{rig.host}")
    assert rig.upload("serverCert", certFile=certificate, keyFile=key).fields["certType"] == "1"
    for _time in range(2):
        assert "unable to get local issuer" in rig.verdict(root)
        assert not rig.fetches(root)
        assert rig.verdict(outside.trusted) == "OK"
        assert rig.fetches(outside.trusted)
        rig.restart()


def test_cam_04_the_way_back_to_the_built_in(rig: Rig, outside: OutsideCA) -> None:
    root, before = rig.trusted_root(), rig.shown()
    certificate, key = outside.pair(rig.host, f"IP:{rig.host}")
    assert rig.upload("serverCert", certFile=certificate, keyFile=key).status == 200
    assert rig.param("set", "HTTPS", certType=0).fields["certType"] == "0"
    assert rig.shown() == before
    assert rig.param("set", "HTTPS", certType=1).fields["certType"] == "1"
    assert rig.verdict(outside.trusted) == "OK"
    assert rig.param("delete", "serverCert").fields["certType"] == "0"
    assert rig.verdict(root) == "OK"
    for way in (1, 2, 3, "x"):
        assert rig.param("set", "HTTPS", certType=way).status == 400
    assert rig.param("delete", "serverCert").status == 400


def test_cam_05_a_boot_with_a_wrong_clock(new_rig: NewRig) -> None:
    rig = new_rig("wrong-clock")
    root = rig.trusted_root()
    # Its clock is before the root's own beginning: whoever has that time too sees no valid chain.
    at = str(int(rig.device.now()) + 60)
    rig.folder.joinpath("shown.pem").write_text(rig.shown())
    done = run("openssl", "verify", "-attime", at, "-CAfile", str(root), str(rig.folder / "shown.pem"))
    assert "certificate is not yet valid" in done.stderr


def test_cam_05_the_clock_ahead_makes_a_certificate_of_the_future(rig: Rig) -> None:
    root = rig.trusted_root()
    rig.order("set", clock_offset=2e7)
    assert rig.verdict(root) == "OK"
    rig.restart()
    assert "certificate is not yet valid" in rig.verdict(root)
    assert not rig.fetches(root)
    # Setting the clock is not enough: the certificate is made at the boot.
    assert rig.param("set", "NTP", enableFlag=1).status == 200
    assert "certificate is not yet valid" in rig.verdict(root)
    rig.restart()
    assert rig.verdict(root) == "OK"


def test_cam_05_a_clock_far_behind_makes_an_expired_one(rig: Rig) -> None:
    root = rig.trusted_root()
    rig.order("set", clock_offset=-6e8)
    rig.restart()
    assert "certificate has expired" in rig.verdict(root)


# -- way 2: one's own CA ---------------------------------------------------------------------------------------------


def test_cam_10_11_12_13_14_as_the_manual_does_it(rig: Rig, outside: OutsideCA) -> None:
    certificate, key = outside.pair(rig.host, "DNS:ipc.support.com", f"IP:{rig.host}")
    assert rig.upload("serverCert", certFile=certificate, keyFile=key).fields == {
        "enableFlag": "1", "certType": "1", "uploadedCert": "1", "certReq": "0", "signedCert": "0",
    }  # fmt: skip
    assert rig.verdict(outside.trusted) == "OK"
    assert rig.verdict(outside.trusted, name="ipc.support.com") == "OK"
    assert public_key(rig.shown()) == public_key(key)


def test_cam_13_what_does_not_belong_together_is_refused(rig: Rig, outside: OutsideCA) -> None:
    before = rig.shown()
    certificate, key = outside.pair(rig.host, f"IP:{rig.host}")
    other, _other_key = outside.pair(rig.host, f"IP:{rig.host}")
    encrypted = must("openssl", "pkey", "-aes256", "-passout", "pass:secret", data=key)
    elliptic = must("openssl", "genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256")
    binary = "0\x03\x02\x01\x00"
    wrong = [
        (other, key, "do not belong together"),
        (certificate, certificate, "exactly one private key"),
        (certificate, key + key, "exactly one private key"),
        (key, key, "private key never belongs"),
        (certificate + key, key, "private key never belongs"),
        (binary, key, "no PEM certificate"),
        ("", key, "no PEM certificate"),
        (certificate, binary, "exactly one private key"),
        (certificate, encrypted, "encrypted"),
        (certificate, elliptic, "no RSA key"),
        (certificate.replace("M", "N", 3), key, "no readable certificate"),
    ]
    for given, given_key, words in wrong:
        reply = rig.upload("serverCert", certFile=given, keyFile=given_key)
        assert reply.status == 400
        assert "CAM-13: " in reply.reason
        assert words in reply.reason
    assert rig.upload("serverCert", certFile=certificate).status == 400
    assert rig.shown() == before
    assert rig.ways["uploadedCert"] == "0"


def test_cam_13_a_chain_is_presented_whole(rig: Rig, outside: OutsideCA) -> None:
    certificate, key = outside.pair(rig.host, f"IP:{rig.host}")
    root = (outside.folder / "rootCA.crt").read_text()
    assert rig.upload("serverCert", certFile=certificate + root, keyFile=key).status == 200
    seen = run("openssl", "s_client", "-showcerts", "-connect", f"{rig.host}:{HTTPS}", data="").stdout
    assert seen.count("-----BEGIN CERTIFICATE-----") == 2


def test_cam_15_the_address_is_one_in_the_certificate(rig: Rig, outside: OutsideCA, elsewhere: str) -> None:
    certificate, key = outside.pair(elsewhere, f"IP:{elsewhere}")
    assert rig.upload("serverCert", certFile=certificate, keyFile=key).status == 200
    assert "IP address mismatch" in rig.verdict(outside.trusted)
    # The manual: if not, change the device's address. No restart is needed for that.
    assert rig.move(elsewhere).status == 200
    assert rig.verdict(outside.trusted) == "OK"


def test_cam_15_the_clock_is_inside_the_validity_at_the_upload(rig: Rig, outside: OutsideCA) -> None:
    certificate, key = outside.pair(rig.host, f"IP:{rig.host}")
    for offset in (-86400.0, 366 * 86400.0):
        rig.order("set", clock_offset=offset)
        reply = rig.upload("serverCert", certFile=certificate, keyFile=key)
        assert (reply.status, "CAM-15" in reply.reason) == (400, True)
    rig.order("set", clock_offset=0.0)
    assert rig.upload("serverCert", certFile=certificate, keyFile=key).status == 200


def test_cam_15_the_clock_is_inside_the_validity_at_a_handshake(rig: Rig, outside: OutsideCA) -> None:
    certificate, key = outside.pair(rig.host, f"IP:{rig.host}")
    assert rig.upload("serverCert", certFile=certificate, keyFile=key).status == 200
    rig.order("set", expire_certificate=True)
    done = run("openssl", "s_client", "-connect", f"{rig.host}:{HTTPS}", data="")
    assert "alert certificate expired" in done.stdout + done.stderr
    assert not rig.fetches(outside.trusted)
    # Plain HTTP is there to set the clock.
    assert rig.param("set", "NTP", enableFlag=1).status == 200
    assert rig.fetches(outside.trusted)


# -- way 3: a public CA ----------------------------------------------------------------------------------------------


def test_cam_20_each_request_comes_with_a_new_key(rig: Rig) -> None:
    before = rig.shown()
    subject = {
        "country": "JP",
        "province": "Tokyo",
        "city": "Chiyoda-ku",
        "organization": "Our Company",
        "department": "A",
    }
    first = rig.make_request(**subject)
    assert "verify OK" in run("openssl", "req", "-verify", "-noout", data=first).stderr
    shown = must("openssl", "req", "-noout", "-subject", "-nameopt", "RFC2253", data=first)
    assert shown == f"subject=CN={rig.host},OU=A,O=Our Company,L=Chiyoda-ku,ST=Tokyo,C=JP\n"
    second = rig.make_request()
    assert public_key(first) != public_key(second)
    assert "2048 bit" in must("openssl", "req", "-noout", "-text", data=second)
    assert rig.shown() == before
    assert rig.ways["certReq"] == "1"


def test_cam_20_the_key_never_leaves_the_device(rig: Rig) -> None:
    rig.make_request()
    for path in (
        "param.cgi?action=get&type=HTTPS",
        "param.cgi?action=export&type=certReq",
        "param.cgi?action=export&type=CACert",
    ):
        assert "PRIVATE" not in rig.get(path).text
    assert "PRIVATE" not in str(rig.sim.control(f"/devices/{rig.spec.name}"))


def test_cam_20_bad_subjects_are_refused(rig: Rig) -> None:
    for fields in (
        {"commonName": ""},
        {"commonName": "a b"},
        {"commonName": "a" * 65},
        {"country": "JPN"},
        {"city": "東京"},
        {"organization": "o" * 65},
    ):
        reply = rig.param("create", "certReq", **{"commonName": rig.host, **fields})
        assert (reply.status, "CAM-20" in reply.reason) == (400, True)
    assert rig.ways["certReq"] == "0"


def test_cam_21_certreq_pem(rig: Rig) -> None:
    reply = rig.param("export", "certReq")
    assert (reply.status, "CAM-21" in reply.reason) == (400, True)
    rig.make_request()
    assert 'filename="certreq.pem"' in rig.param("export", "certReq").head


def test_cam_22_the_names_are_the_authoritys_business(rig: Rig, outside: OutsideCA) -> None:
    request = rig.make_request()
    assert rig.upload("signedCert", certFile=outside.sign(request)).status == 200
    assert "IP address mismatch" in rig.verdict(outside.trusted)
    good = outside.sign(request, f"IP:{rig.host}", "DNS:ipc.support.com")
    assert rig.upload("signedCert", certFile=good).status == 200
    assert rig.verdict(outside.trusted) == "OK"
    assert rig.verdict(outside.trusted, name="ipc.support.com") == "OK"


def test_cam_23_only_for_the_last_request_of_this_very_device(rig: Rig, new_rig: NewRig, outside: OutsideCA) -> None:
    other = new_rig()
    name = f"IP:{rig.host}"
    foreign = outside.sign(other.make_request(), name)
    reply = rig.upload("signedCert", certFile=foreign)
    assert (reply.status, "CAM-23" in reply.reason) == (400, True)
    old = outside.sign(rig.make_request(), name)
    request = rig.make_request()
    for wrong in (old, foreign, outside.pair(rig.host, name)[0], request, ""):
        reply = rig.upload("signedCert", certFile=wrong)
        assert (reply.status, "CAM-23" in reply.reason) == (400, True)
    assert rig.ways["signedCert"] == "0"
    fields = rig.upload("signedCert", certFile=outside.sign(request, name)).fields
    assert (fields["certType"], fields["signedCert"]) == ("2", "1")
    assert rig.verdict(outside.trusted) == "OK"
    assert public_key(rig.shown()) == public_key(request)
    rig.restart()
    assert rig.verdict(outside.trusted) == "OK"


def test_cam_23_a_new_request_makes_the_certificate_useless(rig: Rig, outside: OutsideCA) -> None:
    root, name = rig.trusted_root(), f"IP:{rig.host}"
    assert rig.upload("signedCert", certFile=outside.sign(rig.make_request(), name)).status == 200
    rig.make_request()
    assert rig.ways["signedCert"] == "0"
    # The running server has the old pair in memory; after the restart there is no key for it.
    assert rig.verdict(outside.trusted) == "OK"
    rig.restart()
    assert rig.ways["certType"] == "0"
    assert rig.verdict(root) == "OK"
    # The key of the request is still there.
    renewed = outside.sign(rig.param("export", "certReq").text, name)
    assert rig.upload("signedCert", certFile=renewed).status == 200
    assert rig.verdict(outside.trusted) == "OK"


def test_cam_23_deleting_the_request_deletes_its_key(rig: Rig, outside: OutsideCA) -> None:
    certificate = outside.sign(rig.make_request(), f"IP:{rig.host}")
    assert rig.upload("signedCert", certFile=certificate).status == 200
    assert rig.param("delete", "signedCert").fields["certType"] == "0"
    assert rig.param("delete", "signedCert").status == 400
    assert rig.upload("signedCert", certFile=certificate).status == 200
    assert rig.param("delete", "certReq").fields["certType"] == "0"
    assert rig.param("delete", "certReq").status == 400
    assert rig.upload("signedCert", certFile=certificate).status == 400
    assert rig.verdict(rig.trusted_root()) == "OK"


def test_cam_24_a_factory_reset_deletes_the_keys(rig: Rig, outside: OutsideCA) -> None:
    root = rig.trusted_root()
    certificate = outside.sign(rig.make_request(), f"IP:{rig.host}")
    assert rig.upload("signedCert", certFile=certificate).status == 200
    uploaded, key = outside.pair(rig.host, f"IP:{rig.host}")
    assert rig.upload("serverCert", certFile=uploaded, keyFile=key).status == 200
    rig.reset()
    assert rig.ways == {"enableFlag": "1", "certType": "0", "uploadedCert": "0", "certReq": "0", "signedCert": "0"}
    assert rig.verdict(root) == "OK"
    assert "CAM-23" in rig.upload("signedCert", certFile=certificate).reason
    rig.make_request()
    assert "CAM-23" in rig.upload("signedCert", certFile=certificate).reason


def test_cam_24_the_button_at_the_device(rig: Rig, outside: OutsideCA) -> None:
    assert rig.post("modifyUser", "User", userName="admin", newPassword="Neues-Wort-9").status == 200
    uploaded, key = outside.pair(rig.host, f"IP:{rig.host}")
    new = Rig(sim=rig.sim, spec=rig.spec, folder=rig.folder, user="admin:Neues-Wort-9")
    assert new.upload("serverCert", certFile=uploaded, keyFile=key).status == 200
    rig.order("factory_reset")
    rig.sim.advance(60)
    assert rig.ways["uploadedCert"] == "0"
    assert new.param("get", "NTP").status == 401


def test_cam_25_one_pair_on_several_devices(rig: Rig, new_rig: NewRig, outside: OutsideCA) -> None:
    other = new_rig()
    certificate, key = outside.pair(rig.host, f"IP:{rig.host}", f"IP:{other.host}")
    for one in (rig, other):
        assert one.upload("serverCert", certFile=certificate, keyFile=key).status == 200
        assert one.verdict(outside.trusted) == "OK"
    assert rig.shown() == other.shown()
    assert rig.upload("signedCert", certFile=certificate).status == 400


def test_cam_26_the_active_certificate_is_read_by_connecting(rig: Rig, outside: OutsideCA) -> None:
    certificate = outside.sign(rig.make_request(), f"IP:{rig.host}")
    assert rig.upload("signedCert", certFile=certificate).status == 200
    asked = ("-noout", "-serial", "-dates", "-ext", "subjectAltName")
    assert must("openssl", "x509", *asked, data=rig.shown()) == must("openssl", "x509", *asked, data=certificate)
    assert f"IP Address:{rig.host}" in must("openssl", "x509", *asked, data=rig.shown())


def test_connections_that_stand_keep_their_certificate(rig: Rig, outside: OutsideCA) -> None:
    import requests

    before = rig.trusted_root()
    certificate, key = outside.pair(rig.host, f"IP:{rig.host}")
    url = f"https://{rig.host}:{HTTPS}/cgi-bin/param.cgi?action=get&type=deviceInfo"
    with requests.Session() as session:
        session.trust_env = False
        assert session.get(url, verify=str(before), timeout=60).status_code == 200
        assert rig.upload("serverCert", certFile=certificate, keyFile=key).status == 200
        assert session.get(url, verify=str(before), timeout=60).status_code == 200
    assert rig.verdict(outside.trusted) == "OK"
