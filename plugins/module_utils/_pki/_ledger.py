# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The ledger: every certificate that was issued or revoked, and first contacts. SQLite, safe for many processes."""

from __future__ import annotations

import dataclasses as dc
import datetime as dt
import sqlite3
import typing as t
from pathlib import Path

from .._tls._certificate import iso
from ._database import Database

__all__ = ["Contact", "Ledger", "LedgerEntry", "PublishedList", "Revocation"]

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
# Ledgers of before there were revocations get these tables when the first one is written down.
_REVOCATION_SCHEMA = """
CREATE TABLE IF NOT EXISTS revocations (
    serial TEXT PRIMARY KEY REFERENCES certificates (serial),
    reason TEXT NOT NULL,
    revoked_at TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS revocation_lists (
    number INTEGER PRIMARY KEY,
    issued_at TEXT NOT NULL
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


@dc.dataclass(frozen=True, kw_only=True)
class Revocation:
    """A certificate that is no longer to be trusted.

    Attributes:
        serial: Lower-case hexadecimal without leading zeros.
        device: The device that it was issued to.
        reason: In snake case, see RFC 5280 section 5.3.1, for example ``key_compromise``.
        revoked_at: ISO 8601, UTC.
        not_after: End of the certificate, ISO 8601, UTC.
    """

    serial: str
    device: str
    reason: str
    revoked_at: str
    not_after: str

    def shown(self) -> dict[str, str]:
        """The revocation as a result shows it."""
        shown = dc.asdict(self)
        shown["serial_number"] = shown.pop("serial")
        return shown


@dc.dataclass(frozen=True, kw_only=True)
class PublishedList:
    """A revocation list that was published.

    Attributes:
        number: Its CRL number.
        issued_at: ISO 8601, UTC.
    """

    number: int
    issued_at: str


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

    def revoke(self, revocations: t.Sequence[Revocation]) -> None:
        """Write down that certificates are no longer to be trusted; a new reason takes the place of the old one.

        Args:
            revocations: All of them, or none when it fails.

        Raises:
            PkiError: It cannot be written.
        """
        self._database.create(_REVOCATION_SCHEMA)
        rows = [(one.serial, one.reason, one.revoked_at) for one in revocations]
        with self._database.transaction() as connection:
            connection.executemany("INSERT OR REPLACE INTO revocations VALUES (?, ?, ?)", rows)

    def restore(self, serials: t.Sequence[str]) -> None:
        """Take revocations back.

        Args:
            serials: Of the certificates.

        Raises:
            PkiError: It cannot be written.
        """
        self._database.create(_REVOCATION_SCHEMA)
        with self._database.transaction() as connection:
            connection.executemany("DELETE FROM revocations WHERE serial = ?", [(serial,) for serial in serials])

    def revocations(self, device: str | None = None) -> list[Revocation]:
        """What was revoked, oldest first.

        Args:
            device: Only certificates of this device.

        Returns:
            The revocations.

        Raises:
            PkiError: The ledger cannot be read.
        """
        with self._database.connection() as connection:
            if not _has_revocations(connection):
                return []
            rows = connection.execute(
                "SELECT serial, device, reason, revoked_at, not_after FROM revocations JOIN certificates USING (serial)"
                " WHERE :device IS NULL OR device = :device ORDER BY revoked_at, serial",
                {"device": device},
            )
            return [Revocation(**dict(row)) for row in rows]

    def revocation(self, serial: str) -> Revocation | None:
        """Whether a certificate was revoked.

        Args:
            serial: Lower-case hexadecimal without leading zeros.

        Returns:
            Its revocation, or nothing.

        Raises:
            PkiError: The ledger cannot be read.
        """
        return next((one for one in self.revocations() if one.serial == serial), None)

    def newest_list(self) -> PublishedList | None:
        """The revocation list that was published last.

        Returns:
            Its entry, or nothing.

        Raises:
            PkiError: The ledger cannot be read.
        """
        with self._database.connection() as connection:
            if not _has_revocations(connection):
                return None
            row = connection.execute("SELECT * FROM revocation_lists ORDER BY number DESC LIMIT 1").fetchone()
        return None if row is None else PublishedList(**dict(row))

    def take_list_number(self, now: dt.datetime) -> int:
        """The number of the next revocation list; no other list ever has it.

        Args:
            now: The clock.

        Returns:
            One more than the last one.

        Raises:
            PkiError: It cannot be written.
        """
        self._database.create(_REVOCATION_SCHEMA)
        with self._database.transaction() as connection:
            row = connection.execute("SELECT COALESCE(MAX(number), 0) + 1 FROM revocation_lists").fetchone()
            connection.execute("INSERT INTO revocation_lists VALUES (?, ?)", (row[0], iso(now)))
        return int(row[0])


def _has_revocations(connection: sqlite3.Connection) -> bool:
    query = "SELECT COUNT(*) FROM sqlite_master WHERE name IN ('revocations', 'revocation_lists')"
    return bool(connection.execute(query).fetchone()[0] == 2)


def _entry(row: sqlite3.Row) -> LedgerEntry:
    values = dict(row)
    return LedgerEntry(**{**values, "subject_alt_names": tuple(values["subject_alt_names"].split())})
