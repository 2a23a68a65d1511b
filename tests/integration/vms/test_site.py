# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The site as a whole: cameras, their recorder, and a VMS that has the same cameras as its hardware."""

from __future__ import annotations

import subprocess
import typing as t

from ..playbooks.conftest import VAULT_PASSWORD
from .conftest import Vms, running
from .test_repair import by_hand

#: What a recording server's own Windows makes of a camera: without a callback, a certificate that it does not verify
#: ends the handshake.
MEET_CAMERA = r"""
$client = New-Object System.Net.Sockets.TcpClient
$client.Connect('{address}', {port})
$tls = New-Object System.Net.Security.SslStream($client.GetStream(), $false)
$tls.AuthenticateAsClient('{address}', $null, [System.Security.Authentication.SslProtocols]::Tls12, $false)
$tls.IsAuthenticated
$client.Close()
"""
SHOW_ROOTS = r"""
Get-ChildItem -Path Cert:\LocalMachine\Root | ForEach-Object {
    '-----BEGIN CERTIFICATE-----'
    [Convert]::ToBase64String($_.RawData, 'InsertLineBreaks')
    '-----END CERTIFICATE-----'
}
"""


def hardware(vms: Vms) -> dict[str, tuple[str, str]]:
    """How each recording server reaches its cameras, by the simulator's own connections."""
    links = [link for link in vms.control("links") if link["kind"] == "hardware"]
    return {link["presenter"]: (link["verifier"], link["status"]) for link in links}


def camera_hosts(vms: Vms) -> dict[str, dict[str, t.Any]]:
    """All cameras of the inventory, whatever their dialect."""
    group = vms.inventory["all"]["children"]["camsec_cameras"]
    found = dict(group["hosts"])
    for child in group.get("children", {}).values():
        found |= {name: {**child["vars"], **own} for name, own in child["hosts"].items()}
    return found


def verified_from(vms: Vms, server: str, camera: t.Mapping[str, t.Any]) -> bool:
    """A recording server's own handshake, and openssl's with nothing but the roots that this server trusts."""
    address, port = camera["ansible_host"], camera["camsec_https_port"]
    roots = vms.folder / f"{server}.pem"
    roots.write_text(by_hand(vms, server, SHOW_ROOTS).replace("\r", "") + "\n")
    command = ["openssl", "s_client", "-connect", f"{address}:{port}", "-CAfile", str(roots), "-no-CApath", "-brief"]
    command += ["-verify_return_error", "-verify_ip", address]
    done = subprocess.run(command, input="", capture_output=True, text=True, timeout=20, check=False)
    script = MEET_CAMERA.replace("{address}", address).replace("{port}", str(port))
    return done.returncode == 0 and by_hand(vms, server, script) == "True"


def test_recording_servers_verify_the_cameras_after_a_rollout() -> None:
    with running(offset=0, recording=2, failover=0, recorders=1, cameras=2, axis_cameras=1) as vms:
        assert {status for _server, status in hardware(vms).values()} == {"plain"}
        variables = {
            "camsec_trust_directory": str(vms.folder / "trust"),
            "camsec_escrow_directory": str(vms.folder / "escrow"),
            "camsec_escrow_password": VAULT_PASSWORD,
            # The cameras' timeouts are not those of Windows hosts.
            "camsec_timeout": None,
            "camsec_switch_timeout": None,
        }
        rehearsed = vms.play("camsec.fleet.site", "--check", **variables)
        assert rehearsed.status == 0, rehearsed.output
        assert "management-01: this run would first change the management server itself" in rehearsed.text
        assert {status for _server, status in hardware(vms).values()} == {"plain"}
        run = vms.play("camsec.fleet.site", **variables)
        assert run.status == 0, run.output
        assert hardware(vms) == {
            "camera-0001": ("recording-01", "encrypted"),
            "camera-0002": ("recording-02", "encrypted"),
            "axis-0001": ("recording-01", "encrypted"),
        }
        hosts = camera_hosts(vms)
        assert [verified_from(vms, server, hosts[name]) for name, (server, _status) in hardware(vms).items()] == [
            True
        ] * 3
        assert set(vms.links()) == {"encrypted"}
        again = vms.play("camsec.fleet.site", **variables)
        assert (again.status, sum(again.changed.values())) == (0, 0), again.output
