# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The certificate authority as a resource: made once, checked ever after, never overwritten."""

from __future__ import annotations

import dataclasses as dc
import datetime as dt
import typing as t

from .._core._errors import InputError, PkiError
from .._core._plan import Plan, Step
from .._core._secret import Secret
from ._authority import AuthorityParameters, CertificateAuthority, check_passphrase_length

__all__ = ["AuthorityResource", "authority_facts"]


class AuthorityResource:
    """An authority with wanted parameters.

    Args:
        directory: Its directory.
        passphrase: Of its keys.
        wanted: Parameters that were asked for, see :meth:`AuthorityParameters.of`; those that are nothing are not
            compared with an authority that exists.
        now: The clock.
    """

    def __init__(
        self, directory: str, *, passphrase: Secret, wanted: t.Mapping[str, t.Any], now: dt.datetime | None = None
    ) -> None:
        self._directory = directory
        self._passphrase = passphrase
        self._wanted = {name: value for name, value in wanted.items() if value is not None}
        self._parameters = AuthorityParameters.of(**self._wanted)
        self._now = now or dt.datetime.now(dt.UTC)

    def read(self) -> CertificateAuthority | None:
        """The authority that exists, its passphrase proven."""
        if not CertificateAuthority.exists(self._directory):
            check_passphrase_length(self._passphrase, device=self._directory)
            return None
        authority = CertificateAuthority.open(self._directory)
        authority.check_passphrase(self._passphrase)
        return authority

    def plan(self, current: CertificateAuthority | None) -> Plan:
        """Make it, or nothing."""
        if current is None:
            made = {"directory": self._directory, "parameters": dc.asdict(self._parameters)}
            title = f"Make the certificate authority {self._parameters.common_name}"
            return Plan(before={}, after=made, steps=(Step(id="create_authority", title=title),))
        self._refuse_other_parameters(current)
        return Plan(before=current.shown(), after=current.shown(), warnings=self._warnings(current))

    def apply(self, _step: Step) -> None:
        """Make it; another process that made the very same one meanwhile is welcome."""
        try:
            CertificateAuthority.make(self._directory, self._parameters, passphrase=self._passphrase, now=self._now)
        except PkiError:
            if not CertificateAuthority.exists(self._directory):
                raise
            authority = CertificateAuthority.open(self._directory)
            authority.check_passphrase(self._passphrase)
            self._refuse_other_parameters(authority)

    def verify(self, _plan: Plan) -> t.Mapping[str, t.Any]:
        """Open it as an issuer would."""
        authority = CertificateAuthority.open(self._directory)
        authority.check_passphrase(self._passphrase)
        return {"after": authority.shown(), **self.evidence(authority)}

    def evidence(self, current: CertificateAuthority | None) -> t.Mapping[str, t.Any]:
        """The authority and the certificate that signs."""
        return {} if current is None else authority_facts(current, self._now)

    def abandon(self, step: Step, error: Exception) -> None:
        """Nothing to undo: what is unfinished is never taken for an authority."""

    def _refuse_other_parameters(self, current: CertificateAuthority) -> None:
        for name in self._wanted:
            found, expected = getattr(current.parameters, name), getattr(self._parameters, name)
            if found != expected:
                raise InputError(
                    device=self._directory,
                    subject=f"{name} of the certificate authority",
                    found=repr(found),
                    expected=repr(expected),
                    advice="An authority is never changed or overwritten; make a new one in another directory.",
                )

    def _warnings(self, current: CertificateAuthority) -> tuple[str, ...]:
        left = current.issuer_certificate.days_left(self._now)
        lifetime = (current.issuer_certificate.not_after - current.issuer_certificate.not_before).days
        if left >= min(365, lifetime // 5):
            return ()
        return (f"The certificate authority {current.issuer_certificate.subject} has {left} days left; replace it.",)


def authority_facts(authority: CertificateAuthority, now: dt.datetime) -> dict[str, t.Any]:
    """An authority as a result's keys.

    Args:
        authority: The authority.
        now: The clock.

    Returns:
        ``authority`` and ``certificate``, the certificate that signs.
    """
    return {
        "authority": {
            **authority.shown(now),
            "trusted_content": authority.trusted_pem,
            "own_content": authority.own_pem,
        },
        "certificate": authority.issuer_certificate.shown(now),
    }
