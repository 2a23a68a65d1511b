# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Accounts and access lists: NTAccount, SecurityIdentifier, FileSystemAccessRule, FileSecurity; Get-Acl and Set-Acl."""

from __future__ import annotations

import typing as t

from ._powershell_binding import Bound, Items, cmdlet
from ._powershell_types import NetType, convert, enum, find_type, register
from ._powershell_values import (
    VOID,
    Enum,
    ErrorRecord,
    Limit,
    NetException,
    NetObject,
    as_list,
    net_error,
    text_of,
    true,
)
from ._windows_store import ADMINISTRATORS, LOCAL_SERVICE, NETWORK_SERVICE, SYSTEM, Key, Rule

if t.TYPE_CHECKING:
    from ._powershell import PowerShell

__all__ = ["FileSecurity", "missing_path", "security_of"]

_PRINCIPAL: t.Final = "System.Security.Principal."
_ACCESS: t.Final = "System.Security.AccessControl."
_READ_DATA: t.Final = 1
_READ: t.Final = 131209
_SYNCHRONIZE: t.Final = 1048576
_FULL: t.Final = 2032127
_BITS: t.Final[t.Mapping[Rule, int]] = {
    "full": _FULL,
    "read": _READ | _SYNCHRONIZE,
    "use": _READ_DATA,
    "deny": _READ,
}

_RIGHTS: t.Final = enum(_ACCESS + "FileSystemRights", {"ReadData": 1, "WriteData": 2, "AppendData": 4, "ReadExtendedAttributes": 8, "WriteExtendedAttributes": 16, "ExecuteFile": 32, "DeleteSubdirectoriesAndFiles": 64, "ReadAttributes": 128, "WriteAttributes": 256, "Write": 278, "Delete": 65536, "ReadPermissions": 131072, "Read": 131209, "ReadAndExecute": 131241, "Modify": 197055, "ChangePermissions": 262144, "TakeOwnership": 524288, "Synchronize": 1048576, "FullControl": 2032127}, flags=True)  # noqa: E501  # fmt: skip
_TYPE: t.Final = enum(_ACCESS + "AccessControlType", {"Allow": 0, "Deny": 1})
_INHERITANCE: t.Final = enum(_ACCESS + "InheritanceFlags", {"None": 0, "ContainerInherit": 1, "ObjectInherit": 2}, flags=True)  # noqa: E501  # fmt: skip
_PROPAGATION: t.Final = enum(_ACCESS + "PropagationFlags", {"None": 0, "NoPropagateInherit": 1, "InheritOnly": 2}, flags=True)  # noqa: E501  # fmt: skip
_WELL_KNOWN: t.Final = {"LocalSystemSid": SYSTEM, "LocalServiceSid": LOCAL_SERVICE, "NetworkServiceSid": NETWORK_SERVICE, "BuiltinAdministratorsSid": ADMINISTRATORS, "WorldSid": "S-1-1-0", "BuiltinUsersSid": "S-1-5-32-545"}  # noqa: E501  # fmt: skip
enum(_PRINCIPAL + "WellKnownSidType", {"WorldSid": 1, "LocalSystemSid": 22, "LocalServiceSid": 23, "NetworkServiceSid": 24, "BuiltinAdministratorsSid": 26, "BuiltinUsersSid": 27})  # noqa: E501  # fmt: skip
enum(_PRINCIPAL + "WindowsBuiltInRole", {"Administrator": 544, "User": 545, "Guest": 546})


# -- accounts ----------------------------------------------------------------------------------------------------


def _not_mapped() -> Exception:
    return net_error(
        _PRINCIPAL + "IdentityNotMappedException", "Some or all identity references could not be translated."
    )


class _Identity(NetObject):
    BASES = (_PRINCIPAL + "IdentityReference",)

    def __init__(self, shell: PowerShell, text: str) -> None:
        self.shell, self.text = shell, text

    def get_value(self) -> str:
        return self.text

    def do_equals(self, other: t.Any) -> bool:
        return isinstance(other, type(self)) and other.text.lower() == self.text.lower()

    def sid(self) -> str:
        """Its SID; IdentityNotMappedException when nobody has that name."""
        raise NotImplementedError

    def do_translate(self, kind: t.Any) -> _Identity:
        word = text_of(kind).rpartition(".")[2].lower()
        sid = self.sid()
        if word == "securityidentifier":
            return _Sid(self.shell, sid)
        name = self.shell.host.account_of(sid)
        if name is None:
            raise _not_mapped()
        return _Account(self.shell, name)

    def __str__(self) -> str:
        return self.text


class _Account(_Identity):
    TYPE = _PRINCIPAL + "NTAccount"
    SHOWN = False

    def sid(self) -> str:
        found = self.shell.host.sid_of(self.text)
        if found is None:
            raise _not_mapped()
        return found


class _Sid(_Identity):
    TYPE = _PRINCIPAL + "SecurityIdentifier"

    def sid(self) -> str:
        return self.text

    def do_iswellknown(self, kind: t.Any) -> bool:
        return _WELL_KNOWN.get(text_of(kind)) == self.text


def _new_account(shell: PowerShell, name: t.Any, account: t.Any = None) -> _Account:
    if isinstance(name, _Account):
        return name
    text = text_of(name) if account is None else f"{text_of(name)}\\{text_of(account)}"
    if not text:
        raise net_error("System.ArgumentException", "The value of the parameter 'name' is null or empty.")
    return _Account(shell, text)


def _new_sid(shell: PowerShell, text: t.Any, domain: t.Any = None) -> _Sid:
    del domain
    if isinstance(text, _Sid):
        return text
    word = text_of(text)
    known = next((sid for name, sid in _WELL_KNOWN.items() if name.lower() == word.lower()), word)
    if not known.upper().startswith("S-1-"):
        raise net_error("System.ArgumentException", "Value was invalid.\r\nParameter name: sddlForm")
    return _Sid(shell, known.upper())


register(NetType(_Account.TYPE, new=_new_account))
register(NetType(_Sid.TYPE, new=_new_sid))


class _WindowsIdentity(NetObject):
    TYPE = _PRINCIPAL + "WindowsIdentity"

    def __init__(self, shell: PowerShell) -> None:
        self.shell = shell

    def get_name(self) -> str:
        return f"{self.shell.environment['COMPUTERNAME']}\\{self.shell.host.account}"

    def get_issystem(self) -> bool:
        return False

    def get_user(self) -> _Sid:
        return _Sid(self.shell, "S-1-5-21-1004336348-1177238915-682003330-500")


class _Principal(NetObject):
    TYPE = _PRINCIPAL + "WindowsPrincipal"

    def __init__(self, shell: PowerShell) -> None:
        self.shell = shell

    def do_isinrole(self, role: t.Any) -> bool:
        """By the role's number, its SID, or the group's name in the computer's language."""
        word = text_of(role)
        return word.lower() in {"administrator", "544"} or ADMINISTRATORS in {word, self.shell.host.sid_of(word)}


register(NetType(_WindowsIdentity.TYPE, methods={"GetCurrent": _WindowsIdentity}))
register(NetType(_Principal.TYPE, new=lambda shell, _identity: _Principal(shell)))


# -- access lists ------------------------------------------------------------------------------------------------


class AccessRule(NetObject):
    """A FileSystemAccessRule."""

    TYPE = _ACCESS + "FileSystemAccessRule"

    def __init__(self, identity: _Identity, rights: int, kind: Enum) -> None:
        self.identity, self.rights, self.kind = identity, rights, kind

    def get_identityreference(self) -> _Identity:
        return self.identity

    def get_filesystemrights(self) -> Enum:
        return Enum(_RIGHTS, self.rights)

    def get_accesscontroltype(self) -> Enum:
        return self.kind

    def get_isinherited(self) -> bool:
        return False

    def get_inheritanceflags(self) -> Enum:
        return Enum(_INHERITANCE, 0)

    def get_propagationflags(self) -> Enum:
        return Enum(_PROPAGATION, 0)


def _new_rule(shell: PowerShell, identity: t.Any, rights: t.Any, *rest: t.Any) -> AccessRule:
    if len(rest) not in {1, 3}:
        raise Limit(f"a FileSystemAccessRule of {len(rest) + 2} arguments")
    who = identity if isinstance(identity, _Identity) else _new_account(shell, identity)
    kind = convert(shell, rest[-1], find_type(_TYPE.name))
    bits = convert(shell, rights, find_type(_RIGHTS.name)).value
    return AccessRule(who, bits | (_SYNCHRONIZE if kind.value == 0 else 0), kind)


register(NetType(AccessRule.TYPE, new=_new_rule))
Entries = dict[tuple[str, int], int]


class FileSecurity(NetObject):
    """A FileSecurity: the access list of a file, until Set-Acl writes it."""

    TYPE = _ACCESS + "FileSecurity"
    BASES = (_ACCESS + "FileSystemSecurity", _ACCESS + "ObjectSecurity")

    def __init__(self, shell: PowerShell, path: str, rules: t.Mapping[str, Rule]) -> None:
        self.shell, self.path = shell, path
        # (SID, 0 for allow and 1 for deny) -> rights.
        self.entries: Entries = {}
        for sid, rule in rules.items():
            self.entries[sid, int(rule == "deny")] = _BITS[rule]

    def get_path(self) -> str:
        return f"Microsoft.PowerShell.Core\\FileSystem::{self.path}"

    def get_owner(self) -> str:
        return self.shell.host.account_of(SYSTEM) or SYSTEM

    def get_areaccessrulesprotected(self) -> bool:
        return True

    def do_setaccessruleprotection(self, protected: t.Any, preserve: t.Any) -> t.Any:
        # A key's file inherits nothing, so that there is nothing to keep or to drop.
        del preserve
        if not true(protected):
            raise Limit("a key's file that inherits rights")
        return VOID

    def _rules(self, *, names: bool) -> list[t.Any]:
        found = []
        for (sid, kind), rights in sorted(self.entries.items(), key=lambda item: -item[0][1]):
            name = self.shell.host.account_of(sid) if names else None
            who: _Identity = _Account(self.shell, name) if name else _Sid(self.shell, sid)
            found.append(AccessRule(who, rights, Enum(_TYPE, kind)))
        return found

    def get_access(self) -> list[t.Any]:
        return self._rules(names=True)

    def do_getaccessrules(self, explicit: t.Any, inherited: t.Any, kind: t.Any) -> list[t.Any]:
        del inherited
        names = text_of(kind).lower().endswith("ntaccount")
        return self._rules(names=names) if true(explicit) else []

    @staticmethod
    def _key(rule: AccessRule) -> tuple[str, int]:
        return rule.identity.sid(), rule.kind.value

    def do_addaccessrule(self, rule: t.Any) -> t.Any:
        key = self._key(rule)
        self.entries[key] = self.entries.get(key, 0) | rule.rights
        return VOID

    def do_setaccessrule(self, rule: t.Any) -> t.Any:
        self.entries[self._key(rule)] = rule.rights
        return VOID

    def do_resetaccessrule(self, rule: t.Any) -> t.Any:
        self.do_purgeaccessrules(rule.identity)
        return self.do_setaccessrule(rule)

    def do_removeaccessrule(self, rule: t.Any) -> bool:
        key = self._key(rule)
        left = self.entries.get(key, 0) & ~rule.rights
        # What is left of a right that was taken away is no more than to wait for the file.
        if left & ~_SYNCHRONIZE:
            self.entries[key] = left
        else:
            self.entries.pop(key, None)
        return True

    do_removeaccessrulespecific = do_removeaccessrule

    def do_removeaccessruleall(self, rule: t.Any) -> t.Any:
        self.entries.pop(self._key(rule), None)
        return VOID

    def do_purgeaccessrules(self, identity: t.Any) -> t.Any:
        sid = identity.sid()
        self.entries = {key: rights for key, rights in self.entries.items() if key[0] != sid}
        return VOID

    def rules(self) -> dict[str, Rule]:
        """The list as the computer keeps it for a key."""
        found: dict[str, Rule] = {}
        for (sid, kind), rights in sorted(self.entries.items(), key=lambda item: item[0][1]):
            if kind == 1:
                if rights & _READ_DATA:
                    found[sid] = "deny"
                continue
            if not rights & _READ_DATA:
                raise Limit(f"the rights {Enum(_RIGHTS, rights)} to a key's file")
            found[sid] = next(rule for rule in ("full", "read", "use") if rights & _BITS[rule] == _BITS[rule])
        return found


def missing_path(path: str, activity: str) -> ErrorRecord:
    """`Cannot find path`, as every cmdlet says it."""
    return ErrorRecord(
        NetException(
            "System.Management.Automation.ItemNotFoundException",
            f"Cannot find path '{path}' because it does not exist.",
        ),
        error_id=f"PathNotFound,Microsoft.PowerShell.Commands.{activity.replace('-', '')}Command",
        category="ObjectNotFound",
        target=path,
        activity=activity,
    )


def _unauthorized() -> Exception:
    return net_error("System.UnauthorizedAccessException", "Attempted to perform an unauthorized operation.")


def security_of(shell: PowerShell, path: str) -> FileSecurity:
    """The access list of a key's file; UnauthorizedAccessException where the administrators may not read it."""
    key = shell.host.files.key_at(path)
    if key is None:
        raise Limit(f"the access list of {path} (of keys' files it is)")
    if not key.shows_rules(ADMINISTRATORS):
        raise _unauthorized()
    return FileSecurity(shell, shell.host.files.full(path), key.rules)


def _apply(shell: PowerShell, path: str, security: FileSecurity) -> None:
    key: Key | None = shell.host.files.key_at(path)
    if key is None:
        raise Limit(f"the access list of {path} (of keys' files it is)")
    rules = security.rules()
    # INFERRED: the owner of the file, who may always write the list, is SYSTEM.
    if key.rules.get(ADMINISTRATORS) != "full" or not shell.host.may_change():
        raise _unauthorized()
    shell.host.stores.set_rules(key.unique_name, rules)


@cmdlet("Get-Acl", "Path:0 LiteralPath")
def _get_acl(shell: PowerShell, bound: Bound, items: Items, out: list[t.Any]) -> None:
    for path in as_list(bound.get("LiteralPath", bound.get("Path"))) or items or []:
        text = text_of(path.get("FullName")) if isinstance(path, NetObject) else text_of(path)
        if not shell.host.files.exists(text):
            shell.report(missing_path(text, "Get-Acl"))
            continue
        out.append(security_of(shell, text))


@cmdlet("Set-Acl", "Path:0 LiteralPath AclObject:1")
def _set_acl(shell: PowerShell, bound: Bound, items: Items, _out: list[t.Any]) -> None:
    security = bound.get("AclObject", (items or [None])[0])
    if not isinstance(security, FileSecurity):
        raise net_error("System.ArgumentException", "AclObject")
    for path in as_list(bound.get("LiteralPath", bound.get("Path"))):
        text = text_of(path)
        if not shell.host.files.exists(text):
            shell.report(missing_path(text, "Set-Acl"))
            continue
        _apply(shell, text, security)


def apply_security(shell: PowerShell, path: str, security: t.Any) -> t.Any:
    """File.SetAccessControl."""
    _apply(shell, path, security)
    return VOID
