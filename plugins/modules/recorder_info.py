#!/usr/bin/python
# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read a recorder's licences, HTTPS, certificates and cameras."""

from __future__ import annotations

DOCUMENTATION = r"""
module: recorder_info
short_description: Read a recorder's licences, HTTPS, certificates and cameras
version_added: 1.0.0
author:
  - camsec.fleet contributors (@camsec)
description:
  - Reads what a recorder tells of itself and of its cameras, and what its TLS handshake shows. Changes nothing.
extends_documentation_fragment:
  - camsec.fleet.device
  - camsec.fleet.recorder
  - camsec.fleet.device.action_group
  - camsec.fleet.device.reads
"""

EXAMPLES = r"""
- name: What is this recorder like?
  camsec.fleet.recorder_info:
    host: 192.0.2.1
    username: ADMIN
    password: "{{ vaulted_recorder_password }}"
    ca_path: /etc/camsec/recorders/192.0.2.1.pem
  register: recorder

- name: Show the cameras that it is not connected to
  ansible.builtin.debug:
    msg: "{{ recorder.cameras | rejectattr('state', 'eq', 'normal') | map(attribute='number') }}"
"""

RETURN = r"""
recorder:
  description: The recorder's state.
  returned: success
  type: dict
  contains:
    system:
      description: Model, version, serial number and the number of cameras that it can have.
      type: dict
      returned: success
      sample: {model: WJ-NX400K, version: '3.10', serial_number: SIM0001, max_cameras: 64}
    licenses:
      description: Main unit and kits, with masked keys.
      type: dict
      returned: success
      sample: {main_unlocked: true, total: 16, used: 2, kits: [{model: WJ-NXS16WUX, key: 1234************5678}]}
    pc_side:
      description: How PCs reach it, with all ports that it uses.
      type: dict
      returned: success
      sample: {connection: https_only, tls_1_1: false, https_port: 443, http_port: 80}
    trusted_cas:
      description: Certificates by which it verifies cameras.
      type: list
      elements: dict
      returned: success
      sample: [{sha256: 9f86d081884c7d65, subject: Site CA}]
    root_certificate:
      description: Its own root certificate.
      type: dict
      returned: success
    data_encryption:
      description: Whether there is a password; nothing before a kit is registered (REC-06).
      type: dict
      returned: success
      sample: {password_set: true}
    error_log:
      description: The newest entries of its error log.
      type: list
      elements: str
      returned: success
      sample: ['2026-11-22 09:30:00: CAM 3 COMMUNICATION ERROR']
cameras:
  description: The recorder's own view of all its cameras.
  returned: success; empty before a kit is registered (REC-06)
  type: list
  elements: dict
  contains:
    number:
      description: Number on the recorder.
      type: int
      returned: success
    address:
      description: Address.
      type: str
      returned: success
    model:
      description: Model.
      type: str
      returned: success
    connection:
      description: V(http) or V(https).
      type: str
      returned: success
    port:
      description: HTTPS port.
      type: int
      returned: success
    encrypted:
      description: Data encryption is on.
      type: bool
      returned: success
    thumbnail:
      description: V(ok), V(broken) or V(decode_error) (REC-36).
      type: str
      returned: success
    state:
      description: V(not_registered), V(normal) or V(error).
      type: str
      returned: success
    fault:
      description: The fault column, for example an expired certificate (REC-22).
      type: str
      returned: success
  sample: [{number: 1, address: 192.0.2.11, connection: https, port: 443, encrypted: false, state: normal, fault: ''}]
contact:
  description: How the recorder was reached last (scheme, port, and by what it was trusted).
  returned: success
  type: dict
  sample: {scheme: https, port: 443, trust: certificate_authority}
endpoint:
  description: What the TLS handshake showed.
  returned: when the recorder was reached by HTTPS
  type: dict
  sample: {address: 192.0.2.1, port: 443, protocol: TLSv1.3, suite: TLS_AES_256_GCM_SHA384}
certificate:
  description: The certificate in that handshake.
  returned: when the recorder was reached by HTTPS
  type: dict
  sample: {subject: CN=192.0.2.1, issuer: CN=WJ-NX400K root, serial_number: 3f6a, not_after: '2036-11-22T00:00:00Z'}
"""

from ansible_collections.camsec.fleet.plugins.module_utils._module import ModuleSpec, run_module
from ansible_collections.camsec.fleet.plugins.module_utils._options import CONTACT_OPTIONS, DEVICE_OPTIONS
from ansible_collections.camsec.fleet.plugins.module_utils._recorder.modules import RECORDER_OPTIONS, info

SPEC = ModuleSpec(
    argument_spec={
        **DEVICE_OPTIONS,
        **RECORDER_OPTIONS,
    },
    run=info,
    inventory_options=(*CONTACT_OPTIONS, "command_interval"),
)


def main() -> None:
    """Run as a module."""
    run_module(SPEC)


if __name__ == "__main__":
    main()
