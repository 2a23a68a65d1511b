# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""SOAP 1.2: messages read safely, answers and faults written; no sockets in here."""

from __future__ import annotations

import base64
import dataclasses as dc
import re
import typing as t

from lxml import etree
from lxml.builder import ElementMaker

from ._onvif_catalog import FAULTS, NAMESPACES, FaultCode

__all__ = ["BODY_LIMIT", "CONTENT_TYPE", "Message", "SoapFault", "check_children", "envelope", "maker", "read_message"]

BODY_LIMIT: t.Final = 256 * 1024
CONTENT_TYPE: t.Final = "application/soap+xml; charset=utf-8"
_ENVELOPE: t.Final = f"{{{NAMESPACES['s']}}}"
_UNDERSTOOD: t.Final = frozenset(NAMESPACES[prefix] for prefix in ("wsse", "wsa", "wsa5"))
#: Prefixes that stand in texts, where nobody sees that they are used.
_IN_TEXTS: t.Final = ("ter", "dn", "tds")
_PART: t.Final = re.compile(r"(\w+)([?*+]?)")
_TRUE: t.Final = ("true", "1")
Node = t.Any


class SoapFault(Exception):
    """A refusal by a fault of ONVIF's documents, by the name of its last subcode; the text is a sentence."""

    def __init__(self, name: str, reason: str) -> None:
        super().__init__(reason)
        self.code: FaultCode = FAULTS[name]
        self.reason = reason

    @property
    def status(self) -> int:
        return self.code.status

    def body(self) -> Node:
        subcodes = [name for name in (self.code.subcode, self.code.detail) if name]
        return _fault(self.code.code, subcodes, self.reason)


class EnvelopeFault(SoapFault):
    """A refusal by one of SOAP's own codes, with no subcode."""

    def __init__(self, code: t.Literal["VersionMismatch", "MustUnderstand"], reason: str) -> None:
        super().__init__("WellFormed", reason)
        self._own = code

    @property
    def status(self) -> int:
        return 500

    def body(self) -> Node:
        return _fault(self._own, [], self.reason)


def _add_text(node: Node, text: str) -> None:
    node.text = (node.text or "") + text


def _add_flag(node: Node, value: bool) -> None:
    _add_text(node, "true" if value else "false")


#: What a maker takes as content beside text and elements.
_TYPES: t.Final[dict[type, t.Callable[[Node, t.Any], None]]] = {
    bool: _add_flag,
    int: lambda node, value: _add_text(node, str(value)),
    bytes: lambda node, value: _add_text(node, base64.b64encode(value).decode()),
    type(None): lambda _node, _value: None,
}


def maker(prefix: str, *more: str) -> Node:
    """What makes elements of a namespace, as in `tas.KeyID("key-1")`; `more` are prefixes that texts use."""
    spaces = {name: NAMESPACES[name] for name in (prefix, *more)}
    return ElementMaker(namespace=NAMESPACES[prefix], nsmap=spaces, typemap=_TYPES)


def _fault(code: str, subcodes: t.Sequence[str], reason: str) -> Node:
    s = maker("s")
    below = None
    for name in reversed(subcodes):
        value = etree.Element(f"{_ENVELOPE}Value", nsmap={"ter": NAMESPACES["ter"]})
        value.text = f"ter:{name}"
        below = s.Subcode(value, below)
    text = s.Text(reason)
    text.set("{http://www.w3.org/XML/1998/namespace}lang", "en")
    return s.Fault(s.Code(s.Value(f"s:{code}"), below), s.Reason(text))


def envelope(body: Node, header: t.Sequence[Node] = ()) -> bytes:
    s = maker("s")
    root = s.Envelope(s.Header(*header) if header else None, s.Body(body))
    etree.cleanup_namespaces(root, keep_ns_prefixes=_IN_TEXTS)
    return bytes(etree.tostring(root, xml_declaration=True, encoding="UTF-8"))


# -- reading ---------------------------------------------------------------------------------------------------------


@dc.dataclass(frozen=True, kw_only=True)
class Message:
    """A SOAP message that was read: its body's one element, and its header."""

    body: Node
    header: Node | None

    @property
    def name(self) -> str:
        return str(etree.QName(self.body).localname)

    @property
    def namespace(self) -> str:
        return str(etree.QName(self.body).namespace or "")


def read_message(data: bytes) -> Message:
    """Read a message; SoapFault when it is none, or has what no SOAP message may have."""
    root = _parse(data)
    name = etree.QName(root)
    if name.localname != "Envelope":
        raise SoapFault("WellFormed", f"The message is a {name.localname}, not an Envelope.")
    if root.tag != f"{_ENVELOPE}Envelope":
        raise EnvelopeFault("VersionMismatch", "The envelope is not one of SOAP 1.2.")
    header, body = root.find(f"{_ENVELOPE}Header"), root.find(f"{_ENVELOPE}Body")
    if body is None or len(body) != 1:
        raise SoapFault("WellFormed", "The message has no body, or not exactly one element in it.")
    for block in () if header is None else header:
        must = block.get(f"{_ENVELOPE}mustUnderstand") in _TRUE
        if must and etree.QName(block).namespace not in _UNDERSTOOD:
            raise EnvelopeFault("MustUnderstand", f"The header {etree.QName(block).localname} is not understood.")
    return Message(body=body[0], header=header)


def _parse(data: bytes) -> Node:
    """XML in UTF-8 with no document type; a document type would bring entities, which SOAP forbids."""
    if b"\0" in data or b"<!DOCTYPE" in data:
        raise SoapFault("WellFormed", "The message is not UTF-8, or has a document type; a SOAP message must not.")
    parser = etree.XMLParser(
        encoding="utf-8",
        resolve_entities=False,
        load_dtd=False,
        dtd_validation=False,
        no_network=True,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
    )
    try:
        return etree.fromstring(data, parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        raise SoapFault("WellFormed", "The message is no well-formed XML.") from error


def check_children(node: Node, namespace: str, parts: str) -> None:
    """Refuse an element whose children are not these parts in this order, with `?` `*` `+`: `KeyLength Alias?`."""
    names = []
    for child in node:
        name = etree.QName(child)
        if name.namespace != namespace:
            raise SoapFault("Namespace", f"{name.localname} is not of the namespace {namespace}.")
        names.append(str(name.localname))
    wanted = _PART.findall(parts)
    rest = names
    for part, many in wanted:
        count = 0
        while count < len(rest) and rest[count] == part and (count == 0 or many in ("*", "+")):
            count += 1
        if count == 0 and many in ("", "+"):
            raise _misplaced(part, names)
        rest = rest[count:]
    if rest and rest[0] in {part for part, _many in wanted}:
        raise _misplaced(rest[0], names)
    if rest:
        raise SoapFault("InvalidArgs", f"{rest[0]} is not known here.")


def _misplaced(name: str, names: t.Sequence[str]) -> SoapFault:
    if name in names:
        return SoapFault("TagMismatch", f"{name} is out of order, or comes too often.")
    return SoapFault("InvalidArgs", f"{name} is missing.")
