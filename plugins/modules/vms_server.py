#!/usr/bin/python
# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Bring one server of the VMS to a desired state as a whole."""

from __future__ import annotations

DOCUMENTATION = r"""
module: vms_server
short_description: Bring one server of the VMS to a desired state as a whole
version_added: 1.0.0
author:
  - camsec.fleet contributors (@camsec)
description:
  - All of M(camsec.fleet.vms_trusted_ca), M(camsec.fleet.vms_certificate) and M(camsec.fleet.vms_encryption) for one
    server, with one read, one plan, the needed changes and one verification. What is not named stays as it is.
  - For a server that joins a VMS or is repaired. The order among several servers is what
    P(camsec.fleet.vms_plan#filter) works out and P(camsec.fleet.vms_encryption#role) carries out.
options:
  server:
    description:
      - Whether encryption between the management server and the others is on (VMS-01, VMS-02).
    type: bool
  streaming_media:
    description:
      - Whether encryption from a recording server to what fetches its streams is on (VMS-03).
    type: bool
  mobile_server:
    description:
      - Whether encryption from a mobile server to its clients is on (VMS-04).
    type: bool
extends_documentation_fragment:
  - camsec.fleet.vms
  - camsec.fleet.vms.trust
  - camsec.fleet.vms.certificate
  - camsec.fleet.vms.switch
  - camsec.fleet.vms.configurator
  - camsec.fleet.device.changes
"""

EXAMPLES = r"""
- name: A recording server joins a VMS that is encrypted
  camsec.fleet.vms_server:
    vms_roles: [recording_server]
    vms_host_name: recording21.example
    ca_path: /etc/camsec/ca/trusted.pem
    authority_directory: /etc/camsec/ca
    authority_passphrase: "{{ vaulted_authority_passphrase }}"
    server: true
    streaming_media: true
  delegate_to: recording21
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
    CERTIFICATE_INVENTORY,
    CERTIFICATE_OPTIONS,
    CONFIGURATOR_OPTIONS,
    GROUP_CHOICES,
    SERVER_INVENTORY,
    SERVER_OPTIONS,
    SOURCES,
    SWITCH_OPTIONS,
    TRUST_OPTIONS,
    server,
)

SPEC = ModuleSpec(
    argument_spec={
        **SERVER_OPTIONS,
        **TRUST_OPTIONS,
        **CERTIFICATE_OPTIONS,
        **SWITCH_OPTIONS,
        **CONFIGURATOR_OPTIONS,
        **{group: {"type": "bool"} for group in GROUP_CHOICES},
    },
    run=server,
    inventory_options=(*SERVER_INVENTORY, *CERTIFICATE_INVENTORY),
    constraints={
        "mutually_exclusive": [SOURCES, ("ca_path", "ca_content")],
        "required_by": {"sign_command": ["ca_path"], "crl_path": ["sign_command"]},
    },
)


def main() -> None:
    """Run as a module."""
    run_module(SPEC)


if __name__ == "__main__":
    main()
