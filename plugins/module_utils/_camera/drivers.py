# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The dialects that there are. A further one is a package of its own and a line here."""

from __future__ import annotations

import typing as t

from .._axis.driver import AxisDriver
from .._ipro.driver import IproDriver
from .._onvif.driver import OnvifDriver
from .._sunell.driver import SunellDriver
from .driver import CameraDriver

__all__ = ["DRIVERS", "DRIVER_CHOICES", "drivers_named"]

AUTO: t.Final = "auto"
#: In the order in which ``auto`` asks. Axis cameras speak ONVIF too, to accounts of its own.
DRIVERS: t.Final[tuple[type[CameraDriver], ...]] = (IproDriver, AxisDriver, OnvifDriver, SunellDriver)
DRIVER_CHOICES: t.Final = (AUTO, *(driver.rules.dialect for driver in DRIVERS))


def drivers_named(name: str) -> tuple[type[CameraDriver], ...]:
    """The drivers that a choice stands for.

    Args:
        name: One of :data:`DRIVER_CHOICES`.

    Returns:
        One driver, or all of them for ``auto``.
    """
    return tuple(driver for driver in DRIVERS if name in (AUTO, driver.rules.dialect))
