# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The state of a camera's HTTPS side, and the manual's rules about it (HTTPS-01 to HTTPS-33); no sockets in here."""

from __future__ import annotations

import dataclasses as dc
import ipaddress
import re
import typing as t

from cryptography import x509

from ._catalog import CAMERA_FORBIDDEN_PORTS, CERTIFICATE_FIELDS
from ._clock import format_time
from ._frame import ApiError, Params
from ._pki import (
    CertificateError,
    as_pem,
    common_name,
    make_csr,
    make_self_signed,
    one_certificate,
    spki,
    subject_fields,
)

__all__ = ["CameraState", "Certificate", "Key", "subject_of"]

NOT_GENERATED: t.Final = "not_generated"
INVALID: t.Final = "invalid"
EXPIRED: t.Final = "expired"


@dc.dataclass(frozen=True, kw_only=True)
class Key:
    pem: str
    size: int
    modified: float
    spki: str

    @classmethod
    def new(cls, pem: str, size: int, modified: float) -> Key:
        return cls(pem=pem, size=size, modified=modified, spki=spki(pem))


@dc.dataclass(frozen=True, kw_only=True)
class Certificate:
    """A certificate of the camera with what is asked of it often."""

    pem: str
    spki: str
    common_name: str
    not_before: float
    not_after: float

    @classmethod
    def of(cls, pem: str) -> Certificate:
        parsed = x509.load_pem_x509_certificate(pem.encode())
        return cls(
            pem=pem,
            spki=spki(pem),
            common_name=common_name(parsed.subject),
            not_before=parsed.not_valid_before_utc.timestamp(),
            not_after=parsed.not_valid_after_utc.timestamp(),
        )

    def lines(self) -> list[tuple[str, object]]:
        """What Confirm shows; the organizational unit is masked (HTTPS-23)."""
        parsed = x509.load_pem_x509_certificate(self.pem.encode())
        subject = subject_fields(parsed) | {"organizational_unit": "******"}
        return [
            *subject.items(),
            ("not_before", format_time(self.not_before)),
            ("not_after", format_time(self.not_after)),
            ("serial_number", f"{parsed.serial_number:x}"),
            ("issuer", common_name(parsed.issuer)),
        ]


@dc.dataclass(frozen=True, kw_only=True)
class Csr:
    pem: str
    modified: float
    spki: str


def subject_of(params: Params, rule: str) -> dict[str, str]:
    """The subject fields of a dialog, checked (HTTPS-10, HTTPS-20)."""
    fields = {}
    for field in CERTIFICATE_FIELDS:
        value = params.get(field.name)
        if field.required and not value:
            raise ApiError(400, f"{rule}: {field.name} is required.")
        if len(value) > field.limit:
            raise ApiError(400, f"{rule}: {field.name} has {len(value)} characters; it can have {field.limit}.")
        if not re.fullmatch(field.pattern, value) and not (field.name == "common_name" and _bracketed_ipv6(value)):
            raise ApiError(
                400, f"{rule}: {field.name} holds a character that is not allowed (0-9 A-Z a-z - . _ , + / ( ))."
            )
        fields[field.name] = value
    return fields


def _bracketed_ipv6(value: str) -> bool:
    try:
        return value[:1] == "[" and value[-1:] == "]" and ipaddress.ip_address(value[1:-1]).version == 6
    except ValueError:
        return False


@dc.dataclass(kw_only=True)
class CameraState:
    #: `dual` is both at once; ONVIF can set it, the web page shows it.
    live: t.Literal["http", "https", "dual"] = "http"
    https_port: int = 443
    current: Key | None = None
    previous: Key | None = None
    self_signed: Certificate | None = None
    csr: Csr | None = None
    ca: Certificate | None = None
    ca_ever: bool = False
    encryption: bool = False
    password: str = ""
    clock_set: float = 0.0
    #: Another one than the factory's, when somebody gave it one.
    address: str = ""

    @property
    def secure(self) -> bool:
        """HTTPS is on, alone or beside HTTP."""
        return self.live != "http"

    # -- what is shown -------------------------------------------------------------------------------------------

    def ca_info(self, now: float) -> str:
        """HTTPS-22."""
        if self.ca is None:
            return INVALID if self.ca_ever else NOT_GENERATED
        if self.current is None or self.ca.spki != self.current.spki:
            return INVALID
        return EXPIRED if now > self.ca.not_after else self.ca.common_name

    def ca_valid(self, now: float) -> bool:
        return self.ca is not None and self.ca_info(now) not in (INVALID, EXPIRED)

    def self_signed_info(self, now: float) -> str:
        """HTTPS-11."""
        if self.self_signed is None:
            return NOT_GENERATED
        if self.current is None or self.self_signed.spki != self.current.spki:
            return INVALID
        return INVALID if self.ca_info(now) not in (NOT_GENERATED, INVALID) else self.self_signed.common_name

    def in_use(self, now: float) -> Certificate | None:
        """The certificate that HTTPS presents: the CA's when there is one, valid or expired (HTTPS-21)."""
        if self.ca is not None and self.ca_info(now) != INVALID:
            return self.ca
        if self.self_signed is not None and self.current is not None and self.self_signed.spki == self.current.spki:
            return self.self_signed
        return None

    def expired(self, now: float) -> bool:
        """HTTPS is unavailable (HTTPS-24)."""
        return self.ca_info(now) == EXPIRED

    # -- the key -------------------------------------------------------------------------------------------------

    def check_key_change(self, now: float) -> None:
        """Whether a key may be generated, or the history applied."""
        if self.ca_info(now) not in (NOT_GENERATED, INVALID):
            raise ApiError(400, "HTTPS-02: while a CA certificate is installed no CRT key can be generated or applied.")
        if self.self_signed_info(now) not in (NOT_GENERATED, INVALID):
            raise ApiError(
                400, "HTTPS-02: delete the self-signed certificate before another CRT key is generated or applied."
            )
        if self.secure:
            raise ApiError(400, "HTTPS-02: the CRT key is in use while the connection is HTTPS.")

    def put_key(self, key: Key) -> None:
        """The new key; the present one becomes history (HTTPS-04)."""
        self.previous, self.current = self.current, key

    def apply_history(self, now: float) -> None:
        self.check_key_change(now)
        if self.previous is None:
            raise ApiError(400, "HTTPS-04: there is no previous CRT key.")
        self.current, self.previous = self.previous, self.current

    def need_key(self) -> Key:
        if self.current is None:
            raise ApiError(400, "HTTPS-01: generate the CRT key first.")
        return self.current

    # -- the certificates ----------------------------------------------------------------------------------------

    def create_self_signed(self, params: Params, now: float, begin: float) -> None:
        key = self.need_key()
        if self.secure:
            raise ApiError(
                400, "HTTPS-10: the self-signed certificate cannot be generated while the connection is HTTPS."
            )
        fields = subject_of(params, "HTTPS-10")
        self.self_signed = Certificate.of(make_self_signed(key.pem, fields, min(now, begin)))

    def delete_self_signed(self, now: float) -> None:
        if self.self_signed is None:
            raise ApiError(400, "HTTPS-12: there is no self-signed certificate.")
        if self.secure and not self.ca_valid(now):
            raise ApiError(
                400,
                "HTTPS-12: the self-signed certificate is in use; it cannot be deleted while the connection is HTTPS.",
            )
        self.self_signed = None

    def create_csr(self, params: Params, now: float) -> None:
        key = self.need_key()
        fields = subject_of(params, "HTTPS-20")
        self.csr = Csr(pem=make_csr(key.pem, fields), modified=now, spki=key.spki)

    def install_ca(self, data: bytes) -> None:
        if self.csr is None or self.current is None:
            raise ApiError(400, "HTTPS-21: a CA certificate can be installed only after a CSR was made.")
        if self.csr.spki != self.current.spki:
            raise ApiError(400, "HTTPS-05: the CSR was made for another CRT key; make a new CSR.")
        try:
            pem = as_pem(one_certificate(data))
        except CertificateError as error:
            raise ApiError(400, f"HTTPS-21: {error}") from error
        certificate = Certificate.of(pem)
        if certificate.spki != self.current.spki:
            raise ApiError(400, "HTTPS-05: the certificate was issued for another key than the present CRT key.")
        self.ca, self.ca_ever = certificate, True

    def delete_ca(self) -> None:
        if self.ca is None:
            raise ApiError(400, "HTTPS-23: there is no CA certificate.")
        if self.secure:
            raise ApiError(400, "HTTPS-23: the CA certificate cannot be deleted while the connection is HTTPS.")
        self.ca = None

    # -- the connection ------------------------------------------------------------------------------------------

    def check_connection(self, live: str, https_port: int, http_port: int, now: float) -> None:
        if https_port in CAMERA_FORBIDDEN_PORTS:
            raise ApiError(400, f"HTTPS-31: port {https_port} is in use by the camera; take another HTTPS port.")
        if https_port == http_port:
            raise ApiError(400, f"HTTPS-31: port {https_port} is the camera's HTTP port; take another HTTPS port.")
        if live == "http":
            return
        if self.current is None:
            raise ApiError(400, "HTTPS-01: HTTPS needs a CRT key and a certificate; there is no CRT key.")
        if self.expired(now):
            raise ApiError(400, "HTTPS-24: the CA certificate has expired; HTTPS is unavailable.")
        if self.in_use(now) is None:
            raise ApiError(
                400, "HTTPS-30: HTTPS needs a self-signed or a CA certificate; there is none for the present key."
            )

    # -- keeping it ----------------------------------------------------------------------------------------------

    def dump(self) -> dict[str, t.Any]:
        return dc.asdict(self)

    @classmethod
    def load(cls, data: t.Mapping[str, t.Any]) -> CameraState:
        parts: dict[str, t.Any] = {
            "current": Key, "previous": Key, "self_signed": Certificate, "csr": Csr, "ca": Certificate,
        }  # fmt: skip
        values = {
            key: parts[key](**value) if key in parts and value is not None else value for key, value in data.items()
        }
        return cls(**values)
