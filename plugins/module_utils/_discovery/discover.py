# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A discovery as one call: whom the options name is asked, and what they answer becomes devices."""

from __future__ import annotations

import dataclasses as dc
import typing as t

from ._places import single_addresses
from ._wire import Question, ask
from .inventory import Device, devices_from

__all__ = ["QUESTION_OPTIONS", "Discovered", "discover"]

#: The options on which the outcome depends.
QUESTION_OPTIONS: t.Final = (
    "multicast",
    "interfaces",
    "addresses",
    "port",
    "repeats",
    "timeout",
    "foreign_address",
)


@dc.dataclass(frozen=True, kw_only=True)
class Discovered:
    """What was found.

    Attributes:
        devices: The devices, as plain data.
        warnings: What is to be said, one sentence each.
        passed_over: Messages that were not used, for whoever wonders.
    """

    devices: list[Device]
    warnings: tuple[str, ...]
    passed_over: str


def discover(options: t.Mapping[str, t.Any]) -> Discovered:
    """Ask for ONVIF devices.

    Args:
        options: :data:`QUESTION_OPTIONS`.

    Returns:
        What was found.

    Raises:
        CamsecError: An option cannot be used, or no question could be sent.
    """
    question = Question(
        addresses=single_addresses(options["addresses"]),
        multicast=options["multicast"],
        interfaces=tuple(options["interfaces"]),
        port=options["port"],
        repeats=options["repeats"],
        timeout=options["timeout"],
    )
    answers = ask(question)
    devices, complaints = devices_from(answers.matches, foreign_address=options["foreign_address"])
    warnings = [*answers.problems, *(complaint.message for complaint in complaints)]
    if not devices:
        warnings.append("discovery: answers: found no device that can be used, expected at least one.")
    passed_over = ", ".join(f"{count} × {reason}" for reason, count in sorted(answers.passed_over.items()))
    return Discovered(devices=devices, warnings=tuple(warnings), passed_over=passed_over)
