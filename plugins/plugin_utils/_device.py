# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The action of every device module: runs the module's code in the worker when the connection is local.

An AnsiballZ module costs a Python start and an upload for each device; the same code in the worker costs neither.
Over any other connection (a gateway inside the camera network, say) the module is shipped as usual.
"""

from __future__ import annotations

import importlib
import typing as t

from ansible.plugins.action import ActionBase
from ansible_collections.camsec.fleet.plugins.module_utils._module import run_in_worker

__all__ = ["DeviceAction"]

_MODULES = "ansible_collections.camsec.fleet.plugins.modules"


class DeviceAction(ActionBase):
    """Runs the module of the task's own name."""

    TRANSFERS_FILES = False
    _supports_async = True

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        """Run the task.

        Args:
            tmp: Not used; part of Ansible's interface.
            task_vars: The host's variables.

        Returns:
            The task's result.
        """
        result: dict[str, t.Any] = super().run(tmp, task_vars)
        name = self._task.resolved_action or self._task.action
        if not self._is_local():
            wrap = bool(self._task.async_val) and not self._connection.has_native_async
            return {**result, **self._execute_module(module_name=name, task_vars=task_vars, wrap_async=wrap)}
        module = importlib.import_module(f"{_MODULES}.{name.rsplit('.', 1)[-1]}")
        return {**result, **run_in_worker(module.SPEC, self._task.args, check_mode=self._task.check_mode)}

    def _is_local(self) -> bool:
        return self._connection.transport == "local" and not self._task.async_val and not self._connection.become
