# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Between the servers' tasks of a play and the plan for the whole VMS. Pure."""

from __future__ import annotations

import collections
import hashlib
import ssl
import typing as t

from ansible_collections.camsec.fleet.plugins.module_utils._tls._certificate import certificate_blocks

__all__ = ["vms_failures", "vms_link_faults", "vms_link_losses", "vms_servers", "vms_todo"]

HostVars = t.Mapping[str, t.Mapping[str, t.Any]]
Row = dict[str, t.Any]
#: Impacts of a plan that clients notice: of a switch, and of a certificate below another root.
_UNSEEN_BY: t.Final = ("VMS-03", "VMS-17")
_CERTIFICATE_STEPS: t.Final = frozenset({"install_certificate", "grant_key"})


def vms_servers(hosts: t.Iterable[str], hostvars: HostVars, *, read: str) -> Row:
    """What the servers of a play told, as P(camsec.fleet.vms_plan#filter) takes it.

    Args:
        hosts: Inventory names.
        hostvars: Ansible's C(hostvars).
        read: Name of the variable that M(camsec.fleet.vms_info) was registered as.

    Returns:
        ``servers``, ``peers`` (for the module's option ``servers``), ``roots`` (PEM), ``links`` and ``unanswered``
        (a sentence for each service whose state nobody knows).
    """
    servers, peers, links = list[Row](), list[Row](), list[Row]()
    unanswered = list[str]()
    roots: dict[str, None] = {}
    for name in hosts:
        variables = hostvars[name]
        known = {
            "name": name,
            "host_name": str(variables.get("camsec_vms_host_name", name)),
            "roles": _listed(variables.get("camsec_vms_roles", [])),
        }
        peers.append({**known, "ports": dict(variables.get("camsec_vms_ports", {}))})
        told = variables.get(read, {})
        servers.append(dict(told["server"]) if "server" in told else {**known, "reachable": False})
        roots.update(dict.fromkeys(told.get("roots", ())))
        links += told.get("links", ())
        unanswered += told.get("unanswered", ())
    return {"servers": servers, "peers": peers, "roots": list(roots), "links": links, "unanswered": unanswered}


def vms_todo(plan: t.Mapping[str, t.Any], roots: t.Iterable[str]) -> Row:
    """What a plan has each server do: what a play keeps of it, however large the VMS is.

    Args:
        plan: Of P(camsec.fleet.vms_plan#filter).
        roots: The roots that it may name, PEM, each text one or more.

    Returns:
        ``table``, ``steps`` and ``blocked`` (how many), ``held_up_by``, ``unseen`` (rules by which clients lose their
        connection unless they trust the roots listed for them), ``unready_clients`` (who is not known to trust
        its roots) and ``servers``, by server ``trust`` (PEM of roots that it is to trust, or empty), ``certificate``,
        ``check``, ``groups_on`` and ``groups_off`` (certificate groups: whose certificate is to come or to be readable,
        whose is to be checked, what is switched on and off) and ``titles``.
    """
    by_digest = {_sha256(block): block for pem in roots for block in certificate_blocks(pem)}
    servers: dict[str, Row] = {}
    for step in plan["steps"]:
        _note(servers.setdefault(step["server"], _nothing()), step, by_digest)
    return {
        "table": plan["table"],
        "steps": len(plan["steps"]),
        "blocked": len(plan["blocked"]),
        "held_up_by": plan["held_up_by"],
        "unseen": [impact["rule"] for impact in plan["impacts"] if impact["rule"] in _UNSEEN_BY],
        "unready_clients": [need["client"] for need in plan["client_trust"] if need["trusted"] is not True],
        "servers": servers,
    }


def _note(mine: Row, step: t.Mapping[str, str], roots: t.Mapping[str, str]) -> None:
    mine["titles"].append(f"{step['title']} [{step['rule']}]")
    kind = step["id"]
    if kind == "trust_root":
        mine["trust"] += roots.get(step["root"], "")
    elif kind in _CERTIFICATE_STEPS:
        _add_once(mine["certificate"], step["group"])
    elif kind == "check_handshake":
        _add_once(mine["check"], step["group"])
    elif kind == "enable_encryption":
        mine["groups_on"].append(step["group"])
    elif kind == "disable_encryption":
        mine["groups_off"].append(step["group"])


def _add_once(groups: list[str], group: str) -> None:
    if group not in groups:
        groups.append(group)


def vms_failures(hosts: t.Iterable[str], hostvars: HostVars, *, results: t.Sequence[str]) -> list[str]:
    """What went wrong on the servers, a sentence each.

    Args:
        hosts: Inventory names.
        hostvars: Ansible's C(hostvars).
        results: Names of variables that tasks were registered as.

    Returns:
        The sentences; none when all is well.
    """
    found = []
    for name in hosts:
        for variable in results:
            found += [_sentence(name, one) for one in _each(hostvars[name].get(variable)) if _failed(one)]
    return list(dict.fromkeys(found))


def vms_link_losses(before: t.Iterable[Row], after: t.Iterable[Row]) -> list[str]:
    """Links that worked and do not any more, and those that did not answer to either look.

    Args:
        before: Links as M(camsec.fleet.vms_info) told them.
        after: The same, later.

    Returns:
        One sentence for each reason and verifier; none when nothing was lost.
    """
    worked = {_key(link) for link in before if link["status"] != "broken"}
    later = list(after)
    lost = _by_reason(link for link in later if link["status"] == "broken" and _key(link) in worked)
    unseen = sorted({key[3] for key in worked - {_key(link) for link in later}})
    return [
        *(
            f"{', '.join(pairs)}: the link worked before and does not now: {reason}. [{rule}]"
            for (reason, rule), pairs in lost.items()
        ),
        *(f"{name}: nobody could look at its links again." for name in unseen),
    ]


def vms_link_faults(links: t.Iterable[Row]) -> list[str]:
    """Links that are broken.

    Args:
        links: As M(camsec.fleet.vms_info) told them.

    Returns:
        One sentence for each reason; none when none is broken.
    """
    return [
        f"{', '.join(pairs)}: the link is broken: {reason}. [{rule}]"
        for (reason, rule), pairs in _by_reason(link for link in links if link["status"] == "broken").items()
    ]


def _by_reason(links: t.Iterable[Row]) -> dict[tuple[str, str], list[str]]:
    found = collections.defaultdict[tuple[str, str], dict[str, None]](dict)
    for link in links:
        found[link["reason"], link.get("reason_rule", "")][f"{link['verifier']} to {link['presenter']}"] = None
    return {reason: list(pairs) for reason, pairs in found.items()}


def _listed(value: t.Any) -> list[str]:
    """An INI inventory has texts where YAML has lists."""
    return [part.strip() for part in value.split(",")] if isinstance(value, str) else list(value)


def _sentence(name: str, result: t.Mapping[str, t.Any]) -> str:
    """What a failed task said; of a handshake that M(camsec.fleet.vms_info) made, what it showed."""
    checks = result.get("certificate_checks", ())
    check = next((one for one in checks if one["status"] != "encrypted" or one["errors"]), None)
    if check is not None:
        found = ", ".join(check["errors"]) or check["status"]
        return (
            f"{name}: handshake with certificate {check['thumbprint']} on the server itself: found {found}, expected an"
            " encrypted connection that the server trusts. [VMS-13]"
        )
    return str(result.get("msg", f"{name}: failed"))


def _nothing() -> Row:
    return {"trust": "", "certificate": [], "check": [], "groups_on": [], "groups_off": [], "titles": []}


def _sha256(pem: str) -> str:
    return hashlib.sha256(ssl.PEM_cert_to_DER_cert(pem.strip())).hexdigest()


def _each(result: t.Any) -> list[t.Mapping[str, t.Any]]:
    """A task's result, or those of its loop."""
    if not result:
        return []
    return list(result["results"]) if "results" in result else [result]


def _failed(result: t.Mapping[str, t.Any]) -> bool:
    return bool(result.get("failed") or result.get("unreachable"))


def _key(link: Row) -> tuple[str, str, str, str]:
    return link["rule"], link["presenter"], link["group"], link["verifier"]
