# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Errors of the wire, made out of a server's replies (RFC 959 4.2)."""

from __future__ import annotations

import typing as t

from .._core._errors import CamsecError, ConnectError, RefusedError, TrustError, VerificationError
from ._replies import Reply

__all__ = ["FtpRefusedError", "MismatchError", "NotResumedError", "refusal"]

# The server gives the connection up, or no data connection came about.
_BROKEN: t.Final = frozenset({421, 425, 426})
_ADVICE: t.Final[t.Mapping[int, str]] = {
    451: "The server could not write the file: its disk may be full.",
    452: "The server's disk is full: make room there.",
    552: "The server's disk or the account's quota is full: make room there.",
    522: "The server demands that a data connection resumes the control connection's TLS session.",
    553: "The server forbids this name, or to write here.",
}


class FtpRefusedError(RefusedError):
    """The server refused a command.

    Args:
        code: Its reply code.
    """

    def __init__(self, *, code: int, device: str, subject: str, found: object, expected: str, advice: str = "") -> None:
        self.code = code
        super().__init__(device=device, subject=subject, found=found, expected=expected, advice=advice)

    @property
    def transient(self) -> bool:
        """The server says that the same may work later (4yz)."""
        return self.code // 100 == 4


class MismatchError(VerificationError):
    """What lies on the server is not what was sent."""


class NotResumedError(TrustError):
    """A data connection did not resume the control connection's TLS session. Nothing was sent over it."""


def refusal(device: str, subject: str, reply: Reply, expected: str) -> CamsecError:
    """The error for a reply that is not the wanted one.

    Args:
        device: The server.
        subject: What was asked for.
        reply: What it answered.
        expected: The wanted answer.

    Returns:
        A :class:`ConnectError` where the connection is at fault, else a :class:`FtpRefusedError` with the code.
    """
    if reply.code in _BROKEN:
        return ConnectError(device=device, subject=subject, found=reply.shown, expected=expected)
    return FtpRefusedError(
        code=reply.code,
        device=device,
        subject=subject,
        found=reply.shown,
        expected=expected,
        advice=_ADVICE.get(reply.code, ""),
    )
