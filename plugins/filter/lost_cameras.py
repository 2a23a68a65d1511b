# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which cameras their recorders do not see after a change."""

from __future__ import annotations

DOCUMENTATION = r"""
name: lost_cameras
short_description: The cameras that their recorders do not see after a change
version_added: 1.0.0
author:
  - camsec.fleet contributors (@camsec)
description:
  - Takes the results of a loop of M(camsec.fleet.recorder_camera_link) over the items of
    P(camsec.fleet.pending_links#filter).
  - Lost are the cameras whose connection was put back, those that the recorder does not see, and, where the recorder's
    turn failed, those that this run has changed.
positional: _input
options:
  _input:
    description: The registered variable's C(results).
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
- name: Cameras that were lost
  ansible.builtin.debug:
    msg: "{{ links.results | camsec.fleet.lost_cameras(hostvars) }}"
"""

RETURN = r"""
_value:
  description:
    - For each camera its C(name), C(recorder) and C(number); C(connection) and C(port), how its recorder connects to it
      now; C(move), whether the camera is to be brought there; C(reason), what the recorder says; C(login_refused),
      whether the recorder has refused the login, so that it must not be asked again.
  type: list
  elements: dict
"""

import typing as t

from ansible_collections.camsec.fleet.plugins.plugin_utils._rollout import lost_cameras


class FilterModule:
    """Ansible's interface."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """The filters of this file.

        Returns:
            Name to function.
        """
        return {"lost_cameras": lost_cameras}
