# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The audit log: one JSON object a line, in ASCII, so that no name of a file can forge a line."""

from __future__ import annotations

import contextlib
import datetime as dt
import io
import json
import os
import pathlib
import sys
import threading
import typing as t

from ...plugins.module_utils._core._errors import InputError

__all__ = ["AuditLog"]


class AuditLog:
    """Writes events; from any thread.

    Args:
        path: The file, mode 0600 when it is made; nothing for standard error.
    """

    def __init__(self, path: pathlib.Path | None) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._file = self._open()

    def _open(self) -> t.TextIO:
        if self._path is None:
            return sys.stderr
        try:
            descriptor = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise InputError(
                device=str(self._path), subject="audit log", found=error.strerror, expected="a file that can be written"
            ) from error
        return io.TextIOWrapper(os.fdopen(descriptor, "ab", buffering=0), encoding="ascii", write_through=True)

    def write(self, event: str, **facts: t.Any) -> None:
        """Write one event.

        Args:
            event: What happened, for example ``upload_end``.
            facts: What is to be told of it; a value of None is left out. Never a secret.
        """
        now = dt.datetime.now(dt.UTC).isoformat(timespec="milliseconds")
        told = {"time": now, "event": event} | {key: value for key, value in facts.items() if value is not None}
        # ensure_ascii turns line ends, controls and lone surrogates into escapes.
        line = json.dumps(told, ensure_ascii=True) + "\n"
        with self._lock:
            try:
                self._file.write(line)
            except (OSError, ValueError):
                # A full disk must not end a transfer; the line goes where a supervisor can see it.
                with contextlib.suppress(OSError, ValueError):
                    print(line, end="", file=sys.stderr, flush=True)

    def reopen(self) -> None:
        """Open the file again after it has been moved away (log rotation)."""
        if self._path is None:
            return
        with self._lock:
            try:
                new = self._open()
            except InputError:
                return
            old, self._file = self._file, new
        old.close()
