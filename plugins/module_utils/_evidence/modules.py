# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the module `evidence_upload` does: options become a wish, the outcome becomes a result."""

from __future__ import annotations

import threading
import typing as t

from .._core._call import Call
from .._core._errors import CamsecError, InputError
from .._core._secret import Secret
from .._ftpes._facts import Server
from .._tls._policies import policy_of
from ._facts import Event
from ._ledger import JobLedger
from ._send import Outcome, Wish, plan, send
from ._worker import RunOptions

__all__ = ["EVIDENCE_OPTIONS", "evidence_upload"]

_SERVER = (
    "host",
    "port",
    "ca_path",
    "crl_path",
    "server_name",
    "timeout",
    "session_reuse",
    "read_back",
    "minimum_proof",
)
_WISH = (
    "remote_directory",
    "state_directory",
    "manifest",
    "follow_links",
    "signer_key_path",
    "signer_certificate_path",
    "unsigned",
    "timestamp_url",
    "timestamp_ca_path",
    "timestamp_scope",
)
_RUN = ("sessions", "attempts", "longest_delay", "total_rate", "connection_rate", "time_limit")

#: Argument specification of the module.
EVIDENCE_OPTIONS: t.Final[dict[str, dict[str, t.Any]]] = {
    "path": {"type": "list", "elements": "path", "default": []},
    "remote_directory": {"type": "str", "required": True},
    "state_directory": {"type": "path", "required": True},
    "host": {"type": "str", "required": True},
    "port": {"type": "int", "default": 21},
    "username": {"type": "str", "required": True},
    "password": {"type": "str", "required": True, "no_log": True},
    "policy": {
        "type": "str",
        "choices": ["recommended", "compatible", "modern", "custom"],
        "default": "recommended",
    },
    "suite": {"type": "list", "elements": "str", "default": []},
    "ca_path": {"type": "path"},
    "crl_path": {"type": "path"},
    "spki_sha256": {"type": "list", "elements": "str", "default": []},
    "server_name": {"type": "str"},
    "timeout": {"type": "float", "default": 30.0},
    "session_reuse": {"type": "str", "choices": ["require", "when_offered", "prefer"], "default": "when_offered"},
    "read_back": {"type": "str", "choices": ["never", "without_hash", "always"], "default": "without_hash"},
    "minimum_proof": {"type": "str", "choices": ["size", "crc", "hash"], "default": "hash"},
    "manifest": {"type": "bool", "default": True},
    "bag_info": {"type": "dict", "default": {}},
    "follow_links": {"type": "bool", "default": False},
    "signer_key_path": {"type": "path", "no_log": False},
    "signer_certificate_path": {"type": "path"},
    "unsigned": {"type": "bool", "default": False},
    "timestamp_url": {"type": "str"},
    "timestamp_ca_path": {"type": "path"},
    "timestamp_scope": {"type": "str", "choices": ["each", "seal"], "default": "each"},
    "sessions": {"type": "int", "default": 4},
    "attempts": {"type": "int", "default": 5},
    "longest_delay": {"type": "float", "default": 60.0},
    "total_rate": {"type": "int"},
    "connection_rate": {"type": "int"},
    "time_limit": {"type": "float"},
}


def evidence_upload(call: Call) -> dict[str, t.Any]:
    """Send evidence.

    Args:
        call: Options of ``evidence_upload``.

    Returns:
        The result's keys.

    Raises:
        CamsecError: The first thing that went wrong; what could be sent was sent, and the ledger has it.
    """
    wish = _wish(call.params)
    outcome = plan(wish)
    before = _shown(wish, outcome)
    if not call.check_mode:
        retried: list[str] = []

        def noted(event: Event) -> None:
            if event.kind == "retried":
                retried.append(event.text)

        outcome = send(wish, on_event=noted, stop=threading.Event())
        outcome.notes += [f"Tried again: {text}" for text in dict.fromkeys(retried)]
    if outcome.errors:
        raise _first(outcome)
    if outcome.run.stopped:
        raise _out_of_time(wish, outcome)
    changed = _would_change(outcome) if call.check_mode else outcome.changed
    after = _after(outcome) if call.check_mode else _shown(wish, outcome)
    return {
        "changed": changed,
        "before": before,
        "after": after,
        "diff": {"before": before, "after": after},
        "sent": len(_to_send(outcome)) + outcome.waiting if call.check_mode else outcome.run.sent,
        "bytes_sent": outcome.run.bytes_sent,
        "file": _files(wish, outcome),
        "sealed": outcome.sealed,
        "warnings": outcome.notes,
    }


def _wish(params: t.Mapping[str, t.Any]) -> Wish:
    server = Server(
        user=params["username"],
        password=Secret(params["password"]),
        policy=policy_of(params["policy"], params["suite"]),
        spki_sha256=tuple(pin.replace(":", "").lower() for pin in params["spki_sha256"]),
        **{name: params[name] for name in _SERVER},
    )
    return Wish(
        server=server,
        paths=tuple(params["path"]),
        bag_info={str(label): str(text) for label, text in params["bag_info"].items()},
        run=RunOptions(**{name: params[name] for name in _RUN}),
        **{name: params[name] for name in _WISH},
    )


def _to_send(outcome: Outcome) -> list[t.Any]:
    return [*outcome.added.new, *outcome.added.pending]


def _would_change(outcome: Outcome) -> bool:
    return bool(_to_send(outcome) or outcome.waiting or outcome.sealed_now)


def _shown(wish: Wish, outcome: Outcome) -> dict[str, t.Any]:
    """What the ledger knows to lie at the server, of the files that this task is about."""
    with JobLedger(wish.state_directory, read_only=True) as ledger:
        names = [job.remote_path for job in (*outcome.added.done, *_to_send(outcome))]
        jobs = [ledger.job_of(wish.destination, name) for name in names]
    done = sorted(job.remote_path for job in jobs if job is not None and job.state == "done")
    return {"remote_paths": done, "sealed": outcome.sealed}


def _after(outcome: Outcome) -> dict[str, t.Any]:
    names = {job.remote_path for job in (*outcome.added.done, *_to_send(outcome))}
    return {"remote_paths": sorted(names), "sealed": outcome.sealed or outcome.sealed_now}


def _files(wish: Wish, outcome: Outcome) -> list[dict[str, t.Any]]:
    with JobLedger(wish.state_directory, read_only=True) as ledger:
        shown = []
        for job in (*outcome.added.done, *_to_send(outcome)):
            now = ledger.job_of(wish.destination, job.remote_path) or job
            receipt = None if now.id == 0 else ledger.receipt_of(now)
            facts = {} if receipt is None else ledger.told(receipt)
            shown.append({**now.shown(), **facts})
    return sorted(shown, key=lambda one: str(one["remote_path"]))


def _first(outcome: Outcome) -> CamsecError:
    """The gravest error; how many more there are stands in its advice."""
    (source, error), *more = outcome.failures
    words = [error.advice] if error.advice else []
    if source:
        words.append(f"The file is {source}.")
    if more:
        words.append(f"{len(more)} more could not be sent, the next being {more[0][0] or more[0][1].device}.")
    error.advice = " ".join(words)
    error.args = (error.message,)
    return error


def _out_of_time(wish: Wish, outcome: Outcome) -> InputError:
    return InputError(
        device=str(wish.destination),
        subject="time_limit",
        found=f"{outcome.run.sent} files sent when {wish.run.time_limit:g} seconds were over",
        expected="enough time for all files",
        advice="The next run goes on where this one ended.",
    )
