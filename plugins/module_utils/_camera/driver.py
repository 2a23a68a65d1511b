# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A dialect as the resources see it: the same words whatever the camera speaks."""

from __future__ import annotations

import abc
import dataclasses as dc
import datetime as dt
import typing as t

from .._core._secret import Secret
from .._tls._certificate import CertificateFacts
from .._transport._session import DeviceSession
from .abilities import Abilities, KeyKind
from .rules import CameraRules
from .state import CertificateStatus, HttpsState, KeyFacts, SubjectName

__all__ = ["CameraDriver", "Identity", "NetworkSetting", "Reading"]

_NO_HTTPS = HttpsState(connection="http", https_port=0)


@dc.dataclass(frozen=True, kw_only=True)
class Identity:
    """What a camera calls itself.

    Attributes:
        model: Product name.
        version: Of its software.
        serial_number: The maker's.
        mac_address: Empty where the dialect does not tell it.
    """

    model: str
    version: str
    serial_number: str
    mac_address: str = ""


@dc.dataclass(frozen=True, kw_only=True)
class NetworkSetting:
    """A camera's own IPv4 setting.

    Attributes:
        address: Its address.
        prefix_length: Bits of its network; 0 where the dialect does not tell it.
        gateway: Its default gateway; empty for none.
    """

    address: str
    prefix_length: int
    gateway: str

    def shown(self) -> dict[str, t.Any]:
        """The setting as a result shows it."""
        return dc.asdict(self)


@dc.dataclass(frozen=True, kw_only=True)
class Reading:
    """What a driver reads of a camera; the defaults are those of a model that knows no HTTPS.

    Attributes:
        tls_supported: Whether the model knows HTTPS at all.
        https: How it answers.
        self_signed: Status of the self-signed certificate.
        self_signed_name: Its common name, when valid.
        ca_certificate: Status of the CA certificate.
        ca_certificate_name: The name in it, when valid.
        key: Present private key.
        previous_key: The key before it, where the dialect keeps one.
        request_made_at: The camera's time of the last CSR, empty if none.
        installed_serial: Serial number (lower-case hex) that the camera shows for its CA certificate.
        basic_over_https: Over HTTPS it takes HTTP Basic, which hands over the password.
    """

    tls_supported: bool = True
    https: HttpsState = _NO_HTTPS
    self_signed: CertificateStatus = "not_generated"
    self_signed_name: str = ""
    ca_certificate: CertificateStatus = "not_generated"
    ca_certificate_name: str = ""
    key: KeyFacts | None = None
    previous_key: KeyFacts | None = None
    request_made_at: str = ""
    installed_serial: str = ""
    basic_over_https: bool = False

    def with_certificate(self, facts: CertificateFacts) -> Reading:
        """The same with what the camera shows to its clients.

        Args:
            facts: The certificate, self-signed or of a CA.

        Returns:
            The reading.
        """
        expired = facts.not_after < dt.datetime.now(tz=dt.UTC)
        status: CertificateStatus = "expired" if expired else "valid"
        name = "" if expired else facts.subject_common_name
        if facts.self_signed:
            return dc.replace(self, self_signed=status, self_signed_name=name)
        serial = facts.serial_number
        return dc.replace(self, ca_certificate=status, ca_certificate_name=name, installed_serial=serial)


class CameraDriver(abc.ABC):
    """The calls of one dialect over one session. It decides nothing.

    Args:
        session: The session.
        key_seconds: How long the generation of a key may take.

    Attributes:
        rules: What the camera's manual forbids, and what the dialect has no call for.
    """

    rules: t.ClassVar[CameraRules]

    def __init__(self, session: DeviceSession, *, key_seconds: float) -> None:
        self.session = session
        self.key_seconds = key_seconds

    # -- reading -------------------------------------------------------------------------------------------------

    @abc.abstractmethod
    def first_read(self) -> Reading:
        """What is read first; the endpoint at which it succeeds is the camera's. Waits while a key is generated."""

    def rest(self, reading: Reading) -> Reading:
        """What else the state needs, once it is clear where the camera answers.

        Args:
            reading: What was read first.

        Returns:
            All of it.
        """
        return reading

    @abc.abstractmethod
    def https(self) -> HttpsState:
        """How the camera answers."""

    @abc.abstractmethod
    def http_port(self) -> int:
        """The camera's own port for plain HTTP."""

    @abc.abstractmethod
    def identity(self) -> Identity:
        """What the camera calls itself."""

    @abc.abstractmethod
    def clock(self) -> dt.datetime:
        """The camera's time, UTC."""

    def clock_bounds(self) -> tuple[dt.datetime, dt.datetime]:
        """Earliest and latest time that the camera's clock may show, UTC; the same unless it tells less than that."""
        now = self.clock()
        return now, now

    def abilities(self) -> Abilities:
        """What this very camera can do; where the models of a dialect do not differ, nothing is asked."""
        return self.rules.abilities

    def tls_versions(self) -> tuple[str, ...]:
        """TLS versions that are enabled, for example ``("1.2", "1.3")``."""
        raise self._no_call("its TLS versions")

    def built_in_authority(self) -> str:
        """The certificate of the certificate authority in the firmware, PEM."""
        raise self._no_call("a certificate authority of its own")

    def time_server(self) -> str:
        """The NTP server that the camera follows, empty for none."""
        raise self._no_call("its time server")

    def network(self) -> NetworkSetting:
        """The camera's own address."""
        raise self._no_call("its network setting")

    @abc.abstractmethod
    def request_made_at(self) -> str:
        """The camera's time of the last CSR, empty if there is none."""

    @abc.abstractmethod
    def certificate_request(self) -> str:
        """The CSR made last, PEM."""

    @abc.abstractmethod
    def self_signed_details(self) -> t.Mapping[str, str]:
        """The subject's fields of the self-signed certificate, by their names in :class:`SubjectName`."""

    # -- steps ---------------------------------------------------------------------------------------------------

    @abc.abstractmethod
    def make_request(self, subject: SubjectName, names: t.Sequence[str]) -> None:
        """Make a CSR.

        Args:
            subject: Its subject.
            names: Subject alternative names (``IP:…``, ``DNS:…``), for a camera that can put them into it.
        """

    @abc.abstractmethod
    def install_certificate(self, pem: str, issuers: t.Sequence[str]) -> None:
        """Install a certificate for the key of the last CSR.

        Args:
            pem: The certificate.
            issuers: Those between it and the root, nearest first, PEM, for a camera that keeps them.
        """

    @abc.abstractmethod
    def set_https(self, wanted: HttpsState) -> None:
        """Choose how the camera answers; it may then cut all connections.

        Args:
            wanted: Scheme and port. A lost answer is no error: evidence comes from the new endpoint.
        """

    def install_with_key(self, pem: str, issuers: t.Sequence[str], key: Secret) -> None:
        """Install a certificate together with its private key, both made outside of the camera.

        Args:
            pem: The certificate.
            issuers: Those between it and the root, nearest first, PEM, for a camera that keeps them.
            key: The private key, PKCS#8 in PEM, unencrypted.
        """
        del issuers, key
        raise self._no_call(f"a private key for a certificate of {len(pem)} characters")

    def set_tls_versions(self, versions: t.Sequence[str]) -> None:
        """Enable some TLS versions and no others; the camera may then cut connections.

        Args:
            versions: For example ``("1.2", "1.3")``. A lost answer is no error: evidence comes from the endpoint.
        """
        raise self._no_call(f"the TLS versions {', '.join(versions)}")

    def generate_key(self, kind: KeyKind) -> None:
        """Generate a key and wait for it.

        Args:
            kind: What it is of.
        """
        raise self._no_call(f"a key of {kind}")

    def apply_previous_key(self) -> None:
        """Put the previous key in place of the present one."""
        raise self._no_call("the previous key")

    def delete_certificate(self) -> None:
        """Delete the CA certificate."""
        raise self._no_call("the deletion of a certificate")

    def make_self_signed(self, subject: SubjectName) -> None:
        """Make the self-signed certificate.

        Args:
            subject: Its subject.
        """
        raise self._no_call(f"a self-signed certificate for {subject.common_name}")

    def delete_self_signed(self) -> None:
        """Delete the self-signed certificate."""
        raise self._no_call("the deletion of a self-signed certificate")

    def set_clock(self, now: dt.datetime) -> None:
        """Set the camera's clock.

        Args:
            now: UTC.
        """
        raise self._no_call(f"the time {now}")

    def set_time_server(self, server: str) -> None:
        """Let the camera follow an NTP server.

        Args:
            server: Address or host name.
        """
        raise self._no_call(f"the time server {server}")

    def set_network(self, wanted: NetworkSetting) -> None:
        """Give the camera another address; it then answers there and no longer here, and its answer may be lost.

        Args:
            wanted: The whole setting.
        """
        raise self._no_call(f"the address {wanted.address}")

    def set_password(self, account: str, password: Secret) -> None:
        """Give an account another password; this session's own login may then be refused.

        Args:
            account: Its name.
            password: The new one.
        """
        del password
        raise self._no_call(f"a password of {account}")

    def reboot(self) -> None:
        """Restart the camera; a lost answer is no error."""
        raise self._no_call("a restart")

    def tidy(self) -> None:  # noqa: B027  # most dialects leave nothing behind
        """Put away what a proven change left behind on the camera; nothing where a dialect leaves nothing behind."""

    def _no_call(self, what: str) -> AssertionError:
        return AssertionError(f"{self.rules.dialect} has no call for {what}; its rules have to say so")
