# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""`storage_certificate_info`: what lies on a card, the ledger, and which cards stop uploading."""

from __future__ import annotations

import datetime as dt
import pathlib
import typing as t

import pytest
from ansible_collections.camsec.fleet.extensions.simulator.testing import QuirkyFtpesServer
from ansible_collections.camsec.fleet.plugins.module_utils._storage.ledger import CardLedger, Holding, KnownServer, Root

from .conftest import Bench, Maker, Result, dated

HOST = "127.64.0.3"
Makers = t.Callable[..., Maker]


def outcomes(result: Result) -> dict[str, str]:
    return {one["card"]: one["outcome"] for one in result["cards"]}


def test_what_lies_on_a_card(bench: Bench, makers: Makers) -> None:
    def file() -> Result:
        answer = bench.info(path=str(bench.card), require_mount=False)
        assert not answer["changed"]
        found: Result = answer["file"]
        return found

    assert file()["exists"] is False
    bench(certificate_path=str(makers().path))
    assert [one["subject"] for one in file()["certificates"]] == ["CN=Studio Root"]
    assert file()["problem"] == ""
    bench.file.write_text("x")
    assert file()["problem"] == "no PEM block"


def test_rotating_a_root_says_which_cards_stop(bench: Bench, makers: Makers) -> None:
    old, new = makers("Studio Root"), makers("Other Root")
    bench(card="A001", certificate_path=str(old.path))
    bench(card="A002", certificate_path=str(new.path))
    bench(card="A003", certificate_content=old.pem + new.pem)
    bench(card="A004", certificate_path=str(old.path))
    bench(card="A004", state="absent")
    assert bench.info()["stopping"] == []
    for given in (old.pem, old.sha256, old.sha256.upper()):
        told = bench.info(retiring=[given])
        assert outcomes(told) == {"A001": "stops", "A002": "goes_on", "A003": "may_stop"}
        assert told["stopping"] == ["A001"]
    reasons = {one["card"]: one["reason"] for one in told["cards"]}
    assert reasons["A001"] == "CN=Studio Root is retired; it holds no other root."
    assert "goes on only with servers whose new certificate ends at CN=Other Root" in reasons["A003"]
    assert outcomes(bench.info(retiring=[old.sha256, new.sha256])) == dict.fromkeys(("A001", "A002", "A003"), "stops")
    bench(card="A001", certificate_path=str(new.path))
    assert bench.info(retiring=[old.pem])["stopping"] == []
    history = bench.info(card="A001")["history"]
    assert [one["roots"][0]["subject"] for one in history] == ["CN=Studio Root", "CN=Other Root"]
    assert [one["content_sha256"] != "" for one in bench.info(card="A004")["history"]] == [True, False]


def test_card_whose_servers_use_the_other_root_goes_on(bench: Bench, makers: Makers) -> None:
    old, new = makers("Studio Root"), makers("Other Root")
    certificate, key = new.issue(HOST)
    with QuirkyFtpesServer(host=HOST, certificate=certificate, key=key) as server:
        servers = [{"host": HOST, "port": server.port}]
        bench(certificate_content=old.pem + new.pem, servers=servers)
    told = bench.info(retiring=[old.pem])
    assert outcomes(told) == {"A001": "goes_on"}
    assert told["cards"][0]["reason"].endswith("its servers were verified by CN=Other Root.")
    assert outcomes(bench.info(retiring=[new.pem])) == {"A001": "may_stop"}


def test_root_that_will_have_ended(bench: Bench) -> None:
    soon = dt.datetime.now(dt.UTC) + dt.timedelta(days=20)
    bench(certificate_content=dated("Short Root", "2020-01-01", soon.strftime("%Y-%m-%d")))
    assert outcomes(bench.info()) == {"A001": "goes_on"}
    later = bench.info(at=(soon + dt.timedelta(days=1)).isoformat())
    assert later["stopping"] == ["A001"]
    assert later["cards"][0]["reason"].startswith("CN=Short Root ends on ")


def test_no_ledger_yet_and_bad_options(bench: Bench) -> None:
    assert bench.info()["cards"] == []
    assert bench.info()["warnings"] == [
        f"{bench.ledger}: there is no ledger of cards yet: nothing is known of any card."
    ]
    assert not bench.ledger.exists()
    assert "found no such file, expected the ledger" in bench.info(retiring=["ab" * 32])["msg"]
    assert "found neither, expected a certificate in PEM or its SHA-256" in bench.info(retiring=["abc"])["msg"]
    assert "expected ISO 8601 with a time zone" in bench.info(at="tomorrow")["msg"]
    assert "expected ISO 8601 with a time zone" in bench.info(at="2027-01-01")["msg"]


def holding(card: str, server: str = "ftp.example") -> Holding:
    root = Root(sha256="1" * 64, spki_sha256="2" * 64, subject="CN=R", not_after="2030-01-01T00:00:00Z", anchor=True)
    known = KnownServer(host=server, port=21, verified_by="handshake", anchor_sha256=root.sha256)
    return Holding(
        card=card, at="2026-01-01T00:00:00Z", place="/media", content_sha256="3" * 64, roots=(root,), servers=(known,)
    )


def test_ledger_gives_back_what_was_written(tmp_path: pathlib.Path) -> None:
    ledger = CardLedger(tmp_path / "cards.sqlite3")
    ledger.note(holding("B", "one.example"))
    ledger.note(holding("A"))
    ledger.note(holding("B", "two.example"))
    assert ledger.holdings() == [holding("A"), holding("B", "two.example")]
    assert ledger.history("B") == [holding("B", "one.example"), holding("B", "two.example")]
    assert ledger.holding("C") is None


WRITES = """
from ansible_collections.camsec.fleet.plugins.module_utils._storage.ledger import CardLedger, Holding
path, name = sys.argv[1:]
for number in range(20):
    CardLedger(path).note(Holding(card=f"{name}-{number}", at="t", place="p", content_sha256="x"))
"""


def test_many_processes_write_at_once(
    tmp_path: pathlib.Path, at_once: t.Callable[[str, t.Sequence[t.Sequence[str]]], list[str]]
) -> None:
    path = tmp_path / "cards.sqlite3"
    at_once(WRITES, [(str(path), str(number)) for number in range(4)])
    assert len(CardLedger(path).holdings()) == 80


@pytest.mark.parametrize(
    ("proven", "today", "same"),
    [
        ("handshake", "none", True),
        ("handshake", "handshake", True),
        ("none", "handshake", False),
        ("none", "none", True),
    ],
)
def test_server_that_is_silent_today_does_not_undo_a_proof(proven: str, today: str, same: bool) -> None:
    def known(way: str) -> KnownServer:
        return KnownServer(host="h", port=21, verified_by=way, anchor_sha256="" if way == "none" else "1" * 64)

    held = Holding(card="A", at="", place="", content_sha256="3", servers=(known(proven),))
    assert held.same_as("3", [known(today)]) is same
    assert not held.same_as("4", [known(today)])
    assert not held.same_as("3", [])
