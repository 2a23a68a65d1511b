# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which cameras have to go back to the address that they had."""

from __future__ import annotations

DOCUMENTATION = r"""
name: moves_back
short_description: Which cameras have to go back to the address that they had
version_added: 1.0.0
author:
  - camsec.fleet contributors (@camsec)
description:
  - Those that their recorder does not see at the new address, and, where the recorder's turn failed, those that it
    does not look for there.
positional: _input
options:
  _input:
    description:
      - Results of a loop of M(camsec.fleet.recorder_camera_link) over what P(camsec.fleet.moved_links#filter) gives.
    type: list
    elements: dict
    required: true
  hostvars:
    description: Ansible's C(hostvars).
    type: dict
    required: true
  asked:
    description: Results of a loop of M(camsec.fleet.recorder_info) over those of the results that failed.
    type: list
    elements: dict
    default: []
"""

EXAMPLES = r"""
- name: What has to go back
  ansible.builtin.debug:
    msg: "{{ links.results | camsec.fleet.moves_back(hostvars) }}"
"""

RETURN = r"""
_value:
  description:
    - For each camera's inventory name the C(reason), what its recorder says, and the C(netmask) and C(gateway) that it
      had before.
    - These are of C(before) in C(camsec_move_address), the result of M(camsec.fleet.camera_address), where that found
      the camera at its old address, else of the variables C(camsec_old_netmask) and C(camsec_old_gateway), and empty
      without them.
  type: dict
"""

import typing as t

from ansible_collections.camsec.fleet.plugins.plugin_utils._moves import moves_back


class FilterModule:
    """Ansible's interface."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """The filters of this file.

        Returns:
            Name to function.
        """
        return {"moves_back": moves_back}
