# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Receipts: what was sent, where to, how it was protected, how it was proven. Canonical JSON in a chain of hashes.

Canonical means: keys sorted, no spaces, UTF-8 as it is, whole numbers only, one line feed at the end. So the same facts
are the same bytes, and a receipt that is written otherwise was not written here.
"""

from __future__ import annotations

import datetime as dt
import json
import typing as t

from .._core._errors import InputError, VerificationError
from .._tls._policies import Policy
from .._tls._suites import suite_of_name
from .._tls._verdicts import is_deprecated
from ._facts import UPLOADER, UPLOADER_VERSION, Bag, Job, utc_now
from ._ledger import ChannelRow

if t.TYPE_CHECKING:
    from .._ftpes._facts import ChannelFacts, UploadResult

__all__ = [
    "FILE_TYPE",
    "SEAL_TYPE",
    "canonical",
    "channel_row",
    "channel_rows",
    "file_receipt",
    "parse_canonical",
    "seal_receipt",
]

FILE_TYPE: t.Final = "camsec-evidence-receipt"
SEAL_TYPE: t.Final = "camsec-evidence-seal"
_VERSION = 1
_LARGEST = 1 << 20
_CHAIN: t.Final = {"id": str, "previous": str, "sequence": int}
_CHANNEL: t.Final = {"protocol": str, "suite": str, "resumed": bool, "deprecated": bool}
#: What a reader relies on; more may be there.
_SHAPES: t.Final[t.Mapping[str, t.Any]] = {
    FILE_TYPE: {
        "chain": _CHAIN,
        "file": {"source": str, "size": int, "sha256": str},
        "remote": {"path": str, "payload": str},
        "server": {"host": str, "port": int, "user": str, "spki_sha256": str},
        "tls": {"control": _CHANNEL, "data": [_CHANNEL]},
        "policy": {"name": str, "version": str},
        "proof": {"kind": str, "confirmed": str},
        "recorded_at": str,
    },
    SEAL_TYPE: {
        "chain": _CHAIN,
        "bag": {"receipts": {"chain": str, "count": int, "last": str}, "tag_files": dict},
        "recorded_at": str,
    },
}


def canonical(facts: t.Mapping[str, t.Any]) -> bytes:
    """Facts in their one form.

    Args:
        facts: Texts, whole numbers, true and false, lists and mappings of them.

    Returns:
        The bytes.

    Raises:
        InputError: A text is no valid Unicode.
    """
    try:
        return _encoded(facts)
    except UnicodeEncodeError as error:
        raise InputError(
            device="this host",
            subject="receipt",
            found="a text that is no valid Unicode",
            expected="names in UTF-8",
        ) from error


def _encoded(facts: object) -> bytes:
    text = json.dumps(facts, ensure_ascii=False, allow_nan=False, separators=(",", ":"), sort_keys=True)
    return text.encode("utf-8") + b"\n"


def parse_canonical(content: bytes, *, device: str) -> dict[str, t.Any]:
    """Read facts, and refuse every other form of them.

    Args:
        content: The bytes.
        device: File or receipt that the error names.

    Returns:
        The facts.

    Raises:
        VerificationError: It is no canonical JSON of a receipt or a seal.
    """

    def refuse(found: str) -> t.NoReturn:
        raise VerificationError(
            device=device, subject="receipt", found=found, expected="canonical JSON as the uploader writes it"
        ) from None

    if len(content) > _LARGEST:
        refuse("more than 1 MiB")
    try:
        facts = json.loads(content)
        same = _encoded(facts) == content
    except (ValueError, RecursionError):
        refuse("no JSON")
    if not isinstance(facts, dict) or facts.get("type") not in (FILE_TYPE, SEAL_TYPE):
        refuse("something that is neither a receipt nor a seal")
    if not same:
        refuse("another form of JSON, so a change after it was written")
    if facts.get("version") != _VERSION:
        refuse(f"version {facts.get('version')}")
    wrong = _misshapen(facts, _SHAPES[facts["type"]])
    if wrong:
        refuse(f"nothing fit for {wrong}")
    return facts


def _misshapen(facts: t.Any, shape: t.Any, name: str = "it") -> str:
    """The first thing that is missing or of another kind; empty when all is there."""
    if isinstance(shape, type):
        truth_for_number = shape is int and isinstance(facts, bool)
        return "" if isinstance(facts, shape) and not truth_for_number else name
    if isinstance(shape, list):
        if not isinstance(facts, list):
            return name
        return next((wrong for one in facts if (wrong := _misshapen(one, shape[0], name))), "")
    if not isinstance(facts, dict):
        return name
    return next((wrong for key, inner in shape.items() if (wrong := _misshapen(facts.get(key), inner, key))), "")


def file_receipt(*, chain: str, sequence: int, previous: str, job: Job, result: UploadResult, policy: Policy) -> bytes:
    """The receipt of a file.

    Args:
        chain: Identity of the chain.
        sequence: Its place in it, from 1.
        previous: SHA-256 of the receipt before; empty for the first.
        job: The file and where it went.
        result: What the session proved.
        policy: Of cipher suites.

    Returns:
        Canonical JSON.
    """
    return canonical(
        {
            "type": FILE_TYPE,
            "version": _VERSION,
            "chain": {"id": chain, "previous": previous, "sequence": sequence},
            "file": {
                "source": job.source,
                "size": result.size,
                "sha256": result.sha256,
                "modified_at": _nanoseconds(job.identity.mtime_ns),
            },
            "remote": {"path": job.remote_path, "payload": job.payload},
            "server": {
                "host": job.destination.host,
                "port": job.destination.port,
                "user": job.destination.user,
                "address": result.address,
                "banner": result.banner,
                "spki_sha256": result.control.spki_sha256,
            },
            "tls": {
                "control": _channel(result.control),
                "data": [dict(one) for one in _distinct(_channel(channel) for channel in result.data)],
            },
            "policy": {"name": policy.name, "version": policy.version},
            "proof": {
                "kind": result.proof.kind,
                "strength": result.proof.strength,
                "size": result.proof.size,
                "sha256": result.proof.sha256,
                "confirmed": result.proof.confirmed,
            },
            "transfer": {
                "started_at": result.started_at,
                "ended_at": result.ended_at,
                "bytes_sent": result.bytes_sent,
                "resumed_from": result.resumed_from,
                "resume_proof": result.resume_proof,
                "already_there": result.already_there,
            },
            "recorded_at": utc_now(),
            "uploader": _uploader(),
        }
    )


def seal_receipt(
    *,
    chain: str,
    sequence: int,
    previous: str,
    bag: Bag,
    receipts: tuple[int, str],
    payload: tuple[int, int],
    files: t.Mapping[str, str],
) -> bytes:
    """The seal of a bag: it fixes how many receipts there are, and every file that describes the bag.

    Args:
        chain: Identity of the ledger's own chain.
        sequence: Its place in it.
        previous: SHA-256 of the receipt before; empty for the first.
        bag: The bag.
        receipts: How many, and the SHA-256 of the last one.
        payload: How many files, and their bytes together.
        files: SHA-256 by name of the files that describe the bag.

    Returns:
        Canonical JSON.
    """
    return canonical(
        {
            "type": SEAL_TYPE,
            "version": _VERSION,
            "chain": {"id": chain, "previous": previous, "sequence": sequence},
            "bag": {
                "remote_directory": bag.remote_directory,
                "opened_at": bag.opened_at,
                "receipts": {"chain": bag.chain, "count": receipts[0], "last": receipts[1]},
                "payload": {"files": payload[0], "bytes": payload[1]},
                "tag_files": dict(files),
            },
            "server": {"host": bag.destination.host, "port": bag.destination.port, "user": bag.destination.user},
            "recorded_at": utc_now(),
            "uploader": _uploader(),
        }
    )


def channel_rows(result: UploadResult) -> tuple[ChannelRow, ...]:
    """The TLS connections of an upload, as the ledger keeps them.

    Args:
        result: What the session reports.

    Returns:
        The control connection, then the data connections, each kind once.
    """
    rows = [channel_row("control", result.control), *(channel_row("data", one) for one in result.data)]
    return tuple(dict.fromkeys(rows))


def channel_row(channel: str, facts: ChannelFacts) -> ChannelRow:
    """One TLS connection, as the ledger keeps it.

    Args:
        channel: ``control`` or ``data``.
        facts: What the session reports.

    Returns:
        The row.
    """
    return ChannelRow(
        channel=channel,
        protocol=facts.protocol,
        suite=facts.suite,
        resumed=facts.resumed,
        spki_sha256=facts.spki_sha256,
        deprecated=is_deprecated(suite_of_name(facts.suite)),
    )


def _channel(facts: ChannelFacts) -> dict[str, t.Any]:
    return {
        "protocol": facts.protocol,
        "suite": facts.suite,
        "resumed": facts.resumed,
        "deprecated": is_deprecated(suite_of_name(facts.suite)),
    }


def _distinct(channels: t.Iterable[dict[str, t.Any]]) -> list[tuple[tuple[str, t.Any], ...]]:
    return list(dict.fromkeys(tuple(channel.items()) for channel in channels))


def _uploader() -> dict[str, str]:
    return {"name": UPLOADER, "version": UPLOADER_VERSION}


def _nanoseconds(instant: int) -> str:
    seconds, rest = divmod(instant, 1_000_000_000)
    try:
        moment = dt.datetime.fromtimestamp(seconds, dt.UTC)
    except (OverflowError, ValueError, OSError):  # a broken clock of the recorder: the number itself is still a fact
        return f"@{seconds}.{rest:09d}"
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{rest:09d}Z"
