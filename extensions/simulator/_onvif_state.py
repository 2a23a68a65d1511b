# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The state of an ONVIF camera and the rules about it; no sockets and no XML in here."""

from __future__ import annotations

import contextlib
import copy
import dataclasses as dc
import ipaddress
import re
import typing as t

from ._keystore import Keystore
from ._onvif_spec import OnvifCameraSpec
from ._soap import SoapFault
from ._spec_common import is_loopback

__all__ = ["Account", "Host", "Network", "OnvifState", "Protocol", "TlsSettings"]

NAME_LENGTH: t.Final = 32
PASSWORD_LENGTH: t.Final = range(8, 33)
_HOST_NAME: t.Final = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_DNS_NAME: t.Final = rf"(?=.{{1,253}}$){_HOST_NAME}(?:\.{_HOST_NAME})*\.?"
#: POSIX 1003.1: a name and an offset, and what daylight saving adds.
_ZONE: t.Final = re.compile(
    r"(?:[A-Za-z]{3,}|<[A-Za-z0-9+-]{3,}>)[+-]?\d{1,2}(?::\d{2}){0,2}"
    r"(?:(?:[A-Za-z]{3,}|<[A-Za-z0-9+-]{3,}>)(?:[+-]?\d{1,2}(?::\d{2}){0,2})?(?:,[JM0-9./:]+,[JM0-9./:]+)?)?"
)


@dc.dataclass(frozen=True, kw_only=True)
class Account:
    name: str
    password: str = dc.field(repr=False)
    level: str


@dc.dataclass(frozen=True, kw_only=True)
class Protocol:
    enabled: bool
    port: int


@dc.dataclass(frozen=True, kw_only=True)
class Host:
    """Where a time server is: an address of its kind, or a name."""

    kind: str
    value: str

    def check(self) -> None:
        if self.kind == "DNS":
            good = re.fullmatch(_DNS_NAME, self.value) is not None
        else:
            good = _is_address(self.value, 4 if self.kind == "IPv4" else 6)
        if not good:
            fault = {"DNS": "InvalidDnsName", "IPv4": "InvalidIPv4Address"}.get(self.kind, "InvalidIPv6Address")
            raise SoapFault(fault, f"{self.value!r} is no {self.kind} host.")


def _is_address(text: str, version: int) -> bool:
    try:
        return ipaddress.ip_address(text).version == version
    except ValueError:
        return False


@dc.dataclass(frozen=True, kw_only=True)
class Network:
    """Its one network interface, IPv4; the gateway may be empty."""

    address: str
    prefix_length: int = 24
    gateway: str = ""


@dc.dataclass(kw_only=True)
class TlsSettings:
    """What the TLS server presents and asks for, by ids of the keystore."""

    versions: tuple[str, ...]
    assigned: list[str] = dc.field(default_factory=list)
    client_required: bool = False
    cn_maps: bool = False
    policies: list[str] = dc.field(default_factory=list)
    #: CA certificates that the legacy operations loaded.
    authorities: list[str] = dc.field(default_factory=list)
    #: The paths that the legacy operations made.
    legacy_paths: list[str] = dc.field(default_factory=list)


class OnvifState:
    """Everything that survives a restart."""

    def __init__(self, spec: OnvifCameraSpec) -> None:
        self.spec = spec
        self.store = Keystore(spec)
        self.tls = TlsSettings(versions=spec.tls_versions)
        self.protocols = _factory_protocols(spec)
        self.network = Network(address=spec.address)
        self.reset_settings()

    def reset_settings(self) -> None:
        """What a soft factory default brings back; network, keys and certificates stay."""
        spec = self.spec
        self.users = {
            user.name: Account(name=user.name, password=user.password, level=user.level)
            for user in spec.accounts.values()
        }
        self.hostname = spec.name
        self.ntp: tuple[Host, ...] = ()
        self.ntp_from_dhcp = False
        self.time_type = "Manual"
        self.zone = "UTC0"
        self.daylight = False
        self.clock_set = 0.0

    def reset_all(self) -> None:
        """A hard one."""
        self.store = Keystore(self.spec)
        self.tls = TlsSettings(versions=self.spec.tls_versions)
        self.protocols = _factory_protocols(self.spec)
        self.network = Network(address=self.spec.address)
        self.reset_settings()

    @contextlib.contextmanager
    def all_or_nothing(self) -> t.Iterator[None]:
        """What is refused half-way leaves keystore and TLS server as they were."""
        store, tls = self.store.dump(), copy.deepcopy(self.tls)
        try:
            yield
        except SoapFault:
            self.store.load(store)
            self.tls = tls
            raise

    # -- users ---------------------------------------------------------------------------------------------------

    def check_account(self, account: Account) -> None:
        if account.level == "Anonymous":
            raise SoapFault("AnonymousNotAllowed", "A user's level cannot be Anonymous.")
        if not account.name:
            raise SoapFault("UsernameTooShort", "A user's name must not be empty.")
        if len(account.name) > NAME_LENGTH:
            raise SoapFault("UsernameTooLong", f"A user's name has at most {NAME_LENGTH} characters.")
        if len(account.password) >= PASSWORD_LENGTH.stop:
            raise SoapFault("PasswordTooLong", f"A password has at most {PASSWORD_LENGTH.stop - 1} characters.")
        if len(account.password) < PASSWORD_LENGTH.start or account.password == account.name:
            raise SoapFault("PasswordTooWeak", f"A password has at least {PASSWORD_LENGTH.start} characters.")

    def create_users(self, accounts: t.Sequence[Account]) -> None:
        """All of them, or none."""
        names = [account.name for account in accounts]
        for account in accounts:
            self.check_account(account)
            if account.name in self.users or names.count(account.name) > 1:
                raise SoapFault("UsernameClash", f"There is a user {account.name!r} already.")
        if len(self.users) + len(accounts) > self.spec.max_users:
            raise SoapFault("TooManyUsers", f"There is room for {self.spec.max_users} users.")
        self.users.update({account.name: account for account in accounts})

    def user(self, name: str) -> Account:
        found = self.users.get(name)
        if found is None:
            raise SoapFault("UsernameMissing", f"There is no user {name!r}.")
        return found

    def set_users(self, accounts: t.Sequence[Account]) -> None:
        """Other passwords and levels, of all or of none; an empty password leaves it."""
        wanted = {}
        for account in accounts:
            known = self.user(account.name)
            new = account if account.password else dc.replace(account, password=known.password)
            if account.password or account.level == "Anonymous":
                self.check_account(new)
            wanted[account.name] = new
        self._keep_administrator({**self.users, **wanted})

    def delete_users(self, names: t.Sequence[str]) -> None:
        for name in names:
            self.user(name)
        self._keep_administrator({name: user for name, user in self.users.items() if name not in names})

    def _keep_administrator(self, users: dict[str, Account]) -> None:
        if not any(user.level == "Administrator" for user in users.values()):
            raise SoapFault("FixedUser", "There must always be an administrator.")
        self.users = users

    # -- name and time -------------------------------------------------------------------------------------------

    def set_hostname(self, name: str) -> None:
        if not re.fullmatch(_HOST_NAME, name):
            raise SoapFault("InvalidHostname", f"{name!r} is no host name.")
        self.hostname = name

    def set_ntp(self, hosts: t.Sequence[Host], *, from_dhcp: bool) -> None:
        for host in hosts:
            host.check()
        if not hosts and not from_dhcp and self.time_type == "NTP":
            raise SoapFault("TimeSyncedToNtp", "The time comes from NTP; it needs a server.")
        self.ntp, self.ntp_from_dhcp = tuple(hosts), from_dhcp

    def check_zone(self, zone: str) -> None:
        if not re.fullmatch(_ZONE, zone):
            raise SoapFault("InvalidTimeZone", f"{zone!r} is no time zone as POSIX writes it.")

    # -- the network interface -----------------------------------------------------------------------------------

    def network_with(self, address: str, prefix_length: int) -> Network:
        """What SetNetworkInterfaces asks for."""
        if not is_loopback(address) or ":" in address or not 1 <= prefix_length <= 30:
            text = f"{address!r}/{prefix_length} cannot be this device's address; the simulator has loopback ones only."
            raise SoapFault("InvalidIPv4Address", text)
        return dc.replace(self.network, address=address, prefix_length=prefix_length)

    def set_gateway(self, address: str) -> None:
        if address and not _is_address(address, 4):
            raise SoapFault("InvalidGatewayAddress", f"{address!r} is no IPv4 address.")
        self.network = dc.replace(self.network, gateway=address)

    # -- network protocols ---------------------------------------------------------------------------------------

    def check_protocols(self, wanted: t.Mapping[str, Protocol]) -> None:
        """What SetNetworkProtocols asks for, together with what stays."""
        for name, protocol in wanted.items():
            if not 1 <= protocol.port <= 65535:
                raise SoapFault("InvalidArgVal", f"{name}: port {protocol.port} is not 1 to 65535.")
        new = {**self.protocols, **wanted}
        ports = [protocol.port for protocol in new.values() if protocol.enabled]
        for port in ports:
            if ports.count(port) > 1:
                raise SoapFault("PortAlreadyInUse", f"Port {port} would be used twice.")
        if not new["HTTP"].enabled and not new["HTTPS"].enabled:
            raise SoapFault("InvalidArgVal", "HTTP and HTTPS cannot both be off.")
        if new["HTTPS"].enabled and not self.tls.assigned:
            raise SoapFault("EnablingTlsFailed", "TLS is not configured appropriately: no certificate is assigned.")

    # -- the TLS server ------------------------------------------------------------------------------------------

    def assign(self, name: str) -> None:
        path = self.store.path(name)
        self.store.leaf_key(path)
        if name in self.tls.assigned:
            raise SoapFault("CertificationPathID", "The path is assigned already.")
        limit = self.spec.max_tls_certification_paths
        if len(self.tls.assigned) >= limit:
            raise SoapFault("MaximumNumberOfCertificationPathsReached", f"The TLS server takes {limit} path(s).")
        self.tls.assigned.append(name)

    def unassign(self, name: str) -> None:
        if name not in self.tls.assigned:
            raise SoapFault("OldCertificationPathID", f"The path {name!r} is not assigned.")
        if len(self.tls.assigned) == 1 and self.protocols["HTTPS"].enabled:
            raise SoapFault("ReferenceExists", "HTTPS is enabled and needs the path.")
        self.tls.assigned.remove(name)

    def replace(self, old: str, new: str) -> None:
        if old not in self.tls.assigned:
            raise SoapFault("OldCertificationPathID", f"The path {old!r} is not assigned.")
        path = self.store.path(new, "NewCertificationPathID")
        self.store.leaf_key(path)
        if new in self.tls.assigned and new != old:
            raise SoapFault("NewCertificationPathID", "The path is assigned already.")
        self.tls.assigned[self.tls.assigned.index(old)] = new

    def delete_path(self, name: str) -> None:
        self.store.path(name)
        if name in self.tls.assigned:
            raise SoapFault("ReferenceExists", "The path is assigned to the TLS server.")
        del self.store.paths[name]

    def delete_certificate(self, name: str) -> None:
        if name in self.tls.authorities and self._needed_for_clients(without=name):
            raise SoapFault("ReferenceExists", "Clients' certificates are verified with it.")
        self.store.delete_certificate(name)
        if name in self.tls.authorities:
            self.tls.authorities.remove(name)

    def _needed_for_clients(self, *, without: str) -> bool:
        return self.tls.client_required and not [name for name in self.anchors() if name != without]

    def anchors(self) -> list[str]:
        """The certificates that clients' ones are verified with."""
        found = [name for policy in self.tls.policies for name in self.store.policies[policy].anchors]
        return list(dict.fromkeys([*found, *self.tls.authorities]))

    def require_clients(self, *, required: bool) -> None:
        if required and not self.anchors():
            raise SoapFault("EnablingClientAuthenticationFailed", "There is nothing to verify clients with.")
        self.tls.client_required = required

    def delete_policy(self, name: str) -> None:
        self.store.policy(name)
        if name in self.tls.policies:
            raise SoapFault("ReferenceExists", "The policy is assigned to the TLS server.")
        del self.store.policies[name]

    # -- keeping it ----------------------------------------------------------------------------------------------

    def dump(self) -> dict[str, t.Any]:
        return {
            "store": self.store.dump(),
            "tls": dc.asdict(self.tls),
            "protocols": {name: dc.asdict(protocol) for name, protocol in self.protocols.items()},
            "network": dc.asdict(self.network),
            "users": [dc.asdict(user) for user in self.users.values()],
            "ntp": [dc.asdict(host) for host in self.ntp],
            **{name: getattr(self, name) for name in _PLAIN},
        }

    def load(self, data: t.Mapping[str, t.Any]) -> None:
        self.store.load(data["store"])
        self.tls = TlsSettings(**{**data["tls"], "versions": tuple(data["tls"]["versions"])})
        self.protocols = {name: Protocol(**values) for name, values in data["protocols"].items()}
        self.network = Network(**data["network"])
        self.users = {values["name"]: Account(**values) for values in data["users"]}
        self.ntp = tuple(Host(**values) for values in data["ntp"])
        for name in _PLAIN:
            setattr(self, name, data[name])

    def shown(self) -> dict[str, t.Any]:
        """As `dump`, without secrets."""
        users = [{"name": user.name, "password": "***", "level": user.level} for user in self.users.values()]
        return {**self.dump(), "store": self.store.shown(), "users": users}


_PLAIN: t.Final = ("hostname", "ntp_from_dhcp", "time_type", "zone", "daylight", "clock_set")


def _factory_protocols(spec: OnvifCameraSpec) -> dict[str, Protocol]:
    return {
        "HTTP": Protocol(enabled=True, port=spec.http_port),
        "HTTPS": Protocol(enabled=False, port=spec.https_port),
        "RTSP": Protocol(enabled=True, port=spec.rtsp_port),
    }
