# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which cards stop uploading when roots are retired, or have run out."""

from __future__ import annotations

import dataclasses as dc
import typing as t

from .ledger import Holding, Root

__all__ = ["Verdict", "judge"]


@dc.dataclass(frozen=True, kw_only=True)
class Verdict:
    """What becomes of a card.

    Attributes:
        holding: The card.
        outcome: ``stops``, ``may_stop`` or ``goes_on``.
        reason: One sentence.
    """

    holding: Holding
    outcome: str
    reason: str

    def shown(self) -> dict[str, t.Any]:
        """The verdict as a result shows it."""
        return {**self.holding.shown(), "outcome": self.outcome, "reason": self.reason}


def judge(holding: Holding, *, retiring: t.Collection[str], at: str) -> Verdict:
    """Say what becomes of a card when servers no longer use some roots.

    Args:
        holding: The card.
        retiring: SHA-256 of the certificates that go, hexadecimal.
        at: The day, ISO 8601 in UTC: what has expired by then does not count.

    Returns:
        The verdict; a card with no root at all stops.
    """
    anchors = [root for root in holding.roots if root.anchor]
    gone = {root.sha256: _why(root, retiring, at) for root in anchors}
    left = [root for root in anchors if not gone[root.sha256]]
    lost = "; ".join(dict.fromkeys(why for why in gone.values() if why))
    if not anchors:
        return _verdict(holding, "stops", "It holds no root certificate.")
    if not left:
        return _verdict(holding, "stops", f"{lost}; it holds no other root.")
    if not lost:
        return _verdict(holding, "goes_on", "None of its roots goes.")
    others = ", ".join(root.subject for root in left)
    left_hashes = {root.sha256 for root in left}
    if holding.servers and all(one.anchor_sha256 in left_hashes for one in holding.servers):
        return _verdict(holding, "goes_on", f"{lost}; its servers were verified by {others}.")
    return _verdict(
        holding, "may_stop", f"{lost}; it goes on only with servers whose new certificate ends at {others}."
    )


def _why(root: Root, retiring: t.Collection[str], at: str) -> str:
    if root.sha256 in retiring:
        return f"{root.subject} is retired"
    return f"{root.subject} ends on {root.not_after}" if root.not_after <= at else ""


def _verdict(holding: Holding, outcome: str, reason: str) -> Verdict:
    return Verdict(holding=holding, outcome=outcome, reason=reason)
