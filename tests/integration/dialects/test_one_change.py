# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One run of ansible-playbook never changes both the password of a camera and how it is known over TLS."""

from __future__ import annotations

import os
import pathlib
import subprocess
import sys
import typing as t

import pytest
import yaml

from .conftest import HTTP, HTTPS, PASSPHRASE, PASSWORD, Options, Rig

ROOT = pathlib.Path(__file__).resolve().parents[3]
NEW, NEWER, VAULT = "Neues-Geheimnis-8", "Neueres-Geheimnis-9", "Tresor-Geheimnis-1"
REFUSED = "expected a run of its own for each"


@pytest.fixture
def play(rig: Rig, ours: Options, tmp_path: pathlib.Path) -> t.Callable[..., str]:
    """Run tasks, each in a play of its own; each of them may fail. What ansible-playbook says, on one line."""

    def run(*tasks: tuple[str, Options], password: str = PASSWORD, arguments: tuple[str, ...] = ()) -> str:
        common: Options = {
            "ansible_connection": "local",
            "ansible_host": rig.host,
            "ansible_python_interpreter": sys.executable,
            "camsec_driver": rig.dialect,
            "camsec_username": "admin",
            "camsec_password": password,
            "camsec_http_port": HTTP,
            "camsec_https_port": HTTPS,
            "camsec_timeout": 5,
            "camsec_ca_path": f"{ours['authority_directory']}/trusted.pem",
        }
        plays = [
            {
                "hosts": "all",
                "gather_facts": False,
                "ignore_errors": True,
                "tasks": [{"name": module, f"camsec.fleet.{module}": options}],
            }
            for module, options in tasks
        ]
        (tmp_path / "hosts.yml").write_text(yaml.safe_dump({"all": {"hosts": {"cam": common}}}))
        (tmp_path / "play.yml").write_text(yaml.safe_dump(plays, sort_keys=False))
        environment = {
            **os.environ,
            "ANSIBLE_COLLECTIONS_PATH": str(ROOT / ".dev"),
            "ANSIBLE_LOCAL_TEMP": str(tmp_path / "local"),
            "ANSIBLE_HOME": str(tmp_path / "home"),
            "ANSIBLE_NOCOLOR": "1",
        }
        program = str(pathlib.Path(sys.executable).parent / "ansible-playbook")
        command = [program, "-vvv", "-i", str(tmp_path / "hosts.yml"), str(tmp_path / "play.yml"), *arguments]
        done = subprocess.run(command, capture_output=True, text=True, timeout=110, check=False, env=environment)
        whole = done.stdout + done.stderr
        assert not [secret for secret in (PASSWORD, NEW, NEWER, PASSPHRASE, VAULT) if secret in whole]
        assert done.returncode == 0, whole
        return " ".join(whole.split())

    return run


@pytest.mark.parametrize("dialect", ["onvif"])
def test_never_both(rig: Rig, ours: Options, play: t.Callable[..., str], tmp_path: pathlib.Path) -> None:
    rig.good("camera", **ours)
    serial = rig.serial()
    escrow = {"escrow_directory": str(tmp_path / "escrow"), "escrow_password": VAULT}
    other_names = {**ours, "subject_alt_name": ["DNS:gate.example.org"]}

    # A run that changes nothing of the certificate may change the password; after that, no certificate.
    first = play(
        ("camera", ours),
        ("camera_account", {"new_password": NEW, **escrow}),
        ("camera", {**other_names, "password": NEW}),
    )
    assert "changed=1 " in first
    assert "ignored=1" in first
    assert (
        f"{rig.host}: a change of its key, certificate or connection: found a change of its password earlier in this"
        f" run, {REFUSED}"
    ) in first
    assert rig.serial() == serial

    # The other way round, planned and done.
    for arguments in (("--check",), ()):
        second = play(
            ("camera", other_names),
            ("camera_account", {"new_password": NEWER, **escrow}),
            password=NEW,
            arguments=arguments,
        )
        assert "changed=1 " in second
        assert "a change of its password: found a change of its key, certificate or connection earlier" in second
    assert rig.serial() != serial

    # A run of its own is what it takes; the password is still the one of before.
    third = play(("camera_account", {"new_password": NEWER, **escrow}), password=NEW)
    assert "changed=1 " in third
    assert REFUSED not in third
