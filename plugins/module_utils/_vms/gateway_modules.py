# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From a module's options to what is wanted of a VMS by its API Gateway: one function a module."""

from __future__ import annotations

import typing as t

from .._core._call import Call
from .._core._converge import converge
from .._core._errors import InputError, ProtocolError
from .._options import CONTACT_OPTIONS, DEVICE_OPTIONS, target_from
from .._transport._contact import Target
from .gateway import GatewayApi, Hardware
from .hardware import HardwareResource, WantedHardware, gateway_at, hardware_https, reached_shown

__all__ = ["GATEWAY_OPTIONS", "HARDWARE_OPTIONS", "VMS_CONTACT_OPTIONS", "hardware", "hardware_info"]

#: Argument specification of the document fragment ``camsec.fleet.vms_gateway``. A gateway wants the password itself, so
#: there is no first contact by any certificate; and it has one port.
GATEWAY_OPTIONS: t.Final[dict[str, dict[str, t.Any]]] = {
    **{name: option for name, option in DEVICE_OPTIONS.items() if name != "former_https_port"},
    "first_contact": {"type": "str", "choices": ["refuse", "plain_http"], "default": "refuse"},
    "timeout": {"type": "float", "default": 30.0},
}
#: How to reach and trust a VMS: a task without ``host`` takes these from the inventory.
VMS_CONTACT_OPTIONS: t.Final[tuple[str, ...]] = tuple(name for name in CONTACT_OPTIONS if name in GATEWAY_OPTIONS)
#: Of ``vms_hardware``.
HARDWARE_OPTIONS: t.Final[dict[str, dict[str, t.Any]]] = {
    "hardware": {"type": "str", "required": True},
    "recording_server": {"type": "str"},
    "https": {"type": "bool"},
    "camera_https_port": {"type": "int"},
    "validate_certificate": {"type": "bool"},
    "validate_host_name": {"type": "bool"},
}
_SETTINGS = ("https", "camera_https_port", "validate_certificate", "validate_host_name")


def hardware(call: Call) -> dict[str, t.Any]:
    """Of ``vms_hardware``."""
    params = call.params
    target = _target(params)
    name = params["hardware"].strip()
    if not name:
        raise InputError(
            device=target.host, subject="hardware", found="nothing", expected="a name, an address or an id"
        )
    port = params["camera_https_port"]
    if port is not None and not 1 <= port <= 65535:
        raise InputError(device=target.host, subject="camera_https_port", found=port, expected="a port from 1 to 65535")
    wanted = WantedHardware(
        hardware=name,
        recording_server=params["recording_server"],
        settings={name: params[name] for name in _SETTINGS if params[name] is not None},
    )
    with HardwareResource(wanted, target=target) as resource:
        return converge(resource, check_mode=call.check_mode).result()


def hardware_info(call: Call) -> dict[str, t.Any]:
    """Of ``vms_hardware_info``."""
    reached, api = gateway_at(_target(call.params))
    try:
        recorders = [*api.recording_servers(), *api.failover_recorders()]
        names = {recorder.id: recorder.name for recorder in recorders}
        listed = [_shown(api, one, names, settings=call.params["read_settings"]) for one in api.hardware()]
        return {
            "changed": False,
            "recorders": [recorder.shown() for recorder in recorders],
            "hardware": listed,
            **reached_shown(reached),
        }
    finally:
        api.session.close()


def _shown(api: GatewayApi, one: Hardware, names: t.Mapping[str, str], *, settings: bool) -> dict[str, t.Any]:
    shown: dict[str, t.Any] = {
        "id": one.id,
        "name": one.name,
        "address": one.address,
        "model": one.model,
        "enabled": one.enabled,
        "recording_server": names.get(one.recording_server_id, ""),
    }
    if settings:
        shown |= _settings_or_fault(api, one)
    return shown


def _settings_or_fault(api: GatewayApi, one: Hardware) -> dict[str, t.Any]:
    """A driver whose settings are not understood must not hide all others."""
    try:
        return {**hardware_https(api.driver_settings(one.id), device=api.device, name=one.name), "fault": ""}
    except (ProtocolError, InputError) as error:
        return {"fault": error.message}


def _target(params: t.Mapping[str, t.Any]) -> Target:
    target = target_from({**params, "former_https_port": None})
    if "\\" in target.credentials.username:
        raise InputError(
            device=target.host,
            subject="username",
            found="a Windows account",
            expected="a basic user of the VMS",
            advice="Logins of Windows accounts (NTLM) are not supported.",
        )
    return target
