# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a fleet's operator has to know of its certificates."""

from __future__ import annotations

DOCUMENTATION = r"""
name: certificate_report
short_description: What a fleet's operator has to know of its certificates
version_added: 1.0.0
author:
  - camsec.fleet contributors (@camsec)
description:
  - Reads what the playbook C(camsec.fleet.certificates) registered for each host - C(camsec_certificates_device), the
    result of M(camsec.fleet.camera_info) or M(camsec.fleet.recorder_info); C(camsec_certificates_endpoint), that of
    M(camsec.fleet.tls_endpoint_info); C(camsec_certificates_chain), the same with the root certificate alone; and
    C(camsec_certificates_plain), that of M(ansible.builtin.wait_for) with the port for plain HTTP.
  - Of the hosts' variables it reads C(ansible_host), C(camsec_driver), C(camsec_connection), C(camsec_recorder),
    C(camsec_renew_before), C(camsec_renew_share) and C(camsec_lifetime_days).
  - A host that could not be read is a finding; all others are reported.
positional: _input, hostvars
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
  authorities:
    description: Results of M(camsec.fleet.certificate_authority_info).
    type: list
    elements: dict
    default: []
  cards:
    description: RV(camsec.fleet.storage_certificate_info#module:cards) of M(camsec.fleet.storage_certificate_info).
    type: list
    elements: dict
    default: []
  warn_before:
    description:
      - A certificate with fewer days left is a warning. By default half of each device's renewal window.
      - It has to be less than the renewal window of every device, so that a warning means that renewal should have
        happened and did not.
    type: float
  usual_lifetime_days:
    description: A certificate that is valid for longer is a note, and an authority with less time left a warning.
    type: float
    default: 398
  stops:
    description:
      - A certificate; RV(_value) then tells what stops when it ends.
      - V(root) or V(intermediate) of the first authority, or the serial number or SHA-256 of any certificate that is
        known.
    type: str
  at:
    description: The instant of the report, ISO 8601 with a time zone. By default now.
    type: str
"""

EXAMPLES = r"""
- name: Certificates of the cameras
  ansible.builtin.debug:
    msg: "{{ report.lines }}"
  vars:
    report: >-
      {{ groups['camsec_cameras'] | camsec.fleet.certificate_report(hostvars, authorities=[authority], warn_before=7) }}

- name: What stops when the root certificate ends
  ansible.builtin.debug:
    msg: >-
      {{ (groups['camsec_cameras'] | camsec.fleet.certificate_report(hostvars, authorities=[authority],
      stops='root')).stopping }}
"""

RETURN = r"""
_value:
  description:
    - C(findings) is a list, the worst first, each with C(kind), C(severity) (V(error), V(warning) or V(note)),
      C(device), C(subject), C(found), C(expected), C(advice) and C(rule).
    - C(forecast) is a list, the earliest first, each with C(device), C(kind) (V(answers_in_the_clear),
      V(clients_refuse) or V(unknown)), C(at), C(renew_from), C(renewal) (V(not_due), V(due), V(overdue) or V(unknown)),
      C(text) and C(rule).
    - C(stopping) is a list, each with C(kind) (V(device), V(recorder), V(card) or V(client)), C(name), C(at), C(text)
      and C(rule).
    - C(table) has one entry for each device, and C(csv) is the same as text.
    - C(counts) is the number of findings of each severity.
    - C(lines) is all of it for people, with the counts first.
    - C(at) is the instant of the report.
  type: dict
"""

import typing as t

from ansible.errors import AnsibleFilterError
from ansible_collections.camsec.fleet.plugins.module_utils._core._errors import CamsecError
from ansible_collections.camsec.fleet.plugins.plugin_utils._certificates import certificate_report


def _report(*arguments: t.Any, **options: t.Any) -> dict[str, t.Any]:
    try:
        return certificate_report(*arguments, **options)
    except CamsecError as error:
        raise AnsibleFilterError(error.message) from error


class FilterModule:
    """Ansible's interface."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """The filters of this file.

        Returns:
            Name to function.
        """
        return {"certificate_report": _report}
