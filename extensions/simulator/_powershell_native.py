# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Programs called from the simulated PowerShell: how it finds them, and what it makes of their arguments."""

from __future__ import annotations

import typing as t

from ._powershell_binding import Arguments
from ._powershell_values import Limit, as_list, text_of
from ._windows_programs import BUILT_IN, split_command_line

if t.TYPE_CHECKING:
    from ._powershell import PowerShell
    from ._windows_host import WindowsHost
    from ._windows_parts import Program

__all__ = ["call_program", "command_line", "find_program", "run_program"]

_SYSTEM: t.Final = "C:\\Windows\\System32\\"


def _known(host: WindowsHost) -> dict[str, Program]:
    found = {f"{_SYSTEM}{name}": program for name, program in BUILT_IN.items()}
    return {**found, **host.programs}


def find_program(host: WindowsHost, name: str) -> str | None:
    """The path of a program by its path or its name, with or without `.exe`."""
    low = name.lower().strip('"')
    wanted = {low, f"{low}.exe"}
    for path in _known(host):
        alone = path.rpartition("\\")[2].lower()
        if path.lower() in wanted or (
            "\\" not in low and (path == alone or path.startswith(_SYSTEM)) and alone in wanted
        ):
            return path
    return next((path for path in host.programs if "\\" not in path and path.lower() in wanted), None)


def call_program(host: WindowsHost, path: str, argv: t.Sequence[str]) -> tuple[int, str]:
    """Run a program that `find_program` found."""
    return _known(host)[path](host, argv)


def command_line(given: list[tuple[str | None, t.Any]]) -> str:
    """The command line that Windows PowerShell makes: what has blanks is quoted, quotes inside are not escaped."""
    words: list[str] = []
    for name, value in given:
        if name is not None:
            words.append(name if value is Arguments.NOTHING else f"{name}:{text_of(value)}")
        else:
            words += [text_of(item) for item in as_list(value)]
    quoted = [
        f'"{word}"' if any(sign in word for sign in " \t") and not word.startswith('"') else word for word in words
    ]
    return " ".join(word for word in quoted if word)


def run_program(
    shell: PowerShell, name: str, given: list[tuple[str | None, t.Any]], items: list[t.Any] | None, out: list[t.Any]
) -> None:
    """Run a program as a command of a script: its output comes in lines, its exit code in $LASTEXITCODE."""
    path = find_program(shell.host, name)
    if path is None:
        if "\\" not in name:
            # Windows may have it; only the simulator has not.
            raise Limit(f"the command {name}")
        raise shell.error(
            f"The term '{name}' is not recognized as the name of a cmdlet, function, script file, or operable program."
            " Check the spelling of the name, or if a path was included, verify that the path is correct and try"
            " again.",
            kind="System.Management.Automation.CommandNotFoundException",
            error_id="CommandNotFoundException",
            category="ObjectNotFound",
            target=name,
        )
    if items:
        raise Limit(f"standard input of {name}")
    code, text = call_program(shell.host, path, split_command_line(command_line(given)))
    shell.root.variables["lastexitcode"] = code
    shell.ok = code == 0
    lines = text.replace("\r\n", "\n").split("\n")
    out.extend(lines[:-1] if lines[-1] == "" else lines)
