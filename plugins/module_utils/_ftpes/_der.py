# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Just enough of DER (X.690) to find a certificate's public key and validity (RFC 5280 4.1)."""

from __future__ import annotations

import datetime as dt
import hashlib
import typing as t

__all__ = ["spki_sha256", "validity"]

_SEQUENCE: t.Final = 0x30
_VERSION: t.Final = 0xA0
_UTC_TIME: t.Final = 0x17


def spki_sha256(certificate: bytes) -> str:
    """SHA-256 of the public key (SubjectPublicKeyInfo).

    Args:
        certificate: In DER.

    Returns:
        Lower-case hexadecimal.

    Raises:
        ValueError: That is no certificate.
    """
    return hashlib.sha256(_fields(certificate)[5]).hexdigest()


def validity(certificate: bytes) -> tuple[dt.datetime, dt.datetime]:
    """From when until when it is valid.

    Args:
        certificate: In DER.

    Returns:
        Both ends, UTC.

    Raises:
        ValueError: That is no certificate.
    """
    first, last = _children(_fields(certificate)[3])
    return _instant(first), _instant(last)


def _fields(certificate: bytes) -> list[bytes]:
    """Serial number, algorithm, issuer, validity, subject, public key and what follows."""
    fields = _children(_children(certificate)[0])
    if fields and fields[0][0] == _VERSION:
        fields = fields[1:]
    if len(fields) < 6:
        raise ValueError("no certificate: too few fields")
    return fields


def _children(element: bytes) -> list[bytes]:
    start, end = _content(element, 0)
    if element[0] != _SEQUENCE or end != len(element):
        raise ValueError("no certificate: no sequence")
    found = []
    while start < end:
        dummy, after = _content(element, start)
        if after > end:
            raise ValueError("no certificate: an element is cut off")
        found.append(element[start:after])
        start = after
    return found


def _content(data: bytes, at: int) -> tuple[int, int]:
    """Where an element's content begins and ends."""
    if at + 2 > len(data):
        raise ValueError("no certificate: an element is cut off")
    length, start = data[at + 1], at + 2
    if length & 0x80:
        digits = length & 0x7F
        if not 0 < digits <= 4:
            raise ValueError("no certificate: a length is none")
        length, start = int.from_bytes(data[start : start + digits], "big"), start + digits
    return start, start + length


def _instant(element: bytes) -> dt.datetime:
    start, end = _content(element, 0)
    text = element[start:end].decode("ascii")
    if element[0] == _UTC_TIME:
        # RFC 5280 4.1.2.5.1: 50 and above are of the last century.
        text = ("19" if text[:2] >= "50" else "20") + text
    return dt.datetime.strptime(text, "%Y%m%d%H%M%SZ").replace(tzinfo=dt.UTC)
