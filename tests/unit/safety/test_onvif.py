# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""ONVIF: whatever lies in a camera's keystore, each call of a plan of ours is accepted, and none loses the camera.

The search goes breadth-first through the keystore and the TLS server of the simulator's state object: keys of ours and
of others, spoilt ones too; certificates of our CA, of another, and self-signed; paths, which of them serves, and plain
HTTP and HTTPS alone and together. A keystore holds at most :data:`MOST` things in the search; states that differ in ids
only are taken together. The real driver then carries out each plan, call by call, on the state object.

*Seen*: the recorder sees a camera that answers HTTPS with a certificate of our CA; and one that answers plain HTTP as
long as it was not seen over HTTPS when the run began. *Unreachable* is a camera that was seen when the run began and is
not seen after one of the calls. The only listed way back is what was asked for: the call that chooses plain HTTP, or
HTTPS with a certificate that was made by hand, where certificates are not the run's business. Nothing of others is
deleted, and a run after the last step has nothing to do.

From each state there is also a plan for a key on an elliptic curve, and one for a certificate that is due, with its key
from outside; and from each state that these two end in one for an RSA key of the camera's own.
"""

from __future__ import annotations

import collections
import copy
import dataclasses as dc
import functools
import types
import typing as t

import pytest
from ansible_collections.camsec.fleet.extensions.simulator._onvif_spec import OnvifCameraSpec
from ansible_collections.camsec.fleet.extensions.simulator._onvif_state import OnvifState, Protocol
from ansible_collections.camsec.fleet.extensions.simulator._soap import SoapFault
from ansible_collections.camsec.fleet.plugins.module_utils._camera.state import CameraState
from ansible_collections.camsec.fleet.plugins.module_utils._core._errors import RuleError
from ansible_collections.camsec.fleet.plugins.module_utils._core._plan import Plan
from ansible_collections.camsec.fleet.plugins.module_utils._onvif import driver as driver_module
from ansible_collections.camsec.fleet.plugins.module_utils._onvif.api import (
    KeyRow,
    NetworkProtocol,
    OnvifCertificate,
    SecurityCapabilities,
)
from ansible_collections.camsec.fleet.plugins.module_utils._onvif.driver import ALIAS, OnvifDriver
from ansible_collections.camsec.fleet.plugins.module_utils._onvif.soap import OnvifFault
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from .conftest import (
    DEVICE,
    HTTP_PORT,
    KINDS,
    NOW,
    PORT,
    Tally,
    Wish,
    carry_out,
    certificate_pem,
    curve_pem,
    facts_of,
    ids,
    key_pem,
    read_keystore,
    resource,
    with_key,
)

MOST = 5
BITS = (1024, 1280)
SELF = "self-signed"
ISSUED = ("good", "foreign")
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
CURVE: t.Final = Wish(connection="https", type="ecdsa", size=256)
HOME_AGAIN: t.Final = Wish(connection="https", size=BITS[0], new_key="with_certificate")
_SPEC: t.Final = OnvifCameraSpec(
    name="cam", address="127.0.0.1", http_port=HTTP_PORT, https_port=PORT, username="admin", password="Kamera-7"
)


@functools.cache
def _private(pem: str) -> rsa.RSAPrivateKey:
    return t.cast("rsa.RSAPrivateKey", serialization.load_pem_private_key(pem.encode(), None))


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(x509.oid.NameOID.COMMON_NAME, text)])


@functools.cache
def _request(pem: str) -> bytes:
    made = x509.CertificateSigningRequestBuilder().subject_name(_name(DEVICE)).sign(_private(pem), hashes.SHA256())
    return made.public_bytes(serialization.Encoding.DER)


@functools.cache
def _certificate(pem: str, kind: str) -> x509.Certificate:
    if kind != SELF:
        return x509.load_pem_x509_certificate(certificate_pem(pem, kind).encode())
    builder = x509.CertificateBuilder().subject_name(_name(DEVICE)).issuer_name(_name(DEVICE))
    builder = builder.public_key(_private(pem).public_key()).serial_number(x509.random_serial_number())
    span = NOW.replace(year=NOW.year - 1), NOW.replace(year=NOW.year + 9)
    return builder.not_valid_before(span[0]).not_valid_after(span[1]).sign(_private(pem), hashes.SHA256())


@functools.cache
def _kind(pem: str) -> str:
    issuer, days = facts_of(pem).issuer_common_name, (facts_of(pem).not_after - NOW).days
    return next((kind for kind in KINDS if KINDS[kind][:2] == (issuer, days)), SELF)


def factory() -> OnvifState:
    """A camera fresh from the factory."""
    return OnvifState(_SPEC)


def known_as(state: OnvifState) -> tuple[object, ...]:
    """The same for states that differ in ids only."""
    store = state.store
    keys, certificates, paths = list(store.keys), list(store.certificates), list(store.paths)
    return (
        tuple((key.alias, key.status, key.kind, key.external) for key in store.keys.values()),
        tuple((keys.index(one.key_id), one.alias, _kind(one.pem)) for one in store.certificates.values()),
        tuple((certificates.index(one.certificates[0]), one.alias) for one in store.paths.values()),
        tuple(paths.index(one) for one in state.tls.assigned),
        tuple(state.protocols[name].enabled for name in ("HTTP", "HTTPS")),
    )


def serving(state: OnvifState) -> str:
    """The certificate that the TLS server presents, PEM; empty for none."""
    store, assigned = state.store, state.tls.assigned
    return store.certificates[store.paths[assigned[0]].certificates[0]].pem if assigned else ""


def seen(state: OnvifState, *, over_https: bool) -> bool:
    """Whether the recorder sees it, in the sense of this file's first lines."""
    if state.protocols["HTTPS"].enabled and facts_of(serving(state)).issuer_common_name == "Our CA":
        return True
    return state.protocols["HTTP"].enabled and not over_https


def _fresh(state: OnvifState, bits: int) -> str:
    used = {key.private for key in state.store.keys.values()}
    return next(pem for pem in (key_pem(bits * 10 + n, bits) for n in range(12)) if pem not in used)


def make_key(state: OnvifState, bits: int, alias: str, *, spoilt: bool = False) -> str:
    """A key pair, as the device generates it."""
    key = state.store.begin_key(str(bits), alias)
    if spoilt:
        state.store.spoil_generating()
    else:
        state.store.finish_key(key.id, _fresh(state, bits))
    return key.id


# -- what can be done to a camera ------------------------------------------------------------------------------------


def _acts(state: OnvifState) -> t.Iterator[t.Callable[[OnvifState], object]]:
    store = state.store
    if len(store.keys) + len(store.certificates) + len(store.paths) < MOST:
        yield from _additions(state)
    for path in store.paths:
        yield lambda one, name=path: one.assign(name)
        yield lambda one, name=path: one.unassign(name)
        yield lambda one, name=path: one.delete_path(name)
        for old in state.tls.assigned:
            yield lambda one, old=old, new=path: one.replace(old, new)
    for name in store.certificates:
        yield lambda one, name=name: one.delete_certificate(name)
    for name in store.keys:
        yield lambda one, name=name: one.store.delete_key(name)
    for http, https in ((True, False), (True, True), (False, True)):
        yield functools.partial(protocols, http=http, https=https, port=PORT)


def _additions(state: OnvifState) -> t.Iterator[t.Callable[[OnvifState], object]]:
    for alias in (ALIAS, "factory"):
        yield lambda one, alias=alias: make_key(one, BITS[0], alias)
    yield lambda one: make_key(one, BITS[0], ALIAS, spoilt=True)
    for key in state.store.keys.values():
        for kind in (SELF, *ISSUED) if key.private else ():
            alias = "factory" if key.alias == "factory" else ALIAS
            certificate = _certificate(key.private, kind)
            yield lambda one, parsed=certificate, alias=alias: one.store.put_certificate(parsed, alias=alias)
    for certificate in state.store.certificates.values():
        yield lambda one, row=certificate: one.store.put_path([row.id], row.alias)


def protocols(state: OnvifState, *, http: bool, https: bool, port: int) -> None:
    """SetNetworkProtocols without its listeners."""
    wanted = {"HTTP": Protocol(enabled=http, port=HTTP_PORT), "HTTPS": Protocol(enabled=https, port=port)}
    state.check_protocols(wanted)
    state.protocols = {**state.protocols, **wanted}


def reachable(tally: Tally) -> list[OnvifState]:
    """One camera for each state that can be reached from a factory's."""
    found = {known_as(factory()): factory()}
    waiting = collections.deque(found.values())
    while waiting:
        state = waiting.popleft()
        for act in _acts(state):
            after = _copy(state)
            try:
                act(after)
            except SoapFault:
                tally.refused_moves += 1
                continue
            tally.moves += 1
            if known_as(after) not in found:
                found[known_as(after)] = after
                waiting.append(after)
    tally.states = len(found)
    return list(found.values())


def _copy(state: OnvifState) -> OnvifState:
    """Its items are frozen: the containers are what has to be another."""
    other = copy.copy(state)
    other.store, other.tls = copy.copy(state.store), dc.replace(state.tls, assigned=list(state.tls.assigned))
    for name in ("keys", "certificates", "paths"):
        setattr(other.store, name, dict(getattr(state.store, name)))
    return other


# -- the driver on the state object ----------------------------------------------------------------------------------


class Calls:
    """The calls of ``OnvifApi`` on a state object; after each that changes something it is looked at."""

    def __init__(self, state: OnvifState, look: t.Callable[[str], None]) -> None:
        self.state, self.look = state, look

    def protocols(self) -> dict[str, NetworkProtocol]:
        return {
            name: NetworkProtocol(enabled=one.enabled, ports=(one.port,)) for name, one in self.state.protocols.items()
        }

    def set_protocols(self, wanted: t.Mapping[str, NetworkProtocol]) -> None:
        on = {name: one.enabled for name, one in wanted.items()}
        protocols(self.state, http=on["HTTP"], https=on["HTTPS"], port=wanted["HTTPS"].ports[0])
        self.look("SetNetworkProtocols")

    def all_keys(self) -> tuple[KeyRow, ...]:
        return tuple(
            KeyRow(id=key.id, alias=key.alias, private=bool(key.private), status=key.status, external=key.external)
            for key in self.state.store.keys.values()
        )

    def capabilities(self) -> SecurityCapabilities:
        return SecurityCapabilities(
            rsa_key_lengths=BITS,
            elliptic_curves=("secp256r1",),
            pkcs8=frozenset(),
            pkcs12=frozenset({"rsa"}),
            encryption=("PBES2",),
            tls_versions=("1.2", "1.3"),
        )

    def create_rsa_key(self, size: int, alias: str) -> str:
        made = make_key(self.state, size, alias)
        self.look("CreateRSAKeyPair")
        return made

    def create_ecc_key(self, curve: str, alias: str) -> str:
        store = self.state.store
        used = {key.private for key in store.keys.values()}
        key = store.begin_key(curve, alias)
        store.finish_key(key.id, next(pem for pem in map(curve_pem, range(12)) if pem not in used))
        self.look("CreateECCKeyPair")
        return key.id

    def upload_pkcs12(self, content: bytes, _passphrase: object, alias: str) -> str:
        """As the simulated device does it; the file is the pair itself, which is packed and opened in other tests."""
        store, key = self.state.store, content.decode()
        parsed = _certificate(key, "due")
        row = store.put_private(_private(key), alias)
        known = store.known_certificate(parsed) or store.put_certificate(parsed)
        assert known.key_id == row.id
        path = store.put_path([known.id], alias)
        self.look("UploadCertificateWithPrivateKeyInPKCS12")
        return path.id

    def key_status(self, key_id: str) -> str:
        return self.state.store.key(key_id).status

    def delete_key(self, key_id: str) -> None:
        self.state.store.delete_key(key_id)
        self.look("DeleteKey")

    def create_request(self, key_id: str, _subject: object, _algorithm: str, _extension: object) -> bytes:
        self.state.store.ready_key(key_id)
        return _request(self.state.store.key(key_id).private)

    def upload_certificate(self, der: bytes, alias: str, *, private_key: bool) -> str:
        parsed = x509.load_der_x509_certificate(der)
        made = self.state.store.put_certificate(parsed, alias=alias, private=private_key)
        self.look("UploadCertificate")
        return made.id

    def certificate(self, certificate_id: str) -> OnvifCertificate:
        row = self.state.store.certificate(certificate_id)
        return OnvifCertificate(id=row.id, key_id=row.key_id, alias=row.alias, der=facts_of(row.pem).der)

    def certificates(self) -> tuple[OnvifCertificate, ...]:
        return tuple(map(self.certificate, self.state.store.certificates))

    def delete_certificate(self, certificate_id: str) -> None:
        self.state.delete_certificate(certificate_id)
        self.look("DeleteCertificate")

    def create_path(self, certificate_ids: t.Sequence[str], alias: str) -> str:
        made = self.state.store.put_path(certificate_ids, alias)
        self.look("CreateCertificationPath")
        return made.id

    def path(self, path_id: str) -> tuple[tuple[str, ...], str]:
        found = self.state.store.path(path_id)
        return found.certificates, found.alias

    def paths(self) -> tuple[str, ...]:
        return tuple(self.state.store.paths)

    def delete_path(self, path_id: str) -> None:
        self.state.delete_path(path_id)
        self.look("DeleteCertificationPath")

    def assigned(self) -> tuple[str, ...]:
        return tuple(self.state.tls.assigned)

    def assign(self, path_id: str) -> None:
        self.state.assign(path_id)
        self.look("AddServerCertificateAssignment")

    def reassign(self, old_path_id: str, new_path_id: str) -> None:
        self.state.replace(old_path_id, new_path_id)
        self.look("ReplaceServerCertificateAssignment")


class Wire:
    """Between the two: a refusal of the device's is a fault of the client's."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls

    def __getattr__(self, name: str) -> t.Any:
        found = getattr(self._calls, name)
        if not callable(found):
            return found

        @functools.wraps(found)
        def call(*arguments: t.Any, **named: t.Any) -> t.Any:
            try:
                return found(*arguments, **named)
            except SoapFault as fault:
                codes = tuple(code for code in (fault.code.subcode, fault.code.detail) if code)
                raise OnvifFault(
                    codes=codes, status=fault.status, reason=fault.reason, device=DEVICE, subject=name
                ) from None

        return call


class Driver(OnvifDriver):
    """The real one, with its calls on a state object."""

    def __init__(self, calls: Calls) -> None:
        session: t.Any = types.SimpleNamespace(device=DEVICE, endpoint=types.SimpleNamespace(host=DEVICE))
        super().__init__(session, key_seconds=0.0)
        self._api = t.cast("t.Any", Wire(calls))
        self._found = self._secure = True


def read(driver: Driver, state: OnvifState) -> CameraState:
    """The state as the driver reads it."""
    return read_keystore(driver, serving(state) if state.protocols["HTTPS"].enabled else None)


def key_of(driver: Driver) -> str:
    """The key that the driver goes on with, PEM."""
    return str(t.cast("t.Any", driver._api).state.store.key(driver._key_id).private)


def _others(state: OnvifState) -> set[str]:
    """Ids of what is not ours, to leave alone; a certificate out of a PKCS#12 file is its key's."""
    store = state.store
    things = (*store.keys.values(), *store.certificates.values(), *store.paths.values())
    ours = {one.id for one in store.certificates.values() if not one.alias and store.keys[one.key_id].alias == ALIAS}
    return {thing.id for thing in things if thing.alias != ALIAS} - ours


PlanOf = t.Callable[[OnvifState, CameraState], Plan]


def of_wish(wish: Wish) -> PlanOf:
    """The module ``camera`` with that wish."""
    return lambda state, current: resource(wish, facts_of(serving(state)) if serving(state) else None).plan(current)


def carried_through(state: OnvifState, plan_of: PlanOf, tally: Tally, *, may_lose: bool) -> OnvifState | None:
    """None for a refusal; or the state after a plan whose calls are all accepted and lose nothing."""
    state = _copy(state)
    over_https = state.protocols["HTTPS"].enabled and seen(state, over_https=True)
    began, calls = seen(state, over_https=over_https), 0

    def look(call: str) -> None:
        nonlocal began, calls
        calls += 1
        if began and not seen(state, over_https=over_https):
            assert call == "SetNetworkProtocols", f"{call} loses {known_as(state)}"
            assert may_lose, f"{call} loses {known_as(state)}"
            tally.ways_back["asked for"] += 1
            began = False

    others = _others(state)
    driver = Driver(Calls(state, look))
    try:
        plan = plan_of(state, read(driver, state))
    except RuleError as error:
        tally.refusals[error.rule] += 1
        return None
    tally.plans += 1
    tally.unchanged += not plan.steps
    for step in plan.steps:
        carry_out(driver, step, lambda: key_of(driver))
    if plan.steps:
        driver.tidy()
    tally.steps += calls
    assert _others(state) == others, f"something of others was deleted: {known_as(state)}"
    again = plan_of(state, read(Driver(Calls(state, look)), state))
    assert not again.steps, f"{ids(again)} once more for {known_as(state)}"
    return state


def judge(began: OnvifState, wish: Wish, tally: Tally) -> OnvifState | None:
    """A refusal, or the state that was wished for."""
    may_lose = wish.connection == "http" or not wish.managed
    state = carried_through(began, of_wish(wish), tally, may_lose=may_lose)
    if state is None:
        return None
    assert read(Driver(Calls(state, lambda _call: None)), state).https.connection == wish.connection
    if wish.managed:
        assert facts_of(serving(state)).issuer_common_name == "Our CA"
    return state


def home_again(ends: t.Iterable[OnvifState | None], tally: Tally) -> int:
    """From each of those states to a key that the camera makes itself; how many there are."""
    different = {known_as(state): state for state in ends if state is not None}
    for state in different.values():
        after = judge(state, HOME_AGAIN, tally)
        assert after is not None
        leaf = after.store.paths[after.tls.assigned[0]].certificates[0]
        key = after.store.keys[after.store.certificates[leaf].key_id]
        assert (key.external, key.kind) == (False, str(BITS[0]))
    return len(different)


def test_every_plan_on_every_keystore(capsys: pytest.CaptureFixture[str]) -> None:
    tally = Tally()
    states = reachable(tally)
    for state in states:
        for wish in WISHES:
            judge(state, wish, tally)
    with capsys.disabled():
        print(f"\n{tally.shown('ONVIF')}")
    assert tally.plans + tally.refusals.total() == tally.states * len(WISHES)
    assert tally.states >= 5758
    assert tally.plans >= 42556
    assert tally.steps >= 203438
    assert tally.refusals.keys() == {"tds:SetNetworkProtocols"}
    assert tally.ways_back.keys() == {"asked for"}


def test_every_keystore_to_an_elliptic_curve_and_back(capsys: pytest.CaptureFixture[str]) -> None:
    tally = Tally()
    ends = [judge(state, CURVE, tally) for state in reachable(tally)]
    assert home_again(ends, tally) >= 100
    with capsys.disabled():
        print(f"\n{tally.shown('ONVIF, elliptic curve')}")
    assert tally.plans >= tally.states
    assert not tally.refusals
    assert not tally.ways_back


def test_every_keystore_with_a_key_from_outside_and_back(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Over plain HTTP it is refused."""
    monkeypatch.setattr(driver_module, "pkcs12_file", lambda _facts, key, **_named: (key.reveal().encode(), key))
    tally = Tally()
    outside = with_key(key_pem(99), "due")
    ends = [
        carried_through(state, lambda _state, current: outside.plan(current), tally, may_lose=False)
        for state in reachable(tally)
    ]
    refused = tally.refusals.total()
    assert home_again(ends, tally) >= 100
    with capsys.disabled():
        print(f"\n{tally.shown('ONVIF, key from outside')}")
    over_https = sum(state.protocols["HTTPS"].enabled for state in reachable(Tally()))
    assert refused == tally.states - over_https
    assert tally.plans >= over_https
    assert tally.refusals.keys() == {"tas:UploadCertificateWithPrivateKeyInPKCS12"}
    assert not tally.ways_back
