# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hash commands, tickets, groups, DER, speed limits, sources: all that needs no socket."""

from __future__ import annotations

import dataclasses as dc
import datetime as dt
import hashlib
import os
import pathlib
import subprocess
import threading
import typing as t
import zlib

import pytest
from ansible_collections.camsec.fleet.plugins.module_utils._core._errors import InputError, VerificationError
from ansible_collections.camsec.fleet.plugins.module_utils._ftpes import _blocks, _der
from ansible_collections.camsec.fleet.plugins.module_utils._ftpes._groups import wanted_group
from ansible_collections.camsec.fleet.plugins.module_utils._ftpes._hashes import Digest, choose, reported
from ansible_collections.camsec.fleet.plugins.module_utils._ftpes._replies import Reply
from ansible_collections.camsec.fleet.plugins.module_utils._ftpes._source import Source
from ansible_collections.camsec.fleet.plugins.module_utils._ftpes._throttle import Pace, Throttle
from ansible_collections.camsec.fleet.plugins.module_utils._ftpes._tickets import Tickets
from hypothesis import given
from hypothesis import strategies as st

CONTENT = b"evidence" * 1000


# Hash commands


@pytest.mark.parametrize(
    ("features", "kind", "strength"),
    [
        ({"HASH": "CRC32;MD5;SHA-1*;SHA-256;SHA-512;", "XSHA256": ""}, "hash:SHA-256", "hash"),
        ({"XSHA256": "", "XCRC": ""}, "xsha256", "hash"),
        ({"HASH": "SHA-1*;MD5", "XSHA512": ""}, "xsha512", "hash"),
        ({"HASH": "SHA-512"}, "hash:SHA-512", "hash"),
        ({"XSHA": "", "XCRC": "", "XMD5": ""}, "xsha", "crc"),
        ({"XMD5": ""}, "xmd5", "crc"),
        ({"XCRC": "filename;start;end"}, "xcrc", "crc"),
    ],
)
def test_the_strongest_way_is_chosen(features: dict[str, str], kind: str, strength: str) -> None:
    method = choose(features)
    assert method is not None
    assert (method.kind, method.strength) == (kind, strength)
    digest = Digest(method)
    digest.update(CONTENT[:5])
    digest.update(memoryview(CONTENT)[5:])
    assert digest.sha256 == hashlib.sha256(CONTENT).hexdigest()
    expected = (
        f"{zlib.crc32(CONTENT):08x}"
        if method.algorithm == "crc32"
        else hashlib.new(method.algorithm, CONTENT).hexdigest()
    )
    assert digest.value == expected


def test_a_server_without_any() -> None:
    assert choose({"SIZE": "", "UTF8": ""}) is None
    assert Digest().value == hashlib.sha256(b"").hexdigest()


@pytest.mark.parametrize(
    ("features", "text", "value"),
    [
        ({"HASH": "SHA-256"}, f"213 SHA-256 0-9 {'AB' * 32} {'cd' * 32}", "ab" * 32),
        ({"XSHA256": ""}, f"250 {'AB' * 32}", "ab" * 32),
        ({"XSHA256": ""}, "250 done", None),
        ({"XSHA256": ""}, f"550 {'AB' * 32}", None),
        ({"XCRC": ""}, "250 D1A2", "0000d1a2"),
        ({"HASH": "CRC32"}, "213 CRC32 0-9 0011AABB x", "0011aabb"),
        ({"XMD5": ""}, f"251 {'0f' * 16}", "0f" * 16),
    ],
)
def test_answers(features: dict[str, str], text: str, value: str | None) -> None:
    method = choose(features)
    assert method is not None
    assert reported(Reply(code=int(text[:3]), lines=(text[4:],)), method) == value


# Tickets


@dc.dataclass(frozen=True)
class FakeSession:
    id: bytes
    time: int = 1000
    timeout: int = 7200
    ticket_lifetime_hint: int = 600


def test_a_ticket_is_used_once() -> None:
    tickets: Tickets[FakeSession] = Tickets(many=False, now=lambda: 1000)
    first, second, third = (FakeSession(bytes([number])) for number in (1, 2, 3))
    assert not tickets.offered
    for one in (first, second, second, None, FakeSession(b"")):
        tickets.add(one)
    assert tickets.left == 2
    assert tickets.take() is first
    tickets.add(first)
    tickets.add(third)
    assert [tickets.take(), tickets.take(), tickets.take()] == [second, third, None]
    assert tickets.left == 0
    assert tickets.offered


def test_the_newest_may_be_used_again_if_that_is_wished() -> None:
    tickets: Tickets[FakeSession] = Tickets(many=False, again=True, now=lambda: 1000)
    first, second = FakeSession(b"1"), FakeSession(b"2")
    tickets.add(first)
    tickets.add(second)
    assert [(tickets.take(), tickets.used_again) for dummy in range(4)] == [
        (first, False),
        (second, False),
        (second, True),
        (second, True),
    ]
    assert not tickets.wants_more
    assert tickets.left == 1


def test_in_tls12_the_first_session_serves_all() -> None:
    tickets: Tickets[FakeSession] = Tickets(many=True, now=lambda: 1000)
    first = FakeSession(b"1")
    tickets.add(first)
    tickets.add(FakeSession(b"2"))
    assert [tickets.take() for dummy in range(3)] == [first] * 3
    assert tickets.left == 1
    assert not tickets.wants_more


def test_old_tickets_are_not_used() -> None:
    now = 1000.0
    tickets: Tickets[FakeSession] = Tickets(many=False, now=lambda: now)
    tickets.add(FakeSession(b"1"))
    tickets.add(FakeSession(b"2", time=1500))
    now = 1541.0
    assert tickets.left == 1
    now = 3000.0
    assert tickets.take() is None
    assert tickets.offered
    # Without a hint (0) the session's own life counts.
    tickets.add(FakeSession(b"3", time=2900, ticket_lifetime_hint=0))
    assert tickets.left == 1


# Groups and certificates


def test_group_of_a_hello_retry_request() -> None:
    random = hashlib.sha256(b"HelloRetryRequest").digest()
    extensions = bytes.fromhex("002b00020304 003300020017".replace(" ", ""))
    body = (
        b"\x03\x03" + random + b"\x20" + bytes(32) + b"\x13\x02\x00" + len(extensions).to_bytes(2, "big") + extensions
    )
    hello = b"\x02" + len(body).to_bytes(3, "big") + body
    record = b"\x16\x03\x03" + len(hello).to_bytes(2, "big") + hello
    assert wanted_group(record) == "prime256v1"
    assert wanted_group(record.replace(b"\x33\x00\x02\x00\x17", b"\x33\x00\x02\x00\x1d")) == "X25519"
    assert wanted_group(record.replace(b"\x33\x00\x02\x00\x17", b"\x33\x00\x02\x99\x99")) is None
    assert wanted_group(record.replace(random, bytes(32))) is None
    for end in range(len(record) - 1):
        assert wanted_group(record[:end]) is None


@pytest.mark.parametrize("key", [("rsa:2048",), ("ec", "-pkeyopt", "ec_paramgen_curve:P-256"), ("ed25519",)])
def test_key_and_validity_as_openssl_sees_them(key: tuple[str, ...], tmp_path: pathlib.Path) -> None:
    certificate = tmp_path / "c.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", *key, "-nodes", "-keyout", tmp_path / "k.pem", "-out", certificate,
         "-days", "20000", "-subj", "/CN=x"], check=True, capture_output=True,
    )  # fmt: skip
    der = subprocess.run(
        ["openssl", "x509", "-in", certificate, "-outform", "DER"], check=True, capture_output=True
    ).stdout
    public = subprocess.run(
        ["openssl", "pkey", "-in", tmp_path / "k.pem", "-pubout", "-outform", "DER"], check=True, capture_output=True
    ).stdout
    assert _der.spki_sha256(der) == hashlib.sha256(public).hexdigest()
    first, last = _der.validity(der)
    # 20,000 days on it is past 2050, so one end is UTCTime and the other GeneralizedTime.
    assert last - first == dt.timedelta(days=20000)
    assert abs(dt.datetime.now(dt.UTC) - first) < dt.timedelta(minutes=10)


@given(st.binary(max_size=100))
def test_no_bytes_break_the_certificate_reader(data: bytes) -> None:
    with pytest.raises(ValueError, match="no certificate"):
        _der.spki_sha256(data)


# Speed


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def sleep(self, seconds: float) -> None:
        self.now += seconds


def test_pace() -> None:
    clock = Clock()
    pace = Pace(1000, clock=lambda: clock.now, sleep=clock.sleep)
    for dummy in range(10):
        pace.take(500)
    assert clock.now == pytest.approx(5.0, abs=0.11)
    # A pause does not save up for a burst of more than the window.
    clock.now += 100
    begin = clock.now
    for dummy in range(4):
        pace.take(500)
    assert clock.now - begin == pytest.approx(2.0, abs=0.11)


def test_throttle() -> None:
    throttle = Throttle(1000, 300)
    first, second = throttle.paces(), throttle.paces()
    assert first[1] is second[1]
    assert first[0] is not second[0]
    assert throttle.slowest == 300
    assert Throttle().paces() == ()
    assert Throttle().slowest is None
    with pytest.raises(InputError):
        Throttle(0)
    with pytest.raises(InputError):
        Throttle(None, -1)


# Sources


def test_source(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "f"
    path.write_bytes(CONTENT)
    with Source.open(path) as source:
        assert (source.size, source.inode) == (len(CONTENT), path.stat().st_ino)
        buffer = memoryview(bytearray(len(CONTENT) + 1))
        assert source.read_into(buffer) == len(CONTENT)
        assert bytes(buffer[:-1]) == CONTENT
        source.check_unchanged()


def test_source_that_cannot_be(tmp_path: pathlib.Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for name, found in (("none", "No such file"), ("", "no regular file"), ("pipe", "no regular file")):
        with pytest.raises(InputError, match=found):
            Source.open(tmp_path / name)
    with pytest.raises(InputError):
        Source.open("a\0b")


@pytest.mark.parametrize("how", ["append", "same_size", "replace", "remove"])
def test_source_that_changes(how: str, tmp_path: pathlib.Path) -> None:
    path = tmp_path / "f"
    path.write_bytes(CONTENT)
    os.utime(path, ns=(1, 1))
    with Source.open(path) as source:
        if how == "append":
            with path.open("ab") as stream:
                stream.write(b"x")
        elif how == "same_size":
            path.write_bytes(CONTENT[::-1])
        elif how == "replace":
            (tmp_path / "g").write_bytes(CONTENT)
            (tmp_path / "g").rename(path)
        else:
            path.unlink()
        with pytest.raises(VerificationError, match="while it was being sent"):
            source.check_unchanged()


@pytest.mark.parametrize("size", [0, 1, 10, 11, 100])
def test_blocks(size: int) -> None:
    digest = Digest()
    content = os.urandom(size + 5)
    with Source.of_bytes(content) as source:
        found = b"".join(bytes(block) for block in _blocks.read_blocks(source, size, digest, block=10))
    assert found == content[:size]
    assert digest.sha256 == hashlib.sha256(content[:size]).hexdigest()


@pytest.mark.parametrize("size", [5, 500])
def test_source_that_is_cut_meanwhile(size: int) -> None:
    with Source.of_bytes(b"x" * (size - 1)) as source, pytest.raises(VerificationError, match="1 bytes less"):
        list(_blocks.read_blocks(source, size, Digest(), block=10))


def test_reading_ahead_ends_with_its_reader() -> None:
    def readers() -> int:
        return sum(thread.name == "camsec-hash" for thread in threading.enumerate())

    with Source.of_bytes(bytes(10000)) as source:
        blocks = t.cast("t.Generator[memoryview]", _blocks.read_blocks(source, 10000, Digest(), block=10))
        next(blocks)
        assert readers() == 1
        blocks.close()
        assert readers() == 0
