# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which recording servers of a VMS are to trust what, so that they can verify cameras."""

from __future__ import annotations

DOCUMENTATION = r"""
name: vms_camera_roots
short_description: Which recording servers of a VMS are to trust what, so that they can verify cameras
version_added: 1.0.0
author:
  - camsec.fleet contributors (@camsec)
description:
  - A recording server that verifies cameras needs the root of their authority, and a failover recording server takes
    over any camera. Concerned are the VMSs of those cameras that P(camsec.fleet.vms_gateways#filter) looks at, unless
    their variable C(camsec_vms_validate_certificate) is false.
  - A server belongs to the VMS whose management server its variable C(camsec_vms_gateway_host) names, or else to that
    of the group C(camsec_vms_group) (C(camsec_vms_servers)), if it is in it.
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
  groups:
    description: Ansible's C(groups).
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: What is to be trusted
  ansible.builtin.debug:
    msg: "{{ groups['camsec_cameras'] | camsec.fleet.vms_camera_roots(hostvars, groups) }}"
"""

RETURN = r"""
_value:
  description:
    - By recording or failover recording server the trust files of the cameras' authorities. These are C(trusted.pem) in
      C(camsec_authority_directory), or with C(camsec_sign_command) C(camsec_ca_path).
  type: dict
  sample: {recording01: [/var/lib/camsec/ca/trusted.pem]}
"""

import typing as t

from ansible_collections.camsec.fleet.plugins.plugin_utils._vms_cameras import vms_camera_roots


class FilterModule:
    """Ansible's interface."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """The filters of this file.

        Returns:
            Name to function.
        """
        return {"vms_camera_roots": vms_camera_roots}
