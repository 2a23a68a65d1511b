# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The cameras that no VMS is to reach by HTTPS."""

from __future__ import annotations

DOCUMENTATION = r"""
name: vms_unfollowed
short_description: The cameras that no VMS is to reach by HTTPS
version_added: 1.0.0
author:
  - camsec.fleet contributors (@camsec)
description:
  - All others than those that P(camsec.fleet.vms_followed#filter) gives, in their order.
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
- name: Who is handled without a VMS
  ansible.builtin.debug:
    msg: "{{ ansible_play_batch | camsec.fleet.vms_unfollowed(hostvars) }}"
"""

RETURN = r"""
_value:
  description: Inventory names.
  type: list
  elements: str
"""

import typing as t

from ansible_collections.camsec.fleet.plugins.plugin_utils._vms_cameras import vms_unfollowed


class FilterModule:
    """Ansible's interface."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """The filters of this file.

        Returns:
            Name to function.
        """
        return {"vms_unfollowed": vms_unfollowed}
