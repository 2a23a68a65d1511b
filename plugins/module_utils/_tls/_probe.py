# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A real handshake with an endpoint: what it shows, and whether it verifies. Sends no application data."""

from __future__ import annotations

import dataclasses as dc
import ipaddress
import re
import socket
import ssl
import typing as t

from .._core._errors import ConnectError, InputError
from ._certificate import CertificateFacts

__all__ = ["EndpointFacts", "iana_name", "probe"]

_BLOCK = re.compile(
    r"(?P<cipher>AES128|AES256|CAMELLIA128|CAMELLIA256|ARIA128|ARIA256|SEED|CHACHA20|DES-CBC3|NULL)"
    r"(?:-(?P<mode>GCM|CCM8|CCM|POLY1305))?(?:-(?P<mac>SHA256|SHA384|SHA|MD5))?"
)
_CIPHERS = {"CHACHA20": "CHACHA20_POLY1305", "DES-CBC3": "3DES_EDE_CBC", "SEED": "SEED_CBC", "NULL": "NULL"}
_KEY_EXCHANGES = {"": "RSA", "ADH": "DH_anon", "AECDH": "ECDH_anon", "ECDHE": "ECDHE_RSA"}


@dc.dataclass(frozen=True, kw_only=True)
class EndpointFacts:
    """What one handshake showed.

    Attributes:
        address: The address that answered.
        port: TCP port.
        protocol: ``TLSv1.3``, ``TLSv1.2`` and so on.
        suite: IANA name of the cipher suite.
        suite_openssl: OpenSSL's name of it.
        verified: The chain and the name hold against the given CA.
        verify_error: Why they do not; empty when verified.
        certificate: What the endpoint showed.
        chain: All that the endpoint sent, the certificate first; only the certificate on Python before 3.13.
    """

    address: str
    port: int
    protocol: str
    suite: str
    suite_openssl: str
    verified: bool
    verify_error: str
    certificate: CertificateFacts
    chain: tuple[CertificateFacts, ...] = ()

    def shown(self) -> dict[str, t.Any]:
        """The facts as a result shows them."""
        return {
            "address": self.address,
            "port": self.port,
            "protocol": self.protocol,
            "suite": self.suite,
            "verified": self.verified,
            "verify_error": self.verify_error,
        }


def probe(
    host: str,
    port: int,
    *,
    server_name: str | None = None,
    ca_path: str | None = None,
    timeout: float = 10.0,
) -> EndpointFacts:
    """Make a real TLS handshake and close it; nothing else is sent.

    When the verification fails, a second handshake without it tells the facts all the same.

    Args:
        host: Address or host name to connect to.
        port: TCP port.
        server_name: Name to verify and to send as SNI; without it, ``host``.
        ca_path: PEM file with the CA certificates to trust; without it, the system's.
        timeout: Seconds for connecting and for each step of the handshake.

    Returns:
        What the endpoint showed.

    Raises:
        ConnectError: No connection, or what answered does not speak TLS.
        InputError: The CA file cannot be used.
    """
    target = f"{host}:{port}"
    name = _server_name(server_name or host)
    try:
        return _handshake(host, port, name, _verifying(ca_path), timeout, verify_error="")
    except ssl.SSLCertVerificationError as error:
        reason = error.verify_message or "certificate verify failed"
    except UnicodeError as error:
        raise _connect_error(target, "a name that cannot be one") from error
    except (ssl.SSLError, OSError) as error:
        reason = _reason(error)
        if not isinstance(error, ssl.SSLError) or _is_plain(error):
            raise _connect_error(target, reason) from error
        reason = f"no handshake under this host's TLS policy ({reason})"
    try:
        return _handshake(host, port, name, _lenient(), timeout, verify_error=reason)
    except (ssl.SSLError, OSError) as error:
        raise _connect_error(target, _reason(error)) from error


def iana_name(openssl_name: str) -> str:
    """The IANA name of a cipher suite with certificates (TLS Cipher Suites registry); PSK and SRP are not served.

    Args:
        openssl_name: For example ``ECDHE-RSA-AES128-GCM-SHA256``.

    Returns:
        For example ``TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256``; the given name where no rule fits.
    """
    if openssl_name.startswith("TLS_"):
        return openssl_name
    match = _BLOCK.search(openssl_name)
    if match is None or match.end() != len(openssl_name):
        return openssl_name
    exchange = openssl_name[: match.start()].rstrip("-")
    exchange = _KEY_EXCHANGES.get(exchange, exchange.replace("-", "_"))
    cipher, mode, mac = match["cipher"], match["mode"], match["mac"]
    middle = _CIPHERS.get(cipher) or re.sub(r"(\d+)$", r"_\1", cipher)
    if cipher[:3] in ("AES", "CAM", "ARI"):
        middle += f"_{'CCM_8' if mode == 'CCM8' else mode or 'CBC'}"
    if cipher == "CHACHA20":
        mac = "SHA256"
    return f"TLS_{exchange}_WITH_{middle}" + (f"_{mac}" if mac else "")


def _server_name(name: str) -> str:
    name = name.strip("[]").partition("%")[0] if ":" in name else name
    try:
        return str(ipaddress.ip_address(name))
    except ValueError:
        return name


def _verifying(ca_path: str | None) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.hostname_checks_common_name = False
    if ca_path is None:
        context.load_default_certs(ssl.Purpose.SERVER_AUTH)
        return context
    try:
        context.load_verify_locations(cafile=ca_path)
    except (OSError, ssl.SSLError) as error:
        found = "no certificate in PEM" if isinstance(error, ssl.SSLError) else (error.strerror or "unreadable")
        raise InputError(
            device=ca_path, subject="CA certificates", found=found.lower(), expected="a readable PEM file"
        ) from error
    return context


def _lenient() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
    context.set_ciphers("DEFAULT:@SECLEVEL=0")  # facts only: nothing is ever sent over it
    return context


def _handshake(
    host: str, port: int, name: str, context: ssl.SSLContext, timeout: float, *, verify_error: str
) -> EndpointFacts:
    with socket.create_connection((host.strip("[]"), port), timeout=timeout) as plain:
        address = str(plain.getpeername()[0])
        with context.wrap_socket(plain, server_hostname=name) as connection:
            der = connection.getpeercert(binary_form=True) or b""
            chain = tuple(getattr(connection, "get_unverified_chain", lambda: ())())
            suite = (connection.cipher() or ("", "", 0))[0]
            certificate = CertificateFacts.from_der(der, device=f"{host}:{port}", subject="server certificate")
            return EndpointFacts(
                address=address,
                port=port,
                protocol=connection.version() or "",
                suite=iana_name(suite),
                suite_openssl=suite,
                verified=not verify_error,
                verify_error=verify_error,
                certificate=certificate,
                chain=tuple(CertificateFacts.from_der(one) for one in chain) or (certificate,),
            )


def _is_plain(error: ssl.SSLError) -> bool:
    return (error.reason or "") in ("WRONG_VERSION_NUMBER", "HTTP_REQUEST", "UNKNOWN_PROTOCOL", "RECORD_LAYER_FAILURE")


def _reason(error: ssl.SSLError | OSError) -> str:
    if isinstance(error, (ssl.SSLEOFError, ConnectionResetError)):
        return "the connection was closed during the handshake"
    if isinstance(error, ssl.SSLError) and error.reason:
        if _is_plain(error):
            return "an answer that is not TLS"
        return error.reason.lower().replace("_", " ")
    if isinstance(error, TimeoutError):
        return "no answer in time"
    if isinstance(error, socket.gaierror):
        return "a name that does not resolve"
    return (error.strerror or str(error) or type(error).__name__).lower()


def _connect_error(target: str, reason: str) -> ConnectError:
    return ConnectError(device=target, subject="TLS handshake", found=reason, expected="a TLS server that answers")
