# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The cameras that their recording servers do not get."""

from __future__ import annotations

DOCUMENTATION = r"""
name: vms_unmet_cameras
short_description: The cameras that their recording servers do not get
version_added: 1.0.0
author:
  - camsec.fleet contributors (@camsec)
description:
  - Those that a recording server does not accept, and all that it was to look at where it could not be asked.
positional: _input
options:
  _input:
    description:
      - Results of a loop of M(camsec.fleet.vms_camera_link_info) over what P(camsec.fleet.vms_camera_links#filter)
        gives.
    type: list
    elements: dict
    required: true
"""

EXAMPLES = r"""
- name: Cameras that are not got
  ansible.builtin.debug:
    msg: "{{ met.results | camsec.fleet.vms_unmet_cameras }}"
"""

RETURN = r"""
_value:
  description: Why, by the camera's inventory name.
  type: dict
"""

import typing as t

from ansible_collections.camsec.fleet.plugins.plugin_utils._vms_follow import vms_unmet_cameras


class FilterModule:
    """Ansible's interface."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """The filters of this file.

        Returns:
            Name to function.
        """
        return {"vms_unmet_cameras": vms_unmet_cameras}
