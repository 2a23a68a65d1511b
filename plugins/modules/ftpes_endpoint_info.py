#!/usr/bin/python
# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module ftpes_endpoint_info."""

from __future__ import annotations

DOCUMENTATION = r"""
module: ftpes_endpoint_info
short_description: Tell which cipher suites an FTPES server takes and what a camera would get there
version_added: 1.0.0
author:
  - camsec.fleet contributors (@camsec)
description:
  - Connects to an FTP server, asks for TLS (C(AUTH TLS)) and finds exactly which cipher suites it takes, in whose
    order, and which one each camera model would get. The offers are made byte by byte, so that the local OpenSSL does
    not limit them.
  - Tries the server's chain against the very certificates that lie on the camera's card, O(ca_path).
  - With O(username) and O(password) it looks at the data channel too, by listing the login directory. Nothing is
    written.
  - RV(verdict) says V(recommended), V(only_deprecated) or V(unreachable), RV(reason) why, and RV(remedies) which lines
    of the server's configuration would mend it.
  - It makes some 50 connections, with a login some 20 to 60 more; what watches over the server may notice. A server
    that limits connections is given time. A scan that stays incomplete fails; it never tells a wrong set.
options:
  host:
    description:
      - Address or host name of the server.
    type: str
    required: true
  port:
    description:
      - TCP port of the control connection.
    type: int
    default: 21
  server_name:
    description:
      - Name or address that the certificate should have. By default O(host).
    type: str
  ca_path:
    description:
      - File C(certification.pem) of the camera's card, against which alone the chain is tried.
    type: path
  ca_content:
    description:
      - The same as text.
    type: str
  camera_models:
    description:
      - Models to answer for. By default all that are known.
    type: list
    elements: str
    choices: [MPC-2610, PXW-Z300, PXW-Z380]
  username:
    description:
      - Account to look at the data channel with.
      - Needs O(password), and O(ca_path) or O(ca_content), since the password goes to a verified server only.
    type: str
  password:
    description:
      - Its password. A login that the server refuses is not tried again.
    type: str
  timeout:
    description:
      - Seconds for connecting and for each answer.
    type: float
    default: 10
  time_limit:
    description:
      - Seconds for everything.
    type: float
    default: 120
  parallel:
    description:
      - Connections at a time; fewer are made as soon as the server refuses one.
    type: int
    default: 6
requirements:
  - cryptography >= 42
extends_documentation_fragment:
  - camsec.fleet.certificate_authority.info
seealso:
  - module: camsec.fleet.tls_endpoint_info
"""

EXAMPLES = r"""
- name: Look at the server before the shoot
  camsec.fleet.ftpes_endpoint_info:
    host: ftp.example.com
    ca_path: /media/card/certification.pem
    camera_models: [MPC-2610]
    username: burano-a
    password: "{{ vaulted_ftp_password }}"
  delegate_to: localhost
  register: ftpes

- name: Stop when the camera would not get a recommended suite
  ansible.builtin.assert:
    that: ftpes.verdict == 'recommended'
    fail_msg: "{{ ftpes.reason }}"
"""

RETURN = r"""
verdict:
  description:
    - V(recommended) when every camera model gets a recommended suite and trusts the server.
    - V(only_deprecated) when one of them would get a deprecated suite, on the control or on the data channel.
    - V(unreachable) when one of them cannot connect, which includes a certificate that does not hold.
  type: str
  returned: success
reason:
  description: Why, in one sentence.
  type: str
  returned: success
cameras:
  description: The same for each camera model.
  type: list
  elements: dict
  returned: success
  contains:
    model:
      description: Camera model.
      type: str
    verdict:
      description: V(recommended), V(only_deprecated) or V(unreachable).
      type: str
    reason:
      description: Why, in one sentence.
      type: str
    control:
      description: Suites that it would get on the control channel.
      type: dict
      contains:
        recommended_first:
          description: When it offers its recommended suites first.
          type: str
        recommended_last:
          description: When it offers them last; the same where the server has an order of its own.
          type: str
    data:
      description: The same for a data connection, V(null) when that was not looked at.
      type: dict
endpoint:
  description: Address, greeting and kind of the server.
  type: dict
  returned: success
control:
  description: What the control channel takes.
  type: dict
  returned: success
  contains:
    suites:
      description: Suites of TLS 1.2 that cameras or policies know, in the server's order where it has one.
      type: list
      elements: dict
    tls13_suites:
      description: Suites of TLS 1.3.
      type: list
      elements: dict
    other_suites:
      description: Further suites of TLS 1.2.
      type: list
      elements: str
    not_taken:
      description: Known suites of TLS 1.2 that it refuses.
      type: list
      elements: str
    preference:
      description: Whose order decides, V(server), V(client), V(mixed), or V(not_observable) where there is no choice.
      type: str
    protocols:
      description: For each protocol version whether it is taken.
      type: dict
    dh_bits:
      description: Size of the Diffie-Hellman group, V(null) when none was seen.
      type: int
    cleartext_login:
      description: The server asks for a password before TLS.
      type: bool
data:
  description: What the data channel takes.
  type: dict
  returned: success
  contains:
    looked_at:
      description: Whether it was looked at.
      type: bool
    skipped:
      description: Why not.
      type: str
    session_reuse:
      description:
        - V(demanded) when a data connection has to resume the control connection's session, V(offered) when it may,
          V(not_offered) when it cannot.
      type: str
    foreign_address:
      description: Address that C(PASV) names where it is not the server's own; else empty.
      type: str
    listings:
      description: For each suite of the control channel whether a listing came about, and whether it was resumed.
      type: list
      elements: dict
    without_resumption:
      description: A listing over a data connection that did not resume.
      type: dict
    suites:
      description: Suites of TLS 1.2 that a data connection takes without resumption; V(null) where that is refused.
      type: list
      elements: dict
    tls13_suites:
      description: The same for TLS 1.3.
      type: list
      elements: dict
    other_suites:
      description: Of RV(control.other_suites) those that it takes.
      type: list
      elements: str
    preference:
      description: Whose order decides there.
      type: str
chains:
  description: Each chain that the server showed; one with an RSA and an ECDSA certificate shows two.
  type: list
  elements: dict
  returned: success
  contains:
    suites:
      description: Suites with which it was shown.
      type: list
      elements: str
    certificates:
      description: Its certificates, the server's own first.
      type: list
      elements: dict
    key_type:
      description: V(rsa) or V(ecdsa).
      type: str
    trusted:
      description: It holds against the card's certificates alone; V(null) when there were none to try.
      type: bool
    problems:
      description: Why a camera would refuse it, each in one sentence.
      type: list
      elements: str
features:
  description: What the server says that it can do (FEAT), after the login where there was one.
  type: list
  elements: str
  returned: success
findings:
  description: What else is worth knowing, with RV(ignore:level) V(problem), V(warning) or V(note), the worst first.
  type: list
  elements: dict
  returned: success
remedies:
  description: Lines for the configuration of each kind of server, its own first; empty when nothing is to be mended.
  type: list
  elements: dict
  returned: success
lines:
  description: The whole report for people.
  type: list
  elements: str
  returned: success
looked_at:
  description: When, ISO 8601, UTC.
  type: str
  returned: success
seconds:
  description: How long it took.
  type: float
  returned: success
connections:
  description: How many connections it took.
  type: int
  returned: success
"""

from ansible_collections.camsec.fleet.plugins.module_utils._module import ModuleSpec, run_module
from ansible_collections.camsec.fleet.plugins.module_utils._preflight.modules import endpoint_info

SPEC = ModuleSpec(
    argument_spec={
        "host": {"type": "str", "required": True},
        "port": {"type": "int", "default": 21},
        "server_name": {"type": "str"},
        "ca_path": {"type": "path"},
        "ca_content": {"type": "str", "no_log": True},
        "camera_models": {"type": "list", "elements": "str", "choices": ["MPC-2610", "PXW-Z300", "PXW-Z380"]},
        "username": {"type": "str"},
        "password": {"type": "str", "no_log": True},
        "timeout": {"type": "float", "default": 10.0},
        "time_limit": {"type": "float", "default": 120.0},
        "parallel": {"type": "int", "default": 6},
    },
    run=endpoint_info,
    constraints={
        "mutually_exclusive": [("ca_path", "ca_content")],
        "required_together": [("username", "password")],
    },
)


def main() -> None:
    """Run as a module."""
    run_module(SPEC)


if __name__ == "__main__":
    main()
