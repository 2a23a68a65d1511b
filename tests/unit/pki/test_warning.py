# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A warning window inside of the renewal window: what is about to end and was not renewed is said."""

from __future__ import annotations

import pathlib
import typing as t

import pytest
from ansible_collections.camsec.fleet.plugins.module_utils._core._errors import InputError
from ansible_collections.camsec.fleet.plugins.module_utils._core._secret import Secret
from ansible_collections.camsec.fleet.plugins.module_utils._module import run_in_worker
from ansible_collections.camsec.fleet.plugins.module_utils._pki._authority import CertificateAuthority
from ansible_collections.camsec.fleet.plugins.module_utils._pki._renewal import warning_window
from ansible_collections.camsec.fleet.plugins.modules import certificate

PASSPHRASE = "Siegel-Geheimnis-9"
Options = dict[str, t.Any]


def run(folder: pathlib.Path, *, check_mode: bool = False, authority_days: int = 3650, **options: t.Any) -> Options:
    directory = folder / "ca"
    if not directory.exists():
        CertificateAuthority.create(
            directory,
            passphrase=Secret(PASSPHRASE),
            common_name="Root",
            key_type="ecdsa",
            lifetime_days=authority_days,
        )
    common = {
        "authority_directory": str(directory),
        "authority_passphrase": PASSPHRASE,
        "certificate_path": str(folder / "own.pem"),
        "private_key_path": str(folder / "own.key"),
        "key_type": "ecdsa",
        "regenerate": "on_mismatch",
        "subject_alt_name": ["IP:192.0.2.11"],
        "renew_before": 10,
    }
    return run_in_worker(certificate.SPEC, {**common, **options}, check_mode=check_mode)


def test_a_check_says_what_it_does_not_renew(tmp_path: pathlib.Path) -> None:
    assert run(tmp_path, lifetime_days=20)["warnings"] == []
    soon = {"renew_before": 25, "lifetime_days": 30}
    assert run(tmp_path, check_mode=True, warn_before=15, **soon)["warnings"] == []
    checked = run(tmp_path, check_mode=True, warn_before=21, **soon)
    assert checked["changed"]
    assert [text for text in checked["warnings"] if "days left, fewer than 21 (warn_before), and was not" in text]
    done = run(tmp_path, warn_before=21, **soon)
    assert (done["changed"], done["warnings"]) == (True, [])


def test_a_renewal_that_gains_nothing_is_a_warning_too(tmp_path: pathlib.Path) -> None:
    run(tmp_path, authority_days=8)
    again = run(tmp_path, warn_before=9)
    assert not again["changed"]
    assert sum("A new one would end no later" in text for text in again["warnings"]) == 1
    assert sum("fewer than 9 (warn_before), and was not renewed" in text for text in again["warnings"]) == 1
    # Half of the window without the option: 5 of 10 days.
    assert len(run(tmp_path)["warnings"]) == 1


@pytest.mark.parametrize("days", [10, 11, -1])
def test_a_warning_window_that_is_none(tmp_path: pathlib.Path, days: float) -> None:
    failed = run(tmp_path, warn_before=days)
    assert failed["failed"]
    assert f"warn_before: found {days} days, expected 0 or more, and fewer than the 10 days" in failed["msg"]
    assert not (tmp_path / "own.pem").exists()


def test_the_window_counts_the_share() -> None:
    assert warning_window("cam", None, 30, 0.5, 100) == 25
    assert warning_window("cam", 40, 30, 0.5, 100) == 40
    with pytest.raises(InputError, match="fewer than the 30 days"):
        warning_window("cam", 40, 30, None, 100)
