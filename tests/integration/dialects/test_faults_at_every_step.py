# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every fault, at every request of every step of every plan, of every dialect.

After the run that it strikes, the camera is in the old or in the new state (read from the simulator's own state and by
curl), or the run's message names the camera and says how to bring it back. A second run, with no more than that message
says, finishes the job, and a third changes nothing.

The cases of one plan run at the same time, each on a camera of its own, since most of their time is waiting; each is a
test all the same.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextlib
import copy
import dataclasses as dc
import functools
import itertools
import pathlib
import queue
import threading
import time
import typing as t

import pytest
from ansible_collections.camsec.fleet.extensions.simulator import _axis, _camera, _onvif, _sunell, _sunell_firmware
from ansible_collections.camsec.fleet.extensions.simulator._listener import PortError
from ansible_collections.camsec.fleet.extensions.simulator._pki import make_key
from ansible_collections.camsec.fleet.extensions.simulator.testing import RunningSimulator
from ansible_collections.camsec.fleet.plugins.module_utils._camera.resource import CameraResource
from ansible_collections.camsec.fleet.plugins.module_utils._core._plan import Step
from ansible_collections.camsec.fleet.plugins.module_utils._pki._authority import CertificateAuthority
from cryptography import x509

from .conftest import HTTP, HTTPS, MAKE, Files, Options, Rig, ids

#: Cameras of a dialect that work at the same time.
WORKERS = 12
MOVED = 9443
#: As the fixture ``authority`` names the one that signs.
OUR_CA = "CN=Our Issuing CA"
_NAMED: Options = {"subject_alt_name": ["DNS:gate.example.org"]}
_NEW_KEY: Options = {"new_private_key": "with_certificate", "allow_http_window": True}


@dc.dataclass(frozen=True, kw_only=True)
class Job:
    """What is asked of a camera, and what it is before; by a certificate with its key from outside, where so said."""

    factory: bool = False
    module: str = "camera"
    options: Options
    files: bool = False
    scheme: str = "https"
    port: int = HTTPS


JOBS: t.Final = {
    "first": Job(factory=True, options={}),
    "renewal": Job(options={"first_contact": "refuse", **_NAMED}),
    "new_key": Job(options={"first_contact": "refuse", **_NAMED, **_NEW_KEY}),
    "port": Job(
        options={"first_contact": "refuse", "https_port": MOVED, "former_https_port": HTTPS},
        port=MOVED,
    ),
    # Whoever asks for plain HTTP lets the camera be met there: a run that comes after one that was cut off has to.
    "back": Job(options={"first_contact": "plain_http", "connection": "http"}, scheme="http", port=HTTP),
    "outside": Job(module="camera_certificate", options={"first_contact": "refuse"}, files=True),
    "versions": Job(module="camera_https", options={"first_contact": "refuse", "tls_versions": ["1.3"]}),
}
_CERTIFICATE: t.Final = ("make_request", "sign_request", "install_certificate")
_WITH_KEY: t.Final = ("generate_key", *_CERTIFICATE)
#: The steps of each plan, which check mode has to confirm.
STEPS: t.Final[dict[str, dict[str, tuple[str, ...]]]] = {
    "ipro": {
        "first": (*_WITH_KEY, "set_https"),
        "renewal": _CERTIFICATE,
        "new_key": ("open_http_window", "delete_certificate", *_WITH_KEY, "set_https"),
        "port": ("set_https",),
        "back": ("set_https",),
    },
    "onvif": {
        "first": (*_WITH_KEY, "set_https"),
        "renewal": _CERTIFICATE,
        "new_key": _WITH_KEY,
        "port": ("set_https",),
        "back": ("set_https",),
        "outside": ("install_with_key",),
        "versions": ("set_tls_versions",),
    },
    "sunell": {
        "first": _CERTIFICATE,
        "renewal": _CERTIFICATE,
        "new_key": _CERTIFICATE,
        "port": ("set_https",),
        "back": ("set_https",),
        "outside": ("install_with_key",),
    },
    "axis": {
        "first": (*_WITH_KEY, "set_https"),
        "renewal": _CERTIFICATE,
        "new_key": _WITH_KEY,
        "port": ("set_https",),
        "back": ("set_https",),
        "outside": ("install_with_key",),
    },
}
#: The requests of a step that change something, or without which it does not come about, by a part of their URL or
#: their SOAP operation. Signing an ONVIF or Axis camera's CSR needs none: the CSR came with the step before.
REQUESTS: t.Final[dict[str, dict[str, tuple[str, ...]]]] = {
    "ipro": {
        "open_http_window": ("set_https",),
        "delete_certificate": ("mode=delete",),
        "generate_key": ("set_crt_key",),
        "make_request": ("https_signed",),
        "sign_request": ("mode=get_csr",),
        "install_certificate": ("https_install_signed",),
        "set_https": ("set_https",),
    },
    "onvif": {
        "generate_key": ("CreateRSAKeyPair",),
        "make_request": ("CreatePKCS10CSR",),
        "sign_request": (),
        "install_certificate": ("UploadCertificate", "CreateCertificationPath", "ServerCertificateAssignment"),
        "install_with_key": (
            "UploadCertificateWithPrivateKeyInPKCS12",
            "CreateCertificationPath",
            "ServerCertificateAssignment",
        ),
        "set_tls_versions": ("SetEnabledTLSVersions",),
        "set_https": ("SetNetworkProtocols",),
    },
    "sunell": {
        "make_request": ("action=create",),
        "sign_request": ("action=export",),
        "install_certificate": ("action=upload",),
        "install_with_key": ("action=upload",),
        "set_https": ("action=set",),
    },
    "axis": {
        "generate_key": ("create_certificate",),
        "make_request": ("get_csr",),
        "sign_request": (),
        "install_certificate": ("certificates/camsec", "SetWebServerTls"),
        "install_with_key": ("certificates POST", "SetWebServerTls"),
        "set_https": ("virtualhosts", "SetWebServerTls"),
    },
}
#: What a plan does not need: there the web server has that key already, or that port, or that policy.
NEEDLESS: t.Final[dict[tuple[str, str], str]] = {
    ("axis", "renewal"): "SetWebServerTls",
    ("axis", "port"): "SetWebServerTls",
    ("axis", "back"): "virtualhosts",
}
#: Requests that change nothing: that one was carried out and its answer lost is the same as that it was lost.
READS: t.Final = frozenset({"mode=get_csr", "action=export", "CreatePKCS10CSR", "get_csr"})
#: Faults of the connection: kind, and whether the request is carried out first.
WIRE: t.Final = {
    "dropped before": ("drop", False),
    "dropped after": ("drop", True),
    "stalled": ("stall", False),
    "503": ("unavailable", False),
    "half an answer": ("truncate", True),
    "HTML": ("html", False),
}
#: Faults of the camera: what happens to it, before the step or after it.
POWER: t.Final = {
    "restart": ("restart", "after"),
    "power loss before": ("power_off", "before"),
    "power loss after": ("power_off", "after"),
}


@dc.dataclass(frozen=True, kw_only=True)
class Case:
    dialect: str
    job: str
    step: str
    request: str
    fault: str

    @property
    def id(self) -> str:
        return "-".join(filter(None, (self.dialect, self.job, self.step, self.request, self.fault)))


def _cases(dialect: str, job: str) -> list[Case]:
    found = []
    for step in STEPS[dialect][job]:
        requests = [one for one in REQUESTS[dialect][step] if one != NEEDLESS.get((dialect, job))]
        places = [(request, fault) for request in requests for fault in WIRE]
        for request, fault in [*places, *(("", fault) for fault in POWER)]:
            found.append(Case(dialect=dialect, job=job, step=step, request=request, fault=fault))
    return found


CASES: t.Final = [case for dialect in MAKE for job in STEPS[dialect] for case in _cases(dialect, job)]

#: What is to happen around a step of a camera, by the camera's address.
_ARMED: dict[str, tuple[str, t.Callable[[], None], t.Callable[[], None]]] = {}


@pytest.fixture(scope="module", autouse=True)
def arming() -> t.Iterator[None]:
    """Each step of a run first asks whether something is to happen around it."""
    original = CameraResource.apply

    def apply(self: CameraResource[t.Any], step: Step) -> None:
        wanted, before, after = _ARMED.get(self.target.host, ("", _nothing, _nothing))
        if step.id != wanted:
            original(self, step)
            return
        before()
        try:
            original(self, step)
        finally:
            after()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(CameraResource, "apply", apply)
        yield


def _nothing() -> None:
    pass


@pytest.fixture(scope="module", autouse=True)
def ready_keys() -> t.Iterator[None]:
    """Keys out of a store, for the hundreds of cameras that want one: none comes twice within a case."""
    store = itertools.cycle([make_key(2048) for _number in range(5 * WORKERS)])
    lock = threading.Lock()

    def take(size: int | str) -> str:
        assert int(size) == 2048
        with lock:
            return next(store)

    with pytest.MonkeyPatch.context() as patch:
        for module in (_camera, _sunell, _sunell_firmware):
            patch.setattr(module, "make_key", take)
        for module in (_onvif, _axis):
            patch.setattr(module, "make_private", take)
        yield


# -- what a camera is, by the simulator's own state ------------------------------------------------------------------


@dc.dataclass(frozen=True, kw_only=True)
class Place:
    """Where a camera answers, with which certificate, and in which TLS versions where they can be chosen."""

    scheme: str
    port: int
    certificate: str = ""
    issuer: str = ""
    versions: tuple[str, ...] = ()


def is_new(job: Job, now: Place, old: Place) -> bool:
    """Whether that is what was asked for: with a certificate of ours, and another one where one was to be issued."""
    if (now.scheme, now.port) != (job.scheme, job.port):
        return False
    replaced = (now.certificate, now.port, now.versions) != (old.certificate, old.port, old.versions)
    return job.scheme == "http" or (replaced and now.issuer == OUR_CA)


def place_of(rig: Rig) -> Place:
    places = {"ipro": _ipro_place, "onvif": _onvif_place, "sunell": _sunell_place, "axis": _axis_place}
    return places[rig.dialect](rig.device)


def _https(port: int, pem: str) -> Place:
    shown = x509.load_pem_x509_certificate(pem.encode())
    issuer = shown.issuer.rfc4514_string()
    return Place(scheme="https", port=port, certificate=f"{shown.serial_number:x}", issuer=issuer)


def _ipro_place(device: t.Any) -> Place:
    if device.state.live == "http":
        return Place(scheme="http", port=device.spec.http_port)
    shown = device.state.in_use(device.now())
    return _https(device.state.https_port, shown.pem)


def _onvif_place(device: t.Any) -> Place:
    protocols, store = device.state.protocols, device.state.store
    if not protocols["HTTPS"].enabled:
        return Place(scheme="http", port=protocols["HTTP"].port)
    leaf = store.paths[device.state.tls.assigned[0]].certificates[0]
    found = _https(protocols["HTTPS"].port, store.certificates[leaf].pem)
    return dc.replace(found, versions=device.state.tls.versions)


def _sunell_place(device: t.Any) -> Place:
    state = device.state
    if not state.https:
        return Place(scheme="http", port=state.ports["httpPort"])
    # The built-in certificate is another one after each boot, and none that anybody should trust.
    if device._presented == device._built_in:
        return Place(scheme="https", port=state.ports["httpsPort"], certificate="built-in")
    return _https(state.ports["httpsPort"], device._presented.chain_pem)


def _axis_place(device: t.Any) -> Place:
    hosts, web = device.state.hosts, device.state.web
    # A camera that answers by both is met by plain HTTP, as long as HTTPS alone is what is wanted.
    if "http" in web.schemes:
        return Place(scheme="http", port=hosts["default-http"].port)
    return _https(hosts["default-https"].port, device.state.stored(web.certificate).pem)


async def _put_into(device: t.Any, state: dict[str, t.Any]) -> None:
    await device.power_off()
    for fault in device.faults:
        fault.cleared.set()
    device.faults.clear()
    device.load(copy.deepcopy(state))
    await _power_on(device)


async def _power_on(device: t.Any) -> None:
    """Another test session whose loopback net is the same may hold the port for a while."""
    for _attempt in range(100):
        with contextlib.suppress(PortError):
            await device.power_on()
            return
        await asyncio.sleep(0.2)
    await device.power_on()


def until(condition: t.Callable[[], bool], what: str) -> None:
    end = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < end, what
        time.sleep(0.01)


# -- one case --------------------------------------------------------------------------------------------------------


@dc.dataclass(frozen=True, kw_only=True)
class Worker:
    """A camera, and the states that a case begins in: fresh from the factory, and in HTTPS with our certificate."""

    rig: Rig
    ours: Options
    ca: pathlib.Path
    files: Files
    factory: dict[str, t.Any]
    at_home: dict[str, t.Any]

    @classmethod
    def prepare(cls, rig: Rig, ours: Options, authority: CertificateAuthority) -> Worker:
        rig.set(**({} if rig.dialect == "sunell" else {"key_generation_seconds": 1}))
        factory = rig.device.dump()
        rig.good("camera", **ours)
        return cls(
            rig=rig,
            ours=ours,
            ca=authority.trusted_path,
            files=Files.make(rig.folder / "files", authority, rig.host),
            factory=copy.deepcopy(factory),
            at_home=rig.device.dump(),
        )

    def options(self, job: Job) -> Options:
        """The job's, with our authority, or with what its certificate is trusted by."""
        trust = self.ours if job.module == "camera" else {"ca_path": str(self.ca)}
        return {**job.options, **trust, **(self.files.as_pem if job.files else {})}

    def go_through(self, case: Case) -> None:
        rig, job = self.rig, JOBS[case.job]
        rig.sim.run(_put_into(rig.device, self.factory if job.factory else self.at_home))
        old = place_of(rig)
        first = self._struck(case, job.module, self.options(job))
        self._power_on()
        now = place_of(rig)
        message = str(first.get("msg", ""))
        if not first.get("failed"):
            assert is_new(job, now, old), now
            assert self._seen(now)
        elif now != old and not is_new(job, now, old):
            assert message.startswith(f"{rig.host}: "), message
            assert "run this again" in message.lower(), message
        self._finish(job, message)

    def _struck(self, case: Case, module: str, options: Options) -> Options:
        """The run that the fault strikes; a fault that strikes nothing proves nothing."""
        happened: list[str] = []
        limits: Options = {"switch_timeout": 1.5}
        before, after = _nothing, _nothing
        if case.fault in WIRE:
            kind, late = WIRE[case.fault]
            late = late and case.request not in READS
            fault = {"kind": kind, "path": case.request, "count": 1, "after_write": late}
            before = functools.partial(self.rig.sim.control, self._url("fault"), "POST", fault)
            after = functools.partial(self._note_fault, happened)
            limits["timeout"] = 2 if kind == "stall" else 5
        else:
            action, when = POWER[case.fault]
            strike = functools.partial(self._strike, action, happened)
            before, after = (strike, _nothing) if when == "before" else (_nothing, strike)
            limits["switch_timeout"] = 1.0 if action == "power_off" else 20
        _ARMED[self.rig.host] = (case.step, before, after)
        try:
            result = self.rig.run(module, **{**limits, **options})
        finally:
            del _ARMED[self.rig.host]
        assert happened, f"it did not strike: {result}"
        return result

    def _url(self, action: str) -> str:
        return f"/devices/{self.rig.name}/{action}"

    def _note_fault(self, happened: list[str]) -> None:
        if not self.rig.sim.control(self._url("fault"), "DELETE")["faults"] and not self.rig.device.faults:
            happened.append("struck")

    def _strike(self, action: str, happened: list[str]) -> None:
        self.rig.act(action)
        happened.append(action)

    def _power_on(self) -> None:
        if self.rig.device.power == "off":
            self.rig.act("power_on")
        until(lambda: self.rig.device.power == "on", "the camera does not come up")

    def _seen(self, now: Place) -> bool:
        """By curl, which verifies it with our CA; a listener that was just told to open needs a moment."""
        ca = self.ca if now.scheme == "https" else None
        end = time.monotonic() + 20
        while not (seen := self.rig.reached(now.scheme, now.port, ca)) and time.monotonic() < end:
            time.sleep(0.05)
        return seen

    def _finish(self, job: Job, message: str) -> None:
        """By a second run, with the first contact that the message names where it names one."""
        named = {word for word in ("plain_http", "any_certificate") if f"first_contact {word}" in message}
        contact = {"first_contact": named.pop()} if named else {}
        again = self.rig.run(job.module, **{**self.options(job), **contact})
        assert not again.get("failed"), f"{again['msg']} after {message}"
        now = place_of(self.rig)
        assert (now.scheme, now.port) == (job.scheme, job.port)
        assert self._seen(now)
        third = self.rig.run(job.module, **self.options(job))
        assert not third.get("failed"), third
        assert not third["changed"], third["plan"]


# -- all of them -----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def workers(
    sim: RunningSimulator,
    unused: dict[str, t.Iterator[int]],
    authority: CertificateAuthority,
    ours: Options,
    tmp_path_factory: pytest.TempPathFactory,
) -> t.Callable[[str], list[Worker]]:
    """The prepared cameras of a dialect."""
    fleets: dict[str, t.Sequence[t.Any]] = {
        "ipro": sim.fleet.cameras,
        "onvif": sim.fleet.onvif_cameras,
        "sunell": sim.fleet.sunell_cameras,
        "axis": sim.fleet.axis_cameras,
    }

    def prepare(dialect: str, _number: int) -> Worker:
        spec = fleets[dialect][next(unused[dialect])]
        rig = Rig(
            sim=sim,
            dialect=dialect,
            name=spec.name,
            host=spec.address,
            folder=tmp_path_factory.mktemp("camera"),
            first_contact=MAKE[dialect][1],
        )
        return Worker.prepare(rig, ours, authority)

    @functools.cache
    def of(dialect: str) -> list[Worker]:
        return [prepare(dialect, number) for number in range(WORKERS)]

    return of


@pytest.fixture(scope="module")
def results(
    workers: t.Callable[[str], list[Worker]],
) -> t.Callable[[str, str], dict[Case, concurrent.futures.Future[None]]]:
    """All cases of a plan, done; those of one plan at the same time."""

    @functools.cache
    def of(dialect: str, job: str) -> dict[Case, concurrent.futures.Future[None]]:
        free: queue.SimpleQueue[Worker] = queue.SimpleQueue()
        for worker in workers(dialect):
            free.put(worker)

        def run(case: Case) -> None:
            worker = free.get()
            try:
                worker.go_through(case)
            finally:
                free.put(worker)

        with concurrent.futures.ThreadPoolExecutor(WORKERS) as pool:
            return {case: pool.submit(run, case) for case in _cases(dialect, job)}

    return of


@pytest.mark.parametrize(("dialect", "job"), [(dialect, job) for dialect, jobs in STEPS.items() for job in jobs])
def test_the_plans_have_the_steps_that_the_faults_strike(
    dialect: str, job: str, workers: t.Callable[[str], list[Worker]]
) -> None:
    worker = workers(dialect)[0]
    state = worker.factory if JOBS[job].factory else worker.at_home
    worker.rig.sim.run(_put_into(worker.rig.device, state))
    planned = worker.rig.planned(JOBS[job].module, **worker.options(JOBS[job]))
    assert tuple(ids(planned)) == STEPS[dialect][job]


@pytest.mark.parametrize("case", CASES, ids=[case.id for case in CASES])
def test_a_fault_and_the_runs_after_it(
    case: Case, results: t.Callable[[str, str], dict[Case, concurrent.futures.Future[None]]]
) -> None:
    results(case.dialect, case.job)[case].result()


def test_every_step_request_and_fault_is_among_the_cases() -> None:
    assert len(CASES) == len(set(CASES)) == 576
    for dialect, jobs in STEPS.items():
        for job, steps in jobs.items():
            for step in steps:
                met = {case.fault for case in CASES if (case.dialect, case.job, case.step) == (dialect, job, step)}
                wanted = {*POWER} if step == "sign_request" and not REQUESTS[dialect][step] else {*WIRE, *POWER}
                assert met == wanted


def test_a_clock_past_the_end_of_the_new_certificate_is_refused_before_anything_is_sent(
    rig: Rig, ours: Options
) -> None:
    """Such a certificate would end HTTPS as soon as it is installed."""
    rig.set(clock_offset=2000 * 86400.0)
    failed = rig.bad("camera", **ours)
    rules = {
        "ipro": "HTTPS-24", "onvif": "tas:UploadCertificate", "sunell": "CAM-15", "axis": "cert.v1.certificates",
    }  # fmt: skip
    rule = rules[rig.dialect]
    assert failed["error"]["kind"] == "RuleError"
    assert failed["msg"].endswith(f"[{rule}]")
    assert rig.counts()["writes"] == 0
    rig.set(clock_offset=0.0)
    rig.good("camera", **ours)
