# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The control connection: greeting, TLS, login, commands and replies (RFC 959, RFC 4217)."""

from __future__ import annotations

import contextlib
import socket
import ssl
import time
import typing as t

from .._core._errors import CamsecError, ConnectError, InputError, LoginError, ProtocolError, TrustError
from ._channel import Channel
from ._context import channel_facts, check_pin, forget_contexts, narrow, takes_tickets_once, tls_error
from ._errors import refusal
from ._facts import ChannelFacts, Server
from ._groups import wanted_group
from ._replies import Reply, ReplyReader
from ._tickets import Tickets

__all__ = ["Control"]

# All that is ever sent. CCC, which would go back to clear text (RFC 4217 4.5), is not among them, nor is an active
# data connection (PORT, EPRT).
_ALL_VERBS: t.Final = """
    APPE AUTH CWD DELE EPSV FEAT HASH MD5 MFMT MKD MLSD MLST NLST OPTS PASS PASV PBSZ PROT PWD QUIT REST RETR
    RNFR RNTO SIZE STOR TYPE USER XCRC XMD5 XSHA XSHA1 XSHA256 XSHA384 XSHA512
"""
_VERBS: t.Final = frozenset(_ALL_VERBS.split())
_FORBIDDEN: t.Final = frozenset("\r\n\0")


class Control:
    """One control connection. :meth:`open` connects, brings TLS up and logs in.

    Args:
        server: Where to, and what is demanded.
        context: The server's TLS context.

    Attributes:
        facts: What TLS is like.
        tickets: What data connections may resume.
        family: Of the address.
        peer: Where the connection went, as :mod:`socket` has it.
        banner: The greeting, of which nobody vouches.
    """

    facts: ChannelFacts
    tickets: Tickets[ssl.SSLSession]

    def __init__(self, server: Server, context: ssl.SSLContext) -> None:
        self.server = server
        self.context = context
        self.family = socket.AF_INET
        self.peer: tuple[t.Any, ...] = ("", 0)
        self.banner = ""
        self._reader = ReplyReader(server.device)
        self._channel: Channel | None = None
        self._logged_in = False

    @property
    def address(self) -> str:
        """Where the connection went."""
        return str(self.peer[0])

    @property
    def channel(self) -> Channel:
        """The connection, for waiting."""
        if self._channel is None:
            raise AssertionError("not open")
        return self._channel

    def open(self) -> None:
        """Connect, bring TLS up, log in.

        Raises:
            ConnectError: No connection, or it broke.
            TrustError: The server is not one to trust, or TLS outside the policy.
            LoginError: The account was refused.
            RefusedError: The server wants no TLS, or none on data connections.
            ProtocolError: That is no FTP server.
        """
        try:
            self._connect()
            self._greet()
            self._start_tls()
            self._log_in()
            self._protect()
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Close at once."""
        if self._channel is not None:
            self._channel.close()

    def quit(self) -> None:
        """Say goodbye and close, without waiting for an answer."""
        with contextlib.suppress(CamsecError, OSError):
            self._channel_write(b"QUIT\r\n")
            self.channel.say_goodbye()
            self.channel.push()
        self.close()

    def ask(self, verb: str, argument: str = "", *, seconds: float | None = None) -> Reply:
        """Send a command and wait for its answer.

        Args:
            verb: The command.
            argument: What follows it.
            seconds: Instead of the server's timeout.

        Returns:
            The answer, whatever it says.

        Raises:
            ConnectError: The connection broke, the time is over, or the server gives up (421).
            ProtocolError: That is no FTP.
            InputError: The argument holds an end of line.
        """
        self.send((verb, argument))
        return self.reply(seconds=seconds)

    def ask_all(self, *commands: tuple[str, str], seconds: float | None = None) -> list[Reply]:
        """Send commands that do not depend on each other, and wait for all answers.

        Args:
            commands: Verbs and arguments.
            seconds: For each answer, instead of the server's timeout.

        Returns:
            The answers in the same order.

        Raises:
            ConnectError: As with :meth:`ask`.
            ProtocolError: As with :meth:`ask`.
            InputError: As with :meth:`ask`.
        """
        if not self.server.pipelining:
            return [self.ask(*command, seconds=seconds) for command in commands]
        self.send(*commands)
        return [self.reply(seconds=seconds) for dummy in commands]

    def send(self, *commands: tuple[str, str]) -> None:
        """Send commands without waiting for answers.

        Args:
            commands: Verbs and arguments.

        Raises:
            ConnectError: The connection broke.
            InputError: An argument holds an end of line.
        """
        self._channel_write(b"".join(self._line(verb, argument) for verb, argument in commands))

    def reply(self, *, seconds: float | None = None) -> Reply:
        """Wait for the next answer.

        Args:
            seconds: Instead of the server's timeout.

        Returns:
            The answer.

        Raises:
            ConnectError: The connection broke, the time is over, or the server gives up (421).
            ProtocolError: That is no FTP.
        """
        allowed = self.server.timeout if seconds is None else seconds
        end = time.monotonic() + allowed
        while True:
            reply = self._next()
            if reply is not None:
                return reply
            try:
                data = self.channel.receive(end - time.monotonic())
            except TimeoutError:
                raise self._broken("no answer", f"an answer within {allowed:g} s") from None
            except OSError as error:
                raise self._failed(error) from error
            if not data:
                raise self._ended()
            self._reader.feed(data)

    def reply_now(self) -> Reply | None:
        """The next answer if it is there already.

        Returns:
            The answer or nothing.

        Raises:
            ConnectError: The connection broke, or the server gives up (421).
            ProtocolError: That is no FTP.
        """
        reply = self._next()
        if reply is not None:
            return reply
        try:
            self.channel.pull()
            data = self.channel.read()
        except OSError as error:
            raise self._failed(error) from error
        if not data and self.channel.ended:
            raise self._ended()
        self._reader.feed(data)
        return self._next()

    def _next(self) -> Reply | None:
        reply = self._reader.next()
        if reply is None:
            return None
        if not self._logged_in:
            # A server may repeat what it did not understand.
            reply = reply.without(self.server.password.reveal())
        if reply.code == 421:
            raise refusal(self.server.device, "control connection", reply, "an open connection")
        return reply

    def _line(self, verb: str, argument: str) -> bytes:
        if verb not in _VERBS:
            raise ValueError(f"{verb} is not a command that is ever sent")
        if not _FORBIDDEN.isdisjoint(argument):
            raise InputError(
                device=self.server.device, subject=f"argument of {verb}", found="an end of line", expected="one line"
            )
        return f"{verb} {argument}\r\n".encode() if argument else f"{verb}\r\n".encode()

    def _channel_write(self, data: bytes) -> None:
        try:
            self.channel.write(data)
            self.channel.flush(self.server.timeout)
        except TimeoutError:
            raise self._broken("nothing can be sent", "a server that reads") from None
        except OSError as error:
            raise self._failed(error) from error

    def _connect(self) -> None:
        server = self.server
        try:
            connection = socket.create_connection((server.host, server.port), timeout=server.timeout)
        except (OSError, UnicodeError) as error:
            found = "no answer" if isinstance(error, TimeoutError) else getattr(error, "strerror", None) or str(error)
            raise ConnectError(
                device=server.device, subject="control connection", found=found, expected="a server that answers"
            ) from error
        self.peer = connection.getpeername()
        self.family = connection.family
        _keep_alive(connection)
        self._channel = Channel(connection, alone=True)

    def _greet(self) -> None:
        reply = self.reply()
        while reply.code == 120:
            reply = self.reply()
        if reply.kind != 2:
            raise refusal(self.server.device, "greeting", reply, "220")
        self.banner = reply.shown

    def _start_tls(self) -> None:
        """AUTH TLS (RFC 4217 4), before anything else."""
        reply = self.ask("AUTH", "TLS")
        if reply.code != 234:
            raise refusal(self.server.device, "AUTH TLS", reply, "234, so that nothing goes in the clear")
        if not self._reader.empty:
            raise TrustError(
                device=self.server.device,
                subject="AUTH TLS",
                found="more answers than questions, sent before TLS",
                expected="nothing between the answer and TLS",
                advice="Somebody may try to inject answers.",
            )
        # From here only what TLS protects counts.
        self._reader = ReplyReader(self.server.device)
        try:
            self._shake_hands()
        except TimeoutError:
            raise self._broken("no TLS handshake", f"one within {self.server.timeout:g} s") from None
        except OSError as error:
            # The server may have changed its mind about the group that its context was narrowed to.
            forget_contexts()
            raise self._failed(error) from error

    def _shake_hands(self) -> None:
        channel, end = self.channel, time.monotonic() + self.server.timeout
        channel.wrap(self.context, self.server.certificate_name)
        while not channel.handshake():
            channel.flush(self.server.timeout)
            channel.await_more(end - time.monotonic())
        spki = check_pin(self.server, channel.tls.getpeercert(binary_form=True))
        self.facts = channel_facts(self.server, channel.tls, channel="control", spki=spki)
        channel.flush(self.server.timeout)
        group = wanted_group(channel.first)
        if group is not None:
            narrow(self.context, group)
        older = self.facts.protocol != "TLSv1.3"
        again = self.server.ticket_use == "again" and not takes_tickets_once(self.context)
        self.tickets = Tickets(many=older, again=again)
        if older:
            self.tickets.add(channel.tls.session)
        else:
            channel.watch(self.tickets.add)

    def _log_in(self) -> None:
        reply = self.ask("USER", self.server.user)
        if reply.code == 331:
            reply = self.ask("PASS", self.server.password.reveal())
        if reply.code in (230, 232):
            self._logged_in = True
            return
        if reply.code == 332:
            raise self._login_error(reply, "an account without ACCT")
        # 530 and its kin are the account's fault; a server that is only busy says 4yz.
        if reply.kind == 5:
            raise self._login_error(reply, "230")
        raise refusal(self.server.device, "login", reply, "230")

    def _protect(self) -> None:
        """PBSZ 0 and PROT P (RFC 4217 9): data connections are encrypted as well."""
        size, level, kind = self.ask_all(("PBSZ", "0"), ("PROT", "P"), ("TYPE", "I"))
        for subject, reply in (("PBSZ 0", size), ("PROT P", level), ("TYPE I", kind)):
            if reply.kind != 2:
                raise refusal(self.server.device, subject, reply, "200")

    def _login_error(self, reply: Reply, expected: str) -> LoginError:
        return LoginError(
            device=self.server.device,
            subject=f"login of {self.server.user}",
            found=reply.shown,
            expected=expected,
            advice="It is not tried again by itself, since a server may lock the account.",
        )

    def _ended(self) -> ConnectError:
        # What comes in the clear after close_notify is not even looked at.
        found = "TLS ended by the server" if self.channel.ended_cleanly else "closed by the server"
        return self._broken(found, "TLS until the end, and an answer")

    def _broken(self, found: str, expected: str) -> ConnectError:
        return ConnectError(device=self.server.device, subject="control connection", found=found, expected=expected)

    def _failed(self, error: OSError) -> CamsecError:
        return tls_error(self.server, error, channel="control")

    def protocol_error(self, subject: str, reply: Reply, expected: str) -> ProtocolError:
        """The error for an answer that fits nothing.

        Args:
            subject: What was asked for.
            reply: The answer.
            expected: What would fit.

        Returns:
            The error.
        """
        return ProtocolError(device=self.server.device, subject=subject, found=reply.shown, expected=expected)


def _keep_alive(connection: socket.socket) -> None:
    """A control connection is silent while hours of data flow; firewalls forget silent ones."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in (("TCP_KEEPIDLE", 60), ("TCP_KEEPINTVL", 30), ("TCP_KEEPCNT", 4)):
        option = getattr(socket, name, None)
        if option is not None:
            connection.setsockopt(socket.IPPROTO_TCP, option, value)
