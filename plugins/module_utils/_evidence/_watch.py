# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A folder that is watched: what has come to rest in it is sent, bag after bag, until somebody says stop.

The queue is the ledger, so it survives. A file is taken when its size and time have not changed for a while and, where
the system can tell, nobody has it open for writing. Files stay where they are; what was sent once is known by path,
size, time and inode, and is not sent again.
"""

from __future__ import annotations

import contextlib
import dataclasses as dc
import datetime as dt
import errno
import fcntl
import os
import signal
import threading
import time
import typing as t

from .._core._errors import CamsecError, ConnectError, InputError, RefusedError
from .._ftpes._session import Session
from ._facts import Bag, Candidate, Event, Identity, Job
from ._ledger import JobLedger, Selection
from ._retry import ends_everything
from ._runner import Runner, RunResult
from ._send import Wish
from ._sources import find_sources

__all__ = ["WatchOptions", "Watcher"]


@dc.dataclass(frozen=True, kw_only=True)
class WatchOptions:
    """How to watch.

    Attributes:
        settle: Seconds for which a file must not have changed.
        poll: Seconds between two looks.
        seal_after: Seconds without a new file after which a bag is sealed.
        seal_files: Number of files after which a bag is sealed.
        retry_failed: Seconds after which files that were given up are tried anew.
    """

    settle: float = 10.0
    poll: float = 2.0
    seal_after: float = 300.0
    seal_files: int = 1000
    retry_failed: float = 600.0

    def __post_init__(self) -> None:
        for name, low in (("settle", 0), ("poll", 0.05), ("seal_after", 0), ("seal_files", 1), ("retry_failed", 1)):
            if getattr(self, name) < low:
                raise InputError(
                    device="this host", subject=name, found=getattr(self, name), expected=f"at least {low}"
                )


class Watcher:
    """Watches the folders of a wish.

    Args:
        wish: What is sent where; its remote directory holds the bags, its paths are folders.
        options: How to watch.
        on_event: Is told what happens.
        stop: Set by whoever wants it to end.
        open_session: Makes a session.
        clock: Monotonic seconds.
    """

    def __init__(
        self,
        wish: Wish,
        options: WatchOptions,
        *,
        on_event: t.Callable[[Event], None],
        stop: threading.Event,
        open_session: t.Callable[..., Session] = Session,
        clock: t.Callable[[], float] = time.monotonic,
    ) -> None:
        self._wish = wish
        self._options = options
        self._on_event = on_event
        self._stop = stop
        self._open_session = open_session
        self._clock = clock
        self._seen: dict[str, tuple[Identity, float]] = {}
        self._told: set[str] = set()
        self._asked: set[int] = set()
        self._looked = self._quiet_since = self._retried = clock()
        self._round_over = threading.Event()

    def run(self) -> list[RunResult]:
        """Watch until it is told to stop.

        Returns:
            What each round did.

        Raises:
            CamsecError: Something that no waiting mends: login, trust, ledger, signer.
        """
        results: list[RunResult] = []
        self._check_folders()
        with JobLedger(self._wish.state_directory) as ledger:
            while not self._stop.is_set():
                bag = self._current(ledger)
                result = self._round(ledger, bag)
                results.append(result)
                if result.fatal is not None:
                    self._bear(result.fatal)
                elif not self._stop.is_set():
                    self._seal(ledger, bag)
        return results

    def scan(self, now: float) -> list[Candidate]:
        """Look once.

        Args:
            now: The clock.

        Returns:
            Files that have come to rest.
        """
        found = find_sources(
            self._wish.paths,
            remote_directory=self._wish.remote_directory,
            follow_links=self._wish.follow_links,
            exclude=(self._wish.state_directory,),
        )
        for text in [*(error.message for error in found.refused), *found.notes]:
            if text not in self._told:  # once, not at each look
                self._told.add(text)
                self._on_event(Event(kind="note", text=text))
        seen: dict[str, tuple[Identity, float]] = {}
        settled = []
        for candidate in found.candidates:
            known = self._seen.get(candidate.source)
            since = known[1] if known is not None and known[0] == candidate.identity else now
            seen[candidate.source] = (candidate.identity, since)
            if now - since >= self._options.settle and not is_being_written(candidate.source):
                # Below the folder, not with it.
                name = candidate.name.partition("/")[2] or candidate.name
                settled.append(dc.replace(candidate, name=name))
        self._seen = seen
        return settled

    def _check_folders(self) -> None:
        for path in self._wish.paths:
            if not os.path.isdir(path):  # noqa: PTH112  # a path as it was given
                raise InputError(
                    device=path, subject="folder to watch", found="no directory", expected="a directory that exists"
                )

    def _current(self, ledger: JobLedger) -> Bag:
        """The bag that was begun last and is not sealed, or a new one."""
        base = f"{self._wish.remote_directory.rstrip('/')}/"
        for bag in reversed(ledger.bags()):
            ours = bag.destination == self._wish.destination and bag.remote_directory.startswith(base)
            if ours and not bag.sealed_at:
                return bag
        name = dt.datetime.now(dt.UTC).strftime("%Y%m%dT%H%M%S.%fZ")
        return ledger.open_bag(self._wish.destination, f"{base}{name}")

    def _round(self, ledger: JobLedger, bag: Bag) -> RunResult:
        self._round_over.clear()
        selection = Selection(destination=self._wish.destination, bag=bag.id)
        runner = Runner(
            ledger=ledger,
            selection=selection,
            chain=bag.chain,
            server=self._wish.server,
            signer=self._wish.signer(),
            options=self._wish.run,
            on_event=self._on_event,
            stop=self._round_over,
            keep_going=True,
            open_session=self._open_session,
        )
        return runner.run(lambda: self._tick(ledger, bag, selection))

    def _tick(self, ledger: JobLedger, bag: Bag, selection: Selection) -> None:
        now = self._clock()
        if self._stop.is_set():
            self._round_over.set()
            return
        if now - self._looked < self._options.poll:
            return
        self._looked = now
        closed = ledger.seal_of(bag) is not None
        if not closed:
            self._put_down(ledger, bag, selection, now)
        counts = ledger.counts(selection)
        idle = not counts.get("waiting") and not counts.get("leased") and not counts.get("failed")
        done = counts.get("done", 0)
        full = done >= self._options.seal_files
        quiet = now - self._quiet_since >= self._options.seal_after
        if done and idle and (closed or full or quiet):
            self._round_over.set()

    def _put_down(self, ledger: JobLedger, bag: Bag, selection: Selection, now: float) -> None:
        settled = self.scan(now)
        again = now - self._retried >= self._options.retry_failed
        if again:
            self._retried = now
        failed = {job.source: job for job in ledger.jobs(selection, states=("failed",))}
        room = self._options.seal_files - sum(ledger.counts(selection).values())
        fresh = []
        for candidate in settled:
            before = failed.get(candidate.source)
            if before is not None:
                if again or before.identity != candidate.identity:
                    fresh.append(candidate)
            elif len(fresh) < room and not ledger.knows(self._wish.destination, candidate):
                fresh.append(candidate)
        self._forget_vanished(ledger, failed.values())
        if not fresh:
            return
        added = ledger.add(fresh, selection=selection, remote_directory=bag.remote_directory)
        for dummy, error in added.refused:
            if error.message not in self._told:
                self._told.add(error.message)
                self._on_event(Event(kind="note", text=error.message))
        if added.new:
            self._quiet_since = now

    def _forget_vanished(self, ledger: JobLedger, failed: t.Collection[Job]) -> None:
        for job in failed:
            if os.path.lexists(job.source):
                continue
            if job.unsure:
                # Only the server can tell whether a try that broke had completed it: ask, once.
                if job.id not in self._asked:
                    self._asked.add(job.id)
                    ledger.try_again(job)
            else:
                ledger.drop(job)
                self._on_event(
                    Event(
                        kind="note",
                        source=job.source,
                        text=f"{job.source}: it vanished before it was sent, and is not waited for any more.",
                    )
                )

    def _seal(self, ledger: JobLedger, bag: Bag) -> None:
        try:
            self._wish.sealer(ledger, self._on_event, self._stop, self._open_session).seal(bag)
        except CamsecError as error:
            self._bear(error)

    def _bear(self, error: CamsecError) -> None:
        """Wait where waiting may help; raise what it does not."""
        if ends_everything(error) or not isinstance(error, (ConnectError, RefusedError)):
            raise error
        self._on_event(Event(kind="note", text=error.message))
        self._stop.wait(self._wish.run.longest_delay)


def is_being_written(path: str) -> bool:
    """Whether somebody has a file open for writing, as far as the system tells.

    A read lease is refused while anybody has the file open for writing (fcntl(2), F_SETLEASE). Only the owner of a file
    may ask, and not every file system answers: then the settle time alone decides.

    Args:
        path: The file.

    Returns:
        True only when it is certain.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        # Should a writer come in this very instant, it is told by a signal: by one that ends no process.
        fcntl.fcntl(descriptor, fcntl.F_SETSIG, signal.SIGURG)
        fcntl.fcntl(descriptor, fcntl.F_SETLEASE, fcntl.F_RDLCK)
    except OSError as error:
        return error.errno == errno.EAGAIN
    else:
        with contextlib.suppress(OSError):
            fcntl.fcntl(descriptor, fcntl.F_SETLEASE, fcntl.F_UNLCK)
        return False
    finally:
        os.close(descriptor)
