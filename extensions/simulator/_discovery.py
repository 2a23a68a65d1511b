# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""WS-Discovery of an ONVIF camera: it answers Probe and Resolve, and says Hello and Bye."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import typing as t
import urllib.parse
import uuid

from ._listener import PortError
from ._onvif_catalog import NAMESPACES
from ._soap import BODY_LIMIT, Message, Node, SoapFault, envelope, maker, read_message

if t.TYPE_CHECKING:
    from ._onvif import OnvifCamera

__all__ = ["Discovery"]

GROUP: t.Final = "239.255.255.250"
_ANYBODY: t.Final = "urn:schemas-xmlsoap-org:ws:2005:04:discovery"
_ANONYMOUS: t.Final = "http://schemas.xmlsoap.org/ws/2004/08/addressing/role/anonymous"
_TYPES: t.Final = "dn:NetworkVideoTransmitter tds:Device"
_OURS: t.Final = frozenset({(NAMESPACES["dn"], "NetworkVideoTransmitter"), (NAMESPACES["tds"], "Device")})
_MATCHES: t.Final = {
    f"{NAMESPACES['wsd']}/rfc3986": "uri",
    "http://schemas.xmlsoap.org/ws/2005/04/discovery/strcmp0": "equal",
    "": "uri",
    "http://schemas.xmlsoap.org/ws/2005/04/discovery/none": "none",
}
_wsd, _wsa = maker("wsd", "dn", "tds"), maker("wsa")


class Discovery(asyncio.DatagramProtocol):
    """One camera's responder, on its own address; it joins the multicast group only when the spec says so."""

    def __init__(self, camera: OnvifCamera) -> None:
        self._camera = camera
        self._transport: asyncio.DatagramTransport | None = None
        self._ear: asyncio.DatagramTransport | None = None
        #: The same over a restart, as the documents want it.
        self.endpoint = f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_DNS, camera.spec.name)}"

    @property
    def scopes(self) -> list[str]:
        spec = self._camera.spec
        own = {"type": "video_encoder", "name": spec.model, "hardware": spec.model, "location": "rehearsal"}
        base = "onvif://www.onvif.org"
        return [f"{base}/{key}/{urllib.parse.quote(value)}" for key, value in own.items()] + list(spec.scopes)

    @property
    def addresses(self) -> str:
        """Where the device service is: one URL for each of its web protocols."""
        address = self._camera.address
        host = f"[{address}]" if ":" in address else address
        return " ".join(
            f"{name.lower()}://{host}:{protocol.port}/onvif/device_service"
            for name, protocol in self._camera.state.protocols.items()
            if name != "RTSP" and protocol.enabled
        )

    # -- life ----------------------------------------------------------------------------------------------------

    async def open(self) -> None:
        spec, address = self._camera.spec, self._camera.address
        if spec.discovery_port == 0:
            return
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        new = socket.socket(family, socket.SOCK_DGRAM)
        try:
            new.bind((address, spec.discovery_port))
            new.setblocking(False)
        except OSError as error:
            new.close()
            place = f"{address}:{spec.discovery_port}/udp"
            raise PortError(f"Limit of the simulator: {place} cannot be opened ({error.strerror}).") from error
        loop = asyncio.get_running_loop()
        await loop.create_datagram_endpoint(lambda: self, sock=new)
        if spec.discovery_multicast and family == socket.AF_INET:
            new.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton(address))
            joined = _joined(address, spec.discovery_port)
            if joined is not None:
                self._ear = (await loop.create_datagram_endpoint(lambda: _Ear(self), sock=joined))[0]
        self.announce_hello()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = t.cast("asyncio.DatagramTransport", transport)

    async def close(self) -> None:
        if self._transport is not None:
            self._announce("Bye", _wsd.Bye(self._reference()))
            self._transport.close()
            self._transport = None
        if self._ear is not None:
            self._ear.close()
            self._ear = None

    def announce_hello(self) -> None:
        self._announce("Hello", _wsd.Hello(*self._description()))

    def _announce(self, name: str, content: Node) -> None:
        """To everybody, as well as it goes; where there is no multicast nobody hears it."""
        if self._transport is not None and self._camera.spec.discovery_multicast:
            data = self._message(name, _ANYBODY, content)
            with contextlib.suppress(OSError):
                self._transport.sendto(data, (GROUP, self._camera.spec.discovery_port))

    # -- questions -----------------------------------------------------------------------------------------------

    def datagram_received(self, data: bytes, addr: t.Any) -> None:
        """Answer who asks; what is no question, or not for us, is passed over, as UDP has it."""
        if len(data) > BODY_LIMIT or self._transport is None:
            return
        try:
            message = read_message(data)
        except SoapFault:
            return
        if message.namespace == NAMESPACES["wsd"] and (answer := self._answer(message)) is not None:
            self._transport.sendto(answer, addr)

    def _answer(self, message: Message) -> bytes | None:
        if message.name == "Probe" and self._is_meant(message.body):
            content = _wsd.ProbeMatches(_wsd.ProbeMatch(*self._description()))
        elif message.name == "Resolve" and self._is_named(message.body):
            content = _wsd.ResolveMatches(_wsd.ResolveMatch(*self._description()))
        else:
            return None
        asked = "" if message.header is None else message.header.findtext(f"{{{NAMESPACES['wsa']}}}MessageID", "")
        return self._message(f"{message.name}Matches", _ANONYMOUS, content, relates_to=asked.strip())

    def _is_meant(self, probe: Node) -> bool:
        types = probe.find(f"{{{NAMESPACES['wsd']}}}Types")
        for name in ("" if types is None else types.text or "").split():
            prefix, _colon, local = name.rpartition(":")
            if (types.nsmap.get(prefix or None), local) not in _OURS:
                return False
        scopes = probe.find(f"{{{NAMESPACES['wsd']}}}Scopes")
        if scopes is None:
            return True
        rule = _MATCHES.get(scopes.get("MatchBy", ""))
        return all(self._has_scope(scope, rule) for scope in (scopes.text or "").split())

    def _has_scope(self, wanted: str, rule: str | None) -> bool:
        if rule == "uri":
            return any(f"{own}/".startswith(f"{wanted.rstrip('/')}/") for own in self.scopes)
        return rule == "equal" and wanted in self.scopes

    def _is_named(self, resolve: Node) -> bool:
        address = resolve.find(f".//{{{NAMESPACES['wsa']}}}Address")
        return address is not None and (address.text or "").strip() == self.endpoint

    # -- answers -------------------------------------------------------------------------------------------------

    def _reference(self) -> Node:
        return _wsa.EndpointReference(_wsa.Address(self.endpoint))

    def _description(self) -> list[Node]:
        return [
            self._reference(),
            _wsd.Types(_TYPES),
            _wsd.Scopes(" ".join(self.scopes)),
            _wsd.XAddrs(self.addresses),
            _wsd.MetadataVersion(1),
        ]

    def _message(self, name: str, to: str, content: Node, *, relates_to: str = "") -> bytes:
        header = [
            _wsa.MessageID(f"urn:uuid:{uuid.uuid4()}"),
            *([_wsa.RelatesTo(relates_to)] if relates_to else []),
            _wsa.To(to),
            _wsa.Action(f"{NAMESPACES['wsd']}/{name}"),
        ]
        return envelope(content, header)


class _Ear(asyncio.DatagramProtocol):
    """Hears what is said to everybody; a socket of the camera's own address does not. Answers come from that one."""

    def __init__(self, owner: Discovery) -> None:
        self._owner = owner

    def datagram_received(self, data: bytes, addr: t.Any) -> None:
        self._owner.datagram_received(data, addr)


def _joined(address: str, port: int) -> socket.socket | None:
    """A socket that hears the group at this address; a host without multicast there has none."""
    new = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    try:
        new.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        new.bind((GROUP, port))
        membership = socket.inet_aton(GROUP) + socket.inet_aton(address)
        new.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, membership)
        new.setblocking(False)
    except OSError:
        new.close()
        return None
    return new
