# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""ServerConfigurator: each exit code, and what it leaves behind."""

from __future__ import annotations

import concurrent.futures
import typing as t

import pytest

Site = t.Any
GROUP = "/certificategroup=84430eb7-847c-422d-aa00-7915cd0d7a65"
STREAMING = "/certificategroup=549df21d-047c-456b-958e-99e65dd8b3ec"
ON = ("/quiet", "/enableencryption")


def test_success(site: Site) -> None:
    site.trust("management-01")
    thumbprint = site.give("management-01")
    code, text = site.configure("management-01", *ON, GROUP, f"/thumbprint={thumbprint.lower()}")
    assert code == 0
    assert "ApplyCertificate Status = Success\r\nRegistration done with result = Success\r\n" in text
    site.sim.advance(5)
    assert site.presented("management-01", 4443) == site.presented("management-01", 7609) == thumbprint
    log = site.sim.vms_server("management-01").host.files
    path = "C:\\ProgramData\\Milestone\\Server Configurator\\Logs\\ServerConfigurator.log"
    assert b"ApplyCertificate Status = Success" in log.read(path)
    assert site.disable("management-01", "server") == 0
    assert site.presented("management-01", 4443) == ""
    assert site.sim.control("/vms/servers/management-01")["bindings"] == []


@pytest.mark.parametrize(
    ("code", "argv"),
    [
        (-2, ()),
        (-2, ("/enableencryption", GROUP, "/thumbprint=THUMBPRINT")),
        (-2, (*ON, GROUP)),
        (-2, (*ON, GROUP, "/thumbprint=")),
        (-2, (*ON, GROUP, "/thumbprint=THUMBPRINT", "/force")),
        (-2, (*ON, "/disableencryption", GROUP, "/thumbprint=THUMBPRINT")),
        (-2, ("/quiet", "/disableencryption", GROUP, "/thumbprint=THUMBPRINT")),
        (-3, (*ON, "/certificategroup=server", "/thumbprint=THUMBPRINT")),
        (-3, (*ON, "/certificategroup=00000000-0000-0000-0000-000000000000", "/thumbprint=THUMBPRINT")),
        (-3, (*ON, STREAMING, "/thumbprint=THUMBPRINT")),
        (-3, (*ON, GROUP, "/thumbprint=1234")),
        (-3, (*ON, GROUP, "/thumbprint=" + "AB" * 20)),
        (-3, (*ON, GROUP, "/thumbprint=KEYLESS")),
        (-4, (*ON, GROUP, "/thumbprint=UNTRUSTED")),
    ],
)
def test_what_is_refused_changes_nothing(site: Site, code: int, argv: tuple[str, ...]) -> None:
    name = "management-01"
    site.trust(name)
    values = {
        "THUMBPRINT": site.give(name),
        "KEYLESS": site.give(name, host="keyless.example", with_key=False),
        "UNTRUSTED": site.give(name, authority="other"),
    }
    given = [part.partition("=") for part in argv]
    assert site.configure(name, *(f"{a}{b}{values.get(c, c)}" for a, b, c in given))[0] == code
    state = site.sim.control(f"/vms/servers/{name}")
    assert state["encrypted"] == []
    assert set(state["services"].values()) == {"Running"}
    assert state["processes"] == []


def test_an_expired_certificate_is_an_invalid_value(site: Site) -> None:
    site.trust("event-01")
    thumbprint = site.give("event-01", begin=-3651 * 86400.0)
    assert site.enable("event-01", "server", thumbprint) == -3


def test_a_stale_configurator(site: Site) -> None:
    name = "recording-01"
    site.trust(name)
    thumbprint = site.give(name)
    site.sim.control(f"/vms/servers/{name}/stale_configurator", "POST")
    assert site.enable(name, "streaming_media", thumbprint) == -4
    host = site.sim.vms_server(name).host
    host.processes.clear()
    assert site.enable(name, "streaming_media", thumbprint) == 0


def test_two_at_once(site: Site) -> None:
    site.trust("recording-01")
    thumbprint = site.give("recording-01")
    site.sim.control("/clock", "POST", {"speed": 10})
    with concurrent.futures.ThreadPoolExecutor() as pool:
        runs = [
            pool.submit(site.configure, "recording-01", *ON, STREAMING, f"/thumbprint={thumbprint}")
            for _run in range(2)
        ]
    assert sorted(run.result()[0] for run in runs) == [-4, 0]


def test_a_service_that_does_not_start(site: Site) -> None:
    name = "recording-01"
    site.trust(name)
    site.sim.control(f"/vms/servers/{name}/set", "POST", {"failing_services": ["recording_server"]})
    assert site.enable(name, "streaming_media", site.give(name)) == -1
    state = site.sim.control(f"/vms/servers/{name}")
    assert state["services"]["Milestone XProtect Recording Server"] == "Stopped"
    assert {link["status"] for link in site.links(presenter=name, group="streaming_media")} == {"broken"}


def test_registration_that_is_not_authorised(site: Site) -> None:
    name = "recording-01"
    site.trust(name)
    site.sim.control(f"/vms/servers/{name}/set", "POST", {"configurator_authorized": False})
    thumbprint = site.give(name)
    assert site.enable(name, "streaming_media", thumbprint) == 100
    assert site.presented(name, 7563) == thumbprint
    assert site.configure(name, "/register", "/quiet")[0] == 100


def test_registration_with_a_management_server_that_is_not_there(site: Site) -> None:
    name = "recording-01"
    site.trust(name)
    site.sim.control("/vms/servers/management-01/power_off", "POST")
    thumbprint = site.give(name)
    assert site.enable(name, "streaming_media", thumbprint) == 100000
    assert site.presented(name, 7563) == thumbprint
    site.sim.control("/vms/servers/management-01/power_on", "POST")
    assert site.configure(name, "/register", "/quiet")[0] == 0


def test_registration_before_the_management_server_is_encrypted(site: Site) -> None:
    thumbprints = site.prepare()
    assert site.enable("recording-01", "server", thumbprints["recording-01"]) == 100000
    assert site.enable("management-01", "server", thumbprints["management-01"]) == 0
    assert site.enable("recording-01", "server", thumbprints["recording-01"]) == 0


def test_registration_with_a_certificate_for_another_name(site: Site) -> None:
    site.trust("recording-01")
    thumbprint = site.give("recording-01", host="somebody-else.example")
    assert site.enable("recording-01", "streaming_media", thumbprint) == 300000
    assert site.presented("recording-01", 7563) == thumbprint


def test_a_certificate_that_is_not_for_servers(site: Site) -> None:
    name = "recording-01"
    site.prepare()
    thumbprint = site.give_for_clients(name)
    code, text = site.configure(name, *ON, STREAMING, f"/thumbprint={thumbprint}")
    assert code == 300000
    assert "RemoteCertificateChainErrors (NotValidForUsage)" in text
    site.sim.advance(6)
    assert site.presented(name, 7563) == thumbprint
    links = site.links(presenter=name, group="streaming_media")
    assert {link["status"] for link in links} == {"broken"}
    assert all("NotValidForUsage" in link["reason"] for link in links)


def test_a_certificate_whose_key_is_orphaned(site: Site) -> None:
    name = "recording-01"
    site.trust(name)
    thumbprint = site.give(name)
    shown = site.sim.control(f"/vms/servers/{name}/orphan_key", "POST", {"thumbprint": thumbprint})
    (entry,) = shown["stores"]["My"]
    assert (entry["has_key"], entry["key_readable"], entry["orphaned"]) == (False, False, True)
    host = site.sim.vms_server(name).host
    assert host.run_script("(Get-ChildItem Cert:\\LocalMachine\\My).HasPrivateKey").output == "True\r\n"
    # INFERRED of the real one: it opens the key, and finds none.
    assert site.enable(name, "streaming_media", thumbprint) == -3


def test_an_orphaned_key_ends_the_handshakes(site: Site) -> None:
    thumbprints = site.encrypt_servers()
    name = "recording-01"
    site.sim.control(f"/vms/servers/{name}/orphan_key", "POST", {"thumbprint": thumbprints[name]})
    assert site.presented(name, 9001) == ""
    assert {link["broken_by"] for link in site.links(presenter=name, group="server")} == {"VMS-11"}


def test_the_first_of_several_groups_counts(site: Site, guids: dict[str, str]) -> None:
    site.trust("recording-01")
    thumbprint = site.give("recording-01")
    several = f"/certificategroup={guids['streaming_media']},{guids['server']}"
    assert site.configure("recording-01", *ON, several, f"/thumbprint={thumbprint}")[0] == 0
    assert site.sim.control("/vms/servers/recording-01")["encrypted"] == ["streaming_media"]


def test_lists(site: Site) -> None:
    code, text = site.configure("mobile-01", "/listcertificategroups")
    assert code == 0
    assert text.count("group with ID = ") == 2
    assert "group with ID = 76cfc719-a852-4210-913e-703eadab139a\r\n" in text


def test_services_are_away_for_a_while(site: Site) -> None:
    site.trust("recording-01")
    site.configure("recording-01", *ON, STREAMING, f"/thumbprint={site.give('recording-01')}")
    service = "Milestone XProtect Recording Server"
    state = site.sim.control("/vms/servers/recording-01")
    assert state["services"][service] == "StartPending"
    assert [one["port"] for one in state["listening"]] == [7609]
    site.sim.advance(5)
    state = site.sim.control("/vms/servers/recording-01")
    assert state["services"][service] == "Running"
    assert {one["port"]: one["scheme"] for one in state["listening"]} == {7609: "http", 9001: "http", 7563: "https"}


def test_while_the_clock_runs_it_ends_when_the_services_are_back(site: Site) -> None:
    site.trust("recording-01")
    thumbprint = site.give("recording-01")
    site.sim.control("/clock", "POST", {"speed": 50})
    assert site.configure("recording-01", *ON, STREAMING, f"/thumbprint={thumbprint}")[0] == 0
    assert site.presented("recording-01", 7563) == thumbprint


def test_a_stopped_service_closes_its_ports(site: Site) -> None:
    host = site.sim.vms_server("recording-01").host
    host.services["Milestone XProtect Recording Server"].status = "Stopped"
    host.on_change()
    site.sim.settle()
    assert site.statuses(presenter="recording-01", group="streaming_media") == {"broken"}


def test_read_only(site: Site) -> None:
    site.trust("management-01")
    thumbprint = site.give("management-01")
    site.sim.control("/read_only", "POST", {"enabled": True})
    assert site.enable("management-01", "server", thumbprint) == -1
    assert site.sim.control("/read_only")["refused"] == 1
    assert site.sim.control("/vms/servers/management-01")["encrypted"] == []
