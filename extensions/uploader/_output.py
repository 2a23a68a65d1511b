# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a run shows: a progress bar on standard error, lines for people, or lines of JSON."""

from __future__ import annotations

import json
import sys
import typing as t

import tqdm  # type: ignore[import-untyped]

from ...plugins.module_utils._core._errors import CamsecError
from ...plugins.module_utils._evidence._facts import Event

__all__ = ["Display", "display_of"]


class Display(t.Protocol):
    """Shows events as they happen."""

    def show(self, event: Event) -> None:
        """Show one.

        Args:
            event: What happened.
        """

    def end(self, summary: t.Mapping[str, t.Any], failures: t.Sequence[tuple[str, CamsecError]]) -> None:
        """Show how it ended.

        Args:
            summary: Numbers and words by name.
            failures: What went wrong, each with the file that it kept from being sent, or nothing.
        """


def display_of(kind: str, total: int) -> Display:
    """The display that was asked for.

    Args:
        kind: ``auto``, ``bar``, ``plain`` or ``json``.
        total: Bytes that are to be sent, as far as known.

    Returns:
        The display.
    """
    if kind == "json":
        return _JsonLines()
    if kind == "bar" or (kind == "auto" and sys.stderr.isatty()):
        return _Bar(total)
    return _Lines()


class _JsonLines:
    """One JSON object a line; the last one is the summary."""

    def show(self, event: Event) -> None:
        told = event.shown()
        _print(json.dumps({"event": told.pop("kind"), **told}, ensure_ascii=True))

    def end(self, summary: t.Mapping[str, t.Any], failures: t.Sequence[tuple[str, CamsecError]]) -> None:
        told = [
            {"kind": type(error).__name__, "device": error.device, "source": source, "text": error.message}
            for source, error in failures
        ]
        _print(json.dumps({"event": "summary", **summary, "errors": told}, ensure_ascii=True))


class _Lines:
    """Plain lines; progress within a file is left out."""

    def show(self, event: Event) -> None:
        line = _line(event)
        if line:
            _print(line)

    def end(self, summary: t.Mapping[str, t.Any], failures: t.Sequence[tuple[str, CamsecError]]) -> None:
        if summary:
            _print(", ".join(f"{name.replace('_', ' ')}: {_word(value)}" for name, value in summary.items()))
        for source, error in failures:
            words = f"{source}: {error.message}" if source else error.message
            print(f"camsec-upload: {_printable(words)}", file=sys.stderr)


class _Bar(_Lines):
    """A progress bar over all bytes, on standard error."""

    def __init__(self, total: int) -> None:
        self._bar = tqdm.tqdm(total=total or None, unit="B", unit_scale=True, unit_divisor=1024, file=sys.stderr)
        self._sent: dict[str, int] = {}

    def show(self, event: Event) -> None:
        if event.kind in ("progress", "done", "found"):
            more = event.sent - self._sent.get(event.remote_path, 0)
            self._sent[event.remote_path] = event.sent
            self._bar.update(max(0, more))
        elif event.kind in ("failed", "retried", "note", "sealed"):
            self._bar.write(_line(event), file=sys.stderr)

    def end(self, summary: t.Mapping[str, t.Any], failures: t.Sequence[tuple[str, CamsecError]]) -> None:
        self._bar.close()
        super().end(summary, failures)


def _line(event: Event) -> str:
    about = f"{event.source}: " if event.source and not event.text.startswith(event.source) else ""
    words = {
        "started": f"sending {event.source} ({event.size} bytes)",
        "done": f"done {event.source} -> {event.remote_path}",
        "found": f"already there, proven: {event.source} -> {event.remote_path}",
        "retried": f"trying again later: {about}{event.text}",
        "failed": f"given up: {about}{event.text}",
        "sealed": f"sealed {event.remote_path}",
        "note": event.text,
    }
    detail = event.detail
    if event.kind == "done" and detail:
        words["done"] += f" (SHA-256 {detail['sha256']}, {detail['proof']}, {detail['suite']})"
    return _printable(words.get(event.kind, ""))


def _printable(text: str) -> str:
    """A file's name must not move the cursor, nor end the program that cannot print it."""
    return "".join(one if one.isprintable() else one.encode("unicode_escape").decode("ascii") for one in text)


def _word(value: object) -> str:
    return {True: "yes", False: "no"}.get(value, str(value)) if isinstance(value, bool) else str(value)


def _print(line: str) -> None:
    encoding = sys.stdout.encoding or "utf-8"
    print(line.encode(encoding, "backslashreplace").decode(encoding), flush=True)
