# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The program ``camsec-simulator``."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import ipaddress
import json
import logging
import os
import pathlib
import resource
import signal
import sys
import typing as t

from ._clock import Clock
from ._control import Control
from ._fleet import generate, inventory_yaml, parse_fleet
from ._simulator import Simulator
from ._spec import Fleet, FleetError
from ._store import write_private

__all__ = ["main"]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="camsec-simulator", description="Simulated recorders and cameras on loopback."
    )
    add = parser.add_argument
    add("--fleet", type=pathlib.Path, metavar="FILE", help="fleet file (YAML); without one a fleet is made up")
    add(
        "--recorders", type=int, metavar="N", help="recorders of a made-up fleet (default: 2, or as many as are needed)"
    )
    add("--cameras", type=int, default=24, metavar="N", help="cameras of a made-up fleet (default: 24)")
    add("--sunell-cameras", type=int, default=0, metavar="N", help="Sunell cameras of a made-up fleet (default: none)")
    add("--axis-cameras", type=int, default=0, metavar="N", help="Axis cameras of a made-up fleet (default: none)")
    add("--vms-recording-servers", type=int, default=0, metavar="N", help="a VMS with so many (default: no VMS)")
    add("--vms-failover-servers", type=int, default=0, metavar="N", help="failover servers of that VMS (default: none)")
    add("--onvif-cameras", type=int, default=0, metavar="N", help="ONVIF cameras of a made-up fleet (default: 0)")
    add("--base-address", default="127.50.0.0", metavar="ADDRESS", help="of a made-up fleet (default: 127.50.0.0)")
    add("--http-port", type=int, default=8080, metavar="PORT", help="HTTP port of a made-up fleet (default: 8080)")
    add(
        "--https-port",
        type=int,
        default=8443,
        metavar="PORT",
        help="HTTPS port wanted by the inventory (default: 8443)",
    )
    add("--state-dir", type=pathlib.Path, metavar="DIR", help="keep the devices' state here over a restart")
    add("--write-inventory", type=pathlib.Path, metavar="FILE", help="write the Ansible inventory (mode 0600)")
    add("--control-address", default="127.0.0.1", metavar="ADDRESS", help="loopback address of the control interface")
    add("--control-port", type=int, default=8900, metavar="PORT", help="its port; 0 picks one (default: 8900)")
    add("--speed", type=float, default=1.0, metavar="X", help="device seconds in a real second; 0 stands still")
    add("--pid-file", type=pathlib.Path, metavar="FILE", help="write the process id")
    add("--ready-file", type=pathlib.Path, metavar="FILE", help="written (JSON) when everything listens")
    add("--log-level", default="warning", choices=("debug", "info", "warning", "error"))
    add("--check", action="store_true", help="check the fleet and exit")
    return parser


def main(argv: list[str] | None = None) -> int:
    """Run the simulator until SIGTERM or SIGINT; 2 when it cannot be run as asked."""
    options = _parser().parse_args(argv)
    logging.basicConfig(level=options.log_level.upper(), format="%(asctime)s %(levelname)s %(message)s")
    try:
        fleet = _fleet(options)
        _check_options(options)
        if options.check:
            print(f"{fleet.summary}: the fleet is valid")
            return 0
        _raise_file_limit()
        asyncio.run(_serve(options, fleet))
    except FleetError as error:
        print(f"camsec-simulator: {error}", file=sys.stderr)
        return 2
    except OSError as error:
        print(f"camsec-simulator: {error.filename or 'system'}: {error.strerror}", file=sys.stderr)
        return 2
    return 0


def _fleet(options: argparse.Namespace) -> Fleet:
    if options.fleet is not None:
        try:
            return parse_fleet(options.fleet.read_text(encoding="utf-8"))
        except UnicodeDecodeError as error:
            raise FleetError("the fleet file is not UTF-8") from error
    return generate(
        recorders=options.recorders,
        cameras=options.cameras,
        onvif_cameras=options.onvif_cameras,
        base_address=options.base_address,
        http_port=options.http_port,
        sunell_cameras=options.sunell_cameras,
        axis_cameras=options.axis_cameras,
        vms_recording_servers=options.vms_recording_servers,
        vms_failover_servers=options.vms_failover_servers,
    )


def _check_options(options: argparse.Namespace) -> None:
    try:
        loopback = ipaddress.ip_address(options.control_address).is_loopback
    except ValueError:
        loopback = False
    if not loopback:
        raise FleetError(f"the control address {options.control_address!r} is not a loopback address")
    if not 0 <= options.control_port <= 65535 or not 1 <= options.https_port <= 65535:
        raise FleetError("a port is 1 to 65535 (0 for the control port picks one)")
    if options.speed < 0:
        raise FleetError("the speed must not be negative")


def _raise_file_limit() -> None:
    """A thousand cameras and as many streams need more files than the usual soft limit."""
    _soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


async def _serve(options: argparse.Namespace, fleet: Fleet) -> None:
    ending = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, ending.set)
    simulator = Simulator(fleet=fleet, clock=Clock(speed=options.speed), state_dir=options.state_dir)
    control = Control(
        simulator, address=options.control_address, port=options.control_port, https_port=options.https_port
    )
    async with contextlib.AsyncExitStack() as stack:
        stack.push_async_callback(simulator.stop)
        await simulator.start()
        stack.push_async_callback(control.stop)
        await control.start()
        stack.callback(_forget, (options.pid_file, options.ready_file))
        _announce(options, simulator, control.url)
        await ending.wait()


def _announce(options: argparse.Namespace, simulator: Simulator, url: str) -> None:
    fleet = simulator.fleet
    if options.write_inventory is not None:
        facts = simulator.facts()
        text = inventory_yaml(fleet, https_port=options.https_port, speed=options.speed, facts=facts)
        write_private(options.write_inventory, text)
    if options.pid_file is not None:
        write_private(options.pid_file, f"{os.getpid()}\n")
    inventory = str(options.write_inventory.absolute()) if options.write_inventory is not None else None
    if options.ready_file is not None:
        ready = {"control_url": url, "pid": os.getpid(), "inventory": inventory}
        write_private(options.ready_file, json.dumps(ready) + "\n")
    print(f"{fleet.summary} listen; control: {url}", flush=True)


def _forget(paths: t.Iterable[pathlib.Path | None]) -> None:
    for path in paths:
        if path is not None:
            path.unlink(missing_ok=True)


if __name__ == "__main__":
    sys.exit(main())
