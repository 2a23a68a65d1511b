# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sending: receipts and a bag that others accept, nothing twice, nothing lost; what goes wrong is one sentence."""

from __future__ import annotations

import json
import os
import pathlib
import shutil
import socket
import threading
import typing as t
import zipfile

import bagit
import pytest
from ansible_collections.camsec.fleet.plugins.module_utils._core._errors import (
    ConnectError,
    InputError,
    LoginError,
    RefusedError,
    TrustError,
    VerificationError,
)
from ansible_collections.camsec.fleet.plugins.module_utils._evidence import _ledger, _worker
from ansible_collections.camsec.fleet.plugins.module_utils._evidence._facts import Destination
from ansible_collections.camsec.fleet.plugins.module_utils._evidence._ledger import JobLedger
from ansible_collections.camsec.fleet.plugins.module_utils._evidence._send import plan
from ansible_collections.camsec.fleet.plugins.module_utils._evidence._worker import RunOptions
from ansible_collections.camsec.fleet.plugins.module_utils._ftpes._errors import FtpRefusedError

from .conftest import DEPRECATED, Bench, openssl

TAG_FILES = ["bag-info.txt", "bagit.txt", "manifest-sha256.txt", "receipts.zip", "seal.json", "seal.p7s",
             "tagmanifest-sha256.txt"]  # fmt: skip


def raising(error: Exception, verb: str, path: str = "", times: int = 10**9) -> t.Callable[[str, str], None]:
    """A fault: this error at this step, so many times."""
    left = [times]

    def fault(step: str, where: str) -> None:
        if step == verb and path in where and left[0] > 0:
            left[0] -= 1
            raise error

    return fault


def broken() -> ConnectError:
    return ConnectError(device="ftp.example:21", subject="connection", found="the end", expected="an answer")


def test_a_sealed_bag_that_other_validators_accept(bench: Bench) -> None:
    contents = {f"clip{number}.mxf": os.urandom(1000 + number) for number in range(20)}
    contents |= {"deep/er/ü ☃.mxf": b"x", "leer.txt": b"", ".hidden": b"h"}
    for name, content in contents.items():
        bench.file(name, content)
    outcome = bench.send(bag_info={"Source-Organization": "Example Police"})
    assert (bench.sentences(outcome), outcome.sealed_now, outcome.run.sent) == ([], True, 23)
    place = bench.bag()
    bag = bagit.Bag(str(place))
    bag.validate()
    assert bag.info["Source-Organization"] == "Example Police"
    assert bag.info["Payload-Oxum"] == f"{sum(map(len, contents.values()))}.23"
    for name, content in contents.items():
        assert (place / "data/A001" / name).read_bytes() == content
    assert sorted(path.name for path in place.iterdir() if path.is_file()) == TAG_FILES


def test_the_manifest_goes_last(bench: Bench) -> None:
    bench.file("clip.mxf")
    bench.send()
    assert list(bench.memory.files)[-1] == "case/1/manifest-sha256.txt"
    assert next(iter(bench.memory.files)) == "case/1/data/A001/clip.mxf"


def test_openssl_accepts_each_receipt_and_the_seal(bench: Bench) -> None:
    for number in range(3):
        bench.file(f"clip{number}.mxf")
    bench.send()
    place = bench.bag()
    with zipfile.ZipFile(place / "receipts.zip") as archive:
        archive.extractall(place / "out")
    pairs = [(place / "out" / f"00000{number}.json", place / "out" / f"00000{number}.p7s") for number in (1, 2, 3)]
    for content, signature in [*pairs, (place / "seal.json", place / "seal.p7s")]:
        openssl("cms", "-verify", "-binary", "-inform", "der", "-in", signature, "-content", content,
                "-CAfile", bench.authority.root, "-out", os.devnull)  # fmt: skip
    receipt = json.loads((place / "out/000001.json").read_bytes())
    assert receipt["tls"]["control"]["suite"] == "TLS_AES_256_GCM_SHA384"
    assert receipt["tls"]["data"] == [{**receipt["tls"]["control"], "resumed": True}]
    assert receipt["policy"] == {"name": "compatible", "version": "2026-11"}
    assert receipt["file"]["source"] == str(bench.source / "clip0.mxf")


def test_a_second_run_sends_nothing(bench: Bench) -> None:
    bench.file("clip.mxf")
    assert bench.send().changed
    before = dict(bench.memory.files), bench.memory.logins
    again = bench.send()
    assert (again.changed, again.sealed, again.errors) == (False, True, [])
    assert (dict(bench.memory.files), bench.memory.logins) == before


def test_a_touched_file_and_its_copy_are_the_same_evidence(bench: Bench) -> None:
    path = bench.file("clip.mxf")
    bench.send()
    os.utime(path, (1, 1))
    assert bench.send().errors == []
    with JobLedger(bench.state, read_only=True) as ledger:
        assert [job.identity.mtime_ns for job in ledger.jobs()] == [10**9]  # it is not read again the next time
    (bench.home / "other").mkdir()
    copy = bench.home / "other/A001"
    shutil.copytree(bench.source, copy)
    assert bench.send(paths=(str(copy),)).errors == []


def test_a_changed_file_is_never_overwritten(bench: Bench) -> None:
    path = bench.file("clip.mxf")
    bench.send()
    path.write_bytes(b"other")
    outcome = bench.send()
    (sentence,) = bench.sentences(outcome)
    assert "another content than the one proven" in sentence
    assert isinstance(outcome.errors[0], VerificationError)
    assert bench.memory.files["case/1/data/A001/clip.mxf"] == b"evidence"


def test_a_sealed_bag_takes_no_more(bench: Bench) -> None:
    bench.file("clip1.mxf")
    bench.send()
    bench.file("clip2.mxf")
    (sentence,) = bench.sentences(bench.send())
    assert "found a manifest since" in sentence
    assert "clip2.mxf" in sentence
    assert "case/1/data/A001/clip2.mxf" not in bench.memory.files
    assert bench.send(remote_directory="case/2").errors == []


def test_without_manifest_files_come_and_go_on(bench: Bench) -> None:
    bench.file("clip1.mxf")
    assert bench.send(manifest=False).errors == []
    bench.file("clip2.mxf")
    assert bench.send(manifest=False).run.sent == 1
    assert sorted(bench.memory.files) == ["case/1/A001/clip1.mxf", "case/1/A001/clip2.mxf"]


def test_a_broken_connection_is_tried_again(bench: Bench) -> None:
    bench.file("clip.mxf")
    bench.memory.fault = raising(broken(), "sent", times=2)
    assert bench.send().errors == []
    assert [event.kind for event in bench.events].count("retried") == 2
    assert bench.memory.stored["case/1/data/A001/clip.mxf"] == 1


def test_broken_after_the_rename_is_found_and_not_sent_twice(bench: Bench) -> None:
    bench.file("clip.mxf")
    bench.memory.fault = raising(broken(), "renamed", "clip", times=1)
    outcome = bench.send()
    assert (outcome.errors, outcome.run.found, outcome.run.sent) == ([], 1, 0)
    assert bench.memory.stored["case/1/data/A001/clip.mxf"] == 1


def test_a_connection_that_stays_broken_is_given_up_and_the_next_run_goes_on(bench: Bench) -> None:
    for number in range(5):
        bench.file(f"clip{number}.mxf")
    bench.memory.fault = raising(broken(), "sent", "clip3")
    outcome = bench.send()
    assert len(bench.sentences(outcome)) == 1
    assert not outcome.sealed
    assert "case/1/manifest-sha256.txt" not in bench.memory.files
    bench.memory.fault = lambda _verb, _path: None
    outcome = bench.send()
    assert (outcome.errors, outcome.run.sent, outcome.sealed) == ([], 1, True)
    assert set(bench.memory.stored.values()) == {1}


@pytest.mark.parametrize("error", [
    LoginError(device="ftp.example:21", subject="login", found="530", expected="230"),
    TrustError(device="ftp.example:21", subject="certificate", found="expired", expected="valid"),
])  # fmt: skip
def test_what_would_meet_every_file_ends_the_run_at_once(bench: Bench, error: Exception) -> None:
    for number in range(10):
        bench.file(f"clip{number}.mxf")
    asked = []

    def fault(verb: str, _path: str) -> None:
        if verb == "login":
            asked.append(verb)
            raise error

    bench.memory.fault = fault
    outcome = bench.send()
    assert outcome.errors == [error]
    assert len(asked) == 1  # a refused login locks accounts: one is enough, whatever the number of sessions
    bench.memory.fault = lambda _verb, _path: None
    assert bench.send().errors == []


def test_trust_lost_midway_ends_the_run_and_keeps_what_is_done(bench: Bench) -> None:
    for number in range(10):
        bench.file(f"clip{number}.mxf", bytes(100 - number))
    error = TrustError(device="ftp.example:21", subject="suite of the data connection", found="x", expected="y")
    bench.memory.fault = raising(error, "sent", "clip7")
    outcome = bench.send(run=RunOptions(sessions=1, first_delay=0))
    assert outcome.errors == [error]
    assert 0 < outcome.run.sent < 10


def test_refused_for_good_and_for_now(bench: Bench) -> None:
    bench.file("clip.mxf")
    full = FtpRefusedError(code=452, device="ftp.example:21", subject="STOR", found="452 disk full", expected="226")
    bench.memory.fault = raising(full, "sent", times=2)
    assert bench.send().errors == []
    bench.file("other.mxf")
    never = FtpRefusedError(code=553, device="ftp.example:21", subject="STOR", found="553 forbidden", expected="226")
    tries = []

    def fault(verb: str, _path: str) -> None:
        if verb == "sent":
            tries.append(verb)
            raise never

    bench.memory.fault = fault
    outcome = bench.send(remote_directory="case/2", paths=(str(bench.source / "other.mxf"),))
    assert isinstance(outcome.errors[0], RefusedError)
    assert len(tries) == 1


def test_changed_while_it_was_sent(bench: Bench) -> None:
    path = bench.file("clip.mxf", b"a" * 100)
    grown: list[int] = []

    def fault(verb: str, _path: str) -> None:
        if verb == "sent":
            grown.append(1)
            path.write_bytes(b"b" * 101)

    bench.memory.fault = fault
    (sentence,) = bench.sentences(bench.send())
    assert "while it was being sent" in sentence
    assert len(grown) == 1
    assert bench.memory.files == {}
    bench.memory.fault = lambda _verb, _path: None
    assert bench.send().errors == []
    assert bench.memory.files["case/1/data/A001/clip.mxf"] == b"b" * 101
    bagit.Bag(str(bench.bag())).validate()


@pytest.mark.parametrize("make", ["missing", "pipe", "socket", "loop", "link", "pattern", "bidi", "newline", "bytes"])
def test_bad_sources_are_one_sentence_each_and_hold_nothing_up(bench: Bench, make: str) -> None:
    bench.file("good.mxf")
    bad = bench.home / "bad"
    words = {
        "missing": "no such file",
        "pipe": "a named pipe",
        "socket": "a socket",
        "loop": "a loop of directories",
        "link": "a symbolic link",
        "pattern": "nothing that it matches",
        "bidi": "U+202E",
        "newline": "U+000A",
        "bytes": "no UTF-8",
    }
    path = str(bad)
    if make == "pipe":
        os.mkfifo(bad)
    elif make == "socket":
        with socket.socket(socket.AF_UNIX) as one:
            one.bind(path)
    elif make == "loop":
        bad.mkdir()
        (bad / "again").symlink_to(bad)
    elif make == "link":
        bad.symlink_to(bench.source)
    elif make == "pattern":
        path = f"{bad}/*.mxf"
    elif make == "bidi":
        bench.file("evil\u202egpj.mxf")
    elif make == "newline":
        bench.file("evil\n.mxf")
    elif make == "bytes":
        pathlib.Path(os.fsdecode(os.fsencode(bench.source) + b"/\xff.mxf")).write_bytes(b"x")
    paths = (str(bench.source),) if make in ("bidi", "newline", "bytes") else (str(bench.source), path)
    outcome = bench.send(paths=paths)
    (sentence,) = bench.sentences(outcome)
    assert words[make] in sentence
    assert isinstance(outcome.errors[0], InputError)
    assert "case/1/data/A001/good.mxf" in bench.memory.files  # one bad file holds no other up
    assert not outcome.sealed  # but the bag is not all that was asked for


def test_links_are_left_out_with_a_note_or_followed(bench: Bench) -> None:
    bench.file("clip.mxf")
    (bench.home / "elsewhere.mxf").write_bytes(b"linked")
    (bench.source / "link.mxf").symlink_to(bench.home / "elsewhere.mxf")
    outcome = bench.send()
    assert outcome.errors == []
    assert "link.mxf: a symbolic link" in outcome.notes[0]
    outcome = bench.send(follow_links=True, remote_directory="case/2")
    assert bench.memory.files["case/2/data/A001/link.mxf"] == b"linked"


def test_a_loop_is_refused_also_when_links_are_followed(bench: Bench) -> None:
    bench.file("a/clip.mxf")
    (bench.source / "a/up").symlink_to(bench.source)
    (sentence,) = bench.sentences(bench.send(follow_links=True))
    assert "a loop of directories" in sentence


def test_two_names_that_differ_in_unicode_form_only(bench: Bench) -> None:
    bench.file("caf\u00e9.mxf")
    bench.file("cafe\u0301.mxf")
    (sentence,) = bench.sentences(bench.send())
    assert "a name for each file" in sentence


def test_ten_gibibytes_are_planned_to_the_byte(bench: Bench) -> None:
    with (bench.source / "huge.mxf").open("wb") as file:
        file.truncate(10 << 30)
    bench.file("small.mxf")
    planned = plan(bench.wish())
    assert sorted(job.identity.size for job in planned.added.new) == [8, 10 << 30]
    assert planned.sealed_now
    assert not (bench.state / "ledger.sqlite3").exists()  # planning writes nothing
    with JobLedger(bench.state) as ledger:
        wish = bench.wish()
        bag = ledger.open_bag(wish.destination, "case/1")
        selection = _ledger.Selection(destination=wish.destination, bag=bag.id)
        found = [job for job in planned.added.new if job.identity.size > 100]
        ledger.add(
            [_ledger.Candidate(source=job.source, identity=job.identity, name="huge.mxf") for job in found],
            selection=selection,
            remote_directory="case/1",
        )
        ((job, _attempt),) = ledger.lease("me", selection, limit=8, largest=_worker._SMALL)
        assert job.identity.size == 10 << 30


def test_a_signer_that_nobody_could_believe_is_refused_before_anything_is_sent(bench: Bench) -> None:
    bench.file("clip.mxf")
    for terms, words in (
        ({"evidence_signer": False}, "a certificate for other uses"),
        ({"key_type": "rsa", "key_size": 2048}, None),
    ):
        bench.authority.signer(bench.state, **terms)
        if words is None:
            assert bench.send().errors == []
            continue
        with pytest.raises(Exception, match=words):
            bench.send()
        assert bench.memory.files == {}
        assert bench.memory.logins == 0


def test_unsigned_must_be_asked_for(bench: Bench) -> None:
    bench.file("clip.mxf")
    (bench.state / "signer.key").unlink()
    with pytest.raises(InputError, match=r"signer\.key: signer of receipts: found no such file"):
        bench.send()
    assert bench.send(unsigned=True).errors == []
    bagit.Bag(str(bench.bag())).validate()


def test_a_deprecated_suite_is_found_even_in_a_try_that_failed(bench: Bench) -> None:
    bench.file("clip.mxf")
    bench.memory.suite = DEPRECATED
    bench.memory.fault = raising(broken(), "sent")
    assert bench.send().errors
    bench.memory.fault = lambda _verb, _path: None
    bench.memory.suite = "TLS_AES_256_GCM_SHA384"
    assert bench.send().errors == []
    with JobLedger(bench.state, read_only=True) as ledger:
        rows = ledger.sent_under([DEPRECATED])
        assert {row["outcome"] for row in rows} == {"failed"}
        assert {row["source"] for row in rows} == {str(bench.source / "clip.mxf")}
        assert ledger.sent_under(["TLS_DHE_RSA_WITH_AES_256_CBC_SHA"], also_deprecated=True) == rows


def test_stop_leaves_everything_to_the_next_run(bench: Bench) -> None:
    for number in range(50):
        bench.file(f"clip{number:02}.mxf")
    count = threading.Semaphore(20)

    def fault(verb: str, _path: str) -> None:
        if verb == "sent" and not count.acquire(blocking=False):
            bench.stop.set()

    bench.memory.fault = fault
    outcome = bench.send()
    assert outcome.run.stopped
    assert not outcome.sealed
    with JobLedger(bench.state, read_only=True) as ledger:
        assert "leased" not in ledger.counts()
    bench.stop.clear()
    bench.memory.fault = lambda _verb, _path: None
    outcome = bench.send()
    assert (outcome.errors, outcome.sealed) == ([], True)
    assert set(bench.memory.stored.values()) == {1}
    bagit.Bag(str(bench.bag())).validate()


def test_the_time_limit_ends_a_run(bench: Bench) -> None:
    bench.file("clip.mxf")
    slow = threading.Event()
    bench.memory.fault = lambda verb, _path: None if verb != "sent" else (slow.wait(1.0), None)[1]
    outcome = bench.send(run=RunOptions(time_limit=0.2, sessions=1))
    assert outcome.run.stopped
    slow.set()
    assert bench.send().errors == []


def test_a_server_that_takes_only_two_sessions(bench: Bench) -> None:
    for number in range(40):
        bench.file(f"clip{number:02}.mxf")
    logged_in = []

    def fault(verb: str, _path: str) -> None:
        if verb == "login":
            if len(logged_in) >= 2:
                raise ConnectError(device="ftp.example:21", subject="login", found="421 too many", expected="220")
            logged_in.append(verb)

    bench.memory.fault = fault
    outcome = bench.send(run=RunOptions(sessions=4, attempts=1, first_delay=0))
    # Two sessions are as good as four; sealing opens one of its own and is refused here.
    assert outcome.run.sent == 40
    assert outcome.run.fatal is None


def test_the_plan_of_check_mode_says_what_the_run_does(bench: Bench) -> None:
    bench.file("clip.mxf")
    planned = plan(bench.wish())
    assert (len(planned.added.new), planned.sealed_now) == (1, True)
    bench.send()
    planned = plan(bench.wish())
    assert (planned.added.new, planned.added.pending, planned.sealed_now, planned.sealed) == ((), (), False, True)


def test_receipts_of_two_bags_at_once_have_chains_of_their_own(bench: Bench) -> None:
    bench.file("clip.mxf")
    bench.send()
    bench.send(remote_directory="case/2")
    with JobLedger(bench.state, read_only=True) as ledger:
        place = Destination(host="ftp.example", port=21, user="station1")
        first, second = ledger.bag(place, "case/1"), ledger.bag(place, "case/2")
        assert first is not None
        assert second is not None
        assert [len(ledger.receipts(bag.chain)) for bag in (first, second)] == [1, 1]
        assert [row.kind for row in ledger.receipts(ledger.identity)] == ["seal", "seal"]


def test_a_percent_sign_is_encoded_as_the_standard_says(bench: Bench) -> None:
    bench.file("100%.mxf")
    bench.send()
    manifest = bench.memory.files["case/1/manifest-sha256.txt"].decode()
    assert manifest.endswith("  data/A001/100%25.mxf\n")  # RFC 8493 section 2.1.3
