# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Revocation and revocation lists: the cycle of the modules, judged by openssl; many processes at once."""

from __future__ import annotations

import datetime as dt
import json
import pathlib
import typing as t

import pytest
from ansible_collections.camsec.fleet.extensions.simulator.testing import QuirkyFtpesServer
from ansible_collections.camsec.fleet.plugins.module_utils._core._errors import (
    InputError,
    TrustError,
    VerificationError,
)
from ansible_collections.camsec.fleet.plugins.module_utils._core._secret import Secret
from ansible_collections.camsec.fleet.plugins.module_utils._ftpes._facts import Server
from ansible_collections.camsec.fleet.plugins.module_utils._ftpes._session import Session
from ansible_collections.camsec.fleet.plugins.module_utils._pki._authority import CertificateAuthority
from ansible_collections.camsec.fleet.plugins.module_utils._pki._ledger import Revocation
from ansible_collections.camsec.fleet.plugins.module_utils._pki._revocation import RevocationResource, RevocationWish
from ansible_collections.camsec.fleet.plugins.module_utils._pki._revocation_list import (
    RevocationListResource,
    RevocationListWish,
)
from ansible_collections.camsec.fleet.plugins.module_utils._tls._policies import policy_of

from .conftest import PASSPHRASE, PHRASE, openssl
from .test_modules import run, snapshot

Result = dict[str, t.Any]
NOW = dt.datetime.now(dt.UTC)


class Desk:
    """An authority, certificates that it issued, and the two modules."""

    def __init__(self, home: pathlib.Path, *, intermediate: bool = False) -> None:
        self.home = home
        self.authority = CertificateAuthority.create(
            home / "ca",
            passphrase=PASSPHRASE,
            common_name="Test Root",
            key_type="ecdsa",
            intermediate_common_name="Test Issuer" if intermediate else "",
        )
        self.crl = home / "ca" / "crl.pem"

    def issue(self, device: str, **options: t.Any) -> tuple[str, pathlib.Path]:
        """A serial number and the certificate's file."""
        dummy, issued = self.authority.issue_with_new_key(
            passphrase=PASSPHRASE, device=device, subject_alt_names=[device], key_type="ecdsa", **options
        )
        path = self.home / f"{issued.facts.serial_number}.pem"
        path.write_text(issued.pem)
        return issued.facts.serial_number, path

    def revoke(self, *, check: bool = False, **options: t.Any) -> Result:
        return run("certificate_revocation", check=check, authority_directory=str(self.home / "ca"), **options)

    def publish(self, *, check: bool = False, **options: t.Any) -> Result:
        common = {"authority_directory": str(self.home / "ca"), "authority_passphrase": PHRASE}
        return run("certificate_revocation_list", check=check, **{**common, **options})

    def judged(self, certificate: pathlib.Path) -> str:
        """What openssl says of a certificate with the list."""
        trust = ("-CAfile", self.authority.trusted_path, "-CRLfile", self.crl)
        return openssl("verify", "-x509_strict", "-crl_check", *trust, certificate, check=False)

    def listed(self) -> str:
        issuer = self.home / "issuer.pem"
        issuer.write_text(self.authority.issuer_certificate.pem)
        assert "verify OK" in openssl("crl", "-verify", "-CAfile", issuer, "-in", self.crl, "-noout")
        return openssl("crl", "-text", "-noout", "-in", self.crl)


@pytest.fixture
def desk(tmp_path: pathlib.Path) -> Desk:
    return Desk(tmp_path)


@pytest.mark.parametrize("intermediate", [False, True])
def test_revoked_certificates_are_refused_by_openssl(tmp_path: pathlib.Path, intermediate: bool) -> None:
    desk = Desk(tmp_path, intermediate=intermediate)
    good, bad = desk.issue("192.0.2.11"), desk.issue("192.0.2.12")
    assert desk.revoke(serial_number=bad[0], reason="key_compromise")["changed"]
    made = desk.publish()
    assert made["changed"]
    assert made["revocation_list"]["number"] == 1
    assert made["revocation_list"]["content"] == desk.crl.read_text()
    text = desk.listed()
    assert "Key Compromise" in text
    assert bad[0] in text.lower().replace(" ", "").replace("serialnumber:0", "serialnumber:")
    assert desk.judged(good[1]).strip() == f"{good[1]}: OK"
    assert "certificate revoked" in desk.judged(bad[1])


def test_the_cycle_of_a_revocation(desk: Desk) -> None:
    serial, dummy = desk.issue("cam011")
    before = snapshot(desk.home)
    planned = desk.revoke(check=True, serial_number=serial, reason="superseded")
    assert planned["changed"]
    assert snapshot(desk.home) == before
    done = desk.revoke(serial_number=serial.upper(), reason="superseded", revoked_at="2026-01-02T03:04:05+01:00")
    assert done["plan"] == planned["plan"]
    assert done["diff"]["before"] == {"revocations": [{"serial_number": serial, "revoked": False}]}
    (one,) = done["after"]["revocations"]
    assert (one["reason"], one["revoked_at"], one["device"]) == ("superseded", "2026-01-02T02:04:05Z", "cam011")
    before = snapshot(desk.home)
    for check in (True, False):
        again = desk.revoke(check=check, serial_number=serial, reason="superseded")
        assert not again["changed"]
        other = desk.revoke(check=check, serial_number=serial, reason="key_compromise")
        assert not other["changed"]
        refused = desk.revoke(check=check, serial_number=serial, state="absent")
        assert "expected certificate_hold, since no other revocation is ever taken back" in refused["msg"]
    assert snapshot(desk.home) == before
    told = run("certificate_authority_info", authority_directory=str(desk.home / "ca"))
    assert told["revoked"] == [{key: value for key, value in one.items() if key != "revoked"}]


def test_a_hold_is_taken_back_or_becomes_final(desk: Desk) -> None:
    serial, path = desk.issue("192.0.2.11")
    desk.revoke(serial_number=serial, reason="certificate_hold")
    desk.publish()
    assert "certificate revoked" in desk.judged(path)
    assert desk.revoke(check=True, serial_number=serial, state="absent")["changed"]
    assert desk.revoke(serial_number=serial, state="absent")["changed"]
    assert not desk.revoke(serial_number=serial, state="absent")["changed"]
    again = desk.publish()
    assert again["plan"][0]["title"].endswith("certificates were restored since")
    assert again["revocation_list"]["number"] == 2
    assert desk.judged(path).strip() == f"{path}: OK"
    desk.revoke(serial_number=serial, reason="certificate_hold")
    desk.publish()
    assert desk.revoke(serial_number=serial, reason="key_compromise")["changed"]
    assert desk.publish()["revocation_list"]["revoked"] == [{"serial_number": serial, "reason": "key_compromise"}]


def test_all_certificates_of_a_device(desk: Desk) -> None:
    past = NOW - dt.timedelta(days=20)
    serials = [desk.issue("cam011")[0], desk.issue("cam011")[0]]
    desk.issue("cam011", now=past, lifetime_days=10)
    kept, path = desk.issue("192.0.2.12")
    done = desk.revoke(device="cam011", reason="cessation_of_operation")
    assert {one["serial_number"] for one in done["after"]["revocations"]} == set(serials)
    assert desk.revoke(device="cam011")["changed"] is False
    desk.publish()
    assert desk.judged(path).strip() == f"{path}: OK"
    assert kept not in desk.listed().lower().replace(":", "")


def test_the_cycle_of_a_list(desk: Desk) -> None:
    before = snapshot(desk.home)
    planned = desk.publish(check=True)
    assert planned["changed"]
    assert snapshot(desk.home) == before
    assert desk.publish()["revocation_list"]["revoked"] == []
    before = snapshot(desk.home)
    for check in (True, False):
        again = desk.publish(check=check)
        assert not again["changed"]
        assert again["revocation_list"]["number"] == 1
        assert desk.publish(check=check, authority_passphrase=None)["changed"] is False
    assert snapshot(desk.home) == before
    due = desk.publish(next_update_days=30, renew_before=10)
    assert due["plan"][0]["title"].startswith("Publish a revocation list: 7.0 days left")
    assert due["revocation_list"]["number"] == 2


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"renew_before": 7.0}, "expected fewer than next_update_days (7), or every run would publish a new list"),
        ({"renew_before": -1.0}, "this task: renew_before: found -1, expected 0 to 3650 days"),
        ({"next_update_days": 4000.0}, "next_update_days: found 4000, expected 0 to 3650 days"),
        ({"authority_passphrase": None}, "authority_passphrase: found nothing"),
        ({"authority_passphrase": "wrong horse"}, "found a wrong passphrase"),
    ],
)
def test_bad_options_of_a_list(desk: Desk, options: Result, sentence: str) -> None:
    result = desk.publish(**options)
    assert sentence in result["msg"]
    assert not desk.crl.exists()


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"serial_number": "abc"}, "serial number: found 'abc', expected one that the ledger knows"),
        ({"device": "cam099"}, "device: found 'cam099', expected one that the ledger knows"),
        ({}, "one of the following is required"),
        ({"device": "cam011", "serial_number": "abc"}, "mutually exclusive"),
        ({"device": "cam011", "revoked_at": "yesterday"}, "revoked_at: found 'yesterday', expected an instant"),
        ({"device": "cam011", "revoked_at": "2999-01-01T00:00:00Z"}, "expected no later than now"),
    ],
)
def test_bad_options_of_a_revocation(desk: Desk, options: Result, sentence: str) -> None:
    desk.issue("cam011")
    for check in (True, False):
        assert sentence in desk.revoke(check=check, **options)["msg"]


def test_what_is_no_list_is_not_overwritten(desk: Desk) -> None:
    desk.crl.write_text("-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n")
    result = desk.publish()
    assert "found something else, expected a revocation list in PEM" in result["msg"]
    assert "MIIB" in desk.crl.read_text()


def test_a_list_of_somebody_else_is_replaced(desk: Desk, tmp_path: pathlib.Path) -> None:
    other = Desk(tmp_path / "other")
    other.publish()
    desk.crl.write_text(other.crl.read_text())
    assert desk.publish()["plan"][0]["title"].endswith("is not signed by CN=Test Root")
    desk.listed()


def test_an_expired_certificate_stands_in_one_more_list(desk: Desk) -> None:
    """RFC 5280 section 3.3; and then not for ever."""
    serial, dummy = desk.issue("cam011", lifetime_days=2)
    desk.authority.ledger.revoke(
        [Revocation(serial=serial, device="", reason="unspecified", revoked_at="2026-01-01T00:00:00Z", not_after="")]
    )

    def published(days: float) -> list[str]:
        wish = RevocationListWish(passphrase=PASSPHRASE)
        resource = RevocationListResource(desk.authority, wish, now=NOW + dt.timedelta(days=days))
        plan = resource.plan(resource.read())
        for step in plan.steps:
            resource.apply(step)
        found = resource.read()
        assert found is not None
        resource.verify(plan)
        return list(found.revoked)

    assert published(0) == [serial]
    assert published(5) == [serial]  # expired since, and in one more
    assert published(5.1) == [serial]  # nothing to do
    assert published(10) == []


def test_a_list_that_cannot_be_shown_is_an_error(desk: Desk) -> None:
    resource = RevocationListResource(desk.authority, RevocationListWish(passphrase=PASSPHRASE), now=NOW)
    with pytest.raises(VerificationError, match="found none"):
        resource.verify(resource.plan(None))


def test_a_day_that_has_not_come() -> None:
    with pytest.raises(InputError, match="revoked_at"):
        RevocationResource(
            t.cast("CertificateAuthority", None),
            RevocationWish(present=True, device="x", revoked_at=NOW + dt.timedelta(days=1)),
            now=NOW,
        )


def test_a_ledger_of_before_there_were_revocations(desk: Desk) -> None:
    assert desk.authority.ledger.revocations() == []
    assert desk.authority.ledger.newest_list() is None
    serial, dummy = desk.issue("cam011")
    assert desk.authority.ledger.revocation(serial) is None


CODE = """
import json, sys
from ansible_collections.camsec.fleet.plugins.module_utils._core._call import Call
from ansible_collections.camsec.fleet.plugins.module_utils._pki.modules import revocation, revocation_list
home, serial = sys.argv[1:]
base = {"authority_directory": home, "authority_passphrase": "%s"}
revocation(Call(params={**base, "serial_number": serial, "device": None, "reason": "superseded", "revoked_at": None,
                        "state": "present"}, check_mode=False))
params = {**base, "path": None, "next_update_days": 7.0, "renew_before": 3.0}
done = revocation_list(Call(params=params, check_mode=False))
print(json.dumps(done["revocation_list"]["number"]))
"""


def test_many_processes_at_once_lose_nothing(
    desk: Desk, at_once: t.Callable[[str, t.Sequence[t.Sequence[str]]], list[str]]
) -> None:
    serials = [desk.issue(f"cam{number}")[0] for number in range(4)]
    home = str(desk.home / "ca")
    numbers = [json.loads(text) for text in at_once(CODE % PHRASE, [[home, serial] for serial in serials])]
    final = desk.publish(authority_passphrase=PHRASE)
    assert not final["changed"]  # the last of them already told all
    assert {one["serial_number"] for one in final["revocation_list"]["revoked"]} == set(serials)
    assert final["revocation_list"]["number"] == max(numbers)
    newest = desk.authority.ledger.newest_list()
    assert newest is not None
    assert newest.number == max(numbers)
    desk.listed()


def test_a_revoked_certificate_is_renewed(desk: Desk) -> None:
    options: Result = {
        "authority_directory": str(desk.home / "ca"),
        "authority_passphrase": PHRASE,
        "certificate_path": str(desk.home / "cam.pem"),
        "private_key_path": str(desk.home / "cam.key"),
        "key_type": "ecdsa",
        "subject_alt_name": ["192.0.2.11"],
    }
    first = run("certificate", **options)["certificate"]["serial_number"]
    desk.revoke(serial_number=first, reason="superseded")
    again = run("certificate", **options)
    assert "The certificate was revoked at" in again["plan"][0]["title"]
    assert again["certificate"]["serial_number"] != first
    assert not run("certificate", **options)["changed"]


def test_the_uploader_refuses_a_server_that_is_revoked(desk: Desk) -> None:
    """The list is the very file that crl_path of evidence_upload and --crl-file of camsec-upload take."""
    key, issued = desk.authority.issue_with_new_key(
        passphrase=PASSPHRASE, device="ftp", subject_alt_names=["127.0.0.1"], key_type="ecdsa"
    )
    desk.publish()
    with QuirkyFtpesServer(certificate=issued.pem, key=key.reveal()) as there:
        wanted = Server(
            host=there.host,
            port=there.port,
            user=there.user,
            password=Secret(there.password),
            policy=policy_of("modern"),
            ca_path=desk.authority.trusted_path,
            crl_path=str(desk.crl),
        )
        with Session(wanted) as session:
            assert session.control.protocol == "TLSv1.3"
        desk.revoke(device="ftp", reason="key_compromise")
        desk.publish()
        with pytest.raises(TrustError, match="has been revoked"):
            Session(wanted).open()
