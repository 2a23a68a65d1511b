# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Subject alternative names: canonical form, refusals, what covers what."""

from __future__ import annotations

import ipaddress

import pytest
from ansible_collections.camsec.fleet.plugins.module_utils._core._errors import InputError
from ansible_collections.camsec.fleet.plugins.module_utils._tls._names import (
    name_covers,
    parse_name,
    parse_names,
    without_zone,
)
from hypothesis import given
from hypothesis import strategies as st

LABELS = st.from_regex(r"[a-z]([a-z0-9]{0,10}[a-z0-9])?", fullmatch=True)
HOSTS = st.lists(LABELS, min_size=1, max_size=4).map(".".join)
ADDRESSES = st.ip_addresses().filter(
    lambda one: not (one.is_unspecified or one.is_multicast or getattr(one, "ipv4_mapped", None))
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("192.0.2.1", "IP:192.0.2.1"),
        ("ip: 192.0.2.1", "IP:192.0.2.1"),
        ("IP:2001:DB8:0:0::1", "IP:2001:db8::1"),
        ("[2001:db8::1]", "IP:2001:db8::1"),
        ("Cam011", "DNS:cam011"),
        ("DNS:cam.example.", "DNS:cam.example"),
        ("*.cams.example", "DNS:*.cams.example"),
        ("bücher.example", "DNS:xn--bcher-kva.example"),
        ("xn--bcher-kva.example", "DNS:xn--bcher-kva.example"),
    ],
)
def test_canonical_form(text: str, expected: str) -> None:
    assert parse_name(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "IP:",
        "DNS:",
        "IP:cam",
        "DNS:192.0.2.1",
        "fe80::1%eth0",
        "IP:fe80::1%1",
        "::ffff:192.0.2.1",
        "0.0.0.0",
        "::",
        "224.0.0.1",
        "256.1.1.1",
        "192.0.2",
        "cam.0x1f",
        "URI:https://cam",
        "email:a@b.example",
        "a_b.example",
        "-a.example",
        "a-.example",
        "a..example",
        "*",
        "*.example",
        "a.*.example",
        "a*.b.example",
        "x" * 64,
        ".".join(["x" * 60] * 5),
        "cam example",
        "cam\n.example",
        "xn--zzzzzzzzzzz--",
        "cam/1",
    ],
)
def test_refused_in_one_sentence(text: str) -> None:
    with pytest.raises(InputError) as caught:
        parse_name(text, device="cam011")
    assert caught.value.message.startswith("cam011: subject alternative name: found ")
    assert "\n" not in caught.value.message


def test_each_name_once_and_at_least_one() -> None:
    assert parse_names(["cam", "DNS:CAM", "192.0.2.1"]) == ("DNS:cam", "IP:192.0.2.1")
    with pytest.raises(InputError):
        parse_names([])


@pytest.mark.parametrize(
    ("name", "address", "covered"),
    [
        ("IP:192.0.2.1", "192.0.2.1", True),
        ("DNS:192.0.2.1", "192.0.2.1", False),
        ("IP:2001:db8::1", "[2001:DB8:0:0::1]", True),
        ("DNS:Cam.Example", "cam.example.", True),
        ("DNS:*.cams.example", "a.cams.example", True),
        ("DNS:*.cams.example", "a.b.cams.example", False),
        ("DNS:*.cams.example", "cams.example", False),
        ("DNS:*.example", "a.example", False),
        ("DNS:a*.cams.example", "ab.cams.example", False),
        ("DNS:*.cams.example", "*.cams.example", False),
        ("DNS:xn--bcher-kva.example", "bücher.example", True),
        ("DNS:cam", "cam.example", False),
        ("DNS:cam", "not a name", False),
    ],
)
def test_covers(name: str, address: str, covered: bool) -> None:
    assert name_covers(name, address) is covered


@given(HOSTS)
def test_host_names_are_stable_and_cover_themselves(host: str) -> None:
    name = parse_name(host)
    assert name == f"DNS:{host}"
    assert parse_name(name) == name
    assert name_covers(name, host.upper())


@given(ADDRESSES)
def test_addresses_are_stable_and_cover_themselves(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> None:
    name = parse_name(address.exploded)
    assert name == f"IP:{address.compressed}"
    assert parse_name(name) == name
    assert name_covers(name, str(address))


@given(st.text(max_size=80))
def test_any_text_is_a_name_or_an_input_error(text: str) -> None:
    try:
        name = parse_name(text)
    except InputError:
        return
    assert parse_name(name) == name
    assert name.isascii()


@given(st.text(max_size=40), st.text(max_size=40))
def test_covers_never_raises(name: str, address: str) -> None:
    assert name_covers(f"DNS:{name}", address) in (True, False)


@pytest.mark.parametrize(
    ("host", "address"),
    [
        ("fe80::1%eth0", "fe80::1"),
        ("fe80::1%1", "fe80::1"),
        ("fe80::1", "fe80::1"),
        ("fe80::1%", "fe80::1%"),
        ("fe80::1%e th", "fe80::1%e th"),
        ("192.0.2.1%eth0", "192.0.2.1%eth0"),
        ("cam%eth0", "cam%eth0"),
    ],
)
def test_a_zone_is_no_part_of_an_address(host: str, address: str) -> None:
    assert without_zone(host) == address
    assert name_covers("IP:fe80::1", host) == (address == "fe80::1")
