# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""vms_hardware in a real ansible-playbook run, as talkative as it gets, judged by curl."""

from __future__ import annotations

import json
import os
import pathlib
import subprocess
import sys
import typing as t
import urllib.parse

import yaml

ROOT = pathlib.Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT / "tests" / "support"))

from stand_in_gateway import ADDRESS, PASSWORD, USERNAME, StandIn, certificate, serving  # noqa: E402

WRONG = "Falsch-und-geheim"
ON = {"https": True, "validate_certificate": True, "validate_host_name": True}


def curl(ca: str, url: str, *arguments: str) -> t.Any:
    command = ["curl", "-sS", "--fail", "--noproxy", "*", "--cacert", ca, *arguments, url]
    done = subprocess.run(command, capture_output=True, check=True, timeout=60)
    return json.loads(done.stdout)


def settings(ca: str, port: int, camera: str) -> dict[str, t.Any]:
    """A camera's settings as curl gets them from the gateway."""
    base = f"https://{ADDRESS}:{port}"
    form = {"grant_type": "password", "username": USERNAME, "password": PASSWORD, "client_id": "GrantValidatorClient"}
    token = curl(ca, f"{base}/API/IDP/connect/token", "-d", urllib.parse.urlencode(form))["access_token"]
    found = curl(ca, f"{base}/api/rest/v1/hardwareDriverSettings/{camera}", "-H", f"Authorization: Bearer {token}")
    return t.cast("dict[str, t.Any]", found["data"]["hardwareDriverSettings"])


def tasks() -> list[dict[str, t.Any]]:
    def task(name: str, module: str, *, check: bool = False, fails: bool = False, **options: t.Any) -> dict[str, t.Any]:
        more = {"check_mode": True} if check else {}
        more |= {"ignore_errors": True} if fails else {}
        return {"name": name, f"camsec.fleet.{module}": options, "register": name, **more}

    return [
        task("info", "vms_hardware_info"),
        task("wrong", "vms_hardware", fails=True, hardware="Entrance", password="{{ wrong }}"),
        task("windows", "vms_hardware", fails=True, hardware="Entrance", username="SITE\\admin"),
        task("senseless", "vms_hardware", fails=True, hardware="Entrance", https=False, validate_certificate=True),
        task("dry", "vms_hardware", check=True, hardware="Entrance", **ON),
        task("real", "vms_hardware", hardware="Entrance", **ON),
        task("again", "vms_hardware", hardware="192.0.2.11", **ON),
        task("any", "vms_hardware", fails=True, hardware="Entrance", first_contact="any_certificate"),
        {
            "name": "what came of it",
            "ansible.builtin.copy": {
                "content": "{{ [info.recorders | length, dry.changed, real.changed, again.changed] | to_json }}",
                "dest": "{{ result }}",
                "mode": "0600",
            },
        },
    ]


def test_in_a_playbook(tmp_path: pathlib.Path) -> None:
    vms = StandIn()
    camera = vms.add("Entrance", "http://192.0.2.11/")
    ca, key = certificate(tmp_path, "management01")
    with serving(vms, (ca, key)) as port:
        host = {
            "ansible_host": ADDRESS, "ansible_connection": "local", "ansible_python_interpreter": sys.executable,
            "camsec_username": USERNAME, "camsec_password": PASSWORD, "camsec_ca_path": ca, "camsec_https_port": port,
            "wrong": WRONG, "result": str(tmp_path / "result.json"),
        }  # fmt: skip
        inventory, book = tmp_path / "inventory.yml", tmp_path / "play.yml"
        inventory.write_text(yaml.safe_dump({"camsec_vms": {"hosts": {"management01": host}}}))
        play = {"name": "VMS", "hosts": "camsec_vms", "gather_facts": False, "tasks": tasks()}
        play["module_defaults"] = {"group/camsec.fleet.vms": {"timeout": 5}}
        book.write_text(yaml.safe_dump([play]))
        environment = {**os.environ, "ANSIBLE_NOCOLOR": "1", "ANSIBLE_HOME": str(tmp_path / "ansible")}
        if os.environ.get("CAMSEC_TEST_INSTALLED") != "1":
            environment["ANSIBLE_COLLECTIONS_PATH"] = str(ROOT / ".dev")
        program = pathlib.Path(sys.executable).with_name("ansible-playbook")
        done = subprocess.run(
            [program, "-i", inventory, "-vvv", "--diff", book],
            capture_output=True, text=True, check=False, timeout=120, env=environment, cwd=tmp_path,
        )  # fmt: skip
        said = " ".join((done.stdout + done.stderr).split())
        assert done.returncode == 0, said
        found = settings(ca, port, camera)
    assert json.loads((tmp_path / "result.json").read_text()) == [3, True, True, False]
    kept = [found[name] for name in ("httpSEnabled", "httpSPort", "httpSValidateCertificate", "httpSValidateHostname")]
    assert kept == ["yes", "443", "Yes", "Yes"]
    assert len(vms.changes()) == 1
    for sentence in (
        "127.0.0.1: login: found the user name or the password was refused",
        "127.0.0.1: username: found a Windows account",
        "validate_certificate of Entrance: found true, with https false",
        "value of first_contact must be one of: refuse, plain_http, got: any_certificate",
    ):
        assert sentence in said
    assert '+ "https": true' in said
    assert "Traceback" not in said
    for secret in (PASSWORD, urllib.parse.quote_plus(PASSWORD), WRONG, *vms.tokens):
        assert secret not in said
