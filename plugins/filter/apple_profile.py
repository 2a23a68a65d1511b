# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A configuration profile with root certificates, for Apple's devices."""

from __future__ import annotations

DOCUMENTATION = r"""
name: apple_profile
short_description: Make a configuration profile with root certificates for iOS, iPadOS and macOS
version_added: 1.0.0
author:
  - camsec.fleet contributors (@camsec)
description:
  - Reads PEM files on the controller, checks them as P(camsec.fleet.trust_anchors#filter) does, and returns a
    C(.mobileconfig), an unsigned property list with a payload for each certificate.
  - The same arguments make the same profile. A profile replaces the one with the same identifier.
  - Not tried on a device.
positional: _input
options:
  _input:
    description: PEM files on the controller.
    type: list
    elements: path
    required: true
  identifier:
    description: Identifier of the profile, in reverse-DNS form.
    type: str
    required: true
  display_name:
    description: What people see in the settings.
    type: str
    default: Video surveillance certificates
  organization:
    description: Whose profile it is.
    type: str
    default: ''
"""

EXAMPLES = r"""
- name: A profile for the guards' phones
  ansible.builtin.copy:
    content: "{{ ['/etc/camsec/ca/root.pem'] | camsec.fleet.apple_profile(identifier='example.surveillance.roots') }}"
    dest: /srv/www/surveillance.mobileconfig
    mode: "0644"
"""

RETURN = r"""
_value:
  description: The profile, a property list in XML.
  type: str
"""

import datetime as dt
import typing as t

from ansible.errors import AnsibleFilterError
from ansible_collections.camsec.fleet.plugins.module_utils._core._errors import CamsecError
from ansible_collections.camsec.fleet.plugins.module_utils._pki._anchors import apple_profile, trust_wish


def _filter(
    paths: t.Sequence[str],
    identifier: str,
    display_name: str = "Video surveillance certificates",
    organization: str = "",
) -> str:
    try:
        wish = trust_wish(paths, (), (), now=dt.datetime.now(tz=dt.UTC))
        return apple_profile(wish.wanted, identifier=identifier, display_name=display_name, organization=organization)
    except CamsecError as error:
        raise AnsibleFilterError(error.message) from None


class FilterModule:
    """Ansible's interface."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """The filters of this file.

        Returns:
            Name to function.
        """
        return {"apple_profile": _filter}
