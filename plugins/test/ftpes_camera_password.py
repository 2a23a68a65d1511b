# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a text can be a password of the cinema camera."""

from __future__ import annotations

DOCUMENTATION = r"""
name: ftpes_camera_password
short_description: Whether the cinema camera takes a password
version_added: 1.0.0
author:
  - camsec.fleet contributors (@camsec)
description:
  - The camera's account has a password of 8 to 16 characters, letters, digits and C(! % + , - . = _), with at least one
    letter and one digit (FTP-21).
options:
  _input:
    description: The password.
    type: raw
    required: true
seealso:
  - plugin: camsec.fleet.ftpes_camera_user_name
    plugin_type: test
"""

EXAMPLES = r"""
- name: Check the camera's password
  ansible.builtin.assert:
    that: camera_password is camsec.fleet.ftpes_camera_password
  no_log: true
"""

RETURN = r"""
_value:
  description: Whether the camera takes it. Anything but a text is not taken.
  type: bool
"""

import typing as t

from ansible_collections.camsec.fleet.plugins.module_utils._storage.rules import password_problem


def ftpes_camera_password(password: object) -> bool:
    """Whether the camera takes a password (FTP-21).

    Args:
        password: Any value; it is not shown.

    Returns:
        True when it does.
    """
    return not password_problem(password)


class TestModule:
    """Ansible's interface."""

    def tests(self) -> dict[str, t.Callable[..., bool]]:
        """The tests of this file.

        Returns:
            Name to function.
        """
        return {"ftpes_camera_password": ftpes_camera_password}
