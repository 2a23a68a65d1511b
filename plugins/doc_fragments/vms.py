# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation that the modules for servers of a VMS share."""

from __future__ import annotations


class ModuleDocFragment:
    """A Windows host of the VMS."""

    DOCUMENTATION = r"""
options:
  host:
    description:
      - Name of the server in messages and in the authority's ledger. By default the inventory's name of the host that
        the task runs for. Commands always go over that host's connection.
    type: str
  address:
    description:
      - Address of the server. Where it is an IP address, its certificate names it besides O(vms_host_name). By default
        the host's C(ansible_host).
    type: str
  vms_host_name:
    description:
      - Host name by which the other servers and the clients reach this one, and which its certificate has to name
        (VMS-12). By default O(host).
      - Like every option here but O(host) and O(address), a task that leaves it out takes it from the host's variable
        C(camsec_<option>), C(camsec_vms_host_name).
    type: str
  vms_mobile_host_name:
    description:
      - Host name by which clients reach the mobile server, where it is another one than O(vms_host_name), such as one
        that the internet knows. The certificate of the group C(mobile_server) has to name it. Without it, that group
        keeps a certificate that it presents, whatever name it has.
    type: str
  vms_roles:
    description:
      - What runs on the server. Required, as an option or as the variable C(camsec_vms_roles).
    type: list
    elements: str
    choices:
      - management_server
      - recording_server
      - failover_recording_server
      - event_server
      - log_server
      - lpr_server
      - mobile_server
  vms_ports:
    description:
      - Where the server listens. Whether a certificate group is on is seen by a handshake with C(data_collector),
        C(streaming) and C(mobile).
    type: dict
    default: {}
    suboptions:
      management:
        description: Management server and API gateway, encrypted.
        type: int
        default: 443
      management_http:
        description: The same without encryption.
        type: int
        default: 80
      data_collector:
        description: Data collector, on every server.
        type: int
        default: 7609
      webapi:
        description: Of a recording server, towards the management server.
        type: int
        default: 9001
      streaming:
        description: Of a recording server, towards all that fetch streams.
        type: int
        default: 7563
      mobile:
        description: Of a mobile server, encrypted.
        type: int
        default: 8082
      mobile_http:
        description: The same without encryption.
        type: int
        default: 8081
      event:
        description: Of an event server.
        type: int
        default: 22331
  vms_service_account:
    description:
      - The account that the server's services run as; it has to be able to read the private key (VMS-14).
    type: str
    default: NT AUTHORITY\NETWORK SERVICE
  vms_configurator_path:
    description:
      - Where ServerConfigurator is.
    type: str
    default: C:\Program Files\Milestone\Server Configurator\ServerConfigurator.exe
  timeout:
    description:
      - Seconds for each handshake.
    type: float
    default: 10.0
  switch_timeout:
    description:
      - Seconds until a certificate group answers as it should after a switch or a renewal; services restart meanwhile.
    type: float
    default: 180.0
requirements:
  - cryptography
  - on the Windows host, PowerShell 5.1 and an account that is an administrator there
notes:
  - Runs on the controller, and sends PowerShell over the connection of the task's host (winrm, psrp, or ssh with
    C(ansible_shell_type=powershell)). Nothing is installed or left on the host. Secrets are on standard input alone.
  - What the maker forbids is refused with the id of its rule before anything is changed, in check mode too.
  - Tried against the collection's simulator only, over ssh; not on Windows, not with a real VMS. The page
    C(docs/wire_vms.md) tells for each call how sure it is.
attributes:
  action_group:
    description: Use C(group/camsec.fleet.vms) in C(module_defaults) to set options for all these modules at once.
    support: full
    membership:
      - camsec.fleet.vms
"""

    TRUST = r"""
options:
  ca_path:
    description:
      - PEM file on the controller with the roots. Certificates in it that are no root are left out.
    type: path
  ca_content:
    description:
      - The same as text.
    type: str
"""

    CERTIFICATE = r"""
options:
  authority_directory:
    description:
      - Directory on the controller of the certificate authority that signs what is missing or due, see
        M(camsec.fleet.certificate_authority). The key is made on the server and does not leave it.
    type: path
  authority_passphrase:
    description:
      - Passphrase of its key; needed when something has to be signed.
    type: str
  sign_command:
    description:
      - Program and arguments that sign instead of O(authority_directory), for an authority that is not ours; see
        O(camsec.fleet.camera#module:sign_command). It is run on the controller, and needs O(ca_path). Where a
        certificate is in use, it has to keep the subject of the request (VMS-17). Of the inventory's variables it
        stands in the place of O(authority_directory).
    type: list
    elements: str
  sign_timeout:
    description:
      - Seconds that O(sign_command) may take.
    type: float
    default: 60.0
  crl_path:
    description:
      - Revocation list of the authority of O(sign_command), PEM or DER. A certificate on it is replaced.
    type: path
  pkcs12_path:
    description:
      - A certificate with its RSA key from elsewhere, PKCS#12, which only its owner may read (mode 0600).
    type: path
  pkcs12_passphrase:
    description:
      - Its passphrase. The file is made anew for the server under a passphrase that is used once.
    type: str
  certificate_groups:
    description:
      - Certificate groups whose certificates are this task's business; empty for all that the server has. One
        certificate serves several groups, unless they present ones of different subjects already, or O(pkcs12_path) is
        for some of them only.
    type: list
    elements: str
    choices: [server, streaming_media, mobile_server]
    default: []
  subject_alt_name:
    description:
      - Names and addresses for the certificate besides O(vms_host_name) and O(address).
    type: list
    elements: str
    default: []
  private_key_size:
    description:
      - Bits of a new RSA key (VMS-19).
    type: int
    choices: [2048, 3072, 4096]
    default: 2048
  lifetime_days:
    description:
      - Validity of a new certificate, in days.
    type: int
    default: 397
  backdate_hours:
    description:
      - A new certificate starts this many hours ago, for hosts whose clock is behind.
    type: int
    default: 24
  renew_before:
    description:
      - A certificate of our authority with fewer days left is renewed, with the same subject (VMS-17).
    type: float
    default: 30.0
  other_authority:
    description:
      - What becomes of a certificate of another authority that can serve. V(replace) has a new one signed, and removes
        it like one of our own that was replaced; such as when the root is another one from now on.
    type: str
    choices: [keep, replace]
    default: keep
  remove_old:
    description:
      - Certificates of our authority that a new one with the same subject has replaced are removed with their keys,
        each by its thumbprint, once a handshake has shown that the new one is presented.
    type: bool
    default: true
"""

    SWITCH = r"""
options:
  thumbprint:
    description:
      - The certificate to switch on with, as Windows shows it. By default the one that serves, the newest that names
        the host, has a readable key and is trusted.
    type: str
"""

    CONFIGURATOR = r"""
options:
  stop_running_configurator:
    description:
      - End an instance of ServerConfigurator that runs already, since a second one ends with exit code -4. Somebody may
        be working with it.
    type: bool
    default: false
"""
