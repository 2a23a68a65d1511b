# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lookup recording_password."""

from __future__ import annotations

DOCUMENTATION = r"""
name: recording_password
short_description: Recording passwords of a recorder at an instant
version_added: 1.0.0
author:
  - camsec.fleet contributors (@camsec)
description:
  - Pictures recorded before a change of the recording password play only with the password that was set when they were
    recorded. This lookup tells that password from the escrow that M(camsec.fleet.recorder_data_encryption) keeps.
  - Normally one password is returned. Around a change, and after one that was never confirmed, every password that may
    have been in force is returned, the likeliest first; ask for a list with C(query) or O(ignore:wantlist=true).
options:
  _terms:
    description:
      - Inventory names of the recorders.
    type: list
    elements: str
    required: true
  at:
    description:
      - The instant when the pictures were recorded, ISO 8601 with a time zone. By default now.
    type: str
  escrow_directory:
    description:
      - Directory of the escrow, on the controller.
    type: path
    required: true
    vars:
      - name: camsec_escrow_directory
    env:
      - name: CAMSEC_ESCROW_DIRECTORY
  vault_password_file:
    description:
      - File, or executable that prints it, with the vault password that the escrow was written with.
      - Without it and without O(vault_password), the vault secrets that Ansible itself was given are tried.
    type: path
  vault_password:
    description:
      - The vault password that the escrow was written with.
    type: str
notes:
  - The result is a secret. Use it in tasks with C(no_log=true) only.
requirements:
  - cryptography
"""

EXAMPLES = r"""
- name: Find the password for pictures of that evening
  ansible.builtin.set_fact:
    camsec_playback_passwords: >-
      {{ query('camsec.fleet.recording_password', 'rec01', at='2026-11-22T20:15:00Z',
               escrow_directory='/srv/camsec/escrow') }}
  no_log: true
"""

RETURN = r"""
_raw:
  description: The passwords that may have been in force then, for each recorder in turn, the likeliest first.
  type: list
  elements: str
"""

import datetime as dt
import typing as t

from ansible.errors import AnsibleLookupError
from ansible.parsing.vault import VaultLib, VaultSecret, VaultSecretsContext, get_file_vault_secret
from ansible.plugins.lookup import LookupBase
from ansible_collections.camsec.fleet.plugins.module_utils._core._errors import CamsecError
from ansible_collections.camsec.fleet.plugins.module_utils._escrow._escrow import Escrow, escrow_path


class LookupModule(LookupBase):
    """Looks passwords up in the escrow."""

    def run(self, terms: list[str], variables: dict[str, t.Any] | None = None, **kwargs: t.Any) -> list[str]:
        """Look up.

        Args:
            terms: Recorders.
            variables: The host's variables.
            **kwargs: The options.

        Returns:
            The passwords.

        Raises:
            AnsibleLookupError: The escrow cannot be read, or knows no password for that instant.
        """
        plugin: t.Any = self  # ansible-core does not annotate its plugins
        plugin.set_options(var_options=variables, direct=kwargs)
        instant = _instant(plugin.get_option("at"))
        vault = self._vault(plugin.get_option("vault_password_file"), plugin.get_option("vault_password"))
        found: list[str] = []
        for recorder in terms:
            try:
                path = escrow_path(plugin.get_option("escrow_directory"), recorder)
                entries = Escrow(path, vault=vault).password_at(instant)
            except CamsecError as error:
                raise AnsibleLookupError(error.message) from None
            if not entries:
                raise AnsibleLookupError(f"{path}: the escrow knows no recording password of {instant.isoformat()}.")
            found.extend(dict.fromkeys(entry.password.reveal() for entry in entries))
        return found

    def _vault(self, file: str | None, password: str | None) -> VaultLib:
        if file and password:
            raise AnsibleLookupError("Give vault_password_file or vault_password, not both.")
        if file:
            secret = get_file_vault_secret(filename=file, loader=self._loader)
            secret.load()
            return VaultLib([("default", secret)])
        if password:
            return VaultLib([("default", VaultSecret(str(password).encode("utf-8", "surrogateescape")))])
        secrets = getattr(VaultSecretsContext.current(optional=True), "secrets", None)
        if not secrets:
            raise AnsibleLookupError("No vault password: give vault_password_file, or run Ansible with --vault-id.")
        return VaultLib(secrets)


def _instant(text: str | None) -> dt.datetime:
    if not text:
        return dt.datetime.now(dt.UTC)
    try:
        instant = dt.datetime.fromisoformat(str(text))
    except ValueError:
        raise AnsibleLookupError(f"{text!r} is no instant, for example 2026-11-22T10:00:00Z.") from None
    if instant.tzinfo is None:
        raise AnsibleLookupError(f"{text!r} has no time zone, as in 2026-11-22T10:00:00Z.")
    return instant
