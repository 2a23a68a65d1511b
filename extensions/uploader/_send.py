# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""`camsec-upload send`: files and directories go to a server, proven, with receipts; the directory becomes a bag."""

from __future__ import annotations

import argparse
import sys
import typing as t

from ...plugins.module_utils._core._errors import CamsecError
from ...plugins.module_utils._evidence._facts import Event
from ...plugins.module_utils._evidence._send import Outcome, plan, send
from ._arguments import add_sending_arguments, stop_on_signals, wish_from
from ._exit import DONE, FAILED, INTERRUPTED, WORDS_INTERRUPTED, exit_code
from ._output import display_of

__all__ = ["HELP", "add_arguments", "run"]

HELP: t.Final = (
    "send evidence, prove it, leave receipts and a manifest behind; go on with what a former run left undone"
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the command line.

    Args:
        parser: Of this command.
    """
    parser.add_argument(
        "path", nargs="*", metavar="PATH", help="files, directories and patterns; none: only what was left undone"
    )
    add_sending_arguments(parser)
    parser.add_argument(
        "--no-manifest", dest="manifest", action="store_false", help="do not make the remote directory a BagIt bag"
    )
    parser.add_argument("--dry-run", action="store_true", help="say what would be sent; nothing is written anywhere")


def run(options: argparse.Namespace) -> int:
    """Send.

    Args:
        options: The command line.

    Returns:
        The exit code.
    """
    wish = wish_from(options, options.path, manifest=options.manifest)
    foreseen = plan(wish)
    total = sum(job.identity.size for job in (*foreseen.added.new, *foreseen.added.pending))
    display = display_of("plain" if options.dry_run and options.output in ("auto", "bar") else options.output, total)
    try:
        if options.dry_run:
            outcome = foreseen
        else:
            with stop_on_signals() as stop:
                outcome = send(wish, on_event=display.show, stop=stop)
    except CamsecError as error:
        display.end({}, [("", error)])
        return exit_code(error)
    for text in outcome.notes:
        display.show(Event(kind="note", text=text))
    display.end(_summary(outcome, dry_run=options.dry_run), outcome.failures)
    code = _code(outcome)
    if code == INTERRUPTED and options.output != "json":  # who reads JSON has the exit code
        print(WORDS_INTERRUPTED, file=sys.stderr)
    return code


def _summary(outcome: Outcome, *, dry_run: bool) -> dict[str, t.Any]:
    added = outcome.added
    if dry_run:
        to_send = [*added.new, *added.pending]
        return {
            "would_send": len(to_send) + outcome.waiting,
            "bytes": sum(job.identity.size for job in to_send),
            "done_before": len(added.done),
            "would_seal": outcome.sealed_now,
        }
    return {
        "sent": outcome.run.sent,
        "found": outcome.run.found,
        "done_before": len(added.done),
        "failed": len(outcome.run.failed),
        "refused": len(outcome.refused),
        "bytes_sent": outcome.run.bytes_sent,
        "sealed": outcome.sealed,
    }


def _code(outcome: Outcome) -> int:
    if outcome.errors:
        return exit_code(outcome.errors[0]) or FAILED
    return INTERRUPTED if outcome.run.stopped else DONE
