# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The link to a server: it logs in when it must, keeps commands and answers in step, opens data connections."""

from __future__ import annotations

import contextlib
import time
import typing as t

from .._core._errors import ConnectError
from ._context import context_of
from ._control import Control
from ._data import DataConnection, passive
from ._errors import FtpRefusedError, NotResumedError, refusal
from ._facts import Server
from ._hashes import HashMethod, choose, reported
from ._replies import Reply, features, machine_entry, size_of
from ._throttle import Pace, Throttle

__all__ = ["ABSENT", "Link"]

#: A file that is not there. Some servers say 450, which RFC 959 allows.
ABSENT: t.Final = frozenset({450, 550})
_UNKNOWN: t.Final = frozenset({500, 501, 502, 504})
# A server may stop listening for a data connection that does not come.
_LISTENING_SECONDS: t.Final = 10.0
# What slow servers hash in a second; it stretches the wait for their answer.
_HASHED_PER_SECOND: t.Final = 20_000_000

_T = t.TypeVar("_T")


class Link:
    """What a session and its uploads talk over.

    Args:
        server: Where to, and what is demanded.
        throttle: Limits on speed.

    Attributes:
        server: As given.
        features: The server's answer to FEAT.
        method: How the server can prove what it holds, if it can.
        logins: How often this logged in.
        paces: What limits the speed.
        slowest: The lowest limit.
    """

    def __init__(self, server: Server, throttle: Throttle | None) -> None:
        self.server = server
        self.features: dict[str, str] = {}
        self.method: HashMethod | None = None
        self.logins = 0
        self.paces: tuple[Pace, ...] = throttle.paces() if throttle is not None else ()
        self.slowest = throttle.slowest if throttle is not None else None
        self._control: Control | None = None
        self._listening: tuple[float, Reply] | None = None

    @property
    def control(self) -> Control:
        """The open control connection.

        Raises:
            ConnectError: There is none.
        """
        if self._control is None:
            raise ConnectError(
                device=self.server.device, subject="session", found="not connected", expected="an open session"
            )
        return self._control

    def open(self) -> None:
        """Connect and log in, unless that is done.

        Raises:
            CamsecError: See :meth:`Control.open`.
        """
        if self._control is not None:
            return
        control = Control(self.server, context_of(self.server))
        control.open()
        self._control, self._listening = control, None
        self.logins += 1
        with self._in_step():
            self._learn(control)

    def close(self) -> None:
        """Say goodbye."""
        control, self._control = self._control, None
        if control is not None:
            control.quit()

    def give_up(self) -> None:
        """Close at once: nobody knows what the server will say next. The next command connects anew."""
        control, self._control = self._control, None
        if control is not None:
            control.close()

    def ask(self, verb: str, argument: str = "", *, seconds: float | None = None) -> Reply:
        """A command and its answer.

        Args:
            verb: The command.
            argument: What follows it.
            seconds: Instead of the server's timeout.

        Returns:
            The answer.

        Raises:
            CamsecError: The connection broke.
        """
        self.open()
        with self._in_step():
            return self.control.ask(verb, argument, seconds=seconds)

    def ask_all(self, *commands: tuple[str, str], seconds: float | None = None) -> list[Reply]:
        """Commands that do not depend on each other, and their answers.

        Args:
            commands: Verbs and arguments.
            seconds: For each answer, instead of the server's timeout.

        Returns:
            The answers.

        Raises:
            CamsecError: The connection broke.
        """
        self.open()
        with self._in_step():
            return self.control.ask_all(*commands, seconds=seconds)

    def expect(self, verb: str, argument: str, kind: int) -> Reply:
        """A command that must be answered in one way.

        Args:
            verb: The command.
            argument: What follows it.
            kind: First digit of the wanted answer.

        Returns:
            The answer.

        Raises:
            CamsecError: Another answer, or the connection broke.
        """
        reply = self.ask(verb, argument)
        if reply.kind != kind:
            raise refusal(self.server.device, f"{verb} {argument}", reply, f"{kind}yz")
        return reply

    def size_in(self, path: str, reply: Reply) -> int | None:
        """The size in an answer to SIZE.

        Args:
            path: The file's name.
            reply: The answer.

        Returns:
            The size, or nothing when there is no such file.

        Raises:
            CamsecError: The server does not tell, not even with MLST.
        """
        size = size_of(reply)
        if size is not None:
            return size
        if reply.code in ABSENT:
            return None
        if reply.code in _UNKNOWN and "MLST" in self.features:
            return self._listed_size(path)
        raise refusal(self.server.device, f"SIZE {path}", reply, "213 with the size")

    def hash_seconds(self, size: int) -> float:
        """How long the server may take to hash a file.

        Args:
            size: In bytes.

        Returns:
            Seconds.
        """
        return self.server.timeout + size / _HASHED_PER_SECOND

    def hash(self, path: str, size: int) -> str | None:
        """What the server says of a file's content.

        Args:
            path: Its name.
            size: Its size.

        Returns:
            Lower-case hexadecimal by :attr:`method`, or nothing where the server has none or does not tell.

        Raises:
            CamsecError: The connection broke.
        """
        if self.method is None:
            return None
        return reported(self.ask(self.method.verb, path, seconds=self.hash_seconds(size)), self.method)

    def keep_listening(self, reply: Reply) -> None:
        """Keep an answer to EPSV for the next data connection.

        Args:
            reply: The answer.
        """
        self._listening = (time.monotonic(), reply)

    @property
    def is_listening(self) -> bool:
        """The server has said lately where it listens."""
        return self._listening is not None and time.monotonic() - self._listening[0] < _LISTENING_SECONDS

    def make_ready(self) -> None:
        """Make sure that a data connection can resume: log in again before the tickets have run out.

        Raises:
            CamsecError: No new login.
        """
        self.open()
        if self.control.tickets.offered and not self.control.tickets.left:
            self.close()
            self.open()

    def transfer(self, commands: t.Sequence[tuple[str, str]], use: t.Callable[[DataConnection], _T]) -> _T:
        """Open a data connection for a command and use it.

        Args:
            commands: The last one is the transfer's.
            use: Gets the connection, ready for data; it also ends it.

        Returns:
            What ``use`` returns.

        Raises:
            CamsecError: The server refused, or a connection broke; the next command then connects anew.
        """
        self.make_ready()
        try:
            return self._transfer(commands, use)
        except NotResumedError:
            # The server knows the ticket no more: its keys are new, or it takes each only once. Nothing was sent, and a
            # new login helps.
            self.make_ready()
        return self._transfer(commands, use)

    def _transfer(self, commands: t.Sequence[tuple[str, str]], use: t.Callable[[DataConnection], _T]) -> _T:
        with self._in_step():
            data = DataConnection(self.control, self._passive())
            with contextlib.closing(data):
                data.begin(*commands)
                return use(data)

    def _passive(self) -> int:
        kept = self._listening[1] if self._listening is not None and self.is_listening else None
        self._listening = None
        return passive(self.control, kept or self.control.ask("EPSV"))

    @contextlib.contextmanager
    def _in_step(self) -> t.Iterator[None]:
        try:
            yield
        except FtpRefusedError:
            # That was the server's last word on the command; it waits for the next one.
            raise
        except BaseException:
            self.give_up()
            raise

    def _learn(self, control: Control) -> None:
        self.features = features(control.ask("FEAT"))
        self.method = choose(self.features)
        options = [("OPTS", "UTF8 ON")] if "UTF8" in self.features else []
        chosen = self.method is not None and self.method.option
        if chosen:
            options.append(("OPTS", f"HASH {chosen}"))
        replies = control.ask_all(*options) if options else []
        if chosen and replies[-1].kind != 2:
            self.method = choose({name: rest for name, rest in self.features.items() if name != "HASH"})

    def _listed_size(self, path: str) -> int | None:
        reply = self.ask("MLST", path)
        if reply.code in ABSENT:
            return None
        entries = [machine_entry(line) for line in reply.lines[1:-1]]
        sizes = [entry.size for entry in entries if entry is not None and entry.size is not None]
        if reply.kind != 2 or not sizes:
            raise refusal(self.server.device, f"MLST {path}", reply, "250 with the size")
        return sizes[0]
