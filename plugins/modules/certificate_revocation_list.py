#!/usr/bin/python
# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module certificate_revocation_list."""

from __future__ import annotations

DOCUMENTATION = r"""
module: certificate_revocation_list
short_description: Publish the revocation list of the fleet's own authority
version_added: 1.0.0
author:
  - camsec.fleet contributors (@camsec)
description:
  - Writes a certificate revocation list (CRL, RFC 5280) in PEM, signed by the certificate that issues.
  - A new one is published when certificates were revoked or restored since, when the present one has fewer than
    O(renew_before) days left, or when it is missing or of somebody else. Run it at least that often.
  - Its number grows by one with each list, also when several processes publish at once.
  - A file that is no revocation list is never overwritten.
options:
  path:
    description:
      - File of the list. By default C(crl.pem) in O(authority_directory).
    type: path
  next_update_days:
    description:
      - A new list says that the next one comes within so many days. Clients refuse every certificate when a list is
        older than that.
    type: float
    default: 7
  renew_before:
    description:
      - A list with fewer days left is replaced. Must be less than O(next_update_days).
    type: float
    default: 3
extends_documentation_fragment:
  - camsec.fleet.certificate_authority
  - camsec.fleet.certificate_authority.unlock
  - camsec.fleet.certificate_authority.attributes
attributes:
  idempotent:
    description: A second run changes nothing.
    support: full
seealso:
  - module: camsec.fleet.certificate_revocation
  - module: camsec.fleet.evidence_upload
"""

EXAMPLES = r"""
- name: Publish a revocation list
  camsec.fleet.certificate_revocation_list:
    authority_directory: /srv/camsec/ca
    authority_passphrase: "{{ vault_authority_passphrase }}"
    path: /srv/www/camsec/crl.pem
  delegate_to: localhost
  run_once: true
"""

RETURN = r"""
before:
  description: The list before.
  type: dict
  returned: success
after:
  description: The list after, or what is planned in check mode.
  type: dict
  returned: success
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
revocation_list:
  description: The list.
  type: dict
  returned: unless it is yet to be published in check mode
  contains:
    number:
      description: Its CRL number.
      type: int
    issuer:
      description: Distinguished name of RFC 4514.
      type: str
    this_update:
      description: When it was made, ISO 8601, UTC.
      type: str
    next_update:
      description: When the next one is due, ISO 8601, UTC.
      type: str
    revoked:
      description: The certificates, each with C(serial_number) and C(reason).
      type: list
      elements: dict
    content:
      description: The list in PEM.
      type: str
revocation_list_path:
  description: Its file.
  type: str
  returned: unless it is yet to be published in check mode
"""

from ansible_collections.camsec.fleet.plugins.module_utils._module import ModuleSpec, run_module
from ansible_collections.camsec.fleet.plugins.module_utils._pki.modules import revocation_list

SPEC = ModuleSpec(
    argument_spec={
        "authority_directory": {"type": "path", "required": True},
        "authority_passphrase": {"type": "str", "no_log": True},
        "path": {"type": "path"},
        "next_update_days": {"type": "float", "default": 7},
        "renew_before": {"type": "float", "default": 3},
    },
    run=revocation_list,
)


def main() -> None:
    """Run as a module."""
    run_module(SPEC)


if __name__ == "__main__":
    main()
