#!/usr/bin/python
# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Choose whether a camera answers in HTTP or in HTTPS, and the port."""

from __future__ import annotations

DOCUMENTATION = r"""
module: camera_https
short_description: Choose whether a camera answers in HTTP or in HTTPS, and the port
version_added: 1.0.0
author:
  - camsec.fleet contributors (@camsec)
description:
  - A camera answers in HTTP only or in HTTPS only (HTTPS-30).
  - After the change the camera is met again at its new endpoint by a new handshake. If that fails, it is brought
    back to the old one.
options:
  connection:
    description:
      - How the camera answers. V(https) needs a key and a certificate on the camera.
      - With V(http) the camera is verified afterwards over plain HTTP, whatever O(first_contact) says.
    type: str
    choices: [http, https]
    default: https
  tls_versions:
    description:
      - TLS versions that are enabled on the camera, and no others. An empty list leaves them as they are.
      - V(1.2) or V(1.3) has to be among them, or this collection could not reach the camera again.
      - Only with O(driver=onvif), and only those that the camera's capabilities name; others are refused before
        anything is sent.
    type: list
    elements: str
    choices: ['1.0', '1.1', '1.2', '1.3']
    default: []
extends_documentation_fragment:
  - camsec.fleet.device
  - camsec.fleet.device.camera
  - camsec.fleet.device.action_group
  - camsec.fleet.device.changes
"""

EXAMPLES = r"""
- name: HTTPS on port 8443
  camsec.fleet.camera_https:
    host: 192.0.2.11
    username: admin
    password: "{{ vaulted_camera_password }}"
    ca_path: /etc/camsec/ca/trusted.pem
    first_contact: plain_http
    https_port: 8443

- name: Only TLS 1.3, on a camera that is driven by ONVIF
  camsec.fleet.camera_https:
    host: 192.0.2.31
    username: admin
    password: "{{ vaulted_camera_password }}"
    ca_path: /etc/camsec/ca/trusted.pem
    driver: onvif
    tls_versions: ['1.3']
"""

RETURN = r"""
before:
  description: State found.
  returned: success
  type: dict
  sample: {connection: http, https_port: 443}
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
  sample: [{id: set_https, title: 'Answer in HTTPS only, port 443', rule: HTTPS-30, disconnects: true}]
impacts:
  description: Side effects that the manual names, with the rule's id.
  returned: success
  type: list
  elements: dict
  sample: [{rule: HTTPS-33, text: With HTTPS the refresh interval can be lower.}]
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
    TLS_OPTION,
    https,
)
from ansible_collections.camsec.fleet.plugins.module_utils._module import ModuleSpec, run_module
from ansible_collections.camsec.fleet.plugins.module_utils._options import DEVICE_OPTIONS

SPEC = ModuleSpec(
    argument_spec={
        **DEVICE_OPTIONS,
        **CAMERA_OPTIONS,
        **TLS_OPTION,
        "connection": {"type": "str", "choices": ["http", "https"], "default": "https"},
    },
    run=https,
    inventory_options=CAMERA_CONTACT,
    change="tls",
)


def main() -> None:
    """Run as a module."""
    run_module(SPEC)


if __name__ == "__main__":
    main()
