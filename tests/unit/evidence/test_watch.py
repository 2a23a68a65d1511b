# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A watched folder: what is still being written waits, what came to rest goes, and everything goes once."""

from __future__ import annotations

import pathlib
import threading
import time
import typing as t

import bagit
import pytest
from ansible_collections.camsec.fleet.plugins.module_utils._core._errors import (
    CamsecError,
    ConnectError,
    InputError,
    LoginError,
)
from ansible_collections.camsec.fleet.plugins.module_utils._evidence._ledger import JobLedger
from ansible_collections.camsec.fleet.plugins.module_utils._evidence._watch import (
    Watcher,
    WatchOptions,
    is_being_written,
)

from .conftest import Bench


def watcher(bench: Bench, **options: t.Any) -> Watcher:
    defaults: dict[str, t.Any] = {"settle": 0.1, "poll": 0.05, "seal_after": 0.3}
    return Watcher(
        bench.wish(),
        WatchOptions(**{**defaults, **options}),
        on_event=bench.events.append,
        stop=bench.stop,
        open_session=t.cast("t.Any", bench.session),
    )


class Running:
    """A watcher in a thread."""

    def __init__(self, bench: Bench, **options: t.Any) -> None:
        self._bench = bench
        self._error: list[CamsecError] = []
        self._thread = threading.Thread(target=self._run, args=(watcher(bench, **options),))

    def _run(self, one: Watcher) -> None:
        try:
            one.run()
        except CamsecError as error:
            self._error.append(error)

    def __enter__(self) -> t.Self:
        self._bench.stop.clear()
        self._thread.start()
        return self

    def until(self, true: t.Callable[[], object]) -> None:
        deadline = time.monotonic() + 20
        while not true():
            assert time.monotonic() < deadline, "it did not come about"
            assert not self._error, self._error
            time.sleep(0.02)

    def __exit__(self, *_error: object) -> None:
        self._bench.stop.set()
        self._thread.join(20)
        assert not self._thread.is_alive()


def stored(bench: Bench, name: str) -> list[str]:
    return [path for path in bench.memory.files if path.endswith(f"/data/{name}")]


def sealed(bench: Bench) -> list[str]:
    return [event.remote_path for event in bench.events if event.kind == "sealed"]


def test_a_file_must_come_to_rest(bench: Bench) -> None:
    path = bench.file("clip.mxf", b"a")
    one = watcher(bench, settle=10)
    assert one.scan(0) == []
    assert one.scan(9) == []
    path.write_bytes(b"ab")
    assert one.scan(10) == []
    assert one.scan(19) == []
    assert [found.name for found in one.scan(20)] == ["clip.mxf"]
    with path.open("ab"):  # open, though nothing is written
        if not is_being_written(str(path)):
            pytest.skip("this file system grants leases to readers of a file that is being written")
        assert one.scan(21) == []
    assert len(one.scan(22)) == 1
    path.unlink()
    assert one.scan(23) == []


def test_files_go_bag_after_bag_each_once(bench: Bench) -> None:
    bench.file("day1/clip.mxf", b"one")
    with Running(bench) as running:
        running.until(lambda: len(sealed(bench)) == 1)
        bench.file("day2/clip.mxf", b"two")
        running.until(lambda: len(sealed(bench)) == 2)
    assert len(stored(bench, "day1/clip.mxf")) == len(stored(bench, "day2/clip.mxf")) == 1
    bench.bag()
    for name in sealed(bench):
        bagit.Bag(str(bench.home / "copy" / name)).validate()


def test_the_queue_survives(bench: Bench) -> None:
    def broken(verb: str, _path: str) -> None:
        if verb == "login":
            raise ConnectError(device="ftp.example:21", subject="connection", found="refused", expected="an answer")

    bench.file("clip.mxf")
    bench.memory.fault = broken
    with Running(bench) as running:
        running.until(lambda: any(event.kind == "note" for event in bench.events))
    with JobLedger(bench.state, read_only=True) as ledger:
        assert ledger.counts() == {"waiting": 1}
    bench.memory.fault = lambda _verb, _path: None
    with Running(bench) as running:
        running.until(lambda: sealed(bench))
    assert len(stored(bench, "clip.mxf")) == 1
    bench.events.clear()
    before = dict(bench.memory.files)
    with Running(bench, seal_after=0) as running:
        time.sleep(0.5)
    assert bench.memory.files == before


def test_what_vanishes_holds_nothing_up(bench: Bench) -> None:
    gone = bench.file("gone.mxf")
    bench.file("stays.mxf")

    def fault(verb: str, path: str) -> None:
        if verb == "begin" and path.endswith("stays.mxf"):
            gone.unlink(missing_ok=True)

    bench.memory.fault = fault
    with JobLedger(bench.state):
        pass
    with Running(bench) as running:
        running.until(lambda: sealed(bench))
    assert stored(bench, "stays.mxf")


def test_what_vanished_after_its_rename_is_not_forgotten(bench: Bench) -> None:
    clip, left = bench.file("clip.mxf"), [1]
    bench.file("other.mxf")

    def fault(verb: str, path: str) -> None:
        if verb == "renamed" and path.endswith("clip.mxf") and left.pop():
            clip.unlink()
            raise ConnectError(device="ftp", subject="connection", found="its end", expected="an answer")

    bench.memory.fault = fault
    with JobLedger(bench.state):
        pass
    with Running(bench) as running:
        running.until(lambda: any(event.kind == "failed" and "it gone, and" in event.text for event in bench.events))
        running.until(lambda: stored(bench, "other.mxf"))
        time.sleep(0.6)  # twice the time after which a bag that lacks nothing is sealed
    assert not sealed(bench)
    assert stored(bench, "clip.mxf")
    assert not any("not waited for any more" in event.text for event in bench.events)


def test_a_refused_login_ends_it(bench: Bench) -> None:
    error = LoginError(device="ftp.example:21", subject="login", found="530", expected="230")

    def fault(verb: str, _path: str) -> None:
        if verb == "login":
            raise error

    bench.file("clip.mxf")
    bench.memory.fault = fault
    with pytest.raises(LoginError):
        watcher(bench).run()
    assert bench.memory.logins == 0


def test_a_bag_is_sealed_when_it_is_full(bench: Bench) -> None:
    for number in range(7):
        bench.file(f"clip{number}.mxf", bytes([number]))
    with Running(bench, seal_files=3, seal_after=0.5) as running:
        running.until(lambda: len(sealed(bench)) == 3)
    counts = sorted(sum(path.startswith(f"{bag}/data/") for path in bench.memory.files) for bag in sealed(bench))
    assert counts == [1, 3, 3]


def test_a_folder_that_is_none(bench: Bench, tmp_path: pathlib.Path) -> None:
    wish = bench.wish(paths=(str(tmp_path / "nowhere"),))
    with pytest.raises(InputError, match="folder to watch"):
        Watcher(wish, WatchOptions(), on_event=bench.events.append, stop=bench.stop).run()
    with pytest.raises(InputError, match="poll"):
        WatchOptions(poll=0)
