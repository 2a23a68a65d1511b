# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How the camera answers: HTTP only or HTTPS only, and the port."""

from __future__ import annotations

from .._core._plan import Plan
from .planning import make_plan, plan_https
from .resource import CameraResource
from .state import CameraState, HttpsState

__all__ = ["Https"]


class Https(CameraResource[HttpsState]):
    """The connection of a camera."""

    def read(self) -> CameraState:
        """The camera's state, with its own HTTP port where a switch is to come.

        Returns:
            The state.
        """
        return self.with_http_port(super().read(), self.wanted)

    def plan(self, current: CameraState) -> Plan:
        """The steps to the wanted scheme and port.

        Args:
            current: The present state.

        Returns:
            The plan.

        Raises:
            RuleError: The port is forbidden, or the camera is not ready for HTTPS.
            InputError: There is nothing to verify the new endpoint by.
        """
        steps, after = plan_https(current, self.wanted)
        plan = make_plan(current, after, steps)
        self.target_after(plan)
        return plan
