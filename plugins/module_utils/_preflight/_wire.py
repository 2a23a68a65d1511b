# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One FTP conversation (RFC 959, RFC 4217), as far as a look at a server needs it. Writes no file."""

from __future__ import annotations

import contextlib
import dataclasses as dc
import re
import socket
import ssl
import time
import typing as t

from .._core._errors import ConnectError, ProtocolError, RefusedError
from .._core._secret import Secret
from .._tls._hello import ServerAnswer, ServerFlight, client_hello
from ._gate import Busy, Crowded, Silent

__all__ = ["Conversation", "Reply", "Target", "printable", "resolve"]

_LONGEST_LINE, _LONGEST_REPLY = 8192, 1 << 16
_CODE = re.compile(r"[1-5][0-9]{2}(?=[ -]|$)")
_TOO_MANY = 421


@dc.dataclass(frozen=True, kw_only=True)
class Target:
    """The server that is looked at.

    Attributes:
        host: As the user wrote it.
        port: TCP port of the control connection.
        server_name: Host name or address that the certificate should have.
        timeout: Seconds for connecting and for each answer.
        family: Of the address.
        address: What the name resolved to; one address, so that all connections go to the same server.
    """

    host: str
    port: int
    server_name: str
    timeout: float
    family: socket.AddressFamily
    address: tuple[t.Any, ...]

    @property
    def device(self) -> str:
        """The server as errors name it."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def asked_name(self) -> str:
        """The name to ask for in a ClientHello; empty for an address (RFC 6066 section 3)."""
        with contextlib.suppress(OSError):
            socket.inet_pton(socket.AF_INET6 if ":" in self.server_name else socket.AF_INET, self.server_name)
            return ""
        return self.server_name

    def at(self, port: int) -> tuple[t.Any, ...]:
        """The same address with another port.

        Args:
            port: Of a data connection.

        Returns:
            What a socket connects to.
        """
        return (self.address[0], port, *self.address[2:])


@dc.dataclass(frozen=True, kw_only=True)
class Reply:
    """A reply of the server.

    Attributes:
        code: For example 220.
        lines: Its lines without the code of the first and the last; what is not printable is replaced.
    """

    code: int
    lines: tuple[str, ...]

    @property
    def text(self) -> str:
        """Code and text in one line, bounded."""
        return printable(f"{self.code} {' '.join(line for line in self.lines if line)}")


def printable(text: str, longest: int = 160) -> str:
    """What somebody else wrote, as it may be shown on a terminal.

    Args:
        text: From the wire.
        longest: Characters at most.

    Returns:
        The text without control characters, shortened.
    """
    clean = "".join(letter if letter.isprintable() else "?" for letter in text)
    return clean if len(clean) <= longest else f"{clean[: longest - 1]}…"


def resolve(host: str, port: int, *, server_name: str, timeout: float) -> Target:
    """Find the address that every connection will go to: the first of the name that takes one.

    Args:
        host: Address or host name.
        port: TCP port.
        server_name: Name that the certificate should have.
        timeout: Seconds for connecting and for each answer.

    Returns:
        The target.

    Raises:
        ConnectError: The name does not resolve, or nothing listens there.
    """
    device = f"{host}:{port}"
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise ConnectError(
            device=device, subject="host", found="a name that does not resolve", expected="an address"
        ) from error
    last: OSError | None = None
    for family, *dummy, address in found:
        try:
            with socket.socket(family, socket.SOCK_STREAM) as trial:
                trial.settimeout(timeout)
                trial.connect(address)
        except OSError as error:
            last = error
            continue
        return Target(
            host=host, port=port, server_name=server_name, timeout=timeout, family=family, address=tuple(address)
        )
    raise ConnectError(
        device=device, subject="connection", found=_reason(last), expected="an FTP server that listens there"
    ) from last


class Conversation:
    """A control connection.

    Args:
        target: The server.
        secret: What no error may show, whatever the server sends back.

    Raises:
        Crowded: The server does not serve this connection.
        RefusedError: It does not let us in.
        ProtocolError: It greets with something else than FTP.
    """

    def __init__(self, target: Target, *, secret: Secret | None = None) -> None:
        self._target = target
        self._secret = secret
        self._buffer = b""
        self._socket = self.dial(target.port)
        try:
            self.greeting = self.reply()
            if self.greeting.code == 120:  # "ready in so many minutes"
                self.greeting = self.reply()
            if self.greeting.code != 220:
                raise RefusedError(
                    device=target.device, subject="greeting", found=self.greeting.text, expected="220: an FTP server"
                )
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> t.Self:
        return self

    def __exit__(self, *dummy: object) -> None:
        self.close()

    @property
    def device(self) -> str:
        """The server as errors name it."""
        return self._target.device

    @property
    def tls(self) -> ssl.SSLSocket | None:
        """The connection's TLS, once it is there."""
        return self._socket if isinstance(self._socket, ssl.SSLSocket) else None

    def close(self) -> None:
        """Hang up, without a word."""
        self._socket.close()

    def dial(self, port: int) -> socket.socket:
        """Open a connection to the server's address.

        Args:
            port: TCP port.

        Returns:
            A socket with the time limit set.

        Raises:
            Crowded: Nobody takes it.
        """
        plain = socket.socket(self._target.family, socket.SOCK_STREAM)
        try:
            plain.settimeout(self._target.timeout)
            plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            plain.connect(self._target.at(port))
        except OSError as error:
            plain.close()
            raise self._lost(error, "connection") from error
        return plain

    def command(self, text: str) -> Reply:
        """Send a command.

        Args:
            text: One line, without its end.

        Returns:
            The reply.

        Raises:
            Crowded: The server hung up, or has too many connections (421).
        """
        self.send(text)
        return self.reply(text.partition(" ")[0])

    def send(self, text: str) -> None:
        """Send a command whose reply is read later.

        Args:
            text: One line, without its end.

        Raises:
            Crowded: The server hung up.
        """
        try:
            self._socket.sendall(f"{text}\r\n".encode())
        except OSError as error:
            raise self._lost(error, text.partition(" ")[0]) from error

    def reply(self, subject: str = "greeting") -> Reply:
        """Read a reply, of one line or several (RFC 959 section 4.2).

        Args:
            subject: What it answers, for errors.

        Returns:
            The reply.

        Raises:
            Crowded: No reply, or 421.
            ProtocolError: It is not FTP.
        """
        deadline = time.monotonic() + self._target.timeout
        first = self._line(deadline, subject)
        match = _CODE.match(first)
        if match is None:
            raise ProtocolError(
                device=self.device,
                subject=subject,
                found=f"an answer that is not FTP ({printable(first, 40)!r})",
                expected="a reply that starts with three digits",
            )
        code, lines, size = match[0], [first[4:]], len(first)
        while first[3:4] == "-":
            line = self._line(deadline, subject)
            size += len(line)
            if size > _LONGEST_REPLY:
                raise ProtocolError(
                    device=self.device, subject=subject, found="a reply of more than 64 KiB", expected="a short one"
                )
            last = line.startswith(f"{code} ") or line == code
            lines.append(line[4:] if last else line)
            if last:
                break
        reply = Reply(code=int(code), lines=tuple(self._shown(line) for line in lines))
        if reply.code == _TOO_MANY:
            raise Busy(device=self.device, subject=subject, found=reply.text, expected="a server with room")
        return reply

    def start_tls(self) -> None:
        """Ask for TLS (RFC 4217 section 4); the handshake is the caller's.

        Raises:
            RefusedError: The server has no TLS.
            ProtocolError: Something came in the clear after its yes.
        """
        reply = self.command("AUTH TLS")
        if reply.code != 234:
            raise RefusedError(
                device=self.device,
                subject="AUTH TLS",
                found=reply.text,
                expected="234: a server that takes TLS (FTP-10)",
                advice="The camera never uploads in the clear while its secure protocol is on.",
            )
        if self._buffer:
            raise ProtocolError(
                device=self.device,
                subject="AUTH TLS",
                found="more text in the clear after the server's 234",
                expected="nothing before the handshake",
            )

    def hello(self, suites: t.Sequence[int], version: int) -> ServerAnswer:
        """Offer suites over this connection, which is of no use afterwards.

        Args:
            suites: Code points in the order of preference.
            version: Newest protocol version.

        Returns:
            What the server said.

        Raises:
            Silent: It hung up without a word.
            Crowded: No answer in time.
            ProtocolError: It does not speak TLS.
        """
        return self.hello_on(self._socket, suites, version)

    def hello_on(self, plain: socket.socket, suites: t.Sequence[int], version: int) -> ServerAnswer:
        """Offer suites over any connection to the server.

        Args:
            plain: A connection that waits for a ClientHello.
            suites: Code points in the order of preference.
            version: Newest protocol version.

        Returns:
            What the server said.

        Raises:
            Silent: It hung up without a word.
            Crowded: No answer in time.
            ProtocolError: It does not speak TLS.
        """
        flight = ServerFlight(device=self.device)
        deadline = time.monotonic() + self._target.timeout
        try:
            plain.sendall(client_hello(suites, version=version, server_name=self._target.asked_name))
            while True:
                content = _receive(plain, deadline)
                answer = flight.feed(content) if content else flight.picked
                if answer is not None:
                    return answer
                if not content:
                    raise self._silent()
        except TimeoutError as error:
            raise self._lost(error, "TLS handshake") from error
        except OSError as error:
            if flight.picked is not None:
                return flight.picked
            raise self._silent() from error

    def _silent(self) -> Silent:
        return Silent(
            device=self.device,
            subject="TLS handshake",
            found="a connection that was closed without an alert",
            expected="a ServerHello or an alert",
        )

    def wrap(self, context: ssl.SSLContext) -> ssl.SSLSocket:
        """Make the handshake; from here on the conversation is encrypted.

        Args:
            context: Whom to trust and what to offer.

        Returns:
            The connection.

        Raises:
            ssl.SSLError: The handshake failed.
            Crowded: The server hung up.
        """
        try:
            self._socket = context.wrap_socket(self._socket, server_hostname=self._target.server_name)
        except (ssl.SSLEOFError, ssl.SSLZeroReturnError) as error:
            raise self._lost(error, "TLS handshake") from error
        except ssl.SSLError:
            raise
        except OSError as error:
            raise self._lost(error, "TLS handshake") from error
        return self._socket

    def _line(self, deadline: float, subject: str) -> str:
        while b"\n" not in self._buffer and len(self._buffer) <= _LONGEST_LINE:
            try:
                content = _receive(self._socket, deadline)
            except OSError as error:
                raise self._lost(error, subject) from error
            if not content:
                raise Crowded(
                    device=self.device, subject=subject, found="a connection that was closed", expected="a reply"
                )
            self._buffer += content
        line, dummy, self._buffer = self._buffer.partition(b"\n")
        if len(line) > _LONGEST_LINE:
            raise ProtocolError(
                device=self.device, subject=subject, found="a line of more than 8 KiB", expected="an FTP reply"
            )
        return line.rstrip(b"\r").decode("utf-8", "replace")

    def _shown(self, line: str) -> str:
        if self._secret is not None and len(self._secret):
            line = line.replace(self._secret.reveal(), "***")
        return printable(line, 400)

    def _lost(self, error: OSError, subject: str) -> Crowded:
        return Crowded(device=self.device, subject=subject, found=_reason(error), expected="an answer")


def _receive(connection: socket.socket, deadline: float) -> bytes:
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError
    connection.settimeout(left)
    return connection.recv(1 << 16)


def _reason(error: OSError | None) -> str:
    if isinstance(error, TimeoutError):
        return "no answer in time"
    if isinstance(error, (ssl.SSLEOFError, ssl.SSLZeroReturnError, ConnectionResetError, BrokenPipeError)):
        return "a connection that was closed"
    if isinstance(error, ConnectionRefusedError):
        return "nobody who listens (connection refused)"
    return ((error.strerror if error else "") or type(error).__name__).lower()
