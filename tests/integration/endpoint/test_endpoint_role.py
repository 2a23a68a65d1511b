# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The role `ftpes_endpoint`: everything but systemd, with a program that is there and then serves it."""

from __future__ import annotations

import hashlib
import json
import os
import pathlib
import re
import shutil
import ssl
import subprocess
import sys
import time
import typing as t

import pytest
import yaml
from ansible_collections.camsec.fleet.extensions.endpoint.testing import RunningEndpoint

ROOT = pathlib.Path(__file__).resolve().parents[3]
PASSWORD = "Seven%words1"


@pytest.fixture
def playbook(tmp_path: pathlib.Path) -> t.Callable[..., subprocess.CompletedProcess[str]]:
    program = tmp_path / "camsec-ftpes-server"
    environment = RunningEndpoint.environment()
    command = " ".join(RunningEndpoint.command())
    program.write_text(f'#!/bin/sh\nPYTHONPATH="{environment["PYTHONPATH"]}" exec {command} "$@"\n')
    program.chmod(0o755)
    variables = {
        "ansible_python_interpreter": sys.executable,
        "ansible_host": "127.65.0.9",
        "camsec_authority_directory": str(tmp_path / "ca"),
        "camsec_authority_passphrase": "open-sesame-for-tests",
        "ftpes_endpoint_install": "none",
        "ftpes_endpoint_program": str(program),
        "ftpes_endpoint_manage_user": False,
        "ftpes_endpoint_user": "root",
        "ftpes_endpoint_configuration_directory": str(tmp_path / "etc"),
        "ftpes_endpoint_root": str(tmp_path / "srv"),
        "ftpes_endpoint_log_directory": str(tmp_path / "log"),
        "ftpes_endpoint_address": "127.65.0.9",
        "ftpes_endpoint_port": 20021,
        "ftpes_endpoint_passive_ports": "20100-20149",
        "ftpes_endpoint_service_manager": "none",
        "ftpes_endpoint_options": {"ready_file": str(tmp_path / "ready"), "durable": False, "reload_seconds": 0.2},
        "ftpes_endpoint_users": [{"name": "burano-a", "password": PASSWORD}],
    }
    (tmp_path / "ca").mkdir(mode=0o700)
    roles = ("certificate_authority", "ftpes_endpoint")
    tasks = [{"name": f"Role {one}", "ansible.builtin.import_role": {"name": f"camsec.fleet.{one}"}} for one in roles]
    book = tmp_path / "play.yml"
    book.write_text(json.dumps([{"name": "Endpoint", "hosts": "localhost", "gather_facts": False, "tasks": tasks}]))

    def play(*arguments: str, **changes: t.Any) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [
                str(pathlib.Path(sys.executable).parent / "ansible-playbook"), "-i", "localhost,", "-c", "local",
                "-e", json.dumps(variables | changes), *arguments, str(book),
            ],
            capture_output=True, text=True, timeout=240, check=False,
            env={**os.environ, "ANSIBLE_NOCOLOR": "1", "ANSIBLE_HOME": str(tmp_path / "ansible")},
        )  # fmt: skip

    return play


def changed(done: subprocess.CompletedProcess[str]) -> int:
    assert done.returncode == 0, done.stdout + done.stderr
    match = re.search(r"changed=(\d+)", done.stdout)
    assert match is not None
    return int(match[1])


@pytest.mark.root
@pytest.mark.skipif(os.geteuid() != 0, reason="the role gives files to the service's account")
def test_the_role_and_what_it_makes(
    playbook: t.Callable[..., subprocess.CompletedProcess[str]], tmp_path: pathlib.Path
) -> None:
    first = playbook("-vvv", "--diff")
    assert changed(first) > 0
    assert PASSWORD not in first.stdout + first.stderr
    assert "PRIVATE KEY" not in first.stdout + first.stderr
    assert changed(playbook()) == 0
    etc = tmp_path / "etc"
    modes = {path.name: path.stat().st_mode & 0o777 for path in etc.iterdir()}
    assert modes == {
        "endpoint.yml": 0o640, "users.yml": 0o600, "rsa.pem": 0o644, "rsa.key": 0o600, "ecdsa.pem": 0o644,
        "ecdsa.key": 0o600,
    }  # fmt: skip
    program = str(tmp_path / "camsec-ftpes-server")
    with (tmp_path / "stderr").open("wb") as log:
        process = subprocess.Popen([program, "serve", "--config", str(etc / "endpoint.yml")], stderr=log)
    try:
        end = time.monotonic() + 30
        while not (tmp_path / "ready").exists():
            assert process.poll() is None, (tmp_path / "stderr").read_text()
            assert time.monotonic() < end
            time.sleep(0.05)
        _use(tmp_path)
        # Now that it runs, the role's own look at it passes too, and another password is one change.
        again = playbook("--diff", ftpes_endpoint_verify=True, ftpes_endpoint_users=[
            {"name": "burano-a", "password": "Eight%words2"},
        ])  # fmt: skip
        assert changed(again) == 1
        assert "Eight" not in again.stdout
        assert "recommended" in again.stdout
    finally:
        process.terminate()
        process.wait(20)


def _use(tmp_path: pathlib.Path) -> None:
    """Curl verifies the certificate by the authority's root and the host's address."""
    (tmp_path / "clip").write_bytes(b"clip")
    done = subprocess.run(
        [
            "curl", "-sS", "--ssl-reqd", "--cacert", str(tmp_path / "ca" / "trusted.pem"),
            "-u", f"burano-a:{PASSWORD}", "-T", str(tmp_path / "clip"), "ftp://127.65.0.9:20021/a.mxf",
        ],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    sent = tmp_path / "srv" / "burano-a" / "a.mxf"
    assert hashlib.sha256(sent.read_bytes()).hexdigest() == hashlib.sha256(b"clip").hexdigest()
    context = ssl.create_default_context(cafile=str(tmp_path / "ca" / "trusted.pem"))
    assert context.get_ca_certs()


def test_defaults_and_specification_name_the_same(tmp_path: pathlib.Path) -> None:
    role = ROOT / "roles" / "ftpes_endpoint"
    defaults = yaml.safe_load((role / "defaults" / "main.yml").read_text())
    options = yaml.safe_load((role / "meta" / "argument_specs.yml").read_text())["argument_specs"]["main"]["options"]
    assert set(options) == set(defaults) | {"ftpes_endpoint_users"}
    guide = (role / "README.md").read_text()
    assert [name for name in options if f"| `{name}` |" not in guide] == []
    assert tmp_path.exists()


def test_the_unit_is_one(tmp_path: pathlib.Path) -> None:
    """Rendered with the role's defaults and judged by systemd's own program."""
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd-analyze is not installed")
    text = (ROOT / "roles" / "ftpes_endpoint" / "templates" / "endpoint.service.j2").read_text()
    book = tmp_path / "render.yml"
    unit = tmp_path / "camsec-ftpes.service"
    role = ROOT / "roles" / "ftpes_endpoint"
    book.write_text(json.dumps([{
        "name": "Render", "hosts": "localhost", "gather_facts": False,
        "vars_files": [str(role / "defaults" / "main.yml"), str(role / "vars" / "main.yml")],
        "tasks": [{"name": "Unit", "ansible.builtin.template": {
            "src": str(role / "templates" / "endpoint.service.j2"), "dest": str(unit), "mode": "0644",
        }}],
    }]))  # fmt: skip
    variables = {
        "ansible_python_interpreter": sys.executable,
        "ftpes_endpoint_program": "/bin/true",
        "ftpes_endpoint_user": "root",
    }
    done = subprocess.run(
        [
            str(pathlib.Path(sys.executable).parent / "ansible-playbook"), "-i", "localhost,", "-c", "local",
            "-e", json.dumps(variables), str(book),
        ],
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout
    assert "CAP_NET_BIND_SERVICE" in unit.read_text()
    judged = subprocess.run(
        ["systemd-analyze", "verify", str(unit)], capture_output=True, text=True, timeout=60, check=False
    )
    complaints = [line for line in judged.stderr.splitlines() if unit.name in line and "man " not in line]
    assert complaints == []
    assert "ProtectSystem=strict" in text
