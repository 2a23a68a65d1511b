# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What each link of a VMS is like now, by what its two ends hold."""

from __future__ import annotations

import dataclasses as dc
import datetime as dt
import typing as t

from .topology import SERVER, Client, Link, Server, Topology

__all__ = ["LinkState", "link_states", "trusts"]

Status = t.Literal["plain", "encrypted", "broken", "unknown"]


@dc.dataclass(frozen=True, kw_only=True)
class LinkState:
    """A link as it is.

    Attributes:
        link: The link.
        status: ``plain``, ``encrypted``, ``broken``, or ``unknown`` where an end cannot be asked.
        reason: Why it is broken or unknown, one clause; empty otherwise.
        rule: The rule that says so.
    """

    link: Link
    status: Status
    reason: str = ""
    rule: str = ""

    def shown(self) -> dict[str, str]:
        """The link as a result shows it."""
        return {
            "rule": self.link.rule,
            "presenter": self.link.presenter,
            "group": self.link.group,
            "verifier": self.link.verifier,
            "status": self.status,
            "reason": self.reason,
        }


def trusts(end: Server | Client, root: str) -> bool | None:
    """Whether an end of a link trusts a root.

    Args:
        end: Server or client.
        root: SHA-256 of the root, hexadecimal.

    Returns:
        None where nobody can ask.
    """
    if end.trusted is None or (isinstance(end, Server) and not end.reachable):
        return None
    return root in end.trusted


def link_states(topology: Topology, now: dt.datetime) -> list[LinkState]:
    """Every link as it is.

    Args:
        topology: The VMS.
        now: The present instant.

    Returns:
        In the order of the topology's links.
    """
    ends: dict[str, Server | Client] = {**topology.by_name, **{client.name: client for client in topology.clients}}
    return [_state(topology, link, ends[link.verifier], now) for link in topology.links]


def _state(topology: Topology, link: Link, verifier: Server | Client, now: dt.datetime) -> LinkState:
    presenter = topology.by_name[link.presenter]
    silent = [end.name for end in (presenter, verifier) if isinstance(end, Server) and _is_silent(end, link.group)]
    if silent:
        return LinkState(link=link, status="unknown", reason=f"{' and '.join(silent)} did not answer")
    if link.group == SERVER and isinstance(verifier, Server):
        apart = _switched_apart(link, presenter, verifier)
        if apart is not None:
            return apart
    if link.group not in presenter.encrypted:
        return LinkState(link=link, status="plain")
    return _encrypted(link, presenter, verifier, now)


def _is_silent(end: Server, group: str) -> bool:
    """Of a verifier the same group counts: whether it speaks TLS to the others goes by its own."""
    return not end.reachable or group in end.silent


def _switched_apart(link: Link, presenter: Server, verifier: Server) -> LinkState | None:
    if (SERVER in presenter.encrypted) == (SERVER in verifier.encrypted):
        return None
    on, off = (presenter, verifier) if SERVER in presenter.encrypted else (verifier, presenter)
    reason = f"encryption is on at {on.name} and off at {off.name}"
    return LinkState(link=link, status="broken", reason=reason, rule="VMS-10")


def _encrypted(link: Link, presenter: Server, verifier: Server | Client, now: dt.datetime) -> LinkState:
    reason, rule = _presenters_fault(link, presenter, now)
    if reason:
        return LinkState(link=link, status="broken", reason=reason, rule=rule)
    trusted = trusts(verifier, presenter.certificates[link.group].root)
    if trusted is None:
        return LinkState(link=link, status="unknown", reason=f"nobody can ask {verifier.name} which roots it trusts")
    if not trusted:
        reason = f"{verifier.name} does not trust the root of {presenter.name}"
        return LinkState(link=link, status="broken", reason=reason, rule=link.rule)
    return LinkState(link=link, status="encrypted")


def _presenters_fault(link: Link, presenter: Server, now: dt.datetime) -> tuple[str, str]:
    """Why nobody can speak with a server that is encrypted, and the rule; two empty texts for nothing."""
    held = presenter.certificates.get(link.group)
    if held is None:
        return f"{presenter.name} holds no certificate", "VMS-11"
    fault, rule = held.fault(presenter.name_for(link.group), now)
    if fault:
        return f"{presenter.name} holds {fault}", rule
    if not held.key_readable:
        return f"the service account on {presenter.name} cannot read the private key", "VMS-14"
    if link.group in presenter.broken:
        return f"{presenter.name} ends its own handshakes", "VMS-14"
    return "", ""
