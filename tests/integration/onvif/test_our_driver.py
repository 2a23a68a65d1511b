# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every message of our own driver, and every answer that it takes, by the official schemas."""

from __future__ import annotations

import importlib
import typing as t

import pytest
from ansible_collections.camsec.fleet.plugins.module_utils._core._secret import Secret
from ansible_collections.camsec.fleet.plugins.module_utils._module import run_in_worker
from ansible_collections.camsec.fleet.plugins.module_utils._pki._authority import CertificateAuthority
from ansible_collections.camsec.fleet.plugins.module_utils._transport._session import Answer, DeviceSession, Refused
from lxml import etree

from .conftest import HTTP, HTTPS, PASSWORD, Camera, Judge

PASSPHRASE = "Siegel-Geheimnis-9"
#: All that the driver ever sends; appendix A and B of the wire dialects.
OPERATIONS = {
    "AddServerCertificateAssignment", "CreateCertificationPath", "CreatePKCS10CSR", "CreateRSAKeyPair",
    "CreateSelfSignedCertificate", "DeleteCertificate", "DeleteCertificationPath", "DeleteKey",
    "GetAllCertificates", "GetAllCertificationPaths", "GetAllKeys", "GetAssignedServerCertificates",
    "GetCertificate", "GetCertificationPath", "GetDeviceInformation", "GetKeyStatus", "GetNTP",
    "GetNetworkDefaultGateway", "GetNetworkInterfaces", "GetNetworkProtocols", "GetServices",
    "GetSystemDateAndTime", "RemoveServerCertificateAssignment", "ReplaceServerCertificateAssignment", "SetNTP",
    "SetNetworkDefaultGateway", "SetNetworkInterfaces", "SetNetworkProtocols", "SetSystemDateAndTime",
    "SystemReboot", "UploadCertificate",
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

    def run(module: str, **options: t.Any) -> dict[str, t.Any]:
        source = importlib.import_module(f"ansible_collections.camsec.fleet.plugins.modules.{module}")
        common = {"host": running.address, "http_port": HTTP, "https_port": HTTPS, "username": "admin"}
        common |= {"password": PASSWORD, "driver": "onvif", "first_contact": "plain_http"}
        result = run_in_worker(source.SPEC, {**common, **options}, check_mode=False)
        assert not result.get("failed"), result
        return result

    run("camera_info")
    run("camera_time", maximum_offset=1e9, time_server="192.0.2.9")
    run("camera_time", maximum_offset=1e9, time_server="time.example.org")
    run("camera_private_key")
    run("camera_self_signed_certificate", organization="Müller & <Söhne>")
    run("camera_self_signed_certificate", state="absent")
    run("camera", **ours)
    names = ["DNS:gate.example.org", "IP:2001:db8::1"]
    run("camera", subject_alt_name=names, new_private_key="with_certificate", **ours)
    there = f"{running.address.rpartition('.')[0]}.254"
    run("camera", subject_alt_name=[f"IP:{there}"], **ours)
    moves = {"authority_directory": ours["authority_directory"], "first_contact": "refuse"}
    run("camera_address", address=there, gateway=f"{there[:-1]}3", **moves)
    run("camera_address", host=there, address=running.address, **moves)
    run("camera", connection="http", **ours)
    run("camera_certificate", state="absent")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            "ansible_collections.camsec.fleet.plugins.module_utils._camera.reboot.reachable", lambda *_, **__: 0
        )
        run("camera_reboot")
    running.control("/set", "POST", {"clock_offset": -86400.0 * 400})
    assert run("camera_time", maximum_offset=86400.0)["changed"]
    assert watched.complaints == []
    sent = {name for name in watched.seen if not name.endswith("Response") and name != "Fault"}
    assert sent == OPERATIONS
