#!/usr/bin/python
# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Download a recorder's own root certificate."""

from __future__ import annotations

DOCUMENTATION = r"""
module: recorder_root_certificate_info
short_description: Download a recorder's own root certificate
version_added: 1.0.0
author:
  - camsec.fleet contributors (@camsec)
description:
  - Downloads the root certificate that issued the recorder's server certificate (REC-13). Changes nothing.
  - Over an unverified contact, which O(first_contact) has to allow, compare RV(sha256) with what the recorder's own
    screen shows before you trust it.
extends_documentation_fragment:
  - camsec.fleet.device
  - camsec.fleet.recorder
  - camsec.fleet.device.action_group
  - camsec.fleet.device.reads
"""

EXAMPLES = r"""
- name: First contact
  camsec.fleet.recorder_root_certificate_info:
    host: 192.0.2.1
    username: ADMIN
    password: "{{ vaulted_recorder_password }}"
    first_contact: plain_http
  register: root

- name: Keep it
  ansible.builtin.copy:
    content: "{{ root.content }}"
    dest: /etc/camsec/recorders/192.0.2.1.pem
    mode: "0644"
"""

RETURN = r"""
root_certificate:
  description: Facts of the certificate.
  returned: success
  type: dict
  sample: {subject: CN=WJ-NX400K root, serial_number: 3f6a, not_after: '2036-11-22T00:00:00Z'}
content:
  description: The certificate in PEM.
  returned: success
  type: str
  sample: '-----BEGIN CERTIFICATE-----'
sha256:
  description: SHA-256 of the certificate (DER) in hexadecimal.
  returned: success
  type: str
  sample: 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08
contact:
  description: How the recorder was reached last (scheme, port, and by what it was trusted).
  returned: success
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
    RECORDER_OPTIONS,
    root_certificate_info,
)

SPEC = ModuleSpec(
    argument_spec={
        **DEVICE_OPTIONS,
        **RECORDER_OPTIONS,
    },
    run=root_certificate_info,
    inventory_options=(*CONTACT_OPTIONS, "command_interval"),
)


def main() -> None:
    """Run as a module."""
    run_module(SPEC)


if __name__ == "__main__":
    main()
