# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A ledger's SQLite file: one connection for each piece of work, safe for many processes at once."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import typing as t
from pathlib import Path
from urllib.parse import quote

from .._core._errors import PkiError

__all__ = ["Database"]

_BUSY_SECONDS: t.Final = 60.0


class Database:
    """A SQLite file.

    Args:
        path: Where it lies.
        subject: What it is, for messages, for example ``ledger``.
    """

    def __init__(self, path: str | Path, *, subject: str) -> None:
        self.path = Path(path)
        self._subject = subject

    def create(self, schema: str) -> None:
        """Make the file with mode 0600; an existing one is left as it is.

        Args:
            schema: SQL that makes what is missing.

        Raises:
            PkiError: It cannot be made.
        """
        try:
            os.close(os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600))
        except OSError as error:
            raise self.error((error.strerror or "an error").lower()) from error
        with self.connection() as connection:
            connection.executescript(schema)

    @contextlib.contextmanager
    def connection(self, mode: str = "rw") -> t.Iterator[sqlite3.Connection]:
        """Open the file for a piece of work.

        Args:
            mode: ``rw`` or ``ro``.

        Yields:
            The connection; every statement is a transaction of its own unless :meth:`transaction` holds them together.

        Raises:
            PkiError: It cannot be read or written.
        """
        try:
            connection = sqlite3.connect(
                f"file:{quote(str(self.path.absolute()))}?mode={mode}",
                uri=True,
                timeout=_BUSY_SECONDS,
                isolation_level=None,
            )
        except sqlite3.Error as error:
            raise self.error("no readable database") from error
        try:
            connection.row_factory = sqlite3.Row
            connection.execute("PRAGMA synchronous = FULL")
            yield connection
        except sqlite3.Error as error:
            raise self.error(str(error)) from error
        finally:
            connection.close()

    @contextlib.contextmanager
    def transaction(self) -> t.Iterator[sqlite3.Connection]:
        """Open the file for writing: all of it or nothing.

        Yields:
            The connection.

        Raises:
            PkiError: It cannot be written.
        """
        with self.connection() as connection:
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
            except BaseException:
                connection.execute("ROLLBACK")
                raise
            connection.execute("COMMIT")

    def error(self, found: str) -> PkiError:
        """What goes wrong with it, as one sentence.

        Args:
            found: What is there.

        Returns:
            The error, to be raised.
        """
        return PkiError(
            device=str(self.path),
            subject=self._subject,
            found=found,
            expected="a ledger that can be read and written",
        )
