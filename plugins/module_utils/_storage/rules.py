# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules of the cinema camera's guide: what it takes from a card, and what its account may look like."""

from __future__ import annotations

import typing as t

from .._core._errors import RuleError
from .._core._secret import Secret

__all__ = ["FILE_NAME", "check_password", "check_user_name", "password_problem", "user_name_problem"]

#: FTP-11: in the root folder of the card.
FILE_NAME: t.Final = "certification.pem"
_LETTERS: t.Final = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")
_DIGITS: t.Final = frozenset("0123456789")
_SIGNS: t.Final = frozenset("!%+,-.=_")
_ALLOWED: t.Final = _LETTERS | _DIGITS | _SIGNS
_SET: t.Final = "letters, digits and ! % + , - . = _"


def user_name_problem(name: object) -> str:
    """What is wrong with a user name for the camera (FTP-20).

    Args:
        name: Any value.

    Returns:
        What was found, without the value; empty when it may be used.
    """
    if not isinstance(name, str):
        return "no text"
    if not 1 <= len(name) <= 16:
        return f"{len(name)} characters"
    return "" if _ALLOWED.issuperset(name) else "other characters"


def password_problem(password: object) -> str:
    """What is wrong with a password for the camera (FTP-21).

    Args:
        password: Any value.

    Returns:
        What was found, without the value; empty when it may be used.
    """
    if not isinstance(password, str):
        return "no text"
    if not 8 <= len(password) <= 16:
        return "fewer than 8 characters" if len(password) < 8 else "more than 16 characters"
    if not _ALLOWED.issuperset(password):
        return "other characters"
    if _LETTERS.isdisjoint(password):
        return "no letter"
    return "no digit" if _DIGITS.isdisjoint(password) else ""


def check_user_name(name: str, *, device: str) -> None:
    """Refuse a user name that the camera would refuse.

    Args:
        name: The name.
        device: Camera that the error names.

    Raises:
        RuleError: FTP-20.
    """
    found = user_name_problem(name)
    if found:
        raise RuleError(
            rule="FTP-20", device=device, subject="user name", found=found, expected=f"1 to 16 characters of {_SET}"
        )


def check_password(password: Secret, *, device: str) -> None:
    """Refuse a password that the camera would refuse; the error does not show it.

    Args:
        password: The password.
        device: Camera that the error names.

    Raises:
        RuleError: FTP-21.
    """
    found = password_problem(password.reveal())
    if found:
        raise RuleError(
            rule="FTP-21",
            device=device,
            subject="password",
            found=found,
            expected=f"8 to 16 characters of {_SET}, with at least one letter and one digit",
        )
