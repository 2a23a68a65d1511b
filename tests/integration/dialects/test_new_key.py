# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A new key with a new certificate: what it costs in each dialect, and the window of plain HTTP of i-PRO cameras."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.camsec.fleet.plugins.module_utils._core._errors import ConnectError
from ansible_collections.camsec.fleet.plugins.module_utils._ipro.driver import IproDriver
from ansible_collections.camsec.fleet.plugins.module_utils._pki._authority import CertificateAuthority

from .conftest import HTTP, Options, Rig, ids, run

NAMED: Options = {"subject_alt_name": ["DNS:gate.example.org"], "first_contact": "refuse"}
NEW_KEY: Options = {"new_private_key": "with_certificate", "allow_http_window": True}


def public_key(rig: Rig) -> str:
    return run("openssl", "x509", "-noout", "-pubkey", data=rig.shown()).stdout


def test_a_renewal_with_a_new_key(rig: Rig, authority: CertificateAuthority, ours: Options) -> None:
    rig.changes_once("camera", **NEW_KEY, **ours)
    key = public_key(rig)
    done = rig.changes_once("camera", **NAMED, **NEW_KEY, **ours)
    assert public_key(rig) != key
    assert rig.verified(authority.trusted_path)
    window = ["open_http_window", "delete_certificate"] if rig.dialect == "ipro" else []
    assert [step for step in ids(done) if step in ("open_http_window", "delete_certificate")] == window
    announced = [impact["text"] for impact in done["impacts"] if "plain HTTP" in impact["text"]]
    assert len(announced) == len(window[:1])


def test_another_size(rig: Rig, authority: CertificateAuthority, ours: Options) -> None:
    rig.good("camera", **ours)
    wish = {"private_key_size": 3072, "first_contact": "refuse", "allow_http_window": True, **ours}
    if rig.dialect == "sunell":
        rig.unchanged("camera", **wish)  # its keys have the size that they have
        return
    rig.changes_once("camera", **wish)
    assert "3072 bit" in run("openssl", "x509", "-noout", "-text", data=rig.shown()).stdout
    assert rig.verified(authority.trusted_path)


@pytest.mark.parametrize("dialect", ["ipro"])
def test_https_02_without_the_word_it_is_refused_before_anything_is_sent(rig: Rig, ours: Options) -> None:
    rig.good("camera", **ours)
    rig.forget()
    for check_mode in (True, False):
        failed = rig.bad("camera", check_mode=check_mode, new_private_key="with_certificate", **NAMED, **ours)
        assert failed["msg"].endswith("With allow_http_window, the module camera goes that way. [HTTPS-02]")
    assert rig.counts()["writes"] == 0


@pytest.mark.parametrize("dialect", ["ipro"])
@pytest.mark.parametrize(
    "step", ["delete_certificate", "generate_key", "make_request", "install_certificate", "set_https"]
)
def test_a_run_that_ends_in_the_window_is_gone_on_with(
    rig: Rig, authority: CertificateAuthority, ours: Options, step: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    rig.good("camera", **ours)
    key = public_key(rig)
    original = getattr(IproDriver, step)
    switches: list[int] = []

    def breaks(self: IproDriver, *arguments: t.Any) -> None:
        if step == "set_https" and not switches:
            switches.append(1)  # the one that opens the window
            original(self, *arguments)
            return
        raise ConnectError(device=rig.host, subject=step, found="a broken connection", expected="an answer")

    with monkeypatch.context() as patch:
        patch.setattr(IproDriver, step, breaks)
        failed = rig.bad("camera", **NAMED, **NEW_KEY, **ours)
    assert f"it answers http on port {HTTP}" in failed["msg"]
    assert "goes on from there" in failed["msg"]
    assert rig.reached("http", HTTP)
    rig.good("camera", **{**NAMED, **NEW_KEY, **ours, "first_contact": "plain_http"})
    assert rig.verified(authority.trusted_path)
    assert public_key(rig) != key
    rig.unchanged("camera", **NAMED, **NEW_KEY, **ours)
