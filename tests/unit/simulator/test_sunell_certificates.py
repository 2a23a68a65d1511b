# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The rules about a Sunell camera's certificates (CAM-01 to CAM-26), without a socket."""

from __future__ import annotations

import dataclasses as dc
import json
import time
import typing as t

import pytest
from ansible_collections.camsec.fleet.extensions.simulator._frame import ApiError, Params
from ansible_collections.camsec.fleet.extensions.simulator._pki import make_key
from ansible_collections.camsec.fleet.extensions.simulator._sunell_catalog import Group
from ansible_collections.camsec.fleet.extensions.simulator._sunell_certificates import (
    CertificateRequest,
    DeviceTime,
    SunellCertificates,
    request_subject,
)
from ansible_collections.camsec.fleet.extensions.simulator._sunell_firmware import BuiltInRoot, Firmwares

HOST = "127.0.0.9"
SUBJECT = {"common_name": HOST}
VERSION = "v5.0.1"


@pytest.fixture(scope="module")
def keys() -> list[str]:
    return [make_key(2048) for _number in range(2)]


@pytest.fixture(scope="module")
def root() -> BuiltInRoot:
    return BuiltInRoot.make(VERSION)


@pytest.fixture
def store() -> SunellCertificates:
    return SunellCertificates()


def at(seconds: float = 0.0) -> DeviceTime:
    """The device's clock, so far from the real one; a minute of room for the time that the signing took."""
    return DeviceTime(now=time.time() + seconds, latest=time.time() + seconds + 60)


def refused(work: t.Callable[[], object], rule: str) -> str:
    with pytest.raises(ApiError, match=rule) as caught:
        work()
    assert caught.value.status == 400
    return caught.value.reason


def signed(ca: t.Any, key: str) -> bytes:
    return str(ca.sign(CertificateRequest.make(key, SUBJECT).pem, HOST)).encode()


def test_cam_01_a_server_pair_of_the_built_in_root(root: BuiltInRoot, shell: t.Any, tmp_path: t.Any) -> None:
    pairs = [root.server_pair(address, time.time()) for address in (HOST, "127.0.0.10")]
    assert pairs[0].spki != pairs[1].spki
    (tmp_path / "root.pem").write_text(root.pem)
    (tmp_path / "leaf.pem").write_text(pairs[0].chain_pem)
    verify = ["openssl", "verify", "-x509_strict", "-CAfile", str(tmp_path / "root.pem")]
    assert shell(*verify, "-verify_ip", HOST, str(tmp_path / "leaf.pem")).endswith(": OK\n")
    assert "IP address mismatch" in shell(*verify, "-verify_ip", "127.0.0.10", str(tmp_path / "leaf.pem"))


async def test_cam_01_one_root_a_version() -> None:
    firmwares = Firmwares()
    first = await firmwares.root(VERSION)
    assert await firmwares.root(VERSION) is first
    assert (await firmwares.root("v6.0")).pem != first.pem
    # What the state directory has comes before a new one, never in place of the one in use.
    other = Firmwares()
    other.remember({"version": VERSION, "key_pem": first.key_pem, "pem": first.pem})
    other.remember({"version": VERSION, "key_pem": "x", "pem": "y"})
    assert (await other.root(VERSION)).pem == first.pem


def test_cam_02_the_roots_validity(root: BuiltInRoot, shell: t.Any) -> None:
    dates = shell("openssl", "x509", "-noout", "-dates", data=root.pem)
    assert dates == "notBefore=Aug 14 00:00:00 2023 GMT\nnotAfter=Aug 11 00:00:00 2033 GMT\n"


def test_cam_04_uploading_is_choosing(store: SunellCertificates, ca: t.Any, keys: list[str]) -> None:
    assert (store.way, store.stored("builtin")) == ("builtin", None)
    store.upload(signed(ca, keys[0]), keys[0].encode(), at())
    assert store.way == "uploaded"
    store.at_boot()
    assert store.way == "uploaded"
    store.delete_uploaded()
    assert store.way == "builtin"
    refused(store.delete_uploaded, "CAM-13")


def test_cam_05_cam_15_the_clock_and_the_validity(store: SunellCertificates, ca: t.Any, keys: list[str]) -> None:
    certificate, key = signed(ca, keys[0]), keys[0].encode()
    assert "valid from" in refused(lambda: store.upload(certificate, key, at(-86400.0)), "CAM-15")
    assert "valid from" in refused(lambda: store.upload(certificate, key, at(91 * 86400.0)), "CAM-15")
    store.upload(certificate, key, at())
    pair = store.stored("uploaded")
    assert pair is not None
    assert pair.fits(at(89 * 86400.0))
    assert not pair.fits(at(91 * 86400.0))
    # A clock that stands still is behind the one of whoever signs; that is no reason to refuse.
    assert pair.fits(DeviceTime(now=pair.not_before - 600, latest=pair.not_before))
    assert not pair.fits(DeviceTime(now=pair.not_before - 600, latest=pair.not_before - 1))


def test_cam_10_to_13_a_pair_belongs_together(store: SunellCertificates, ca: t.Any, keys: list[str]) -> None:
    certificate = signed(ca, keys[0])
    assert "belong together" in refused(lambda: store.upload(certificate, keys[1].encode(), at()), "CAM-13")
    refused(lambda: store.upload(certificate, b"", at()), "CAM-13")
    refused(
        lambda: store.upload(b"-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----", keys[0].encode(), at()),
        "CAM-13",
    )
    assert store == SunellCertificates()


def test_cam_11_an_old_format_of_a_key_is_a_key(
    store: SunellCertificates, ca: t.Any, keys: list[str], shell: t.Any
) -> None:
    old = shell("openssl", "rsa", "-traditional", data=keys[0]).removeprefix("writing RSA key\n")
    assert "BEGIN RSA PRIVATE KEY" in old
    store.upload(signed(ca, keys[0]), old.encode(), at())
    pair = store.stored("uploaded")
    assert pair is not None
    assert pair.key_pem == keys[0]


def test_cam_20_the_request_verifies(keys: list[str], shell: t.Any) -> None:
    request = CertificateRequest.make(keys[0], SUBJECT)
    assert "verify OK" in shell("openssl", "req", "-verify", "-noout", data=request.pem)


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({}, "commonName is required"),
        ({"commonName": "a/b"}, "commonName is 'a/b'"),
        ({"commonName": "a", "country": "J"}, "country"),
        ({"commonName": "a", "province": "p" * 129}, "at most 128"),
        ({"commonName": "a", "department": "\n"}, "department"),
    ],
)
def test_cam_20_the_request_information(fields: dict[str, str], words: str) -> None:
    assert words in refused(lambda: request_subject(Params(values=fields, files={})), "CAM-20")


def test_cam_20_a_whole_subject() -> None:
    fields = {"commonName": "ipc.support.com", "country": "JP", "city": "Osaka (north)"}
    assert request_subject(Params(values=fields, files={})) == {
        "common_name": "ipc.support.com", "country": "JP", "state": "", "locality": "Osaka (north)",
        "organization": "", "organizational_unit": "",
    }  # fmt: skip


def test_cam_21_nothing_to_export(store: SunellCertificates) -> None:
    refused(store.need_request, "CAM-21")
    refused(store.delete_request, "CAM-21")


def test_cam_22_a_certificate_without_names_is_stored(store: SunellCertificates, keys: list[str], shell: t.Any) -> None:
    bare = shell("openssl", "req", "-x509", "-key", "/dev/stdin", "-subj", f"/CN={HOST}", data=keys[0])
    store.upload(bare.encode(), keys[0].encode(), at())
    assert store.way == "uploaded"


def test_cam_23_the_last_request_counts(store: SunellCertificates, ca: t.Any, keys: list[str]) -> None:
    refused(lambda: store.install(signed(ca, keys[0]), at()), "CAM-23")
    store.put_request(CertificateRequest.make(keys[0], SUBJECT))
    refused(lambda: store.install(signed(ca, keys[1]), at()), "CAM-23")
    refused(lambda: store.install(b"text", at()), "CAM-23")
    store.install(signed(ca, keys[0]), at())
    assert store.lines() == [("certType", 2), ("uploadedCert", 0), ("certReq", 1), ("signedCert", 1)]
    store.put_request(CertificateRequest.make(keys[1], SUBJECT))
    assert store.lines() == [("certType", 2), ("uploadedCert", 0), ("certReq", 1), ("signedCert", 0)]
    store.at_boot()
    assert store.way == "builtin"
    refused(lambda: store.need("signed"), "CAM-23")
    refused(lambda: store.need("uploaded"), "CAM-13")
    refused(store.delete_signed, "CAM-23")


def test_cam_24_without_its_key_a_certificate_is_useless(store: SunellCertificates, ca: t.Any, keys: list[str]) -> None:
    store.put_request(CertificateRequest.make(keys[0], SUBJECT))
    certificate = signed(ca, keys[0])
    store.install(certificate, at())
    store.delete_request()
    assert store == SunellCertificates()
    refused(lambda: store.install(certificate, at()), "CAM-23")


def test_cam_25_one_pair_on_two_devices(ca: t.Any, keys: list[str]) -> None:
    certificate, stores = signed(ca, keys[0]), [SunellCertificates(), SunellCertificates()]
    for one in stores:
        one.upload(certificate, keys[0].encode(), at())
    assert stores[0] == stores[1]


def test_cam_26_what_is_shown_has_no_key(store: SunellCertificates, ca: t.Any, keys: list[str]) -> None:
    store.put_request(CertificateRequest.make(keys[0], SUBJECT))
    store.install(signed(ca, keys[0]), at())
    store.upload(signed(ca, keys[1]), keys[1].encode(), at())
    shown = json.dumps(store.shown())
    assert "PRIVATE" not in shown
    assert '"not_after"' in shown


def test_it_is_kept_and_read_back(store: SunellCertificates, ca: t.Any, keys: list[str]) -> None:
    store.put_request(CertificateRequest.make(keys[0], SUBJECT))
    store.install(signed(ca, keys[0]), at())
    assert SunellCertificates.load(json.loads(json.dumps(dc.asdict(store)))) == store
    assert SunellCertificates.load(dc.asdict(SunellCertificates())) == SunellCertificates()


def test_device_knowledge_validates_itself() -> None:
    for level, privileges in ((4, (0,)), (1, (2, 1)), (1, (1, 1))):
        with pytest.raises(ValueError, match="no group"):
            Group(name="x", level=level, privileges=privileges)
