# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run one command and tell what it cost."""

from __future__ import annotations

import contextlib
import dataclasses as dc
import os
import pathlib
import signal
import subprocess
import time
import typing as t

__all__ = ["Cost", "cost_of"]

_STOP_SECONDS = 10.0


@dc.dataclass(frozen=True, kw_only=True)
class Cost:
    """What a process cost, with all its descendants that it waited for.

    Attributes:
        status: Exit status.
        seconds: Wall time.
        cpu_seconds: User and system time of the whole tree (``wait4``).
        peak_mib: Resident memory of its largest process (``ru_maxrss``); shared pages count in full.
        output: What it printed.
    """

    status: int
    seconds: float
    cpu_seconds: float
    peak_mib: float
    output: str


def cost_of(
    command: t.Sequence[str], *, environment: t.Mapping[str, str], where: pathlib.Path, log: pathlib.Path
) -> Cost:
    """Run a command to its end; when we are interrupted, it and its descendants end too.

    Args:
        command: The command.
        environment: Its environment.
        where: Its working directory.
        log: Where its output goes.

    Returns:
        What it cost.
    """
    with log.open("wb") as output:
        started = time.monotonic()
        process = subprocess.Popen(
            command,
            env=dict(environment),
            cwd=where,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            dummy, status, usage = os.wait4(process.pid, 0)
        except BaseException:
            _stop(process)
            raise
        seconds = time.monotonic() - started
        process.returncode = os.waitstatus_to_exitcode(status)
    return Cost(
        status=process.returncode,
        seconds=seconds,
        cpu_seconds=usage.ru_utime + usage.ru_stime,
        peak_mib=usage.ru_maxrss / 1024,
        output=log.read_text(encoding="utf-8", errors="replace"),
    )


def _stop(process: subprocess.Popen[bytes]) -> None:
    """End a process and what it started, each by its process id: Ansible's workers have sessions of their own."""
    started = _descendants(process.pid)
    process.send_signal(signal.SIGINT)
    try:
        process.wait(_STOP_SECONDS)
    except subprocess.TimeoutExpired:
        started |= _descendants(process.pid)
        process.kill()
        process.wait()
    for pid, born in started:
        if _stat(pid)[1] == born:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


def _descendants(pid: int) -> set[tuple[int, int]]:
    parents = {int(path.name): _stat(int(path.name)) for path in pathlib.Path("/proc").glob("[0-9]*")}
    found: set[tuple[int, int]] = set()
    generation = {pid}
    while generation:
        generation = {child for child, (parent, dummy) in parents.items() if parent in generation}
        found |= {(child, parents[child][1]) for child in generation}
    return found


def _stat(pid: int) -> tuple[int, int]:
    """Parent and start time; zeros for a process that is gone."""
    try:
        text = pathlib.Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return 0, 0
    fields = text.rpartition(")")[2].split()
    return int(fields[1]), int(fields[19])
