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

from .._camera.abilities import Abilities, KeyKind
from .._camera.driver import CameraDriver, Identity, NetworkSetting, Reading
from .._camera.state import HttpsState, KeyFacts, SubjectName
from .._core._errors import ProtocolError, VerificationError
from .._core._secret import Secret
from .._pki._bundle import pkcs8_base64, pkcs12_file
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
#: Curves by their bits, as TLS and ONVIF call them.
_CURVES: t.Final[t.Mapping[int, str]] = {256: "secp256r1", 384: "secp384r1", 521: "secp521r1"}
#: The encryption of a PKCS#12 file that we prefer where a device knows it (RFC 8018).
_PBES2: t.Final = "PBES2"


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
            external = any(key.external for key in keys if key.id == served.leaf.key_id)
            reading = dc.replace(reading, key=dc.replace(_key_of(served), external=external))
        return reading if served is None else reading.with_certificate(served.facts)

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
        usable = [key for key in keys if key.private and key.status == "ok" and not key.external]
        own = [key for key in usable if key.alias == ALIAS]
        if own:
            self._key_id = own[-1].id
        return own[-1] if own else None

    def _key_facts(self, key: KeyRow, served: _Served | None) -> KeyFacts:
        if served is not None and served.leaf.key_id == key.id:
            return _key_of(served)
        # ONVIF tells a key's type and size nowhere; a CSR, which the device does not keep, shows them.
        request = x509.load_der_x509_csr(self._signed_request((("CommonName", ALIAS),), None))
        found = describe_key(request_key(request))
        return KeyFacts(type=found["key_type"], size=found["key_size"], generated_at="")

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

    def abilities(self) -> Abilities:
        """What keystore and TLS server of this device can do."""
        found = self._api.capabilities()
        curves = [KeyKind(type="ecdsa", size=size) for size, name in _CURVES.items() if name in found.elliptic_curves]
        return Abilities(
            key_kinds=(*(KeyKind(type="rsa", size=size) for size in found.rsa_key_lengths), *curves),
            foreign_keys=found.pkcs12 | found.pkcs8,
            tls_versions=found.tls_versions,
        )

    def tls_versions(self) -> tuple[str, ...]:
        """TLS versions that are enabled."""
        return self._api.tls_versions()

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

    def generate_key(self, kind: KeyKind) -> None:
        """Generate a key and wait for it; one that a run before this one left unused serves as well.

        Args:
            kind: What it is of.

        Raises:
            VerificationError: It did not come about.
        """
        self._key_id = self._left_behind(kind) or self._new_key(kind)

    def _left_behind(self, kind: KeyKind) -> str:
        used = {certificate.key_id for certificate in self._api.certificates()}
        for key in self._api.all_keys():
            ready = key.private and key.status == "ok" and not key.external
            if key.alias == ALIAS and ready and key.id not in used:
                self._key_id = key.id
                if self._key_facts(key, None).kind == kind:
                    return key.id
        return ""

    def _new_key(self, kind: KeyKind) -> str:
        key_id = self._begin_key(kind)
        patience = Patience(self.key_seconds)
        while (status := self._api.key_status(key_id)) == "generating" and patience.wait():
            pass
        if status != "ok":
            raise VerificationError(
                device=self.session.device,
                subject="private key",
                found=f"{key_id}, {status} after {self.key_seconds:g} s at most",
                expected=f"a key of {kind}",
                advice="Run it again later: it goes on from there.",
            )
        return key_id

    def _begin_key(self, kind: KeyKind) -> str:
        if kind.type == "rsa":
            return self._api.create_rsa_key(kind.size, ALIAS)
        return self._api.create_ecc_key(_CURVES[kind.size], ALIAS)

    def make_request(self, subject: SubjectName, names: t.Sequence[str]) -> None:
        """Make a CSR; it asks for the names too.

        Args:
            subject: Its subject.
            names: Subject alternative names.
        """
        self._request = self._signed_request(_ordered(subject), _alternative_names(names))

    def _signed_request(self, subject: t.Sequence[tuple[str, str]], extension: bytes | None) -> bytes:
        return _by_either_algorithm(
            lambda algorithm: self._api.create_request(self._key_id, subject, algorithm, extension)
        )

    def install_certificate(self, pem: str, issuers: t.Sequence[str]) -> None:
        """Put the chain into the keystore and let the TLS server use it. What served before stays until tidy().

        Args:
            pem: The certificate.
            issuers: Those between it and the root.
        """
        chain = [self._stored(pem, private_key=True), *(self._stored(one, private_key=False) for one in issuers)]
        self._assign(self._api.create_path(chain, ALIAS))

    def install_with_key(self, pem: str, issuers: t.Sequence[str], key: Secret) -> None:
        """Put certificate, key and chain into the keystore and let the TLS server use them.

        Args:
            pem: The certificate.
            issuers: Those between it and the root.
            key: The private key.
        """
        chain = [self._stored_with_key(pem, key), *(self._stored(one, private_key=False) for one in issuers)]
        self._assign(self._api.create_path(chain, ALIAS))

    def _stored_with_key(self, pem: str, key: Secret) -> str:
        facts = CertificateFacts.from_pem(pem, device=self.session.device)
        private = {row.id for row in self._api.all_keys() if row.private}
        present = [one.id for one in self._api.certificates() if one.der == facts.der and one.key_id in private]
        if present:
            return present[0]
        capabilities = self._api.capabilities()
        if facts.key_type in capabilities.pkcs12:
            # The operator's own passphrase never leaves this host.
            content, passphrase = pkcs12_file(facts, key, name=ALIAS, modern=_PBES2 in capabilities.encryption)
            return self._api.path(self._api.upload_pkcs12(content, passphrase, ALIAS))[0][0]
        self._api.upload_key(pkcs8_base64(key), ALIAS)
        return self._stored(pem, private_key=True)

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
        """Delete what we put into the keystore and nothing refers to any more, but for the key to go on with."""
        assigned = set(self._api.assigned())
        for path_id in self._api.paths():
            if path_id not in assigned and self._api.path(path_id)[1] == ALIAS:
                self._if_unused(self._api.delete_path, path_id)
        ours = {key.id for key in self._api.all_keys() if key.alias == ALIAS}
        for certificate in self._api.certificates():
            # One that came in a PKCS#12 file has no name of its own, but its key has.
            if certificate.alias == ALIAS or (not certificate.alias and certificate.key_id in ours):
                self._if_unused(self._api.delete_certificate, certificate.id)
        used = {certificate.key_id for certificate in self._api.certificates()}
        for key in self._api.all_keys() if assigned else ():
            if key.alias == ALIAS and key.id not in used and key.id != self._key_id:
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
        made = _by_either_algorithm(
            lambda algorithm: self._api.create_self_signed(self._key_id, _ordered(subject), algorithm, ALIAS)
        )
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

    def set_tls_versions(self, versions: t.Sequence[str]) -> None:
        """Enable some TLS versions and no others.

        Args:
            versions: For example ``("1.2", "1.3")``.
        """
        self._api.set_tls_versions(versions)

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


_Made = t.TypeVar("_Made")


def _by_either_algorithm(make: t.Callable[[str], _Made]) -> _Made:
    """Whatever an RSA key signs, or else an ECDSA key: a device tells a key's type nowhere."""
    try:
        return make(_SHA256_WITH_RSA)
    except OnvifFault as fault:
        if not _is(fault, "KeySignatureAlgorithmMismatch"):
            raise
    return make(_ECDSA_WITH_SHA256)


def _key_of(served: _Served) -> KeyFacts:
    return KeyFacts(type=served.facts.key_type, size=served.facts.key_size, generated_at="")


def _is(fault: OnvifFault, code: str) -> bool:
    return code in fault.codes
