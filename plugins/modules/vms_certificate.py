#!/usr/bin/python
# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Install or renew the certificate of a server of the VMS."""

from __future__ import annotations

DOCUMENTATION = r"""
module: vms_certificate
short_description: Install or renew the certificate of a server of the VMS
version_added: 1.0.0
author:
  - camsec.fleet contributors (@camsec)
description:
  - Sees to it that the Windows host holds a certificate that can serve (VMS-11 to VMS-14, VMS-19). It names the host,
    has an RSA key that the service account can read, is valid, and the host trusts it. One certificate serves all
    certificate groups of a server, unless they present ones of different subjects already.
  - What is missing is requested on the host by C(certreq), signed by our own authority on the controller and installed,
    or comes out of a PKCS#12 file. The key is readable for the service account before the certificate is in the store.
  - One that a certificate group presents is renewed with the same subject, so that the VMS takes the new one up by
    itself (VMS-17); this waits until a handshake shows it. Only then, what it replaced is removed by its thumbprint.
  - A certificate of another authority that can serve is left alone.
options:
  ca_path:
    description:
      - PEM file on the controller with the root and the intermediate certificates of the authority that
        O(sign_command) asks.
    type: path
extends_documentation_fragment:
  - camsec.fleet.vms
  - camsec.fleet.vms.certificate
  - camsec.fleet.vms.configurator
  - camsec.fleet.device.changes
"""

EXAMPLES = r"""
- name: A certificate from our authority
  camsec.fleet.vms_certificate:
    vms_roles: [recording_server]
    vms_host_name: recording01.example
    authority_directory: /etc/camsec/ca
    authority_passphrase: "{{ vaulted_authority_passphrase }}"
  delegate_to: recording01

- name: A certificate that a public authority issued for the mobile server
  camsec.fleet.vms_certificate:
    vms_roles: [mobile_server]
    vms_host_name: mobile01.example
    vms_mobile_host_name: video.example.com
    certificate_groups: [mobile_server]
    pkcs12_path: /etc/camsec/mobile.p12
    pkcs12_passphrase: "{{ vaulted_mobile_passphrase }}"
  delegate_to: mobile01
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
    SERVER_INVENTORY,
    SERVER_OPTIONS,
    SOURCES,
    certificate,
)

SPEC = ModuleSpec(
    argument_spec={
        **SERVER_OPTIONS,
        **CERTIFICATE_OPTIONS,
        **CONFIGURATOR_OPTIONS,
        "ca_path": {"type": "path"},
    },
    run=certificate,
    inventory_options=(*SERVER_INVENTORY, *CERTIFICATE_INVENTORY, "ca_path"),
    constraints={
        "mutually_exclusive": [SOURCES],
        "required_by": {"sign_command": ["ca_path"], "crl_path": ["sign_command"]},
    },
)


def main() -> None:
    """Run as a module."""
    run_module(SPEC)


if __name__ == "__main__":
    main()
