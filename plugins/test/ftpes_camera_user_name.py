# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a name can be a user of the cinema camera."""

from __future__ import annotations

DOCUMENTATION = r"""
name: ftpes_camera_user_name
short_description: Whether the cinema camera takes a user name
version_added: 1.0.0
author:
  - camsec.fleet contributors (@camsec)
description:
  - The camera's account has a user name of 1 to 16 characters, letters, digits and C(! % + , - . = _) (FTP-20).
options:
  _input:
    description: The user name.
    type: raw
    required: true
seealso:
  - plugin: camsec.fleet.ftpes_camera_password
    plugin_type: test
"""

EXAMPLES = r"""
- name: Check the camera's user name
  ansible.builtin.assert:
    that: camera_user_name is camsec.fleet.ftpes_camera_user_name
"""

RETURN = r"""
_value:
  description: Whether the camera takes it. Anything but a text is not taken.
  type: bool
"""

import typing as t

from ansible_collections.camsec.fleet.plugins.module_utils._storage.rules import user_name_problem


def ftpes_camera_user_name(name: object) -> bool:
    """Whether the camera takes a user name (FTP-20).

    Args:
        name: Any value.

    Returns:
        True when it does.
    """
    return not user_name_problem(name)


class TestModule:
    """Ansible's interface."""

    def tests(self) -> dict[str, t.Callable[..., bool]]:
        """The tests of this file.

        Returns:
            Name to function.
        """
        return {"ftpes_camera_user_name": ftpes_camera_user_name}
