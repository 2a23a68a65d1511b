#!/usr/bin/python
# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Choose how PCs reach a recorder."""

from __future__ import annotations

DOCUMENTATION = r"""
module: recorder_https
short_description: Choose how PCs reach a recorder
version_added: 1.0.0
author:
  - camsec.fleet contributors (@camsec)
description:
  - Connection, HTTPS port and TLS 1.1 between a recorder and PCs (REC-10 to REC-14). No licence is needed.
  - O(https_port) is the desired port. After the change the recorder is verified on it by a new handshake; if that
    fails, the old port is put back through the HTTP port, as long as HTTP is on.
extends_documentation_fragment:
  - camsec.fleet.device
  - camsec.fleet.recorder
  - camsec.fleet.recorder.root
  - camsec.fleet.recorder.https
  - camsec.fleet.device.action_group
  - camsec.fleet.device.changes
"""

EXAMPLES = r"""
- name: HTTPS only, on port 8443
  camsec.fleet.recorder_https:
    host: 192.0.2.1
    username: ADMIN
    password: "{{ vaulted_recorder_password }}"
    first_contact: plain_http
    root_certificate_path: /etc/camsec/recorders/192.0.2.1.pem
    https_port: 8443
    former_https_port: 443
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
  sample: {pc_side: {connection: https_only, https_port: 8443}}
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
    HTTPS_OPTIONS,
    RECORDER_OPTIONS,
    ROOT_OPTIONS,
    https,
)

SPEC = ModuleSpec(
    argument_spec={
        **DEVICE_OPTIONS,
        **RECORDER_OPTIONS,
        **ROOT_OPTIONS,
        **HTTPS_OPTIONS,
    },
    run=https,
    inventory_options=(*CONTACT_OPTIONS, "command_interval"),
)


def main() -> None:
    """Run as a module."""
    run_module(SPEC)


if __name__ == "__main__":
    main()
