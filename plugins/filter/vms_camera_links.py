# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which recording server has to get which cameras."""

from __future__ import annotations

DOCUMENTATION = r"""
name: vms_camera_links
short_description: Which recording server has to get which cameras
version_added: 1.0.0
author:
  - camsec.fleet contributors (@camsec)
description:
  - Concerned are cameras for which M(camsec.fleet.vms_hardware), registered as C(camera_https_told), has changed
    something, at the address, on the port and with the validations that the VMS has since then.
  - A camera whose recording server is not in the inventory, by C(camsec_vms_host_name), is left out.
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
"""

EXAMPLES = r"""
- name: Who has to get what
  ansible.builtin.debug:
    msg: "{{ ansible_play_batch | camsec.fleet.vms_camera_links(hostvars) }}"
"""

RETURN = r"""
_value:
  description:
    - For each recording server C(server), its inventory name, and C(cameras), the option of
      M(camsec.fleet.vms_camera_link_info).
  type: list
  elements: dict
"""

import typing as t

from ansible_collections.camsec.fleet.plugins.plugin_utils._vms_follow import vms_camera_links


class FilterModule:
    """Ansible's interface."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """The filters of this file.

        Returns:
            Name to function.
        """
        return {"vms_camera_links": vms_camera_links}
