# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Faults that the control interface gives a device."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses as dc
import typing as t

from aiohttp import web

from ._frame import ApiError, error_response

__all__ = ["KINDS", "Fault", "play"]

KINDS: t.Final = ("drop", "stall", "unavailable", "html", "truncate", "huge", "redirect", "empty")
HUGE: t.Final = 100 * 1024 * 1024
_STREAM: t.Final = "live_stream"


@dc.dataclass
class Fault:
    """A kind of misbehaviour: for how many requests, for which, and before or after the write."""

    kind: str
    count: int | None = None
    path: str | None = None
    after_write: bool = False
    cleared: asyncio.Event = dc.field(default_factory=asyncio.Event)

    def applies(self, path: str) -> bool:
        # The recorder's own stream requests would use up a count that was meant for somebody else.
        return self.path in path if self.path is not None else _STREAM not in path

    def spend(self) -> bool:
        """Use it once; True when it is used up."""
        if self.count is None:
            return False
        self.count -= 1
        return self.count <= 0

    def as_json(self) -> dict[str, object]:
        return {"kind": self.kind, "count": self.count, "path": self.path, "after_write": self.after_write}


async def play(fault: Fault, request: web.BaseRequest) -> tuple[int, web.StreamResponse]:
    """The status to remember, and the response."""
    return await _PLAYS[fault.kind](fault, request)


def _cut(request: web.BaseRequest) -> None:
    if request.transport is not None:
        request.transport.close()


async def _drop(_fault: Fault, request: web.BaseRequest) -> tuple[int, web.StreamResponse]:
    _cut(request)
    return 0, web.Response()


async def _stall(fault: Fault, request: web.BaseRequest) -> tuple[int, web.StreamResponse]:
    await fault.cleared.wait()
    _cut(request)
    return 0, web.Response()


async def _unavailable(_fault: Fault, _request: web.BaseRequest) -> tuple[int, web.StreamResponse]:
    return 503, error_response(ApiError(503, "Service Unavailable", retry_after=1))


async def _html(_fault: Fault, _request: web.BaseRequest) -> tuple[int, web.StreamResponse]:
    body = "<!DOCTYPE html><html><head><title>Welcome</title></head><body><h1>It works!</h1></body></html>"
    return 200, web.Response(text=body, content_type="text/html")


async def _truncate(_fault: Fault, request: web.BaseRequest) -> tuple[int, web.StreamResponse]:
    if request.transport is not None:
        head = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: 4096\r\n\r\n"
        request.transport.write(head + b"\xef\xbb\xbf<HTML>\r\nMAC=")
    _cut(request)
    return 200, web.Response()


async def _huge(_fault: Fault, request: web.BaseRequest) -> tuple[int, web.StreamResponse]:
    response = web.StreamResponse(headers={"Content-Type": "text/plain; charset=utf-8"})
    response.enable_chunked_encoding()
    block = b"A" * 65536
    # A client that has had enough hangs up, and that is the whole point.
    with contextlib.suppress(ConnectionError):
        await response.prepare(request)
        for _round in range(HUGE // len(block)):
            await response.write(block)
    # The body has no end: what is left is a closed connection.
    _cut(request)
    return 200, response


async def _redirect(_fault: Fault, request: web.BaseRequest) -> tuple[int, web.StreamResponse]:
    return 302, web.Response(status=302, headers={"Location": f"http://other-host.example.invalid{request.raw_path}"})


async def _empty(_fault: Fault, _request: web.BaseRequest) -> tuple[int, web.StreamResponse]:
    return 200, web.Response()


_PLAYS: t.Final = {
    "drop": _drop,
    "stall": _stall,
    "unavailable": _unavailable,
    "html": _html,
    "truncate": _truncate,
    "huge": _huge,
    "redirect": _redirect,
    "empty": _empty,
}
if tuple(_PLAYS) != KINDS:
    raise ValueError("every kind of fault needs its play")
