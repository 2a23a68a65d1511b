# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What may go to a server by name, and what the wire client is told."""

from __future__ import annotations

import dataclasses as dc
import typing as t

import pytest
from ansible_collections.camsec.fleet.plugins.module_utils._core._errors import InputError
from ansible_collections.camsec.fleet.plugins.module_utils._core._secret import Secret
from ansible_collections.camsec.fleet.plugins.module_utils._ftpes._facts import Server
from ansible_collections.camsec.fleet.plugins.module_utils._ftpes._names import check_remote_name
from ansible_collections.camsec.fleet.plugins.module_utils._ftpes._session import temporary_name
from ansible_collections.camsec.fleet.plugins.module_utils._tls._policies import policy_of
from hypothesis import given
from hypothesis import strategies as st


@pytest.mark.parametrize(
    "name",
    [
        "a",
        "/a/b.mov",
        "Ton/Übung – 数.wav",
        "..a/b..",
        "a b",
        "~x",
        "x" * 255,
        "é" * 127,
        "/".join(["x" * 255] * 16)[:4096],
        "\U0001f3a5.mxf",
        "-rf",
    ],
)
def test_name_is_kept(name: str) -> None:
    assert check_remote_name(name) == name


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("", "without its last part"),
        ("/", "without its last part"),
        ("a/", "without its last part"),
        ("..", "'..'"),
        ("a/../b", "'..'"),
        ("a/./b", "'.'"),
        ("a\rb", "U+000D"),
        ("a\nDELE b", "U+000A"),
        ("a\0b", "U+0000"),
        ("a\x7fb", "U+007F"),
        ("a\x85b", "U+0085"),
        ("a\u2028b", "U+2028"),
        ("gpj.\u202eevidence", "U+202E"),
        ("a\u2066b", "U+2066"),
        ("a\u200fb", "U+200F"),
        ("a\udcffb", "no UTF-8"),
        ("x" * 256, "256 bytes"),
        ("é" * 128, "256 bytes"),
        ("/".join(["x" * 200] * 21), "4220 bytes"),
    ],
)
def test_name_is_refused(name: str, found: str) -> None:
    with pytest.raises(InputError) as caught:
        check_remote_name(name)
    assert found in caught.value.found
    # The message itself is safe to show: nothing in it moves the cursor or turns the text round.
    assert caught.value.message.isprintable()


@given(st.text())
def test_no_name_with_an_end_of_line_passes(name: str) -> None:
    try:
        check_remote_name(name)
    except InputError:
        return
    assert not set("\r\n\0") & set(name)
    assert ".." not in name.split("/")
    name.encode()


def test_temporary_name_lies_beside_and_is_the_same_again() -> None:
    name = temporary_name("/bag/data/tagmanifest.txt")
    assert name == temporary_name("/bag/data/tagmanifest.txt")
    assert name != temporary_name("/bag/tagmanifest.txt")
    assert name.startswith("/bag/data/camsec-")
    assert name.endswith(".part")
    assert "/" not in temporary_name("a")


GOOD: t.Final[dict[str, t.Any]] = {
    "host": "ftp.example.com",
    "user": "u",
    "password": Secret("never-shown"),
    "policy": policy_of("recommended"),
    "ca_path": "/ca.pem",
}


@pytest.mark.parametrize(
    ("change", "subject"),
    [
        ({"port": 0}, "port"),
        ({"timeout": 0}, "timeout"),
        ({"close_timeout": 100000}, "close_timeout"),
        ({"session_reuse": "maybe"}, "session_reuse"),
        ({"ticket_use": "twice"}, "ticket_use"),
        ({"read_back": "yes"}, "read_back"),
        ({"minimum_proof": "none"}, "minimum_proof"),
        ({"ca_path": None}, "trust"),
        ({"spki_sha256": ("AB",)}, "spki_sha256"),
        ({"ca_path": None, "spki_sha256": ("ab" * 32,), "crl_path": "/crl.pem"}, "crl_path"),
    ],
)
def test_server_refuses_what_is_none(change: dict[str, t.Any], subject: str) -> None:
    with pytest.raises(InputError) as caught:
        Server(**GOOD | change)
    assert caught.value.subject == subject


def test_server_shows_no_password() -> None:
    server = Server(**GOOD)
    assert "never-shown" not in repr(server) + str(server.password)
    assert server.certificate_name == "ftp.example.com"
    assert dc.replace(server, server_name="other").certificate_name == "other"
