# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""WS-Discovery by unicast on loopback, with messages of other people's programs."""

from __future__ import annotations

import socket
import typing as t

import pytest
from lxml import etree

Camera = t.Any
WSA = "http://schemas.xmlsoap.org/ws/2004/08/addressing"
WSD = "http://schemas.xmlsoap.org/ws/2005/04/discovery"
DN = "http://www.onvif.org/ver10/network/wsdl"
TDS = "http://www.onvif.org/ver10/device/wsdl"
ANSWERED = 'xmlns:dn="http://www.onvif.org/ver10/network/wsdl" xmlns:tds="http://www.onvif.org/ver10/device/wsdl"'


@pytest.fixture
def found(new_camera: t.Callable[..., Camera]) -> Camera:
    return new_camera("found")


def ask(camera: Camera, body: str, number: str = "uuid:1") -> t.Any:
    """The answer's root; None when there is none although the next question has been answered."""
    text = (
        f'<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope" xmlns:a="{WSA}" xmlns:d="{WSD}" {ANSWERED}>'
        f"<s:Header><a:MessageID>%s</a:MessageID><a:To>urn:schemas-xmlsoap-org:ws:2005:04:discovery</a:To>"
        f"<a:Action>{WSD}/Probe</a:Action></s:Header><s:Body>%s</s:Body></s:Envelope>"
    )
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asker:
        asker.bind(("127.0.0.1", 0))
        asker.settimeout(60)
        for sent in (text % (number, body), text % ("uuid:last", "<d:Probe/>")):
            asker.sendto(sent.encode(), (camera.address, 3702))
        first = etree.fromstring(asker.recv(65536))
    return None if first.findtext(f".//{{{WSA}}}RelatesTo") == "uuid:last" else first


def test_a_probe_tells_types_scopes_and_addresses(found: Camera) -> None:
    answer = ask(found, "<d:Probe><d:Types>dn:NetworkVideoTransmitter</d:Types></d:Probe>")
    assert answer.findtext(f".//{{{WSA}}}RelatesTo") == "uuid:1"
    match = answer.find(f".//{{{WSD}}}ProbeMatches/{{{WSD}}}ProbeMatch")
    types = match.find(f"{{{WSD}}}Types")
    names = {(types.nsmap[name.partition(":")[0]], name.partition(":")[2]) for name in types.text.split()}
    assert names == {(DN, "NetworkVideoTransmitter"), (TDS, "Device")}
    assert match.findtext(f"{{{WSD}}}XAddrs") == f"http://{found.address}:{found.HTTP}/onvif/device_service"
    scopes = match.findtext(f"{{{WSD}}}Scopes").split()
    assert "onvif://www.onvif.org/place/gate" in scopes
    assert [one.ScopeItem for one in found.device.GetScopes()] == scopes


@pytest.mark.parametrize(
    ("probe", "answered"),
    [
        ("<d:Probe/>", True),
        ("<d:Probe><d:Types/></d:Probe>", True),
        ("<d:Probe><d:Types>tds:Device</d:Types></d:Probe>", True),
        ("<d:Probe><d:Types>tds:Printer</d:Types></d:Probe>", False),
        ("<d:Probe><d:Types>dn:Device</d:Types></d:Probe>", False),
        ("<d:Probe><d:Types>x:Device</d:Types></d:Probe>", False),
        ("<d:Probe><d:Scopes>onvif://www.onvif.org/place</d:Scopes></d:Probe>", True),
        ("<d:Probe><d:Scopes>onvif://www.onvif.org/pla</d:Scopes></d:Probe>", False),
        ("<d:Probe><d:Scopes>onvif://www.onvif.org/place/door</d:Scopes></d:Probe>", False),
        (f'<d:Probe><d:Scopes MatchBy="{WSD}/strcmp0">onvif://www.onvif.org/place</d:Scopes></d:Probe>', False),
        (f'<d:Probe><d:Scopes MatchBy="{WSD}/strcmp0">onvif://www.onvif.org/place/gate</d:Scopes></d:Probe>', True),
        ("<d:Hello/>", False),
        ("<Probe/>", False),
        (
            "<d:Resolve><a:EndpointReference><a:Address>urn:uuid:none</a:Address></a:EndpointReference></d:Resolve>",
            False,
        ),
    ],
)
def test_who_is_answered(found: Camera, probe: str, answered: bool) -> None:
    assert (ask(found, probe) is not None) == answered


def test_what_is_no_message_is_passed_over(found: Camera) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asker:
        for data in (b"", b"junk", b"<!DOCTYPE x []><x/>", b"<x>" * 9000):
            asker.sendto(data, (found.address, 3702))
    assert ask(found, "<d:Probe/>") is not None


def test_an_endpoint_is_resolved_and_stays_the_same(new_camera: t.Callable[..., Camera]) -> None:
    camera = new_camera("found")
    endpoint = ask(camera, "<d:Probe/>").findtext(f".//{{{WSA}}}EndpointReference/{{{WSA}}}Address")
    resolve = f"<d:Resolve><a:EndpointReference><a:Address>{endpoint}</a:Address></a:EndpointReference></d:Resolve>"
    assert ask(camera, resolve).find(f".//{{{WSD}}}ResolveMatches/{{{WSD}}}ResolveMatch") is not None
    camera.control("/restart", "POST")
    camera.advance(60)
    assert ask(camera, resolve) is not None


def test_addresses_follow_the_protocols(new_camera: t.Callable[..., Camera], authority: t.Any) -> None:
    camera = new_camera("found")
    camera.secure(authority)
    place = f"{camera.address}:%d/onvif/device_service"
    both = f"http://{place % camera.HTTP} https://{place % camera.HTTPS}"
    assert ask(camera, "<d:Probe/>").findtext(f".//{{{WSD}}}XAddrs") == both
