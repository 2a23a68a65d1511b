#!/usr/bin/python
# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tell what a server of the VMS holds and what its links are like."""

from __future__ import annotations

DOCUMENTATION = r"""
module: vms_info
short_description: Tell what a server of the VMS holds and what its links are like
version_added: 1.0.0
author:
  - camsec.fleet contributors (@camsec)
description:
  - Reads the certificate stores of the Windows host, who can read the keys, what each certificate group presents, and
    Milestone's services.
  - With O(servers), shakes hands from that very host with every server that it connects to. What it trusts is what
    counts, and each link is what that handshake gave.
  - RV(server) of all servers is what P(camsec.fleet.vms_plan#filter) plans with.
options:
  servers:
    description:
      - All servers of the VMS, this one among them, each with C(name) and C(roles) and, where they differ from the
        defaults, C(host_name) and C(ports) (as O(vms_ports)). Without it no link is looked at.
    type: list
    elements: dict
    default: []
  authority_directory:
    description:
      - Directory on the controller of the certificate authority. With it, C(due) of each certificate in
        RV(ignore:server) tells why M(camsec.fleet.vms_certificate) with the same options would have it issued anew.
    type: path
  sign_command:
    description:
      - The same for an authority of somebody else's, see M(camsec.fleet.vms_certificate). It is not run.
    type: list
    elements: str
  ca_path:
    description:
      - PEM file on the controller with the root and the intermediate certificates of the authority that
        O(sign_command) asks.
    type: path
  crl_path:
    description:
      - Revocation list of that authority. A certificate on it is due.
    type: path
  subject_alt_name:
    description:
      - Names and addresses that the certificate should have besides O(vms_host_name) and O(address).
    type: list
    elements: str
    default: []
  renew_before:
    description:
      - A certificate of that authority with fewer days left is due.
    type: float
    default: 30.0
  other_authority:
    description:
      - With V(replace), a certificate of another authority is due.
    type: str
    choices: [keep, replace]
    default: keep
  check_certificate:
    description:
      - Use each certificate that serves, or is going to, for both ends of a handshake on the server itself (VMS-13). No
        service is touched.
    type: bool
    default: false
  certificate_groups:
    description:
      - Certificate groups whose certificates O(check_certificate) is about; empty for all that the server has.
    type: list
    elements: str
    choices: [server, streaming_media, mobile_server]
    default: []
extends_documentation_fragment:
  - camsec.fleet.vms
  - camsec.fleet.device.reads
"""

EXAMPLES = r"""
- name: What a recording server holds, and how many days its certificates have left
  camsec.fleet.vms_info:
    vms_roles: [recording_server]
    vms_host_name: recording01.example
  delegate_to: recording01
  register: recording01

- name: Its links
  camsec.fleet.vms_info:
    vms_roles: [recording_server]
    host: recording01
    vms_host_name: recording01.example
    servers:
      - {name: management01, host_name: management01.example, roles: [management_server]}
      - {name: recording01, host_name: recording01.example, roles: [recording_server]}
  delegate_to: recording01
"""

RETURN = r"""
certificates:
  description: What the store C(My) holds.
  returned: success
  type: list
  elements: dict
  contains:
    thumbprint:
      description: SHA-1, as Windows names it.
      type: str
      returned: always
    subject:
      description: Distinguished name.
      type: str
      returned: always
    issuer:
      description: Distinguished name.
      type: str
      returned: always
    not_after:
      description: End of its validity.
      type: str
      returned: always
    days_left:
      description: Whole days until then, negative when it has ended.
      type: int
      returned: always
    private_key:
      description: Whether its key is there.
      type: bool
      returned: always
    key_readable:
      description: Whether the service account can read the key (VMS-14).
      type: bool
      returned: always
    root_sha256:
      description: SHA-256 of its root; empty where Windows finds none.
      type: str
      returned: always
    root_trusted:
      description: Whether the server trusts that root.
      type: bool
      returned: always
    presented_by:
      description: Certificate groups that present it.
      type: list
      elements: str
      returned: always
  sample: [{thumbprint: 0F3C…, subject: CN=recording01.example, days_left: 396, presented_by: [server]}]
groups:
  description:
    - What each certificate group is like, seen from the server itself. C(status) is V(ignore:encrypted),
      V(ignore:plain), V(ignore:broken) or V(ignore:silent). With C(standing_by) there was no handshake, since a
      failover recording server stands by; its configuration told it.
  returned: success
  type: dict
  sample: {server: {status: encrypted, thumbprint: 0F3C…, errors: [], standing_by: false}}
services:
  description: Milestone's services.
  returned: success
  type: list
  elements: dict
  sample: [{name: Milestone XProtect Recording Server, status: Running, start_type: Automatic}]
configurators_running:
  description: How many instances of ServerConfigurator run.
  returned: success
  type: int
  sample: 0
unanswered:
  description: A sentence for each certificate group of which nobody knows whether it is on, since its port is silent.
  returned: success
  type: list
  elements: str
  sample: []
server:
  description: The server as P(camsec.fleet.vms_plan#filter) takes it.
  returned: success
  type: dict
  sample: {name: recording01, host_name: recording01.example, roles: [recording_server], encrypted: [server]}
roots:
  description: Root certificates of what the store C(My) holds, PEM.
  returned: success
  type: list
  elements: str
  sample: ['-----BEGIN CERTIFICATE-----…']
certificate_checks:
  description: What the handshake with each certificate that serves showed, and which certificate groups it serves.
  returned: with O(check_certificate)
  type: list
  elements: dict
  sample: [{groups: [server, streaming_media], status: encrypted, thumbprint: 0F3C…, errors: []}]
links:
  description: Each link in which this server connects to another one.
  returned: success
  type: list
  elements: dict
  contains:
    rule:
      description: V(ignore:VMS-01) to V(ignore:VMS-03).
      type: str
      returned: always
    presenter:
      description: The server that presents a certificate.
      type: str
      returned: always
    group:
      description: The certificate group.
      type: str
      returned: always
    verifier:
      description: This server.
      type: str
      returned: always
    status:
      description:
        - V(ignore:encrypted), V(ignore:plain) or V(ignore:broken); V(ignore:unknown) where the presenter stands by.
      type: str
      returned: always
    reason:
      description: Why it is broken or unknown.
      type: str
      returned: always
    reason_rule:
      description: The rule that says so.
      type: str
      returned: always
    thumbprint:
      description: Of what was presented.
      type: str
      returned: always
  sample: [{rule: VMS-01, presenter: management01, group: server, verifier: recording01, status: encrypted}]
"""

from ansible_collections.camsec.fleet.plugins.module_utils._module import ModuleSpec, run_module
from ansible_collections.camsec.fleet.plugins.module_utils._vms.modules import (
    CERTIFICATE_OPTIONS,
    JUDGING_CONSTRAINTS,
    JUDGING_INVENTORY,
    JUDGING_OPTIONS,
    SERVER_INVENTORY,
    SERVER_OPTIONS,
    info,
)

SPEC = ModuleSpec(
    argument_spec={
        **SERVER_OPTIONS,
        "servers": {"type": "list", "elements": "dict", "default": []},
        "check_certificate": {"type": "bool", "default": False},
        "certificate_groups": CERTIFICATE_OPTIONS["certificate_groups"],
        **JUDGING_OPTIONS,
    },
    run=info,
    inventory_options=(*SERVER_INVENTORY, *JUDGING_INVENTORY),
    constraints=JUDGING_CONSTRAINTS,
)


def main() -> None:
    """Run as a module."""
    run_module(SPEC)


if __name__ == "__main__":
    main()
