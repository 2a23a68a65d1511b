# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Serves every module for servers of a VMS: runs in the worker and sends PowerShell over the host's connection.

A module of Ansible on Windows is a PowerShell script of its own; these need the controller's certificate authority and
what the collection knows of X.509. So nothing but small scripts goes to the host, and nothing stays there.
"""

from __future__ import annotations

import typing as t

from ansible.errors import AnsibleError
from ansible.plugins.action import ActionBase
from ansible_collections.camsec.fleet.plugins.module_utils._core._errors import ConnectError
from ansible_collections.camsec.fleet.plugins.module_utils._core._shell import CommandAnswer
from ansible_collections.camsec.fleet.plugins.module_utils._module import ModuleSpec, run_in_worker
from ansible_collections.camsec.fleet.plugins.modules import vms_server
from ansible_collections.camsec.fleet.plugins.plugin_utils._device import VARIABLE, DeviceAction
from ansible_collections.camsec.fleet.plugins.plugin_utils._prime import prime

__all__ = ["ActionModule", "vms_server"]

_LONGEST_TOLD = 300

prime()


class ActionModule(DeviceAction):
    """Runs :mod:`vms_server` and its smaller sisters in the worker, whatever the connection."""

    _supports_async = False

    def _run(
        self, spec: ModuleSpec, name: str, arguments: dict[str, t.Any], task_vars: dict[str, t.Any] | None
    ) -> dict[str, t.Any]:
        del name, task_vars
        shell = _ConnectionShell(self, device=str(arguments["host"]))
        return run_in_worker(spec, arguments, check_mode=self._task.check_mode, shell=shell)

    def _arguments(self, spec: ModuleSpec, task_vars: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
        """The task's options, and those of the host whose connection it uses where the task leaves them out."""
        delegated = task_vars.get("ansible_delegated_vars", {}).get(self._task.delegate_to or "", {})
        variables = {**task_vars, **delegated}
        found = {name: variables[VARIABLE + name] for name in spec.inventory_options if VARIABLE + name in variables}
        left_out: set[str] = set()
        for group in spec.constraints.get("mutually_exclusive", ()):
            # What the task names itself stands in the place of what the inventory says for all, and of that the first.
            chosen = [name for name in group if name in self._task.args] or [name for name in group if name in found]
            left_out |= {*group} - {*chosen[:1]}
        left_out |= {name for name, needed in spec.constraints.get("required_by", {}).items() if left_out & {*needed}}
        found = {name: value for name, value in found.items() if name not in left_out}
        found["host"] = self._task.delegate_to or task_vars["inventory_hostname"]
        found["address"] = variables.get("ansible_host", found["host"])
        return {**self._templar.template(found), **self._task.args}


class _ConnectionShell:
    """Commands over a task's connection.

    Args:
        action: The task's action.
        device: Inventory name, for the error.
    """

    def __init__(self, action: ActionBase, *, device: str) -> None:
        self._action = action
        self._device = device

    def run(self, command: str, given: bytes) -> CommandAnswer:
        """See :class:`Shell`.

        Args:
            command: The command line.
            given: Its standard input.

        Returns:
            The answer.

        Raises:
            ConnectError: The host cannot be reached, or the connection broke.
        """
        try:
            answer = self._action._low_level_execute_command(command, in_data=given, sudoable=False)
        except AnsibleError as error:
            found = " ".join(str(error).split())[:_LONGEST_TOLD].rstrip(".")
            raise ConnectError(
                device=self._device,
                subject="connection to the Windows host",
                found=found,
                expected="a connection by which PowerShell can be run",
            ) from error
        return CommandAnswer(status=int(answer["rc"]), output=answer["stdout"], complaint=answer["stderr"])
