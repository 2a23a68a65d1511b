# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Serves the modules that speak to a VMS's API Gateway, and has their heavy imports done once.

The linear and free strategies load only an action plugin of the task's own name in the parent process; what
``meta/runtime.yml`` routes here is loaded in each worker after the fork.
"""

from __future__ import annotations

from ansible_collections.camsec.fleet.plugins.modules import vms_hardware
from ansible_collections.camsec.fleet.plugins.plugin_utils._device import DeviceAction
from ansible_collections.camsec.fleet.plugins.plugin_utils._prime import prime

__all__ = ["ActionModule", "vms_hardware"]

prime()


class ActionModule(DeviceAction):
    """Runs :mod:`vms_hardware` and its sister in the worker."""
