# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A failover recording server in cold standby, and a mobile server with a certificate that the internet knows."""

from __future__ import annotations

import datetime as dt
import pathlib
import subprocess
import tempfile
import typing as t

import pytest
import yaml
from ansible_collections.camsec.fleet.extensions.simulator.testing import own_base_address, spawn

from .conftest import SPEED, Vms

ROLES = {
    "management-01": "management_server",
    "recording-01": "recording_server",
    "failover-01": "failover_recording_server",
    "mobile-01": "mobile_server",
}
FAILOVER = "Milestone XProtect Failover Recording Server"
PUBLIC = "video.public.example"
PASSPHRASE = "a passphrase of the tests"


@pytest.fixture(scope="module")
def vms() -> t.Iterator[Vms]:
    net = own_base_address(3).rpartition(".")[0]
    servers: list[dict[str, t.Any]] = [
        {"name": name, "address": f"{net}.{number}", "roles": [role]}
        for number, (name, role) in enumerate(ROLES.items(), 1)
    ]
    servers[2]["cold_standby"] = True
    with tempfile.TemporaryDirectory(prefix="camsec-vms-") as name:
        folder = pathlib.Path(name)
        (folder / "fleet.yml").write_text(yaml.safe_dump({"vms_servers": servers}), encoding="utf-8")
        with spawn("--fleet", str(folder / "fleet.yml"), "--speed", str(SPEED)) as simulator:
            inventory = yaml.safe_load(simulator.inventory.read_text(encoding="utf-8"))
            yield Vms(simulator=simulator, folder=folder, inventory=inventory)


def takes_over(vms: Vms, *, really: bool) -> None:
    status = "Running" if really else "Stopped"
    vms.control("servers/failover-01/services", "POST", {"name": FAILOVER, "status": status})


def presented(vms: Vms) -> set[str]:
    """What the failover server presents for its streams, by the simulator's own connections."""
    return {
        link["thumbprint"]
        for link in vms.control("links")
        if link["presenter"] == "failover-01" and link["rule"] == "VMS-03"
    }


def test_vms_15_what_stands_by_is_prepared(vms: Vms) -> None:
    assert not presented(vms)
    run = vms.vms(camsec_lifetime_days=60)
    assert run.status == 0, run.output
    assert vms.server("failover-01")["encrypted"] == ["server", "streaming_media"]
    assert vms.server("failover-01")["services"][FAILOVER] == "Stopped"
    again = vms.vms(camsec_lifetime_days=60)
    assert again.status == 0, again.output
    assert sum(again.changed.values()) == 0
    takes_over(vms, really=True)
    assert set(vms.links()) == {"encrypted"}
    assert {entry["thumbprint"] for entry in vms.server("failover-01")["stores"]["My"]} == presented(vms)
    assert sum(vms.vms(camsec_lifetime_days=60).changed.values()) == 0


def test_vms_17_what_stands_by_presents_the_renewed_certificate_when_it_takes_over(vms: Vms) -> None:
    before = presented(vms)
    takes_over(vms, really=False)
    run = vms.play("camsec.fleet.vms_renew", camsec_renew_before=100)
    assert run.status == 0, run.output
    assert sum(run.changed.values()) > 0
    (entry,) = vms.server("failover-01")["stores"]["My"]
    takes_over(vms, really=True)
    assert presented(vms) == {entry["thumbprint"]}
    assert presented(vms).isdisjoint(before)
    assert set(vms.links()) == {"encrypted"}


def test_what_was_renewed_while_it_had_taken_over_is_bound_when_it_stands_by_again(vms: Vms) -> None:
    run = vms.play("camsec.fleet.vms_renew", camsec_renew_before=400, camsec_lifetime_days=500)
    assert run.status == 0, run.output
    takes_over(vms, really=False)
    run = vms.play("camsec.fleet.vms_renew")
    assert run.status == 0, run.output
    assert [name for name, count in run.changed.items() if count] == ["failover-01"], run.output
    assert sum(vms.vms().changed.values()) == 0
    (entry,) = vms.server("failover-01")["stores"]["My"]
    takes_over(vms, really=True)
    assert presented(vms) == {entry["thumbprint"]}
    takes_over(vms, really=False)


def test_of_what_stands_by_and_does_not_say_more_only_the_switches_wait(vms: Vms) -> None:
    path = r"C:\ProgramData\Milestone\XProtect Recording Server\RecorderConfig.xml"
    by_hand = f"Remove-Item -LiteralPath '{path}'"
    run = vms._run("ansible", "failover-01", "-m", "ansible.builtin.raw", "-a", f'powershell -Command "{by_hand}"')
    assert run.status == 0, run.output
    run = vms.vms()
    assert run.status != 0
    assert "failover-01 does not answer (streaming media)" in run.text, run.output
    assert "RecorderConfig.xml does not tell" in run.text
    takes_over(vms, really=True)
    run = vms.vms()
    assert run.status == 0, run.output
    assert sum(run.changed.values()) == 0


# -- a certificate that the internet knows -----------------------------------------------------------------------------


def openssl(folder: pathlib.Path, *arguments: str) -> None:
    subprocess.run(["openssl", *arguments], check=True, capture_output=True, cwd=folder, timeout=60)


def public_certificate(folder: pathlib.Path, days: int) -> pathlib.Path:
    """From an authority of somebody else's, for a name of the internet alone; PKCS#12."""
    if not (folder / "public.pem").exists():
        openssl(
            folder, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "public.key", "-out", "public.pem",
            "-subj", "/CN=Public", "-days", "900", "-addext", "keyUsage=critical,keyCertSign",
        )  # fmt: skip
    openssl(
        folder, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "leaf.key", "-out", "leaf.pem",
        "-subj", f"/CN={PUBLIC}", "-days", str(days), "-CA", "public.pem", "-CAkey", "public.key",
        "-addext", f"subjectAltName=DNS:{PUBLIC}", "-addext", "basicConstraints=critical,CA:FALSE",
    )  # fmt: skip
    path = folder / f"public-{days}.p12"
    openssl(
        folder, "pkcs12", "-export", "-inkey", "leaf.key", "-in", "leaf.pem", "-out", path.name,
        "-passout", f"pass:{PASSPHRASE}",
    )  # fmt: skip
    path.chmod(0o600)
    return path


def install(vms: Vms, path: pathlib.Path, **more: t.Any) -> dict[str, t.Any]:
    options = f"pkcs12_path={path} pkcs12_passphrase='{PASSPHRASE}' certificate_groups=mobile_server"
    run = vms.ask("mobile-01", "vms_certificate", options, **more)
    assert run.status == 0, run.output
    return vms.server("mobile-01")


def test_phones_go_on_seeing_a_certificate_that_is_not_ours(vms: Vms) -> None:
    path = public_certificate(vms.folder, 60)
    trusted = vms.ask("mobile-01", "vms_trusted_ca", f"ca_path={vms.folder / 'public.pem'}")
    assert trusted.status == 0, trusted.output
    refused = vms.ask("mobile-01", "vms_certificate", f"pkcs12_path={path} pkcs12_passphrase='{PASSPHRASE}'")
    assert "VMS-12" in refused.text, refused.output
    named = {"camsec_vms_mobile_host_name": PUBLIC}
    entries = install(vms, path, **named)["stores"]["My"]
    (thumbprint,) = [entry["thumbprint"] for entry in entries if entry["subject"] == f"CN={PUBLIC}"]
    options = f"certificate_group=mobile_server enabled=true thumbprint={thumbprint}"
    run = vms.ask("mobile-01", "vms_encryption", options, **named)
    assert run.status == 0, run.output
    # With and without the variable: it is theirs, and it is left alone.
    for more in (named, {}):
        for playbook in ("camsec.fleet.vms", "camsec.fleet.vms_renew"):
            run = vms.play(playbook, **more)
            assert run.status == 0, run.output
            assert sum(run.changed.values()) == 0, run.output
            assert "Nothing is to be done." in run.text
    # What it stands beside is renewed, with its own subject.
    run = vms.play("camsec.fleet.vms_renew", camsec_renew_before=550, camsec_lifetime_days=600)
    assert run.status == 0, run.output
    after = vms.server("mobile-01")["stores"]["My"]
    assert thumbprint in {entry["thumbprint"] for entry in after}
    (mine,) = [entry for entry in after if entry["thumbprint"] != thumbprint]
    assert mine["thumbprint"] not in {entry["thumbprint"] for entry in entries}
    assert dt.datetime.fromisoformat(mine["not_after"]) > dt.datetime.now(tz=dt.UTC) + dt.timedelta(days=550)
    # The next one of theirs is taken up without a switch, by its subject.
    install(vms, public_certificate(vms.folder, 90))
    shown = {link["thumbprint"] for link in vms.control("links") if link["rule"] == "VMS-04"}
    assert len(shown) <= 1
    assert thumbprint not in shown
    assert set(vms.links()) == {"encrypted"}
