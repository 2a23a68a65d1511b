# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The small file system of a simulated Windows computer: files in memory, and the key containers' files."""

from __future__ import annotations

import base64
import ntpath
import typing as t

from ._windows_store import CNG, Key, Stores

__all__ = ["CNG_FOLDER", "CSP_FOLDER", "Files", "key_path"]

CNG_FOLDER: t.Final = "C:\\ProgramData\\Microsoft\\Crypto\\Keys"
CSP_FOLDER: t.Final = "C:\\ProgramData\\Microsoft\\Crypto\\RSA\\MachineKeys"
_FOLDERS: t.Final = (
    "C:\\ProgramData",
    CNG_FOLDER,
    CSP_FOLDER,
    "C:\\Windows\\System32",
    "C:\\Windows\\Temp",
    "C:\\Program Files",
    "C:\\Users\\Administrator\\AppData\\Local\\Temp",
)


def key_path(key: Key) -> str:
    """Where the container of a key lies."""
    return f"{CNG_FOLDER if key.provider == CNG else CSP_FOLDER}\\{key.unique_name}"


class Files:
    """Files and folders by their full paths; upper and lower case are the same."""

    def __init__(self, stores: Stores, programs: t.Mapping[str, object]) -> None:
        self._stores, self._programs = stores, programs
        self._files: dict[str, tuple[str, bytes]] = {}
        self._folders: dict[str, str] = {}
        for folder in _FOLDERS:
            self.make_folder(folder)

    @staticmethod
    def full(path: str) -> str:
        """The path in its normal form; a relative one is below the administrator's home, as in an SSH login."""
        return ntpath.normpath(ntpath.join("C:\\Users\\Administrator", path)).rstrip("\\")

    def key_at(self, path: str) -> Key | None:
        """The key whose container that file is."""
        low = self.full(path).lower()
        with self._stores.lock:
            return next((key for key in self._stores.keys.values() if key_path(key).lower() == low), None)

    def is_folder(self, path: str) -> bool:
        return self.full(path).lower() in self._folders

    def is_file(self, path: str) -> bool:
        return self.full(path).lower() in self._files or self.key_at(path) is not None or self._is_program(path)

    def _is_program(self, path: str) -> bool:
        low = self.full(path).lower()
        return any("\\" in name and name.lower() == low for name in self._programs)

    def exists(self, path: str) -> bool:
        return self.is_file(path) or self.is_folder(path)

    def read(self, path: str) -> bytes:
        """FileNotFoundError when there is no such file. Of containers and programs the content is left out."""
        if self.key_at(path) is not None or self._is_program(path):
            return b""
        try:
            return self._files[self.full(path).lower()][1]
        except KeyError:
            raise FileNotFoundError(self.full(path)) from None

    def write(self, path: str, data: bytes) -> None:
        """FileNotFoundError when the folder is missing."""
        full = self.full(path)
        if not self.is_folder(ntpath.dirname(full)):
            raise FileNotFoundError(full)
        self._files[full.lower()] = (full, data)

    def make_folder(self, path: str) -> None:
        """With all above it."""
        full = self.full(path)
        while full.lower() not in self._folders:
            self._folders[full.lower()] = full
            full = ntpath.dirname(full).rstrip("\\")

    def remove(self, path: str) -> bool:
        """A file, or a folder with all in it; False when it is not there."""
        low = self.full(path).lower()
        key = self.key_at(path)
        if key is not None:
            return self._stores.delete_key(key.unique_name)
        if self._files.pop(low, None) is not None:
            return True
        inside = [name for name in self._files if name.startswith(low + "\\")]
        folders = [name for name in self._folders if name == low or name.startswith(low + "\\")]
        for name in inside:
            del self._files[name]
        for name in folders:
            del self._folders[name]
        return bool(folders)

    def children(self, folder: str) -> list[str]:
        """What lies directly in a folder, by full paths."""
        low = self.full(folder).lower()
        with self._stores.lock:
            containers = [key_path(key) for key in self._stores.keys.values()]
        every = [full for full, _data in self._files.values()] + list(self._folders.values()) + containers
        return sorted((path for path in every if ntpath.dirname(path).rstrip("\\").lower() == low), key=str.lower)

    def dump(self) -> dict[str, t.Any]:
        return {
            "folders": sorted(self._folders.values()),
            "files": {full: base64.b64encode(data).decode() for full, data in self._files.values()},
        }

    def load(self, data: t.Mapping[str, t.Any]) -> None:
        """Be as `dump` said."""
        self._folders = {path.lower(): path for path in data["folders"]}
        self._files = {path.lower(): (path, base64.b64decode(text)) for path, text in data["files"].items()}
