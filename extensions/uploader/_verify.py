# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""`camsec-upload verify`: checks a bag, a ledger or receipts, without any server."""

from __future__ import annotations

import argparse
import datetime as dt
import json
import typing as t

from ...plugins.module_utils._core._errors import InputError
from ...plugins.module_utils._evidence._chain import load_trusted
from ...plugins.module_utils._evidence._verify import Demands, Report, verify
from ...plugins.module_utils._pki._files import read_text
from ._exit import DONE, NOT_PROVEN

__all__ = ["HELP", "add_arguments", "run"]

HELP: t.Final = "check a bag, a state directory or receipts, offline: signatures, chain, seal, time stamps, files"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the command line.

    Args:
        parser: Of this command.
    """
    parser.add_argument("path", metavar="PATH", help="bag, state directory, receipts.zip or directory of receipts")
    parser.add_argument("--ca-file", metavar="PEM", required=True, help="root that the signer must lead to")
    parser.add_argument("--timestamp-ca-file", metavar="PEM", help="certificates that time stamps must lead to")
    parser.add_argument("--require-timestamp", action="store_true", help="each signature needs one that holds")
    parser.add_argument("--allow-unsigned", action="store_true", help="receipts without a signature will do")
    parser.add_argument("--at", metavar="INSTANT", help="as if it were then, ISO 8601 with a time zone")
    parser.add_argument("--format", choices=("text", "json"), default="text", help="(default: text)")


def run(options: argparse.Namespace) -> int:
    """Check.

    Args:
        options: The command line.

    Returns:
        The exit code: not proven when anything is wrong.
    """
    demands = Demands(
        trusted=_trusted(options.ca_file),
        timestamp_trusted=() if options.timestamp_ca_file is None else _trusted(options.timestamp_ca_file),
        require_timestamp=options.require_timestamp,
        allow_unsigned=options.allow_unsigned,
        now=_instant(options.at),
    )
    report = verify(options.path, demands)
    print(json.dumps(report.shown(), indent=2) if options.format == "json" else _as_text(report))
    return DONE if report.good else NOT_PROVEN


def _trusted(path: str) -> tuple[t.Any, ...]:
    return load_trusted(read_text(path, subject="trusted certificates"), device=path)


def _instant(text: str | None) -> dt.datetime:
    if text is None:
        return dt.datetime.now(dt.UTC)
    try:
        instant = dt.datetime.fromisoformat(text)
    except ValueError:
        instant = None
    if instant is None or instant.tzinfo is None:
        raise InputError(
            device="this host", subject="--at", found=repr(text), expected="for example 2026-11-22T10:00:00Z"
        )
    return instant


def _as_text(report: Report) -> str:
    verdict = "good" if report.good else "NOT PROVEN"
    numbers = (
        f"{report.receipts} receipts, {report.seals} seals, {report.timestamps} time stamps,"
        f" {report.files} files compared"
    )
    signers = ", ".join(sorted(report.signers)) or "nobody"
    lines = [f"{verdict}: {numbers}; signed by {signers}"]
    if report.deprecated:
        lines.append(f"sent under a deprecated suite: {', '.join(report.deprecated)}")
    if not report.receipts and not report.seals and not report.problems:
        lines.append("problem: there is no receipt at all.")
    lines += [f"problem: {text}" for text in report.problems]
    lines += [f"warning: {text}" for text in report.warnings]
    return "\n".join(lines)
