# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a session logs in: HTTP Digest (RFC 7616), or HTTP Basic (RFC 7617) where a device offers nothing else.

Basic hands over the password itself. It goes to a device that has proved who it is, over TLS, and to no other. A server
that hands out tokens (RFC 6750) gets the account from its driver alone, never by a login of HTTP.
"""

from __future__ import annotations

import typing as t

from .._thirdparty import requests

if t.TYPE_CHECKING:
    from .._core._secret import Secret
    from ._session import Credentials

__all__ = ["Login", "TokenLogin", "wants_the_password"]


class Login:
    """The login of one session, as ``requests`` takes it.

    Args:
        credentials: The account.
        proven: The device proves who it is before anything is sent to it.
    """

    def __init__(self, credentials: Credentials, *, proven: bool) -> None:
        account = credentials.username, credentials.password.reveal()
        self._digest = requests.auth.HTTPDigestAuth(*account)
        # As bytes: text would go out in Latin-1, in which not every password can be written (RFC 7617, 2.1).
        self._basic = requests.auth.HTTPBasicAuth(*(part.encode() for part in account))
        self._proven = proven
        self._uses_basic = False

    def __call__(self, request: t.Any) -> t.Any:
        """Prepare a request; part of ``requests``' interface.

        Args:
            request: The prepared request.

        Returns:
            The same, logged in as far as the device's challenge is known.
        """
        if self._uses_basic:
            return self._basic(request)
        request = self._digest(request)
        if self._proven:
            request.register_hook("response", self._challenged)
        return request

    def _challenged(self, response: t.Any, **kwargs: t.Any) -> t.Any:
        if not wants_the_password(response):
            return response
        self._uses_basic = True
        again = self._basic(response.request.copy())
        answer = response.connection.send(again, **kwargs)
        answer.history.append(response)
        answer.request = again
        return answer


class TokenLogin:
    """The login by a token (RFC 6750), as ``requests`` takes it.

    Args:
        token: The token; None for a request that is not logged in, such as the one that asks for a token.
    """

    def __init__(self, token: Secret | None) -> None:
        self._token = token

    def __call__(self, request: t.Any) -> t.Any:
        """Prepare a request; part of ``requests``' interface.

        Args:
            request: The prepared request.

        Returns:
            The same, with the token.
        """
        if self._token is not None:
            request.headers["Authorization"] = f"Bearer {self._token.reveal()}"
        return request


def wants_the_password(response: t.Any) -> bool:
    """Whether a device takes nothing but HTTP Basic.

    Args:
        response: Its answer.

    Returns:
        True for such a challenge.
    """
    challenge = response.headers.get("WWW-Authenticate", "").lower()
    return response.status_code == 401 and "digest " not in challenge and "basic" in challenge
