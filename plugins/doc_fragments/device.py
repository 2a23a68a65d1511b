# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation that all device modules share."""

from __future__ import annotations


class ModuleDocFragment:
    """The connection to a device."""

    DOCUMENTATION = r"""
options:
  host:
    description:
      - Address or host name of the device. An IPv6 address may have a zone, as in V(fe80::1%eth0), which says by which
        link it is reached; certificates and their names leave it out.
      - A task without it is for the inventory host that it runs for. O(host) is then its C(ansible_host), or its name
        in the inventory, and every other option of how to reach and trust the device that the task leaves out is taken
        from the host's variable C(camsec_<option>), for example O(username) from C(camsec_username), if there is one.
      - A task with it talks to another device than the inventory host, and takes nothing from variables.
    type: str
  http_port:
    description:
      - Port on which the device answers in plain HTTP, when it does.
    type: int
    default: 80
  https_port:
    description:
      - Port on which the device answers, or is to answer, in HTTPS.
    type: int
    default: 443
  former_https_port:
    description:
      - Port on which the device answered in HTTPS before O(https_port) was chosen; tried after it.
    type: int
  username:
    description:
      - Account on the device, with the administrator's level.
      - A refused login is never tried a second time, since devices lock themselves.
      - Required, as an option or as the variable C(camsec_username).
    type: str
  password:
    description:
      - Password of the account.
      - Required, as an option or as the variable C(camsec_password).
    type: str
  ca_path:
    description:
      - PEM file with the certificates by which the device is verified, where the task runs.
    type: path
  spki_sha256:
    description:
      - Pins, the SHA-256 of the device's public key (SubjectPublicKeyInfo) in hexadecimal.
      - When given, a device that shows one of these keys is trusted, and no other.
    type: list
    elements: str
    default: []
  first_contact:
    description:
      - What to do with a device that cannot prove yet who it is.
      - V(refuse) talks to a verified device only.
      - V(plain_http) also logs in over plain HTTP when the device does not answer in HTTPS. Use it for the
        first contact
        with a device fresh from the factory, on a network that you trust. Whoever is between can read and change
        everything but the password itself, which HTTP Digest hides.
      - V(any_certificate) accepts any certificate, and plain HTTP as well. Use it for self-signed
        certificates only, and
        pin what the result shows.
      - Each such contact is returned as RV(ignore:contact), warned of when something is changed over it, and written
        into the ledger of the certificate authority where the task has one.
    type: str
    choices: [refuse, plain_http, any_certificate]
    default: refuse
  timeout:
    description:
      - Seconds for each wait on the device.
    type: float
    default: 10.0
"""

    CAMERA = r"""
options:
  driver:
    description:
      - What the camera speaks. V(auto) asks for each dialect in turn, in the order of the choices, by calls that change
        nothing; it costs a few requests more.
      - What a dialect cannot do is said before anything is sent.
    type: str
    choices: [auto, ipro, axis, onvif, sunell]
    default: ipro
  serial_number:
    description:
      - The camera's own serial number, as M(camsec.fleet.camera_info) shows it. When given, whatever else answers at
        the address is refused before anything is changed or any new secret is sent.
    type: str
    default: ''
  key_timeout:
    description:
      - Seconds that the camera may take to generate a key, also one that a task finds it busy with; about 120 are usual
        (HTTPS-03).
    type: float
    default: 300.0
  switch_timeout:
    description:
      - Seconds that the camera may take until it answers under a new scheme, port or certificate (HTTPS-32).
    type: float
    default: 120.0
requirements:
  - requests
  - cryptography
notes:
  - What the manual forbids is refused with the id of its rule before anything is sent, in check mode too.
  - Tried against the collection's simulator only, not on hardware. The page C(docs/wire_dialects.md) tells for
    each call
    how sure it is.
"""

    SUBJECT = r"""
options:
  common_name:
    description:
      - Common name of the certificate, up to 64 characters (HTTPS-10). An IPv6 address is put in brackets.
      - The default is O(host).
    type: str
  country:
    description:
      - Country, two letters.
    type: str
    default: ''
  state_or_province:
    description:
      - State or province, up to 128 characters.
    type: str
    default: ''
  locality:
    description:
      - Locality, up to 128 characters.
    type: str
    default: ''
  organization:
    description:
      - Organization, up to 64 characters.
    type: str
    default: ''
  organizational_unit:
    description:
      - Organizational unit, up to 64 characters.
    type: str
    default: ''
"""

    ACTION_GROUP = r"""
attributes:
  action_group:
    description: Use C(group/camsec.fleet.device) in C(module_defaults) to set options for all device modules at once.
    support: full
    membership:
      - camsec.fleet.device
"""

    CHANGES = r"""
attributes:
  check_mode:
    description: Plans and checks the rules, changes nothing.
    support: full
  diff_mode:
    description: Shows the state before and after, without secrets.
    support: full
  idempotent:
    description: A second run changes nothing.
    support: full
"""

    READS = r"""
attributes:
  check_mode:
    description: Changes nothing.
    support: full
  diff_mode:
    description: Changes nothing.
    support: N/A
  idempotent:
    description: Changes nothing.
    support: full
"""
