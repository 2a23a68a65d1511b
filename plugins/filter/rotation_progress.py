# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How far the rotation of a root has come."""

from __future__ import annotations

DOCUMENTATION = r"""
name: rotation_progress
short_description: How far the rotation of a root certificate has come
version_added: 1.0.0
author:
  - camsec.fleet contributors (@camsec)
description:
  - Reads what the playbook C(camsec.fleet.rotate_ca_status) registered for each host - C(camsec_rotate_device), the
    result of M(camsec.fleet.recorder_info); C(camsec_rotate_endpoint), that of M(camsec.fleet.tls_endpoint_info);
    C(camsec_rotate_plain), that of M(ansible.builtin.wait_for) with the port for plain HTTP; and C(camsec_rotate_vms),
    that of M(camsec.fleet.vms_info).
  - The progress is read from certificates, trust files and ledgers. There is no record of it that could say otherwise.
positional: _input, hostvars
options:
  _input:
    description: Inventory names.
    type: list
    elements: str
    required: true
  hostvars:
    description: Ansible's C(hostvars).
    type: dict
    required: true
  retiring:
    description: Result of M(camsec.fleet.certificate_authority_info) for the authority whose root goes.
    type: dict
    required: true
  authority:
    description: The same for the authority that takes its place. Without it, it is yet to be made.
    type: dict
  cards:
    description:
      - Results of M(camsec.fleet.storage_certificate_info), one for each ledger of cards, asked with the old root as
        O(camsec.fleet.storage_certificate_info#module:retiring).
    type: list
    elements: dict
    default: []
  vms_servers:
    description: Inventory names of the servers of the VMS.
    type: list
    elements: str
    default: []
  without:
    description: Names of devices, servers, certificates and cards that the operator gave up; they hold nothing up.
    type: list
    elements: str
    default: []
"""

EXAMPLES = r"""
- name: How far the rotation has come
  ansible.builtin.debug:
    msg: "{{ progress.lines }}"
  vars:
    progress: >-
      {{ groups['camsec_cameras'] | camsec.fleet.rotation_progress(hostvars, retiring=old_authority,
      authority=new_authority) }}
"""

RETURN = r"""
_value:
  description:
    - C(stage) is the first that is not finished - V(trust), V(reissue), V(drop), or V(done) when all are.
    - C(may_drop) tells whether the old root may go now.
    - C(done) is a list of sentences.
    - C(left) is what the stage has to do, C(held_up) what stands against dropping the old root, and C(withheld) what
      stands against issuing certificates anew once V(trust) is through. Each has C(kind) (V(authority), V(trust_file),
      V(recorder), V(vms_server), V(device), V(vms_certificate), V(unread), V(certificate) or V(card)), C(name) and
      C(text).
    - C(replaces) are the names of the servers of the VMS that get other certificates in V(reissue). One that presents a
      certificate of somebody else besides is not among them.
    - C(lines) is all of it for people.
  type: dict
"""

import typing as t

from ansible.errors import AnsibleFilterError
from ansible_collections.camsec.fleet.plugins.module_utils._core._errors import CamsecError
from ansible_collections.camsec.fleet.plugins.plugin_utils._rotation import rotation_progress


def _progress(*arguments: t.Any, **options: t.Any) -> dict[str, t.Any]:
    try:
        return rotation_progress(*arguments, **options)
    except CamsecError as error:
        raise AnsibleFilterError(error.message) from error


class FilterModule:
    """Ansible's interface."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """The filters of this file.

        Returns:
            Name to function.
        """
        return {"rotation_progress": _progress}
