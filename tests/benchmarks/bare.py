# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The same work without Ansible: one asyncio client that makes the calls of our module and checks what it checks.

A bare client on purpose, streams and nothing else, so that nobody can say that the yardstick was a slow one. It keeps
no ledger, plans nothing, brings no camera back and explains no error: it is what the work itself costs.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import datetime as dt
import functools
import hashlib
import ipaddress
import json
import pathlib
import re
import secrets
import ssl
import typing as t

import yaml
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

_FIELD = re.compile(r'(\w+)="?([^",]*)"?')
_TIMEOUT = 10.0
_PATIENCE = 120.0


class Refused(Exception):
    """An answer other than 200."""


class Connection:
    """A persistent connection with a Digest login."""

    def __init__(self, host: t.Mapping[str, t.Any], port: int, context: ssl.SSLContext | None) -> None:
        self._host = host
        self._port = port
        self._context = context
        self._challenge: dict[str, str] = {}
        self._count = 0
        self.certificate = b""

    async def __aenter__(self) -> t.Self:
        opening = asyncio.open_connection(self._host["ansible_host"], self._port, ssl=self._context)
        self._reader, self._writer = await asyncio.wait_for(opening, _TIMEOUT)
        if self._context is not None:
            self.certificate = self._writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
        return self

    async def __aexit__(self, *details: object) -> None:
        self._writer.close()
        with contextlib.suppress(OSError):
            await self._writer.wait_closed()

    async def fields(self, path: str, body: bytes | None = None, kind: str = "") -> dict[str, str]:
        """The lines KEY=VALUE of an answer."""
        text = (await self.call(path, body, kind)).decode("utf-8-sig")
        return dict(line.split("=", 1) for line in text.splitlines() if "=" in line)

    async def call(self, path: str, body: bytes | None = None, kind: str = "") -> bytes:
        """One call; a POST if there is a body."""
        if not self._challenge:
            status, answer = await self._send(path, body, kind)
            if status != 401:
                raise Refused(f"{path}: status {status}, expected 401")
        status, answer = await self._send(path, body, kind)
        if status != 200:
            raise Refused(f"{self._host['ansible_host']}{path}: status {status}: {answer[:200]!r}")
        return answer

    async def _send(self, path: str, body: bytes | None, kind: str) -> tuple[int, bytes]:
        method = "GET" if body is None else "POST"
        head = f"{method} {path} HTTP/1.1\r\nHost: {self._host['ansible_host']}:{self._port}\r\n"
        if self._challenge:
            head += f"Authorization: {self._authorization(method, path)}\r\n"
        if body is not None:
            head += f"Content-Type: {kind or 'application/x-www-form-urlencoded'}\r\nContent-Length: {len(body)}\r\n"
        self._writer.write(f"{head}\r\n".encode() + (body or b""))
        return await asyncio.wait_for(self._receive(), _TIMEOUT)

    async def _receive(self) -> tuple[int, bytes]:
        head = (await self._reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        status, *lines = head.split("\r\n")
        headers = {name.lower(): value.strip() for name, dummy, value in (line.partition(":") for line in lines)}
        body = await self._reader.readexactly(int(headers["content-length"]))
        if "www-authenticate" in headers:
            self._challenge = dict(_FIELD.findall(headers["www-authenticate"]))
            self._count = 0
        return int(status.split()[1]), body

    def _authorization(self, method: str, path: str) -> str:
        self._count += 1
        realm, nonce, client = self._challenge["realm"], self._challenge["nonce"], secrets.token_hex(8)
        user, password = self._host["camsec_username"], self._host["camsec_password"]
        first, second = _md5(f"{user}:{realm}:{password}"), _md5(f"{method}:{path}")
        response = _md5(f"{first}:{nonce}:{self._count:08x}:{client}:auth:{second}")
        return (
            f'Digest username="{user}", realm="{realm}", nonce="{nonce}", uri="{path}", response="{response}", '
            f'qop=auth, nc={self._count:08x}, cnonce="{client}", algorithm=MD5'
        )


def _md5(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


class Fleet:
    """All cameras, so many at a time."""

    def __init__(self, directory: pathlib.Path, concurrency: int) -> None:
        self._context = ssl.create_default_context(cafile=str(directory / "ca.pem"))
        self._ca = x509.load_pem_x509_certificate((directory / "ca.pem").read_bytes())
        self._directory = directory
        self._slots = asyncio.Semaphore(concurrency)

    async def camera(self, host: t.Mapping[str, t.Any]) -> bool:
        """Bring one camera to HTTPS; True if that changed it."""
        async with self._slots:
            try:
                await self._read(host)
            except ConnectionRefusedError:
                await self._convert(host)
                await self._patiently(host)
                return True
            return False

    async def _read(self, host: t.Mapping[str, t.Any]) -> None:
        """Our module's read of a camera that answers in HTTPS, and its checks of the certificate in the handshake."""
        async with Connection(host, host["camsec_https_port"], self._context) as connection:
            https = await connection.fields("/cgi-bin/get_https")
            key = await connection.fields("/cgi-bin/get_crt_key")
            certificate = x509.load_der_x509_certificate(connection.certificate)
        public = certificate.public_key()
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        address = ipaddress.ip_address(host["ansible_host"])
        good = {
            "live": https["live"] == "https" and https["https_port"] == str(host["camsec_https_port"]),
            "key": key["cur_key_size"] == "2048" and isinstance(public, rsa.RSAPublicKey) and public.key_size == 2048,
            "issuer": certificate.issuer == self._ca.subject,
            "names": address in names.get_values_for_type(x509.IPAddress),
            "days": certificate.not_valid_after_utc - dt.datetime.now(tz=dt.UTC) > dt.timedelta(days=30),
        }
        certificate.verify_directly_issued_by(self._ca)
        if not all(good.values()):
            raise Refused(f"{address}: {good}")

    async def _patiently(self, host: t.Mapping[str, t.Any]) -> None:
        pause, spent = 0.1, 0.0
        while True:
            try:
                return await self._read(host)
            except OSError:
                if spent > _PATIENCE:
                    raise
            await asyncio.sleep(pause)
            spent, pause = spent + pause, min(pause * 1.6, 2.0)

    async def _convert(self, host: t.Mapping[str, t.Any]) -> None:
        async with Connection(host, host["camsec_http_port"], None) as connection:
            await connection.fields("/cgi-bin/get_https")
            await connection.fields("/cgi-bin/get_crt_key")
            await connection.fields("/cgi-bin/https_signed?mode=get_info")
            await connection.fields("/cgi-bin/get_capability")
            await self._generate_key(connection)
            name = host["ansible_host"]
            await connection.call("/cgi-bin/https_signed", f"mode=create&common_name={name}".encode())
            request = await connection.call("/cgi-bin/https_signed?mode=get_csr")
            pem = await asyncio.to_thread(self._sign, request, name)
            await connection.call("/cgi-bin/https_install_signed", *_multipart(pem))
            await connection.call("/cgi-bin/set_https", f"live=https&https_port={host['camsec_https_port']}".encode())

    @staticmethod
    async def _generate_key(connection: Connection) -> None:
        await connection.call("/cgi-bin/set_crt_key?mode=create&size=2048")
        pause, spent = 0.1, 0.0
        while (await connection.fields("/cgi-bin/get_crt_key"))["generating"] == "yes":
            if spent > _PATIENCE:
                raise Refused("the key was not generated in time")
            await asyncio.sleep(pause)
            spent, pause = spent + pause, min(pause * 1.6, 2.0)

    @functools.cached_property
    def _key(self) -> rsa.RSAPrivateKey:
        pem = (self._directory / "ca.key").read_bytes()
        return t.cast("rsa.RSAPrivateKey", serialization.load_pem_private_key(pem, None))

    def _sign(self, pem: bytes, address: str) -> bytes:
        request = x509.load_pem_x509_csr(pem)
        if not request.is_signature_valid:
            raise Refused(f"{address}: a CSR with a wrong signature")
        public = t.cast("rsa.RSAPublicKey", request.public_key())
        now = dt.datetime.now(tz=dt.UTC)
        names = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(address))])
        authority = x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key())
        certificate = (
            x509.CertificateBuilder()
            .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, address)]))
            .issuer_name(self._ca.subject)
            .public_key(public)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - dt.timedelta(hours=1))
            .not_valid_after(now + dt.timedelta(days=397))
            .add_extension(names, critical=False)
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
            .add_extension(authority, critical=False)
            .sign(self._key, hashes.SHA256())
        )
        return certificate.public_bytes(serialization.Encoding.PEM)


def _multipart(pem: bytes) -> tuple[bytes, str]:
    boundary = secrets.token_hex(16)
    head = f'--{boundary}\r\nContent-Disposition: form-data; name="fileName"; filename="certificate.pem"\r\n'
    head += "Content-Type: application/octet-stream\r\n\r\n"
    return head.encode() + pem + f"\r\n--{boundary}--\r\n".encode(), f"multipart/form-data; boundary={boundary}"


async def _run(options: argparse.Namespace) -> int:
    inventory = yaml.load(options.inventory.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)
    hosts = inventory["all"]["children"]["camsec_cameras"]["hosts"]
    fleet = Fleet(options.directory, options.concurrency)
    return sum(await asyncio.gather(*(fleet.camera(host) for host in hosts.values())))


def main() -> None:
    """Print how many cameras were changed."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--inventory", type=pathlib.Path, required=True)
    parser.add_argument("--directory", type=pathlib.Path, required=True)
    parser.add_argument("--concurrency", type=int, default=10)
    print(json.dumps({"changed": asyncio.run(_run(parser.parse_args()))}))


if __name__ == "__main__":
    main()
