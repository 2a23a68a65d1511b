# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Modules and driver against the simulated Sunell camera; openssl judges what came of it.

What our rules refuse is given to the camera as well, by the driver's calls alone: both refuse the same.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import importlib
import pathlib
import time
import typing as t

import pytest
from ansible_collections.camsec.fleet.plugins.module_utils._core._errors import (
    CamsecError,
    ConnectError,
    LoginError,
    ProtocolError,
    RefusedError,
)
from ansible_collections.camsec.fleet.plugins.module_utils._core._secret import Secret
from ansible_collections.camsec.fleet.plugins.module_utils._module import run_in_worker
from ansible_collections.camsec.fleet.plugins.module_utils._pki._authority import CertificateAuthority
from ansible_collections.camsec.fleet.plugins.module_utils._sunell.api import SunellApi
from ansible_collections.camsec.fleet.plugins.module_utils._sunell.driver import SunellDriver
from ansible_collections.camsec.fleet.plugins.module_utils._sunell.state import (
    HttpsState,
    Network,
    Ntp,
    RequestSubject,
)
from ansible_collections.camsec.fleet.plugins.module_utils._transport._connection import Endpoint, Trust
from ansible_collections.camsec.fleet.plugins.module_utils._transport._session import Credentials, DeviceSession

from .conftest import HTTP, PASSWORD, OutsideCA, Rig, must, public_key

PASSPHRASE = "Siegel-Geheimnis-9"
Connect = t.Callable[..., SunellApi]
Result = dict[str, t.Any]


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


@pytest.fixture
def trusted(rig: Rig, outside: OutsideCA) -> pathlib.Path:
    """A file for clients that trust the built-in CA and the one outside."""
    path = rig.folder / "trusted.pem"
    path.write_text(rig.root() + pathlib.Path(outside.trusted).read_text())
    return path


@pytest.fixture
def pair(rig: Rig, outside: OutsideCA) -> tuple[str, str]:
    """A certificate for this test's camera and its key, made outside; the camera's clock, which stands, is after it."""
    made = outside.pair(rig.host, f"IP:{rig.host}", days=30)
    catch_up(rig)
    return made


def catch_up(rig: Rig) -> None:
    """The simulator's clock stands still and is behind the one that signed."""
    behind = time.time() + 1 - rig.sim.simulator.clock.now()
    if behind > 0:
        rig.sim.advance(behind)


def run(rig: Rig, module: str, *, check_mode: bool = False, **options: t.Any) -> Result:
    """A module, as a task runs it."""
    source = importlib.import_module(f"ansible_collections.camsec.fleet.plugins.modules.{module}")
    common = {
        "host": rig.host, "http_port": HTTP, "https_port": rig.https_port, "username": "admin", "password": PASSWORD,
        "driver": "sunell", "first_contact": "refuse", "timeout": 20,
    }  # fmt: skip
    result = run_in_worker(source.SPEC, {**common, **options}, check_mode=check_mode)
    assert PASSWORD not in str(result)
    return result


def good(rig: Rig, module: str, **options: t.Any) -> Result:
    result = run(rig, module, **options)
    assert not result.get("failed"), result
    return result


def bad(rig: Rig, module: str, words: str, **options: t.Any) -> None:
    """Refused in one sentence, planned or carried out, before anything is sent."""
    rig.sim.control(f"/devices/{rig.spec.name}/requests", "DELETE")
    for check_mode in (True, False):
        result = run(rig, module, check_mode=check_mode, **options)
        assert result.get("failed"), result
        assert words in result["msg"]
        assert ": found " in result["msg"]
        assert ", expected " in result["msg"]
        assert "\n" not in result["msg"]
        assert "PRIVATE KEY" not in result["msg"]
    assert rig.sim.control(f"/devices/{rig.spec.name}/requests")["counts"]["writes"] == 0


def with_key(rig: Rig, certificate: str, key: str) -> Result:
    """The options of a certificate that comes with its key."""
    path = rig.folder / "server.key"
    path.touch(mode=0o600)
    path.write_text(key)
    return {"certificate_content": certificate, "private_key_path": str(path)}


def https_state(**changes: t.Any) -> HttpsState:
    given = {"enabled": True, "way": "built_in", "uploaded": False, "requested": False, "signed": False}
    return HttpsState(**{**given, **changes})


def test_a_state_is_read_over_https(rig: Rig, connect: Connect) -> None:
    shown = good(rig, "camera_info", ca_path=str(rig.trusted_root()))
    camera = shown["camera"]
    assert (camera["model"], camera["connection"], camera["clock_offset"]) == (
        rig.spec.model, "https", pytest.approx(rig.device.now() - time.time(), abs=30),
    )  # fmt: skip
    serial = must("openssl", "x509", "-noout", "-serial", data=rig.shown()).strip().lower().removeprefix("serial=")
    assert shown["certificate"]["serial_number"] == serial.lstrip("0")
    assert connect(rig.trusted_root()).https() == https_state()


def test_cam_01_cam_05_way_1_and_its_root(rig: Rig, api: SunellApi, connect: Connect, tmp_path: pathlib.Path) -> None:
    root = tmp_path / "cacert.crt"
    root.write_text(api.built_in_root())
    assert rig.verdict(root) == "OK"
    assert connect(root).https().way == "built_in"
    known = good(rig, "camera_info", ca_path=str(root))["camera"]["built_in_authority"]
    assert (known["in_use"], known["fits_host"], known["clock_inside"]) == (True, True, True)


def test_cam_05_no_restart_with_a_clock_by_which_the_built_in_ca_is_not_valid(
    rig: Rig, trusted: pathlib.Path, pair: tuple[str, str]
) -> None:
    options = {"ca_path": str(trusted)}
    for offset in (-3e8, 4e8):
        rig.order("set", clock_offset=offset)
        assert good(rig, "camera_info", **options)["camera"]["built_in_authority"]["clock_inside"] is False
        bad(rig, "camera_reboot", "[CAM-05]", **options)
    rig.order("set", clock_offset=0.0)
    assert run(rig, "camera_reboot", check_mode=True, **options)["changed"]
    # Another certificate is in use: the restart makes none that anybody sees.
    good(rig, "camera_certificate", **with_key(rig, *pair), **options)
    rig.order("set", clock_offset=-3e8)
    assert run(rig, "camera_reboot", check_mode=True, first_contact="plain_http")["changed"]


def test_cam_04_cam_13_way_2_a_pair_of_ones_own_ca(
    rig: Rig, connect: Connect, outside: OutsideCA, trusted: pathlib.Path, pair: tuple[str, str]
) -> None:
    options = {"ca_path": str(trusted)}
    done = good(rig, "camera_certificate", **with_key(rig, *pair), **options)
    assert [(step["id"], step["rule"]) for step in done["plan"]] == [("install_with_key", "CAM-13")]
    assert connect(trusted).https() == https_state(way="uploaded", uploaded=True)
    assert rig.verdict(outside.trusted) == "OK"
    assert public_key(rig.shown()) == public_key(pair[1])
    gone = good(rig, "camera_certificate", state="absent", **options)
    assert [(step["id"], step["rule"]) for step in gone["plan"]] == [("delete_certificate", "CAM-04")]
    assert connect(trusted).https() == https_state()
    assert rig.verdict(rig.trusted_root()) == "OK"


def test_cam_20_to_cam_23_way_3_a_request_of_the_camera(
    rig: Rig, connect: Connect, outside: OutsideCA, trusted: pathlib.Path
) -> None:
    options = {"ca_path": str(trusted)}
    subject = {"country": "JP", "state_or_province": "Tokyo", "locality": "Minato", "organization": "Ours"}
    made = good(rig, "camera_certificate_request", **subject, **options)
    request = made["certificate_signing_request"]
    assert made["impacts"] == []
    assert must("openssl", "req", "-noout", "-subject", "-nameopt", "RFC2253", data=request) == (
        f"subject=CN={rig.host},O=Ours,L=Minato,ST=Tokyo,C=JP\n"
    )
    unnamed, elsewhere = outside.sign(request), outside.sign(request, "IP:192.0.2.99")
    certificate = outside.sign(request, f"IP:{rig.host}")
    catch_up(rig)
    expected = f"expected a subject alternative name for {rig.host}"
    bad(rig, "camera_certificate", f"found no subject alternative name, {expected}", certificate_content=unnamed)
    bad(rig, "camera_certificate", f"found IP:192.0.2.99, {expected}", certificate_content=elsewhere)
    good(rig, "camera_certificate", certificate_content=certificate, **options)
    assert connect(trusted).https() == https_state(way="signed", requested=True, signed=True)
    assert rig.verdict(outside.trusted) == "OK"
    assert public_key(rig.shown()) == public_key(request)
    # A further request takes the certificate its key away, at the next restart.
    again = good(rig, "camera_certificate_request", regenerate="always", **subject, **options)
    assert [impact["rule"] for impact in again["impacts"]] == ["CAM-23"]
    assert connect(trusted).https() == https_state(way="signed", requested=True, signed=False)
    rig.restart()
    assert rig.verdict(rig.trusted_root()) == "OK"


def test_cam_20_the_rule_and_the_camera_refuse_the_same(rig: Rig, api: SunellApi, trusted: pathlib.Path) -> None:
    for name, given in (("common_name", "a b"), ("country", "JPN"), ("locality", "東京"), ("organization", "o" * 65)):
        bad(rig, "camera_certificate_request", f"certificate subject, {name}", ca_path=str(trusted), **{name: given})
        with pytest.raises(RefusedError, match="CAM-20"):
            api.make_request(RequestSubject(**{"common_name": rig.host, name: given}))
    assert api.https() == https_state()


def test_cam_13_the_rule_and_the_camera_refuse_the_same(
    rig: Rig, api: SunellApi, outside: OutsideCA, trusted: pathlib.Path, pair: tuple[str, str]
) -> None:
    certificate, key = pair
    other, _other_key = outside.pair(rig.host, f"IP:{rig.host}")
    elliptic = must("openssl", "genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256")
    encrypted = must("openssl", "pkey", "-aes256", "-passout", "pass:secret", data=key)
    wrong = [
        (other, key, "a key that is not that of the certificate"),
        (certificate, elliptic, "a key that is not that of the certificate"),
        (certificate, encrypted, "an encrypted key"),
        (certificate, "text", "private key: found "),
    ]
    for given, given_key, words in wrong:
        bad(rig, "camera_certificate", words, ca_path=str(trusted), **with_key(rig, given, given_key))
        with pytest.raises(RefusedError, match="CAM-13") as caught:
            api.upload_pair(given, Secret(given_key))
        assert "BEGIN" not in caught.value.message
    api.upload_pair(certificate, Secret(key))


def test_cam_15_the_rule_and_the_camera_refuse_the_same(
    rig: Rig, api: SunellApi, trusted: pathlib.Path, pair: tuple[str, str]
) -> None:
    options = {"ca_path": str(trusted), **with_key(rig, *pair)}
    for offset in (-86400.0, 31 * 86400.0):
        rig.order("set", clock_offset=offset)
        bad(rig, "camera_certificate", "[CAM-15]", **options)
        with pytest.raises(RefusedError, match="CAM-15"):
            api.upload_pair(pair[0], Secret(pair[1]))
    api.set_ntp(Ntp(enabled=True, server="ntp.nict.jp", port=123, interval=3600))
    good(rig, "camera_certificate", **options)


def test_cam_15_with_daylight_saving_time_both_ends_count(
    rig: Rig, trusted: pathlib.Path, pair: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The simulated camera has no daylight saving time: here it says so, and its certificate is seconds old."""
    options = {"ca_path": str(trusted), **with_key(rig, *pair)}
    authority = CertificateAuthority.create(
        rig.folder / "ca", passphrase=Secret(PASSPHRASE), common_name="Ours", key_type="ecdsa"
    )
    ours = {
        "authority_directory": str(authority.directory), "authority_passphrase": PASSPHRASE, "backdate_hours": 0,
        "first_contact": "any_certificate",
    }  # fmt: skip
    rig.order("set", clock_offset=time.time() + 60 - rig.sim.simulator.clock.now())
    with monkeypatch.context() as patch:
        zone = SunellApi.time_zone
        patch.setattr(SunellApi, "time_zone", lambda self: (zone(self)[0], True))
        bad(rig, "camera_certificate", "[CAM-15]", **options)
        bad(rig, "camera", "[CAM-15]", **ours)
    assert run(rig, "camera", check_mode=True, **ours)["changed"]
    good(rig, "camera_certificate", **options)


def test_cam_23_the_rule_and_the_camera_refuse_the_same(
    rig: Rig, new_rig: t.Callable[..., Rig], connect: Connect, outside: OutsideCA, trusted: pathlib.Path
) -> None:
    name, api, other = f"IP:{rig.host}", connect(), connect(other=new_rig())
    other.make_request(RequestSubject(common_name=rig.host))
    foreign = outside.sign(other.certificate_request(), name)
    api.make_request(RequestSubject(common_name=rig.host))
    old = outside.sign(api.certificate_request(), name)
    catch_up(rig)
    assert rig.param("delete", "certReq").status == 200
    for words in ("no CSR made on this camera", "a public key that is not the one in the camera's CSR"):
        for certificate in (foreign, old):
            bad(rig, "camera_certificate", words, certificate_content=certificate, ca_path=str(trusted))
            with pytest.raises(RefusedError, match="CAM-23"):
                api.upload_signed(certificate)
        api.make_request(RequestSubject(common_name=rig.host))


def test_cam_24_a_reset_is_seen(rig: Rig, api: SunellApi, outside: OutsideCA, trusted: pathlib.Path) -> None:
    options = {"ca_path": str(trusted)}
    api.make_request(RequestSubject(common_name=rig.host))
    certificate = outside.sign(api.certificate_request(), f"IP:{rig.host}")
    catch_up(rig)
    good(rig, "camera_certificate", certificate_content=certificate, **options)
    assert not good(rig, "camera_certificate", certificate_content=certificate, **options)["changed"]
    rig.reset()
    assert good(rig, "camera_info", **options)["camera"]["ca_certificate"] == "not_generated"
    bad(rig, "camera_certificate", "(CAM-24)", certificate_content=certificate, **options)
    with pytest.raises(RefusedError, match="CAM-23"):
        api.upload_signed(certificate)


def test_cam_25_one_pair_on_two_cameras_has_the_names_of_both(
    rig: Rig, new_rig: t.Callable[..., Rig], outside: OutsideCA, trusted: pathlib.Path
) -> None:
    other, options = new_rig(), {"ca_path": str(trusted)}
    alone = outside.pair(rig.host, f"IP:{rig.host}")
    both = outside.pair(rig.host, f"IP:{rig.host}", f"IP:{other.host}")
    catch_up(rig)
    bad(other, "camera_certificate", f"alternative name for {other.host}", **with_key(other, *alone), **options)
    for one in (rig, other):
        good(one, "camera_certificate", **with_key(one, *both), **options)
        assert one.verdict(outside.trusted) == "OK"
    assert rig.shown() == other.shown()


def test_cam_03_an_address_change_is_seen(rig: Rig, api: SunellApi, connect: Connect, elsewhere: str) -> None:
    root = rig.trusted_root()
    # In check mode it is a warning: what would make a certificate for the new address was only planned as well.
    options = {"address": elsewhere, "netmask": "255.255.0.0", "ca_path": str(root)}
    assert run(rig, "camera_address", **options)["msg"].endswith("[CAM-03]")
    assert api.network().address == rig.host
    api.set_network(Network(address=elsewhere, netmask="255.255.255.0", gateway=rig.host, dns=("", rig.host)))
    rig.sim.advance(3)
    rig.host = elsewhere
    assert "IP address mismatch" in run(rig, "camera_info", ca_path=str(root))["msg"]
    moved = connect()
    assert moved.network() == Network(
        address=elsewhere, netmask="255.255.255.0", gateway=rig.spec.address, dns=("", rig.spec.address)
    )
    seen = good(rig, "camera_info", first_contact="any_certificate")["camera"]["built_in_authority"]
    assert (seen["in_use"], seen["fits_host"]) == (True, False)
    rig.restart()
    seen = good(rig, "camera_info", ca_path=str(root))["camera"]["built_in_authority"]
    assert (seen["in_use"], seen["fits_host"]) == (True, True)


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
    assert rig.param("set", "timeZone", timeZone=110, DSTOpenFlag=0).status == 200
    assert api.time_zone() == (110, False)
    noon = dt.datetime(2031, 5, 6, 12, tzinfo=dt.UTC)
    api.set_clock(noon)
    assert rig.device.now() == pytest.approx(noon.timestamp())
    assert api.local_time().isoformat() == "2031-05-06T13:00:00"
    clock = api.clock()
    assert clock is not None
    assert clock.earliest == clock.latest == noon
    wanted = Ntp(enabled=True, server="ntp.nict.jp", port=123, interval=600)
    api.set_ntp(wanted)
    assert api.ntp() == wanted
    assert abs(rig.device.now() - rig.sim.simulator.clock.now()) < 1


def test_a_password_counts_at_once_and_is_not_shown(api: SunellApi, connect: Connect) -> None:
    api.change_password("admin", Secret("Neues-Geheimnis-9"))
    with pytest.raises(LoginError):
        connect().ports()
    changed = connect(password="Neues-Geheimnis-9")
    assert changed.ports()["httpPort"] == HTTP
    with pytest.raises(RefusedError, match="newPassword") as caught:
        changed.change_password("admin", Secret("a b"))
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
    driver = SunellDriver(api.session, key_seconds=1)
    for ask in (api.https, driver.first_read, api.built_in_root, api.ntp, api.clock):
        with pytest.raises(error) as caught:
            ask()
        assert caught.value.message.startswith(f"{rig.spec.name}: ")
        assert PASSWORD not in caught.value.message


def test_the_older_variant_is_not_spoken(new_rig: t.Callable[..., Rig], connect: Connect) -> None:
    api = connect(other=new_rig("older"))
    assert api.identity()["productModel"]
    with pytest.raises(LoginError):
        api.ports()
