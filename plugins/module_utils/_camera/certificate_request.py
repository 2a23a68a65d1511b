# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The certificate signing request that the camera makes for its own key."""

from __future__ import annotations

import dataclasses as dc
import typing as t

from .._core._plan import Impact, Plan, Step
from .._pki._keys import load_request
from .planning import make_plan, subject_fits
from .resource import CameraResource
from .state import CameraState, SubjectName

__all__ = ["CertificateRequest", "WantedRequest"]

_NEW_KEY = (
    "The CSR comes with a new private key: what was signed for an earlier CSR is useless after the next restart. Have"
    " this one signed, and install the certificate, before that."
)


@dc.dataclass(frozen=True, kw_only=True)
class WantedRequest:
    """The CSR that should be there.

    Attributes:
        subject: Its subject.
        regenerate: ``if_needed`` or ``always``.
    """

    subject: SubjectName
    regenerate: str


class CertificateRequest(CameraResource[WantedRequest]):
    """The CSR of a camera."""

    _present = ""

    def read(self) -> CameraState:
        """The camera's state, with its CSR where there is one.

        Returns:
            The state.

        Raises:
            RuleError: The camera has no HTTPS, or a field cannot be entered.
        """
        state = super().read()
        state.rules.check_tls_supported(self.target.host, state)
        if not state.rules.keeps_request:
            return self._asked(state)
        made_at = self.driver.request_made_at()
        self._present = self.driver.certificate_request() if made_at else ""
        return dc.replace(state, request_made_at=made_at)

    def _asked(self, state: CameraState) -> CameraState:
        """A camera that keeps no CSR signs the wanted one whenever it is asked, which leaves it as it is."""
        state.rules.check_subject(self.target.host, self.wanted.subject)
        state.rules.check_key_exists(self.target.host, state, "CSR")
        self.driver.make_request(self.wanted.subject, ())
        self._present = self.driver.certificate_request()
        load_request(self._present, device=self.target.host)
        return state

    def plan(self, current: CameraState) -> Plan:
        """Make a CSR where there is none, or one with another subject.

        Args:
            current: The present state.

        Returns:
            The plan.

        Raises:
            RuleError: There is no key, or a field cannot be entered.
        """
        device = self.target.host
        current.rules.check_subject(device, self.wanted.subject)
        current.rules.check_key_exists(device, current, "CSR")
        if not current.rules.keeps_request:
            return make_plan(current, current, [])
        if self._present and self.wanted.regenerate == "if_needed" and self._fits(current):
            return make_plan(current, current, [])
        step = Step(
            id="make_request",
            title=f"Make a CSR for {self.wanted.subject.common_name}",
            rule=current.rules.ids.request,
            data={"subject": self.wanted.subject, "names": ()},
        )
        plan = make_plan(current, dc.replace(current, request_made_at="by this run"), [step])
        lost = current.ca_certificate == "valid" and not current.rules.key_apart
        impacts = (Impact(rule=current.rules.ids.pair, text=_NEW_KEY),) if lost else ()
        return dc.replace(plan, impacts=(*plan.impacts, *impacts))

    def evidence(self, current: CameraState) -> dict[str, t.Any]:
        """The CSR that is there.

        Args:
            current: The present state.

        Returns:
            Also ``certificate_signing_request``.
        """
        return {**super().evidence(current), "certificate_signing_request": self._present}

    def verify(self, plan: Plan) -> dict[str, t.Any]:
        """The new CSR, its own signature checked.

        Args:
            plan: The plan that was carried out.

        Returns:
            Also ``certificate_signing_request``.
        """
        result = super().verify(plan)
        pem = self.driver.certificate_request()
        load_request(pem, device=self.target.host)
        return {**result, "certificate_signing_request": pem}

    def _fits(self, current: CameraState) -> bool:
        """A CSR from before the present key was generated is one of an older key."""
        older = current.key is None or current.request_made_at < current.key.generated_at
        if older and current.rules.key_apart:
            return False
        request = load_request(self._present, device=self.target.host)
        return subject_fits(request.subject, self.wanted.subject)
