# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Waiting for a device: by evidence, not by a fixed number of seconds."""

from __future__ import annotations

import time
import typing as t

from .._core._errors import CamsecError, ConnectError
from ._session import Refused

__all__ = ["Patience", "until"]

T = t.TypeVar("T")

_FIRST_PAUSE = 0.1
_LONGEST_PAUSE = 5.0


class Patience:
    """A time limit with pauses that grow from 0.1 s to 5 s.

    Args:
        seconds: The limit.
    """

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._end = time.monotonic() + seconds
        self._pause = _FIRST_PAUSE

    def wait(self) -> bool:
        """Pause once.

        Returns:
            False when the limit is reached; then it did not pause.
        """
        if time.monotonic() >= self._end:
            return False
        time.sleep(min(self._pause, max(0.0, self._end - time.monotonic())))
        self._pause = min(self._pause * 1.6, _LONGEST_PAUSE)
        return True


def until(attempt: t.Callable[[], T], *, seconds: float, passing: tuple[type[CamsecError], ...] = ()) -> T:
    """Try until the device answers.

    Args:
        attempt: Raises :class:`ConnectError` or a ``503`` while the device is not there yet.
        seconds: How long to try.
        passing: Further errors that may pass.

    Returns:
        What the attempt gave.

    Raises:
        CamsecError: Of the last attempt.
    """
    patience = Patience(seconds)
    while True:
        try:
            return attempt()
        except CamsecError as error:
            busy = isinstance(error, Refused) and error.status == 503
            if not (busy or isinstance(error, (ConnectError, *passing))) or not patience.wait():
                raise
