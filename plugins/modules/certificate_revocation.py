#!/usr/bin/python
# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module certificate_revocation."""

from __future__ import annotations

DOCUMENTATION = r"""
module: certificate_revocation
short_description: Revoke certificates of the fleet's own authority
version_added: 1.0.0
author:
  - camsec.fleet contributors (@camsec)
description:
  - Writes into the authority's ledger that certificates are no longer to be trusted. Nobody is told by that alone -
    M(camsec.fleet.certificate_revocation_list) publishes the list that clients read.
  - M(camsec.fleet.camera) and M(camsec.fleet.certificate) replace a certificate that is revoked when they run next.
  - Needs no passphrase.
options:
  serial_number:
    description:
      - Serial number of the certificate, hexadecimal; colons, capitals and leading zeros do not matter.
    type: str
  device:
    description:
      - All certificates of this device that have not expired, by its name in the ledger; M(camsec.fleet.camera) writes
        its address there.
    type: str
  reason:
    description:
      - Why (RFC 5280 section 5.3.1).
      - A certificate that is revoked already keeps its reason and time; only V(certificate_hold) gives way to another
        reason than V(unspecified).
    type: str
    choices:
      - unspecified
      - key_compromise
      - affiliation_changed
      - superseded
      - cessation_of_operation
      - certificate_hold
      - privilege_withdrawn
    default: unspecified
  revoked_at:
    description:
      - Since when, ISO 8601 with a time zone, not later than now. By default now.
    type: str
  state:
    description:
      - V(absent) takes V(certificate_hold) back. No other revocation is ever taken back; issue a new certificate.
    type: str
    choices: [present, absent]
    default: present
extends_documentation_fragment:
  - camsec.fleet.certificate_authority
  - camsec.fleet.certificate_authority.attributes
attributes:
  idempotent:
    description: A second run changes nothing.
    support: full
seealso:
  - module: camsec.fleet.certificate_revocation_list
  - module: camsec.fleet.certificate_authority_info
"""

EXAMPLES = r"""
- name: A camera was stolen
  camsec.fleet.certificate_revocation:
    authority_directory: /srv/camsec/ca
    device: 192.0.2.11
    reason: key_compromise
  delegate_to: localhost

- name: Tell the clients
  camsec.fleet.certificate_revocation_list:
    authority_directory: /srv/camsec/ca
    authority_passphrase: "{{ vault_authority_passphrase }}"
  delegate_to: localhost
"""

RETURN = r"""
before:
  description: C(revocations) before.
  type: dict
  returned: success
after:
  description: C(revocations) after, or what is planned in check mode.
  type: dict
  returned: success
  contains:
    revocations:
      description: The certificates that are meant.
      type: list
      elements: dict
      returned: success
      contains:
        serial_number:
          description: Lower-case hexadecimal.
          type: str
        revoked:
          description: Whether it is revoked; the rest is only there when it is.
          type: bool
        device:
          description: The device that it was issued to.
          type: str
        reason:
          description: As O(reason).
          type: str
        revoked_at:
          description: ISO 8601, UTC.
          type: str
        not_after:
          description: End of the certificate, ISO 8601, UTC.
          type: str
plan:
  description: The steps, each with C(id), C(title), C(rule) and C(disconnects).
  type: list
  elements: dict
  returned: success
impacts:
  description: Side effects; always empty.
  type: list
  elements: dict
  returned: success
"""

from ansible_collections.camsec.fleet.plugins.module_utils._module import ModuleSpec, run_module
from ansible_collections.camsec.fleet.plugins.module_utils._pki.modules import revocation

SPEC = ModuleSpec(
    argument_spec={
        "authority_directory": {"type": "path", "required": True},
        "serial_number": {"type": "str"},
        "device": {"type": "str"},
        "reason": {
            "type": "str",
            "choices": [
                "unspecified",
                "key_compromise",
                "affiliation_changed",
                "superseded",
                "cessation_of_operation",
                "certificate_hold",
                "privilege_withdrawn",
            ],
            "default": "unspecified",
        },
        "revoked_at": {"type": "str"},
        "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    },
    run=revocation,
    constraints={
        "mutually_exclusive": [("serial_number", "device")],
        "required_one_of": [("serial_number", "device")],
    },
)


def main() -> None:
    """Run as a module."""
    run_module(SPEC)


if __name__ == "__main__":
    main()
