# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Sessions of a recorder: 16 UIDs, 90 s, 3 s between the commands of one."""

from __future__ import annotations

import dataclasses as dc
import secrets
import typing as t

from ._clock import Clock
from ._frame import ApiError, busy

__all__ = ["MAX_UIDS", "Sessions"]

MAX_UIDS: t.Final = 16
LIFETIME: t.Final = 90.0


@dc.dataclass
class _Session:
    user: str
    seen: float
    command: float = float("-inf")


class Sessions:
    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._open: dict[str, _Session] = {}

    @property
    def used(self) -> int:
        self._expire()
        return len(self._open)

    def _expire(self) -> None:
        now = self._clock.now()
        for uid in [uid for uid, session in self._open.items() if now - session.seen > LIFETIME]:
            del self._open[uid]

    def log_in(self, user: str) -> str:
        """A new UID; the oldest goes when there are too many."""
        self._expire()
        if len(self._open) >= MAX_UIDS:
            del self._open[next(iter(self._open))]
        uid = str(10000 + secrets.randbelow(10**12))
        self._open[uid] = _Session(user, self._clock.now())
        return uid

    def command(self, uid: str, user: str, interval: float) -> None:
        """Count a command of this UID; refuse an unknown one, and one that comes too soon."""
        self._expire()
        session = self._open.get(uid)
        if session is None or session.user != user:
            raise ApiError(403, "UID error")
        now = self._clock.now()
        wait = session.command + interval - now
        if wait > 0:
            reason = f"The commands of one UID are at least {interval:g} s apart."
            raise busy(reason, self._clock.real_seconds(wait))
        session.seen = session.command = now

    def log_out(self, uid: str) -> None:
        self._open.pop(uid, None)

    def clear(self) -> None:
        self._open.clear()
