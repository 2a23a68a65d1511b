# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hellos as bytes: built ones are read by openssl, read ones are made by openssl; anything else gets one sentence."""

from __future__ import annotations

import contextlib
import pathlib
import socket
import ssl
import subprocess
import typing as t

import pytest
from ansible_collections.camsec.fleet.plugins.module_utils._core._errors import ProtocolError
from ansible_collections.camsec.fleet.plugins.module_utils._tls._hello import (
    ServerAnswer,
    ServerFlight,
    alert,
    client_hello,
    read_client_hello,
)
from hypothesis import given, settings
from hypothesis import strategies as st

TLS12, TLS13 = 0x0303, 0x0304


class Pair(t.NamedTuple):
    certificate: pathlib.Path
    key: pathlib.Path


def server_answer(
    pair: Pair, hello: bytes, *, ciphers: str = "ALL:@SECLEVEL=0", newest: ssl.TLSVersion = ssl.TLSVersion.TLSv1_3
) -> ServerAnswer:
    """What OpenSSL's own server says to a hello, fed byte by byte."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pair.certificate, pair.key)
    context.set_ciphers(ciphers)
    context.minimum_version, context.maximum_version = ssl.TLSVersion.TLSv1_2, newest
    received, sent = ssl.MemoryBIO(), ssl.MemoryBIO()
    server = context.wrap_bio(received, sent, server_side=True)
    received.write(hello)
    with contextlib.suppress(ssl.SSLError):
        server.do_handshake()
    flight = ServerFlight(device="stub")
    for byte in sent.read():
        answer = flight.feed(bytes([byte]))
        if answer is not None:
            return answer
    raise AssertionError("the flight is not complete")


def test_openssl_picks_out_of_our_hello(pair: Pair) -> None:
    answer = server_answer(pair, client_hello([0xC030, 0x009D]), ciphers="AES256-GCM-SHA384:@SECLEVEL=0")
    assert (answer.suite, answer.version, answer.alert, answer.group) == (0x009D, TLS12, None, 0)


def test_the_certificate_comes_in_the_clear(pair: Pair) -> None:
    answer = server_answer(pair, client_hello([0xC030]))
    assert [ssl.DER_cert_to_PEM_cert(one).strip() for one in answer.certificates] == [
        pair.certificate.read_text().strip()
    ]
    assert answer.group == 29


def test_a_refusal_is_an_alert(pair: Pair) -> None:
    answer = server_answer(pair, client_hello([0xC02C]))
    assert (answer.suite, answer.alert) == (None, 40)


def test_tls_13_needs_no_more_than_a_hello(pair: Pair) -> None:
    answer = server_answer(pair, client_hello([0x1301], version=TLS13))
    assert (answer.suite, answer.version, answer.retry) == (0x1301, TLS13, False)
    refused = server_answer(pair, client_hello([0x1301], version=TLS13), newest=ssl.TLSVersion.TLSv1_2)
    assert (refused.suite, refused.alert) == (None, 70)


def test_a_server_that_asks_for_another_key_share_has_settled_the_suite(pair: Pair) -> None:
    process = subprocess.Popen(
        ["openssl", "s_server", "-accept", "127.0.0.1:0", "-cert", pair.certificate, "-key", pair.key,
         "-groups", "P-256"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    try:
        assert process.stdout is not None
        port = next(int(line.rpartition(":")[2]) for line in process.stdout if line.startswith("ACCEPT"))
        with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
            connection.sendall(client_hello([0x1302], version=TLS13))
            flight, answer = ServerFlight(device="stub"), None
            while answer is None:
                answer = flight.feed(connection.recv(4096))
    finally:
        process.terminate()
        process.communicate(timeout=10)
    assert (answer.suite, answer.retry, answer.version) == (0x1302, True, TLS13)


def test_the_size_of_a_finite_field_group() -> None:
    prime = (1 << 1023 | 1).to_bytes(128, "big")
    body = b"".join(len(part).to_bytes(2, "big") + part for part in (prime, b"\2", b"\5"))
    flight = ServerFlight(device="stub")
    assert flight.feed(record(message(2, server_hello(0x0039)) + message(12, body))) is None
    answer = flight.feed(record(message(14, b"")))
    assert answer is not None
    assert (answer.dh_bits, answer.suite) == (1024, 0x0039)


def test_a_hello_of_openssl_is_read() -> None:
    context = ssl.create_default_context()
    context.set_ciphers("ECDHE-RSA-AES256-GCM-SHA384:AES128-SHA")
    received, sent = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = context.wrap_bio(received, sent, server_hostname="ftp.example")
    with contextlib.suppress(ssl.SSLWantReadError):
        client.do_handshake()
    content = sent.read()
    for cut in range(0, len(content) - 1, 7):
        assert read_client_hello(content[:cut], device="stub") is None
    hello = read_client_hello(content, device="stub")
    assert hello is not None
    assert hello.suites == (0x1302, 0x1303, 0x1301, 0xC030, 0x002F)
    assert hello.signals == (0x00FF,)
    assert hello.server_name == "ftp.example"
    assert hello.versions[:2] == (TLS13, TLS12)
    assert 29 in hello.groups
    assert 0x0804 in hello.signature_algorithms
    assert not hello.grease


def test_our_own_hello_is_read_back() -> None:
    for version in (0x0300, 0x0301, 0x0302, TLS12, TLS13):
        hello = read_client_hello(client_hello([0xC030, 0x1301], version=version), device="stub")
        assert hello is not None
        assert (hello.suites, hello.versions) == ((0xC030, 0x1301), (version,))


def test_grease_is_left_out() -> None:
    content = client_hello([0x0A0A, 0xC030])
    hello = read_client_hello(content, device="stub")
    assert hello is not None
    assert (hello.suites, hello.grease) == ((0xC030,), True)


def test_a_hello_in_several_records_is_read() -> None:
    whole = client_hello([0xC030])[5:]
    content = b"".join(record(whole[start : start + 20]) for start in range(0, len(whole), 20))
    hello = read_client_hello(content, device="stub")
    assert hello is not None
    assert hello.suites == (0xC030,)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"500 What?\r\n", "not TLS"),
        (b"\x16\x03\x01\x00\x00", "not TLS"),
        (b"\x16\x03\x01\xff\xff", "not TLS"),
        (b"\x15\x03\x03\x00\x01\x02", "without its number"),
        (b"\x16\x03\x03\x00\x04\x0b\x00\x00\x00", "type 11"),
        (b"\x16\x03\x03\x00\x06\x02\x00\x00\x02\x03\x03", "ends too early"),
        (b"\x16\x03\x03\x00\x04\x02\xff\xff\xff", "longer than 256 KiB"),
    ],
)
def test_what_no_server_should_say(content: bytes, words: str) -> None:
    with pytest.raises(ProtocolError, match=words):
        ServerFlight(device="stub").feed(content)


def test_a_flight_without_end_is_cut_off() -> None:
    flight = ServerFlight(device="stub")
    part = record(b"\x0b\x03\xff\xff" + bytes(16000))
    assert [flight.feed(part) for dummy in range(16)] == [None] * 16
    with pytest.raises(ProtocolError, match="256 KiB"):
        flight.feed(part)


def test_a_warning_is_no_refusal() -> None:
    flight = ServerFlight(device="stub")
    assert flight.feed(alert(112, fatal=False)) is None
    answer = flight.feed(alert(40))
    assert answer is not None
    assert answer.alert == 40


def test_a_suite_counts_even_if_an_alert_follows() -> None:
    flight = ServerFlight(device="stub")
    answer = flight.feed(record(message(2, server_hello(0xC030))) + alert(80))
    assert answer is not None
    assert (answer.suite, answer.alert) == (0xC030, None)


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=200))
def test_noise_gets_a_sentence_or_silence(noise: bytes) -> None:
    for start in (b"", b"\x16\x03\x03", record(noise)[:5]):
        with contextlib.suppress(ProtocolError):
            ServerFlight(device="stub").feed(start + noise)
        with contextlib.suppress(ProtocolError):
            read_client_hello(start + noise, device="stub")


@settings(max_examples=200, deadline=None)
@given(st.integers(0, 400), st.binary(min_size=1, max_size=3))
def test_a_flipped_hello_gets_a_sentence_or_is_read(place: int, change: bytes) -> None:
    content = bytearray(client_hello([0xC030, 0x1301], version=TLS13, server_name="ftp.example"))
    place %= len(content)
    content[place : place + len(change)] = change
    with contextlib.suppress(ProtocolError):
        read_client_hello(bytes(content), device="stub")


def server_hello(suite: int, version: int = TLS12) -> bytes:
    return version.to_bytes(2, "big") + bytes(32) + b"\0" + suite.to_bytes(2, "big") + b"\0"


def message(kind: int, body: bytes) -> bytes:
    return bytes([kind]) + len(body).to_bytes(3, "big") + body


def record(content: bytes) -> bytes:
    return b"\x16\x03\x03" + len(content).to_bytes(2, "big") + content
