# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What every entry of a fleet file is checked for."""

from __future__ import annotations

import functools
import ipaddress
import re

__all__ = ["FleetError", "check_place", "require"]


class FleetError(Exception):
    """A fleet that cannot be; the text is one sentence."""


def require(condition: bool, sentence: str) -> None:
    if not condition:
        raise FleetError(sentence)


@functools.lru_cache(maxsize=4096)
def _is_loopback(address: str) -> bool:
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False


def check_place(name: str, address: str, where: str) -> None:
    require(bool(re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.\-]{0,62}", name)), f"{where}: not a host name")
    require(_is_loopback(address), f"{where}: address {address!r} is not a loopback address")
