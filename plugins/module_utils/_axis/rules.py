# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What Axis cameras forbid; the ids are the names of VAPIX's own operations."""

from __future__ import annotations

import re
import types
import typing as t

from .._camera.abilities import Abilities, KeyKind
from .._camera.rules import KeystoreRules, RuleIds
from .._camera.state import CameraState, HttpsState
from .._core._errors import RuleError
from .._pki._keys import KEY_TYPES

__all__ = ["RULES"]


class AxisRules(KeystoreRules):
    """Scheme and port are two calls, of which the first may cut the connection."""

    def check_switch(self, device: str, state: CameraState, wanted: HttpsState) -> None:
        """Away from HTTPS, neither call can come first: both cut the connection that the other needs.

        Args:
            device: Name in messages.
            state: Present state.
            wanted: How it is to answer.

        Raises:
            RuleError: Both are to change.
        """
        present = state.https
        away = wanted.connection == "http" and state.peer is not None
        if away and present.https_port != wanted.https_port:
            raise RuleError(
                rule=self.ids.port,
                device=device,
                subject="HTTPS port",
                found=f"{wanted.https_port}, together with the connection http",
                expected=f"{present.https_port}, its present one",
                advice="Shortest legal order: set the connection to http, set the HTTPS port.",
            )


RULES: t.Final = AxisRules(
    dialect="axis",
    ids=RuleIds(
        no_tls="cert.v1",
        key="create_certificate",
        key_change="create_certificate",
        key_generation="create_certificate",
        previous_key="cert.v1.certificates",
        pair="cert.v1.certificates",
        foreign_key="cert.v1.certificates",
        subject="create_certificate",
        self_signed="create_certificate",
        self_signed_deletion="cert.v1.certificates",
        request="get_csr",
        installation="cert.v1.certificates",
        deletion="cert.v1.certificates",
        connection="SetWebServerTlsConfiguration",
        tls_versions="SetWebServerTlsConfiguration",
        port="virtualhost.v1",
        clock="cert.v1.certificates",
        address="setIPv4AddressConfiguration",
    ),
    keeps_request=False,
    cannot=types.MappingProxyType(
        {
            "set_tls_versions": "whose TLS versions go with its AXIS OS",
            "export_built_in_authority": "which has no certificate authority of its own",
            "apply_previous_key": "whose certificate store knows no order of keys",
            "delete_certificate": "which deletes the private key with its certificate",
            "make_self_signed": "which has a self-signed certificate from the factory on",
            "delete_self_signed": "which deletes the private key with its certificate",
        }
    ),
    # What a camera's own keystore narrows down, where it matters.
    abilities=Abilities(
        key_kinds=tuple(KeyKind(type=name, size=size) for name, sizes in KEY_TYPES.items() for size in sizes),
        foreign_keys=frozenset(KEY_TYPES),
    ),
    # Upper bounds of RFC 5280 appendix A.1; VAPIX has no others.
    field_limits=types.MappingProxyType(
        {
            "common_name": 64,
            "country": 2,
            "state": 128,
            "locality": 128,
            "organization": 64,
            "organizational_unit": 64,
        }
    ),
    field_characters=re.compile(r"[^\x00-\x1f\x7f]*"),
    field_characters_text="any but control characters",
)
