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
  - A camera that has no C(camsec_recorder) is left out. The others have a C(camsec_camera_number).
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
    - C(encryption) is what O(camsec.fleet.recorder_data_encryption#module:cameras) takes, from C(camsec_data_encryption)
      (off by default).
  type: dict
"""

import typing as t

from ansible.errors import AnsibleFilterError


def cameras_by_recorder(
    cameras: t.Iterable[str], hostvars: t.Mapping[str, t.Mapping[str, t.Any]]
) -> dict[str, dict[str, t.Any]]:
    """Group cameras by recorder.

    Args:
        cameras: Inventory names.
        hostvars: The hosts' variables.

    Returns:
        Recorder to C(names), C(links) and C(encryption).

    Raises:
        AnsibleFilterError: A camera has no number, or two have the same.
    """
    found: dict[str, dict[str, t.Any]] = {}
    for name in cameras:
        variables = hostvars[name]
        recorder = variables.get("camsec_recorder")
        if recorder:
            group = found.setdefault(recorder, {"names": {}, "links": [], "encryption": []})
            _add(group, name, variables, recorder)
    return found


def _add(group: dict[str, t.Any], name: str, variables: t.Mapping[str, t.Any], recorder: str) -> None:
    number = variables.get("camsec_camera_number")
    if not isinstance(number, int) or isinstance(number, bool):
        raise AnsibleFilterError(f"{name}: camsec_camera_number: found {number!r}, expected a whole number.")
    other = group["names"].setdefault(number, name)
    if other != name:
        raise AnsibleFilterError(
            f"{name}: camsec_camera_number: found {number}, which {other} has on {recorder} too, expected one of its own."
        )
    connection = variables.get("camsec_connection", "https")
    link = {"number": number, "connection": connection}
    if connection == "https":
        link["port"] = int(variables.get("camsec_https_port", 443))
    group["links"].append(link)
    encrypt = bool(variables.get("camsec_data_encryption", False))
    group["encryption"].append({"number": number, "encrypt": encrypt, "send": True})


class FilterModule:
    """Ansible's interface."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """The filters of this file.

        Returns:
            Name to function.
        """
        return {"cameras_by_recorder": cameras_by_recorder}
