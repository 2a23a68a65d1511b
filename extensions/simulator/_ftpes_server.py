# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A simulated FTPES server: a thread with pyftpdlib's loop, good unless it is told to misbehave."""

from __future__ import annotations

import contextlib
import os
import pathlib
import queue
import socket
import tempfile
import threading
import typing as t

from OpenSSL import SSL
from pyftpdlib.authorizers import DummyAuthorizer
from pyftpdlib.ioloop import IOLoop
from pyftpdlib.log import config_logging, is_logging_configured
from pyftpdlib.servers import FTPServer

from ._ftpes_handlers import ControlHandler, Record
from ._ftpes_quirks import Behaviour
from ._listener import PortError

__all__ = ["FtpesServer"]

_VERSIONS: t.Final[t.Mapping[str, int]] = {"1.2": SSL.TLS1_2_VERSION, "1.3": SSL.TLS1_3_VERSION}
_RIGHTS: t.Final = "elradfmwMT"


class _Waker:
    """What wakes the loop when another thread has work for it."""

    def __init__(self, loop: t.Any) -> None:
        self._inside, self._outside = socket.socketpair()
        self._inside.setblocking(False)
        self._fileno = self._inside.fileno()
        self.work: queue.SimpleQueue[t.Callable[[], None]] = queue.SimpleQueue()
        loop.register(self._fileno, self, loop.READ)

    def call(self, work: t.Callable[[], None]) -> None:
        self.work.put(work)
        with contextlib.suppress(OSError):
            self._outside.send(b"x")

    def readable(self) -> bool:
        return True

    def writable(self) -> bool:
        return False

    def handle_read_event(self) -> None:
        with contextlib.suppress(BlockingIOError):
            self._inside.recv(4096)
        while not self.work.empty():
            self.work.get()()

    def handle_close(self) -> None:
        self.close()

    def close(self) -> None:
        self._inside.close()
        self._outside.close()


class FtpesServer:
    """One server on one loopback address.

    `certificate` and `key` are PEM texts; `tls` is "1.2", "1.3" or "" for both; `ciphers` is OpenSSL's cipher list for
    TLS 1.2. `root` is the user's home; without one a temporary directory is made and removed.
    """

    def __init__(
        self,
        *,
        certificate: str,
        key: str,
        host: str = "127.0.0.1",
        port: int = 0,
        user: str = "camsec",
        password: str = "Rehearsal-1",  # noqa: S107  # of a simulated server on loopback
        root: pathlib.Path | None = None,
        tls: str = "",
        ciphers: str = "",
        behaviour: Behaviour | None = None,
    ) -> None:
        self.host = host
        self.port = port
        self.user = user
        self.password = password
        self.record = Record(behaviour or Behaviour())
        self._context = _context(certificate, key, tls, ciphers)
        self._root = root
        self._temporary: tempfile.TemporaryDirectory[str] | None = None
        self._server: t.Any = None
        self._loop: t.Any = None
        self._waker: _Waker | None = None
        self._thread: threading.Thread | None = None
        self._ending = False

    @property
    def root(self) -> pathlib.Path:
        """The user's home."""
        if self._root is None:
            raise RuntimeError("the server is not started")
        return self._root

    @property
    def is_open(self) -> bool:
        return self._thread is not None

    # -- life ----------------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Listen; PortError when the port cannot be had."""
        if self._root is None:
            self._temporary = tempfile.TemporaryDirectory(prefix="camsec-ftpes-")
            self._root = pathlib.Path(self._temporary.name)
        self._root.mkdir(parents=True, exist_ok=True)
        if not is_logging_configured():
            # pyftpdlib writes to the terminal unless told not to.
            config_logging(level=100)
        self._loop = IOLoop.factory()
        try:
            self._server = FTPServer((self.host, self.port), self._handler(), ioloop=self._loop)
        except OSError as error:
            self._loop.close()
            raise PortError(
                f"Limit of the simulator: {self.host}:{self.port} cannot be opened ({error.strerror})."
            ) from error
        self._waker = _Waker(self._loop)
        self.port = self._server.address[1]
        self._ending = False
        self._thread = threading.Thread(target=self._run, name=f"ftpes-{self.port}", daemon=True)
        self._thread.start()

    def _handler(self) -> type[ControlHandler]:
        authorizer = DummyAuthorizer()
        authorizer.add_user(self.user, self.password, str(self._root), perm=_RIGHTS)
        own = {"authorizer": authorizer, "ssl_context": self._context, "record": self.record}
        return type("Handler", (ControlHandler,), own)

    def _run(self) -> None:
        soonest = None
        while not self._ending:
            self._loop.poll(soonest)
            soonest = self._loop.sched.poll()
        self._loop.close()

    def stop(self) -> None:
        """End every connection and stop listening."""
        thread, self._thread = self._thread, None
        if thread is not None and self._waker is not None:
            self._waker.call(self._end)
            thread.join(10)
        if self._temporary is not None:
            self._temporary.cleanup()
            self._temporary = self._root = None

    def _end(self) -> None:
        self._ending = True

    # -- while it runs -------------------------------------------------------------------------------------------

    def behave(self, behaviour: Behaviour) -> None:
        """Another behaviour, for connections made from now on."""
        self.record.behaviour = behaviour

    def hang_up(self) -> None:
        """End every connection, and go on listening."""
        if self._waker is None:
            return
        done = threading.Event()

        def end() -> None:
            for handler in list(self._loop.socket_map.values()):
                if isinstance(handler, ControlHandler):
                    handler.close_at_once()
            done.set()

        self._waker.call(end)
        done.wait(10)


def _context(certificate: str, key: str, tls: str, ciphers: str) -> SSL.Context:
    context = SSL.Context(SSL.TLS_SERVER_METHOD)
    with _as_files(certificate, key) as (certificate_path, key_path):
        context.use_certificate_chain_file(certificate_path)
        context.use_privatekey_file(key_path)
    context.set_min_proto_version(_VERSIONS.get(tls, SSL.TLS1_2_VERSION))
    context.set_max_proto_version(_VERSIONS.get(tls, SSL.TLS1_3_VERSION))
    if ciphers:
        context.set_cipher_list(ciphers.encode())
    context.set_session_id(os.urandom(16))
    return context


@contextlib.contextmanager
def _as_files(certificate: str, key: str) -> t.Iterator[tuple[str, str]]:
    """OpenSSL reads a chain only from a file."""
    with tempfile.TemporaryDirectory(prefix="camsec-ftpes-") as folder:
        paths = []
        for name, content in (("certificate.pem", certificate), ("key.pem", key)):
            path = pathlib.Path(folder, name)
            path.touch(mode=0o600)
            path.write_text(content, encoding="ascii")
            paths.append(str(path))
        yield paths[0], paths[1]
