# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The servers of a VMS, what they hold, and the links between them (VMS-01 to VMS-04)."""

from __future__ import annotations

import dataclasses as dc
import datetime as dt
import functools
import types
import typing as t

from .._core._errors import InputError
from .._tls._names import name_covers

__all__ = [
    "CERTIFICATE_GROUPS",
    "CLIENT_KINDS",
    "MANAGEMENT",
    "MOBILE",
    "ROLES",
    "SERVER",
    "STREAMING",
    "Client",
    "Held",
    "Link",
    "Server",
    "Topology",
    "may_stand_by",
    "name_for",
    "names_host",
    "new_subject",
]

#: Certificate groups of ServerConfigurator (OFFICIAL), by the names of ``-VmsComponent``.
SERVER, STREAMING, MOBILE, EVENT = "server", "streaming_media", "mobile_server", "event_server"
CERTIFICATE_GROUPS: t.Final[t.Mapping[str, str]] = types.MappingProxyType(
    {
        SERVER: "84430eb7-847c-422d-aa00-7915cd0d7a65",
        STREAMING: "549df21d-047c-456b-958e-99e65dd8b3ec",
        MOBILE: "76cfc719-a852-4210-913e-703eadab139a",
        EVENT: "7e02e0f5-549d-4113-b8de-bda2c1f38dbf",
    }
)
MANAGEMENT: t.Final = "management_server"
_RECORDING: t.Final = ("recording_server", "failover_recording_server")
#: What runs on a server, and the certificate groups that it presents.
ROLES: t.Final[t.Mapping[str, tuple[str, ...]]] = types.MappingProxyType(
    {
        MANAGEMENT: (SERVER,),
        "recording_server": (SERVER, STREAMING),
        "failover_recording_server": (SERVER, STREAMING),
        "event_server": (SERVER,),
        "log_server": (SERVER,),
        "lpr_server": (SERVER,),
        "mobile_server": (SERVER, MOBILE),
    }
)
#: Servers that fetch streams from recording servers (VMS-03).
_FETCHING_ROLES: t.Final = frozenset({MANAGEMENT, "mobile_server", "event_server", "lpr_server"})
#: What fetches streams, and from which certificate group (VMS-03, VMS-04).
CLIENT_KINDS: t.Final[t.Mapping[str, str]] = types.MappingProxyType(
    {
        "smart_client": STREAMING,
        "management_client": STREAMING,
        "open_network_bridge": STREAMING,
        "dlna_server": STREAMING,
        "interconnect_site": STREAMING,
        "mip_integration": STREAMING,
        "mobile_client": MOBILE,
        "web_client": MOBILE,
    }
)


def may_stand_by(roles: t.Collection[str]) -> bool:
    """Whether it is no fault that nobody answers where a server's streams are fetched.

    A failover recording server in cold standby starts that service when it takes over (OFFICIAL).

    Args:
        roles: What runs on the server.

    Returns:
        True for a failover recording server that is no recording server besides.
    """
    return "failover_recording_server" in roles and "recording_server" not in roles


def name_for(group: str, *, host_name: str, mobile_host_name: str, presented: bool) -> str:
    """What a certificate of a group has to name (VMS-12).

    Args:
        group: Certificate group.
        host_name: By which the other servers reach the server.
        mobile_host_name: By which clients reach its mobile server; empty where nobody has said.
        presented: Whether the group presents a certificate already.

    Returns:
        A host name; empty where any will do: clients reach a mobile server by a name that its certificate has, and
        nobody has said which one that is.
    """
    if group != MOBILE:
        return host_name
    return mobile_host_name or ("" if presented else host_name)


def new_subject(group: str, host_name: str, mobile_host_name: str) -> str:
    """The subject of a certificate that takes no other one's place.

    The VMS takes up what is new by its subject (VMS-17): what phones look for under a name of its own must not come in
    the place of what the servers present to each other.

    Args:
        group: Certificate group.
        host_name: By which the other servers reach the server.
        mobile_host_name: By which clients reach its mobile server; empty where nobody has said.

    Returns:
        A distinguished name.
    """
    return f"CN={mobile_host_name if group == MOBILE and mobile_host_name else host_name}"


def names_host(names: t.Collection[str], name: str) -> bool:
    """Whether one of a certificate's names is for a host.

    Args:
        names: Common name and DNS names, lower case.
        name: Host name, in any case.

    Returns:
        Whether one of them is; a wildcard stands for one label.
    """
    return name.lower() in names or any(name_covers(f"DNS:{one}", name) for one in names if one.startswith("*."))


@dc.dataclass(frozen=True, kw_only=True)
class Held:
    """A certificate that a server holds for a certificate group.

    Attributes:
        thumbprint: SHA-1 of the certificate, as Windows names it, hexadecimal.
        names: Common name and DNS names, lower case.
        subject: Distinguished name.
        not_before: Start of its validity.
        not_after: End of its validity.
        root: SHA-256 of the root that it verifies against, hexadecimal; empty where none is known.
        key_type: ``rsa`` or another.
        key_readable: Whether the service account can read the private key (VMS-14).
        for_servers: Whether its extended key usages allow a server to present it.
        self_signed: Whether it is its own root.
        due: Why it is to be issued anew, as whoever knows its server and its authority judged it; empty for no reason,
            None where nobody has judged it.
        due_rule: The rule that says so.
    """

    thumbprint: str
    names: frozenset[str]
    not_before: dt.datetime
    not_after: dt.datetime
    root: str
    key_type: str = "rsa"
    key_readable: bool = True
    for_servers: bool = True
    self_signed: bool = False
    subject: str = ""
    due: str | None = None
    due_rule: str = ""

    def covers(self, name: str) -> bool:
        """Whether it names a host.

        Args:
            name: Host name, in any case; empty for any.

        Returns:
            Whether it does.
        """
        return not name or names_host(self.names, name)

    def fault(self, name: str, now: dt.datetime) -> tuple[str, str]:
        """Why it cannot serve, and the rule that says so; two empty texts when it can.

        Args:
            name: What it has to name, see :func:`name_for`.
            now: The present instant.

        Returns:
            A reason as the end of a sentence, and the rule's id.
        """
        validity = f"a certificate that is valid from {self.not_before:%Y-%m-%d} to {self.not_after:%Y-%m-%d}"
        faults = (
            (not self.covers(name), self._wrong_names, "VMS-12"),
            (self.key_type != "rsa", f"a certificate with a key of the type {self.key_type}", "VMS-19"),
            (not self.for_servers, "a certificate that is not for servers (extended key usage)", "VMS-13"),
            (self.self_signed, "a self-signed certificate", "VMS-13"),
            (not self.root, "a certificate whose root is not known", "VMS-13"),
            (not self.not_before <= now < self.not_after, validity, "VMS-16"),
        )
        return next(((found, rule) for wrong, found, rule in faults if wrong), ("", ""))

    @property
    def _wrong_names(self) -> str:
        return f"a certificate for {', '.join(sorted(self.names)) or 'no name'}"


@dc.dataclass(frozen=True, kw_only=True)
class Server:
    """A Windows host of the VMS.

    Attributes:
        name: Inventory name.
        host_name: By which the others reach it, and which its certificates have to have (VMS-12).
        roles: What runs on it.
        trusted: SHA-256 of the roots that it trusts, hexadecimal.
        certificates: What it holds, by certificate group.
        encrypted: Certificate groups that are switched on.
        broken: Those of them whose handshakes break on the server itself.
        silent: Certificate groups of which nobody knows whether they are on, since their service does not answer.
        reachable: Whether its host answered when it was asked; otherwise nothing else is known of it.
        mobile_host_name: By which clients reach its mobile server; empty where nobody has said.
    """

    name: str
    host_name: str
    roles: tuple[str, ...]
    trusted: frozenset[str] = frozenset()
    certificates: t.Mapping[str, Held] = dc.field(default_factory=dict)
    encrypted: frozenset[str] = frozenset()
    broken: frozenset[str] = frozenset()
    silent: frozenset[str] = frozenset()
    reachable: bool = True
    mobile_host_name: str = ""

    def name_for(self, group: str) -> str:
        """What its certificate of a group has to name.

        Args:
            group: Certificate group.

        Returns:
            See :func:`name_for`.
        """
        presented = group in self.encrypted and group in self.certificates
        return name_for(group, host_name=self.host_name, mobile_host_name=self.mobile_host_name, presented=presented)

    @property
    def groups(self) -> tuple[str, ...]:
        """The certificate groups that its roles present."""
        return tuple(group for group in CERTIFICATE_GROUPS if any(group in ROLES[role] for role in self.roles))

    @property
    def records(self) -> bool:
        """Whether streams are fetched from it."""
        return any(role in _RECORDING for role in self.roles)

    @property
    def fetches(self) -> bool:
        """Whether it fetches streams from recording servers."""
        return bool(_FETCHING_ROLES.intersection(self.roles))


@dc.dataclass(frozen=True, kw_only=True)
class Client:
    """Something that fetches streams and is no server of the VMS.

    Attributes:
        name: Its name, or that of many that are alike.
        kind: One of :data:`CLIENT_KINDS`.
        trusted: SHA-256 of the roots that it trusts, hexadecimal; None where nobody can ask it.
        servers: Names of the servers that it fetches from; empty for all.
    """

    name: str
    kind: str
    trusted: frozenset[str] | None = None
    servers: tuple[str, ...] = ()


@dc.dataclass(frozen=True, kw_only=True)
class Link:
    """One direction of a connection: who presents a certificate, and who has to trust it.

    Attributes:
        rule: ``VMS-01`` to ``VMS-04``.
        presenter: Name of the server that presents its certificate.
        group: The certificate group.
        verifier: Name of the server or client that connects to it.
    """

    rule: str
    presenter: str
    group: str
    verifier: str


@dc.dataclass(frozen=True, kw_only=True)
class Topology:
    """A VMS.

    Attributes:
        servers: All its servers, the management server among them.
        clients: What fetches streams besides.
    """

    servers: tuple[Server, ...]
    clients: tuple[Client, ...] = ()

    def __post_init__(self) -> None:
        _check_names(self)
        managers = [server.name for server in self.servers if MANAGEMENT in server.roles]
        if len(managers) != 1:
            raise _wrong("management server", ", ".join(managers) or "none", "exactly one")

    @functools.cached_property
    def management(self) -> Server:
        """The management server."""
        return next(server for server in self.servers if MANAGEMENT in server.roles)

    @functools.cached_property
    def others(self) -> tuple[Server, ...]:
        """All other servers: recording servers first, failover recording servers next, then the rest."""
        order = {role: place for place, role in enumerate(ROLES)}
        rest = [server for server in self.servers if server is not self.management]
        return tuple(sorted(rest, key=lambda server: (min(order[role] for role in server.roles), server.name)))

    @functools.cached_property
    def by_name(self) -> dict[str, Server]:
        """The servers by their names."""
        return {server.name: server for server in self.servers}

    @functools.cached_property
    def links(self) -> tuple[Link, ...]:
        """Every direction of every connection, each once."""
        return (*self._management_links(), *self._streaming_links(), *self._mobile_links())

    def _management_links(self) -> t.Iterator[Link]:
        """VMS-01: recording servers, both directions. VMS-02: each remote server with a data collector."""
        manager = self.management.name
        for server in self.others:
            rule = "VMS-01" if server.records else "VMS-02"
            yield Link(rule=rule, presenter=server.name, group=SERVER, verifier=manager)
            yield Link(rule=rule, presenter=manager, group=SERVER, verifier=server.name)

    def _streaming_links(self) -> t.Iterator[Link]:
        fetching = [server.name for server in self.servers if server.fetches]
        clients = [client for client in self.clients if CLIENT_KINDS[client.kind] == STREAMING]
        for server in self.servers:
            if server.records:
                names = [name for name in fetching if name != server.name]
                names += [client.name for client in clients if not client.servers or server.name in client.servers]
                for name in names:
                    yield Link(rule="VMS-03", presenter=server.name, group=STREAMING, verifier=name)

    def _mobile_links(self) -> t.Iterator[Link]:
        clients = [client for client in self.clients if CLIENT_KINDS[client.kind] == MOBILE]
        for server in self.servers:
            if MOBILE in server.groups:
                for client in clients:
                    if not client.servers or server.name in client.servers:
                        yield Link(rule="VMS-04", presenter=server.name, group=MOBILE, verifier=client.name)


def _check_names(topology: Topology) -> None:
    names: set[str] = set()
    for server in topology.servers:
        if not server.roles or not set(server.roles) <= ROLES.keys():
            found = ", ".join(role for role in server.roles if role not in ROLES) or "none"
            raise _wrong(f"roles of {server.name}", found, f"some of {', '.join(ROLES)}")
        for what, text in (("server", server.name), ("host name", server.host_name)):
            if f"{what} {text.lower()}" in names:
                raise _wrong(f"{what} {text}", "two servers with it", "one for each")
            names.add(f"{what} {text.lower()}")
    known = {server.name for server in topology.servers}
    taken = set(known)
    for client in topology.clients:
        if client.name in taken:
            raise _wrong(f"client {client.name}", "a server or another client of this name", "a name of its own")
        taken.add(client.name)
        if client.kind not in CLIENT_KINDS:
            raise _wrong(f"kind of {client.name}", client.kind, f"one of {', '.join(CLIENT_KINDS)}")
        unknown = [name for name in client.servers if name not in known]
        if unknown:
            raise _wrong(f"servers of {client.name}", ", ".join(unknown), f"names among {len(known)} known servers")


def _wrong(subject: str, found: object, expected: str) -> InputError:
    return InputError(device="VMS", subject=subject, found=found, expected=expected)
