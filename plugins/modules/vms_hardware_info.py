#!/usr/bin/python
# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read how a VMS reaches its cameras, and how clients reach its recording servers."""

from __future__ import annotations

DOCUMENTATION = r"""
module: vms_hardware_info
short_description: Read how a VMS reaches its cameras, and how clients reach its recording servers
version_added: 1.0.0
author:
  - camsec.fleet contributors (@camsec)
description:
  - Lists all cameras and encoders of a Milestone XProtect VMS with their HTTPS settings, and all recording and failover
    recording servers with whether clients fetch streams from them by TLS. Changes nothing.
options:
  read_settings:
    description:
      - Read the settings of each camera's driver, which takes one request for each (about 0.3 s at a large site).
    type: bool
    default: true
extends_documentation_fragment:
  - camsec.fleet.vms_gateway
  - camsec.fleet.vms_gateway.action_group
  - camsec.fleet.device.reads
"""

EXAMPLES = r"""
- name: What does the VMS reach how?
  camsec.fleet.vms_hardware_info:
    host: management01.example
    username: auditor
    password: "{{ vaulted_vms_password }}"
    ca_path: /etc/camsec/ca/root.pem
  register: vms

- name: Cameras that it reaches in the clear
  ansible.builtin.debug:
    msg: "{{ vms.hardware | rejectattr('https', 'defined') | map(attribute='name')
      + (vms.hardware | selectattr('https', 'defined') | rejectattr('https') | map(attribute='name')) }}"

- name: Recording servers that give streams in the clear
  ansible.builtin.debug:
    msg: "{{ vms.recorders | rejectattr('streams_encrypted') | map(attribute='name') }}"
"""

RETURN = r"""
hardware:
  description: All cameras and encoders, those that are not enabled among them.
  returned: success
  type: list
  elements: dict
  contains:
    id:
      description: GUID.
      type: str
      returned: success
    name:
      description: Name in the VMS.
      type: str
      returned: success
    address:
      description: Where the recording server finds it, a URL.
      type: str
      returned: success
    model:
      description: Model.
      type: str
      returned: success
    enabled:
      description: It is in use.
      type: bool
      returned: success
    recording_server:
      description: Name of its recording server, or empty.
      type: str
      returned: success
    https:
      description: It is reached by HTTPS.
      type: bool
      returned: with O(read_settings), when the driver has this setting
    camera_https_port:
      description: On this port.
      type: int
      returned: with O(read_settings), when the driver has this setting
    validate_certificate:
      description: Its certificate is verified.
      type: bool
      returned: with O(read_settings), when the driver has this setting
    validate_host_name:
      description: The name in its certificate is verified.
      type: bool
      returned: with O(read_settings), when the driver has this setting
    fault:
      description: Why its settings could not be read, or empty.
      type: str
      returned: with O(read_settings)
  sample: [{name: Entrance, address: http://192.0.2.11/, recording_server: recording01, https: true, fault: ''}]
recorders:
  description: All recording servers, then all failover recording servers.
  returned: success
  type: list
  elements: dict
  contains:
    id:
      description: GUID.
      type: str
      returned: success
    name:
      description: Name in the VMS.
      type: str
      returned: success
    host_name:
      description: Its host.
      type: str
      returned: success
    enabled:
      description: It is in use.
      type: bool
      returned: success
    failover:
      description: It is a failover recording server.
      type: bool
      returned: success
    web_server_uri:
      description: Where clients fetch streams.
      type: str
      returned: success
    streams_encrypted:
      description: By TLS, as the scheme of that address says; none when it does not say.
      type: bool
      returned: success
  sample: [{name: recording01, web_server_uri: 'https://recording01.example:7563/', streams_encrypted: true}]
contact:
  description: How the VMS was reached (scheme, port, and by what it was trusted).
  returned: success
  type: dict
  sample: {scheme: https, port: 443, trust: certificate_authority}
endpoint:
  description: What the TLS handshake with the VMS showed.
  returned: when the VMS was reached by HTTPS
  type: dict
  sample: {address: management01.example, port: 443, protocol: TLSv1.3, suite: TLS_AES_256_GCM_SHA384}
certificate:
  description: The certificate in that handshake.
  returned: when the VMS was reached by HTTPS
  type: dict
  sample: {subject: CN=management01.example, issuer: CN=Surveillance CA, not_after: '2027-11-22T00:00:00Z'}
"""

from ansible_collections.camsec.fleet.plugins.module_utils._module import ModuleSpec, run_module
from ansible_collections.camsec.fleet.plugins.module_utils._vms.gateway_modules import (
    GATEWAY_OPTIONS,
    VMS_CONTACT_OPTIONS,
    hardware_info,
)

SPEC = ModuleSpec(
    argument_spec={
        **GATEWAY_OPTIONS,
        "read_settings": {"type": "bool", "default": True},
    },
    run=hardware_info,
    inventory_options=VMS_CONTACT_OPTIONS,
)


def main() -> None:
    """Run as a module."""
    run_module(SPEC)


if __name__ == "__main__":
    main()
