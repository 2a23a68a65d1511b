# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The manual's rules and the planning, without a device. Each test names the rules that it is about."""

from __future__ import annotations

import dataclasses as dc
import itertools
import typing as t

import pytest
from ansible_collections.camsec.fleet.plugins.module_utils._core._errors import InputError, RuleError
from ansible_collections.camsec.fleet.plugins.module_utils._core._secret import Secret
from ansible_collections.camsec.fleet.plugins.module_utils._recorder import planning, rules
from ansible_collections.camsec.fleet.plugins.module_utils._recorder.state import (
    CameraState,
    Encryption,
    EncryptionSetting,
    Kit,
    Licenses,
    LinkSetting,
    PcSide,
    RecorderState,
    System,
    UnlockKey,
    Wanted,
    WantedCamera,
    WantedHttps,
    WantedLicenses,
    masked,
)
from ansible_collections.camsec.fleet.plugins.module_utils._transport._connection import Trust
from ansible_collections.camsec.fleet.plugins.module_utils._transport._contact import Contact, Target
from ansible_collections.camsec.fleet.plugins.module_utils._transport._session import Credentials
from hypothesis import given
from hypothesis import strategies as st

DEVICE = "rec"
CREDENTIALS = Credentials(username="ADMIN", password=Secret("x"))
TARGET = Target(host=DEVICE, https_ports=(443,), http_port=80, credentials=CREDENTIALS, trust=Trust())
PC = PcSide(
    connection="http_and_https",
    tls_1_1=True,
    https_port=443,
    http_port=80,
    ftp_port=2121,
    site_alarm_port=1818,
    port_forwarding=True,
    port_forwarding_ports=(81, 82),
)


def camera(number: int, **more: t.Any) -> CameraState:
    values: dict[str, t.Any] = {
        "number": number,
        "address": f"192.0.2.{number}",
        "model": "WV-S1136",
        "tls_supported": True,
        "connection": "http",
        "port": 443,
        "internet_mode": False,
        "fault": "",
        "compression": "h265_1",
        "encryption_supported": True,
        "encrypted": False,
        "thumbnail": "ok",
        "state": "normal",
        **more,
    }
    return CameraState(**values)


def state(*cameras: CameraState, total: int = 64, password: bool = True, **more: t.Any) -> RecorderState:
    values: dict[str, t.Any] = {
        "contact": Contact(session=TARGET.session("http", 80), trust="plain_http"),
        "peer": None,
        "certificate": None,
        "pc_side": PC,
        "cameras": cameras,
        "licenses": Licenses(total=total, used=rules.seats(cameras), main_unlocked=True, kits=()),
        "encryption": Encryption(password_set=password),
        **more,
    }
    return RecorderState(**values)


def link(number: int, connection: str = "https", **more: t.Any) -> WantedCamera:
    return WantedCamera(number=number, connection=connection, **more)


def encrypt(number: int, wanted: bool = True, **more: t.Any) -> WantedCamera:
    return WantedCamera(number=number, encrypted=wanted, **more)


def refused(rule: str, work: t.Callable[[], object]) -> RuleError:
    with pytest.raises(RuleError) as caught:
        work()
    assert caught.value.rule == rule
    assert caught.value.message.endswith(f"[{rule}]")
    assert "\n" not in caught.value.message
    return caught.value


CHANGE = planning.PasswordChange(password=Secret("Pic-1234"), version="v2", why="none is set")


def test_an_ipv6_address_has_brackets_in_the_url_only() -> None:
    for host in ("::1", "2001:db8::1"):
        session = dc.replace(TARGET, host=host, trust=Trust(any_certificate=True)).session("https", 443)
        assert session.endpoint.url == f"https://[{host}]:443"
        assert session.device == host


# -- licences ------------------------------------------------------------------------------------------------------


def brute_force(shortfall: int) -> tuple[int, int]:
    """Number of kits and cameras too many, by trying everything."""
    for number in range(shortfall + 1):
        sums = [sum(kits) for kits in itertools.combinations_with_replacement(rules.KIT_SIZES.values(), number)]
        fitting = [total for total in sums if total >= shortfall]
        if fitting:
            return number, min(fitting) - shortfall
    raise AssertionError


@given(st.integers(min_value=1, max_value=200))
def test_fewest_kits_against_brute_force(shortfall: int) -> None:
    kits = rules.fewest_kits(shortfall)
    covered = sum(rules.KIT_SIZES[model] * number for model, number in kits.items())
    assert (sum(kits.values()), covered - shortfall) == brute_force(shortfall)


@pytest.mark.parametrize("shortfall", [0, -3])
def test_nothing_missing_nothing_to_buy(shortfall: int) -> None:
    assert rules.fewest_kits(shortfall) == {}


SETS = st.frozensets(st.integers(1, 8))


@given(https=SETS, encrypted=SETS)
def test_rec_07_seats_are_the_union(https: frozenset[int], encrypted: frozenset[int]) -> None:
    cameras = [camera(n, connection="https" if n in https else "http", encrypted=n in encrypted) for n in range(1, 9)]
    assert rules.seats(cameras) == len(https | encrypted)


def test_rec_07_shortage_names_the_kits_to_buy() -> None:
    present = state(camera(1, encrypted=True), camera(2), camera(3), total=1)
    wanted = Wanted(cameras=(link(1), link(2), link(3)))
    error = refused("REC-07", lambda: planning.plan_all(present, wanted, None))
    assert "1 x WJ-NXS04WUX" in error.message
    assert "found 1 in all, 2 too few, expected 3" in error.message


def test_rec_07_counts_the_state_after_the_change() -> None:
    present = state(camera(1, connection="https"), camera(2), total=1)
    steps, after = planning.plan_all(present, Wanted(cameras=(link(1, "http"), link(2))), None)
    assert [step.id for step in steps] == ["set_links"]
    assert after.licenses is not None
    assert after.licenses.used == 1


def test_rec_07_order_of_the_two_requests_follows_the_licences() -> None:
    present = state(camera(1, encrypted=True), camera(2), total=1)
    steps, dummy = planning.plan_all(present, Wanted(cameras=(encrypt(1, wanted=False), link(2))), None)
    assert [step.id for step in steps] == ["set_encryption", "set_links"]


def test_rec_07_names_the_legal_order_when_neither_fits() -> None:
    present = state(camera(1, encrypted=True, connection="https"), camera(2), total=1)
    wanted = Wanted(
        cameras=(
            WantedCamera(number=1, connection="http", encrypted=False),
            WantedCamera(number=2, connection="https", encrypted=True),
        )
    )
    error = refused("REC-07", lambda: planning.plan_all(present, wanted, None))
    assert "Shortest legal order" in error.message


def test_rec_06_register_first_and_how_many() -> None:
    present = state(cameras=None, licenses=None, encryption=None, unlicensed=True)
    wanted = Wanted(cameras=(link(1), encrypt(2), link(3, "http")))
    error = refused("REC-06", lambda: planning.plan_all(present, wanted, None))
    assert "a kit for 2 camera(s) (1 x WJ-NXS04WUX)" in error.message
    assert "register main_unlock_key, register kit_unlock_keys" in error.message


def test_rec_06_with_keys_to_register_the_cameras_are_planned_later() -> None:
    present = state(cameras=None, licenses=None, encryption=None, unlicensed=True)
    https = WantedHttps(connection="https_only", tls_1_1=None, https_port=443)
    steps, dummy = planning.plan_all(present, Wanted(cameras=(link(1),), https=https), None, count=False)
    assert [step.id for step in steps] == ["set_cameras", "set_pc_connection"]


MAIN, KIT = UnlockKey(key=Secret("1111-2222-3333-4444-5555")), UnlockKey(key=Secret("20000000000000000001"))


def test_rec_02_main_unit_first() -> None:
    present = state(licenses=Licenses(total=0, used=0, main_unlocked=False, kits=()))
    error = refused("REC-02", lambda: planning.plan_licenses(present, WantedLicenses(kits=(KIT,))))
    assert "Shortest legal order: register main_unlock_key" in error.message
    steps, after = planning.plan_licenses(present, WantedLicenses(main=MAIN, kits=(KIT,)))
    assert [step.id for step in steps] == ["register_main_key", "register_kit_key"]
    assert after.licenses is not None
    assert after.licenses.main_unlocked


def test_registered_keys_are_recognised_by_their_masked_form() -> None:
    kit = Kit(model="WJ-NXS01WUX", key=masked("2000************0001"))
    present = state(licenses=Licenses(total=1, used=0, main_unlocked=True, kits=(kit,)))
    spaced = UnlockKey(key=Secret("2000 0000-0000 0000-0001"))
    assert planning.plan_licenses(present, WantedLicenses(main=MAIN, kits=(spaced, KIT)))[0] == []


@pytest.mark.parametrize("text", ["", "123", "2" * 19, "2" * 21, "x" * 20, "\uff12" * 20])
def test_rec_04_a_key_that_cannot_be_one_is_not_sent(text: str) -> None:
    present = state(licenses=Licenses(total=0, used=0, main_unlocked=True, kits=()))
    with pytest.raises(InputError) as caught:
        planning.plan_licenses(present, WantedLicenses(kits=(UnlockKey(key=Secret(text)),)))
    assert not text or text not in caught.value.message


def test_keys_are_shown_masked_only() -> None:
    steps, dummy = planning.plan_licenses(
        state(licenses=Licenses(total=0, used=0, main_unlocked=False, kits=())), WantedLicenses(main=MAIN, kits=(KIT,))
    )
    shown = repr(steps) + repr([step.shown() for step in steps])
    assert "2000************0001" in shown
    assert "20000000000000000001" not in shown
    assert "4444" not in shown


# -- HTTPS for PCs -------------------------------------------------------------------------------------------------

FORBIDDEN = [20, 21, 23, 25, 42, 53, 67, 68, 69, 79, 105, 110, 123, 161, 162, 546, 547, 995, 10001, 10007, 50000, 50255]


@pytest.mark.parametrize("port", [*FORBIDDEN, 0, -1, 65536, 70000])
def test_rec_12_forbidden_ports(port: int) -> None:
    refused("REC-12", lambda: rules.check_https_port(DEVICE, port))


@pytest.mark.parametrize("port", [1, 443, 10000, 10008, 49999, 50256, 65535])
def test_rec_12_allowed_ports(port: int) -> None:
    rules.check_https_port(DEVICE, port)
    rules.check_https_port_free(DEVICE, port, PC)


@pytest.mark.parametrize("port", [80, 2121, 1818, 81, 82])
def test_rec_12_ports_that_the_recorder_uses(port: int) -> None:
    refused("REC-12", lambda: rules.check_https_port_free(DEVICE, port, PC))


@pytest.mark.parametrize(
    ("connection", "tls_1_1", "port", "steps"),
    [
        (None, None, 443, []),
        ("http_and_https", True, 443, []),
        ("https_only", None, 443, ["set_pc_connection"]),
        (None, False, 443, ["set_pc_https"]),
        (None, None, 8443, ["set_pc_https"]),
        ("https_only", False, 8443, ["set_pc_https", "set_pc_connection"]),
    ],
)
def test_rec_10_rec_11_http_is_switched_off_last(
    connection: str | None, tls_1_1: bool | None, port: int, steps: list[str]
) -> None:
    present = state()
    planned, after = planning.plan_https(present, WantedHttps(connection=connection, tls_1_1=tls_1_1, https_port=port))
    assert [step.id for step in planned] == steps
    found = {impact.rule for impact in planning.make_plan(present, after, planned).impacts}
    assert found == ({"REC-10"} if connection == "https_only" else set()) | ({"REC-14"} if port != 443 else set())


def test_rec_10_no_impact_without_port_forwarding() -> None:
    present = state(pc_side=dc.replace(PC, port_forwarding=False))
    steps, after = planning.plan_https(present, WantedHttps(connection="https_only", tls_1_1=None, https_port=443))
    assert planning.make_plan(present, after, steps).impacts == ()


# -- connections to cameras ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("port", [0, -1, 65536, 70000])
def test_rec_20_ports_of_cameras(port: int) -> None:
    refused("REC-20", lambda: planning.plan_links(state(camera(1)), [link(1, port=port)]))


def test_rec_20_camera_that_is_not_registered() -> None:
    present = state(camera(1), camera(2), camera(5))
    error = refused("REC-20", lambda: planning.plan_all(present, Wanted(cameras=(link(99),)), None))
    assert "camera 99" in error.message
    assert "one of 1-2, 5" in error.message


def test_a_camera_twice_is_refused() -> None:
    with pytest.raises(InputError, match="camera 1 more than once"):
        planning.plan_all(state(camera(1)), Wanted(cameras=(link(1), encrypt(1))), None)


@pytest.mark.parametrize("wanted", [link(1), link(1, "http", send=True)])
def test_rec_21_camera_without_tls(wanted: WantedCamera) -> None:
    refused("REC-21", lambda: planning.plan_links(state(camera(1, tls_supported=False)), [wanted]))
    assert planning.plan_links(state(camera(1, tls_supported=False)), [link(1, "http")])[0] == []


@pytest.mark.parametrize(
    ("number", "version", "warned"),
    [(4, "3.00", False), (5, "3.00", True), (5, "3.10", False), (32, "3.10", False), (33, "3.10", True)],
)
def test_rec_23_internet_mode_is_a_warning(number: int, version: str, warned: bool) -> None:
    cameras = [camera(n, internet_mode=True) for n in range(1, number + 1)]
    system = System(model="WJ-NX400K", version=version, serial_number="", max_cameras=64)
    present = state(*cameras, system=system)
    steps, after = planning.plan_links(present, [link(1)])
    plan = planning.make_plan(present, after, steps)
    assert any("[REC-23]" in warning for warning in plan.warnings) is warned
    limit = number - 1
    text = f"{number} cameras in internet mode; more than {limit} (software {version}) can make communication unstable."
    assert [(one.rule, one.text) for one in plan.impacts] == ([("REC-23", text)] if warned else [])


def test_links_are_one_request_and_only_what_differs() -> None:
    present = state(camera(1, connection="https"), camera(2), camera(3))
    steps, dummy = planning.plan_links(present, [link(1, port=443), link(2, port=8443, send=True), link(3, "http")])
    assert steps[0].data["links"] == (LinkSetting(number=2, connection="https", port=8443, send=True),)


def test_an_address_is_sent_where_it_differs_and_only_one_of_its_own() -> None:
    present = state(camera(1, connection="https"), camera(2, connection="https"))
    same = [WantedCamera(number=1, connection="https", address="192.0.2.1")]
    assert planning.plan_links(present, same)[0] == []
    wanted = [WantedCamera(number=1, connection="https", address="192.0.2.81")]
    steps, after = planning.plan_links(present, wanted)
    assert [link.address for link in steps[0].data["links"]] == ["192.0.2.81"]
    assert steps[0].title == "Connect to cameras: camera 1 at 192.0.2.81 https port 443"
    moved = after.camera(1)
    assert moved is not None
    assert moved.address == "192.0.2.81"
    assert planning.plan_links(after, wanted)[0] == []
    with pytest.raises(InputError, match=r"192\.0\.2\.2, which is that of camera 2"):
        planning.plan_links(present, [WantedCamera(number=1, connection="https", address="192.0.2.2")])
    with pytest.raises(InputError, match="address of camera 1"):
        planning.plan_links(present, [WantedCamera(number=1, connection="https", address="no name")])


# -- data encryption -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text", ["abc", "a" * 17, "abc d", "パスワード", "ab\tcd", "abcd\n", "\uff41\uff42\uff43\uff44", ""]
)
def test_rec_30_password_that_cannot_be_entered(text: str) -> None:
    error = refused("REC-30", lambda: rules.check_password(DEVICE, Secret(text)))
    assert not text or text not in error.message


@given(st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=4, max_size=16))
def test_rec_30_password_that_can(text: str) -> None:
    rules.check_password(DEVICE, Secret(text))


def test_rec_30_no_encryption_without_a_password() -> None:
    present = state(camera(1), password=False)
    error = refused("REC-30", lambda: planning.plan_encryption(present, [encrypt(1)], None))
    assert "Shortest legal order" in error.message
    steps, dummy = planning.plan_encryption(present, [encrypt(1)], CHANGE)
    assert len(steps) == 1
    assert planning.plan_encryption(present, [encrypt(1, wanted=False)], None)[0] == []


@pytest.mark.parametrize("compression", ["h265_3", "h265_4", "h264_3", "h264_4", ""])
def test_rec_32_compressions_that_cannot_be_encrypted(compression: str) -> None:
    present = state(camera(1, compression=compression))
    refused("REC-32", lambda: planning.plan_encryption(present, [encrypt(1)], None))


@pytest.mark.parametrize("compression", ["h265_1", "h264_1", "mjpeg"])
def test_rec_32_compressions_that_can(compression: str) -> None:
    assert planning.plan_encryption(state(camera(1, compression=compression)), [encrypt(1)], None)[0]


@pytest.mark.parametrize("wanted", [encrypt(1), encrypt(1, wanted=False, send=True)])
def test_rec_33_camera_without_encryption(wanted: WantedCamera) -> None:
    present = state(camera(1, encryption_supported=False))
    refused("REC-33", lambda: planning.plan_encryption(present, [wanted], None))


@pytest.mark.parametrize(
    ("send", "change", "impacts"),
    [
        (True, None, {"REC-37"}),
        (False, None, {"REC-36", "REC-37"}),
        (True, CHANGE, {"REC-34", "REC-35", "REC-37"}),
    ],
)
def test_rec_34_to_rec_37_impacts(send: bool, change: planning.PasswordChange | None, impacts: set[str]) -> None:
    present = state(camera(1), camera(2, encrypted=True))
    steps, after = planning.plan_encryption(present, [encrypt(1, send=send)], change)
    assert {impact.rule for impact in planning.make_plan(present, after, steps).impacts} == impacts


def test_rec_35_a_new_password_is_sent_to_the_cameras_that_encrypt() -> None:
    present = state(camera(1, encrypted=True))
    steps, dummy = planning.plan_encryption(present, [encrypt(1, send=True)], CHANGE)
    assert steps[0].data["cameras"] == (EncryptionSetting(number=1, encrypted=True, send=True),)
    assert "Pic-1234" not in repr(steps)


# -- all together --------------------------------------------------------------------------------------------------


def test_the_safe_order() -> None:
    present = state(camera(1), password=False, trusted_cas=(), kept_root_sha256="")
    wanted = Wanted(
        cameras=(WantedCamera(number=1, connection="https", encrypted=True),),
        https=WantedHttps(connection="https_only", tls_1_1=False, https_port=8443),
        root_certificate_path="/tmp/root.pem",
    )
    steps, after = planning.plan_all(present, wanted, CHANGE, root_sha256="ab")
    ids = [step.id for step in steps]
    assert ids == ["keep_root_certificate", "set_links", "set_encryption", "set_pc_https", "set_pc_connection"]
    assert planning.plan_all(after, wanted, None)[0] == []


@given(
    https=st.frozensets(st.integers(1, 5)),
    encrypted=st.frozensets(st.integers(1, 5)),
    wanted=st.lists(
        st.builds(
            WantedCamera,
            number=st.integers(1, 5),
            connection=st.sampled_from([None, "http", "https"]),
            port=st.sampled_from([None, 443, 8443]),
            encrypted=st.sampled_from([None, True, False]),
            send=st.booleans(),
        ),
        unique_by=lambda one: one.number,
    ),
)
def test_a_second_plan_is_empty(https: frozenset[int], encrypted: frozenset[int], wanted: list[WantedCamera]) -> None:
    cameras = [camera(n, connection="https" if n in https else "http", encrypted=n in encrypted) for n in range(1, 6)]
    steps, after = planning.plan_all(state(*cameras), Wanted(cameras=tuple(wanted)), None)
    assert planning.plan_all(after, Wanted(cameras=tuple(wanted)), None)[0] == []
    assert bool(steps) == (state(*cameras).cameras != after.cameras)
