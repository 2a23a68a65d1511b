# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The playbook `camsec.fleet.certificates` on a fleet of three dialects to which everything happens at once.

openssl, curl and the simulator's control interface make it happen; nothing of ours does.
"""

from __future__ import annotations

import collections
import csv
import datetime as dt
import json
import pathlib
import socket
import subprocess
import tempfile
import time
import typing as t

import pytest
import yaml
from ansible_collections.camsec.fleet.extensions.simulator.testing import own_base_address, spawn
from ansible_collections.camsec.fleet.plugins.module_utils._core._secret import Secret
from ansible_collections.camsec.fleet.plugins.module_utils._pki._authority import CertificateAuthority
from ansible_collections.camsec.fleet.plugins.module_utils._storage.ledger import CardLedger, holding_of

from .conftest import CA_PASSPHRASE, PORT, SPEED, Run, Site, fleet

Json = dict[str, t.Any]
HTTP = 8080
SUNELL = ("sun1", "sun2", "sun3", "sun4", "sun5", "sun6")


def _fleet_file(net: str) -> str:
    """A recorder, three i-PRO cameras, two ONVIF cameras, six Sunell cameras."""
    made: Json = yaml.safe_load(fleet(f"{net}.0", ["{}", "{}", "{recorder: null, camera_number: null}"]))
    common = {"http_port": HTTP, "https_port": PORT}
    made["onvif_cameras"] = [
        {"name": f"onv{n}", "address": f"{net}.{40 + n}", "password": f"Onvif-Admin-{n}", **common} for n in (1, 2)
    ]
    made["sunell_cameras"] = [
        {"name": name, "address": f"{net}.{60 + n}", "password": f"Sunell-Admin-{n}", **common}
        for n, name in enumerate(SUNELL)
    ]
    return yaml.safe_dump(made)


def _hosts(inventory: Json) -> dict[str, Json]:
    """Every device's variables, wherever its group is."""
    found: dict[str, Json] = {}
    groups = collections.deque([inventory["all"]])
    while groups:
        group = groups.popleft()
        groups.extend(one for one in (group.get("children") or {}).values() if one)
        found.update(group.get("hosts") or {})
    return found


def _until(condition: t.Callable[[], bool], what: str) -> None:
    end = time.monotonic() + 60
    while time.monotonic() < end:
        if condition():
            return
        time.sleep(0.1)
    raise AssertionError(f"it did not come to pass: {what}")


def _answers(address: str, port: int) -> bool:
    try:
        with socket.create_connection((address, port), timeout=5):
            return True
    except OSError:
        return False


def _must(*command: str | pathlib.Path) -> str:
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def site() -> t.Iterator[Site]:
    """The fleet, in HTTPS with certificates of an intermediate authority of ours; nothing happened to it yet."""
    first, second, third, dummy = own_base_address(7).split(".")
    net = f"{first}.{second}.{int(third) + 5}"
    with tempfile.TemporaryDirectory(prefix="camsec-life-") as name:
        folder = pathlib.Path(name)
        file = folder / "fleet.yml"
        file.write_text(_fleet_file(net), encoding="utf-8")
        authority = CertificateAuthority.create(
            folder / "ca",
            passphrase=Secret(CA_PASSPHRASE),
            common_name="Surveillance CA",
            key_size=2048,
            intermediate_common_name="Surveillance Issuer",
        )
        root, now = authority.root_certificate, dt.datetime.now(dt.UTC)
        held = holding_of(card="A", place="/media/a", certificates=[root], sha256="ab" * 32, proofs=[], now=now)
        CardLedger(folder / "ca" / "cards.sqlite3").note(held)
        with spawn("--fleet", str(file), "--speed", str(SPEED), "--https-port", str(PORT)) as simulator:
            inventory = yaml.safe_load(simulator.inventory.read_text(encoding="utf-8"))
            site = Site(simulator=simulator, folder=folder, inventory=inventory)
            run = site.site("--limit", "rec,cam1,cam2,onv1,onv2,sun1,sun2,sun6,localhost")
            assert run.status == 0, run.output
            yield site


def _self_signed(site: Site, name: str, key: pathlib.Path, *options: str) -> pathlib.Path:
    address = _hosts(site.inventory)[name]["ansible_host"]
    path = site.folder / f"{name}.pem"
    _must("openssl", "req", "-x509", "-key", key, "-out", path, "-days", "300", "-subj", f"/CN={name}",
          "-addext", f"subjectAltName=IP:{address}", *options)  # fmt: skip
    return path


def _upload(site: Site, name: str, certificate: pathlib.Path, key: pathlib.Path) -> None:
    host = _hosts(site.inventory)[name]
    url = f"http://{host['ansible_host']}:{HTTP}/cgi-bin/param.cgi?action=upload&type=serverCert"
    login = f"{host['camsec_username']}:{host['camsec_password']}"
    _must("curl", "-sS", "--fail-with-body", "--noproxy", "*", "-m", "30", "--digest", "-u", login,
          "-F", f"certFile=@{certificate}", "-F", f"keyFile=@{key}", url)  # fmt: skip


@pytest.fixture(scope="module")
def before(site: Site) -> Json:
    """The report while all is well."""
    return _report(site, _play(site))


@pytest.fixture(scope="module")
def trouble(site: Site, before: Json) -> Json:
    """Everything happens; the report then."""
    assert before["counts"]["error"]  # the cameras that were never set up
    hosts = _hosts(site.inventory)
    for name in ("cam2", "onv1", "sun6"):
        site.simulator.control(f"/devices/{name}/set", "POST", {"expire_certificate": True})
    site.simulator.control("/devices/cam2/restart", "POST", {})
    site.simulator.control("/devices/cam3/power_off", "POST", {})
    hosts["cam3"]["camsec_timeout"] = 2
    site.simulator.control("/devices/onv2/factory_reset", "POST", {})
    site.simulator.control("/devices/sun2/factory_reset", "POST", {})
    key, weak = site.folder / "shared.key", site.folder / "weak.key"
    _must("openssl", "genrsa", "-out", key, "2048")
    _must("openssl", "genrsa", "-out", weak, "1024")
    for name in ("sun3", "sun4"):
        _upload(site, name, _self_signed(site, name, key), key)
    _upload(site, "sun5", _self_signed(site, "sun5", weak, "-sha1"), weak)
    old = hosts["sun1"]["ansible_host"]
    hosts["sun1"]["ansible_host"] = new = f"{old.rpartition('.')[0]}.90"
    login = f"{hosts['sun1']['camsec_username']}:{hosts['sun1']['camsec_password']}"
    url = f"http://{old}:{HTTP}/cgi-bin/param.cgi?action=set&type=localNetwork&IPProtoVer=1&netCardId=1&IPAddress={new}"
    _must("curl", "-sS", "--fail-with-body", "--noproxy", "*", "-m", "30", "--digest", "-u", login, url)
    for address, port in ((new, PORT), (hosts["cam2"]["ansible_host"], HTTP), (hosts["onv2"]["ansible_host"], HTTP),
                          (hosts["sun2"]["ansible_host"], PORT)):  # fmt: skip
        _until(lambda address=address, port=port: _answers(address, port), f"{address}:{port}")  # type: ignore[misc]
    return _report(site, _play(site, camsec_certificates_stops="root"))


def _play(site: Site, *arguments: str, **variables: t.Any) -> Run:
    site.read_only(True)
    files = {f"camsec_report_{kind}": str(site.folder / f"report.{kind}") for kind in ("json", "csv")}
    run = site.play("camsec.fleet.certificates", *arguments, **{**files, **variables})
    assert site.read_only(False) == 0
    assert "Traceback" not in run.output
    for host in _hosts(site.inventory).values():
        assert host["camsec_password"] not in run.output
    return run


def _report(site: Site, run: Run) -> Json:
    assert run.status == 0, run.output
    return t.cast("Json", json.loads((site.folder / "report.json").read_text(encoding="utf-8")))


def _kinds(report: Json, device: str) -> dict[str, Json]:
    return {one["kind"]: one for one in report["findings"] if one["device"] == device}


def test_a_fleet_in_order(before: Json) -> None:
    good = ("cam1", "cam2", "onv1", "onv2", "sun1", "sun2", "sun6")
    for name in good:
        assert set(_kinds(before, name)) <= {"chain_incomplete"}, name
    assert _kinds(before, "cam1")["chain_incomplete"]["rule"] == "HTTPS-25"
    assert _kinds(before, "onv1") == {}
    assert _kinds(before, "rec") == {}
    rows = {row["device"]: row for row in before["table"]}
    assert {rows[name]["dialect"] for name in good} == {"ipro", "onvif", "sunell"}
    assert rows["rec"]["dialect"] == "recorder"
    for name in good:
        assert rows[name]["issuer"] == "CN=Surveillance Issuer"
        assert (rows[name]["days_left"], rows[name]["renewal"]) == (396, "not_due")
    told = {one["device"]: one for one in before["forecast"]}
    assert told["cam1"]["text"].endswith("it answers in the clear after its first restart past that.")
    assert told["cam1"]["rule"] == "HTTPS-24"
    for name in ("onv1", "sun1"):
        assert told[name]["text"].startswith("Clients refuse it from ")


def test_a_camera_that_was_never_set_up(before: Json) -> None:
    assert set(_kinds(before, "cam3")) == {"answers_in_the_clear"}
    assert _kinds(before, "sun3")["built_in_authority"]["rule"] == "CAM-02"
    assert "certificate_lost" not in _kinds(before, "sun3")


def test_an_expired_i_pro_camera_answers_in_the_clear(trouble: Json) -> None:
    found = _kinds(trouble, "cam2")["answers_in_the_clear"]
    assert (found["severity"], found["rule"]) == ("error", "HTTPS-24")
    assert found["found"] == "plain HTTP since its certificate expired by its own clock"
    assert "camsec_first_contact=plain_http" in found["advice"]
    (told,) = [one for one in trouble["forecast"] if one["device"] == "cam2"]
    assert told["text"].startswith("It answers in the clear already")


def test_expired_by_the_clock_of_cameras_of_the_other_dialects(trouble: Json) -> None:
    """An ONVIF camera goes on showing it, a Sunell camera ends the handshake (CAM-15)."""
    onvif = _kinds(trouble, "onv1")["expired"]
    assert onvif["found"].startswith("expired by the device's clock, which says ")
    sunell = _kinds(trouble, "sun6")["answers_in_the_clear"]
    assert sunell["rule"] == "CAM-15"
    assert sunell["found"].endswith("by its own clock and the ledger")
    assert "set the device's clock first" in sunell["advice"]


def test_a_camera_that_is_off_is_a_finding_and_the_others_are_reported(trouble: Json) -> None:
    assert set(_kinds(trouble, "cam3")) == {"unread"}
    assert set(_kinds(trouble, "cam1")) == {"chain_incomplete"}


def test_reset_devices_have_lost_their_certificates(trouble: Json) -> None:
    assert {"answers_in_the_clear", "certificate_lost"} <= set(_kinds(trouble, "onv2"))
    sunell = _kinds(trouble, "sun2")
    assert sunell["certificate_lost"]["rule"] == "CAM-24"
    assert sunell["built_in_authority"]["rule"] == "CAM-02"


def test_a_sunell_camera_that_moved(trouble: Json) -> None:
    found = _kinds(trouble, "sun1")["address_not_in_certificate"]
    assert found["rule"] == "CAM-15"
    assert found["found"].startswith("IP:127.")


def test_one_key_on_two_sunell_cameras(trouble: Json) -> None:
    for name, other in (("sun3", "sun4"), ("sun4", "sun3")):
        found = _kinds(trouble, name)
        assert (found["key_shared"]["severity"], found["key_shared"]["rule"]) == ("error", "CAM-25")
        assert found["key_shared"]["found"] == f"the one that {other} has too"
        assert "self_signed" in found


def test_a_weak_key_and_signature(trouble: Json) -> None:
    found = _kinds(trouble, "sun5")
    assert found["weak_key"]["found"] == "an RSA key of 1024 bits"
    assert found["weak_signature"]["found"] == "a signature with SHA-1"


def test_what_stops_with_the_root(trouble: Json) -> None:
    stopping = {(one["kind"], one["name"]) for one in trouble["stopping"]}
    assert {("device", "cam1"), ("device", "onv1"), ("device", "sun1"), ("recorder", "rec")} <= stopping
    assert {("card", "A"), ("client", "clients that trust CN=Surveillance CA")} <= stopping
    assert ("device", "sun3") not in stopping


@pytest.mark.usefixtures("trouble")
def test_the_table_as_csv(site: Site) -> None:
    with (site.folder / "report.csv").open(encoding="utf-8", newline="") as file:
        rows = {row["device"]: row for row in csv.DictReader(file)}
    assert set(rows) == set(_hosts(site.inventory))
    assert rows["cam1"]["issuer"] == "CN=Surveillance Issuer"
    assert "unread" in rows["cam3"]["findings"]


@pytest.mark.usefixtures("trouble")
def test_what_fails_the_run(site: Site) -> None:
    limit = ("--limit", "sun5,localhost")
    no_files: Json = {"camsec_report_json": None, "camsec_report_csv": None}
    run = _play(site, *limit, camsec_fail_on="error", camsec_warn_before=5, **no_files)
    assert run.status == 2, run.output
    assert "1 devices: " in run.output
    assert "findings, expected none; see the report above." in run.text
    run = _play(site, *limit, camsec_fail_on="error", camsec_warn_before=30, **no_files)
    assert run.status == 2, run.output
    sentence = "sun5: warn_before: found 30 days, expected 0 or more and fewer than the 30 days of the renewal window"
    assert sentence in run.text
