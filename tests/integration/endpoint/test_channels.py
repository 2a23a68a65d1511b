# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""TLS on both channels, and whose session a data connection resumes."""

from __future__ import annotations

import ftplib
import socket
import ssl
import typing as t

import pytest
from ansible_collections.camsec.fleet.extensions.endpoint.testing import RunningEndpoint

Connect = t.Callable[..., t.Any]
Run = t.Callable[..., RunningEndpoint]


def plain(endpoint: RunningEndpoint, *lines: bytes) -> list[str]:
    """Answers to lines in the clear, all sent at once; the greeting is left out."""
    with socket.create_connection((endpoint.host, endpoint.port), 10) as sock, sock.makefile("rb") as answers:
        assert answers.readline().startswith(b"220")
        sock.sendall(b"".join(line + b"\r\n" for line in lines))
        return [answers.readline().decode() for dummy in lines]


def test_nothing_in_the_clear(endpoint: RunningEndpoint) -> None:
    answers = plain(endpoint, b"USER evidence", b"PASS Reel-7-of-9", b"CCC", b"PROT P", b"LIST", b"AUTH GSSAPI")
    assert [answer[:3] for answer in answers] == ["530", "530", "533", "503", "530", "504"]
    assert "Reel" not in endpoint.audit_log.read_text()


def test_nothing_may_follow_auth_in_the_clear(endpoint: RunningEndpoint) -> None:
    """What comes along in the same packet would otherwise count as sent under TLS."""
    with socket.create_connection((endpoint.host, endpoint.port), 10) as sock, sock.makefile("rb") as answers:
        answers.readline()
        sock.sendall(b"AUTH TLS\r\nUSER evid")
        assert answers.readline().startswith(b"503")
        assert answers.readline() == b""


def test_the_control_channel_stays_encrypted(endpoint: RunningEndpoint, connect: Connect) -> None:
    client = connect(endpoint).enter()
    assert client.refused("CCC").startswith("533")
    assert client.refused("PROT C").startswith("534")
    assert client.refused("AUTH TLS").startswith("503")
    assert client.refused("REIN").startswith("500")
    assert client.voidcmd("PROT P").startswith("200")


def test_no_data_connection_without_protection(endpoint: RunningEndpoint, connect: Connect) -> None:
    client = connect(endpoint)
    client.login(endpoint.user, endpoint.password)
    assert client.refused("EPSV").startswith("522")
    assert client.refused("PASV").startswith("522")


def test_active_mode_only_when_wanted(endpoint: RunningEndpoint, run: Run, connect: Connect) -> None:
    client = connect(endpoint).enter()
    assert client.refused("PORT 127,65,0,1,200,1").startswith("502")
    assert "EPRT" not in client.sendcmd("FEAT")
    active = run(active_mode=True)
    client = connect(active).enter()
    assert "EPRT" in client.sendcmd("FEAT")
    assert client.refused("PORT 192,0,2,1,200,1").startswith("501")


@pytest.mark.parametrize("tls", ["1.2", "1.3"])
def test_a_data_connection_must_resume(endpoint: RunningEndpoint, run: Run, connect: Connect, tls: str) -> None:
    client = connect(endpoint, tls=tls, reuse=False).enter()
    connection = client.transfercmd("STOR a.mxf")
    assert not connection.session_reused
    with pytest.raises(ftplib.error_perm, match="522"):
        client.voidresp()
    connection.close()
    assert not (endpoint.home / "a.mxf").exists()
    relaxed = run(session_reuse="prefer")
    assert connect(relaxed, tls=tls, reuse=False).enter().store("a.mxf", b"x").startswith("226")
    assert relaxed.await_event("tls", channel="data")["resumed"] is False


@pytest.mark.parametrize("tls", ["1.2", "1.3"])
def test_the_session_of_another_connection_does_not_do(endpoint: RunningEndpoint, connect: Connect, tls: str) -> None:
    """Two logins of one user from one address with one TLS context: only one's own session counts."""
    one, other = connect(endpoint, tls=tls).enter(), connect(endpoint, tls=tls)
    other.context = one.context
    other.enter()
    connection, dummy = ftplib.FTP.ntransfercmd(other, "STOR a.mxf")
    wrapped = one.context.wrap_socket(connection, server_hostname=endpoint.host, session=one.sock.session)
    assert not wrapped.session_reused
    with pytest.raises(ftplib.error_perm, match="522"):
        other.voidresp()
    wrapped.close()


def test_many_data_connections_of_one_session(endpoint: RunningEndpoint, connect: Connect) -> None:
    client = connect(endpoint).enter()
    for number in range(12):
        assert client.store(f"{number}.mxf", b"x" * number).startswith("226")
    assert [one["resumed"] for one in endpoint.events("tls") if one["channel"] == "data"] == [True] * 12


def test_a_foreign_data_connection_is_refused(endpoint: RunningEndpoint, connect: Connect) -> None:
    client = connect(endpoint).enter()
    port = int(client.sendcmd("EPSV").split("|")[3])
    with socket.create_connection((endpoint.host, port), 10, source_address=("127.65.0.99", 0)) as sock:
        assert sock.recv(1) == b""
    with pytest.raises(ftplib.error_temp, match="425"):
        client.getresp()


@pytest.mark.parametrize("strict", [True, False])
def test_an_end_without_close_notify(run: Run, connect: Connect, strict: bool) -> None:
    endpoint = run(require_close_notify=strict)
    client = connect(endpoint).enter()
    connection = client.transfercmd("STOR a.mxf")
    connection.sendall(b"x" * 50_000)
    # A plain FIN, as an attacker can make one.
    socket.socket(fileno=connection.detach()).close()
    if strict:
        with pytest.raises(ftplib.error_temp, match="426"):
            client.voidresp()
    else:
        assert client.voidresp().startswith("226")
    assert endpoint.await_event("upload_end")["completed"] is not strict
    assert (endpoint.home / "a.mxf").stat().st_mode & 0o777 == (0o600 if strict else 0o440)


def test_ipv6(run: Run, connect: Connect) -> None:
    endpoint = run(address="::1", passive_address=None)
    endpoint.host = "::1"
    context = ssl.create_default_context(cafile=str(endpoint.certificates[0][0]))
    context.check_hostname = False
    client = connect(endpoint)
    client.context = context
    client.enter()
    assert client.store("a.mxf", b"six").startswith("226")
    assert (endpoint.home / "a.mxf").read_bytes() == b"six"


def test_both_families_on_one_socket(run: Run, connect: Connect) -> None:
    endpoint = run(address="::")
    client = connect(endpoint).enter()
    assert client.store("a.mxf", b"four").startswith("226")
    client.voidcmd("TYPE I")
    reply = client.sendcmd("PASV")
    assert "127,65,0,1" in reply
    assert endpoint.await_event("login")["address"].count(".") == 3
