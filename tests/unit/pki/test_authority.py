# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The authority, judged by openssl with -x509_strict."""

from __future__ import annotations

import datetime as dt
import json
import pathlib
import socket
import ssl
import stat
import threading
import typing as t

import pytest
from ansible_collections.camsec.fleet.plugins.module_utils._core._errors import CamsecError, InputError, PkiError
from ansible_collections.camsec.fleet.plugins.module_utils._core._secret import Secret
from ansible_collections.camsec.fleet.plugins.module_utils._pki._authority import CertificateAuthority
from ansible_collections.camsec.fleet.plugins.module_utils._pki._check import certificate_problems, require_usable
from ansible_collections.camsec.fleet.plugins.module_utils._pki._files import read_text
from ansible_collections.camsec.fleet.plugins.module_utils._pki._keys import load_private_key
from ansible_collections.camsec.fleet.plugins.module_utils._pki._renewal import renewal_due
from ansible_collections.camsec.fleet.plugins.module_utils._tls._certificate import load_one_certificate

from .conftest import PASSPHRASE, PHRASE, openssl, request, verified

NAMES = ("192.0.2.11", "2001:db8::11", "cam011.example")
KINDS = [("rsa", 2048), ("rsa", 3072), ("ecdsa", 256), ("ecdsa", 384), ("ecdsa", 521)]


@pytest.mark.parametrize(("key_type", "key_size"), KINDS)
@pytest.mark.parametrize("intermediate", ["", "Test Intermediate"])
def test_openssl_accepts_what_is_issued(
    tmp_path: pathlib.Path, key_type: str, key_size: int, intermediate: str
) -> None:
    authority = CertificateAuthority.create(
        tmp_path / "ca",
        passphrase=PASSPHRASE,
        common_name="Test Root",
        key_type=key_type,
        key_size=key_size,
        intermediate_common_name=intermediate,
    )
    csr = request(tmp_path)
    issued = authority.sign_request(csr.read_text(), passphrase=PASSPHRASE, device="cam011", subject_alt_names=NAMES)
    path = tmp_path / "cam011.pem"
    path.write_text(issued.pem)
    assert verified(authority, path, "-verify_ip", "192.0.2.11")
    assert verified(authority, path, "-verify_ip", "2001:db8::11")
    assert verified(authority, path, "-verify_hostname", "cam011.example")
    assert not verified(authority, path, "-verify_ip", "192.0.2.12")
    told = openssl("x509", "-in", path, "-noout", "-text")
    assert "TLS Web Server Authentication" in told
    assert "X509v3 Key Usage: critical" in told
    assert "CA:FALSE" in told
    assert "Authority Key Identifier" in told
    assert "O = Maker, CN = camera" in told
    assert issued.facts.subject_alt_names == ("IP:192.0.2.11", "IP:2001:db8::11", "DNS:cam011.example")
    assert authority.issued_by_us(issued.facts)
    assert issued.chain_pem.count("BEGIN CERT") == (2 if intermediate else 1)
    reopened = CertificateAuthority.open(tmp_path / "ca")
    entry = reopened.ledger.find(issued.facts.serial_number.upper())
    assert entry is not None
    assert (entry.device, entry.pem) == ("cam011", issued.pem)
    assert 1 < int(issued.facts.serial_number, 16).bit_length() <= 159


def test_pythons_own_strict_verification(authority: CertificateAuthority, tmp_path: pathlib.Path) -> None:
    key, issued = authority.issue_with_new_key(
        passphrase=PASSPHRASE, device="cam011", subject_alt_names=["127.0.0.1"], key_type="ecdsa"
    )
    (tmp_path / "k.pem").write_text(key.reveal())
    (tmp_path / "c.pem").write_text(issued.chain_pem)
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(tmp_path / "c.pem", tmp_path / "k.pem")
    client = ssl.create_default_context(cafile=authority.trusted_path)
    client.verify_flags |= ssl.VERIFY_X509_STRICT
    ours, theirs = socket.socketpair()

    def serve() -> None:
        with server.wrap_socket(theirs, server_side=True) as connection:
            connection.recv(1)

    thread = threading.Thread(target=serve)
    thread.start()
    with client.wrap_socket(ours, server_hostname="127.0.0.1") as connection:
        assert connection.getpeercert()
        connection.sendall(b"x")
    thread.join(10)


def test_modes_and_encrypted_keys(tmp_path: pathlib.Path) -> None:
    CertificateAuthority.create(
        tmp_path / "ca", passphrase=PASSPHRASE, common_name="R", key_type="ecdsa", intermediate_common_name="I"
    )
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "ca").iterdir()}
    assert stat.S_IMODE((tmp_path / "ca").stat().st_mode) == 0o700
    assert modes["root.key"] == modes["intermediate.key"] == modes["ledger.sqlite3"] == 0o600
    assert "ENCRYPTED PRIVATE KEY" in (tmp_path / "ca" / "root.key").read_text()
    assert openssl("pkey", "-in", tmp_path / "ca" / "root.key", "-passin", f"pass:{PHRASE}", "-noout") == ""
    assert not [name for name in modes if name.startswith(".") and name != ".lock"]


def test_the_root_key_may_be_offline_when_there_is_an_intermediate(tmp_path: pathlib.Path) -> None:
    authority = CertificateAuthority.create(
        tmp_path / "ca", passphrase=PASSPHRASE, common_name="R", key_type="ecdsa", intermediate_common_name="I"
    )
    (tmp_path / "ca" / "root.key").unlink()
    authority = CertificateAuthority.open(tmp_path / "ca")
    authority.issue_with_new_key(passphrase=PASSPHRASE, device="c", subject_alt_names=["c"], key_type="ecdsa")


def test_never_overwritten(authority: CertificateAuthority, tmp_path: pathlib.Path) -> None:
    before = (tmp_path / "ca" / "root.pem").read_bytes()
    with pytest.raises(PkiError, match=r"found an authority, expected an empty directory\. An authority is never"):
        CertificateAuthority.create(authority.directory, passphrase=PASSPHRASE, common_name="Other", key_type="ecdsa")
    (tmp_path / "ca" / "config.json").unlink()
    with pytest.raises(PkiError, match="found an unfinished authority"):
        CertificateAuthority.create(authority.directory, passphrase=PASSPHRASE, common_name="Other", key_type="ecdsa")
    assert (tmp_path / "ca" / "root.pem").read_bytes() == before


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"common_name": ""}, "common name of the root: found 0 characters"),
        ({"common_name": "x" * 65}, "found 65 characters"),
        ({"key_size": 1024}, "size of the rsa key: found 1024"),
        ({"key_type": "ecdsa", "key_size": 2048}, "size of the ecdsa key"),
        ({"key_type": "dsa"}, "key type: found 'dsa'"),
        ({"lifetime_days": 0}, "lifetime_days: found 0"),
        ({"intermediate_common_name": "Root"}, "the root's own"),
        ({"passphrase": Secret("short")}, "passphrase of the authority: found a shorter one"),
    ],
)
def test_parameters_that_cannot_be_used(tmp_path: pathlib.Path, options: dict[str, t.Any], sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        CertificateAuthority.create(tmp_path / "ca", **{"passphrase": PASSPHRASE, "common_name": "Root", **options})
    assert not (tmp_path / "ca" / "root.key").exists()


def test_bad_requests_are_one_sentence(authority: CertificateAuthority, tmp_path: pathlib.Path) -> None:
    good = request(tmp_path).read_text()
    key = (tmp_path / "device.key").read_text()
    weak = request(tmp_path, "rsa:1024").read_text()
    der = bytearray(ssl.PEM_cert_to_DER_cert(good.replace(" REQUEST", "")))
    der[-1] ^= 1
    broken = ssl.DER_cert_to_PEM_cert(bytes(der)).replace("CERTIFICATE", "CERTIFICATE REQUEST")
    cases = {
        "": "found nothing (empty)",
        key: "found a private key",
        good + good: "found 2 PEM blocks",
        "hello": "found no PEM block",
        (tmp_path / "ca" / "root.pem").read_text(): "found a certificate,",
        good[:400] + "\n-----END CERTIFICATE REQUEST-----\n": "found a damaged request",
        weak: "found RSA 1024, exponent 65537, expected an RSA key of 2048",
        broken: "found a signature that its own key did not make",
    }
    for text, sentence in cases.items():
        with pytest.raises(PkiError) as caught:
            authority.sign_request(text, passphrase=PASSPHRASE, device="cam011", subject_alt_names=["cam011"])
        assert caught.value.message.startswith("cam011: ")
        assert sentence in caught.value.message
        assert "\n" not in caught.value.message
        assert not any(line and line in caught.value.message for line in key.splitlines()[1:-1])
    assert authority.ledger.certificates() == []


@pytest.mark.parametrize("key", [("ec", "-pkeyopt", "ec_paramgen_curve:secp256k1"), ("ed25519",)])
def test_requests_with_other_keys(
    authority: CertificateAuthority, tmp_path: pathlib.Path, key: tuple[str, ...]
) -> None:
    text = request(tmp_path, *key).read_text()
    with pytest.raises(PkiError, match="expected an RSA key of 2048 to 8192 bits or an ECDSA key on P-256"):
        authority.sign_request(text, passphrase=PASSPHRASE, device="cam011", subject_alt_names=["cam011"])


def test_key_files_that_cannot_be_used(authority: CertificateAuthority, tmp_path: pathlib.Path) -> None:
    key = tmp_path / "ca" / "root.key"
    good = key.read_bytes()

    def message(passphrase: Secret = PASSPHRASE) -> str:
        with pytest.raises(PkiError) as caught:
            authority.check_passphrase(passphrase)
        assert PHRASE not in str(caught.value)
        assert "wrong horse" not in repr(caught.value)
        return caught.value.message

    assert "found a wrong passphrase" in message(Secret("wrong horse"))
    key.chmod(0o640)
    assert f"found mode 0640, open to other users, expected mode 0600. Run: chmod 600 {key}" in message()
    key.chmod(0o600)
    key.write_bytes(b"")
    assert "found nothing (empty)" in message()
    key.write_bytes(b"hello")
    assert "found no PEM block" in message()
    CertificateAuthority.create(tmp_path / "other", passphrase=PASSPHRASE, common_name="O", key_type="ecdsa")
    key.write_bytes((tmp_path / "other" / "root.key").read_bytes())
    assert "found a key that does not fit the certificate" in message()
    openssl("pkey", "-in", tmp_path / "other" / "root.key", "-passin", f"pass:{PHRASE}", "-out", key)
    assert "found an unencrypted key" in message()
    key.unlink()
    assert "found no such file" in message()
    key.mkdir()
    assert "found is a directory" in message()
    key.rmdir()
    key.write_bytes(good)


@pytest.mark.usefixtures("authority")
def test_directories_that_are_no_authority(tmp_path: pathlib.Path) -> None:
    with pytest.raises(PkiError, match="found no complete authority"):
        CertificateAuthority.open(tmp_path)
    (tmp_path / "ca").chmod(0o777)
    with pytest.raises(PkiError, match="found mode 0777, other users may write"):
        CertificateAuthority.open(tmp_path / "ca")
    (tmp_path / "ca").chmod(0o700)
    (tmp_path / "ca" / "config.json").write_text("{}")
    with pytest.raises(PkiError, match="found a damaged file"):
        CertificateAuthority.open(tmp_path / "ca")


def test_validity_stays_inside_the_authority(tmp_path: pathlib.Path) -> None:
    now = dt.datetime.now(dt.UTC)
    authority = CertificateAuthority.create(
        tmp_path / "ca", passphrase=PASSPHRASE, common_name="R", key_type="ecdsa", lifetime_days=100, backdate_days=2
    )
    issued = authority.issue_with_new_key(
        passphrase=PASSPHRASE,
        device="c",
        subject_alt_names=["c"],
        key_type="ecdsa",
        lifetime_days=397,
        backdate_hours=240,
    )[1]
    assert issued.shortened
    assert issued.facts.not_after == authority.root_certificate.not_after
    assert issued.facts.not_before == authority.root_certificate.not_before
    assert now - authority.root_certificate.not_before > dt.timedelta(days=2) - dt.timedelta(minutes=1)
    usual = authority.issue_with_new_key(
        passphrase=PASSPHRASE, device="c", subject_alt_names=["c"], key_type="ecdsa", lifetime_days=10
    )[1]
    assert not usual.shortened
    assert dt.timedelta(hours=23) < now - usual.facts.not_before < dt.timedelta(hours=25)
    with pytest.raises(PkiError, match="certificate of R: found valid from"):
        authority.issue_with_new_key(
            passphrase=PASSPHRASE, device="c", subject_alt_names=["c"], now=now + dt.timedelta(days=101)
        )


def test_long_names(authority: CertificateAuthority, tmp_path: pathlib.Path) -> None:
    long = ".".join(["x" * 30] * 4)
    issued = authority.issue_with_new_key(
        passphrase=PASSPHRASE, device=long, subject_alt_names=[long], key_type="ecdsa"
    )[1]
    (tmp_path / "c.pem").write_text(issued.pem)
    assert issued.facts.subject == ""  # then the alternative names are critical: RFC 5280 section 4.2.1.6
    assert "Subject Alternative Name: critical" in openssl("x509", "-in", tmp_path / "c.pem", "-noout", "-text")
    assert verified(authority, tmp_path / "c.pem", "-verify_hostname", long)
    with pytest.raises(InputError, match="c: common name: found 65 characters, expected 1 to 64"):
        authority.issue_with_new_key(
            passphrase=PASSPHRASE, device="c", subject_alt_names=["c"], common_name="x" * 65, key_type="ecdsa"
        )


def test_issued_by_another(authority: CertificateAuthority, tmp_path: pathlib.Path) -> None:
    twin = CertificateAuthority.create(
        tmp_path / "twin", passphrase=PASSPHRASE, common_name="Test Root", key_type="ecdsa"
    )
    issued = twin.issue_with_new_key(passphrase=PASSPHRASE, device="c", subject_alt_names=["c"], key_type="ecdsa")[1]
    assert twin.issued_by_us(issued.facts)
    assert not authority.issued_by_us(issued.facts)


AtOnce = t.Callable[[str, t.Sequence[t.Sequence[str]]], list[str]]
ISSUE = """
from ansible_collections.camsec.fleet.plugins.module_utils._core._secret import Secret
from ansible_collections.camsec.fleet.plugins.module_utils._pki._authority import CertificateAuthority
directory, passphrase, first = sys.argv[1:]
for number in range(int(first), 100, 25):
    authority = CertificateAuthority.open(directory)
    authority.ledger.record_contact(f"cam{number:03}", "192.0.2.1", 80, "plain_http")
    issued = authority.issue_with_new_key(
        passphrase=Secret(passphrase), device=f"cam{number:03}", subject_alt_names=[f"cam{number:03}"], key_type="ecdsa"
    )[1]
    print(issued.facts.serial_number)
"""


def test_many_processes_at_once_lose_nothing(authority: CertificateAuthority, at_once: AtOnce) -> None:
    printed = at_once(ISSUE, [(str(authority.directory), PASSPHRASE.reveal(), str(first)) for first in range(25)])
    serials = " ".join(printed).split()
    entries = authority.ledger.certificates()
    assert len(set(serials)) == 100
    assert {entry.serial for entry in entries} == set(serials)
    assert len(authority.ledger.contacts()) == 100
    assert [one.trust for one in authority.ledger.contacts("cam007")] == ["plain_http"]


CREATE = """
from ansible_collections.camsec.fleet.plugins.module_utils._core._errors import PkiError
from ansible_collections.camsec.fleet.plugins.module_utils._core._secret import Secret
from ansible_collections.camsec.fleet.plugins.module_utils._pki._authority import CertificateAuthority
try:
    CertificateAuthority.create(sys.argv[1], passphrase=Secret(sys.argv[2]), common_name="R", key_type="ecdsa")
    print("made", end="")
except PkiError as error:
    print(error.found, end="")
"""


def test_two_workers_make_one_authority(tmp_path: pathlib.Path, at_once: AtOnce) -> None:
    told = sorted(at_once(CREATE, [(str(tmp_path / "ca"), PASSPHRASE.reveal())] * 4))
    assert told == ["an authority"] * 3 + ["made"]
    CertificateAuthority.open(tmp_path / "ca").check_passphrase(PASSPHRASE)


def test_ledger_that_cannot_be_used(authority: CertificateAuthority) -> None:
    authority.ledger.path.write_bytes(b"not a database, but long enough to be read as a header" * 100)
    with pytest.raises(PkiError, match="ledger: found file is not a database"):
        authority.ledger.certificates()
    authority.ledger.path.unlink()
    with pytest.raises(PkiError, match="ledger: found "):
        authority.ledger.find("1")


def test_nothing_is_handed_out_without_the_ledger(authority: CertificateAuthority) -> None:
    authority.ledger.path.unlink()
    with pytest.raises(PkiError, match="ledger"):
        authority.issue_with_new_key(passphrase=PASSPHRASE, device="c", subject_alt_names=["c"], key_type="ecdsa")


def test_a_taken_serial_number_is_drawn_again(authority: CertificateAuthority, monkeypatch: pytest.MonkeyPatch) -> None:
    numbers = iter([5, 5, 7])
    module = "ansible_collections.camsec.fleet.plugins.module_utils._pki._authority._serial_number"
    monkeypatch.setattr(module, lambda: next(numbers))
    for expected in ("5", "7"):
        issued = authority.issue_with_new_key(
            passphrase=PASSPHRASE, device="c", subject_alt_names=["c"], key_type="ecdsa"
        )[1]
        assert issued.facts.serial_number == expected


def test_renewal_due(authority: CertificateAuthority) -> None:
    facts = authority.issue_with_new_key(
        passphrase=PASSPHRASE, device="c", subject_alt_names=["c"], key_type="ecdsa", lifetime_days=100
    )[1].facts
    end = facts.not_after

    def due(days_before: float, renew_before: float, share: float | None = None) -> str | None:
        return renewal_due(facts, end - dt.timedelta(days=days_before), renew_before, share)

    assert due(31, 30) is None
    assert due(30, 30) is None
    assert "has 29.5 days left, fewer than 30" in (due(29.5, 30) or "")
    assert "expired on" in (due(-1, 0) or "")
    assert "expired on" in (due(0, 0) or "")
    assert "not valid before" in (due(102, 30) or "")
    assert due(40, 0, 0.33) is None
    assert "less than 33%" in (due(30, 0, 0.33) or "")
    with pytest.raises(InputError):
        due(1, -1)
    with pytest.raises(InputError):
        due(1, 0, 1.5)


def test_problems_of_a_certificate(authority: CertificateAuthority, tmp_path: pathlib.Path) -> None:
    facts = authority.issue_with_new_key(
        passphrase=PASSPHRASE, device="c", subject_alt_names=["192.0.2.1"], key_type="ecdsa"
    )[1].facts
    now = dt.datetime.now(dt.UTC)
    require_usable(facts, now=now, address="192.0.2.1", authority=authority, key_spki_sha256=facts.spki_sha256)
    with pytest.raises(PkiError, match=r"^c: certificate: found expired on "):
        require_usable(facts, now=facts.not_after, device="c")
    with pytest.raises(PkiError, match=r"^c: certificate: found not valid before "):
        require_usable(facts, now=facts.not_before - dt.timedelta(days=1), device="c")
    with pytest.raises(PkiError, match=r"found IP:192.0.2.1, expected a subject alternative name for 192.0.2.2"):
        require_usable(facts, now=now, address="192.0.2.2")
    with pytest.raises(PkiError, match="found a public key that does not fit the private key"):
        require_usable(facts, now=now, key_spki_sha256="00")
    foreign = CertificateAuthority.create(
        tmp_path / "other", passphrase=PASSPHRASE, common_name="Other", key_type="ecdsa"
    )
    assert len(certificate_problems(facts, now=facts.not_after, address="x", authority=foreign)) == 3


def test_plain_key_files(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "k.pem"
    openssl("genrsa", "-out", path, "1024")
    path.chmod(0o600)
    with pytest.raises(PkiError, match="found RSA 1024"):
        load_private_key(path)
    with pytest.raises(PkiError, match="found no such file"):
        read_text(tmp_path / "none", subject="certificate")
    with pytest.raises(PkiError, match="found is a directory"):
        read_text(tmp_path, subject="certificate")
    (tmp_path / "big").write_bytes(b"x" * (1 << 21))
    with pytest.raises(PkiError, match="more than 1 MiB"):
        read_text(tmp_path / "big", subject="certificate")


def test_secrets_never_show(authority: CertificateAuthority) -> None:
    key, issued = authority.issue_with_new_key(
        passphrase=PASSPHRASE, device="c", subject_alt_names=["c"], key_type="ecdsa"
    )
    shown = repr((key, issued, authority.__dict__, authority.shown())) + json.dumps(authority.shown())
    assert PHRASE not in shown
    assert "PRIVATE KEY" not in shown
    assert load_one_certificate(issued.pem) == issued.facts
    with pytest.raises(CamsecError):
        load_one_certificate(key.reveal())
