# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Options of the modules that reach a camera's memory card."""

from __future__ import annotations


class ModuleDocFragment:
    """Where a card is, and the ledger of cards."""

    DOCUMENTATION = r"""
options:
  require_mount:
    description:
      - Refuse O(path) when nothing is mounted on it, as when the card was not put in, or was pulled.
      - Turn it off only for a directory that stands for a card, such as one that is shared with the camera or
        simulated.
    type: bool
    default: true
  sftp:
    description:
      - SFTP server on which O(path) is; without it, O(path) is on the host where the task runs.
    type: dict
    suboptions:
      host:
        description: Address or host name.
        type: str
        required: true
      port:
        description: TCP port.
        type: int
        default: 22
      user:
        description: Account.
        type: str
        required: true
      password:
        description: Its password. Exactly one of O(sftp.password) and O(sftp.private_key_path) is needed.
        type: str
      private_key_path:
        description: File of a private key that may log in.
        type: path
      private_key_passphrase:
        description: Passphrase of that file.
        type: str
      known_hosts_path:
        description:
          - File in OpenSSH's form with the host's key.
          - Exactly one of O(sftp.known_hosts_path) and O(sftp.host_key) is needed. A host is never taken on trust.
        type: path
      host_key:
        description:
          - The host's public key, V(ssh-ed25519 AAAA…), or its fingerprint as OpenSSH shows it, V(SHA256:…).
        type: str
      timeout:
        description: Seconds for connecting and for each answer.
        type: float
        default: 20.0
  ledger_path:
    description:
      - SQLite file with the ledger of cards, made when something is written down. Its directory must exist.
      - By default C(cards.sqlite3) in O(authority_directory); without both there is no ledger.
    type: path
  authority_directory:
    description:
      - Directory of the certificate authority that P(camsec.fleet.certificate_authority#module) made.
    type: path
requirements:
  - cryptography >= 42
  - paramiko >= 3.5, only with O(sftp)
"""
