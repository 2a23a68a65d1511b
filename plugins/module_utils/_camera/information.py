# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a camera tells of itself."""

from __future__ import annotations

import contextlib
import dataclasses as dc
import datetime as dt
import typing as t

from .._core._errors import ProtocolError
from .._core._plan import Plan
from .._transport._session import Refused
from .built_in_authority import known_of_built_in_authority
from .planning import make_plan
from .resource import CameraResource
from .state import CameraState

__all__ = ["CameraInformation"]


class CameraInformation(CameraResource[None]):
    """A camera that is only read."""

    def plan(self, current: CameraState) -> Plan:
        """Nothing to do.

        Args:
            current: The present state.

        Returns:
            A plan without steps.
        """
        return make_plan(current, current, [])

    def information(self) -> dict[str, t.Any]:
        """All that can be read.

        Returns:
            ``camera``, ``contact`` and, over HTTPS, ``endpoint`` and ``certificate``.
        """
        state = self.read()
        identity = self.driver.identity()
        clock = self.driver.clock()
        ahead = clock - dt.datetime.now(dt.UTC).replace(tzinfo=clock.tzinfo)
        evidence = self.evidence(self._with_versions(state))
        return {
            "changed": False,
            "camera": {
                "driver": state.rules.dialect,
                "model": identity.model,
                "version": identity.version,
                "serial_number": identity.serial_number,
                "mac_address": identity.mac_address,
                "time": f"{clock:%Y-%m-%d %H:%M:%S}",
                "clock_offset": round(ahead.total_seconds()),
                **evidence.pop("after"),
                "built_in_authority": known_of_built_in_authority(self.driver, state, clock),
            },
            **evidence,
        }

    def _with_versions(self, state: CameraState) -> CameraState:
        if not state.tls_supported or "set_tls_versions" in state.rules.cannot:
            return state
        with contextlib.suppress(ProtocolError, Refused):  # a device may have TLS and no call for its versions
            return dc.replace(state, tls_versions=tuple(sorted(self.driver.tls_versions())))
        return state
