# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the tests of the preflight share: a small FTP server with Python's own TLS, certificates made by openssl."""

from __future__ import annotations

import contextlib
import dataclasses as dc
import pathlib
import re
import socket
import ssl
import subprocess
import threading
import time
import typing as t

import pytest
from ansible_collections.camsec.fleet.plugins.module_utils._core._secret import Secret
from ansible_collections.camsec.fleet.plugins.module_utils._preflight._facts import Order
from ansible_collections.camsec.fleet.plugins.module_utils._preflight._login import Account
from ansible_collections.camsec.fleet.plugins.module_utils._tls._policies import CAMERA_MODELS

ADDRESS = "127.61.7.1"
PASSWORD = "Reel-7-of-9"


def openssl(*arguments: str | pathlib.Path, check: bool = True, stdin: str | None = "") -> str:
    done = subprocess.run(
        ["openssl", *map(str, arguments)], input=stdin, capture_output=True, text=True, timeout=60, check=False
    )
    if check and done.returncode:
        raise AssertionError(done.stdout + done.stderr)
    return done.stdout + done.stderr


class Pair(t.NamedTuple):
    certificate: pathlib.Path
    key: pathlib.Path


class Pki(t.NamedTuple):
    root: Pair
    other: Pair
    rsa: Pair
    ecdsa: Pair
    expired: Pair
    elsewhere: Pair
    small: Pair


def _issue(
    home: pathlib.Path, name: str, root: Pair, *key: str, names: str = f"IP:{ADDRESS}", days: str = "30"
) -> Pair:
    pair = Pair(home / f"{name}.pem", home / f"{name}.key")
    request, extensions = home / f"{name}.csr", home / f"{name}.ext"
    extensions.write_text(f"subjectAltName={names}\n")
    openssl("req", "-new", "-newkey", *key, "-nodes", "-keyout", pair.key, "-out", request, "-subj", f"/CN={name}")
    openssl("x509", "-req", "-in", request, "-CA", root.certificate, "-CAkey", root.key, "-CAcreateserial",
            "-out", pair.certificate, "-days", days, "-extfile", extensions)  # fmt: skip
    return pair


@pytest.fixture(scope="session")
def pki(tmp_path_factory: pytest.TempPathFactory) -> Pki:
    """A root, and what it issued."""
    home = tmp_path_factory.mktemp("pki")
    roots = []
    for name in ("root", "other"):
        root = Pair(home / f"{name}.pem", home / f"{name}.key")
        openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", root.key, "-out", root.certificate,
                "-days", "60", "-subj", f"/CN=Test {name}")  # fmt: skip
        roots.append(root)
    elliptic = ("ec", "-pkeyopt", "ec_paramgen_curve:P-256")
    return Pki(
        root=roots[0],
        other=roots[1],
        rsa=_issue(home, "rsa", roots[0], "rsa:2048", days="60"),
        ecdsa=_issue(home, "ecdsa", roots[0], *elliptic, days="60"),
        expired=_issue(home, "expired", roots[0], "rsa:2048", days="-1"),
        elsewhere=_issue(home, "elsewhere", roots[0], "rsa:2048", names="DNS:ftp.example", days="60"),
        small=_issue(home, "small", roots[0], "rsa:1024", days="10"),
    )


@dc.dataclass(kw_only=True)
class Server:
    """An FTP server that can be wrong in many ways; a context manager."""

    pairs: tuple[Pair, ...]
    ciphers: str = "ALL:@SECLEVEL=0"
    oldest: ssl.TLSVersion = ssl.TLSVersion.TLSv1_2
    newest: ssl.TLSVersion = ssl.TLSVersion.TLSv1_3
    server_order: bool = True
    greeting: str = "220 stub"
    auth_reply: str = "234 AUTH TLS"
    before_tls: bytes = b""
    after_auth: bytes = b""
    at_a_time: int = 1000
    silent: bool = False
    user_reply: str = "331 password"
    pass_reply: str = "230 welcome"
    drop_after: str = ""
    epsv: bool = True
    demand_reuse: bool = False
    data_ciphers: str = ""
    asked: list[str] = dc.field(default_factory=list)
    most: int = 0
    _open: int = 0
    _lock: threading.Lock = dc.field(default_factory=threading.Lock)

    def __enter__(self) -> t.Self:
        self._listener = socket.create_server((ADDRESS, 0), backlog=64)
        self.port = int(self._listener.getsockname()[1])
        self._context = self._make(self.ciphers)
        self._data_context = self._make(self.data_ciphers) if self.data_ciphers else self._context
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *dummy: object) -> None:
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _make(self, ciphers: str) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.set_ciphers(ciphers)  # before the keys: its level says how small they may be
        for pair in self.pairs:
            context.load_cert_chain(pair.certificate, pair.key)
        context.minimum_version, context.maximum_version = self.oldest, self.newest
        context.session_id_context = b"stub"
        if not self.server_order:
            context.options &= ~ssl.OP_CIPHER_SERVER_PREFERENCE
        return context

    def _accept(self) -> None:
        while True:
            try:
                connection, dummy = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with self._lock:
            self._open += 1
            self.most = max(self.most, self._open)
            crowded = self._open > self.at_a_time
        try:
            connection.settimeout(20)
            with connection, contextlib.suppress(OSError, ValueError):
                if crowded:
                    connection.sendall(b"421 Too many connections from you\r\n")
                    return
                self._talk(connection)
        finally:
            with self._lock:
                self._open -= 1

    def _talk(self, connection: socket.socket) -> None:
        connection.sendall(f"{self.greeting}\r\n".encode() + self.before_tls)
        for verb, _argument in _commands(connection):
            if verb == "AUTH":
                connection.sendall(f"{self.auth_reply}\r\n".encode() + self.after_auth)
                if self.auth_reply.startswith("234"):
                    self._secured(connection)
                    return
            elif verb == "FEAT":
                connection.sendall(b"211-Features:\r\n AUTH TLS\r\n UTF8\r\n211 End\r\n")
            elif verb == "USER":
                connection.sendall(b"530 TLS first\r\n")
            else:
                connection.sendall(b"500 What?\r\n")

    def _secured(self, connection: socket.socket) -> None:
        try:
            tls = self._context.wrap_socket(connection, server_side=True, do_handshake_on_connect=False)
            if self.silent:
                _handshake_or_silence(tls, self._context)
                return
            tls.do_handshake()
        except ssl.SSLError:
            return
        with tls:
            self._session(tls)

    def _session(self, tls: ssl.SSLSocket) -> None:
        listener = None
        for verb, argument in _commands(tls):
            self.asked.append(f"{verb} {argument}".strip())
            if verb == self.drop_after:
                return
            if verb in ("EPSV", "PASV"):
                listener = socket.create_server((ADDRESS, 0))
                port = int(listener.getsockname()[1])
                if verb == "EPSV":
                    tls.sendall(f"229 ok (|||{port}|)\r\n".encode() if self.epsv else b"500 no\r\n")
                else:
                    tls.sendall(f"227 ok (10,1,2,3,{port // 256},{port % 256})\r\n".encode())
            elif verb == "LIST" and listener is not None:
                self._list(tls, listener)
            else:
                tls.sendall(f"{self._reply(verb)}\r\n".encode())

    def _list(self, tls: ssl.SSLSocket, listener: socket.socket) -> None:
        plain, dummy = listener.accept()
        listener.close()
        plain.settimeout(10)
        tls.sendall(b"150 here it comes\r\n")
        try:
            # The contexts of two ciphers lists share no sessions, those of one do.
            data = self._data_context.wrap_socket(plain, server_side=True)
        except OSError:
            plain.close()
            tls.sendall(b"426 no TLS\r\n")
            return
        resumed = data.session_reused
        with contextlib.suppress(OSError):
            if resumed or not self.demand_reuse:
                data.sendall(b"clip.mxf\r\n")
            data.unwrap()
        data.close()
        tls.sendall(b"226 done\r\n" if resumed or not self.demand_reuse else b"522 session reuse required\r\n")

    def _reply(self, verb: str) -> str:
        return {
            "USER": self.user_reply,
            "PASS": self.pass_reply,
            "PBSZ": "200 ok",
            "PROT": "200 ok",
            "FEAT": "211-Features:\r\n HASH SHA-256\r\n211 End",
            "NOOP": "200 still here",
            "QUIT": "221 bye",
        }.get(verb, "500 What?")


def _commands(connection: socket.socket) -> t.Iterator[tuple[str, str]]:
    """Byte by byte: what follows AUTH belongs to TLS."""
    line = b""
    while True:
        byte = connection.recv(1)
        if not byte:
            return
        line += byte
        if byte == b"\n":
            verb, dummy, argument = line.decode("utf-8", "replace").strip().partition(" ")
            yield verb.upper(), argument
            line = b""


def _handshake_or_silence(tls: ssl.SSLSocket, context: ssl.SSLContext) -> None:
    """A server that hangs up instead of sending an alert."""
    plain = socket.socket(fileno=tls.detach())
    plain.settimeout(20)
    received, sent = ssl.MemoryBIO(), ssl.MemoryBIO()
    shadow = context.wrap_bio(received, sent, server_side=True)
    with plain:
        received.write(plain.recv(1 << 16))
        try:
            shadow.do_handshake()
        except ssl.SSLWantReadError:
            plain.sendall(sent.read())
            plain.recv(1)
        except ssl.SSLError:
            return


def order(server: Server, pki: Pki | None = None, *, login: bool = False, **changes: t.Any) -> Order:
    """What the tests look for."""
    card = None if pki is None else pki.root.certificate.read_text()
    account = Account(user="evidence", password=Secret(PASSWORD)) if login else None
    base = Order(
        host=ADDRESS,
        port=server.port,
        server_name=ADDRESS,
        card=card,
        models=tuple(CAMERA_MODELS.values()),
        account=account,
        timeout=5.0,
        time_limit=60.0,
    )
    return dc.replace(base, **changes)


_PICKED = re.compile(r"Cipher is ([A-Z0-9_-]+)")


def taken_by_openssl(port: int, names: t.Iterable[str], *, host: str = ADDRESS) -> set[str]:
    """The judge: of these OpenSSL names those with which `openssl s_client` completes a TLS 1.2 handshake."""
    found = set()
    for name in names:
        told = openssl("s_client", "-starttls", "ftp", "-connect", f"{host}:{port}", "-tls1_2",
                       "-cipher", f"{name}:@SECLEVEL=0", check=False)  # fmt: skip
        match = _PICKED.search(told)
        if match is not None and match[1] == name:
            found.add(name)
    return found


def wait_until(holds: t.Callable[[], bool]) -> None:
    end = time.monotonic() + 20
    while not holds():
        assert time.monotonic() < end, "it did not come"
        time.sleep(0.02)


@dc.dataclass(frozen=True, kw_only=True)
class Tools:
    """The helpers of this file, for tests that cannot import it."""

    Server: type[Server]
    order: t.Callable[..., Order]
    taken_by_openssl: t.Callable[..., set[str]]
    openssl: t.Callable[..., str]
    wait_until: t.Callable[[t.Callable[[], bool]], None]
    address: str = ADDRESS
    password: str = PASSWORD


@pytest.fixture(scope="session")
def tools() -> Tools:
    return Tools(Server=Server, order=order, taken_by_openssl=taken_by_openssl, openssl=openssl, wait_until=wait_until)
