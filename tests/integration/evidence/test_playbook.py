# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module, the role and the playbook as a user runs them: check mode, diff, again, and in the background."""

from __future__ import annotations

import json
import os
import pathlib
import re
import typing as t

import bagit
import pytest
import yaml

from .conftest import PHRASE, ROOT, Desk, playbook

ServerOf = t.Callable[..., t.Any]


def options(desk: Desk, server: t.Any, directory: str, **more: t.Any) -> dict[str, t.Any]:
    base = f"{server.base}/" if server.base else ""
    return {
        "path": [str(desk.source)],
        "remote_directory": f"{base}{directory}",
        "state_directory": str(desk.state),
        "host": server.host,
        "port": server.port,
        "username": server.user,
        "password": server.password,
        "ca_path": str(desk.site.root),
        **more,
    }


def task(name: str, arguments: dict[str, t.Any], **more: t.Any) -> dict[str, t.Any]:
    return {"name": name, "camsec.fleet.evidence_upload": arguments, **more}


def told(printed: str, name: str) -> dict[str, t.Any]:
    """The result of a task."""
    _before, _mark, after = printed.partition(f"TASK [{name}]")
    match = re.search(r"(?:ok|changed|fatal): \[localhost\](?:: FAILED!)? => ", after)
    assert match is not None, printed
    value: dict[str, t.Any] = json.JSONDecoder().raw_decode(after[match.end() :])[0]
    return value


def test_secrets_of_the_role_go_through_a_pipe() -> None:
    """Without pipelining Ansible writes the module with its options to a file first."""
    tasks = yaml.safe_load((ROOT / "roles/evidence_upload/tasks/main.yml").read_text())
    secret = [one for one in tasks if re.search("_password|_passphrase", json.dumps(one))]
    assert len(secret) == 2
    assert all(one["vars"]["ansible_pipelining"] is True for one in secret)


def test_the_module_in_its_cycle(desk: Desk, server_of: ServerOf, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANSIBLE_CALLBACK_RESULT_FORMAT", "json")
    server = server_of("proftpd")
    directory = f"module-{os.urandom(3).hex()}"
    for number in range(3):
        (desk.source / f"clip{number}.mxf").write_bytes(os.urandom(1000))
    arguments = options(desk, server, directory, bag_info={"Source-Organization": "Example Police"})
    status, printed = playbook(desk.home, [{
        "hosts": "localhost", "gather_facts": False, "connection": "local",
        "tasks": [
            task("plan", arguments, check_mode=True, diff=True),
            task("plan again", arguments, check_mode=True),
            task("send", arguments, diff=True),
            task("send again", arguments),
            task("plan after", arguments, check_mode=True),
        ],
    }], "-i", "localhost,")  # fmt: skip
    assert status == 0, printed
    assert server.password not in printed
    results = {name: told(printed, name) for name in ("plan", "plan again", "send", "send again", "plan after")}
    assert [one["changed"] for one in results.values()] == [True, True, True, False, False]
    assert [one["sent"] for one in results.values()] == [3, 3, 3, 0, 0]
    assert [one["sealed"] for one in results.values()] == [False, False, True, True, True]
    assert results["plan"]["after"] == results["send"]["after"] == results["plan after"]["before"]
    assert results["plan"]["before"] == results["send"]["before"] == {"remote_paths": [], "sealed": False}
    (first, *_rest) = results["send"]["file"]
    assert (first["state"], first["proof"], first["control"]["deprecated"]) == ("done", "hash:SHA-256", False)
    place = server.home / directory
    bag = bagit.Bag(str(place))
    bag.validate()
    assert bag.info["Source-Organization"] == "Example Police"
    assert desk.verify(place).status == 0
    assert desk.verify(desk.state).status == 0


def test_what_the_module_says_when_it_fails(desk: Desk, server_of: ServerOf, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANSIBLE_CALLBACK_RESULT_FORMAT", "json")
    server = server_of("vsftpd")
    (desk.source / "clip.mxf").write_bytes(b"x")
    arguments = options(desk, server, f"fails-{os.urandom(3).hex()}", attempts=1)
    failing = {
        "no such file": {"path": ["/nowhere/clip.mxf"]},
        "wrong password": {"password": "not-this-one"},
        "bad name": {"remote_directory": "case/../../etc"},
        "no policy": {"policy": "custom", "suite": ["TLS_NULL"]},
        "no signer": {"signer_key_path": "/nowhere/key.pem"},
    }
    status, printed = playbook(desk.home, [{
        "hosts": "localhost", "gather_facts": False, "connection": "local",
        "tasks": [task(name, {**arguments, **change}, ignore_errors=True) for name, change in failing.items()],
    }], "-i", "localhost,")  # fmt: skip
    assert status == 0
    assert server.password not in printed
    assert "not-this-one" not in printed
    for name, words in {
        "no such file": "/nowhere/clip.mxf: file: found no such file",
        "wrong password": "530",
        "bad name": "the part '..'",
        "no policy": "TLS_NULL",
        "no signer": "/nowhere/key.pem: signer of receipts",
    }.items():
        result = told(printed, name)
        assert result["error"]["kind"].endswith("Error")
        assert words in result["msg"], (name, result["msg"])
        assert "\n" not in result["msg"]


def test_in_the_background(desk: Desk, server_of: ServerOf, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANSIBLE_CALLBACK_RESULT_FORMAT", "json")
    server = server_of("vsftpd")
    (desk.source / "clip.mxf").write_bytes(b"x")
    arguments = options(desk, server, f"async-{os.urandom(3).hex()}")
    status, printed = playbook(desk.home, [{
        "hosts": "localhost", "gather_facts": False, "connection": "local",
        "tasks": [{**task("send", arguments), "async": 60, "poll": 1}],
    }], "-i", "localhost,")  # fmt: skip
    assert status == 0, printed
    assert '"sealed": true' in printed


def test_the_role_and_the_playbook(desk: Desk, server_of: ServerOf) -> None:
    server = server_of("vsftpd")
    directory = f"role-{os.urandom(3).hex()}"
    (desk.source / "clip.mxf").write_bytes(b"evidence")
    state = desk.home / "role-state"
    inventory = desk.home / "inventory.yml"
    base = f"{server.base}/" if server.base else ""
    inventory.write_text(yaml.safe_dump({"camsec_evidence_sources": {
        "hosts": {"station1.example": {"ansible_connection": "local"}},
        "vars": {
            "camsec_authority_directory": str(desk.site.home / "ca"),
            "camsec_authority_passphrase": PHRASE,
            "camsec_evidence_path": [str(desk.source)],
            "camsec_evidence_remote_directory": f"{base}{directory}",
            "camsec_evidence_state_directory": str(state),
            "camsec_evidence_host": server.host,
            "camsec_evidence_port": server.port,
            "camsec_evidence_username": server.user,
            "camsec_evidence_password": server.password,
            "camsec_evidence_ca_path": str(desk.site.root),
        },
    }}))  # fmt: skip
    book = ROOT / "playbooks" / "evidence_upload.yml"
    for more, changed in (("--check", True), ("--diff", True), ("--diff", False)):
        status, printed = playbook(desk.home, None, "-i", str(inventory), more, book=book)
        assert status == 0, printed
        assert PHRASE not in printed
        assert server.password not in printed
        assert "PRIVATE KEY" not in printed
        recap = re.search(r"changed=(\d+)", printed.rpartition("PLAY RECAP")[2])
        assert recap is not None
        assert (int(recap[1]) > 0) is changed, printed
    bagit.Bag(str(server.home / directory)).validate()
    assert desk.verify(server.home / directory).status == 0
    assert pathlib.Path(state / "signer.key").stat().st_mode & 0o777 == 0o600
