# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which cameras of a wave their recorders have to be told about."""

from __future__ import annotations

DOCUMENTATION = r"""
name: pending_links
short_description: What recorders have to be told about their cameras of a wave
version_added: 1.0.0
author:
  - camsec.fleet contributors (@camsec)
description:
  - As P(camsec.fleet.cameras_by_recorder#filter), but only with the cameras that their recorder has to be told about.
  - A camera is left out when its own task (P(camsec.fleet.camera_https#role)) failed. It is also left out when nothing
    was changed on it and the recorder's preflight (P(camsec.fleet.recorder_https#role)) of the same run saw that the
    recorder is connected to it as it should be.
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
    msg: "{{ ansible_play_batch | camsec.fleet.pending_links(hostvars) }}"
"""

RETURN = r"""
_value:
  description:
    - For each recorder's inventory name a dictionary with C(names) and C(links).
  type: dict
"""

import typing as t

from ansible_collections.camsec.fleet.plugins.plugin_utils._rollout import pending_links


class FilterModule:
    """Ansible's interface."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """The filters of this file.

        Returns:
            Name to function.
        """
        return {"pending_links": pending_links}
