# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What planning a big VMS costs, and rolling out a site of 25 servers: measurements and no test."""

from __future__ import annotations

import datetime as dt
import subprocess
import sys
import time

from ansible_collections.camsec.fleet.plugins.module_utils._vms.picture import draw
from ansible_collections.camsec.fleet.plugins.module_utils._vms.planning import Authority, Wish, plan_vms
from ansible_collections.camsec.fleet.plugins.module_utils._vms.topology import Client, Server, Topology

RUNS = 5
GOAL_SECONDS = 2.0
SIZES = {"management_server": 1, "recording_server": 1000, "failover_recording_server": 100}
CLIENTS = 50


SITE = {"recording": 20, "failover": 4}


def main() -> None:
    """Both."""
    plan()
    roll_out()


def roll_out() -> None:
    """The demonstration with a VMS alone: a first run, a second that changes nothing, every endpoint verified."""
    none = [f"--{kind}=0" for kind in ("recorders", "cameras", "onvif-cameras", "sunell-cameras", "axis-cameras")]
    servers = [f"--vms-{kind}-servers={count}" for kind, count in SITE.items()]
    command = [sys.executable, "-m", "ansible_collections.camsec.fleet.extensions.demo", *none, *servers]
    print(
        f"\nVMS: 1 management server, {SITE['recording']} recording and {SITE['failover']} failover servers rolled out"
    )
    subprocess.run([*command, "--base-address", "127.70.0.0"], check=True)  # our own program


def plan() -> None:
    """Plan and draw it, and print the best of some runs."""
    servers = [
        Server(name=f"{role}-{number}", host_name=f"{role}-{number}.example", roles=(role,))
        for role, count in SIZES.items()
        for number in range(count)
    ]
    clients = tuple(Client(name=f"client-{number}", kind="smart_client") for number in range(CLIENTS))
    wish, authority = Wish(management=True, streaming=True), Authority(root="a" * 64)
    now = dt.datetime.now(dt.UTC)
    plans, pictures = [], []
    for _run in range(RUNS):
        begin = time.perf_counter()
        topology = Topology(servers=tuple(servers), clients=clients)
        plan = plan_vms(topology, wish, authority, now)
        planned = time.perf_counter()
        draw(topology, plan)
        plans.append(planned - begin)
        pictures.append(time.perf_counter() - planned)
    what = ", ".join(f"{count} {role.replace('_', ' ')}s" for role, count in SIZES.items())
    print(f"\nVMS: {what}, {CLIENTS} clients; {len(plan.links)} links, {len(plan.steps)} steps; best of {RUNS} runs")
    print(
        f"planned in {min(plans):.2f} s ({GOAL_SECONDS / min(plans):.0f} times within the goal of {GOAL_SECONDS:g} s)"
    )
    print(f"drawn in {min(pictures):.2f} s")


if __name__ == "__main__":
    main()
