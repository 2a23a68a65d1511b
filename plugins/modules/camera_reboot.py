#!/usr/bin/python
# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Restart a camera and wait until it is there again."""

from __future__ import annotations

DOCUMENTATION = r"""
module: camera_reboot
short_description: Restart a camera and wait until it is there again
version_added: 1.0.0
author:
  - camsec.fleet contributors (@camsec)
description:
  - The camera is told to restart, is seen to be gone, and then seen to answer again under the scheme, port and
    certificate that it had. It is waited for by evidence, not for seconds.
  - This always restarts the camera, and so is always a change.
  - A Sunell camera whose built-in certificate is in use makes another one by its clock at each boot. With a clock that
    is not inside the built-in authority's validity it is not restarted (CAM-05); set the clock first, for example with
    M(camsec.fleet.camera_time).
options:
  down_timeout:
    description:
      - Seconds after which a camera that does not go away fails the task. How long it may take to come back is
        O(switch_timeout).
    type: float
    default: 60.0
extends_documentation_fragment:
  - camsec.fleet.device
  - camsec.fleet.device.camera
  - camsec.fleet.device.action_group
  - camsec.fleet.device.changes
"""

EXAMPLES = r"""
- name: Restart
  camsec.fleet.camera_reboot:
    host: 192.0.2.11
    username: admin
    password: "{{ vaulted_camera_password }}"
    ca_path: /etc/camsec/ca/trusted.pem
    switch_timeout: 300
"""

RETURN = r"""
before:
  description: State found.
  returned: success
  type: dict
  sample: {connection: https, https_port: 443}
after:
  description: State read again over the new endpoint; in check mode, the planned state.
  returned: success
  type: dict
  sample: {connection: https, https_port: 443}
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
  sample: [{id: reboot, title: Restart the camera, rule: '', disconnects: true}]
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

from ansible_collections.camsec.fleet.plugins.module_utils._camera.modules import CAMERA_CONTACT, CAMERA_OPTIONS, reboot
from ansible_collections.camsec.fleet.plugins.module_utils._module import ModuleSpec, run_module
from ansible_collections.camsec.fleet.plugins.module_utils._options import DEVICE_OPTIONS

SPEC = ModuleSpec(
    argument_spec={
        **DEVICE_OPTIONS,
        **CAMERA_OPTIONS,
        "down_timeout": {"type": "float", "default": 60.0},
    },
    run=reboot,
    inventory_options=CAMERA_CONTACT,
)


def main() -> None:
    """Run as a module."""
    run_module(SPEC)


if __name__ == "__main__":
    main()
