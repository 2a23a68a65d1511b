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
  - Installs a certificate that a certificate authority issued for this camera's newest CSR (HTTPS-21, HTTPS-23), or
    one together with its private key, both made outside of the camera (CAM-10 to CAM-15).
  - Before anything is sent, the certificate is checked - valid now and by the camera's clock, with the camera's address
    among its names, for the very key of the camera or the key that comes with it, issued by an authority.
  - A private key that is made in the camera and never leaves it is the better way wherever the camera can make one;
    use O(private_key_path) or O(pkcs12_path) where it cannot, or where one certificate has to serve several devices
    (CAM-25). The task warns of it. Such a key is sent over HTTPS only, never over plain HTTP;
    with O(first_contact=any_certificate) whoever stands in between has it, of which the task warns too.
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
      - PEM file with the certificate, where the task runs. Those between it and the root may follow, each one's issuer
        after it; they go to cameras that keep a chain (not to i-PRO cameras). A root at the end is left out.
    type: path
  certificate_content:
    description:
      - The same as text.
    type: str
  private_key_path:
    description:
      - PEM file with the certificate's private key, where the task runs, which only its owner may read (mode 0600).
      - With O(driver=onvif) where the camera's capabilities say that it takes keys, with O(driver=sunell) RSA keys;
        i-PRO cameras take none.
    type: path
  pkcs12_path:
    description:
      - PKCS#12 file with certificate, private key and the certificates between it and the root, where the task runs,
        which only its owner may read (mode 0600). What goes to the camera is made anew of it, so that
        O(private_key_passphrase) never does.
    type: path
  private_key_passphrase:
    description:
      - Passphrase of the key in O(private_key_path), where it is encrypted, or of O(pkcs12_path).
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

- name: One certificate for the two cameras at the gate, with the key that was made for it
  camsec.fleet.camera_certificate:
    host: "{{ item }}"
    username: admin
    password: "{{ vaulted_camera_password }}"
    ca_path: /etc/camsec/ca/trusted.pem
    driver: sunell
    pkcs12_path: /etc/camsec/gate.p12
    private_key_passphrase: "{{ vaulted_gate_passphrase }}"
  loop: [192.0.2.41, 192.0.2.42]
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
        "private_key_path": {"type": "path"},
        "pkcs12_path": {"type": "path"},
        "private_key_passphrase": {"type": "str", "no_log": True},
    },
    run=certificate,
    inventory_options=CAMERA_CONTACT,
    change="tls",
    constraints={
        "mutually_exclusive": [
            ("certificate_path", "certificate_content", "pkcs12_path"),
            ("private_key_path", "pkcs12_path"),
        ],
        "required_if": [("state", "present", ("certificate_path", "certificate_content", "pkcs12_path"), True)],
    },
)


def main() -> None:
    """Run as a module."""
    run_module(SPEC)


if __name__ == "__main__":
    main()
