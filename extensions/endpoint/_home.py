# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One user's home: what may be done to which file. Evidence is written once.

The name says what a file is to become, its mode how far it is:

* a temporary name (`*.part` and others): the user may write, resume, remove and rename it; with mode 0640 its last
  upload was complete, with 0600 it is being written or was broken off;
* another name and mode 0600: an upload straight to this name that is not complete; the user may resume it, begin anew
  or remove it;
* another name and mode 0440: complete. Nobody changes, renames or removes it over FTP any more.
"""

from __future__ import annotations

import contextlib
import dataclasses as dc
import errno
import fnmatch
import os
import pathlib
import stat
import threading
import typing as t
import unicodedata

from ._digests import Digests, FileKey
from ._upload import CLEAN_MODE, COMPLETE_MODE, PART_MODE, Refusal, UploadTarget, reply_of, sync_directory

__all__ = ["BusyFiles", "Home", "Renamed", "check_new_name"]

_MAX_PART: t.Final = 255
_BIDI: t.Final = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_OPEN: t.Final = os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC
# What a file system without hard links says.
_NO_LINKS: t.Final = (errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK)


def _folded(path: str) -> str:
    """One name for all that some file systems take for the same."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", path).casefold())


class BusyFiles:
    """The files that are being written, by any session."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._paths: set[str] = set()

    def claim(self, path: str) -> None:
        """Begin to write a file.

        Args:
            path: On disk.

        Raises:
            Refusal: Another session writes it.
        """
        with self._lock:
            if _folded(path) in self._paths:
                raise Refusal(450, "Another session is writing this file.")
            self._paths.add(_folded(path))

    def release(self, path: str) -> None:
        """End it.

        Args:
            path: On disk.
        """
        with self._lock:
            self._paths.discard(_folded(path))

    @contextlib.contextmanager
    def claimed(self, *paths: str) -> t.Iterator[None]:
        """Keep other sessions away for a moment.

        Args:
            paths: On disk.

        Yields:
            Nothing.

        Raises:
            Refusal: Another session writes one of them.
        """
        with contextlib.ExitStack() as stack:
            for path in sorted({_folded(path) for path in paths}):
                self.claim(path)
                stack.callback(self.release, path)
            yield


def check_new_name(path: str) -> None:
    """Refuse a name that no new file or directory may have.

    Args:
        path: On disk.

    Raises:
        Refusal: With 553.
    """
    name = pathlib.Path(path).name
    if any(unicodedata.category(one) == "Cc" or one in _BIDI for one in name):
        raise Refusal(553, "A name must not have control characters or ones that turn the direction of writing.")
    if len(name.encode("utf-8", "surrogateescape")) > _MAX_PART:
        raise Refusal(553, f"A name must not be longer than {_MAX_PART} bytes.")


@dc.dataclass(frozen=True, kw_only=True)
class Renamed:
    """What a rename has made.

    Attributes:
        evidence: It is complete now.
        ended_cleanly: The last upload into it was answered with 226.
    """

    evidence: bool
    ended_cleanly: bool


class Home:
    """The rules, for one session.

    Args:
        root: The home, without symbolic links.
        temporary_names: Patterns of names that are not evidence yet.
        busy: Shared by all sessions.
        digests: Shared by all sessions.
        durable: Have changes of names on the disk before they are answered.
    """

    def __init__(
        self, root: str, *, temporary_names: t.Sequence[str], busy: BusyFiles, digests: Digests, durable: bool
    ) -> None:
        self.root = root
        self._patterns = temporary_names
        self._busy = busy
        self._digests = digests
        self._durable = durable
        # Files that this session has completed: it may still set their time, once.
        self._fresh: set[str] = set()
        # Parts whose digest this session has been told, in the state that they had then.
        self._told: dict[tuple[int, int], FileKey] = {}

    def is_temporary(self, path: str) -> bool:
        """Whether the name says that this is not evidence yet.

        Args:
            path: On disk.

        Returns:
            True for a temporary name.
        """
        return self.named_temporary(pathlib.Path(path).name, self._patterns)

    @staticmethod
    def named_temporary(name: str, patterns: t.Sequence[str]) -> bool:
        """Whether a name is a temporary one.

        Args:
            name: Without a directory.
            patterns: Of the configuration.

        Returns:
            True when one of them fits.
        """
        # Where upper and lower case are the same to the file system, both names are the same file.
        folded = name.casefold()
        return any(fnmatch.fnmatchcase(folded, pattern.casefold()) for pattern in patterns)

    def contains(self, path: str) -> bool:
        """Whether a path lies in the home, with no symbolic link on the way, nor at its end.

        Args:
            path: Absolute, without `..`.

        Returns:
            True when it does.
        """
        if (path != self.root and not path.startswith(self.root + "/")) or os.path.normpath(path) != path:
            return False
        # Only what a user could have made is looked at: each command asks, and the way to the root holds no link.
        here = self.root
        for part in path[len(self.root) :].split("/"):
            here = f"{here}/{part}" if part else here
            try:
                if stat.S_ISLNK(os.lstat(here).st_mode):
                    return False
            except OSError:
                # Nothing is there, so nothing is behind it either.
                return True
        return True

    # -- uploads -----------------------------------------------------------------------------------------------------

    def open_upload(self, path: str, *, offset: int = 0, append: bool = False) -> UploadTarget:
        """Open a file for an upload.

        Args:
            path: On disk.
            offset: Where the client goes on (REST).
            append: Go on at the end (APPE).

        Returns:
            The file.

        Raises:
            Refusal: The file is complete, is being written, or the name cannot be.
        """
        check_new_name(path)
        self._busy.claim(path)
        try:
            return self._open_claimed(path, offset, append)
        except OSError as error:
            self._busy.release(path)
            if error.errno == errno.ENOENT:
                raise Refusal(553, "There is no such directory.") from error
            raise reply_of(error) from error
        except BaseException:
            self._busy.release(path)
            raise

    def _open_claimed(self, path: str, offset: int, append: bool) -> UploadTarget:
        status = self._status(path)
        if status is not None and _is_complete(status):
            if not self.is_temporary(path):
                raise Refusal(553, "This file is complete; evidence is written once.")
            # A crash came between the two halves of a rename: the name goes, the evidence stays under its other name.
            pathlib.Path(path).unlink()
            status = None
        size = 0 if status is None else status.st_size
        if offset > size:
            raise Refusal(554, f"REST {offset} is behind the end; {size} bytes are there.")
        start = size if append else offset
        descriptor = os.open(path, _OPEN | (os.O_CREAT | os.O_EXCL if status is None else 0), PART_MODE)
        try:
            if status is not None and stat.S_IMODE(status.st_mode) != PART_MODE:
                os.fchmod(descriptor, PART_MODE)
                self._followed(FileKey.of(status), FileKey.of(os.fstat(descriptor)))
            if start < size:
                os.ftruncate(descriptor, start)
        except BaseException:
            os.close(descriptor)
            raise
        return UploadTarget(
            path=path,
            descriptor=descriptor,
            offset=start,
            created=status is None,
            seal=not self.is_temporary(path),
            release=lambda: self._busy.release(path),
        )

    def completed(self, path: str) -> None:
        """Note that this session has completed a file.

        Args:
            path: On disk.
        """
        if not self.is_temporary(path):
            self._fresh.add(path)

    def told(self, status: os.stat_result) -> None:
        """Note that the client has been told the digest of a whole file, so that it can know what is in it.

        Args:
            status: Of the file, when the digest was its.
        """
        if not _ended_cleanly(status):
            key = FileKey.of(status)
            self._told[key.file] = key

    def _followed(self, old: FileKey, new: FileKey) -> None:
        """The same content has other times now."""
        self._digests.moved(old, new)
        if self._told.pop(old.file, None) == old:
            self._told[new.file] = new

    @staticmethod
    def _status(path: str) -> os.stat_result | None:
        try:
            status = os.lstat(path)
        except FileNotFoundError:
            return None
        if not stat.S_ISREG(status.st_mode):
            raise Refusal(550, "This is not a file.")
        return status

    def _existing(self, path: str) -> os.stat_result:
        status = self._status(path)
        if status is None:
            raise Refusal(550, "There is no such file.")
        return status

    # -- names -------------------------------------------------------------------------------------------------------

    def check_rename(self, source: str) -> None:
        """Refuse to rename what keeps its name.

        Args:
            source: On disk.

        Raises:
            Refusal: No temporary file.
        """
        self._existing(source)
        if not self.is_temporary(source):
            raise Refusal(550, "Only a file with a temporary name can be renamed; evidence keeps its name.")

    def rename(self, source: str, target: str) -> Renamed:
        """Give a temporary file another name; a name of evidence makes it complete.

        A part whose upload was broken off becomes evidence only when this session has been told its digest.

        Args:
            source: On disk.
            target: On disk; nothing may be there.

        Returns:
            What it is now.

        Raises:
            Refusal: It is no temporary file, its upload was broken off, the target exists, or the system refuses.
        """
        check_new_name(target)
        with self._busy.claimed(source, target):
            self.check_rename(source)
            if os.path.lexists(target):
                raise Refusal(553, "A file of this name is there already; evidence is written once.")
            seal = not self.is_temporary(target)
            status = self._existing(source)
            if seal:
                self._check_known(status)
            try:
                self._rename(source, target, seal)
            except OSError as error:
                if error.errno == errno.EEXIST:
                    raise Refusal(553, "A file of this name is there already; evidence is written once.") from error
                if error.errno == errno.ENOENT:
                    raise Refusal(553, "There is no such directory.") from error
                raise reply_of(error) from error
        if seal:
            self._fresh.add(target)
            self._told.pop(FileKey.of(status).file, None)
        return Renamed(evidence=seal, ended_cleanly=_ended_cleanly(status))

    def _check_known(self, status: os.stat_result) -> None:
        key = FileKey.of(status)
        if not _ended_cleanly(status) and self._told.get(key.file) != key:
            raise Refusal(550, "Its upload was broken off: complete it, or ask for its HASH; then rename it.")

    def _rename(self, source: str, target: str, seal: bool) -> None:
        descriptor = os.open(source, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        try:
            status = os.fstat(descriptor)
            before = stat.S_IMODE(status.st_mode)
            if seal:
                if self._durable:
                    os.fsync(descriptor)
                os.fchmod(descriptor, COMPLETE_MODE)
            try:
                _move(source, target)
            except OSError:
                os.fchmod(descriptor, before)
                self._followed(FileKey.of(status), FileKey.of(os.fstat(descriptor)))
                raise
            if self._durable:
                os.fsync(descriptor)
                sync_directory(str(pathlib.Path(target).parent))
            self._followed(FileKey.of(status), FileKey.of(os.fstat(descriptor)))
        finally:
            os.close(descriptor)

    def remove(self, path: str) -> None:
        """Remove a file that is not evidence.

        Args:
            path: On disk.

        Raises:
            Refusal: It is complete, or is being written.
        """
        with self._busy.claimed(path):
            status = self._existing(path)
            if _is_complete(status) and not self.is_temporary(path):
                raise Refusal(550, "This file is complete; evidence is not removed.")
            self._try(os.unlink, path)

    def make_directory(self, path: str) -> None:
        """Make a directory.

        Args:
            path: On disk.

        Raises:
            Refusal: The system refuses.
        """
        check_new_name(path)
        self._try(os.mkdir, path, 0o700)
        if self._durable:
            self._try(sync_directory, str(pathlib.Path(path).parent))

    def remove_directory(self, path: str) -> None:
        """Remove an empty directory.

        Args:
            path: On disk.

        Raises:
            Refusal: It is the home, is not empty, or the system refuses.
        """
        if path == self.root:
            raise Refusal(550, "The home stays.")
        self._try(os.rmdir, path)

    def set_time(self, path: str, seconds: float) -> None:
        """Set the modification time: of what is not complete, or, once, of what this session has completed.

        Args:
            path: On disk.
            seconds: Since 1970.

        Raises:
            Refusal: The file is evidence of somebody else or of an earlier session.
        """
        with self._busy.claimed(path):
            status = self._existing(path)
            # Also by a temporary name that a crash in a rename has left: it leads to evidence.
            if _is_complete(status):
                if path not in self._fresh:
                    raise Refusal(550, "This file is complete; its time stays.")
                self._fresh.discard(path)
            self._try(os.utime, path, (seconds, seconds))
            with contextlib.suppress(FileNotFoundError):
                self._followed(FileKey.of(status), FileKey.of(os.lstat(path)))

    @staticmethod
    def _try(function: t.Callable[..., t.Any], *arguments: t.Any) -> None:
        try:
            function(*arguments)
        except OSError as error:
            raise reply_of(error) from error


def _is_complete(status: os.stat_result) -> bool:
    return not status.st_mode & stat.S_IWUSR


def _ended_cleanly(status: os.stat_result) -> bool:
    return bool(status.st_mode & CLEAN_MODE & ~PART_MODE)


def _move(source: str, target: str) -> None:
    """Move without ever replacing: a link fails where a rename would overwrite."""
    try:
        os.link(source, target, follow_symlinks=False)
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        # Only this process writes here, and it holds both names.
        pathlib.Path(source).rename(target)
    else:
        pathlib.Path(source).unlink()
