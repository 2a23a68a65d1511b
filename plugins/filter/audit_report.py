# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an audit found, device by device."""

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
"""

EXAMPLES = r"""
- name: What is out of line
  ansible.builtin.debug:
    msg: "{{ (groups['camsec_cameras'] | camsec.fleet.audit_report(hostvars, warn_days=30)).lines }}"
"""

RETURN = r"""
_value:
  description:
    - RV(_value.findings) is a list, each with C(host), C(kind) (V(unread), V(out_of_line) or V(expires)) and C(text).
    - RV(_value.lines) are the same as lines for people, with a count first.
  type: dict
"""

import datetime as dt
import typing as t

_REGISTERED = ("camera_https_camera", "recorder_https_recorder", "data_encryption_recorder")


def audit_report(
    hosts: t.Iterable[str], hostvars: t.Mapping[str, t.Mapping[str, t.Any]], *, warn_days: int = 60
) -> dict[str, t.Any]:
    """Collect the findings of all hosts.

    Args:
        hosts: Inventory names.
        hostvars: The hosts' variables.
        warn_days: A certificate with fewer days left is a finding.

    Returns:
        C(findings) and C(lines).
    """
    names = list(hosts)
    now = dt.datetime.now(tz=dt.UTC)
    findings = [finding for name in names for finding in _findings(name, hostvars[name], now, int(warn_days))]
    lines = [f"{len(names)} devices, {len(findings)} findings"]
    lines += [f"{finding['host']}: {finding['kind'].replace('_', ' ')}: {finding['text']}" for finding in findings]
    return {"findings": findings, "lines": lines}


def _findings(
    name: str, variables: t.Mapping[str, t.Any], now: dt.datetime, warn_days: int
) -> t.Iterator[dict[str, str]]:
    results = [variables[key] for key in _REGISTERED if key in variables]
    done = [result for result in results if not result.get("skipped")]
    if not done:
        yield {"host": name, "kind": "unread", "text": "no result; see the task that failed"}
    for result in done:
        if result.get("failed"):
            yield {"host": name, "kind": "unread", "text": str(result.get("msg", "failed"))}
        for step in result.get("plan", ()) if result.get("changed") else ():
            yield {"host": name, "kind": "out_of_line", "text": str(step["title"])}
        certificate = result.get("certificate") or (result.get("before") or {}).get("certificate")
        if certificate:
            left = (dt.datetime.fromisoformat(certificate["not_after"]) - now).days
            if left < warn_days:
                text = f"certificate {certificate['serial_number']} has {left} days left ({certificate['not_after']})"
                yield {"host": name, "kind": "expires", "text": text}


class FilterModule:
    """Ansible's interface."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """The filters of this file.

        Returns:
            Name to function.
        """
        return {"audit_report": audit_report}
