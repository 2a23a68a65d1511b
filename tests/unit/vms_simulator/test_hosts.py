# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the hosts of a VMS have beside it: services that somebody stops, IIS' own certificate, another language."""

from __future__ import annotations

import pathlib
import typing as t
import urllib.error

import pytest
import yaml
from ansible_collections.camsec.fleet.extensions.simulator._fleet import fleet_yaml, generate, parse_fleet
from ansible_collections.camsec.fleet.extensions.simulator.testing import RunningSimulator, own_base_address

Site = t.Any
DATA_COLLECTOR = "Milestone XProtect Data Collector Server"
MOBILE = "Milestone XProtect Mobile Server"
MANAGEMENT = "management-01"


def _set_service(site: Site, server: str, name: str, status: str) -> dict[str, t.Any]:
    return t.cast(
        "dict[str, t.Any]",
        site.sim.control(f"/vms/servers/{server}/services", "POST", {"name": name, "status": status}),
    )


def _ports(shown: dict[str, t.Any]) -> set[int]:
    return {one["port"] for one in shown["listening"]}


@pytest.mark.parametrize(
    ("server", "service", "ports", "link"),
    [
        ("recording-01", DATA_COLLECTOR, {7609}, {"presenter": "recording-01", "port": 7609}),
        ("mobile-01", MOBILE, {8081}, {"presenter": "mobile-01", "rule": "VMS-04"}),
        (MANAGEMENT, "Milestone XProtect Management Server", {8080}, {"presenter": MANAGEMENT, "rule": "VMS-02"}),
    ],
)
def test_a_service_is_stopped_and_started(
    site: Site, server: str, service: str, ports: set[int], link: dict[str, t.Any]
) -> None:
    before = _ports(site.sim.control(f"/vms/servers/{server}"))
    stopped = _set_service(site, server, service, "Stopped")
    assert stopped["services"][service] == "Stopped"
    assert _ports(stopped) == before - ports
    address = site.sim.vms_server(server).address
    assert {site.curl(f"http://{address}:{port}/").status for port in ports} == {0}
    assert site.statuses(**link) == {"broken"}
    host = site.sim.vms_server(server).host
    assert host.run_script(f"(Get-Service '{service}').Status.ToString()").output == "Stopped\r\n"
    started = _set_service(site, server, service, "Running")
    assert _ports(started) == before
    assert site.statuses(**link) == {"plain"}


def test_a_stopped_service_of_an_encrypted_server(site: Site) -> None:
    thumbprints = site.encrypt_servers()
    assert site.enable("mobile-01", "mobile_server", thumbprints["mobile-01"]) == 0
    assert _ports(_set_service(site, "mobile-01", MOBILE, "Stopped")) == {7609}
    assert site.presented("mobile-01", 8082) == ""
    assert _ports(_set_service(site, "mobile-01", MOBILE, "Running")) == {7609, 8081, 8082}
    assert site.presented("mobile-01", 8082) == thumbprints["mobile-01"]


def test_a_service_that_cannot_start(site: Site) -> None:
    site.sim.control("/vms/servers/mobile-01/set", "POST", {"failing_services": ["mobile_server"]})
    assert _set_service(site, "mobile-01", MOBILE, "Stopped")["services"][MOBILE] == "Stopped"
    with pytest.raises(urllib.error.HTTPError, match="400"):
        _set_service(site, "mobile-01", MOBILE, "Running")
    site.sim.control("/vms/servers/mobile-01/power_off", "POST")
    with pytest.raises(urllib.error.HTTPError, match="400"):
        _set_service(site, "mobile-01", MOBILE, "Running")


# -- another fleet ----------------------------------------------------------------------------------------------------


def _fleet(base: str, *, changes: dict[str, dict[str, t.Any]]) -> t.Any:
    """A made-up VMS whose servers are changed."""
    fleet = generate(recorders=1, cameras=1, base_address=base, vms_recording_servers=1, vms_failover_servers=1)
    data = yaml.safe_load(fleet_yaml(fleet))
    for server in data["vms_servers"]:
        server.update(changes.get(server["name"], {}))
    return parse_fleet(yaml.safe_dump(data))


def test_iis_has_a_certificate_of_its_own(site: Site, tmp_path: pathlib.Path) -> None:
    fleet = _fleet(own_base_address(7), changes={MANAGEMENT: {"iis_certificate": True}})
    with RunningSimulator(fleet, state_dir=tmp_path) as sim:
        site.sim.stop()
        first = type(site)(sim, site.authorities, site._keys)
        shown = sim.control(f"/vms/servers/{MANAGEMENT}")
        (entry,) = shown["stores"]["My"]
        iis, spec = entry["thumbprint"], sim.vms_server(MANAGEMENT).spec
        assert entry["subject"] == f"CN={spec.full_name}"
        assert first.presented(MANAGEMENT, 4443) == iis
        assert [(one["endpoint"], one["thumbprint"]) for one in shown["bindings"]] == [("0.0.0.0:4443", iis)]
        assert shown["encrypted"] == []
        # It is there, it answers, and nobody has a reason to trust it.
        url = f"https://{spec.full_name}:4443/api/rest/v1/sites"
        resolve = ("--resolve", f"{spec.full_name}:4443:{spec.address}")
        assert first.curl(url, "-k", *resolve).status == 401
        assert "self" in first.curl(url, *resolve).text
        assert first.statuses(group="server") == {"plain"}
        # With encryption on, the bound certificate takes its place, though the subjects are the same.
        thumbprints = first.encrypt_servers()
        assert thumbprints[MANAGEMENT] != iis
        assert first.presented(MANAGEMENT, 4443) == thumbprints[MANAGEMENT]
        assert first.statuses(group="server") == {"encrypted"}
        assert first.disable(MANAGEMENT, "server") == 0
        assert first.presented(MANAGEMENT, 4443) == iis
    with RunningSimulator(fleet, state_dir=tmp_path) as sim:
        again = type(site)(sim, site.authorities, site._keys)
        assert again.presented(MANAGEMENT, 4443) == iis
        # Whoever removes it leaves a binding without a certificate.
        sim.vms_server(MANAGEMENT).host.stores.remove("My", iis)
        sim.settle()
        assert again.presented(MANAGEMENT, 4443) == ""
        assert sim.control(f"/vms/servers/{MANAGEMENT}")["bindings"] == []


def test_iis_comes_to_a_server_that_had_none(site: Site, tmp_path: pathlib.Path) -> None:
    site.sim.stop()
    base = own_base_address(7)
    with RunningSimulator(_fleet(base, changes={}), state_dir=tmp_path) as sim:
        assert type(site)(sim, site.authorities, site._keys).presented(MANAGEMENT, 4443) == ""
    with RunningSimulator(_fleet(base, changes={MANAGEMENT: {"iis_certificate": True}}), state_dir=tmp_path) as sim:
        again = type(site)(sim, site.authorities, site._keys)
        (entry,) = sim.control(f"/vms/servers/{MANAGEMENT}")["stores"]["My"]
        assert again.presented(MANAGEMENT, 4443) == entry["thumbprint"]


def test_a_german_server_runs_as_network_service(site: Site) -> None:
    name = "recording-01"
    fleet = _fleet(own_base_address(7), changes={name: {"locale": "de-DE"}})
    with RunningSimulator(fleet) as sim:
        site.sim.stop()
        german = type(site)(sim, site.authorities, site._keys)
        host = sim.vms_server(name).host
        assert "NT AUTHORITY\\NETWORK SERVICE" not in host.accounts
        thumbprint = german.prepare()[name]
        assert german.enable(name, "streaming_media", thumbprint) == 0
        assert german.presented(name, 7563) == thumbprint
        assert german.statuses(presenter=name, group="streaming_media") == {"encrypted"}
        started = host.run_script("(Get-CimInstance Win32_Service -Filter \"Name like '%Recording%'\").StartName")
        assert started.output == "NT AUTHORITY\\NETWORK SERVICE\r\n"
