# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the manual of i-PRO cameras forbids, each rule with its id and reason; checked before anything is sent.

Source: i-PRO network camera, operating instructions, 2.8.3 "How to configure HTTPS settings".
"""

from __future__ import annotations

import ipaddress
import re
import types
import typing as t

from .._camera.rules import CameraRules, RuleIds
from .._core._errors import RuleError
from .._core._plan import Impact

if t.TYPE_CHECKING:
    from .._camera.state import CameraState

__all__ = ["RULES", "IproRules"]


class IproRules(CameraRules):
    """The rules HTTPS-01 to HTTPS-33, and the states of wire dialect 1.3."""

    def field_fits(self, name: str, value: str) -> bool:
        """HTTPS-10: an IPv6 common name is written in brackets, which no other field may hold.

        Args:
            name: The field.
            value: Its value.

        Returns:
            True when its characters are allowed.
        """
        return super().field_fits(name, value) or (name == "common_name" and _is_bracketed_ipv6(value))

    def check_key_changeable(self, device: str, state: CameraState) -> None:
        """HTTPS-02, wire dialect 1.3: no new key while a certificate is in force.

        Raises:
            RuleError: A certificate is in force; the shortest legal way is named.
        """
        if state.ca_certificate in ("valid", "expired"):
            found, expected = f"a CA certificate that is {state.ca_certificate}", "no CA certificate"
            window = " With allow_http_window, the module camera goes that way."
            way = "delete the CA certificate, generate the key, make a CSR, install the new CA certificate"
            if state.https.connection == "https":
                way = f"set the connection to http, {way}, set the connection to https"
        elif state.self_signed == "valid":
            found, expected, window = "a self-signed certificate in force", "no certificate", ""
            way = "delete the self-signed certificate, generate the key"
            if state.https.connection == "https":
                way = f"set the connection to http, {way}"
        else:
            return
        raise RuleError(
            rule=self.ids.key_change,
            device=device,
            subject="private key",
            found=found,
            expected=f"{expected} while a key is generated or replaced",
            advice=f"Shortest legal order: {way}.{window}",
        )

    def restart_impacts(self, state: CameraState) -> tuple[Impact, ...]:
        """HTTPS-24: with an expired CA certificate the camera falls back to HTTP.

        Args:
            state: Present state.

        Returns:
            That, where it holds.
        """
        if state.ca_certificate != "expired":
            return ()
        text = "The CA certificate has expired: after the restart the camera answers in plain HTTP."
        return (Impact(rule="HTTPS-24", text=text),)

    def check_self_signed_makeable(self, device: str, state: CameraState) -> None:
        """Wire dialect 1.3: a self-signed certificate is made while the camera answers in plain HTTP.

        Raises:
            RuleError: It answers in HTTPS.
        """
        if state.https.connection == "https":
            raise RuleError(
                rule=self.ids.self_signed_deletion,
                device=device,
                subject="self-signed certificate",
                found="connection https",
                expected="connection http while the self-signed certificate is made",
                advice="Shortest legal order: set the connection to http, make the certificate, set it to https.",
            )


def _is_bracketed_ipv6(value: str) -> bool:
    try:
        return value[:1] == "[" and value[-1:] == "]" and ipaddress.ip_address(value[1:-1]).version == 6
    except ValueError:
        return False


RULES: t.Final = IproRules(
    dialect="ipro",
    cannot=types.MappingProxyType(
        {
            "install_with_key": "whose private key is made in the camera and stays there",
            "set_tls_versions": "for which no public call chooses TLS versions",
            "export_built_in_authority": "which has no certificate authority of its own",
            "set_time_server": "for which no public call sets a time server",
            "set_password": "for which no public call changes a password",
            "set_address": "for which no public call sets its address: set it by hand in its own pages, then run this"
            " again",
        }
    ),
    ids=RuleIds(
        no_tls="REC-21",
        key="HTTPS-01",
        key_change="HTTPS-02",
        key_generation="HTTPS-03",
        previous_key="HTTPS-04",
        pair="HTTPS-05",
        foreign_key="HTTPS-01",
        subject="HTTPS-10",
        self_signed="HTTPS-10",
        self_signed_deletion="HTTPS-12",
        request="HTTPS-20",
        installation="HTTPS-21",
        deletion="HTTPS-23",
        connection="HTTPS-30",
        tls_versions="HTTPS-30",
        port="HTTPS-31",
        clock="HTTPS-24",
    ),
    forbidden_ports=frozenset(
        (20, 21, 23, 25, 42, 53, 67, 68, 69, 80, 110, 123, 161, 162, 554, 995, 10669, 10670, *range(59000, 61001))
    ),
    forbidden_ports_text="20, 21, 23, 25, 42, 53, 67-69, 80, 110, 123, 161, 162, 554, 995, 10669, 10670 and"
    " 59000-61000",
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
    field_characters=re.compile(r"[0-9A-Za-z\-._,+/()]*"),
    field_characters_text="0-9 A-Z a-z - . _ , + / ( )",
    certificate_holds_key=True,
    keeps_chain=False,
    https_impacts=(
        Impact(
            rule="HTTPS-33",
            text="With HTTPS the refresh interval, the frame rate and the number of concurrent users can be lower.",
        ),
    ),
)
