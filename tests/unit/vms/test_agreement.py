# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The plan for the VMS and the module that changes one of its servers agree, in whatever state that server is."""

from __future__ import annotations

import collections
import dataclasses as dc
import datetime as dt
import random
import typing as t

import pytest
from ansible_collections.camsec.fleet.plugins.module_utils._core._errors import CamsecError
from ansible_collections.camsec.fleet.plugins.module_utils._core._plan import Plan
from ansible_collections.camsec.fleet.plugins.module_utils._pki._authority import CertificateAuthority
from ansible_collections.camsec.fleet.plugins.module_utils._vms.facts import Handshake, Identity, Own, ServerFacts
from ansible_collections.camsec.fleet.plugins.module_utils._vms.information import Information
from ansible_collections.camsec.fleet.plugins.module_utils._vms.report import vms_plan
from ansible_collections.camsec.fleet.plugins.module_utils._vms.server_plan import WantedServer, make_plan

from .test_server_plan import ME, NAMES, NOW, PASSPHRASE, encrypted, holding, own, source

STATES: t.Final = 800
PHONES: t.Final = "video.public.example"
ROLES: t.Final = (
    ("recording_server",),
    ("failover_recording_server",),
    ("recording_server", "mobile_server"),
    ("management_server", "mobile_server"),
)


@dc.dataclass(frozen=True, kw_only=True)
class Case:
    """A server as it may be found, and what is wanted."""

    identity: Identity
    current: ServerFacts
    wanted: WantedServer
    wish: dict[str, bool | None]


@pytest.fixture(scope="module")
def authorities(tmp_path_factory: pytest.TempPathFactory) -> list[CertificateAuthority]:
    return [
        CertificateAuthority.create(
            tmp_path_factory.mktemp("pki") / name, passphrase=PASSPHRASE, common_name=name, key_type="ecdsa"
        )
        for name in ("Ours", "Theirs")
    ]


@pytest.fixture(scope="module")
def certificates(authorities: list[CertificateAuthority]) -> list[Own]:
    """Of both authorities, for all names, due and not, of two subjects."""
    found = []
    for signer in authorities:
        for names in (NAMES, (f"DNS:{PHONES}",), (*NAMES, f"DNS:{PHONES}")):
            for days in (10, 300):
                one = own(signer, names, days=days)
                other = dc.replace(one.facts, subject="CN=rec.example,O=Example")
                found += [one, dc.replace(one, facts=other, thumbprint=one.thumbprint[::-1])]
    return found


def case(dice: random.Random, certificates: list[Own], authorities: list[CertificateAuthority]) -> Case:
    roles = dice.choice(ROLES)
    identity = dc.replace(ME, roles=roles, mobile_host_name=dice.choice(["", PHONES]))
    mine = [
        dc.replace(
            started_later(one, dice.random() * 5), readable=dice.random() < 0.85, has_private_key=dice.random() < 0.9
        )
        for one in dice.sample(certificates, dice.randint(0, 4))
    ]
    groups = {
        group: presented(dice, mine, stands_by=roles == ROLES[1] and group != "server") for group in identity.groups
    }
    wanted = WantedServer(names=NAMES, source=source(authorities[0]), replace_others=dice.random() < 0.3)
    return Case(
        identity=identity,
        current=holding(*mine, roots=[one.root_certificate.sha256 for one in authorities], groups=groups),
        wanted=wanted,
        wish={name: dice.choice([True, None]) for name in ("management", "streaming", "mobile")},
    )


def started_later(one: Own, hours: float) -> Own:
    began = one.facts.not_before + dt.timedelta(hours=hours)
    return dc.replace(one, facts=dc.replace(one.facts, not_before=began))


def presented(dice: random.Random, mine: list[Own], *, stands_by: bool) -> Handshake:
    kind = dice.choice(["plain", "encrypted", "encrypted", "broken", "silent"])
    if kind != "encrypted":
        return Handshake(status=kind)
    if not mine:
        return Handshake(status="plain")
    one = dice.choice(mine)
    if stands_by and dice.random() < 0.5:
        there = one.has_private_key
        return Handshake(status="encrypted" if there else "broken", thumbprint=one.thumbprint * there, standing_by=True)
    return encrypted(one)


def whole_plan(case: Case, authorities: list[CertificateAuthority]) -> dict[str, t.Any]:
    """As the role makes it, out of what vms_info tells."""
    row = Information(None, case.identity, now=NOW, wanted=case.wanted)._row(case.current)  # type: ignore[arg-type]
    rows = [row]
    if "management_server" not in case.identity.roles:
        rows.append({"name": "mgmt", "roles": ["management_server"], "trusted": row["trusted"]})
    pems = [one.root_certificate.pem for one in authorities]
    replace = "replace" if case.wanted.replace_others else "keep"
    clients = [
        {"name": kind, "kind": kind, "trusted": [authorities[1].root_certificate.sha256]}
        for kind in ("smart_client", "mobile_client")
    ]
    return vms_plan(
        rows, clients=clients, roots=pems, authority_root=pems[0], renew=True, other_authority=replace, **case.wish
    )


def clients_lose(case: Case, module: Plan, theirs: CertificateAuthority) -> bool:
    """Whether clients see ours in the place of one of the authority that they trust."""
    for step in module.steps:
        for group in step.data.get("groups", ()) if step.id == "await_renewal" and not step.data["thumbprint"] else ():
            before = case.current.presented(group)
            if group != "server" and before is not None and before.root == theirs.root_certificate.sha256:
                return True
    return False


def groups_of(steps: t.Iterable[dict[str, t.Any]], *kinds: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(step["group"] for step in steps if step["id"] in kinds))


def seen_to(plan: Plan) -> set[str]:
    """Groups that are waited for or switched."""
    found = {step.data["group"] for step in plan.steps if "group" in step.data}
    return found.union(*(step.data["groups"] for step in plan.steps if "groups" in step.data))


def test_whatever_is_planned_is_done_and_nothing_in_use_goes(
    certificates: list[Own], authorities: list[CertificateAuthority]
) -> None:
    dice = random.Random(20261129)
    counts: collections.Counter[str] = collections.Counter()
    for number in range(STATES):
        one = case(dice, certificates, authorities)
        try:
            plan = whole_plan(one, authorities)
        except CamsecError:
            counts["refused"] += 1
            continue
        mine = [step for step in (*plan["steps"], *plan["blocked"]) if step["server"] == one.identity.name]
        groups = groups_of(mine, "install_certificate", "grant_key")
        counts["planned" if groups else "nothing to do"] += 1
        if not groups:
            continue
        module = make_plan(one.current, one.identity, dc.replace(one.wanted, certificate_groups=groups), NOW)
        assert module.steps, (number, groups, one)
        gone = [step.data["thumbprint"] for step in module.steps if step.id == "remove_certificate"]
        assert len(gone) == len(set(gone)), (number, one)
        using = {group for group, found in one.current.groups.items() if found.thumbprint in gone}
        assert using <= seen_to(module), (number, one)
        if clients_lose(one, module, authorities[1]):
            counts["clients lose"] += 1
            assert "VMS-17" in {impact["rule"] for impact in plan["impacts"]}, (number, one)
    assert counts["clients lose"] > STATES / 100, counts
    assert counts["planned"] > STATES / 3, counts
    assert counts["nothing to do"] > STATES / 50, counts
