# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What each authority says of each cipher suite, with its reason; where they disagree, that is shown, not settled.

The words of a verdict: ``recommended`` and ``deprecated`` are the authority's own; ``acceptable`` is allowed without
being preferred; ``disallowed`` is forbidden; ``not_listed`` means that a list which is meant to be complete leaves the
suite out; ``not_judged`` means that the authority does not speak of it.
"""

from __future__ import annotations

import dataclasses as dc
import typing as t

from ._suites import SUITES, CipherSuite

__all__ = ["AUTHORITIES", "Authority", "Verdict", "disagreement", "is_deprecated", "verdicts"]

_MAKER_RECOMMENDED: t.Final = frozenset(
    {
        "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384",
        "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
        "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384",
    }
)
_MAKER_DEPRECATED: t.Final = frozenset(suite.iana_name for suite in SUITES[:15]) - _MAKER_RECOMMENDED


@dc.dataclass(frozen=True, kw_only=True)
class Verdict:
    """What one authority says of one suite.

    Attributes:
        authority: Key of :data:`AUTHORITIES`.
        status: ``recommended``, ``acceptable``, ``deprecated``, ``disallowed``, ``not_listed`` or ``not_judged``.
        reason: Why, in one sentence.
    """

    authority: str
    status: str
    reason: str

    @property
    def favourable(self) -> bool:
        """The authority has nothing against new use."""
        return self.status in ("recommended", "acceptable")


@dc.dataclass(frozen=True, kw_only=True)
class Authority:
    """Somebody whose word on cipher suites counts.

    Attributes:
        title: Whose word, and which document.
        judge: Status and reason for a suite.
    """

    title: str
    judge: t.Callable[[CipherSuite], tuple[str, str]]


def _maker(suite: CipherSuite) -> tuple[str, str]:
    if suite.iana_name in _MAKER_RECOMMENDED:
        return "recommended", "One of the three that the camera's guide recommends (FTP-01)."
    if suite.iana_name in _MAKER_DEPRECATED:
        return "deprecated", f"{_weakness(suite)}; kept for older servers and may go in a later version (FTP-01)."
    return "not_judged", "The camera does not offer it."


def _weakness(suite: CipherSuite) -> str:
    named = [
        word
        for word, holds in (
            ("CBC", not suite.aead),
            ("DHE", suite.key_exchange == "DHE"),
            ("static RSA", suite.key_exchange == "RSA"),
            ("SHA-1", suite.hash == "SHA"),
        )
        if holds
    ]
    return f"Uses {' and '.join(named)}"


def _nist_tls(suite: CipherSuite) -> tuple[str, str]:
    if suite.cipher == "CHACHA20":
        return "not_listed", "ChaCha20-Poly1305 is not an approved algorithm."
    if suite.protocol == "TLSv1.3":
        return "recommended", "Section 3.3.1.2 lists it for TLS 1.3, which servers must support since 2024."
    if suite.key_exchange == "RSA":
        return "disallowed", "RSA key transport has no forward secrecy; appendix D allowed it as a bridge only."
    if suite.aead:
        return "recommended", "Section 3.3.1.1 lists it; ephemeral keys and GCM stand first in its preferences."
    if suite.hash == "SHA":
        return "acceptable", "Section 3.3.1.1 lists it; CBC and SHA-1 stand last in its preferences."
    return "acceptable", "Section 3.3.1.1 lists it; GCM and CCM are preferred to CBC."


def _nist_transition(suite: CipherSuite) -> tuple[str, str]:
    if suite.cipher == "CHACHA20":
        return "not_listed", "ChaCha20-Poly1305 is not an approved algorithm."
    if suite.key_exchange == "RSA":
        return "disallowed", "Key transport with PKCS #1 v1.5 padding is disallowed after 2023 (section 6)."
    if suite.hash == "SHA":
        return "acceptable", "SHA-1 stays acceptable in HMAC, not in signatures (sections 9 and 10)."
    return "acceptable", "AES, HMAC and (EC)DH with approved groups are acceptable (sections 2, 5 and 10)."


def _nist_strength(suite: CipherSuite) -> tuple[str, str]:
    if suite.cipher == "CHACHA20":
        return "not_listed", "ChaCha20-Poly1305 is not an approved algorithm."
    return (
        "acceptable",
        f"{suite.key_bits} bits of strength are acceptable beyond 2030 (tables 2 and 4); the mode is judged elsewhere.",
    )


_INTERMEDIATE: t.Final = frozenset(
    suite.iana_name for suite in SUITES if suite.protocol == "TLSv1.3" or (suite.key_exchange == "ECDHE" and suite.aead)
)
_OLD: t.Final = _INTERMEDIATE | frozenset(suite.iana_name for suite in SUITES if suite.key_exchange in ("ECDHE", "RSA"))


def _mozilla_modern(suite: CipherSuite) -> tuple[str, str]:
    if suite.protocol == "TLSv1.3":
        return "recommended", "Modern is TLS 1.3 alone."
    return "not_listed", "Modern is TLS 1.3 alone."


def _mozilla_intermediate(suite: CipherSuite) -> tuple[str, str]:
    if suite.iana_name in _INTERMEDIATE:
        return "recommended", "Forward secret and authenticated encryption."
    if suite.key_exchange == "DHE" and suite.aead:
        return "not_listed", "Version 5.8 took finite-field DHE out; 5.7 still had it."
    return "not_listed", "Only forward secret suites with authenticated encryption are listed."


def _mozilla_old(suite: CipherSuite) -> tuple[str, str]:
    if suite.iana_name in _OLD:
        return "acceptable", "For very old clients, as a last resort."
    return "not_listed", "Version 5.8 took finite-field DHE out."


def _onvif(suite: CipherSuite) -> tuple[str, str]:
    if suite.iana_name == "TLS_AES_128_GCM_SHA256":
        return "not_listed", "Of TLS 1.3 the baseline takes AES-256-GCM and ChaCha20-Poly1305."
    if suite.iana_name in _INTERMEDIATE:
        return "recommended", "In the baseline: TLS 1.3, or ECDHE with GCM or ChaCha20-Poly1305."
    return "not_listed", "Not in the baseline: no ECDHE with authenticated encryption."


AUTHORITIES: t.Final[t.Mapping[str, Authority]] = {
    "maker": Authority(title="Sony, MPC-2610 Help Guide, Notes on security", judge=_maker),
    "nist_sp800_52r2": Authority(title="NIST SP 800-52 Rev. 2 (2019), TLS", judge=_nist_tls),
    "nist_sp800_57r5": Authority(title="NIST SP 800-57 Part 1 Rev. 5 (2020), strength", judge=_nist_strength),
    "nist_sp800_131ar2": Authority(title="NIST SP 800-131A Rev. 2 (2019), transitions", judge=_nist_transition),
    "mozilla_modern": Authority(title="Mozilla Server Side TLS 5.8, modern", judge=_mozilla_modern),
    "mozilla_intermediate": Authority(title="Mozilla Server Side TLS 5.8, intermediate", judge=_mozilla_intermediate),
    "mozilla_old": Authority(title="Mozilla Server Side TLS 5.8, old", judge=_mozilla_old),
    "onvif_baseline": Authority(title="ONVIF Security Baseline 25.12", judge=_onvif),
}


def verdicts(suite: CipherSuite) -> tuple[Verdict, ...]:
    """What each authority says of a suite.

    Args:
        suite: One of the table.

    Returns:
        One verdict for each of :data:`AUTHORITIES`, in its order.
    """
    return tuple(
        Verdict(authority=key, status=status, reason=reason)
        for key, (status, reason) in ((key, authority.judge(suite)) for key, authority in AUTHORITIES.items())
    )


def is_deprecated(suite: CipherSuite) -> bool:
    """Whether the camera's maker deprecates a suite: the question that evidence is asked (FTP-01, FTP-02)."""
    return suite.iana_name in _MAKER_DEPRECATED


def disagreement(suite: CipherSuite) -> str:
    """Who is for a suite and who against it, where they disagree.

    Args:
        suite: One of the table.

    Returns:
        One sentence; empty where all that judge the suite agree.
    """
    judged = [verdict for verdict in verdicts(suite) if verdict.status != "not_judged"]
    favourable = [f"{verdict.authority} ({verdict.status})" for verdict in judged if verdict.favourable]
    against = [f"{verdict.authority} ({verdict.status})" for verdict in judged if not verdict.favourable]
    if not favourable or not against:
        return ""
    return f"For it: {', '.join(favourable)}; against it: {', '.join(against)}."
