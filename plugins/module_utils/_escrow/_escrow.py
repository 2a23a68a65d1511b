# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The escrow of one recorder's recording passwords: a file in ansible-vault's format (REC-35).

Pictures recorded under an older password need that very password, so each one is written down with the span in which it
was in force, BEFORE the recorder is asked to change it, and none is ever removed.
"""

from __future__ import annotations

import contextlib
import dataclasses as dc
import datetime as dt
import fcntl
import hashlib
import hmac
import importlib
import json
import os
import re
import secrets
import tempfile
import typing as t
from pathlib import Path

from .._core._errors import EscrowError, InputError, MissingLibraryError
from .._core._secret import Secret
from .._pki._files import write_atomic

__all__ = ["Entry", "Escrow", "State", "escrow_path"]

State = t.Literal["pending", "in_force", "former", "refused", "unconfirmed"]

_VERSION = 1
_RECORDER = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.:-]{0,199}", re.ASCII)
_CANDIDATES: t.Final = frozenset({"pending", "in_force", "former", "unconfirmed"})


class _Vault(t.Protocol):
    """What is used of ``ansible.parsing.vault.VaultLib``."""

    def encrypt(self, plaintext: bytes) -> bytes:
        """Encrypt."""

    def decrypt(self, vaulttext: bytes) -> bytes:
        """Decrypt, with whatever secret fits."""


@dc.dataclass(frozen=True, kw_only=True)
class Entry:
    """One recording password.

    Attributes:
        password: The password.
        fingerprint: Keyed fingerprint, safe to show.
        state: ``pending`` (the recorder was or is being asked), ``in_force``, ``former``, ``refused`` (never was in
            force), ``unconfirmed`` (whether it ever was in force is not known).
        since: Start of the span in which it may have been in force, UTC; nothing when it is not known.
        until: End of that span, UTC; nothing while it lasts.
    """

    password: Secret
    fingerprint: str
    state: State
    since: dt.datetime | None
    until: dt.datetime | None

    def covers(self, instant: dt.datetime) -> bool:
        """Whether it may have been in force at an instant.

        Args:
            instant: An aware datetime.

        Returns:
            True inside of its span, both ends included, unless the recorder refused it.
        """
        if self.state not in _CANDIDATES:
            return False
        return (self.since is None or self.since <= instant) and (self.until is None or instant <= self.until)

    def shown(self) -> dict[str, t.Any]:
        """The entry as a result shows it: without the password."""
        return {
            "fingerprint": self.fingerprint,
            "state": self.state,
            "since": _text(self.since),
            "until": _text(self.until),
        }


@dc.dataclass(frozen=True, kw_only=True)
class _Event:
    at: str
    event: str
    fingerprint: str


@dc.dataclass(frozen=True, kw_only=True)
class _Document:
    key: bytes = dc.field(repr=False)
    entries: tuple[Entry, ...] = ()
    log: tuple[_Event, ...] = ()


def escrow_path(directory: str | Path, recorder: str) -> Path:
    """The file of a recorder.

    Args:
        directory: The escrow directory.
        recorder: Inventory name of the recorder.

    Returns:
        ``<directory>/<recorder>.vault``.

    Raises:
        InputError: The name cannot be a file's name.
    """
    if not _RECORDER.fullmatch(recorder):
        raise InputError(
            device=repr(recorder)[:80],
            subject="name of the recorder in the escrow",
            found="characters that a file's name should not have",
            expected="letters, digits and _ . : - only, at most 200, not beginning with a dot",
        )
    return Path(directory) / f"{recorder}.vault"


class Escrow:
    """The escrow file of one recorder.

    Args:
        path: The file, see :func:`escrow_path`.
        vault_password: Encrypts it.
        vault: Instead of the password: a ``VaultLib`` with the secrets that Ansible was given.
        kind: What its passwords are for, in messages.
    """

    def __init__(
        self,
        path: str | Path,
        vault_password: Secret | None = None,
        *,
        vault: _Vault | None = None,
        kind: str = "recording",
    ) -> None:
        if (vault_password is None) == (vault is None):
            raise ValueError("give either a vault password or a vault")
        self.path = Path(path)
        self._vault = vault if vault is not None else _vault_of(t.cast("Secret", vault_password), self.path)
        self._key = secrets.token_bytes(32)
        self._kind = kind

    def check(self, *, look_only: bool = False) -> None:
        """Prove, before anything is changed, that the escrow can be read and written.

        Args:
            look_only: Write nothing, as in check mode: that it can be written is then told by permissions only.

        Raises:
            EscrowError: It cannot; nothing may be changed then.
        """
        self._load()
        home = self.path.parent
        if home.is_dir() and look_only:
            if not os.access(home, os.W_OK | os.X_OK):
                raise self._error("permission denied", "a directory that can be written")
            return
        if home.is_dir():
            try:
                with tempfile.NamedTemporaryFile(dir=home, prefix=f".{self.path.name}.check.") as file:
                    file.write(self._encrypt(b"camsec"))
                    file.flush()
                    os.fsync(file.fileno())
            except OSError as error:
                raise self._error(_why(error), "a directory that can be written") from error
            return
        parent = next(one for one in home.absolute().parents if one.exists())
        if home.exists() or not parent.is_dir() or not os.access(parent, os.W_OK | os.X_OK):
            raise self._error(f"that {home} cannot be made", "a directory that exists or can be made")

    def present(self) -> Entry | None:
        """The password in force, as far as it is confirmed.

        Returns:
            The entry, or nothing when no password is known.

        Raises:
            EscrowError: The escrow cannot be read.
        """
        return next((entry for entry in self.entries() if entry.state == "in_force"), None)

    def pending(self) -> Entry | None:
        """The password that the recorder was asked to take, without a known answer.

        Returns:
            The entry, or nothing.

        Raises:
            EscrowError: The escrow cannot be read.
        """
        return next((entry for entry in self.entries() if entry.state == "pending"), None)

    def entries(self) -> list[Entry]:
        """All passwords ever written down, oldest first.

        Returns:
            The entries.

        Raises:
            EscrowError: The escrow cannot be read.
        """
        return list(self._load().entries)

    def matches(self, password: Secret) -> bool:
        """Whether a password is the one in force and no change is pending.

        Args:
            password: The password that is wanted.

        Returns:
            True when nothing is to be done; never while it is uncertain which one is in force. Compared by keyed
            fingerprint, in constant time.

        Raises:
            EscrowError: The escrow cannot be read.
        """
        document = self._load()
        if any(entry.state in ("pending", "unconfirmed") and entry.until is None for entry in document.entries):
            return False
        present = next((entry for entry in document.entries if entry.state == "in_force"), None)
        return present is not None and _same(document.key, present.password, password)

    def fingerprint(self, password: Secret) -> str:
        """A short fingerprint that tells passwords apart and may be shown.

        Args:
            password: Any password.

        Returns:
            16 hexadecimal digits of HMAC-SHA256 under a random key kept in the escrow.

        Raises:
            EscrowError: The escrow cannot be read.
        """
        return _fingerprint(self._load().key, password)

    def begin_change(self, new: Secret, old: Secret | None, at: dt.datetime) -> None:
        """Write down a new password BEFORE the recorder is asked to take it.

        Args:
            new: The password that the recorder will be asked to take.
            old: The one that is in force as far as the caller knows, or nothing.
            at: Now, an aware datetime.

        Raises:
            EscrowError: It cannot be written: the recorder must not be asked.
            InputError: A password is empty or no Unicode text, or ``at`` has no time zone.
        """
        self._refuse_unusable(new, f"new {self._kind} password")
        if old is not None:
            self._refuse_unusable(old, f"old {self._kind} password")
        at = _utc(at)
        with self._changing() as edit:
            entries = _settle_pending(edit.document, old, at)
            if old is not None:
                entries = _insert_old(edit.document.key, entries, old, at)
            mark = _fingerprint(edit.document.key, new)
            entries.append(Entry(password=new, fingerprint=mark, state="pending", since=at, until=None))
            edit.write(entries, "begin", mark, at)

    def confirm(self, at: dt.datetime) -> None:
        """The recorder took the pending password.

        Args:
            at: Now, an aware datetime.

        Raises:
            EscrowError: Nothing is pending, or it cannot be written.
        """
        at = _utc(at)
        with self._changing() as edit:
            pending = self._pending_of(edit.document)
            entries = [
                dc.replace(entry, state="former", until=at) if entry.state == "in_force" else entry
                for entry in edit.document.entries
            ]
            entries = [
                dc.replace(entry, state="in_force")
                if entry is pending
                else dc.replace(entry, until=at)
                if entry.state == "unconfirmed" and entry.until is None
                else entry
                for entry in entries
            ]
            edit.write(entries, "confirm", pending.fingerprint, at)

    def revert(self, at: dt.datetime) -> None:
        """The recorder refused the pending password: it is kept, the previous one is in force again.

        Args:
            at: Now, an aware datetime.

        Raises:
            EscrowError: Nothing is pending, or it cannot be written.
        """
        at = _utc(at)
        with self._changing() as edit:
            pending = self._pending_of(edit.document)
            entries = [
                dc.replace(entry, state="refused", until=at) if entry is pending else entry
                for entry in edit.document.entries
            ]
            edit.write(entries, "revert", pending.fingerprint, at)

    def password_at(self, instant: dt.datetime) -> list[Entry]:
        """The passwords that may have been in force at an instant.

        Args:
            instant: An aware datetime.

        Returns:
            Normally one; around a change, and after one that was never confirmed, several, the likeliest first:
            confirmed ones before the others, later ones before earlier ones.

        Raises:
            EscrowError: The escrow cannot be read.
        """
        instant = _utc(instant)
        found = [entry for entry in reversed(self.entries()) if entry.covers(instant)]
        return sorted(found, key=lambda entry: entry.state not in ("in_force", "former"))

    def _refuse_unusable(self, password: Secret, subject: str) -> None:
        found = "" if len(password) else "nothing"
        if any("\ud800" <= character <= "\udfff" for character in password.reveal()):
            found = "characters that are no Unicode text"
        if found:
            raise InputError(device=str(self.path), subject=subject, found=found, expected="a password")

    def _pending_of(self, document: _Document) -> Entry:
        pending = next((entry for entry in document.entries if entry.state == "pending"), None)
        if pending is None:
            raise self._error("no change that is pending", "a change that begin_change wrote down")
        return pending

    def _load(self) -> _Document:
        try:
            content = self.path.read_bytes()
        except FileNotFoundError:
            if self.path.with_name(f"{self.path.name}.bak").exists():
                raise self._error(
                    "no file but its previous version (.bak)",
                    "the file",
                    "Look at the .bak file and copy it back, so that no password is lost.",
                ) from None
            return _Document(key=self._key)
        except OSError as error:
            raise self._error(_why(error), "a readable file") from error
        return _parse(self._decrypt(content), self._damaged)

    def _decrypt(self, content: bytes) -> bytes:
        if not content.startswith(b"$ANSIBLE_VAULT;"):
            raise self._error("a file that ansible-vault did not write", "a file in ansible-vault's format")
        failed = _ansible_error()
        try:
            return bytes(self._vault.decrypt(content))
        except (failed, ValueError):
            raise self._error(
                "a file that this vault password does not decrypt",
                "the vault password that it was written with",
                "The file is left as it is.",
            ) from None

    def _encrypt(self, plain: bytes) -> bytes:
        failed = _ansible_error()
        try:
            return self._vault.encrypt(plain)
        except (failed, ValueError):
            raise self._error("that nothing can be encrypted", "a usable vault password") from None

    @contextlib.contextmanager
    def _changing(self) -> t.Iterator[_Edit]:
        try:
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            descriptor = os.open(f"{self.path}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise self._error(_why(error), "a directory that can be written") from error
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield _Edit(self, self._load())
        finally:
            os.close(descriptor)

    def _store(self, document: _Document) -> None:
        content = self._encrypt(_render(document))
        if _parse(self._decrypt(content), self._damaged) != document:
            raise self._damaged()
        try:
            if self.path.exists():
                _back_up(self.path)
            write_atomic(self.path, content, mode=0o600)
        except OSError as error:
            raise self._error(_why(error), "a file that can be written") from error

    def _damaged(self) -> EscrowError:
        return self._error("a damaged document", f"an escrow of version {_VERSION}", "The file is left as it is.")

    def _error(self, found: str, expected: str, advice: str = "") -> EscrowError:
        return EscrowError(
            device=str(self.path),
            subject=f"escrow of {self._kind} passwords",
            found=found,
            expected=expected,
            advice=advice,
        )


class _Edit:
    """One change under the lock."""

    def __init__(self, escrow: Escrow, document: _Document) -> None:
        self._escrow = escrow
        self.document = document

    def write(self, entries: t.Sequence[Entry], event: str, fingerprint: str, at: dt.datetime) -> None:
        """Store the entries and a line of the change log."""
        log = (*self.document.log, _Event(at=at.isoformat(), event=event, fingerprint=fingerprint))
        self._escrow._store(_Document(key=self.document.key, entries=tuple(entries), log=log))


def _settle_pending(document: _Document, old: Secret | None, at: dt.datetime) -> list[Entry]:
    """A change that nobody confirmed stays a candidate, unless the caller knows that the one before is in force."""
    entries = list(document.entries)
    pending = next((entry for entry in entries if entry.state == "pending"), None)
    if pending is None:
        return entries
    present = next((entry for entry in entries if entry.state == "in_force"), None)
    never_taken = old is not None and present is not None and _same(document.key, present.password, old)
    settled = dc.replace(pending, state="unconfirmed", until=at if never_taken else None)
    return [settled if entry is pending else entry for entry in entries]


def _insert_old(key: bytes, entries: list[Entry], old: Secret, at: dt.datetime) -> list[Entry]:
    """The password that the caller says is in force, where the escrow knows another one or none."""
    present = next((entry for entry in entries if entry.state == "in_force"), None)
    if present is not None and _same(key, present.password, old):
        return entries
    entries = [dc.replace(one, state="former", until=at) if one is present else one for one in entries]
    for index in reversed(range(len(entries))):
        one = entries[index]
        if one.state == "unconfirmed" and one.until is None and _same(key, one.password, old):
            entries[index] = dc.replace(one, state="in_force")
            return entries
    since = None if present is None else present.since
    known = Entry(password=old, fingerprint=_fingerprint(key, old), state="in_force", since=since, until=None)
    return [*entries, known]


def _vault_of(password: Secret, path: Path) -> _Vault:
    if not len(password):
        raise InputError(device=str(path), subject="vault password", found="nothing", expected="a password")
    library = _ansible_vault()
    secret = library.VaultSecret(password.reveal().encode("utf-8", "surrogateescape"))
    return t.cast("_Vault", library.VaultLib([("default", secret)]))


def _ansible_vault() -> t.Any:
    try:
        return importlib.import_module("ansible.parsing.vault")
    except ImportError as error:
        raise MissingLibraryError(
            device="this host",
            subject="ansible-core (ansible.parsing.vault)",
            found="not installed",
            expected="installed for the Python that keeps the escrow",
            advice="The escrow lives on the controller: run the task there (connection: local).",
        ) from error


def _ansible_error() -> type[Exception]:
    return t.cast("type[Exception]", importlib.import_module("ansible.errors").AnsibleError)


def _fingerprint(key: bytes, password: Secret) -> str:
    return _mac(key, password).hex()[:16]


def _same(key: bytes, one: Secret, other: Secret) -> bool:
    return hmac.compare_digest(_mac(key, one), _mac(key, other))


def _mac(key: bytes, password: Secret) -> bytes:
    return hmac.new(key, password.reveal().encode("utf-8", "surrogatepass"), hashlib.sha256).digest()


def _render(document: _Document) -> bytes:
    content = {
        "version": _VERSION,
        "key": document.key.hex(),
        "entries": [
            {
                "password": entry.password.reveal(),
                "state": entry.state,
                "since": None if entry.since is None else entry.since.isoformat(),
                "until": None if entry.until is None else entry.until.isoformat(),
            }
            for entry in document.entries
        ],
        "log": [dc.asdict(event) for event in document.log],
    }
    return json.dumps(content, indent=2).encode() + b"\n"


def _parse(content: bytes, damaged: t.Callable[[], EscrowError]) -> _Document:
    try:
        document = json.loads(content)
        if document["version"] != _VERSION:
            raise ValueError
        key = bytes.fromhex(document["key"])
        return _Document(
            key=key,
            entries=tuple(_entry(key, entry) for entry in document["entries"]),
            log=tuple(_Event(**event) for event in document["log"]),
        )
    except (ValueError, KeyError, TypeError, AttributeError):
        raise damaged() from None  # the original error would hold the document


def _entry(key: bytes, values: t.Mapping[str, t.Any]) -> Entry:
    password = Secret(values["password"])
    if values["state"] not in t.get_args(State):
        raise ValueError
    return Entry(
        password=password,
        fingerprint=_fingerprint(key, password),
        state=values["state"],
        since=_instant(values["since"]),
        until=_instant(values["until"]),
    )


def _instant(text: str | None) -> dt.datetime | None:
    return None if text is None else _aware(dt.datetime.fromisoformat(text))


def _aware(instant: dt.datetime) -> dt.datetime:
    if instant.tzinfo is None:
        raise ValueError
    return instant.astimezone(dt.UTC)


def _utc(instant: dt.datetime) -> dt.datetime:
    try:
        return _aware(instant)
    except ValueError:
        raise InputError(
            device="this host",
            subject="instant",
            found=f"{instant.isoformat()} without a time zone",
            expected="an instant with a time zone, for example 2026-11-22T10:00:00Z",
        ) from None


def _text(instant: dt.datetime | None) -> str | None:
    return None if instant is None else instant.isoformat().replace("+00:00", "Z")


def _back_up(path: Path) -> None:
    write_atomic(path.with_name(f"{path.name}.bak"), path.read_bytes(), mode=0o600)


def _why(error: OSError) -> str:
    return (error.strerror or type(error).__name__).lower()
