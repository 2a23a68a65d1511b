# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The state of a recorder that survives a restart, and the rules about it that need no camera."""

from __future__ import annotations

import base64
import dataclasses as dc
import re
import typing as t

from ._catalog import RECORDER_FORBIDDEN_PORTS
from ._frame import ApiError, Params
from ._licence import Licences
from ._link import Link, Segment, Setting
from ._spec import RecorderSpec

__all__ = ["BuiltIn", "CameraFields", "PcSetting", "RecorderState", "camera_fields", "new_password"]

_CAMERA_FIELD: t.Final = re.compile(r"CAM_(\d\d)_([A-Z_]+)")


@dc.dataclass(frozen=True, kw_only=True)
class PcSetting:
    """Recorder to PC (REC-10 to REC-12)."""

    https_only: bool = False
    tls11: bool = True
    https_port: int = 443

    def changed(self, params: Params, spec: RecorderSpec) -> PcSetting:
        """The setting after a request, checked."""
        new: dict[str, t.Any] = {}
        if "CONNECTION" in params.values:
            new["https_only"] = params.one_of("CONNECTION", ("HTTP_HTTPS", "HTTPS")) == "HTTPS"
        if "TLS11" in params.values:
            new["tls11"] = params.one_of("TLS11", ("ON", "OFF")) == "ON"
        if "HTTPS_PORT" in params.values:
            new["https_port"] = params.number("HTTPS_PORT", 1, 65535, "REC-12")
            _check_port(new["https_port"], spec)
        return dc.replace(self, **new)


def _check_port(port: int, spec: RecorderSpec) -> None:
    if port in RECORDER_FORBIDDEN_PORTS:
        raise ApiError(400, f"REC-12: port {port} cannot be the HTTPS port.")
    uses = {"HTTP": (spec.http_port,), "FTP": (spec.ftp_port,), "site alarm": (spec.site_alarm_port,)}
    for use, ports in {**uses, "port forwarding": spec.port_forward_ports}.items():
        if port in ports:
            raise ApiError(400, f"REC-12: port {port} is the recorder's {use} port at present.")


@dc.dataclass(frozen=True, kw_only=True)
class BuiltIn:
    """The recorder's own root (REC-13), and the server certificate that it issued."""

    root_key: str = ""
    root: str = ""
    server_key: str = ""
    server: str = ""


@dc.dataclass(kw_only=True)
class RecorderState:
    pc: PcSetting = dc.field(default_factory=PcSetting)
    licences: Licences = dc.field(default_factory=Licences)
    password: str = ""
    built_in: BuiltIn = dc.field(default_factory=BuiltIn)
    trusted: dict[str, str] = dc.field(default_factory=dict)
    errors: list[tuple[str, str]] = dc.field(default_factory=list)
    events: list[tuple[str, str]] = dc.field(default_factory=list)

    def dump(self, links: t.Mapping[int, Link]) -> dict[str, t.Any]:
        cameras = {
            str(number): {
                "setting": dc.asdict(link.setting),
                "segments": [_pack(s, link.recorder.now()) for s in link.segments],
            }
            for number, link in links.items()
        }
        return {**dc.asdict(self), "cameras": cameras}

    @classmethod
    def load(cls, data: t.Mapping[str, t.Any], links: t.Mapping[int, Link]) -> RecorderState:
        values = dict(data)
        for number, camera in values.pop("cameras").items():
            link = links.get(int(number))
            if link is not None:
                link.setting = Setting(**camera["setting"])
                link.segments = [_unpack(segment) for segment in camera["segments"]]
        values["pc"] = PcSetting(**values["pc"])
        values["built_in"] = BuiltIn(**values["built_in"])
        licences = values["licences"]
        values["licences"] = Licences(main=licences["main"], kits=[(kit[0], kit[1]) for kit in licences["kits"]])
        for log in ("errors", "events"):
            values[log] = [tuple(entry) for entry in values[log]]
        return cls(**values)


def _pack(segment: Segment, now: float) -> dict[str, t.Any]:
    # What goes on is known up to now; whoever reads this back has been away.
    end = now if segment.end is None else segment.end
    return {"start": segment.start, "end": end, "picture": base64.b64encode(segment.picture).decode()}


def _unpack(data: t.Mapping[str, t.Any]) -> Segment:
    return Segment(start=data["start"], end=data["end"], picture=base64.b64decode(data["picture"]))


def new_password(params: Params, present: str) -> str:
    """The data-encryption password after a request (REC-30)."""
    if "PASSWORD" not in params.values:
        return present
    password = params.get("PASSWORD")
    if password != params.get("PASSWORD_CONFIRM"):
        raise ApiError(400, "REC-30: the password and its confirmation are not the same.")
    if password and not (4 <= len(password) <= 16 and all("!" <= char <= "~" for char in password)):
        raise ApiError(400, "REC-30: the password has 4 to 16 half-width letters, digits and symbols.")
    return password


CameraFields = dict[int, dict[str, str]]


def camera_fields(params: Params, links: t.Mapping[int, Link], known: t.Collection[str]) -> CameraFields:
    """The CAM_nn_ fields by camera; refuses a number that is not registered and a field that does not exist."""
    found: CameraFields = {}
    for name, value in params.values.items():
        match = _CAMERA_FIELD.fullmatch(name)
        if match is None:
            continue
        if int(match[1]) not in links:
            raise ApiError(400, f"{name}: camera {int(match[1])} is not registered.")
        if match[2] not in known:
            raise ApiError(400, f"{name}: there is no such field.")
        found.setdefault(int(match[1]), {})[match[2]] = value
    return found
