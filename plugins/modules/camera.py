#!/usr/bin/python
# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Bring a camera to HTTPS with a certificate of our own authority."""

from __future__ import annotations

DOCUMENTATION = r"""
module: camera
short_description: Bring a camera to HTTPS with a certificate of our own authority
version_added: 1.0.0
author:
  - camsec.fleet contributors (@camsec)
description:
  - All of a camera as one desired state - CRT key, CSR, certificate from our certificate authority, connection
    and port.
  - One login, one read, one plan, the needed writes, one verification by a new handshake. The order is the safe
    one - the certificate is in place before the camera answers in HTTPS.
  - The camera's key stays in the camera. A renewal keeps it, so that HTTPS is never interrupted.
  - If the camera cannot be verified after the switch, it is brought back to how it answered before, over a
    connection that is pinned to its own key, and the task fails and says so.
  - A task without O(host) takes not only its contact from the inventory, but also O(driver), O(serial_number),
    O(connection), O(authority_directory), O(authority_passphrase), O(sign_command), O(sign_timeout), O(crl_path),
    O(subject_alt_name), O(private_key_type), O(private_key_size), O(tls_versions), O(new_private_key),
    O(allow_http_window), O(lifetime_days), O(backdate_hours), O(renew_before), O(renew_share) and O(warn_before),
    each from the variable C(camsec_<option>).
options:
  connection:
    description:
      - How the camera answers.
    type: str
    choices: [http, https]
    default: https
  private_key_type:
    description:
      - Type of the private key. Only looked at when O(authority_directory) is given.
      - V(ecdsa) is possible with O(driver=onvif), where the camera's capabilities name the curve, and with
        O(driver=axis), where its keystore makes such keys. What the camera cannot do is refused before anything is
        sent.
    type: str
    choices: [rsa, ecdsa]
    default: rsa
  private_key_size:
    description:
      - Size of the private key in bits; with V(256), V(384) and V(521) the curve P-256, P-384 or P-521. Only looked at
        when O(authority_directory) is given.
      - The default is V(2048) with O(private_key_type=rsa) and V(256) with O(private_key_type=ecdsa).
    type: int
    choices: [256, 384, 521, 2048, 3072, 4096]
  tls_versions:
    description:
      - TLS versions that are enabled on the camera, and no others. An empty list leaves them as they are.
      - V(1.2) or V(1.3) has to be among them, or this collection could not reach the camera again.
      - Only with O(driver=onvif), and only those that the camera's capabilities name; others are refused before
        anything is sent.
    type: list
    elements: str
    choices: ['1.0', '1.1', '1.2', '1.3']
    default: []
  new_private_key:
    description:
      - When the camera gets a new private key. V(on_mismatch) where it has none, or one of another type or size, or
        one that was made elsewhere and a new certificate is due.
      - V(with_certificate) with each new certificate as well. On an i-PRO camera this, like another
        O(private_key_size), needs O(allow_http_window); a Sunell camera makes a new key with each certificate anyway.
    type: str
    choices: [on_mismatch, with_certificate]
    default: on_mismatch
  allow_http_window:
    description:
      - Whether the camera may answer in plain HTTP for the minutes that a new key takes, where its manual demands that
        the certificate be deleted first (i-PRO, HTTPS-02 and HTTPS-23). Without it such a change is refused.
      - The window is announced in RV(plan) and RV(impacts). Its recorder does not see the camera meanwhile. Use it on
        a network that you trust. A run that ends in the window says so, and the next one goes on from there.
    type: bool
    default: false
  authority_directory:
    description:
      - Directory of the certificate authority (M(camsec.fleet.certificate_authority)), where the task runs.
      - Without it and without O(sign_command), and with O(connection=http), certificates are not this task's business.
      - Its trusted certificates are the default of O(ca_path).
    type: path
  authority_passphrase:
    description:
      - Passphrase of the authority's key. Needed only when there is something to sign.
    type: str
  sign_command:
    description:
      - Program and arguments that sign instead of O(authority_directory), for an authority that is not ours. It is run
        without a shell on the host that the task runs on, reads the camera's request in PEM from standard input, and
        writes the certificate with its intermediate ones in PEM to standard output, the camera's first.
      - It finds what is wanted in its environment - C(CAMSEC_DEVICE), C(CAMSEC_COMMON_NAME),
        C(CAMSEC_SUBJECT_ALT_NAMES) (such as V(IP:192.0.2.11,DNS:cam011.example.org)), C(CAMSEC_IP_ADDRESSES),
        C(CAMSEC_DNS_NAMES), C(CAMSEC_LIFETIME_DAYS), C(CAMSEC_LIFETIME_HOURS), C(CAMSEC_NOT_BEFORE) and
        C(CAMSEC_NOT_AFTER).
      - What it returns is checked before it goes to the camera - key, names, validity by the camera's clock, order and
        end of the chain at a root of O(ca_path), signatures, extensions, name constraints.
      - Needs O(ca_path), which holds the roots and each authority that signs for cameras, since a camera may show its
        certificate alone.
      - Everybody on the host can read its arguments, so none of them may be a secret; give it a file.
    type: list
    elements: str
  sign_timeout:
    description:
      - Seconds that O(sign_command) may take.
    type: float
    default: 60
  crl_path:
    description:
      - Revocation list of the authority of O(sign_command), PEM or DER. A certificate on it is replaced.
    type: path
  subject_alt_name:
    description:
      - Further addresses and names that the certificate must cover, as V(DNS:cam011.example.org) or V(IP:192.0.2.11).
      - O(host) is always among them, an IPv6 address without its zone, which a certificate cannot hold.
    type: list
    elements: str
    default: []
  unwanted_alt_name:
    description:
      - Addresses and names that the certificate must not cover any more, for example the address that the camera had
        before. A certificate that covers one is replaced, and one that the authority signs with it is not installed.
      - What O(subject_alt_name) or O(host) says is never unwanted.
    type: list
    elements: str
    default: []
  lifetime_days:
    description:
      - Validity of a new certificate in days.
    type: int
    default: 397
  backdate_hours:
    description:
      - A new certificate starts this many hours ago, for cameras whose clock is behind.
    type: int
    default: 24
  renew_before:
    description:
      - The certificate is renewed when fewer days are left.
    type: int
    default: 30
  renew_share:
    description:
      - The certificate is also renewed when less than this share of its lifetime is left, for example V(0.33).
    type: float
  warn_before:
    description:
      - A certificate with fewer days left that is not renewed is a warning - in check mode, which renews nothing, and
        where a renewal would gain nothing since the authority itself ends.
      - It has to be fewer than the days before its end at which the certificate is renewed. Half of those without it.
    type: float
extends_documentation_fragment:
  - camsec.fleet.device
  - camsec.fleet.device.camera
  - camsec.fleet.device.subject
  - camsec.fleet.device.action_group
  - camsec.fleet.device.changes
"""

EXAMPLES = r"""
- name: To HTTPS, with a certificate of our own
  camsec.fleet.camera:
    host: 192.0.2.11
    username: admin
    password: "{{ vaulted_camera_password }}"
    first_contact: plain_http
    authority_directory: /etc/camsec/ca
    authority_passphrase: "{{ vaulted_ca_passphrase }}"
    subject_alt_name:
      - DNS:cam011.example.org

- name: To HTTPS, with a certificate of the company's authority
  camsec.fleet.camera:
    host: 192.0.2.11
    username: admin
    password: "{{ vaulted_camera_password }}"
    first_contact: plain_http
    sign_command: [/usr/local/bin/sign-with-our-ca]
    ca_path: /etc/camsec/company-ca.pem
"""

RETURN = r"""
before:
  description: State found.
  returned: success
  type: dict
  sample: {connection: http, https_port: 443}
after:
  description: State read again over the new endpoint; in check mode, the planned state.
  returned: success
  type: dict
  sample: {connection: https, https_port: 443}
plan:
  description: The steps, in their order.
  returned: success
  type: list
  elements: dict
  contains:
    id:
      description: Short name.
      type: str
      returned: always
    title:
      description: What it does.
      type: str
      returned: always
    rule:
      description: Id of the manual's rule, if any.
      type: str
      returned: always
    disconnects:
      description: Whether the camera cuts the connection after it.
      type: bool
      returned: always
  sample: [{id: set_https, title: 'Answer in HTTPS only, port 443', rule: HTTPS-30, disconnects: true}]
impacts:
  description: Side effects that the manual names, with the rule's id.
  returned: success
  type: list
  elements: dict
  sample: [{rule: HTTPS-33, text: With HTTPS the refresh interval can be lower.}]
contact:
  description: How the camera was reached last (scheme, port, and by what it was trusted).
  returned: success, unless there were changes in check mode
  type: dict
  sample: {scheme: https, port: 443, trust: certificate_authority}
endpoint:
  description: What the TLS handshake showed.
  returned: when the camera answers in HTTPS
  type: dict
  sample: {address: 192.0.2.11, port: 443, protocol: TLSv1.3, suite: TLS_AES_256_GCM_SHA384}
certificate:
  description: The certificate in that handshake.
  returned: when the camera answers in HTTPS
  type: dict
  sample: {subject: CN=192.0.2.11, issuer: CN=Site CA, serial_number: 3f6a, not_after: '2027-12-24T00:00:00Z'}
"""

from ansible_collections.camsec.fleet.plugins.module_utils._camera.modules import (
    CAMERA_OPTIONS,
    INVENTORY_OPTIONS,
    KEY_SIZES,
    SUBJECT_OPTIONS,
    TLS_OPTION,
    whole,
)
from ansible_collections.camsec.fleet.plugins.module_utils._module import ModuleSpec, run_module
from ansible_collections.camsec.fleet.plugins.module_utils._options import CONTACT_OPTIONS, DEVICE_OPTIONS

SPEC = ModuleSpec(
    argument_spec={
        **DEVICE_OPTIONS,
        **CAMERA_OPTIONS,
        **SUBJECT_OPTIONS,
        "connection": {"type": "str", "choices": ["http", "https"], "default": "https"},
        "private_key_type": {"type": "str", "choices": ["rsa", "ecdsa"], "default": "rsa", "no_log": False},
        "private_key_size": {"type": "int", "choices": KEY_SIZES, "no_log": False},
        **TLS_OPTION,
        "new_private_key": {"type": "str", "choices": ["on_mismatch", "with_certificate"], "default": "on_mismatch"},
        "allow_http_window": {"type": "bool", "default": False},
        "authority_directory": {"type": "path"},
        "authority_passphrase": {"type": "str", "no_log": True},
        "sign_command": {"type": "list", "elements": "str"},
        "sign_timeout": {"type": "float", "default": 60.0},
        "crl_path": {"type": "path"},
        "subject_alt_name": {"type": "list", "elements": "str", "default": []},
        "unwanted_alt_name": {"type": "list", "elements": "str", "default": []},
        "lifetime_days": {"type": "int", "default": 397},
        "backdate_hours": {"type": "int", "default": 24},
        "renew_before": {"type": "int", "default": 30},
        "renew_share": {"type": "float"},
        "warn_before": {"type": "float"},
    },
    run=whole,
    constraints={
        "mutually_exclusive": [("authority_directory", "sign_command")],
        "required_by": {"sign_command": ["ca_path"], "crl_path": ["sign_command"]},
    },
    inventory_options=(*CONTACT_OPTIONS, *INVENTORY_OPTIONS),
    change="tls",
)


def main() -> None:
    """Run as a module."""
    run_module(SPEC)


if __name__ == "__main__":
    main()
