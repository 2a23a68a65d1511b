# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The order in which a VMS is encrypted."""

from __future__ import annotations

DOCUMENTATION = r"""
name: vms_plan
short_description: The order in which a VMS is encrypted
version_added: 1.0.0
author:
  - camsec.fleet contributors (@camsec)
description:
  - Works out of the servers of a Milestone XProtect VMS, of what they hold, and of what is wanted, the steps that
    switch its encryption on or off, in the order that keeps it working - trust everywhere, certificates everywhere, a
    handshake with each, the switch at the management server, then at the others (VMS-10 to VMS-15). Off is the reverse.
  - Only what is missing is a step; a plan that was carried out half is gone on with from what is there.
  - A server that did not answer holds up the switches, not what comes before them.
  - Tells what each link is like now, which clients have to trust which roots, and what stops when a certificate or a
    root ends, of which the VMS gives no warning (VMS-16).
  - It plans and changes nothing. P(camsec.fleet.vms_encryption#role) carries the steps out.
positional: _input
options:
  _input:
    description:
      - The servers, each with C(name) and C(roles), some of V(management_server), V(recording_server),
        V(failover_recording_server), V(event_server), V(log_server), V(lpr_server) and V(mobile_server).
      - Where it is known also C(host_name), C(name) by default; C(mobile_host_name), by which clients reach a mobile
        server; C(trusted), a list of roots, each as SHA-256 or as PEM; C(reachable), V(true) by default; and
        C(certificates), a dictionary by certificate group.
      - Lists of certificate groups are C(encrypted), what is on; C(broken), those of them whose handshakes break; and
        C(silent), those of which nobody knows whether they are on.
      - Certificate groups are V(server), V(streaming_media), V(mobile_server) and V(event_server). Of each certificate
        C(content) is its PEM, C(issuers) the list of those between it and its root, C(key_readable) whether the service
        account can read its private key (VMS-14). C(due) is why it is to be issued anew, as M(camsec.fleet.vms_info)
        judged it, and C(due_rule) the rule that says so; they count for the plan of now, and not for another O(at).
    type: list
    elements: dict
    required: true
  clients:
    description:
      - What fetches streams and is no server, each with C(name) and C(kind), one of V(smart_client),
        V(management_client), V(open_network_bridge), V(dlna_server), V(interconnect_site), V(mip_integration),
        V(mobile_client) and V(web_client).
      - Also C(trusted) where it is known, and C(servers) where it does not fetch from all.
    type: list
    elements: dict
    default: []
  roots:
    description: Root certificates that are known, PEM.
    type: list
    elements: str
    default: []
  management:
    description:
      - Whether the management server and all others are to speak encrypted (VMS-01, VMS-02). Without it, that stays as
        it is.
    type: bool
  streaming:
    description: The same of recording servers and what fetches streams from them (VMS-03).
    type: bool
  mobile:
    description: The same of mobile servers and their clients (VMS-04).
    type: bool
  renew:
    description:
      - Certificates of what is on and left as it is are renewed when they are due (VMS-17).
    type: bool
    default: false
  authority_root:
    description:
      - Root certificate, PEM, of the authority that issues what is missing. Without it, a server that has no
        certificate which could serve is an error. So is a root that is not valid when something is to be
        switched on.
      - Of several, those that are valid are all the authority's. Where it has authorities below them, they may be there
        too; of those that sign no other one, the one that ends last issues.
    type: str
  new_authority:
    description: The authority that issues what is missing is yet to be made, so that its root is not known.
    type: bool
    default: false
  other_authority:
    description:
      - What becomes of certificates of other authorities that can serve. V(replace) has all of them issued anew, such
        as when the root is another one from now on.
    type: str
    choices: [keep, replace]
    default: keep
  renew_before:
    description: A certificate of that authority with fewer days left is issued anew, with the same subject (VMS-17).
    type: float
    default: 30
  warn_before:
    description:
      - A certificate or a root with fewer days left, in use or about to be, is a warning. Less than O(renew_before).
    type: float
    default: 15
  at:
    description: The instant, ISO 8601 with a time zone. By default now.
    type: str
"""

EXAMPLES = r"""
- name: What encrypting the VMS takes
  ansible.builtin.debug:
    msg: "{{ (servers | camsec.fleet.vms_plan(management=true, streaming=true, authority_root=root)).table }}"
  vars:
    root: "{{ lookup('ansible.builtin.file', '/etc/camsec/ca/root.pem') }}"
    servers:
      - {name: management01, host_name: management01.example, roles: [management_server]}
      - {name: recording01, host_name: recording01.example, roles: [recording_server]}

- name: The same as a picture
  ansible.builtin.copy:
    content: "{{ (servers | camsec.fleet.vms_plan(management=true, authority_root=root)).svg }}"
    dest: /tmp/vms.svg
    mode: "0644"
  vars:
    root: "{{ lookup('ansible.builtin.file', '/etc/camsec/ca/root.pem') }}"
    servers:
      - {name: management01, host_name: management01.example, roles: [management_server]}
      - {name: recording01, host_name: recording01.example, roles: [recording_server]}
"""

RETURN = r"""
_value:
  description:
    - C(steps) is a list in order, each with C(id), C(stage), C(server), C(group), C(title), C(rule), C(root) and
      C(reason); C(blocked) is what cannot be done yet, and C(held_up_by) says why.
    - C(links) is a list, each with C(rule), C(presenter), C(group), C(verifier), C(status) (V(plain), V(encrypted),
      V(broken) or V(unknown)) and C(reason); C(link_counts) has the number of each status.
    - C(client_trust) is a list, each with C(client), C(kind), C(root), C(servers) and C(trusted).
    - C(endings) is a list, the earliest first, each with C(what), C(server), C(group), C(at), C(days_left), C(links),
      C(stops), C(severity) and C(text).
    - C(impacts) is a list of side effects, each with C(rule) and C(text).
    - C(table) is all of it for people, C(svg) a picture.
  type: dict
"""

import typing as t

from ansible.errors import AnsibleFilterError
from ansible_collections.camsec.fleet.plugins.module_utils._core._errors import CamsecError
from ansible_collections.camsec.fleet.plugins.module_utils._vms.report import vms_plan


def _plan(*arguments: t.Any, **options: t.Any) -> dict[str, t.Any]:
    try:
        return vms_plan(*arguments, **options)
    except CamsecError as error:
        raise AnsibleFilterError(error.message) from error


class FilterModule:
    """Ansible's interface."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """The filters of this file.

        Returns:
            Name to function.
        """
        return {"vms_plan": _plan}
