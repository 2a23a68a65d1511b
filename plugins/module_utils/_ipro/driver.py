# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""i-PRO cameras in the words that all dialects share."""

from __future__ import annotations

import dataclasses as dc
import datetime as dt
import typing as t

from .._camera.abilities import KeyKind
from .._camera.driver import CameraDriver, Identity, Reading
from .._camera.state import HttpsState, KeyFacts, SubjectName
from .._core._errors import VerificationError
from .._transport._patience import Patience
from .._transport._session import DeviceSession, Refused
from .api import IproApi, certificate_status
from .rules import RULES

__all__ = ["IproDriver"]


class IproDriver(CameraDriver):
    """An i-PRO camera by its CGI (wire dialect 1)."""

    rules = RULES

    def __init__(self, session: DeviceSession, *, key_seconds: float) -> None:
        super().__init__(session, key_seconds=key_seconds)
        self._api = IproApi(session)

    def first_read(self) -> Reading:
        """Keys, connection, what the camera says of its certificates.

        Returns:
            What was read.
        """
        try:
            key, previous_key = self._idle_keys()
            https, fields = self._api.https()
        except Refused as error:
            if error.status != 404 or self._api.tls_supported():
                raise
            return Reading(tls_supported=False)
        self_signed, self_signed_name = certificate_status(fields["self_signed_info"])
        ca_certificate, ca_certificate_name = certificate_status(fields["ca_cert_info"])
        return Reading(
            https=https,
            self_signed=self_signed,
            self_signed_name=self_signed_name,
            ca_certificate=ca_certificate,
            ca_certificate_name=ca_certificate_name,
            key=key,
            previous_key=previous_key,
        )

    def rest(self, reading: Reading) -> Reading:
        """The CSR's time where one may be needed, the serial number where no handshake shows it.

        Args:
            reading: What was read first.

        Returns:
            All of it.
        """
        valid = reading.ca_certificate == "valid"
        if reading.tls_supported and not valid:
            reading = dc.replace(reading, request_made_at=self._api.request_made_at())
        if valid and self.session.peer is None:
            reading = dc.replace(reading, installed_serial=self._api.installed_serial())
        return reading

    def https(self) -> HttpsState:
        """How the camera answers."""
        return self._api.https()[0]

    def http_port(self) -> int:
        """The camera's own port for plain HTTP."""
        return self._api.http_port()

    def identity(self) -> Identity:
        """What the camera calls itself."""
        fields = self._api.identity()
        return Identity(
            model=fields["PRODUCT_NAME"],
            version=fields["VERSION"],
            serial_number=fields["SERIAL"],
            mac_address=fields["MAC"],
        )

    def clock(self) -> dt.datetime:
        """The camera's time, UTC."""
        return self._api.clock()

    def request_made_at(self) -> str:
        """The camera's time of the last CSR, empty if there is none."""
        return self._api.request_made_at()

    def certificate_request(self) -> str:
        """The CSR made last, PEM."""
        return self._api.certificate_request()

    def self_signed_details(self) -> t.Mapping[str, str]:
        """The subject's fields of the self-signed certificate; the organizational unit is masked (HTTPS-12)."""
        return self._api.self_signed_details()

    def generate_key(self, kind: KeyKind) -> None:
        """Generate a key and wait for it (HTTPS-03).

        Args:
            kind: What it is of; these cameras make RSA keys only.

        Raises:
            VerificationError: Afterwards there is no such new key.
        """
        before = self._api.keys()[0]
        self._api.generate_key(kind.size)
        key = self._idle_keys()[0]
        if key is None or key == before or key.kind != kind:
            raise VerificationError(
                device=self.session.device,
                subject="private key",
                found=f"{key.kind}, of {key.generated_at}" if key else "none",
                expected=f"a new one of {kind}",
                advice="The camera may have restarted meanwhile; run it again.",
            )

    def _idle_keys(self) -> tuple[KeyFacts | None, KeyFacts | None]:
        """Present and previous key, once none is being generated: until then the camera answers hardly anything."""
        patience = Patience(self.key_seconds)
        while True:
            key, previous_key, generating = self._api.keys()
            if not generating:
                return key, previous_key
            if not patience.wait():
                raise VerificationError(
                    device=self.session.device,
                    subject="private key",
                    found=f"still being generated after {self.key_seconds:g} s",
                    expected="a key after about two minutes (HTTPS-03)",
                    advice="Run it again later: it goes on from there.",
                )

    def apply_previous_key(self) -> None:
        """Put the previous key in place of the present one (HTTPS-04)."""
        self._api.apply_previous_key()

    def make_request(self, subject: SubjectName, names: t.Sequence[str]) -> None:
        """Make a CSR (HTTPS-20); the camera puts no names into it, the CA does into the certificate.

        Args:
            subject: Its subject.
            names: Not used.
        """
        del names
        self._api.make_request(subject)

    def install_certificate(self, pem: str, issuers: t.Sequence[str]) -> None:
        """Install the CA certificate (HTTPS-21); the clients hold the intermediate ones (HTTPS-25).

        Args:
            pem: The certificate.
            issuers: Not used.
        """
        del issuers
        self._api.install_certificate(pem)

    def delete_certificate(self) -> None:
        """Delete the CA certificate."""
        self._api.delete_certificate()

    def make_self_signed(self, subject: SubjectName) -> None:
        """Make the self-signed certificate (HTTPS-10).

        Args:
            subject: Its subject.
        """
        self._api.make_self_signed(subject)

    def delete_self_signed(self) -> None:
        """Delete the self-signed certificate."""
        self._api.delete_self_signed()

    def set_https(self, wanted: HttpsState) -> None:
        """Choose how the camera answers (HTTPS-30).

        Args:
            wanted: Scheme and port.
        """
        self._api.set_https(wanted)

    def set_clock(self, now: dt.datetime) -> None:
        """Set the camera's clock.

        Args:
            now: UTC.
        """
        self._api.set_clock(now)

    def reboot(self) -> None:
        """Restart the camera."""
        self._api.reboot()
