# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Texts of the simulated PowerShell: wildcards, regular expressions, -f, and JSON as version 5.1 writes it."""

from __future__ import annotations

import datetime as dt
import functools
import json
import re
import typing as t

from ._powershell_values import (
    VOID,
    DateTime,
    Enum,
    HashTable,
    Limit,
    NetObject,
    NotedString,
    PsObject,
    as_int,
    net_error,
    text_of,
)

__all__ = ["format_text", "from_json", "like", "regex", "replacement", "to_json", "unescape"]

_ESCAPES: t.Final = {"n": "\n", "t": "\t", "r": "\r", "0": "\0", "a": "\a", "b": "\b", "f": "\f", "v": "\v"}


def unescape(text: str) -> str:
    """What backticks and doubled quotes stand for in a string in double quotes."""
    return re.sub(r'`(.)|""', lambda m: _ESCAPES.get(m[1], m[1]) if m[1] else '"', text, flags=re.DOTALL)


@functools.lru_cache(maxsize=500)
def _wildcard(pattern: str) -> re.Pattern[str]:
    parts: list[str] = []
    for piece in re.findall(r"`.|\*|\?|\[[^\]]+\]|.", pattern, re.DOTALL):
        if piece in {"*", "?"}:
            parts.append(".*" if piece == "*" else ".")
        elif len(piece) > 1 and piece[0] == "[":
            parts.append("[" + piece[1:-1].replace("\\", "\\\\").replace("^", "\\^") + "]")
        else:
            parts.append(re.escape(piece[-1]))
    return re.compile("".join(parts), re.IGNORECASE | re.DOTALL)


def like(text: str, pattern: str, *, case: bool = False) -> bool:
    """Whether a text fits a wildcard pattern."""
    compiled = _wildcard(pattern)
    if case:
        compiled = re.compile(compiled.pattern, re.DOTALL)
    return compiled.fullmatch(text) is not None


@functools.lru_cache(maxsize=500)
def regex(pattern: str, case: bool) -> re.Pattern[str]:
    """A regular expression of .NET as Python's."""
    changed = re.sub(r"\(\?<([A-Za-z_]\w*)>", r"(?P<\1>", pattern)
    changed = re.sub(r"\\k<(\w+)>", r"(?P=\1)", changed)
    changed = changed.replace("\\Z", r"(?=\n?\Z)").replace("\\z", "\\Z")
    if re.search(r"\\[pPG]|\(\?<\w+-|\(\?\(", changed):
        raise Limit(f"the regular expression {pattern}")
    try:
        return re.compile(changed, 0 if case else re.IGNORECASE)
    except re.error as error:
        raise net_error("System.ArgumentException", f'parsing "{pattern}" - {error}.') from error


def replacement(text: str) -> t.Callable[[re.Match[str]], str]:
    """What `-replace` puts in: `$1`, `${name}`, `$&` and `$$` stand for something."""

    def one(match: re.Match[str]) -> str:
        def part(sign: re.Match[str]) -> str:
            name = sign[1] or sign[2]
            if name == "$":
                return "$"
            try:
                return match[0 if name == "&" else int(name) if name.isdigit() else name] or ""
            except IndexError:
                return sign[0]

        return re.sub(r"\$(?:(\d+|\$|&)|\{(\w+)\})", part, text)

    return one


# -- the -f operator ---------------------------------------------------------------------------------------------


def format_text(pattern: str, values: t.Sequence[t.Any]) -> str:
    """`pattern -f values`."""

    def one(match: re.Match[str]) -> str:
        if match[0] in {"{{", "}}"}:
            return match[0][0]
        if match[1] is None or int(match[1]) >= len(values):
            raise net_error(
                "System.FormatException",
                "Error formatting a string: Index (zero based) must be greater than or equal to zero and less than the"
                " size of the argument list..",
            )
        text = format_value(values[int(match[1])], match[3] or "")
        width = int(match[2] or 0)
        return text.ljust(-width) if width < 0 else text.rjust(width)

    return re.sub(r"\{\{|\}\}|\{(\d+)(?:,(-?\d+))?(?::([^{}]*))?\}|[{}]", one, pattern)


def format_value(value: t.Any, pattern: str) -> str:
    """A value in one of .NET's formats."""
    if isinstance(value, DateTime) and pattern:
        return value.formatted(pattern)
    if not pattern or not isinstance(value, int | float):
        return text_of(value)
    return _format_number(value, pattern)


def _format_number(value: float, pattern: str) -> str:
    kind, digits = pattern[0], pattern[1:]
    if not (digits.isdigit() or not digits):
        return _custom_number(value, pattern)
    if kind in "xX" and isinstance(value, int):
        number = value & 0xFFFFFFFF if value >= -(1 << 31) and value < 0 else value & 0xFFFFFFFFFFFFFFFF
        return f"{number:{kind}}".zfill(int(digits or 0))
    if kind in "dD" and isinstance(value, int):
        return ("-" if value < 0 else "") + str(abs(value)).zfill(int(digits or 0))
    if kind in "nNfF":
        return f"{value:{',' if kind in 'nN' else ''}.{digits or 2}f}"
    return _custom_number(value, pattern)


def _custom_number(value: float, pattern: str) -> str:
    match = re.fullmatch(r"(0+)(?:\.(0+))?", pattern)
    if match is None:
        raise Limit(f"the number format {pattern}")
    places = len(match[2] or "")
    return f"{value:0{len(match[1]) + (places + 1 if places else 0)}.{places}f}"


# -- JSON --------------------------------------------------------------------------------------------------------

_JSON: t.Final = {'"': '\\"', "\\": "\\\\", "\b": "\\b", "\f": "\\f", "\n": "\\n", "\r": "\\r", "\t": "\\t"}


def _quoted(text: str) -> str:
    """JavaScriptSerializer's strings: markup's own signs are escaped, other languages' letters are not."""

    def one(sign: str) -> str:
        if sign in _JSON:
            return _JSON[sign]
        if sign < " " or sign in "<>&'\x85\u2028\u2029":
            return f"\\u{ord(sign):04x}"
        return sign

    return '"' + "".join(one(sign) for sign in text) + '"'


def _milliseconds(value: DateTime) -> int:
    return (value.utc - dt.datetime(1970, 1, 1)) // dt.timedelta(milliseconds=1)  # noqa: DTZ001 - UTC without zone


def _pairs(value: t.Any) -> list[tuple[str, t.Any]] | None:
    if isinstance(value, NotedString):
        return [("value", str(value)), *value.notes.pairs()]
    if isinstance(value, HashTable):
        return [(text_of(key), item) for key, item in value.pairs()]
    return value.pairs() if isinstance(value, PsObject) else None


def _scalar(value: t.Any) -> str | None:
    if isinstance(value, NotedString):
        return None
    if isinstance(value, str):
        return _quoted(value)
    if isinstance(value, DateTime):
        return f'"\\/Date({_milliseconds(value)})\\/"'
    if isinstance(value, Enum):
        return str(value.value)
    return _simple(value)


def _simple(value: t.Any) -> str | None:
    if value is None or value is VOID:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, int | float) else None


def to_json(value: t.Any, *, depth: int, compress: bool) -> str:
    """ConvertTo-Json of Windows PowerShell 5.1, with its alignment below each name."""
    return _json(value, depth, compress, 0)


def _json(value: t.Any, depth: int, compress: bool, indent: int) -> str:
    simple = _scalar(value)
    if simple is not None:
        return simple
    # A string's notes are written however deep it lies: 5.1 looks at the depth for other objects only.
    if depth < 0 and not isinstance(value, NotedString):
        return _quoted(text_of(value))
    pairs = _pairs(value)
    if pairs is not None:
        return _json_object(pairs, depth, compress, indent)
    if isinstance(value, list | bytes | bytearray):
        inside = [_json(item, depth - 1, compress, indent + 4) for item in value]
        if compress:
            return "[" + ",".join(inside) + "]"
        pad = " " * (indent + 4)
        lines = ",\r\n".join(pad + item for item in inside)
        return f"[\r\n{lines}\r\n{' ' * indent}]" if inside else f"[\r\n\r\n{' ' * indent}]"
    assert isinstance(value, NetObject)
    raise Limit(f"ConvertTo-Json of {value.full_name}")


def _json_object(pairs: list[tuple[str, t.Any]], depth: int, compress: bool, indent: int) -> str:
    if compress:
        return "{" + ",".join(f"{_quoted(name)}:{_json(item, depth - 1, True, 0)}" for name, item in pairs) + "}"
    pad = " " * (indent + 4)
    lines = [
        f"{pad}{_quoted(name)}:  {_json(item, depth - 1, False, indent + 4 + len(_quoted(name)) + 3)}"
        for name, item in pairs
    ]
    return "{\r\n" + ",\r\n".join(lines) + "\r\n" + " " * indent + "}" if lines else "{\r\n\r\n" + " " * indent + "}"


def from_json(text: str, offset: dt.timedelta) -> t.Any:
    """ConvertFrom-Json of Windows PowerShell 5.1."""

    def objects(pairs: list[tuple[str, t.Any]]) -> PsObject:
        result = PsObject()
        for name, value in pairs:
            result.add(name, value)
        return result

    def dates(value: t.Any) -> t.Any:
        if isinstance(value, str) and (match := re.fullmatch(r"/Date\((-?\d+)\)/", value)):
            stamp = dt.datetime(1970, 1, 1) + dt.timedelta(milliseconds=as_int(match[1]))  # noqa: DTZ001 - UTC
            return DateTime(stamp, "Utc", offset)
        if isinstance(value, list):
            return [dates(item) for item in value]
        if isinstance(value, PsObject):
            for name, item in value.pairs():
                value.add(name, dates(item))
        return value

    try:
        return dates(json.loads(text, object_pairs_hook=objects))
    except ValueError as error:
        raise net_error("System.ArgumentException", f"Invalid JSON primitive: {text.split(maxsplit=1)[0]}.") from error
