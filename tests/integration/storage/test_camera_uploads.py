# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The simulated camera uploads to vsftpd, proftpd and pure-ftpd with their strict defaults; we wrote its card."""

from __future__ import annotations

import hashlib
import pathlib
import time
import types
import typing as t

import pytest
from ansible_collections.camsec.fleet.extensions.simulator.testing import RunningSimulator

from .conftest import Pki, Result

HOST = "127.64.1.1"
CAMERA = "127.64.1.9"
FLEET = f"""
cinema_cameras:
  - {{name: burano, address: {CAMERA}, sftp_port: 2222, timeout: 10}}
"""
# One suite of each kind that the camera offers; DHE needs parameters that only some servers bring.
SUITES = {
    "rsa": ("ECDHE-RSA-AES256-GCM-SHA384", "AES128-SHA", "ECDHE-RSA-AES128-SHA256", "DHE-RSA-AES256-GCM-SHA384"),
    "ecdsa": ("ECDHE-ECDSA-AES256-GCM-SHA384", "ECDHE-ECDSA-AES128-SHA256"),
}


@pytest.fixture(scope="module")
def simulator() -> t.Iterator[RunningSimulator]:
    with RunningSimulator(FLEET) as running:
        yield running


class Shoot:
    """One camera, its card written by `storage_certificate` over SFTP, and a server."""

    def __init__(self, simulator: RunningSimulator, run: t.Callable[..., Result]) -> None:
        simulator.control("/reset", "POST")
        self._sim, self._run = simulator, run
        self.path = "/cinema_cameras/burano"

    def card(self, pki: Pki, **options: t.Any) -> Result:
        camera = self._sim.cinema_camera("burano")
        told = self._sim.control(self.path)
        return self._run(
            "storage_certificate",
            path="/",
            sftp={"host": CAMERA, "port": 2222, "user": "admin", "password": camera.spec.password,
                  "host_key": told["sftp_host_key"]},
            certificate_path=str(pki.root),
            **options,
        )  # fmt: skip

    def post(self, call: str, **body: t.Any) -> t.Any:
        return self._sim.control(f"{self.path}/{call}", "POST", body)

    def upload(self, server: t.Any, clips: int = 6) -> tuple[list[dict[str, t.Any]], dict[str, str]]:
        """The jobs, and the SHA-256 of what was recorded."""
        hashes = {}
        for number in range(clips):
            recorded = self.post("record", file=f"XDROOT/Clip/C{number:04}.MXF", size=300_000 * number)
            hashes[f"C{number:04}.MXF"] = recorded["sha256"]
        self.post(
            "FTPServerSetting", serverId=1, hostName=server.host, portNumber=server.port, userName=server.user,
            password=server.password, secureProtocol="On_FTPS", directoryHierarchyType="SameAsInCamera",
            destinationDir=server.base,
        )  # fmt: skip
        files = [f"XDROOT/Clip/C{number:04}.MXF" for number in range(clips)]
        self.post("ControlFTPJobList", control="Add", serverId=1, files=files)
        end = time.monotonic() + 60
        jobs: list[dict[str, t.Any]] = []
        while time.monotonic() < end:
            jobs = self._sim.control(f"{self.path}/FTPJobList")
            if all(job["status"] not in ("Waiting", "Transferring") for job in jobs):
                return jobs, hashes
            time.sleep(0.02)
        raise AssertionError(jobs)


@pytest.fixture
def shoot(simulator: RunningSimulator, run: t.Callable[..., Result]) -> Shoot:
    return Shoot(simulator, run)


@pytest.mark.parametrize("key", ["rsa", "ecdsa"])
@pytest.mark.parametrize("kind", ["vsftpd", "proftpd", "pure-ftpd"])
def test_uploads_to_strict_servers(
    kind: str, key: str, *, real: types.ModuleType, shoot: Shoot, pki: Pki, tmp_path: pathlib.Path
) -> None:
    reason = real.unavailable(kind)
    if reason is not None:
        pytest.skip(f"SKIPPED: {reason}")
    certificate, private = pki.pair(key)
    with real.RealFtpServer(kind=kind, certificate=certificate, key=private, root=tmp_path, host=HOST) as server:
        written = shoot.card(pki, servers=[{"host": HOST, "port": server.port}], server_check="required")
        assert written["servers"][0]["verified_by"] == "handshake"
        shoot.post("menu/load_certificate")
        jobs, hashes = shoot.upload(server)
        assert {job["status"] for job in jobs} == {"Completed"}, (jobs, server.output()[-2000:])
        assert {(job["protocol"], job["resumed"]) for job in jobs} == {("TLSv1.2", True)}
        home = server.home / "XDROOT/Clip"
        assert {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in home.iterdir()} == hashes


@pytest.mark.parametrize(("key", "suite"), [(key, suite) for key, suites in SUITES.items() for suite in suites])
def test_suites_of_the_model(
    key: str, suite: str, *, real: types.ModuleType, shoot: Shoot, pki: Pki, tmp_path: pathlib.Path
) -> None:
    reason = real.unavailable("proftpd")
    if reason is not None:
        pytest.skip(f"SKIPPED: {reason}")
    certificate, private = pki.pair(key)
    with real.RealFtpServer(
        kind="proftpd", certificate=certificate, key=private, root=tmp_path, host=HOST, ciphers=suite
    ) as server:
        shoot.card(pki)
        shoot.post("menu/load_certificate")
        jobs, _hashes = shoot.upload(server, clips=2)
        assert {(job["status"], job["suite"]) for job in jobs} == {("Completed", suite)}


def test_another_root_on_the_card(
    real: types.ModuleType, shoot: Shoot, pki: Pki, other_pki: Pki, tmp_path: pathlib.Path
) -> None:
    reason = real.unavailable("proftpd")
    if reason is not None:
        pytest.skip(f"SKIPPED: {reason}")
    certificate, private = pki.pair("rsa")
    with real.RealFtpServer(kind="proftpd", certificate=certificate, key=private, root=tmp_path, host=HOST) as server:
        refused = shoot.card(other_pki, servers=[{"host": HOST, "port": server.port}])
        assert "expected a chain that ends at a certificate of the card (CN=Other Root)" in refused["msg"]
        assert shoot.card(other_pki)["changed"]
        shoot.post("menu/load_certificate")
        jobs, _hashes = shoot.upload(server, clips=1)
        assert [job["status"] for job in jobs] == ["DestCertErr"]


def test_full_card_over_sftp(shoot: Shoot, pki: Pki, other_pki: Pki, simulator: RunningSimulator) -> None:
    assert shoot.card(pki)["changed"]
    shoot.post("set", card_capacity=len(pki.root.read_bytes()) + 100)
    done = shoot.card(other_pki)
    assert "writing to the card: found the card is full" in done["msg"]
    root = simulator.cinema_camera("burano").card.root
    assert [path.name for path in root.iterdir()] == ["certification.pem"]
    assert (root / "certification.pem").read_bytes() == pki.root.read_bytes()
    assert not shoot.card(pki)["changed"]


def test_check_mode_writes_nothing_to_a_camera_that_refuses_writes(
    shoot: Shoot, pki: Pki, simulator: RunningSimulator, run: t.Callable[..., Result]
) -> None:
    simulator.control("/read_only", "POST", {"enabled": True})
    camera = simulator.cinema_camera("burano")
    sftp = {"host": CAMERA, "port": 2222, "user": "admin", "password": camera.spec.password,
            "host_key": simulator.control(shoot.path)["sftp_host_key"]}  # fmt: skip
    options = {"path": "/", "sftp": sftp, "certificate_path": str(pki.root)}
    assert run("storage_certificate", check=True, **options)["changed"]
    assert simulator.control("/read_only")["refused"] == 0
    assert "read-only" in run("storage_certificate", **options)["msg"]
    assert simulator.control("/read_only")["refused"] > 0
