# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The self-signed certificate."""

from __future__ import annotations

import dataclasses as dc
import types
import typing as t

from .._core._plan import Plan, Step
from .planning import make_plan
from .resource import CameraResource
from .state import CameraState, SubjectName

__all__ = ["SelfSignedCertificate"]


class SelfSignedCertificate(CameraResource[SubjectName | None]):
    """The self-signed certificate of a camera; wanted is its subject, or None where there should be none."""

    _present: t.Mapping[str, str] = types.MappingProxyType({})

    def read(self) -> CameraState:
        """The camera's state, with the certificate's fields also while a CA certificate hides it.

        Returns:
            The state.
        """
        state = super().read()
        if state.self_signed != "not_generated":
            self._present = self.driver.self_signed_details()
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
        current.rules.check_subject(device, self.wanted)
        current.rules.check_tls_supported(device, current)
        hidden = current.ca_certificate in ("valid", "expired")
        if self._present and (current.self_signed == "valid" or hidden) and self._fits(self.wanted):
            return make_plan(current, current, [])
        step = Step(
            id="make_self_signed",
            title=f"Make a self-signed certificate for {self.wanted.common_name}",
            rule=current.rules.ids.self_signed,
            data={"subject": self.wanted},
        )
        # Before anything that would have to be done first: it would be in vain.
        current.rules.check_possible(device, [step])
        current.rules.check_key_exists(device, current, "self-signed certificate")
        current.rules.check_self_signed_makeable(device, current)
        after = dc.replace(
            current,
            self_signed="invalid" if hidden else "valid",
            self_signed_name="" if hidden else self.wanted.common_name,
        )
        return make_plan(current, after, [_delete(current), step] if self._present else [step])

    def _fits(self, wanted: SubjectName) -> bool:
        """The camera masks the organizational unit, so that one cannot be compared."""
        form = wanted.form()
        return all(self._present.get(name, form[name]) == form[name] for name in form if name != "organizational_unit")

    def _plan_absent(self, current: CameraState) -> Plan:
        if current.self_signed == "not_generated":
            return make_plan(current, current, [])
        current.rules.check_self_signed_deletable(self.target.host, current)
        return make_plan(
            current, dc.replace(current, self_signed="not_generated", self_signed_name=""), [_delete(current)]
        )

    def _check(self, plan: Plan, state: CameraState) -> None:
        super()._check(plan, state)
        found, expected = state.shown()["self_signed_certificate"], plan.after["self_signed_certificate"]
        if found != expected:
            raise self._not_proven("self-signed certificate", found, expected)


def _delete(current: CameraState) -> Step:
    title = "Delete the self-signed certificate"
    return Step(id="delete_self_signed", title=title, rule=current.rules.ids.self_signed_deletion)
