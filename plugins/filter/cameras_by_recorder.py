# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which cameras belong to which recorder, read from the inventory in one pass."""

from __future__ import annotations

DOCUMENTATION = r"""
name: cameras_by_recorder
short_description: The cameras of each recorder, from the inventory
version_added: 1.0.0
author:
  - camsec.fleet contributors (@camsec)
description:
  - Goes through the cameras once and groups them by their recorder, so that a play needs one login per recorder and
    not one per camera.
  - A camera that has no C(camsec_recorder) is left out. The others need a C(camsec_camera_number) of their own and a
    recorder that is in the inventory.
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
- name: Cameras of this play, by recorder
  ansible.builtin.debug:
    msg: "{{ groups['camsec_cameras'] | camsec.fleet.cameras_by_recorder(hostvars) }}"
"""

RETURN = r"""
_value:
  description:
    - For each recorder's inventory name a dictionary.
    - C(names) gives the camera's inventory name for its number.
    - C(links) is what O(camsec.fleet.recorder_camera_link#module:cameras) takes, from C(camsec_connection) (V(https) by
      default) and C(camsec_https_port) (443 by default).
    - C(encryption) is what O(camsec.fleet.recorder_data_encryption#module:cameras) takes, from
      C(camsec_data_encryption); a camera without it is left as it is.
    - C(wanted) is both together, as O(camsec.fleet.recorder#module:cameras) takes it.
  type: dict
"""

import typing as t

from ansible_collections.camsec.fleet.plugins.plugin_utils._rollout import cameras_by_recorder


class FilterModule:
    """Ansible's interface."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """The filters of this file.

        Returns:
            Name to function.
        """
        return {"cameras_by_recorder": cameras_by_recorder}
