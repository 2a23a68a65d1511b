#!/usr/bin/python
# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module certificate_authority_trust."""

from __future__ import annotations

DOCUMENTATION = r"""
module: certificate_authority_trust
short_description: Say which authorities the clients of an authority trust
version_added: 1.0.0
author:
  - camsec.fleet contributors (@camsec)
description:
  - Writes C(trusted.pem) of an authority, the file that clients, recorders and memory cards take what they trust from.
  - It always holds the authority's own certificates at first. While a root is rotated it has to hold those of two
    authorities, and after that the new ones alone; the playbook C(camsec.fleet.rotate_ca) does it in the right order.
  - The file is replaced as a whole; a client reads the old one or the new one.
options:
  trusted_authority_directories:
    description:
      - Directories of the authorities whose certificates the file holds, in this order, of each the root and then the
        intermediate certificate.
      - None is never possible, since a file that holds nothing locks every client out.
    type: list
    elements: path
    required: true
extends_documentation_fragment:
  - camsec.fleet.certificate_authority
  - camsec.fleet.certificate_authority.attributes
attributes:
  idempotent:
    description: A second run changes nothing.
    support: full
seealso:
  - module: camsec.fleet.certificate_authority
"""

EXAMPLES = r"""
- name: Clients of the new authority trust the old one too, until all is reissued
  camsec.fleet.certificate_authority_trust:
    authority_directory: /srv/camsec/ca-2027
    trusted_authority_directories: [/srv/camsec/ca-2027, /srv/camsec/ca]
  delegate_to: localhost
"""

RETURN = r"""
before:
  description: C(trusted_path), and C(certificates) as they were in it.
  type: dict
  returned: success
after:
  description: The same after, or what is planned in check mode.
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
trusted_path:
  description: The file.
  type: str
  returned: success
trusted_content:
  description: What it holds; in check mode, what it held.
  type: str
  returned: success
"""

from ansible_collections.camsec.fleet.plugins.module_utils._module import ModuleSpec, run_module
from ansible_collections.camsec.fleet.plugins.module_utils._pki.modules import trust

SPEC = ModuleSpec(
    argument_spec={
        "authority_directory": {"type": "path", "required": True},
        "trusted_authority_directories": {"type": "list", "elements": "path", "required": True},
    },
    run=trust,
)


def main() -> None:
    """Run as a module."""
    run_module(SPEC)


if __name__ == "__main__":
    main()
