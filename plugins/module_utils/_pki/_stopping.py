# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What stops working when one certificate ends, is revoked or is taken away. Pure."""

from __future__ import annotations

import dataclasses as dc
import datetime as dt
import typing as t

from .._core._errors import InputError
from .._tls._certificate import CertificateFacts, iso
from ._seen import Fleet, Issue, KnownAuthority, Seen

__all__ = ["Card", "Stop", "stopping"]

_KINDS: t.Final = ("device", "recorder", "card", "client")


@dc.dataclass(frozen=True, kw_only=True)
class Card:
    """A memory card as the ledger of cards knows it.

    Attributes:
        name: The user's name for it.
        anchors: SHA-256 of the certificates at which a chain can end, with the end of each.
    """

    name: str
    anchors: t.Mapping[str, dt.datetime]


@dc.dataclass(frozen=True, kw_only=True)
class Stop:
    """One thing that stops.

    Attributes:
        kind: ``device``, ``recorder``, ``card`` or ``client``.
        name: Inventory name, name of the card, or what the clients trust.
        at: From when on.
        text: One sentence.
        rule: Id of the manual's rule, or empty.
    """

    kind: str
    name: str
    at: dt.datetime
    text: str
    rule: str = ""

    def shown(self) -> dict[str, str]:
        """The entry as a result shows it."""
        return {**dc.asdict(self), "at": iso(self.at)}


def stopping(fleet: Fleet, cards: t.Sequence[Card], of: str) -> tuple[Stop, ...]:
    """What stops when a certificate ends.

    Args:
        fleet: What was seen.
        cards: The ledger of cards.
        of: ``root`` or ``intermediate`` of the first authority, or the serial number or SHA-256 of a certificate.

    Returns:
        Devices, recorders, cards and clients, in this order, each by name.

    Raises:
        InputError: No such certificate is known.
    """
    authority, above = _authority(fleet, of)
    found = _of_authority(fleet, cards, authority, above) if authority and above else _of_leaf(fleet, of)
    return tuple(sorted(set(found), key=lambda one: (_KINDS.index(one.kind), one.name, one.text)))


def _authority(fleet: Fleet, of: str) -> tuple[KnownAuthority | None, CertificateFacts | None]:
    wanted = _plain(of)
    for authority in fleet.authorities:
        for role, facts in zip(("root", "intermediate"), authority.certificates, strict=False):
            if wanted in (role, facts.serial_number, facts.sha256):
                return authority, facts
    return None, None


def _plain(of: str) -> str:
    plain = of.replace(":", "").strip().lower()
    return plain.lstrip("0") if len(plain) < 64 else plain


# -- the root or the intermediate certificate


def _of_authority(
    fleet: Fleet, cards: t.Sequence[Card], authority: KnownAuthority, above: CertificateFacts
) -> t.Iterator[Stop]:
    at, name = above.not_after, above.subject
    for seen in fleet.devices:
        if _depends(seen, authority):
            text = f"Clients refuse it, since its certificate was issued under {name}."
            yield Stop(kind="device", name=seen.device, at=at, text=text)
        if above.sha256 in seen.trusted:
            cameras = sum(one.recorder == seen.device and _depends(one, authority) for one in fleet.devices)
            text = f"It no longer verifies cameras by {name}; {cameras} of its cameras in this inventory need that."
            yield Stop(kind="recorder", name=seen.device, at=at, text=text, rule="REC-22")
    for card in cards:
        if above.sha256 in card.anchors:
            others = [other for sha256, other in card.anchors.items() if sha256 != above.sha256 and other > at]
            text = "It goes on only with servers of another root on it." if others else "It holds no other root."
            yield Stop(kind="card", name=card.name, at=at, text=text)
    yield Stop(kind="client", name=f"clients that trust {name}", at=at, text="They refuse every device listed here.")


def _depends(seen: Seen, authority: KnownAuthority) -> bool:
    facts = seen.certificate
    return facts is not None and (authority.entry(facts) is not None or authority.signed(facts))


# -- a device's own certificate


def _of_leaf(fleet: Fleet, of: str) -> t.Iterator[Stop]:
    wanted = _plain(of)
    shown = [
        (seen, seen.certificate)
        for seen in fleet.devices
        if seen.certificate is not None and wanted in (seen.certificate.serial_number, seen.certificate.sha256)
    ]
    if not shown:
        _refuse_unknown(_entry(fleet, wanted), of)
    for seen, facts in shown:
        clear = seen.dialect == "ipro"
        text = "It answers in the clear after its first restart past that." if clear else "Clients refuse it."
        rule = "HTTPS-24" if clear else ""
        yield Stop(kind="device", name=seen.device, at=facts.not_after, text=text, rule=rule)
        if seen.recorder:
            text = f"It no longer shows and records {seen.device}."
            yield Stop(kind="recorder", name=seen.recorder, at=facts.not_after, text=text, rule="REC-22")
        text = "They no longer reach it by a verified connection."
        yield Stop(kind="client", name=f"clients of {seen.device}", at=facts.not_after, text=text)


def _entry(fleet: Fleet, wanted: str) -> Issue | None:
    issued = (entry for one in fleet.authorities for entry in one.issued)
    return next((entry for entry in issued if wanted in (entry.serial_number, entry.sha256)), None)


def _refuse_unknown(entry: Issue | None, of: str) -> None:
    if entry is None:
        raise InputError(
            device="this report",
            subject="stopping",
            found=repr(of),
            expected="root, intermediate, or the serial number or SHA-256 of a certificate that a device shows or the"
            " ledger knows",
        )
