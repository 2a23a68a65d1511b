# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the servers of a VMS told, gathered."""

from __future__ import annotations

DOCUMENTATION = r"""
name: vms_servers
short_description: What the servers of a VMS told, gathered
version_added: 1.0.0
author:
  - camsec.fleet contributors (@camsec)
description:
  - Gathers the results of M(camsec.fleet.vms_info) of a play's hosts into what P(camsec.fleet.vms_plan#filter) takes.
  - A host without such a result has not answered.
positional: _input
options:
  _input:
    description: Inventory names of servers.
    type: list
    elements: str
    required: true
  hostvars:
    description: Ansible's C(hostvars).
    type: dict
    required: true
  read:
    description: Name of the variable that M(camsec.fleet.vms_info) was registered as.
    type: str
    required: true
"""

EXAMPLES = r"""
- name: The VMS as it is
  ansible.builtin.debug:
    msg: "{{ site.servers | camsec.fleet.vms_plan(roots=site.roots) }}"
  vars:
    site: "{{ ansible_play_hosts_all | camsec.fleet.vms_servers(hostvars, read='told') }}"
"""

RETURN = r"""
_value:
  description:
    - C(servers) for P(camsec.fleet.vms_plan#filter), C(peers) for the option C(servers) of M(camsec.fleet.vms_info),
      C(roots) (PEM) of their certificates, C(links) that were looked at, and C(unanswered), a sentence for each
      service whose state nobody knows.
  type: dict
"""

import typing as t

from ansible_collections.camsec.fleet.plugins.plugin_utils._vms_site import vms_servers


class FilterModule:
    """Ansible's interface."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """The filters of this file.

        Returns:
            Name to function.
        """
        return {"vms_servers": vms_servers}
