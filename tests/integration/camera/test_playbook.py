# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Real runs of ansible-playbook: every module, in the worker and as an ordinary one, ten at once, no secret shown."""

from __future__ import annotations

import json
import os
import pathlib
import re
import subprocess
import sys
import typing as t

import pytest
import yaml
from ansible_collections.camsec.fleet.plugins.module_utils._pki._authority import CertificateAuthority

from .conftest import HTTP, HTTPS, PASSPHRASE, PASSWORD, Rig

ROOT = pathlib.Path(__file__).resolve().parents[3]
Task = dict[str, t.Any]
DEFAULTS = {
    "host": "{{ address }}", "username": "admin", "password": "{{ camera_password }}", "http_port": HTTP,
    "https_port": HTTPS, "first_contact": "plain_http", "timeout": 5,
}  # fmt: skip


# An asynchronous task leaves the worker: the module is shipped and runs as an ordinary one.
SHIPPED: Task = {"async": 60, "poll": 1}


def task(module: str, **options: t.Any) -> Task:
    keywords = {name[1:]: options.pop(name) for name in list(options) if name.startswith("_")}
    return {"name": f"{module} {' '.join(keywords)}", f"camsec.fleet.{module}": options, **keywords}


@pytest.fixture
def play(tmp_path: pathlib.Path) -> t.Callable[..., subprocess.CompletedProcess[str]]:
    def run(rigs: list[Rig], tasks: list[Task], *arguments: str, **environment: str) -> t.Any:
        hosts = {rig.spec.name: {"address": rig.host} for rig in rigs}
        common = {
            "ansible_connection": "local",
            "ansible_python_interpreter": sys.executable,
            # Else the wrapper and the status module disagree where HOME is not the user's own.
            "ansible_async_dir": str(tmp_path / "async"),
            "camera_password": PASSWORD,
            "authority_passphrase": PASSPHRASE,
        }
        (tmp_path / "inventory.yml").write_text(yaml.safe_dump({"all": {"hosts": hosts, "vars": common}}))
        playbook = [
            {
                "hosts": "all",
                "gather_facts": False,
                "module_defaults": {"group/camsec.fleet.device": DEFAULTS},
                "tasks": tasks,
            }
        ]
        (tmp_path / "play.yml").write_text(yaml.safe_dump(playbook, sort_keys=False))
        variables = {
            **os.environ,
            "ANSIBLE_COLLECTIONS_PATH": str(ROOT / ".dev"),
            "ANSIBLE_LOCAL_TEMP": str(tmp_path / "local"),
            "ANSIBLE_REMOTE_TEMP": str(tmp_path / "remote"),
            "ANSIBLE_HOME": str(tmp_path / "home"),
            "ANSIBLE_NOCOLOR": "1",
            "ANSIBLE_RETRY_FILES_ENABLED": "0",
            **environment,
        }
        program = pathlib.Path(sys.executable).parent / "ansible-playbook"
        command = [str(program), "-i", str(tmp_path / "inventory.yml"), str(tmp_path / "play.yml"), *arguments]
        done = subprocess.run(command, capture_output=True, text=True, timeout=110, check=False, env=variables)
        whole = done.stdout + done.stderr
        assert PASSWORD not in whole
        assert PASSPHRASE not in whole
        assert "Traceback" not in whole, whole
        return done

    return run


def test_every_module_in_one_playbook(
    rig: Rig, play: t.Callable[..., t.Any], ours: Task, authority: CertificateAuthority, tmp_path: pathlib.Path
) -> None:
    own = {"authority_directory": ours["authority_directory"], "authority_passphrase": "{{ authority_passphrase }}"}
    tasks = [
        task("camera_private_key"),
        task("camera_certificate_request", organization="Example", _register="request"),
        task("camera_self_signed_certificate"),
        task("camera_self_signed_certificate", state="absent"),
        task("camera", **own, _register="whole"),
        task("camera", **own, _check_mode=True, _diff=True),
        task("camera_info", ca_path=authority.trusted_path, first_contact="refuse", _register="info"),
        {
            **task("camera_info", ca_path=authority.trusted_path, first_contact="refuse", _register="ordinary"),
            **SHIPPED,
        },
        task("camera_https", connection="http", ca_path=authority.trusted_path, first_contact="refuse"),
        {
            "name": "The certificate of a camera",
            "camsec.fleet.camera_certificate": {"state": "absent"},
            "check_mode": True,
        },
        task("camera_certificate", state="absent"),
        {
            "name": "Results",
            "ansible.builtin.copy": {
                "content": "{{ {'info': info, 'ordinary': ordinary, 'whole': whole} | to_json }}",
                "dest": str(tmp_path / "results.json"),
                "mode": "0600",
            },
        },
    ]
    done = play([rig], tasks, "-vvv", "--diff")
    assert done.returncode == 0, done.stdout
    counts = re.search(r"ok=(\d+)\s+changed=(\d+)\s+unreachable=0\s+failed=0", done.stdout)
    assert counts is not None
    assert int(counts[1]) == len(tasks)
    results = json.loads((tmp_path / "results.json").read_text())
    inside, ordinary = results["info"]["camera"], results["ordinary"]["camera"]
    passing = {"time": "", "clock_offset": 0}
    assert {**inside, **passing} == {**ordinary, **passing}
    assert "AnsiballZ_camera_info.py" in done.stdout
    assert "AnsiballZ_camera_https.py" not in done.stdout
    assert results["ordinary"]["certificate"] == results["whole"]["certificate"]
    assert rig.answers_http()


def test_bad_input_is_one_failed_task_each(rig: Rig, play: t.Callable[..., t.Any], ours: Task) -> None:
    wrong: list[tuple[Task, str]] = [
        (task("camera_https", https_prot=443), "unsupported option https_prot"),
        (task("camera_https", https_port=0), "found 0, expected a port"),
        (task("camera_https", https_port=70000), "found 70000, expected a port"),
        (task("camera_https", https_port="443x"), "443x"),
        (task("camera_https", https_port=554), r"\[HTTPS-31\]"),
        (task("camera_https", https_port=HTTP), "the camera's own HTTP port"),
        (
            task(
                "camera",
                authority_directory=ours["authority_directory"],
                authority_passphrase="{{ authority_passphrase }}x",
            ),
            "wrong passphrase",
        ),
        (
            task("camera", authority_directory="/nowhere", authority_passphrase="{{ authority_passphrase }}"),
            "no complete authority",
        ),
        (task("camera_certificate", certificate_content="hello"), "no PEM block"),
        (task("camera_info", password="{{ camera_password }}-wrong"), "the account was refused"),
        ({**task("camera_https", https_port=995), **SHIPPED}, r"found 995.*\[HTTPS-31\]"),
    ]
    done = play([rig], [{**one, "ignore_errors": True} for one, dummy in wrong], "-vvv")
    assert done.returncode == 0, done.stdout
    assert f"ignored={len(wrong)}" in done.stdout
    messages = re.findall(r'"msg": "(.*)"', done.stdout)
    for dummy, words in wrong:
        assert any(re.search(words, message) and rig_or_file(rig, message) for message in messages), words
    assert rig.log()["counts"]["writes"] == 0


def rig_or_file(rig: Rig, message: str) -> bool:
    return message.startswith((f"{rig.host}: ", "/"))


def test_ten_workers_at_once_each_get_their_own_certificate(
    new_rig: t.Callable[[], Rig], play: t.Callable[..., t.Any], ours: Task, authority: CertificateAuthority
) -> None:
    rigs = [new_rig() for dummy in range(20)]
    own = {"authority_directory": ours["authority_directory"], "authority_passphrase": "{{ authority_passphrase }}"}
    done = play(rigs, [task("camera", **own), task("camera", **own, first_contact="refuse")], "--forks", "10")
    assert done.returncode == 0, done.stdout
    assert done.stdout.count("changed=1") == len(rigs)
    # Ansible shows equal warnings once: a fleet does not get one for each camera.
    assert (done.stdout + done.stderr).count("Settings were changed over plain HTTP") == 1
    serials = {rig.field("serial") for rig in rigs}
    assert len(serials) == len(rigs)
    assert all(rig.verified(authority.trusted_path) for rig in rigs)


@pytest.mark.parametrize("library", ["requests", "cryptography"])
def test_a_missing_library_is_one_sentence(
    rig: Rig, play: t.Callable[..., t.Any], tmp_path: pathlib.Path, library: str
) -> None:
    (tmp_path / "without").mkdir()
    (tmp_path / "without" / f"{library}.py").write_text(f"raise ImportError('no {library}')\n")
    tasks = [task("camera_https", spki_sha256=["0" * 64]), {**task("camera_info"), **SHIPPED}]
    rig.good("camera_private_key")
    rig.good("camera_self_signed_certificate")
    rig.good("camera_https", first_contact="any_certificate")
    done = play([rig], [{**one, "ignore_errors": True} for one in tasks], PYTHONPATH=str(tmp_path / "without"))
    sentence = f"Python library {library}: found not installed, expected installed for the Python that runs this task"
    assert done.stdout.count(sentence) >= 1, done.stdout + done.stderr
