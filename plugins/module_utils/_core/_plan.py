# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is to be done, as data."""

from __future__ import annotations

import dataclasses as dc
import typing as t

__all__ = ["Impact", "Plan", "Step"]


@dc.dataclass(frozen=True, kw_only=True)
class Step:
    """One request, or a few that belong together.

    Attributes:
        id: Short name in snake case, for example ``install_certificate``.
        title: One line for people. No secret.
        rule: Id of the manual's rule it follows, or empty.
        disconnects: The device cuts the connection after it and answers somewhere else.
        data: What the driver needs to carry it out; secrets only as :class:`Secret`.
    """

    id: str
    title: str
    rule: str = ""
    disconnects: bool = False
    data: t.Mapping[str, t.Any] = dc.field(default_factory=dict)

    def shown(self) -> dict[str, t.Any]:
        """The step as a result shows it."""
        return {"id": self.id, "title": self.title, "rule": self.rule, "disconnects": self.disconnects}


@dc.dataclass(frozen=True, kw_only=True)
class Impact:
    """A side effect that the manual names.

    Attributes:
        rule: Id of the rule.
        text: One sentence.
    """

    rule: str
    text: str

    def shown(self) -> dict[str, str]:
        """The impact as a result shows it."""
        return {"rule": self.rule, "text": self.text}


@dc.dataclass(frozen=True, kw_only=True)
class Plan:
    """The steps from one state to another.

    Attributes:
        before: The present state as plain data, no secrets.
        after: The state that the steps lead to, as plain data.
        steps: In the order in which they are carried out; none when nothing is to change.
        impacts: Side effects of these steps.
        warnings: What is allowed but worth knowing.
    """

    before: t.Mapping[str, t.Any]
    after: t.Mapping[str, t.Any]
    steps: tuple[Step, ...] = ()
    impacts: tuple[Impact, ...] = ()
    warnings: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.steps)
