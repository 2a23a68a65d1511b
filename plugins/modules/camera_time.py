#!/usr/bin/python
# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Bring a camera's clock in step, or have it follow a time server."""

from __future__ import annotations

DOCUMENTATION = r"""
module: camera_time
short_description: Bring a camera's clock in step, or have it follow a time server
version_added: 1.0.0
author:
  - camsec.fleet contributors (@camsec)
description:
  - A certificate is worth nothing to a camera whose clock lies outside its validity. Let this task come before any
    installation of certificates; in check mode it is a gate that changes nothing.
  - The clock is compared with that of the machine on which the task runs, and looked at again afterwards.
  - Setting a time server is beyond i-PRO cameras (no public call), which the task says before it sends anything.
options:
  maximum_offset:
    description:
      - Seconds that the camera's clock may be ahead or behind.
    type: float
    default: 60.0
  time_server:
    description:
      - NTP server that the camera is to follow, an address or a host name. The clock itself is then not set by hand.
      - Without it, whatever the camera follows is left alone, and the clock is set when it is too far off.
    type: str
extends_documentation_fragment:
  - camsec.fleet.device
  - camsec.fleet.device.camera
  - camsec.fleet.device.action_group
  - camsec.fleet.device.changes
"""

EXAMPLES = r"""
- name: Clocks within a minute of ours
  camsec.fleet.camera_time:
    host: 192.0.2.11
    username: admin
    password: "{{ vaulted_camera_password }}"
    ca_path: /etc/camsec/ca/trusted.pem

- name: An ONVIF camera follows the site's time server
  camsec.fleet.camera_time:
    host: 192.0.2.31
    driver: onvif
    username: admin
    password: "{{ vaulted_camera_password }}"
    ca_path: /etc/camsec/ca/trusted.pem
    time_server: 192.0.2.2
"""

RETURN = r"""
offset_seconds:
  description: How far the camera's clock is ahead of ours, after the task.
  returned: success, unless there were changes in check mode
  type: float
  sample: -0.4
before:
  description: State found.
  returned: success
  type: dict
  sample: {clock: more than 60 s off}
after:
  description: State read again over the new endpoint; in check mode, the planned state.
  returned: success
  type: dict
  sample: {clock: within 60 s}
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
  sample: [{id: set_clock, title: Set the clock, rule: '', disconnects: false}]
impacts:
  description: Side effects that the manual names, with the rule's id.
  returned: success
  type: list
  elements: dict
  sample: []
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

from ansible_collections.camsec.fleet.plugins.module_utils._camera.modules import CAMERA_CONTACT, CAMERA_OPTIONS, clock
from ansible_collections.camsec.fleet.plugins.module_utils._module import ModuleSpec, run_module
from ansible_collections.camsec.fleet.plugins.module_utils._options import DEVICE_OPTIONS

SPEC = ModuleSpec(
    argument_spec={
        **DEVICE_OPTIONS,
        **CAMERA_OPTIONS,
        "maximum_offset": {"type": "float", "default": 60.0},
        "time_server": {"type": "str"},
    },
    run=clock,
    inventory_options=CAMERA_CONTACT,
)


def main() -> None:
    """Run as a module."""
    run_module(SPEC)


if __name__ == "__main__":
    main()
