# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The state, the keystore and the messages of ONVIF cameras, without sockets."""

from __future__ import annotations

import base64
import contextlib
import datetime as dt
import hashlib
import typing as t

import pytest
from ansible_collections.camsec.fleet.extensions.simulator import _onvif_catalog, _onvif_door, _soap
from ansible_collections.camsec.fleet.extensions.simulator._clock import Clock
from ansible_collections.camsec.fleet.extensions.simulator._device import ReadOnly
from ansible_collections.camsec.fleet.extensions.simulator._keystore import Keystore, Policy
from ansible_collections.camsec.fleet.extensions.simulator._onvif import OnvifCamera
from ansible_collections.camsec.fleet.extensions.simulator._onvif_args import Args, parse_datetime
from ansible_collections.camsec.fleet.extensions.simulator._onvif_legacy import LegacyCertificates
from ansible_collections.camsec.fleet.extensions.simulator._onvif_login import TokenGate
from ansible_collections.camsec.fleet.extensions.simulator._onvif_pki import (
    load_private,
    make_private,
    names_of,
    self_signed,
)
from ansible_collections.camsec.fleet.extensions.simulator._onvif_spec import OnvifCameraSpec
from ansible_collections.camsec.fleet.extensions.simulator._onvif_state import Account, Host, OnvifState, Protocol
from ansible_collections.camsec.fleet.extensions.simulator._soap import SoapFault
from lxml import etree

ECDSA = "1.2.840.10045.4.3.2"


def spec(**options: t.Any) -> OnvifCameraSpec:
    return OnvifCameraSpec(name="one", address="127.0.0.1", password="Password-1", **options)


@contextlib.contextmanager
def refused(name: str) -> t.Iterator[None]:
    """A fault of that name."""
    with pytest.raises(SoapFault) as caught:
        yield
    assert caught.value.code.name == name


@pytest.fixture
def state() -> OnvifState:
    return OnvifState(spec())


@pytest.fixture(scope="module")
def pair() -> tuple[t.Any, t.Any]:
    """A key on a curve and its self-signed certificate."""
    key = load_private(make_private("secp256r1"))
    return key, self_signed(key, names_of("CN=x"), ECDSA, (), begin=0.0, end=None)


def put(state: OnvifState, pair: tuple[t.Any, t.Any]) -> tuple[str, str, str]:
    """The ids of a key, its certificate and a path of it."""
    key = state.store.put_private(pair[0], "")
    certificate = state.store.put_certificate(pair[1], private=True)
    return key.id, certificate.id, state.store.put_path([certificate.id], "").id


# -- the keystore ----------------------------------------------------------------------------------------------------


def test_only_the_right_order_deletes(state: OnvifState, pair: tuple[t.Any, t.Any]) -> None:
    key, certificate, path = put(state, pair)
    state.assign(path)
    with refused("ReferenceExists"):
        state.store.delete_key(key)
    with refused("ReferenceExists"):
        state.delete_certificate(certificate)
    with refused("ReferenceExists"):
        state.delete_path(path)
    state.unassign(path)
    state.delete_path(path)
    state.delete_certificate(certificate)
    state.store.delete_key(key)
    assert (state.store.keys, state.store.certificates, state.store.paths) == ({}, {}, {})


def test_an_id_is_never_given_twice(state: OnvifState, pair: tuple[t.Any, t.Any]) -> None:
    first = state.store.put_private(pair[0], "").id
    state.store.delete_key(first)
    assert state.store.put_private(pair[0], "").id != first


def test_a_policy_holds_its_anchors(state: OnvifState, pair: tuple[t.Any, t.Any]) -> None:
    _key, certificate, path = put(state, pair)
    state.delete_path(path)
    state.store.put_policy(Policy(id="policy-9", anchors=(certificate,)))
    with refused("ReferenceExists"):
        state.delete_certificate(certificate)
    with refused("CertificateID"):
        state.store.put_policy(Policy(id="policy-9", anchors=("none",)))
    state.tls.policies.append("policy-9")
    state.require_clients(required=True)
    assert state.anchors() == [certificate]
    with refused("ReferenceExists"):
        state.delete_policy("policy-9")


def test_keys_in_the_making_are_spoiled_by_a_restart(state: OnvifState) -> None:
    key = state.store.begin_key("2048", "")
    state.store.spoil_generating()
    assert state.store.key(key.id).status == "corrupt"
    state.store.finish_key(key.id, "")
    assert state.store.key(key.id).status == "corrupt"


def test_what_is_kept_comes_back(state: OnvifState, pair: tuple[t.Any, t.Any]) -> None:
    *_ids, path = put(state, pair)
    state.assign(path)
    state.store.put_passphrase("hush", "x")
    state.set_ntp([Host(kind="DNS", value="time.example")], from_dhcp=False)
    other = OnvifState(spec())
    other.load(state.dump())
    assert other.dump() == state.dump()
    assert other.store.new_id("key") == state.store.new_id("key")


def test_what_is_shown_has_no_secrets(state: OnvifState, pair: tuple[t.Any, t.Any]) -> None:
    put(state, pair)
    state.store.put_passphrase("hush", "x")
    shown = str(state.shown())
    assert "PRIVATE" not in shown
    assert "hush" not in shown
    assert "Password-1" not in shown
    assert "hush" not in repr(state.store.passphrases)
    assert "Password-1" not in repr(state.users)


def test_limits() -> None:
    store = Keystore(spec(max_keys=1, max_passphrases=0, max_crls=0))
    store.begin_key("2048", "")
    with refused("MaximumNumberOfKeysReached"):
        store.begin_key("2048", "")
    with refused("MaximumNumberOfPassphrasesReached"):
        store.put_passphrase("x", "")


# -- the older certificate operations --------------------------------------------------------------------------------


def test_statuses_are_set_all_or_none(state: OnvifState, pair: tuple[t.Any, t.Any]) -> None:
    legacy = LegacyCertificates(state)
    legacy.load_own("web", pair[1], pair[0])
    with refused("CertificateID"):
        legacy.set_statuses({"web": True, "none": True})
    assert legacy.statuses() == {"web": False}
    legacy.set_statuses({"web": True})
    assert (legacy.statuses(), len(state.store.paths)) == ({"web": True}, 1)
    legacy.set_statuses({"web": True})
    assert len(state.store.paths) == 1
    state.protocols["HTTPS"] = Protocol(enabled=True, port=443)
    with refused("ReferenceExists"):
        legacy.set_statuses({"web": False})
    state.protocols["HTTPS"] = Protocol(enabled=False, port=443)
    legacy.set_statuses({"web": False})
    assert state.store.paths == {}
    legacy.delete(["web"])
    assert state.store.keys == {}


# -- users, names, protocols -----------------------------------------------------------------------------------------


def test_several_users_are_made_all_or_none(state: OnvifState) -> None:
    good = Account(name="a", password="Password-a", level="User")
    with refused("UsernameClash"):
        state.create_users([good, good])
    assert list(state.users) == ["admin"]


def test_an_empty_password_leaves_the_old_one(state: OnvifState) -> None:
    state.set_users([Account(name="admin", password="", level="Administrator")])
    assert state.users["admin"].password == "Password-1"


@pytest.mark.parametrize(
    "zone", ["UTC0", "CET-1CEST", "CET-1CEST,M3.5.0,M10.5.0/3", "<+05>-5", "EST5EDT,M3.2.0,M11.1.0"]
)
def test_zones(state: OnvifState, zone: str) -> None:
    state.check_zone(zone)


@pytest.mark.parametrize("zone", ["", "Europe/Berlin", "UTC", "X0", "CET-1 CEST"])
def test_what_is_no_zone(state: OnvifState, zone: str) -> None:
    with refused("InvalidTimeZone"):
        state.check_zone(zone)


def test_protocols_are_judged_together(state: OnvifState, pair: tuple[t.Any, t.Any]) -> None:
    on, off = Protocol(enabled=True, port=443), Protocol(enabled=False, port=80)
    with refused("EnablingTlsFailed"):
        state.check_protocols({"HTTP": off, "HTTPS": on})
    state.assign(put(state, pair)[2])
    state.check_protocols({"HTTP": off, "HTTPS": on})
    with refused("InvalidArgVal"):
        state.check_protocols({"HTTP": off})
    with refused("PortAlreadyInUse"):
        state.check_protocols({"HTTP": Protocol(enabled=True, port=554)})
    state.check_protocols({"HTTP": Protocol(enabled=True, port=443)})


def test_a_soft_reset_leaves_network_and_keys(state: OnvifState, pair: tuple[t.Any, t.Any]) -> None:
    put(state, pair)
    state.set_hostname("other")
    state.reset_settings()
    assert (state.hostname, len(state.store.keys)) == ("one", 1)
    state.reset_all()
    assert state.store.keys == {}


# -- logins ----------------------------------------------------------------------------------------------------------


def _header(created: str, nonce: bytes) -> t.Any:
    names = _onvif_catalog.NAMESPACES
    kind = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-username-token-profile-1.0#PasswordDigest"
    proof = base64.b64encode(hashlib.sha1(nonce + created.encode() + b"Password-1").digest()).decode()
    return etree.fromstring(
        f'<h xmlns:w="{names["wsse"]}" xmlns:u="{names["wsu"]}"><w:Security><w:UsernameToken>'
        f'<w:Username>admin</w:Username><w:Password Type="{kind}">{proof}</w:Password>'
        f"<w:Nonce>{base64.b64encode(nonce).decode()}</w:Nonce><u:Created>{created}</u:Created>"
        "</w:UsernameToken></w:Security></h>"
    )


def test_a_nonce_is_forgotten_only_when_its_token_is_too_old() -> None:
    gate, start = TokenGate(), dt.datetime(2030, 1, 1, tzinfo=dt.UTC).timestamp()
    passwords = {"admin": "Password-1"}

    def user(created: float, now: float, nonce: bytes = b"n") -> str | None:
        text = dt.datetime.fromtimestamp(created, dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        return gate.check(_header(text, nonce), passwords, now=now, window=300).user

    # Made by a client whose clock is ahead: it is good for twice the window.
    assert user(start + 300, start) == "admin"
    assert user(start + 300, start + 599) is None
    assert user(start + 300, start + 599, b"other") == "admin"
    assert user(start + 1000, start + 1000) == "admin"


def test_times_that_clients_write() -> None:
    wanted = dt.datetime(2030, 1, 2, 3, 4, 5, tzinfo=dt.UTC).timestamp()
    for text in (
        "2030-01-02T03:04:05Z",
        "2030-01-02T03:04:05+00:00",
        "2030-01-02T05:04:05+02:00",
        "2030-01-02T03:04:05",
    ):
        assert parse_datetime(text) == wanted
    assert parse_datetime("2030-01-02T03:04:05.250Z") == wanted + 0.25
    for text in ("2030-01-02", "", "yesterday", "2030-13-02T03:04:05Z"):
        with pytest.raises(ValueError, match=r"."):
            parse_datetime(text)


# -- messages --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("children", "parts", "fault"),
    [
        ("", "", ""),
        ("A", "A B?", ""),
        ("A B", "A B?", ""),
        ("A A B", "A* B+", ""),
        ("B B", "A* B+", ""),
        ("A", "A B", "InvalidArgs"),
        ("B A", "A B", "TagMismatch"),
        ("A A", "A", "TagMismatch"),
        ("A C", "A B?", "InvalidArgs"),
        ("", "A+", "InvalidArgs"),
    ],
)
def test_children_by_their_schema(children: str, parts: str, fault: str) -> None:
    node = etree.fromstring("<x xmlns='urn:x'>" + "".join(f"<{name}/>" for name in children.split()) + "</x>")
    if fault:
        with refused(fault):
            _soap.check_children(node, "urn:x", parts)
    else:
        _soap.check_children(node, "urn:x", parts)


@pytest.mark.parametrize("name", sorted(_onvif_catalog.FAULTS))
def test_a_fault_reads_as_it_was_meant(name: str) -> None:
    fault = SoapFault(name, "Why <not>.")
    root = etree.fromstring(_soap.envelope(fault.body()))
    values = [value.text for value in root.iter("{http://www.w3.org/2003/05/soap-envelope}Value")]
    assert [value.partition(":")[2] for value in values] == fault.code.path.split("/")
    assert [value.partition(":")[0] for value in values] == ["s"] + ["ter"] * (len(values) - 1)
    assert root.findtext(".//{*}Text") == "Why <not>."
    assert fault.status == (400 if values[0] == "s:Sender" else 500)


def test_arguments_of_the_wrong_type() -> None:
    tds = _onvif_catalog.NAMESPACES["tds"]
    node = etree.fromstring(f"<x xmlns='{tds}'><A>maybe</A><B>{'9' * 40}</B><C>?</C><D>never</D></x>")
    args = Args(node, "tds", "A B C D")
    reads: list[t.Callable[[str], object]] = [args.flag, args.number, args.binary, args.time]
    for name, read in zip("ABCD", reads, strict=True):
        with refused("InvalidArgs"):
            read(name)


def test_tables_refuse_what_cannot_be() -> None:
    async def run(_target: object, _request: object) -> _onvif_door.Reply:
        return _onvif_door.Reply()

    operation = _onvif_door.Operation(prefix="tds", name="GetX", parts="", access="PRE_AUTH", run=run)
    with pytest.raises(ValueError, match="twice"):
        _onvif_door.operation_table(operation, operation)
    with pytest.raises(ValueError, match="no operation"):
        _onvif_door.Operation(prefix="none", name="GetX", parts="", access="PRE_AUTH", run=run)
    with pytest.raises(ValueError, match="no fault"):
        _onvif_catalog.FaultCode(code="Sender", subcode="invalid arg")


# -- discovery -------------------------------------------------------------------------------------------------------


class Wire:
    """Where a responder sends to."""

    def __init__(self) -> None:
        self.sent: list[tuple[t.Any, t.Any]] = []
        self.closed = False

    def sendto(self, data: bytes, address: t.Any) -> None:
        self.sent.append((etree.fromstring(data), address))

    def close(self) -> None:
        self.closed = True


@pytest.mark.parametrize("multicast", [True, False])
async def test_bye_is_said_to_everybody_or_to_nobody(multicast: bool) -> None:
    camera = OnvifCamera(
        spec=spec(discovery_port=3702, discovery_multicast=multicast), clock=Clock(speed=0), read_only=ReadOnly()
    )
    wire = Wire()
    camera.discovery.connection_made(t.cast("t.Any", wire))
    camera.discovery.announce_hello()
    await camera.discovery.close()
    assert wire.closed
    names = [etree.QName(root.find(".//{*}Body")[0]).localname for root, _address in wire.sent]
    assert names == (["Hello", "Bye"] if multicast else [])
    assert {address for _root, address in wire.sent} == ({("239.255.255.250", 3702)} if multicast else set())
