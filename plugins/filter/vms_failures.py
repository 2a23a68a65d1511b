# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What went wrong on the servers of a VMS, in sentences."""

from __future__ import annotations

DOCUMENTATION = r"""
name: vms_failures
short_description: What went wrong on the servers of a VMS
version_added: 1.0.0
author:
  - camsec.fleet contributors (@camsec)
description:
  - One sentence for each task of each server that failed.
positional: _input
options:
  _input:
    description: Inventory names of servers.
    type: list
    elements: str
    required: true
  hostvars:
    description: Ansible's C(hostvars).
    type: dict
    required: true
  results:
    description: Names of the variables that the tasks were registered as.
    type: list
    elements: str
    required: true
"""

EXAMPLES = r"""
- name: What went wrong
  ansible.builtin.debug:
    msg: "{{ ansible_play_hosts_all | camsec.fleet.vms_failures(hostvars, results=['trusted']) }}"
"""

RETURN = r"""
_value:
  description:
    - Sentences; none when all is well.
  type: list
  elements: str
"""

import typing as t

from ansible_collections.camsec.fleet.plugins.plugin_utils._vms_site import vms_failures


class FilterModule:
    """Ansible's interface."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """The filters of this file.

        Returns:
            Name to function.
        """
        return {"vms_failures": vms_failures}
