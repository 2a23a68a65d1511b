# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An authority's revocation list in a file (RFC 5280 section 5), as a resource."""

from __future__ import annotations

import dataclasses as dc
import datetime as dt
import typing as t

from .._core._errors import InputError, PkiError, VerificationError
from .._core._plan import Plan, Step
from .._core._secret import Secret
from .._thirdparty import UnsupportedAlgorithm, serialization, x509
from .._tls._certificate import iso
from ._authority import CertificateAuthority
from ._files import PUBLIC, exists, make_parents, read_text, write_or_fail
from ._ledger import Revocation
from ._revocation import REASONS

__all__ = ["RevocationListFacts", "RevocationListResource", "RevocationListWish"]

_DEFAULT_NAME: t.Final = "crl.pem"
_DAY: t.Final = dt.timedelta(days=1)


@dc.dataclass(frozen=True, kw_only=True)
class RevocationListWish:
    """The list that is wanted.

    Attributes:
        path: Its file; nothing for ``crl.pem`` in the authority's directory.
        next_update_days: A new list is good for so long.
        renew_before: A list with fewer days left is replaced.
        passphrase: Of the authority; needed only when something is to be signed.
    """

    path: str | None = None
    next_update_days: float = 7.0
    renew_before: float = 3.0
    passphrase: Secret | None = None

    def __post_init__(self) -> None:
        if self.renew_before < 0 or self.next_update_days > 3650:
            name, found = (
                ("renew_before", self.renew_before)
                if self.renew_before < 0
                else ("next_update_days", self.next_update_days)
            )
            raise InputError(device="this task", subject=name, found=f"{found:g}", expected="0 to 3650 days")
        if self.renew_before >= self.next_update_days:
            check = f"fewer than next_update_days ({self.next_update_days:g}), or every run would publish a new list"
            raise InputError(
                device="this task", subject="renew_before", found=f"{self.renew_before:g} days", expected=check
            )


@dc.dataclass(frozen=True, kw_only=True)
class RevocationListFacts:
    """What a list says.

    Attributes:
        number: Its CRL number; 0 when it has none.
        issuer: Distinguished name of RFC 4514.
        this_update: When it was made.
        next_update: When the next one is due; None when it does not say.
        revoked: Serial number to reason, in snake case.
        genuine: The authority signed it.
        pem: The list.
    """

    number: int
    issuer: str
    this_update: dt.datetime
    next_update: dt.datetime | None
    revoked: t.Mapping[str, str]
    genuine: bool
    pem: str = dc.field(repr=False)

    def shown(self) -> dict[str, t.Any]:
        """The list as a result shows it."""
        return {
            "number": self.number,
            "issuer": self.issuer,
            "this_update": iso(self.this_update),
            "next_update": None if self.next_update is None else iso(self.next_update),
            "revoked": [{"serial_number": serial, "reason": reason} for serial, reason in sorted(self.revoked.items())],
        }


class RevocationListResource:
    """A file with the authority's revocation list.

    Args:
        authority: The authority.
        wish: The list that is wanted.
        now: The clock.
    """

    def __init__(self, authority: CertificateAuthority, wish: RevocationListWish, *, now: dt.datetime) -> None:
        self._authority = authority
        self._wish = wish
        self._now = now
        self.path = wish.path or str(authority.directory / _DEFAULT_NAME)
        self._number = 0

    def read(self) -> RevocationListFacts | None:
        """The list that is there; nothing when there is none."""
        if not exists(self.path):
            return None
        return self._facts(read_text(self.path, subject="revocation list"))

    def plan(self, current: RevocationListFacts | None) -> Plan:
        """A new list where the present one would not do."""
        why = self._why(current)
        before = {} if current is None else current.shown()
        if not why:
            return Plan(before=before, after=before)
        wanted = {one.serial: one.reason for one in self._revocations()}
        after = {
            "issuer": self._authority.issuer_certificate.subject,
            "revoked": [{"serial_number": serial, "reason": reason} for serial, reason in sorted(wanted.items())],
        }
        step = Step(id="publish_revocation_list", title=f"Publish a revocation list: {why}")
        return Plan(before=before, after=after, steps=(step,))

    def apply(self, _step: Step) -> None:
        """Publish it. One process at a time, each with a number of its own and all that is revoked by then."""
        if self._wish.passphrase is None:
            raise InputError(
                device=str(self._authority.directory),
                subject="authority_passphrase",
                found="nothing",
                expected="the passphrase of the authority, to sign a revocation list",
            )
        self._authority.check_passphrase(self._wish.passphrase)
        make_parents(self.path, subject="revocation list")
        with self._authority.locked():
            present = self.read()
            if present is not None and not self._why(present):  # another process was faster
                self._number = present.number
                return
            self._number, pem = self._signed(self._wish.passphrase)
            write_or_fail(self.path, pem, mode=PUBLIC, subject="revocation list")

    def verify(self, _plan: Plan) -> t.Mapping[str, t.Any]:
        """Read the file again; a newer list, which another process published meanwhile, is welcome."""
        found = self.read()
        if found is None or not found.genuine or found.number < self._number:
            shown = "none" if found is None else f"number {found.number}, genuine: {found.genuine}"
            raise VerificationError(
                device=self.path, subject="revocation list", found=shown, expected=f"number {self._number} or newer"
            )
        return {"after": found.shown(), **self.evidence(found)}

    def evidence(self, current: RevocationListFacts | None) -> t.Mapping[str, t.Any]:
        """The list with its file."""
        if current is None:
            return {}
        return {
            "revocation_list": {**current.shown(), "content": current.pem},
            "revocation_list_path": self.path,
        }

    def abandon(self, step: Step, error: Exception) -> None:
        """Nothing to undo: the file changes only by renaming a finished one."""

    def _why(self, current: RevocationListFacts | None) -> str:
        if current is None:
            return "there is none yet"
        if not current.genuine:
            return f"the present one is not signed by {self._authority.issuer_certificate.subject}"
        missing = {one.serial: one.reason for one in self._revocations() if one.not_after > iso(self._now)}
        if any(current.revoked.get(serial) != reason for serial, reason in missing.items()):
            return "certificates were revoked since"
        known = {one.serial for one in self._authority.ledger.revocations()}
        if set(current.revoked) - known:
            return "certificates were restored since"
        left = None if current.next_update is None else current.next_update - self._now
        if left is None or left < self._wish.renew_before * _DAY:
            shown = 0.0 if left is None else left / _DAY
            return f"{shown:.1f} days left until the next update, fewer than {self._wish.renew_before:g}"
        return ""

    def _revocations(self) -> list[Revocation]:
        """What has to stand in a list: an expired certificate once more (RFC 5280 section 3.3), then no longer."""
        newest = self._authority.ledger.newest_list()
        since = "" if newest is None else newest.issued_at
        return [one for one in self._authority.ledger.revocations() if one.not_after > since]

    def _signed(self, passphrase: Secret) -> tuple[int, bytes]:
        newest = self._authority.ledger.newest_list()
        now = self._now.replace(microsecond=0)
        if newest is not None:  # a higher number is never of an earlier time
            now = max(now, dt.datetime.fromisoformat(newest.issued_at))
        revocations = self._revocations()
        number = self._authority.ledger.take_list_number(now)
        builder = (
            x509.CertificateRevocationListBuilder()
            .last_update(now)
            .next_update(now + self._wish.next_update_days * _DAY)
            .add_extension(x509.CRLNumber(number), critical=False)
        )
        for one in revocations:
            builder = builder.add_revoked_certificate(_entry(one))
        signed = self._authority.sign_list(builder, passphrase=passphrase)
        return number, signed.public_bytes(serialization.Encoding.PEM)

    def _facts(self, text: str) -> RevocationListFacts:
        try:
            found = x509.load_pem_x509_crl(text.encode("ascii", "replace"))
            issuer = x509.load_der_x509_certificate(self._authority.issuer_certificate.der)
            genuine = found.issuer == issuer.subject and found.is_signature_valid(issuer.public_key())  # type: ignore[arg-type]
            return RevocationListFacts(
                number=_number(found),
                issuer=found.issuer.rfc4514_string(),
                this_update=found.last_update_utc,
                next_update=found.next_update_utc,
                revoked={f"{one.serial_number:x}": _reason(one) for one in found},
                genuine=genuine,
                pem=text,
            )
        except (ValueError, TypeError, UnsupportedAlgorithm):
            raise PkiError(
                device=self.path,
                subject="revocation list",
                found="something else",
                expected="a revocation list in PEM, or no such file",
                advice="Nothing was overwritten: check which file was meant.",
            ) from None


def _entry(one: Revocation) -> x509.RevokedCertificate:
    entry = (
        x509.RevokedCertificateBuilder()
        .serial_number(int(one.serial, 16))
        .revocation_date(dt.datetime.fromisoformat(one.revoked_at))
    )
    if one.reason != "unspecified":  # left out then, RFC 5280 section 5.3.1
        entry = entry.add_extension(x509.CRLReason(x509.ReasonFlags(REASONS[one.reason])), critical=False)
    return entry.build()


def _reason(one: x509.RevokedCertificate) -> str:
    try:
        found = one.extensions.get_extension_for_class(x509.CRLReason).value.reason
    except x509.ExtensionNotFound:
        return "unspecified"
    return next((name for name, value in REASONS.items() if value == found.value), str(found.value))


def _number(found: x509.CertificateRevocationList) -> int:
    try:
        return found.extensions.get_extension_for_class(x509.CRLNumber).value.crl_number
    except x509.ExtensionNotFound:
        return 0
