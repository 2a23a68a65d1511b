# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A session with a server: uploads that count as done only when they provably are."""

from __future__ import annotations

import hashlib
import types
import typing as t

from .._core._errors import ProtocolError
from ._data import DataConnection
from ._errors import refusal
from ._facts import ChannelFacts, Server, UploadResult
from ._hashes import HashMethod
from ._link import ABSENT, Link
from ._names import check_remote_name
from ._replies import Entry, Reply, machine_entry
from ._source import Source
from ._throttle import Throttle
from ._upload import Upload

__all__ = ["Session", "temporary_name"]

_LONGEST_LISTING: t.Final = 64 << 20


class Session:
    """A context manager: connects, brings TLS up, verifies, logs in. For one thread at a time.

    After an error it may be used again: it connects anew by itself.

    Args:
        server: Where to, and what is demanded.
        throttle: Limits on speed, to be shared among sessions.

    Attributes:
        server: As given.
    """

    def __init__(self, server: Server, *, throttle: Throttle | None = None) -> None:
        self.server = server
        self._link = Link(server, throttle)
        self._folders: set[str] = set()

    def open(self) -> None:
        """Connect and log in, unless that is done.

        Raises:
            ConnectError: No connection, or it broke.
            TrustError: The server is not one to trust, or TLS outside the policy.
            LoginError: The account was refused.
            RefusedError: The server wants no TLS, or none on data connections.
            ProtocolError: That is no FTP server.
        """
        self._link.open()

    def close(self) -> None:
        """Say goodbye."""
        self._link.close()

    def __enter__(self) -> t.Self:
        self.open()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: types.TracebackType | None
    ) -> None:
        self.close()

    @property
    def features(self) -> frozenset[str]:
        """What the server offers: names of FEAT in upper case."""
        return frozenset(self._link.features)

    @property
    def logins(self) -> int:
        """How often it has logged in; TLS 1.3 tickets that ran out cost one each time."""
        return self._link.logins

    @property
    def control(self) -> ChannelFacts:
        """What TLS is like on the control connection."""
        return self._link.control.facts

    @property
    def address(self) -> str:
        """Where the control connection goes."""
        return self._link.control.address

    @property
    def banner(self) -> str:
        """The server's greeting. It comes before TLS, so nobody vouches for it."""
        return self._link.control.banner

    @property
    def tickets_left(self) -> int:
        """How many data connections can resume before a new login; in TLS 1.2 one stands for any number."""
        return self._link.control.tickets.left

    @property
    def hash_method(self) -> HashMethod | None:
        """How the server can prove what it holds, if it can."""
        return self._link.method

    def upload(
        self,
        source: Source,
        remote_path: str,
        *,
        temporary_path: str,
        resume: bool = True,
        fresh: bool = False,
        progress: t.Callable[[int], None] | None = None,
    ) -> UploadResult:
        """Bring a file to the server, provably: sent whole, verified, then renamed.

        What lies under the final name is never overwritten: the same content counts as done, another is an error.

        Args:
            source: What is sent.
            remote_path: Its name on the server.
            temporary_path: Its name while it is on the way; what lies there is an earlier try of the same.
            resume: Go on with an earlier try if what lies there is proven to be the source's beginning.
            fresh: The caller knows of no earlier try: a small file is then sent without looking first. What lies
                under the final name is safe all the same.
            progress: Is told the number of bytes just sent.

        Returns:
            What was done and why it counts.

        Raises:
            CamsecError: It is not done; what it was is in the sentence.
        """
        check_remote_name(remote_path)
        check_remote_name(temporary_path)
        return Upload(
            self._link, source, remote_path, temporary_path, resume=resume, fresh=fresh, progress=progress
        ).run()

    def put_bytes(self, content: bytes, remote_path: str) -> UploadResult:
        """Bring a small content to the server, as completely as a file.

        Args:
            content: What is sent.
            remote_path: Its name on the server.

        Returns:
            What was done and why it counts.

        Raises:
            CamsecError: It is not done.
        """
        with Source.of_bytes(content) as source:
            return self.upload(
                source, remote_path, temporary_path=temporary_name(remote_path), resume=False, fresh=True
            )

    def size(self, path: str) -> int | None:
        """A file's size on the server.

        Args:
            path: Its name.

        Returns:
            The size, or nothing when there is no such file.

        Raises:
            CamsecError: The server does not tell.
        """
        check_remote_name(path)
        return self.sizes(path)[0]

    def sizes(self, *paths: str) -> list[int | None]:
        """Sizes of several files, in one go.

        Args:
            paths: Their names.

        Returns:
            A size, or nothing where there is no such file.

        Raises:
            CamsecError: The server does not tell.
        """
        for path in paths:
            check_remote_name(path)
        replies = self._link.ask_all(*(("SIZE", path) for path in paths))
        return [self._link.size_in(path, reply) for path, reply in zip(paths, replies, strict=True)]

    def hash(self, path: str, *, size: int = 0) -> str | None:
        """What the server says of a file's content.

        Args:
            path: Its name.
            size: Its size, if known: a big file takes the server a while.

        Returns:
            Lower-case hexadecimal by :attr:`hash_method`, or nothing where the server has none or does not tell.

        Raises:
            CamsecError: The connection broke.
        """
        check_remote_name(path)
        self.open()
        return self._link.hash(path, size)

    def hash_sha256(self, path: str, *, size: int = 0) -> str | None:
        """SHA-256 of a file by the server itself.

        Args:
            path: Its name.
            size: Its size, if known.

        Returns:
            Lower-case hexadecimal, or nothing where the server cannot.

        Raises:
            CamsecError: The connection broke.
        """
        self.open()
        method = self._link.method
        return self.hash(path, size=size) if method is not None and method.algorithm == "sha256" else None

    def list(self, folder: str = "") -> tuple[Entry, ...]:
        """What lies in a folder.

        Args:
            folder: Its name; empty for the one after login.

        Returns:
            Its entries; without kind and size where the server has only NLST.

        Raises:
            CamsecError: The server refused, or the connection broke.
        """
        if folder:
            check_remote_name(folder)
        self.open()
        machine = not self.features.isdisjoint({"MLST", "MLSD"})
        content = self._link.transfer([("MLSD" if machine else "NLST", folder)], self._listing)
        lines = content.decode("utf-8", "surrogateescape").splitlines()
        if not machine:
            return tuple(Entry(name=line.rsplit("/", 1)[-1]) for line in lines if line)
        entries = (machine_entry(line) for line in lines)
        return tuple(one for one in entries if one is not None and one.kind not in ("cdir", "pdir"))

    def rename(self, path: str, new_path: str) -> None:
        """Rename a file; most servers overwrite one of the new name without a word.

        Args:
            path: Its name.
            new_path: Its new one.

        Raises:
            CamsecError: The server refused.
        """
        check_remote_name(path)
        check_remote_name(new_path)
        self._link.expect("RNFR", path, 3)
        self._link.expect("RNTO", new_path, 2)

    def make_directories(self, path: str) -> None:
        """Make a folder and those above it; one that is there already is fine.

        Args:
            path: The folder.

        Raises:
            CamsecError: The server refused and it is not there.
        """
        path = path.rstrip("/")
        if not path or path in self._folders:
            return
        check_remote_name(path)
        parts = path.split("/")
        folders = ["/".join(parts[: number + 1]) for number in range(len(parts)) if parts[number]]
        missing = [folder for folder in folders if folder not in self._folders]
        replies = self._link.ask_all(*(("MKD", folder) for folder in missing))
        if replies[-1].kind != 2:
            self._check_folder(path, replies[-1])
        self._folders.update(missing)

    def remove_temporary(self, path: str) -> None:
        """Delete a file of an earlier try; one that is not there is fine.

        Args:
            path: Its name. The caller knows that it is a temporary one.

        Raises:
            CamsecError: The server refused.
        """
        check_remote_name(path)
        reply = self._link.ask("DELE", path)
        if reply.kind != 2 and reply.code not in ABSENT:
            raise refusal(self.server.device, f"DELE {path}", reply, "250")

    def _listing(self, data: DataConnection) -> bytes:
        content = bytearray()
        for piece in data.receive():
            content += piece
            if len(content) > _LONGEST_LISTING:
                raise ProtocolError(
                    device=self.server.device,
                    subject="listing",
                    found=f"more than {_LONGEST_LISTING:,} bytes",
                    expected="a folder of fewer files",
                )
        return bytes(content)

    def _check_folder(self, path: str, refused: Reply) -> None:
        """A folder may be there already, which servers do not tell apart from other reasons."""
        here = self._link.ask("PWD")
        begin, end = here.text.find('"'), here.text.rfind('"')
        there = self._link.ask("CWD", path)
        if there.kind == 2 and here.code == 257 and end > begin >= 0:
            self._link.expect("CWD", here.text[begin + 1 : end].replace('""', '"'), 2)
            return
        raise refusal(self.server.device, f"MKD {path}", refused, "257, or the folder there already")


def temporary_name(remote_path: str) -> str:
    """The name of a content while it is on its way: the same again for the same final name.

    Args:
        remote_path: The final name.

    Returns:
        ``camsec-<16 hexadecimal digits>.part`` in the same folder.
    """
    folder, slash, dummy = remote_path.rpartition("/")
    return f"{folder}{slash}camsec-{hashlib.sha256(remote_path.encode()).hexdigest()[:16]}.part"
