# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who holds a lease, and whether that process still lives.

A process number alone says little: it is given out again. With the boot, the start time and the namespace of process
numbers it names one process for good.
"""

from __future__ import annotations

import functools
import json
import os
import secrets
import typing as t
from pathlib import Path

__all__ = ["is_dead", "own_identity"]

_PROC = Path("/proc")


def own_identity() -> str:
    """This process, as it signs a lease.

    Returns:
        JSON text: machine, boot, namespace of process numbers, process number, start time, and a random part, so that
        two runs in one process are two owners.
    """
    return json.dumps({**_place(), "pid": os.getpid(), "start": _start(os.getpid()), "run": secrets.token_hex(8)})


def is_dead(owner: str) -> bool | None:
    """Whether the holder of a lease is gone.

    Args:
        owner: As :func:`own_identity` wrote it.

    Returns:
        True or False where it can be known; None when the holder lives where this process cannot look, such as in
        another container. Then the end of the lease decides.
    """
    try:
        told = json.loads(owner)
        pid, start = int(told["pid"]), str(told["start"])
    except (ValueError, TypeError, KeyError):
        return True
    here = _place()
    if not here["machine"] or told.get("machine") != here["machine"]:
        return None
    if told.get("boot") != here["boot"]:
        return True
    if told.get("namespace") != here["namespace"] or not start:
        return None
    return _start(pid) != start


@functools.cache
def _place() -> t.Mapping[str, str]:
    return {
        "machine": _text(Path("/etc/machine-id")) or os.uname().nodename,
        "boot": _text(_PROC / "sys/kernel/random/boot_id"),
        "namespace": _namespace(),
    }


def _namespace() -> str:
    try:
        return str((_PROC / "self/ns/pid").readlink())
    except OSError:
        return ""


def _start(pid: int) -> str:
    # Field 22; the name in field 2 may hold spaces and parentheses, so count from the last one.
    fields = _text(_PROC / str(pid) / "stat").rpartition(")")[2].split()
    if len(fields) < 20 or fields[0] in ("Z", "X"):
        return ""
    return fields[19]


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return ""
