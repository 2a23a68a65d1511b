# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""TLS of a data connection, between a socket and OpenSSL's buffers in memory.

In TLS 1.3 a server sends session tickets after the handshake. A client that uploads without reading, and closes its
socket with them unread, makes its system reset the connection: what is still on its way is lost (RFC 1122, section
4.2.2.13). So the tickets are held back until the client has sent its close_notify; who waits for ours still gets them.
"""

from __future__ import annotations

import contextlib
import socket
import typing as t

from OpenSSL import SSL

__all__ = ["DataChannel"]

_FROM_NETWORK: t.Final = 65536


class DataChannel:
    """The server's side of one data connection, with the methods of pyOpenSSL's connection that pyftpdlib uses.

    Args:
        context: The control connection's.
        sock: Connected, not blocking.
    """

    def __init__(self, context: SSL.Context, sock: socket.socket) -> None:
        self.tls = SSL.Connection(context, None)
        self.tls.set_accept_state()
        self._sock = sock
        # Nobody is to wait 40 ms for the acknowledgement of a last small segment.
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._out = b""
        self._hold = False

    def __getattr__(self, name: str) -> t.Any:
        return getattr(self._sock, name)

    # -- the network -------------------------------------------------------------------------------------------------

    def _flush(self) -> None:
        try:
            while True:
                self._out += self.tls.bio_read(_FROM_NETWORK)
        except SSL.WantReadError:
            pass
        while self._out and not self._hold:
            try:
                sent = self._sock.send(self._out)
            except BlockingIOError:
                raise SSL.WantWriteError from None
            except OSError as error:
                raise SSL.SysCallError(error.errno, str(error)) from error
            self._out = self._out[sent:]

    def _fill(self) -> None:
        try:
            received = self._sock.recv(_FROM_NETWORK)
        except BlockingIOError:
            self._acknowledge()
            raise SSL.WantReadError from None
        except OSError as error:
            raise SSL.SysCallError(error.errno, str(error)) from error
        if not received:
            raise SSL.SysCallError(-1, "Unexpected EOF")
        self.tls.bio_write(received)

    def _acknowledge(self) -> None:
        """Acknowledge now: a client with Nagle's algorithm sends its last bytes only then. Holds once."""
        with contextlib.suppress(OSError):
            self._sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)

    # -- TLS ---------------------------------------------------------------------------------------------------------

    def do_handshake(self) -> None:
        """Go on with the handshake.

        Raises:
            SSL.Error: It waits for the network, or has failed.
        """
        while True:
            try:
                self.tls.do_handshake()
            except SSL.WantReadError:
                self._flush()
                self._fill()
            except SSL.Error:
                # The alert.
                self._flush()
                raise
            else:
                break
        self._hold = self.tls.get_protocol_version() == SSL.TLS1_3_VERSION
        self._flush()

    def recv_into(self, buffer: memoryview, count: int) -> int:
        """Receive.

        Args:
            buffer: Where to.
            count: Most bytes.

        Returns:
            How many came.

        Raises:
            SSL.Error: It waits for the network, or has ended.
        """
        while True:
            try:
                return self.tls.recv_into(buffer, count)
            except SSL.WantReadError:
                self._fill()

    def recv(self, count: int) -> bytes:
        """Receive.

        Args:
            count: Most bytes.

        Returns:
            What came.

        Raises:
            SSL.Error: It waits for the network, or has ended.
        """
        buffer = bytearray(count)
        return bytes(buffer[: self.recv_into(memoryview(buffer), count)])

    def send(self, data: bytes) -> int:
        """Send.

        Args:
            data: What.

        Returns:
            How much of it was taken: all.

        Raises:
            SSL.Error: It waits for the network, or has ended; nothing was taken.
        """
        self._hold = False
        self._flush()
        count = self.tls.send(data)
        # Taken in any case; what does not go now goes before the next.
        with contextlib.suppress(SSL.WantWriteError):
            self._flush()
        return count

    def get_shutdown(self) -> int:
        """Which close_notify has gone, and which has come.

        Returns:
            OpenSSL's flags.
        """
        return self.tls.get_shutdown()

    def set_shutdown(self, state: int) -> None:
        """Say which has gone and come.

        Args:
            state: OpenSSL's flags.
        """
        self.tls.set_shutdown(state)

    def shutdown(self) -> bool:
        """Send close_notify, and what was held back.

        Returns:
            Whether both have gone and come.

        Raises:
            SSL.Error: It waits for the network, or has ended.
        """
        done = bool(self.tls.shutdown())
        self._hold = False
        self._flush()
        return done
