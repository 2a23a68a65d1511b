#!/usr/bin/python
# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Encrypt what a recorder records."""

from __future__ import annotations

DOCUMENTATION = r"""
module: recorder_data_encryption
short_description: Encrypt what a recorder records
version_added: 1.0.0
author:
  - camsec.fleet contributors (@camsec)
description:
  - The recorder's data encryption password and which cameras encrypt (REC-30 to REC-37). Needs a licence for each
    camera that encrypts (REC-07).
  - A new password is written into the escrow before the recorder is asked, and confirmed afterwards. If the answer is
    lost, the entry stays pending, and the next run sends the password again.
options:
  cameras:
    description:
      - The cameras whose data encryption is wanted; others are left as they are.
    type: list
    elements: dict
    default: []
    suboptions:
      number:
        description:
          - Number of the camera on the recorder.
        type: int
        required: true
      encrypt:
        description:
          - Whether the camera's data are encrypted (REC-31).
        type: bool
        required: true
      send:
        description:
          - The recorder sends what it changes to the camera too (the manual's tick). Without it thumbnails are
            broken until the camera is set as well (REC-36).
        type: bool
        default: false
extends_documentation_fragment:
  - camsec.fleet.device
  - camsec.fleet.recorder
  - camsec.fleet.recorder.encryption
  - camsec.fleet.device.action_group
  - camsec.fleet.device.changes
"""

EXAMPLES = r"""
- name: Camera 1 encrypts
  camsec.fleet.recorder_data_encryption:
    host: 192.0.2.1
    username: ADMIN
    password: "{{ vaulted_recorder_password }}"
    ca_path: /etc/camsec/recorders/192.0.2.1.pem
    data_encryption_password: "{{ vaulted_data_encryption_password }}"
    escrow_directory: /etc/camsec/escrow
    escrow_name: "{{ inventory_hostname }}"
    escrow_password_file: /etc/camsec/vault_password
    cameras:
      - number: 1
        encrypt: true
        send: true
"""

RETURN = r"""
before:
  description: State found, only the parts that the task is about.
  returned: success
  type: dict
  sample: {data_encryption: {password_set: false, password_version: ''}}
after:
  description: State read again after the change, over the new endpoint; in check mode, the planned state.
  returned: success
  type: dict
  sample: {data_encryption: {password_set: true, password_version: 9f86d081884c7d65}}
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
      description: Id of the manual's rule, or empty.
      type: str
      returned: success
    disconnects:
      description: The recorder cuts the connection after it.
      type: bool
      returned: success
  sample: [{id: set_encryption, title: 'Data encryption: camera 1 on', rule: REC-31, disconnects: false}]
impacts:
  description: Side effects that the manual names, with the rule's id.
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
  sample: [{rule: REC-37, text: On four or more tiles encrypted cameras are thinned out.}]
cameras:
  description: The recorder's own view of all its cameras.
  returned: success, unless there were changes in check mode
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
not_sent:
  description: Cameras that the recorder could not send the setting to.
  returned: success, unless there were changes in check mode
  type: list
  elements: int
  sample: []
password_evidence:
  description: A recording made since the escrowed password is in force, and which password opens it.
  returned: when the escrow knows the password and there is such a recording
  type: dict
  contains:
    camera:
      description: Number of the camera.
      type: int
      returned: success
    recorded_at:
      description: When it was recorded, by the recorder's clock.
      type: str
      returned: success
    decodes:
      description: The recorder's present password opens it.
      type: bool
      returned: success
    escrowed_decodes:
      description: The escrowed one does; only asked when the present one does not, and over HTTPS only.
      type: bool
      returned: success
  sample: {camera: 1, recorded_at: '2026-11-22T09:30:00Z', decodes: true, escrowed_decodes: null}
contact:
  description: How the recorder was reached last (scheme, port, and by what it was trusted).
  returned: success, unless there were changes in check mode
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
from ansible_collections.camsec.fleet.plugins.module_utils._recorder.modules import (
    ENCRYPTION_OPTIONS,
    RECORDER_OPTIONS,
    data_encryption,
)

SPEC = ModuleSpec(
    argument_spec={
        **DEVICE_OPTIONS,
        **RECORDER_OPTIONS,
        **ENCRYPTION_OPTIONS,
        "cameras": {
            "type": "list",
            "elements": "dict",
            "default": [],
            "options": {
                "number": {"type": "int", "required": True},
                "encrypt": {"type": "bool", "required": True},
                "send": {"type": "bool", "default": False},
            },
        },
    },
    run=data_encryption,
    inventory_options=(*CONTACT_OPTIONS, "command_interval"),
    constraints={
        "mutually_exclusive": [("escrow_path", "escrow_directory"), ("escrow_password", "escrow_password_file")],
        "required_by": {"escrow_directory": ["escrow_name"]},
    },
)


def main() -> None:
    """Run as a module."""
    run_module(SPEC)


if __name__ == "__main__":
    main()
