# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Servers that misbehave: nothing unproven is called done, each failure is one sentence, the next try goes on."""

from __future__ import annotations

import os
import socket
import threading
import time
import typing as t

import pytest
from ansible_collections.camsec.fleet.plugins.module_utils._core._errors import (
    CamsecError,
    ConnectError,
    LoginError,
    ProtocolError,
    RefusedError,
    TrustError,
    VerificationError,
)
from ansible_collections.camsec.fleet.plugins.module_utils._ftpes import _link
from ansible_collections.camsec.fleet.plugins.module_utils._ftpes._errors import FtpRefusedError
from ansible_collections.camsec.fleet.plugins.module_utils._ftpes._session import Session
from ansible_collections.camsec.fleet.plugins.module_utils._ftpes._source import Source
from ansible_collections.camsec.fleet.plugins.module_utils._ftpes._throttle import Throttle

HOST = "127.62.0.1"
SIZE = 1_500_000


@pytest.mark.parametrize("tls", ["1.2", "1.3"])
def test_a_good_server(tls: str, quirky: t.Any, site: t.Any) -> None:
    path = site.file(SIZE)
    with quirky(tls=tls) as there, Session(site.server(there)) as session:
        for number in range(6):
            result = site.send(session, path, f"{number}")
            assert result.proof.kind == "hash:SHA-256"
            assert [one.resumed for one in result.data] == [True]
            assert (there.root / f"{number}").read_bytes() == path.read_bytes()
        # The account's name and password never went in the clear, nor did anything else but AUTH TLS.
        assert [one for one in there.record.commands if not one.startswith("tls ")] == ["clear AUTH TLS"]
        assert not any("CCC" in one for one in there.record.commands)


@pytest.mark.parametrize(
    ("quirk", "kind", "found"),
    [
        ("late_450", FtpRefusedError, "450"),
        ("disk_full", FtpRefusedError, "552"),
        ("cut", ConnectError, "426"),
        ("cut_line", ConnectError, "connection"),
        ("no_final_answer", ConnectError, "no answer"),
        ("foreign_address", ProtocolError, "192.0.2.1"),
        ("wrong_size", VerificationError, f"{SIZE + 1} bytes"),
        ("wrong_hash", VerificationError, "hash:SHA-256"),
        ("lossy", VerificationError, f"{SIZE - 1} bytes"),
        ("drop_connection", ConnectError, "ended by the server"),
    ],
)
@pytest.mark.parametrize("tls", ["1.2", "1.3"])
def test_nothing_unproven_is_done(
    quirk: str, kind: type[CamsecError], found: str, tls: str, *, quirky: t.Any, site: t.Any
) -> None:
    path = site.file(SIZE)
    with quirky(quirk, at_byte=700_000, tls=tls) as there:
        session = Session(site.server(there, timeout=1.5))
        with pytest.raises(kind) as caught:
            site.send(session, path)
        assert found in caught.value.message
        assert not (there.root / path.name).exists()
        # The very same session ends the work as soon as the server is good again.
        there.misbehave()
        result = site.send(session, path)
        assert (there.root / path.name).read_bytes() == path.read_bytes()
        assert not (there.root / f"{path.name}.part").exists()
        assert result.proof.confirmed == result.sha256
        assert result.resumed_from + result.bytes_sent == SIZE
        session.close()


def test_full_disk_at_the_start(quirky: t.Any, site: t.Any) -> None:
    with quirky("disk_full") as there, Session(site.server(there)) as session:
        with pytest.raises(FtpRefusedError) as caught:
            site.send(session, site.file(10))
        assert caught.value.code == 452
        assert caught.value.transient
        assert "make room" in caught.value.message


@pytest.mark.parametrize(
    ("quirk", "kind", "found"),
    [
        ("no_auth", RefusedError, "AUTH TLS"),
        ("no_prot", RefusedError, "PROT P"),
        ("inject", TrustError, "sent before TLS"),
        ("refuse_login", LoginError, "530"),
        ("drop_tls", ConnectError, "TLS ended by the server"),
        ("endless_answer", ProtocolError, "longer than"),
    ],
)
def test_logins_that_fail(quirk: str, kind: type[CamsecError], found: str, quirky: t.Any, site: t.Any) -> None:
    with quirky(quirk) as there:
        with pytest.raises(kind) as caught, Session(site.server(there, timeout=5)) as session:
            site.send(session, site.file(10))
        assert found in caught.value.message
        assert there.password not in caught.value.message
        if quirk in ("no_auth", "inject"):
            assert not any("USER" in one or "PASS" in one for one in there.record.commands)


@pytest.mark.parametrize("quirk", ["no_epsv", "no_close_notify", "xcrc_only", "no_hash"])
@pytest.mark.parametrize("tls", ["1.2", "1.3"])
def test_what_is_odd_but_works(quirk: str, tls: str, quirky: t.Any, site: t.Any) -> None:
    path = site.file(SIZE)
    with quirky(quirk, tls=tls) as there, Session(site.server(there)) as session:
        for number in range(3):
            result = site.send(session, path, f"{number}")
            assert (there.root / f"{number}").read_bytes() == path.read_bytes()
            assert all(one.resumed for one in result.data)
        expected = {"xcrc_only": "xcrc+read_back", "no_hash": "read_back"}
        assert result.proof.kind == expected.get(quirk, "hash:SHA-256")
        assert result.proof.strength == "hash"
        if quirk == "no_close_notify":
            # Noticed and told; what counts are 226, size and hash.
            assert not any(one.closed_cleanly for one in result.data)


def test_a_weak_checksum_counts_as_much_as_one_asks_for(quirky: t.Any, site: t.Any) -> None:
    path = site.file(SIZE)
    with quirky("xcrc_only") as there:
        with Session(site.server(there, read_back="never", minimum_proof="crc")) as session:
            assert site.send(session, path).proof.kind == "xcrc"
        with (
            Session(site.server(there, read_back="never")) as session,
            pytest.raises(CamsecError, match="proves crc at best"),
        ):
            site.send(session, path, "other")


def test_a_server_that_takes_each_ticket_once(quirky: t.Any, site: t.Any) -> None:
    """It is found out once, for all sessions; from then on each ticket is used once, and new ones are looked for."""
    path = site.file(1000)
    with quirky(tls="1.3") as there, Session(site.server(there)) as session:
        port, unknown = there.port, session._link.control.tickets.take()
    with quirky("session_reuse", tls="1.3", port=port) as there:
        with Session(site.server(there)) as session:
            for number in range(8):
                if number == 3:
                    # Both of the login were used; the third upload used the second one again. OpenSSL's servers go on
                    # with that (also with sessions of their own), so one that no longer does is made up here.
                    assert session._link.control.tickets.used_again
                    session._link.control.tickets._last = unknown
                result = site.send(session, path, f"{number}")
                assert [one.resumed for one in result.data] == [True]
            assert session.logins == 2
            assert not session._link.control.tickets.used_again
        with Session(site.server(there)) as session:
            for number in range(8, 16):
                site.send(session, path, f"{number}")
                assert not session._link.control.tickets.used_again
            assert session.logins == 1


def test_a_server_that_forgets_its_tickets(quirky: t.Any, site: t.Any) -> None:
    """New keys on the server: the data connection is not resumed, so nothing is sent; a new login helps, once."""
    path = site.file(1000)
    with quirky(tls="1.3") as there, Session(site.server(there)) as session:
        port, old = there.port, session._link.control.tickets.take()
    with quirky("session_reuse", tls="1.3", port=port) as there, Session(site.server(there)) as session:
        tickets = session._link.control.tickets
        tickets._fresh.clear()
        tickets.add(old)
        result = site.send(session, path)
        assert [one.resumed for one in result.data] == [True]
        assert session.logins == 2


def test_a_server_that_stops_reading(quirky: t.Any, site: t.Any) -> None:
    """More than what fits into the buffers of the operating systems."""
    path = site.file(24_000_000)
    with quirky("stall", at_byte=700_000) as there, Session(site.server(there, timeout=1.5)) as session:
        with pytest.raises(ConnectError, match=r"no progress for 1\.5 s"):
            site.send(session, path)
        there.misbehave()
        result = site.send(session, path)
        assert 0 < result.resumed_from < 24_000_000
        assert (there.root / path.name).read_bytes() == path.read_bytes()


# Going on with an earlier try


@pytest.mark.parametrize(
    ("quirks", "how"),
    [((), "hash:SHA-256"), (("xcrc_only",), "xcrc"), (("no_hash",), "read_back")],
)
@pytest.mark.parametrize("tls", ["1.2", "1.3"])
def test_going_on_after_a_cut(quirks: tuple[str, ...], how: str, tls: str, *, quirky: t.Any, site: t.Any) -> None:
    path = site.file(SIZE)
    with quirky((*quirks, "cut"), at_byte=700_000, tls=tls) as there:
        session = Session(site.server(there))
        with pytest.raises(ConnectError):
            site.send(session, path)
        part = (there.root / f"{path.name}.part").stat().st_size
        assert 0 < part <= SIZE
        there.misbehave(quirks)
        sent: list[int] = []
        result = site.send(session, path, progress=sent.append)
        assert (result.resumed_from, result.resume_proof) == (part, how)
        assert sum(sent) == result.bytes_sent == SIZE - part
        assert (there.root / path.name).read_bytes() == path.read_bytes()
        assert any(one.startswith(f"tls REST {part}") for one in there.record.commands)
        session.close()


def test_the_end_of_a_big_part_is_read_again(quirky: t.Any, site: t.Any) -> None:
    path = site.file(6_000_000)
    content = path.read_bytes()
    for wrong_at, how in ((None, "tail"), (5_000_000, ""), (100, "tail")):
        with quirky("no_hash") as there, Session(site.server(there)) as session:
            part = bytearray(content[:5_500_000])
            if wrong_at is not None:
                part[wrong_at] ^= 1
            (there.root / "clip.mxf.part").write_bytes(part)
            if wrong_at == 100:
                # The end of it is the file's, its beginning is not: the proof of the whole finds that.
                with pytest.raises(VerificationError, match="read back"):
                    site.send(session, path)
                assert not (there.root / path.name).exists()
                continue
            result = site.send(session, path)
            assert result.resume_proof == how
            assert result.resumed_from == (5_500_000 if how else 0)
            assert (there.root / path.name).read_bytes() == content


@pytest.mark.parametrize("what", ["other", "longer", "empty", "whole"])
@pytest.mark.parametrize("quirk", ["", "no_hash"])
def test_what_lies_under_the_temporary_name(what: str, quirk: str, quirky: t.Any, site: t.Any) -> None:
    path = site.file(SIZE)
    content = path.read_bytes()
    lies = {"other": os.urandom(1000), "longer": content + b"x", "empty": b"", "whole": content}[what]
    with quirky(quirk or ()) as there, Session(site.server(there)) as session:
        (there.root / "clip.mxf.part").write_bytes(lies)
        result = site.send(session, path)
        assert (there.root / path.name).read_bytes() == content
        assert result.resumed_from == (SIZE if what == "whole" else 0)
        assert result.bytes_sent == SIZE - result.resumed_from


def test_no_going_on_if_that_is_not_wished(quirky: t.Any, site: t.Any) -> None:
    path = site.file(SIZE)
    with quirky() as there, Session(site.server(there)) as session:
        (there.root / "clip.mxf.part").write_bytes(path.read_bytes()[:1000])
        assert site.send(session, path, resume=False).bytes_sent == SIZE
        assert (there.root / path.name).read_bytes() == path.read_bytes()


# The source


@pytest.mark.parametrize("how", ["grows", "shrinks", "same_size"])
def test_a_file_that_changes_while_it_is_sent(how: str, quirky: t.Any, site: t.Any) -> None:
    path = site.file(SIZE)
    os.utime(path, ns=(1, 1))
    done = []

    def change(dummy: int) -> None:
        if not done:
            done.append(True)
            with path.open("r+b") as stream:
                if how == "shrinks":
                    stream.truncate(1000)
                else:
                    stream.seek(0, os.SEEK_END if how == "grows" else os.SEEK_SET)
                    stream.write(b"x")

    with quirky() as there, Session(site.server(there)) as session:
        with pytest.raises(VerificationError, match="while it was being sent"):
            site.send(session, path, progress=change)
        assert not (there.root / path.name).exists()


def test_what_progress_raises_passes_and_the_session_goes_on(quirky: t.Any, site: t.Any) -> None:
    class EnoughError(Exception):
        pass

    def stop(dummy: int) -> None:
        raise EnoughError

    path = site.file(SIZE)
    with quirky() as there, Session(site.server(there)) as session:
        with pytest.raises(EnoughError):
            site.send(session, path, progress=stop)
        assert not (there.root / path.name).exists()
        site.send(session, path)
        assert (there.root / path.name).read_bytes() == path.read_bytes()


def test_commands_in_a_file_name_stay_one_name(quirky: t.Any, site: t.Any) -> None:
    path = site.file(10)
    with quirky() as there, Session(site.server(there)) as session:
        before = len(there.record.commands)
        for name in ("a\r\nDELE b", "../../etc/x", "a\0b"):
            with pytest.raises(CamsecError, match="remote name"):
                site.send(session, path, name)
        assert len(there.record.commands) == before


# Speed, parallel sessions, and servers that are none


def test_a_limit_is_kept(quirky: t.Any, site: t.Any) -> None:
    path = site.file(400_000)
    with quirky() as there:
        throttle = Throttle(500_000, None)
        begin = time.monotonic()

        def work(number: int) -> None:
            with Session(site.server(there), throttle=throttle) as session:
                site.send(session, path, f"{number}")

        threads = [threading.Thread(target=work, args=(number,)) for number in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        # 1.2 MB at 0.5 MB a second; being slower is no fault of the limit, being faster would be one.
        assert time.monotonic() - begin > 2.0
        assert sorted(one.name for one in there.root.iterdir()) == ["0", "1", "2"]


def test_without_pipelining_the_same_comes_out(quirky: t.Any, site: t.Any) -> None:
    path = site.file(1000)
    with quirky() as there, Session(site.server(there, pipelining=False)) as session:
        for number in range(3):
            site.send(session, path, f"{number}")
        assert sorted(one.name for one in there.root.iterdir()) == ["0", "1", "2"]


@pytest.mark.parametrize(
    "answer", [b"", b"HTTP/1.1 400 Bad Request\r\n\r\n", b"530 not you\r\n", b"421 busy\r\n", None]
)
def test_something_else_listens_there(answer: bytes | None, site: t.Any) -> None:
    """Not an FTP server, a busy one, or one that says nothing at all."""
    with socket.create_server(("127.62.0.7", 0)) as listener:
        ended = threading.Event()

        def serve() -> None:
            connection = listener.accept()[0]
            with connection:
                if answer is None:
                    ended.wait(10)
                else:
                    connection.sendall(answer)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        there = type(
            "There", (), {"host": "127.62.0.7", "port": listener.getsockname()[1], "user": "u", "password": "p"}
        )
        with pytest.raises((ConnectError, ProtocolError, RefusedError)) as caught:
            Session(site.server(there, timeout=1)).open()
        assert caught.value.message.startswith("127.62.0.7:")
        ended.set()
        thread.join()


def test_nobody_listens(site: t.Any) -> None:
    for host in ("127.62.0.8", "no-such-host.invalid"):
        there = type("There", (), {"host": host, "port": 9, "user": "u", "password": "p"})
        with pytest.raises(ConnectError):
            Session(site.server(there, timeout=5)).open()


def test_an_empty_source_and_bytes(quirky: t.Any, site: t.Any) -> None:
    with quirky() as there, Session(site.server(there)) as session:
        assert session.put_bytes(b"", "empty").size == 0
        with Source.of_bytes(b"abc") as source:
            session.upload(source, "abc", temporary_path="abc.part")
        assert (there.root / "empty").read_bytes() == b""
        assert (there.root / "abc").read_bytes() == b"abc"


def test_a_firewall_before_the_passive_ports(quirky: t.Any, site: t.Any, monkeypatch: pytest.MonkeyPatch) -> None:
    path = site.file(10)
    with socket.create_server((HOST, 0)) as silent, quirky() as there:
        port = silent.getsockname()[1]
        monkeypatch.setattr(_link, "passive", lambda *dummy: port)
        session = Session(site.server(there, timeout=1))
        with pytest.raises(ConnectError, match="firewall"):
            site.send(session, path)
        silent.close()
        with pytest.raises(ConnectError, match=r"(?i)refused"):
            site.send(session, path)
        session.close()
