# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The certificate signing request that the camera makes for its own key (HTTPS-20)."""

from __future__ import annotations

import dataclasses as dc
import typing as t

from .._core._plan import Plan, Step
from .._pki._keys import load_request
from .._thirdparty import oid
from . import rules
from .planning import make_plan
from .resource import CameraResource
from .state import CameraState, SubjectName

__all__ = ["CertificateRequest", "WantedRequest"]


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
        """
        state = super().read()
        made_at = self.api.request_made_at()
        self._present = self.api.certificate_request() if made_at else ""
        return dc.replace(state, request_made_at=made_at)

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
        rules.check_subject(device, self.wanted.subject)
        rules.check_not_generating(device, current)
        rules.check_key_exists(device, current, "CSR", "HTTPS-01")
        if self._present and self.wanted.regenerate == "if_needed" and self._fits():
            return make_plan(current, current, [])
        step = Step(
            id="make_request",
            title=f"Make a CSR for {self.wanted.subject.common_name}",
            rule="HTTPS-20",
            data={"subject": self.wanted.subject},
        )
        return make_plan(current, dc.replace(current, request_made_at="by this run"), [step])

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
        pem = self.api.certificate_request()
        load_request(pem, device=self.target.host)
        return {**super().verify(plan), "certificate_signing_request": pem}

    def _fits(self) -> bool:
        request = load_request(self._present, device=self.target.host)
        names = {
            "common_name": oid.NameOID.COMMON_NAME,
            "country": oid.NameOID.COUNTRY_NAME,
            "state": oid.NameOID.STATE_OR_PROVINCE_NAME,
            "locality": oid.NameOID.LOCALITY_NAME,
            "organization": oid.NameOID.ORGANIZATION_NAME,
            "organizational_unit": oid.NameOID.ORGANIZATIONAL_UNIT_NAME,
        }
        found = {field: request.subject.get_attributes_for_oid(name) for field, name in names.items()}
        return {
            field: str(each[0].value) if each else "" for field, each in found.items()
        } == self.wanted.subject.form()
