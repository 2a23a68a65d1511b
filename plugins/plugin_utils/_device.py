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
from ansible_collections.camsec.fleet.plugins.module_utils._core._errors import CamsecError
from ansible_collections.camsec.fleet.plugins.module_utils._module import ModuleSpec, failure, run_in_worker
from ansible_collections.camsec.fleet.plugins.plugin_utils._one_change import check_alone, note_change

__all__ = ["VARIABLE", "DeviceAction"]

_MODULES = "ansible_collections.camsec.fleet.plugins.modules"
#: Inventory variables that options are taken from begin with it.
VARIABLE = "camsec_"


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
        spec: ModuleSpec = importlib.import_module(f"{_MODULES}.{name.rsplit('.', 1)[-1]}").SPEC
        arguments = self._arguments(spec, task_vars or {})
        device = str(arguments.get("host"))
        try:
            check_alone(spec.change, device)
        except CamsecError as error:
            return {**result, "failed": True, **failure(error)}
        result.update(self._run(spec, name, arguments, task_vars))
        note_change(spec.change, device, result)
        return result

    def _run(
        self, spec: ModuleSpec, name: str, arguments: dict[str, t.Any], task_vars: dict[str, t.Any] | None
    ) -> dict[str, t.Any]:
        if self._is_local():
            return run_in_worker(spec, arguments, check_mode=self._task.check_mode)
        wrap = bool(self._task.async_val) and not self._connection.has_native_async
        return t.cast(
            "dict[str, t.Any]",
            self._execute_module(module_name=name, module_args=arguments, task_vars=task_vars, wrap_async=wrap),
        )

    def _arguments(self, spec: ModuleSpec, task_vars: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
        """The task's options; without a host, those of the inventory host that the task runs for besides.

        A task with a host of its own talks to another device, which has nothing to do with this host's variables.
        """
        given = dict(self._task.args)
        if "host" in given:
            return given
        found = {name: task_vars[VARIABLE + name] for name in spec.inventory_options if VARIABLE + name in task_vars}
        found["host"] = task_vars.get("ansible_host", task_vars["inventory_hostname"])
        return {**self._templar.template(found), **given}

    def _is_local(self) -> bool:
        return self._connection.transport == "local" and not self._task.async_val and not self._connection.become
