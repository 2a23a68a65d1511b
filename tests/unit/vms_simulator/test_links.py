# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The links of the VMS, each by a real connection, and the rules that they show."""

from __future__ import annotations

import pathlib
import ssl
import subprocess
import typing as t
import urllib.error

import pytest

Site = t.Any
DAY = 86400.0


def test_at_first_everything_is_plain(site: Site) -> None:
    links = site.links()
    assert {link["status"] for link in links} == {"plain"}
    assert {(link["rule"], link["kind"]) for link in links} == {
        ("VMS-01", "server"), ("VMS-02", "server"), ("VMS-03", "server"), ("VMS-03", "client"), ("VMS-04", "client"),
        ("", "hardware"),
    }  # fmt: skip
    both = {(link["presenter"], link["verifier"]) for link in links if link["rule"] == "VMS-01"}
    assert both == {
        ("management-01", "recording-01"), ("recording-01", "management-01"),
        ("management-01", "failover-01"), ("failover-01", "management-01"),
    }  # fmt: skip


def test_half_a_switch_breaks_vms_10(site: Site) -> None:
    thumbprints = site.prepare()
    assert site.enable("management-01", "server", thumbprints["management-01"]) == 0
    broken = site.links(group="server")
    assert {(link["status"], link["broken_by"]) for link in broken} == {("broken", "VMS-10")}
    reason = site.links(presenter="management-01", verifier="recording-01")[0]["reason"]
    assert "refuses plain HTTP" in reason
    assert reason.endswith("encryption is on at management-01 and off at recording-01")
    assert site.enable("recording-01", "server", thumbprints["recording-01"]) == 0
    for link in site.links(group="server"):
        good = "recording-01" in (link["presenter"], link["verifier"])
        assert link["status"] == ("encrypted" if good else "broken"), link
    assert site.statuses(group="streaming_media") == {"plain"}


def test_all_encrypted(site: Site) -> None:
    thumbprints = site.encrypt_servers()
    for name in ("recording-01", "failover-01"):
        assert site.enable(name, "streaming_media", thumbprints[name]) == 0
    assert site.enable("mobile-01", "mobile_server", thumbprints["mobile-01"]) == 0
    assert site.enable("event-01", "event_server", thumbprints["event-01"]) == 0
    assert site.statuses(kind="server") | site.statuses(kind="client") == {"encrypted"}
    for link in site.links(kind="server"):
        assert link["thumbprint"] == thumbprints[link["presenter"]]
    assert site.presented("event-01", 22331) == thumbprints["event-01"]
    ports = {binding["endpoint"] for binding in site.sim.control("/vms/servers/mobile-01")["bindings"]}
    assert ports == {"0.0.0.0:7609", "0.0.0.0:8082"}
    # And off again, the management server last.
    for name in ("mobile-01", "event-01", "failover-01", "recording-01", "management-01"):
        assert site.disable(name, "server") == 0
    assert site.statuses(group="server") == {"plain"}


def test_no_certificate_vms_11(site: Site) -> None:
    thumbprints = site.encrypt_servers()
    site.sim.vms_server("recording-01").host.stores.remove("My", thumbprints["recording-01"])
    link = site.links(presenter="recording-01", verifier="management-01", rule="VMS-01")[0]
    assert (link["status"], link["broken_by"]) == ("broken", "VMS-11")
    assert site.presented("recording-01", 9001) == ""


def test_who_does_not_trust_the_root(site: Site) -> None:
    thumbprints = site.encrypt_servers()
    assert site.enable("recording-01", "streaming_media", thumbprints["recording-01"]) == 0
    site.sim.control("/vms/clients/control-room/trust", "POST", {"trusted": []})
    link = site.links(presenter="recording-01", verifier="control-room")[0]
    assert (link["status"], link["broken_by"]) == ("broken", "VMS-03")
    assert "UntrustedRoot" in link["reason"] or "PartialChain" in link["reason"]
    assert site.links(presenter="recording-01", verifier="administration")[0]["status"] == "encrypted"


def test_a_certificate_for_another_name_vms_12(site: Site) -> None:
    site.prepare()
    thumbprint = site.give("recording-01", host="another.vms.example")
    assert site.enable("recording-01", "streaming_media", thumbprint) == 300000
    found = {
        (link["status"], link["broken_by"]) for link in site.links(presenter="recording-01", group="streaming_media")
    }
    assert found == {("broken", "VMS-12")}


def test_a_key_that_the_service_cannot_read_vms_14(site: Site) -> None:
    site.prepare()
    thumbprint = site.give("recording-01", host="recording-01.vms.example", readable=False, begin=-30.0)
    assert site.enable("recording-01", "streaming_media", thumbprint) == 0
    link = site.links(presenter="recording-01", verifier="control-room")[0]
    assert (link["status"], link["broken_by"]) == ("broken", "VMS-14")
    assert site.presented("recording-01", 7563) == ""
    stores = site.sim.vms_server("recording-01").host.stores
    key = stores.find("My", thumbprint).key
    stores.set_rules(key.unique_name, {**key.rules, "S-1-5-20": "read"})
    assert site.presented("recording-01", 7563) == thumbprint
    assert site.links(presenter="recording-01", verifier="control-room")[0]["status"] == "encrypted"


def test_expiry_vms_16(site: Site) -> None:
    """The three directions of VMS-16, each without any warning before."""
    for name in ("management-01", "recording-01", "failover-01", "event-01", "mobile-01"):
        site.trust(name)
    for client in ("control-room", "administration", "guards-phones", "web-client"):
        site.sim.control(f"/vms/clients/{client}/trust", "POST", {"trusted": [site.authorities["ours"].pem]})
    ends_soon = {name: site.give(name, begin=-3649 * DAY) for name in ("management-01", "recording-01", "mobile-01")}
    lasts = {name: site.give(name) for name in ("failover-01", "event-01")}
    for name in ("management-01", "recording-01", "failover-01", "event-01", "mobile-01"):
        assert site.enable(name, "server", {**ends_soon, **lasts}[name]) == 0
    assert site.enable("recording-01", "streaming_media", ends_soon["recording-01"]) == 0
    assert site.enable("mobile-01", "mobile_server", ends_soon["mobile-01"]) == 0
    assert site.statuses(kind="client") == {"encrypted", "plain"}  # The failover server's streams are plain.
    site.sim.advance(2 * DAY)
    for wanted in (
        {"verifier": "control-room", "presenter": "recording-01"},
        {"verifier": "failover-01", "presenter": "management-01"},
        {"verifier": "guards-phones", "presenter": "mobile-01"},
    ):
        assert {(link["status"], link["broken_by"]) for link in site.links(**wanted)} == {("broken", "VMS-16")}
    # It is still presented: nothing on the server tells.
    assert site.presented("recording-01", 7563) == ends_soon["recording-01"]
    assert site.links(verifier="management-01", presenter="failover-01", rule="VMS-01")[0]["status"] == "encrypted"


def test_renewal_vms_17(site: Site) -> None:
    thumbprints = site.encrypt_servers()
    assert site.enable("recording-01", "streaming_media", thumbprints["recording-01"]) == 0
    renewed = site.give("recording-01", begin=-5.0)
    assert site.presented("recording-01", 7563) == site.presented("recording-01", 9001) == renewed
    state = site.sim.control("/vms/servers/recording-01")
    assert set(state["services"].values()) == {"Running"}
    assert state["groups"]["streaming_media"]["bound"] == thumbprints["recording-01"]
    site.sim.settle()
    assert {binding["thumbprint"] for binding in site.sim.control("/vms/servers/recording-01")["bindings"]} == {renewed}
    # The old one goes, and nothing happens; the new one goes, and there is nothing left.
    stores = site.sim.vms_server("recording-01").host.stores
    stores.remove("My", thumbprints["recording-01"])
    assert site.statuses(presenter="recording-01") == {"encrypted"}
    stores.remove("My", renewed)
    assert site.statuses(presenter="recording-01") == {"broken"}


def test_renewal_falls_back_and_does_not_take_what_is_not_valid_yet(site: Site) -> None:
    site.prepare()
    first = site.give("recording-01", begin=-3600.0)
    assert site.enable("recording-01", "streaming_media", first) == 0
    second = site.sim.vms_server("recording-01").certificates.entry("streaming_media").thumbprint
    assert second != first  # What `prepare` gave has begun later.
    future = site.give("recording-01", begin=10 * DAY)
    assert site.presented("recording-01", 7563) == second
    site.sim.vms_server("recording-01").host.stores.remove("My", second)
    assert site.presented("recording-01", 7563) == first
    site.sim.advance(11 * DAY)
    assert site.presented("recording-01", 7563) == future


def test_a_chain_with_an_intermediate(site: Site, tmp_path: pathlib.Path) -> None:
    """The presenter sends what it has in its store CA; without it the verifier cannot get to its root."""
    chain = Chain(tmp_path)
    server = site.sim.vms_server("recording-01")
    server.host.stores.add("Root", ssl.PEM_cert_to_DER_cert(chain.root))
    site.sim.control("/vms/clients/control-room/trust", "POST", {"trusted": [chain.root]})
    thumbprint = site.import_pem("recording-01", chain.issue(server.spec.full_name))
    assert site.enable("recording-01", "streaming_media", thumbprint) == -4
    intermediate = server.host.stores.add("CA", ssl.PEM_cert_to_DER_cert(chain.pem))
    assert site.enable("recording-01", "streaming_media", thumbprint) == 0
    link = site.links(presenter="recording-01", verifier="control-room")[0]
    assert (link["status"], link["thumbprint"]) == ("encrypted", thumbprint)
    server.host.stores.remove("CA", intermediate.thumbprint)
    link = site.links(presenter="recording-01", verifier="control-room")[0]
    assert (link["status"], link["broken_by"]) == ("broken", "VMS-03")


class Chain:
    """A root and an intermediate authority below it, by openssl."""

    def __init__(self, folder: pathlib.Path) -> None:
        self.folder = folder
        options = ["-subj", "/CN=Top", "-keyout", str(folder / "root.key"), "-out", str(folder / "root.pem")]
        self._openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "60", *options)
        self.root = (folder / "root.pem").read_text()
        self.pem = self._signed("middle", "root", "/CN=Middle", "basicConstraints=critical,CA:TRUE,pathlen:0")

    @staticmethod
    def _openssl(*arguments: str) -> None:
        subprocess.run(["openssl", *arguments], capture_output=True, check=True, timeout=30)

    def _signed(self, name: str, by: str, subject: str, *extensions: str) -> str:
        key, csr, pem, cnf = (str(self.folder / f"{name}.{part}") for part in ("key", "csr", "pem", "cnf"))
        pathlib.Path(cnf).write_text("\n".join(extensions) + "\n")
        self._openssl("req", "-newkey", "rsa:2048", "-nodes", "-subj", subject, "-keyout", key, "-out", csr)
        signer = ("-CA", f"{self.folder}/{by}.pem", "-CAkey", f"{self.folder}/{by}.key", "-days", "30")
        self._openssl("x509", "-req", "-in", csr, *signer, "-extfile", cnf, "-out", pem)
        return pathlib.Path(pem).read_text()

    def issue(self, host: str) -> str:
        """A certificate of the intermediate, and its key."""
        pem = self._signed("leaf", "middle", f"/CN={host}", f"subjectAltName=DNS:{host}", "extendedKeyUsage=serverAuth")
        return pem + (self.folder / "leaf.key").read_text()


def test_another_subject_is_no_renewal(site: Site) -> None:
    thumbprints = site.prepare()
    assert site.enable("recording-01", "streaming_media", thumbprints["recording-01"]) == 0
    site.give("recording-01", host="new-name.vms.example", begin=-1.0)
    assert site.presented("recording-01", 7563) == thumbprints["recording-01"]


def test_a_renewed_key_that_cannot_be_read_breaks_visibly(site: Site) -> None:
    thumbprints = site.prepare()
    assert site.enable("recording-01", "streaming_media", thumbprints["recording-01"]) == 0
    # The same key in a container of its own, which nobody gave the right to.
    site.give("recording-01", begin=-5.0, readable=False)
    link = site.links(presenter="recording-01", verifier="control-room")[0]
    assert (link["status"], link["broken_by"]) == ("broken", "VMS-14")


def test_push_to_talk_vms_18(site: Site) -> None:
    assert [link["push_to_talk"] for link in site.links(verifier="web-client")] == [False]
    thumbprints = site.prepare()
    assert site.enable("mobile-01", "mobile_server", thumbprints["mobile-01"]) == 0
    assert [link["push_to_talk"] for link in site.links(verifier="web-client")] == [True]
    assert all("push_to_talk" not in link for link in site.links(verifier="guards-phones"))


def test_a_server_without_power(site: Site) -> None:
    site.sim.control("/vms/servers/recording-01/power_off", "POST")
    for link in site.links():
        gone = "recording-01" in (link["presenter"], link["verifier"])
        assert link["status"] == ("broken" if gone else "plain")
        assert not gone or link["reason"] == "recording-01 is powered off"
    site.sim.control("/vms/servers/recording-01/power_on", "POST")
    assert site.statuses() == {"plain"}


def test_the_plain_ports_beside(site: Site) -> None:
    management, mobile = site.sim.vms_server("management-01"), site.sim.vms_server("mobile-01")
    thumbprints = site.encrypt_servers()
    assert site.enable("mobile-01", "mobile_server", thumbprints["mobile-01"]) == 0
    assert site.curl(f"http://{management.address}:8080/api/rest/v1/sites").status == 403
    assert site.curl(f"http://{mobile.address}:8081/").status == 200


@pytest.mark.parametrize("path", ["/vms/servers/nobody", "/vms/clients/nobody"])
def test_control_of_what_is_not_there(site: Site, path: str) -> None:
    with pytest.raises(urllib.error.HTTPError, match="404"):
        site.sim.control(path)


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/vms/servers/event-01/set", {"roles": []}),
        ("/vms/servers/event-01/set", {"failing_services": ["mobile_server"]}),
        ("/vms/servers/event-01/ssh_fault", {"kind": "burn"}),
        ("/vms/servers/event-01/orphan_key", {"thumbprint": "AB" * 20}),
        ("/vms/servers/event-01/orphan_key", {}),
        ("/vms/servers/event-01/services", {"name": "Spooler", "status": "Stopped"}),
        ("/vms/servers/event-01/services", {"name": "Milestone XProtect Event Server", "status": "Paused"}),
        ("/vms/servers/event-01/services", {"status": "Stopped"}),
        ("/vms/clients/control-room/trust", {"trusted": ["no certificate"]}),
        ("/vms/clients/control-room/trust", {"trusted": "no list"}),
    ],
)
def test_orders_that_make_no_sense(site: Site, path: str, body: object) -> None:
    with pytest.raises(urllib.error.HTTPError, match="400"):
        site.sim.control(path, "POST", body)
