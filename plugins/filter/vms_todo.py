# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a plan for a VMS has each server do."""

from __future__ import annotations

DOCUMENTATION = r"""
name: vms_todo
short_description: What a plan for a VMS has each server do
version_added: 1.0.0
author:
  - camsec.fleet contributors (@camsec)
description:
  - Sorts the steps that can be done now by their servers.
positional: _input
options:
  _input:
    description: Plan of P(camsec.fleet.vms_plan#filter).
    type: dict
    required: true
  roots:
    description: The roots that the plan may name, PEM.
    type: list
    elements: str
    required: true
"""

EXAMPLES = r"""
- name: What recording01 has to do
  ansible.builtin.debug:
    msg: "{{ (plan | camsec.fleet.vms_todo([root])).servers.recording01 }}"
  vars:
    plan: "{{ servers | camsec.fleet.vms_plan(management=true, authority_root=root) }}"
    root: "{{ lookup('ansible.builtin.file', '/etc/camsec/ca/root.pem') }}"
    servers:
      - {name: management01, host_name: management01.example, roles: [management_server]}
      - {name: recording01, host_name: recording01.example, roles: [recording_server]}
"""

RETURN = r"""
_value:
  description:
    - C(table), C(steps) and C(blocked) (how many), C(held_up_by), C(unseen) (rules by which clients lose their
      connection unless they trust the roots listed for them), C(unready_clients) (who is not known to), and C(servers).
    - Of each server C(trust) (PEM of roots, or empty), C(titles), and lists of certificate groups - C(certificate)
      (whose certificate is to come, or its key to be readable), C(check) (whose certificate is to be checked),
      C(groups_on) and C(groups_off).
  type: dict
"""

import typing as t

from ansible_collections.camsec.fleet.plugins.plugin_utils._vms_site import vms_todo


class FilterModule:
    """Ansible's interface."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """The filters of this file.

        Returns:
            Name to function.
        """
        return {"vms_todo": vms_todo}
