# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The file `certification.pem`: what may be in it (FTP-11)."""

from __future__ import annotations

import pathlib
import typing as t

import pytest
from ansible_collections.camsec.fleet.plugins.module_utils._core._errors import CamsecError, PkiError, RuleError
from ansible_collections.camsec.fleet.plugins.module_utils._tls._card import card_certificates


class Pair(t.NamedTuple):
    certificate: pathlib.Path
    key: pathlib.Path


def test_one_certificate_or_several_with_words_around_them(pair: Pair) -> None:
    pem = pair.certificate.read_bytes()
    found = card_certificates("# Wurzel für die Kamera\n".encode() + pem + b"\nand once more\n" + pem, device="card")
    assert len(found) == 2
    assert found[0].subject_common_name == "127.0.0.1"


def test_too_large_is_a_rule(pair: Pair) -> None:
    pem = pair.certificate.read_bytes()
    assert card_certificates(pem + b"#" * (1_000_000 - len(pem)), device="card")
    for content in (pem + b"#" * 100_000 * 11, b"-----BEGIN CERTIFICATE-----\n" + b"A" * 1_100_000):
        with pytest.raises(RuleError, match=r"1,000,000 bytes for each certificate.*\[FTP-11\]"):
            card_certificates(content, device="card")


def test_a_block_that_is_too_large_does_not_hide_among_small_ones(pair: Pair) -> None:
    pem = pair.certificate.read_bytes()
    large = b"-----BEGIN CERTIFICATE-----\n" + b"A" * 1_000_001 + b"\n-----END CERTIFICATE-----\n"
    with pytest.raises(RuleError, match="FTP-11"):
        card_certificates(pem * 3 + large, device="card")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", r"nothing \(empty\)"),
        (b" \r\n", r"nothing \(empty\)"),
        (b"\x30\x82\x01\x00", "no PEM block"),
        (b"-----BEGIN CERTIFICATE-----\nMIIB", "does not end"),
        (b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "damaged"),
        (b"-----BEGIN CERTIFICATE REQUEST-----\nAAAA\n-----END CERTIFICATE REQUEST-----\n", "certificate request"),
    ],
)
def test_what_is_no_card_file(content: bytes, words: str) -> None:
    with pytest.raises(PkiError, match=words):
        card_certificates(content, device="card")


def test_a_private_key_is_refused_and_not_shown(pair: Pair) -> None:
    key = pair.key.read_text()
    with pytest.raises(CamsecError) as error:
        card_certificates((pair.certificate.read_text() + key).encode(), device="card")
    assert "a private key" in error.value.message
    assert not any(line in error.value.message for line in key.splitlines() if len(line) > 20)
