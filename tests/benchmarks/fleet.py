# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A simulated fleet of cameras without recorders, as a process of its own that counts what it is asked."""

from __future__ import annotations

import contextlib
import dataclasses as dc
import http.client
import ipaddress
import json
import os
import pathlib
import signal
import socket
import ssl
import subprocess
import sys
import time
import typing as t
import urllib.parse

__all__ = ["Fleet", "Requests", "WrongStateError", "running", "simulated"]

HTTP_PORT = 8080
HTTPS_PORT = 8443
#: Device seconds in a second while a contender converges: a key takes 0.6 s and not two minutes.
CONVERGE_SPEED = 200.0
_PACKAGE = "ansible_collections.camsec.fleet.extensions.simulator"
_START_SECONDS = 120.0
_STOP_SECONDS = 15.0


class WrongStateError(Exception):
    """A contender did not do what it was to do: there is nothing to compare."""


@dc.dataclass(frozen=True, kw_only=True)
class Requests:
    """What the simulator counted for all cameras together.

    Attributes:
        total: Requests, challenges of the login (401) among them.
        writes: Those that change something.
    """

    total: int
    writes: int


class Fleet:
    """The running fleet.

    Args:
        control_url: The simulator's control interface.
        pid: The simulator's process.
        inventory: Its Ansible inventory.
    """

    def __init__(self, control_url: str, pid: int, inventory: pathlib.Path) -> None:
        address = urllib.parse.urlsplit(control_url)
        self._control = http.client.HTTPConnection(address.hostname or "", address.port, timeout=120)
        self._pid = pid
        self.inventory = inventory
        self.names = [device["name"] for device in self._ask("GET", "/devices")]

    def _ask(self, method: str, path: str, body: object = None) -> t.Any:
        self._control.request(method, path, None if body is None else json.dumps(body))
        answer = self._control.getresponse()
        text = answer.read()
        if answer.status != 200:
            raise WrongStateError(f"control interface: {method} {path}: status {answer.status}: {text[:200]!r}")
        return json.loads(text)

    def reset(self) -> None:
        """Every camera as the factory left it."""
        self._ask("POST", "/reset", {})

    def run_at(self, speed: float) -> None:
        """Let the devices' clocks run so many times as fast as ours."""
        self._ask("POST", "/clock", {"speed": speed})

    def forget_requests(self) -> None:
        """Count from 0 again."""
        for name in self.names:
            self._ask("DELETE", f"/devices/{name}/requests")

    def requests(self, names: t.Sequence[str] = ()) -> Requests:
        """What was counted since.

        Args:
            names: Of these cameras; of all without them.

        Returns:
            The sums.
        """
        counts = [self._ask("GET", f"/devices/{name}/requests")["counts"] for name in names or self.names]
        return Requests(total=sum(c["client"] for c in counts), writes=sum(c["writes"] for c in counts))

    def cpu_seconds(self) -> float:
        """User and system time that the simulator has used."""
        fields = pathlib.Path(f"/proc/{self._pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def prove_https(self, ca_path: pathlib.Path, cameras: int) -> None:
        """Look for ourselves: the first so many cameras answer in HTTPS only, with a certificate of that CA.

        Args:
            ca_path: Certificate of the CA.
            cameras: How many.

        Raises:
            WrongStateError: One does not.
        """
        context = ssl.create_default_context(cafile=str(ca_path))
        for device in self._ask("GET", "/devices")[:cameras]:
            name, address = device["name"], device["address"]
            if device["live"] != "https" or device["ca_cert_info"] != address:
                raise WrongStateError(f"{name}: found live={device['live']}, certificate {device['ca_cert_info']}")
            try:
                with (
                    socket.create_connection((address, HTTPS_PORT), timeout=10) as plain,
                    context.wrap_socket(plain, server_hostname=address),
                ):
                    pass
            except OSError as error:
                raise WrongStateError(f"{name}: the handshake with {address}:{HTTPS_PORT} failed: {error}") from error


@contextlib.contextmanager
def simulated(cameras: int, *, base_address: str, home: pathlib.Path) -> t.Iterator[Fleet]:
    """Start the simulator; stop it by its process id at the end.

    Args:
        cameras: How many.
        base_address: The cameras are at base.1.1 and so on.
        home: Where its files go.

    Yields:
        The fleet.
    """
    base = int(ipaddress.IPv4Address(base_address))
    listed = [
        {
            "name": f"camera-{index + 1:04}",
            "address": str(ipaddress.IPv4Address(base + 256 * (index // 250 + 1) + index % 250 + 1)),
            "http_port": HTTP_PORT,
        }
        for index in range(cameras)
    ]
    with running({"cameras": listed}, home=home) as fleet:
        yield fleet


@contextlib.contextmanager
def running(devices: t.Mapping[str, t.Any], *, home: pathlib.Path) -> t.Iterator[Fleet]:
    """Start the simulator with these devices; stop it by its process id at the end.

    Args:
        devices: What its fleet file says.
        home: Where its files go.

    Yields:
        The fleet.
    """
    fleet_file, inventory, ready = home / "fleet.yml", home / "inventory.yml", home / "simulator.ready"
    fleet_file.write_text(json.dumps(devices), encoding="utf-8")  # JSON is YAML
    command = [sys.executable, "-m", _PACKAGE, "--fleet", str(fleet_file), "--https-port", str(HTTPS_PORT)]
    command += ["--control-port", "0", "--speed", str(CONVERGE_SPEED)]
    command += ["--write-inventory", str(inventory), "--ready-file", str(ready)]
    log = home / "simulator.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            command, stdout=output, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, start_new_session=True
        )
        try:
            _await_ready(process, ready, log)
            control_url = json.loads(ready.read_text(encoding="utf-8"))["control_url"]
            yield Fleet(control_url, process.pid, inventory)
        finally:
            _stop(process)


def _await_ready(process: subprocess.Popen[bytes], ready: pathlib.Path, log: pathlib.Path) -> None:
    end = time.monotonic() + _START_SECONDS
    while not (ready.exists() and ready.stat().st_size):
        if process.poll() is not None:
            raise WrongStateError(f"the simulator ended at once: {log.read_text(errors='replace').strip()[-500:]}")
        if time.monotonic() > end:
            raise WrongStateError(f"the simulator was not ready after {_START_SECONDS:g} s")
        time.sleep(0.05)


def _stop(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
    try:
        process.wait(_STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
