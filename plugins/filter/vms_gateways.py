# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The management servers that are to be asked for cameras."""

from __future__ import annotations

DOCUMENTATION = r"""
name: vms_gateways
short_description: The management servers that are to be asked for cameras
version_added: 1.0.0
author:
  - camsec.fleet contributors (@camsec)
description:
  - Of those cameras that a VMS has (variable C(camsec_vms_hardware)) and that are to answer in HTTPS, the management
    server that the variable C(camsec_vms_gateway_host) names, or else the one in the group C(camsec_vms_group)
    (C(camsec_vms_servers)).
  - A camera of which that cannot be told is left out; P(camsec.fleet.vms_cameras#filter) says why.
positional: _input
options:
  _input:
    description: Inventory names of cameras.
    type: list
    elements: str
    required: true
  hostvars:
    description: Ansible's C(hostvars).
    type: dict
    required: true
  groups:
    description: Ansible's C(groups).
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: Who is to be asked
  ansible.builtin.debug:
    msg: "{{ ansible_play_batch | camsec.fleet.vms_gateways(hostvars, groups) }}"
"""

RETURN = r"""
_value:
  description: Inventory names, each once.
  type: list
  elements: str
"""

import typing as t

from ansible_collections.camsec.fleet.plugins.plugin_utils._vms_cameras import vms_gateways


class FilterModule:
    """Ansible's interface."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """The filters of this file.

        Returns:
            Name to function.
        """
        return {"vms_gateways": vms_gateways}
