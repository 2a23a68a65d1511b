# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""All of a camera as one desired state: key, CSR, certificate from our CA, connection."""

from __future__ import annotations

import dataclasses as dc
import datetime as dt

from .._core._errors import PkiError
from .._core._plan import Plan, Step
from .._pki._renewal import expiry_warning
from .._transport._connection import Trust
from .._transport._patience import until
from .abilities import KeyKind
from .planning import (
    certificate_fault,
    make_plan,
    plan_https,
    plan_issued_certificate,
    plan_key,
    plan_tls_versions,
    renewal_warning,
)
from .resource import CameraResource
from .rules import CameraRules
from .signing import required_passphrase
from .state import CameraState, HttpsState, WantedCertificate

__all__ = ["WantedCamera", "WholeCamera"]

_NO_AUTHORITY_YET = "The certificate authority does not exist yet; planned as if it did and had issued nothing so far."


@dc.dataclass(frozen=True, kw_only=True)
class WantedCamera:
    """What a camera should be like.

    Attributes:
        https: How it answers.
        key: What its private key is of.
        tls_versions: TLS versions that are to be enabled, and no others; none to leave them as they are.
        new_key: ``on_mismatch`` for a new one only where there is none or it is of another kind, ``with_certificate``
            for one with each new certificate besides.
        http_window: The camera may answer in plain HTTP while a key is changed, where its manual wants that.
        certificate: Its CA certificate; None where certificates are not this run's business.
    """

    https: HttpsState
    key: KeyKind
    tls_versions: tuple[str, ...] = ()
    new_key: str = "on_mismatch"
    http_window: bool = False
    certificate: WantedCertificate | None


class WholeCamera(CameraResource[WantedCamera]):
    """A camera: one login, one read, one plan, the needed writes, one verification.

    A wanted certificate without an authority means one that is yet to be made: that can be planned, and nothing more.
    """

    _warning = ""
    #: What a certificate that a check does not renew is about to do; empty for nothing.
    renewal_planned_because = ""

    def read(self) -> CameraState:
        """The camera's state, with its own HTTP port where a switch is to come.

        Returns:
            The state.

        Raises:
            RuleError: A certificate is needed, and would not be valid yet by the camera's clock.
        """
        wanted = self.wanted.https
        if self.wanted.http_window:
            # The window leads through plain HTTP, whatever is wanted in the end.
            wanted = dc.replace(wanted, connection="http")
        state = self.with_http_port(super().read(), wanted)
        if self._certificate_is_due(state):
            for clock in self.driver.clock_bounds():
                self.check_clock(state.rules, clock)
            state = dc.replace(state, abilities=self.driver.abilities())
        return state

    def _completed(self, state: CameraState) -> CameraState:
        return self._with_tls_versions(state, self.wanted.tls_versions)

    def _certificate_is_due(self, state: CameraState) -> bool:
        wanted, now = self.wanted.certificate, dt.datetime.now(tz=dt.UTC)
        if wanted is None or not state.tls_supported:
            return False
        other_key = state.rules.key_apart and (state.key is None or state.key.kind != self.wanted.key)
        return other_key or bool(certificate_fault(state, self.known_certificate(state), wanted, self.authority, now))

    def check_clock(self, rules: CameraRules, clock: dt.datetime) -> None:
        """Whether a certificate that is issued now would be valid by the camera's clock.

        Args:
            rules: Of the camera's dialect.
            clock: The camera's time.

        Raises:
            RuleError: It would not.
        """
        wanted, now = self.wanted.certificate, dt.datetime.now(tz=dt.UTC)
        if wanted is None:
            return
        end = now + dt.timedelta(days=wanted.lifetime_days)
        if self.authority is not None:
            end = min(end, self.authority.issuer_certificate.not_after)
        begin = now - dt.timedelta(hours=wanted.backdate_hours)
        rules.check_clock(self.target.host, clock, begin, end)

    def plan(self, current: CameraState) -> Plan:
        """The steps, trust before the switch: key, CSR, signature, installation, connection.

        Args:
            current: The present state.

        Returns:
            The plan.

        Raises:
            RuleError: The manual forbids a step.
            InputError: There is nothing to sign with, or nothing to verify the new endpoint by.
            PkiError: The passphrase is not the one of the CA's key, or the command that signs cannot be run.
        """
        steps: list[Step] = []
        after = current
        if self.wanted.certificate is not None:
            current.rules.check_tls_supported(self.target.host, current)
            steps, after = self._plan_certificate(current, self.wanted.certificate)
        versions, after = plan_tls_versions(after, self.wanted.tls_versions)
        switch, after = plan_https(after, self.wanted.https)
        plan = make_plan(current, after, [*steps, *versions, *switch])
        if self._warning:
            plan = dc.replace(plan, warnings=(*plan.warnings, f"{self.target.host}: {self._warning}"))
        if self.wanted.certificate is not None and self.authority is None:
            return dc.replace(plan, warnings=(*plan.warnings, _NO_AUTHORITY_YET))
        self.target_after(plan)
        return plan

    def _trust_after(self, plan: Plan) -> Trust:
        """A certificate that this run installs is verified by the CA that issued it."""
        installs = any(step.id == "install_certificate" for step in plan.steps)
        if installs and self.authority is not None and plan.after["connection"] == "https":
            return Trust(ca_path=self.authority.trusted_path)
        return super()._trust_after(plan)

    def _plan_certificate(self, current: CameraState, wanted: WantedCertificate) -> tuple[list[Step], CameraState]:
        now = dt.datetime.now(tz=dt.UTC)
        known = self.known_certificate(current)
        fault = certificate_fault(current, known, wanted, self.authority, now)
        external = current.key is not None and current.key.external
        wished = self.wanted.new_key == "with_certificate" and (known is not None or _was_used(current))
        # A key that was made elsewhere is not taken over: nobody knows who else has it.
        renew = bool(fault) and (wished or external)
        key_steps, after = plan_key(current, self.wanted.key, renew=renew, http_window=self.wanted.http_window)
        if key_steps and not fault:
            fault = certificate_fault(after, None, wanted, self.authority, now)
        expiry = expiry_warning(known, now, wanted.warn_before_days)
        pointless = renewal_warning(known, wanted, self.authority, now)
        self._warning = "" if fault else " ".join(filter(None, (pointless, expiry)))
        self.renewal_planned_because = expiry if fault else ""
        if fault:
            self._check_signer(wanted, fault)
        steps, after = plan_issued_certificate(after, fault, wanted)
        return [*key_steps, *steps], after

    def _check_signer(self, wanted: WantedCertificate, fault: str) -> None:
        """Now, and not after the two minutes that a key takes."""
        if self.authority is None:
            required_passphrase(wanted, device=self.target.host, fault=fault)
        else:
            self.authority.check_ready(wanted, device=self.target.host, fault=fault)

    def _carry_out(self, step: Step) -> None:
        if step.id == "open_http_window":
            self._open_http_window()
        else:
            super()._carry_out(step)

    def _open_http_window(self) -> None:
        """Answer in plain HTTP, and go on there."""
        self.driver.set_https(dc.replace(self.driver.https(), connection="http"))
        there = dc.replace(self.target, trust=Trust(), first_contact="plain_http")
        until(lambda: self._read_at(there), seconds=self.limits.switch_seconds)

    def _sign_request(self) -> None:
        wanted = self.wanted.certificate
        if self.authority is None or wanted is None:
            raise RuntimeError("sign_request is planned only with an authority")
        issued = self.authority.sign(
            self.driver.certificate_request(), wanted, device=self.target.host, clock=self.driver.clock
        )
        unwanted = wanted.unwanted_in(issued.facts)
        if unwanted:
            raise PkiError(
                device=self.target.host,
                subject="the certificate that was signed",
                found=f"one that names {', '.join(unwanted)}",
                expected="one without it, as unwanted_alt_name says",
                advice="It was not installed; the certificate in force stays.",
            )
        self._issued = issued
        self._expected = issued.facts


def _was_used(state: CameraState) -> bool:
    """Whether a CSR was made for the key; otherwise a run before this one made it and did not come to use it."""
    generated_at = state.key.generated_at if state.key is not None else ""
    return bool(generated_at) and state.request_made_at >= generated_at
