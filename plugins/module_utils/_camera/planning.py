# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Pure planning: from a state to the steps that change one thing of it.

Each function returns the steps and the state that the camera is in after them, so that the next function plans on.
"""

from __future__ import annotations

import dataclasses as dc
import datetime as dt
import typing as t

from .._core._plan import Impact, Plan, Step
from .._pki._renewal import pointless_renewal, renewal_due, renewal_is_pointless
from .._thirdparty import oid, x509
from .._tls._certificate import CertificateFacts
from .abilities import OUR_TLS_VERSIONS, KeyKind
from .rules import CameraRules
from .state import CameraState, HttpsState, KeyFacts, SubjectName, WantedCertificate

__all__ = [
    "Issuer",
    "after_new_key",
    "certificate_fault",
    "generate_key_step",
    "make_plan",
    "plan_https",
    "plan_issued_certificate",
    "plan_key",
    "plan_tls_versions",
    "renewal_warning",
    "subject_fits",
    "tls_versions_step",
]

_PENDING = "by this run"
_WINDOW = (
    "While the key is changed, for about three minutes, the camera answers in plain HTTP: its recorder and other"
    " clients do not see it over HTTPS, and whoever listens sees what it sends."
)
_OLD_TLS = "TLS 1.0 and 1.1 are enabled; both are deprecated (RFC 8996)."
#: Without the device's name: Ansible shows equal warnings once, and a fleet has thousands of cameras.
_CONTACT_WARNINGS = {
    "plain_http": "Settings were changed over plain HTTP, as first_contact allows.",
    "any_certificate": "Settings were changed over HTTPS with an unverified certificate, as first_contact allows.",
}


class Issuer(t.Protocol):
    """What planning has to know of the certificate authority."""

    @property
    def issuer_certificate(self) -> CertificateFacts:
        """The certificate that signs."""

    def issued_by_us(self, facts: CertificateFacts) -> bool:
        """Whether the certificate is one of this CA's."""

    def revoked(self, facts: CertificateFacts) -> str:
        """Why it is no longer to be trusted; empty when it was not revoked."""

    def subject_differs(self, facts: CertificateFacts, subject: SubjectName) -> bool:
        """Whether a certificate of this CA has another subject than it would write now."""


def make_plan(state: CameraState, after: CameraState, steps: t.Sequence[Step]) -> Plan:
    """A plan from its parts; the switch to HTTPS brings its impact.

    Args:
        state: Present state.
        after: State after the steps.
        steps: The steps.

    Returns:
        The plan.

    Raises:
        RuleError: A step has no call in the camera's dialect.
    """
    state.rules.check_possible(state.contact.session.device, steps)
    window = any(step.id == "open_http_window" for step in steps)
    switched = after.https.connection == "https" and state.https.connection == "http"
    warning = _CONTACT_WARNINGS.get(state.contact.trust)
    old = set(after.tls_versions) - set(OUR_TLS_VERSIONS)
    return Plan(
        before=state.shown(),
        after=after.shown(),
        steps=tuple(steps),
        impacts=(
            *(state.rules.https_impacts if switched else ()),
            *((Impact(rule=state.rules.ids.key_change, text=_WINDOW),) if window else ()),
        ),
        warnings=(
            *((warning,) if warning and steps else ()),
            *((_OLD_TLS,) if old and steps else ()),
        ),
    )


def plan_key(
    state: CameraState, kind: KeyKind, *, renew: bool = False, http_window: bool = False
) -> tuple[list[Step], CameraState]:
    """A private key of that kind.

    Args:
        state: Present state.
        kind: What it is of.
        renew: Another one also where the present one is of that kind.
        http_window: Where the manual wants the certificate deleted first, it may be, and the camera may answer in
            plain HTTP meanwhile.

    Returns:
        Steps and the state after them.

    Raises:
        RuleError: The camera makes no such key, or none may be generated now.
    """
    device, holds = state.contact.session.device, state.rules.certificate_holds_key
    state.rules.check_key_kind(device, state, kind)
    fits = state.key is not None and state.key.kind == kind and not renew
    if not state.rules.key_apart or fits:
        return [], state
    steps: list[Step] = []
    if http_window and holds and state.ca_certificate in ("valid", "expired"):
        steps, state = _open_http_window(state)
    if holds and state.self_signed == "valid" and state.https.connection == "http":
        title = "Delete the self-signed certificate of the old key"
        steps.append(Step(id="delete_self_signed", title=title, rule=state.rules.ids.self_signed_deletion))
        state = dc.replace(state, self_signed="not_generated", self_signed_name="")
    state.rules.check_key_changeable(device, state)
    steps.append(generate_key_step(state, kind))
    return steps, after_new_key(state, kind)


def _open_http_window(state: CameraState) -> tuple[list[Step], CameraState]:
    """The shortest legal way to a new key: the connection goes to http, the certificate goes (HTTPS-02, HTTPS-23)."""
    ids = state.rules.ids
    steps = [
        Step(
            id="delete_certificate",
            title="Delete the CA certificate, which a new key makes useless",
            rule=ids.deletion,
        )
    ]
    if state.https.connection != "http":
        title = f"Answer in plain HTTP, port {state.http_port}, while the key is changed"
        steps.insert(0, Step(id="open_http_window", title=title, rule=ids.key_change, disconnects=True))
    # A self-signed certificate that was invalid for the CA's sake is in force again (HTTPS-11).
    state = dc.replace(state, self_signed="valid" if state.self_signed == "invalid" else state.self_signed)
    https = dc.replace(state.https, connection="http")
    return steps, dc.replace(state, https=https, ca_certificate="invalid", ca_certificate_name="", certificate=None)


def generate_key_step(state: CameraState, kind: KeyKind) -> Step:
    """The step that generates a key.

    Args:
        state: Present state.
        kind: What it is to be of.

    Returns:
        The step.
    """
    title = f"Generate a private key, {kind} (it may take minutes)"
    return Step(id="generate_key", title=title, rule=state.rules.ids.key_generation, data={"kind": kind})


def after_new_key(state: CameraState, kind: KeyKind) -> CameraState:
    """What a new key leaves behind.

    Args:
        state: The state before.
        kind: What the new key is of.

    Returns:
        The state after.
    """
    return dc.replace(
        state,
        key=KeyFacts(type=kind.type, size=kind.size, generated_at=_PENDING),
        previous_key=state.key,
        ca_certificate="invalid" if state.ca_certificate != "not_generated" else "not_generated",
        ca_certificate_name="",
        certificate=None,
    )


def certificate_fault(
    state: CameraState,
    known: CertificateFacts | None,
    wanted: WantedCertificate,
    issuer: Issuer | None,
    now: dt.datetime,
) -> str:
    """Why a new CA certificate is needed.

    Args:
        state: Present state.
        known: The certificate in force, from the handshake or, over plain HTTP, from the CA's ledger.
        wanted: What it has to be like.
        issuer: The certificate authority; None where it is yet to be made.
        now: The present instant.

    Returns:
        A reason; empty when none is needed.
    """
    if state.ca_certificate != "valid":
        return f"the camera has none that is valid ({state.ca_certificate.replace('_', ' ')})"
    if known is None or issuer is None or not issuer.issued_by_us(known):
        return "the one in force was not issued by this certificate authority"
    revoked = issuer.revoked(known)
    if revoked:
        return revoked
    names = _names_fault(known, wanted)
    if names:
        return names
    if issuer.subject_differs(known, wanted.subject):
        return "the one in force has another subject"
    due = renewal_due(known, now, wanted.renew_before_days, wanted.renew_share)
    return "" if due is None or renewal_is_pointless(known, now, issuer.issuer_certificate.not_after) else due


def _names_fault(known: CertificateFacts, wanted: WantedCertificate) -> str:
    names = [name.partition(":")[2] for name in wanted.subject_alt_names]
    missing = [name for name in names if not known.covers(name)]
    if missing:
        return f"the one in force does not name {', '.join(missing)}"
    unwanted = wanted.unwanted_in(known)
    return f"the one in force still names {', '.join(unwanted)}" if unwanted else ""


def renewal_warning(
    known: CertificateFacts | None, wanted: WantedCertificate, issuer: Issuer | None, now: dt.datetime
) -> str:
    """That a renewal is due but would gain nothing.

    Args:
        known: The certificate in force.
        wanted: What it has to be like.
        issuer: The certificate authority; None where it is yet to be made.
        now: The present instant.

    Returns:
        A warning; empty when there is none.
    """
    due = renewal_due(known, now, wanted.renew_before_days, wanted.renew_share) if known is not None else None
    return pointless_renewal(due, issuer.issuer_certificate.not_after) if due and issuer is not None else ""


def subject_fits(found: x509.Name, wanted: SubjectName) -> bool:
    """Whether a certificate or a CSR has the wanted subject.

    Args:
        found: Its subject.
        wanted: The wanted subject.

    Returns:
        True when each field is the same.
    """
    names = {
        "common_name": oid.NameOID.COMMON_NAME,
        "country": oid.NameOID.COUNTRY_NAME,
        "state": oid.NameOID.STATE_OR_PROVINCE_NAME,
        "locality": oid.NameOID.LOCALITY_NAME,
        "organization": oid.NameOID.ORGANIZATION_NAME,
        "organizational_unit": oid.NameOID.ORGANIZATIONAL_UNIT_NAME,
    }
    each = {field: found.get_attributes_for_oid(name) for field, name in names.items()}
    return {field: str(one[0].value) if one else "" for field, one in each.items()} == wanted.form()


def plan_issued_certificate(
    state: CameraState, fault: str, wanted: WantedCertificate
) -> tuple[list[Step], CameraState]:
    """A certificate from our CA for the camera's own key.

    Args:
        state: Present state.
        fault: Why a new one is needed; empty for nothing to do.
        wanted: What it has to be like.

    Returns:
        Steps and the state after them.

    Raises:
        RuleError: A subject field cannot be entered.
    """
    device, subject, rules = state.contact.session.device, wanted.subject, state.rules
    rules.check_subject(device, subject)
    if not fault:
        return [], state
    rules.check_key_exists(device, state, "CSR")
    steps = [
        Step(
            id="make_request",
            title=f"Make a CSR on the camera for {subject.common_name}",
            rule=rules.ids.request,
            data={"subject": subject, "names": wanted.subject_alt_names},
        ),
        Step(
            id="sign_request",
            title=f"Sign it with the certificate authority: {fault}",
            rule=rules.ids.installation,
        ),
        Step(id="install_certificate", title="Install the certificate", rule=rules.ids.installation),
    ]
    after = dc.replace(
        state,
        request_made_at=_PENDING,
        ca_certificate="valid",
        ca_certificate_name=subject.common_name,
        self_signed="invalid" if state.self_signed == "valid" else state.self_signed,
        self_signed_name="",
        certificate=None,
    )
    return steps, after


def tls_versions_step(rules: CameraRules, versions: t.Sequence[str]) -> Step:
    """The step that enables TLS versions.

    Args:
        rules: Of the camera's dialect.
        versions: Those that are to be enabled, and no others.

    Returns:
        The step.
    """
    title = f"Enable TLS {', '.join(versions)} and no other version"
    return Step(id="set_tls_versions", title=title, rule=rules.ids.tls_versions, data={"versions": tuple(versions)})


def plan_tls_versions(state: CameraState, wanted: t.Sequence[str]) -> tuple[list[Step], CameraState]:
    """Which TLS versions are enabled.

    Args:
        state: Present state.
        wanted: The versions; none to leave them as they are.

    Returns:
        Steps and the state after them.

    Raises:
        RuleError: The camera does not have one, or we could not reach it by any.
    """
    if not wanted:
        return [], state
    device = state.contact.session.device
    state.rules.check_tls_supported(device, state)
    state.rules.check_tls_versions(device, state, wanted)
    if set(state.tls_versions) == set(wanted):
        return [], state
    versions = tuple(sorted(set(wanted)))
    return [tls_versions_step(state.rules, versions)], dc.replace(state, tls_versions=versions)


def plan_https(state: CameraState, wanted: HttpsState) -> tuple[list[Step], CameraState]:
    """How the camera answers.

    Args:
        state: Present state.
        wanted: Scheme and port.

    Returns:
        Steps and the state after them.

    Raises:
        RuleError: The port is forbidden, or the camera is not ready for HTTPS.
    """
    device, rules = state.contact.session.device, state.rules
    rules.check_https_port(device, wanted.https_port, state.http_port)
    if wanted.connection == "https":
        rules.check_tls_supported(device, state)
    if state.https == wanted or not state.tls_supported:
        return [], state
    if wanted.connection == "https":
        rules.check_https_ready(device, state)
    rules.check_switch(device, state, wanted)
    moves = (state.https.connection, wanted.connection) != ("http", "http")
    scheme, port = wanted.connection, wanted.https_port if wanted.connection == "https" else state.http_port
    only = " only" if rules.https_alone or scheme == "http" else ""
    title = f"Answer in {scheme.upper()}{only}, port {port}" if moves else f"Keep port {wanted.https_port} for HTTPS"
    step = Step(
        id="set_https",
        title=title,
        rule=rules.ids.connection if moves else rules.ids.port,
        disconnects=moves,
        data={"https": wanted},
    )
    return [step], dc.replace(state, https=wanted)
