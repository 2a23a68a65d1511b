# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sunell cameras in the words that all dialects share: the way by a CSR (CAM-20 to CAM-26)."""

from __future__ import annotations

import dataclasses as dc
import datetime as dt
import ipaddress
import typing as t

from .._camera.driver import CameraDriver, Identity, NetworkSetting, Reading
from .._camera.state import HttpsState, SubjectName
from .._core._errors import ProtocolError
from .._core._secret import Secret
from .._tls._certificate import CertificateFacts
from .._transport._session import DeviceSession
from .api import SunellApi
from .rules import RULES
from .state import Ntp, RequestSubject

__all__ = ["SunellDriver"]

#: How the certificate of the CA in the firmware is called in a state.
BUILT_IN: t.Final = "built-in"
_NTP_PORT: t.Final = 123
_NTP_SECONDS: t.Final = 3600


class SunellDriver(CameraDriver):
    """A camera by Sunell's CGI (wire dialect 3)."""

    rules = RULES

    def __init__(self, session: DeviceSession, *, key_seconds: float) -> None:
        super().__init__(session, key_seconds=key_seconds)
        self._api = SunellApi(session)

    def first_read(self) -> Reading:
        """Identity, which needs no login; HTTPS, ports, and whose certificate is in use.

        Returns:
            What was read.
        """
        self._api.identity()
        https, port = self._api.https(), self._api.ports()["httpsPort"]
        reading = Reading(
            https=HttpsState(connection="https" if https.enabled else "http", https_port=port),
            request_made_at="made" if https.requested else "",
        )
        return _with_own(reading, self._shown()) if https.way != "built_in" else _with_built_in(reading)

    def _shown(self) -> CertificateFacts | None:
        peer = self.session.peer
        return CertificateFacts.from_der(peer.certificate, device=self.session.device) if peer else None

    def https(self) -> HttpsState:
        """How the camera answers; plain HTTP stays open beside HTTPS."""
        https, port = self._api.https(), self._api.ports()["httpsPort"]
        return HttpsState(connection="https" if https.enabled else "http", https_port=port)

    def http_port(self) -> int:
        """The camera's own port for plain HTTP."""
        return self._api.ports()["httpPort"]

    def identity(self) -> Identity:
        """What the camera calls itself; it tells no serial number."""
        fields = self._api.identity()
        return Identity(
            model=fields["productModel"],
            version=fields["softwareVer"],
            serial_number=fields.get("deviceID", ""),
            mac_address=fields["MACAddress"],
        )

    def clock(self) -> dt.datetime:
        """The camera's time, UTC; with daylight saving time the later of two hours."""
        return self.clock_bounds()[1]

    def clock_bounds(self) -> tuple[dt.datetime, dt.datetime]:
        """The camera's time, UTC; with daylight saving time it is known to the hour only.

        Returns:
            Earliest and latest.

        Raises:
            ProtocolError: Its time zone is not known here.
        """
        found = self._api.clock()
        if found is None:
            raise ProtocolError(
                device=self.session.device,
                subject="answer to timeZone",
                found="an index that is not known here",
                expected="one of Windows' time zones",
            )
        return found.earliest, found.latest

    def time_server(self) -> str:
        """The NTP server that the camera follows, empty for none."""
        found = self._api.ntp()
        return found.server if found.enabled else ""

    def network(self) -> NetworkSetting:
        """The camera's address, network and gateway.

        Raises:
            ProtocolError: It tells a netmask that is none.
        """
        found = self._api.network()
        try:
            bits = ipaddress.IPv4Network((0, found.netmask)).prefixlen
        except ValueError:
            raise ProtocolError(
                device=self.session.device,
                subject="answer to localNetwork",
                found=f"subNetmask={found.netmask[:20]}",
                expected="a netmask",
            ) from None
        return NetworkSetting(address=found.address, prefix_length=bits, gateway=found.gateway)

    def request_made_at(self) -> str:
        """That there is a CSR; the camera tells no time of it."""
        return "made" if self._api.https().requested else ""

    def certificate_request(self) -> str:
        """The CSR made last, PEM (CAM-21)."""
        return self._api.certificate_request()

    def self_signed_details(self) -> t.Mapping[str, str]:
        """Nothing: the built-in certificate has no subject of one's own."""
        return {}

    def make_request(self, subject: SubjectName, names: t.Sequence[str]) -> None:
        """Make a new key and a CSR for it (CAM-20); the CA puts the names into the certificate (CAM-22).

        Args:
            subject: Its subject.
            names: Not used.
        """
        del names
        self._api.make_request(RequestSubject(**subject.form()))

    def install_certificate(self, pem: str, issuers: t.Sequence[str]) -> None:
        """Upload the certificate for the last CSR, with those between it and the root (CAM-23).

        Args:
            pem: The certificate.
            issuers: Those between it and the root.
        """
        self._api.upload_signed("".join((pem, *issuers)))

    def install_with_key(self, pem: str, issuers: t.Sequence[str], key: Secret) -> None:
        """Upload certificate and private key (CAM-13); they are used from then on (CAM-04).

        Args:
            pem: The certificate.
            issuers: Those between it and the root.
            key: The private key.
        """
        self._api.upload_pair("".join((pem, *issuers)), key)

    def built_in_authority(self) -> str:
        """The certificate of the authority in the firmware, PEM (CAM-02)."""
        return self._api.built_in_root()

    def delete_certificate(self) -> None:
        """Delete the certificate in use; the camera then shows its built-in one."""
        if self._api.https().way == "uploaded":
            self._api.delete_pair()
        else:
            self._api.delete_signed()

    def set_https(self, wanted: HttpsState) -> None:
        """Switch HTTPS and choose its port.

        Args:
            wanted: Scheme and port.
        """
        enabled = wanted.connection == "https"
        if enabled:
            self._api.set_https(enabled=True)
        if self._api.ports()["httpsPort"] != wanted.https_port:
            self._api.set_ports(httpsPort=wanted.https_port)
        if not enabled:
            self._api.set_https(enabled=False)

    def set_clock(self, now: dt.datetime) -> None:
        """Set the camera's clock; its time zone stays.

        Args:
            now: UTC.
        """
        self._api.set_clock(now)

    def set_time_server(self, server: str) -> None:
        """Let the camera follow an NTP server.

        Args:
            server: Address or host name.
        """
        self._api.set_ntp(Ntp(enabled=True, server=server, port=_NTP_PORT, interval=_NTP_SECONDS))

    def set_network(self, wanted: NetworkSetting) -> None:
        """Another address; its DNS servers stay. The camera moves at once.

        Args:
            wanted: The whole setting.
        """
        netmask = str(ipaddress.IPv4Network((0, wanted.prefix_length)).netmask)
        present = self._api.network()
        self._api.set_network(dc.replace(present, address=wanted.address, netmask=netmask, gateway=wanted.gateway))

    def set_password(self, account: str, password: Secret) -> None:
        """Give an account another password.

        Args:
            account: Its name.
            password: The new one.
        """
        self._api.change_password(account, password)

    def reboot(self) -> None:
        """Restart the camera."""
        self._api.restart()


def _with_own(reading: Reading, shown: CertificateFacts | None) -> Reading:
    """A certificate of a CA is in use; over plain HTTP nothing tells which."""
    if shown is None:
        return dc.replace(reading, ca_certificate="valid")
    expired = shown.not_after < dt.datetime.now(tz=dt.UTC)
    return dc.replace(
        reading,
        ca_certificate="expired" if expired else "valid",
        ca_certificate_name="" if expired else shown.subject_common_name,
    )


def _with_built_in(reading: Reading) -> Reading:
    """CAM-01: a certificate that nobody can tell from that of another camera of this firmware."""
    return dc.replace(reading, self_signed="valid", self_signed_name=BUILT_IN)
