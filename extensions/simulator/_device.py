# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What every device has: power, listeners, a clock of its own, faults, and a memory of its requests."""

from __future__ import annotations

import abc
import asyncio
import collections
import contextlib
import dataclasses as dc
import logging
import re
import typing as t

from aiohttp import web

from ._clock import Clock
from ._faults import Fault
from ._frame import After, ApiError, busy
from ._listener import Listener, PortError
from ._vms_wire import VMS_AGENT

__all__ = ["RECORDER_AGENT", "Device", "DeviceSpec", "ReadOnly"]

_log = logging.getLogger(__name__)

RING: t.Final = 1000
RESTART_SECONDS: t.Final = 60.0
RECORDER_AGENT: t.Final = "WJ-NX recorder"
_SECRET: t.Final = re.compile(r"(?i)\b((?:\w*PASSWORD(?:_CONFIRM)?|KEY))=[^&]*")


class DeviceSpec(t.Protocol):
    """What the specs of all kinds of device have."""

    @property
    def name(self) -> str: ...
    @property
    def address(self) -> str: ...
    @property
    def http_port(self) -> int: ...
    @property
    def model(self) -> str: ...
    @property
    def version(self) -> str: ...
    @property
    def clock_offset(self) -> float: ...
    @property
    def lockout_after(self) -> int: ...
    @property
    def lockout_seconds(self) -> float: ...


@dc.dataclass
class ReadOnly:
    """The simulator-wide switch by which check-mode tests prove that nothing was written."""

    enabled: bool = False
    refused: int = 0


class RequestLog:
    """The last requests of a device, and counts since the reset."""

    def __init__(self) -> None:
        self.clear()

    def clear(self) -> None:
        self.entries: collections.deque[dict[str, object]] = collections.deque(maxlen=RING)
        self.counts = {"client": 0, "recorder": 0, "writes": 0, "authenticated": 0}
        self.statuses: collections.Counter[str] = collections.Counter()
        self.calls: collections.Counter[str] = collections.Counter()

    def add(self, request: web.BaseRequest, status: int, *, writes: bool = False, operation: str | None = None) -> None:
        """Remember a request; `operation` is what it asks for where the path does not tell."""
        by = "recorder" if request.headers.get("User-Agent") in (RECORDER_AGENT, VMS_AGENT) else "client"
        path = _SECRET.sub(r"\1=***", request.raw_path)
        entry: dict[str, object] = {"method": request.method, "path": path, "status": status, "by": by}
        self.entries.append(entry if operation is None else {**entry, "operation": operation})
        self.counts[by] += 1
        self.statuses[str(status)] += 1
        if by == "client":
            self.calls[operation or f"{request.method} {request.path}"] += 1
            self.counts["authenticated"] += status != 401
            self.counts["writes"] += writes and status < 400


class Device(abc.ABC):
    """A device with its listeners and its faults; what a request means is its kind's affair."""

    kind: t.ClassVar[str]
    realm: t.ClassVar[str]
    spec: t.Any

    def __init__(self, *, spec: DeviceSpec, clock: Clock, read_only: ReadOnly) -> None:
        self.spec = spec
        self.clock = clock
        self.read_only = read_only
        self.log = RequestLog()
        self.faults: list[Fault] = []
        self.power = "off"
        self.unreachable = ""
        self.on_change: t.Callable[[Device], None] = lambda _device: None
        self._wrong_logins = 0
        self._locked_until = 0.0
        self._boots = 0
        self._starting = asyncio.Lock()

    @property
    def name(self) -> str:
        return str(self.spec.name)

    @property
    def address(self) -> str:
        """Where it listens."""
        return str(self.spec.address)

    def now(self) -> float:
        """This device's own clock."""
        return self.clock.now() + float(self.spec.clock_offset)

    # -- requests ------------------------------------------------------------------------------------------------

    @abc.abstractmethod
    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer one request."""

    @abc.abstractmethod
    def change_spec(self, changes: t.Mapping[str, t.Any]) -> None:
        """Other attributes from now on; they are of the spec's LIVE."""

    def take_fault(self, text: str, *, after_write: bool) -> Fault | None:
        """The fault that meets a request of this text, its path; used up when it was for so many requests."""
        for fault in self.faults:
            if fault.after_write == after_write and fault.applies(text):
                if fault.spend():
                    self.faults.remove(fault)
                return fault
        return None

    async def send_then(
        self, request: web.BaseRequest, response: web.StreamResponse, after: After, *, silent: bool
    ) -> None:
        """The answer goes out on the old connection before anything is closed; whether anybody hears it or not."""
        if not silent:
            with contextlib.suppress(ConnectionError):
                await response.prepare(request)
                await response.write_eof()
        self.clock.track(after())

    @property
    def locked(self) -> bool:
        """After too many wrong logins."""
        return self.clock.now() < self._locked_until

    def logged_in(self) -> None:
        self._wrong_logins = 0

    def count_wrong_login(self) -> None:
        self._wrong_logins += 1
        if self.spec.lockout_after and self._wrong_logins >= self.spec.lockout_after:
            self.lock_out()

    def lock_out(self) -> None:
        self._wrong_logins = 0
        self._locked_until = self.clock.now() + self.spec.lockout_seconds

    # -- power ---------------------------------------------------------------------------------------------------

    @abc.abstractmethod
    def listeners(self) -> t.Iterable[Listener]: ...

    @abc.abstractmethod
    async def boot(self) -> None:
        """Open what the state says is open; PortError when that cannot be."""

    @abc.abstractmethod
    async def halt(self) -> None:
        """Close everything at once; what is only in memory is lost."""

    def expire_certificate(self) -> None:
        """Put this device's clock a second past the end of the certificate in use."""
        raise ApiError(400, "expire_certificate is for cameras")

    async def move(self, address: str) -> None:
        """Give it another address, as somebody does it in the device's own pages."""
        raise ApiError(400, f"{self.name} cannot move to {address}; cameras can")

    async def factory_reset(self) -> None:
        """As the button at the device does."""
        raise ApiError(400, "factory_reset is for ONVIF, Sunell and Axis cameras; the others have POST /reset")

    @abc.abstractmethod
    def short_state(self) -> dict[str, object]: ...

    @abc.abstractmethod
    def full_state(self) -> dict[str, object]: ...

    @abc.abstractmethod
    def dump(self) -> dict[str, t.Any]: ...

    @abc.abstractmethod
    def load(self, data: t.Mapping[str, t.Any]) -> None: ...

    async def power_on(self) -> None:
        if self.power == "off":
            await self._come_up()

    async def _come_up(self) -> None:
        boots = self._boots
        async with self._starting:
            if self._boots != boots or self.power == "on":
                return
            self.unreachable = ""
            try:
                await self.boot()
            except PortError as error:
                self.unreachable = str(error)
                self.power = "off"
                await self.halt()
                raise
            if self._boots == boots:
                self.power = "on"

    async def open_late(self, listener: Listener) -> None:
        """Open when nobody waits for an answer any more: a port that cannot be had is shown as `unreachable`."""
        try:
            await listener.open()
        except PortError as error:
            self.unreachable = str(error)
            _log.error("%s: %s", self.name, error)

    async def power_off(self) -> None:
        """Lose the power; a device that is just starting is cut off once it has started."""
        self._boots += 1
        self.power = "off"
        async with self._starting:
            await self.halt()
        self.on_change(self)

    async def restart(self) -> None:
        """Drop everything, and come back after the restart time."""
        self._boots += 1
        boots = self._boots
        self.power = "restarting"

        async def up() -> None:
            if self._boots != boots:
                return
            try:
                await self._come_up()
            except PortError as error:
                _log.error("%s: %s", self.name, error)
            self.on_change(self)

        self.clock.call_in(RESTART_SECONDS, up)
        async with self._starting:
            await self.halt()

    def busy_for(self, reason: str, device_seconds: float) -> ApiError:
        return busy(reason, self.clock.real_seconds(max(0.0, device_seconds)))
