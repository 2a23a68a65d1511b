# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Discovery over real sockets, all on loopback: what is asked, what is taken, and ansible-inventory with it."""

from __future__ import annotations

import contextlib
import itertools
import pathlib
import socket
import sys
import time
import typing as t

import pytest
from ansible_collections.camsec.fleet.extensions.simulator._onvif_spec import OnvifCameraSpec
from ansible_collections.camsec.fleet.extensions.simulator._spec import Fleet
from ansible_collections.camsec.fleet.extensions.simulator.testing import RunningSimulator
from ansible_collections.camsec.fleet.plugins.module_utils._core._errors import ConnectError, InputError
from ansible_collections.camsec.fleet.plugins.module_utils._discovery import _wire
from ansible_collections.camsec.fleet.plugins.module_utils._discovery._wire import Answers, Question, ask

from .conftest import NET, Folder

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "support"))

from discovery import Responder, matches

ONE, TWO, LIAR, SILENT = (f"{NET}.{number}" for number in (201, 202, 203, 204))
TYPES = {"dn:NetworkVideoTransmitter", "tds:Device"}
#: As long as it takes on a slow computer; all tests but two end as soon as everybody has answered.
PATIENCE = 30.0
BRIEF = 2.0
#: By multicast nobody knows how many will answer: all of it is waited for.
ALL_OF_IT = 4.0


def camera(address: str, endpoint: str = "", **more: str) -> dict[str, str]:
    host = f"[{address}]" if ":" in address else address
    values = {
        "endpoint": endpoint or f"urn:uuid:{address}",
        "xaddrs": f"http://{host}:8080/onvif/device_service https://{host}:8443/onvif/device_service",
        "scopes": "onvif://www.onvif.org/hardware/WV-S1136 onvif://www.onvif.org/location/Bern"
        " onvif://www.onvif.org/Profile/Streaming onvif://www.onvif.org/name/Gate%20%7B%7B%207*7%20%7D%7D",
    }
    return {**values, **more}


def answers(*devices: dict[str, str]) -> t.Callable[[str], t.Iterable[bytes]]:
    return lambda asked: [matches(asked, *devices)]


def asked(*addresses: str, **more: t.Any) -> Answers:
    return ask(Question(**{"addresses": addresses, "multicast": False, "timeout": PATIENCE, **more}))


def endpoints(heard: Answers) -> list[tuple[str, str]]:
    return sorted({(sender, match.endpoint) for sender, match in heard.matches})


# Sockets.


def test_each_is_asked_for_both_types_and_the_wait_ends_with_the_last_answer() -> None:
    with Responder(ONE, answers(camera(ONE))) as one, Responder(TWO, answers(camera(TWO))) as two:
        begin = time.monotonic()
        heard = asked(ONE, TWO)
        assert time.monotonic() - begin < PATIENCE
    assert endpoints(heard) == [(ONE, f"urn:uuid:{ONE}"), (TWO, f"urn:uuid:{TWO}")]
    assert (heard.passed_over, heard.problems) == ({}, ())
    for responder in (one, two):
        assert {types for _identifier, types in responder.heard} == TYPES
        assert len({identifier for identifier, _types in responder.heard}) == 2, "a question keeps its id"


def test_a_lost_question_is_asked_again() -> None:
    count = itertools.count()
    with Responder(ONE, lambda identifier: [] if next(count) < 2 else [matches(identifier, camera(ONE))]) as one:
        heard = asked(ONE, repeats=9)
    assert endpoints(heard) == [(ONE, f"urn:uuid:{ONE}")]
    assert len(one.heard) >= 4


def test_a_network_with_silent_addresses() -> None:
    with Responder(ONE, answers(camera(ONE))), Responder(TWO, answers(camera(TWO))):
        addresses = [f"{NET}.{number}" for number in range(150, 255)]
        heard = asked(*addresses, timeout=BRIEF)
    assert endpoints(heard) == [(ONE, f"urn:uuid:{ONE}"), (TWO, f"urn:uuid:{TWO}")]


def test_ipv6() -> None:
    with contextlib.ExitStack() as stack:
        try:
            responder = stack.enter_context(Responder("::1", answers(camera("::1")), port=0))
        except OSError:
            pytest.skip("this computer has no ::1")
        heard = asked("::1", port=responder.port)
    assert endpoints(heard) == [("::1", "urn:uuid:::1")]


@pytest.mark.parametrize("interface", [ONE, "lo"])
def test_multicast_on_loopback(interface: str) -> None:
    """Nothing leaves the computer: the group is joined, and asked, at the loopback interface alone."""
    try:
        responder = Responder(ONE, answers(camera(ONE)), multicast=True)
    except OSError as error:
        pytest.skip(f"no multicast at the loopback interface: {error}")
    with responder:
        heard = ask(Question(interfaces=(interface,), timeout=ALL_OF_IT))
    assert (ONE, f"urn:uuid:{ONE}") in endpoints(heard)
    assert {types for _identifier, types in responder.heard} == TYPES


def no_multicast(address: str) -> str:
    """Why this computer lets nobody join the group at a loopback address; empty when it does."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as tried:
        try:
            group = socket.inet_aton("239.255.255.250") + socket.inet_aton(address)
            tried.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, group)
        except OSError as error:
            return str(error)
    return ""


def test_the_simulators_cameras_by_multicast() -> None:
    """They share a port and the group, and answer each from its own address."""
    fleet = Fleet(
        onvif_cameras=tuple(
            OnvifCameraSpec(
                name=f"heard{number}", address=address, http_port=8080, password="Geheimnis-1",
                discovery_port=3702, discovery_multicast=True,
            )
            for number, address in enumerate((ONE, TWO))
        )
    )  # fmt: skip
    why = no_multicast(ONE)
    if why:
        pytest.skip(f"no multicast at the loopback interface: {why}")
    with RunningSimulator(fleet):
        found = [sender for sender, _endpoint in endpoints(ask(Question(interfaces=("lo",), timeout=ALL_OF_IT)))]
    assert {ONE, TWO} <= set(found)


def test_interface_that_is_not_there() -> None:
    for interface in ("nosuch0", "192.0.2.250"):
        with pytest.raises(
            InputError, match=f"discovery: interface {interface}: found .*, expected the name of a network"
        ):
            ask(Question(interfaces=(interface,)))


def test_answers_to_other_questions_are_passed_over() -> None:
    def answer(identifier: str) -> list[bytes]:
        forged = matches("urn:uuid:00000000-0000-4000-8000-000000000000", camera(TWO))
        return [forged, b"\x00" * 2000, b"", matches(identifier, camera(ONE))]

    with Responder(ONE, answer):
        heard = asked(ONE, repeats=0)
    assert endpoints(heard) == [(ONE, f"urn:uuid:{ONE}")]
    assert heard.passed_over == {"an answer to another question": 2, "no XML": 4}


def test_hostile_messages_are_passed_over() -> None:
    bomb = '<!DOCTYPE x [<!ENTITY a "aaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>'

    def answer(identifier: str) -> list[bytes]:
        return [
            matches(identifier, camera(ONE, "&b;"), prologue=bomb),
            matches(identifier, *[camera(ONE, f"urn:uuid:{number}", scopes="x") for number in range(65)]),
            matches(identifier, camera(ONE)).ljust(33000),
            matches(identifier, camera(ONE)),
        ]

    with Responder(ONE, answer):
        heard = asked(ONE, repeats=0)
    assert endpoints(heard) == [(ONE, f"urn:uuid:{ONE}")]
    assert set(heard.passed_over) == {"a document type", "more than 64 matches", "longer than 32767 bytes"}


def test_one_that_floods_is_bounded_and_hides_nobody() -> None:
    def flood(identifier: str) -> t.Iterator[bytes]:
        for number in range(200):
            yield matches(identifier, camera(LIAR, f"urn:uuid:{number}"))

    with Responder(LIAR, flood), Responder(ONE, answers(camera(ONE))):
        begin = time.monotonic()
        heard = asked(ONE, LIAR, repeats=9)
        assert time.monotonic() - begin < PATIENCE
    found = endpoints(heard)
    assert (ONE, f"urn:uuid:{ONE}") in found
    assert 0 < len([sender for sender, _endpoint in found if sender == LIAR]) <= 64


def test_no_more_devices_than_can_be(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_wire, "_MOST_DEVICES", 3)
    many = [camera(ONE, f"urn:uuid:{number}") for number in range(10)]
    with Responder(ONE, answers(*many)), Responder(TWO, answers(camera(TWO))):
        heard = asked(ONE, TWO, repeats=9)
    assert len(heard.matches) <= 10 + 1
    assert [problem.partition(":")[0] for problem in heard.problems] == ["discovery"]
    assert "ask part by part" in heard.problems[0]


def test_where_nothing_can_be_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    """To a network that this computer has no way to; a socket of our own says so, whatever its routes are."""

    class Dead(socket.socket):
        def sendto(self, *arguments: t.Any) -> int:
            raise OSError(101, "Network is unreachable")

    monkeypatch.setattr(_wire.socket, "socket", Dead)
    with pytest.raises(ConnectError, match="discovery: question: found Network is unreachable, expected a network"):
        asked(ONE)


# ansible-inventory.


def source(folder: Folder, **options: t.Any) -> str:
    values = {"plugin": "camsec.fleet.onvif", "multicast": False, "timeout": PATIENCE, **options}
    return folder.write("site.camsec_onvif.yml", values)


def test_inventory(folder: Folder) -> None:
    with Responder(ONE, answers(camera(ONE))), Responder(TWO, answers(camera(TWO, scopes="onvif://www.onvif.org/x"))):
        run = folder.list(
            source(
                folder,
                addresses=[ONE, f"{TWO}/32"],
                groups={"camsec_cameras": f"ansible_host == '{ONE}'"},
                keyed_groups=[{"key": "onvif_types", "prefix": "type"}],
                compose={"label": "onvif_model ~ '@' ~ onvif_location"},
            )
        )
    assert run.status == 0, run.text
    one = {
        "ansible_connection": "local",
        "ansible_host": ONE,
        "camsec_http_port": 8080,
        "camsec_https_port": 8443,
        "camsec_driver": "onvif",
        "onvif_endpoint": f"urn:uuid:{ONE}",
        "onvif_model": "WV-S1136",
        "onvif_location": "Bern",
        "onvif_name": "Gate {{ 7*7 }}",
        "onvif_profiles": ["streaming"],
        "onvif_types": ["dn:NetworkVideoTransmitter", "tds:Device"],
        "label": "WV-S1136@Bern",
    }
    assert {name: run.hosts[ONE].get(name) for name in one} == one
    groups = {
        "camsec_discovered": {ONE, TWO},
        "camsec_cameras": {ONE},
        "onvif_model_WV_S1136": {ONE},
        "onvif_location_Bern": {ONE},
        "onvif_profile_streaming": {ONE},
        "type_tds_Device": {ONE, TWO},
    }
    assert {name: run.group(name) for name in groups} == groups


def test_what_devices_say_is_no_template(folder: Folder) -> None:
    with Responder(ONE, answers(camera(ONE))):
        inventory = source(folder, addresses=[ONE])
        run = folder.run("ansible", "-i", inventory, "all", "-m", "ansible.builtin.debug", "-a", "msg={{ onvif_name }}")
    assert "Gate {{ 7*7 }}" in run.text
    assert "Gate 49" not in run.text


def test_foreign_address(folder: Folder) -> None:
    """A liar that sends Ansible to another host is left out, and said, unless the operator takes its word."""
    with Responder(LIAR, answers(camera(TWO))):
        ignored = folder.list(source(folder, addresses=[LIAR]))
        used = folder.list(source(folder, addresses=[LIAR], foreign_address="use"))
    assert ignored.status == 0
    assert ignored.group("camsec_discovered") == set()
    assert f"{LIAR}: discovery answer: found {TWO}, expected the address that the answer came from." in ignored.text
    assert "found no device that can be used, expected at least one" in ignored.text
    assert used.group("camsec_discovered") == {TWO}
    assert (used.hosts[TWO]["onvif_sender"], used.hosts[TWO]["onvif_foreign_address"]) == (LIAR, True)


def test_names_by_endpoint(folder: Folder) -> None:
    two = (camera(ONE, "urn:uuid:4D45"), camera(ONE, "all", xaddrs=f"http://{ONE}:81/x"))
    with Responder(ONE, answers(*two)):
        by_endpoint = folder.list(source(folder, addresses=[ONE], hostname="endpoint"))
        by_address = folder.list(source(folder, addresses=[ONE]))
    assert by_endpoint.group("camsec_discovered") == {"onvif-4d45", "onvif-all"}
    assert by_address.group("camsec_discovered") == {ONE}
    assert "Set hostname to endpoint." in by_address.text


def test_answers_do_not_replace_what_is_written(folder: Folder) -> None:
    folder.write("inventory/1-hosts.yml", {"all": {"hosts": {ONE: {"ansible_host": ONE, "camsec_https_port": 443}}}})
    options = {"plugin": "camsec.fleet.onvif", "multicast": False, "timeout": PATIENCE, "addresses": [ONE]}
    folder.write("inventory/2.camsec_onvif.yml", options)
    with Responder(ONE, answers(camera(ONE))):
        run = folder.list(str(folder.path / "inventory"))
    assert run.hosts[ONE]["camsec_https_port"] == 443
    assert run.hosts[ONE]["camsec_http_port"] == 8080


def test_cache(folder: Folder) -> None:
    options = {
        "cache": True,
        "cache_plugin": "ansible.builtin.jsonfile",
        "cache_connection": str(folder.path / "cache"),
    }
    with Responder(ONE, answers(camera(ONE))) as one, Responder(TWO, answers(camera(TWO))):
        first = folder.list(source(folder, addresses=[ONE], **options))
        one.heard.clear()
        second = folder.list(source(folder, addresses=[ONE], **options, hostname="endpoint"))
        assert one.heard == []
        assert second.group("camsec_discovered") == {f"onvif-{ONE.replace('.', '-')}"}
        other = folder.list(source(folder, addresses=[ONE, TWO], **options))
        assert one.heard
    assert first.group("camsec_discovered") == {ONE}
    assert other.group("camsec_discovered") == {ONE, TWO}, "another question is asked anew"


def test_nobody_answers(folder: Folder) -> None:
    run = folder.list(source(folder, addresses=[SILENT], timeout=0.1, repeats=0))
    assert run.status == 0
    assert run.hosts == {}
    assert "discovery: answers: found no device that can be used, expected at least one." in run.text


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"addresses": ["10.0.0.0/8"]}, "addresses: found '10.0.0.0/8', expected at most 4096 addresses in all"),
        ({"addresses": []}, "addresses: found none, expected some, where multicast is switched off"),
        ({"addresses": [ONE], "repeats": 99}, "repeats: found 99, expected 0 to 9"),
        ({"multicast": True, "interfaces": ["nosuch0"]}, "interface nosuch0: found"),
    ],
)
def test_options_that_cannot_be_used(folder: Folder, options: dict[str, t.Any], words: str) -> None:
    run = folder.list(source(folder, **options))
    assert run.status != 0
    assert words in run.text
    assert "Traceback" not in run.text
