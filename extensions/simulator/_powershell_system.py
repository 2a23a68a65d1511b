# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Services, processes and CIM of the simulated computer."""

from __future__ import annotations

import concurrent.futures
import itertools
import re
import threading
import typing as t

from ._powershell_binding import Bound, Items, cmdlet
from ._powershell_native import call_program, find_program
from ._powershell_text import like
from ._powershell_types import NetType, enum, register
from ._powershell_values import (
    VOID,
    Enum,
    ErrorRecord,
    Limit,
    NetException,
    NetObject,
    PsObject,
    as_int,
    as_list,
    net_error,
    same,
    text_of,
    true,
)
from ._windows_parts import Process, Service
from ._windows_programs import split_command_line

if t.TYPE_CHECKING:
    from ._powershell import PowerShell

__all__: list[str] = []

_STATUS: t.Final = enum("System.ServiceProcess.ServiceControllerStatus", {"Stopped": 1, "StartPending": 2, "StopPending": 3, "Running": 4, "ContinuePending": 5, "PausePending": 6, "Paused": 7})  # noqa: E501  # fmt: skip
_START: t.Final = enum("System.ServiceProcess.ServiceStartMode", {"Boot": 0, "System": 1, "Automatic": 2, "Manual": 3, "Disabled": 4})  # noqa: E501  # fmt: skip
_LANGUAGES: t.Final = {"en-US": 1033, "ja-JP": 1041, "de-DE": 1031}
_NUMBERS: t.Final = itertools.count(5000, 4)


class _Service(NetObject):
    TYPE = "System.ServiceProcess.ServiceController"
    PROPERTIES = ("Name", "DisplayName", "Status", "StartType")

    def __init__(self, service: Service) -> None:
        self.service = service

    def get_name(self) -> str:
        return self.service.name

    get_servicename = get_name

    def get_displayname(self) -> str:
        return self.service.display_name

    def get_status(self) -> Enum:
        return _STATUS.named(self.service.status)

    def get_starttype(self) -> Enum:
        return _START.named(self.service.start_type)

    def do_refresh(self) -> t.Any:
        return VOID

    def __str__(self) -> str:
        return self.TYPE


def _no_service(name: str, activity: str) -> ErrorRecord:
    return ErrorRecord(
        NetException(
            "Microsoft.PowerShell.Commands.ServiceCommandException",
            f"Cannot find any service with service name '{name}'.",
        ),
        error_id=f"NoServiceFoundForGivenName,Microsoft.PowerShell.Commands.{activity.replace('-', '')}Command",
        category="ObjectNotFound",
        target=name,
        activity=activity,
    )


def _services(shell: PowerShell, bound: Bound, items: Items) -> list[Service]:
    every = list(shell.host.services.values())
    if bound.has("DisplayName"):
        wanted = [text_of(one) for one in as_list(bound.get("DisplayName"))]
        return [one for one in every if any(like(one.display_name, name) for name in wanted)]
    given = as_list(bound.get("Name", bound.get("InputObject"))) or [
        one.get_name() if isinstance(one, _Service) else one for one in items or []
    ]
    if not given and bound.name == "Get-Service":
        return every
    found: list[Service] = []
    for one in given:
        name = one.get_name() if isinstance(one, _Service) else text_of(one)
        matches = [service for service in every if like(service.name, name)]
        if not matches and "*" not in name:
            shell.report(_no_service(name, bound.name))
        found += matches
    return found


@cmdlet("Get-Service", "Name:0 DisplayName InputObject")
def _get_service(shell: PowerShell, bound: Bound, items: Items, out: list[t.Any]) -> None:
    out.extend(_Service(one) for one in _services(shell, bound, items))


@cmdlet("Start-Service", "Name:0 DisplayName InputObject PassThru!")
@cmdlet("Stop-Service", "Name:0 DisplayName InputObject PassThru! Force!")
@cmdlet("Restart-Service", "Name:0 DisplayName InputObject PassThru! Force!")
def _change_service(shell: PowerShell, bound: Bound, items: Items, out: list[t.Any]) -> None:
    for service in _services(shell, bound, items):
        verb = bound.name.partition("-")[0]
        words = (
            f"Service '{service.display_name} ({service.name})' cannot be {verb.lower()}ed due to the following error"
        )
        if service.start_type == "Disabled" and verb != "Stop":
            raise net_error("Microsoft.PowerShell.Commands.ServiceCommandException", f"{words}: Cannot start service.")
        if not shell.host.may_change():
            raise net_error("Microsoft.PowerShell.Commands.ServiceCommandException", f"{words}: Access is denied.")
        shell.host.set_service_status(service.name, "Stopped" if verb == "Stop" else "Running")
        if bound.on("PassThru"):
            out.append(_Service(service))


# -- CIM ---------------------------------------------------------------------------------------------------------


def _cim_service(service: Service) -> PsObject:
    modes = {"Automatic": "Auto", "Manual": "Manual", "Disabled": "Disabled"}
    return PsObject(
        {
            "Name": service.name,
            "DisplayName": service.display_name,
            "StartName": service.account,
            "State": service.status,
            "StartMode": modes.get(service.start_type, service.start_type),
            "Started": service.status == "Running",
        }
    )


def _fits(item: PsObject, query: str) -> bool:
    """A condition of WQL: comparisons by =, <> and LIKE, joined by AND or OR."""
    results = (
        [_clause(item, one.strip()) for one in re.split(r"(?i)\s+and\s+", query)]
        if not re.search(r"(?i)\sor\s", query)
        else None
    )
    if results is not None:
        return all(results)
    if re.search(r"(?i)\sand\s", query):
        raise Limit(f"the WQL condition {query}")
    return any(_clause(item, one.strip()) for one in re.split(r"(?i)\s+or\s+", query))


def _clause(item: PsObject, text: str) -> bool:
    match = re.fullmatch(r"""(?i)(\w+)\s*(=|<>|!=|like)\s*(?:'([^']*)'|"([^"]*)"|(\w+))""", text)
    if match is None or not item.has(match[1]):
        raise Limit(f"the WQL condition {text}")
    wanted = (match[3] or match[4] or match[5] or "").replace("\\\\", "\\")
    value = item.get(match[1])
    if match[2].lower() == "like":
        return like(text_of(value), wanted.replace("%", "*").replace("_", "?"))
    return same(text_of(value), wanted) == (match[2] == "=")


@cmdlet("Get-CimInstance", "ClassName|Class:0 Filter Property Query Namespace")
@cmdlet("Get-WmiObject", "Class:0 Filter Property:1 Query Namespace")
def _cim(shell: PowerShell, bound: Bound, _items: Items, out: list[t.Any]) -> None:
    name, condition = bound.text("ClassName") or bound.text("Class"), bound.text("Filter")
    if bound.has("Query"):
        match = re.fullmatch(r"(?is)\s*select\s+.+?\s+from\s+(\w+)(?:\s+where\s+(.+))?\s*", bound.text("Query"))
        if match is None:
            raise Limit(f"the query {bound.text('Query')}")
        name, condition = match[1], match[2] or ""
    tables: dict[str, t.Callable[[], list[PsObject]]] = {
        "win32_service": lambda: [_cim_service(one) for one in shell.host.services.values()],
        "win32_process": lambda: [
            PsObject({"ProcessId": one.id, "Name": f"{one.name}.exe", "ExecutablePath": one.path})
            for one in shell.host.processes
        ],
        "win32_operatingsystem": lambda: [
            PsObject(
                {
                    "Version": shell.host.version.rpartition(".")[0],
                    "OSLanguage": _LANGUAGES[shell.host.locale],
                }
            )
        ],
        "win32_computersystem": lambda: [
            PsObject(
                {
                    "Name": shell.environment["COMPUTERNAME"],
                    "DNSHostName": shell.host.host_name.partition(".")[0],
                    "Domain": shell.host.host_name.partition(".")[2] or "WORKGROUP",
                    "PartOfDomain": False,
                }
            )
        ],
    }
    if name.lower() not in tables:
        raise Limit(f"the CIM class {name}")
    out.extend(one for one in tables[name.lower()]() if not condition or _fits(one, condition))


# -- processes ---------------------------------------------------------------------------------------------------


class _Process(NetObject):
    """A Process: one that was there, or one that a script started."""

    TYPE = "System.Diagnostics.Process"
    PROPERTIES = ("Id", "ProcessName")

    def __init__(self, process: Process) -> None:
        self.process = process
        self.future: concurrent.futures.Future[tuple[int, str]] | None = None
        # The exit code of a program that was started without -Wait is lost, unless its handle was asked for before it
        # ended: so it is in Windows PowerShell.
        self.held = False

    def get_id(self) -> int:
        return self.process.id

    def get_name(self) -> str:
        return self.process.name

    get_processname = get_name

    def get_path(self) -> str:
        return self.process.path

    def get_handle(self) -> int:
        self.held = True
        return 1000 + self.process.id

    def get_hasexited(self) -> bool:
        return self.future is not None and self.future.done()

    def get_exitcode(self) -> int | None:
        if self.future is None or not self.future.done() or not self.held:
            return None
        return self.future.result()[0]

    def do_waitforexit(self, milliseconds: t.Any = -1) -> t.Any:
        limit = as_int(milliseconds)
        if self.future is not None:
            concurrent.futures.wait([self.future], None if limit < 0 else limit / 1000)
        return VOID if limit < 0 else self.get_hasexited()

    def get_standardoutput(self) -> _Output:
        return _Output(self, first=True)

    def get_standarderror(self) -> _Output:
        return _Output(self, first=False)

    def do_dispose(self) -> t.Any:
        return VOID

    do_close = do_dispose

    def run(self, shell: PowerShell, path: str, argv: list[str]) -> None:
        """Start the program; it runs beside the script."""
        future: concurrent.futures.Future[tuple[int, str]] = concurrent.futures.Future()
        self.future = future

        def work() -> None:
            try:
                future.set_result(call_program(shell.host, path, argv))
            except BaseException as error:  # noqa: BLE001 - the script that waits hears of it
                future.set_exception(error)

        threading.Thread(target=work, daemon=True).start()


class _Output(NetObject):
    TYPE = "System.IO.StreamReader"

    def __init__(self, process: _Process, *, first: bool) -> None:
        self.process, self.first = process, first

    def do_readtoend(self) -> str:
        if not self.first or self.process.future is None:
            return ""
        return self.process.future.result()[1]


def _no_process(what: str, activity: str) -> ErrorRecord:
    return ErrorRecord(
        NetException("Microsoft.PowerShell.Commands.ProcessCommandException", what),
        error_id=f"NoProcessFoundForGivenName,Microsoft.PowerShell.Commands.{activity.replace('-', '')}Command",
        category="ObjectNotFound",
        activity=activity,
    )


def _processes(shell: PowerShell, bound: Bound, items: Items) -> list[Process]:
    every = shell.host.processes
    found: list[Process] = []
    for number in as_list(bound.get("Id")):
        matches = [one for one in every if one.id == as_int(number)]
        if not matches:
            words = f"Cannot find a process with the process identifier {as_int(number)}."
            shell.report(_no_process(words, bound.name))
        found += matches
    for name in as_list(bound.get("Name")):
        matches = [one for one in every if like(one.name, text_of(name))]
        if not matches and "*" not in text_of(name):
            words = f'Cannot find a process with the name "{text_of(name)}".'
            words += " Verify the process name and call the cmdlet again."
            shell.report(_no_process(words, bound.name))
        found += matches
    given = as_list(bound.get("InputObject")) or items or []
    found += [one.process for one in given if isinstance(one, _Process)]
    return found


@cmdlet("Get-Process", "Name|ProcessName:0 Id InputObject")
def _get_process(shell: PowerShell, bound: Bound, items: Items, out: list[t.Any]) -> None:
    chosen = bound.has("Name") or bound.has("Id") or bound.has("InputObject")
    out.extend(_Process(one) for one in (_processes(shell, bound, items) if chosen else shell.host.processes))


@cmdlet("Stop-Process", "Id:0 Name|ProcessName InputObject Force! PassThru!")
def _stop_process(shell: PowerShell, bound: Bound, items: Items, _out: list[t.Any]) -> None:
    for process in _processes(shell, bound, items):
        if not shell.host.may_change():
            shell.report(
                _no_process(f'Cannot stop process "{process.name} ({process.id})": Access is denied', bound.name)
            )
            continue
        shell.host.end_process(process)


@cmdlet(
    "Start-Process",
    "FilePath:0 ArgumentList|Args:1 Wait! PassThru! NoNewWindow! RedirectStandardOutput RedirectStandardError"
    " WindowStyle WorkingDirectory",
)
def _start_process(shell: PowerShell, bound: Bound, _items: Items, out: list[t.Any]) -> None:
    name = bound.text("FilePath")
    # 5.1 joins the arguments by blanks and quotes none of them.
    given = as_list(bound.get("ArgumentList"))
    if bound.has("ArgumentList") and (not given or any(item in {None, ""} for item in given)):
        raise net_error(
            "System.Management.Automation.ParameterBindingException",
            "Cannot validate argument on parameter 'ArgumentList'. The argument is null, empty, or an element of the"
            " argument collection contains a null value.",
        )
    line = " ".join(text_of(item) for item in given)
    made = _started(shell, name, line)
    for parameter in ("RedirectStandardOutput", "RedirectStandardError"):
        if bound.has(parameter):
            text = made.future.result()[1] if made.future and parameter.endswith("Output") else ""
            shell.host.files.write(bound.text(parameter), text.encode(shell.console_encoding, "replace"))
    if bound.on("Wait"):
        made.do_waitforexit()
        made.held = True
        if made.future is not None:
            made.future.result()
    if bound.on("PassThru"):
        out.append(made)


def _started(shell: PowerShell, name: str, line: str) -> _Process:
    path = find_program(shell.host, name)
    if path is None:
        if "\\" not in name:
            raise Limit(f"the program {name}")
        raise net_error(
            "System.InvalidOperationException",
            "This command cannot be run due to the error: The system cannot find the file specified.",
        )
    alone = path.rpartition("\\")[2].removesuffix(".exe")
    made = _Process(Process(id=next(_NUMBERS), name=alone, path=path))
    made.run(shell, path, split_command_line(line))
    return made


class _StartInfo(NetObject):
    TYPE = "System.Diagnostics.ProcessStartInfo"

    def __init__(self, name: t.Any = "", arguments: t.Any = "") -> None:
        self.values: dict[str, t.Any] = {
            "filename": text_of(name),
            "arguments": text_of(arguments),
            "useshellexecute": True,
        }

    def get(self, name: str) -> t.Any:
        return self.values.get(name.lower())

    def set(self, name: str, value: t.Any) -> None:
        known = {"filename", "arguments", "useshellexecute", "redirectstandardoutput", "redirectstandarderror", "createnowindow", "windowstyle", "workingdirectory"}  # noqa: E501  # fmt: skip
        if name.lower() not in known:
            raise Limit(f"the property {name} of {self.TYPE}")
        self.values[name.lower()] = value


def _start(shell: PowerShell, what: t.Any, arguments: t.Any = "") -> _Process:
    values = (
        what.values if isinstance(what, _StartInfo) else {"filename": text_of(what), "arguments": text_of(arguments)}
    )
    if true(values.get("redirectstandardoutput")) and true(values.get("useshellexecute", False)):
        raise net_error(
            "System.InvalidOperationException",
            "The Process object must have the UseShellExecute property set to false in order to redirect IO streams.",
        )
    made = _started(shell, text_of(values["filename"]), text_of(values["arguments"]))
    made.held = True
    return made


register(NetType(_StartInfo.TYPE, new=lambda _shell, name="", arguments="": _StartInfo(name, arguments)))
register(NetType(_Process.TYPE, methods={"Start": _start}))
