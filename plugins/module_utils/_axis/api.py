# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""VAPIX, as AXIS OS 11.11 and later speak it: calls and nothing else, no decisions, no rules.

Three interfaces, each with a frame of its own: REST (``/config/rest``: certificates, ports), JSON by POST
(``/axis-cgi``: identity, clock, time server, restart), SOAP (``/vapix/services``: which certificate the web server
uses, and whether it takes plain HTTP). How sure each call is stands in ``docs/wire_dialects.md``; none was tried on
hardware by us.
"""

from __future__ import annotations

import contextlib
import dataclasses as dc
import datetime as dt
import json
import typing as t
import urllib.parse

from .._core._errors import ConnectError, PkiError, ProtocolError
from .._core._secret import Secret
from .._onvif.soap import Content, Soap, text_of
from .._thirdparty import serialization, x509
from .._tls._certificate import CertificateFacts
from .._transport._session import Answer, DeviceSession, Refused

__all__ = ["AxisApi", "AxisCertificate", "AxisError", "NetworkDevice", "Ports", "WebServer"]

_T = t.TypeVar("_T")

_JSON: t.Final = "application/json"
_CERT: t.Final = "/config/rest/cert/v1"
_HOSTS: t.Final = "/config/rest/virtualhost/v1"
_SERVICES: t.Final = "/vapix/services"
_WEB: t.Final = "http://www.axis.com/vapix/ws/webserver"
_ACERT: t.Final = "http://www.axis.com/vapix/ws/cert"
#: The web server's own two entries among the virtual hosts; all others are somebody's.
_HTTP_HOST: t.Final = "default-http"
_HTTPS_HOST: t.Final = "default-https"


class AxisError(Refused):
    """The camera answered with an error of VAPIX.

    Args:
        code: Its number.
    """

    def __init__(self, *, code: int, status: int, reason: str, device: str, subject: str) -> None:
        self.code = code
        super().__init__(status=status, reason=f"error {code}: {reason}", device=device, subject=subject)


@dc.dataclass(frozen=True, kw_only=True)
class AxisCertificate:
    """A certificate with a private key.

    Attributes:
        alias: By which the camera knows both.
        facts: What the certificate says.
    """

    alias: str
    facts: CertificateFacts


@dc.dataclass(frozen=True, kw_only=True)
class WebServer:
    """How the camera's web server answers (``WebServerTlsConfiguration``).

    Attributes:
        tls: Whether it speaks TLS.
        policy: ``Http``, ``HttpAndHttps`` or ``Https``: what administrators may come by.
        ciphers: Names of OpenSSL, as the camera lists them.
        certificates: Aliases of what it shows; in practice one.
        issuers: Aliases of the CA certificates that it sends along.
        trusted: Aliases of those by which it judges clients.
    """

    tls: bool
    policy: str
    ciphers: tuple[str, ...]
    certificates: tuple[str, ...]
    issuers: tuple[str, ...]
    trusted: tuple[str, ...]


@dc.dataclass(frozen=True, kw_only=True)
class NetworkDevice:
    """A network interface of the camera.

    Attributes:
        name: For example ``eth0``.
        address: IPv4 address.
        prefix_length: Bits of its network.
        gateway: Default router, empty for none.
    """

    name: str
    address: str
    prefix_length: int
    gateway: str


@dc.dataclass(frozen=True, kw_only=True)
class Ports:
    """TCP ports of the web server.

    Attributes:
        http: For plain HTTP.
        https: For HTTPS.
        basic_over_https: Over HTTPS it takes HTTP Basic.
    """

    http: int
    https: int
    basic_over_https: bool


class AxisApi:
    """The calls of one camera over one session.

    Args:
        session: The session; all but the identity need an account of the group admin.
    """

    def __init__(self, session: DeviceSession) -> None:
        self.session = session
        self._soap = Soap(session)

    # -- identity, clock, account ----------------------------------------------------------------------------------

    def identity(self) -> t.Mapping[str, str]:
        """Brand, product, serial number, version (``getAllUnrestrictedProperties``); it needs no login."""
        call = "getAllUnrestrictedProperties"
        found = self._cgi("basicdeviceinfo", call)
        fields = self._part(call, found, "propertyList", dict)
        wanted = ("Brand", "ProdNbr", "SerialNumber", "Version")
        return {name: self._part(call, fields, name, str) for name in wanted}

    def clock(self) -> dt.datetime:
        """The camera's time, UTC (``getDateTimeInfo``)."""
        text = self._part("getDateTimeInfo", self._cgi("time", "getDateTimeInfo"), "dateTime", str)
        try:
            return dt.datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=dt.UTC)
        except ValueError:
            raise self._unknown("getDateTimeInfo", f"the time {text[:40]!r}", "YYYY-MM-DDThh:mm:ssZ") from None

    def set_clock(self, now: dt.datetime) -> None:
        """Set the camera's clock (``setDateTime``).

        Args:
            now: UTC.
        """
        self._cgi("time", "setDateTime", {"dateTime": f"{now:%Y-%m-%dT%H:%M:%SZ}"}, repeat=False)

    def time_server(self) -> str:
        """The NTP server that was set by hand and is followed (``getNTPInfo``), empty where there is none."""
        client = self._part("getNTPInfo", self._cgi("ntp", "getNTPInfo"), "client", dict)
        servers = self._part("getNTPInfo", client, "staticServers", list)
        followed = client.get("enabled") is True and client.get("serversSource") == "static"
        return str(servers[0]) if followed and servers else ""

    def set_time_server(self, server: str) -> None:
        """Follow this NTP server and no other (``setNTPClientConfiguration``).

        Args:
            server: Address or host name.
        """
        wanted = {"enabled": True, "serversSource": "static", "staticServers": [server]}
        self._cgi("ntp", "setNTPClientConfiguration", wanted, repeat=False)

    def stop_time_server(self) -> None:
        """Follow none (``setNTPClientConfiguration``): it would undo what is set by hand."""
        self._cgi("ntp", "setNTPClientConfiguration", {"enabled": False}, repeat=False)

    def network(self) -> list[NetworkDevice]:
        """Interfaces with their IPv4 addresses, one entry for each address (``getNetworkInfo``)."""
        call = "getNetworkInfo"
        rows = self._rows(call, self._part(call, self._cgi("network_settings", call), "devices", list))
        return [
            NetworkDevice(
                name=self._part(call, row, "name", str),
                address=self._part(call, one, "address", str),
                prefix_length=self._part(call, one, "prefixLength", int),
                gateway=str(settings.get("defaultRouter") or ""),
            )
            for row in rows
            if isinstance(settings := row.get("IPv4"), dict)
            for one in self._rows(call, settings.get("addresses", []))
        ]

    def set_network(self, wanted: NetworkDevice) -> None:
        """A fixed address (``setIPv4AddressConfiguration``); the camera answers first and moves then.

        Args:
            wanted: The whole setting.
        """
        params = {
            "deviceName": wanted.name,
            "configurationMode": "static",
            "staticDefaultRouter": wanted.gateway,
            "staticAddressConfigurations": [{"address": wanted.address, "prefixLength": wanted.prefix_length}],
        }
        with contextlib.suppress(ConnectError):
            self._cgi("network_settings", "setIPv4AddressConfiguration", params, repeat=False)

    def reboot(self) -> None:
        """Restart the camera (``firmwaremanagement.cgi``, ``reboot``); a lost answer is no error."""
        with contextlib.suppress(ConnectError):
            self._cgi("firmwaremanagement", "reboot", repeat=False)

    def set_password(self, account: str, password: Secret) -> None:
        """Another password for an account (``pwdgrp.cgi``, ``action=update``).

        Documented as a GET; that the fields may come in a body is INFERRED. A URL with a password in it ends in logs.

        Args:
            account: Its name.
            password: The new one.

        Raises:
            ProtocolError: The camera does not say that it did so.
        """
        form = {"action": "update", "user": account, "pwd": password.reveal()}
        answer = self.session.write("/axis-cgi/pwdgrp.cgi", form=form)
        if f"Modified account {account}" not in answer.text:
            raise self._unknown("pwdgrp.cgi", "no word of the account", f"Modified account {account}.")

    # -- certificates ----------------------------------------------------------------------------------------------

    def certificates(self) -> list[AxisCertificate]:
        """Certificates with a private key, in the camera's order (``GET certificates``).

        Of a chain the first counts. What cannot be read as a certificate is left out: others may put there anything.

        Raises:
            ProtocolError: The camera has no such interface: its AXIS OS is older than 11.11.
        """
        try:
            rows = self._rest("GET", f"{_CERT}/certificates")
        except Refused as error:
            if error.status != 404:
                raise
            raise self._unknown("cert.v1", "no certificate management", "AXIS OS 11.11 or later") from None
        found = []
        for row in self._rows("certificates", rows):
            alias, pem = (self._part("certificates", row, name, str) for name in ("alias", "certificate"))
            facts = _first_certificate(pem)
            if facts is not None:
                found.append(AxisCertificate(alias=alias, facts=facts))
        return found

    def create_certificate(self, alias: str, key_type: str, subject: str, names: t.Sequence[str]) -> None:
        """Make a private key on the camera and a self-signed certificate for it (``create_certificate``).

        Args:
            alias: For both.
            key_type: For example ``RSA-2048``.
            subject: Distinguished name of RFC 4514.
            names: Subject alternative names, ``IP:…`` and ``DNS:…``.
        """
        data = {"alias": alias, "key_type": key_type, "subject": subject, "subject_alt_names": list(names)}
        self._rest("POST", f"{_CERT}/create_certificate", data)

    def add_certificate(self, alias: str, pem: str, key: Secret) -> None:
        """A certificate with its private key, both made outside (``POST certificates``).

        Args:
            alias: For both.
            pem: The certificate.
            key: The private key, PEM, unencrypted.
        """
        self._rest("POST", f"{_CERT}/certificates", {"alias": alias, "certificate": pem, "private_key": key.reveal()})

    def key_types(self) -> frozenset[str]:
        """What the default keystore makes, for example ``RSA-2048``; empty where it does not tell (``keystores``)."""
        name = self._rest("GET", f"{_CERT}/settings/keystore")
        found = self._rest("GET", f"{_CERT}/keystores/{_quoted(str(name))}")
        told = found.get("key_types", []) if isinstance(found, dict) else []
        return frozenset(str(kind) for kind in told) if isinstance(told, list) else frozenset()

    def request(self, alias: str, subject: str, names: t.Sequence[str]) -> str:
        """A CSR for the key of that alias, PEM; the camera keeps none (``get_csr``).

        Args:
            alias: Of the key.
            subject: Distinguished name of RFC 4514.
            names: Subject alternative names.
        """
        data = {"subject": subject, "subject_alt_names": list(names)}
        found = self._rest("POST", f"{_CERT}/certificates/{_quoted(alias)}/get_csr", data)
        if not isinstance(found, str):
            raise self._unknown("get_csr", type(found).__name__, "a CSR in PEM form")
        return found

    def replace_certificate(self, alias: str, pem: str) -> None:
        """Another certificate for the key of that alias (``PATCH certificates``).

        Args:
            alias: Of the key.
            pem: The certificate.
        """
        self._rest("PATCH", f"{_CERT}/certificates/{_quoted(alias)}", {"certificate": pem})

    def delete_certificate(self, alias: str) -> None:
        """Delete a certificate and its private key (``DELETE certificates``).

        Args:
            alias: Of both.
        """
        self._rest("DELETE", f"{_CERT}/certificates/{_quoted(alias)}")

    def issuers(self) -> dict[str, CertificateFacts]:
        """CA certificates by their aliases (``GET ca_certificates``); what cannot be read as one is left out."""
        rows = self._rows("ca_certificates", self._rest("GET", f"{_CERT}/ca_certificates"))
        found = {}
        for row in rows:
            alias, pem = (self._part("ca_certificates", row, name, str) for name in ("alias", "certificate"))
            facts = _first_certificate(pem)
            if facts is not None:
                found[alias] = facts
        return found

    def add_issuer(self, alias: str, pem: str) -> None:
        """A further CA certificate (``POST ca_certificates``).

        Args:
            alias: Its name on the camera.
            pem: The certificate.
        """
        self._rest("POST", f"{_CERT}/ca_certificates", {"alias": alias, "certificate": pem})

    def delete_issuer(self, alias: str) -> None:
        """Delete a CA certificate (``DELETE ca_certificates``).

        Args:
            alias: Its name on the camera.
        """
        self._rest("DELETE", f"{_CERT}/ca_certificates/{_quoted(alias)}")

    # -- web server ------------------------------------------------------------------------------------------------

    def ports(self) -> Ports:
        """TCP ports of the web server, and how HTTPS takes logins (``GET virtualhost``)."""
        found = self._rest("GET", _HOSTS)
        fields = found if isinstance(found, dict) else {}
        rows = self._rows("virtualhost", fields.get("virtualhosts"))
        hosts = {self._part("virtualhost", row, "server_name", str): row for row in rows}
        http, https = (hosts.get(name, {}).get("port") for name in (_HTTP_HOST, _HTTPS_HOST))
        if not isinstance(http, int) or not isinstance(https, int):
            raise self._unknown("virtualhost", ", ".join(hosts)[:200] or "no host", f"{_HTTP_HOST} and {_HTTPS_HOST}")
        return Ports(http=http, https=https, basic_over_https=hosts[_HTTPS_HOST].get("auth_type") == "basic")

    def set_https_port(self, port: int) -> None:
        """Another port for HTTPS (``PATCH virtualhosts/default-https/port``); it may then cut connections.

        That the web server's own host can be moved so is INFERRED; the documents show it for a further host.

        Args:
            port: TCP port.
        """
        self._rest("PATCH", f"{_HOSTS}/virtualhosts/{_HTTPS_HOST}/port", port)

    def web_server(self) -> WebServer:
        """How it answers now (``GetWebServerTlsConfiguration``)."""
        operation = "GetWebServerTlsConfiguration"
        found = self._soap.call(_SERVICES, _WEB, operation).find(_web("Configuration"))
        if found is None:
            raise self._unknown(operation, "no configuration", "Configuration")
        sets = found.find(_web("CertificateSet"))

        def aliases(name: str) -> tuple[str, ...]:
            rows = () if sets is None else sets.iterfind(f"{_acert(name)}/{_acert('Id')}")
            return tuple((row.text or "").strip() for row in rows)

        return WebServer(
            tls=text_of(found, _web("Tls")) in ("true", "1"),
            policy=text_of(found, _web("ConnectionPolicies"), _web("Admin")),
            ciphers=tuple((one.text or "").strip() for one in found.iterfind(f"{_web('Ciphers')}/{_acert('Cipher')}")),
            certificates=aliases("Certificates"),
            issuers=aliases("CACertificates"),
            trusted=aliases("TrustedCertificates"),
        )

    def set_web_server(self, wanted: WebServer) -> None:
        """Let it answer otherwise (``SetWebServerTlsConfiguration``); it may then cut all connections.

        The ciphers go back as they were read: which of them a camera knows changes with each AXIS OS.

        Args:
            wanted: All of it.
        """

        def listed(name: str, aliases: t.Sequence[str]) -> tuple[str, Content]:
            return _acert(name), tuple((_acert("Id"), alias) for alias in aliases)

        sets = (
            listed("Certificates", wanted.certificates),
            listed("CACertificates", wanted.issuers),
            listed("TrustedCertificates", wanted.trusted),
        )
        content = (
            (_web("Tls"), "true" if wanted.tls else "false"),
            (_web("ConnectionPolicies"), ((_web("Admin"), wanted.policy),)),
            (_web("Ciphers"), tuple((_acert("Cipher"), cipher) for cipher in wanted.ciphers)),
            (_web("CertificateSet"), sets),
        )
        configuration = ((_web("Configuration"), content),)
        self._soap.call(_SERVICES, _WEB, "SetWebServerTlsConfiguration", configuration, repeat=False)

    # -- frames ----------------------------------------------------------------------------------------------------

    def _cgi(self, name: str, call: str, params: t.Mapping[str, t.Any] | None = None, *, repeat: bool = True) -> t.Any:
        """One call of a JSON CGI; version 1.0 of each knows all that is used here."""
        body: dict[str, t.Any] = {"apiVersion": "1.0", "method": call}
        if params is not None:
            body["params"] = params
        answer = self.session.post(f"/axis-cgi/{name}.cgi", _JSON, json.dumps(body).encode(), repeat=repeat)
        fields = self._object(call, answer)
        self._check_error(call, fields, answer.status)
        return fields.get("data", {})

    def _rest(self, method: str, path: str, data: t.Any = None) -> t.Any:
        """One call of the device configuration interface; reads come by GET, whatever else is a change."""
        call = f"{method} {path.removeprefix('/config/rest/')}"
        try:
            answer = (
                self.session.read(path)
                if method == "GET"
                else self.session.change(
                    method, path, _JSON, b"" if data is None else json.dumps({"data": data}).encode()
                )
            )
        except Refused as error:
            if error.answer is not None and error.answer.content_type == _JSON:
                self._check_error(call, self._object(call, error.answer), error.status)
            raise
        fields = self._object(call, answer)
        self._check_error(call, fields, answer.status)
        return fields.get("data")

    def _object(self, call: str, answer: Answer) -> dict[str, t.Any]:
        try:
            found = json.loads(answer.body)
        except (ValueError, RecursionError):
            found = None
        if not isinstance(found, dict):
            kind = answer.content_type or "unnamed type"
            raise self._unknown(call, f"{len(answer.body)} bytes of {kind}", "a JSON object")
        return found

    def _check_error(self, call: str, fields: t.Mapping[str, t.Any], status: int) -> None:
        error = fields.get("error")
        if error is None and fields.get("status") != "error":
            return
        told = error if isinstance(error, dict) else {}
        code, text = told.get("code"), " ".join(str(told.get("message", "")).split())[:300]
        raise AxisError(
            code=code if isinstance(code, int) else 0,
            status=status,
            reason=text,
            device=self.session.device,
            subject=call,
        )

    def _rows(self, call: str, found: t.Any) -> list[dict[str, t.Any]]:
        if not isinstance(found, list) or not all(isinstance(row, dict) for row in found):
            raise self._unknown(call, type(found).__name__, "a list of objects")
        return found

    def _part(self, call: str, fields: t.Any, name: str, kind: type[_T]) -> _T:
        value = fields.get(name) if isinstance(fields, dict) else None
        if not isinstance(value, kind):
            raise self._unknown(call, f"no {name}", f"{name} ({kind.__name__})")
        return value

    def _unknown(self, call: str, found: str, expected: str) -> ProtocolError:
        return ProtocolError(
            device=self.session.device,
            subject=f"answer to {call}",
            found=found,
            expected=expected,
            advice="Is this address really that of an Axis camera?",
        )


def _web(name: str) -> str:
    return f"{{{_WEB}}}{name}"


def _acert(name: str) -> str:
    return f"{{{_ACERT}}}{name}"


def _first_certificate(pem: str) -> CertificateFacts | None:
    try:
        first = x509.load_pem_x509_certificates(pem.encode())[0]
        return CertificateFacts.from_der(first.public_bytes(serialization.Encoding.DER))
    except (ValueError, PkiError):
        return None


def _quoted(alias: str) -> str:
    return urllib.parse.quote(alias, safe="")
