# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Links of a VMS that are broken, in sentences."""

from __future__ import annotations

DOCUMENTATION = r"""
name: vms_link_faults
short_description: Links of a VMS that are broken
version_added: 1.0.0
author:
  - camsec.fleet contributors (@camsec)
description:
  - One sentence for each reason, with the servers that it concerns.
positional: _input
options:
  _input:
    description: Links as M(camsec.fleet.vms_info) told them.
    type: list
    elements: dict
    required: true
"""

EXAMPLES = r"""
- name: What is broken
  ansible.builtin.debug:
    msg: "{{ links | camsec.fleet.vms_link_faults }}"
  vars:
    links: "{{ (ansible_play_hosts_all | camsec.fleet.vms_servers(hostvars, read='told')).links }}"
"""

RETURN = r"""
_value:
  description:
    - One sentence for each reason; none when no link is broken.
  type: list
  elements: str
"""

import typing as t

from ansible_collections.camsec.fleet.plugins.plugin_utils._vms_site import vms_link_faults


class FilterModule:
    """Ansible's interface."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """The filters of this file.

        Returns:
            Name to function.
        """
        return {"vms_link_faults": vms_link_faults}
