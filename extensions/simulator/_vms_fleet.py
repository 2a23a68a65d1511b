# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A made-up VMS, and a VMS in the Ansible inventory."""

from __future__ import annotations

import typing as t

from ._axis_spec import AxisCameraSpec
from ._onvif_spec import OnvifCameraSpec
from ._spec import CameraSpec, FleetError, SunellCameraSpec
from ._vms_spec import VmsClientSpec, VmsHardwareSpec, VmsServerSpec

__all__ = ["generate_vms", "hardware_fields", "vms_group"]

_AnyCamera = CameraSpec | OnvifCameraSpec | SunellCameraSpec | AxisCameraSpec
_MOST: t.Final = 200
_CLIENTS: t.Final = (
    ("control-room", "smart_client"),
    ("administration", "management_client"),
    ("guards-phones", "mobile_client"),
    ("web-client", "web_client"),
)


def hardware_fields(camera: _AnyCamera) -> dict[str, t.Any]:
    """What the VMS knows of a camera of the fleet."""
    return {
        "address": camera.address,
        "http_port": camera.http_port,
        "https_port": camera.https_port,
        "username": camera.username,
        "password": camera.password,
        "model": camera.model,
    }


def generate_vms(
    *, recording: int, failover: int, cameras: t.Sequence[_AnyCamera], address: t.Callable[[int], str]
) -> dict[str, t.Any]:
    """The lists of a VMS for a fleet; the cameras go to the recording servers in turn."""
    if min(recording, failover) < 0 or max(recording, failover) > _MOST or (failover and not recording):
        raise FleetError(f"{recording} recording and {failover} failover servers are no VMS")
    if not recording:
        return {}
    names = [("management-01", "management_server")]
    names += [(f"recording-{number:02}", "recording_server") for number in range(1, recording + 1)]
    names += [(f"failover-{number:02}", "failover_recording_server") for number in range(1, failover + 1)]
    names += [("event-01", "event_server"), ("mobile-01", "mobile_server")]
    return {
        "vms_servers": tuple(
            VmsServerSpec(name=name, address=address(_place(number)), roles=(role,))
            for number, (name, role) in enumerate(names)
        ),
        "vms_hardware": tuple(
            VmsHardwareSpec(
                name=camera.name,
                recording_server=f"recording-{number % recording + 1:02}",
                **hardware_fields(camera),
            )
            for number, camera in enumerate(cameras)
        ),
        "vms_clients": tuple(VmsClientSpec(name=name, kind=kind) for name, kind in _CLIENTS),
    }


def _place(number: int) -> int:
    """Which address behind the net's; none ends with 0 or above 250."""
    octet, host = divmod(number, 250)
    return 256 * octet + host + 1


def vms_group(
    servers: t.Sequence[VmsServerSpec],
    clients: t.Sequence[VmsClientSpec],
    facts: t.Mapping[str, t.Mapping[str, t.Any]],
) -> dict[str, t.Any]:
    """The inventory's group of servers; the clients, which nobody logs in to, are a variable of it."""
    return {
        "vars": {
            "ansible_connection": "ssh",
            "ansible_shell_type": "powershell",
            "camsec_vms_clients": [_client_vars(client) for client in clients],
        },
        "hosts": {spec.name: {**_server_vars(spec), **facts.get(spec.name, {})} for spec in servers},
    }


def _client_vars(client: VmsClientSpec) -> dict[str, t.Any]:
    servers = {"servers": list(client.servers)} if client.servers else {}
    return {"name": client.name, "kind": client.kind, **servers}


def _server_vars(spec: VmsServerSpec) -> dict[str, t.Any]:
    values: dict[str, t.Any] = {
        "ansible_host": spec.address,
        "ansible_port": spec.ssh_port,
        "ansible_user": spec.username,
        "camsec_vms_roles": list(spec.roles),
        "camsec_vms_host_name": spec.full_name,
        "camsec_vms_service_account": spec.service_account,
        "camsec_vms_ports": {
            "management": spec.https_port,
            "management_http": spec.http_port,
            "data_collector": spec.data_collector_port,
            "webapi": spec.webapi_port,
            "streaming": spec.streaming_port,
            "mobile": spec.mobile_https_port,
            "mobile_http": spec.mobile_http_port,
            "event": spec.event_port,
        },
    }
    if not spec.is_management:
        return values
    return values | {
        "camsec_vms_api_username": spec.api_username,
        "camsec_vms_api_password": spec.gateway_password,
        "camsec_vms_api_http_port": spec.http_port,
        "camsec_vms_api_https_port": spec.https_port,
    }
