# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The order in which a VMS is encrypted, or no longer is: a pure function of its topology and its state.

On: trust everywhere, certificates everywhere, a handshake with each, the switch at the management server, then at the
others, and a look at every link (VMS-10 to VMS-15). Off: the same switches the other way round. Only what is missing is
a step, so that a run that was cut off goes on from what is there.
"""

from __future__ import annotations

import dataclasses as dc
import datetime as dt
import typing as t

from .._core._errors import RuleError
from .._core._plan import Impact
from .links import LinkState, link_states, trusts
from .topology import MOBILE, SERVER, STREAMING, Client, Held, Server, Topology, new_subject

__all__ = ["Authority", "Trust", "VmsPlan", "VmsStep", "Wish", "plan_vms"]

STAGES: t.Final = ("trust", "certificates", "handshakes", "switch off", "switch on", "links")
_OURS: t.Final = "the root of our own authority"


@dc.dataclass(frozen=True, kw_only=True)
class Wish:
    """What is to be encrypted; None leaves it as it is.

    Attributes:
        management: Between the management server and all others (VMS-01, VMS-02): all of them or none (VMS-10).
        streaming: From the recording servers to what fetches streams from them (VMS-03).
        mobile: From the mobile servers to their clients (VMS-04).
        renew: Certificates of what is on and left as it is are renewed when they are due (VMS-17).
    """

    management: bool | None = None
    streaming: bool | None = None
    mobile: bool | None = None
    renew: bool = False

    def of(self, group: str) -> bool | None:
        """What is wanted of a certificate group.

        Args:
            group: Its name.

        Returns:
            On, off, or as it is.
        """
        return {SERVER: self.management, STREAMING: self.streaming, MOBILE: self.mobile}.get(group)


@dc.dataclass(frozen=True, kw_only=True)
class Authority:
    """An authority that can issue what is missing.

    Attributes:
        root: SHA-256 of the root below which it issues, hexadecimal.
        roots: SHA-256 of all roots that are its own, that one among them.
        renew_before: A certificate below one of its roots that ends within so long is issued anew, the subject kept
            (VMS-17).
        replaces_others: Certificates of other authorities are issued anew too, however long they last.
    """

    root: str
    roots: frozenset[str] = frozenset()
    renew_before: dt.timedelta = dt.timedelta()
    replaces_others: bool = False

    def due(self, held: Held, now: dt.datetime) -> tuple[str, str]:
        """Why a certificate that could serve is issued anew all the same, and the rule; two empty texts for no reason.

        Args:
            held: The certificate.
            now: The present instant.

        Returns:
            A reason as the end of a sentence, and the rule's id.
        """
        if held.root not in (self.root, *self.roots):
            return ("a certificate of another authority", "VMS-13") if self.replaces_others else ("", "")
        if held.not_after - now < self.renew_before:
            return f"a certificate that ends on {held.not_after:%Y-%m-%d}", "VMS-17"
        return "", ""


@dc.dataclass(frozen=True, kw_only=True)
class VmsStep:
    """One thing to do on one server.

    Attributes:
        id: ``trust_root``, ``install_certificate``, ``grant_key``, ``check_handshake``, ``enable_encryption``,
            ``disable_encryption`` or ``verify_links``.
        stage: One of :data:`STAGES`.
        server: Name of the server.
        group: Certificate group, or empty.
        title: One line for people.
        rule: The rule that it follows.
        root: SHA-256 of the root that it is about, or empty.
        reason: Why it is needed, or empty.
    """

    id: str
    stage: str
    server: str
    group: str = ""
    title: str
    rule: str
    root: str = ""
    reason: str = ""

    def shown(self) -> dict[str, str]:
        """The step as a result shows it."""
        return dc.asdict(self)


@dc.dataclass(frozen=True, kw_only=True)
class Trust:
    """A root that a client has to trust, which no step of ours can put there.

    Attributes:
        client: Name.
        kind: Of the client.
        root: SHA-256, hexadecimal.
        servers: Names of the servers whose certificates it verifies by it.
        trusted: Whether it does; None where nobody can ask.
    """

    client: str
    kind: str
    root: str
    servers: tuple[str, ...]
    trusted: bool | None

    def shown(self) -> dict[str, t.Any]:
        """The need as a result shows it."""
        return {**dc.asdict(self), "servers": list(self.servers)}


@dc.dataclass(frozen=True, kw_only=True)
class VmsPlan:
    """What is to be done, in order.

    Attributes:
        steps: What can be done now.
        blocked: What comes after it and cannot be done yet.
        held_up_by: Why not, one sentence each; empty when nothing is blocked.
        links: Every link as it is now.
        client_trust: Which clients have to trust which roots.
        impacts: What the steps do besides.
    """

    steps: tuple[VmsStep, ...]
    blocked: tuple[VmsStep, ...]
    held_up_by: tuple[str, ...]
    links: tuple[LinkState, ...]
    client_trust: tuple[Trust, ...]
    impacts: tuple[Impact, ...]


def plan_vms(topology: Topology, wish: Wish, authority: Authority | None, now: dt.datetime) -> VmsPlan:
    """The steps from what is there to what is wanted.

    Args:
        topology: The VMS, with what its servers hold.
        wish: What is to be encrypted.
        authority: What issues missing certificates; None where certificates are put there by others.
        now: The present instant.

    Returns:
        The plan.

    Raises:
        RuleError: A server has no certificate that could serve, and nobody issues one (VMS-11).
    """
    return _Planner(topology, wish, authority, now).plan()


class _Planner:
    """One plan; it collects steps by their stages."""

    def __init__(self, topology: Topology, wish: Wish, authority: Authority | None, now: dt.datetime) -> None:
        self._topology, self._wish, self._authority, self._now = topology, wish, authority, now
        self._steps: dict[str, list[VmsStep]] = {stage: [] for stage in STAGES}
        self._held_up: dict[str, None] = {}
        #: Root of each certificate group of each server after the plan.
        self._roots: dict[tuple[str, str], str] = {}
        #: What is in use and gets another certificate, since the VMS takes it up by its subject.
        self._renewed: set[tuple[str, str]] = set()

    def plan(self) -> VmsPlan:
        servers = (self._topology.management, *self._topology.others)
        for server in servers:
            for group in server.groups:
                if self._wish.of(group) or self._is_kept(server, group):
                    self._certificate(server, group)
        self._trust()
        self._silent_verifiers()
        self._switches(servers)
        changed = [*self._steps["switch off"], *self._steps["switch on"]]
        if changed:
            name = self._topology.management.name
            title = f"Look at all {len(self._topology.links)} links by handshakes of their own"
            self._add("verify_links", "links", name, title=title, rule="VMS-10")
        stopped = STAGES[STAGES.index("switch off") :] if self._held_up else ()
        return VmsPlan(
            steps=tuple(step for stage in STAGES if stage not in stopped for step in self._steps[stage]),
            blocked=tuple(step for stage in stopped for step in self._steps[stage]),
            held_up_by=tuple(self._held_up),
            links=tuple(link_states(self._topology, self._now)),
            client_trust=tuple(self._client_trust()),
            impacts=tuple(self._impacts()),
        )

    def _is_kept(self, server: Server, group: str) -> bool:
        """What is on and stays as it is; nothing else is told of a server that did not answer."""
        known = server.reachable and group not in server.silent
        return self._wish.renew and self._wish.of(group) is None and (group in server.encrypted or not known)

    def _add(self, identifier: str, stage: str, server: str, *, title: str, rule: str, **more: str) -> None:
        self._steps[stage].append(VmsStep(id=identifier, stage=stage, server=server, title=title, rule=rule, **more))

    def _hold_up(self, reason: str) -> None:
        self._held_up[reason] = None

    # -- certificates ----------------------------------------------------------------------------------------------

    def _certificate(self, server: Server, group: str) -> None:
        """VMS-11, VMS-15: before the switch each server that presents one has a certificate that can serve."""
        if not server.reachable:
            self._hold_up(f"{server.name} did not answer; what it holds is not known (VMS-11).")
            return
        if group in server.silent:
            self._hold_up(f"{server.name} does not answer ({_words(group)}); whether it is encrypted is not known.")
            return
        held = server.certificates.get(group)
        fault, rule = self._fault(server, group, held)
        if fault:
            self._issue(server, group, fault, rule)
        elif held is not None:
            self._roots.setdefault((server.name, group), held.root)
            if not held.key_readable:
                self._grant(server, group)
                self._check(server, group)
            elif group not in server.encrypted or group in server.broken:
                self._check(server, group)

    def _fault(self, server: Server, group: str, held: Held | None) -> tuple[str, str]:
        """Why a certificate has to come, and the rule; two empty texts for no reason."""
        if held is None:
            return "no certificate", "VMS-11"
        if held.due is not None:
            return held.due, held.due_rule
        fault, rule = held.fault(server.name_for(group), self._now)
        if fault or self._authority is None:
            return fault, rule
        return self._authority.due(held, self._now)

    def _issue(self, server: Server, group: str, fault: str, rule: str) -> None:
        if self._authority is None:
            raise RuleError(
                rule=rule,
                device=server.name,
                subject=f"certificate of the group {group}",
                found=fault,
                expected=f"one for {server.name_for(group) or server.host_name} before anything is switched on",
                advice="Install it there, or name an authority that issues it.",
            )
        self._roots[server.name, group] = self._authority.root
        self._renewed |= {(server.name, other) for other in self._taking_up(server, group)}
        for place in self._renewed:
            self._roots[place] = self._authority.root
        title = f"Issue a certificate for {server.host_name} and install it ({_words(group)})"
        self._add(
            "install_certificate", "certificates", server.name, group=group, title=title, rule=rule,
            root=self._authority.root, reason=fault,
        )  # fmt: skip
        self._grant(server, group)
        self._check(server, group)

    def _taking_up(self, server: Server, group: str) -> list[str]:
        """Which groups in use present a new certificate of a group as soon as it is installed (VMS-17)."""
        held = server.certificates.get(group)
        subject = new_subject(group, server.host_name, server.mobile_host_name)
        if held is not None and any(
            other in server.encrypted and one.subject == held.subject for other, one in server.certificates.items()
        ):
            subject = held.subject
        return [
            other
            for other, one in server.certificates.items()
            if other in server.encrypted and (other == group or (one.subject and one.subject == subject))
        ]

    def _grant(self, server: Server, group: str) -> None:
        title = f"Let the service account read the private key ({_words(group)})"
        self._add("grant_key", "certificates", server.name, group=group, title=title, rule="VMS-14")

    def _check(self, server: Server, group: str) -> None:
        title = f"Check the certificate by a handshake on the server itself ({_words(group)})"
        self._add("check_handshake", "handshakes", server.name, group=group, title=title, rule="VMS-13")

    # -- trust -----------------------------------------------------------------------------------------------------

    def _trust(self) -> None:
        """Each server trusts the root of what it verifies, and that of its own certificates (VMS-13)."""
        wanted: dict[str, dict[str, str]] = {}
        for (name, group), root in self._roots.items():
            wanted.setdefault(name, {}).setdefault(root, f"its own certificate of the group {group}")
        for link in self._topology.links:
            root = self._roots.get((link.presenter, link.group), "")
            if root and link.verifier in self._topology.by_name:
                wanted.setdefault(link.verifier, {}).setdefault(root, f"that of {link.presenter}")
        if self._authority is not None:
            # Also where nothing is issued below it yet: cameras and later certificates are verified by it.
            for server in self._topology.servers:
                for root in (self._authority.root, *sorted(self._authority.roots)):
                    wanted.setdefault(server.name, {}).setdefault(root, "what our authority issues")
        for server in self._topology.servers:
            for root, reason in wanted.get(server.name, {}).items():
                if root and server.reachable and root not in server.trusted:
                    what = _OURS if self._authority is not None and root == self._authority.root else _some(root)
                    self._add(
                        "trust_root", "trust", server.name, title=f"Trust {what}", rule="VMS-13", root=root,
                        reason=f"it verifies {reason}",
                    )  # fmt: skip

    def _silent_verifiers(self) -> None:
        """Nobody knows the roots of a server that does not answer, nor brings it one: VMS-03 for what only fetches."""
        for link in self._topology.links:
            verifier = self._topology.by_name.get(link.verifier)
            if verifier is None or verifier.reachable or any(map(self._wish.of, verifier.groups)):
                continue  # one that presents what is wished holds up the switches by its own certificate
            if self._wish.of(link.group) and link.group not in self._topology.by_name[link.presenter].encrypted:
                self._hold_up(f"{verifier.name} did not answer; which roots it trusts is not known ({link.rule}).")

    def _client_trust(self) -> t.Iterator[Trust]:
        clients: dict[str, Client] = {client.name: client for client in self._topology.clients}
        needs: dict[tuple[str, str], list[str]] = {}
        for link in self._topology.links:
            root = self._root_after(link.presenter, link.group)
            if root and link.verifier in clients:
                needs.setdefault((link.verifier, root), []).append(link.presenter)
        for (name, root), servers in needs.items():
            client = clients[name]
            trusted = trusts(client, root)
            yield Trust(client=name, kind=client.kind, root=root, servers=tuple(servers), trusted=trusted)

    def _root_after(self, server: str, group: str) -> str:
        """Of what is encrypted once the plan is carried out; empty where nothing is."""
        wished = self._wish.of(group)
        here = self._topology.by_name[server]
        if wished is False or (wished is None and group not in here.encrypted):
            return ""
        held = here.certificates.get(group)
        return self._roots.get((server, group), held.root if held is not None else "")

    # -- switches --------------------------------------------------------------------------------------------------

    def _switches(self, servers: t.Sequence[Server]) -> None:
        """On at the management server first; off there last (VMS-10)."""
        for server in servers:
            for group in server.groups:
                off = self._wish.of(group) is True and group not in server.encrypted
                if off or (group in server.broken and (self._wish.of(group) is True or self._is_kept(server, group))):
                    title = f"Switch encryption on ({_words(group)})"
                    self._add("enable_encryption", "switch on", server.name, group=group, title=title, rule="VMS-10")
        for server in reversed(servers):
            if server.reachable:
                self._switch_off(server)
            elif False in (self._wish.of(group) for group in server.groups):
                self._hold_up(f"{server.name} did not answer; whether it is encrypted is not known (VMS-10).")

    def _switch_off(self, server: Server) -> None:
        for group in server.groups:
            if self._wish.of(group) is False and group in server.silent:
                self._hold_up(f"{server.name} does not answer ({_words(group)}); whether it is encrypted is not known.")
            if self._wish.of(group) is False and group in server.encrypted:
                title = f"Switch encryption off ({_words(group)})"
                self._add("disable_encryption", "switch off", server.name, group=group, title=title, rule="VMS-10")

    def _impacts(self) -> t.Iterator[Impact]:
        switched = [*self._steps["switch off"], *self._steps["switch on"]]
        apart = [step for step in switched if step.group == SERVER and step.server != self._topology.management.name]
        if apart:
            text = (
                f"Between the switch at the management server and its own, each of {len(apart)} servers has no"
                " connection to the management server."
            )
            yield Impact(rule="VMS-10", text=text)
        off = [step for step in switched if step.group == MOBILE and step.id == "disable_encryption"]
        if off:
            yield Impact(rule="VMS-18", text="Push-to-talk in the Web Client does not work without encryption.")
        dark = self._lost({(step.server, step.group) for step in switched if step.id == "enable_encryption"})
        if dark:
            text = f"{len(dark)} clients have to trust the roots that are listed for them, or they lose their pictures."
            yield Impact(rule="VMS-03", text=text)
        dark = self._lost(self._given_another_root())
        if dark:
            text = (
                f"As soon as certificates under another root are installed, {len(dark)} clients or silent servers lose"
                " their connection, unless they trust the new root before."
            )
            yield Impact(rule="VMS-17", text=text)

    def _given_another_root(self) -> set[tuple[str, str]]:
        """Certificates that are in use, by server and group, in whose place one below another root comes."""
        held = {place: self._topology.by_name[place[0]].certificates.get(place[1]) for place in self._renewed}
        return {place for place, one in held.items() if one is None or one.root != self._roots[place]}

    def _lost(self, presented: t.Collection[tuple[str, str]]) -> set[str]:
        """Who verifies one of these, is not known to trust its root, and gets it by no step of ours."""
        ends: dict[str, Server | Client] = {client.name: client for client in self._topology.clients}
        ends |= {server.name: server for server in self._topology.servers if not server.reachable}
        return {
            link.verifier
            for link in self._topology.links
            if (link.presenter, link.group) in presented
            and link.verifier in ends
            and trusts(ends[link.verifier], self._root_after(link.presenter, link.group)) is not True
        }


def _some(root: str) -> str:
    return f"the root {root[:16]}…"


def _words(group: str) -> str:
    return group.replace("_", " ")
