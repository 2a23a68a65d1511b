# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A WS-Discovery responder for tests, written without our own reader of messages: it answers what a test says."""

from __future__ import annotations

import re
import selectors
import socket
import struct
import threading
import types
import typing as t
import xml.etree.ElementTree as ET

__all__ = ["GROUP", "PORT", "Responder", "matches"]

GROUP = "239.255.255.250"
PORT = 3702
_MESSAGE_ID = "{http://schemas.xmlsoap.org/ws/2004/08/addressing}MessageID"
_TYPES = "{http://schemas.xmlsoap.org/ws/2005/04/discovery}Types"

_ANSWER = """<?xml version="1.0" encoding="UTF-8"?>{prologue}
<SOAP-ENV:Envelope xmlns:SOAP-ENV="http://www.w3.org/2003/05/soap-envelope"
 xmlns:wsa="http://schemas.xmlsoap.org/ws/2004/08/addressing" xmlns:x="http://schemas.xmlsoap.org/ws/2005/04/discovery"
 xmlns:net="http://www.onvif.org/ver10/network/wsdl" xmlns:dev="http://www.onvif.org/ver10/device/wsdl">
<SOAP-ENV:Header><wsa:MessageID>urn:uuid:0</wsa:MessageID><wsa:RelatesTo>{relates_to}</wsa:RelatesTo>
<wsa:To>http://schemas.xmlsoap.org/ws/2004/08/addressing/role/anonymous</wsa:To>
<wsa:Action>http://schemas.xmlsoap.org/ws/2005/04/discovery/ProbeMatches</wsa:Action></SOAP-ENV:Header>
<SOAP-ENV:Body><x:ProbeMatches>{matches}</x:ProbeMatches></SOAP-ENV:Body></SOAP-ENV:Envelope>"""
_MATCH = """<x:ProbeMatch><wsa:EndpointReference><wsa:Address>{endpoint}</wsa:Address></wsa:EndpointReference>
<x:Types>{types}</x:Types><x:Scopes>{scopes}</x:Scopes><x:XAddrs>{xaddrs}</x:XAddrs>
<x:MetadataVersion>1</x:MetadataVersion></x:ProbeMatch>"""


def matches(relates_to: str, *devices: t.Mapping[str, str], prologue: str = "") -> bytes:
    """A ProbeMatches message; a device has `endpoint`, `xaddrs`, and, where wanted, `scopes` and `types`."""
    defaults = {"types": "net:NetworkVideoTransmitter dev:Device", "scopes": "onvif://www.onvif.org/name/cam"}
    parts = "".join(_MATCH.format(**{**defaults, **device}) for device in devices)
    return _ANSWER.format(prologue=prologue, relates_to=relates_to, matches=parts).encode()


class Responder:
    """Answers at one address in a thread; a context manager.

    `answer` is called with the message id of a Probe and gives the datagrams to be sent back. `heard` lists what was
    asked: ids and types.
    """

    def __init__(
        self, address: str, answer: t.Callable[[str], t.Iterable[bytes]], *, port: int = PORT, multicast: bool = False
    ) -> None:
        self.address = address
        self.heard: list[tuple[str, str]] = []
        self._answer = answer
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        self._own = socket.socket(family, socket.SOCK_DGRAM)
        self._own.bind((address, port))
        self.port: int = self._own.getsockname()[1]
        self._sources = [self._own]
        if multicast:
            self._sources.append(_member(address, port))
        self._wake, self._waker = socket.socketpair()
        self._thread = threading.Thread(target=self._serve, name=f"responder {address}", daemon=True)

    def __enter__(self) -> t.Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: types.TracebackType | None
    ) -> None:
        self._waker.close()
        self._thread.join(20)
        for source in (*self._sources, self._wake):
            source.close()

    def _serve(self) -> None:
        with selectors.DefaultSelector() as selector:
            for source in (*self._sources, self._wake):
                selector.register(source, selectors.EVENT_READ)
            while True:
                for key, _events in selector.select():
                    if key.fileobj is self._wake:
                        return
                    self._receive(t.cast("socket.socket", key.fileobj))

    def _receive(self, source: socket.socket) -> None:
        data, sender = source.recvfrom(65535)
        message = ET.fromstring(data)
        asked = message.findtext(f".//{_MESSAGE_ID}", "")
        self.heard.append((asked, message.findtext(f".//{_TYPES}", "")))
        assert re.fullmatch(r"urn:uuid:[0-9a-f-]{36}", asked), asked
        for datagram in self._answer(asked):
            self._own.sendto(datagram, sender)


def _member(address: str, port: int) -> socket.socket:
    """A member of the group at one loopback address: nothing of it leaves the computer."""
    member = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    member.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    member.bind((GROUP, port))
    membership = struct.pack("@4s4s", socket.inet_aton(GROUP), socket.inet_aton(address))
    member.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, membership)
    return member
