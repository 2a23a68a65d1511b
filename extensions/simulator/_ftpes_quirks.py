# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The ways in which a simulated FTPES server misbehaves, as data."""

from __future__ import annotations

import dataclasses as dc
import typing as t

__all__ = ["QUIRKS", "Behaviour", "QuirkError"]

#: Name of a quirk, and what the server does then.
QUIRKS: t.Final[t.Mapping[str, str]] = {
    "late_450": "takes the whole file, then answers 450 instead of 226",
    "no_close_notify": "ends its side of the data connection without TLS's close_notify",
    "foreign_address": "knows no EPSV, and its PASV names an address of somebody else (192.0.2.1)",
    "stall": "reads no further after at_byte bytes of a file, and says nothing",
    "cut": "resets the data connection after at_byte bytes of a file and answers 426",
    "cut_line": "resets data and control connection after at_byte bytes of a file",
    "disk_full": "answers 552 after at_byte bytes of a file; 452 to STOR itself when at_byte is 0",
    "slow": "reads a file at bytes_per_second",
    "drop_tls": "after the login it ends TLS on the control connection and goes on in the clear",
    "drop_connection": "after the login it closes the control connection",
    "no_hash": "knows neither HASH nor the X commands for checksums",
    "xcrc_only": "knows XCRC and no other command for checksums",
    "wrong_hash": "answers every checksum command with a wrong one",
    "wrong_size": "answers SIZE with one byte more than there are",
    "lossy": "loses the last byte of each file and answers 226 nevertheless",
    "session_reuse": "refuses a data connection that does not resume a TLS session (522)",
    "no_epsv": "knows no EPSV",
    "no_auth": "knows no AUTH TLS",
    "no_prot": "refuses PROT P",
    "inject": "sends an answer in the clear behind its answer to AUTH TLS, before TLS begins",
    "no_final_answer": "takes the whole file and never answers",
    "endless_answer": "answers the login with a line that has no end",
    "refuse_login": "refuses every login (530)",
}


class QuirkError(Exception):
    """A behaviour that cannot be; the text is one sentence."""


@dc.dataclass(frozen=True, kw_only=True)
class Behaviour:
    """What a server does otherwise than a good one.

    `count` is the number of times that the quirks of a data connection show before the server is good again; None for
    always.
    """

    quirks: frozenset[str] = frozenset()
    at_byte: int = 0
    bytes_per_second: int = 65536
    count: int | None = None

    def __post_init__(self) -> None:
        for quirk in self.quirks:
            if quirk not in QUIRKS:
                raise QuirkError(f"quirk {quirk!r} is not one of {', '.join(QUIRKS)}")
        if self.at_byte < 0 or self.bytes_per_second < 1:
            raise QuirkError("at_byte must not be negative, and bytes_per_second must be at least 1")
        if self.count is not None and self.count < 1:
            raise QuirkError("count must be at least 1")

    def __contains__(self, quirk: str) -> bool:
        return quirk in self.quirks

    def as_json(self) -> dict[str, object]:
        return {**dc.asdict(self), "quirks": sorted(self.quirks)}
