# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A command on another host, over whatever connection there is."""

from __future__ import annotations

import dataclasses as dc
import typing as t

__all__ = ["CommandAnswer", "Shell"]


@dc.dataclass(frozen=True, kw_only=True)
class CommandAnswer:
    """What came of a command.

    Attributes:
        status: Exit status.
        output: What it wrote to standard output.
        complaint: What it wrote to standard error.
    """

    status: int
    output: str
    complaint: str


class Shell(t.Protocol):
    """Runs commands on one host."""

    def run(self, command: str, given: bytes) -> CommandAnswer:
        """Run a command.

        Args:
            command: The command line; no secret.
            given: Its standard input.

        Raises:
            ConnectError: The host does not answer.
        """
