# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From what the playbook of a rotation registered to how far it has come. No I/O."""

from __future__ import annotations

import datetime as dt
import typing as t

from ansible_collections.camsec.fleet.plugins.module_utils._pki._rotation import (
    Situation,
    VmsServer,
    progress,
)
from ansible_collections.camsec.fleet.plugins.module_utils._pki._seen import Seen
from ansible_collections.camsec.fleet.plugins.module_utils._pki._stopping import Card
from ansible_collections.camsec.fleet.plugins.module_utils._tls._certificate import CertificateFacts, certificate_blocks

from ._certificates import HostVars, Result, card, good, known_authority, problem, shown_certificate, trusted

__all__ = ["rotation_progress"]

#: What the playbook registers for each host.
_DEVICE: t.Final = "camsec_rotate_device"
_ENDPOINT: t.Final = "camsec_rotate_endpoint"
_PLAIN: t.Final = "camsec_rotate_plain"
_VMS: t.Final = "camsec_rotate_vms"
_RECORDERS: t.Final = "camsec_recorders"


def rotation_progress(
    hosts: t.Iterable[str],
    hostvars: HostVars,
    *,
    retiring: Result,
    authority: Result | None = None,
    cards: t.Iterable[Result] = (),
    vms_servers: t.Iterable[str] = (),
    without: t.Iterable[str] = (),
) -> dict[str, t.Any]:
    """How far the rotation of a root has come.

    Args:
        hosts: Inventory names.
        hostvars: The hosts' variables.
        retiring: Result of C(certificate_authority_info) for the authority whose root goes.
        authority: The same for the new one; nothing, or skipped, where it is yet to be made.
        cards: Results of C(storage_certificate_info), one for each ledger, with the old root as C(retiring).
        vms_servers: Inventory names of the servers of the VMS.
        without: Names that the operator gave up.

    Returns:
        C(stage), C(may_drop), C(done), C(left), C(held_up), C(withheld), C(replaces) and C(lines).

    Raises:
        InputError: Both authorities are the same.
    """
    new = authority if good(authority) and authority is not None and authority.get("authority") else None
    situation = Situation(
        old=known_authority(retiring),
        new=None if new is None else known_authority(new),
        old_file=_file(retiring),
        new_file=frozenset() if new is None else _file(new),
        devices=tuple(_seen(str(name), hostvars[name]) for name in hosts),
        servers=tuple(_vms_server(str(name), hostvars[name].get(_VMS) or {}) for name in vms_servers),
        cards=_cards(cards),
        without=frozenset(map(str, without)),
        now=dt.datetime.now(tz=dt.UTC),
    )
    return progress(situation).shown()


def _file(result: Result) -> frozenset[str]:
    blocks = certificate_blocks(str(result["authority"]["trusted_content"]))
    return frozenset(CertificateFacts.from_pem(block).sha256 for block in blocks)


def _seen(name: str, variables: t.Mapping[str, t.Any]) -> Seen:
    device, endpoint = variables.get(_DEVICE) or {}, variables.get(_ENDPOINT) or {}
    recorder = _RECORDERS in (variables.get("group_names") or ())
    plain = good(variables.get(_PLAIN))
    looked_at = device if recorder else endpoint
    return Seen(
        device=name,
        address=str(variables.get("ansible_host") or name),
        dialect="recorder" if recorder else "",
        certificate=shown_certificate(name, endpoint),
        # A device that answers in plain HTTP shows no certificate; the ledgers tell whether it has one.
        problem="" if plain else problem(looked_at),
        trusted=trusted(device),
    )


def _vms_server(name: str, told: Result) -> VmsServer:
    if not good(told):
        return VmsServer(name=name, problem=problem(told))
    server = told["server"]
    held = {group: one["content"] for group, one in server["certificates"].items() if group in server["encrypted"]}
    return VmsServer(
        name=name,
        trusted=frozenset(server["trusted"]),
        presented={group: CertificateFacts.from_pem(text, device=name) for group, text in held.items()},
        silent=tuple(told["unanswered"]),
    )


def _cards(results: t.Iterable[Result]) -> tuple[Card, ...]:
    """The newest word of all ledgers on each card that cannot go on without the old root."""
    newest: dict[str, Result] = {}
    for held in (one for result in results if good(result) for one in result.get("cards") or ()):
        name = str(held["card"])
        if name not in newest or str(newest[name]["at"]) < str(held["at"]):
            newest[name] = held
    return tuple(card(held) for held in newest.values() if held.get("outcome") != "goes_on")
