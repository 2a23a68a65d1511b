# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The FTPES servers of a fleet: each with a certificate of the simulator's own root, good or bad on purpose."""

from __future__ import annotations

import asyncio
import pathlib
import time
import typing as t

from ._listener import PortError
from ._pki import issue, make_key, make_root
from ._spec import FtpesServerSpec
from ._store import write_private

if t.TYPE_CHECKING:
    from ._ftpes_server import FtpesServer

__all__ = ["FtpesServers"]

_DAY: t.Final = 86400.0
_NAME: t.Final = "Root of the simulated FTPES servers"
_MAKER: t.Final = "camsec-simulator"


class FtpesServers:
    """All of them; their root's certificate lies in `root_path`."""

    def __init__(self) -> None:
        self.servers: dict[str, FtpesServer] = {}
        self.specs: dict[str, FtpesServerSpec] = {}
        self.root_path = pathlib.Path()

    async def start(self, specs: t.Sequence[FtpesServerSpec], folder: pathlib.Path) -> None:
        """Start them; PortError when a port cannot be had."""
        if not specs:
            return
        self.root_path = folder / "root.pem"
        made = await asyncio.to_thread(self._make, specs, folder)
        for spec, server in made:
            self.specs[spec.name], self.servers[spec.name] = spec, server
        try:
            for server in self.servers.values():
                server.start()
        except PortError:
            await self.stop()
            raise

    def _make(
        self, specs: t.Sequence[FtpesServerSpec], folder: pathlib.Path
    ) -> list[tuple[FtpesServerSpec, FtpesServer]]:
        folder.mkdir(parents=True, exist_ok=True)
        root, root_key = self._root(folder)
        key = make_key(2048)
        return [(spec, self._server(spec, folder, root, root_key, key)) for spec in specs]

    @staticmethod
    def _root(folder: pathlib.Path) -> tuple[str, str]:
        certificate, key = folder / "root.pem", folder / "root.key"
        if not (certificate.exists() and key.exists()):
            made = make_key(2048)
            write_private(key, made)
            write_private(certificate, make_root(made, _NAME, time.time() - _DAY, organization=_MAKER))
        return certificate.read_text(encoding="ascii"), key.read_text(encoding="ascii")

    @staticmethod
    def _server(
        spec: FtpesServerSpec, folder: pathlib.Path, root: str, root_key: str, key: str
    ) -> FtpesServer:  # fmt: skip
        if spec.certificate == "unknown_root":
            root_key = make_key(2048)
            root = make_root(root_key, "A root that nobody knows", time.time() - _DAY, organization=_MAKER)
        begin = time.time() + {"expired": -4000 * _DAY, "not_yet_valid": _DAY}.get(spec.certificate, -_DAY)
        host = "wrong.example" if spec.certificate == "wrong_name" else spec.address
        # pyftpdlib and OpenSSL are only for fleets with such servers.
        from ._ftpes_server import FtpesServer  # noqa: PLC0415

        certificate = issue(root_pem=root, root_key_pem=root_key, key_pem=key, host=host, begin=begin)
        return FtpesServer(
            certificate=certificate,
            key=key,
            host=spec.address,
            port=spec.port,
            user=spec.username,
            password=spec.password,
            root=pathlib.Path(spec.root_dir) if spec.root_dir else folder / "homes" / spec.name,
            tls=spec.tls,
            ciphers=spec.ciphers,
            behaviour=spec.behaviour,
        )

    async def stop(self) -> None:
        servers, self.servers, self.specs = self.servers, {}, {}
        await asyncio.gather(*(asyncio.to_thread(server.stop) for server in servers.values()))

    def row(self, name: str) -> dict[str, object]:
        server, spec = self.servers[name], self.specs[name]
        return {
            "name": name,
            "kind": "ftpes_server",
            "address": server.host,
            "port": server.port,
            "username": server.user,
            "root": str(server.root),
            "ca_path": str(self.root_path),
            "certificate": spec.certificate,
            "behaviour": server.record.behaviour.as_json(),
        }
