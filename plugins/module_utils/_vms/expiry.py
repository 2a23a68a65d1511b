# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What stops when a certificate or a root of a VMS ends; the VMS itself says nothing (VMS-16)."""

from __future__ import annotations

import dataclasses as dc
import datetime as dt
import typing as t

from .planning import VmsStep
from .topology import MOBILE, SERVER, STREAMING, Held, Link, Topology

__all__ = ["Ending", "Root", "endings"]

_WORDS: t.Final[t.Mapping[str, str]] = {
    SERVER: "do not trust each other any more",
    STREAMING: "no longer get its pictures",
    MOBILE: "no longer reach it",
}


@dc.dataclass(frozen=True, kw_only=True)
class Root:
    """A root certificate.

    Attributes:
        sha256: Hexadecimal.
        name: Its common name.
        not_after: End of its validity.
    """

    sha256: str
    name: str
    not_after: dt.datetime


@dc.dataclass(frozen=True, kw_only=True)
class Ending:
    """The end of one certificate.

    Attributes:
        what: The certificate in words.
        server: Name of the server that presents it; empty for a root.
        group: Its certificate group; empty for a root.
        at: When.
        days_left: Until then; negative when it has ended.
        links: The links that stop.
        severity: ``error`` when it has ended, ``warning`` when it is near, otherwise ``note``.
        text: One sentence.
    """

    what: str
    server: str
    group: str
    at: dt.datetime
    days_left: float
    links: tuple[Link, ...]
    severity: str
    text: str

    def shown(self) -> dict[str, t.Any]:
        """The ending as a result shows it."""
        verifiers = list(dict.fromkeys(link.verifier for link in self.links))
        return {
            "what": self.what,
            "server": self.server,
            "group": self.group,
            "at": f"{self.at:%Y-%m-%dT%H:%M:%SZ}",
            "days_left": round(self.days_left, 1),
            "links": len(self.links),
            "stops": verifiers,
            "severity": self.severity,
            "text": self.text,
        }


def endings(
    topology: Topology,
    roots: t.Sequence[Root],
    steps: t.Sequence[VmsStep],
    *,
    now: dt.datetime,
    warn_before: dt.timedelta,
) -> list[Ending]:
    """The end of each certificate that is in use or about to be, and of each root below which one is.

    Args:
        topology: The VMS.
        roots: The roots that are known.
        steps: What is going to be done, held up or not.
        now: The present instant.
        warn_before: What ends within so long is a warning.

    Returns:
        The earliest first.
    """
    links: dict[tuple[str, str], list[Link]] = {}
    for link in topology.links:
        links.setdefault((link.presenter, link.group), []).append(link)
    issued = {(step.server, step.group): step.root for step in steps if step.id == "install_certificate"}
    coming = {(step.server, step.group) for step in steps if step.id == "enable_encryption"} - issued.keys()
    found, below = [], dict[str, dict[Link, None]]()
    for place, issuer in issued.items():
        below.setdefault(issuer, {}).update(dict.fromkeys(links.get(place, ())))
    for server, group, held in _presented(topology, coming):
        stopping = links.get((server, group), [])
        below.setdefault(held.root, {}).update(dict.fromkeys(stopping))
        what = f"certificate of {server} ({group.replace('_', ' ')})"
        found.append(_ending(what, held.not_after, stopping, now, warn_before, server=server, group=group))
    found += [
        _ending(f"root {root.name}", root.not_after, list(below[root.sha256]), now, warn_before)
        for root in roots
        if root.sha256 in below
    ]
    return sorted(found, key=lambda one: (one.at, one.what))


def _presented(topology: Topology, coming: t.Collection[tuple[str, str]]) -> t.Iterator[tuple[str, str, Held]]:
    """Server, group and certificate: those in use, and those that are about to be as they are."""
    for server in topology.servers:
        for group, held in server.certificates.items():
            if group in server.encrypted or (server.name, group) in coming:
                yield server.name, group, held


def _ending(  # what, when, and with what
    what: str,
    at: dt.datetime,
    links: t.Sequence[Link],
    now: dt.datetime,
    warn_before: dt.timedelta,
    *,
    server: str = "",
    group: str = "",
) -> Ending:
    left = at - now
    severity = "error" if left <= dt.timedelta() else "warning" if left < warn_before else "note"
    when = f"ended on {at:%Y-%m-%d}" if severity == "error" else f"ends on {at:%Y-%m-%d}"
    verifiers = len({link.verifier for link in links})
    if not group:
        effect = (
            f"{len(links)} links between {len({link.presenter for link in links})} servers and {verifiers} others stop"
        )
    elif group == SERVER:
        effect = f"it and {verifiers} servers {_WORDS[group]}"
    else:
        effect = f"{verifiers} clients and servers {_WORDS.get(group, 'stop')}"
    text = f"The {what} {when}: {effect}. The VMS gives no warning (VMS-16)."
    return Ending(
        what=what,
        server=server,
        group=group,
        at=at,
        days_left=left / dt.timedelta(days=1),
        links=tuple(links),
        severity=severity,
        text=text,
    )
