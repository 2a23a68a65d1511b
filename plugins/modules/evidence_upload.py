#!/usr/bin/python
# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module evidence_upload."""

from __future__ import annotations

DOCUMENTATION = r"""
module: evidence_upload
short_description: Send evidence over explicit FTPS, prove it, and leave signed receipts and a manifest
version_added: 1.0.0
author:
  - camsec.fleet contributors (@camsec)
description:
  - Sends files over FTPES (C(AUTH TLS), C(PROT P)) under a named cipher-suite policy, from the host where they lie.
  - A file goes to a temporary name, is proven there by size and hash, and is then renamed. Nothing that lies on the
    server is overwritten or deleted.
  - A ledger in O(state_directory) survives a kill at any instant. The next run goes on, sends nothing twice, and two
    runs at once do not take the same file.
  - Each file gets a signed receipt. With O(manifest=true) the remote directory becomes a BagIt bag (RFC 8493) when
    every file of it is proven; after that it takes no more files.
  - Files are identified by path, size, time and inode. One that was done and changed since is an error, never
    overwritten.
options:
  path:
    description:
      - Files, directories and patterns on the host where the task runs.
      - A file is sent under its own name, a directory under its name with everything below it.
      - Without any, only what a former run left undone is sent.
    type: list
    elements: path
    default: []
  remote_directory:
    description:
      - Directory on the server; it is made where it is missing.
      - With O(manifest=true) it becomes the bag, and the files lie in C(data) below it.
    type: str
    required: true
  state_directory:
    description:
      - Directory of the ledger, made with mode C(0700). Keep it. What it knows to be done is not sent again.
    type: path
    required: true
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
  username:
    description:
      - Account on the server.
    type: str
    required: true
  password:
    description:
      - Its password. Keep it in a file that C(ansible-vault) encrypts. It is never returned or logged.
    type: str
    required: true
  policy:
    description:
      - Cipher suites that both channels may use, see the guide on policies.
      - V(custom) takes those of O(suite).
    type: str
    choices: [recommended, compatible, modern, custom]
    default: recommended
  suite:
    description:
      - Names of cipher suites (IANA or OpenSSL), the preferred first; only with O(policy=custom).
    type: list
    elements: str
    default: []
  ca_path:
    description:
      - PEM file with the authorities that may have issued the server's certificate, such as the camera's own
        C(certification.pem).
      - At least one of O(ca_path) and O(spki_sha256) is needed; with both, both must hold.
    type: path
  crl_path:
    description:
      - PEM file with revocation lists; the server's certificate must not be on one. Needs O(ca_path).
    type: path
  spki_sha256:
    description:
      - SHA-256 of public keys one of which the server must have, hexadecimal, colons allowed.
    type: list
    elements: str
    default: []
  server_name:
    description:
      - Name that the certificate must carry. By default O(host).
    type: str
  timeout:
    description:
      - Seconds for connecting, for each answer, and without any progress while data flows.
    type: float
    default: 30.0
  session_reuse:
    description:
      - Whether a data connection must resume the control connection's TLS session.
      - V(when_offered) demands it wherever the server gave anything to resume with.
      - V(prefer) weakens the tie between the two connections.
    type: str
    choices: [require, when_offered, prefer]
    default: when_offered
  read_back:
    description:
      - When a file is read back and compared.
      - V(without_hash) does so where the server has no collision-safe hash command.
    type: str
    choices: [never, without_hash, always]
    default: without_hash
  minimum_proof:
    description:
      - The least that counts as complete. V(crc) and V(size) prove less; use them only where the server allows no more.
    type: str
    choices: [size, crc, hash]
    default: hash
  manifest:
    description:
      - Make the remote directory a BagIt bag, its manifest last.
    type: bool
    default: true
  bag_info:
    description:
      - More lines of C(bag-info.txt), text by label, such as C(Source-Organization).
    type: dict
    default: {}
  follow_links:
    description:
      - Follow symbolic links. Otherwise they are left out with a warning.
    type: bool
    default: false
  signer_key_path:
    description:
      - Unencrypted private key with mode C(0600) that signs receipts. By default C(signer.key) in O(state_directory).
    type: path
  signer_certificate_path:
    description:
      - Its certificate, perhaps followed by those between it and the root.
      - By default C(signer.pem) in O(state_directory).
      - Make it with M(camsec.fleet.certificate) and its option O(camsec.fleet.certificate#module:evidence_signer).
    type: path
  unsigned:
    description:
      - Leave receipts without a signature. Then anybody who can write to them can make others.
    type: bool
    default: false
  timestamp_url:
    description:
      - Address of a time stamp service (RFC 3161) that confirms when signatures existed. It gets to see hashes only.
    type: str
  timestamp_ca_path:
    description:
      - PEM file with certificates that its answers must lead to. Without it only their content is checked.
    type: path
  timestamp_scope:
    description:
      - V(each) has each receipt and the seal of the bag stamped, V(seal) only the seal, which covers all receipts.
    type: str
    choices: [each, seal]
    default: each
  sessions:
    description:
      - How many connections send at once, 1 to 64.
    type: int
    default: 4
  attempts:
    description:
      - How often a file is tried in one run when the connection breaks or the server says that it may work later.
      - A refused login is never repeated.
    type: int
    default: 5
  longest_delay:
    description:
      - Seconds to wait between two tries at most; it begins with 1 and doubles.
    type: float
    default: 60.0
  total_rate:
    description:
      - Bytes per second over all connections.
    type: int
  connection_rate:
    description:
      - Bytes per second for each connection.
    type: int
  time_limit:
    description:
      - Seconds after which the task ends with an error; the next run goes on.
    type: float
requirements:
  - cryptography >= 42
  - rfc3161-client, only with O(timestamp_url)
attributes:
  check_mode:
    description: Can run in check mode. It then reads files and ledger, connects to nobody, and writes nothing.
    support: full
  diff_mode:
    description: Shows which files are added when run with C(--diff).
    support: full
  idempotent:
    description: A second run sends nothing.
    support: full
notes:
  - For long uploads run the task with C(async). A task that is ended by its time limit leaves a ledger that the next
    one goes on with.
seealso:
  - module: camsec.fleet.certificate
  - module: camsec.fleet.ftpes_endpoint_info
"""

EXAMPLES = r"""
- name: Send a card, and leave a sealed bag behind
  camsec.fleet.evidence_upload:
    path:
      - /media/card/A001
    remote_directory: evidence/2026-11-22/A001
    state_directory: /var/lib/camsec-evidence
    host: ftp.example
    username: station1
    password: "{{ vault_station1_password }}"
    ca_path: /etc/camsec/certification.pem
    bag_info:
      Source-Organization: Example Police
      External-Description: Case 4711

- name: Send for hours in the background, with time stamps, at 20 MB per second
  camsec.fleet.evidence_upload:
    path: ["/srv/recordings/case-4711/*.mxf"]
    remote_directory: evidence/case-4711
    state_directory: /var/lib/camsec-evidence
    host: ftp.example
    username: station1
    password: "{{ vault_station1_password }}"
    ca_path: /etc/camsec/certification.pem
    policy: modern
    timestamp_url: http://tsa.example/
    timestamp_ca_path: /etc/camsec/tsa.pem
    total_rate: 20000000
  async: 86400
  poll: 60
"""

RETURN = r"""
before:
  description: What the ledger knew to lie on the server, and whether the bag was sealed.
  type: dict
  returned: success
  contains:
    remote_paths:
      description: Names of those of the task's files that were there.
      type: list
      elements: str
    sealed:
      description: The bag had its manifest.
      type: bool
after:
  description: The same afterwards, or what is planned in check mode.
  type: dict
  returned: success
  contains:
    remote_paths:
      description: Names of those of the task's files that are there.
      type: list
      elements: str
    sealed:
      description: The bag has its manifest.
      type: bool
sent:
  description: How many files were sent, or would be in check mode.
  type: int
  returned: success
bytes_sent:
  description: How many bytes of content that were; V(0) in check mode.
  type: int
  returned: success
sealed:
  description: The bag has its manifest, proven.
  type: bool
  returned: success
file:
  description: The files of the task, by their names on the server.
  type: list
  elements: dict
  returned: success
  contains:
    source:
      description: Its path here.
      type: str
    size:
      description: Bytes.
      type: int
    host:
      description: The server.
      type: str
    port:
      description: Its port.
      type: int
    remote_path:
      description: Its name on the server.
      type: str
    state:
      description: V(done), or V(waiting) in check mode.
      type: str
    attempts:
      description: How often it was tried.
      type: int
    error:
      description: Why the last try failed; empty when it is done.
      type: str
    sha256:
      description: Of the content, hexadecimal; empty before it is done.
      type: str
    done_at:
      description: When it was proven and written down, ISO 8601, UTC; empty before.
      type: str
    sequence:
      description: Number of its receipt in the chain, once it is done.
      type: int
    receipt_sha256:
      description: SHA-256 of its receipt, once it is done.
      type: str
    proof:
      description: How it was proven, such as V(hash:SHA-256) or V(read_back), once it is done.
      type: str
    policy:
      description: Name and version of the policy, once it is done.
      type: dict
    control:
      description: Protocol, suite, C(resumed) and C(deprecated) of the control connection, once it is done.
      type: dict
    data:
      description: The same of the data connections, each kind once.
      type: list
      elements: dict
"""

from ansible_collections.camsec.fleet.plugins.module_utils._evidence.modules import EVIDENCE_OPTIONS, evidence_upload
from ansible_collections.camsec.fleet.plugins.module_utils._module import ModuleSpec, run_module

SPEC = ModuleSpec(
    argument_spec=EVIDENCE_OPTIONS,
    run=evidence_upload,
    constraints={
        "required_one_of": [("ca_path", "spki_sha256")],
        "required_if": [("policy", "custom", ["suite"])],
    },
)


def main() -> None:
    """Run as a module."""
    run_module(SPEC)


if __name__ == "__main__":
    main()
