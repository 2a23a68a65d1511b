# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The state directory: a JSON file per device, written atomically, readable by its owner alone."""

from __future__ import annotations

import json
import os
import pathlib
import shutil
import tempfile
import typing as t

__all__ = ["Folder", "Store", "write_private"]


def write_private(path: pathlib.Path, text: str) -> None:
    """Write a file with mode 0600 so that a reader sees the old or the new one, never half."""
    beside = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
    beside.replace(path)


class Store:
    def __init__(self, directory: pathlib.Path) -> None:
        self._directory = directory
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)

    def _path(self, name: str) -> pathlib.Path:
        return self._directory / f"{name}.json"

    def load(self, name: str) -> dict[str, t.Any] | None:
        path = self._path(name)
        if not path.exists():
            return None
        data: dict[str, t.Any] = json.loads(path.read_text(encoding="utf-8"))
        return data

    def save(self, name: str, data: t.Mapping[str, t.Any]) -> None:
        write_private(self._path(name), json.dumps(data))

    def clear(self) -> None:
        for path in self._directory.glob("*.json"):
            path.unlink()


class Folder:
    """A place for cards and servers' homes: in the state directory, or a temporary one that is removed."""

    def __init__(self, state_dir: pathlib.Path | None) -> None:
        self._state_dir = state_dir
        self._temporary: tempfile.TemporaryDirectory[str] | None = None

    @property
    def path(self) -> pathlib.Path:
        """Made when it is first asked for."""
        if self._state_dir is not None:
            return self._state_dir / "files"
        if self._temporary is None:
            self._temporary = tempfile.TemporaryDirectory(prefix="camsec-simulator-")
        return pathlib.Path(self._temporary.name)

    def clear(self) -> None:
        if self._state_dir is not None:
            shutil.rmtree(self._state_dir / "files", ignore_errors=True)
        self.remove()

    def remove(self) -> None:
        temporary, self._temporary = self._temporary, None
        if temporary is not None:
            temporary.cleanup()
