# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which cameras belong to which recorder, read from the inventory in one pass."""

from __future__ import annotations

DOCUMENTATION = r"""
name: cameras_by_recorder
short_description: The cameras of each recorder, from the inventory
version_added: 0.1.0
author:
  - camsec.fleet contributors (@camsec)
description:
  - Goes through the cameras once and groups them by their recorder, so that a play needs one login per recorder and not one
    per camera.
  - A camera that has no C(camsec_recorder) is left out.
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
    - For each recorder's inventory name its cameras, each with C(name), C(number), C(https_port) and C(data_encryption).
  type: dict
"""

import typing as t

from ansible.errors import AnsibleFilterError


def cameras_by_recorder(
    cameras: t.Iterable[str], hostvars: t.Mapping[str, t.Mapping[str, t.Any]]
) -> dict[str, list[dict[str, t.Any]]]:
    """Group cameras by recorder.

    Args:
        cameras: Inventory names.
        hostvars: The hosts' variables.

    Returns:
        Recorder to cameras, in the order of their numbers.

    Raises:
        AnsibleFilterError: A camera has no number, or two have the same.
    """
    found: dict[str, dict[int, dict[str, t.Any]]] = {}
    for name in cameras:
        variables = hostvars[name]
        recorder = variables.get("camsec_recorder")
        if not recorder:
            continue
        number = variables.get("camsec_camera_number")
        if not isinstance(number, int) or isinstance(number, bool):
            raise AnsibleFilterError(f"{name}: camsec_camera_number: found {number!r}, expected a whole number.")
        others = found.setdefault(recorder, {})
        if number in others:
            raise AnsibleFilterError(
                f"{name}: camsec_camera_number: found {number}, which {others[number]['name']} has on {recorder} too,"
                " expected a number of its own."
            )
        others[number] = {
            "name": name,
            "number": number,
            "https_port": variables.get("camsec_https_port", 443),
            "data_encryption": bool(variables.get("camsec_data_encryption", False)),
        }
    return {recorder: [cameras_[n] for n in sorted(cameras_)] for recorder, cameras_ in found.items()}


class FilterModule:
    """Ansible's interface."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """The filters of this file.

        Returns:
            Name to function.
        """
        return {"cameras_by_recorder": cameras_by_recorder}
