# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# ruff: noqa: N802  # pyftpdlib finds a command by the name of its method
"""A control connection: TLS first, passwords slowly, evidence once."""

from __future__ import annotations

import os
import pathlib
import re
import stat
import sys
import time
import traceback
import typing as t

from pyftpdlib.exceptions import FilesystemError
from pyftpdlib.filesystems import AbstractedFS
from pyftpdlib.handlers import TLS_FTPHandler

from ...plugins.module_utils._core._secret import Secret
from ._data import ActiveConnector, DataHandler, PassiveListener, WholeShutdown
from ._digests import ALGORITHMS, FileKey, digest_of_range
from ._home import Home
from ._limits import network_of
from ._tls import channel_facts
from ._upload import Outcome, Refusal, Upload, reply_of
from ._users import User

if t.TYPE_CHECKING:
    from ._server import Endpoint

__all__ = ["ControlHandler"]

_MAX_LOGINS: t.Final = 3
_READ: t.Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK
_TELNET: t.Final = "\udcff\udcf2\udcf4"
_NOTHING: t.Final = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]")
_RANGE: t.Final = re.compile(r'(?:"(?P<quoted>[^"]*)"|(?P<plain>.*?))(?: (?P<start>\d+) (?P<end>\d+))?')
# A client that asks whether something is there does nothing wrong when it is not.
_LOOKUPS: t.Final = frozenset(
    {"CWD", "HASH", "LIST", "MDTM", "MLSD", "MLST", "NLST", "SIZE", "XCRC", "XSHA256", "XSHA512"}
)
_DATA_COMMANDS: t.Final = frozenset({"APPE", "LIST", "MLSD", "NLST", "RETR", "STOR"})
# REST holds for the next command (RFC 3659, section 5.3), or the one behind those that only prepare the transfer:
# many clients send them in between. Cleared there, a tail would be written to the beginning of the file.
_AFTER_REST: t.Final = frozenset({"ALLO", "EPRT", "EPSV", "MODE", "NOOP", "PASV", "PORT", "REST", "STRU", "TYPE"})
_UNWANTED: t.Final = ("REIN", "STOU", "SITE CHMOD", "SITE HELP", "SITE")


class _Permissions:
    """pyftpdlib's authorizer: what a user may ask for at all; the home has the last word."""

    def __init__(self, user: User | None = None) -> None:
        self._letters = "" if user is None else "elwadfmT" + ("r" if user.download else "")

    def has_perm(self, username: str, perm: str, path: str | None = None) -> bool:  # noqa: ARG002
        return perm in self._letters

    def get_perms(self, username: str) -> str:  # noqa: ARG002
        return self._letters

    def get_msg_quit(self, username: str) -> str:  # noqa: ARG002
        return "Goodbye."

    def impersonate_user(self, username: str, password: str) -> None:
        pass

    def terminate_impersonation(self, username: str) -> None:
        pass


class _Files(AbstractedFS):  # type: ignore[misc]  # pyftpdlib has no types
    """pyftpdlib's file system, on a home."""

    def __init__(self, home: Home, channel: ControlHandler) -> None:
        super().__init__(home.root, channel)
        self.home = home

    def validpath(self, path: str) -> bool:
        return self.home.contains(path)

    def realpath(self, path: str) -> str:
        """The path itself: :meth:`validpath` has seen that no link is on the way."""
        return path

    def chdir(self, path: str) -> None:
        """Not the process's directory, which all sessions share."""
        if not pathlib.Path(path).is_dir():
            raise FilesystemError("This is not a directory")
        self.cwd = self.fs2ftp(path)

    def listdir(self, path: str) -> list[str]:
        with os.scandir(path) as entries:
            return [entry.name for entry in entries if not entry.is_symlink()]

    def open(self, filename: str, mode: str) -> t.Any:
        def opener(path: str, dummy: int) -> int:
            descriptor = os.open(path, _READ)
            if stat.S_ISREG(os.fstat(descriptor).st_mode):
                return descriptor
            os.close(descriptor)
            raise FilesystemError("This is not a file")

        return open(filename, mode, opener=opener)  # pyftpdlib closes it

    def mkdir(self, path: str) -> None:
        self._try(self.home.make_directory, path)

    def rmdir(self, path: str) -> None:
        self._try(self.home.remove_directory, path)

    def remove(self, path: str) -> None:
        self._try(self.home.remove, path)

    def utime(self, path: str, timeval: float) -> None:
        self._try(self.home.set_time, path, timeval)

    @staticmethod
    def _try(function: t.Callable[..., None], *arguments: t.Any) -> None:
        try:
            function(*arguments)
        except Refusal as refusal:
            raise FilesystemError(refusal.text.rstrip(".")) from refusal


def _commands() -> dict[str, dict[str, t.Any]]:
    commands: dict[str, dict[str, t.Any]] = dict(TLS_FTPHandler.proto_cmds)
    for name in _UNWANTED:
        commands.pop(name, None)
    commands["OPTS"] = commands["OPTS"] | {"auth": False}
    commands["CCC"] = {"perm": None, "auth": False, "arg": None, "help": "CCC: refused"}
    commands["HASH"] = {"perm": "l", "auth": True, "arg": True, "help": "HASH <SP> path (digest of a file)"}
    for name in ("XCRC", "XSHA256", "XSHA512"):
        help_text = f"{name} <SP> path [<SP> start <SP> end] (digest of a file)"
        commands[name] = {"perm": None, "auth": True, "arg": True, "help": help_text}
    return commands


class ControlHandler(WholeShutdown, TLS_FTPHandler):  # type: ignore[misc]  # pyftpdlib has no types
    """One control connection, in a thread of its own, so that it may wait for the disk and for argon2.

    Args:
        conn: The connected socket.
        server: With the endpoint as `app`.
        ioloop: The thread's.
    """

    proto_cmds = _commands()
    dtp_handler = DataHandler
    passive_dtp = PassiveListener
    active_dtp = ActiveConnector
    unicode_errors = "surrogateescape"
    use_sendfile = False
    tls_control_required = True
    tls_data_required = True
    max_login_attempts = _MAX_LOGINS
    authorizer = _Permissions()
    # pyftpdlib's own, for the type checker.
    username: str
    ac_in_buffer: bytes
    _restart_position: int
    _rnfr: str | None
    _in_dtp_queue: tuple[Upload, str] | None
    _out_dtp_queue: tuple[t.Any, ...] | None

    def __init__(self, conn: t.Any, server: t.Any, ioloop: t.Any = None) -> None:
        app: Endpoint = server.app
        self.app = app
        self.session = os.urandom(4).hex()
        self.banner = app.configuration.banner
        self.timeout = app.configuration.idle_seconds
        self.masquerade_address = app.configuration.passive_address
        ports = app.configuration.passive_ports
        self.passive_ports = None if ports is None else range(ports[0], ports[1] + 1)
        self.user: User | None = None
        self.home: Home | None = None
        self._hash = "SHA-256"
        super().__init__(conn, server, ioloop)
        self._current_type = "i"
        self.network = network_of(self.remote_ip) if self.remote_ip else ""
        if self.connected:
            self.call_later(app.configuration.login_seconds, self._login_timeout)

    @classmethod
    def get_ssl_context(cls) -> None:
        """None yet: each connection gets its own when it asks for TLS."""
        return

    # -- audit -------------------------------------------------------------------------------------------------------

    def audit(self, event: str, **facts: t.Any) -> None:
        """Write an event of this session to the audit log.

        Args:
            event: What happened.
            facts: What is to be told of it.
        """
        user = None if self.user is None else self.user.name
        self.app.audit.write(event, session=self.session, address=self.network_address, user=user, **facts)

    @property
    def network_address(self) -> str:
        """The client's address; an IPv4 one also when it came by the socket for both."""
        return str(self.remote_ip).removeprefix("::ffff:")

    def refused(self, what: str, refusal: Refusal) -> None:
        """Note a refusal in the audit log.

        Args:
            what: Was refused.
            refusal: The reply.
        """
        self.audit("refused", what=what, reply=f"{refusal.code} {refusal.text}")

    def log_cmd(self, cmd: str, arg: t.Any, respcode: int, respstr: str) -> None:
        """Report of a command: those that were refused go to the audit log, never a password."""
        if respcode < 400 or (cmd in _LOOKUPS and "outside" not in respstr):
            return
        known = cmd in self.proto_cmds
        shown = None if cmd in ("PASS", "USER") or not known or not arg else str(arg)
        if shown is not None and self.home is not None and shown.startswith(self.home.root):
            shown = shown[len(self.home.root) :] or "/"
        self.audit(
            "refused", what=cmd if known else "an unknown command", argument=shown, reply=f"{respcode} {respstr}"
        )

    def log_transfer(self, *arguments: t.Any, **named: t.Any) -> None:
        """Report of a transfer: downloads; uploads report themselves."""
        if named.get("cmd") == "RETR":
            path = self._shown(named["filename"])
            self.audit("download", path=path, completed=named["completed"], bytes=named["bytes"])

    def log(self, msg: str, logfun: t.Any = None) -> None:
        """Own words of pyftpdlib are not kept."""

    def log_exception(self, instance: t.Any) -> None:
        """An error of our own: its kind and place, without the values that a traceback's text may hold."""
        kind, dummy, trace = sys.exc_info()
        places = [f"{pathlib.Path(one.filename).name}:{one.lineno}" for one in traceback.extract_tb(trace)[-4:]]
        name = None if kind is None else kind.__name__
        self.audit("internal_error", where=type(instance).__name__, error=name, places=places)

    def _shown(self, path: str) -> str:
        root = "" if self.home is None else self.home.root
        return path[len(root) :] or "/"

    # -- life --------------------------------------------------------------------------------------------------------

    def on_connect(self) -> None:
        """Begin the audit trail."""
        self.audit("connect", port=self.remote_port)

    @property
    def transferring(self) -> bool:
        """A transfer is under way or announced."""
        return not self._closed and (self.data_channel is not None or self._in_dtp_queue is not None)

    def go_away(self) -> None:
        """The endpoint stops."""
        if not self._closed and not self._closing:
            self.respond("421 The endpoint stops.")
            self.close_when_done()

    def _login_timeout(self) -> None:
        if not self.authenticated and not self._closed:
            self.audit("login_timeout")
            if not self._ssl_accepting:
                self.respond("421 No login in time.")
            self.close()

    def _shutdown_connecting_dtp(self) -> None:
        """Nobody listens for the data connection any more: the next one is not that of a transfer that waits now."""
        super()._shutdown_connecting_dtp()
        self.drop_waiting()

    def drop_waiting(self) -> bool:
        """Give up a transfer whose data connection has not come.

        Returns:
            Whether there was one.
        """
        if self._closed:
            # pyftpdlib ends it itself.
            return False
        waiting = self._in_dtp_queue is not None or self._out_dtp_queue is not None
        if self._in_dtp_queue is not None:
            (upload, dummy), self._in_dtp_queue = self._in_dtp_queue, None
            upload.close("no data connection came")
        if self._out_dtp_queue is not None:
            file, self._out_dtp_queue = self._out_dtp_queue[2], None
            if file is not None:
                file.close()
        return waiting

    def close(self) -> None:
        """End the session."""
        first = not self._closed
        super().close()
        if first and self._closed and self.remote_ip:
            self.audit("disconnect")
            if self.user is not None:
                self.app.connections.logout(self.user.name)
                self.user = None

    def handle_ssl_established(self) -> None:
        """Note protocol and suite."""
        self.audit("tls", channel="control", **channel_facts(self.socket))

    def handle_failed_ssl_handshake(self) -> None:
        """Most often no suite in common."""
        self.audit("tls_failed", channel="control", error="the handshake failed")
        self.close()

    # -- before a command ----------------------------------------------------------------------------------------------

    def pre_process_command(self, line: str, cmd: str, arg: str) -> None:
        """Refuse what no command may hold, then let pyftpdlib take it apart.

        Args:
            line: The whole line.
            cmd: Its first word.
            arg: The rest.
        """
        if self._closed or self._closing:
            return
        stripped = line.lstrip(_TELNET)
        if stripped != line:
            line, cmd, arg = stripped, *(stripped.partition(" ")[::2])
            cmd = cmd.upper()
        if cmd == "REST":
            self._restart_position = 0
        refusal = self._line_refusal(line, cmd)
        try:
            if refusal is None:
                super().pre_process_command(line, cmd, arg)
            else:
                self.respond(f"{refusal.code} {refusal.text}")
                self.log_cmd(cmd, None, refusal.code, refusal.text)
                if refusal.code == 421:
                    self.close_when_done()
        finally:
            if cmd not in _AFTER_REST:
                # Also when it was refused.
                self._restart_position = 0

    def _line_refusal(self, line: str, cmd: str) -> Refusal | None:
        if _NOTHING.search(line):
            return Refusal(501, "A command is UTF-8 without control characters.")
        if cmd == "SITE":
            return Refusal(502, "No SITE command is known here.")
        if self.user is not None and cmd != "QUIT" and self.app.users.get(self.user.name, at_once=False) is None:
            return Refusal(421, "This account is closed.")
        return None

    def process_command(self, cmd: str, *args: t.Any, **kwargs: t.Any) -> None:
        """Check what is the same for many commands.

        Args:
            cmd: The command.
            args: Its argument.
            kwargs: More of pyftpdlib's.
        """
        refusal = self._refusal(cmd)
        if refusal is not None:
            self.respond(f"{refusal.code} {refusal.text}")
            self.log_cmd(cmd, args[0] if args else None, refusal.code, refusal.text)
            return
        try:
            super().process_command(cmd, *args, **kwargs)
        except Refusal as error:
            self.respond(f"{error.code} {error.text}")
            self.log_cmd(cmd, args[0] if args else None, error.code, error.text)

    def _refusal(self, cmd: str) -> Refusal | None:
        if cmd in ("USER", "PASS") and not self._ssl_established:
            return Refusal(530, "TLS comes first: send AUTH TLS.")
        if cmd in ("PASV", "EPSV", "PORT", "EPRT") and not self._prot:
            return Refusal(522, "Data connections are encrypted: send PBSZ 0 and PROT P first.")
        if cmd in ("PORT", "EPRT") and not self.app.configuration.active_mode:
            return Refusal(502, "Data connections are passive here: send EPSV or PASV.")
        if cmd in _DATA_COMMANDS:
            return self._transfer_refusal()
        return None

    def _transfer_refusal(self) -> Refusal | None:
        if self.data_channel is not None and (self.data_channel.file_obj or self.data_channel.cmd):
            return Refusal(450, "A transfer is under way.")
        if self._in_dtp_queue is not None or self._out_dtp_queue is not None:
            return Refusal(450, "A transfer is waiting for its data connection.")
        if self.data_channel is None and self._dtp_acceptor is None and self._dtp_connector is None:
            return Refusal(425, "Send EPSV or PASV first.")
        return None

    # -- TLS and login -----------------------------------------------------------------------------------------------

    def ftp_AUTH(self, line: str) -> None:
        """Begin TLS (RFC 4217, section 4)."""
        if self._ssl_requested:
            self.respond("503 TLS is on.")
        elif line.upper() not in ("TLS", "TLS-C", "SSL"):
            self.respond("504 AUTH TLS is the one that is known here.")
        elif self.ac_in_buffer:
            # Something in the clear, sent along, would count as sent under TLS.
            self.respond("503 Nothing may follow AUTH TLS in the clear.")
            self.ac_in_buffer = b""
            self.close_when_done()
        else:
            self.ssl_context = self.app.tls.context()
            self.respond("234 TLS begins.")
            self.secure_connection(self.ssl_context)

    def ftp_CCC(self, line: str) -> None:  # noqa: ARG002
        """Refuse to end TLS."""
        self.respond("533 The control connection stays encrypted.")

    def ftp_PROT(self, line: str) -> None:
        """Take P alone (RFC 4217, section 9)."""
        level = line.upper()
        if not self._ssl_established or not self._pbsz:
            self.respond("503 Send AUTH TLS and PBSZ 0 first.")
        elif level == "P":
            self._prot = True
            self.respond("200 Data connections are encrypted.")
        elif level in ("C", "S", "E"):
            self.respond("534 Data connections are encrypted here: PROT P.")
        else:
            self.respond("504 No such level; PROT P is the one.")

    def ftp_USER(self, line: str) -> None:
        """Take the name; whether it exists is not told (RFC 2577, section 5)."""
        if self.authenticated:
            self.respond("503 One login a connection.")
        else:
            self.username = line
            self.respond("331 The password, please.")

    def ftp_PASS(self, line: str) -> None:
        """Check the password, in this session's own thread."""
        if self.authenticated or not self.username:
            self.respond("503 Send USER first, once.")
            return
        name, self.username = self.username, ""
        if self.app.logins.pausing(self.network):
            self.audit("login_refused", reason="pause after wrong logins")
            self._turn_away("421 Too many wrong logins; come back later.")
            return
        user = self.app.users.verify(name, Secret(line))
        if user is None:
            self._wrong_login(name)
        elif not self.app.connections.login(user.name):
            self.audit("login_refused", account=user.name, reason="too many sessions of this user")
            self._turn_away("421 Too many sessions of this user.")
        else:
            self._right_login(user)

    def _turn_away(self, reply: str) -> None:
        self.respond(reply)
        self.close_when_done()

    def _wrong_login(self, name: str) -> None:
        # What is no account may be a password in the wrong place.
        account = name if self.app.users.get(name) else None
        self.audit("login_failed", account=account)
        self.attempted_logins += 1
        self.app.draining.wait(self.app.logins.failed(self.network, account))
        if self.attempted_logins >= _MAX_LOGINS:
            self._turn_away("530 Wrong login. Disconnecting.")
        else:
            self.respond("530 Wrong login.")

    def _right_login(self, user: User) -> None:
        self.user = user
        try:
            root = self.app.home_of(user.name)
        except OSError as error:
            self.audit("internal_error", where="home", error=error.strerror)
            self._turn_away("421 The home of this account cannot be used.")
            return
        self.app.logins.succeeded(self.network, user.name)
        self.home = self.app.home(root)
        self.authorizer = _Permissions(user)
        self.abstracted_fs = _Files
        self.username = user.name
        self.audit("login")
        self.handle_auth_success(self.home, "", "Logged in.")

    # -- uploads -----------------------------------------------------------------------------------------------------

    def _home(self) -> Home:
        if self.home is None:
            raise Refusal(530, "Log in first.")
        return self.home

    def ftp_STOR(self, file: str, mode: str = "w") -> None:
        """Open the file and wait for its content.

        Args:
            file: On disk.
            mode: `a` for APPE.
        """
        offset, self._restart_position = self._restart_position, 0
        append = mode == "a"
        target = self._home().open_upload(file, offset=offset, append=append)
        channel = self.data_channel
        facts = {} if channel is None else channel.facts
        upload = Upload(
            target,
            digests=self.app.digests,
            max_size=self.app.configuration.max_file_size,
            durable=self.app.configuration.durable,
            keep_part=self.app.configuration.on_full == "keep",
            on_end=lambda outcome: self._upload_ended(file, outcome),
        )
        self.audit("upload_start", path=self._shown(file), offset=target.offset, **facts)
        if channel is not None:
            self.respond("125 The transfer begins.")
            channel.file_obj = upload
            channel.enable_receiving("i", "APPE" if append else "STOR")
        else:
            self.respond("150 Waiting for the data connection.")
            self._in_dtp_queue = (upload, "APPE" if append else "STOR")

    def _upload_ended(self, file: str, outcome: Outcome) -> None:
        home = self.home
        self.audit(
            "upload_end",
            path=self._shown(file),
            completed=outcome.complete,
            evidence=outcome.complete and home is not None and not home.is_temporary(file),
            size=outcome.size,
            received=outcome.received,
            sha256=outcome.sha256,
            seconds=outcome.seconds,
            problem=outcome.problem,
        )

    def completed(self, path: str) -> None:
        """Note a complete upload.

        Args:
            path: On disk.
        """
        if self.home is not None:
            self.home.completed(path)

    def ftp_ALLO(self, line: str) -> None:
        """Say early when there is no room (RFC 959)."""
        wanted = line.partition(" ")[0]
        if not wanted.isdecimal():
            self.respond("501 ALLO takes a number of bytes.")
            return
        limit = self.app.configuration.max_file_size
        disk = os.statvfs(self._home().root)
        if int(wanted) > disk.f_bavail * disk.f_frsize or (limit and int(wanted) > limit):
            self.respond("552 No room for so many bytes.")
        else:
            self.respond("200 There is room.")

    def ftp_TYPE(self, line: str) -> None:
        """Take both types; content is never converted."""
        if line.upper().replace(" ", "") in ("A", "AN", "I", "L8"):
            self.respond("200 Content is taken as it is.")
        else:
            self.respond("504 Types A and I are known.")

    def ftp_RNFR(self, path: str) -> None:
        """Note what is to be renamed."""
        self._home().check_rename(path)
        self._rnfr = path
        self.respond("350 And its new name?")

    def ftp_RNTO(self, path: str) -> None:
        """Rename; to a name of evidence, that is its seal."""
        source, self._rnfr = self._rnfr, None
        if source is None:
            self.respond("503 Send RNFR first.")
            return
        renamed = self._home().rename(source, path)
        status = os.lstat(path)
        known = self.app.digests.known(FileKey.of(status), "SHA-256")
        self.audit(
            "rename",
            source=self._shown(source),
            path=self._shown(path),
            evidence=renamed.evidence,
            ended_cleanly=renamed.ended_cleanly,
            size=status.st_size,
            sha256=None if known is None else known.hexdigest(),
        )
        self.respond("250 Renamed; it is complete." if renamed.evidence else "250 Renamed.")

    def _changed(self, event: str, path: str) -> None:
        """Note a change that pyftpdlib has answered with success."""
        if self._last_response.startswith("2"):
            self.audit(event, path=self._shown(path))

    def ftp_DELE(self, path: str) -> None:
        """Remove what is no evidence."""
        super().ftp_DELE(path)
        self._changed("remove", path)

    def ftp_MKD(self, path: str) -> None:
        """Make a directory."""
        super().ftp_MKD(path)
        self._changed("make_directory", path)

    def ftp_RMD(self, path: str) -> None:
        """Remove an empty directory."""
        super().ftp_RMD(path)
        self._changed("remove_directory", path)

    def ftp_MFMT(self, path: str, timeval: str) -> None:
        """Set a time, with or without fractions of a second."""
        super().ftp_MFMT(path, timeval.partition(".")[0])
        self._changed("set_time", path)

    # -- digests -----------------------------------------------------------------------------------------------------

    def _opened(self, path: str) -> int:
        if not self._home().contains(path):
            raise Refusal(550, "This is outside of the home.")
        try:
            descriptor = os.open(path, _READ)
        except OSError as error:
            raise reply_of(error) from error
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            os.close(descriptor)
            raise Refusal(550, "This is not a file.")
        return descriptor

    def _whole(self, descriptor: int, algorithm: str) -> tuple[str, int]:
        """The digest of a file and its size."""
        before = os.fstat(descriptor)
        digest = self.app.digests.of_file(descriptor, algorithm)
        after = os.fstat(descriptor)
        if FileKey.of(before) == FileKey.of(after):
            self._home().told(after)
        return digest, after.st_size

    def ftp_HASH(self, path: str) -> None:
        """The digest of a file (draft-bryan-ftpext-hash-02)."""
        descriptor = self._opened(path)
        try:
            digest, size = self._whole(descriptor, self._hash)
        finally:
            os.close(descriptor)
        self.respond(f"213 {self._hash} 0-{size} {digest} {self.fs.fs2ftp(path)}")

    def _x_digest(self, algorithm: str, line: str) -> None:
        match = _RANGE.fullmatch(line)
        if match is None:
            raise Refusal(501, "A path, and perhaps the first byte and the one behind the last.")
        path = match["quoted"] if match["quoted"] is not None else match["plain"]
        if match["start"] is not None and match["quoted"] is None and self.fs.lexists(self.fs.ftp2fs(line)):
            # A name that ends in two numbers.
            path, match = line, t.cast("re.Match[str]", _RANGE.fullmatch('""'))
        descriptor = self._opened(self.fs.ftp2fs(path))
        try:
            if match["start"] is None:
                digest, dummy = self._whole(descriptor, algorithm)
            else:
                start, end = int(match["start"]), int(match["end"])
                if not start <= end <= os.fstat(descriptor).st_size:
                    raise Refusal(554, "These bytes are not in the file.")
                digest = digest_of_range(descriptor, algorithm, start, end).hexdigest()
        finally:
            os.close(descriptor)
        self.respond(f"250 {digest.upper()}")

    def ftp_XSHA256(self, line: str) -> None:
        """SHA-256 of a file or of some bytes of it."""
        self._x_digest("SHA-256", line)

    def ftp_XSHA512(self, line: str) -> None:
        """SHA-512 of a file or of some bytes of it."""
        self._x_digest("SHA-512", line)

    def ftp_XCRC(self, line: str) -> None:
        """CRC-32 of a file or of some bytes of it."""
        self._x_digest("CRC32", line)

    def ftp_OPTS(self, line: str) -> None:
        """Choose the algorithm of HASH, besides pyftpdlib's options."""
        command, dummy, value = line.partition(" ")
        if command.upper() != "HASH":
            super().ftp_OPTS(line)
        elif value and value.upper() not in ALGORITHMS:
            self.respond(f"501 HASH knows {', '.join(ALGORITHMS)}.")
        else:
            self._hash = value.upper() or self._hash
            self.respond(f"200 {self._hash}")

    def ftp_FEAT(self, line: str) -> None:  # noqa: ARG002
        """What is known here (RFC 2389)."""
        facts = "".join(f"{one}{'*' if one in self._current_facts else ''};" for one in self._available_facts)
        hashes = ";".join(f"{one}{'*' if one == self._hash else ''}" for one in ALGORITHMS)
        features = ["AUTH TLS", "EPSV", f"HASH {hashes}", "MDTM", "MFMT", f"MLST {facts}", "PBSZ", "PROT"]
        features += ["REST STREAM", "SIZE", "TVFS", "UTF8", "XCRC", "XSHA256", "XSHA512"]
        if self.app.configuration.active_mode:
            features.append("EPRT")
        self.push("211-Features:\r\n" + "".join(f" {one}\r\n" for one in sorted(features)))
        self.respond("211 End")

    def ftp_NOOP(self, line: str) -> None:  # noqa: ARG002
        """Stay awake."""
        self.respond(f"200 It is {time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime())}.")
