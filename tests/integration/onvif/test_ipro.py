# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The second door of i-PRO cameras: ONVIF's device service on the state of the CGI, by the foreign client."""

from __future__ import annotations

import subprocess
import typing as t

import pytest

Camera = t.Any
Authority = t.Any
NewCamera = t.Callable[..., Camera]
Expects = t.Callable[[str], t.ContextManager[None]]
TDS = "http://www.onvif.org/ver10/device/wsdl"


@pytest.fixture(params=[False, True], ids=["token", "digest"])
def ipro(request: pytest.FixtureRequest, new_camera: NewCamera) -> Camera:
    return new_camera("ipro", digest=request.param)


def cgi(camera: Camera, path: str, *options: str, scheme: str = "http") -> str:
    port = camera.HTTP if scheme == "http" else camera.HTTPS
    url = f"{scheme}://{camera.address}:{port}/cgi-bin/{path}"
    login = ("--digest", "-u", f"admin:{camera.PASSWORD}")
    command = ["curl", "-sk", "--noproxy", "*", "--max-time", "60", *login, *options, url]
    return subprocess.run(command, capture_output=True, text=True, timeout=90, check=True).stdout


def make_key(camera: Camera) -> None:
    """By the CGI: the one way there is."""
    assert "generating=yes" in cgi(camera, "set_crt_key?mode=create&size=2048")
    camera.advance(120)


def live(camera: Camera) -> str:
    return str(camera.control()["live"])


def test_the_whole_way_with_a_key_of_the_cgi(ipro: Camera, authority: Authority, shell: t.Callable[..., str]) -> None:
    device = ipro.device
    assert device.GetDeviceInformation().Manufacturer == "i-PRO"
    assert device.GetScopes()[0].ScopeItem == "onvif://www.onvif.org/name/i-PRO_WV-S1136"
    make_key(ipro)
    request = device.GetPkcs10Request(CertificateID="server", Subject=f"CN={ipro.address},O=Tests").Data
    assert "verify OK" in shell("openssl", "req", "-inform", "DER", "-verify", "-noout", data=request)
    signed = authority.sign(request, ipro.address)
    device.LoadCertificates(NVTCertificate=[{"CertificateID": "server", "Certificate": {"Data": signed}}])
    assert f"ca_cert_info={ipro.address}" in cgi(ipro, "get_https")
    assert [(one.CertificateID, one.Status) for one in device.GetCertificatesStatus()] == [("server", True)]
    assert device.GetCertificateInformation(CertificateID="server").IssuerDN == "CN=Root of tests"
    ipro.set_protocols(HTTPS=(True, ipro.HTTPS))
    ipro.advance(10)
    assert live(ipro) == "dual"
    assert "live=dual" in cgi(ipro, "get_https")
    assert "live=dual" in cgi(ipro, "get_https", scheme="https")
    assert "Verify return code: 0 (ok)" in ipro.handshake("-CAfile", str(authority.root), "-verify_return_error")
    ipro.set_protocols(HTTP=(False, ipro.HTTP))
    ipro.advance(10)
    assert "live=https" in cgi(ipro, "get_https", scheme="https")
    assert [one["scheme"] for one in ipro.control()["listening"]] == ["https"]


def test_self_signed_and_both_protocols(ipro: Camera, print_of: t.Callable[[bytes], str], expects: Expects) -> None:
    device = ipro.device
    with expects("Sender/OperationProhibited"):
        device.CreateCertificate()
    make_key(ipro)
    made = device.CreateCertificate(Subject="CN=camera.example")
    assert made.CertificateID == "self-signed"
    assert "self_signed_info=camera.example" in cgi(ipro, "get_https")
    ipro.set_protocols(HTTPS=(True, ipro.HTTPS))
    ipro.advance(10)
    assert ipro.shown() == print_of(made.Certificate.Data)
    with expects("Sender/OperationProhibited"):
        device.DeleteCertificates(CertificateID=["self-signed"])
    with expects("Sender/OperationProhibited"):
        device.SetCertificatesStatus(CertificateStatus=[{"CertificateID": "self-signed", "Status": False}])
    ipro.set_protocols(HTTPS=(False, ipro.HTTPS))
    ipro.sim.settle()
    assert live(ipro) == "http"
    device.DeleteCertificates(CertificateID=["self-signed"])
    assert not device.GetCertificates()


def test_a_restart_keeps_both_protocols(ipro: Camera) -> None:
    make_key(ipro)
    ipro.device.CreateCertificate()
    ipro.set_protocols(HTTPS=(True, ipro.HTTPS))
    ipro.advance(10)
    ipro.device.SystemReboot()
    ipro.advance(60)
    assert [one["scheme"] for one in ipro.control()["listening"]] == ["http", "https"]


def test_another_wish_while_protocols_switch(ipro: Camera) -> None:
    """What waits for its time is given up, or taken over; HTTP answers as long as it is on."""
    make_key(ipro)
    ipro.device.CreateCertificate()
    ipro.set_protocols(HTTPS=(True, ipro.HTTPS))
    ipro.set_protocols(HTTPS=(False, ipro.HTTPS))
    ipro.advance(10)
    assert [one["scheme"] for one in ipro.control()["listening"]] == ["http"]
    ipro.set_protocols(HTTPS=(True, ipro.HTTPS))
    ipro.set_protocols(HTTP=(False, ipro.HTTP), HTTPS=(True, ipro.HTTPS))
    ipro.advance(10)
    assert [(one["scheme"], one["port"]) for one in ipro.control()["listening"]] == [("https", ipro.HTTPS)]


def test_refusals(ipro: Camera, authority: Authority, to_der: t.Callable[..., bytes], expects: Expects) -> None:
    device = ipro.device
    with expects("Receiver/ActionNotSupported/EnablingTlsFailed"):
        ipro.set_protocols(HTTPS=(True, ipro.HTTPS))
    with expects("Sender/InvalidArgVal"):
        ipro.set_protocols(HTTP=(False, ipro.HTTP))
    with expects("Sender/OperationProhibited"):
        ipro.set_protocols(HTTP=(True, 8081))
    with expects("Sender/InvalidArgVal/PortAlreadyInUse"):
        ipro.set_protocols(HTTPS=(False, 554))
    with expects("Sender/InvalidArgVal/CertificateID"):
        device.GetPkcs10Request(CertificateID="mine")
    make_key(ipro)
    with expects("Sender/OperationProhibited"):
        # HTTPS-21: no request was made.
        root = {"CertificateID": "server", "Certificate": {"Data": to_der(authority.root.read_bytes())}}
        device.LoadCertificates(NVTCertificate=[root])
    with expects("Sender/InvalidArgVal/InvalidSubject"):
        device.CreateCertificate(Subject="CN=x,DC=example")
    with expects("Receiver/ActionNotSupported"):
        device.SetClientCertificateMode(Enabled=True)
    with expects("Sender/UnknownAction"):
        ipro.keystore.CreateRSAKeyPair(KeyLength=2048)


def test_while_a_key_is_generated(new_camera: NewCamera) -> None:
    """HTTPS-03, through this door as well."""
    camera = new_camera("ipro")
    cgi(camera, "set_crt_key?mode=create&size=2048")
    reply = camera.ask(f'<CreateCertificate xmlns="{TDS}"/>')
    assert (reply.status, reply.fault) == (500, "Receiver/Action")
    assert b"HTTPS-03" in reply.data
    assert camera.ask(f'<GetDeviceInformation xmlns="{TDS}"/>').status == 200


def test_levels_and_the_first_account(new_camera: NewCamera) -> None:
    camera = new_camera("ipro")
    information, reboot = (f'<{name} xmlns="{TDS}"/>' for name in ("GetDeviceInformation", "SystemReboot"))
    for user in ("viewer", "operator"):
        assert camera.ask(information, user=user).status == 200
        assert camera.ask(reboot, user=user).fault == "Sender/NotAuthorized"
    camera.control("/set", "POST", {"first_account": False})
    assert camera.ask(information).fault == "Sender/NotAuthorized"
    assert camera.ask(f'<GetSystemDateAndTime xmlns="{TDS}"/>').status == 200
    camera.control("/set", "POST", {"first_account": True})
    assert camera.ask(information).status == 200
