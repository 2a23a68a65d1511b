# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Axis cameras in the words that all dialects share.

What this collection puts into a camera carries an alias that begins with :data:`ALIAS`, and nothing else is ever
deleted or replaced: the certificates of the factory (IEEE 802.1AR) and those of other programs stay.
"""

from __future__ import annotations

import contextlib
import dataclasses as dc
import datetime as dt
import hashlib
import re
import typing as t

from .._camera.abilities import Abilities, KeyKind
from .._camera.driver import CameraDriver, Identity, NetworkSetting, Reading
from .._camera.state import HttpsState, KeyFacts, SubjectName
from .._core._errors import ConnectError, ProtocolError, VerificationError
from .._core._secret import Secret
from .._thirdparty import InvalidSignature, UnsupportedAlgorithm, oid, x509
from .._tls._certificate import CertificateFacts
from .._transport._patience import until
from .._transport._session import DeviceSession, Refused
from .api import AxisApi, AxisCertificate, NetworkDevice, Ports, WebServer
from .rules import RULES

__all__ = ["ALIAS", "AxisDriver"]

ALIAS: t.Final = "camsec.fleet"
#: A key that was made outside of the camera says so in its alias; the camera itself does not tell.
_EXTERNAL: t.Final = " external"
_OWN: t.Final = re.compile(rf"{re.escape(ALIAS)} (\d{{1,9}})(?:{_EXTERNAL})?")
_ISSUER: t.Final = f"{ALIAS} CA "
_CONNECTIONS: t.Final[t.Mapping[str, str]] = {"Http": "http", "HttpAndHttps": "http_and_https", "Https": "https"}
_KEY_TYPE: t.Final[t.Mapping[str, str]] = {"rsa": "RSA-", "ecdsa": "EC-P"}
#: In the order of the documents' example, ``C=SE,CN=example.com``.
_FIELDS: t.Final = ("country", "state", "locality", "organization", "organizational_unit", "common_name")


class AxisDriver(CameraDriver):
    """A camera by VAPIX."""

    rules = RULES

    def __init__(self, session: DeviceSession, *, key_seconds: float) -> None:
        super().__init__(session, key_seconds=key_seconds)
        self._api = AxisApi(session)
        self._alias = ""
        self._request = ""
        self._read: list[AxisCertificate] = []
        self._web: WebServer | None = None
        self._ports: Ports | None = None

    # -- reading -------------------------------------------------------------------------------------------------

    def first_read(self) -> Reading:
        """That it is an Axis camera, which needs no login, and how it answers.

        Returns:
            What was read.

        Raises:
            ProtocolError: It is none, or its AXIS OS is older than 11.11.
        """
        brand = self._api.identity()["Brand"]
        if brand.upper() != "AXIS":
            raise ProtocolError(device=self.session.device, subject="brand", found=repr(brand[:40]), expected="AXIS")
        self._read = self._api.certificates()
        https = self.https()
        return Reading(https=https, basic_over_https=self._ports is not None and self._ports.basic_over_https)

    def rest(self, reading: Reading) -> Reading:
        """Certificate and key of the web server.

        Args:
            reading: What was read first.

        Returns:
            All of it.
        """
        served = self._served()
        in_use = served is not None and _OWN.fullmatch(served.alias) and not served.facts.self_signed
        own = served if in_use else self._newest_own()
        if own is not None:
            self._alias = own.alias
            reading = dc.replace(reading, key=_key_of(own))
        return reading if served is None else reading.with_certificate(served.facts)

    def _served(self) -> AxisCertificate | None:
        aliases = self._web.certificates if self._web is not None else ()
        return next((one for one in self._read if one.alias in aliases[:1]), None)

    def _newest_own(self) -> AxisCertificate | None:
        """The newest key that the camera made for us: a factory's, or one from outside, is not ours to use."""
        ours = [one for one in self._read if not one.alias.endswith(_EXTERNAL)]
        own = [(int(match[1]), one) for one in ours if (match := _OWN.fullmatch(one.alias))]
        return max(own, key=lambda pair: pair[0])[1] if own else None

    def https(self) -> HttpsState:
        """How the camera answers.

        Raises:
            ProtocolError: By a policy that is not known here.
        """
        self._web = web = self._api.web_server()
        connection = _CONNECTIONS.get(web.policy) if web.tls else "http"
        if connection is None:
            raise ProtocolError(
                device=self.session.device,
                subject="answer to GetWebServerTlsConfiguration",
                found=f"the connection policy {web.policy[:40]!r}",
                expected=", ".join(_CONNECTIONS),
            )
        self._ports = ports = self._api.ports()
        return HttpsState(connection=connection, https_port=ports.https)

    def http_port(self) -> int:
        """The camera's own port for plain HTTP."""
        return self._api.ports().http

    def identity(self) -> Identity:
        """What the camera calls itself; its serial number is its MAC address."""
        fields = self._api.identity()
        serial = fields["SerialNumber"]
        is_mac = re.fullmatch(r"[0-9A-Fa-f]{12}", serial) is not None
        return Identity(
            model=f"{fields['Brand']} {fields['ProdNbr']}",
            version=fields["Version"],
            serial_number=serial,
            mac_address=":".join(serial[place : place + 2] for place in range(0, 12, 2)) if is_mac else "",
        )

    def clock(self) -> dt.datetime:
        """The camera's time, UTC."""
        return self._api.clock()

    def abilities(self) -> Abilities:
        """Which keys its default keystore makes; one that does not tell may make all of them."""
        told = self._api.key_types()
        kinds = [
            KeyKind(type=name, size=int(kind.removeprefix(prefix)))
            for kind in told
            for name, prefix in _KEY_TYPE.items()
            if kind.startswith(prefix) and kind.removeprefix(prefix).isdigit()
        ]
        ordered = sorted(kinds, key=lambda kind: (kind.type != "rsa", kind.size))
        return dc.replace(RULES.abilities, key_kinds=tuple(ordered)) if told else RULES.abilities

    def time_server(self) -> str:
        """The NTP server that the camera follows, empty for none."""
        return self._api.time_server()

    def network(self) -> NetworkSetting:
        """The address by which it was reached, its network and gateway."""
        found = self._network_device()
        return NetworkSetting(address=found.address, prefix_length=found.prefix_length, gateway=found.gateway)

    def _network_device(self) -> NetworkDevice:
        found, here = self._api.network(), self.session.endpoint.host
        for device in found:
            if device.address == here:
                return device
        raise ProtocolError(
            device=self.session.device,
            subject="answer to getNetworkInfo",
            found=", ".join(device.address for device in found) or "no IPv4 address",
            expected=f"the address {here}, by which the camera was reached",
        )

    def request_made_at(self) -> str:
        """The camera's present time, at which it can make one; empty while it has no key."""
        return f"{self.clock():%Y-%m-%d %H:%M:%S}" if self._alias else ""

    def certificate_request(self) -> str:
        """The CSR made last, or one for the present key."""
        return self._request or self._api.request(self._alias, f"CN={self.session.endpoint.host}", ())

    def self_signed_details(self) -> t.Mapping[str, str]:
        """The subject's fields of the self-signed certificate in use."""
        self._web, self._read = self._api.web_server(), self._api.certificates()
        served = self._served()
        if served is None or not served.facts.self_signed:
            return {}
        name = x509.load_der_x509_certificate(served.facts.der).subject
        found = {field: name.get_attributes_for_oid(identifier) for field, identifier in _identifiers().items()}
        return {field: str(values[0].value) if values else "" for field, values in found.items()}

    # -- steps ---------------------------------------------------------------------------------------------------

    def generate_key(self, kind: KeyKind) -> None:
        """Generate a key; one that a run before this one left unused serves as well.

        A key comes with a self-signed certificate, which nobody is shown.

        Args:
            kind: What it is of.
        """
        left = self._newest_own()
        unused = left is not None and left.facts.self_signed and left != self._served()
        if left is not None and unused and _key_of(left).kind == kind:
            self._alias = left.alias
        else:
            self._alias = self._make(kind, f"CN={self.session.endpoint.host}", ())

    def _next_alias(self) -> str:
        numbers = [int(match[1]) for one in self._read if (match := _OWN.fullmatch(one.alias))]
        return f"{ALIAS} {max(numbers, default=0) + 1}"

    def _make(self, kind: KeyKind, subject: str, names: t.Sequence[str]) -> str:
        alias = self._next_alias()
        # A secure element may take longer than the answer is waited for.
        with contextlib.suppress(ConnectError):
            self._api.create_certificate(alias, _KEY_TYPE[kind.type] + str(kind.size), subject, names)
        until(lambda: self._find_made(alias, kind), seconds=self.key_seconds, passing=(VerificationError,))
        return alias

    def _find_made(self, alias: str, kind: KeyKind) -> None:
        self._read = self._api.certificates()
        if not any(one.alias == alias and _key_of(one).kind == kind for one in self._read):
            raise VerificationError(
                device=self.session.device,
                subject="private key",
                found=f"no certificate with the alias {alias} and a key of {kind}",
                expected="the one that was asked for",
                advice="Run it again: it goes on from what is there.",
            )

    def make_request(self, subject: SubjectName, names: t.Sequence[str]) -> None:
        """Make a CSR; it asks for the names too.

        Args:
            subject: Its subject.
            names: Subject alternative names.
        """
        self._request = self._api.request(self._alias, _distinguished_name(subject), names)

    def install_certificate(self, pem: str, issuers: t.Sequence[str]) -> None:
        """Give the key its certificate, and let the web server show both. What it showed before stays until tidy().

        Args:
            pem: The certificate.
            issuers: Those between it and the root.

        Raises:
            VerificationError: The camera has no such key.
        """
        wanted = CertificateFacts.from_pem(pem)
        self._send_along(issuers)
        alias = self._place(wanted)
        if not alias:
            raise VerificationError(
                device=self.session.device,
                subject=f"private key of the certificate {wanted.serial_number}",
                found="none of ours on the camera",
                expected="the key that the CSR was made for",
            )
        self._use(alias, issuers)

    def install_with_key(self, pem: str, issuers: t.Sequence[str], key: Secret) -> None:
        """Put certificate and key into the camera, and let the web server show the certificate.

        Args:
            pem: The certificate.
            issuers: Those between it and the root.
            key: The private key.
        """
        self._read = self._api.certificates()
        alias = self._place(CertificateFacts.from_pem(pem))
        if not alias:
            alias = self._next_alias() + _EXTERNAL
            self._api.add_certificate(alias, pem, key)
        self._use(alias, issuers)

    def _send_along(self, issuers: t.Sequence[str]) -> None:
        """A certificate that takes another's place is shown at once: what leads to its root has to be there before."""
        present = self._api.web_server()
        if any(_OWN.fullmatch(alias) for alias in present.certificates):
            missing = [alias for one in issuers if (alias := self._stored(one)) not in present.issuers]
            if missing:
                self._show(dc.replace(present, issuers=(*present.issuers, *missing)))

    def _use(self, alias: str, issuers: t.Sequence[str]) -> None:
        present = self._api.web_server()
        chain = tuple(self._stored(one) for one in issuers) or self._chain(alias, present.issuers)
        wanted = dc.replace(present, certificates=(alias,), issuers=chain)
        if wanted != present:
            self._show(wanted)

    def _show(self, wanted: WebServer) -> None:
        """A web server that takes another certificate may cut the connection; what it has then tells."""
        try:
            self._api.set_web_server(wanted)
        except ConnectError:
            if self._api.web_server() != wanted:
                raise

    def _place(self, wanted: CertificateFacts) -> str:
        """Where the certificate is, or is now: in the place of another for the same key, if that one is ours."""
        found = self._api.certificates()
        present = [one.alias for one in found if one.facts.der == wanted.der]
        ours = [one.alias for one in found if _OWN.fullmatch(one.alias) and one.facts.spki_sha256 == wanted.spki_sha256]
        if ours and not present:
            self._api.replace_certificate(ours[0], wanted.pem)
        return next(iter((*present, *ours)), "")

    def _chain(self, alias: str, sent: t.Sequence[str]) -> tuple[str, ...]:
        """The CA certificates on the camera that lead to its root: rather those sent until now, and the longest valid.

        Several may be of the same key, where an authority renewed its own certificate.
        """
        now, issuers = dt.datetime.now(tz=dt.UTC), self._api.issuers()

        def rank(name: str) -> tuple[bool, bool, float]:
            end = issuers[name].not_after
            return end < now, name not in sent, -end.timestamp()

        known = {name: issuers[name] for name in sorted(issuers, key=rank)}
        (last,) = (one.facts for one in self._api.certificates() if one.alias == alias)
        found: list[str] = []
        while issuer := next((name for name in known if name not in found and _signed(known[name], last)), None):
            last = known[issuer]
            if last.self_signed:
                break
            found.append(issuer)
        return tuple(found)

    def _stored(self, pem: str) -> str:
        """A CA certificate that is there already, whoever put it there, is not put there twice."""
        wanted = CertificateFacts.from_pem(pem)
        for alias, present in self._api.issuers().items():
            if present.der == wanted.der:
                return alias
        alias = _ISSUER + hashlib.sha256(wanted.der).hexdigest()[:16]
        self._api.add_issuer(alias, pem)
        return alias

    def tidy(self) -> None:
        """Delete what we put into the camera and its web server does not use, but for the key to go on with."""
        web = self._api.web_server()
        if any(_OWN.fullmatch(alias) for alias in web.certificates):
            for one in self._api.certificates():
                if _OWN.fullmatch(one.alias) and one.alias not in (*web.certificates, self._alias):
                    self._if_unused(self._api.delete_certificate, one.alias)
        for alias in self._api.issuers():
            if alias.startswith(_ISSUER) and alias not in (*web.issuers, *web.trusted):
                self._if_unused(self._api.delete_issuer, alias)

    @staticmethod
    def _if_unused(delete: t.Callable[[str], None], alias: str) -> None:
        """The operator may use it for something else meanwhile (IEEE 802.1X, MQTT): then the camera keeps it."""
        try:
            delete(alias)
        except Refused:
            return

    def set_https(self, wanted: HttpsState) -> None:
        """Choose how the camera answers.

        The port and the policy are two calls, and the one that cuts this connection comes last: its answer may be
        lost, the other's may not.

        Args:
            wanted: Scheme and port.
        """
        policy = {connection: policy for policy, connection in _CONNECTIONS.items()}[wanted.connection]
        present, port = self._api.web_server(), self._api.ports().https
        changed = dc.replace(present, tls=policy != "Http", policy=policy)
        calls: list[t.Callable[[], None]] = []
        if changed != present:
            calls.append(lambda: self._api.set_web_server(changed))
        if wanted.https_port not in (0, port):
            port_first = self.session.peer is None or policy == "Http"
            calls.insert(0 if port_first else len(calls), lambda: self._api.set_https_port(wanted.https_port))
        for call in calls[:-1]:
            call()
        with contextlib.suppress(ConnectError):
            for call in calls[-1:]:
                call()

    def set_clock(self, now: dt.datetime) -> None:
        """Set the camera's clock; it then follows no time server.

        Args:
            now: UTC.
        """
        self._api.stop_time_server()
        self._api.set_clock(now)

    def set_time_server(self, server: str) -> None:
        """Let the camera follow an NTP server.

        Args:
            server: Address or host name.
        """
        self._api.set_time_server(server)

    def set_network(self, wanted: NetworkSetting) -> None:
        """A fixed address; the camera answers first and moves then.

        Args:
            wanted: The whole setting.
        """
        name = self._network_device().name
        self._api.set_network(
            NetworkDevice(name=name, address=wanted.address, prefix_length=wanted.prefix_length, gateway=wanted.gateway)
        )

    def set_password(self, account: str, password: Secret) -> None:
        """Give an account another password.

        Args:
            account: Its name.
            password: The new one.
        """
        self._api.set_password(account, password)

    def reboot(self) -> None:
        """Restart the camera."""
        self._api.reboot()


def _identifiers() -> dict[str, t.Any]:
    names = oid.NameOID
    return {
        "country": names.COUNTRY_NAME,
        "state": names.STATE_OR_PROVINCE_NAME,
        "locality": names.LOCALITY_NAME,
        "organization": names.ORGANIZATION_NAME,
        "organizational_unit": names.ORGANIZATIONAL_UNIT_NAME,
        "common_name": names.COMMON_NAME,
    }


def _distinguished_name(subject: SubjectName) -> str:
    """A subject as text (RFC 4514); its order there is the reverse of the certificate's (section 2.1)."""
    identifiers = _identifiers()
    parts = [x509.NameAttribute(identifiers[field], value) for field in _FIELDS if (value := getattr(subject, field))]
    return str(x509.Name(reversed(parts)).rfc4514_string())


def _signed(issuer: CertificateFacts, one: CertificateFacts) -> bool:
    try:
        x509.load_der_x509_certificate(one.der).verify_directly_issued_by(x509.load_der_x509_certificate(issuer.der))
    except (ValueError, TypeError, InvalidSignature, UnsupportedAlgorithm):
        return False
    return True


def _key_of(one: AxisCertificate) -> KeyFacts:
    external = one.alias.endswith(_EXTERNAL)
    return KeyFacts(type=one.facts.key_type, size=one.facts.key_size, generated_at="", external=external)
