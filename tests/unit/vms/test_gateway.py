# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The API Gateway's client and vms_hardware, over real TLS against a stand-in that a test scripts."""

from __future__ import annotations

import contextlib
import json
import pathlib
import sys
import typing as t

import pytest
from ansible_collections.camsec.fleet.plugins.module_utils._core._call import Call
from ansible_collections.camsec.fleet.plugins.module_utils._core._errors import (
    CamsecError,
    ConnectError,
    InputError,
    LoginError,
    PasswordWithheldError,
    ProtocolError,
    RefusedError,
    TrustError,
    VerificationError,
)
from ansible_collections.camsec.fleet.plugins.module_utils._core._secret import Secret
from ansible_collections.camsec.fleet.plugins.module_utils._transport._connection import Endpoint, Trust
from ansible_collections.camsec.fleet.plugins.module_utils._transport._session import Credentials, DeviceSession
from ansible_collections.camsec.fleet.plugins.module_utils._vms.gateway import GatewayApi
from ansible_collections.camsec.fleet.plugins.module_utils._vms.gateway_modules import (
    GATEWAY_OPTIONS,
    HARDWARE_OPTIONS,
    hardware,
    hardware_info,
)

ROOT = pathlib.Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT / "tests" / "support"))

from stand_in_gateway import ADDRESS, PASSWORD, USERNAME, StandIn, certificate, guid, serving  # noqa: E402

Pair = tuple[str, str]


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Pair:
    return certificate(tmp_path_factory.mktemp("tls"), "management01")


@pytest.fixture
def vms() -> StandIn:
    made = StandIn()
    made.add("Entrance", "http://192.0.2.11/")
    made.add("Garage", "http://192.0.2.12:8080/", "recording02")
    return made


@pytest.fixture
def port(vms: StandIn, pair: Pair) -> t.Iterator[int]:
    with serving(vms, pair) as port:
        yield port


@pytest.fixture
def options(port: int, pair: Pair) -> dict[str, t.Any]:
    """Options of a task, with what was not given at its default."""
    defaults = {name: one.get("default") for name, one in {**GATEWAY_OPTIONS, **HARDWARE_OPTIONS}.items()}
    mine = {"host": ADDRESS, "https_port": port, "username": USERNAME, "password": PASSWORD, "ca_path": pair[0]}
    return {**defaults, **mine, "hardware": "Entrance", "timeout": 5.0, "read_settings": True}


def run(options: t.Mapping[str, t.Any], *, check: bool = False, **more: t.Any) -> dict[str, t.Any]:
    return hardware(Call(params={**options, **more}, check_mode=check))


def refused(options: t.Mapping[str, t.Any], kind: type[CamsecError], **more: t.Any) -> str:
    with pytest.raises(kind) as caught:
        run(options, **more)
    assert PASSWORD not in caught.value.message
    return caught.value.message


# -- the twelve cases that apply: a setting is changed, never made or deleted -----------------------------------------


def test_on_again_and_off_again(options: dict[str, t.Any], vms: StandIn) -> None:
    camera = vms.hardware[0]["id"]
    on = {"https": True, "camera_https_port": 8443, "validate_certificate": True, "validate_host_name": True}
    before = dict(vms.settings[camera])
    dry = run(options, check=True, **on)
    assert dry["changed"]
    assert vms.settings[camera] == before
    assert vms.changes() == []

    done = run(options, **on)
    assert done["changed"]
    assert done["diff"]["after"] == done["after"] == dry["after"] == {**done["before"], **on}
    assert done["before"]["recording_server"] == "recording01"
    assert vms.settings[camera] == {
        **before, "httpSEnabled": "yes", "httpSPort": "8443",
        "httpSValidateCertificate": "Yes", "httpSValidateHostname": "Yes",
    }  # fmt: skip
    assert [impact["rule"] for impact in done["impacts"]] == ["HTTPS-30", "HTTPS-25", "HTTPS-25"]
    assert done["warnings"] == []
    assert done["contact"] == {"scheme": "https", "port": options["https_port"], "trust": "certificate_authority"}
    assert done["certificate"]["subject"] == "CN=management01"

    for check in (True, False):
        assert not run(options, check=check, **on)["changed"]
    off = run(options, check=True, https=False)
    assert off["changed"]
    done = run(options, https=False)
    assert done["after"] == off["after"]
    assert vms.settings[camera] == {**before, "httpSPort": "8443"}
    assert not run(options, https=False)["changed"]
    assert len(vms.changes()) == 2
    assert vms.settings[vms.hardware[1]["id"]]["httpSEnabled"] == "no"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (("no", "443"), ("yes", "4443")),
        (("No", 443), ("Yes", 4443)),
        ((False, 443), (True, 4443)),
        (("false", "443"), ("true", "4443")),
        (("False", "443"), ("True", "4443")),
        (("0", "443"), ("1", "4443")),
    ],
)
def test_values_go_back_in_the_form_in_which_they_came(
    vms: StandIn, options: dict[str, t.Any], before: tuple[object, object], after: tuple[object, object]
) -> None:
    camera = vms.add("Own", "192.0.2.99", httpSEnabled=before[0], httpSPort=before[1])
    assert run(options, hardware="192.0.2.99", https=True, camera_https_port=4443)["changed"]
    found = vms.settings[camera]["httpSEnabled"], vms.settings[camera]["httpSPort"]
    assert found == after
    assert [type(value) for value in found] == [type(value) for value in before]


def test_only_what_differs_is_sent(options: dict[str, t.Any], vms: StandIn) -> None:
    run(options, https=True, validate_certificate=False)
    assert json.loads(vms.bodies[vms.recorded.index(next(one for one in vms.recorded if one[0] == "PATCH"))]) == {
        "hardwareDriverSettings": {"httpSEnabled": "yes"}
    }


# -- which hardware ----------------------------------------------------------------------------------------------------


def test_by_name_address_id_and_recording_server(options: dict[str, t.Any], vms: StandIn) -> None:
    vms.add("Entrance", "http://192.0.2.31/", "recording02")
    garage = vms.hardware[1]["id"]
    for text in ("garage", "192.0.2.12", garage, garage.upper()):
        assert run(options, hardware=text)["after"]["name"] == "Garage"
    there = run(options, hardware="Entrance", recording_server="recording02")["after"]
    assert there["address"] == "http://192.0.2.31/"
    said = refused(options, InputError, hardware="Entrance")
    assert "hardware Entrance: found 2 of them: Entrance at http://192.0.2.11/" in said
    assert said.endswith("expected exactly one. Name it by its id.")
    for more in ({"hardware": "Attic"}, {"hardware": garage, "recording_server": "recording01"}):
        assert "found none with this name, address or id" in refused(options, InputError, **more)
    assert f"found nothing with the id {guid('x')}" in refused(options, InputError, hardware=guid("x"))
    assert "recording server recording09: found none" in refused(options, InputError, recording_server="recording09")
    assert "hardware: found nothing" in refused(options, InputError, hardware=" ")
    collections = {path.partition("?")[0] for method, path, dummy in vms.recorded if "?" in path}
    assert not {path for path in collections if path.endswith(("hardwareDriverSettings", "storages"))}


@pytest.mark.parametrize("pages", [True, False])
def test_a_large_site_comes_in_pages(options: dict[str, t.Any], vms: StandIn, pages: bool) -> None:
    vms.pages = pages
    for number in range(398):
        vms.add(f"camera {number}", f"http://198.51.100.{number % 250}/")
    result = hardware_info(Call(params={**options, "read_settings": False}, check_mode=False))
    assert len({one["id"] for one in result["hardware"]}) == len(result["hardware"]) == 400
    asked = [path for dummy, path, dummy2 in vms.recorded if "/v1/hardware?" in path]
    # 400 are two whole pages, so that a third has to be asked for.
    assert len(asked) == (3 if pages else 1)


def test_information(options: dict[str, t.Any], vms: StandIn) -> None:
    vms.add("No HTTPS", "http://192.0.2.13/")
    vms.settings[vms.hardware[2]["id"]] = {"displayName": "General"}
    vms.settings[vms.hardware[1]["id"]]["httpSEnabled"] = "perhaps"
    vms.settings_key = "HardwareDriverSettings"
    result = hardware_info(Call(params=options, check_mode=False))
    assert not result["changed"]
    first, second, third = result["hardware"]
    assert (first["https"], first["camera_https_port"], first["fault"]) == (False, 443, "")
    assert "httpSEnabled of Garage: found 'perhaps', expected yes or no" in second["fault"]
    assert "https" not in third
    streams = {one["name"]: (one["streams_encrypted"], one["failover"]) for one in result["recorders"]}
    assert streams == {"recording01": (True, False), "recording02": (False, False), "failover01": (True, True)}


# -- what makes no sense -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("check", [True, False])
def test_senseless_wishes(options: dict[str, t.Any], vms: StandIn, check: bool) -> None:
    for more, sentence in (
        ({"validate_certificate": True}, "validate_certificate of Entrance: found true, with https false"),
        ({"https": False, "validate_certificate": True}, "found true, with https false"),
        (
            {"https": True, "validate_host_name": True},
            "validate_host_name of Entrance: found true, with validate_certificate false",
        ),
        ({"camera_https_port": 0}, "camera_https_port: found 0, expected a port from 1 to 65535"),
        ({"camera_https_port": 65536}, "found 65536"),
    ):
        assert sentence in refused(options, InputError, check=check, **more)
    assert vms.changes() == []


def test_validation_off_takes_the_name_with_it(options: dict[str, t.Any], vms: StandIn) -> None:
    camera = vms.hardware[0]["id"]
    run(options, https=True, validate_certificate=True, validate_host_name=True)
    done = run(options, validate_certificate=False)
    assert done["after"]["validate_host_name"] is False
    assert any("without looking at the camera's certificate" in warning for warning in done["warnings"])
    assert vms.settings[camera]["httpSValidateHostname"] == "No"


def test_a_driver_without_the_setting(options: dict[str, t.Any], vms: StandIn) -> None:
    vms.settings[vms.hardware[0]["id"]] = {"displayName": "General", "httpSEnabled": "no", "httpSPort": "443"}
    assert run(options, https=True, validate_certificate=False)["changed"]
    said = refused(options, InputError, validate_certificate=True)
    assert "validate_certificate of Entrance: found a driver without httpSValidateCertificate" in said


# -- the login ---------------------------------------------------------------------------------------------------------


def test_a_wrong_login_is_tried_once(options: dict[str, t.Any], vms: StandIn) -> None:
    wrong = "Falsch-und-geheim"
    said = refused(options, LoginError, password=wrong)
    assert "login: found the user name or the password was refused, expected name and password of a basic user" in said
    assert wrong not in said
    assert len(vms.recorded) == 1
    vms.login_refusal = 400, b'{"error": "invalid_grant", "error_description": "LockedOut"}'
    assert "found the account is locked" in refused(options, LoginError)
    vms.login_refusal = 400, f'{{"error": "invalid_grant", "error_description": "{wrong}"}}'.encode()
    assert "found the account was refused" in refused(options, LoginError, password=wrong)
    vms.login_refusal = 401, b""
    assert "found the account was refused" in refused(options, LoginError)


def test_a_windows_account_is_refused_before_anything_is_sent(options: dict[str, t.Any], vms: StandIn) -> None:
    assert "found a Windows account, expected a basic user" in refused(options, InputError, username="SITE\\admin")
    assert vms.recorded == []


@pytest.mark.parametrize(
    ("status", "body"),
    [(404, b"<html>nothing here</html>"), (200, b"<html>a camera</html>"), (200, b"{}"), (500, b""),
     (200, b'{"access_token": "a\\r\\nX: y"}'), (400, b"<html></html>"), (200, b"[]")],
)  # fmt: skip
def test_what_is_no_gateway(options: dict[str, t.Any], vms: StandIn, status: int, body: bytes) -> None:
    vms.login_refusal = status, body
    said = refused(options, ProtocolError)
    assert "answer to /API/IDP/connect/token" in said
    assert "Is this the management server, and is the API Gateway installed on it" in said


def _session(port: int, trust: Trust, scheme: str = "https") -> DeviceSession:
    account = Credentials(username=USERNAME, password=Secret(PASSWORD))
    endpoint = Endpoint(scheme=scheme, host=ADDRESS, port=port)
    return DeviceSession(device=ADDRESS, endpoint=endpoint, credentials=account, trust=trust, timeout=5.0)


def test_a_token_that_ends_is_bought_anew_once(port: int, vms: StandIn, pair: Pair) -> None:
    with _session(port, Trust(ca_path=pair[0])) as session:
        api = GatewayApi(session)
        api.login()
        assert len(api.hardware()) == 2
        vms.tokens.clear()
        camera = vms.hardware[0]["id"]
        api.change_driver_settings(camera, {"httpSEnabled": "yes"})
        assert vms.settings[camera]["httpSEnabled"] == "yes"
        assert [path for method, path, dummy in vms.recorded if method == "POST"] == ["/API/IDP/connect/token"] * 2
        # No token goes to where the password goes.
        assert [token for method, dummy, token in vms.recorded if method == "POST"] == [False, False]
        vms.no_token_is_good = True
        with pytest.raises(RefusedError, match="found a new token that is refused as well"):
            api.hardware()
        assert len([1 for method, dummy, dummy2 in vms.recorded if method == "POST"]) == 3
        assert PASSWORD not in repr(vars(session)) + repr(vars(api))


def test_the_password_goes_to_nobody_unproven(
    vms: StandIn, port: int, options: dict[str, t.Any], tmp_path: pathlib.Path
) -> None:
    stranger, dummy = certificate(tmp_path, "stranger")
    said = refused(options, TrustError, ca_path=stranger)
    assert "certificate at 127.0.0.1 port" in said
    with (
        _session(port, Trust(any_certificate=True)) as session,
        pytest.raises(PasswordWithheldError, match="found a certificate that proves nothing"),
    ):
        GatewayApi(session).login()
    misnamed, key = certificate(tmp_path, "misnamed", "192.0.2.1")
    with serving(vms, (misnamed, key)) as other:
        refused(options, TrustError, https_port=other, ca_path=misnamed)
    assert vms.recorded == []


def test_plain_http_only_by_the_operators_word(vms: StandIn, options: dict[str, t.Any], tmp_path: pathlib.Path) -> None:
    with serving(vms, None) as plain:
        told = {**options, "http_port": plain, "https_port": 1}
        said = refused(told, ConnectError)
        assert "A VMS that is not encrypted yet answers in plain HTTP only" in said
        assert vms.recorded == []
        done = run(told, first_contact="plain_http", https=True)
        assert done["contact"]["trust"] == "plain_http"
        assert any("The password went to the VMS over plain HTTP" in warning for warning in done["warnings"])
        # A certificate that is not trusted ends it: plain HTTP is not tried behind it.
        vms.recorded.clear()
        stranger, dummy = certificate(tmp_path, "stranger")
        refused({**options, "http_port": plain}, TrustError, first_contact="plain_http", ca_path=stranger)
        assert vms.recorded == []


# -- what goes wrong on the way ----------------------------------------------------------------------------------------


def test_a_change_that_is_not_kept_is_seen(options: dict[str, t.Any], vms: StandIn) -> None:
    vms.forgets = True
    said = refused(options, VerificationError, https=True)
    assert "https of Entrance: found False, expected True" in said


def test_a_lost_answer_is_read_again(options: dict[str, t.Any], vms: StandIn) -> None:
    vms.cuts = True
    assert run(options, https=True)["after"]["https"] is True
    assert len(vms.changes()) == 1


def test_an_account_that_may_not(options: dict[str, t.Any], vms: StandIn) -> None:
    vms.forbids = True
    said = refused(options, RefusedError, https=True)
    assert "status 403 (The user has no right to change this)" in said
    assert "The account's role needs the right" in said


def test_nobody_there(options: dict[str, t.Any]) -> None:
    with contextlib.ExitStack() as stack:
        free = stack.enter_context(serving(StandIn(), None))
    assert "contact: found HTTPS connection to 127.0.0.1 port" in refused(options, ConnectError, https_port=free)
