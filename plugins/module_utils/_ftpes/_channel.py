# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One TCP connection and the TLS over it, between two buffers in memory; every wait is bounded.

:mod:`ssl` with a socket under it shows only the newest of several session tickets and writes each record by itself.
Between buffers each ticket can be noticed, and a whole block of records goes out in one system call.
"""

from __future__ import annotations

import contextlib
import select
import socket
import ssl
import struct
import time
import typing as t

__all__ = ["READABLE", "WRITABLE", "Channel", "wait"]

READABLE: t.Final = select.POLLIN
WRITABLE: t.Final = select.POLLOUT
_RECEIVE: t.Final = 1 << 18
_RECORD_HEADER: t.Final = 5
_TOO_LONG: t.Final = 1.0


def wait(events: t.Mapping[Channel, int], seconds: float) -> set[Channel]:
    """Wait until something can go on.

    Args:
        events: What is waited for on each connection.
        seconds: At most.

    Returns:
        The connections on which something can go on; none when the time is over.
    """
    poll = select.poll()
    by_number = {}
    for channel, event in events.items():
        number = channel.fileno()
        by_number[number] = channel
        poll.register(number, event)
    return {by_number[number] for number, dummy in poll.poll(max(0.0, seconds) * 1000)}


class Channel:
    """A connected socket, without TLS until :meth:`wrap`.

    Args:
        connection: The socket; owned from now on.
        alone: It is mostly waited for alone, so that receiving may wait in the kernel: one call instead of two, and one
            time less that a thread has to come back to Python's lock.

    Attributes:
        first: What the peer sent first in TLS.
        ended: The peer sends nothing more.
        ended_cleanly: It said so with close_notify.
    """

    def __init__(self, connection: socket.socket, *, alone: bool = False) -> None:
        connection.setblocking(alone)
        self._alone = alone
        self._patience = 0.0
        # Otherwise a small last segment waits for an acknowledgement that the peer delays by 40 ms.
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._socket = connection
        self._incoming = ssl.MemoryBIO()
        self._outgoing = ssl.MemoryBIO()
        self._tls: ssl.SSLObject | None = None
        self._pending = memoryview(b"")
        self._notice: t.Callable[[ssl.SSLSession | None], None] | None = None
        self._raw = bytearray()
        self._plain = bytearray()
        self.first = b""
        self.ended = False
        self.ended_cleanly = False

    @property
    def tls(self) -> ssl.SSLObject:
        """The TLS connection."""
        if self._tls is None:
            raise AssertionError("no TLS yet")
        return self._tls

    def fileno(self) -> int:
        """The socket's number."""
        return self._socket.fileno()

    def wrap(self, context: ssl.SSLContext, server_name: str, session: ssl.SSLSession | None = None) -> None:
        """Begin TLS; :meth:`handshake` goes on.

        Args:
            context: With what is demanded.
            server_name: Name that the certificate must carry.
            session: To be resumed.
        """
        self._tls = context.wrap_bio(self._incoming, self._outgoing, server_hostname=server_name, session=session)

    def watch(self, notice: t.Callable[[ssl.SSLSession | None], None]) -> None:
        """Tell of each session ticket from now on; costs a little for each record.

        Args:
            notice: Is called with the session after each record that carried no data.
        """
        self._notice = notice

    def handshake(self) -> bool:
        """Go on with the handshake as far as what has arrived allows. What is to be sent waits for :meth:`push`.

        Returns:
            Whether it is complete.

        Raises:
            OSError: It failed (:class:`ssl.SSLError`), or the peer ended the connection.
        """
        try:
            self.tls.do_handshake()
        except ssl.SSLWantReadError:
            if self.ended:
                raise ConnectionResetError("it was closed during the handshake") from None
            return False
        return True

    def write(self, data: bytes | memoryview) -> None:
        """Take data to be sent; :meth:`push` sends.

        Args:
            data: All of it is taken.

        Raises:
            OSError: TLS is broken.
        """
        if self._tls is None:
            self._pending = memoryview(bytes(self._pending) + bytes(data))
            return
        view = memoryview(data)
        while view:
            view = view[self._tls.write(view) :]

    def push(self) -> bool:
        """Send as much as goes without waiting.

        Returns:
            Whether nothing is left to be sent.

        Raises:
            OSError: The connection is broken.
        """
        while True:
            if not self._pending:
                if not self._outgoing.pending:
                    return True
                self._pending = memoryview(self._outgoing.read())
            try:
                self._pending = self._pending[self._socket.send(self._pending, socket.MSG_DONTWAIT) :]
            except BlockingIOError:
                return False

    def pull(self) -> None:
        """Receive what has arrived, without waiting.

        Raises:
            OSError: The connection is broken.
        """
        try:
            data = self._socket.recv(_RECEIVE, socket.MSG_DONTWAIT)
        except BlockingIOError:
            return
        self._take(data)

    def _take(self, data: bytes) -> None:
        if not data:
            self.ended = True
            self._incoming.write_eof()
        elif self._tls is None:
            self._plain += data
        elif self._notice is None:
            self.first = self.first or data
            self._incoming.write(data)
        else:
            self._pull_records(data)

    def _pull_records(self, data: bytes) -> None:
        """One record at a time, so that no ticket hides the one before it."""
        self._raw += data
        while len(self._raw) >= _RECORD_HEADER:
            end = _RECORD_HEADER + int.from_bytes(self._raw[3:5], "big")
            if len(self._raw) < end:
                return
            self._incoming.write(self._raw[:end])
            del self._raw[:end]
            before = len(self._plain)
            self._decrypt()
            if len(self._plain) == before and self._notice is not None:
                self._notice(self.tls.session)

    def _decrypt(self) -> None:
        # Asking in vain raises an exception, which costs more than all the rest.
        while self._incoming.pending or self.tls.pending() or self.ended:
            try:
                data = self.tls.read(_RECEIVE)
            except ssl.SSLWantReadError:
                return
            except ssl.SSLEOFError:
                self.ended = True
                return
            except ssl.SSLZeroReturnError:
                data = b""
            if not data:
                # This is how Python says that close_notify came.
                self.ended = self.ended_cleanly = True
                return
            self._plain += data

    def read(self) -> bytes:
        """What has arrived and was not read yet; empty when there is nothing now, or never (:attr:`ended`).

        Raises:
            OSError: TLS is broken.
        """
        if self._tls is not None and not self.ended_cleanly:
            self._decrypt()
        if not self._plain:
            return b""
        data = bytes(self._plain)
        self._plain.clear()
        return data

    def receive(self, seconds: float) -> bytes:
        """Wait for data.

        Args:
            seconds: At most.

        Returns:
            Some; empty when the peer sends nothing more.

        Raises:
            TimeoutError: The time is over.
            OSError: The connection is broken.
        """
        end = time.monotonic() + seconds
        while True:
            data = self.read()
            if data or self.ended:
                return data
            self.await_more(end - time.monotonic())

    def await_more(self, seconds: float) -> None:
        """Wait until more has arrived, and receive it.

        Args:
            seconds: At most.

        Raises:
            TimeoutError: The time is over.
            OSError: The connection is broken.
        """
        if not self._alone:
            if not wait({self: READABLE}, seconds):
                raise TimeoutError
            self.pull()
            return
        self._be_patient(seconds)
        try:
            data = self._socket.recv(_RECEIVE)
        except BlockingIOError:
            raise TimeoutError from None
        self._take(data)

    def _be_patient(self, seconds: float) -> None:
        """Set how long the kernel waits. A little too long does not matter, so it is seldom set."""
        if seconds <= 0:
            raise TimeoutError
        if not seconds <= self._patience <= seconds + _TOO_LONG:
            self._patience = seconds
            whole = int(seconds)
            self._socket.setsockopt(
                socket.SOL_SOCKET, socket.SO_RCVTIMEO, struct.pack("ll", whole, int((seconds - whole) * 1e6) or 1)
            )

    def flush(self, seconds: float) -> None:
        """Send all that waits.

        Args:
            seconds: At most, without any progress.

        Raises:
            TimeoutError: The time is over.
            OSError: The connection is broken.
        """
        while not self.push():
            if not wait({self: WRITABLE}, seconds):
                raise TimeoutError

    def say_goodbye(self) -> bool:
        """Send close_notify, and see whether the peer's has come. What is to be sent waits for :meth:`push`.

        Returns:
            Whether the peer's close_notify, or the end of its connection, has come.

        Raises:
            OSError: TLS is broken.
        """
        if self.ended_cleanly:
            with contextlib.suppress(ssl.SSLError):
                self.tls.unwrap()
            return True
        nothing_came = self._incoming.eof
        try:
            self.tls.unwrap()
        except ssl.SSLWantReadError:
            return self.ended
        except ssl.SSLEOFError:
            self.ended = True
            return True
        self.ended = True
        # Python 3.11.2 says nothing of an end without close_notify; but where no byte was left, none can have come.
        self.ended_cleanly = not nothing_came
        return True

    def end_sending(self) -> None:
        """Tell TCP, too, that nothing more follows."""
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_WR)

    def close(self) -> None:
        """Close the socket."""
        self._socket.close()
