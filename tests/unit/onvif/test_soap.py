# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""SOAP answers that are none, are refusals, or attack the parser; the login by WS-UsernameToken."""

from __future__ import annotations

import base64
import dataclasses as dc
import datetime as dt
import hashlib
import typing as t

import pytest
from ansible_collections.camsec.fleet.plugins.module_utils._core._errors import LoginError, ProtocolError
from ansible_collections.camsec.fleet.plugins.module_utils._core._secret import Secret
from ansible_collections.camsec.fleet.plugins.module_utils._onvif.api import OnvifApi
from ansible_collections.camsec.fleet.plugins.module_utils._onvif.soap import TDS, OnvifFault, Soap, text_of
from ansible_collections.camsec.fleet.plugins.module_utils._transport._session import Answer, Credentials, Refused
from lxml import etree

DEVICE = "192.0.2.30"
PASSWORD = "Kamera-Geheimnis-7"
ENVELOPE = "http://www.w3.org/2003/05/soap-envelope"
WSSE = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd"
WSU = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd"


@dc.dataclass
class Device:
    """Gives the answers in turn, as a session does; keeps what was asked."""

    answers: list[tuple[int, str | bytes]]
    device: str = DEVICE
    credentials: Credentials = dc.field(
        default_factory=lambda: Credentials(username="admin", password=Secret(PASSWORD))
    )
    asked: list[t.Any] = dc.field(default_factory=list)

    def post(self, path: str, content_type: str, body: bytes, *, repeat: bool) -> Answer:
        self.asked.append((path, content_type, etree.fromstring(body), repeat))
        status, text = self.answers.pop(0)
        answer = Answer(
            status=status,
            content_type="application/soap+xml",
            body=text.encode() if isinstance(text, str) else text,
        )
        if status != 200:
            raise Refused(status=status, reason="", device=self.device, subject=path, answer=answer)
        return answer


def envelope(body: str) -> str:
    return f'<e:Envelope xmlns:e="{ENVELOPE}"><e:Body>{body}</e:Body></e:Envelope>'


def fault(*codes: str, reason: str = "No.") -> str:
    nested = ""
    for code in reversed(codes[1:]):
        nested = f"<e:Subcode><e:Value>ter:{code}</e:Value>{nested}</e:Subcode>"
    text = f'<e:Reason><e:Text xml:lang="en">{reason}</e:Text></e:Reason>'
    return envelope(f"<e:Fault><e:Code><e:Value>e:{codes[0]}</e:Value>{nested}</e:Code>{text}</e:Fault>")


HOSTNAME = envelope(f'<x:GetHostnameResponse xmlns:x="{TDS}"><x:Name>  gate \n</x:Name></x:GetHostnameResponse>')


def ask(*answers: tuple[int, str | bytes]) -> tuple[t.Any, Device]:
    device = Device(list(answers))
    return Soap(t.cast("t.Any", device)).call("/onvif/device_service", TDS, "GetHostname"), device


def test_any_prefix_is_understood() -> None:
    response, device = ask((200, HOSTNAME))
    assert text_of(response, f"{{{TDS}}}Name") == "gate"
    (path, kind, request, repeat) = device.asked[0]
    assert (path, repeat) == ("/onvif/device_service", True)
    assert kind == f'application/soap+xml; charset=utf-8; action="{TDS}/GetHostname"'
    assert request.find(f"{{{ENVELOPE}}}Header") is None
    assert [child.tag for child in request.find(f"{{{ENVELOPE}}}Body")] == [f"{{{TDS}}}GetHostname"]


@pytest.mark.parametrize("status", [200, 400, 500])
def test_a_fault_is_a_refusal_whatever_the_status(status: int) -> None:
    with pytest.raises(OnvifFault) as caught:
        ask((status, fault("Receiver", "ActionNotSupported", "EnablingTlsFailed", reason="No  certificate\nassigned")))
    assert caught.value.codes == ("Receiver", "ActionNotSupported", "EnablingTlsFailed")
    assert caught.value.message == (
        f"{DEVICE}: GetHostname: found status {status} (Receiver/ActionNotSupported/EnablingTlsFailed: No certificate"
        " assigned), expected status 200."
    )


BOMB = '<!DOCTYPE e [<!ENTITY a "lol"><!ENTITY b "&a;&a;&a;&a;">]>' + envelope("<x>&b;</x>")
FILE = '<!DOCTYPE e [<!ENTITY f SYSTEM "file:///etc/hostname">]>' + HOSTNAME.replace("gate", "&f;")


@pytest.mark.parametrize(
    ("body", "found"),
    [
        ("", "0 bytes of application/soap+xml that are no XML"),
        ("<html><p>Login</html>", "that are no XML"),
        (b"\xff\xfe\x00garbage", "that are no XML"),
        ("<html/>", "the element html"),
        (
            HOSTNAME.replace(ENVELOPE, "http://schemas.xmlsoap.org/soap/envelope/"),
            "the element {http://schemas.xmlsoap",
        ),
        (f'<e:Envelope xmlns:e="{ENVELOPE}"/>', "an envelope without a body"),
        (envelope(""), "an empty body"),
        (HOSTNAME.replace(TDS, "http://www.onvif.org/ver20/device/wsdl"), "GetHostnameResponse"),
        (envelope(f'<x:GetUsersResponse xmlns:x="{TDS}"/>'), "GetUsersResponse"),
        (BOMB, "a document type, which SOAP forbids"),
        (FILE, "a document type, which SOAP forbids"),
    ],
    ids=["nothing", "html", "bytes", "xhtml", "soap11", "no-body", "empty", "namespace", "other", "bomb", "file"],
)
def test_what_is_no_answer(body: str | bytes, found: str) -> None:
    with pytest.raises(ProtocolError) as caught:
        ask((200, body))
    assert caught.value.message.startswith(f"{DEVICE}: answer to GetHostname: found ")
    assert found in caught.value.found
    assert caught.value.expected == "GetHostnameResponse in a SOAP 1.2 envelope"
    assert "\n" not in caught.value.message


def test_a_depth_that_is_an_attack_is_refused() -> None:
    with pytest.raises(ProtocolError, match="no XML"):
        ask((200, envelope("<x>" * 5000 + "</x>" * 5000)))


def test_a_device_that_knows_tokens_only_gets_one_by_its_own_clock() -> None:
    later = dt.datetime.now(tz=dt.UTC) + dt.timedelta(days=2)
    device = Device([(400, fault("Sender", "NotAuthorized")), (200, HOSTNAME), (200, HOSTNAME)])
    soap = Soap(t.cast("t.Any", device))
    soap.keep_time(later)
    soap.call("/onvif/device_service", TDS, "GetHostname")
    soap.call("/onvif/device_service", TDS, "GetHostname")
    tokens = [
        asked[2].find(f"{{{ENVELOPE}}}Header/{{{WSSE}}}Security/{{{WSSE}}}UsernameToken") for asked in device.asked
    ]
    assert tokens[0] is None
    nonces = set()
    for token in tokens[1:]:
        nonce, created = (text_of(token, tag) for tag in (f"{{{WSSE}}}Nonce", f"{{{WSU}}}Created"))
        digest = hashlib.sha1(base64.b64decode(nonce) + created.encode() + PASSWORD.encode()).digest()
        assert text_of(token, f"{{{WSSE}}}Password") == base64.b64encode(digest).decode()
        assert text_of(token, f"{{{WSSE}}}Username") == "admin"
        assert abs(dt.datetime.fromisoformat(created) - later) < dt.timedelta(minutes=5)
        nonces.add(nonce)
    assert len(nonces) == 2
    assert PASSWORD not in str([etree.tostring(asked[2]) for asked in device.asked])


def test_a_token_that_is_refused_is_not_tried_again() -> None:
    device = Device([(400, fault("Sender", "NotAuthorized"))] * 2)
    with pytest.raises(LoginError, match="the account was refused for GetHostname"):
        Soap(t.cast("t.Any", device)).call("/x", TDS, "GetHostname")
    assert len(device.asked) == 2


# -- what an answer must hold ----------------------------------------------------------------------------------------


def protocols(*rows: str) -> str:
    tt = "http://www.onvif.org/ver10/schema"
    return envelope(f'<d:GetNetworkProtocolsResponse xmlns:d="{TDS}" xmlns:t="{tt}">{"".join(rows)}'
                    "</d:GetNetworkProtocolsResponse>")  # fmt: skip


def row(name: str, enabled: str, *ports: int) -> str:
    listed = "".join(f"<t:Port>{port}</t:Port>" for port in ports)
    return f"<d:NetworkProtocols><t:Name>{name}</t:Name><t:Enabled>{enabled}</t:Enabled>{listed}</d:NetworkProtocols>"


def test_protocols_are_read_with_all_their_ports() -> None:
    text = protocols(row("HTTP", "true", 80, 8080), row("HTTPS", "0", 443), row("RTSP", "1", 554))
    found = OnvifApi(t.cast("t.Any", Device([(200, text)]))).protocols()
    assert {name: (one.enabled, one.ports) for name, one in found.items()} == {
        "HTTP": (True, (80, 8080)),
        "HTTPS": (False, (443,)),
        "RTSP": (True, (554,)),
    }


def test_no_protocol_is_no_answer() -> None:
    with pytest.raises(ProtocolError, match="found RTSP, expected HTTP or HTTPS"):
        OnvifApi(t.cast("t.Any", Device([(200, protocols(row("RTSP", "1", 554)))]))).protocols()


@pytest.mark.parametrize("date", ["", "<t:Date><t:Year>2026</t:Year><t:Month>13</t:Month><t:Day>1</t:Day></t:Date>"])
def test_a_clock_that_tells_no_time(date: str) -> None:
    tt = "http://www.onvif.org/ver10/schema"
    text = envelope(
        f'<d:GetSystemDateAndTimeResponse xmlns:d="{TDS}" xmlns:t="{tt}"><d:SystemDateAndTime><t:UTCDateTime>{date}'
        "</t:UTCDateTime></d:SystemDateAndTime></d:GetSystemDateAndTimeResponse>"
    )
    with pytest.raises(ProtocolError, match="found no UTC time"):
        OnvifApi(t.cast("t.Any", Device([(200, text)]))).clock()
