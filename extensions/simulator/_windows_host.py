# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A simulated Windows computer: its certificate stores, keys, services, files and programs, reached by SSH."""

from __future__ import annotations

import collections
import dataclasses as dc
import hashlib
import socket
import threading
import typing as t
import weakref

from ._clock import Clock
from ._device import ReadOnly
from ._powershell_all import Outcome, PowerShell
from ._windows_files import Files
from ._windows_parts import Binding, Process, Program, Service
from ._windows_ssh import SshDoor, new_host_key, public_key
from ._windows_store import ADMINISTRATORS, CNG, CSP, LOCAL_SERVICE, NETWORK_SERVICE, SYSTEM, Stores

__all__ = ["LOCALES", "WindowsHost"]

# The administrator who logs in: the group of administrators is what counts in access lists.
_ENGLISH: t.Final[t.Mapping[str, str]] = {
    "NT AUTHORITY\\SYSTEM": SYSTEM,
    "NT AUTHORITY\\LOCAL SERVICE": LOCAL_SERVICE,
    "NT AUTHORITY\\NETWORK SERVICE": NETWORK_SERVICE,
    "BUILTIN\\Administrators": ADMINISTRATORS,
    "BUILTIN\\Users": "S-1-5-32-545",
    "Everyone": "S-1-1-0",
}
_GERMAN: t.Final[t.Mapping[str, str]] = {
    "NT-AUTORITÄT\\SYSTEM": SYSTEM,
    "NT-AUTORITÄT\\Lokaler Dienst": LOCAL_SERVICE,
    "NT-AUTORITÄT\\Netzwerkdienst": NETWORK_SERVICE,
    "VORDEFINIERT\\Administratoren": ADMINISTRATORS,
    "VORDEFINIERT\\Benutzer": "S-1-5-32-545",
    "Jeder": "S-1-1-0",
}


@dc.dataclass(frozen=True, kw_only=True)
class _Locale:
    """What a computer's language decides: the well-known accounts' names and the code pages."""

    accounts: t.Mapping[str, str]
    ansi: str
    oem: str


# A Japanese Windows has the English names; a German one has its own, and does not know the English ones.
_LOCALES: t.Final[t.Mapping[str, _Locale]] = {
    "en-US": _Locale(accounts=_ENGLISH, ansi="cp1252", oem="cp437"),
    "ja-JP": _Locale(accounts=_ENGLISH, ansi="cp932", oem="cp932"),
    "de-DE": _Locale(accounts=_GERMAN, ansi="cp1252", oem="cp850"),
}
LOCALES: t.Final = tuple(_LOCALES)
# How services name the account that they run under (Win32_Service.StartName), in every language.
SERVICE_NAMES: t.Final[t.Mapping[str, str]] = {"LocalSystem": SYSTEM, ".\\LocalSystem": SYSTEM}


class WindowsHost:
    r"""A Windows computer on one loopback address.

    What the builder of a host plugs in:

    - `resolve(name) -> address`: names of other hosts, for `TcpClient`; None for a name that nobody has.
    - `programs[path] = callable(host, argv) -> (exit code, stdout text)`: further programs, by their full path or by
      their name alone. `argv` has the arguments without the program. They run in the script's thread; what they change
      in an event loop's objects they hand over by `loop.call_soon_threadsafe`. A program that changes something asks
      `host.may_change()` first and ends with an error of its own when that is False (the read-only switch).
    - `services[name] = Service(...)`, `processes`, `bindings` (a list of Binding), `add_account(name, sid)` for further
      accounts (`DOMAIN\svc`), which services may run under.
    - `stores.orphan_key(thumbprint)`: the key of a certificate is gone, and the certificate does not know it.
      `stores.set_rules(unique_name, {…, ADMINISTRATORS: "use"})`: the administrators may use a key and not read its
      file's access list; "deny", or nothing: neither.
    - `stores.on_change`: called in the thread that changed a store, as `on_change` for all else that changed.
    - `files.make_folder(path)`, `files.write(path, data)`: what the small file system holds.

    `sid_of(account)` gives the SID of an account's name as this computer's language has it (`account_of(sid)` the
    name), `service_sid(account)` that of a service's account, and
    `stores.readable(thumbprint, sid)` whether a service under it can use a certificate's key.
    """

    def __init__(
        self,
        *,
        name: str,
        address: str,
        host_name: str,
        clock: Clock,
        read_only: ReadOnly,
        resolve: t.Callable[[str], str | None],
        port: int = 2222,
        account: str = "Administrator",
        password: str = "",
        authorized_keys: t.Sequence[str] = (),
        locale: str = "en-US",
        version: str = "10.0.20348.0",
        key_storage: t.Literal["cng", "csp"] = "cng",
        clock_offset: float = 0.0,
        time_zone: float = 9 * 3600.0,
    ) -> None:
        self.name, self.address, self.host_name, self.port = name, address, host_name, port
        self.clock, self.read_only, self.clock_offset = clock, read_only, clock_offset
        self._resolve = resolve
        self.account, self.password, self.authorized_keys = account, password, tuple(authorized_keys)
        self.locale, self.version, self.time_zone = locale, version, time_zone
        # Which kind of provider keeps the keys that are imported and made without naming one.
        self.provider = CNG if key_storage == "cng" else CSP
        self.stores = Stores()
        self.services: dict[str, Service] = {}
        self.processes: list[Process] = []
        self.bindings: list[Binding] = []
        self.programs: dict[str, Program] = {}
        self.files = Files(self.stores, self.programs)
        self.accounts: dict[str, str] = dict(_LOCALES[locale].accounts)
        self.on_change: t.Callable[[], None] = lambda: None
        # "refuse_connection", "drop_after_script" (the script ran, its answer is lost), "slow"; used up by the caller.
        self.faults: set[str] = set()
        self.log: collections.deque[dict[str, object]] = collections.deque(maxlen=1000)
        self.slow_seconds = 2.0
        self.power = "off"
        # How often it went off: a script that was running then goes no further.
        self.power_cuts = 0
        self.lock = threading.RLock()
        self.host_key = new_host_key()
        self._sockets: weakref.WeakSet[socket.socket] = weakref.WeakSet()
        self._door = SshDoor(self)

    # -- time, names, accounts -----------------------------------------------------------------------------------

    def now(self) -> float:
        """This computer's own clock."""
        return self.clock.now() + self.clock_offset

    def resolve(self, name: str) -> str | None:
        """The address of a name, as this computer finds it."""
        if name.lower() in {"localhost", "127.0.0.1", "::1", self.address, self.host_name.lower()}:
            return self.address
        return self._resolve(name)

    def add_account(self, name: str, sid: str | None = None) -> str:
        """A further account; its SID is made of its name when none is given."""
        if sid is None:
            digest = hashlib.sha256(name.lower().encode()).digest()
            parts = [int.from_bytes(digest[at : at + 4], "big") for at in (0, 4, 8)]
            sid = "S-1-5-21-" + "-".join(str(part) for part in parts) + "-1101"
        self.accounts[name] = sid
        return sid

    def sid_of(self, account: str) -> str | None:
        """The SID of an account, by its full or short name, with or without blanks (`NetworkService`)."""
        return _sid_among(self.accounts, account)

    def service_sid(self, account: str) -> str | None:
        """The SID that a service runs under. Its account may be given in English everywhere.

        Windows keeps a service's account as it was installed, whether or not the name translates (INFERRED).
        """
        return _sid_among({**self.accounts, **_ENGLISH, **SERVICE_NAMES}, account)

    def account_of(self, sid: str) -> str | None:
        return next((name for name, known in self.accounts.items() if known == sid), None)

    @property
    def service_accounts(self) -> dict[str, str]:
        """The accounts that this computer's services run under, and their SIDs."""
        found = {service.account: self.service_sid(service.account) for service in self.services.values()}
        return {account: sid for account, sid in found.items() if sid is not None}

    # -- changes -------------------------------------------------------------------------------------------------

    def may_change(self) -> bool:
        """Whether something may be changed now; a refusal is counted."""
        if self.read_only.enabled:
            self.read_only.refused += 1
            return False
        return True

    def set_service_status(self, name: str, status: str) -> None:
        """Start or stop a service."""
        with self.lock:
            self.services[name].status = status
        self.on_change()

    def end_process(self, process: Process) -> None:
        """A running program ends."""
        with self.lock:
            if process in self.processes:
                self.processes.remove(process)
        self.on_change()

    # -- scripts -------------------------------------------------------------------------------------------------

    @property
    def console_encoding(self) -> str:
        """The OEM code page, in which a console's programs write and read."""
        return _LOCALES[self.locale].oem

    @property
    def ansi_encoding(self) -> str:
        """The ANSI code page, in which older programs read and write files."""
        return _LOCALES[self.locale].ansi

    def environment(self) -> dict[str, str]:
        """The environment variables of a login, by their names in upper case."""
        home = f"C:\\Users\\{self.account}"
        return {
            "COMPUTERNAME": self.host_name.partition(".")[0].upper(),
            "PROGRAMDATA": "C:\\ProgramData",
            "ALLUSERSPROFILE": "C:\\ProgramData",
            "PROGRAMFILES": "C:\\Program Files",
            "PROGRAMFILES(X86)": "C:\\Program Files (x86)",
            "SYSTEMROOT": "C:\\Windows",
            "WINDIR": "C:\\Windows",
            "SYSTEMDRIVE": "C:",
            "TEMP": f"{home}\\AppData\\Local\\Temp",
            "TMP": f"{home}\\AppData\\Local\\Temp",
            "USERNAME": self.account,
            "USERDOMAIN": self.host_name.partition(".")[0].upper(),
            "USERPROFILE": home,
        }

    def run_script(self, script: str, stdin: t.Sequence[str] = ()) -> Outcome:
        """Run a PowerShell script as the administrator, in this thread."""
        return PowerShell(self).run(script, stdin)

    def opened(self, made: socket.socket) -> None:
        """A script's socket; it is closed when the computer goes off."""
        self._sockets.add(made)

    # -- power ---------------------------------------------------------------------------------------------------

    async def power_on(self) -> None:
        """Open the SSH server; PortError when that cannot be."""
        await self._door.open()
        self.power = "on"

    async def power_off(self) -> None:
        """End every connection and every listener."""
        self.power = "off"
        self.power_cuts += 1
        for made in list(self._sockets):
            made.close()
        await self._door.close()

    def public_key(self) -> str:
        """The SSH host key as a line of `known_hosts` has it after the name."""
        return public_key(self.host_key)

    # -- memory --------------------------------------------------------------------------------------------------

    def dump(self) -> dict[str, t.Any]:
        """Everything that outlives a restart, as plain JSON data; private keys are in it."""
        return {
            "stores": self.stores.dump(),
            "services": [dc.asdict(service) for service in self.services.values()],
            "processes": [dc.asdict(process) for process in self.processes],
            "bindings": [dc.asdict(binding) for binding in self.bindings],
            "accounts": dict(self.accounts),
            "files": self.files.dump(),
            "host_key": self.host_key,
        }

    def load(self, data: t.Mapping[str, t.Any]) -> None:
        """Be as `dump` said."""
        self.stores.load(data["stores"])
        self.services = {item["name"]: Service(**item) for item in data["services"]}
        self.processes = [Process(**item) for item in data["processes"]]
        self.bindings = [Binding(**item) for item in data["bindings"]]
        self.accounts = dict(data["accounts"])
        self.files.load(data["files"])
        self.host_key = data["host_key"]


def _sid_among(known: t.Mapping[str, str], account: str) -> str | None:
    return next((sid for name, sid in known.items() if _same_account(name, account)), None)


def _same_account(known: str, given: str) -> bool:
    """Names are compared without case and blanks; the domain may be left out."""
    full, short = known.replace(" ", "").lower(), known.rpartition("\\")[2].replace(" ", "").lower()
    text = given.replace(" ", "").lower()
    return text in {full, short} or text.removeprefix(".\\") == full
