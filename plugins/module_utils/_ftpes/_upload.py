# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One upload, step by step: look, go on or begin, send, prove, rename. Only what is proven is called done."""

from __future__ import annotations

import dataclasses as dc
import datetime as dt
import hashlib
import typing as t

from .._core._errors import InputError, RefusedError, VerificationError
from ._blocks import BLOCK, read_blocks
from ._data import DataConnection
from ._errors import FtpRefusedError, MismatchError, refusal
from ._facts import MINIMUM_PROOFS, ChannelFacts, Proof, UploadResult
from ._hashes import CRC, HASH, SIZE, Digest, reported
from ._link import Link
from ._replies import Reply
from ._source import Source

__all__ = ["Upload"]

# A part is read again whole up to this size, of a bigger one its end, where the server cannot hash it.
_READ_AGAIN: t.Final = 4 << 20
_TAIL: t.Final = 1 << 20
_SMALLEST_BLOCK: t.Final = 1 << 12
_BLOCKS_PER_SECOND: t.Final = 20


class Upload:
    """One file on its way.

    Args:
        link: To the server.
        source: What is sent.
        remote_path: Its name on the server.
        temporary_path: Its name while it is on the way.
        resume: Go on with an earlier try.
        fresh: There was no earlier try.
        progress: Is told the number of bytes just sent.
    """

    def __init__(
        self,
        link: Link,
        source: Source,
        remote_path: str,
        temporary_path: str,
        *,
        resume: bool,
        fresh: bool,
        progress: t.Callable[[int], None] | None,
    ) -> None:
        self._link = link
        self._server = link.server
        self._source = source
        self._remote = remote_path
        self._temporary = temporary_path
        self._resume = resume
        # A small file that nobody tried to send before is quicker sent than looked for.
        self._looks_first = not fresh or source.size > BLOCK
        self._progress = progress
        self._digest = Digest(link.method)
        self._data: list[ChannelFacts] = []
        self._started = _now()

    def run(self) -> UploadResult:
        """Do it.

        Returns:
            What was done.

        Raises:
            CamsecError: It is not done.
        """
        self._link.make_ready()
        self._digest = Digest(self._link.method)
        self._check_provable()
        part, final = self._look() if self._looks_first else (None, None)
        if final is not None:
            return self._already_there(final)
        offset, how = self._prove_part(part) if self._resume and part else (0, "")
        self._send(offset)
        # RNTO overwrites without a word: whatever came there since is noticed as late as FTP lets us.
        proof, early = self._prove(self._temporary, together=(("SIZE", self._remote),))
        self._source.check_unchanged()
        final = self._look_again(early)
        if final is not None:
            return self._found_late(final)
        self._rename()
        return self._result(proof, resumed_from=offset, resume_proof=how, bytes_sent=self._source.size - offset)

    @property
    def _reads_back(self) -> bool:
        """What was sent is read back and compared."""
        if self._server.read_back == "without_hash":
            return self._link.method is None or self._link.method.strength != HASH
        return self._server.read_back == "always"

    def _check_provable(self) -> None:
        """Say at once, not after hours, that the demanded proof cannot be had."""
        best = self._link.method.strength if self._link.method is not None else SIZE
        if not self._reads_back and not _enough(best, self._server.minimum_proof):
            raise InputError(
                device=self._server.device,
                subject="proof of arrival",
                found=f"a server that proves {best} at best, and read_back={self._server.read_back}",
                expected=f"minimum_proof={self._server.minimum_proof}",
                advice="Let files be read back (read_back=without_hash), or ask for less (minimum_proof).",
            )

    def _look(self) -> tuple[int | None, int | None]:
        """Sizes under the temporary and the final name; and where the server listens."""
        commands = [("SIZE", self._temporary), ("SIZE", self._remote)]
        if not self._link.is_listening:
            commands.append(("EPSV", ""))
        part, final, *listening = self._link.ask_all(*commands)
        if listening:
            self._link.keep_listening(listening[0])
        return self._link.size_in(self._temporary, part), self._link.size_in(self._remote, final)

    # Going on with an earlier try

    def _prove_part(self, size: int) -> tuple[int, str]:
        """How much of what lies there is the source's beginning: all of it, or nothing counts."""
        if size <= self._source.size:
            for dummy in read_blocks(self._source, size, self._digest):
                pass
            how = self._part_is_ours(size)
            if how:
                return size, how
        self._digest = Digest(self._link.method)
        self._source.seek(0)
        return 0, ""

    def _part_is_ours(self, size: int) -> str:
        value = self._link.hash(self._temporary, size)
        if value is not None and self._link.method is not None:
            return self._link.method.kind if value == self._digest.value else ""
        begin = 0 if size <= _READ_AGAIN else size - _TAIL
        try:
            count, found = self._read_back(self._temporary, begin, size - begin)
        except FtpRefusedError:
            return ""
        self._source.seek(begin)
        mine = Digest()
        for dummy in read_blocks(self._source, size - begin, mine):
            pass
        if (count, found) != (size - begin, mine.sha256):
            return ""
        return "tail" if begin else "read_back"

    # Sending

    def _send(self, offset: int) -> None:
        left = self._source.size - offset
        if offset and not left:
            return
        commands = [("STOR", self._temporary)]
        if offset:
            # APPE only after the proof that exactly so much lies there.
            commands = (
                [("REST", str(offset)), *commands] if "REST" in self._link.features else [("APPE", self._temporary)]
            )
        self._link.transfer(commands, lambda data: self._pour(data, left))

    def _pour(self, data: DataConnection, left: int) -> None:
        for block in read_blocks(self._source, left, self._digest, block=self._block):
            left -= len(block)
            for pace in self._link.paces:
                pace.take(len(block))
            data.send(block, more=left > 0)
            if self._progress is not None:
                self._progress(len(block))
        data.finish_sending()
        self._data.append(data.facts)

    @property
    def _block(self) -> int:
        """Blocks small enough that a limit on speed is kept evenly."""
        if self._link.slowest is None:
            return BLOCK
        return max(_SMALLEST_BLOCK, min(BLOCK, int(self._link.slowest / _BLOCKS_PER_SECOND)))

    # Proof

    def _prove(self, path: str, *, together: tuple[tuple[str, str], ...] = ()) -> tuple[Proof, list[Reply]]:
        """Why what lies there is what was sent; ``together`` is asked for in the same go, unless that takes long."""
        method = self._link.method
        asked = [("SIZE", path)]
        if method is not None:
            asked.append((method.verb, path))
        if self._reads_back:
            together = ()
        replies = self._link.ask_all(*asked, *together, seconds=self._link.hash_seconds(self._source.size))
        self._check_size(path, replies[0])
        kind, strength, confirmed = self._hash_proof(path, replies[1]) if method is not None else _SIZE_PROOF
        if self._server.read_back == "always" or (strength != HASH and self._server.read_back == "without_hash"):
            kind, strength, confirmed = self._read_back_proof(path, kind)
            replies = replies[: len(asked)]  # what was told together is old by now
        if not _enough(strength, self._server.minimum_proof):
            raise VerificationError(
                device=self._server.device,
                subject=path,
                found=f"proof by {strength} only",
                expected=f"minimum_proof={self._server.minimum_proof}",
                advice="The server offers a hash command but did not answer it.",
            )
        proof = Proof(
            size=self._source.size,
            sha256=self._digest.sha256,
            kind=kind,
            strength=strength,
            confirmed=confirmed or str(self._source.size),
        )
        return proof, replies[len(asked) :]

    def _check_size(self, path: str, reply: Reply) -> None:
        size = self._link.size_in(path, reply)
        if size != self._source.size:
            found = "no such file" if size is None else f"{size} bytes"
            raise self._mismatch(path, found, f"the {self._source.size} bytes that were sent")

    def _hash_proof(self, path: str, reply: Reply) -> tuple[str, str, str]:
        method = self._link.method
        value = reported(reply, method) if method is not None else None
        if method is None or value is None:
            return _SIZE_PROOF
        if value != self._digest.value:
            raise self._mismatch(path, f"{method.kind} {value}", self._digest.value)
        return method.kind, method.strength, value

    def _read_back_proof(self, path: str, other: str) -> tuple[str, str, str]:
        count, value = self._read_back(path, 0, self._source.size)
        if (count, value) != (self._source.size, self._digest.sha256):
            raise self._mismatch(path, f"{count} bytes read back with SHA-256 {value}", self._digest.sha256)
        return ("read_back" if other == SIZE else f"{other}+read_back"), HASH, value

    def _read_back(self, path: str, begin: int, size: int) -> tuple[int, str]:
        """Number and SHA-256 of the bytes on the server from there on."""

        def use(data: DataConnection) -> tuple[int, str]:
            digest, count = hashlib.sha256(), 0
            for piece in data.receive():
                count += len(piece)
                if count > size:
                    raise self._mismatch(path, "more bytes than it should have", f"{size} from byte {begin}")
                digest.update(piece)
            self._data.append(data.facts)
            return count, digest.hexdigest()

        commands = [("REST", str(begin))] if begin else []
        return self._link.transfer([*commands, ("RETR", path)], use)

    def _mismatch(self, path: str, found: str, expected: str) -> MismatchError:
        return MismatchError(
            device=self._server.device,
            subject=path,
            found=found,
            expected=expected,
            advice="It is not called done; the next try begins with what is proven.",
        )

    # The final name

    def _look_again(self, early: list[Reply]) -> int | None:
        """Size of what lies under the final name by now."""
        final = early or self._link.ask_all(("SIZE", self._remote))
        return self._link.size_in(self._remote, final[0])

    def _found_late(self, size: int) -> UploadResult:
        """The final name is taken, which is only seen now; what was sent is not needed."""
        if self._looks_first:
            raise self._in_the_way("a file that has come there meanwhile")
        self._link.ask("DELE", self._temporary)
        return self._already_there(size)

    def _rename(self) -> None:
        # Nothing may come between these two (proftpd minds; RFC 959 4.1.3). If the first fails, so does the second.
        commands = [("RNFR", self._temporary), ("RNTO", self._remote)]
        if self._sets_times:
            commands.append(("MFMT", f"{_ftp_time(self._source.mtime_ns)} {self._remote}"))
        # In the same go: where the next file may go.
        source, renamed, *rest = self._link.ask_all(*commands, ("EPSV", ""))
        self._link.keep_listening(rest[-1])
        if source.kind != 3:
            raise refusal(self._server.device, f"RNFR {self._temporary}", source, "350")
        if renamed.kind != 2:
            raise refusal(self._server.device, f"RNTO {self._remote}", renamed, "250")

    @property
    def _sets_times(self) -> bool:
        return self._server.set_times and "MFMT" in self._link.features and bool(self._source.path)

    def _already_there(self, size: int) -> UploadResult:
        """The final name is taken: by the same content, provably, or it is an error."""
        if size != self._source.size:
            raise self._in_the_way(f"a file of {size} bytes")
        self._digest = Digest(self._link.method)
        self._source.seek(0)
        for dummy in read_blocks(self._source, size, self._digest):
            pass
        try:
            proof = self._prove(self._remote)[0]
            if not _enough(proof.strength, CRC):
                # Whatever was agreed for what we sent: a file that somebody may have put there is looked at.
                kind, strength, confirmed = self._read_back_proof(self._remote, proof.kind)
                proof = dc.replace(proof, kind=kind, strength=strength, confirmed=confirmed)
        except VerificationError as error:
            if not isinstance(error, MismatchError):
                raise
            raise self._in_the_way("a file of the same size and another content") from error
        self._source.check_unchanged()
        return self._result(proof, already_there=True, bytes_sent=0)

    def _in_the_way(self, found: str) -> RefusedError:
        return RefusedError(
            device=self._server.device,
            subject=self._remote,
            found=found,
            expected="no file of that name, or the very same content",
            advice="It is not overwritten.",
        )

    def _result(
        self,
        proof: Proof,
        *,
        bytes_sent: int,
        resumed_from: int = 0,
        resume_proof: str = "",
        already_there: bool = False,
    ) -> UploadResult:
        control = self._link.control
        return UploadResult(
            remote_path=self._remote,
            temporary_path=self._temporary,
            size=self._source.size,
            sha256=self._digest.sha256,
            proof=proof,
            resumed_from=resumed_from,
            resume_proof=resume_proof,
            already_there=already_there,
            bytes_sent=bytes_sent,
            started_at=self._started,
            ended_at=_now(),
            control=control.facts,
            data=tuple(self._data),
            host=self._server.host,
            port=self._server.port,
            address=control.address,
            banner=control.banner,
        )


_SIZE_PROOF: t.Final = (SIZE, SIZE, "")


def _enough(strength: str, demanded: str) -> bool:
    return MINIMUM_PROOFS.index(strength) >= MINIMUM_PROOFS.index(demanded)


def _now() -> str:
    return f"{dt.datetime.now(dt.UTC).isoformat(timespec='microseconds')[:-6]}Z"


def _ftp_time(nanoseconds: int) -> str:
    """A time as MFMT takes it (draft-somers-ftp-mfxx)."""
    return dt.datetime.fromtimestamp(nanoseconds // 10**9, dt.UTC).strftime("%Y%m%d%H%M%S")
