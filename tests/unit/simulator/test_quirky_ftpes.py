# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The simulated FTPES servers misbehave as they are told to, seen with curl and the standard library's client."""

from __future__ import annotations

import ftplib
import hashlib
import io
import pathlib
import ssl
import subprocess
import typing as t
import zlib

import pytest
from ansible_collections.camsec.fleet.extensions.simulator._ftpes_quirks import QUIRKS, Behaviour, QuirkError
from ansible_collections.camsec.fleet.extensions.simulator.testing import QuirkyFtpesServer

HOST = "127.64.0.1"
CONTENT = bytes(range(256)) * 400


class Client(ftplib.FTP_TLS):
    """The standard library's client; `reuse` has data connections resume the session of the control connection."""

    reuse = True

    def ntransfercmd(self, cmd: str, rest: int | str | None = None) -> tuple[t.Any, int | None]:
        connection, size = ftplib.FTP.ntransfercmd(self, cmd, rest)
        session = t.cast("ssl.SSLSocket", self.sock).session if self.reuse else None
        return self.context.wrap_socket(connection, server_hostname=self.host, session=session), size


def client(server: QuirkyFtpesServer, *, log_in: bool = True, timeout: float = 5) -> Client:
    new = Client(context=ssl.create_default_context(cadata=server.ca_pem), timeout=timeout)
    new.connect(server.host, server.port)
    if log_in:
        new.login(server.user, server.password)
        new.prot_p()
    return new


def store(server: QuirkyFtpesServer, **options: t.Any) -> str:
    return client(server, **options).storbinary("STOR clip.mxf", io.BytesIO(CONTENT))


def stored(server: QuirkyFtpesServer) -> bytes | None:
    path = server.root / "clip.mxf"
    return path.read_bytes() if path.exists() else None


@pytest.mark.parametrize("tls", ["1.2", "1.3"])
def test_good_one_takes_a_file_from_curl(tls: str, tmp_path: pathlib.Path) -> None:
    source, ca = tmp_path / "clip.mxf", tmp_path / "ca.pem"
    source.write_bytes(CONTENT)
    with QuirkyFtpesServer(host=HOST, tls=tls) as server:
        ca.write_text(server.ca_pem)
        done = subprocess.run(
            ["curl", "-sS", "--ssl-reqd", "--cacert", ca, "-u", f"{server.user}:{server.password}", "-T", source,
             f"ftp://{server.host}:{server.port}/"],
            capture_output=True, text=True, timeout=30, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        assert stored(server) == CONTENT
        assert server.record.transfers[0]["protocol"] == f"TLSv{tls}"
        assert "tls PASS ***" in server.record.commands


def test_checksums_are_right() -> None:
    with QuirkyFtpesServer(host=HOST) as server:
        one = client(server)
        one.storbinary("STOR clip.mxf", io.BytesIO(CONTENT))
        wanted = hashlib.sha256(CONTENT).hexdigest()
        assert one.sendcmd("HASH clip.mxf") == f"213 SHA-256 0-{len(CONTENT) - 1} {wanted} clip.mxf"
        assert one.sendcmd("XSHA256 clip.mxf") == f"250 {wanted}"
        assert one.sendcmd("XCRC clip.mxf") == f"250 {zlib.crc32(CONTENT):08X}"
        assert one.sendcmd('XSHA256 "clip.mxf" 0 1000') == f"250 {hashlib.sha256(CONTENT[:1000]).hexdigest()}"
        one.sendcmd("RANG 0 999")
        assert hashlib.sha256(CONTENT[:1000]).hexdigest() in one.sendcmd("HASH clip.mxf")
        assert wanted in one.sendcmd("HASH clip.mxf")
        with pytest.raises(ftplib.error_perm, match="550"):
            one.sendcmd("HASH ../../etc/passwd")


def test_every_data_connection_resumes_or_not_as_the_client_does() -> None:
    with QuirkyFtpesServer(host=HOST, tls="1.2") as server:
        store(server)
        one = client(server)
        one.reuse = False
        one.storbinary("STOR clip.mxf", io.BytesIO(CONTENT))
        assert [transfer["resumed"] for transfer in server.record.transfers] == [True, False]


def test_session_reuse_is_demanded() -> None:
    with QuirkyFtpesServer(host=HOST, tls="1.2", quirk="session_reuse") as server:
        assert store(server).startswith("226")
        one = client(server)
        one.reuse = False
        with pytest.raises((OSError, ftplib.Error)):
            one.storbinary("STOR clip.mxf", io.BytesIO(CONTENT))
        with pytest.raises(ftplib.error_perm, match="522"):
            one.voidresp()


@pytest.mark.parametrize(
    ("quirk", "error", "left"),
    [
        ("late_450", ftplib.error_temp, len(CONTENT)),
        ("no_close_notify", ssl.SSLEOFError, len(CONTENT)),
        ("stall", TimeoutError, 20_000),
        ("cut", OSError, 20_000),
        ("cut_line", OSError, 20_000),
        ("disk_full", OSError, 20_000),
        ("no_final_answer", TimeoutError, len(CONTENT)),
        ("drop_tls", EOFError, None),
        ("drop_connection", EOFError, None),
        ("no_auth", ftplib.error_perm, None),
        ("no_prot", ftplib.error_perm, None),
        ("endless_answer", ftplib.Error, None),
        ("refuse_login", ftplib.error_perm, None),
    ],
)
def test_upload_fails(quirk: str, error: type[Exception], left: int | None) -> None:
    with QuirkyFtpesServer(host=HOST, quirk=quirk, at_byte=20_000) as server:
        with pytest.raises(error):
            store(server, timeout=1)
        content = stored(server)
        assert (None if content is None else len(content)) == left
        assert content is None or CONTENT.startswith(content)


@pytest.mark.parametrize("quirk", ["slow", "foreign_address", "no_epsv", "no_hash", "xcrc_only", "inject"])
def test_upload_of_a_trusting_client_goes_on(quirk: str) -> None:
    with QuirkyFtpesServer(host=HOST, quirk=quirk, bytes_per_second=1_000_000) as server:
        assert store(server).startswith("226")
        assert stored(server) == CONTENT


def test_what_a_trusting_client_does_not_notice() -> None:
    with QuirkyFtpesServer(host=HOST, quirk=("lossy", "wrong_hash")) as server:
        one = client(server)
        assert one.storbinary("STOR clip.mxf", io.BytesIO(CONTENT)).startswith("226")
        assert stored(server) == CONTENT[:-1]
        assert hashlib.sha256(CONTENT[:-1]).hexdigest() not in one.sendcmd("HASH clip.mxf")
        server.misbehave("wrong_size")
        assert one.size("clip.mxf") == len(CONTENT)


def test_foreign_address_is_named() -> None:
    with QuirkyFtpesServer(host=HOST, quirk="foreign_address") as server:
        one = client(server)
        assert "(192,0,2,1," in one.sendcmd("PASV")
        with pytest.raises(ftplib.error_perm, match="500"):
            one.sendcmd("EPSV")


def test_checksum_commands_that_are_left() -> None:
    with QuirkyFtpesServer(host=HOST, quirk="xcrc_only") as server:
        features = client(server).sendcmd("FEAT")
        assert " XCRC" in features
        assert "HASH" not in features
        server.misbehave("no_hash")
        assert "XCRC" not in client(server).sendcmd("FEAT")


def test_full_disk_at_once() -> None:
    with QuirkyFtpesServer(host=HOST, quirk="disk_full") as server:
        with pytest.raises(ftplib.error_temp, match="452"):
            store(server)
        assert stored(server) is None


def test_quirk_that_shows_twice() -> None:
    with QuirkyFtpesServer(host=HOST, quirk="late_450", count=2) as server:
        for _round in range(2):
            with pytest.raises(ftplib.error_temp, match="450"):
                store(server)
        assert store(server).startswith("226")


def test_nothing_in_the_clear() -> None:
    with QuirkyFtpesServer(host=HOST) as server:
        plain = ftplib.FTP(timeout=5)
        plain.connect(server.host, server.port)
        with pytest.raises(ftplib.error_perm, match="550 SSL/TLS required on the control channel"):
            plain.login(server.user, server.password)
        one = Client(context=ssl.create_default_context(cadata=server.ca_pem), timeout=5)
        one.connect(server.host, server.port)
        one.login(server.user, server.password)
        with pytest.raises(ftplib.error_perm, match="550 SSL/TLS required on the data channel"):
            one.storbinary("STOR clip.mxf", io.BytesIO(CONTENT))


def test_hang_up_ends_the_connections_only() -> None:
    with QuirkyFtpesServer(host=HOST) as server:
        one = client(server)
        server.hang_up()
        with pytest.raises((EOFError, OSError)):
            one.sendcmd("NOOP")
        assert client(server).sendcmd("NOOP").startswith("200")


def test_behaviour_that_cannot_be() -> None:
    with pytest.raises(QuirkError, match="quirk 'nonsense' is not one of late_450"):
        Behaviour(quirks=frozenset({"nonsense"}))
    with pytest.raises(QuirkError, match="at_byte"):
        Behaviour(at_byte=-1)
    assert all(sentence and not sentence.endswith(".") for sentence in QUIRKS.values())
