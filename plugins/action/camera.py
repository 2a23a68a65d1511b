# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Serves every camera module, and has their heavy imports done once.

The linear and free strategies load only an action plugin of the task's own name in the parent process; the modules that
``meta/runtime.yml`` routes here are loaded in each worker after the fork. So the whole-state module, which roles use,
gets its libraries from the parent.
"""

from __future__ import annotations

from ansible_collections.camsec.fleet.plugins.modules import camera
from ansible_collections.camsec.fleet.plugins.plugin_utils._device import DeviceAction
from ansible_collections.camsec.fleet.plugins.plugin_utils._prime import prime

__all__ = ["ActionModule", "camera"]

prime()


class ActionModule(DeviceAction):
    """Runs :mod:`camera` and its smaller sisters in the worker."""
