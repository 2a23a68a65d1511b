# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Limits: connections, wrong logins, speed. Thread-safe; the clock is injected."""

from __future__ import annotations

import collections
import dataclasses as dc
import ipaddress
import threading
import time
import typing as t

__all__ = ["Connections", "Logins", "Rate", "network_of"]

_Clock = t.Callable[[], float]


def network_of(address: str) -> str:
    """The unit that limits count: an IPv4 address, or the /64 that one IPv6 host usually has.

    Args:
        address: As the socket gives it.

    Returns:
        The address or network as text.
    """
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(parsed, ipaddress.IPv6Address):
        if parsed.ipv4_mapped is not None:
            return str(parsed.ipv4_mapped)
        return str(ipaddress.ip_network((int(parsed) >> 64 << 64, 64)))
    return str(parsed)


class Connections:
    """Counts connections by address and logins by user.

    Args:
        total: Most connections at a time.
        per_address: Most of one address; 0 for no limit.
        per_user: Most logins of one user; 0 for no limit.
    """

    def __init__(self, *, total: int, per_address: int, per_user: int) -> None:
        self._total, self._per_address, self._per_user = total, per_address, per_user
        self._lock = threading.Lock()
        self._addresses: collections.Counter[str] = collections.Counter()
        self._users: collections.Counter[str] = collections.Counter()

    def enter(self, address: str) -> str | None:
        """Count a connection in.

        Args:
            address: The client's.

        Returns:
            Nothing, or why it is refused.
        """
        with self._lock:
            if self._addresses.total() >= self._total:
                return "too many connections"
            if self._per_address and self._addresses[address] >= self._per_address:
                return "too many connections from this address"
            self._addresses[address] += 1
        return None

    def leave(self, address: str) -> None:
        """Count a connection out.

        Args:
            address: The client's.
        """
        with self._lock:
            self._addresses[address] -= 1
            if self._addresses[address] <= 0:
                del self._addresses[address]

    def login(self, user: str) -> bool:
        """Count a login in.

        Args:
            user: Who.

        Returns:
            Whether it is within the limit.
        """
        with self._lock:
            if self._per_user and self._users[user] >= self._per_user:
                return False
            self._users[user] += 1
        return True

    def logout(self, user: str) -> None:
        """Count a login out.

        Args:
            user: Who.
        """
        with self._lock:
            self._users[user] -= 1


@dc.dataclass(kw_only=True)
class _Failures:
    """Wrong logins of one address: all, and those of each account."""

    count: int = 0
    last: float = 0.0
    accounts: collections.Counter[str] = dc.field(default_factory=collections.Counter)


class Logins:
    """Slows wrong logins down, and makes an address pause after many of them.

    Accounts are never locked: who knows a name could lock its owner out.

    Args:
        delay: Seconds after the first wrong login; doubled with each further one.
        max_delay: The longest delay.
        before_pause: Wrong logins after which an address has to pause.
        pause: How long; after as long without a wrong login they are forgotten.
        clock: Monotonic seconds.
    """

    _ADDRESSES: t.Final = 10_000

    def __init__(
        self, *, delay: float, max_delay: float, before_pause: int, pause: float, clock: _Clock = time.monotonic
    ) -> None:
        self._delay, self._max_delay, self._before_pause, self._pause = delay, max_delay, before_pause, pause
        self._clock = clock
        self._lock = threading.Lock()
        self._failures: collections.OrderedDict[str, _Failures] = collections.OrderedDict()

    def _of(self, address: str) -> _Failures:
        known = self._failures.get(address)
        if known is not None and self._clock() - known.last >= max(self._pause, self._max_delay):
            del self._failures[address]
            known = None
        return known or _Failures()

    def pausing(self, address: str) -> bool:
        """Whether an address has to pause now.

        Args:
            address: The client's.

        Returns:
            True when nothing of it is taken.
        """
        with self._lock:
            return self._of(address).count >= self._before_pause

    def failed(self, address: str, account: str | None) -> float:
        """Count a wrong login.

        Args:
            address: The client's.
            account: Whose; nothing for a name that is no account.

        Returns:
            Seconds to wait before the answer.
        """
        with self._lock:
            known = self._of(address)
            known.count, known.last = known.count + 1, self._clock()
            if account is not None:
                known.accounts[account] += 1
            self._failures[address] = known
            self._failures.move_to_end(address)
            while len(self._failures) > self._ADDRESSES:
                self._failures.popitem(last=False)
            return min(self._delay * 2.0 ** min(known.count - 1, 30), self._max_delay)

    def succeeded(self, address: str, account: str) -> None:
        """Forget an account's wrong logins of an address; those of others stay, or one account would do to guess them.

        Args:
            address: The client's.
            account: Whose login it was.
        """
        with self._lock:
            known = self._failures.get(address)
            if known is not None:
                known.count -= known.accounts.pop(account, 0)
                if not known.count:
                    del self._failures[address]


class Rate:
    """A speed that several connections share.

    Args:
        bytes_per_second: 0 for no limit.
        clock: Monotonic seconds.
    """

    # More than this is not saved up while nobody sends.
    _SAVED_SECONDS: t.Final = 0.1

    def __init__(self, bytes_per_second: int, clock: _Clock = time.monotonic) -> None:
        self._speed = bytes_per_second
        self._clock = clock
        self._lock = threading.Lock()
        self._free_at = clock()

    def take(self, count: int) -> float:
        """Account for bytes.

        Args:
            count: That have been read or sent.

        Returns:
            Seconds to wait before the next ones.
        """
        if not self._speed:
            return 0.0
        with self._lock:
            now = self._clock()
            self._free_at = max(self._free_at, now - self._SAVED_SECONDS) + count / self._speed
            return max(0.0, self._free_at - now)
