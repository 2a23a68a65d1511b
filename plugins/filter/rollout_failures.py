# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What went wrong in a wave of cameras, in sentences."""

from __future__ import annotations

DOCUMENTATION = r"""
name: rollout_failures
short_description: What went wrong in a wave of cameras
version_added: 1.0.0
author:
  - camsec.fleet contributors (@camsec)
description:
  - One sentence for each camera that failed, each recorder whose turn failed, each camera that was lost, with where it
    is now, and each camera that was not touched or not followed since its VMS did not allow it.
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
    description: Results of the loop of M(camsec.fleet.recorder_camera_link).
    type: list
    elements: dict
    required: true
  lost:
    description: What P(camsec.fleet.lost_cameras#filter) and P(camsec.fleet.vms_lost_cameras#filter) gave.
    type: list
    elements: dict
    required: true
  moved:
    description: Results of the loop of M(camsec.fleet.camera) that brought lost cameras back.
    type: list
    elements: dict
    required: true
  seen:
    description: Results of the loop that waited until the recorders saw them again.
    type: list
    elements: dict
    required: true
  vms:
    description: Results of a loop of M(camsec.fleet.vms_hardware) over what P(camsec.fleet.vms_ways_back#filter) gave.
    type: list
    elements: dict
    default: []
"""

EXAMPLES = r"""
- name: What went wrong
  ansible.builtin.debug:
    msg: "{{ ansible_play_batch | camsec.fleet.rollout_failures(hostvars, links=[], lost=[], moved=[], seen=[]) }}"
"""

RETURN = r"""
_value:
  description: Sentences; none when all is well.
  type: list
  elements: str
"""

import typing as t

from ansible_collections.camsec.fleet.plugins.plugin_utils._rollout import rollout_failures


class FilterModule:
    """Ansible's interface."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """The filters of this file.

        Returns:
            Name to function.
        """
        return {"rollout_failures": rollout_failures}
