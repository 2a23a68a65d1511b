# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a recorder knows of one of its cameras, and its real connection to it."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses as dc
import ssl
import time
import typing as t

from cryptography import x509

from . import _picture
from ._catalog import COMPRESSIONS
from ._client import Account, Connection, WireError
from ._clock import Timer
from ._spec import CameraSpec

if t.TYPE_CHECKING:
    from ._recorder import Recorder

__all__ = ["Link", "Segment", "Setting"]

RECONNECT_SECONDS: t.Final = 10.0
REAL_FLOOR: t.Final = 1.0
FRESH_SECONDS: t.Final = 5.0
REAL_TIMEOUT: t.Final = 5.0
SEGMENTS_KEPT: t.Final = 500
STREAM_PATH: t.Final = "/cgi-bin/live_stream"
_FAILURES: t.Final = (OSError, EOFError, ValueError, asyncio.TimeoutError, asyncio.LimitOverrunError, WireError)


@dc.dataclass(kw_only=True)
class Setting:
    """The recorder's own setting for a camera (REC-20, REC-31)."""

    https: bool = False
    port: int = 443
    encrypt: bool = False
    #: Another address than the camera was registered with.
    address: str = ""

    @property
    def licensed(self) -> bool:
        """Either one costs the same one licence (REC-07)."""
        return self.https or self.encrypt


@dc.dataclass(kw_only=True)
class Segment:
    """A stretch of recording, with a picture as it came from the camera."""

    start: float
    picture: bytes
    end: float | None = None


class Expired(WireError):
    """The camera's certificate is out of its time."""


class Link:
    """One registered camera."""

    def __init__(self, recorder: Recorder, camera: CameraSpec) -> None:
        self.recorder = recorder
        self.number = camera.camera_number
        self._registered = camera.address
        self.http_port = camera.http_port
        self.model = camera.model
        self.internet_mode = camera.internet_mode
        self.tls_support = camera.tls
        self.encrypt_support = camera.encryption
        self.compression = COMPRESSIONS[camera.compression]
        self.account = Account(camera.username, camera.password)
        self.setting = Setting()
        self.segments: list[Segment] = []
        self.status = 2
        self.fault = ""
        self.reason = "not tried yet"
        self.camera_encrypts = False
        self.last_picture = b""
        self._checked = float("-inf")
        self._real_checked = float("-inf")
        self._failed_before = False
        self._connection: Connection | None = None
        self._reading: asyncio.Task[None] | None = None
        self._retry: Timer | None = None
        self._lock = asyncio.Lock()

    @property
    def address(self) -> str:
        """Where the recorder looks for the camera."""
        return self.setting.address or self._registered

    @property
    def port(self) -> int:
        return self.setting.port if self.setting.https else self.http_port

    @property
    def connected(self) -> bool:
        return self.status == 1

    # -- connecting ----------------------------------------------------------------------------------------------

    async def refresh(self) -> None:
        """A new handshake when the last one is older than the fresh time; one that is under way is waited for."""
        if self._lock.locked():
            async with self._lock:
                return
        if self.recorder.clock.now() - self._checked > FRESH_SECONDS or not self.connected:
            await self.check()

    async def check(self) -> None:
        """Connect anew; what the handshake gives is what is shown."""
        async with self._lock:
            if not self.recorder.awake:
                return
            self._checked, self._real_checked = self.recorder.clock.now(), time.monotonic()
            try:
                async with asyncio.timeout(REAL_TIMEOUT):
                    await self._connect()
            except Expired as error:
                self._down(str(error), expired=True)
            except ssl.SSLError as error:
                self._down(f"TLS: {error.reason}", expired="CERTIFICATE_EXPIRED" in (error.reason or ""))
            except _FAILURES as error:
                self._down(str(error) or type(error).__name__)

    async def _connect(self) -> None:
        tls = self.recorder.trust_context() if self.setting.https else None
        connection = await Connection.open(self.address, self.port, tls)
        with contextlib.ExitStack() as guard:
            guard.callback(connection.close)
            if tls is not None:
                self._check_times(connection)
            reply = await connection.stream(STREAM_PATH, self.account)
            if reply.status == 503 and self._connection is not None:
                # Busy (it generates its key): the pictures of the old connection go on.
                return
            if reply.status != 200:
                raise WireError(f"the camera answered {reply.status}")
            self._learn(reply.headers)
            picture = await connection.picture()
            guard.pop_all()
        self._up(connection, picture)

    def _check_times(self, connection: Connection) -> None:
        """Validity by the recorder's clock: of the camera's certificate and of every one that it chains to."""
        der = connection.peer_certificate
        if der is None:
            raise WireError("the camera showed no certificate")
        now = self.recorder.now()
        certificate = x509.load_der_x509_certificate(der)
        for entry in (certificate, *self.recorder.issuers_of(certificate)):
            if now > entry.not_valid_after_utc.timestamp():
                raise Expired("the certificate has expired")
            if now < entry.not_valid_before_utc.timestamp():
                raise WireError("the certificate is not valid yet")

    def _learn(self, headers: t.Mapping[str, str]) -> None:
        self.camera_encrypts = headers.get("x-encryption") == "on"
        self.encrypt_support = headers.get("x-encryption-support") != "no"
        self.tls_support = headers.get("x-tls-support") != "no"
        self.compression = COMPRESSIONS.get(headers.get("x-compression", ""), self.compression)
        if (self.camera_encrypts or self.setting.encrypt) and not self.compression.encryptable:
            raise WireError(f"REC-32: encrypted {self.compression.name} cannot be received")

    def _up(self, connection: Connection, picture: bytes) -> None:
        fresh = self._connection is None
        self._drop_connection()
        self._connection = connection
        if not self.connected and self._failed_before:
            self.recorder.write_event(f"CAM {self.number} COMMUNICATION RECOVERED")
        self.status, self.fault, self.reason = 1, "", ""
        self._record(picture, new=fresh)
        self._reading = asyncio.get_running_loop().create_task(self._read(connection))

    async def _read(self, connection: Connection) -> None:
        try:
            while True:
                self._record(await connection.picture(), new=False)
        except _FAILURES:
            if self._connection is connection:
                self._down("the camera closed the connection")

    def _record(self, picture: bytes, *, new: bool) -> None:
        """A picture goes on in the present stretch unless what protects it has changed."""
        now = self.recorder.now()
        last = self.segments[-1] if self.segments and self.segments[-1].end is None else None
        self.camera_encrypts = _picture.is_encrypted(picture)
        same = last is not None and not new and _picture.protection(last.picture) == _picture.protection(picture)
        self.last_picture = picture
        if same:
            return
        self.end_segment()
        self.segments.append(Segment(start=now, picture=picture))
        del self.segments[:-SEGMENTS_KEPT]

    def end_segment(self) -> None:
        if self.segments and self.segments[-1].end is None:
            self.segments[-1].end = self.recorder.now()

    def _down(self, reason: str, *, expired: bool = False) -> None:
        first = self.connected or not self._failed_before
        self._drop_connection()
        self.end_segment()
        self.status, self.reason, self.fault = 2, reason, "-(expired)" if expired else ""
        self._failed_before = True
        if first:
            self.recorder.write_error(f"CAM {self.number} COMMUNICATION ERROR")
        self._plan_retry()

    def _plan_retry(self) -> None:
        if self._retry is not None:
            self._retry.cancel()
        clock = self.recorder.clock
        # In real time never more often than once a second, however fast the clock runs.
        delay = max(RECONNECT_SECONDS, REAL_FLOOR * clock.speed)
        self._retry = clock.call_in(delay, self._try_again, housekeeping=True)

    async def _try_again(self) -> None:
        if not self.connected:
            await self.check()

    # -- sending a setting (REC-20, REC-31) ----------------------------------------------------------------------

    async def send(self, path: str, form: t.Mapping[str, str], ways: t.Sequence[tuple[bool, int]]) -> bool:
        """Log in to the camera and post a setting, by the first way that answers; whether it took it."""
        for https, port in dict.fromkeys(ways):
            try:
                async with asyncio.timeout(REAL_TIMEOUT):
                    return await self._post(path, form, https, port)
            except _FAILURES:
                continue
        return False

    async def _post(self, path: str, form: t.Mapping[str, str], https: bool, port: int) -> bool:
        tls = self.recorder.trust_context() if https else None
        connection = await Connection.open(self.address, port, tls)
        try:
            if tls is not None:
                self._check_times(connection)
            return (await connection.post(path, form, self.account)).status == 200
        finally:
            connection.close()

    # -- the end -------------------------------------------------------------------------------------------------

    def _drop_connection(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()
        reading, self._reading = self._reading, None
        if reading is not None and reading is not asyncio.current_task():
            reading.cancel()

    def stop(self) -> None:
        if self._retry is not None:
            self._retry.cancel()
        self._drop_connection()
        self.end_segment()
        self.status, self.reason = 2, "the recorder is off"

    # -- what is shown -------------------------------------------------------------------------------------------

    @property
    def opens(self) -> bool:
        """Whether the present password opens what the camera sends now (REC-34)."""
        return _picture.decode(self.last_picture, self.recorder.state.password) is not None

    @property
    def thumbnail(self) -> str:
        """REC-36, and the manual's Decode error for encrypted cameras."""
        if self.camera_encrypts != self.setting.encrypt:
            return "BROKEN"
        return "DECODE_ERROR" if self.camera_encrypts else "OK"
