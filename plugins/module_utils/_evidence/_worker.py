# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One session in a thread of its own: takes jobs from the ledger, sends them, tells what became of each."""

from __future__ import annotations

import contextlib
import dataclasses as dc
import os
import queue
import threading
import time
import typing as t

from .._core._errors import CamsecError, ConnectError, InputError, RefusedError, VerificationError
from ._facts import Event, Identity, Job
from ._ledger import JobLedger, Selection
from ._receipts import channel_row
from ._retry import delay, ends_everything, worth_another_try

if t.TYPE_CHECKING:
    from .._ftpes._facts import UploadResult
    from .._ftpes._session import Session
    from .._ftpes._source import Source

__all__ = ["Desk", "Report", "RunOptions", "Worker"]

_SMALL = 4 << 20
_BATCH = 8
_PROGRESS = 0.2
_POLL = 0.25
_IDLE = 15.0


@dc.dataclass(frozen=True, kw_only=True)
class RunOptions:
    """How to send.

    Attributes:
        sessions: How many connections at once.
        attempts: How often a file, or a login that does not come about, is tried in one run.
        first_delay: Seconds before the second try; each further one waits twice as long.
        longest_delay: Seconds that it waits at most.
        total_rate: Bytes a second over all sessions; nothing for no limit.
        connection_rate: Bytes a second for each session; nothing for no limit.
        time_limit: Seconds after which a run ends, its files intact; nothing for no limit.
    """

    sessions: int = 4
    attempts: int = 5
    first_delay: float = 1.0
    longest_delay: float = 60.0
    total_rate: int | None = None
    connection_rate: int | None = None
    time_limit: float | None = None

    def __post_init__(self) -> None:
        for name, low, high in (
            ("sessions", 1, 64),
            ("attempts", 1, 1000),
            ("first_delay", 0, 86400),
            ("longest_delay", 0, 86400),
            ("total_rate", 1, 1 << 50),
            ("connection_rate", 1, 1 << 50),
            ("time_limit", 0.001, 1 << 40),
        ):
            value = getattr(self, name)
            if value is not None and not low <= value <= high:
                raise InputError(device="this host", subject=name, found=value, expected=f"from {low} to {high}")


@dc.dataclass(frozen=True, kw_only=True)
class Report:
    """What a worker tells the thread that writes: how one try ended.

    Attributes:
        job: The job.
        attempt: Its number in the ledger.
        result: What was proven; nothing for a try that failed.
        error: Why it failed.
        retry_in: Seconds until the next try; nothing for never.
        begun: Something of it may have happened on the server.
        ended: It was the end of the run, not a failure.
        absent: The source is gone, and nothing of it lies under its final name.
    """

    job: Job
    attempt: int
    result: UploadResult | None = None
    error: CamsecError | None = None
    retry_in: float | None = None
    begun: bool = True
    ended: bool = False
    absent: bool = False


@dc.dataclass(frozen=True, kw_only=True)
class Desk:
    """What all workers of a run share.

    Attributes:
        ledger: The ledger.
        selection: Which of its jobs.
        owner: Who holds the leases.
        options: How to send.
        keep_going: Wait for more files.
        end: Set when the run ends.
        reports: Where they report to; nothing in it only wakes the thread that reads it.
        emit: Tells an event.
        make_session: Makes a session, not yet connected.
        open_source: Opens a file.
        directories: Those that are known to exist on the server.
        tries: How often each job was tried in this run.
    """

    ledger: JobLedger
    selection: Selection
    owner: str
    options: RunOptions
    keep_going: bool
    end: threading.Event
    reports: queue.SimpleQueue[Report | None]
    emit: t.Callable[[Event], None]
    make_session: t.Callable[[], Session]
    open_source: t.Callable[[str], t.ContextManager[Source]]
    directories: set[str] = dc.field(default_factory=set)
    tries: dict[int, int] = dc.field(default_factory=dict)


class _GoneError(Exception):
    """The source is gone, and nothing of it lies under its final name."""

    def __init__(self, error: CamsecError) -> None:
        self.error = error
        super().__init__(error.message)


class _EndedError(Exception):
    """The run ends; raised out of a transfer."""


class Worker(threading.Thread):
    """One session.

    Args:
        desk: What it shares with the others.
    """

    def __init__(self, desk: Desk) -> None:
        super().__init__(name="evidence", daemon=True)
        self._desk = desk
        self._session: Session | None = None
        self.connected = False
        self.over = False
        self.error: CamsecError | None = None
        self.mistake: Exception | None = None

    def run(self) -> None:
        """Send until there is nothing, or the run ends."""
        try:
            idle_since = time.monotonic()
            while not self._desk.end.is_set():
                session = self._opened()
                if session is None:
                    return
                taken = self._desk.ledger.lease(
                    self._desk.owner,
                    self._desk.selection,
                    limit=_BATCH,
                    largest=_SMALL,
                    control=channel_row("control", session.control),
                    longest_delay=self._desk.options.longest_delay,
                )
                if taken:
                    self._send_all(taken)
                    idle_since = time.monotonic()
                elif not self._more_to_come(time.monotonic() - idle_since):
                    return
        except CamsecError as error:
            self.error = error
        except Exception as error:  # noqa: BLE001  # a mistake in here is raised by the run, not lost with the thread
            self.mistake = error
        finally:
            self._close()
            self.over = True
            self._desk.reports.put(None)

    def _more_to_come(self, idle: float) -> bool:
        desk = self._desk
        due = desk.ledger.next_instant(desk.selection)
        if idle > _IDLE or (due is None and not desk.keep_going):
            return False
        desk.end.wait(_POLL)
        return True

    def _opened(self) -> Session | None:
        """The session, made anew where it is gone; nothing when the run ends."""
        options = self._desk.options
        attempt = 0
        while True:
            attempt += 1
            try:
                if self._session is None:
                    self._session = self._desk.make_session()
                self._session.open()  # nothing to do, unless an error made it let go of its connection
                break
            except (ConnectError, RefusedError) as error:
                if attempt >= options.attempts or not worth_another_try(error):
                    raise
                pause = delay(attempt, first=options.first_delay, cap=options.longest_delay)
                self._desk.emit(Event(kind="retried", text=error.message, detail={"retry_in_ms": int(pause * 1000)}))
                if self._desk.end.wait(pause):
                    return None
        if not self.connected:
            self.connected = True
            self._desk.reports.put(None)
        return self._session

    def _close(self) -> None:
        session, self._session = self._session, None
        if session is not None:
            with contextlib.suppress(CamsecError, OSError):
                session.close()

    def _send_all(self, taken: list[tuple[Job, int]]) -> None:
        left = list(taken)
        try:
            while left and not self._desk.end.is_set():
                session = self._opened()
                if session is None:
                    return
                self._send(session, *left.pop(0))
        finally:
            for job, attempt in left:
                self._desk.reports.put(Report(job=job, attempt=attempt, begun=False))

    def _send(self, session: Session, job: Job, attempt: int) -> None:
        desk = self._desk
        try:
            result = self._sent(session, job)
        except _EndedError:
            self._close()
            desk.reports.put(Report(job=job, attempt=attempt, error=_interrupted(job), retry_in=0.0, ended=True))
        except _GoneError as gone:
            desk.reports.put(Report(job=job, attempt=attempt, error=gone.error, absent=True))
        except CamsecError as error:
            desk.reports.put(self._failure(job, attempt, error))
            if self._ends_everything(error):
                raise
        else:
            desk.reports.put(Report(job=job, attempt=attempt, result=result))

    def _sent(self, session: Session, job: Job) -> UploadResult:
        desk = self._desk
        with self._opened_source(session, job) as source:
            if (source.size, source.mtime_ns, source.inode) != (
                job.identity.size,
                job.identity.mtime_ns,
                job.identity.inode,
            ):
                raise _changed(job)
            desk.emit(Event(kind="started", source=job.source, remote_path=job.remote_path, size=job.identity.size))
            for directory in dict.fromkeys(_above(path) for path in (job.temporary_path, job.remote_path)):
                if directory and directory not in desk.directories:
                    session.make_directories(directory)
                    desk.directories.add(directory)
            # What a former try got as far as the final name is proven there and not sent again.
            return session.upload(
                source,
                job.remote_path,
                temporary_path=job.temporary_path,
                fresh=not job.unsure,
                progress=self._progress(job),
            )

    def _opened_source(self, session: Session, job: Job) -> t.ContextManager[Source]:
        try:
            return self._desk.open_source(job.source)
        except InputError as error:
            # A try that was killed may have renamed it: evidence without a receipt must not be forgotten.
            if job.unsure and session.size(job.remote_path) is not None:
                raise _left_behind(job) from error
            raise _GoneError(error) from error

    def _progress(self, job: Job) -> t.Callable[[int], None]:
        told, sent = 0.0, 0

        def progress(more: int) -> None:
            nonlocal told, sent
            sent += more
            if self._desk.end.is_set():
                raise _EndedError
            now = time.monotonic()
            if now - told >= _PROGRESS:
                told = now
                self._desk.emit(
                    Event(
                        kind="progress",
                        source=job.source,
                        remote_path=job.remote_path,
                        size=job.identity.size,
                        sent=sent,
                    )
                )

        return progress

    def _ends_everything(self, error: CamsecError) -> bool:
        # A demand that the server cannot meet, such as a proof that it cannot give, meets every file.
        about_server = isinstance(error, InputError) and error.device == str(self._desk.selection.destination)
        return about_server or ends_everything(error)

    def _failure(self, job: Job, attempt: int, error: CamsecError) -> Report:
        desk = self._desk
        tries = desk.tries[job.id] = desk.tries.get(job.id, 0) + 1
        if self._ends_everything(error):
            return Report(job=job, attempt=attempt, error=error, retry_in=0.0)
        again = worth_another_try(error) and tries < desk.options.attempts and _unchanged(job)
        pause = delay(tries, first=desk.options.first_delay, cap=desk.options.longest_delay)
        return Report(job=job, attempt=attempt, error=error, retry_in=pause if again else None)


def _above(path: str) -> str:
    above, slash, dummy = path.rpartition("/")
    return above or slash


def _unchanged(job: Job) -> bool:
    try:
        return Identity.of(os.stat(job.source)) == job.identity  # noqa: PTH116  # as os.stat_result tells it
    except OSError:
        return False


def _changed(job: Job) -> VerificationError:
    return VerificationError(
        device=job.source,
        subject="file",
        found="another size, time or inode than when it was put down to be sent",
        expected="a file that stays as it is until it is done",
        advice="Nothing of it is called done; send it again when nobody writes to it.",
    )


def _left_behind(job: Job) -> VerificationError:
    return VerificationError(
        device=job.source,
        subject="file",
        found=f"it gone, and {job.remote_path} on the server from a try that was cut off before it was proven",
        expected="the file, to prove what lies there",
        advice="Bring it back, or look at the server's and drop the job (camsec-upload status --drop).",
    )


def _interrupted(job: Job) -> ConnectError:
    return ConnectError(device=job.source, subject="upload", found="the run was ended", expected="the end of the file")
