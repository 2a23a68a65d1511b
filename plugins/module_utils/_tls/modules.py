# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the module of the handshake probe does with its options."""

from __future__ import annotations

import datetime as dt
import typing as t

from .._core._call import Call
from .._core._errors import InputError
from ._probe import probe

__all__ = ["endpoint_info"]


def endpoint_info(call: Call) -> dict[str, t.Any]:
    """Make a handshake and tell what it showed.

    Args:
        call: Options of ``tls_endpoint_info``.

    Returns:
        The result's keys.

    Raises:
        ConnectError: No connection, or no TLS.
        InputError: The port, the timeout or the CA file cannot be used.
    """
    params = call.params
    target = f"{params['host']}:{params['port']}"
    if not 1 <= params["port"] <= 65535:
        raise InputError(device=target, subject="port", found=params["port"], expected="1 to 65535")
    if not 0 < params["timeout"] <= 600:
        raise InputError(device=target, subject="timeout", found=params["timeout"], expected="above 0, at most 600 s")
    facts = probe(
        params["host"],
        params["port"],
        server_name=params["server_name"],
        ca_path=params["ca_path"],
        timeout=params["timeout"],
    )
    now = dt.datetime.now(dt.UTC)
    return {
        "changed": False,
        "endpoint": facts.shown(),
        "verified": facts.verified,
        "verify_error": facts.verify_error,
        "certificate": {**facts.certificate.shown(now), "content": facts.certificate.pem},
        "days_left": facts.certificate.days_left(now),
        "chain": [one.shown(now) for one in facts.chain],
    }
