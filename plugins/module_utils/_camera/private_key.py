# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The private key."""

from __future__ import annotations

import dataclasses as dc

from .._core._errors import RuleError, VerificationError
from .._core._plan import Plan, Step
from .abilities import KeyKind
from .planning import after_new_key, generate_key_step, make_plan
from .resource import CameraResource
from .state import CameraState

__all__ = ["PrivateKey", "WantedKey"]


@dc.dataclass(frozen=True, kw_only=True)
class WantedKey:
    """The key that should be there.

    Attributes:
        kind: What a new key is of.
        regenerate: ``never`` (only where there is none), ``on_mismatch`` (also when the kind differs), ``always``.
        generated_at: The camera's time of generation of the key that should be in place; it, or the previous key, has
            to have it. Empty for any.
    """

    kind: KeyKind
    regenerate: str
    generated_at: str = ""


class PrivateKey(CameraResource[WantedKey]):
    """The private key of a camera."""

    def read(self) -> CameraState:
        """The camera's state, with what it can do where a key may have to be made.

        Returns:
            The state.
        """
        state = super().read()
        makes_keys = state.tls_supported and "generate_key" not in state.rules.cannot
        return dc.replace(state, abilities=self.driver.abilities()) if makes_keys else state

    def plan(self, current: CameraState) -> Plan:
        """The steps to the wanted key.

        Args:
            current: The present state.

        Returns:
            The plan.

        Raises:
            RuleError: The key may not be changed now, or neither key is the wanted one.
        """
        current.rules.check_tls_supported(self.target.host, current)
        steps, after = self._select(current) if self.wanted.generated_at else self._generate(current)
        return make_plan(current, after, steps)

    def _generate(self, current: CameraState) -> tuple[list[Step], CameraState]:
        if not self._needs_new_key(current):
            return [], current
        current.rules.check_key_kind(self.target.host, current, self.wanted.kind)
        current.rules.check_key_changeable(self.target.host, current)
        current.rules.check_key_alone(self.target.host, current)
        return [generate_key_step(current, self.wanted.kind)], after_new_key(current, self.wanted.kind)

    def _needs_new_key(self, current: CameraState) -> bool:
        if current.key is None or self.wanted.regenerate == "always":
            return True
        return self.wanted.regenerate == "on_mismatch" and current.key.kind != self.wanted.kind

    def _select(self, current: CameraState) -> tuple[list[Step], CameraState]:
        device, wanted = self.target.host, self.wanted.generated_at
        if current.key is not None and current.key.generated_at == wanted:
            return [], current
        previous = current.previous_key
        if previous is None or previous.generated_at != wanted:
            raise RuleError(
                rule=current.rules.ids.previous_key,
                device=device,
                subject="private key",
                found=f"present key of {current.key.generated_at if current.key else 'never'}, previous key of"
                f" {previous.generated_at if previous else 'never'}",
                expected=f"one of them of {wanted}",
                advice="A camera keeps one previous key only; older ones are gone.",
            )
        current.rules.check_key_changeable(device, current)
        step = Step(
            id="apply_previous_key",
            title=f"Put the previous key ({previous.kind}, of {wanted}) in place of the present one",
            rule=current.rules.ids.previous_key,
        )
        after = dc.replace(after_new_key(current, previous.kind), key=previous, previous_key=current.key)
        return [step], after

    def _check(self, plan: Plan, state: CameraState) -> None:
        super()._check(plan, state)
        wanted = self.wanted.generated_at
        if wanted and (state.key is None or state.key.generated_at != wanted):
            raise VerificationError(
                device=self.target.host,
                subject="private key",
                found=f"a key of {state.key.generated_at if state.key else 'never'}",
                expected=f"the key of {wanted}",
            )
