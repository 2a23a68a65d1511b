# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A data connection: passive, encrypted, a resumption of the control connection's TLS session (RFC 4217 7, 12.6)."""

from __future__ import annotations

import dataclasses as dc
import errno
import ipaddress
import os
import socket
import ssl
import time
import typing as t

from .._core._errors import CamsecError, ConnectError, ProtocolError, TrustError
from ._channel import READABLE, WRITABLE, Channel, wait
from ._context import channel_facts, check_pin, note_single_use, tls_error
from ._control import Control
from ._errors import NotResumedError, refusal
from ._facts import ChannelFacts
from ._replies import Reply, passive_address, passive_port

__all__ = ["DataConnection", "passive"]

# After a data connection broke, the reason comes over the control connection, or it does not.
_REASON_SECONDS: t.Final = 5.0
_ANSWER_SECONDS: t.Final = 1.0
_ENDED_WELL: t.Final = frozenset({226, 250})


def passive(control: Control, extended: Reply) -> int:
    """Where the server listens for the next data connection; always at the control connection's own address.

    Args:
        control: The control connection.
        extended: The answer to EPSV, which comes first; PASV is asked for where the server has no EPSV.

    Returns:
        The port.

    Raises:
        RefusedError: It has neither.
        ProtocolError: The answer names no port, or another address (a foreign server would get the data).
    """
    if extended.code == 229:
        port = passive_port(extended)
        if port is None:
            raise control.protocol_error("EPSV", extended, "229 with a port alone")
        return port
    if extended.kind != 5 or ipaddress.ip_address(control.address.split("%")[0]).version == 6:
        raise refusal(control.server.device, "EPSV", extended, "229")
    reply = control.ask("PASV")
    if reply.code != 227:
        raise refusal(control.server.device, "PASV", reply, "227")
    there = passive_address(reply)
    if there is None:
        raise control.protocol_error("PASV", reply, "227 with an address and a port")
    address, port = there
    if address != control.address:
        raise ProtocolError(
            device=control.server.device,
            subject="PASV",
            found=f"the address {address}",
            expected=f"{control.address}, where the control connection goes",
            advice="Data goes to no other host; set the server's passive address right.",
        )
    return port


class DataConnection:
    """One data connection and the command that it belongs to.

    Args:
        control: The control connection.
        port: Where the server listens.

    Attributes:
        facts: What TLS is like; there after :meth:`begin`.

    Raises:
        ConnectError: No connection.
    """

    facts: ChannelFacts

    def __init__(self, control: Control, port: int) -> None:
        self._control = control
        self._server = control.server
        self._port = port
        # The very address of the control connection, with the scope of an IPv6 one. Nobody waits for the connection
        # here: the command goes out meanwhile.
        connection = socket.socket(control.family, socket.SOCK_STREAM)
        self._channel = Channel(connection)
        code = connection.connect_ex((control.peer[0], port, *control.peer[2:]))
        if code not in (0, errno.EINPROGRESS):
            self._channel.close()
            raise ConnectError(
                device=self._server.device,
                subject="data connection",
                found=f"no connection to port {port} ({os.strerror(code)})",
                expected="a server that listens where it says",
            )
        self._session: ssl.SSLSession | None = None
        self._final: Reply | None = None

    def begin(self, *commands: tuple[str, str]) -> None:
        """Send the transfer's command and bring TLS up, both at once.

        Some servers give their preliminary answer before the handshake, some after it.

        Args:
            commands: The last one is the transfer's.

        Raises:
            NotResumedError: The server did not resume; nothing was sent over the connection.
            CamsecError: The server refused the command, is not to be trusted, or the connection broke.
        """
        self._session = self._control.tickets.take()
        if self._session is None and self._server.session_reuse == "require":
            raise self._not_resumed("a server that gave nothing to resume with")
        self._channel.wrap(self._control.context, self._server.certificate_name, self._session)
        for verb, argument in commands[:-1]:
            reply = self._control.ask(verb, argument)
            if reply.kind != 3:
                raise refusal(self._server.device, f"{verb} {argument}", reply, "350")
        self._control.send(commands[-1])
        try:
            self._negotiate(" ".join(commands[-1]))
        except TimeoutError:
            raise ConnectError(
                device=self._server.device,
                subject=f"data connection to port {self._port}",
                found=f"nothing within {self._server.timeout:g} s",
                expected="a connection with TLS",
                advice="Does a firewall block the server's passive ports?",
            ) from None
        except OSError as error:
            raise self._reason(error) from error

    def _negotiate(self, subject: str) -> None:
        end = time.monotonic() + self._server.timeout
        shaken = preliminary = False
        while True:
            if not shaken:
                shaken = self._shake_hands()
            reply = self._control.reply_now() if not preliminary else None
            if reply is not None and reply.kind != 1:
                raise refusal(self._server.device, subject, reply, "150")
            preliminary = preliminary or reply is not None
            if shaken and preliminary:
                # The end of the handshake goes out together with the first data.
                return
            self._channel.flush(self._server.timeout)
            events = {self._control.channel: READABLE} if not preliminary else {}
            if not shaken:
                events[self._channel] = READABLE
            if not wait(events, end - time.monotonic()):
                raise TimeoutError("no answer")
            if not shaken:
                self._channel.pull()

    def _shake_hands(self) -> bool:
        if not self._channel.handshake():
            return False
        tls = self._channel.tls
        control = self._control.facts
        spki = control.spki_sha256
        if not tls.session_reused:
            spki = check_pin(self._server, tls.getpeercert(binary_form=True))
        self.facts = channel_facts(self._server, tls, channel="data", spki=spki)
        if spki != control.spki_sha256:
            raise TrustError(
                device=self._server.device,
                subject="public key of the data connection",
                found=spki,
                expected=f"{control.spki_sha256}, that of the control connection",
            )
        if not self.facts.resumed and self._session is not None:
            if self._control.tickets.used_again:
                note_single_use(self._control.context)
            if self._server.session_reuse != "prefer":
                raise self._not_resumed("a full handshake")
        return True

    def send(self, block: memoryview | bytes, *, more: bool) -> None:
        """Send more.

        Args:
            block: All of it is sent, or at least handed to the operating system.
            more: More blocks follow. The last one goes out together with :meth:`finish_sending`'s close_notify.

        Raises:
            CamsecError: The server broke off, with its reason; or nothing went on for the whole timeout.
        """
        try:
            self._channel.write(block)
            if more:
                self._push()
        except OSError as error:
            raise self._reason(error) from error

    def _push(self) -> None:
        while not self._channel.push():
            ready = wait({self._channel: WRITABLE, self._control.channel: READABLE}, self._server.timeout)
            if not ready:
                raise self._stalled()
            if self._control.channel in ready:
                self._answer_while_sending(self._control.reply_now())

    def _answer_while_sending(self, reply: Reply | None) -> None:
        if reply is not None:
            raise refusal(self._server.device, "transfer", reply, "no answer before everything was sent")

    def finish_sending(self) -> None:
        """Say that this was all (close_notify), wait for the server's, and for its answer that the file is complete.

        Raises:
            CamsecError: The server did not say 226 or 250, or the connection broke.
        """
        try:
            said = self._channel.say_goodbye()
            self._push()
            if not said and not self._await_goodbye(min(_ANSWER_SECONDS, self._server.close_timeout)):
                # Some servers wait for TCP's end instead.
                self._channel.end_sending()
                self._await_goodbye(self._server.close_timeout - _ANSWER_SECONDS)
        except OSError:
            # The server closed without listening to the end; its answer says whether that was all right.
            self._channel.ended = True
        self._finish()

    def _await_goodbye(self, seconds: float) -> bool:
        """The server's close_notify, which also brings its new ticket."""
        end = time.monotonic() + seconds
        while True:
            if not wait({self._channel: READABLE}, end - time.monotonic()):
                return False
            self._channel.pull()
            if self._channel.say_goodbye():
                return True

    def receive(self) -> t.Iterator[bytes]:
        """Receive until the server ends, then wait for its answer that this was all.

        Yields:
            What arrives, in pieces.

        Raises:
            CamsecError: The server broke off, or nothing went on for the whole timeout.
        """
        try:
            self._channel.flush(self._server.timeout)
            while True:
                data = self._channel.receive(self._server.timeout)
                if not data:
                    break
                yield data
            self._channel.say_goodbye()
            self._channel.push()
        except TimeoutError:
            raise self._stalled() from None
        except OSError as error:
            raise self._reason(error) from error
        self._finish()

    def _finish(self) -> None:
        if self._control.tickets.wants_more:
            self._control.tickets.add(self._channel.tls.session)
        if not self._channel.ended_cleanly:
            self.facts = dc.replace(self.facts, closed_cleanly=False)
        self._channel.close()
        reply = self._control.reply()
        if reply.code not in _ENDED_WELL:
            raise refusal(self._server.device, "end of the transfer", reply, "226 or 250")

    def close(self) -> None:
        """Close at once."""
        self._channel.close()

    def _reason(self, error: OSError) -> CamsecError:
        """Why a data connection broke: what the server says, or else the error itself."""
        if isinstance(error, TimeoutError):
            return self._stalled()
        try:
            reply = self._control.reply(seconds=min(_REASON_SECONDS, self._server.timeout))
            while reply.kind == 1:
                reply = self._control.reply(seconds=min(_REASON_SECONDS, self._server.timeout))
        except CamsecError:
            return tls_error(self._server, error, channel="data")
        if reply.kind in (4, 5):
            return refusal(self._server.device, "transfer", reply, "226 or 250")
        return tls_error(self._server, error, channel="data")

    def _stalled(self) -> ConnectError:
        return ConnectError(
            device=self._server.device,
            subject="data connection",
            found=f"no progress for {self._server.timeout:g} s",
            expected="data that flows",
        )

    def _not_resumed(self, found: str) -> NotResumedError:
        return NotResumedError(
            device=self._server.device,
            subject="TLS session of the data connection",
            found=found,
            expected="a resumption of the control connection's session",
            advice="session_reuse=prefer goes on without.",
        )
