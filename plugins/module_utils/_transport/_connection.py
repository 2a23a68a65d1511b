# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Connections to one device: what is trusted, and what the handshake showed.

``requests`` builds a TLS context and loads its whole CA bundle for every session. Here the context is made once for a
CA file and handed to the one connection pool that a device needs; the certificate is checked before a byte is sent.
"""

from __future__ import annotations

import contextlib
import dataclasses as dc
import functools
import hashlib
import io
import socket
import ssl
import threading
import typing as t

from .._core._errors import InputError
from .._thirdparty import HTTPAdapter, HTTPSConnection, requests, serialization, urllib3, x509

__all__ = [
    "AnswerTooBig",
    "AnswerTooSlow",
    "DeviceAdapter",
    "Endpoint",
    "Peer",
    "PinMismatch",
    "Trust",
    "spki_sha256",
]

#: No answer of these devices comes near this; a longer one is a fault or an attack.
MAX_ANSWER_BYTES = 1 << 20


@dc.dataclass(frozen=True, kw_only=True)
class Endpoint:
    """Where a device answers.

    Attributes:
        scheme: ``http`` or ``https``.
        host: Address or host name.
        port: TCP port.
    """

    scheme: str
    host: str
    port: int

    @property
    def quoted_host(self) -> str:
        """The host as a URL has it: an IPv6 address in brackets, its zone as in RFC 6874."""
        return f"[{self.host.replace('%', '%25')}]" if ":" in self.host else self.host

    @property
    def url(self) -> str:
        """The endpoint as a URL."""
        return f"{self.scheme}://{self.quoted_host}:{self.port}"


@dc.dataclass(frozen=True, kw_only=True)
class Trust:
    """Whose certificate is accepted.

    Attributes:
        ca_path: PEM file with the certificates to trust; verification includes the host name.
        spki_sha256: Pins, lower-case hex of the SHA-256 of the public key; when given, used instead of ``ca_path``.
        any_certificate: Accept whatever is shown. Only by the operator's explicit word.
    """

    ca_path: str | None = None
    spki_sha256: tuple[str, ...] = ()
    any_certificate: bool = False

    @property
    def kind(self) -> str:
        """How an HTTPS connection was trusted, for the record."""
        if self.spki_sha256:
            return "pin"
        return "any_certificate" if self.any_certificate else "certificate_authority"

    @property
    def usable(self) -> bool:
        """Whether there is anything to trust by."""
        return bool(self.ca_path or self.spki_sha256 or self.any_certificate)


@dc.dataclass(frozen=True, kw_only=True)
class Peer:
    """What the TLS handshake showed.

    Attributes:
        protocol: For example ``TLSv1.3``.
        suite: The cipher suite's name.
        certificate: The server's certificate, DER.
    """

    protocol: str
    suite: str
    certificate: bytes


class PinMismatch(ssl.SSLError):
    """The server's public key is not the pinned one."""


class AnswerTooBig(Exception):
    """An answer of more than 1 MiB."""


class AnswerTooSlow(Exception):
    """An answer that did not come to an end in time."""


def spki_sha256(certificate: bytes) -> str:
    """The pin of a certificate (RFC 7469, section 2.4, in hex).

    Args:
        certificate: DER.

    Returns:
        Lower-case hex of the SHA-256 of the SubjectPublicKeyInfo.
    """
    key = x509.load_der_x509_certificate(certificate).public_key()
    spki = key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    return hashlib.sha256(spki).hexdigest()


@functools.lru_cache(maxsize=64)
def _verifying_context(ca_path: str) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_verify_locations(cafile=ca_path)
    except (OSError, ssl.SSLError) as error:
        raise InputError(
            device=ca_path,
            subject="trusted certificates",
            found="no certificate in PEM form" if isinstance(error, ssl.SSLError) else error.strerror,
            expected="a readable PEM file with at least one CA certificate",
        ) from error
    return context


@functools.lru_cache(maxsize=1)
def _unverifying_context() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


class _Connection(HTTPSConnection):
    """An HTTPS connection that checks pins and reports the handshake before anything is sent."""

    def __init__(self, *args: t.Any, pins: tuple[str, ...], report: t.Callable[[Peer], None], **kwargs: t.Any) -> None:
        super().__init__(*args, **kwargs)
        self._pins = pins
        self._report = report

    def connect(self) -> None:
        super().connect()
        sock = t.cast("ssl.SSLSocket", self.sock)
        certificate = sock.getpeercert(binary_form=True) or b""
        if self._pins and spki_sha256(certificate) not in self._pins:
            self.close()
            raise PinMismatch(f"public key {spki_sha256(certificate)} is not pinned")
        suite = sock.cipher()
        self._report(Peer(protocol=sock.version() or "", suite=suite[0] if suite else "", certificate=certificate))
        # urllib3 warns of every request on a connection it did not verify; the pin was the operator's way to verify it.
        self.is_verified = True


class DeviceAdapter(HTTPAdapter):
    """A ``requests`` adapter with the one connection pool of one device; every answer is bounded in size and time.

    Args:
        endpoint: Where the device answers.
        trust: Whose certificate is accepted.
        seconds: The longest that one request may take once it is connected.
    """

    def __init__(self, endpoint: Endpoint, trust: Trust, *, seconds: float) -> None:
        super().__init__()
        self.peer: Peer | None = None
        self._seconds = seconds
        self._socket: socket.socket | None = None
        self._pool = self._make_pool(endpoint, trust)

    def _make_pool(self, endpoint: Endpoint, trust: Trust) -> t.Any:
        pool: t.Any
        host = endpoint.quoted_host
        if endpoint.scheme == "http":
            pool = urllib3.HTTPConnectionPool(host, endpoint.port, maxsize=1, retries=False)
            pool.ConnectionCls = functools.partial(self._connect_by, pool.ConnectionCls)
            return pool
        verify = trust.ca_path is not None and not trust.spki_sha256
        context = _verifying_context(trust.ca_path) if verify and trust.ca_path else _unverifying_context()
        pool = urllib3.HTTPSConnectionPool(host, endpoint.port, maxsize=1, retries=False, ssl_context=context)
        pool.ConnectionCls = functools.partial(
            self._connect_by, _Connection, pins=trust.spki_sha256, report=self._remember
        )
        if not verify:
            pool.cert_reqs = "CERT_NONE"
            pool.assert_hostname = False
        return pool

    def _connect_by(self, kind: t.Callable[..., t.Any], *args: t.Any, **kwargs: t.Any) -> t.Any:
        connection = kind(*args, **kwargs)
        connect = connection.connect

        def remember() -> None:
            connect()
            # http.client lets go of the socket of an answer that lasts until it closes.
            self._socket = connection.sock

        connection.connect = remember
        return connection

    def _remember(self, peer: Peer) -> None:
        self.peer = peer

    def send(self, request: t.Any, *args: t.Any, **kwargs: t.Any) -> t.Any:
        """One request and its whole answer; part of ``requests``' interface.

        ``requests`` reads the answers that its Digest authentication handles without any bound, and a timeout of a
        socket starts again with each byte: so the answer is read here, against the clock.

        Args:
            request: The prepared request.
            args: Of ``requests``.
            kwargs: Of ``requests``.

        Returns:
            The response, its body in memory.

        Raises:
            AnswerTooBig: It is longer than 1 MiB.
            AnswerTooSlow: It took too long, however busily it dripped.
        """
        late = threading.Event()
        timer = threading.Timer(self._seconds, self._cut, (late,))
        timer.daemon = True
        timer.start()
        try:
            response = super().send(request, *args, **kwargs)
            response.raw = io.BytesIO(self._body(response))
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError) as error:
            if late.is_set():
                raise AnswerTooSlow from error
            raise
        finally:
            timer.cancel()
        if late.is_set():
            raise AnswerTooSlow
        return response

    def _cut(self, late: threading.Event) -> None:
        late.set()
        if self._socket is not None:
            with contextlib.suppress(OSError):
                # Not SSLSocket's own method: it takes the TLS object away from the thread that reads.
                socket.socket.shutdown(self._socket, socket.SHUT_RDWR)

    @staticmethod
    def _body(response: t.Any) -> bytes:
        body = bytearray()
        for chunk in response.raw.stream(65536, decode_content=False):
            body += chunk
            if len(body) > MAX_ANSWER_BYTES:
                response.close()
                raise AnswerTooBig
        return bytes(body)

    def get_connection_with_tls_context(self, *args: t.Any, **kwargs: t.Any) -> t.Any:
        """The device's pool, whatever the request's URL says; part of ``requests``' interface."""
        return self._pool

    def cert_verify(self, *args: t.Any, **kwargs: t.Any) -> None:
        """Nothing: the pool's TLS context decides; part of ``requests``' interface."""

    def close(self) -> None:
        """Close the connections."""
        self._pool.close()
        super().close()
