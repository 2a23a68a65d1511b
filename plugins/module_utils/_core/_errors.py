# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The one tree of errors. Drivers raise them; :mod:`.._module` alone turns them into a failed result."""

from __future__ import annotations

__all__ = [
    "CamsecError",
    "ConnectError",
    "EscrowError",
    "InputError",
    "LoginError",
    "MissingLibraryError",
    "PasswordWithheldError",
    "PkiError",
    "ProtocolError",
    "RefusedError",
    "RuleError",
    "TrustError",
    "VerificationError",
]


class CamsecError(Exception):
    """One sentence that names the device, the object, what was found and what was expected.

    Args:
        device: Inventory name or address of the device, or the file that is at fault.
        subject: The object in question, for example ``HTTPS port``.
        found: What is there. Never a secret.
        expected: What should be there.
        advice: What to do next, a sentence of its own; may be empty.
    """

    def __init__(self, *, device: str, subject: str, found: object, expected: str, advice: str = "") -> None:
        self.device = device
        self.subject = subject
        self.found = str(found)
        self.expected = expected
        self.advice = advice
        super().__init__(self.message)

    @property
    def message(self) -> str:
        """The sentence for people."""
        text = f"{self.device}: {self.subject}: found {self.found}, expected {self.expected}."
        return f"{text} {self.advice}" if self.advice else text


class InputError(CamsecError):
    """An option's value cannot be used."""


class RuleError(CamsecError):
    """The maker's manual forbids it; nothing was sent.

    Args:
        rule: The rule's id in the specification, for example ``HTTPS-31``.
    """

    def __init__(self, *, rule: str, device: str, subject: str, found: object, expected: str, advice: str = "") -> None:
        self.rule = rule
        super().__init__(device=device, subject=subject, found=found, expected=expected, advice=advice)

    @property
    def message(self) -> str:
        """The sentence for people, with the rule's id at its end."""
        return f"{super().message} [{self.rule}]"


class ConnectError(CamsecError):
    """No connection, or it broke."""


class TrustError(CamsecError):
    """TLS came up, but the certificate is not one to trust."""


class LoginError(CamsecError):
    """The device refused the account. Never retried: a device may lock itself."""


class PasswordWithheldError(CamsecError):
    """The device wants the password itself and has not proved who it is: it was not given."""


class ProtocolError(CamsecError):
    """The device answered something that this dialect does not know."""


class RefusedError(CamsecError):
    """The device refused a request that the rules allowed."""


class VerificationError(CamsecError):
    """The device said OK, but evidence says otherwise."""


class PkiError(CamsecError):
    """A key, a certificate, a request or the certificate authority cannot be used."""


class EscrowError(CamsecError):
    """The escrow of recording passwords cannot be read or written."""


class MissingLibraryError(CamsecError):
    """A Python library that the work needs is not installed where the task runs."""
