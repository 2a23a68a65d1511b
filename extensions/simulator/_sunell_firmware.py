# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a Sunell camera's firmware holds: a root CA and its private key, the same in every device of a version."""

from __future__ import annotations

import asyncio
import dataclasses as dc
import typing as t

from ._clock import parse_time
from ._pki import issue, make_key, make_root
from ._sunell_catalog import KEY_SIZE, ROOT_BEGIN, ROOT_DAYS
from ._sunell_certificates import Pair

__all__ = ["BuiltInRoot", "Firmwares"]


@dc.dataclass(frozen=True, kw_only=True)
class BuiltInRoot:
    """CAM-01: the built-in CA of a firmware version."""

    version: str
    key_pem: str
    pem: str

    @classmethod
    def make(cls, version: str) -> BuiltInRoot:
        """A new one; takes a while (it is meant for a thread)."""
        key_pem = make_key(KEY_SIZE)
        begin = parse_time(ROOT_BEGIN)
        pem = make_root(key_pem, f"Built-in CA {version}", begin, organization="Simulated camera", days=ROOT_DAYS)
        return cls(version=version, key_pem=key_pem, pem=pem)

    def server_pair(self, address: str, begin: float) -> Pair:
        """A new key and a certificate for an address; as slow as `make`."""
        key_pem = make_key(KEY_SIZE)
        chain = issue(root_pem=self.pem, root_key_pem=self.key_pem, key_pem=key_pem, host=address, begin=begin)
        return Pair.of(key_pem, chain)


class Firmwares:
    """The roots of all versions; they outlive every device's factory reset."""

    def __init__(self) -> None:
        self._roots: dict[str, BuiltInRoot] = {}
        self._making = asyncio.Lock()

    def remember(self, kept: t.Mapping[str, str]) -> None:
        """A root out of the state directory."""
        self._roots.setdefault(kept["version"], BuiltInRoot(**kept))

    async def root(self, version: str) -> BuiltInRoot:
        async with self._making:
            if version not in self._roots:
                loop = asyncio.get_running_loop()
                self._roots[version] = await loop.run_in_executor(None, BuiltInRoot.make, version)
        return self._roots[version]
