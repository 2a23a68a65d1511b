#!/usr/bin/python
# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Generate the CRT key of a camera, or put the previous one in its place."""

from __future__ import annotations

DOCUMENTATION = r"""
module: camera_private_key
short_description: Generate the CRT key of a camera, or put the previous one in its place
version_added: 1.0.0
author:
  - camsec.fleet contributors (@camsec)
description:
  - Generates the key pair that a camera's certificates are made for; it never leaves the camera.
  - Generating takes about two minutes (HTTPS-03). It is refused while a certificate is in force (HTTPS-02).
  - On a camera with a keystore (ONVIF, Axis) it is refused while a CA's certificate is in use; there
    M(camsec.fleet.camera) with O(camsec.fleet.camera#module:new_private_key=with_certificate) makes both.
  - A camera keeps one previous key, which can be applied again (HTTPS-04); O(generated_at) says which key is wanted.
options:
  type:
    description:
      - Type of a new key. V(ecdsa) is possible with O(driver=onvif), where the camera's capabilities name the curve,
        and with O(driver=axis), where its keystore makes such keys; what the camera cannot do is refused before
        anything is sent.
    type: str
    choices: [rsa, ecdsa]
    default: rsa
  size:
    description:
      - Size of a new key in bits; with V(256), V(384) and V(521) the curve P-256, P-384 or P-521.
      - The default is V(2048) with O(type=rsa) and V(256) with O(type=ecdsa).
    type: int
    choices: [256, 384, 521, 2048, 3072, 4096]
  regenerate:
    description:
      - V(never) generates a key only where there is none.
      - V(on_mismatch) also where the present one has another type or size.
      - V(always) in every run; such a task is not idempotent.
    type: str
    choices: [never, on_mismatch, always]
    default: on_mismatch
  generated_at:
    description:
      - The camera's time of generation of the key that should be in place, as
        C(after.private_key.generated_at) shows it.
      - If the previous key has this time, it takes the place of the present one; if neither has it, the task fails.
      - With it, O(type), O(size) and O(regenerate) have no effect.
    type: str
    default: ''
extends_documentation_fragment:
  - camsec.fleet.device
  - camsec.fleet.device.camera
  - camsec.fleet.device.action_group
  - camsec.fleet.device.changes
"""

EXAMPLES = r"""
- name: A key of 2048 bits
  camsec.fleet.camera_private_key:
    host: 192.0.2.11
    username: admin
    password: "{{ vaulted_camera_password }}"
    ca_path: /etc/camsec/ca/trusted.pem
    first_contact: plain_http

- name: An elliptic curve, on a camera that is driven by ONVIF
  camsec.fleet.camera_private_key:
    host: 192.0.2.31
    username: admin
    password: "{{ vaulted_camera_password }}"
    ca_path: /etc/camsec/ca/trusted.pem
    driver: onvif
    type: ecdsa
    size: 384

- name: Back to the key of last spring
  camsec.fleet.camera_private_key:
    host: 192.0.2.11
    username: admin
    password: "{{ vaulted_camera_password }}"
    ca_path: /etc/camsec/ca/trusted.pem
    generated_at: "2026-04-01 09:30:00"
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
    KEY_SIZES,
    private_key,
)
from ansible_collections.camsec.fleet.plugins.module_utils._module import ModuleSpec, run_module
from ansible_collections.camsec.fleet.plugins.module_utils._options import DEVICE_OPTIONS

SPEC = ModuleSpec(
    argument_spec={
        **DEVICE_OPTIONS,
        **CAMERA_OPTIONS,
        "type": {"type": "str", "choices": ["rsa", "ecdsa"], "default": "rsa"},
        "size": {"type": "int", "choices": KEY_SIZES},
        "regenerate": {"type": "str", "choices": ["never", "on_mismatch", "always"], "default": "on_mismatch"},
        "generated_at": {"type": "str", "default": "", "no_log": False},
    },
    run=private_key,
    inventory_options=CAMERA_CONTACT,
    change="tls",
)


def main() -> None:
    """Run as a module."""
    run_module(SPEC)


if __name__ == "__main__":
    main()
