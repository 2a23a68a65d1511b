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
  description: The steps, in their order, each with RV(plan[].id), RV(plan[].title), RV(plan[].rule) and
    RV(plan[].disconnects).
  returned: success
  type: list
  elements: dict
  sample: [{id: set_encryption, title: 'Data encryption: camera 1 on', rule: REC-31, disconnects: false}]
impacts:
  description: Side effects that the manual names, with the rule's id.
  returned: success
  type: list
  elements: dict
  sample: [{rule: REC-37, text: On four or more tiles encrypted cameras are thinned out.}]
cameras:
  description: The recorder's own view of all its cameras - RV(cameras[].number), RV(cameras[].address),
    RV(cameras[].connection), RV(cameras[].port), RV(cameras[].encrypted), RV(cameras[].thumbnail),
    RV(cameras[].state) (V(not_registered), V(normal) or V(error)) and RV(cameras[].fault).
  returned: success, unless there were changes in check mode
  type: list
  elements: dict
  sample: [{number: 1, address: 192.0.2.11, connection: https, port: 443, encrypted: false, state: normal, fault: ''}]
not_sent:
  description: Cameras that the recorder could not send the setting to.
  returned: success, unless there were changes in check mode
  type: list
  elements: int
  sample: []
password_evidence:
  description: A recording made since the escrowed password is in force (RV(password_evidence.camera),
    RV(password_evidence.recorded_at)), whether the recorder's present password opens it
    (RV(password_evidence.decodes)), and, when not and over HTTPS only, whether the escrowed one does
    (RV(password_evidence.escrowed_decodes)).
  returned: when the escrow knows the password and there is such a recording
  type: dict
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
from ansible_collections.camsec.fleet.plugins.module_utils._options import DEVICE_OPTIONS
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
    constraints={
        "mutually_exclusive": [("escrow_path", "escrow_directory"), ("escrow_password", "escrow_password_file")]
    },
)


def main() -> None:
    """Run as a module."""
    run_module(SPEC)


if __name__ == "__main__":
    main()
