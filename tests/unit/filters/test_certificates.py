# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter certificate_report, on what modules return."""

from __future__ import annotations

import csv
import datetime as dt
import io
import pathlib
import typing as t

import pytest
from ansible.errors import AnsibleFilterError
from ansible_collections.camsec.fleet.plugins.filter.certificate_report import FilterModule
from ansible_collections.camsec.fleet.plugins.module_utils._core._call import Call
from ansible_collections.camsec.fleet.plugins.module_utils._core._secret import Secret
from ansible_collections.camsec.fleet.plugins.module_utils._pki._authority import CertificateAuthority, Issued
from ansible_collections.camsec.fleet.plugins.module_utils._pki.modules import authority_info

Json = dict[str, t.Any]
NOW = dt.datetime.now(dt.UTC).replace(microsecond=0)
report = FilterModule().filters()["certificate_report"]
PASSPHRASE = Secret("correct horse battery")


class Site:
    """An authority with an intermediate one, a camera, and its recorder."""

    def __init__(self, home: pathlib.Path) -> None:
        self.made = CertificateAuthority.create(
            home / "ca",
            passphrase=PASSPHRASE,
            common_name="Root",
            key_type="ecdsa",
            intermediate_common_name="Issuer",
        )
        self.issued = self.issue("cam", "192.0.2.11")

    def issue(self, device: str, address: str, **options: t.Any) -> Issued:
        return self.made.issue_with_new_key(
            passphrase=PASSPHRASE, device=device, subject_alt_names=[address], key_type="ecdsa", **options
        )[1]

    @property
    def authority(self) -> Json:
        params = {"authority_directory": str(self.made.directory), "device": None}
        return authority_info(Call(params=params, check_mode=False))

    def camera(self, issued: Issued | None = None, **changes: t.Any) -> Json:
        """A host's variables."""
        shown = issued or self.issued
        state = {"driver": "ipro", "ca_certificate": "192.0.2.11", "connection": "https", "clock_offset": -3}
        return {
            "ansible_host": "192.0.2.11",
            "camsec_recorder": "rec",
            "camsec_certificates_device": {"camera": state, "contact": {"scheme": "https"}},
            "camsec_certificates_endpoint": {"verified": True, "certificate": {"content": shown.pem}},
            "camsec_certificates_chain": {"verified": True, "verify_error": ""},
            **changes,
        }


@pytest.fixture
def site(tmp_path: pathlib.Path) -> Site:
    return Site(tmp_path)


def _kinds(found: Json) -> set[str]:
    return {one["kind"] for one in found["findings"]}


def test_a_camera_in_order(site: Site) -> None:
    found = report(["cam"], {"cam": site.camera()}, authorities=[site.authority])
    assert found["findings"] == []
    assert found["counts"] == {"error": 0, "warning": 0, "note": 0}
    assert found["lines"][0] == "1 devices: 0 errors, 0 warnings, 0 notes"
    assert found["lines"][1].startswith("without action: cam: HTTPS ends on ")
    (row,) = found["table"]
    assert (row["issuer"], row["days_left"], row["dialect"], row["worst"]) == ("CN=Issuer", 396, "ipro", "")
    assert found["stopping"] == []
    assert next(csv.DictReader(io.StringIO(found["csv"])))["serial_number"] == row["serial_number"]


def test_the_root_alone_does_not_do(site: Site) -> None:
    chain = {"verified": False, "verify_error": "unable to get local issuer certificate"}
    camera = site.camera(camsec_certificates_chain=chain)
    assert _kinds(report(["cam"], {"cam": camera}, authorities=[site.authority])) == {"chain_incomplete"}
    # Another reason not to verify is told by the other handshake.
    camera = site.camera(camsec_certificates_chain={**chain, "verify_error": "certificate has expired"})
    assert _kinds(report(["cam"], {"cam": camera}, authorities=[site.authority])) == set()


def test_revoked_and_superseded_by_the_ledger(site: Site) -> None:
    authority = site.authority
    serial = site.issued.facts.serial_number
    revoked = {**authority, "revoked": [{"serial_number": serial, "reason": "key_compromise"}]}
    assert _kinds(report(["cam"], {"cam": site.camera()}, authorities=[revoked])) == {"revoked"}
    site.issue("cam", "192.0.2.11", now=dt.datetime.now(dt.UTC) + dt.timedelta(seconds=5))
    assert _kinds(report(["cam"], {"cam": site.camera()}, authorities=[site.authority])) == {"superseded"}


@pytest.mark.parametrize(
    ("device", "sentence"),
    [
        ({"failed": True, "msg": "192.0.2.11: contact: found no answer."}, "192.0.2.11: contact: found no answer"),
        ({"unreachable": True, "msg": "Failed to connect."}, "Failed to connect"),
        ({"skipped": True}, "no result; see the task that failed"),
        (None, "no result; see the task that failed"),
    ],
)
def test_a_device_that_cannot_be_read_is_a_finding(site: Site, device: Json | None, sentence: str) -> None:
    lost = {"ansible_host": "192.0.2.12", "camsec_certificates_device": device}
    found = report(["lost", "cam"], {"lost": lost, "cam": site.camera()}, authorities=[site.authority])
    (one,) = found["findings"]
    assert (one["kind"], one["device"], one["found"]) == ("unread", "lost", sentence)
    assert [row["device"] for row in found["table"]] == ["lost", "cam"]


def test_plain_http_that_opens_in_place_of_https(site: Site) -> None:
    failed = {"failed": True, "msg": "no answer"}
    camera = site.camera(
        camsec_certificates_device=failed, camsec_certificates_endpoint=failed, camsec_certificates_plain={"state": "x"}
    )
    found = report(["cam"], {"cam": camera}, authorities=[site.authority])
    assert _kinds(found) == {"answers_in_the_clear", "unread"}
    assert found["table"][0]["connection"] == "http"


def test_a_sunell_camera_as_from_the_factory(site: Site, tmp_path: pathlib.Path) -> None:
    other = Site(tmp_path / "other")
    state = {"driver": "sunell", "ca_certificate": "not_generated", "self_signed_certificate": "built-in"}
    camera = site.camera(other.issued, camsec_certificates_device={"camera": state})
    found = report(["cam"], {"cam": camera}, authorities=[site.authority])
    assert _kinds(found) == {"built_in_authority", "certificate_lost"}


def test_a_recorder(site: Site, tmp_path: pathlib.Path) -> None:
    own = Site(tmp_path / "recorder").issue("rec", "192.0.2.5", lifetime_days=1700)
    root = site.made.root_certificate.sha256
    recorder = {
        "ansible_host": "192.0.2.5",
        "group_names": ["camsec_recorders"],
        "camsec_certificates_device": {"recorder": {"trusted_cas": [{"sha256": root}]}, "contact": {"scheme": "https"}},
        "camsec_certificates_endpoint": {"verified": True, "certificate": {"content": own.pem}},
    }
    cards = [{"card": "A", "roots": [{"sha256": root, "not_after": "2036-01-01T00:00:00Z", "anchor": True}]}]
    hostvars = {"rec": recorder, "cam": site.camera()}
    found = report(["rec", "cam"], hostvars, authorities=[site.authority], cards=cards, stops="root")
    assert found["findings"] == []
    assert {(one["kind"], one["name"]) for one in found["stopping"]} == {
        ("device", "cam"),
        ("recorder", "rec"),
        ("card", "A"),
        ("client", "clients that trust CN=Root"),
    }
    assert any(line.startswith("stops at ") for line in found["lines"])


def test_an_authority_that_cannot_be_read(site: Site) -> None:
    failed = {"failed": True, "item": "/gone", "msg": "/gone: certificate authority: found no complete authority."}
    found = report(["cam"], {"cam": site.camera()}, authorities=[site.authority, failed, {"skipped": True}])
    assert [(one["kind"], one["device"]) for one in found["findings"]] == [("unread", "/gone")]


def test_the_renewal_window_of_each_device(site: Site) -> None:
    soon = {"at": (NOW + dt.timedelta(days=350)).isoformat()}
    for own, kinds in (
        ({}, set()),
        ({"camsec_renew_before": "60"}, {"renewal_due"}),
        ({"camsec_renew_before": 120}, {"renewal_overdue"}),
        ({"camsec_renew_share": 0.2}, {"renewal_due"}),
    ):
        found = report(["cam"], {"cam": site.camera(**own)}, authorities=[site.authority], **soon)
        assert _kinds(found) == kinds, own


def test_no_spreadsheet_takes_a_name_for_a_formula(site: Site) -> None:
    found = report(["=1+1", "cam"], {"=1+1": {}, "cam": site.camera()}, authorities=[site.authority])
    rows = list(csv.reader(io.StringIO(found["csv"])))
    assert rows[1][0] == "'=1+1"
    assert rows[1][7] == ""


@pytest.mark.parametrize(
    ("options", "variables", "sentence"),
    [
        ({"warn_before": 30}, {}, "cam: warn_before: found 30 days, expected 0 or more and fewer than the 30 days"),
        ({"warn_before": "soon"}, {}, "this report: warn_before: found 'soon', expected a number, 0 or more."),
        ({"usual_lifetime_days": -1}, {}, "usual_lifetime_days: found -1, expected a number"),
        ({"at": "today"}, {}, "this report: at: found 'today', expected an instant with a time zone"),
        ({"stops": "abc"}, {}, "this report: stopping: found 'abc', expected root, intermediate, or"),
        ({}, {"camsec_renew_before": "nan"}, "cam: camsec_renew_before: found 'nan', expected a number, 0 or more."),
    ],
)
def test_bad_input_is_one_sentence(site: Site, options: Json, variables: Json, sentence: str) -> None:
    with pytest.raises(AnsibleFilterError) as caught:
        report(["cam"], {"cam": site.camera(**variables)}, authorities=[site.authority], **options)
    assert sentence in str(caught.value)
    assert "\n" not in str(caught.value)
