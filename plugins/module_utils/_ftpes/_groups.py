# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which group a server wants for the key exchange, read out of its HelloRetryRequest. Pure (RFC 8446 4.1.3, 4.1.4).

OpenSSL offers a key for its favourite group alone; a server that takes only another one (vsftpd and pure-ftpd: P-256)
asks again, which costs a round trip and a second key for each data connection, unless it is noticed once.
"""

from __future__ import annotations

import typing as t

__all__ = ["wanted_group"]

# SHA-256 of "HelloRetryRequest" stands where the server's random number would.
_RETRY_RANDOM: t.Final = bytes.fromhex("CF21AD74E59A6111BE1D8C021E65B891C2A211167ABB8C5E079E09E2C8A8339C")
_RANDOM_AT: t.Final = 11
_KEY_SHARE: t.Final = 0x0033
_GROUPS: t.Final = {0x0017: "prime256v1", 0x0018: "secp384r1", 0x0019: "secp521r1", 0x001D: "X25519"}


def wanted_group(first: bytes) -> str | None:
    """The group that a server asks for.

    Args:
        first: The first bytes that it sent in the handshake.

    Returns:
        OpenSSL's name of the group, or nothing when this is no HelloRetryRequest.
    """
    if first[_RANDOM_AT : _RANDOM_AT + len(_RETRY_RANDOM)] != _RETRY_RANDOM:
        return None
    at = _RANDOM_AT + len(_RETRY_RANDOM)
    # The session's id, the suite, the compression, the length of all extensions.
    at += 1 + int.from_bytes(first[at : at + 1], "big") + 2 + 1 + 2
    while at + 4 <= len(first):
        kind, size = int.from_bytes(first[at : at + 2], "big"), int.from_bytes(first[at + 2 : at + 4], "big")
        if kind == _KEY_SHARE and size == 2:
            return _GROUPS.get(int.from_bytes(first[at + 4 : at + 6], "big"))
        at += 4 + size
    return None
