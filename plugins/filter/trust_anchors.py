# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What clients are to trust, checked on the controller."""

from __future__ import annotations

DOCUMENTATION = r"""
name: trust_anchors
short_description: Check root certificates before clients trust them
version_added: 1.0.0
author:
  - camsec.fleet contributors (@camsec)
description:
  - Reads PEM files on the controller and refuses, in one sentence, whatever no client should trust. That is a
    certificate that is no authority's, one that is not valid now, a file with a private key in it, and anything else.
  - A file may hold several certificates, as C(trusted.pem) of an authority does. Each is returned once.
  - The role P(camsec.fleet.client_trust#role) installs what this filter returns.
positional: _input
options:
  _input:
    description: PEM files on the controller.
    type: list
    elements: path
    required: true
  contents:
    description: Certificates as PEM text, besides.
    type: list
    elements: str
    default: []
  absent:
    description: SHA-256 of certificates that are not to be trusted any more, in hexadecimal. Colons are allowed.
    type: list
    elements: str
    default: []
"""

EXAMPLES = r"""
- name: Which certificates a client would get
  ansible.builtin.debug:
    msg: "{{ (['/etc/camsec/ca/root.pem'] | camsec.fleet.trust_anchors).wanted }}"
"""

RETURN = r"""
_value:
  description:
    - A dictionary. C(wanted) is a list of dictionaries with C(name) (the file on the client), C(sha256), C(subject),
      C(not_after), C(self_signed) and C(content). C(absent) is a list of C(name) and C(sha256).
  type: dict
"""

import datetime as dt
import typing as t

from ansible.errors import AnsibleFilterError
from ansible_collections.camsec.fleet.plugins.module_utils._core._errors import CamsecError
from ansible_collections.camsec.fleet.plugins.module_utils._pki._anchors import trust_wish


def _filter(paths: t.Sequence[str], contents: t.Sequence[str] = (), absent: t.Sequence[str] = ()) -> dict[str, t.Any]:
    try:
        return trust_wish(paths, contents, absent, now=dt.datetime.now(tz=dt.UTC)).shown()
    except CamsecError as error:
        raise AnsibleFilterError(error.message) from None


class FilterModule:
    """Ansible's interface."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """The filters of this file.

        Returns:
            Name to function.
        """
        return {"trust_anchors": _filter}
