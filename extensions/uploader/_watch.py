# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""`camsec-upload watch`: sends what comes to rest in folders, bag after bag."""

from __future__ import annotations

import argparse
import typing as t

from ...plugins.module_utils._core._errors import CamsecError
from ...plugins.module_utils._evidence._watch import Watcher, WatchOptions
from ._arguments import add_sending_arguments, stop_on_signals, wish_from
from ._exit import DONE, exit_code
from ._output import display_of

__all__ = ["HELP", "add_arguments", "run"]

HELP: t.Final = "send what comes to rest in folders, bag after bag, until told to stop"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the command line.

    Args:
        parser: Of this command.
    """
    parser.add_argument("folder", nargs="+", metavar="FOLDER")
    add_sending_arguments(parser)
    group = parser.add_argument_group("watching")
    group.add_argument(
        "--settle", type=float, default=10.0, metavar="S", help="a file has not changed for so long (default: 10)"
    )
    group.add_argument("--poll", type=float, default=2.0, metavar="S", help="between two looks (default: 2)")
    group.add_argument(
        "--seal-after", type=float, default=300.0, metavar="S", help="no new file for so long seals (default: 300)"
    )
    group.add_argument(
        "--seal-files", type=int, default=1000, metavar="N", help="so many files seal a bag (default: 1000)"
    )
    group.add_argument(
        "--retry-failed", type=float, default=600.0, metavar="S", help="files given up are tried anew (default: 600)"
    )


def run(options: argparse.Namespace) -> int:
    """Watch.

    Args:
        options: The command line.

    Returns:
        The exit code: done when it was told to stop.
    """
    wish = wish_from(options, options.folder, manifest=True)
    watching = WatchOptions(
        settle=options.settle,
        poll=options.poll,
        seal_after=options.seal_after,
        seal_files=options.seal_files,
        retry_failed=options.retry_failed,
    )
    display = display_of(options.output, 0)
    try:
        with stop_on_signals() as stop:
            results = Watcher(wish, watching, on_event=display.show, stop=stop).run()
    except CamsecError as error:
        display.end({}, [("", error)])
        return exit_code(error)
    summary = {
        "sent": sum(result.sent for result in results),
        "found": sum(result.found for result in results),
        "bytes_sent": sum(result.bytes_sent for result in results),
    }
    display.end(summary, [])
    return DONE
