# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The demonstration: simulate a fleet, bring it to HTTPS, run again to change nothing, verify every endpoint.

Exit status: 0 only if the second run changed nothing and every endpoint verified; 1 otherwise; 2 for bad arguments;
128 and the signal's number when it was interrupted. However it ends, it leaves no process behind.
"""

from __future__ import annotations

import argparse
import contextlib
import dataclasses as dc
import datetime as dt
import itertools
import os
import pathlib
import re
import secrets
import signal
import subprocess
import sys
import tempfile
import time
import types
import typing as t

import yaml

from ...plugins.module_utils._core._errors import CamsecError
from ...plugins.module_utils._tls._probe import EndpointFacts, probe

__all__ = ["main"]

_START_SECONDS = 60.0
_STOP_SECONDS = 15.0
_RECAP = re.compile(r"^(\S+)\s+: ok=\d+\s+changed=(\d+)\s+unreachable=(\d+)\s+failed=(\d+)", re.MULTILINE)


@dc.dataclass(frozen=True, kw_only=True)
class Run:
    """One run of the playbook.

    Attributes:
        status: Exit status of ansible-playbook.
        changed: Changed tasks of all hosts.
        failed: Failed tasks and unreachable hosts.
        seconds: Wall time.
        summary: What changed, as the callback printed it.
    """

    status: int
    changed: int
    failed: int
    seconds: float
    summary: str


@dc.dataclass(frozen=True, kw_only=True)
class Device:
    """A device of the inventory.

    Attributes:
        name: Inventory name.
        address: Address.
        port: HTTPS port that was asked for.
        ca_path: Certificates to verify it by.
    """

    name: str
    address: str
    port: int
    ca_path: str


class _Interruption:
    """Signals end the program where nothing would be left behind; elsewhere they wait."""

    def __init__(self) -> None:
        self._held = False
        self._waiting = 0

    def listen(self) -> None:
        """Take the signals."""
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._come)

    def _come(self, number: int, _frame: types.FrameType | None) -> None:
        self._waiting = self._waiting or number
        self._end()

    def _end(self) -> None:
        if self._waiting and not self._held:
            raise SystemExit(128 + self._waiting)

    @contextlib.contextmanager
    def held(self) -> t.Iterator[None]:
        """Signals wait."""
        with self._set(True):
            yield
        self._end()

    @contextlib.contextmanager
    def released(self) -> t.Iterator[None]:
        """Within what is held: signals end the program, also one that has come before."""
        with self._set(False):
            self._end()
            yield

    @contextlib.contextmanager
    def _set(self, held: bool) -> t.Iterator[None]:
        before, self._held = self._held, held
        try:
            yield
        finally:
            self._held = before


_INTERRUPTION = _Interruption()


def _arguments(argv: t.Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="camsec-demo", description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--recorders", type=int, default=2, help="recorders to simulate (2)")
    parser.add_argument("--cameras", type=int, default=24, help="cameras to simulate (24)")
    parser.add_argument("--onvif-cameras", type=int, default=2, help="ONVIF cameras besides (2)")
    parser.add_argument("--sunell-cameras", type=int, default=2, help="Sunell cameras besides (2)")
    parser.add_argument("--axis-cameras", type=int, default=2, help="Axis cameras besides (2)")
    parser.add_argument("--vms-recording-servers", type=int, default=2, help="a VMS with so many besides (2)")
    parser.add_argument("--vms-failover-servers", type=int, default=1, help="failover servers of that VMS (1)")
    parser.add_argument("--speed", type=float, default=200.0, help="how much faster the devices' clocks run (200)")
    parser.add_argument("--base-address", default="127.50.0.0", help="loopback network of the fleet (127.50.0.0)")
    parser.add_argument("--forks", type=int, default=10, help="devices at a time (10)")
    parser.add_argument("--directory", help="keep inventory, certificates and logs there (a temporary directory)")
    parser.add_argument("--verbose", action="store_true", help="show everything that ansible-playbook prints")
    return parser.parse_args(argv)


@contextlib.contextmanager
def _directory(wanted: str | None) -> t.Iterator[pathlib.Path]:
    if wanted is None:
        with tempfile.TemporaryDirectory(prefix="camsec-demo-") as name:
            yield pathlib.Path(name)
        return
    path = pathlib.Path(wanted).absolute()
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    yield path


@contextlib.contextmanager
def _simulator(options: argparse.Namespace, home: pathlib.Path) -> t.Iterator[pathlib.Path]:
    """The simulator, started and stopped by its process id.

    Args:
        options: The demonstration's options.
        home: Where its files go.

    Yields:
        The inventory of the simulated fleet.
    """
    inventory, ready = home / "inventory.yml", home / "simulator.ready"
    ready.unlink(missing_ok=True)
    package = __package__.rpartition(".")[0] + ".simulator"
    command = [sys.executable, "-m", package, "--recorders", str(options.recorders), "--cameras", str(options.cameras)]
    command += ["--onvif-cameras", str(options.onvif_cameras), "--sunell-cameras", str(options.sunell_cameras)]
    command += ["--axis-cameras", str(options.axis_cameras)]
    command += ["--vms-recording-servers", str(options.vms_recording_servers)]
    command += ["--vms-failover-servers", str(options.vms_failover_servers)]
    command += ["--speed", str(options.speed), "--base-address", options.base_address, "--control-port", "0"]
    command += ["--write-inventory", str(inventory), "--ready-file", str(ready)]
    with (home / "simulator.log").open("wb") as log, _process(command, stdout=log) as process:
        _await_ready(process, ready, home / "simulator.log")
        yield inventory


@contextlib.contextmanager
def _process(command: t.Sequence[str], **more: t.Any) -> t.Iterator[subprocess.Popen[t.Any]]:
    """A program in a process group of its own, so that what it has started is ended with it.

    Args:
        command: The program and its arguments.
        **more: For Popen.

    Yields:
        The process.
    """
    with _INTERRUPTION.held():
        process = subprocess.Popen(  # noqa: S603  # our own program and ansible-playbook
            command, stdin=subprocess.DEVNULL, stderr=subprocess.STDOUT, process_group=0, **more
        )
        try:
            with _INTERRUPTION.released():
                yield process
        finally:
            _stop(process)


def _await_ready(process: subprocess.Popen[bytes], ready: pathlib.Path, log: pathlib.Path) -> None:
    end = time.monotonic() + _START_SECONDS
    while not ready.exists():
        if process.poll() is not None:
            raise SystemExit(f"The simulator ended at once: {log.read_text(errors='replace').strip()[-500:]}")
        if time.monotonic() > end:
            raise SystemExit(f"The simulator was not ready after {_START_SECONDS:g} s; its log: {log}")
        time.sleep(0.05)


def _stop(process: subprocess.Popen[t.Any]) -> None:
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
    try:
        process.wait(_STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)


def _write_variables(home: pathlib.Path) -> pathlib.Path:
    """The site's variables, with passphrases made for this run alone."""
    path = home / "variables.yml"
    variables = {
        "camsec_authority_directory": str(home / "ca"),
        "camsec_authority_passphrase": secrets.token_urlsafe(18),
        "camsec_authority_common_name": "Demonstration CA",
        "camsec_trust_directory": str(home / "recorders"),
        "camsec_escrow_directory": str(home / "escrow"),
        "camsec_escrow_password": secrets.token_urlsafe(18),
        # Nobody sits before the simulated clients.
        "vms_encryption_clients_ready": True,
    }
    if not path.exists():
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
            yaml.safe_dump(variables, file)
    return path


def _play(options: argparse.Namespace, home: pathlib.Path, inventory: pathlib.Path, number: int) -> Run:
    program = pathlib.Path(sys.executable).parent / "ansible-playbook"
    command = [str(program), "-i", str(inventory), "-e", f"@{_write_variables(home)}", "-f", str(options.forks)]
    environment = {
        **os.environ,
        "ANSIBLE_CALLBACKS_ENABLED": "camsec.fleet.changes",
        "ANSIBLE_HOME": str(home / "ansible"),
        "ANSIBLE_LOCALHOST_WARNING": "False",
        "ANSIBLE_NOCOLOR": "1",
    }
    started = time.monotonic()
    log = home / f"run-{number}.log"
    progress = _Progress(verbose=options.verbose)
    with (
        log.open("w", encoding="utf-8") as file,
        _process(
            [*command, "camsec.fleet.site"],
            env=environment,
            stdout=subprocess.PIPE,
            encoding="utf-8",
            errors="replace",
        ) as process,
    ):
        for line in t.cast("t.IO[str]", process.stdout):
            file.write(line)
            progress.show(line)
        status = process.wait()
    progress.end()
    return _read_run(log.read_text(encoding="utf-8"), status, time.monotonic() - started)


class _Progress:
    """A line for each play, with a dot for each device's answer; all lines when verbose.

    Args:
        verbose: Show everything.
    """

    def __init__(self, *, verbose: bool) -> None:
        self._verbose = verbose
        self._play = ""
        self._open = False

    def show(self, line: str) -> None:
        """Show what there is to see in a line.

        Args:
            line: A line of ansible-playbook.
        """
        if self._verbose:
            print("  " + line.rstrip(), flush=True)
        elif line.startswith("PLAY [") and line != self._play:
            self.end()
            self._play, self._open = line, True
            print("  " + line[6 : line.rindex("]")] + " ", end="", flush=True)
        elif line.startswith(("changed: [", "ok: [")) and self._open:
            print(".", end="", flush=True)
        elif line.startswith(("fatal:", "failed:", "[ERROR]")):
            self.end()
            print("  " + line.rstrip()[:400], flush=True)

    def end(self) -> None:
        """End the line that is open."""
        if self._open:
            print(flush=True)
        self._open = False


def _read_run(text: str, status: int, seconds: float) -> Run:
    rows = _RECAP.findall(text)
    marker = "WHAT CHANGED"
    return Run(
        status=status,
        changed=sum(int(row[1]) for row in rows),
        failed=sum(int(row[2]) + int(row[3]) for row in rows),
        seconds=seconds,
        summary=text[text.index("\n", text.index(marker)) :].strip("\n") if marker in text else "      nothing",
    )


def _devices(home: pathlib.Path, inventory: pathlib.Path) -> list[Device]:
    groups = yaml.safe_load(inventory.read_text(encoding="utf-8"))["all"]["children"]
    found = []
    for name, host in groups["camsec_recorders"]["hosts"].items():
        ca_path = str(home / "recorders" / f"{name}.pem")
        found.append(_device(name, host, ca_path))
    cameras = groups["camsec_cameras"]
    others = [group["hosts"] for group in cameras.get("children", {}).values()]
    for name, host in itertools.chain(*(hosts.items() for hosts in (cameras["hosts"], *others))):
        found.append(_device(name, host, str(home / "ca" / "trusted.pem")))
    for name, host in groups.get("camsec_vms_servers", {}).get("hosts", {}).items():
        found += _vms_endpoints(name, host, str(home / "ca" / "trusted.pem"))
    return found


#: Where a server of the VMS presents a certificate, by what runs on it; the data collector is everywhere.
_VMS_PORTS = {
    "management_server": ("management",),
    "recording_server": ("webapi", "streaming"),
    "failover_recording_server": ("webapi", "streaming"),
    "mobile_server": ("mobile",),
}


def _vms_endpoints(name: str, host: t.Mapping[str, t.Any], ca_path: str) -> list[Device]:
    places = ["data_collector", *itertools.chain(*(_VMS_PORTS.get(role, ()) for role in host["camsec_vms_roles"]))]
    return [
        Device(
            name=f"{name} ({place})",
            address=host["ansible_host"],
            port=host["camsec_vms_ports"][place],
            ca_path=ca_path,
        )
        for place in places
    ]


def _device(name: str, host: t.Mapping[str, t.Any], ca_path: str) -> Device:
    return Device(name=name, address=host["ansible_host"], port=host["camsec_https_port"], ca_path=ca_path)


def _print_table(devices: t.Sequence[Device]) -> int:
    """Shake hands with every device and print what it showed.

    Args:
        devices: The fleet.

    Returns:
        How many did not verify.
    """
    heads = ("DEVICE", "ADDRESS", "PORT", "PROTOCOL", "SUITE", "CERTIFICATE ISSUER", "DAYS LEFT", "VERIFIED")
    rows: list[tuple[str, ...]] = [heads]
    wrong = 0
    now = dt.datetime.now(tz=dt.UTC)
    for device in devices:
        try:
            facts = probe(device.address, device.port, ca_path=device.ca_path)
        except CamsecError as error:
            wrong += 1
            rows.append((device.name, device.address, str(device.port), "-", "-", "-", "-", f"NO: {error.found}"))
            continue
        wrong += not facts.verified
        rows.append(_row(device, facts, now))
    widths = [max(len(row[column]) for row in rows) for column in range(len(heads))]
    for row in rows:
        print("  " + "  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip())
    return wrong


def _row(device: Device, facts: EndpointFacts, now: dt.datetime) -> tuple[str, ...]:
    return (
        device.name,
        device.address,
        str(device.port),
        facts.protocol,
        facts.suite,
        facts.certificate.issuer_common_name,
        str(facts.certificate.days_left(now)),
        "yes" if facts.verified else f"NO: {facts.verify_error}",
    )


def _demonstrate(options: argparse.Namespace, home: pathlib.Path) -> int:
    with _simulator(options, home) as inventory:
        others = (
            f"{options.onvif_cameras} ONVIF, {options.sunell_cameras} Sunell and {options.axis_cameras} Axis cameras"
        )
        vms = (
            f"a VMS with {options.vms_recording_servers} recording and {options.vms_failover_servers} failover servers"
        )
        print(
            f"Simulated: {options.recorders} recorders, {options.cameras} cameras, {others}"
            f"{f', {vms}' if options.vms_recording_servers else ''}, as from the factory.\n"
        )
        print("First run of camsec.fleet.site:")
        first = _play(options, home, inventory, 1)
        print(f"\nWhat it changed ({first.changed} tasks, {first.seconds:.0f} s):\n{first.summary}\n")
        if first.status != 0:
            print(f"The first run failed; its log: {home / 'run-1.log'}")
            return 1
        print("Second run of camsec.fleet.site:")
        second = _play(options, home, inventory, 2)
        print(f"\nSecond run: changed={second.changed} failed={second.failed} ({second.seconds:.0f} s)\n")
        print("Endpoints, each by a handshake of its own:")
        devices = _devices(home, inventory)
        wrong = _print_table(devices)
    good = second.status == 0 and second.changed == 0 and second.failed == 0 and wrong == 0
    verdict = "All is well" if good else "NOT as it should be"
    verified = f"{len(devices) - wrong} of {len(devices)} endpoints verified"
    print(f"\n{verdict}: second run changed={second.changed}, {verified}.")
    return 0 if good else 1


def main(argv: t.Sequence[str] | None = None) -> int:
    """Run the demonstration.

    Args:
        argv: Arguments without the program's name; None for those of the process.

    Returns:
        Exit status.
    """
    options = _arguments(argv)
    _INTERRUPTION.listen()
    with _directory(options.directory) as home:
        return _demonstrate(options, home)
