# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the facts mean for a camera: recommended, only deprecated, or unreachable, and why. Pure."""

from __future__ import annotations

import dataclasses as dc
import typing as t

from .._tls._certificate import iso
from .._tls._policies import CameraModel
from .._tls._probe import iana_name
from .._tls._registry import suite_name, version_name
from .._tls._suites import CipherSuite, suite_of_code_point
from .._tls._verdicts import is_deprecated
from ._facts import Chain, DataChannel, Facts, Order, Pick

__all__ = ["VERDICTS", "Finding", "Judgement", "findings", "judge", "overall"]

#: From the best to the worst.
VERDICTS: t.Final = ("recommended", "only_deprecated", "unreachable")
_SMALLEST_DH: t.Final = 2048
_BROKEN: t.Final = ("_NULL", "_anon_", "_EXPORT_", "RC4", "RC2", "_DES_", "DES40", "3DES", "_MD5", "IDEA")


@dc.dataclass(frozen=True, kw_only=True)
class Judgement:
    """What a camera of one model gets.

    Attributes:
        model: The model's name.
        verdict: One of :data:`VERDICTS`.
        reason: Why, in one sentence.
        control: What it would get on the control channel.
        data: What it would get on the data channel; None when that was not looked at.
    """

    model: str
    verdict: str
    reason: str
    control: Pick
    data: Pick | None


@dc.dataclass(frozen=True, kw_only=True)
class Finding:
    """Something else that is worth knowing.

    Attributes:
        level: ``problem``, ``warning`` or ``note``.
        text: One sentence.
    """

    level: str
    text: str


def judge(model: CameraModel, facts: Facts) -> Judgement:
    """Say what a camera gets.

    Args:
        model: The camera.
        facts: About the server.

    Returns:
        Verdict and reason.
    """
    control, data = facts.picks[model.name], facts.data_picks.get(model.name)
    verdict, reason = _unreachable(model, facts, control, data) or _negotiated(model, facts, control, data)
    return Judgement(model=model.name, verdict=verdict, reason=reason, control=control, data=data)


def overall(judgements: t.Iterable[Judgement]) -> Judgement:
    """The worst of several.

    Args:
        judgements: At least one.

    Returns:
        It.
    """
    return max(judgements, key=lambda one: VERDICTS.index(one.verdict))


def _unreachable(model: CameraModel, facts: Facts, control: Pick, data: Pick | None) -> tuple[str, str] | None:
    reason = ""
    if control.first is None:
        reason = _nothing_in_common(model, facts)
    elif chain := _chain_of(facts.chains, control.first):
        reason = chain.problems[0] if chain.problems else ""
    if not reason and data is not None and data.first is None:
        reason = _no_data(model, facts.data)
    return ("unreachable", reason) if reason else None


def _nothing_in_common(model: CameraModel, facts: Facts) -> str:
    if facts.control.tls12 or facts.control.others:
        taken = _names((*facts.control.tls12, *facts.control.others))
        return f"The server takes none of this camera's {len(model.suites)} suites; in TLS 1.2 it takes {taken}."
    if facts.control.tls13:
        return "TLS 1.3 only: this camera offers none."
    if facts.older:
        return f"Nothing newer than {version_name(facts.older[0])}: this camera is not known to go below TLS 1.2."
    return "The server takes no suite at all."


def _no_data(model: CameraModel, data: DataChannel) -> str:
    if data.suites is not None and data.suites.tls12:
        return (
            "The control channel would do, but a data connection takes none of this camera's "
            f"{len(model.suites)} suites; it takes {_names(data.suites.tls12)}."
        )
    replies = [one.reply for one in (*data.listings.values(), data.fresh) if one is not None and not one.completed]
    said = f" ({replies[0]})" if replies else ""
    return f"The control channel would do, but no data connection came about{said}."


def _negotiated(model: CameraModel, facts: Facts, control: Pick, data: Pick | None) -> tuple[str, str]:
    common = [suite for suite in model.suites if suite.code_point in facts.control.tls12]
    good = [suite for suite in common if not is_deprecated(suite)]
    if not good:
        only = _names(suite.code_point for suite in common)
        return "only_deprecated", f"{_kind(common)}Only deprecated suites: {only}."
    for channel, pick in (("", control), (" on the data channel", data)):
        if pick is not None and _deprecated(pick.first):
            reason = (
                f"The server would pick {suite_name(pick.first or 0)}{channel}, a deprecated one, although it takes "
                f"{_counted(len(good), 'recommended suite')}: its own order prefers it."
            )
            return "only_deprecated", reason
    return "recommended", _recommended(common, good, control)


def _recommended(common: list[CipherSuite], good: list[CipherSuite], control: Pick) -> str:
    got = suite_name(control.first or 0)
    if len(good) == 1:
        text = f"{_kind(common) or 'The server takes '}one recommended suite{' left' if _kind(common) else ''} ({got})"
    else:
        text = f"{got}, one of {_counted(len(good), 'recommended suite')} that the server takes"
    if _deprecated(control.reversed):
        return (
            f"{text}; the client's order decides, so that a camera that puts its deprecated suites first would get "
            f"{suite_name(control.reversed or 0)}."
        )
    return f"{text}."


def _kind(common: t.Sequence[CipherSuite]) -> str:
    """That the server's key is the reason why so few are left."""
    return "ECDSA certificate: " if {suite.authentication for suite in common} == {"ECDSA"} else ""


def _chain_of(chains: t.Iterable[Chain], suite: int) -> Chain | None:
    return next((chain for chain in chains if suite in chain.suites), None)


def findings(facts: Facts, order: Order) -> tuple[Finding, ...]:
    """What else is worth knowing.

    Args:
        facts: About the server.
        order: What was asked for.

    Returns:
        The worst first.
    """
    found = [*_suite_findings(facts), *_chain_findings(facts, order), *_data_findings(facts.data)]
    if facts.cleartext_login:
        found.append(Finding(level="problem", text="The server asks for a password in the clear too (331 before TLS)."))
    levels = ("problem", "warning", "note")
    return tuple(sorted(found, key=lambda one: levels.index(one.level)))


def _suite_findings(facts: Facts) -> t.Iterator[Finding]:
    control = facts.control
    broken = [one for one in control.others if any(word in f"{suite_name(one)}_" for word in _BROKEN)]
    if broken:
        yield Finding(level="problem", text=f"Suites that protect nothing are taken: {_names(broken)}.")
    if facts.older:
        older = " and ".join(version_name(one) for one in facts.older)
        yield Finding(level="warning", text=f"Old protocol versions are taken: {older}.")
    deprecated = [one for one in control.tls12 if _deprecated(one)]
    if deprecated:
        counted = _counted(len(deprecated), "deprecated suite")
        yield Finding(level="warning", text=f"{counted} taken; only the recommended ones should be (FTP-02).")
    sizes = [(answer.dh_bits, suite) for suite, answer in control.answers.items() if answer.dh_bits]
    if sizes and min(sizes)[0] < _SMALLEST_DH:
        yield Finding(
            level="warning",
            text=f"The Diffie-Hellman group has {min(sizes)[0]} bits, expected at least {_SMALLEST_DH}.",
        )
    if control.preference in ("client", "mixed"):
        yield Finding(level="note", text="The server has no order of its own: the camera's order decides.")
    if not control.tls13:
        yield Finding(level="note", text="TLS 1.3 is not taken; no camera needs it, other clients should have it.")


def _chain_findings(facts: Facts, order: Order) -> t.Iterator[Finding]:
    for chain in facts.chains:
        for problem in chain.problems:
            yield Finding(level="problem", text=problem)
        for weakness in chain.weaknesses:
            yield Finding(level="warning", text=weakness)
        for one in chain.certificates:
            if 0 <= one.days_left(facts.looked_at) < order.warn_days:
                yield Finding(level="warning", text=f"The certificate of {one.subject} ends on {iso(one.not_after)}.")
    if order.card is None:
        yield Finding(level="note", text="The chain was not tried: no certificates of a card were given.")
    kinds = {chain.certificates[0].key_type: chain for chain in facts.chains if chain.certificates}
    if len(kinds) < len(facts.chains):
        yield Finding(
            level="warning",
            text="The server showed different certificates of one kind; several servers may answer here.",
        )


def _data_findings(data: DataChannel) -> t.Iterator[Finding]:
    if data.skipped:
        yield Finding(level="note", text=f"The data channel was not looked at: {data.skipped}")
        return
    if data.foreign_address:
        yield Finding(
            level="warning",
            text=f"PASV names the address {data.foreign_address}, which is not the server's: whoever follows it fails.",
        )
    if data.session_reuse == "demanded":
        yield Finding(
            level="note",
            text="The server demands that data connections resume the control connection's session. That the camera "
            "does so is not written anywhere: try one upload.",
        )
    if data.session_reuse == "not_offered":
        yield Finding(
            level="warning",
            text="Data connections do not resume the control connection's session: nothing ties the two together.",
        )
    failed = [name for name, one in data.listings.items() if not one.completed]
    if failed:
        said = data.listings[failed[0]].reply
        yield Finding(level="problem", text=f"No listing came about with {', '.join(failed)}: {said}.")
    other = [name for name, one in data.listings.items() if one.suite and iana_name(one.suite) != name]
    if other:
        yield Finding(
            level="warning", text=f"The data channel got another suite than the control channel's {other[0]}."
        )


def _deprecated(code_point: int | None) -> bool:
    suite = None if code_point is None else suite_of_code_point(code_point)
    return suite is not None and is_deprecated(suite)


def _names(code_points: t.Iterable[int]) -> str:
    return ", ".join(map(suite_name, code_points))


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
