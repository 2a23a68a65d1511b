# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Twelve configurations of vsftpd, proftpd and pure-ftpd, each in TLS 1.2 and 1.3; and what is particular to them."""

from __future__ import annotations

import os
import pathlib
import subprocess
import sys
import textwrap
import typing as t

import pytest
from ansible_collections.camsec.fleet.plugins.module_utils._core._errors import (
    InputError,
    LoginError,
    RefusedError,
    TrustError,
)
from ansible_collections.camsec.fleet.plugins.module_utils._core._secret import Secret
from ansible_collections.camsec.fleet.plugins.module_utils._ftpes._session import Session
from ansible_collections.camsec.fleet.plugins.module_utils._tls._policies import camera_model, policy_of

ROOT = pathlib.Path(__file__).resolve().parents[3]
KINDS = ("vsftpd", "proftpd", "pure-ftpd")
PROTOCOLS = ("TLSv1.2", "TLSv1.3")
# More files than there are tickets; of the sizes where blocks and records begin and end.
SIZES = (0, 1, 1000, 16384, 65536, 262144, 262145, 3_000_000)


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("option", [True, False])
@pytest.mark.parametrize("key", ["rsa", "ecdsa"])
@pytest.mark.parametrize("kind", KINDS)
def test_twelve_of_twelve(
    kind: str, key: str, option: bool, protocol: str, *, real: t.Any, site: t.Any, twelve: t.Any, checksum: t.Any
) -> None:
    name = "data_tls_required" if kind == "pure-ftpd" else "session_reuse"
    assert any(one.kind == kind and one.key == key and one.options == {name: option} for one in twelve)
    # The one pair where the server itself hands out nothing to resume with (it sets the number of tickets to 0).
    resumes = (kind, protocol) != ("pure-ftpd", "TLSv1.3")
    with real(kind, key, protocols=(protocol,), **{name: option}) as there, Session(site.server(there)) as session:
        assert session.control.protocol == protocol
        for number, size in enumerate(SIZES):
            path = site.file(size, f"Übung {number}.mxf")
            result = site.send(session, path)
            arrived = there.home / path.name
            assert checksum(arrived) == checksum(path) == result.sha256 == result.proof.confirmed
            assert result.size == result.proof.size == result.bytes_sent == size
            # Neither server has a hash command, so each file is read back as well.
            assert result.proof.kind == "read_back"
            assert [channel.resumed for channel in result.data] == [resumes, resumes]
            assert {channel.protocol for channel in result.data} == {protocol}
            assert {channel.spki_sha256 for channel in result.data} == {session.control.spki_sha256}
        assert sorted(entry.name for entry in session.list()) == sorted(path.name for path in there.home.iterdir())
        assert not list(there.home.glob("*.part"))


def test_tickets_are_counted(real: t.Any, site: t.Any) -> None:
    """Of proftpd an upload brings no new ticket: after two of them the session logs in again by itself."""
    path = site.file(1000)
    with real("proftpd", protocols=("TLSv1.3",), hashes=True) as there:
        with Session(site.server(there, ticket_use="once")) as session:
            left = []
            for number in range(5):
                left.append(session.tickets_left)
                result = site.send(session, path, f"{number}")
                assert [channel.resumed for channel in result.data] == [True]
            assert left == [2, 1, 0, 1, 0]
            assert session.logins == 3
        with Session(site.server(there)) as session:
            for number in range(5, 10):
                assert [channel.resumed for channel in site.send(session, path, f"{number}").data] == [True]
            assert session.logins == 1


def test_vsftpd_brings_a_ticket_with_each_data_connection(real: t.Any, site: t.Any) -> None:
    path = site.file(1000)
    once = {"ticket_use": "once"}
    with real("vsftpd", protocols=("TLSv1.3",)) as there, Session(site.server(there, **once)) as session:
        for number in range(20):
            site.send(session, path, f"{number}", fresh=True)
            assert session.tickets_left == 2
        assert session.logins == 1


def test_resumption_that_is_demanded_and_not_to_be_had(real: t.Any, site: t.Any) -> None:
    path = site.file(1000)
    with real("pure-ftpd", protocols=("TLSv1.3",)) as there:
        with (
            Session(site.server(there, session_reuse="require")) as session,
            pytest.raises(TrustError, match="nothing to resume"),
        ):
            site.send(session, path)
        assert not list(there.home.iterdir())


@pytest.mark.parametrize("kind", KINDS)
def test_ipv6(kind: str, real: t.Any, site: t.Any, checksum: t.Any) -> None:
    path = site.file(100_000)
    with real(kind, host="::1") as there, Session(site.server(there)) as session:
        result = site.send(session, path)
        assert result.address == "::1"
        assert checksum(there.home / path.name) == checksum(path)


def test_hash_of_the_server(real: t.Any, site: t.Any, checksum: t.Any) -> None:
    path = site.file(300_000)
    with real("proftpd", hashes=True) as there, Session(site.server(there)) as session:
        result = site.send(session, path)
        assert result.proof.kind == "hash:SHA-256"
        assert result.proof.confirmed == checksum(there.home / path.name)
        assert len(result.data) == 1
        assert session.hash_sha256(path.name) == checksum(path)


@pytest.mark.parametrize("kind", KINDS)
def test_folders_names_and_times(kind: str, real: t.Any, site: t.Any) -> None:
    path = site.file(10)
    os.utime(path, (1_700_000_000, 1_700_000_000))
    with real(kind) as there, Session(site.server(there, set_times=True)) as session:
        session.make_directories("tag 1/rolle 数")
        session.make_directories("tag 1/rolle 数")
        session.make_directories("tag 1")
        site.send(session, path, "tag 1/rolle 数/a.mxf")
        session.put_bytes(b"manifest", "tag 1/manifest.txt")
        assert (there.home / "tag 1" / "manifest.txt").read_bytes() == b"manifest"
        arrived = there.home / "tag 1" / "rolle 数" / "a.mxf"
        assert arrived.read_bytes() == path.read_bytes()
        if "MFMT" in session.features:
            assert int(arrived.stat().st_mtime) == 1_700_000_000
        assert session.sizes("tag 1/manifest.txt", "none") == [8, None]
        session.rename("tag 1/manifest.txt", "m")
        session.remove_temporary("m")
        session.remove_temporary("m")
        assert not (there.home / "m").exists()
        with pytest.raises(RefusedError):
            session.make_directories("tag 1/rolle 数/a.mxf/below")


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_there_is_never_overwritten(kind: str, real: t.Any, site: t.Any) -> None:
    path = site.file(70_000)
    other = site.file(70_000, "other")
    with real(kind) as there, Session(site.server(there)) as session:
        site.send(session, path)
        again = site.send(session, path)
        assert again.already_there
        assert again.bytes_sent == 0
        assert again.proof.confirmed == again.sha256
        # The same where nobody looked first.
        late = site.send(session, path, fresh=True)
        assert late.already_there
        assert [one.name for one in there.home.iterdir()] == [path.name]
        with pytest.raises(RefusedError, match="same size and another content"):
            site.send(session, other, path.name, fresh=True)
        with pytest.raises(RefusedError, match="same size and another content"):
            site.send(session, other, path.name)
        other.write_bytes(b"short")
        with pytest.raises(RefusedError, match="a file of 70000 bytes"):
            site.send(session, other, path.name)
        assert (there.home / path.name).read_bytes() == path.read_bytes()


def test_what_comes_under_the_final_name_meanwhile_is_not_overwritten(real: t.Any, site: t.Any) -> None:
    path = site.file(50_000)
    with real("vsftpd") as there, Session(site.server(there, read_back="never", minimum_proof="size")) as session:

        def other_station(_sent: int) -> None:
            (there.home / path.name).write_bytes(b"somebody else's evidence")

        with pytest.raises(RefusedError, match="has come there meanwhile"):
            site.send(session, path, progress=other_station)
        assert (there.home / path.name).read_bytes() == b"somebody else's evidence"


def test_size_alone_proves_no_file_of_an_earlier_run(real: t.Any, site: t.Any) -> None:
    path = site.file(1000)
    with real("vsftpd") as there:
        weak = site.server(there, read_back="never", minimum_proof="size")
        with Session(weak) as session:
            result = site.send(session, path)
            assert (result.proof.kind, result.proof.strength, len(result.data)) == ("size", "size", 1)
            # Killed between the rename and its own note, a client meets its own file again: that one is read back.
            again = site.send(session, path)
            assert (again.already_there, again.proof.kind, again.bytes_sent) == (True, "read_back", 0)
            other = site.file(1000)
            with pytest.raises(RefusedError, match="same size and another content"):
                site.send(session, other, path.name)
        with (
            Session(site.server(there, read_back="never")) as session,
            pytest.raises(InputError, match="proves size at best"),
        ):
            site.send(session, path, "other")


@pytest.mark.root
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_full_disk(kind: str, protocol: str, real: t.Any, site: t.Any) -> None:
    if os.geteuid() != 0:
        pytest.skip("SKIPPED: a disk of a known size: only root can mount one")
    big, small = site.file(8_000_000), site.file(1000, "small.mxf")
    with real(kind, disk_bytes=2 << 20, protocols=(protocol,)) as there, Session(site.server(there)) as session:
        with pytest.raises(RefusedError, match=r"found 45[12] .* disk .*full") as caught:
            site.send(session, big)
        assert caught.value.subject == "transfer"
        assert session.size(big.name) is None
        # The line is still good, or good again.
        session.remove_temporary(f"{big.name}.part")
        assert site.send(session, small).size == 1000


@pytest.mark.parametrize("kind", KINDS)
def test_wrong_login(kind: str, real: t.Any, site: t.Any) -> None:
    with real(kind) as there, pytest.raises(LoginError) as caught:
        Session(site.server(there, password=Secret("not-the-one"), timeout=20)).open()
    assert "530" in caught.value.found
    assert "not-the-one" not in caught.value.message


def test_certificates_that_are_refused(real: t.Any, site: t.Any, certificates: t.Any) -> None:
    pin = "0" * 64
    old = certificates.make("rsa", days="-1")
    for pair, options, found in (
        (certificates.make("rsa", "DNS:other.example"), {}, "one for another name"),
        (certificates.make("rsa"), {"server_name": "other.example"}, "one for another name"),
        (old, {}, "has expired"),
        (old, {"ca_path": None, "spki_sha256": (_pin(old[0]),)}, "valid from"),
        (certificates.make("ecdsa"), {"spki_sha256": (pin,)}, "public key"),
        (certificates.make("ecdsa"), {"spki_sha256": (pin,), "ca_path": None}, "public key"),
    ):
        with real("vsftpd", pair=pair) as there, pytest.raises(TrustError) as caught:
            Session(site.server(there, **options)).open()
        assert found in caught.value.message
        # Nobody has tried to log in.
        assert "LOGIN" not in there.output()


def test_a_pin_is_enough(real: t.Any, site: t.Any, certificates: t.Any) -> None:
    pair = certificates.make("ecdsa", "DNS:whoever")
    path = site.file(10)
    with real("vsftpd", pair=pair) as there:
        pins = ("0" * 64, _pin(pair[0]))
        with Session(site.server(there, ca_path=None, spki_sha256=pins)) as session:
            assert session.control.spki_sha256 == pins[1]
            assert site.send(session, path).data[0].resumed


def _pin(certificate: pathlib.Path) -> str:
    public = subprocess.run(
        ["openssl", "x509", "-in", certificate, "-noout", "-pubkey"], capture_output=True, check=True
    )
    der = subprocess.run(
        ["openssl", "pkey", "-pubin", "-outform", "DER"], input=public.stdout, capture_output=True, check=True
    )
    digest = subprocess.run(["sha256sum"], input=der.stdout, capture_output=True, check=True)
    return digest.stdout.decode().split()[0]


def test_revoked_certificate(real: t.Any, site: t.Any, certificates: t.Any, tmp_path: pathlib.Path) -> None:
    good, bad = certificates.make("ecdsa"), certificates.make("ecdsa")
    (tmp_path / "index").touch()
    (tmp_path / "number").write_text("01\n")
    configuration = tmp_path / "ca.cnf"
    configuration.write_text(
        textwrap.dedent(
            f"""\
            [ca]
            default_ca = one
            [one]
            database = {tmp_path}/index
            crlnumber = {tmp_path}/number
            certificate = {certificates.root}
            private_key = {certificates.home}/root.key
            default_md = sha256
            default_crl_days = 7
            """
        )
    )
    crl = tmp_path / "crl.pem"
    for arguments in (("-revoke", bad[0]), ("-gencrl", "-out", crl)):
        subprocess.run(["openssl", "ca", "-config", configuration, *arguments], check=True, capture_output=True)
    with real("vsftpd", pair=good) as there, Session(site.server(there, crl_path=str(crl))) as session:
        assert session.control.protocol == "TLSv1.3"
    with real("vsftpd", pair=bad) as there, pytest.raises(TrustError, match="has been revoked"):
        Session(site.server(there, crl_path=str(crl))).open()


def test_authorities_that_cannot_be_used(site: t.Any, tmp_path: pathlib.Path, certificates: t.Any) -> None:
    pem = certificates.root.read_text()
    key = (certificates.home / "root.key").read_text()
    path = tmp_path / "certification.pem"
    there = type("There", (), {"host": "127.62.0.9", "port": 9, "user": "u", "password": "p"})
    for content, found in (
        ("", "an empty file"),
        ("no certificate", "no certificate in PEM"),
        (pem.replace("A", "B"), "no certificate in PEM"),
        (pem + key, "a private key"),
        (pem + "x" * 1_000_000, "more than 1,000,000 bytes"),
        (None, "No such file"),
    ):
        path.unlink(missing_ok=True)
        if content is not None:
            path.write_text(content)
        with pytest.raises(InputError) as caught:
            Session(site.server(there, ca_path=str(path))).open()
        assert found in caught.value.found


@pytest.mark.parametrize(
    ("policy", "ciphers", "protocols"),
    [
        ("recommended", "AES128-SHA", ("TLSv1.2",)),
        ("recommended", "ECDHE-RSA-AES128-SHA256", ("TLSv1.2",)),
        ("modern", "AES256-GCM-SHA384", ("TLSv1.2",)),
    ],
)
def test_a_suite_outside_the_policy_is_refused(
    policy: str, ciphers: str, protocols: tuple[str, ...], *, real: t.Any, site: t.Any
) -> None:
    with real("vsftpd", ciphers=ciphers, protocols=protocols) as there:
        with pytest.raises(TrustError, match=f"policy {policy}"):
            Session(site.server(there, policy=policy_of(policy))).open()
        # The server is reachable for who asks for less.
        with Session(site.server(there, policy=policy_of("custom", [ciphers]))) as session:
            assert session.control.protocol == "TLSv1.2"


def test_a_tls13_suite_outside_the_policy_is_refused(real: t.Any, site: t.Any) -> None:
    """Python cannot choose the suites of TLS 1.3, so the check after the handshake must."""
    with real("vsftpd", ciphersuites="TLS_AES_128_GCM_SHA256", protocols=("TLSv1.3",)) as there:
        policy = policy_of("custom", ["TLS_AES_256_GCM_SHA384"])
        with pytest.raises(TrustError, match="TLS_AES_128_GCM_SHA256"):
            Session(site.server(there, policy=policy)).open()
        assert "LOGIN" not in there.output()


def test_each_of_the_fifteen_suites(real: t.Any, site: t.Any) -> None:
    """All that the camera offers, with OpenSSL's names on the server's side; vsftpd has no ephemeral Diffie-Hellman."""
    path = site.file(1000)
    compatible = policy_of("compatible")
    done = []
    for key in ("rsa", "ecdsa"):
        for suite in compatible.suites:
            if suite.protocol != "TLSv1.2" or suite.authentication.lower() != key:
                continue
            kind = "proftpd" if suite.key_exchange == "DHE" else "vsftpd"
            with real(kind, key, ciphers=suite.openssl_name, protocols=("TLSv1.2",)) as there:
                with Session(site.server(there, policy=compatible)) as session:
                    result = site.send(session, path)
                assert {result.control.suite, *(one.suite for one in result.data)} == {suite.iana_name}
                assert all(one.resumed for one in result.data)
            done.append(suite.iana_name)
    assert sorted(done) == sorted(suite.iana_name for suite in camera_model("MPC-2610").suites)


def test_memory_and_speed_limits_of_a_big_file(real: t.Any, site: t.Any, checksum: t.Any) -> None:
    """300 MiB through a process of its own: its memory stays below 100 MiB."""
    path = site.file(0, "big.mxf")
    with path.open("wb") as stream:
        for dummy in range(300):
            stream.write(os.urandom(1 << 20))
    with real("vsftpd") as there:
        server = site.server(there)
        script = textwrap.dedent(
            """\
            import pathlib, re, sys
            from ansible_collections.camsec.fleet.plugins.module_utils._core._secret import Secret
            from ansible_collections.camsec.fleet.plugins.module_utils._ftpes._facts import Server
            from ansible_collections.camsec.fleet.plugins.module_utils._ftpes._session import Session
            from ansible_collections.camsec.fleet.plugins.module_utils._ftpes._source import Source
            from ansible_collections.camsec.fleet.plugins.module_utils._tls._policies import policy_of
            host, port, user, ca, path = sys.argv[1:]
            server = Server(host=host, port=int(port), user=user, password=Secret(sys.stdin.readline()),
                            policy=policy_of("modern"), ca_path=ca)
            with Session(server) as session, Source.open(path) as source:
                print(session.upload(source, "big.mxf", temporary_path="big.part").sha256)
            # Not ru_maxrss, which counts the process that this one was forked from as well.
            print(re.search(r"VmHWM:\\s+([0-9]+) kB", pathlib.Path("/proc/self/status").read_text())[1])
            """
        )
        done = subprocess.run(
            [sys.executable, "-c", script, there.host, str(there.port), there.user, server.ca_path, str(path)],
            input=there.password, capture_output=True, text=True, check=False, timeout=120,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        digest, peak = done.stdout.split()
        assert digest == checksum(there.home / "big.mxf") == checksum(path)
        assert int(peak) < 100 * 1024
