# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Properties and methods of values that are Python's own here: strings, numbers, arrays; and of all others."""

from __future__ import annotations

import collections.abc as c
import typing as t

from ._powershell_text import format_text, format_value
from ._powershell_types import ArrayList, NetType, find_type, register
from ._powershell_values import (
    VOID,
    Char,
    ErrorRecord,
    HashTable,
    Limit,
    NetException,
    NetList,
    NetObject,
    NotedString,
    PsError,
    PsObject,
    as_int,
    items_of,
    net_error,
    same,
    text_of,
    true,
    type_name,
)

if t.TYPE_CHECKING:
    from ._powershell import PowerShell

__all__ = ["call_method", "get_property", "set_property"]


class _Property(NetObject):
    """An entry of `$x.psobject.Properties`."""

    TYPE = "System.Management.Automation.PSNoteProperty"

    def __init__(self, name: str, value: t.Any) -> None:
        self.name, self.value = name, value

    def get_name(self) -> str:
        return self.name

    def get_value(self) -> t.Any:
        return self.value


class _Properties(NetList):
    """`$x.psobject.Properties`, which is also looked into by name."""


def _psobject(value: t.Any) -> PsObject:
    pairs = value.pairs() if isinstance(value, PsObject) else []
    if isinstance(value, NotedString):
        pairs = [*value.notes.pairs(), ("Length", len(value))]
    if isinstance(value, NetObject) and not isinstance(value, PsObject):
        pairs = [(name, value.get(name)) for name in value.PROPERTIES]
    found = _Properties(_Property(name, item) for name, item in pairs)
    return PsObject({"Properties": found, "TypeNames": [type_name(value)], "BaseObject": _base(value)})


def _base(value: t.Any) -> t.Any:
    return str(value) if isinstance(value, NotedString) else value


def _missing(name: str) -> PsError:
    exception = NetException(
        "System.Management.Automation.PropertyNotFoundException",
        f"The property '{name}' cannot be found on this object. Verify that the property exists.",
    )
    return PsError(ErrorRecord(exception, error_id="PropertyNotFoundStrict", category="NotSpecified"))


def get_property(shell: PowerShell, value: t.Any, name: str) -> t.Any:
    """`value.name`; an array without such a property gives those of its elements."""
    low = name.lower()
    if low == "psobject" and value is not None:
        return _psobject(value)
    if isinstance(value, list | bytes | bytearray):
        return _of_array(shell, value, low, name)
    if isinstance(value, NetObject):
        return _of_object(shell, value, low, name)
    if isinstance(value, NotedString) and value.notes.has(name):
        return value.notes.get(name)
    return len(value) if isinstance(value, str) and low == "length" else _of_simple(shell, value, low, name)


def _of_simple(shell: PowerShell, value: t.Any, low: str, name: str) -> t.Any:
    """What every value has, though it is no array."""
    if low in {"count", "length"} and not shell.strict:
        return 0 if value is None or value is VOID else 1
    if shell.strict:
        raise _missing(name)
    return None


def _of_array(shell: PowerShell, value: list[t.Any] | bytes | bytearray, low: str, name: str) -> t.Any:
    if low in {"count", "length"}:
        return len(value)
    found: list[t.Any] = []
    for item in value:
        if isinstance(item, NetObject) or (isinstance(item, NotedString) and item.notes.has(low)):
            found += items_of(get_property(shell, item, name))
        elif isinstance(item, str) and low == "length":
            found.append(len(item))
    if not found:
        if shell.strict:
            raise _missing(name)
        return VOID
    return found[0] if len(found) == 1 else found


def _of_object(shell: PowerShell, value: NetObject, low: str, name: str) -> t.Any:
    counted = low in {"count", "length"} and not hasattr(value, f"get_{low}")
    if isinstance(value, PsObject):
        if value.has(name):
            return value.get(name)
        if shell.strict:
            raise _missing(name)
        return 1 if counted else None
    if isinstance(value, HashTable) and name not in value and shell.strict and not hasattr(value, f"get_{low}"):
        raise _missing(name)
    return 1 if counted and not isinstance(value, HashTable) else value.get(name)


def set_property(value: t.Any, name: str, new: t.Any) -> None:
    """`value.name = new`."""
    if isinstance(value, NetObject):
        value.set(name, new)
        return
    raise net_error(
        "System.Management.Automation.RuntimeException",
        f"The property '{name}' cannot be found on this object. Verify that the property exists and can be set.",
    )


# -- methods -----------------------------------------------------------------------------------------------------


def _split(text: str, *args: t.Any) -> list[t.Any]:
    options = 0
    if len(args) > 1:
        options = 1 if same("RemoveEmptyEntries", text_of(args[1])) or args[1] == 1 else 0
    signs = "".join(text_of(item) for item in items_of(args[0])) if args else " \t\r\n"
    parts, part = [], ""
    for sign in text:
        if sign in signs:
            parts.append(part)
            part = ""
        else:
            part += sign
    return [one for one in [*parts, part] if one or not options]


def _substring(text: str, start: t.Any, length: t.Any = None) -> str:
    begin, count = as_int(start), len(text) - as_int(start) if length is None else as_int(length)
    if begin < 0 or count < 0 or begin + count > len(text):
        raise net_error(
            "System.ArgumentOutOfRangeException",
            "Index and length must refer to a location within the string.\r\nParameter name: length",
        )
    return text[begin : begin + count]


def _compared(text: str, other: t.Any, kind: t.Any, test: c.Callable[[str, str], bool]) -> bool:
    one, two = text, text_of(other)
    if kind is not None and "ignorecase" in text_of(kind).lower():
        one, two = one.lower(), two.lower()
    return test(one, two)


def _signs(args: tuple[t.Any, ...]) -> str | None:
    return "".join(text_of(item) for arg in args for item in items_of(arg)) if args else None


_STRING: t.Final[c.Mapping[str, c.Callable[..., t.Any]]] = {
    "trim": lambda text, *args: text.strip(_signs(args)),
    "trimstart": lambda text, *args: text.lstrip(_signs(args)),
    "trimend": lambda text, *args: text.rstrip(_signs(args)),
    "toupper": lambda text: text.upper(),
    "tolower": lambda text: text.lower(),
    "toupperinvariant": lambda text: text.upper(),
    "tolowerinvariant": lambda text: text.lower(),
    "split": _split,
    "substring": _substring,
    "replace": lambda text, old, new: text.replace(text_of(old), text_of(new)),
    "startswith": lambda text, other, kind=None: _compared(text, other, kind, str.startswith),
    "endswith": lambda text, other, kind=None: _compared(text, other, kind, str.endswith),
    "contains": lambda text, other: text_of(other) in text,
    "equals": lambda text, other, kind=None: _compared(text, other, kind, lambda one, two: one == two),
    "indexof": lambda text, other, start=0: text.find(text_of(other), as_int(start)),
    "lastindexof": lambda text, other: text.rfind(text_of(other)),
    "padleft": lambda text, width, sign=" ": text.rjust(as_int(width), sign),
    "padright": lambda text, width, sign=" ": text.ljust(as_int(width), sign),
    "insert": lambda text, at, other: text[: as_int(at)] + text_of(other) + text[as_int(at) :],
    "remove": lambda text, at, count=None: text[: as_int(at)] + ("" if count is None else text[as_int(at) + as_int(count) :]),  # noqa: E501
    "tochararray": lambda text: [Char(sign) for sign in text],
    "tostring": lambda text, *_culture: str(text),
    "compareto": lambda text, other: (text > text_of(other)) - (text < text_of(other)),
}  # fmt: skip


def _fixed(*_args: t.Any) -> t.Any:
    raise net_error("System.NotSupportedException", "Collection was of a fixed size.")


def _add(items: list[t.Any], item: t.Any) -> t.Any:
    if not isinstance(items, NetList):
        return _fixed()
    items.append(item)
    return len(items) - 1 if isinstance(items, ArrayList) else VOID


def _grow(items: list[t.Any], more: t.Any) -> t.Any:
    if not isinstance(items, NetList):
        return _fixed()
    items.extend(items_of(more))
    return VOID


def _clear(items: list[t.Any]) -> t.Any:
    items[:] = [] if isinstance(items, NetList) else [None] * len(items)
    return VOID


def _remove_at(items: list[t.Any], at: t.Any) -> t.Any:
    if not isinstance(items, NetList):
        return _fixed()
    del items[as_int(at)]
    return VOID


def _index(items: list[t.Any], item: t.Any) -> int:
    return next((at for at, one in enumerate(items) if same(one, item, case=True)), -1)


_ARRAY: t.Final[c.Mapping[str, c.Callable[..., t.Any]]] = {
    "add": _add,
    "addrange": _grow,
    "clear": _clear,
    "removeat": _remove_at,
    "contains": lambda items, item: _index(items, item) >= 0,
    "indexof": _index,
    "toarray": list,
    "clone": list,
    "getenumerator": list,
    "getlength": lambda items, _dimension: len(items),
    "equals": lambda items, other: items is other,
    "tostring": type_name,
}


def _number_text(value: t.Any, pattern: str = "", culture: t.Any = None) -> str:
    del culture
    return format_value(value, text_of(pattern))


_NUMBER: t.Final[c.Mapping[str, c.Callable[..., t.Any]]] = {
    "tostring": _number_text,
    "equals": same,
}


def call_method(shell: PowerShell, value: t.Any, name: str, args: list[t.Any]) -> t.Any:
    """`value.name(args)`; an array without such a method calls that of each element."""
    low = name.lower()
    if value is None or value is VOID:
        exception = NetException(
            "System.Management.Automation.RuntimeException", "You cannot call a method on a null-valued expression."
        )
        raise PsError(ErrorRecord(exception, error_id="InvokeMethodOnNull", category="InvalidOperation"))
    if low == "gettype" and not args:
        return _type_of(value)
    if low in {"where", "foreach"} and args:
        return _each(shell, low, value, args[0])
    if isinstance(value, NetObject):
        return value.call(name, args)
    if isinstance(value, list | bytes | bytearray):
        return _call_array(shell, value, name, args)
    table = _STRING if isinstance(value, str) else _NUMBER
    return _call(table, low, value, args)


def _type_of(value: t.Any) -> NetType:
    name = type_name(value)
    try:
        return find_type(name)
    except Limit:
        return NetType(name)


def _each(shell: PowerShell, low: str, value: t.Any, block: t.Any) -> list[t.Any]:
    found: list[t.Any] = []
    for item in items_of(value):
        result = shell.run_with_item(block, item)
        if low == "foreach":
            found += result
        elif true(result):
            found.append(item)
    return found


def _call_array(shell: PowerShell, value: list[t.Any] | bytes | bytearray, name: str, args: list[t.Any]) -> t.Any:
    method = getattr(value, f"do_{name.lower()}", None)
    if method is not None:
        return method(*args)
    items = list(value) if isinstance(value, bytes | bytearray) else value
    if name.lower() in _ARRAY:
        return _call(_ARRAY, name.lower(), items, args)
    if not items:
        return VOID
    results = [one for item in items for one in items_of(call_method(shell, item, name, args))]
    return results[0] if len(results) == 1 else results or VOID


def _call(table: c.Mapping[str, c.Callable[..., t.Any]], low: str, value: t.Any, args: list[t.Any]) -> t.Any:
    if low not in table:
        raise Limit(f"the method {low} of {type_name(value)}")
    try:
        return table[low](value, *args)
    except TypeError as error:
        if "positional argument" not in str(error):
            raise
        raise Limit(f"{type_name(value)}.{low} with {len(args)} arguments") from error


# The static half of strings stands here, beside the other.
register(
    NetType(
        "System.String",
        methods={
            "IsNullOrEmpty": lambda _shell, text: not text_of(text),
            "IsNullOrWhiteSpace": lambda _shell, text: not text_of(text).strip(),
            "Join": lambda _shell, sign, *items: text_of(sign).join(
                text_of(one) for item in items for one in items_of(item)
            ),
            "Format": lambda _shell, pattern, *values: format_text(text_of(pattern), values),
            "Equals": lambda _shell, one, two, kind=None: _compared(text_of(one), two, kind, lambda a, b: a == b),
            "Concat": lambda _shell, *items: "".join(text_of(item) for item in items),
        },
        properties={"Empty": lambda _shell: ""},
    )
)
