# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One recorder and six cameras: two usual ones, and one for each thing that the manual forbids."""

from __future__ import annotations

import dataclasses as dc
import importlib
import pathlib
import subprocess
import time
import typing as t

import pytest
from ansible_collections.camsec.fleet.extensions.simulator.testing import RunningSimulator, own_base_address
from ansible_collections.camsec.fleet.plugins.module_utils._module import run_in_worker

MAIN_KEY = "11112222333344445555"
KITS = {"WJ-NXS01WUX": "20000000000000000001", "WJ-NXS04WUX": "30000000000000000004"}
RECORDER_PASSWORD = "Rec0rder-Admin-1"
CAMERA_PASSWORD = "Cam-Admin-0001"
SPEED = 20.0
_CAMERAS = (
    "{model: WV-S1136}",
    "{model: WV-S1136}",
    "{model: WV-OLD, tls: false}",
    "{model: WV-PLAIN, encryption: false}",
    "{model: WV-S1136, compression: h265_3}",
    "{model: WV-S1136, compression: mjpeg}",
)


def fleet(base: str) -> str:
    """The fleet file; no two tests share its addresses with another process."""
    net = base.rpartition(".")[0]
    kits = "\n".join(f"      - {{model: {model}, key: '{key}'}}" for model, key in KITS.items())
    cameras = "\n".join(
        f"  - {{name: cam{n}, address: {net}.{10 + n}, http_port: 8080, https_port: 8443, password: {CAMERA_PASSWORD},"
        f" key_generation_seconds: 1, recorder: rec, camera_number: {n}, {extra[1:]}"
        for n, extra in enumerate(_CAMERAS, 1)
    )
    return f"""
recorders:
  - name: rec
    address: {net}.1
    http_port: 8080
    https_port: 4443
    password: {RECORDER_PASSWORD}
    users:
      - {{name: setup, password: {RECORDER_PASSWORD}, level: 2}}
      - {{name: viewer, password: {RECORDER_PASSWORD}, level: 3}}
    max_cameras: 16
    main_unlock_key: '{MAIN_KEY}'
    kits:
{kits}
    ftp_port: 2121
    site_alarm_port: 1818
    port_forward: true
    port_forward_ports: [8181, 8182]
    command_interval: 0.0
cameras:
{cameras}
"""


@dc.dataclass(frozen=True, kw_only=True)
class Lab:
    """The simulator, and the modules called as a task calls them."""

    simulator: RunningSimulator
    folder: pathlib.Path

    @property
    def address(self) -> str:
        return self.simulator.device("rec").spec.address

    @property
    def state(self) -> dict[str, t.Any]:
        return t.cast("dict[str, t.Any]", self.simulator.control("/devices/rec")["state"])

    @property
    def settings(self) -> dict[str, t.Any]:
        """What can be set, without what comes and goes by itself."""
        state = self.state
        cameras = {
            number: {name: one[name] for name in ("https", "port", "encrypt")}
            for number, one in state["cameras"].items()
        }
        names = ("connection", "https_port", "tls11", "licences", "password_set", "trusted", "sessions")
        return {**{name: state[name] for name in names}, "cameras": cameras}

    def run(self, module: str, *, check: bool = False, **options: t.Any) -> dict[str, t.Any]:
        spec = importlib.import_module(f"ansible_collections.camsec.fleet.plugins.modules.{module}").SPEC
        arguments = {
            "host": self.address,
            "http_port": 8080,
            "https_port": 4443,
            "username": "ADMIN",
            "password": RECORDER_PASSWORD,
            "first_contact": "plain_http",
            **({"command_interval": 0.0} if module.startswith("recorder") else {}),
            "timeout": 5.0,
            "switch_timeout": 5.0,
            **options,
        }
        return run_in_worker(spec, arguments, check_mode=check)

    def read_only(self, enabled: bool) -> int:
        """Switch the simulator's write protection; gives how many writes it refused."""
        refused = self.simulator.control("/read_only")["refused"]
        self.simulator.control("/read_only", "POST", {"enabled": enabled})
        return int(refused)

    def checked(self, module: str, **options: t.Any) -> dict[str, t.Any]:
        """A run in check mode against a simulator that refuses every write."""
        self.read_only(True)
        result = self.run(module, check=True, **options)
        assert self.read_only(False) == 0
        return result

    def fault(self, device: str = "rec", **fault: t.Any) -> None:
        self.simulator.control(f"/devices/{device}/fault", "POST", fault)

    def licensed(self) -> None:
        result = self.run("recorder_license", main_unlock_key=MAIN_KEY, kit_unlock_keys=list(KITS.values()))
        assert "failed" not in result, result["msg"]

    def open_uids(self) -> int:
        recorder = self.simulator.recorder("rec")
        return recorder.sessions.used

    def http_status(self, expected: str) -> str:
        """What curl gets over plain HTTP, after up to 2 s of waiting for what is expected."""
        command = ["curl", "-s", "-o", "/dev/null", "-w", "%{http_code}", f"http://{self.address}:8080/"]
        status = ""
        for _attempt in range(20):
            status = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False).stdout
            if status == expected:
                break
            time.sleep(0.1)
        return status

    def s_client(self, port: int, ca: pathlib.Path | None = None, *more: str) -> str:
        """What openssl says of an endpoint."""
        trust = ["-CAfile", str(ca), "-verify_return_error", "-verify_ip", self.address] if ca else []
        done = subprocess.run(
            ["openssl", "s_client", "-connect", f"{self.address}:{port}", *trust, *more],
            input="",
            capture_output=True,
            text=True,
            timeout=20,
            check=False,
        )
        return done.stdout + done.stderr


@pytest.fixture(scope="session")
def _simulator() -> t.Iterator[RunningSimulator]:
    with RunningSimulator(fleet(own_base_address(3)), speed=SPEED) as running:
        yield running


@pytest.fixture
def lab(_simulator: RunningSimulator, tmp_path: pathlib.Path) -> Lab:
    _simulator.control("/read_only", "POST", {"enabled": False})
    _simulator.control("/reset", "POST")
    return Lab(simulator=_simulator, folder=tmp_path)
