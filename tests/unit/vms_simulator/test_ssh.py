# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A server of the VMS as an administrator meets it: by OpenSSH's client, with what the inventory says."""

from __future__ import annotations

import base64
import shlex
import subprocess
import typing as t

import pytest
import yaml

Site = t.Any
EXE = "C:\\Program Files\\Milestone\\Server Configurator\\ServerConfigurator.exe"
GROUP = "/certificategroup=84430eb7-847c-422d-aa00-7915cd0d7a65"


def powershell(site: Site, name: str, script: str) -> subprocess.CompletedProcess[str]:
    """A script on a host."""
    host = yaml.safe_load(site.sim.inventory)["all"]["children"]["camsec_vms_servers"]["hosts"][name]
    encoded = base64.b64encode(script.encode("utf-16-le")).decode()
    command = [
        "ssh", "-o", "BatchMode=yes", "-o", "IdentitiesOnly=yes", "-i", host["ansible_ssh_private_key_file"],
        *shlex.split(host["ansible_ssh_common_args"]), "-p", str(host["ansible_port"]),
        f"{host['ansible_user']}@{host['ansible_host']}",
        f"PowerShell -NoProfile -NonInteractive -EncodedCommand {encoded}",
    ]  # fmt: skip
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def test_server_configurator_by_ssh(site: Site) -> None:
    name = "management-01"
    site.trust(name)
    thumbprint = site.give(name)
    run = f"& '{EXE}' /quiet /enableencryption {GROUP} /thumbprint={thumbprint}; exit $LASTEXITCODE"
    done = powershell(site, name, run)
    assert done.returncode == 0, done.stderr
    assert "ApplyCertificate Status = Success" in done.stdout
    site.sim.advance(6)
    assert site.presented(name, 4443) == thumbprint
    shown = powershell(site, name, "netsh http show sslcert")
    assert thumbprint.lower() in shown.stdout.lower()


@pytest.mark.parametrize(("verb", "code"), [("/enableencryption", -2), ("/nonsense", -2)])
def test_exit_codes_below_zero_arrive(site: Site, verb: str, code: int) -> None:
    done = powershell(site, "event-01", f"& '{EXE}' /quiet {verb}; Write-Output \"code=$LASTEXITCODE\"")
    assert f"code={code}" in done.stdout


def test_a_stale_configurator_is_seen_and_ended(site: Site) -> None:
    name = "recording-01"
    site.sim.control(f"/vms/servers/{name}/stale_configurator", "POST")
    powershell(site, name, "Get-Process -Name ServerConfigurator | Stop-Process -Force")
    assert site.sim.control(f"/vms/servers/{name}")["processes"] == []


def test_services_are_the_hosts(site: Site) -> None:
    name = "recording-01"
    powershell(site, name, "Stop-Service -Name 'Milestone XProtect Recording Server'")
    site.sim.settle()
    assert site.statuses(presenter=name, group="streaming_media") == {"broken"}
    powershell(site, name, "Start-Service -Name 'Milestone XProtect Recording Server'")
    site.sim.settle()
    assert site.statuses(presenter=name, group="streaming_media") == {"plain"}


def test_a_certificate_taken_out_by_powershell(site: Site) -> None:
    name = "recording-01"
    thumbprints = site.prepare()
    assert site.enable(name, "streaming_media", thumbprints[name]) == 0
    powershell(site, name, f"Remove-Item -Path 'Cert:\\LocalMachine\\My\\{thumbprints[name]}'")
    assert site.presented(name, 7563) == ""
