# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""ServerConfigurator.exe: encryption by certificate groups, from the command line (docs/simulator.md, VMS)."""

from __future__ import annotations

import asyncio
import dataclasses as dc
import re
import typing as t
import urllib.parse

from ._clock import format_time
from ._vms_catalog import CONFIGURATOR, CONFIGURATOR_LOG, GROUPS, MOBILE
from ._vms_certificates import Bound
from ._windows_host import WindowsHost
from ._windows_store import WRONG_NAME, WRONG_PURPOSE, Entry

if t.TYPE_CHECKING:
    from ._vms_server import VmsServer

__all__ = ["Registrar", "install"]

# OFFICIAL.
SUCCESS: t.Final = 0
UNKNOWN_ERROR: t.Final = -1
INVALID_ARGUMENTS: t.Final = -2
INVALID_VALUE: t.Final = -3
ANOTHER_INSTANCE: t.Final = -4
# FIELD: seen by those who script it.
NOT_AUTHORIZED: t.Final = 100
IDP_REGISTRATION_FAILED: t.Final = 100_000
SYSTEM_REGISTRATION_FAILED: t.Final = 300_000

_SECONDS: t.Final = 120.0
_VERBS: t.Final = ("/enableencryption", "/disableencryption", "/register", "/listcertificategroups")
#: Each verb's further switches; whether one must be there is what the verb says.
_SWITCHES: t.Final[t.Mapping[str, t.Collection[str]]] = {
    "/enableencryption": ("/quiet", "/certificategroup", "/thumbprint"),
    "/disableencryption": ("/quiet", "/certificategroup"),
    "/register": ("/quiet", "/managementserveraddress", "/overridelocalmanagementserver"),
    "/listcertificategroups": ("/quiet",),
}
_VALUED: t.Final = ("/certificategroup", "/thumbprint", "/managementserveraddress")
_GUID: t.Final = re.compile(r"\{?([0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12})\}?")
_THUMBPRINT: t.Final = re.compile(r"[0-9A-Fa-f]{40}")

#: Asks the management server to take this server's registration: None, or why it does not (a clause).
Registrar = t.Callable[["VmsServer"], t.Awaitable[str | None]]


class Refusal(Exception):
    """Nothing was applied: the exit code and the line for the log."""

    def __init__(self, code: int, line: str) -> None:
        super().__init__(line)
        self.code = code
        self.line = line


@dc.dataclass(frozen=True, kw_only=True)
class Order:
    """A command line that makes sense."""

    verb: str
    values: t.Mapping[str, str]


def install(server: VmsServer, register: Registrar, management_name: str) -> None:
    """Put the program on a server."""
    configurator = _Configurator(server, register, management_name)
    loop = asyncio.get_running_loop()

    def program(_host: WindowsHost, argv: t.Sequence[str], /) -> tuple[int, str]:
        # A script runs in a thread of its own, the services on the event loop.
        return asyncio.run_coroutine_threadsafe(configurator.run(argv), loop).result(_SECONDS)

    server.host.programs[CONFIGURATOR] = program


class _Configurator:
    def __init__(self, server: VmsServer, register: Registrar, management_name: str) -> None:
        self._server = server
        self._register = register
        self._management_name = management_name.lower()

    async def run(self, argv: t.Sequence[str]) -> tuple[int, str]:
        """One run: the exit code, and what it prints, which its log has as well."""
        lines: list[str] = []
        if self._server.configurator_runs():
            code = ANOTHER_INSTANCE
            lines.append("Another instance of Server Configurator is running.")
        else:
            process = self._server.start_configurator()
            try:
                code = await self._obey(argv, lines)
            except Refusal as refusal:
                code = refusal.code
                lines.append(refusal.line)
            finally:
                self._server.end_process(process)
        lines.append(f"Exit code = {code}")
        self._log(lines)
        self._server.on_change(self._server)
        return code, "".join(f"{line}\r\n" for line in lines)

    def _log(self, lines: t.Sequence[str]) -> None:
        files, stamp = self._server.host.files, format_time(self._server.host.now())
        before = files.read(CONFIGURATOR_LOG) if files.is_file(CONFIGURATOR_LOG) else b""
        text = "".join(f"{stamp} {line}\r\n" for line in lines)
        files.make_folder(CONFIGURATOR_LOG.rpartition("\\")[0])
        files.write(CONFIGURATOR_LOG, before + text.encode())

    async def _obey(self, argv: t.Sequence[str], lines: list[str]) -> int:
        order = _parse(argv)
        if order.verb == "/listcertificategroups":
            lines += [
                f"Found '{GROUPS[group].title}' group with ID = {GROUPS[group].guid}"
                for group in self._server.spec.groups
            ]
            return SUCCESS
        if order.verb == "/register":
            return await self._register_now(order, lines)
        groups = self._groups(order)
        bound = self._bound(order) if order.verb == "/enableencryption" else None
        if not self._server.host.may_change():
            raise Refusal(UNKNOWN_ERROR, "The simulator is read-only.")
        return await self._apply(groups, bound, lines)

    def _groups(self, order: Order) -> tuple[str, ...]:
        """The groups that are meant.

        FIELD: of several GUIDs only the first is applied. INFERRED: without one, all that the server has.
        """
        text = order.values.get("/certificategroup")
        if text is None:
            return self._server.spec.groups
        guid = _GUID.fullmatch(text.split(",")[0].strip())
        if guid is None:
            raise Refusal(INVALID_VALUE, f"The certificate group {text!r} is no GUID.")
        found = tuple(group for group in self._server.spec.groups if GROUPS[group].guid == guid[1].lower())
        if not found:
            raise Refusal(INVALID_VALUE, f"This computer has no certificate group {guid[1]}.")
        return found

    def _bound(self, order: Order) -> Bound:
        thumbprint = order.values["/thumbprint"]
        if not _THUMBPRINT.fullmatch(thumbprint):
            raise Refusal(INVALID_VALUE, f"The thumbprint {thumbprint!r} has not 40 hexadecimal digits.")
        entry = self._server.host.stores.find("My", thumbprint)
        if entry is None or entry.key is None:
            what = "is not in" if entry is None else "has no private key in"
            raise Refusal(INVALID_VALUE, f"The certificate {thumbprint.upper()} {what} LocalMachine\\My.")
        self._check_chain(entry)
        return Bound(thumbprint=entry.thumbprint, subject=entry.subject)

    def _check_chain(self, entry: Entry) -> None:
        verdict = self._server.host.stores.check_chain(entry.der, (), self._server.host.now())
        if verdict.statuses & {"UntrustedRoot", "PartialChain"}:
            # FIELD: this very code, for a root that the computer does not trust (VMS-13).
            raise Refusal(ANOTHER_INSTANCE, f"The chain of {entry.thumbprint} is not trusted: {verdict}.")
        if verdict.statuses:
            # INFERRED: its window does not offer such certificates.
            raise Refusal(INVALID_VALUE, f"The certificate {entry.thumbprint} is not valid: {verdict}.")

    async def _apply(self, groups: t.Sequence[str], bound: Bound | None, lines: list[str]) -> int:
        for group in groups:
            self._server.bind_group(group, bound)
        concerned = dict.fromkeys(name for group in groups for name in self._server.services_of(group))
        started = await self._server.restart_services(tuple(concerned))
        if not started:
            lines.append("ApplyCertificate Status = Failed: a service did not start again.")
            return UNKNOWN_ERROR
        lines.append("ApplyCertificate Status = Success")
        # INFERRED: when encryption is switched off, nothing is registered that could fail.
        return SUCCESS if bound is None else await self._registered(groups, bound, lines)

    async def _registered(self, groups: t.Sequence[str], bound: Bound, lines: list[str]) -> int:
        if not self._server.spec.configurator_authorized:
            lines.append("Registration done with result = NotAuthorized")
            return NOT_AUTHORIZED
        entry = self._server.host.stores.find("My", bound.thumbprint)
        assert entry is not None
        host = self._server.host
        verdict = host.stores.judge(entry.der, (), host.host_name, host.now())
        # INFERRED: no server of the VMS connects to what phones see, whose name for it the internet knows.
        if WRONG_NAME in verdict.errors and set(groups) != {MOBILE}:
            lines.append(f"Registration done with result = Failed: {entry.thumbprint} does not name {host.host_name}")
            return SYSTEM_REGISTRATION_FAILED
        if WRONG_PURPOSE in verdict.statuses:
            # INFERRED: nothing looks at the purpose before it is bound; then the server itself does not accept it.
            lines.append(f"Registration done with result = Failed: {entry.thumbprint} is not for servers ({verdict})")
            return SYSTEM_REGISTRATION_FAILED
        return await self._register_at_idp(lines)

    async def _register_now(self, order: Order, lines: list[str]) -> int:
        if not self._server.spec.configurator_authorized:
            lines.append("Registration done with result = NotAuthorized")
            return NOT_AUTHORIZED
        address = order.values.get("/managementserveraddress")
        if address is not None and _host_of(address) != self._management_name:
            lines.append(f"Registration done with result = Failed: no management server at {address}")
            return IDP_REGISTRATION_FAILED
        return await self._register_at_idp(lines)

    async def _register_at_idp(self, lines: list[str]) -> int:
        problem = await self._register(self._server)
        if problem is not None:
            lines.append(f"Registration done with result = Failed: {problem}")
            return IDP_REGISTRATION_FAILED
        lines.append("Registration done with result = Success")
        return SUCCESS


def _host_of(address: str) -> str:
    return (urllib.parse.urlsplit(address).hostname or address).lower()


def _parse(argv: t.Sequence[str]) -> Order:
    """The command line; Refusal when it is not one of the documented ones."""
    values: dict[str, str] = {}
    for argument in argv:
        name, _equals, value = argument.partition("=")
        name = name.lower()
        if name in _VALUED and not value:
            raise Refusal(INVALID_ARGUMENTS, f"{name} has no value.")
        # FIELD: what comes a second time is not looked at.
        values.setdefault(name, value)
    verbs = [name for name in values if name in _VERBS]
    if len(verbs) != 1:
        raise Refusal(INVALID_ARGUMENTS, f"There has to be exactly one of {', '.join(_VERBS)}.")
    verb = verbs[0]
    unknown = [name for name in values if name != verb and name not in _SWITCHES[verb]]
    if unknown:
        raise Refusal(INVALID_ARGUMENTS, f"{unknown[0]!r} does not go with {verb}.")
    if verb != "/listcertificategroups" and "/quiet" not in values:
        raise Refusal(INVALID_ARGUMENTS, "Without /quiet there is a window, and nobody who sees it.")
    if verb == "/enableencryption" and "/thumbprint" not in values:
        raise Refusal(INVALID_ARGUMENTS, "/enableencryption needs /thumbprint.")
    return Order(verb=verb, values=values)
