# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Replies out of bytes, and what they say."""

from __future__ import annotations

import pytest
from ansible_collections.camsec.fleet.plugins.module_utils._core._errors import ConnectError, ProtocolError
from ansible_collections.camsec.fleet.plugins.module_utils._ftpes._errors import FtpRefusedError, refusal
from ansible_collections.camsec.fleet.plugins.module_utils._ftpes._replies import (
    Reply,
    ReplyReader,
    features,
    machine_entry,
    passive_address,
    passive_port,
    size_of,
)
from hypothesis import given
from hypothesis import strategies as st


def read(data: bytes) -> list[Reply]:
    reader = ReplyReader("server")
    reader.feed(data)
    replies = []
    while (one := reader.next()) is not None:
        replies.append(one)
    return replies


def one(text: str) -> Reply:
    return Reply(code=int(text[:3]), lines=(text[4:],))


def test_one_line() -> None:
    assert read(b"220 ready\r\n") == [Reply(code=220, lines=("ready",))]
    assert read(b"220\r\n") == [Reply(code=220, lines=("",))]
    assert read(b"220 ready\n") == [Reply(code=220, lines=("ready",))]


def test_several_lines() -> None:
    # RFC 959 4.2: a line within that begins with three digits ends nothing, nor does the code with a hyphen.
    (reply,) = read(b"211-Features:\r\n SIZE\r\n234 inner\r\n211-more\r\n211 End\r\n")
    assert reply.code == 211
    assert reply.lines == ("Features:", " SIZE", "234 inner", "more", "End")


def test_pieces_and_several_replies() -> None:
    data = b"213 5\r\n550-no\r\n550 file\r\n229 (|||7|)\r\n"
    reader = ReplyReader("server")
    found = []
    for number in range(len(data)):
        reader.feed(data[number : number + 1])
        while (reply := reader.next()) is not None:
            found.append(reply.code)
    assert found == [213, 550, 229]
    assert reader.empty


@pytest.mark.parametrize(
    "data", [b"hello\r\n", b"22 x\r\n", b"999 x\r\n", b"\r\n", b"x" * 9000, b"220 " + b"x" * 9000 + b"\r\n"]
)
def test_what_is_no_reply(data: bytes) -> None:
    with pytest.raises(ProtocolError):
        read(data)


def test_a_reply_without_end_does_not_fill_memory() -> None:
    reader = ReplyReader("server")
    reader.feed(b"220-begin\r\n")
    lines = (b"x" * 1000 + b"\r\n") * 100
    for dummy in range(10):
        reader.feed(lines)
    with pytest.raises(ProtocolError, match="longer than"):
        reader.feed(lines)


@given(st.binary(max_size=200))
def test_no_bytes_break_the_reader(data: bytes) -> None:
    try:
        for reply in read(data):
            assert 100 <= reply.code <= 599
            assert reply.shown.isprintable()
    except ProtocolError:
        pass


def test_secret_that_a_server_repeats() -> None:
    assert "hunter2" not in one("500 PASS hunter2 not understood").without("hunter2").text
    assert one("500 x").without("").text == "x"


@pytest.mark.parametrize(
    ("text", "port"),
    [
        ("229 Extended Passive Mode (|||40000|)", 40000),
        ("229 ok (!!!80!)", 80),
        ("229 (|||0|)", None),
        ("229 (|||65536|)", None),
        ("229 (|1|192.0.2.1|40000|)", None),
        ("229 none", None),
    ],
)
def test_extended_passive(text: str, port: int | None) -> None:
    assert passive_port(one(text)) == port


@pytest.mark.parametrize(
    ("text", "there"),
    [
        ("227 Entering Passive Mode (127,0,0,1,156,64).", ("127.0.0.1", 40000)),
        ("227 =127,0,0,1,0,80", ("127.0.0.1", 80)),
        ("227 (127,0,0,1,0,0)", None),
        ("227 (256,0,0,1,0,80)", None),
        ("227 none", None),
    ],
)
def test_passive(text: str, there: tuple[str, int] | None) -> None:
    assert passive_address(one(text)) == there


def test_features() -> None:
    (reply,) = read(
        b"211-Features:\r\n AUTH TLS\r\n AUTH SSL\r\n REST STREAM\r\n hash SHA-256*;CRC32\r\n\r\n211 End\r\n"
    )
    assert features(reply) == {"AUTH": "TLS;SSL", "REST": "STREAM", "HASH": "SHA-256*;CRC32"}
    assert features(one("500 what?")) == {}


def test_sizes() -> None:
    assert size_of(one("213 12")) == 12
    assert size_of(one("213 12 bytes")) is None
    assert size_of(one("213 -1")) is None
    assert size_of(one("550 12")) is None


def test_listing() -> None:
    entry = machine_entry("Type=file;Size=5;Modify=20260101000000; a b.mov")
    assert entry is not None
    assert (entry.name, entry.kind, entry.size) == ("a b.mov", "file", 5)
    assert machine_entry("nothing") is None


@pytest.mark.parametrize(
    ("text", "kind", "transient"),
    [
        ("452 full", FtpRefusedError, True),
        ("552 quota", FtpRefusedError, False),
        ("550 no", FtpRefusedError, False),
        ("421 bye", ConnectError, None),
        ("426 cut", ConnectError, None),
    ],
)
def test_refusals(text: str, kind: type[Exception], transient: bool | None) -> None:
    error = refusal("server", "STOR x", one(text), "226")
    assert error.__class__ is kind
    assert error.found == text
    if isinstance(error, FtpRefusedError):
        assert error.code == int(text[:3])
        assert error.transient is transient
