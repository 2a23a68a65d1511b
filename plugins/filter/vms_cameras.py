# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a VMS has of cameras, and what keeps it from following them to HTTPS."""

from __future__ import annotations

DOCUMENTATION = r"""
name: vms_cameras
short_description: What a VMS has of cameras, and what keeps it from following them to HTTPS
version_added: 1.0.0
author:
  - camsec.fleet contributors (@camsec)
description:
  - Finds each camera that a VMS has (P(camsec.fleet.vms_gateways#filter)) in a list of all hardware, by its name, its
    address or its id (variable C(camsec_vms_hardware)).
  - Looks at what M(camsec.fleet.vms_trusted_ca) came to at the recording and failover recording servers, registered
    there as C(camsec_vms_root), where the VMS is to verify the camera.
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
  listed_by:
    description:
      - Results of a loop of M(camsec.fleet.vms_hardware_info) over what P(camsec.fleet.vms_gateways#filter) gives.
    type: list
    elements: dict
    required: true
"""

EXAMPLES = r"""
- name: What the VMS has
  ansible.builtin.debug:
    msg: "{{ ansible_play_batch | camsec.fleet.vms_cameras(hostvars, groups, listed_by=listed.results) }}"
"""

RETURN = r"""
_value:
  description:
    - For each camera C(gateway), the inventory name of the management server; C(hardware), its id; C(objection), a
      sentence saying why it must not be touched, or empty; C(unseen), the recording servers of which nobody knows
      whether they trust its authority, since they are not in the run.
    - A camera whose VMS was not asked is left out.
  type: dict
"""

import typing as t

from ansible_collections.camsec.fleet.plugins.plugin_utils._vms_cameras import vms_cameras


class FilterModule:
    """Ansible's interface."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """The filters of this file.

        Returns:
            Name to function.
        """
        return {"vms_cameras": vms_cameras}
