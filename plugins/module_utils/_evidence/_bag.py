# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The files that make a directory a BagIt bag (RFC 8493), so that other people's validators read it."""

from __future__ import annotations

import dataclasses as dc
import io
import re
import typing as t
import unicodedata
import zipfile
import zlib

from .._core._errors import InputError, VerificationError
from ._facts import UPLOADER, UPLOADER_VERSION, Bag, Job
from ._ledger import ReceiptRow

__all__ = [
    "BAG_INFO",
    "DECLARATION",
    "MANIFEST",
    "RECEIPTS",
    "SEAL",
    "SEAL_SIGNATURE",
    "SEAL_TIMESTAMP",
    "TAG_MANIFEST",
    "Packed",
    "bag_info",
    "check_bag_info",
    "decoded",
    "encoded",
    "manifest",
    "pack_receipts",
    "read_manifest",
    "unpack_receipts",
]

DECLARATION: t.Final = "bagit.txt"
DECLARATION_TEXT: t.Final = b"BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n"
BAG_INFO: t.Final = "bag-info.txt"
MANIFEST: t.Final = "manifest-sha256.txt"
TAG_MANIFEST: t.Final = "tagmanifest-sha256.txt"
#: One file instead of two or three for each piece of evidence: many small uploads cost more than the evidence itself.
RECEIPTS: t.Final = "receipts.zip"
SEAL: t.Final = "seal.json"
SEAL_SIGNATURE: t.Final = "seal.p7s"
SEAL_TIMESTAMP: t.Final = "seal.tsr"

_LINE = re.compile(r"([0-9A-Fa-f]{64})[ \t]+\*?(.+)")
_LABEL = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")
_OURS = {"bagging-date", "bag-software-agent", "payload-oxum", "external-identifier"}
_LARGEST_PART = 1 << 20
_MOST_PARTS = 3_000_000
_LARGEST_WHOLE = 2 << 30
_PARTS = (".json", ".p7s", ".tsr")


def encoded(name: str) -> str:
    """A path as a manifest writes it (RFC 8493 section 2.1.3).

    Args:
        name: The path.

    Returns:
        The path with percent sign, carriage return and line feed percent-encoded, and nothing else.
    """
    return name.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def decoded(name: str) -> str:
    """A path out of a manifest.

    Args:
        name: As the manifest has it.

    Returns:
        The path.
    """
    return re.sub(r"%(25|0[Dd]|0[Aa])", lambda match: chr(int(match[1], 16)), name)


def manifest(digests: t.Mapping[str, str]) -> bytes:
    """A manifest (RFC 8493 section 2.1.3).

    Args:
        digests: SHA-256 by path.

    Returns:
        Its content, sorted by path.
    """
    return "".join(f"{digest}  {encoded(name)}\n" for name, digest in sorted(digests.items())).encode("utf-8")


def read_manifest(content: bytes, *, device: str) -> dict[str, str]:
    """Read a manifest.

    Args:
        content: Its content.
        device: File that the error names.

    Returns:
        SHA-256 by path.

    Raises:
        VerificationError: A line is none of a manifest, a path leads outside of the bag, or stands twice.
    """
    found: dict[str, str] = {}
    for number, line in enumerate(_lines(content), start=1):
        match = _LINE.fullmatch(line)
        name = decoded(match[2]) if match else ""
        if match is None or name in found or not _is_within(name):
            raise VerificationError(
                device=device,
                subject=f"line {number}",
                found=ascii(line[:200]),
                expected="a SHA-256 and a path within the bag that stands there once, without control characters",
            )
        found[name] = match[1].lower()
    return found


def _is_within(name: str) -> bool:
    """Whether a path stays in the bag, and is text that a message may show."""
    strange = any(unicodedata.category(one) in ("Cc", "Cs") for one in name)
    return not (strange or name.startswith(("/", "~")) or ".." in name.split("/"))


def _lines(content: bytes) -> list[str]:
    # Not splitlines: a name may hold the line separators of Unicode.
    lines = re.split(r"\r\n|\r|\n", content.decode("utf-8", "surrogateescape"))
    return lines[:-1] if lines and not lines[-1] else lines


def check_bag_info(metadata: t.Mapping[str, str]) -> None:
    """Refuse metadata that `bag-info.txt` cannot hold (RFC 8493 section 2.2.2).

    Args:
        metadata: Text by label.

    Raises:
        InputError: A label or a text cannot be used.
    """
    for label, text in metadata.items():
        if not _LABEL.fullmatch(label) or label.lower() in _OURS:
            raise InputError(
                device="bag-info.txt",
                subject="label",
                found=repr(label),
                expected=f"letters, digits and hyphens, not one of {', '.join(sorted(_OURS))}",
            )
        if not text.strip() or any(ord(character) < 32 for character in text):
            raise InputError(
                device="bag-info.txt",
                subject=f"text of {label}",
                found=repr(text[:80]),
                expected="one line that is not empty",
            )


def bag_info(bag: Bag, jobs: t.Collection[Job], metadata: t.Mapping[str, str]) -> bytes:
    """The bag's description (RFC 8493 section 2.2.2).

    Args:
        bag: The bag.
        jobs: All of its files, done.
        metadata: More of it, text by label.

    Returns:
        Content of ``bag-info.txt``, the same for the same bag.
    """
    check_bag_info(metadata)
    size = sum(job.identity.size for job in jobs)
    lines = {
        **metadata,
        "Bagging-Date": max(job.done_at for job in jobs)[:10],
        "Bag-Software-Agent": f"{UPLOADER} {UPLOADER_VERSION}",
        "External-Identifier": f"urn:uuid:{bag.chain}",
        "Payload-Oxum": f"{size}.{len(jobs)}",
    }
    return "".join(f"{label}: {text.strip()}\n" for label, text in lines.items()).encode("utf-8")


@dc.dataclass(frozen=True, kw_only=True)
class Packed:
    """A receipt out of a file.

    Attributes:
        name: Its name there, without an ending.
        content: The canonical JSON.
        signature: CMS in DER, or empty.
        timestamp: RFC 3161 answer in DER, or empty.
    """

    name: str
    content: bytes
    signature: bytes
    timestamp: bytes


def pack_receipts(receipts: t.Iterable[ReceiptRow]) -> bytes:
    """Receipts as one file, with ``000001.json``, ``000001.p7s``, ``000001.tsr`` and so on in it.

    Args:
        receipts: In their order.

    Returns:
        A ZIP archive, the same for the same receipts.
    """
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for receipt in receipts:
            for ending, content in (
                ("json", receipt.content),
                ("p7s", receipt.signature),
                ("tsr", receipt.timestamp),
            ):
                if content:
                    entry = zipfile.ZipInfo(f"{receipt.sequence:06d}.{ending}")
                    entry.compress_type = zipfile.ZIP_DEFLATED
                    entry.external_attr = 0o644 << 16
                    archive.writestr(entry, content)
    return buffer.getvalue()


def unpack_receipts(content: bytes, *, device: str) -> list[Packed]:
    """Read what :func:`pack_receipts` wrote.

    Args:
        content: A ZIP archive.
        device: File that the error names.

    Returns:
        The receipts by their names.

    Raises:
        VerificationError: It is no such archive, or damaged.
    """
    parts: dict[str, bytes] = {}
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            entries = archive.infolist()
            if len(entries) > _MOST_PARTS or sum(entry.file_size for entry in entries) > _LARGEST_WHOLE:
                raise zipfile.BadZipFile("too many parts, or more than 2 GiB of them")
            for entry in entries:
                if entry.filename in parts or entry.file_size > _LARGEST_PART:
                    raise zipfile.BadZipFile(f"{entry.filename!r} twice or too large")
                parts[entry.filename] = archive.read(entry)
    except (zipfile.BadZipFile, ValueError, NotImplementedError, RuntimeError, EOFError, zlib.error) as error:
        raise VerificationError(
            device=device,
            subject="archive of receipts",
            found=f"damage ({error})",
            expected="a ZIP archive as the uploader wrote it",
        ) from error
    return paired(parts)


def is_part(name: str) -> bool:
    """Whether a file's name is that of a receipt or of what belongs to one.

    Args:
        name: Without a directory.

    Returns:
        True for ``*.json``, ``*.p7s`` and ``*.tsr``.
    """
    return name.endswith(_PARTS)


def paired(parts: t.Mapping[str, bytes]) -> list[Packed]:
    """Receipts with what belongs to them.

    Args:
        parts: Content by file name: ``*.json``, ``*.p7s``, ``*.tsr``.

    Returns:
        One for each ``*.json``, by name.
    """
    # After 999999 comes 1000000.
    stems = sorted((name.removesuffix(".json") for name in parts if name.endswith(".json")), key=lambda x: (len(x), x))
    return [
        Packed(
            name=stem,
            content=parts[f"{stem}.json"],
            signature=parts.get(f"{stem}.p7s", b""),
            timestamp=parts.get(f"{stem}.tsr", b""),
        )
        for stem in stems
    ]
