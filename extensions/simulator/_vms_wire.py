# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A VMS host's connections to others: what is presented there, or whether plain HTTP is spoken."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import ssl
import typing as t

__all__ = ["VMS_AGENT", "Unreachable", "ask_plainly", "presented_chain"]

VMS_AGENT: t.Final = "Milestone XProtect"
_SECONDS: t.Final = 10.0


class Unreachable(Exception):
    """No connection of that kind; the text is the end of a sentence."""


@functools.cache
def _context() -> ssl.SSLContext:
    """For looking only: who is asking judges by its own stores what this lets through."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


async def presented_chain(address: str, port: int, *, host_name: str, source: str) -> tuple[bytes, ...]:
    """The certificates that a TLS server presents, its own first, as DER."""
    try:
        async with asyncio.timeout(_SECONDS):
            _reader, writer = await asyncio.open_connection(
                address, port, ssl=_context(), server_hostname=host_name, local_addr=(source, 0)
            )
    except TimeoutError as error:
        raise Unreachable("does not answer") from error
    except ssl.SSLError as error:
        raise Unreachable(f"no TLS ({(error.reason or 'no reason').replace('_', ' ').lower()})") from error
    except OSError as error:
        raise Unreachable("the TLS handshake was cut off" if _cut(error) else "refuses the connection") from error
    try:
        return _chain(writer.get_extra_info("ssl_object"))
    finally:
        writer.transport.abort()


def _cut(error: OSError) -> bool:
    return isinstance(error, ConnectionResetError | ConnectionAbortedError | BrokenPipeError)


def _chain(tls: ssl.SSLObject) -> tuple[bytes, ...]:
    # Public from Python 3.13 on; before that the object below has it.
    public = getattr(tls, "get_unverified_chain", None)
    if public is not None:
        return tuple(public())
    return tuple(
        ssl.PEM_cert_to_DER_cert(one.public_bytes()) for one in t.cast("t.Any", tls)._sslobj.get_unverified_chain()
    )


async def ask_plainly(address: str, port: int, *, host_name: str, source: str) -> int:
    """The status of plain HTTP's answer."""
    try:
        async with asyncio.timeout(_SECONDS):
            reader, writer = await asyncio.open_connection(address, port, local_addr=(source, 0))
    except OSError as error:
        raise Unreachable("refuses the connection") from error
    try:
        async with asyncio.timeout(_SECONDS):
            return await _status(reader, writer, host_name)
    except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError) as error:
        raise Unreachable("no plain HTTP") from error
    finally:
        with contextlib.suppress(OSError):
            writer.transport.abort()


async def _status(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, host_name: str) -> int:
    lines = ("GET / HTTP/1.1", f"Host: {host_name}", f"User-Agent: {VMS_AGENT}", "Connection: close", "", "")
    writer.write("\r\n".join(lines).encode())
    await writer.drain()
    version, _blank, rest = (await reader.readuntil(b"\r\n")).decode("latin-1").partition(" ")
    if not version.startswith("HTTP/1.") or not rest[:3].isdigit():
        raise Unreachable("no plain HTTP")
    return int(rest[:3])
