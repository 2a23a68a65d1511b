#!/usr/bin/python
# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Give a camera another IPv4 address."""

from __future__ import annotations

DOCUMENTATION = r"""
module: camera_address
short_description: Give a camera another IPv4 address
version_added: 1.0.0
author:
  - camsec.fleet contributors (@camsec)
description:
  - Sets the camera's own address, netmask and gateway, and proves by a verified handshake that the same camera - the
    same certificate, the same identity - answers at the new address.
  - Before that, the certificate in force has to name the new address as well, and nobody may answer there. Only HTTP,
    HTTPS and RTSP ports are tried; a device that answers on none of them is not noticed.
  - O(host) is where the camera was when the operator last knew. When it does not answer there, it is looked for at
    O(address), so that a run that was cut off is finished by the next one, and so that a camera may be moved by hand.
    What answers there has to be this camera - by its O(serial_number), by a certificate that names both addresses, or
    by a key that O(authority_directory) has certified for the old address.
  - On an i-PRO camera no public call sets the address. The task says so before it sends anything; set it in the
    camera's own pages, then run the task again.
  - The playbook C(camsec.fleet.move_cameras) does all that belongs to a move - the certificate for both addresses
    before, the recorder's registration, and the certificate for the new address alone afterwards.
  - In check mode a certificate that does not name the new address is a warning, since an earlier task makes it in the
    real run.
options:
  address:
    description:
      - The new IPv4 address.
    type: str
    required: true
  netmask:
    description:
      - The new netmask. Without it, the camera keeps the one that it has.
    type: str
  gateway:
    description:
      - The new default gateway, inside of the network of O(address). Without it, the camera keeps the one that it has.
    type: str
  authority_directory:
    description:
      - Directory of the certificate authority (M(camsec.fleet.certificate_authority)), where the task runs.
      - Its trusted certificates are the default of O(ca_path), and its ledger tells which keys were in use at the old
        address.
    type: path
extends_documentation_fragment:
  - camsec.fleet.device
  - camsec.fleet.device.camera
  - camsec.fleet.device.action_group
  - camsec.fleet.device.changes
seealso:
  - module: camsec.fleet.camera
  - module: camsec.fleet.recorder_camera_link
"""

EXAMPLES = r"""
- name: Its certificate is good at both addresses
  camsec.fleet.camera:
    host: 192.0.2.11
    driver: onvif
    username: admin
    password: "{{ vaulted_camera_password }}"
    authority_directory: /etc/camsec/ca
    authority_passphrase: "{{ vaulted_ca_passphrase }}"
    subject_alt_name:
      - IP:192.0.2.81

- name: It moves
  camsec.fleet.camera_address:
    host: 192.0.2.11
    address: 192.0.2.81
    driver: onvif
    username: admin
    password: "{{ vaulted_camera_password }}"
    authority_directory: /etc/camsec/ca
"""

RETURN = r"""
before:
  description: State found.
  returned: success
  type: dict
  sample: {connection: https, address: 192.0.2.11, prefix_length: 24, gateway: 192.0.2.1}
after:
  description: State read again over the new endpoint; in check mode, the planned state.
  returned: success
  type: dict
  sample: {connection: https, address: 192.0.2.81, prefix_length: 24, gateway: 192.0.2.1}
plan:
  description: The steps, in their order.
  returned: success
  type: list
  elements: dict
  contains:
    id:
      description: Short name.
      type: str
      returned: always
    title:
      description: What it does.
      type: str
      returned: always
    rule:
      description: Id of the manual's rule, if any.
      type: str
      returned: always
    disconnects:
      description: Whether the camera cuts the connection after it.
      type: bool
      returned: always
  sample: [{id: set_address, title: Move to the address 192.0.2.81, rule: CAM-03, disconnects: true}]
impacts:
  description: Side effects that the manual names, with the rule's id.
  returned: success
  type: list
  elements: dict
  sample: [{rule: HTTPS-24, text: The CA certificate has expired}]
contact:
  description: How the camera was reached last (scheme, port, and by what it was trusted).
  returned: success, unless there were changes in check mode
  type: dict
  sample: {scheme: https, port: 443, trust: certificate_authority}
endpoint:
  description: What the TLS handshake showed.
  returned: when the camera answers in HTTPS
  type: dict
  sample: {address: 192.0.2.11, port: 443, protocol: TLSv1.3, suite: TLS_AES_256_GCM_SHA384}
certificate:
  description: The certificate in that handshake.
  returned: when the camera answers in HTTPS
  type: dict
  sample: {subject: CN=192.0.2.11, issuer: CN=Site CA, serial_number: 3f6a, not_after: '2027-12-24T00:00:00Z'}
"""

from ansible_collections.camsec.fleet.plugins.module_utils._camera.modules import (
    CAMERA_CONTACT,
    CAMERA_OPTIONS,
    address,
)
from ansible_collections.camsec.fleet.plugins.module_utils._module import ModuleSpec, run_module
from ansible_collections.camsec.fleet.plugins.module_utils._options import DEVICE_OPTIONS

SPEC = ModuleSpec(
    argument_spec={
        **DEVICE_OPTIONS,
        **CAMERA_OPTIONS,
        "address": {"type": "str", "required": True},
        "netmask": {"type": "str"},
        "gateway": {"type": "str"},
        "authority_directory": {"type": "path"},
    },
    run=address,
    inventory_options=(*CAMERA_CONTACT, "authority_directory"),
    change="tls",
)


def main() -> None:
    """Run as a module."""
    run_module(SPEC)


if __name__ == "__main__":
    main()
