# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The logins of ONVIF: WS-UsernameToken, and together with HTTP Digest or a client's certificate."""

from __future__ import annotations

import base64
import collections
import dataclasses as dc
import hashlib
import hmac
import typing as t

from ._digest import Login
from ._onvif_args import parse_datetime
from ._onvif_catalog import NAMESPACES
from ._soap import Node

__all__ = ["TokenGate", "has_token"]

_NONCES_KEPT: t.Final = 4096
_DIGEST: t.Final = (
    "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-username-token-profile-1.0#PasswordDigest"
)  # fmt: skip
_WSSE: t.Final = f"{{{NAMESPACES['wsse']}}}"
_TOKEN: t.Final = f"{_WSSE}Security/{_WSSE}UsernameToken"
_CREATED: t.Final = f"{{{NAMESPACES['wsu']}}}Created"


@dc.dataclass(frozen=True, kw_only=True)
class _Token:
    user: str
    digest: str
    nonce: bytes
    created: str

    def proves(self, password: str) -> bool:
        # SHA-1 is what the profile says.
        made = hashlib.sha1(self.nonce + self.created.encode() + password.encode()).digest()  # noqa: S324
        return hmac.compare_digest(base64.b64encode(made), self.digest.encode())


def has_token(header: Node | None) -> bool:
    return header is not None and header.find(_TOKEN) is not None


def _read(node: Node) -> _Token | None:
    """None when a part is missing or is not what it should be: nonce and creation time are not optional."""
    password = node.find(f"{_WSSE}Password")
    user, nonce, created = (node.findtext(name) for name in (f"{_WSSE}Username", f"{_WSSE}Nonce", _CREATED))
    if password is None or password.get("Type") != _DIGEST or not (user and nonce and created):
        return None
    try:
        return _Token(
            user=user,
            digest=(password.text or "").strip(),
            nonce=base64.b64decode(nonce.strip(), validate=True),
            created=created.strip(),
        )
    except ValueError:
        return None


class TokenGate:
    """One device's memory of nonces."""

    def __init__(self) -> None:
        self._nonces: collections.OrderedDict[bytes, float] = collections.OrderedDict()

    def check(self, header: Node, passwords: t.Mapping[str, str], *, now: float, window: float) -> Login:
        token = _read(header.find(_TOKEN))
        if token is None:
            return Login(wrong=True)
        try:
            created = parse_datetime(token.created)
        except ValueError:
            return Login(wrong=True)
        password = passwords.get(token.user)
        # An unknown user costs the same work as a known one.
        proven = token.proves(password or "")
        if not proven or password is None:
            return Login(wrong=True)
        if abs(now - created) > window or not self._use(token.nonce, now, window):
            return Login(stale=True)
        return Login(user=token.user)

    def _use(self, nonce: bytes, now: float, window: float) -> bool:
        """Whether the nonce is new; those are forgotten whose tokens are too old anyway."""
        while self._nonces and (
            next(iter(self._nonces.values())) < now - 2 * window or len(self._nonces) >= _NONCES_KEPT
        ):
            self._nonces.popitem(last=False)
        if nonce in self._nonces:
            return False
        self._nonces[nonce] = now
        return True
