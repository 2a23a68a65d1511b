# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Somebody else's authority, openssl, signs for the servers; and ours takes over from it."""

from __future__ import annotations

import pathlib
import subprocess
import typing as t

import pytest

from .conftest import Vms, running

SIGN = """#!/bin/sh
set -e
folder=$(mktemp -d)
trap 'rm -r "$folder"' EXIT
cat > "$folder/request.pem"
names=$(printf %s "$CAMSEC_SUBJECT_ALT_NAMES")
printf 'subjectAltName=%s\\nextendedKeyUsage=serverAuth\\nbasicConstraints=CA:FALSE\\n' "$names" > "$folder/extensions"
exec openssl x509 -req -in "$folder/request.pem" -CA "{root}" -CAkey "{key}" -set_serial "0x$(openssl rand -hex 12)" \\
    -days "$CAMSEC_LIFETIME_DAYS" -extfile "$folder/extensions" 2>/dev/null
"""


@pytest.fixture(scope="module")
def vms() -> t.Iterator[Vms]:
    with running(offset=7, recording=1, failover=0) as vms:
        yield vms


@pytest.fixture(scope="module")
def foreign(vms: Vms) -> dict[str, t.Any]:
    """An authority made by openssl, and the variables of a site that asks it."""
    root, key, script = (vms.folder / name for name in ("root.pem", "root.key", "sign"))
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", str(key), "-out", str(root)]
    command += ["-subj", "/CN=Foreign", "-days", "900", "-addext", "keyUsage=critical,keyCertSign"]
    subprocess.run(command, check=True, capture_output=True)
    script.write_text(SIGN.replace("{root}", str(root)).replace("{key}", str(key)))
    script.chmod(0o700)
    return {
        "camsec_sign_command": [str(script)],
        "camsec_ca_path": str(root),
        "camsec_authority_directory": None,
        "camsec_authority_passphrase": None,
    }


def verified(vms: Vms, ca: pathlib.Path) -> bool:
    name, address, port = vms.endpoints()[0]
    host_name = vms.hosts[name]["camsec_vms_host_name"]
    command = ["openssl", "s_client", "-connect", f"{address}:{port}", "-CAfile", str(ca), "-brief"]
    command += ["-servername", host_name, "-verify_return_error", "-verify_hostname", host_name]
    return subprocess.run(command, input=b"", capture_output=True, timeout=20, check=False).returncode == 0


def test_a_command_signs_for_the_servers(vms: Vms, foreign: dict[str, t.Any]) -> None:
    run = vms.vms(**foreign)
    assert run.status == 0, run.output
    assert set(vms.links()) == {"encrypted"}
    assert verified(vms, vms.folder / "root.pem")
    assert sum(vms.vms(**foreign).changed.values()) == 0


def test_what_a_commands_authority_signed_is_judged_like_our_own(vms: Vms, foreign: dict[str, t.Any]) -> None:
    # An authority of ours that the inventory names as well is not asked, and not made.
    also = {"camsec_authority_directory": str(vms.folder / "unused"), "camsec_authority_passphrase": "unused unused"}
    more = {**foreign, **also, "camsec_subject_alt_name": ["DNS:another.example"]}
    run = vms.play("camsec.fleet.vms_renew", **more)
    assert run.status == 0, run.output
    assert "a certificate that does not name another.example" in run.text, run.output
    assert "another.example" in vms.names(*vms.endpoints()[0][1:])
    assert sum(vms.vms(**more).changed.values()) == 0
    assert not (vms.folder / "unused").exists()


def test_our_authority_leaves_what_is_theirs_until_it_is_to_take_over(vms: Vms) -> None:
    before = vms.stores()
    kept = vms.vms()
    assert kept.status == 0, kept.output
    assert {name: stores["My"] for name, stores in vms.stores().items()} == {
        name: stores["My"] for name, stores in before.items()
    }
    run = vms.vms(vms_encryption_other_authority="replace")
    assert run.status == 0, run.output
    assert verified(vms, vms.ca)
    assert set(vms.links()) == {"encrypted"}
    for name, stores in vms.stores().items():
        assert len(stores["My"]) == 1, name
        assert not set(stores["My"]) & set(before[name]["My"])
    assert sum(vms.vms(vms_encryption_other_authority="replace").changed.values()) == 0
