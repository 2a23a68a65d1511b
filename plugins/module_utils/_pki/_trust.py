# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the clients of an authority trust: its ``trusted.pem`` as a resource, which may hold several authorities."""

from __future__ import annotations

import dataclasses as dc
import typing as t

from .._core._errors import InputError, VerificationError
from .._core._plan import Plan, Step
from .._tls._certificate import CertificateFacts
from ._authority import CertificateAuthority
from ._files import PUBLIC, write_or_fail

__all__ = ["TrustResource", "TrustState"]


@dc.dataclass(frozen=True, kw_only=True)
class TrustState:
    """What the file holds.

    Attributes:
        path: The file.
        content: Its text.
        certificates: Those in it, in their order.
    """

    path: str
    content: str
    certificates: tuple[CertificateFacts, ...]

    def shown(self) -> dict[str, t.Any]:
        """The state as a result shows it."""
        return {"trusted_path": self.path, "certificates": [one.shown() for one in self.certificates]}


class TrustResource:
    """The trust file of an authority.

    Args:
        directory: Of the authority whose file it is.
        trusted: Directories of the authorities whose certificates it should hold, in this order: of each the root,
            then the intermediate one.

    Raises:
        InputError: None, or one twice.
        PkiError: One of them is no complete authority.
    """

    def __init__(self, directory: str, trusted: t.Sequence[str]) -> None:
        self._authority = CertificateAuthority.open(directory)
        opened = [CertificateAuthority.open(one) for one in trusted]
        roots = [one.root_certificate.sha256 for one in opened]
        if not roots or len(set(roots)) != len(roots):
            raise InputError(
                device=directory,
                subject="trusted_authority_directories",
                found="the same authority twice" if roots else "none",
                expected="one or more authorities, each once",
                advice="A trust file that holds nothing would lock every client out.",
            )
        self._wanted = "".join(one.own_pem for one in opened)

    def read(self) -> TrustState:
        """The file as it is."""
        content = self._authority.trusted_pem
        return TrustState(
            path=self._authority.trusted_path, content=content, certificates=self._authority.trusted_certificates
        )

    def plan(self, current: TrustState) -> Plan:
        """Write it anew when it holds anything else, or in another order."""
        if current.content == self._wanted:
            return Plan(before=current.shown(), after=current.shown())
        wanted = self._authority.certificates_in(self._wanted)
        after = dc.replace(current, content=self._wanted, certificates=wanted)
        names = ", ".join(one.subject for one in wanted)
        step = Step(id="write_trust", title=f"Clients of {current.path} trust: {names}")
        return Plan(before=current.shown(), after=after.shown(), steps=(step,))

    def apply(self, _step: Step) -> None:
        """Put a finished file in its place: a client reads the old one or the new one, never a part."""
        with self._authority.locked():
            path = self._authority.trusted_path
            write_or_fail(path, self._wanted.encode(), mode=PUBLIC, subject="trusted certificates")

    def verify(self, _plan: Plan) -> t.Mapping[str, t.Any]:
        """Read it again."""
        found = self.read()
        if found.content != self._wanted:
            raise VerificationError(
                device=found.path, subject="trusted certificates", found="something else", expected="what was written"
            )
        return {"after": found.shown(), **self.evidence(found)}

    def evidence(self, current: TrustState) -> t.Mapping[str, t.Any]:
        """Its path and content."""
        return {"trusted_path": current.path, "trusted_content": current.content}

    def abandon(self, step: Step, error: Exception) -> None:
        """Nothing to undo: the file changes only by renaming a finished one."""
