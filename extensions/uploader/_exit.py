# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Exit codes of `camsec-upload`, the same for every command; docs/evidence_upload.md lists them."""

from __future__ import annotations

import typing as t

from ...plugins.module_utils._core._errors import (
    CamsecError,
    ConnectError,
    InputError,
    LoginError,
    PkiError,
    ProtocolError,
    RefusedError,
    RuleError,
    TrustError,
    VerificationError,
)

__all__ = [
    "DEPRECATED_ONLY",
    "DONE",
    "FAILED",
    "INTERRUPTED",
    "NOT_PROVEN",
    "UNREACHABLE",
    "WORDS_INTERRUPTED",
    "exit_code",
]

DONE: t.Final = 0
FAILED: t.Final = 1
NOT_PROVEN: t.Final = 7
DEPRECATED_ONLY: t.Final = 10
UNREACHABLE: t.Final = 11
INTERRUPTED: t.Final = 130
WORDS_INTERRUPTED: t.Final = "camsec-upload: ended by a signal or the time limit; started again, it goes on from here"
# 2 is argparse's: the command line itself is wrong.
_CODES: t.Final[tuple[tuple[type[CamsecError], int], ...]] = (
    (InputError, 3),
    (RuleError, 3),
    (PkiError, 3),
    (ConnectError, 4),
    (TrustError, 5),
    (LoginError, 6),
    (VerificationError, NOT_PROVEN),
    (RefusedError, 8),
    (ProtocolError, 9),
)


def exit_code(error: CamsecError) -> int:
    """The exit code of an error.

    Args:
        error: What went wrong.

    Returns:
        3 input, 4 connection, 5 trust or policy, 6 login, 7 not proven, 8 refused by the server, 9 not understood;
        1 for anything else.
    """
    return next((code for kind, code in _CODES if isinstance(error, kind)), FAILED)
