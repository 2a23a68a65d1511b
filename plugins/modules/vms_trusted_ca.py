#!/usr/bin/python
# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Have a server of the VMS trust roots, or no longer."""

from __future__ import annotations

DOCUMENTATION = r"""
module: vms_trusted_ca
short_description: Have a server of the VMS trust a certificate authority
version_added: 1.0.0
author:
  - camsec.fleet contributors (@camsec)
description:
  - Puts root certificates into the store C(Root) of the Windows host, or takes them out (VMS-13).
  - A root below which the server itself presents a certificate is not taken out. Whether another server presents one
    that this server has to verify is not looked at.
options:
  state:
    description:
      - Whether the server is to trust the roots.
    type: str
    choices: [present, absent]
    default: present
extends_documentation_fragment:
  - camsec.fleet.vms
  - camsec.fleet.vms.trust
  - camsec.fleet.device.changes
"""

EXAMPLES = r"""
- name: All servers of the VMS trust our authority
  camsec.fleet.vms_trusted_ca:
    vms_roles: [recording_server]
    ca_path: /etc/camsec/ca/trusted.pem
  delegate_to: recording01
"""

RETURN = r"""
before:
  description: State found, only the parts that the task is about.
  returned: success
  type: dict
  sample:
    trusted: {3b1f…: true}
    certificates: {0F3C…: true}
    groups: {server: 'off'}
after:
  description:
    - State read again after the change; in check mode, the planned state. RV(ignore:trusted) are the roots that were
      asked about, by SHA-256, RV(ignore:certificates) the certificates that name the host and whether the service
      account can read their keys, RV(ignore:groups) the thumbprint that each certificate group presents, C(off) or
      C(broken).
  returned: success
  type: dict
  sample:
    trusted: {3b1f…: true}
    certificates: {0F3C…: true}
    groups: {server: 0F3C…}
plan:
  description: The steps, in their order.
  returned: success
  type: list
  elements: dict
  contains:
    id:
      description: Short name.
      type: str
      returned: success
    title:
      description: One line for people.
      type: str
      returned: success
    rule:
      description: Id of the maker's rule.
      type: str
      returned: success
    disconnects:
      description: Whether the connection is cut after it.
      type: bool
      returned: success
  sample: [{id: enable_encryption, title: Switch encryption on (server), rule: VMS-10, disconnects: false}]
impacts:
  description: Side effects, with the rule's id.
  returned: success
  type: list
  elements: dict
  sample: [{rule: VMS-10, text: Services of the server restart and do not answer meanwhile.}]
thumbprint:
  description:
    - Of the certificate that serves the first of the certificate groups that the task is about; empty where there is
      none, or a new one is to come.
  returned: success, unless there were changes in check mode
  type: str
  sample: 0F3CAA7E5C0D5B1C1B4B0D1A9E1B2D3C4E5F6071
certificate:
  description: That certificate; empty where there is none.
  returned: success, unless there were changes in check mode
  type: dict
  sample: {subject: CN=recording01.example, issuer: CN=Site CA, serial_number: 3f6a, not_after: '2027-12-24T00:00:00Z'}
"""

from ansible_collections.camsec.fleet.plugins.module_utils._module import ModuleSpec, run_module
from ansible_collections.camsec.fleet.plugins.module_utils._vms.modules import (
    SERVER_INVENTORY,
    SERVER_OPTIONS,
    TRUST_OPTIONS,
    trusted_ca,
)

SPEC = ModuleSpec(
    argument_spec={
        **SERVER_OPTIONS,
        **TRUST_OPTIONS,
        "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    },
    run=trusted_ca,
    inventory_options=SERVER_INVENTORY,
    constraints={"required_one_of": [("ca_path", "ca_content")], "mutually_exclusive": [("ca_path", "ca_content")]},
)


def main() -> None:
    """Run as a module."""
    run_module(SPEC)


if __name__ == "__main__":
    main()
