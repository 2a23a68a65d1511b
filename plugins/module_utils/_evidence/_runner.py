# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sends what a ledger holds: several sessions at once, each in a thread of its own; one thread writes the ledger.

The thread that writes takes all results that have come in together into one transaction: what a kill makes it lose is
found again, proven, by the next run.
"""

from __future__ import annotations

import dataclasses as dc
import queue
import threading
import time
import typing as t

from .._core._errors import CamsecError, InputError
from .._ftpes._session import Session
from .._ftpes._source import Source
from .._ftpes._throttle import Throttle
from ._facts import Event, Job
from ._ledger import JobLedger, ReceiptRow, Selection
from ._owner import own_identity
from ._receipts import channel_rows, file_receipt
from ._retry import ends_everything
from ._worker import Desk, Report, RunOptions, Worker

if t.TYPE_CHECKING:
    from .._ftpes._facts import Server
    from ._signer import Signer

__all__ = ["RunOptions", "RunResult", "Runner"]

_BEAT = 20.0
_POLL = 0.25
_PATIENCE = 15.0
_TOGETHER = 256
_LINGER = 0.03


@dc.dataclass(kw_only=True)
class RunResult:
    """What a run did.

    Attributes:
        sent: Files that were sent and proven.
        found: Files that a former run had sent without writing it down, now proven.
        bytes_sent: In this run.
        failed: Files that were given up, each with the reason.
        fatal: What ended the run for all files, if anything did.
        stopped: It was told to stop, or its time was over.
    """

    sent: int = 0
    found: int = 0
    bytes_sent: int = 0
    failed: list[tuple[Job, CamsecError]] = dc.field(default_factory=list)
    fatal: CamsecError | None = None
    stopped: bool = False


class Runner:
    """One run over a selection of jobs.

    Args:
        ledger: The ledger.
        selection: Which of its jobs.
        chain: Identity of the chain that their receipts belong to.
        server: Where they go, and what is demanded of it.
        signer: Signs the receipts; nothing leaves them unsigned.
        options: How to send.
        on_event: Is told what happens; called from several threads, but never by two at once.
        stop: Set by whoever wants the run to end.
        keep_going: Wait for more files instead of ending when there is none.
        open_session: Makes a session out of server and throttle.
        open_source: Opens a file.
    """

    def __init__(
        self,
        *,
        ledger: JobLedger,
        selection: Selection,
        chain: str,
        server: Server,
        signer: Signer | None,
        options: RunOptions,
        on_event: t.Callable[[Event], None],
        stop: threading.Event,
        keep_going: bool = False,
        open_session: t.Callable[..., Session] = Session,
        open_source: t.Callable[[str], t.ContextManager[Source]] = Source.open,
    ) -> None:
        throttle = Throttle(options.total_rate, options.connection_rate)
        self._desk = Desk(
            ledger=ledger,
            selection=selection,
            owner=own_identity(),
            options=options,
            keep_going=keep_going,
            end=threading.Event(),
            reports=queue.SimpleQueue(),
            emit=self._emit,
            make_session=lambda: open_session(server, throttle=throttle),
            open_source=open_source,
        )
        self._chain = chain
        self._policy = server.policy
        self._signer = signer
        self._on_event = on_event
        self._stop = stop
        self._lock = threading.Lock()
        self._most = options.sessions
        self._workers: list[Worker] = []
        self.result = RunResult()

    def run(self, tick: t.Callable[[], None] | None = None) -> RunResult:
        """Send until nothing is left, it is told to stop, or something ends it for all.

        Args:
            tick: Called a few times a second, for whoever puts more files down meanwhile.

        Returns:
            What was done.

        Raises:
            CamsecError: The ledger or the signer cannot be used.
        """
        ledger, limit = self._desk.ledger, self._desk.options.time_limit
        ledger.take_over()
        started = beaten = time.monotonic()
        try:
            while True:
                if tick is not None:
                    tick()
                if not self._staffed():
                    break
                self._collect(_POLL)
                now = time.monotonic()
                if now - beaten > _BEAT:
                    beaten = now
                    ledger.beat(self._desk.owner)
                if self._stop.is_set() or (limit is not None and now - started > limit):
                    self.result.stopped = True
                    break
        finally:
            self._dismiss()
        return self.result

    def _staffed(self) -> bool:
        """See that there are as many sessions as useful; False when the run is over."""
        self._hear_of_the_gone()
        if self.result.fatal is not None:
            return False
        if len(self._workers) >= self._most:
            return True
        counts = self._desk.ledger.counts(self._desk.selection)
        waiting, leased = counts.get("waiting", 0), counts.get("leased", 0)
        if not self._workers and not waiting:
            if leased:  # another process is at them: what it leaves behind is taken over
                self._desk.ledger.take_over()
            return bool(leased) or self._desk.keep_going
        self._staff(waiting)
        return True

    def _hear_of_the_gone(self) -> None:
        gone = [worker for worker in self._workers if worker.over]
        self._workers = [worker for worker in self._workers if worker not in gone]
        for mistake in (worker.mistake for worker in gone if worker.mistake is not None):
            raise mistake
        for error in (worker.error for worker in gone if worker.error is not None):
            if isinstance(error, InputError) or ends_everything(error) or self._nobody_left():
                self.result.fatal = self.result.fatal or error
            else:  # the server takes no more sessions than these
                self._most = max(1, len(self._workers))
                self._emit(Event(kind="note", text=f"Going on with {self._most} sessions. {error.message}"))

    def _nobody_left(self) -> bool:
        """No session is left, but work is."""
        return not self._workers and bool(self._desk.ledger.counts(self._desk.selection).get("waiting"))

    def _staff(self, waiting: int) -> None:
        # One first: what is wrong with account, certificate or policy is then found once, not by each session.
        proven = any(worker.connected for worker in self._workers)
        wanted = min(self._most, waiting + len(self._workers)) if proven else 1
        for dummy in range(wanted - len(self._workers)):
            worker = Worker(self._desk)
            worker.start()
            self._workers.append(worker)

    def _collect(self, timeout: float) -> None:
        """Write down what has been reported, all of it in one transaction."""
        heard: list[Report | None] = []
        try:
            heard.append(self._desk.reports.get(timeout=timeout) if timeout else self._desk.reports.get_nowait())
            # A moment for others to come in: one transaction, and one sync of the disk, for all of them.
            until = time.monotonic() + (_LINGER if timeout and heard[0] is not None else 0)
            while len(heard) < _TOGETHER:
                heard.append(self._desk.reports.get(timeout=max(0.0, until - time.monotonic())))
        except queue.Empty:
            pass
        reports = [report for report in heard if report is not None]
        if not reports:
            return
        with self._desk.ledger.together():
            written = [(report, self._write(report)) for report in reports]
        for report, receipt in written:
            self._tell(report, receipt)

    def _write(self, report: Report) -> ReceiptRow | None:
        ledger, owner, job = self._desk.ledger, self._desk.owner, report.job
        result = report.result
        if not report.begun:
            ledger.give_back(owner, job, report.attempt)
        elif report.error is not None:
            next_try = None if report.retry_in is None else time.time() + report.retry_in
            ledger.fail(owner, job, report.attempt, report.error.message, next_try=next_try, unsure=not report.absent)
        elif result is not None:

            def issue(sequence: int, previous: str) -> tuple[bytes, bytes]:
                content = file_receipt(
                    chain=self._chain,
                    sequence=sequence,
                    previous=previous,
                    job=job,
                    result=result,
                    policy=self._policy,
                )
                return content, b"" if self._signer is None else self._signer.sign(content)

            return ledger.finish(
                owner,
                job,
                report.attempt,
                sha256=result.sha256,
                found=result.already_there,
                bytes_sent=result.bytes_sent,
                channels=channel_rows(result),
                chain=self._chain,
                issue=issue,
            )
        return None

    def _tell(self, report: Report, receipt: ReceiptRow | None) -> None:
        job, result, error = report.job, report.result, report.error
        about: dict[str, t.Any] = {
            "source": job.source,
            "remote_path": job.remote_path,
            "size": job.identity.size,
        }
        if result is not None and receipt is not None:
            if result.already_there:
                self.result.found += 1
            else:
                self.result.sent += 1
            self.result.bytes_sent += result.bytes_sent
            detail = {
                "sha256": result.sha256,
                "proof": result.proof.kind,
                "suite": result.control.suite,
                "resumed": all(channel.resumed for channel in result.data),
                "sequence": receipt.sequence,
            }
            kind = "found" if result.already_there else "done"
            self._emit(Event(kind=kind, sent=job.identity.size, detail=detail, **about))
        elif error is not None and report.retry_in is None:
            self.result.failed.append((job, error))
            self._emit(Event(kind="failed", text=error.message, **about))
        elif report.ended:
            self._emit(
                Event(kind="note", text=f"{job.source}: left for the next run, which goes on from here.", **about)
            )
        elif error is not None:
            wait = {"retry_in_ms": int((report.retry_in or 0) * 1000)}
            self._emit(Event(kind="retried", text=error.message, detail=wait, **about))

    def _dismiss(self) -> None:
        """End all sessions; what they held is free again."""
        self._desk.end.set()
        patience = time.monotonic() + _PATIENCE
        for worker in self._workers:
            worker.join(max(0.0, patience - time.monotonic()))
        while not self._desk.reports.empty():
            self._collect(0)
        self._desk.ledger.release(self._desk.owner)
        self._hear_of_the_gone()

    def _emit(self, event: Event) -> None:
        with self._lock:
            self._on_event(event)
