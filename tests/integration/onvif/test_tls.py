# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Network protocols and the TLS server: what openssl sees."""

from __future__ import annotations

import socket
import typing as t

import pytest

Camera = t.Any
Authority = t.Any
NewCamera = t.Callable[..., Camera]
Expects = t.Callable[[str], t.ContextManager[None]]


def protocols(camera: Camera) -> dict[str, tuple[bool, int]]:
    return {one.Name: (one.Enabled, one.Port[0]) for one in camera.device.GetNetworkProtocols()}


def listening(camera: Camera) -> set[tuple[str, int]]:
    return {(one["scheme"], one["port"]) for one in camera.control()["listening"]}


def test_both_protocols_and_either_alone(camera: Camera, authority: Authority) -> None:
    camera.secure(authority)
    assert listening(camera) == {("http", camera.HTTP), ("https", camera.HTTPS)}
    assert protocols(camera)["HTTPS"] == (True, camera.HTTPS)
    camera.set_protocols(HTTPS=(True, 9443))
    assert listening(camera) == {("http", camera.HTTP)}
    camera.advance(5)
    assert listening(camera) == {("http", camera.HTTP), ("https", 9443)}
    camera.set_protocols(HTTP=(False, camera.HTTP), RTSP=(False, 554))
    camera.sim.settle()
    assert listening(camera) == {("https", 9443)}
    assert "Verify return code: 0 (ok)" in camera.handshake("-CAfile", str(authority.root), port=9443)
    with socket.socket() as refused, pytest.raises(ConnectionRefusedError):
        refused.connect((camera.address, camera.HTTP))


def test_a_listener_stays_while_another_changes(camera: Camera, authority: Authority) -> None:
    """The client that switches HTTPS on stays connected by HTTP."""
    with socket.create_connection((camera.address, camera.HTTP)) as standing:
        camera.secure(authority)
        standing.sendall(b"GET /elsewhere HTTP/1.1\r\nHost: x\r\n\r\n")
        assert standing.recv(12) == b"HTTP/1.1 404"


def test_two_protocols_exchange_their_ports(camera: Camera, authority: Authority) -> None:
    camera.secure(authority)
    camera.set_protocols(HTTP=(True, camera.HTTPS), HTTPS=(True, camera.HTTP))
    camera.advance(5)
    assert listening(camera) == {("http", camera.HTTPS), ("https", camera.HTTP)}
    assert "Verify return code: 0 (ok)" in camera.handshake("-CAfile", str(authority.root), port=camera.HTTP)


def test_refusals(camera: Camera, authority: Authority, expects: Expects) -> None:
    with expects("Receiver/ActionNotSupported/EnablingTlsFailed"):
        camera.go_https()
    with expects("Sender/InvalidArgVal"):
        camera.set_protocols(HTTP=(False, camera.HTTP))
    with expects("Sender/InvalidArgVal/PortAlreadyInUse"):
        camera.set_protocols(HTTP=(True, 554))
    with expects("Sender/InvalidArgVal"):
        camera.set_protocols(HTTP=(True, 0))
    with expects("Sender/InvalidArgVal"):
        camera.set_protocols(HTTP=(True, 70000))
    camera.secure(authority)
    with socket.socket() as taken:
        taken.bind((camera.address, 9444))
        taken.listen()
        with expects("Sender/InvalidArgVal/PortAlreadyInUse"):
            camera.set_protocols(HTTP=(True, 9445), HTTPS=(True, 9444))
    with socket.socket() as free:
        free.bind((camera.address, 9445))
    assert protocols(camera)["HTTPS"] == (True, camera.HTTPS)
    assert listening(camera) == {("http", camera.HTTP), ("https", camera.HTTPS)}


@pytest.mark.parametrize("enabled", ["1.2", "1.3", "1.0 1.2", "1.1"])
def test_enabled_versions_are_the_ones_that_answer(new_camera: NewCamera, authority: Authority, enabled: str) -> None:
    """Live: no listener is opened anew."""
    old = new_camera("old")
    old.secure(authority)
    old.tls.SetEnabledTLSVersions(Versions=enabled.split())
    assert old.tls.GetEnabledTLSVersions() == enabled.split()
    options = {"1.0": "-tls1", "1.1": "-tls1_1", "1.2": "-tls1_2", "1.3": "-tls1_3"}
    answered = [
        version
        for version, option in options.items()
        if "BEGIN CERTIFICATE" in old.handshake(option, "-cipher", "DEFAULT:@SECLEVEL=0")
    ]
    assert answered == enabled.split()


def test_two_certificates_at_once(new_camera: NewCamera, authority: Authority) -> None:
    """One for RSA and one on a curve: a client gets the one that it can use."""
    camera = new_camera("old")
    camera.secure(authority)
    request = camera.make_request(camera.make_key(2048))
    uploaded = camera.keystore.UploadCertificate(Certificate=authority.sign(request, camera.address))
    camera.tls.AddServerCertificateAssignment(CertificationPathID=camera.path(uploaded.CertificateID))
    for cipher, kind in (("ECDHE-RSA-AES128-GCM-SHA256", "rsaEncryption"), ("ECDHE-ECDSA-AES128-GCM-SHA256", "id-ec")):
        assert f"a:PKEY: {kind}" in camera.handshake("-tls1_2", "-cipher", cipher)


def test_another_kind_of_key_replaces_the_old_one(camera: Camera, authority: Authority) -> None:
    old = camera.secure(authority)
    request = camera.make_request(camera.make_key(2048))
    uploaded = camera.keystore.UploadCertificate(Certificate=authority.sign(request, camera.address))
    path = camera.path(uploaded.CertificateID)
    camera.tls.ReplaceServerCertificateAssignment(OldCertificationPathID=old, NewCertificationPathID=path)
    assert "a:PKEY: rsaEncryption" in camera.handshake()
    assert "BEGIN CERTIFICATE" not in camera.handshake("-tls1_2", "-cipher", "ECDHE-ECDSA-AES128-GCM-SHA256")


def test_a_standing_connection_outlives_a_renewal(camera: Camera, authority: Authority) -> None:
    import ssl

    old = camera.secure(authority)
    context = ssl.create_default_context(cafile=str(authority.root))
    with (
        socket.create_connection((camera.address, camera.HTTPS)) as raw,
        context.wrap_socket(raw, server_hostname=camera.address) as standing,
    ):
        before = standing.getpeercert(binary_form=True)
        request = camera.make_request(camera.make_key("secp384r1"), algorithm="1.2.840.10045.4.3.3")
        uploaded = camera.keystore.UploadCertificate(Certificate=authority.sign(request, camera.address))
        new = camera.path(uploaded.CertificateID)
        camera.tls.ReplaceServerCertificateAssignment(OldCertificationPathID=old, NewCertificationPathID=new)
        standing.sendall(b"GET /elsewhere HTTP/1.1\r\nHost: x\r\n\r\n")
        assert standing.recv(12) == b"HTTP/1.1 404"
        with (
            socket.create_connection((camera.address, camera.HTTPS)) as more,
            context.wrap_socket(more, server_hostname=camera.address) as fresh,
        ):
            assert fresh.getpeercert(binary_form=True) != before
