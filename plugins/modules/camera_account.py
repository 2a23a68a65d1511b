#!/usr/bin/python
# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Change the password of the account by which a camera is managed."""

from __future__ import annotations

DOCUMENTATION = r"""
module: camera_account
short_description: Change the password of the account by which a camera is managed
version_added: 1.0.0
author:
  - camsec.fleet contributors (@camsec)
description:
  - Old and new password are written to a file encrypted in ansible-vault's format before the camera is asked. None is
    ever removed from it. Without a working escrow nothing is changed.
  - Afterwards the new password has to open the camera, and the old one must not any more. That costs one wrong login.
  - It works over HTTPS with a verified certificate only, by O(ca_path) or O(spki_sha256), whatever O(first_contact)
    allows - who relays the login to the camera would read the new password. A camera that is not there yet is brought
    to HTTPS first.
  - Run it in a run of ansible-playbook of its own. It is refused for a camera whose key, certificate or connection the
    same run has changed, tried to change or, in check mode, planned to change, and the other way round, since of a
    camera that fails after both nobody knows which one it was.
  - When the camera takes the new password already, nothing is changed. Which of the two is tried first the escrow
    tells, so that a run without changes costs no wrong login.
  - There is no public call for it on i-PRO cameras, which the task says before it sends anything.
options:
  new_password:
    description:
      - The password that the account O(username) is to have. O(password) is the one that it has, or had.
      - The next tasks, and the inventory, need the new one.
    type: str
    required: true
  escrow_directory:
    description:
      - Directory of the escrow, where the task runs.
    type: path
    required: true
  escrow_name:
    description:
      - Name of the camera in the escrow; its file is C(<escrow_name>.<username>.vault). By default O(host).
    type: str
  escrow_password:
    description:
      - Vault password of the escrow. C(ansible-vault view) shows the file with it.
    type: str
    required: true
extends_documentation_fragment:
  - camsec.fleet.device
  - camsec.fleet.device.camera
  - camsec.fleet.device.action_group
  - camsec.fleet.device.changes
"""

EXAMPLES = r"""
- name: A new password for the administrator
  camsec.fleet.camera_account:
    host: 192.0.2.31
    driver: onvif
    username: admin
    password: "{{ vaulted_camera_password }}"
    new_password: "{{ vaulted_new_camera_password }}"
    ca_path: /etc/camsec/ca/trusted.pem
    escrow_directory: /etc/camsec/escrow
    escrow_password: "{{ vaulted_escrow_password }}"
"""

RETURN = r"""
before:
  description: State found.
  returned: success
  type: dict
  sample: {connection: https, password: the former one}
after:
  description: State read again over the new endpoint; in check mode, the planned state.
  returned: success
  type: dict
  sample: {connection: https, password: the new one}
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
  sample: [{id: set_password, title: Give the account admin its new password, rule: '', disconnects: false}]
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

from ansible_collections.camsec.fleet.plugins.module_utils._camera.modules import (
    CAMERA_CONTACT,
    CAMERA_OPTIONS,
    account,
)
from ansible_collections.camsec.fleet.plugins.module_utils._module import ModuleSpec, run_module
from ansible_collections.camsec.fleet.plugins.module_utils._options import DEVICE_OPTIONS

SPEC = ModuleSpec(
    argument_spec={
        **DEVICE_OPTIONS,
        **CAMERA_OPTIONS,
        "new_password": {"type": "str", "required": True, "no_log": True},
        "escrow_directory": {"type": "path", "required": True},
        "escrow_name": {"type": "str"},
        "escrow_password": {"type": "str", "required": True, "no_log": True},
    },
    run=account,
    inventory_options=CAMERA_CONTACT,
    change="password",
)


def main() -> None:
    """Run as a module."""
    run_module(SPEC)


if __name__ == "__main__":
    main()
