# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The cmdlets of the simulated PowerShell, which register themselves, and how their parameters are bound."""

from __future__ import annotations

import collections.abc as c
import dataclasses as dc
import typing as t

from ._powershell_values import VOID, ErrorRecord, Limit, NetError, PsError, text_of, true

if t.TYPE_CHECKING:
    from ._powershell import PowerShell

__all__ = ["Arguments", "Bound", "Items", "cmdlet", "known_cmdlet", "run_cmdlet"]

Items = list[t.Any] | None
Work = c.Callable[["PowerShell", "Bound", Items, list[t.Any]], None]


@dc.dataclass(slots=True)
class Arguments:
    """A command's arguments as they stand: `(name, None)` for -Name, `(name, value)` for -Name:value, or a value."""

    items: list[tuple[str | None, t.Any]] = dc.field(default_factory=list)
    # Where streams go: "errors" and "output" to "output", "errors" or "nothing".
    redirections: dict[str, str] = dc.field(default_factory=dict)

    NOTHING: t.ClassVar[object] = object()


@dc.dataclass(frozen=True)
class _Parameter:
    name: str
    switch: bool
    place: int | None
    aliases: tuple[str, ...]

    def answers_to(self, word: str) -> bool:
        return word == self.name.lower() or word in self.aliases


@dc.dataclass(frozen=True)
class _Cmdlet:
    name: str
    parameters: tuple[_Parameter, ...]
    work: Work


_CMDLETS: dict[str, _Cmdlet] = {}
_COMMON: t.Final = "ErrorAction|ea WarningAction|wa ErrorVariable|ev Verbose|vb! Debug|db! Confirm|cf!"
_ALIASES: t.Final[c.Mapping[str, str]] = {
    "gci": "get-childitem", "dir": "get-childitem", "ls": "get-childitem", "gi": "get-item", "ri": "remove-item",
    "rm": "remove-item", "del": "remove-item", "rd": "remove-item", "ni": "new-item", "md": "new-item",
    "gc": "get-content", "cat": "get-content", "type": "get-content", "sc": "set-content", "%": "foreach-object",
    "foreach": "foreach-object", "?": "where-object", "where": "where-object", "select": "select-object",
    "sort": "sort-object", "measure": "measure-object", "echo": "write-output", "write": "write-output",
    "sleep": "start-sleep", "ps": "get-process", "gps": "get-process", "kill": "stop-process",
    "spps": "stop-process", "saps": "start-process", "start": "start-process", "gsv": "get-service",
    "sasv": "start-service", "gcim": "get-ciminstance", "gcm": "get-command", "gp": "get-itemproperty",
    "gv": "get-variable", "sv": "set-variable",
}  # fmt: skip
_AUTOMATIC: t.Final = frozenset({"inputobject"})


def _parameters(text: str) -> tuple[_Parameter, ...]:
    """`Path:0 LiteralPath|lp Force!`: a place behind the colon, `!` for a switch, aliases behind bars."""
    found = []
    for word in text.split():
        bare, _colon, place = word.rstrip("!").partition(":")
        name, *aliases = bare.split("|")
        found.append(_Parameter(name, word.endswith("!"), int(place) if place else None, tuple(aliases)))
    return tuple(found)


def cmdlet(name: str, parameters: str = "") -> c.Callable[[Work], Work]:
    """Make a function a cmdlet."""

    def made(work: Work) -> Work:
        _CMDLETS[name.lower()] = _Cmdlet(name, (*_parameters(parameters), *_parameters(_COMMON)), work)
        return work

    return made


class Bound:
    """A cmdlet's parameters as they were given."""

    def __init__(self, name: str, values: c.Mapping[str, t.Any]) -> None:
        self.name, self._values = name, dict(values)

    def has(self, name: str) -> bool:
        return name.lower() in self._values

    def get(self, name: str, default: t.Any = None) -> t.Any:
        return self._values.get(name.lower(), default)

    def text(self, name: str, default: str = "") -> str:
        return text_of(self.get(name, default))

    def on(self, name: str) -> bool:
        return true(self.get(name, False))

    def names(self) -> set[str]:
        return set(self._values)


def known_cmdlet(name: str) -> str | None:
    """A cmdlet's name in its own spelling."""
    low = name.lower().removeprefix("microsoft.powershell.management\\").removeprefix("microsoft.powershell.utility\\")
    found = _CMDLETS.get(_ALIASES.get(low, low))
    return found.name if found else None


def run_cmdlet(
    shell: PowerShell, name: str, given: list[tuple[str | None, t.Any]], items: Items, out: list[t.Any]
) -> bool:
    """Run a cmdlet; False when there is none of that name."""
    spelled = known_cmdlet(name)
    if spelled is None:
        return False
    found = _CMDLETS[spelled.lower()]
    bound = _bind(shell, found, given)
    action = text_of(bound.get("ErrorAction")) or None
    before = len(shell.errors)
    with shell.error_action(action):
        try:
            found.work(shell, bound, items, out)
        except NetError as error:
            record = ErrorRecord(
                error.exception,
                error_id=f"{error.exception.kind.rpartition('.')[2]},Microsoft.PowerShell.Commands."
                f"{found.name.replace('-', '')}Command",
                activity=found.name,
            )
            raise PsError(record) from error
        finally:
            if bound.has("ErrorVariable"):
                shell.set_variable(bound.text("ErrorVariable").lstrip("+"), shell.errors[before:])
    return True


def _find(shell: PowerShell, command: _Cmdlet, name: str) -> _Parameter:
    word = name.lstrip("-").lower()
    exact = [one for one in command.parameters if one.answers_to(word)]
    begun = exact or [one for one in command.parameters if one.name.lower().startswith(word)]
    if len(begun) == 1:
        return begun[0]
    if len(begun) > 1:
        raise shell.error(
            f"Parameter cannot be processed because the parameter name '{word}' is ambiguous.",
            kind="System.Management.Automation.ParameterBindingException",
            error_id=f"AmbiguousParameter,{command.name}",
            category="InvalidArgument",
            activity=command.name,
        )
    raise Limit(f"the parameter {name} of {command.name}")


def _bind(shell: PowerShell, command: _Cmdlet, given: list[tuple[str | None, t.Any]]) -> Bound:
    values: dict[str, t.Any] = {}
    loose: list[t.Any] = []
    waiting: _Parameter | None = None
    for name, value in given:
        if name is None:
            if waiting is not None:
                values[waiting.name.lower()], waiting = value, None
            else:
                loose.append(value)
            continue
        if waiting is not None:
            raise _missing_argument(shell, command, waiting)
        found = _find(shell, command, name)
        if value is not Arguments.NOTHING:
            values[found.name.lower()] = value
        elif found.switch:
            values[found.name.lower()] = True
        else:
            waiting = found
    if waiting is not None:
        raise _missing_argument(shell, command, waiting)
    _place(shell, command, values, loose)
    return Bound(command.name, {name: None if value is VOID else value for name, value in values.items()})


def _place(shell: PowerShell, command: _Cmdlet, values: dict[str, t.Any], loose: list[t.Any]) -> None:
    places = sorted(
        (one for one in command.parameters if one.place is not None and one.name.lower() not in values),
        key=lambda one: one.place or 0,
    )
    if len(loose) > len(places):
        raise shell.error(
            f"A positional parameter cannot be found that accepts argument '{text_of(loose[len(places)])}'.",
            kind="System.Management.Automation.ParameterBindingException",
            error_id=f"PositionalParameterNotFound,{command.name}",
            category="InvalidArgument",
            activity=command.name,
        )
    for param, value in zip(places, loose, strict=False):
        values[param.name.lower()] = value


def _missing_argument(shell: PowerShell, command: _Cmdlet, param: _Parameter) -> PsError:
    return shell.error(
        f"Missing an argument for parameter '{param.name}'. Specify a parameter and try again.",
        kind="System.Management.Automation.ParameterBindingException",
        error_id=f"MissingArgument,{command.name}",
        category="InvalidArgument",
        activity=command.name,
    )
