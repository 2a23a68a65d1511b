# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which cameras their recorders do not see."""

from __future__ import annotations

DOCUMENTATION = r"""
name: unseen_cameras
short_description: The cameras that their recorders do not see after a change
version_added: 1.0.0
author:
  - camsec.fleet contributors (@camsec)
description:
  - Takes the results of a loop of M(camsec.fleet.recorder_camera_link) over the items of
    P(camsec.fleet.cameras_by_recorder#filter) and names the cameras in
    RV(camsec.fleet.recorder_camera_link#module:unseen).
positional: _input
options:
  _input:
    description: The registered variable's C(results).
    type: list
    elements: dict
    required: true
"""

EXAMPLES = r"""
- name: Cameras that were lost
  ansible.builtin.debug:
    msg: "{{ links.results | camsec.fleet.unseen_cameras }}"
"""

RETURN = r"""
_value:
  description: Inventory names.
  type: list
  elements: str
"""

import typing as t


def unseen_cameras(results: t.Iterable[t.Mapping[str, t.Any]]) -> list[str]:
    """Name the cameras that their recorders do not see.

    Args:
        results: Of a loop over recorders; each item has C(key), the recorder, and C(value), what C(cameras_by_recorder)
            gave for it.

    Returns:
        Inventory names.
    """
    names: list[str] = []
    for result in results:
        known = {int(number): name for number, name in result["item"]["value"]["names"].items()}
        names += [known[number] for number in result.get("unseen", ()) if number in known]
    return names


class FilterModule:
    """Ansible's interface."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """The filters of this file.

        Returns:
            Name to function.
        """
        return {"unseen_cameras": unseen_cameras}
