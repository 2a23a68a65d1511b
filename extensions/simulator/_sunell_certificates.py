# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The certificates of a Sunell camera and the rules about them (CAM-01 to CAM-26); no sockets in here."""

from __future__ import annotations

import dataclasses as dc
import re
import typing as t

from ._clock import format_time
from ._frame import ApiError, Params
from ._pki import CertificateError, as_pem, make_csr, one_key, pem_certificates, spki
from ._sunell_catalog import REQUEST_FIELDS, WAYS, Way

__all__ = ["CertificateRequest", "DeviceTime", "Pair", "SunellCertificates", "request_subject"]


@dc.dataclass(frozen=True, kw_only=True)
class DeviceTime:
    """The device's clock, twice: a simulator whose clock stands still is behind the one of whoever signs.

    `now` decides what has ended, `latest` what has not begun.
    """

    now: float
    latest: float


@dc.dataclass(frozen=True, kw_only=True)
class Pair:
    """A private key and its certificate, the certificates of intermediate CAs behind it."""

    key_pem: str
    chain_pem: str
    spki: str
    not_before: float
    not_after: float

    @classmethod
    def of(cls, key_pem: str, chain_pem: str) -> Pair:
        leaf = pem_certificates(chain_pem.encode())[0]
        return cls(
            key_pem=key_pem,
            chain_pem=chain_pem,
            spki=spki(as_pem(leaf)),
            not_before=leaf.not_valid_before_utc.timestamp(),
            not_after=leaf.not_valid_after_utc.timestamp(),
        )

    def fits(self, time: DeviceTime) -> bool:
        """Whether the device's clock lies inside the validity (CAM-05, CAM-15)."""
        return self.not_before <= time.latest and time.now <= self.not_after


@dc.dataclass(frozen=True, kw_only=True)
class CertificateRequest:
    """CAM-20: a CSR and the key that was made for it."""

    key_pem: str
    pem: str
    spki: str

    @classmethod
    def make(cls, key_pem: str, subject: t.Mapping[str, str]) -> CertificateRequest:
        return cls(key_pem=key_pem, pem=make_csr(key_pem, subject), spki=spki(key_pem))


def request_subject(params: Params) -> dict[str, str]:
    """The certificate request information, checked (CAM-20)."""
    subject = {}
    for name, field in REQUEST_FIELDS.items():
        value = params.get(name)
        if field.required and not value:
            raise ApiError(400, f"CAM-20: {name} is required; it is the device's address or domain.")
        if len(value) > field.limit or not re.fullmatch(field.pattern, value):
            raise ApiError(400, f"CAM-20: {name} is {value[:80]!r}; it has at most {field.limit} allowed characters.")
        subject[field.name] = value
    return subject


def _checked_pair(key_pem: str, certificate: bytes, rule: str, stranger: str, time: DeviceTime) -> Pair:
    """A certificate with its key; refused when they do not belong together, or when the clock is outside."""
    try:
        chain = pem_certificates(certificate)
    except CertificateError as error:
        raise ApiError(400, f"{rule}: {error}") from error
    leaf = as_pem(chain[0])
    if spki(leaf) != spki(key_pem):
        raise ApiError(400, f"{rule}: {stranger}")
    pair = Pair.of(key_pem, "".join(as_pem(one) for one in chain))
    if not pair.fits(time):
        span = f"{format_time(pair.not_before)} to {format_time(pair.not_after)}"
        raise ApiError(400, f"CAM-15: the certificate is valid from {span}; the clock says {format_time(time.now)}.")
    return pair


@dc.dataclass(kw_only=True)
class SunellCertificates:
    """What is stored in the device beside the firmware; a factory reset deletes it all (CAM-24).

    `way` is whose certificate is in use. A new CSR destroys the key of the signed certificate, which is then served out
    of memory until the restart, as a server does that has loaded its files.
    """

    way: Way = "builtin"
    uploaded: Pair | None = None
    request: CertificateRequest | None = None
    signed: Pair | None = None

    def stored(self, way: Way) -> Pair | None:
        return {"builtin": None, "uploaded": self.uploaded, "signed": self.signed}[way]

    def upload(self, certificate: bytes, key: bytes, time: DeviceTime) -> None:
        """CAM-13: certificate and key from outside, used from now on (CAM-04)."""
        try:
            key_pem = one_key(key)
        except CertificateError as error:
            raise ApiError(400, f"CAM-13: {error}") from error
        stranger = "the certificate and the private key do not belong together."
        self.uploaded = _checked_pair(key_pem, certificate, "CAM-13", stranger, time)
        self.way = "uploaded"

    def put_request(self, request: CertificateRequest) -> None:
        """CAM-20: a new key takes the place of the last one, and with it goes what was signed for that."""
        self.request, self.signed = request, None

    def need_request(self) -> CertificateRequest:
        if self.request is None:
            raise ApiError(400, "CAM-21: no certificate request was made on this device, or its key was deleted.")
        return self.request

    def install(self, certificate: bytes, time: DeviceTime) -> None:
        """CAM-23: the certificate alone, for the key of the last CSR of this very device."""
        if self.request is None:
            raise ApiError(400, "CAM-23: this device has no key of a certificate request; make a new one.")
        stranger = "the certificate was not issued for the last certificate request of this device."
        self.signed = _checked_pair(self.request.key_pem, certificate, "CAM-23", stranger, time)
        self.way = "signed"

    def need(self, way: Way) -> None:
        """Refuse a way that has no certificate."""
        if way != "builtin" and self.stored(way) is None:
            rule, what = ("CAM-13", "uploaded") if way == "uploaded" else ("CAM-23", "signed")
            raise ApiError(400, f"{rule}: no {what} certificate is stored.")

    def delete_uploaded(self) -> None:
        if self.uploaded is None:
            raise ApiError(400, "CAM-13: no uploaded certificate is stored.")
        self.uploaded = None
        self._leave("uploaded")

    def delete_request(self) -> None:
        """The key goes, and with it the signed certificate."""
        self.need_request()
        self.request = self.signed = None
        self._leave("signed")

    def delete_signed(self) -> None:
        if self.signed is None:
            raise ApiError(400, "CAM-23: no signed certificate is stored.")
        self.signed = None
        self._leave("signed")

    def _leave(self, way: Way) -> None:
        if self.way == way:
            self.way = "builtin"

    def at_boot(self) -> None:
        """A certificate whose key is gone is no longer used."""
        if self.way != "builtin" and self.stored(self.way) is None:
            self.way = "builtin"

    def lines(self) -> list[tuple[str, object]]:
        return [
            ("certType", WAYS.index(self.way)),
            ("uploadedCert", int(self.uploaded is not None)),
            ("certReq", int(self.request is not None)),
            ("signedCert", int(self.signed is not None)),
        ]

    def shown(self) -> dict[str, object]:
        """For the control interface: what is there, and no key."""

        def facts(pair: Pair | None) -> dict[str, object] | None:
            if pair is None:
                return None
            span = {"not_before": format_time(pair.not_before), "not_after": format_time(pair.not_after)}
            return {"spki_sha256": pair.spki, **span}

        request = None if self.request is None else {"spki_sha256": self.request.spki}
        pairs = {"uploaded": facts(self.uploaded), "signed": facts(self.signed)}
        return {"way": self.way, **pairs, "certificate_request": request}

    @classmethod
    def load(cls, data: t.Mapping[str, t.Any]) -> SunellCertificates:
        parts: dict[str, t.Any] = {"uploaded": Pair, "request": CertificateRequest, "signed": Pair}
        values = {
            key: parts[key](**value) if key in parts and value is not None else value for key, value in data.items()
        }
        return cls(**values)
