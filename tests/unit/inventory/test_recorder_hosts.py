# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What recorders tell, as hosts: names, variables, groups, and what a recorder must not be able to say."""

from __future__ import annotations

import pathlib
import threading
import typing as t

import pytest
from ansible_collections.camsec.fleet.plugins.module_utils._core._errors import (
    CamsecError,
    ConnectError,
    InputError,
    LoginError,
)
from ansible_collections.camsec.fleet.plugins.module_utils._core._host import InventoryHosts
from ansible_collections.camsec.fleet.plugins.module_utils._recorder import inventory
from ansible_collections.camsec.fleet.plugins.module_utils._recorder.inventory import (
    RecorderSource,
    Survey,
    inventory_hosts,
    sources_from,
    survey,
)

PASSWORD = "Rec0rder-secret-7"


def entry(name: str | None = "rec", **more: t.Any) -> dict[str, t.Any]:
    values: dict[str, t.Any] = {
        "name": name,
        "host": "192.0.2.5",
        "http_port": 80,
        "https_port": 443,
        "former_https_port": None,
        "username": "ADMIN",
        "password": PASSWORD,
        "ca_path": None,
        "spki_sha256": [],
        "first_contact": "refuse",
        "timeout": 10.0,
        "command_interval": 3.0,
    }
    return {**values, **more}


def source(name: str | None = "rec", **more: t.Any) -> RecorderSource:
    return sources_from([entry(name, **more)], trust_directory=None)[0]


def camera(number: int = 1, **more: t.Any) -> dict[str, t.Any]:
    values: dict[str, t.Any] = {
        "address": f"192.0.2.{10 + number}",
        "number": number,
        "model": "WV-S1136",
        "state": "normal",
        "fault": "",
        "connection": "https",
        "port": 8443,
        "encrypted": True,
        "tls_supported": True,
        "encryption_supported": True,
        "compression": "h265_1",
        "internet_mode": False,
        "thumbnail": "ok",
    }
    return {**values, **more}


def reading(*cameras: dict[str, t.Any], **more: t.Any) -> dict[str, t.Any]:
    values: dict[str, t.Any] = {
        "model": "WJ-NX400K",
        "version": "3.10",
        "serial_number": "SIM1",
        "max_cameras": 64,
        "contact": {"scheme": "https", "port": 443, "trust": "certificate_authority"},
        "registered": len(cameras),
        "licenses": {"total": 4, "used": 1},
        "data_encryption_password_set": True,
        "cameras": list(cameras),
    }
    return {**values, **more}


def hosts(*told: tuple[RecorderSource, dict[str, t.Any] | None], hostname: str = "address") -> InventoryHosts:
    readings = {one.key: what for one, what in told if what is not None}
    return inventory_hosts([one for one, _what in told], Survey(readings=readings, errors=()), hostname=hostname)


# Options.


def test_sources_take_the_kept_root_certificate(tmp_path: pathlib.Path) -> None:
    (tmp_path / "rec.pem").write_text("x")
    trust = str(tmp_path)
    (kept,) = sources_from([entry()], trust_directory=trust)
    (given,) = sources_from([entry(ca_path="/own.pem")], trust_directory=trust)
    (none,) = sources_from([entry("../rec")], trust_directory=f"{trust}/x")
    assert [one.target.trust.ca_path for one in (kept, given, none)] == [f"{trust}/rec.pem", "/own.pem", None]


@pytest.mark.parametrize("second", [{"name": "rec", "host": "192.0.2.6"}, {"name": "other"}, {"name": None}])
def test_a_recorder_is_named_once(second: dict[str, t.Any]) -> None:
    with pytest.raises(InputError, match="recorders: found this name or address twice, expected each once"):
        sources_from([entry(), entry(**second)], trust_directory=None)


def test_no_recorder() -> None:
    with pytest.raises(InputError, match="recorders: found none, expected at least one recorder"):
        sources_from([], trust_directory=None)


# Reading.


def test_a_refused_login_is_not_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    tried: list[str] = []

    def refuse(one: RecorderSource) -> t.NoReturn:
        tried.append(one.name)
        raise LoginError(device=one.name, subject="login", found="x", expected="y")

    monkeypatch.setattr(inventory, "_read", refuse)
    monkeypatch.setattr(inventory, "_refused", {})
    first, other = source(), source(password="another")
    for one in (first, first, other, source("renamed")):
        assert [type(error) for error in survey([one], {}).errors] == [LoginError]
    assert tried == ["rec", "rec"], "another password is another account"


def test_one_that_fails_keeps_nobody_from_being_read(monkeypatch: pytest.MonkeyPatch) -> None:
    def read(one: RecorderSource) -> dict[str, t.Any]:
        if one.name == "off":
            raise ConnectError(device=one.name, subject="contact", found="x", expected="y")
        return reading()

    monkeypatch.setattr(inventory, "_read", read)
    sources = [source("off", host="192.0.2.9"), source(), source("kept", host="192.0.2.8")]
    found = survey(sources, {sources[2].key: reading(version="kept"), "of another time": reading()})
    assert set(found.readings) == {sources[1].key, sources[2].key}
    assert found.readings[sources[2].key]["version"] == "kept"
    with pytest.raises(CamsecError, match="off: contact"):
        found.fail()


def test_recorders_are_read_side_by_side(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each waits until the other is being read too."""
    both = threading.Barrier(2)

    def read(one: RecorderSource) -> dict[str, t.Any]:
        both.wait(60)
        return reading(version=one.name)

    monkeypatch.setattr(inventory, "_read", read)
    sources = [source("a"), source("b", host="192.0.2.6")]
    found = survey(sources, {})
    assert [found.readings[one.key]["version"] for one in sources] == ["a", "b"]


# Hosts.


def test_recorder() -> None:
    (host,) = hosts((source(former_https_port=4443, spki_sha256=["ab" * 32]), reading())).hosts
    assert host.name == "rec"
    assert host.groups == ("camsec_recorders", "camsec_recorder_rec", "camsec_model_WJ-NX400K")
    assert host.variables == {
        "ansible_host": "192.0.2.5",
        "camsec_http_port": 80,
        "camsec_https_port": 443,
        "camsec_former_https_port": 4443,
        "camsec_username": "ADMIN",
        "camsec_timeout": 10.0,
        "camsec_command_interval": 3.0,
        "camsec_spki_sha256": ["ab" * 32],
        "camsec_model": "WJ-NX400K",
        "camsec_version": "3.10",
        "camsec_serial_number": "SIM1",
        "camsec_max_cameras": 64,
        "camsec_licenses": {"total": 4, "used": 1},
        "camsec_data_encryption_password_set": True,
        "camsec_contact": {"scheme": "https", "port": 443, "trust": "certificate_authority"},
    }


def test_no_secret_in_what_is_kept() -> None:
    one = source()
    assert PASSWORD not in repr((one, one.key, one.variables()))


def test_recorder_that_could_not_be_read() -> None:
    (host,) = hosts((source(), None)).hosts
    assert host.groups == ("camsec_recorders", "camsec_recorder_rec", "camsec_unread")
    assert host.variables["ansible_host"] == "192.0.2.5"
    assert "camsec_model" not in host.variables


def test_camera() -> None:
    _recorder, host = hosts((source(), reading(camera()))).hosts
    assert host.name == "192.0.2.11"
    assert host.groups == (
        "camsec_cameras",
        "camsec_recorder_rec",
        "camsec_model_WV-S1136",
        "camsec_state_normal",
        "camsec_connection_https",
        "camsec_data_encryption_on",
    )
    assert host.variables == {
        "ansible_host": "192.0.2.11",
        "camsec_https_port": 8443,
        "camsec_recorder": "rec",
        "camsec_camera_number": 1,
        "camsec_model": "WV-S1136",
        "camsec_state": "normal",
        "camsec_fault": "",
        "camsec_registered_connection": "https",
        "camsec_registered_https_port": 8443,
        "camsec_registered_data_encryption": True,
        "camsec_tls_supported": True,
        "camsec_encryption_supported": True,
        "camsec_compression": "h265_1",
        "camsec_internet_mode": False,
        "camsec_thumbnail": "ok",
    }


def test_what_is_registered_is_no_wish() -> None:
    """The roles bring a camera to camsec_connection: what a recorder has now must not decide that."""
    plain, old = hosts((source(), reading(camera(1, connection="http"), camera(2, tls_supported=False)))).hosts[1:]
    assert "camsec_connection" not in plain.variables
    assert "camsec_https_port" not in plain.variables
    assert "camsec_data_encryption" not in plain.variables
    assert old.variables["camsec_connection"] == "http"


def test_names_by_number() -> None:
    named = hosts((source(), reading(camera(1), camera(12))), hostname="recorder_number")
    assert [host.name for host in named.hosts] == ["rec", "rec-1", "rec-12"]


def test_one_address_twice() -> None:
    told = (
        (source(), reading(camera(1), camera(2, address="192.0.2.11"))),
        (source("b", host="192.0.2.6"), reading(camera(1))),
    )
    named = hosts(*told)
    assert [host.name for host in named.hosts] == ["rec", "b", "192.0.2.11"]
    assert named.hosts[2].variables["camsec_recorder"] == "rec"
    assert named.warnings == tuple(
        f"{name}: found the name 192.0.2.11, which another host has, expected a name of its own. Set hostname to"
        " recorder_number. It is left out."
        for name in ("rec: camera 2", "b: camera 1")
    )
    assert len(hosts(*told, hostname="recorder_number").hosts) == 5


@pytest.mark.parametrize(
    "address",
    ["", "-oProxyCommand=x", "{{ x }}", "*.example.com", "a b", "all_hosts", "0.0.0.0", "x\x1b[31m", "a" * 300],
)
def test_address_that_is_none(address: str) -> None:
    named = hosts((source(), reading(camera(address=address))))
    assert [host.name for host in named.hosts] == ["rec"]
    (warning,) = named.warnings
    assert warning.startswith("rec: camera 1: found ")
    assert warning.isprintable()


@pytest.mark.parametrize("address", ["localhost", "127.0.0.1", "::1", "rec", "REC"])
def test_no_camera_takes_the_name_of_another_host(address: str) -> None:
    named = hosts((source(), reading(camera(address=address))))
    assert [host.name for host in named.hosts] == ["rec"]
    assert len(named.warnings) == 1
    assert len(hosts((source(), reading(camera(address=address))), hostname="recorder_number").hosts) == 2


def test_without_a_kit() -> None:
    named = hosts((source(), reading(cameras=None, registered=3)))
    assert [host.name for host in named.hosts] == ["rec"]
    (warning,) = named.warnings
    assert warning.startswith("rec: licence kit: found none, without which the recorder does not tell its 3 cameras")
    assert hosts((source(), reading(cameras=None, registered=0))).warnings == ()
