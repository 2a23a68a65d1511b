# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""HTTP Digest (RFC 7616), the server's half: MD5 and SHA-256, qop=auth, nonces that expire, nonce counts."""

from __future__ import annotations

import collections
import dataclasses as dc
import hashlib
import hmac
import re
import secrets
import typing as t

from ._clock import Clock

__all__ = ["ALGORITHMS", "DigestGate", "Login", "parse_fields", "response_hash"]

ALGORITHMS: t.Final[t.Mapping[str, t.Callable[[bytes], t.Any]]] = {"MD5": hashlib.md5, "SHA-256": hashlib.sha256}
_FIELD: t.Final = re.compile(r'(\w+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]+))')
_NONCES_KEPT: t.Final = 512
_WINDOW: t.Final = 64


def parse_fields(header: str) -> dict[str, str]:
    """The fields after the word Digest."""
    return {
        match[1].lower(): re.sub(r"\\(.)", r"\1", match[2]) if match[2] is not None else match[3]
        for match in _FIELD.finditer(header)
    }


def response_hash(
    *, algorithm: str, user: str, realm: str, password: str, method: str, fields: t.Mapping[str, str]
) -> str:
    def digest(text: str) -> str:
        return str(ALGORITHMS[algorithm](text.encode()).hexdigest())

    first = digest(f"{user}:{realm}:{password}")
    second = digest(f"{method}:{fields['uri']}")
    return digest(f"{first}:{fields['nonce']}:{fields['nc']}:{fields['cnonce']}:{fields['qop']}:{second}")


@dc.dataclass
class _Nonce:
    born: float
    highest: int = 0
    seen: int = 0

    def use(self, count: int) -> bool:
        """Whether this count is new; counts may come out of order within a window, as with several connections."""
        if count > self.highest:
            self.seen = (self.seen << (count - self.highest) | 1) & ((1 << _WINDOW) - 1)
            self.highest = count
            return True
        bit = 1 << (self.highest - count)
        if self.highest - count >= _WINDOW or self.seen & bit:
            return False
        self.seen |= bit
        return True


@dc.dataclass(frozen=True, kw_only=True)
class Login:
    """What an Authorization header was worth."""

    user: str | None = None
    stale: bool = False
    wrong: bool = False


class DigestGate:
    """The login of one device."""

    def __init__(
        self, *, realm: str, clock: Clock, algorithms: t.Sequence[str] = ("MD5",), lifetime: float = 300.0
    ) -> None:
        self.realm = realm
        self.algorithms = tuple(algorithms)
        self.lifetime = lifetime
        self._clock = clock
        self._nonces: collections.OrderedDict[str, _Nonce] = collections.OrderedDict()

    def challenges(self, *, stale: bool = False) -> list[str]:
        nonce = secrets.token_hex(16)
        self._nonces[nonce] = _Nonce(self._clock.now())
        if len(self._nonces) > _NONCES_KEPT:
            self._nonces.popitem(last=False)
        suffix = ", stale=true" if stale else ""
        return [
            f'Digest realm="{self.realm}", qop="auth", nonce="{nonce}", algorithm={algorithm}{suffix}'
            for algorithm in self.algorithms
        ]

    def check(self, header: str | None, method: str, uri: str, passwords: t.Mapping[str, str]) -> Login:
        if header is None or not header.lower().startswith("digest "):
            return Login()
        fields = parse_fields(header[7:])
        algorithm = fields.get("algorithm", "MD5").upper()
        complete = {"username", "realm", "nonce", "uri", "response", "qop", "nc", "cnonce"} <= fields.keys()
        if not complete or fields["qop"] != "auth" or algorithm not in self.algorithms:
            return Login()
        if fields["uri"] != uri or fields["realm"] != self.realm or not re.fullmatch(r"[0-9a-fA-F]{8}", fields["nc"]):
            return Login(wrong=True)
        user = fields["username"]
        password = passwords.get(user)
        # An unknown user costs the same work as a known one.
        expected = response_hash(
            algorithm=algorithm, user=user, realm=self.realm, password=password or "", method=method, fields=fields
        )
        if not hmac.compare_digest(expected, fields["response"].lower()) or password is None:
            return Login(wrong=True)
        nonce = self._nonces.get(fields["nonce"])
        if nonce is None or self._clock.now() - nonce.born > self.lifetime or not nonce.use(int(fields["nc"], 16)):
            return Login(stale=True)
        return Login(user=user)
