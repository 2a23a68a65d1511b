# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Findings, forecast, and what stops: pure, on certificates that only exist as facts or that openssl made."""

from __future__ import annotations

import dataclasses as dc
import datetime as dt
import pathlib
import typing as t

import pytest
from ansible_collections.camsec.fleet.plugins.module_utils._core._errors import InputError
from ansible_collections.camsec.fleet.plugins.module_utils._pki._authority import CertificateAuthority
from ansible_collections.camsec.fleet.plugins.module_utils._pki._findings import SEVERITIES, Finding, Limits, find
from ansible_collections.camsec.fleet.plugins.module_utils._pki._forecast import (
    Forecast,
    check_windows,
    forecast,
    renew_window,
)
from ansible_collections.camsec.fleet.plugins.module_utils._pki._seen import (
    Fleet,
    Issue,
    KnownAuthority,
    Seen,
    signed_by,
)
from ansible_collections.camsec.fleet.plugins.module_utils._pki._stopping import Card, Stop, stopping
from ansible_collections.camsec.fleet.plugins.module_utils._tls._certificate import CertificateFacts
from hypothesis import given
from hypothesis import strategies as st

from .conftest import PASSPHRASE, openssl

NOW = dt.datetime(2026, 6, 1, 12, tzinfo=dt.UTC)
DAY = dt.timedelta(days=1)
Change = dict[str, t.Any]


def facts(name: str = "1", *, begin: float = -10, end: float = 387, **changes: t.Any) -> CertificateFacts:
    """A certificate of the authority; begin and end in days from now."""
    plain: dict[str, t.Any] = {
        "subject": "CN=192.0.2.11",
        "subject_common_name": "192.0.2.11",
        "issuer": "CN=Root",
        "issuer_common_name": "Root",
        "serial_number": f"a{name}",
        "not_before": NOW + begin * DAY,
        "not_after": NOW + end * DAY,
        "sha256": f"hash-{name}",
        "spki_sha256": f"key-{name}",
        "subject_alt_names": ("IP:192.0.2.11",),
        "key_type": "rsa",
        "key_size": 2048,
    }
    return CertificateFacts(**{**plain, **changes})


def issue(name: str = "1", *, device: str = "cam", at: float = -10, end: float = 387, revoked: str = "") -> Issue:
    return Issue(
        serial_number=f"a{name}",
        device=device,
        sha256=f"hash-{name}",
        spki_sha256=f"key-{name}",
        not_after=NOW + end * DAY,
        issued_at=NOW + at * DAY,
        revoked=revoked,
    )


ROOT = facts("root", begin=-100, end=3000, subject="CN=Root", is_ca=True)


def authority(*issued: Issue, root: CertificateFacts = ROOT, **more: t.Any) -> KnownAuthority:
    return KnownAuthority(name="/ca", root=root, issued=issued, **more)


def seen(certificate: CertificateFacts | None = None, **changes: t.Any) -> Seen:
    plain: dict[str, t.Any] = {
        "device": "cam",
        "address": "192.0.2.11",
        "dialect": "ipro",
        "certificate": certificate,
        "scheme": "https" if certificate else "",
        "verified": True if certificate else None,
        "status": "valid" if certificate else "",
    }
    return Seen(**{**plain, **changes})


def fleet(*devices: Seen, authorities: t.Sequence[KnownAuthority] = (authority(issue()),), **more: t.Any) -> Fleet:
    return Fleet(devices=devices, authorities=tuple(authorities), now=NOW, **more)


def kinds(found: t.Iterable[Finding]) -> dict[str, Finding]:
    return {one.kind: one for one in found}


def test_a_device_in_order_has_no_finding() -> None:
    assert find(fleet(seen(facts())), Limits()) == ()


OTHER = {"issuer": "CN=Somebody"}
CASES: list[tuple[str, str, Change, Change, str, str]] = [
    # kind, severity, changes of the certificate, changes of what was seen, words of what was found, rule
    ("expired", "error", {"end": -1}, {}, "expired on 2026-05-31T12:00:00Z", "HTTPS-24"),
    ("expired", "error", {"end": -1}, {"dialect": "sunell"}, "expired on", "CAM-15"),
    ("expired", "error", {"end": -1}, {"dialect": "onvif"}, "expired on", ""),
    ("expired", "error", {}, {"clock_offset": 400 * DAY}, "expired by the device's clock, which says 2027", "HTTPS-24"),
    ("not_yet_valid", "error", {"begin": 1}, {}, "not valid before 2026-06-02T12:00:00Z", ""),
    ("not_yet_valid", "error", {}, {"clock_offset": -3650 * DAY}, "not yet valid by the device's clock", ""),
    ("not_yet_valid", "error", {}, {"clock_offset": -20 * DAY, "dialect": "sunell"}, "by the device's clock", "CAM-15"),
    ("renewal_due", "note", {"begin": -370, "end": 20}, {}, "20.0 days left", ""),
    ("renewal_overdue", "warning", {"begin": -380, "end": 14.9}, {}, "14.9 days left", ""),
    ("address_not_in_certificate", "error", {}, {"address": "192.0.2.99"}, "IP:192.0.2.11", ""),
    ("address_not_in_certificate", "error", {}, {"address": "192.0.2.99", "dialect": "sunell"}, "IP:", "CAM-15"),
    ("address_not_in_certificate", "error", OTHER, {"address": "192.0.2.9", "built_in": True}, "IP:", "CAM-03"),
    ("address_not_in_certificate", "error", {"subject_alt_names": ()}, {}, "no subject alternative name", ""),
    ("weak_key", "error", {"key_size": 1024}, {}, "an RSA key of 1024 bits", ""),
    ("long_lifetime", "note", {"end": 3650}, {}, "valid for 3660 days", ""),
    ("built_in_authority", "warning", OTHER, {"built_in": True}, "built into the firmware", "CAM-02"),
    ("self_signed", "warning", {"issuer": "CN=192.0.2.11"}, {}, "self-signed by CN=192.0.2.11", ""),
    ("other_issuer", "note", OTHER, {}, "issued by CN=Somebody, verified", ""),
    ("unknown_issuer", "error", OTHER, {"verified": False}, "issued by CN=Somebody", ""),
    ("unknown_issuer", "error", {"issuer": ""}, {"verified": False}, "an issuer without a name", ""),
    ("unknown_issuer", "error", OTHER, {"dialect": "recorder", "verified": False}, "not verified", ""),
    ("chain_incomplete", "note", {}, {"chain_complete": False}, "without the intermediate", "HTTPS-25"),
    ("chain_incomplete", "warning", {}, {"chain_complete": False, "dialect": "onvif"}, "without the intermediate", ""),
]


@pytest.mark.parametrize("case", CASES)
def test_one_thing_is_wrong(case: tuple[str, str, Change, Change, str, str]) -> None:
    kind, severity, certificate, device, words, rule = case
    ours = certificate.get("issuer", "CN=Root") == "CN=Root"
    shown = facts(**certificate)
    known = authority(*([issue()] if ours else []))
    found = find(fleet(seen(shown, **device), authorities=[known]), Limits())
    one = kinds(found)[kind]
    assert (one.severity, one.device, one.rule) == (severity, "cam", rule)
    assert words in one.found
    assert one.text.startswith(f"{severity}: cam: {one.subject}: found ")
    assert one.text.endswith(f"[{rule}]" if rule else ".")
    assert set(one.shown()) == {"kind", "severity", "device", "subject", "found", "expected", "advice", "rule"}


def test_nothing_else_is_found_with_it() -> None:
    for case in CASES:
        kind, certificate, device = case[0], case[2], case[3]
        ours = "issuer" not in certificate
        known = authority(*([issue()] if ours else []))
        told = set(kinds(find(fleet(seen(facts(**certificate), **device), authorities=[known]), Limits())))
        also = {"built_in_authority"} if device.get("built_in") else set()
        also |= {"other_issuer"} if certificate == OTHER else set()
        assert told <= {kind} | also, (kind, told)


def test_recorders_make_their_own_certificates() -> None:
    own = facts(issuer="CN=WJ-NX400K root", end=3650)
    assert find(fleet(seen(own, dialect="recorder"), authorities=[]), Limits()) == ()


# -- the ledger


def _told(shown: CertificateFacts | None, *issued: Issue, **changes: t.Any) -> dict[str, Finding]:
    return kinds(find(fleet(seen(shown, **changes), authorities=[authority(*issued)]), Limits()))


def test_superseded_when_the_ledger_knows_a_newer_one() -> None:
    found = _told(facts(), issue("1"), issue("2", at=-1))
    assert set(found) == {"superseded"}
    assert (found["superseded"].severity, found["superseded"].rule) == ("warning", "")
    assert found["superseded"].expected == "a2, issued on 2026-05-31T12:00:00Z"
    assert _told(facts(), issue("1"), issue("2", at=-1), dialect="sunell")["superseded"].rule == "CAM-23"
    assert _told(facts(), issue("1", device="192.0.2.11"), issue("2", at=-1)).keys() == {"superseded"}
    assert _told(facts(), issue("1"), issue("2", at=-1, device="other")) == {}
    assert _told(facts(), issue("1"), issue("2", at=-1, revoked="superseded")) == {}


def test_revoked() -> None:
    found = _told(facts(), issue("1", revoked="key_compromise"))
    assert set(found) == {"revoked"}
    assert found["revoked"].found == "a1, which was revoked (key_compromise)"


@pytest.mark.parametrize(("dialect", "rule"), [("sunell", "CAM-24"), ("onvif", "")])
def test_a_device_that_was_reset_shows_another(dialect: str, rule: str) -> None:
    other = facts("9", issuer="CN=Built-in")
    found = _told(other, issue("1"), dialect=dialect, built_in=dialect == "sunell", verified=False)
    assert found["certificate_lost"].rule == rule
    assert found["certificate_lost"].expected == "a1, which we issued to it on 2026-05-22T12:00:00Z"
    assert "certificate_lost" not in _told(other, issue("1", end=-1), dialect=dialect, verified=False)


def test_a_device_that_was_reset_to_plain_http() -> None:
    found = _told(None, issue("1"), dialect="onvif", scheme="http", status="not_generated")
    assert set(found) == {"answers_in_the_clear", "certificate_lost"}
    assert set(_told(None, issue("1"), scheme="http", status="valid", wanted="http")) == set()


def test_signed_by_us_but_in_no_ledger(tmp_path: pathlib.Path) -> None:
    made = CertificateAuthority.create(tmp_path / "ca", passphrase=PASSPHRASE, common_name="Root", key_type="ecdsa")
    dummy, issued = made.issue_with_new_key(
        passphrase=PASSPHRASE, device="cam", subject_alt_names=["192.0.2.11"], key_type="ecdsa"
    )
    assert signed_by(issued.facts, made.root_certificate)
    forged = dc.replace(issued.facts, der=made.root_certificate.der)
    assert not signed_by(dc.replace(forged, issuer="CN=Other"), made.root_certificate)
    known = KnownAuthority(name="/ca", root=made.root_certificate)
    here = Fleet(devices=(seen(issued.facts),), authorities=(known,), now=dt.datetime.now(dt.UTC))
    assert set(kinds(find(here, Limits()))) == {"not_in_ledger"}


# -- in the clear


CLEAR: list[tuple[Change, str, str, str]] = [
    ({"scheme": "http", "status": "expired"}, "plain HTTP since its certificate expired by its own clock", "HTTPS-24",
     "answers_in_the_clear"),
    ({"scheme": "http", "status": "expired", "dialect": "onvif"}, "plain HTTP since its", "", "answers_in_the_clear"),
    ({"scheme": "http", "dialect": "sunell"}, "plain HTTP since its certificate expired on", "CAM-15",
     "answers_in_the_clear"),
    ({"scheme": "http"}, "plain HTTP since its certificate expired on 2026-05-31T12:00:00Z by the ledger", "HTTPS-24",
     "answers_in_the_clear"),
    ({"problem": "no answer"}, "a certificate that expired on 2026-05-31T12:00:00Z by the ledger", "HTTPS-24",
     "expired"),
]  # fmt: skip


@pytest.mark.parametrize(("device", "words", "rule", "kind"), CLEAR)
def test_those_that_are_in_the_clear_already(device: Change, words: str, rule: str, kind: str) -> None:
    one = _told(None, issue("1", end=-1), **device)[kind]
    assert one.found.startswith(words)
    assert (one.severity, one.rule) == ("error", rule)
    assert "camsec_first_contact=plain_http" in one.advice


def test_a_clock_that_is_wrong_is_set_first() -> None:
    one = _told(None, issue(), scheme="http", dialect="sunell", clock_offset=400 * DAY)["answers_in_the_clear"]
    assert one.found.endswith("expired on 2027-06-23T12:00:00Z by its own clock and the ledger")
    assert one.advice.startswith("By this host's clock it has not expired: set the device's clock first. Run ")


def test_plain_http_that_is_wanted_is_no_finding() -> None:
    assert _told(None, scheme="http", wanted="http") == {}
    assert set(_told(None, scheme="http")) == {"answers_in_the_clear"}


def test_a_device_that_cannot_be_read() -> None:
    found = _told(None, problem="cam: contact: found no answer.")
    assert found["unread"].text == (
        "error: cam: contact: found cam: contact: found no answer, expected a device that can be read."
    )


# -- several devices


def _pair(first: CertificateFacts, second: CertificateFacts, where: str = "192.0.2.12") -> list[Finding]:
    devices = (seen(first, device="a"), seen(second, device="b", address=where))
    known = authority(*(issue(str(n), device="x") for n in (1, 2)))
    return [one for one in find(fleet(*devices, authorities=[known]), Limits()) if one.rule == "CAM-25"]


BOTH = ("IP:192.0.2.11", "IP:192.0.2.12")


def test_a_shared_certificate_is_in_order_only_with_all_addresses() -> None:
    allowed = _pair(facts(subject_alt_names=BOTH), facts(subject_alt_names=BOTH))
    assert [(one.kind, one.severity) for one in allowed] == [("certificate_shared", "note")] * 2
    wrong = _pair(facts(), facts())
    assert [(one.kind, one.severity, one.device) for one in wrong] == [
        ("certificate_shared", "error", "a"),
        ("certificate_shared", "error", "b"),
    ]
    assert "without 192.0.2.12" in wrong[0].found


def test_a_shared_key_with_two_certificates() -> None:
    found = _pair(facts("1"), facts("2", spki_sha256="key-1", subject_alt_names=("IP:192.0.2.12",)))
    assert [(one.kind, one.severity, one.found) for one in found] == [
        ("key_shared", "error", "the one that b has too"),
        ("key_shared", "error", "the one that a has too"),
    ]


def test_what_is_not_shared() -> None:
    assert _pair(facts("1"), facts("2")) == []
    assert _pair(facts("1"), facts("1"), where="192.0.2.11") == []  # one device under two names


# -- weak signatures, by openssl


@pytest.mark.parametrize(("digest", "weak"), [("-sha1", "SHA-1"), ("-md5", "MD5"), ("-sha256", "")])
def test_weak_signatures(tmp_path: pathlib.Path, digest: str, weak: str) -> None:
    path = tmp_path / "cert.pem"
    openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", tmp_path / "key", "-out", path, digest,
            "-subj", "/CN=cam", "-addext", "subjectAltName=IP:192.0.2.11", "-days", "300")  # fmt: skip
    shown = CertificateFacts.from_pem(path.read_text())
    here = Fleet(devices=(seen(shown),), now=dt.datetime.now(dt.UTC))
    found = kinds(find(here, Limits()))
    assert ("weak_signature" in found) == bool(weak)
    assert set(found) <= {"weak_signature", "self_signed"}
    if weak:
        assert found["weak_signature"].found == f"a signature with {weak}"


# -- authorities


@pytest.mark.parametrize(("end", "kind"), [(-1, "expired"), (300, "authority_ends"), (500, "")])
def test_the_authority_itself(end: float, kind: str) -> None:
    known = authority(root=dc.replace(ROOT, not_after=NOW + end * DAY))
    assert [one.kind for one in find(fleet(authorities=[known]), Limits())] == ([kind] if kind else [])


def test_an_authority_that_cannot_be_read() -> None:
    (found,) = find(fleet(authorities=[], unread=(("/old", "/old: certificate authority: found none."),)), Limits())
    assert (found.kind, found.severity, found.device) == ("unread", "error", "/old")


def test_the_earlier_end_counts() -> None:
    below = facts("i", end=100, subject="CN=Issuer")
    known = authority(issue(), intermediate=below)
    assert known.issuer is below
    assert known.ends == below.not_after
    (told,) = forecast(fleet(seen(facts(), dialect="onvif"), authorities=[known]), Limits())
    assert told.at == below.not_after
    assert told.text == "Clients refuse it from 2026-09-09T12:00:00Z, when its authority ends."
    gone = authority(issue(), root=dc.replace(ROOT, not_after=NOW - DAY))
    (told,) = forecast(fleet(seen(facts(), dialect="onvif"), authorities=[gone]), Limits())
    assert told.at is None


# -- order


names = st.sampled_from(["a", "b", "c", "d"])
devices = st.lists(
    st.builds(
        lambda device, end, size, scheme: seen(
            None if scheme == "http" else facts(end=end, key_size=size), device=device, scheme=scheme
        ),
        names,
        st.integers(-5, 60),
        st.sampled_from([1024, 2048]),
        st.sampled_from(["http", "https"]),
    ),
    max_size=6,
)


@given(devices, st.randoms())
def test_the_order_does_not_depend_on_that_of_the_inventory(made: list[Seen], random: t.Any) -> None:
    found = find(fleet(*made), Limits())
    shuffled = list(made)
    random.shuffle(shuffled)
    assert sorted(one.text for one in find(fleet(*shuffled), Limits())) == sorted(one.text for one in found)
    order = [(SEVERITIES.index(one.severity), one.device, one.kind, one.text) for one in found]
    assert order == sorted(order)
    assert len(forecast(fleet(*made), Limits())) == len(made)


# -- forecast


def _forecast(shown: CertificateFacts | None, **changes: t.Any) -> Forecast:
    (one,) = forecast(fleet(seen(shown, **changes)), Limits())
    return one


END = "2027-06-23T12:00:00Z"
FORECASTS: list[tuple[Change, Change, str, str, str, str]] = [
    # certificate, device, kind, renewal, sentence, rule
    ({}, {}, "answers_in_the_clear", "not_due",
     f"HTTPS ends on {END}; it answers in the clear after its first restart past that.", "HTTPS-24"),
    ({}, {"clock_offset": 10 * DAY}, "answers_in_the_clear", "not_due",
     "HTTPS ends on 2027-06-13T12:00:00Z; it answers", "HTTPS-24"),
    ({"end": -1}, {}, "answers_in_the_clear", "overdue", "Its certificate has expired: it answers in the clear after",
     "HTTPS-24"),
    ({"end": 20}, {}, "answers_in_the_clear", "due", "HTTPS ends on 2026-06-21T12:00:00Z", "HTTPS-24"),
    ({"end": 5}, {"dialect": "onvif"}, "clients_refuse", "overdue", "Clients refuse it from 2026-06-06T12:00:00Z.", ""),
    ({}, {"dialect": "onvif", "clock_offset": 10 * DAY}, "clients_refuse", "not_due", f"Clients refuse it from {END}.",
     ""),
    ({}, {"dialect": "sunell"}, "clients_refuse", "not_due", f"Clients refuse it from {END}.", "CAM-15"),
    ({"end": -1}, {"dialect": "sunell"}, "clients_refuse", "overdue", "Clients refuse it since 2026-05-31", "CAM-15"),
    ({}, {"dialect": "recorder"}, "clients_refuse", "not_due", f"Clients refuse it from {END}.", ""),
]  # fmt: skip


@pytest.mark.parametrize("case", FORECASTS)
def test_forecasts(case: tuple[Change, Change, str, str, str, str]) -> None:
    certificate, device, kind, renewal, text, rule = case
    one = _forecast(facts(**certificate), **device)
    assert (one.kind, one.renewal, one.rule) == (kind, renewal, rule)
    assert one.text.startswith(text)
    shown = one.shown()
    assert shown["at"] is None or shown["at"].endswith("Z")
    assert (one.at is None) == (certificate.get("end", 387) < 0)


@pytest.mark.parametrize(
    ("device", "kind", "text", "rule"),
    [
        ({"scheme": "http", "status": "expired"}, "answers_in_the_clear", "It answers in the clear already, since",
         "HTTPS-24"),
        ({"scheme": "http", "status": "expired", "dialect": "sunell"}, "answers_in_the_clear", "It answers", ""),
        ({"scheme": "http"}, "answers_in_the_clear", "It answers in the clear already. Run", ""),
        ({"scheme": "http", "wanted": "http"}, "answers_in_the_clear", "It answers in the clear, as the inventory", ""),
        ({"problem": "off"}, "unknown", "Nothing is known of its certificate", ""),
    ],
)  # fmt: skip
def test_forecasts_without_a_certificate(device: Change, kind: str, text: str, rule: str) -> None:
    one = _forecast(None, **device)
    assert (one.kind, one.at, one.rule) == (kind, None, rule)
    assert one.text.startswith(text)


def test_the_earliest_comes_first_and_the_unknown_last() -> None:
    made = [
        seen(None, device="off", problem="off"),
        seen(facts(end=300), device="late"),
        seen(facts(end=3), device="soon"),
        seen(None, device="clear", scheme="http"),
    ]
    assert [one.device for one in forecast(fleet(*made), Limits())] == ["clear", "soon", "late", "off"]


# -- windows


@pytest.mark.parametrize(
    ("before", "share", "lifetime", "days"), [(30, None, 397, 30), (30, 0.5, 100, 50), (30, 0.1, 100, 30)]
)
def test_renew_window(before: float, share: float | None, lifetime: float, days: float) -> None:
    assert renew_window(before, share, lifetime * DAY) == days * DAY


def test_the_warning_comes_after_the_renewal() -> None:
    here = [seen(facts(), renew_window=20 * DAY)]
    check_windows(here, Limits())
    check_windows(here, Limits(warn_before=19.9 * DAY))
    for wrong in (20, 25, -1):
        with pytest.raises(InputError, match="cam: warn_before: found") as caught:
            check_windows(here, Limits(warn_before=wrong * DAY))
        assert "fewer than the 20 days of the renewal window, so that a warning means" in caught.value.message
    assert Limits().warn_window(here[0]) == 10 * DAY


@given(st.floats(0, 400), st.floats(0, 400), st.floats(0, 400))
def test_a_warning_is_never_before_the_window(left: float, before: float, warn: float) -> None:
    one = seen(facts(end=left), renew_window=before * DAY)
    limits = Limits(warn_before=warn * DAY)
    try:
        check_windows([one], limits)
    except InputError:
        assert warn * DAY >= before * DAY
        return
    told = kinds(find(fleet(one), limits))
    assert not ({"renewal_due", "renewal_overdue"} <= set(told))
    if "renewal_overdue" in told:
        assert one.certificate is not None
        assert one.certificate.not_after - NOW < before * DAY


# -- what stops


def _stops(of: str, *made: Seen, cards: t.Sequence[Card] = (), **more: t.Any) -> tuple[Stop, ...]:
    return stopping(fleet(*made, **more), cards, of)


def test_what_stops_with_the_root() -> None:
    made = (
        seen(facts(), recorder="rec"),
        seen(facts("9", issuer="CN=Other"), device="foreign"),
        seen(facts("8", issuer="CN=R"), device="rec", dialect="recorder", trusted=frozenset({"hash-root", "x"})),
    )
    later, sooner = NOW + 5000 * DAY, NOW + 10 * DAY
    cards = [
        Card(name="A", anchors={"hash-root": ROOT.not_after}),
        Card(name="B", anchors={"hash-root": ROOT.not_after, "other": later}),
        Card(name="C", anchors={"hash-root": ROOT.not_after, "old": sooner}),
        Card(name="D", anchors={"other": later}),
    ]
    for of in ("root", "aroot", "hash-root"):
        found = _stops(of, *made, cards=cards)
        assert [(one.kind, one.name) for one in found] == [
            ("device", "cam"),
            ("recorder", "rec"),
            ("card", "A"),
            ("card", "B"),
            ("card", "C"),
            ("client", "clients that trust CN=Root"),
        ]
        assert "1 of its cameras" in found[1].text
        assert [one.text for one in found[2:5]] == [
            "It holds no other root.",
            "It goes on only with servers of another root on it.",
            "It holds no other root.",
        ]
        assert {one.shown()["at"] for one in found} == {"2034-08-18T12:00:00Z"}


def test_what_stops_with_the_intermediate() -> None:
    below = facts("i", end=1000, subject="CN=Issuer")
    found = _stops("intermediate", seen(facts()), authorities=[authority(issue(), intermediate=below)])
    assert [(one.kind, one.name) for one in found] == [("device", "cam"), ("client", "clients that trust CN=Issuer")]
    with pytest.raises(InputError, match="root, intermediate, or the serial number"):
        _stops("intermediate", seen(facts()))


@pytest.mark.parametrize("of", ["a1", "00:A1", "hash-1"])
@pytest.mark.parametrize(("dialect", "rule"), [("ipro", "HTTPS-24"), ("onvif", "")])
def test_what_stops_with_a_device_s_own(of: str, dialect: str, rule: str) -> None:
    found = _stops(of, seen(facts(), recorder="rec", dialect=dialect))
    assert [(one.kind, one.name, one.rule) for one in found] == [
        ("device", "cam", rule),
        ("recorder", "rec", "REC-22"),
        ("client", "clients of cam", ""),
    ]


def test_a_certificate_that_nobody_shows() -> None:
    assert _stops("a2", seen(facts()), authorities=[authority(issue("1"), issue("2"))]) == ()
    with pytest.raises(InputError, match="stopping: found 'a3'"):
        _stops("a3", seen(facts()))
