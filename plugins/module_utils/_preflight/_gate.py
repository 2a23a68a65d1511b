# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Patience: how many connections at a time a server bears, and how long we go on asking."""

from __future__ import annotations

import contextlib
import threading
import time
import typing as t
from concurrent import futures

from .._core._errors import ConnectError

__all__ = ["Busy", "Crowded", "Gate", "Silent", "together"]

_FIRST_PAUSE, _LONGEST_PAUSE = 0.1, 5.0
_Result = t.TypeVar("_Result")


class Crowded(ConnectError):
    """The server did not serve this connection, which is no answer to what was asked: worth asking again later."""


class Busy(Crowded):
    """The server says itself that it has no room now (421)."""


class Silent(ConnectError):
    """The server took the connection and hung up on the offer without an alert: a refusal, or trouble of its own."""


class Gate:
    """Lets so many connections through at a time, fewer when the server bears fewer, until time is up.

    Args:
        width: Connections at a time.
        time_limit: Seconds for everything that goes through the gate.
        device: The server, for errors.
    """

    def __init__(self, *, width: int, time_limit: float, device: str) -> None:
        self._width = width
        self._device = device
        self._time_limit = time_limit
        self._until = time.monotonic() + time_limit
        self._busy = 0
        self._free = threading.Condition()
        self._stopped = threading.Event()
        self._last = "no end in time"
        self.connections = 0

    @property
    def width(self) -> int:
        """Connections at a time, as the server has taught us by now."""
        return self._width

    def call(self, work: t.Callable[[], _Result], *, again: type[Crowded] = Crowded) -> _Result:
        """Do something that needs a connection, again and again while the server is crowded.

        Args:
            work: Raises :class:`Crowded` where it should be done again.
            again: What is borne: at the first contact it is :class:`Busy` alone, since who does not answer at all then
                is not going to.

        Returns:
            What the work returns.

        Raises:
            ConnectError: Time is up: nothing is known, so nothing is said.
        """
        pause = _FIRST_PAUSE
        while True:
            try:
                with self._slot():
                    return work()
            except again as error:
                self._last = error.found
                if time.monotonic() + pause > self._until or self._stopped.wait(pause):
                    raise self._incomplete(error.found) from error
                pause = min(2 * pause, _LONGEST_PAUSE)

    def pause(self) -> None:
        """Leave the server a moment."""
        self._stopped.wait(_FIRST_PAUSE)

    def stop(self) -> None:
        """Let nothing more through."""
        self._stopped.set()
        with self._free:
            self._free.notify_all()

    @contextlib.contextmanager
    def _slot(self) -> t.Iterator[None]:
        with self._free:
            while self._busy >= self._width and not self._stopped.is_set():
                self._free.wait()
            if self._stopped.is_set() or time.monotonic() > self._until:
                raise self._incomplete(self._last)
            self._busy += 1
            self.connections += 1
        try:
            yield
        except Crowded:
            with self._free:
                self._width = max(1, self._width // 2)
            raise
        finally:
            with self._free:
                self._busy -= 1
                self._free.notify()

    def _incomplete(self, found: str) -> ConnectError:
        return ConnectError(
            device=self._device,
            subject="scan",
            found=f"{found}, so that it stayed incomplete",
            expected=f"a server that answers every connection within {self._time_limit:g} s in all",
            advice="Nothing is said about its suites. Try again with a longer time limit.",
        )


def together(gate: Gate, works: t.Sequence[t.Callable[[], _Result]]) -> list[_Result]:
    """Do several things at once; the gate holds their connections back.

    Args:
        gate: Is stopped when one of them fails.
        works: What to do.

    Returns:
        What each of them returns, in their order.

    Raises:
        CamsecError: The first that failed.
    """
    if not works:
        return []
    with futures.ThreadPoolExecutor(max_workers=len(works)) as pool:
        running = [pool.submit(work) for work in works]
        try:
            done = futures.wait(running, return_when=futures.FIRST_EXCEPTION).done
        except BaseException:
            gate.stop()
            raise
        # The one that failed first stopped the others, whose errors tell nothing.
        for future in done:
            if future.exception() is not None:
                gate.stop()
                future.result()
        return [future.result() for future in running]
