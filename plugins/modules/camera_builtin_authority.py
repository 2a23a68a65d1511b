#!/usr/bin/python
# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Show the certificate authority in a camera's firmware, or export its certificate."""

from __future__ import annotations

DOCUMENTATION = r"""
module: camera_builtin_authority
short_description: Show the certificate authority in a camera's firmware, or export its certificate
version_added: 1.0.0
author:
  - camsec.fleet contributors (@camsec)
description:
  - Some cameras (with O(driver=sunell)) hold a certificate authority in their firmware and make a certificate by it at
    each boot, for the address that they have then (CAM-01, CAM-02). This module shows that authority, and on explicit
    demand writes its certificate (C(cacert.crt)) into a file for clients to trust.
  - B(The private key of that authority lies in every camera of the firmware.) Whoever has one of them can issue a
    certificate for any name, and each client that trusts the authority believes it. So nothing is written unless
    O(accept_shared_private_key) says that this may be.
  - The better way is an authority of one's own whose root can issue for one's cameras only, by the option
    C(permitted_names) of M(camsec.fleet.certificate_authority), and M(camsec.fleet.camera).
  - After a change of the address the built-in certificate fits again when the camera was restarted (CAM-03), for
    example by M(camsec.fleet.camera_reboot).
  - Nothing is changed on the camera.
options:
  path:
    description:
      - File for the certificate, PEM, where the task runs. It holds nothing else; a file with other content is not
        touched, a former certificate of the same authority is replaced.
      - Without it the authority is only shown.
    type: path
  accept_shared_private_key:
    description:
      - The operator's word that clients may trust an authority whose private key everybody has who has such a camera.
        Without it nothing is written.
    type: bool
    default: false
extends_documentation_fragment:
  - camsec.fleet.device
  - camsec.fleet.device.camera
  - camsec.fleet.device.action_group
  - camsec.fleet.device.changes
"""

EXAMPLES = r"""
- name: Which authority is in the firmware?
  camsec.fleet.camera_builtin_authority:
    host: 192.0.2.41
    username: admin
    password: "{{ vaulted_camera_password }}"
    driver: sunell
    first_contact: any_certificate

- name: Its certificate, for a laboratory in which nothing else is trusted by it
  camsec.fleet.camera_builtin_authority:
    host: 192.0.2.41
    username: admin
    password: "{{ vaulted_camera_password }}"
    driver: sunell
    first_contact: any_certificate
    path: /etc/camsec/laboratory/cacert.crt
    accept_shared_private_key: true
"""

RETURN = r"""
before:
  description: State found.
  returned: success
  type: dict
  sample: {connection: http, https_port: 443}
after:
  description: State afterwards; C(trusted_file) is the SHA-256 of the certificate in O(path).
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
  sample: [{id: export_built_in_authority, title: Write the certificate into x.crt, rule: CAM-01, disconnects: false}]
impacts:
  description: Side effects that the manual names, with the rule's id.
  returned: success
  type: list
  elements: dict
  sample: [{rule: HTTPS-33, text: With HTTPS the refresh interval can be lower.}]
contact:
  description: How the camera was reached last (scheme, port, and by what it was trusted).
  returned: when nothing was changed
  type: dict
  sample: {scheme: https, port: 443, trust: certificate_authority}
endpoint:
  description: What the TLS handshake showed.
  returned: when nothing was changed and the camera answers in HTTPS
  type: dict
  sample: {address: 192.0.2.11, port: 443, protocol: TLSv1.3, suite: TLS_AES_256_GCM_SHA384}
certificate:
  description: The certificate in that handshake.
  returned: when nothing was changed and the camera answers in HTTPS
  type: dict
  sample: {subject: CN=192.0.2.11, issuer: CN=Site CA, serial_number: 3f6a, not_after: '2027-12-24T00:00:00Z'}
authority:
  description: The certificate of the authority.
  returned: success, unless there were changes in check mode
  type: dict
  sample: {subject: CN=Built-in CA, sha256: 5f0c, not_before: '2023-08-14T00:00:00Z', not_after: '2033-08-11T00:00:00Z'}
"""

from ansible_collections.camsec.fleet.plugins.module_utils._camera.modules import (
    CAMERA_CONTACT,
    CAMERA_OPTIONS,
    builtin_authority,
)
from ansible_collections.camsec.fleet.plugins.module_utils._module import ModuleSpec, run_module
from ansible_collections.camsec.fleet.plugins.module_utils._options import DEVICE_OPTIONS

SPEC = ModuleSpec(
    argument_spec={
        **DEVICE_OPTIONS,
        **CAMERA_OPTIONS,
        "path": {"type": "path"},
        "accept_shared_private_key": {"type": "bool", "default": False, "no_log": False},
    },
    run=builtin_authority,
    inventory_options=CAMERA_CONTACT,
)


def main() -> None:
    """Run as a module."""
    run_module(SPEC)


if __name__ == "__main__":
    main()
