# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Why a camera must not be touched, as far as its VMS is concerned."""

from __future__ import annotations

DOCUMENTATION = r"""
name: vms_objection
short_description: Why a camera must not be touched, as far as its VMS is concerned
version_added: 1.0.0
author:
  - camsec.fleet contributors (@camsec)
description:
  - Objections are what P(camsec.fleet.vms_cameras#filter) found, a look at the camera's settings in the VMS that
    failed, and a certificate that is to be verified from now on by servers of which nobody knows whether they trust its
    root.
positional: _input
options:
  _input:
    description: What P(camsec.fleet.vms_cameras#filter) gave for the camera; empty when no VMS was asked for it.
    type: dict
    required: true
  look:
    description: Result of M(camsec.fleet.vms_hardware) in check mode.
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: What is in the way
  ansible.builtin.debug:
    msg: "{{ entries[inventory_hostname] | default({}) | camsec.fleet.vms_objection(look) }}"
"""

RETURN = r"""
_value:
  description: A sentence without the camera's name; empty when nothing is in the way.
  type: str
"""

import typing as t

from ansible_collections.camsec.fleet.plugins.plugin_utils._vms_cameras import vms_objection


class FilterModule:
    """Ansible's interface."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """The filters of this file.

        Returns:
            Name to function.
        """
        return {"vms_objection": vms_objection}
