# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The authority's own key: unlocked fast, and a damaged one is found all the same."""

from __future__ import annotations

import pytest
from ansible_collections.camsec.fleet.plugins.module_utils._core._errors import PkiError
from ansible_collections.camsec.fleet.plugins.module_utils._core._secret import Secret
from ansible_collections.camsec.fleet.plugins.module_utils._pki._keys import key_pem, unlock_own_key
from cryptography.hazmat.primitives.asymmetric import ec, rsa

PASSPHRASE = Secret("Siegel-Geheimnis-9")


def unlock(content: bytes, passphrase: Secret = PASSPHRASE) -> object:
    return unlock_own_key(content, passphrase, device="root.key", subject="key of the authority")


def test_a_good_key_of_each_kind() -> None:
    for key in (rsa.generate_private_key(65537, 2048), ec.generate_private_key(ec.SECP256R1())):
        found = unlock(key_pem(key, PASSPHRASE))
        assert isinstance(found, type(key))
        assert found.private_numbers() == key.private_numbers()
        with pytest.raises(PkiError, match="found a wrong passphrase"):
            unlock(key_pem(key, PASSPHRASE), Secret("another one"))


@pytest.mark.parametrize("part", ["dmp1", "dmq1", "iqmp"])
def test_a_damaged_key(part: str) -> None:
    """Two parts are: OpenSSL gets round one of them by the other way to sign."""
    numbers = rsa.generate_private_key(65537, 2048).private_numbers()
    parts = {name: getattr(numbers, name) for name in ("p", "q", "d", "dmp1", "dmq1", "iqmp")}
    parts[part] += 2
    parts["d"] += 2
    damaged = rsa.RSAPrivateNumbers(**parts, public_numbers=numbers.public_numbers)
    content = key_pem(damaged.private_key(unsafe_skip_rsa_key_validation=True), PASSPHRASE)
    with pytest.raises(PkiError, match="found a damaged key") as caught:
        unlock(content)
    assert "PRIVATE KEY" not in str(caught.value)
