# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sunell: out of each of the three ways to a certificate, a plan of ours is refused, or it is carried out.

The search goes breadth-first through the simulator's certificates: pairs from outside, CSRs with their keys,
certificates for them, the way that is in use, deletions, HTTPS on and off, restarts, and a clock inside and outside
validities.

*Seen*: with HTTPS on, the recorder sees a camera that presents a certificate of our CA; with HTTPS off it sees plain
HTTP as long as HTTPS was off when the run began. Plain HTTP stays open beside HTTPS in any case. *Unreachable* is a
camera that was seen when the run began and is not seen after one of its steps. Listed ways back: what was asked for
(the step that switches HTTPS, where plain HTTP was wished for or certificates are not the run's business), and the
message of ``abandon``: a CSR replaces the key of the certificate in use, so that from the CSR to the installation a
restart ends with the built-in certificate.
"""

from __future__ import annotations

import collections
import copy
import dataclasses as dc
import datetime as dt
import functools
import typing as t

import pytest
from ansible_collections.camsec.fleet.extensions.simulator import _sunell_certificates
from ansible_collections.camsec.fleet.extensions.simulator._frame import ApiError
from ansible_collections.camsec.fleet.extensions.simulator._pki import spki
from ansible_collections.camsec.fleet.extensions.simulator._sunell_certificates import (
    CertificateRequest,
    DeviceTime,
    Pair,
    SunellCertificates,
)
from ansible_collections.camsec.fleet.plugins.module_utils._camera.resource import CameraResource
from ansible_collections.camsec.fleet.plugins.module_utils._camera.state import CameraState, HttpsState
from ansible_collections.camsec.fleet.plugins.module_utils._core._errors import (
    ConnectError,
    RuleError,
    VerificationError,
)
from ansible_collections.camsec.fleet.plugins.module_utils._core._plan import Step
from ansible_collections.camsec.fleet.plugins.module_utils._sunell.rules import RULES

from .conftest import (
    CLOCKS,
    DEVICE,
    HTTP_PORT,
    KINDS,
    NOW,
    PORT,
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

WISHES: t.Final = tuple(
    Wish(connection=connection, new_key=new_key, managed=managed)
    for connection in ("https", "http")
    for new_key in ("on_mismatch", "with_certificate")
    for managed in (True, False)
)
BUILT_IN: t.Final = "built-in"
_ISSUED: t.Final = ("good", "due", "foreign")


@pytest.fixture(scope="module", autouse=True)
def made_once() -> t.Iterator[None]:
    """The cryptography behind the rules, once for each key."""
    make = functools.cache(CertificateRequest.make)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_sunell_certificates, "spki", functools.cache(spki))
        patch.setattr(CertificateRequest, "make", lambda key, _subject: make(key, _Nobody()))
        yield


class _Nobody(dict[str, str]):
    """A subject that can be remembered."""

    def __init__(self) -> None:
        super().__init__(common_name=DEVICE)

    def __hash__(self) -> int:  # type: ignore[override]
        return 0


@dc.dataclass(kw_only=True)
class Camera:
    """What the rules are about, and what the server has loaded."""

    certificates: SunellCertificates = dc.field(default_factory=SunellCertificates)
    presented: Pair | None = None
    https: bool = True
    clock: int = 0

    @property
    def time(self) -> DeviceTime:
        now = NOW.timestamp() + CLOCKS[self.clock] * 86400.0
        return DeviceTime(now=now, latest=now)

    def present(self) -> None:
        """As a server does that loads its files: what is gone stays until the restart."""
        way = self.certificates.way
        self.presented = None if way == "builtin" else self.certificates.stored(way) or self.presented

    def known_as(self) -> tuple[object, ...]:
        """The same for states that differ in keys only."""
        one = self.certificates
        places = {part.spki: name for name in ("uploaded", "request") if (part := getattr(one, name)) is not None}

        def of(pair: Pair | None) -> tuple[str, str]:
            return ("", "") if pair is None else (places.get(pair.spki, "gone"), kind_of(pair))

        things = (of(one.uploaded), of(one.signed), of(self.presented), one.request is not None)
        return (*things, one.way, self.https, self.clock)


def kind_of(pair: Pair | None) -> str:
    """Of which kind a pair's certificate is."""
    if pair is None:
        return BUILT_IN
    return next(kind for kind in KINDS if certificate_pem(pair.key_pem, kind) == pair.chain_pem)


def _fresh(camera: Camera) -> str:
    one = camera.certificates
    used = {part.spki for part in (one.uploaded, one.request, one.signed, camera.presented) if part is not None}
    return next(pem for pem in map(key_pem, range(8)) if _spki(pem) not in used)


_spki = functools.cache(spki)


# -- what can be done to a camera ------------------------------------------------------------------------------------


def upload(camera: Camera, kind: str) -> None:
    key = _fresh(camera)
    camera.certificates.upload(certificate_pem(key, kind).encode(), key.encode(), camera.time)
    camera.present()


def make_request(camera: Camera) -> None:
    camera.certificates.put_request(CertificateRequest.make(_fresh(camera), {}))


def install(camera: Camera, kind: str) -> None:
    request = camera.certificates.request
    pem = certificate_pem(request.key_pem if request is not None else key_pem(0), kind)
    camera.certificates.install(pem.encode(), camera.time)
    camera.present()


def _delete(camera: Camera, what: str) -> None:
    getattr(camera.certificates, f"delete_{what}")()
    camera.present()


def choose(camera: Camera, way: t.Any) -> None:
    camera.certificates.need(way)
    camera.certificates.way = way
    camera.present()


def switch(camera: Camera, *, https: bool) -> None:
    camera.https = https


def restart(camera: Camera) -> None:
    camera.certificates.at_boot()
    camera.presented = None
    camera.present()


def set_clock(camera: Camera, clock: int) -> None:
    camera.clock = clock


ACTS: t.Final[tuple[t.Callable[[Camera], None], ...]] = (
    *(functools.partial(upload, kind=kind) for kind in _ISSUED),
    make_request,
    *(functools.partial(install, kind=kind) for kind in _ISSUED),
    *(functools.partial(_delete, what=what) for what in ("uploaded", "request", "signed")),
    *(functools.partial(choose, way=way) for way in ("builtin", "uploaded", "signed")),
    *(functools.partial(switch, https=https) for https in (True, False)),
    restart,
    *(functools.partial(set_clock, clock=clock) for clock in range(len(CLOCKS))),
)


def _copy(camera: Camera) -> Camera:
    return dc.replace(camera, certificates=copy.copy(camera.certificates))


def reachable(tally: Tally) -> list[Camera]:
    """One camera for each state that can be reached from a factory's."""
    found = {Camera().known_as(): Camera()}
    waiting = collections.deque(found.values())
    while waiting:
        camera = waiting.popleft()
        for act in ACTS:
            after = _copy(camera)
            try:
                act(after)
            except ApiError:
                tally.refused_moves += 1
                continue
            tally.moves += 1
            if after.known_as() not in found:
                found[after.known_as()] = after
                waiting.append(after)
    tally.states = len(found)
    return list(found.values())


# -- plans -----------------------------------------------------------------------------------------------------------


def seen(camera: Camera, *, over_https: bool) -> bool:
    """Whether the recorder sees it, in the sense of this file's first lines."""
    if not camera.https:
        return not over_https
    return KINDS.get(kind_of(camera.presented), ("",))[0] == "Our CA" and met(camera)


def met(camera: Camera) -> bool:
    """Whether a handshake comes about (CAM-15); a built-in certificate is shown as it is."""
    return not camera.https or camera.presented is None or camera.presented.fits(camera.time)


def read(camera: Camera) -> CameraState:
    """The state as the driver reads it."""
    shown = camera.presented if camera.https else None
    own = camera.certificates.way != "builtin"
    expired = shown is not None and facts_of(shown.chain_pem).not_after < NOW
    return CameraState(
        rules=RULES,
        https=HttpsState(connection="https" if camera.https else "http", https_port=PORT),
        http_port=HTTP_PORT,
        self_signed="not_generated" if own else "valid",
        self_signed_name="" if own else BUILT_IN,
        ca_certificate=("expired" if expired else "valid") if own else "not_generated",
        ca_certificate_name=DEVICE if own else "",
        key=None,
        previous_key=None,
        request_made_at="made" if camera.certificates.request is not None else "",
        installed_serial="",
        tls_supported=True,
        contact=contact_of("https" if camera.https else "http", PORT if camera.https else HTTP_PORT, "any_certificate"),
        peer=t.cast("t.Any", object()) if camera.https else None,
        certificate=facts_of(shown.chain_pem) if shown is not None and own else None,
        abilities=RULES.abilities,
    )


def carry_out(camera: Camera, step: Step) -> None:
    """One step on the state object; ApiError when it refuses."""
    match step.id:
        case "make_request":
            make_request(camera)
        case "sign_request":
            camera.certificates.need_request()
        case "install_certificate":
            install(camera, "good")
        case "install_with_key":
            camera.certificates.upload(step.data["pem"].encode(), step.data["key"].reveal().encode(), camera.time)
            camera.present()
        case "set_https":
            switch(camera, https=step.data["https"].connection == "https")
        case unknown:
            raise AssertionError(unknown)


def check_restart_is_listed(camera: Camera, state: CameraState, step: Step, tally: Tally) -> None:
    """Between the CSR and the installation: a restart would lose the camera, and ``abandon`` says so."""
    other = _copy(camera)
    restart(other)
    if seen(other, over_https=True):
        return
    made = resource(WISHES[0], None)
    made._before = state
    made._done = [step.id]
    error = ConnectError(device=DEVICE, subject="x", found="a broken connection", expected="an answer")
    with pytest.raises(VerificationError, match=r"Run this again, with first_contact any_certificate"):
        CameraResource.abandon(made, step, error)
    tally.ways_back["message of abandon"] += 1


def judge(began: Camera, wish: Wish, tally: Tally) -> None:
    """A refusal, or a plan whose steps are all accepted and lose nothing."""
    camera, state = _copy(began), read(began)
    made = resource(wish, None)
    try:
        plan = made.plan(state)
        if plan.steps and plan.steps[0].id != "set_https":
            made.check_clock(RULES, NOW + dt.timedelta(days=CLOCKS[camera.clock]))
    except RuleError as error:
        tally.refusals[error.rule] += 1
        return
    tally.plans += 1
    tally.unchanged += not plan.steps
    over_https = camera.https and seen(camera, over_https=True)
    for step in plan.steps:
        before = seen(camera, over_https=over_https)
        carry_out(camera, step)
        tally.steps += 1
        if before and not seen(camera, over_https=over_https):
            assert step.id == "set_https", f"{step.id} of {ids(plan)} loses {began.known_as()}, {wish}"
            assert wish.connection == "http" or not wish.managed
            tally.ways_back["asked for"] += 1
        if step.id == "make_request" and over_https:
            check_restart_is_listed(camera, state, step, tally)
    assert camera.https == (wish.connection == "https")
    if wish.managed and wish.connection == "https":
        # Over plain HTTP nothing tells which certificate is in use: a further run would install one again.
        assert not resource(wish, None).plan(read(camera)).steps, f"once more for {began.known_as()}, {wish}"
    if wish.managed:
        assert kind_of(camera.presented) == "good"


@pytest.fixture(scope="module")
def tally() -> Tally:
    """What the search has counted."""
    return Tally()


@pytest.fixture(scope="module")
def cameras(tally: Tally) -> list[Camera]:
    """Every reachable state."""
    return reachable(tally)


def test_every_plan_in_each_of_the_three_ways(
    cameras: list[Camera], tally: Tally, capsys: pytest.CaptureFixture[str]
) -> None:
    for camera in cameras:
        if not met(camera):
            # A recorder does not see it either; plain HTTP is open beside it, and the clock can be set there (CAM-15).
            tally.ways_back["set the clock (CAM-15)"] += 1
            continue
        for wish in WISHES:
            judge(camera, wish, tally)
    with capsys.disabled():
        print(f"\n{tally.shown('Sunell')}")
    unmet = tally.ways_back["set the clock (CAM-15)"]
    assert tally.plans + tally.refusals.total() == (tally.states - unmet) * len(WISHES)
    assert tally.states >= 354
    assert tally.plans >= 2152
    assert tally.steps >= 3440
    assert tally.refusals.keys() == {"CAM-15"}
    assert tally.ways_back.keys() == {"asked for", "message of abandon", "set the clock (CAM-15)"}


def test_every_state_with_a_key_from_outside_and_back(
    cameras: list[Camera], capsys: pytest.CaptureFixture[str]
) -> None:
    """CAM-13, CAM-15: refused over plain HTTP and with a clock outside; otherwise the camera is seen from then on."""
    tally, key = Tally(states=len(cameras)), key_pem(99)
    outside, leaf = with_key(key, "due"), facts_of(certificate_pem(key, "due"))
    back = Wish(connection="https")
    for began in cameras:
        if not met(began):
            continue
        camera, state = _copy(began), read(began)
        try:
            RULES.check_clock(DEVICE, NOW + dt.timedelta(days=CLOCKS[camera.clock]), leaf.not_before, leaf.not_after)
            plan = outside.plan(state)
        except RuleError as error:
            tally.refusals[error.rule] += 1
            continue
        tally.plans += 1
        assert ids(plan) == ["install_with_key"]
        carry_out(camera, plan.steps[0])
        tally.steps += 1
        assert seen(camera, over_https=True)
        assert not outside.plan(read(camera)).steps
        judge(camera, back, tally)
    with capsys.disabled():
        print(f"\n{tally.shown('Sunell, key from outside')}")
    assert tally.refusals.keys() == {"CAM-13", "CAM-15"}
    assert tally.plans >= 100
    assert tally.ways_back.keys() <= {"message of abandon"}
