# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Plans out of states: the right steps in the right order, and none where the rules or the state say so."""

from __future__ import annotations

import dataclasses as dc
import datetime as dt
import itertools
import types
import typing as t

import pytest
from ansible_collections.camsec.fleet.plugins.module_utils._camera import modules, planning
from ansible_collections.camsec.fleet.plugins.module_utils._camera.abilities import RSA_ALONE, Abilities, KeyKind
from ansible_collections.camsec.fleet.plugins.module_utils._camera.https import Https, WantedHttps
from ansible_collections.camsec.fleet.plugins.module_utils._camera.private_key import PrivateKey, WantedKey
from ansible_collections.camsec.fleet.plugins.module_utils._camera.resource import Limits
from ansible_collections.camsec.fleet.plugins.module_utils._camera.state import (
    CameraState,
    HttpsState,
    SubjectName,
    WantedCertificate,
)
from ansible_collections.camsec.fleet.plugins.module_utils._camera.whole import WantedCamera, WholeCamera
from ansible_collections.camsec.fleet.plugins.module_utils._core._call import Call
from ansible_collections.camsec.fleet.plugins.module_utils._core._errors import InputError, RuleError
from ansible_collections.camsec.fleet.plugins.module_utils._core._plan import Plan
from ansible_collections.camsec.fleet.plugins.module_utils._core._secret import Secret
from ansible_collections.camsec.fleet.plugins.module_utils._ipro.rules import RULES
from ansible_collections.camsec.fleet.plugins.module_utils._onvif.rules import RULES as ONVIF_RULES
from ansible_collections.camsec.fleet.plugins.module_utils._sunell.rules import RULES as SUNELL_RULES
from ansible_collections.camsec.fleet.plugins.module_utils._tls._certificate import CertificateFacts
from ansible_collections.camsec.fleet.plugins.module_utils._transport._connection import Trust
from cryptography import x509

from .conftest import DEVICE, KEY, NOW, OLDER_KEY, state, target

HTTPS = HttpsState(connection="https", https_port=443)
HTTP = HttpsState(connection="http", https_port=443)
SUBJECT = SubjectName(common_name=DEVICE)
WANTED = WantedCertificate(
    subject=SUBJECT,
    subject_alt_names=(f"IP:{DEVICE}",),
    lifetime_days=397,
    backdate_hours=24,
    renew_before_days=30,
    renew_share=None,
    passphrase=Secret("Siegel-Geheimnis-9"),
)
Make = t.Callable[..., CertificateFacts]


class OurCA:
    """Ends in a year, or when it is told to."""

    def __init__(self, days: float = 365, gone: t.Collection[str] = ()) -> None:
        self.gone = gone
        self.issuer_certificate: t.Any = types.SimpleNamespace(not_after=NOW + dt.timedelta(days=days))

    def issued_by_us(self, facts: CertificateFacts) -> bool:
        return facts.issuer_common_name == "Our CA"

    def revoked(self, facts: CertificateFacts) -> str:
        return f"The certificate was revoked ({facts.serial_number})." if facts.serial_number in self.gone else ""

    def subject_differs(self, facts: CertificateFacts, subject: SubjectName) -> bool:
        return not planning.subject_fits(x509.load_der_x509_certificate(facts.der).subject, subject)


def ids(steps: t.Iterable[t.Any]) -> list[str]:
    return [step.id for step in steps]


def whole(current: CameraState, *, https: HttpsState = HTTPS, key_size: int = 2048, **changes: t.Any) -> Plan:
    """The whole camera with an authority that is yet to be made: planning only."""
    key = KeyKind(type="rsa", size=key_size)
    wanted = WantedCamera(https=https, key=key, certificate=dc.replace(WANTED, **changes))
    return WholeCamera(wanted, target=target(trust=Trust()), limits=Limits(), drivers=()).plan(current)


# -- the whole camera ------------------------------------------------------------------------------------------------


def test_https_01_20_21_30_trust_comes_before_the_switch() -> None:
    plan = whole(state(key=None))
    assert ids(plan.steps) == ["generate_key", "make_request", "sign_request", "install_certificate", "set_https"]
    assert [step.rule for step in plan.steps] == ["HTTPS-03", "HTTPS-20", "HTTPS-21", "HTTPS-21", "HTTPS-30"]
    assert [step.disconnects for step in plan.steps] == [False, False, False, False, True]
    assert [impact.rule for impact in plan.impacts] == ["HTTPS-33"]
    assert plan.after["connection"] == "https"
    assert plan.after["ca_certificate"] == DEVICE


def test_https_24_an_expired_certificate_is_replaced_before_https_is_chosen_again() -> None:
    plan = whole(state(ca_certificate="expired"))
    assert ids(plan.steps) == ["make_request", "sign_request", "install_certificate", "set_https"]


def test_https_02_the_self_signed_certificate_of_an_old_key_goes_first() -> None:
    plan = whole(state(self_signed="valid", self_signed_name="x"), key_size=3072)
    assert ids(plan.steps)[:2] == ["delete_self_signed", "generate_key"]


def test_https_02_no_new_key_over_https() -> None:
    with pytest.raises(RuleError, match=r"set the connection to http, delete the CA certificate.*\[HTTPS-02\]"):
        whole(state(https=HTTPS, ca_certificate="valid"), key_size=4096)


def test_https_31_is_checked_before_the_steps_are_shown() -> None:
    with pytest.raises(RuleError, match=r"\[HTTPS-31\]"):
        whole(state(), https=HttpsState(connection="https", https_port=554))


def test_rec_21_a_model_without_tls_gets_no_certificate() -> None:
    with pytest.raises(RuleError, match=r"\[REC-21\]"):
        whole(state(tls_supported=False))


def test_no_passphrase_is_said_before_anything_is_sent() -> None:
    with pytest.raises(InputError, match=r"authority_passphrase: found none.*the camera has none that is valid"):
        whole(state(), passphrase=None)


def test_every_state_gives_a_legal_plan_or_a_refusal_with_a_rule(certificate: Make) -> None:
    """Whatever a camera is like: HTTPS is chosen last, and never without key and certificate."""
    refusals: set[str] = set()
    statuses = ("not_generated", "invalid", "expired", "valid")
    for key, own, ours, https, size, wanted in itertools.product(
        (None, KEY), ("not_generated", "invalid", "valid"), statuses, (HTTP, HTTPS), (2048, 4096), (HTTP, HTTPS)
    ):
        facts = certificate() if https == HTTPS else None
        current = state(key=key, self_signed=own, ca_certificate=ours, https=https, certificate=facts)
        try:
            plan = whole(current, key_size=size, https=wanted)
        except RuleError as error:
            refusals.add(error.rule)
            continue
        steps = ids(plan.steps)
        order = [
            "delete_self_signed", "generate_key", "make_request", "sign_request", "install_certificate", "set_https",
        ]  # fmt: skip
        assert steps == [step for step in order if step in steps]
        assert ("set_https" in steps) == (https != wanted)
        assert plan.after["private_key"] is not None
        assert plan.after["ca_certificate"] == DEVICE
    assert refusals == {"HTTPS-02"}


def test_a_ca_yet_to_be_made_is_one_warning_that_is_the_same_for_every_camera() -> None:
    plan = whole(state(key=None))
    other = whole(state(key=None, contact=state().contact))
    assert plan.warnings == other.warnings
    assert any("does not exist yet" in warning for warning in plan.warnings)
    assert not any(DEVICE in warning for warning in plan.warnings)


# -- why a certificate is replaced -----------------------------------------------------------------------------------


def fault(current: CameraState, known: CertificateFacts | None, **changes: t.Any) -> str:
    return planning.certificate_fault(current, known, dc.replace(WANTED, **changes), OurCA(), NOW)


def test_a_good_certificate_stays(certificate: Make) -> None:
    assert fault(state(ca_certificate="valid"), certificate()) == ""


@pytest.mark.parametrize("status", ["not_generated", "invalid", "expired"])
def test_https_22_a_certificate_that_is_not_valid_is_replaced(status: str, certificate: Make) -> None:
    assert status.replace("_", " ") in fault(state(ca_certificate=status), certificate())


def test_a_certificate_of_somebody_else_is_replaced(certificate: Make) -> None:
    foreign = dc.replace(certificate(), issuer_common_name="Another CA")
    assert "not issued by this" in fault(state(ca_certificate="valid"), foreign)
    assert "not issued by this" in fault(state(ca_certificate="valid"), None)


def test_a_certificate_that_was_revoked_is_replaced(certificate: Make) -> None:
    known = certificate()
    ca = OurCA(gone=[known.serial_number])
    found = planning.certificate_fault(state(ca_certificate="valid"), known, WANTED, ca, NOW)
    assert found == f"The certificate was revoked ({known.serial_number})."


def test_a_certificate_without_a_wanted_name_is_replaced(certificate: Make) -> None:
    names = (f"IP:{DEVICE}", "DNS:gate.example.org")
    assert "does not name gate.example.org" in fault(
        state(ca_certificate="valid"), certificate(), subject_alt_names=names
    )


def test_a_certificate_with_an_unwanted_name_is_replaced(certificate: Make) -> None:
    assert f"still names {DEVICE}" in fault(
        state(ca_certificate="valid"),
        certificate(),
        subject_alt_names=(),
        unwanted_names=("IP:192.0.2.99", f"IP:{DEVICE}"),
    )
    assert fault(state(ca_certificate="valid"), certificate(), unwanted_names=("IP:192.0.2.99",)) == ""


def test_a_certificate_with_another_subject_is_replaced(certificate: Make) -> None:
    subject = SubjectName(common_name=DEVICE, organization="Example")
    assert "another subject" in fault(state(ca_certificate="valid"), certificate(), subject=subject)


@pytest.mark.parametrize(("days", "due"), [(31, False), (29, True), (0.5, True), (-1, True)])
def test_a_certificate_is_renewed_before_it_expires(days: float, due: bool, certificate: Make) -> None:
    facts = certificate(not_after=NOW + dt.timedelta(days=days))
    assert bool(fault(state(ca_certificate="valid"), facts)) is due


def test_a_certificate_is_renewed_by_its_share(certificate: Make) -> None:
    facts = certificate(not_before=NOW - dt.timedelta(days=70), not_after=NOW + dt.timedelta(days=30, hours=1))
    assert fault(state(ca_certificate="valid"), facts) == ""
    assert "of its lifetime left" in fault(state(ca_certificate="valid"), facts, renew_share=0.33)


def test_a_renewal_that_would_gain_nothing_is_left_and_said(certificate: Make) -> None:
    facts = certificate(not_after=NOW + dt.timedelta(days=20))
    arguments = (facts, WANTED, OurCA(days=20), NOW)
    assert planning.certificate_fault(state(ca_certificate="valid"), *arguments) == ""
    assert "the authority ends on" in planning.renewal_warning(*arguments)
    assert planning.renewal_warning(certificate(), WANTED, OurCA(), NOW) == ""


# -- one setting -----------------------------------------------------------------------------------------------------


def key_plan(current: CameraState, **changes: t.Any) -> Plan:
    wanted = WantedKey(**{"kind": KeyKind(type="rsa", size=2048), "regenerate": "on_mismatch", **changes})
    return PrivateKey(wanted, target=target(), limits=Limits(), drivers=()).plan(current)


@pytest.mark.parametrize(
    ("present", "changes", "steps"),
    [
        (None, {"regenerate": "never"}, ["generate_key"]),
        (KEY, {"regenerate": "never", "kind": KeyKind(type="rsa", size=4096)}, []),
        (KEY, {"regenerate": "on_mismatch"}, []),
        (KEY, {"regenerate": "on_mismatch", "kind": KeyKind(type="rsa", size=4096)}, ["generate_key"]),
        (KEY, {"regenerate": "always"}, ["generate_key"]),
    ],
)
def test_https_03_when_a_key_is_generated(present: t.Any, changes: dict[str, t.Any], steps: list[str]) -> None:
    assert ids(key_plan(state(key=present), **changes).steps) == steps


def test_https_04_the_previous_key_takes_its_place_again() -> None:
    current = state(previous_key=OLDER_KEY)
    assert ids(key_plan(current, generated_at=KEY.generated_at).steps) == []
    plan = key_plan(current, generated_at=OLDER_KEY.generated_at)
    assert ids(plan.steps) == ["apply_previous_key"]
    assert plan.after["private_key"] == OLDER_KEY.shown()
    assert plan.after["previous_private_key"] == KEY.shown()


@pytest.mark.parametrize("previous", [None, OLDER_KEY])
def test_https_04_a_key_that_is_gone(previous: t.Any) -> None:
    with pytest.raises(RuleError, match=r"2020-01-01.*one previous key only.*\[HTTPS-04\]"):
        key_plan(state(previous_key=previous), generated_at="2020-01-01 00:00:00")


def test_https_02_the_previous_key_is_not_applied_under_a_certificate() -> None:
    with pytest.raises(RuleError, match=r"\[HTTPS-02\]"):
        key_plan(state(previous_key=OLDER_KEY, ca_certificate="valid"), generated_at=OLDER_KEY.generated_at)


def https_plan(current: CameraState, wanted: HttpsState, **changes: t.Any) -> Plan:
    return Https(WantedHttps(https=wanted), target=target(**changes), limits=Limits(), drivers=()).plan(current)


def test_https_30_nothing_to_verify_the_new_endpoint_by() -> None:
    with pytest.raises(InputError, match=r"trust: found no ca_path and no spki_sha256"):
        https_plan(state(self_signed="valid"), HTTPS, trust=Trust())
    assert https_plan(state(self_signed="valid"), HTTPS, trust=Trust(), first_contact="any_certificate")


def test_https_31_a_port_kept_for_later_does_not_disconnect() -> None:
    plan = https_plan(state(), HttpsState(connection="http", https_port=9443))
    assert [(step.rule, step.disconnects) for step in plan.steps] == [("HTTPS-31", False)]
    assert plan.steps[0].title == "Keep port 9443 for HTTPS"


def test_rec_21_a_model_without_tls_stays_in_http() -> None:
    without = state(tls_supported=False, https=HttpsState(connection="http", https_port=0))
    assert not https_plan(without, HTTP)
    with pytest.raises(RuleError, match=r"\[REC-21\]"):
        https_plan(without, HTTPS)


def test_https_33_only_the_switch_to_https_has_the_impact() -> None:
    back = https_plan(state(https=HTTPS, ca_certificate="valid"), HTTP)
    assert back.impacts == ()
    assert [step.title for step in back.steps] == ["Answer in HTTP only, port 80"]


@pytest.mark.parametrize(
    ("trust", "words"), [("plain_http", "plain HTTP"), ("any_certificate", "unverified certificate")]
)
def test_a_weak_contact_is_warned_of_without_the_cameras_name(trust: str, words: str) -> None:
    current = state(trust=trust, self_signed="valid")
    changes = https_plan(current, HTTPS)
    assert [words in warning for warning in changes.warnings] == [True]
    assert DEVICE not in changes.warnings[0]
    assert https_plan(current, HTTP).warnings == ()


def test_a_verified_contact_is_not_warned_of() -> None:
    assert https_plan(state(trust="certificate_authority", self_signed="valid"), HTTPS).warnings == ()


# -- options ---------------------------------------------------------------------------------------------------------


def test_ipv6_common_name_is_written_in_brackets_https_10() -> None:
    params = {
        "common_name": None, "country": "", "state_or_province": "", "locality": "", "organization": "",
        "organizational_unit": "",
    }  # fmt: skip
    assert modules._subject({**params, "host": "2001:db8::1"}).common_name == "[2001:db8::1]"
    assert modules._subject({**params, "host": "2001:db8::1", "common_name": "gate"}).common_name == "gate"


@pytest.mark.parametrize("port", [0, 80, 8080, 554, 70000])
def test_https_31_is_refused_before_the_camera_is_asked(port: int) -> None:
    params = {
        "host": DEVICE, "http_port": 8080, "https_port": port, "former_https_port": None, "username": "admin",
        "password": "x", "ca_path": None, "spki_sha256": [], "first_contact": "refuse", "timeout": 1.0,
        "key_timeout": 1.0, "switch_timeout": 1.0, "connection": "https", "driver": "ipro", "serial_number": "",
        "tls_versions": [],
    }  # fmt: skip
    with pytest.raises(RuleError, match=r"\[HTTPS-31\]"):
        modules.https(Call(params=params, check_mode=False))


# -- what one camera can do and another cannot -----------------------------------------------------------------------


P256 = KeyKind(type="ecdsa", size=256)
ONVIF = state(
    rules=ONVIF_RULES,
    abilities=Abilities(key_kinds=(KeyKind(type="rsa", size=2048), P256), tls_versions=("1.0", "1.2", "1.3")),
)


@pytest.mark.parametrize(
    ("current", "kind", "rule"),
    [
        (state(key=None), P256, r"found a wish for ECDSA on P-256, expected RSA of 2048 bits.*HTTPS-03"),
        (
            ONVIF,
            KeyKind(type="ecdsa", size=521),
            r"on P-521, expected RSA of 2048 bits, ECDSA on P-256.*CreateRSAKeyPair",
        ),
        (state(rules=SUNELL_RULES, key=None), P256, r"\[CAM-20\]"),
    ],
)
def test_a_key_that_a_camera_cannot_make(current: CameraState, kind: KeyKind, rule: str) -> None:
    with pytest.raises(RuleError, match=rule):
        planning.plan_key(current, kind)


def test_another_type_is_another_key() -> None:
    steps, after = planning.plan_key(ONVIF, P256)
    assert ids(steps) == ["generate_key"]
    assert after.key is not None
    assert after.key.shown() == {"type": "ecdsa", "size": 256, "generated_at": "by this run", "external": False}
    assert planning.plan_key(after, P256)[0] == []


@pytest.mark.parametrize(
    ("size", "kind"), [(None, 2048), (3072, 3072), (256, "256, expected 2048, 3072, 4096 for a key of the type rsa")]
)
def test_the_size_of_a_key_fits_its_type(size: int | None, kind: int | str) -> None:
    if isinstance(kind, int):
        assert KeyKind.of("rsa", size, device=DEVICE, subject="size") == KeyKind(type="rsa", size=kind)
        return
    with pytest.raises(InputError, match=kind):
        KeyKind.of("rsa", size, device=DEVICE, subject="size")


def test_tls_versions_that_we_could_not_use_or_the_camera_does_not_have() -> None:
    with pytest.raises(RuleError, match=r"found 1.0 alone, by which .* expected 1.2 or 1.3 among them.*SetEnabledTLS"):
        planning.plan_tls_versions(ONVIF, ["1.0"])
    with pytest.raises(RuleError, match=r"found 1.1, which this camera cannot enable, expected some of 1.0, 1.2, 1.3"):
        planning.plan_tls_versions(ONVIF, ["1.1", "1.2"])
    with pytest.raises(RuleError, match=r"\[tas:TLSServerSupported\]"):
        planning.plan_tls_versions(dc.replace(ONVIF, tls_supported=False), ["1.2"])


def test_tls_versions_are_set_once_and_old_ones_are_warned_of() -> None:
    assert planning.plan_tls_versions(ONVIF, []) == ([], ONVIF)
    steps, after = planning.plan_tls_versions(dc.replace(ONVIF, tls_versions=("1.2",)), ["1.2", "1.0"])
    assert [step.title for step in steps] == ["Enable TLS 1.0, 1.2 and no other version"]
    assert planning.plan_tls_versions(after, ["1.0", "1.2"])[0] == []
    assert "deprecated (RFC 8996)" in planning.make_plan(ONVIF, after, steps).warnings[-1]
    assert planning.make_plan(after, after, []).warnings == ()


@pytest.mark.parametrize(("rules", "rule"), [(RULES, "HTTPS-30"), (SUNELL_RULES, "CAM-26")])
def test_a_dialect_without_a_call_for_tls_versions_says_so(rules: t.Any, rule: str) -> None:
    with pytest.raises(RuleError, match=rf"for which no public call chooses TLS versions.*\[{rule}\]"):
        rules.check_possible(DEVICE, [planning.tls_versions_step(rules, ["1.2"])])


def test_a_private_key_from_outside_never_goes_over_plain_http_nor_to_who_cannot_take_it() -> None:
    takes = dc.replace(ONVIF, abilities=dc.replace(RSA_ALONE, foreign_keys=frozenset({"rsa"})))
    with pytest.raises(RuleError, match=r"found a connection in plain HTTP, over which whoever listens"):
        takes.rules.check_foreign_key(DEVICE, takes, "rsa")
    over_https = dc.replace(takes, peer=t.cast("t.Any", object()))
    takes.rules.check_foreign_key(DEVICE, over_https, "rsa")
    with pytest.raises(RuleError, match=r"found a key of the type ecdsa, expected a key of the type rsa"):
        takes.rules.check_foreign_key(DEVICE, over_https, "ecdsa")
    with pytest.raises(RuleError, match=r"expected none, since this camera takes none"):
        RULES.check_foreign_key(DEVICE, state(), "rsa")
