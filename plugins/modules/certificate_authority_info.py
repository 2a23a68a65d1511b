#!/usr/bin/python
# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module certificate_authority_info."""

from __future__ import annotations

DOCUMENTATION = r"""
module: certificate_authority_info
short_description: Tell about a certificate authority and what it issued
version_added: 1.0.0
author:
  - camsec.fleet contributors (@camsec)
description:
  - Tells the certificates of an authority, every certificate it issued or revoked, and every first contact that was
    recorded.
  - Needs no passphrase.
options:
  device:
    description:
      - Only certificates and contacts of this device.
    type: str
extends_documentation_fragment:
  - camsec.fleet.certificate_authority
  - camsec.fleet.certificate_authority.info
seealso:
  - module: camsec.fleet.certificate_authority
"""

EXAMPLES = r"""
- name: List the certificates of one camera
  camsec.fleet.certificate_authority_info:
    authority_directory: /srv/camsec/ca
    device: cam011
  delegate_to: localhost
  register: authority
"""

RETURN = r"""
authority:
  description: The authority.
  type: dict
  returned: success
  contains:
    directory:
      description: Its directory.
      type: str
    trusted_path:
      description: PEM file for the clients.
      type: str
    trusted_content:
      description: Content of that file.
      type: str
    own_content:
      description: The root certificate and the intermediate one, without those of another authority.
      type: str
    parameters:
      description: What it was made with.
      type: dict
    root:
      description: The root certificate, with the fields of RV(certificate).
      type: dict
    intermediate:
      description: The intermediate certificate, or V(null).
      type: dict
certificate:
  description: The certificate that signs.
  type: dict
  returned: success
  contains:
    subject:
      description: Distinguished name of RFC 4514.
      type: str
    issuer:
      description: Distinguished name of RFC 4514.
      type: str
    serial_number:
      description: Lower-case hexadecimal.
      type: str
    not_before:
      description: Start of the validity, ISO 8601, UTC.
      type: str
    not_after:
      description: End of the validity, ISO 8601, UTC.
      type: str
    sha256:
      description: SHA-256 of the certificate, hexadecimal.
      type: str
    spki_sha256:
      description: SHA-256 of the public key, hexadecimal.
      type: str
    subject_alt_names:
      description: Names, each C(IP:) or C(DNS:).
      type: list
      elements: str
    days_left:
      description: Whole days until it expires; negative when it has.
      type: int
issued:
  description: The certificates that were issued, oldest first.
  type: list
  elements: dict
  returned: success
  contains:
    serial_number:
      description: Lower-case hexadecimal.
      type: str
    device:
      description: The device's name.
      type: str
    subject:
      description: Distinguished name of RFC 4514.
      type: str
    subject_alt_names:
      description: Names, each C(IP:) or C(DNS:).
      type: list
      elements: str
    spki_sha256:
      description: SHA-256 of the public key, hexadecimal.
      type: str
    sha256:
      description: SHA-256 of the certificate, hexadecimal.
      type: str
    not_before:
      description: Start of the validity, ISO 8601, UTC.
      type: str
    not_after:
      description: End of the validity, ISO 8601, UTC.
      type: str
    issued_at:
      description: When it was issued, ISO 8601, UTC.
      type: str
revoked:
  description: The certificates that were revoked, oldest first.
  type: list
  elements: dict
  returned: success
  contains:
    serial_number:
      description: Lower-case hexadecimal.
      type: str
    device:
      description: The device's name.
      type: str
    reason:
      description: Why, see M(camsec.fleet.certificate_revocation).
      type: str
    revoked_at:
      description: When, ISO 8601, UTC.
      type: str
    not_after:
      description: End of the certificate, ISO 8601, UTC.
      type: str
contacts:
  description: First contacts with devices that had no trusted certificate yet, oldest first.
  type: list
  elements: dict
  returned: success
  contains:
    device:
      description: The device's name.
      type: str
    address:
      description: Where it answered.
      type: str
    port:
      description: TCP port.
      type: int
    trust:
      description: How it was trusted.
      type: str
    at:
      description: When, ISO 8601, UTC.
      type: str
"""

from ansible_collections.camsec.fleet.plugins.module_utils._module import ModuleSpec, run_module
from ansible_collections.camsec.fleet.plugins.module_utils._pki.modules import authority_info

SPEC = ModuleSpec(
    argument_spec={
        "authority_directory": {"type": "path", "required": True},
        "device": {"type": "str"},
    },
    run=authority_info,
)


def main() -> None:
    """Run as a module."""
    run_module(SPEC)


if __name__ == "__main__":
    main()
