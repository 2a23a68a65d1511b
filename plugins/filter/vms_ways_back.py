# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a VMS is to have of cameras that went back."""

from __future__ import annotations

DOCUMENTATION = r"""
name: vms_ways_back
short_description: What a VMS is to have of cameras that went back
version_added: 1.0.0
author:
  - camsec.fleet contributors (@camsec)
description:
  - Of each camera that was brought back and that a VMS has, the settings by which the VMS reaches it there. Where the
    VMS verified it before, it does so again.
  - A camera whose VMS has refused the login is left out, since nothing was changed there, and it must not be asked
    again.
  - So is what the VMS had of a camera that it does not follow and that is where the VMS had it all the same.
positional: _input
options:
  _input:
    description: Results of a loop of M(camsec.fleet.camera) over lost cameras.
    type: list
    elements: dict
    required: true
  hostvars:
    description: Ansible's C(hostvars).
    type: dict
    required: true
  cameras:
    description: Inventory names of all cameras that the VMS was to follow.
    type: list
    elements: str
    default: []
"""

EXAMPLES = r"""
- name: What the VMS is to have
  ansible.builtin.debug:
    msg: "{{ moved.results | camsec.fleet.vms_ways_back(hostvars) }}"
"""

RETURN = r"""
_value:
  description:
    - For each its C(name), the C(gateway) (inventory name of the management server), C(hardware) (its id there) and
      C(settings) (options of M(camsec.fleet.vms_hardware)).
  type: list
  elements: dict
"""

import typing as t

from ansible_collections.camsec.fleet.plugins.plugin_utils._vms_follow import vms_ways_back


class FilterModule:
    """Ansible's interface."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """The filters of this file.

        Returns:
            Name to function.
        """
        return {"vms_ways_back": vms_ways_back}
