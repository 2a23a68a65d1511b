# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What one camera can do where the models of a dialect differ."""

from __future__ import annotations

import dataclasses as dc
import typing as t

from .._core._errors import InputError
from .._pki._keys import KEY_TYPES

__all__ = ["OUR_TLS_VERSIONS", "RSA_ALONE", "TLS_VERSIONS", "Abilities", "KeyKind"]

TLS_VERSIONS: t.Final = ("1.0", "1.1", "1.2", "1.3")
#: Those that our own client speaks; a camera without any of them would be lost to us.
OUR_TLS_VERSIONS: t.Final = ("1.2", "1.3")


@dc.dataclass(frozen=True, kw_only=True)
class KeyKind:
    """What a private key is of.

    Attributes:
        type: ``rsa`` or ``ecdsa``.
        size: Bits: of the modulus, or of the curve P-256, P-384 or P-521.
    """

    type: str
    size: int

    def __str__(self) -> str:
        return f"RSA of {self.size} bits" if self.type == "rsa" else f"ECDSA on P-{self.size}"

    @classmethod
    def of(cls, key_type: str, size: int | None, *, device: str, subject: str) -> KeyKind:
        """The kind that two options name.

        Args:
            key_type: ``rsa`` or ``ecdsa``.
            size: Bits; None for 2048, or P-256.
            device: Name in messages.
            subject: The option that names the size, for the error.

        Returns:
            The kind.

        Raises:
            InputError: No key of that type has that size.
        """
        sizes = KEY_TYPES[key_type]
        kind = cls(type=key_type, size=sizes[0] if size is None else size)
        if kind.size not in sizes:
            raise InputError(
                device=device,
                subject=subject,
                found=kind.size,
                expected=f"{', '.join(map(str, sizes))} for a key of the type {key_type}",
            )
        return kind


@dc.dataclass(frozen=True, kw_only=True)
class Abilities:
    """What a camera can do.

    Attributes:
        key_kinds: Private keys that it makes.
        foreign_keys: Types of private keys that it takes from outside.
        tls_versions: TLS versions that can be enabled on it.
    """

    key_kinds: tuple[KeyKind, ...]
    foreign_keys: frozenset[str] = frozenset()
    tls_versions: tuple[str, ...] = ()


#: A camera that makes RSA keys, takes none from outside, and whose TLS versions are its own.
RSA_ALONE: t.Final = Abilities(key_kinds=tuple(KeyKind(type="rsa", size=size) for size in KEY_TYPES["rsa"]))
