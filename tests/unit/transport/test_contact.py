# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The strongest way first, and never a weaker one because a stronger one was refused or not trusted."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.camsec.fleet.plugins.module_utils._core._errors import (
    CamsecError,
    ConnectError,
    InputError,
    LoginError,
    ProtocolError,
    TrustError,
)
from ansible_collections.camsec.fleet.plugins.module_utils._transport._connection import Trust
from ansible_collections.camsec.fleet.plugins.module_utils._transport._contact import Target, contact
from ansible_collections.camsec.fleet.plugins.module_utils._transport._patience import Patience, until
from ansible_collections.camsec.fleet.plugins.module_utils._transport._session import DeviceSession, Refused

from .conftest import CREDENTIALS, Identity

PINNED = Trust(spki_sha256=("0" * 64,))


def error(kind: type[CamsecError]) -> CamsecError:
    return kind(device="cam011", subject="s", found=kind.__name__, expected="e")


def tried(
    target: Target, answers: t.Mapping[tuple[str, int, str], type[CamsecError]]
) -> tuple[list[tuple[str, int, str]], str]:
    """The ways that were tried, in their order, and how it ended; without an answer a way succeeds."""
    ways: list[tuple[str, int, str]] = []

    def prove(session: DeviceSession) -> str:
        kind = session.trust.kind if session.endpoint.scheme == "https" else "plain"
        way = (session.endpoint.scheme, session.endpoint.port, kind)
        ways.append(way)
        if way in answers:
            raise error(answers[way])
        return "proof"

    try:
        reached, proof = contact(target, prove)
    except CamsecError as failure:
        return ways, type(failure).__name__
    assert proof == "proof"
    return ways, reached.trust


def target(first_contact: str = "refuse", trust: Trust = PINNED, **changes: t.Any) -> Target:
    given = {"host": "cam011", "https_ports": (443, 8443), "http_port": 80, "credentials": CREDENTIALS, "timeout": 1.0}
    return Target(**{**given, "trust": trust, "first_contact": first_contact, **changes})


FIRST, SECOND = ("https", 443, "pin"), ("https", 8443, "pin")
CA_FIRST, CA_SECOND = ("https", 443, "certificate_authority"), ("https", 8443, "certificate_authority")
ANY_FIRST, ANY_SECOND = ("https", 443, "any_certificate"), ("https", 8443, "any_certificate")
PLAIN = ("http", 80, "plain")
CLOSED = dict.fromkeys((FIRST, SECOND, CA_FIRST, CA_SECOND, ANY_FIRST, ANY_SECOND, PLAIN), ConnectError)


@pytest.mark.parametrize(
    ("first_contact", "ways"),
    [
        ("refuse", [CA_FIRST, CA_SECOND]),
        ("plain_http", [CA_FIRST, CA_SECOND, PLAIN]),
        ("any_certificate", [CA_FIRST, CA_SECOND, ANY_FIRST, ANY_SECOND, PLAIN]),
    ],
)
def test_the_order_of_the_ways(first_contact: str, ways: list[tuple[str, int, str]], identity: Identity) -> None:
    by_ca = target(first_contact, Trust(ca_path=identity.path))
    assert tried(by_ca, CLOSED) == (ways, "ConnectError")


def test_a_pin_is_a_stronger_word_than_any_certificate() -> None:
    assert tried(target("any_certificate"), {FIRST: TrustError}) == ([FIRST], "TrustError")
    assert tried(target("any_certificate"), CLOSED) == ([FIRST, SECOND, PLAIN], "ConnectError")


def test_the_strongest_way_that_answers_is_taken() -> None:
    assert tried(target("any_certificate"), {}) == ([FIRST], "pin")
    assert tried(target("plain_http"), {FIRST: ConnectError}) == ([FIRST, SECOND], "pin")
    assert tried(target("plain_http"), {FIRST: ConnectError, SECOND: ConnectError})[1] == "plain_http"
    assert tried(target("plain_http", Trust(ca_path="x"), https_ports=()), {}) == ([PLAIN], "plain_http")


@pytest.mark.parametrize("kind", [TrustError, LoginError, ProtocolError, InputError])
@pytest.mark.parametrize("first_contact", ["refuse", "plain_http"])
def test_no_weaker_way_after_a_no(first_contact: str, kind: type[CamsecError]) -> None:
    assert tried(target(first_contact), {FIRST: kind}) == ([FIRST], kind.__name__)


@pytest.mark.parametrize("kind", [LoginError, ProtocolError])
def test_no_weaker_way_after_a_no_even_with_any_certificate(kind: type[CamsecError]) -> None:
    assert tried(target("any_certificate"), {FIRST: kind}) == ([FIRST], kind.__name__)


def test_any_certificate_is_the_operators_word_for_one_that_is_not_trusted(identity: Identity) -> None:
    by_ca = target("any_certificate", Trust(ca_path=identity.path))
    ways, trust = tried(by_ca, {CA_FIRST: TrustError, CA_SECOND: ConnectError})
    assert (ways, trust) == ([CA_FIRST, CA_SECOND, ANY_FIRST], "any_certificate")


def test_without_anything_to_trust_by_https_is_tried_only_on_the_operators_word() -> None:
    assert tried(target("refuse", Trust()), {}) == ([], "ConnectError")
    assert tried(target("plain_http", Trust()), {}) == ([PLAIN], "plain_http")
    assert tried(target("any_certificate", Trust()), {}) == ([ANY_FIRST], "any_certificate")


def test_an_unreachable_device_is_one_sentence_with_all_that_was_tried() -> None:
    def prove(session: DeviceSession) -> None:
        raise ConnectError(
            device="cam011", subject=f"port {session.endpoint.port}", found="Connection refused", expected="e"
        )

    with pytest.raises(ConnectError) as caught:
        contact(target(), prove)
    assert caught.value.message == (
        "cam011: contact: found port 443: Connection refused; port 8443: Connection refused, expected the device to"
        " answer. Check the address, the ports and the network. A device fresh from the factory answers in plain HTTP"
        " only: set first_contact to plain_http for its first contact, on a network you trust."
    )


@pytest.mark.parametrize("timeout", [0, -1, float("nan"), float("inf")])
def test_a_timeout_that_is_none_is_refused(timeout: float) -> None:
    with pytest.raises(InputError, match=r"cam011: timeout: found .*, expected more than 0"):
        target(timeout=timeout)


# -- patience --------------------------------------------------------------------------------------------------------


def refused(status: int) -> Refused:
    return Refused(status=status, reason="", device="cam011", subject="s")


@pytest.mark.parametrize("passing", [error(ConnectError), refused(503)])
def test_until_waits_for_a_device_that_is_not_there_yet(passing: CamsecError) -> None:
    answers: list[CamsecError] = [passing, passing]

    def attempt() -> str:
        if answers:
            raise answers.pop()
        return "there"

    assert until(attempt, seconds=5) == "there"


@pytest.mark.parametrize("final", [error(TrustError), error(LoginError), error(ProtocolError), refused(400)])
def test_until_does_not_wait_after_a_no(final: CamsecError) -> None:
    tries = 0

    def attempt() -> None:
        nonlocal tries
        tries += 1
        raise final

    with pytest.raises(type(final)):
        until(attempt, seconds=5)
    assert tries == 1


def test_until_ends_with_the_last_error() -> None:
    def attempt() -> None:
        raise error(TrustError)

    with pytest.raises(TrustError):
        until(attempt, seconds=0.15, passing=(TrustError,))


def test_patience_has_an_end() -> None:
    patience = Patience(0)
    assert patience.wait() is False
