#!/usr/bin/python
# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Have a camera make a certificate signing request."""

from __future__ import annotations

DOCUMENTATION = r"""
module: camera_certificate_request
short_description: Have a camera make a certificate signing request
version_added: 1.0.0
author:
  - camsec.fleet contributors (@camsec)
description:
  - The camera makes a CSR for its present CRT key (HTTPS-20) and hands it out in PEM form.
  - A CSR that is there already, for the same subject, is left alone.
  - A camera with a keystore (ONVIF, Axis) keeps no CSR; it signs one whenever it is asked, in check mode too, which
    changes nothing on it, so that such a task is never C(changed).
  - A Sunell camera makes a new key with each CSR (CAM-20). What was signed for an earlier one is useless after the next
    restart (CAM-23); RV(impacts) says so where a certificate is installed.
options:
  regenerate:
    description:
      - V(if_needed) makes one where there is none, or where its subject is another.
      - V(always) makes one in every run; where the camera keeps it, such a task is not idempotent.
    type: str
    choices: [if_needed, always]
    default: if_needed
extends_documentation_fragment:
  - camsec.fleet.device
  - camsec.fleet.device.camera
  - camsec.fleet.device.subject
  - camsec.fleet.device.action_group
  - camsec.fleet.device.changes
"""

EXAMPLES = r"""
- name: A CSR for an outside certificate authority
  camsec.fleet.camera_certificate_request:
    host: 192.0.2.11
    username: admin
    password: "{{ vaulted_camera_password }}"
    ca_path: /etc/camsec/ca/trusted.pem
    common_name: cam011.example.org
    country: JP
    organization: Example
  register: request

- name: Keep it
  ansible.builtin.copy:
    content: "{{ request.certificate_signing_request }}"
    dest: /tmp/cam011.csr
    mode: "0644"
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
certificate_signing_request:
  description: The CSR in PEM form.
  returned: success, unless there were changes in check mode
  type: str
  sample: |-
    -----BEGIN CERTIFICATE REQUEST-----
    MIIC...
    -----END CERTIFICATE REQUEST-----
"""

from ansible_collections.camsec.fleet.plugins.module_utils._camera.modules import (
    CAMERA_CONTACT,
    CAMERA_OPTIONS,
    SUBJECT_OPTIONS,
    certificate_request,
)
from ansible_collections.camsec.fleet.plugins.module_utils._module import ModuleSpec, run_module
from ansible_collections.camsec.fleet.plugins.module_utils._options import DEVICE_OPTIONS

SPEC = ModuleSpec(
    argument_spec={
        **DEVICE_OPTIONS,
        **CAMERA_OPTIONS,
        **SUBJECT_OPTIONS,
        "regenerate": {"type": "str", "choices": ["if_needed", "always"], "default": "if_needed"},
    },
    run=certificate_request,
    inventory_options=CAMERA_CONTACT,
    change="tls",
)


def main() -> None:
    """Run as a module."""
    run_module(SPEC)


if __name__ == "__main__":
    main()
