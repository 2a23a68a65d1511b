# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The handshake probe against openssl s_server."""

from __future__ import annotations

import contextlib
import pathlib
import socket
import subprocess
import threading
import typing as t

import pytest
from ansible_collections.camsec.fleet.plugins.module_utils._core._errors import ConnectError, InputError
from ansible_collections.camsec.fleet.plugins.module_utils._module import run_in_worker
from ansible_collections.camsec.fleet.plugins.module_utils._tls._certificate import load_one_certificate
from ansible_collections.camsec.fleet.plugins.module_utils._tls._probe import iana_name, probe
from ansible_collections.camsec.fleet.plugins.modules.tls_endpoint_info import SPEC

from .conftest import OPENSSL, Pair, tls_server


def test_verified_with_its_own_root(pair: Pair) -> None:
    with tls_server(pair) as port:
        facts = probe("127.0.0.1", port, ca_path=str(pair.certificate))
    assert facts.verified
    assert facts.verify_error == ""
    assert (facts.address, facts.port, facts.protocol) == ("127.0.0.1", port, "TLSv1.3")
    assert facts.suite.startswith("TLS_")
    assert facts.certificate == load_one_certificate(pair.certificate.read_text())
    assert facts.chain[0] == facts.certificate


def test_unverified_tells_the_facts_and_why(pair: Pair) -> None:
    with tls_server(pair) as port:
        untrusted = probe("127.0.0.1", port)
        misnamed = probe("127.0.0.1", port, server_name="other.example", ca_path=str(pair.certificate))
        named = probe("127.0.0.1", port, server_name="cam.example", ca_path=str(pair.certificate))
    assert not untrusted.verified
    assert "self-signed" in untrusted.verify_error
    assert untrusted.certificate == misnamed.certificate == named.certificate
    assert "other.example" in misnamed.verify_error
    assert named.verified


def test_the_common_name_does_not_count(pair: Pair, tmp_path: pathlib.Path) -> None:
    bare = Pair(tmp_path / "c.pem", pair.key)
    subprocess.run(
        [OPENSSL, "req", "-x509", "-key", pair.key, "-out", bare.certificate, "-subj", "/CN=cam.example", "-days", "1"],
        check=True,
    )
    with tls_server(bare) as port:
        facts = probe("127.0.0.1", port, server_name="cam.example", ca_path=str(bare.certificate))
    assert not facts.verified
    assert facts.certificate.subject_common_name == "cam.example"


@pytest.mark.parametrize("suite", ["ECDHE-RSA-AES256-GCM-SHA384", "AES128-SHA", "ECDHE-RSA-CHACHA20-POLY1305"])
def test_suites_of_tls_1_2(pair: Pair, suite: str) -> None:
    with tls_server(pair, "-tls1_2", "-cipher", f"{suite}:@SECLEVEL=0") as port:
        facts = probe("127.0.0.1", port, ca_path=str(pair.certificate))
    assert facts.protocol == "TLSv1.2"
    assert facts.suite_openssl == suite
    assert "_WITH_" in facts.suite
    if suite == "AES128-SHA":  # Python's own policy leaves it out: facts all the same, not verified
        assert not facts.verified
        assert "TLS policy" in facts.verify_error


def test_iana_names_are_those_of_openssl() -> None:
    told = subprocess.run(
        [OPENSSL, "ciphers", "-stdname", "ALL:COMPLEMENTOFALL:!PSK:!SRP:@SECLEVEL=0"],
        capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    pairs = [line.split()[:3:2] for line in told.splitlines()]
    assert len(pairs) > 50
    assert {name: iana_name(name) for _iana, name in pairs} == {name: iana for iana, name in pairs}


def test_no_tls_there() -> None:
    sentence = "TLS handshake: found an answer that is not TLS"
    with (
        plain_server(b"HTTP/1.0 400 Bad Request\r\n\r\n") as (port, received),
        pytest.raises(ConnectError, match=sentence),
    ):
        probe("127.0.0.1", port)
    assert all(block[:1] == b"\x16" for block in received)  # nothing but a ClientHello was sent


def test_nobody_answers() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with pytest.raises(ConnectError, match="found connection refused, expected a TLS server"):
        probe("127.0.0.1", port)
    with pytest.raises(ConnectError, match="found a name that does not resolve"):
        probe("cam.invalid", 443)


def test_silence_ends_in_time() -> None:
    with plain_server(b"") as (port, _received), pytest.raises(ConnectError, match="no answer in time"):
        probe("127.0.0.1", port, timeout=0.3)


def test_unusable_ca_file(tmp_path: pathlib.Path) -> None:
    empty = tmp_path / "empty.pem"
    empty.touch()
    for path, found in ((empty, "no certificate in pem"), (tmp_path / "none.pem", "no such file")):
        with pytest.raises(InputError, match=f"^{path}: CA certificates: found {found}"):
            probe("127.0.0.1", 1, ca_path=str(path))


def test_module(pair: Pair) -> None:
    options = {"host": "127.0.0.1", "ca_path": str(pair.certificate)}
    with tls_server(pair) as port:
        good = run_in_worker(SPEC, {**options, "port": port}, check_mode=True)
        bad = run_in_worker(SPEC, {**options, "port": port, "server_name": "other.example"}, check_mode=False)
    assert good["verified"]
    assert not good["changed"]
    assert good["days_left"] == good["certificate"]["days_left"] == 9
    assert good["certificate"]["content"] == load_one_certificate(pair.certificate.read_text()).pem
    assert not bad["verified"]
    assert bad["certificate"] == good["certificate"]
    assert "other.example" in bad["verify_error"]
    for change, sentence in (
        ({"port": 0}, "port: found 0, expected 1 to 65535"),
        ({"timeout": 0}, "timeout: found 0.0"),
        ({"port": port}, "found connection refused"),
        ({"ca_path": "/none.pem"}, "CA certificates: found no such file"),
    ):
        assert sentence in run_in_worker(SPEC, {**options, **change}, check_mode=False)["msg"]


@contextlib.contextmanager
def plain_server(answer: bytes) -> t.Iterator[tuple[int, list[bytes]]]:
    """Answers whatever comes with the same bytes, or with nothing."""
    received: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            with contextlib.suppress(OSError):
                while True:
                    connection, _address = server.accept()
                    kept.append(connection)
                    received.append(connection.recv(4096))
                    if answer:
                        connection.sendall(answer)
                        connection.close()

        kept: list[socket.socket] = []
        threading.Thread(target=serve, daemon=True).start()
        yield server.getsockname()[1], received
        for connection in kept:
            connection.close()
