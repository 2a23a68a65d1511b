# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sends evidence: files become jobs, jobs become receipts, and the directory becomes a bag."""

from __future__ import annotations

import dataclasses as dc
import hashlib
import threading
import typing as t
from pathlib import Path

from .._core._errors import CamsecError, InputError, VerificationError
from .._ftpes._names import check_remote_name
from .._ftpes._session import Session
from .._pki._files import read_text
from ._bag import check_bag_info
from ._chain import load_trusted
from ._facts import Bag, Candidate, Destination, Event, Job
from ._ledger import Added, JobLedger, Selection
from ._runner import Runner, RunOptions, RunResult
from ._seal import Sealer, stamp_missing
from ._signer import Signer, load_signer
from ._sources import Found, find_sources
from ._timestamp import TimestampService

if t.TYPE_CHECKING:
    from .._ftpes._facts import Server

__all__ = ["Outcome", "Wish", "plan", "send"]

STAMP_CHOICES: t.Final = ("each", "seal")


@dc.dataclass(frozen=True, kw_only=True)
class Wish:
    """What is to be sent, where to, and what is to be left behind.

    Attributes:
        server: Where it goes, and what is demanded of it.
        remote_directory: Below it everything lies; with ``manifest`` it becomes a bag.
        state_directory: Of the ledger.
        paths: Files, directories and patterns; none: only what was put down before.
        manifest: Make the remote directory a BagIt bag when all is proven.
        follow_links: Follow symbolic links.
        signer_key_path: Key of the signer; nothing for ``signer.key`` in the state directory.
        signer_certificate_path: Its certificate; nothing for ``signer.pem`` there.
        unsigned: Leave receipts without a signature.
        timestamp_url: Address of a time stamp service; nothing for none.
        timestamp_ca_path: PEM file of the certificates that its answers must lead to.
        timestamp_scope: ``each`` receipt and the seal, or only the ``seal``.
        bag_info: More lines of ``bag-info.txt``, text by label.
        run: How to send.

    Raises:
        InputError: A value cannot be used.
    """

    server: Server
    remote_directory: str
    state_directory: str
    paths: tuple[str, ...] = ()
    manifest: bool = True
    follow_links: bool = False
    signer_key_path: str | None = None
    signer_certificate_path: str | None = None
    unsigned: bool = False
    timestamp_url: str | None = None
    timestamp_ca_path: str | None = None
    timestamp_scope: str = "each"
    bag_info: t.Mapping[str, str] = dc.field(default_factory=dict)
    run: RunOptions = dc.field(default_factory=RunOptions)

    def __post_init__(self) -> None:
        check_remote_name(self.remote_directory)
        check_bag_info(self.bag_info)
        if self.timestamp_scope not in STAMP_CHOICES:
            raise InputError(
                device="this host",
                subject="timestamp_scope",
                found=self.timestamp_scope,
                expected=" or ".join(STAMP_CHOICES),
            )

    @property
    def destination(self) -> Destination:
        """Server and account."""
        return Destination(host=self.server.host, port=self.server.port, user=self.server.user)

    def signer(self) -> Signer | None:
        """Who signs; nothing where receipts are to stay unsigned."""
        if self.unsigned:
            return None
        return load_signer(
            self.state_directory, key_path=self.signer_key_path, certificate_path=self.signer_certificate_path
        )

    def service(self) -> TimestampService | None:
        """Who stamps; nothing for no time stamps."""
        if self.timestamp_url is None:
            return None
        path = self.timestamp_ca_path
        text = "" if path is None else read_text(path, subject="certificates of the time stamp service")
        trusted = () if path is None else load_trusted(text, device=path)
        return TimestampService(self.timestamp_url, trusted=trusted)

    def sealer(
        self,
        ledger: JobLedger,
        on_event: t.Callable[[Event], None],
        stop: threading.Event,
        open_session: t.Callable[..., Session] = Session,
    ) -> Sealer:
        """What seals its bag.

        Args:
            ledger: The ledger.
            on_event: Is told what happens.
            stop: Set by whoever wants it to end.
            open_session: Makes a session.

        Returns:
            The sealer.
        """
        return Sealer(
            ledger=ledger,
            server=self.server,
            signer=self.signer(),
            service=self.service(),
            stamp_each=self.timestamp_scope == "each",
            metadata=self.bag_info,
            on_event=on_event,
            options=self.run,
            stop=stop,
            open_session=open_session,
        )


@dc.dataclass(kw_only=True)
class Outcome:
    """What is, or would be, done.

    Attributes:
        added: What became of the files.
        waiting: Jobs of earlier runs that are not done, and not among the files.
        bag: The bag, once it is begun.
        sealed: Its manifest is proven on the server.
        sealed_now: That was done in this run; in a plan: it would be.
        run: What the sessions did.
        refused: Files that cannot be sent, each with its reason.
        notes: What was left out on purpose.
        error: What stopped the rest, if anything did.
    """

    added: Added
    waiting: int = 0
    bag: Bag | None = None
    sealed: bool = False
    sealed_now: bool = False
    run: RunResult = dc.field(default_factory=RunResult)
    refused: list[CamsecError] = dc.field(default_factory=list)
    notes: list[str] = dc.field(default_factory=list)
    error: CamsecError | None = None

    @property
    def errors(self) -> list[CamsecError]:
        """Everything that went wrong, the gravest first."""
        return [error for dummy, error in self.failures]

    @property
    def failures(self) -> list[tuple[str, CamsecError]]:
        """The same, each with the file that it kept from being sent; empty where it is about more, or names it."""
        fatal = [("", error) for error in (self.run.fatal, self.error) if error is not None]
        failed = [("" if error.device == job.source else job.source, error) for job, error in self.run.failed]
        return [*fatal, *failed, *(("", error) for error in self.refused)]

    @property
    def changed(self) -> bool:
        """Something was sent, or proven and written down, or sealed."""
        return bool(self.run.sent or self.run.found or self.sealed_now)


def plan(wish: Wish) -> Outcome:
    """What :func:`send` would do. The ledger is read; nothing is written, nobody is called.

    Args:
        wish: What is wanted.

    Returns:
        The outcome, as far as it can be foreseen.

    Raises:
        CamsecError: A value, the ledger or the signer cannot be used.
    """
    found = _look(wish)
    with JobLedger(wish.state_directory, read_only=True) as ledger:
        added = _planned(wish, ledger, found)
        bag = ledger.bag(wish.destination, wish.remote_directory) if wish.manifest else None
        outcome = _outcome(found, added, bag)
        outcome.refused += _too_late(ledger, bag, added.new)
        if not wish.manifest or bag is not None:
            selection = Selection(destination=wish.destination, bag=bag.id if bag else None)
            outcome.waiting = len(_others(ledger, selection, added))
        work = bool(added.new or added.pending or outcome.waiting)
        done = bool(added.done) or work
        outcome.sealed_now = wish.manifest and done and not outcome.sealed and not outcome.refused
        if work or outcome.sealed_now:
            wish.signer()
    return outcome


def send(
    wish: Wish,
    *,
    on_event: t.Callable[[Event], None],
    stop: threading.Event,
    open_session: t.Callable[..., Session] = Session,
) -> Outcome:
    """Send what is not there yet, prove it, write receipts, and seal the bag.

    Args:
        wish: What is wanted.
        on_event: Is told what happens.
        stop: Set by whoever wants it to end.
        open_session: Makes a session.

    Returns:
        The outcome; what went wrong with single files stands in it.

    Raises:
        CamsecError: A value, the ledger or the signer cannot be used.
    """
    found = _look(wish)
    with JobLedger(wish.state_directory) as ledger:
        bag = _bag_for(wish, ledger, found)
        selection = Selection(destination=wish.destination, bag=None if bag is None else bag.id)
        added = _put_down(wish, ledger, selection, bag, found)
        outcome = _outcome(found, added, bag)
        outcome.refused += _too_late(ledger, bag, added.new)
        if wish.manifest and bag is None:
            return outcome
        _work(wish, ledger, selection, outcome, on_event=on_event, stop=stop, open_session=open_session)
    return outcome


def _work(
    wish: Wish,
    ledger: JobLedger,
    selection: Selection,
    outcome: Outcome,
    *,
    on_event: t.Callable[[Event], None],
    stop: threading.Event,
    open_session: t.Callable[..., Session],
) -> None:
    bag = outcome.bag
    counts = ledger.counts(selection)
    if counts.get("waiting") or counts.get("leased"):
        runner = Runner(
            ledger=ledger,
            selection=selection,
            chain=ledger.identity if bag is None else bag.chain,
            server=wish.server,
            signer=wish.signer(),
            options=wish.run,
            on_event=on_event,
            stop=stop,
            open_session=open_session,
        )
        outcome.run = runner.run()
    if outcome.errors or outcome.run.stopped:
        return
    try:
        if bag is not None and not outcome.sealed:
            outcome.sealed_now = wish.sealer(ledger, on_event, stop, open_session).seal(bag)
            outcome.bag = ledger.bag(bag.destination, bag.remote_directory)
            outcome.sealed = outcome.bag is not None and bool(outcome.bag.sealed_at)
        elif bag is None:
            service = wish.service()
            if service is not None and wish.timestamp_scope == "each":
                stamp_missing(ledger, service, None, kinds=("file",))
    except CamsecError as error:
        outcome.error = error


def _look(wish: Wish) -> Found:
    return find_sources(
        wish.paths,
        remote_directory=wish.remote_directory,
        follow_links=wish.follow_links,
        exclude=(wish.state_directory,),
        note_empty=True,
    )


def _bag_for(wish: Wish, ledger: JobLedger, found: Found) -> Bag | None:
    if not wish.manifest:
        return None
    present = ledger.bag(wish.destination, wish.remote_directory)
    if present is not None or not found.candidates:
        return present
    return ledger.open_bag(wish.destination, wish.remote_directory)


def _planned(wish: Wish, ledger: JobLedger, found: Found) -> Added:
    return ledger.planned(
        found.candidates,
        destination=wish.destination,
        remote_directory=wish.remote_directory,
        in_bag=wish.manifest,
        same_content=_same_content,
    )


def _put_down(wish: Wish, ledger: JobLedger, selection: Selection, bag: Bag | None, found: Found) -> Added:
    """Make jobs of what was found, unless its bag takes no more, or there is no bag since nothing was found."""
    if (wish.manifest and bag is None) or (bag is not None and _closed(ledger, bag)):
        planned = _planned(wish, ledger, found)
        if planned.new or bag is None:
            return planned
    return ledger.add(
        found.candidates, selection=selection, remote_directory=wish.remote_directory, same_content=_same_content
    )


def _closed(ledger: JobLedger, bag: Bag) -> bool:
    return bool(bag.sealed_at) or ledger.seal_of(bag) is not None


def _outcome(found: Found, added: Added, bag: Bag | None) -> Outcome:
    return Outcome(
        added=added,
        bag=bag,
        sealed=bag is not None and bool(bag.sealed_at),
        refused=[*found.refused, *(error for dummy, error in added.refused)],
        notes=list(found.notes),
    )


def _too_late(ledger: JobLedger, bag: Bag | None, new: t.Sequence[Job]) -> list[CamsecError]:
    """A bag that has its manifest takes no more files: what was proven to be all is not made more."""
    if bag is None or not new or not _closed(ledger, bag):
        return []
    rest = f" and {len(new) - 1} more" if len(new) > 1 else ""
    return [
        VerificationError(
            device=f"{bag.destination}/{bag.remote_directory.lstrip('/')}",
            subject="bag",
            found=f"a manifest since {bag.sealed_at or bag.opened_at}, without {new[0].source}{rest}",
            expected="only the files that it was sealed with",
            advice="Send new evidence to another remote directory.",
        )
    ]


def _others(ledger: JobLedger, selection: Selection, added: Added) -> list[Job]:
    known = {job.remote_path for job in (*added.new, *added.pending)}
    waiting = ledger.jobs(selection, states=("waiting", "leased"))
    return [job for job in waiting if job.remote_path not in known]


def _same_content(candidate: Candidate, job: Job) -> bool:
    """Whether a file that was touched, or copied elsewhere, still is what was sent."""
    if candidate.identity.size != job.identity.size:
        return False
    try:
        with Path(candidate.source).open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest() == job.sha256
    except OSError:
        return False
