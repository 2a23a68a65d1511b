# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One server of the VMS: the steps, and what is refused before anything is changed."""

from __future__ import annotations

import dataclasses as dc
import datetime as dt
import pathlib
import typing as t

import pytest
from ansible_collections.camsec.fleet.plugins.module_utils._core._errors import (
    CamsecError,
    ConnectError,
    InputError,
    RuleError,
)
from ansible_collections.camsec.fleet.plugins.module_utils._core._plan import Plan
from ansible_collections.camsec.fleet.plugins.module_utils._core._secret import Secret
from ansible_collections.camsec.fleet.plugins.module_utils._pki._authority import CertificateAuthority
from ansible_collections.camsec.fleet.plugins.module_utils._vms import facts as facts_
from ansible_collections.camsec.fleet.plugins.module_utils._vms.facts import (
    DEFAULT_PORTS,
    Handshake,
    Identity,
    Own,
    ServerFacts,
    thumbprint_of,
)
from ansible_collections.camsec.fleet.plugins.module_utils._vms.server_plan import (
    WantedServer,
    certificate_reason,
    make_plan,
)
from ansible_collections.camsec.fleet.plugins.module_utils._vms.signing import Bundle, OwnAuthority, request_inf

NOW = dt.datetime.now(tz=dt.UTC)
PASSPHRASE = Secret("a passphrase of the tests")
ME = Identity(
    name="rec",
    host_name="rec.example",
    roles=("recording_server",),
    ports=DEFAULT_PORTS,
    service_account=r"NT AUTHORITY\NETWORK SERVICE",
    configurator="C:\\sc.exe",
)
NAMES = ("DNS:rec.example",)


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> CertificateAuthority:
    return CertificateAuthority.create(
        tmp_path_factory.mktemp("pki") / "ca", passphrase=PASSPHRASE, common_name="Root", key_type="ecdsa"
    )


@pytest.fixture(scope="module")
def other(tmp_path_factory: pytest.TempPathFactory) -> CertificateAuthority:
    return CertificateAuthority.create(
        tmp_path_factory.mktemp("pki") / "other", passphrase=PASSPHRASE, common_name="Other", key_type="ecdsa"
    )


def own(
    signer: CertificateAuthority,
    names: t.Sequence[str] = NAMES,
    *,
    days: int = 300,
    key_type: str = "rsa",
    **changes: t.Any,
) -> Own:
    _key, issued = signer.issue_with_new_key(
        passphrase=PASSPHRASE, device="rec", subject_alt_names=names, lifetime_days=days, key_type=key_type
    )
    facts = issued.facts
    found = Own(
        thumbprint=thumbprint_of(facts),
        facts=facts,
        chain=(signer.root_certificate,),
        has_private_key=True,
        readable=True,
    )
    return dc.replace(found, **changes)


def holding(*certificates: Own, roots: t.Iterable[str] = (), **changes: t.Any) -> ServerFacts:
    plain = {"server": Handshake(status="plain"), "streaming_media": Handshake(status="plain")}
    found = ServerFacts(
        account="S-1-5-20",
        configurator=True,
        configurators_running=0,
        own=certificates,
        roots=frozenset(roots),
        services=(),
        groups=plain,
    )
    return dc.replace(found, **changes)


def presenting(one: Own, *groups: str) -> dict[str, Handshake]:
    shown = Handshake(status="encrypted", thumbprint=one.thumbprint, leaf=one.facts)
    plain = Handshake(status="plain")
    return {group: shown if group in groups else plain for group in ("server", "streaming_media")}


def source(signer: CertificateAuthority | None, passphrase: Secret | None = PASSPHRASE) -> OwnAuthority:
    return OwnAuthority(own=signer, passphrase=passphrase, lifetime_days=397, backdate_hours=24)


def planned(current: ServerFacts, now: dt.datetime = NOW, **wanted: t.Any) -> Plan:
    return make_plan(current, ME, WantedServer(names=NAMES, **wanted), now)


def ids(plan: Plan) -> list[str]:
    return [step.id for step in plan.steps]


def refused(error: type[CamsecError], current: ServerFacts, **wanted: t.Any) -> str:
    with pytest.raises(error) as raised:
        planned(current, **wanted)
    return raised.value.message


def test_a_fresh_server_gets_trust_then_a_certificate_then_the_switches(authority: CertificateAuthority) -> None:
    plan = planned(
        holding(),
        trusted=(authority.root_certificate,),
        source=source(authority),
        groups={"streaming_media": True, "server": True},
    )
    assert ids(plan) == [
        "trust_root", "install_certificate", "check_handshake", "enable_encryption", "enable_encryption",
    ]  # fmt: skip
    assert [step.data["group"] for step in plan.steps[-2:]] == ["server", "streaming_media"]
    assert plan.steps[1].data["subject"] == "CN=rec.example"
    assert plan.after["groups"] == {"server": "new", "streaming_media": "new"}
    assert {impact.rule for impact in plan.impacts} == {"VMS-10"}


def test_what_is_as_it_should_be_is_left_alone(authority: CertificateAuthority) -> None:
    one, root = own(authority), authority.root_certificate
    current = holding(one, roots=[root.sha256], groups=presenting(one, "server", "streaming_media"))
    plan = planned(current, trusted=(root,), source=source(authority), groups={"server": True, "streaming_media": True})
    assert ids(plan) == []
    assert plan.before == {key: value for key, value in plan.after.items() if key != "serving"}
    assert plan.after["serving"] == one.thumbprint


def test_vms_17_a_due_certificate_in_use_keeps_its_subject_and_is_waited_for(authority: CertificateAuthority) -> None:
    due = own(authority, days=10)
    current = holding(due, roots=[authority.root_certificate.sha256], groups=presenting(due, "server"))
    plan = planned(current, source=source(authority))
    assert ids(plan) == ["install_certificate", "check_handshake", "await_renewal", "remove_certificate"]
    assert plan.steps[0].data["subject"] == due.facts.subject
    assert plan.steps[2].data["groups"] == ["server"]
    assert plan.steps[3].data["thumbprint"] == due.thumbprint


def test_a_renewal_that_was_cut_off_is_gone_on_with(authority: CertificateAuthority) -> None:
    due, new = own(authority, days=10), own(authority)
    current = holding(due, new, roots=[authority.root_certificate.sha256], groups=presenting(due, "server"))
    assert ids(planned(current, source=source(authority))) == ["await_renewal", "remove_certificate"]
    taken_up = dc.replace(current, groups=presenting(new, "server"))
    assert ids(planned(taken_up, source=source(authority))) == ["remove_certificate"]
    assert ids(planned(taken_up, source=source(authority), remove_old=False)) == []


def test_vms_14_a_key_that_the_service_cannot_read_is_granted(authority: CertificateAuthority) -> None:
    one = own(authority, readable=False)
    current = holding(one, roots=[authority.root_certificate.sha256])
    plan = planned(current, source=source(authority), groups={"server": True})
    assert ids(plan) == ["grant_key", "check_handshake", "enable_encryption"]
    assert plan.before["certificates"] == {one.thumbprint: False}
    assert plan.after["certificates"] == {one.thumbprint: True}


def test_a_certificate_of_another_authority_that_can_serve_stays(
    authority: CertificateAuthority, other: CertificateAuthority
) -> None:
    theirs = own(other, days=5)
    current = holding(theirs, roots=[authority.root_certificate.sha256, other.root_certificate.sha256])
    assert ids(planned(current, source=source(authority))) == []
    plan = planned(current, source=source(authority), replace_others=True)
    # Nobody presents it: something else on that host may, so it stays.
    assert ids(plan) == ["install_certificate", "check_handshake"]
    used = dc.replace(current, groups=presenting(theirs, "server"))
    plan = planned(used, source=source(authority), replace_others=True)
    assert ids(plan) == ["install_certificate", "check_handshake", "await_renewal", "remove_certificate"]
    # The VMS takes the later one: it must not start before the one that it replaces, which was backdated by a day.
    assert 22 < plan.steps[0].data["hours_back"] < 23.1
    assert plan.steps[-1].data["thumbprint"] == theirs.thumbprint


@pytest.mark.parametrize(
    ("names", "changes", "rule", "found"),
    [
        (("DNS:elsewhere.example",), {}, "VMS-11", "no certificate for this host"),
        (NAMES, {"has_private_key": False}, "VMS-11", "no certificate for this host"),
    ],
)
def test_what_cannot_serve_is_replaced(
    authority: CertificateAuthority, names: tuple[str, ...], changes: dict[str, t.Any], rule: str, found: str
) -> None:
    current = holding(own(authority, names, **changes), roots=[authority.root_certificate.sha256])
    step = planned(current, source=source(authority)).steps[0]
    assert (step.id, step.rule) == ("install_certificate", rule)
    assert found in step.title


def test_a_kept_certificate_need_not_have_our_names(
    authority: CertificateAuthority, other: CertificateAuthority
) -> None:
    roots = [authority.root_certificate.sha256, other.root_certificate.sha256]
    wanted = WantedServer(names=(*NAMES, "IP:192.0.2.1"), source=source(authority))
    assert ids(make_plan(holding(own(other), roots=roots), ME, wanted, NOW)) == []
    ours = make_plan(holding(own(authority), roots=roots), ME, wanted, NOW)
    assert "does not name 192.0.2.1" in ours.steps[0].title


def test_the_later_certificate_serves_however_long_another_lasts(
    authority: CertificateAuthority, other: CertificateAuthority
) -> None:
    roots = [authority.root_certificate.sha256, other.root_certificate.sha256]
    theirs, ours = own(other, days=730), own(authority)
    began = NOW - dt.timedelta(days=3)
    theirs = dc.replace(theirs, facts=dc.replace(theirs.facts, not_before=began))
    first = planned(holding(theirs, roots=roots), source=source(authority), replace_others=True)
    assert first.steps[0].data["hours_back"] == pytest.approx(71, abs=0.1)
    both = holding(theirs, ours, roots=roots)
    assert both.serving("server", ME, NOW) == ours
    assert ids(planned(both, source=source(authority), replace_others=True)) == []


def test_off_is_the_reverse_and_says_what_stops(authority: CertificateAuthority) -> None:
    one = own(authority)
    current = holding(
        one, roots=[authority.root_certificate.sha256], groups=presenting(one, "server", "streaming_media")
    )
    plan = planned(current, groups={"server": False, "streaming_media": False})
    assert [(step.id, step.data["group"]) for step in plan.steps] == [
        ("disable_encryption", "streaming_media"), ("disable_encryption", "server"),
    ]  # fmt: skip
    assert plan.after["groups"] == {"server": "off", "streaming_media": "off"}


def test_push_to_talk_is_named_when_a_mobile_server_goes_plain(authority: CertificateAuthority) -> None:
    one = own(authority)
    mobile = dc.replace(ME, roles=("mobile_server",))
    shown = Handshake(status="encrypted", thumbprint=one.thumbprint, leaf=one.facts)
    current = holding(one, groups={"server": Handshake(status="plain"), "mobile_server": shown})
    plan = make_plan(current, mobile, WantedServer(groups={"mobile_server": False}), NOW)
    assert "VMS-18" in {impact.rule for impact in plan.impacts}


# -- several certificates on one server ------------------------------------------------------------------------------

PHONES = dc.replace(ME, roles=("mobile_server",))


def on_mobile(server: Own | None, mobile: Own | None, *, roots: t.Iterable[str]) -> ServerFacts:
    groups = {
        "server": Handshake(status="plain") if server is None else encrypted(server),
        "mobile_server": Handshake(status="plain") if mobile is None else encrypted(mobile),
    }
    return holding(*(one for one in (server, mobile) if one is not None), roots=roots, groups=groups)


def encrypted(one: Own, **changes: t.Any) -> Handshake:
    return Handshake(status="encrypted", thumbprint=one.thumbprint, leaf=one.facts, **changes)


def public(other: CertificateAuthority, days: int = 60) -> Own:
    return own(other, ("DNS:video.public.example",), days=days)


@pytest.fixture
def both(authority: CertificateAuthority, other: CertificateAuthority) -> list[str]:
    return [authority.root_certificate.sha256, other.root_certificate.sha256]


def test_a_public_certificate_that_phones_see_is_not_ours_to_replace(
    authority: CertificateAuthority, other: CertificateAuthority, both: list[str]
) -> None:
    mine, theirs = own(authority), public(other)
    current = on_mobile(mine, theirs, roots=both)
    wanted = WantedServer(names=NAMES, source=source(authority))
    assert ids(make_plan(current, PHONES, wanted, NOW)) == []
    for group, one in (("server", mine), ("mobile_server", theirs)):
        name = PHONES.name_for(group, presented=True)
        assert certificate_reason(one, name, wanted, NOW).found == ""
    # Who names what clients call it has that checked.
    known = dc.replace(PHONES, mobile_host_name="video.public.example")
    assert ids(make_plan(current, known, wanted, NOW)) == []
    elsewhere = dc.replace(PHONES, mobile_host_name="video.elsewhere.example")
    plan = make_plan(current, elsewhere, dc.replace(wanted, names=(*NAMES, "DNS:video.elsewhere.example")), NOW)
    assert [step.data.get("subject") for step in plan.steps if step.id == "install_certificate"] == [
        mine.facts.subject, theirs.facts.subject,
    ]  # fmt: skip


def test_each_due_certificate_is_renewed_with_its_own_subject(authority: CertificateAuthority, both: list[str]) -> None:
    names = ("DNS:phones.example", "DNS:rec.example")
    due, good = own(authority, days=10), own(authority, names)
    assert due.facts.subject != good.facts.subject
    wanted = WantedServer(names=NAMES, source=source(authority))
    plan = make_plan(on_mobile(due, good, roots=both), PHONES, wanted, NOW)
    assert [(step.id, step.data.get("groups")) for step in plan.steps] == [
        ("install_certificate", None), ("check_handshake", None), ("await_renewal", ["server"]),
        ("remove_certificate", None),
    ]  # fmt: skip
    assert plan.steps[0].data["subject"] == due.facts.subject
    plan = make_plan(on_mobile(due, own(authority, names, days=10), roots=both), PHONES, wanted, NOW)
    assert [step.data["subject"] for step in plan.steps if step.id == "install_certificate"] == [
        due.facts.subject, good.facts.subject,
    ]  # fmt: skip
    assert plan.after["groups"] == {"server": "new", "mobile_server": "new"}


def test_what_phones_look_for_does_not_come_in_the_place_of_what_servers_see(authority: CertificateAuthority) -> None:
    roots = [authority.root_certificate.sha256]
    phones = dc.replace(PHONES, mobile_host_name="video.public.example")
    wanted = WantedServer(names=NAMES, source=source(authority))
    host = own(authority)
    off = dc.replace(on_mobile(None, None, roots=roots), own=(host,))
    for current in (on_mobile(host, None, roots=roots), off):
        (step,) = [step for step in make_plan(current, phones, wanted, NOW).steps if step.id == "install_certificate"]
        assert step.data["names"] == (*NAMES, "DNS:video.public.example")
        assert (step.data["subject"], step.rule) == ("CN=video.public.example", "VMS-11")
    # Where one serves both by now, its successor does too.
    plan = make_plan(on_mobile(host, host, roots=roots), phones, wanted, NOW)
    assert ids(plan) == ["install_certificate", "check_handshake", "await_renewal", "remove_certificate"]
    assert plan.steps[0].data["subject"] == "CN=rec.example"
    assert plan.steps[2].data["groups"] == ["server", "mobile_server"]
    both = own(authority, (*NAMES, "DNS:video.public.example"))
    assert ids(make_plan(on_mobile(both, None, roots=roots), phones, wanted, NOW)) == []


def test_nothing_that_is_presented_goes_before_its_successor_is(authority: CertificateAuthority) -> None:
    roots = [authority.root_certificate.sha256]
    old, new = own(authority, days=200), own(authority, readable=False)
    current = holding(old, new, roots=roots, groups=presenting(old, "server", "streaming_media"))
    plan = planned(current, source=source(authority))
    assert ids(plan) == ["grant_key", "check_handshake", "await_renewal", "remove_certificate"]
    # A group that is not this run's business takes the new one up by its subject, and is waited for.
    due = own(authority, days=10)
    mixed = holding(due, roots=roots, groups=presenting(due, "streaming_media"))
    plan = planned(mixed, source=source(authority), certificate_groups=("server",))
    assert ids(plan) == ["install_certificate", "check_handshake", "await_renewal", "remove_certificate"]
    assert plan.steps[2].data["groups"] == ["streaming_media"]


def test_a_later_certificate_of_somebody_elses_does_not_have_ours_removed(
    authority: CertificateAuthority, other: CertificateAuthority, both: list[str]
) -> None:
    ours, theirs = own(authority), own(other)
    began = NOW + dt.timedelta(seconds=1)
    theirs = dc.replace(theirs, facts=dc.replace(theirs.facts, not_before=began))
    current = holding(ours, theirs, roots=both, groups=presenting(ours, "server"))
    plan = planned(current, now=NOW + dt.timedelta(hours=1), source=source(authority))
    assert ids(plan) == ["await_renewal"]


def test_a_group_whose_key_is_gone_gets_what_is_there(authority: CertificateAuthority) -> None:
    roots = [authority.root_certificate.sha256]
    gone, fit = own(authority, has_private_key=False), own(authority, ("DNS:another.example", *NAMES))
    current = holding(gone, fit, roots=roots, groups=presenting(gone, "server"))
    plan = planned(current, source=source(authority))
    assert [(step.id, step.data["group"]) for step in plan.steps] == [("enable_encryption", "server")]
    assert plan.steps[0].data["thumbprint"] == fit.thumbprint


def test_what_ended_and_what_is_due_is_followed_by_one_certificate(authority: CertificateAuthority) -> None:
    roots = [authority.root_certificate.sha256]
    due, ended = own(authority, ("DNS:another.example", *NAMES), days=10), own(authority)
    ended = dc.replace(ended, facts=dc.replace(ended.facts, not_after=NOW - dt.timedelta(days=1)))
    current = holding(due, ended, roots=roots, groups=presenting(ended, "streaming_media"))
    plan = planned(current, source=source(authority), groups={"server": True})
    assert ids(plan) == [
        "install_certificate",
        "check_handshake",
        "await_renewal",
        "remove_certificate",
        "enable_encryption",
    ]
    assert plan.steps[0].data["subject"] == "CN=rec.example"


def test_a_thumbprint_that_is_about_to_be_replaced_is_refused(authority: CertificateAuthority) -> None:
    due = own(authority, days=10)
    current = holding(due, roots=[authority.root_certificate.sha256], groups=presenting(due, "server"))
    wanted = {"groups": {"server": True}, "thumbprint": due.thumbprint}
    assert "in whose place" in refused(InputError, current, source=source(authority), **wanted)
    assert ids(planned(current, **wanted)) == []


def test_only_the_groups_that_are_asked_for_get_a_certificate(
    authority: CertificateAuthority, other: CertificateAuthority, both: list[str]
) -> None:
    current = on_mobile(None, public(other), roots=both)
    wanted = WantedServer(names=NAMES, source=source(authority))
    plan = make_plan(current, PHONES, wanted, NOW)
    assert plan.steps[0].data["subject"] == "CN=rec.example"
    assert plan.steps[0].data["keep"] is False
    assert ids(plan) == ["install_certificate", "check_handshake"]
    only = dc.replace(wanted, certificate_groups=("mobile_server",))
    assert ids(make_plan(current, PHONES, only, NOW)) == []
    strange = dc.replace(wanted, certificate_groups=("streaming_media",))
    with pytest.raises(InputError, match="found streaming_media"):
        make_plan(current, PHONES, strange, NOW)


def test_a_public_certificate_comes_as_pkcs12_for_the_mobile_group_alone(
    authority: CertificateAuthority, other: CertificateAuthority, both: list[str]
) -> None:
    leaf = public(other).facts
    bundle = Bundle(content=b"", passphrase=PASSPHRASE, thumbprint=thumbprint_of(leaf), leaf=leaf)
    current = on_mobile(own(authority), None, roots=both)
    phones = dc.replace(PHONES, mobile_host_name="video.public.example")
    groups = {"certificate_groups": ("mobile_server",), "groups": {"mobile_server": True}}
    plan = make_plan(current, phones, WantedServer(names=NAMES, source=bundle, **groups), NOW)
    assert ids(plan) == ["install_certificate", "check_handshake", "enable_encryption"]
    assert plan.steps[1].data["name"] == "video.public.example"
    with pytest.raises(RuleError, match="vms_mobile_host_name"):
        make_plan(current, PHONES, WantedServer(names=NAMES, source=bundle, **groups), NOW)
    # One with the subject that is presented already is taken up, and needs no name that we know.
    renewed = on_mobile(own(authority), public(other, days=5), roots=both)
    plan = make_plan(renewed, PHONES, WantedServer(source=bundle, certificate_groups=("mobile_server",)), NOW)
    assert ids(plan) == ["install_certificate", "check_handshake", "await_renewal"]


# -- a failover recording server that stands by --------------------------------------------------------------------

FAILOVER = dc.replace(ME, roles=("failover_recording_server",))


def standing_by(server: Own, streams: Own | None, *more: Own, roots: t.Iterable[str]) -> ServerFacts:
    told = Handshake(status="plain", standing_by=True)
    if streams is not None:
        told = Handshake(status="encrypted", thumbprint=streams.thumbprint, standing_by=True)
    return holding(server, *more, roots=roots, groups={"server": encrypted(server), "streaming_media": told})


def test_vms_15_a_failover_server_that_stands_by_is_switched_on(authority: CertificateAuthority) -> None:
    one, roots = own(authority), [authority.root_certificate.sha256]
    plan = make_plan(standing_by(one, None, roots=roots), FAILOVER, WantedServer(groups={"streaming_media": True}), NOW)
    assert ids(plan) == ["enable_encryption"]
    assert plan.steps[0].data["thumbprint"] == one.thumbprint
    on = standing_by(one, one, roots=roots)
    assert ids(make_plan(on, FAILOVER, WantedServer(groups={"streaming_media": True}), NOW)) == []


def test_vms_17_what_stands_by_is_told_of_a_renewed_certificate(authority: CertificateAuthority) -> None:
    due, roots = own(authority, days=10), [authority.root_certificate.sha256]
    wanted = WantedServer(names=NAMES, source=source(authority))
    plan = make_plan(standing_by(due, due, roots=roots), FAILOVER, wanted, NOW)
    assert [(step.id, step.data.get("groups") or step.data.get("group")) for step in plan.steps] == [
        ("install_certificate", None), ("check_handshake", None), ("await_renewal", ["server"]),
        ("enable_encryption", "streaming_media"), ("remove_certificate", None),
    ]  # fmt: skip
    new = own(authority)
    half = dc.replace(standing_by(due, due, new, roots=roots), groups={
        "server": encrypted(new),
        "streaming_media": Handshake(status="encrypted", thumbprint=due.thumbprint, standing_by=True),
    })  # fmt: skip
    assert ids(make_plan(half, FAILOVER, wanted, NOW)) == ["enable_encryption", "remove_certificate"]


def test_what_stands_by_with_a_certificate_that_is_gone_is_bound_again(authority: CertificateAuthority) -> None:
    one, roots = own(authority), [authority.root_certificate.sha256]
    told = Handshake(status="encrypted", thumbprint="AB" * 20, standing_by=True)
    assert facts_._kept(told, (one,)) == Handshake(status="broken", standing_by=True)
    assert facts_._kept(dc.replace(told, thumbprint=one.thumbprint), (one,)).status == "encrypted"
    groups = {"server": encrypted(one), "streaming_media": facts_._kept(told, (one,))}
    current = holding(one, roots=roots, groups=groups)
    for wanted in (
        WantedServer(names=NAMES, source=source(authority)), WantedServer(groups={"streaming_media": True}),
    ):  # fmt: skip
        plan = make_plan(current, FAILOVER, wanted, NOW)
        assert [(step.id, step.data["group"]) for step in plan.steps] == [("enable_encryption", "streaming_media")]


@pytest.mark.parametrize(
    ("element", "status", "thumbprint"),
    [
        ('<serverEncryption enabled="true" certificateHash="ab cd" />', "encrypted", "ABCD"),
        ("<serverEncryption certificateHash='' enabled='False'>", "plain", ""),
        ("", "silent", ""),
        ("<serverEncryption>", "silent", ""),
    ],
)
def test_what_a_recording_server_that_does_not_run_is_configured_to(element: str, status: str, thumbprint: str) -> None:
    found = facts_._configured(element)
    assert (found.status, found.thumbprint) == (status, thumbprint)


# -- refusals ----------------------------------------------------------------------------------------------------------


def test_half_steps_are_refused_by_their_rules(authority: CertificateAuthority) -> None:
    root = authority.root_certificate.sha256
    on = {"server": True}
    one = own(authority)
    assert refused(RuleError, holding(), groups=on).endswith("[VMS-11]")
    assert refused(RuleError, holding(own(authority, days=300, readable=False), roots=[root]), groups=on).endswith(
        "[VMS-14]"
    )
    assert refused(RuleError, holding(one), groups=on).endswith("[VMS-13]")
    assert refused(RuleError, holding(own(authority, key_type="ecdsa"), roots=[root]), groups=on).endswith("[VMS-19]")
    assert "no file C:\\sc.exe" in refused(RuleError, holding(one, roots=[root], configurator=False), groups=on)


@pytest.mark.parametrize(
    ("changes", "found"),
    [({"for_servers": False}, "not for servers"), ({"self_signed": True}, "self-signed"), ({"root": ""}, "not known")],
)
def test_what_windows_keeps_for_something_else_is_not_taken(
    authority: CertificateAuthority, changes: dict[str, t.Any], found: str
) -> None:
    held = dc.replace(own(authority).held(), **changes)
    assert found in held.fault("rec.example", NOW)[0]


def test_a_certificate_for_clients_or_of_a_winrm_listener_is_no_candidate(authority: CertificateAuthority) -> None:
    root = authority.root_certificate.sha256
    _key, issued = authority.issue_with_new_key(
        passphrase=PASSPHRASE, device="rec", subject_alt_names=NAMES, evidence_signer=True
    )
    signer = dc.replace(own(authority), facts=issued.facts, thumbprint=thumbprint_of(issued.facts))
    plan = planned(holding(signer, roots=[root]), source=source(authority))
    assert ids(plan)[0] == "install_certificate"
    assert "not for servers" in plan.steps[0].title
    good = own(authority)
    assert holding(signer, good, roots=[root]).serving("server", ME, NOW) == good


def test_a_group_of_which_nobody_knows_is_said_where_it_matters(authority: CertificateAuthority) -> None:
    one = own(authority)
    silent = Handshake(status="silent")
    groups = {**presenting(one, "server"), "streaming_media": silent}
    current = holding(one, roots=[authority.root_certificate.sha256], groups=groups)
    for wanted in ({"groups": {"streaming_media": True}}, {"certificate_groups": ("streaming_media",)}):
        message = refused(ConnectError, current, source=source(authority), **wanted)
        assert message.startswith("rec: port 7563 (streaming): found no answer on the host itself")
    assert ids(planned(current, groups={"server": True})) == []
    # The other group's certificate is renewed; what is replaced stays, since the silent one may present it.
    due = own(authority, days=10)
    half = dc.replace(current, own=(due,), groups={**presenting(due, "server"), "streaming_media": silent})
    plan = planned(half, source=source(authority))
    assert ids(plan) == ["install_certificate", "check_handshake", "await_renewal"]
    assert "port 7563 (streaming): found no answer" in plan.warnings[0]
    assert ids(planned(current, trusted=(authority.root_certificate,))) == []


def test_nothing_is_removed_while_a_group_breaks(authority: CertificateAuthority) -> None:
    due = own(authority, days=10)
    broken = {"server": Handshake(status="broken"), "streaming_media": Handshake(status="plain")}
    current = holding(due, roots=[authority.root_certificate.sha256], groups=broken)
    assert ids(planned(current, source=source(authority))) == ["install_certificate", "check_handshake"]


def test_a_subject_that_certreq_cannot_be_asked_for_is_refused(authority: CertificateAuthority) -> None:
    due = own(authority, days=10)
    due = dc.replace(due, facts=dc.replace(due.facts, subject="O=Acme\\, Inc.,CN=rec.example"))
    current = holding(due, roots=[authority.root_certificate.sha256], groups=presenting(due, "server"))
    assert "pkcs12_path" in refused(InputError, current, source=source(authority))


def test_an_explicit_thumbprint_is_obeyed_even_with_the_same_subject(authority: CertificateAuthority) -> None:
    old, new = own(authority, days=100), own(authority)
    current = holding(old, new, roots=[authority.root_certificate.sha256], groups=presenting(new, "server"))
    assert ids(planned(current, groups={"server": True})) == []
    assert ids(planned(current, groups={"server": True}, thumbprint=old.thumbprint)) == ["enable_encryption"]


def test_a_certificate_for_another_host_is_refused_by_its_thumbprint(authority: CertificateAuthority) -> None:
    wrong = own(authority, ("DNS:elsewhere.example",))
    current = holding(wrong, roots=[authority.root_certificate.sha256])
    message = refused(RuleError, current, groups={"server": True}, thumbprint=wrong.thumbprint)
    assert "elsewhere.example" in message
    assert "rec.example" in message
    assert message.endswith("[VMS-12]")


def test_a_thumbprint_that_does_not_exist_names_those_that_do(authority: CertificateAuthority) -> None:
    one = own(authority)
    current = holding(one, roots=[authority.root_certificate.sha256])
    message = refused(InputError, current, groups={"server": True}, thumbprint="AB" * 20)
    assert "AB" * 20 in message
    assert one.thumbprint in message


def test_a_stale_configurator_is_refused_unless_it_may_be_ended(authority: CertificateAuthority) -> None:
    current = holding(own(authority), roots=[authority.root_certificate.sha256], configurators_running=1)
    assert "1 running already" in refused(RuleError, current, groups={"server": True})
    plan = planned(current, groups={"server": True}, stop_running_configurator=True)
    assert ids(plan) == ["enable_encryption"]


def test_an_untrusted_authority_and_a_missing_passphrase_are_said_first(authority: CertificateAuthority) -> None:
    assert "vms_trusted_ca first" in refused(RuleError, holding(), source=source(authority))
    trusting = holding(roots=[authority.root_certificate.sha256])
    assert "authority_passphrase" in refused(InputError, trusting, source=source(authority, None))
    wrong = source(authority, Secret("another passphrase"))
    assert "passphrase" in refused(CamsecError, trusting, source=wrong)


def test_a_root_in_use_is_not_taken_away(authority: CertificateAuthority, other: CertificateAuthority) -> None:
    one, root = own(authority), authority.root_certificate
    roots = [root.sha256, other.root_certificate.sha256]
    current = holding(one, roots=roots, groups=presenting(one, "server"))
    assert "in use by the certificate group server" in refused(RuleError, current, distrusted=(root,))
    assert ids(planned(current, distrusted=(other.root_certificate,))) == ["distrust_root"]


def test_a_group_that_is_not_the_servers(authority: CertificateAuthority) -> None:
    message = refused(InputError, holding(own(authority)), groups={"mobile_server": True})
    assert "mobile_server" in message
    assert "server, streaming_media" in message


def test_a_bundle_for_another_host_is_refused(authority: CertificateAuthority) -> None:
    leaf = own(authority, ("DNS:elsewhere.example",)).facts
    bundle = Bundle(content=b"", passphrase=PASSPHRASE, thumbprint=thumbprint_of(leaf), leaf=leaf)
    assert refused(RuleError, holding(), source=bundle).endswith("[VMS-12]")


def test_a_fleet_without_an_authority_yet_can_be_planned() -> None:
    plan = planned(holding(), source=source(None))
    assert ids(plan) == ["install_certificate", "check_handshake"]
    assert "does not exist yet" in plan.warnings[0]


def test_a_renewal_that_would_gain_nothing_is_a_warning(tmp_path: pathlib.Path) -> None:
    ending = CertificateAuthority.create(
        tmp_path / "ca", passphrase=PASSPHRASE, common_name="Ending", key_type="ecdsa", lifetime_days=20
    )
    one = own(ending, days=20)
    current = holding(one, roots=[ending.root_certificate.sha256])
    plan = planned(current, source=source(ending))
    assert ids(plan) == []
    assert len(plan.warnings) == 1


# -- what Windows says -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rules", "readable"),
    [
        ([], False),
        ([{"sid": "S-1-5-18", "rights": 2032127, "allow": True}], False),
        ([{"sid": "S-1-5-20", "rights": 131209, "allow": True}], True),
        ([{"sid": "S-1-1-0", "rights": 131209, "allow": True}], True),
        ([{"sid": "S-1-5-20", "rights": 65536, "allow": True}], False),
        (
            [
                {"sid": "S-1-5-20", "rights": 131209, "allow": True},
                {"sid": "S-1-5-11", "rights": 1, "allow": False},
            ],
            False,
        ),
    ],
)
def test_vms_14_who_may_read_a_key(rules: list[dict[str, t.Any]], readable: bool) -> None:
    assert facts_._readable(rules, "S-1-5-20") is readable


def test_certreq_is_asked_for_a_machine_key_that_stays() -> None:
    text = request_inf("CN=rec.example", ("DNS:rec.example", "IP:192.0.2.1"), key_size=3072)
    assert 'Subject = "CN=rec.example"\r\n' in text
    assert '_continue_ = "dns=rec.example&ipaddress=192.0.2.1"\r\n' in text
    assert {"Exportable = FALSE", "MachineKeySet = TRUE", "KeyLength = 3072"} <= set(text.split("\r\n"))
