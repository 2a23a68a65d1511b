# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the modules of the camera's card do with their options."""

from __future__ import annotations

import datetime as dt
import re
import typing as t
from pathlib import Path

from .._core._call import Call
from .._core._converge import converge
from .._core._errors import InputError
from .._core._secret import Secret
from .._pki._authority import CertificateAuthority
from .._tls._card import card_certificates
from .._tls._certificate import CertificateFacts, iso
from .card import Card, LocalCard
from .chain import ServerWish
from .content import CardState, Content, read_source, wanted_content
from .ledger import CardLedger, check_card_name
from .resource import CardResource, CardWish
from .rotation import judge
from .sftp import SftpCard, SftpTarget

__all__ = ["CARD_OPTIONS", "card_certificate", "card_info"]

#: Argument specification of the document fragment ``camsec.fleet.storage``.
CARD_OPTIONS: t.Final[dict[str, dict[str, t.Any]]] = {
    "require_mount": {"type": "bool", "default": True},
    "sftp": {
        "type": "dict",
        "options": {
            "host": {"type": "str", "required": True},
            "port": {"type": "int", "default": 22},
            "user": {"type": "str", "required": True},
            "password": {"type": "str", "no_log": True},
            "private_key_path": {"type": "path"},
            "private_key_passphrase": {"type": "str", "no_log": True},
            "known_hosts_path": {"type": "path"},
            "host_key": {"type": "str", "no_log": False},
            "timeout": {"type": "float", "default": 20.0},
        },
    },
    "ledger_path": {"type": "path"},
    "authority_directory": {"type": "path"},
}
_LEDGER: t.Final = "cards.sqlite3"


def card_certificate(call: Call) -> dict[str, t.Any]:
    """Put certificates on a card, or take them away.

    Args:
        call: Options of ``storage_certificate``.

    Returns:
        The result's keys.

    Raises:
        CamsecError: See :class:`CardResource`.
    """
    params = call.params
    now = dt.datetime.now(dt.UTC)
    present = params["state"] == "present"
    ledger = _ledger(params)
    if ledger is not None:
        _check_name(params["card"])
    wish = CardWish(
        content=_content(params, now) if present else None,
        card=params["card"] or "",
        servers=tuple(_server(one) for one in params["servers"]) if present else (),
        server_check=params["server_check"],
    )
    card = _card(params)
    try:
        resource = CardResource(card, wish, ledger=ledger, now=now)
        result = converge(resource, check_mode=call.check_mode).result()
    finally:
        card.close()
    return {**result, "card": wish.card, "place": card.place}


def card_info(call: Call) -> dict[str, t.Any]:
    """Tell what lies on a card, what the ledger knows, and which cards stop uploading.

    Args:
        call: Options of ``storage_certificate_info``.

    Returns:
        The result's keys.

    Raises:
        CamsecError: A card or the ledger cannot be read, or an option cannot be used.
    """
    params = call.params
    now = dt.datetime.now(dt.UTC)
    result: dict[str, t.Any] = {"changed": False, "file": None, "cards": [], "stopping": [], "history": []}
    if params["path"] is not None:
        result["file"] = _file(params, now)
    ledger = _ledger(params)
    if ledger is not None:
        at = iso(now) if params["at"] is None else iso(_instant(params["at"]))
        retiring = _retiring(params)
        if not ledger.exists():
            result["warnings"] = [_unknown_cards(ledger, asked=bool(retiring))]
        verdicts = [judge(one, retiring=retiring, at=at) for one in ledger.holdings(params["card"])]
        held = [one for one in verdicts if one.holding.content_sha256]
        result["cards"] = [one.shown() for one in held]
        result["stopping"] = [one.holding.card for one in held if one.outcome == "stops"]
        if params["card"] is not None:
            result["history"] = [one.shown() for one in ledger.history(params["card"])]
    return result


def _unknown_cards(ledger: CardLedger, *, asked: bool) -> str:
    """A warning; but "no card stops uploading" must not be the answer of a path that was mistyped."""
    if asked:
        raise InputError(
            device=str(ledger.path),
            subject="ledger of cards",
            found="no such file",
            expected="the ledger that storage_certificate kept, to tell which cards hold what is retired",
        )
    return f"{ledger.path}: there is no ledger of cards yet: nothing is known of any card."


def _card(params: t.Mapping[str, t.Any]) -> Card:
    sftp = params["sftp"]
    if sftp is None:
        return LocalCard(params["path"], require_mount=params["require_mount"])
    return SftpCard(
        SftpTarget(
            host=sftp["host"],
            port=sftp["port"],
            user=sftp["user"],
            directory=params["path"],
            password=_secret(sftp["password"]),
            private_key_path=sftp["private_key_path"],
            private_key_passphrase=_secret(sftp["private_key_passphrase"]),
            known_hosts_path=sftp["known_hosts_path"],
            host_key=sftp["host_key"],
            timeout=sftp["timeout"],
        )
    )


def _secret(value: str | None) -> Secret | None:
    return None if value is None else Secret(value)


def _content(params: t.Mapping[str, t.Any], now: dt.datetime) -> Content:
    if params["certificate_content"] is not None:
        return wanted_content(params["certificate_content"].encode(), device="certificate_content", now=now)
    if params["certificate_path"] is not None:
        path = params["certificate_path"]
        return wanted_content(read_source(path), device=path, now=now)
    authority = CertificateAuthority.open(params["authority_directory"])
    return wanted_content(authority.trusted_pem.encode(), device=authority.trusted_path, now=now)


def _server(given: t.Mapping[str, t.Any]) -> ServerWish:
    chain: tuple[CertificateFacts, ...] = ()
    path = given["certificate_path"]
    if path is not None:
        chain = card_certificates(read_source(path), device=path, subject="server certificate")
    return ServerWish(host=given["host"], port=given["port"], chain=chain, timeout=given["timeout"])


def _ledger(params: t.Mapping[str, t.Any]) -> CardLedger | None:
    if params["ledger_path"] is not None:
        return CardLedger(params["ledger_path"])
    directory = params["authority_directory"]
    if directory is None:
        return None
    CertificateAuthority.open(directory)
    return CardLedger(Path(directory) / _LEDGER)


def _check_name(card: str | None) -> None:
    if card is None:
        raise InputError(
            device="this task",
            subject="card",
            found="none",
            expected="the card's name, since there is a ledger to write it down",
        )
    check_card_name(card)


def _file(params: t.Mapping[str, t.Any], now: dt.datetime) -> dict[str, t.Any]:
    card = _card(params)
    try:
        return CardState(card.place, card.examine()).shown(now)
    finally:
        card.close()


def _retiring(params: t.Mapping[str, t.Any]) -> frozenset[str]:
    """Hashes of the certificates that go, out of PEM or hashes."""
    found: set[str] = set()
    for number, given in enumerate(params["retiring"], 1):
        where = f"retiring, entry {number}"
        plain = given.replace(":", "").strip().lower()
        if "-----BEGIN" in given:
            found.update(one.sha256 for one in card_certificates(given.encode(), device=where))
        elif re.fullmatch(r"[0-9a-f]{64}", plain):
            found.add(plain)
        else:
            raise InputError(
                device=where,
                subject="certificate",
                found="neither",
                expected="a certificate in PEM or its SHA-256 as 64 hexadecimal digits",
            )
    return frozenset(found)


def _instant(text: str) -> dt.datetime:
    try:
        instant = dt.datetime.fromisoformat(text)
    except ValueError:
        instant = None
    if instant is None or instant.tzinfo is None:
        raise InputError(
            device="this task", subject="at", found=repr(text), expected="ISO 8601 with a time zone, 2027-01-31T00:00Z"
        )
    return instant
