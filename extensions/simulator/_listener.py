# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A listening socket of a device; binding and listening are two steps: a change is bound before the old goes."""

from __future__ import annotations

import asyncio
import errno
import socket
import ssl
import typing as t

from aiohttp import web

from ._tls import tls_server

__all__ = ["Handler", "Listener", "PortError"]

Handler = t.Callable[[web.BaseRequest], t.Awaitable[web.StreamResponse]]


class PortError(Exception):
    """The simulator's process cannot have this port."""


class Listener:
    """One address and port with one scheme; it knows its connections. Once closed it stays closed."""

    def __init__(self, *, address: str, port: int, handler: Handler, tls: ssl.SSLContext | None) -> None:
        self.address = address
        self.port = port
        self.tls = tls
        self._handler = handler
        self._socket: socket.socket | None = None
        self._listening: asyncio.Server | None = None
        self._http: web.Server | None = None
        self._closed = False

    @property
    def is_open(self) -> bool:
        return self._listening is not None

    def bind(self) -> None:
        """Take the port without listening: a client is refused until `open`."""
        if self._socket is not None:
            return
        family = socket.AF_INET6 if ":" in self.address else socket.AF_INET
        new = socket.socket(family, socket.SOCK_STREAM)
        try:
            new.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            new.bind((self.address, self.port))
        except OSError as error:
            new.close()
            raise PortError(self._why(error)) from error
        new.setblocking(False)
        self._socket = new

    def _why(self, error: OSError) -> str:
        place = f"[{self.address}]:{self.port}" if ":" in self.address else f"{self.address}:{self.port}"
        if error.errno == errno.EACCES:
            return f"Limit of the simulator: its process may not open port {place} (ports below 1024 need root)."
        if error.errno == errno.EADDRINUSE:
            return f"Limit of the simulator: {place} is taken by another process."
        return f"Limit of the simulator: {place} cannot be opened ({error.strerror})."

    async def open(self) -> None:
        """Listen; one that was closed meanwhile does not."""
        if self._closed:
            return
        self.bind()
        assert self._socket is not None
        self._http = web.Server(
            self._handler,
            access_log=None,
            handler_cancellation=True,
            tcp_keepalive=False,
            lingering_time=0,
            keepalive_timeout=3600,
        )
        loop = asyncio.get_running_loop()
        protocols: t.Callable[[], asyncio.BaseProtocol] = self._http
        if self.tls is not None:
            protocols = tls_server(self._http, self._present_tls)
        # The server owns the socket before it listens. A close meanwhile goes through the server: the event loop must
        # never be left with a socket that is closed, or it does not hear the next one with that number.
        self._listening = await loop.create_server(protocols, sock=self._socket, backlog=128, start_serving=False)
        self._socket = None
        try:
            await self._listening.start_serving()
        except OSError as error:
            await self.close()
            raise PortError(self._why(error)) from error

    def _present_tls(self) -> ssl.SSLContext:
        """The context that is in force; whoever changes `tls` changes it for the connections to come."""
        assert self.tls is not None
        return self.tls

    def release(self) -> None:
        """Give back a port that was bound and never opened."""
        self._closed = True
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    async def close(self) -> None:
        """Stop listening and end every connection; what was written is still sent."""
        self.release()
        listening, self._listening = self._listening, None
        if listening is not None:
            listening.close()
        http, self._http = self._http, None
        if http is not None:
            await http.shutdown(0.02)
