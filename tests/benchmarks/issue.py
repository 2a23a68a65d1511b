# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Certificates issued a second, RSA and ECDSA: our authority and our module beside the modules of community.crypto.

Each certificate has a key of its own, which is made within the measured time; both sides sign with the very same key of
an authority, and openssl verifies what came of it afterwards. In one process, and with Ansible's workers.
"""

from __future__ import annotations

import argparse
import dataclasses as dc
import json
import os
import pathlib
import secrets
import subprocess
import sys
import tempfile
import typing as t
import zipfile

from ansible_collections.camsec.fleet.plugins.module_utils._core._secret import Secret
from ansible_collections.camsec.fleet.plugins.module_utils._pki._authority import CertificateAuthority
from fleet import WrongStateError
from measure import cost_of
from run import table

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
BIN = pathlib.Path(sys.executable).parent
#: The package that brings community.crypto; 12 is the last major release for Python 3.11.
PEER = "ansible>=12,<13"
TITLES = {"library": "our library", "ours": "our module certificate", "peer": "community.crypto, three modules"}
KEY_TYPES = {"rsa": "RSA 2048, signed with RSA 3072", "ecdsa": "ECDSA P-256, signed with P-256"}


@dc.dataclass(frozen=True, kw_only=True)
class Figure:
    """What a contender took.

    Attributes:
        where: ``process`` or ``workers``.
        key_type: ``rsa`` or ``ecdsa``.
        contender: Key of :data:`TITLES`.
        count: Certificates.
        seconds: Wall time, the least of all runs.
        cpu_seconds: User and system time of that run.
    """

    where: str
    key_type: str
    contender: str
    count: int
    seconds: float
    cpu_seconds: float

    @property
    def rate(self) -> float:
        """Certificates a second."""
        return self.count / self.seconds


def peer_collections(home: pathlib.Path) -> tuple[pathlib.Path | None, str]:
    """Where community.crypto is, unpacked out of a package of the index into a folder that is kept.

    Args:
        home: The folder.

    Returns:
        The path that ``ansible_collections`` is in, and the version; or None, and why it cannot be had.
    """
    root = home / "ansible_collections" / "community" / "crypto"
    if not (root / "MANIFEST.json").exists() and (why := _fetch(home)):
        return None, why
    version = json.loads((root / "MANIFEST.json").read_text(encoding="utf-8"))["collection_info"]["version"]
    return root.parents[2], version


def _fetch(home: pathlib.Path) -> str:
    """Why it could not be fetched; empty when it was."""
    with tempfile.TemporaryDirectory(prefix="camsec-peer-") as folder:
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:"]
        done = subprocess.run([*command, "--dest", folder, PEER], capture_output=True, text=True, check=False)
        wheels = list(pathlib.Path(folder).glob("*.whl"))
        if done.returncode != 0 or not wheels:
            return (done.stderr.strip().splitlines() or ["no package was downloaded"])[-1]
        with zipfile.ZipFile(wheels[0]) as wheel:
            names = [name for name in wheel.namelist() if name.startswith("ansible_collections/community/crypto/")]
            wheel.extractall(home, names)
    return "" if names else "the package does not hold it"


class Bench:
    """The measurement.

    Args:
        options: The program's.
        home: Where its files go.
        peer: Where community.crypto is; None leaves it out.
    """

    def __init__(self, options: argparse.Namespace, home: pathlib.Path, peer: pathlib.Path | None) -> None:
        self._options = options
        self._home = home
        self._contenders = ["ours"] if peer is None else ["ours", "peer"]
        self._passphrase = secrets.token_urlsafe(18)
        self._number = 0
        (home / "ansible.cfg").touch()  # whatever the user's own says must not count
        paths = [str(ROOT / ".dev"), *([str(peer)] if peer else [])]
        self._environment = {
            **{key: value for key, value in os.environ.items() if not key.startswith("ANSIBLE_")},
            "PATH": f"{BIN}{os.pathsep}{os.environ.get('PATH', os.defpath)}",
            "PYTHONPATH": os.pathsep.join([*paths, *filter(None, sys.path)]),
            "ANSIBLE_COLLECTIONS_PATH": os.pathsep.join(paths),
            "ANSIBLE_CONFIG": str(home / "ansible.cfg"),
            "ANSIBLE_HOME": str(home / "ansible"),
            "ANSIBLE_REMOTE_TEMP": str(home / "ansible" / "tmp"),
            "ANSIBLE_NOCOLOR": "1",
        }

    def measure(self) -> list[Figure]:
        """All of it.

        Returns:
            A figure for each contender, key type and place.
        """
        figures = []
        for key_type in KEY_TYPES:
            authority = self._home / f"ca-{key_type}"
            CertificateAuthority.create(
                authority, passphrase=Secret(self._passphrase), common_name="Benchmark CA", key_type=key_type
            )
            figures += [
                self._best("process", key_type, contender, self._in_process)
                for contender in ("library", *self._contenders)
            ]
            figures += [
                self._best("workers", key_type, contender, self._with_workers) for contender in self._contenders
            ]
        return figures

    def _best(self, where: str, key_type: str, contender: str, run: t.Callable[..., tuple[float, float]]) -> Figure:
        costs = []
        for _run in range(self._options.runs):
            self._number += 1
            folder = self._home / f"run-{self._number}"
            folder.mkdir()
            costs.append(run(key_type, contender, folder))
            self._judge(key_type, folder)
        seconds, cpu_seconds = min(costs)
        figure = Figure(
            where=where,
            key_type=key_type,
            contender=contender,
            count=self._options.count,
            seconds=seconds,
            cpu_seconds=cpu_seconds,
        )
        print(f"  {key_type}, {where}, {TITLES[contender]}: {figure.rate:.1f} a second", flush=True)
        return figure

    def _variables(self, key_type: str, folder: pathlib.Path) -> dict[str, t.Any]:
        return {
            "bench_authority": str(self._home / f"ca-{key_type}"),
            "bench_passphrase": self._passphrase,
            "bench_directory": str(folder),
            "bench_key_type": key_type,
            "bench_key_size": {"rsa": 2048, "ecdsa": 256}[key_type],
        }

    def _in_process(self, key_type: str, contender: str, folder: pathlib.Path) -> tuple[float, float]:
        given = {**self._variables(key_type, folder), "contender": contender, "count": self._options.count}
        command = [sys.executable, str(HERE / "issue_process.py")]
        done = subprocess.run(
            command, input=json.dumps(given), capture_output=True, text=True, env=self._environment, check=False
        )
        if done.returncode != 0:
            raise WrongStateError(f"{TITLES[contender]}: {(done.stdout + done.stderr)[-1500:]}")
        cost = json.loads(done.stdout)
        return cost["seconds"], cost["cpu_seconds"]

    def _with_workers(self, key_type: str, contender: str, folder: pathlib.Path) -> tuple[float, float]:
        hosts = {f"device-{n}": {"bench_address": f"192.0.2.{n % 250 + 1}"} for n in range(self._options.count)}
        common = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable}
        inventory, variables = self._home / "hosts.yml", self._home / "variables.json"
        inventory.write_text(json.dumps({"all": {"hosts": hosts, "vars": common}}), encoding="utf-8")
        with os.fdopen(os.open(variables, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            json.dump(self._variables(key_type, folder), file)
        command = [str(BIN / "ansible-playbook"), "-i", str(inventory), "-e", f"@{variables}"]
        command += ["-f", str(self._options.forks), str(HERE / f"issue_{contender}.yml")]
        log = self._home / f"{folder.name}.log"
        cost = cost_of(command, environment=self._environment, where=self._home, log=log)
        if cost.status != 0:
            raise WrongStateError(f"{TITLES[contender]}: status {cost.status}: {cost.output[-1500:]}")
        return cost.seconds, cost.cpu_seconds

    def _judge(self, key_type: str, folder: pathlib.Path) -> None:
        """By openssl, outside of the measured time."""
        found = sorted(folder.glob("*.pem"))
        command = ["openssl", "verify", "-CAfile", str(self._home / f"ca-{key_type}" / "root.pem"), *map(str, found)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != 0 or len(found) < self._options.count:
            raise WrongStateError(f"{folder}: {len(found)} certificates, openssl says {done.stderr[-500:]}")


def report(options: argparse.Namespace, figures: t.Sequence[Figure], version: str) -> str:
    """The tables and the ratios.

    Args:
        options: The program's.
        figures: All figures.
        version: Of community.crypto; empty when it did not take part.

    Returns:
        The text.
    """
    parts = []
    places = {"process": "in one process", "workers": f"ansible-playbook, {options.forks} workers"}
    for (where, place), (key_type, keys) in [(w, k) for w in places.items() for k in KEY_TYPES.items()]:
        chosen = [figure for figure in figures if (figure.where, figure.key_type) == (where, key_type)]
        by = {figure.contender: figure for figure in chosen}
        rows: list[tuple[str, ...]] = [("", "certificates/s", "ms each", "CPU ms each")]
        rows += [
            (
                TITLES[one.contender],
                f"{one.rate:.1f}",
                f"{1000 / one.rate:.1f}",
                f"{one.cpu_seconds * 1000 / one.count:.1f}",
            )
            for one in chosen
        ]
        parts += [f"{keys}, {place}:", table(rows)]
        if "peer" in by:
            parts += [
                f"  {TITLES[name]} / community.crypto: {by[name].rate / by['peer'].rate:.2f} times as many a second"
                for name in ("library", "ours")
                if name in by
            ]
        parts.append("")
    parts.append(f"{options.count} certificates each; of {options.runs} run(s) the fastest.")
    parts.append(f"community.crypto {version}." if version else "community.crypto took no part, see above.")
    parts.append(f"Load of this machine over the last 5 minutes: {os.getloadavg()[1]:.1f}.")
    return "\n".join(parts)


def main(argv: t.Sequence[str] | None = None) -> int:
    """Measure and print.

    Args:
        argv: Arguments without the program's name; None for those of the process.

    Returns:
        Exit status: 1 when a contender did not do its work.
    """
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--count", type=int, default=50, help="certificates of each contender (50)")
    parser.add_argument("--runs", type=int, default=2, help="runs of each; the fastest counts (2)")
    parser.add_argument("--forks", type=int, default=25, help="Ansible's workers (25)")
    options = parser.parse_args(argv)
    peer, version = peer_collections(ROOT / ".build" / "peers")
    if peer is None:
        print(f"community.crypto cannot be had, so that ours is measured alone: {version}", flush=True)
    try:
        with tempfile.TemporaryDirectory(prefix="camsec-bench-") as name:
            figures = Bench(options, pathlib.Path(name), peer).measure()
    except WrongStateError as error:
        print(f"No result: {error}", file=sys.stderr)
        return 1
    print("\n" + report(options, figures, version if peer else ""))
    return 0


if __name__ == "__main__":
    sys.exit(main())
