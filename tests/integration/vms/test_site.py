# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The site as a whole: cameras, their recorder, and a VMS that has the same cameras as its hardware."""

from __future__ import annotations

from ..playbooks.conftest import VAULT_PASSWORD
from .conftest import Vms, running


def hardware(vms: Vms) -> dict[str, tuple[str, str]]:
    """How each recording server reaches its cameras, by the simulator's own connections."""
    links = [link for link in vms.control("links") if link["kind"] == "hardware"]
    return {link["presenter"]: (link["verifier"], link["status"]) for link in links}


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
        assert {status for _server, status in hardware(vms).values()} == {"plain"}
        run = vms.play("camsec.fleet.site", **variables)
        assert run.status == 0, run.output
        assert hardware(vms) == {
            "camera-0001": ("recording-01", "encrypted"),
            "camera-0002": ("recording-02", "encrypted"),
            "axis-0001": ("recording-01", "encrypted"),
        }
        assert set(vms.links()) == {"encrypted"}
        again = vms.play("camsec.fleet.site", **variables)
        assert (again.status, sum(again.changed.values())) == (0, 0), again.output
