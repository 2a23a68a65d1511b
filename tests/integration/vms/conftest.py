# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A simulated VMS and ansible-playbook against it; judged by openssl, curl, paramiko and the simulator's own links."""

from __future__ import annotations

import collections
import contextlib
import dataclasses as dc
import pathlib
import subprocess
import tempfile
import typing as t

import pytest
import yaml
from ansible_collections.camsec.fleet.extensions.simulator.testing import Spawned, own_base_address, spawn

from ..playbooks.conftest import CA_PASSPHRASE, Run, run_ansible

SPEED = 100.0
#: Where a server of the VMS presents a certificate, by what runs on it.
PLACES = {
    "management_server": ("management",),
    "recording_server": ("webapi", "streaming"),
    "failover_recording_server": ("webapi", "streaming"),
    "mobile_server": ("mobile",),
}


@dc.dataclass(frozen=True, kw_only=True)
class Vms:
    """A simulated VMS and the files of its site."""

    simulator: Spawned
    folder: pathlib.Path
    inventory: dict[str, t.Any]

    @property
    def hosts(self) -> dict[str, dict[str, t.Any]]:
        return t.cast("dict[str, t.Any]", self.inventory["all"]["children"]["camsec_vms_servers"]["hosts"])

    @property
    def ca(self) -> pathlib.Path:
        return self.folder / "ca" / "trusted.pem"

    def variables(self) -> dict[str, t.Any]:
        return {
            "camsec_authority_directory": str(self.folder / "ca"),
            "camsec_authority_passphrase": CA_PASSPHRASE,
            "camsec_switch_timeout": 10.0,
            "camsec_timeout": 5.0,
            "vms_encryption_clients_ready": True,
            "vms_encryption_settle_retries": 1,
            "vms_encryption_settle_delay": 0.5,
        }

    # -- runs ----------------------------------------------------------------------------------------------------

    def play(self, playbook: str, *arguments: str, watch: bool = False, **variables: t.Any) -> Run:
        """Run a playbook; variables that are None are left out."""
        return self._run("ansible-playbook", playbook, *arguments, watch=watch, **variables)

    def vms(self, *arguments: str, **more: t.Any) -> Run:
        return self.play("camsec.fleet.vms", *arguments, **more)

    def ask(self, name: str, module: str, options: str, *arguments: str, **variables: t.Any) -> Run:
        """Run a single task on a server, as `ansible` does."""
        return self._run("ansible", name, "-m", f"camsec.fleet.{module}", "-a", options, *arguments, **variables)

    def _run(self, program: str, *arguments: str, watch: bool = False, **variables: t.Any) -> Run:
        given = {key: value for key, value in {**self.variables(), **variables}.items() if value is not None}
        with tempfile.TemporaryDirectory(prefix="camsec-play-") as name:
            inventory, values = pathlib.Path(name, "inventory.yml"), pathlib.Path(name, "variables.yml")
            inventory.write_text(yaml.safe_dump(self.inventory), encoding="utf-8")
            values.write_text(yaml.safe_dump(given), encoding="utf-8")
            command = [program, "-i", str(inventory), "-e", f"@{values}", "-f", "10", *arguments]
            return run_ansible(command, self.folder, watch=watch)

    # -- the simulator -------------------------------------------------------------------------------------------

    def control(self, path: str, method: str = "GET", body: object = None) -> t.Any:
        return self.simulator.control(f"/vms/{path}", method, body)

    def server(self, name: str) -> dict[str, t.Any]:
        return t.cast("dict[str, t.Any]", self.control(f"servers/{name}"))

    def links(self) -> dict[str, int]:
        """How many links between servers are plain, encrypted and broken, by the simulator's own connections."""
        found = [link for link in self.control("links") if link["kind"] == "server"]
        return dict(collections.Counter(link["status"] for link in found))

    def broken(self) -> list[str]:
        return [
            f"{link['verifier']} {link['presenter']}" for link in self.control("links") if link["status"] == "broken"
        ]

    def stores(self) -> dict[str, dict[str, list[str]]]:
        """Thumbprints in every store of every server."""
        return {
            name: {
                store: [entry["thumbprint"] for entry in entries]
                for store, entries in self.server(name)["stores"].items()
            }
            for name in self.hosts
        }

    def clients_trust(self) -> None:
        """What nobody but their users can do."""
        for client in self.control("clients"):
            self.control(f"clients/{client['name']}/trust", "POST", {"trusted": [self.ca.read_text()]})

    # -- judges --------------------------------------------------------------------------------------------------

    def endpoints(self) -> list[tuple[str, str, int]]:
        """Name, address and port of everything that presents a certificate when all is encrypted."""
        return [
            (name, host["ansible_host"], host["camsec_vms_ports"][place])
            for name, host in self.hosts.items()
            for place in (
                "data_collector",
                *(place for role in host["camsec_vms_roles"] for place in PLACES.get(role, ())),
            )
        ]

    def names(self, address: str, port: int) -> str:
        """The subject alternative names of what an endpoint presents, as openssl prints them."""
        shown = ["openssl", "s_client", "-connect", f"{address}:{port}", "-showcerts"]
        pem = subprocess.run(shown, input="", capture_output=True, text=True, timeout=20, check=False).stdout
        command = ["openssl", "x509", "-noout", "-ext", "subjectAltName"]
        return subprocess.run(command, input=pem, capture_output=True, text=True, timeout=20, check=False).stdout

    def openssl(self, name: str, address: str, port: int) -> str:
        """What openssl says of an endpoint; empty when chain and host name do not verify."""
        host_name = self.hosts[name]["camsec_vms_host_name"]
        command = ["openssl", "s_client", "-connect", f"{address}:{port}", "-CAfile", str(self.ca), "-brief"]
        command += ["-servername", host_name, "-verify_return_error", "-verify_hostname", host_name]
        done = subprocess.run(command, input="", capture_output=True, text=True, timeout=20, check=False)
        return done.stderr if done.returncode == 0 else ""


@contextlib.contextmanager
def running(*, offset: int, recording: int = 2, failover: int = 1, **others: int) -> t.Iterator[Vms]:
    """A simulator process with a VMS, and a folder for the controller's files; `others` are devices besides."""
    with tempfile.TemporaryDirectory(prefix="camsec-vms-") as name:
        devices = {"recorders": 0, "cameras": 0, **others}
        arguments = [f"--{kind.replace('_', '-')}={count}" for kind, count in devices.items()]
        arguments += ["--speed", str(SPEED)]
        arguments += ["--base-address", own_base_address(offset)]
        arguments += ["--vms-recording-servers", str(recording), "--vms-failover-servers", str(failover)]
        with spawn(*arguments) as simulator:
            inventory = yaml.safe_load(simulator.inventory.read_text(encoding="utf-8"))
            yield Vms(simulator=simulator, folder=pathlib.Path(name), inventory=inventory)


@pytest.fixture(scope="session")
def _vms() -> t.Iterator[Vms]:
    with running(offset=4) as vms:
        yield vms


@pytest.fixture
def fresh(_vms: Vms, tmp_path: pathlib.Path) -> Vms:
    """All servers as from the factory, and nothing on the controller."""
    _vms.simulator.control("/reset", "POST")
    text = _vms.simulator.inventory.read_text(encoding="utf-8")
    return Vms(simulator=_vms.simulator, folder=tmp_path, inventory=yaml.safe_load(text))
