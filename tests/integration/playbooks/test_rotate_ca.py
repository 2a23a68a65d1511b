# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The playbook `camsec.fleet.rotate_ca` on a fleet of three dialects, interrupted, held up, finished; openssl judges.

The tests of this file follow each other, as the days of a rotation do.
"""

from __future__ import annotations

import collections
import datetime as dt
import pathlib
import tempfile
import typing as t

import pytest
import yaml
from ansible_collections.camsec.fleet.extensions.simulator.testing import own_base_address, spawn
from ansible_collections.camsec.fleet.plugins.module_utils._core._secret import Secret
from ansible_collections.camsec.fleet.plugins.module_utils._pki._authority import CertificateAuthority
from ansible_collections.camsec.fleet.plugins.module_utils._storage.ledger import CardLedger, holding_of

from .conftest import CA_PASSPHRASE, PORT, SPEED, Run, Site, fleet

Json = dict[str, t.Any]
CAMERAS = ("cam1", "onv1", "sun1")


class Fleet(Site):
    """A site whose cameras are of several dialects."""

    @property
    def hosts(self) -> dict[str, Json]:
        found: dict[str, Json] = {}
        groups = collections.deque([self.inventory["all"]])
        while groups:
            group = groups.popleft()
            groups.extend(one for one in (group.get("children") or {}).values() if one)
            found.update(group.get("hosts") or {})
        return found

    def rotate(self, *arguments: str, **variables: t.Any) -> Run:
        new = {
            "camsec_authority_directory": str(self.folder / "new"),
            "camsec_retiring_authority_directory": str(self.folder / "ca"),
            "camsec_authority_common_name": "Next CA",
            "camsec_authority_key_type": "ecdsa",
            "camsec_timeout": 5,
            "camsec_camera_waves": [1, 1, 1],
        }
        return self.play("camsec.fleet.rotate_ca", *arguments, **{**new, **variables})

    def power(self, name: str, action: str) -> None:
        self.simulator.control(f"/devices/{name}/power_{action}", "POST", {})

    def trusted(self) -> set[str]:
        return set(self.state("rec")["state"]["trusted"])


@pytest.fixture(scope="module")
def site() -> t.Iterator[Fleet]:
    """In HTTPS with certificates of an authority with an intermediate one; two cards and a file in its ledgers."""
    first, second, third, dummy = own_base_address(7).split(".")
    net = f"{first}.{second}.{int(third) + 6}"
    made: Json = yaml.safe_load(fleet(f"{net}.0", ["{}"]))
    common = {"http_port": 8080, "https_port": PORT}
    made["onvif_cameras"] = [{"name": "onv1", "address": f"{net}.41", "password": "Onvif-Admin-1", **common}]
    made["sunell_cameras"] = [{"name": "sun1", "address": f"{net}.61", "password": "Sunell-Admin-1", **common}]
    with tempfile.TemporaryDirectory(prefix="camsec-rotation-") as name:
        folder = pathlib.Path(name)
        (folder / "fleet.yml").write_text(yaml.safe_dump(made), encoding="utf-8")
        old = CertificateAuthority.create(
            folder / "ca",
            passphrase=Secret(CA_PASSPHRASE),
            common_name="Surveillance CA",
            key_size=2048,
            intermediate_common_name="Surveillance Issuer",
        )
        note(folder / "ca", "A001", old)
        note(folder / "ca", "A002", old)
        key, issued = old.issue_with_new_key(
            passphrase=Secret(CA_PASSPHRASE), device="ftp", subject_alt_names=["ftp.example"], key_type="ecdsa"
        )
        (folder / "ftp.key").write_text(key.reveal(), encoding="utf-8")
        (folder / "ftp.key").chmod(0o600)
        (folder / "ftp.pem").write_text(issued.pem, encoding="utf-8")
        with spawn("--fleet", str(folder / "fleet.yml"), "--speed", str(SPEED), "--https-port", str(PORT)) as simulator:
            inventory = yaml.safe_load(simulator.inventory.read_text(encoding="utf-8"))
            fleet_ = Fleet(simulator=simulator, folder=folder, inventory=inventory)
            run = fleet_.site(camsec_camera_waves=["100%"])
            assert run.status == 0, run.output
            yield fleet_


def note(directory: pathlib.Path, name: str, *held: CertificateAuthority) -> None:
    """What storage_certificate writes down for a card."""
    roots = [one.root_certificate for one in held]
    now = dt.datetime.now(dt.UTC)
    CardLedger(directory / "cards.sqlite3").note(
        holding_of(card=name, place=f"/media/{name}", certificates=roots, sha256="ab" * 32, proofs=[], now=now)
    )


def issuers(site: Fleet) -> dict[str, bool]:
    """By openssl: whether each camera's certificate verifies against the new authority alone."""
    new = site.folder / "new" / "root.pem"

    def verifies(name: str) -> bool:
        try:
            return bool(site.verified(name, new))
        except AssertionError:
            return False

    return {name: verifies(name) for name in CAMERAS}


def test_a_dry_run_tells_the_stage_and_changes_nothing(site: Fleet) -> None:
    files, states = site.files(), site.states()
    run = site.rotate("--check")
    assert run.status == 0, run.output
    assert "stage trust (may go on)" in run.text
    assert "left: authority new: It is yet to be made." in run.text
    for name in CAMERAS:
        assert f"left: device {name}: It shows certificate" in run.text
        assert f"holds up the drop: device {name}: It shows certificate" in run.text
    assert "holds up the drop: card A001: It holds the old root and not the new one: write it anew." in run.text
    assert "holds up the drop: certificate ftp: The old ledger knows" in run.text
    assert set(run.changed.values()) == {0}
    assert (site.files(), site.states()) == (files, states)


def test_a_root_of_the_same_name_is_refused(site: Fleet) -> None:
    run = site.rotate(camsec_authority_common_name=None)
    assert "found Surveillance CA, which the old root is called too" in run.text
    assert not (site.folder / "new").exists()


def test_trust_alone_touches_no_camera(site: Fleet) -> None:
    states = site.states()
    run = site.rotate(camsec_rotate_stage="trust")
    assert run.status == 0, run.output
    assert "stage reissue (may go on)" in run.text.rpartition("What the run came to")[2]
    assert len(site.trusted()) == 3
    assert issuers(site) == dict.fromkeys(CAMERAS, False)
    after = site.states()
    assert {name: after[name] for name in CAMERAS} == {name: states[name] for name in CAMERAS}


def test_interrupted_by_a_camera_that_is_down_nothing_is_cut_off(site: Fleet) -> None:
    site.power("onv1", "off")
    run = site.rotate()
    assert run.status != 0
    assert "left: device onv1" not in run.text
    assert "holds up the drop: unread onv1: It could not be looked at: " in run.text, run.output
    both = (site.folder / "new" / "trusted.pem").read_text()
    assert both == (site.folder / "new" / "root.pem").read_text() + "".join(
        (site.folder / "ca" / name).read_text() for name in ("root.pem", "intermediate.pem")
    )
    assert len(site.trusted()) == 3
    site.power("onv1", "on")
    for name in CAMERAS:
        site.verified(name, site.folder / "new" / "trusted.pem")
        site.verified(name, site.folder / "ca" / "trusted.pem")
    assert not all(issuers(site).values())
    site.await_connected({1: 1})


def test_a_wrong_passphrase_of_the_new_root_is_refused_before_anything(site: Fleet) -> None:
    states = site.states()
    run = site.rotate(camsec_authority_passphrase="Not-the-right-one-1")
    assert run.status != 0
    assert "found a wrong passphrase" in run.text
    assert "Not-the-right-one-1" not in run.output
    assert site.states() == states


def test_the_next_run_goes_on_and_the_cards_hold_the_old_root_up(site: Fleet) -> None:
    files = [
        {
            "device": "ftp",
            "certificate_path": str(site.folder / "ftp.pem"),
            "private_key_path": str(site.folder / "ftp.key"),
            "subject_alt_name": ["ftp.example"],
        }
    ]
    note(site.folder / "new", "A002", CertificateAuthority.open(site.folder / "ca"),
         CertificateAuthority.open(site.folder / "new"))  # fmt: skip
    run = site.rotate(camsec_certificate_files=files)
    assert run.status == 0, run.output
    assert issuers(site) == dict.fromkeys(CAMERAS, True)
    told = run.text.rpartition("What the run came to")[2]
    assert "stage drop (held up)" in told
    assert "holds up the drop: card A001" in told
    assert "A002" not in told
    assert "holds up the drop: certificate" not in told
    assert "holds up the drop: device" not in told
    assert len(site.trusted()) == 3
    assert CertificateAuthority.open(site.folder / "new").ledger.certificates("ftp")
    site.await_connected({1: 1})


def test_held_up_it_changes_nothing(site: Fleet) -> None:
    files, states = site.files(), site.states()
    run = site.rotate()
    assert run.status == 0, run.output
    assert set(run.changed.values()) == {0}
    assert (site.files(), site.states()) == (files, states)


def test_given_up_by_name_the_old_root_goes(site: Fleet) -> None:
    run = site.rotate(camsec_rotate_without=["A001"])
    assert run.status == 0, run.output
    assert "stage done: the old root is trusted nowhere" in run.text
    new = CertificateAuthority.open(site.folder / "new")
    assert site.trusted() == {new.root_certificate.sha256}
    assert (site.folder / "new" / "trusted.pem").read_text() == new.own_pem
    assert (site.folder / "ca" / "trusted.pem").read_text() == new.own_pem
    assert issuers(site) == dict.fromkeys(CAMERAS, True)
    site.await_connected({1: 1})


def test_finished_it_changes_nothing_and_neither_does_the_rollout(site: Fleet) -> None:
    files, states = site.files(), site.states()
    site.power("onv1", "off")  # a camera that is down brings nothing back
    run = site.rotate()
    site.power("onv1", "on")
    assert run.status == 0, run.output
    assert "stage done" in run.text
    assert set(run.changed.values()) == {0}
    again = site.site(camsec_authority_directory=str(site.folder / "new"), camsec_authority_common_name="Next CA",
                      camsec_authority_key_type="ecdsa", camsec_camera_waves=["100%"])  # fmt: skip
    assert again.status == 0, again.output
    assert set(again.changed.values()) == {0}
    assert (site.files(), site.states()) == (files, states)
