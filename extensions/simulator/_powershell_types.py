# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Types of .NET by their names, and how PowerShell makes a value one of a type."""

from __future__ import annotations

import collections.abc as c
import datetime as dt
import re
import typing as t

from ._powershell_values import (
    VOID,
    Char,
    DateTime,
    Enum,
    EnumType,
    HashTable,
    Limit,
    NetList,
    NetObject,
    PsObject,
    as_int,
    as_list,
    as_number,
    net_error,
    text_of,
    true,
    type_name,
)

if t.TYPE_CHECKING:
    from ._powershell import PowerShell

__all__ = ["ArrayList", "NetType", "ScriptBlockType", "convert", "enum", "find_type", "is_of", "parse_date", "register"]

Static = c.Callable[..., t.Any]


class ArrayList(NetList):
    """A System.Collections.ArrayList, whose Add gives back an index."""


class NetType(NetObject):
    """A type: `properties` and `methods` are its static ones (called with the shell first), `new` its constructor."""

    TYPE = "System.RuntimeType"

    def __init__(
        self,
        name: str,
        *,
        new: Static | None = None,
        methods: c.Mapping[str, Static] | None = None,
        properties: c.Mapping[str, Static] | None = None,
        setters: c.Mapping[str, Static] | None = None,
        members: EnumType | None = None,
        cast: Static | None = None,
    ) -> None:
        self.name, self.new, self.members, self.cast = name, new, members, cast
        self.methods = {key.lower(): value for key, value in (methods or {}).items()}
        self.properties = {key.lower(): value for key, value in (properties or {}).items()}
        self.setters = {key.lower(): value for key, value in (setters or {}).items()}

    def get_fullname(self) -> str:
        return self.name

    def get_name(self) -> str:
        return self.name.rpartition(".")[2]

    def do_equals(self, other: t.Any) -> bool:
        return isinstance(other, NetType) and other.name.lower() == self.name.lower()

    def static(self, shell: PowerShell, name: str) -> t.Any:
        """A static property, or a value of an enumeration."""
        if self.members is not None:
            try:
                return self.members.named(name)
            except KeyError:
                raise Limit(f"the value {name} of {self.name}") from None
        if name.lower() not in self.properties:
            raise Limit(f"the static property {name} of {self.name}")
        return self.properties[name.lower()](shell)

    def __str__(self) -> str:
        return self.name


_TYPES: dict[str, NetType] = {}
_SHORT: t.Final[c.Mapping[str, str]] = {
    "int": "System.Int32", "int32": "System.Int32", "long": "System.Int64", "string": "System.String",
    "bool": "System.Boolean", "byte": "System.Byte", "char": "System.Char", "double": "System.Double",
    "object": "System.Object", "datetime": "System.DateTime", "guid": "System.Guid", "array": "System.Array",
    "hashtable": "System.Collections.Hashtable", "pscustomobject": "System.Management.Automation.PSCustomObject",
    "psobject": "System.Management.Automation.PSCustomObject", "type": "System.Type", "void": "System.Void",
    "scriptblock": "System.Management.Automation.ScriptBlock", "switch": "System.Management.Automation.SwitchParameter",
    "ipaddress": "System.Net.IPAddress", "regex": "System.Text.RegularExpressions.Regex", "uint32": "System.UInt32",
    "math": "System.Math", "timespan": "System.TimeSpan", "securestring": "System.Security.SecureString",
    "pscredential": "System.Management.Automation.PSCredential", "ordered": "ordered", "uint16": "System.UInt16",
    "int16": "System.Int16", "uint64": "System.UInt64",
}  # fmt: skip


def register(kind: NetType) -> NetType:
    """Make a type known by its full name."""
    _TYPES[kind.name.lower()] = kind
    return kind


def enum(name: str, members: c.Mapping[str, int], *, flags: bool = False) -> EnumType:
    """Make an enumeration known."""
    made = EnumType(name, members, flags=flags)
    register(NetType(name, members=made))
    return made


def find_type(name: str) -> NetType:
    """A type by its name, `System.` may be left out; a limit when it is not known here."""
    bare = re.sub(r"\s", "", name)
    if bare.endswith("[]"):
        inside = find_type(bare[:-2])
        return NetType(inside.name + "[]")
    low = bare.lower()
    if match := re.fullmatch(r"(?:system\.)?collections\.generic\.list\[(.+)\]", low):
        return NetType(f"System.Collections.Generic.List`1[{match[1]}]", new=lambda _shell, *args: _list(*args))
    full = _SHORT.get(low, low).lower()
    for candidate in (full, f"system.{full}", f"system.management.automation.{full}"):
        if candidate in _TYPES:
            return _TYPES[candidate]
    raise Limit(f"the type [{bare}]")


def _list(start: t.Any = None) -> NetList:
    return NetList(start if isinstance(start, list) else [])


def is_of(value: t.Any, kind: NetType) -> bool:
    """`-is`."""
    low = kind.name.lower()
    if low == "system.object":
        return value is not None and value is not VOID
    if low == "system.array":
        return (isinstance(value, list) and not isinstance(value, NetList)) or isinstance(value, bytes | bytearray)
    if isinstance(value, NetObject):
        return low in {name.lower() for name in value.type_names()}
    if low.endswith("[]") and isinstance(value, list):
        return low == "system.object[]"
    return type_name(value).lower() == low


# -- casts -------------------------------------------------------------------------------------------------------


def _bad_cast(value: t.Any, kind: str) -> Exception:
    shown = f'Cannot convert the "{text_of(value)}" value of type "{type_name(value)}" to type "{kind}".'
    return net_error("System.Management.Automation.PSInvalidCastException", shown)


def _ranged(low: int, high: int, kind: str) -> Static:
    def cast(_shell: PowerShell, value: t.Any) -> int:
        number = as_int(value)
        if not low <= number <= high:
            raise net_error(
                "System.Management.Automation.PSInvalidCastException",
                f'Cannot convert value "{text_of(value)}" to type "{kind}". Error: "Value was either too large or too'
                f' small for {"an" if "Int" in kind else "a"} {kind.rpartition(".")[2]}."',
            )
        return number

    return cast


def _to_char(_shell: PowerShell, value: t.Any) -> Char:
    if isinstance(value, str):
        if len(value) != 1:
            raise _bad_cast(value, "System.Char")
        return Char(value)
    return Char(chr(as_int(value)))


_DATES: t.Final = (
    "%Y-%m-%d %H:%M:%S",
    "%Y-%m-%dT%H:%M:%S",
    "%Y-%m-%dT%H:%M:%S.%f",
    "%Y-%m-%d",
    "%m/%d/%Y %H:%M:%S",
    "%m/%d/%Y",
)


def parse_date(shell: PowerShell, text: str) -> DateTime:
    """A date's text; with a zone it becomes one of this computer's own zone, as .NET does it."""
    match = re.fullmatch(r"(.+?)(Z|[+-]\d\d:\d\d)?", text.strip())
    assert match is not None
    bare = re.sub(r"(\.\d{6})\d+", r"\1", match[1])
    for pattern in _DATES:
        try:
            value = dt.datetime.strptime(bare, pattern)  # noqa: DTZ007 - .NET's dates have a kind instead
        except ValueError:
            continue
        if not match[2]:
            return DateTime(value, "Unspecified", shell.zone)
        if match[2] != "Z":
            minutes = int(match[2][1:3]) * 60 + int(match[2][4:])
            value -= dt.timedelta(minutes=-minutes if match[2][0] == "-" else minutes)
        return DateTime(value + shell.zone, "Local", shell.zone)
    raise net_error("System.FormatException", "String was not recognized as a valid DateTime.")


def _to_date(shell: PowerShell, value: t.Any) -> DateTime:
    if isinstance(value, DateTime):
        return value
    if not isinstance(value, str):
        raise _bad_cast(value, "System.DateTime")
    return parse_date(shell, value)


def _to_custom(_shell: PowerShell, value: t.Any) -> t.Any:
    if isinstance(value, HashTable):
        return PsObject({text_of(key): item for key, item in value.pairs()})
    return value


def _to_ordered(_shell: PowerShell, value: t.Any) -> HashTable:
    table = HashTable(ordered=True)
    for key, item in value.pairs():
        table[key] = item
    return table


def _to_table(_shell: PowerShell, value: t.Any) -> HashTable | None:
    if value is None or isinstance(value, HashTable):
        return value
    raise _bad_cast(value, "System.Collections.Hashtable")


def _to_type(_shell: PowerShell, value: t.Any) -> NetType:
    return value if isinstance(value, NetType) else find_type(text_of(value))


_CASTS: t.Final[c.Mapping[str, Static]] = {
    "System.Int32": _ranged(-(1 << 31), (1 << 31) - 1, "System.Int32"),
    "System.Int64": _ranged(-(1 << 63), (1 << 63) - 1, "System.Int64"),
    "System.Int16": _ranged(-(1 << 15), (1 << 15) - 1, "System.Int16"),
    "System.UInt16": _ranged(0, (1 << 16) - 1, "System.UInt16"),
    "System.UInt32": _ranged(0, (1 << 32) - 1, "System.UInt32"),
    "System.UInt64": _ranged(0, (1 << 64) - 1, "System.UInt64"),
    "System.Byte": _ranged(0, 255, "System.Byte"),
    "System.Double": lambda _shell, value: float(as_number(value)),
    "System.Boolean": lambda _shell, value: true(value),
    "System.Management.Automation.SwitchParameter": lambda _shell, value: true(value),
    "System.Char": _to_char,
    "System.DateTime": _to_date,
    "System.Object": lambda _shell, value: value,
    "System.Array": lambda _shell, value: list(as_list(value)),
    "System.Collections.Hashtable": _to_table,
    "System.Management.Automation.PSCustomObject": _to_custom,
    "ordered": _to_ordered,
    "System.Type": _to_type,
    "System.Void": lambda _shell, _value: VOID,
}
for _name, _cast in _CASTS.items():
    register(NetType(_name, cast=_cast))


class ScriptBlockType:
    """What a script block is; the shell's own class derives from it, so that casts know it."""


def _to_block(shell: PowerShell, value: t.Any) -> t.Any:
    if isinstance(value, ScriptBlockType):
        return value
    return shell.block_of(text_of(value))


register(
    NetType(
        "System.Management.Automation.ScriptBlock",
        cast=_to_block,
        methods={"Create": lambda shell, text: shell.block_of(text_of(text))},
    )
)


def convert(shell: PowerShell, value: t.Any, kind: NetType) -> t.Any:
    """`[kind]value`."""
    value = None if value is VOID else value
    if kind.name == "System.String":
        return text_of(value)
    if kind.name.endswith("[]"):
        return _to_array(shell, value, kind)
    if kind.cast is not None:
        return kind.cast(shell, value)
    if kind.members is not None:
        return _to_enum(value, kind)
    if value is None or is_of(value, kind):
        return value
    if kind.new is not None:
        # One constructor with one argument: so PowerShell converts what it has no other way for.
        return kind.new(shell, value)
    raise _bad_cast(value, kind.name)


def _to_array(shell: PowerShell, value: t.Any, kind: NetType) -> t.Any:
    if value is None:
        return None
    inner = find_type(kind.name[:-2])
    if inner.name == "System.Byte":
        return value if isinstance(value, bytes) else bytes(convert(shell, item, inner) for item in as_list(value))
    if inner.name == "System.Char" and isinstance(value, str):
        return [Char(sign) for sign in value]
    return [convert(shell, item, inner) for item in as_list(value)]


def _to_enum(value: t.Any, kind: NetType) -> Enum:
    assert kind.members is not None
    if isinstance(value, Enum) and value.kind is kind.members:
        return value
    if isinstance(value, int):
        return Enum(kind.members, value)
    try:
        return kind.members.parse(",".join(text_of(item) for item in as_list(value)))
    except KeyError:
        names = ",".join(kind.members.members)
        raise net_error(
            "System.Management.Automation.PSInvalidCastException",
            f'Cannot convert value "{text_of(value)}" to type "{kind.name}". Error: "Unable to match the identifier'
            f" name {text_of(value)} to a valid enumerator name. Specify one of the following enumerator names and try"
            f' again:{names}"',
        ) from None
