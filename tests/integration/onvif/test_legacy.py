# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The older certificate operations of the device service, by the foreign client with each login."""

from __future__ import annotations

import pathlib
import subprocess
import typing as t

import pytest

Camera = t.Any
Authority = t.Any
NewCamera = t.Callable[..., Camera]
Expects = t.Callable[[str], t.ContextManager[None]]
ToDer = t.Callable[..., bytes]


@pytest.fixture(params=[False, True], ids=["token", "digest"])
def legacy(request: pytest.FixtureRequest, new_camera: NewCamera) -> Camera:
    """A model without Advanced Security, by each login."""
    return new_camera("legacy", digest=request.param)


def binary(data: bytes) -> dict[str, bytes]:
    return {"Data": data}


def key_of(path: pathlib.Path) -> bytes:
    command = ["openssl", "pkcs8", "-topk8", "-nocrypt", "-outform", "DER", "-in", str(path)]
    return subprocess.run(command, capture_output=True, check=True).stdout


def test_self_signed_request_and_signed_certificate(
    legacy: Camera, authority: Authority, shell: t.Callable[..., str], print_of: t.Callable[[bytes], str]
) -> None:
    device = legacy.device
    made = device.CreateCertificate(CertificateID="web", Subject=f"CN={legacy.address},O=Tests")
    assert made.CertificateID == "web"
    assert [one.CertificateID for one in device.GetCertificates()] == ["web"]
    assert [one.Status for one in device.GetCertificatesStatus()] == [False]
    device.SetCertificatesStatus(CertificateStatus=[{"CertificateID": "web", "Status": True}])
    legacy.go_https()
    assert legacy.shown() == print_of(made.Certificate.Data)

    request = device.GetPkcs10Request(CertificateID="web", Subject=f"CN={legacy.address}").Data
    assert "verify OK" in shell("openssl", "req", "-inform", "DER", "-verify", "-noout", data=request)
    signed = authority.sign(request, legacy.address)
    device.LoadCertificates(NVTCertificate=[{"CertificateID": "web", "Certificate": binary(signed)}])
    assert legacy.shown() == print_of(signed)
    assert "Verify return code: 0 (ok)" in legacy.handshake("-CAfile", str(authority.root))
    facts = device.GetCertificateInformation(CertificateID="web")
    assert (facts.IssuerDN, facts.KeyLength, facts.Version) == ("CN=Root of tests", 2048, "3")
    assert facts.KeyUsage._value_1 == "digital_signature"


def test_a_certificate_with_its_key_and_its_ca(
    legacy: Camera, authority: Authority, to_der: ToDer, expects: Expects
) -> None:
    """What is loaded as CA completes the chain, and clients' certificates are verified with it."""
    device = legacy.device
    certificate, key = authority.made(f"legacy-{legacy.name}", by="intermediate")
    above = to_der(authority.intermediate.read_bytes())
    device.LoadCACertificates(CACertificate=[{"CertificateID": "above", "Certificate": binary(above)}])
    assert [one.CertificateID for one in device.GetCACertificates()] == ["above"]
    pair = {
        "CertificateID": "pair",
        "Certificate": binary(to_der(certificate.read_bytes())),
        "PrivateKey": binary(key_of(key)),
    }
    device.LoadCertificateWithPrivateKey(CertificateWithPrivateKey=[pair])
    assert [one.CertificateID for one in device.GetCertificates()] == ["pair"]
    device.SetCertificatesStatus(CertificateStatus=[{"CertificateID": "pair", "Status": True}])
    legacy.go_https()
    assert "Verify return code: 0 (ok)" in legacy.handshake("-CAfile", str(authority.root))
    assert device.GetClientCertificateMode() is False
    device.SetClientCertificateMode(Enabled=True)
    assert device.GetClientCertificateMode() is True
    with expects("Sender/InvalidArgVal/ReferenceExists"):
        device.DeleteCertificates(CertificateID=["above"])


def test_refusals(camera: Camera, authority: Authority, to_der: ToDer, expects: Expects) -> None:
    device = camera.device
    device.CreateCertificate(CertificateID="a")
    with expects("Sender/InvalidArgVal/CertificateID"):
        device.CreateCertificate(CertificateID="a")
    with expects("Sender/InvalidArgVal"):
        device.CreateCertificate(CertificateID="1 a")
    with expects("Sender/InvalidArgVal/InvalidSubject"):
        device.CreateCertificate(CertificateID="b", Subject="nonsense")
    with expects("Sender/InvalidArgVal/CertificateID"):
        device.GetPkcs10Request(CertificateID="none")
    with expects("Sender/InvalidArgVal/CertificateID"):
        device.SetCertificatesStatus(CertificateStatus=[{"CertificateID": "none", "Status": True}])
    with expects("Receiver/ActionNotSupported/EnablingClientAuthenticationFailed"):
        device.SetClientCertificateMode(Enabled=True)
    root = to_der(authority.root.read_bytes())
    with expects("Receiver/Action/NoMatchingPrivateKey"):
        device.LoadCertificates(NVTCertificate=[{"CertificateID": "root", "Certificate": binary(root)}])
    with expects("Sender/InvalidArgVal/CertificateID"):
        device.LoadCertificates(NVTCertificate=[{"CertificateID": "a", "Certificate": binary(root)}])
    with expects("Sender/InvalidArgVal/BadCertificate"):
        device.LoadCertificates(NVTCertificate=[{"CertificateID": "a", "Certificate": binary(b"junk")}])
    certificate, _key = authority.made("legacy-of-one")
    _certificate, other = authority.made("legacy-of-another")
    pair = {
        "CertificateID": "pair",
        "Certificate": binary(to_der(certificate.read_bytes())),
        "PrivateKey": binary(key_of(other)),
    }
    with expects("Sender/InvalidArgVal/PublicPrivateKeyMismatch"):
        device.LoadCertificateWithPrivateKey(CertificateWithPrivateKey=[pair])
    on = {"CertificateID": "a", "Status": True}
    device.SetCertificatesStatus(CertificateStatus=[on])
    device.CreateCertificate(CertificateID="b")
    with expects("Receiver/Action/MaximumNumberOfCertificationPathsReached"):
        device.SetCertificatesStatus(CertificateStatus=[{**on, "CertificateID": "b"}])
    camera.go_https()
    with expects("Sender/InvalidArgVal/ReferenceExists"):
        device.DeleteCertificates(CertificateID=["a"])
    with expects("Sender/InvalidArgVal/ReferenceExists"):
        device.SetCertificatesStatus(CertificateStatus=[{**on, "Status": False}])


def test_several_certificates_are_loaded_all_or_none(
    camera: Camera, authority: Authority, to_der: ToDer, expects: Expects
) -> None:
    root, above = (to_der(path.read_bytes()) for path in (authority.root, authority.intermediate))
    given = [{"CertificateID": "a", "Certificate": binary(root)}, {"CertificateID": "a", "Certificate": binary(above)}]
    with expects("Sender/InvalidArgVal/CertificateID"):
        camera.device.LoadCACertificates(CACertificate=given)
    assert not camera.device.GetCACertificates()
    assert not camera.keystore.GetAllKeys()
    camera.device.LoadCACertificates(CACertificate=given[:1])
    camera.device.CreateCertificate(CertificateID="own")
    with expects("Sender/InvalidArgVal/CertificateID"):
        camera.device.DeleteCertificates(CertificateID=["own", "none"])
    assert len(camera.device.GetCertificates()) == 1


def test_both_doors_show_one_keystore(camera: Camera, print_of: t.Callable[[bytes], str]) -> None:
    """One certificate takes the other's place without HTTPS going off; what nothing needs any more is deleted."""
    camera.device.CreateCertificate(CertificateID="old")
    new = camera.device.CreateCertificate(CertificateID="new")
    camera.device.SetCertificatesStatus(CertificateStatus=[{"CertificateID": "old", "Status": True}])
    camera.go_https()
    camera.device.SetCertificatesStatus(
        CertificateStatus=[{"CertificateID": "old", "Status": False}, {"CertificateID": "new", "Status": True}]
    )
    assert camera.shown() == print_of(new.Certificate.Data)
    assert len(camera.keystore.GetAllCertificationPaths()) == 1
    assert [one.CertificateID for one in camera.keystore.GetAllCertificates()] == ["old", "new"]
    camera.device.DeleteCertificates(CertificateID=["old"])
    assert len(camera.keystore.GetAllKeys()) == 1
