# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Axis: whatever lies in a camera's certificate store, each call of a plan of ours is accepted, and none loses it.

The search goes breadth-first through the simulator's state object: keys of ours and of others, each with a self-signed
certificate, one of our CA or one of another; which of them the web server shows; plain HTTP and HTTPS alone and
together. A store holds at most :data:`MOST` certificates in the search; states that differ in the numbers of aliases
only are taken together. The real driver then carries out each plan, call by call, on the state object.

*Seen* and *unreachable* are as in the search of ONVIF. The only listed way back is what was asked for.
"""

from __future__ import annotations

import collections
import copy
import dataclasses as dc
import functools
import types
import typing as t

import pytest
from ansible_collections.camsec.fleet.extensions.simulator import _axis_state
from ansible_collections.camsec.fleet.extensions.simulator._axis_spec import AxisCameraSpec
from ansible_collections.camsec.fleet.extensions.simulator._axis_state import (
    FACTORY_ALIAS,
    AxisRefusal,
    AxisState,
    Stored,
    VirtualHost,
)
from ansible_collections.camsec.fleet.plugins.module_utils._axis.api import AxisCertificate, Ports, WebServer
from ansible_collections.camsec.fleet.plugins.module_utils._axis.driver import ALIAS, AxisDriver
from ansible_collections.camsec.fleet.plugins.module_utils._camera.state import CameraState
from ansible_collections.camsec.fleet.plugins.module_utils._core._errors import RuleError
from ansible_collections.camsec.fleet.plugins.module_utils._tls._certificate import CertificateFacts
from ansible_collections.camsec.fleet.plugins.module_utils._transport._session import Refused
from cryptography import x509

from .conftest import (
    DEVICE,
    HTTP_PORT,
    PORT,
    Tally,
    Wish,
    carry_out,
    certificate_pem,
    facts_of,
    ids,
    key_pem,
    read_keystore,
    resource,
)

#: Besides what the web server showed in the factory.
MOST = 2
BITS = (1024, 1280)
OTHER = "other"
SELF, ISSUED = "self-signed", ("good", "foreign")
POLICIES: t.Final = ("Http", "HttpAndHttps", "Https")
WISHES: t.Final = tuple(
    Wish(connection=connection, size=size, new_key=new_key, managed=managed)
    for connection in ("https", "http")
    for size, new_key, managed in (
        (BITS[0], "on_mismatch", True),
        (BITS[0], "with_certificate", True),
        (BITS[1], "on_mismatch", True),
        (BITS[0], "on_mismatch", False),
    )
)
_SPEC: t.Final = AxisCameraSpec(name="cam", address="127.0.0.1", http_port=HTTP_PORT, https_port=PORT, password="x")
_CIPHERS: t.Final = ("ECDHE-RSA-AES128-GCM-SHA256",)
_NAME: t.Final = x509.Name([x509.NameAttribute(x509.oid.NameOID.COMMON_NAME, DEVICE)])


@pytest.fixture(scope="module", autouse=True)
def made_once() -> t.Iterator[None]:
    """The cryptography behind the rules, once for each key."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Stored, "spki", property(lambda one: _spki(one.private)))
        patch.setattr(_axis_state, "load_private", functools.cache(_axis_state.load_private))
        patch.setattr(_axis_state, "_one", functools.cache(_axis_state._one))
        yield


@functools.cache
def _spki(private: str) -> str:
    return _axis_state.spki_hex(_axis_state.load_private(private).public_key())


@functools.cache
def _self_signed(private: str) -> str:
    one = AxisState(_SPEC)
    one.put_self_signed("x", private, _NAME, (), 0.0)
    return one.certificates["x"].pem


@functools.cache
def _kind(private: str, pem: str) -> str:
    return next((kind for kind in ISSUED if certificate_pem(private, kind) == pem), SELF)


def factory() -> AxisState:
    """A camera fresh from the factory; its identity of IEEE 802.1AR plays no part."""
    state = AxisState(_SPEC)
    _put(state, FACTORY_ALIAS, BITS[0])
    state.web = dc.replace(state.web, certificate=FACTORY_ALIAS)
    return state


def _put(state: AxisState, alias: str, bits: int) -> None:
    """As the camera makes a key, with its self-signed certificate."""
    state.check_new(alias)
    used = {one.private for one in state.certificates.values()}
    private = next(pem for pem in (key_pem(bits * 10 + n, bits) for n in range(12)) if pem not in used)
    state.certificates[alias] = Stored(pem=_self_signed(private), private=private, keystore="SE0")


def known_as(state: AxisState) -> tuple[object, ...]:
    """The same for states that differ in numbers only."""
    order = sorted(state.certificates, key=lambda alias: (alias.rstrip("0123456789"), len(alias), alias))
    rows = tuple(
        (alias.rstrip("0123456789"), _kind(one.private, one.pem), facts_of(one.pem).key_size)
        for alias, one in ((alias, state.certificates[alias]) for alias in order)
    )
    return rows, order.index(state.web.certificate), state.web.policy


def _copy(state: AxisState) -> AxisState:
    other = copy.copy(state)
    other.certificates, other.issuers, other.hosts = (
        dict(state.certificates), dict(state.issuers), dict(state.hosts),
    )  # fmt: skip
    return other


def serving(state: AxisState) -> str:
    """The certificate that the web server shows, PEM."""
    return state.stored(state.web.certificate).pem


def seen(state: AxisState, *, over_https: bool) -> bool:
    """Whether the recorder sees it."""
    if "https" in state.web.schemes and facts_of(serving(state)).issuer_common_name == "Our CA":
        return True
    return "http" in state.web.schemes and not over_https


# -- what can be done to a camera ------------------------------------------------------------------------------------


def _next_own(state: AxisState) -> str:
    numbers = [int(alias.rpartition(" ")[2]) for alias in state.certificates if alias.startswith(ALIAS)]
    return f"{ALIAS} {max(numbers, default=0) + 1}"


def _web(state: AxisState, **changes: t.Any) -> None:
    wanted = dc.replace(state.web, **changes)
    state.check_web(wanted)
    state.web = wanted


def _acts(state: AxisState) -> t.Iterator[t.Callable[[AxisState], object]]:
    if len(state.certificates) <= MOST:
        for bits in BITS:
            yield lambda one, bits=bits: _put(one, _next_own(one), bits)
        yield lambda one: _put(one, OTHER, BITS[0])
    for alias, stored in state.certificates.items():
        for kind in ISSUED:
            pem = certificate_pem(stored.private, kind)
            yield lambda one, alias=alias, pem=pem: one.replace(alias, pem)
        yield lambda one, alias=alias: one.delete(alias)
        yield lambda one, alias=alias: _web(one, certificate=alias)
    for policy in POLICIES:
        yield lambda one, policy=policy: _web(one, tls=policy != "Http", policy=policy)


def reachable(tally: Tally) -> list[AxisState]:
    """One camera for each state that can be reached from a factory's."""
    found = {known_as(factory()): factory()}
    waiting = collections.deque(found.values())
    while waiting:
        state = waiting.popleft()
        for act in _acts(state):
            after = _copy(state)
            try:
                act(after)
            except AxisRefusal:
                tally.refused_moves += 1
                continue
            tally.moves += 1
            if known_as(after) not in found:
                found[known_as(after)] = after
                waiting.append(after)
    tally.states = len(found)
    return list(found.values())


# -- the driver on the state object ----------------------------------------------------------------------------------


class Calls:
    """The calls of ``AxisApi`` on a state object; after each that changes something it is looked at."""

    def __init__(self, state: AxisState, look: t.Callable[[str], None]) -> None:
        self.state, self.look = state, look

    def identity(self) -> dict[str, str]:
        return {"Brand": "AXIS", "ProdNbr": "P", "SerialNumber": "B8A44F000000", "Version": "12.11.77"}

    def certificates(self) -> list[AxisCertificate]:
        return [AxisCertificate(alias=alias, facts=facts_of(one.pem)) for alias, one in self.state.certificates.items()]

    def create_certificate(self, alias: str, key_type: str, _subject: str, _names: object) -> None:
        _put(self.state, alias, int(key_type.removeprefix("RSA-")))
        self.look("create_certificate")

    def key_types(self) -> frozenset[str]:
        return frozenset(f"RSA-{bits}" for bits in BITS)

    def request(self, alias: str, _subject: str, _names: object) -> str:
        return _request(self.state.stored(alias).private)

    def replace_certificate(self, alias: str, pem: str) -> None:
        self.state.replace(alias, pem)
        self.look("PATCH")

    def delete_certificate(self, alias: str) -> None:
        self.state.delete(alias)
        self.look("DELETE")

    def issuers(self) -> dict[str, CertificateFacts]:
        return {alias: facts_of(pem) for alias, pem in self.state.issuers.items()}

    def ports(self) -> Ports:
        hosts = self.state.hosts
        return Ports(http=hosts["default-http"].port, https=hosts["default-https"].port, basic_over_https=True)

    def set_https_port(self, port: int) -> None:
        self.state.hosts["default-https"] = VirtualHost(port=port, auth_type="basic")
        self.look("port")

    def web_server(self) -> WebServer:
        web = self.state.web
        return WebServer(
            tls=web.tls, policy=web.policy, ciphers=_CIPHERS, certificates=(web.certificate,), issuers=web.issuers,
            trusted=web.trusted,
        )  # fmt: skip

    def set_web_server(self, wanted: WebServer) -> None:
        assert wanted.ciphers == _CIPHERS
        (certificate,) = wanted.certificates
        _web(self.state, tls=wanted.tls, policy=wanted.policy, certificate=certificate, issuers=wanted.issuers)
        self.look("SetWebServerTlsConfiguration")


@functools.cache
def _request(private: str) -> str:
    one = AxisState(_SPEC)
    one.put_self_signed("x", private, _NAME, (), 0.0)
    return one.request("x", None, None)


class Wire:
    """Between the two: a refusal of the device's is an error of the client's."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls

    def __getattr__(self, name: str) -> t.Any:
        found = getattr(self._calls, name)
        if not callable(found):
            return found

        @functools.wraps(found)
        def call(*arguments: t.Any) -> t.Any:
            try:
                return found(*arguments)
            except AxisRefusal as error:
                raise Refused(status=error.status, reason=error.reason, device=DEVICE, subject=name) from None

        return call


class Driver(AxisDriver):
    """The real one, with its calls on a state object, met over HTTPS where the camera speaks it."""

    def __init__(self, calls: Calls) -> None:
        secure = "https" in calls.state.web.schemes
        session: t.Any = types.SimpleNamespace(
            device=DEVICE, endpoint=types.SimpleNamespace(host=DEVICE), peer=object() if secure else None
        )
        super().__init__(session, key_seconds=0.0)
        self._api = t.cast("t.Any", Wire(calls))


def read(driver: Driver, state: AxisState) -> CameraState:
    """The state as the driver reads it."""
    return read_keystore(driver, serving(state) if "https" in state.web.schemes else None)


def key_of(driver: Driver) -> str:
    """The key that the driver goes on with, PEM."""
    return str(t.cast("t.Any", driver._api).state.stored(driver._alias).private)


def _others(state: AxisState) -> set[str]:
    return {alias for alias in state.certificates if not alias.startswith(ALIAS)}


def judge(state: AxisState, wish: Wish, tally: Tally) -> None:
    """A refusal, or a plan whose calls are all accepted and lose nothing."""
    state = _copy(state)
    over_https = seen(state, over_https=True)
    began, calls = seen(state, over_https=over_https), 0

    def look(call: str) -> None:
        nonlocal began, calls
        calls += 1
        if began and not seen(state, over_https=over_https):
            by_wish = wish.connection == "http" or not wish.managed
            asked_for = call == "SetWebServerTlsConfiguration" and by_wish
            assert asked_for, f"{call} loses {known_as(state)}, {wish}"
            tally.ways_back["asked for"] += 1
            began = False

    others = _others(state)
    driver = Driver(Calls(state, look))
    current = read(driver, state)
    told = facts_of(serving(state))
    made = resource(wish, told)
    try:
        plan = made.plan(current)
    except RuleError as error:
        tally.refusals[error.rule] += 1
        return
    tally.plans += 1
    tally.unchanged += not plan.steps
    for step in plan.steps:
        carry_out(driver, step, lambda: key_of(driver))
    if plan.steps:
        driver.tidy()
    tally.steps += calls
    assert _others(state) == others, f"something of others was deleted: {known_as(state)}, {wish}"
    after = read(Driver(Calls(state, look)), state)
    assert after.https.connection == wish.connection
    again = resource(wish, facts_of(serving(state))).plan(after)
    assert not again.steps, f"{ids(again)} once more for {known_as(state)}, {wish}"
    if wish.managed and wish.connection == "https":
        assert facts_of(serving(state)).issuer_common_name == "Our CA"


def test_every_plan_on_every_store(capsys: pytest.CaptureFixture[str]) -> None:
    tally = Tally()
    for state in reachable(tally):
        for wish in WISHES:
            judge(state, wish, tally)
    with capsys.disabled():
        print(f"\n{tally.shown('Axis')}")
    assert tally.plans + tally.refusals.total() == tally.states * len(WISHES)
    assert tally.states >= 4896
    assert tally.plans >= 38080
    assert tally.steps >= 142228
    assert tally.refusals.keys() == {"SetWebServerTlsConfiguration"}
    assert tally.ways_back.keys() == {"asked for"}
