# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""When a certificate is to be renewed."""

from __future__ import annotations

import datetime as dt

from .._core._errors import InputError
from .._tls._certificate import CertificateFacts, iso

__all__ = [
    "check_window",
    "expiry_warning",
    "pointless_renewal",
    "renewal_due",
    "renewal_is_pointless",
    "warning_window",
]


def renewal_due(
    facts: CertificateFacts, now: dt.datetime, renew_before_days: float, renew_share: float | None = None
) -> str | None:
    """Why a certificate is to be renewed.

    Args:
        facts: The certificate.
        now: An aware datetime.
        renew_before_days: Due when fewer days are left.
        renew_share: Due when less than this share of its lifetime is left, 0 to 1; nothing when not wanted.

    Returns:
        A sentence, or nothing when it is not due.

    Raises:
        InputError: The window makes no sense.
    """
    if renew_before_days < 0:
        _refuse("renew_before_days", renew_before_days, "0 or more days")
    if renew_share is not None and not 0 <= renew_share < 1:
        _refuse("renew_share", renew_share, "a share from 0 to below 1")
    left = facts.not_after - now
    if left <= dt.timedelta(0):
        return f"The certificate expired on {iso(facts.not_after)}."
    if now < facts.not_before:
        return f"The certificate is not valid before {iso(facts.not_before)}."
    days = left / dt.timedelta(days=1)
    if days < renew_before_days:
        return f"The certificate has {days:.1f} days left, fewer than {renew_before_days:g}."
    if renew_share is not None:
        share = left / (facts.not_after - facts.not_before)
        if share < renew_share:
            return f"The certificate has {share:.0%} of its lifetime left, less than {renew_share:.0%}."
    return None


def renewal_is_pointless(facts: CertificateFacts, now: dt.datetime, issuer_end: dt.datetime) -> bool:
    """Whether a new certificate would end no later than the present one, since the authority itself ends.

    Args:
        facts: The present certificate.
        now: An aware datetime.
        issuer_end: End of the issuing certificate.

    Returns:
        True when the present one is valid and renewing it would gain nothing, run after run.
    """
    return facts.not_before <= now < facts.not_after and issuer_end <= facts.not_after


def pointless_renewal(due: str, issuer_end: dt.datetime) -> str:
    """What to tell the operator then.

    Args:
        due: Why it would be renewed.
        issuer_end: End of the issuing certificate.

    Returns:
        A warning.
    """
    return f"{due} A new one would end no later, since the authority ends on {iso(issuer_end)}: replace it."


def check_window(device: str, renew_before: float, lifetime_days: float) -> None:
    """Refuse a window that every new certificate would be in at once.

    Args:
        device: Device or file that the error names.
        renew_before: Days before the end.
        lifetime_days: Validity of a new certificate.

    Raises:
        InputError: Every run would renew.
    """
    if renew_before >= lifetime_days:
        raise InputError(
            device=device,
            subject="renew_before",
            found=f"{renew_before:g} days",
            expected=f"fewer than lifetime_days ({lifetime_days:g}), or every run would renew",
        )


def warning_window(
    device: str, warn_before: float | None, renew_before: float, renew_share: float | None, lifetime_days: float
) -> float:
    """Within how many days of its end a certificate that is not renewed is a warning.

    Args:
        device: Device or file that the error names.
        warn_before: As it was given, days; None for half of the renewal window, as in the certificate report.
        renew_before: Days before the end at which it is renewed.
        renew_share: Or the share of its lifetime.
        lifetime_days: Validity of a new certificate.

    Returns:
        Days.

    Raises:
        InputError: The window is not inside of the one in which certificates are renewed: a warning would then say
            nothing but that a renewal is due.
    """
    window = max(renew_before, (renew_share or 0.0) * lifetime_days)
    if warn_before is None:
        return window / 2
    if not 0 <= warn_before < window:
        raise InputError(
            device=device,
            subject="warn_before",
            found=f"{warn_before:g} days",
            expected=f"0 or more, and fewer than the {window:g} days before its end at which a certificate is renewed",
        )
    return warn_before


def expiry_warning(facts: CertificateFacts | None, now: dt.datetime, warn_before_days: float) -> str:
    """That a certificate in force comes to its end; for one that is not renewed.

    Args:
        facts: The certificate, if there is one.
        now: An aware datetime.
        warn_before_days: See :func:`warning_window`.

    Returns:
        A warning; empty when there is none.
    """
    if facts is None or (facts.not_after - now) / dt.timedelta(days=1) >= warn_before_days:
        return ""
    if facts.not_after <= now:
        return f"The certificate expired on {iso(facts.not_after)}, and was not renewed."
    days = (facts.not_after - now) / dt.timedelta(days=1)
    return (
        f"The certificate has {days:.1f} days left, fewer than {warn_before_days:g} (warn_before), and was not renewed."
    )


def _refuse(subject: str, found: float, expected: str) -> None:
    raise InputError(device="this host", subject=subject, found=f"{found:g}", expected=expected)
