# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a fleet's operator has to know of its certificates, each as one finding. Pure: asks nothing, changes nothing."""

from __future__ import annotations

import collections
import dataclasses as dc
import datetime as dt
import typing as t

from .._thirdparty import UnsupportedAlgorithm, x509
from .._tls._certificate import CertificateFacts, iso
from ._constraints import violation
from ._seen import Fleet, KnownAuthority, Seen

__all__ = ["RESCUE", "SEVERITIES", "Finding", "Limits", "find"]

SEVERITIES: t.Final = ("error", "warning", "note")
"""From the worst to the least."""

_DAY: t.Final = dt.timedelta(days=1)
_WEAK_HASHES: t.Final = frozenset({"md5", "sha1"})
_LEAST_RSA: t.Final = 2048
#: Rules of the manuals, by dialect: an expired certificate, and one whose names do not fit.
_EXPIRY_RULES: t.Final[t.Mapping[str, str]] = {"ipro": "HTTPS-24", "sunell": "CAM-15"}
_NAME_RULES: t.Final[t.Mapping[str, str]] = {"sunell": "CAM-15"}
_RENEW: t.Final = "Run camsec.fleet.site for this device."
_CLOCK: t.Final = "Set the device's clock with camsec.fleet.camera_time, then look again."
RESCUE: t.Final = (
    "Run camsec.fleet.site for this device with camsec_first_contact=plain_http, on a network that you trust; where it"
    " still refuses HTTPS without answering in plain HTTP, restart it first."
)


@dc.dataclass(frozen=True, kw_only=True)
class Finding:
    """One thing that somebody has to know.

    Attributes:
        kind: Short name in snake case, for example ``expired``.
        severity: One of :data:`SEVERITIES`.
        device: Inventory name, or that of the authority.
        subject: The object, for example ``certificate``.
        found: What is there.
        expected: What should be there.
        advice: What to do, a sentence of its own.
        rule: Id of the manual's rule, or empty.
    """

    kind: str
    severity: str
    device: str
    subject: str
    found: str
    expected: str
    advice: str = ""
    rule: str = ""

    @property
    def text(self) -> str:
        """The finding as one line for people."""
        line = f"{self.severity}: {self.device}: {self.subject}: found {self.found}, expected {self.expected}."
        return " ".join(part for part in (line, self.advice, f"[{self.rule}]" if self.rule else "") if part)

    def shown(self) -> dict[str, str]:
        """The finding as a result shows it."""
        return dc.asdict(self)


@dc.dataclass(frozen=True, kw_only=True)
class Limits:
    """What counts as what.

    Attributes:
        warn_before: A certificate with less time left is a warning. None for half of each device's renewal window.
        usual_lifetime_days: A certificate that is valid for longer is a note.
    """

    warn_before: dt.timedelta | None = None
    usual_lifetime_days: float = 398

    def warn_window(self, seen: Seen) -> dt.timedelta:
        """How long before its end a device's certificate is a warning.

        Args:
            seen: The device.

        Returns:
            The window.
        """
        return seen.renew_window / 2 if self.warn_before is None else self.warn_before


class _Found:
    """Findings of one device, as they come up."""

    def __init__(self, device: str, subject: str = "certificate") -> None:
        self.device, self.subject = device, subject
        self.findings: list[Finding] = []

    def add(self, kind: str, severity: str, found: str, expected: str, *, advice: str = "", rule: str = "") -> None:
        """Note a finding."""
        self.findings.append(
            Finding(
                kind=kind,
                severity=severity,
                device=self.device,
                subject=self.subject,
                found=found,
                expected=expected,
                advice=advice,
                rule=rule,
            )
        )


def find(fleet: Fleet, limits: Limits) -> tuple[Finding, ...]:
    """All findings of a fleet.

    Args:
        fleet: What was seen.
        limits: What counts as what.

    Returns:
        The findings: the worst first, then by device, kind and text, so that two runs can be compared.
    """
    found: list[Finding] = []
    for name, why in fleet.unread:
        unread = _Found(name, "certificate authority")
        unread.add("unread", "error", why.rstrip("."), "an authority that can be read")
        found += unread.findings
    for authority in fleet.authorities:
        found += _of_authority(authority, fleet, limits)
    for seen in fleet.devices:
        found += _of_device(seen, fleet, limits)
    found += _shared(fleet)
    return tuple(sorted(found, key=lambda one: (SEVERITIES.index(one.severity), one.device, one.kind, one.text)))


# -- authorities


def _of_authority(authority: KnownAuthority, fleet: Fleet, limits: Limits) -> list[Finding]:
    found = _Found(authority.name, "certificate authority")
    left = authority.ends - fleet.now
    if left <= dt.timedelta(0):
        found.add("expired", "error", f"expired on {iso(authority.ends)}", "valid now", advice="Replace it at once.")
    elif left < limits.usual_lifetime_days * _DAY:
        found.add(
            "authority_ends",
            "warning",
            f"{left.days} days left, until {iso(authority.ends)}",
            f"at least {limits.usual_lifetime_days:g}, the lifetime of a certificate",
            advice="Certificates that it issues now end with it: make a new one, and give the clients both.",
        )
    return found.findings


# -- one device


def _of_device(seen: Seen, fleet: Fleet, limits: Limits) -> list[Finding]:
    found = _Found(seen.device)
    if seen.problem:
        found.subject = "contact"
        found.add("unread", "error", seen.problem.rstrip("."), "a device that can be read")
        found.subject = "certificate"
    _connection(seen, fleet, found)
    if seen.certificate is not None:
        _validity(seen, seen.certificate, fleet, limits, found)
        _names(seen, seen.certificate, found)
        _strength(seen.certificate, found)
        _lifetime(seen, seen.certificate, limits, found)
        _issuer(seen, seen.certificate, fleet, found)
    return found.findings


def _connection(seen: Seen, fleet: Fleet, found: _Found) -> None:
    """Devices that answer in the clear, and why."""
    expired = _expired_in_the_device(seen, fleet)
    rule = _EXPIRY_RULES.get(seen.dialect, "") if expired else ""
    if seen.scheme == "http" and seen.wanted != "http":
        why = f" since its certificate {expired}" if expired else ""
        found.subject = "connection"
        found.add("answers_in_the_clear", "error", f"plain HTTP{why}", "HTTPS", advice=_rescue(seen, fleet), rule=rule)
        found.subject = "certificate"
    elif seen.certificate is None and expired:
        text = f"a certificate that {expired}"
        found.add("expired", "error", text, "a valid one", advice=_rescue(seen, fleet), rule=rule)
    if seen.scheme == "http" and seen.status in ("not_generated", "invalid"):
        _lost(seen, fleet, "none", found)


def _expired_in_the_device(seen: Seen, fleet: Fleet) -> str:
    """That the certificate of a device which shows none has expired: by its own word, or by the ledger."""
    if seen.certificate is not None:
        return ""
    if seen.status == "expired":
        return "expired by its own clock"
    newest = fleet.newest_issue(seen)
    if newest is None or newest.not_after > seen.own_time(fleet.now):
        return ""
    whose = "the ledger" if newest.not_after <= fleet.now else "its own clock and the ledger"
    return f"expired on {iso(newest.not_after)} by {whose}"


def _rescue(seen: Seen, fleet: Fleet) -> str:
    newest = fleet.newest_issue(seen)
    if newest is not None and fleet.now < newest.not_after <= seen.own_time(fleet.now):
        return f"By this host's clock it has not expired: set the device's clock first. {RESCUE}"
    return RESCUE


def _validity(seen: Seen, facts: CertificateFacts, fleet: Fleet, limits: Limits, found: _Found) -> None:
    own = seen.own_time(fleet.now)
    rule = _EXPIRY_RULES.get(seen.dialect, "")
    if facts.not_after <= fleet.now:
        found.add(
            "expired",
            "error",
            f"expired on {iso(facts.not_after)}",
            f"valid at {iso(fleet.now)}",
            advice=_RENEW,
            rule=rule,
        )
    elif facts.not_after <= own:
        text = f"expired by the device's clock, which says {iso(own)}"
        found.add("expired", "error", text, f"an end after that, not {iso(facts.not_after)}", advice=_CLOCK, rule=rule)
    if fleet.now < facts.not_before:
        text = f"not valid before {iso(facts.not_before)}"
        found.add("not_yet_valid", "error", text, f"valid at {iso(fleet.now)}", advice="Set the controller's clock.")
    elif own < facts.not_before:
        text = f"not yet valid by the device's clock, which says {iso(own)}"
        rule = "CAM-15" if seen.dialect == "sunell" else ""
        found.add("not_yet_valid", "error", text, f"a time after {iso(facts.not_before)}", advice=_CLOCK, rule=rule)
    _windows(seen, facts, fleet.now, limits, found)


def _windows(seen: Seen, facts: CertificateFacts, now: dt.datetime, limits: Limits, found: _Found) -> None:
    left = facts.not_after - now
    if left <= dt.timedelta(0):
        return
    shown = f"{left / _DAY:.1f} days left, until {iso(facts.not_after)}"
    renewed = f"renewed {seen.renew_window / _DAY:g} days before its end"
    if left < limits.warn_window(seen):
        advice = f"Renewal should have happened and did not. {_RENEW}"
        found.add("renewal_overdue", "warning", shown, renewed, advice=advice)
    elif left < seen.renew_window:
        found.add("renewal_due", "note", shown, renewed, advice="The next run of camsec.fleet.site renews it.")


def _names(seen: Seen, facts: CertificateFacts, found: _Found) -> None:
    if facts.covers(seen.address):
        return
    names = ", ".join(facts.subject_alt_names) or "no subject alternative name"
    rule = "CAM-03" if seen.built_in else _NAME_RULES.get(seen.dialect, "")
    advice = "Restart the camera: it makes this certificate at each boot." if seen.built_in else _RENEW
    found.add("address_not_in_certificate", "error", names, f"a name for {seen.address}", advice=advice, rule=rule)


def _strength(facts: CertificateFacts, found: _Found) -> None:
    if facts.key_type == "rsa" and facts.key_size < _LEAST_RSA:
        text, wanted = f"an RSA key of {facts.key_size} bits", f"at least {_LEAST_RSA} bits"
        found.add("weak_key", "error", text, wanted, advice="Make a new key, and have a certificate issued for it.")
    digest = _signature_hash(facts)
    if digest in _WEAK_HASHES:
        name = digest.upper().replace("SHA1", "SHA-1")
        found.add("weak_signature", "error", f"a signature with {name}", "SHA-256 or better", advice=_RENEW)


def _signature_hash(facts: CertificateFacts) -> str:
    if not facts.der:
        return ""
    try:
        algorithm = x509.load_der_x509_certificate(facts.der).signature_hash_algorithm
    except (UnsupportedAlgorithm, ValueError):
        return ""
    return "" if algorithm is None else algorithm.name


def _lifetime(seen: Seen, facts: CertificateFacts, limits: Limits, found: _Found) -> None:
    days = (facts.not_after - facts.not_before) / _DAY
    if days > limits.usual_lifetime_days and seen.dialect != "recorder":  # a recorder makes its own, for ten years
        found.add("long_lifetime", "note", f"valid for {days:.0f} days", f"at most {limits.usual_lifetime_days:g}")


# -- who issued it


def _issuer(seen: Seen, facts: CertificateFacts, fleet: Fleet, found: _Found) -> None:
    authority = fleet.authority_of(facts)
    if authority is not None:
        _ours(seen, facts, authority, fleet, found)
        return
    if seen.dialect == "recorder":
        _of_recorder(seen, facts, found)
        return
    _foreign(seen, facts, found)
    _lost(seen, fleet, "another certificate", found)


def _lost(seen: Seen, fleet: Fleet, text: str, found: _Found) -> None:
    """CAM-24: the ledger knows a certificate that is good, and the device has lost it."""
    newest = fleet.newest_issue(seen)
    if newest is not None and newest.not_after > fleet.now:
        found.add(
            "certificate_lost",
            "error",
            text,
            f"{newest.serial_number}, which we issued to it on {iso(newest.issued_at)}",
            advice=f"The device was reset, or somebody replaced it. {_RENEW}",
            rule="CAM-24" if seen.dialect == "sunell" else "",
        )


def _ours(seen: Seen, facts: CertificateFacts, authority: KnownAuthority, fleet: Fleet, found: _Found) -> None:
    entry, newest = authority.entry(facts), fleet.newest_issue(seen)
    if entry is None:
        text, advice = "one that is in no ledger of ours", "Find out who used the authority's key: it may be stolen."
        found.add("not_in_ledger", "error", text, "a certificate of the ledger", advice=advice)
    elif entry.revoked:
        text = f"{facts.serial_number}, which was revoked ({entry.revoked})"
        found.add("revoked", "error", text, "a certificate that is not revoked", advice=_RENEW)
    elif newest is not None and newest.sha256 != facts.sha256 and newest.issued_at >= entry.issued_at:
        found.add(
            "superseded",
            "warning",
            f"{facts.serial_number}, issued on {iso(entry.issued_at)}",
            f"{newest.serial_number}, issued on {iso(newest.issued_at)}",
            advice=f"The newer one was never installed, or is lost with its key. {_RENEW}",
            rule="CAM-23" if seen.dialect == "sunell" else "",
        )
    if violated := violation(facts, authority.certificates):
        found.add("name_not_permitted", "error", violated, "names that its authority may issue for", advice=_RENEW)
    if seen.chain_complete is False:
        severity = "note" if seen.dialect == "ipro" else "warning"  # one certificate is all that it can show
        found.add(
            "chain_incomplete",
            severity,
            "the certificate without the intermediate one",
            "the whole chain",
            advice="Clients that trust the root alone refuse it: give them trusted.pem of the authority.",
            rule="HTTPS-25" if seen.dialect == "ipro" else "",
        )


def _of_recorder(seen: Seen, facts: CertificateFacts, found: _Found) -> None:
    if seen.verified is False:
        text = f"issued by {facts.issuer or 'an issuer without a name'}, not verified"
        found.add("unknown_issuer", "error", text, "the root certificate that was fetched at the first contact")


def _foreign(seen: Seen, facts: CertificateFacts, found: _Found) -> None:
    issuer = facts.issuer or "an issuer without a name"
    if seen.built_in:
        text = f"one of {issuer}, which is built into the firmware"
        advice = f"Its private key is in every camera of this firmware. {_RENEW}"
        found.add(
            "built_in_authority", "warning", text, "a certificate of our own authority", advice=advice, rule="CAM-02"
        )
    elif facts.self_signed:
        text = f"self-signed by {issuer}"
        advice = "Nobody but who pinned its key can verify it."
        found.add("self_signed", "warning", text, "a certificate of our own authority", advice=advice)
    elif seen.verified:
        found.add("other_issuer", "note", f"issued by {issuer}, verified", "our own authority, or this one if so meant")
    else:
        advice = "Find out whose it is before anybody logs in to this device."
        found.add("unknown_issuer", "error", f"issued by {issuer}", "a certificate of our own authority", advice=advice)


# -- several devices


def _shared(fleet: Fleet) -> t.Iterator[Finding]:
    """CAM-25: one certificate on several devices is in order only when it names all of them; a key never is."""
    by_key: dict[str, list[Seen]] = collections.defaultdict(list)
    for seen in fleet.devices:
        if seen.certificate is not None and seen.certificate.spki_sha256:
            by_key[seen.certificate.spki_sha256].append(seen)
    for group in by_key.values():
        if len({seen.address for seen in group}) > 1:
            yield from _of_group(group)


def _of_group(group: t.Sequence[Seen]) -> t.Iterator[Finding]:
    certificates = {seen.certificate.sha256: seen.certificate for seen in group if seen.certificate is not None}
    missing = [seen.address for seen in group if not any(facts.covers(seen.address) for facts in certificates.values())]
    for seen in group:
        found = _Found(seen.device, "private key")
        others = ", ".join(sorted(one.device for one in group if one is not seen))
        if len(certificates) > 1:
            advice = "Whoever has the key of one has that of all: make a key on each device."
            found.add(
                "key_shared",
                "error",
                f"the one that {others} has too",
                "a key of its own",
                advice=advice,
                rule="CAM-25",
            )
        elif missing:
            found.subject = "certificate"
            text, wanted = f"the one that {others} shows too, without {', '.join(missing)}", "all addresses in it"
            found.add("certificate_shared", "error", text, wanted, advice=_RENEW, rule="CAM-25")
        else:
            found.subject = "certificate"
            text = f"the one that {others} shows too, with all their addresses"
            advice = "It is in order, but whoever has the key of one has that of all."
            found.add("certificate_shared", "note", text, "a certificate of its own", advice=advice, rule="CAM-25")
        yield from found.findings
