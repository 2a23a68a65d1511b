# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""`camsec-upload`: one command a file, each with `add_arguments` and `run`; here they are found and called."""

from __future__ import annotations

import argparse
import importlib
import os
import sys
import typing as t

from ...plugins.module_utils._core._errors import CamsecError
from ._exit import FAILED, INTERRUPTED, WORDS_INTERRUPTED, exit_code

__all__ = ["main"]


class _Command(t.Protocol):
    """What a command's file offers."""

    HELP: str

    def add_arguments(self, parser: argparse.ArgumentParser) -> None: ...

    def run(self, options: argparse.Namespace) -> int: ...


# Only the command that is asked for is imported: a queue of small files starts it often.
_COMMANDS: t.Final = ("send", "watch", "status", "verify", "query", "signer", "preflight", "learn", "suites")


def _command(name: str) -> _Command:
    return t.cast("_Command", importlib.import_module(f"._{name}", __package__))


def _parser(asked: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="camsec-upload", description="Evidence over explicit FTPS (FTPES), under a cipher-suite policy, proven."
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name in (asked,) if asked in _COMMANDS else _COMMANDS:
        command = _command(name)
        command.add_arguments(commands.add_parser(name, help=command.HELP, description=command.HELP))
    return parser


def main(argv: t.Sequence[str] | None = None) -> int:
    """Run one command.

    Args:
        argv: Arguments without the program's name; without it, those of the process.

    Returns:
        The exit code, see :mod:`._exit`.
    """
    arguments = list(sys.argv[1:] if argv is None else argv)
    options = _parser(arguments[0] if arguments else "").parse_args(arguments)
    try:
        code = _command(options.command).run(options)
        sys.stdout.flush()
    except CamsecError as error:
        print(f"camsec-upload: {error.message}", file=sys.stderr)
        return exit_code(error)
    except KeyboardInterrupt:
        print(WORDS_INTERRUPTED, file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:  # such as `| head`: nobody reads on
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED
    except OSError as error:  # a file that no command expected to be in the way
        where = "" if error.filename is None else f"{os.fsdecode(error.filename)}: "
        print(f"camsec-upload: {where}found {(error.strerror or type(error).__name__).lower()}", file=sys.stderr)
        return FAILED
    return code
