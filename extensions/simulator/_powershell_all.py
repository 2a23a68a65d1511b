# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""PowerShell with all its cmdlets and types, which become known to it when their files are read."""

from __future__ import annotations

import typing as t

from . import (
    _powershell_access,
    _powershell_commands,
    _powershell_crypto,
    _powershell_items,
    _powershell_net,
    _powershell_sockets,
    _powershell_system,
)
from ._powershell import Outcome, PowerShell

__all__ = ["PARTS", "Outcome", "PowerShell"]

PARTS: t.Final = (
    _powershell_access,
    _powershell_commands,
    _powershell_crypto,
    _powershell_items,
    _powershell_net,
    _powershell_sockets,
    _powershell_system,
)
