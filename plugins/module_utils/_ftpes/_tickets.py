# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""TLS sessions that data connections may resume, counted. Pure: sees sessions only as objects with a few numbers.

In TLS 1.2 a session resumes any number of times. In TLS 1.3 OpenSSL hands out two tickets on the control connection,
and some servers one more on each data connection. A server that keeps its sessions itself takes each ticket once; one
that keeps nothing (vsftpd, proftpd) takes it any number of times. RFC 8446 C.4 advises against the latter, so that an
observer cannot link connections; those of FTP are linked anyway.
"""

from __future__ import annotations

import collections
import time
import typing as t

__all__ = ["SessionLike", "Tickets"]

# Kept unused beyond that, the oldest go: they only grow older.
_MOST: t.Final = 8
# A connection shows its newest ticket again and again; older ones never come back.
_REMEMBERED: t.Final = 64
# A session is given up when that part of its life is over, since clocks and servers differ.
_USABLE_LIFE: t.Final = 0.9


class SessionLike(t.Protocol):
    """What is needed of :class:`ssl.SSLSession`."""

    @property
    def id(self) -> bytes: ...
    @property
    def time(self) -> int: ...
    @property
    def timeout(self) -> int: ...
    @property
    def ticket_lifetime_hint(self) -> int: ...


_S = t.TypeVar("_S", bound=SessionLike)


class Tickets(t.Generic[_S]):
    """What one control connection and its data connections gave.

    Args:
        many: A session may be used any number of times (TLS 1.2).
        again: Where no new one is left the newest is used again; then new ones of data connections are not even
            looked for.
        now: Seconds since 1970, as the sessions have them.
    """

    def __init__(self, *, many: bool, again: bool = False, now: t.Callable[[], float] = time.time) -> None:
        self._many = many
        self._again = again
        self._now = now
        self._fresh: collections.deque[_S] = collections.deque(maxlen=_MOST)
        self._seen: collections.deque[bytes] = collections.deque(maxlen=_REMEMBERED)
        self._last: _S | None = None
        self._used_again = False

    @property
    def offered(self) -> bool:
        """The server gave something to resume with, used or not."""
        return bool(self._seen)

    @property
    def used_again(self) -> bool:
        """The session that was taken last had been used before."""
        return self._used_again

    @property
    def left(self) -> int:
        """How many data connections can still resume; for TLS 1.2 one stands for any number."""
        self._drop_old()
        return len(self._fresh) or int(self._reusable is not None)

    @property
    def wants_more(self) -> bool:
        """A session of a data connection would be kept.

        Looking for one costs as much as a small file, and CPython (3.11 to 3.13) loses some 5 KB each time.
        """
        return not self._many and not self._again

    def add(self, session: _S | None) -> None:
        """Keep a session that was not seen before.

        Args:
            session: What a connection has now, if anything.
        """
        if session is None or not session.id or session.id in self._seen:
            return
        # A data connection in TLS 1.2 repeats the control connection's session under a new ticket; servers that
        # compare want the control connection's own.
        if self._many and self._seen:
            return
        self._seen.append(session.id)
        self._fresh.append(session)

    def take(self) -> _S | None:
        """The session for the next data connection; in TLS 1.3 it is gone then.

        Returns:
            The session, the oldest first, or nothing.
        """
        self._drop_old()
        if self._many:
            return self._fresh[0] if self._fresh else None
        self._used_again = not self._fresh
        if self._fresh:
            self._last = self._fresh.popleft()
            return self._last
        return self._reusable

    @property
    def _reusable(self) -> _S | None:
        usable = self._again and self._last is not None and self._alive(self._last)
        return self._last if usable else None

    def _alive(self, session: _S) -> bool:
        life = min(session.timeout, session.ticket_lifetime_hint or session.timeout)
        return self._now() - session.time < life * _USABLE_LIFE

    def _drop_old(self) -> None:
        while self._fresh and not self._alive(self._fresh[0]):
            self._fresh.popleft()
