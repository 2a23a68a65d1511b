# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The plain data of evidence uploads: what a file is, where it goes, what became of it."""

from __future__ import annotations

import dataclasses as dc
import datetime as dt
import os
import typing as t

__all__ = ["UPLOADER", "UPLOADER_VERSION", "Bag", "Candidate", "Destination", "Event", "Identity", "Job", "utc_now"]

UPLOADER: t.Final = "camsec.fleet"
#: The collection's version: a module that runs on another host has no galaxy.yml beside it. A test compares the two.
UPLOADER_VERSION: t.Final = "1.0.0"


def utc_now() -> str:
    """The clock, as it is written down: ISO 8601, UTC, microseconds."""
    return dt.datetime.now(dt.UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


@dc.dataclass(frozen=True, kw_only=True)
class Identity:
    """What tells one content of a file from another without reading it.

    Attributes:
        size: In bytes.
        mtime_ns: Time of the last change, nanoseconds.
        inode: Number of the inode.
        device: Number of the file system.
    """

    size: int
    mtime_ns: int
    inode: int
    device: int

    @classmethod
    def of(cls, status: os.stat_result) -> Identity:
        """The identity that a file has now.

        Args:
            status: As the operating system tells it.

        Returns:
            The identity.
        """
        return cls(size=status.st_size, mtime_ns=status.st_mtime_ns, inode=status.st_ino, device=status.st_dev)


@dc.dataclass(frozen=True, kw_only=True)
class Destination:
    """An account on a server.

    Attributes:
        host: Address or host name.
        port: TCP port of the control connection.
        user: Name of the account.
    """

    host: str
    port: int
    user: str

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"


@dc.dataclass(frozen=True, kw_only=True)
class Candidate:
    """A file that is to be sent.

    Attributes:
        source: Its absolute path here.
        identity: What it is now.
        name: Its name below the remote directory, parts joined with ``/``.
    """

    source: str
    identity: Identity
    name: str


@dc.dataclass(frozen=True, kw_only=True)
class Bag:
    """A remote directory that becomes a BagIt bag (RFC 8493).

    Attributes:
        id: Its number in the ledger.
        chain: Identity of the chain of its receipts.
        destination: Where it lies.
        remote_directory: Its path there.
        opened_at: When it was begun, ISO 8601.
        sealed_at: When its manifest was proven on the server; empty before.
    """

    id: int
    chain: str
    destination: Destination
    remote_directory: str
    opened_at: str
    sealed_at: str


@dc.dataclass(frozen=True, kw_only=True)
class Job:
    """One file on its way to one place.

    Attributes:
        id: Its number in the ledger.
        source: Absolute path here.
        identity: Of the content that is to be sent.
        destination: Server and account.
        remote_path: Its final name there.
        temporary_path: Its name there until it is proven.
        bag: Number of its bag; nothing for a file outside of bags.
        payload: Its path in the bag, ``data/…``; empty outside of bags.
        state: ``waiting``, ``leased``, ``done``, ``failed`` or ``replaced``.
        attempts: How often it was tried.
        next_try: Not before this instant, seconds since 1970.
        error: Why the last try failed, one sentence.
        unsure: A former try may have completed it without that being written down.
        sha256: Of the content, once it is done.
        done_at: When that was, ISO 8601.
    """

    id: int
    source: str
    identity: Identity
    destination: Destination
    remote_path: str
    temporary_path: str
    bag: int | None
    payload: str
    state: str
    attempts: int
    next_try: float
    error: str
    unsure: bool
    sha256: str
    done_at: str

    def shown(self) -> dict[str, t.Any]:
        """The job as a result shows it."""
        return {
            "source": self.source,
            "size": self.identity.size,
            "host": self.destination.host,
            "port": self.destination.port,
            "remote_path": self.remote_path,
            "state": self.state,
            "attempts": self.attempts,
            "error": self.error,
            "sha256": self.sha256,
            "done_at": self.done_at,
        }


@dc.dataclass(frozen=True, kw_only=True)
class Event:
    """Something that happened during a run, for whoever watches.

    Attributes:
        kind: ``started``, ``progress``, ``done``, ``found``, ``retried``, ``failed``, ``sealed`` or ``note``.
        source: The file, or empty.
        remote_path: Its name on the server, or empty.
        size: Of the file, in bytes.
        sent: Bytes that are there so far.
        text: One sentence, or empty.
        detail: More, as plain data.
    """

    kind: str
    source: str = ""
    remote_path: str = ""
    size: int = 0
    sent: int = 0
    text: str = ""
    detail: t.Mapping[str, t.Any] = dc.field(default_factory=dict)

    def shown(self) -> dict[str, t.Any]:
        """The event as one line of JSON says it."""
        return {key: value for key, value in dc.asdict(self).items() if value not in ("", {})}
