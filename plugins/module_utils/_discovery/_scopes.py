# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an ONVIF device's scopes say (ONVIF Core, section 7.3.2.2). Claims, all of them. No I/O."""

from __future__ import annotations

import dataclasses as dc
import typing as t
import urllib.parse

__all__ = ["ScopeFacts", "read_scopes"]

_AUTHORITY: t.Final = "www.onvif.org"
_MANUFACTURER: t.Final = ("manufacturer", "mfr")
_LONGEST = 128
_MOST = 16


@dc.dataclass(frozen=True, kw_only=True)
class ScopeFacts:
    """What the scopes say.

    Attributes:
        name: The device's name.
        hardware: Its model.
        manufacturer: Its maker; few devices have this.
        location: Where it is; the first, where there are several.
        locations: All of them.
        profiles: ONVIF's profiles in lower case: ``streaming`` (profile S), ``g``, ``t``, ``m`` and so on.
    """

    name: str = ""
    hardware: str = ""
    manufacturer: str = ""
    location: str = ""
    locations: tuple[str, ...] = ()
    profiles: tuple[str, ...] = ()


def read_scopes(scopes: t.Iterable[str]) -> ScopeFacts:
    """Read scopes.

    Args:
        scopes: As the device lists them; those that are not ONVIF's say nothing.

    Returns:
        The facts.
    """
    told: dict[str, list[str]] = {}
    for scope in scopes:
        key, value = _split(scope)
        if value:
            told.setdefault(key, []).append(value)
    locations = told.get("location", [])
    makers = [value for key in _MANUFACTURER for value in told.get(key, [])]
    return ScopeFacts(
        name=_first(told.get("name", [])),
        hardware=_first(told.get("hardware", [])),
        manufacturer=_first(makers),
        location=_first(locations),
        locations=tuple(dict.fromkeys(locations))[:_MOST],
        profiles=tuple(dict.fromkeys(value.lower() for value in told.get("profile", [])))[:_MOST],
    )


def _split(scope: str) -> tuple[str, str]:
    """Kind and value: ``onvif://www.onvif.org/location/city/Bern`` has the kind ``location``."""
    scheme, separator, rest = scope.partition("://")
    authority, _slash, path = rest.partition("/")
    if not separator or scheme.lower() != "onvif" or authority.lower() != _AUTHORITY:
        return "", ""
    kind, _slash, value = path.partition("/")
    return kind.lower(), _readable(urllib.parse.unquote(value))


def _readable(text: str) -> str:
    """No control characters: this is shown on terminals."""
    text = "".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in text)
    return text.strip(" /")[:_LONGEST]


def _first(values: t.Sequence[str]) -> str:
    return values[0] if values else ""
