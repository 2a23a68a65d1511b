# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How far the rotation of a root has come: read from certificates, ledgers and trust files alone. Pure.

The two trust files change in a fixed order, the new authority's first, so that together they tell where a rotation was
interrupted. The pair (new's, old's) is (none, old) before it, (new+old, old+new) while both are trusted, (new, old+new)
while the old root is being dropped, and (new, new) after it.
"""

from __future__ import annotations

import dataclasses as dc
import datetime as dt
import typing as t

from .._core._errors import InputError
from .._tls._certificate import CertificateFacts, iso
from ._seen import Issue, KnownAuthority, Seen
from ._stopping import Card

__all__ = ["STAGES", "Open", "Rotation", "Situation", "VmsServer", "progress"]

#: The stages, in their order.
STAGES: t.Final = ("trust", "reissue", "drop", "done")
_MIXED: t.Final = (
    " It presents one of somebody else's too, which would be replaced with it: issue this one by itself, with"
    " certificate_groups and other_authority of camsec.fleet.vms_certificate."
)


@dc.dataclass(frozen=True, kw_only=True)
class VmsServer:
    """A server of the VMS as it was found: it verifies the other servers and the cameras, and others verify it.

    Attributes:
        name: Inventory name, by which the ledgers know it too.
        trusted: SHA-256 of the roots that it trusts.
        presented: What its certificate groups present, by their names.
        problem: Why its host could not be read, one sentence; empty when it could.
        silent: Why nobody knows whether a certificate group is on, a sentence for each.
    """

    name: str
    trusted: frozenset[str] = frozenset()
    presented: t.Mapping[str, CertificateFacts] = dc.field(default_factory=dict)
    problem: str = ""
    silent: tuple[str, ...] = ()


@dc.dataclass(frozen=True, kw_only=True)
class Situation:
    """What was found.

    Attributes:
        old: The authority whose root goes.
        new: The one that takes its place; nothing when it is yet to be made.
        old_file: SHA-256 of the certificates in the old authority's trust file.
        new_file: The same of the new one's.
        devices: Recorders and cameras.
        servers: Servers of the VMS.
        cards: Memory cards that cannot do without the old root, as far as the ledgers tell.
        without: Names that the operator gave up.
        now: The controller's clock.
    """

    old: KnownAuthority
    new: KnownAuthority | None
    old_file: frozenset[str]
    new_file: frozenset[str]
    devices: tuple[Seen, ...]
    servers: tuple[VmsServer, ...] = ()
    cards: tuple[Card, ...]
    without: frozenset[str]
    now: dt.datetime


@dc.dataclass(frozen=True, kw_only=True)
class Open:
    """One thing that is still to be done, or that has to be waited for.

    Attributes:
        kind: ``authority``, ``trust_file``, ``recorder``, ``vms_server``, ``device``, ``vms_certificate``, ``unread``,
            ``certificate`` or ``card``.
        name: Inventory name, file, name in the ledger, or name of the card.
        text: One sentence.
    """

    kind: str
    name: str
    text: str

    @property
    def sentence(self) -> str:
        """The entry for people."""
        return f"{self.kind.replace('_', ' ')} {self.name}: {self.text}"


@dc.dataclass(frozen=True, kw_only=True)
class Rotation:
    """How far it has come.

    Attributes:
        stage: The first of :data:`STAGES` that is not finished.
        done: What was found to be done, for people.
        left: What this stage and those before it still have to do.
        held_up: What stands against dropping the old root.
        withheld: What stands against issuing anything anew once ``trust`` is through: who did not answer may not trust
            the new root.
        replaces: Names of the servers of the VMS that get other certificates in ``reissue``.
    """

    stage: str
    done: tuple[str, ...]
    left: tuple[Open, ...]
    held_up: tuple[Open, ...]
    withheld: tuple[Open, ...]
    replaces: tuple[str, ...]

    @property
    def may_drop(self) -> bool:
        """Whether the old root may go now."""
        return self.stage == "drop" and not self.held_up

    def shown(self) -> dict[str, t.Any]:
        """The progress as a filter returns it."""
        return {
            "stage": self.stage,
            "may_drop": self.may_drop,
            "done": list(self.done),
            "left": [dc.asdict(one) for one in self.left],
            "held_up": [dc.asdict(one) for one in self.held_up],
            "withheld": [dc.asdict(one) for one in self.withheld],
            "replaces": list(self.replaces),
            "lines": self.lines,
        }

    @property
    def lines(self) -> list[str]:
        """The progress for people."""
        goes_on = self.stage == "trust" or (self.stage == "reissue" and not self.withheld) or self.may_drop
        stands = "may go on" if goes_on else "held up"
        lines = [f"stage {self.stage}" + ("" if self.stage == "done" else f" ({stands})")]
        lines += [f"done: {one}" for one in self.done]
        lines += [f"left: {one.sentence}" for one in self.left]
        lines += [f"holds up the reissue: {one.sentence}" for one in self.withheld]
        return lines + [f"holds up the drop: {one.sentence}" for one in self.held_up]


def progress(found: Situation) -> Rotation:
    """How far a rotation has come.

    Args:
        found: What was found.

    Returns:
        Its stage, what is done, left, and what holds it up.

    Raises:
        InputError: Both authorities are the same.
    """
    if found.new is not None and found.new.root.sha256 == found.old.root.sha256:
        raise InputError(
            device=found.new.name,
            subject="new authority",
            found=f"the root of {found.old.name}",
            expected="another authority",
        )
    reissue = (*_showing_old(found), *_servers_showing_old(found), *_ledger_old(found))
    against = (*_servers_without_new(found), *reissue, *_unread(found), *_cards(found))
    held_up = tuple(one for one in against if one.name not in found.without)
    trust, drop = _trust_left(found), _drop_left(found)
    stage = _stage(found, trust, drop, held_up)
    left = {"trust": (*trust, *reissue), "reissue": reissue, "drop": drop, "done": (*reissue, *drop)}[stage]
    return Rotation(
        stage=stage,
        done=_done(found, stage, drop),
        left=tuple(one for one in left if one.name not in found.without),
        held_up=() if stage == "done" else held_up,
        withheld=_withheld(found) if stage in ("trust", "reissue") else (),
        replaces=tuple(server.name for server in found.servers if _is_replaced(found, server)),
    )


def _stage(found: Situation, trust: t.Sequence[Open], drop: t.Sequence[Open], held_up: t.Sequence[Open]) -> str:
    """Once the old root is out of the old authority's own trust file, nothing brings it back."""
    if found.new is None:
        return "trust"
    if not drop or (held_up and _holds_new_alone(found)):
        return "done"
    if not held_up:
        return "drop"
    to_do = any(one.kind in ("vms_server", "device", "vms_certificate", "certificate") for one in held_up)
    if _drop_begun(found) and not to_do:
        return "drop"
    if trust:
        return "trust"
    return "reissue" if to_do else "drop"


def _drop_begun(found: Situation) -> bool:
    """The new trust file has lost the old root again; before the first stage the old one does not hold the new root."""
    return _root(found.old) not in found.new_file and (
        found.new is not None and _root(found.new) in found.old_file
    )  # fmt: skip


def _holds_new_alone(found: Situation) -> bool:
    """The old authority's trust file, which is the last to change."""
    return found.new is not None and _root(found.new) in found.old_file and _root(found.old) not in found.old_file


def _root(authority: KnownAuthority) -> str:
    return authority.root.sha256


def _all(authority: KnownAuthority) -> frozenset[str]:
    return frozenset(one.sha256 for one in authority.certificates)


# -- what is left, stage by stage


def _trust_left(found: Situation) -> tuple[Open, ...]:
    if found.new is None:
        return (Open(kind="authority", name="new", text="It is yet to be made."),)
    wanted = _all(found.new) | _all(found.old)
    files = [
        Open(kind="trust_file", name=f"{authority.name}/trusted.pem", text="It does not hold both roots yet.")
        for authority, held in ((found.new, found.new_file), (found.old, found.old_file))
        if not wanted <= held
    ]
    recorders = [
        Open(kind="recorder", name=seen.device, text="It does not verify cameras by the new root yet.")
        for seen in _recorders(found)
        if not _all(found.new) <= seen.trusted
    ]
    return (*files, *recorders, *_servers_without_new(found))


def _servers_without_new(found: Situation) -> tuple[Open, ...]:
    """Windows finds what is between a root and a server in the handshake: the root alone is in the store."""
    return tuple(
        Open(kind="vms_server", name=server.name, text="It does not trust the new root yet.")
        for server in _servers(found)
        if found.new is not None and _root(found.new) not in server.trusted
    )


def _drop_left(found: Situation) -> tuple[Open, ...]:
    old, new = found.old, found.new
    if new is None:
        return ()
    recorders = [
        Open(kind="recorder", name=seen.device, text="It still verifies cameras by the old root.")
        for seen in _recorders(found)
        if _all(old) & seen.trusted
    ]
    servers = [
        Open(kind="vms_server", name=server.name, text="It still trusts the old root.")
        for server in _servers(found)
        if _root(old) in server.trusted
    ]
    files = [
        Open(kind="trust_file", name=f"{authority.name}/trusted.pem", text="It still holds the old root.")
        for authority, held in ((new, found.new_file), (old, found.old_file))
        if _root(old) in held
    ]
    return (*recorders, *servers, *files)


def _recorders(found: Situation) -> list[Seen]:
    return [seen for seen in found.devices if seen.dialect == "recorder" and not seen.problem]


def _servers(found: Situation) -> list[VmsServer]:
    """Those of whose trust something is known, and that were not given up."""
    return [server for server in found.servers if not server.problem and server.name not in found.without]


# -- what holds the old root up


def _showing_old(found: Situation) -> tuple[Open, ...]:
    return tuple(
        Open(kind="device", name=seen.device, text=f"It shows {_named(seen.certificate)}, issued below the old root.")
        for seen in found.devices
        if seen.certificate is not None and _below(seen.certificate, found.old)
    )


def _servers_showing_old(found: Situation) -> tuple[Open, ...]:
    return tuple(
        Open(
            kind="vms_certificate",
            name=server.name,
            text=f"It presents {_named(facts)}, issued below the old root ({', '.join(groups)})."
            + ("" if _is_replaced(found, server) else _MIXED),
        )
        for server in found.servers
        for facts, groups in _presented(server)
        if _below(facts, found.old)
    )


def _presented(server: VmsServer) -> list[tuple[CertificateFacts, list[str]]]:
    """Each certificate once: mostly one serves all groups."""
    groups: dict[str, list[str]] = {}
    for group, facts in server.presented.items():
        groups.setdefault(facts.sha256, []).append(group.replace("_", " "))
    by_digest = {facts.sha256: facts for facts in server.presented.values()}
    return [(by_digest[digest], names) for digest, names in groups.items()]


def _is_replaced(found: Situation, server: VmsServer) -> bool:
    """Whoever replaces what others issued replaces all of it: one of a public authority, for phones, has to stay."""
    ours = [authority for authority in (found.old, found.new) if authority is not None]
    presented = server.presented.values()
    return any(_below(facts, found.old) for facts in presented) and all(
        any(_below(facts, authority) for authority in ours) for facts in presented
    )


def _below(facts: CertificateFacts, authority: KnownAuthority) -> bool:
    return authority.entry(facts) is not None or authority.signed(facts)


def _named(facts: CertificateFacts) -> str:
    return f"certificate {facts.serial_number}, valid until {iso(facts.not_after)}"


def _ledger_old(found: Situation) -> tuple[Open, ...]:
    """Certificates that no handshake of this run can show: files, servers, evidence signers, lost devices."""
    looked_at = {name for seen in found.devices for name in _names(seen)} | {server.name for server in found.servers}
    again = _issued_again(found)
    return tuple(
        Open(
            kind="certificate",
            name=name,
            text=f"The old ledger knows {entry.serial_number}, valid until {iso(entry.not_after)}, and the new one none"
            " for it: issue it anew, revoke it, or name it in camsec_rotate_without.",
        )
        for name, entry in sorted(_still_valid(found).items())
        if name not in looked_at and name not in again
    )


def _names(seen: Seen) -> tuple[str, str]:
    """By these the ledgers may know a device."""
    return seen.device, seen.address


def _still_valid(found: Situation) -> dict[str, Issue]:
    """The newest certificate of the old ledger for each name, of those that still count."""
    return {entry.device: entry for entry in found.old.issued if _counts(entry, found.now)}


def _issued_again(found: Situation) -> frozenset[str]:
    return frozenset(entry.device for entry in (found.new.issued if found.new is not None else ()) if not entry.revoked)


def _counts(entry: Issue, now: dt.datetime) -> bool:
    return not entry.revoked and entry.not_after > now


def _unread(found: Situation) -> tuple[Open, ...]:
    unread = [
        Open(kind="unread", name=seen.device, text=f"It could not be looked at: {seen.problem}")
        for seen in found.devices
        if seen.problem
    ]
    return (*unread, *_unread_servers(found), *_showing_none(found))


def _unread_servers(found: Situation) -> tuple[Open, ...]:
    return tuple(
        Open(kind="unread", name=server.name, text=f"It could not be looked at: {problem}")
        for server in found.servers
        if (problem := server.problem or " ".join(server.silent))
    )


def _withheld(found: Situation) -> tuple[Open, ...]:
    """A server of which only a port is silent told what it trusts."""
    return tuple(
        Open(kind="unread", name=server.name, text=f"Nobody knows whether it trusts the new root: {server.problem}")
        for server in found.servers
        if server.problem and server.name not in found.without
    )


def _showing_none(found: Situation) -> tuple[Open, ...]:
    """A port for plain HTTP that is open tells nothing of HTTPS, which may only be down for the moment."""
    valid, again = _still_valid(found), _issued_again(found)
    return tuple(
        Open(
            kind="unread",
            name=seen.device,
            text=f"It shows no certificate now, but the old ledger knows {valid[name].serial_number} for {name}, valid"
            f" until {iso(valid[name].not_after)}, and the new one none: bring it back to HTTPS, or revoke that"
            " certificate, or name the device in camsec_rotate_without.",
        )
        for seen in found.devices
        if seen.certificate is None and not seen.problem and again.isdisjoint(_names(seen))
        for name in sorted({one for one in _names(seen) if one in valid})[:1]
    )


def _cards(found: Situation) -> tuple[Open, ...]:
    new = "" if found.new is None else _root(found.new)
    return tuple(
        Open(kind="card", name=card.name, text="It holds the old root and not the new one: write it anew.")
        for card in sorted(found.cards, key=lambda one: one.name)
        if _root(found.old) in card.anchors and new not in card.anchors
    )


def _done(found: Situation, stage: str, drop: t.Sequence[Open]) -> tuple[str, ...]:
    if found.new is None:
        return ()
    fresh = sum(one.certificate is not None and _below(one.certificate, found.new) for one in found.devices)
    told = [f"the new authority {found.new.name} exists", f"{fresh} devices show a certificate of it"]
    if found.servers:
        told.append(f"{_presenting_new(found, found.new)} servers of the VMS present certificates of it alone")
    if stage in ("reissue", "drop"):
        told.insert(1, "both roots are trusted" if not _drop_begun(found) else "the old root is being dropped")
    if stage == "done" and not drop:
        told.append("the old root is trusted nowhere")
    return tuple(told)


def _presenting_new(found: Situation, new: KnownAuthority) -> int:
    shown = [server.presented.values() for server in found.servers if server.presented]
    return sum(all(_below(facts, new) for facts in presented) for presented in shown)
