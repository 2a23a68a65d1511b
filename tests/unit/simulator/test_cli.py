# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The program, fleets, the state directory and size."""

from __future__ import annotations

import contextlib
import pathlib
import re
import socket
import stat
import typing as t

import pytest
from ansible_collections.camsec.fleet.extensions.simulator._catalog import PortSet
from ansible_collections.camsec.fleet.extensions.simulator.cli import main
from ansible_collections.camsec.fleet.extensions.simulator.testing import RunningSimulator, own_base_address, spawn

GOOD = """
recorders: [{name: r, address: 127.0.9.1}]
cameras:
  - {name: c1, address: 127.0.9.2, recorder: r, camera_number: 1}
  - {name: c2, address: 127.0.9.3, recorder: r, camera_number: 2}
"""


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ("name: c1", "name: c1, colour: red", "unknown key 'colour'"),
        ("127.0.9.2", "10.0.0.1", "not a loopback address"),
        ("127.0.9.3", "127.0.9.2", "both use 127.0.9.2:80"),
        ("camera_number: 2", "camera_number: 1", "are both camera 1"),
        ("camera_number: 2", "camera_number: 65", "not 1 to 64"),
        ("name: c2", "name: c1", "two devices are called 'c1'"),
        ("recorder: r, camera_number: 2", "recorder: x, camera_number: 2", "no recorder 'x'"),
        ("name: c2", "name: c2, version: 3.10", "not a quoted text"),
        ("name: c2", "name: c2, compression: h263", "compression 'h263'"),
        ("name: c2", "name: c2, http_port: 70000", "port 70000"),
        ("name: r,", "name: r, kits: [{model: WJ-NXS02WUX, key: '12345678901234567890'}],", "kit 'WJ-NXS02WUX'"),
        ("name: r,", "name: r, kits: [{model: WJ-NXS01WUX, key: '1'}],", "20 digits"),
        ("cameras:", "cameras: {}\nmore:", "unknown key 'more'"),
        ("recorders: [", "recorders: [[", "no YAML"),
    ],
)
def test_a_bad_fleet_is_one_sentence(
    tmp_path: pathlib.Path, capsys: pytest.CaptureFixture[str], old: str, new: str, sentence: str
) -> None:
    file = tmp_path / "fleet.yml"
    file.write_text(GOOD.replace(old, new))
    assert main(["--check", "--fleet", str(file)]) == 2
    error = capsys.readouterr().err
    assert sentence in error
    assert error.count("\n") == 1


def test_good_fleets(tmp_path: pathlib.Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "fleet.yml"
    file.write_text(GOOD)
    assert main(["--check", "--fleet", str(file)]) == 0
    assert main(["--check", "--cameras", "1000"]) == 0
    assert "16 recorders, 1000 cameras" in capsys.readouterr().out
    assert main(["--check", "--fleet", str(tmp_path / "none")]) == 2
    assert main(["--check", "--cameras", "1000", "--recorders", "2"]) == 2
    assert main(["--check", "--base-address", "10.0.0.0"]) == 2
    assert main(["--check", "--control-address", "0.0.0.0"]) == 2


def test_device_knowledge_validates_itself() -> None:
    assert 10005 in PortSet.parse("20, 10001-10007")
    for text in ("20, 20", "30, 20", "0", "7-5", "70000"):
        with pytest.raises(ValueError, match="port range"):
            PortSet.parse(text)


def test_a_taken_port_at_the_start_is_one_sentence(capfd: pytest.CaptureFixture[str]) -> None:
    # Beside the recorder that the recorder tests of the same process have.
    base = own_base_address(3)[:-1] + "100"
    with socket.create_server((base[:-1] + "1", 8080)):
        assert main(["--cameras", "0", "--recorders", "1", "--base-address", base, "--control-port", "0"]) == 2
    error = capfd.readouterr().err
    assert "taken by another process" in error
    assert "Traceback" not in error


def test_a_thousand_cameras_start_on_loopback_only(tmp_path: pathlib.Path) -> None:
    pid_file = tmp_path / "pid"
    arguments = ["--cameras", "1000", "--base-address", own_base_address(2), "--pid-file", str(pid_file)]
    with spawn(*arguments) as running:
        pid = running.process.pid
        assert int(pid_file.read_text()) == pid
        assert stat.S_IMODE(running.inventory.stat().st_mode) == 0o600
        assert len(running.control("/devices")) == 1016
        assert listening(pid) == {"127"}
        assert rss_megabytes(pid) < 250
    assert running.process.returncode == 0
    assert not pid_file.exists()


def rss_megabytes(pid: int) -> int:
    found = re.search(r"VmRSS:\s+(\d+) kB", pathlib.Path(f"/proc/{pid}/status").read_text())
    assert found is not None
    return int(found[1]) // 1024


def listening(pid: int) -> set[str]:
    """The first octets of the addresses on which a process listens, by the kernel."""
    sockets = set()
    for file in pathlib.Path(f"/proc/{pid}/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):  # closed meanwhile
            sockets.add(file.readlink().name)
    inodes = {name.removeprefix("socket:[").removesuffix("]") for name in sockets}
    rows = [line.split() for line in pathlib.Path("/proc/net/tcp").read_text().splitlines()[1:]]
    rows += [line.split() for line in pathlib.Path("/proc/net/tcp6").read_text().splitlines()[1:]]
    return {str(int(row[1][6:8], 16)) for row in rows if row[3] == "0A" and row[9] in inodes}


def test_the_state_survives_a_restart(tmp_path: pathlib.Path) -> None:
    state = tmp_path / "state"
    options: dict[str, t.Any] = {"base_address": own_base_address(1), "cameras": 1, "state_dir": state}
    with RunningSimulator(**options) as first:
        first.camera("camera-0001").state.https_port = 12345
        first.camera("camera-0001").on_change(first.device("camera-0001"))
        first.advance(86400)
        root = first.recorder("recorder-01").state.built_in.root
        segments = len(first.recorder("recorder-01").links[1].segments)
        now = first.simulator.clock.now()
    files = sorted(path.name for path in state.iterdir())
    assert files == ["_clock.json", "camera-0001.json", "recorder-01.json"]
    assert {stat.S_IMODE(path.stat().st_mode) for path in state.iterdir()} == {0o600}
    with RunningSimulator(**options) as second:
        assert second.camera("camera-0001").state.https_port == 12345
        assert second.recorder("recorder-01").state.built_in.root == root
        assert len(second.recorder("recorder-01").links[1].segments) == segments + 1
        assert second.simulator.clock.now() >= now
        second.control("/reset", "POST", {})
        assert second.camera("camera-0001").state.https_port == 443
