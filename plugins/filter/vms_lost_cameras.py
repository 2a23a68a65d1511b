# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The cameras that their VMS does not follow to HTTPS, and that go back for it."""

from __future__ import annotations

DOCUMENTATION = r"""
name: vms_lost_cameras
short_description: The cameras that their VMS does not follow to HTTPS, and that go back for it
version_added: 1.0.0
author:
  - camsec.fleet contributors (@camsec)
description:
  - Those where M(camsec.fleet.vms_hardware), registered as C(camera_https_told), failed after M(camsec.fleet.camera)
    had changed the camera, if the camera answered before the change where the VMS had it, and does not now.
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
- name: Cameras that go back
  ansible.builtin.debug:
    msg: "{{ ansible_play_batch | camsec.fleet.vms_lost_cameras(hostvars) }}"
"""

RETURN = r"""
_value:
  description:
    - As P(camsec.fleet.lost_cameras#filter). C(connection) and C(port) are where the VMS had the camera; C(recorder) is
      empty for a camera without one.
  type: list
  elements: dict
"""

import typing as t

from ansible_collections.camsec.fleet.plugins.plugin_utils._vms_follow import vms_lost_cameras


class FilterModule:
    """Ansible's interface."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """The filters of this file.

        Returns:
            Name to function.
        """
        return {"vms_lost_cameras": vms_lost_cameras}
