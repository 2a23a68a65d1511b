#!/usr/bin/python
# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module certificate."""

from __future__ import annotations

DOCUMENTATION = r"""
module: certificate
short_description: Issue and renew a device's certificate
version_added: 1.0.0
author:
  - camsec.fleet contributors (@camsec)
description:
  - Issues a certificate from the fleet's own authority, for a request (CSR) that the device made or for a private key.
  - Issues again when the present one is due, was issued by somebody else, does not fit the key, or has other names.
  - Every certificate is in the authority's ledger before it is written to a file.
  - It checks the request's own signature and refuses weak keys (RSA below 2048 bits). The names come from the task,
    never from the request.
  - Files that hold something other than a certificate are never overwritten.
options:
  certificate_path:
    description:
      - File of the certificate, in PEM.
    type: path
    required: true
  chain_path:
    description:
      - File for the certificate followed by the intermediate one, for servers that should send both.
    type: path
  request_path:
    description:
      - File of the device's certificate request, in PEM.
      - Exactly one of O(request_path), O(request_content) and O(private_key_path) is needed.
    type: path
  request_content:
    description:
      - The device's certificate request, in PEM.
    type: str
  private_key_path:
    description:
      - File of the private key, in unencrypted PKCS#8 PEM with mode C(0600); made when there is none.
      - For devices that take key and certificate together. The key itself is never returned.
    type: path
  key_type:
    description:
      - Kind of the private key. V(rsa) for a new key by default; when given, a key that exists must have it.
    type: str
    choices: [rsa, ecdsa]
  key_size:
    description:
      - Size of the private key in bits. V(3072) for RSA and V(256) for ECDSA by default; when given, a key that exists
        must have it.
    type: int
  regenerate:
    description:
      - When the private key may be replaced.
      - V(never) leaves an existing key as it is and fails when it cannot be used.
      - V(on_mismatch) replaces a key that cannot be used or is of another kind or size.
      - V(on_renewal) makes a new key for each new certificate.
      - V(always) makes a new key and certificate in every run, so that the task is not idempotent.
    type: str
    choices: [never, on_mismatch, on_renewal, always]
    default: never
  device:
    description:
      - Name of the device in the ledger. By default the first of O(subject_alt_name).
    type: str
  subject_alt_name:
    description:
      - Addresses and host names of the device, such as V(IP:192.0.2.11), V(DNS:cam011.example) or without the prefix.
    type: list
    elements: str
    required: true
  common_name:
    description:
      - Common name of the subject, at most 64 characters.
      - By default that of the request, or else the first of O(subject_alt_name).
    type: str
  client_auth:
    description:
      - Make the certificate good for clients too.
    type: bool
    default: false
  evidence_signer:
    description:
      - Make the certificate good for signing evidence, and for nothing else.
      - M(camsec.fleet.evidence_upload) signs its receipts with such a one.
      - Not together with O(client_auth=true).
    type: bool
    default: false
  lifetime_days:
    description:
      - Lifetime of a new certificate in days. It never outlives the authority.
    type: int
    default: 397
  backdate_hours:
    description:
      - The validity starts this many hours before now, for devices whose clock is behind.
    type: int
    default: 24
  renew_before:
    description:
      - Renew when fewer days than this are left. Must be less than O(lifetime_days).
    type: float
    default: 30
  renew_share:
    description:
      - Renew also when less than this share of the lifetime is left, from V(0) to below V(1).
    type: float
  warn_before:
    description:
      - A certificate with fewer days left that is not renewed is a warning - in check mode, which renews nothing, and
        where a renewal would gain nothing since the authority itself ends.
      - It has to be fewer than the days before its end at which the certificate is renewed. Half of those without it.
    type: float
extends_documentation_fragment:
  - camsec.fleet.certificate_authority
  - camsec.fleet.certificate_authority.unlock
  - camsec.fleet.certificate_authority.attributes
attributes:
  idempotent:
    description: A second run changes nothing.
    support: partial
    details:
      - Not with O(regenerate=always).
seealso:
  - module: camsec.fleet.certificate_authority
  - module: camsec.fleet.certificate_info
  - module: camsec.fleet.evidence_upload
"""

EXAMPLES = r"""
- name: Issue a certificate for the request that the camera made
  camsec.fleet.certificate:
    authority_directory: /srv/camsec/ca
    authority_passphrase: "{{ vault_authority_passphrase }}"
    device: cam011
    request_path: /srv/camsec/requests/cam011.csr
    certificate_path: /srv/camsec/certificates/cam011.pem
    subject_alt_name:
      - IP:192.0.2.11
      - DNS:cam011.example
    renew_before: 60
  delegate_to: localhost

- name: Make key and certificate for a device that takes both
  camsec.fleet.certificate:
    authority_directory: /srv/camsec/ca
    authority_passphrase: "{{ vault_authority_passphrase }}"
    private_key_path: /srv/camsec/certificates/cam012.key
    certificate_path: /srv/camsec/certificates/cam012.pem
    subject_alt_name: [192.0.2.12]
    key_type: rsa
    key_size: 2048
    regenerate: on_renewal
  delegate_to: localhost
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
certificate:
  description: The certificate.
  type: dict
  returned: unless it is yet to be issued in check mode
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
    content:
      description: The certificate in PEM.
      type: str
certificate_path:
  description: File of the certificate.
  type: str
  returned: unless it is yet to be issued in check mode
trusted_path:
  description: PEM file with the authority's certificates, for the clients.
  type: str
  returned: unless it is yet to be issued in check mode
"""

from ansible_collections.camsec.fleet.plugins.module_utils._module import ModuleSpec, run_module
from ansible_collections.camsec.fleet.plugins.module_utils._pki.modules import certificate

SPEC = ModuleSpec(
    argument_spec={
        "authority_directory": {"type": "path", "required": True},
        "authority_passphrase": {"type": "str", "no_log": True},
        "certificate_path": {"type": "path", "required": True},
        "chain_path": {"type": "path"},
        "request_path": {"type": "path"},
        "request_content": {"type": "str"},
        "private_key_path": {"type": "path"},
        "key_type": {"type": "str", "choices": ["rsa", "ecdsa"]},
        "key_size": {"type": "int", "no_log": False},
        "regenerate": {
            "type": "str",
            "choices": ["never", "on_mismatch", "on_renewal", "always"],
            "default": "never",
        },
        "device": {"type": "str"},
        "subject_alt_name": {"type": "list", "elements": "str", "required": True},
        "common_name": {"type": "str"},
        "client_auth": {"type": "bool", "default": False},
        "evidence_signer": {"type": "bool", "default": False},
        "lifetime_days": {"type": "int", "default": 397},
        "backdate_hours": {"type": "int", "default": 24},
        "renew_before": {"type": "float", "default": 30},
        "renew_share": {"type": "float"},
        "warn_before": {"type": "float"},
    },
    run=certificate,
    constraints={
        "mutually_exclusive": [("request_path", "request_content", "private_key_path")],
        "required_one_of": [("request_path", "request_content", "private_key_path")],
    },
)


def main() -> None:
    """Run as a module."""
    run_module(SPEC)


if __name__ == "__main__":
    main()
