# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""TLS of the endpoint: certificates, the policy, and a context of its own for each control connection.

A context has its own ticket keys and its own session cache. One for each control connection, used for its data
connections too, therefore means: what resumes a session resumes one of this very control connection.
"""

from __future__ import annotations

import contextlib
import dataclasses as dc
import datetime as dt
import os
import pathlib
import threading
import typing as t

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from OpenSSL import SSL

from ...plugins.module_utils._core._errors import InputError, PkiError, TrustError
from ...plugins.module_utils._tls._policies import Policy
from ...plugins.module_utils._tls._suites import SUITES, CipherSuite
from ._config import CertificateFiles, Configuration

__all__ = ["Certificates", "Identity", "TlsSource", "channel_facts", "is_resumed", "served_suites"]

_VERSIONS: t.Final = {"TLSv1.2": SSL.TLS1_2_VERSION, "TLSv1.3": SSL.TLS1_3_VERSION}
_SESSION_SECONDS: t.Final = 86400
# RFC 7919, appendix A: ffdhe2048 and ffdhe3072, as `openssl dhparam` writes them.
_GROUPS: t.Final = {
    2048: b"""\
-----BEGIN X9.42 DH PARAMETERS-----
MIICDAKCAQEA//////////+t+FRYortKmq/cViAnPTzx2LnFg84tNpWp4TZBFGQz
+8yTnc4kmz75fS/jY2MMddj2gbICrsRhetPfHtXV/WVhJDP1H18GbtCFY2VVPe0a
87VXE15/V8k1mE8McODmi3fipona8+/och3xWKE2rec1MKzKT0g6eXq8CrGCsyT7
YdEIqUuyyOP7uWrat2DX9GgdT0Kj3jlN9K5W7edjcrsZCwenyO4KbXCeAvzhzffi
7MA0BM0oNC9hkXL+nOmFg/+OTxIy7vKBg8P+OxtMb61zO7X8vC7CIAXFjvGDfRaD
ssbzSibBsu/6iGtCOGEoXJf//////////wIBAgKCAQB//////////9b8KixRXaVN
V+4rEBOennjsXOLB5xabStTwmyCKMhn95knO5xJNn3y+l/GxsYY67HtA2QFXYjC9
ae+Paur+srCSGfqPr4M3aEKxsqqe9o152quJrz+r5JrMJ4Y4cHNFu/FTRO159/Q5
DvisUJtW85qYVmUnpB08vV4FWMFZkn2w6IRUpdlkcf3ctW1bsGv6NA6noVHvHKb6
Vyt287G5XYyFg9PkdwU2uE8BfnDm+/F2YBoCZpQaF7DIuX9OdMLB/8cniRl3eUDB
4f8djaY31rmd2v5eF2EQAuLHeMG+i0HZY3mlE2DZd/1ENaEcMJQuS///////////
-----END X9.42 DH PARAMETERS-----
""",
    3072: b"""\
-----BEGIN X9.42 DH PARAMETERS-----
MIIDDAKCAYEA//////////+t+FRYortKmq/cViAnPTzx2LnFg84tNpWp4TZBFGQz
+8yTnc4kmz75fS/jY2MMddj2gbICrsRhetPfHtXV/WVhJDP1H18GbtCFY2VVPe0a
87VXE15/V8k1mE8McODmi3fipona8+/och3xWKE2rec1MKzKT0g6eXq8CrGCsyT7
YdEIqUuyyOP7uWrat2DX9GgdT0Kj3jlN9K5W7edjcrsZCwenyO4KbXCeAvzhzffi
7MA0BM0oNC9hkXL+nOmFg/+OTxIy7vKBg8P+OxtMb61zO7X8vC7CIAXFjvGDfRaD
ssbzSibBsu/6iGtCOGEfz9zeNVs7ZRkDW7w09N75nAI4YbRvydbmyQd62R0mkff3
7lmMsPrBhtkcrv4TCYUTknC0EwyTvEN5RPT9RFLi103TZPLiHnH1S/9croKrnJ32
nuhtK8UiNjoNq8Uhl5sN6todv5pC1cRITgq80Gv6U93vPBsg7j/VnXwl5B0rZsYu
N///////////AgECAoIBgH//////////1vwqLFFdpU1X7isQE56eeOxc4sHnFptK
1PCbIIoyGf3mSc7nEk2ffL6X8bGxhjrse0DZAVdiML1p749q6v6ysJIZ+o+vgzdo
QrGyqp72jXnaq4mvP6vkmswnhjhwc0W78VNE7Xn39DkO+KxQm1bzmphWZSekHTy9
XgVYwVmSfbDohFSl2WRx/dy1bVuwa/o0DqehUe8cpvpXK3bzsbldjIWD0+R3BTa4
TwF+cOb78XZgGgJmlBoXsMi5f050wsH/xyeJGXd5QMHh/x2NpjfWuZ3a/l4XYRAC
4sd4wb6LQdljeaUTYNl3/UQ1oRwwj+fubxqtnbKMga3eGnpvfM4BHDDaN+Trc2SD
vWyOk0j7+/csxlh9YMNsjld/CYTCick4WgmGSd4hvKJ6fqIpcWum6bJ5cQ84+qX/
rldBVc5O+090NpXikRsdBtXikMvNhvVtDt/NIWriJCcFXmg1/Snu954NkHcf6s6+
EvIOlbNjFxv//////////w==
-----END X9.42 DH PARAMETERS-----
""",
}


@dc.dataclass(frozen=True, kw_only=True)
class Identity:
    """One certificate with its key, read and checked.

    Attributes:
        kind: ``RSA`` or ``ECDSA``.
        key: The private key.
        chain: The server's certificate, then the others of its file.
        pem: The file's content.
    """

    kind: str
    key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey = dc.field(repr=False)
    chain: tuple[x509.Certificate, ...]
    pem: bytes = dc.field(repr=False)


def _read(path: pathlib.Path, subject: str) -> tuple[bytes, int]:
    try:
        with path.open("rb") as file:
            return file.read(), os.fstat(file.fileno()).st_mode
    except OSError as error:
        raise _input(path, subject, error.strerror or "an error", "a readable PEM file") from error


def _input(path: pathlib.Path, subject: str, found: str, expected: str) -> InputError:
    return InputError(device=str(path), subject=subject, found=found, expected=expected)


def _pki(path: pathlib.Path, subject: str, found: str, expected: str) -> PkiError:
    return PkiError(device=str(path), subject=subject, found=found, expected=expected)


def _read_key(path: pathlib.Path) -> tuple[str, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey]:
    content, mode = _read(path, "private key")
    if mode & 0o007:
        raise _input(path, "private key", f"mode {mode & 0o777:04o}, open to others", "mode 0600 (or 0640)")
    try:
        key = serialization.load_pem_private_key(content, None)
    except TypeError:
        raise _pki(
            path, "private key", "an encrypted one", "one without a passphrase, in a file of mode 0600"
        ) from None
    except ValueError:
        raise _pki(path, "private key", "no key in PEM form", "one RSA or ECDSA key in PEM form") from None
    if isinstance(key, rsa.RSAPrivateKey):
        return "RSA", key
    if isinstance(key, ec.EllipticCurvePrivateKey):
        return "ECDSA", key
    raise _pki(path, "private key", type(key).__name__, "an RSA or ECDSA key, since the suites know no other")


def _read_identity(files: CertificateFiles, now: dt.datetime) -> Identity:
    kind, key = _read_key(files.key_path)
    path = files.certificate_path
    pem, dummy = _read(path, "certificate")
    try:
        chain = tuple(x509.load_pem_x509_certificates(pem))
    except ValueError:
        raise _pki(
            path, "certificate", "no certificate in PEM form", "the server's certificate, then its chain"
        ) from None
    leaf = chain[0]
    if leaf.public_key() != key.public_key():
        raise _pki(
            path, "certificate", f"one that does not belong to the key {files.key_path}", "the key's certificate"
        )
    for one in chain:
        _check_period(path, one, now)
    return Identity(kind=kind, key=key, chain=chain, pem=pem)


def _check_period(path: pathlib.Path, certificate: x509.Certificate, now: dt.datetime) -> None:
    start, end = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    if not start <= now <= end:
        word = "expired" if now > end else "not valid yet"
        subject = f"certificate of {certificate.subject.rfc4514_string()}"
        raise TrustError(
            device=str(path),
            subject=subject,
            found=f"one that is {word} ({start:%Y-%m-%d} to {end:%Y-%m-%d})",
            expected="one that is valid today",
        )


def served_suites(policy: Policy, kinds: t.Collection[str]) -> tuple[CipherSuite, ...]:
    """The suites of a policy that certificates of these kinds can serve.

    Args:
        policy: The policy.
        kinds: ``RSA``, ``ECDSA`` or both.

    Returns:
        The suites in the policy's order.

    Raises:
        InputError: None is left, or a suite that was named one by one has no certificate.
    """
    served = tuple(suite for suite in policy.suites if suite.authentication in ("any", *kinds))
    missing = [suite for suite in policy.suites if suite not in served]
    wanted_12 = "TLSv1.2" in policy.protocols
    left_12 = any(suite.protocol == "TLSv1.2" for suite in served)
    if (policy.name == "custom" and missing) or (wanted_12 and not left_12):
        raise InputError(
            device=f"policy {policy.name}",
            subject="cipher suites",
            found=f"{', '.join(suite.iana_name for suite in missing)} with {' and '.join(kinds)} certificates only",
            expected=f"a certificate with {' or '.join(sorted({suite.authentication for suite in missing}))} key too",
        )
    return served


class Certificates:
    """The certificates in use; :meth:`reload` takes new ones, all or none.

    Args:
        configuration: Which files, policy and DH group.

    Raises:
        CamsecError: A key or certificate cannot be used.
    """

    def __init__(self, configuration: Configuration) -> None:
        self._configuration = configuration
        self._lock = threading.Lock()
        self._seen = self._signature()
        self.identities = self._read()

    def _signature(self) -> tuple[tuple[int, ...] | None, ...]:
        found: list[tuple[int, ...] | None] = []
        for files in self._configuration.certificates:
            for path in (files.certificate_path, files.key_path):
                try:
                    status = path.stat()
                    found.append((status.st_ino, status.st_size, status.st_mtime_ns))
                except OSError:
                    found.append(None)
        return tuple(found)

    def _read(self) -> tuple[Identity, ...]:
        now = dt.datetime.now(dt.UTC)
        identities = tuple(_read_identity(files, now) for files in self._configuration.certificates)
        if len({one.kind for one in identities}) != len(identities):
            raise InputError(
                device=str(self._configuration.certificates[1].certificate_path),
                subject="certificate",
                found=f"a second one with {identities[0].kind} key",
                expected="one with RSA and one with ECDSA key",
            )
        served_suites(self._configuration.policy, [one.kind for one in identities])
        return identities

    def changed(self) -> bool:
        """Whether a file is another one than at the last reading.

        Returns:
            True when :meth:`reload` may find something.
        """
        return self._signature() != self._seen

    def reload(self) -> bool:
        """Read the files again.

        Returns:
            Whether they hold other certificates now.

        Raises:
            CamsecError: They cannot be used; those in use stay.
        """
        self._seen = self._signature()
        identities = self._read()
        with self._lock:
            before, self.identities = self.identities, identities
        return [one.pem for one in before] != [one.pem for one in identities]

    @property
    def kinds(self) -> tuple[str, ...]:
        """``RSA``, ``ECDSA`` or both."""
        return tuple(one.kind for one in self.identities)

    @property
    def leaves(self) -> tuple[x509.Certificate, ...]:
        """The server's own certificates."""
        return tuple(one.chain[0] for one in self.identities)


class TlsSource:
    """Makes TLS contexts.

    Args:
        configuration: Policy and DH group.
        certificates: The certificates in use.

    Raises:
        CamsecError: The policy cannot be served.
    """

    def __init__(self, configuration: Configuration, certificates: Certificates) -> None:
        self._policy = configuration.policy
        self._certificates = certificates
        self._dh = _memory_file(_GROUPS[configuration.dh_bits])
        self._identities: tuple[Identity, ...] = ()
        self._chains: list[int] = []
        self._lock = threading.Lock()
        self.context()

    def context(self) -> SSL.Context:
        """A fresh context for one control connection and its data connections.

        Returns:
            A context with the certificates in use now.

        Raises:
            InputError: OpenSSL does not take the policy.
        """
        policy = self._policy
        context = SSL.Context(SSL.TLS_SERVER_METHOD)
        context.set_min_proto_version(_VERSIONS[policy.protocols[0]])
        context.set_max_proto_version(_VERSIONS[policy.protocols[-1]])
        context.set_options(
            SSL.OP_NO_RENEGOTIATION
            | SSL.OP_CIPHER_SERVER_PREFERENCE
            | SSL.OP_NO_COMPRESSION
            | SSL.OP_SINGLE_DH_USE
            | SSL.OP_SINGLE_ECDH_USE
        )
        context.set_session_cache_mode(SSL.SESS_CACHE_SERVER)
        context.set_session_id(os.urandom(16))
        context.set_timeout(_SESSION_SECONDS)
        try:
            if policy.openssl_ciphers:
                context.set_cipher_list(policy.openssl_ciphers.encode())
            if policy.openssl_ciphersuites:
                context.set_tls13_ciphersuites(policy.openssl_ciphersuites.encode())
            context.load_tmp_dh(self._path(self._dh))
            self._use_certificates(context)
        except SSL.Error as error:
            raise InputError(
                device=f"policy {policy.name}",
                subject="TLS context",
                found=f"OpenSSL's refusal ({_words(error)})",
                expected="suites and certificates that OpenSSL takes",
            ) from error
        return context

    def _use_certificates(self, context: SSL.Context) -> None:
        with self._lock:
            identities = self._certificates.identities
            if identities is not self._identities:
                new = [_memory_file(one.pem) for one in identities]
                for descriptor in self._chains:
                    os.close(descriptor)
                self._identities, self._chains = identities, new
            for one, descriptor in zip(self._identities, self._chains, strict=True):
                # The only way that keeps a chain with each of two certificates; the file is in memory, so a rotation
                # that is half done on disk is never seen here.
                context.use_certificate_chain_file(self._path(descriptor))
                context.use_privatekey(one.key)

    @staticmethod
    def _path(descriptor: int) -> str:
        return f"/proc/self/fd/{descriptor}"

    def close(self) -> None:
        """Give the files in memory back."""
        for descriptor in (*self._chains, self._dh):
            with contextlib.suppress(OSError):
                os.close(descriptor)


def _memory_file(content: bytes) -> int:
    descriptor = os.memfd_create("camsec-endpoint")
    os.write(descriptor, content)
    return descriptor


def _words(error: SSL.Error) -> str:
    reasons = error.args[0] if error.args and isinstance(error.args[0], list) else []
    return ", ".join(str(one[-1]) for one in reasons) or type(error).__name__


def is_resumed(connection: SSL.Connection) -> bool:
    """Whether a handshake resumed a session. pyOpenSSL has no public way to ask.

    Args:
        connection: After its handshake.

    Returns:
        True when it did.
    """
    library = t.cast("t.Any", SSL)._lib
    return bool(library.SSL_session_reused(t.cast("t.Any", connection)._ssl))


def channel_facts(connection: SSL.Connection) -> dict[str, t.Any]:
    """What the audit log tells of a TLS channel.

    Args:
        connection: After its handshake.

    Returns:
        ``protocol``, ``suite`` and ``resumed``.
    """
    name = connection.get_cipher_name()
    suite = next((one.iana_name for one in SUITES if name in (one.openssl_name, one.iana_name)), name)
    return {
        "protocol": connection.get_protocol_version_name(),
        "suite": suite,
        "resumed": is_resumed(connection),
    }
