# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Verification: each way of tampering is named; time stamps of a real service, judged by openssl too."""

from __future__ import annotations

import contextlib
import datetime as dt
import http.server
import io
import json
import os
import pathlib
import sqlite3
import subprocess
import threading
import typing as t
import zipfile

import pytest
from ansible_collections.camsec.fleet.extensions.uploader.cli import main
from ansible_collections.camsec.fleet.plugins.module_utils._core._errors import CamsecError, ConnectError, InputError
from ansible_collections.camsec.fleet.plugins.module_utils._evidence import _bag, _verify
from ansible_collections.camsec.fleet.plugins.module_utils._evidence._bag import (
    decoded,
    encoded,
    read_manifest,
    unpack_receipts,
)
from ansible_collections.camsec.fleet.plugins.module_utils._evidence._chain import load_trusted, require_trusted_signer
from ansible_collections.camsec.fleet.plugins.module_utils._evidence._cms import read_signature
from ansible_collections.camsec.fleet.plugins.module_utils._evidence._receipts import canonical, parse_canonical
from ansible_collections.camsec.fleet.plugins.module_utils._evidence._signer import load_signer
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from .conftest import Authority, Bench, openssl

Change = t.Callable[[dict[str, bytes]], None]


def report(bench: Bench, place: pathlib.Path, **demands: t.Any) -> _verify.Report:
    root = load_trusted(bench.authority.root.read_text(), device="root")
    return _verify.verify(place, _verify.Demands(trusted=root, **demands))


@pytest.fixture
def sealed(bench: Bench) -> Bench:
    for number in range(4):
        bench.file(f"clip{number}.mxf", f"evidence {number}".encode())
    assert bench.send().errors == []
    return bench


def rewrite(place: pathlib.Path, change: Change) -> None:
    """Change the parts of `receipts.zip`, as somebody would who also mends the tag manifest."""
    path = place / "receipts.zip"
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    change(parts)
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in parts.items():
            archive.writestr(name, content)


def test_what_was_sent_is_good(sealed: Bench) -> None:
    found = report(sealed, sealed.bag())
    assert (found.problems, found.warnings, found.good) == ([], [], True)
    assert (found.receipts, found.files, found.seals) == (4, 4, 1)
    assert report(sealed, sealed.state).good
    assert report(sealed, sealed.bag() / "receipts.zip").good
    assert found.signers == {"CN=station1.example"}


TAMPERED: dict[str, tuple[Change, str]] = {
    "a changed byte of a receipt": (
        lambda parts: parts.update({"000002.json": parts["000002.json"].replace(b"clip", b"clop")}),
        "that does not fit the content",
    ),
    "a missing receipt": (
        lambda parts: [parts.pop(f"000002.{ending}") for ending in ("json", "p7s")] and None,
        "so 2 is missing",
    ),
    "the last receipt missing": (
        lambda parts: [parts.pop(f"000004.{ending}") for ending in ("json", "p7s")] and None,
        "found 3 that can be read, expected 4, as the seal has it",
    ),
    "two receipts swapped": (
        lambda parts: parts.update({
            "000002.json": parts["000003.json"], "000002.p7s": parts["000003.p7s"],
            "000003.json": parts["000002.json"], "000003.p7s": parts["000002.p7s"],
        }),
        "it was renamed or moved",
    ),
    "a receipt without its signature": (lambda parts: parts.pop("000003.p7s") and None, "signature: found none"),
    "a broken signature": (
        lambda parts: parts.update({"000001.p7s": parts["000001.p7s"][:-1] + b"\x00"}),
        "receipt 000001: signature",
    ),
    "no signature at all": (lambda parts: parts.update({"000001.p7s": b"rubbish"}), "cannot be read as one"),
    "JSON in another form": (
        lambda parts: parts.update({"000001.json": json.dumps(json.loads(parts["000001.json"])).encode()}),
        "another form of JSON",
    ),
    "no JSON": (lambda parts: parts.update({"000001.json": b"{"}), "found no JSON"),
    "facts that are missing": (
        lambda parts: parts.update({"000001.json": canonical({"type": "camsec-evidence-receipt", "version": 1})}),
        "nothing fit for chain",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", TAMPERED)
def test_tampering_with_receipts_is_named(sealed: Bench, name: str) -> None:
    change, words = TAMPERED[name]
    place = sealed.bag()
    rewrite(place, change)
    found = report(sealed, place)
    assert not found.good
    assert any(words in sentence for sentence in found.problems), found.problems
    assert all("\n" not in sentence for sentence in found.problems)


def test_a_changed_file_is_named(sealed: Bench) -> None:
    place = sealed.bag()
    (place / "data/A001/clip2.mxf").write_bytes(b"evidence X")
    found = report(sealed, place)
    assert any("clip2.mxf: SHA-256" in sentence for sentence in found.problems)
    assert any("clip2.mxf: content" in sentence and "as the receipt has it" in sentence for sentence in found.problems)


def test_a_file_and_its_line_in_the_manifest_changed_together(sealed: Bench) -> None:
    import hashlib

    place = sealed.bag()
    old = hashlib.sha256(b"evidence 2").hexdigest()
    (place / "data/A001/clip2.mxf").write_bytes(b"evidence X")
    manifest = place / "manifest-sha256.txt"
    manifest.write_text(manifest.read_text().replace(old, hashlib.sha256(b"evidence X").hexdigest()))
    found = report(sealed, place)
    assert any("clip2.mxf: content" in sentence for sentence in found.problems)
    assert any("manifest-sha256.txt: SHA-256" in sentence and "seal" in sentence for sentence in found.problems)


@pytest.mark.parametrize(("name", "words"), [
    ("data/A001/clip1.mxf", "no such file"),
    ("manifest-sha256.txt", "the last file that an upload leaves behind"),
    ("tagmanifest-sha256.txt", "no such file"),
    ("receipts.zip", "no such file"),
    ("seal.json", "the seal, which says how many receipts there are"),
    ("seal.p7s", "signature: found none"),
    ("bag-info.txt", "no such file"),
])  # fmt: skip
def test_a_missing_file_is_named(sealed: Bench, name: str, words: str) -> None:
    place = sealed.bag()
    (place / name).unlink()
    assert any(words in sentence for sentence in report(sealed, place).problems)


def test_a_stranger_is_named(sealed: Bench) -> None:
    place = sealed.bag()
    (place / "data/planted.mxf").write_bytes(b"x")
    assert any("planted.mxf: file" in sentence for sentence in report(sealed, place).problems)


def test_a_seal_of_another_bag_is_named(sealed: Bench) -> None:
    sealed.send(remote_directory="case/2")
    place = sealed.bag()
    for name in ("seal.json", "seal.p7s"):
        (place / name).write_bytes((place.parent / "2" / name).read_bytes())
    found = report(sealed, place)
    assert any("chain: found that of another bag" in sentence for sentence in found.problems)


def test_a_foreign_signer_is_named(sealed: Bench, tmp_path: pathlib.Path, authority: Authority) -> None:
    from ansible_collections.camsec.fleet.plugins.module_utils._pki._authority import CertificateAuthority

    from .conftest import PASSPHRASE

    other = CertificateAuthority.create(tmp_path / "other", passphrase=PASSPHRASE, common_name="Root", key_type="ecdsa")
    foreign = load_trusted((other.directory / "root.pem").read_text(), device="other")
    found = _verify.verify(sealed.bag(), _verify.Demands(trusted=foreign))
    assert len([one for one in found.problems if "with no way to a trusted certificate" in one]) == 5
    assert authority.authority.directory != other.directory


def test_a_signer_that_was_not_valid_when_it_signed(bench: Bench) -> None:
    past = dt.datetime.now(dt.UTC) - dt.timedelta(days=20)
    bench.file("clip.mxf")
    bench.authority.signer(bench.state, lifetime_days=10, now=past)
    with pytest.raises(CamsecError, match="certificate of the signer: found valid from"):
        bench.send()


def test_a_signer_that_expires_while_it_is_in_use(bench: Bench) -> None:
    signer = load_signer(bench.state)
    end = signer.facts.not_after
    assert signer.sign(b"content", now=end)
    with pytest.raises(CamsecError, match="certificate of the signer: found valid until"):
        signer.sign(b"content", now=end + dt.timedelta(seconds=1))


def test_an_expired_signer_is_a_warning_without_a_time_stamp(sealed: Bench) -> None:
    later = dt.datetime.now(dt.UTC) + dt.timedelta(days=500)
    found = report(sealed, sealed.bag(), now=later)
    assert found.good
    assert all("is its own word: no time stamp says so" in sentence for sentence in found.warnings)
    assert len(found.warnings) == 5


def test_the_program_says_it_in_text_and_json(sealed: Bench, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["verify", str(sealed.bag()), "--ca-file", str(sealed.authority.root)]
    assert main(arguments) == 0
    assert capsys.readouterr().out.startswith("good: 4 receipts, 1 seals")
    rewrite(sealed.bag(), TAMPERED["a missing receipt"][0])
    (sealed.home / "copy/case/1/receipts.zip").write_bytes((sealed.home / "copy/case/1/receipts.zip").read_bytes())
    place = sealed.home / "copy/case/1"
    rewrite(place, lambda parts: parts.pop("000001.json") and None)
    assert main([*arguments, "--format", "json"]) == 7
    told = json.loads(capsys.readouterr().out)
    assert not told["good"]
    assert told["problems"]
    assert main(["verify", str(sealed.home / "nothing"), "--ca-file", str(sealed.authority.root)]) == 3
    assert "no such file or directory" in capsys.readouterr().err


def test_the_ledger_tells_of_a_row_that_was_changed(sealed: Bench) -> None:
    import sqlite3

    with contextlib.closing(sqlite3.connect(sealed.state / "ledger.sqlite3")) as connection:
        connection.execute("DELETE FROM receipts WHERE kind = 'file' AND sequence = 2")
        connection.commit()
    assert any("so 2 is missing" in sentence for sentence in report(sealed, sealed.state).problems)


# Time stamps


@pytest.fixture(scope="session")
def tsa(tmp_path_factory: pytest.TempPathFactory) -> t.Iterator[tuple[str, pathlib.Path, list[int]]]:
    """A time stamp service: HTTP around `openssl ts -reply`. Gives address, root, and a switch for its status."""
    home = tmp_path_factory.mktemp("tsa")
    openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", home / "ca.key", "-out", home / "ca.pem",
            "-subj", "/CN=TSA Root", "-days", "30", "-addext", "basicConstraints=critical,CA:true",
            "-addext", "keyUsage=critical,keyCertSign")  # fmt: skip
    openssl("req", "-new", "-newkey", "rsa:2048", "-nodes", "-keyout", home / "tsa.key", "-out", home / "tsa.csr",
            "-subj", "/CN=TSA")  # fmt: skip
    (home / "ext").write_text("extendedKeyUsage=critical,timeStamping\nkeyUsage=critical,digitalSignature\n")
    openssl("x509", "-req", "-in", home / "tsa.csr", "-CA", home / "ca.pem", "-CAkey", home / "ca.key",
            "-CAcreateserial", "-out", home / "tsa.pem", "-days", "20", "-extfile", home / "ext")  # fmt: skip
    (home / "serial").write_text("01\n")
    (home / "tsa.cnf").write_text(
        f"[tsa]\ndefault_tsa = one\n[one]\nserial = {home}/serial\ncrypto_device = builtin\nsigner_digest = sha256\n"
        "default_policy = 1.2.3.4\ndigests = sha256, sha384, sha512\naccuracy = secs:1\n"
    )
    status = [200]
    lock = threading.Lock()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            with lock:
                (home / "request").write_bytes(body)
                done = subprocess.run(
                    ["openssl", "ts", "-reply", "-config", home / "tsa.cnf", "-queryfile", home / "request", "-signer",
                     home / "tsa.pem", "-inkey", home / "tsa.key", "-out", home / "reply"],
                    capture_output=True, timeout=30, check=True,
                )  # fmt: skip
                assert done.returncode == 0
                reply = (home / "reply").read_bytes()
            self.send_response(status[0])
            self.send_header("Content-Type", "application/timestamp-reply")
            self.send_header("Content-Length", str(len(reply)))
            self.end_headers()
            self.wfile.write(reply)

        def log_message(self, format: str, *args: t.Any) -> None:  # noqa: A002  # its name in the library
            """Say nothing."""

    server = http.server.ThreadingHTTPServer(("127.63.1.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.63.1.1:{server.server_port}/", home / "ca.pem", status
    server.shutdown()
    server.server_close()


def stamped(tsa: tuple[str, pathlib.Path, list[int]], **changes: t.Any) -> dict[str, t.Any]:
    return {"timestamp_url": tsa[0], "timestamp_ca_path": str(tsa[1]), **changes}


def test_time_stamps_that_openssl_accepts(bench: Bench, tsa: tuple[str, pathlib.Path, list[int]]) -> None:
    for number in range(2):
        bench.file(f"clip{number}.mxf")
    assert bench.send(**stamped(tsa)).errors == []
    place = bench.bag()
    with zipfile.ZipFile(place / "receipts.zip") as archive:
        archive.extractall(place / "out")
    for signature, token in [
        (place / "out/000001.p7s", place / "out/000001.tsr"),
        (place / "out/000002.p7s", place / "out/000002.tsr"),
        (place / "seal.p7s", place / "seal.tsr"),
    ]:
        openssl("ts", "-verify", "-data", signature, "-in", token, "-CAfile", tsa[1],
                "-untrusted", tsa[1].with_name("tsa.pem"))  # fmt: skip
    trusted = load_trusted(tsa[1].read_text(), device="tsa")
    later = dt.datetime.now(dt.UTC) + dt.timedelta(days=500)
    found = report(bench, bench.bag(), timestamp_trusted=trusted, require_timestamp=True, now=later)
    # The signer has expired since, and the time stamps say that it had not when it signed: not even a warning.
    assert (found.problems, found.warnings, found.timestamps) == ([], [], 3)


def test_a_time_stamp_of_other_bytes_or_of_nobody(bench: Bench, tsa: tuple[str, pathlib.Path, list[int]]) -> None:
    for number in range(2):
        bench.file(f"clip{number}.mxf")
    bench.send(**stamped(tsa))
    place = bench.bag()
    rewrite(place, lambda parts: parts.update({"000001.tsr": parts["000002.tsr"]}))
    trusted = load_trusted(tsa[1].read_text(), device="tsa")
    assert any("time stamp: found Mismatch" in one for one in report(bench, place, timestamp_trusted=trusted).problems)
    assert any("time stamp: found the hash of other bytes" in one for one in report(bench, place).problems)
    rewrite(place, lambda parts: parts.pop("000001.tsr") and None)
    found = report(bench, place, timestamp_trusted=trusted, require_timestamp=True)
    assert any("receipt 000001: time stamp: found none" in one for one in found.problems)
    foreign = load_trusted(bench.authority.root.read_text(), device="root")
    found = report(bench, bench.bag(), timestamp_trusted=foreign)
    assert len([one for one in found.problems if "time stamp" in one]) == 3


def test_only_the_seal_is_stamped_where_that_is_asked(bench: Bench, tsa: tuple[str, pathlib.Path, list[int]]) -> None:
    bench.file("clip.mxf")
    bench.send(**stamped(tsa, timestamp_scope="seal"))
    assert (bench.bag() / "seal.tsr").exists()
    with zipfile.ZipFile(bench.bag() / "receipts.zip") as archive:
        assert archive.namelist() == ["000001.json", "000001.p7s"]


def test_a_service_that_fails_delays_the_seal_not_the_evidence(
    bench: Bench, tsa: tuple[str, pathlib.Path, list[int]]
) -> None:
    bench.file("clip.mxf")
    tsa[2][0] = 503
    try:
        outcome = bench.send(**stamped(tsa))
    finally:
        tsa[2][0] = 200
    assert isinstance(outcome.errors[0], ConnectError)
    assert "case/1/data/A001/clip.mxf" in bench.memory.files
    assert not outcome.sealed
    assert bench.send(**stamped(tsa)).sealed


@pytest.mark.parametrize("url", ["ftp://tsa.example/", "tsa.example", "http://user:secret@tsa.example/"])
def test_an_address_that_is_none(bench: Bench, url: str) -> None:
    bench.file("clip.mxf")
    outcome = bench.send(timestamp_url=url)
    assert isinstance(outcome.errors[0], InputError)
    assert "secret" not in outcome.errors[0].message


# What is read from outside


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=300))
def test_rubbish_is_never_a_signature_nor_receipts(content: bytes) -> None:
    for reader in (read_signature, parse_canonical, unpack_receipts):
        with contextlib.suppress(CamsecError):
            reader(content, device="x")
            raise AssertionError("accepted")


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(position=st.integers(0, 2000), bit=st.integers(0, 7))
def test_one_flipped_bit_never_passes(authority: Authority, position: int, bit: int) -> None:
    signature, content = _signed(authority)
    place = position % len(signature)
    damaged = signature[:place] + bytes([signature[place] ^ (1 << bit)]) + signature[place + 1 :]
    trusted = load_trusted(authority.root.read_text(), device="root")
    found = _verify.Report()
    entry = _verify._Signed(name="000001", content=content, signature=damaged, timestamp=b"")
    _verify._check_signature(entry, "x", None, _verify.Demands(trusted=trusted), found)
    if (
        not found.problems
    ):  # a bit that says nothing, such as one of a version number: the same signer, the same content
        read = read_signature(damaged, device="x")
        assert read.signer == read_signature(signature, device="x").signer
        assert read.holds(content)
        assert not read.holds(content + b"x")


_CACHE: dict[str, tuple[bytes, bytes]] = {}


def _signed(authority: Authority) -> tuple[bytes, bytes]:
    if not _CACHE:
        home = authority.home.parent / "flip"
        authority.signer(home)
        _CACHE["one"] = (load_signer(home).sign(b"content"), b"content")
    return _CACHE["one"]


@given(st.text(alphabet=st.characters(exclude_categories=["Cs"]), min_size=1))
def test_names_in_a_manifest_come_back(name: str) -> None:
    line = encoded(name)
    assert "\n" not in line
    assert "\r" not in line
    assert decoded(line) == name


def test_a_manifest_that_leads_out_of_the_bag() -> None:
    for name in ("../x", "/etc/passwd", "data/../../x", "~root/x"):
        with pytest.raises(CamsecError):
            read_manifest(f"{'0' * 64}  {name}\n".encode(), device="manifest")


def test_an_archive_with_a_part_twice_or_too_large() -> None:
    for parts in ([("a.json", b"x"), ("a.json", b"y")], [("a.json", bytes((1 << 20) + 1))]):
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, content in parts:
                with (
                    pytest.warns(UserWarning, match="Duplicate")
                    if name in archive.namelist()
                    else contextlib.nullcontext()
                ):
                    archive.writestr(name, content)
        with pytest.raises(CamsecError, match="archive of receipts"):
            unpack_receipts(buffer.getvalue(), device="x")


def test_an_archive_that_would_fill_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for number in range(4):
            archive.writestr(f"{number:06d}.json", bytes(1 << 20))
    assert len(unpack_receipts(buffer.getvalue(), device="x")) == 4
    monkeypatch.setattr(_bag, "_LARGEST_WHOLE", (4 << 20) - 1)
    with pytest.raises(CamsecError, match="more than 2 GiB"):
        unpack_receipts(buffer.getvalue(), device="x")


def test_receipts_stay_in_order_after_a_million() -> None:
    parts = {f"{number:06d}.json": b"" for number in (1_000_000, 2, 999_999)}
    assert [one.name for one in _bag.paired(parts)] == ["000002", "999999", "1000000"]


def _payload(bag: pathlib.Path) -> pathlib.Path:
    return bag / "data/A001/clip1.mxf"


@pytest.mark.parametrize("line", [b"data/x\0y", b"data/\xff", b"data/\x1b[2Jx"])
def test_a_name_that_no_message_may_show(sealed: Bench, line: bytes) -> None:
    bag = sealed.bag()
    manifest = bag / "manifest-sha256.txt"
    manifest.write_bytes(manifest.read_bytes() + b"0" * 64 + b"  " + line + b"\n")
    found = report(sealed, bag)
    assert any("line 5" in text for text in found.problems)
    assert all(text.isprintable() for text in found.problems)


def test_a_stranger_whose_name_steers_a_terminal(sealed: Bench) -> None:
    bag = sealed.bag()
    (bag / "data/\x1b[2J\udcff.mxf").write_bytes(b"x")
    found = report(sealed, bag)
    assert any("\\u001b[2J\\udcff.mxf" in text for text in found.problems)
    assert all(text.isprintable() for text in found.problems)


def test_a_pipe_in_place_of_a_file_does_not_stop_the_check(sealed: Bench) -> None:
    bag = sealed.bag()
    _payload(bag).unlink()
    os.mkfifo(_payload(bag))
    assert any("no regular file" in text for text in report(sealed, bag).problems)


@pytest.mark.parametrize("name", ["data/A001/clip1.mxf", "data/A001", "data/more", "manifest-sha256.txt"])
def test_a_link_is_no_part_of_a_bag(sealed: Bench, tmp_path: pathlib.Path, name: str) -> None:
    bag = sealed.bag()
    outside = tmp_path / "outside"
    if name == "data/more":
        outside.mkdir()
        (outside / "stranger.mxf").write_bytes(b"x")
    else:
        (bag / name).rename(outside)
    (bag / name).symlink_to(outside)
    found = report(sealed, bag)
    assert any(name in text for text in found.problems)
    assert not found.good


def test_a_bag_may_itself_be_reached_by_a_link(sealed: Bench, tmp_path: pathlib.Path) -> None:
    (tmp_path / "link").symlink_to(sealed.bag())
    (tmp_path / "zip").symlink_to(sealed.bag() / "receipts.zip")
    assert report(sealed, tmp_path / "link").good
    assert report(sealed, tmp_path / "zip").good


@pytest.mark.parametrize("change", ["content = CAST(content AS TEXT)", "sequence = 'x' || sequence", "signature = 5"])
def test_a_ledger_with_rows_of_another_kind(sealed: Bench, change: str) -> None:
    with contextlib.closing(sqlite3.connect(sealed.state / "ledger.sqlite3")) as connection:
        connection.execute(f"UPDATE receipts SET {change} WHERE id = 2")
        connection.commit()
    assert any("a row of another kind" in text for text in report(sealed, sealed.state).problems)


def test_a_ledger_whose_last_receipt_was_taken_away(sealed: Bench) -> None:
    with contextlib.closing(sqlite3.connect(sealed.state / "ledger.sqlite3")) as connection:
        ((receipt, job),) = connection.execute("SELECT MAX(id), job FROM receipts WHERE kind = 'file'").fetchall()
        connection.execute("DELETE FROM receipts WHERE id = ?", (receipt,))
        connection.execute("DELETE FROM jobs WHERE id = ?", (job,))
        connection.commit()
    found = report(sealed, sealed.state)
    assert any("found 3 that can be read, expected 4, as the seal has it" in text for text in found.problems)
    assert not found.good


def test_an_authority_that_was_renewed_with_its_key() -> None:
    key, now = ec.generate_private_key(ec.SECP256R1()), dt.datetime.now(dt.UTC)

    def certificate(name: str, start: int, end: int, extensions: list[x509.ExtensionType]) -> x509.Certificate:
        names = [x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, one)]) for one in (name, "Root")]
        builder = x509.CertificateBuilder(names[1], names[0], key.public_key(), x509.random_serial_number())
        for extension in extensions:
            builder = builder.add_extension(extension, critical=True)
        begins, ends = now + dt.timedelta(days=start), now + dt.timedelta(days=end)
        return builder.not_valid_before(begins).not_valid_after(ends).sign(key, hashes.SHA256())

    usage = dict.fromkeys(
        ("digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement",
         "crl_sign", "encipher_only", "decipher_only"), False,
    )  # fmt: skip
    authority: list[x509.ExtensionType] = [
        x509.BasicConstraints(ca=True, path_length=None), x509.KeyUsage(key_cert_sign=True, **usage),
    ]  # fmt: skip
    old, new = certificate("Root", -100, -10, authority), certificate("Root", -20, 100, authority)
    signer = certificate("Signer", -90, -11, [x509.ExtendedKeyUsage([x509.oid.ExtendedKeyUsageOID.EMAIL_PROTECTION])])
    at = now - dt.timedelta(days=50)
    for trusted in ([old, new], [new, old]):
        require_trusted_signer(signer, [], trusted, at=at, device="receipt")
    with pytest.raises(CamsecError, match="one that was valid at"):
        require_trusted_signer(signer, [], [new], at=at, device="receipt")
