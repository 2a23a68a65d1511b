#!/usr/bin/python
# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module certificate_info."""

from __future__ import annotations

DOCUMENTATION = r"""
module: certificate_info
short_description: Tell what a certificate says and whether clients would accept it
version_added: 1.0.0
author:
  - camsec.fleet contributors (@camsec)
description:
  - Reads exactly one certificate in PEM and tells its facts.
  - Checks its validity, and where asked to, its names, the private key, and that the fleet's own authority issued it.
options:
  certificate_path:
    description:
      - File of the certificate.
      - Exactly one of O(certificate_path) and O(certificate_content) is needed.
    type: path
  certificate_content:
    description:
      - The certificate.
    type: str
  private_key_path:
    description:
      - File of an unencrypted private key with mode C(0600) that the certificate should fit.
    type: path
  address:
    description:
      - Address or host name that clients connect to, which the certificate should have.
    type: str
  authority_directory:
    description:
      - Directory of the authority that should have issued the certificate.
    type: path
  at:
    description:
      - Instant to check the validity at, ISO 8601 with a time zone; by default now. Give the device's own clock to know
        whether the device would take the certificate.
    type: str
  on_problem:
    description:
      - Whether a problem is only told in RV(problems), or fails the task.
    type: str
    choices: [report, fail]
    default: report
requirements:
  - cryptography >= 42
extends_documentation_fragment:
  - camsec.fleet.certificate_authority.info
seealso:
  - module: camsec.fleet.certificate
  - module: camsec.fleet.tls_endpoint_info
"""

EXAMPLES = r"""
- name: Stop when the certificate would not do for this camera
  camsec.fleet.certificate_info:
    certificate_path: /srv/camsec/certificates/cam011.pem
    address: 192.0.2.11
    authority_directory: /srv/camsec/ca
    on_problem: fail
  delegate_to: localhost
"""

RETURN = r"""
certificate:
  description: The certificate.
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
    key_type:
      description: V(rsa), V(ecdsa), V(ed25519), V(ed448) or V(unknown).
      type: str
    key_size:
      description: Bits.
      type: int
    is_ca:
      description: It may sign certificates.
      type: bool
    self_signed:
      description: Its own key made the signature.
      type: bool
    authority_key_identifier:
      description: Hexadecimal, or empty.
      type: str
    subject_key_identifier:
      description: Hexadecimal, or empty.
      type: str
days_left:
  description: Whole days until it expires; negative when it has.
  type: int
  returned: success
problems:
  description: One sentence for each thing that would make clients refuse it.
  type: list
  elements: str
  returned: success
private_key:
  description: Kind, size and public key of O(private_key_path), or V(null).
  type: dict
  returned: success
ledger_entry:
  description: What the authority's ledger says about it, or V(null).
  type: dict
  returned: success
"""

from ansible_collections.camsec.fleet.plugins.module_utils._module import ModuleSpec, run_module
from ansible_collections.camsec.fleet.plugins.module_utils._pki.modules import certificate_info

SPEC = ModuleSpec(
    argument_spec={
        "certificate_path": {"type": "path"},
        "certificate_content": {"type": "str", "no_log": True},
        "private_key_path": {"type": "path"},
        "address": {"type": "str"},
        "authority_directory": {"type": "path"},
        "at": {"type": "str"},
        "on_problem": {"type": "str", "choices": ["report", "fail"], "default": "report"},
    },
    run=certificate_info,
    constraints={
        "mutually_exclusive": [("certificate_path", "certificate_content")],
        "required_one_of": [("certificate_path", "certificate_content")],
    },
)


def main() -> None:
    """Run as a module."""
    run_module(SPEC)


if __name__ == "__main__":
    main()
