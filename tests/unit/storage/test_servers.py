# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The servers that a card is for: asked by a handshake, or by their certificates."""

from __future__ import annotations

import pathlib
import socket
import threading
import typing as t

import pytest
from ansible_collections.camsec.fleet.extensions.simulator.testing import QuirkyFtpesServer

from .conftest import Bench, Maker

HOST = "127.64.0.2"
Makers = t.Callable[..., Maker]


@pytest.fixture
def server(makers: Makers) -> t.Iterator[QuirkyFtpesServer]:
    certificate, key = makers().issue(HOST)
    with QuirkyFtpesServer(host=HOST, certificate=certificate, key=key) as running:
        yield running


def asked(server: QuirkyFtpesServer, **options: t.Any) -> list[dict[str, t.Any]]:
    return [{"host": server.host, "port": server.port, "timeout": 5, **options}]


def test_server_that_verifies(bench: Bench, makers: Makers, server: QuirkyFtpesServer) -> None:
    done = bench(certificate_path=str(makers().path), servers=asked(server))
    assert [one["verified_by"] for one in done["servers"]] == ["handshake"]
    assert done["servers"][0]["anchor_sha256"] == makers().sha256
    assert done["servers"][0]["certificate"]["subject_alt_names"] == [f"IP:{HOST}"]
    assert done["warnings"] == []
    assert list(server.record.commands) == ["clear AUTH TLS"]
    assert not bench(certificate_path=str(makers().path), servers=asked(server))["changed"]


def test_anchor_among_several(bench: Bench, makers: Makers, server: QuirkyFtpesServer) -> None:
    bundle = makers("Other Root").pem + makers().pem
    done = bench(certificate_content=bundle, servers=asked(server))
    assert done["servers"][0]["anchor_sha256"] == makers().sha256


def test_intermediate_that_the_server_sends(bench: Bench, makers: Makers) -> None:
    maker = makers()
    between, between_key = maker.issue("Between", ca=True)
    certificate, key = maker.issue(HOST, issuer=(between, between_key))
    with QuirkyFtpesServer(host=HOST, certificate=certificate + between, key=key) as running:
        done = bench(certificate_path=str(maker.path), servers=asked(running))
        assert done["servers"][0]["anchor_sha256"] == maker.sha256
    with QuirkyFtpesServer(host=HOST, certificate=certificate, key=key) as running:
        message = bench.message(certificate_path=str(maker.path), servers=asked(running))
        assert "unable to get local issuer certificate" in message
        bench(certificate_content=maker.pem + between, servers=asked(running))


def test_wrong_chain_is_not_written(bench: Bench, makers: Makers, server: QuirkyFtpesServer) -> None:
    message = bench.message(certificate_path=str(makers("Other Root").path), servers=asked(server))
    assert message.startswith(f"{HOST}:{server.port}: server certificate: found ")
    assert "expected a chain that ends at a certificate of the card (CN=Other Root), and the name 127.64.0.2" in message
    assert "The camera would not upload to this server." in message
    assert not bench.file.exists()
    assert bench(certificate_path=str(makers("Other Root").path), servers=asked(server), server_check="never")[
        "changed"
    ]


def test_wrong_name(bench: Bench, makers: Makers) -> None:
    certificate, key = makers().issue("127.64.0.99")
    with QuirkyFtpesServer(host=HOST, certificate=certificate, key=key) as running:
        assert "ip address mismatch" in bench.message(certificate_path=str(makers().path), servers=asked(running))


def test_server_without_tls(bench: Bench, makers: Makers, server: QuirkyFtpesServer) -> None:
    server.misbehave("no_auth")
    message = bench.message(certificate_path=str(makers().path), servers=asked(server))
    assert "AUTH TLS: found 502 AUTH is not known here." in message


def free_port() -> int:
    with socket.socket() as one:
        one.bind((HOST, 0))
        return int(one.getsockname()[1])


def test_server_that_does_not_answer(bench: Bench, makers: Makers) -> None:
    options = {"certificate_path": str(makers().path), "servers": [{"host": HOST, "port": free_port(), "timeout": 2}]}
    assert "expected a handshake that verifies" in bench.message(server_check="required", **options)
    done = bench(**options)
    assert done["servers"][0]["verified_by"] == "none"
    assert len(done["warnings"]) == 1
    assert f"{HOST}:{options['servers'][0]['port']}: not verified, since it did not answer" in done["warnings"][0]
    again = bench(**options)
    assert not again["changed"]
    assert len(again["warnings"]) == 1


def test_server_that_says_nothing_is_not_waited_for_forever(bench: Bench, makers: Makers) -> None:
    with socket.create_server((HOST, 0)) as silent:
        held: list[socket.socket] = []

        def accept() -> None:
            while True:
                try:
                    held.append(silent.accept()[0])
                except OSError:
                    return

        thread = threading.Thread(target=accept, daemon=True)
        thread.start()
        servers = [{"host": HOST, "port": silent.getsockname()[1], "timeout": 0.5}]
        done = bench(certificate_path=str(makers().path), servers=servers)
        assert "no answer in time" in done["warnings"][0]
        silent.shutdown(socket.SHUT_RDWR)
        for one in held:
            one.close()


def test_server_by_its_certificates(bench: Bench, makers: Makers, tmp_path: pathlib.Path) -> None:
    maker = makers()
    between, between_key = maker.issue("Between", ca=True)
    certificate, _key = maker.issue("ftp.studio.example", issuer=(between, between_key))
    chain = tmp_path / "chain.pem"
    chain.write_text(certificate + between)
    servers = [{"host": "ftp.studio.example", "certificate_path": str(chain)}]
    done = bench(certificate_path=str(maker.path), servers=servers, server_check="never")
    assert done["servers"][0]["verified_by"] == "certificates"
    assert done["servers"][0]["anchor_sha256"] == maker.sha256
    assert done["warnings"] == []
    message = bench.message(certificate_path=str(makers("Other Root").path), servers=servers, server_check="never")
    assert "ftp.studio.example:21: server certificate: found issued by CN=Between" in message
    servers[0]["host"] = "ftp.other.example"
    message = bench.message(certificate_path=str(maker.path), servers=servers, server_check="never")
    assert "expected a subject alternative name for ftp.other.example" in message
    chain.write_text(certificate)
    servers[0]["host"] = "ftp.studio.example"
    assert "found issued by CN=Between" in bench.message(
        certificate_path=str(maker.path), servers=servers, server_check="never"
    )


def test_port_that_is_none(bench: Bench, makers: Makers) -> None:
    message = bench.message(certificate_path=str(makers().path), servers=[{"host": HOST, "port": 70000}])
    assert "expected a host, a port from 1 to 65535" in message
