# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Suites, verdicts, policies and camera models, beside what openssl, the maker's guide and other lists say."""

from __future__ import annotations

import dataclasses as dc
import pathlib
import re
import subprocess
import typing as t

import pytest
from ansible_collections.camsec.fleet.extensions.uploader._suites import as_markdown
from ansible_collections.camsec.fleet.plugins.module_utils._core._errors import InputError, TrustError
from ansible_collections.camsec.fleet.plugins.module_utils._tls._policies import (
    CAMERA_MODELS,
    POLICIES,
    camera_model,
    policy_of,
)
from ansible_collections.camsec.fleet.plugins.module_utils._tls._probe import iana_name
from ansible_collections.camsec.fleet.plugins.module_utils._tls._registry import SUITE_NAMES, is_grease, suite_name
from ansible_collections.camsec.fleet.plugins.module_utils._tls._suites import (
    SUITES,
    TLS12_SUITES,
    TLS13_SUITES,
    suite_of_code_point,
    suite_of_name,
)
from ansible_collections.camsec.fleet.plugins.module_utils._tls._verdicts import (
    AUTHORITIES,
    disagreement,
    is_deprecated,
    verdicts,
)

ROOT = pathlib.Path(__file__).resolve().parents[3]
# The guide's list, in its own order and spelling.
GUIDE = {
    "TLS_RSA_WITH_AES_128_CBC_SHA",
    "TLS_RSA_WITH_AES_256_GCM_SHA384",
    "TLS_RSA_WITH_AES_128_CBC_SHA256",
    "TLS_RSA_WITH_AES_256_CBC_SHA256",
    "TLS_DHE_RSA_WITH_AES_128_CBC_SHA256",
    "TLS_DHE_RSA_WITH_AES_256_CBC_SHA256",
    "TLS_DHE_RSA_WITH_AES_256_GCM_SHA384",
    "TLS_DHE_RSA_WITH_AES_256_CBC_SHA",
    "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA256",
    "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA384",
    "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384",
    "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256",
    "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
    "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA384",
    "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384",
}
RECOMMENDED = {
    "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384",
    "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
    "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384",
}
# ssl-config.mozilla.org, guidelines 5.8, intermediate, TLS 1.2.
MOZILLA_INTERMEDIATE = {
    "ECDHE-ECDSA-AES128-GCM-SHA256",
    "ECDHE-RSA-AES128-GCM-SHA256",
    "ECDHE-ECDSA-AES256-GCM-SHA384",
    "ECDHE-RSA-AES256-GCM-SHA384",
    "ECDHE-ECDSA-CHACHA20-POLY1305",
    "ECDHE-RSA-CHACHA20-POLY1305",
}
_ROW = re.compile(
    r"\s*0x(?P<high>..),0x(?P<low>..) - (?P<iana>\S+)\s+- (?P<name>\S+)\s+(?P<protocol>\S+)\s+Kx=(?P<kx>\S+)\s+"
    r"Au=(?P<au>\S+)\s+Enc=(?P<enc>\S+)\s+Mac=(?P<mac>\S+)"
)


@pytest.fixture(scope="module")
def openssl() -> dict[int, dict[str, str]]:
    """What openssl says of each suite that it has."""
    told = subprocess.run(
        ["openssl", "ciphers", "-V", "-stdname", "ALL:COMPLEMENTOFALL:@SECLEVEL=0"],
        capture_output=True, text=True, check=True, timeout=30,
    ).stdout  # fmt: skip
    rows = [match.groupdict() for match in map(_ROW.match, told.splitlines()) if match]
    assert len(rows) > 60
    return {int(row["high"] + row["low"], 16): row for row in rows}


@pytest.mark.parametrize("suite", SUITES, ids=lambda suite: suite.iana_name)
def test_each_suite_is_what_openssl_says(suite: t.Any, openssl: dict[int, dict[str, str]]) -> None:
    row = openssl[suite.code_point]
    assert (row["iana"], row["name"]) == (suite.iana_name, suite.openssl_name)
    assert iana_name(suite.openssl_name) == suite.iana_name
    if suite.protocol == "TLSv1.3":
        assert row["protocol"] == "TLSv1.3"
        return
    exchange = {"ECDH": "ECDHE", "DH": "DHE", "RSA": "RSA"}[row["kx"].split("/")[0]]
    assert (exchange, row["au"]) == (suite.key_exchange, suite.authentication)
    encryption = {
        "AES(128)": ("AES_128", "CBC"),
        "AES(256)": ("AES_256", "CBC"),
        "AESGCM(128)": ("AES_128", "GCM"),
        "AESGCM(256)": ("AES_256", "GCM"),
        "CHACHA20/POLY1305(256)": ("CHACHA20", "POLY1305"),
    }[row["enc"]]
    assert encryption == (suite.cipher, suite.mode)
    assert suite.aead == (row["mac"] == "AEAD")
    if not suite.aead:
        assert row["mac"] == {"SHA": "SHA1"}.get(suite.hash, suite.hash)


def test_the_registry_names_what_openssl_names(openssl: dict[int, dict[str, str]]) -> None:
    assert {number: SUITE_NAMES.get(number) for number in openssl} == {
        number: row["iana"] for number, row in openssl.items()
    }
    assert suite_name(0xFEFE) == "0xFEFE"
    assert all(SUITE_NAMES[suite.code_point] == suite.iana_name for suite in SUITES)
    assert len(set(SUITE_NAMES.values())) == len(SUITE_NAMES)


@pytest.mark.parametrize(("number", "expected"), [(0x0A0A, True), (0xFAFA, True), (0x0A1A, False), (0xC02F, False)])
def test_grease(number: int, expected: bool) -> None:
    assert is_grease(number) is expected


def test_cameras_offer_what_the_guides_list() -> None:
    assert {suite.iana_name for suite in CAMERA_MODELS["MPC-2610"].suites} == GUIDE
    assert len(CAMERA_MODELS["MPC-2610"].suites) == 15
    for name in ("PXW-Z300", "PXW-Z380"):
        left_out = GUIDE - {suite.iana_name for suite in CAMERA_MODELS[name].suites}
        assert left_out == {"TLS_RSA_WITH_AES_128_CBC_SHA", "TLS_RSA_WITH_AES_256_GCM_SHA384"}
        assert len(CAMERA_MODELS[name].suites) == 13


def test_the_maker_deprecates_all_but_three() -> None:
    told = {suite.iana_name: verdicts(suite)[0] for suite in SUITES}
    assert {name for name, one in told.items() if one.status == "recommended"} == RECOMMENDED
    assert {name for name, one in told.items() if one.status == "deprecated"} == GUIDE - RECOMMENDED
    assert {suite.iana_name for suite in SUITES if is_deprecated(suite)} == GUIDE - RECOMMENDED
    assert all(one.authority == "maker" for one in told.values())


def test_a_deprecated_suite_says_which_weakness_it_has() -> None:
    for suite in SUITES:
        if not is_deprecated(suite):
            continue
        reason = verdicts(suite)[0].reason
        for word, holds in (
            ("CBC", "_CBC_" in suite.iana_name),
            ("DHE", suite.iana_name.startswith("TLS_DHE_")),
            ("static RSA", suite.iana_name.startswith("TLS_RSA_")),
            ("SHA-1", suite.iana_name.endswith("_SHA")),
        ):
            assert (word in reason) == holds, (suite.iana_name, reason)


def test_mozilla() -> None:
    told = {suite.openssl_name: {one.authority: one.status for one in verdicts(suite)} for suite in TLS12_SUITES}
    assert {name for name, one in told.items() if one["mozilla_intermediate"] == "recommended"} == MOZILLA_INTERMEDIATE
    assert not any(one["mozilla_modern"] == "recommended" for one in told.values())
    assert {one["mozilla_old"] for name, one in told.items() if name.startswith("DHE-")} == {"not_listed"}


def test_nist() -> None:
    for suite in SUITES:
        told = {one.authority: one.status for one in verdicts(suite)}
        static = suite.iana_name.startswith("TLS_RSA_")
        assert (told["nist_sp800_52r2"] == "disallowed") == static
        assert (told["nist_sp800_131ar2"] == "disallowed") == static
        if "CHACHA20" in suite.iana_name:
            assert {told[name] for name in told if name.startswith("nist_")} == {"not_listed"}


def test_disagreement_is_shown() -> None:
    by_name = {suite.iana_name: disagreement(suite) for suite in SUITES}
    text = by_name["TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA384"]
    assert "maker (deprecated)" in text.partition("against it")[2]
    assert "nist_sp800_52r2 (acceptable)" in text.partition("against it")[0]
    assert "mozilla_intermediate (recommended)" in by_name["TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256"]
    assert by_name["TLS_AES_256_GCM_SHA384"] == "", "all are for it"


def test_every_verdict_is_one_sentence_of_a_known_kind() -> None:
    kinds = {"recommended", "acceptable", "deprecated", "disallowed", "not_listed", "not_judged"}
    for suite in SUITES:
        told = verdicts(suite)
        assert [one.authority for one in told] == list(AUTHORITIES)
        assert {one.status for one in told} <= kinds
        assert all(one.reason.endswith(".") and len(one.reason) > 10 for one in told)


def test_policies() -> None:
    assert {suite.iana_name for suite in POLICIES["recommended"].suites if suite.protocol == "TLSv1.2"} == RECOMMENDED
    assert {suite.iana_name for suite in POLICIES["compatible"].suites if suite.protocol == "TLSv1.2"} == GUIDE
    modern = POLICIES["modern"]
    assert modern.openssl_ciphers.split(":") != []
    assert set(modern.openssl_ciphers.split(":")) == MOZILLA_INTERMEDIATE
    assert modern.openssl_ciphersuites.split(":") == [suite.openssl_name for suite in TLS13_SUITES]
    assert modern.deprecated == ()
    assert POLICIES["recommended"].deprecated == ()
    assert {suite.iana_name for suite in POLICIES["compatible"].deprecated} == GUIDE - RECOMMENDED


@pytest.mark.parametrize("policy", POLICIES.values(), ids=lambda policy: policy.name)
def test_openssl_understands_each_policy(policy: t.Any) -> None:
    told = subprocess.run(
        ["openssl", "ciphers", "-s", "-stdname", "-ciphersuites", policy.openssl_ciphersuites,
         f"{policy.openssl_ciphers}:@SECLEVEL=0"],
        capture_output=True, text=True, check=True, timeout=30,
    ).stdout  # fmt: skip
    assert [line.split()[0] for line in told.splitlines()] == [suite.iana_name for suite in policy.suites]


def test_a_policy_of_ones_own() -> None:
    policy = policy_of("custom", ["ECDHE-RSA-AES128-GCM-SHA256", "TLS_AES_128_GCM_SHA256"])
    assert [suite.iana_name for suite in policy.suites] == [
        "TLS_AES_128_GCM_SHA256",
        "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
    ]
    assert policy.protocols == ("TLSv1.2", "TLSv1.3")
    same = policy_of("custom", ["TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", "TLS_AES_128_GCM_SHA256"])
    assert same.version == policy.version
    assert policy_of("custom", ["TLS_AES_128_GCM_SHA256"]).version != policy.version


@pytest.mark.parametrize(
    ("name", "suites", "words"),
    [
        ("strict", (), "recommended, compatible, modern or custom"),
        ("modern", ("AES128-SHA",), "a named policy brings its own"),
        ("custom", (), "at least one"),
        ("custom", ("AES128-SHA", "TLS_RSA_WITH_AES_128_CBC_SHA"), "each suite once"),
        ("custom", ("RC4-MD5",), "RC4-MD5"),
    ],
)
def test_what_is_no_policy(name: str, suites: tuple[str, ...], words: str) -> None:
    with pytest.raises(InputError, match=words):
        policy_of(name, suites)


def test_limited_to_a_version() -> None:
    policy = POLICIES["recommended"].limited_to(["TLSv1.2"])
    assert (policy.protocols, policy.openssl_ciphersuites) == (("TLSv1.2",), "")
    with pytest.raises(InputError, match=r"TLSv1\.1"):
        policy.limited_to(["TLSv1.1"])


def test_a_suite_outside_of_the_policy_is_refused_by_name_and_version() -> None:
    policy = POLICIES["recommended"]
    assert policy.check("ECDHE-RSA-AES256-GCM-SHA384", "TLSv1.2", device="x", channel="data").code_point == 0xC030
    for name, protocol in (("AES128-SHA", "TLSv1.2"), ("ECDHE-RSA-AES256-GCM-SHA384", "TLSv1.1"), ("", "")):
        with pytest.raises(TrustError, match="data connection"):
            policy.check(name, protocol, device="ftp.example", channel="data")


def test_look_up() -> None:
    assert suite_of_name("AES128-SHA") is suite_of_name("TLS_RSA_WITH_AES_128_CBC_SHA") is suite_of_code_point(0x2F)
    assert suite_of_code_point(0x0005) is None
    with pytest.raises(InputError, match="FX-1"):
        camera_model("FX-1")


@pytest.mark.parametrize(
    "change",
    [{"code_point": 0}, {"hash": "SHA256"}, {"key_exchange": "DHE"}, {"iana_name": "TLS_NULL_WITH_NULL_NULL"}],
    ids=str,
)
def test_the_data_checks_itself(change: dict[str, t.Any]) -> None:
    with pytest.raises(ValueError, match="TLS_"):
        dc.replace(SUITES[0], **change)


def test_the_documentation_has_the_tables_as_they_are() -> None:
    page = (ROOT / "docs" / "ftpes_policies.md").read_text(encoding="utf-8")
    assert as_markdown(SUITES) in page, "run: camsec-upload suites --format markdown"
