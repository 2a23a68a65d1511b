# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The order of encrypting a VMS, carried out step by step on a model of it."""

from __future__ import annotations

import dataclasses as dc
import datetime as dt
import itertools
import typing as t

import pytest
from ansible_collections.camsec.fleet.plugins.module_utils._core._errors import InputError, RuleError
from ansible_collections.camsec.fleet.plugins.module_utils._vms.expiry import Root, endings
from ansible_collections.camsec.fleet.plugins.module_utils._vms.links import link_states
from ansible_collections.camsec.fleet.plugins.module_utils._vms.planning import (
    Authority,
    VmsPlan,
    VmsStep,
    Wish,
    plan_vms,
)
from ansible_collections.camsec.fleet.plugins.module_utils._vms.topology import (
    CLIENT_KINDS,
    MANAGEMENT,
    MOBILE,
    ROLES,
    SERVER,
    STREAMING,
    Client,
    Held,
    Server,
    Topology,
)

NOW = dt.datetime(2026, 11, 28, tzinfo=dt.UTC)
DAY = dt.timedelta(days=1)
OURS, THEIRS = "a" * 64, "b" * 64
AUTHORITY = Authority(root=OURS, renew_before=30 * DAY)
ALL_ON = Wish(management=True, streaming=True, mobile=True)
ALL_OFF = Wish(management=False, streaming=False, mobile=False)


def server(name: str, *roles: str, **more: t.Any) -> Server:
    return Server(name=name, host_name=f"{name}.example", roles=roles, **more)


def held(name: str, **more: t.Any) -> Held:
    return Held(**{
        "thumbprint": "00" * 20, "names": frozenset({f"{name}.example"}), "not_before": NOW - DAY,
        "not_after": NOW + 397 * DAY, "root": OURS, **more,
    })  # fmt: skip


SERVERS: t.Final = (
    server("rec1", "recording_server"),
    server("fail1", "failover_recording_server"),
    server("rec2", "recording_server"),
    server("ev", "event_server", "log_server"),
    server("mgmt", MANAGEMENT),
    server("lpr", "lpr_server"),
    server("mob", "mobile_server"),
)
CLIENTS: t.Final = (
    Client(name="wall", kind="smart_client", trusted=frozenset()),
    Client(name="bridge", kind="open_network_bridge", servers=("rec1",)),
    Client(name="phones", kind="mobile_client"),
)
SITE: t.Final = Topology(servers=SERVERS, clients=CLIENTS)


def planned(topology: Topology = SITE, wish: Wish = ALL_ON, authority: Authority | None = AUTHORITY) -> VmsPlan:
    return plan_vms(topology, wish, authority, NOW)


def done(topology: Topology, step: VmsStep) -> Topology:
    """The VMS after a step."""
    (one,) = [each for each in topology.servers if each.name == step.server]
    changes: dict[str, t.Any] = {}
    match step.id:
        case "trust_root":
            changes["trusted"] = one.trusted | {step.root}
        case "install_certificate":
            # What Windows does with a new key: administrators and the system read it, the service's account does not.
            made = held(one.name, root=step.root, key_readable=False)
            changes["certificates"] = {**one.certificates, step.group: made}
        case "grant_key":
            readable = dc.replace(one.certificates[step.group], key_readable=True)
            changes["certificates"] = {**one.certificates, step.group: readable}
        case "enable_encryption":
            assert one.certificates[step.group].key_readable, step
            changes["encrypted"] = one.encrypted | {step.group}
        case "disable_encryption":
            changes["encrypted"] = one.encrypted - {step.group}
        case "check_handshake":
            assert not one.certificates[step.group].fault(one.host_name, NOW)[0]
            assert one.certificates[step.group].root in one.trusted
            assert one.certificates[step.group].key_readable
        case "verify_links":
            assert not [state for state in link_states(topology, NOW) if state.status == "broken"]
    servers = tuple(dc.replace(one, **changes) if each is one else each for each in topology.servers)
    return dc.replace(topology, servers=servers)


def with_server(topology: Topology, name: str, **changes: t.Any) -> Topology:
    servers = tuple(dc.replace(one, **changes) if one.name == name else one for one in topology.servers)
    return dc.replace(topology, servers=servers)


def carried_out(topology: Topology, steps: t.Iterable[VmsStep]) -> Topology:
    for step in steps:
        topology = done(topology, step)
    return topology


def trusting(topology: Topology) -> Topology:
    """The same with clients that trust our root: what an operator does on them."""
    clients = tuple(dc.replace(client, trusted=frozenset({OURS})) for client in topology.clients)
    return dc.replace(topology, clients=clients)


ENCRYPTED: t.Final = carried_out(trusting(SITE), planned(trusting(SITE)).steps)


# -- links -------------------------------------------------------------------------------------------------------------


def test_every_link_of_the_rules() -> None:
    found = {(link.rule, link.presenter, link.group, link.verifier) for link in SITE.links}
    assert len(found) == len(SITE.links)
    for name in ("rec1", "rec2", "fail1"):
        assert {("VMS-01", name, SERVER, "mgmt"), ("VMS-01", "mgmt", SERVER, name)} <= found
        verifiers = {verifier for rule, one, _group, verifier in found if (rule, one) == ("VMS-03", name)}
        assert verifiers == {"mgmt", "ev", "lpr", "mob", "wall", *(["bridge"] if name == "rec1" else [])}
    for name in ("ev", "lpr", "mob"):
        assert ("VMS-02", name, SERVER, "mgmt") in found
    assert [verifier for rule, _one, _group, verifier in found if rule == "VMS-04"] == ["phones"]


def test_roles_on_one_host_have_no_link_to_themselves() -> None:
    one = Topology(servers=(server("all", *ROLES),))
    assert one.links == ()
    assert not planned(one, Wish(management=True)).blocked


# -- on, off, and everything in between --------------------------------------------------------------------------------


def test_on_in_the_right_order() -> None:
    plan = planned(trusting(SITE))
    stages = [step.stage for step in plan.steps]
    assert stages == sorted(stages, key=("trust", "certificates", "handshakes", "switch on", "links").index)
    switched = [(step.server, step.group) for step in plan.steps if step.id == "enable_encryption"]
    assert [name for name, group in switched if group == SERVER] == [
        "mgmt", "rec1", "rec2", "fail1", "ev", "lpr", "mob",
    ]  # fmt: skip
    assert {name for name, group in switched if group == STREAMING} == {"rec1", "rec2", "fail1"}
    assert [name for name, group in switched if group == MOBILE] == ["mob"]
    states = {state.status for state in link_states(ENCRYPTED, NOW)}
    assert states == {"encrypted"}
    assert planned(ENCRYPTED).steps == ()


def test_off_in_reverse() -> None:
    plan = planned(ENCRYPTED, ALL_OFF, None)
    switched = [step.server for step in plan.steps if step.id == "disable_encryption" and step.group == SERVER]
    assert switched == ["mob", "lpr", "ev", "fail1", "rec2", "rec1", "mgmt"]
    assert any(impact.rule == "VMS-18" for impact in plan.impacts)
    after = carried_out(ENCRYPTED, plan.steps)
    assert {state.status for state in link_states(after, NOW)} == {"plain"}
    assert planned(after, ALL_OFF, None).steps == ()


def expiring(topology: Topology) -> Topology:
    """The same with certificates that are issued anew."""
    servers = tuple(
        dc.replace(one, certificates={group: held(one.name, not_after=NOW + DAY) for group in one.certificates})
        for one in topology.servers
    )
    return dc.replace(topology, servers=servers)


def test_a_renewal_that_is_cut_off_ends_with_keys_that_are_read() -> None:
    start = expiring(ENCRYPTED)
    plan = planned(start)
    assert {step.id for step in plan.steps} == {"install_certificate", "grant_key", "check_handshake"}
    for length in range(len(plan.steps) + 1):
        halfway = carried_out(start, plan.steps[:length])
        assert carried_out(halfway, planned(halfway).steps) == ENCRYPTED


@pytest.mark.parametrize("wish", [ALL_ON, ALL_OFF, Wish(management=True), Wish(streaming=True), Wish(mobile=True)])
@pytest.mark.parametrize("start", [trusting(SITE), ENCRYPTED], ids=["plain", "encrypted"])
def test_a_run_that_is_cut_off_anywhere_is_gone_on_with(start: Topology, wish: Wish) -> None:
    whole = carried_out(start, planned(start, wish).steps)
    for length in range(len(planned(start, wish).steps)):
        halfway = carried_out(start, planned(start, wish).steps[:length])
        broken = [state for state in link_states(halfway, NOW) if state.status == "broken"]
        assert all(state.rule == "VMS-10" for state in broken), broken
        rest = planned(halfway, wish).steps
        assert carried_out(halfway, rest) == whole
        assert planned(carried_out(halfway, rest), wish).steps == ()


def test_what_is_not_wanted_stays_as_it_is() -> None:
    plan = planned(trusting(SITE), Wish(streaming=True))
    assert {step.group for step in plan.steps if step.stage == "switch on"} == {STREAMING}
    assert planned(ENCRYPTED, Wish()).steps == ()


# -- what is refused, and what is held up ------------------------------------------------------------------------------


def test_vms_11_a_half_step_is_refused() -> None:
    with_all = {name: {SERVER: held(name)} for name in ("mgmt", "rec1", "rec2", "ev", "lpr", "mob")}
    servers = tuple(dc.replace(one, certificates=with_all.get(one.name, {})) for one in SERVERS)
    with pytest.raises(RuleError) as caught:
        planned(dc.replace(SITE, servers=servers), Wish(management=True), None)
    assert caught.value.message == (
        "fail1: certificate of the group server: found no certificate, expected one for fail1.example before anything"
        " is switched on. Install it there, or name an authority that issues it. [VMS-11]"
    )


@pytest.mark.parametrize(
    ("changes", "found", "rule"),
    [
        ({"names": frozenset({"other.example"})}, "a certificate for other.example", "VMS-12"),
        ({"key_type": "ecdsa"}, "a certificate with a key of the type ecdsa", "VMS-19"),
        ({"root": ""}, "a certificate whose root is not known", "VMS-13"),
        ({"not_after": NOW}, "a certificate that is valid from 2026-11-27 to 2026-11-28", "VMS-16"),
        ({"not_before": NOW + DAY}, "a certificate that is valid from 2026-11-29", "VMS-16"),
    ],
)
def test_a_certificate_that_cannot_serve(changes: dict[str, t.Any], found: str, rule: str) -> None:
    servers = tuple(dc.replace(one, certificates={SERVER: held(one.name)}) for one in SERVERS)
    spoilt = dc.replace(servers[0], certificates={SERVER: held("rec1", **changes)})
    topology = dc.replace(SITE, servers=(spoilt, *servers[1:]))
    with pytest.raises(RuleError) as caught:
        planned(topology, Wish(management=True), None)
    assert found in caught.value.message
    assert caught.value.rule == rule
    steps = [step for step in planned(topology, Wish(management=True)).steps if step.server == "rec1"]
    assert [step.id for step in steps if step.stage == "certificates"] == ["install_certificate", "grant_key"]


def test_vms_14_a_key_that_the_service_account_cannot_read() -> None:
    servers = tuple(
        dc.replace(one, certificates={SERVER: held(one.name, key_readable=one.name != "rec1")}) for one in SERVERS
    )
    plan = planned(dc.replace(SITE, servers=servers), Wish(management=True), None)
    assert [(step.id, step.server) for step in plan.steps if step.stage == "certificates"] == [("grant_key", "rec1")]


def test_vms_17_what_ends_soon_is_issued_anew_and_nothing_is_switched() -> None:
    old = dc.replace(
        ENCRYPTED.by_name["rec1"],
        certificates={**ENCRYPTED.by_name["rec1"].certificates, STREAMING: held("rec1", not_after=NOW + 9 * DAY)},
    )
    servers = tuple(old if one.name == "rec1" else one for one in ENCRYPTED.servers)
    plan = planned(dc.replace(ENCRYPTED, servers=servers))
    assert [(step.id, step.server, step.group) for step in plan.steps] == [
        ("install_certificate", "rec1", STREAMING), ("grant_key", "rec1", STREAMING),
        ("check_handshake", "rec1", STREAMING),
    ]  # fmt: skip
    assert plan.steps[0].rule == "VMS-17"
    assert plan.impacts == ()


def test_a_server_that_is_down_holds_up_the_switches_and_nothing_else() -> None:
    servers = tuple(dc.replace(one, reachable=one.name != "rec2") for one in SERVERS)
    down = dc.replace(trusting(SITE), servers=servers)
    plan = planned(down, Wish(management=True))
    assert plan.held_up_by == ("rec2 did not answer; what it holds is not known (VMS-11).",)
    assert {step.stage for step in plan.steps} == {"trust", "certificates", "handshakes"}
    assert "rec2" not in {step.server for step in plan.steps}
    assert {step.stage for step in plan.blocked} == {"switch on", "links"}
    up = dc.replace(carried_out(down, plan.steps), servers=tuple(
        dc.replace(one, reachable=True) for one in carried_out(down, plan.steps).servers
    ))  # fmt: skip
    rest = planned(up, Wish(management=True))
    assert {step.server for step in rest.steps if step.stage == "certificates"} == {"rec2"}
    assert not rest.blocked
    assert planned(down, Wish(management=False)).held_up_by == (
        "rec2 did not answer; whether it is encrypted is not known (VMS-10).",
    )


def test_a_service_that_is_silent_holds_up_the_switches_and_its_own_certificate_alone() -> None:
    quiet = with_server(SITE, "rec2", silent=frozenset({STREAMING}))
    plan = planned(quiet)
    assert "rec2 does not answer (streaming media)" in plan.held_up_by[0]
    assert not [step for step in plan.steps if step.stage.startswith("switch")]
    issued = {(step.server, step.group) for step in plan.steps if step.id == "install_certificate"}
    assert ("rec2", SERVER) in issued
    assert ("rec2", STREAMING) not in issued
    assert any(step.server == "rec2" and step.id == "trust_root" for step in plan.steps)
    (state,) = {
        state.status for state in plan.links if state.link.presenter == "rec2" and state.link.group == STREAMING
    }
    assert state == "unknown"
    off = planned(with_server(ENCRYPTED, "rec2", silent=frozenset({STREAMING})), ALL_OFF)
    assert off.held_up_by


def test_what_the_servers_own_judgement_says_counts() -> None:
    public = held("mob", names=frozenset({"video.public.example"}), root=THEIRS)
    mob = ENCRYPTED.by_name["mob"]
    judged = {group: dc.replace(one, due="") for group, one in mob.certificates.items()}
    known = with_server(ENCRYPTED, "mob", certificates={**judged, MOBILE: dc.replace(public, due="")})
    assert [step.id for step in planned(known).steps] == ["trust_root"]
    # Without a judgement: a name that clients may call it by is no fault of what they see already.
    unknown = with_server(ENCRYPTED, "mob", certificates={**judged, MOBILE: public})
    assert [step.id for step in planned(unknown).steps] == ["trust_root"]
    named = with_server(unknown, "mob", mobile_host_name="phones.example")
    assert "install_certificate" in {step.id for step in planned(named).steps}
    due = dc.replace(public, due="a certificate that was revoked", due_rule="VMS-13")
    (step,) = [
        step
        for step in planned(with_server(ENCRYPTED, "mob", certificates={**judged, MOBILE: due})).steps
        if step.id == "install_certificate"
    ]
    assert (step.reason, step.rule, step.group) == ("a certificate that was revoked", "VMS-13", MOBILE)


def test_vms_17_what_shares_a_subject_gets_the_new_certificate_too() -> None:
    """Of a host with two groups on, one of which is asked for: the other's clients are counted as well."""
    theirs = held("rec1", root=THEIRS, subject="CN=rec1.example")
    desk = Client(name="desk", kind="smart_client", trusted=frozenset({THEIRS}))
    rec1 = dc.replace(
        ENCRYPTED.by_name["rec1"], certificates={SERVER: theirs, STREAMING: theirs}, trusted=frozenset({OURS, THEIRS})
    )
    site = Topology(servers=(ENCRYPTED.management, rec1), clients=(desk,))
    wish = Wish(management=True)
    plan = planned(site, wish, dc.replace(AUTHORITY, replaces_others=True))
    assert [(step.group, step.reason) for step in plan.steps if step.id == "install_certificate"] == [
        (SERVER, "a certificate of another authority"),
    ]  # fmt: skip
    assert [(need.client, need.root, need.trusted) for need in plan.client_trust] == [("desk", OURS, False)]
    assert "VMS-17" in {impact.rule for impact in plan.impacts}
    apart = dc.replace(rec1, certificates={SERVER: theirs, STREAMING: dc.replace(theirs, subject="CN=another")})
    plan = planned(
        dc.replace(site, servers=(ENCRYPTED.management, apart)), wish, dc.replace(AUTHORITY, replaces_others=True)
    )
    assert [(need.client, need.root) for need in plan.client_trust] == [("desk", THEIRS)]
    assert "VMS-17" not in {impact.rule for impact in plan.impacts}


def test_what_is_on_and_breaks_is_bound_again_by_a_renewal_too() -> None:
    fail1 = with_server(ENCRYPTED, "fail1", broken=frozenset({STREAMING}))
    plan = planned(fail1, Wish(renew=True))
    assert [(step.id, step.server, step.group) for step in plan.steps] == [
        ("check_handshake", "fail1", STREAMING), ("enable_encryption", "fail1", STREAMING),
        ("verify_links", "mgmt", ""),
    ]  # fmt: skip


def test_a_root_that_nobody_knows_is_no_step() -> None:
    judged = held("rec1", root="", due="")
    plan = planned(with_server(ENCRYPTED, "rec1", certificates={SERVER: judged, STREAMING: held("rec1")}))
    assert plan.steps == ()


def test_an_authority_with_two_roots_owns_what_is_below_either() -> None:
    both = dc.replace(AUTHORITY, roots=frozenset({OURS, THEIRS}), replaces_others=True)
    below = {SERVER: held("rec1", root=THEIRS), STREAMING: held("rec1")}
    plan = planned(with_server(ENCRYPTED, "rec1", certificates=below), authority=both)
    assert {step.id for step in plan.steps} == {"trust_root"}
    assert {step.root for step in plan.steps} == {THEIRS}
    assert {step.server for step in plan.steps} == {one.name for one in SERVERS}


@pytest.mark.parametrize("silent", ["mgmt", "ev", "lpr", "mob"])
def test_vms_03_a_silent_server_that_only_fetches_holds_up_the_switches_too(silent: str) -> None:
    servers = tuple(dc.replace(one, reachable=one.name != silent) for one in SERVERS)
    down = dc.replace(trusting(SITE), servers=servers)
    plan = planned(down, Wish(streaming=True))
    assert plan.held_up_by == (f"{silent} did not answer; which roots it trusts is not known (VMS-03).",)
    assert {step.stage for step in plan.steps} == {"trust", "certificates", "handshakes"}
    assert {step.id for step in plan.blocked} == {"enable_encryption", "verify_links"}
    # It verifies nothing that mobile servers present, and nothing is switched on where all is on.
    assert planned(down, Wish(mobile=True)).held_up_by == (
        (f"{silent} did not answer; what it holds is not known (VMS-11).",) if silent == "mob" else ()
    )
    dark = tuple(dc.replace(one, reachable=one.name != silent) for one in ENCRYPTED.servers)
    assert planned(dc.replace(ENCRYPTED, servers=dark), Wish(streaming=True)).held_up_by == ()


def test_clients_are_told_which_root_they_need() -> None:
    needs = {need.client: need for need in planned().client_trust}
    assert set(needs) == {"wall", "bridge", "phones"}
    assert needs["wall"].servers == ("rec1", "fail1", "rec2")
    assert [needs[name].trusted for name in ("wall", "bridge", "phones")] == [False, None, None]
    assert any("3 clients have to trust" in impact.text for impact in planned().impacts)
    assert planned(wish=Wish(management=True)).client_trust == ()


def test_vms_17_a_renewal_below_another_root_says_who_loses_its_pictures() -> None:
    start, other = expiring(ENCRYPTED), Authority(root=THEIRS, renew_before=30 * DAY, replaces_others=True)
    assert not planned(start).impacts
    (impact,) = planned(start, authority=other).impacts
    assert impact.rule == "VMS-17"
    assert impact.text == (
        "As soon as certificates under another root are installed, 3 clients or silent servers lose their connection,"
        " unless they trust the new root before."
    )
    ready = tuple(dc.replace(client, trusted=frozenset({OURS, THEIRS})) for client in start.clients)
    assert not planned(dc.replace(start, clients=ready), authority=other).impacts
    silent = tuple(dc.replace(one, reachable=one.name != "ev") for one in start.servers)
    with_silent = dc.replace(start, clients=ready, servers=silent)
    (impact,) = planned(with_silent, Wish(streaming=True), other).impacts
    assert "1 clients or silent servers" in impact.text
    # Plain so far: nobody loses anything when it is installed, but when it is switched on.
    (impact,) = planned(wish=Wish(streaming=True), authority=other).impacts
    assert impact.text.startswith("2 clients have to trust")


def test_certificates_of_another_authority_stay_unless_they_are_to_go() -> None:
    theirs = Authority(root=THEIRS, renew_before=30 * DAY)
    # Its root is trusted everywhere all the same: cameras and later certificates are verified by it.
    kept = planned(expiring(ENCRYPTED), authority=theirs).steps
    assert {(step.id, step.root) for step in kept} == {("trust_root", THEIRS)}
    assert {step.server for step in kept} == {one.name for one in ENCRYPTED.servers}
    issued = [
        step for step in planned(ENCRYPTED, authority=dc.replace(theirs, replaces_others=True)).steps if step.root
    ]
    places = {(one.name, group) for one in ENCRYPTED.servers for group in one.certificates}
    assert {(step.server, step.group) for step in issued if step.id == "install_certificate"} == places
    # Trust everywhere comes before the first of them.
    kinds = [step.id for step in issued]
    assert kinds == sorted(kinds, key=["trust_root", "install_certificate"].index)


def test_clients_that_another_switch_does_not_concern_are_not_counted() -> None:
    plain = tuple(dc.replace(one, encrypted=one.encrypted - {SERVER}) for one in ENCRYPTED.servers)
    lost = tuple(dc.replace(client, trusted=None) for client in ENCRYPTED.clients)
    plan = planned(dc.replace(ENCRYPTED, servers=plain, clients=lost), Wish(management=True))
    assert [impact.rule for impact in plan.impacts] == ["VMS-10"]


# -- links that are broken ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "changes", "reason"),
    [
        ("rec1", {"encrypted": frozenset({STREAMING})}, "encryption is on at mgmt and off at rec1"),
        ("rec1", {"certificates": {}}, "rec1 holds no certificate"),
        ("rec1", {"trusted": frozenset()}, "rec1 does not trust the root of mgmt"),
        ("wall", {"trusted": frozenset({THEIRS})}, "wall does not trust the root of rec1"),
        ("rec1", {"reachable": False}, "rec1 did not answer"),
    ],
)
def test_a_link_that_is_broken_says_why(name: str, changes: dict[str, t.Any], reason: str) -> None:
    servers = tuple(dc.replace(one, **changes) if one.name == name else one for one in ENCRYPTED.servers)
    clients = tuple(dc.replace(one, **changes) if one.name == name else one for one in ENCRYPTED.clients)
    states = link_states(dc.replace(ENCRYPTED, servers=servers, clients=clients), NOW)
    wrong = [state for state in states if state.status in ("broken", "unknown")]
    assert reason in {state.reason for state in wrong}
    assert {name} & {end for state in wrong for end in (state.link.presenter, state.link.verifier)}
    untouched = [state for state in states if name not in (state.link.presenter, state.link.verifier)]
    assert {state.status for state in untouched} == {"encrypted"}


# -- topologies that are none ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("servers", "clients", "sentence"),
    [
        ((), (), "VMS: management server: found none, expected exactly one."),
        ((server("a", MANAGEMENT), server("b", MANAGEMENT)), (), "management server: found a, b, expected exactly one"),
        ((server("a", MANAGEMENT), server("A", "log_server")), (), "server A: found two servers with it"),
        (
            (server("a", MANAGEMENT), Server(name="b", host_name="A.example", roles=("log_server",))),
            (),
            "host name A.example: found two servers with it",
        ),
        ((server("a", MANAGEMENT, "wizard"),), (), "roles of a: found wizard, expected some of management_server"),
        ((server("a"),), (), "roles of a: found none"),
        ((server("a", MANAGEMENT),), (Client(name="a", kind="smart_client"),), "client a: found a server or another"),
        ((server("a", MANAGEMENT),), (Client(name="c", kind="fax"),), "kind of c: found fax, expected one of"),
        (
            (server("a", MANAGEMENT),),
            (Client(name="c", kind="smart_client", servers=("z",)),),
            "servers of c: found z, expected names among 1 known servers",
        ),
    ],
)
def test_a_topology_that_cannot_be(servers: t.Any, clients: t.Any, sentence: str) -> None:
    with pytest.raises(InputError) as caught:
        Topology(servers=servers, clients=clients)
    assert sentence in caught.value.message


# -- endings -----------------------------------------------------------------------------------------------------------


def test_vms_16_what_stops_when_a_certificate_ends() -> None:
    roots = [Root(sha256=OURS, name="Our Root", not_after=NOW + 3650 * DAY)]
    found = endings(ENCRYPTED, roots, (), now=NOW, warn_before=15 * DAY)
    assert len(found) == 7 + 3 + 1 + 1
    assert found[-1].what == "root Our Root"
    assert len(found[-1].links) == len(ENCRYPTED.links)
    by_place = {(one.server, one.group): one for one in found}
    recorder = by_place["rec1", STREAMING]
    assert recorder.shown()["stops"] == ["ev", "mgmt", "lpr", "mob", "wall", "bridge"]
    assert recorder.severity == "note"
    assert "The VMS gives no warning (VMS-16)." in recorder.text
    later = endings(ENCRYPTED, roots, (), now=NOW + 390 * DAY, warn_before=15 * DAY)
    assert {one.severity for one in later if one.server} == {"warning"}
    ended = endings(ENCRYPTED, roots, (), now=NOW + 398 * DAY, warn_before=15 * DAY)
    assert {one.severity for one in ended if one.server} == {"error"}
    assert "ended on 2027-12-30" in ended[0].text
    assert endings(SITE, roots, (), now=NOW, warn_before=DAY) == []


def test_vms_16_what_is_about_to_be_encrypted_ends_too() -> None:
    roots = [Root(sha256=OURS, name="Ours", not_after=NOW + 2 * DAY), Root(sha256=THEIRS, name="Theirs", not_after=NOW)]
    off = carried_out(ENCRYPTED, planned(ENCRYPTED, ALL_OFF, None).steps)
    plan = planned(off, Wish(mobile=True), None)
    found = endings(off, roots, plan.steps, now=NOW, warn_before=15 * DAY)
    assert [(one.what, one.severity) for one in found] == [
        ("root Ours", "warning"), ("certificate of mob (mobile server)", "note"),
    ]  # fmt: skip
    # What is replaced before it is switched on stops nothing; the root of what comes in its place does.
    plan = planned(
        expiring(off), Wish(mobile=True), Authority(root=THEIRS, renew_before=30 * DAY, replaces_others=True)
    )
    (only,) = endings(expiring(off), roots, plan.steps, now=NOW, warn_before=15 * DAY)
    assert (only.what, only.severity, len(only.links)) == ("root Theirs", "error", 1)
    # In use, and renewed below the same root: each of its links counts once.
    plan = planned(expiring(ENCRYPTED))
    found = endings(expiring(ENCRYPTED), roots, plan.steps, now=NOW, warn_before=15 * DAY)
    assert [len(one.links) for one in found if one.what == "root Ours"] == [len(ENCRYPTED.links)]


def test_every_kind_of_client_and_role_has_a_link() -> None:
    clients = tuple(Client(name=f"c-{kind}", kind=kind) for kind in CLIENT_KINDS)
    servers = tuple(server(f"s-{role}", role) for role in ROLES)
    links = Topology(servers=servers, clients=clients).links
    ends = set(itertools.chain.from_iterable((link.presenter, link.verifier) for link in links))
    assert ends == {one.name for one in (*servers, *clients)}
