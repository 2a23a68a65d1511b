# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The job ledger: two at once, dead and living holders, and a machine that does anything in any order."""

from __future__ import annotations

import json
import os
import pathlib
import sqlite3
import stat
import subprocess
import sys
import tempfile
import typing as t

import pytest
import yaml
from ansible_collections.camsec.fleet.plugins.module_utils._core._errors import InputError
from ansible_collections.camsec.fleet.plugins.module_utils._evidence._facts import (
    UPLOADER_VERSION,
    Candidate,
    Destination,
    Identity,
    Job,
)
from ansible_collections.camsec.fleet.plugins.module_utils._evidence._ledger import (
    LEASE_SECONDS,
    ChannelRow,
    JobLedger,
    Selection,
    joined,
)
from ansible_collections.camsec.fleet.plugins.module_utils._evidence._owner import is_dead, own_identity
from ansible_collections.camsec.fleet.plugins.module_utils._evidence._retry import delay
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

ROOT = pathlib.Path(__file__).resolve().parents[3]
PLACE = Destination(host="ftp.example", port=21, user="station1")
LOOSE = Selection(destination=PLACE, bag=None)
SUITE = "TLS_AES_256_GCM_SHA384"
CHANNEL = ChannelRow(
    channel="control", protocol="TLSv1.3", suite=SUITE, resumed=False, spki_sha256="ab", deprecated=False
)


def candidate(name: str = "a.mxf", size: int = 1, **more: int) -> Candidate:
    identity = Identity(**{"size": size, "mtime_ns": 1, "inode": 1, "device": 1, **more})
    return Candidate(source=f"/card/{name}", identity=identity, name=name)


def issue(sequence: int, previous: str) -> tuple[bytes, bytes]:
    return json.dumps([sequence, previous]).encode(), b"signature"


def finish(ledger: JobLedger, owner: str, job: Job, attempt: int) -> t.Any:
    return ledger.finish(
        owner, job, attempt, sha256="cd", found=False, bytes_sent=job.identity.size, channels=(CHANNEL,),
        chain=ledger.identity, issue=issue,
    )  # fmt: skip


@pytest.fixture
def ledger(tmp_path: pathlib.Path) -> t.Iterator[JobLedger]:
    with JobLedger(tmp_path / "state") as opened:
        yield opened


def test_the_version_is_that_of_the_collection() -> None:
    assert yaml.safe_load((ROOT / "galaxy.yml").read_text())["version"] == UPLOADER_VERSION


def test_only_the_owner_may_look(tmp_path: pathlib.Path) -> None:
    with JobLedger(tmp_path / "state") as ledger:
        ledger.add([candidate()], selection=LOOSE, remote_directory="case")
        assert stat.S_IMODE((tmp_path / "state").stat().st_mode) == 0o700
        for path in (tmp_path / "state").iterdir():
            assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_directory_that_others_may_write_to(tmp_path: pathlib.Path) -> None:
    (tmp_path / "state").mkdir()
    (tmp_path / "state").chmod(0o777)
    with pytest.raises(InputError, match="other users may write"):
        JobLedger(tmp_path / "state")


def test_a_file_that_is_no_ledger(tmp_path: pathlib.Path) -> None:
    (tmp_path / "ledger.sqlite3").write_bytes(b"rubbish" * 100)
    tmp_path.chmod(0o700)
    with pytest.raises(InputError, match="job ledger: found file is not a database"):
        JobLedger(tmp_path)


def test_reading_makes_nothing(tmp_path: pathlib.Path) -> None:
    with JobLedger(tmp_path / "state", read_only=True) as ledger:
        assert ledger.counts() == {}
    assert not (tmp_path / "state").exists()


def test_each_job_goes_to_one_holder(ledger: JobLedger) -> None:
    ledger.add([candidate(f"{n}.mxf") for n in range(10)], selection=LOOSE, remote_directory="case")
    taken = [ledger.lease(owner, LOOSE, limit=4) for owner in ("a", "b", "c", "d")]
    numbers = [job.id for batch in taken for job, _attempt in batch]
    assert sorted(numbers) == sorted(set(numbers))
    assert [len(batch) for batch in taken] == [4, 4, 2, 0]


def test_large_ones_go_first_and_alone(ledger: JobLedger) -> None:
    sizes = {"small.mxf": 10, "huge.mxf": 1 << 40, "big.mxf": 1 << 30}
    ledger.add([candidate(*one) for one in sizes.items()], selection=LOOSE, remote_directory="case")
    names = [[job.source for job, _attempt in ledger.lease("a", LOOSE, limit=8, largest=1 << 20)] for _turn in range(3)]
    assert names == [["/card/huge.mxf"], ["/card/big.mxf"], ["/card/small.mxf"]]


def test_a_lease_of_a_dead_process_is_taken_over_at_once_and_a_living_one_never(ledger: JobLedger) -> None:
    ledger.add([candidate("a"), candidate("b")], selection=LOOSE, remote_directory="case")
    program = (
        "from ansible_collections.camsec.fleet.plugins.module_utils._evidence._owner import own_identity\n"
        "print(own_identity())"
    )
    dead = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout.strip()
    assert is_dead(dead)
    living = own_identity()
    ledger.lease(dead, LOOSE, limit=1)
    ledger.lease(living, LOOSE, limit=1)
    assert ledger.take_over(now=1e12) == 1  # also long after the lease's end: this process is known to live
    ((job, _attempt),) = ledger.lease("next", LOOSE, limit=9)
    assert job.unsure


def test_a_holder_elsewhere_is_judged_by_the_end_of_its_lease(ledger: JobLedger) -> None:
    ledger.add([candidate()], selection=LOOSE, remote_directory="case")
    elsewhere = json.dumps({**json.loads(own_identity()), "machine": "another", "pid": 1})
    assert is_dead(elsewhere) is None
    ledger.lease(elsewhere, LOOSE, limit=1, now=1000.0)
    assert ledger.take_over(now=1000.0 + LEASE_SECONDS - 1) == 0
    ledger.beat(elsewhere, now=1100.0)
    assert ledger.take_over(now=1000.0 + LEASE_SECONDS + 1) == 0
    assert ledger.take_over(now=1100.0 + LEASE_SECONDS + 1) == 1


@pytest.mark.parametrize("changes", [{"boot": "x"}, {"start": "1"}, {"pid": 2**22 + 1}])
def test_a_process_number_that_was_given_out_again_is_another_process(changes: dict[str, t.Any]) -> None:
    assert is_dead(json.dumps({**json.loads(own_identity()), **changes})) is True
    assert is_dead(own_identity()) is False


def test_whoever_lost_its_lease_writes_no_receipt(ledger: JobLedger) -> None:
    ledger.add([candidate()], selection=LOOSE, remote_directory="case")
    ((job, attempt),) = ledger.lease("slow", LOOSE, limit=1)
    ledger.release("slow")
    ((again, second),) = ledger.lease("quick", LOOSE, limit=1)
    assert finish(ledger, "slow", job, attempt) is None
    assert finish(ledger, "quick", again, second) is not None
    assert len(ledger.receipts(ledger.identity)) == 1


def test_a_transaction_that_fails_leaves_nothing(ledger: JobLedger) -> None:
    ledger.add([candidate()], selection=LOOSE, remote_directory="case")
    ((job, attempt),) = ledger.lease("me", LOOSE, limit=1)

    def broken(_sequence: int, _previous: str) -> tuple[bytes, bytes]:
        raise RuntimeError("the signer broke")

    with pytest.raises(RuntimeError):
        ledger.finish("me", job, attempt, sha256="cd", found=False, bytes_sent=1, channels=(), chain="x", issue=broken)
    assert ledger.counts() == {"leased": 1}


def test_a_commit_that_fails_leaves_no_transaction_open(ledger: JobLedger) -> None:
    def write() -> None:
        with ledger._transaction() as connection:
            connection.execute("PRAGMA defer_foreign_keys = ON")
            connection.execute("INSERT INTO attempts (job, remote_path, started_at) VALUES (99, 'x', 'now')")

    with pytest.raises(InputError, match="FOREIGN KEY"):
        write()
    # What comes next is a transaction of its own, which others see.
    ledger.add([candidate()], selection=LOOSE, remote_directory="case")
    with JobLedger(ledger.directory, read_only=True) as other:
        assert other.counts() == {"waiting": 1}


def test_a_clock_that_was_set_back_keeps_no_job_waiting(ledger: JobLedger) -> None:
    ledger.add([candidate()], selection=LOOSE, remote_directory="case")
    ((job, attempt),) = ledger.lease("me", LOOSE, limit=1, now=10_000_000.0)
    ledger.fail("me", job, attempt, "why", next_try=10_000_060.0)
    assert ledger.lease("me", LOOSE, limit=1, longest_delay=60.0, now=10_000_001.0) == []
    assert len(ledger.lease("me", LOOSE, limit=1, longest_delay=60.0, now=5_000_000.0)) == 1


def test_a_bag_is_sealed_with_all_its_files_or_not_at_all(ledger: JobLedger) -> None:
    bag = ledger.open_bag(PLACE, "case")
    selection = Selection(destination=PLACE, bag=bag.id)
    ledger.add([candidate("a")], selection=selection, remote_directory="case")
    ((job, attempt),) = ledger.lease("me", selection, limit=1)
    finish(ledger, "me", job, attempt)
    # Another process puts one more down after the first has counted.
    ledger.add([candidate("b")], selection=selection, remote_directory="case")
    assert ledger.issue_seal(bag, issue, files=1) is None
    ((job, attempt),) = ledger.lease("me", selection, limit=1)
    finish(ledger, "me", job, attempt)
    assert ledger.issue_seal(bag, issue, files=2) is not None
    # And after the seal nobody puts any down.
    added = ledger.add([candidate("c")], selection=selection, remote_directory="case")
    assert [one.id for one in added.new] == [0]
    assert ledger.counts(selection) == {"done": 2}


def test_nothing_is_stored_that_should_not_be(ledger: JobLedger) -> None:
    schema = "".join(row[0] or "" for row in sqlite3.connect(ledger.path).execute("SELECT sql FROM sqlite_master"))
    assert "password" not in schema.lower()


@given(attempt=st.integers(1, 10**6), first=st.floats(0, 100), cap=st.floats(0, 1000), share=st.floats(0, 1))
def test_the_pause_grows_and_has_a_cap(attempt: int, first: float, cap: float, share: float) -> None:
    pause = delay(attempt, first=first, cap=cap, jitter=lambda: share)
    assert 0 <= pause <= cap
    assert pause <= delay(attempt + 1, first=first, cap=cap, jitter=lambda: 0.0)


def test_paths_on_the_server() -> None:
    assert [joined(one, "x") for one in ("", "/", "a", "a/", "/a/b")] == ["x", "/x", "a/x", "a/x", "/a/b/x"]


class Machine(RuleBasedStateMachine):
    """Two holders do anything in any order, and die; a model of one dictionary says what must be true."""

    def __init__(self) -> None:
        super().__init__()
        self.home = tempfile.TemporaryDirectory()
        self.ledger = JobLedger(pathlib.Path(self.home.name) / "state")
        self.held: dict[str, dict[int, tuple[Job, int]]] = {"a": {}, "b": {}}
        self.done: set[str] = set()
        self.known: set[str] = set()

    @initialize()
    def begin(self) -> None:
        self.clock = 1000.0

    @rule(name=st.sampled_from("uvwxyz"), size=st.integers(0, 1 << 41))
    def add(self, name: str, size: int) -> None:
        if name not in self.known:
            self.ledger.add([candidate(name, size)], selection=LOOSE, remote_directory="case")
            self.known.add(name)

    @rule(owner=st.sampled_from("ab"), limit=st.integers(1, 3))
    def lease(self, owner: str, limit: int) -> None:
        for job, attempt in self.ledger.lease(owner, LOOSE, limit=limit, now=self.clock):
            for others in self.held.values():
                assert job.id not in others
            assert job.source not in self.done
            self.held[owner][job.id] = (job, attempt)

    @precondition(lambda self: any(self.held.values()))
    @rule(owner=st.sampled_from("ab"), how=st.sampled_from(["finish", "retry", "fail", "give_back"]))
    def settle(self, owner: str, how: str) -> None:
        if not self.held[owner]:
            return
        job, attempt = self.held[owner].popitem()[1]
        if how == "finish":
            assert finish(self.ledger, owner, job, attempt) is not None
            self.done.add(job.source)
        elif how == "give_back":
            self.ledger.give_back(owner, job, attempt)
        else:
            self.ledger.fail(owner, job, attempt, "why", next_try=self.clock + 5 if how == "retry" else None)

    @rule(owner=st.sampled_from("ab"))
    def die(self, owner: str) -> None:
        self.ledger.release(owner)
        self.held[owner].clear()

    @rule()
    def reopen(self) -> None:
        self.ledger.close()
        self.ledger = JobLedger(pathlib.Path(self.home.name) / "state")

    @rule(seconds=st.integers(1, 10))
    def wait(self, seconds: int) -> None:
        self.clock += seconds

    @invariant()
    def nothing_is_lost_and_nothing_twice(self) -> None:
        jobs = self.ledger.jobs()
        assert {job.source for job in jobs} == {f"/card/{name}" for name in self.known}
        assert {job.source for job in jobs if job.state == "done"} == self.done
        leased = {job.id for job in jobs if job.state == "leased"}
        assert leased == {number for held in self.held.values() for number in held}
        receipts = self.ledger.receipts(self.ledger.identity)
        assert [row.sequence for row in receipts] == list(range(1, len(self.done) + 1))
        previous = ""
        for row in receipts:
            assert json.loads(row.content) == [row.sequence, previous]
            previous = row.sha256

    def teardown(self) -> None:
        self.ledger.close()
        self.home.cleanup()


Machine.TestCase.settings = settings(max_examples=25, stateful_step_count=25, deadline=None)
TestMachine = Machine.TestCase


@pytest.mark.skipif(os.geteuid() == 0 and not pathlib.Path("/etc/machine-id").exists(), reason="no machine id here")
def test_the_identity_says_where_it_is() -> None:
    told = json.loads(own_identity())
    assert told["pid"] == os.getpid()
    assert told["boot"]
    assert told["namespace"]
    assert told["start"]
