# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The protocol side of the simulated FTPES server: pyftpdlib, with checksums and, where asked for, quirks."""

from __future__ import annotations

import binascii
import collections
import hashlib
import pathlib
import socket
import struct
import threading
import typing as t

import OpenSSL._util
from OpenSSL import SSL
from pyftpdlib.exceptions import FilesystemError, _RetryError
from pyftpdlib.filesystems import AbstractedFS
from pyftpdlib.handlers.ftp.data import DTPHandler
from pyftpdlib.handlers.ftps.control import TLS_FTPHandler
from pyftpdlib.handlers.ftps.data import TLS_DTPHandler
from pyftpdlib.handlers.ftps.ssl import SSLConnectionMixin

from ._ftpes_quirks import Behaviour

__all__ = ["ControlHandler", "DataHandler", "FileSystem", "Record"]

_FOREIGN: t.Final = "192.0.2.1"
_BLOCK: t.Final = 1024 * 1024
_ALGORITHMS: t.Final[t.Mapping[str, str]] = {
    "SHA-256": "sha256", "SHA-512": "sha512", "SHA-1": "sha1", "MD5": "md5", "CRC32": "crc32",
}  # fmt: skip
_X_COMMANDS: t.Final[t.Mapping[str, str]] = {
    "XCRC": "CRC32", "XMD5": "MD5", "XSHA1": "SHA-1", "XSHA256": "SHA-256", "XSHA512": "SHA-512",
}  # fmt: skip
_COMMAND: t.Final[dict[str, t.Any]] = {"perm": None, "auth": True, "arg": True, "help": "Syntax: <SP> path"}


class Record:
    """What a server has seen; filled by its thread, read by others. `behaviour` is replaced as a whole."""

    def __init__(self, behaviour: Behaviour) -> None:
        self.behaviour = behaviour
        self.commands: collections.deque[str] = collections.deque(maxlen=10_000)
        self.transfers: collections.deque[dict[str, t.Any]] = collections.deque(maxlen=10_000)
        self.connections = 0
        self._lock = threading.Lock()

    def spend(self) -> None:
        """One time less that the quirks show."""
        with self._lock:
            behaviour = self.behaviour
            if behaviour.count is not None:
                left = behaviour.count - 1
                self.behaviour = Behaviour() if left == 0 else _with_count(behaviour, left)


def _with_count(behaviour: Behaviour, count: int) -> Behaviour:
    return Behaviour(
        quirks=behaviour.quirks,
        at_byte=behaviour.at_byte,
        bytes_per_second=behaviour.bytes_per_second,
        count=count,
    )


class FileSystem(AbstractedFS):  # type: ignore[misc]  # pyftpdlib has no types
    """A home directory; the process's working directory stays where it is."""

    def chdir(self, path: str) -> None:
        if not pathlib.Path(path).is_dir():
            raise FilesystemError("Not a directory")
        self.cwd = self.fs2ftp(path)


class _Receiver(DTPHandler):  # type: ignore[misc]  # pyftpdlib has no types
    """What becomes of received bytes; TLS is between this and the wire."""

    _behaviour: Behaviour
    _resp: tuple[t.Any, ...]

    def handle_read(self) -> None:
        try:
            chunk = self.recv(self.ac_in_buffer_size)
        except _RetryError:
            return
        except (OSError, SSL.Error):
            self.handle_error()
            return
        if not chunk:
            self.transfer_finished = True
            return
        limit = self._limit()
        if limit is not None and self.tot_bytes_received + len(chunk) >= limit:
            self._store(chunk[: limit - self.tot_bytes_received])
            self._misbehave()
            return
        self._store(chunk)
        if "slow" in self._behaviour:
            self._pause(len(chunk) / self._behaviour.bytes_per_second)

    handle_read_event = handle_read

    def _limit(self) -> int | None:
        if self._behaviour.quirks & {"stall", "cut", "cut_line", "disk_full"}:
            return self._behaviour.at_byte
        return None

    def _store(self, chunk: bytes) -> None:
        self.tot_bytes_received += len(chunk)
        try:
            self.file_obj.write(self._data_wrapper(chunk) if self._data_wrapper is not None else chunk)
        except OSError as error:
            self.answer_and_end(f"552 {error.strerror}.")

    def _misbehave(self) -> None:
        self.cmd_channel.record.spend()
        self.file_obj.flush()
        if "stall" in self._behaviour:
            self._pause(None)
        elif "disk_full" in self._behaviour:
            self.answer_and_end("552 Disk full; the file is incomplete.")
        else:
            self._cut()

    def _pause(self, seconds: float | None) -> None:
        """Read nothing for a while; None: never again."""
        self._wanted_io_events = 0
        self.modify_ioloop_events(0)
        if seconds is not None:
            self.call_later(seconds, self._go_on)

    def _go_on(self) -> None:
        self._wanted_io_events = self.ioloop.READ
        self.modify_ioloop_events(self.ioloop.READ)

    def _cut(self) -> None:
        channel = self.cmd_channel
        _reset(self.socket)
        self.answer_and_end("" if "cut_line" in self._behaviour else "426 Connection closed; transfer aborted.")
        if "cut_line" in self._behaviour:
            _reset(channel.socket)
            channel.close_at_once()

    def answer_and_end(self, answer: str) -> None:
        """Give up on this transfer, without a word of TLS on its connection."""
        self._resp = (answer, self.cmd_channel.logline) if answer else ()
        self.transfer_finished = False
        self.note()
        self.receive = False
        self.flush()
        DTPHandler.close(self)

    def handle_close(self) -> None:
        if self._closed or not self.receive:
            super().handle_close()
            return
        self.transfer_finished = True
        if "lossy" in self._behaviour and not self.file_obj.closed:
            self.file_obj.flush()
            self.file_obj.truncate(max(0, self.file_obj.tell() - 1))
        self._resp = ("226 Transfer complete.", self.cmd_channel.logline)
        if "late_450" in self._behaviour:
            self.cmd_channel.record.spend()
            self._resp = ("450 Requested file action not taken.", self.cmd_channel.logline)
        elif "no_final_answer" in self._behaviour:
            self.cmd_channel.record.spend()
            self._resp = ()
        self.close()

    def flush(self) -> None:
        """Have what was received in the file."""
        if self.file_obj is not None and not self.file_obj.closed:
            self.file_obj.flush()

    def note(self) -> None:
        """Remember the transfer."""


class DataHandler(SSLConnectionMixin, _Receiver):  # type: ignore[misc]  # pyftpdlib has no types
    """One data connection."""

    handle_failed_ssl_handshake = TLS_DTPHandler.handle_failed_ssl_handshake

    def __init__(self, sock: socket.socket, cmd_channel: t.Any) -> None:
        self._behaviour = cmd_channel.record.behaviour
        self._resumed: bool | None = None
        self._suite = ("", "")
        super().__init__(sock, cmd_channel)
        if cmd_channel.protected:
            self.secure_connection(cmd_channel.ssl_context)

    def use_sendfile(self) -> bool:
        return False

    def handle_ssl_established(self) -> None:
        # pyOpenSSL has no public way to ask this.
        self._resumed = bool(t.cast("t.Any", OpenSSL._util.lib).SSL_session_reused(self.socket._ssl))
        self._suite = (self.socket.get_protocol_version_name(), self.socket.get_cipher_name())
        if "session_reuse" in self._behaviour and not self._resumed:
            self.answer_and_end("522 SSL connection failed: session reuse required.")

    def close(self) -> None:
        if "no_close_notify" in self._behaviour:
            self._ssl_established = False
        if not self._closed and self.receive:
            self.note()
            self.receive = False
            # Whoever sees the connection end sees the whole file.
            self.flush()
        super().close()

    def note(self) -> None:
        self.cmd_channel.record.transfers.append({
            "path": getattr(self.file_obj, "name", ""),
            "bytes": self.tot_bytes_received,
            "resumed": self._resumed,
            "protocol": self._suite[0],
            "suite": self._suite[1],
        })  # fmt: skip


def _reset(connection: t.Any) -> None:
    """Have the connection end with RST instead of FIN."""
    raw = connection if isinstance(connection, socket.socket) else connection._socket
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


class ControlHandler(TLS_FTPHandler):  # type: ignore[misc]  # pyftpdlib has no types
    """One control connection; a server makes a subclass with its own `record`."""

    record: t.ClassVar[Record]
    dtp_handler = DataHandler
    abstracted_fs = FileSystem
    auth_failed_timeout = 0
    tls_control_required = True
    tls_data_required = True
    use_sendfile = False
    banner = "FTPES server of camsec-simulator"

    def __init__(self, conn: socket.socket, server: t.Any, ioloop: t.Any = None) -> None:
        self._hash = "SHA-256"
        self._range: tuple[int, int] | None = None
        behaviour = self.record.behaviour
        self.proto_cmds = _commands(behaviour)
        if "foreign_address" in behaviour:
            self.masquerade_address = _FOREIGN
        self.record.connections += 1
        super().__init__(conn, server, ioloop)
        self._extra_feats = ["AUTH TLS", "PBSZ", "PROT", *_features(behaviour)]
        if "no_auth" in behaviour:
            self.tls_control_required = self.tls_data_required = False
            self._extra_feats = self._extra_feats[3:]

    @property
    def protected(self) -> bool:
        """PROT P was said."""
        return bool(self._prot)

    @property
    def _behaviour(self) -> Behaviour:
        return self.record.behaviour

    def close_at_once(self) -> None:
        """End the connection without a word of TLS."""
        self._error = True
        self.close()

    # -- commands ------------------------------------------------------------------------------------------------

    def pre_process_command(self, line: str, cmd: str, arg: str) -> None:
        where = "tls" if self._ssl_established else "clear"
        self.record.commands.append(f"{where} {cmd} {'***' if cmd == 'PASS' else arg}".rstrip())
        super().pre_process_command(line, cmd, arg)

    def process_command(self, cmd: str, *args: t.Any, **kwargs: t.Any) -> None:
        if cmd == "PASS" and "refuse_login" in self._behaviour:
            self.respond("530 Authentication failed.")
            return
        if cmd == "PASS" and "endless_answer" in self._behaviour:
            self._endless()
            return
        super().process_command(cmd, *args, **kwargs)
        if cmd == "PASS" and self.authenticated:
            self._after_login()

    def _endless(self) -> None:
        if not self._closed:
            self.push("230-" + "A" * 65536)
            self.call_later(0.01, self._endless)

    def _after_login(self) -> None:
        if "drop_connection" in self._behaviour:
            self.record.spend()
            self.close()
        elif "drop_tls" in self._behaviour:
            self.record.spend()
            secured: t.Any = self.socket
            secured.shutdown()
            self.socket: t.Any = secured._socket
            self._ssl_requested = self._ssl_established = False

    def ftp_AUTH(self, line: str) -> None:  # noqa: N802  # pyftpdlib's names
        if "no_auth" in self._behaviour:
            self.respond("502 AUTH is not known here.")
        elif "inject" in self._behaviour and not self._ssl_established:
            # One packet: the second answer would be taken for one that came under TLS.
            self.push("234 AUTH TLS successful.\r\n230 You are logged in.\r\n")
            self.secure_connection(self.ssl_context)
        else:
            super().ftp_AUTH(line)

    def ftp_PROT(self, line: str) -> None:  # noqa: N802  # pyftpdlib's names
        if "no_prot" in self._behaviour:
            self.respond("534 Protection of the data connection is not possible here.")
        else:
            super().ftp_PROT(line)

    def ftp_STOR(self, file: str, mode: str = "w") -> t.Any:  # noqa: N802  # pyftpdlib's names
        if "disk_full" in self._behaviour and self._behaviour.at_byte == 0:
            self.record.spend()
            self.respond("452 Insufficient storage space in the system.")
            return None
        return super().ftp_STOR(file, mode)

    def ftp_SIZE(self, path: str) -> None:  # noqa: N802  # pyftpdlib's names
        if "wrong_size" in self._behaviour and pathlib.Path(path).is_file():
            self.respond(f"213 {pathlib.Path(path).stat().st_size + 1}")
        else:
            super().ftp_SIZE(path)

    # -- checksums -----------------------------------------------------------------------------------------------

    def ftp_OPTS(self, line: str) -> None:  # noqa: N802  # pyftpdlib's names
        command, _space, argument = line.partition(" ")
        if command.upper() == "HASH" and "HASH" in self.proto_cmds:
            if argument.upper() in _ALGORITHMS:
                self._hash = argument.upper()
            elif argument:
                self.respond("501 Unknown algorithm.")
                return
            self.respond(f"200 {self._hash}")
        else:
            super().ftp_OPTS(line)

    def ftp_RANG(self, line: str) -> None:  # noqa: N802  # pyftpdlib's names
        try:
            start, end = (int(part) for part in line.split())
        except ValueError:
            self.respond("501 RANG takes a start and an end.")
            return
        self._range = None if (start, end) == (1, 0) else (start, end)
        self.respond(f"350 Restarting at {start}; ending at {end}.")

    def ftp_HASH(self, line: str) -> None:  # noqa: N802  # pyftpdlib's names
        wanted, self._range = self._range, None
        path = self._inside(line)
        if path is None:
            return
        start, end = wanted or (0, path.stat().st_size - 1)
        digest = _digest(path, self._hash, start, end + 1, wrong="wrong_hash" in self._behaviour)
        self.respond(f"213 {self._hash} {start}-{max(start, end)} {digest} {line}")

    def _checksum(self, command: str, line: str) -> None:
        name, start, end = _x_argument(line)
        path = self._inside(name)
        if path is None:
            return
        algorithm = _X_COMMANDS[command]
        stop = path.stat().st_size if end is None else end
        digest = _digest(path, algorithm, start, stop, wrong="wrong_hash" in self._behaviour)
        self.respond(f"250 {digest}")

    def _inside(self, name: str) -> pathlib.Path | None:
        path = self.fs.ftp2fs(name)
        if not self.fs.validpath(path) or not pathlib.Path(path).is_file():
            self.respond("550 No such file.")
            return None
        return pathlib.Path(path)

    def ftp_XCRC(self, line: str) -> None:  # noqa: N802  # pyftpdlib's names
        self._checksum("XCRC", line)

    def ftp_XMD5(self, line: str) -> None:  # noqa: N802  # pyftpdlib's names
        self._checksum("XMD5", line)

    def ftp_XSHA1(self, line: str) -> None:  # noqa: N802  # pyftpdlib's names
        self._checksum("XSHA1", line)

    def ftp_XSHA256(self, line: str) -> None:  # noqa: N802  # pyftpdlib's names
        self._checksum("XSHA256", line)

    def ftp_XSHA512(self, line: str) -> None:  # noqa: N802  # pyftpdlib's names
        self._checksum("XSHA512", line)


def _checksums(behaviour: Behaviour) -> tuple[str, ...]:
    if "no_hash" in behaviour:
        return ()
    return ("XCRC",) if "xcrc_only" in behaviour else ("HASH", *_X_COMMANDS)


def _commands(behaviour: Behaviour) -> dict[str, t.Any]:
    commands = {**TLS_FTPHandler.proto_cmds, **dict.fromkeys(_checksums(behaviour), _COMMAND)}
    if "HASH" in commands:
        commands["RANG"] = _COMMAND
    if behaviour.quirks & {"foreign_address", "no_epsv"}:
        del commands["EPSV"]
    return commands


def _features(behaviour: Behaviour) -> list[str]:
    found = []
    for command in _checksums(behaviour):
        if command == "HASH":
            # An asterisk marks the algorithm that is in use.
            found.append("HASH " + ";".join(f"{name}*" if name == "SHA-256" else name for name in _ALGORITHMS))
            found.append("RANG STREAM")
        else:
            found.append(command)
    return found


def _x_argument(line: str) -> tuple[str, int, int | None]:
    """The path, quoted or not, and the range of `XCRC "path" start end`; the end is the first byte behind it."""
    if line.startswith('"'):
        name, _quote, rest = line[1:].rpartition('"')
        numbers = [int(part) for part in rest.split() if part.isdigit()]
        return name.replace('""', '"'), numbers[0] if numbers else 0, numbers[1] if len(numbers) > 1 else None
    return line, 0, None


def _digest(path: pathlib.Path, algorithm: str, start: int, stop: int, *, wrong: bool) -> str:
    crc, digest = 0, None if algorithm == "CRC32" else hashlib.new(_ALGORITHMS[algorithm], usedforsecurity=False)
    left = max(0, stop - start)
    with path.open("rb") as file:
        file.seek(start)
        while left and (block := file.read(min(_BLOCK, left))):
            left -= len(block)
            if digest is None:
                crc = binascii.crc32(block, crc)
            else:
                digest.update(block)
    value = f"{crc:08X}" if digest is None else digest.hexdigest()
    return value[::-1] if wrong else value
