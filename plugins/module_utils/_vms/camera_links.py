# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What cameras are like for a recording server: by handshakes from that very host, trusting what it trusts."""

from __future__ import annotations

import dataclasses as dc
import typing as t

from .._core._call import Call
from .._core._errors import InputError
from .facts import Handshake, handshake
from .windows import Target, host_of

__all__ = ["CAMERA_OPTIONS", "camera_link_info", "camera_reason"]

#: Of each camera that ``vms_camera_link_info`` looks at.
CAMERA_OPTIONS: t.Final[dict[str, dict[str, t.Any]]] = {
    "name": {"type": "str", "required": True},
    "address": {"type": "str", "required": True},
    "port": {"type": "int", "default": 443},
    "validate_certificate": {"type": "bool", "default": True},
    "validate_host_name": {"type": "bool", "default": True},
}
_WRONG_NAME: t.Final = "RemoteCertificateNameMismatch"
#: A handshake that was none, as the end of a sentence on the camera.
_NO_HANDSHAKE: t.Final[t.Mapping[str, str]] = {
    "silent": "does not answer it",
    "plain": "answers it in plain HTTP",
    "broken": "ends the handshake",
}


def camera_link_info(call: Call) -> dict[str, t.Any]:
    """Of ``vms_camera_link_info``."""
    device, cameras = str(call.params["host"]), call.params["cameras"]
    for one in cameras:
        if not 1 <= one["port"] <= 65535:
            raise InputError(
                device=device, subject=f"port of {one['name']}", found=one["port"], expected="a port from 1 to 65535"
            )
    targets = [Target(host=one["address"], port=one["port"], name=one["address"]) for one in cameras]
    answers = host_of(call, device=device).handshakes(targets) if targets else []
    found = [handshake(answer, device) for answer in answers]
    return {"changed": False, "cameras": [_shown(one, seen, device) for one, seen in zip(cameras, found, strict=True)]}


def _shown(camera: t.Mapping[str, t.Any], seen: Handshake, device: str) -> dict[str, t.Any]:
    counted = dc.replace(seen, errors=_counted(camera, seen.errors))
    return {
        "name": camera["name"],
        "address": camera["address"],
        "port": camera["port"],
        "status": seen.status,
        "thumbprint": seen.thumbprint,
        "errors": list(seen.errors),
        "accepted": counted.trusted,
        "reason": camera_reason(camera, counted, device),
    }


def _counted(camera: t.Mapping[str, t.Any], errors: tuple[str, ...]) -> tuple[str, ...]:
    """What the settings in the VMS have a recording server look at. INFERRED: without the certificate not the name."""
    if not camera["validate_certificate"]:
        return ()
    return errors if camera["validate_host_name"] else tuple(one for one in errors if one != _WRONG_NAME)


def camera_reason(camera: t.Mapping[str, t.Any], seen: Handshake, device: str) -> str:
    """Why a recording server does not get a camera.

    Args:
        camera: The camera's ``address`` and ``port``.
        seen: The handshake, with those errors that count.
        device: The recording server.

    Returns:
        One clause; empty when it gets it.
    """
    place = f"{camera['address']}:{camera['port']}"
    if seen.status != "encrypted":
        return f"the camera at {place} {_NO_HANDSHAKE.get(seen.status, seen.status)} when {device} asks"
    if seen.errors:
        return f"{device} does not accept the certificate of the camera at {place}: {', '.join(seen.errors)}"
    return ""
