#!/usr/bin/python
# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Register licence kits on a recorder."""

from __future__ import annotations

DOCUMENTATION = r"""
module: recorder_license
short_description: Register licence kits on a recorder
version_added: 1.0.0
author:
  - camsec.fleet contributors (@camsec)
description:
  - Registers the recorder's own unlock key and those of licence kits, in this order (REC-01 to REC-05).
  - A licence is for one camera, for its connection by HTTPS, its data encryption, or both (REC-07).
extends_documentation_fragment:
  - camsec.fleet.device
  - camsec.fleet.recorder
  - camsec.fleet.recorder.license
  - camsec.fleet.device.action_group
  - camsec.fleet.device.changes
"""

EXAMPLES = r"""
- name: A kit for 16 cameras
  camsec.fleet.recorder_license:
    host: 192.0.2.1
    username: ADMIN
    password: "{{ vaulted_recorder_password }}"
    ca_path: /etc/camsec/recorders/192.0.2.1.pem
    main_unlock_key: "{{ vaulted_main_unlock_key }}"
    kit_unlock_keys:
      - "{{ vaulted_kit_unlock_key }}"
"""

RETURN = r"""
before:
  description: State found, only the parts that the task is about.
  returned: success
  type: dict
  sample: {licenses: {main_unlocked: false, total: 0, used: 0, kits: []}}
after:
  description: State read again after the change, over the new endpoint; in check mode, the planned state.
  returned: success
  type: dict
  sample: {licenses: {main_unlocked: true, total: 16, used: 0, kits: [{model: WJ-NXS16WUX, key: 1234************5678}]}}
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
  sample: [{id: register_kit_key, title: Register a kit, rule: REC-01, disconnects: false}]
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
    LICENSE_OPTIONS,
    RECORDER_OPTIONS,
    license_,
)

SPEC = ModuleSpec(
    argument_spec={
        **DEVICE_OPTIONS,
        **RECORDER_OPTIONS,
        **LICENSE_OPTIONS,
    },
    run=license_,
    inventory_options=(*CONTACT_OPTIONS, "command_interval"),
)


def main() -> None:
    """Run as a module."""
    run_module(SPEC)


if __name__ == "__main__":
    main()
