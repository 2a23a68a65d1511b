# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation that the recorder modules share."""

from __future__ import annotations


class ModuleDocFragment:
    """The options of recorders."""

    DOCUMENTATION = r"""
options:
  command_interval:
    description:
      - Seconds between two commands in one session of the recorder. The maker's minimum is 3; a recorder refuses
        faster ones.
      - Smaller values are for simulators only.
    type: float
    default: 3.0
  switch_timeout:
    description:
      - Seconds that the recorder may take until it answers under a new HTTPS port.
    type: float
    default: 60.0
requirements:
  - requests
  - cryptography
notes:
  - What the manual forbids is refused with the id of its rule before anything is sent, in check mode too.
  - One login for the whole task, and always a logout, since a recorder has 16 sessions at most.
  - Tried against the collection's simulator only, not on hardware. The page C(docs/wire_dialects.md) tells for
    each call how sure it is; most of the calls that change settings are inferred.
"""

    ROOT = r"""
options:
  root_certificate_path:
    description:
      - PEM file, where the task runs, in which the recorder's own root certificate is kept, much like C(known_hosts).
      - When the file exists and neither O(ca_path) nor O(spki_sha256) is given, the recorder is verified by it.
      - When it does not exist, the first contact is made as O(first_contact) allows, the root is downloaded
        (REC-13), HTTPS is verified by it, and the file is written with mode 0644. That is a change.
    type: path
"""

    LICENSE = r"""
options:
  main_unlock_key:
    description:
      - The recorder's own unlock key, 20 digits; hyphens and spaces do not count.
      - It has to be registered before any kit's (REC-02). A recorder that is unlocked already is left as it is.
    type: str
  kit_unlock_keys:
    description:
      - Unlock keys of licence kits. A registered one is recognised by its first and last four digits.
      - Keys are never taken off.
    type: list
    elements: str
    default: []
"""

    HTTPS = r"""
options:
  connection:
    description:
      - How PCs reach the recorder (REC-10). With V(https_only) port forwarding does not work.
      - V(https_only) is set only after HTTPS was verified while HTTP was still on.
    type: str
    choices: [http_and_https, https_only]
  tls_1_1:
    description:
      - Whether TLS 1.1 is allowed for HTTPS (REC-11). The factory setting is on.
    type: bool
"""

    LINK = r"""
options:
  trusted_ca_path:
    description:
      - PEM file, where the task runs, with certificates by which the recorder is to verify cameras.
      - They are installed into the recorder first. Certificates that it has already stay.
    type: path
  trusted_ca_content:
    description:
      - The same as text.
    type: str
  retired_ca_path:
    description:
      - PEM file, where the task runs, with certificates by which the recorder must no longer verify cameras. They are
        taken out after everything else; those that it does not have are passed over.
      - A camera that still shows a certificate of them is then no longer seen over HTTPS. The playbook
        C(camsec.fleet.rotate_ca) looks for such cameras first.
      - The call is inferred and was not tried on hardware.
    type: path
  retired_ca_content:
    description:
      - The same as text.
    type: str
  on_unseen:
    description:
      - What to do when the recorder is not connected to a camera within O(link_timeout) after the camera's
        connection was changed.
      - V(fail) leaves the setting and fails.
      - V(revert) puts the setting of these cameras back to what it was, in the same login, and names them in
        RV(ignore:reverted).
      - V(report) leaves the setting and names them in RV(ignore:unseen).
    type: str
    choices: [fail, revert, report]
    default: fail
  link_timeout:
    description:
      - Seconds that the recorder may take until it is connected to the cameras again.
    type: float
    default: 60.0
"""

    ENCRYPTION = r"""
options:
  data_encryption_password:
    description:
      - The recorder's password for recorded data, 4 to 16 half-width letters, digits and symbols (REC-30).
      - Needed as soon as a camera encrypts. Needs an escrow, since pictures that were recorded under a password
        are lost with it (REC-35); without one the task fails before anything is sent.
      - Whether it is the one in force is told from the escrow's keyed fingerprint and, where there are encrypted
        recordings, from whether the recorder can decode the newest one.
    type: str
  former_data_encryption_password:
    description:
      - The password that is in force now, where it was set by hand and the escrow does not know it.
      - Where there is an encrypted recording that the recorder plays, it has to play with this password too, or the
        task fails before the password is changed. Over HTTPS that is tried before anything is sent, in check mode too.
    type: str
  on_unknown_former:
    description:
      - What to do when the recorder has a password that the escrow does not know, and
        O(former_data_encryption_password) is not given.
      - With V(fail) the task fails before anything is sent, in check mode too.
      - With V(accept_loss) the password is replaced, with a warning. What was recorded under it can then never be
        played again unless somebody knows it (REC-35). Use it only where these recordings are not needed.
    type: str
    choices: [fail, accept_loss]
    default: fail
  escrow_path:
    description:
      - Escrow file of this recorder, in ansible-vault's format, where the task runs.
    type: path
  escrow_directory:
    description:
      - Directory of escrow files; the file is named after O(escrow_name).
    type: path
  escrow_name:
    description:
      - Name of the recorder in O(escrow_directory), required together with it. The lookup
        P(camsec.fleet.recording_password#lookup) finds a password by this name; the roles use the inventory name.
    type: str
  escrow_password:
    description:
      - Vault password of the escrow.
    type: str
  escrow_password_file:
    description:
      - File with the vault password of the escrow.
    type: path
"""
