# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Cmdlets of the simulated PowerShell that have to do with objects."""

from __future__ import annotations

import datetime as dt
import functools
import ntpath
import time
import typing as t
import uuid

from ._powershell import PowerShell, ScriptBlock
from ._powershell_binding import Bound, Items, cmdlet, known_cmdlet
from ._powershell_members import call_method, get_property
from ._powershell_native import find_program
from ._powershell_net import Guid, now
from ._powershell_operators import TimeSpan, compare
from ._powershell_text import from_json, to_json
from ._powershell_types import convert, find_type
from ._powershell_values import (
    VOID,
    ErrorRecord,
    HashTable,
    Limit,
    NetException,
    NetObject,
    PsError,
    PsObject,
    as_int,
    as_list,
    as_number,
    items_of,
    net_error,
    same,
    text_of,
    true,
)

__all__: list[str] = []


# -- output ------------------------------------------------------------------------------------------------------


@cmdlet("Write-Output", "InputObject:0 NoEnumerate!")
def _write_output(_shell: PowerShell, bound: Bound, items: Items, out: list[t.Any]) -> None:
    if not bound.has("InputObject"):
        out.extend(items or [])
    elif bound.on("NoEnumerate"):
        out.append(bound.get("InputObject"))
    else:
        out.extend(items_of(bound.get("InputObject")))


@cmdlet("Write-Host", "Object:0 NoNewline! ForegroundColor BackgroundColor")
def _write_host(shell: PowerShell, bound: Bound, items: Items, _out: list[t.Any]) -> None:
    if bound.on("NoNewline"):
        raise Limit("Write-Host -NoNewline")
    for item in items if items is not None else [bound.get("Object", "")]:
        shell.output.append(text_of(item))


@cmdlet("Write-Warning", "Message:0")
def _write_warning(shell: PowerShell, bound: Bound, items: Items, _out: list[t.Any]) -> None:
    for item in items if items is not None else [bound.get("Message")]:
        shell.warn(text_of(item))


@cmdlet("Write-Verbose", "Message:0")
@cmdlet("Write-Debug", "Message:0")
@cmdlet("Write-Progress", "Activity:0 Status:1 Id:2 PercentComplete Completed!")
@cmdlet("Write-Information", "MessageData:0")
def _write_nothing(_shell: PowerShell, bound: Bound, _items: Items, _out: list[t.Any]) -> None:
    if bound.on("Verbose") or bound.on("Debug"):
        raise Limit(f"{bound.name} -Verbose or -Debug")


@cmdlet("Write-Error", "Message:0 Exception ErrorRecord Category ErrorId TargetObject")
def _write_error(shell: PowerShell, bound: Bound, items: Items, _out: list[t.Any]) -> None:
    if bound.has("ErrorRecord"):
        shell.report(bound.get("ErrorRecord"))
        return
    exception = bound.get("Exception")
    if exception is None:
        message = bound.text("Message") if bound.has("Message") else text_of(items)
        exception = NetException("Microsoft.PowerShell.Commands.WriteErrorException", message)
    shell.report(
        ErrorRecord(
            exception,
            error_id=bound.text("ErrorId") or exception.kind,
            category=bound.text("Category", "NotSpecified"),
            target=bound.get("TargetObject"),
            activity="Write-Error",
        )
    )


@cmdlet("Out-Null", "InputObject:0")
def _out_null(_shell: PowerShell, _bound: Bound, _items: Items, _out: list[t.Any]) -> None:
    return


@cmdlet("Out-String", "InputObject:0 Stream! Width")
def _out_string(shell: PowerShell, bound: Bound, items: Items, out: list[t.Any]) -> None:
    given = items_of(bound.get("InputObject")) if bound.has("InputObject") else items or []
    lines = [shell.line_of(item) for item in given if item is not None]
    if bound.on("Stream"):
        out.extend(lines)
    else:
        out.append("".join(f"{line}\r\n" for line in lines))


@cmdlet("Out-Default", "InputObject")
@cmdlet("Out-Host", "InputObject")
def _out_host(shell: PowerShell, bound: Bound, items: Items, _out: list[t.Any]) -> None:
    shell.output.extend(items_of(bound.get("InputObject")) if bound.has("InputObject") else items or [])


# -- pipelines ---------------------------------------------------------------------------------------------------


@cmdlet("ForEach-Object", "Process:0 MemberName Begin End InputObject ArgumentList|args")
def _for_each(shell: PowerShell, bound: Bound, items: Items, out: list[t.Any]) -> None:
    given = as_list(bound.get("InputObject")) if bound.has("InputObject") else items or []
    if bound.has("Begin"):
        shell.run_block_with_item(bound.get("Begin"), None, out)
    what = bound.get("Process", bound.get("MemberName"))
    for item in given:
        if isinstance(what, ScriptBlock):
            shell.run_block_with_item(what, item, out)
        else:
            out.extend(items_of(_member(shell, item, text_of(what), as_list(bound.get("ArgumentList")))))
    if bound.has("End"):
        shell.run_block_with_item(bound.get("End"), None, out)


def _member(shell: PowerShell, item: t.Any, name: str, args: list[t.Any]) -> t.Any:
    """ForEach-Object Name: a property, or a method of that name."""
    is_method = isinstance(item, NetObject) and hasattr(item, f"do_{name.lower()}")
    if is_method or (isinstance(item, str) and name.lower() != "length"):
        return call_method(shell, item, name, args)
    return get_property(shell, item, name)


_TESTS: t.Final = (
    "EQ NE LT LE GT GE Like NotLike Match NotMatch Contains NotContains In NotIn Is IsNot CEQ CNE CLike CMatch CIn"
)


@cmdlet(
    "Where-Object", f"FilterScript:0 Property Value:1 InputObject Not! {' '.join(f'{one}' for one in _TESTS.split())}"
)
def _where(shell: PowerShell, bound: Bound, items: Items, out: list[t.Any]) -> None:
    given = as_list(bound.get("InputObject")) if bound.has("InputObject") else items or []
    test = bound.get("FilterScript", bound.get("Property"))
    if isinstance(test, ScriptBlock):
        for item in given:
            found = shell.run_with_item(test, item)
            if true(found):
                out.append(item)
        return
    signs = [sign for sign in _TESTS.lower().split() if bound.has(sign)]
    for item in given:
        value = get_property(shell, item, text_of(test))
        found_one = compare(shell, f"-{signs[0]}", value, bound.get(signs[0])) if signs else value
        if true(found_one) != bound.on("Not"):
            out.append(item)


def _selected(shell: PowerShell, item: t.Any, wanted: t.Any) -> tuple[str, t.Any]:
    """A property of Select-Object: a name, or a table with a name and an expression."""
    if isinstance(wanted, HashTable):
        key = next((one for one in ("Name", "N", "Label", "L") if one in wanted), "Name")
        expression = wanted["Expression"] if "Expression" in wanted else wanted["E"]
        if isinstance(expression, ScriptBlock):
            found = shell.run_with_item(expression, item)
            return text_of(wanted[key]), found[0] if len(found) == 1 else found or None
        return text_of(wanted[key]), get_property(shell, item, text_of(expression))
    name = text_of(wanted)
    if "*" in name:
        raise Limit(f"Select-Object -Property {name}")
    try:
        value = get_property(shell, item, name)
    except PsError:
        value = None
    return name, None if value is VOID else value


@cmdlet("Select-Object", "Property:0 First Last Skip Unique! ExpandProperty InputObject Index")
def _select(shell: PowerShell, bound: Bound, items: Items, out: list[t.Any]) -> None:
    given = as_list(bound.get("InputObject")) if bound.has("InputObject") else list(items or [])
    if bound.has("Skip"):
        given = given[as_int(bound.get("Skip")) :]
    if bound.has("Index"):
        wanted = [as_int(at) for at in as_list(bound.get("Index"))]
        given = [item for at, item in enumerate(given) if at in wanted]
    if bound.has("First"):
        given = given[: as_int(bound.get("First"))]
    if bound.has("Last"):
        count = as_int(bound.get("Last"))
        given = given[-count:] if count else []
    if bound.has("ExpandProperty"):
        given = [one for item in given for one in items_of(_expanded(shell, item, bound.text("ExpandProperty")))]
    elif bound.has("Property"):
        given = [
            PsObject(dict(_selected(shell, item, one) for one in as_list(bound.get("Property")))) for item in given
        ]
    if bound.on("Unique"):
        given = _unique(given, case=True)
    out.extend(given)


def _expanded(shell: PowerShell, item: t.Any, name: str) -> t.Any:
    if isinstance(item, PsObject) and not item.has(name):
        shell.report(
            ErrorRecord(
                NetException("System.Management.Automation.PSArgumentException", f'Property "{name}" cannot be found.'),
                error_id="ExpandPropertyNotFound,Microsoft.PowerShell.Commands.SelectObjectCommand",
                category="InvalidArgument",
                activity="Select-Object",
                target=item,
            )
        )
        return VOID
    return get_property(shell, item, name)


def _plain(item: t.Any) -> t.Any:
    return str(item) if isinstance(item, PsObject) else item


def _unique(items: list[t.Any], *, case: bool) -> list[t.Any]:
    found: list[t.Any] = []
    for item in items:
        if not any(same(_plain(one), _plain(item), case=case) for one in found):
            found.append(item)
    return found


@cmdlet("Sort-Object", "Property:0 Descending! Unique! CaseSensitive! InputObject")
def _sort(shell: PowerShell, bound: Bound, items: Items, out: list[t.Any]) -> None:
    given = as_list(bound.get("InputObject")) if bound.has("InputObject") else list(items or [])
    keys = as_list(bound.get("Property"))

    def key_of(item: t.Any) -> list[t.Any]:
        return [_selected_key(shell, item, key) for key in keys] or [item]

    def order(left: t.Any, right: t.Any) -> int:
        for one, two in zip(key_of(left), key_of(right), strict=True):
            if one is None or two is None:
                result = (one is not None) - (two is not None)
            elif same(one, two):
                continue
            else:
                result = -1 if compare(shell, "-lt", one, two) else 1
            if result:
                return result
        return 0

    ordered = sorted(given, key=functools.cmp_to_key(order), reverse=bound.on("Descending"))
    if bound.on("Unique"):
        kept: list[t.Any] = []
        for item in ordered:
            if not kept or order(kept[-1], item) != 0:
                kept.append(item)
        ordered = kept
    out.extend(ordered)


def _selected_key(shell: PowerShell, item: t.Any, key: t.Any) -> t.Any:
    if isinstance(key, ScriptBlock):
        found = shell.run_with_item(key, item)
        return found[0] if found else None
    if isinstance(key, HashTable):
        raise Limit("Sort-Object with a table as its property")
    return get_property(shell, item, text_of(key))


@cmdlet("Measure-Object", "Property:0 Sum! Maximum! Minimum! Average! InputObject Line! Word! Character!")
def _measure(shell: PowerShell, bound: Bound, items: Items, out: list[t.Any]) -> None:
    if bound.on("Line") or bound.on("Word") or bound.on("Character"):
        raise Limit("Measure-Object of texts")
    given = as_list(bound.get("InputObject")) if bound.has("InputObject") else list(items or [])
    if bound.has("Property"):
        given = [get_property(shell, item, bound.text("Property")) for item in given]
    result: dict[str, t.Any] = {"Count": len(given), "Average": None, "Sum": None, "Maximum": None, "Minimum": None}
    if given and bound.on("Sum"):
        result["Sum"] = float(sum(as_number(item) for item in given))
    if given and bound.on("Average"):
        result["Average"] = float(sum(as_number(item) for item in given)) / len(given)
    if given and bound.on("Maximum"):
        result["Maximum"] = max(given, key=as_number)
    if given and bound.on("Minimum"):
        result["Minimum"] = min(given, key=as_number)
    out.append(PsObject({**result, "Property": bound.get("Property")}))


@cmdlet(
    "Add-Member", "NotePropertyName NotePropertyValue MemberType|Type:0 Name:1 Value:2 InputObject Force! PassThru!"
)
def _add_member(_shell: PowerShell, bound: Bound, items: Items, out: list[t.Any]) -> None:
    given = [bound.get("InputObject")] if bound.has("InputObject") else list(items or [])
    if bound.has("MemberType") and bound.text("MemberType").lower() != "noteproperty":
        raise Limit(f"Add-Member {bound.text('MemberType')}")
    name = bound.text("NotePropertyName") or bound.text("Name")
    value = bound.get("NotePropertyValue", bound.get("Value"))
    for item in given:
        if not isinstance(item, PsObject):
            raise Limit("Add-Member to anything but a PSCustomObject")
        if item.has(name) and not bound.on("Force"):
            raise net_error(
                "System.InvalidOperationException",
                f'Cannot add a member with the name "{name}" because a member with that name already exists. To'
                " overwrite the member anyway, add the Force parameter to your command.",
            )
        item.add(name, value)
        if bound.on("PassThru"):
            out.append(item)


@cmdlet("Group-Object", "Property:0 AsHashTable! NoElement!")
def _group(_shell: PowerShell, _bound: Bound, _items: Items, _out: list[t.Any]) -> None:
    raise Limit("Group-Object")


# -- JSON, texts, time -------------------------------------------------------------------------------------------


@cmdlet("ConvertTo-Json", "InputObject:0 Depth Compress!")
def _to_json(_shell: PowerShell, bound: Bound, items: Items, out: list[t.Any]) -> None:
    if bound.has("InputObject"):
        value = bound.get("InputObject")
    else:
        given = items or []
        if not given:
            return
        value = given[0] if len(given) == 1 else given
    depth = as_int(bound.get("Depth", 2))
    if not 1 <= depth <= 100:
        raise net_error(
            "System.Management.Automation.ParameterBindingException",
            f"Cannot validate argument on parameter 'Depth'. The {depth} argument is not in the range from 1 to 100.",
        )
    out.append(to_json(value, depth=depth, compress=bound.on("Compress")))


@cmdlet("ConvertFrom-Json", "InputObject:0")
def _from_json(shell: PowerShell, bound: Bound, items: Items, out: list[t.Any]) -> None:
    given = as_list(bound.get("InputObject")) if bound.has("InputObject") else items or []
    text = "\n".join(text_of(item) for item in given)
    if not text.strip():
        raise net_error(
            "System.Management.Automation.ParameterBindingException",
            "Cannot bind argument to parameter 'InputObject' because it is an empty string.",
        )
    # 5.1 hands an array on in one piece.
    out.append(from_json(text, shell.zone))


@cmdlet("Start-Sleep", "Seconds:0 Milliseconds|m")
def _sleep(shell: PowerShell, bound: Bound, _items: Items, _out: list[t.Any]) -> None:
    seconds = (
        as_number(bound.get("Milliseconds")) / 1000 if bound.has("Milliseconds") else as_number(bound.get("Seconds"))
    )
    time.sleep(min(10.0, shell.host.clock.real_seconds(seconds)))


@cmdlet("Get-Date", "Date:0 Format UFormat")
def _get_date(shell: PowerShell, bound: Bound, _items: Items, out: list[t.Any]) -> None:

    date = convert(shell, bound.get("Date"), find_type("datetime")) if bound.has("Date") else now(shell, "Local")
    if bound.has("UFormat"):
        raise Limit("Get-Date -UFormat")
    out.append(date.formatted(bound.text("Format")) if bound.has("Format") else date)


@cmdlet("New-TimeSpan", "Start:0 End:1 Seconds Minutes Hours Days")
def _new_span(shell: PowerShell, bound: Bound, _items: Items, out: list[t.Any]) -> None:

    del shell
    if bound.has("Start") or bound.has("End"):
        raise Limit("New-TimeSpan between dates")
    parts = {name: float(as_number(bound.get(name, 0))) for name in ("seconds", "minutes", "hours", "days")}
    out.append(TimeSpan(dt.timedelta(**parts)))


@cmdlet("New-Guid")
def _new_guid(_shell: PowerShell, _bound: Bound, _items: Items, out: list[t.Any]) -> None:

    out.append(Guid(uuid.uuid4()))


@cmdlet("New-Object", "TypeName:0 ArgumentList|args:1 Property")
def _new_object(shell: PowerShell, bound: Bound, _items: Items, out: list[t.Any]) -> None:

    name = bound.text("TypeName")
    if name.lower() in {"psobject", "pscustomobject", "system.management.automation.psobject"}:
        table = bound.get("Property")
        out.append(PsObject({text_of(key): value for key, value in table.pairs()} if table is not None else {}))
        return
    if bound.has("Property"):
        raise Limit("New-Object -Property")
    given = bound.get("ArgumentList")
    if name.endswith("[]"):
        out.append(_new_array(name, as_int(given)))
        return
    if isinstance(given, bytes | bytearray):
        # -ArgumentList is an array: a byte[] alone becomes as many arguments as it has bytes.
        short = name.rpartition(".")[2]
        raise net_error(
            "System.Management.Automation.MethodException",
            f'Cannot find an overload for "{short}" and the argument count: "{len(given)}".',
        )
    args = list(given) if isinstance(given, list) else [] if given is None else [given]
    out.append(shell.construct(find_type(name), [None if arg is VOID else arg for arg in args]))


def _new_array(name: str, size: int) -> t.Any:
    low = name.lower().removeprefix("system.")
    if low == "byte[]":
        return bytearray(size)
    if low not in {"object[]", "string[]", "int[]", "int32[]"}:
        raise Limit(f"New-Object {name}")
    return [0 if low.startswith("int") else None] * size


@cmdlet("Set-StrictMode", "Version Off!")
def _strict(shell: PowerShell, bound: Bound, _items: Items, _out: list[t.Any]) -> None:
    shell.strict = not bound.on("Off") and bound.text("Version") not in {"1", "1.0"}


@cmdlet("Get-Variable", "Name:0 ValueOnly! Scope")
def _get_variable(shell: PowerShell, bound: Bound, _items: Items, out: list[t.Any]) -> None:
    name = bound.text("Name")
    found = [scope for scope in shell.scope.chain() if name.lower() in scope.variables]
    if not found or (name.lower() == "lastexitcode" and shell.variable(name) is None):
        shell.report(
            ErrorRecord(
                NetException(
                    "System.Management.Automation.ItemNotFoundException",
                    f"Cannot find a variable with the name '{name}'.",
                ),
                error_id="VariableNotFound,Microsoft.PowerShell.Commands.GetVariableCommand",
                category="ObjectNotFound",
                target=name,
                activity="Get-Variable",
            )
        )
        return
    value = found[0].variables[name.lower()]
    out.append(value if bound.on("ValueOnly") else PsObject({"Name": name, "Value": value}))


@cmdlet("Set-Variable", "Name:0 Value:1 Scope")
def _set_variable(shell: PowerShell, bound: Bound, _items: Items, _out: list[t.Any]) -> None:
    prefix = f"{bound.text('Scope')}:" if bound.has("Scope") else ""
    shell.set_variable(prefix + bound.text("Name"), bound.get("Value"))


@cmdlet("Import-Module", "Name:0 Force!")
def _import_module(shell: PowerShell, bound: Bound, _items: Items, _out: list[t.Any]) -> None:
    for name in as_list(bound.get("Name")):
        if text_of(name).lower() in {
            "pki",
            "microsoft.powershell.security",
            "microsoft.powershell.management",
            "microsoft.powershell.utility",
            "cimcmdlets",
        }:
            continue
        raise Limit(f"the module {text_of(name)}")
    del shell


def _no_command(name: str) -> ErrorRecord:
    words = f"The term '{name}' is not recognized as the name of a cmdlet, function, script file, or operable program."
    words += (
        " Check the spelling of the name, or if a path was included, verify that the path is correct and try again."
    )
    return ErrorRecord(
        NetException("System.Management.Automation.CommandNotFoundException", words),
        error_id="CommandNotFoundException,Microsoft.PowerShell.Commands.GetCommandCommand",
        category="ObjectNotFound",
        target=name,
        activity="Get-Command",
    )


@cmdlet("Get-Command", "Name:0 CommandType")
def _get_command(shell: PowerShell, bound: Bound, _items: Items, out: list[t.Any]) -> None:

    for name in as_list(bound.get("Name")):
        text = text_of(name)
        spelled = known_cmdlet(text)
        path = find_program(shell.host, text) if spelled is None else None
        if spelled is not None:
            out.append(PsObject({"Name": spelled, "CommandType": "Cmdlet", "Source": "", "Path": None}))
        elif path is not None:
            out.append(
                PsObject({"Name": path.rpartition("\\")[2], "CommandType": "Application", "Source": path, "Path": path})
            )
        elif "\\" in text:
            shell.report(_no_command(text))
        else:
            raise Limit(f"the command {text}")


@cmdlet("Split-Path", "Path:0 Leaf! Parent! Qualifier!")
def _split_path(_shell: PowerShell, bound: Bound, items: Items, out: list[t.Any]) -> None:

    for path in as_list(bound.get("Path")) or items or []:
        text = text_of(path)
        if bound.on("Qualifier"):
            out.append(ntpath.splitdrive(text)[0])
        else:
            out.append(ntpath.basename(text.rstrip("\\")) if bound.on("Leaf") else ntpath.dirname(text.rstrip("\\")))


@cmdlet("Get-Random", "Minimum Maximum:0")
@cmdlet("Invoke-Expression", "Command:0")
@cmdlet("Invoke-Command", "ScriptBlock:0 ComputerName")
@cmdlet("Start-Job", "ScriptBlock:0")
@cmdlet("Add-Type", "TypeDefinition:0 AssemblyName|AN Path MemberDefinition Name Namespace")
def _not_there(_shell: PowerShell, bound: Bound, _items: Items, _out: list[t.Any]) -> None:
    # An assembly's name asks for no more than what is there already.
    if bound.name == "Add-Type" and bound.names() <= {"assemblyname"}:
        return
    raise Limit(bound.name)
