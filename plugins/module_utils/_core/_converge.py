# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One resource, four verbs: read, plan, apply, verify."""

from __future__ import annotations

import dataclasses as dc
import typing as t

from ._plan import Plan, Step

__all__ = ["Outcome", "Resource", "converge"]

S = t.TypeVar("S")


class Resource(t.Protocol[S]):
    """What :func:`converge` needs of a resource with the state ``S``."""

    def read(self) -> S:
        """The device's present state, normalised; read once."""

    def plan(self, current: S) -> Plan:
        """The steps to the desired state. Pure: asks nothing, sends nothing.

        Raises:
            RuleError: The manual forbids it.
        """

    def apply(self, step: Step) -> None:
        """Carry out one step."""

    def verify(self, plan: Plan) -> t.Mapping[str, t.Any]:
        """Read again over the NEW endpoint, also when the plan had no steps.

        Returns:
            ``after`` (the state found, plain data) and whatever evidence there is.

        Raises:
            VerificationError: The evidence does not show the planned state.
        """

    def evidence(self, current: S) -> t.Mapping[str, t.Any]:
        """What the read itself already proved; used when nothing is to change."""

    def abandon(self, step: Step, error: Exception) -> None:
        """A step or the verification failed: leave nothing half done, then raise."""


@dc.dataclass(frozen=True, kw_only=True)
class Outcome:
    """What came of it.

    Attributes:
        changed: The plan had steps.
        plan: The plan.
        evidence: What a handshake or another device showed; empty in check mode with changes.
    """

    changed: bool
    plan: Plan
    evidence: t.Mapping[str, t.Any] = dc.field(default_factory=dict)

    def result(self) -> dict[str, t.Any]:
        """The keys of a module's result."""
        evidence = dict(self.evidence)
        after = evidence.pop("after", None) or dict(self.plan.after)
        before = dict(self.plan.before)
        return {
            "changed": self.changed,
            "before": before,
            "after": after,
            "plan": [step.shown() for step in self.plan.steps],
            "impacts": [impact.shown() for impact in self.plan.impacts],
            "warnings": list(self.plan.warnings),
            "diff": {"before": before, "after": after},
            **evidence,
        }


def converge(resource: Resource[S], *, check_mode: bool) -> Outcome:
    """Bring a resource to its desired state.

    Args:
        resource: The resource with its desired state.
        check_mode: Plan only; nothing is sent that changes anything.

    Returns:
        The outcome; ``changed`` tells whether the plan had steps.

    Raises:
        CamsecError: Reading, planning, applying or verifying failed.
    """
    current = resource.read()
    plan = resource.plan(current)
    if not plan:
        return Outcome(changed=False, plan=plan, evidence=resource.evidence(current))
    if check_mode:
        return Outcome(changed=True, plan=plan)
    step = plan.steps[0]
    try:
        for step in plan.steps:
            resource.apply(step)
        evidence = resource.verify(plan)
    except Exception as error:
        resource.abandon(step, error)
        raise
    return Outcome(changed=True, plan=plan, evidence=evidence)
