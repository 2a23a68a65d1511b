# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The file `certification.pem` of a camera's card: what may be in it (FTP-11)."""

from __future__ import annotations

import re
import typing as t

from .._core._errors import PkiError, RuleError
from ._certificate import CertificateFacts, load_one_certificate, pem_labels

__all__ = ["LARGEST", "card_certificates"]

#: Bytes for each certificate: the maker says 1 MB, the smaller reading of it is the safe one.
LARGEST: t.Final = 1_000_000
_BLOCK = re.compile(r"-----BEGIN ([A-Z0-9 ]+)-----.*?-----END \1-----", re.DOTALL)


def card_certificates(
    content: bytes, *, device: str, subject: str = "certificates for the camera's card"
) -> tuple[CertificateFacts, ...]:
    """Read what is to lie, or lies, on a camera's card.

    Args:
        content: The whole file.
        device: The file, for errors.
        subject: What it should hold, for errors.

    Returns:
        Its certificates, in their order.

    Raises:
        RuleError: Larger than the camera reads (FTP-11).
        PkiError: Empty, no PEM, something else than certificates (a private key before all), or a damaged one.
    """

    def refuse(found: str, advice: str = "") -> t.NoReturn:
        raise PkiError(
            device=device, subject=subject, found=found, expected="certificates in PEM and nothing else", advice=advice
        )

    text = content.decode("utf-8", "replace")
    labels = pem_labels(text)
    if len(content) > LARGEST * max(1, len(labels)):
        raise _too_large(device, subject, len(content))
    if not text.strip():
        refuse("nothing (empty)")
    if any(label.endswith("PRIVATE KEY") for label in labels):
        refuse("a private key", "A private key must never be handed out: check which file was meant.")
    if not labels:
        refuse("no PEM block", "A certificate in DER is converted with: openssl x509 -inform der -in FILE.")
    others = sorted({label.lower() for label in labels} - {"certificate", "x509 certificate"})
    if others:
        refuse(f"a PEM block of another kind ({', '.join(others)})")
    blocks = [match[0] for match in _BLOCK.finditer(text)]
    if len(blocks) != len(labels):
        refuse("a PEM block that does not end")
    for block in blocks:
        if len(block) > LARGEST:
            raise _too_large(device, subject, len(block))
    return tuple(load_one_certificate(block, device, subject) for block in blocks)


def _too_large(device: str, subject: str, size: int) -> RuleError:
    return RuleError(
        rule="FTP-11",
        device=device,
        subject=subject,
        found=f"{size:,} bytes",
        expected=f"at most {LARGEST:,} bytes for each certificate",
    )
