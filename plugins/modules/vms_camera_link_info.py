#!/usr/bin/python
# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tell whether a recording server of the VMS gets cameras by TLS, and accepts their certificates."""

from __future__ import annotations

DOCUMENTATION = r"""
module: vms_camera_link_info
short_description: Tell whether a recording server of the VMS gets cameras by TLS, and accepts their certificates
version_added: 1.0.0
author:
  - camsec.fleet contributors (@camsec)
description:
  - Shakes hands from a recording server's own Windows host with cameras. What that host trusts is what counts, and the
    name that the certificate has to have is the address by which the VMS finds the camera.
  - It logs in to no camera and fetches no video. That the recording server's service judges as Windows does with the
    store of the computer is inferred.
options:
  cameras:
    description:
      - The cameras, each as the VMS has it (M(camsec.fleet.vms_hardware)).
    type: list
    elements: dict
    required: true
    suboptions:
      name:
        description: What it is called in the result.
        type: str
        required: true
      address:
        description: Where the recording server finds it.
        type: str
        required: true
      port:
        description: Port for HTTPS.
        type: int
        default: 443
      validate_certificate:
        description: Its certificate counts.
        type: bool
        default: true
      validate_host_name:
        description: That the certificate names the address counts.
        type: bool
        default: true
extends_documentation_fragment:
  - camsec.fleet.vms
  - camsec.fleet.device.reads
"""

EXAMPLES = r"""
- name: Whether a recording server gets its cameras
  camsec.fleet.vms_camera_link_info:
    cameras:
      - {name: Entrance, address: 192.0.2.11}
      - {name: Gate, address: 192.0.2.12, port: 8443, validate_host_name: false}
  delegate_to: recording01
"""

RETURN = r"""
cameras:
  description: The cameras, in the order of the option.
  returned: success
  type: list
  elements: dict
  contains:
    name:
      description: As in the option.
      type: str
      returned: success
    address:
      description: As in the option.
      type: str
      returned: success
    port:
      description: As in the option.
      type: int
      returned: success
    status:
      description: V(ignore:encrypted), V(ignore:plain), V(ignore:broken) or V(ignore:silent).
      type: str
      returned: success
    thumbprint:
      description: SHA-1 of its certificate, as Windows names it; empty without a handshake.
      type: str
      returned: success
    errors:
      description: Why Windows does not trust the certificate, whether it counts or not.
      type: list
      elements: str
      returned: success
    accepted:
      description: There was a handshake, and nothing that counts is wrong.
      type: bool
      returned: success
    reason:
      description: Why it is not accepted, one clause; empty when it is.
      type: str
      returned: success
  sample: [{name: Entrance, address: 192.0.2.11, port: 443, status: encrypted, errors: [], accepted: true, reason: ''}]
"""

from ansible_collections.camsec.fleet.plugins.module_utils._module import ModuleSpec, run_module
from ansible_collections.camsec.fleet.plugins.module_utils._vms.camera_links import CAMERA_OPTIONS, camera_link_info
from ansible_collections.camsec.fleet.plugins.module_utils._vms.modules import SERVER_INVENTORY, SERVER_OPTIONS

SPEC = ModuleSpec(
    argument_spec={
        **SERVER_OPTIONS,
        "cameras": {"type": "list", "elements": "dict", "required": True, "options": CAMERA_OPTIONS},
    },
    run=camera_link_info,
    inventory_options=SERVER_INVENTORY,
)


def main() -> None:
    """Run as a module."""
    run_module(SPEC)


if __name__ == "__main__":
    main()
