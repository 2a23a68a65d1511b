# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A data connection: must resume its control connection's TLS session; receives into an :class:`Upload`."""

from __future__ import annotations

import logging
import typing as t

from OpenSSL import SSL
from pyftpdlib.handlers import TLS_DTPHandler
from pyftpdlib.handlers.ftp.dispatchers import ActiveDTP, PassiveDTP

from ._channel import DataChannel
from ._limits import Rate
from ._tls import channel_facts
from ._upload import RECORD, Refusal, Upload

__all__ = ["ActiveConnector", "DataHandler", "PassiveListener", "WholeShutdown"]

# Read at most so much before other work of the session gets its turn.
_TURN: t.Final = 1 << 20
_LOG: t.Final = logging.getLogger("pyftpdlib").debug


class WholeShutdown:
    """A mixin: pyftpdlib leaves a connection open whose TLS shutdown fails in some ways; it is then closed."""

    def _do_ssl_shutdown(self) -> None:
        this = t.cast("t.Any", self)
        t.cast("t.Any", super())._do_ssl_shutdown()
        if this._closed or this._ssl_want_read:
            return
        if this._ssl_want_write:
            this.modify_ioloop_events(this.ioloop.WRITE)
            return
        this._ssl_established = this._ssl_closing = False
        this.close()


class PassiveListener(PassiveDTP):  # type: ignore[misc]  # pyftpdlib has no types
    """Waits for a data connection."""

    def handle_timeout(self) -> None:
        """No data connection has come: what waits for it must not wait for ever."""
        self.cmd_channel.drop_waiting()
        super().handle_timeout()

    def handle_accepted(self, sock: t.Any, addr: t.Any) -> None:
        """Take the data connection.

        Args:
            sock: Connected, perhaps no more.
            addr: Of the client.
        """
        super().handle_accepted(sock, addr)
        gone = self._closed and self.cmd_channel.connected and self.cmd_channel.data_channel is None
        if gone and self.cmd_channel.drop_waiting():
            self.cmd_channel.respond("425 The data connection was gone at once.")


class ActiveConnector(ActiveDTP):  # type: ignore[misc]  # pyftpdlib has no types
    """Makes a data connection to the client."""

    def close(self) -> None:
        """It has failed, or another one is to be made: what waits for it must not get the next one."""
        super().close()
        self.cmd_channel.drop_waiting()


class DataHandler(WholeShutdown, TLS_DTPHandler):  # type: ignore[misc]  # pyftpdlib has no types
    """One data connection.

    Args:
        sock: The connected socket.
        cmd_channel: The control connection.
    """

    # pyftpdlib's own, for the type checker.
    ac_out_buffer_size: int
    _lastdata: int
    socket: t.Any

    def __init__(self, sock: t.Any, cmd_channel: t.Any) -> None:
        configuration = cmd_channel.server.app.configuration
        self.timeout = configuration.stall_seconds
        self.facts: dict[str, t.Any] = {}
        self._rates = (Rate(configuration.rate_per_connection), cmd_channel.server.app.rate)
        slowest = min((one for one in (configuration.rate_per_connection, configuration.rate_total) if one), default=0)
        self._turn = min(_TURN, max(RECORD, slowest // 8)) if slowest else _TURN
        if slowest:
            self.ac_out_buffer_size = min(self.ac_out_buffer_size, max(1024, slowest // 8))
        super().__init__(sock, cmd_channel)

    # -- TLS ---------------------------------------------------------------------------------------------------------

    def secure_connection(self, ssl_context: SSL.Context) -> None:
        """Begin TLS.

        Args:
            ssl_context: The control connection's.
        """
        self._ssl_requested = self._ssl_accepting = True
        self.socket = DataChannel(ssl_context, self.socket)

    def handle_ssl_established(self) -> None:
        """Refuse a session that is not this control connection's; the context knows no other."""
        self.facts = channel_facts(self.socket.tls)
        self.cmd_channel.audit("tls", channel="data", **self.facts)
        if not self.facts["resumed"] and self.cmd_channel.server.app.configuration.session_reuse == "require":
            self._end(Refusal(522, "A data connection must resume the TLS session of its control connection."))
        else:
            # The first bytes may have come with the end of the handshake: no event will tell of them.
            self.ioloop.call_later(0, self._again, _errback=self.handle_error)

    def handle_failed_ssl_handshake(self) -> None:
        """Answer as RFC 4217, section 10.2 says."""
        self._end(Refusal(522, "The TLS handshake of the data connection failed."))

    def _end(self, refusal: Refusal) -> None:
        self._resp = (f"{refusal.code} {refusal.text}", _LOG)
        self.cmd_channel.refused("data connection", refusal)
        if isinstance(self.file_obj, Upload):
            self.file_obj.close(refusal.text)
        self.close()

    # -- receiving -----------------------------------------------------------------------------------------------------

    def enable_receiving(self, type: str, cmd: str) -> None:  # noqa: A002  # pyftpdlib's name
        """Begin to receive.

        Args:
            type: Of the content; always binary.
            cmd: STOR or APPE.
        """
        super().enable_receiving(type, cmd)
        self.ioloop.call_later(0, self._again, _errback=self.handle_error)

    def _again(self) -> None:
        """Go on with what is in memory already."""
        if not self._closed and self._ssl_established and self.receive:
            self.handle_read_event()

    def handle_read_event(self) -> None:
        """Receive a turn; anything else is pyftpdlib's."""
        if self._ssl_accepting or self._ssl_closing or not isinstance(self.file_obj, Upload):
            super().handle_read_event()
            return
        with self._handle_ssl_want_rw():
            self._ssl_want_read = False
            self._receive(self.file_obj)

    def _receive(self, upload: Upload) -> None:
        turn, more = 0, True
        try:
            while turn < self._turn:
                count = self.socket.recv_into(upload.space(), RECORD)
                turn += count
                self.tot_bytes_received += count
                upload.filled(count)
        except SSL.WantReadError:
            upload.settle()
            more = False
        except SSL.WantWriteError:
            self._ssl_want_write = True
        except SSL.ZeroReturnError:
            self._received(upload)
            return
        except (SSL.Error, OSError):
            self._torn(upload)
            return
        except Refusal as refusal:
            self._end(refusal)
            return
        if not self._pause(turn, self.ioloop.READ) and more:
            self.ioloop.call_later(0, self._again, _errback=self.handle_error)

    def _torn(self, upload: Upload) -> None:
        """The connection ended without close_notify: maybe somebody cut it."""
        if not self.cmd_channel.server.app.configuration.require_close_notify:
            self._received(upload)
            return
        text = "The data connection ended without TLS's close_notify; what has arrived can be resumed."
        self._error = True
        self._end(Refusal(426, text))

    def _received(self, upload: Upload) -> None:
        try:
            outcome = upload.finish()
        except Refusal as refusal:
            self._end(refusal)
            return
        self.transfer_finished = True
        self.cmd_channel.completed(upload.name)
        self._resp = (f"226 Complete: {outcome.size} bytes.", _LOG)
        self.close()

    # -- speed ---------------------------------------------------------------------------------------------------------

    def _pause(self, count: int, event: int) -> bool:
        wait = max(rate.take(count) for rate in self._rates)
        if wait > 0 and not self._closed:
            self.del_channel()
            self.ioloop.call_later(wait, self._go_on, event, _errback=self.handle_error)
        return wait > 0

    def _go_on(self, event: int) -> None:
        if not self._closed:
            self.add_channel(events=event)
            self._again()

    def send(self, data: bytes) -> int:
        """Send, at the allowed speed.

        Args:
            data: What is to be sent.

        Returns:
            How many bytes of it were.
        """
        count = int(super().send(data))
        if count:
            self._pause(count, self.ioloop.WRITE)
        return count

    # -- its end -------------------------------------------------------------------------------------------------------

    def handle_error(self) -> None:
        """Answer an error of our own; what it was stands in the log, not in the answer."""
        self._error = True
        self.cmd_channel.log_exception(self)
        self._end(Refusal(451, "The endpoint failed; what has arrived can be resumed."))

    def handle_timeout(self) -> None:
        """End a transfer that stands still."""
        if self.get_transmitted_bytes() > self._lastdata:
            self._lastdata = self.get_transmitted_bytes()
        else:
            self._error = True
            self._end(Refusal(426, "The data connection stood still for too long."))
