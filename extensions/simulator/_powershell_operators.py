# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""PowerShell's binary operators."""

from __future__ import annotations

import collections.abc as c
import datetime as dt
import re
import typing as t

from ._powershell_text import like, regex, replacement
from ._powershell_types import NetType, convert, find_type, is_of
from ._powershell_values import (
    VOID,
    Char,
    DateTime,
    Enum,
    HashTable,
    Limit,
    NetError,
    NetObject,
    as_int,
    as_list,
    as_number,
    items_of,
    net_error,
    same,
    text_of,
    true,
)

if t.TYPE_CHECKING:
    from ._powershell import PowerShell

__all__ = ["TimeSpan", "arithmetic", "compare"]


class TimeSpan(NetObject):
    """A System.TimeSpan."""

    TYPE = "System.TimeSpan"

    def __init__(self, value: dt.timedelta) -> None:
        self.value = value

    def get_totalseconds(self) -> float:
        return self.value.total_seconds()

    def get_totalmilliseconds(self) -> float:
        return self.value.total_seconds() * 1000

    def get_totalminutes(self) -> float:
        return self.value.total_seconds() / 60

    def get_totalhours(self) -> float:
        return self.value.total_seconds() / 3600

    def get_totaldays(self) -> float:
        return self.value.total_seconds() / 86400

    def get_days(self) -> int:
        return int(self.value.total_seconds() / 86400)


def _add(left: t.Any, right: t.Any) -> t.Any:
    if left is None or left is VOID:
        return None if right is VOID else right
    if isinstance(left, str) and not (isinstance(left, Char) and not isinstance(right, str)):
        return left + text_of(right)
    if isinstance(left, list | bytes | bytearray):
        return [*left, *(items_of(right) if right is not None else [None])]
    if isinstance(left, HashTable) and isinstance(right, HashTable):
        table = HashTable()
        for key, value in left.pairs():
            table[key] = value
        for key, value in right.pairs():
            table.do_add(key, value)
        return table
    if isinstance(left, DateTime) and isinstance(right, TimeSpan):
        return DateTime(left.value + right.value, left.kind, left.offset)
    return as_number(left) + as_number(right)


def _subtract(left: t.Any, right: t.Any) -> t.Any:
    if isinstance(left, DateTime) and isinstance(right, DateTime):
        return TimeSpan(left.value - right.value)
    if isinstance(left, DateTime) and isinstance(right, TimeSpan):
        return DateTime(left.value - right.value, left.kind, left.offset)
    return as_number(left) - as_number(right)


def _multiply(left: t.Any, right: t.Any) -> t.Any:
    if isinstance(left, str):
        return left * as_int(right)
    if isinstance(left, list):
        return left * as_int(right)
    return as_number(left) * as_number(right)


def _divide(left: t.Any, right: t.Any) -> t.Any:
    one, two = as_number(left), as_number(right)
    if two == 0:
        raise net_error("System.DivideByZeroException", "Attempted to divide by zero.")
    if isinstance(one, int) and isinstance(two, int) and one % two == 0:
        return one // two
    return one / two


def _rest(left: t.Any, right: t.Any) -> t.Any:
    one, two = as_number(left), as_number(right)
    if two == 0:
        raise net_error("System.DivideByZeroException", "Attempted to divide by zero.")
    size = abs(one) % abs(two)
    return -size if one < 0 else size


_ARITHMETIC: t.Final[c.Mapping[str, c.Callable[[t.Any, t.Any], t.Any]]] = {
    "+": _add,
    "-": _subtract,
    "*": _multiply,
    "/": _divide,
    "%": _rest,
}


def arithmetic(sign: str, left: t.Any, right: t.Any) -> t.Any:
    """`left sign right`."""
    return _ARITHMETIC[sign](left, right)


# -- comparison --------------------------------------------------------------------------------------------------


def _order(left: t.Any, right: t.Any, case: bool) -> int:
    """Less than, equal or greater; the right value is made the left one's type first."""
    if isinstance(left, str):
        one, two = left, text_of(right)
        if not case:
            one, two = one.lower(), two.lower()
        return (one > two) - (one < two)
    if isinstance(left, DateTime) and isinstance(right, DateTime):
        return (left.value > right.value) - (left.value < right.value)
    if isinstance(left, TimeSpan) and isinstance(right, TimeSpan):
        return (left.value > right.value) - (left.value < right.value)
    if isinstance(left, NetObject) and not isinstance(left, Enum):
        raise Limit(f"comparing {left.full_name}")
    first, second = as_number(left), as_number(right)
    return (first > second) - (first < second)


_TESTS: t.Final[c.Mapping[str, c.Callable[[t.Any, t.Any, bool], bool]]] = {
    "eq": lambda left, right, case: same(left, right, case=case),
    "ne": lambda left, right, case: not same(left, right, case=case),
    "lt": lambda left, right, case: _order(left, right, case) < 0,
    "le": lambda left, right, case: _order(left, right, case) <= 0,
    "gt": lambda left, right, case: _order(left, right, case) > 0,
    "ge": lambda left, right, case: _order(left, right, case) >= 0,
    "like": lambda left, right, case: like(text_of(left), text_of(right), case=case),
    "notlike": lambda left, right, case: not like(text_of(left), text_of(right), case=case),
}


def _among(items: t.Any, one: t.Any, case: bool) -> bool:
    return any(same(item, one, case=case) for item in (items_of(items) if items is not None else [None]))


def _match(shell: PowerShell, left: t.Any, right: t.Any, case: bool, wanted: bool) -> t.Any:
    pattern = regex(text_of(right), case)
    if isinstance(left, list):
        return [item for item in left if (pattern.search(text_of(item)) is not None) == wanted]
    found = pattern.search(text_of(left))
    if found is not None:
        table = HashTable()
        names = {number: name for name, number in pattern.groupindex.items()}
        for number in range(len(found.groups()) + 1):
            if found[number] is not None:
                table[names.get(number, number)] = found[number]
        shell.set_variable("matches", table)
    return (found is not None) == wanted


def _replace(shell: PowerShell, left: t.Any, right: t.Any, case: bool) -> t.Any:
    del shell
    parts = as_list(right)
    pattern = regex(text_of(parts[0]) if parts else "", case)
    new = replacement(text_of(parts[1]) if len(parts) > 1 else "")
    if isinstance(left, list):
        return [pattern.sub(new, text_of(item)) for item in left]
    return pattern.sub(new, text_of(left))


def _split(shell: PowerShell, left: t.Any, right: t.Any, case: bool) -> list[t.Any]:
    del shell
    parts = as_list(right)
    limit = as_int(parts[1]) if len(parts) > 1 else 0
    pattern = regex(text_of(parts[0]), case)
    if len(parts) > 2:
        if text_of(parts[2]).lower() != "simplematch":
            raise Limit(f"-split with the option {text_of(parts[2])}")
        pattern = regex(re.escape(text_of(parts[0])), case)
    found: list[t.Any] = []
    for item in as_list(left):
        pieces = pattern.split(text_of(item), max(0, limit - 1)) if limit != 1 else [text_of(item)]
        found += [piece for piece in pieces if piece is not None]
    return found


def _join(shell: PowerShell, left: t.Any, right: t.Any, case: bool) -> str:
    del shell, case
    return text_of(right).join(text_of(item) for item in as_list(left))


def _type(value: t.Any) -> NetType:
    return value if isinstance(value, NetType) else find_type(text_of(value))


def _as(shell: PowerShell, left: t.Any, right: t.Any, case: bool) -> t.Any:
    del case
    try:
        return convert(shell, left, _type(right))
    except NetError:
        return None


_OTHERS: t.Final[c.Mapping[str, c.Callable[[PowerShell, t.Any, t.Any, bool], t.Any]]] = {
    "match": lambda shell, left, right, case: _match(shell, left, right, case, True),
    "notmatch": lambda shell, left, right, case: _match(shell, left, right, case, False),
    "replace": _replace,
    "split": _split,
    "join": _join,
    "contains": lambda _shell, left, right, case: _among(left, right, case),
    "notcontains": lambda _shell, left, right, case: not _among(left, right, case),
    "in": lambda _shell, left, right, case: _among(right, left, case),
    "notin": lambda _shell, left, right, case: not _among(right, left, case),
    "is": lambda _shell, left, right, _case: is_of(left, _type(right)),
    "isnot": lambda _shell, left, right, _case: not is_of(left, _type(right)),
    "as": _as,
    "and": lambda _shell, left, right, _case: true(left) and true(right),
    "xor": lambda _shell, left, right, _case: true(left) != true(right),
}
_BITS: t.Final[c.Mapping[str, c.Callable[[int, int], int]]] = {
    "band": lambda left, right: left & right,
    "bor": lambda left, right: left | right,
    "bxor": lambda left, right: left ^ right,
    "shl": lambda left, right: left << right,
    "shr": lambda left, right: left >> right,
}


def _bits(name: str, left: t.Any, right: t.Any) -> t.Any:
    if isinstance(left, Enum):
        other = right.value if isinstance(right, Enum) else as_int(right)
        return Enum(left.kind, _BITS[name](left.value, other))
    return _BITS[name](as_int(left), as_int(right))


def compare(shell: PowerShell, sign: str, left: t.Any, right: t.Any) -> t.Any:
    """`left -sign right`; an array on the left is filtered by -eq and its like."""
    name = sign.lower().lstrip("-")
    known = {*_TESTS, *_OTHERS, *_BITS}
    case = name not in known and name.startswith("c")
    if name not in known and name[:1] in {"c", "i"}:
        name = name[1:]
    if name in _BITS:
        return _bits(name, left, right)
    if name in _OTHERS:
        return _OTHERS[name](shell, left, right, case)
    if name not in _TESTS:
        raise Limit(f"the operator {sign}")
    test = _TESTS[name]
    if isinstance(left, list | bytes | bytearray):
        return [item for item in left if test(item, right, case)]
    return test(left, right, case)
