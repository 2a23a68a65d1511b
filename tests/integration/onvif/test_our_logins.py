# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Our own driver and the two logins of ONVIF: Digest of either hash, tokens alone, and wrong passwords tried once."""

from __future__ import annotations

import importlib
import typing as t

import pytest
from ansible_collections.camsec.fleet.plugins.module_utils._module import run_in_worker

from .conftest import HTTP, HTTPS, PASSWORD, Camera

NewCamera = t.Callable[..., Camera]


def info(camera: Camera, **options: t.Any) -> dict[str, t.Any]:
    source = importlib.import_module("ansible_collections.camsec.fleet.plugins.modules.camera_info")
    common = {"host": camera.address, "http_port": HTTP, "https_port": HTTPS, "username": "admin"}
    common |= {"password": PASSWORD, "driver": "onvif", "first_contact": "plain_http"}
    result = run_in_worker(source.SPEC, {**common, **options}, check_mode=False)
    assert PASSWORD not in str(result)
    return result


@pytest.mark.parametrize("kind", ["plain", "sha", "tokens", "legacy"])
def test_every_login_is_found_out(new_camera: NewCamera, kind: str) -> None:
    found = info(new_camera(kind))
    assert not found.get("failed"), found
    assert found["camera"]["model"] == "Simulated NVT-1"


@pytest.mark.parametrize("kind", ["plain", "tokens"])
def test_a_wrong_password_is_tried_once(new_camera: NewCamera, kind: str) -> None:
    camera = new_camera(kind)
    camera.control("/requests", "DELETE")
    failed = info(camera, password="Wrong-Geheimnis-1")
    assert failed["error"]["kind"] == "LoginError"
    assert "the account was refused" in failed["msg"]
    assert "Wrong-Geheimnis-1" not in str(failed)
    refused = [one["status"] for one in camera.control("/requests")["requests"] if one["status"] >= 400]
    # The challenge, or the word that tokens are wanted, and then the one wrong login.
    assert len(refused) == 2


def test_a_level_that_does_not_suffice(new_camera: NewCamera) -> None:
    failed = info(new_camera(), username="operator")
    assert failed["error"]["kind"] == "LoginError"
    assert "administrator's level" in failed["msg"]
