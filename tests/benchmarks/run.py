# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a fleet costs: our role, a playbook of ansible.builtin.uri, a bare asyncio client and Ansible's own floor.

All of them work on the same simulated cameras, one after another, each from the factory's state to HTTPS and then again
with nothing to change. The result is a measurement and no test: it fails only when a contender did not do its work.
"""

from __future__ import annotations

import argparse
import dataclasses as dc
import importlib.metadata
import json
import os
import pathlib
import platform
import re
import secrets
import signal
import subprocess
import sys
import tempfile
import typing as t

from fleet import CONVERGE_SPEED, Fleet, Requests, WrongStateError, simulated
from measure import Cost, cost_of

HERE = pathlib.Path(__file__).resolve().parent
BIN = pathlib.Path(sys.executable).parent
GOAL_URI = 40.0
GOAL_EMPTY = 2.0
_RECAP = re.compile(r"^(\S+)\s+: ok=(\d+)\s+changed=(\d+)\s+unreachable=(\d+)\s+failed=(\d+)", re.MULTILINE)


@dc.dataclass(frozen=True, kw_only=True)
class Contender:
    """One way to do the work.

    Attributes:
        key: Its name in the JSON file.
        title: Its name in the tables.
        playbook: The playbook; empty for the bare client.
        cameras: On how many cameras it is run.
        ca: Certificate of the CA that it uses; empty for the one that does nothing.
    """

    key: str
    title: str
    playbook: str
    cameras: int
    ca: str


@dc.dataclass(frozen=True, kw_only=True)
class Run:
    """One run of a contender.

    Attributes:
        cameras: On how many cameras.
        cost: What it cost.
        simulator_cpu_seconds: What the simulator used meanwhile.
        requests: What the simulator counted.
        changed: Changed tasks, or cameras for the bare client.
    """

    cameras: int
    cost: Cost
    simulator_cpu_seconds: float
    requests: Requests
    changed: int

    @property
    def ms(self) -> float:
        """Wall time per device."""
        return self.cost.seconds * 1000 / self.cameras

    @property
    def cpu_ms(self) -> float:
        """CPU time per device."""
        return self.cost.cpu_seconds * 1000 / self.cameras

    def shown(self) -> dict[str, t.Any]:
        """The run for the JSON file."""
        return {
            "cameras": self.cameras,
            "seconds": self.cost.seconds,
            "ms_per_device": self.ms,
            "cpu_seconds_per_device": self.cpu_ms / 1000,
            "peak_mib": self.cost.peak_mib,
            "requests_per_device": self.requests.total / self.cameras,
            "writes_per_device": self.requests.writes / self.cameras,
            "simulator_cpu_seconds_per_device": self.simulator_cpu_seconds / self.cameras,
            "changed": self.changed,
        }


@dc.dataclass(kw_only=True)
class Result:
    """All runs of a contender."""

    contender: Contender
    converge: Run
    noop: list[Run]

    @property
    def usual(self) -> Run:
        """The run without changes that took the median time."""
        return sorted(self.noop, key=lambda run: run.ms)[(len(self.noop) - 1) // 2]


class Bench:
    """The measurement.

    Args:
        options: The program's.
        home: Where its files go.
        fleet: The simulated cameras.
    """

    def __init__(self, options: argparse.Namespace, home: pathlib.Path, fleet: Fleet) -> None:
        self._options = options
        self._home = home
        self._fleet = fleet
        self._number = 0
        (home / "ansible.cfg").touch()  # whatever the user's own says must not count
        kept = {"ANSIBLE_COLLECTIONS_PATH"}
        self._environment = {k: v for k, v in os.environ.items() if not k.startswith("ANSIBLE_") or k in kept}
        self._environment |= {
            "PATH": f"{BIN}{os.pathsep}{os.environ.get('PATH', os.defpath)}",
            "ANSIBLE_CONFIG": str(home / "ansible.cfg"),
            "ANSIBLE_HOME": str(home / "ansible"),
            "ANSIBLE_REMOTE_TEMP": str(home / "ansible" / "tmp"),
            "ANSIBLE_LOCALHOST_WARNING": "False",
            "ANSIBLE_NOCOLOR": "1",
            "ANSIBLE_PIPELINING": str(options.pipelining),
        }

    def prepare(self) -> None:
        """Both certificate authorities and the variables; not measured."""
        own = self._home / "openssl"
        own.mkdir()
        issuer = f"Benchmark CA {secrets.token_hex(4)}"
        command = ["openssl", "req", "-x509", "-newkey", "rsa:3072", "-noenc", "-sha256", "-days", "3650"]
        command += ["-subj", f"/CN={issuer}", "-addext", "keyUsage=critical,keyCertSign,cRLSign"]
        command += ["-keyout", str(own / "ca.key"), "-out", str(own / "ca.pem")]
        subprocess.run(command, check=True, capture_output=True)
        variables = {
            "bench_directory": str(own),
            "bench_issuer": issuer,
            "camsec_authority_directory": str(self._home / "ca"),
            "camsec_authority_passphrase": secrets.token_urlsafe(18),
            "camsec_authority_common_name": "Fleet CA",
            "camsec_trust_directory": str(self._home / "recorders"),
        }
        with os.fdopen(os.open(self._home / "variables.json", os.O_WRONLY | os.O_CREAT, 0o600), "w") as file:
            json.dump(variables, file)
        cost = self._play("authority.yml", self._options.cameras)
        if cost.status != 0:
            raise WrongStateError(f"the certificate authority was not made: {cost.output[-1500:]}")

    def measure(self, contender: Contender) -> Result:
        """Measure one contender, from the factory's state on.

        Args:
            contender: The contender.

        Returns:
            Its runs.

        Raises:
            WrongStateError: It did not do what it was to do.
        """
        self._fleet.run_at(CONVERGE_SPEED)
        self._fleet.reset()
        converge = self._run(contender, "converge")
        if contender.ca:
            self._fleet.prove_https(self._home / contender.ca, contender.cameras)
            if converge.changed < contender.cameras:
                raise WrongStateError(f"{contender.title}: changed {converge.changed}, expected every camera")
        self._fleet.run_at(1.0)
        noop = [self._run(contender, f"no-op {number + 1}") for number in range(self._options.runs)]
        for run in noop:
            if run.changed or run.requests.writes:
                found = f"changed {run.changed}, {run.requests.writes} writes"
                raise WrongStateError(f"{contender.title}: {found} in a run that had nothing to change")
        if contender.ca:
            self._fleet.prove_https(self._home / contender.ca, contender.cameras)
        return Result(contender=contender, converge=converge, noop=noop)

    def _run(self, contender: Contender, what: str) -> Run:
        self._fleet.forget_requests()
        before = self._fleet.cpu_seconds()
        if contender.playbook:
            cost = self._play(contender.playbook, contender.cameras)
            rows = _RECAP.findall(cost.output)
            changed, good = sum(int(row[2]) for row in rows), len(rows) == contender.cameras
        else:
            cost = self._bare()
            changed = json.loads(cost.output)["changed"] if cost.status == 0 else 0
            good = True
        used = self._fleet.cpu_seconds() - before
        if cost.status != 0 or not good:
            raise WrongStateError(f"{contender.title}, {what}: status {cost.status}:\n{cost.output[-3000:]}")
        run = Run(
            cameras=contender.cameras,
            cost=cost,
            simulator_cpu_seconds=used,
            requests=self._fleet.requests(),
            changed=changed,
        )
        print(f"  {contender.title}, {what}: {cost.seconds:.1f} s, {run.ms:.1f} ms per device", flush=True)
        return run

    def _play(self, playbook: str, cameras: int) -> Cost:
        command = [str(BIN / "ansible-playbook"), "-i", str(self._fleet.inventory), "-f", str(self._options.forks)]
        command += ["-e", f"@{self._home / 'variables.json'}", str(HERE / playbook)]
        if cameras < self._options.cameras:
            command += ["--limit", f"camsec_cameras[0:{cameras - 1}]"]
        return self._measured(command)

    def _bare(self) -> Cost:
        command = [sys.executable, str(HERE / "bare.py"), "--inventory", str(self._fleet.inventory)]
        command += ["--directory", str(self._home / "openssl"), "--concurrency", str(self._options.forks)]
        return self._measured(command)

    def _measured(self, command: t.Sequence[str]) -> Cost:
        self._number += 1
        log = self._home / f"run-{self._number}.log"
        return cost_of(command, environment=self._environment, where=self._home, log=log)


def contenders(options: argparse.Namespace) -> list[Contender]:
    """Who takes part.

    Args:
        options: The program's.

    Returns:
        The contenders, in the tables' order.
    """
    every, some = options.cameras, min(options.uri_cameras or options.cameras, options.cameras)
    return [
        Contender(key="role", title="camera_https (ours)", playbook="role.yml", cameras=every, ca="ca/trusted.pem"),
        Contender(key="uri", title="ansible.builtin.uri", playbook="uri.yml", cameras=some, ca="openssl/ca.pem"),
        Contender(key="bare", title="asyncio, no Ansible", playbook="", cameras=every, ca="openssl/ca.pem"),
        Contender(key="empty", title="empty task", playbook="empty.yml", cameras=every, ca=""),
    ]


def table(rows: t.Sequence[t.Sequence[str]]) -> str:
    """Columns, the first to the left and the others to the right.

    Args:
        rows: The heads first.

    Returns:
        The text.
    """
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = []
    for row in rows:
        cells = [text.rjust(width) for text, width in zip(row, widths, strict=True)]
        lines.append("  ".join(["  " + row[0].ljust(widths[0]), *cells[1:]]))
    return "\n".join(lines)


def report(options: argparse.Namespace, results: t.Sequence[Result]) -> str:
    """The two tables, the ratios and the goals.

    Args:
        options: The program's.
        results: All results.

    Returns:
        The text.
    """
    heads: tuple[str, ...] = (
        "",
        "cameras",
        "ms/device",
        "(all runs)",
        "CPU s/device",
        "peak MiB",
        "requests/device",
        "changed",
    )
    heads += ("simulator CPU s/device",)
    by_key = {result.contender.key: result for result in results}
    parts = []
    for what, noop in (("Converge, from the factory's state", False), (f"No-op, median of {options.runs}", True)):
        rows = [heads]
        for result in results:
            runs = result.noop if noop else [result.converge]
            rows.append(_row(result, result.usual if noop else result.converge, runs))
        chosen = {key: result.usual if noop else result.converge for key, result in by_key.items()}
        parts += [f"{what}:", table(rows), "", _ratios(chosen), ""]
    chosen = {key: result.usual for key, result in by_key.items()}
    parts += [_goals(chosen), "", *_notes(options, by_key)]
    return "\n".join(parts)


def _row(result: Result, run: Run, runs: t.Sequence[Run]) -> tuple[str, ...]:
    times = sorted(run.ms for run in runs)
    return (
        result.contender.title,
        str(run.cameras),
        f"{run.ms:.1f}",
        f"{times[0]:.1f}\u2013{times[-1]:.1f}" if len(times) > 1 else "one run",
        f"{run.cpu_ms / 1000:.4f}",
        f"{run.cost.peak_mib:.0f}",
        f"{run.requests.total / run.cameras:.1f}",
        str(run.changed),
        f"{run.simulator_cpu_seconds / run.cameras:.4f}",
    )


def _ratios(runs: t.Mapping[str, Run]) -> str:
    pairs = (("uri", "role"), ("role", "empty"), ("role", "bare"))
    named = {"uri": "uri", "role": "ours", "empty": "empty", "bare": "bare"}
    lines = []
    for over, under in pairs:
        time, cpu = runs[over].ms / runs[under].ms, runs[over].cpu_ms / runs[under].cpu_ms
        lines.append(f"  {named[over]} / {named[under]}: {time:.1f} in time, {cpu:.1f} in CPU")
    return "\n".join(lines)


def _goals(runs: t.Mapping[str, Run]) -> str:
    faster, slower = runs["uri"].ms / runs["role"].ms, runs["role"].ms / runs["empty"].ms
    first, second = ("met" if good else "NOT met" for good in (faster >= GOAL_URI, slower <= GOAL_EMPTY))
    return (
        f"Goal, no-op, at least {GOAL_URI:g} times faster than uri: {faster:.1f} times, {first}.\n"
        f"Goal, no-op, within {GOAL_EMPTY:g} times of the empty task: {slower:.2f} times, {second}."
    )


def _notes(options: argparse.Namespace, results: t.Mapping[str, Result]) -> t.Iterator[str]:
    cores = len(os.sched_getaffinity(0))
    yield f"The simulator shares the {cores} cores with the contender; its own CPU time is in the last column only."
    yield "CPU: user and system time of the contender's whole process tree. Peak: its largest process (ru_maxrss)."
    yield "Requests are what the simulator counted, each login challenge (401) among them."
    yield f"While converging, the cameras' clocks run {CONVERGE_SPEED:g} times as fast (a key: 0.6 s)."
    yield f"Forks: {options.forks} for all. Pipelining: {'on' if options.pipelining else 'off, as Ansible has it'}."
    some = results["uri"].contender.cameras
    if some < options.cameras:
        yield f"The uri playbook was run on {some} cameras of {options.cameras} only; figures are per device of those."
    load = os.getloadavg()[1]
    yield f"Load of this machine over the last 5 minutes: {load:.1f}. {_machine()}"


def _machine() -> str:
    version = importlib.metadata.version
    return f"Python {platform.python_version()}, ansible-core {version('ansible-core')}, Linux {platform.release()}."


def _save(path: pathlib.Path, options: argparse.Namespace, results: t.Sequence[Result]) -> None:
    asked = {name: value for name, value in vars(options).items() if name != "json"}
    data = {"options": asked, "machine": _machine(), "cores": len(os.sched_getaffinity(0))}
    data["contenders"] = {
        result.contender.key: {"converge": result.converge.shown(), "noop": [run.shown() for run in result.noop]}
        for result in results
    }
    path.write_text(json.dumps(data, indent=2) + "\n", encoding="utf-8")


def _arguments(argv: t.Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    add = parser.add_argument
    add("--cameras", type=_positive, default=200, help="simulated cameras (200)")
    add("--uri-cameras", type=_positive, help="cameras for the uri playbook, which is slow (as --cameras)")
    add("--runs", type=_positive, default=3, help="runs without changes of each contender; the median counts (3)")
    add("--forks", type=_positive, default=10, help="devices at a time (10)")
    add("--pipelining", action="store_true", help="switch Ansible's pipelining on, which helps modules, for all")
    add("--base-address", default="127.80.0.0", help="loopback network of the cameras (127.80.0.0)")
    add("--json", type=pathlib.Path, metavar="FILE", help="write all figures there")
    return parser.parse_args(argv)


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{number} is not a positive number")
    return number


def main(argv: t.Sequence[str] | None = None) -> int:
    """Measure and print.

    Args:
        argv: Arguments without the program's name; None for those of the process.

    Returns:
        Exit status: 1 when a contender did not do its work.
    """
    options = _arguments(argv)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    print(f"{options.cameras} cameras, {options.forks} at a time:", flush=True)
    try:
        with tempfile.TemporaryDirectory(prefix="camsec-bench-") as name:
            home = pathlib.Path(name)
            with simulated(options.cameras, base_address=options.base_address, home=home) as fleet:
                bench = Bench(options, home, fleet)
                bench.prepare()
                results = [bench.measure(contender) for contender in contenders(options)]
    except WrongStateError as error:
        print(f"No result: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("Interrupted; everything was stopped.", file=sys.stderr)
        return 130
    print("\n" + report(options, results))
    if options.json is not None:
        _save(options.json, options, results)
    return 0


if __name__ == "__main__":
    sys.exit(main())
