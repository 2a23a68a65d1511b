# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What somebody broke by hand on a server, over paramiko: the next run finds and mends it."""

from __future__ import annotations

import base64
import re
import typing as t

import paramiko
import pytest

from .conftest import Vms, running

TAKE_KEY_AWAY = r"""
$certificate = Get-ChildItem -Path Cert:\LocalMachine\My | Select-Object -First 1
$key = [System.Security.Cryptography.X509Certificates.RSACertificateExtensions]::GetRSAPrivateKey($certificate)
$path = Join-Path $env:ProgramData ('Microsoft\Crypto\Keys\' + $key.Key.UniqueName)
$acl = Get-Acl -LiteralPath $path
$rule = New-Object System.Security.AccessControl.FileSystemAccessRule('NT AUTHORITY\NETWORK SERVICE', 'Read', 'Allow')
$null = $acl.RemoveAccessRule($rule)
Set-Acl -LiteralPath $path -AclObject $acl
'done'
"""
TAKE_ROOT_AWAY = r"""
Get-ChildItem -Path Cert:\LocalMachine\Root | Remove-Item
'done'
"""


@pytest.fixture(scope="module")
def vms() -> t.Iterator[Vms]:
    with running(offset=6, recording=1, failover=0) as vms:
        run = vms.vms()
        assert run.status == 0, run.output
        vms.clients_trust()
        assert set(vms.links()) == {"encrypted"}
        yield vms


def by_hand(vms: Vms, name: str, script: str) -> str:
    """Run PowerShell on a server, as an administrator with another SSH client."""
    host = vms.hosts[name]
    known_hosts = re.search(r"UserKnownHostsFile=(\S+)", host["ansible_ssh_common_args"])
    assert known_hosts
    encoded = base64.b64encode(script.encode("utf-16-le")).decode("ascii")
    client = paramiko.SSHClient()
    client.load_host_keys(known_hosts[1])
    client.connect(
        host["ansible_host"], port=host["ansible_port"], username=host["ansible_user"],
        key_filename=host["ansible_ssh_private_key_file"], look_for_keys=False, allow_agent=False, timeout=20,
    )  # fmt: skip
    with client:
        _stdin, stdout, stderr = client.exec_command(f"powershell -NoProfile -EncodedCommand {encoded}", timeout=60)
        output = stdout.read().decode()
        assert stdout.channel.recv_exit_status() == 0, stderr.read().decode()
    return output.strip()


def test_vms_14_a_key_that_the_service_cannot_read_any_more(vms: Vms) -> None:
    assert by_hand(vms, "recording-01", TAKE_KEY_AWAY) == "done"
    assert any(link["broken_by"] == "VMS-14" for link in vms.control("links"))
    run = vms.vms()
    assert run.status == 0, run.output
    assert "Let NT AUTHORITY\\NETWORK SERVICE read the private key" in run.text
    assert set(vms.links()) == {"encrypted"}


def test_vms_13_a_root_that_somebody_took_away(vms: Vms) -> None:
    assert by_hand(vms, "event-01", TAKE_ROOT_AWAY) == "done"
    assert "event-01 recording-01" in vms.broken()
    run = vms.vms()
    assert run.status == 0, run.output
    assert set(vms.links()) == {"encrypted"}
    assert sum(vms.vms().changed.values()) == 0


def test_vms_18_push_to_talk_follows_the_mobile_server(vms: Vms) -> None:
    def talk() -> set[bool]:
        return {link["push_to_talk"] for link in vms.control("links") if "push_to_talk" in link}

    assert talk() == {True}
    assert vms.vms(vms_encryption_mobile="plain").status == 0
    assert talk() == {False}
