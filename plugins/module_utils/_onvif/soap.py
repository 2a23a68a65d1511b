# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""SOAP 1.2 over a device session: envelopes, faults, and the two logins of ONVIF (Core specification, 5.9 and 5.12).

XML is read without entities, document types and network access.
"""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import secrets
import typing as t

from .._core._errors import LoginError, ProtocolError
from .._thirdparty import etree
from .._transport._session import Answer, DeviceSession, Refused

__all__ = ["TAS", "TDS", "TT", "OnvifFault", "Soap", "element", "text_of"]

TDS: t.Final = "http://www.onvif.org/ver10/device/wsdl"
TAS: t.Final = "http://www.onvif.org/ver10/advancedsecurity/wsdl"
TT: t.Final = "http://www.onvif.org/ver10/schema"
_ENVELOPE: t.Final = "http://www.w3.org/2003/05/soap-envelope"
_WSSE: t.Final = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd"
_WSU: t.Final = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd"
_DIGEST: t.Final = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-username-token-profile-1.0#PasswordDigest"
_BASE64: t.Final = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-soap-message-security-1.0#Base64Binary"
_PREFIXES: t.Final = {"s": _ENVELOPE, "tds": TDS, "tas": TAS, "tt": TT}
_NONCE_BYTES: t.Final = 16

#: An element of a request: its tag with namespace, and its text or its children; None leaves it out.
Content: t.TypeAlias = "str | t.Sequence[tuple[str, Content] | None]"


class OnvifFault(Refused):
    """The device answered with a SOAP fault.

    Args:
        codes: The code and its nested subcodes, without prefixes, outermost first.
    """

    def __init__(self, *, codes: tuple[str, ...], status: int, reason: str, device: str, subject: str) -> None:
        self.codes = codes
        named = "/".join(codes) + (f": {reason}" if reason else "")
        super().__init__(status=status, reason=named, device=device, subject=subject)


def element(tag: str, content: Content) -> t.Any:
    """An XML element.

    Args:
        tag: Its name with namespace, ``{…}Name``.
        content: Its text, or its children in order.

    Returns:
        The element.
    """
    made = etree.Element(tag, nsmap=_PREFIXES)
    if isinstance(content, str):
        made.text = content
        return made
    for child in content:
        if child is not None:
            made.append(element(*child))
    return made


def text_of(parent: t.Any, *tags: str) -> str:
    """The text of an element below another.

    Args:
        parent: Where to begin.
        tags: The way down.

    Returns:
        Its text without blanks around it; empty where it is not.
    """
    found = parent.find("/".join(tags))
    return "" if found is None else (found.text or "").strip()


class Soap:
    """Calls of one device's services over one session.

    HTTP Digest is what the session logs in with. A device that knows WS-UsernameToken alone says so by a fault, and
    gets one from then on, with the time of its own clock.

    Args:
        session: The session.
    """

    def __init__(self, session: DeviceSession) -> None:
        self._session = session
        self._token = False
        self._behind = dt.timedelta()

    def call(self, path: str, namespace: str, operation: str, content: Content = (), *, repeat: bool = True) -> t.Any:
        """One operation.

        Args:
            path: Of the service.
            namespace: Of the service.
            operation: Its name.
            content: What its element holds.
            repeat: It changes nothing: a busy device is asked again for a while.

        Returns:
            The element of its response.

        Raises:
            OnvifFault: The device refused it.
            LoginError: It refused the account.
            ProtocolError: That is no answer to it.
            CamsecError: No answer.
        """
        request = element(f"{{{namespace}}}{operation}", content)
        try:
            return self._ask(path, namespace, operation, request, repeat=repeat)
        except OnvifFault as fault:
            if "NotAuthorized" not in fault.codes:
                raise
        if self._token:
            raise self._not_authorized(operation)
        self._token = True
        return self.call(path, namespace, operation, content, repeat=repeat)

    def _not_authorized(self, operation: str) -> LoginError:
        return LoginError(
            device=self._session.device,
            subject="login",
            found=f"the account was refused for {operation}",
            expected="a user name and password that this device knows, with the administrator's level",
            advice="It was tried once only, since the device may lock itself after several wrong logins.",
        )

    def keep_time(self, device_time: dt.datetime) -> None:
        """Take note of the device's clock, by which it judges a WS-UsernameToken.

        Args:
            device_time: Its present time, UTC.
        """
        self._behind = device_time - dt.datetime.now(tz=dt.UTC)

    def _ask(self, path: str, namespace: str, operation: str, request: t.Any, *, repeat: bool) -> t.Any:
        kind = f'application/soap+xml; charset=utf-8; action="{namespace}/{operation}"'
        try:
            answer = self._session.post(path, kind, self._envelope(request), repeat=repeat)
        except Refused as error:
            if error.answer is None or "xml" not in error.answer.content_type:
                raise
            answer = error.answer
        return self._response(answer, namespace, operation)

    def _envelope(self, request: t.Any) -> bytes:
        envelope = etree.Element(f"{{{_ENVELOPE}}}Envelope", nsmap=_PREFIXES)
        if self._token:
            etree.SubElement(envelope, f"{{{_ENVELOPE}}}Header").append(self._username_token())
        etree.SubElement(envelope, f"{{{_ENVELOPE}}}Body").append(request)
        return t.cast("bytes", etree.tostring(envelope, xml_declaration=True, encoding="utf-8"))

    def _username_token(self) -> t.Any:
        account = self._session.credentials
        nonce = secrets.token_bytes(_NONCE_BYTES)
        created = (dt.datetime.now(tz=dt.UTC) + self._behind).strftime("%Y-%m-%dT%H:%M:%SZ")
        # SHA-1 is what the WS-Security UsernameToken profile has; ONVIF Core 5.9.2 demands it.
        digest = hashlib.sha1(nonce + created.encode() + account.password.reveal().encode(), usedforsecurity=False)
        token = element(
            f"{{{_WSSE}}}UsernameToken",
            (
                (f"{{{_WSSE}}}Username", account.username),
                (f"{{{_WSSE}}}Password", base64.b64encode(digest.digest()).decode()),
                (f"{{{_WSSE}}}Nonce", base64.b64encode(nonce).decode()),
                (f"{{{_WSU}}}Created", created),
            ),
        )
        token.find(f"{{{_WSSE}}}Password").set("Type", _DIGEST)
        token.find(f"{{{_WSSE}}}Nonce").set("EncodingType", _BASE64)
        security = etree.Element(f"{{{_WSSE}}}Security", nsmap={"wsse": _WSSE, "wsu": _WSU})
        security.append(token)
        return security

    def _response(self, answer: Answer, namespace: str, operation: str) -> t.Any:
        body = self._parsed(answer, operation).find(f"{{{_ENVELOPE}}}Body")
        if body is None:
            raise self._unknown(operation, "an envelope without a body")
        fault = body.find(f"{{{_ENVELOPE}}}Fault")
        if fault is not None:
            raise OnvifFault(
                codes=_codes(fault),
                status=answer.status,
                reason=" ".join(text_of(fault, f"{{{_ENVELOPE}}}Reason", f"{{{_ENVELOPE}}}Text").split())[:300],
                device=self._session.device,
                subject=operation,
            )
        response = body.find(f"{{{namespace}}}{operation}Response")
        if response is None:
            shown = ", ".join(etree.QName(child).text for child in body.iterchildren("*"))[:200]
            raise self._unknown(operation, shown or "an empty body")
        return response

    def _parsed(self, answer: Answer, operation: str) -> t.Any:
        parser = etree.XMLParser(
            resolve_entities=False,
            load_dtd=False,
            no_network=True,
            huge_tree=False,
            remove_comments=True,
            remove_pis=True,
        )
        try:
            root = etree.fromstring(answer.body, parser)
        except etree.XMLSyntaxError:
            found = f"{len(answer.body)} bytes of {answer.content_type or 'unnamed type'} that are no XML"
            raise self._unknown(operation, found) from None
        if root.getroottree().docinfo.internalDTD is not None:
            raise self._unknown(operation, "a document type, which SOAP forbids")
        if root.tag != f"{{{_ENVELOPE}}}Envelope":
            raise self._unknown(operation, f"the element {str(root.tag)[:120]}")
        return root

    def _unknown(self, operation: str, found: str) -> ProtocolError:
        return ProtocolError(
            device=self._session.device,
            subject=f"answer to {operation}",
            found=found,
            expected=f"{operation}Response in a SOAP 1.2 envelope",
            advice="Is this address really the device's?",
        )


def _codes(fault: t.Any) -> tuple[str, ...]:
    codes: list[str] = []
    code = fault.find(f"{{{_ENVELOPE}}}Code")
    while code is not None:
        codes.append(text_of(code, f"{{{_ENVELOPE}}}Value").rpartition(":")[2][:80])
        code = code.find(f"{{{_ENVELOPE}}}Subcode")
    return tuple(codes)
