#!/usr/bin/python
# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module certificate_authority."""

from __future__ import annotations

DOCUMENTATION = r"""
module: certificate_authority
short_description: Make the certificate authority of a fleet
version_added: 1.0.0
author:
  - camsec.fleet contributors (@camsec)
description:
  - Makes a certificate authority in a directory, or checks the one that is there.
  - The directory gets mode C(0700) and holds the root certificate and its key, the intermediate ones if there are any,
    C(trusted.pem) for the clients, and a ledger of every certificate that was issued. Keys are encrypted, mode C(0600).
  - An authority that exists is never changed or overwritten. Other parameters than those it was made with are an error.
  - Several tasks at once are safe; one of them makes the authority and the others find it.
options:
  authority_passphrase:
    description:
      - Passphrase of the authority's private keys, at least 8 characters.
      - Keep it in a file that C(ansible-vault) encrypts. It is never returned or logged.
    type: str
    required: true
  common_name:
    description:
      - Common name of the root certificate, 1 to 64 characters.
    type: str
    required: true
  key_type:
    description:
      - Kind of the authority's keys. Some older devices verify RSA only.
      - Default V(rsa) for a new authority; when given, an authority that exists must have it.
    type: str
    choices: [rsa, ecdsa]
  key_size:
    description:
      - Size of the keys in bits. V(2048), V(3072) or V(4096) for RSA; V(256), V(384) or V(521) for ECDSA.
      - Default V(3072) or V(256) for a new authority; when given, an authority that exists must have it.
    type: int
  lifetime_days:
    description:
      - Lifetime of the root certificate in days.
      - Default V(3650) for a new authority; when given, an authority that exists must have it.
    type: int
  intermediate_common_name:
    description:
      - Makes an intermediate authority of this name too, which then issues; C(root.key) can be taken offline.
      - When given, an authority that exists must have it.
    type: str
  intermediate_lifetime_days:
    description:
      - Lifetime of the intermediate certificate in days, at most that of the root.
      - Default half of the root's for a new authority; when given, an authority that exists must have it.
    type: int
  backdate_days:
    description:
      - The validity starts this many days before the authority is made, for devices whose clock is behind.
      - Default V(30) for a new authority; when given, an authority that exists must have it.
    type: int
  permitted_names:
    description:
      - Networks and domains that the authority may issue for, as V(IP:192.0.2.0/24) or V(DNS:example.org), which stands
        for itself and all names below it. They become critical name constraints of the root and the intermediate
        certificate, so that clients refuse anything else even from somebody who stole the key.
      - A kind of which nothing is named is excluded as a whole. An address is then no common name, since clients may
        take it for a host name; the authority writes V(192-0-2-11) instead.
      - Default no limit for a new authority; when given, an authority that exists must have the same.
    type: list
    elements: str
extends_documentation_fragment:
  - camsec.fleet.certificate_authority
  - camsec.fleet.certificate_authority.attributes
attributes:
  idempotent:
    description: A second run changes nothing.
    support: full
seealso:
  - module: camsec.fleet.certificate_authority_info
  - module: camsec.fleet.certificate
"""

EXAMPLES = r"""
- name: Make the fleet's certificate authority
  camsec.fleet.certificate_authority:
    authority_directory: /srv/camsec/ca
    authority_passphrase: "{{ vault_authority_passphrase }}"
    common_name: Example Fleet Root
    key_type: ecdsa
  delegate_to: localhost
  run_once: true

- name: Make one that is good for the camera networks and for nothing else
  camsec.fleet.certificate_authority:
    authority_directory: /srv/camsec/cameras
    authority_passphrase: "{{ vault_authority_passphrase }}"
    common_name: Example Camera Root
    permitted_names: ["IP:192.0.2.0/24", "DNS:cameras.example.org"]
  delegate_to: localhost
  run_once: true
"""

RETURN = r"""
before:
  description: The state before.
  type: dict
  returned: success
after:
  description: The state after, or what is planned in check mode.
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
authority:
  description: The authority.
  type: dict
  returned: when there is one
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
  returned: when there is one
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
"""

from ansible_collections.camsec.fleet.plugins.module_utils._module import ModuleSpec, run_module
from ansible_collections.camsec.fleet.plugins.module_utils._pki.modules import authority

SPEC = ModuleSpec(
    argument_spec={
        "authority_directory": {"type": "path", "required": True},
        "authority_passphrase": {"type": "str", "required": True, "no_log": True},
        "common_name": {"type": "str", "required": True},
        "key_type": {"type": "str", "choices": ["rsa", "ecdsa"]},
        "key_size": {"type": "int"},
        "lifetime_days": {"type": "int"},
        "intermediate_common_name": {"type": "str"},
        "intermediate_lifetime_days": {"type": "int"},
        "backdate_days": {"type": "int"},
        "permitted_names": {"type": "list", "elements": "str"},
    },
    run=authority,
)


def main() -> None:
    """Run as a module."""
    run_module(SPEC)


if __name__ == "__main__":
    main()
