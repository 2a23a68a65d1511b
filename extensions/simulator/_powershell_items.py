# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Items of the providers: certificates below Cert:, and files and folders of C:."""

from __future__ import annotations

import fnmatch
import ntpath
import re
import typing as t

from ._powershell_access import FileSecurity, apply_security, missing_path, security_of
from ._powershell_binding import Bound, Items, cmdlet
from ._powershell_crypto import Certificate, certificate_of
from ._powershell_net import Encoding
from ._powershell_types import NetType, find_type, register
from ._powershell_values import (
    VOID,
    ErrorRecord,
    Limit,
    NetException,
    NetObject,
    NotedString,
    PsObject,
    as_int,
    as_list,
    items_of,
    net_error,
    text_of,
)
from ._windows_store import STORES

if t.TYPE_CHECKING:
    from ._powershell import PowerShell

__all__ = ["FileItem"]


class FileItem(NetObject):
    """A FileInfo or DirectoryInfo."""

    PROPERTIES = ("Name", "FullName", "Length", "Exists")

    def __init__(self, shell: PowerShell, path: str) -> None:
        self.shell, self.path = shell, shell.host.files.full(path)

    @property
    def full_name(self) -> str:
        return "System.IO.DirectoryInfo" if self.get_psiscontainer() else "System.IO.FileInfo"

    def get_name(self) -> str:
        return ntpath.basename(self.path)

    get_pschildname = get_name

    def get_fullname(self) -> str:
        return self.path

    def get_pspath(self) -> str:
        return f"Microsoft.PowerShell.Core\\FileSystem::{self.path}"

    def get_basename(self) -> str:
        return ntpath.splitext(self.get_name())[0]

    def get_extension(self) -> str:
        return ntpath.splitext(self.path)[1]

    def get_directoryname(self) -> str:
        return ntpath.dirname(self.path)

    def get_length(self) -> int:
        return len(self.shell.host.files.read(self.path))

    def get_exists(self) -> bool:
        return self.shell.host.files.exists(self.path)

    def get_psiscontainer(self) -> bool:
        return self.shell.host.files.is_folder(self.path)

    def do_getaccesscontrol(self, *_sections: t.Any) -> FileSecurity:
        return security_of(self.shell, self.path)

    def do_setaccesscontrol(self, security: t.Any) -> t.Any:
        return apply_security(self.shell, self.path, security)

    def do_delete(self) -> t.Any:
        _may_change(self.shell, self.path)
        self.shell.host.files.remove(self.path)
        return VOID

    def __str__(self) -> str:
        return self.path


register(NetType("System.IO.FileInfo", new=lambda shell, path: FileItem(shell, text_of(path))))
register(NetType("System.IO.DirectoryInfo", new=lambda shell, path: FileItem(shell, text_of(path))))
_FILE: t.Final = find_type("System.IO.File")
_FILE.methods["getaccesscontrol"] = lambda shell, path, *_sections: security_of(shell, text_of(path))
_FILE.methods["setaccesscontrol"] = lambda shell, path, security: apply_security(shell, text_of(path), security)


class _Folder(PsObject):
    """A store's or a location's item below Cert:."""

    TYPE = "System.Security.Cryptography.X509Certificates.X509Store"


def _may_change(shell: PowerShell, path: str) -> None:
    if not shell.host.may_change():
        raise net_error("System.UnauthorizedAccessException", f"Access to the path '{path}' is denied.")


def _paths(bound: Bound, items: Items, name: str = "Path") -> list[str]:
    given = as_list(bound.get("LiteralPath", bound.get(name)))
    return [_path_of(one) for one in given or items or []]


def _path_of(value: t.Any) -> str:
    if isinstance(value, Certificate):
        return f"Cert:\\LocalMachine\\{value.store}\\{value.get_thumbprint()}"
    text = text_of(value)
    text = re.sub(r"(?i)^microsoft\.powershell\.security\\certificate::", r"Cert:\\", text)
    return re.sub(r"(?i)^microsoft\.powershell\.core\\filesystem::", "", text)


def _cert_parts(path: str) -> list[str] | None:
    """The parts of a path below Cert:, or None for another."""
    text = path.replace("/", "\\")
    if not text.lower().startswith("cert:"):
        drive = re.match(r"([A-Za-z]\w+):", text)
        if drive is not None:
            raise Limit(f"the drive {drive[1]}:")
        return None
    parts = [part for part in text[5:].split("\\") if part]
    if parts and parts[0].lower() != "localmachine":
        raise Limit(f"the certificate stores of {parts[0]}")
    return parts


def _cert_items(shell: PowerShell, parts: list[str]) -> list[t.Any]:
    """What a path below Cert: names; nothing when it is not there."""
    if len(parts) < 2:
        return [_Folder({"Location": "LocalMachine"})]
    store = shell.host.stores.store_name(parts[1])
    if store is None:
        raise Limit(f"the certificate store {parts[1]}")
    if len(parts) == 2:
        return [_Folder({"Name": store})]
    entries = shell.host.stores.entries(store)
    wanted = parts[2].upper()
    return [certificate_of(shell, entry, store) for entry in entries if fnmatch.fnmatchcase(entry.thumbprint, wanted)]


def _file_items(shell: PowerShell, path: str, *, literal: bool) -> list[t.Any]:
    files = shell.host.files
    if not literal and re.search(r"[*?]", path):
        folder, pattern = ntpath.split(files.full(path))
        return [
            FileItem(shell, one)
            for one in files.children(folder)
            if fnmatch.fnmatchcase(ntpath.basename(one).lower(), pattern.lower())
        ]
    return [FileItem(shell, path)] if files.exists(path) else []


def _found(shell: PowerShell, bound: Bound, path: str) -> list[t.Any]:
    parts = _cert_parts(path)
    if parts is not None:
        return _cert_items(shell, parts)
    return _file_items(shell, path, literal=bound.has("LiteralPath"))


def _wild(path: str) -> bool:
    return "*" in path or "?" in path


@cmdlet("Get-Item", "Path:0 LiteralPath Force! Filter")
def _get_item(shell: PowerShell, bound: Bound, items: Items, out: list[t.Any]) -> None:
    for path in _paths(bound, items):
        found = _found(shell, bound, path)
        if not found and not _wild(path):
            shell.report(missing_path(path, "Get-Item"))
        out.extend(found)


@cmdlet("Test-Path", "Path:0 LiteralPath PathType|Type")
def _test_path(shell: PowerShell, bound: Bound, items: Items, out: list[t.Any]) -> None:
    given = as_list(bound.get("LiteralPath", bound.get("Path")))
    if not given and items is None:
        raise net_error(
            "System.Management.Automation.ParameterBindingException",
            "Cannot bind argument to parameter 'Path' because it is null.",
        )
    kind = bound.text("PathType", "Any").lower()
    for path in _paths(bound, items):
        found = _found(shell, bound, path) if path else []
        if kind != "any":
            found = [one for one in found if _is_container(one) == (kind == "container")]
        out.append(bool(found))


def _is_container(item: t.Any) -> bool:
    return isinstance(item, _Folder) or (isinstance(item, FileItem) and item.get_psiscontainer())


@cmdlet("Get-ChildItem", "Path:0 LiteralPath Filter:1 Recurse! Force! File! Directory! Name! Include Exclude")
def _children(shell: PowerShell, bound: Bound, items: Items, out: list[t.Any]) -> None:
    if bound.has("Include") or bound.has("Exclude"):
        raise Limit("Get-ChildItem -Include or -Exclude")
    for path in _paths(bound, items) or ["C:\\Users\\Administrator"]:
        parts = _cert_parts(path)
        found = _cert_children(shell, parts) if parts is not None else _file_children(shell, bound, path)
        if found is None:
            shell.report(missing_path(path, "Get-ChildItem"))
            continue
        out.extend(one.get_pschildname() if bound.on("Name") else one for one in found)


def _cert_children(shell: PowerShell, parts: list[str]) -> list[t.Any] | None:
    if len(parts) == 0:
        raise Limit("Cert: without a location")
    if len(parts) == 1:
        return [_Folder({"Name": name}) for name in STORES]
    found = _cert_items(shell, parts)
    if len(parts) == 2:
        return _cert_items(shell, [*parts, "*"])
    return found if found or _wild(parts[2]) else None


def _file_children(shell: PowerShell, bound: Bound, path: str) -> list[t.Any] | None:
    files = shell.host.files
    starts = [item.path for item in _file_items(shell, path, literal=bound.has("LiteralPath"))]
    if not starts:
        return [] if _wild(path) else None
    found: list[str] = []
    for start in starts:
        waiting = files.children(start) if files.is_folder(start) and not _wild(path) else [start]
        while waiting:
            one = waiting.pop(0)
            found.append(one)
            if bound.on("Recurse") and files.is_folder(one):
                waiting += files.children(one)
    pattern = bound.text("Filter").lower()
    kept = [
        one
        for one in found
        if (not pattern or fnmatch.fnmatchcase(ntpath.basename(one).lower(), pattern))
        and not (bound.on("File") and files.is_folder(one))
        and not (bound.on("Directory") and not files.is_folder(one))
    ]
    return [FileItem(shell, one) for one in kept]


@cmdlet("Remove-Item", "Path:0 LiteralPath Recurse! Force! DeleteKey! Filter")
def _remove_item(shell: PowerShell, bound: Bound, items: Items, _out: list[t.Any]) -> None:
    for path in _paths(bound, items):
        found = _found(shell, bound, path)
        if not found and not _wild(path):
            shell.report(missing_path(path, "Remove-Item"))
        for item in found:
            _remove_one(shell, bound, item, path)


def _remove_one(shell: PowerShell, bound: Bound, item: t.Any, path: str) -> None:
    if isinstance(item, _Folder):
        raise Limit(f"removing {path}")
    _may_change(shell, path)
    if isinstance(item, Certificate):
        shell.host.stores.remove(item.store, item.get_thumbprint(), delete_key=bound.on("DeleteKey"))
        return
    if item.get_psiscontainer() and shell.host.files.children(item.path) and not bound.on("Recurse"):
        # A question is asked, which nobody can answer with -NonInteractive.
        raise shell.error(
            "Windows PowerShell is in NonInteractive mode. Read and Prompt functionality is not available.",
            kind="System.Management.Automation.PSInvalidOperationException",
            error_id="InvalidOperation,Microsoft.PowerShell.Commands.RemoveItemCommand",
            activity="Remove-Item",
        )
    shell.host.files.remove(item.path)


@cmdlet("New-Item", "Path:0 Name ItemType|Type Value Force!")
def _new_item(shell: PowerShell, bound: Bound, _items: Items, out: list[t.Any]) -> None:
    kind = bound.text("ItemType", "File").lower()
    if kind not in {"file", "directory"}:
        raise Limit(f"New-Item -ItemType {kind}")
    for one in as_list(bound.get("Path")):
        path = shell.host.files.full(
            ntpath.join(text_of(one), bound.text("Name")) if bound.has("Name") else text_of(one)
        )
        if _cert_parts(path) is not None:
            raise Limit(f"New-Item {path}")
        if shell.host.files.exists(path) and not bound.on("Force"):
            words = (
                f"An item with the specified name {path} already exists."
                if kind == "directory"
                else f"The file '{path}' already exists."
            )
            category = "ResourceExists" if kind == "directory" else "WriteError"
            shell.report(
                ErrorRecord(
                    NetException("System.IO.IOException", words),
                    error_id="NewItemIOError,Microsoft.PowerShell.Commands.NewItemCommand",
                    category=category,
                    target=path,
                    activity="New-Item",
                )
            )
            continue
        _may_change(shell, path)
        if kind == "directory":
            shell.host.files.make_folder(path)
        else:
            _write(shell, path, bound.text("Value").encode(), make=bound.on("Force"))
        out.append(FileItem(shell, path))


def _write(shell: PowerShell, path: str, data: bytes, *, make: bool = False) -> None:
    if make:
        shell.host.files.make_folder(ntpath.dirname(shell.host.files.full(path)))
    try:
        shell.host.files.write(path, data)
    except FileNotFoundError as error:
        full = shell.host.files.full(path)
        raise net_error(
            "System.IO.DirectoryNotFoundException", f"Could not find a part of the path '{full}'."
        ) from error


# -- content -----------------------------------------------------------------------------------------------------

_MARKS: t.Final = {"utf8": (b"\xef\xbb\xbf", "utf-8"), "unicode": (b"\xff\xfe", "utf-16-le"), "ascii": (b"", "ascii")}


def _codec(shell: PowerShell, name: str) -> tuple[bytes, str]:
    """The mark and the codec of -Encoding in 5.1: without one it is the system's ANSI code page, UTF8 has a mark."""
    low = name.lower()
    if low in {"", "default", "string"}:
        return b"", shell.host.ansi_encoding
    if low == "oem":
        return b"", shell.host.console_encoding
    if low not in _MARKS:
        raise Limit(f"-Encoding {name}")
    return _MARKS[low]


def _encoding_name(bound: Bound) -> str:
    value = bound.get("Encoding")
    return (
        {"utf-8": "utf8", "utf-16-le": "unicode"}.get(value.codec, value.codec)
        if isinstance(value, Encoding)
        else text_of(value)
    )


@cmdlet("Get-Content", "Path:0 LiteralPath Raw! Encoding TotalCount|First|Head Tail|Last Force!")
def _get_content(shell: PowerShell, bound: Bound, items: Items, out: list[t.Any]) -> None:
    for path in _paths(bound, items):
        if _cert_parts(path) is not None:
            raise Limit(f"Get-Content {path}")
        if not shell.host.files.is_file(path):
            shell.report(missing_path(shell.host.files.full(path), "Get-Content"))
            continue
        raw = shell.host.files.read(path)
        name = _encoding_name(bound)
        if name.lower() == "byte":
            out.extend(raw)
            continue
        text = _decoded(shell, raw, name)
        lines = list(enumerate([text] if bound.on("Raw") else text.replace("\r\n", "\n").splitlines(), 1))
        if bound.has("TotalCount"):
            lines = lines[: as_int(bound.get("TotalCount"))]
        if bound.has("Tail"):
            lines = lines[-as_int(bound.get("Tail")) :]
        out.extend(_noted(shell, path, number, line) for number, line in lines)


class _Drive(PsObject):
    """A PSDriveInfo."""

    TYPE = "System.Management.Automation.PSDriveInfo"

    def __str__(self) -> str:
        return text_of(self.get("Name"))


class _Provider(PsObject):
    """A ProviderInfo."""

    TYPE = "System.Management.Automation.ProviderInfo"

    def __str__(self) -> str:
        return "Microsoft.PowerShell.Core\\FileSystem"


def _noted(shell: PowerShell, path: str, number: int, line: str) -> NotedString:
    """A line with what Get-Content notes on it: ConvertTo-Json of 5.1 writes all of that.

    Of the drive and the provider the most is left out; what is here are the members that are texts of their own.
    """
    full = shell.host.files.full(path)
    drive = ntpath.splitdrive(full)[0]
    provider = _Provider({"Name": "FileSystem", "HelpFile": "System.Management.Automation.dll-Help.xml"})
    root = {"Name": drive.rstrip(":"), "Provider": provider, "Root": f"{drive}\\"}
    return NotedString.made(
        line,
        PsObject(
            {
                "PSPath": full,
                "PSParentPath": ntpath.dirname(full).rstrip("\\"),
                "PSChildName": ntpath.basename(full),
                "PSDrive": _Drive({"CurrentLocation": f"Users\\{shell.host.account}", **root}),
                "PSProvider": provider,
                "ReadCount": number,
            }
        ),
    )


def _decoded(shell: PowerShell, raw: bytes, name: str) -> str:
    for mark, codec in _MARKS.values():
        if mark and raw.startswith(mark):
            return raw[len(mark) :].decode(codec, "replace")
    return raw.decode(_codec(shell, name)[1], "replace")


@cmdlet("Set-Content", "Path:0 LiteralPath Value:1 Encoding Force! NoNewline!")
@cmdlet("Add-Content", "Path:0 LiteralPath Value:1 Encoding Force! NoNewline!")
@cmdlet("Out-File", "FilePath:0 LiteralPath InputObject Encoding:1 Force! NoNewline! Append!")
def _set_content(shell: PowerShell, bound: Bound, items: Items, _out: list[t.Any]) -> None:
    given = bound.get("Value", bound.get("InputObject"))
    values = items_of(given) if given is not None else items or []
    name = _encoding_name(bound)
    if bound.name == "Out-File" and not name:
        name = "unicode"
    for path in _paths(bound, None, "FilePath" if bound.name == "Out-File" else "Path"):
        _may_change(shell, shell.host.files.full(path))
        appends = bound.name == "Add-Content" or bound.on("Append")
        before = shell.host.files.read(path) if appends and shell.host.files.is_file(path) else b""
        if name.lower() == "byte":
            data = bytes(as_int(item) for item in values)
        else:
            mark, codec = _codec(shell, name)
            end = "" if bound.on("NoNewline") else "\r\n"
            texts = [shell.line_of(item) if bound.name == "Out-File" else text_of(item) for item in values]
            data = (b"" if before else mark) + "".join(text + end for text in texts).encode(codec, "replace")
        _write(shell, path, before + data)


@cmdlet("Join-Path", "Path:0 ChildPath:1 Resolve!")
def _join_path(_shell: PowerShell, bound: Bound, items: Items, out: list[t.Any]) -> None:
    if bound.on("Resolve"):
        raise Limit("Join-Path -Resolve")
    child = bound.text("ChildPath").lstrip("\\")
    paths = as_list(bound.get("Path")) or items or []
    out.extend(text_of(path).rstrip("\\") + "\\" + child for path in paths)


@cmdlet("Resolve-Path", "Path:0 LiteralPath")
@cmdlet("Get-ItemProperty", "Path:0 LiteralPath Name:1")
@cmdlet("Copy-Item", "Path:0 Destination:1 LiteralPath Force! Recurse!")
@cmdlet("Move-Item", "Path:0 Destination:1 LiteralPath Force!")
def _limits(_shell: PowerShell, bound: Bound, _items: Items, _out: list[t.Any]) -> None:
    raise Limit(bound.name)
