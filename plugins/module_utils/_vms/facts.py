# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a server of the VMS holds and presents, out of what its host answered."""

from __future__ import annotations

import base64
import dataclasses as dc
import datetime as dt
import re
import typing as t

from .._core._errors import ConnectError, ProtocolError
from .._pki._external import for_servers
from .._thirdparty import hashes, x509
from .._tls._certificate import CertificateFacts
from .topology import MANAGEMENT, MOBILE, ROLES, SERVER, STREAMING, Held, may_stand_by, name_for
from .windows import Answer, Target, WindowsHost

__all__ = [
    "DEFAULT_PORTS",
    "Handshake",
    "Identity",
    "Own",
    "Ports",
    "ServerFacts",
    "any_name",
    "certificate_names",
    "handshake",
    "link_port",
    "read_groups",
    "read_server",
    "read_uses",
    "silence",
    "thumbprint_of",
]

#: Access rights of a key's file: FILE_READ_DATA.
_READ: t.Final = 0x1
#: SIDs of Everyone and of Authenticated Users, to which each service account belongs.
_EVERYBODY: t.Final = frozenset({"S-1-1-0", "S-1-5-11"})
Ports = t.Mapping[str, int]
#: Where a server listens. The makers' list of ports has all of them but says little of what TLS changes: INFERRED.
DEFAULT_PORTS: t.Final[Ports] = {
    "management": 443,
    "management_http": 80,
    "data_collector": 7609,
    "webapi": 9001,
    "streaming": 7563,
    "mobile": 8082,
    "mobile_http": 8081,
    "event": 22331,
}
#: By which port it is seen whether a certificate group is on. Nothing tells it otherwise: ServerConfigurator cannot be
#: asked, and IIS may have a certificate on 443 without it.
_STATE_PORT: t.Final[t.Mapping[str, str]] = {SERVER: "data_collector", STREAMING: "streaming", MOBILE: "mobile"}
_WRONG_NAME: t.Final = "RemoteCertificateNameMismatch"
#: A mobile server without encryption has no such port at all: then its plain one answers.
_PLAIN_PORT: t.Final[t.Mapping[str, str]] = {MOBILE: "mobile_http"}
_ATTRIBUTE: t.Final = re.compile(r"""(\w+)\s*=\s*["']([^"']*)["']""")
#: Names of these accounts are other ones on a Windows in another language; their SIDs are not.
_WELL_KNOWN: t.Final[t.Mapping[str, str]] = {
    r"nt authority\system": "S-1-5-18",
    "localsystem": "S-1-5-18",
    r"nt authority\local service": "S-1-5-19",
    r"nt authority\network service": "S-1-5-20",
}


@dc.dataclass(frozen=True, kw_only=True)
class Identity:
    """Which server it is.

    Attributes:
        name: Inventory name.
        host_name: By which the others reach it.
        roles: What runs on it.
        ports: Where it listens.
        service_account: Whom its services run as.
        configurator: Path of ServerConfigurator.
        mobile_host_name: By which clients reach its mobile server; empty where nobody has said.
    """

    name: str
    host_name: str
    roles: tuple[str, ...]
    ports: Ports
    service_account: str
    configurator: str
    mobile_host_name: str = ""

    @property
    def account(self) -> str:
        """The service account as its host is told of it: a well-known one by its SID."""
        return _WELL_KNOWN.get(self.service_account.lower(), self.service_account)

    @property
    def groups(self) -> tuple[str, ...]:
        """The certificate groups that its roles present and that can be seen from outside."""
        return tuple(group for group in _STATE_PORT if any(group in ROLES[role] for role in self.roles))

    def name_for(self, group: str, *, presented: bool) -> str:
        """What a certificate of a group has to name.

        Args:
            group: Certificate group.
            presented: Whether the group presents a certificate already.

        Returns:
            See :func:`.topology.name_for`.
        """
        return name_for(group, host_name=self.host_name, mobile_host_name=self.mobile_host_name, presented=presented)


@dc.dataclass(frozen=True, kw_only=True)
class Own:
    """A certificate in the store ``My``.

    Attributes:
        thumbprint: SHA-1, upper-case hexadecimal, as Windows names it; nothing rests on it.
        facts: The certificate.
        chain: What Windows found above it, nearest first; the last one is a root where one was found.
        has_private_key: Whether its key is there.
        readable: Whether the service account may read the key (VMS-14).
    """

    thumbprint: str
    facts: CertificateFacts
    chain: tuple[CertificateFacts, ...]
    has_private_key: bool
    readable: bool

    @property
    def root(self) -> str:
        """SHA-256 of its root, hexadecimal; empty where Windows found none."""
        last = self.chain[-1] if self.chain else self.facts
        return last.sha256 if last.self_signed else ""

    @property
    def self_signed(self) -> bool:
        """Whether it is its own root, as that of a WinRM listener often is."""
        return not self.chain and self.facts.self_signed

    def held(self) -> Held:
        """The certificate as planning sees it."""
        return Held(
            thumbprint=self.thumbprint.lower(),
            names=frozenset(certificate_names(self.facts)),
            not_before=self.facts.not_before,
            not_after=self.facts.not_after,
            root=self.root,
            key_type=self.facts.key_type,
            key_readable=self.readable,
            for_servers=for_servers(self.facts),
            self_signed=self.self_signed,
            subject=self.facts.subject,
        )


@dc.dataclass(frozen=True, kw_only=True)
class Handshake:
    """A handshake from one host to another, or why there was none.

    Attributes:
        status: ``encrypted``, ``plain``, ``broken`` or ``silent``.
        thumbprint: Of what was presented; empty without a handshake.
        leaf: What was presented.
        errors: Why the host that asked does not trust it: names of .NET's ``SslPolicyErrors`` and
            ``X509ChainStatusFlags``; empty when it does.
        standing_by: There was no handshake: its service starts when it takes over, and its configuration told this.
    """

    status: str
    thumbprint: str = ""
    leaf: CertificateFacts | None = None
    errors: tuple[str, ...] = ()
    standing_by: bool = False

    @property
    def trusted(self) -> bool:
        """Whether it was encrypted and trusted."""
        return self.status == "encrypted" and not self.errors

    def shown(self) -> dict[str, t.Any]:
        """The handshake as a result shows it."""
        return {
            "status": self.status,
            "thumbprint": self.thumbprint,
            "errors": list(self.errors),
            "standing_by": self.standing_by,
        }


@dc.dataclass(frozen=True, kw_only=True)
class ServerFacts:
    """A server as it is.

    Attributes:
        account: SID of the service account.
        configurator: Whether ServerConfigurator is there.
        configurators_running: How many of them run now.
        own: What the store ``My`` holds.
        roots: SHA-256 of what the store ``Root`` holds, hexadecimal.
        services: Milestone's services, each ``name``, ``status`` and ``start_type``.
        groups: What each certificate group presents.
    """

    account: str
    configurator: bool
    configurators_running: int
    own: tuple[Own, ...]
    roots: frozenset[str]
    services: tuple[t.Mapping[str, str], ...]
    groups: t.Mapping[str, Handshake]

    def by_thumbprint(self, thumbprint: str) -> Own | None:
        """One of its certificates.

        Args:
            thumbprint: Hexadecimal, in any case.

        Returns:
            None where there is none.
        """
        return next((one for one in self.own if one.thumbprint == thumbprint.upper()), None)

    @property
    def encrypted(self) -> frozenset[str]:
        """Certificate groups that are switched on; one whose handshakes break is on as well."""
        return frozenset(group for group, found in self.groups.items() if found.status in ("encrypted", "broken"))

    @property
    def broken(self) -> frozenset[str]:
        """Certificate groups whose handshakes break."""
        return frozenset(group for group, found in self.groups.items() if found.status == "broken")

    @property
    def silent(self) -> frozenset[str]:
        """Certificate groups of which nobody knows whether they are on."""
        return frozenset(group for group, found in self.groups.items() if found.status == "silent")

    @property
    def standing_by(self) -> frozenset[str]:
        """Certificate groups whose service starts when it takes over."""
        return frozenset(group for group, found in self.groups.items() if found.standing_by)

    def presented(self, group: str) -> Own | None:
        """Which of its certificates a group presents.

        Args:
            group: Its name.

        Returns:
            None where none is presented, or one that the store does not hold.
        """
        return self.by_thumbprint(self.groups[group].thumbprint) if group in self.groups else None

    def takes_up(self, group: str, subject: str) -> bool:
        """Whether a group presents a certificate of a subject, and with that each later one by itself (VMS-17).

        Args:
            group: Certificate group.
            subject: Distinguished name.

        Returns:
            Whether it does.
        """
        presented = self.presented(group)
        return presented is not None and presented.facts.subject == subject

    def serving(self, group: str, identity: Identity, now: dt.datetime) -> Own | None:
        """Which certificate serves a group: of the subject that it presents, or else one that could; the latest first.

        As the VMS does among certificates of one subject (VMS-17).

        Args:
            group: Certificate group.
            identity: Which server it is.
            now: The present instant.

        Returns:
            None where none is presented and none names the host.
        """
        presented = self.presented(group)
        if presented is None or not presented.has_private_key:
            return self._prospect(identity.name_for(group, presented=False), now)
        name = identity.name_for(group, presented=True)
        same = [one for one in self.own if one.facts.subject == presented.facts.subject]
        return max(self._fit(same, name, now), key=_lateness, default=presented)

    def _prospect(self, name: str, now: dt.datetime) -> Own | None:
        """What a group could present; first what another one presents already: one certificate for all is simplest."""
        used = [one for one in map(self.presented, self.groups) if one is not None]
        subjects = {one.facts.subject for one in used}
        named = [one for one in self.own if one.has_private_key and one.held().covers(name)]
        fit = sorted(
            self._fit(named, name, now), key=lambda one: (one.facts.subject in subjects, *_lateness(one)), reverse=True
        )
        return next(iter((*fit, *(one for one in used if one in named), *named)), None)

    def _fit(self, some: t.Iterable[Own], name: str, now: dt.datetime) -> list[Own]:
        return [
            one for one in some if one.has_private_key and one.root in self.roots and not one.held().fault(name, now)[0]
        ]

    def groups_shown(self) -> dict[str, str]:
        """What each certificate group is like: the thumbprint that it presents, ``broken``, or ``off``."""
        return {
            group: found.thumbprint or (found.status if found.status in ("broken", "silent") else "off")
            for group, found in self.groups.items()
        }

    def shown(self, now: dt.datetime) -> dict[str, t.Any]:
        """The server as a result shows it.

        Args:
            now: The present instant.

        Returns:
            ``certificates``, ``groups``, ``services`` and ``configurators_running``.
        """
        return {
            "certificates": [
                {
                    "thumbprint": one.thumbprint,
                    **one.facts.shown(now),
                    "private_key": one.has_private_key,
                    "key_readable": one.readable,
                    "root_sha256": one.root,
                    "root_trusted": one.root in self.roots,
                    "presented_by": [
                        group for group, found in self.groups.items() if found.thumbprint == one.thumbprint
                    ],
                }
                for one in self.own
            ],
            "groups": {group: found.shown() for group, found in self.groups.items()},
            "services": [dict(service) for service in self.services],
            "configurators_running": self.configurators_running,
        }


def read_server(host: WindowsHost, identity: Identity) -> ServerFacts:
    """Ask a server for all that it holds and presents.

    Args:
        host: Its host.
        identity: Which server it is.

    Returns:
        The facts.

    Raises:
        CamsecError: See :class:`WindowsHost`.
    """
    answer = host.read(service_account=identity.account, configurator=identity.configurator)
    try:
        account = str(answer["account"])
        own = tuple(_own(row, account, identity.name) for row in answer["own"] if row)
        roots = frozenset(base64.b64decode(text).hex() for text in answer["roots"] if text)
        services = tuple(answer["services"])
        configurator, running = bool(answer["configurator"]), int(answer["configurators_running"])
    except (KeyError, TypeError, ValueError) as error:
        raise ProtocolError(
            device=identity.name,
            subject="certificate stores",
            found="an answer without what was asked for",
            expected="what the stores hold",
        ) from error
    return ServerFacts(
        account=account,
        configurator=configurator,
        configurators_running=running,
        own=own,
        roots=roots,
        services=tuple(service for service in services if service),
        groups={group: _kept(found, own) for group, found in read_groups(host, identity).items()},
    )


def _kept(found: Handshake, own: t.Sequence[Own]) -> Handshake:
    """What stands by with a certificate that is gone would present nothing when it takes over."""
    there = any(one.thumbprint == found.thumbprint and one.has_private_key for one in own)
    if found.standing_by and found.status == "encrypted" and not there:
        return Handshake(status="broken", standing_by=True)
    return found


def read_groups(host: WindowsHost, identity: Identity) -> dict[str, Handshake]:
    """What each certificate group of a server presents, seen from itself.

    Args:
        host: Its host.
        identity: Which server it is.

    Returns:
        By the group's name; ``silent`` where nobody knows, since a service does not answer at all.
    """
    found = dict(zip(identity.groups, _own_handshakes(host, identity, _STATE_PORT, identity.groups), strict=True))
    quiet = [group for group in found if found[group].status == "silent"]
    plain = [group for group in quiet if group in _PLAIN_PORT]
    found.update(zip(plain, _own_handshakes(host, identity, _PLAIN_PORT, plain), strict=True))
    if STREAMING in quiet and may_stand_by(identity.roles):
        found[STREAMING] = _configured(host.recorder_configuration())
    return found


def _configured(element: str) -> Handshake:
    """What a recording server that does not run is configured to present.

    FIELD: the element and its attributes were seen in scripts of others; that they are about the group of the streams
    is INFERRED.
    """
    told = dict(_ATTRIBUTE.findall(element))
    if told.get("enabled", "").lower() == "true":
        thumbprint = told.get("certificateHash", "").replace(" ", "").upper()
        return Handshake(status="encrypted", thumbprint=thumbprint, standing_by=True)
    if told.get("enabled", "").lower() == "false":
        return Handshake(status="plain", standing_by=True)
    return Handshake(status="silent")


def read_uses(host: WindowsHost, identity: Identity, group: str) -> list[Handshake]:
    """What a certificate group of a server presents in all places where the others meet it.

    Args:
        host: Its host.
        identity: Which server it is.
        group: The certificate group.

    Returns:
        One for each port.
    """
    ports = [identity.ports[_STATE_PORT[group]], link_port(identity.roles, group, identity.ports)]
    found = _shaken(host, identity, [(port, group) for port in dict.fromkeys(ports)])
    # Where a failover recording server stands by, what would answer at the other port does not run.
    return [found[0], *(one for one in found[1:] if one.status != "silent" or not may_stand_by(identity.roles))]


def silence(identity: Identity, group: str) -> ConnectError:
    """The error for a certificate group of which nobody knows whether it is on.

    Args:
        identity: Which server it is.
        group: The certificate group.

    Returns:
        The error.
    """
    place = _STATE_PORT[group]
    advice = "Start the service, or name its port in camsec_vms_ports."
    if may_stand_by(identity.roles) and group == STREAMING:
        advice = (
            "It stands by, and its RecorderConfig.xml does not tell whether its streams are encrypted: start its"
            " Failover Recording Server service for this run, or name its port in camsec_vms_ports."
        )
    return ConnectError(
        device=identity.name,
        subject=f"port {identity.ports[place]} ({place.replace('_', ' ')})",
        found="no answer on the host itself",
        expected=f"an answer that shows whether the certificate group {group} is on",
        advice=advice,
    )


def _own_handshakes(
    host: WindowsHost, identity: Identity, places: t.Mapping[str, str], groups: t.Sequence[str]
) -> list[Handshake]:
    return _shaken(host, identity, [(identity.ports[places[group]], group) for group in groups])


def _shaken(host: WindowsHost, identity: Identity, doors: t.Sequence[tuple[int, str]]) -> list[Handshake]:
    """Handshakes of a host with itself, each at a port of a certificate group."""
    names = [identity.name_for(group, presented=True) for _port, group in doors]
    targets = [
        Target(host="localhost", port=port, name=name or identity.host_name)
        for (port, _group), name in zip(doors, names, strict=True)
    ]
    found = [handshake(answer, identity.name) for answer in (host.handshakes(targets) if targets else [])]
    return [
        one if name else dc.replace(one, errors=tuple(error for error in one.errors if error != _WRONG_NAME))
        for one, name in zip(found, names, strict=True)
    ]


def handshake(answer: Answer, device: str) -> Handshake:
    """A handshake as a host told it.

    Args:
        answer: One of :meth:`WindowsHost.handshakes`.
        device: Inventory name, for the error.

    Returns:
        The handshake.

    Raises:
        ProtocolError: The answer lacks what it should have.
    """
    try:
        if answer["status"] != "encrypted":
            return Handshake(status=str(answer["status"]))
        leaf = CertificateFacts.from_der(base64.b64decode(answer["leaf"]), device=device, subject="handshake")
        errors = _errors(answer["verdict"])
    except (KeyError, TypeError, ValueError) as error:
        raise ProtocolError(
            device=device,
            subject="handshake",
            found="an answer without a verdict",
            expected="what the handshake showed",
        ) from error
    return Handshake(status="encrypted", thumbprint=thumbprint_of(leaf), leaf=leaf, errors=errors)


def _errors(verdict: Answer) -> tuple[str, ...]:
    policy = [name.strip() for name in str(verdict["policy_errors"]).split(",")]
    status = [part.strip() for text in verdict["chain_status"] if text for part in str(text).split(",")]
    return tuple(dict.fromkeys(name for name in (*policy, *status) if name not in ("", "None", "NoError")))


def link_port(presenter_roles: t.Collection[str], group: str, ports: Ports) -> int:
    """Where the other end of a link connects to.

    Args:
        presenter_roles: What runs on the server that presents the certificate.
        group: The certificate group.
        ports: Of that server.

    Returns:
        The port.
    """
    if group != SERVER:
        return ports[_STATE_PORT[group]]
    if MANAGEMENT in presenter_roles:
        return ports["management"]
    records = any(STREAMING in ROLES[role] for role in presenter_roles)
    return ports["webapi" if records else "data_collector"]


def certificate_names(facts: CertificateFacts) -> tuple[str, ...]:
    """Common name and DNS names of a certificate, lower case (VMS-12).

    Args:
        facts: The certificate.

    Returns:
        Each once.
    """
    names = [name.removeprefix("DNS:") for name in facts.subject_alt_names if name.startswith("DNS:")]
    return tuple(dict.fromkeys(name.lower() for name in (facts.subject_common_name, *names) if name))


def any_name(facts: CertificateFacts) -> str:
    """A host name that a certificate has, for a handshake where nobody has said by which one it is reached.

    Args:
        facts: The certificate.

    Returns:
        Its first one; for a wildcard, a name that it covers.
    """
    return next(iter(certificate_names(facts)), "").replace("*", "any")


def thumbprint_of(facts: CertificateFacts) -> str:
    """What Windows calls a certificate: its SHA-1. Nothing rests on it.

    Args:
        facts: The certificate.

    Returns:
        Upper-case hexadecimal.
    """
    fingerprint: bytes = x509.load_der_x509_certificate(facts.der).fingerprint(hashes.SHA1())
    return fingerprint.hex().upper()


def _lateness(own: Own) -> tuple[dt.datetime, dt.datetime]:
    return own.facts.not_before, own.facts.not_after


def _own(row: Answer, account: str, device: str) -> Own:
    chain = [
        CertificateFacts.from_der(base64.b64decode(text), device=device, subject=f"certificate {row['thumbprint']}")
        for text in row["chain"]
        if text
    ]
    return Own(
        thumbprint=str(row["thumbprint"]).upper(),
        facts=chain[0],
        chain=tuple(chain[1:]),
        has_private_key=bool(row["has_private_key"]),
        readable=_readable(row["rules"], account),
    )


def _readable(rules: t.Sequence[Answer], account: str) -> bool:
    """What is denied weighs more than what is allowed, as in Windows."""
    mine = [rule for rule in rules if rule and rule["sid"] in (account, *_EVERYBODY) and int(rule["rights"]) & _READ]
    return bool(mine) and all(rule["allow"] for rule in mine)
