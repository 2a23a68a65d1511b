# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The simulated recorder's own HTTP client: Digest, one connection, a stream that stays open."""

from __future__ import annotations

import asyncio
import dataclasses as dc
import secrets
import ssl
import typing as t
import urllib.parse

from ._device import RECORDER_AGENT
from ._digest import ALGORITHMS, parse_fields, response_hash
from ._tls import connect_tls

__all__ = ["Account", "Connection", "Reply", "WireError"]


class WireError(Exception):
    """The other side does not speak HTTP as it should."""


@dc.dataclass
class Account:
    """A login, with the challenge that was answered last."""

    username: str
    password: str
    challenge: dict[str, str] = dc.field(default_factory=dict)
    count: int = 0

    def learn(self, header: str) -> None:
        if not header.lower().startswith("digest "):
            raise WireError("no Digest challenge")
        self.challenge, self.count = parse_fields(header[7:]), 0
        if self.challenge.get("algorithm", "MD5") not in ALGORITHMS or "nonce" not in self.challenge:
            raise WireError("a Digest challenge that cannot be answered")

    def authorization(self, method: str, uri: str) -> str | None:
        if not self.challenge:
            return None
        self.count += 1
        realm, algorithm = self.challenge.get("realm", ""), self.challenge.get("algorithm", "MD5")
        fields = {
            "uri": uri,
            "nonce": self.challenge["nonce"],
            "nc": f"{self.count:08x}",
            "cnonce": secrets.token_hex(8),
            "qop": "auth",
        }
        answer = response_hash(
            algorithm=algorithm,
            user=self.username,
            realm=realm,
            password=self.password,
            method=method,
            fields=fields,
        )
        return (
            f'Digest username="{self.username}", realm="{realm}", nonce="{fields["nonce"]}", uri="{uri}", '
            f'algorithm={algorithm}, qop=auth, nc={fields["nc"]}, cnonce="{fields["cnonce"]}", response="{answer}"'
        )


@dc.dataclass(frozen=True, kw_only=True)
class Reply:
    status: int
    headers: t.Mapping[str, str]


class Connection:
    """A connection to a camera; after `stream` it only gives pictures."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, host: str) -> None:
        self._reader = reader
        self._writer = writer
        self._host = host

    @classmethod
    async def open(cls, address: str, port: int, tls: ssl.SSLContext | None) -> Connection:
        reader, writer = await (connect_tls(address, port, tls) if tls else asyncio.open_connection(address, port))
        return cls(reader, writer, f"[{address}]:{port}" if ":" in address else f"{address}:{port}")

    @property
    def peer_certificate(self) -> bytes | None:
        tls: ssl.SSLObject | None = self._writer.get_extra_info("ssl_object")
        return tls.getpeercert(binary_form=True) if tls is not None else None

    def close(self) -> None:
        self._writer.transport.abort()

    async def post(self, path: str, form: t.Mapping[str, str], account: Account) -> Reply:
        """Send a form; the body of the answer is read and dropped."""
        reply = await self._log_in("POST", path, urllib.parse.urlencode(form).encode(), account)
        await self._body(reply)
        return reply

    async def stream(self, path: str, account: Account) -> Reply:
        """Ask for an endless body; when the status is 200 `picture` gives its parts."""
        reply = await self._log_in("GET", path, b"", account)
        if reply.status != 200:
            await self._body(reply)
        elif reply.headers.get("transfer-encoding", "").lower() != "chunked":
            raise WireError("the stream is not chunked")
        return reply

    async def picture(self) -> bytes:
        size = int(await self._reader.readline() or b"0", 16)
        if size == 0:
            raise WireError("the stream has ended")
        data = await self._reader.readexactly(size + 2)
        return data[:-2]

    async def _log_in(self, method: str, path: str, body: bytes, account: Account) -> Reply:
        reply = await self._ask(method, path, body, account.authorization(method, path))
        if reply.status == 401:
            await self._body(reply)
            account.learn(reply.headers.get("www-authenticate", ""))
            reply = await self._ask(method, path, body, account.authorization(method, path))
        return reply

    async def _ask(self, method: str, path: str, body: bytes, authorization: str | None) -> Reply:
        lines = [f"{method} {path} HTTP/1.1", f"Host: {self._host}", f"User-Agent: {RECORDER_AGENT}"]
        if authorization:
            lines.append(f"Authorization: {authorization}")
        if method == "POST":
            lines += ["Content-Type: application/x-www-form-urlencoded", f"Content-Length: {len(body)}"]
        self._writer.write("\r\n".join([*lines, "", ""]).encode() + body)
        await self._writer.drain()
        return await self._head()

    async def _head(self) -> Reply:
        head = (await self._reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        first, *rest = head.strip().split("\r\n")
        parts = first.split(" ", 2)
        if len(parts) < 2 or not parts[0].startswith("HTTP/1.") or not parts[1].isdigit():
            raise WireError("no HTTP status line")
        headers: dict[str, str] = {}
        for line in rest:
            name, _colon, value = line.partition(":")
            headers.setdefault(name.strip().lower(), value.strip())
        return Reply(status=int(parts[1]), headers=headers)

    async def _body(self, reply: Reply) -> None:
        length = reply.headers.get("content-length", "")
        if not length.isdigit() or int(length) > 1_000_000:
            raise WireError("an answer without a usable length")
        await self._reader.readexactly(int(length))
