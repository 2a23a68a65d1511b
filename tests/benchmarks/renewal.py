# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A renewal of cameras of three dialects (i-PRO, ONVIF, Sunell) by the module camera, and what it costs each.

Simulated cameras in equal shares come from the factory to HTTPS with certificates of 20 days, which are then renewed in
one run of ansible-playbook; after that a run has nothing to change.
"""

from __future__ import annotations

import argparse
import ipaddress
import json
import os
import pathlib
import re
import secrets
import ssl
import subprocess
import sys
import tempfile
import typing as t

import yaml
from fleet import CONVERGE_SPEED, HTTP_PORT, HTTPS_PORT, Fleet, Requests, WrongStateError, running
from measure import Cost, cost_of
from run import table

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
BIN = pathlib.Path(sys.executable).parent
DIALECTS = ("ipro", "onvif", "sunell")
_FLEET_KEYS = {"ipro": "cameras", "onvif": "onvif_cameras", "sunell": "sunell_cameras"}
_RECAP = re.compile(r"^(\S+)\s+: ok=(\d+)\s+changed=(\d+)\s+unreachable=(\d+)\s+failed=(\d+)", re.MULTILINE)
#: Lifetime of a certificate and days before its end at which it is renewed: first the cameras get short ones.
_FIRST, _RENEWAL, _NOTHING = (20, 10), (397, 30), (397, 30)


def devices(cameras: int, base_address: str) -> dict[str, list[dict[str, t.Any]]]:
    """A fleet file with so many cameras of each dialect in turn.

    Args:
        cameras: How many in all.
        base_address: They are at base.1.1 and so on.

    Returns:
        Its content.
    """
    base = int(ipaddress.IPv4Address(base_address))
    listed: dict[str, list[dict[str, t.Any]]] = {key: [] for key in _FLEET_KEYS.values()}
    for index in range(cameras):
        dialect = DIALECTS[index % len(DIALECTS)]
        address = ipaddress.IPv4Address(base + 256 * (index // 250 + 1) + index % 250 + 1)
        ports = {"http_port": HTTP_PORT, "https_port": HTTPS_PORT} if dialect != "ipro" else {"http_port": HTTP_PORT}
        name = f"{dialect}-{index + 1:04}"
        listed[_FLEET_KEYS[dialect]].append({"name": name, "address": str(address), **ports})
    return listed


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
        (home / "ansible.cfg").touch()
        self._environment = {
            **{key: value for key, value in os.environ.items() if not key.startswith("ANSIBLE_")},
            "PATH": f"{BIN}{os.pathsep}{os.environ.get('PATH', os.defpath)}",
            "ANSIBLE_COLLECTIONS_PATH": str(ROOT / ".dev"),
            "ANSIBLE_CONFIG": str(home / "ansible.cfg"),
            "ANSIBLE_HOME": str(home / "ansible"),
            "ANSIBLE_NOCOLOR": "1",
        }
        variables = {
            "camsec_authority_directory": str(home / "ca"),
            "camsec_authority_passphrase": secrets.token_urlsafe(18),
            "camsec_authority_common_name": "Fleet CA",
            "camsec_trust_directory": str(home / "recorders"),
        }
        with os.fdopen(os.open(home / "variables.json", os.O_WRONLY | os.O_CREAT, 0o600), "w") as file:
            json.dump(variables, file)

    def measure(self) -> tuple[list[tuple[str, ...]], dict[str, Requests]]:
        """Factory to HTTPS (not counted), the renewal, and nothing to do.

        Returns:
            Rows of the table, and the requests of the renewal for each dialect.
        """
        cost = self._play("authority.yml", "authority")
        if cost.status != 0:
            raise WrongStateError(f"the certificate authority was not made: {cost.output[-1500:]}")
        self._run("first certificates", _FIRST, changed=True)
        before = self._serials()
        rows, requests = [], {}
        for title, window, changed in (("renewal", _RENEWAL, True), ("nothing to change", _NOTHING, False)):
            row, counted = self._run(title, window, changed=changed)
            rows.append(row)
            requests[title] = counted
        after = self._serials()
        if any(before[name] == after[name] for name in before):
            raise WrongStateError("a camera shows the certificate of before the renewal")
        return rows, requests["renewal"]

    def _run(
        self, title: str, window: tuple[int, int], *, changed: bool
    ) -> tuple[tuple[str, ...], dict[str, Requests]]:
        self._fleet.forget_requests()
        used = self._fleet.cpu_seconds()
        lifetime, renew = window
        extra = ["-e", json.dumps({"bench_lifetime_days": lifetime, "bench_renew_before": renew})]
        cost = self._play("renewal.yml", title, *extra)
        used = self._fleet.cpu_seconds() - used
        recap = _RECAP.findall(cost.output)
        wrong = [row[0] for row in recap if int(row[2]) != int(changed)]
        if cost.status != 0 or len(recap) != self._options.cameras or wrong:
            raise WrongStateError(
                f"{title}: status {cost.status}, {len(recap)} cameras, {wrong}: {cost.output[-2000:]}"
            )
        cameras = self._options.cameras
        counted = {
            dialect: self._fleet.requests([name for name in self._fleet.names if name.startswith(dialect)])
            for dialect in DIALECTS
        }
        total = sum(one.total for one in counted.values())
        print(f"  {title}: {cost.seconds:.1f} s, {cost.seconds * 1000 / cameras:.0f} ms a camera", flush=True)
        row = (
            title,
            f"{cost.seconds:.1f}",
            f"{cost.seconds * 1000 / cameras:.0f}",
            f"{cost.cpu_seconds / cameras:.3f}",
            f"{cost.peak_mib:.0f}",
            f"{total / cameras:.1f}",
            f"{used / cameras:.3f}",
        )
        return row, counted

    def _play(self, playbook: str, title: str, *extra: str) -> Cost:
        command = [str(BIN / "ansible-playbook"), "-i", str(self._fleet.inventory), "-f", str(self._options.forks)]
        command += ["-e", f"@{self._home / 'variables.json'}", *extra, str(HERE / playbook)]
        log = self._home / f"{title.replace(' ', '-')}.log"
        return cost_of(command, environment=self._environment, where=self._home, log=log)

    def _serials(self) -> dict[str, str]:
        """Look for ourselves, by openssl: every camera shows a certificate that the authority verifies."""
        found = {}
        trusted = str(self._home / "ca" / "trusted.pem")
        inventory = yaml.safe_load(self._fleet.inventory.read_text(encoding="utf-8"))
        group = inventory["all"]["children"]["camsec_cameras"]
        hosts = {**group["hosts"], **{k: v for g in group["children"].values() for k, v in g["hosts"].items()}}
        for name, host in hosts.items():
            place = f"{host['ansible_host']}:{HTTPS_PORT}"
            command = ["openssl", "s_client", "-connect", place, "-CAfile", trusted, "-verify_return_error"]
            command += ["-verify_ip", host["ansible_host"]]
            shown = subprocess.run(command, input="", capture_output=True, text=True, timeout=60, check=False)
            if shown.returncode != 0:
                raise WrongStateError(f"{name}: openssl does not verify {place}: {shown.stderr[-300:]}")
            found[name] = str(ssl.PEM_cert_to_DER_cert(_certificate(shown.stdout)).hex())
        return found


def _certificate(text: str) -> str:
    begin, end = "-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----"
    return text[text.index(begin) : text.index(end) + len(end)]


def main(argv: t.Sequence[str] | None = None) -> int:
    """Measure and print.

    Args:
        argv: Arguments without the program's name; None for those of the process.

    Returns:
        Exit status: 1 when a camera did not get its certificate.
    """
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--cameras", type=int, default=200, help="simulated cameras (200)")
    parser.add_argument("--forks", type=int, default=25, help="devices at a time (25)")
    parser.add_argument("--base-address", default="127.84.0.0", help="loopback network of the cameras (127.84.0.0)")
    options = parser.parse_args(argv)
    print(f"{options.cameras} cameras of three dialects, {options.forks} at a time:", flush=True)
    try:
        with tempfile.TemporaryDirectory(prefix="camsec-bench-") as name:
            home = pathlib.Path(name)
            with running(devices(options.cameras, options.base_address), home=home) as fleet:
                fleet.run_at(CONVERGE_SPEED)
                rows, requests = Bench(options, home, fleet).measure()
    except WrongStateError as error:
        print(f"No result: {error}", file=sys.stderr)
        return 1
    heads = ("", "s", "ms/camera", "CPU s/camera", "peak MiB", "requests/camera", "simulator CPU s/camera")
    print("\n" + table([heads, *rows]))
    share = {dialect: sum(i % len(DIALECTS) == n for i in range(options.cameras)) for n, dialect in enumerate(DIALECTS)}
    each = ", ".join(f"{name} {requests[name].total / max(1, share[name]):.1f}" for name in DIALECTS)
    print(f"Requests of a renewal: {each}, login challenges among them.")
    print(f"The devices' clocks run {CONVERGE_SPEED:g} times as fast. The simulator shares the cores.")
    print(f"Load of this machine over the last 5 minutes: {os.getloadavg()[1]:.1f}.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
