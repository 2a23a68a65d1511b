# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A cipher-suite policy in a server's own configuration."""

from __future__ import annotations

DOCUMENTATION = r"""
name: ftpes_server_configuration
short_description: Put a cipher-suite policy into the configuration of vsftpd or proftpd
version_added: 1.0.0
author:
  - camsec.fleet contributors (@camsec)
description:
  - Takes the text of a server's configuration and returns it with the policy in a marked block at its end.
  - Lines outside of the block that set the same are turned into comments, since proftpd takes the first of two.
  - Files that the configuration includes are not looked at.
  - The role P(camsec.fleet.ftpes_server_policy#role) writes what this filter returns.
positional: _input
options:
  _input:
    description: The configuration.
    type: str
    required: true
  server:
    description: Whose configuration it is.
    type: str
    choices: [proftpd, vsftpd]
    required: true
  policy:
    description: V(recommended), V(compatible), V(modern) or V(custom).
    type: str
    required: true
  suites:
    description: Cipher suites of the policy V(custom), IANA or OpenSSL names, the preferred first.
    type: list
    elements: str
    default: []
  tls_versions:
    description: V(TLSv1.2), V(TLSv1.3) or both.
    type: list
    elements: str
    default: [TLSv1.2, TLSv1.3]
  session_reuse:
    description: Whether data connections must resume the TLS session of the control connection.
    type: str
    choices: [require, prefer]
    default: require
  require_close_notify:
    description: Refuse an upload that ends without TLS's close_notify. vsftpd alone has this option.
    type: bool
    default: true
  rsa:
    description: RSA certificate, a dictionary with C(certificate_path) and C(key_path).
    type: dict
  ecdsa:
    description: ECDSA certificate, a dictionary with C(certificate_path) and C(key_path).
    type: dict
  dh_parameters_path:
    description: File with the group of DHE suites. proftpd alone has this option.
    type: path
  vsftpd_tls_options:
    description:
      - V(single) for vsftpd 3.0.3, which knows C(ssl_tlsv1) alone, V(versions) for later ones.
      - With V(single) OpenSSL's own configuration decides about TLS 1.0 and 1.1.
    type: str
    choices: [single, versions]
    default: single
"""

EXAMPLES = r"""
- name: What the file should be
  ansible.builtin.debug:
    msg: >-
      {{ lookup('ansible.builtin.file', '/etc/vsftpd.conf')
         | camsec.fleet.ftpes_server_configuration(server='vsftpd', policy='recommended') }}
"""

RETURN = r"""
_value:
  description: The configuration with the policy; the same text when it has it already.
  type: str
"""

import typing as t

from ansible.errors import AnsibleFilterError
from ansible_collections.camsec.fleet.plugins.module_utils._core._errors import CamsecError
from ansible_collections.camsec.fleet.plugins.plugin_utils._ftp_configuration import server_configuration


def _filter(text: str, **options: t.Any) -> str:
    try:
        return server_configuration(text, **options)
    except CamsecError as error:
        raise AnsibleFilterError(error.message) from error


class FilterModule:
    """Ansible's interface."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """The filters of this file.

        Returns:
            Name to function.
        """
        return {"ftpes_server_configuration": _filter}
