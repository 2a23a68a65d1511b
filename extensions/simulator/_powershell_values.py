# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Values of the simulated PowerShell: what its objects are here, how they are converted and compared, and its errors.

`None` is $null; str, bool, int, float, bytes (byte[]) and list (arrays) stand for themselves; all else is a NetObject.
"""

from __future__ import annotations

import collections.abc as c
import datetime as dt
import decimal
import typing as t

__all__ = [
    "VOID",
    "Char",
    "DateTime",
    "Enum",
    "EnumType",
    "ErrorRecord",
    "HashTable",
    "Limit",
    "NetError",
    "NetException",
    "NetList",
    "NetObject",
    "NotedString",
    "PsError",
    "PsObject",
    "as_int",
    "as_list",
    "as_number",
    "items_of",
    "net_error",
    "same",
    "text_of",
    "true",
    "type_name",
]


class Limit(Exception):
    """Something that a real Windows has and the simulator has not."""

    def __init__(self, what: str) -> None:
        super().__init__(f"Limit of the simulator: {what} is not simulated.")


class NetObject:
    """An object of .NET: `get_x`, `set_x` and `do_x` are its properties and methods, in lower case.

    What it does not have is a limit of the simulator, never $null: who can tell whether the real type has it.
    """

    TYPE: t.ClassVar[str] = "System.Object"
    BASES: t.ClassVar[tuple[str, ...]] = ()
    PROPERTIES: t.ClassVar[tuple[str, ...]] = ()

    @property
    def full_name(self) -> str:
        return self.TYPE

    def type_names(self) -> tuple[str, ...]:
        """Its type and those that it derives from."""
        return (self.full_name, *self.BASES, "System.Object")

    def get(self, name: str) -> t.Any:
        getter = getattr(self, f"get_{name.lower()}", None)
        if getter is None:
            raise Limit(f"the property {name} of {self.full_name}")
        return getter()

    def set(self, name: str, value: t.Any) -> None:
        setter = getattr(self, f"set_{name.lower()}", None)
        if setter is None:
            raise Limit(f"setting the property {name} of {self.full_name}")
        setter(value)

    def call(self, name: str, args: list[t.Any]) -> t.Any:
        method = getattr(self, f"do_{name.lower()}", None)
        if method is None:
            raise Limit(f"the method {name} of {self.full_name}")
        try:
            return method(*args)
        except AttributeError:
            if None not in args:
                raise
            raise net_error("System.ArgumentNullException", "Value cannot be null.") from None
        except TypeError as error:
            if "positional argument" not in str(error):
                raise
            raise Limit(f"{self.full_name}.{name} with {len(args)} arguments") from error

    def do_tostring(self) -> str:
        return str(self)

    def do_equals(self, other: t.Any) -> bool:
        return self is other

    def __str__(self) -> str:
        return self.full_name


class _Void:
    """What a command without output yields (AutomationNull): like $null, but nothing in a pipeline."""

    def __bool__(self) -> bool:
        return False


VOID: t.Final = _Void()


class Char(str):
    """A System.Char."""

    __slots__ = ()


class NotedString(str):
    """A string with note properties, as Get-Content gives them out.

    The notes are with the wrapper that PowerShell has around the string: whatever makes a new string, or wants a string
    of .NET (a method, an operator; INFERRED: a cast), leaves them behind. So it is with Python's own operations here.
    """

    __slots__ = ("notes",)
    notes: PsObject

    @classmethod
    def made(cls, text: str, notes: PsObject) -> t.Self:
        """A string with these notes."""
        made = cls(text)
        made.notes = notes
        return made


class NetList(list[t.Any]):
    """An ArrayList or a List[T]: an array that grows."""


class HashTable(NetObject):
    """A hash table; keys that are texts are found without regard to case."""

    def __init__(self, *, ordered: bool = False) -> None:
        self.ordered = ordered
        self._items: dict[t.Any, tuple[t.Any, t.Any]] = {}

    @property
    def full_name(self) -> str:
        return "System.Collections.Specialized.OrderedDictionary" if self.ordered else "System.Collections.Hashtable"

    def type_names(self) -> tuple[str, ...]:
        return (*super().type_names(), "System.Collections.IDictionary")

    @staticmethod
    def _key(key: t.Any) -> t.Any:
        return key.lower() if isinstance(key, str) else key

    def __getitem__(self, key: t.Any) -> t.Any:
        if self.ordered and isinstance(key, int) and not isinstance(key, bool):
            values = [value for _key, value in self._items.values()]
            return values[key] if -len(values) <= key < len(values) else None
        return self._items.get(self._key(key), (None, None))[1]

    def __setitem__(self, key: t.Any, value: t.Any) -> None:
        low = self._key(key)
        self._items[low] = (self._items[low][0] if low in self._items else key, value)

    def __contains__(self, key: t.Any) -> bool:
        return self._key(key) in self._items

    def __len__(self) -> int:
        return len(self._items)

    def pairs(self) -> list[tuple[t.Any, t.Any]]:
        return list(self._items.values())

    def get(self, name: str) -> t.Any:
        if name in self:
            return self[name]
        getter = getattr(self, f"get_{name.lower()}", None)
        return getter() if getter else None

    def set(self, name: str, value: t.Any) -> None:
        self[name] = value

    def get_keys(self) -> list[t.Any]:
        return [key for key, _value in self._items.values()]

    def get_values(self) -> list[t.Any]:
        return [value for _key, value in self._items.values()]

    def get_count(self) -> int:
        return len(self._items)

    def do_add(self, key: t.Any, value: t.Any) -> t.Any:
        if key in self:
            raise net_error(
                "System.ArgumentException",
                f"Item has already been added. Key in dictionary: '{key}'  Key being added: '{key}'",
            )
        self[key] = value
        return VOID

    def do_containskey(self, key: t.Any) -> bool:
        return key in self

    def do_contains(self, key: t.Any) -> bool:
        return key in self

    def do_remove(self, key: t.Any) -> t.Any:
        self._items.pop(self._key(key), None)
        return VOID

    def do_getenumerator(self) -> list[t.Any]:
        return [PsObject({"Name": key, "Key": key, "Value": value}) for key, value in self.pairs()]


class PsObject(NetObject):
    """A PSCustomObject."""

    TYPE = "System.Management.Automation.PSCustomObject"

    def __init__(self, values: c.Mapping[str, t.Any] | None = None) -> None:
        self._values: dict[str, tuple[str, t.Any]] = {}
        for name, value in (values or {}).items():
            self.add(name, value)

    def add(self, name: str, value: t.Any) -> None:
        self._values[name.lower()] = (name, value)

    def pairs(self) -> list[tuple[str, t.Any]]:
        return list(self._values.values())

    def has(self, name: str) -> bool:
        return name.lower() in self._values

    def get(self, name: str) -> t.Any:
        return self._values.get(name.lower(), ("", None))[1]

    def set(self, name: str, value: t.Any) -> None:
        if not self.has(name):
            raise net_error(
                "System.Management.Automation.SetValueInvocationException",
                f"The property '{name}' cannot be found on this object."
                " Verify that the property exists and can be set.",
            )
        self._values[name.lower()] = (self._values[name.lower()][0], value)

    def __str__(self) -> str:
        return "@{" + "; ".join(f"{name}={text_of(value)}" for name, value in self.pairs()) + "}"


class EnumType:
    """An enumeration of .NET; flags are those whose values may be joined."""

    def __init__(self, name: str, members: c.Mapping[str, int], *, flags: bool = False) -> None:
        self.name, self.members, self.flags = name, dict(members), flags

    def named(self, name: str) -> Enum:
        low = name.strip().lower()
        for known, value in self.members.items():
            if known.lower() == low:
                return Enum(self, value)
        raise KeyError(name)

    def parse(self, text: str) -> Enum:
        total = 0
        for part in text.split(","):
            total |= self.named(part).value
        return Enum(self, total)


class Enum(NetObject):
    """A value of an enumeration."""

    def __init__(self, kind: EnumType, value: int) -> None:
        self.kind, self.value = kind, value

    @property
    def full_name(self) -> str:
        return self.kind.name

    def type_names(self) -> tuple[str, ...]:
        return (self.kind.name, "System.Enum", "System.ValueType", "System.Object")

    def __str__(self) -> str:
        for name, value in self.kind.members.items():
            if value == self.value:
                return name
        if not self.kind.flags:
            return str(self.value)
        rest, names = self.value, []
        for name, value in sorted(self.kind.members.items(), key=lambda item: -item[1]):
            if value and rest & value == value:
                names.append(name)
                rest -= value
        return str(self.value) if rest else ", ".join(reversed(names))

    def get_value__(self) -> int:
        return self.value

    def do_hasflag(self, other: t.Any) -> bool:
        flag = other.value if isinstance(other, Enum) else self.kind.parse(str(other)).value
        return self.value & flag == flag


class DateTime(NetObject):
    """A System.DateTime: a time without zone, and of which kind it is (Utc, Local, Unspecified)."""

    TYPE = "System.DateTime"

    def __init__(self, value: dt.datetime, kind: str, offset: dt.timedelta) -> None:
        # `offset` is the computer's time zone, which Local stands for.
        self.value, self.kind, self.offset = value.replace(tzinfo=None), kind, offset

    @property
    def utc(self) -> dt.datetime:
        return self.value if self.kind == "Utc" else self.value - self.offset

    def _same(self, value: dt.datetime) -> DateTime:
        return DateTime(value, self.kind, self.offset)

    def get_year(self) -> int:
        return self.value.year

    def get_month(self) -> int:
        return self.value.month

    def get_day(self) -> int:
        return self.value.day

    def get_hour(self) -> int:
        return self.value.hour

    def get_minute(self) -> int:
        return self.value.minute

    def get_second(self) -> int:
        return self.value.second

    def get_ticks(self) -> int:
        return (self.value - dt.datetime(1, 1, 1)) // dt.timedelta(microseconds=1) * 10  # noqa: DTZ001 - a naive count

    def get_kind(self) -> str:
        return self.kind

    def do_touniversaltime(self) -> DateTime:
        return DateTime(self.utc, "Utc", self.offset)

    def do_tolocaltime(self) -> DateTime:
        return self if self.kind == "Local" else DateTime(self.value + self.offset, "Local", self.offset)

    def do_addseconds(self, number: t.Any) -> DateTime:
        return self._same(self.value + dt.timedelta(seconds=float(as_number(number))))

    def do_addminutes(self, number: t.Any) -> DateTime:
        return self._same(self.value + dt.timedelta(minutes=float(as_number(number))))

    def do_addhours(self, number: t.Any) -> DateTime:
        return self._same(self.value + dt.timedelta(hours=float(as_number(number))))

    def do_adddays(self, number: t.Any) -> DateTime:
        return self._same(self.value + dt.timedelta(days=float(as_number(number))))

    def do_tostring(self, pattern: str = "G", culture: t.Any = None) -> str:
        del culture
        return self.formatted(pattern)

    def formatted(self, pattern: str) -> str:
        """Its text in one of .NET's formats, in the invariant culture."""
        value = self.value
        fraction = f"{value.microsecond * 10:07d}"
        zone = "Z" if self.kind == "Utc" else _zone(self.offset) if self.kind == "Local" else ""
        standard = {
            "o": f"{value:%Y-%m-%dT%H:%M:%S}.{fraction}{zone}",
            "s": f"{value:%Y-%m-%dT%H:%M:%S}",
            "u": f"{value:%Y-%m-%d %H:%M:%SZ}",
            "G": f"{value:%m/%d/%Y %H:%M:%S}",
            "R": f"{value:%a, %d %b %Y %H:%M:%S} GMT",
        }
        standard |= {"O": standard["o"], "r": standard["R"]}
        if pattern in standard:
            return standard[pattern]
        if len(pattern) == 1:
            raise Limit(f"the date format {pattern}")
        return self._custom(pattern, fraction, zone)

    def _custom(self, pattern: str, fraction: str, zone: str) -> str:
        value, text, at = self.value, "", 0
        fields = {
            "yyyy": f"{value:%Y}", "MM": f"{value:%m}", "dd": f"{value:%d}", "HH": f"{value:%H}",
            "mm": f"{value:%M}", "ss": f"{value:%S}", "K": zone, "zzz": _zone(self.offset), "Z": "Z", "T": "T",
        }  # fmt: skip
        while at < len(pattern):
            sign = pattern[at]
            if sign in "'\"":
                end = pattern.index(sign, at + 1)
                text, at = text + pattern[at + 1 : end], end + 1
                continue
            if sign == "\\":
                text, at = text + pattern[at + 1 : at + 2], at + 2
                continue
            end = at
            while end < len(pattern) and pattern[end] == sign:
                end += 1
            part, at = pattern[at:end], end
            if set(part) == {"f"} and len(part) <= 7:
                text += fraction[: len(part)]
            elif part in fields:
                text += fields[part]
            elif sign.isalpha():
                raise Limit(f"the date format {part}")
            else:
                text += part
        return text

    def __str__(self) -> str:
        return self.formatted("G")


def _zone(offset: dt.timedelta) -> str:
    minutes = int(offset.total_seconds() // 60)
    return f"{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02d}:{abs(minutes) % 60:02d}"


# -- errors ------------------------------------------------------------------------------------------------------

_SYSTEM: t.Final = "System.SystemException"
_RUNTIME: t.Final = "System.Management.Automation.RuntimeException"
BASES: t.Final[c.Mapping[str, str]] = {
    "System.SystemException": "System.Exception",
    "System.AggregateException": "System.Exception",
    "System.ArgumentException": _SYSTEM,
    "System.ArgumentNullException": "System.ArgumentException",
    "System.ArithmeticException": _SYSTEM,
    "System.DivideByZeroException": "System.ArithmeticException",
    "System.FormatException": _SYSTEM,
    "System.IO.IOException": _SYSTEM,
    "System.IO.FileNotFoundException": "System.IO.IOException",
    "System.IO.DirectoryNotFoundException": "System.IO.IOException",
    "System.InvalidCastException": _SYSTEM,
    "System.InvalidOperationException": _SYSTEM,
    "System.ObjectDisposedException": "System.InvalidOperationException",
    "System.Net.Sockets.SocketException": "System.ComponentModel.Win32Exception",
    "System.ComponentModel.Win32Exception": "System.Runtime.InteropServices.ExternalException",
    "System.Runtime.InteropServices.ExternalException": _SYSTEM,
    "System.Security.Authentication.AuthenticationException": _SYSTEM,
    "System.Security.Cryptography.CryptographicException": _SYSTEM,
    "System.Security.Principal.IdentityNotMappedException": _SYSTEM,
    "System.UnauthorizedAccessException": _SYSTEM,
    _RUNTIME: _SYSTEM,
    "System.Management.Automation.CommandNotFoundException": _RUNTIME,
    "System.Management.Automation.ParameterBindingException": _RUNTIME,
    "System.Management.Automation.SessionStateException": _RUNTIME,
    "System.Management.Automation.ItemNotFoundException": "System.Management.Automation.SessionStateException",
    "System.Management.Automation.DriveNotFoundException": "System.Management.Automation.SessionStateException",
    "System.Management.Automation.ExtendedTypeSystemException": _RUNTIME,
    "System.Management.Automation.MethodException": "System.Management.Automation.ExtendedTypeSystemException",
    "System.Management.Automation.MethodInvocationException": "System.Management.Automation.MethodException",
    "System.Management.Automation.PSInvalidOperationException": "System.InvalidOperationException",
    "System.Management.Automation.PSArgumentException": "System.ArgumentException",
    "System.Management.Automation.PSInvalidCastException": "System.InvalidCastException",
    "Microsoft.PowerShell.Commands.WriteErrorException": _SYSTEM,
    "Microsoft.PowerShell.Commands.ServiceCommandException": _SYSTEM,
    "Microsoft.PowerShell.Commands.ProcessCommandException": _SYSTEM,
}
_HRESULTS: t.Final[c.Mapping[str, int]] = {
    "System.ArgumentException": 0x80070057,
    "System.ArgumentNullException": 0x80004003,
    "System.FormatException": 0x80131537,
    "System.IO.IOException": 0x80131620,
    "System.IO.FileNotFoundException": 0x80070002,
    "System.IO.DirectoryNotFoundException": 0x80070003,
    "System.InvalidOperationException": 0x80131509,
    "System.ObjectDisposedException": 0x80131622,
    "System.Net.Sockets.SocketException": 0x80004005,
    "System.UnauthorizedAccessException": 0x80070005,
    "System.Exception": 0x80131500,
}


def _signed(number: int) -> int:
    return number - (1 << 32) if number >= 1 << 31 else number


class NetException(NetObject):
    """An exception of .NET."""

    def __init__(
        self, kind: str, message: str, *, inner: NetException | None = None, hresult: int | None = None, **more: t.Any
    ) -> None:
        self.kind, self.message, self.inner, self.more = kind, message, inner, more
        self.hresult = _signed(_HRESULTS.get(kind, 0x80131501) if hresult is None else hresult)

    @property
    def full_name(self) -> str:
        return self.kind

    def type_names(self) -> tuple[str, ...]:
        names, name = [], self.kind
        while name and name != "System.Exception":
            names.append(name)
            name = BASES.get(name, "System.Exception")
        return (*names, "System.Exception", "System.Object")

    def get(self, name: str) -> t.Any:
        low = name.lower()
        if low in self.more:
            return self.more[low]
        return super().get(name)

    def get_message(self) -> str:
        return self.message

    def get_innerexception(self) -> NetException | None:
        return self.inner

    def get_hresult(self) -> int:
        return self.hresult

    def do_getbaseexception(self) -> NetException:
        return self.inner.do_getbaseexception() if self.inner else self

    def __str__(self) -> str:
        return f"{self.kind}: {self.message}"


class NetError(Exception):
    """Thrown by .NET; PowerShell makes an error record of it where it was called."""

    def __init__(self, exception: NetException) -> None:
        super().__init__(exception.message)
        self.exception = exception


def net_error(kind: str, message: str, **more: t.Any) -> NetError:
    return NetError(NetException(kind, message, **more))


class ErrorRecord(NetObject):
    """What `$_` is in a catch block."""

    TYPE = "System.Management.Automation.ErrorRecord"

    def __init__(
        self,
        exception: NetException,
        *,
        error_id: str = "",
        category: str = "NotSpecified",
        target: t.Any = None,
        activity: str = "",
    ) -> None:
        self.exception, self.error_id, self.category = exception, error_id, category
        self.target, self.activity = target, activity
        self.line, self.column, self.source = 0, 0, ""

    def get_exception(self) -> NetException:
        return self.exception

    def get_fullyqualifiederrorid(self) -> str:
        return self.error_id

    def get_targetobject(self) -> t.Any:
        return self.target

    def get_categoryinfo(self) -> PsObject:
        return PsObject({"Category": self.category, "Activity": self.activity, "Reason": self._reason()})

    def get_invocationinfo(self) -> PsObject:
        return PsObject({"ScriptLineNumber": self.line, "OffsetInLine": self.column, "Line": self.source})

    def get_scriptstacktrace(self) -> str:
        return f"at <ScriptBlock>, <No file>: line {self.line}"

    def get_errordetails(self) -> None:
        return None

    def _reason(self) -> str:
        return self.exception.kind.rpartition(".")[2]

    def lines(self) -> list[str]:
        """As the console shows it."""
        head = f"{self.activity} : " if self.activity else ""
        target = f"({text_of(self.target)}:{type_name(self.target).rpartition('.')[2]})" if self.target else "(:)"
        return [
            *f"{head}{self.exception.message}".splitlines(),
            f"At line:{self.line} char:{self.column}",
            f"+ {self.source.strip()}",
            f"+ {'~' * max(1, len(self.source.strip()))}",
            f"    + CategoryInfo          : {self.category}: {target} [{self.activity}], {self._reason()}",
            f"    + FullyQualifiedErrorId : {self.error_id or self._reason()}",
            " ",
        ]

    def __str__(self) -> str:
        return self.exception.message


class PsError(Exception):
    """An error on its way up. `thrown` ends the script; another ends its statement, outside of `try` (documented)."""

    def __init__(self, record: ErrorRecord, *, thrown: bool = False) -> None:
        super().__init__(record.exception.message)
        self.record, self.thrown = record, thrown


# -- conversions -------------------------------------------------------------------------------------------------


def type_name(value: t.Any) -> str:
    """The full name of a value's type."""
    names: list[tuple[type, str]] = [
        (bool, "System.Boolean"),
        (Char, "System.Char"),
        (str, "System.String"),
        (float, "System.Double"),
        (decimal.Decimal, "System.Decimal"),
        (bytes, "System.Byte[]"),
        (bytearray, "System.Byte[]"),
        (NetList, "System.Collections.Generic.List`1[System.Object]"),
        (list, "System.Object[]"),
    ]
    for kind, name in names:
        if isinstance(value, kind):
            return name
    if isinstance(value, int):
        return "System.Int32" if -(1 << 31) <= value < 1 << 31 else "System.Int64"
    return value.full_name if isinstance(value, NetObject) else "System.Object"


def items_of(value: t.Any) -> list[t.Any]:
    """What a value is in a pipeline: an array's elements, or itself."""
    if isinstance(value, list):
        return list(value)
    if isinstance(value, bytes | bytearray):
        return list(value)
    return [] if value is VOID else [value]


def as_list(value: t.Any) -> list[t.Any]:
    """A value as the array that a parameter or a `foreach` takes it for: $null is none."""
    return [] if value is None else items_of(value)


def text_of(value: t.Any) -> str:
    """The text of a value, as in a string."""
    if value is None or value is VOID:
        return ""
    if isinstance(value, bool):
        return "True" if value else "False"
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)
    if isinstance(value, list | bytes | bytearray):
        return " ".join(text_of(item) for item in value)
    return str(value)


def true(value: t.Any) -> bool:
    """Whether a value counts as true."""
    if value is None or value is VOID:
        return False
    if isinstance(value, list | bytes | bytearray):
        return len(value) > 1 or (len(value) == 1 and true(value[0]))
    if isinstance(value, bool | int | float | str):
        return bool(value)
    if isinstance(value, Enum):
        return bool(value.value)
    return True


def _cannot_convert(value: t.Any, kind: str, why: str = "Input string was not in a correct format.") -> NetError:
    shown = f'value "{text_of(value)}" to type "{kind}". Error: "{why}"'
    return net_error("System.Management.Automation.PSInvalidCastException", f"Cannot convert {shown}")


def as_number(value: t.Any) -> int | float:
    """A value as a number, for arithmetic."""
    if value is None or value is VOID:
        return 0
    if isinstance(value, bool | int | float):
        return int(value) if isinstance(value, bool) else value
    if isinstance(value, Char):
        return ord(value)
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, str):
        return _parsed(value)
    raise _cannot_convert(value, "System.Int32", f"Cannot convert {type_name(value)}.")


def _parsed(text: str) -> int | float:
    bare = text.strip()
    try:
        if bare.lower().startswith("0x"):
            return int(bare, 16)
        return int(bare) if bare else 0
    except ValueError:
        pass
    try:
        return float(bare)
    except ValueError:
        raise _cannot_convert(text, "System.Int32") from None


def as_int(value: t.Any) -> int:
    """A value as [int]: rounded to the nearest, halves to even."""
    number = as_number(value)
    return round(number) if isinstance(number, float) else number


def same(left: t.Any, right: t.Any, *, case: bool = False) -> bool:
    """`-eq` of two single values: the right one is made the left one's type first."""
    if left is None or left is VOID or right is None or right is VOID:
        return (left is None or left is VOID) and (right is None or right is VOID)
    if isinstance(left, bool):
        return left == true(right)
    if isinstance(left, str):
        one, other = str(left), text_of(right)
        return one == other if case else one.lower() == other.lower()
    if isinstance(left, int | float):
        return _same_number(left, right)
    return _same_object(left, right)


def _same_number(left: float, right: t.Any) -> bool:
    try:
        return left == as_number(right)
    except NetError:
        return False


def _same_object(left: t.Any, right: t.Any) -> bool:
    if isinstance(left, Enum):
        return _same_enum(left, right)
    if isinstance(left, DateTime):
        return isinstance(right, DateTime) and left.value == right.value
    return bool(left.do_equals(right)) if isinstance(left, NetObject) else left is right


def _same_enum(left: Enum, right: t.Any) -> bool:
    if isinstance(right, Enum):
        return left.value == right.value
    if isinstance(right, str):
        try:
            return left.value == left.kind.parse(right).value
        except KeyError:
            return False
    return isinstance(right, int) and left.value == right
