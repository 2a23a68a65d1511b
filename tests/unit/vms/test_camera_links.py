# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a recording server makes of a camera, by the settings that the VMS has."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.camsec.fleet.plugins.module_utils._core._call import Call
from ansible_collections.camsec.fleet.plugins.module_utils._core._errors import InputError
from ansible_collections.camsec.fleet.plugins.module_utils._vms import camera_links
from ansible_collections.camsec.fleet.plugins.module_utils._vms.facts import Handshake

NAME, CHAIN, TIME = "RemoteCertificateNameMismatch", "RemoteCertificateChainErrors", "NotTimeValid"


def camera(**more: t.Any) -> dict[str, t.Any]:
    row = {"name": "one", "address": "192.0.2.11", "port": 443}
    return {**row, "validate_certificate": True, "validate_host_name": True, **more}


@pytest.mark.parametrize(
    ("settings", "errors", "counted"),
    [
        ({}, (), ()),
        ({}, (NAME, CHAIN, TIME), (NAME, CHAIN, TIME)),
        ({"validate_host_name": False}, (NAME,), ()),
        ({"validate_host_name": False}, (NAME, CHAIN, TIME), (CHAIN, TIME)),
        ({"validate_certificate": False}, (NAME, CHAIN, TIME), ()),
        ({"validate_certificate": False, "validate_host_name": False}, (CHAIN, TIME), ()),
    ],
)
def test_what_counts(
    monkeypatch: pytest.MonkeyPatch, settings: dict[str, bool], errors: tuple[str, ...], counted: tuple[str, ...]
) -> None:
    class Host:
        """Its handshakes are known."""

        def handshakes(self, targets: t.Sequence[t.Any]) -> list[Handshake]:
            assert targets == [{"host": "192.0.2.11", "port": 443, "name": "192.0.2.11"}]
            return [Handshake(status="encrypted", thumbprint="AB", errors=errors)]

    monkeypatch.setattr(camera_links, "host_of", lambda _call, **_device: Host())
    monkeypatch.setattr(camera_links, "handshake", lambda answer, _device: answer)
    call = Call(params={"host": "recording01", "cameras": [camera(**settings)]}, check_mode=True)
    found = camera_links.camera_link_info(call)["cameras"]
    reason = f"recording01 does not accept the certificate of the camera at 192.0.2.11:443: {', '.join(counted)}"
    assert [(one["accepted"], one["reason"]) for one in found] == [(not counted, reason if counted else "")]
    assert found[0]["errors"] == list(errors)


@pytest.mark.parametrize("status", ["silent", "plain", "broken"])
def test_no_handshake(status: str) -> None:
    assert "192.0.2.11:443" in camera_links.camera_reason(camera(), Handshake(status=status), "recording01")


def test_without_its_action_plugin() -> None:
    call = Call(params={"host": "recording01", "cameras": [camera()], "timeout": 10.0}, check_mode=False)
    with pytest.raises(InputError, match="expected run by its action plugin"):
        camera_links.camera_link_info(call)
