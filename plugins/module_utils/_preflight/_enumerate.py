# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which suites a server takes, and in whose order: found by offering, taking what it picked away, and offering again.

A suite counts as taken when the server picked it, and as not taken only when the server said so with an alert about
suites or versions. Silence, a reset or a full house are no answers: they are asked again, or nothing is said at all.
"""

from __future__ import annotations

import contextlib
import dataclasses as dc
import functools
import typing as t

from .._core._errors import ConnectError, ProtocolError, VerificationError
from .._tls._hello import ServerAnswer
from .._tls._registry import ALERTS, OTHER_SUITES, suite_name
from .._tls._suites import TLS12_SUITES, TLS13_SUITES
from ._gate import Gate, Silent, together

__all__ = ["OFFERED12", "OFFERED13", "Ask", "Offers", "Suites", "look", "older_versions", "preference"]

TLS12, TLS13 = 0x0303, 0x0304
_NEWEST_OLD, _OLDEST = 0x0302, 0x0300
OFFERED12: t.Final = tuple(suite.code_point for suite in TLS12_SUITES)
OFFERED13: t.Final = (*(suite.code_point for suite in TLS13_SUITES), 0x1304, 0x1305)
# What neither cameras nor policies know, in parts that any server can read.
_OTHERS: t.Final = tuple(one for one in OTHER_SUITES if one not in OFFERED12)
_PART: t.Final = 60
# handshake_failure, protocol_version, insufficient_security: what a server says when no offered suite will do.
_REFUSALS: t.Final = frozenset({40, 70, 71})
_UNCLEAR: t.Final = 3


class Ask(t.Protocol):
    """Offers suites on one channel of the server."""

    def __call__(self, suites: t.Sequence[int], version: int) -> ServerAnswer:
        """Offer.

        Args:
            suites: Code points in the order of preference.
            version: Newest protocol version.

        Returns:
            The server's answer.
        """


@dc.dataclass(frozen=True, kw_only=True)
class Suites:
    """What one channel takes.

    Attributes:
        tls12: Of the suites that we know, in the server's order where it has one.
        tls13: In the server's order where it has one.
        others: Further suites of TLS 1.2, unordered.
        preference: Whose order decides in TLS 1.2: ``server``, ``client``, ``mixed``, or ``not_observable`` where fewer
            than two suites are taken.
        answers: The server's answer for each suite of TLS 1.2 that it takes.
    """

    tls12: tuple[int, ...]
    tls13: tuple[int, ...]
    others: tuple[int, ...]
    preference: str
    answers: t.Mapping[int, ServerAnswer] = dc.field(repr=False)


class Offers:
    """Makes offers until each has a clear answer.

    Args:
        ask: Offers once; raises :class:`Silent` where the server hung up on the offer.
        gate: Holds connections back.
        device: The server, for errors.
        channel: ``control`` or ``data``, for errors.
    """

    def __init__(self, ask: Ask, *, gate: Gate, device: str, channel: str) -> None:
        self._ask = ask
        self._gate = gate
        self._device = device
        self._channel = channel
        self._known: t.Callable[[], ServerAnswer] | None = None

    def answer(self, suites: t.Sequence[int], version: int) -> ServerAnswer:
        """Offer suites.

        Args:
            suites: Code points in the order of preference.
            version: The newest protocol version; an older one than this is taken for a refusal.

        Returns:
            The pick, or a refusal.

        Raises:
            ConnectError: No clear answer.
            ProtocolError: The server picked what was not offered.
        """
        offer, last = functools.partial(self._ask, tuple(suites), version), ""
        for dummy in range(_UNCLEAR):
            try:
                answer = self._gate.call(offer)
            except Silent as error:
                last = error.found
                self._gate.pause()
                continue
            if answer.suite is not None:
                self._known = self._known or offer
                return self._checked(answer, suites, version)
            if answer.alert in _REFUSALS:
                return answer
            last = f"the alert {ALERTS.get(answer.alert or 0, answer.alert)}"
        if self._still_answers():
            return ServerAnswer()
        raise ConnectError(
            device=self._device,
            subject=f"suites of the {self._channel} channel",
            found=f"{last}, {_UNCLEAR} times, so that the scan stayed incomplete",
            expected="a suite, or an alert about suites",
            advice="Nothing is said about its suites; the server's own log tells what is wrong.",
        )

    def _still_answers(self) -> bool:
        """Whether an offer that it took before is still taken: then its silence about another one is a refusal."""
        if self._known is None:
            return False
        for dummy in range(_UNCLEAR):
            with contextlib.suppress(Silent):
                return self._gate.call(self._known).suite is not None
            self._gate.pause()
        return False

    def picked_in_turn(self, suites: t.Sequence[int], version: int) -> tuple[ServerAnswer, ...]:
        """Take away what the server picks until it refuses.

        Args:
            suites: Code points in the order of preference.
            version: The newest protocol version.

        Returns:
            One answer for each suite that it takes, in the order of its picks.
        """
        left, found = list(suites), []
        while left:
            answer = self.answer(left, version)
            if answer.suite is None:
                break
            found.append(answer)
            left.remove(answer.suite)
        return tuple(found)

    def _checked(self, answer: ServerAnswer, suites: t.Sequence[int], version: int) -> ServerAnswer:
        if answer.version < version:
            return ServerAnswer(alert=70)
        if answer.suite not in suites:
            raise ProtocolError(
                device=self._device,
                subject=f"suites of the {self._channel} channel",
                found=f"{suite_name(answer.suite or 0)}, which was not offered",
                expected="one of the suites that were offered",
            )
        return answer


def look(offers: Offers, gate: Gate, *, device: str, channel: str, others: t.Sequence[int] = _OTHERS) -> Suites:
    """Find all suites that a channel takes.

    Two chains of offers, one in our order and one in the reverse, have to find the same; that settles the order too.

    Args:
        offers: Of the channel.
        gate: Holds connections back.
        device: The server, for errors.
        channel: ``control`` or ``data``, for errors.
        others: Further suites to look for.

    Returns:
        What it takes.

    Raises:
        VerificationError: The two chains differ, as they do when several servers share the address.
        ConnectError: The scan stayed incomplete.
    """
    parts = [others[start : start + _PART] for start in range(0, len(others), _PART)]
    chain = offers.picked_in_turn
    forward, backward, newest, *rest = together(
        gate,
        [
            functools.partial(chain, OFFERED12, TLS12),
            functools.partial(chain, OFFERED12[::-1], TLS12),
            functools.partial(chain, OFFERED13, TLS13),
            *(functools.partial(chain, part, TLS12) for part in parts),
        ],
    )
    first, second = _picks(forward), _picks(backward)
    if set(first) != set(second):
        differing = ", ".join(suite_name(one) for one in sorted(set(first) ^ set(second)))
        raise VerificationError(
            device=device,
            subject=f"suites of the {channel} channel",
            found=f"{differing} taken in one look and refused in the other",
            expected="the same suites in both looks",
            advice="Several servers with different settings may share this address.",
        )
    found = [answer for part in (forward, *rest) for answer in part]
    return Suites(
        tls12=first,
        tls13=_picks(newest),
        others=tuple(one for part in rest for one in _picks(part)),
        preference=preference(first, second),
        answers={answer.suite: answer for answer in found if answer.suite is not None},
    )


def preference(forward: t.Sequence[int], backward: t.Sequence[int]) -> str:
    """Whose order decides.

    Args:
        forward: Picks where the offer was in the order of :data:`OFFERED12`.
        backward: Picks where it was reversed.

    Returns:
        ``server``, ``client``, ``mixed`` (the server ranks groups of suites) or ``not_observable``.
    """
    if len(forward) < 2:
        return "not_observable"
    if tuple(forward) == tuple(backward):
        return "server"
    offered = [one for one in OFFERED12 if one in set(forward)]
    return "client" if list(forward) == offered and list(backward) == offered[::-1] else "mixed"


def older_versions(ask: Ask, gate: Gate) -> tuple[int, ...]:
    """Which protocol versions before TLS 1.2 a server takes.

    A server answers with the newest version that both sides have, so that one refusal speaks for all that are older.

    Args:
        ask: Offers on the control channel.
        gate: Holds connections back.

    Returns:
        The versions, the newest first.
    """
    found: list[int] = []
    version = _NEWEST_OLD
    while version >= _OLDEST:
        answered = gate.call(functools.partial(_version_of, ask, version))
        if answered is None or answered < _OLDEST or answered > version:
            break
        found.append(answered)
        version = answered - 1
    return tuple(found)


def _version_of(ask: Ask, version: int) -> int | None:
    try:
        answer = ask((*OFFERED12, *_OTHERS), version)
    except (Silent, ProtocolError):
        return None  # a server without the old versions may hang up, or find no TLS in such a hello
    return answer.version if answer.suite is not None else None


def _picks(answers: t.Iterable[ServerAnswer]) -> tuple[int, ...]:
    return tuple(answer.suite for answer in answers if answer.suite is not None)
