# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which failures are tried again, and when."""

from __future__ import annotations

import random
import typing as t

from .._core._errors import (
    CamsecError,
    ConnectError,
    LoginError,
    MissingLibraryError,
    PkiError,
    ProtocolError,
    RefusedError,
    TrustError,
    VerificationError,
)
from .._ftpes._errors import FtpRefusedError

__all__ = ["delay", "ends_everything", "worth_another_try"]

_RANDOM = random.SystemRandom()


def ends_everything(error: CamsecError) -> bool:
    """Whether a failure would meet every other file too.

    A login that was refused is never repeated: the server, like a camera (FTP-22), may lock the account.

    Args:
        error: What went wrong.

    Returns:
        True when nothing more is to be sent.
    """
    return isinstance(error, (LoginError, TrustError, PkiError, MissingLibraryError))


def worth_another_try(error: CamsecError) -> bool:
    """Whether the same may succeed later.

    Args:
        error: What went wrong.

    Returns:
        True for broken connections, for replies that the server itself calls transient (4yz, RFC 959 section 4.2),
        and for content that arrived damaged.
    """
    if isinstance(error, RefusedError):
        return error.transient if isinstance(error, FtpRefusedError) else False
    return isinstance(error, (ConnectError, ProtocolError, VerificationError))


def delay(attempt: int, *, first: float, cap: float, jitter: t.Callable[[], float] = _RANDOM.random) -> float:
    """How long to wait after a failure.

    Args:
        attempt: Number of the try that failed, from 1.
        first: Seconds after the first.
        cap: Never longer than this.
        jitter: Gives a number from 0 to 1.

    Returns:
        Seconds: twice as long each time up to the cap, less up to a half of it at random, so that many senders do not
        come back at the same instant.
    """
    full = min(cap, first * 2.0 ** min(attempt - 1, 60))
    return full * (1.0 - 0.5 * jitter())
