# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A card whose root folder is reached over SFTP; the server proves who it is before anything is sent."""

from __future__ import annotations

import base64
import binascii
import contextlib
import dataclasses as dc
import hashlib
import logging
import socket
import stat
import typing as t

from .._core._errors import (
    CamsecError,
    ConnectError,
    InputError,
    LoginError,
    RefusedError,
    TrustError,
    VerificationError,
)
from .._core._secret import Secret
from .._thirdparty import paramiko
from .content import Present
from .rules import FILE_NAME

__all__ = ["SftpCard", "SftpTarget"]

_TEMPORARY: t.Final = f".{FILE_NAME}.tmp"
_ASIDE: t.Final = f".{FILE_NAME}.old"
_LARGEST: t.Final = 64 * 1024 * 1024
_RSA: t.Final = ("rsa-sha2-512", "rsa-sha2-256")


@dc.dataclass(frozen=True, kw_only=True)
class SftpTarget:
    """An SFTP server, and by what to know it.

    Attributes:
        host: Address or host name.
        port: TCP port.
        user: Account.
        directory: The card's root folder there.
        password: Of the account.
        private_key_path: File of a private key, instead of a password.
        private_key_passphrase: Of that file.
        known_hosts_path: File in OpenSSH's form with the host's key.
        host_key: The host's public key as OpenSSH writes it, or its fingerprint (``SHA256:…``).
        timeout: Seconds for connecting and for each answer.
    """

    host: str
    port: int
    user: str
    directory: str
    password: Secret | None = None
    private_key_path: str | None = None
    private_key_passphrase: Secret | None = None
    known_hosts_path: str | None = None
    host_key: str | None = None
    timeout: float = 20.0

    def __post_init__(self) -> None:
        def refuse(subject: str, found: object, expected: str) -> t.NoReturn:
            raise InputError(device=self.place, subject=subject, found=found, expected=expected)

        if not 1 <= self.port <= 65535:
            refuse("SFTP port", self.port, "1 to 65535")
        if not 0 < self.timeout <= 600:
            refuse("timeout", self.timeout, "above 0, at most 600 s")
        if (self.password is None) == (self.private_key_path is None):
            refuse("SFTP login", "both or none", "a password or a private key")
        if (self.known_hosts_path is None) == (self.host_key is None):
            refuse("SFTP host key", "both or none", "known_hosts_path or host_key: a host is never taken on trust")

    @property
    def place(self) -> str:
        """The server as errors name it."""
        shown = f"[{self.host}]" if ":" in self.host else self.host
        return f"{shown}:{self.port}"


class SftpCard:
    """A card behind an SFTP server.

    Args:
        target: The server and the folder.
    """

    def __init__(self, target: SftpTarget) -> None:
        # paramiko's threads would write tracebacks to the terminal.
        logging.getLogger("paramiko").addHandler(logging.NullHandler())
        self.place = f"sftp://{target.place}{'' if target.directory.startswith('/') else '/'}{target.directory}"
        self._target = target
        self._transport: paramiko.Transport | None = None
        self._client: paramiko.SFTPClient | None = None

    def examine(self) -> Present:
        """What lies there.

        Returns:
            The file; an SFTP server does not tell how much room there is.

        Raises:
            CamsecError: No connection, an unknown host, a wrong login, or no such folder.
        """
        with self._speaking("reading the card"):
            client = self._connected()
            self._check_folder(client)
            return Present(data=self._read(client, self._path(FILE_NAME)))

    def write(self, data: bytes) -> None:
        """Write under another name, read back, and rename.

        Args:
            data: The whole file.

        Raises:
            CamsecError: The server refused, or the connection broke; the old file is as it was.
            VerificationError: Something else came back; the old file is as it was.
        """
        with self._speaking("writing to the card"):
            client = self._connected()
            temporary = self._path(_TEMPORARY)
            try:
                # Not pipelined: errors of pipelined writes are lost.
                with client.open(temporary, "wb") as file:
                    file.write(data)
                    file.flush()
                    _sync(client, file)
                self._compare(client, temporary, data)
                self._rename(client, temporary)
            except BaseException:
                with contextlib.suppress(OSError, EOFError, paramiko.SSHException):
                    client.remove(temporary)
                raise

    def remove(self) -> None:
        """Take ``certification.pem`` away.

        Raises:
            CamsecError: The server refused, or the connection broke.
        """
        with self._speaking("removing from the card"), contextlib.suppress(FileNotFoundError):
            self._connected().remove(self._path(FILE_NAME))

    def close(self) -> None:
        """Hang up."""
        transport, self._transport, self._client = self._transport, None, None
        if transport is not None:
            transport.close()

    # -- connecting ----------------------------------------------------------------------------------------------

    def _connected(self) -> paramiko.SFTPClient:
        if self._client is None:
            self._transport = self._open()
            client = paramiko.SFTPClient.from_transport(self._transport)
            if client is None:
                raise self._error(RefusedError, "SFTP", "no channel", "an SFTP server")
            channel = client.get_channel()
            if channel is not None:
                channel.settimeout(self._target.timeout)
            self._client = client
        return self._client

    def _open(self) -> paramiko.Transport:
        target = self._target
        trusted = _trusted_keys(target)
        transport = paramiko.Transport(socket.create_connection((target.host, target.port), target.timeout))
        try:
            transport.banner_timeout = transport.auth_timeout = target.timeout
            _prefer(transport, trusted)
            transport.start_client(timeout=target.timeout)
            self._check_host(transport.get_remote_server_key(), trusted)
            self._log_in(transport)
        except BaseException:
            transport.close()
            raise
        return transport

    def _check_host(self, shown: paramiko.PKey, trusted: t.Sequence[paramiko.PKey]) -> None:
        print_ = fingerprint(shown)
        wanted = self._target.host_key or ""
        if shown in trusted or (wanted.startswith("SHA256:") and wanted.rstrip("=") == print_):
            return
        raise self._error(
            TrustError,
            "SSH host key",
            f"{shown.get_name()} {print_}",
            f"the key of {self._target.known_hosts_path or 'host_key'}",
            "Nothing was sent. Compare the fingerprint with the one that the server's own screen shows.",
        )

    def _log_in(self, transport: paramiko.Transport) -> None:
        target = self._target
        try:
            if target.password is not None:
                transport.auth_password(target.user, target.password.reveal())
            else:
                transport.auth_publickey(target.user, _private_key(target))
        except paramiko.AuthenticationException as error:
            way = "password" if target.password is not None else "private key"
            found = f"a refusal of the {way} of {target.user}"
            raise self._error(LoginError, "SFTP login", found, "an account that may log in") from error

    # -- files ---------------------------------------------------------------------------------------------------

    def _path(self, name: str) -> str:
        return f"{self._target.directory.rstrip('/')}/{name}" if self._target.directory != "" else name

    def _check_folder(self, client: paramiko.SFTPClient) -> None:
        try:
            mode = client.stat(self._target.directory or ".").st_mode or 0
        except FileNotFoundError:
            raise self._error(InputError, "memory card", "no such directory", "the card's root folder") from None
        if not stat.S_ISDIR(mode):
            raise self._error(InputError, "memory card", "no directory", "the card's root folder")

    def _compare(self, client: paramiko.SFTPClient, path: str, data: bytes) -> None:
        if self._read(client, path) != data:
            raise self._error(
                VerificationError,
                FILE_NAME,
                "other content after writing",
                "what was written",
                "The old file is as it was.",
            )

    def _read(self, client: paramiko.SFTPClient, path: str) -> bytes | None:
        try:
            mode = client.lstat(path).st_mode or 0
        except FileNotFoundError:
            return None
        if not stat.S_ISREG(mode):
            found = f"{FILE_NAME} that is no file"
            raise self._error(RefusedError, "memory card", found, "a file, or nothing of that name")
        with client.open(path, "rb") as file:
            content: bytes = file.read(_LARGEST)
        return content

    def _rename(self, client: paramiko.SFTPClient, temporary: str) -> None:
        target = self._path(FILE_NAME)
        try:
            client.posix_rename(temporary, target)
        except FileNotFoundError:
            raise
        except OSError:
            # A server without posix-rename@openssh.com refuses to rename over a file.
            self._rename_in_two_steps(client, temporary, target)

    def _rename_in_two_steps(self, client: paramiko.SFTPClient, temporary: str, target: str) -> None:
        aside = self._path(_ASIDE)
        moved = False
        with contextlib.suppress(FileNotFoundError):
            client.remove(aside)
        with contextlib.suppress(FileNotFoundError):
            client.rename(target, aside)
            moved = True
        try:
            client.rename(temporary, target)
        except OSError:
            if moved:
                client.rename(aside, target)
            raise
        if moved:
            client.remove(aside)

    # -- errors --------------------------------------------------------------------------------------------------

    @contextlib.contextmanager
    def _speaking(self, subject: str) -> t.Iterator[None]:
        try:
            yield
        except CamsecError:
            raise
        except (TimeoutError, EOFError, ConnectionError, socket.gaierror) as error:
            raise self._error(ConnectError, subject, _lost(error), "an SFTP server that answers") from error
        except paramiko.SSHException as error:
            found = " ".join(str(error).split()) or "an SSH error"
            raise self._error(ConnectError, subject, found, "an SFTP server that answers") from error
        except OSError as error:
            found = (error.strerror or str(error) or type(error).__name__).lower()
            advice = "A full card answers so too." if found == "failure" else ""
            raise self._error(RefusedError, subject, found, "a card that can be written to", advice) from error

    def _error(self, kind: type[CamsecError], subject: str, found: str, expected: str, advice: str = "") -> CamsecError:
        return kind(device=self.place, subject=subject, found=found, expected=expected, advice=advice)


def fingerprint(key: paramiko.PKey) -> str:
    """A host key's fingerprint as OpenSSH shows it.

    Args:
        key: The key.

    Returns:
        ``SHA256:`` and unpadded base64.
    """
    return "SHA256:" + base64.b64encode(hashlib.sha256(key.asbytes()).digest()).decode().rstrip("=")


def _trusted_keys(target: SftpTarget) -> tuple[paramiko.PKey, ...]:
    """The keys by which the host may be known; none when only a fingerprint was given."""
    if target.known_hosts_path is not None:
        return _known_keys(target, target.known_hosts_path)
    given = target.host_key or ""
    if given.startswith("SHA256:"):
        return ()
    try:
        kind, encoded = given.split()[:2]
        return (paramiko.PKey.from_type_string(kind, base64.b64decode(encoded, validate=True)),)
    except (ValueError, binascii.Error, paramiko.SSHException) as error:
        raise InputError(
            device=target.place,
            subject="host_key",
            found="no public key",
            expected="a key such as 'ssh-ed25519 AAAA…' or a fingerprint such as 'SHA256:…'",
        ) from error


def _known_keys(target: SftpTarget, path: str) -> tuple[paramiko.PKey, ...]:
    try:
        hosts = paramiko.HostKeys(path)
    except OSError as error:
        found = (error.strerror or "unreadable").lower()
        raise InputError(device=path, subject="known hosts", found=found, expected="a readable file") from error
    name = target.host if target.port == 22 else f"[{target.host}]:{target.port}"
    keys = tuple(dict(hosts.lookup(name) or {}).values())
    if not keys:
        raise TrustError(
            device=target.place,
            subject="SSH host key",
            found=f"no key of {name} in {path}",
            expected="a key that was put there beforehand",
            advice="A host is never taken on trust: copy the key from the server's own screen.",
        )
    return keys


def _prefer(transport: paramiko.Transport, trusted: t.Sequence[paramiko.PKey]) -> None:
    """Ask for a key of a kind that is known: a host with several would otherwise show another one."""
    names = {name for key in trusted for name in (_RSA if key.get_name() == "ssh-rsa" else (key.get_name(),))}
    options = transport.get_security_options()
    wanted = tuple(name for name in options.key_types if name in names)
    if wanted:
        options.key_types = wanted


def _private_key(target: SftpTarget) -> paramiko.PKey:
    path = target.private_key_path or ""
    phrase = target.private_key_passphrase
    password = None if phrase is None else phrase.reveal()
    found = "no private key, or a wrong passphrase"
    for kind in (paramiko.Ed25519Key, paramiko.ECDSAKey, paramiko.RSAKey):
        try:
            return kind.from_private_key_file(path, password)
        except OSError as error:
            found = "no such file" if isinstance(error, FileNotFoundError) else (error.strerror or "unreadable").lower()
            break
        except paramiko.PasswordRequiredException:
            found = "an encrypted key and no passphrase"
            break
        except (paramiko.SSHException, ValueError, TypeError, IndexError, UnicodeError):
            continue  # a key of another kind
    raise InputError(device=path, subject="SSH private key", found=found, expected="a readable private key")


def _sync(client: paramiko.SFTPClient, file: paramiko.SFTPFile) -> None:
    """Have the server put the file on its disk, where it can (fsync@openssh.com)."""
    anyway = t.cast("t.Any", client)
    with contextlib.suppress(OSError):
        anyway._request(paramiko.sftp.CMD_EXTENDED, "fsync@openssh.com", t.cast("t.Any", file).handle)


def _lost(error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return "no answer in time"
    if isinstance(error, socket.gaierror):
        return "a name that does not resolve"
    if isinstance(error, ConnectionRefusedError):
        return "nobody who listens (connection refused)"
    return "a connection that was closed"
