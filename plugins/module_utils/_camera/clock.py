# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The camera's clock: a certificate is worth nothing to a device that lives in another year."""

from __future__ import annotations

import dataclasses as dc
import datetime as dt
import typing as t

from .._core._plan import Plan, Step
from .planning import make_plan
from .resource import CameraResource
from .state import CameraState

__all__ = ["Clock", "WantedClock"]


@dc.dataclass(frozen=True, kw_only=True)
class WantedClock:
    """How the clock should be.

    Attributes:
        maximum_offset: Seconds that it may be ahead of ours or behind.
        time_server: NTP server that it should follow; empty for whatever it does.
    """

    maximum_offset: float
    time_server: str


class Clock(CameraResource[WantedClock]):
    """The clock of a camera."""

    _offset = 0.0
    _server = ""

    def read(self) -> CameraState:
        """The camera's state, with its time, and its time server where one is wanted.

        Returns:
            The state.

        Raises:
            RuleError: A time server is wanted, and the dialect has no call for it.
        """
        state = super().read()
        self._look(state)
        return state

    def _look(self, state: CameraState) -> None:
        if self.wanted.time_server:
            state.rules.check_possible(self.target.host, [self._set_server()])
            self._server = self.driver.time_server()
        self._offset = (self.driver.clock() - dt.datetime.now(tz=dt.UTC)).total_seconds()

    def plan(self, current: CameraState) -> Plan:
        """The server first: a clock that is set by hand would stop following it.

        Args:
            current: The present state.

        Returns:
            The plan.
        """
        steps: list[Step] = []
        if self._server != self.wanted.time_server:
            steps.append(self._set_server())
        if not self._in_step and not self.wanted.time_server:
            title = f"Set the clock, which is {self._offset:+.0f} s off"
            steps.append(Step(id="set_clock", title=title))
        plan = make_plan(current, current, steps)
        before, after = self._shown(), self._shown(in_step=True)
        return dc.replace(plan, before={**plan.before, **before}, after={**plan.after, **after})

    def _carry_out(self, step: Step) -> None:
        if step.id == "set_time_server":
            self.driver.set_time_server(self.wanted.time_server)
        else:
            self.driver.set_clock(dt.datetime.now(tz=dt.UTC))

    def _set_server(self) -> Step:
        return Step(id="set_time_server", title=f"Follow the time server {self.wanted.time_server}")

    @property
    def _in_step(self) -> bool:
        return abs(self._offset) <= self.wanted.maximum_offset

    def _shown(self, *, in_step: bool = False) -> dict[str, t.Any]:
        """The offset changes with every look; whether it is too large does not."""
        near = in_step or self._in_step
        limit = f"{self.wanted.maximum_offset:g} s"
        server = self.wanted.time_server if in_step else self._server
        return {
            "clock": f"within {limit}" if near else f"more than {limit} off",
            **({"time_server": server} if self.wanted.time_server else {}),
        }

    def evidence(self, current: CameraState) -> dict[str, t.Any]:
        """What the read proved, and the offset.

        Args:
            current: The present state.

        Returns:
            Also ``offset_seconds``.
        """
        shown = super().evidence(current)
        return {**shown, "after": {**shown["after"], **self._shown()}, "offset_seconds": round(self._offset, 1)}

    def verify(self, plan: Plan) -> dict[str, t.Any]:
        """The clock is looked at again.

        Args:
            plan: The plan that was carried out.

        Returns:
            Also ``offset_seconds``.
        """
        shown = super().verify(plan)
        return {**shown, "after": {**shown["after"], **self._shown()}, "offset_seconds": round(self._offset, 1)}

    def _check(self, plan: Plan, state: CameraState) -> None:
        super()._check(plan, state)
        self._look(state)
        if not self._in_step:
            limit = f"within {self.wanted.maximum_offset:g} s of ours"
            raise self._not_proven("clock", f"{self._offset:+.0f} s off", limit)
        if self._server != self.wanted.time_server:
            raise self._not_proven("time server", self._server or "none", self.wanted.time_server)
