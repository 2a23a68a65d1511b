# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The resource: ``certification.pem`` on a card, and the ledger's line about it."""

from __future__ import annotations

import dataclasses as dc
import datetime as dt
import typing as t

from .._core._errors import ConnectError, RefusedError, VerificationError
from .._core._plan import Impact, Plan, Step
from .card import Card
from .chain import Proof, ServerWish, check_server
from .content import CardState, Content, shown_file
from .ledger import CardLedger, Holding, holding_of
from .rules import FILE_NAME

__all__ = ["CardResource", "CardWish"]


@dc.dataclass(frozen=True, kw_only=True)
class CardWish:
    """What is wanted of a card.

    Attributes:
        content: What it should hold; nothing: no certificate.
        card: The user's name for it; empty where there is no ledger.
        servers: The servers that the camera is to verify with it.
        server_check: ``try``, ``required`` or ``never``.
    """

    content: Content | None
    card: str = ""
    servers: tuple[ServerWish, ...] = ()
    server_check: str = "try"


class CardResource:
    """``certification.pem`` on one card.

    Args:
        card: Where it is.
        wish: What is wanted.
        ledger: Where it is written down, if anywhere.
        now: The clock.
    """

    def __init__(self, card: Card, wish: CardWish, *, ledger: CardLedger | None, now: dt.datetime) -> None:
        self._card = card
        self._wish = wish
        self._ledger = ledger
        self._now = now
        self._proofs: tuple[Proof, ...] = ()

    def read(self) -> CardState:
        """What lies there; then the servers are asked, since a card that they do not fit is not worth writing."""
        if self._ledger is not None:
            self._ledger.check()
        state = CardState(self._card.place, self._card.examine())
        content = self._wish.content
        if content is not None:
            self._proofs = tuple(self._ask(server, content) for server in self._wish.servers)
        return state

    def plan(self, current: CardState) -> Plan:
        """Write or remove when the content differs; write down when the ledger says something else."""
        content = self._wish.content
        data = None if content is None else content.data
        steps = []
        if current.present.data != data:
            steps.append(self._file_step(current, content))
        if self._ledger_differs():
            steps.append(Step(id="note_in_ledger", title=f"Write down what the card {self._wish.card} holds"))
        before = current.shown(self._now)
        after = before
        if current.present.data != data:
            after = shown_file(data, () if content is None else content.certificates, self._now)
        return Plan(
            before=before,
            after=after,
            steps=tuple(steps),
            impacts=self._impacts(steps),
            warnings=self._warnings(current),
        )

    def apply(self, step: Step) -> None:
        """Carry out one step."""
        content = self._wish.content
        if step.id == "write_certificate" and content is not None:
            self._card.write(content.data)
        elif step.id == "remove_certificate":
            self._card.remove()
        elif self._ledger is not None:
            self._ledger.note(self._entry())

    def verify(self, plan: Plan) -> t.Mapping[str, t.Any]:
        """Read the card again and compare every byte."""
        del plan  # what was wanted says the same, byte by byte
        present = self._card.examine()
        wanted = None if self._wish.content is None else self._wish.content.data
        if present.data != wanted:
            raise VerificationError(
                device=self._card.place,
                subject=FILE_NAME,
                found="other content" if present.data is not None else "no such file",
                expected="what was written" if wanted is not None else "no such file",
            )
        found = CardState(self._card.place, present)
        return {"after": found.shown(self._now), **self.evidence(found)}

    def evidence(self, current: CardState) -> t.Mapping[str, t.Any]:
        """The certificates, and what the servers showed."""
        return {
            "certificates": [one.shown(self._now) for one in current.certificates],
            "servers": [one.shown(self._now) for one in self._proofs],
        }

    def abandon(self, step: Step, error: Exception) -> None:
        """Nothing to undo: the file changes only by renaming, and the next run writes the ledger's line."""

    # -- planning ------------------------------------------------------------------------------------------------

    def _ask(self, server: ServerWish, content: Content) -> Proof:
        proof = check_server(server, content, live=self._wish.server_check != "never", now=self._now)
        if proof.way != "handshake" and self._wish.server_check == "required":
            raise ConnectError(
                device=server.place,
                subject="server check",
                found=proof.reason or "no answer",
                expected="a handshake that verifies with the card's certificates (server_check=required)",
            )
        return proof

    def _file_step(self, current: CardState, content: Content | None) -> Step:
        if current.present.obstacle:
            raise RefusedError(
                device=self._card.place,
                subject="memory card",
                found=current.present.obstacle,
                expected="a card that can be written to",
            )
        if content is None:
            return Step(id="remove_certificate", title=f"Remove {FILE_NAME}", rule="FTP-11")
        free = current.present.free
        if free is not None and free < len(content.data):
            raise RefusedError(
                device=self._card.place,
                subject="memory card",
                found=f"{free:,} bytes free",
                expected=f"room for {len(content.data):,} bytes beside the old file",
            )
        names = ", ".join(one.subject for one in content.certificates)
        return Step(id="write_certificate", title=f"Write {FILE_NAME}: {names}", rule="FTP-11")

    def _ledger_differs(self) -> bool:
        if self._ledger is None:
            return False
        known = self._ledger.holding(self._wish.card)
        if known is None:
            return self._wish.content is not None
        entry = self._entry()
        return not known.same_as(entry.content_sha256, entry.servers)

    def _entry(self) -> Holding:
        content = self._wish.content
        return holding_of(
            card=self._wish.card,
            place=self._card.place,
            certificates=() if content is None else content.certificates,
            sha256="" if content is None else content.sha256,
            proofs=self._proofs,
            now=self._now,
        )

    @staticmethod
    def _impacts(steps: t.Sequence[Step]) -> tuple[Impact, ...]:
        if not any(step.id == "write_certificate" for step in steps):
            return ()
        return (Impact(rule="FTP-11", text="The camera uses it only after it was loaded in the camera's menu."),)

    def _warnings(self, current: CardState) -> tuple[str, ...]:
        warnings = []
        if current.problem == "a private key":
            warnings.append(
                f"{self._card.place}: {FILE_NAME} held a private key; consider it known to everybody who had the card."
            )
        for proof in self._proofs:
            if proof.way != "handshake" and proof.reason:
                how = "" if proof.way == "none" else " beyond the certificates that were given"
                warnings.append(f"{proof.server.place}: not verified{how}, since it did not answer ({proof.reason}).")
        return tuple(warnings)
