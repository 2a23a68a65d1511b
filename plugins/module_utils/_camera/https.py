# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How the camera answers: HTTP only or HTTPS only, the port, and the TLS versions."""

from __future__ import annotations

import dataclasses as dc

from .._core._plan import Plan
from .planning import make_plan, plan_https, plan_tls_versions
from .resource import CameraResource
from .state import CameraState, HttpsState

__all__ = ["Https", "WantedHttps"]


@dc.dataclass(frozen=True, kw_only=True)
class WantedHttps:
    """How a camera should answer.

    Attributes:
        https: Scheme and port.
        tls_versions: TLS versions that are to be enabled, and no others; none to leave them as they are.
    """

    https: HttpsState
    tls_versions: tuple[str, ...] = ()


class Https(CameraResource[WantedHttps]):
    """The connection of a camera."""

    def read(self) -> CameraState:
        """The camera's state, with its own HTTP port where a switch is to come.

        Returns:
            The state.
        """
        return self.with_http_port(super().read(), self.wanted.https)

    def _completed(self, state: CameraState) -> CameraState:
        return self._with_tls_versions(state, self.wanted.tls_versions)

    def plan(self, current: CameraState) -> Plan:
        """The steps to the wanted scheme, port and TLS versions.

        Args:
            current: The present state.

        Returns:
            The plan.

        Raises:
            RuleError: The port is forbidden, a TLS version is not to be had, or the camera is not ready for HTTPS.
            InputError: There is nothing to verify the new endpoint by.
        """
        versions, after = plan_tls_versions(current, self.wanted.tls_versions)
        switch, after = plan_https(after, self.wanted.https)
        plan = make_plan(current, after, [*versions, *switch])
        self.target_after(plan)
        return plan
