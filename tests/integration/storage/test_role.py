# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The role `ftpes_camera` with ansible-playbook, against a simulated camera and simulated servers."""

from __future__ import annotations

import os
import pathlib
import subprocess
import sys
import time
import typing as t

import pytest
import yaml
from ansible_collections.camsec.fleet.extensions.simulator.testing import RunningSimulator

ROOT = pathlib.Path(__file__).resolve().parents[3]
FLEET = """
cinema_cameras:
  - {name: burano, address: 127.64.6.1, sftp_port: 2222}
ftpes_servers:
  - {name: ingest, address: 127.64.6.2, port: 2121, password: Ingest-Pass-77, tls: '1.2'}
  - {name: other, address: 127.64.6.3, port: 2121, certificate: unknown_root}
  - {name: old, address: 127.64.6.4, port: 2121, password: Ingest-Pass-77, tls: '1.2', ciphers: AES256-SHA256}
"""
PLAY = """
- hosts: cinema_cameras
  gather_facts: false
  roles: [camsec.fleet.ftpes_camera]
"""


class Stage:
    """A simulated fleet and one way to run the role."""

    def __init__(self, simulator: RunningSimulator, home: pathlib.Path) -> None:
        self.sim, self.home = simulator, home
        (home / "play.yml").write_text(PLAY)
        (home / "inventory.yml").write_text(simulator.inventory)
        self.destination: dict[str, t.Any] = {
            "host": "127.64.6.2", "port": 2121, "user_name": "camsec", "password": "Ingest-Pass-77",
            "display_name": "Ingest", "directory": "day1", "same_folders": True,
        }  # fmt: skip

    @property
    def variables(self) -> dict[str, t.Any]:
        return {
            "ftpes_camera_certificate_path": str(self.sim.simulator.ftpes.root_path),
            "ftpes_camera_ledger_path": str(self.home / "cards.sqlite3"),
            "ftpes_camera_destinations": [self.destination],
            "ftpes_camera_simulator_url": self.sim.control_url,
        }

    def __call__(self, *options: str, **variables: t.Any) -> tuple[int, str, dict[str, int]]:
        """The exit code, all that was printed with -vvv, and the recap's counts."""
        (self.home / "variables.yml").write_text(yaml.safe_dump({**self.variables, **variables}))
        environment = {
            **os.environ,
            "ANSIBLE_COLLECTIONS_PATH": str(ROOT / ".dev"),
            "ANSIBLE_LOCAL_TEMP": str(self.home / "tmp"),
            "ANSIBLE_REMOTE_TEMP": str(self.home / "tmp"),
            "ANSIBLE_NOCOLOR": "1",
        }
        program = pathlib.Path(sys.executable).with_name("ansible-playbook")
        done = subprocess.run(
            [program, "-i", self.home / "inventory.yml", "-e", f"@{self.home}/variables.yml", "-vvv", *options,
             self.home / "play.yml"],
            env=environment, capture_output=True, text=True, timeout=180, check=False,
        )  # fmt: skip
        printed = done.stdout + done.stderr
        assert "Traceback" not in printed, printed
        for secret in (self.destination["password"], self.sim.cinema_camera("burano").spec.password):
            assert secret not in printed
        recap = [line for line in done.stdout.splitlines() if line.startswith("burano ")][-1].partition(":")[2]
        counts = {name: int(count) for name, _equals, count in (word.partition("=") for word in recap.split())}
        return done.returncode, printed, counts

    @property
    def file(self) -> pathlib.Path:
        return self.sim.cinema_camera("burano").card.root / "certification.pem"


@pytest.fixture(scope="module")
def simulator() -> t.Iterator[RunningSimulator]:
    with RunningSimulator(FLEET) as running:
        yield running


@pytest.fixture
def stage(simulator: RunningSimulator, tmp_path: pathlib.Path) -> Stage:
    simulator.control("/reset", "POST")
    return Stage(simulator, tmp_path)


def test_camera_is_prepared_and_uploads(stage: Stage) -> None:
    code, printed, counts = stage("--check")
    assert code == 0, printed
    assert counts["changed"] == 1
    assert not stage.file.exists()
    code, printed, counts = stage()
    assert code == 0, printed
    assert counts["changed"] == 3
    assert stage.file.read_bytes() == stage.sim.simulator.ftpes.root_path.read_bytes()
    assert "server 127.64.6.2, port 2121, user camsec, password as in ftpes_camera_destinations, folder day1" in printed
    code, printed, counts = stage()
    assert (code, counts["changed"]) == (0, 0), printed
    camera = "/cinema_cameras/burano"
    stage.sim.control(f"{camera}/record", "POST", {"file": "XDROOT/Clip/A.MXF", "size": 1000})
    stage.sim.control(
        f"{camera}/ControlFTPJobList", "POST", {"control": "Add", "serverId": 1, "files": ["XDROOT/Clip/A.MXF"]}
    )
    end = time.monotonic() + 20
    while time.monotonic() < end:
        (job,) = stage.sim.control(f"{camera}/FTPJobList")
        if job["statusValue"] > 0x200:
            break
        time.sleep(0.02)
    assert job["status"] == "Completed"
    assert (stage.sim.ftpes_server("ingest").root / "day1/XDROOT/Clip/A.MXF").stat().st_size == 1000


def test_card_over_sftp(stage: Stage) -> None:
    told = stage.sim.control("/cinema_cameras/burano")
    sftp = {
        "host": "127.64.6.1", "port": 2222, "user": "{{ ftpes_camera_user_name }}",
        "password": "{{ ftpes_camera_password }}", "host_key": told["sftp_host_key"],
    }  # fmt: skip
    code, printed, _counts = stage(ftpes_camera_sftp=sftp, ftpes_camera_card_path="/")
    assert code == 0, printed
    assert stage.file.exists()


def test_account_that_the_camera_refuses(stage: Stage) -> None:
    code, printed, _counts = stage(ftpes_camera_password="nodigitshere")
    assert code == 2
    assert "burano: account: found one that the camera refuses" in printed
    assert "FTP-20, FTP-21" in printed
    assert "nodigitshere" not in printed
    assert not stage.file.exists()


def test_server_that_the_camera_would_refuse(stage: Stage) -> None:
    stage.destination["host"] = "127.64.6.3"
    code, printed, _counts = stage()
    assert code == 2
    assert "The camera would not upload to this server." in printed
    assert not stage.file.exists()


def test_preflight(stage: Stage) -> None:
    code, printed, _counts = stage(ftpes_camera_preflight=True)
    assert code == 0, printed
    stage.destination["host"] = "127.64.6.4"
    code, printed, _counts = stage(ftpes_camera_preflight=True)
    assert code == 2
    assert "127.64.6.4: only_deprecated, expected recommended." in printed
    code, printed, _counts = stage(ftpes_camera_preflight=True, ftpes_camera_preflight_wanted="only_deprecated")
    assert code == 0, printed
