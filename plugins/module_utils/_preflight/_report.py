# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A look at a server as a result: one dictionary, and the same as lines for people. Pure."""

from __future__ import annotations

import textwrap
import typing as t

from .._tls._certificate import iso
from .._tls._probe import iana_name
from .._tls._registry import suite_name, version_name
from .._tls._suites import TLS12_SUITES, suite_of_code_point
from .._tls._verdicts import is_deprecated
from ._enumerate import Suites
from ._facts import Chain, DataChannel, Facts, Order, Pick
from ._judge import Judgement, findings, judge, overall
from ._login import Listing
from ._mend import remedies, software

__all__ = ["as_lines", "report"]


def report(facts: Facts, order: Order) -> dict[str, t.Any]:
    """Everything that was found and what it means.

    Args:
        facts: About the server.
        order: What was asked for.

    Returns:
        Plain data, as the module returns it and the program prints it.
    """
    judgements = [judge(model, facts) for model in order.models]
    worst = overall(judgements)
    found = findings(facts, order)
    server = software(" ".join((facts.greeting, *facts.features)))
    return {
        "endpoint": {
            "host": order.host,
            "port": order.port,
            "address": facts.address,
            "server_name": order.server_name,
            "greeting": facts.greeting,
            "software": server,
        },
        "verdict": worst.verdict,
        "reason": worst.reason if len(judgements) == 1 else f"{worst.model}: {worst.reason}",
        "cameras": [_camera(one) for one in judgements],
        "control": {
            **_suites(facts.control),
            "protocols": _protocols(facts),
            "dh_bits": min((one.dh_bits for one in facts.control.answers.values() if one.dh_bits), default=None),
            "cleartext_login": facts.cleartext_login,
        },
        "data": _data(facts.data),
        "chains": [_chain(one, facts, tried=order.card is not None) for one in facts.chains],
        "features": list(facts.data.features or facts.features),
        "findings": [{"level": one.level, "text": one.text} for one in found],
        "remedies": _remedies(facts, worst, server),
        "looked_at": iso(facts.looked_at),
        "seconds": facts.seconds,
        "connections": facts.connections,
    }


def as_lines(told: t.Mapping[str, t.Any]) -> list[str]:
    """The report for people.

    Args:
        told: What :func:`report` returned.

    Returns:
        Its lines; nothing in them but printable text.
    """
    endpoint, control, data = told["endpoint"], told["control"], told["data"]
    software_ = f", {endpoint['software']}" if endpoint["software"] else ""
    lines = [
        f"{endpoint['host']}:{endpoint['port']} ({endpoint['address']}{software_}): {told['verdict'].upper()}",
        *(f"  {one['model']}: {one['verdict']}. {one['reason']}" for one in told["cameras"]),
        "",
        f"Suites (order: {_order(control['preference'])})",
        *_table(control, data),
        *_folded("  other suites of TLS 1.2: ", control["other_suites"]),
        f"  versions: {', '.join(name for name, taken in control['protocols'].items() if taken) or 'none'}",
        "",
        f"Data channel: {_data_line(data)}",
        "",
        "Certificates",
        *(line for chain in told["chains"] for line in _chain_lines(chain)),
    ]
    if told["findings"]:
        lines += ["", "Findings", *(f"  {one['level']}: {one['text']}" for one in told["findings"])]
    shown = [one for one in told["remedies"] if endpoint["software"] in ("", one["server"]) or one["server"] == "card"]
    if shown:
        lines += ["", "What would mend it"]
        lines += [line for one in shown for line in (f"  {one['server']} ({one['place']})", *_indented(one["lines"]))]
    return [*lines, "", f"{told['connections']} connections, {told['seconds']} s, {told['looked_at']}"]


def _folded(title: str, names: t.Sequence[str]) -> list[str]:
    if not names:
        return []
    return textwrap.wrap(", ".join(names), width=110, initial_indent=title, subsequent_indent="    ")


def _indented(lines: t.Iterable[str]) -> list[str]:
    return [f"    {line}" for line in lines]


def _order(preference: str) -> str:
    return {
        "server": "the server's, as listed",
        "client": "the client's",
        "mixed": "the server ranks groups, the client within them",
    }.get(preference, "nothing to choose from")


def _table(control: t.Mapping[str, t.Any], data: t.Mapping[str, t.Any]) -> list[str]:
    on_data = {one["suite"]: one for one in data["listings"]}
    rows = []
    for suite in (*control["suites"], *control["tls13_suites"]):
        listing = on_data.get(suite["name"])
        words = "" if listing is None else _listing_words(listing)
        rows.append(f"  {suite['name']:<47} {suite['maker']:<12} {words}".rstrip())
    return rows or ["  none of those that cameras and policies know"]


def _listing_words(listing: t.Mapping[str, t.Any]) -> str:
    if not listing["completed"]:
        return f"data: failed ({listing['reply']})"
    return "data: resumed" if listing["resumed"] else "data: works, not resumed"


def _data_line(data: t.Mapping[str, t.Any]) -> str:
    if not data["looked_at"]:
        return f"not looked at: {data['skipped']}"
    taken = f"; without it {len(data['suites'])} suites are taken" if data["suites"] is not None else ""
    return f"resumption of the control session: {data['session_reuse'].replace('_', ' ')}{taken}"


def _chain_lines(chain: t.Mapping[str, t.Any]) -> list[str]:
    verified = {True: "verifies with the card's certificates alone", False: "DOES NOT VERIFY", None: "not tried"}
    first = chain["certificates"][0] if chain["certificates"] else {"subject": "none", "not_after": "-"}
    sent = len(chain["certificates"])
    return [
        f"  {first['subject']} until {first['not_after']}, {sent} sent: {verified[chain['trusted']]}",
        *(f"    {problem}" for problem in chain["problems"]),
    ]


def _camera(one: Judgement) -> dict[str, t.Any]:
    return {
        "model": one.model,
        "verdict": one.verdict,
        "reason": one.reason,
        "control": _pick(one.control),
        "data": None if one.data is None else _pick(one.data),
    }


def _pick(pick: Pick) -> dict[str, str | None]:
    return {"recommended_first": _name(pick.first), "recommended_last": _name(pick.reversed)}


def _name(code_point: int | None) -> str | None:
    return None if code_point is None else suite_name(code_point)


def _suites(suites: Suites) -> dict[str, t.Any]:
    return {
        "suites": [_suite(one) for one in suites.tls12],
        "tls13_suites": [_suite(one) for one in suites.tls13],
        "other_suites": [suite_name(one) for one in suites.others],
        "not_taken": [suite.iana_name for suite in TLS12_SUITES if suite.code_point not in suites.tls12],
        "preference": suites.preference,
    }


def _suite(code_point: int) -> dict[str, str]:
    suite = suite_of_code_point(code_point)
    deprecated = suite is not None and is_deprecated(suite)
    offered = suite is not None and suite in TLS12_SUITES[:15]
    return {
        "name": suite_name(code_point),
        "code_point": f"0x{code_point:04X}",
        "maker": "deprecated" if deprecated else "recommended" if offered else "not_offered",
    }


def _protocols(facts: Facts) -> dict[str, bool]:
    return {
        "TLSv1.3": bool(facts.control.tls13),
        "TLSv1.2": bool(facts.control.tls12 or facts.control.others),
        **{version_name(one): one in facts.older for one in (0x0302, 0x0301, 0x0300)},
    }


def _data(data: DataChannel) -> dict[str, t.Any]:
    return {
        "looked_at": not data.skipped,
        "skipped": data.skipped,
        "session_reuse": data.session_reuse,
        "foreign_address": data.foreign_address,
        "listings": [_listing(name, one) for name, one in data.listings.items()],
        "without_resumption": None if data.fresh is None else _listing("", data.fresh),
        "suites": None if data.suites is None else [_suite(one) for one in data.suites.tls12],
        "tls13_suites": None if data.suites is None else [_suite(one) for one in data.suites.tls13],
        "other_suites": None if data.suites is None else [suite_name(one) for one in data.suites.others],
        "preference": None if data.suites is None else data.suites.preference,
    }


def _listing(name: str, one: Listing) -> dict[str, t.Any]:
    return {
        "suite": name,
        "data_suite": iana_name(one.suite),
        "protocol": one.protocol,
        "resumed": one.resumed,
        "completed": one.completed,
        "reply": one.reply,
    }


def _chain(chain: Chain, facts: Facts, *, tried: bool) -> dict[str, t.Any]:
    return {
        "suites": [suite_name(one) for one in chain.suites],
        "certificates": [one.shown(facts.looked_at) for one in chain.certificates],
        "key_type": chain.certificates[0].key_type if chain.certificates else "unknown",
        "trusted": chain.trusted if tried else None,
        "problems": list(chain.problems),
    }


def _remedies(facts: Facts, worst: Judgement, server: str) -> list[dict[str, t.Any]]:
    """Nothing where there is nothing to mend; the server's own first."""
    untrusted = [one.certificates[-1] for one in facts.chains if one.trusted is False and one.certificates]
    card = [
        {
            "server": "card",
            "place": "certification.pem in the root of the camera's card",
            "lines": [
                *(f"# the root certificate above {one.subject}, issued by {one.issuer}" for one in untrusted),
                "# Certificates in between are the server's to send: with vsftpd and pure-ftpd in the file of its",
                "# certificate, after it; with proftpd in the file of TLSCertificateChainFile.",
            ],
        }
    ]
    return [*_server_remedies(facts, worst, server), *(card if untrusted else [])]


def _by_suites(facts: Facts, worst: Judgement) -> bool:
    """Whether the verdict is about suites; lines of a configuration do not mend certificates."""
    return not any(worst.reason in chain.problems for chain in facts.chains)


def _server_remedies(facts: Facts, worst: Judgement, server: str) -> list[dict[str, t.Any]]:
    suitable = worst.verdict == "recommended" or not _by_suites(facts, worst)
    deprecated = any(suite["maker"] == "deprecated" for suite in _suites(facts.control)["suites"])
    if suitable and not (deprecated or facts.older or facts.control.others):
        return []
    kinds = {chain.certificates[0].key_type for chain in facts.chains if chain.certificates}
    known = sorted(remedies(kinds), key=lambda one: one.server != server)
    return [{"server": one.server, "place": one.place, "lines": list(one.lines)} for one in known]
