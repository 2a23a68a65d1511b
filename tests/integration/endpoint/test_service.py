# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The program: its configuration, signals, certificates that change, and its end."""

from __future__ import annotations

import ftplib
import hashlib
import os
import pathlib
import shutil
import signal
import socket
import ssl
import subprocess
import time
import typing as t

import pytest
import yaml
from ansible_collections.camsec.fleet.extensions.endpoint.cli import main
from ansible_collections.camsec.fleet.extensions.endpoint.testing import RunningEndpoint, self_signed

Connect = t.Callable[..., t.Any]
Pair = tuple[pathlib.Path, pathlib.Path]
Program = t.Callable[..., subprocess.CompletedProcess[str]]
Run = t.Callable[..., RunningEndpoint]


def serial(endpoint: RunningEndpoint) -> bytes:
    """SHA-256 of the certificate that a new connection gets."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with ftplib.FTP_TLS(context=context, timeout=10) as client:
        client.connect(endpoint.host, endpoint.port)
        client.auth()
        certificate = t.cast("ssl.SSLSocket", client.sock).getpeercert(binary_form=True)
    assert certificate is not None
    return hashlib.sha256(certificate).digest()


@pytest.mark.parametrize("by", ["watching", "SIGHUP"])
def test_a_new_certificate_without_a_restart(run: Run, connect: Connect, tmp_path: pathlib.Path, by: str) -> None:
    pem, key = self_signed(tmp_path / "c", host="127.65.0.1")
    new_pem, new_key = self_signed(tmp_path / "new", host="127.65.0.1")
    endpoint = run(certificates=[(pem, key)], reload_seconds=0.1 if by == "watching" else 0)
    old = serial(endpoint)
    client = connect(endpoint).enter()
    connection = client.transfercmd("STOR a.mxf")
    connection.sendall(b"x" * 1000)
    # A bad one first: the new certificate with the old key.
    shutil.copy(new_pem, pem)
    if by == "SIGHUP":
        endpoint.signal(signal.SIGHUP)
    assert "does not belong" in endpoint.await_event("certificate_refused")["problem"]
    assert serial(endpoint) == old
    shutil.copy(new_key, key)
    if by == "SIGHUP":
        endpoint.signal(signal.SIGHUP)
    assert endpoint.await_event("certificate_reloaded")["changed"] is True
    assert serial(endpoint) != old
    # What was running runs on, with its own context.
    client.end(connection)
    assert client.voidresp().startswith("226")
    assert client.store("b.mxf", b"x").startswith("226")


def test_the_log_is_opened_again(run: Run, connect: Connect) -> None:
    endpoint = run()
    old = endpoint.audit_log.with_suffix(".1")
    endpoint.audit_log.rename(old)
    endpoint.signal(signal.SIGUSR1)
    end = time.monotonic() + 20
    while not endpoint.audit_log.exists():
        assert time.monotonic() < end
        time.sleep(0.02)
    connect(endpoint).enter()
    endpoint.await_event("login")
    assert endpoint.audit_log.stat().st_mode & 0o777 == 0o600
    assert '"login"' not in old.read_text()


def test_its_end_waits_for_transfers(run: Run, connect: Connect) -> None:
    endpoint = run(stop_seconds=30)
    idle, client = connect(endpoint).enter(), connect(endpoint).enter()
    connection = client.transfercmd("STOR a.mxf")
    connection.sendall(b"x" * 1000)
    endpoint.signal(signal.SIGTERM)
    with pytest.raises(ftplib.error_temp, match="421"):
        idle.getresp()
    with pytest.raises(OSError):  # noqa: PT011  # refused or reset
        socket.create_connection((endpoint.host, endpoint.port), 5).recv(1)
    connection.sendall(b"y" * 1000)
    client.end(connection)
    assert client.voidresp().startswith("226")
    assert endpoint.wait() == 0
    assert (endpoint.home / "a.mxf").stat().st_size == 2000
    assert endpoint.events()[-1]["event"] == "stop"
    assert not endpoint.ready_file.exists()


def test_its_end_does_not_wait_for_ever(run: Run, connect: Connect) -> None:
    endpoint = run(stop_seconds=0.2)
    client = connect(endpoint).enter()
    connection = client.transfercmd("STOR a.part")
    connection.sendall(b"x" * 100_000)
    endpoint.signal(signal.SIGTERM)
    assert endpoint.wait() == 0
    end = endpoint.await_event("upload_end")
    assert end["completed"] is False
    assert (endpoint.home / "a.part").stat().st_size == end["size"]
    connection.close()


def test_killed_and_started_again(run: Run, connect: Connect) -> None:
    """A direct upload that a kill broke is resumed after the restart; what was complete stays so."""
    endpoint = run(durable=True)
    client = connect(endpoint).enter()
    client.store("done.mxf", b"done")
    connection = client.transfercmd("STOR a.mxf")
    content = os.urandom(3_000_000)
    connection.sendall(content[:2_000_000])
    path = endpoint.home / "a.mxf"
    end = time.monotonic() + 20
    while path.stat().st_size < 262_144:
        assert time.monotonic() < end
        time.sleep(0.01)
    endpoint.signal(signal.SIGKILL)
    endpoint.wait()
    connection.close()
    endpoint.ready_file.unlink()
    endpoint.start()
    client = connect(endpoint).enter()
    size = client.size("a.mxf")
    assert hashlib.sha256(content[:size]).hexdigest() in client.sendcmd("HASH a.mxf")
    assert client.store("a.mxf", content[size:], rest=size).startswith("226")
    assert path.read_bytes() == content
    client.makepasv()
    assert client.refused("STOR done.mxf").startswith("553")


def test_check_says_what_is_served(endpoint: RunningEndpoint, program: Program) -> None:
    done = program("serve", "--config", str(endpoint.configuration), "--policy", "compatible", "--check")
    assert done.returncode == 0, done.stderr
    assert "the configuration is valid" in done.stdout
    assert "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384 is not served" in done.stdout
    # `serve` may be left out.
    assert program("--config", str(endpoint.configuration), "--check").stdout.startswith("the configuration is valid")


def broken(
    endpoint: RunningEndpoint, tmp_path: pathlib.Path, rsa: tuple[pathlib.Path, pathlib.Path]
) -> dict[str, t.Any]:
    """For each way to be wrong: the options, and what the sentence must hold."""
    pem, key = rsa
    open_key, pair = tmp_path / "open.key", tmp_path / "other"
    shutil.copy(key, open_key)
    open_key.chmod(0o644)
    other_pem, dummy = self_signed(pair)
    expired = self_signed(tmp_path / "expired", days=-1)
    ecdsa = self_signed(tmp_path / "ecdsa", "ecdsa")
    users = tmp_path / "users.yml"
    users.write_text("users: 1")
    users.chmod(0o600)
    locked = tmp_path / "locked.key"
    subprocess.run(["openssl", "pkey", "-in", key, "-aes256", "-passout", "pass:secret", "-out", locked], check=True)
    text = tmp_path / "text.pem"
    text.write_text("hello")
    text.chmod(0o600)

    def files(*pairs: tuple[pathlib.Path, pathlib.Path]) -> dict[str, t.Any]:
        return {"certificates": [{"certificate_path": str(one), "key_path": str(two)} for one, two in pairs]}

    return {
        "missing key": (files((pem, tmp_path / "no.key")), "private key: found No such file"),
        "open key": (files((pem, open_key)), "mode 0644, open to others"),
        "locked key": (files((pem, locked)), "an encrypted one"),
        "no key": (files((pem, text)), "no key in PEM form"),
        "mismatch": (files((other_pem, key)), "does not belong to the key"),
        "no certificate": (files((text, key)), "no certificate in PEM form"),
        "expired": (files(expired), "one that is expired"),
        "twice": (files((pem, key), (pem, key)), "a second one with RSA key"),
        "unknown policy": ({"policy": "strong"}, "found strong"),
        "no suites": ({"policy": "custom"}, "at least one"),
        "unknown suite": ({"policy": "custom", "suites": ["TLS_NULL"]}, "TLS_NULL"),
        "suite without certificate": (
            {"policy": "custom", "suites": ["TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"], **files(ecdsa)},
            "with ECDSA certificates only",
        ),
        "version": ({"tls_versions": ["TLSv1.1"]}, "one or both of TLSv1.2, TLSv1.3"),
        "users": ({"users_file": str(users)}, "users file: found another form"),
        "no users": ({"users_file": str(tmp_path / "none.yml")}, "No such file"),
        "no root": ({"root": str(tmp_path / "none")}, "no directory"),
        "option": ({"colour": "red"}, "no such option"),
        "type": ({"max_connections": "many"}, "a whole number"),
        "flag": ({"durable": "yes"}, "true or false"),
        "ports": ({"passive_ports": "9-1"}, "a range such as"),
        "names": ({"temporary_names": ["*"]}, "none of which fits every name"),
        "size": ({"rate_total": "1 parsec"}, "a number of bytes"),
        "address": ({"address": "localhost"}, "an IP address"),
        "banner": ({"banner": "a\nb"}, "one printable line"),
        "log": ({"audit_log": "/nonexistent/audit"}, "audit log: found No such file"),
        "port in use": ({"port": endpoint.port}, "Address already in use"),
        "address of others": ({"address": "192.0.2.1"}, "listening: found Cannot assign"),
    }


def test_each_bad_configuration_gets_one_sentence(
    endpoint: RunningEndpoint, program: Program, tmp_path: pathlib.Path, rsa: Pair, capsys: pytest.CaptureFixture[str]
) -> None:
    good = yaml.safe_load(endpoint.configuration.read_text()) | {"ready_file": str(tmp_path / "ready")}
    for name, (options, said) in broken(endpoint, tmp_path, rsa).items():
        path = tmp_path / "endpoint.yml"
        path.write_text(yaml.safe_dump(good | options))
        if name in ("log", "port in use", "address of others"):
            done = program("--config", str(path))
            code, told = done.returncode, done.stderr
        else:
            code, told = main(["--config", str(path), "--check"]), capsys.readouterr().err
        assert code == 1, name
        assert said in told, (name, told)
        assert told.count("\n") == 1, (name, told)


@pytest.mark.parametrize(("content", "said"), [(b"a: [", "expected"), (b"- 1", "a list"), (b"\xff", "a YAML file")])
def test_a_configuration_that_is_none(program: Program, tmp_path: pathlib.Path, content: bytes, said: str) -> None:
    path = tmp_path / "endpoint.yml"
    path.write_bytes(content)
    done = program("--config", str(path), "--check")
    assert done.returncode == 1
    assert said in done.stderr
    assert done.stderr.count("\n") == 1


def test_what_was_never_completed(endpoint: RunningEndpoint, connect: Connect, program: Program) -> None:
    client = connect(endpoint).enter()
    client.store("done.mxf", b"x")
    client.store("a.part", b"x")
    client.store("b.part", b"x")
    old = time.time() - 8 * 86400
    os.utime(endpoint.home / "a.part", (old, old))
    os.utime(endpoint.home / "done.mxf", (old, old))
    command = ("temporary", "--config", str(endpoint.configuration))
    listed = program(*command).stdout
    assert "a.part" in listed
    assert "done.mxf" not in listed
    assert "b.part" not in listed
    assert (endpoint.home / "a.part").exists()
    assert '"removed": true' in program(*command, "--remove").stdout
    assert sorted(path.name for path in endpoint.home.iterdir()) == ["b.part", "done.mxf"]
