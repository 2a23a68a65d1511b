# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The devices' clock: runs at a speed, or stands still and is advanced; events on it are a heap."""

from __future__ import annotations

import asyncio
import datetime as dt
import heapq
import itertools
import logging
import time
import typing as t

__all__ = ["Clock", "Timer", "format_time", "parse_time"]

_log = logging.getLogger(__name__)
Action = t.Callable[[], t.Awaitable[None]]
TIME_FORMAT: t.Final = "%Y-%m-%d %H:%M:%S"


def format_time(stamp: float, pattern: str = TIME_FORMAT) -> str:
    return dt.datetime.fromtimestamp(stamp, dt.UTC).strftime(pattern)


def parse_time(text: str, pattern: str = TIME_FORMAT) -> float:
    """Seconds since 1970 of a UTC time; ValueError when it is none."""
    return dt.datetime.strptime(text, pattern).replace(tzinfo=dt.UTC).timestamp()


class Timer:
    """An event on the clock; `cancel` takes it off."""

    __slots__ = ("action", "housekeeping", "when")

    def __init__(self, when: float, action: Action, housekeeping: bool) -> None:
        self.when = when
        self.action: Action | None = action
        self.housekeeping = housekeeping

    def cancel(self) -> None:
        self.action = None


class Clock:
    """Device time. `speed` device seconds pass in a real one; speed 0 stands still until `advance`."""

    def __init__(self, *, speed: float = 1.0, start: float | None = None) -> None:
        self._device_base = time.time() if start is None else start
        self._real_base = time.monotonic()
        self._speed = speed
        self._heap: list[tuple[float, int, Timer]] = []
        self._order = itertools.count()
        self._handle: asyncio.TimerHandle | None = None
        self._advance_lock = asyncio.Lock()
        self._advancing = False
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def speed(self) -> float:
        return self._speed

    def now(self) -> float:
        return self._device_base + (time.monotonic() - self._real_base) * self._speed

    @staticmethod
    def wall() -> float:
        """The real time, by which real clients judge a certificate."""
        return time.time()

    def real_seconds(self, device_seconds: float) -> float:
        """How long a client waits for that much device time (a standing clock: as if it ran at 1)."""
        return device_seconds / (self._speed or 1.0)

    def set_speed(self, speed: float) -> None:
        self.jump_to(self.now())
        self._speed = speed
        self._arm()

    def jump_to(self, now: float) -> None:
        self._device_base, self._real_base = now, time.monotonic()

    def call_in(self, delay: float, action: Action, *, housekeeping: bool = False) -> Timer:
        """Run `action` when `delay` device seconds have passed.

        Housekeeping repeats itself (a reconnect): while the clock is advanced it runs once, at the end.
        """
        timer = Timer(self.now() + delay, action, housekeeping)
        heapq.heappush(self._heap, (timer.when, next(self._order), timer))
        self._arm()
        return timer

    def track(self, work: t.Coroutine[t.Any, t.Any, None]) -> asyncio.Task[None]:
        """Run something beside the requests; `settle` waits for it."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._finished)
        return task

    def _finished(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            _log.error("a device's work failed", exc_info=error)

    async def settle(self) -> None:
        """Wait until what was started is done and the sockets' news have been heard."""
        for _round in range(3):
            while pending := [task for task in self._tasks if task is not asyncio.current_task()]:
                await asyncio.wait(pending)
            await asyncio.sleep(0.005)

    async def advance(self, seconds: float) -> None:
        """Let device time pass at once; every event that falls due has run when this returns."""
        async with self._advance_lock:
            await self.settle()
            self._advancing = True
            try:
                await self._run_until(self.now() + seconds)
            finally:
                self._advancing = False
                self._arm()
            await self.settle()

    async def _run_until(self, target: float) -> None:
        last: list[Action] = []
        while self._heap and self._heap[0][0] <= target:
            timer = heapq.heappop(self._heap)[2]
            if timer.action is None:
                continue
            if timer.housekeeping:
                last.append(timer.action)
                continue
            if timer.when > self.now():
                self.jump_to(timer.when)
            await timer.action()
        if target > self.now():
            self.jump_to(target)
        await asyncio.gather(*(action() for action in last))

    def _arm(self) -> None:
        """Wake up for the next event, in real time."""
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None
        while self._heap and self._heap[0][2].action is None:
            heapq.heappop(self._heap)
        if self._heap and self._speed > 0 and not self._advancing:
            delay = max(0.0, (self._heap[0][0] - self.now()) / self._speed)
            self._handle = asyncio.get_running_loop().call_later(delay, self._run_due)

    def _run_due(self) -> None:
        self._handle = None
        now = self.now()
        while not self._advancing and self._heap and self._heap[0][0] <= now:
            action = heapq.heappop(self._heap)[2].action
            if action is not None:
                self.track(_awaited(action))
        self._arm()

    def stop(self) -> None:
        if self._handle is not None:
            self._handle.cancel()
        self._heap.clear()
        for task in self._tasks:
            task.cancel()


async def _awaited(action: Action) -> None:
    await action()
