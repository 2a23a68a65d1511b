# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Keys, requests, certificates, files and paths, by the foreign client with each login."""

from __future__ import annotations

import re
import subprocess
import typing as t

import pytest

Camera = t.Any
Authority = t.Any
Shell = t.Callable[..., str]
Expects = t.Callable[[str], t.ContextManager[None]]


def test_the_whole_way_to_https_and_a_renewal(either: Camera, authority: Authority, shell: Shell) -> None:
    keystore, tls = either.keystore, either.tls
    made = keystore.CreateRSAKeyPair(KeyLength=2048, Alias="mine")
    assert made.EstimatedCreationTime.total_seconds() == 20
    assert keystore.GetKeyStatus(KeyID=made.KeyID) == "generating"
    either.advance(19)
    assert keystore.GetKeyStatus(KeyID=made.KeyID) == "generating"
    either.advance(1)
    assert keystore.GetKeyStatus(KeyID=made.KeyID) == "ok"
    request = either.make_request(made.KeyID)
    assert "verify OK" in shell("openssl", "req", "-inform", "DER", "-verify", "-noout", data=request)
    uploaded = keystore.UploadCertificate(
        Certificate=authority.sign(request, either.address), Alias="first", PrivateKeyRequired=True
    )
    assert uploaded.KeyID == made.KeyID
    path = either.path(uploaded.CertificateID)
    tls.AddServerCertificateAssignment(CertificationPathID=path)
    assert tls.GetAssignedServerCertificates() == [path]
    either.go_https()
    seen = either.handshake("-CAfile", str(authority.root), "-verify_ip", either.address, "-verify_return_error")
    assert "Verify return code: 0 (ok)" in seen, seen

    before = either.shown()
    renewed = keystore.UploadCertificate(Certificate=authority.sign(request, either.address))
    other = either.path(renewed.CertificateID)
    tls.ReplaceServerCertificateAssignment(OldCertificationPathID=path, NewCertificationPathID=other)
    assert either.shown() != before
    keystore.DeleteCertificationPath(CertificationPathID=path)
    keystore.DeleteCertificate(CertificateID=uploaded.CertificateID)
    either.set_protocols(HTTPS=(False, either.HTTPS))
    tls.RemoveServerCertificateAssignment(CertificationPathID=other)
    keystore.DeleteCertificationPath(CertificationPathID=other)
    keystore.DeleteCertificate(CertificateID=renewed.CertificateID)
    keystore.DeleteKey(KeyID=made.KeyID)
    assert not keystore.GetAllKeys()
    assert not keystore.GetAllCertificates()
    assert not keystore.GetAllCertificationPaths()


def test_a_chain_is_presented_as_it_is(camera: Camera, authority: Authority, to_der: t.Callable[..., bytes]) -> None:
    key = camera.make_key("secp256r1")
    request = camera.make_request(key, algorithm="1.2.840.10045.4.3.2")
    keystore = camera.keystore
    leaf = keystore.UploadCertificate(Certificate=authority.sign(request, camera.address, by="intermediate"))
    above = keystore.UploadCertificate(Certificate=to_der(authority.intermediate.read_bytes()))
    path = camera.path(leaf.CertificateID, above.CertificateID)
    got = keystore.GetCertificationPath(CertificationPathID=path)
    assert got.CertificateID == [leaf.CertificateID, above.CertificateID]
    camera.tls.AddServerCertificateAssignment(CertificationPathID=path)
    camera.go_https()
    seen = camera.handshake("-CAfile", str(authority.root), "-verify_return_error", "-showcerts")
    assert "Verify return code: 0 (ok)" in seen, seen
    assert seen.count("BEGIN CERTIFICATE") == 2
    keystore.SetCertificationPath(
        CertificationPathID=path, CertificationPath={"CertificateID": [leaf.CertificateID], "Alias": "short"}
    )
    assert camera.handshake("-showcerts").count("BEGIN CERTIFICATE") == 1


def test_a_request_has_what_was_asked_for(camera: Camera, shell: Shell) -> None:
    """The extensions, the attribute, and the parts of the subject in their order."""
    subject = {
        "Country": ["NL"],
        "Organization": ["Tests"],
        "StateOrProvinceName": ["NH"],
        "CommonName": ["camera.example"],
        "GenericAttribute": [{"Type": "2.5.4.9", "Value": "Street 1"}, {"Type": "DC", "Value": "example"}],
        "MultiValuedRDN": [{"Attribute": [{"Type": "OU", "Value": "A"}, {"Type": "2.5.4.5", "Value": "7"}]}],
        "anyAttribute": {"DomainComponent": ["test"]},
    }
    names = bytes.fromhex("30108704c0000201") + b"\x82\x08a.exampl"
    usage = {"extnOID": "2.5.29.15", "critical": True, "extnValue": bytes.fromhex("03020780")}
    alternative = {"extnOID": "2.5.29.17", "critical": False, "extnValue": names}
    word = {"OID": "1.2.840.113549.1.9.7", "value": b"\x0c\x04word"}
    attributes = [{"X509v3Extension": usage}, {"X509v3Extension": alternative}, {"BasicRequestAttribute": word}]
    request = camera.make_request(camera.make_key(), subject=subject, CSRAttribute=attributes)
    text = shell("openssl", "req", "-inform", "DER", "-noout", "-text", "-verify", data=request)
    assert "verify OK" in text
    assert "C = NL, O = Tests, ST = NH, CN = camera.example, street = Street 1, DC = example" in text
    assert re.search(r"(?:OU = A \+ serialNumber = 7|serialNumber = 7 \+ OU = A), DC = test\n", text)
    assert re.search(r"Key Usage: critical\s+Digital Signature", text)
    assert "IP Address:192.0.2.1, DNS:a.exampl" in text
    assert "challengePassword" in text


@pytest.mark.parametrize(
    ("kind", "algorithm"),
    [(2048, "1.2.840.113549.1.1.13"), ("secp256r1", "1.2.840.10045.4.3.2"), ("secp384r1", "1.2.840.10045.4.3.3")],
)
def test_self_signed_of_each_kind_of_key(camera: Camera, shell: Shell, kind: int | str, algorithm: str) -> None:
    key = camera.make_key(kind)
    name = bytes([0x30, 6, 0x87, 4]) + bytes(map(int, camera.address.split(".")))
    made = camera.self_signed(
        key,
        algorithm=algorithm,
        Alias="own",
        Extension=[{"extnOID": "2.5.29.17", "critical": False, "extnValue": name}],
    )
    got = camera.keystore.GetCertificate(CertificateID=made)
    assert (got.KeyID, got.Alias, got.HasPrivateKey) == (key, "own", True)
    path = camera.folder / "own.pem"
    path.write_text(shell("openssl", "x509", "-inform", "DER", data=got.CertificateContent))
    assert shell("openssl", "verify", "-CAfile", str(path), "-verify_ip", camera.address, str(path)).endswith("OK\n")
    camera.tls.AddServerCertificateAssignment(CertificationPathID=camera.path(made))
    camera.go_https()
    assert "Verify return code: 0 (ok)" in camera.handshake("-CAfile", str(path), "-verify_return_error")


def test_the_foreign_client_speaks_https(camera: Camera, authority: Authority, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(authority.root))
    camera.secure(authority)
    client = camera.new_client(port=camera.HTTPS, https=True)
    assert client.services[0].XAddr == f"https://{camera.address}:{camera.HTTPS}/onvif/device_service"
    assert client.devicemgmt().GetDeviceInformation().Model == "NVT-1"


def test_pkcs8_plain_and_encrypted(either: Camera, authority: Authority) -> None:
    keystore = either.keystore
    certificate, key = authority.made(f"pkcs8-{either.name}")
    convert = ("openssl", "pkcs8", "-topk8", "-outform", "DER", "-in", str(key))
    plain = subprocess.run([*convert, "-nocrypt"], capture_output=True, check=True).stdout
    hidden = subprocess.run([*convert, "-passout", "pass:hush hush"], capture_output=True, check=True).stdout
    first = keystore.UploadKeyPairInPKCS8(KeyPair=plain, Alias="loaded")
    attributes = keystore.GetAllKeys()[0]
    assert (attributes.KeyID, attributes.hasPrivateKey, attributes.externallyGenerated) == (first, True, True)
    passphrase = keystore.UploadPassphrase(Passphrase="hush hush")
    assert keystore.UploadKeyPairInPKCS8(KeyPair=hidden, EncryptionPassphraseID=passphrase) == first
    assert keystore.UploadKeyPairInPKCS8(KeyPair=hidden, EncryptionPassphrase="hush hush") == first
    data = subprocess.run(
        ["openssl", "x509", "-in", str(certificate), "-outform", "DER"], capture_output=True, check=True
    ).stdout
    assert keystore.UploadCertificate(Certificate=data, PrivateKeyRequired=True).KeyID == first


def test_pkcs12_with_its_chain(either: Camera, authority: Authority) -> None:
    keystore = either.keystore
    passphrase = keystore.UploadPassphrase(Passphrase="word", PassphraseAlias="for files")
    assert [one.Alias for one in keystore.GetAllPassphrases()] == ["for files"]
    loaded = keystore.UploadCertificateWithPrivateKeyInPKCS12(
        CertWithPrivateKey=authority.pkcs12(f"p12-{either.name}", "word", chain=True),
        CertificationPathAlias="chain",
        KeyAlias="of a file",
        IntegrityPassphraseID=passphrase,
        EncryptionPassphraseID=passphrase,
    )
    got = keystore.GetCertificationPath(CertificationPathID=loaded.CertificationPathID)
    assert (len(got.CertificateID), got.Alias) == (3, "chain")
    assert [one.Alias for one in keystore.GetAllKeys() if one.hasPrivateKey] == ["of a file"]
    either.tls.AddServerCertificateAssignment(CertificationPathID=loaded.CertificationPathID)
    either.go_https()
    seen = either.handshake("-CAfile", str(authority.root), "-verify_return_error")
    assert "Verify return code: 0 (ok)" in seen
    keystore.DeletePassphrase(PassphraseID=passphrase)
    assert not keystore.GetAllPassphrases()


def test_pkcs12_without_the_rest_of_its_chain(camera: Camera, authority: Authority) -> None:
    loaded = camera.keystore.UploadCertificateWithPrivateKeyInPKCS12(
        CertWithPrivateKey=authority.pkcs12("p12-alone", "word", chain=True),
        IgnoreAdditionalCertificates=True,
        Passphrase="word",
    )
    got = camera.keystore.GetCertificationPath(CertificationPathID=loaded.CertificationPathID)
    assert len(got.CertificateID) == 1


def test_a_certificate_alone_brings_its_public_key(
    camera: Camera, authority: Authority, to_der: t.Callable[..., bytes]
) -> None:
    keystore = camera.keystore
    uploaded = keystore.UploadCertificate(Certificate=to_der(authority.root.read_bytes()), KeyAlias="its key")
    keys = keystore.GetAllKeys()
    assert [(one.KeyID, one.Alias, one.hasPrivateKey) for one in keys] == [(uploaded.KeyID, "its key", False)]
    assert keystore.GetPrivateKeyStatus(KeyID=uploaded.KeyID) is False


def test_a_key_that_is_deleted_while_it_is_made(camera: Camera) -> None:
    keystore = camera.keystore
    made = keystore.CreateRSAKeyPair(KeyLength=2048)
    keystore.DeleteKey(KeyID=made.KeyID)
    camera.advance(20)
    assert not keystore.GetAllKeys()


def test_a_key_is_corrupt_when_the_power_goes_while_it_is_made(camera: Camera, expects: Expects) -> None:
    made = camera.keystore.CreateRSAKeyPair(KeyLength=2048)
    camera.control("/power_off", "POST")
    camera.control("/power_on", "POST")
    camera.advance(30)
    assert camera.keystore.GetKeyStatus(KeyID=made.KeyID) == "corrupt"
    with expects("Sender/InvalidArgVal/InvalidKeyStatus"):
        camera.make_request(made.KeyID)
    camera.keystore.DeleteKey(KeyID=made.KeyID)


def test_a_curve_is_quicker(camera: Camera) -> None:
    made = camera.keystore.CreateECCKeyPair(EllipticCurve="secp384r1")
    assert made.EstimatedCreationTime.total_seconds() == 2
    camera.advance(2)
    assert camera.keystore.GetKeyStatus(KeyID=made.KeyID) == "ok"


def test_crls(camera: Camera, authority: Authority) -> None:
    keystore = camera.keystore
    crl = authority.crl()
    made = keystore.UploadCRL(Crl=crl, Alias="root's")
    assert keystore.GetCRL(CrlID=made).CRLContent == crl
    assert [one.CRLID for one in keystore.GetAllCRLs()] == [made]
    keystore.DeleteCRL(CrlID=made)
    assert not keystore.GetAllCRLs()


def test_clients_need_a_certificate(camera: Camera, authority: Authority, to_der: t.Callable[..., bytes]) -> None:
    """By a validation policy; a revoked certificate is refused; its common name is a user where that is switched on."""
    camera.secure(authority)
    keystore, tls = camera.keystore, camera.tls
    anchor = keystore.UploadCertificate(Certificate=to_der(authority.root.read_bytes())).CertificateID
    policy = keystore.CreateCertPathValidationPolicy(
        Parameters={}, TrustAnchor=[{"CertificateID": anchor}], Alias="clients"
    )
    assert keystore.GetCertPathValidationPolicy(CertPathValidationPolicyID=policy).Alias == "clients"
    assert len(keystore.GetAllCertPathValidationPolicies()) == 1
    tls.AddCertPathValidationPolicyAssignment(CertPathValidationPolicyID=policy)
    assert tls.GetAssignedCertPathValidationPolicies() == [policy]
    tls.SetClientAuthenticationRequired(clientAuthenticationRequired=True)
    assert tls.GetClientAuthenticationRequired() is True
    certificate, key = authority.made("operator")
    url = f"https://{camera.address}:{camera.HTTPS}/onvif/device_service"
    assert _curl_status(url) == "000"
    assert _curl_status(url, certificate, key) == "401"
    tls.SetCnMapsToUser(cnMapsToUser=True)
    assert tls.GetCnMapsToUser() is True
    assert _curl_status(url, certificate, key) == "200"
    stranger, other = authority.made("stranger")
    assert _curl_status(url, stranger, other) == "401"
    keystore.UploadCRL(Crl=authority.crl(certificate))
    assert _curl_status(url, certificate, key) == "000"
    assert _curl_status(url, stranger, other) == "401"
    tls.SetClientAuthenticationRequired(clientAuthenticationRequired=False)
    assert _curl_status(url) == "401"
    changed = {"CertPathValidationPolicyID": policy, "Parameters": {}, "TrustAnchor": [{"CertificateID": anchor}]}
    keystore.SetCertPathValidationPolicy(CertPathValidationPolicy={**changed, "Alias": "others"})
    assert keystore.GetAllCertPathValidationPolicies()[0].Alias == "others"
    tls.ReplaceCertPathValidationPolicyAssignment(
        OldCertPathValidationPolicyID=policy, NewCertPathValidationPolicyID=policy
    )
    tls.RemoveCertPathValidationPolicyAssignment(CertPathValidationPolicyID=policy)
    keystore.DeleteCertPathValidationPolicy(CertPathValidationPolicyID=policy)


def _curl_status(url: str, *pair: t.Any) -> str:
    body = (
        '<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope"><s:Body>'
        '<GetDeviceInformation xmlns="http://www.onvif.org/ver10/device/wsdl"/></s:Body></s:Envelope>'
    )
    login = ["--cert", str(pair[0]), "--key", str(pair[1])] if pair else []
    command = ["curl", "-sk", "--noproxy", "*", "--max-time", "60", "-o", "/dev/null", "-w", "%{http_code}", *login]
    return subprocess.run(
        [*command, "--data", body, url], capture_output=True, text=True, timeout=90, check=False
    ).stdout


def test_capabilities_tell_what_the_model_can_do(new_camera: t.Callable[..., Camera]) -> None:
    camera = new_camera("small")
    found = camera.client.security().GetServiceCapabilities()
    keystore, tls = found.KeystoreCapabilities, found.TLSServerCapabilities
    assert (keystore.MaximumNumberOfKeys, keystore.MaximumNumberOfCertificationPaths) == (2, 1)
    assert (keystore.RSAKeyLengths, keystore.EllipticCurves) == ([2048, 3072, 4096], ["secp256r1", "secp384r1"])
    assert (tls.TLSServerSupported, tls.EnabledVersionsSupported) == (["1.2", "1.3"], True)
    assert "1.2.840.113549.1.1.11" in [one.algorithm for one in keystore.SignatureAlgorithms]
