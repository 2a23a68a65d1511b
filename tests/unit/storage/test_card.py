# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""`storage_certificate` on a card in a reader: the cycle of twelve, and what it refuses."""

from __future__ import annotations

import json
import os
import pathlib
import stat
import subprocess
import sys
import textwrap
import typing as t

import pytest
from ansible_collections.camsec.fleet.plugins.module_utils._core._secret import Secret
from ansible_collections.camsec.fleet.plugins.module_utils._pki._authority import CertificateAuthority

from .conftest import Bench, Maker, dated

Makers = t.Callable[..., "Maker"]


def subjects(result: dict[str, t.Any], side: str = "after") -> list[str]:
    return [one["subject"] for one in result[side]["certificates"]]


def steps(result: dict[str, t.Any]) -> list[str]:
    return [step["id"] for step in result["plan"]]


def test_cycle_of_twelve(bench: Bench, makers: Makers) -> None:
    first, second = makers("Studio Root"), makers("Other Root")
    for wanted in (first, second):
        options = {"certificate_path": str(wanted.path)}
        before = bench.snapshot()
        planned = bench(check=True, **options)
        assert planned["changed"]
        assert bench.snapshot() == before
        done = bench(**options)
        assert done["changed"]
        assert steps(done) == steps(planned) == ["write_certificate", "note_in_ledger"]
        assert done["before"] == planned["before"]
        assert done["after"] == planned["after"]
        assert subjects(done) == [one["subject"] for one in done["certificates"]] == [f"CN={wanted_name(wanted)}"]
        assert stat.S_IMODE(bench.file.stat().st_mode) == 0o644
        assert subprocess.run(
            ["openssl", "verify", "-CAfile", bench.file, wanted.path], capture_output=True, text=True, check=True
        ).stdout.endswith(": OK\n")
        after = bench.snapshot()
        for check in (True, False):
            again = bench(check=check, **options)
            assert not again["changed"]
            assert again["plan"] == []
            assert again["before"] == again["after"] == done["after"]
            assert again["certificates"] == done["certificates"]
        assert bench.snapshot() == after
    planned = bench(check=True, state="absent")
    assert planned["changed"]
    assert bench.file.exists()
    done = bench(state="absent")
    assert done["changed"]
    assert steps(done) == steps(planned) == ["remove_certificate", "note_in_ledger"]
    assert done["after"] == planned["after"]
    assert not done["after"]["exists"]
    assert list(bench.card.iterdir()) == []
    for check in (True, False):
        assert not bench(check=check, state="absent")["changed"]


def wanted_name(maker: Maker) -> str:
    return maker.home.name.replace("-", " ").title()


def test_diff_shows_facts_and_no_pem(bench: Bench, makers: Makers) -> None:
    bench(certificate_path=str(makers().path))
    done = bench(certificate_path=str(makers("Other Root").path))
    assert subjects(done["diff"], "before") == ["CN=Studio Root"]
    assert subjects(done["diff"], "after") == ["CN=Other Root"]
    assert "BEGIN CERTIFICATE" not in json.dumps(done)


def test_bundle_keeps_its_order_and_each_once(bench: Bench, makers: Makers) -> None:
    text = "Subject: a comment\n" + makers("Other Root").pem + makers().pem + makers("Other Root").pem
    done = bench(certificate_content=text)
    assert subjects(done) == ["CN=Other Root", "CN=Studio Root"]
    assert bench.file.read_text() == makers("Other Root").pem + makers().pem


def test_certificates_of_the_authority(bench: Bench, tmp_path: pathlib.Path) -> None:
    authority = CertificateAuthority.create(
        tmp_path / "ca", passphrase=Secret("correct horse"), common_name="Fleet Root", key_type="ecdsa"
    )
    done = bench(authority_directory=str(tmp_path / "ca"), ledger_path=None)
    assert subjects(done) == ["CN=Fleet Root"]
    assert bench.file.read_text() == authority.trusted_pem
    assert (tmp_path / "ca" / "cards.sqlite3").stat().st_mode & 0o777 == 0o600


def test_without_ledger_no_name_is_needed(bench: Bench, makers: Makers) -> None:
    done = bench(ledger_path=None, card=None, certificate_path=str(makers().path))
    assert steps(done) == ["write_certificate"]
    assert "expected the card's name" in bench.message(card=None, certificate_path=str(makers().path))
    assert "found characters that cannot be printed" in bench.message(card="A\n1", certificate_path=str(makers().path))


def test_ledger_alone_is_mended(bench: Bench, makers: Makers) -> None:
    options = {"certificate_path": str(makers().path)}
    bench(**options)
    bench.ledger.unlink()
    assert steps(bench(check=True, **options)) == ["note_in_ledger"]
    assert not bench.ledger.exists()
    assert steps(bench(**options)) == ["note_in_ledger"]
    assert steps(bench(**options)) == []


def test_other_content_is_replaced_and_a_key_is_told(bench: Bench, makers: Makers) -> None:
    bench.file.write_text("rubbish")
    done = bench(certificate_path=str(makers().path))
    assert done["before"]["problem"] == "no PEM block"
    assert done["warnings"] == []
    bench.file.write_text(makers().pem + makers().key_pem)
    done = bench(certificate_path=str(makers().path))
    assert done["before"]["problem"] == "a private key"
    assert "held a private key; consider it known" in done["warnings"][0]
    assert bench.file.read_text() == makers().pem


def test_file_that_a_crash_left_is_taken_over(bench: Bench, makers: Makers) -> None:
    (bench.card / ".certification.pem.tmp").write_text("half a certif")
    assert bench(certificate_path=str(makers().path))["changed"]
    assert [path.name for path in bench.card.iterdir()] == ["certification.pem"]
    assert bench.file.read_text() == makers().pem


def der(maker: Maker) -> bytes:
    return subprocess.run(
        ["openssl", "x509", "-in", maker.path, "-outform", "der"], capture_output=True, check=True
    ).stdout


BAD: t.Final[dict[str, tuple[t.Callable[[Maker], bytes], str]]] = {
    "empty": (lambda _m: b"", "found nothing (empty), expected certificates in PEM and nothing else"),
    "der": (der, "found no PEM block, expected certificates in PEM and nothing else. A certificate in DER"),
    "key": (lambda m: (m.pem + m.key_pem).encode(), "found a private key, expected certificates in PEM and nothing"),
    "key_alone": (lambda m: m.key_pem.encode(), "found a private key"),
    "large": (
        lambda m: m.pem.encode() + b"#" * 1_100_000,
        "bytes, expected at most 1,000,000 bytes for each certificate. [FTP-11]",
    ),
    "large_block": (
        lambda m: (m.pem + m.pem.replace("-----END", "A" * 1_100_000 + "\n-----END")).encode(),
        "[FTP-11]",
    ),
    "request": (lambda _m: b"-----BEGIN CERTIFICATE REQUEST-----\nAA==\n-----END CERTIFICATE REQUEST-----\n", "kind"),
    "half": (lambda m: m.pem.encode()[:300], "found a PEM block that does not end"),
    "damaged": (lambda m: m.pem.replace("M", "N", 1).encode(), "found a damaged certificate"),
    "no_text": (lambda _m: bytes(range(256)) * 10, "found no PEM block"),
}


@pytest.mark.parametrize("kind", sorted(BAD))
def test_source_that_no_camera_may_get(kind: str, bench: Bench, makers: Makers) -> None:
    make, sentence = BAD[kind]
    source = bench.home / "source.pem"
    source.write_bytes(make(makers()))
    assert sentence in bench.message(certificate_path=str(source))
    assert list(bench.card.iterdir()) == []


def test_source_that_cannot_be_read(bench: Bench, makers: Makers) -> None:
    assert "found no such file" in bench.message(certificate_path=str(bench.home / "nothing.pem"))
    assert "found is a directory" in bench.message(certificate_path=str(bench.home))
    leaf, _key = makers().issue("192.0.2.1")
    assert "found no self-signed certificate, expected the root" in bench.message(certificate_content=leaf)
    huge = bench.home / "huge.pem"
    with huge.open("wb") as file:
        file.truncate(20_000_000)
    assert "found more than 16 MB" in bench.message(certificate_path=str(huge))


def test_certificate_that_is_not_valid_now(bench: Bench, makers: Makers) -> None:
    future = dated("Future Root", "2098-01-01", "2099-01-01")
    assert "found not valid before 2098-01-01T00:00:00Z" in bench.message(certificate_content=future)
    past = dated("Past Root", "2020-01-01", "2021-01-01")
    message = bench.message(certificate_content=makers().pem + past)
    assert "(CN=Past Root): certificate: found expired on 2021-01-01T00:00:00Z" in message


def test_place_that_is_no_card(bench: Bench, makers: Makers) -> None:
    options = {"certificate_path": str(makers().path)}
    assert "found no such directory, expected the root of a mounted card" in bench.message(
        path=str(bench.home / "nowhere"), **options
    )
    assert "found a directory on which nothing is mounted" in bench.message(require_mount=True, **options)
    assert "found no directory" in bench.message(path=str(makers().path), **options)
    assert "found a relative path" in bench.message(path="card", **options)
    bench.file.mkdir()
    assert "found certification.pem that is no file" in bench.message(**options)
    bench.file.rmdir()
    bench.file.symlink_to(makers().path)
    assert "found certification.pem that is no file" in bench.message(**options)


def test_ledger_that_cannot_be_written(bench: Bench, makers: Makers) -> None:
    options = {"certificate_path": str(makers().path)}
    assert "ledger of cards: found no such directory" in bench.message(ledger_path="/nowhere/cards.sqlite3", **options)
    bench.ledger.write_text("no database at all, but a text that is long enough to be read as one")
    assert "ledger of cards: found file is not a database" in bench.message(**options)


def test_another_process_is_writing(bench: Bench, makers: Makers) -> None:
    import fcntl

    with (bench.card / ".certification.pem.tmp").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        done = bench(certificate_path=str(makers().path))
    assert "found another process that is writing to it" in done["msg"]
    assert not bench.file.exists()


def test_card_that_gives_back_something_else_keeps_the_old_file(
    bench: Bench, makers: Makers, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench(certificate_path=str(makers().path))
    card = "ansible_collections.camsec.fleet.plugins.module_utils._storage.card"
    monkeypatch.setattr(f"{card}._read_back", lambda _descriptor: b"rotten")
    done = bench(certificate_path=str(makers("Other Root").path))
    assert "found other content after writing, expected what was written. The old file is as it was." in done["msg"]
    assert bench.file.read_text() == makers().pem
    assert [path.name for path in bench.card.iterdir()] == ["certification.pem"]


def test_many_processes_at_once_leave_one_whole_file(bench: Bench, makers: Makers) -> None:
    """Each either writes its own certificates or says that another process is writing."""
    pems = [makers(name).pem for name in ("Studio Root", "Other Root")]
    program = (
        "import sys; sys.path[:0] = [p for p in sys.argv[2].split(':') if p]\n"
        "from ansible_collections.camsec.fleet.plugins.module_utils._core._errors import CamsecError\n"
        "from ansible_collections.camsec.fleet.plugins.module_utils._storage.card import LocalCard\n"
        "data = sys.stdin.buffer.read()\n"
        "for _round in range(200):\n"
        "    try:\n"
        "        LocalCard(sys.argv[1], require_mount=False).write(data)\n"
        "    except CamsecError as error:\n"
        "        assert 'another process' in error.found, error.found\n"
        "    with open(sys.argv[1] + '/certification.pem', 'rb') as file:\n"
        "        assert file.read().endswith(b'-----END CERTIFICATE-----\\n')\n"
    )
    bench.file.write_text(pems[0])
    running = []
    for pem in pems * 2:
        process = subprocess.Popen(
            [sys.executable, "-c", program, bench.card, os.pathsep.join(sys.path)], stdin=subprocess.PIPE
        )
        assert process.stdin is not None
        process.stdin.write(pem.encode())
        process.stdin.close()
        running.append(process)
    assert [process.wait(60) for process in running] == [0] * 4
    assert [path.name for path in bench.card.iterdir()] == ["certification.pem"]
    assert bench.file.read_text() in pems


_ON_A_MOUNT = """
    import importlib, json, os, pathlib, subprocess, sys
    from ansible_collections.camsec.fleet.plugins.module_utils._module import run_in_worker
    def module(check=False, **options):
        spec = importlib.import_module("ansible_collections.camsec.fleet.plugins.modules.storage_certificate").SPEC
        return run_in_worker(spec, {"path": mount, **options}, check_mode=check)
    def mounted(*options):
        subprocess.run(["mount", *options, "tmpfs", mount], check=True)
    source, mount = sys.argv[1:]
    def listed():
        return sorted(os.listdir(mount))
"""


def on_a_mount(tmp_path: pathlib.Path, source: pathlib.Path, code: str) -> list[t.Any]:
    """Run code in a mount namespace of its own; what it prints, a JSON value in each line."""
    if os.geteuid() != 0:
        pytest.skip("SKIPPED: real mounts need root; a mounted, a full and a write-protected card were not tested")
    (tmp_path / "mount").mkdir()
    program = textwrap.dedent(_ON_A_MOUNT) + textwrap.dedent(code)
    done = subprocess.run(
        ["unshare", "-m", sys.executable, "-c", program, source, tmp_path / "mount"],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.mark.root
def test_real_mount_and_one_that_was_pulled(tmp_path: pathlib.Path, makers: Makers) -> None:
    code = """
        mounted("-t", "tmpfs")
        print(json.dumps(module(certificate_path=source)["changed"]))
        print(json.dumps(module(certificate_path=source)["changed"]))
        subprocess.run(["umount", mount], check=True)
        print(json.dumps(module(certificate_path=source)["msg"]))
        other = mount + "-other"
        os.mkdir(other)
        subprocess.run(["mount", "--bind", other, mount], check=True)
        print(json.dumps(module(certificate_path=source)["changed"]))
    """
    first, second, pulled, bound = on_a_mount(tmp_path, makers().path, code)
    assert (first, second, bound) == (True, False, True)
    assert "found a directory on which nothing is mounted" in pulled


@pytest.mark.root
def test_full_card(tmp_path: pathlib.Path, makers: Makers) -> None:
    code = """
        mounted("-t", "tmpfs", "-o", "size=64k")
        old = pathlib.Path(mount, "certification.pem")
        old.write_text("old")
        clip = pathlib.Path(mount, "clip.mxf").open("wb", buffering=0)
        try:
            while True:
                clip.write(b"x" * 4096)
        except OSError:
            pass
        print(json.dumps([module(check, certificate_path=source)["msg"] for check in (True, False)]))
        print(json.dumps([old.read_text(), listed()]))
    """
    (planned, done), (old, files) = on_a_mount(tmp_path, makers().path, code)
    assert "memory card: found 0 bytes free, expected room for" in done
    assert planned == done
    assert old == "old"
    assert files == ["certification.pem", "clip.mxf"]


@pytest.mark.root
def test_card_that_fills_up_between_reading_and_writing(tmp_path: pathlib.Path, makers: Makers) -> None:
    code = """
        mounted("-t", "tmpfs", "-o", "size=16k")
        from ansible_collections.camsec.fleet.plugins.module_utils._storage import card
        old = pathlib.Path(mount, "certification.pem")
        old.write_text("old")
        card._room = lambda root: (10**9, False)
        pathlib.Path(mount, "clip.mxf").write_bytes(b"x" * 12288)
        print(json.dumps(module(certificate_path=source)["msg"]))
        print(json.dumps([old.read_text(), listed()]))
    """
    message, (old, files) = on_a_mount(tmp_path, makers().path, code)
    assert "found no space left on device" in message
    assert "The old file is as it was." in message
    assert old == "old"
    assert files == ["certification.pem", "clip.mxf"]


@pytest.mark.root
def test_write_protected_card(tmp_path: pathlib.Path, makers: Makers) -> None:
    code = """
        mounted("-t", "tmpfs")
        module(certificate_path=source)
        subprocess.run(["mount", "-o", "remount,ro", mount], check=True)
        print(json.dumps(module(certificate_path=source)["changed"]))
        print(json.dumps([module(check, state="absent")["msg"] for check in (True, False)]))
    """
    unchanged, (planned, done) = on_a_mount(tmp_path, makers().path, code)
    assert unchanged is False
    assert planned == done
    assert "found a write-protected card (mounted read-only), expected a card that can be written to" in done
