# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The state of an Axis camera and the rules about its certificates; no sockets and no frames in here."""

from __future__ import annotations

import dataclasses as dc
import datetime as dt
import ipaddress
import typing as t

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from ._axis_spec import AxisCameraSpec
from ._onvif_pki import Private, load_private, make_private, private_pem, spki_hex
from ._pki import as_pem
from ._spec_common import User

__all__ = ["FACTORY_ALIAS", "IDENTITY_ALIAS", "AxisRefusal", "AxisState", "Network", "Stored", "VirtualHost", "Web"]

#: What the web server shows fresh from the factory, and the identity of IEEE 802.1AR.
FACTORY_ALIAS: t.Final = "Default HTTPS"
IDENTITY_ALIAS: t.Final = "Axis device ID ECC-P256 (802.1AR)"
#: FIELD: the codes of AXIS OS 12.
NOT_FOUND, INVALID, EXISTS = 1, 5, 2
_ALIAS_LENGTH: t.Final = range(1, 129)
_YEAR: t.Final = dt.timedelta(days=365)
#: RFC 5280, 4.1.2.5: no end.
_NEVER: t.Final = dt.datetime(9999, 12, 31, 23, 59, 59, tzinfo=dt.UTC)


class AxisRefusal(Exception):
    """An error of VAPIX: HTTP's status, VAPIX's code, and the sentence."""

    def __init__(self, status: int, code: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status
        self.code = code
        self.reason = reason


def not_found(what: str) -> AxisRefusal:
    return AxisRefusal(404, NOT_FOUND, f"Resource not found: {what}")


def invalid(reason: str) -> AxisRefusal:
    return AxisRefusal(400, INVALID, f"Validation error: {reason}")


@dc.dataclass(frozen=True, kw_only=True)
class Stored:
    """A certificate and its private key, which nobody ever reads."""

    pem: str
    private: str = dc.field(repr=False)
    keystore: str

    @property
    def spki(self) -> str:
        return spki_hex(load_private(self.private).public_key())


@dc.dataclass(frozen=True, kw_only=True)
class Web:
    """What `SetWebServerTlsConfiguration` sets."""

    tls: bool
    policy: str
    certificate: str
    issuers: tuple[str, ...] = ()
    trusted: tuple[str, ...] = ()

    @property
    def schemes(self) -> frozenset[str]:
        if not self.tls or self.policy == "Http":
            return frozenset({"http"})
        return frozenset({"https"}) if self.policy == "Https" else frozenset({"http", "https"})


@dc.dataclass(frozen=True, kw_only=True)
class Network:
    """The camera's own IPv4 setting."""

    address: str
    prefix_length: int = 24
    gateway: str = ""

    def changed(self, params: t.Mapping[str, t.Any]) -> Network:
        """By `setIPv4AddressConfiguration`; ValueError when it cannot be."""
        rows = params.get("staticAddressConfigurations")
        if params.get("configurationMode") != "static" or not isinstance(rows, list) or len(rows) != 1:
            raise ValueError("configurationMode")
        row, gateway = rows[0], params.get("staticDefaultRouter", self.gateway)
        interface = ipaddress.IPv4Interface(f"{row['address']}/{int(row['prefixLength'])}")
        if gateway:
            ipaddress.IPv4Address(gateway)
        if not interface.ip.is_loopback:
            raise ValueError("the simulator stays on loopback addresses")
        return Network(address=str(interface.ip), prefix_length=interface.network.prefixlen, gateway=gateway)


@dc.dataclass(frozen=True, kw_only=True)
class VirtualHost:
    """An entry of the web server's."""

    port: int
    auth_type: str


class AxisState:
    """Everything that survives a restart."""

    def __init__(self, spec: AxisCameraSpec) -> None:
        self.spec = spec
        self.certificates: dict[str, Stored] = {}
        self.issuers: dict[str, str] = {}
        self.clock_set = 0.0
        self.time_server = ""
        self.reset(clock_set=0.0)

    def reset(self, *, clock_set: float) -> None:
        """As it left the factory; only its identity is still the same."""
        spec = self.spec
        self.users = {user.name: user for user in spec.accounts.values()}
        self.hosts = {
            "default-http": VirtualHost(port=spec.http_port, auth_type="digest"),
            "default-https": VirtualHost(port=spec.https_port, auth_type=spec.https_login),
        }
        self.certificates = {alias: one for alias, one in self.certificates.items() if alias == IDENTITY_ALIAS}
        self.issuers = {}
        self.web = Web(tls=spec.policy != "Http", policy=spec.policy, certificate="")
        self.network = Network(address=spec.address)
        self.clock_set = clock_set
        self.time_server = ""

    def make_factory_certificates(self, begin: float) -> None:
        """At the first boot, once for good; and what the web server shows, at the first after a reset."""
        serial = self.spec.serial_number.lower()
        if IDENTITY_ALIAS not in self.certificates:
            name = x509.Name.from_rfc4514_string(f"CN=axis-{serial}-eccp256-1,O=Axis Communications AB")
            maker = ec.generate_private_key(ec.SECP256R1())
            issuer = x509.Name.from_rfc4514_string("CN=Axis device ID Intermediate CA ECC 2,O=Axis Communications AB")
            key = load_private(make_private("secp256r1"))
            made = _certificate(
                subject=name, issuer=issuer, public=key.public_key(), signer=maker, begin=begin, end=_NEVER, names=()
            )
            self.certificates[IDENTITY_ALIAS] = self._stored(key, made)
        if not self.web.certificate:
            key = load_private(make_private("secp256r1"))
            name = x509.Name.from_rfc4514_string(f"CN=axis-{serial}")
            self.certificates[FACTORY_ALIAS] = self._stored(key, self._self_signed(key, name, begin, ()))
            self.web = dc.replace(self.web, certificate=FACTORY_ALIAS)

    def _stored(self, key: Private, certificate: x509.Certificate) -> Stored:
        return Stored(pem=as_pem(certificate), private=private_pem(key), keystore=self.spec.keystore)

    @staticmethod
    def _self_signed(
        key: Private, name: x509.Name, begin: float, names: t.Sequence[x509.GeneralName]
    ) -> x509.Certificate:
        end = dt.datetime.fromtimestamp(int(begin), dt.UTC) + _YEAR
        return _certificate(
            subject=name, issuer=name, public=key.public_key(), signer=key, begin=begin, end=end, names=names
        )

    # -- certificates ----------------------------------------------------------------------------------------------

    def stored(self, alias: str) -> Stored:
        found = self.certificates.get(alias)
        if found is None:
            raise not_found(alias)
        return found

    def check_new(self, alias: str) -> None:
        """An alias names one thing, a certificate with a key or one of a CA."""
        if len(alias) not in _ALIAS_LENGTH:
            raise invalid("alias has 1 to 128 characters")
        if alias in self.certificates or alias in self.issuers:
            raise AxisRefusal(400, EXISTS, "Alias already exists")

    def put_self_signed(
        self, alias: str, private: str, subject: x509.Name, names: t.Sequence[x509.GeneralName], begin: float
    ) -> None:
        self.check_new(alias)
        key = load_private(private)
        self.certificates[alias] = self._stored(key, self._self_signed(key, subject, begin, names))

    def put_pair(self, alias: str, pem: str, private: str) -> None:
        """A certificate with its key from outside."""
        self.check_new(alias)
        certificate = _one(pem)
        try:
            key = serialization.load_pem_private_key(private.encode(), None)
        except (ValueError, TypeError) as error:
            raise invalid("private_key is no plain private key in PEM form") from error
        if not isinstance(key, Private) or spki_hex(key.public_key()) != spki_hex(certificate.public_key()):
            raise invalid("The certificate does not match the key")
        self.certificates[alias] = self._stored(key, certificate)

    def request(self, alias: str, subject: x509.Name | None, names: t.Sequence[x509.GeneralName] | None) -> str:
        """What is not given is that of the certificate."""
        stored = self.stored(alias)
        certificate = _one(stored.pem)
        if names is None:
            names = _names_of(certificate)
        builder = x509.CertificateSigningRequestBuilder().subject_name(subject or certificate.subject)
        if names:
            builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
        made = builder.sign(load_private(stored.private), hashes.SHA256())
        return made.public_bytes(serialization.Encoding.PEM).decode()

    def replace(self, alias: str, pem: str) -> None:
        """By one of the same private key, and no other."""
        stored, certificate = self.stored(alias), _one(pem)
        if alias == IDENTITY_ALIAS:
            raise AxisRefusal(400, INVALID, "The device ID cannot be changed")
        if spki_hex(certificate.public_key()) != stored.spki:
            raise invalid("The certificate does not match the key")
        self.certificates[alias] = dc.replace(stored, pem=as_pem(certificate))

    def delete(self, alias: str) -> None:
        """With the key; not while the web server uses it."""
        self.stored(alias)
        if alias in (self.web.certificate, IDENTITY_ALIAS):
            raise AxisRefusal(400, INVALID, f"The certificate {alias} is in use")
        del self.certificates[alias]

    def put_issuer(self, alias: str, pem: str) -> None:
        self.check_new(alias)
        self.issuers[alias] = as_pem(_one(pem))

    def delete_issuer(self, alias: str) -> None:
        if alias not in self.issuers:
            raise not_found(alias)
        if alias in (*self.web.issuers, *self.web.trusted):
            raise AxisRefusal(400, INVALID, f"The certificate {alias} is in use")
        del self.issuers[alias]

    def check_web(self, wanted: Web) -> None:
        if wanted.certificate not in self.certificates:
            raise invalid(f"there is no certificate {wanted.certificate!r}")
        for alias in (*wanted.issuers, *wanted.trusted):
            if alias not in self.issuers:
                raise invalid(f"there is no CA certificate {alias!r}")

    def shown_chain(self) -> tuple[str, str]:
        """What the web server sends, and its key."""
        stored = self.stored(self.web.certificate)
        return stored.pem + "".join(self.issuers[alias] for alias in self.web.issuers), stored.private

    # -- keeping it ------------------------------------------------------------------------------------------------

    def dump(self) -> dict[str, t.Any]:
        return {
            "users": [dc.asdict(user) for user in self.users.values()],
            "hosts": {name: dc.asdict(host) for name, host in self.hosts.items()},
            "certificates": {alias: dc.asdict(one) for alias, one in self.certificates.items()},
            "issuers": self.issuers,
            "web": dc.asdict(self.web),
            "network": dc.asdict(self.network),
            "clock_set": self.clock_set,
            "time_server": self.time_server,
        }

    def load(self, data: t.Mapping[str, t.Any]) -> None:
        self.users = {row["name"]: User(**row) for row in data["users"]}
        self.hosts = {name: VirtualHost(**row) for name, row in data["hosts"].items()}
        self.certificates = {alias: Stored(**row) for alias, row in data["certificates"].items()}
        self.issuers = dict(data["issuers"])
        self.network = Network(**data["network"])
        web = data["web"]
        self.web = Web(**{**web, "issuers": tuple(web["issuers"]), "trusted": tuple(web["trusted"])})
        self.clock_set = data["clock_set"]
        self.time_server = data["time_server"]


def _certificate(
    *,
    subject: x509.Name,
    issuer: x509.Name,
    public: t.Any,
    signer: Private,
    begin: float,
    end: dt.datetime,
    names: t.Sequence[x509.GeneralName],
) -> x509.Certificate:
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(public)
        .serial_number(x509.random_serial_number())
        .not_valid_before(dt.datetime.fromtimestamp(int(begin), dt.UTC))
        .not_valid_after(end)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
    )
    if names:
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
    return builder.sign(signer, hashes.SHA256())


def _names_of(certificate: x509.Certificate) -> t.Sequence[x509.GeneralName]:
    try:
        return list(certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value)
    except x509.ExtensionNotFound:
        return ()


def _one(pem: str) -> x509.Certificate:
    """Exactly one: that a chain may be given as well stands in no document."""
    try:
        found = x509.load_pem_x509_certificates(pem.encode())
    except ValueError as error:
        raise invalid("certificate is no certificate in PEM form") from error
    if len(found) != 1:
        raise invalid(f"certificate holds {len(found)} certificates")
    return found[0]
