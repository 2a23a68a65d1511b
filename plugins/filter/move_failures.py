# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What went wrong when cameras moved."""

from __future__ import annotations

DOCUMENTATION = r"""
name: move_failures
short_description: What went wrong when cameras moved
version_added: 1.0.0
author:
  - camsec.fleet contributors (@camsec)
description:
  - For the playbook C(camsec.fleet.move_cameras).
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
  links:
    description: Results of a loop of M(camsec.fleet.recorder_camera_link).
    type: list
    elements: dict
    default: []
  back:
    description: What P(camsec.fleet.moves_back#filter) gave.
    type: dict
    required: true
  seen:
    description: Results of a loop of M(camsec.fleet.recorder_info) afterwards.
    type: list
    elements: dict
    default: []
"""

EXAMPLES = r"""
- name: What went wrong
  ansible.builtin.debug:
    msg: "{{ ansible_play_batch | camsec.fleet.move_failures(hostvars, back={}) }}"
"""

RETURN = r"""
_value:
  description:
    - One sentence for each device.
  type: list
  elements: str
"""

import typing as t

from ansible_collections.camsec.fleet.plugins.plugin_utils._moves import move_failures


class FilterModule:
    """Ansible's interface."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """The filters of this file.

        Returns:
            Name to function.
        """
        return {"move_failures": move_failures}
