# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether anything listens."""

from __future__ import annotations

import socket

__all__ = ["reachable"]


def reachable(host: str, port: int, *, seconds: float) -> bool:
    """Whether a TCP connection can be made; nothing is sent.

    Args:
        host: Address or host name.
        port: TCP port.
        seconds: How long to try.

    Returns:
        True when somebody accepted it.
    """
    try:
        with socket.create_connection((host, port), timeout=seconds):
            return True
    except OSError:
        return False
