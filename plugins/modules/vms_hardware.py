#!/usr/bin/python
# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a VMS reaches a camera: HTTPS or not, on which port, and whether it looks at the certificate."""

from __future__ import annotations

DOCUMENTATION = r"""
module: vms_hardware
short_description: How a VMS reaches a camera, by HTTPS or not
version_added: 1.0.0
author:
  - camsec.fleet contributors (@camsec)
description:
  - Sets how the recording server of a Milestone XProtect VMS reaches one camera, as the settings of its driver in the
    VMS say. These are HTTPS or plain HTTP, the port, and whether the recording server verifies the camera's certificate
    and the name in it.
  - It changes the VMS and not the camera, which has to answer that way already (M(camsec.fleet.camera_https)). Where
    the certificate is to be verified, the recording server has to trust the root of the camera's certificate before.
  - Settings that the task leaves out stay. With O(https=false) nothing is verified any more, and with
    O(validate_certificate=false) no name either, unless the task says otherwise, which is then refused, since it makes
    no sense.
  - Whether the recording server sees the camera afterwards is not told by this API.
options:
  hardware:
    description:
      - The camera or encoder in the VMS, by its name, its address or its id. It has to be exactly one.
    type: str
    required: true
  recording_server:
    description:
      - Name or id of its recording server. Look only there, which is faster at a large site.
    type: str
  https:
    description:
      - Whether the recording server reaches the camera by HTTPS.
    type: bool
  camera_https_port:
    description:
      - Port on which the camera answers in HTTPS. It is not O(https_port), which is the VMS's own.
    type: int
  validate_certificate:
    description:
      - Whether the recording server verifies the camera's certificate.
    type: bool
  validate_host_name:
    description:
      - Whether the recording server verifies that the certificate names the camera's address in the VMS.
    type: bool
extends_documentation_fragment:
  - camsec.fleet.vms_gateway
  - camsec.fleet.vms_gateway.action_group
  - camsec.fleet.device.changes
"""

EXAMPLES = r"""
- name: The VMS reaches the camera by HTTPS and verifies it
  camsec.fleet.vms_hardware:
    host: management01.example
    username: provisioning
    password: "{{ vaulted_vms_password }}"
    ca_path: /etc/camsec/ca/root.pem
    hardware: 192.0.2.11
    https: true
    camera_https_port: 443
    validate_certificate: true
    validate_host_name: true

- name: Back to plain HTTP, before the camera is switched back
  camsec.fleet.vms_hardware:
    host: management01.example
    username: provisioning
    password: "{{ vaulted_vms_password }}"
    ca_path: /etc/camsec/ca/root.pem
    hardware: Entrance
    recording_server: recording01
    https: false
"""

RETURN = r"""
before:
  description: The hardware and its settings as found; settings that the driver does not have are missing.
  returned: success
  type: dict
  sample:
    id: 8d1c7f0e-2f1a-4a53-9a0e-0c6a3c2a7b11
    name: Entrance
    address: http://192.0.2.11/
    recording_server: recording01
    https: false
    camera_https_port: 443
    validate_certificate: false
    validate_host_name: false
after:
  description: The same, read again after the change; in check mode, as planned.
  returned: success
  type: dict
  sample: {name: Entrance, https: true, camera_https_port: 443, validate_certificate: true, validate_host_name: true}
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
      description: Id of the rule, or empty.
      type: str
      returned: success
    disconnects:
      description: The VMS cuts the connection after it.
      type: bool
      returned: success
  sample: [{id: set_hardware_https, title: 'Set in the VMS: https true', rule: '', disconnects: false}]
impacts:
  description: Side effects, with the id of the rule that they follow from.
  returned: success
  type: list
  elements: dict
  contains:
    rule:
      description: Id of the rule.
      type: str
      returned: success
    text:
      description: One sentence.
      type: str
      returned: success
  sample: [{rule: HTTPS-30, text: "The recording server connects to the camera anew, by HTTPS on port 443."}]
contact:
  description: How the VMS was reached (scheme, port, and by what it was trusted).
  returned: success, unless there were changes in check mode
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
    HARDWARE_OPTIONS,
    VMS_CONTACT_OPTIONS,
    hardware,
)

SPEC = ModuleSpec(
    argument_spec={
        **GATEWAY_OPTIONS,
        **HARDWARE_OPTIONS,
    },
    run=hardware,
    inventory_options=VMS_CONTACT_OPTIONS,
)


def main() -> None:
    """Run as a module."""
    run_module(SPEC)


if __name__ == "__main__":
    main()
