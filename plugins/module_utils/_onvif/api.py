# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The calls of an ONVIF camera, and nothing else: no decisions, no rules.

All of them stand in ONVIF's own WSDL (``devicemgmt.wsdl``, ``advancedsecurity.wsdl``, 26.06). None was tried on
hardware.
"""

from __future__ import annotations

import base64
import binascii
import contextlib
import dataclasses as dc
import datetime as dt
import ipaddress
import typing as t
import urllib.parse

from .._core._errors import ConnectError, ProtocolError
from .._core._secret import Secret
from .._transport._session import DeviceSession
from .soap import TAS, TDS, TT, Content, Soap, text_of

__all__ = [
    "KeyRow",
    "NetworkInterface",
    "NetworkProtocol",
    "OnvifApi",
    "OnvifCertificate",
    "SecurityCapabilities",
]

#: Where every device has its device service (Core specification, 5.1.1); the others it tells.
DEVICE_SERVICE: t.Final = "/onvif/device_service"


@dc.dataclass(frozen=True, kw_only=True)
class NetworkProtocol:
    """A protocol that the device answers by.

    Attributes:
        enabled: It does.
        ports: Its TCP ports.
    """

    enabled: bool
    ports: tuple[int, ...]


@dc.dataclass(frozen=True, kw_only=True)
class NetworkInterface:
    """A network interface with an IPv4 address.

    Attributes:
        token: The device's name for it.
        address: Its address.
        prefix_length: Bits of its network.
    """

    token: str
    address: str
    prefix_length: int


@dc.dataclass(frozen=True, kw_only=True)
class KeyRow:
    """A key of the device's keystore.

    Attributes:
        id: The device's name for it.
        alias: Whoever made it gave it that name.
        private: The device has the private half.
        status: ``ok``, ``generating`` or ``corrupt``.
        external: It came from outside.
    """

    id: str
    alias: str
    private: bool
    status: str
    external: bool = False


@dc.dataclass(frozen=True, kw_only=True)
class OnvifCertificate:
    """A certificate of the device's keystore.

    Attributes:
        id: The device's name for it.
        key_id: Its key.
        alias: Whoever made it gave it that name.
        der: The certificate.
    """

    id: str
    key_id: str
    alias: str
    der: bytes


@dc.dataclass(frozen=True, kw_only=True)
class SecurityCapabilities:
    """What a device's keystore and TLS server can do.

    Attributes:
        rsa_key_lengths: Bits of the RSA keys that it makes.
        elliptic_curves: Names of the curves on which it makes keys.
        pkcs8: Types of keys, ``rsa`` and ``ecdsa``, that it takes in a PKCS#8 file.
        pkcs12: Types of keys that it takes with their certificate in a PKCS#12 file.
        encryption: Encryption algorithms of such files that it knows.
        tls_versions: TLS versions that can be enabled; none where they cannot be chosen.
    """

    rsa_key_lengths: tuple[int, ...]
    elliptic_curves: tuple[str, ...]
    pkcs8: frozenset[str]
    pkcs12: frozenset[str]
    encryption: tuple[str, ...]
    tls_versions: tuple[str, ...]


class OnvifApi:
    """The calls of one device over one session.

    Args:
        session: The session; the account has to be an administrator's.
    """

    def __init__(self, session: DeviceSession) -> None:
        self.device = session.device
        self._soap = Soap(session)
        self._security = ""

    # -- device service ------------------------------------------------------------------------------------------

    def clock(self) -> dt.datetime:
        """The device's time, UTC (``GetSystemDateAndTime``, without a login)."""
        response = self._device("GetSystemDateAndTime")
        where = (_tds("SystemDateAndTime"), _tt("UTCDateTime"))
        date = [text_of(response, *where, _tt("Date"), _tt(name)) for name in ("Year", "Month", "Day")]
        time = [text_of(response, *where, _tt("Time"), _tt(name)) for name in ("Hour", "Minute", "Second")]
        try:
            # A leap second is the last one of its minute for us.
            year, month, day, hour, minute, second = map(int, (*date, *time))
            found = dt.datetime(year, month, day, hour, minute, min(second, 59), tzinfo=dt.UTC)
        except ValueError:
            raise self._unknown("GetSystemDateAndTime", "no UTC time", "UTCDateTime with date and time") from None
        self._soap.keep_time(found)
        return found

    def set_clock(self, now: dt.datetime) -> None:
        """Set the device's clock (``SetSystemDateAndTime``); it then follows no time server.

        Args:
            now: UTC.
        """
        time = tuple(
            (_tt(name), str(value))
            for name, value in (("Hour", now.hour), ("Minute", now.minute), ("Second", now.second))
        )
        date = tuple(
            (_tt(name), str(value)) for name, value in (("Year", now.year), ("Month", now.month), ("Day", now.day))
        )
        content = (
            (_tds("DateTimeType"), "Manual"),
            (_tds("DaylightSavings"), "false"),
            (_tds("UTCDateTime"), ((_tt("Time"), time), (_tt("Date"), date))),
        )
        self._device("SetSystemDateAndTime", content, repeat=False)

    def follow_time_server(self) -> None:
        """Let the device follow the NTP server that it knows (``SetSystemDateAndTime``)."""
        content = ((_tds("DateTimeType"), "NTP"), (_tds("DaylightSavings"), "false"))
        self._device("SetSystemDateAndTime", content, repeat=False)

    def follows_time_server(self) -> bool:
        """Whether it follows one (``GetSystemDateAndTime``)."""
        response = self._device("GetSystemDateAndTime")
        return text_of(response, _tds("SystemDateAndTime"), _tt("DateTimeType")) == "NTP"

    def time_server(self) -> str:
        """The NTP server that was set by hand (``GetNTP``), empty where there is none."""
        information = self._device("GetNTP").find(_tds("NTPInformation"))
        if information is None or text_of(information, _tt("FromDHCP")) in ("true", "1"):
            return ""
        names = (_tt("IPv4Address"), _tt("IPv6Address"), _tt("DNSname"))
        found = [text_of(information, _tt("NTPManual"), name) for name in names]
        return next((server for server in found if server), "")

    def set_time_server(self, server: str) -> None:
        """Another NTP server (``SetNTP``).

        Args:
            server: Address or host name.
        """
        kind, field = _network_host(server)
        content = (
            (_tds("FromDHCP"), "false"),
            (_tds("NTPManual"), ((_tt("Type"), kind), (_tt(field), server))),
        )
        self._device("SetNTP", content, repeat=False)

    def level(self, account: str) -> str:
        """User level of an account (``GetUsers``), empty where there is none of that name."""
        rows = self._device("GetUsers").iterchildren(_tds("User"))
        found = {text_of(row, _tt("Username")): text_of(row, _tt("UserLevel")) for row in rows}
        return found.get(account, "")

    def set_user(self, account: str, password: Secret, level: str) -> None:
        """Another password for an account (``SetUser``); it stands in the body, in the clear but for TLS.

        Args:
            account: Its name.
            password: The new one.
            level: Its user level, as it was.
        """
        user = ((_tt("Username"), account), (_tt("Password"), password.reveal()), (_tt("UserLevel"), level))
        self._device("SetUser", ((_tds("User"), user),), repeat=False)

    def reboot(self) -> None:
        """Restart the device (``SystemReboot``); a lost answer is no error."""
        with contextlib.suppress(ConnectError):
            self._device("SystemReboot", repeat=False)

    def find_services(self) -> bool:
        """Learn where the services are (``GetServices``, without a login).

        Returns:
            Whether there is an advanced security service.
        """
        response = self._device("GetServices", ((_tds("IncludeCapability"), "false"),))
        for service in response.iterchildren(_tds("Service")):
            if text_of(service, _tds("Namespace")) == TAS:
                # The path alone: the host may be one that only the device's own network knows.
                self._security = urllib.parse.urlsplit(text_of(service, _tds("XAddr"))).path or DEVICE_SERVICE
        return bool(self._security)

    def information(self) -> dict[str, str]:
        """Manufacturer, Model, FirmwareVersion, SerialNumber, HardwareId (``GetDeviceInformation``)."""
        response = self._device("GetDeviceInformation")
        names = ("Manufacturer", "Model", "FirmwareVersion", "SerialNumber", "HardwareId")
        return {name: text_of(response, _tds(name)) for name in names}

    def protocols(self) -> dict[str, NetworkProtocol]:
        """What the device answers by (``GetNetworkProtocols``): ``HTTP``, ``HTTPS``, ``RTSP``."""
        response = self._device("GetNetworkProtocols")
        found: dict[str, NetworkProtocol] = {}
        for row in response.iterchildren(_tds("NetworkProtocols")):
            ports = tuple(int(port.text) for port in row.iterchildren(_tt("Port")) if (port.text or "").isdecimal())
            enabled = text_of(row, _tt("Enabled")) in ("true", "1")
            found[text_of(row, _tt("Name"))] = NetworkProtocol(enabled=enabled, ports=ports)
        if not found.get("HTTP", found.get("HTTPS")):
            raise self._unknown("GetNetworkProtocols", ", ".join(found) or "nothing", "HTTP or HTTPS")
        return found

    def set_protocols(self, wanted: t.Mapping[str, NetworkProtocol]) -> None:
        """Choose what the device answers by (``SetNetworkProtocols``); it may cut all connections.

        Args:
            wanted: Those that are to be set. A lost answer is no error: evidence comes from the new endpoint.
        """
        rows: list[tuple[str, Content]] = [
            (
                _tds("NetworkProtocols"),
                (
                    (_tt("Name"), name),
                    (_tt("Enabled"), str(protocol.enabled).lower()),
                    *((_tt("Port"), str(port)) for port in protocol.ports),
                ),
            )
            for name, protocol in wanted.items()
        ]
        with contextlib.suppress(ConnectError):
            self._device("SetNetworkProtocols", rows, repeat=False)

    def interfaces(self) -> tuple[NetworkInterface, ...]:
        """Those with an IPv4 address (``GetNetworkInterfaces``)."""
        found = []
        for row in self._device("GetNetworkInterfaces").iterchildren(_tds("NetworkInterfaces")):
            for kind in ("Manual", "FromDHCP"):
                where = (_tt("IPv4"), _tt("Config"), _tt(kind))
                address, bits = (text_of(row, *where, _tt(name)) for name in ("Address", "PrefixLength"))
                if address and bits.isdecimal():
                    token = row.get("token", "")
                    found.append(NetworkInterface(token=token, address=address, prefix_length=int(bits)))
        return tuple(found)

    def set_interface(self, token: str, address: str, prefix_length: int) -> bool:
        """Another IPv4 address, set by hand (``SetNetworkInterfaces``); the device then asks no DHCP server.

        Args:
            token: The interface.
            address: The address.
            prefix_length: Bits of its network.

        Returns:
            Whether it takes effect with a restart only. A lost answer is no error: evidence comes from the new address.
        """
        manual = ((_tt("Address"), address), (_tt("PrefixLength"), str(prefix_length)))
        ipv4 = ((_tt("Enabled"), "true"), (_tt("Manual"), manual), (_tt("DHCP"), "false"))
        interface = ((_tt("Enabled"), "true"), (_tt("IPv4"), ipv4))
        content = ((_tds("InterfaceToken"), token), (_tds("NetworkInterface"), interface))
        with contextlib.suppress(ConnectError):
            response = self._device("SetNetworkInterfaces", content, repeat=False)
            return text_of(response, _tds("RebootNeeded")) in ("true", "1")
        return False

    def gateway(self) -> str:
        """The default gateway, IPv4 (``GetNetworkDefaultGateway``); empty for none."""
        return text_of(self._device("GetNetworkDefaultGateway"), _tds("NetworkGateway"), _tt("IPv4Address"))

    def set_gateway(self, address: str) -> None:
        """Another default gateway (``SetNetworkDefaultGateway``).

        Args:
            address: IPv4; empty for none.
        """
        content = ((_tds("IPv4Address"), address),) if address else ()
        self._device("SetNetworkDefaultGateway", content, repeat=False)

    # -- advanced security ---------------------------------------------------------------------------------------

    def capabilities(self) -> SecurityCapabilities:
        """What keystore and TLS server can do (``GetServiceCapabilities``, without a login)."""
        found = self._secure("GetServiceCapabilities").find(_tas("Capabilities"))
        store = found.find(_tas("KeystoreCapabilities")) if found is not None else None
        server = found.find(_tas("TLSServerCapabilities")) if found is not None else None
        if store is None or server is None:
            raise self._unknown("GetServiceCapabilities", "an answer without them", "keystore and TLS server")
        lengths = tuple(int(one) for one in store.get("RSAKeyLengths", "").split() if one.isdecimal())
        return SecurityCapabilities(
            rsa_key_lengths=lengths if _yes(store, "RSAKeyPairGeneration") else (),
            elliptic_curves=tuple(
                store.get("EllipticCurves", "").split() if _yes(store, "ECCKeyPairGeneration") else ()
            ),
            pkcs8=_uploads(store, "PKCS8", "PKCS8RSAKeyPairUpload"),
            pkcs12=_uploads(store, "PKCS12", "PKCS12CertificateWithRSAPrivateKeyUpload"),
            encryption=tuple(store.get("PasswordBasedEncryptionAlgorithms", "").split()),
            tls_versions=tuple(
                server.get("TLSServerSupported", "").split() if _yes(server, "EnabledVersionsSupported") else ()
            ),
        )

    def all_keys(self) -> tuple[KeyRow, ...]:
        """The keystore's keys (``GetAllKeys``)."""
        response = self._secure("GetAllKeys")
        return tuple(
            KeyRow(
                id=text_of(row, _tas("KeyID")),
                alias=text_of(row, _tas("Alias")),
                private=text_of(row, _tas("hasPrivateKey")) in ("true", "1"),
                status=text_of(row, _tas("KeyStatus")),
                external=text_of(row, _tas("externallyGenerated")) in ("true", "1"),
            )
            for row in response.iterchildren(_tas("KeyAttribute"))
        )

    def create_rsa_key(self, size: int, alias: str) -> str:
        """Begin to make a key (``CreateRSAKeyPair``); how long the device expects to need is not asked for.

        Args:
            size: Bits.
            alias: A name for it.

        Returns:
            Its id.
        """
        fields = ((_tas("KeyLength"), str(size)), (_tas("Alias"), alias))
        response = self._secure("CreateRSAKeyPair", fields, repeat=False)
        return self._needed(response, "CreateRSAKeyPair", "KeyID")

    def create_ecc_key(self, curve: str, alias: str) -> str:
        """Begin to make a key (``CreateECCKeyPair``).

        Args:
            curve: Its name, for example ``secp256r1``.
            alias: A name for the key.

        Returns:
            Its id.
        """
        fields = ((_tas("EllipticCurve"), curve), (_tas("Alias"), alias))
        response = self._secure("CreateECCKeyPair", fields, repeat=False)
        return self._needed(response, "CreateECCKeyPair", "KeyID")

    def upload_key(self, key: Secret, alias: str) -> str:
        """Put a private key into the keystore (``UploadKeyPairInPKCS8``), in the clear but for TLS.

        Args:
            key: PKCS#8, DER in base64.
            alias: A name for it.

        Returns:
            Its id.
        """
        content = ((_tas("KeyPair"), key.reveal()), (_tas("Alias"), alias))
        response = self._secure("UploadKeyPairInPKCS8", content, repeat=False)
        return self._needed(response, "UploadKeyPairInPKCS8", "KeyID")

    def upload_pkcs12(self, content: bytes, passphrase: Secret, alias: str) -> str:
        """Put a certificate and its key into the keystore (``UploadCertificateWithPrivateKeyInPKCS12``).

        Args:
            content: The file; further certificates in it are not taken.
            passphrase: It opens the file.
            alias: A name for the key, and for the path that the device makes of the certificate.

        Returns:
            Id of that path.
        """
        fields = (
            (_tas("CertWithPrivateKey"), _encoded(content)),
            (_tas("CertificationPathAlias"), alias),
            (_tas("KeyAlias"), alias),
            (_tas("IgnoreAdditionalCertificates"), "true"),
            (_tas("Passphrase"), passphrase.reveal()),
        )
        response = self._secure("UploadCertificateWithPrivateKeyInPKCS12", fields, repeat=False)
        return self._needed(response, "UploadCertificateWithPrivateKeyInPKCS12", "CertificationPathID")

    def key_status(self, key_id: str) -> str:
        """``ok``, ``generating`` or ``corrupt`` (``GetKeyStatus``)."""
        return text_of(self._secure("GetKeyStatus", ((_tas("KeyID"), key_id),)), _tas("KeyStatus"))

    def delete_key(self, key_id: str) -> None:
        """Delete a key that nothing refers to (``DeleteKey``)."""
        self._secure("DeleteKey", ((_tas("KeyID"), key_id),), repeat=False)

    def create_request(
        self, key_id: str, subject: t.Sequence[tuple[str, str]], algorithm: str, extension: bytes | None
    ) -> bytes:
        """Make a CSR for a key (``CreatePKCS10CSR``); the device keeps nothing of it.

        Args:
            key_id: The key.
            subject: The fields of its subject in ONVIF's order, those that are empty left out.
            algorithm: Object identifier of the signature.
            extension: DER of a subjectAltName that the CSR is to ask for, if any.

        Returns:
            DER.
        """
        asked = (
            ()
            if extension is None
            else (
                (
                    _tas("CSRAttribute"),
                    (
                        (
                            _tas("X509v3Extension"),
                            (
                                (_tas("extnOID"), _SUBJECT_ALT_NAME),
                                (_tas("critical"), "false"),
                                (_tas("extnValue"), _encoded(extension)),
                            ),
                        ),
                    ),
                ),
            )
        )
        content = (
            _subject(subject),
            (_tas("KeyID"), key_id),
            *asked,
            (_tas("SignatureAlgorithm"), ((_tas("algorithm"), algorithm),)),
        )
        response = self._secure("CreatePKCS10CSR", content)
        return self._decoded("CreatePKCS10CSR", text_of(response, _tas("PKCS10CSR")))

    def create_self_signed(self, key_id: str, subject: t.Sequence[tuple[str, str]], algorithm: str, alias: str) -> str:
        """Make a self-signed certificate for a key (``CreateSelfSignedCertificate``).

        Args:
            key_id: The key.
            subject: The fields of its subject in ONVIF's order.
            algorithm: Object identifier of the signature.
            alias: A name for it.

        Returns:
            Its id.
        """
        content = (
            _subject(subject),
            (_tas("KeyID"), key_id),
            (_tas("Alias"), alias),
            (_tas("SignatureAlgorithm"), ((_tas("algorithm"), algorithm),)),
        )
        response = self._secure("CreateSelfSignedCertificate", content, repeat=False)
        return self._needed(response, "CreateSelfSignedCertificate", "CertificateID")

    def upload_certificate(self, der: bytes, alias: str, *, private_key: bool) -> str:
        """Put a certificate into the keystore (``UploadCertificate``).

        Args:
            der: The certificate.
            alias: A name for it.
            private_key: The device has to have its private key.

        Returns:
            Its id.
        """
        content = (
            (_tas("Certificate"), _encoded(der)),
            (_tas("Alias"), alias),
            (_tas("PrivateKeyRequired"), str(private_key).lower()),
        )
        response = self._secure("UploadCertificate", content, repeat=False)
        return self._needed(response, "UploadCertificate", "CertificateID")

    def certificate(self, certificate_id: str) -> OnvifCertificate:
        """One certificate (``GetCertificate``)."""
        response = self._secure("GetCertificate", ((_tas("CertificateID"), certificate_id),))
        row = response.find(_tas("Certificate"))
        if row is None:
            raise self._unknown("GetCertificate", "no certificate", f"the certificate {certificate_id}")
        return self._certificate_row("GetCertificate", row)

    def certificates(self) -> tuple[OnvifCertificate, ...]:
        """The keystore's certificates (``GetAllCertificates``)."""
        rows = self._secure("GetAllCertificates").iterchildren(_tas("Certificate"))
        return tuple(self._certificate_row("GetAllCertificates", row) for row in rows)

    def delete_certificate(self, certificate_id: str) -> None:
        """Delete a certificate that no path refers to (``DeleteCertificate``)."""
        self._secure("DeleteCertificate", ((_tas("CertificateID"), certificate_id),), repeat=False)

    def create_path(self, certificate_ids: t.Sequence[str], alias: str) -> str:
        """Make a certification path (``CreateCertificationPath``).

        Args:
            certificate_ids: The server's certificate, then those between it and the root.
            alias: A name for it.

        Returns:
            Its id.
        """
        ids: Content = tuple((_tas("CertificateID"), one) for one in certificate_ids)
        content = ((_tas("CertificateIDs"), ids), (_tas("Alias"), alias))
        response = self._secure("CreateCertificationPath", content, repeat=False)
        return self._needed(response, "CreateCertificationPath", "CertificationPathID")

    def path(self, path_id: str) -> tuple[tuple[str, ...], str]:
        """The certificates of a path, the server's first, and its alias (``GetCertificationPath``)."""
        response = self._secure("GetCertificationPath", ((_tas("CertificationPathID"), path_id),))
        row = response.find(_tas("CertificationPath"))
        if row is None:
            raise self._unknown("GetCertificationPath", "no path", f"the path {path_id}")
        ids = tuple((one.text or "").strip() for one in row.iterchildren(_tas("CertificateID")))
        return ids, text_of(row, _tas("Alias"))

    def paths(self) -> tuple[str, ...]:
        """Ids of all certification paths (``GetAllCertificationPaths``)."""
        rows = self._secure("GetAllCertificationPaths").iterchildren(_tas("CertificationPathID"))
        return tuple((row.text or "").strip() for row in rows)

    def delete_path(self, path_id: str) -> None:
        """Delete a path that is not assigned (``DeleteCertificationPath``)."""
        self._secure("DeleteCertificationPath", ((_tas("CertificationPathID"), path_id),), repeat=False)

    def assigned(self) -> tuple[str, ...]:
        """Ids of the paths that the TLS server uses (``GetAssignedServerCertificates``)."""
        rows = self._secure("GetAssignedServerCertificates").iterchildren(_tas("CertificationPathID"))
        return tuple((row.text or "").strip() for row in rows)

    def assign(self, path_id: str) -> None:
        """Let the TLS server use a path (``AddServerCertificateAssignment``)."""
        self._secure("AddServerCertificateAssignment", ((_tas("CertificationPathID"), path_id),), repeat=False)

    def reassign(self, old_path_id: str, new_path_id: str) -> None:
        """Let the TLS server use a path instead of another (``ReplaceServerCertificateAssignment``)."""
        content = ((_tas("OldCertificationPathID"), old_path_id), (_tas("NewCertificationPathID"), new_path_id))
        self._secure("ReplaceServerCertificateAssignment", content, repeat=False)

    def unassign(self, path_id: str) -> None:
        """Let the TLS server no longer use a path (``RemoveServerCertificateAssignment``)."""
        self._secure("RemoveServerCertificateAssignment", ((_tas("CertificationPathID"), path_id),), repeat=False)

    def tls_versions(self) -> tuple[str, ...]:
        """Those that are enabled (``GetEnabledTLSVersions``), for example ``("1.2", "1.3")``."""
        return tuple(text_of(self._secure("GetEnabledTLSVersions"), _tas("Versions")).split())

    def set_tls_versions(self, versions: t.Sequence[str]) -> None:
        """Enable those and no others (``SetEnabledTLSVersions``); a lost answer is no error.

        Args:
            versions: For example ``("1.2", "1.3")``.
        """
        with contextlib.suppress(ConnectError):
            self._secure("SetEnabledTLSVersions", ((_tas("Versions"), " ".join(versions)),), repeat=False)

    # -- inside --------------------------------------------------------------------------------------------------

    def _device(self, operation: str, content: Content = (), *, repeat: bool = True) -> t.Any:
        return self._soap.call(DEVICE_SERVICE, TDS, operation, content, repeat=repeat)

    def _secure(self, operation: str, content: Content = (), *, repeat: bool = True) -> t.Any:
        return self._soap.call(self._security or DEVICE_SERVICE, TAS, operation, content, repeat=repeat)

    def _certificate_row(self, operation: str, row: t.Any) -> OnvifCertificate:
        return OnvifCertificate(
            id=text_of(row, _tas("CertificateID")),
            key_id=text_of(row, _tas("KeyID")),
            alias=text_of(row, _tas("Alias")),
            der=self._decoded(operation, text_of(row, _tas("CertificateContent"))),
        )

    def _needed(self, response: t.Any, operation: str, name: str) -> str:
        found = text_of(response, _tas(name))
        if not found:
            raise self._unknown(operation, f"no {name}", f"a {name}")
        return found

    def _decoded(self, operation: str, text: str) -> bytes:
        try:
            return base64.b64decode("".join(text.split()), validate=True)
        except (binascii.Error, ValueError):
            raise self._unknown(operation, "something that is no base64", "DER in base64") from None

    def _unknown(self, operation: str, found: str, expected: str) -> ProtocolError:
        return ProtocolError(device=self.device, subject=f"answer to {operation}", found=found, expected=expected)


_SUBJECT_ALT_NAME: t.Final = "2.5.29.17"


def _tds(name: str) -> str:
    return f"{{{TDS}}}{name}"


def _tas(name: str) -> str:
    return f"{{{TAS}}}{name}"


def _tt(name: str) -> str:
    return f"{{{TT}}}{name}"


def _network_host(server: str) -> tuple[str, str]:
    """Type and field of a tt:NetworkHost."""
    try:
        version = ipaddress.ip_address(server).version
    except ValueError:
        return "DNS", "DNSname"
    return (f"IPv{version}", f"IPv{version}Address")


def _yes(capabilities: t.Any, name: str) -> bool:
    return capabilities.get(name, "") in ("true", "1")


def _uploads(capabilities: t.Any, any_key: str, rsa_alone: str) -> frozenset[str]:
    """Types of keys that a device takes: its capabilities name RSA keys apart, as they were the first."""
    if _yes(capabilities, any_key):
        return frozenset({"rsa", "ecdsa"})
    return frozenset({"rsa"} if _yes(capabilities, rsa_alone) else ())


def _encoded(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _subject(fields: t.Sequence[tuple[str, str]]) -> tuple[str, Content]:
    return _tas("Subject"), tuple((_tas(name), value) for name, value in fields if value)
