# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The plan as a picture (SVG 1.1): servers and clients as boxes, links as lines in the colour of their state."""

from __future__ import annotations

import collections
import dataclasses as dc
import typing as t
from xml.sax.saxutils import escape

from .links import LinkState
from .planning import VmsPlan
from .topology import Topology

__all__ = ["draw"]

_COLOURS: t.Final[t.Mapping[str, str]] = {
    "broken": "#c62828", "unknown": "#9e9e9e", "plain": "#ef6c00", "encrypted": "#2e7d32",
}  # fmt: skip
_WORST_FIRST: t.Final = tuple(_COLOURS)
#: So many boxes of a column are drawn; the rest is one box that says how many there are.
_MOST: t.Final = 30
_WIDTH, _HEIGHT, _GAP, _COLUMN, _TOP = 250, 44, 14, 400, 84
_LONGEST: t.Final = 34


@dc.dataclass(frozen=True, kw_only=True)
class _Box:
    """What is drawn as one rectangle.

    Attributes:
        title: First line.
        text: Second line.
        column: 0 for the management server, 1 for the others, 2 for clients.
        row: From the top.
    """

    title: str
    text: str
    column: int
    row: int

    @property
    def x(self) -> int:
        return 20 + self.column * _COLUMN

    @property
    def y(self) -> int:
        return _TOP + self.row * (_HEIGHT + _GAP)


def draw(topology: Topology, plan: VmsPlan) -> str:
    """The VMS as it is now, and how many steps each server has before it.

    Args:
        topology: The VMS.
        plan: What is to be done.

    Returns:
        An SVG document.
    """
    boxes = _boxes(topology, plan)
    lines = _lines(boxes, plan.links)
    height = max(box.y for box in boxes.values()) + _HEIGHT + 20
    width = 20 + 2 * _COLUMN + _WIDTH + 20
    size = f'width="{width}" height="{height}" viewBox="0 0 {width} {height}"'
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" version="1.1" {size} font-family="sans-serif" font-size="12">',
        f"<title>{escape(_title(plan))}</title>",
        f'<text x="20" y="28" font-size="16">{escape(_title(plan))}</text>',
        *_legend(plan.links),
        *lines,
        *(_rectangle(box) for box in dict.fromkeys(boxes.values())),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def _title(plan: VmsPlan) -> str:
    held_up = f", {len(plan.blocked)} held up" if plan.blocked else ""
    return f"{len(plan.steps)} steps{held_up}, {len(plan.links)} links"


def _legend(links: t.Sequence[LinkState]) -> t.Iterator[str]:
    counts: collections.Counter[str] = collections.Counter(state.status for state in links)
    for place, status in enumerate(_WORST_FIRST):
        x = 20 + place * 150
        yield f'<line x1="{x}" y1="52" x2="{x + 28}" y2="52" stroke="{_COLOURS[status]}" stroke-width="3"/>'
        yield f'<text x="{x + 34}" y="56">{status} ({counts[status]})</text>'


def _boxes(topology: Topology, plan: VmsPlan) -> dict[str, _Box]:
    """Each server's and client's box, by name; several share one where a column is too long."""
    ahead = collections.Counter(step.server for step in (*plan.steps, *plan.blocked))
    silent = {server.name for server in topology.servers if not server.reachable}

    def words(name: str, roles: t.Iterable[str]) -> str:
        text = ", ".join(role.replace("_", " ") for role in roles)
        return f"{text}; no answer" if name in silent else f"{text}; {ahead[name]} steps" if ahead[name] else text

    manager = topology.management
    found = {manager.name: _Box(title=manager.name, text=words(manager.name, manager.roles), column=0, row=0)}
    others = [(server.name, words(server.name, server.roles)) for server in topology.others]
    clients = [(client.name, client.kind.replace("_", " ")) for client in topology.clients]
    for column, rows in enumerate((others, clients), 1):
        found |= _column(column, rows)
    return found


def _column(column: int, rows: t.Sequence[tuple[str, str]]) -> dict[str, _Box]:
    drawn = rows if len(rows) <= _MOST else rows[: _MOST - 1]
    found = {name: _Box(title=name, text=text, column=column, row=row) for row, (name, text) in enumerate(drawn)}
    rest = rows[len(drawn) :]
    if rest:
        more = _Box(title=f"{len(rest)} more", text=f"{rest[0][0]} … {rest[-1][0]}", column=column, row=len(drawn))
        found |= dict.fromkeys((name for name, _text in rest), more)
    return found


def _lines(boxes: t.Mapping[str, _Box], links: t.Sequence[LinkState]) -> list[str]:
    """One line for each pair of boxes, in the colour of its worst link."""
    worst: dict[tuple[_Box, _Box], str] = {}
    for state in links:
        ends = sorted((boxes[state.link.presenter], boxes[state.link.verifier]), key=lambda box: (box.column, box.row))
        pair = (ends[0], ends[1])
        before = worst.get(pair, state.status)
        worst[pair] = min(before, state.status, key=_WORST_FIRST.index)
    return [_line(pair, status) for pair, status in worst.items() if pair[0] != pair[1]]


def _line(pair: tuple[_Box, _Box], status: str) -> str:
    one, other = pair
    y1, y2 = one.y + _HEIGHT // 2, other.y + _HEIGHT // 2
    start, end = one.x + _WIDTH, other.x
    if one.column == other.column:  # beside the column, so that it crosses no box
        x = one.x - 8 - (other.row - one.row) % 5 * 3
        path = f"M{one.x} {y1} H{x} V{y2} H{other.x}"
    else:
        middle = (start + end) // 2
        path = f"M{start} {y1} C{middle} {y1} {middle} {y2} {end} {y2}"
    return f'<path d="{path}" fill="none" stroke="{_COLOURS[status]}" stroke-width="1.5"/>'


def _rectangle(box: _Box) -> str:
    title, text = (
        escape(words if len(words) <= _LONGEST else words[: _LONGEST - 1] + "…") for words in (box.title, box.text)
    )
    return (
        f'<rect x="{box.x}" y="{box.y}" width="{_WIDTH}" height="{_HEIGHT}" rx="4" fill="#ffffff" stroke="#37474f"/>'
        f'<text x="{box.x + 8}" y="{box.y + 18}" font-weight="bold">{title}</text>'
        f'<text x="{box.x + 8}" y="{box.y + 35}">{text}</text>'
    )
