# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A restart, proven: the camera was seen to be gone, and then to be there again as it was."""

from __future__ import annotations

import dataclasses as dc
import time

from .._core._errors import VerificationError
from .._core._plan import Plan, Step
from .._transport._reach import reachable
from .built_in_authority import built_in_root
from .planning import make_plan
from .resource import CameraResource
from .state import CameraState

__all__ = ["Reboot", "WantedReboot"]

#: A camera that restarts fast is gone for a few seconds; it is looked for that often.
_LOOK_SECONDS = 0.02


@dc.dataclass(frozen=True, kw_only=True)
class WantedReboot:
    """How long it may take.

    Attributes:
        down_seconds: Until the camera is gone.
    """

    down_seconds: float


class Reboot(CameraResource[WantedReboot]):
    """A restart of a camera. When it has to be there again is in the limits."""

    def read(self) -> CameraState:
        """The camera's state.

        Returns:
            The state.

        Raises:
            RuleError: The restart would make its certificate by a clock that is not inside the authority's validity.
        """
        state = super().read()
        if state.https.connection == "https" and state.self_signed == "valid":
            self._check_built_in_clock(state)
        return state

    def _check_built_in_clock(self, state: CameraState) -> None:
        """A certificate of the authority in the firmware is made anew at each restart."""
        root = built_in_root(self.driver, state)
        if root is not None:
            for clock in self.driver.clock_bounds():
                state.rules.check_built_in_clock(self.target.host, clock, root)

    def plan(self, current: CameraState) -> Plan:
        """One step.

        Args:
            current: The present state.

        Returns:
            The plan.
        """
        step = Step(id="reboot", title="Restart the camera", disconnects=True)
        plan = make_plan(current, current, [step])
        return dc.replace(plan, impacts=current.rules.restart_impacts(current))

    def _carry_out(self, step: Step) -> None:
        """Ask for it, then see the camera go."""
        del step  # there is but one
        endpoint = self.driver.session.endpoint
        self.driver.reboot()
        self.driver.session.close()
        end = time.monotonic() + self.wanted.down_seconds
        while reachable(endpoint.host, endpoint.port, seconds=self.target.timeout):
            if time.monotonic() >= end:
                raise VerificationError(
                    device=self.target.host,
                    subject="restart",
                    found=f"the camera still there {self.wanted.down_seconds:g} s after it was told to restart",
                    expected="it gone, at least for a moment",
                )
            time.sleep(_LOOK_SECONDS)
