# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Types of .NET that have to do with texts, times, files and the computer."""

from __future__ import annotations

import base64
import binascii
import collections.abc as c
import datetime as dt
import ntpath
import re
import secrets
import string
import typing as t
import uuid

from ._powershell_operators import TimeSpan
from ._powershell_text import regex, replacement
from ._powershell_types import ArrayList, NetType, enum, parse_date, register
from ._powershell_values import (
    VOID,
    DateTime,
    Enum,
    Limit,
    NetException,
    NetObject,
    PsObject,
    as_int,
    as_number,
    items_of,
    net_error,
    text_of,
)

if t.TYPE_CHECKING:
    from ._powershell import PowerShell

__all__ = ["Encoding", "Guid", "new_date", "now"]


def _bytes(value: t.Any) -> bytes:
    return value if isinstance(value, bytes) else bytes(as_int(item) for item in items_of(value))


# -- time --------------------------------------------------------------------------------------------------------


def now(shell: PowerShell, kind: str) -> DateTime:
    """The computer's time now."""
    return new_date(shell, dt.datetime.fromtimestamp(shell.host.now(), dt.UTC), kind)


def new_date(shell: PowerShell, value: dt.datetime, kind: str) -> DateTime:
    """A DateTime of a time with a zone."""
    utc = value.astimezone(dt.UTC)
    return DateTime(utc + shell.zone if kind == "Local" else utc, kind, shell.zone)


def _date_of(shell: PowerShell, *args: t.Any) -> DateTime:
    numbers = [as_int(arg) for arg in args[:6]]
    kind = text_of(args[6]) if len(args) > 6 else "Unspecified"
    return DateTime(dt.datetime(*numbers), kind, shell.zone)  # type: ignore[arg-type]  # noqa: DTZ001


register(
    NetType(
        "System.DateTime",
        new=_date_of,
        cast=lambda shell, value: value if isinstance(value, DateTime) else parse_date(shell, text_of(value)),
        methods={"Parse": lambda shell, text, *_culture: parse_date(shell, text_of(text))},
        properties={
            "UtcNow": lambda shell: now(shell, "Utc"),
            "Now": lambda shell: now(shell, "Local"),
        },
    )
)
register(
    NetType(
        "System.TimeSpan",
        methods={
            "FromSeconds": lambda _shell, number: TimeSpan(dt.timedelta(seconds=float(as_number(number)))),
            "FromMinutes": lambda _shell, number: TimeSpan(dt.timedelta(minutes=float(as_number(number)))),
            "FromHours": lambda _shell, number: TimeSpan(dt.timedelta(hours=float(as_number(number)))),
            "FromDays": lambda _shell, number: TimeSpan(dt.timedelta(days=float(as_number(number)))),
            "FromMilliseconds": lambda _shell, number: TimeSpan(dt.timedelta(milliseconds=float(as_number(number)))),
        },
    )
)
enum("System.DateTimeKind", {"Unspecified": 0, "Utc": 1, "Local": 2})
enum("System.StringComparison", {"CurrentCulture": 0, "CurrentCultureIgnoreCase": 1, "InvariantCulture": 2, "InvariantCultureIgnoreCase": 3, "Ordinal": 4, "OrdinalIgnoreCase": 5})  # noqa: E501  # fmt: skip
enum("System.StringSplitOptions", {"None": 0, "RemoveEmptyEntries": 1}, flags=True)


class _Culture(NetObject):
    TYPE = "System.Globalization.CultureInfo"

    def __init__(self, name: str) -> None:
        self.name = name

    def get_name(self) -> str:
        return self.name


register(
    NetType(
        "System.Globalization.CultureInfo",
        properties={
            "InvariantCulture": lambda _shell: _Culture(""),
            "CurrentCulture": lambda shell: _Culture(shell.host.locale),
        },
    )
)


# -- texts -------------------------------------------------------------------------------------------------------


class Encoding(NetObject):
    """A System.Text.Encoding."""

    TYPE = "System.Text.Encoding"
    _PAGES: t.ClassVar[c.Mapping[str, int]] = {"utf-8": 65001, "utf-16-le": 1200, "ascii": 20127, "cp437": 437, "cp850": 850, "cp932": 932}  # noqa: E501  # fmt: skip

    def __init__(self, codec: str, *, mark: bool = False) -> None:
        self.codec, self.mark = codec, mark

    def get_webname(self) -> str:
        known = {"utf-16-le": "utf-16", "ascii": "us-ascii", "cp932": "shift_jis"}
        return known.get(self.codec, re.sub(r"^cp(?=\d)", "ibm", self.codec))

    def get_codepage(self) -> int:
        return self._PAGES.get(self.codec, 0)

    def do_getbytes(self, text: t.Any) -> bytes:
        return text_of(text).encode(self.codec, "replace")

    def do_getstring(self, data: t.Any, start: t.Any = 0, count: t.Any = None) -> str:
        raw = _bytes(data)
        begin = as_int(start)
        end = len(raw) if count is None else begin + as_int(count)
        return raw[begin:end].decode(self.codec, "replace")


def _encoding(_shell: PowerShell, name: t.Any) -> Encoding:
    known = {"utf-8": "utf-8", "65001": "utf-8", "utf-16": "utf-16-le", "unicode": "utf-16-le", "1200": "utf-16-le", "us-ascii": "ascii", "ascii": "ascii", "932": "cp932", "shift_jis": "cp932", "437": "cp437", "850": "cp850"}  # noqa: E501  # fmt: skip
    low = text_of(name).lower()
    if low not in known:
        raise Limit(f"the encoding {text_of(name)}")
    return Encoding(known[low])


register(
    NetType(
        "System.Text.Encoding",
        methods={"GetEncoding": _encoding},
        properties={
            "UTF8": lambda _shell: Encoding("utf-8", mark=True),
            "ASCII": lambda _shell: Encoding("ascii"),
            "Unicode": lambda _shell: Encoding("utf-16-le", mark=True),
        },
    )
)
register(NetType("System.Text.UTF8Encoding", new=lambda _shell, mark=False: Encoding("utf-8", mark=bool(mark))))


def _from_base64(_shell: PowerShell, text: t.Any) -> bytes:
    bare = re.sub(r"[ \t\r\n]", "", text_of(text))
    try:
        return base64.b64decode(bare, validate=True)
    except binascii.Error as error:
        raise net_error(
            "System.FormatException",
            "The input is not a valid Base-64 string as it contains a non-base 64 character, more than two padding"
            " characters, or an illegal character among the padding characters. ",
        ) from error


def _to_base64(_shell: PowerShell, data: t.Any, options: t.Any = None) -> str:
    raw = _bytes(data)
    if options is not None and text_of(options).lower() == "insertlinebreaks":
        text = base64.b64encode(raw).decode()
        return "\r\n".join(text[at : at + 76] for at in range(0, len(text), 76))
    return base64.b64encode(raw).decode()


enum("System.Base64FormattingOptions", {"None": 0, "InsertLineBreaks": 1}, flags=True)
register(
    NetType(
        "System.Convert",
        methods={
            "FromBase64String": _from_base64,
            "ToBase64String": _to_base64,
            "ToString": lambda _shell, value, base=10: format(as_int(value), {16: "x", 2: "b", 8: "o", 10: "d"}[base]),
            "ToInt32": lambda _shell, value, base=10: int(text_of(value), base),
            "ToByte": lambda _shell, value, base=10: int(text_of(value), base),
        },
    )
)
register(
    NetType(
        "System.BitConverter",
        methods={"ToString": lambda _shell, data: "-".join(f"{one:02X}" for one in _bytes(data))},
    )
)


class _Match(NetObject):
    TYPE = "System.Text.RegularExpressions.Match"

    def __init__(self, match: re.Match[str] | None, number: int | str = 0) -> None:
        self.match, self.number = match, number

    def get_success(self) -> bool:
        return self.match is not None and self.match[self.number] is not None

    def get_value(self) -> str:
        return (self.match[self.number] or "") if self.match else ""

    def get_name(self) -> str:
        return str(self.number)

    def get_index(self) -> int:
        return self.match.start(self.number) if self.match else 0

    def get_groups(self) -> list[t.Any]:
        if self.match is None:
            return [_Match(None)]
        names = {number: name for name, number in self.match.re.groupindex.items()}
        return [_Match(self.match, names.get(at, at)) for at in range(len(self.match.groups()) + 1)]

    def __str__(self) -> str:
        return self.get_value()


class _Regex(NetObject):
    TYPE = "System.Text.RegularExpressions.Regex"

    def __init__(self, pattern: str, *, case: bool = True) -> None:
        self.pattern, self.compiled = pattern, regex(pattern, case)

    def do_ismatch(self, text: t.Any) -> bool:
        return self.compiled.search(text_of(text)) is not None

    def do_match(self, text: t.Any) -> _Match:
        return _Match(self.compiled.search(text_of(text)))

    def do_matches(self, text: t.Any) -> list[t.Any]:
        return [_Match(one) for one in self.compiled.finditer(text_of(text))]

    def do_replace(self, text: t.Any, new: t.Any) -> str:
        return self.compiled.sub(replacement(text_of(new)), text_of(text))

    def __str__(self) -> str:
        return self.pattern


def _regex(pattern: t.Any, options: t.Any = None) -> _Regex:
    words = {word.strip().lower() for word in text_of(options).split(",")} - {"", "none"}
    if words - {"ignorecase", "cultureinvariant"}:
        raise Limit(f"the regular expression options {text_of(options)}")
    return _Regex(text_of(pattern), case="ignorecase" not in words)


enum("System.Text.RegularExpressions.RegexOptions", {"None": 0, "IgnoreCase": 1, "Multiline": 2, "Singleline": 16, "CultureInvariant": 512}, flags=True)  # noqa: E501  # fmt: skip
register(
    NetType(
        "System.Text.RegularExpressions.Regex",
        new=lambda _shell, pattern, options=None: _regex(pattern, options),
        methods={
            "IsMatch": lambda _shell, text, pattern, options=None: _regex(pattern, options).do_ismatch(text),
            "Match": lambda _shell, text, pattern, options=None: _regex(pattern, options).do_match(text),
            "Matches": lambda _shell, text, pattern, options=None: _regex(pattern, options).do_matches(text),
            "Replace": lambda _shell, text, pattern, new: _regex(pattern).do_replace(text, new),
            "Escape": lambda _shell, text: re.sub(r"([\\*+?|{\[()^$.# ])", r"\\\1", text_of(text)),
            "Split": lambda _shell, text, pattern: regex(text_of(pattern), True).split(text_of(text)),
        },
    )
)


class _StringBuilder(NetObject):
    TYPE = "System.Text.StringBuilder"

    def __init__(self, text: str = "") -> None:
        self.text = text

    def do_append(self, value: t.Any) -> _StringBuilder:
        self.text += text_of(value)
        return self

    def do_appendline(self, value: t.Any = "") -> _StringBuilder:
        self.text += text_of(value) + "\r\n"
        return self

    def get_length(self) -> int:
        return len(self.text)

    def __str__(self) -> str:
        return self.text


register(NetType("System.Text.StringBuilder", new=lambda _shell, text="": _StringBuilder(text_of(text))))
register(NetType("System.Collections.ArrayList", new=lambda _shell, items=None: ArrayList(items_of(items or []))))
register(
    NetType(
        "System.Math",
        methods={
            "Max": lambda _shell, one, two: max(as_number(one), as_number(two)),
            "Min": lambda _shell, one, two: min(as_number(one), as_number(two)),
            "Abs": lambda _shell, one: abs(as_number(one)),
            "Floor": lambda _shell, one: float(as_number(one) // 1),
            "Ceiling": lambda _shell, one: float(-(-as_number(one) // 1)),
            "Round": lambda _shell, one, digits=0: round(float(as_number(one)), as_int(digits)),
        },
    )
)


class Guid(NetObject):
    """A System.Guid."""

    TYPE = "System.Guid"
    SHOWN = True

    def __init__(self, value: uuid.UUID) -> None:
        self.value = value

    def get_guid(self) -> str:
        return str(self.value)

    def do_tostring(self, pattern: str = "D") -> str:
        texts = {"D": str(self.value), "N": self.value.hex, "B": f"{{{self.value}}}", "P": f"({self.value})"}
        return texts[text_of(pattern).upper()]

    def do_equals(self, other: t.Any) -> bool:
        return isinstance(other, Guid) and other.value == self.value

    def __str__(self) -> str:
        return str(self.value)


def _guid(_shell: PowerShell, text: t.Any) -> Guid:
    if isinstance(text, Guid):
        return text
    try:
        return Guid(uuid.UUID(text_of(text)))
    except ValueError as error:
        raise net_error(
            "System.FormatException",
            "Guid should contain 32 digits with 4 dashes (xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx).",
        ) from error


register(
    NetType(
        "System.Guid",
        new=_guid,
        cast=_guid,
        methods={"NewGuid": lambda _shell: Guid(uuid.uuid4()), "Parse": _guid},
        properties={"Empty": lambda _shell: Guid(uuid.UUID(int=0))},
    )
)


# -- files and the computer --------------------------------------------------------------------------------------


def _combine(_shell: PowerShell, *parts: t.Any) -> str:
    return ntpath.join(*(text_of(part) for one in parts for part in items_of(one)))


def _random_name(_shell: PowerShell) -> str:
    signs = string.ascii_lowercase + string.digits
    name = "".join(secrets.choice(signs) for _at in range(11))
    return f"{name[:8]}.{name[8:]}"


def _temp_file(shell: PowerShell) -> str:
    _may_change(shell, shell.environment["TEMP"])
    path = f"{shell.environment['TEMP']}\\tmp{secrets.token_hex(2).upper()}.tmp"
    shell.host.files.write(path, b"")
    return path


register(
    NetType(
        "System.IO.Path",
        methods={
            "Combine": _combine,
            "GetTempPath": lambda shell: shell.environment["TEMP"] + "\\",
            "GetRandomFileName": _random_name,
            "GetTempFileName": _temp_file,
            "GetFileName": lambda _shell, path: ntpath.basename(text_of(path)),
            "GetDirectoryName": lambda _shell, path: ntpath.dirname(text_of(path)),
            "GetExtension": lambda _shell, path: ntpath.splitext(text_of(path))[1],
            "GetFileNameWithoutExtension": lambda _shell, path: ntpath.splitext(ntpath.basename(text_of(path)))[0],
        },
    )
)


def _may_change(shell: PowerShell, path: str) -> None:
    if not shell.host.may_change():
        raise net_error("System.UnauthorizedAccessException", f"Access to the path '{path}' is denied.")


def _write(shell: PowerShell, path: t.Any, data: bytes) -> t.Any:
    full = shell.host.files.full(text_of(path))
    _may_change(shell, full)
    try:
        shell.host.files.write(full, data)
    except FileNotFoundError as error:
        raise net_error(
            "System.IO.DirectoryNotFoundException", f"Could not find a part of the path '{full}'."
        ) from error
    return VOID


def _read(shell: PowerShell, path: t.Any) -> bytes:
    full = shell.host.files.full(text_of(path))
    try:
        return shell.host.files.read(full)
    except FileNotFoundError as error:
        raise net_error("System.IO.FileNotFoundException", f"Could not find file '{full}'.") from error


def _delete(shell: PowerShell, path: t.Any) -> t.Any:
    full = shell.host.files.full(text_of(path))
    if shell.host.files.is_file(full):
        _may_change(shell, full)
        shell.host.files.remove(full)
    return VOID


def _text_bytes(text: t.Any, encoding: t.Any) -> bytes:
    """File.WriteAllText: UTF-8 without a mark, or an encoding with its own."""
    if not isinstance(encoding, Encoding):
        return text_of(text).encode()
    marks = {"utf-8": b"\xef\xbb\xbf", "utf-16-le": b"\xff\xfe"}
    return (marks.get(encoding.codec, b"") if encoding.mark else b"") + encoding.do_getbytes(text)


def _read_text(shell: PowerShell, path: t.Any, encoding: t.Any = None) -> str:
    raw = _read(shell, path)
    if raw[:2] == b"\xff\xfe":
        return raw[2:].decode("utf-16-le")
    return raw.removeprefix(b"\xef\xbb\xbf").decode(
        encoding.codec if isinstance(encoding, Encoding) else "utf-8", "replace"
    )


register(
    NetType(
        "System.IO.File",
        methods={
            "WriteAllBytes": lambda shell, path, data: _write(shell, path, _bytes(data)),
            "WriteAllText": lambda shell, path, text, encoding=None: _write(shell, path, _text_bytes(text, encoding)),
            "WriteAllLines": lambda shell, path, lines, encoding=None: _write(
                shell, path, _text_bytes("".join(f"{text_of(line)}\r\n" for line in items_of(lines)), encoding)
            ),
            "ReadAllBytes": _read,
            "ReadAllText": _read_text,
            "ReadAllLines": lambda shell, path: _read_text(shell, path).splitlines(),
            "Exists": lambda shell, path: shell.host.files.is_file(text_of(path)),
            "Delete": _delete,
        },
    )
)


def _make_folder(shell: PowerShell, path: t.Any) -> t.Any:
    _may_change(shell, text_of(path))
    shell.host.files.make_folder(text_of(path))
    return VOID


register(
    NetType(
        "System.IO.Directory",
        methods={
            "Exists": lambda shell, path: shell.host.files.is_folder(text_of(path)),
            "CreateDirectory": _make_folder,
        },
    )
)


def _os_version(shell: PowerShell) -> NetObject:
    numbers = [int(part) for part in shell.host.version.split(".")]
    version = PsObject(dict(zip(("Major", "Minor", "Build", "Revision"), numbers, strict=False)))
    return PsObject({"Version": version, "VersionString": f"Microsoft Windows NT {shell.host.version}"})


register(
    NetType(
        "System.Environment",
        methods={
            "GetEnvironmentVariable": lambda shell, name, *_target: shell.environment.get(text_of(name).upper()),
            "GetFolderPath": lambda shell, name: _folder(shell, text_of(name)),
            "ExpandEnvironmentVariables": lambda shell, text: re.sub(
                r"%([^%]+)%", lambda match: shell.environment.get(match[1].upper(), match[0]), text_of(text)
            ),
        },
        properties={
            "MachineName": lambda shell: shell.environment["COMPUTERNAME"],
            "UserName": lambda shell: shell.host.account,
            "NewLine": lambda _shell: "\r\n",
            "OSVersion": _os_version,
            "Is64BitProcess": lambda _shell: True,
            "Is64BitOperatingSystem": lambda _shell: True,
        },
    )
)


def _folder(shell: PowerShell, name: str) -> str:
    known = {"commonapplicationdata": "PROGRAMDATA", "programfiles": "PROGRAMFILES", "windows": "SYSTEMROOT"}
    if name.lower() == "system":
        return "C:\\Windows\\system32"
    if name.lower() not in known:
        raise Limit(f"the folder {name}")
    return shell.environment[known[name.lower()]]


def _no_console(_shell: PowerShell, *_args: t.Any) -> t.Any:
    raise Limit("reading [Console]::In (powershell.exe reads standard input itself, for $input),")


def _set_console(shell: PowerShell, value: t.Any) -> None:
    shell.console_encoding = value.codec


def _console_write(shell: PowerShell, *args: t.Any) -> t.Any:
    shell.output.append(text_of(args[0]) if args else "")
    return VOID


class _Error(NetObject):
    """[Console]::Error."""

    TYPE = "System.IO.TextWriter"

    def __init__(self, shell: PowerShell) -> None:
        self.shell = shell

    def do_writeline(self, text: t.Any = "") -> t.Any:
        self.shell.messages.append(("raw", text_of(text) + "\r\n"))
        return VOID

    def do_write(self, text: t.Any) -> t.Any:
        self.shell.messages.append(("raw", text_of(text)))
        return VOID


register(
    NetType(
        "System.Console",
        methods={"ReadLine": _no_console, "OpenStandardInput": _no_console, "WriteLine": _console_write},
        properties={
            "OutputEncoding": lambda shell: Encoding(shell.console_encoding),
            "InputEncoding": lambda shell: Encoding(shell.host.console_encoding),
            "In": _no_console,
            "Error": _Error,
        },
        setters={"OutputEncoding": _set_console},
    )
)


def _exception(kind: str) -> NetType:
    def made(_shell: PowerShell, message: t.Any = None, inner: t.Any = None) -> NetException:
        text = f"Exception of type '{kind}' was thrown." if message is None else text_of(message)
        return NetException(kind, text, inner=inner if isinstance(inner, NetException) else None)

    return register(NetType(kind, new=made))


for _kind in (
    "System.Exception",
    "System.SystemException",
    "System.AggregateException",
    "System.ArgumentException",
    "System.ArgumentNullException",
    "System.FormatException",
    "System.IO.IOException",
    "System.IO.FileNotFoundException",
    "System.InvalidOperationException",
    "System.TimeoutException",
    "System.UnauthorizedAccessException",
    "System.Management.Automation.RuntimeException",
    "System.Management.Automation.ItemNotFoundException",
    "System.Management.Automation.MethodInvocationException",
    "System.Management.Automation.CommandNotFoundException",
    "System.Security.Authentication.AuthenticationException",
    "System.Security.Cryptography.CryptographicException",
    "System.Net.Sockets.SocketException",
):
    _exception(_kind)


_SECURITY: t.Final = enum("System.Net.SecurityProtocolType", {"SystemDefault": 0, "Ssl3": 48, "Tls": 192, "Tls11": 768, "Tls12": 3072, "Tls13": 12288}, flags=True)  # noqa: E501  # fmt: skip
register(
    NetType(
        "System.Net.ServicePointManager",
        properties={"SecurityProtocol": lambda shell: shell.statics.get("securityprotocol", Enum(_SECURITY, 0))},
        setters={"SecurityProtocol": lambda shell, value: shell.statics.__setitem__("securityprotocol", value)},
    )
)
