# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The inventory plugin recorder."""

from __future__ import annotations

DOCUMENTATION = r"""
name: recorder
short_description: The cameras that recorders know
version_added: 1.0.0
author:
  - camsec.fleet contributors (@camsec)
description:
  - Logs in to one or several recorders and makes inventory hosts of them (group C(camsec_recorders)) and of the
    cameras that they know (group C(camsec_cameras)), with the variables that the roles and modules of this collection
    take.
  - Nothing is ever written to a recorder. Each is asked in a thread of its own, with one login and always a logout.
  - A refused login is not tried a second time in the same run, since recorders lock themselves.
  - Groups by recorder (C(camsec_recorder_<name>), the recorder itself among them), by model
    (C(camsec_model_<model>)), by connection state (C(camsec_state_normal), C(camsec_state_error),
    C(camsec_state_not_registered)), by registered protocol (C(camsec_connection_http), C(camsec_connection_https))
    and by data encryption (C(camsec_data_encryption_on), C(camsec_data_encryption_off)). Recorders that could not be
    read are in C(camsec_unread).
  - A recorder without a licence kit does not tell its cameras (REC-06); they are left out, with a warning.
  - Passwords become neither variables nor part of the cache. Give C(camsec_password) to the hosts in C(group_vars).
  - The file's name ends in C(camsec_recorder.yml) or C(camsec_recorder.yaml).
extends_documentation_fragment:
  - constructed
  - inventory_cache
options:
  plugin:
    description: V(camsec.fleet.recorder).
    type: str
    required: true
    choices: [camsec.fleet.recorder]
  recorders:
    description:
      - The recorders. What an entry leaves out is taken from the option of the same name beside this one.
      - Values may be templates, with C(lookup) or the variables of C(-e), and encrypted with C(!vault).
    type: list
    elements: dict
    required: true
    suboptions:
      name:
        description: Name of the recorder in the inventory. By default its O(recorders[].host).
        type: str
      host:
        description: Address or host name.
        type: str
        required: true
      http_port:
        description: Port for plain HTTP. The default is O(http_port).
        type: int
      https_port:
        description: Port for HTTPS. The default is O(https_port).
        type: int
      former_https_port:
        description: Port for HTTPS that is tried after O(recorders[].https_port). The default is O(former_https_port).
        type: int
      username:
        description: Account. The default is O(username).
        type: str
      password:
        description: Its password. The default is O(password).
        type: str
      ca_path:
        description: PEM file by which it is verified. The default is O(ca_path), and then O(trust_directory).
        type: str
      spki_sha256:
        description: Pins of its public key. The default is O(spki_sha256).
        type: list
        elements: str
      first_contact:
        description: The default is O(first_contact).
        type: str
        choices: [refuse, plain_http, any_certificate]
      timeout:
        description: Seconds for each wait on it. The default is O(timeout).
        type: float
      command_interval:
        description: Seconds between two commands. The default is O(command_interval).
        type: float
  http_port:
    description: Port for plain HTTP.
    type: int
    default: 80
  https_port:
    description: Port for HTTPS.
    type: int
    default: 443
  former_https_port:
    description: Port for HTTPS that is tried after O(https_port), for recorders that were not changed yet.
    type: int
  username:
    description: Account on the recorders. Its level has to be 1 or 2.
    type: str
    env:
      - name: CAMSEC_RECORDER_USERNAME
  password:
    description: Its password. Do not write it into the file in the clear.
    type: str
    env:
      - name: CAMSEC_RECORDER_PASSWORD
  ca_path:
    description:
      - PEM file with the certificates by which recorders are verified.
      - A relative path is below the folder of the inventory file, here and in O(trust_directory).
    type: str
  trust_directory:
    description:
      - Directory in which the roles keep the recorders' root certificates (C(camsec_trust_directory)).
      - Where it has a file C(<name>.pem), and neither O(ca_path) nor a pin is given, the recorder is verified by it.
    type: str
  spki_sha256:
    description: Pins, the SHA-256 of a recorder's public key in hexadecimal; used instead of O(ca_path).
    type: list
    elements: str
    default: []
  first_contact:
    description:
      - What to do with a recorder that cannot prove yet who it is.
      - V(refuse) talks to a verified recorder only.
      - V(plain_http) also logs in over plain HTTP when the recorder does not answer in verified HTTPS. Whoever is
        between can then tell Ansible any cameras.
      - V(any_certificate) accepts any certificate, and plain HTTP as well.
      - The variable C(camsec_contact) of the recorder shows how it was reached.
    type: str
    choices: [refuse, plain_http, any_certificate]
    default: refuse
  timeout:
    description: Seconds for each wait on a recorder.
    type: float
    default: 10.0
  command_interval:
    description:
      - Seconds between two commands in one session of a recorder. The maker's minimum is 3, so that reading takes
        about 9 seconds, however many recorders there are.
      - Smaller values are for simulators only.
    type: float
    default: 3.0
  hostname:
    description:
      - What cameras are called.
      - V(address) is the camera's address as the recorder tells it. Of two cameras with one address the first counts,
        with a warning.
      - V(recorder_number) is C(<recorder>-<number>), for example C(rec01-7).
    type: str
    choices: [address, recorder_number]
    default: address
  on_unreachable:
    description:
      - What to do when a recorder cannot be read, because it does not answer, is not trusted or refuses the login.
      - V(fail) makes the whole inventory source fail. Ansible itself goes on without it, with a warning, unless
        C(ANSIBLE_INVENTORY_ANY_UNPARSED_IS_FAILED) is set.
      - V(warn) goes on with the others. The recorder stays in C(camsec_recorders), without its cameras, and is read
        again the next time, whatever the cache holds.
    type: str
    choices: [fail, warn]
    default: fail
notes:
  - The present state is in C(camsec_state), C(camsec_fault), C(camsec_registered_connection),
    C(camsec_registered_https_port) and C(camsec_registered_data_encryption). They are not what a role is to bring
    about. C(camsec_connection) is set, to V(http), only for a camera without TLS (REC-21).
  - C(camsec_https_port) is set for cameras that are registered with HTTPS. A recorder tells neither the names of
    cameras nor their ports for plain HTTP.
  - A host that an earlier source made keeps the variables that it has.
  - Tried against the collection's simulator only, not on hardware. The page C(docs/wire_dialects.md) tells for each
    call how sure it is; most calls about cameras are inferred.
requirements:
  - requests
  - cryptography
"""

EXAMPLES = r"""
# site.camsec_recorder.yml; ansible-inventory -i site.camsec_recorder.yml -e @vault.yml --graph
plugin: camsec.fleet.recorder
username: ADMIN
trust_directory: /etc/camsec/recorders
on_unreachable: warn
recorders:
  - name: rec01
    host: 192.0.2.5
    password: "{{ vault_rec01 }}"
  - name: rec02
    host: 192.0.2.6
    password: "{{ lookup('ansible.builtin.env', 'REC02_PASSWORD') }}"
hostname: recorder_number
groups:
  lost_cameras: camsec_state | default('normal') == 'error'
keyed_groups:
  - prefix: compression
    key: camsec_compression
cache: true
cache_plugin: ansible.builtin.jsonfile
cache_connection: ~/.cache/camsec
"""

import typing as t

from ansible_collections.camsec.fleet.plugins.module_utils._core._host import InventoryHosts
from ansible_collections.camsec.fleet.plugins.module_utils._recorder.inventory import (
    SOURCE_OPTIONS,
    inventory_hosts,
    sources_from,
    survey,
)
from ansible_collections.camsec.fleet.plugins.plugin_utils._inventory import FleetInventory


class InventoryModule(FleetInventory):
    """Ansible's interface."""

    NAME = "camsec.fleet.recorder"
    suffix = "camsec_recorder"

    def collect(self, path: str, kept: t.Mapping[str, t.Any]) -> InventoryHosts:
        """Read the recorders.

        Args:
            path: The file with the options.
            kept: What an earlier run kept.

        Returns:
            Recorders and cameras.
        """
        entries = [self.checked(entry, SOURCE_OPTIONS, path) for entry in self.option("recorders")]
        for entry in entries:
            entry["ca_path"] = self.below(path, entry["ca_path"])
        sources = sources_from(entries, trust_directory=self.below(path, self.option("trust_directory")))
        found = survey(sources, kept)
        fails = self.option("on_unreachable") == "fail"
        self.warn(error.message for error in found.errors[1 if fails else 0 :])
        if fails:
            found.fail()
        self.keep(path, found.readings)
        return inventory_hosts(sources, found, hostname=self.option("hostname"))
