# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Evidence on real servers: a bag that bagit accepts, through kills, by two processes at once, and every bad input."""

from __future__ import annotations

import contextlib
import datetime as dt
import os
import pathlib
import random
import signal
import subprocess
import time
import typing as t

import bagit
import pytest
from ansible_collections.camsec.fleet.extensions.endpoint.testing import RunningEndpoint
from ansible_collections.camsec.fleet.extensions.simulator.testing import QuirkyFtpesServer

from .conftest import HOST, KINDS, Desk, Site

ServerOf = t.Callable[..., t.Any]
Files = dict[str, bytes]


def evidence(desk: Desk, count: int, largest: int, seed: int = 1) -> Files:
    made = random.Random(seed)
    files = {
        f"reel{number % 3}/clip{number:03}.mxf": made.randbytes(made.randrange(largest)) for number in range(count)
    }
    files["leer.txt"] = b""
    files["reel0/日本 ü.mxf"] = b"unicode"
    for name, content in files.items():
        path = desk.source / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return files


def check_bag(desk: Desk, place: pathlib.Path, files: Files) -> None:
    """What lies at the server is the bag of these files, to the byte, and nothing else."""
    there = {path.relative_to(place).as_posix(): path for path in place.rglob("*") if path.is_file()}
    assert {name for name in there if name.startswith("data/")} == {f"data/A001/{name}" for name in files}
    for name, content in files.items():
        assert there[f"data/A001/{name}"].read_bytes() == content
    assert not [name for name in there if name.endswith(".part")]
    bagit.Bag(str(place)).validate()
    checked = desk.verify(place)
    assert checked.status == 0, checked.out


@pytest.mark.parametrize("protocol", ["TLSv1.2", "TLSv1.3"])
@pytest.mark.parametrize("kind", KINDS)
def test_a_bag_on_each_server(desk: Desk, server_of: ServerOf, kind: str, protocol: str) -> None:
    server = server_of(kind, protocol)
    files = evidence(desk, 25, 200_000)
    directory = f"{kind}-{protocol}"
    sent = desk.run(*desk.sending(server, desk.source, directory=directory))
    assert (sent.status, sent.err) == (0, "")
    assert (sent.summary["sent"], sent.summary["sealed"]) == (len(files), True)
    check_bag(desk, server.home / directory, files)
    again = desk.run(*desk.sending(server, desk.source, directory=directory))
    assert (again.status, again.summary["sent"], again.summary["done_before"]) == (0, 0, len(files))
    assert desk.run("query", "--deprecated", "--state-directory", desk.state).status == 0
    resumed = desk.ledger("SELECT DISTINCT resumed FROM channels WHERE channel = 'data'")
    # pure-ftpd hands out no ticket in TLS 1.3, so there is nothing to resume with.
    assert resumed == [(0 if (kind, protocol) == ("pure-ftpd", "TLSv1.3") else 1,)]


@pytest.mark.parametrize("kind", ["vsftpd", "endpoint"])
def test_killed_at_any_instant_it_goes_on(
    desk: Desk, site: Site, server_of: ServerOf, tmp_path: pathlib.Path, kind: str
) -> None:
    with contextlib.ExitStack() as stack:
        if kind == "vsftpd":
            server = server_of("vsftpd")
        else:  # our own one, where evidence is written once
            server = stack.enter_context(RunningEndpoint(tmp_path, host=HOST, certificates=[site.certificate()]))
        kill_and_go_on(desk, server)


def kill_and_go_on(desk: Desk, server: t.Any) -> None:
    files = evidence(desk, 40, 600_000)
    directory = f"kill-{os.urandom(3).hex()}"
    command = desk.command(*desk.sending(server, desk.source, "--limit-rate", "6M", directory=directory))
    dice = random.Random(7)
    killed = 0
    status = None
    for turn in range(40):
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL)
        # From the third of a second on it sends; the last turns may run to their end.
        pause = dice.uniform(0.3, 1.2) if turn < 12 else 120
        with contextlib.suppress(subprocess.TimeoutExpired):
            status = process.wait(pause)
        if process.poll() is None:
            process.send_signal(signal.SIGKILL)
            killed += 1
        _out, err = process.communicate(timeout=20)
        assert b"Traceback" not in err, err
        if status == 0:
            break
    assert status == 0
    assert killed >= 3
    check_bag(desk, server.home / directory, files)
    assert desk.ledger("SELECT state, COUNT(*) FROM jobs GROUP BY state") == [("done", len(files))]
    twice = "SELECT remote_path FROM attempts WHERE outcome = 'sent' GROUP BY remote_path HAVING COUNT(*) > 1"
    assert desk.ledger(twice) == []


def test_two_processes_share_the_work(desk: Desk, server_of: ServerOf) -> None:
    server = server_of("vsftpd")
    files = evidence(desk, 60, 100_000)
    directory = f"two-{os.urandom(3).hex()}"
    command = desk.command(*desk.sending(server, desk.source, "--sessions", "2", directory=directory))
    processes = [
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL)
        for _number in range(2)
    ]
    for process in processes:
        _out, err = process.communicate(timeout=100)
        assert (process.returncode, err) == (0, b"")
    check_bag(desk, server.home / directory, files)
    twice = "SELECT job FROM attempts WHERE job IS NOT NULL GROUP BY job HAVING COUNT(*) > 1"
    assert desk.ledger(twice) == []


def test_interrupted_it_says_so_and_goes_on(desk: Desk, server_of: ServerOf) -> None:
    server = server_of("vsftpd")
    files = evidence(desk, 20, 400_000)
    directory = f"stop-{os.urandom(3).hex()}"
    arguments = desk.sending(server, desk.source, directory=directory)
    process = subprocess.Popen(
        desk.command(*arguments, "--limit-rate", "1M"), stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert process.stdout is not None
    assert b"started" in process.stdout.readline()
    process.send_signal(signal.SIGTERM)
    _out, err = process.communicate(timeout=30)
    assert (process.returncode, err) == (130, b"")
    assert b"left for the next run" in _out
    assert b"retried" not in _out
    assert desk.ledger("SELECT COUNT(*) FROM jobs WHERE state = 'leased'") == [(0,)]
    assert desk.run(*arguments).status == 0
    check_bag(desk, server.home / directory, files)


def test_a_watched_folder(desk: Desk, server_of: ServerOf) -> None:
    server = server_of("vsftpd")
    (desk.source / "a.mxf").write_bytes(b"a")
    directory = f"watch-{os.urandom(3).hex()}"
    arguments = desk.sending(server, directory=directory)
    arguments[0] = "watch"
    process = subprocess.Popen(
        desk.command(*arguments, desk.source, "--settle", "0.2", "--poll", "0.1", "--seal-after", "0.5"),
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    try:
        deadline = time.monotonic() + 30
        while not list((server.home / directory).glob("*/manifest-sha256.txt")):
            assert time.monotonic() < deadline
            time.sleep(0.1)
    finally:
        process.send_signal(signal.SIGTERM)
        _out, err = process.communicate(timeout=30)
    assert (process.returncode, err) == (0, b"")
    (place,) = (server.home / directory).iterdir()
    bagit.Bag(str(place)).validate()
    assert (place / "data/a.mxf").read_bytes() == b"a"


# What goes wrong


def refused(desk: Desk, arguments: list[t.Any], status: int, *words: str) -> None:
    """One sentence, the exit code, a ledger that is intact and has not forgotten the file."""
    done = desk.run(*arguments)
    assert done.status == status, (done.status, done.out, done.err)
    (error,) = done.summary["errors"]
    for word in words:
        assert word in error["text"], error["text"]
    assert "\n" not in error["text"]
    port = arguments[arguments.index("--port") + 1]
    assert desk.ledger(f"SELECT COUNT(*) FROM jobs WHERE state IN ('waiting', 'failed') AND port = {port}") == [(1,)]


@pytest.fixture
def one(desk: Desk) -> Desk:
    (desk.source / "clip.mxf").write_bytes(os.urandom(300_000))
    return desk


def test_a_wrong_password(one: Desk, server_of: ServerOf) -> None:
    server = server_of("vsftpd")
    arguments = one.sending(server, one.source)
    (one.home / "password").write_text("wrong")
    refused(one, arguments, 6, "530")
    (one.home / "password").write_text(server.password)
    assert one.run(*arguments).status == 0


def test_certificates_that_are_not_to_be_trusted(one: Desk, site: Site) -> None:
    for names, now, words in (
        (("127.63.0.99",), None, "127.63.0.1"),
        ((HOST,), dt.datetime.now(dt.UTC) - dt.timedelta(days=20), "expired"),
    ):
        certificate, key = site.certificate(*names, now=now, days=30 if now is None else 10)
        with QuirkyFtpesServer(host=HOST, certificate=certificate, key=key) as server:
            refused(one, one.sending(server, one.source), 5, words)
    with QuirkyFtpesServer(host=HOST) as server:  # of an authority that nobody knows
        refused(one, one.sending(server, one.source), 5, "certificate")


def test_a_suite_outside_of_the_policy_and_one_that_is_deprecated(one: Desk, site: Site) -> None:
    certificate, key = site.certificate()
    with QuirkyFtpesServer(host=HOST, certificate=certificate, key=key, tls="1.2", ciphers="AES128-SHA") as server:
        arguments = one.sending(server, one.source)
        done = one.run(*arguments)
        assert done.status in (4, 5), done.out
        assert len(done.summary["errors"]) == 1
        assert one.run(*arguments, "--policy", "compatible").status == 0
    asked = one.run("query", "--deprecated", "--state-directory", one.state)
    assert asked.status == 1
    assert "TLS_RSA_WITH_AES_128_CBC_SHA on the data channel, sent" in asked.out
    assert "TLS_RSA_WITH_AES_128_CBC_SHA on the control channel, sent" in asked.out


@pytest.mark.parametrize(("quirk", "status", "words"), [
    ("disk_full", 8, "52 "),
    ("drop_tls", 4, ""),
    ("cut", 4, ""),
    ("late_450", 8, "450"),
    ("wrong_hash", 7, ""),
    ("wrong_size", 7, ""),
])  # fmt: skip
def test_servers_that_fail(one: Desk, site: Site, quirk: str, status: int, words: str) -> None:
    certificate, key = site.certificate()
    with QuirkyFtpesServer(quirk=quirk, at_byte=100_000, host=HOST, certificate=certificate, key=key) as server:
        # What a server takes back after the data is proven to be there all the same by a second try.
        arguments = one.sending(server, one.source, "--attempts", "1" if quirk == "late_450" else "2")
        refused(one, arguments, status, words)
        assert not list(server.root.rglob("clip.mxf"))
        server.misbehave()
        assert one.run(*arguments).status == 0
        bagit.Bag(str(server.root / "case/1")).validate()


def test_changed_while_it_is_being_sent(one: Desk, server_of: ServerOf) -> None:
    server = server_of("vsftpd")
    directory = f"changing-{os.urandom(3).hex()}"
    path = one.source / "clip.mxf"
    process = subprocess.Popen(
        one.command(*one.sending(server, one.source, "--limit-rate", "150k", directory=directory)),
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stdout is not None
    assert "started" in process.stdout.readline()
    with path.open("ab") as file:
        file.write(b"more")
    out, err = process.communicate(timeout=60)
    assert process.returncode == 7, (out, err)
    assert not list((server.home / directory).rglob("clip.mxf"))
    assert one.run(*one.sending(server, one.source, directory=directory)).status == 0
    assert (server.home / directory / "data/A001/clip.mxf").read_bytes() == path.read_bytes()


def test_no_such_file_and_no_secret_anywhere(desk: Desk, server_of: ServerOf) -> None:
    server = server_of("vsftpd")
    done = desk.run(*desk.sending(server, desk.home / "nothing"))
    assert done.status == 3
    assert done.summary["errors"][0]["text"].startswith(f"{desk.home}/nothing: file: found no such file")
    assert server.password not in done.out + done.err
    for path in desk.state.iterdir():
        assert path.is_dir() or server.password.encode() not in path.read_bytes()
