# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The job ledger: what is to be sent, who is at it, what was proven. SQLite, safe against a kill at any instant.

A job is leased, in one transaction, before anything of it happens on the server, and done in one transaction together
with its receipt. A process that dies in between leaves a lease whose holder is dead: the next one takes the job over as
``unsure`` and asks the server first whether the final name holds the very content already.
"""

from __future__ import annotations

import contextlib
import dataclasses as dc
import hashlib
import json
import os
import sqlite3
import stat
import threading
import time
import typing as t
import uuid
from pathlib import Path
from urllib.parse import quote

from .._core._errors import InputError, VerificationError
from ._facts import Bag, Candidate, Destination, Identity, Job, utc_now
from ._owner import is_dead

__all__ = ["Added", "ChannelRow", "JobLedger", "ReceiptRow", "Selection", "joined"]

LEDGER_NAME: t.Final = "ledger.sqlite3"
LEASE_SECONDS: t.Final = 120.0
LONGEST_DELAY: t.Final = 86400.0
_BUSY_SECONDS = 60.0
_VERSION = "1"
_SCHEMA = """
CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS bags (
    id INTEGER PRIMARY KEY,
    chain TEXT NOT NULL UNIQUE,
    host TEXT NOT NULL, port INTEGER NOT NULL, user TEXT NOT NULL, remote_directory TEXT NOT NULL,
    opened_at TEXT NOT NULL,
    sealed_at TEXT NOT NULL DEFAULT '',
    UNIQUE (host, port, user, remote_directory)
);
CREATE TABLE IF NOT EXISTS jobs (
    id INTEGER PRIMARY KEY,
    source TEXT NOT NULL,
    size INTEGER NOT NULL, mtime_ns INTEGER NOT NULL, inode INTEGER NOT NULL, device INTEGER NOT NULL,
    host TEXT NOT NULL, port INTEGER NOT NULL, user TEXT NOT NULL,
    remote_path TEXT NOT NULL, temporary_path TEXT NOT NULL,
    bag INTEGER REFERENCES bags (id), payload TEXT NOT NULL,
    state TEXT NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'leased', 'done', 'failed', 'replaced')),
    attempts INTEGER NOT NULL DEFAULT 0, next_try REAL NOT NULL DEFAULT 0, error TEXT NOT NULL DEFAULT '',
    unsure INTEGER NOT NULL DEFAULT 0,
    owner TEXT NOT NULL DEFAULT '', lease_until REAL NOT NULL DEFAULT 0,
    sha256 TEXT NOT NULL DEFAULT '', created_at TEXT NOT NULL, done_at TEXT NOT NULL DEFAULT ''
);
CREATE UNIQUE INDEX IF NOT EXISTS jobs_live ON jobs (host, port, user, remote_path) WHERE state != 'replaced';
CREATE INDEX IF NOT EXISTS jobs_by_source ON jobs (source);
CREATE INDEX IF NOT EXISTS jobs_by_state ON jobs (state, host, port, user, bag, size);
CREATE TABLE IF NOT EXISTS attempts (
    id INTEGER PRIMARY KEY,
    job INTEGER REFERENCES jobs (id), bag INTEGER REFERENCES bags (id), remote_path TEXT NOT NULL,
    started_at TEXT NOT NULL, ended_at TEXT NOT NULL DEFAULT '',
    outcome TEXT NOT NULL DEFAULT 'begun', error TEXT NOT NULL DEFAULT '', bytes_sent INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX IF NOT EXISTS attempts_by_job ON attempts (job);
CREATE TABLE IF NOT EXISTS channels (
    attempt INTEGER NOT NULL REFERENCES attempts (id),
    channel TEXT NOT NULL, protocol TEXT NOT NULL, suite TEXT NOT NULL, resumed INTEGER NOT NULL,
    spki_sha256 TEXT NOT NULL, deprecated INTEGER NOT NULL,
    UNIQUE (attempt, channel, protocol, suite, resumed, spki_sha256)
);
CREATE INDEX IF NOT EXISTS channels_by_suite ON channels (suite, deprecated);
CREATE TABLE IF NOT EXISTS receipts (
    id INTEGER PRIMARY KEY,
    chain TEXT NOT NULL, sequence INTEGER NOT NULL, kind TEXT NOT NULL,
    job INTEGER REFERENCES jobs (id), bag INTEGER REFERENCES bags (id),
    content BLOB NOT NULL, sha256 TEXT NOT NULL, signature BLOB NOT NULL, timestamp BLOB NOT NULL DEFAULT x'',
    recorded_at TEXT NOT NULL,
    UNIQUE (chain, sequence)
);
CREATE INDEX IF NOT EXISTS receipts_by_job ON receipts (job);
"""


@dc.dataclass(frozen=True, kw_only=True)
class Selection:
    """Which jobs a run is about.

    Attributes:
        destination: Server and account.
        bag: Number of the bag; nothing for the files outside of bags.
    """

    destination: Destination
    bag: int | None

    def values(self) -> dict[str, t.Any]:
        """Its values, by the names that the queries have for them."""
        return {**dc.asdict(self.destination), "bag": self.bag}


@dc.dataclass(frozen=True, kw_only=True)
class ChannelRow:
    """One TLS connection that an attempt used.

    Attributes:
        channel: ``control`` or ``data``.
        protocol: ``TLSv1.2`` or ``TLSv1.3``.
        suite: IANA name.
        resumed: It took up an earlier session.
        spki_sha256: Public key of the server.
        deprecated: The camera's maker deprecates the suite (FTP-01).
    """

    channel: str
    protocol: str
    suite: str
    resumed: bool
    spki_sha256: str
    deprecated: bool


@dc.dataclass(frozen=True, kw_only=True)
class ReceiptRow:
    """A receipt as it is kept.

    Attributes:
        id: Its number in the ledger.
        chain: Identity of its chain.
        sequence: Its place in the chain, from 1.
        kind: ``file`` or ``seal``.
        job: Number of its job, if it is a file's.
        bag: Number of its bag, if any.
        content: The canonical JSON.
        sha256: Of the content.
        signature: Detached CMS signature in DER; empty for an unsigned one.
        timestamp: RFC 3161 response in DER; empty without one.
    """

    id: int
    chain: str
    sequence: int
    kind: str
    job: int | None
    bag: int | None
    content: bytes
    sha256: str
    signature: bytes
    timestamp: bytes


@dc.dataclass(frozen=True, kw_only=True)
class Added:
    """What became of files that were to be put down.

    Attributes:
        new: Jobs that are new, or are to be tried anew.
        pending: Jobs that were there and are not done.
        done: Jobs that were done before.
        refused: Files that cannot become jobs, each with its reason.
    """

    new: tuple[Job, ...]
    pending: tuple[Job, ...]
    done: tuple[Job, ...]
    refused: tuple[tuple[Candidate, InputError | VerificationError], ...]


class _NothingYetError(Exception):
    """The file is there, its tables are not."""


#: Makes a receipt: sequence number and hash of the one before -> content and signature.
Issue = t.Callable[[int, str], tuple[bytes, bytes]]


class JobLedger:
    """The ledger's file; one object may be used by many threads.

    Args:
        state_directory: Its directory, made with mode 0700.
        read_only: Nothing is made or written; a ledger that is missing is an empty one.

    Raises:
        InputError: It cannot be made, opened, or other users may write to the directory.
    """

    def __init__(self, state_directory: str | Path, *, read_only: bool = False) -> None:
        self.directory = Path(state_directory).absolute()
        self.path = self.directory / LEDGER_NAME
        self.read_only = read_only
        self._lock = threading.RLock()
        self._identity = ""
        self._connection = self._opened()

    def close(self) -> None:
        """Close the file; the ledger cannot be used any more."""
        with self._lock:
            self._connection.close()

    def __enter__(self) -> t.Self:
        return self

    def __exit__(self, *dummy: object) -> None:
        self.close()

    def exists(self) -> bool:
        """Whether there is a ledger's file.

        Raises:
            InputError: Its directory may not be looked into.
        """
        try:
            self.path.lstat()
        except (FileNotFoundError, NotADirectoryError):
            return False
        except OSError as error:
            raise self._error((error.strerror or "an error").lower()) from error
        return True

    @property
    def identity(self) -> str:
        """The ledger's own identity, and that of the chain of its loose receipts and seals."""
        if not self._identity:
            row = self._one("SELECT value FROM meta WHERE key = 'identity'")
            self._identity = "" if row is None else str(row["value"])
        return self._identity

    # Bags

    def bag(self, destination: Destination, remote_directory: str) -> Bag | None:
        """Look a bag up.

        Args:
            destination: Server and account.
            remote_directory: Its path there.

        Returns:
            The bag, or nothing.
        """
        row = self._one(
            "SELECT * FROM bags WHERE host = :host AND port = :port AND user = :user"
            " AND remote_directory = :remote_directory",
            {**dc.asdict(destination), "remote_directory": remote_directory},
        )
        return None if row is None else _bag(row)

    def open_bag(self, destination: Destination, remote_directory: str) -> Bag:
        """Begin a bag, or take up one that was begun.

        Args:
            destination: Server and account.
            remote_directory: Its path there.

        Returns:
            The bag.
        """
        with self._transaction() as connection:
            connection.execute(
                "INSERT INTO bags (chain, host, port, user, remote_directory, opened_at) VALUES (?, ?, ?, ?, ?, ?)"
                " ON CONFLICT DO NOTHING",
                (
                    str(uuid.uuid4()),
                    destination.host,
                    destination.port,
                    destination.user,
                    remote_directory,
                    utc_now(),
                ),
            )
        found = self.bag(destination, remote_directory)
        if found is None:  # pragma: no cover - it was just written
            raise self._error("a bag that vanished")
        return found

    def bags(self) -> list[Bag]:
        """All bags, the oldest first."""
        return [_bag(row) for row in self._all("SELECT * FROM bags ORDER BY id")]

    def seal_bag(self, bag: Bag) -> None:
        """Write down that a bag's manifest is proven on the server.

        Args:
            bag: The bag.
        """
        with self._transaction() as connection:
            connection.execute("UPDATE bags SET sealed_at = ? WHERE id = ? AND sealed_at = ''", (utc_now(), bag.id))

    # Jobs

    def add(
        self,
        candidates: t.Iterable[Candidate],
        *,
        selection: Selection,
        remote_directory: str,
        same_content: t.Callable[[Candidate, Job], bool] | None = None,
    ) -> Added:
        """Put files down as jobs. What is there already stays as it is.

        Args:
            candidates: The files.
            selection: Destination and bag.
            remote_directory: Below it the files' names stand; in a bag, below its ``data``.
            same_content: Says whether a file whose identity is another than at the time it was done still has the
                content that was sent; without it, it has not.

        Returns:
            What became of each. Of a bag that is closed the new ones are told, and not put down.
        """
        pairs = [(one, _new_job(one, selection, remote_directory, self.identity)) for one in candidates]
        # Comparing content takes its time: not while others wait for the ledger.
        same = self._same(pairs, same_content)
        lists: _Lists = ([], [], [], [])
        with self._transaction() as connection:
            # A seal that another process has made meanwhile: its bag takes nothing more.
            closed = selection.bag is not None and self._is_closed(selection.bag)
            for candidate, wanted in pairs:
                self._add_one(connection, candidate, lists, wanted, same, closed=closed)
        return _added(lists)

    def planned(
        self,
        candidates: t.Iterable[Candidate],
        *,
        destination: Destination,
        remote_directory: str,
        in_bag: bool,
        same_content: t.Callable[[Candidate, Job], bool] | None = None,
    ) -> Added:
        """What :meth:`add` would do; nothing is written, and the bag need not exist.

        Args:
            candidates: The files.
            destination: Server and account.
            remote_directory: See :meth:`add`.
            in_bag: The remote directory is a bag's.
            same_content: See :meth:`add`.

        Returns:
            What would become of each; the new jobs have the number 0.
        """
        bag = self.bag(destination, remote_directory) if in_bag else None
        selection = Selection(destination=destination, bag=(bag.id if bag else 0) if in_bag else None)
        pairs = [(one, _new_job(one, selection, remote_directory, "")) for one in candidates]
        same = self._same(pairs, same_content)
        lists: _Lists = ([], [], [], [])
        for candidate, wanted in pairs:
            self._add_one(None, candidate, lists, wanted, same)
        return _added(lists)

    def _is_closed(self, bag: int) -> bool:
        query = (
            "SELECT 1 FROM bags WHERE id = :bag AND sealed_at != ''"
            " UNION SELECT 1 FROM receipts WHERE bag = :bag AND kind = 'seal'"
        )
        return self._one(query, {"bag": bag}) is not None

    def _same(
        self, pairs: t.Sequence[tuple[Candidate, Job]], same_content: t.Callable[[Candidate, Job], bool] | None
    ) -> frozenset[tuple[str, int]]:
        """Which files have the content that a job of another identity was done with: source and number of the job."""
        found = set()
        for candidate, wanted in pairs if same_content is not None else ():
            present = self.job_of(wanted.destination, wanted.remote_path)
            changed = present is not None and present.state == "done" and present.identity != candidate.identity
            if present is not None and changed and same_content is not None and same_content(candidate, present):
                found.add((candidate.source, present.id))
        return frozenset(found)

    def _add_one(
        self,
        connection: sqlite3.Connection | None,
        candidate: Candidate,
        lists: _Lists,
        wanted: Job,
        same: t.Collection[tuple[str, int]],
        *,
        closed: bool = False,
    ) -> None:
        new, pending, done, refused = lists
        more = None if closed else connection
        present = self.job_of(wanted.destination, wanted.remote_path)
        if present is None:
            new.append(_insert(more, wanted))
        elif present.state == "done":
            if present.identity == candidate.identity:
                done.append(present)
            elif (candidate.source, present.id) in same:
                _touched(connection, candidate, present)
                done.append(present)
            else:
                refused.append((candidate, _changed_since(candidate, present)))
        elif present.source != candidate.source:
            refused.append((candidate, _taken(candidate, present)))
        elif present.identity == candidate.identity:
            self._again(more, present, new, pending)
        elif present.state == "leased":
            refused.append((candidate, _being_sent(candidate)))
        else:
            if more is not None:
                more.execute("UPDATE jobs SET state = 'replaced' WHERE id = ?", (present.id,))
            new.append(_insert(more, wanted))

    @staticmethod
    def _again(connection: sqlite3.Connection | None, present: Job, new: list[Job], pending: list[Job]) -> None:
        if present.state != "failed":
            pending.append(present)
            return
        if connection is not None:
            connection.execute(
                "UPDATE jobs SET state = 'waiting', attempts = 0, next_try = 0 WHERE id = ? AND state = 'failed'",
                (present.id,),
            )
        new.append(dc.replace(present, state="waiting", attempts=0, next_try=0))

    def job_of(self, destination: Destination, remote_path: str) -> Job | None:
        """The job that is about a name on a server.

        Args:
            destination: Server and account.
            remote_path: Final name there.

        Returns:
            The job, or nothing.
        """
        row = self._one(
            "SELECT * FROM jobs WHERE host = :host AND port = :port AND user = :user AND remote_path = :remote_path"
            " AND state != 'replaced'",
            {**dc.asdict(destination), "remote_path": remote_path},
        )
        return None if row is None else _job(row)

    def knows(self, destination: Destination, candidate: Candidate) -> bool:
        """Whether a file, as it is now, is or was on its way to a server, wherever there.

        Args:
            destination: Server and account.
            candidate: The file.

        Returns:
            True when a job has its path and identity.
        """
        row = self._one(
            "SELECT 1 FROM jobs WHERE source = :source AND size = :size AND mtime_ns = :mtime_ns AND inode = :inode"
            " AND device = :device AND host = :host AND port = :port AND user = :user AND state != 'replaced'",
            {**dc.asdict(candidate.identity), **dc.asdict(destination), "source": candidate.source},
        )
        return row is not None

    def drop(self, job: Job) -> bool:
        """Give a job up that is not done: its bag does not wait for it any more. Its tries stay on record.

        Args:
            job: The job.

        Returns:
            False when it is done, or somebody is at it.
        """
        with self._transaction() as connection:
            return bool(
                connection.execute(
                    "UPDATE jobs SET state = 'replaced' WHERE id = ? AND state IN ('waiting', 'failed')", (job.id,)
                ).rowcount
            )

    def try_again(self, job: Job) -> None:
        """Let a job that failed for good wait once more.

        Args:
            job: The job.
        """
        with self._transaction() as connection:
            connection.execute(
                "UPDATE jobs SET state = 'waiting', next_try = 0 WHERE id = ? AND state = 'failed'", (job.id,)
            )

    def jobs(self, selection: Selection | None = None, *, states: t.Collection[str] = ()) -> list[Job]:
        """The jobs, in the order they were put down.

        Args:
            selection: Only those of it.
            states: Only those in one of these states.

        Returns:
            The jobs that were not replaced, unless that state is asked for.
        """
        wanted = json.dumps(list(states) or ["waiting", "leased", "done", "failed"])
        query = "SELECT * FROM jobs WHERE state IN (SELECT value FROM json_each(:states)) ORDER BY id"
        if selection is not None:
            query = (
                "SELECT * FROM jobs WHERE host = :host AND port = :port AND user = :user AND bag IS :bag"
                " AND state IN (SELECT value FROM json_each(:states)) ORDER BY id"
            )
        values = {} if selection is None else selection.values()
        return [_job(row) for row in self._all(query, {**values, "states": wanted})]

    def counts(self, selection: Selection | None = None) -> dict[str, int]:
        """How many jobs are in each state.

        Args:
            selection: Only those of it.

        Returns:
            Number by state; states without a job are left out.
        """
        query = "SELECT state, COUNT(*) AS number FROM jobs GROUP BY state"
        if selection is not None:
            query = (
                "SELECT state, COUNT(*) AS number FROM jobs WHERE host = :host AND port = :port AND user = :user"
                " AND bag IS :bag GROUP BY state"
            )
        rows = self._all(query, {} if selection is None else selection.values())
        return {str(row["state"]): int(row["number"]) for row in rows}

    # Leases

    def take_over(self, *, now: float | None = None) -> int:
        """Free the jobs whose holder is dead, or silent for longer than its lease where it cannot be looked at.

        Args:
            now: The clock, seconds since 1970.

        Returns:
            How many jobs became free.
        """
        instant = time.time() if now is None else now
        rows = self._all("SELECT owner, MAX(lease_until) AS until FROM jobs WHERE state = 'leased' GROUP BY owner")
        freed = 0
        for row in rows:
            dead = is_dead(row["owner"])
            if dead or (dead is None and row["until"] < instant):
                with self._transaction() as connection:
                    freed += connection.execute(
                        "UPDATE jobs SET state = 'waiting', owner = '', unsure = 1 WHERE state = 'leased'"
                        " AND owner = ?",
                        (row["owner"],),
                    ).rowcount
        return freed

    def lease(
        self,
        owner: str,
        selection: Selection,
        *,
        limit: int,
        largest: int | None = None,
        control: ChannelRow | None = None,
        longest_delay: float = LONGEST_DELAY,
        now: float | None = None,
    ) -> list[tuple[Job, int]]:
        """Take jobs, large ones first. From here on the server may know of them.

        Args:
            owner: See :func:`.._evidence._owner.own_identity`.
            selection: Which jobs.
            limit: At most so many.
            largest: When the first that is found is larger than this, it is taken alone.
            control: The control connection they will be sent over.
            longest_delay: Seconds; a job that is to wait for longer was put off by a clock that was set back since.
            now: The clock.

        Returns:
            Each job (``unsure`` as it was before) with the number of its attempt.
        """
        instant = time.time() if now is None else now
        taken: list[tuple[Job, int]] = []
        with self._transaction() as connection:
            rows = connection.execute(
                "SELECT * FROM jobs WHERE state = 'waiting' AND host = :host AND port = :port AND user = :user"
                " AND bag IS :bag AND (next_try <= :now OR next_try > :now + :delay)"
                " ORDER BY size DESC, id LIMIT :limit",
                {**selection.values(), "now": instant, "delay": longest_delay, "limit": limit},
            ).fetchall()
            if rows and largest is not None and rows[0]["size"] > largest:
                rows = rows[:1]
            for row in rows:
                connection.execute(
                    "UPDATE jobs SET state = 'leased', owner = ?, lease_until = ?, unsure = 1, attempts = attempts + 1"
                    " WHERE id = ?",
                    (owner, instant + LEASE_SECONDS, row["id"]),
                )
                job = dc.replace(_job(row), state="leased", attempts=row["attempts"] + 1)
                attempt = _begin(connection, job.id, job.bag, job.remote_path)
                _write_channels(connection, attempt, () if control is None else (control,))
                taken.append((job, attempt))
        return taken

    def beat(self, owner: str, *, now: float | None = None) -> None:
        """Say that the holder still lives: its leases last longer.

        Args:
            owner: The holder.
            now: The clock.
        """
        instant = time.time() if now is None else now
        with self._transaction() as connection:
            connection.execute(
                "UPDATE jobs SET lease_until = ? WHERE state = 'leased' AND owner = ?", (instant + LEASE_SECONDS, owner)
            )

    def release(self, owner: str) -> None:
        """Free whatever a holder still has, as if it were dead.

        Args:
            owner: The holder.
        """
        with self._transaction() as connection:
            connection.execute(
                "UPDATE jobs SET state = 'waiting', owner = '', unsure = 1 WHERE state = 'leased' AND owner = ?",
                (owner,),
            )

    def give_back(self, owner: str, job: Job, attempt: int) -> None:
        """Return a job that was leased but never begun.

        Args:
            owner: The holder.
            job: As :meth:`lease` gave it.
            attempt: Its attempt.
        """
        with self._transaction() as connection:
            changed = connection.execute(
                "UPDATE jobs SET state = 'waiting', owner = '', unsure = ?, attempts = ? WHERE id = ? AND owner = ?"
                " AND state = 'leased'",
                (job.unsure, job.attempts - 1, job.id, owner),
            ).rowcount
            if changed:
                connection.execute("DELETE FROM channels WHERE attempt = ?", (attempt,))
                connection.execute("DELETE FROM attempts WHERE id = ?", (attempt,))

    def fail(
        self, owner: str, job: Job, attempt: int, error: str, *, next_try: float | None, unsure: bool = True
    ) -> None:
        """Write down that a try failed.

        Args:
            owner: The holder.
            job: The job.
            attempt: The attempt.
            error: Why, one sentence.
            next_try: When to try again, seconds since 1970; nothing for never.
            unsure: Something of it may lie under its final name.
        """
        state = "failed" if next_try is None else "waiting"
        with self._transaction() as connection:
            connection.execute(
                "UPDATE jobs SET state = ?, owner = '', error = ?, next_try = ?, unsure = ? WHERE id = ? AND owner = ?"
                " AND state = 'leased'",
                (state, error, next_try or 0.0, unsure, job.id, owner),
            )
            connection.execute(
                "UPDATE attempts SET ended_at = ?, outcome = 'failed', error = ? WHERE id = ?",
                (utc_now(), error, attempt),
            )

    def finish(
        self,
        owner: str,
        job: Job,
        attempt: int,
        *,
        sha256: str,
        found: bool,
        bytes_sent: int,
        channels: t.Collection[ChannelRow],
        chain: str,
        issue: Issue,
    ) -> ReceiptRow | None:
        """Write down, in one transaction, that a job is done, and its receipt.

        Args:
            owner: The holder.
            job: The job.
            attempt: The attempt.
            sha256: Of the content.
            found: It lay there already, proven.
            bytes_sent: In this attempt.
            channels: The TLS connections that were used.
            chain: The chain of receipts it belongs to.
            issue: Makes the receipt.

        Returns:
            The receipt; nothing when the lease was lost meanwhile, so that whoever has it writes it down.
        """
        with self._transaction() as connection:
            changed = connection.execute(
                "UPDATE jobs SET state = 'done', owner = '', error = '', sha256 = ?, done_at = ? WHERE id = ?"
                " AND owner = ? AND state = 'leased'",
                (sha256, utc_now(), job.id, owner),
            ).rowcount
            connection.execute(
                "UPDATE attempts SET ended_at = ?, outcome = ?, bytes_sent = ? WHERE id = ?",
                (utc_now(), "found" if found else "sent", bytes_sent, attempt),
            )
            _write_channels(connection, attempt, channels)
            if not changed:
                return None
            return self._issue(connection, chain=chain, kind="file", job=job.id, bag=job.bag, issue=issue)

    @contextlib.contextmanager
    def together(self) -> t.Iterator[None]:
        """Several writes in one transaction."""
        with self._transaction():
            yield

    def record_tag_file(
        self, bag: Bag, remote_path: str, channels: t.Collection[ChannelRow], *, found: bool, bytes_sent: int
    ) -> None:
        """Write down that a file which describes a bag was sent.

        Args:
            bag: The bag.
            remote_path: Its name on the server.
            channels: The TLS connections that were used.
            found: It lay there already.
            bytes_sent: How many that were.
        """
        with self._transaction() as connection:
            attempt = _begin(connection, None, bag.id, remote_path)
            connection.execute(
                "UPDATE attempts SET ended_at = ?, outcome = ?, bytes_sent = ? WHERE id = ?",
                (utc_now(), "found" if found else "sent", bytes_sent, attempt),
            )
            _write_channels(connection, attempt, channels)

    def next_instant(self, selection: Selection) -> float | None:
        """When the next job becomes due.

        Args:
            selection: Which jobs.

        Returns:
            Seconds since 1970; nothing when none waits.
        """
        row = self._one(
            "SELECT MIN(next_try) AS due FROM jobs WHERE state = 'waiting' AND host = :host AND port = :port"
            " AND user = :user AND bag IS :bag",
            selection.values(),
        )
        return None if row is None or row["due"] is None else float(row["due"])

    # Receipts

    def issue_seal(self, bag: Bag, issue: Issue, *, files: int) -> ReceiptRow | None:
        """Make the seal of a bag: a receipt in the ledger's own chain. A seal that was made before is kept.

        Args:
            bag: The bag.
            issue: Makes the seal.
            files: How many the seal is about.

        Returns:
            The seal; nothing when another process has put more files down meanwhile.
        """
        with self._transaction() as connection:
            present = self.seal_of(bag)
            if present is not None:
                return present
            counts = self.counts(Selection(destination=bag.destination, bag=bag.id))
            counts.pop("replaced", None)
            if counts != {"done": files}:
                return None
            return self._issue(connection, chain=self.identity, kind="seal", job=None, bag=bag.id, issue=issue)

    def seal_of(self, bag: Bag) -> ReceiptRow | None:
        """The seal of a bag.

        Args:
            bag: The bag.

        Returns:
            The seal, or nothing when there is none yet.
        """
        row = self._one("SELECT * FROM receipts WHERE kind = 'seal' AND bag = ?", (bag.id,))
        return None if row is None else _receipt(row)

    def receipts(self, chain: str) -> list[ReceiptRow]:
        """The receipts of a chain in their order.

        Args:
            chain: Identity of the chain.

        Returns:
            The receipts.
        """
        return [
            _receipt(row) for row in self._all("SELECT * FROM receipts WHERE chain = ? ORDER BY sequence", (chain,))
        ]

    def receipt_of(self, job: Job) -> ReceiptRow | None:
        """The receipt of a job.

        Args:
            job: The job.

        Returns:
            The receipt, or nothing when it is not done.
        """
        row = self._one("SELECT * FROM receipts WHERE job = ?", (job.id,))
        return None if row is None else _receipt(row)

    def told(self, receipt: ReceiptRow) -> dict[str, t.Any]:
        """What a receipt says, in short.

        Args:
            receipt: Of a file.

        Returns:
            ``sequence``, ``receipt_sha256``, ``proof``, ``policy``, ``control`` and ``data`` (protocol, suite, resumed,
            deprecated).
        """
        facts = json.loads(receipt.content)
        return {
            "sequence": receipt.sequence,
            "receipt_sha256": receipt.sha256,
            "proof": facts["proof"]["kind"],
            "policy": facts["policy"],
            "control": facts["tls"]["control"],
            "data": facts["tls"]["data"],
        }

    def without_timestamp(self, bag: Bag | None, *, kinds: t.Collection[str]) -> list[ReceiptRow]:
        """The receipts that no time stamp confirms yet.

        Args:
            bag: Only those of this bag; nothing for those outside of bags.
            kinds: ``file``, ``seal`` or both.

        Returns:
            The receipts.
        """
        rows = self._all(
            "SELECT * FROM receipts WHERE bag IS :bag AND length(timestamp) = 0"
            " AND kind IN (SELECT value FROM json_each(:kinds)) ORDER BY id",
            {"bag": None if bag is None else bag.id, "kinds": json.dumps(list(kinds))},
        )
        return [_receipt(row) for row in rows]

    def set_timestamp(self, receipt: ReceiptRow, token: bytes) -> None:
        """Keep the time stamp of a receipt; one that is there stays.

        Args:
            receipt: The receipt.
            token: RFC 3161 response in DER.
        """
        with self._transaction() as connection:
            connection.execute(
                "UPDATE receipts SET timestamp = ? WHERE id = ? AND length(timestamp) = 0", (token, receipt.id)
            )

    def _issue(
        self,
        connection: sqlite3.Connection,
        *,
        chain: str,
        kind: str,
        job: int | None,
        bag: int | None,
        issue: Issue,
    ) -> ReceiptRow:
        last = connection.execute(
            "SELECT sequence, sha256 FROM receipts WHERE chain = ? ORDER BY sequence DESC LIMIT 1", (chain,)
        ).fetchone()
        sequence, previous = (1, "") if last is None else (last["sequence"] + 1, last["sha256"])
        content, signature = issue(sequence, previous)
        digest = hashlib.sha256(content).hexdigest()
        number = connection.execute(
            "INSERT INTO receipts (chain, sequence, kind, job, bag, content, sha256, signature, recorded_at)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (chain, sequence, kind, job, bag, content, digest, signature, utc_now()),
        ).lastrowid
        return ReceiptRow(
            id=t.cast("int", number),
            chain=chain,
            sequence=sequence,
            kind=kind,
            job=job,
            bag=bag,
            content=content,
            sha256=digest,
            signature=signature,
            timestamp=b"",
        )

    # Questions

    def sent_under(self, suites: t.Collection[str], *, also_deprecated: bool = False) -> list[dict[str, t.Any]]:
        """Every try in which a file, or a part of one, went over a connection with one of these suites.

        Args:
            suites: IANA names.
            also_deprecated: A suite that was deprecated when it was used counts too.

        Returns:
            One row for each attempt and suite: ``source``, ``remote_path``, ``host``, ``port``, ``channel``, ``suite``,
            ``protocol``, ``started_at`` and ``outcome``.
        """
        rows = self._all(
            "SELECT j.source, a.remote_path, COALESCE(j.host, b.host) AS host, COALESCE(j.port, b.port) AS port,"
            " c.channel, c.suite, c.protocol, a.started_at, a.outcome"
            " FROM channels c JOIN attempts a ON a.id = c.attempt"
            " LEFT JOIN jobs j ON j.id = a.job LEFT JOIN bags b ON b.id = a.bag"
            " WHERE (c.deprecated = 1 AND :also_deprecated) OR c.suite IN (SELECT value FROM json_each(:suites))"
            " ORDER BY a.id, c.channel, c.suite",
            {"suites": json.dumps(list(suites)), "also_deprecated": also_deprecated},
        )
        return [{key: row[key] for key in row.keys()} for row in rows]  # noqa: SIM118  # a Row iterates its values

    def suites_used(self) -> list[dict[str, t.Any]]:
        """How often each suite was used.

        Returns:
            One row for each suite, protocol and channel, with the number of attempts and of bytes.
        """
        rows = self._all(
            "SELECT c.suite, c.protocol, c.channel, COUNT(DISTINCT a.id) AS attempts, SUM(a.bytes_sent) AS bytes"
            " FROM channels c JOIN attempts a ON a.id = c.attempt GROUP BY c.suite, c.protocol, c.channel"
            " ORDER BY c.suite, c.channel"
        )
        return [{key: row[key] for key in row.keys()} for row in rows]  # noqa: SIM118  # a Row iterates its values

    # The file

    def _opened(self) -> sqlite3.Connection:
        if not self.read_only:
            self._make_file()
            return self._connect(f"file:{quote(str(self.path))}?mode=rw", made=True)
        if self.exists():
            try:
                return self._connect(f"file:{quote(str(self.path))}?mode=ro", made=False)
            except _NothingYetError:  # another process is about to make it
                pass
        return self._connect(":memory:", made=True)

    def _make_file(self) -> None:
        try:
            self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            if stat.S_IMODE(self.directory.stat().st_mode) & 0o022:
                raise self._error("a directory that other users may write to", "mode 0700")
            os.close(os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600))
        except OSError as error:
            raise self._error((error.strerror or "an error").lower()) from error

    def _connect(self, address: str, *, made: bool) -> sqlite3.Connection:
        try:
            connection = sqlite3.connect(
                address, uri=True, timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False
            )
        except sqlite3.Error as error:
            raise self._error("no readable database") from error
        try:
            connection.row_factory = sqlite3.Row
            if made:
                _make_tables(connection)
            elif not connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'meta'").fetchone():
                raise _NothingYetError
            version = connection.execute("SELECT value FROM meta WHERE key = 'version'").fetchone()
            if version is None or version["value"] != _VERSION:
                raise self._error("a ledger of another version", f"version {_VERSION}")
        except sqlite3.Error as error:
            connection.close()
            raise self._error(str(error)) from error
        except BaseException:
            connection.close()
            raise
        return connection

    @contextlib.contextmanager
    def _transaction(self) -> t.Iterator[sqlite3.Connection]:
        with self._lock:
            connection = self._connection
            if connection.in_transaction:  # within `together`
                yield connection
                return
            try:
                connection.execute("BEGIN IMMEDIATE")
                try:
                    yield connection
                    connection.execute("COMMIT")
                except BaseException:
                    # A commit that fails may leave its transaction open: what is written next would be part of it.
                    if self._connection.in_transaction:
                        connection.execute("ROLLBACK")
                    raise
            except sqlite3.Error as error:
                raise self._error(str(error)) from error

    def _all(self, query: str, values: t.Mapping[str, t.Any] | t.Sequence[t.Any] = ()) -> list[sqlite3.Row]:
        with self._lock:
            try:
                return self._connection.execute(query, values).fetchall()
            except sqlite3.Error as error:
                raise self._error(str(error)) from error

    def _one(self, query: str, values: t.Mapping[str, t.Any] | t.Sequence[t.Any] = ()) -> sqlite3.Row | None:
        rows = self._all(query, values)
        return rows[0] if rows else None

    def _error(self, found: str, expected: str = "a ledger that can be read and written") -> InputError:
        return InputError(device=str(self.path), subject="job ledger", found=found, expected=expected)


_Lists = tuple[list[Job], list[Job], list[Job], list[tuple[Candidate, "InputError | VerificationError"]]]


def _touched(connection: sqlite3.Connection | None, candidate: Candidate, job: Job) -> None:
    """Remember what a file is now, so that it is not read again the next time."""
    if connection is not None and candidate.source == job.source:
        connection.execute(
            "UPDATE jobs SET mtime_ns = :mtime_ns, inode = :inode, device = :device WHERE id = :id AND size = :size",
            {**dc.asdict(candidate.identity), "id": job.id},
        )


def _added(lists: _Lists) -> Added:
    new, pending, done, refused = lists
    return Added(new=tuple(new), pending=tuple(pending), done=tuple(done), refused=tuple(refused))


def _make_tables(connection: sqlite3.Connection) -> None:
    # A write-ahead log takes one sync for each commit; FULL makes that sync happen before the commit returns.
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA foreign_keys = ON")
    # All or nothing: whoever looks meanwhile finds a whole ledger or none.
    connection.execute("BEGIN IMMEDIATE")
    for statement in _SCHEMA.split(";"):
        if statement.strip():
            connection.execute(statement)
    connection.execute(
        "INSERT INTO meta VALUES ('identity', ?), ('version', ?) ON CONFLICT DO NOTHING", (str(uuid.uuid4()), _VERSION)
    )
    connection.execute("COMMIT")


def _begin(connection: sqlite3.Connection, job: int | None, bag: int | None, remote_path: str) -> int:
    number = connection.execute(
        "INSERT INTO attempts (job, bag, remote_path, started_at) VALUES (?, ?, ?, ?)",
        (job, bag, remote_path, utc_now()),
    ).lastrowid
    return t.cast("int", number)


def _write_channels(connection: sqlite3.Connection, attempt: int, channels: t.Collection[ChannelRow]) -> None:
    connection.executemany(
        "INSERT INTO channels VALUES (:attempt, :channel, :protocol, :suite, :resumed, :spki_sha256, :deprecated)"
        " ON CONFLICT DO NOTHING",
        [{"attempt": attempt, **dc.asdict(channel)} for channel in channels],
    )


def _new_job(candidate: Candidate, selection: Selection, remote_directory: str, ledger: str) -> Job:
    payload = f"data/{candidate.name}" if selection.bag is not None else ""
    remote_path = joined(remote_directory, payload or candidate.name)
    identity = candidate.identity
    # Of everything that the content may depend on, so that a part is taken up only by the job that left it there.
    parts = (ledger, str(selection.destination), selection.destination.user, remote_path, candidate.source)
    numbers = (identity.size, identity.mtime_ns, identity.inode, identity.device)
    token = hashlib.sha256("\0".join((*parts, *map(str, numbers))).encode("utf-8", "surrogateescape")).hexdigest()[:32]
    # In a bag it stands beside `data`: what is left of a replaced job must not make the bag invalid.
    above, slash, dummy = remote_path.rpartition("/")
    home = remote_directory if payload else above or slash
    return Job(
        id=0,
        source=candidate.source,
        identity=identity,
        destination=selection.destination,
        remote_path=remote_path,
        temporary_path=joined(home, f"camsec-{token}.part"),
        bag=selection.bag,
        payload=payload,
        state="waiting",
        attempts=0,
        next_try=0,
        error="",
        unsure=False,
        sha256="",
        done_at="",
    )


def joined(directory: str, name: str) -> str:
    """A path on the server.

    Args:
        directory: Absolute, relative to where the login leads, or empty for that place itself.
        name: Below it.

    Returns:
        The path.
    """
    if not directory:
        return name
    return f"{directory.rstrip('/')}/{name}"


def _insert(connection: sqlite3.Connection | None, job: Job) -> Job:
    if connection is None:
        return job
    row = {
        **dc.asdict(job.identity),
        **dc.asdict(job.destination),
        "source": job.source,
        "remote_path": job.remote_path,
        "temporary_path": job.temporary_path,
        "bag": job.bag,
        "payload": job.payload,
        "created_at": utc_now(),
    }
    number = connection.execute(
        "INSERT INTO jobs (source, size, mtime_ns, inode, device, host, port, user, remote_path, temporary_path, bag,"
        " payload, created_at) VALUES (:source, :size, :mtime_ns, :inode, :device, :host, :port, :user, :remote_path,"
        " :temporary_path, :bag, :payload, :created_at)",
        row,
    ).lastrowid
    return dc.replace(job, id=t.cast("int", number))


def _job(row: sqlite3.Row) -> Job:
    values = dict(row)
    identity = Identity(**{name: values.pop(name) for name in ("size", "mtime_ns", "inode", "device")})
    destination = Destination(**{name: values.pop(name) for name in ("host", "port", "user")})
    for name in ("owner", "lease_until", "created_at"):
        del values[name]
    return Job(**{**values, "identity": identity, "destination": destination, "unsure": bool(values["unsure"])})


def _bag(row: sqlite3.Row) -> Bag:
    values = dict(row)
    destination = Destination(**{name: values.pop(name) for name in ("host", "port", "user")})
    return Bag(**values, destination=destination)


def _receipt(row: sqlite3.Row) -> ReceiptRow:
    return ReceiptRow(**{field.name: row[field.name] for field in dc.fields(ReceiptRow)})


def _changed_since(candidate: Candidate, job: Job) -> VerificationError:
    return VerificationError(
        device=candidate.source,
        subject="file that was sent before",
        found=f"another content than the one proven at {job.destination}{_slash(job.remote_path)} on {job.done_at}",
        expected="evidence that does not change",
        advice="Nothing was overwritten: send it to another remote directory if both are to be kept.",
    )


def _taken(candidate: Candidate, job: Job) -> InputError:
    return InputError(
        device=candidate.source,
        subject="name on the server",
        found=f"{job.remote_path}, which {job.source} takes",
        expected="a name for each file",
    )


def _being_sent(candidate: Candidate) -> VerificationError:
    return VerificationError(
        device=candidate.source,
        subject="file",
        found="one that changed while a process is sending it",
        expected="a file that stays as it is until it is done",
    )


def _slash(path: str) -> str:
    return path if path.startswith("/") else f"/{path}"
