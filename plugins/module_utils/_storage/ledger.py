# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which card holds which roots: SQLite, safe for many processes at once; every writing is kept."""

from __future__ import annotations

import dataclasses as dc
import datetime as dt
import os
import sqlite3
import typing as t
from pathlib import Path

from .._core._errors import InputError
from .._pki._database import Database
from .._tls._certificate import CertificateFacts, iso
from .chain import Proof

__all__ = ["CardLedger", "Holding", "KnownServer", "Root", "check_card_name"]

_LONGEST_NAME: t.Final = 100
_SCHEMA: t.Final = """
CREATE TABLE IF NOT EXISTS writings (
    id INTEGER PRIMARY KEY,
    card TEXT NOT NULL,
    at TEXT NOT NULL,
    place TEXT NOT NULL,
    content_sha256 TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS writings_by_card ON writings (card, id);
CREATE TABLE IF NOT EXISTS certificates (
    writing INTEGER NOT NULL REFERENCES writings (id),
    sha256 TEXT NOT NULL,
    spki_sha256 TEXT NOT NULL,
    subject TEXT NOT NULL,
    not_after TEXT NOT NULL,
    anchor INTEGER NOT NULL,
    PRIMARY KEY (writing, sha256)
);
CREATE TABLE IF NOT EXISTS servers (
    writing INTEGER NOT NULL REFERENCES writings (id),
    host TEXT NOT NULL,
    port INTEGER NOT NULL,
    verified_by TEXT NOT NULL,
    anchor_sha256 TEXT NOT NULL,
    PRIMARY KEY (writing, host, port)
);
"""


@dc.dataclass(frozen=True, kw_only=True)
class Root:
    """A certificate on a card.

    Attributes:
        sha256: Of the certificate, hexadecimal.
        spki_sha256: Of its public key, hexadecimal.
        subject: Distinguished name of RFC 4514.
        not_after: ISO 8601, UTC.
        anchor: A chain can end at it: it signed itself.
    """

    sha256: str
    spki_sha256: str
    subject: str
    not_after: str
    anchor: bool

    @classmethod
    def of(cls, facts: CertificateFacts) -> Root:
        """What the ledger keeps of a certificate.

        Args:
            facts: The certificate.

        Returns:
            The entry.
        """
        return cls(
            sha256=facts.sha256,
            spki_sha256=facts.spki_sha256,
            subject=facts.subject,
            not_after=iso(facts.not_after),
            anchor=facts.self_signed,
        )


@dc.dataclass(frozen=True, kw_only=True)
class KnownServer:
    """A server that a card is for.

    Attributes:
        host: Address or host name.
        port: Of the control connection.
        verified_by: ``handshake``, ``certificates`` or ``none``.
        anchor_sha256: The certificate of the card at which its chain ended; empty when that is not known.
    """

    host: str
    port: int
    verified_by: str
    anchor_sha256: str

    @classmethod
    def of(cls, proof: Proof) -> KnownServer:
        """What the ledger keeps of a proof.

        Args:
            proof: What was found out.

        Returns:
            The entry.
        """
        return cls(
            host=proof.server.host,
            port=proof.server.port,
            verified_by=proof.way,
            anchor_sha256="" if proof.anchor is None else proof.anchor.sha256,
        )


@dc.dataclass(frozen=True, kw_only=True)
class Holding:
    """What a card holds since it was written last.

    Attributes:
        card: The user's name for the card.
        at: When, ISO 8601, UTC.
        place: Where it was written: a directory or an SFTP address.
        content_sha256: Of the file; empty when it was removed.
        roots: Its certificates.
        servers: The servers that it is for.
    """

    card: str
    at: str
    place: str
    content_sha256: str
    roots: tuple[Root, ...] = ()
    servers: tuple[KnownServer, ...] = ()

    def same_as(self, content_sha256: str, servers: t.Collection[KnownServer]) -> bool:
        """Whether there is nothing new to write down.

        Args:
            content_sha256: Of the file that is on the card; empty for none.
            servers: The servers that it is for.

        Returns:
            True when the ledger says the same. A server that could not be asked today does not undo a proof.
        """
        known = {(one.host, one.port): one for one in self.servers}
        wanted = {(one.host, one.port): one for one in servers}
        if self.content_sha256 != content_sha256 or known.keys() != wanted.keys():
            return False
        return all(
            one.verified_by == "none" or one.anchor_sha256 == known[place].anchor_sha256
            for place, one in wanted.items()
        )

    def shown(self) -> dict[str, t.Any]:
        """The entry as a result shows it."""
        return {**dc.asdict(self), "roots": [dc.asdict(one) for one in self.roots],
                "servers": [dc.asdict(one) for one in self.servers]}  # fmt: skip


def check_card_name(card: str) -> None:
    """Refuse what cannot stand on a label.

    Args:
        card: The user's name for a card.

    Raises:
        InputError: Empty, too long, or with characters that cannot be printed.
    """
    if card.strip() == card and 1 <= len(card) <= _LONGEST_NAME and card.isprintable():
        return
    raise InputError(
        device="this task",
        subject="card",
        found=f"{len(card)} characters" if card.isprintable() else "characters that cannot be printed",
        expected=f"a name of 1 to {_LONGEST_NAME} printable characters, without blanks around it",
    )


class CardLedger:
    """The ledger's file.

    Args:
        path: SQLite database; made when something is written down.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self._database = Database(path, subject="ledger of cards")

    def exists(self) -> bool:
        """Whether something was written down already.

        Raises:
            PkiError: Its directory may not be looked into.
        """
        try:
            return self.path.stat().st_size > 0
        except (FileNotFoundError, NotADirectoryError):
            return False
        except OSError as error:
            raise self._database.error((error.strerror or "an error").lower()) from error

    def note(self, holding: Holding) -> None:
        """Write down what a card holds now.

        Args:
            holding: The entry; its time too.

        Raises:
            PkiError: It cannot be written.
        """
        self._database.create(_SCHEMA)
        with self._database.transaction() as connection:
            writing = connection.execute(
                "INSERT INTO writings (card, at, place, content_sha256) VALUES (?, ?, ?, ?)",
                (holding.card, holding.at, holding.place, holding.content_sha256),
            ).lastrowid
            connection.executemany(
                "INSERT INTO certificates VALUES (?, ?, ?, ?, ?, ?)",
                [(writing, *dc.astuple(root)) for root in holding.roots],
            )
            connection.executemany(
                "INSERT INTO servers VALUES (?, ?, ?, ?, ?)",
                [(writing, *dc.astuple(server)) for server in holding.servers],
            )

    def holdings(self, card: str | None = None) -> list[Holding]:
        """What the cards hold now.

        Args:
            card: Only this one.

        Returns:
            The newest entry of each card, by name; none when there is no ledger yet.

        Raises:
            PkiError: It cannot be read.
        """
        return self._read(
            "SELECT * FROM writings WHERE id IN (SELECT MAX(id) FROM writings GROUP BY card)"
            " AND (:card IS NULL OR card = :card) ORDER BY card",
            card,
        )

    def history(self, card: str) -> list[Holding]:
        """Everything that was written to a card.

        Args:
            card: The card.

        Returns:
            The entries, oldest first.

        Raises:
            PkiError: It cannot be read.
        """
        return self._read("SELECT * FROM writings WHERE card = :card ORDER BY id", card)

    def holding(self, card: str) -> Holding | None:
        """What a card holds now.

        Args:
            card: The card.

        Returns:
            Its newest entry, or nothing.

        Raises:
            PkiError: It cannot be read.
        """
        found = self.holdings(card)
        return found[0] if found else None

    def check(self) -> None:
        """Refuse a ledger that could not be written later.

        Raises:
            PkiError: Its directory is missing or closed, or the file is no ledger.
        """
        place = self.path if self.exists() else self.path.parent
        if not place.exists():
            raise self._database.error("no such directory")
        if not os.access(place, os.W_OK):
            raise self._database.error("permission denied")
        self.holdings("")

    def _read(self, query: str, card: str | None) -> list[Holding]:
        if not self.exists():
            return []
        with self._database.connection("ro") as connection:
            return [self._holding(connection, row) for row in connection.execute(query, {"card": card}).fetchall()]

    @staticmethod
    def _holding(connection: sqlite3.Connection, row: sqlite3.Row) -> Holding:
        roots = connection.execute("SELECT * FROM certificates WHERE writing = ? ORDER BY rowid", (row["id"],))
        servers = connection.execute("SELECT * FROM servers WHERE writing = ? ORDER BY host, port", (row["id"],))
        return Holding(
            card=row["card"],
            at=row["at"],
            place=row["place"],
            content_sha256=row["content_sha256"],
            roots=tuple(
                Root(
                    sha256=one["sha256"],
                    spki_sha256=one["spki_sha256"],
                    subject=one["subject"],
                    not_after=one["not_after"],
                    anchor=bool(one["anchor"]),
                )
                for one in roots
            ),
            servers=tuple(
                KnownServer(
                    host=one["host"],
                    port=one["port"],
                    verified_by=one["verified_by"],
                    anchor_sha256=one["anchor_sha256"],
                )
                for one in servers
            ),
        )


def holding_of(
    *,
    card: str,
    place: str,
    certificates: t.Sequence[CertificateFacts],
    sha256: str,
    proofs: t.Sequence[Proof],
    now: dt.datetime,
) -> Holding:
    """The entry for what was put on a card.

    Args:
        card: The card.
        place: Where it was written.
        certificates: What it holds.
        sha256: Of the file; empty when it was removed.
        proofs: What was found out about its servers.
        now: The clock.

    Returns:
        The entry.
    """  # fmt: skip
    return Holding(
        card=card,
        at=iso(now),
        place=place,
        content_sha256=sha256,
        roots=tuple(Root.of(one) for one in certificates),
        servers=tuple(KnownServer.of(one) for one in proofs),
    )
