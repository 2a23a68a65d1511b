# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""`camsec-upload`: one command a file, each with `add_arguments` and `run`; here they are found and called."""

from __future__ import annotations

import argparse
import sys
import typing as t

from ...plugins.module_utils._core._errors import CamsecError
from . import _learn, _preflight, _query, _send, _signer, _status, _suites, _verify, _watch
from ._exit import INTERRUPTED, exit_code

__all__ = ["main"]


class _Command(t.Protocol):
    """What a command's file offers."""

    HELP: str

    def add_arguments(self, parser: argparse.ArgumentParser) -> None: ...

    def run(self, options: argparse.Namespace) -> int: ...


_COMMANDS: t.Final[t.Mapping[str, _Command]] = {
    "learn": t.cast("_Command", _learn),
    "preflight": t.cast("_Command", _preflight),
    "suites": t.cast("_Command", _suites),
    "send": t.cast("_Command", _send),
    "watch": t.cast("_Command", _watch),
    "status": t.cast("_Command", _status),
    "verify": t.cast("_Command", _verify),
    "query": t.cast("_Command", _query),
    "signer": t.cast("_Command", _signer),
}


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="camsec-upload", description="Evidence over explicit FTPS (FTPES), under a cipher-suite policy, proven."
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, command in _COMMANDS.items():
        command.add_arguments(commands.add_parser(name, help=command.HELP, description=command.HELP))
    return parser


def main(argv: t.Sequence[str] | None = None) -> int:
    """Run one command.

    Args:
        argv: Arguments without the program's name; without it, those of the process.

    Returns:
        The exit code, see :mod:`._exit`.
    """
    options = _parser().parse_args(argv)
    try:
        return _COMMANDS[options.command].run(options)
    except CamsecError as error:
        print(f"camsec-upload: {error.message}", file=sys.stderr)
        return exit_code(error)
    except KeyboardInterrupt:
        print("camsec-upload: interrupted; started again, it goes on from here", file=sys.stderr)
        return INTERRUPTED
