# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The SSH server of a simulated Windows computer, as Win32-OpenSSH with cmd.exe as its default shell.

A command is one call of a program; `powershell` runs a script. Everything else that cmd.exe can do is a limit.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import concurrent.futures
import dataclasses as dc
import logging
import re
import typing as t
from xml.sax.saxutils import escape

import asyncssh

from ._listener import PortError
from ._powershell_all import Outcome, PowerShell
from ._powershell_native import call_program, find_program
from ._powershell_values import Limit
from ._windows_programs import split_command_line

if t.TYPE_CHECKING:
    from ._windows_host import WindowsHost

__all__ = ["SshDoor", "new_host_key", "public_key"]

logging.getLogger("asyncssh").setLevel(logging.CRITICAL)

# cmd.exe's documented limit for a command line.
LONGEST: t.Final = 8191
_POWERSHELL: t.Final = re.compile(r"(?i)(?:.*\\)?powershell(?:\.exe)?")
# Parameters of powershell.exe, with a value or without.
_SWITCHES: t.Final = ("noprofile", "noninteractive", "nologo", "sta", "mta", "noexit")
_VALUES: t.Final = ("executionpolicy", "outputformat", "inputformat", "windowstyle", "version")
_PREPARING: t.Final = (
    '<Obj S="progress" RefId="0"><TN RefId="0"><T>System.Management.Automation.PSCustomObject</T><T>System.Object</T>'
    '</TN><MS><I64 N="SourceId">1</I64><PR N="Record"><AV>Preparing modules for first use.</AV><AI>0</AI><Nil />'
    "<PI>-1</PI><PC>-1</PC><T>Completed</T><SR>-1</SR><SD> </SD></PR></MS></Obj>"
)


def new_host_key() -> str:
    """A host key in OpenSSH's form."""
    return asyncssh.generate_private_key("ssh-ed25519").export_private_key().decode()


def public_key(private: str) -> str:
    """The public half, as a line of `known_hosts` has it after the name."""
    key = asyncssh.import_private_key(private)
    return " ".join(key.export_public_key().decode().split()[:2])


class UsageError(Exception):
    """powershell.exe does not understand its command line."""


@dc.dataclass(frozen=True, kw_only=True)
class Call:
    """What powershell.exe was asked to run."""

    script: str
    encoded: bool
    text_errors: bool = False


@dc.dataclass(frozen=True, kw_only=True)
class Answer:
    """What goes back to the client."""

    code: int
    stdout: bytes = b""
    stderr: bytes = b""


def _spelled(word: str) -> str | None:
    """The whole name of a parameter of powershell.exe, which may be shortened."""
    low = word[1:].lower()
    if low in {"e", "ec"} or ("encodedcommand".startswith(low) and low.startswith("en")):
        return "encodedcommand"
    if low == "ep":
        return "executionpolicy"
    known = (*_SWITCHES, *_VALUES, "command", "file")
    return next((name for name in known if low and name.startswith(low)), None)


def parse_call(words: t.Sequence[str]) -> Call:
    """The arguments of powershell.exe."""
    rest = list(words)
    text_errors = False
    while rest:
        word = rest.pop(0)
        name = _spelled(word) if word[:1] in {"-", "/"} else "command"
        if name in _SWITCHES:
            continue
        if name in _VALUES:
            value = rest.pop(0) if rest else ""
            text_errors = text_errors or (name == "outputformat" and value.lower() == "text")
            continue
        if name == "encodedcommand":
            return Call(script=_decoded(rest[0] if rest else ""), encoded=True, text_errors=text_errors)
        if name == "command":
            parts = [word, *rest] if word[:1] not in {"-", "/"} else rest
            if parts == ["-"]:
                raise Limit("powershell -Command - (a script on standard input)")
            return Call(script=" ".join(parts), encoded=False)
        if name == "file":
            raise Limit("powershell -File")
        raise UsageError(word)
    raise Limit("an interactive powershell")


def _decoded(text: str) -> str:
    try:
        return base64.b64decode(text, validate=True).decode("utf-16-le")
    except (binascii.Error, UnicodeDecodeError) as error:
        raise UsageError(text) from error


def _clixml(outcome: Outcome) -> bytes:
    """Standard error of a powershell.exe that was given -EncodedCommand and whose errors go to a pipe."""
    parts = [_PREPARING]
    for stream, text in outcome.messages:
        if stream == "raw":
            continue
        for line in text.split("\r\n"):
            marked = escape(line).replace("\r", "_x000D_").replace("\n", "_x000A_")
            parts.append(f'<S S="{stream}">{marked}_x000D__x000A_</S>')
    body = "".join(parts)
    xmlns = "http://schemas.microsoft.com/powershell/2004/04"
    return f'#< CLIXML\r\n<Objs Version="1.1.0.1" xmlns="{xmlns}">{body}</Objs>'.encode()


def _stderr(outcome: Outcome, call: Call, encoding: str) -> bytes:
    raw = "".join(text for stream, text in outcome.messages if stream == "raw").encode(encoding, "replace")
    if call.encoded and not call.text_errors:
        raw += _clixml(outcome)
    else:
        prefix = {"Warning": "WARNING: "}
        lines = [f"{prefix.get(s, '')}{text}\r\n" for s, text in outcome.messages if s != "raw"]
        raw += "".join(lines).encode(encoding, "replace")
    return raw + (f"{outcome.limit}\r\n".encode() if outcome.limit else b"")


class _Gate(asyncssh.SSHServer):
    """Who may come in."""

    def __init__(self, host: WindowsHost, connections: set[asyncssh.SSHServerConnection]) -> None:
        self._host = host
        self._connections = connections
        self._connection: asyncssh.SSHServerConnection | None = None

    def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
        self._connection = conn
        self._connections.add(conn)
        if "refuse_connection" in self._host.faults:
            conn.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        del exc
        if self._connection is not None:
            self._connections.discard(self._connection)

    def begin_auth(self, username: str) -> bool:
        del username
        return True

    def password_auth_supported(self) -> bool:
        return bool(self._host.password)

    def validate_password(self, username: str, password: str) -> bool:
        return username.lower() == self._host.account.lower() and password == self._host.password

    def public_key_auth_supported(self) -> bool:
        return bool(self._host.authorized_keys)

    def validate_public_key(self, username: str, key: asyncssh.SSHKey) -> bool:
        known = [asyncssh.import_public_key(line) for line in self._host.authorized_keys]
        return username.lower() == self._host.account.lower() and key in known


class SshDoor:
    """A computer's SSH server on its address."""

    def __init__(self, host: WindowsHost) -> None:
        self._host = host
        self._server: asyncssh.SSHAcceptor | None = None
        self._threads: concurrent.futures.ThreadPoolExecutor | None = None
        # All of them: one that is idle would outlive the computer.
        self._connections: set[asyncssh.SSHServerConnection] = set()
        self._tasks: set[asyncio.Task[t.Any]] = set()

    async def open(self) -> None:
        host = self._host
        self._threads = concurrent.futures.ThreadPoolExecutor(16, thread_name_prefix=f"windows-{host.name}")
        try:
            self._server = await asyncssh.create_server(
                lambda: _Gate(host, self._connections),
                host.address,
                host.port,
                server_host_keys=[asyncssh.import_private_key(host.host_key)],
                process_factory=self._serve,
                allow_scp=False,
                line_editor=False,
                encoding=None,
                login_timeout=30,
                keepalive_interval=0,
            )
        except OSError as error:
            place = f"{host.address}:{host.port}"
            raise PortError(f"Limit of the simulator: {place} cannot be opened ({error.strerror}).") from error

    async def close(self) -> None:
        """End every connection; a script that runs does not get beyond its statement, and its answer is lost."""
        server, self._server = self._server, None
        threads, self._threads = self._threads, None
        if server is not None:
            server.close()
            for connection in list(self._connections):
                connection.abort()
            for task in list(self._tasks):
                task.cancel()
            await server.wait_closed()
        if threads is not None:
            threads.shutdown(wait=False, cancel_futures=True)

    async def _serve(self, process: asyncssh.SSHServerProcess[bytes]) -> None:
        connection = process.channel.get_connection()
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            answer = await self._answer(process)
            if "slow" in self._host.faults:
                await asyncio.sleep(self._host.slow_seconds)
            if "drop_after_script" in self._host.faults:
                connection.abort()
                return
            process.stdout.write(answer.stdout)
            process.stderr.write(answer.stderr)
            process.exit(answer.code & 0xFFFFFFFF)
        except (OSError, asyncssh.Error):
            # The client has gone, or the computer goes off.
            connection.abort()
        finally:
            self._tasks.discard(task)

    async def _answer(self, process: asyncssh.SSHServerProcess[bytes]) -> Answer:
        command = process.command or ""
        if not command.strip():
            return _failure(str(Limit("an interactive shell")))
        if len(command) > LONGEST:
            self._note("cmd", len(command), 1)
            return _failure("The command line is too long.")
        words = split_command_line(command)
        try:
            if _POWERSHELL.fullmatch(words[0]):
                return await self._powershell(words[1:], process)
            return await self._program(command, words)
        except UsageError as error:
            return Answer(code=0xFFFD0000, stderr=f"The argument '{error}' is not recognized.\r\n".encode())
        except Limit as error:
            return _failure(str(error))

    async def _powershell(self, words: list[str], process: asyncssh.SSHServerProcess[bytes]) -> Answer:
        call = parse_call(words)
        host = self._host
        lines: list[str] = []
        # INFERRED: who does not look at $input is not kept waiting for its end.
        if "$input" in call.script.lower():
            data = await process.stdin.read()
            lines = data.decode(host.console_encoding, "replace").replace("\r\n", "\n").split("\n")
            if lines[-1] == "":
                lines.pop()
        outcome, encoding = await self._in_thread(lambda: self._run(call.script, lines))
        self._note("powershell", len(call.script), outcome.code)
        return Answer(
            code=outcome.code,
            stdout=outcome.output.encode(encoding, "replace"),
            stderr=_stderr(outcome, call, encoding),
        )

    def _run(self, script: str, lines: list[str]) -> tuple[Outcome, str]:
        shell = PowerShell(self._host)
        outcome = shell.run(script, lines)
        return outcome, shell.console_encoding

    async def _program(self, command: str, words: list[str]) -> Answer:
        bare = re.sub(r'"[^"]*"', "", command)
        if re.search(r"[|&<>^%]", bare):
            raise Limit("cmd.exe with more than one call of a program")
        host = self._host
        path = find_program(host, words[0])
        if path is None:
            if "\\" not in words[0]:
                raise Limit(f"the command {words[0]}")
            text = (
                f"'{words[0]}' is not recognized as an internal or external command,\r\noperable program or batch file."
            )
            self._note(words[0], len(command), 1)
            return _failure(text)
        code, text = await self._in_thread(lambda: call_program(host, path, words[1:]))
        self._note(path.rpartition("\\")[2], len(command), code)
        return Answer(code=code, stdout=text.encode(host.console_encoding, "replace"))

    async def _in_thread(self, work: t.Callable[[], t.Any]) -> t.Any:
        assert self._threads is not None
        return await asyncio.get_running_loop().run_in_executor(self._threads, work)

    def _note(self, command: str, length: int, code: int) -> None:
        self._host.log.append({"command": command, "length": length, "code": code})


def _failure(text: str) -> Answer:
    return Answer(code=1, stderr=f"{text}\r\n".encode())
