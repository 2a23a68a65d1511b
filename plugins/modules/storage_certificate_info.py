#!/usr/bin/python
# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module storage_certificate_info."""

from __future__ import annotations

DOCUMENTATION = r"""
module: storage_certificate_info
short_description: Tell what a cinema camera's card holds, and which cards stop uploading
version_added: 1.0.0
author:
  - camsec.fleet contributors (@camsec)
description:
  - Reads C(certification.pem) from a card.
  - Reads the ledger that M(camsec.fleet.storage_certificate) writes, and says for each card what becomes of it when the
    servers no longer use some roots, or when time has passed.
options:
  path:
    description:
      - Root folder of a card that is to be read - an absolute path, or a folder on the server of O(sftp).
    type: path
  card:
    description:
      - Tell only of this card, and everything that was written to it.
    type: str
  retiring:
    description:
      - Root certificates that the servers will no longer use, each in PEM or as its SHA-256 in hexadecimal.
    type: list
    elements: str
    default: []
  at:
    description:
      - Instant at which the cards should still work, ISO 8601 with a time zone; by default now.
    type: str
extends_documentation_fragment:
  - camsec.fleet.storage
attributes:
  check_mode:
    description: Can run in check mode; it never changes anything.
    support: full
  diff_mode:
    description: Shows what changes when run with C(--diff).
    support: N/A
    details:
      - This module changes nothing.
  idempotent:
    description: A second run changes nothing.
    support: full
seealso:
  - module: camsec.fleet.storage_certificate
"""

EXAMPLES = r"""
- name: Which cards stop uploading when this root goes?
  camsec.fleet.storage_certificate_info:
    authority_directory: /srv/camsec/ca
    retiring:
      - "{{ lookup('ansible.builtin.file', '/srv/camsec/old-root.pem') }}"
  register: rotation
  delegate_to: localhost

- name: Stop while there are any
  ansible.builtin.assert:
    that: rotation.stopping | length == 0
    fail_msg: "Write these cards first: {{ rotation.stopping | join(', ') }}"

- name: What is on the card in the reader?
  camsec.fleet.storage_certificate_info:
    path: /media/A001
  delegate_to: localhost
"""

RETURN = r"""
file:
  description:
    - What lies on the card at O(path), or V(null) without it - C(exists), C(size), C(sha256), C(certificates), and
      C(problem), why the camera would not take it.
  type: dict
  returned: success
cards:
  description:
    - The cards of the ledger that hold a certificate, by name. C(roots) and C(servers) as they were written;
      C(outcome), which is V(stops), V(may_stop) or V(goes_on); C(reason), one sentence.
  type: list
  elements: dict
  returned: success
stopping:
  description: Names of the cards whose outcome is V(stops).
  type: list
  elements: str
  returned: success
history:
  description: Everything that was written to O(card), oldest first.
  type: list
  elements: dict
  returned: success
"""

from ansible_collections.camsec.fleet.plugins.module_utils._module import ModuleSpec, run_module
from ansible_collections.camsec.fleet.plugins.module_utils._storage.modules import CARD_OPTIONS, card_info

SPEC = ModuleSpec(
    argument_spec={
        **CARD_OPTIONS,
        "path": {"type": "path"},
        "card": {"type": "str"},
        "retiring": {"type": "list", "elements": "str", "default": []},
        "at": {"type": "str"},
    },
    run=card_info,
    constraints={
        "required_one_of": [("path", "ledger_path", "authority_directory")],
        "required_by": {"sftp": ("path",)},
    },
)


def main() -> None:
    """Run as a module."""
    run_module(SPEC)


if __name__ == "__main__":
    main()
