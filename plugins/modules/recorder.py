#!/usr/bin/python
# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Bring a recorder and its links to cameras to encrypted, verified communication."""

from __future__ import annotations

DOCUMENTATION = r"""
module: recorder
short_description: Bring a recorder and its links to cameras to encrypted, verified communication
version_added: 1.0.0
author:
  - camsec.fleet contributors (@camsec)
description:
  - All of a recorder as one desired state, each part optional - licences, the recorder's own root certificate,
    certificates for cameras, connections to cameras, data encryption, HTTPS for PCs.
  - One login, one read, one plan, one verification by a new handshake. The order is the safe one - the root,
    licences, trust, connections to cameras, data encryption, and HTTPS for PCs last.
  - The licences that a change needs are counted before anything is sent (REC-07); when some are missing, the task
    fails and names the fewest kits to buy.
  - How many cameras a new kit adds shows only after its registration. When keys are still to be registered, they
    are registered first, then the recorder is read again and the licences are counted before anything else is sent.
    Check mode cannot count them then, and on a recorder without any kit it cannot see the cameras (REC-06).
  - In check mode the file O(trusted_ca_path) may be missing, since an earlier task makes it in the real run. That is
    planned, with a warning.
  - HTTPS for PCs is managed when O(connection) is given; O(https_port) is then the desired port.
options:
  cameras:
    description:
      - The cameras whose settings are wanted; others are left as they are.
    type: list
    elements: dict
    suboptions:
      number:
        description:
          - Number of the camera on the recorder.
        type: int
        required: true
      connection:
        description:
          - How the recorder connects to the camera (REC-20); without it, left as it is.
        type: str
        choices: [http, https]
      port:
        description:
          - The camera's HTTPS port; only looked at together with O(cameras[].connection).
        type: int
      encrypt:
        description:
          - Whether the camera's data are encrypted (REC-31); without it, left as it is.
        type: bool
      send:
        description:
          - The recorder sends what it changes to the camera too (the manual's tick).
        type: bool
        default: false
extends_documentation_fragment:
  - camsec.fleet.device
  - camsec.fleet.recorder
  - camsec.fleet.recorder.root
  - camsec.fleet.recorder.license
  - camsec.fleet.recorder.https
  - camsec.fleet.recorder.link
  - camsec.fleet.recorder.encryption
  - camsec.fleet.device.action_group
  - camsec.fleet.device.changes
"""

EXAMPLES = r"""
- name: A recorder with two cameras, everything encrypted
  camsec.fleet.recorder:
    host: 192.0.2.1
    username: ADMIN
    password: "{{ vaulted_recorder_password }}"
    first_contact: plain_http
    root_certificate_path: /etc/camsec/recorders/192.0.2.1.pem
    main_unlock_key: "{{ vaulted_main_unlock_key }}"
    kit_unlock_keys: "{{ vaulted_kit_unlock_keys }}"
    trusted_ca_path: /etc/camsec/ca/trusted.pem
    cameras:
      - number: 1
        connection: https
        encrypt: true
        send: true
      - number: 2
        connection: https
    on_unseen: revert
    data_encryption_password: "{{ vaulted_data_encryption_password }}"
    escrow_directory: /etc/camsec/escrow
    escrow_name: "{{ inventory_hostname }}"
    escrow_password: "{{ vaulted_escrow_password }}"
    connection: https_only
    tls_1_1: false
"""

RETURN = r"""
before:
  description: State found, only the parts that the task is about.
  returned: success
  type: dict
  sample: {pc_side: {connection: http_and_https, https_port: 443}}
after:
  description: State read again after the change, over the new endpoint; in check mode, the planned state.
  returned: success
  type: dict
  sample: {pc_side: {connection: https_only, https_port: 443}}
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
  sample: [{id: set_pc_connection, title: Answer PCs in HTTPS only, rule: REC-10, disconnects: true}]
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
  sample: [{rule: REC-10, text: Port forwarding stops working.}]
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
unseen:
  description: Cameras among O(cameras) that the recorder is not connected to with the wanted setting, also when nothing
    was changed, and those whose setting was put back.
  returned: success, unless there were changes in check mode
  type: list
  elements: int
  sample: [3]
unseen_reasons:
  description: For each of them the fault column and the newest line of the error log.
  returned: success, unless there were changes in check mode
  type: list
  elements: dict
  contains:
    number:
      description: Number on the recorder.
      type: int
      returned: success
    fault:
      description: The fault column (REC-22).
      type: str
      returned: success
    error_log:
      description: The newest line of the error log about it.
      type: str
      returned: success
  sample: [{number: 3, fault: '-(expired)', error_log: '2026-11-22 09:30:00: CAM 3 COMMUNICATION ERROR'}]
reverted:
  description: Cameras whose connection was put back, with O(on_unseen=revert).
  returned: success, unless there were changes in check mode
  type: list
  elements: int
  sample: []
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
    CONSTRAINTS,
    ENCRYPTION_OPTIONS,
    HTTPS_OPTIONS,
    LICENSE_OPTIONS,
    LINK_OPTIONS,
    RECORDER_OPTIONS,
    ROOT_OPTIONS,
    whole,
)

SPEC = ModuleSpec(
    argument_spec={
        **DEVICE_OPTIONS,
        **RECORDER_OPTIONS,
        **ROOT_OPTIONS,
        **LICENSE_OPTIONS,
        **HTTPS_OPTIONS,
        **LINK_OPTIONS,
        **ENCRYPTION_OPTIONS,
        "cameras": {
            "type": "list",
            "elements": "dict",
            "options": {
                "number": {"type": "int", "required": True},
                "connection": {"type": "str", "choices": ["http", "https"]},
                "port": {"type": "int"},
                "encrypt": {"type": "bool"},
                "send": {"type": "bool", "default": False},
            },
        },
    },
    run=whole,
    inventory_options=(*CONTACT_OPTIONS, "command_interval"),
    constraints={**CONSTRAINTS, "required_by": {**CONSTRAINTS["required_by"], "tls_1_1": ["connection"]}},
)


def main() -> None:
    """Run as a module."""
    run_module(SPEC)


if __name__ == "__main__":
    main()
