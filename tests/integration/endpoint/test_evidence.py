# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Write once: what may be done to which file."""

from __future__ import annotations

import contextlib
import ftplib
import hashlib
import json
import os
import socket
import time
import typing as t
import zlib

import pytest
from ansible_collections.camsec.fleet.extensions.endpoint.testing import RunningEndpoint

Connect = t.Callable[..., t.Any]
Run = t.Callable[..., RunningEndpoint]


def cut(client: t.Any, name: str, content: bytes, *, rest: int | None = None) -> None:
    """Upload a part and break the line; the answer is read."""
    connection = client.transfercmd(f"STOR {name}", rest)
    connection.sendall(content)
    socket.socket(fileno=connection.detach()).close()
    with pytest.raises(ftplib.error_temp, match="426"):
        client.voidresp()


def test_a_complete_file_stays_as_it_is(endpoint: RunningEndpoint, connect: Connect) -> None:
    client = connect(endpoint).enter()
    client.store("clip.mxf", b"evidence")
    path = endpoint.home / "clip.mxf"
    for again in (client, connect(endpoint).enter()):
        for command in ("STOR", "APPE"):
            with pytest.raises(ftplib.error_perm, match="553"):
                again.store("clip.mxf", b"forged", command=command)
        with pytest.raises(ftplib.error_perm, match="553"):
            again.store("clip.mxf", b"forged", rest=2)
        assert again.refused("DELE clip.mxf").startswith("550")
        assert again.refused("RNFR clip.mxf").startswith("550")
        assert again.refused("SITE CHMOD 777 clip.mxf").startswith("502")
    assert connect(endpoint).enter().refused("MFMT 20200101000000 clip.mxf").startswith("550")
    assert path.read_bytes() == b"evidence"
    assert path.stat().st_mode & 0o777 == 0o440
    assert path.parent.stat().st_mode & 0o777 == 0o700


def test_the_uploaders_way(endpoint: RunningEndpoint, connect: Connect) -> None:
    client = connect(endpoint).enter()
    content = os.urandom(700_000)
    client.mkd("bag")
    client.mkd("bag/data")
    cut(client, "bag/camsec-1.part", content[:300_000])
    size = client.size("bag/camsec-1.part")
    assert 0 < size <= 300_000
    head = hashlib.sha256(content[:size]).hexdigest()
    assert client.sendcmd("HASH bag/camsec-1.part") == f"213 SHA-256 0-{size} {head} /bag/camsec-1.part"
    assert client.store("bag/camsec-1.part", content[size:], rest=size).startswith("226")
    whole = hashlib.sha256(content).hexdigest()
    assert whole in client.sendcmd("HASH bag/camsec-1.part")
    assert client.rename("bag/camsec-1.part", "bag/data/clip.mxf").startswith("250")
    assert client.voidcmd("MFMT 20200102030405 bag/data/clip.mxf").startswith("213")
    path = endpoint.home / "bag" / "data" / "clip.mxf"
    assert path.read_bytes() == content
    assert path.stat().st_mode & 0o777 == 0o440
    assert time.gmtime(path.stat().st_mtime)[:6] == (2020, 1, 2, 3, 4, 5)
    assert [one.name for one in path.parents[1].iterdir()] == ["data"]
    assert endpoint.await_event("rename")["sha256"] == whole
    ends = endpoint.events("upload_end")
    assert [(one["completed"], one["evidence"]) for one in ends] == [(False, False), (True, False)]
    assert ends[-1]["sha256"] == whole


def test_a_temporary_file_is_the_users_own(endpoint: RunningEndpoint, connect: Connect) -> None:
    client = connect(endpoint).enter()
    client.store("a.part", b"one")
    client.store("a.part", b"two2")
    client.store("a.part", b"!", command="APPE")
    assert (endpoint.home / "a.part").read_bytes() == b"two2!"
    client.store("a.part", b"three", rest=2)
    assert (endpoint.home / "a.part").read_bytes() == b"twthree"
    client.rename("a.part", "b.part")
    assert client.voidcmd("MFMT 20200101000000 b.part").startswith("213")
    client.delete("b.part")
    assert not list(endpoint.home.iterdir())


def test_no_rename_over_anything(endpoint: RunningEndpoint, connect: Connect) -> None:
    client = connect(endpoint).enter()
    client.store("clip.mxf", b"evidence")
    client.store("a.part", b"a")
    client.store("b.part", b"b")
    for target in ("clip.mxf", "b.part"):
        with pytest.raises(ftplib.error_perm, match="553"):
            client.rename("a.part", target)
    with pytest.raises(ftplib.error_perm, match="553"):
        client.rename("a.part", "nowhere/clip.mxf")
    assert client.refused("RNTO c.mxf").startswith("503")
    assert {path.name: path.read_bytes() for path in endpoint.home.iterdir()} == {
        "clip.mxf": b"evidence",
        "a.part": b"a",
        "b.part": b"b",
    }
    assert (endpoint.home / "a.part").stat().st_mode & 0o777 == 0o640


def test_a_cameras_way(endpoint: RunningEndpoint, connect: Connect) -> None:
    """Straight to the final name; a broken upload may go on, begin anew, or be given up, until it is complete."""
    client = connect(endpoint).enter()
    cut(client, "a.mxf", b"x" * 40_000)
    path = endpoint.home / "a.mxf"
    assert path.stat().st_mode & 0o777 == 0o600
    size = path.stat().st_size
    assert client.store("a.mxf", b"y" * 10, rest=size).startswith("226")
    assert path.read_bytes() == b"x" * size + b"y" * 10
    cut(client, "b.mxf", b"x" * 40_000)
    assert client.store("b.mxf", b"anew").startswith("226")
    assert (endpoint.home / "b.mxf").read_bytes() == b"anew"
    cut(client, "c.mxf", b"x" * 40_000)
    client.delete("c.mxf")
    assert client.refused("DELE a.mxf").startswith("550")


def test_an_upload_that_brings_nothing_leaves_nothing(endpoint: RunningEndpoint, connect: Connect) -> None:
    client = connect(endpoint).enter()
    cut(client, "a.mxf", b"")
    assert not (endpoint.home / "a.mxf").exists()
    assert client.store("empty.mxf", b"").startswith("226")
    assert (endpoint.home / "empty.mxf").stat().st_size == 0


def test_one_writer_at_a_time(endpoint: RunningEndpoint, connect: Connect) -> None:
    one, other = connect(endpoint).enter(), connect(endpoint).enter()
    connection = one.transfercmd("STOR a.part")
    connection.sendall(b"x" * 1000)
    for command in ("STOR a.part", "APPE a.part"):
        other.makepasv()
        with pytest.raises(ftplib.error_temp, match="450"):
            other.sendcmd(command)
    with pytest.raises(ftplib.error_temp, match="450"):
        one.sendcmd("RETR a.part")
    for command in ("DELE a.part", "MFMT 20200101000000 a.part"):
        assert "550" in other.refused(command)
    with pytest.raises(ftplib.error_temp, match="450"):
        other.rename("a.part", "a.mxf")
    one.end(connection)
    assert one.voidresp().startswith("226")
    other.rename("a.part", "a.mxf")
    assert (endpoint.home / "a.mxf").read_bytes() == b"x" * 1000


def test_a_control_connection_that_dies_leaves_a_part(endpoint: RunningEndpoint, connect: Connect) -> None:
    client = connect(endpoint).enter()
    connection = client.transfercmd("STOR a.part")
    connection.sendall(b"x" * 100_000)
    client.sock.close()
    connection.close()
    end = endpoint.await_event("upload_end")
    assert end["completed"] is False
    assert (endpoint.home / "a.part").stat().st_size == end["size"]
    again = connect(endpoint).enter()
    assert again.store("a.part", b"new").startswith("226")


def test_no_way_out_of_the_home(endpoint: RunningEndpoint, connect: Connect) -> None:
    client = connect(endpoint).enter()
    secret = endpoint.folder / "secret"
    secret.write_text("secret")
    (endpoint.home / "link").symlink_to(secret)
    (endpoint.home / "out").symlink_to(endpoint.folder)
    (endpoint.home / "loop").symlink_to(endpoint.home)
    commands = ("RETR link", "SIZE link", "HASH link", "XCRC link", "DELE link", "RNFR link", "MDTM link", "CWD out")
    for command in (*commands, "HASH out/secret", "CWD loop", "MKD out/new", "XSHA256 ../../secret"):
        if command.startswith("RETR"):
            client.makepasv()
        assert client.refused(command).startswith("550"), command
    for name in ("link", "out/new", "../../new", "/../../new"):
        client.makepasv()
        if name.endswith("../new"):
            # `..` ends at the home, as in a chroot.
            assert client.store(name, b"inside").startswith("226")
            assert (endpoint.home / "new").read_bytes() == b"inside"
            (endpoint.home / "new").unlink()
        else:
            assert client.refused(f"STOR {name}").startswith("550")
    assert [name for name, dummy in client.mlsd()] == []
    assert secret.read_text() == "secret"
    # Attempts at a way out are in the audit log, questions for what is not there are not.
    assert "/link" not in {one.get("argument") for one in endpoint.events("refused") if "outside" not in one["reply"]}
    count = len(endpoint.events("refused"))
    assert count >= len(commands)
    client.refused("SIZE nothing")
    assert len(endpoint.events("refused")) == count


@pytest.mark.parametrize("name", ["a\u202ebc.mxf", "a\u200fb.mxf", "x" * 256, "\u00fc" * 128])
def test_names_that_cannot_be(endpoint: RunningEndpoint, connect: Connect, name: str) -> None:
    client = connect(endpoint).enter()
    client.makepasv()
    assert client.refused(f"STOR {name}").startswith("553")
    assert client.refused(f"MKD {name}").startswith("550")
    client.store("a.part", b"x")
    client.sendcmd("RNFR a.part")
    assert client.refused(f"RNTO {name}").startswith("553")


def test_unicode_names(endpoint: RunningEndpoint, connect: Connect) -> None:
    client = connect(endpoint).enter()
    name = 'Käse "映像" 🎬 1 2.mxf'
    client.mkd("Übung")
    client.cwd("Übung")
    assert client.pwd() == "/Übung"
    client.store(name, b"x")
    assert [one for one, dummy in client.mlsd()] == [name]
    assert client.size(name) == 1
    digest = hashlib.sha256(b"x").hexdigest()
    assert digest in client.sendcmd(f"HASH {name}")
    assert digest.upper() in client.sendcmd(f"XSHA256 {name}")


def test_control_characters_do_not_reach_the_log(endpoint: RunningEndpoint, connect: Connect) -> None:
    client = connect(endpoint).enter()
    for raw in (b"MKD a\nb", b"MKD a\x00b", b"MKD \xff\xfe", b"MKD a\x1b[31m"):
        client.sock.sendall(raw + b"\r\n")
        assert client.getline().startswith("501")
    client.mkd("x\u2028y")
    assert endpoint.await_event("make_directory")["path"] == "/x\u2028y"
    lines = endpoint.audit_log.read_text(encoding="ascii").splitlines()
    assert all(set(json.loads(line)) >= {"time", "event"} for line in lines)
    assert len([one for one in endpoint.events("refused") if one.get("user") == endpoint.user]) == 4


def test_directories(endpoint: RunningEndpoint, connect: Connect) -> None:
    client = connect(endpoint).enter()
    client.mkd("a")
    client.store("a/clip.mxf", b"x")
    assert client.refused("RMD a").startswith("550")
    assert client.refused("RNFR a").startswith("550")
    assert client.refused("RMD /").startswith("550")
    client.mkd("b")
    client.rmd("b")
    assert client.refused("MKD a").startswith("550")
    client.makepasv()
    assert client.refused("STOR a").startswith("550")
    client.makepasv()
    assert client.refused("STOR nowhere/a").startswith("553")


def test_checksums(endpoint: RunningEndpoint, connect: Connect) -> None:
    client = connect(endpoint).enter()
    content = os.urandom(100_000)
    client.store("a b.mxf", content)
    assert "HASH SHA-256*;SHA-512;CRC32" in client.sendcmd("FEAT")
    assert client.sendcmd("OPTS HASH SHA-512") == "200 SHA-512"
    assert "HASH SHA-256;SHA-512*;CRC32" in client.sendcmd("FEAT")
    assert hashlib.sha512(content).hexdigest() in client.sendcmd("HASH a b.mxf")
    assert client.refused("OPTS HASH MD5").startswith("501")
    assert client.sendcmd('XCRC "a b.mxf"') == f"250 {zlib.crc32(content):08X}"
    part = hashlib.sha256(content[10:200]).hexdigest().upper()
    assert client.sendcmd('XSHA256 "a b.mxf" 10 200') == f"250 {part}"
    assert client.sendcmd("XSHA512 a b.mxf") == f"250 {hashlib.sha512(content).hexdigest().upper()}"
    assert client.refused('XSHA256 "a b.mxf" 10 200000').startswith("554")
    assert client.refused("HASH nothing").startswith("550")
    assert client.refused("HASH /").startswith("550")
    client.store("take 1 2", b"numbers")
    assert client.sendcmd("XSHA256 take 1 2") == f"250 {hashlib.sha256(b'numbers').hexdigest().upper()}"


def test_read_back(endpoint: RunningEndpoint, connect: Connect) -> None:
    client = connect(endpoint).enter()
    content = os.urandom(300_000)
    client.store("a.mxf", content)
    for rest in (None, 1000):
        connection = client.transfercmd("RETR a.mxf", rest)
        got = b""
        while block := connection.recv(65536):
            got += block
        client.end(connection)
        assert client.voidresp().startswith("226")
        assert got == content[rest or 0 :]
    assert endpoint.await_event("download")["completed"] is True


def test_content_is_never_converted(endpoint: RunningEndpoint, connect: Connect) -> None:
    client = connect(endpoint).enter()
    client.voidcmd("TYPE A")
    client.store("a.mxf", b"one\r\ntwo\r\n")
    assert (endpoint.home / "a.mxf").read_bytes() == b"one\r\ntwo\r\n"


def test_abor(endpoint: RunningEndpoint, connect: Connect) -> None:
    client = connect(endpoint).enter()
    connection = client.transfercmd("STOR a.part")
    connection.sendall(b"x" * 50_000)
    # The size grows only when bytes have come.
    client.sock.sendall(b"\xff\xf4\xff\xf2ABOR\r\n")
    assert client.getmultiline()[:3] in ("426", "225")
    connection.close()
    assert endpoint.await_event("upload_end")["completed"] is False
    client.close()
    assert connect(endpoint).enter().store("a.part", b"x").startswith("226")


def test_a_command_without_its_data_connection(endpoint: RunningEndpoint, connect: Connect) -> None:
    client = connect(endpoint).enter()
    with pytest.raises(ftplib.error_temp, match="425"):
        client.sendcmd("STOR a.mxf")
    assert not (endpoint.home / "a.mxf").exists()


@pytest.mark.parametrize("between", [["EPSV"], ["ABOR", "EPSV"], ["PASV"], ["EPSV", "EPSV"]])
def test_an_upload_that_waits_does_not_get_the_next_data_connection(
    endpoint: RunningEndpoint, connect: Connect, between: list[str]
) -> None:
    """A client gives up an upload that has no data connection and tries again: nothing empty becomes evidence."""
    client = connect(endpoint).enter()
    client.sendcmd("EPSV")
    assert client.sendcmd("STOR clip.mxf").startswith("150")
    for command in between[:-1]:
        client.sendcmd(command)
    answer = client.sendcmd(between[-1])
    port = ftplib.parse227(answer)[1] if between[-1] == "PASV" else ftplib.parse229(answer, (endpoint.host, 0))[1]
    data = socket.create_connection((endpoint.host, port), 20)
    assert client.sendcmd("STOR clip.mxf")[:3] in ("125", "150")
    data = client.context.wrap_socket(data, server_hostname=client.host, session=client.sock.session)
    data.sendall(b"evidence")
    client.end(data)
    assert client.voidresp().startswith("226 Complete: 8 bytes")
    assert (endpoint.home / "clip.mxf").read_bytes() == b"evidence"
    ends = endpoint.events("upload_end")
    assert [(one["completed"], one["size"]) for one in ends] == [(False, 0), (True, 8)]


@pytest.mark.parametrize(
    "between", ["STOR a.part", "STOR clip.mxf", "SIZE a.part", "HASH x", "NONE", "SITE X", "REST x", "APPE a.part"]
)
def test_rest_is_for_the_next_command(endpoint: RunningEndpoint, connect: Connect, between: str) -> None:
    """Carried out or not: an upload later on begins at the beginning."""
    client = connect(endpoint).enter()
    client.store("a.part", b"0123456789")
    client.store("clip.mxf", b"evidence")
    client.sendcmd("REST 5")
    with contextlib.suppress(ftplib.Error):
        client.sendcmd(between)
    client.store("a.part", b"new")
    assert (endpoint.home / "a.part").read_bytes() == b"new"


@pytest.mark.parametrize("between", [["EPSV"], ["PASV"], ["TYPE I", "EPSV", "ALLO 5"], ["EPSV", "NOOP"]])
def test_rest_may_come_before_what_prepares_the_transfer(
    endpoint: RunningEndpoint, connect: Connect, between: list[str]
) -> None:
    client = connect(endpoint).enter()
    client.store("a.part", b"0123456789")
    client.sendcmd("REST 5")
    address = None
    for command in between:
        answer = client.sendcmd(command)
        if command == "PASV":
            address = ftplib.parse227(answer)
        elif command == "EPSV":
            address = ftplib.parse229(answer, (endpoint.host, 0))
    assert client.sendcmd("STOR a.part").startswith("150")
    data = socket.create_connection((endpoint.host, address[1]), 20)
    data = client.context.wrap_socket(data, server_hostname=client.host, session=client.sock.session)
    data.sendall(b"new")
    client.end(data)
    client.voidresp()
    assert (endpoint.home / "a.part").read_bytes() == b"01234new"


@pytest.mark.parametrize("ask", ["HASH a.part", "XSHA256 a.part", "XCRC a.part"])
def test_a_part_that_was_cut_is_no_evidence_unseen(endpoint: RunningEndpoint, connect: Connect, ask: str) -> None:
    """Who has been told its digest knows what it is; the audit log says that it was cut."""
    client, other = connect(endpoint).enter(), connect(endpoint).enter()
    cut(client, "a.part", b"x" * 40_000)
    other.sendcmd(ask)
    client.sendcmd(f"XSHA256 a.part 0 {client.size('a.part') - 1}")
    for dummy in range(2):
        with pytest.raises(ftplib.error_perm, match="550 Its upload was broken off"):
            client.rename("a.part", "a.mxf")
    assert not (endpoint.home / "a.mxf").exists()
    client.rename("a.part", "b.part")
    client.sendcmd(ask.replace("a.part", "b.part"))
    client.voidcmd("MFMT 20200102030405 b.part")
    client.rename("b.part", "a.part")
    client.rename("a.part", "a.mxf")
    assert [(one["evidence"], one["ended_cleanly"]) for one in endpoint.events("rename")] == [
        (False, False),
        (False, False),
        (True, False),
    ]


def test_a_digest_of_another_state_does_not_help(endpoint: RunningEndpoint, connect: Connect) -> None:
    client = connect(endpoint).enter()
    cut(client, "a.part", b"x" * 40_000)
    client.sendcmd("HASH a.part")
    cut(client, "a.part", b"y" * 40_000, rest=1)
    assert client.sendcmd("RNFR a.part").startswith("350")
    assert client.refused("RNTO a.mxf").startswith("550")
    assert client.store("a.part", b"y" * 5, rest=1).startswith("226")
    client.rename("a.part", "a.mxf")
    assert (endpoint.home / "a.mxf").read_bytes() == b"x" + b"y" * 5
    assert endpoint.await_event("rename")["ended_cleanly"] is True


def test_a_part_that_is_begun_again_is_no_longer_whole(endpoint: RunningEndpoint, connect: Connect) -> None:
    client = connect(endpoint).enter()
    client.store("a.part", b"whole")
    client.sendcmd("HASH a.part")
    cut(client, "a.part", b"x" * 40_000)
    assert client.sendcmd("RNFR a.part").startswith("350")
    assert client.refused("RNTO a.mxf").startswith("550")
