# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What recorders have to be told about cameras that have moved."""

from __future__ import annotations

DOCUMENTATION = r"""
name: moved_links
short_description: What recorders have to be told about cameras that have moved
version_added: 1.0.0
author:
  - camsec.fleet contributors (@camsec)
description:
  - For the playbook C(camsec.fleet.move_cameras). A camera whose move failed is left out.
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
- name: What is to be told
  ansible.builtin.debug:
    msg: "{{ ansible_play_batch | camsec.fleet.moved_links(hostvars) }}"
"""

RETURN = r"""
_value:
  description:
    - For each recorder's inventory name a dictionary with C(names) and C(links).
  type: dict
"""

import typing as t

from ansible_collections.camsec.fleet.plugins.plugin_utils._moves import moved_links


class FilterModule:
    """Ansible's interface."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """The filters of this file.

        Returns:
            Name to function.
        """
        return {"moved_links": moved_links}
