# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A limit on speed, shared by connections."""

from __future__ import annotations

import threading
import time
import typing as t

from .._core._errors import InputError

__all__ = ["Pace", "Throttle"]

# A bucket holds what may flow in this time, so that the speed is even.
_WINDOW_SECONDS: t.Final = 0.1


class Pace:
    """One token bucket (thread-safe).

    Args:
        bytes_per_second: The limit.
        clock: Monotonic seconds.
        sleep: Waits.
    """

    def __init__(
        self,
        bytes_per_second: float,
        *,
        clock: t.Callable[[], float] = time.monotonic,
        sleep: t.Callable[[float], object] = time.sleep,
    ) -> None:
        self.bytes_per_second = bytes_per_second
        self._clock = clock
        self._sleep = sleep
        self._lock = threading.Lock()
        self._free_at = clock()

    def take(self, size: int) -> None:
        """Wait until so many bytes may flow.

        Args:
            size: Bytes.
        """
        with self._lock:
            now = self._clock()
            begin = max(self._free_at, now - _WINDOW_SECONDS)
            self._free_at = begin + size / self.bytes_per_second
            wait = self._free_at - now
        if wait > 0:
            self._sleep(wait)


class Throttle:
    """Limits on bandwidth: one for all sessions that share it, one for each connection.

    Args:
        total_bytes_per_second: For all together; nothing: no limit.
        per_connection_bytes_per_second: For each session; nothing: no limit.

    Raises:
        InputError: A limit is not positive.
    """

    def __init__(
        self, total_bytes_per_second: float | None = None, per_connection_bytes_per_second: float | None = None
    ) -> None:
        for subject, value in (
            ("total_bytes_per_second", total_bytes_per_second),
            ("per_connection_bytes_per_second", per_connection_bytes_per_second),
        ):
            if value is not None and value <= 0:
                raise InputError(device="bandwidth", subject=subject, found=f"{value:g}", expected="more than 0")
        self._total = Pace(total_bytes_per_second) if total_bytes_per_second else None
        self._per_connection = per_connection_bytes_per_second

    def paces(self) -> tuple[Pace, ...]:
        """The buckets that one session takes from; each call makes a new one for the connection."""
        own = (Pace(self._per_connection),) if self._per_connection else ()
        return (*own, self._total) if self._total is not None else own

    @property
    def slowest(self) -> float | None:
        """The smallest limit in bytes per second, if there is one."""
        limits = [pace.bytes_per_second for pace in (self._total,) if pace is not None]
        if self._per_connection:
            limits.append(self._per_connection)
        return min(limits, default=None)
