# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""VAPIX: answers that are none, refusals, and what a password goes into."""

from __future__ import annotations

import dataclasses as dc
import datetime as dt
import json
import typing as t

import pytest
from ansible_collections.camsec.fleet.plugins.module_utils._axis.api import AxisApi, AxisError, Ports, WebServer
from ansible_collections.camsec.fleet.plugins.module_utils._axis.driver import AxisDriver, _distinguished_name
from ansible_collections.camsec.fleet.plugins.module_utils._camera.state import SubjectName
from ansible_collections.camsec.fleet.plugins.module_utils._core._errors import CamsecError, ProtocolError
from ansible_collections.camsec.fleet.plugins.module_utils._core._secret import Secret
from ansible_collections.camsec.fleet.plugins.module_utils._transport._session import Answer, Refused
from lxml import etree

DEVICE = "192.0.2.40"
WEB = "http://www.axis.com/vapix/ws/webserver"
ACERT = "http://www.axis.com/vapix/ws/cert"
ENVELOPE = "http://www.w3.org/2003/05/soap-envelope"


@dc.dataclass
class Device:
    """Gives the answers in turn, as a session does; keeps what was asked."""

    answers: list[tuple[int, t.Any]]
    device: str = DEVICE
    peer: t.Any = None
    asked: list[tuple[str, str, t.Any]] = dc.field(default_factory=list)

    def _answer(self, method: str, path: str, body: t.Any) -> Answer:
        self.asked.append((method, path, body))
        status, content = self.answers.pop(0)
        data = content if isinstance(content, bytes) else json.dumps(content).encode()
        kind = "application/soap+xml" if data.startswith(b"<") else "application/json"
        answer = Answer(status=status, content_type=kind, body=data)
        if status not in (200, 201):
            raise Refused(status=status, reason="", device=self.device, subject=path, answer=answer)
        return answer

    def read(self, path: str) -> Answer:
        return self._answer("GET", path, None)

    def post(self, path: str, content_type: str, body: bytes, *, repeat: bool) -> Answer:
        del content_type, repeat
        return self._answer("POST", path, body)

    def change(self, method: str, path: str, content_type: str, body: bytes) -> Answer:
        assert content_type == "application/json"
        return self._answer(method, path, json.loads(body) if body else None)

    def write(self, path: str, *, form: t.Mapping[str, str]) -> Answer:
        return self._answer("POST", path, form)


def api(*answers: tuple[int, t.Any]) -> tuple[AxisApi, Device]:
    device = Device(list(answers))
    return AxisApi(t.cast("t.Any", device)), device


def failure(call: t.Callable[[AxisApi], t.Any], *answers: tuple[int, t.Any]) -> CamsecError:
    with pytest.raises(CamsecError) as caught:
        call(api(*answers)[0])
    assert caught.value.message.startswith(f"{DEVICE}: ")
    assert "\n" not in caught.value.message
    return caught.value


def told(data: t.Any) -> tuple[int, t.Any]:
    return 200, {"apiVersion": "1.0", "method": "x", "data": data}


def given(data: t.Any) -> tuple[int, t.Any]:
    return 200, {"status": "success", "data": data}


# -- frames ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("answer", "found"),
    [
        ((200, b""), "0 bytes of application/json"),
        ((200, b"<html>Login</html>"), "18 bytes of application/soap+xml"),
        ((200, b"[" * 100_000), "100000 bytes"),
        ((200, [1]), "3 bytes"),
        (told(None), "no propertyList"),
        (told({"propertyList": []}), "no propertyList"),
        (told({"propertyList": {"Brand": "AXIS", "ProdNbr": 7}}), "no ProdNbr"),
    ],
    ids=["nothing", "html", "deep", "list", "null", "kind", "number"],
)
def test_what_is_no_answer_of_json(answer: tuple[int, t.Any], found: str) -> None:
    error = failure(AxisApi.identity, answer)
    assert isinstance(error, ProtocolError)
    assert found in error.message
    assert "answer to getAllUnrestrictedProperties" in error.message


def test_an_error_of_json_comes_with_status_200() -> None:
    error = failure(
        lambda one: one.set_clock(dt.datetime.now(dt.UTC)), (200, {"error": {"code": 4004, "message": "Bad\nvalue"}})
    )
    assert isinstance(error, AxisError)
    assert error.code == 4004
    assert error.found == "status 200 (error 4004: Bad value)"


def test_an_error_of_rest_says_what_it_is() -> None:
    refusal = {"status": "error", "error": {"code": 5, "message": "The certificate does not match the key"}}
    error = failure(lambda one: one.replace_certificate("a/b c", "PEM"), (400, refusal))
    assert isinstance(error, AxisError)
    assert (error.code, error.status) == (5, 400)
    assert error.found == "status 400 (error 5: The certificate does not match the key)"
    assert isinstance(failure(AxisApi.issuers, (200, {"status": "error"})), AxisError)
    assert not isinstance(failure(AxisApi.issuers, (500, b"<html/>")), AxisError)


def test_an_alias_is_one_part_of_a_path() -> None:
    one, device = api(given(None), given(None))
    one.delete_certificate("a/b c")
    one.delete_issuer("../x")
    assert [path.rpartition("/cert/v1/")[2] for _method, path, _body in device.asked] == [
        "certificates/a%2Fb%20c", "ca_certificates/..%2Fx",
    ]  # fmt: skip


def test_an_old_axis_os_is_named() -> None:
    error = failure(
        AxisApi.certificates, (404, {"status": "error", "error": {"code": 1, "message": "Resource not found"}})
    )
    assert "found no certificate management, expected AXIS OS 11.11 or later" in error.message


@pytest.mark.parametrize(
    ("rows", "found"),
    [
        ({"virtualhosts": [{"server_name": "default-http", "port": 80}]}, "default-http"),
        ({"virtualhosts": [{"server_name": "default-http", "port": "80"}]}, "default-http"),
        ({}, "NoneType"),
        (None, "NoneType"),
    ],
)
def test_ports_that_are_none(rows: t.Any, found: str) -> None:
    assert found in failure(AxisApi.ports, given(rows)).message


def test_ports_among_other_hosts() -> None:
    rows = [
        {"server_name": "default-http", "port": 80, "auth_type": "digest"},
        {"server_name": "example-1", "port": 8080, "auth_type": "oidc"},
        {"server_name": "default-https", "port": 443, "auth_type": "basic"},
    ]
    assert api(given({"virtualhosts": rows}))[0].ports() == Ports(http=80, https=443, basic_over_https=True)


# -- the web server ----------------------------------------------------------------------------------------------------


def web_answer(configuration: str) -> tuple[int, bytes]:
    """As AXIS OS 12 writes it: other prefixes, a name at the configuration."""
    name = "GetWebServerTlsConfigurationResponse"
    response = f'<w:{name} xmlns:w="{WEB}" xmlns:c="{ACERT}">{configuration}</w:{name}>'
    return 200, f'<E:Envelope xmlns:E="{ENVELOPE}"><E:Body>{response}</E:Body></E:Envelope>'.encode()


CONFIGURATION = (
    '<w:Configuration name="WebServer"><w:Tls>true</w:Tls><w:ConnectionPolicies><w:Admin>HttpAndHttps</w:Admin>'
    "</w:ConnectionPolicies><w:Ciphers><c:Cipher>ECDHE-RSA-AES128-GCM-SHA256</c:Cipher></w:Ciphers><w:CertificateSet>"
    "<c:Certificates><c:Id>Mine (1)</c:Id></c:Certificates><c:CACertificates><c:Id>Issuing CA</c:Id></c:CACertificates>"
    "<c:TrustedCertificates/></w:CertificateSet></w:Configuration>"
)


def test_the_web_server_is_read_and_written_back_as_it_was() -> None:
    one, device = api(web_answer(CONFIGURATION), (200, b"no SOAP"))
    found = one.web_server()
    assert found == WebServer(
        tls=True,
        policy="HttpAndHttps",
        ciphers=("ECDHE-RSA-AES128-GCM-SHA256",),
        certificates=("Mine (1)",),
        issuers=("Issuing CA",),
        trusted=(),
    )
    with pytest.raises(ProtocolError):
        one.set_web_server(dc.replace(found, policy="Https"))
    sent = etree.fromstring(device.asked[-1][2])
    configuration = sent.find(f".//{{{WEB}}}SetWebServerTlsConfiguration/{{{WEB}}}Configuration")
    assert configuration is not None
    assert [etree.QName(part).localname for part in configuration] == [
        "Tls", "ConnectionPolicies", "Ciphers", "CertificateSet",
    ]  # fmt: skip
    assert configuration.findtext(f"{{{WEB}}}ConnectionPolicies/{{{WEB}}}Admin") == "Https"
    sets = configuration.find(f"{{{WEB}}}CertificateSet")
    assert [[row.text for row in part] for part in sets] == [["Mine (1)"], ["Issuing CA"], []]


def test_a_web_server_without_a_configuration() -> None:
    assert "found no configuration" in failure(AxisApi.web_server, web_answer("")).message


# -- the driver --------------------------------------------------------------------------------------------------------


def identity(**more: str) -> tuple[int, t.Any]:
    fields = {"Brand": "AXIS", "ProdNbr": "P3265-V", "SerialNumber": "B8A44F631339", "Version": "12.11.77", **more}
    return told({"propertyList": fields})


def driver(*answers: tuple[int, t.Any]) -> AxisDriver:
    return AxisDriver(t.cast("t.Any", Device(list(answers))), key_seconds=1)


def test_another_brand_speaks_another_dialect() -> None:
    with pytest.raises(ProtocolError, match="brand: found 'Other', expected AXIS"):
        driver(identity(Brand="Other")).first_read()


def test_the_serial_number_is_the_mac_address() -> None:
    found = driver(identity()).identity()
    assert (found.model, found.serial_number, found.mac_address) == (
        "AXIS P3265-V", "B8A44F631339", "B8:A4:4F:63:13:39",
    )  # fmt: skip
    assert not driver(identity(SerialNumber="X1")).identity().mac_address


def test_a_policy_that_is_not_known() -> None:
    answers = (identity(), given([]), web_answer(CONFIGURATION.replace("HttpAndHttps", "Sometimes")))
    with pytest.raises(
        ProtocolError, match="found the connection policy 'Sometimes', expected Http, HttpAndHttps, Https"
    ):
        driver(*answers).first_read()


def test_a_subject_is_written_as_the_documents_write_it() -> None:
    subject = SubjectName(common_name="cam, 1", country="SE", organization="Å & Co")
    assert _distinguished_name(subject) == r"C=SE,O=Å & Co,CN=cam\, 1"


def test_a_password_stands_in_the_body_and_has_to_be_confirmed() -> None:
    secret = Secret("Neues-Geheimnis-8")
    one, device = api((200, b"<html>Modified account root.</html>"), (200, b"<html>Error</html>"))
    one.set_password("root", secret)
    method, path, form = device.asked[0]
    assert (method, path) == ("POST", "/axis-cgi/pwdgrp.cgi")
    assert form == {"action": "update", "user": "root", "pwd": "Neues-Geheimnis-8"}
    with pytest.raises(ProtocolError) as caught:
        one.set_password("root", secret)
    assert "Geheimnis" not in str(caught.value)


@pytest.mark.parametrize("text", ["", "yesterday", "2026-11-28 10:00:00", "2026-13-01T00:00:00Z"])
def test_a_time_that_is_none(text: str) -> None:
    assert f"found the time {text!r}" in failure(AxisApi.clock, told({"dateTime": text})).message


@pytest.mark.parametrize(
    ("client", "server"),
    [
        ({"enabled": True, "serversSource": "static", "staticServers": ["192.0.2.9", "x"]}, "192.0.2.9"),
        ({"enabled": False, "serversSource": "static", "staticServers": ["192.0.2.9"]}, ""),
        ({"enabled": True, "serversSource": "DHCP", "staticServers": ["192.0.2.9"]}, ""),
        ({"enabled": True, "serversSource": "static", "staticServers": []}, ""),
    ],
)
def test_the_time_server_that_is_followed(client: t.Any, server: str) -> None:
    assert api(told({"client": client}))[0].time_server() == server


@pytest.mark.parametrize(
    ("keystore", "kinds"),
    [
        (
            {"id": "SE0", "key_types": ["EC-P256", "RSA-2048", "ED25519", "EC-Pnone"]},
            ["RSA of 2048 bits", "ECDSA on P-256"],
        ),
        ({"id": "SE0"}, [str(kind) for kind in AxisDriver.rules.abilities.key_kinds]),
        ("SE0", [str(kind) for kind in AxisDriver.rules.abilities.key_kinds]),
    ],
)
def test_what_the_default_keystore_makes(keystore: t.Any, kinds: list[str]) -> None:
    found = driver(given("SE0"), given(keystore)).abilities()
    assert [str(kind) for kind in found.key_kinds] == kinds
    assert found.foreign_keys == {"rsa", "ecdsa"}
