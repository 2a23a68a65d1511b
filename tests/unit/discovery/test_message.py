# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Probe and ProbeMatches. The Probe is judged by the standard library's XML, not by our own reader."""

from __future__ import annotations

import typing as t
import xml.etree.ElementTree as ET

import pytest
from ansible_collections.camsec.fleet.plugins.module_utils import _thirdparty
from ansible_collections.camsec.fleet.plugins.module_utils._core._errors import MissingLibraryError
from ansible_collections.camsec.fleet.plugins.module_utils._discovery import _message
from ansible_collections.camsec.fleet.plugins.module_utils._discovery._message import (
    LONGEST_MESSAGE,
    PROBE_TYPES,
    UnusableAnswer,
    message_id,
    probe,
    read_matches,
)
from discovery import matches
from hypothesis import given
from hypothesis import strategies as st

ASKED = "urn:uuid:0f6b1a52-8a0f-4b59-9c5e-3c1d9f0b7a11"
CAMERA = {"endpoint": "urn:uuid:1", "xaddrs": "http://192.0.2.7/onvif/device_service"}
SOAP = "http://www.w3.org/2003/05/soap-envelope"
ADDRESSING = "http://schemas.xmlsoap.org/ws/2004/08/addressing"
DISCOVERY = "http://schemas.xmlsoap.org/ws/2005/04/discovery"
ONVIF = {"dn": "http://www.onvif.org/ver10/network/wsdl", "tds": "http://www.onvif.org/ver10/device/wsdl"}


def reason(data: bytes, asked: t.Container[str] = (ASKED,)) -> str:
    with pytest.raises(UnusableAnswer) as caught:
        read_matches(data, asked)
    return str(caught.value)


@pytest.mark.parametrize("type_name", PROBE_TYPES)
def test_probe(type_name: str) -> None:
    """Names, order and values of WS-Discovery 2005/04, sections 2.4 and 5.2, and of ONVIF Core, section 7.3.3."""
    data = probe(ASKED, type_name)
    envelope = ET.fromstring(data)
    assert envelope.tag == f"{{{SOAP}}}Envelope"
    header, body = envelope
    assert [child.tag for child in header] == [
        f"{{{ADDRESSING}}}{name}" for name in ("Action", "MessageID", "ReplyTo", "To")
    ]
    assert [child.text for child in header if len(child) == 0] == [
        f"{DISCOVERY}/Probe",
        ASKED,
        "urn:schemas-xmlsoap-org:ws:2005:04:discovery",
    ]
    assert header[2][0].text == f"{ADDRESSING}/role/anonymous"
    assert body.tag == f"{{{SOAP}}}Body"
    (probed,) = body
    assert probed.tag == f"{{{DISCOVERY}}}Probe"
    assert [(child.tag, child.text) for child in probed] == [(f"{{{DISCOVERY}}}Types", type_name)]
    prefix = type_name.partition(":")[0]
    assert f'xmlns:{prefix}="{ONVIF[prefix]}"'.encode() in data
    assert len(data) < 1400, "it has to fit into one packet of an Ethernet"


def test_each_question_has_an_id_of_its_own() -> None:
    assert len({message_id() for _number in range(100)}) == 100


def test_answer() -> None:
    answered, (match,) = read_matches(matches(ASKED, {**CAMERA, "scopes": "onvif://www.onvif.org/name/x  y"}), (ASKED,))
    assert answered == ASKED
    assert match.endpoint == "urn:uuid:1"
    assert match.types == PROBE_TYPES
    assert match.scopes == ("onvif://www.onvif.org/name/x", "y")
    assert match.xaddrs == ("http://192.0.2.7/onvif/device_service",)


def test_answer_of_several_devices_and_no_more_than_one_may_have() -> None:
    many = [{**CAMERA, "endpoint": f"urn:uuid:{number}"} for number in range(65)]
    assert len(read_matches(matches(ASKED, *many[:64]), (ASKED,))[1]) == 64
    assert reason(matches(ASKED, *many)) == "more than 64 matches"


def test_answer_to_another_question() -> None:
    assert reason(matches("urn:uuid:somebody-elses", CAMERA)) == "an answer to another question"
    assert reason(probe(ASKED, PROBE_TYPES[0])) == "no RelatesTo"
    assert reason(matches("", CAMERA)) == "an answer to another question"


def test_who_answers_whatever_is_asked_is_no_camera() -> None:
    printer = {**CAMERA, "types": "x:PrintDevice", "scopes": "ldap:///ou=floor2"}
    assert read_matches(matches(ASKED, printer), (ASKED,)) == (ASKED, ())


def test_foreign_types_keep_their_namespace() -> None:
    (match,) = read_matches(matches(ASKED, {**CAMERA, "types": "dev:Device x:Other plain none:Such"}), (ASKED,))[1]
    assert match.types == ("tds:Device", f"{{{DISCOVERY}}}Other", "{}plain", "{}Such")


@pytest.mark.parametrize(
    "prologue",
    [
        "<!DOCTYPE x>",
        '<!DOCTYPE x [<!ENTITY a "aaaa">]>',
        '<!DOCTYPE x SYSTEM "file:///etc/passwd">',
        '<!DOCTYPE x [<!ENTITY % p SYSTEM "http://192.0.2.66/x.dtd"> %p;]>',
    ],
)
def test_no_document_type(prologue: str) -> None:
    assert reason(matches(ASKED, CAMERA, prologue=prologue)) == "a document type"


def test_entities_are_not_resolved() -> None:
    levels = "".join(f'<!ENTITY e{n} "&e{n - 1};&e{n - 1};&e{n - 1};&e{n - 1};">' for n in range(1, 40))
    bomb = f'<!DOCTYPE x [<!ENTITY e0 "ha">{levels}]>'
    assert reason(matches(ASKED, {**CAMERA, "endpoint": "&e39;"}, prologue=bomb)) in ("a document type", "no XML")
    assert reason(matches(ASKED, {**CAMERA, "endpoint": "&undefined;"})) == "no XML"
    file = '<!DOCTYPE x [<!ENTITY f SYSTEM "file:///etc/hostname">]>'
    assert reason(matches(ASKED, {**CAMERA, "endpoint": "&f;"}, prologue=file)) == "a document type"


def test_document_type_in_another_encoding() -> None:
    text = matches(ASKED, CAMERA, prologue="<!DOCTYPE x>").decode().replace("UTF-8", "UTF-16")
    assert reason(text.encode("utf-16")) == "a document type"


def test_bounds() -> None:
    assert reason(b" " * (LONGEST_MESSAGE + 1)) == "longer than 32767 bytes"
    assert reason(matches(ASKED, {**CAMERA, "endpoint": "u" * 1025})) == "more than 1024 characters in one value"
    assert "128 values" in reason(matches(ASKED, {**CAMERA, "scopes": " ".join(map(str, range(129)))}))
    assert "longer ones" in reason(matches(ASKED, {**CAMERA, "xaddrs": "http://" + "x" * 1024}))
    assert reason(matches(ASKED, {**CAMERA, "endpoint": " "})) == "no endpoint"
    deep = b"<a>" * 2000 + b"</a>" * 2000
    assert reason(deep) == "no XML"


def test_other_documents() -> None:
    assert reason(b"") == "no XML"
    assert reason(b"\xff\xfe\x00") == "no XML"
    assert reason(b"<Envelope/>") == "no SOAP envelope"
    assert reason(f'<s:Envelope xmlns:s="{SOAP}"/>'.encode()) == "no Header"


def test_comments_do_not_split_a_value() -> None:
    """What follows a comment would be lost, so that a value could be read in two ways."""
    (match,) = read_matches(matches(ASKED, {**CAMERA, "endpoint": "urn:<!-- x -->uuid:7"}), (ASKED,))[1]
    assert match.endpoint == "urn:uuid:7"


@given(st.binary(max_size=400))
def test_any_bytes(data: bytes) -> None:
    with pytest.raises(UnusableAnswer):
        read_matches(data, (ASKED,))


@given(st.data())
def test_any_damage(data: st.DataObject) -> None:
    """Some bytes of a good answer are others: it is read or refused, and bounded in any case."""
    message = bytearray(matches(ASKED, CAMERA, {**CAMERA, "endpoint": "urn:uuid:2"}))
    for _number in range(data.draw(st.integers(1, 6))):
        message[data.draw(st.integers(0, len(message) - 1))] = data.draw(st.integers(0, 255))
    try:
        answered, found = read_matches(bytes(message), (ASKED,))
    except UnusableAnswer:
        return
    assert answered == ASKED
    assert len(found) <= 2


@given(
    st.lists(
        st.fixed_dictionaries(
            {},
            optional={
                name: st.text(st.characters(exclude_categories=("Cs", "Cc"), exclude_characters="<&>"), max_size=40)
                for name in ("endpoint", "types", "scopes", "xaddrs")
            },
        ),
        max_size=4,
    )
)
def test_any_claims(devices: list[dict[str, str]]) -> None:
    message = matches(ASKED, *({**CAMERA, **device} for device in devices))
    try:
        dummy, found = read_matches(message, (ASKED,))
    except UnusableAnswer:
        # XML has no place for some characters, and a device has an endpoint.
        return
    assert len(found) <= len(devices)
    for match in found:
        assert match.endpoint.strip()
        assert all(word == word.strip() and word for word in (*match.scopes, *match.xaddrs))


def test_without_lxml(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_message, "etree", _thirdparty.Missing("lxml"))
    with pytest.raises(MissingLibraryError, match="pip install lxml"):
        read_matches(b"<x/>", (ASKED,))
