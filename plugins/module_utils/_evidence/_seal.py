# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes a remote directory a bag when every file of it is proven: receipts, seal, and the manifest last (RFC 8493)."""

from __future__ import annotations

import concurrent.futures
import contextlib
import dataclasses as dc
import fcntl
import hashlib
import threading
import typing as t
from pathlib import Path

from .._core._errors import CamsecError, InputError, VerificationError
from .._ftpes._session import Session
from .._ftpes._source import Source
from .._pki._files import PRIVATE, exists, make_directory, write_or_fail
from . import _bag as form
from ._facts import Bag, Event, Job
from ._ledger import JobLedger, ReceiptRow, Selection, joined
from ._receipts import channel_rows, seal_receipt
from ._retry import delay, worth_another_try
from ._timestamp import TimestampService
from ._worker import RunOptions

if t.TYPE_CHECKING:
    from .._ftpes._facts import Server
    from ._signer import Signer

__all__ = ["Sealer", "stamp_missing"]

_STAMPS_AT_ONCE = 4
# The payload's manifest goes last: where it lies, everything that it names was proven before.
_ORDER = (
    form.DECLARATION,
    form.BAG_INFO,
    form.RECEIPTS,
    form.SEAL,
    form.SEAL_SIGNATURE,
    form.SEAL_TIMESTAMP,
    form.TAG_MANIFEST,
    form.MANIFEST,
)


def stamp_missing(ledger: JobLedger, service: TimestampService, bag: Bag | None, *, kinds: t.Collection[str]) -> int:
    """Have the signatures stamped that no time stamp confirms yet.

    Args:
        ledger: The ledger.
        service: The service.
        bag: Only those of this bag; nothing for those outside of bags.
        kinds: ``file``, ``seal`` or both.

    Returns:
        How many were stamped.

    Raises:
        CamsecError: The service fails; those that it stamped are kept.
    """
    missing = ledger.without_timestamp(bag, kinds=kinds)

    def stamp(receipt: ReceiptRow) -> None:
        ledger.set_timestamp(receipt, service.stamp(receipt.signature or receipt.content))

    with concurrent.futures.ThreadPoolExecutor(max_workers=_STAMPS_AT_ONCE) as pool:
        for done in [pool.submit(stamp, receipt) for receipt in missing]:
            done.result()
    return len(missing)


@dc.dataclass(frozen=True, kw_only=True)
class Sealer:
    """Seals bags.

    Attributes:
        ledger: The ledger.
        server: Where the bag lies.
        signer: Signs the seal; nothing leaves it unsigned.
        service: Stamps receipts and seal; nothing for no time stamps.
        stamp_each: Stamp each receipt, not only the seal.
        metadata: Lines of ``bag-info.txt``, text by label.
        on_event: Is told what happens.
        options: How often to try.
        stop: Set by whoever wants it to end.
        open_session: Makes a session.
    """

    ledger: JobLedger
    server: Server
    signer: Signer | None
    service: TimestampService | None
    stamp_each: bool
    metadata: t.Mapping[str, str]
    on_event: t.Callable[[Event], None]
    options: RunOptions = dc.field(default_factory=RunOptions)
    stop: threading.Event = dc.field(default_factory=threading.Event)
    open_session: t.Callable[..., Session] = Session

    def seal(self, bag: Bag) -> bool:
        """Seal a bag whose files are all done. What a former run began is finished; two processes do not do it at once.

        Args:
            bag: The bag.

        Returns:
            False when it is sealed already, has no file, or has one that is not done.

        Raises:
            CamsecError: A file of the bag cannot be made, sent or proven.
        """
        home = self.ledger.directory / "bags" / bag.chain
        make_directory(home, subject="files of a bag")
        with _lock(home / ".lock"):
            present = self.ledger.bag(bag.destination, bag.remote_directory)
            selection = Selection(destination=bag.destination, bag=bag.id)
            open_jobs = self.ledger.jobs(selection, states=("waiting", "leased", "failed"))
            jobs = self.ledger.jobs(selection, states=("done",))
            if present is None or present.sealed_at or open_jobs or not jobs:
                return False
            if not self._make(home, bag, jobs):
                return False
            self._send(home, bag)
            self.ledger.seal_bag(bag)
        self.on_event(Event(kind="sealed", remote_path=bag.remote_directory, detail={"files": len(jobs)}))
        return True

    def _make(self, home: Path, bag: Bag, jobs: t.Sequence[Job]) -> bool:
        """Make what describes a bag; False when it has got more files meanwhile."""
        if self.service is not None and self.stamp_each:
            stamp_missing(self.ledger, self.service, bag, kinds=("file",))
        receipts = self.ledger.receipts(bag.chain)
        if len(receipts) != len(jobs):
            raise VerificationError(
                device=str(self.ledger.path),
                subject=f"receipts of the bag {bag.remote_directory}",
                found=f"{len(receipts)}",
                expected=f"{len(jobs)}, one for each file",
            )
        made = {
            form.DECLARATION: form.DECLARATION_TEXT,
            form.BAG_INFO: form.bag_info(bag, jobs, self.metadata),
            form.MANIFEST: form.manifest({job.payload: job.sha256 for job in jobs}),
            form.RECEIPTS: form.pack_receipts(receipts),
        }
        # A seal that was made before a kill fixes these files: what was written then stays.
        sealed = self.ledger.seal_of(bag) is not None
        for name, content in made.items():
            if not (sealed and exists(home / name)):
                write_or_fail(home / name, content, mode=PRIVATE, subject="file of a bag")
        digests = {name: _digest(home / name) for name in made}
        last = receipts[-1]
        size = sum(job.identity.size for job in jobs)

        def issue(sequence: int, previous: str) -> tuple[bytes, bytes]:
            content = seal_receipt(
                chain=self.ledger.identity,
                sequence=sequence,
                previous=previous,
                bag=bag,
                receipts=(len(receipts), last.sha256),
                payload=(len(jobs), size),
                files=digests,
            )
            return content, b"" if self.signer is None else self.signer.sign(content)

        seal = self.ledger.issue_seal(bag, issue, files=len(jobs))
        if seal is None:
            return False
        if self.service is not None:
            stamp_missing(self.ledger, self.service, bag, kinds=("seal",))
            seal = self.ledger.seal_of(bag) or seal
        described = {form.SEAL: seal.content, form.SEAL_SIGNATURE: seal.signature, form.SEAL_TIMESTAMP: seal.timestamp}
        for name, content in described.items():
            if content:
                write_or_fail(home / name, content, mode=PRIVATE, subject="file of a bag")
                digests[name] = _digest(home / name)
        write_or_fail(home / form.TAG_MANIFEST, form.manifest(digests), mode=PRIVATE, subject="file of a bag")
        return True

    def _send(self, home: Path, bag: Bag) -> None:
        """Send what describes the bag, with the patience that evidence itself gets."""
        names = [name for name in _ORDER if exists(home / name)]
        attempt = 0
        while names:
            attempt += 1
            try:
                self._send_all(home, bag, names)
            except CamsecError as error:
                pause = delay(attempt, first=self.options.first_delay, cap=self.options.longest_delay)
                if attempt >= self.options.attempts or not worth_another_try(error) or self.stop.wait(pause):
                    raise
                self.on_event(Event(kind="retried", remote_path=bag.remote_directory, text=error.message))

    def _send_all(self, home: Path, bag: Bag, names: list[str]) -> None:
        """Send files; each that is done leaves the list."""
        with self.open_session(self.server) as session:
            session.make_directories(bag.remote_directory)
            while names:
                name = names[0]
                with Source.open(home / name) as source:
                    result = session.upload(
                        source,
                        joined(bag.remote_directory, name),
                        temporary_path=joined(bag.remote_directory, _temporary_name(bag, name)),
                    )
                self.ledger.record_tag_file(
                    bag,
                    result.remote_path,
                    channel_rows(result),
                    found=result.already_there,
                    bytes_sent=result.bytes_sent,
                )
                del names[0]


def _temporary_name(bag: Bag, name: str) -> str:
    return f"camsec-{hashlib.sha256(f'{bag.chain}/{name}'.encode()).hexdigest()[:32]}.part"


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@contextlib.contextmanager
def _lock(path: Path) -> t.Iterator[None]:
    with contextlib.ExitStack() as stack:
        try:
            file = stack.enter_context(path.open("wb"))
            fcntl.flock(file, fcntl.LOCK_EX)
        except OSError as error:
            raise InputError(
                device=str(path),
                subject="lock of a bag",
                found=(error.strerror or "an error").lower(),
                expected="a state directory that can be written",
            ) from error
        yield
