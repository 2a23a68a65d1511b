# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The ``KEY=VALUE`` text that i-PRO devices answer with."""

from __future__ import annotations

from .._core._errors import ProtocolError
from ._session import Answer

__all__ = ["parse_frame"]


def parse_frame(answer: Answer, *, device: str, subject: str, required: tuple[str, ...]) -> dict[str, str]:
    """Read a ``KEY=VALUE`` answer (wire dialects, common frame).

    Args:
        answer: The device's answer.
        device: The device's name in messages.
        subject: The call.
        required: Keys without which the answer is not understood.

    Returns:
        Keys and values.

    Raises:
        ProtocolError: It is an HTML page, or keys are missing.
    """
    fields: dict[str, str] = {}
    for line in answer.text.splitlines():
        key, separator, value = line.strip().partition("=")
        if separator and not key.startswith("<"):
            fields[key] = value.strip()
    missing = [key for key in required if key not in fields]
    if missing:
        found = "an HTML page" if answer.content_type == "text/html" else f"{len(answer.body)} bytes"
        raise ProtocolError(
            device=device,
            subject=f"answer to {subject}",
            found=f"{found} without {', '.join(missing)}",
            expected="KEY=VALUE lines of this dialect",
            advice="Is this address really the device's?",
        )
    return fields
