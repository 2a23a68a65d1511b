# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the camera's manual demands of certificates, each rule with its id and reason; checked before anything is sent.

Source: "Camera certificates, three solutions" of the maker (CAM-01 to CAM-26).
"""

from __future__ import annotations

import re
import typing as t

from .._core._errors import PkiError, RuleError
from .._core._plan import Impact
from .._core._secret import Secret
from .._pki._keys import decrypt_key, describe_key
from .._tls._certificate import CertificateFacts, iso
from .state import RequestSubject, SunellState, Way

__all__ = [
    "NEW_REQUEST_IMPACT",
    "RESET_IMPACT",
    "RESTART_IMPACT",
    "UPLOAD_IMPACT",
    "check_built_in_clock",
    "check_built_in_current",
    "check_built_in_trusted",
    "check_clock",
    "check_key_confidential",
    "check_names",
    "check_not_lost",
    "check_pair",
    "check_request_subject",
    "check_shareable",
    "check_signed",
    "check_way",
]

RESTART_IMPACT = Impact(
    rule="CAM-03", text="The built-in certificate is of the old address until the camera is restarted."
)
UPLOAD_IMPACT = Impact(
    rule="CAM-04", text="Clients that trust only the built-in CA no longer trust the camera; they need the other root."
)
NEW_REQUEST_IMPACT = Impact(
    rule="CAM-23", text="The new key replaces the last one; what was signed for that is useless after a restart."
)
RESET_IMPACT = Impact(
    rule="CAM-24",
    text="Keys and certificates are deleted; the camera comes back with a certificate of its built-in CA.",
)
#: Who is to blame when the names in a certificate do not fit.
_NAME_RULES: t.Mapping[Way, str] = {"built_in": "CAM-03", "uploaded": "CAM-15", "signed": "CAM-22"}
_FIELD_LIMITS: t.Mapping[str, tuple[int, str]] = {
    "common_name": (64, r"[0-9A-Za-z.\-:*]+"),
    "country": (2, r"(?:[A-Za-z]{2})?"),
    "state": (128, r"[ -~]*"),
    "locality": (128, r"[ -~]*"),
    "organization": (64, r"[ -~]*"),
    "organizational_unit": (64, r"[ -~]*"),
}


# -- way 1


def check_built_in_trusted(device: str, *, allowed: bool) -> None:
    """CAM-02: the built-in CA is given to clients only by the operator's explicit word.

    Its private key is in the firmware of every camera of this version: whoever has one of them can issue a certificate
    for any host, and each client that trusts this CA believes it.

    Raises:
        RuleError: Nobody said so.
    """
    if not allowed:
        raise RuleError(
            rule="CAM-02",
            device=device,
            subject="built-in CA",
            found="no explicit word that clients are to trust it",
            expected="a CA whose private key is not in every camera of this firmware",
            advice="Better is a root of your own that can issue for your cameras' names and addresses only (module"
            " certificate_authority, option permitted_names): have it sign the camera's request with the module camera."
            " If clients are to trust the built-in CA all the same, say accept_shared_private_key: true.",
        )


def check_built_in_current(device: str, state: SunellState) -> None:
    """CAM-03: after a change of the address the built-in certificate fits only when the camera was restarted.

    Raises:
        RuleError: It is of another address.
    """
    certificate = state.certificate
    if state.https.way == "built_in" and certificate and not certificate.covers(state.network.address):
        raise RuleError(
            rule="CAM-03",
            device=device,
            subject="built-in certificate",
            found=_names(certificate),
            expected=f"the camera's address {state.network.address}",
            advice="Restart the camera: it makes the certificate at each boot.",
        )


def check_built_in_clock(device: str, state: SunellState, root: CertificateFacts) -> None:
    """CAM-05: a restart makes a certificate by the camera's clock, which lies inside the built-in CA's validity.

    Raises:
        RuleError: It does not, or it is not known.
    """
    _check_inside(device, state, root, rule="CAM-05", subject="clock, for the built-in CA")


# -- way 2


def check_pair(device: str, certificate: CertificateFacts, key_pem: Secret) -> None:
    """CAM-10 to CAM-13: an unencrypted RSA key, and the certificate for it.

    Raises:
        RuleError: It is another key, or none that the camera takes; the key itself is never shown.
    """
    try:
        key = decrypt_key(key_pem.reveal().encode(), None, device=device, subject="server private key")
    except PkiError as error:
        raise RuleError(
            rule="CAM-13", device=device, subject=error.subject, found=error.found, expected=error.expected
        ) from None
    facts = describe_key(key.public_key())
    if facts["key_type"] != "rsa":
        raise RuleError(
            rule="CAM-13",
            device=device,
            subject="server private key",
            found=f"a key of type {facts['key_type']}",
            expected="an RSA key",
        )
    if facts["spki_sha256"] != certificate.spki_sha256:
        raise RuleError(
            rule="CAM-13",
            device=device,
            subject="server certificate and private key",
            found=f"a key of {facts['spki_sha256'][:16]} and a certificate for {certificate.spki_sha256[:16]}",
            expected="a certificate for this very key",
        )


def check_key_confidential(device: str, state: SunellState, *, allowed: bool) -> None:
    """CAM-13: a private key goes to the camera over HTTPS; in plain HTTP anybody on the way has it too.

    Raises:
        RuleError: The camera is reached over plain HTTP, and nobody said that this may be.
    """
    if state.scheme != "https" and not allowed:
        raise RuleError(
            rule="CAM-13",
            device=device,
            subject="server private key",
            found="a connection in plain HTTP",
            expected="HTTPS, or an explicit word that the key may be sent in the clear",
            advice="With a certificate request the key never leaves the camera.",
        )


def check_names(device: str, certificate: CertificateFacts, hosts: t.Sequence[str], *, way: Way) -> None:
    """CAM-15, CAM-22: the camera's addresses and names are in the subjectAltName; the common name does not count.

    Raises:
        RuleError: One is missing.
    """
    for host in hosts:
        if not certificate.covers(host):
            raise RuleError(
                rule=_NAME_RULES[way],
                device=device,
                subject="subjectAltName of the certificate",
                found=_names(certificate),
                expected=f"the camera's {host}",
            )


def check_clock(device: str, state: SunellState, certificate: CertificateFacts) -> None:
    """CAM-15: the camera's clock lies inside the certificate's validity.

    Raises:
        RuleError: It does not, or it is not known.
    """
    _check_inside(device, state, certificate, rule="CAM-15", subject="clock, for the certificate")


def check_shareable(device: str, certificate: CertificateFacts, others: t.Sequence[str], *, way: Way) -> None:
    """CAM-25: one certificate for several cameras is made outside, with its key, and has all their names.

    Raises:
        RuleError: Its key is inside one camera, or a camera is not among its names.
    """
    if others and way != "uploaded":
        raise RuleError(
            rule="CAM-25",
            device=device,
            subject="certificate for several cameras",
            found="a certificate whose key is inside one camera",
            expected="certificate and key made outside, uploaded to each",
        )
    missing = next((host for host in others if not certificate.covers(host)), None)
    if missing is not None:
        raise RuleError(
            rule="CAM-25",
            device=device,
            subject="certificate for several cameras",
            found=_names(certificate),
            expected=f"the other camera's {missing} as well",
        )


# -- way 3


def check_request_subject(device: str, subject: RequestSubject, hosts: t.Sequence[str]) -> None:
    """CAM-20: the common name is the camera's address or domain; lengths and characters of the fields.

    Raises:
        RuleError: A field cannot be entered.
    """
    for name, (limit, pattern) in _FIELD_LIMITS.items():
        value = getattr(subject, name)
        if len(value) > limit or not re.fullmatch(pattern, value):
            raise RuleError(
                rule="CAM-20",
                device=device,
                subject=f"certificate request information, {name}",
                found=repr(value[:140]),
                expected=f"at most {limit} characters that a certificate request can have there",
            )
    if subject.common_name not in hosts:
        raise RuleError(
            rule="CAM-20",
            device=device,
            subject="certificate request information, common_name",
            found=subject.common_name,
            expected=f"the camera's address or domain: {' or '.join(hosts)}",
        )


def check_signed(device: str, state: SunellState, certificate: CertificateFacts) -> None:
    """CAM-23: a signed certificate fits only the key of the last CSR that this very camera made.

    Raises:
        RuleError: There is no such key, or the certificate is for another one.
    """
    if not state.request_spki_sha256:
        raise RuleError(
            rule="CAM-23",
            device=device,
            subject="signed certificate",
            found="no certificate request made on this camera",
            expected="the key of a certificate request, to which the certificate belongs",
            advice="Shortest legal order: make a request, have it signed, upload the certificate.",
        )
    if certificate.spki_sha256 != state.request_spki_sha256:
        raise RuleError(
            rule="CAM-23",
            device=device,
            subject="signed certificate",
            found=f"a certificate for the key {certificate.spki_sha256[:16]}",
            expected=f"one for {state.request_spki_sha256[:16]}, the key of the last request of this very camera",
            advice="It is of another camera, or a newer request replaced its key.",
        )


def check_not_lost(device: str, state: SunellState, installed: CertificateFacts, *, way: Way) -> None:
    """CAM-24: after a factory reset the certificate that was installed has no key any more.

    Args:
        device: Name in messages.
        state: The camera's state.
        installed: The certificate that was installed last, by the records of whoever did it.
        way: In which way.

    Raises:
        RuleError: The camera no longer has it.
    """
    foreign = way == "signed" and state.request_spki_sha256 != installed.spki_sha256
    if way != "built_in" and (foreign or not state.https.stores(way)):
        again = "upload certificate and key again"
        if way == "signed":
            again = "make a request, have it signed, upload the certificate"
        raise RuleError(
            rule="CAM-24",
            device=device,
            subject="installed certificate",
            found=f"no key of certificate {installed.serial_number}",
            expected="the certificate that was installed, with its key",
            advice=f"The camera was reset, or a new request was made. Shortest legal order: {again}.",
        )


# -- all three


def check_way(device: str, state: SunellState, way: Way) -> None:
    """CAM-04, CAM-23: a way is chosen only when the camera stores a certificate of it.

    Raises:
        RuleError: It stores none.
    """
    if not state.https.stores(way):
        raise RuleError(
            rule="CAM-23" if way == "signed" else "CAM-04",
            device=device,
            subject="certificate in use",
            found=f"no {way} certificate on the camera",
            expected=f"an {way} certificate" if way == "uploaded" else f"a {way} certificate",
        )


def _check_inside(device: str, state: SunellState, certificate: CertificateFacts, *, rule: str, subject: str) -> None:
    if state.clock is not None and state.clock.inside(certificate):
        return
    raise RuleError(
        rule=rule,
        device=device,
        subject=subject,
        found="a time in an unknown time zone" if state.clock is None else str(state.clock),
        expected=f"a time from {iso(certificate.not_before)} to {iso(certificate.not_after)}",
        advice="Set the camera's clock, or let it follow a time server.",
    )


def _names(certificate: CertificateFacts) -> str:
    return ", ".join(certificate.subject_alt_names) or "no subjectAltName"
