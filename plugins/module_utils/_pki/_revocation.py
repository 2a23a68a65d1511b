# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Certificates of the ledger that are no longer to be trusted, as a resource."""

from __future__ import annotations

import dataclasses as dc
import datetime as dt
import typing as t

from .._core._errors import InputError, PkiError
from .._core._plan import Plan, Step
from .._tls._certificate import iso
from ._authority import CertificateAuthority
from ._ledger import LedgerEntry, Revocation

__all__ = ["REASONS", "RevocationResource", "RevocationWish"]

#: RFC 5280 section 5.3.1, without what does not fit the certificates of devices; snake case to the name in a list.
REASONS: t.Final[t.Mapping[str, str]] = {
    "unspecified": "unspecified",
    "key_compromise": "keyCompromise",
    "affiliation_changed": "affiliationChanged",
    "superseded": "superseded",
    "cessation_of_operation": "cessationOfOperation",
    "certificate_hold": "certificateHold",
    "privilege_withdrawn": "privilegeWithdrawn",
}
_HOLD: t.Final = "certificate_hold"


@dc.dataclass(frozen=True, kw_only=True)
class RevocationWish:
    """What is wanted of certificates.

    Attributes:
        present: They are to be revoked, or else not.
        serial_number: Of one certificate; nothing for all of a device.
        device: All its certificates that have not expired.
        reason: One of :data:`REASONS`.
        revoked_at: Since when; none: the present instant.
    """

    present: bool
    serial_number: str | None = None
    device: str | None = None
    reason: str = "unspecified"
    revoked_at: dt.datetime | None = None


class RevocationResource:
    """Revocations in an authority's ledger.

    Args:
        authority: The authority.
        wish: What is wanted.
        now: The clock.

    Raises:
        InputError: The revocation is to be of a day that has not come.
    """

    def __init__(self, authority: CertificateAuthority, wish: RevocationWish, *, now: dt.datetime) -> None:
        self._authority = authority
        self._wish = wish
        self._now = now
        self._at = iso(wish.revoked_at or now)
        if wish.revoked_at is not None and wish.revoked_at > now:
            raise InputError(
                device="this task", subject="revoked_at", found=self._at, expected=f"no later than now, {iso(now)}"
            )

    def read(self) -> dict[str, Revocation | None]:
        """The certificates that are meant, by serial number, each with its revocation."""
        known = {one.serial: one for one in self._authority.ledger.revocations()}
        return {entry.serial: known.get(entry.serial) for entry in self._entries()}

    def plan(self, current: t.Mapping[str, Revocation | None]) -> Plan:
        """Revoke what is not revoked, or take a hold back."""
        after = self._revoked(current) if self._wish.present else self._restored(current)
        changed = [serial for serial, one in after.items() if one != current[serial]]
        verb, step_id = ("Revoke", "revoke") if self._wish.present else ("Restore", "restore")
        title = f"{verb} {len(changed)} certificate{'s' * (len(changed) != 1)}: {', '.join(changed)}"
        data = {"revocations": [after[serial] for serial in changed], "serials": changed}
        return Plan(
            before=_shown(current),
            after=_shown(after),
            steps=(Step(id=step_id, title=title, data=data),) if changed else (),
        )

    def apply(self, step: Step) -> None:
        """Write it down, all of it or nothing."""
        if step.id == "revoke":
            self._authority.ledger.revoke(step.data["revocations"])
        else:
            self._authority.ledger.restore(step.data["serials"])

    def verify(self, plan: Plan) -> t.Mapping[str, t.Any]:
        """Read the ledger again."""
        after = _shown(self.read())
        if after != plan.after:
            raise PkiError(
                device=str(self._authority.ledger.path),
                subject="revocations",
                found="others than were written down",
                expected="those of the plan",
                advice="Another process changed them at the same time: run the task again.",
            )
        return {"after": after}

    def evidence(self, current: t.Mapping[str, Revocation | None]) -> t.Mapping[str, t.Any]:
        """What the ledger says."""
        return {"after": _shown(current)}

    def abandon(self, step: Step, error: Exception) -> None:
        """Nothing to undo: it is one transaction."""

    def _entries(self) -> list[LedgerEntry]:
        ledger, wish = self._authority.ledger, self._wish
        if wish.serial_number is not None:
            entry = ledger.find(wish.serial_number)
            if entry is not None:
                return [entry]
            found = repr(wish.serial_number)
        else:
            found = repr(wish.device)
            everything = ledger.certificates(wish.device)
            if everything:
                return [entry for entry in everything if entry.not_after > iso(self._now)]
        raise PkiError(
            device=str(ledger.path),
            subject="serial number" if wish.serial_number is not None else "device",
            found=found,
            expected="one that the ledger knows",
            advice="camsec.fleet.certificate_authority_info lists what was issued.",
        )

    def _revoked(self, current: t.Mapping[str, Revocation | None]) -> dict[str, Revocation | None]:
        """A revocation that is there stays as it is, but for a hold that becomes final (RFC 5280 section 5.3.1)."""
        entries = {entry.serial: entry for entry in self._entries()}
        return {
            serial: one
            if one is not None and (one.reason != _HOLD or self._wish.reason in (_HOLD, "unspecified"))
            else self._revocation(entries[serial])
            for serial, one in current.items()
        }

    def _revocation(self, entry: LedgerEntry) -> Revocation:
        return Revocation(
            serial=entry.serial,
            device=entry.device,
            reason=self._wish.reason,
            revoked_at=self._at,
            not_after=entry.not_after,
        )

    def _restored(self, current: t.Mapping[str, Revocation | None]) -> dict[str, Revocation | None]:
        for serial, one in current.items():
            if one is not None and one.reason != _HOLD:
                raise PkiError(
                    device=str(self._authority.ledger.path),
                    subject=f"revocation of {serial}",
                    found=one.reason,
                    expected=f"{_HOLD}, since no other revocation is ever taken back (RFC 5280 section 5.3.1)",
                    advice="Issue a new certificate.",
                )
        return dict.fromkeys(current)


def _shown(revocations: t.Mapping[str, Revocation | None]) -> dict[str, t.Any]:
    return {
        "revocations": [
            {"serial_number": serial, "revoked": False} if one is None else {**one.shown(), "revoked": True}
            for serial, one in revocations.items()
        ]
    }
