# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The calls of Milestone XProtect's API Gateway that concern encryption, and nothing else: no decisions, no rules.

How sure each call is stands in ``docs/wire_vms.md``; none was tried on a real VMS. A basic user's password buys a token
(RFC 6749, 4.3), every other call carries the token. The password is the account itself, so it goes to a server that has
proved who it is, or over plain HTTP where the operator has said so, and to no other.
"""

from __future__ import annotations

import dataclasses as dc
import json
import re
import typing as t
import urllib.parse

from .._core._errors import (
    CamsecError,
    InputError,
    LoginError,
    PasswordWithheldError,
    ProtocolError,
    RefusedError,
)
from .._core._secret import Secret
from .._transport._session import Answer, DeviceSession, Refused

__all__ = ["GatewayApi", "Hardware", "Recorder", "is_id"]

_IDP = "/API/IDP/connect/token"
_API = "/api/rest/v1"
_CLIENT = "GrantValidatorClient"
_FORM = "application/x-www-form-urlencoded"
_JSON = "application/json"
#: Objects of one page; all hardware of a large site in one answer would be more than the transport takes.
_PAGE = 200
_MOST_PAGES = 1000
#: Collections of these are answered with 400: they are read by id, or below their parent (FIELD).
_NO_COLLECTION: t.Final = frozenset({"storages", "hardwareDriverSettings"})
_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_TOKEN_TEXT = re.compile(r"[\x21-\x7e]{1,16384}")
#: What the identity provider says of a refused login (FIELD); nothing else of its answer is shown.
_LOGIN_WORDS: t.Final[t.Mapping[str, str]] = {
    "invalid_username_or_password": "the user name or the password was refused",
    "LockedOut": "the account is locked",
}
_ADVICE = "Is this the management server, and is the API Gateway installed on it (XProtect 2021 R2 or newer)?"
#: Spelt in both ways, depending on the version (FIELD).
_SETTINGS_KEYS: t.Final = ("hardwareDriverSettings", "HardwareDriverSettings")

Json = dict[str, t.Any]


@dc.dataclass(frozen=True, kw_only=True)
class Hardware:
    """A camera or encoder, as the VMS has it.

    Attributes:
        id: Its GUID.
        name: Its name.
        address: Where the recording server finds it, as the VMS has it: a URL.
        model: Its model.
        enabled: It is in use.
        recording_server_id: GUID of its recording server, or empty.
    """

    id: str
    name: str
    address: str
    model: str
    enabled: bool
    recording_server_id: str

    @property
    def host(self) -> str:
        """The address without scheme, port and path."""
        url = self.address if "//" in self.address else f"//{self.address}"
        try:
            return urllib.parse.urlsplit(url).hostname or ""
        except ValueError:
            return ""


@dc.dataclass(frozen=True, kw_only=True)
class Recorder:
    """A recording server or failover recording server, as the VMS has it.

    Attributes:
        id: Its GUID.
        name: Its name.
        host_name: Its host.
        enabled: It is in use.
        failover: It is a failover recording server.
        web_server_uri: Where clients fetch streams.
    """

    id: str
    name: str
    host_name: str
    enabled: bool
    failover: bool
    web_server_uri: str

    @property
    def streams_encrypted(self) -> bool | None:
        """Whether clients fetch streams by TLS; None when the VMS does not tell."""
        scheme = self.web_server_uri.partition(":")[0].lower()
        return {"https": True, "http": False}.get(scheme)

    def shown(self) -> dict[str, t.Any]:
        """The server as a result shows it."""
        return {**dc.asdict(self), "streams_encrypted": self.streams_encrypted}


def is_id(text: str) -> bool:
    """Whether a text is the id of an object.

    Args:
        text: Any text.

    Returns:
        True for a GUID.
    """
    return _ID.fullmatch(text) is not None


class GatewayApi:
    """The calls of one API Gateway.

    Args:
        session: Where it answers; its account is a basic user of the VMS.
    """

    def __init__(self, session: DeviceSession) -> None:
        self.session = session

    @property
    def device(self) -> str:
        """The management server's name in messages."""
        return self.session.device

    # The token.

    def login(self) -> None:
        """Buy a token with the account (OFFICIAL).

        Raises:
            PasswordWithheldError: The server has not proved who it is.
            LoginError: The account was refused.
            ProtocolError: It is no API Gateway.
        """
        if self.session.endpoint.scheme == "https" and not self.session.proven:
            raise PasswordWithheldError(
                device=self.device,
                subject="login",
                found="a certificate that proves nothing",
                expected="one that the given CA or pin vouches for",
            )
        self.session.use_token(None)
        account = self.session.credentials
        form = {
            "grant_type": "password",
            "username": account.username,
            "password": account.password.reveal(),
            "client_id": _CLIENT,
        }
        try:
            answer = self.session.post(_IDP, _FORM, urllib.parse.urlencode(form).encode(), repeat=False)
        except Refused as error:
            raise self._no_token(error) from None
        token = self._object(_IDP, answer).get("access_token")
        if not isinstance(token, str) or not _TOKEN_TEXT.fullmatch(token):
            raise self._not_understood(_IDP, "no access_token", "a token", advice=_ADVICE)
        self.session.use_token(Secret(token))

    def _no_token(self, error: Refused) -> CamsecError:
        try:
            told = json.loads(error.answer.body) if error.answer is not None else None
        except ValueError:
            told = None
        if error.status != 400 or not isinstance(told, dict) or "error" not in told:
            return self._not_understood(_IDP, f"status {error.status}", "a token", advice=_ADVICE)
        return LoginError(
            device=self.device,
            subject="login",
            found=_LOGIN_WORDS.get(str(told.get("error_description")), "the account was refused"),
            expected="name and password of a basic user of this VMS",
            advice="It was tried once only, since the VMS may lock the account after several wrong logins.",
        )

    # Reading.

    def collection(self, kind: str) -> list[Json]:
        """All objects of a kind, those that are not enabled among them (OFFICIAL; pages FIELD).

        Args:
            kind: For example ``hardware``.

        Returns:
            The objects, each once.

        Raises:
            CamsecError: No answer, or not this one.
        """
        if kind in _NO_COLLECTION:
            raise ValueError(f"{kind} have no collection")
        return self._pages(kind)

    def children(self, kind: str, parent: str, child: str) -> list[Json]:
        """All objects of a kind below one object (OFFICIAL; pages FIELD).

        Args:
            kind: The parent's, for example ``recordingServers``.
            parent: The parent's id.
            child: For example ``hardware``.

        Returns:
            The objects, each once.

        Raises:
            CamsecError: No answer, or not this one.
        """
        return self._pages(f"{kind}/{self._checked_id(parent)}/{child}")

    def item(self, kind: str, name: str) -> Json:
        """One object (OFFICIAL).

        Args:
            kind: For example ``hardware``.
            name: Its id.

        Returns:
            The object.

        Raises:
            InputError: There is none with this id.
            CamsecError: No answer, or not this one.
        """
        path = f"{_API}/{kind}/{self._checked_id(name)}"
        try:
            return self._data(path, self._get(path))
        except Refused as error:
            if error.status != 404:
                raise
            raise InputError(
                device=self.device, subject=kind, found=f"nothing with the id {name}", expected="one of this VMS"
            ) from None

    def hardware(self, recording_server: str | None = None) -> list[Hardware]:
        """All hardware.

        Args:
            recording_server: Id of a recording server: only its own.

        Returns:
            The hardware.
        """
        found = (
            self.collection("hardware")
            if recording_server is None
            else self.children("recordingServers", recording_server, "hardware")
        )
        return [self._hardware(one) for one in found]

    def one_hardware(self, name: str) -> Hardware:
        """One piece of hardware.

        Args:
            name: Its id.

        Returns:
            The hardware.

        Raises:
            InputError: There is none with this id.
        """
        return self._hardware(self.item("hardware", name))

    def recording_servers(self) -> list[Recorder]:
        """All recording servers."""
        return [self._recorder(one, failover=False) for one in self.collection("recordingServers")]

    def failover_recorders(self) -> list[Recorder]:
        """All failover recording servers."""
        return [self._recorder(one, failover=True) for one in self.collection("failoverRecorders")]

    def driver_settings(self, name: str) -> Json:
        """The driver's settings of one piece of hardware (FIELD).

        Args:
            name: The hardware's id.

        Returns:
            The settings by the names that the API gives them.
        """
        data = self.item("hardwareDriverSettings", name)
        found = next((data[key] for key in _SETTINGS_KEYS if isinstance(data.get(key), dict)), None)
        if found is None:
            path = f"{_API}/hardwareDriverSettings/{name}"
            raise self._not_understood(path, "no hardwareDriverSettings", "the settings of the driver")
        return t.cast("Json", found)

    # Writing.

    def change_driver_settings(self, name: str, changes: t.Mapping[str, t.Any]) -> None:
        """Change some of the driver's settings of one piece of hardware.

        INFERRED: other resources of this API are changed by PATCH with the fields that change (OFFICIAL); that this one
        is too, and in the shape in which it is read, no public source shows.

        Args:
            name: The hardware's id.
            changes: The settings by the names that the API gives them, each in the form in which it was read.
        """
        path = f"{_API}/hardwareDriverSettings/{self._checked_id(name)}"
        body = json.dumps({_SETTINGS_KEYS[0]: dict(changes)}).encode()
        self._with_token(lambda: self.session.change("PATCH", path, _JSON, body))

    # Parts.

    def _pages(self, path: str) -> list[Json]:
        found: dict[str, Json] = {}
        for number in range(_MOST_PAGES):
            where = f"{_API}/{path}?disabled&page={number}&size={_PAGE}"
            array = self._object(where, self._get(where)).get("array")
            if not isinstance(array, list) or not all(isinstance(one, dict) for one in array):
                raise self._not_understood(where, "no array", "a collection")
            fresh = {self._text(one, "id"): one for one in array}
            known = fresh.keys() <= found.keys()
            found = {**found, **fresh}
            # A server that knows no pages gives all of them, or the same again.
            if known or len(array) != _PAGE:
                break
        return list(found.values())

    def _get(self, path: str) -> Answer:
        return self._with_token(lambda: self.session.read(path))

    def _with_token(self, ask: t.Callable[[], Answer]) -> Answer:
        """A token ends while a long run lasts: it is bought anew once, and what was refused for it is asked again."""
        try:
            answer = _unless_token_refused(ask)
            if answer is None:
                self.login()
                answer = _unless_token_refused(ask)
        except Refused as error:
            raise self._in_its_words(error) from None
        if answer is None:
            raise RefusedError(
                device=self.device,
                subject="token",
                found="a new token that is refused as well",
                expected="an account that may use the API",
            )
        return answer

    def _in_its_words(self, error: Refused) -> Refused:
        """With the sentence that the gateway puts into its JSON."""
        try:
            told = json.loads(error.answer.body) if error.answer is not None else {}
            words = str(told["error"]["details"][0]["errorText"])
        except (ValueError, LookupError, TypeError):
            words = error.reason
        rights = (
            "The account's role needs the right to read, and to change, the hardware." if error.status == 403 else ""
        )
        return Refused(
            status=error.status,
            reason=" ".join(words.split())[:200],
            device=error.device,
            subject=error.subject,
            advice=rights,
            answer=error.answer,
        )

    def _hardware(self, one: Json) -> Hardware:
        return Hardware(
            id=self._text(one, "id"),
            name=str(one.get("displayName") or one.get("name") or ""),
            address=str(one.get("address") or ""),
            model=str(one.get("model") or ""),
            enabled=one.get("enabled") is not False,
            recording_server_id=_parent(one, "recordingServers"),
        )

    def _recorder(self, one: Json, *, failover: bool) -> Recorder:
        return Recorder(
            id=self._text(one, "id"),
            name=str(one.get("displayName") or one.get("name") or ""),
            host_name=str(one.get("hostName") or ""),
            enabled=one.get("enabled") is not False,
            failover=failover,
            web_server_uri=str(one.get("webServerUri") or ""),
        )

    def _text(self, one: Json, field: str) -> str:
        value = one.get(field)
        if not isinstance(value, str) or not is_id(value):
            raise self._not_understood(_API, f"an object whose {field} is no GUID", "objects with an id")
        return value.lower()

    def _checked_id(self, name: str) -> str:
        if not is_id(name):
            raise InputError(device=self.device, subject="id", found=repr(name[:80]), expected="a GUID")
        return name.lower()

    def _data(self, path: str, answer: Answer) -> Json:
        data = self._object(path, answer).get("data")
        if not isinstance(data, dict):
            raise self._not_understood(path, "no data", "an object")
        return data

    def _object(self, path: str, answer: Answer) -> Json:
        try:
            found = json.loads(answer.body)
        except ValueError:
            found = None
        if not isinstance(found, dict):
            what = answer.content_type or "something"
            raise self._not_understood(path, f"{what} that is no JSON object", "the API's JSON", advice=_ADVICE)
        return found

    def _not_understood(self, path: str, found: str, expected: str, *, advice: str = "") -> ProtocolError:
        return ProtocolError(
            device=self.device, subject=f"answer to {path}", found=found, expected=expected, advice=advice
        )


def _unless_token_refused(ask: t.Callable[[], Answer]) -> Answer | None:
    try:
        return ask()
    except LoginError:
        return None


def _parent(one: Json, kind: str) -> str:
    relations = one.get("relations")
    parent = relations.get("parent") if isinstance(relations, dict) else None
    if not isinstance(parent, dict) or parent.get("type") != kind:
        return ""
    return str(parent.get("id") or "").lower()
