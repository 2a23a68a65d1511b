# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the tests of the PKI share: requests made by openssl, an authority, one way to run ansible-playbook."""

from __future__ import annotations

import json
import os
import pathlib
import subprocess
import sys
import typing as t

import pytest
import yaml
from ansible_collections.camsec.fleet.plugins.module_utils._core._secret import Secret
from ansible_collections.camsec.fleet.plugins.module_utils._pki._authority import CertificateAuthority

PHRASE = "correct horse battery"
PASSPHRASE = Secret(PHRASE)
ROOT = pathlib.Path(__file__).resolve().parents[3]


def openssl(*arguments: str | pathlib.Path, check: bool = True) -> str:
    done = subprocess.run(["openssl", *map(str, arguments)], capture_output=True, text=True, timeout=60, check=False)
    if check and done.returncode:
        raise AssertionError(done.stdout + done.stderr)
    return done.stdout + done.stderr


def request(home: pathlib.Path, *key: str, subject: str = "/O=Maker/CN=camera") -> pathlib.Path:
    """A request as a device makes one; its key stays beside it."""
    path = home / "device.csr"
    openssl("req", "-new", "-newkey", *(key or ("rsa:2048",)), "-nodes", "-keyout", home / "device.key", "-out", path,
            "-subj", subject)  # fmt: skip
    return path


def verified(authority: CertificateAuthority, certificate: pathlib.Path, *options: str) -> bool:
    """The independent judge."""
    told = openssl("verify", "-x509_strict", "-purpose", "sslserver", *options, "-CAfile", authority.trusted_path,
                   certificate, check=False)  # fmt: skip
    return told.strip() == f"{certificate}: OK"


@pytest.fixture
def authority(tmp_path: pathlib.Path) -> CertificateAuthority:
    return CertificateAuthority.create(
        tmp_path / "ca", passphrase=PASSPHRASE, common_name="Test Root", key_type="ecdsa"
    )


def play(home: pathlib.Path, tasks: list[dict[str, t.Any]], *options: str) -> tuple[list[dict[str, t.Any]], str]:
    """Run tasks with ansible-playbook; their results, and all that was printed with -vvv."""
    for number, task in enumerate(tasks):
        task.setdefault("name", f"Task {number}")
        task.setdefault("ignore_errors", True)
    book = home / "play.yml"
    book.write_text(yaml.safe_dump([{"hosts": "localhost", "gather_facts": False, "tasks": tasks}]))
    environment = {
        **os.environ,
        "ANSIBLE_COLLECTIONS_PATH": str(ROOT / ".dev"),
        "ANSIBLE_STDOUT_CALLBACK": "ansible.builtin.default",
        "ANSIBLE_LOCAL_TEMP": str(home / "tmp"),
        "ANSIBLE_REMOTE_TEMP": str(home / "tmp"),
        "ANSIBLE_NOCOLOR": "1",
        "ANSIBLE_CALLBACK_RESULT_FORMAT": "json",
    }
    program = pathlib.Path(sys.executable).with_name("ansible-playbook")
    done = subprocess.run(
        [program, "-i", "localhost,", "-c", "local", "-e", f"ansible_python_interpreter={sys.executable}", "-vvv",
         *options, book],
        env=environment, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    printed = done.stdout + done.stderr
    assert "Traceback" not in printed, printed
    return _results(done.stdout), printed


def _results(printed: str) -> list[dict[str, t.Any]]:
    decoder = json.JSONDecoder()
    found: list[dict[str, t.Any]] = []
    for mark in ("ok: [localhost] => ", "changed: [localhost] => ", "fatal: [localhost]: FAILED! => "):
        start = 0
        while (start := printed.find(mark, start)) >= 0:
            start += len(mark)
            value, _end = decoder.raw_decode(printed[start:])
            found.append({"position": start, **value})
    return sorted(found, key=lambda one: t.cast("int", one["position"]))
