# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A camera moves only where its certificate is good and nobody is; what answers there afterwards has to be itself."""

from __future__ import annotations

import contextlib
import time
import typing as t

import pytest
from ansible_collections.camsec.fleet.plugins.module_utils._camera.drivers import DRIVERS

from .conftest import EACH, MAKE, Options, Rig, ids

BY_DIALECT = {driver.rules.dialect: driver for driver in DRIVERS}
ABLE = [name for name in MAKE if "set_address" not in BY_DIALECT[name].rules.cannot]
able = pytest.mark.parametrize("dialect", ABLE)


def elsewhere(rig: Rig) -> str:
    """An address of no camera, one for each camera."""
    net, _dot, last = rig.host.rpartition(".")
    return f"{net}.{int(last) + 120}"


@pytest.fixture
def wish(rig: Rig, ours: Options) -> Options:
    """A camera in HTTPS whose certificate is good at both addresses, and where it is to go."""
    rig.good("camera", subject_alt_name=[f"IP:{elsewhere(rig)}"], **ours)
    rig.forget()
    return {
        "address": elsewhere(rig),
        "first_contact": "refuse",
        "authority_directory": ours["authority_directory"],
        "switch_timeout": 20,
    }


def trusted(wish: Options) -> str:
    return f"{wish['authority_directory']}/trusted.pem"


def until(attempt: t.Callable[[], t.Any]) -> None:
    end = time.monotonic() + 20
    while time.monotonic() < end:
        with contextlib.suppress(AssertionError):
            attempt()
            return
        time.sleep(0.05)
    attempt()


def at(rig: Rig, host: str) -> Rig:
    return Rig(**{**{name: getattr(rig, name) for name in rig.__dataclass_fields__}, "host": host})


@able
def test_a_camera_moves(rig: Rig, wish: Options) -> None:
    there, ca = at(rig, wish["address"]), trusted(wish)
    serial = rig.serial()
    assert not there.reached("https", 8443, ca)
    done = rig.changes_once("camera_address", **wish)
    assert ids(done) == ["set_address"]
    assert (done["before"]["address"], done["after"]["address"]) == (rig.host, wish["address"])
    assert done["endpoint"]["address"] == wish["address"]
    assert there.verified(ca)
    assert there.serial() == serial
    assert there.reached("https", 8443, ca)
    assert not rig.reached("https", 8443, ca)
    assert not rig.reached("http", 8080)
    # It is there: by its old address and by its new one as the host, and so after a restart.
    there.unchanged("camera_address", **wish)
    rig.good("camera_reboot", host=wish["address"], ca_path=ca, first_contact="refuse")
    rig.unchanged("camera_address", **wish)
    back = there.good("camera_address", **{**wish, "address": rig.host})
    assert back["after"]["address"] == rig.host
    assert rig.verified(ca)


@pytest.mark.parametrize("dialect", ["onvif"])
def test_an_address_that_counts_after_a_restart(rig: Rig, wish: Options) -> None:
    rig.set(network_needs_reboot=True)
    gateway = wish["address"].rpartition(".")[0] + ".254"
    done = rig.changes_once("camera_address", netmask="255.255.255.0", gateway=gateway, **wish)
    assert (done["after"]["prefix_length"], done["after"]["gateway"]) == (24, gateway)
    assert rig.device.state.network.gateway == gateway
    # Network and gateway alone, at the address where it is.
    there = at(rig, wish["address"])
    assert there.changes_once("camera_address", netmask="255.255.0.0", **wish)["after"]["prefix_length"] == 16


@able
def test_an_address_that_somebody_has(rig: Rig, wish: Options, ours: Options) -> None:
    taken = f"{rig.host.rpartition('.')[0]}.{EACH}"
    rig.good("camera", subject_alt_name=[f"IP:{taken}"], **{**ours, "first_contact": "refuse"})
    rig.forget()
    for check_mode in (True, False):
        failed = rig.bad("camera_address", check_mode=check_mode, **{**wish, "address": taken})
        assert f"the new address {taken}: found a device that answers on port" in failed["msg"]
    assert rig.counts()["writes"] == 0


@able
def test_a_certificate_that_is_not_good_there(rig: Rig, wish: Options) -> None:
    other = wish["address"].rpartition(".")[0] + ".250"
    failed = rig.bad("camera_address", **{**wish, "address": other})
    assert f"certificate: found one that does not name {other}" in failed["msg"]
    planned = rig.planned("camera_address", **{**wish, "address": other})
    assert ids(planned) == ["set_address"]
    assert "planned as if the run had made one that does" in planned["warnings"][0]
    outside = rig.bad("camera_address", gateway="192.0.2.1", **wish)
    assert "gateway: found 192.0.2.1, outside of the network" in outside["msg"]
    weak = rig.bad("camera_address", **{**wish, "authority_directory": None, "first_contact": "any_certificate"})
    # A camera that takes HTTP Basic is not even given the password there.
    unproven = {"axis": "a device behind a certificate that proves nothing"}
    assert unproven.get(rig.dialect, "found a camera that was met by any_certificate") in weak["msg"]
    assert rig.counts()["writes"] == 0


@pytest.mark.parametrize("dialect", [name for name in MAKE if name not in ABLE])
def test_a_move_by_hand(rig: Rig, wish: Options) -> None:
    for check_mode in (True, False):
        failed = rig.bad("camera_address", check_mode=check_mode, **wish)
        assert "set it by hand in its own pages, then run this again" in failed["msg"]
    assert rig.counts()["writes"] == 0
    rig.sim.control(f"/devices/{rig.name}/move", "POST", {"address": wish["address"]})
    until(lambda: at(rig, wish["address"]).good("camera_info", ca_path=trusted(wish), first_contact="refuse"))
    found = rig.unchanged("camera_address", **wish)
    assert found["after"]["address"] == wish["address"]
    assert at(rig, wish["address"]).verified(trusted(wish))


@able
def test_a_camera_that_never_comes_up_and_the_run_after_it(rig: Rig, wish: Options) -> None:
    """The power goes in the middle of the move, and comes back later."""
    with rig.when(lambda: rig.device.address == wish["address"], lambda: rig.act("power_off")):
        failed = rig.bad("camera_address", **{**wish, "switch_timeout": 1, "timeout": 1})
    assert f"The camera answers neither at {rig.host} nor at {wish['address']}" in failed["msg"]
    lost = rig.bad("camera_address", **{**wish, "timeout": 1})
    assert "no answer here" in lost["msg"]
    assert f"none at {wish['address']}" in lost["msg"]
    rig.act("power_on")
    again = rig.unchanged("camera_address", **wish)
    assert again["after"]["address"] == wish["address"]


@able
def test_another_camera_at_the_new_address(rig: Rig, wish: Options, ours: Options) -> None:
    """What answers has a good certificate for the new address, which alone does not tell that it is this camera."""
    there = at(rig, wish["address"])
    rig.good("camera_address", **wish)
    # The move is finished, and the inventory still says the old address: a new key tells nothing of it.
    changed = there.good("camera", **ours, new_private_key="with_certificate", first_contact="refuse")
    assert changed["changed"]
    refused = rig.bad("camera_address", **wish)
    assert "found a certificate that does not tell whether it is this camera" in refused["msg"]
    serial = there.good("camera_info", ca_path=trusted(wish))["camera"]["serial_number"]
    assert not rig.good("camera_address", serial_number=serial, **wish)["changed"]
    other = rig.run("camera_address", serial_number="another", **wish)
    assert other["failed"]
    assert "Another camera answers at this address" in other["msg"]


@pytest.mark.parametrize(
    ("option", "value", "expected"),
    [
        ("address", "192.0.2.300", "address: found '192.0.2.300'"),
        ("address", "2001:db8::1", "expected the IPv4 address of one host"),
        ("address", "224.0.0.1", "expected the IPv4 address of one host"),
        ("netmask", "255.0.255.0", "netmask: found '255.0.255.0'"),
        ("gateway", "gate", "gateway: found 'gate'"),
        ("host", "cam.example.org", "host: found 'cam.example.org'"),
    ],
)
@pytest.mark.parametrize("dialect", ["sunell"])
def test_bad_input(rig: Rig, option: str, value: str, expected: str) -> None:
    options: dict[str, t.Any] = {"address": elsewhere(rig), option: value}
    failed = rig.run("camera_address", **options)
    assert failed["failed"]
    assert expected in failed["msg"]
    assert rig.counts()["client"] == 0


#: Kind of fault, and whether the request is carried out first.
FAULTS = (
    ("drop", False),
    ("drop", True),
    ("stall", False),
    ("unavailable", False),
    ("truncate", True),
    ("html", False),
)
REQUEST = {"onvif": "SetNetworkInterfaces", "sunell": "action=set", "axis": "setIPv4AddressConfiguration"}


@able
def test_a_fault_in_the_middle_of_the_move_and_the_run_after_it(rig: Rig, wish: Options) -> None:
    """There and back: after each fault the camera is at one of the two, the run says where, the next one ends it."""
    places = (rig.host, wish["address"])
    options = {**wish, "timeout": 1, "switch_timeout": 5}
    for number, (kind, after_write) in enumerate(FAULTS):
        here, there = at(rig, places[number % 2]), at(rig, places[(number + 1) % 2])
        fault = {"kind": kind, "count": 1, "path": REQUEST[rig.dialect], "after_write": after_write}
        rig.sim.control(f"/devices/{rig.name}/fault", "POST", fault)
        struck = here.run("camera_address", **{**options, "address": there.host})
        assert rig.sim.control(f"/devices/{rig.name}")["faults"] == [], (kind, "it struck nothing")
        moved = rig.device.address == there.host
        if struck.get("failed"):
            assert f"The camera answers at {there.host if moved else here.host}." in struck["msg"], (
                kind,
                struck["msg"],
            )
        else:
            assert moved, kind
        ended = here.good("camera_address", **{**options, "address": there.host})
        assert ended["changed"] is not moved, kind
        assert rig.device.address == there.host
        assert there.verified(trusted(wish))
        assert not here.good("camera_address", **{**options, "address": there.host})["changed"]
