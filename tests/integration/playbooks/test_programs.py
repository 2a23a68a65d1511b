# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The playbook that starts a simulator for a rehearsal, and the demonstration: both leave nothing behind."""

from __future__ import annotations

import os
import pathlib
import re
import signal
import socket
import subprocess
import sys
import time

import pytest
import yaml
from ansible_collections.camsec.fleet.extensions.demo import cli as demo
from ansible_collections.camsec.fleet.extensions.simulator.testing import own_base_address

from .conftest import run_ansible


def _processes(mark: str) -> list[str]:
    """Command lines of running processes with this mark, but for our own."""
    found = []
    for path in pathlib.Path("/proc").glob("[0-9]*/cmdline"):
        try:
            line = path.read_bytes().replace(b"\0", b" ").decode("latin-1")
        except OSError:
            continue
        if mark in line and int(path.parent.name) != os.getpid():
            found.append(line)
    return found


def _await_none(mark: str) -> list[str]:
    end = time.monotonic() + 5
    while _processes(mark) and time.monotonic() < end:
        time.sleep(0.1)
    return _processes(mark)


def test_simulator_playbook(tmp_path: pathlib.Path) -> None:
    base, fleet = own_base_address(6), tmp_path / "fleet"
    values = {
        "camsec_simulator_directory": str(fleet),
        "camsec_simulator_base_address": base,
        "camsec_simulator_recorders": 1,
        "camsec_simulator_cameras": 2,
        "camsec_simulator_control_port": 0,
    }
    file = tmp_path / "variables.yml"
    file.write_text(yaml.safe_dump(values), encoding="utf-8")
    command = ["ansible-playbook", "-e", f"@{file}", "camsec.fleet.simulator"]
    started = run_ansible(command, tmp_path)
    assert started.status == 0, started.output
    try:
        inventory = yaml.safe_load((fleet / "inventory.yml").read_text(encoding="utf-8"))
        camera = inventory["all"]["children"]["camsec_cameras"]["hosts"]["camera-0001"]
        socket.create_connection((camera["ansible_host"], camera["camsec_http_port"]), timeout=5).close()
        again = run_ansible(command, tmp_path)
        assert again.changed == {"localhost": 0}
    finally:
        stopped = run_ansible([*command, "-e", "camsec_simulator_state=stopped"], tmp_path)
    assert stopped.status == 0, stopped.output
    assert _await_none(str(fleet)) == []
    assert sorted(path.name for path in fleet.iterdir()) == ["inventory.yml", "state"]
    assert list((tmp_path / "ansible" / "async").iterdir()) == []
    with pytest.raises(OSError, match="refused"):
        socket.create_connection((camera["ansible_host"], camera["camsec_http_port"]), timeout=5)


def _demo(folder: pathlib.Path, *arguments: str) -> subprocess.Popen[str]:
    package = demo.__name__.rpartition(".")[0]
    command = [sys.executable, "-m", package, "--base-address", own_base_address(7), *arguments]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path)), "TMPDIR": str(folder)}
    return subprocess.Popen(command, env=environment, cwd=folder, stdout=subprocess.PIPE, text=True)


def test_demo(tmp_path: pathlib.Path) -> None:
    process = _demo(tmp_path, "--recorders", "1", "--cameras", "3")
    output = process.communicate(timeout=120)[0]
    assert process.returncode == 0, output
    assert re.search(r"What it changed \(\d+ tasks", output)
    assert re.search(r"3 × Answer in HTTPS only", output)
    assert "Second run: changed=0 failed=0" in output
    assert re.search(
        r"camera-0003 +127\.[\d.]+ +8443 +TLSv1\.3 +TLS_AES_256_GCM_SHA384 +Demonstration CA +396 +yes", output
    )
    for other in ("onvif-0001", "onvif-0002", "sunell-0001", "sunell-0002", "axis-0001", "axis-0002"):
        assert re.search(rf"{other} +127\.[\d.]+ +8443 +TLSv1\.3 +\S+ +Demonstration CA +396 +yes", output)
    for server in (r"management-01 \(management\)", r"failover-01 \(streaming\)", r"mobile-01 \(mobile\)"):
        assert re.search(rf"{server} +127\.[\d.]+ +\d+ +TLSv1\.3 +\S+ +Demonstration CA +396 +yes", output)
    assert "9 × Set in the VMS: https true" in output
    assert "All is well: second run changed=0, 24 of 24 endpoints verified." in output
    assert _await_none(own_base_address(7)) == []
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("number", "line"), [(signal.SIGINT, "First run"), (signal.SIGTERM, "Recorders - licences"), (signal.SIGHUP, "")]
)
def test_demo_interrupted(tmp_path: pathlib.Path, number: signal.Signals, line: str) -> None:
    process = _demo(tmp_path, "--recorders", "1", "--cameras", "2")
    assert process.stdout is not None
    seen = ""
    while line not in seen or not seen:
        seen += os.read(process.stdout.fileno(), 4096).decode()
        assert process.poll() is None, seen
    process.send_signal(number)
    process.communicate(timeout=20)
    assert process.returncode == 128 + number
    assert _await_none(own_base_address(7)) == []
    assert _await_none(str(tmp_path)) == []
    assert list(tmp_path.iterdir()) == []


def test_demo_tells_what_is_broken(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Without an endpoint that answers: a second run that is fine does not make it good."""
    base = own_base_address(7)
    hosts = {"camera-0001": {"ansible_host": base.removesuffix("0") + "9", "camsec_https_port": 8443}}
    inventory = {"all": {"children": {"camsec_recorders": {"hosts": {}}, "camsec_cameras": {"hosts": hosts}}}}
    (tmp_path / "inventory.yml").write_text(yaml.safe_dump(inventory), encoding="utf-8")
    (tmp_path / "ca").mkdir()
    (tmp_path / "ca" / "trusted.pem").write_text("", encoding="utf-8")
    good = demo.Run(status=0, changed=0, failed=0, seconds=1.0, summary="")
    monkeypatch.setattr(demo, "_play", lambda *_arguments: good)
    monkeypatch.setattr(demo, "_simulator", lambda *_arguments: _Nothing(tmp_path / "inventory.yml"))
    assert demo.main(["--directory", str(tmp_path)]) == 1
    assert "NOT as it should be: second run changed=0, 0 of 1 endpoints verified." in capsys.readouterr().out


class _Nothing:
    def __init__(self, inventory: pathlib.Path) -> None:
        self._inventory = inventory

    def __enter__(self) -> pathlib.Path:
        return self._inventory

    def __exit__(self, *_what: object) -> None:
        return None
