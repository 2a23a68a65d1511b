# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Logins, users, limits."""

from __future__ import annotations

import contextlib
import ftplib
import json
import os
import pathlib
import socket
import subprocess
import time
import typing as t

import pytest
from ansible_collections.camsec.fleet.extensions.endpoint.testing import PASSWORD, RunningEndpoint

Connect = t.Callable[..., t.Any]
Program = t.Callable[..., subprocess.CompletedProcess[str]]
Run = t.Callable[..., RunningEndpoint]


def wrong(endpoint: RunningEndpoint, connect: Connect, user: str, password: str = "wrong-word") -> str:
    client = connect(endpoint)
    client.auth()
    client.sendcmd(f"USER {user}")
    with pytest.raises(ftplib.Error) as caught:
        client.sendcmd(f"PASS {password}")
    return str(caught.value)


def test_wrong_logins_look_alike(run: Run, connect: Connect) -> None:
    endpoint = run()
    assert wrong(endpoint, connect, "evidence") == wrong(endpoint, connect, "nobody") == "530 Wrong login."
    failed = endpoint.events("login_failed")
    assert [one.get("account") for one in failed] == ["evidence", None]
    text = endpoint.audit_log.read_text()
    assert "wrong-word" not in text
    assert "nobody" not in text


def test_three_wrong_logins_end_a_connection(endpoint: RunningEndpoint, connect: Connect) -> None:
    client = connect(endpoint)
    client.auth()
    for dummy in range(3):
        client.sendcmd(f"USER {endpoint.user}")
        assert client.refused("PASS wrong").startswith("530")
    with pytest.raises((EOFError, OSError)):
        client.sendcmd("NOOP")


def test_an_address_pauses_after_many(run: Run, connect: Connect) -> None:
    endpoint = run(login_failures_before_pause=3, login_pause_seconds=600)
    for dummy in range(3):
        assert wrong(endpoint, connect, "evidence").startswith("530")
    with pytest.raises(ftplib.error_temp, match="421"):
        connect(endpoint)
    other = socket.create_connection((endpoint.host, endpoint.port), 10, source_address=("127.65.0.77", 0))
    with other:
        assert other.recv(3) == b"220"
    assert endpoint.await_event("connection_refused")["reason"] == "wrong logins"


def test_a_login_does_not_stop_a_transfer(run: Run, connect: Connect) -> None:
    """Another session waits out its delay of ten seconds; this one goes on."""
    endpoint = run(login_delay_seconds=10)
    client, slow = connect(endpoint).enter(), connect(endpoint)
    slow.auth()
    slow.sendcmd("USER evidence")
    slow.sock.sendall(b"PASS wrong\r\n")
    endpoint.await_event("login_failed")
    start = time.monotonic()
    assert client.store("a.mxf", b"x" * 1_000_000).startswith("226")
    slow.sock.settimeout(0.01)
    with pytest.raises(TimeoutError):
        slow.sock.recv(1)
    assert time.monotonic() - start < 10
    slow.close()


def test_users_change_without_a_restart(run: Run, connect: Connect, program: Program) -> None:
    endpoint = run()
    file = ("user", "--users-file", str(endpoint.users_file))
    commands = ("EPSV", "RNFR a.part", "DELE a.part", "MKD a", "MFMT 20200101000000 a.part", "STAT", "NOOP")
    logged_in = {command: connect(endpoint).enter() for command in commands}
    logged_in["EPSV"].store("a.part", b"x")
    assert program(*file, "add", "cam.2", "--no-download", stdin="Seven%words1\n").returncode == 0
    assert endpoint.users_file.stat().st_mode & 0o777 == 0o600
    client = connect(endpoint)
    client.login("cam.2", "Seven%words1")
    client.prot_p()
    assert client.store("a.mxf", b"x").startswith("226")
    client.makepasv()
    assert client.refused("RETR a.mxf").startswith("550")
    assert program(*file, "set-password", "cam.2", stdin="Other+words2\n").returncode == 0
    assert wrong(endpoint, connect, "cam.2", "Seven%words1").startswith("530")
    assert program(*file, "disable", "evidence").returncode == 0
    for command, session in logged_in.items():
        with pytest.raises(ftplib.error_temp, match="421"):
            session.sendcmd(command)
        with pytest.raises((EOFError, OSError)):
            session.sendcmd(command)
    assert [path.name for path in endpoint.home.iterdir()] == ["a.part"]
    assert program(*file, "enable", "evidence").returncode == 0
    connect(endpoint).enter()
    listed = json.loads(program(*file, "list", "--format", "json").stdout)
    assert listed == [
        {"name": "cam.2", "download": False, "enabled": True},
        {"name": "evidence", "download": True, "enabled": True},
    ]
    assert program(*file, "remove", "cam.2").returncode == 0
    assert wrong(endpoint, connect, "cam.2", "Other+words2").startswith("530")
    assert (endpoint.root / "cam.2" / "a.mxf").read_bytes() == b"x"
    assert "argon2" not in endpoint.audit_log.read_text()


@pytest.mark.parametrize(
    ("arguments", "stdin", "said"),
    [
        (("add", "a/b"), "Seven%words1\n", "user name"),
        (("add", ".."), "Seven%words1\n", "user name"),
        (("add", "new"), "short\n", "password: found one of 5 characters"),
        (("add", "evidence"), "Seven%words1\n", "one that is there already"),
        (("remove", "nobody"), "", "no such user"),
        (("set-password", "nobody"), "Seven%words1\n", "no such user"),
    ],
)
def test_user_commands_that_cannot_be(
    program: Program, tmp_path: pathlib.Path, arguments: tuple[str, ...], stdin: str, said: str
) -> None:
    file = tmp_path / "users.yml"
    assert program("user", "--users-file", str(file), "add", "evidence", stdin=f"{PASSWORD}\n").returncode == 0
    before = file.read_bytes()
    done = program("user", "--users-file", str(file), *arguments, stdin=stdin)
    assert done.returncode == 1
    assert said in done.stderr
    assert done.stderr.count("\n") == 1
    assert "Traceback" not in done.stderr
    assert stdin.strip() not in done.stderr or not stdin
    assert file.read_bytes() == before


def test_users_as_a_list(program: Program, tmp_path: pathlib.Path) -> None:
    """What the role does: the same list again changes nothing, though a hash has its own salt each time."""
    file = tmp_path / "users.yml"
    command = ("user", "--users-file", str(file), "apply")
    one, two = {"name": "a", "password": "Seven%words1"}, {"name": "b", "password": "Seven%words2"}

    def apply(*users: dict[str, t.Any], dry_run: bool = False) -> dict[str, t.Any]:
        done = program(*command, *(["--dry-run"] if dry_run else []), stdin=json.dumps(users))
        assert done.returncode == 0, done.stderr
        return t.cast("dict[str, t.Any]", json.loads(done.stdout))

    assert apply(one, two, dry_run=True)["changed"] is True
    assert not file.exists()
    assert apply(one, two) == {"changed": True, "added": ["a", "b"], "altered": [], "removed": []}
    before = file.read_bytes()
    assert apply(one, two)["changed"] is False
    assert file.read_bytes() == before
    told = apply(one | {"password": "Eight%words1"}, {"name": "c", "password": "Seven%words3", "download": False})
    assert told == {"changed": True, "added": ["c"], "altered": ["a"], "removed": ["b"]}
    done = program(*command, stdin='[{"name": "a", "password": "Secret%word9"')
    assert done.returncode == 1
    assert "Secret" not in done.stderr + done.stdout


def test_a_broken_users_file_keeps_the_last_good_one(run: Run, connect: Connect) -> None:
    endpoint = run()
    good = endpoint.users_file.read_bytes()
    endpoint.users_file.write_bytes(b"users: [1, 2")
    connect(endpoint).enter()
    assert "no YAML" in endpoint.await_event("users_refused")["problem"]
    endpoint.users_file.write_bytes(good)
    connect(endpoint).enter()
    endpoint.await_event("users_accepted")


def test_connections_of_one_address(run: Run, connect: Connect) -> None:
    endpoint = run(max_connections_per_address=2)
    one = connect(endpoint)
    connect(endpoint)
    with pytest.raises(ftplib.error_temp, match="421"):
        connect(endpoint)
    one.quit()
    endpoint.await_event("disconnect")
    for dummy in range(100):
        try:
            connect(endpoint)
        except ftplib.error_temp:
            time.sleep(0.05)
        else:
            break
    else:
        pytest.fail("the place of the connection that has ended is not free")


def test_connections_in_total_and_of_one_user(run: Run, connect: Connect) -> None:
    endpoint = run(max_connections=2, max_connections_per_user=1)
    connect(endpoint).enter()
    second = connect(endpoint)
    second.auth()
    second.sendcmd("USER evidence")
    with pytest.raises(ftplib.error_temp, match="421"):
        second.sendcmd(f"PASS {PASSWORD}")
    assert endpoint.await_event("login_refused")["account"] == "evidence"


def test_time_for_the_login(run: Run) -> None:
    endpoint = run(login_seconds=0.3)
    with socket.create_connection((endpoint.host, endpoint.port), 10) as sock:
        got = b""
        while block := sock.recv(1000):
            got += block
    assert b"421 No login in time." in got
    # Also when TLS has begun and goes no further.
    with socket.create_connection((endpoint.host, endpoint.port), 10) as sock:
        sock.recv(1000)
        sock.sendall(b"AUTH TLS\r\n")
        while sock.recv(1000):
            pass
    endpoint.await_event("login_timeout", count=2)


def test_idle_and_stalled_connections_end(run: Run, connect: Connect) -> None:
    endpoint = run(idle_seconds=0.5, stall_seconds=0.5)
    client = connect(endpoint).enter()
    connection = client.transfercmd("STOR a.part")
    connection.sendall(b"x" * 1000)
    with pytest.raises(ftplib.error_temp, match="426"):
        client.voidresp()
    connection.close()
    with pytest.raises(ftplib.error_temp, match="421"):
        client.getresp()


def test_speed_of_one_connection(run: Run, connect: Connect) -> None:
    endpoint = run(rate_per_connection=1_000_000)
    client = connect(endpoint).enter()
    start = time.monotonic()
    assert client.store("a.mxf", os.urandom(1_500_000)).startswith("226")
    assert time.monotonic() - start > 1.0
    assert (endpoint.home / "a.mxf").stat().st_size == 1_500_000


def test_speed_of_all_connections(run: Run, connect: Connect) -> None:
    endpoint = run(rate_total="1 MB")
    clients = [connect(endpoint).enter() for dummy in range(2)]
    start = time.monotonic()
    connections = [client.transfercmd(f"STOR {number}.mxf") for number, client in enumerate(clients)]
    for connection in connections:
        connection.sendall(os.urandom(750_000))
    for client, connection in zip(clients, connections, strict=True):
        client.end(connection)
        assert client.voidresp().startswith("226")
    assert time.monotonic() - start > 1.0


def overfull(client: t.Any, name: str) -> str:
    """The answer to an upload of 3 MB, which the endpoint may break off before all of it is sent."""
    connection = client.transfercmd(f"STOR {name}")
    with contextlib.suppress(OSError):
        connection.sendall(b"x" * 3_000_000)
        client.end(connection)
    connection.close()
    with pytest.raises(ftplib.error_perm) as caught:
        client.voidresp()
    return str(caught.value)


def test_largest_file(run: Run, connect: Connect) -> None:
    endpoint = run(max_file_size="100 kB")
    client = connect(endpoint).enter()
    assert client.refused("ALLO 100001").startswith("552")
    assert client.sendcmd("ALLO 100000").startswith("200")
    assert overfull(client, "a.mxf").startswith("552")
    end = endpoint.await_event("upload_end")
    assert end["completed"] is False
    assert end["problem"] == "larger than allowed"


@pytest.mark.parametrize("on_full", ["keep", "remove"])
def test_no_room(run: Run, connect: Connect, on_full: str) -> None:
    """The system's limit for files stands in for a full disk: both give 552 (see the unit tests for ENOSPC)."""
    endpoint = run(prefix=["prlimit", "--fsize=400000"], on_full=on_full)
    client = connect(endpoint).enter()
    assert overfull(client, "a.part").startswith("552")
    path = endpoint.home / "a.part"
    assert path.exists() is (on_full == "keep")
    if on_full == "keep":
        assert path.stat().st_size == 400_000
        assert client.sendcmd("SIZE a.part") == "213 400000"
