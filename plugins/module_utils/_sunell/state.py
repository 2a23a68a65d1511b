# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a Sunell camera is like now."""

from __future__ import annotations

import dataclasses as dc
import datetime as dt
import typing as t

from .._tls._certificate import CertificateFacts, iso

__all__ = ["DeviceClock", "HttpsState", "Network", "Ntp", "RequestSubject", "SunellState", "Way"]

#: Whose certificate is in use: of the CA in the firmware (way 1), uploaded with its key (way 2), for a CSR (way 3).
Way = t.Literal["built_in", "uploaded", "signed"]


@dc.dataclass(frozen=True, kw_only=True)
class DeviceClock:
    """The camera's own time; with daylight saving time it is known to the hour only.

    Attributes:
        earliest: UTC.
        latest: UTC; the same, or an hour later.
    """

    earliest: dt.datetime
    latest: dt.datetime

    def inside(self, certificate: CertificateFacts) -> bool:
        """Whether it surely lies inside a validity.

        Args:
            certificate: The certificate.

        Returns:
            True when both ends do.
        """
        return certificate.not_before <= self.earliest and self.latest < certificate.not_after

    def __str__(self) -> str:
        if self.earliest == self.latest:
            return iso(self.earliest)
        return f"{iso(self.earliest)} to {iso(self.latest)}"


@dc.dataclass(frozen=True, kw_only=True)
class HttpsState:
    """How the camera answers HTTPS, and which certificates it stores.

    Attributes:
        enabled: Whether HTTPS is on.
        way: Whose certificate is in use.
        uploaded: A certificate was uploaded with its key.
        requested: A CSR was made, and its key is stored.
        signed: A certificate for that key is stored.
    """

    enabled: bool
    way: Way
    uploaded: bool
    requested: bool
    signed: bool

    def stores(self, way: Way) -> bool:
        """Whether there is a certificate of a way.

        Args:
            way: The way.

        Returns:
            True for the built-in one always.
        """
        return {"built_in": True, "uploaded": self.uploaded, "signed": self.signed}[way]


@dc.dataclass(frozen=True, kw_only=True)
class Network:
    """The camera's own address.

    Attributes:
        address: IPv4.
        netmask: IPv4.
        gateway: IPv4 or empty.
        dns: Preferred and alternate name server, each IPv4 or empty.
    """

    address: str
    netmask: str
    gateway: str
    dns: tuple[str, str] = ("", "")


@dc.dataclass(frozen=True, kw_only=True)
class Ntp:
    """Its time server.

    Attributes:
        enabled: Whether it follows one.
        server: Address or host name.
        port: UDP port.
        interval: Seconds between two questions.
    """

    enabled: bool
    server: str
    port: int
    interval: int


@dc.dataclass(frozen=True, kw_only=True)
class RequestSubject:
    """The certificate request information (CAM-20).

    Attributes:
        common_name: The device's address or domain.
        country: Two letters, or empty.
        state: State or province, or empty.
        locality: Or empty.
        organization: Or empty.
        organizational_unit: Or empty.
    """

    common_name: str
    country: str = ""
    state: str = ""
    locality: str = ""
    organization: str = ""
    organizational_unit: str = ""


@dc.dataclass(frozen=True, kw_only=True)
class SunellState:
    """A camera's present state, read once.

    Attributes:
        model: Product model.
        version: Of its firmware; cameras of one version have the same built-in CA.
        mac_address: As the camera writes it.
        ports: TCP ports by the camera's own names.
        network: Its address.
        https: HTTPS and certificates.
        clock: The camera's own time; None when its time zone is not known here.
        ntp: Its time server.
        request_spki_sha256: Public key of the stored CSR, empty when there is none.
        scheme: ``http`` or ``https``: how it was read.
        certificate: What the handshake showed (CAM-26); None over plain HTTP.
    """

    model: str
    version: str
    mac_address: str
    ports: t.Mapping[str, int]
    network: Network
    https: HttpsState
    clock: DeviceClock | None
    ntp: Ntp
    request_spki_sha256: str
    scheme: str
    certificate: CertificateFacts | None

    def shown(self) -> dict[str, t.Any]:
        """The state as ``before`` and ``after`` show it; no clock, which is never the same twice."""
        return {
            "model": self.model,
            "version": self.version,
            "address": self.network.address,
            "http_port": self.ports["httpPort"],
            "https_port": self.ports["httpsPort"],
            "https_enabled": self.https.enabled,
            "certificate_way": self.https.way,
            "certificate_uploaded": self.https.uploaded,
            "certificate_signing_request": self.https.requested,
            "certificate_signed": self.https.signed,
            "ntp": dc.asdict(self.ntp),
            "certificate": self.certificate.shown() if self.certificate else None,
        }
