# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The time zones by the index that the camera uses: Windows' own.

235 for Tokyo was seen on real cameras; that the other indexes are Windows' too is inferred.
"""

from __future__ import annotations

import types
import typing as t

__all__ = ["MINUTES_EAST"]

_HOURS: t.Mapping[float, tuple[int, ...]] = {
    -12: (0,),
    -11: (1,),
    -10: (2,),
    -9: (3,),
    -8: (4,),
    -7: (10, 13, 15),
    -6: (20, 25, 30, 33),
    -5: (35, 40, 45),
    -4: (50, 55, 56),
    -3.5: (60,),
    -3: (65, 70, 73),
    -2: (75,),
    -1: (80, 83),
    0: (85, 90),
    1: (95, 100, 105, 110, 113),
    2: (115, 120, 125, 130, 135, 140),
    3: (145, 150, 155, 158),
    3.5: (160,),
    4: (165, 170),
    4.5: (175,),
    5: (180, 185),
    5.5: (190,),
    5.75: (193,),
    6: (195, 200, 201),
    6.5: (203,),
    7: (205, 207),
    8: (210, 215, 220, 225, 227),
    9: (230, 235, 240),
    9.5: (245, 250),
    10: (255, 260, 265, 270, 275),
    11: (280,),
    12: (285, 290),
    13: (300,),
}
#: Minutes east of Greenwich by index, without daylight saving time.
MINUTES_EAST: t.Mapping[int, int] = types.MappingProxyType(
    {index: int(60 * hours) for hours, indexes in _HOURS.items() for index in indexes}
)

if sum(len(indexes) for indexes in _HOURS.values()) != len(MINUTES_EAST) or MINUTES_EAST[235] != 540:
    raise ValueError("a time zone is listed twice, or Tokyo is elsewhere")
