# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A real ansible-playbook run, as talkative as it gets: no secret and no traceback in its output."""

from __future__ import annotations

import os
import pathlib
import subprocess
import sys

import yaml

from .conftest import KITS, MAIN_KEY, RECORDER_PASSWORD, Lab

PICTURES = "Pic-secret-1"
VAULT = "vault-secret-1"
BAD_PICTURES = "Pic-secret-far-too-long"
WRONG_LOGIN = "wrong-secret-1"
SECRETS = (RECORDER_PASSWORD, MAIN_KEY, *KITS.values(), PICTURES, BAD_PICTURES, VAULT, WRONG_LOGIN)


def playbook(lab: Lab) -> list[dict[str, object]]:
    def task(name: str, module: str, *, fails: bool = False, **options: object) -> dict[str, object]:
        more: dict[str, object] = {"ignore_errors": True} if fails else {}
        return {"name": name, f"camsec.fleet.{module}": options, **more}

    escrow = {"escrow_path": str(lab.folder / "rec.vault"), "escrow_password": "{{ vault }}"}
    whole = {
        **escrow,
        "root_certificate_path": str(lab.folder / "root.pem"),
        "main_unlock_key": "{{ main_key }}",
        "kit_unlock_keys": "{{ kit_keys }}",
        "data_encryption_password": "{{ pictures }}",
        "cameras": [{"number": 1, "encrypt": True, "send": True}],
        "connection": "https_only",
    }
    return [
        {
            "hosts": "all",
            "gather_facts": False,
            "vars_files": [str(lab.folder / "secrets.yml")],
            "module_defaults": {
                "group/camsec.fleet.device": {
                    "host": lab.address,
                    "http_port": 8080,
                    "https_port": 4443,
                    "username": "ADMIN",
                    "password": "{{ password }}",
                    "first_contact": "plain_http",
                    "timeout": 5,
                }
            },
            "tasks": [
                task("wrong login", "recorder_info", fails=True, command_interval=0, password="{{ wrong }}"),
                task("forbidden port", "recorder_https", fails=True, command_interval=0, https_port=20),
                task(
                    "wrong key", "recorder_license", fails=True, command_interval=0, main_unlock_key="{{ kit_keys[0] }}"
                ),
                task(
                    "bad password",
                    "recorder_data_encryption",
                    fails=True,
                    command_interval=0,
                    data_encryption_password="{{ bad_pictures }}",
                    **escrow,
                ),
                task("whole", "recorder", command_interval=0, **whole),
                task("whole again", "recorder", command_interval=0, **whole),
            ],
        }
    ]


def test_verbose_run_shows_no_secret(lab: Lab) -> None:
    secrets = {
        "password": RECORDER_PASSWORD,
        "main_key": MAIN_KEY,
        "kit_keys": list(KITS.values()),
        "pictures": PICTURES,
        "bad_pictures": BAD_PICTURES,
        "vault": VAULT,
        "wrong": WRONG_LOGIN,
    }
    (lab.folder / "secrets.yml").write_text(yaml.safe_dump(secrets))
    (lab.folder / "play.yml").write_text(yaml.safe_dump(playbook(lab), sort_keys=False))
    (lab.folder / "inventory.yml").write_text("all: {hosts: {rec: {ansible_connection: local}}}\n")
    program = pathlib.Path(sys.executable).with_name("ansible-playbook")
    done = subprocess.run(
        [program, "-vvv", "--diff", "-i", lab.folder / "inventory.yml", lab.folder / "play.yml"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        cwd=lab.folder,
        env={**os.environ, "ANSIBLE_COLLECTIONS_PATH": os.pathsep.join(filter(None, sys.path)), "ANSIBLE_NOCOLOR": "1"},
    )
    output = done.stdout + done.stderr
    assert done.returncode == 0, output
    assert [secret for secret in SECRETS if secret in output] == []
    assert "Traceback" not in output
    for sentence in ("the account was refused", "[REC-12]", "REC-04", "[REC-30]", "2000************0001"):
        assert sentence in output
    # Four tasks fail, one changes the recorder, one finds nothing left to do.
    assert "ok=6" in output
    assert "changed=1" in output
    assert "ignored=4" in output
