# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which files are to be sent: files, directories and patterns become candidates; what cannot be sent is told."""

from __future__ import annotations

import dataclasses as dc
import glob
import os
import stat
import typing as t
import unicodedata
from pathlib import Path

from .._core._errors import CamsecError, InputError
from .._ftpes._names import check_remote_name
from ._facts import Candidate, Identity
from ._ledger import joined

__all__ = ["Found", "find_sources"]

_KINDS: t.Final = (
    (stat.S_ISFIFO, "a named pipe"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a character device"),
    (stat.S_ISBLK, "a block device"),
)


@dc.dataclass(kw_only=True)
class Found:
    """What lies at some paths.

    Attributes:
        candidates: Files that can be sent, in the order of their names.
        refused: One error for each thing that cannot.
        notes: One sentence for each thing that was left out on purpose.
    """

    candidates: list[Candidate] = dc.field(default_factory=list)
    refused: list[CamsecError] = dc.field(default_factory=list)
    notes: list[str] = dc.field(default_factory=list)


def find_sources(
    paths: t.Sequence[str],
    *,
    remote_directory: str = "",
    follow_links: bool = False,
    exclude: t.Sequence[str] = (),
    note_empty: bool = False,
) -> Found:
    """Look for files. A file is sent under its own name, a directory under its name with everything below it.

    Args:
        paths: Files, directories, or patterns (``*``, ``?``, ``[…]``, ``**``).
        remote_directory: Where they go; the whole name there must be one that can be sent.
        follow_links: Follow symbolic links; without it they are left out, with a note.
        exclude: Directories to leave out, such as the state directory.
        note_empty: A note for each directory of ``paths`` without any file.

    Returns:
        Candidates, refusals and notes; nothing is raised for a single file.
    """
    walk = _Walk(remote_directory, follow_links, exclude)
    for path in paths:
        for expanded in walk.expanded(path):
            walk.take(Path(expanded), note_empty=note_empty)
    walk.found.candidates.sort(key=lambda candidate: candidate.name)
    return walk.found


#: A path, its name on the server, and the directories above it, each by its file system and inode.
_Place = tuple[Path, str, tuple[tuple[int, int], ...]]


class _Walk:
    def __init__(self, remote_directory: str, follow_links: bool, exclude: t.Sequence[str]) -> None:
        self.found = Found()
        self._remote_directory = remote_directory
        self._follow = follow_links
        self._exclude = {os.path.realpath(path) for path in exclude}
        self._names: dict[str, str] = {}
        # A stack instead of recursion: a tree may be deeper than Python's own stack.
        self._waiting: list[_Place] = []

    def expanded(self, path: str) -> list[str]:
        if os.path.lexists(path) or not glob.has_magic(path):
            return [path]
        # Path.glob refuses absolute patterns.
        matches = sorted(glob.glob(path, recursive=True, include_hidden=True))  # noqa: PTH207
        if not matches:
            self._refuse(path, "pattern", "nothing that it matches", "at least one file")
        return matches

    def take(self, path: Path, *, note_empty: bool) -> None:
        absolute = Path(os.path.abspath(path))  # noqa: PTH100  # resolve() would follow links
        before = self._seen()
        self._waiting.append((absolute, absolute.name, ()))
        while self._waiting:
            self._one(*self._waiting.pop())
        if note_empty and self._seen() == before and absolute.is_dir():  # such as a card that was not mounted
            self.found.notes.append(f"{absolute}: there is no file in this directory.")

    def _seen(self) -> tuple[int, ...]:
        return len(self._names), len(self.found.refused), len(self.found.notes)

    def _one(self, path: Path, name: str, above: tuple[tuple[int, int], ...]) -> None:
        try:
            status = path.lstat()
            if stat.S_ISLNK(status.st_mode):
                if not self._link(path, above):
                    return
                status = path.stat()
        except OSError as error:
            self._refuse(str(path), "file", _why(error), "a file that can be read")
            return
        if stat.S_ISDIR(status.st_mode):
            self._directory(path, name, above, status)
        elif stat.S_ISREG(status.st_mode):
            self._file(path, name, status)
        else:
            kind = next((words for test, words in _KINDS if test(status.st_mode)), "something else")
            self._refuse(str(path), "file", kind, "a regular file")

    def _link(self, path: Path, above: tuple[tuple[int, int], ...]) -> bool:
        """Whether to follow a link. One that leads back to a directory above it is refused in any case."""
        try:
            target = path.stat()
        except OSError as error:
            self._refuse(str(path), "symbolic link", _why(error), "a link that leads somewhere")
            return False
        if (target.st_dev, target.st_ino) in above:
            self._refuse(str(path), "symbolic link", "a loop of directories", "a tree that ends")
            return False
        if self._follow:
            return True
        if not above:
            self._refuse(
                str(path), "file", "a symbolic link", "the file itself, or the word that links are to be followed"
            )
        else:
            self.found.notes.append(f"{path}: a symbolic link, which is not followed, was left out.")
        return False

    def _directory(self, path: Path, name: str, above: tuple[tuple[int, int], ...], status: os.stat_result) -> None:
        if os.path.realpath(path) in self._exclude:
            return
        here = (status.st_dev, status.st_ino)
        if here in above:
            self._refuse(str(path), "directory", "a loop of directories", "a tree that ends")
            return
        try:
            entries = sorted(entry.name for entry in os.scandir(path))
        except OSError as error:
            self._refuse(str(path), "directory", _why(error), "a directory that can be read")
            return
        for entry in reversed(entries):
            self._waiting.append((path / entry, f"{name}/{entry}" if name else entry, (*above, here)))

    def _file(self, path: Path, name: str, status: os.stat_result) -> None:
        try:
            name.encode("utf-8")
            check_remote_name(joined(self._remote_directory, f"data/{name}"))
        except UnicodeEncodeError:
            self._refuse(repr(os.fsencode(path)), "file name", "bytes that are no UTF-8", "a name in UTF-8")
            return
        except CamsecError as error:
            self.found.refused.append(error)
            return
        if not os.access(path, os.R_OK):
            self._refuse(str(path), "file", "permission denied", "a file that can be read")
            return
        # Two names that differ in the form of their Unicode alone are one name to many file systems (RFC 8493, 6.1.5).
        form = unicodedata.normalize("NFC", name)
        other = self._names.get(form)
        if other == str(path):
            return
        if other is not None:
            self._refuse(str(path), "name on the server", f"{name}, which {other} takes", "a name for each file")
            return
        self._names[form] = str(path)
        self.found.candidates.append(Candidate(source=str(path), identity=Identity.of(status), name=name))

    def _refuse(self, device: str, subject: str, found: str, expected: str) -> None:
        self.found.refused.append(InputError(device=device, subject=subject, found=found, expected=expected))


def _why(error: OSError) -> str:
    return (error.strerror or type(error).__name__).lower()
