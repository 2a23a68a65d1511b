# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""i-PRO: whatever was done to a camera before, a plan of ours is refused, or it is carried out and loses nothing.

The search goes breadth-first through every order of the camera's operations that the simulator's state object accepts:
keys of two sizes, the previous key, self-signed certificates, CSRs, certificates of our CA (good, due, without the
camera's address) and of another, their deletion, the connection and its port, restarts, and a clock that is put ahead
of the end of certificates. States are taken together when they differ in nothing but names: which key a certificate is
for counts only as the present one, the previous one, or one that is gone. For each state and each wish the plan is made
out of what the camera would answer, translated by code of this file, and each step is carried out on the state object.

*Seen*: the recorder sees a camera that answers HTTPS with a certificate of our CA which both its own and the camera's
clock find valid (the camera ends HTTPS otherwise, HTTPS-24), and one in plain HTTP as long as it was in plain HTTP when
the run began. *Unreachable* is a camera that was seen when the run began and is not seen after one of its steps.

*Listed ways back*, and nothing else:

* the plan announces a window of plain HTTP in its ``impacts``, and the camera is in plain HTTP between the step that
  opens it and the one that ends it;
* the connection is what was asked for, and the step is the one that chooses it: plain HTTP, or HTTPS with a certificate
  that was made by hand, where certificates are not the run's business (it is then met by a pin, or not at all);
* ``abandon``: after the switch of the connection, the way back to the former one is accepted by the state machine; so
  is the former certificate after the installation of one over HTTPS.

A camera that cannot be met, because its certificate ended while it was in HTTPS, has one: the restart (HTTPS-24).
Besides, wherever a run ends, the same wish has a plan from there, and a run after the last step has nothing to do.
"""

from __future__ import annotations

import collections
import dataclasses as dc
import datetime as dt
import functools
import typing as t

import pytest
from ansible_collections.camsec.fleet.extensions.simulator import _camera_state
from ansible_collections.camsec.fleet.extensions.simulator._camera_state import CameraState as Machine
from ansible_collections.camsec.fleet.extensions.simulator._camera_state import Certificate, Key
from ansible_collections.camsec.fleet.extensions.simulator._clock import format_time
from ansible_collections.camsec.fleet.extensions.simulator._frame import ApiError, Params
from ansible_collections.camsec.fleet.plugins.module_utils._camera.state import (
    CameraState,
    HttpsState,
    KeyFacts,
    SubjectName,
)
from ansible_collections.camsec.fleet.plugins.module_utils._core._errors import RuleError
from ansible_collections.camsec.fleet.plugins.module_utils._core._plan import Plan, Step
from ansible_collections.camsec.fleet.plugins.module_utils._ipro.rules import RULES
from ansible_collections.camsec.fleet.plugins.module_utils._tls._certificate import CertificateFacts

from .conftest import (
    CLOCKS,
    DEVICE,
    HTTP_PORT,
    KINDS,
    NOW,
    OTHER_PORT,
    PORT,
    SIZES,
    WISHES,
    Tally,
    Wish,
    certificate_pem,
    contact_of,
    facts_of,
    ids,
    key_pem,
    resource,
    with_key,
)

_SUBJECT = Params(values={"common_name": DEVICE}, files={})
_DAY = 86400.0
#: As many keys of a size as the state can tell apart, and one more.
_KEYS = 6


@pytest.fixture(scope="module", autouse=True)
def made_once() -> t.Iterator[None]:
    """The state object as it is, with the cryptography behind it done once for each key."""
    csr, own = _camera_state.make_csr, _camera_state.make_self_signed
    requests: dict[str, str] = {}
    selves: dict[str, str] = {}

    def make_csr(key: str, fields: t.Mapping[str, str]) -> str:
        return requests.get(key) or requests.setdefault(key, csr(key, fields))

    def make_self_signed(key: str, fields: t.Mapping[str, str], begin: float) -> str:
        return selves.get(key) or selves.setdefault(key, own(key, fields, begin))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_camera_state, "make_csr", make_csr)
        patch.setattr(_camera_state, "make_self_signed", make_self_signed)
        patch.setattr(_camera_state, "one_certificate", functools.cache(_camera_state.one_certificate))
        patch.setattr(_camera_state, "as_pem", functools.cache(_camera_state.as_pem))
        patch.setattr(Certificate, "of", functools.cache(Certificate.of))
        yield


@functools.cache
def _key(size: int, number: int) -> Key:
    return Key.new(key_pem(size * 10 + number), size, 0.0)


@functools.cache
def _pems() -> dict[str, str]:
    """The key of each public key."""
    return {_key(size, n).spki: _key(size, n).pem for size in SIZES for n in range(_KEYS)}


@dc.dataclass(frozen=True, kw_only=True)
class Bench:
    """A camera on the bench: its state, where its clock stands, and how much was done to it."""

    state: Machine
    clock: int = 0
    age: int = 0

    @property
    def now(self) -> float:
        # Each operation takes a second, so that the camera can tell which came first.
        return NOW.timestamp() + CLOCKS[self.clock] * _DAY + self.age

    def after(self, act: t.Callable[[Machine, float], None]) -> Bench:
        """The camera after something was done; ApiError when it refuses that."""
        state = dc.replace(self.state)
        act(state, self.now)
        return dc.replace(self, state=state, age=self.age + 1)

    @property
    def known_as(self) -> tuple[object, ...]:
        """The same for states that differ in names only."""
        state, places = self.state, {}
        for place, key in (("previous", self.state.previous), ("present", self.state.current)):
            if key is not None:
                places[key.spki] = place

        def of(thing: t.Any) -> str:
            return "" if thing is None else places.get(thing.spki, "gone")

        def since(key: Key | None) -> bool | None:
            return None if key is None or state.csr is None else state.csr.modified >= key.modified

        keys = tuple(key.size if key else 0 for key in (state.current, state.previous))
        kind = kind_of(state.ca)
        things = (of(state.self_signed), of(state.csr), of(state.ca), kind, state.ca_ever)
        return (keys, things, since(state.current), since(state.previous), state.live, state.https_port, self.clock)


def kind_of(certificate: Certificate | None) -> str:
    """Of which kind a CA certificate is."""
    if certificate is None:
        return ""
    return next(kind for kind in KINDS if certificate_pem(_pems()[certificate.spki], kind) == certificate.pem)


# -- what an operator can do -----------------------------------------------------------------------------------------


def generate(state: Machine, now: float, size: int) -> None:
    """A key that was never there before."""
    state.check_key_change(now)
    things = (state.current, state.previous, state.csr, state.self_signed, state.ca)
    used = {thing.spki for thing in things if thing is not None}
    fresh = next(key for key in (_key(size, n) for n in range(_KEYS)) if key.spki not in used)
    state.put_key(dc.replace(fresh, modified=now))


def connect(state: Machine, now: float, live: str, port: int) -> None:
    """As the camera's call does it, without its listeners."""
    state.check_connection(live, port, HTTP_PORT, now)
    state.live, state.https_port = t.cast("t.Any", live), port


def restart(state: Machine, now: float) -> None:
    """HTTPS-24, as the camera's boot does it."""
    if state.live == "https" and state.expired(now):
        state.live = "http"


def install(state: Machine, _now: float, kind: str) -> None:
    """A certificate of that kind for the key of the CSR."""
    spki = state.csr.spki if state.csr is not None else _key(SIZES[0], 0).spki
    state.install_ca(certificate_pem(_pems()[spki], kind).encode())


Act = t.Callable[[Machine, float], None]
ACTS: t.Final[tuple[Act, ...]] = (
    *(functools.partial(generate, size=size) for size in SIZES),
    lambda state, now: state.apply_history(now),
    lambda state, now: state.create_self_signed(_SUBJECT, now, NOW.timestamp()),
    lambda state, now: state.delete_self_signed(now),
    lambda state, now: state.create_csr(_SUBJECT, now),
    *(functools.partial(install, kind=kind) for kind in KINDS),
    lambda state, _now: state.delete_ca(),
    *(functools.partial(connect, live=live, port=port) for live in ("http", "https") for port in (PORT, OTHER_PORT)),
    restart,
)


def reachable(tally: Tally) -> list[Bench]:
    """One camera for each state that can be reached from a factory's."""
    first = Bench(state=Machine(https_port=PORT))
    found = {first.known_as: first}
    waiting = collections.deque([first])
    while waiting:
        bench = waiting.popleft()
        for after in _moves(bench, tally):
            if after.known_as not in found:
                found[after.known_as] = after
                waiting.append(after)
    tally.states = len(found)
    return list(found.values())


def _moves(bench: Bench, tally: Tally) -> t.Iterator[Bench]:
    for act in ACTS:
        try:
            after = bench.after(act)
        except ApiError:
            tally.refused_moves += 1
        else:
            tally.moves += 1
            yield after
    for clock in range(len(CLOCKS)):
        if clock != bench.clock:
            tally.moves += 1
            yield dc.replace(bench, clock=clock)


# -- what the planner is told ----------------------------------------------------------------------------------------


def met(bench: Bench) -> bool:
    """Whether anybody can meet the camera: its HTTPS ends with its certificate (HTTPS-24)."""
    return bench.state.live == "http" or not bench.state.expired(bench.now)


def seen(bench: Bench, began: Bench) -> bool:
    """Whether the recorder sees it, in the sense of this file's first lines."""
    if bench.state.live == "http":
        return began.state.live == "http"
    shown = bench.state.in_use(bench.now)
    ours = shown is not None and shown is bench.state.ca and KINDS[kind_of(shown)][0] == "Our CA"
    return ours and met(bench)


def _status(info: str) -> tuple[t.Any, str]:
    return (info, "") if info in ("not_generated", "invalid", "expired") else ("valid", info)


def read(bench: Bench) -> tuple[CameraState, CertificateFacts | None]:
    """The state as the camera would tell it, and the certificate that the ledger knows where no handshake shows it."""
    state, now = bench.state, bench.now
    self_signed, self_signed_name = _status(state.self_signed_info(now))
    ca, ca_name = _status(state.ca_info(now))
    secure = state.live == "https"
    shown = state.in_use(now) if secure else None
    ours = shown is not None and shown is state.ca and KINDS[kind_of(shown)][0] == "Our CA"
    trust = "plain_http" if not secure else "certificate_authority" if ours else "any_certificate"
    read_as = CameraState(
        rules=RULES,
        https=HttpsState(connection=state.live, https_port=state.https_port),
        http_port=HTTP_PORT,
        self_signed=self_signed,
        self_signed_name=self_signed_name,
        ca_certificate=ca,
        ca_certificate_name=ca_name,
        key=_facts(state.current),
        previous_key=_facts(state.previous),
        request_made_at=format_time(state.csr.modified) if state.csr is not None and ca != "valid" else "",
        installed_serial=facts_of(state.ca.pem).serial_number if ca == "valid" and state.ca and not secure else "",
        tls_supported=True,
        contact=contact_of(state.live, state.https_port if secure else HTTP_PORT, trust),
        peer=t.cast("t.Any", object()) if secure else None,
        certificate=facts_of(shown.pem) if shown is not None else None,
    )
    told = facts_of(state.ca.pem) if read_as.installed_serial and state.ca else None
    return read_as, told


def _facts(key: Key | None) -> KeyFacts | None:
    return None if key is None else KeyFacts(size=key.size, generated_at=format_time(key.modified))


# -- a plan, carried out ---------------------------------------------------------------------------------------------


def carry_out(bench: Bench, step: Step) -> Bench:
    """One step on the state object; ApiError when it refuses."""
    return bench if step.id == "sign_request" else bench.after(functools.partial(_STEPS[step.id], step))


_STEPS: t.Final[dict[str, t.Callable[[Step, Machine, float], None]]] = {
    "open_http_window": lambda _step, state, now: connect(state, now, "http", state.https_port),
    "delete_certificate": lambda _step, state, _now: state.delete_ca(),
    "delete_self_signed": lambda _step, state, now: state.delete_self_signed(now),
    "generate_key": lambda step, state, now: generate(state, now, step.data["kind"].size),
    "make_request": lambda _step, state, now: state.create_csr(_SUBJECT, now),
    "install_certificate": lambda _step, state, now: install(state, now, "good"),
    "set_https": lambda step, state, now: connect(
        state, now, step.data["https"].connection, step.data["https"].https_port
    ),
}


def way_back(plan: Plan, wish: Wish, number: int, after: Bench) -> str:
    """Which of the listed ways leads back from where a step has led; empty for none."""
    steps = ids(plan)
    if "open_http_window" in steps[: number + 1] and after.state.live == "http":
        announced = any("plain HTTP" in impact.text and impact.rule == "HTTPS-02" for impact in plan.impacts)
        return "window" if announced else ""
    if steps[number] == "set_https" and (plan.after["connection"] == "http" or not wish.managed):
        return "asked for"
    return ""


def check_abandon(step: Step, before: Bench, after: Bench, tally: Tally) -> None:
    """What ``abandon`` would send is accepted, and leads to where the camera was."""
    if step.id == "set_https":
        former = before.state
        back = after.after(lambda state, now: connect(state, now, former.live, former.https_port))
        assert (back.state.live, back.state.https_port) == (former.live, former.https_port)
        tally.ways_back["abandon: connection"] += 1
    if step.id == "install_certificate" and before.state.live == "https" and before.state.ca_valid(before.now):
        old = before.state.ca
        assert old is not None
        pem = old.pem.encode()
        back = after.after(lambda state, _now: state.install_ca(pem))
        assert back.state.in_use(back.now) == old
        tally.ways_back["abandon: certificate"] += 1


def judge(bench: Bench, wish: Wish, plan: Plan, tally: Tally) -> None:
    """Each step is accepted, none loses the camera, and what was wished for is there in the end."""
    tally.plans += 1
    tally.unchanged += not plan.steps
    began = now = bench
    for number, step in enumerate(plan.steps):
        before, now = now, carry_out(now, step)
        tally.steps += 1
        if seen(began, began) and not seen(now, began):
            way = way_back(plan, wish, number, now)
            assert way, f"{step.id} of {ids(plan)} loses the camera: {began.known_as}, {wish}"
            tally.ways_back[way] += 1
        if "open_http_window" not in ids(plan):
            check_abandon(step, before, now, tally)
        planned(now, wish)  # a run that ends here is gone on with
    _check_end(now, wish)


def _check_end(bench: Bench, wish: Wish) -> None:
    state = bench.state
    assert (state.live, state.https_port) == (wish.connection, PORT)
    if wish.managed:
        assert kind_of(state.ca) == "good"
        assert state.ca_valid(bench.now)
        assert state.current is not None
        assert state.current.size == wish.size
    again = planned(bench, wish)
    assert not again.steps, f"{ids(again)} once more for {bench.known_as}, {wish}"


_PLANS: dict[tuple[object, ...], Plan | RuleError] = {}


def planned(bench: Bench, wish: Wish) -> Plan:
    """The plan for what the camera tells; the same for states that it tells nothing different of."""
    current, told = read(bench)
    sha = tuple(one.sha256 for one in (current.certificate, told) if one is not None)
    made_at = current.key.generated_at if current.key is not None else ""
    # Times matter by their order alone: whether the CSR came after the key.
    since = (bool(current.request_made_at), current.request_made_at >= made_at)
    sizes = tuple(one.size if one is not None else 0 for one in (current.key, current.previous_key))
    key = (current.https, current.self_signed, current.ca_certificate, sizes, since, sha, bench.clock, wish)
    if key not in _PLANS:
        try:
            made = resource(wish, told)
            _PLANS[key] = plan = made.plan(current)
            if plan.steps and plan.steps[0].id != "set_https":
                made.check_clock(RULES, NOW + dt.timedelta(days=CLOCKS[bench.clock]))
        except RuleError as error:
            _PLANS[key] = error
    found = _PLANS[key]
    if isinstance(found, RuleError):
        raise found
    return found


@pytest.fixture(scope="module")
def tally() -> Tally:
    """What the search has counted."""
    return Tally()


@pytest.fixture(scope="module")
def states(tally: Tally) -> list[Bench]:
    """Every reachable state."""
    return reachable(tally)


def test_every_plan_in_every_reachable_state(
    states: list[Bench], tally: Tally, capsys: pytest.CaptureFixture[str]
) -> None:
    for bench in states:
        if not met(bench):
            assert bench.after(restart).state.live == "http"
            tally.ways_back["restart (HTTPS-24)"] += 1
            continue
        for wish in WISHES:
            try:
                plan = planned(bench, wish)
            except RuleError as error:
                tally.refusals[error.rule] += 1
                continue
            judge(bench, wish, plan, tally)
    with capsys.disabled():
        print(f"\n{tally.shown('i-PRO')}")
    unmet = tally.ways_back["restart (HTTPS-24)"]
    assert tally.plans + tally.refusals.total() == (tally.states - unmet) * len(WISHES)
    assert tally.states >= 2154
    assert tally.plans >= 19434
    assert tally.steps >= 76117
    assert tally.refusals.keys() == {"HTTPS-02", "HTTPS-24", "HTTPS-30"}
    assert min(tally.refusals.values()) >= 500
    ways = {"abandon: certificate", "abandon: connection", "asked for", "restart (HTTPS-24)", "window"}
    assert tally.ways_back.keys() == ways


def test_the_rules_that_ask_for_the_wish_alone_hold_in_every_state(states: list[Bench]) -> None:
    """With those of the search, these are all that a plan of the module can meet."""
    met_rules: collections.Counter[str] = collections.Counter()
    wish = Wish(connection="https", http_window=True)
    for bench in states:
        current, told = read(bench)
        made = resource(wish, told)
        plain = made.wanted
        named = dc.replace(t.cast("t.Any", plain.certificate), subject=SubjectName(common_name="cam ä"))
        for wanted, seen_as in (
            (dc.replace(plain, https=HttpsState(connection="https", https_port=554)), current),
            (dc.replace(plain, https=HttpsState(connection="https", https_port=HTTP_PORT)), current),
            (dc.replace(plain, certificate=named), current),
            (plain, dc.replace(current, tls_supported=False)),
        ):
            made.wanted = wanted
            with pytest.raises(RuleError) as refused:
                made.plan(seen_as)
            met_rules[refused.value.rule] += 1
    assert met_rules.keys() - {"HTTPS-02"} == {"HTTPS-10", "HTTPS-31", "REC-21"}
    assert met_rules.total() == 4 * len(states)


def test_no_state_takes_a_key_from_outside_or_one_on_an_elliptic_curve(states: list[Bench]) -> None:
    outside = with_key(key_pem(99), "good")
    for bench in states:
        current, told = read(bench)
        with pytest.raises(RuleError, match=r"made in the camera and stays there.*\[HTTPS-01\]"):
            outside.plan(current)
        with pytest.raises(RuleError, match=r"a wish for ECDSA on P-256.*\[HTTPS-03\]"):
            resource(Wish(connection="https", type="ecdsa", size=256, http_window=True), told).plan(current)
