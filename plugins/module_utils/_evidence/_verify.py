# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks receipts without the server: signatures, the chain of hashes, the seal, time stamps, the files themselves.

Every finding is a sentence; nothing is raised for bad evidence, so that one look shows all that is wrong with it.
"""

from __future__ import annotations

import dataclasses as dc
import datetime as dt
import errno
import hashlib
import io
import os
import stat
import typing as t
from pathlib import Path

from .._core._errors import CamsecError, InputError, VerificationError
from .._thirdparty import x509
from .._tls._certificate import iso
from . import _bag as form
from ._chain import facts_of, require_trusted_signer
from ._cms import read_signature
from ._ledger import LEDGER_NAME, JobLedger, ReceiptRow
from ._receipts import FILE_TYPE, SEAL_TYPE, canonical, parse_canonical
from ._timestamp import check_timestamp

__all__ = ["Demands", "Report", "verify"]

_LARGEST_TAG_FILE = 1 << 30


@dc.dataclass(frozen=True, kw_only=True)
class Demands:
    """What evidence must meet.

    Attributes:
        trusted: Certificates that signers must lead to.
        timestamp_trusted: Certificates that time stamps must lead to; none: their signatures are not checked.
        require_timestamp: Each signature needs a time stamp that holds.
        allow_unsigned: Receipts without a signature are no problem.
        now: The clock.
    """

    trusted: t.Sequence[x509.Certificate]
    timestamp_trusted: t.Sequence[x509.Certificate] = ()
    require_timestamp: bool = False
    allow_unsigned: bool = False
    now: dt.datetime = dc.field(default_factory=lambda: dt.datetime.now(dt.UTC))


@dc.dataclass(kw_only=True)
class Report:
    """What was found.

    Attributes:
        problems: One sentence for each thing that is wrong.
        warnings: One sentence for each thing that is weaker than it might be.
        receipts: How many receipts were checked.
        files: How many files were compared with their receipts.
        seals: How many seals were checked.
        timestamps: How many time stamps hold.
        signers: Subjects of the signers.
        deprecated: Names of the files that went over a deprecated suite.
    """

    problems: list[str] = dc.field(default_factory=list)
    warnings: list[str] = dc.field(default_factory=list)
    receipts: int = 0
    files: int = 0
    seals: int = 0
    timestamps: int = 0
    signers: set[str] = dc.field(default_factory=set)
    deprecated: list[str] = dc.field(default_factory=list)

    @property
    def good(self) -> bool:
        """Nothing is wrong, and something was checked."""
        return not self.problems and bool(self.receipts or self.seals)

    def shown(self) -> dict[str, t.Any]:
        """The report as a result shows it."""
        return {**dc.asdict(self), "good": self.good, "signers": sorted(self.signers)}

    def problem(self, device: str, subject: str, found: object, expected: str) -> None:
        """Add one thing that is wrong.

        Args:
            device: File or receipt.
            subject: What of it.
            found: What is there.
            expected: What should be.
        """
        error = VerificationError(device=device, subject=subject, found=found, expected=expected)
        self.problems.append(error.message)


@dc.dataclass(frozen=True, kw_only=True)
class _Signed:
    """A receipt or a seal with what belongs to it, and what to call it."""

    name: str
    content: bytes
    signature: bytes
    timestamp: bytes


def verify(path: str | Path, demands: Demands) -> Report:
    """Check a bag, a state directory, an archive of receipts, or a directory of receipts.

    Args:
        path: What to check.
        demands: What it must meet.

    Returns:
        What was found.

    Raises:
        InputError: There is nothing of that kind.
    """
    report = Report()
    try:
        _verify(Path(path), demands, report)
    except OSError as error:
        raise InputError(
            device=str(error.filename or path),
            subject="evidence",
            found=(error.strerror or type(error).__name__).lower(),
            expected="files and directories that can be read",
        ) from error
    # Names and texts of what is checked come from whoever made it: none of them is to steer a terminal.
    report.problems = [_printable(text) for text in report.problems]
    report.warnings = [_printable(text) for text in report.warnings]
    report.deprecated = [_printable(text) for text in report.deprecated]
    report.signers = {_printable(text) for text in report.signers}
    return report


def _printable(text: str) -> str:
    return "".join(one if one.isprintable() else f"\\u{ord(one):04x}" for one in text)


def _verify(place: Path, demands: Demands, report: Report) -> None:
    if (place / LEDGER_NAME).is_file():
        _verify_state(place, demands, report)
    elif (place / form.DECLARATION).is_file():
        _Bag(place, demands, report).verify()
    elif place.is_dir() and any(place.glob("*.json")):
        named = (one for one in sorted(place.iterdir()) if form.is_part(one.name))
        parts = {one.name: _read(one, report) for one in named if one.is_file()}
        _verify_packed(form.paired(parts), str(place), demands, report)
    elif place.is_file():
        try:
            packed = form.unpack_receipts(_read(Path(os.path.realpath(place)), report), device=str(place))
        except CamsecError as error:
            report.problems.append(error.message)
        else:
            _verify_packed(packed, str(place), demands, report)
    else:
        raise InputError(
            device=str(place),
            subject="evidence",
            found="nothing of it" if place.exists() else "no such file or directory",
            expected=f"a bag, a state directory, {form.RECEIPTS} or a directory of receipts",
        )


def _verify_state(place: Path, demands: Demands, report: Report) -> None:
    with JobLedger(place, read_only=True) as ledger:
        chains = {"the ledger's own chain": ledger.identity}
        chains |= {f"bag {bag.remote_directory}": bag.chain for bag in ledger.bags()}
        read: dict[str, list[dict[str, t.Any]]] = {}
        for words, chain in chains.items():
            signed = [_named(row, words, report) for row in ledger.receipts(chain)]
            read[chain] = _check_chain([one for one in signed if one is not None], words, demands, report, chain=chain)
        _check_seals(place, read, ledger.identity, report)
        for job in ledger.jobs(states=("done",)):
            row = ledger.receipt_of(job)
            if row is None:
                report.problem(job.source, "receipt", "none in the ledger", "one for each file that is done")


def _check_seals(place: Path, read: t.Mapping[str, t.Sequence[dict[str, t.Any]]], own: str, report: Report) -> None:
    """Whether each bag's chain has the receipts that its seal counted: none was taken away at the end."""
    for facts in read[own]:
        if facts["type"] == SEAL_TYPE:
            sealed = facts["bag"]["receipts"]
            label = f"{place}, bag {facts['bag'].get('remote_directory')}"
            _compare_receipts(label, sealed, read.get(sealed["chain"], ()), report)


def _compare_receipts(
    label: str, sealed: t.Mapping[str, t.Any], receipts: t.Sequence[dict[str, t.Any]], report: Report
) -> None:
    if len(receipts) != sealed["count"]:
        report.problem(label, "receipts", f"{len(receipts)} that can be read", f"{sealed['count']}, as the seal has it")
    if receipts and any(facts["chain"]["id"] != sealed["chain"] for facts in receipts):
        report.problem(label, "chain", "that of another bag", f"{sealed['chain']}, as the seal has it")
    last = hashlib.sha256(canonical(receipts[-1])).hexdigest() if receipts else "none"
    if last != sealed["last"]:
        report.problem(label, "last receipt", last, f"{sealed['last']}, as the seal has it")


def _named(row: ReceiptRow, words: str, report: Report) -> _Signed | None:
    kinds = (row.sequence, int), (row.content, bytes), (row.signature, bytes), (row.timestamp, bytes)
    # SQLite keeps a value of any kind in any column.
    if not all(isinstance(value, kind) for value, kind in kinds):
        report.problem(words, f"receipt {row.id}", "a row of another kind", "one as the uploader wrote it")
        return None
    return _Signed(name=f"{row.sequence:06d}", content=row.content, signature=row.signature, timestamp=row.timestamp)


def _verify_packed(packed: t.Sequence[form.Packed], words: str, demands: Demands, report: Report) -> None:
    signed = [
        _Signed(name=one.name, content=one.content, signature=one.signature, timestamp=one.timestamp) for one in packed
    ]
    _check_chain(signed, words, demands, report)


def _check_chain(
    entries: t.Sequence[_Signed], words: str, demands: Demands, report: Report, *, chain: str = ""
) -> list[dict[str, t.Any]]:
    """Check receipts and that they are all there, in their order. Gives those that could be read."""
    facts_read: list[dict[str, t.Any]] = []
    expected, previous, identity = 1, "", chain
    for entry in entries:
        label = f"{words}, receipt {entry.name}"
        facts = _check_one(entry, label, demands, report)
        if facts is None:
            expected, previous = expected + 1, hashlib.sha256(entry.content).hexdigest()
            continue
        facts_read.append(facts)
        link = facts["chain"]
        identity = identity or link["id"]
        if link["id"] != identity:
            report.problem(label, "chain", f"that of {link['id']}", f"that of {identity}")
        if entry.name != f"{link['sequence']:06d}":
            report.problem(label, "number", link["sequence"], "the number in its name: it was renamed or moved")
        if link["sequence"] != expected:
            gone = f"{expected}" if link["sequence"] == expected + 1 else f"{expected} to {link['sequence'] - 1}"
            found = f"number {link['sequence']}"
            found += f", so {gone} is missing" if link["sequence"] > expected else ", a second time or out of order"
            report.problem(label, "chain of receipts", found, f"number {expected}")
        elif link["previous"] != previous:
            report.problem(
                label,
                "hash of the receipt before",
                link["previous"] or "none",
                f"{previous or 'none'}: the receipt before was changed or replaced",
            )
        expected, previous = link["sequence"] + 1, hashlib.sha256(entry.content).hexdigest()
    return facts_read


def _check_one(entry: _Signed, label: str, demands: Demands, report: Report) -> dict[str, t.Any] | None:
    try:
        facts = parse_canonical(entry.content, device=label)
    except CamsecError as error:
        report.problems.append(error.message)
        facts = None
    if facts is not None:
        if facts["type"] == SEAL_TYPE:
            report.seals += 1
        else:
            report.receipts += 1
            _note_deprecated(facts, report)
    _check_signature(entry, label, facts, demands, report)
    return facts


def _note_deprecated(facts: t.Mapping[str, t.Any], report: Report) -> None:
    channels = [facts["tls"]["control"], *facts["tls"]["data"]]
    if any(channel["deprecated"] for channel in channels):
        report.deprecated.append(facts["remote"]["path"])


def _check_signature(
    entry: _Signed, label: str, facts: t.Mapping[str, t.Any] | None, demands: Demands, report: Report
) -> None:
    stamped = _check_stamp(entry, label, demands, report)
    if not entry.signature:
        if not demands.allow_unsigned:
            report.problem(label, "signature", "none", "a signature of the evidence signer")
        return
    try:
        signature = read_signature(entry.signature, device=label)
    except CamsecError as error:
        report.problems.append(error.message)
        return
    signer = facts_of(signature.signer)
    report.signers.add(signer.subject)
    if not signature.holds(entry.content):
        report.problem(
            label,
            "signature",
            f"one by {signer.subject} that does not fit the content",
            "the content as it was signed: one of the two was changed",
        )
        return
    at = stamped or signature.signed_at or _recorded(facts) or demands.now
    try:
        require_trusted_signer(signature.signer, signature.certificates, demands.trusted, at=at, device=label)
    except CamsecError as error:
        report.problems.append(error.message)
        return
    if stamped is None and demands.now > signer.not_after:
        report.warnings.append(
            f"{label}: the signer's certificate expired on {iso(signer.not_after)}; that it was valid when it signed,"
            f" at {iso(at)}, is its own word: no time stamp says so."
        )


def _check_stamp(entry: _Signed, label: str, demands: Demands, report: Report) -> dt.datetime | None:
    """When a third party saw the signature; nothing where that is not proven."""
    if not entry.timestamp:
        if demands.require_timestamp:
            report.problem(label, "time stamp", "none", "one over the signature")
        return None
    try:
        at = check_timestamp(entry.timestamp, entry.signature or entry.content, demands.timestamp_trusted, device=label)
    except CamsecError as error:
        report.problems.append(error.message)
        return None
    if not demands.timestamp_trusted:
        if demands.require_timestamp:
            report.problem(
                label,
                "time stamp",
                "one whose signature cannot be checked",
                "certificates of the service to check it by",
            )
        return None
    report.timestamps += 1
    return at


def _recorded(facts: t.Mapping[str, t.Any] | None) -> dt.datetime | None:
    try:
        return None if facts is None else dt.datetime.fromisoformat(facts["recorded_at"])
    except (ValueError, KeyError, TypeError):
        return None


class _Bag:
    """A bag, as it was copied from the server."""

    def __init__(self, place: Path, demands: Demands, report: Report) -> None:
        self._place = place
        self._demands = demands
        self._report = report

    def verify(self) -> None:
        payload = self._manifest(form.MANIFEST)
        tags = self._manifest(form.TAG_MANIFEST)
        receipts = self._receipts()
        if tags is not None:
            self._compare(tags, form.TAG_MANIFEST)
            for name in (form.DECLARATION, form.BAG_INFO, form.MANIFEST, form.RECEIPTS, form.SEAL):
                if name not in tags and name != form.MANIFEST:
                    self._problem(form.TAG_MANIFEST, "list", f"nothing about {name}", "every file of the bag")
        if payload is not None:
            digests = self._compare(payload, form.MANIFEST)
            self._strangers(payload)
            self._match(payload, digests, receipts)
        self._seal(receipts)

    def _problem(self, name: str, subject: str, found: object, expected: str) -> None:
        self._report.problem(str(self._place / name), subject, found, expected)

    def _manifest(self, name: str) -> dict[str, str] | None:
        path = self._place / name
        if not path.is_file():
            self._problem(name, "manifest", "no such file", "the last file that an upload leaves behind")
            return None
        try:
            return form.read_manifest(_read(path, self._report), device=str(path))
        except CamsecError as error:
            self._report.problems.append(error.message)
            return None

    def _receipts(self) -> list[dict[str, t.Any]]:
        path = self._place / form.RECEIPTS
        if not path.is_file():
            self._problem(form.RECEIPTS, "receipts", "no such file", "the receipts of all files")
            return []
        try:
            packed = form.unpack_receipts(_read(path, self._report), device=str(path))
        except CamsecError as error:
            self._report.problems.append(error.message)
            return []
        signed = [
            _Signed(name=one.name, content=one.content, signature=one.signature, timestamp=one.timestamp)
            for one in packed
        ]
        return _check_chain(signed, str(path), self._demands, self._report)

    def _compare(self, listed: t.Mapping[str, str], manifest: str) -> dict[str, tuple[str, int]]:
        """Hash and size of every file of a manifest that is there."""
        found: dict[str, tuple[str, int]] = {}
        for name, digest in listed.items():
            try:
                with _opened(self._place, name) as file:
                    there = hashlib.file_digest(file, "sha256").hexdigest()
                    found[name] = (there, file.seek(0, 2))
            except OSError as error:
                reason = (error.strerror or "an error").lower()
                self._problem(name, "file", reason, f"the file that {manifest} names")
                continue
            if there != digest:
                self._problem(name, "SHA-256", there, f"{digest}, as {manifest} has it: the file was changed")
        return found

    def _strangers(self, payload: t.Mapping[str, str]) -> None:
        for path in sorted((self._place / "data").rglob("*")):
            name = path.relative_to(self._place).as_posix()
            if (path.is_symlink() or not path.is_dir()) and name not in payload:
                self._problem(name, "file", "one that the manifest does not know", "only files of the manifest")

    def _match(
        self,
        payload: t.Mapping[str, str],
        digests: t.Mapping[str, tuple[str, int]],
        receipts: t.Sequence[dict[str, t.Any]],
    ) -> None:
        known: dict[str, dict[str, t.Any]] = {}
        for facts in receipts:
            if facts["type"] != FILE_TYPE:
                continue
            name = facts["remote"]["payload"]
            if name in known:
                self._problem(name, "receipt", "two of them", "one for each file")
            known[name] = facts
        for name in payload:
            if name not in known:
                self._problem(name, "receipt", "none that holds", "one for each file of the manifest")
                continue
            file, there = known[name]["file"], digests.get(name)
            self._report.files += 1
            if there is not None and there != (file["sha256"], file["size"]):
                self._problem(
                    name,
                    "content",
                    f"{there[1]} bytes with the SHA-256 {there[0]}",
                    f"{file['size']} bytes with the SHA-256 {file['sha256']}, as the receipt has it",
                )
        for name in sorted(set(known) - set(payload)):
            self._problem(name, "manifest", "nothing about a file that has a receipt", "every file that was sent")

    def _seal(self, receipts: t.Sequence[dict[str, t.Any]]) -> None:
        parts = {}
        for name in (form.SEAL, form.SEAL_SIGNATURE, form.SEAL_TIMESTAMP):
            path = self._place / name
            parts[name] = _read(path, self._report) if path.is_file() else b""
        if not parts[form.SEAL]:
            self._problem(form.SEAL, "seal", "no such file", "the seal, which says how many receipts there are")
            return
        entry = _Signed(
            name=form.SEAL,
            content=parts[form.SEAL],
            signature=parts[form.SEAL_SIGNATURE],
            timestamp=parts[form.SEAL_TIMESTAMP],
        )
        label = str(self._place / form.SEAL)
        facts = _check_one(entry, label, self._demands, self._report)
        if facts is None or facts["type"] != SEAL_TYPE:
            if facts is not None:
                self._problem(form.SEAL, "seal", "a receipt", "a seal")
            return
        self._compare_seal(facts["bag"], receipts)

    def _compare_seal(self, bag: t.Mapping[str, t.Any], receipts: t.Sequence[dict[str, t.Any]]) -> None:
        _compare_receipts(str(self._place / form.RECEIPTS), bag["receipts"], receipts, self._report)
        for name, digest in bag["tag_files"].items():
            if "/" in name:
                self._problem(form.SEAL, "name of a file", repr(name), "a file in the bag's own directory")
                continue
            path = self._place / name
            there = hashlib.sha256(_read(path, self._report)).hexdigest() if path.is_file() else "no such file"
            if there != digest:
                self._problem(name, "SHA-256", there, f"{digest}, as the seal has it")


def _opened(place: Path, name: str) -> io.BufferedReader:
    """A regular file of a bag. A link may lead anywhere, and what is read from a pipe or a device may never end."""
    path = place / name
    if os.path.realpath(path) != os.path.join(os.path.realpath(place), os.path.normpath(name)):  # noqa: PTH118
        raise OSError(errno.ELOOP, "a symbolic link, or one above it")
    file = os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC), "rb")
    if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
        file.close()
        raise OSError(errno.EINVAL, "no regular file")
    return file


def _read(path: Path, report: Report) -> bytes:
    try:
        with _opened(path.parent, path.name) as file:
            content = file.read(_LARGEST_TAG_FILE + 1)
    except OSError as error:
        report.problem(str(path), "file", (error.strerror or "an error").lower(), "a file that can be read")
        return b""
    if len(content) > _LARGEST_TAG_FILE:
        report.problem(str(path), "file", "more than 1 GiB", "a file that describes evidence")
        return b""
    return content
