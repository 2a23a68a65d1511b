# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Pictures: a camera makes and encrypts them, a recorder stores and decrypts them."""

from __future__ import annotations

import functools
import hashlib
import os
import typing as t

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

__all__ = ["BLACK", "decode", "is_encrypted", "make", "protection"]

# Cheap on purpose: a thousand cameras of a rehearsal share one processor. The salt is fixed, so that recorder and
# camera find the same key from the password alone.
_SALT: t.Final = b"camsec.fleet simulated picture"


def _jpeg(comment: str) -> bytes:
    text = comment.encode()
    return b"\xff\xd8\xff\xfe" + (len(text) + 2).to_bytes(2, "big") + text + b"\xff\xd9"


BLACK: t.Final = _jpeg("black")


@functools.lru_cache(maxsize=1024)
def _cipher(password: str) -> tuple[AESGCM, bytes]:
    """The cipher of a password, and what tells keys apart."""
    key = hashlib.scrypt(password.encode(), salt=_SALT, n=2**10, r=8, p=1, dklen=32)
    return AESGCM(key), hashlib.sha256(b"id" + key).digest()[:8]


def make(camera: str, when: str, password: str | None) -> bytes:
    """One picture as it goes over the wire: a mark, then the JPEG, encrypted under the password if there is one."""
    picture = _jpeg(f"{camera} {when}")
    if password is None:
        return b"P" + picture
    nonce = os.urandom(12)
    cipher, key_id = _cipher(password)
    return b"E" + key_id + nonce + cipher.encrypt(nonce, picture, None)


def is_encrypted(blob: bytes) -> bool:
    return blob[:1] == b"E"


def protection(blob: bytes) -> bytes:
    """What two pictures under the same protection have in common."""
    return blob[:9] if is_encrypted(blob) else blob[:1]


def decode(blob: bytes, password: str | None) -> bytes | None:
    """The JPEG, or None when this password does not open it."""
    if not is_encrypted(blob):
        return blob[1:]
    if not password:
        return None
    try:
        return _cipher(password)[0].decrypt(blob[9:21], blob[21:], None)
    except InvalidTag:
        return None
