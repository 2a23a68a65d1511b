# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""HTTP Basic hands over the password: to a device that has proved who it is, and to no other."""

from __future__ import annotations

import base64
import typing as t

import pytest
from ansible_collections.camsec.fleet.plugins.module_utils._core._errors import LoginError, PasswordWithheldError
from ansible_collections.camsec.fleet.plugins.module_utils._core._secret import Secret
from ansible_collections.camsec.fleet.plugins.module_utils._transport._connection import Trust

from .conftest import CREDENTIALS, PASSWORD, Exchange, Identity, Server, answer, session, unauthorized

Serve = t.Callable[..., Server]
WANTED = "Basic " + base64.b64encode(f"{CREDENTIALS.username}:{PASSWORD}".encode()).decode()
BASIC = answer(b"", status=401, more='WWW-Authenticate: Basic realm="AXIS_1"\r\n')


def asks_for_the_password(exchange: Exchange) -> None:
    exchange.send(answer() if f"Authorization: {WANTED}" in exchange.head else BASIC)


def test_a_proven_device_gets_it_and_is_asked_once(serve: Serve, identity: Identity) -> None:
    server = serve(asks_for_the_password, tls=identity.context)
    for trust in (Trust(ca_path=identity.path), Trust(spki_sha256=(identity.pin,))):
        server.requests.clear()
        with session(server, scheme="https", trust=trust) as one:
            one.read("/")
            one.post("/", "text/plain", b"body", repeat=False)
            one.change("PATCH", "/x", "application/json", b"{}")
        assert ["Authorization" in head for head in server.requests] == [False, True, True, True]
        assert server.requests[-1].startswith("PATCH /x ")
        assert server.bodies[-2:] == [b"body", b"{}"]


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_any_other_never_sees_it(serve: Serve, identity: Identity, scheme: str) -> None:
    server = serve(asks_for_the_password, tls=identity.context if scheme == "https" else None)
    trust = Trust(any_certificate=True) if scheme == "https" else Trust()
    with session(server, scheme=scheme, trust=trust) as one, pytest.raises(PasswordWithheldError) as caught:
        one.read("/")
    assert "takes the password itself (HTTP Basic) and nothing else" in caught.value.message
    assert PASSWORD not in caught.value.message
    assert len(server.requests) == 1
    assert "Authorization" not in server.requests[0]


def test_a_wrong_password_is_tried_once(serve: Serve, identity: Identity) -> None:
    server = serve(lambda exchange: exchange.send(BASIC), tls=identity.context)
    with (
        session(server, scheme="https", trust=Trust(ca_path=identity.path)) as one,
        pytest.raises(LoginError) as caught,
    ):
        one.read("/")
    assert "found the account was refused" in caught.value.message
    assert ["Authorization" in head for head in server.requests] == [False, True]


def test_digest_comes_first_where_both_are_offered(serve: Serve, identity: Identity) -> None:
    def script(exchange: Exchange) -> None:
        both = unauthorized().replace(
            b"WWW-Authenticate: ", b'WWW-Authenticate: Basic realm="c"\r\nWWW-Authenticate: ', 1
        )
        exchange.send(answer() if "Authorization: Digest" in exchange.head else both)

    server = serve(script, tls=identity.context)
    with session(server, scheme="https", trust=Trust(ca_path=identity.path)) as one:
        one.read("/")
    assert not any("Authorization: Basic" in head for head in server.requests)


def test_what_was_made_is_a_success(serve: Serve) -> None:
    with session(serve(lambda exchange: exchange.send(answer(status=201)))) as one:
        assert one.read("/").status == 201


@pytest.mark.parametrize("challenge", [BASIC, unauthorized()], ids=["basic", "digest"])
def test_a_session_with_a_token_gives_the_account_to_no_challenge(
    serve: Serve, identity: Identity, challenge: bytes
) -> None:
    server = serve(lambda exchange: exchange.send(challenge), tls=identity.context)
    with session(server, scheme="https", trust=Trust(ca_path=identity.path)) as one:
        for token in (None, Secret("t0ken")):
            one.use_token(token)
            with pytest.raises(LoginError):
                one.read("/")
    assert [head.partition("Authorization: ")[2].split("\r\n")[0] for head in server.requests] == ["", "Bearer t0ken"]
