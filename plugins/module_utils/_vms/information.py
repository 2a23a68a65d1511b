# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What one server of the VMS holds, and what its links to the others are like: by handshakes from that very host."""

from __future__ import annotations

import dataclasses as dc
import datetime as dt
import typing as t

from .._core._errors import InputError, RuleError
from .facts import (
    DEFAULT_PORTS,
    Handshake,
    Identity,
    Own,
    Ports,
    ServerFacts,
    any_name,
    handshake,
    link_port,
    read_server,
    silence,
)
from .server_plan import WantedServer, certificate_lines, certificate_reason
from .topology import MANAGEMENT, SERVER, STREAMING, Link, Server, Topology, may_stand_by
from .windows import Target, WindowsHost

__all__ = ["Information", "Peer"]

_KEYS: t.Final = frozenset({"name", "host_name", "roles", "ports"})


@dc.dataclass(frozen=True, kw_only=True)
class Peer:
    """A server of the VMS, as the others know it.

    Attributes:
        server: Name, host name and roles.
        ports: Where it listens.
    """

    server: Server
    ports: Ports

    @classmethod
    def of(cls, row: t.Mapping[str, t.Any], *, device: str) -> Peer:
        """A peer out of an option's value.

        Args:
            row: ``name``, ``roles`` and, where they differ from the default, ``host_name`` and ``ports``.
            device: Inventory name, for the error.

        Returns:
            The peer.

        Raises:
            InputError: Something is missing or unknown.
        """
        unknown = sorted({*row} - _KEYS)
        if unknown or not row.get("name") or not row.get("roles"):
            raise InputError(
                device=device,
                subject="servers",
                found=f"the key {unknown[0]}" if unknown else "a server without name or roles",
                expected=f"dictionaries of {', '.join(sorted(_KEYS))}",
            )
        name = str(row["name"])
        server = Server(name=name, host_name=str(row.get("host_name") or name), roles=tuple(row["roles"]))
        return cls(server=server, ports={**DEFAULT_PORTS, **(row.get("ports") or {})})


class Information:
    """What is told of one server.

    Args:
        host: Its host.
        identity: Which server it is.
        now: The present instant.
        wanted: What its certificate should be like, for whether one that could serve is to be issued anew all the same.
    """

    def __init__(
        self, host: WindowsHost, identity: Identity, *, now: dt.datetime, wanted: WantedServer | None = None
    ) -> None:
        self._host = host
        self._identity = identity
        self._now = now
        self._wanted = wanted

    def certificate_checks(self, groups: t.Collection[str]) -> list[dict[str, t.Any]]:
        """Use each certificate that serves for both ends of a handshake on the server itself (VMS-13).

        Args:
            groups: Certificate groups; none for all that the server has.

        Returns:
            For each certificate ``thumbprint``, ``groups``, ``status`` and ``errors``.

        Raises:
            InputError: The server does not have such a group.
            RuleError: A group has no certificate.
        """
        facts = read_server(self._host, self._identity)
        served: dict[str, list[str]] = {}
        for group in groups or self._identity.groups:
            served.setdefault(self._serving(facts, group).thumbprint, []).append(group)
        return [{"groups": mine, **self._check(facts, thumbprint, mine)} for thumbprint, mine in served.items()]

    def _serving(self, facts: ServerFacts, group: str) -> Own:
        if group not in self._identity.groups:
            raise InputError(
                device=self._identity.name,
                subject="certificate_groups",
                found=group,
                expected=f"some of this server's: {', '.join(self._identity.groups)}",
            )
        line = certificate_lines(facts, self._identity, self._now).get(group)
        if line is None or line.own is None:
            raise RuleError(
                rule="VMS-11",
                device=self._identity.name,
                subject=f"certificate of the group {group}",
                found="none for this host",
                expected=f"one for {self._identity.name_for(group, presented=False)}",
            )
        return line.own

    def _check(self, facts: ServerFacts, thumbprint: str, groups: t.Sequence[str]) -> dict[str, t.Any]:
        own = facts.by_thumbprint(thumbprint)
        if own is None:
            raise RuntimeError("a certificate that serves is in the store")
        names = [self._name_for(facts, own, group) for group in groups]
        answer = self._host.check_certificate(thumbprint, next(filter(None, names), any_name(own.facts)))
        return handshake(answer, self._identity.name).shown()

    def _name_for(self, facts: ServerFacts, own: Own, group: str) -> str:
        return self._identity.name_for(group, presented=facts.takes_up(group, own.facts.subject))

    def result(self, peers: t.Sequence[Peer]) -> dict[str, t.Any]:
        """Everything.

        Args:
            peers: All servers of the VMS, this one among them; none for no look at the links.

        Returns:
            The module's result.

        Raises:
            InputError: The servers are no VMS, or this one is not among them.
        """
        facts = read_server(self._host, self._identity)
        return {
            "changed": False,
            **facts.shown(self._now),
            "server": self._row(facts),
            "roots": self._roots(facts),
            "unanswered": [silence(self._identity, group).message for group in facts.silent],
            "links": self._links(peers, facts) if peers else [],
        }

    def _row(self, facts: ServerFacts) -> dict[str, t.Any]:
        """The server as the filter ``vms_plan`` takes it."""
        return {
            "name": self._identity.name,
            "host_name": self._identity.host_name,
            "mobile_host_name": self._identity.mobile_host_name,
            "roles": list(self._identity.roles),
            "trusted": sorted(facts.roots),
            "encrypted": sorted(facts.encrypted),
            "broken": sorted(facts.broken),
            "silent": sorted(facts.silent),
            "certificates": dict(self._certificates(facts)),
            "reachable": True,
        }

    def _certificates(self, facts: ServerFacts) -> t.Iterator[tuple[str, dict[str, t.Any]]]:
        """What is presented, otherwise what is going to be."""
        lines = certificate_lines(facts, self._identity, self._now)
        for group, found in facts.groups.items():
            line = lines.get(group) if found.leaf is None else None
            own = facts.presented(group) or (line.own if line is not None else None)
            if own is not None:
                yield group, {**_held(own), **self._due(facts, own, group)}
            elif found.leaf is not None:
                # Not out of the store that ServerConfigurator takes it from: nobody here put it there, or renews it.
                yield group, {"content": found.leaf.pem, "issuers": [], "key_readable": True, "due": ""}

    def _due(self, facts: ServerFacts, own: Own, group: str) -> dict[str, str]:
        """As the modules that renew it judge it; without knowing its authority, nobody can."""
        if self._wanted is None and own.has_private_key:
            return {}
        name = self._name_for(facts, own, group)
        reason = certificate_reason(own, name, self._wanted or WantedServer(), self._now)
        return {"due": reason.found, "due_rule": reason.rule}

    def _roots(self, facts: ServerFacts) -> list[str]:
        """The roots of its certificates, PEM."""
        tops = {one.root: one.chain[-1] for one in facts.own if one.root and one.chain}
        return [top.pem for top in tops.values() if top.is_ca]

    # -- links -----------------------------------------------------------------------------------------------------

    def _links(self, peers: t.Sequence[Peer], facts: ServerFacts) -> list[dict[str, t.Any]]:
        topology = Topology(servers=tuple(peer.server for peer in peers))
        if self._identity.name not in topology.by_name:
            raise InputError(
                device=self._identity.name,
                subject="servers",
                found=f"no {self._identity.name} among {', '.join(sorted(topology.by_name))}",
                expected="all servers of the VMS, this one among them",
            )
        known = {peer.server.name: peer for peer in peers}
        links = [link for link in topology.links if link.verifier == self._identity.name]
        # None where nobody knows: the server's own data collector is silent.
        on = None if SERVER in facts.silent else SERVER in facts.encrypted
        targets = [_target(known[link.presenter], link) for link in links]
        found = self._handshakes(targets)
        seconds = {
            number: target
            for number, link in enumerate(links)
            if (target := _second(known[link.presenter], link, found[number])) is not None
        }
        for number, second in zip(seconds, self._handshakes(list(seconds.values())), strict=True):
            targets[number], found[number] = seconds[number], second
        return [
            self._link(link, target, one, on=on, stands_by=may_stand_by(known[link.presenter].server.roles))
            for link, target, one in zip(links, targets, found, strict=True)
        ]

    def _handshakes(self, targets: t.Sequence[Target]) -> list[Handshake]:
        answers = self._host.handshakes(targets) if targets else []
        return [handshake(answer, self._identity.name) for answer in answers]

    def _link(
        self, link: Link, target: Target, found: Handshake, *, on: bool | None, stands_by: bool
    ) -> dict[str, t.Any]:
        status, reason, rule = self._judged(link, target, found, on, stands_by)
        return {
            "rule": link.rule,
            "presenter": link.presenter,
            "group": link.group,
            "verifier": link.verifier,
            "status": status,
            "reason": reason,
            "reason_rule": rule,
            "thumbprint": found.thumbprint,
        }

    def _judged(
        self, link: Link, target: Target, found: Handshake, on: bool | None, stands_by: bool
    ) -> tuple[str, str, str]:
        """Status, reason and rule of a link, out of the handshake."""
        if found.status == "silent" and stands_by and link.group == STREAMING:
            return "unknown", f"{link.presenter} stands by: what would present a certificate does not run", ""
        if found.status == "silent":
            return "broken", f"{link.presenter} does not answer on port {target['port']}", link.rule
        if found.status == "broken":
            return "broken", f"{link.presenter} ends the handshake on port {target['port']}", "VMS-14"
        if link.group == SERVER and on is not None and on != (found.status == "encrypted"):
            names = (link.verifier, link.presenter) if on else (link.presenter, link.verifier)
            return "broken", "encryption is on at {} and off at {}".format(*names), "VMS-10"
        if found.errors:
            return "broken", f"{link.verifier} does not trust {link.presenter}: {', '.join(found.errors)}", link.rule
        return found.status, "", ""


def _held(own: Own) -> dict[str, t.Any]:
    between = [one.pem for one in own.chain if not one.self_signed]
    return {"content": own.facts.pem, "issuers": between, "key_readable": own.readable}


def _target(peer: Peer, link: Link) -> Target:
    port = link_port(peer.server.roles, link.group, peer.ports)
    if link.group == SERVER and MANAGEMENT in peer.server.roles:
        port = peer.ports["data_collector"]
    return Target(host=peer.server.host_name, port=port, name=peer.server.host_name)


def _second(peer: Peer, link: Link, first: Handshake) -> Target | None:
    """Where a second handshake tells what the first one could not; None where it told all."""
    if link.group != SERVER:
        return None
    if MANAGEMENT in peer.server.roles:
        # IIS may have a certificate of its own on 443: whether encryption is on there is seen by the data collector.
        place = "management" if first.status == "encrypted" else "management_http"
    elif first.status == "silent" and may_stand_by(peer.server.roles):
        place = "data_collector"
    else:
        return None
    return Target(host=peer.server.host_name, port=peer.ports[place], name=peer.server.host_name)
