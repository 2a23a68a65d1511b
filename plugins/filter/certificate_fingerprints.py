# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which certificates a bundle holds."""

from __future__ import annotations

DOCUMENTATION = r"""
name: certificate_fingerprints
short_description: List the SHA-256 of all certificates of a bundle
version_added: 1.0.0
author:
  - camsec.fleet contributors (@camsec)
description:
  - Takes a PEM text, such as the bundle of trusted certificates of a Linux host, and returns the SHA-256 of each
    certificate in it. Text between the certificates does not matter.
positional: _input
options:
  _input:
    description: The text.
    type: str
    required: true
"""

EXAMPLES = r"""
- name: How many certificates this host trusts
  ansible.builtin.debug:
    msg: >-
      {{ lookup('ansible.builtin.file', '/etc/ssl/certs/ca-certificates.crt')
         | camsec.fleet.certificate_fingerprints | length }}
"""

RETURN = r"""
_value:
  description: Lower-case hexadecimal, in the order of the text.
  type: list
  elements: str
"""

import typing as t

from ansible.errors import AnsibleFilterError
from ansible_collections.camsec.fleet.plugins.module_utils._core._errors import CamsecError
from ansible_collections.camsec.fleet.plugins.module_utils._pki._anchors import fingerprints


def _filter(text: str) -> list[str]:
    try:
        return fingerprints(text)
    except CamsecError as error:
        raise AnsibleFilterError(error.message) from None


class FilterModule:
    """Ansible's interface."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """The filters of this file.

        Returns:
            Name to function.
        """
        return {"certificate_fingerprints": _filter}
