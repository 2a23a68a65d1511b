# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes the handshake in the worker: a fleet's certificates are looked at without starting a Python for each device."""

from __future__ import annotations

import typing as t

from ansible_collections.camsec.fleet.plugins.module_utils._module import ModuleSpec
from ansible_collections.camsec.fleet.plugins.modules import tls_endpoint_info
from ansible_collections.camsec.fleet.plugins.plugin_utils._device import DeviceAction

__all__ = ["ActionModule", "tls_endpoint_info"]


class ActionModule(DeviceAction):
    """Runs :mod:`tls_endpoint_info` in the worker when the connection is local."""

    def _arguments(self, spec: ModuleSpec, task_vars: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
        """The task's options alone: the endpoint need not be the inventory host.

        Args:
            spec: Not used.
            task_vars: Not used.

        Returns:
            The options.
        """
        del spec, task_vars
        return dict(self._task.args)
