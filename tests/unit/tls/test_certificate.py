# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Facts of a certificate, judged by openssl; and every bad input in one sentence."""

from __future__ import annotations

import datetime as dt
import hashlib
import ssl

import pytest
from ansible_collections.camsec.fleet.plugins.module_utils._core._errors import PkiError
from ansible_collections.camsec.fleet.plugins.module_utils._tls._certificate import (
    CertificateFacts,
    load_one_certificate,
)

from .conftest import Pair, openssl


def test_facts_are_those_that_openssl_tells(pair: Pair) -> None:
    text = pair.certificate.read_text()
    facts = load_one_certificate(text, "cam011", "certificate")
    told = openssl("x509", "-in", pair.certificate, "-noout", "-serial", "-fingerprint", "-sha256", "-dates")
    values = dict(line.split("=", 1) for line in told.splitlines())
    assert int(values["serial"], 16) == int(facts.serial_number, 16)
    assert values["sha256 Fingerprint"].replace(":", "").lower() == facts.sha256
    assert dt.datetime.strptime(values["notAfter"], "%b %d %H:%M:%S %Y %Z").replace(tzinfo=dt.UTC) == facts.not_after
    public = openssl("x509", "-in", pair.certificate, "-noout", "-pubkey")
    assert (
        hashlib.sha256(ssl.PEM_cert_to_DER_cert(public.replace("PUBLIC KEY", "CERTIFICATE"))).hexdigest()
        == facts.spki_sha256
    )
    assert facts.subject_alt_names == ("IP:127.0.0.1", "DNS:cam.example")
    assert facts.subject_common_name == facts.issuer_common_name == "127.0.0.1"
    assert (facts.key_type, facts.key_size, facts.self_signed) == ("rsa", 2048, True)
    assert facts.covers("127.0.0.1")
    assert not facts.covers("127.0.0.2")
    assert facts.pem.strip() in text


def test_shown_has_days_left_only_with_a_clock(pair: Pair) -> None:
    facts = CertificateFacts.from_pem(pair.certificate.read_text())
    assert facts == CertificateFacts.from_der(ssl.PEM_cert_to_DER_cert(facts.pem))
    assert "days_left" not in facts.shown()
    assert facts.shown(facts.not_after - dt.timedelta(days=3, hours=1))["days_left"] == 3
    assert facts.shown(facts.not_after + dt.timedelta(hours=1))["days_left"] == -1
    assert facts.shown()["not_after"].endswith("Z")


def test_bad_input_is_one_sentence_without_the_content(pair: Pair) -> None:
    good, key = pair.certificate.read_text(), pair.key.read_text()
    lines = good.splitlines()
    torn = "\n".join([lines[0], *lines[2:]])
    request = "-----BEGIN CERTIFICATE REQUEST-----\nAAAA\n-----END CERTIFICATE REQUEST-----\n"
    cases = {
        "": "nothing (empty)",
        " \n": "nothing (empty)",
        key: "a private key",
        good + key: "a private key among other things",
        good + good: "2 PEM blocks",
        "hello": "no PEM block",
        request: "a certificate request (CSR)",
        torn: "a damaged certificate",
    }
    for content, found in cases.items():
        with pytest.raises(PkiError) as caught:
            load_one_certificate(content, "cam011", "certificate")
        message = caught.value.message
        assert message.startswith(f"cam011: certificate: found {found}, expected exactly one certificate in PEM")
        assert not any(line in message for line in key.splitlines()[1:] + lines[1:-1])
        assert caught.value.__cause__ is None


def test_garbage_der() -> None:
    with pytest.raises(PkiError, match=r"^cam011: certificate: found data that is no X.509 certificate"):
        CertificateFacts.from_der(b"\x30\x03abc", device="cam011")


def test_text_around_the_block_is_allowed(pair: Pair) -> None:
    told = openssl("x509", "-in", pair.certificate, "-text")
    assert load_one_certificate(told).subject_common_name == "127.0.0.1"
