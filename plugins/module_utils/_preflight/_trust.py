# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The certificates that a server shows, tried against what lies on the camera's card."""

from __future__ import annotations

import datetime as dt
import functools
import ssl
import typing as t

from .._thirdparty import UnsupportedAlgorithm, x509
from .._tls._certificate import CertificateFacts, iso
from .._tls._suites import CipherSuite, suite_of_code_point
from ._enumerate import Suites
from ._facts import Chain
from ._gate import Gate, together
from ._login import trusting
from ._wire import Conversation, Target

__all__ = ["chains_shown"]

_NO_TIME_CHECK: t.Final = ssl.VerifyFlags(0x200000)  # X509_V_FLAG_NO_CHECK_TIME, which Python gives no name
_NOT_YET_VALID, _EXPIRED = 9, 10
_LOCAL_ISSUER = (2, 20, 21)
_WEAK_HASHES: t.Final = frozenset({"md5", "sha1"})
_SMALLEST_RSA: t.Final = 2048
_ONLY12 = (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_2)
_ONLY13 = (ssl.TLSVersion.TLSv1_3, ssl.TLSVersion.TLSv1_3)


def chains_shown(
    target: Target, gate: Gate, *, control: Suites, card: str | None, now: dt.datetime
) -> tuple[Chain, ...]:
    """Judge each chain that the server showed; one with an RSA and an ECDSA certificate has two.

    Args:
        target: The server.
        gate: Holds connections back.
        control: What the control channel takes, with the certificates that came along.
        card: PEM of the card's certificates.
        now: The clock.

    Returns:
        The chains. Of a server that takes TLS 1.3 alone, Python before 3.13 shows the server's own certificate only.
    """
    shown: dict[tuple[bytes, ...], list[int]] = {}
    for suite, answer in control.answers.items():
        if answer.certificates:
            shown.setdefault(answer.certificates, []).append(suite)
    works = [
        functools.partial(_judged, target, gate, ders=ders, suites=tuple(suites), card=card, now=now)
        for ders, suites in shown.items()
    ]
    if not works and control.tls13:
        works = [functools.partial(_judged, target, gate, ders=(), suites=(), card=card, now=now)]
    return tuple(together(gate, works))


def _judged(
    target: Target, gate: Gate, *, ders: tuple[bytes, ...], suites: tuple[int, ...], card: str | None, now: dt.datetime
) -> Chain:
    problems: list[str] = []
    trusted: bool | None = None
    known = [suite for suite in map(suite_of_code_point, suites) if suite is not None]
    handshake = functools.partial(_handshake, target, suites=known, versions=_ONLY12 if suites else _ONLY13)
    if not ders:
        ders = gate.call(functools.partial(handshake, card=None))[2]
    certificates = tuple(CertificateFacts.from_der(der, device=target.device, subject="chain") for der in ders)
    problems += _out_of_time(certificates, now)
    if certificates and not certificates[0].covers(target.server_name):
        names = ", ".join(certificates[0].subject_alt_names) or "no subject alternative name"
        problems.append(f"The certificate is for {names}, not for {target.server_name}.")
    if card is not None and (known or not suites):
        code, words, dummy = gate.call(functools.partial(handshake, card=card))
        if code in (_NOT_YET_VALID, _EXPIRED):
            if not problems:
                problems.append(f"Against the card's certificates: {words}.")
            code, words, dummy = gate.call(functools.partial(handshake, card=card, check_time=False))
        trusted = code == 0
        if code:
            problems.insert(0, _why_untrusted(code, words, certificates))
    return Chain(
        suites=suites,
        certificates=certificates,
        trusted=trusted,
        problems=tuple(problems),
        weaknesses=tuple(word for one in certificates for word in _weak(one)),
    )


def _handshake(
    target: Target,
    *,
    suites: t.Sequence[CipherSuite],
    versions: tuple[ssl.TLSVersion, ssl.TLSVersion],
    card: str | None,
    check_time: bool = True,
) -> tuple[int, str, tuple[bytes, ...]]:
    """A whole handshake: OpenSSL's code and words about the chain (0 when it holds), and what was shown."""
    try:
        context = trusting(card, suites=suites, versions=versions, name=False)
    except ssl.SSLError:
        return -1, "the local OpenSSL has none of these suites", ()
    if not check_time:
        context.verify_flags |= _NO_TIME_CHECK
    with Conversation(target) as talk:
        talk.start_tls()
        try:
            connection = talk.wrap(context)
        except ssl.SSLCertVerificationError as error:
            return error.verify_code, error.verify_message, ()
        except ssl.SSLError as error:
            return -1, f"no handshake came about ({(error.reason or 'no reason given').lower().replace('_', ' ')})", ()
        chain = tuple(getattr(connection, "get_unverified_chain", lambda: ())())
        return 0, "", chain or (connection.getpeercert(binary_form=True) or b"",)


def _why_untrusted(code: int, words: str, certificates: tuple[CertificateFacts, ...]) -> str:
    if code not in _LOCAL_ISSUER or not certificates:
        return f"The chain does not verify with the card's certificates alone: {words}."
    last = certificates[-1]
    missing = last.issuer or "an issuer without a name"
    return (
        f"The chain does not verify with the card's certificates alone: the server's chain ends at {last.subject}, and "
        f"its issuer {missing} is neither sent nor on the card ({words})."
    )


def _out_of_time(certificates: t.Iterable[CertificateFacts], now: dt.datetime) -> list[str]:
    found = []
    for one in certificates:
        if now >= one.not_after:
            found.append(f"The certificate of {one.subject} expired on {iso(one.not_after)}.")
        if now < one.not_before:
            found.append(f"The certificate of {one.subject} is not valid before {iso(one.not_before)}.")
    return found


def _weak(facts: CertificateFacts) -> t.Iterator[str]:
    if facts.key_type == "rsa" and facts.key_size < _SMALLEST_RSA:
        yield f"The RSA key of {facts.subject} has {facts.key_size} bits, expected at least {_SMALLEST_RSA}."
    if facts.self_signed:
        return  # nobody checks the signature of a root
    try:
        hash_ = x509.load_der_x509_certificate(facts.der).signature_hash_algorithm
    except (UnsupportedAlgorithm, ValueError):
        return
    if hash_ is not None and hash_.name in _WEAK_HASHES:
        yield f"The certificate of {facts.subject} is signed with {hash_.name.upper()}."
