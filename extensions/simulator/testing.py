# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""For tests: a simulator in a thread of the test process, or as a process of its own."""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextlib
import dataclasses as dc
import json
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import threading
import time
import types
import typing as t
import urllib.request

from ._axis import AxisCamera
from ._camera import Camera
from ._cinema import CinemaCamera
from ._clock import Clock
from ._control import Control
from ._device import Device
from ._fleet import generate, inventory_yaml, parse_fleet
from ._ftpes_quirks import Behaviour
from ._ftpes_server import FtpesServer
from ._onvif import OnvifCamera
from ._pki import issue, make_key, make_root
from ._recorder import Recorder
from ._simulator import Simulator
from ._spec import Fleet
from ._sunell import SunellCamera

if t.TYPE_CHECKING:
    from ._vms_server import VmsServer
    from ._vms_system import VmsSystem

__all__ = ["QuirkyFtpesServer", "RunningSimulator", "Spawned", "control", "own_base_address", "spawn"]

_Result = t.TypeVar("_Result")


def own_base_address(offset: int = 0) -> str:
    """A loopback net of this process, so that test sessions do not meet: 127.x.y.0 of the process id.

    `offset` is 0 to 7; the seven nets behind the one that comes back belong to it as well.
    """
    number = os.getpid() * 64 % (120 * 256) + offset * 8
    return f"127.{100 + number // 256 % 120}.{number % 256}.0"


def control(url: str, method: str = "GET", body: object = None) -> t.Any:
    """One request to a control interface; the JSON of the answer, or its text."""
    data = None if body is None else body.encode() if isinstance(body, str) else json.dumps(body).encode()
    request = urllib.request.Request(url, data=data, method=method)  # noqa: S310  # always a URL of our own
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=60) as answer:
        text = answer.read().decode()
    return json.loads(text) if answer.headers.get_content_type() == "application/json" else text


class RunningSimulator:
    """A simulator on an event loop in a thread of its own; a context manager.

    `fleet` is a Fleet, YAML text, or None for a made-up one of `recorders` and `cameras` at this process's own
    loopback addresses. The clock stands still unless a speed is given: use `advance`.
    """

    def __init__(
        self,
        fleet: Fleet | str | None = None,
        *,
        recorders: int | None = 1,
        cameras: int = 2,
        base_address: str | None = None,
        speed: float = 0.0,
        start: float | None = None,
        state_dir: pathlib.Path | None = None,
        https_port: int = 8443,
    ) -> None:
        if fleet is None:
            base = base_address or own_base_address()
            fleet = generate(recorders=recorders, cameras=cameras, base_address=base)
        self.fleet = parse_fleet(fleet) if isinstance(fleet, str) else fleet
        self._options = (speed, start, state_dir)
        self._https_port = https_port
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="camsec-simulator", daemon=True)
        self._simulator: Simulator | None = None
        self._control: Control | None = None

    # -- life ----------------------------------------------------------------------------------------------------

    def start(self) -> RunningSimulator:
        """Start it, and wait until everything listens and the recorders have tried their cameras."""
        self._thread.start()
        started = False
        try:
            self.run(self._start())
            started = True
        finally:
            if not started:
                self._end_thread()
        return self

    async def _start(self) -> None:
        speed, start, state_dir = self._options
        self._simulator = Simulator(fleet=self.fleet, clock=Clock(speed=speed, start=start), state_dir=state_dir)
        await self._simulator.start()
        self._control = Control(self._simulator, address="127.0.0.1", port=0, https_port=self._https_port)
        await self._control.start()
        await self._simulator.clock.settle()

    def stop(self) -> None:
        """End every device and the thread."""
        if self._thread.is_alive():
            self.run(self._stop())
            self._end_thread()

    async def _stop(self) -> None:
        if self._control is not None:
            await self._control.stop()
        if self._simulator is not None:
            await self._simulator.stop()
        left = asyncio.all_tasks() - {asyncio.current_task()}
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)

    def _end_thread(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    def __enter__(self) -> t.Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: types.TracebackType | None
    ) -> None:
        self.stop()

    # -- use -----------------------------------------------------------------------------------------------------

    def run(self, work: t.Coroutine[t.Any, t.Any, _Result]) -> _Result:
        """Run something on the simulator's loop and wait for it."""
        future: concurrent.futures.Future[_Result] = asyncio.run_coroutine_threadsafe(work, self._loop)
        return future.result(120)

    @property
    def simulator(self) -> Simulator:
        """What runs in the thread."""
        if self._simulator is None:
            raise RuntimeError("the simulator is not started")
        return self._simulator

    @property
    def control_url(self) -> str:
        """Where the control interface is."""
        if self._control is None:
            raise RuntimeError("the simulator is not started")
        return self._control.url

    @property
    def inventory(self) -> str:
        """The Ansible inventory, YAML."""
        simulator = self.simulator
        return inventory_yaml(
            simulator.fleet, https_port=self._https_port, speed=simulator.clock.speed, facts=simulator.facts()
        )

    def advance(self, seconds: float) -> None:
        """Let device time pass; everything due has happened when this returns."""
        self.run(self.simulator.clock.advance(seconds))

    def settle(self) -> None:
        """Wait for what was started: closing connections, the recorders' tries."""
        self.run(self.simulator.clock.settle())

    def control(self, path: str, method: str = "GET", body: object = None) -> t.Any:
        """One request to the control interface, for example ``control("/read_only", "POST", {"enabled": True})``."""
        return control(self.control_url + path, method, body)

    def device(self, name: str) -> Device:
        """The device itself; its state is only read from outside the loop."""
        return self.simulator.devices[name]

    def camera(self, name: str) -> Camera:
        """A camera by name."""
        device = self.device(name)
        if not isinstance(device, Camera):
            raise KeyError(name)
        return device

    def recorder(self, name: str) -> Recorder:
        """A recorder by name."""
        device = self.device(name)
        if not isinstance(device, Recorder):
            raise KeyError(name)
        return device

    def onvif_camera(self, name: str) -> OnvifCamera:
        """An ONVIF camera by name."""
        device = self.device(name)
        if not isinstance(device, OnvifCamera):
            raise KeyError(name)
        return device

    def axis_camera(self, name: str) -> AxisCamera:
        """An Axis camera by name."""
        device = self.device(name)
        if not isinstance(device, AxisCamera):
            raise KeyError(name)
        return device

    def sunell_camera(self, name: str) -> SunellCamera:
        """A Sunell camera by name."""
        device = self.device(name)
        if not isinstance(device, SunellCamera):
            raise KeyError(name)
        return device

    def cinema_camera(self, name: str) -> CinemaCamera:
        """A cinema camera by name."""
        return self.simulator.cinema[name]

    def vms_server(self, name: str) -> VmsServer:
        """A server of the VMS by name."""
        return self._vms.servers[name]

    def vms_links(self) -> list[dict[str, t.Any]]:
        """Every link of the VMS, tried now."""
        return [link.shown() for link in self.run(self._vms.links())]

    @property
    def _vms(self) -> VmsSystem:
        vms = self.simulator.vms
        if vms is None:
            raise KeyError("the fleet has no VMS")
        return vms

    def ftpes_server(self, name: str) -> FtpesServer:
        """One of the fleet's FTPES servers by name."""
        return self.simulator.ftpes.servers[name]


class QuirkyFtpesServer(FtpesServer):
    """An FTPES server in a thread; a context manager. Without a quirk it is a good server.

    `certificate` and `key` are paths or PEM texts; without them a root makes one for `host`, and `ca_pem` is that root.
    `quirk` is a name of `_ftpes_quirks.QUIRKS`, or several. What was seen is in `record`: `commands` (each with "tls"
    or "clear" before it), `transfers` (with `resumed`, protocol and suite), `connections`.
    """

    def __init__(
        self,
        *,
        quirk: str | t.Iterable[str] = (),
        at_byte: int = 0,
        bytes_per_second: int = 65536,
        count: int | None = None,
        certificate: str | pathlib.Path | None = None,
        key: str | pathlib.Path | None = None,
        host: str = "127.0.0.1",
        **options: t.Any,
    ) -> None:
        self.ca_pem = ""
        if certificate is None or key is None:
            self.ca_pem, certificate, key = _made_certificate(host)
        super().__init__(certificate=_pem(certificate), key=_pem(key), host=host, **options)
        self.misbehave(quirk, at_byte=at_byte, bytes_per_second=bytes_per_second, count=count)

    def misbehave(
        self,
        quirk: str | t.Iterable[str] = (),
        *,
        at_byte: int = 0,
        bytes_per_second: int = 65536,
        count: int | None = None,
    ) -> None:
        """Other quirks from now on, or none."""
        names = [quirk] if isinstance(quirk, str) else quirk
        self.behave(Behaviour(quirks=frozenset(names), at_byte=at_byte, bytes_per_second=bytes_per_second, count=count))

    def __enter__(self) -> t.Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: types.TracebackType | None
    ) -> None:
        self.stop()


def _made_certificate(host: str) -> tuple[str, str, str]:
    """A root, and a certificate and key for a host."""
    begin = time.time() - 3600
    root_key, key = make_key(2048), make_key(2048)
    root = make_root(root_key, "Root of a simulated FTPES server", begin, organization="camsec-simulator")
    return root, issue(root_pem=root, root_key_pem=root_key, key_pem=key, host=host, begin=begin), key


def _pem(given: str | pathlib.Path) -> str:
    text = str(given)
    return text if "-----BEGIN" in text else pathlib.Path(text).read_text(encoding="ascii")


@dc.dataclass(frozen=True, kw_only=True)
class Spawned:
    """A simulator process."""

    process: subprocess.Popen[bytes]
    control_url: str
    inventory: pathlib.Path

    def control(self, path: str, method: str = "GET", body: object = None) -> t.Any:
        """One request to the control interface."""
        return control(self.control_url + path, method, body)


@contextlib.contextmanager
def spawn(*arguments: str, timeout: float = 60.0) -> t.Iterator[Spawned]:
    """Run ``camsec-simulator`` with these arguments as a process; it is ended by its id."""
    package = __name__.rpartition(".")[0]
    with tempfile.TemporaryDirectory(prefix="camsec-simulator-") as folder:
        ready, inventory = pathlib.Path(folder, "ready.json"), pathlib.Path(folder, "inventory.yml")
        command = [sys.executable, "-m", package, "--control-port", "0", "--ready-file", str(ready)]
        command += ["--write-inventory", str(inventory), *arguments]
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, env=environment)  # noqa: S603  # our own program
        try:
            url = _await_ready(process, ready, timeout)
            yield Spawned(process=process, control_url=url, inventory=inventory)
        finally:
            _end(process)


def _await_ready(process: subprocess.Popen[bytes], ready: pathlib.Path, timeout: float) -> str:
    end = time.monotonic() + timeout
    while time.monotonic() < end:
        if process.poll() is not None:
            raise RuntimeError(f"the simulator ended with {process.returncode}")
        if ready.exists():
            return str(json.loads(ready.read_text(encoding="utf-8"))["control_url"])
        time.sleep(0.02)
    raise RuntimeError("the simulator did not become ready")


def _end(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
