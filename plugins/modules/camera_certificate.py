#!/usr/bin/python
# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Install, update or delete the CA certificate of a camera."""

from __future__ import annotations

DOCUMENTATION = r"""
module: camera_certificate
short_description: Install, update or delete the CA certificate of a camera
version_added: 1.0.0
author:
  - camsec.fleet contributors (@camsec)
description:
  - Installs a certificate that a certificate authority issued for this camera's newest CSR (HTTPS-21, HTTPS-23).
  - Before anything is sent, the certificate is checked - one certificate in PEM form, valid now, with the
    camera's address among its names, for the very key of the camera.
  - To have our own certificate authority sign in the same task, use M(camsec.fleet.camera).
options:
  state:
    description:
      - Whether there should be one. It cannot be deleted while the connection is HTTPS.
    type: str
    choices: [present, absent]
    default: present
  certificate_path:
    description:
      - File with the certificate, where the task runs.
    type: path
  certificate_content:
    description:
      - The certificate itself.
    type: str
extends_documentation_fragment:
  - camsec.fleet.device
  - camsec.fleet.device.camera
  - camsec.fleet.device.action_group
  - camsec.fleet.device.changes
"""

EXAMPLES = r"""
- name: Install what the outside certificate authority sent
  camsec.fleet.camera_certificate:
    host: 192.0.2.11
    username: admin
    password: "{{ vaulted_camera_password }}"
    ca_path: /etc/camsec/ca/trusted.pem
    certificate_path: /tmp/cam011.pem
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
    certificate,
)
from ansible_collections.camsec.fleet.plugins.module_utils._module import ModuleSpec, run_module
from ansible_collections.camsec.fleet.plugins.module_utils._options import DEVICE_OPTIONS

SPEC = ModuleSpec(
    argument_spec={
        **DEVICE_OPTIONS,
        **CAMERA_OPTIONS,
        "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
        "certificate_path": {"type": "path"},
        "certificate_content": {"type": "str", "no_log": True},
    },
    run=certificate,
    inventory_options=CAMERA_CONTACT,
    change="tls",
    constraints={
        "mutually_exclusive": [("certificate_path", "certificate_content")],
        "required_if": [("state", "present", ("certificate_path", "certificate_content"), True)],
    },
)


def main() -> None:
    """Run as a module."""
    run_module(SPEC)


if __name__ == "__main__":
    main()
