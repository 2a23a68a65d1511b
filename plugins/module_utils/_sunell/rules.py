# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is common to all cameras, by the ids of Sunell's rules; what this dialect cannot do."""

from __future__ import annotations

import dataclasses as dc
import datetime as dt
import re
import types
import typing as t

from .._camera.abilities import RSA_ALONE
from .._camera.rules import CameraRules, RuleIds
from .._core._errors import RuleError
from .._core._plan import Impact
from .._tls._certificate import CertificateFacts, iso

if t.TYPE_CHECKING:
    from .._camera.state import CameraState

__all__ = ["RULES", "SunellRules"]

_COMMON_NAME: t.Final = re.compile(r"[0-9A-Za-z.\-:*]+")
_COUNTRY: t.Final = re.compile(r"(?:[A-Za-z]{2})?")


class SunellRules(CameraRules):
    """Rules CAM-01 to CAM-26, as far as all cameras have the like."""

    def field_fits(self, name: str, value: str) -> bool:
        """CAM-20: the common name is the camera's address or domain.

        Args:
            name: The field.
            value: Its value.

        Returns:
            True when its characters are allowed.
        """
        pattern = {"common_name": _COMMON_NAME, "country": _COUNTRY}.get(name, self.field_characters)
        return pattern.fullmatch(value) is not None

    def check_built_in_trusted(self, device: str, *, allowed: bool) -> None:
        """CAM-02: the built-in CA is given to clients only by the operator's explicit word.

        Its private key is in the firmware of every camera of this version: whoever has one of them can issue a
        certificate for any host, and each client that trusts this CA believes it.

        Raises:
            RuleError: Nobody said so.
        """
        if not allowed:
            raise RuleError(
                rule="CAM-02",
                device=device,
                subject="built-in CA",
                found="no explicit word that clients are to trust it",
                expected="a CA whose private key is not in every camera of this firmware",
                advice="Better is a root of your own that can issue for your cameras' names and addresses only (module"
                " certificate_authority, option permitted_names): have it sign the camera's request with the module"
                " camera. If clients are to trust the built-in CA all the same, say accept_shared_private_key: true.",
            )

    def check_built_in_clock(self, device: str, clock: dt.datetime, authority: CertificateFacts) -> None:
        """CAM-05: a restart makes a certificate by the camera's clock, which lies inside the built-in CA's validity.

        Raises:
            RuleError: It does not.
        """
        if not authority.not_before <= clock <= authority.not_after:
            raise RuleError(
                rule="CAM-05",
                device=device,
                subject="clock",
                found=iso(clock),
                expected=f"a time from {iso(authority.not_before)} to {iso(authority.not_after)}, the validity of the"
                " built-in CA, which issues by this clock at the restart",
                advice="Set the camera's clock first, for example with the module camera_time.",
            )

    def check_certificate_installable(self, device: str, state: CameraState) -> None:
        """CAM-23, CAM-24: it fits the key of the last CSR, which a factory reset deletes.

        Raises:
            RuleError: There is no CSR.
        """
        if not state.request_made_at:
            raise RuleError(
                rule=self.ids.installation,
                device=device,
                subject="CA certificate",
                found="no CSR made on this camera",
                expected="a certificate for a CSR that this camera made",
                advice="A factory reset deletes the CSR and its key (CAM-24). Shortest legal order: make a CSR, have it"
                " signed, install the certificate.",
            )

    def check_ca_certificate_deletable(self, device: str, state: CameraState) -> None:
        """CAM-04: it can always be deleted; the camera then shows its built-in certificate.

        Raises:
            RuleError: Never.
        """


RULES: t.Final = SunellRules(
    clock_advice="Set the camera's clock first, for example with the module camera_time. With daylight saving time on"
    " it is known to the hour only: switch that off, or try again an hour after the certificate's begin.",
    dialect="sunell",
    ids=RuleIds(
        no_tls="CAM-26",
        key="CAM-20",
        key_change="CAM-20",
        key_generation="CAM-20",
        previous_key="CAM-20",
        pair="CAM-23",
        foreign_key="CAM-13",
        subject="CAM-20",
        self_signed="CAM-01",
        self_signed_deletion="CAM-01",
        request="CAM-20",
        installation="CAM-23",
        deletion="CAM-04",
        connection="CAM-26",
        tls_versions="CAM-26",
        port="CAM-26",
        clock="CAM-15",
        address="CAM-03",
    ),
    cannot=types.MappingProxyType(
        {
            "set_tls_versions": "for which no public call chooses TLS versions",
            "generate_key": "which makes a new private key with each CSR and at no other time",
            "apply_previous_key": "which keeps no key but that of the last CSR",
            "make_self_signed": "which makes its built-in certificate at each boot and no other",
            "delete_self_signed": "whose built-in certificate cannot be deleted",
        }
    ),
    abilities=dc.replace(RSA_ALONE, foreign_keys=frozenset({"rsa"})),
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
    field_characters=re.compile(r"[ -~]*"),
    field_characters_text="ASCII; a common name of letters, digits, '.', '-', ':' and '*'",
    key_apart=False,
    https_alone=False,
    https_impacts=(
        Impact(
            rule="CAM-26",
            text="Plain HTTP stays open beside HTTPS on these cameras: close its port in the network.",
        ),
    ),
)
