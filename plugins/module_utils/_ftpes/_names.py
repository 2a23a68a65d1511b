# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which names may go to a server. Judged before the first command (RFC 959 4, RFC 2640)."""

from __future__ import annotations

import typing as t
import unicodedata

from .._core._errors import InputError

__all__ = ["LONGEST_PART", "LONGEST_PATH", "check_remote_name"]

# What Linux, and with it nearly every server, takes: NAME_MAX and PATH_MAX, in bytes.
LONGEST_PART: t.Final = 255
LONGEST_PATH: t.Final = 4096
# They make a name look like another one (Unicode Standard Annex 9, bidirectional ordering controls).
_BIDIRECTIONAL: t.Final = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def check_remote_name(path: str) -> str:
    """Refuse a name that could be something else than a name.

    Args:
        path: Remote path; its parts are joined with ``/``. Other Unicode is kept as it is.

    Returns:
        The very same path.

    Raises:
        InputError: Empty; CR, LF, NUL or another control; ``..`` or ``.`` as a part; bidirectional controls; not valid
            Unicode; a part longer than 255 bytes or a whole longer than 4,096.
    """
    for character in path:
        _check_character(path, character)
    if not path.strip("/") or path.endswith("/"):
        raise _error(path, "a name without its last part", "the name of a file")
    parts = [part for part in path.split("/") if part]
    for part in parts:
        if part in ("..", "."):
            raise _error(path, f"the part {part!r}", "no way out of the folder")
        if len(part.encode()) > LONGEST_PART:
            raise _error(path, f"a part of {len(part.encode())} bytes", f"at most {LONGEST_PART} bytes a part")
    if len(path.encode()) > LONGEST_PATH:
        raise _error(path, f"{len(path.encode())} bytes", f"at most {LONGEST_PATH} bytes")
    return path


def _check_character(path: str, character: str) -> None:
    kind = unicodedata.category(character)
    if kind == "Cs":
        raise _error(path, "bytes that are no UTF-8", "valid Unicode", advice="Rename the file.")
    # Line and paragraph separators end a line for some readers of logs.
    if kind in ("Cc", "Zl", "Zp"):
        raise _error(path, f"the control character U+{ord(character):04X}", "no control characters")
    if character in _BIDIRECTIONAL:
        raise _error(path, f"the bidirectional control U+{ord(character):04X}", "none, since it disguises a name")


def _error(path: str, found: str, expected: str, *, advice: str = "") -> InputError:
    shown = path.encode("ascii", "backslashreplace").decode("ascii")
    shown = "".join(character if character.isprintable() else f"\\x{ord(character):02x}" for character in shown)
    if len(shown) > 120:
        shown = f"{shown[:117]}..."
    return InputError(device=shown or "(empty)", subject="remote name", found=found, expected=expected, advice=advice)
