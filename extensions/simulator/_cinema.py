# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A cinema camera: its card, its menu, its destinations and its queue of uploads."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses as dc
import pathlib
import typing as t

from ._cinema_card import CertificateProblem, MemoryCard
from ._cinema_catalog import (
    ACCESS_POINTS,
    CINEMA_MODELS,
    ConnectionError_,
    ConnectionStatus,
    JobStatus,
    SecureProtocol,
    account_problem,
)
from ._cinema_client import Client, Target, UploadError
from ._cinema_state import CinemaState, Job, ServerSetting, changed_setting, is_number
from ._clock import Clock
from ._device import ReadOnly
from ._frame import ApiError
from ._pki import pem_certificates, sha256_hex
from ._spec import CinemaCameraSpec

__all__ = ["CinemaCamera"]

_CONTROLS: t.Final = ("Add", "Delete", "Suspend", "Resume")


class CinemaCamera:
    """One camera. The real one has no settings over HTTP: what follows stands for its menu and the SDK's calls."""

    kind: t.ClassVar = "cinema_camera"

    def __init__(self, *, spec: CinemaCameraSpec, clock: Clock, read_only: ReadOnly, folder: pathlib.Path) -> None:
        self.spec = spec
        self.clock = clock
        self.read_only = read_only
        self.power = "off"
        self.on_change: t.Callable[[CinemaCamera], None] = lambda _camera: None
        self.state = CinemaState(username=spec.username, password=spec.password)
        root = pathlib.Path(spec.card_dir) if spec.card_dir else folder
        self.card = MemoryCard(root, capacity=spec.card_capacity, write_protected=spec.card_write_protected)
        # A third of the program's start, which fleets without cinema cameras do without.
        from ._cinema_sftp import SftpDoor, new_host_key  # noqa: PLC0415

        self.door = SftpDoor(self)
        self._new_host_key = new_host_key
        self._wrong_logins = 0
        self._locked_until = 0.0
        self._client: Client | None = None
        self._at: int | None = None
        self._sent = [0]
        self._worker: asyncio.Task[None] | None = None
        self._changed = asyncio.Event()

    @property
    def name(self) -> str:
        return self.spec.name

    def now(self) -> float:
        """The camera's own clock."""
        return self.clock.now() + self.spec.clock_offset

    # -- power ---------------------------------------------------------------------------------------------------

    async def power_on(self) -> None:
        if self.power == "on":
            return
        if not self.state.host_key:
            self.state.host_key = self._new_host_key()
        await self.door.open()
        self.power = "on"
        self._wrong_logins, self._locked_until = 0, 0.0
        self._worker = asyncio.get_running_loop().create_task(self._work())
        self._touch()

    async def power_off(self) -> None:
        self.power = "off"
        worker, self._worker = self._worker, None
        if self._client is not None:
            self._client.abort()
        if worker is not None:
            worker.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await worker
        for job in self.state.jobs:
            if job.status == JobStatus.Transferring:
                job.status, job.sent = JobStatus.Waiting, 0
        await self.door.close()
        self._touch()

    def dump(self) -> dict[str, t.Any]:
        return self.state.dump()

    def load(self, data: t.Mapping[str, t.Any]) -> None:
        self.state = CinemaState.load(data)

    def change_spec(self, changes: t.Mapping[str, t.Any]) -> None:
        """Other conditions while it runs."""
        self.spec = dc.replace(self.spec, **changes)
        self.card.capacity, self.card.write_protected = self.spec.card_capacity, self.spec.card_write_protected

    def _touch(self) -> None:
        self._changed.set()
        self.on_change(self)

    # -- access (FTP-20 to FTP-23) -------------------------------------------------------------------------------

    def is_locked(self) -> bool:
        """FTP-22: a wrong access was detected, and nothing is taken for a while."""
        return self.clock.now() < self._locked_until

    def check_login(self, user: str, password: str) -> bool:
        if self.is_locked():
            return False
        if user == self.state.username and password == self.state.password:
            self._wrong_logins = 0
            return True
        self._wrong_logins += 1
        if self.spec.lockout_after and self._wrong_logins >= self.spec.lockout_after:
            self.lock_out()
        return False

    def lock_out(self) -> None:
        self._wrong_logins = 0
        self._locked_until = self.clock.now() + self.spec.lockout_seconds

    def set_account(self, user: str, password: str) -> None:
        problem = account_problem(user, password)
        if problem:
            raise ApiError(400, problem)
        self._changes()
        self.state.username, self.state.password = user, password
        self._touch()

    def set_access_point(self, security: str) -> None:
        if security not in ACCESS_POINTS:
            known = ", ".join(ACCESS_POINTS)
            raise ApiError(400, f"security is {security!r}; the camera knows {known}, neither WEP nor WPA (FTP-23)")
        self._changes()
        self.state.access_point = security
        self._touch()

    def _changes(self) -> None:
        if self.read_only.enabled:
            self.read_only.refused += 1
            raise ApiError(500, "The simulator is read-only: a request that changes something was refused.")

    # -- the card and the menu -----------------------------------------------------------------------------------

    def insert_card(self, *, inserted: bool) -> None:
        self.state.card_inserted = inserted
        self._touch()

    def load_certificate(self) -> dict[str, object]:
        """The menu's way to load `certification.pem`; ApiError with the camera's reason when it does not."""
        self._need_card()
        try:
            text = self.card.certificates()
        except CertificateProblem as error:
            raise ApiError(409, str(error)) from error
        self._changes()
        changed = self.state.certificates != text
        self.state.certificates = text
        self._touch()
        return {"changed": changed, "certificates": self._certificates()}

    def forget_certificate(self) -> None:
        self._changes()
        self.state.certificates = ""
        self._touch()

    def record(self, name: str, size: int) -> dict[str, object]:
        self._need_card()
        return {"file": name, "size": size, "sha256": self.card.record(name, size)}

    def _need_card(self) -> None:
        if not self.state.card_inserted:
            raise ApiError(409, "There is no card in the camera.")

    def _certificates(self) -> list[dict[str, str]]:
        text = self.state.certificates
        if not text:
            return []
        return [
            {"subject": one.subject.rfc4514_string(), "sha256": sha256_hex(one)}
            for one in pem_certificates(text.encode())
        ]

    # -- destinations --------------------------------------------------------------------------------------------

    def set_server(self, body: t.Mapping[str, t.Any]) -> ServerSetting:
        """SetFTPServerSetting."""
        number = body.get("serverId")
        if not is_number(number):
            raise ApiError(400, f"serverId is {number!r}, which is not of type int")
        old = self.state.servers.get(number, ServerSetting(serverId=number))
        new = changed_setting(old, body)
        self._changes()
        self.state.servers[number] = new
        self._touch()
        return new

    # -- jobs ----------------------------------------------------------------------------------------------------

    def control_jobs(self, control: str, body: t.Mapping[str, t.Any]) -> None:
        """ControlFTPJobList."""
        if control not in _CONTROLS:
            raise ApiError(400, f"control is {control!r}; it can be {', '.join(_CONTROLS)}")
        self._changes()
        if control == "Add":
            self._add_jobs(body)
        elif control == "Delete":
            self._delete_jobs(body)
        elif control == "Suspend":
            self.state.suspended = True
            if self._client is not None:
                self._client.abort()
        else:
            self.state.suspended = False
        self._touch()

    def _add_jobs(self, body: t.Mapping[str, t.Any]) -> None:
        files, number = body.get("files"), body.get("serverId")
        if not is_number(number) or not isinstance(files, list) or not all(isinstance(one, str) for one in files):
            raise ApiError(400, "Add takes a serverId and a list of files")
        for name in files:
            self.card.find(name)
        for name in files:
            self.state.jobs.append(Job(jobId=self.state.next_job, serverId=number, file=name))
            self.state.next_job += 1

    def _delete_jobs(self, body: t.Mapping[str, t.Any]) -> None:
        wanted = body.get("jobs")
        known = {job.jobId: job for job in self.state.jobs}
        if not isinstance(wanted, list) or not all(one in known for one in wanted):
            raise ApiError(400, "Delete takes a list of jobs that are in the queue")
        for number in wanted:
            if known[number].status == JobStatus.Transferring and self._client is not None:
                self._client.abort()
            self.state.jobs.remove(known[number])

    async def _work(self) -> None:
        """Carry out the jobs, one after the other, as long as the power is on."""
        try:
            while True:
                job = self._next()
                if job is None:
                    await self._hang_up()
                    self._changed.clear()
                    await self._changed.wait()
                else:
                    await self._carry_out(job)
        finally:
            client, self._client = self._client, None
            if client is not None:
                client.close()

    def _next(self) -> Job | None:
        if self.state.suspended:
            return None
        return next((job for job in self.state.jobs if job.status == JobStatus.Waiting), None)

    async def _carry_out(self, job: Job) -> None:
        job.status, job.detail, job.sent = JobStatus.Transferring, "", 0
        self._sent = sent = [0]
        setting = self.state.servers.get(job.serverId)
        try:
            source = self._source(job)
            client = await self._connected(job.serverId, setting)
            assert setting is not None
            job.size = source.stat().st_size
            folders = self._folders(setting, job)
            overwrite = setting.overwriteType == 1
            job.path = await asyncio.to_thread(client.upload, source, folders, overwrite=overwrite, sent=sent)
            job.status = JobStatus.Completed
            job.protocol, job.suite, job.certificateError = client.protocol, client.suite, client.certificate_error
            job.resumed = client.resumed[-1] if client.resumed else None
        except UploadError as error:
            self._failed(job, setting, error)
            await self._hang_up()
        job.sent = sent[0]
        self.on_change(self)

    def _source(self, job: Job) -> pathlib.Path:
        if not self.state.card_inserted:
            raise UploadError(JobStatus.MediaAccessErr, "there is no card in the camera")
        path = self.card.find(job.file)
        if not path.is_file():
            raise UploadError(JobStatus.FileAccessErr, f"there is no {job.file} on the card")
        return path

    @staticmethod
    def _folders(setting: ServerSetting, job: Job) -> list[str]:
        folders = [part for part in setting.destinationDir.split("/") if part]
        if setting.directoryHierarchyType == 2:
            folders += pathlib.PurePosixPath(job.file).parent.parts
        return folders

    def _failed(self, job: Job, setting: ServerSetting | None, error: UploadError) -> None:
        job.status, job.detail = error.status, error.detail
        if error.status == JobStatus.Aborted and self.state.suspended:
            # Not given up: it goes on, from its beginning, after Resume.
            job.status = JobStatus.Waiting
        if setting is None or error.status in (JobStatus.Aborted, JobStatus.FileAccessErr, JobStatus.MediaAccessErr):
            return
        severed = error.status in (JobStatus.DestConnErr, JobStatus.DestCertErr, JobStatus.DestCertNotValid,
                                   JobStatus.DestCertExpired)  # fmt: skip
        status = ConnectionStatus.ConnectionError if severed else ConnectionStatus.Connected_ServerError
        setting.status(status, error.info or ConnectionError_.FTPServerSettingError)

    async def _connected(self, number: int, setting: ServerSetting | None) -> Client:
        if setting is None or not setting.hostName:
            if setting is not None:
                setting.status(ConnectionStatus.ConnectionError, ConnectionError_.FTPServerSettingNotSet)
            raise UploadError(
                JobStatus.DestConnErr, f"server {number} has no settings", ConnectionError_.FTPServerSettingNotSet
            )
        if self._client is not None and self._at == number:
            return self._client
        await self._hang_up()
        if self.state.suspended:
            raise UploadError(JobStatus.Aborted, "the job was stopped")
        setting.status(ConnectionStatus.Connecting)
        client = Client(self._target(setting))
        self._client, self._at = client, number
        await asyncio.to_thread(client.connect)
        setting.status(ConnectionStatus.Connected)
        return client

    def _target(self, setting: ServerSetting) -> Target:
        if setting.secureProtocol == SecureProtocol.On_SFTP:
            raise UploadError(JobStatus.OtherErr, "the simulator does not upload by SFTP")
        return Target(
            source_address=self.spec.address,
            host=setting.hostName,
            port=setting.portNumber,
            user=setting.userName,
            password=setting.password,
            passive=setting.passiveMode == 2,
            secure=setting.secureProtocol == SecureProtocol.On_FTPS,
            connect_anyway=setting.rootCertificateErrorSetting == 1,
            suites=CINEMA_MODELS[self.spec.model],
            certificates=self.state.certificates,
            now=self.now,
            timeout=self.spec.timeout,
        )

    async def _hang_up(self) -> None:
        client, self._client, self._at = self._client, None, None
        if client is not None:
            await asyncio.to_thread(client.close)

    # -- what is shown -------------------------------------------------------------------------------------------

    def row(self) -> dict[str, object]:
        return {
            "name": self.name,
            "kind": self.kind,
            "model": self.spec.model,
            "address": self.spec.address,
            "sftp_port": self.spec.sftp_port,
            "sftp_host_key": self.door.public_key() if self.state.host_key else "",
            "power": self.power,
            "locked": self.is_locked(),
            "card": {
                "label": self.spec.label,
                "path": str(self.card.root),
                "inserted": self.state.card_inserted,
                "write_protected": self.card.write_protected,
                "capacity": self.card.capacity,
            },
        }

    def full(self) -> dict[str, object]:
        for job in self.state.jobs:
            if job.status == JobStatus.Transferring:
                job.sent = self._sent[0]
        return {
            **self.row(),
            "suites": list(CINEMA_MODELS[self.spec.model]),
            "username": self.state.username,
            "access_point": self.state.access_point,
            "certificates": self._certificates(),
            "suspended": self.state.suspended,
            "clips": self.card.clips(),
            "FTPServerSettingList": [one.shown() for one in self.state.servers.values()],
            "FTPJobList": [job.shown() for job in self.state.jobs],
        }
