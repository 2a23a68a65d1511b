#!/usr/bin/python
# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Choose how a recorder connects to its cameras."""

from __future__ import annotations

DOCUMENTATION = r"""
module: recorder_camera_link
short_description: Choose how a recorder connects to its cameras
version_added: 1.0.0
author:
  - camsec.fleet contributors (@camsec)
description:
  - HTTP or HTTPS and the port for each camera (REC-20 to REC-23), with the certificates by which the recorder
    verifies cameras. Needs a licence for each camera on HTTPS (REC-07).
  - In check mode the file O(trusted_ca_path) may be missing, since an earlier task makes it in the real run. That is
    planned, with a warning.
  - After a change it waits until the recorder itself says that it is connected to the cameras again.
options:
  cameras:
    description:
      - The cameras whose connection is wanted; others are left as they are.
    type: list
    elements: dict
    required: true
    suboptions:
      number:
        description:
          - Number of the camera on the recorder.
        type: int
        required: true
      connection:
        description:
          - How the recorder connects to the camera (REC-20).
        type: str
        choices: [http, https]
        required: true
      port:
        description:
          - The camera's HTTPS port; without it, the port is left as it is.
        type: int
      address:
        description:
          - Where the recorder looks for the camera; without it, the address is left as it is. No public source shows
            this field (INFERRED).
        type: str
      send:
        description:
          - The recorder sends what it changes to the camera too (the manual's tick).
        type: bool
        default: false
extends_documentation_fragment:
  - camsec.fleet.device
  - camsec.fleet.recorder
  - camsec.fleet.recorder.link
  - camsec.fleet.device.action_group
  - camsec.fleet.device.changes
"""

EXAMPLES = r"""
- name: Cameras 1 and 2 by HTTPS
  camsec.fleet.recorder_camera_link:
    host: 192.0.2.1
    username: ADMIN
    password: "{{ vaulted_recorder_password }}"
    ca_path: /etc/camsec/recorders/192.0.2.1.pem
    trusted_ca_path: /etc/camsec/ca/trusted.pem
    cameras:
      - number: 1
        connection: https
      - number: 2
        connection: https
        port: 8443
    on_unseen: revert
"""

RETURN = r"""
before:
  description: State found, only the parts that the task is about.
  returned: success
  type: dict
  sample: {cameras: [{number: 1, address: 192.0.2.11, connection: http, port: 443, encrypted: false}]}
after:
  description: State read again after the change, over the new endpoint; in check mode, the planned state.
  returned: success
  type: dict
  sample: {cameras: [{number: 1, address: 192.0.2.11, connection: https, port: 443, encrypted: false}]}
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
  sample: [{id: set_links, title: 'Connect to cameras: camera 1 https port 443', rule: REC-20, disconnects: false}]
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
  sample: []
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
    LINK_OPTIONS,
    RECORDER_OPTIONS,
    camera_link,
)

SPEC = ModuleSpec(
    argument_spec={
        **DEVICE_OPTIONS,
        **RECORDER_OPTIONS,
        **LINK_OPTIONS,
        "cameras": {
            "type": "list",
            "elements": "dict",
            "required": True,
            "options": {
                "number": {"type": "int", "required": True},
                "connection": {"type": "str", "choices": ["http", "https"], "required": True},
                "port": {"type": "int"},
                "address": {"type": "str"},
                "send": {"type": "bool", "default": False},
            },
        },
    },
    run=camera_link,
    inventory_options=(*CONTACT_OPTIONS, "command_interval"),
    constraints={"mutually_exclusive": [("trusted_ca_path", "trusted_ca_content")]},
)


def main() -> None:
    """Run as a module."""
    run_module(SPEC)


if __name__ == "__main__":
    main()
