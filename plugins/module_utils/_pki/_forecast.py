# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What happens to each device when nobody does anything, and what stops when one certificate ends. Pure."""

from __future__ import annotations

import dataclasses as dc
import datetime as dt
import typing as t

from .._core._errors import InputError
from .._tls._certificate import CertificateFacts, iso
from ._findings import RESCUE, Limits
from ._seen import Fleet, Seen

__all__ = ["Forecast", "check_windows", "forecast", "renew_window"]

_DAY: t.Final = dt.timedelta(days=1)
_CLOCK_TOLERANCE: t.Final = dt.timedelta(minutes=5)


@dc.dataclass(frozen=True, kw_only=True)
class Forecast:
    """What happens to a device without action.

    Attributes:
        device: Inventory name.
        kind: ``answers_in_the_clear``, ``clients_refuse`` or ``unknown``.
        at: When, by the controller's clock; None when it has happened already, or is not known.
        renew_from: When the renewal window opens; None when not known.
        renewal: ``not_due``, ``due``, ``overdue`` or ``unknown``.
        text: One sentence.
        rule: Id of the manual's rule, or empty.
    """

    device: str
    kind: str
    at: dt.datetime | None
    renew_from: dt.datetime | None
    renewal: str
    text: str
    rule: str = ""

    def shown(self) -> dict[str, t.Any]:
        """The forecast as a result shows it."""
        return {
            **dc.asdict(self),
            "at": None if self.at is None else iso(self.at),
            "renew_from": None if self.renew_from is None else iso(self.renew_from),
        }


def renew_window(renew_before_days: float, renew_share: float | None, lifetime: dt.timedelta) -> dt.timedelta:
    """How long before its end a certificate is renewed: the longer of the two wishes.

    Args:
        renew_before_days: Renewed when fewer days are left.
        renew_share: Or when less than this share of its lifetime is left.
        lifetime: Of the certificate.

    Returns:
        The window.
    """
    return max(renew_before_days * _DAY, (renew_share or 0.0) * lifetime)


def check_windows(devices: t.Iterable[Seen], limits: Limits) -> None:
    """Refuse a warning that would come before the renewal had its chance.

    Args:
        devices: The devices.
        limits: With the window of the warning.

    Raises:
        InputError: The warning would not mean that a renewal failed.
    """
    if limits.warn_before is None:
        return
    for seen in devices:
        if not dt.timedelta(0) <= limits.warn_before < seen.renew_window:
            raise InputError(
                device=seen.device,
                subject="warn_before",
                found=f"{limits.warn_before / _DAY:g} days",
                expected=f"0 or more and fewer than the {seen.renew_window / _DAY:g} days of the renewal window, so"
                " that a warning means that renewal should have happened and did not",
            )


def forecast(fleet: Fleet, limits: Limits) -> tuple[Forecast, ...]:
    """What happens to each device without action.

    Args:
        fleet: What was seen.
        limits: With the window of the warning.

    Returns:
        One for each device, the earliest first; those of which nothing is known come last.
    """
    found = [_of(seen, fleet, limits) for seen in fleet.devices]
    latest = dt.datetime.max.replace(tzinfo=dt.UTC)

    def order(one: Forecast) -> tuple[bool, dt.datetime, str]:
        return one.kind == "unknown", one.at or (latest if one.kind == "unknown" else fleet.now), one.device

    return tuple(sorted(found, key=order))


def _of(seen: Seen, fleet: Fleet, limits: Limits) -> Forecast:
    if seen.scheme == "http":
        return _already_clear(seen)
    if seen.certificate is None:
        return _without_certificate(seen)
    at = _end(seen, seen.certificate)
    renew_from = seen.certificate.not_after - seen.renew_window
    renewal = _renewal(seen, seen.certificate, fleet.now, limits)
    return _with_certificate(seen, seen.certificate, fleet, Forecast(
        device=seen.device, kind="clients_refuse", at=at if at > fleet.now else None, renew_from=renew_from,
        renewal=renewal, text="",
    ))  # fmt: skip


def _end(seen: Seen, facts: CertificateFacts) -> dt.datetime:
    """When it ends by the clock of the device or of the clients, whichever comes first."""
    offset = seen.clock_offset or dt.timedelta(0)
    by_itself = seen.dialect in ("ipro", "sunell")  # these judge their own certificate
    if by_itself and offset > _CLOCK_TOLERANCE:
        return facts.not_after - offset
    return facts.not_after


def _renewal(seen: Seen, facts: CertificateFacts, now: dt.datetime, limits: Limits) -> str:
    left = facts.not_after - now
    if left < limits.warn_window(seen):
        return "overdue"
    return "due" if left < seen.renew_window else "not_due"


def _already_clear(seen: Seen) -> Forecast:
    if seen.wanted == "http":
        text, rule = "It answers in the clear, as the inventory wants it.", ""
    elif seen.status == "expired":
        text, rule = f"It answers in the clear already, since its certificate expired. {RESCUE}", "HTTPS-24"
    else:
        text, rule = f"It answers in the clear already. {RESCUE}", ""
    return Forecast(
        device=seen.device, kind="answers_in_the_clear", at=None, renew_from=None, renewal="unknown", text=text,
        rule=rule if seen.dialect == "ipro" else "",
    )  # fmt: skip


def _without_certificate(seen: Seen) -> Forecast:
    text = "Nothing is known of its certificate: it could not be read."
    return Forecast(device=seen.device, kind="unknown", at=None, renew_from=None, renewal="unknown", text=text)


def _with_certificate(seen: Seen, facts: CertificateFacts, fleet: Fleet, plain: Forecast) -> Forecast:
    when = iso(plain.at or _end(seen, facts))
    over = plain.at is None
    if seen.dialect == "ipro" and seen.wanted != "http":
        text = (
            f"Its certificate has expired: it answers in the clear after its next restart. {RESCUE}"
            if over
            else f"HTTPS ends on {when}; it answers in the clear after its first restart past that."
        )
        return dc.replace(plain, kind="answers_in_the_clear", text=text, rule="HTTPS-24")
    authority = fleet.authority_of(facts)
    if authority is not None and authority.ends < facts.not_after:
        ends = iso(authority.ends)
        return dc.replace(
            plain,
            at=authority.ends if authority.ends > fleet.now else None,
            text=f"Clients refuse it from {ends}, when its authority ends.",
        )
    text = f"Clients refuse it since {when}." if over else f"Clients refuse it from {when}."
    return dc.replace(plain, text=text, rule="CAM-15" if seen.dialect == "sunell" else "")
