# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What real clients send and what an attacker may send, byte by byte: quirks, logins, and what is refused."""

from __future__ import annotations

import datetime as dt
import http.client
import re
import subprocess
import typing as t

import pytest

Camera = t.Any
NewCamera = t.Callable[..., Camera]
Soap = t.Callable[..., str]
Token = t.Callable[..., str]
SOAP = "http://www.w3.org/2003/05/soap-envelope"
TDS = "http://www.onvif.org/ver10/device/wsdl"
TAS = "http://www.onvif.org/ver10/advancedsecurity/wsdl"
PASSWORD = "Password-of-tests-1"
INFORMATION = f'<GetDeviceInformation xmlns="{TDS}"/>'
SERVICES = f'<GetServices xmlns="{TDS}"><IncludeCapability>false</IncludeCapability></GetServices>'


# -- the quirks of clients -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("prefix", ["ns0", "tas", "SOAP-ENV", "_x-1"])
def test_any_prefix(camera: Camera, prefix: str) -> None:
    assert camera.ask(f'<{prefix}:GetAllKeys xmlns:{prefix}="{TAS}" xmlns:unused="urn:x"/>').status == 200


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Content-Type": "application/soap+xml; charset=utf-8"},
        {"Content-Type": f'application/soap+xml; charset=utf-8; action="{TDS}/GetDeviceInformation"'},
        {"Content-Type": "application/soap+xml", "SOAPAction": f'"{TDS}/GetDeviceInformation"'},
        {"Content-Type": "text/xml", "SOAPAction": '"urn:something:else"'},
    ],
)
def test_the_action_is_not_asked_for(camera: Camera, headers: dict[str, str]) -> None:
    reply = camera.ask(INFORMATION, headers=headers)
    assert reply.status == 200
    assert reply.headers["Content-Type"] == "application/soap+xml; charset=utf-8"


@pytest.mark.parametrize("path", ["device_service", "security_service", "deviceio_service", "whatever"])
def test_the_body_decides_and_not_the_path(camera: Camera, path: str) -> None:
    assert camera.ask(f'<GetAllKeys xmlns="{TAS}"/>', path=f"/onvif/{path}").status == 200
    assert camera.ask(INFORMATION, path=f"/onvif/{path}").status == 200


def test_what_is_no_service(camera: Camera) -> None:
    assert camera.post("", path="/").status == 404
    connection = http.client.HTTPConnection(camera.address, camera.HTTP, timeout=60)
    connection.request("GET", "/onvif/device_service")
    assert connection.getresponse().status == 405
    connection.close()


@pytest.mark.parametrize("form", ["%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%dT%H:%M:%S.123Z", "%Y-%m-%dT%H:%M:%S+00:00"])
def test_forms_of_a_token_s_time(camera: Camera, soap: Soap, new_token: Token, form: str) -> None:
    created = dt.datetime.now(dt.UTC).strftime(form)
    assert camera.post(soap(INFORMATION, new_token("admin", PASSWORD, created=created))).status == 200


def test_what_an_operation_says_of_its_own_address(camera: Camera) -> None:
    """Whatever the Host header claims."""
    reply = camera.ask(SERVICES, headers={"Host": "evil.example"})
    assert f"http://{camera.address}:{camera.HTTP}/onvif/device_service".encode() in reply.data
    assert b"evil.example" not in reply.data


# -- logins ----------------------------------------------------------------------------------------------------------


def test_a_token_is_good_once(camera: Camera, soap: Soap, new_token: Token) -> None:
    message = soap(INFORMATION, new_token("admin", PASSWORD))
    assert camera.post(message).status == 200
    reply = camera.post(message)
    assert (reply.status, reply.fault) == (400, "Sender/NotAuthorized")


def _without(token: str, name: str) -> str:
    return re.sub(rf"<(\w:){name}\b.*?</\1{name}>", "", token)


@pytest.mark.parametrize(
    "change",
    [
        lambda text: _without(text, "Nonce"),
        lambda text: _without(text, "Created"),
        lambda text: _without(text, "Password"),
        lambda text: text.replace("#PasswordDigest", "#PasswordText"),
        lambda text: re.sub(r"(Nonce>).*?<", r"\1?<", text),
        lambda text: re.sub(r"(Created [^>]*>).*?<", r"\1yesterday<", text),
        lambda text: text.replace(">admin<", ">nobody<"),
    ],
    ids=["nonce", "created", "password", "text", "no base64", "no time", "no user"],
)
def test_a_token_with_something_wrong(
    camera: Camera, soap: Soap, new_token: Token, change: t.Callable[[str], str]
) -> None:
    good = new_token("admin", PASSWORD)
    assert change(good) != good
    reply = camera.post(soap(INFORMATION, change(good)))
    assert (reply.status, reply.fault) == (400, "Sender/NotAuthorized")


@pytest.mark.parametrize(("seconds", "status"), [(-310, 400), (-290, 200), (290, 200), (310, 400)])
def test_a_token_s_time_counts_by_the_device_s_clock(
    camera: Camera, soap: Soap, new_token: Token, seconds: int, status: int
) -> None:
    when = dt.datetime.fromtimestamp(camera.sim.device(camera.name).now() + seconds, dt.UTC)
    created = when.strftime("%Y-%m-%dT%H:%M:%SZ")
    assert camera.post(soap(INFORMATION, new_token("admin", PASSWORD, created=created))).status == status


def curl(camera: Camera, body: str, *options: str, login: str = f"admin:{PASSWORD}") -> str:
    url = f"http://{camera.address}:{camera.HTTP}/onvif/device_service"
    command = ["curl", "-s", "--noproxy", "*", "--max-time", "60", "--digest", "-u", login, "-o", "/dev/null"]
    command += ["-w", "%{http_code}", "--data-binary", "@-", *options, url]
    return subprocess.run(command, input=body, capture_output=True, text=True, timeout=90, check=False).stdout


@pytest.mark.parametrize("kind", ["plain", "sha"])
def test_digest_by_curl(new_camera: NewCamera, soap: Soap, kind: str) -> None:
    """MD5, or the strongest that is offered."""
    camera = new_camera(kind)
    assert curl(camera, soap(INFORMATION)) == "200"
    assert curl(camera, soap(INFORMATION), login="admin:wrong") == "401"


def test_digest_means_nothing_to_a_device_of_tokens(new_camera: NewCamera, soap: Soap, new_token: Token) -> None:
    camera = new_camera("tokens")
    header = {"Authorization": 'Digest username="admin", realm="x", nonce="x", uri="x", response="x"'}
    assert camera.post(soap(INFORMATION), headers=header).status == 400
    assert camera.post(soap(INFORMATION, new_token("admin", PASSWORD)), headers=header).status == 200


def test_credentials_of_both_layers_must_both_be_good(camera: Camera, soap: Soap, new_token: Token) -> None:
    good, wrong = new_token("admin", PASSWORD), new_token("admin", "wrong")
    assert curl(camera, soap(INFORMATION, good)) == "200"
    assert curl(camera, soap(INFORMATION, wrong)) == "400"
    assert curl(camera, soap(INFORMATION, new_token("admin", PASSWORD)), login="admin:wrong") == "401"


def test_wrong_credentials_do_not_matter_where_none_are_needed(camera: Camera) -> None:
    assert camera.ask(SERVICES, password="wrong").status == 200


def test_wrong_logins_lock_the_device(new_camera: NewCamera) -> None:
    camera = new_camera("locking")
    for _number in range(3):
        assert camera.ask(INFORMATION, password="wrong").status == 400
    assert camera.ask(INFORMATION).fault == "Sender/NotAuthorized"
    camera.advance(300)
    assert camera.ask(INFORMATION).status == 200


# -- what no client should send --------------------------------------------------------------------------------------

BOMB = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10}">' for n in range(1, 10))
DOCTYPES = {
    "bomb": f'<!DOCTYPE x [<!ENTITY e0 "ha">{BOMB}]>',
    "file": '<!DOCTYPE x [<!ENTITY e9 SYSTEM "file:///etc/passwd">]>',
    "network": '<!DOCTYPE x SYSTEM "http://127.0.0.1:9/x.dtd">',
    "parameter": '<!DOCTYPE x [<!ENTITY % p SYSTEM "file:///etc/passwd"> %p;]>',
}


@pytest.mark.parametrize("kind", DOCTYPES)
def test_document_types_are_refused(camera: Camera, soap: Soap, kind: str) -> None:
    body = f'<SetHostname xmlns="{TDS}"><Name>&e9;</Name></SetHostname>'
    reply = camera.post(f'<?xml version="1.0"?>{DOCTYPES[kind]}{soap(body)}')
    camera.judge.judge(reply.root)
    assert (reply.status, reply.fault) == (400, "Sender/WellFormed")
    assert b"root:" not in reply.data


@pytest.mark.parametrize("encoding", ["utf-16", "utf-32", "utf-7"])
def test_no_other_encoding_hides_one(camera: Camera, soap: Soap, encoding: str) -> None:
    text = f'<?xml version="1.0" encoding="{encoding}"?>{DOCTYPES["file"]}{soap(INFORMATION)}'
    data = text.encode(encoding) if encoding != "utf-7" else text.replace("<!DOC", "+ADwAIQ-DOC").encode()
    assert camera.post(data).fault == "Sender/WellFormed"


@pytest.mark.parametrize(
    "data",
    [b"not XML", b"<open>", b'{"json": true}', b"\xff\xfe\x00", b"<a>\xc3\x28</a>", b"<a>&undefined;</a>"],
)
def test_what_is_no_xml(camera: Camera, data: bytes) -> None:
    reply = camera.post(data)
    camera.judge.judge(reply.root)
    assert (reply.status, reply.fault) == (400, "Sender/WellFormed")


def test_an_empty_body_is_how_some_clients_ask_to_be_challenged(new_camera: NewCamera) -> None:
    assert new_camera().post("").status == 401
    assert new_camera("tokens").post("").fault == "Sender/WellFormed"


def test_what_is_deeply_nested(camera: Camera, soap: Soap) -> None:
    assert camera.post(soap("<a>" * 5000 + "</a>" * 5000)).fault == "Sender/WellFormed"


def test_a_huge_body_is_not_read_to_its_end(camera: Camera) -> None:
    connection = http.client.HTTPConnection(camera.address, camera.HTTP, timeout=60)
    connection.putrequest("POST", "/onvif/device_service")
    connection.putheader("Content-Length", str(10**9))
    connection.endheaders()
    connection.send(b"A" * (256 * 1024 + 1))
    answer = connection.getresponse()
    assert (answer.status, b"WellFormed" in answer.read()) == (400, True)
    connection.close()
    assert camera.ask(INFORMATION).status == 200


def test_a_huge_body_in_chunks_is_not_read_either(camera: Camera) -> None:
    connection = http.client.HTTPConnection(camera.address, camera.HTTP, timeout=60)
    connection.putrequest("POST", "/onvif/device_service")
    connection.putheader("Transfer-Encoding", "chunked")
    connection.endheaders()
    connection.send(b"50000\r\n" + b"A" * 0x50000 + b"\r\n")
    answer = connection.getresponse()
    assert (answer.status, b"WellFormed" in answer.read()) == (400, True)
    connection.close()


@pytest.mark.parametrize(
    ("body", "fault"),
    [
        ('<GetDeviceInformation xmlns="urn:x"/>', "Sender/Namespace"),
        ("<GetDeviceInformation/>", "Sender/Namespace"),
        (f'<GetAllKeys xmlns="{TDS}"/>', "Receiver/ActionNotSupported"),
        (f'<UpgradeFirmware xmlns="{TDS}"/>', "Receiver/ActionNotSupported"),
        ('<GetProfiles xmlns="http://www.onvif.org/ver10/media/wsdl"/>', "Sender/UnknownAction"),
        (f'<SetHostname xmlns="{TDS}"/>', "Sender/InvalidArgs"),
        (f'<SetHostname xmlns="{TDS}"><Name>a</Name><Name>b</Name></SetHostname>', "Sender/TagMismatch"),
        (f'<SetHostname xmlns="{TDS}"><Name>a</Name><More/></SetHostname>', "Sender/InvalidArgs"),
        (f'<SetHostname xmlns="{TDS}"><Name xmlns="urn:x">a</Name></SetHostname>', "Sender/Namespace"),
        (f'<SetHostname xmlns="{TDS}"><Name><b/></Name></SetHostname>', "Sender/InvalidArgs"),
        (
            f'<CreateRSAKeyPair xmlns="{TAS}"><Alias>a</Alias><KeyLength>2048</KeyLength></CreateRSAKeyPair>',
            "Sender/TagMismatch",
        ),
        (f'<CreateRSAKeyPair xmlns="{TAS}"><KeyLength>many</KeyLength></CreateRSAKeyPair>', "Sender/InvalidArgs"),
        (f'<UploadCertificate xmlns="{TAS}"><Certificate>*</Certificate></UploadCertificate>', "Sender/InvalidArgs"),
        (f'<SetCnMapsToUser xmlns="{TAS}"><cnMapsToUser>maybe</cnMapsToUser></SetCnMapsToUser>', "Sender/InvalidArgs"),
    ],
)
def test_messages_that_are_not_as_their_schema(camera: Camera, body: str, fault: str) -> None:
    reply = camera.ask(body)
    assert (reply.status, reply.fault) == (500 if fault.startswith("Receiver") else 400, fault)


def test_the_order_of_a_subject_s_parts_matters(camera: Camera) -> None:
    made = camera.ask(f'<CreateECCKeyPair xmlns="{TAS}"><EllipticCurve>secp256r1</EllipticCurve></CreateECCKeyPair>')
    camera.advance(20)
    key = made.root.findtext(f".//{{{TAS}}}KeyID")
    parts = ["<Country>NL</Country>", "<CommonName>x</CommonName>"]
    algorithm = "<SignatureAlgorithm><algorithm>1.2.840.10045.4.3.2</algorithm></SignatureAlgorithm>"
    faults = [
        camera.ask(
            f'<CreatePKCS10CSR xmlns="{TAS}"><Subject>{"".join(order)}</Subject><KeyID>{key}</KeyID>{algorithm}'
            "</CreatePKCS10CSR>"
        ).fault
        for order in (parts, parts[::-1])
    ]
    assert faults == ["", "Sender/TagMismatch"]


JUNK = (
    "",
    "x",
    " ",
    "-1",
    "0",
    "9" * 25,
    "\u00e9\u4e2d",
    "AAAA",
    "true",
    "<a/>",
    "<a xmlns='urn:x'>x</a>",
    "2030-01-01T00:00:00Z",
)


def _with_junk(operation: t.Any, junk: str) -> str:
    """The operation with that in every element of its schema, three levels deep where elements have elements."""
    name, namespace = operation.get("name"), operation.getparent().get("targetNamespace")
    parts = "".join(f"<{part}>{junk}</{part}>" for part in operation.xpath(".//*[local-name()='element']/@name")[:9])
    return f'<{name} xmlns="{namespace}">{parts}</{name}>'


@pytest.mark.parametrize("service", ["device/wsdl/devicemgmt", "advancedsecurity/wsdl/advancedsecurity"])
def test_junk_in_every_argument_gets_an_answer_of_the_schema(camera: Camera, operations: t.Any, service: str) -> None:
    """200 or a fault, and nothing breaks; a restart is left out, since nobody answers after it."""
    broken = []
    for operation in operations(service):
        if operation.get("name") == "SystemReboot":
            continue
        for junk in JUNK:
            reply = camera.ask(_with_junk(operation, junk))
            if reply.status not in (200, 400, 500) or (reply.status == 200) == bool(reply.fault):
                broken.append((operation.get("name"), junk, reply.status))
    assert broken == []


@pytest.mark.parametrize(
    ("envelope", "status", "fault"),
    [
        (f'<Envelope xmlns="{SOAP}"><Body/></Envelope>', 400, "Sender/WellFormed"),
        (f'<Envelope xmlns="{SOAP}"/>', 400, "Sender/WellFormed"),
        ('<Envelope xmlns="http://schemas.xmlsoap.org/soap/envelope/"><Body/></Envelope>', 500, "VersionMismatch"),
        ("<Other/>", 400, "Sender/WellFormed"),
    ],
)
def test_envelopes(camera: Camera, envelope: str, status: int, fault: str) -> None:
    reply = camera.post(envelope)
    camera.judge.judge(reply.root)
    assert (reply.status, reply.fault) == (status, fault)


def test_headers_that_must_be_understood(camera: Camera, soap: Soap) -> None:
    known = '<w:To xmlns:w="http://www.w3.org/2005/08/addressing" e:mustUnderstand="true">x</w:To>'
    assert camera.post(soap(SERVICES, known)).status == 200
    unknown = camera.post(soap(SERVICES, '<x:Session xmlns:x="urn:x" e:mustUnderstand="1"/>'))
    assert (unknown.status, unknown.fault) == (500, "MustUnderstand")
    assert camera.post(soap(SERVICES, '<x:Session xmlns:x="urn:x"/>')).status == 200
