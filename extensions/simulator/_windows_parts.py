# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a simulated Windows computer has besides its stores and files: services, processes, bindings, programs."""

from __future__ import annotations

import dataclasses as dc
import typing as t

if t.TYPE_CHECKING:
    from ._windows_host import WindowsHost

__all__ = ["Binding", "Process", "Program", "Service"]


@dc.dataclass(kw_only=True)
class Service:
    """A Windows service; `account` is Win32_Service.StartName's text."""

    name: str
    display_name: str
    account: str = "NT AUTHORITY\\NetworkService"
    status: str = "Running"
    start_type: str = "Automatic"


@dc.dataclass(kw_only=True)
class Process:
    """A running program."""

    id: int
    name: str
    path: str = ""


@dc.dataclass(kw_only=True, frozen=True)
class Binding:
    """A certificate that HTTP.sys presents at an address and port (`netsh http show sslcert`)."""

    endpoint: str
    thumbprint: str
    app_id: str
    store: str = "MY"


class Program(t.Protocol):
    """A program of the computer; it runs in the script's thread, not in the event loop."""

    def __call__(self, host: WindowsHost, argv: t.Sequence[str], /) -> tuple[int, str]: ...
