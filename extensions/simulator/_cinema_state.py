# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The settings and jobs of a cinema camera, with the names of the maker's SDK; what outlives a power cut."""

from __future__ import annotations

import dataclasses as dc
import enum
import typing as t

from ._cinema_catalog import ENUMERATIONS, ConnectionError_, ConnectionStatus, JobStatus
from ._frame import ApiError

__all__ = ["CinemaState", "Job", "ServerSetting", "changed_setting", "is_number"]

_SERVERS: t.Final = 10


@dc.dataclass(kw_only=True)
class ServerSetting:
    """CrFTPServerSetting; the password is never given out, `passwordExists` says whether there is one."""

    serverId: int  # noqa: N815  # the SDK's names, here and below
    serviceType: int = 1  # noqa: N815
    displayName: str = ""  # noqa: N815
    hostName: str = ""  # noqa: N815
    portNumber: int = 21  # noqa: N815
    userName: str = ""  # noqa: N815
    password: str = ""
    passiveMode: int = 2  # noqa: N815
    destinationDir: str = ""  # noqa: N815
    secureProtocol: int = 1  # noqa: N815
    directoryHierarchyType: int = 1  # noqa: N815
    overwriteType: int = 2  # noqa: N815
    rootCertificateErrorSetting: int = 2  # noqa: N815
    connectionStatus: int = 0  # noqa: N815
    connectionErrorInfo: str = ""  # noqa: N815

    READ_ONLY: t.ClassVar = ("connectionStatus", "connectionErrorInfo")

    def shown(self) -> dict[str, object]:
        """As GetFTPServerSettingList has it: names, and the SDK's numbers beside them."""
        values = dc.asdict(self)
        exists = int(bool(values.pop("password")))
        numbers = {name: values[name] for name in ENUMERATIONS}
        names: dict[str, object] = {name: kind(values[name]).name for name, kind in ENUMERATIONS.items()}
        status = ConnectionStatus(self.connectionStatus).name if self.connectionStatus else ""
        return {**values, **names, "passwordExists": exists, "connectionStatus": status, "values": numbers}

    def status(self, status: ConnectionStatus, info: ConnectionError_ | None = None) -> None:
        self.connectionStatus = int(status)
        self.connectionErrorInfo = "" if info is None else info.value


def changed_setting(old: ServerSetting, body: t.Mapping[str, t.Any]) -> ServerSetting:
    """The setting with other values; ApiError with one sentence when a value cannot be."""
    kinds = {field.name: field.type for field in dc.fields(old) if field.name not in ServerSetting.READ_ONLY}
    changes: dict[str, t.Any] = {}
    for name, value in body.items():
        if name not in kinds:
            raise ApiError(400, f"FTPServerSetting has no {name!r}")
        changes[name] = _enumerated(name, value) if name in ENUMERATIONS else _plain(name, str(kinds[name]), value)
    new = dc.replace(old, **changes, connectionStatus=0, connectionErrorInfo="")
    if not 1 <= new.serverId <= _SERVERS:
        raise ApiError(400, f"serverId is {new.serverId}; it can be 1 to {_SERVERS}")
    if not 1 <= new.portNumber <= 65535:
        raise ApiError(400, f"portNumber is {new.portNumber}; it can be 1 to 65535")
    for name in ("hostName", "userName", "password", "destinationDir"):
        if not str(getattr(new, name)).isprintable():
            raise ApiError(400, f"{name} has characters that cannot be printed")
    return new


def is_number(value: object) -> t.TypeGuard[int]:
    """Whether JSON gave a whole number; its true and false are none, though Python takes them for such."""
    return isinstance(value, int) and not isinstance(value, bool)


def _enumerated(name: str, value: object) -> int:
    kind: type[enum.IntEnum] = ENUMERATIONS[name]
    for member in kind:
        if value == member.name or (is_number(value) and value == member.value):
            return int(member)
    known = ", ".join(f"{member.name} ({member.value})" for member in kind)
    raise ApiError(400, f"{name} is {value!r}; it can be {known}")


def _plain(name: str, hint: str, value: object) -> object:
    if type(value).__name__ != hint:
        raise ApiError(400, f"{name} is {value!r}, which is not of type {hint}")
    return value


@dc.dataclass(kw_only=True)
class Job:
    """An upload of one file; `detail`, `path` and what follows are the simulator's own."""

    jobId: int  # noqa: N815
    serverId: int  # noqa: N815
    file: str
    status: int = JobStatus.Waiting
    detail: str = ""
    size: int = 0
    sent: int = 0
    path: str = ""
    protocol: str = ""
    suite: str = ""
    resumed: bool | None = None
    certificateError: str = ""  # noqa: N815

    def shown(self) -> dict[str, object]:
        values = dc.asdict(self)
        return {**values, "status": JobStatus(self.status).name, "statusValue": int(self.status)}


@dc.dataclass(kw_only=True)
class CinemaState:
    """What a camera keeps."""

    username: str
    password: str
    certificates: str = ""
    access_point: str = "WPA2"
    host_key: str = ""
    card_inserted: bool = True
    suspended: bool = False
    next_job: int = 1
    servers: dict[int, ServerSetting] = dc.field(default_factory=dict)
    jobs: list[Job] = dc.field(default_factory=list)

    def dump(self) -> dict[str, t.Any]:
        return dc.asdict(self)

    @classmethod
    def load(cls, data: t.Mapping[str, t.Any]) -> CinemaState:
        """The state as it was kept; a job that was being transferred waits again."""
        values = dict(data)
        servers = {int(number): ServerSetting(**one) for number, one in values.pop("servers").items()}
        jobs = [Job(**one) for one in values.pop("jobs")]
        for job in jobs:
            if job.status == JobStatus.Transferring:
                job.status, job.sent = JobStatus.Waiting, 0
        return cls(**values, servers=servers, jobs=jobs)
