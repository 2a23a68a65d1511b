# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""`camsec-upload query`: was any evidence ever sent under a deprecated suite?"""

from __future__ import annotations

import argparse
import json
import typing as t

from ...plugins.module_utils._tls._suites import SUITES, suite_of_name
from ...plugins.module_utils._tls._verdicts import is_deprecated
from ._arguments import ledger_of, state_argument
from ._exit import DONE, FAILED

__all__ = ["HELP", "add_arguments", "run"]

HELP: t.Final = "ask the ledger which suites were used; with --deprecated, whether evidence ever went over such a one"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the command line.

    Args:
        parser: Of this command.
    """
    state_argument(parser)
    parser.add_argument(
        "--deprecated",
        action="store_true",
        help="every try, finished or not, that used a deprecated suite on either channel; exit code 1 if there is one",
    )
    parser.add_argument(
        "--suite", metavar="NAME", action="append", default=[], help="the same for this suite; may be repeated"
    )
    parser.add_argument("--format", choices=("text", "json"), default="text", help="(default: text)")


def run(options: argparse.Namespace) -> int:
    """Ask.

    Args:
        options: The command line.

    Returns:
        The exit code: 1 when what was asked for is there.
    """
    wanted = [suite_of_name(name).iana_name for name in options.suite]
    if options.deprecated:
        wanted += [suite.iana_name for suite in SUITES if is_deprecated(suite)]
    with ledger_of(options) as ledger:
        rows = ledger.sent_under(wanted, also_deprecated=options.deprecated) if wanted else ledger.suites_used()
    if options.format == "json":
        print(json.dumps(rows, indent=2))
    elif not wanted:
        print("\n".join(_used(row) for row in rows) or "Nothing was sent yet.")
    else:
        print("\n".join(_sent(row) for row in rows) or "No: nothing was ever sent under such a suite.")
    return FAILED if wanted and rows else DONE


def _used(row: t.Mapping[str, t.Any]) -> str:
    mark = " (deprecated)" if is_deprecated(suite_of_name(row["suite"])) else ""
    amount = f"{row['attempts']} uploads, {row['bytes'] or 0} bytes"
    return f"{row['suite']}{mark}, {row['protocol']}, {row['channel']}: {amount}"


def _sent(row: t.Mapping[str, t.Any]) -> str:
    return (
        f"{row['started_at']} {row['source'] or 'description of the bag'} -> {row['host']}:{row['port']}"
        f" {row['remote_path']}: {row['suite']} on the {row['channel']} channel, {row['outcome']}"
    )
