# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What ONVIF devices forbid: the faults that the Security Service Specification names, checked before anything is sent.

The ids are those of the faults, or of the operation whose order they come from.
"""

from __future__ import annotations

import re
import types
import typing as t

from .._camera.abilities import TLS_VERSIONS, Abilities, KeyKind
from .._camera.rules import KeystoreRules, RuleIds
from .._pki._keys import KEY_TYPES

__all__ = ["RULES"]


RULES: t.Final = KeystoreRules(
    dialect="onvif",
    ids=RuleIds(
        no_tls="tas:TLSServerSupported",
        key="ter:KeyID",
        key_change="ter:ReferenceExists",
        key_generation="tas:CreateRSAKeyPair",
        previous_key="tas:GetAllKeys",
        pair="ter:NoMatchingPrivateKey",
        foreign_key="tas:UploadCertificateWithPrivateKeyInPKCS12",
        subject="ter:InvalidSubject",
        self_signed="tas:CreateSelfSignedCertificate",
        self_signed_deletion="ter:ReferenceExists",
        request="tas:CreatePKCS10CSR",
        installation="tas:UploadCertificate",
        deletion="ter:ReferenceExists",
        connection="tds:SetNetworkProtocols",
        tls_versions="tas:SetEnabledTLSVersions",
        port="ter:PortAlreadyInUse",
        clock="tas:UploadCertificate",
        address="tds:SetNetworkInterfaces",
    ),
    keeps_request=False,
    cannot=types.MappingProxyType(
        {
            "apply_previous_key": "whose keystore knows no order of keys",
            "export_built_in_authority": "whose certificate authority, if it has one, no call exports",
        }
    ),
    # What a device's own capabilities narrow down, where it matters.
    abilities=Abilities(
        key_kinds=tuple(KeyKind(type=name, size=size) for name, sizes in KEY_TYPES.items() for size in sizes),
        foreign_keys=frozenset(KEY_TYPES),
        tls_versions=TLS_VERSIONS,
    ),
    # Upper bounds of RFC 5280 appendix A.1; ONVIF has no others.
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
