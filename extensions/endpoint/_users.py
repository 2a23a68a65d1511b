# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The users: a YAML file with argon2id hashes, changed atomically, read again whenever it has changed."""

from __future__ import annotations

import contextlib
import dataclasses as dc
import fcntl
import os
import pathlib
import re
import tempfile
import threading
import time
import typing as t

import argon2
import yaml

from ...plugins.module_utils._core._errors import CamsecError, InputError
from ...plugins.module_utils._core._secret import Secret

__all__ = ["MINIMUM_PASSWORD", "User", "Users", "UsersFile", "check_name", "check_password"]

# FTP-20 allows a camera 16 characters of this set; other clients may have longer names.
_NAME: t.Final = re.compile(r"(?!\.{1,2}$)[A-Za-z0-9!%+,\-.=_]{1,32}")
MINIMUM_PASSWORD: t.Final = 8
_MAXIMUM_PASSWORD: t.Final = 256
_KEYS: t.Final = {"password_hash", "download", "enabled"}


@dc.dataclass(frozen=True, kw_only=True)
class User:
    """One account.

    Attributes:
        name: Also the name of the home.
        password_hash: argon2id, in PHC form.
        download: May read back what is in the home.
        enabled: May log in.
    """

    name: str
    password_hash: str = dc.field(repr=False)
    download: bool = True
    enabled: bool = True


def check_name(name: str, device: str) -> str:
    """Refuse what cannot be the name of a user, hence of a home.

    Args:
        name: The name.
        device: For the message.

    Returns:
        The name.

    Raises:
        InputError: It cannot.
    """
    if not _NAME.fullmatch(name):
        raise InputError(
            device=device,
            subject="user name",
            found=repr(name),
            expected="1 to 32 letters, digits and ! % + , - . = _ (a camera takes 16 of them, FTP-20)",
        )
    return name


def check_password(password: Secret, device: str) -> None:
    """Refuse a password that is too short, too long, or that no FTP client can send.

    Args:
        password: The password.
        device: For the message.

    Raises:
        InputError: It cannot be one.
    """
    text = password.reveal()
    if not MINIMUM_PASSWORD <= len(text) <= _MAXIMUM_PASSWORD or not text.isprintable():
        raise InputError(
            device=device,
            subject="password",
            found=f"one of {len(text)} characters" if text.isprintable() else "one with characters that do not print",
            expected=f"{MINIMUM_PASSWORD} to {_MAXIMUM_PASSWORD} printable characters "
            "(a camera takes 8 to 16 letters, digits and ! % + , - . = _, FTP-21)",
        )


class UsersFile:
    """The file itself.

    Args:
        path: Where it is, or is to be.
    """

    def __init__(self, path: pathlib.Path) -> None:
        self.path = path

    def read(self) -> dict[str, User]:
        """Read all users.

        Returns:
            The users by their names.

        Raises:
            InputError: The file is missing, readable by others, or not of the form.
        """
        try:
            with self.path.open(encoding="utf-8") as file:
                mode = os.fstat(file.fileno()).st_mode
                content = yaml.safe_load(file)
        except (OSError, UnicodeDecodeError) as error:
            raise self._error(
                getattr(error, "strerror", None) or "bytes that are not UTF-8", "a readable file"
            ) from error
        except yaml.YAMLError as error:
            # The words of the parser could show a hash.
            line = getattr(getattr(error, "problem_mark", None), "line", 0) + 1
            raise self._error(f"no YAML in line {line}", "a YAML file that `user add` wrote") from None
        if mode & 0o007:
            raise self._error(f"mode {mode & 0o777:04o}, open to others", "mode 0600")
        return self._users(content)

    def _users(self, content: t.Any) -> dict[str, User]:
        if not isinstance(content, dict) or set(content) != {"users"} or not isinstance(content["users"], dict | None):
            raise self._error("another form", "a mapping `users` from names to accounts")
        return {name: self._user(name, value) for name, value in (content["users"] or {}).items()}

    def _user(self, name: t.Any, value: t.Any) -> User:
        check_name(str(name), str(self.path))
        if not isinstance(value, dict) or "password_hash" not in value or not set(value) <= _KEYS:
            raise self._error(f"another form of user {name}", f"the keys {', '.join(sorted(_KEYS))}")
        flags = {key: value.get(key, True) for key in ("download", "enabled")}
        try:
            argon2.extract_parameters(value["password_hash"])
        except (argon2.exceptions.InvalidHashError, AttributeError, TypeError):
            raise self._error(f"another password_hash of user {name}", "an argon2 hash ($argon2id$…)") from None
        if not all(isinstance(flag, bool) for flag in flags.values()):
            raise self._error(f"other flags of user {name}", "true or false for download and enabled")
        return User(name=str(name), password_hash=value["password_hash"], **flags)

    @contextlib.contextmanager
    def changed(self) -> t.Iterator[dict[str, User]]:
        """Change the users: what is in the mapping at the end is written, all or nothing, one changer at a time.

        Yields:
            The users by their names; none when there is no file yet.

        Raises:
            InputError: The file cannot be read or written.
        """
        try:
            lock = os.open(self.path.parent, os.O_RDONLY)
        except OSError as error:
            raise self._error(
                f"its directory {self.path.parent} unusable ({(error.strerror or 'an error').lower()})",
                "a directory that exists and can be read",
            ) from error
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            users = self.read() if self.path.exists() else {}
            yield users
            self._write(users)
        except CamsecError:
            raise
        except OSError as error:
            raise self._error(f"{error.strerror} while it was written", "a directory that can be written") from error
        finally:
            os.close(lock)

    def _write(self, users: t.Mapping[str, User]) -> None:
        told = {
            user.name: {"password_hash": user.password_hash, "download": user.download, "enabled": user.enabled}
            for user in sorted(users.values(), key=lambda one: one.name)
        }
        descriptor, name = tempfile.mkstemp(dir=self.path.parent, prefix=f".{self.path.name}.")
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                self._keep_owner(file.fileno())
                file.write("---\n" + yaml.safe_dump({"users": told}, sort_keys=False))
                file.flush()
                os.fsync(file.fileno())
            pathlib.Path(name).replace(self.path)
        except BaseException:
            pathlib.Path(name).unlink(missing_ok=True)
            raise

    def _keep_owner(self, descriptor: int) -> None:
        """It is the service's, also when root changes it: its user must stay the one who can read it."""
        os.fchmod(descriptor, 0o600)
        if os.geteuid() == 0:
            with contextlib.suppress(FileNotFoundError):
                old = self.path.stat()
                os.fchown(descriptor, old.st_uid, old.st_gid)
                os.fchmod(descriptor, old.st_mode & 0o640)

    def _error(self, found: str, expected: str) -> InputError:
        return InputError(device=str(self.path), subject="users file", found=found, expected=expected)


class Users:
    """The users as logins see them.

    Args:
        file: Their file, which has been read once without an error.
        hasher: For tests: a cheaper one.
    """

    # Each verification takes 64 MiB: a crowd of wrong logins must not take all memory.
    _AT_A_TIME: t.Final = 2
    # Each command of each session asks whether its account is still open.
    _OFTEN: t.Final = 0.05

    def __init__(self, file: UsersFile, hasher: argon2.PasswordHasher | None = None) -> None:
        self._file = file
        self._path = os.fspath(file.path)
        self._hasher = hasher or argon2.PasswordHasher()
        self._lock = threading.Lock()
        self._busy = threading.BoundedSemaphore(self._AT_A_TIME)
        self._users = file.read()
        self._looked_at = 0.0
        self._seen = self._signature()
        # Verified when there is no such user, so that time does not tell who exists.
        self._nobody = self._hasher.hash(os.urandom(16).hex())
        self.problem: str | None = None

    def _signature(self) -> tuple[int, ...] | None:
        try:
            status = os.stat(self._path)  # noqa: PTH116  # for each command
        except OSError:
            return None
        return (status.st_ino, status.st_size, status.st_mtime_ns)

    def get(self, name: str, *, at_once: bool = True) -> User | None:
        """An account that may be used now.

        Args:
            name: Of the user.
            at_once: Look whether the file has changed; otherwise some times a second will do.

        Returns:
            The account, or nothing when there is none or it is not enabled.
        """
        with self._lock:
            now = time.monotonic()
            seen = self._seen
            if at_once or now - self._looked_at >= self._OFTEN:
                self._looked_at, seen = now, self._signature()
            if seen != self._seen:
                # A broken file must not lock everybody out: the last good one holds, and `problem` says so.
                self._seen = seen
                try:
                    self._users = self._file.read()
                    self.problem = None
                except InputError as error:
                    self.problem = error.message
            user = self._users.get(name)
        return user if user is not None and user.enabled else None

    def verify(self, name: str, password: Secret) -> User | None:
        """Check a login; takes equally long whether the user exists or not.

        Args:
            name: Of the user.
            password: What the client sent.

        Returns:
            The account, or nothing.
        """
        user = self.get(name)
        known = self._nobody if user is None else user.password_hash
        with self._busy:
            try:
                self._hasher.verify(known, password.reveal())
            except (argon2.exceptions.VerificationError, argon2.exceptions.InvalidHashError, UnicodeEncodeError):
                return None
        return user
