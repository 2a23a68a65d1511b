# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What `send` and `watch` have in common: the server, what is demanded of it, receipts, and how to send."""

from __future__ import annotations

import argparse
import contextlib
import getpass
import os
import signal
import sys
import threading
import typing as t

from ...plugins.module_utils._core._errors import InputError
from ...plugins.module_utils._core._secret import Secret
from ...plugins.module_utils._evidence._ledger import JobLedger
from ...plugins.module_utils._evidence._send import STAMP_CHOICES, Wish
from ...plugins.module_utils._evidence._worker import RunOptions
from ...plugins.module_utils._ftpes._facts import MINIMUM_PROOFS, READ_BACK_CHOICES, SESSION_REUSE_CHOICES, Server
from ...plugins.module_utils._pki._files import read_secret_bytes
from ...plugins.module_utils._tls._policies import POLICIES, policy_of

__all__ = ["PASSWORD_VARIABLE", "add_sending_arguments", "ledger_of", "state_argument", "stop_on_signals", "wish_from"]

PASSWORD_VARIABLE: t.Final = "CAMSEC_UPLOAD_PASSWORD"  # noqa: S105  # its name
DEFAULT_STATE: t.Final = "~/.local/state/camsec-upload"
_UNITS: t.Final = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9, "ki": 1 << 10, "mi": 1 << 20, "gi": 1 << 30}


def state_argument(parser: argparse.ArgumentParser) -> None:
    """Describe where the ledger lies.

    Args:
        parser: Of a command.
    """
    parser.add_argument(
        "--state-directory",
        metavar="DIR",
        default=DEFAULT_STATE,
        help=f"directory of the ledger and of the signer (default: {DEFAULT_STATE})",
    )


def ledger_of(options: argparse.Namespace, *, read_only: bool = True) -> JobLedger:
    """Open the ledger that questions are put to. One that is missing has no answers, least of all "never".

    Args:
        options: The command line.
        read_only: Nothing is to be written.

    Returns:
        The ledger, to be closed.

    Raises:
        InputError: There is none, or it cannot be read.
    """
    directory = os.path.expanduser(options.state_directory)  # noqa: PTH111  # stays a text
    ledger = JobLedger(directory, read_only=True)
    if not ledger.exists():
        raise InputError(
            device=str(ledger.path),
            subject="job ledger",
            found="no such file",
            expected="the state directory of an earlier `send` or `watch` (--state-directory)",
        )
    if read_only:
        return ledger
    ledger.close()
    return JobLedger(directory)


def add_sending_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe everything but what is sent.

    Args:
        parser: Of a command that sends.
    """
    state_argument(parser)
    parser.add_argument("--remote-directory", metavar="DIR", required=True, help="directory on the server")
    _add_server(parser.add_argument_group("server"))
    _add_receipts(parser.add_argument_group("receipts"))
    _add_run(parser.add_argument_group("sending"))
    parser.add_argument(
        "--output",
        choices=("auto", "bar", "plain", "json"),
        default="auto",
        help="progress bar, lines, or lines of JSON (default: a bar on a terminal, else lines)",
    )


def _add_server(group: argparse._ArgumentGroup) -> None:
    group.add_argument("--host", required=True, help="address or host name")
    group.add_argument("--port", type=int, default=21, help="(default: 21)")
    group.add_argument("--user", required=True)
    group.add_argument(
        "--password-file",
        metavar="FILE",
        help=f"file with mode 0600; without it the variable {PASSWORD_VARIABLE}, or a question on a terminal",
    )
    group.add_argument("--policy", choices=(*POLICIES, "custom"), default="recommended", help="(default: recommended)")
    group.add_argument(
        "--suite", metavar="NAME", action="append", default=[], help="of the policy custom; may be repeated"
    )
    group.add_argument("--ca-file", metavar="PEM", help="authorities that may have issued the server's certificate")
    group.add_argument("--crl-file", metavar="PEM", help="revocation lists; with --ca-file")
    group.add_argument(
        "--pin", metavar="SHA256", action="append", default=[], help="of the server's public key; may be repeated"
    )
    group.add_argument("--server-name", metavar="NAME", help="name in the certificate (default: the host)")
    group.add_argument("--timeout", type=float, default=30.0, metavar="S", help="for each answer (default: 30)")
    group.add_argument("--session-reuse", choices=SESSION_REUSE_CHOICES, default="when_offered")
    group.add_argument("--read-back", choices=READ_BACK_CHOICES, default="without_hash")
    group.add_argument("--minimum-proof", choices=MINIMUM_PROOFS, default="hash")


def _add_receipts(group: argparse._ArgumentGroup) -> None:
    group.add_argument("--signer-key", metavar="PEM", help="(default: signer.key in the state directory)")
    group.add_argument("--signer-certificate", metavar="PEM", help="(default: signer.pem in the state directory)")
    group.add_argument("--unsigned", action="store_true", help="leave receipts unsigned: nobody vouches for them")
    group.add_argument("--timestamp-url", metavar="URL", help="time stamp service of RFC 3161")
    group.add_argument("--timestamp-ca-file", metavar="PEM", help="certificates that its answers must lead to")
    group.add_argument("--timestamp-scope", choices=STAMP_CHOICES, default="each", help="(default: each)")
    group.add_argument(
        "--bag-info", metavar="LABEL=TEXT", action="append", default=[], help="line of bag-info.txt; may be repeated"
    )


def _add_run(group: argparse._ArgumentGroup) -> None:
    group.add_argument("--sessions", type=int, default=4, metavar="N", help="connections at once (default: 4)")
    group.add_argument("--attempts", type=int, default=5, metavar="N", help="tries of each file (default: 5)")
    group.add_argument("--retry-delay", type=float, default=1.0, metavar="S", help="after the first try (default: 1)")
    group.add_argument("--longest-delay", type=float, default=60.0, metavar="S", help="between tries (default: 60)")
    group.add_argument("--limit-rate", type=_rate, metavar="BYTES", help="a second, in total; k, M, G, Ki, Mi, Gi")
    group.add_argument("--limit-connection-rate", type=_rate, metavar="BYTES", help="a second, for each connection")
    group.add_argument("--time-limit", type=float, metavar="S", help="end after this time; the next run goes on")
    group.add_argument("--follow-links", action="store_true", help="follow symbolic links")


def wish_from(options: argparse.Namespace, paths: t.Sequence[str], *, manifest: bool) -> Wish:
    """What the command line asks for.

    Args:
        options: The command line.
        paths: What is to be sent.
        manifest: Make bags.

    Returns:
        The wish.

    Raises:
        CamsecError: A value cannot be used.
    """
    server = Server(
        host=options.host,
        port=options.port,
        user=options.user,
        password=_password(options),
        policy=policy_of(options.policy, options.suite),
        ca_path=options.ca_file,
        crl_path=options.crl_file,
        spki_sha256=tuple(pin.replace(":", "").lower() for pin in options.pin),
        server_name=options.server_name,
        timeout=options.timeout,
        session_reuse=options.session_reuse,
        read_back=options.read_back,
        minimum_proof=options.minimum_proof,
    )
    return Wish(
        server=server,
        remote_directory=options.remote_directory,
        state_directory=os.path.expanduser(options.state_directory),  # noqa: PTH111  # stays a text
        paths=tuple(paths),
        manifest=manifest,
        follow_links=options.follow_links,
        signer_key_path=options.signer_key,
        signer_certificate_path=options.signer_certificate,
        unsigned=options.unsigned,
        timestamp_url=options.timestamp_url,
        timestamp_ca_path=options.timestamp_ca_file,
        timestamp_scope=options.timestamp_scope,
        bag_info=dict(_pair(text) for text in options.bag_info),
        run=RunOptions(
            sessions=options.sessions,
            attempts=options.attempts,
            first_delay=options.retry_delay,
            longest_delay=options.longest_delay,
            total_rate=options.limit_rate,
            connection_rate=options.limit_connection_rate,
            time_limit=options.time_limit,
        ),
    )


@contextlib.contextmanager
def stop_on_signals() -> t.Iterator[threading.Event]:
    """An event that SIGINT and SIGTERM set; the second signal ends the process as usual.

    Yields:
        The event.
    """
    stop = threading.Event()
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}

    def told(number: int, dummy: object) -> None:
        stop.set()
        signal.signal(number, before[signal.Signals(number)])

    for number in before:
        signal.signal(number, told)
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _password(options: argparse.Namespace) -> Secret:
    if options.password_file is not None:
        content = read_secret_bytes(options.password_file, subject="password of the server")
        return Secret(content.decode("utf-8", "surrogateescape").rstrip("\r\n"))
    if PASSWORD_VARIABLE in os.environ:
        return Secret(os.environ[PASSWORD_VARIABLE])
    if sys.stdin.isatty():
        return Secret(getpass.getpass(f"Password of {options.user} at {options.host}: "))
    raise InputError(
        device=options.host,
        subject="password",
        found="none",
        expected=f"--password-file, the variable {PASSWORD_VARIABLE}, or a terminal to ask at",
    )


def _pair(text: str) -> tuple[str, str]:
    label, mark, value = text.partition("=")
    if not mark:
        raise InputError(device="bag-info.txt", subject="line", found=repr(text), expected="LABEL=TEXT")
    return label, value


def _rate(text: str) -> int:
    number = text.rstrip("kKmMgGiI")
    unit = text[len(number) :].lower()
    try:
        rate = int(float(number) * _UNITS[unit])
    except (ValueError, KeyError, OverflowError):
        raise argparse.ArgumentTypeError(f"{text!r} is no number of bytes a second, such as 500k or 10M") from None
    if rate < 1:
        raise argparse.ArgumentTypeError("a limit must be at least one byte a second")
    return rate
