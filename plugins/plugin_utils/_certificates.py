# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From what a playbook registered for each host to a report on the fleet's certificates. No I/O."""

from __future__ import annotations

import collections
import csv
import datetime as dt
import io
import typing as t

from ansible_collections.camsec.fleet.plugins.module_utils._core._errors import InputError
from ansible_collections.camsec.fleet.plugins.module_utils._pki._findings import SEVERITIES, Finding, Limits, find
from ansible_collections.camsec.fleet.plugins.module_utils._pki._forecast import (
    Forecast,
    check_windows,
    forecast,
    renew_window,
)
from ansible_collections.camsec.fleet.plugins.module_utils._pki._seen import Fleet, Issue, KnownAuthority, Seen
from ansible_collections.camsec.fleet.plugins.module_utils._pki._stopping import Card, stopping
from ansible_collections.camsec.fleet.plugins.module_utils._tls._certificate import (
    CertificateFacts,
    certificate_blocks,
    iso,
)

__all__ = [
    "HostVars",
    "Result",
    "card",
    "certificate_report",
    "good",
    "known_authority",
    "problem",
    "shown_certificate",
    "trusted",
]

HostVars = t.Mapping[str, t.Mapping[str, t.Any]]
Result = t.Mapping[str, t.Any]

#: What the playbook registers for each host.
_DEVICE: t.Final = "camsec_certificates_device"
_ENDPOINT: t.Final = "camsec_certificates_endpoint"
_CHAIN: t.Final = "camsec_certificates_chain"
_PLAIN: t.Final = "camsec_certificates_plain"
_RECORDERS: t.Final = "camsec_recorders"
_DAY: t.Final = dt.timedelta(days=1)
_STATUS_WORDS: t.Final = frozenset({"not_generated", "invalid", "expired"})
_DRIVERS: t.Final = frozenset({"ipro", "axis", "onvif", "sunell"})
_COLUMNS: t.Final = (
    "device", "address", "dialect", "connection", "issuer", "serial_number", "not_after", "days_left", "renew_from",
    "renewal", "worst", "findings",
)  # fmt: skip


def certificate_report(
    hosts: t.Iterable[str],
    hostvars: HostVars,
    *,
    authorities: t.Iterable[Result] = (),
    cards: t.Iterable[Result] = (),
    warn_before: float | None = None,
    usual_lifetime_days: float = 398,
    stops: str | None = None,
    at: str | None = None,
) -> dict[str, t.Any]:
    """What a fleet's operator has to know of its certificates.

    Args:
        hosts: Inventory names.
        hostvars: The hosts' variables.
        authorities: Results of C(certificate_authority_info).
        cards: C(cards) of C(storage_certificate_info).
        warn_before: A certificate with fewer days left is a warning; half of each renewal window by default.
        usual_lifetime_days: A certificate that is valid for longer is a note.
        stops: A certificate of which is told what stops when it ends.
        at: The instant of the report, ISO 8601; now by default.

    Returns:
        C(findings), C(forecast), C(table), C(stopping), C(counts), C(lines) and C(csv).

    Raises:
        InputError: An option or a variable cannot be used.
    """
    now = dt.datetime.now(tz=dt.UTC) if at is None else _instant(at, "at", "this report")
    known, unread = _authorities(authorities)
    devices = tuple(_seen(str(name), hostvars[name]) for name in hosts)
    fleet = Fleet(devices=devices, authorities=known, unread=unread, now=now)
    limits = Limits(
        warn_before=None if warn_before is None else _number(warn_before, "warn_before", "this report") * _DAY,
        usual_lifetime_days=_number(usual_lifetime_days, "usual_lifetime_days", "this report"),
    )
    check_windows(devices, limits)
    findings, ahead = find(fleet, limits), forecast(fleet, limits)
    held = [card(one) for one in cards]
    stop = () if not stops else stopping(fleet, held, str(stops))
    table = _table(fleet, findings, ahead)
    counts = {severity: sum(one.severity == severity for one in findings) for severity in SEVERITIES}
    return {
        "at": iso(now),
        "findings": [one.shown() for one in findings],
        "forecast": [one.shown() for one in ahead],
        "stopping": [one.shown() for one in stop],
        "table": table,
        "counts": counts,
        "lines": _lines(counts, findings, ahead, [one.shown() for one in stop], table),
        "csv": _csv(table),
    }


# -- devices


def _seen(name: str, variables: t.Mapping[str, t.Any]) -> Seen:
    device, endpoint = variables.get(_DEVICE) or {}, variables.get(_ENDPOINT) or {}
    recorder = _RECORDERS in (variables.get("group_names") or ()) or "recorder" in device
    state = (device.get("camera") or {}) if good(device) else {}
    facts = shown_certificate(name, endpoint)
    return Seen(
        device=name,
        address=str(variables.get("ansible_host") or name),
        dialect="recorder" if recorder else _dialect(state, variables),
        certificate=facts,
        chain_complete=_chain(variables.get(_CHAIN)),
        verified=bool(endpoint.get("verified")) if facts is not None else None,
        scheme=_scheme(facts, device, state, variables.get(_PLAIN)),
        wanted="https" if recorder else str(variables.get("camsec_connection") or "https"),
        status=_status(state),
        built_in=state.get("driver") == "sunell" and _built_in(state),
        clock_offset=dt.timedelta(seconds=int(state["clock_offset"])) if "clock_offset" in state else None,
        problem=problem(device),
        trusted=trusted(device),
        recorder=str(variables.get("camsec_recorder") or ""),
        renew_window=_window(name, variables, facts),
    )


def good(result: Result | None) -> bool:
    """Whether a task came to a result.

    Args:
        result: What it registered.

    Returns:
        True unless it failed, was skipped, or there was none.
    """
    return bool(result) and not any((result or {}).get(word) for word in ("failed", "skipped", "unreachable"))


def _dialect(state: t.Mapping[str, t.Any], variables: t.Mapping[str, t.Any]) -> str:
    found = str(state.get("driver") or variables.get("camsec_driver") or "ipro")
    return found if found in _DRIVERS else ""


def shown_certificate(name: str, endpoint: Result) -> CertificateFacts | None:
    """The certificate that a handshake showed.

    Args:
        name: Inventory name.
        endpoint: Result of C(tls_endpoint_info).

    Returns:
        Its facts, or nothing.
    """
    content = (endpoint.get("certificate") or {}).get("content") if good(endpoint) else None
    return CertificateFacts.from_pem(str(content), device=name) if content else None


def _chain(result: Result | None) -> bool | None:
    """The handshake that trusts the root alone; what else may be wrong is told by the other one."""
    if not good(result) or result is None:
        return None
    return "issuer certificate" not in str(result.get("verify_error") or "")


def _scheme(facts: CertificateFacts | None, device: Result, state: t.Mapping[str, t.Any], plain: Result | None) -> str:
    if facts is not None:
        return "http_and_https" if state.get("connection") == "http_and_https" else "https"
    if good(device):
        return str((device.get("contact") or {}).get("scheme") or "")
    return "http" if good(plain) else ""


def _status(state: t.Mapping[str, t.Any]) -> str:
    found = str(state.get("ca_certificate") or "")
    return found if not found or found in _STATUS_WORDS else "valid"


def _built_in(state: t.Mapping[str, t.Any]) -> bool:
    return _status(state) == "not_generated" and state.get("self_signed_certificate") not in (None, *_STATUS_WORDS)


def problem(device: Result) -> str:
    """Why a device could not be read.

    Args:
        device: What its task registered.

    Returns:
        One sentence; empty when it could.
    """
    if good(device):
        return ""
    return str(device.get("msg") or "no result; see the task that failed")


def trusted(device: Result) -> frozenset[str]:
    """The certificates by which a recorder verifies cameras.

    Args:
        device: Result of C(recorder_info).

    Returns:
        SHA-256 of each.
    """
    found = (device.get("recorder") or {}).get("trusted_cas") or ()
    return frozenset(str(one["sha256"]) for one in found)


def _window(name: str, variables: t.Mapping[str, t.Any], facts: CertificateFacts | None) -> dt.timedelta:
    before = _number(variables.get("camsec_renew_before", 30), "camsec_renew_before", name)
    share = variables.get("camsec_renew_share")
    days = _number(variables.get("camsec_lifetime_days", 397), "camsec_lifetime_days", name)
    lifetime = days * _DAY if facts is None else facts.not_after - facts.not_before
    return renew_window(before, None if share is None else _number(share, "camsec_renew_share", name), lifetime)


def _number(found: object, subject: str, device: str) -> float:
    try:
        number = float(str(found))
    except ValueError:
        number = -1.0
    if not 0 <= number < 1e6:  # also what is not a number at all
        raise InputError(device=device, subject=subject, found=repr(found), expected="a number, 0 or more")
    return number


# -- authorities and cards


def _authorities(
    results: t.Iterable[Result],
) -> tuple[tuple[KnownAuthority, ...], tuple[tuple[str, str], ...]]:
    known, unread = [], []
    for result in results:
        if good(result) and result.get("authority"):
            known.append(known_authority(result))
        elif result and not result.get("skipped"):
            name = str(result.get("item") or "certificate authority")
            unread.append((name, str(result.get("msg") or "no result")))
    return tuple(known), tuple(unread)


def known_authority(result: Result) -> KnownAuthority:
    """An authority and its ledger.

    Args:
        result: Of C(certificate_authority_info).

    Returns:
        The same as data.
    """
    name = str(result["authority"]["directory"])
    own = str(result["authority"]["own_content"])
    blocks = [CertificateFacts.from_pem(text, device=name) for text in certificate_blocks(own)]
    revoked = {one["serial_number"]: str(one["reason"]) for one in result.get("revoked") or ()}
    return KnownAuthority(
        name=name,
        root=blocks[0],
        intermediate=blocks[1] if len(blocks) > 1 else None,
        issued=tuple(_issue(one, revoked, name) for one in result.get("issued") or ()),
    )


def _issue(entry: t.Mapping[str, t.Any], revoked: t.Mapping[str, str], name: str) -> Issue:
    serial = str(entry["serial_number"])
    return Issue(
        serial_number=serial,
        device=str(entry["device"]),
        sha256=str(entry["sha256"]),
        spki_sha256=str(entry["spki_sha256"]),
        not_after=_instant(entry["not_after"], f"certificate {serial}", name),
        issued_at=_instant(entry["issued_at"], f"certificate {serial}", name),
        revoked=revoked.get(serial, ""),
    )


def card(held: t.Mapping[str, t.Any]) -> Card:
    """A card of a ledger.

    Args:
        held: Its entry, from C(storage_certificate_info).

    Returns:
        The same as data.
    """
    name = str(held["card"])
    anchors = {str(one["sha256"]): _instant(one["not_after"], "card", name) for one in held["roots"] if one["anchor"]}
    return Card(name=name, anchors=anchors)


def _instant(text: object, subject: str, device: str) -> dt.datetime:
    try:
        instant = dt.datetime.fromisoformat(str(text))
    except ValueError:
        instant = None
    if instant is None or instant.tzinfo is None:
        expected = "an instant with a time zone, for example 2026-11-22T10:00:00Z"
        raise InputError(device=device, subject=subject, found=repr(str(text)), expected=expected)
    return instant


# -- for people


def _table(fleet: Fleet, findings: t.Sequence[Finding], ahead: t.Sequence[Forecast]) -> list[dict[str, t.Any]]:
    by_device: dict[str, list[Finding]] = collections.defaultdict(list)
    for finding in findings:
        by_device[finding.device].append(finding)
    forecasts = {one.device: one for one in ahead}
    return [_row(seen, by_device[seen.device], forecasts[seen.device], fleet.now) for seen in fleet.devices]


def _row(seen: Seen, findings: t.Sequence[Finding], ahead: Forecast, now: dt.datetime) -> dict[str, t.Any]:
    facts = seen.certificate
    return {
        "device": seen.device,
        "address": seen.address,
        "dialect": seen.dialect,
        "connection": seen.scheme,
        "issuer": "" if facts is None else facts.issuer,
        "serial_number": "" if facts is None else facts.serial_number,
        "not_after": "" if facts is None else iso(facts.not_after),
        "days_left": None if facts is None else facts.days_left(now),
        "renew_from": "" if ahead.renew_from is None else iso(ahead.renew_from),
        "renewal": ahead.renewal,
        "worst": findings[0].severity if findings else "",
        "findings": [one.kind for one in findings],
    }


def _lines(
    counts: t.Mapping[str, int],
    findings: t.Sequence[Finding],
    ahead: t.Sequence[Forecast],
    stop: t.Sequence[t.Mapping[str, str]],
    table: t.Sequence[t.Mapping[str, t.Any]],
) -> list[str]:
    told = ", ".join(f"{number} {severity}{'s' * (number != 1)}" for severity, number in counts.items())
    lines = [f"{len(table)} devices: {told}"]
    lines += [one.text for one in findings]
    lines += [f"without action: {one.device}: {one.text}{f' [{one.rule}]' if one.rule else ''}" for one in ahead]
    lines += [f"stops at {one['at']}: {one['kind']} {one['name']}: {one['text']}" for one in stop]
    return lines


def _csv(table: t.Sequence[t.Mapping[str, t.Any]]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(_COLUMNS)
    writer.writerows([_cell(row[column]) for column in _COLUMNS] for row in table)
    return text.getvalue()


def _cell(value: object) -> str:
    """A cell that no spreadsheet takes for a formula: some of these texts come from devices."""
    if isinstance(value, list):
        return " ".join(map(str, value))
    if value is None or isinstance(value, int):
        return "" if value is None else str(value)
    text = str(value)
    return f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t", "\r") else text
