# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The action ``device`` under the module's own name.

The linear and free strategies load only an action plugin of the task's own name in the parent process; a module that is
routed to another action is loaded in each worker after the fork. With this file the heavy imports happen once.
"""

from __future__ import annotations

from ansible_collections.camsec.fleet.plugins.action.device import ActionModule as DeviceAction
from ansible_collections.camsec.fleet.plugins.modules import recorder

__all__ = ["ActionModule", "recorder"]


class ActionModule(DeviceAction):
    """Runs :mod:`recorder`."""
