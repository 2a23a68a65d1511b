# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every message of our own driver, and every answer that it takes, by the official schemas."""

from __future__ import annotations

import dataclasses as dc
import importlib
import pathlib
import typing as t

import pytest
from ansible_collections.camsec.fleet.plugins.module_utils._core._secret import Secret
from ansible_collections.camsec.fleet.plugins.module_utils._module import run_in_worker
from ansible_collections.camsec.fleet.plugins.module_utils._onvif.api import OnvifApi
from ansible_collections.camsec.fleet.plugins.module_utils._pki._authority import CertificateAuthority
from ansible_collections.camsec.fleet.plugins.module_utils._transport._session import Answer, DeviceSession, Refused
from lxml import etree

from .conftest import HTTP, HTTPS, PASSWORD, Camera, Judge, run

PASSPHRASE = "Siegel-Geheimnis-9"
#: All that the driver ever sends; appendix A and B of the wire dialects.
OPERATIONS = {
    "AddServerCertificateAssignment", "CreateCertificationPath", "CreateECCKeyPair", "CreatePKCS10CSR",
    "CreateRSAKeyPair", "CreateSelfSignedCertificate", "DeleteCertificate", "DeleteCertificationPath", "DeleteKey",
    "GetAllCertificates", "GetAllCertificationPaths", "GetAllKeys", "GetAssignedServerCertificates", "GetCertificate",
    "GetCertificationPath", "GetDeviceInformation", "GetEnabledTLSVersions", "GetKeyStatus", "GetNTP",
    "GetNetworkDefaultGateway", "GetNetworkInterfaces", "GetNetworkProtocols", "GetServiceCapabilities",
    "GetServices", "GetSystemDateAndTime", "RemoveServerCertificateAssignment", "ReplaceServerCertificateAssignment",
    "SetEnabledTLSVersions", "SetNTP", "SetNetworkDefaultGateway", "SetNetworkInterfaces", "SetNetworkProtocols",
    "SetSystemDateAndTime", "SystemReboot", "UploadCertificate", "UploadCertificateWithPrivateKeyInPKCS12",
    "UploadKeyPairInPKCS8",
}  # fmt: skip


@pytest.fixture
def running(camera: Camera) -> t.Iterator[Camera]:
    """Its clock runs: keys, switches and restarts come to pass by themselves."""
    camera.sim.control("/clock", "POST", {"speed": 1000})
    yield camera
    camera.sim.control("/clock", "POST", {"speed": 0})


@pytest.fixture
def watched(judge: Judge, monkeypatch: pytest.MonkeyPatch) -> Judge:
    """Our sessions, with the judge between them and the device."""
    post = DeviceSession.post

    def seen(self: DeviceSession, path: str, content_type: str, body: bytes, *, repeat: bool) -> Answer:
        judge.judge(etree.fromstring(body))
        try:
            answer = post(self, path, content_type, body, repeat=repeat)
        except Refused as error:
            judge.judge(etree.fromstring(t.cast("t.Any", error.answer).body))
            raise
        judge.judge(etree.fromstring(answer.body))
        return answer

    monkeypatch.setattr(DeviceSession, "post", seen)
    return judge


def only(patch: pytest.MonkeyPatch, **changes: frozenset[str]) -> None:
    """A device that takes keys in fewer ways."""
    original = OnvifApi.capabilities
    patch.setattr(OnvifApi, "capabilities", lambda self: dc.replace(original(self), **t.cast("t.Any", changes)))


def outside(folder: pathlib.Path, authority: CertificateAuthority, host: str) -> dict[str, str]:
    """A certificate of our authority with a key that openssl made."""
    key, chain = folder / "server.key", folder / "server.pem"
    request = run("openssl", "req", "-new", "-newkey", "rsa:2048", "-nodes", "-keyout", str(key), "-subj", "/CN=x")
    key.chmod(0o600)
    issued = authority.sign_request(
        request[request.index("-----BEGIN") :],
        passphrase=Secret(PASSPHRASE),
        device=host,
        subject_alt_names=(f"IP:{host}",),
        lifetime_days=90,
        backdate_hours=24,
    )
    chain.write_text("".join((issued.pem, *issued.issuers_pem)))
    return {"certificate_path": str(chain), "private_key_path": str(key)}


def test_every_message_of_our_driver_fits_the_schemas(
    running: Camera, watched: Judge, tmp_path_factory: pytest.TempPathFactory
) -> None:
    authority = CertificateAuthority.create(
        tmp_path_factory.mktemp("ca") / "own",
        passphrase=Secret(PASSPHRASE),
        common_name="Our Root",
        intermediate_common_name="Our Issuing CA",
    )
    ours = {"authority_directory": str(authority.directory), "authority_passphrase": PASSPHRASE}

    def play(module: str, **options: t.Any) -> dict[str, t.Any]:
        source = importlib.import_module(f"ansible_collections.camsec.fleet.plugins.modules.{module}")
        common = {"host": running.address, "http_port": HTTP, "https_port": HTTPS, "username": "admin"}
        common |= {"password": PASSWORD, "driver": "onvif", "first_contact": "plain_http"}
        result = run_in_worker(source.SPEC, {**common, **options}, check_mode=False)
        assert not result.get("failed"), result
        return result

    play("camera_info")
    play("camera_time", maximum_offset=1e9, time_server="192.0.2.9")
    play("camera_time", maximum_offset=1e9, time_server="time.example.org")
    play("camera_private_key")
    play("camera_self_signed_certificate", organization="Müller & <Söhne>")
    play("camera_self_signed_certificate", state="absent")
    play("camera", **ours)
    names = ["DNS:gate.example.org", "IP:2001:db8::1"]
    play("camera", subject_alt_name=names, new_private_key="with_certificate", **ours)
    play("camera", private_key_type="ecdsa", tls_versions=["1.3"], **ours)
    for number, uploads in enumerate(("pkcs12", "pkcs8")):
        with pytest.MonkeyPatch.context() as patch:
            other = frozenset({"rsa", "ecdsa"})
            only(patch, **{"pkcs8": frozenset(), "pkcs12": frozenset(), uploads: other})
            given = outside(tmp_path_factory.mktemp(f"outside{number}"), authority, running.address)
            play("camera_certificate", ca_path=str(authority.trusted_path), **given)
    there = f"{running.address.rpartition('.')[0]}.254"
    play("camera", subject_alt_name=[f"IP:{there}"], **ours)
    moves = {"authority_directory": ours["authority_directory"], "first_contact": "refuse"}
    play("camera_address", address=there, gateway=f"{there[:-1]}3", **moves)
    play("camera_address", host=there, address=running.address, **moves)
    play("camera", connection="http", **ours)
    play("camera_certificate", state="absent")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            "ansible_collections.camsec.fleet.plugins.module_utils._camera.reboot.reachable", lambda *_, **__: 0
        )
        play("camera_reboot")
    running.control("/set", "POST", {"clock_offset": -86400.0 * 400})
    assert play("camera_time", maximum_offset=86400.0)["changed"]
    assert watched.complaints == []
    sent = {name for name in watched.seen if not name.endswith("Response") and name != "Fault"}
    assert sent == OPERATIONS
