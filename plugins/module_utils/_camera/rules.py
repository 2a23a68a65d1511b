# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the camera's manual forbids, each rule with its id and reason; checked before anything is sent.

Source: i-PRO network camera, operating instructions, 2.8.3 "How to configure HTTPS settings".
"""

from __future__ import annotations

import ipaddress
import re

from .._core._errors import RuleError
from .._core._plan import Impact
from .state import CameraState, HttpsState, SubjectName

__all__ = [
    "FORBIDDEN_HTTPS_PORTS",
    "HTTPS_IMPACT",
    "check_ca_certificate_deletable",
    "check_certificate_installable",
    "check_http_port",
    "check_https_port",
    "check_https_ready",
    "check_key_changeable",
    "check_key_exists",
    "check_self_signed_deletable",
    "check_self_signed_makeable",
    "check_subject",
    "check_tls_supported",
]

#: HTTPS-31.
FORBIDDEN_HTTPS_PORTS = frozenset(
    (20, 21, 23, 25, 42, 53, 67, 68, 69, 80, 110, 123, 161, 162, 554, 995, 10669, 10670, *range(59000, 61001))
)
#: HTTPS-33.
HTTPS_IMPACT = Impact(
    rule="HTTPS-33",
    text="With HTTPS the refresh interval, the frame rate and the number of concurrent users can be lower.",
)
_FIELD_LIMITS = {
    "common_name": 64,
    "country": 2,
    "state": 128,
    "locality": 128,
    "organization": 64,
    "organizational_unit": 64,
}
_FIELD_CHARACTERS = re.compile(r"[0-9A-Za-z\-._,+/()]*")

if not all(1 <= port <= 65535 for port in FORBIDDEN_HTTPS_PORTS):
    raise ValueError("a forbidden port is not a port")


def check_https_port(device: str, port: int, http_port: int) -> None:
    """HTTPS-31: 1 to 65535, and not one that the camera uses itself.

    Raises:
        RuleError: The port cannot be used.
    """
    expected = "a port from 1 to 65535 that the camera does not use itself"
    if not 1 <= port <= 65535:
        raise RuleError(rule="HTTPS-31", device=device, subject="HTTPS port", found=port, expected=expected)
    if port in FORBIDDEN_HTTPS_PORTS:
        raise RuleError(
            rule="HTTPS-31",
            device=device,
            subject="HTTPS port",
            found=f"{port}, which the manual forbids",
            expected="a port from 1 to 65535 without 20, 21, 23, 25, 42, 53, 67-69, 80, 110, 123, 161, 162, 554, 995,"
            " 10669, 10670 and 59000-61000",
        )
    if port == http_port:
        found = f"{port}, the camera's own HTTP port"
        raise RuleError(rule="HTTPS-31", device=device, subject="HTTPS port", found=found, expected=expected)


def check_http_port(device: str, wanted: HttpsState, found: int, given: int) -> None:
    """HTTPS-30: the camera is met at its own HTTP port afterwards; looked for elsewhere it would be lost.

    Raises:
        RuleError: It answers HTTP on another port than the one given.
    """
    if wanted.connection == "http" and found != given:
        raise RuleError(
            rule="HTTPS-30",
            device=device,
            subject="http_port",
            found=given,
            expected=f"{found}, the port on which this camera answers HTTP",
        )


def check_subject(device: str, subject: SubjectName) -> None:
    """HTTPS-10, HTTPS-20: lengths and characters of the subject's fields.

    Raises:
        RuleError: A field cannot be entered.
    """
    for name, limit in _FIELD_LIMITS.items():
        value = getattr(subject, name)
        lengths = {"common_name": range(1, limit + 1), "country": (0, limit)}.get(name, range(limit + 1))
        allowed = _FIELD_CHARACTERS.fullmatch(value) or (name == "common_name" and _is_bracketed_ipv6(value))
        if len(value) not in lengths or not allowed:
            raise RuleError(
                rule="HTTPS-10",
                device=device,
                subject=f"certificate subject, {name}",
                found=repr(value[:140]),
                expected=f"{lengths[0]} {'or' if len(lengths) == 2 else 'to'} {limit} characters of"
                " 0-9 A-Z a-z - . _ , + / ( )" + ("; an IPv6 address in brackets" if name == "common_name" else ""),
            )


def _is_bracketed_ipv6(value: str) -> bool:
    try:
        return value[:1] == "[" and value[-1:] == "]" and ipaddress.ip_address(value[1:-1]).version == 6
    except ValueError:
        return False


def check_tls_supported(device: str, state: CameraState) -> None:
    """REC-21, wire dialect 1.2: some models have no HTTPS.

    Raises:
        RuleError: This is one of them.
    """
    if not state.tls_supported:
        raise RuleError(
            rule="REC-21",
            device=device,
            subject="HTTPS",
            found="a camera without TLS support",
            expected="a camera that supports HTTPS",
            advice="Set connection to http for it, or replace it.",
        )


def check_key_changeable(device: str, state: CameraState) -> None:
    """HTTPS-02, wire dialect 1.3: no new key while a certificate is in force.

    Raises:
        RuleError: A certificate is in force; the shortest legal way is named.
    """
    if state.ca_certificate in ("valid", "expired"):
        way = "delete the CA certificate, generate the key, make a CSR, install the new CA certificate"
        if state.https.connection == "https":
            way = f"set the connection to http, {way}, set the connection to https"
        raise RuleError(
            rule="HTTPS-02",
            device=device,
            subject="CRT key",
            found=f"a CA certificate that is {state.ca_certificate}",
            expected="no CA certificate while a key is generated or replaced",
            advice=f"Shortest legal order: {way}.",
        )
    if state.self_signed == "valid":
        way = "delete the self-signed certificate, generate the key"
        if state.https.connection == "https":
            way = f"set the connection to http, {way}"
        raise RuleError(
            rule="HTTPS-02",
            device=device,
            subject="CRT key",
            found="a self-signed certificate in force",
            expected="no certificate while a key is generated or replaced",
            advice=f"Shortest legal order: {way}.",
        )


def check_key_exists(device: str, state: CameraState, subject: str, rule: str) -> None:
    """HTTPS-01: a certificate or a CSR needs a key.

    Raises:
        RuleError: There is no key.
    """
    if state.key is None:
        raise RuleError(
            rule=rule,
            device=device,
            subject=subject,
            found="no CRT key",
            expected="a CRT key",
            advice=f"Shortest legal order: generate the CRT key, make the {subject}.",
        )


def check_self_signed_makeable(device: str, state: CameraState) -> None:
    """Wire dialect 1.3: a self-signed certificate is made while the camera answers in plain HTTP.

    Raises:
        RuleError: It answers in HTTPS.
    """
    if state.https.connection == "https":
        raise RuleError(
            rule="HTTPS-12",
            device=device,
            subject="self-signed certificate",
            found="connection https",
            expected="connection http while the self-signed certificate is made",
            advice="Shortest legal order: set the connection to http, make the certificate, set it to https.",
        )


def check_self_signed_deletable(device: str, state: CameraState) -> None:
    """HTTPS-12: not the certificate in use.

    Raises:
        RuleError: HTTPS runs with it.
    """
    if state.https.connection == "https" and state.ca_certificate != "valid":
        raise RuleError(
            rule="HTTPS-12",
            device=device,
            subject="self-signed certificate",
            found="connection https, for which this certificate is in use",
            expected="a certificate that is not in use",
            advice="Shortest legal order: set the connection to http, delete the certificate.",
        )


def check_ca_certificate_deletable(device: str, state: CameraState) -> None:
    """HTTPS-23: not while the connection is HTTPS.

    Raises:
        RuleError: It is.
    """
    if state.https.connection == "https":
        raise RuleError(
            rule="HTTPS-23",
            device=device,
            subject="CA certificate",
            found="connection https, for which this certificate is in use",
            expected="connection http while the CA certificate is deleted",
            advice="Shortest legal order: set the connection to http, delete the certificate.",
        )


def check_certificate_installable(device: str, state: CameraState) -> None:
    """HTTPS-21: a CSR comes first.

    Raises:
        RuleError: No CSR was made.
    """
    if not state.request_made_at:
        way = "make a CSR, have it signed, install the certificate"
        raise RuleError(
            rule="HTTPS-21",
            device=device,
            subject="CA certificate",
            found="no CSR made on this camera",
            expected="a certificate for a CSR that this camera made",
            advice=f"Shortest legal order: {'' if state.key else 'generate the CRT key, '}{way}.",
        )


def check_https_ready(device: str, state: CameraState) -> None:
    """Wire dialect 1.3: HTTPS needs a key and a certificate.

    Raises:
        RuleError: One is missing.
    """
    ready = state.key is not None and (state.ca_certificate == "valid" or state.self_signed == "valid")
    if not ready:
        made = "no CRT key" if state.key is None else f"no valid certificate (CA certificate {state.ca_certificate})"
        way = "make a CSR, have it signed, install the certificate, set the connection to https"
        raise RuleError(
            rule="HTTPS-30",
            device=device,
            subject="connection",
            found=made,
            expected="a CRT key and a valid certificate before the connection is set to https",
            advice=f"Shortest legal order: {'' if state.key else 'generate the CRT key, '}{way}.",
        )
