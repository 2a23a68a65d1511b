# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation that the modules share which speak to a VMS's API Gateway."""

from __future__ import annotations


class ModuleDocFragment:
    """The connection to an API Gateway."""

    DOCUMENTATION = r"""
options:
  host:
    description:
      - Host name or address of the management server, on which the API Gateway runs.
      - A task without it is for the inventory host that it runs for. O(host) is then its C(ansible_host), or its name
        in the inventory, and every other option of how to reach and trust the VMS that the task leaves out is taken
        from the host's variable C(camsec_<option>), for example O(username) from C(camsec_username), if there is one.
      - A task with it talks to another host than the inventory host, and takes nothing from variables.
    type: str
  http_port:
    description:
      - Port on which the API Gateway answers in plain HTTP, as long as the VMS is not encrypted.
    type: int
    default: 80
  https_port:
    description:
      - Port on which the API Gateway answers in HTTPS. It is not the port of any camera.
    type: int
    default: 443
  username:
    description:
      - A basic user of the VMS, whose role may read the hardware, and change it where something is changed. Windows
        accounts cannot be used.
      - A refused login is never tried a second time, since the VMS locks accounts.
      - Required, as an option or as the variable C(camsec_username).
    type: str
  password:
    description:
      - Password of the account. It buys a token, which every other request carries, and is sent to no server that has
        not proved who it is, unless O(first_contact) says so.
      - Required, as an option or as the variable C(camsec_password).
    type: str
  ca_path:
    description:
      - PEM file with the certificates by which the management server is verified, where the task runs.
    type: path
  spki_sha256:
    description:
      - Pins, the SHA-256 of the management server's public key (SubjectPublicKeyInfo) in hexadecimal.
      - When given, a server that shows one of these keys is trusted, and no other.
    type: list
    elements: str
    default: []
  first_contact:
    description:
      - What to do with a VMS that is not encrypted yet.
      - V(refuse) talks to a verified server only.
      - V(plain_http) also logs in over plain HTTP when the server does not answer in HTTPS. B(The password then goes
        over the network as it is), and whoever is between can also keep HTTPS from answering. Use it on a network that
        you trust, until the VMS is encrypted, and change the password then.
    type: str
    choices: [refuse, plain_http]
    default: refuse
  timeout:
    description:
      - Seconds for each wait on the server.
    type: float
    default: 30.0
requirements:
  - requests
  - cryptography
notes:
  - Not tried on a real VMS. The page C(docs/wire_vms.md) tells for each call how sure it is. That settings are changed
    by C(PATCH), and how their values are written, is inferred.
"""

    ACTION_GROUP = r"""
attributes:
  action_group:
    description: Use C(group/camsec.fleet.vms_gateway) in C(module_defaults) to set options for all of them at once.
    support: full
    membership:
      - camsec.fleet.vms_gateway
"""
