#!/usr/bin/python
# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module storage_certificate."""

from __future__ import annotations

DOCUMENTATION = r"""
module: storage_certificate
short_description: Put the root certificate on a cinema camera's memory card
version_added: 1.0.0
author:
  - camsec.fleet contributors (@camsec)
description:
  - Writes C(certification.pem) to the root folder of a card, in a reader or behind an SFTP server, from where the
    camera loads it in its menu to verify the FTPES server that it uploads to.
  - Refuses what the camera would refuse or must not get - anything but certificates in PEM, a private key before all, a
    certificate of more than 1,000,000 bytes, one that has expired or is not valid yet, a bundle without a self-signed
    root.
  - Asks each server of O(servers), with C(AUTH TLS) and a handshake that trusts this file and nothing else, whether its
    certificate verifies; no login is made. A card that the server does not fit is not written.
  - At any moment the old or the new file lies on the card. The new one is read back from the card and compared.
  - A ledger keeps which card holds which root, see M(camsec.fleet.storage_certificate_info).
options:
  path:
    description:
      - Root folder of the card - an absolute path, the directory on which the card is mounted, or a folder on the
        server of O(sftp).
    type: path
    required: true
  state:
    description:
      - Whether the file should lie there.
    type: str
    choices: [present, absent]
    default: present
  certificate_path:
    description:
      - PEM file with the root certificate, on the host where the task runs. It may hold several certificates.
      - At most one of O(certificate_path) and O(certificate_content); without both, the certificates of
        O(authority_directory) are taken.
    type: path
  certificate_content:
    description:
      - The PEM itself.
    type: str
  card:
    description:
      - The card's name, as on its label. Required where there is a ledger.
    type: str
  servers:
    description:
      - Servers that the camera is to verify with this card.
    type: list
    elements: dict
    default: []
    suboptions:
      host:
        description: Address or host name that the camera connects to. The server's certificate must have it.
        type: str
        required: true
      port:
        description: Port of the control connection.
        type: int
        default: 21
      certificate_path:
        description:
          - PEM file with the server's certificate and its intermediate ones, to check the chain also where the server
            does not answer.
        type: path
      timeout:
        description: Seconds for connecting and for each answer.
        type: float
        default: 10.0
  server_check:
    description:
      - V(try) asks each server. One that does not answer is told in a warning; one whose certificate does not verify
        fails the task.
      - V(required) fails also when a server does not answer.
      - V(never) asks no server.
    type: str
    choices: [try, required, never]
    default: try
extends_documentation_fragment:
  - camsec.fleet.storage
attributes:
  check_mode:
    description: Can run in check mode, tells the same errors, asks the servers too, and writes nothing.
    support: full
    details:
      - How much room there is on a card behind SFTP shows only in writing.
  diff_mode:
    description: Shows what changes when run with C(--diff).
    support: full
    details:
      - Facts of the certificates, not the PEM.
  idempotent:
    description: A second run changes nothing.
    support: full
seealso:
  - module: camsec.fleet.storage_certificate_info
  - module: camsec.fleet.certificate_authority
"""

EXAMPLES = r"""
- name: Put the authority's certificates on the card in the reader
  camsec.fleet.storage_certificate:
    path: /media/A001
    card: A001
    authority_directory: /srv/camsec/ca
    servers:
      - host: ingest.example
  delegate_to: localhost

- name: Put a client's root on a card that another host has mounted
  camsec.fleet.storage_certificate:
    path: /media/A002
    sftp:
      host: dit-cart.example
      user: card
      private_key_path: /srv/camsec/keys/dit-cart
      host_key: SHA256:uNiVztksCsDhcc0u9e8BrrEvYQMRDnLEL28jlHfRlIU
    card: A002
    ledger_path: /srv/camsec/cards.sqlite3
    certificate_path: /srv/camsec/clients/studio-root.pem
    servers:
      - host: ftp.studio.example
        port: 2121
    server_check: required
  delegate_to: localhost

- name: Take it away again
  camsec.fleet.storage_certificate:
    path: /media/A001
    card: A001
    authority_directory: /srv/camsec/ca
    state: absent
  delegate_to: localhost
"""

RETURN = r"""
before:
  description:
    - The file on the card as it was - whether it exists, its size, SHA-256, certificates, and what is wrong with it.
  type: dict
  returned: success
after:
  description: The file as it is now, read back from the card; in check mode as it would be.
  type: dict
  returned: success
plan:
  description: Steps that were, or in check mode would be, carried out.
  type: list
  elements: dict
  returned: success
impacts:
  description: Side effects that the camera's guide names.
  type: list
  elements: dict
  returned: success
certificates:
  description: What the card holds - subject, issuer, validity and hashes of each certificate.
  type: list
  elements: dict
  returned: unless a change was only planned
servers:
  description:
    - For each server C(verified_by), which is V(handshake), V(certificates) or V(none); C(anchor_sha256), the
      certificate of the card at which its chain ends; C(certificate); and C(reason), why it was not asked.
  type: list
  elements: dict
  returned: unless a change was only planned
card:
  description: The card's name.
  type: str
  returned: success
place:
  description: Where the card is.
  type: str
  returned: success
"""

from ansible_collections.camsec.fleet.plugins.module_utils._module import ModuleSpec, run_module
from ansible_collections.camsec.fleet.plugins.module_utils._storage.modules import CARD_OPTIONS, card_certificate

SPEC = ModuleSpec(
    argument_spec={
        **CARD_OPTIONS,
        "path": {"type": "path", "required": True},
        "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
        "certificate_path": {"type": "path"},
        "certificate_content": {"type": "str", "no_log": False},
        "card": {"type": "str"},
        "servers": {
            "type": "list",
            "elements": "dict",
            "default": [],
            "options": {
                "host": {"type": "str", "required": True},
                "port": {"type": "int", "default": 21},
                "certificate_path": {"type": "path"},
                "timeout": {"type": "float", "default": 10.0},
            },
        },
        "server_check": {"type": "str", "choices": ["try", "required", "never"], "default": "try"},
    },
    run=card_certificate,
    constraints={
        "mutually_exclusive": [("certificate_path", "certificate_content")],
        "required_if": [("state", "present", ("certificate_path", "certificate_content", "authority_directory"), True)],
    },
)


def main() -> None:
    """Run as a module."""
    run_module(SPEC)


if __name__ == "__main__":
    main()
