# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Inventories as a user has them: ansible-inventory and playbooks, a simulator process, responders on loopback."""

from __future__ import annotations

import dataclasses as dc
import json
import os
import pathlib
import subprocess
import sys
import typing as t

import pytest
import yaml
from ansible_collections.camsec.fleet.extensions.simulator.testing import Spawned, own_base_address, spawn
from ansible_collections.camsec.fleet.plugins.module_utils._module import run_in_worker
from ansible_collections.camsec.fleet.plugins.modules.recorder import SPEC

ROOT = pathlib.Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT / "tests" / "support"))

_FIRST, _SECOND, _THIRD, _LAST = own_base_address(2).split(".")
#: Of the block of nets that an offset stands for, one that no other test has.
NET = f"{_FIRST}.{_SECOND}.{int(_THIRD) + 1}"
HTTP, HTTPS = 8080, 4443
MAIN_KEY = "11112222333344445555"
KIT_KEY = "20000000000000000004"
PASSWORDS = {name: f"Rec0rder-secret-{name}" for name in ("rec1", "rec2", "bare")}
CAMERA_PASSWORD = "Cam-secret-1"
VAULT_PASSWORD = "Vault-secret-1"
ADDRESSES = {"rec1": f"{NET}.1", "rec2": f"{NET}.2", "bare": f"{NET}.3"}
#: By inventory name: recorder, number, and what is its own.
CAMERAS: dict[str, tuple[str, int, dict[str, t.Any]]] = {
    f"{NET}.11": ("rec1", 1, {}),
    f"{NET}.12": ("rec1", 2, {}),
    f"{NET}.13": ("rec1", 3, {"model": "WV-OLD", "tls": False}),
    f"{NET}.21": ("rec2", 1, {}),
    f"{NET}.31": ("bare", 1, {}),
}


def fleet() -> str:
    recorders = [
        {
            "name": name,
            "address": address,
            "http_port": HTTP,
            "https_port": HTTPS,
            "password": PASSWORDS[name],
            "main_unlock_key": MAIN_KEY,
            "kits": [{"model": "WJ-NXS04WUX", "key": KIT_KEY}],
            "command_interval": 0.0,
        }
        for name, address in ADDRESSES.items()
    ]
    cameras = [
        {
            "name": f"cam-{address}",
            "address": address,
            "http_port": HTTP,
            "https_port": 8443,
            "password": CAMERA_PASSWORD,
            "recorder": recorder,
            "camera_number": number,
            **own,
        }
        for address, (recorder, number, own) in CAMERAS.items()
    ]
    return yaml.safe_dump({"recorders": recorders, "cameras": cameras})


@dc.dataclass(frozen=True, kw_only=True)
class Run:
    """One run of one of Ansible's programs."""

    status: int
    stdout: str
    stderr: str

    @property
    def text(self) -> str:
        """All output on one line, so that a sentence can be found however it is folded."""
        return " ".join((self.stdout + self.stderr).split())

    @property
    def inventory(self) -> dict[str, t.Any]:
        return t.cast("dict[str, t.Any]", json.loads(self.stdout))

    @property
    def hosts(self) -> dict[str, dict[str, t.Any]]:
        """The hosts' variables; what Ansible marks as no template is shown as it is."""
        return {name: _bare(values) for name, values in self.inventory["_meta"]["hostvars"].items()}

    def group(self, name: str) -> set[str]:
        return set(self.inventory.get(name, {}).get("hosts", ()))


def _bare(value: t.Any) -> t.Any:
    if isinstance(value, dict):
        if set(value) == {"__ansible_unsafe"}:
            return value["__ansible_unsafe"]
        return {name: _bare(one) for name, one in value.items()}
    return [_bare(one) for one in value] if isinstance(value, list) else value


@dc.dataclass(frozen=True, kw_only=True)
class Folder:
    """A folder with inventory files, and runs in it."""

    path: pathlib.Path

    def write(self, name: str, content: object) -> str:
        path = self.path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content if isinstance(content, str) else yaml.safe_dump(content), encoding="utf-8")
        return str(path)

    def run(self, program: str, *arguments: str, **environment: str) -> Run:
        """Run one of ansible-core's programs with this checkout's collection."""
        collections = str(ROOT / ".dev")
        if os.environ.get("CAMSEC_TEST_INSTALLED") == "1":
            collections = os.environ.get("ANSIBLE_COLLECTIONS_PATH", collections)
        variables = {
            **{key: value for key, value in os.environ.items() if not key.startswith(("ANSIBLE_", "CAMSEC_REC"))},
            "PATH": os.pathsep.join([str(pathlib.Path(sys.executable).parent), os.environ.get("PATH", "")]),
            "ANSIBLE_HOME": str(self.path / "ansible"),
            "ANSIBLE_COLLECTIONS_PATH": collections,
            "ANSIBLE_LOCALHOST_WARNING": "False",
            "ANSIBLE_NOCOLOR": "1",
            "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
            **environment,
        }
        done = subprocess.run(
            [program, *arguments],
            env=variables,
            cwd=self.path,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        return Run(status=done.returncode, stdout=done.stdout, stderr=done.stderr)

    def list(self, source: str, *arguments: str, **environment: str) -> Run:
        """`ansible-inventory --list`; an inventory that cannot be read is an error."""
        environment = {"ANSIBLE_INVENTORY_ANY_UNPARSED_IS_FAILED": "1", **environment}
        return self.run("ansible-inventory", "-i", source, "--list", *arguments, **environment)


@dc.dataclass(frozen=True, kw_only=True)
class Site(Folder):
    """A folder beside simulated recorders."""

    simulator: Spawned

    def config(self, *recorders: str, **more: t.Any) -> dict[str, t.Any]:
        """Options; a value that is None takes an option out."""
        entries = [{"name": name, "host": ADDRESSES[name], "password": PASSWORDS[name]} for name in recorders]
        options = {
            "plugin": "camsec.fleet.recorder",
            "username": "ADMIN",
            "http_port": HTTP,
            "https_port": HTTPS,
            "first_contact": "plain_http",
            "command_interval": 0,
            "recorders": entries,
            **more,
        }
        return {name: value for name, value in options.items() if value is not None}

    def inventory(self, *recorders: str, **more: t.Any) -> str:
        return self.write("site.camsec_recorder.yml", self.config(*recorders, **more))

    def asked(self, recorder: str) -> list[str]:
        """What was asked of a recorder since the test began: method, path and status."""
        requests = self.simulator.control(f"/devices/{recorder}/requests")["requests"]
        own = [one for one in requests if one["by"] == "client"]
        return [f"{one['method']} {one['path'].partition('?')[0]} {one['status']}" for one in own]

    def forget(self) -> None:
        for name in ADDRESSES:
            self.simulator.control(f"/devices/{name}/requests", "DELETE")

    def sessions(self, recorder: str) -> t.Any:
        return self.simulator.control(f"/devices/{recorder}")["state"]["sessions"]


@pytest.fixture(scope="module")
def simulator(tmp_path_factory: pytest.TempPathFactory) -> t.Iterator[Spawned]:
    """Recorders of which two have a kit; camera 2 of rec1 is registered with HTTPS, which it has not."""
    folder = tmp_path_factory.mktemp("fleet")
    file = folder / "fleet.yml"
    file.write_text(fleet(), encoding="utf-8")
    with spawn("--fleet", str(file), "--speed", "20") as running:
        for name in ("rec1", "rec2"):
            _set_up(
                name,
                folder,
                cameras=[{"number": 1, "encrypt": True}, {"number": 2, "connection": "https", "port": 8443}]
                if name == "rec1"
                else [],
            )
        yield running


def _set_up(name: str, folder: pathlib.Path, cameras: list[dict[str, t.Any]]) -> None:
    options: dict[str, t.Any] = {
        "host": ADDRESSES[name],
        "http_port": HTTP,
        "https_port": HTTPS,
        "username": "ADMIN",
        "password": PASSWORDS[name],
        "first_contact": "plain_http",
        "command_interval": 0.0,
        "root_certificate_path": str(folder / f"{name}.pem"),
        "main_unlock_key": MAIN_KEY,
        "kit_unlock_keys": [KIT_KEY],
        "on_unseen": "report",
        "link_timeout": 1.0,
        "cameras": cameras,
        "data_encryption_password": "Pic-secret-1" if cameras else None,
        "escrow_path": str(folder / f"{name}.vault"),
        "escrow_password": VAULT_PASSWORD,
    }
    result = run_in_worker(SPEC, options, check_mode=False)
    assert "failed" not in result, result["msg"]


@pytest.fixture
def site(simulator: Spawned, tmp_path: pathlib.Path) -> t.Iterator[Site]:
    """In a simulator that refuses writes: an inventory that writes fails."""
    refused = simulator.control("/read_only")["refused"]
    simulator.control("/read_only", "POST", {"enabled": True})
    site = Site(path=tmp_path, simulator=simulator)
    site.forget()
    yield site
    assert simulator.control("/read_only")["refused"] == refused
    simulator.control("/read_only", "POST", {"enabled": False})


@pytest.fixture
def folder(tmp_path: pathlib.Path) -> Folder:
    return Folder(path=tmp_path)
