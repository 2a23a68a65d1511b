#!/usr/bin/python
# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module tls_endpoint_info."""

from __future__ import annotations

DOCUMENTATION = r"""
module: tls_endpoint_info
short_description: Make a real TLS handshake and tell what it showed
version_added: 1.0.0
author:
  - camsec.fleet contributors (@camsec)
description:
  - Connects, makes a TLS handshake that verifies chain and name, and closes. Nothing else is ever sent.
  - When the verification fails, a second handshake without it tells the facts all the same, and RV(verify_error) why.
  - Fails only when there is no connection or no TLS.
options:
  host:
    description:
      - Address or host name to connect to.
    type: str
    required: true
  port:
    description:
      - TCP port.
    type: int
    default: 443
  server_name:
    description:
      - Name to verify and to send as server name indication. By default O(host).
    type: str
  ca_path:
    description:
      - PEM file with the certificates to trust. By default those that the system trusts.
    type: path
  timeout:
    description:
      - Seconds for connecting and for each step of the handshake.
    type: float
    default: 10
requirements:
  - cryptography >= 42
extends_documentation_fragment:
  - camsec.fleet.certificate_authority.info
seealso:
  - module: camsec.fleet.certificate_info
"""

EXAMPLES = r"""
- name: See what the camera shows
  camsec.fleet.tls_endpoint_info:
    host: 192.0.2.11
    ca_path: /srv/camsec/ca/trusted.pem
  delegate_to: localhost
  register: endpoint

- name: Stop when it does not verify
  ansible.builtin.assert:
    that: endpoint.verified
    fail_msg: "{{ endpoint.verify_error }}"
"""

RETURN = r"""
endpoint:
  description: The handshake.
  type: dict
  returned: success
  contains:
    address:
      description: The address that answered.
      type: str
    port:
      description: TCP port.
      type: int
    protocol:
      description: Such as V(TLSv1.3).
      type: str
    suite:
      description: IANA name of the cipher suite.
      type: str
    verified:
      description: As RV(verified).
      type: bool
    verify_error:
      description: As RV(verify_error).
      type: str
verified:
  description: Chain and name hold against O(ca_path).
  type: bool
  returned: success
verify_error:
  description: Why they do not; empty when verified.
  type: str
  returned: success
certificate:
  description: The certificate that was shown.
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
    content:
      description: The certificate in PEM.
      type: str
days_left:
  description: Whole days until it expires; negative when it has.
  type: int
  returned: success
chain:
  description: All certificates that were sent, the server's first; only that one on Python before 3.13.
  type: list
  elements: dict
  returned: success
"""

from ansible_collections.camsec.fleet.plugins.module_utils._module import ModuleSpec, run_module
from ansible_collections.camsec.fleet.plugins.module_utils._tls.modules import endpoint_info

SPEC = ModuleSpec(
    argument_spec={
        "host": {"type": "str", "required": True},
        "port": {"type": "int", "default": 443},
        "server_name": {"type": "str"},
        "ca_path": {"type": "path"},
        "timeout": {"type": "float", "default": 10},
    },
    run=endpoint_info,
)


def main() -> None:
    """Run as a module."""
    run_module(SPEC)


if __name__ == "__main__":
    main()
