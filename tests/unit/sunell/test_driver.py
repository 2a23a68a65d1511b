# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the driver makes of a clock that tells local time only."""

from __future__ import annotations

import datetime as dt
import typing as t

import pytest
from ansible_collections.camsec.fleet.plugins.module_utils._core._errors import ProtocolError
from ansible_collections.camsec.fleet.plugins.module_utils._sunell.driver import SunellDriver

from .conftest import FakeSession

DATE = "year=2025\nmonth=1\nday=13\nhour=12\nminute=0\nsecond=0\n"
NOON = dt.datetime(2025, 1, 13, 12, tzinfo=dt.UTC)


@pytest.mark.parametrize(("flag", "earlier"), [(0, 0), (1, 1)])
def test_cam_15_with_daylight_saving_time_the_clock_has_two_ends(session: FakeSession, flag: int, earlier: int) -> None:
    session.answers = {"dateTime": DATE, "timeZone": f"timeZone=90\nDSTOpenFlag={flag}\n"}
    driver = SunellDriver(t.cast("t.Any", session), key_seconds=1)
    assert driver.clock_bounds() == (NOON - dt.timedelta(hours=earlier), NOON)
    assert driver.clock() == NOON


def test_a_time_zone_that_is_not_known(session: FakeSession) -> None:
    session.answers = {"dateTime": DATE, "timeZone": "timeZone=999\nDSTOpenFlag=0\n"}
    with pytest.raises(ProtocolError, match="an index that is not known here"):
        SunellDriver(t.cast("t.Any", session), key_seconds=1).clock_bounds()
