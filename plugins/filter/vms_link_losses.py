# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Links of a VMS that worked and do not any more."""

from __future__ import annotations

DOCUMENTATION = r"""
name: vms_link_losses
short_description: Links of a VMS that worked and do not any more
version_added: 1.0.0
author:
  - camsec.fleet contributors (@camsec)
description:
  - Compares two looks at the links of a VMS.
positional: _input
options:
  _input:
    description: Links as M(camsec.fleet.vms_info) told them before.
    type: list
    elements: dict
    required: true
  after:
    description: The same, later.
    type: list
    elements: dict
    required: true
"""

EXAMPLES = r"""
- name: What was lost
  ansible.builtin.debug:
    msg: "{{ links_before | camsec.fleet.vms_link_losses(links_after) }}"
"""

RETURN = r"""
_value:
  description:
    - One sentence for each reason; none when nothing was lost.
  type: list
  elements: str
"""

import typing as t

from ansible_collections.camsec.fleet.plugins.plugin_utils._vms_site import vms_link_losses


class FilterModule:
    """Ansible's interface."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """The filters of this file.

        Returns:
            Name to function.
        """
        return {"vms_link_losses": vms_link_losses}
