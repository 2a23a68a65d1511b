# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The self-signed certificate (HTTPS-10 to HTTPS-12)."""

from __future__ import annotations

import dataclasses as dc

from .._core._plan import Plan, Step
from . import rules
from .planning import make_plan
from .resource import CameraResource
from .state import CameraState, SubjectName

__all__ = ["SelfSignedCertificate"]

_DELETE = Step(id="delete_self_signed", title="Delete the self-signed certificate", rule="HTTPS-12")


class SelfSignedCertificate(CameraResource[SubjectName | None]):
    """The self-signed certificate of a camera; wanted is its subject, or None where there should be none."""

    _present_name = ""

    def read(self) -> CameraState:
        """The camera's state, with the certificate's common name also while a CA certificate hides it (HTTPS-11).

        Returns:
            The state.
        """
        state = super().read()
        present = state.self_signed != "not_generated" and not state.generating
        self._present_name = self.api.self_signed_details()["common_name"] if present else ""
        return state

    def plan(self, current: CameraState) -> Plan:
        """The steps to the wanted certificate, or to none.

        Args:
            current: The present state.

        Returns:
            The plan.

        Raises:
            RuleError: It may not be made or deleted now.
        """
        if self.wanted is None:
            return self._plan_absent(current)
        device = self.target.host
        rules.check_subject(device, self.wanted)
        if self._present_name == self.wanted.common_name:
            return make_plan(current, current, [])
        rules.check_not_generating(device, current)
        rules.check_key_exists(device, current, "self-signed certificate", "HTTPS-01")
        rules.check_self_signed_makeable(device, current)
        step = Step(
            id="make_self_signed",
            title=f"Make a self-signed certificate for {self.wanted.common_name}",
            rule="HTTPS-10",
            data={"subject": self.wanted},
        )
        hidden = current.ca_certificate == "valid"
        after = dc.replace(
            current,
            self_signed="invalid" if hidden else "valid",
            self_signed_name="" if hidden else self.wanted.common_name,
        )
        return make_plan(current, after, [_DELETE, step] if self._present_name else [step])

    def _plan_absent(self, current: CameraState) -> Plan:
        if current.self_signed == "not_generated":
            return make_plan(current, current, [])
        rules.check_not_generating(self.target.host, current)
        rules.check_self_signed_deletable(self.target.host, current)
        return make_plan(current, dc.replace(current, self_signed="not_generated", self_signed_name=""), [_DELETE])

    def _check(self, plan: Plan, state: CameraState) -> None:
        super()._check(plan, state)
        found, expected = state.shown()["self_signed_certificate"], plan.after["self_signed_certificate"]
        if found != expected:
            raise self._not_proven("self-signed certificate", found, expected)
