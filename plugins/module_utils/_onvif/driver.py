# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""ONVIF cameras in the words that all dialects share.

What this collection puts into a device's keystore carries the alias :data:`ALIAS`, and nothing else is ever deleted.
"""

from __future__ import annotations

import dataclasses as dc
import datetime as dt
import typing as t

from .._camera.driver import CameraDriver, Identity, NetworkSetting, Reading
from .._camera.state import HttpsState, KeyFacts, SubjectName
from .._core._errors import ProtocolError, VerificationError
from .._core._secret import Secret
from .._pki._keys import describe_key, request_key
from .._thirdparty import serialization, x509
from .._tls._certificate import CertificateFacts
from .._tls._names import general_names
from .._transport._patience import Patience
from .._transport._session import DeviceSession
from .api import KeyRow, NetworkInterface, NetworkProtocol, OnvifApi, OnvifCertificate
from .rules import RULES
from .soap import OnvifFault

__all__ = ["ALIAS", "OnvifDriver"]

ALIAS: t.Final = "camsec.fleet"
_SHA256_WITH_RSA: t.Final = "1.2.840.113549.1.1.11"
_ECDSA_WITH_SHA256: t.Final = "1.2.840.10045.4.3.2"
_HTTPS_PORT: t.Final = 443


@dc.dataclass(frozen=True, kw_only=True)
class _Served:
    """What the TLS server uses.

    Attributes:
        path_id: The certification path.
        leaf: Its first certificate.
        facts: What that says.
    """

    path_id: str
    leaf: OnvifCertificate
    facts: CertificateFacts


class OnvifDriver(CameraDriver):
    """A camera by ONVIF's device and advanced security services."""

    rules = RULES

    def __init__(self, session: DeviceSession, *, key_seconds: float) -> None:
        super().__init__(session, key_seconds=key_seconds)
        self._api = OnvifApi(session)
        self._found = False
        self._secure = False
        self._key_id = ""
        self._request = b""

    # -- reading -------------------------------------------------------------------------------------------------

    def first_read(self) -> Reading:
        """Services and connection.

        Returns:
            What was read.
        """
        self._find()
        return Reading(tls_supported=self._secure, https=self.https())

    def _find(self) -> None:
        """The device's clock and services: neither needs a login."""
        if not self._found:
            self._api.clock()
            self._secure = self._api.find_services()
            self._found = True

    def rest(self, reading: Reading) -> Reading:
        """Certificate and key of the TLS server.

        Args:
            reading: What was read first.

        Returns:
            All of it.
        """
        if not self._secure:
            return reading
        served, keys = self._served(), self._api.all_keys()
        if served is None or served.facts.self_signed:
            key = self._own_key(keys)
            reading = dc.replace(reading, key=self._key_facts(key, served) if key else None)
        else:
            self._key_id = served.leaf.key_id
            reading = dc.replace(reading, key=KeyFacts(size=served.facts.key_size, generated_at=""))
        return reading if served is None else _with_certificate(reading, served.facts)

    def _served(self) -> _Served | None:
        for path_id in self._api.assigned():
            certificate_ids = self._api.path(path_id)[0]
            if certificate_ids:
                leaf = self._api.certificate(certificate_ids[0])
                facts = CertificateFacts.from_der(leaf.der, device=self.session.device, subject=leaf.id)
                return _Served(path_id=path_id, leaf=leaf, facts=facts)
        return None

    def _own_key(self, keys: t.Sequence[KeyRow]) -> KeyRow | None:
        """The newest key that we made: a factory's own is nobody's secret for sure."""
        own = [key for key in keys if key.alias == ALIAS and key.private and key.status == "ok"]
        if own:
            self._key_id = own[-1].id
        return own[-1] if own else None

    def _key_facts(self, key: KeyRow, served: _Served | None) -> KeyFacts:
        if served is not None and served.leaf.key_id == key.id:
            return KeyFacts(size=served.facts.key_size, generated_at="")
        # ONVIF tells a key's size nowhere; a CSR, which the device does not keep, shows it.
        request = x509.load_der_x509_csr(self._signed_request((("CommonName", ALIAS),), None))
        return KeyFacts(size=describe_key(request_key(request))["key_size"], generated_at="")

    def https(self) -> HttpsState:
        """How the camera answers."""
        self._find()
        protocols = self._api.protocols()
        names = [name for name in ("HTTP", "HTTPS") if name in protocols and protocols[name].enabled]
        port = protocols["HTTPS"].ports[0] if "HTTPS" in protocols and protocols["HTTPS"].ports else 0
        if not names:
            raise ProtocolError(
                device=self.session.device,
                subject="answer to GetNetworkProtocols",
                found="neither HTTP nor HTTPS enabled",
                expected="the protocol that it came by",
            )
        return HttpsState(connection="_and_".join(names).lower(), https_port=port)

    def http_port(self) -> int:
        """The camera's own port for plain HTTP."""
        ports = self._api.protocols().get("HTTP", NetworkProtocol(enabled=False, ports=())).ports
        return ports[0] if ports else 80

    def identity(self) -> Identity:
        """What the camera calls itself."""
        fields = self._api.information()
        return Identity(
            model=f"{fields['Manufacturer']} {fields['Model']}".strip(),
            version=fields["FirmwareVersion"],
            serial_number=fields["SerialNumber"],
        )

    def clock(self) -> dt.datetime:
        """The camera's time, UTC."""
        return self._api.clock()

    def time_server(self) -> str:
        """The NTP server that the camera follows, empty for none."""
        return self._api.time_server() if self._api.follows_time_server() else ""

    def network(self) -> NetworkSetting:
        """The address by which it was reached, its network and gateway."""
        interface = self._interface()
        return NetworkSetting(
            address=interface.address, prefix_length=interface.prefix_length, gateway=self._api.gateway()
        )

    def _interface(self) -> NetworkInterface:
        found, here = self._api.interfaces(), self.session.endpoint.host
        for interface in found:
            if interface.address == here:
                return interface
        raise ProtocolError(
            device=self.session.device,
            subject="answer to GetNetworkInterfaces",
            found=", ".join(interface.address for interface in found) or "no IPv4 address",
            expected=f"the address {here}, by which the camera was reached",
        )

    def request_made_at(self) -> str:
        """The camera's present time, at which it can make one; empty while it has no key."""
        return f"{self.clock():%Y-%m-%d %H:%M:%S}" if self._key_id else ""

    def certificate_request(self) -> str:
        """The CSR made last, or one for the present key."""
        der = self._request or self._signed_request((("CommonName", self.session.endpoint.host),), None)
        return x509.load_der_x509_csr(der).public_bytes(serialization.Encoding.PEM).decode()

    def self_signed_details(self) -> t.Mapping[str, str]:
        """The subject's fields of the self-signed certificate in use."""
        served = self._served()
        if served is None or not served.facts.self_signed:
            return {}
        name = x509.load_der_x509_certificate(served.leaf.der).subject
        found = {
            field: name.get_attributes_for_oid(x509.ObjectIdentifier(identifier))
            for field, (dummy, identifier) in _FIELDS.items()
        }
        return {field: str(values[0].value) if values else "" for field, values in found.items()}

    # -- steps ---------------------------------------------------------------------------------------------------

    def generate_key(self, size: int) -> None:
        """Generate a key and wait for it; one that a run before this one left unused serves as well.

        Args:
            size: Bits.

        Raises:
            VerificationError: It did not come about.
        """
        self._key_id = self._left_behind(size) or self._new_key(size)

    def _left_behind(self, size: int) -> str:
        used = {certificate.key_id for certificate in self._api.certificates()}
        for key in self._api.all_keys():
            if key.alias == ALIAS and key.private and key.status == "ok" and key.id not in used:
                self._key_id = key.id
                if self._key_facts(key, None).size == size:
                    return key.id
        return ""

    def _new_key(self, size: int) -> str:
        key_id = self._api.create_rsa_key(size, ALIAS)
        patience = Patience(self.key_seconds)
        while (status := self._api.key_status(key_id)) == "generating" and patience.wait():
            pass
        if status != "ok":
            raise VerificationError(
                device=self.session.device,
                subject="private key",
                found=f"{key_id}, {status} after {self.key_seconds:g} s at most",
                expected=f"a key of {size} bits",
                advice="Run it again later: it goes on from there.",
            )
        return key_id

    def make_request(self, subject: SubjectName, names: t.Sequence[str]) -> None:
        """Make a CSR; it asks for the names too.

        Args:
            subject: Its subject.
            names: Subject alternative names.
        """
        self._request = self._signed_request(_ordered(subject), _alternative_names(names))

    def _signed_request(self, subject: t.Sequence[tuple[str, str]], extension: bytes | None) -> bytes:
        try:
            return self._api.create_request(self._key_id, subject, _SHA256_WITH_RSA, extension)
        except OnvifFault as fault:
            if "KeySignatureAlgorithmMismatch" not in fault.codes:
                raise
        return self._api.create_request(self._key_id, subject, _ECDSA_WITH_SHA256, extension)

    def install_certificate(self, pem: str, issuers: t.Sequence[str]) -> None:
        """Put the chain into the keystore and let the TLS server use it. What served before stays until tidy().

        Args:
            pem: The certificate.
            issuers: Those between it and the root.
        """
        chain = [self._stored(pem, private_key=True), *(self._stored(one, private_key=False) for one in issuers)]
        self._assign(self._api.create_path(chain, ALIAS))

    def _stored(self, pem: str, *, private_key: bool) -> str:
        der = x509.load_pem_x509_certificate(pem.encode()).public_bytes(serialization.Encoding.DER)
        try:
            return self._api.upload_certificate(der, ALIAS, private_key=private_key)
        except OnvifFault as fault:
            present = [one.id for one in self._api.certificates() if one.der == der] if _is(fault, "Duplicate") else []
            if not present:
                raise
            return present[0]

    def _assign(self, path_id: str) -> None:
        present = self._api.assigned()
        if present:
            self._api.reassign(present[0], path_id)
        else:
            self._api.assign(path_id)

    def tidy(self) -> None:
        """Delete what we put into the keystore and nothing refers to any more."""
        assigned = set(self._api.assigned())
        for path_id in self._api.paths():
            if path_id not in assigned and self._api.path(path_id)[1] == ALIAS:
                self._if_unused(self._api.delete_path, path_id)
        for certificate in self._api.certificates():
            if certificate.alias == ALIAS:
                self._if_unused(self._api.delete_certificate, certificate.id)
        used = {certificate.key_id for certificate in self._api.certificates()}
        for key in self._api.all_keys() if assigned else ():
            if key.alias == ALIAS and key.id not in used:
                self._if_unused(self._api.delete_key, key.id)

    @staticmethod
    def _if_unused(delete: t.Callable[[str], None], name: str) -> None:
        try:
            delete(name)
        except OnvifFault as fault:
            if not _is(fault, "ReferenceExists"):
                raise

    def delete_certificate(self) -> None:
        """Let the TLS server no longer use it, then delete it."""
        served = self._served()
        if served is not None:
            self._api.unassign(served.path_id)
            self._api.delete_path(served.path_id)
            self._if_unused(self._api.delete_certificate, served.leaf.id)

    def make_self_signed(self, subject: SubjectName) -> None:
        """Make a self-signed certificate and let the TLS server use it.

        Args:
            subject: Its subject.
        """
        made = self._api.create_self_signed(self._key_id, _ordered(subject), _SHA256_WITH_RSA, ALIAS)
        self._assign(self._api.create_path([made], ALIAS))

    def delete_self_signed(self) -> None:
        """Let the TLS server no longer use it, then delete it."""
        self.delete_certificate()

    def set_clock(self, now: dt.datetime) -> None:
        """Set the camera's clock; it then follows no time server.

        Args:
            now: UTC.
        """
        self._api.set_clock(now)

    def set_time_server(self, server: str) -> None:
        """Let the camera follow an NTP server.

        Args:
            server: Address or host name.
        """
        self._api.set_time_server(server)
        self._api.follow_time_server()

    def set_network(self, wanted: NetworkSetting) -> None:
        """Another address; the gateway is set before, since the camera may be out of reach afterwards.

        Args:
            wanted: The whole setting.

        Raises:
            OnvifFault: The camera refused it; its gateway is the former one again.
        """
        interface, gateway = self._interface(), self._api.gateway()
        if wanted.gateway != gateway:
            self._api.set_gateway(wanted.gateway)
        try:
            restart = self._api.set_interface(interface.token, wanted.address, wanted.prefix_length)
        except OnvifFault:
            if wanted.gateway != gateway:
                self._api.set_gateway(gateway)
            raise
        if restart:
            self._api.reboot()

    def set_password(self, account: str, password: Secret) -> None:
        """Give an account another password; its level stays.

        Args:
            account: Its name.
            password: The new one.
        """
        self._api.set_user(account, password, self._api.level(account))

    def reboot(self) -> None:
        """Restart the camera."""
        self._api.reboot()

    def set_https(self, wanted: HttpsState) -> None:
        """Choose how the camera answers.

        Args:
            wanted: Scheme and port.
        """
        http, https = "http" in wanted.connection.split("_and_"), wanted.connection != "http"
        protocols = {
            "HTTP": NetworkProtocol(enabled=http, ports=(self.http_port(),)),
            "HTTPS": NetworkProtocol(enabled=https, ports=(wanted.https_port or _HTTPS_PORT,)),
        }
        # What is switched on comes first: a device that takes them one by one never answers by none.
        ordered = sorted(protocols.items(), key=lambda item: not item[1].enabled)
        self._api.set_protocols(dict(ordered))


#: The fields of a subject: ONVIF's names in the order of its schema (DistinguishedName), and X.509's.
_FIELDS: t.Final[t.Mapping[str, tuple[str, t.Any]]] = {
    "country": ("Country", "2.5.4.6"),
    "organization": ("Organization", "2.5.4.10"),
    "organizational_unit": ("OrganizationalUnit", "2.5.4.11"),
    "state": ("StateOrProvinceName", "2.5.4.8"),
    "common_name": ("CommonName", "2.5.4.3"),
    "locality": ("Locality", "2.5.4.7"),
}


def _ordered(subject: SubjectName) -> list[tuple[str, str]]:
    return [(name, getattr(subject, field)) for field, (name, dummy) in _FIELDS.items()]


def _alternative_names(names: t.Sequence[str]) -> bytes | None:
    return x509.SubjectAlternativeName(general_names(names)).public_bytes() if names else None


def _is(fault: OnvifFault, code: str) -> bool:
    return code in fault.codes


def _with_certificate(reading: Reading, facts: CertificateFacts) -> Reading:
    expired = facts.not_after < dt.datetime.now(tz=dt.UTC)
    if facts.self_signed:
        return dc.replace(
            reading,
            self_signed="expired" if expired else "valid",
            self_signed_name="" if expired else facts.subject_common_name,
        )
    return dc.replace(
        reading,
        ca_certificate="expired" if expired else "valid",
        ca_certificate_name="" if expired else facts.subject_common_name,
        installed_serial=facts.serial_number,
    )
