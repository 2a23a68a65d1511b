# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The TLS context of a server, made once and shared by its sessions; and what its failures mean."""

from __future__ import annotations

import datetime as dt
import functools
import pathlib
import re
import ssl
import typing as t
import weakref

from .._core._errors import CamsecError, ConnectError, InputError, TrustError
from .._tls._policies import Policy
from ._der import spki_sha256, validity
from ._facts import ChannelFacts, Server

__all__ = [
    "channel_facts",
    "check_pin",
    "context_of",
    "forget_contexts",
    "narrow",
    "note_single_use",
    "takes_tickets_once",
    "tls_error",
]

# FTP-11: at most 1 MB for each certificate; a file with several of them is still small.
_LARGEST_PEM: t.Final = 1_000_000
_PRIVATE_KEY = re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----")
_VERSIONS: t.Final = {"TLSv1.2": ssl.TLSVersion.TLSv1_2, "TLSv1.3": ssl.TLSVersion.TLSv1_3}

# OpenSSL's numbers of a failed verification (x509_vfy.h), as sentences.
_VERIFY: t.Final[t.Mapping[int, tuple[str, str]]] = {
    9: ("one that is not valid yet", "one that is valid now"),
    10: ("one that has expired", "one that is valid now"),
    18: ("a self-signed one that is not in the CA file", "one that an authority of the CA file issued"),
    19: ("a chain to an authority that is not in the CA file", "one that an authority of the CA file issued"),
    20: ("one of an issuer that is not in the CA file", "one that an authority of the CA file issued"),
    21: ("one of an issuer that is not in the CA file", "one that an authority of the CA file issued"),
    23: ("one that has been revoked", "one that is not on the revocation list"),
    3: ("one without a revocation list of its issuer", "a revocation list of its issuer in crl_path"),
    12: ("a revocation list that has expired", "a current revocation list in crl_path"),
}


def context_of(server: Server) -> ssl.SSLContext:
    """The TLS context for a server: certificates verified, the policy's suites and versions, nothing else.

    Args:
        server: The server.

    Returns:
        A context; the same one for the same demands, as sessions resume only within one context.

    Raises:
        InputError: The CA file or the revocation list cannot be used.
    """
    authorities = _read_authorities(server.ca_path) if server.ca_path else ""
    revoked = _read(server.crl_path, "revocation list") if server.crl_path else ""
    return _context(
        device=server.device,
        policy=server.policy,
        authorities=authorities,
        revoked=revoked,
        ca_path=server.ca_path or "",
        crl_path=server.crl_path or "",
    )


def narrow(context: ssl.SSLContext, group: str) -> None:
    """Offer one group alone from now on: the one that the server asked for.

    Args:
        context: The server's context.
        group: OpenSSL's name of the group.
    """
    context.set_ecdh_curve(group)


# Of these servers each TLS 1.3 ticket is good once.
_SINGLE_USE: t.Final[weakref.WeakSet[ssl.SSLContext]] = weakref.WeakSet()


def takes_tickets_once(context: ssl.SSLContext) -> bool:
    """Whether the server has turned out to take each ticket only once.

    Args:
        context: The server's context.

    Returns:
        True once :func:`note_single_use` was called.
    """
    return context in _SINGLE_USE


def note_single_use(context: ssl.SSLContext) -> None:
    """Remember that the server takes each ticket only once.

    Args:
        context: The server's context.
    """
    _SINGLE_USE.add(context)


def forget_contexts() -> None:
    """Begin anew, with all groups: the next sessions get new contexts."""
    _context.cache_clear()


# The server's address is among the arguments, since what it asked for is remembered in its context.
@functools.lru_cache(maxsize=32)
def _context(
    *,
    device: str,  # noqa: ARG001
    policy: Policy,
    authorities: str,
    revoked: str,
    ca_path: str,
    crl_path: str,
) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = _VERSIONS[policy.protocols[0]]
    context.maximum_version = _VERSIONS[policy.protocols[-1]]
    context.options |= ssl.OP_NO_COMPRESSION | ssl.OP_NO_RENEGOTIATION
    if policy.openssl_ciphers:
        # Those of TLS 1.3 cannot be chosen before Python 3.15; they are checked after the handshake.
        context.set_ciphers(policy.openssl_ciphers)
    if not authorities:
        # Pins only: the key decides, see check_pin.
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        return context
    try:
        context.load_verify_locations(cadata=authorities)
    except (ssl.SSLError, ValueError) as error:
        raise _unusable(ca_path, "CA file", "no certificate in PEM") from error
    if revoked:
        try:
            context.load_verify_locations(cafile=crl_path)
        except (ssl.SSLError, OSError) as error:
            raise _unusable(crl_path, "revocation list", "no revocation list in PEM") from error
        context.verify_flags |= ssl.VerifyFlags.VERIFY_CRL_CHECK_LEAF
    return context


def _read_authorities(path: str) -> str:
    text = _read(path, "CA file")
    if _PRIVATE_KEY.search(text):
        raise _unusable(path, "CA file", "a private key", advice="Take the key out: it must never lie on a card.")
    if "-----BEGIN CERTIFICATE-----" not in text:
        raise _unusable(path, "CA file", "no certificate in PEM" if text.strip() else "an empty file")
    return text


def _read(path: str, subject: str) -> str:
    try:
        with pathlib.Path(path).open("rb") as stream:
            data = stream.read(_LARGEST_PEM + 1)
    except (OSError, ValueError) as error:
        reason = (error.strerror if isinstance(error, OSError) else None) or str(error)
        raise _unusable(path, subject, reason) from error
    if len(data) > _LARGEST_PEM:
        raise _unusable(path, subject, f"more than {_LARGEST_PEM:,} bytes")
    return data.decode("ascii", "replace")


def _unusable(path: str, subject: str, found: str, *, advice: str = "") -> InputError:
    return InputError(
        device=path,
        subject=subject,
        found=found,
        expected=f"PEM of at most {_LARGEST_PEM:,} bytes without any private key",
        advice=advice,
    )


def check_pin(server: Server, certificate: bytes | None) -> str:
    """Compare the server's key with the pins, before any login.

    Args:
        server: The server.
        certificate: What it presented, DER.

    Returns:
        SHA-256 of its public key.

    Raises:
        TrustError: No certificate, none of the pinned keys, or, where only pins decide, not valid now.
    """
    try:
        found = spki_sha256(certificate or b"")
        first, last = validity(certificate or b"")
    except ValueError as error:
        raise _untrusted(server, "server certificate", "none that can be read", "a certificate") from error
    if server.spki_sha256 and found not in server.spki_sha256:
        raise _untrusted(server, "public key of the server", found, " or ".join(server.spki_sha256))
    if not server.ca_path and not first <= dt.datetime.now(dt.UTC) <= last:
        raise _untrusted(
            server, "server certificate", f"one valid from {first:%Y-%m-%d} to {last:%Y-%m-%d}", "one that is valid now"
        )
    return found


def channel_facts(server: Server, connection: ssl.SSLObject, *, channel: str, spki: str) -> ChannelFacts:
    """What a handshake gave; refuses what the policy does not allow.

    Args:
        server: The server.
        connection: After its handshake.
        channel: ``control`` or ``data``.
        spki: SHA-256 of the server's public key.

    Returns:
        The facts.

    Raises:
        TrustError: Suite or version outside the policy.
    """
    cipher = connection.cipher()
    protocol = connection.version() or "no TLS"
    suite = server.policy.check(cipher[0] if cipher else "none", protocol, device=server.device, channel=channel)
    return ChannelFacts(
        protocol=protocol, suite=suite.iana_name, resumed=bool(connection.session_reused), spki_sha256=spki
    )


def tls_error(server: Server, error: OSError, *, channel: str) -> CamsecError:
    """What a failed handshake or a broken TLS connection means.

    Args:
        server: The server.
        error: As :mod:`ssl` or :mod:`socket` raised it.
        channel: ``control`` or ``data``.

    Returns:
        A :class:`TrustError` for certificate and suites, a :class:`ConnectError` for a broken line.
    """
    if isinstance(error, ssl.SSLCertVerificationError):
        return _verification_error(server, error)
    reason = getattr(error, "reason", None) or ""
    if reason in _NO_COMMON:
        return _untrusted(
            server,
            f"TLS handshake of the {channel} connection",
            f"no agreement ({reason.lower().replace('_', ' ')})",
            f"one of the suites of the policy {server.policy.name} in {' or '.join(server.policy.protocols)}",
        )
    if isinstance(error, ssl.SSLError) and not isinstance(error, ssl.SSLEOFError | ssl.SSLZeroReturnError):
        found = f"a TLS error ({(reason or str(error)).lower().replace('_', ' ')})"
    else:
        found = f"a broken connection ({error.strerror or error})"
    return ConnectError(
        device=server.device, subject=f"{channel} connection", found=found, expected="TLS until the end"
    )


_NO_COMMON: t.Final = frozenset(
    {
        "SSLV3_ALERT_HANDSHAKE_FAILURE",
        "TLSV1_ALERT_PROTOCOL_VERSION",
        "TLSV1_ALERT_INSUFFICIENT_SECURITY",
        "UNSUPPORTED_PROTOCOL",
        "WRONG_CIPHER_RETURNED",
        "UNKNOWN_CIPHER_RETURNED",
        "WRONG_SSL_VERSION",
        "NO_CIPHERS_AVAILABLE",
    }
)


def _verification_error(server: Server, error: ssl.SSLCertVerificationError) -> TrustError:
    message = error.verify_message.rstrip(".")
    if "match" in message or error.verify_code in (62, 64):
        return _untrusted(
            server, "server certificate", f"one for another name ({message})", f"one for {server.certificate_name}"
        )
    found, expected = _VERIFY.get(
        error.verify_code, (f"one that does not verify ({message})", "one that an authority of the CA file issued")
    )
    return _untrusted(server, "server certificate", found, expected)


def _untrusted(server: Server, subject: str, found: str, expected: str) -> TrustError:
    return TrustError(device=server.device, subject=subject, found=found, expected=expected)
