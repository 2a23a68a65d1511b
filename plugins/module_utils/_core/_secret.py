# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A value that must not be shown."""

from __future__ import annotations

import hmac
import typing as t

__all__ = ["Secret"]


class Secret:
    """Holds a secret text; every way to show it gives ``***``.

    Args:
        value: The secret text.
    """

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """The secret itself: to be called only where it is sent or written encrypted."""
        return self._value

    def __repr__(self) -> str:
        return "***"

    __str__ = __repr__

    def __format__(self, format_spec: str) -> str:
        return "***"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret):
            return NotImplemented
        return hmac.compare_digest(_bytes(self._value), _bytes(other._value))

    def __hash__(self) -> int:
        return hash(self._value)

    def __len__(self) -> int:
        return len(self._value)

    def __reduce__(self) -> t.NoReturn:
        raise TypeError("a Secret is not to be serialised")


def _bytes(value: str) -> bytes:
    """Any text as bytes: one that is no valid Unicode must not end in an exception that shows it."""
    return value.encode("utf-8", "surrogatepass")
