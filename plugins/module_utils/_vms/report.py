# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From plain data to a plan and back to plain data: what the filter ``vms_plan`` does. No I/O."""

from __future__ import annotations

import collections
import dataclasses as dc
import datetime as dt
import re
import typing as t

from .._core._errors import InputError
from .._pki._external import for_servers
from .._thirdparty import InvalidSignature, hashes, serialization, x509
from .._tls._certificate import CertificateFacts, certificate_blocks
from .expiry import Ending, Root, endings
from .picture import draw
from .planning import Authority, VmsPlan, Wish, plan_vms
from .topology import CERTIFICATE_GROUPS, Client, Held, Server, Topology

__all__ = ["vms_plan"]

Json = t.Mapping[str, t.Any]
_HEX: t.Final = re.compile(r"[0-9a-f]{64}")
_SERVER_KEYS: t.Final = frozenset(
    {
        "name", "host_name", "mobile_host_name", "roles", "trusted", "certificates", "encrypted", "broken", "silent",
        "reachable",
    }
)  # fmt: skip
_CLIENT_KEYS: t.Final = frozenset({"name", "kind", "trusted", "servers"})
_HELD_KEYS: t.Final = frozenset({"content", "issuers", "key_readable", "due", "due_rule"})
#: What whoever read the server judged, at the time when it was read.
_JUDGED: t.Final = frozenset({"due", "due_rule"})
_LONGEST_CHAIN: t.Final = 8
#: Stands for a root that nobody has made yet.
_NEW_ROOT: t.Final = "new"


def vms_plan(
    servers: t.Sequence[Json],
    *,
    clients: t.Sequence[Json] = (),
    roots: t.Sequence[str] = (),
    management: bool | None = None,
    streaming: bool | None = None,
    mobile: bool | None = None,
    renew: bool = False,
    authority_root: str | None = None,
    new_authority: bool = False,
    other_authority: str = "keep",
    renew_before: float = 30,
    warn_before: float = 15,
    at: str | None = None,
) -> dict[str, t.Any]:
    """The order of encrypting a VMS, what its links are like, and what ends when.

    Args:
        servers: Each with ``name``, ``roles`` and, as far as it is known, ``host_name``, ``trusted``,
            ``certificates``, ``encrypted`` and ``reachable``.
        clients: Each with ``name``, ``kind`` and, where it is known, ``trusted`` and ``servers``.
        roots: Root certificates, PEM.
        management: Whether the management server and the others are to speak encrypted; None leaves it as it is.
        streaming: The same of recording servers and what fetches streams.
        mobile: The same of mobile servers and their clients.
        renew: What is on and left as it is has its certificates renewed.
        authority_root: Root of the authority that issues what is missing, PEM; it has to be valid. Of several, the one
            below which the authority among the certificates issues, otherwise the first one.
        new_authority: That authority is yet to be made.
        other_authority: ``replace`` when certificates of other authorities are issued anew too.
        renew_before: Days; with less left, that authority issues anew.
        warn_before: Days; a certificate with less left is a warning. Less than ``renew_before``.
        at: The instant, ISO 8601 with a time zone; now by default.

    Returns:
        ``steps``, ``blocked``, ``held_up_by``, ``links``, ``link_counts``, ``client_trust``, ``endings``, ``impacts``,
        ``table`` and ``svg``.

    Raises:
        InputError: The data cannot be used, or something is to be switched on and the authority's root is not valid.
        RuleError: A server has no certificate and nobody issues one.
    """
    if not 0 < warn_before < renew_before:
        raise _wrong("warn_before", f"{warn_before:g}", f"more than 0 and less than renew_before ({renew_before:g})")
    now = dt.datetime.now(tz=dt.UTC) if at is None else _instant(at)
    mine = _issuing_roots(authority_root) if authority_root else ()
    known = [_certificate(pem, "roots") for pem in [*roots, *(root.pem for root in mine)]]
    rows = servers if at is None else [_unjudged(row) for row in servers]
    topology = Topology(
        servers=tuple(_server(row, known) for row in rows), clients=tuple(_client(row) for row in clients)
    )
    authority, wish = None, Wish(management=management, streaming=streaming, mobile=mobile, renew=renew)
    if mine and (renew or True in (management, streaming, mobile)):
        authority = _authority(mine, now)
    elif new_authority:
        authority = Authority(root=_NEW_ROOT)
    if authority is not None:
        authority = dc.replace(
            authority, renew_before=dt.timedelta(days=renew_before), replaces_others=other_authority == "replace"
        )
    plan = plan_vms(topology, wish, authority, now)
    named = {root.sha256: root for root in (_root(one) for one in known)}
    steps = [*plan.steps, *plan.blocked]
    ending = endings(topology, list(named.values()), steps, now=now, warn_before=dt.timedelta(days=warn_before))
    return {
        "steps": [step.shown() for step in plan.steps],
        "blocked": [step.shown() for step in plan.blocked],
        "held_up_by": list(plan.held_up_by),
        "links": [state.shown() for state in plan.links],
        "link_counts": dict(collections.Counter(state.status for state in plan.links)),
        "client_trust": [need.shown() for need in plan.client_trust],
        "endings": [one.shown() for one in ending],
        "impacts": [impact.shown() for impact in plan.impacts],
        "table": _table(plan, ending),
        "svg": draw(topology, plan),
    }


# -- reading -----------------------------------------------------------------------------------------------------------


def _unjudged(row: Json) -> Json:
    """A server without what was judged when it was read: the plan is for another instant."""
    certificates = row.get("certificates") if isinstance(row, dict) else None
    if not isinstance(certificates, dict):
        return row
    judged = {
        group: {key: value for key, value in held.items() if key not in _JUDGED} if isinstance(held, dict) else held
        for group, held in certificates.items()
    }
    return {**row, "certificates": judged}


def _authority(roots: t.Sequence[CertificateFacts], now: dt.datetime) -> Authority:
    """What issues; a client takes no certificate below a root that is not valid, and what has ended issues nothing."""
    valid = [root for root in roots if root.not_before <= now < root.not_after]
    if not valid:
        found = f"a root that is valid from {roots[0].not_before:%Y-%m-%d} to {roots[0].not_after:%Y-%m-%d}"
        raise _wrong("authority_root", found, f"one that is valid on {now:%Y-%m-%d}")
    return Authority(root=valid[0].sha256, roots=frozenset(one.sha256 for one in valid))


def _issuing_roots(pem: str) -> tuple[CertificateFacts, ...]:
    """The roots of a file that may have the authorities below them as well, the one that is issued below first.

    As :class:`ExternalAuthority` tells it: of the authorities that sign no other one, the one that ends last issues.
    """
    blocks = certificate_blocks(pem)
    found = [CertificateFacts.from_pem(block, device="VMS", subject="authority_root") for block in blocks]
    roots = [facts for facts in found if facts.self_signed] if len(found) > 1 else found
    if not roots:
        raise _wrong("authority_root", f"no root among {len(found)} certificates", "a root certificate")
    read = {one.sha256: _certificate(one.pem, "authority_root") for one in found}
    lowest = [
        one
        for one in found
        if not any(other.sha256 != one.sha256 and _issued(read[other.sha256], read[one.sha256]) for other in found)
    ]
    issuer = max(lowest or roots, key=lambda one: one.not_after)
    issuing = _root_of(read[issuer.sha256], list(read.values()), [read[root.sha256] for root in roots])
    latest = sorted(roots, key=lambda root: root.not_after, reverse=True)
    return tuple(sorted(latest, key=lambda root: root.sha256 != issuing))


def _server(row: Json, roots: t.Sequence[x509.Certificate]) -> Server:
    name = _name(row, _SERVER_KEYS, "server")
    certificates = row.get("certificates") or {}
    if not isinstance(certificates, dict):
        raise _wrong(f"certificates of {name}", type(certificates).__name__, "a dictionary by certificate group")
    encrypted, broken, silent = (frozenset(_texts(row, key, name)) for key in ("encrypted", "broken", "silent"))
    for group in (*certificates, *encrypted, *broken, *silent):
        if group not in CERTIFICATE_GROUPS:
            raise _wrong(f"certificate group of {name}", group, f"one of {', '.join(CERTIFICATE_GROUPS)}")
    return Server(
        name=name,
        host_name=str(row.get("host_name") or name),
        roles=tuple(_texts(row, "roles", name)),
        trusted=_trusted(row, name),
        broken=broken,
        certificates={group: _held(held, f"{name} ({group})", roots) for group, held in certificates.items()},
        encrypted=encrypted,
        silent=silent,
        reachable=bool(row.get("reachable", True)),
        mobile_host_name=str(row.get("mobile_host_name") or ""),
    )


def _client(row: Json) -> Client:
    name = _name(row, _CLIENT_KEYS, "client")
    return Client(
        name=name,
        kind=str(row.get("kind", "")),
        trusted=_trusted(row, name) if row.get("trusted") is not None else None,
        servers=tuple(_texts(row, "servers", name)),
    )


def _name(row: t.Any, known: t.Collection[str], what: str) -> str:
    if not isinstance(row, dict) or not isinstance(row.get("name"), str) or not row["name"].strip():
        raise _wrong(what, repr(row)[:60], f"a dictionary with the name of the {what}")
    unknown = sorted(set(row) - set(known))
    if unknown:
        raise _wrong(f"{what} {row['name']}", f"the key {unknown[0]}", f"some of {', '.join(sorted(known))}")
    return str(row["name"])


def _texts(row: Json, key: str, name: str) -> list[str]:
    found = row.get(key) or []
    if not isinstance(found, list) or not all(isinstance(one, str) for one in found):
        raise _wrong(f"{key} of {name}", repr(found)[:60], "a list of texts")
    return found


def _trusted(row: Json, name: str) -> frozenset[str]:
    """SHA-256 of roots; a certificate stands for its own."""
    found = []
    for text in _texts(row, "trusted", name):
        if "BEGIN CERTIFICATE" in text:
            found.append(CertificateFacts.from_pem(text, device="VMS", subject=f"trusted of {name}").sha256)
        elif _HEX.fullmatch(text.replace(":", "").lower()):
            found.append(text.replace(":", "").lower())
        else:
            raise _wrong(f"trusted of {name}", text[:60], "a SHA-256 in hexadecimal, or a certificate in PEM form")
    return frozenset(found)


def _held(held: t.Any, name: str, roots: t.Sequence[x509.Certificate]) -> Held:
    if not isinstance(held, dict) or not isinstance(held.get("content"), str) or not set(held) <= _HELD_KEYS:
        raise _wrong(f"certificate of {name}", repr(held)[:60], f"a dictionary of {', '.join(sorted(_HELD_KEYS))}")
    leaf = _certificate(held["content"], name)
    facts = CertificateFacts.from_pem(held["content"], device="VMS", subject=f"certificate of {name}")
    issuers = [_certificate(pem, name) for pem in _texts(held, "issuers", name)]
    names = [one.removeprefix("DNS:") for one in facts.subject_alt_names if one.startswith("DNS:")]
    return Held(
        # SHA-1 is how Windows names a certificate; nothing rests on it.
        thumbprint=leaf.fingerprint(hashes.SHA1()).hex(),
        names=frozenset(one.lower() for one in (facts.subject_common_name, *names) if one),
        not_before=facts.not_before,
        not_after=facts.not_after,
        root=_root_of(leaf, issuers, roots),
        key_type=facts.key_type,
        key_readable=bool(held.get("key_readable", True)),
        for_servers=for_servers(facts),
        self_signed=facts.self_signed,
        subject=facts.subject,
        due=held.get("due"),
        due_rule=str(held.get("due_rule") or ""),
    )


def _root_of(leaf: x509.Certificate, issuers: t.Sequence[x509.Certificate], roots: t.Sequence[x509.Certificate]) -> str:
    """SHA-256 of the root that a certificate verifies against; empty where none is known."""
    here = leaf
    for _step in range(_LONGEST_CHAIN):
        for root in roots:
            if _issued(here, root):
                return str(root.fingerprint(hashes.SHA256()).hex())
        above = next((one for one in issuers if one != here and _issued(here, one)), None)
        if above is None:
            return ""
        here = above
    return ""


def _issued(certificate: x509.Certificate, issuer: x509.Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(issuer)
    except (ValueError, TypeError, InvalidSignature):
        return False
    return True


def _certificate(pem: str, subject: str) -> x509.Certificate:
    facts = CertificateFacts.from_pem(pem, device="VMS", subject=subject)
    return x509.load_der_x509_certificate(facts.der)


def _root(certificate: x509.Certificate) -> Root:
    facts = CertificateFacts.from_der(certificate.public_bytes(serialization.Encoding.DER), device="VMS")
    return Root(sha256=facts.sha256, name=facts.subject_common_name or facts.subject, not_after=facts.not_after)


def _instant(text: str) -> dt.datetime:
    try:
        found = dt.datetime.fromisoformat(text)
    except ValueError:
        found = None
    if found is None or found.tzinfo is None:
        raise _wrong("at", text[:60], "an instant of ISO 8601 with a time zone")
    return found.astimezone(dt.UTC)


def _wrong(subject: str, found: object, expected: str) -> InputError:
    return InputError(device="VMS", subject=subject, found=found, expected=expected)


# -- writing -----------------------------------------------------------------------------------------------------------


def _short(root: str) -> str:
    return root if root == _NEW_ROOT else f"{root[:16]}…"


def _table(plan: VmsPlan, ending: t.Sequence[Ending]) -> list[str]:
    """All of it for people, a line each."""
    counts = collections.Counter(state.status for state in plan.links)
    rows = [("", "STAGE", "SERVER", "WHAT", "RULE")]
    for number, step in enumerate((*plan.steps, *plan.blocked), 1):
        mark = "held up" if number > len(plan.steps) else str(number)
        why = f" ({step.reason})" if step.reason else ""
        rows.append((mark, step.stage, step.server, f"{step.title}{why}", step.rule))
    widths = [max(len(row[column]) for row in rows) for column in range(4)]
    lines = [
        "  ".join([*(cell.ljust(width) for cell, width in zip(row[:4], widths, strict=True)), row[4]]).rstrip()
        for row in rows
    ]
    found = ", ".join(f"{count} {status}" for status, count in sorted(counts.items())) or "none"
    trust = [
        f"{need.client} ({need.kind.replace('_', ' ')}) has to trust the root {_short(need.root)} for"
        f" {len(need.servers)} servers{'; it does' if need.trusted else ''}."
        for need in plan.client_trust
    ]
    return [
        f"Links: {found}.",
        *(lines if len(rows) > 1 else ["Nothing is to be done."]),
        *(f"Held up: {reason}" for reason in plan.held_up_by),
        *(f"{impact.text} [{impact.rule}]" for impact in plan.impacts),
        *trust,
        *(one.text for one in ending if one.severity != "note"),
    ]
