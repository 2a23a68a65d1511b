# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Two things that asyncio's TLS does not do, and a thousand TLS cameras in one process need."""

from __future__ import annotations

import typing as t
from asyncio import sslproto

__all__ = ["prepare_asyncio"]

# asyncio gives every TLS connection a read buffer of 256 KiB; a thousand cameras that each talk to a recorder in this
# very process are two thousand of them. One TLS record is 16 KiB.
_BUFFER: t.Final = 20 * 1024
_original: t.Final[t.Callable[[t.Any, BaseException | None], None]] = vars(sslproto.SSLProtocol)[
    "_on_handshake_complete"
]


def _send_alert_first(protocol: t.Any, error: BaseException | None) -> None:
    """Send what OpenSSL has to say about a failed handshake; asyncio alone closes the connection with no alert."""
    if error is not None and protocol._transport is not None:
        protocol._process_outgoing()
    _original(protocol, error)


def prepare_asyncio() -> None:
    """Set both, once for the process."""
    changes = {"max_size": _BUFFER, "_on_handshake_complete": _send_alert_first}
    for name, value in changes.items():
        setattr(sslproto.SSLProtocol, name, value)
