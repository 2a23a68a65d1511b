# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A simulated ONVIF camera."""

from __future__ import annotations

import asyncio
import dataclasses as dc
import ssl
import typing as t

from aiohttp import web

from ._clock import Clock, Timer, format_time
from ._device import Device, ReadOnly
from ._digest import DigestGate
from ._discovery import Discovery
from ._frame import After, ApiError, error_response
from ._listener import Listener, PortError
from ._onvif_door import PATH, Door, Operations, operation_table
from ._onvif_pki import make_private
from ._onvif_spec import OnvifCameraSpec
from ._onvif_state import Network, OnvifState, Protocol
from ._onvif_tls import make_context
from ._tas_keystore import KEYSTORE_OPERATIONS
from ._tas_tls import TLS_OPERATIONS
from ._tds import DEVICE_OPERATIONS
from ._tds_certificates import CERTIFICATE_OPERATIONS

__all__ = ["OnvifCamera"]

_WEB: t.Final = ("HTTP", "HTTPS")
#: A key on a curve is made in so much of the time that an RSA key takes.
_CURVE_SHARE: t.Final = 0.1


@dc.dataclass(kw_only=True)
class _Generation:
    """A key being generated: done when the device's time has passed and the key exists."""

    key: asyncio.Future[str]
    timer: Timer | None = None


class OnvifCamera(Device):
    kind = "onvif_camera"
    realm = "ONVIF"
    spec: OnvifCameraSpec

    def __init__(self, *, spec: OnvifCameraSpec, clock: Clock, read_only: ReadOnly) -> None:
        super().__init__(spec=spec, clock=clock, read_only=read_only)
        self.state = OnvifState(spec)
        self._address = self.state.network.address
        self.discovery = Discovery(self)
        self._listeners: dict[str, Listener] = {}
        self._next: dict[str, Listener] = {}
        self._generations: dict[str, _Generation] = {}
        self.gate = DigestGate(realm=self.realm, clock=clock, algorithms=spec.digest)
        self._door = Door(
            self,
            self,
            operations=_operations(spec),
            gate=self.gate,
            accounts=lambda: self.state.users,
            settings=lambda: self.spec,
            user_of_certificate=lambda name: name if self.state.tls.cn_maps else None,
        )

    @property
    def address(self) -> str:
        return self._address

    def now(self) -> float:
        return super().now() + self.state.clock_set

    def begin_of_validity(self) -> float:
        """A device clock that a rehearsal runs fast must not make certificates of the future for real clients."""
        return min(self.now(), self.clock.wall())

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        if request.method == "POST" and request.path.startswith(PATH):
            return await self._door.handle(request)
        status = 405 if request.path.startswith(PATH) else 404
        self.log.add(request, status)
        return error_response(ApiError(status, "SOAP messages come by POST to an address of a service."))

    # -- power and listeners -------------------------------------------------------------------------------------

    def listeners(self) -> t.Iterable[Listener]:
        return self._listeners.values()

    async def boot(self) -> None:
        self._address = self.state.network.address
        for name in _WEB:
            protocol = self.state.protocols[name]
            if protocol.enabled:
                self._listeners[name] = self._listener_for(name, protocol)
                await self._listeners[name].open()
        await self.discovery.open()

    async def halt(self) -> None:
        for generation in self._generations.values():
            if generation.timer is not None:
                generation.timer.cancel()
        self._generations.clear()
        self.state.store.spoil_generating()
        for listener in self._next.values():
            listener.release()
        self._next.clear()
        await self.discovery.close()
        listeners, self._listeners = self._listeners, {}
        for listener in listeners.values():
            await listener.close()

    def _listener_for(self, name: str, protocol: Protocol) -> Listener:
        tls = make_context(self.state) if name == "HTTPS" else None
        return Listener(address=self._address, port=protocol.port, handler=self.handle, tls=tls)

    def renew_tls(self) -> None:
        """What TLS shall be has changed: connections to come see it, those that stand keep theirs."""
        context: ssl.SSLContext | None = None
        for listener in (*self._listeners.values(), *self._next.values()):
            if listener.tls is not None:
                context = context or make_context(self.state)
                listener.tls = context

    def set_protocols(self, wanted: t.Mapping[str, Protocol]) -> After:
        """Bind what is new at once; what goes is closed when the answer is out, and the new answers after a while."""
        self.state.check_protocols(wanted)
        new = {**self.state.protocols, **wanted}
        moved = [name for name in _WEB if new[name] != self.state.protocols[name]]
        coming = {name: self._listener_for(name, new[name]) for name in moved if new[name].enabled}
        # A port that HTTP and HTTPS exchange is free only when the old one is closed.
        leaving = {listener.port for name, listener in self._listeners.items() if name in moved}
        _bind_all([listener for listener in coming.values() if listener.port not in leaving])
        for name in moved:
            if (before := self._next.pop(name, None)) is not None:
                before.release()
        self.state.protocols = new
        going = [self._listeners.pop(name) for name in moved if name in self._listeners]
        self._next.update(coming)
        self._open_later(coming)

        async def leave() -> None:
            for listener in going:
                await listener.close()

        return leave

    def set_network(self, wanted: Network) -> After | None:
        """Move there: the old address goes when the answer is out, the new one answers after a while."""
        if self.spec.network_needs_reboot or wanted.address == self._address:
            self.state.network = wanted
            return None
        return self._move_to(wanted)

    def _move_to(self, wanted: Network) -> After:
        before, self._address = self._address, wanted.address
        protocols = self.state.protocols
        coming = {name: self._listener_for(name, protocols[name]) for name in _WEB if protocols[name].enabled}
        try:
            _bind_all(list(coming.values()))
        except PortError:
            self._address = before
            raise
        self.state.network = wanted
        for listener in self._next.values():
            listener.release()
        going, self._listeners = list(self._listeners.values()), {}
        self._next = dict(coming)
        self._open_later(coming)

        async def leave() -> None:
            await self.discovery.close()
            for listener in going:
                await listener.close()
            await self.discovery.open()

        return leave

    async def move(self, address: str) -> None:
        await self._move_to(dc.replace(self.state.network, address=address))()

    def _open_later(self, coming: t.Mapping[str, Listener]) -> None:
        boots = self._boots

        async def answer() -> None:
            for name, listener in coming.items():
                if self._boots != boots or self._next.get(name) is not listener:
                    listener.release()
                    continue
                self.unreachable = ""
                self._listeners[name] = self._next.pop(name)
                await self.open_late(listener)

        if coming:
            self.clock.call_in(self.spec.switching_seconds, answer)

    # -- keys ----------------------------------------------------------------------------------------------------

    def generate(self, kind: str, alias: str) -> tuple[str, float]:
        """Begin a key; its id, and how long a client will wait for it."""
        key = self.state.store.begin_key(kind, alias)
        seconds = self.spec.key_generation_seconds * (1.0 if kind.isdigit() else _CURVE_SHARE)
        made = asyncio.get_running_loop().run_in_executor(None, make_private, kind)
        generation = _Generation(key=made)
        self._generations[key.id] = generation

        async def done() -> None:
            pem = await made
            if self._generations.get(key.id) is generation:
                del self._generations[key.id]
                self.state.store.finish_key(key.id, pem)
                self.on_change(self)

        generation.timer = self.clock.call_in(seconds, done)
        return key.id, self.clock.real_seconds(seconds)

    # -- the whole -----------------------------------------------------------------------------------------------

    async def factory_default(self, *, hard: bool) -> None:
        """Back to the factory's settings, and a restart."""
        if hard:
            self.state.reset_all()
        else:
            self.state.reset_settings()
        await self.restart()

    def change_spec(self, changes: t.Mapping[str, t.Any]) -> None:
        self.spec = dc.replace(self.spec, **changes)

    async def factory_reset(self) -> None:
        await self.factory_default(hard=True)

    def expire_certificate(self) -> None:
        """Put this camera's clock a second past the end of the certificate in use."""
        store, assigned = self.state.store, self.state.tls.assigned
        if not assigned:
            raise ApiError(400, f"{self.name} has no certificate.")
        end = store.certificates[store.paths[assigned[0]].certificates[0]].parsed.not_valid_after_utc.timestamp()
        self.spec = dc.replace(self.spec, clock_offset=self.spec.clock_offset + end + 1.0 - self.now())

    def short_state(self) -> dict[str, object]:
        protocols = {name.lower(): protocol.enabled for name, protocol in self.state.protocols.items()}
        store = self.state.store
        return {
            **protocols,
            "keys": len(store.keys),
            "certificates": len(store.certificates),
            "generating": len(self._generations),
            "assigned": list(self.state.tls.assigned),
        }

    def full_state(self) -> dict[str, object]:
        return {**self.short_state(), "time": format_time(self.now()), "onvif": self.state.shown()}

    def dump(self) -> dict[str, t.Any]:
        return self.state.dump()

    def load(self, data: t.Mapping[str, t.Any]) -> None:
        self.state.load(data)
        # Nobody generates any more what was generated when the simulator ended.
        self.state.store.spoil_generating()


def _bind_all(listeners: t.Sequence[Listener]) -> None:
    """All of them or none."""
    try:
        for listener in listeners:
            listener.bind()
    except PortError:
        for listener in listeners:
            listener.release()
        raise


def _operations(spec: OnvifCameraSpec) -> Operations:
    """Those that the model has."""
    security = (*KEYSTORE_OPERATIONS, *TLS_OPERATIONS) if spec.advanced_security else ()
    certificates = CERTIFICATE_OPERATIONS if spec.legacy_certificates else ()
    return operation_table(*DEVICE_OPERATIONS, *certificates, *security)
