# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Probe and ProbeMatches: WS-Discovery of April 2005 over SOAP 1.2, as the ONVIF Core specification has it. No I/O.

An answer is somebody's claim: it is bounded in size and number, and read without document types and entities.
"""

from __future__ import annotations

import dataclasses as dc
import types
import typing as t
import uuid

from .._thirdparty import etree

__all__ = ["LONGEST_MESSAGE", "PROBE_TYPES", "Match", "UnusableAnswer", "message_id", "probe", "read_matches"]

#: SOAP-over-UDP 1.1, MAX_ENVELOPE_SIZE.
LONGEST_MESSAGE: t.Final = 32767
_MOST_MATCHES = 64
_MOST_WORDS = 128
_LONGEST_WORD = 1024

_SOAP: t.Final = ("http://www.w3.org/2003/05/soap-envelope", "http://schemas.xmlsoap.org/soap/envelope/")
_ADDRESSING: t.Final = ("http://schemas.xmlsoap.org/ws/2004/08/addressing", "http://www.w3.org/2005/08/addressing")
_DISCOVERY: t.Final = "http://schemas.xmlsoap.org/ws/2005/04/discovery"
_PREFIXES: t.Final[t.Mapping[str, str]] = types.MappingProxyType(
    {
        "dn": "http://www.onvif.org/ver10/network/wsdl",
        "tds": "http://www.onvif.org/ver10/device/wsdl",
    }
)
#: What is asked for. A device has to have all types of one Probe, so that each goes in a Probe of its own.
PROBE_TYPES: t.Final = ("dn:NetworkVideoTransmitter", "tds:Device")
_PROBE: t.Final = """<?xml version="1.0" encoding="UTF-8"?>
<s:Envelope xmlns:s="{soap}" xmlns:a="{addressing}" xmlns:d="{discovery}" xmlns:{prefix}="{namespace}">
<s:Header>
<a:Action s:mustUnderstand="1">{discovery}/Probe</a:Action>
<a:MessageID>{message_id}</a:MessageID>
<a:ReplyTo><a:Address>{addressing}/role/anonymous</a:Address></a:ReplyTo>
<a:To s:mustUnderstand="1">urn:schemas-xmlsoap-org:ws:2005:04:discovery</a:To>
</s:Header>
<s:Body><d:Probe><d:Types>{type}</d:Types></d:Probe></s:Body>
</s:Envelope>
"""


class UnusableAnswer(Exception):
    """A message that is no answer to what was asked, or not one to be read; its text says why in a few words."""


@dc.dataclass(frozen=True, kw_only=True)
class Match:
    """What one device claims of itself.

    Attributes:
        endpoint: Its endpoint reference, normally ``urn:uuid:…``, the same at all its addresses.
        types: Its types; ONVIF's with the usual prefix, others as ``{namespace}name``.
        scopes: Its scopes.
        xaddrs: Where it says that its device service is.
    """

    endpoint: str
    types: tuple[str, ...]
    scopes: tuple[str, ...]
    xaddrs: tuple[str, ...]


def message_id() -> str:
    """A new id: random, so that nobody answers who has not seen the question."""
    return f"urn:uuid:{uuid.uuid4()}"


def probe(identifier: str, type_name: str) -> bytes:
    """A Probe.

    Args:
        identifier: Its message id.
        type_name: One of :data:`PROBE_TYPES`.

    Returns:
        The message.
    """
    prefix = type_name.partition(":")[0]
    return _PROBE.format(
        soap=_SOAP[0],
        addressing=_ADDRESSING[0],
        discovery=_DISCOVERY,
        prefix=prefix,
        namespace=_PREFIXES[prefix],
        message_id=identifier,
        type=type_name,
    ).encode()


def read_matches(data: bytes, asked: t.Container[str]) -> tuple[str, tuple[Match, ...]]:
    """Read an answer.

    Args:
        data: The datagram.
        asked: Ids of the Probes that were sent.

    Returns:
        The id of the Probe that it answers, and the ONVIF devices in it.

    Raises:
        UnusableAnswer: It is none, or none that may be read.
    """
    if len(data) > LONGEST_MESSAGE:
        raise UnusableAnswer("longer than 32767 bytes")
    envelope = _parse(data)
    header, body = _child(envelope, _SOAP, "Header"), _child(envelope, _SOAP, "Body")
    answered = _text(_child(header, _ADDRESSING, "RelatesTo"))
    if answered not in asked:
        raise UnusableAnswer("an answer to another question")
    found = _child(body, (_DISCOVERY,), "ProbeMatches").findall(f"{{{_DISCOVERY}}}ProbeMatch")
    if len(found) > _MOST_MATCHES:
        raise UnusableAnswer(f"more than {_MOST_MATCHES} matches")
    return answered, tuple(match for match in map(_match, found) if _is_onvif(match))


def _parse(data: bytes) -> t.Any:
    parser = etree.XMLParser(
        resolve_entities=False,
        load_dtd=False,
        no_network=True,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
    )
    try:
        envelope = etree.fromstring(data, parser)
    except (etree.XMLSyntaxError, ValueError):
        raise UnusableAnswer("no XML") from None
    if envelope.getroottree().docinfo.doctype:
        raise UnusableAnswer("a document type")
    if envelope.tag not in {f"{{{namespace}}}Envelope" for namespace in _SOAP}:
        raise UnusableAnswer("no SOAP envelope")
    return envelope


def _child(parent: t.Any, namespaces: t.Iterable[str], name: str) -> t.Any:
    for namespace in namespaces:
        child = parent.find(f"{{{namespace}}}{name}")
        if child is not None:
            return child
    raise UnusableAnswer(f"no {name}")


def _text(element: t.Any) -> str:
    text: str = "" if element is None else (element.text or "").strip()
    if len(text) > _LONGEST_WORD:
        raise UnusableAnswer(f"more than {_LONGEST_WORD} characters in one value")
    return text


def _match(element: t.Any) -> Match:
    endpoint = _text(_child(_child(element, _ADDRESSING, "EndpointReference"), _ADDRESSING, "Address"))
    if not endpoint:
        raise UnusableAnswer("no endpoint")
    types_element = element.find(f"{{{_DISCOVERY}}}Types")
    return Match(
        endpoint=endpoint,
        types=tuple(_type(types_element, word) for word in _words(types_element)),
        scopes=_words(element.find(f"{{{_DISCOVERY}}}Scopes")),
        xaddrs=_words(element.find(f"{{{_DISCOVERY}}}XAddrs")),
    )


def _words(element: t.Any) -> tuple[str, ...]:
    words: list[str] = [] if element is None else (element.text or "").split()
    if len(words) > _MOST_WORDS or any(len(word) > _LONGEST_WORD for word in words):
        raise UnusableAnswer(f"a list of more than {_MOST_WORDS} values, or of longer ones")
    return tuple(dict.fromkeys(words))


def _type(element: t.Any, word: str) -> str:
    prefix, _colon, name = word.rpartition(":")
    namespace = element.nsmap.get(prefix or None, "")
    known = next((short for short, long in _PREFIXES.items() if long == namespace), "")
    return f"{known}:{name}" if known else f"{{{namespace}}}{name}"


def _is_onvif(match: Match) -> bool:
    """Whoever answers whatever is asked, such as a printer, is none."""
    scoped = any(scope.lower().startswith("onvif://www.onvif.org") for scope in match.scopes)
    return scoped or any(name in PROBE_TYPES for name in match.types)
