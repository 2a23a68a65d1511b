# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A server on a loopback socket that answers byte by byte what a test says, and a CA."""

from __future__ import annotations

import contextlib
import dataclasses as dc
import datetime as dt
import ipaddress
import pathlib
import re
import socket
import ssl
import threading
import typing as t

import pytest
from ansible_collections.camsec.fleet.plugins.module_utils._core._secret import Secret
from ansible_collections.camsec.fleet.plugins.module_utils._transport._connection import Endpoint, Trust, spki_sha256
from ansible_collections.camsec.fleet.plugins.module_utils._transport._session import Credentials, DeviceSession
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

PASSWORD = "Kamera-Geheimnis-7"
CREDENTIALS = Credentials(username="admin", password=Secret(PASSWORD))
CHALLENGE = 'WWW-Authenticate: Digest realm="cam", qop="auth", nonce="{}", algorithm=MD5\r\n'
Script = t.Callable[["Exchange"], None]


def answer(body: bytes = b"A=1\r\n", *, status: int = 200, kind: str = "text/plain", more: str = "") -> bytes:
    head = f"HTTP/1.1 {status} x\r\nContent-Type: {kind}\r\n{more}Content-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


def unauthorized(nonce: str = "n1") -> bytes:
    return answer(b"<HTML></HTML>", status=401, more=CHALLENGE.format(nonce))


@dc.dataclass(frozen=True, kw_only=True)
class Exchange:
    """One request and the connection that it came on."""

    connection: socket.socket
    head: str
    body: bytes
    number: int
    ended: threading.Event

    def send(self, data: bytes) -> None:
        self.connection.sendall(data)


class Server:
    """Accepts, reads requests, and plays the script for each; `requests` has their heads."""

    def __init__(self, script: Script, *, address: str = "127.0.0.1", tls: ssl.SSLContext | None = None) -> None:
        self._script = script
        self._tls = tls
        self._ended = threading.Event()
        self.requests: list[str] = []
        self.bodies: list[bytes] = []
        self.connections = 0
        self._socket = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET)
        self._socket.bind((address, 0))
        self._socket.listen()
        self.port: int = self._socket.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                connection, dummy = self._socket.accept()
            except OSError:
                return
            self.connections += 1
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with contextlib.suppress(OSError), connection:
            peer = self._tls.wrap_socket(connection, server_side=True) if self._tls else connection
            with peer, peer.makefile("rb") as stream:
                while head := self._head(stream):
                    length = re.search(r"(?i)content-length: (\d+)", head)
                    body = stream.read(int(length[1])) if length else b""
                    self.requests.append(head)
                    self.bodies.append(body)
                    number = len(self.requests)
                    self._script(Exchange(connection=peer, head=head, body=body, number=number, ended=self._ended))

    @staticmethod
    def _head(stream: t.IO[bytes]) -> str:
        lines = b""
        while line := stream.readline():
            if line == b"\r\n":
                return lines.decode()
            lines += line
        return ""

    def close(self) -> None:
        self._ended.set()
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()


@pytest.fixture
def serve() -> t.Iterator[t.Callable[..., Server]]:
    servers: list[Server] = []

    def make(script: Script, **options: t.Any) -> Server:
        servers.append(Server(script, **options))
        return servers[-1]

    yield make
    for server in servers:
        server.close()


def session(
    server: Server,
    *,
    scheme: str = "http",
    host: str = "127.0.0.1",
    trust: Trust | None = None,
    timeout: float = 2.0,
) -> DeviceSession:
    return DeviceSession(
        device="cam011",
        endpoint=Endpoint(scheme=scheme, host=host, port=server.port),
        credentials=CREDENTIALS,
        trust=trust or Trust(),
        timeout=timeout,
    )


@dc.dataclass(frozen=True, kw_only=True)
class Identity:
    """A self-signed server: its TLS context, its certificate's file and its pin."""

    context: ssl.SSLContext
    path: str
    pin: str


def _identity(folder: pathlib.Path, name: str, address: str) -> Identity:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.oid.NameOID.COMMON_NAME, name)])
    now = dt.datetime.now(dt.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(address))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = folder / f"{name}.pem"
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    (folder / f"{name}.key").write_bytes(secret)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path, folder / f"{name}.key")
    pin = spki_sha256(certificate.public_bytes(serialization.Encoding.DER))
    return Identity(context=context, path=str(path), pin=pin)


@pytest.fixture(scope="session")
def identity(tmp_path_factory: pytest.TempPathFactory) -> Identity:
    return _identity(tmp_path_factory.mktemp("tls"), "camera", "127.0.0.1")


@pytest.fixture(scope="session")
def misnamed(tmp_path_factory: pytest.TempPathFactory) -> Identity:
    return _identity(tmp_path_factory.mktemp("tls"), "misnamed", "192.0.2.1")
