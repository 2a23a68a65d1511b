# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is out of line in a fleet, and what expires."""

from __future__ import annotations

DOCUMENTATION = r"""
name: audit_report
short_description: What is out of line in a fleet, and what expires
version_added: 1.0.0
author:
  - camsec.fleet contributors (@camsec)
description:
  - Reads what the roles P(camsec.fleet.camera_https#role), P(camsec.fleet.recorder_https#role) and
    P(camsec.fleet.data_encryption#role) registered for each host in check mode.
  - A host without a result could not be read; that is a finding too.
positional: _input
options:
  _input:
    description: Inventory names.
    type: list
    elements: str
    required: true
  hostvars:
    description: Ansible's C(hostvars).
    type: dict
    required: true
  warn_days:
    description: A certificate with fewer days left is a finding.
    type: int
    default: 60
  authority:
    description: Result of M(camsec.fleet.certificate_authority_info).
    type: dict
"""

EXAMPLES = r"""
- name: What is out of line
  ansible.builtin.debug:
    msg: "{{ (groups['camsec_cameras'] | camsec.fleet.audit_report(hostvars, warn_days=30)).lines }}"
"""

RETURN = r"""
_value:
  description:
    - C(findings) is a list, each with C(host), C(kind) (V(unread), V(out_of_line) or V(expires)) and C(text).
    - C(lines) are the same as lines for people, with a count first.
  type: dict
"""

import typing as t

from ansible_collections.camsec.fleet.plugins.plugin_utils._rollout import audit_report


class FilterModule:
    """Ansible's interface."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """The filters of this file.

        Returns:
            Name to function.
        """
        return {"audit_report": audit_report}
