# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A host as an inventory source tells it."""

from __future__ import annotations

import dataclasses as dc
import typing as t

__all__ = ["InventoryHost", "InventoryHosts", "group_name"]

_LONGEST = 64


@dc.dataclass(frozen=True, kw_only=True)
class InventoryHost:
    """One host of an inventory.

    Attributes:
        name: Its name in the inventory.
        groups: The groups it belongs to; characters that a group's name cannot have are still in them.
        variables: Its variables.
    """

    name: str
    groups: tuple[str, ...]
    variables: t.Mapping[str, t.Any]


@dc.dataclass(frozen=True, kw_only=True)
class InventoryHosts:
    """Hosts, and what is to be said about those that are missing.

    Attributes:
        hosts: The hosts.
        warnings: One sentence each.
    """

    hosts: tuple[InventoryHost, ...]
    warnings: tuple[str, ...]


def group_name(kind: str, value: str) -> tuple[str, ...]:
    """The group of hosts that have a value in common.

    Args:
        kind: What the name begins with.
        value: The value, possibly a claim of a device.

    Returns:
        The name, bounded in length; nothing where there is no value.
    """
    value = value.strip()[:_LONGEST]
    return (f"{kind}_{value}",) if value else ()
