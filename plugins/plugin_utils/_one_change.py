# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One run changes the password of a camera, or how it is known over TLS; never both.

A camera that does not answer after both leaves nobody knowing which of the two it was. Tasks of a run are in processes
of their own, so that the run's own temporary directory, which Ansible makes for each run and deletes at its end, tells
what was done: an empty file for each device and kind of change.
"""

from __future__ import annotations

import hashlib
import typing as t
from pathlib import Path

from ansible import constants
from ansible_collections.camsec.fleet.plugins.module_utils._core._errors import InputError

__all__ = ["check_alone", "note_change"]

_FOLDER: t.Final = "camsec_fleet_changes"
#: Kinds of change (``ModuleSpec.change``) that exclude each other, each with its name in a sentence.
_NAMES: t.Final[t.Mapping[str, str]] = {
    "tls": "its key, certificate or connection",
    "password": "its password",
}


def check_alone(change: str, device: str) -> None:
    """Refuse a change where this run has made, tried or planned the other kind of change of that device.

    Args:
        change: What the task may change; empty for nothing that matters here.
        device: Address or host name.

    Raises:
        InputError: It has.
    """
    for other, name in _NAMES.items() if change else ():
        if other != change and _mark(other, device).exists():
            raise InputError(
                device=device,
                subject=f"a change of {_NAMES[change]}",
                found=f"a change of {name} earlier in this run",
                expected="a run of its own for each, since after both nobody knows which one a camera fails from",
            )


def note_change(change: str, device: str, result: t.Mapping[str, t.Any]) -> None:
    """Write down what a task did: a change, one that failed and may be half done, or one that goes on elsewhere.

    Args:
        change: What the task may change; empty for nothing that matters here.
        device: Address or host name.
        result: The task's result.
    """
    if change and any(result.get(name) for name in ("changed", "failed", "ansible_job_id")):
        mark = _mark(change, device)
        mark.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        mark.touch(mode=0o600)


def _mark(change: str, device: str) -> Path:
    name = hashlib.sha256(device.encode()).hexdigest()
    # Ansible sets its constants at import.
    return Path(str(constants.DEFAULT_LOCAL_TMP), _FOLDER, f"{name}.{change}")  # type: ignore[attr-defined]
