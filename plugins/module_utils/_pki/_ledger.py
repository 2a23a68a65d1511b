# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The ledger: every certificate that was issued, and every first contact. SQLite, safe for many processes at once."""

from __future__ import annotations

import dataclasses as dc
import datetime as dt
import sqlite3
import typing as t
from pathlib import Path

from .._tls._certificate import iso
from ._database import Database

__all__ = ["Contact", "Ledger", "LedgerEntry"]

_SCHEMA = """
CREATE TABLE IF NOT EXISTS certificates (
    serial TEXT PRIMARY KEY,
    device TEXT NOT NULL,
    subject TEXT NOT NULL,
    subject_alt_names TEXT NOT NULL,
    spki_sha256 TEXT NOT NULL,
    sha256 TEXT NOT NULL UNIQUE,
    not_before TEXT NOT NULL,
    not_after TEXT NOT NULL,
    issued_at TEXT NOT NULL,
    pem TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS certificates_by_device ON certificates (device);
CREATE TABLE IF NOT EXISTS contacts (
    id INTEGER PRIMARY KEY,
    device TEXT NOT NULL,
    address TEXT NOT NULL,
    port INTEGER NOT NULL,
    trust TEXT NOT NULL,
    at TEXT NOT NULL
);
"""


@dc.dataclass(frozen=True, kw_only=True)
class LedgerEntry:
    """A certificate that was issued.

    Attributes:
        serial: Lower-case hexadecimal without leading zeros.
        device: Inventory name or address.
        subject: Distinguished name of RFC 4514.
        subject_alt_names: ``IP:…`` and ``DNS:…``.
        spki_sha256: SHA-256 of the public key.
        sha256: SHA-256 of the certificate.
        not_before: ISO 8601, UTC.
        not_after: ISO 8601, UTC.
        issued_at: ISO 8601, UTC.
        pem: The certificate.
    """

    serial: str
    device: str
    subject: str
    subject_alt_names: tuple[str, ...]
    spki_sha256: str
    sha256: str
    not_before: str
    not_after: str
    issued_at: str
    pem: str

    def shown(self) -> dict[str, t.Any]:
        """The entry as a result shows it: all but the certificate itself."""
        shown = dc.asdict(self)
        del shown["pem"]
        shown["serial_number"] = shown.pop("serial")
        shown["subject_alt_names"] = list(self.subject_alt_names)
        return shown


@dc.dataclass(frozen=True, kw_only=True)
class Contact:
    """A first contact with a device that had no trusted certificate yet.

    Attributes:
        device: Inventory name or address.
        address: Where it answered.
        port: TCP port.
        trust: How it was trusted, for example ``plain_http`` or ``pin:<sha256>``.
        at: ISO 8601, UTC.
    """

    device: str
    address: str
    port: int
    trust: str
    at: str


class Ledger:
    """The ledger's file.

    Args:
        path: SQLite database, made by :meth:`create`.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self._database = Database(path, subject="ledger")

    def create(self) -> None:
        """Make the database with mode 0600; an existing one is left as it is.

        Raises:
            PkiError: It cannot be made.
        """
        self._database.create(_SCHEMA)

    def add(self, entry: LedgerEntry) -> bool:
        """Write down a certificate, before it is handed out.

        Args:
            entry: The certificate.

        Returns:
            False when its serial number is taken.

        Raises:
            PkiError: It cannot be written.
        """
        row = {**dc.asdict(entry), "subject_alt_names": " ".join(entry.subject_alt_names)}
        with self._database.transaction() as connection:
            try:
                connection.execute(
                    "INSERT INTO certificates VALUES (:serial, :device, :subject, :subject_alt_names, :spki_sha256,"
                    " :sha256, :not_before, :not_after, :issued_at, :pem)",
                    row,
                )
            except sqlite3.IntegrityError:
                return False
        return True

    def certificates(self, device: str | None = None) -> list[LedgerEntry]:
        """The certificates that were issued, oldest first.

        Args:
            device: Only those of this device.

        Returns:
            The entries.

        Raises:
            PkiError: The ledger cannot be read.
        """
        with self._database.connection() as connection:
            rows = connection.execute(
                "SELECT * FROM certificates WHERE :device IS NULL OR device = :device ORDER BY issued_at, rowid",
                {"device": device},
            )
            return [_entry(row) for row in rows]

    def find(self, serial: str) -> LedgerEntry | None:
        """Look a certificate up.

        Args:
            serial: Hexadecimal; colons, capitals and leading zeros do not matter.

        Returns:
            The entry, or nothing.

        Raises:
            PkiError: The ledger cannot be read.
        """
        wanted = serial.replace(":", "").lower().lstrip("0")
        with self._database.connection() as connection:
            row = connection.execute("SELECT * FROM certificates WHERE serial = ?", (wanted,)).fetchone()
        return None if row is None else _entry(row)

    def record_contact(
        self, device: str, address: str, port: int, trust: str, *, now: dt.datetime | None = None
    ) -> None:
        """Write down a first contact.

        Args:
            device: Inventory name or address.
            address: Where it answered.
            port: TCP port.
            trust: How it was trusted, for example ``plain_http`` or ``pin:<sha256>``.
            now: The clock.

        Raises:
            PkiError: It cannot be written.
        """
        at = iso(now or dt.datetime.now(dt.UTC))
        with self._database.transaction() as connection:
            connection.execute(
                "INSERT INTO contacts (device, address, port, trust, at) VALUES (?, ?, ?, ?, ?)",
                (device, address, port, trust, at),
            )

    def contacts(self, device: str | None = None) -> list[Contact]:
        """The first contacts, oldest first.

        Args:
            device: Only those of this device.

        Returns:
            The contacts.

        Raises:
            PkiError: The ledger cannot be read.
        """
        with self._database.connection() as connection:
            rows = connection.execute(
                "SELECT device, address, port, trust, at FROM contacts"
                " WHERE :device IS NULL OR device = :device ORDER BY id",
                {"device": device},
            )
            return [Contact(**dict(row)) for row in rows]


def _entry(row: sqlite3.Row) -> LedgerEntry:
    values = dict(row)
    return LedgerEntry(**{**values, "subject_alt_names": tuple(values["subject_alt_names"].split())})
