# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a run changed, in a few lines, however large the fleet."""

from __future__ import annotations

DOCUMENTATION = r"""
name: changes
type: aggregate
short_description: Summary of the steps that a run carried out, or would carry out
version_added: 1.0.0
author:
  - camsec.fleet contributors (@camsec)
description:
  - At the end of a run, lists each step of the device modules' plans once, with the number of devices, the rule it
    follows and some of their names; then the side effects that the manuals name.
  - Steps planned in check mode are listed apart, as what would change.
  - Enable it with C(ANSIBLE_CALLBACKS_ENABLED=camsec.fleet.changes).
requirements:
  - enable in configuration
"""

import collections
import re
import typing as t

from ansible.plugins.callback import CallbackBase

#: Serial numbers, addresses, times and the like would make each device's step a line of its own.
_PARTICULAR = re.compile(r"(?<![\w.])(?:\d{1,3}(?:\.\d{1,3}){3}|[0-9a-f]{16,}|\[[0-9a-f:]+\]|\d{4}\*+\d{4})(?![\w.])")
_SHOWN_HOSTS = 3
_LONGEST_TITLE = 120


class CallbackModule(CallbackBase):
    """Collects plans and prints them once."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "camsec.fleet.changes"
    CALLBACK_NEEDS_ENABLED = True

    def __init__(self) -> None:
        super().__init__()
        self._steps: dict[tuple[bool, str, str, str], list[str]] = collections.defaultdict(list)
        self._impacts: dict[tuple[bool, str, str], set[str]] = collections.defaultdict(set)

    def v2_runner_on_ok(self, result: t.Any) -> None:
        """Collect a task's plan.

        Args:
            result: The task's result.
        """
        self._collect(result, _item_name(result._result))

    def v2_runner_item_on_ok(self, result: t.Any) -> None:
        """Collect the plan of one item of a loop.

        Args:
            result: The item's result.
        """
        self._collect(result, _item_name(result._result))

    def v2_playbook_on_stats(self, stats: t.Any) -> None:
        """Print the summary.

        Args:
            stats: Not used; part of Ansible's interface.
        """
        if not self._steps:
            self._display.display("No device was changed.")
            return
        for check_mode, banner in ((False, "WHAT CHANGED"), (True, "WHAT WOULD CHANGE")):
            steps = {key[1:]: found for key, found in self._steps.items() if key[0] is check_mode}
            if steps:
                self._display.banner(banner)
                self._show(steps, {key[1:]: hosts for key, hosts in self._impacts.items() if key[0] is check_mode})

    def _show(
        self, steps: t.Mapping[tuple[str, str, str], list[str]], impacts: t.Mapping[tuple[str, str], set[str]]
    ) -> None:
        for (action, title, rule), found in steps.items():
            hosts = list(dict.fromkeys(found))
            names = ", ".join(hosts[:_SHOWN_HOSTS]) + (", …" if len(hosts) > _SHOWN_HOSTS else "")
            times = f", {len(found)} in all" if len(found) > len(hosts) else ""
            law = f" [{rule}]" if rule else ""
            short = title if len(title) <= _LONGEST_TITLE else title[: _LONGEST_TITLE - 2] + " …"
            self._display.display(f"{len(hosts):5d} × {short}{law} ({action}: {names}{times})")
        for (rule, text), affected in impacts.items():
            self._display.display(f"      Side effect on {len(affected)}: {text} [{rule}]")

    def _collect(self, result: t.Any, item: str) -> None:
        values = result._result
        if not values.get("changed") or not isinstance(values.get("plan"), list):
            return
        host = item or result._host.get_name()
        check_mode = bool(result._task.check_mode)
        action = result._task.action.rsplit(".", 1)[-1]
        own_name = re.compile(rf"(?<![\w-]){re.escape(host)}(?![\w-])")
        for step in values["plan"]:
            title = _PARTICULAR.sub("…", own_name.sub("…", str(step.get("title", ""))))
            self._steps[check_mode, action, title, str(step.get("rule", ""))].append(host)
        for impact in values.get("impacts") or ():
            self._impacts[check_mode, str(impact.get("rule", "")), str(impact.get("text", ""))].add(host)


def _item_name(values: t.Mapping[str, t.Any]) -> str:
    item = values.get("item")
    if isinstance(item, dict):
        return str(item.get("key") or item.get("name") or "")
    return str(item) if isinstance(item, str) else ""
