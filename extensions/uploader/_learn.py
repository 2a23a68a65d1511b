# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""`camsec-upload learn`: listen once and print which suites a connecting camera offers."""

from __future__ import annotations

import argparse
import json
import sys
import typing as t

from ...plugins.module_utils._core._errors import InputError
from ...plugins.module_utils._preflight._learn import Listener, as_lines, report
from ._exit import DONE

__all__ = ["HELP", "add_arguments", "run"]

HELP: t.Final = "listen once and print which suites a connecting camera offers"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the command line.

    Args:
        parser: Of this command.
    """
    parser.add_argument("--listen", metavar="ADDRESS:PORT", required=True, help="own address; port 0 takes any")
    parser.add_argument("--timeout", type=float, default=300.0, metavar="SECONDS", help="(default: 300)")
    parser.add_argument("--format", choices=("text", "json"), default="text", help="(default: text)")


def run(options: argparse.Namespace) -> int:
    """Wait for a camera.

    Args:
        options: The command line.

    Returns:
        The exit code.

    Raises:
        InputError: The address cannot be listened on.
        ConnectError: Nobody came in time.
    """
    address, port = address_and_port(options.listen)
    if not 0 < options.timeout <= 86400:
        raise InputError(
            device=options.listen, subject="--timeout", found=options.timeout, expected="above 0, at most 86400 s"
        )
    with Listener(address, port) as listener:
        shown = f"[{listener.address}]" if ":" in listener.address else listener.address
        print(f"camsec-upload: listening on {shown}:{listener.port}", file=sys.stderr, flush=True)
        learned = listener.learn(timeout=options.timeout, other=_tell)
    told = report(learned)
    print(json.dumps(told, indent=2) if options.format == "json" else "\n".join(as_lines(told)))
    return DONE


def address_and_port(text: str, default_port: int | None = None) -> tuple[str, int]:
    """Take an address and a port apart.

    Args:
        text: ``host:port``, ``[IPv6]:port``; with a default port also the bare host.
        default_port: Where none is given.

    Returns:
        Address or host name, and port.

    Raises:
        InputError: There is no host, or no port that can be one.
    """
    host, colon, port = text.rpartition(":")
    if default_port is not None and (not colon or (text.count(":") > 1 and not host.endswith("]"))):
        host, port = text, str(default_port)
    host = host.strip("[]")
    if not host or not (port.isascii() and port.isdigit()) or int(port) > 65535:
        raise InputError(
            device=text, subject="address", found=repr(text), expected="HOST:PORT, an IPv6 one in brackets"
        )
    return host, int(port)


def _tell(sentence: str) -> None:
    print(f"camsec-upload: {sentence} Still listening.", file=sys.stderr, flush=True)
