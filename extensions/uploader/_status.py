# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""`camsec-upload status` and `drop`: what the ledger holds, and giving up a file that cannot be sent any more."""

from __future__ import annotations

import argparse
import json
import os
import typing as t

from ...plugins.module_utils._core._errors import InputError
from ...plugins.module_utils._evidence._ledger import JobLedger
from ._arguments import ledger_of, state_argument
from ._exit import DONE

__all__ = ["HELP", "add_arguments", "run"]

HELP: t.Final = "show what the ledger holds: bags, files that wait, files that were given up and why"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the command line.

    Args:
        parser: Of this command.
    """
    state_argument(parser)
    parser.add_argument("--all", action="store_true", help="list the files that are done too")
    parser.add_argument(
        "--drop", metavar="PATH", help="give up a file that is not done, such as one that is lost; it stays on record"
    )
    parser.add_argument("--format", choices=("text", "json"), default="text", help="(default: text)")


def run(options: argparse.Namespace) -> int:
    """Print the ledger.

    Args:
        options: The command line.

    Returns:
        The exit code.
    """
    with ledger_of(options, read_only=options.drop is None) as ledger:
        if options.drop is not None:
            _drop(ledger, options.drop)
        told = _told(ledger, everything=options.all)
    print(json.dumps(told, indent=2) if options.format == "json" else _as_text(told))
    return DONE


def _drop(ledger: JobLedger, path: str) -> None:
    wanted = os.path.abspath(path)  # noqa: PTH100  # resolve() would follow links
    ledger.take_over()
    jobs = [job for job in ledger.jobs(states=("waiting", "failed")) if job.source == wanted]
    if not [job for job in jobs if ledger.drop(job)]:
        raise InputError(
            device=wanted,
            subject="file to drop",
            found="no job that waits or was given up",
            expected="the path of one, as `camsec-upload status` shows it",
        )


def _told(ledger: JobLedger, *, everything: bool) -> dict[str, t.Any]:
    states = ("waiting", "leased", "failed", *(("done",) if everything else ()))
    return {
        "ledger": str(ledger.path),
        "counts": ledger.counts(),
        "bags": [
            {
                "host": bag.destination.host,
                "port": bag.destination.port,
                "remote_directory": bag.remote_directory,
                "opened_at": bag.opened_at,
                "sealed_at": bag.sealed_at,
            }
            for bag in ledger.bags()
        ],
        "jobs": [job.shown() for job in ledger.jobs(states=states)],
    }


def _as_text(told: t.Mapping[str, t.Any]) -> str:
    counts = ", ".join(f"{number} {state}" for state, number in sorted(told["counts"].items())) or "nothing"
    lines = [f"{told['ledger']}: {counts}"]
    for bag in told["bags"]:
        end = f"sealed {bag['sealed_at']}" if bag["sealed_at"] else "not sealed"
        lines.append(f"bag {bag['host']}:{bag['port']} {bag['remote_directory']}: begun {bag['opened_at']}, {end}")
    for job in told["jobs"]:
        lines.append(f"{job['state']} {job['source']} -> {job['remote_path']} ({job['size']} bytes)")
        if job["error"] and job["state"] != "done":
            lines.append(f"  after {job['attempts']} tries: {job['error']}")
    return "\n".join(lines)
