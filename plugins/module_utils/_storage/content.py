# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is to lie on a card, and what lies there."""

from __future__ import annotations

import dataclasses as dc
import datetime as dt
import hashlib
import typing as t
from pathlib import Path

from .._core._errors import CamsecError, InputError, PkiError
from .._pki._check import require_usable
from .._tls._card import LARGEST, card_certificates
from .._tls._certificate import CertificateFacts
from .rules import FILE_NAME

__all__ = ["CardState", "Content", "Present", "read_source", "wanted_content"]

#: Nobody's bundle for a camera is larger; a file that is must not fill the memory.
_LARGEST_FILE: t.Final = 16 * LARGEST


@dc.dataclass(frozen=True, kw_only=True)
class Content:
    """Certificates in the form in which they are written: their PEM blocks and nothing else.

    Attributes:
        certificates: In their order.
        data: The file.
    """

    certificates: tuple[CertificateFacts, ...]
    data: bytes

    @property
    def sha256(self) -> str:
        """SHA-256 of the file, hexadecimal."""
        return hashlib.sha256(self.data).hexdigest()

    @property
    def anchors(self) -> tuple[CertificateFacts, ...]:
        """The certificates at which a chain can end: those that signed themselves."""
        return tuple(one for one in self.certificates if one.self_signed)


@dc.dataclass(frozen=True, kw_only=True)
class Present:
    """What a card tells of itself.

    Attributes:
        data: Content of ``certification.pem``; nothing when there is none.
        free: Bytes that are free; nothing where that is not known.
        obstacle: Why nothing can be written to it; empty when it can.
    """

    data: bytes | None
    free: int | None = None
    obstacle: str = ""


class CardState:
    """What lies on a card, read once.

    Args:
        place: The card, for errors.
        present: What it told.
    """

    def __init__(self, place: str, present: Present) -> None:
        self.present = present
        self.certificates: tuple[CertificateFacts, ...] = ()
        self.problem = ""
        if present.data is not None:
            try:
                self.certificates = card_certificates(present.data, device=place, subject=FILE_NAME)
            except CamsecError as error:
                self.problem = error.found

    def shown(self, now: dt.datetime) -> dict[str, t.Any]:
        """The state as a result shows it: facts, no PEM.

        Args:
            now: The clock, for ``days_left``.

        Returns:
            ``exists``, ``size``, ``sha256``, ``problem`` and ``certificates``.
        """
        return shown_file(self.present.data, self.certificates, now, self.problem)


def shown_file(
    data: bytes | None, certificates: t.Sequence[CertificateFacts], now: dt.datetime, problem: str = ""
) -> dict[str, t.Any]:
    """A card's file as a result shows it.

    Args:
        data: Its content; nothing when there is none.
        certificates: What it holds.
        now: The clock, for ``days_left``.
        problem: Why it cannot be read.

    Returns:
        Plain data without PEM.
    """
    return {
        "exists": data is not None,
        "size": None if data is None else len(data),
        "sha256": None if data is None else hashlib.sha256(data).hexdigest(),
        "problem": problem,
        "certificates": [one.shown(now) for one in certificates],
    }


def read_source(path: str) -> bytes:
    """Read the file that is to be put on a card.

    Args:
        path: The file.

    Returns:
        Its content.

    Raises:
        InputError: It is missing, unreadable or far too large.
    """
    expected = "a readable PEM file"
    try:
        with Path(path).open("rb") as file:
            content = file.read(_LARGEST_FILE + 1)
    except OSError as error:
        found = "no such file" if isinstance(error, FileNotFoundError) else (error.strerror or "an error").lower()
        raise InputError(device=path, subject="certificate file", found=found, expected=expected) from error
    if len(content) > _LARGEST_FILE:
        raise InputError(device=path, subject="certificate file", found="more than 16 MB", expected=expected)
    return content


def wanted_content(source: bytes, *, device: str, now: dt.datetime) -> Content:
    """What is to lie on the card.

    Args:
        source: PEM, one certificate or several.
        device: Where it comes from, for errors.
        now: The clock.

    Returns:
        The certificates, each once, in their order.

    Raises:
        RuleError: A certificate is larger than the camera reads (FTP-11).
        PkiError: There is no certificate, something else too, or one that is not valid now.
    """
    found = card_certificates(source, device=device)
    certificates = tuple({one.sha256: one for one in found}.values())
    for one in certificates:
        require_usable(one, now=now, device=f"{device} ({one.subject or one.sha256})")
    content = Content(certificates=certificates, data="".join(one.pem for one in certificates).encode("ascii"))
    if not content.anchors:
        raise PkiError(
            device=device,
            subject="certificates for the camera's card",
            found="no self-signed certificate",
            expected="the root at which the server's chain ends",
            advice="Put the root certificate on the card, not the server's own or an intermediate one alone.",
        )
    return content
