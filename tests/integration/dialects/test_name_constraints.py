# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An authority for the camera network alone, on cameras of every dialect; openssl and curl judge."""

from __future__ import annotations

import pathlib
import typing as t

import pytest
from ansible_collections.camsec.fleet.plugins.module_utils._core._secret import Secret
from ansible_collections.camsec.fleet.plugins.module_utils._pki._authority import CertificateAuthority

from .conftest import HTTPS, PASSPHRASE, Rig


@pytest.fixture(scope="module")
def narrow(tmp_path_factory: pytest.TempPathFactory) -> CertificateAuthority:
    return CertificateAuthority.create(
        tmp_path_factory.mktemp("narrow") / "ca",
        passphrase=Secret(PASSPHRASE),
        common_name="Narrow Root",
        key_type="ecdsa",
        intermediate_common_name="Narrow Issuer",
        permitted_names=["IP:127.0.0.0/8"],
    )


def test_a_camera_below_a_constrained_root(rig: Rig, narrow: CertificateAuthority) -> None:
    wish: dict[str, t.Any] = {
        "authority_directory": str(narrow.directory),
        "authority_passphrase": PASSPHRASE,
        "first_contact": rig.first_contact,
    }
    rig.forget()
    refused = rig.run("camera", **wish, subject_alt_name=["DNS:bank.example"])
    assert refused["failed"]
    assert "found DNS:bank.example, expected names within IP:127.0.0.0/8" in refused["msg"]
    assert rig.counts()["writes"] == 0
    done = rig.changes_once("camera", **wish)
    assert done["certificate"]["subject"] == f"CN={rig.host.replace('.', '-')}"
    assert rig.verified(narrow.trusted_path)
    assert rig.reached("https", HTTPS, pathlib.Path(narrow.trusted_path))
