# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Options and attributes of the modules that use a certificate authority."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  authority_directory:
    description:
      - Directory of the certificate authority, on the host where the task runs.
      - Whoever can write to it and knows the passphrase can issue certificates that the whole fleet trusts.
    type: path
    required: true
requirements:
  - cryptography >= 42
  - idna, only for host names that are not ASCII
"""

    UNLOCK = r"""
options:
  authority_passphrase:
    description:
      - Passphrase of the authority's private keys, at least 8 characters.
      - Keep it in a file that C(ansible-vault) encrypts. It is never returned or logged.
    type: str
"""

    ATTRIBUTES = r"""
options: {}
attributes:
  check_mode:
    description: Can run in check mode, tells the same errors, and writes nothing.
    support: full
  diff_mode:
    description: Shows what changes when run with C(--diff).
    support: full
"""

    INFO = r"""
options: {}
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
"""
