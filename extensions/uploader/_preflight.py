# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""`camsec-upload preflight`: look at a server before a shoot. Verdict in text, JSON and the exit code."""

from __future__ import annotations

import argparse
import json
import os
import typing as t

from ...plugins.module_utils._core._errors import InputError
from ...plugins.module_utils._core._secret import Secret
from ...plugins.module_utils._pki._files import read_secret_bytes
from ...plugins.module_utils._preflight._report import as_lines
from ...plugins.module_utils._preflight.modules import order_of, preflight
from ...plugins.module_utils._tls._policies import CAMERA_MODELS
from ._exit import DEPRECATED_ONLY, DONE, UNREACHABLE
from ._learn import address_and_port

__all__ = ["HELP", "add_arguments", "run"]

HELP: t.Final = "tell which suites a server takes, what a camera would get there, and what would mend it"
_EXIT_CODES: t.Final = {"recommended": DONE, "only_deprecated": DEPRECATED_ONLY, "unreachable": UNREACHABLE}
PASSWORD_VARIABLE: t.Final = "CAMSEC_UPLOAD_PASSWORD"  # noqa: S105  (a variable's name)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the command line.

    Args:
        parser: Of this command.
    """
    parser.add_argument("server", metavar="HOST[:PORT]", help="the server; port 21 unless given")
    parser.add_argument("--port", type=int, metavar="N", help="the same as in HOST:PORT")
    parser.add_argument("--ca-file", metavar="FILE", help="certification.pem of the camera's card: the chain is tried")
    parser.add_argument("--server-name", metavar="NAME", help="name that the certificate should have (default: HOST)")
    parser.add_argument(
        "--camera-model", action="append", choices=tuple(CAMERA_MODELS), help="may be given again (default: all)"
    )
    parser.add_argument("--user", help="account to look at the data channel with; nothing is written")
    password = parser.add_mutually_exclusive_group()
    password.add_argument("--password-file", metavar="FILE", help="file with mode 0600 that holds the password")
    password.add_argument(
        "--password-env", metavar="NAME", help=f"variable that holds the password (default: {PASSWORD_VARIABLE})"
    )
    parser.add_argument("--timeout", type=float, default=10.0, metavar="SECONDS", help="for each answer (default: 10)")
    parser.add_argument("--time-limit", type=float, default=120.0, metavar="SECONDS", help="in all (default: 120)")
    parser.add_argument("--parallel", type=int, default=6, metavar="N", help="connections at a time (default: 6)")
    parser.add_argument("--format", choices=("text", "json"), default="text", help="(default: text)")


def run(options: argparse.Namespace) -> int:
    """Look at the server and print the report.

    Args:
        options: The command line.

    Returns:
        0 recommended, 10 only deprecated, 11 unreachable.

    Raises:
        CamsecError: Nothing could be found out, see :mod:`._exit`.
    """
    host, port = _place(options.server, options.port)
    told = preflight(
        order_of(
            host=host,
            port=port,
            server_name=options.server_name,
            ca_path=options.ca_file,
            models=options.camera_model or (),
            user=options.user,
            password=_password(options),
            timeout=options.timeout,
            time_limit=options.time_limit,
            parallel=options.parallel,
        )
    )
    print(json.dumps(told, indent=2) if options.format == "json" else "\n".join(as_lines(told)))
    return _EXIT_CODES[told["verdict"]]


def _place(server: str, port: int | None) -> tuple[str, int]:
    host, told = address_and_port(server, default_port=21 if port is None else port)
    if port not in (None, told):
        raise InputError(device=server, subject="port", found=f"{told} and --port {port}", expected="one of the two")
    return host, told


def _password(options: argparse.Namespace) -> Secret | None:
    if options.password_file is not None:
        content = read_secret_bytes(options.password_file, subject="password of the server")
        return Secret(content.decode("utf-8", "replace").partition("\n")[0].rstrip("\r"))
    name = options.password_env or (PASSWORD_VARIABLE if options.user is not None else None)
    if name is None:
        return None
    value = os.environ.get(name)
    if value is None:
        raise InputError(
            device=f"environment variable {name}",
            subject="password of the server",
            found="not set",
            expected="the account's password there, or --password-file",
        )
    return Secret(value)
