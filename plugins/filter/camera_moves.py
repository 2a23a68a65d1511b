# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which cameras are to move to another address."""

from __future__ import annotations

DOCUMENTATION = r"""
name: camera_moves
short_description: Which cameras are to move to another address
version_added: 1.0.0
author:
  - camsec.fleet contributors (@camsec)
description:
  - From the variable C(camsec_new_address) of each camera. A camera that has it already is left out.
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
- name: What is to move
  ansible.builtin.debug:
    msg: "{{ groups['camsec_cameras'] | camsec.fleet.camera_moves(hostvars) }}"
"""

RETURN = r"""
_value:
  description:
    - For each camera that is to move, C(old) and C(new).
  type: dict
"""

import typing as t

from ansible_collections.camsec.fleet.plugins.plugin_utils._moves import camera_moves


class FilterModule:
    """Ansible's interface."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """The filters of this file.

        Returns:
            Name to function.
        """
        return {"camera_moves": camera_moves}
