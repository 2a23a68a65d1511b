#!/usr/bin/python
# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Switch the encryption of one certificate group of a server of the VMS."""

from __future__ import annotations

DOCUMENTATION = r"""
module: vms_encryption
short_description: Switch encryption on or off on a server of the VMS
version_added: 1.0.0
author:
  - camsec.fleet contributors (@camsec)
description:
  - Has ServerConfigurator bind a certificate to a certificate group, or unbind it, and waits until a handshake with the
    service shows it.
  - Refuses what would break a connection - no certificate, another host name, a key that the service account cannot
    read, a root that the server itself does not trust (VMS-11 to VMS-14), or another instance of ServerConfigurator.
  - Where ServerConfigurator says that the certificate is bound but not registered, or no handshake shows it in time,
    encryption that was off before is switched off again.
  - One server is not the whole VMS. Encryption at the management server holds for all servers that connect to it
    (VMS-10); the order is what P(camsec.fleet.vms_plan#filter) works out and P(camsec.fleet.vms_encryption#role)
    carries out.
options:
  certificate_group:
    description:
      - V(server) between the management server and the others (VMS-01, VMS-02), V(streaming_media) from recording
        servers to what fetches streams (VMS-03), V(mobile_server) from mobile servers to their clients (VMS-04).
    type: str
    choices: [server, streaming_media, mobile_server]
    required: true
  enabled:
    description:
      - Whether encryption is to be on.
    type: bool
    required: true
extends_documentation_fragment:
  - camsec.fleet.vms
  - camsec.fleet.vms.switch
  - camsec.fleet.vms.configurator
  - camsec.fleet.device.changes
"""

EXAMPLES = r"""
- name: Streams leave this recording server encrypted
  camsec.fleet.vms_encryption:
    vms_roles: [recording_server]
    vms_host_name: recording01.example
    certificate_group: streaming_media
    enabled: true
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
    CONFIGURATOR_OPTIONS,
    GROUP_CHOICES,
    SERVER_INVENTORY,
    SERVER_OPTIONS,
    SWITCH_OPTIONS,
    encryption,
)

SPEC = ModuleSpec(
    argument_spec={
        **SERVER_OPTIONS,
        **SWITCH_OPTIONS,
        **CONFIGURATOR_OPTIONS,
        "certificate_group": {"type": "str", "choices": list(GROUP_CHOICES), "required": True},
        "enabled": {"type": "bool", "required": True},
    },
    run=encryption,
    inventory_options=SERVER_INVENTORY,
)


def main() -> None:
    """Run as a module."""
    run_module(SPEC)


if __name__ == "__main__":
    main()
