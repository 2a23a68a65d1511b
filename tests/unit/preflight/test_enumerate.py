# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Enumeration without a network: what a server takes is found exactly, and what is no answer is not taken for one."""

from __future__ import annotations

import threading
import typing as t

import pytest
from ansible_collections.camsec.fleet.plugins.module_utils._core._errors import (
    ConnectError,
    ProtocolError,
    VerificationError,
)
from ansible_collections.camsec.fleet.plugins.module_utils._preflight._enumerate import (
    OFFERED12,
    OFFERED13,
    Offers,
    look,
    older_versions,
    preference,
)
from ansible_collections.camsec.fleet.plugins.module_utils._preflight._gate import Crowded, Gate, Silent, together
from ansible_collections.camsec.fleet.plugins.module_utils._tls._hello import ServerAnswer
from ansible_collections.camsec.fleet.plugins.module_utils._tls._registry import OTHER_SUITES
from hypothesis import given, settings
from hypothesis import strategies as st

TLS12, TLS13 = 0x0303, 0x0304
OTHERS = tuple(one for one in OTHER_SUITES if one not in OFFERED12)


def gate(*, width: int = 8, time_limit: float = 30.0) -> Gate:
    return Gate(width=width, time_limit=time_limit, device="stub")


class Imagined:
    """A server of which we know everything."""

    def __init__(self, tls12: t.Sequence[int], tls13: t.Sequence[int] = (), *, own_order: bool = True) -> None:
        self.taken = {TLS12: list(tls12), TLS13: list(tls13)}
        self.own_order = own_order
        self.asked = 0
        self._lock = threading.Lock()

    def __call__(self, suites: t.Sequence[int], version: int) -> ServerAnswer:
        with self._lock:
            self.asked += 1
        taken = self.taken.get(version, [])
        ranked = [one for one in taken if one in suites] if self.own_order else [one for one in suites if one in taken]
        return ServerAnswer(version=version, suite=ranked[0]) if ranked else ServerAnswer(alert=40)


def looked(ask: t.Any, held: Gate | None = None) -> t.Any:
    held = held or gate()
    return look(Offers(ask, gate=held, device="stub", channel="control"), held, device="stub", channel="control")


@settings(max_examples=60, deadline=None)
@given(st.permutations(OFFERED12), st.integers(0, 18), st.sets(st.sampled_from(OTHERS), max_size=9), st.booleans())
def test_exactly_what_is_taken_is_found(ranked: list[int], size: int, others: set[int], own_order: bool) -> None:
    server = Imagined([*ranked[:size], *others], OFFERED13[:2], own_order=own_order)
    found = looked(server)
    assert set(found.tls12) == set(ranked[:size])
    assert set(found.others) == others
    assert found.tls13 == OFFERED13[:2]
    if size >= 2:
        assert found.preference == ("server" if own_order else "client")
    if own_order:
        assert list(found.tls12) == ranked[:size]


def test_whose_order() -> None:
    a, b, c = OFFERED12[:3]
    assert preference([a, b, c], [a, b, c]) == "server"
    assert preference([a, b, c], [c, b, a]) == "client"
    assert preference([a, b, c], [b, a, c]) == "mixed"
    assert preference([a], [a]) == preference([], []) == "not_observable"


def test_several_servers_behind_one_address_are_noticed() -> None:
    def ask(suites: t.Sequence[int], version: int) -> ServerAnswer:
        # The one that answers our order has a suite less than the one that answers the reverse.
        forward = list(suites) == sorted(suites, key=OFFERED12.index) if set(suites) <= set(OFFERED12) else True
        return Imagined(OFFERED12[:2] if forward else OFFERED12[:3])(suites, version)

    with pytest.raises(VerificationError, match="TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384 taken in one look"):
        looked(ask)


def test_a_full_house_is_waited_for() -> None:
    server, refusals = Imagined(OFFERED12[:4]), iter(range(5))

    def ask(suites: t.Sequence[int], version: int) -> ServerAnswer:
        if next(refusals, None) is not None:
            raise Crowded(device="stub", subject="greeting", found="421 too many", expected="room")
        return server(suites, version)

    held = gate()
    assert looked(ask, held).tls12 == OFFERED12[:4]
    assert held.width == 1


def test_a_scan_that_does_not_come_to_its_end_says_nothing_about_suites() -> None:
    def ask(*dummy: object) -> ServerAnswer:
        raise Crowded(device="stub", subject="greeting", found="421 too many", expected="room")

    with pytest.raises(ConnectError, match=r"421 too many, so that it stayed incomplete.*Nothing is said"):
        looked(ask, gate(time_limit=0.5))


@pytest.mark.parametrize("alert", [80, 50, 10])
def test_an_alert_about_something_else_is_no_refusal(alert: int) -> None:
    with pytest.raises(ConnectError, match="stayed incomplete"):
        looked(lambda *dummy: ServerAnswer(alert=alert))


def test_a_server_that_hangs_up_instead_of_refusing_is_understood_as_long_as_it_answers_at_all() -> None:
    server = Imagined(OFFERED12[1:3])

    def ask(suites: t.Sequence[int], version: int) -> ServerAnswer:
        answer = server(suites, version)
        if answer.suite is None:
            raise Silent(device="stub", subject="hello", found="a closed connection", expected="an answer")
        return answer

    assert looked(ask).tls12 == OFFERED12[1:3]
    server.taken[TLS12] = []
    with pytest.raises(ConnectError, match="closed connection, 3 times"):
        looked(ask)


def test_a_suite_that_was_not_offered_is_no_answer() -> None:
    with pytest.raises(ProtocolError, match="which was not offered"):
        looked(lambda suites, version: ServerAnswer(version=version, suite=0x0005 if 0x0005 not in suites else 0x0004))


def test_an_older_version_is_a_refusal_of_this_one() -> None:
    found = looked(lambda suites, dummy: ServerAnswer(version=0x0301, suite=suites[0]))
    assert (found.tls12, found.tls13, found.others) == ((), (), ())


@pytest.mark.parametrize("taken", [(), (0x0302,), (0x0301,), (0x0302, 0x0301), (0x0302, 0x0301, 0x0300), (0x0300,)])
def test_older_versions(taken: tuple[int, ...]) -> None:
    def ask(suites: t.Sequence[int], version: int) -> ServerAnswer:
        best = next((one for one in taken if one <= version), None)
        return ServerAnswer(alert=70) if best is None else ServerAnswer(version=best, suite=suites[0])

    assert older_versions(ask, gate()) == taken


def test_no_more_connections_at_a_time_than_allowed() -> None:
    held, lock, open_, most = gate(width=3), threading.Lock(), 0, 0
    meet = threading.Barrier(3)

    def work() -> int:
        nonlocal open_, most
        with lock:
            open_ += 1
            most = max(most, open_)
        meet.wait(timeout=10)
        with lock:
            open_ -= 1
        return 1

    assert together(held, [lambda: held.call(work)] * 9) == [1] * 9
    assert (most, held.connections) == (3, 9)


def test_the_first_failure_ends_the_others() -> None:
    held = gate()
    waiting = threading.Event()

    def fail() -> int:
        waiting.wait(timeout=10)
        raise ProtocolError(device="stub", subject="x", found="nonsense", expected="sense")

    def wait() -> int:
        waiting.set()
        raise Crowded(device="stub", subject="x", found="421", expected="room")

    with pytest.raises(ProtocolError, match="nonsense"):
        together(held, [lambda: held.call(fail), lambda: held.call(wait)])
