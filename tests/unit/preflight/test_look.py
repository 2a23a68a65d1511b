# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A whole look at servers that are made to be right or wrong, judged by openssl."""

from __future__ import annotations

import dataclasses as dc
import ssl
import typing as t

import pytest
from ansible_collections.camsec.fleet.extensions.simulator.testing import QuirkyFtpesServer
from ansible_collections.camsec.fleet.plugins.module_utils._core._errors import (
    CamsecError,
    ConnectError,
    InputError,
    LoginError,
    ProtocolError,
    RefusedError,
)
from ansible_collections.camsec.fleet.plugins.module_utils._core._secret import Secret
from ansible_collections.camsec.fleet.plugins.module_utils._preflight._login import Account
from ansible_collections.camsec.fleet.plugins.module_utils._preflight._look import look_at
from ansible_collections.camsec.fleet.plugins.module_utils._preflight._report import as_lines, report
from ansible_collections.camsec.fleet.plugins.module_utils._tls._suites import TLS12_SUITES

RSA_SUITES = "ECDHE-RSA-AES256-GCM-SHA384:ECDHE-RSA-AES128-GCM-SHA256"
ALL = "ALL:COMPLEMENTOFALL:@SECLEVEL=0"


def names(told: dict[str, t.Any]) -> set[str]:
    by_name = {suite.iana_name: suite.openssl_name for suite in TLS12_SUITES}
    return {by_name[one["name"]] for one in told["control"]["suites"]}


def told_of(order: t.Any) -> dict[str, t.Any]:
    told = report(look_at(order), order)
    assert all(line.isprintable() for line in as_lines(told))
    return told


@pytest.mark.parametrize("kinds", [("rsa",), ("ecdsa",), ("rsa", "ecdsa")], ids="+".join)
def test_the_set_is_what_openssl_gets(tools: t.Any, pki: t.Any, kinds: tuple[str, ...]) -> None:
    with tools.Server(pairs=tuple(getattr(pki, kind) for kind in kinds), ciphers=ALL) as server:
        told = told_of(tools.order(server, pki))
        judged = tools.taken_by_openssl(server.port, [suite.openssl_name for suite in TLS12_SUITES])
    assert names(told) == judged
    assert len(judged) >= 5
    assert told["verdict"] == "recommended"
    assert {chain["key_type"] for chain in told["chains"]} == set(kinds)
    assert all(chain["trusted"] and not chain["problems"] for chain in told["chains"])
    assert told["control"]["protocols"] == {
        "TLSv1.3": True, "TLSv1.2": True, "TLSv1.1": False, "TLSv1.0": False, "SSLv3": False,
    }  # fmt: skip
    assert [one["name"] for one in told["control"]["tls13_suites"]]


def test_suites_that_the_local_openssl_would_not_offer_are_found(tools: t.Any, pki: t.Any) -> None:
    offered = {one["name"] for one in ssl.create_default_context().get_ciphers()}
    assert "AES128-SHA" not in offered or "DHE-RSA-AES256-SHA" not in offered
    with tools.Server(pairs=(pki.rsa,), ciphers="AES128-SHA:AES256-SHA256:NULL-SHA256:@SECLEVEL=0") as server:
        told = told_of(tools.order(server, pki))
    assert names(told) == {"AES128-SHA", "AES256-SHA256"}
    assert told["control"]["other_suites"] == ["TLS_RSA_WITH_NULL_SHA256"]
    assert told["verdict"] == "only_deprecated"
    assert any(one["level"] == "problem" and "NULL" in one["text"] for one in told["findings"])


@pytest.mark.parametrize("own", [True, False], ids=["server", "client"])
def test_whose_order_decides(tools: t.Any, pki: t.Any, own: bool) -> None:
    ciphers = "AES128-SHA256:ECDHE-RSA-AES128-GCM-SHA256:AES256-SHA256:@SECLEVEL=0"
    with tools.Server(pairs=(pki.rsa,), ciphers=ciphers, server_order=own) as server:
        told = told_of(tools.order(server, pki))
    camera = told["cameras"][0]
    if own:
        assert told["control"]["preference"] == "server"
        assert [one["code_point"] for one in told["control"]["suites"]] == ["0x003C", "0xC02F", "0x003D"]
        assert camera["control"]["recommended_first"] == camera["control"]["recommended_last"]
        assert camera["verdict"] == "only_deprecated"
        assert "although it takes 1 recommended suite" in camera["reason"]
    else:
        assert told["control"]["preference"] == "client"
        assert camera["verdict"] == "recommended"
        assert camera["control"]["recommended_first"] == "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"
        assert camera["control"]["recommended_last"] == "TLS_RSA_WITH_AES_128_CBC_SHA256"
        assert "the client's order decides" in camera["reason"]


def test_one_recommended_suite_left(tools: t.Any, pki: t.Any) -> None:
    ciphers = "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-ECDSA-AES128-GCM-SHA256"
    with tools.Server(pairs=(pki.ecdsa,), ciphers=ciphers) as server:
        told = told_of(tools.order(server, pki))
    assert told["reason"].endswith(
        "ECDSA certificate: one recommended suite left (TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384)."
    )
    assert told["remedies"] == []


def test_tls_13_only(tools: t.Any, pki: t.Any) -> None:
    with tools.Server(pairs=(pki.rsa,), oldest=ssl.TLSVersion.TLSv1_3) as server:
        told = told_of(tools.order(server, pki))
    assert (told["verdict"], told["cameras"][0]["reason"]) == ("unreachable", "TLS 1.3 only: this camera offers none.")
    assert told["chains"][0]["trusted"] is True
    assert {one["server"] for one in told["remedies"]} >= {"vsftpd", "proftpd", "pure-ftpd", "camsec-ftpes-server"}


def test_only_old_versions(tools: t.Any, pki: t.Any) -> None:
    with tools.Server(pairs=(pki.rsa,), oldest=ssl.TLSVersion.TLSv1, newest=ssl.TLSVersion.TLSv1_1) as server:
        told = told_of(tools.order(server, pki))
    assert told["control"]["protocols"]["TLSv1.1"]
    assert told["control"]["protocols"]["TLSv1.0"]
    assert told["cameras"][0]["reason"].startswith("Nothing newer than TLSv1.1")


def test_a_model_with_fewer_suites_may_be_worse_off(tools: t.Any, pki: t.Any) -> None:
    with tools.Server(pairs=(pki.rsa,), ciphers="AES128-SHA:@SECLEVEL=0") as server:
        told = told_of(tools.order(server, pki))
    assert [one["verdict"] for one in told["cameras"]] == ["only_deprecated", "unreachable", "unreachable"]
    assert told["verdict"] == "unreachable"
    assert "none of this camera's 13 suites" in told["cameras"][1]["reason"]


@pytest.mark.parametrize(
    ("pair", "root", "words"),
    [
        ("expired", "root", "expired on "),
        ("elsewhere", "root", "The certificate is for DNS:ftp.example, not for 127.61.7.1."),
        ("rsa", "other", "its issuer CN=Test root is neither sent nor on the card"),
    ],
)
def test_a_chain_that_does_not_hold(tools: t.Any, pki: t.Any, pair: str, root: str, words: str) -> None:
    card = getattr(pki, root).certificate.read_text()
    with tools.Server(pairs=(getattr(pki, pair),)) as server:
        told = told_of(tools.order(server, pki, login=True, card=card))
        assert server.asked == [], "the password goes to a verified server only"
    assert told["verdict"] == "unreachable"
    assert any(words in problem for problem in told["chains"][0]["problems"]), told["chains"]
    assert words in told["reason"]
    assert told["data"]["looked_at"] is False
    assert told["chains"][0]["trusted"] is (root == "root")


def test_the_other_name_may_be_asked_for(tools: t.Any, pki: t.Any) -> None:
    with tools.Server(pairs=(pki.elsewhere,)) as server:
        told = told_of(tools.order(server, pki, server_name="ftp.example"))
    assert told["verdict"] == "recommended"


def test_what_is_weak_and_what_ends_soon_is_told(tools: t.Any, pki: t.Any) -> None:
    with tools.Server(pairs=(pki.small,)) as server:
        told = told_of(tools.order(server, pki))
    text = " ".join(one["text"] for one in told["findings"])
    assert "has 1024 bits" in text
    assert "The certificate of CN=small ends on" in text


def test_without_a_card_nothing_is_said_about_trust(tools: t.Any, pki: t.Any) -> None:
    with tools.Server(pairs=(pki.rsa,)) as server:
        told = told_of(tools.order(server))
    assert told["verdict"] == "recommended"
    assert told["chains"][0]["trusted"] is None
    assert told["data"]["skipped"] == "no login was given."


def test_a_server_that_limits_connections_is_given_time(tools: t.Any, pki: t.Any) -> None:
    with tools.Server(pairs=(pki.rsa,), at_a_time=2) as server:
        told = told_of(tools.order(server, pki, parallel=8))
        judged = tools.taken_by_openssl(server.port, [suite.openssl_name for suite in TLS12_SUITES])
    assert names(told) == judged


def test_a_server_that_hangs_up_instead_of_refusing(tools: t.Any, pki: t.Any) -> None:
    with tools.Server(pairs=(pki.rsa,), ciphers=RSA_SUITES, silent=True) as server:
        offered = tools.order(server)
        control = look_at(offered).control
    assert [f"0x{one:04X}" for one in control.tls12] == ["0xC030", "0xC02F"]


def test_a_login_shows_the_data_channel(tools: t.Any, pki: t.Any) -> None:
    with tools.Server(pairs=(pki.rsa,), ciphers=f"{RSA_SUITES}:AES128-SHA:@SECLEVEL=0") as server:
        told = told_of(tools.order(server, pki, login=True))
        asked = set(server.asked)
    assert told["data"]["looked_at"]
    assert {one["name"] for one in told["data"]["suites"]} == {one["name"] for one in told["control"]["suites"]}
    assert told["cameras"][0]["data"] == told["cameras"][0]["control"]
    assert told["features"] == ["HASH SHA-256"]
    assert {line.split()[0] for line in asked} <= {
        "USER", "PASS", "PBSZ", "PROT", "FEAT", "EPSV", "PASV", "LIST", "NOOP", "QUIT",
    }  # fmt: skip
    assert tools.password not in str(told)


def test_a_data_channel_that_takes_less(tools: t.Any, pki: t.Any) -> None:
    with tools.Server(pairs=(pki.rsa,), ciphers=RSA_SUITES, data_ciphers="AES128-GCM-SHA256:AES128-SHA") as server:
        told = told_of(tools.order(server, pki, login=True, models=tools.order(server).models[:1]))
    assert {one["code_point"] for one in told["data"]["suites"]} == {"0x002F"}
    assert told["verdict"] == "only_deprecated"
    assert "on the data channel" in told["reason"]


def test_demanded_resumption_is_noticed(tools: t.Any, pki: t.Any) -> None:
    with tools.Server(pairs=(pki.rsa,), ciphers=RSA_SUITES, demand_reuse=True) as server:
        told = told_of(tools.order(server, pki, login=True))
    assert told["data"]["session_reuse"] == "demanded"
    assert all(one["resumed"] and one["completed"] for one in told["data"]["listings"])
    assert told["data"]["without_resumption"]["reply"] == "522 session reuse required"
    assert told["cameras"][0]["data"] == told["cameras"][0]["control"]


def test_a_foreign_passive_address_is_not_followed(tools: t.Any, pki: t.Any) -> None:
    with tools.Server(pairs=(pki.rsa,), ciphers=RSA_SUITES, epsv=False) as server:
        told = told_of(tools.order(server, pki, login=True))
    assert told["data"]["session_reuse"] == "offered"
    assert told["data"]["foreign_address"] == "10.1.2.3"
    assert any("PASV names the address 10.1.2.3" in one["text"] for one in told["findings"])


@pytest.mark.parametrize("quirk", ["no_close_notify", "late_450", "foreign_address", "no_epsv", "no_final_answer"])
def test_servers_of_another_make_do_not_mislead_it(tools: t.Any, quirk: str) -> None:
    with QuirkyFtpesServer(quirk=quirk, host=tools.address, tls="1.2") as server:
        told = told_of(
            tools.order(
                server,
                card=server.ca_pem,
                account=Account(user=server.user, password=Secret(server.password)),
            )
        )
        judged = tools.taken_by_openssl(server.port, [suite.openssl_name for suite in TLS12_SUITES])
    assert names(told) == judged
    assert {one["name"] for one in told["data"]["suites"]} == {one["name"] for one in told["control"]["suites"]}
    assert all(one["resumed"] and one["completed"] for one in told["data"]["listings"])


@pytest.mark.parametrize(
    ("quirk", "words"),
    [
        ("no_auth", "AUTH TLS"),
        ("no_prot", "PROT P"),
        ("inject", "more text in the clear"),
        ("endless_answer", "more than 8 KiB"),
        ("refuse_login", "login as camsec"),
        ("drop_tls", "stays connected after the handshake"),
        ("drop_connection", "stays connected after the handshake"),
    ],
)
def test_quirks_that_end_it_get_one_sentence(tools: t.Any, quirk: str, words: str) -> None:
    with QuirkyFtpesServer(quirk=quirk, host=tools.address) as server, pytest.raises(CamsecError, match=words) as error:
        look_at(
            tools.order(
                server,
                card=server.ca_pem,
                account=Account(user=server.user, password=Secret(server.password)),
            )
        )
    assert server.password not in error.value.message


@pytest.mark.parametrize(
    ("changes", "kind", "words"),
    [
        ({"greeting": "SSH-2.0-OpenSSH_9.2"}, ProtocolError, "an answer that is not FTP"),
        ({"greeting": "554 go away\x1b[2J"}, RefusedError, r"554 go away\?\[2J"),
        ({"greeting": "220-" + "x" * 9000}, ProtocolError, "more than 8 KiB"),
        ({"greeting": "220-a\r\n" + "b" * 7000 + "\r\n" + ("c" * 7000 + "\r\n") * 12}, ProtocolError, "64 KiB"),
        ({"auth_reply": "502 no TLS here"}, RefusedError, r"AUTH TLS.*502 no TLS here.*FTP-10"),
        ({"after_auth": b"230 trust me\r\n"}, CamsecError, "more text in the clear|not TLS"),
        ({"pass_reply": "530 wrong"}, LoginError, r"login as evidence.*530 wrong.*tried once"),
        ({"pass_reply": "530 Reel-7-of-9 is wrong"}, LoginError, r"530 \*\*\* is wrong"),
        ({"drop_after": "USER"}, ConnectError, "a connection that was closed.*after the handshake"),
        ({"drop_after": "PROT"}, ConnectError, "a connection that was closed.*after the handshake"),
    ],
)
def test_bad_servers_get_one_sentence(
    tools: t.Any, pki: t.Any, changes: dict[str, t.Any], kind: type[CamsecError], words: str
) -> None:
    with tools.Server(pairs=(pki.rsa,), **changes) as server:
        with pytest.raises(kind, match=words) as error:
            look_at(tools.order(server, pki, login=True))
        tries = sum(line.startswith("PASS") for line in server.asked)
    assert tools.password not in error.value.message
    assert error.value.message.isprintable()
    assert tries <= 1


def test_nobody_there(tools: t.Any, pki: t.Any) -> None:
    with tools.Server(pairs=(pki.rsa,)) as server:
        order = tools.order(server)
    with pytest.raises(ConnectError, match="connection refused"):
        look_at(order)
    with pytest.raises(ConnectError, match="does not resolve"):
        look_at(dc.replace(order, host="no.such.host.invalid"))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"port": 0}, "1 to 65535"),
        ({"host": "a b"}, "an address or a host name"),
        ({"timeout": 0.0}, "timeout"),
        ({"time_limit": 0.0}, "time limit"),
        ({"parallel": 0}, "connections at a time"),
        ({"models": ()}, "at least one"),
        ({"card": None, "login": True}, "a verified server only"),
    ],
)
def test_what_cannot_be_looked_at(tools: t.Any, pki: t.Any, changes: dict[str, t.Any], words: str) -> None:
    with tools.Server(pairs=(pki.rsa,)) as server, pytest.raises(InputError, match=words):
        look_at(tools.order(server, pki, **changes))
