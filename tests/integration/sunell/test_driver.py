# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The driver against the simulated Sunell camera; openssl judges what came of it."""

from __future__ import annotations

import contextlib
import dataclasses as dc
import datetime as dt
import pathlib
import typing as t

import pytest
from ansible_collections.camsec.fleet.plugins.module_utils._core._errors import (
    CamsecError,
    ConnectError,
    LoginError,
    ProtocolError,
    RefusedError,
    RuleError,
    TrustError,
)
from ansible_collections.camsec.fleet.plugins.module_utils._core._secret import Secret
from ansible_collections.camsec.fleet.plugins.module_utils._sunell import rules
from ansible_collections.camsec.fleet.plugins.module_utils._sunell.api import SunellApi
from ansible_collections.camsec.fleet.plugins.module_utils._sunell.state import (
    HttpsState,
    Network,
    Ntp,
    RequestSubject,
)
from ansible_collections.camsec.fleet.plugins.module_utils._tls._certificate import CertificateFacts
from ansible_collections.camsec.fleet.plugins.module_utils._transport._connection import Endpoint, Trust
from ansible_collections.camsec.fleet.plugins.module_utils._transport._session import Credentials, DeviceSession

from .conftest import HTTP, PASSWORD, OutsideCA, Rig, must, public_key

Connect = t.Callable[..., SunellApi]


@pytest.fixture
def connect(rig: Rig) -> t.Iterator[Connect]:
    """The driver on this test's camera: over plain HTTP, or over HTTPS when there is a CA to trust."""
    with contextlib.ExitStack() as stack:

        def make(
            ca: str | pathlib.Path | None = None, *, other: Rig | None = None, password: str = PASSWORD
        ) -> SunellApi:
            one = other or rig
            scheme, port = ("https", one.https_port) if ca else ("http", HTTP)
            session = DeviceSession(
                device=one.spec.name,
                endpoint=Endpoint(scheme=scheme, host=one.host, port=port),
                credentials=Credentials(username="admin", password=Secret(password)),
                trust=Trust(ca_path=str(ca)) if ca else Trust(),
                timeout=20,
            )
            return SunellApi(stack.enter_context(session))

        yield make


@pytest.fixture
def api(connect: Connect) -> SunellApi:
    return connect()


def facts(pem: str) -> CertificateFacts:
    return CertificateFacts.from_pem(pem)


def test_a_state_is_read_over_https(rig: Rig, connect: Connect) -> None:
    state = connect(rig.trusted_root()).state()
    assert (state.scheme, state.model, state.network.address) == ("https", rig.spec.model, rig.host)
    assert state.https == https_state(enabled=True)
    assert state.certificate is not None
    serial = must("openssl", "x509", "-noout", "-serial", data=rig.shown()).strip().lower().removeprefix("serial=")
    assert state.certificate.serial_number == serial.lstrip("0")
    assert state.clock is not None
    assert abs(state.clock.latest.timestamp() - rig.device.now()) <= 1
    assert PASSWORD not in str(state.shown())


def https_state(**changes: t.Any) -> t.Any:
    given = {"enabled": True, "way": "built_in", "uploaded": False, "requested": False, "signed": False}
    return HttpsState(**{**given, **changes})


def test_way_1_and_its_root(rig: Rig, api: SunellApi, connect: Connect, tmp_path: pathlib.Path) -> None:
    root = tmp_path / "cacert.crt"
    root.write_text(api.built_in_root())
    assert rig.verdict(root) == "OK"
    rules.check_built_in_clock(rig.host, api.state(), facts(root.read_text()))
    assert connect(root).https().way == "built_in"


def test_way_2_a_pair_of_ones_own_ca(rig: Rig, connect: Connect, outside: OutsideCA) -> None:
    api = connect(rig.trusted_root())
    certificate, key = outside.pair(rig.host, f"IP:{rig.host}")
    state = api.state()
    rules.check_pair(rig.host, facts(certificate), Secret(key))
    rules.check_key_confidential(rig.host, state, allowed=False)
    rules.check_names(rig.host, facts(certificate), (rig.host,), way="uploaded")
    rules.check_clock(rig.host, later(state), facts(certificate))
    api.upload_pair(certificate, Secret(key))
    assert api.https() == https_state(way="uploaded", uploaded=True)
    assert rig.verdict(outside.trusted) == "OK"
    after = connect(outside.trusted).state()
    assert after.certificate is not None
    assert after.certificate.sha256 == facts(certificate).sha256
    api.set_https(way="built_in")
    assert rig.verdict(rig.trusted_root()) == "OK"
    api.set_https(way="uploaded")
    assert rig.verdict(outside.trusted) == "OK"
    api.delete_pair()
    assert api.https() == https_state()


def later(state: t.Any) -> t.Any:
    """The clock of the simulator stands still and is behind the one that signed."""
    now = dt.datetime.now(dt.UTC)
    return dc.replace(state, clock=dc.replace(state.clock, earliest=now, latest=now))


def test_way_3_a_request_of_the_camera(rig: Rig, api: SunellApi, connect: Connect, outside: OutsideCA) -> None:
    subject = RequestSubject(common_name=rig.host, country="JP", state="Tokyo", locality="Minato", organization="Ours")
    rules.check_request_subject(rig.host, subject, (rig.host,))
    api.make_request(subject)
    request = api.certificate_request()
    assert must("openssl", "req", "-noout", "-subject", "-nameopt", "RFC2253", data=request) == (
        f"subject=CN={rig.host},O=Ours,L=Minato,ST=Tokyo,C=JP\n"
    )
    certificate = outside.sign(request, f"IP:{rig.host}")
    rules.check_signed(rig.host, api.state(), facts(certificate))
    rules.check_names(rig.host, facts(certificate), (rig.host,), way="signed")
    api.upload_signed(certificate)
    assert api.https() == https_state(way="signed", requested=True, signed=True)
    assert rig.verdict(outside.trusted) == "OK"
    assert public_key(rig.shown()) == public_key(request)
    rules.check_not_lost(rig.host, connect(outside.trusted).state(), facts(certificate), way="signed")
    api.delete_signed()
    api.delete_request()
    assert api.https() == https_state()


def test_cam_13_the_rule_and_the_camera_refuse_the_same(rig: Rig, api: SunellApi, outside: OutsideCA) -> None:
    certificate, key = outside.pair(rig.host, f"IP:{rig.host}")
    other, _other_key = outside.pair(rig.host, f"IP:{rig.host}")
    elliptic = must("openssl", "genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256")
    encrypted = must("openssl", "pkey", "-aes256", "-passout", "pass:secret", data=key)
    for given, given_key in ((other, key), (certificate, elliptic), (certificate, encrypted), (certificate, "text")):
        with pytest.raises(RuleError, match="CAM-13"):
            rules.check_pair(rig.host, facts(given), Secret(given_key))
        with pytest.raises(RefusedError, match="CAM-13") as caught:
            api.upload_pair(given, Secret(given_key))
        assert "BEGIN" not in caught.value.message
    rules.check_pair(rig.host, facts(certificate), Secret(key))
    api.upload_pair(certificate, Secret(key))


def test_cam_15_the_rule_and_the_camera_refuse_the_same(rig: Rig, api: SunellApi, outside: OutsideCA) -> None:
    certificate, key = outside.pair(rig.host, f"IP:{rig.host}", days=30)
    for offset in (-86400.0, 31 * 86400.0):
        rig.order("set", clock_offset=offset)
        with pytest.raises(RuleError, match="CAM-15"):
            rules.check_clock(rig.host, api.state(), facts(certificate))
        with pytest.raises(RefusedError, match="CAM-15"):
            api.upload_pair(certificate, Secret(key))
    api.set_ntp(Ntp(enabled=True, server="ntp.nict.jp", port=123, interval=3600))
    api.upload_pair(certificate, Secret(key))


def test_cam_23_the_rule_and_the_camera_refuse_the_same(
    rig: Rig, api: SunellApi, new_rig: t.Callable[..., Rig], connect: Connect, outside: OutsideCA
) -> None:
    name, other = f"IP:{rig.host}", connect(other=new_rig())
    other.make_request(RequestSubject(common_name=rig.host))
    foreign = outside.sign(other.certificate_request(), name)
    api.make_request(RequestSubject(common_name=rig.host))
    old = outside.sign(api.certificate_request(), name)
    for wanted in ("none", "newer"):
        if wanted == "none":
            api.delete_request()
        else:
            api.make_request(RequestSubject(common_name=rig.host))
        for certificate in (foreign, old):
            with pytest.raises(RuleError, match="CAM-23"):
                rules.check_signed(rig.host, api.state(), facts(certificate))
            with pytest.raises(RefusedError, match="CAM-23"):
                api.upload_signed(certificate)


def test_cam_24_a_reset_is_seen(rig: Rig, api: SunellApi, outside: OutsideCA) -> None:
    api.make_request(RequestSubject(common_name=rig.host))
    certificate = facts(outside.sign(api.certificate_request(), f"IP:{rig.host}"))
    api.upload_signed(certificate.pem)
    rules.check_not_lost(rig.host, api.state(), certificate, way="signed")
    api.factory_reset()
    rig.sim.advance(60)
    with pytest.raises(RuleError, match="CAM-24"):
        rules.check_not_lost(rig.host, api.state(), certificate, way="signed")
    with pytest.raises(RefusedError, match="CAM-23"):
        api.upload_signed(certificate.pem)


def test_cam_03_an_address_change_is_seen(rig: Rig, api: SunellApi, connect: Connect, elsewhere: str) -> None:
    root = rig.trusted_root()
    api.set_network(Network(address=elsewhere, netmask="255.255.255.0", gateway=rig.host, dns=("", rig.host)))
    rig.sim.advance(3)
    rig.host = elsewhere
    with pytest.raises(TrustError):
        connect(root).https()
    moved = connect()
    assert moved.network() == Network(
        address=elsewhere, netmask="255.255.255.0", gateway=rig.spec.address, dns=("", rig.spec.address)
    )
    seen = dc.replace(moved.state(), certificate=facts(rig.shown()))
    with pytest.raises(RuleError, match="CAM-03"):
        rules.check_built_in_current(rig.host, seen)
    moved.restart()
    rig.sim.advance(60)
    rules.check_built_in_current(rig.host, connect(root).state())


def test_ports_and_https_off_and_on(rig: Rig, api: SunellApi) -> None:
    api.set_ports(httpsPort=9443)
    rig.sim.advance(3)
    assert api.ports()["httpsPort"] == rig.device.state.ports["httpsPort"] == 9443
    rig.https_port = 9443
    assert rig.shown()
    api.set_https(enabled=False)
    rig.sim.settle()
    assert rig.shown() == ""
    assert api.https().enabled is False
    with pytest.raises(RefusedError, match="devicePort"):
        api.set_ports(httpPort=554)


def test_switching_https_off_over_https(rig: Rig, connect: Connect) -> None:
    api = connect(rig.trusted_root())
    api.set_https(enabled=False)
    rig.sim.settle()
    with pytest.raises(ConnectError):
        api.https()
    assert connect().https().enabled is False


def test_clock_and_time_server(rig: Rig, api: SunellApi) -> None:
    api.set_time_zone(110)
    assert api.time_zone() == (110, False)
    noon = dt.datetime(2031, 5, 6, 12, tzinfo=dt.UTC)
    api.set_clock(noon)
    assert rig.device.now() == pytest.approx(noon.timestamp())
    assert api.local_time().isoformat() == "2031-05-06T13:00:00"
    clock = api.clock()
    assert clock is not None
    assert clock.earliest == clock.latest == noon
    wanted = Ntp(enabled=True, server="ntp.nict.jp", port=123, interval=600)
    assert api.ntp_answers() is True
    api.set_ntp(wanted)
    assert api.ntp() == wanted
    assert abs(rig.device.now() - rig.sim.simulator.clock.now()) < 1
    assert api.protocol()["protocolName"] == "ONVIF"


def test_users(api: SunellApi, connect: Connect) -> None:
    assert api.users() == {"admin": "SuperAdmin", "viewer": "User"}
    api.add_user("second", Secret("Zweites-Geheimnis-8"), "Operator")
    assert api.users()["second"] == "Operator"
    api.delete_user("second")
    api.change_password("admin", Secret("Neues-Geheimnis-9"))
    with pytest.raises(LoginError):
        connect().users()
    assert "second" not in connect(password="Neues-Geheimnis-9").users()
    with pytest.raises(RefusedError, match="newPassword") as caught:
        connect(password="Neues-Geheimnis-9").change_password("admin", Secret("a b"))
    assert "Geheimnis" not in caught.value.message


@pytest.mark.parametrize(
    ("kind", "error"),
    [
        ("drop", ConnectError),
        ("html", ProtocolError),
        ("truncate", ConnectError),
        ("redirect", ProtocolError),
        ("empty", ProtocolError),
        ("huge", ProtocolError),
    ],
)
def test_bad_answers_are_one_sentence(rig: Rig, api: SunellApi, kind: str, error: type[CamsecError]) -> None:
    assert api.https().enabled
    rig.order("fault", kind=kind)
    for ask in (api.https, api.state, api.built_in_root, api.users, api.clock):
        with pytest.raises(error) as caught:
            ask()
        assert caught.value.message.startswith(f"{rig.spec.name}: ")
        assert PASSWORD not in caught.value.message


def test_the_older_variant_is_not_spoken(new_rig: t.Callable[..., Rig], connect: Connect) -> None:
    api = connect(other=new_rig("older"))
    assert api.identity()["productModel"]
    with pytest.raises(LoginError):
        api.ports()
