# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the driver sends, and what it does with answers that it does not know."""

from __future__ import annotations

import datetime as dt
import typing as t

import pytest
from ansible_collections.camsec.fleet.plugins.module_utils._core._errors import ConnectError, ProtocolError
from ansible_collections.camsec.fleet.plugins.module_utils._core._secret import Secret
from ansible_collections.camsec.fleet.plugins.module_utils._sunell.api import INFERRED_CALLS, SunellApi
from ansible_collections.camsec.fleet.plugins.module_utils._sunell.state import Network, RequestSubject
from ansible_collections.camsec.fleet.plugins.module_utils._sunell.zones import MINUTES_EAST

from .conftest import FakeSession

PORTS = "controlPort=30001\nhttpPort=80\nrtspPort=554\nrtmpPort=8080\nsslPort=0\nhttpsPort=443\n"
DATE = "year=2025\nmonth=1\nday=13\nhour=12\nminute=55\nsecond=31\n"
HTTPS = "enableFlag=1\ncertType=2\nuploadedCert=0\ncertReq=1\nsignedCert=1\n"


@pytest.fixture
def api(session: FakeSession) -> SunellApi:
    return SunellApi(t.cast("t.Any", session))


def test_what_real_cameras_answer_is_read(api: SunellApi, session: FakeSession) -> None:
    session.answers = {
        "devicePort": PORTS, "dateTime": DATE,
        "localNetwork": "localNetworkBegin=1\nIPAddress=192.168.1.109\nsubNetmask=255.255.255.0\n"
        "subGetway=192.168.1.1\npreferredDNS=192.168.1.1\nalternateDNS=\nautoGetIPFlag=0\nlocalNetworkEnd=1\n",
        "timeZone": "timeZone=235\nDSTOpenFlag=0\nbeginMonth=3\n",
        "NTP": "enableFlag=1\nIPProtoVer=1\nNTPIP=ntp.nict.jp\nNTPPort=123\nNTPCheckTime=3600\n",
    }  # fmt: skip
    assert api.ports()["httpsPort"] == 443
    assert api.network() == Network(
        address="192.168.1.109", netmask="255.255.255.0", gateway="192.168.1.1", dns=("192.168.1.1", "")
    )
    assert api.local_time().isoformat() == "2025-01-13T12:55:31"
    clock = api.clock()
    assert clock is not None
    assert clock.earliest == clock.latest == dt.datetime(2025, 1, 13, 3, 55, 31, tzinfo=dt.UTC)
    assert api.ntp().server == "ntp.nict.jp"


def test_daylight_saving_time_leaves_an_hour(api: SunellApi, session: FakeSession) -> None:
    session.answers = {"dateTime": DATE, "timeZone": "timeZone=110\nDSTOpenFlag=1\n"}
    clock = api.clock()
    assert clock is not None
    assert clock.latest == dt.datetime(2025, 1, 13, 11, 55, 31, tzinfo=dt.UTC)
    assert clock.latest - clock.earliest == dt.timedelta(hours=1)
    noon = dt.datetime(2031, 5, 6, 12, tzinfo=dt.UTC)
    with pytest.raises(ProtocolError, match="daylight saving time"):
        api.set_clock(noon)
    session.answers["timeZone"] = "timeZone=999\nDSTOpenFlag=0\n"
    assert api.clock() is None
    with pytest.raises(ProtocolError, match="timeZone=999"):
        api.set_clock(noon)
    session.answers["timeZone"] = "timeZone=300\nDSTOpenFlag=0\n"
    api.set_clock(noon)
    assert session.asked[-1][2]["params"] == {
        "action": "set", "type": "dateTime",
        "year": "2031", "month": "5", "day": "7", "hour": "1", "minute": "0", "second": "0",
    }  # fmt: skip


def test_time_zones() -> None:
    assert MINUTES_EAST[235] == 540
    assert (min(MINUTES_EAST.values()), max(MINUTES_EAST.values())) == (-720, 780)


@pytest.mark.parametrize(
    ("ask", "kind", "text"),
    [
        ("ports", "devicePort", ""),
        ("ports", "devicePort", PORTS.replace("443", "x")),
        ("ports", "devicePort", PORTS.replace("443", "\uff14\uff14\uff13")),
        ("ports", "devicePort", PORTS.replace("443", "9" * 5000)),
        ("local_time", "dateTime", DATE.replace("month=1", "month=13")),
        ("local_time", "dateTime", DATE.replace("second=31\n", "")),
        ("https", "HTTPS", HTTPS.replace("certType=2", "certType=3")),
        ("https", "HTTPS", HTTPS.replace("certReq=1", "certReq=yes")),
        ("https", "HTTPS", "<!DOCTYPE html><html><h1>It works!</h1></html>"),
        ("built_in_root", "CACert", "<html>"),
        ("built_in_root", "CACert", "-----BEGIN CERTIFICATE-----" + "A" * 20000),
        ("certificate_request", "certReq", "-----BEGIN CERTIFICATE-----\n"),
        ("identity", "deviceInfo", "productModel=SN-1\n"),
    ],
)
def test_nonsense_is_no_answer(api: SunellApi, session: FakeSession, ask: str, kind: str, text: str) -> None:
    session.answers[kind] = text
    with pytest.raises(ProtocolError) as caught:
        getattr(api, ask)()
    assert caught.value.message.startswith(f"{session.device}: ")
    assert len(caught.value.message) < 500


def test_action_and_type_stand_in_the_url_and_secrets_in_the_body(api: SunellApi, session: FakeSession) -> None:
    api.upload_pair("certificate", Secret("key"))
    api.upload_signed("certificate")
    api.change_password("admin", Secret("Neues-Wort-9"))
    api.make_request(RequestSubject(common_name="cam", state="Tokyo"))
    params = [given["params"] for _kind, _path, given in session.asked]
    assert [(one["action"], one["type"]) for one in params] == [
        ("upload", "serverCert"), ("upload", "signedCert"), ("modifyUser", "User"),
        ("create", "certReq"),
    ]  # fmt: skip
    assert not {"key", "Neues-Wort-9"} & {value for one in params for value in one.values()}
    assert session.asked[0][2]["uploads"] == [
        ("certFile", "server.crt", b"certificate"), ("keyFile", "server.key", b"key"),
    ]  # fmt: skip
    assert params[-1]["commonName"] == "cam"
    assert params[-1]["province"] == "Tokyo"


def test_inferred_calls_can_be_named_otherwise(session: FakeSession) -> None:
    named = {**INFERRED_CALLS, "built_in_root": ("get", "rootCert")}
    api = SunellApi(t.cast("t.Any", session), inferred=named)
    session.answers["rootCert"] = "-----BEGIN CERTIFICATE-----\n"
    assert api.built_in_root()
    assert session.asked[0][2]["params"] == {"action": "get", "type": "rootCert"}
    with pytest.raises(ValueError, match="inferred calls are"):
        SunellApi(t.cast("t.Any", session), inferred={})


def test_what_cuts_the_connection_may_lose_its_answer(api: SunellApi, session: FakeSession) -> None:
    session.error = ConnectError(device="d", subject="s", found="f", expected="e")
    api.set_network(Network(address="192.0.2.9", netmask="255.255.255.0", gateway=""))
    api.set_ports(httpsPort=8443)
    api.restart()
    api.set_https(enabled=False)
    for write in (
        lambda: api.set_https(enabled=True),
        lambda: api.upload_signed("certificate"),
        api.delete_pair,
        api.ports,
    ):
        with pytest.raises(ConnectError):
            t.cast("t.Callable[[], object]", write)()
    with pytest.raises(ValueError, match="ports are"):
        api.set_ports(ftpPort=21)
