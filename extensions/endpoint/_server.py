# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The endpoint: listens, gives each control connection a thread, reloads certificates, stops in good order."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import pathlib
import signal
import socket
import stat
import threading
import time
import traceback
import typing as t

from pyftpdlib.ioloop import IOLoop
from pyftpdlib.servers import FTPServer

from ...plugins.module_utils._core._errors import CamsecError, ConnectError, InputError
from ._audit import AuditLog
from ._config import Configuration
from ._control import ControlHandler
from ._digests import Digests
from ._home import BusyFiles, Home
from ._limits import Connections, Logins, Rate, network_of
from ._tls import Certificates, TlsSource, served_suites
from ._users import Users, UsersFile

__all__ = ["Endpoint"]

_TICK: t.Final = 0.2
_CHECK: t.Final = 1.0


class _Listener(FTPServer):  # type: ignore[misc]  # pyftpdlib has no types
    """Accepts control connections."""

    max_cons = 0

    def __init__(self, listening: socket.socket, app: Endpoint) -> None:
        self.app = app
        super().__init__(listening, ControlHandler, ioloop=IOLoop.factory())

    def handle_accepted(self, sock: socket.socket, addr: tuple[t.Any, ...]) -> None:
        """Give the connection a thread, or a reason why not."""
        network = network_of(addr[0])
        why = "wrong logins" if self.app.logins.pausing(network) else self.app.connections.enter(network)
        if why is None:
            self.app.begin(sock, network, self)
            return
        self.app.audit.write("connection_refused", address=str(addr[0]).removeprefix("::ffff:"), reason=why)
        with contextlib.suppress(OSError):
            sock.send(b"421 Not now; come back later.\r\n")
        sock.close()


class Endpoint:
    """The whole program but its command line.

    Args:
        configuration: What it is told.

    Raises:
        CamsecError: It cannot run like this.
    """

    def __init__(self, configuration: Configuration) -> None:
        self.configuration = configuration
        _check_root(configuration.root)
        self.certificates = Certificates(configuration)
        self.tls = TlsSource(configuration, self.certificates)
        self.users = Users(UsersFile(configuration.users_file))
        self.connections = Connections(
            total=configuration.max_connections,
            per_address=configuration.max_connections_per_address,
            per_user=configuration.max_connections_per_user,
        )
        self.logins = Logins(
            delay=configuration.login_delay_seconds,
            max_delay=configuration.login_max_delay_seconds,
            before_pause=configuration.login_failures_before_pause,
            pause=configuration.login_pause_seconds,
        )
        self.rate = Rate(configuration.rate_total)
        self.digests = Digests()
        self.busy = BusyFiles()
        self.draining = threading.Event()
        self.stopping = threading.Event()
        self._threads: set[threading.Thread] = set()
        self._lock = threading.Lock()
        self._wanted: set[int] = set()
        self._last_users_problem: str | None = None
        self._next_check = 0.0
        self.audit: AuditLog

    def notes(self) -> list[str]:
        """What is worth knowing of the configuration though it works.

        Returns:
            Sentences.
        """
        policy = self.configuration.policy
        served = served_suites(policy, self.certificates.kinds)
        notes = [f"policy {policy.name}: {len(served)} of {len(policy.suites)} suites can be served"]
        notes += [
            f"{suite.iana_name} is not served: no certificate with {suite.authentication} key"
            for suite in policy.suites
            if suite not in served
        ]
        return notes

    # -- homes ---------------------------------------------------------------------------------------------------------

    def home_of(self, user: str) -> str:
        """The home of a user, made when it is not there.

        Args:
            user: Its name, which has been checked.

        Returns:
            The path, without symbolic links above it.

        Raises:
            OSError: It is not a directory, or cannot be made.
        """
        path = pathlib.Path(os.path.realpath(self.configuration.root), user)
        with contextlib.suppress(FileExistsError):
            path.mkdir(mode=0o700)
        if not stat.S_ISDIR(path.lstat().st_mode):
            raise NotADirectoryError(20, "it is not a directory")
        return str(path)

    def home(self, root: str) -> Home:
        """The rules for a home.

        Args:
            root: Of :meth:`home_of`.

        Returns:
            The rules, for one session.
        """
        return Home(
            root,
            temporary_names=self.configuration.temporary_names,
            busy=self.busy,
            digests=self.digests,
            durable=self.configuration.durable,
        )

    # -- life ----------------------------------------------------------------------------------------------------------

    def run(self) -> None:
        """Serve until SIGTERM or SIGINT.

        Raises:
            CamsecError: The port cannot be had.
        """
        os.umask(0o077)
        logger = logging.getLogger("pyftpdlib")
        logger.addHandler(logging.NullHandler())
        logger.propagate = False
        listening = _listen(self.configuration)
        try:
            self.audit = AuditLog(self.configuration.audit_log)
            for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGUSR1):
                signal.signal(number, lambda seen, dummy: self._wanted.add(seen))
            self._serve(_Listener(listening, self))
        finally:
            listening.close()
            self.tls.close()

    def _serve(self, listener: _Listener) -> None:
        address, port = listener.address
        self.audit.write(
            "start",
            address=address,
            port=port,
            policy=self.configuration.policy.name,
            policy_version=self.configuration.policy.version,
            certificates=[f"{one.serial_number:x}" for one in self.certificates.leaves],
        )
        self._announce(address, port)
        try:
            while not self._wanted & {signal.SIGTERM, signal.SIGINT}:
                listener.ioloop.poll(_TICK)
                listener.ioloop.sched.poll()
                self._tick()
        finally:
            listener.close()
            self._stop()
            for path in (self.configuration.pid_file, self.configuration.ready_file):
                if path is not None:
                    path.unlink(missing_ok=True)

    def _announce(self, address: str, port: int) -> None:
        if self.configuration.pid_file is not None:
            _write(self.configuration.pid_file, f"{os.getpid()}\n")
        if self.configuration.ready_file is not None:
            told = {"pid": os.getpid(), "address": address, "port": port}
            _write(self.configuration.ready_file, json.dumps(told) + "\n")

    def _tick(self) -> None:
        if signal.SIGUSR1 in self._wanted:
            self._wanted.discard(signal.SIGUSR1)
            self.audit.reopen()
        hung_up = signal.SIGHUP in self._wanted
        self._wanted.discard(signal.SIGHUP)
        now = time.monotonic()
        watch = self.configuration.reload_seconds and now >= self._next_check
        if watch:
            self._next_check = now + self.configuration.reload_seconds
        if hung_up or (watch and self.certificates.changed()):
            self.reload()
        problem = self.users.problem
        if problem != self._last_users_problem:
            self._last_users_problem = problem
            self.audit.write("users_refused" if problem else "users_accepted", problem=problem)

    def reload(self) -> None:
        """Take new certificates; bad ones are reported and the old ones stay."""
        try:
            changed = self.certificates.reload()
        except CamsecError as error:
            self.audit.write("certificate_refused", problem=error.message)
            return
        serials = [f"{one.serial_number:x}" for one in self.certificates.leaves]
        self.audit.write("certificate_reloaded", changed=changed, certificates=serials)

    def _stop(self) -> None:
        self.draining.set()
        end = time.monotonic() + self.configuration.stop_seconds
        self._join(end)
        self.stopping.set()
        self._join(time.monotonic() + 5.0)
        self.audit.write("stop")

    def _join(self, end: float) -> None:
        while self._threads and time.monotonic() < end:
            with self._lock:
                waiting = list(self._threads)
            for thread in waiting:
                thread.join(max(0.0, min(0.1, end - time.monotonic())))

    # -- connections -------------------------------------------------------------------------------------------------

    def begin(self, sock: socket.socket, network: str, listener: t.Any) -> None:
        """Serve a control connection in a thread.

        Args:
            sock: Connected.
            network: What the limits count it under.
            listener: Where it came from.
        """
        thread = threading.Thread(target=self._session, args=(sock, network, listener), daemon=True)
        with self._lock:
            self._threads.add(thread)
        thread.start()

    def _session(self, sock: socket.socket, network: str, listener: t.Any) -> None:
        loop = IOLoop.factory()
        try:
            handler = ControlHandler(sock, listener, ioloop=loop)
            if handler.connected:
                handler.handle()
                self._poll(loop, handler)
        except Exception as error:  # noqa: BLE001  # one session's defect must not end the others, nor go unseen
            places = [
                f"{pathlib.Path(one.filename).name}:{one.lineno}" for one in traceback.extract_tb(error.__traceback__)
            ]
            self.audit.write("internal_error", where="session", error=type(error).__name__, places=places[-4:])
        finally:
            loop.close()
            with contextlib.suppress(OSError):
                sock.close()
            self.connections.leave(network)
            with self._lock:
                self._threads.discard(threading.current_thread())

    def _poll(self, loop: t.Any, handler: ControlHandler) -> None:
        wait: float | None = 0.0
        while (loop.socket_map or handler.transferring) and not self.stopping.is_set():
            if loop.socket_map:
                loop.poll(_CHECK if wait is None else min(wait, _CHECK))
            else:
                time.sleep(min(wait or 0.01, _CHECK))
            wait = loop.sched.poll()
            if self.draining.is_set() and not handler.transferring:
                handler.go_away()


def _check_root(root: pathlib.Path) -> None:
    found = None
    if not root.is_dir():
        found = "no directory"
    elif not os.access(root, os.W_OK | os.X_OK):
        found = "a directory that cannot be written"
    if found is not None:
        raise InputError(device=str(root), subject="root of the homes", found=found, expected="the service's directory")


def _listen(configuration: Configuration) -> socket.socket:
    family = socket.AF_INET6 if ":" in configuration.address else socket.AF_INET
    both = configuration.address == "::"
    try:
        return socket.create_server(
            (configuration.address, configuration.port), family=family, backlog=100, dualstack_ipv6=both
        )
    except OSError as error:
        raise ConnectError(
            device=f"{configuration.address} port {configuration.port}",
            subject="listening",
            found=error.strerror or str(error),
            expected="a free address and port of this machine",
        ) from error


def _write(path: pathlib.Path, content: str) -> None:
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    temporary.write_text(content, encoding="utf-8")
    temporary.replace(path)
