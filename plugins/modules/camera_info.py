#!/usr/bin/python
# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read a camera's keys, certificates, connection and clock."""

from __future__ import annotations

DOCUMENTATION = r"""
module: camera_info
short_description: Read a camera's keys, certificates, connection and clock
version_added: 1.0.0
author:
  - camsec.fleet contributors (@camsec)
description:
  - Reads what a camera tells of itself and what its TLS handshake shows. Changes nothing.
extends_documentation_fragment:
  - camsec.fleet.device
  - camsec.fleet.device.camera
  - camsec.fleet.device.action_group
  - camsec.fleet.device.reads
"""

EXAMPLES = r"""
- name: What is this camera like?
  camsec.fleet.camera_info:
    host: 192.0.2.11
    username: admin
    password: "{{ vaulted_camera_password }}"
    ca_path: /etc/camsec/ca/trusted.pem
  register: camera

- name: Show the certificate's end
  ansible.builtin.debug:
    var: camera.certificate.not_after
"""

RETURN = r"""
camera:
  description: The camera's state.
  returned: success
  type: dict
  contains:
    model:
      description: Product name.
      type: str
      returned: success
      sample: WV-S1136
    version:
      description: Software version.
      type: str
      returned: success
      sample: '1.20'
    serial_number:
      description: The device's serial number.
      type: str
      returned: success
      sample: SIM0001
    mac_address:
      description: MAC address.
      type: str
      returned: success
      sample: BC-C3-42-00-00-01
    time:
      description: The camera's own time, UTC.
      type: str
      returned: success
      sample: '2026-11-22 09:30:00'
    clock_offset:
      description: Seconds by which the camera's clock is ahead of this host's; negative when it is behind.
      type: int
      returned: success
      sample: -2
    connection:
      description: V(http) or V(https).
      type: str
      returned: success
      sample: https
    https_port:
      description: Port for HTTPS; V(0) where the model knows no HTTPS.
      type: int
      returned: success
      sample: 443
    tls_versions:
      description: TLS versions that are enabled, where the dialect tells them.
      type: list
      elements: str
      returned: success
      sample: ['1.2', '1.3']
    private_key:
      description: Present private key (type, size, generated_at, whether it came from outside), if any.
      type: dict
      returned: success
      sample: {type: rsa, size: 2048, generated_at: '2026-11-22 09:28:00', external: false}
    previous_private_key:
      description: The key before it, if any.
      type: dict
      returned: success
    self_signed_certificate:
      description: Common name, or C(not_generated), or C(invalid) while a CA certificate is in use.
      type: str
      returned: success
      sample: not_generated
    ca_certificate:
      description: Host name in it, or C(not_generated), C(invalid), C(expired).
      type: str
      returned: success
      sample: 192.0.2.11
    certificate_signing_request:
      description: The camera's time of the last CSR, or C(not_generated). Only read while no CA certificate is valid.
      type: str
      returned: success
      sample: not_generated
    certificate:
      description: The certificate in the handshake, if any.
      type: dict
      returned: success
    built_in_authority:
      description:
        - What is known of the certificate authority in the firmware, for dialects that have one (Sunell) -
          C(authority); C(in_use), whether the handshake showed a certificate of it; C(fits_host), whether that is for
          this address (after a change of the address only M(camsec.fleet.camera_reboot) makes it so, CAM-03);
          C(clock_inside), whether the camera's clock lies inside its validity (CAM-05). Over plain HTTP the first two
          are null.
        - Its private key lies in every camera of the firmware.
      type: dict
      returned: success
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

from ansible_collections.camsec.fleet.plugins.module_utils._camera.modules import CAMERA_CONTACT, CAMERA_OPTIONS, info
from ansible_collections.camsec.fleet.plugins.module_utils._module import ModuleSpec, run_module
from ansible_collections.camsec.fleet.plugins.module_utils._options import DEVICE_OPTIONS

SPEC = ModuleSpec(argument_spec={**DEVICE_OPTIONS, **CAMERA_OPTIONS}, run=info, inventory_options=CAMERA_CONTACT)


def main() -> None:
    """Run as a module."""
    run_module(SPEC)


if __name__ == "__main__":
    main()
