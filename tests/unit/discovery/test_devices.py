# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Scopes, addresses, and what becomes of claims."""

from __future__ import annotations

import ipaddress
import typing as t

import pytest
from ansible_collections.camsec.fleet.plugins.module_utils._core._errors import InputError
from ansible_collections.camsec.fleet.plugins.module_utils._discovery._message import Match
from ansible_collections.camsec.fleet.plugins.module_utils._discovery._places import (
    MOST_ADDRESSES,
    place,
    read_xaddr,
    single_addresses,
)
from ansible_collections.camsec.fleet.plugins.module_utils._discovery._scopes import ScopeFacts, read_scopes
from ansible_collections.camsec.fleet.plugins.module_utils._discovery._wire import Question
from ansible_collections.camsec.fleet.plugins.module_utils._discovery.inventory import devices_from, inventory_hosts
from hypothesis import given
from hypothesis import strategies as st

SCOPES = (
    "onvif://www.onvif.org/type/video_encoder",
    "onvif://www.onvif.org/Profile/Streaming",
    "onvif://www.onvif.org/Profile/T",
    "onvif://www.onvif.org/name/i-PRO%20(WV-S1136)",
    "ONVIF://WWW.onvif.org/hardware/WV-S1136",
    "onvif://www.onvif.org/location/country/japan",
    "onvif://www.onvif.org/location/city/fukuoka/",
    "onvif://www.onvif.org/manufacturer/i-PRO",
    "onvif://www.onvif.org",
    "onvif://www.onvif.org/location",
    "http://www.example.org/name/somebody",
)


def match(endpoint: str = "urn:uuid:1", *xaddrs: str, scopes: t.Sequence[str] = SCOPES) -> Match:
    return Match(endpoint=endpoint, types=("tds:Device",), scopes=tuple(scopes), xaddrs=xaddrs)


def found(*answers: tuple[str, Match], foreign_address: str = "ignore") -> tuple[list[dict[str, t.Any]], list[str]]:
    devices, complaints = devices_from(answers, foreign_address=foreign_address)
    return devices, [complaint.message for complaint in complaints]


# Scopes.


def test_scopes() -> None:
    assert read_scopes(SCOPES) == ScopeFacts(
        name="i-PRO (WV-S1136)",
        hardware="WV-S1136",
        manufacturer="i-PRO",
        location="country/japan",
        locations=("country/japan", "city/fukuoka"),
        profiles=("streaming", "t"),
    )


def test_scopes_have_no_control_characters() -> None:
    facts = read_scopes(["onvif://www.onvif.org/name/a%1B%5B31mred%0A%00b%FF"])
    assert facts.name == "a�[31mred��b�"


@given(st.lists(st.text(max_size=60).map(lambda text: f"onvif://www.onvif.org/{text}"), max_size=40))
def test_any_scopes(scopes: list[str]) -> None:
    facts = read_scopes(scopes)
    values = (facts.name, facts.hardware, facts.manufacturer, facts.location, *facts.locations, *facts.profiles)
    assert all(value.isprintable() and len(value) <= 128 for value in values)
    assert len(facts.profiles) <= 16
    assert len(facts.locations) <= 16


# Whom to ask.


def test_addresses_and_networks() -> None:
    asked = single_addresses(["192.0.2.9", "192.0.2.8/30", "2001:DB8::0001", "fe80::1%eth0", "198.51.100.7/32"])
    assert asked == ("192.0.2.9", "192.0.2.10", "2001:db8::1", "fe80::1%eth0", "198.51.100.7")
    assert len(single_addresses(["10.1.0.0/20"])) == MOST_ADDRESSES - 2


@pytest.mark.parametrize(
    "text", ["cam.example.com", "", "10.0.0.0/8", "2001:db8::/64", "224.0.0.0/24", "0.0.0.0", "1.2.3.4%eth0", "{{ x }}"]
)
def test_addresses_that_cannot_be_asked(text: str) -> None:
    with pytest.raises(InputError, match="discovery: addresses: found"):
        single_addresses([text])


def test_addresses_are_bounded_together() -> None:
    with pytest.raises(InputError, match="at most 4096 addresses in all"):
        single_addresses(["10.0.0.0/20", "10.1.0.0/28"])


@pytest.mark.parametrize(
    "options",
    [{"port": 0}, {"repeats": 10}, {"repeats": -1}, {"timeout": 0.0}, {"timeout": 61.0}, {"multicast": False}],
)
def test_question_within_bounds(options: dict[str, t.Any]) -> None:
    with pytest.raises(InputError, match="discovery: "):
        Question(**options)


# Where devices say they are.


@pytest.mark.parametrize(
    ("url", "parts"),
    [
        ("http://192.0.2.7/onvif/device_service", ("http", "192.0.2.7", 80)),
        ("HTTPS://192.0.2.7:8443/x", ("https", "192.0.2.7", 8443)),
        ("http://[2001:db8::7]:8080/x", ("http", "2001:db8::7", 8080)),
        ("http://[2001:0DB8:0::7]/x", ("http", "2001:db8::7", 80)),
        ("http://[fe80::7%25eth0]/x", ("http", "fe80::7", 80)),
        ("http://[fe80::7%eth0]/x", ("http", "fe80::7", 80)),
        ("http://Cam-1.example.com/x", ("http", "cam-1.example.com", 80)),
    ],
)
def test_xaddr(url: str, parts: tuple[str, str, int]) -> None:
    claim = read_xaddr(url)
    assert claim is not None
    assert (claim.scheme, claim.host, claim.port) == parts
    assert claim.url == url


@pytest.mark.parametrize(
    "url",
    [
        "",
        "soap.udp://192.0.2.7:3702",
        "file:///etc/passwd",
        "http:///x",
        "http://admin@192.0.2.7/x",
        "http://192.0.2.7:0/x",
        "http://192.0.2.7:65536/x",
        "http://192.0.2.7:x/",
        "http://[192.0.2.7/x",
        "http://239.255.255.250/x",
        "http://0.0.0.0/x",
        "http://192.0.2.300/x",
        "http://0x7f.1/x",
        "http://-oProxyCommand=x/",
        "http://{{x}}/",
        "http://a_b.example.com/",
        "http://192.0.2.7/\x1b[31m",
    ],
)
def test_xaddr_that_is_none(url: str) -> None:
    assert read_xaddr(url) is None


@given(st.text(max_size=80) | st.text(max_size=60).map(lambda text: f"http://{text}"))
def test_any_xaddr(url: str) -> None:
    claim = read_xaddr(url)
    if claim is not None:
        assert 1 <= claim.port <= 65535
        assert set(claim.host) <= set("abcdefghijklmnopqrstuvwxyz0123456789.:-")


def located(sender: str, *urls: str, foreign_address: str = "ignore") -> tuple[str, int | None, int | None] | None:
    claims = [claim for claim in map(read_xaddr, urls) if claim is not None]
    where = place(sender, claims, foreign_address=foreign_address)
    return where and (where.host, where.http_port, where.https_port)


def test_place() -> None:
    assert located("192.0.2.7", "http://192.0.2.7:8080/x", "https://192.0.2.7/x") == ("192.0.2.7", 8080, 443)
    assert located("192.0.2.7", "http://192.0.2.7:81/x", "http://192.0.2.7:82/x") == ("192.0.2.7", 81, None)
    several = ("http://169.254.1.1/x", "http://[fe80::7]/x", "http://192.0.2.7/x", "http://[2001:db8::7]/x")
    assert located("192.0.2.7", *several) == ("192.0.2.7", 80, None)
    assert located("2001:db8::7", *several) == ("2001:db8::7", 80, None)


def test_place_link_local() -> None:
    """The device's own zone means nothing here; the network card that the answer came through does."""
    assert located("fe80::7%eth1", "http://[fe80::7%25ens3]:8080/x") == ("fe80::7%eth1", 8080, None)
    assert located("fe80::7%eth1", "http://[fe80::8]/x") is None
    assert located("fe80::7%eth1", "http://[fe80::8]/x", foreign_address="use") == ("fe80::8%eth1", 80, None)
    assert located("192.0.2.7", "http://[fe80::8]/x", foreign_address="use") is None


def test_place_of_another_host() -> None:
    assert located("192.0.2.7", "http://192.0.2.8/x") is None
    assert located("192.0.2.7", "http://localhost/x") is None
    assert located("192.0.2.7", "http://192.0.2.8/x", foreign_address="use") == ("192.0.2.8", 80, None)
    own = ("http://192.0.2.8/x", "http://192.0.2.7/x")
    assert located("192.0.2.7", *own, foreign_address="use") == ("192.0.2.7", 80, None)
    assert located("192.0.2.7", foreign_address="use") is None


# Devices.


def test_devices_are_merged_by_endpoint() -> None:
    one, two = match("urn:uuid:A", "http://192.0.2.7/x"), match("urn:uuid:a", "https://192.0.2.7/x", scopes=[])
    devices, complaints = found(("192.0.2.7", one), ("192.0.2.7", two))
    assert complaints == []
    assert [(device["endpoint"], device["http_port"], device["https_port"]) for device in devices] == [
        ("urn:uuid:A", 80, 443)
    ]
    assert devices[0]["name"] == "i-PRO (WV-S1136)"


def test_devices_by_address() -> None:
    senders = ["fe80::2%eth0", "2001:db8::1", "192.0.2.10", "192.0.2.9"]
    answers = [
        (
            sender,
            match(
                f"urn:uuid:{number}", f"http://[{sender.partition('%')[0]}]/x" if ":" in sender else f"http://{sender}"
            ),
        )
        for number, sender in enumerate(senders)
    ]
    devices, dummy = found(*answers)
    assert [device["address"] for device in devices] == senders[::-1]


def test_one_endpoint_at_two_addresses() -> None:
    answers = [(f"192.0.2.{number}", match("urn:uuid:1", f"http://192.0.2.{number}/x")) for number in (8, 7)]
    devices, complaints = found(*answers)
    assert [device["address"] for device in devices] == ["192.0.2.7"]
    assert complaints == [
        "192.0.2.7: endpoint: found urn:uuid:1 at 192.0.2.8 too, expected it at one address. The first address is used."
    ]


def test_foreign_address_is_left_out_and_said() -> None:
    answer = ("192.0.2.66", match("urn:uuid:1", "http://192.0.2.7/x"))
    devices, complaints = found(answer)
    assert devices == []
    assert complaints[0].startswith(
        "192.0.2.66: discovery answer: found 192.0.2.7, expected the address that the answer came from."
    )
    (device,), complaints = found(answer, foreign_address="use")
    assert (device["address"], device["foreign"], complaints) == ("192.0.2.7", True, [])


def test_device_at_its_own_address_is_not_complained_of() -> None:
    """It also answers from an address that it does not claim."""
    answers = [(sender, match("urn:uuid:1", "http://192.0.2.7/x")) for sender in ("192.0.2.6", "192.0.2.7")]
    devices, complaints = found(*answers)
    assert ([device["address"] for device in devices], complaints) == (["192.0.2.7"], [])


def test_hosts() -> None:
    devices, dummy = found(("192.0.2.7", match("urn:uuid:4d45-1", "http://192.0.2.7:8080/x")))
    (host,) = inventory_hosts(devices, hostname="address").hosts
    assert host.name == "192.0.2.7"
    assert host.groups == (
        "camsec_discovered",
        "onvif_model_WV-S1136",
        "onvif_location_country/japan",
        "onvif_profile_streaming",
        "onvif_profile_t",
    )
    wanted = {
        "ansible_host": "192.0.2.7",
        "camsec_http_port": 8080,
        "camsec_driver": "onvif",
        "onvif_endpoint": "urn:uuid:4d45-1",
        "onvif_types": ["tds:Device"],
        "onvif_scopes": list(SCOPES),
        "onvif_xaddrs": ["http://192.0.2.7:8080/x"],
        "onvif_name": "i-PRO (WV-S1136)",
        "onvif_model": "WV-S1136",
        "onvif_location": "country/japan",
        "onvif_sender": "192.0.2.7",
        "onvif_foreign_address": False,
    }
    assert {name: host.variables[name] for name in wanted} == wanted
    assert "camsec_https_port" not in host.variables
    assert [host.name for host in inventory_hosts(devices, hostname="endpoint").hosts] == ["onvif-4d45-1"]


def test_hosts_of_one_name() -> None:
    answers = [("192.0.2.7", match(f"urn:uuid:{number}", f"http://192.0.2.7:808{number}/x")) for number in (1, 2)]
    devices, dummy = found(*answers)
    hosts = inventory_hosts(devices, hostname="address")
    assert [host.name for host in hosts.hosts] == ["192.0.2.7"]
    (warning,) = hosts.warnings
    assert warning.startswith("192.0.2.7: endpoint urn:uuid:2: found the name 192.0.2.7, which another device")
    assert warning.endswith("Set hostname to endpoint.")
    assert len(inventory_hosts(devices, hostname="endpoint").hosts) == 2


@pytest.mark.parametrize("endpoint", ["all", "rec01", "localhost", "../../x", "{{ x }}", "urn:uuid:", "\x1b[0m", "Ä"])
def test_no_claim_makes_a_name_of_another_host(endpoint: str) -> None:
    devices, dummy = found(("192.0.2.7", match(endpoint, "http://192.0.2.7/x")))
    (host,) = inventory_hosts(devices, hostname="endpoint").hosts
    assert host.name.startswith("onvif-")
    assert set(host.name) <= set("abcdefghijklmnopqrstuvwxyz0123456789-")


def test_this_computer_is_no_camera() -> None:
    devices, dummy = found(("127.0.0.1", match("urn:uuid:1", "http://127.0.0.1/x")))
    assert inventory_hosts(devices, hostname="address").hosts == ()


@given(
    st.lists(st.tuples(st.ip_addresses(), st.text(min_size=1, max_size=20), st.lists(st.text(max_size=40))), max_size=8)
)
def test_any_devices(answers: list[tuple[ipaddress.IPv4Address | ipaddress.IPv6Address, str, list[str]]]) -> None:
    given_answers = [(str(sender), match(endpoint, *xaddrs)) for sender, endpoint, xaddrs in answers]
    for foreign_address in ("ignore", "use"):
        devices, dummy = found(*given_answers, foreign_address=foreign_address)
        hosts = inventory_hosts(devices, hostname="endpoint").hosts
        assert len(hosts) <= len({endpoint.lower() for _sender, endpoint, _xaddrs in answers})
