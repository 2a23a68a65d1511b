# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""asyncio's TLS, with two things that it does not do and a thousand TLS cameras in one process need."""

from __future__ import annotations

import asyncio
import ssl
import typing as t
from asyncio import sslproto

__all__ = ["TlsProtocol", "connect_tls", "tls_server"]

_HANDSHAKE_SECONDS: t.Final = 10
_SHUTDOWN_SECONDS: t.Final = 1


class TlsProtocol(sslproto.SSLProtocol):
    """TLS between a plain transport and a protocol that knows nothing of it; of the simulator's own connections only.

    A subclass, since asyncio has no public way to either: the size of the read buffer, and the alert.
    """

    # asyncio gives every TLS connection 256 KiB; a thousand cameras that each talk to a recorder in this very process
    # are two thousand of them. One TLS record is 16 KiB.
    max_size = 20 * 1024
    #: What the protocol behind it writes to.
    outer: asyncio.WriteTransport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.outer = t.cast("t.Any", self)._get_app_transport()
        super().connection_made(transport)

    def _on_handshake_complete(self, handshake_exc: BaseException | None) -> None:
        """Send what OpenSSL has to say of a failed handshake; asyncio alone closes the connection with no alert."""
        if handshake_exc is not None and self._transport is not None:
            t.cast("t.Any", self)._process_outgoing()
        super()._on_handshake_complete(handshake_exc)


def tls_server(
    make_protocol: t.Callable[[], asyncio.BaseProtocol], context: t.Callable[[], ssl.SSLContext]
) -> t.Callable[[], asyncio.BaseProtocol]:
    """For `create_server` without its own `ssl`: the same protocols behind TLS, each with the context of the moment."""
    loop = asyncio.get_running_loop()

    def make() -> TlsProtocol:
        return TlsProtocol(
            loop,
            t.cast("asyncio.Protocol", make_protocol()),
            context(),
            # Nobody waits for the end of the handshake.
            t.cast("t.Any", None),
            server_side=True,
            ssl_handshake_timeout=_HANDSHAKE_SECONDS,
            ssl_shutdown_timeout=_SHUTDOWN_SECONDS,
        )

    return make


async def connect_tls(
    address: str, port: int, context: ssl.SSLContext
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A verified connection, as `asyncio.open_connection` gives it."""
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader()
    inner = asyncio.StreamReaderProtocol(reader)
    shaken: asyncio.Future[None] = loop.create_future()

    def make() -> TlsProtocol:
        return TlsProtocol(
            loop, inner, context, shaken, server_hostname=address, ssl_shutdown_timeout=_SHUTDOWN_SECONDS
        )

    raw, tls = await loop.create_connection(make, address, port)
    try:
        await shaken
    except BaseException:
        raw.abort()
        raise
    return reader, asyncio.StreamWriter(tls.outer, inner, reader, loop)
