# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Playbooks as a user runs them: ansible-playbook against a simulator process, judged by curl and openssl."""

from __future__ import annotations

import contextlib
import dataclasses as dc
import hashlib
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import time
import typing as t

import pytest
import yaml
from ansible_collections.camsec.fleet.extensions.simulator.testing import Spawned, own_base_address, spawn

ROOT = pathlib.Path(__file__).resolve().parents[3]
PORT = 8443
SPEED = 40.0
MAIN_KEY = "11112222333344445555"
KIT_KEY = "20000000000000000004"
CA_PASSPHRASE = "Passphrase-of-the-CA-1"
VAULT_PASSWORD = "Vault-of-the-escrow-1"
OLD_PASSWORD = "Pic-old-0001"
NEW_PASSWORD = "Pic-new-0002"
_RECAP = re.compile(r"^(\S+)\s+: ok=(\d+)\s+changed=(\d+)\s+unreachable=(\d+)\s+failed=(\d+)", re.MULTILINE)


@dc.dataclass(frozen=True, kw_only=True)
class Run:
    """One run of a playbook."""

    status: int
    output: str
    seen: frozenset[str]
    """The command lines of all processes, and Ansible's temporary files, that were seen meanwhile."""

    @property
    def changed(self) -> dict[str, int]:
        return {row[0]: int(row[2]) for row in _RECAP.findall(self.output)}

    @property
    def failed(self) -> set[str]:
        return {row[0] for row in _RECAP.findall(self.output) if int(row[3]) or int(row[4])}

    @property
    def text(self) -> str:
        """The output on one line, so that a sentence can be found however it is folded."""
        return " ".join(self.output.split())


@dc.dataclass(frozen=True, kw_only=True)
class Site:
    """A simulated fleet and the files of its site."""

    simulator: Spawned
    folder: pathlib.Path
    inventory: dict[str, t.Any]

    # -- files ---------------------------------------------------------------------------------------------------

    @property
    def hosts(self) -> dict[str, dict[str, t.Any]]:
        groups = self.inventory["all"]["children"]
        return {**groups["camsec_recorders"]["hosts"], **groups["camsec_cameras"]["hosts"]}

    def change(self, name: str, **variables: t.Any) -> None:
        """Set variables of a host in the inventory; None takes one out."""
        host = self.hosts[name]
        host.update(variables)
        for key in [key for key, value in host.items() if value is None]:
            del host[key]

    def variables(self) -> dict[str, t.Any]:
        return {
            "camsec_authority_directory": str(self.folder / "ca"),
            "camsec_authority_passphrase": CA_PASSPHRASE,
            "camsec_trust_directory": str(self.folder / "trust"),
            "camsec_escrow_directory": str(self.folder / "escrow"),
            "camsec_escrow_password": VAULT_PASSWORD,
            "camera_https_link_timeout": 4.0,
            "camera_https_link_interval": 1.0,
        }

    def files(self) -> dict[str, str]:
        """Everything below the folder but Ansible's own files, with a checksum."""
        return {
            str(path.relative_to(self.folder)): hashlib.sha256(path.read_bytes()).hexdigest()
            for path in sorted(self.folder.rglob("*"))
            if path.is_file() and "ansible" not in path.relative_to(self.folder).parts
        }

    # -- runs ----------------------------------------------------------------------------------------------------

    def play(self, playbook: str, *arguments: str, watch: bool = False, **variables: t.Any) -> Run:
        """Run a playbook of the collection; variables that are None are left out."""
        return self._run("ansible-playbook", playbook, *arguments, watch=watch, **variables)

    def ask(self, name: str, module: str, *arguments: str, **variables: t.Any) -> Run:
        """Run a single task for a host of the inventory, as `ansible` does."""
        return self._run("ansible", name, "-m", module, *arguments, **variables)

    def _run(self, program: str, *arguments: str, watch: bool = False, **variables: t.Any) -> Run:
        given = {key: value for key, value in {**self.variables(), **variables}.items() if value is not None}
        with tempfile.TemporaryDirectory(prefix="camsec-play-") as name:
            inventory, values = pathlib.Path(name, "inventory.yml"), pathlib.Path(name, "variables.yml")
            inventory.write_text(yaml.safe_dump(self.inventory), encoding="utf-8")
            values.write_text(yaml.safe_dump(given), encoding="utf-8")
            command = [program, "-i", str(inventory), "-e", f"@{values}", *arguments]
            return run_ansible(command, self.folder, watch=watch)

    def site(self, *arguments: str, **more: t.Any) -> Run:
        return self.play("camsec.fleet.site", *arguments, **more)

    # -- judges --------------------------------------------------------------------------------------------------

    def state(self, name: str) -> dict[str, t.Any]:
        return t.cast("dict[str, t.Any]", self.simulator.control(f"/devices/{name}"))

    def states(self) -> dict[str, t.Any]:
        """What every device keeps, without what changes by itself."""
        kept = {}
        for name in self.hosts:
            state = dict(self.state(name)["state"])
            for passing in ("time", "sessions", "errors", "events", "cameras", "cameras_connected"):
                state.pop(passing, None)
            kept[name] = state
        return kept

    def links(self, recorder: str = "rec") -> dict[int, tuple[str, int]]:
        """How the recorder connects to each of its cameras, and whether it sees it (1 yes, 2 no)."""
        cameras = self.state(recorder)["state"]["cameras"]
        return {int(number): ("https" if one["https"] else "http", one["connect"]) for number, one in cameras.items()}

    def curl(self, name: str, path: str, *arguments: str, ca: pathlib.Path | None = None, plain: bool = False) -> str:
        """Ask a device as somebody without our software would."""
        host = self.hosts[name]
        scheme, port = ("http", host["camsec_http_port"]) if plain else ("https", host["camsec_https_port"])
        trust = ["--cacert", str(ca)] if ca else []
        login = f"{host['camsec_username']}:{host['camsec_password']}"
        url = f"{scheme}://{host['ansible_host']}:{port}/cgi-bin/{path}"
        command = ["curl", "-sS", "--fail-with-body", "--noproxy", "*", "-m", "20", "--digest", "-u", login]
        done = subprocess.run([*command, *trust, *arguments, url], capture_output=True, check=False)
        assert done.returncode == 0, done.stderr + done.stdout
        return done.stdout.decode(errors="replace")

    def recorder_uid(self, name: str = "rec") -> str:
        page = self.curl(name, "dlogin.cgi?UID=-1", ca=self.folder / "trust" / f"{name}.pem")
        found = re.search(r"UID=(\d+)", page)
        assert found, page
        return found.group(1)

    def recorder(self, path: str, *arguments: str, name: str = "rec") -> str:
        """One command of the recorder, with a UID of its own."""
        mark = "&" if "?" in path else "?"
        path = f"{path}{mark}UID={self.recorder_uid(name)}"
        return self.curl(name, path, *arguments, ca=self.folder / "trust" / f"{name}.pem")

    def connected(self, name: str = "rec") -> dict[int, int]:
        """CAM_CONNECT of every registered camera."""
        page = self.curl(name, "as_getinfo.cgi?FILE=2", ca=self.folder / "trust" / f"{name}.pem")
        states = {int(n): int(s) for n, s in re.findall(r"CAM_CONNECT_(\d+)CH=(\d)", page)}
        return {number: state for number, state in states.items() if state}

    def await_connected(self, expected: t.Mapping[int, int], name: str = "rec") -> None:
        end = time.monotonic() + 10
        while self.connected(name) != expected and time.monotonic() < end:
            time.sleep(0.2)
        assert self.connected(name) == expected

    def verified(self, name: str, ca: pathlib.Path) -> str:
        """What openssl says of an endpoint; it fails unless the chain and the address verify."""
        host = self.hosts[name]
        address = host["ansible_host"]
        command = ["openssl", "s_client", "-connect", f"{address}:{host['camsec_https_port']}", "-CAfile", str(ca)]
        command += ["-verify_return_error", "-verify_ip", address, "-brief"]
        done = subprocess.run(command, input="", capture_output=True, text=True, timeout=20, check=False)
        assert done.returncode == 0, done.stderr
        return done.stderr

    def asked(self, name: str) -> list[str]:
        """The calls that were made to a device, but for the recorder's own."""
        calls = self.simulator.control(f"/devices/{name}/requests")["requests"]
        return [call["path"] for call in calls if "live_stream" not in call["path"]]

    def forget_requests(self) -> None:
        for name in self.hosts:
            self.simulator.control(f"/devices/{name}/requests", "DELETE")

    def fault(self, name: str, **fault: t.Any) -> None:
        self.simulator.control(f"/devices/{name}/fault", "POST", fault)

    def mend(self, name: str) -> None:
        self.simulator.control(f"/devices/{name}/fault", "DELETE")

    def read_only(self, enabled: bool) -> int:
        """Switch the simulator's write protection; gives how many writes it has refused."""
        refused = int(self.simulator.control("/read_only")["refused"])
        self.simulator.control("/read_only", "POST", {"enabled": enabled})
        return refused


def run_ansible(command: t.Sequence[str], folder: pathlib.Path, *, watch: bool = False) -> Run:
    """Run one of ansible-core's programs with this checkout's collection."""
    environment = {
        **{key: value for key, value in os.environ.items() if not key.startswith("ANSIBLE_")},
        "PATH": os.pathsep.join([str(pathlib.Path(sys.executable).parent), os.environ.get("PATH", "")]),
        "ANSIBLE_HOME": str(folder / "ansible"),
        "ANSIBLE_LOCAL_TEMP": str(folder / "ansible" / "local"),
        "ANSIBLE_REMOTE_TEMP": str(folder / "ansible" / "remote"),
        "ANSIBLE_ASYNC_DIR": str(folder / "ansible" / "async"),
        "ANSIBLE_COLLECTIONS_PATH": os.environ.get("ANSIBLE_COLLECTIONS_PATH", str(ROOT / ".dev")),
        "ANSIBLE_CALLBACKS_ENABLED": "camsec.fleet.changes",
        "ANSIBLE_LOCALHOST_WARNING": "False",
        "ANSIBLE_NOCOLOR": "1",
        "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
    }
    if os.environ.get("CAMSEC_TEST_INSTALLED") != "1":
        environment["ANSIBLE_COLLECTIONS_PATH"] = str(ROOT / ".dev")
    with tempfile.TemporaryFile() as log:
        with subprocess.Popen(
            command, env=environment, cwd=folder, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT
        ) as process:
            try:
                seen = _watch(process, folder / "ansible") if watch else set()
                status = process.wait(120)
            finally:
                if process.poll() is None:
                    process.kill()
        log.seek(0)
        return Run(status=status, output=log.read().decode(errors="replace"), seen=frozenset(seen))


def _watch(process: subprocess.Popen[bytes], folder: pathlib.Path) -> set[str]:
    """The command lines of all processes, as anybody can read them, and the files of a folder, until this one ends."""
    seen: set[str] = set()
    end = time.monotonic() + 120
    while process.poll() is None and time.monotonic() < end:
        # os.walk minds no folder that goes away meanwhile.
        files = [pathlib.Path(above, name) for above, dummy, names in os.walk(folder) for name in names]
        for path in (*pathlib.Path("/proc").glob("[0-9]*/cmdline"), *files):
            with contextlib.suppress(OSError):
                seen.add(path.read_bytes().replace(b"\0", b" ").decode("latin-1"))
        time.sleep(0.02)
    return seen


def fleet(base: str, cameras: t.Sequence[str], *, kit: str = "WJ-NXS04WUX") -> str:
    """A fleet file: one recorder `rec` and cameras `cam1`…; each camera is a YAML flow mapping of what is its own."""
    net = base.rpartition(".")[0]
    rows = []
    for number, own in enumerate(cameras, 1):
        entry: dict[str, t.Any] = {
            "name": f"cam{number}",
            "address": f"{net}.{10 + number}",
            "http_port": 8080,
            "password": f"Cam-Admin-000{number}",
            "key_generation_seconds": 6,
            "recorder": "rec",
            "camera_number": number,
            **yaml.safe_load(own),
        }
        rows.append({key: value for key, value in entry.items() if value is not None})
    recorder = {
        "name": "rec",
        "address": f"{net}.1",
        "http_port": 8080,
        "https_port": 4443,
        "password": "Rec0rder-Admin-1",
        "main_unlock_key": MAIN_KEY,
        "kits": [{"model": kit, "key": KIT_KEY}],
        "command_interval": 0.3,
        "data_encryption_password": OLD_PASSWORD,
    }
    return yaml.safe_dump({"recorders": [recorder], "cameras": rows})


@contextlib.contextmanager
def running(
    cameras: t.Sequence[str],
    *,
    offset: int,
    kit: str = "WJ-NXS04WUX",
    others: t.Mapping[str, t.Sequence[t.Mapping[str, t.Any]]] | None = None,
) -> t.Iterator[Site]:
    """A simulator process with a fleet of its own addresses; `others` are cameras of other dialects, by their key."""
    with tempfile.TemporaryDirectory(prefix="camsec-site-") as name:
        folder = pathlib.Path(name)
        file = folder / "fleet.yml"
        data = {**yaml.safe_load(fleet(own_base_address(offset), cameras, kit=kit)), **(others or {})}
        file.write_text(yaml.safe_dump(data), encoding="utf-8")
        with spawn("--fleet", str(file), "--speed", str(SPEED), "--https-port", str(PORT)) as simulator:
            inventory = yaml.safe_load(simulator.inventory.read_text(encoding="utf-8"))
            all_cameras = inventory["all"]["children"]["camsec_cameras"]
            for group in all_cameras.pop("children", {}).values():
                # All of them in one place, where Site finds them.
                all_cameras["hosts"] |= {host: {**group["vars"], **own} for host, own in group["hosts"].items()}
            yield Site(simulator=simulator, folder=folder, inventory=inventory)


@pytest.fixture(scope="session")
def _fleet_of_four() -> t.Iterator[Site]:
    with running(["{}"] * 4, offset=4) as site:
        yield site


@pytest.fixture
def fresh(_fleet_of_four: Site, tmp_path: pathlib.Path) -> Site:
    """One recorder and four cameras as from the factory, and nothing on the controller."""
    four = _fleet_of_four
    for name in four.hosts:
        four.mend(name)
    four.read_only(False)
    four.simulator.control("/devices/rec/set", "POST", {"clock_offset": 0.0})
    four.simulator.control("/reset", "POST")
    four.forget_requests()
    text = four.simulator.inventory.read_text(encoding="utf-8")
    return Site(simulator=four.simulator, folder=tmp_path, inventory=yaml.safe_load(text))
