# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The cipher suites that FTPES meets, as data that checks itself at import.

A suite's identity is its IANA name (TLS Cipher Suites registry); the OpenSSL name is an attribute. What authorities
say of it stands in :mod:`._verdicts`.
"""

from __future__ import annotations

import dataclasses as dc
import re
import typing as t

from .._core._errors import InputError

__all__ = ["SUITES", "TLS12_SUITES", "TLS13_SUITES", "CipherSuite", "suite_of_code_point", "suite_of_name"]

_NAME12 = re.compile(
    r"TLS_(?P<exchange>RSA|DHE_RSA|ECDHE_RSA|ECDHE_ECDSA)_WITH_(?P<cipher>AES_128|AES_256|CHACHA20)"
    r"_(?P<mode>CBC|GCM|POLY1305)_(?P<hash>SHA|SHA256|SHA384)"
)
_NAME13 = re.compile(r"TLS_(?P<cipher>AES_128|AES_256|CHACHA20)_(?P<mode>GCM|POLY1305)_(?P<hash>SHA256|SHA384)")


@dc.dataclass(frozen=True, kw_only=True)
class CipherSuite:
    """One cipher suite.

    Attributes:
        iana_name: Its identity, for example ``TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384``.
        code_point: The number on the wire, for example ``0xC030``.
        openssl_name: For example ``ECDHE-RSA-AES256-GCM-SHA384``.
        protocol: ``TLSv1.2`` or ``TLSv1.3``.
        key_exchange: ``RSA`` (key transport), ``DHE`` or ``ECDHE``.
        authentication: Kind of the server's key: ``RSA``, ``ECDSA``, or ``any`` (TLS 1.3 settles it apart).
        cipher: ``AES_128``, ``AES_256`` or ``CHACHA20``.
        mode: ``CBC``, ``GCM`` or ``POLY1305``.
        hash: ``SHA`` (SHA-1), ``SHA256`` or ``SHA384``: of the MAC in CBC suites, else of the key derivation.
    """

    iana_name: str
    code_point: int
    openssl_name: str
    protocol: str
    key_exchange: str
    authentication: str
    cipher: str
    mode: str
    hash: str

    def __post_init__(self) -> None:
        named = _parts(self.iana_name)
        if {key: getattr(self, key) for key in named} != named:
            raise ValueError(f"{self.iana_name}: its attributes are not those of its name")
        if not 0 < self.code_point <= 0xFFFF:
            raise ValueError(f"{self.iana_name}: {self.code_point:#x} is no code point")

    @property
    def forward_secret(self) -> bool:
        """A key that becomes known later opens no recorded traffic."""
        return self.key_exchange != "RSA"

    @property
    def aead(self) -> bool:
        """Encryption and integrity in one (RFC 5116)."""
        return self.mode != "CBC"

    @property
    def key_bits(self) -> int:
        """Bits of the cipher's key."""
        return 128 if self.cipher == "AES_128" else 256

    def shown(self) -> dict[str, t.Any]:
        """The suite as a result shows it."""
        return {**dc.asdict(self), "code_point": f"0x{self.code_point:04X}"}


def _parts(iana_name: str) -> dict[str, str]:
    match = _NAME12.fullmatch(iana_name)
    if match is not None:
        exchange, dummy, authentication = match["exchange"].rpartition("_")
        parts = {"protocol": "TLSv1.2", "key_exchange": exchange or "RSA", "authentication": authentication}
    else:
        match = _NAME13.fullmatch(iana_name)
        if match is None:
            raise ValueError(f"{iana_name}: no name of a suite served here")
        parts = {"protocol": "TLSv1.3", "key_exchange": "ECDHE", "authentication": "any"}
    return {**parts, **{key: match[key] for key in ("cipher", "mode", "hash")}}


def _suite(code_point: int, iana_name: str, openssl_name: str) -> CipherSuite:
    return CipherSuite(iana_name=iana_name, code_point=code_point, openssl_name=openssl_name, **_parts(iana_name))


# The fifteen of FTP-01 in the order of the maker's table, then what `modern` adds, then TLS 1.3 (RFC 8446 B.4).
SUITES: t.Final = (
    _suite(0xC030, "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384", "ECDHE-RSA-AES256-GCM-SHA384"),
    _suite(0xC02F, "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", "ECDHE-RSA-AES128-GCM-SHA256"),
    _suite(0xC02C, "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384", "ECDHE-ECDSA-AES256-GCM-SHA384"),
    _suite(0x002F, "TLS_RSA_WITH_AES_128_CBC_SHA", "AES128-SHA"),
    _suite(0x009D, "TLS_RSA_WITH_AES_256_GCM_SHA384", "AES256-GCM-SHA384"),
    _suite(0x003D, "TLS_RSA_WITH_AES_256_CBC_SHA256", "AES256-SHA256"),
    _suite(0x003C, "TLS_RSA_WITH_AES_128_CBC_SHA256", "AES128-SHA256"),
    _suite(0xC028, "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA384", "ECDHE-RSA-AES256-SHA384"),
    _suite(0xC027, "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256", "ECDHE-RSA-AES128-SHA256"),
    _suite(0xC024, "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA384", "ECDHE-ECDSA-AES256-SHA384"),
    _suite(0xC023, "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA256", "ECDHE-ECDSA-AES128-SHA256"),
    _suite(0x009F, "TLS_DHE_RSA_WITH_AES_256_GCM_SHA384", "DHE-RSA-AES256-GCM-SHA384"),
    _suite(0x006B, "TLS_DHE_RSA_WITH_AES_256_CBC_SHA256", "DHE-RSA-AES256-SHA256"),
    _suite(0x0039, "TLS_DHE_RSA_WITH_AES_256_CBC_SHA", "DHE-RSA-AES256-SHA"),
    _suite(0x0067, "TLS_DHE_RSA_WITH_AES_128_CBC_SHA256", "DHE-RSA-AES128-SHA256"),
    _suite(0xC02B, "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256", "ECDHE-ECDSA-AES128-GCM-SHA256"),
    _suite(0xCCA9, "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256", "ECDHE-ECDSA-CHACHA20-POLY1305"),
    _suite(0xCCA8, "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256", "ECDHE-RSA-CHACHA20-POLY1305"),
    _suite(0x1302, "TLS_AES_256_GCM_SHA384", "TLS_AES_256_GCM_SHA384"),
    _suite(0x1301, "TLS_AES_128_GCM_SHA256", "TLS_AES_128_GCM_SHA256"),
    _suite(0x1303, "TLS_CHACHA20_POLY1305_SHA256", "TLS_CHACHA20_POLY1305_SHA256"),
)
TLS12_SUITES: t.Final = tuple(suite for suite in SUITES if suite.protocol == "TLSv1.2")
TLS13_SUITES: t.Final = tuple(suite for suite in SUITES if suite.protocol == "TLSv1.3")

_BY_NAME: t.Final = {name: suite for suite in SUITES for name in (suite.iana_name, suite.openssl_name)}
_BY_CODE_POINT: t.Final = {suite.code_point: suite for suite in SUITES}
if len(_BY_CODE_POINT) != len(SUITES) or len({suite.iana_name for suite in SUITES}) != len(SUITES):
    raise ValueError("a suite stands twice in the table")


def suite_of_name(name: str) -> CipherSuite:
    """Look a suite up.

    Args:
        name: IANA or OpenSSL name.

    Returns:
        The suite.

    Raises:
        InputError: No suite of this table.
    """
    try:
        return _BY_NAME[name]
    except KeyError:
        raise InputError(
            device="cipher-suite policy",
            subject="cipher suite",
            found=name,
            expected="an IANA or OpenSSL name of the table in docs/ftpes_policies.md",
        ) from None


def suite_of_code_point(code_point: int) -> CipherSuite | None:
    """Look a suite up by its number on the wire.

    Args:
        code_point: For example ``0xC030``.

    Returns:
        The suite, or nothing for one that is not in the table.
    """
    return _BY_CODE_POINT.get(code_point)
