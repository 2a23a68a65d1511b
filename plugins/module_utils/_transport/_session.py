# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A logged-in conversation with one device: bounded in time and size, no redirects, no secrets in errors."""

from __future__ import annotations

import dataclasses as dc
import re
import ssl
import time
import typing as t

from .._core._errors import (
    ConnectError,
    InputError,
    LoginError,
    PasswordWithheldError,
    ProtocolError,
    RefusedError,
    TrustError,
)
from .._core._secret import Secret
from .._thirdparty import requests, urllib3
from ._connection import AnswerTooBig, AnswerTooSlow, DeviceAdapter, Endpoint, Peer, PinMismatch, Trust
from ._login import Login, TokenLogin, wants_the_password

__all__ = ["Answer", "Credentials", "DeviceSession", "Refused"]

#: A read that a busy device put off is asked again for this long, in seconds, or for three timeouts if that is less.
BUSY_PATIENCE = 30.0
_BUSY_PAUSE = 0.5
#: Yes, and yes, something was made (RFC 9110, 15.3.1 and 15.3.2).
_DONE = frozenset({200, 201})
_REASON = re.compile(r"<H1>\s*(.*?)\s*</H1>", re.IGNORECASE | re.DOTALL)


@dc.dataclass(frozen=True, kw_only=True)
class Credentials:
    """An account on a device.

    Attributes:
        username: Its name.
        password: Its password.
    """

    username: str
    password: Secret


@dc.dataclass(frozen=True, kw_only=True)
class Answer:
    """What the device answered.

    Attributes:
        status: HTTP status.
        content_type: Media type without parameters, lower case.
        body: At most 1 MiB.
    """

    status: int
    content_type: str
    body: bytes

    @property
    def text(self) -> str:
        """The body as text; a UTF-8 byte order mark is dropped."""
        return self.body.decode("utf-8-sig", errors="replace")


class Refused(RefusedError):
    """The device answered with an error status.

    Args:
        status: HTTP status.
        reason: The device's own sentence.
        answer: All of its answer.
    """

    def __init__(
        self,
        *,
        status: int,
        reason: str,
        device: str,
        subject: str,
        advice: str = "",
        answer: Answer | None = None,
    ) -> None:
        self.status = status
        self.reason = reason
        self.answer = answer
        found = f"status {status} ({reason})" if reason else f"status {status}"
        super().__init__(device=device, subject=subject, found=found, expected="status 200", advice=advice)


class DeviceSession:
    """One device, one login, one persistent connection.

    Args:
        device: The device's name in messages.
        endpoint: Where it answers.
        credentials: The account.
        trust: Whose certificate is accepted.
        timeout: Seconds for the connection and for each wait on the device; a whole answer may take thrice as long.

    Raises:
        InputError: There is nothing to verify an HTTPS endpoint by.
    """

    def __init__(
        self, *, device: str, endpoint: Endpoint, credentials: Credentials, trust: Trust, timeout: float
    ) -> None:
        if endpoint.scheme == "https" and not trust.usable:
            raise InputError(
                device=device,
                subject="trust",
                found="neither a CA nor a pin",
                expected="something to verify the device by before anything is sent to it over HTTPS",
            )
        self.device = device
        self.endpoint = endpoint
        self.credentials = credentials
        self.trust = trust
        self._timeout = timeout
        self._adapter = DeviceAdapter(endpoint, trust, seconds=3 * timeout)
        self._session = requests.Session()
        # Neither a proxy nor a .netrc of the user's environment may get between us and the device.
        self._session.trust_env = False
        self._session.headers.clear()
        self._session.mount(endpoint.scheme + "://", self._adapter)
        self._proven = endpoint.scheme == "https" and not trust.any_certificate
        self._session.auth = Login(credentials, proven=self._proven)

    @property
    def peer(self) -> Peer | None:
        """What the newest TLS handshake showed; None over plain HTTP."""
        return self._adapter.peer

    @property
    def proven(self) -> bool:
        """Whether the other end proves who it is, over TLS, before anything is sent to it."""
        return self._proven

    def use_token(self, token: Secret | None) -> None:
        """Log in by a token from now on, and no longer by the account.

        Args:
            token: The token; None for requests without a login.
        """
        self._session.auth = TokenLogin(token)

    def rehearse(self) -> None:
        """Prepare a request that is never sent, so that what the libraries do at their first use is done."""
        self._session.prepare_request(requests.Request("GET", self.endpoint.url + "/"))

    def close(self) -> None:
        """Close the connection."""
        self._session.close()

    def __enter__(self) -> t.Self:
        return self

    def __exit__(self, *details: object) -> None:
        self.close()

    def read(self, path: str, params: t.Mapping[str, str] | None = None) -> Answer:
        """Ask for something that changes nothing; a busy device is asked again for a while.

        Args:
            path: Path on the device.
            params: Query parameters.

        Returns:
            The answer, status 200.

        Raises:
            CamsecError: No answer, or not this one.
        """
        return self._patiently("GET", path, params=params)

    def post(self, path: str, content_type: str, body: bytes, *, repeat: bool) -> Answer:
        """Ask with a body of one's own.

        Args:
            path: Path on the device.
            content_type: Of the body.
            body: What is sent.
            repeat: It changes nothing: a busy device is asked again for a while.

        Returns:
            The answer, status 200.

        Raises:
            CamsecError: No answer, or not this one.
        """
        ask = self._patiently if repeat else self._request
        return ask("POST", path, data=body, headers={"Content-Type": content_type})

    def change(self, method: str, path: str, content_type: str, body: bytes) -> Answer:
        """Ask for a change by a method of one's own, once, as :meth:`write` does.

        Args:
            method: For example ``PATCH``.
            path: Path on the device.
            content_type: Of the body.
            body: What is sent.

        Returns:
            The answer, status 200.

        Raises:
            CamsecError: No answer, or not this one.
        """
        return self._request(method, path, data=body, headers={"Content-Type": content_type})

    def write(
        self,
        path: str,
        *,
        params: t.Mapping[str, str] | None = None,
        form: t.Mapping[str, str] | None = None,
        uploads: t.Sequence[tuple[str, str, bytes]] = (),
    ) -> Answer:
        """Ask for a change, once: a change whose answer was lost is never sent again blindly.

        Args:
            path: Path on the device.
            params: Query parameters.
            form: URL-encoded fields; makes it a POST.
            uploads: Field name, file name and content of each file of a multipart upload; makes it a POST.

        Returns:
            The answer, status 200.

        Raises:
            CamsecError: No answer, or not this one.
        """
        method = "GET" if form is None and not uploads else "POST"
        files = {field: (name, content, "application/octet-stream") for field, name, content in uploads}
        return self._request(method, path, params=params, data=form, files=files or None)

    def _patiently(self, method: str, path: str, **kwargs: t.Any) -> Answer:
        give_up = time.monotonic() + min(BUSY_PATIENCE, 3 * self._timeout)
        while True:
            try:
                return self._request(method, path, **kwargs)
            except Refused as error:
                if error.status != 503 or time.monotonic() > give_up:
                    raise
            time.sleep(_BUSY_PAUSE)

    def _request(self, method: str, path: str, **kwargs: t.Any) -> Answer:
        try:
            response = self._session.request(
                method,
                self.endpoint.url + path,
                timeout=self._timeout,
                stream=True,
                allow_redirects=False,
                **kwargs,
            )
            with response:
                return self._checked(path, response)
        except AnswerTooBig:
            raise self._protocol_error(path, "more than 1 MiB", "an answer of at most 1 MiB") from None
        except AnswerTooSlow:
            expected = f"a whole one within {3 * self._timeout:g} s"
            raise self._protocol_error(path, "an answer that does not end", expected) from None
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError) as error:
            raise self._connection_error(path, error) from None

    def _checked(self, path: str, response: requests.Response) -> Answer:
        if 300 <= response.status_code < 400:
            target = response.headers.get("Location", "nowhere")
            raise self._protocol_error(path, f"a redirect to {target[:200]}", "the answer itself, from this device")
        content_type = response.headers.get("Content-Type", "").split(";")[0].strip().lower()
        answer = Answer(status=response.status_code, content_type=content_type, body=response.content)
        if wants_the_password(response) and not self._proven:
            raise self._password_withheld()
        if answer.status == 401:
            raise LoginError(
                device=self.device,
                subject="login",
                found="the account was refused",
                expected="a user name and password that this device knows",
                advice="It was tried once only, since the device may lock itself after several wrong logins.",
            )
        if answer.status not in _DONE:
            reason = _REASON.search(answer.text)
            text = " ".join(reason.group(1).split())[:300] if reason else ""
            raise Refused(status=answer.status, reason=text, device=self.device, subject=path, answer=answer)
        return answer

    def _password_withheld(self) -> PasswordWithheldError:
        shown = "over plain HTTP" if self.endpoint.scheme == "http" else "behind a certificate that proves nothing"
        return PasswordWithheldError(
            device=self.device,
            subject="login",
            found=f"a device {shown} that takes the password itself (HTTP Basic) and nothing else",
            expected="HTTP Digest, or HTTPS with a certificate that the given CA or pin vouches for",
            advice="Give ca_path or spki_sha256, or a first_contact that covers plain HTTP, where many take Digest.",
        )

    def _protocol_error(self, path: str, found: str, expected: str) -> ProtocolError:
        return ProtocolError(device=self.device, subject=f"answer to {path}", found=found, expected=expected)

    def _connection_error(self, path: str, error: Exception) -> ConnectError | TrustError:
        cause = _root_cause(error)
        where = f"{self.endpoint.host} port {self.endpoint.port}"
        if isinstance(cause, (ssl.SSLCertVerificationError, PinMismatch)):
            return TrustError(
                device=self.device,
                subject=f"certificate at {where}",
                found=getattr(cause, "verify_message", "") or str(cause),
                expected="one that the given CA or pin vouches for, with this host among its names",
            )
        found = getattr(cause, "strerror", None) or " ".join(str(cause).split())[:200] or type(cause).__name__
        if isinstance(error, requests.Timeout) or isinstance(cause, TimeoutError):
            found = f"no answer within {self._timeout:g} s"
        return ConnectError(
            device=self.device,
            subject=f"{self.endpoint.scheme.upper()} connection to {where} ({path})",
            found=found,
            expected="a whole answer",
        )


def _root_cause(error: BaseException) -> BaseException:
    """The innermost reason: requests and urllib3 wrap it several times, partly only as an argument.

    ``__context__`` is not followed: it leads to whatever was being handled when this request was made.
    """
    seen = error
    while True:
        inner = next(
            (arg for arg in (*seen.args, getattr(seen, "reason", None)) if isinstance(arg, BaseException)), None
        )
        inner = inner or seen.__cause__
        if inner is None:
            return seen
        seen = inner
