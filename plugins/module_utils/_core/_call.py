# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One call of a module, as the library sees it."""

from __future__ import annotations

import dataclasses as dc
import typing as t

from ._shell import Shell

__all__ = ["Call"]


@dc.dataclass(frozen=True, kw_only=True)
class Call:
    """One call of a module.

    Attributes:
        params: The validated options.
        check_mode: Nothing may be changed.
        shell: Runs commands on the host of the task's connection, where the module's action plugin gives it one.
    """

    params: t.Mapping[str, t.Any]
    check_mode: bool
    shell: Shell | None = None
