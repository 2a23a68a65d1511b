# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The camera's memory card: a folder. What an SFTP client does to it obeys the same limits as the camera."""

from __future__ import annotations

import hashlib
import pathlib
import re

from cryptography import x509

from ._frame import ApiError

__all__ = ["CertificateProblem", "MemoryCard"]

FILE_NAME = "certification.pem"
LARGEST = 1_000_000
_BLOCK = re.compile(rb"-----BEGIN ([A-Z0-9 ]+)-----.*?-----END \1-----", re.DOTALL)


class CertificateProblem(Exception):
    """Why the camera does not load the certificate; the text is a sentence."""


class MemoryCard:
    """`capacity` in bytes; 0 for no limit but the disk's."""

    def __init__(self, root: pathlib.Path, *, capacity: int, write_protected: bool) -> None:
        self.root = root
        self.capacity = capacity
        self.write_protected = write_protected
        root.mkdir(parents=True, exist_ok=True)

    def used(self) -> int:
        return sum(path.stat().st_size for path in self.root.rglob("*") if path.is_file())

    def has_room(self, size: int) -> bool:
        return not self.capacity or self.used() + size <= self.capacity

    def clips(self) -> list[str]:
        """Everything that could be uploaded, as paths from the card's root."""
        found = (path.relative_to(self.root) for path in self.root.rglob("*") if path.is_file())
        return sorted(str(path) for path in found if not path.name.startswith(".") and path.name != FILE_NAME)

    def find(self, name: str) -> pathlib.Path:
        """A file of the card; ApiError for one that is outside of it."""
        path = (self.root / name).resolve()
        if not path.is_relative_to(self.root.resolve()) or path == self.root.resolve():
            raise ApiError(400, f"{name!r} is no file of the card")
        return path

    def record(self, name: str, size: int) -> str:
        """A clip of so many bytes, the same for the same name; its SHA-256."""
        path = self.find(name)
        if self.write_protected:
            raise ApiError(409, "The card is write-protected.")
        if not self.has_room(size):
            raise ApiError(409, "The card is full.")
        path.parent.mkdir(parents=True, exist_ok=True)
        digest, left = hashlib.sha256(), size
        with path.open("wb") as file:
            for number in range(size // 65536 + 1):
                seed = hashlib.sha256(f"{name}/{number}".encode()).digest()
                block = (seed * 2048)[: min(65536, left)]
                left -= len(block)
                digest.update(block)
                file.write(block)
        return digest.hexdigest()

    def certificates(self) -> str:
        """What lies in the root as `certification.pem` (FTP-11); CertificateProblem when it is not taken."""
        path = self.root / FILE_NAME
        if not path.is_file():
            raise CertificateProblem(f"There is no {FILE_NAME} in the root of the card.")
        content = path.read_bytes()
        blocks = [(match[1], match[0]) for match in _BLOCK.finditer(content)]
        if not blocks:
            raise CertificateProblem(f"{FILE_NAME} is no PEM file.")
        if any(len(block) > LARGEST for _kind, block in blocks) or len(content) > LARGEST * len(blocks):
            raise CertificateProblem(f"{FILE_NAME} is larger than 1 MB for a certificate.")
        if any(kind != b"CERTIFICATE" for kind, _block in blocks):
            raise CertificateProblem(f"{FILE_NAME} holds something other than certificates.")
        text = b"\n".join(block for _kind, block in blocks)
        try:
            x509.load_pem_x509_certificates(text)
        except ValueError as error:
            raise CertificateProblem(f"{FILE_NAME} holds a certificate that cannot be read.") from error
        return text.decode("ascii") + "\n"
