# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The other way round: a camera connects to us, and we read what it offers. No handshake is ever completed."""

from __future__ import annotations

import contextlib
import dataclasses as dc
import socket
import time
import typing as t

from .._core._errors import CamsecError, ConnectError, InputError, ProtocolError
from .._tls._hello import ClientHello, alert, read_client_hello
from .._tls._policies import CAMERA_MODELS
from .._tls._registry import group_name, suite_name, version_name
from .._tls._suites import TLS13_SUITES, suite_of_code_point
from .._tls._verdicts import is_deprecated
from ._wire import printable

__all__ = ["Learned", "Listener", "as_lines", "report"]

_HANDSHAKE: t.Final = 22
_HANDSHAKE_FAILURE: t.Final = 40
_LONGEST_LINE, _LONGEST_HELLO = 4096, 1 << 16
# A port scanner that says nothing must not keep the camera waiting.
_PATIENCE: t.Final = 20.0
_TLS13: t.Final = 0x0304


@dc.dataclass(frozen=True, kw_only=True)
class Learned:
    """What a client showed.

    Attributes:
        peer: Its address.
        implicit: It began with TLS at once, without AUTH TLS.
        commands: What it said before TLS, without arguments.
        hello: Its offer.
    """

    peer: str
    implicit: bool
    commands: tuple[str, ...]
    hello: ClientHello


class Listener:
    """Waits for one client; a context manager.

    Args:
        address: IPv4 or IPv6 address to listen on.
        port: TCP port, 0 for any.

    Raises:
        InputError: It cannot be listened on.
    """

    def __init__(self, address: str, port: int) -> None:
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        self._socket = socket.socket(family, socket.SOCK_STREAM)
        try:
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            self._socket.bind((address, port))
            self._socket.listen(8)
        except (OSError, OverflowError) as error:
            self._socket.close()
            raise InputError(
                device=f"{address}:{port}",
                subject="address to listen on",
                found=(getattr(error, "strerror", None) or str(error)).lower(),
                expected="an own address and a free port",
            ) from error
        self.address, self.port = self._socket.getsockname()[:2]

    def __enter__(self) -> t.Self:
        return self

    def __exit__(self, *dummy: object) -> None:
        self._socket.close()

    def learn(self, *, timeout: float, other: t.Callable[[str], None]) -> Learned:
        """Wait for a client and read its offer.

        Args:
            timeout: Seconds to wait in all.
            other: Is told, in one sentence, of connections that showed no offer; waiting goes on.

        Returns:
            What it showed.

        Raises:
            ConnectError: Nobody came in time.
        """
        until = time.monotonic() + timeout
        while (left := until - time.monotonic()) > 0:
            self._socket.settimeout(left)
            try:
                connection, peer = self._socket.accept()
            except TimeoutError:
                break
            with connection:
                connection.settimeout(min(left, _PATIENCE))
                try:
                    return _Visit(connection, str(peer[0])).learn()
                except CamsecError as error:
                    other(error.message)
        raise ConnectError(
            device=f"{self.address}:{self.port}",
            subject="offer of a camera",
            found=f"none within {timeout:g} s",
            expected="a camera that uploads to this address",
        )


class _Visit:
    """One connection, spoken to like an FTP server until TLS begins."""

    def __init__(self, connection: socket.socket, peer: str) -> None:
        self._connection = connection
        self._peer = peer
        self._bytes = b""
        self._commands: list[str] = []

    def learn(self) -> Learned:
        try:
            self._say("220 camsec-upload learn")
            implicit = not self._until_tls()
            hello = self._hello()
            # No certificate is shown and no secret is agreed on: the client is told no, and knows it at once.
            with contextlib.suppress(OSError):
                self._connection.sendall(alert(_HANDSHAKE_FAILURE))
                self._connection.shutdown(socket.SHUT_WR)
        except OSError as error:
            found = "nothing in time" if isinstance(error, TimeoutError) else "a connection that was closed"
            raise self._error(found) from error
        return Learned(peer=self._peer, implicit=implicit, commands=tuple(self._commands), hello=hello)

    def _until_tls(self) -> bool:
        """Whether the client asked for TLS; it may also begin with it at once."""
        while True:
            if self._bytes[:1] == bytes([_HANDSHAKE]):
                return False
            line, newline, rest = self._bytes.partition(b"\n")
            if not newline:
                self._more(_LONGEST_LINE)
                continue
            self._bytes = rest
            verb, dummy, argument = line.decode("utf-8", "replace").strip().partition(" ")
            verb = printable(verb.upper(), 12)
            self._commands.append(verb)
            if verb == "AUTH" and argument.strip().upper() in ("TLS", "TLS-C", "SSL"):
                self._say("234 Go ahead")
                return True
            self._answer(verb)

    def _answer(self, verb: str) -> None:
        if verb == "FEAT":
            self._say("211-Features:\r\n AUTH TLS\r\n PBSZ\r\n PROT\r\n EPSV\r\n211 End")
        elif verb == "QUIT":
            self._say("221 Goodbye")
            raise self._error("QUIT before TLS")
        else:
            self._say("530 AUTH TLS first")

    def _hello(self) -> ClientHello:
        while True:
            hello = read_client_hello(self._bytes, device=self._peer) if self._bytes else None
            if hello is not None:
                return hello
            self._more(_LONGEST_HELLO)

    def _more(self, most: int) -> None:
        if len(self._bytes) > most:
            raise ProtocolError(
                device=self._peer, subject="connection", found=f"more than {most} bytes", expected="FTP, then TLS"
            )
        content = self._connection.recv(1 << 14)
        if not content:
            raise self._error("a connection that was closed")
        self._bytes += content

    def _say(self, text: str) -> None:
        self._connection.sendall(f"{text}\r\n".encode())

    def _error(self, found: str) -> ConnectError:
        said = f" after {', '.join(self._commands)}" if self._commands else ""
        return ConnectError(
            device=self._peer, subject="connection", found=f"{found}{said}", expected="AUTH TLS and a ClientHello"
        )


def report(learned: Learned) -> dict[str, t.Any]:
    """What a client offers, as plain data.

    Args:
        learned: What it showed.

    Returns:
        Names where they are known, numbers in hexadecimal where they are not.
    """
    hello = learned.hello
    offered = set(hello.suites) - {suite.code_point for suite in TLS13_SUITES}
    models = {
        name: {
            "missing": [one.iana_name for one in model.suites if one.code_point not in offered],
            "more": [
                suite_name(one) for one in hello.suites if one in offered - {one.code_point for one in model.suites}
            ],
        }
        for name, model in CAMERA_MODELS.items()
    }
    exact = [name for name, rest in models.items() if not rest["missing"] and not rest["more"]]
    return {
        "peer": learned.peer,
        "implicit_tls": learned.implicit,
        "commands": list(learned.commands),
        "suites": [_suite(one) for one in hello.suites],
        "signals": [suite_name(one) for one in hello.signals],
        "versions": [version_name(one) for one in hello.versions],
        "tls13": _TLS13 in hello.versions,
        "server_name": printable(hello.server_name),
        "groups": [group_name(one) for one in hello.groups],
        "signature_algorithms": [f"0x{one:04X}" for one in hello.signature_algorithms],
        "extensions": list(hello.extensions),
        "grease": hello.grease,
        "camera_models": exact,
        "compared": models,
    }


def as_lines(told: t.Mapping[str, t.Any]) -> list[str]:
    """The report for people.

    Args:
        told: What :func:`report` returned.

    Returns:
        Its lines.
    """
    nearest = min(told["compared"], key=lambda name: sum(map(len, told["compared"][name].values())))
    rest = told["compared"][nearest]
    if told["camera_models"]:
        match = f"exactly those of {', '.join(told['camera_models'])}"
    else:
        match = (
            f"of no known camera; nearest is {nearest} (missing: {', '.join(rest['missing']) or 'none'}; "
            f"more: {', '.join(rest['more']) or 'none'})"
        )
    return [
        f"{told['peer']} offers {len(told['suites'])} suites: {match}",
        *(f"  {one['code_point']}  {one['name']:<47} {one['maker']}".rstrip() for one in told["suites"]),
        f"  signals: {', '.join(told['signals']) or 'none'}",
        f"  versions: {', '.join(told['versions'])}",
        f"  server name: {told['server_name'] or 'none'}",
        f"  groups: {', '.join(told['groups']) or 'none'}",
        f"  signature algorithms: {', '.join(told['signature_algorithms']) or 'none'}",
        *(["  It began with TLS at once (implicit FTPS), without AUTH TLS."] if told["implicit_tls"] else []),
    ]


def _suite(code_point: int) -> dict[str, str]:
    suite = suite_of_code_point(code_point)
    camera = any(suite in model.suites for model in CAMERA_MODELS.values())
    maker = "" if suite is None or not camera else "deprecated" if is_deprecated(suite) else "recommended"
    return {"code_point": f"0x{code_point:04X}", "name": suite_name(code_point), "maker": maker}
