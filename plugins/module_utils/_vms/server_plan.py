# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The steps from what one server of the VMS is to what it should be. Pure.

Of one server: in which order several are changed is for :mod:`.planning`.
"""

from __future__ import annotations

import dataclasses as dc
import datetime as dt
import math
import re
import typing as t

from .._core._errors import InputError, RuleError
from .._core._plan import Impact, Plan, Step
from .._pki._renewal import pointless_renewal, renewal_due, renewal_is_pointless
from .._tls._certificate import CertificateFacts
from .._tls._names import bare
from .facts import Identity, Own, ServerFacts, certificate_names, silence, thumbprint_of
from .signing import Bundle, Source
from .topology import MOBILE, SERVER, names_host, new_subject

__all__ = ["Line", "Reason", "WantedServer", "certificate_lines", "certificate_reason", "make_plan"]

Shown = dict[str, t.Any]
_PLAIN_SUBJECT: t.Final = re.compile(r"[A-Z]+=[A-Za-z0-9 ./_-]+(,[A-Z]+=[A-Za-z0-9 ./_-]+)*")
_FOR_CLIENTS: t.Final = (
    "One for the clients of the mobile server alone: set certificate_groups to mobile_server, and vms_mobile_host_name"
    " to the name by which they reach it."
)
_NO_AUTHORITY_YET: t.Final = (
    "The certificate authority does not exist yet; planned as if it did and had issued nothing so far."
)


@dc.dataclass(frozen=True, kw_only=True)
class WantedServer:
    """What a server should be like; what is not named stays as it is.

    Attributes:
        trusted: Roots that it trusts.
        distrusted: Roots that it does not trust.
        names: Names of its certificate, ``DNS:…`` and ``IP:…``; the host name first.
        source: Where a certificate comes from that is missing; None where certificates are not this run's business.
        renew_before: Days; a certificate of our authority with fewer left is renewed.
        key_size: Of a new RSA key, in bits.
        replace_others: Certificates of other authorities are replaced, however long they last.
        remove_old: Certificates that a renewed one replaced go, once a handshake has proved it.
        certificate_groups: Whose certificates are this run's business; empty for all groups of the server.
        groups: Certificate groups and whether they are on.
        thumbprint: The certificate to switch on with; empty for the one that serves.
        stop_running_configurator: Another instance of ServerConfigurator is ended.
    """

    trusted: tuple[CertificateFacts, ...] = ()
    distrusted: tuple[CertificateFacts, ...] = ()
    names: tuple[str, ...] = ()
    source: Source | None = None
    renew_before: float = 30.0
    replace_others: bool = False
    key_size: int = 2048
    remove_old: bool = True
    certificate_groups: tuple[str, ...] = ()
    groups: t.Mapping[str, bool] = dc.field(default_factory=dict)
    thumbprint: str = ""
    stop_running_configurator: bool = False


def make_plan(current: ServerFacts, identity: Identity, wanted: WantedServer, now: dt.datetime) -> Plan:
    """The steps, trust first, then the certificate, then the switches.

    Args:
        current: The present state.
        identity: Which server it is.
        wanted: What it should be like.
        now: The present instant.

    Returns:
        The plan; ``after`` has in ``serving`` the thumbprint of the certificate that serves, unless it is yet to come.

    Raises:
        RuleError: A step would break something.
        InputError: A certificate cannot be issued, or a thumbprint is of none.
    """
    return _Planner(current, identity, wanted, now).plan()


@dc.dataclass(frozen=True, kw_only=True)
class Reason:
    """Why a certificate is issued anew.

    Attributes:
        found: What is wrong with it, the end of a sentence; empty for nothing.
        rule: The rule that says so.
        warning: What to tell where nothing can be done about it; empty for nothing.
    """

    found: str = ""
    rule: str = ""
    warning: str = ""


def certificate_reason(own: Own, name: str, wanted: WantedServer, now: dt.datetime) -> Reason:
    """Why a certificate is to be issued anew: it cannot serve, is revoked, or is due.

    The one judgement: of the modules that change a server, and of ``vms_info``, by which the whole VMS is planned.
    Whether the server trusts its root is not part of it: the root may come before it.

    Args:
        own: The certificate.
        name: What it has to name, see :meth:`Identity.name_for`.
        wanted: What it should be like.
        now: The present instant.

    Returns:
        The reason.
    """
    if not own.has_private_key:
        return Reason(found="a certificate whose private key is gone", rule="VMS-11")
    found, rule = own.held().fault(name, now)
    return Reason(found=found, rule=rule) if found else _reissue_reason(own, wanted, now)


def _reissue_reason(own: Own, wanted: WantedServer, now: dt.datetime) -> Reason:
    """Of one that could serve."""
    source = wanted.source
    if source is None or isinstance(source, Bundle):
        return Reason()
    if not source.issued_by_us(own.facts):
        # Somebody else's is theirs, with the names that it has, unless it is to go.
        return Reason(found="a certificate of another authority", rule="VMS-13") if wanted.replace_others else Reason()
    missing = [bare(name) for name in wanted.names if not _covers(own, bare(name))]
    if missing:
        return Reason(found=f"a certificate that does not name {missing[0]}", rule="VMS-12")
    revoked = source.revoked(own.facts)
    if revoked:
        return Reason(found=f"a certificate that was revoked ({revoked.rstrip('.')})", rule="VMS-13")
    due = renewal_due(own.facts, now, wanted.renew_before)
    if due and renewal_is_pointless(own.facts, now, source.issuer_end):
        return Reason(warning=pointless_renewal(due, source.issuer_end))
    return Reason(found=due.rstrip("."), rule="VMS-17") if due else Reason()


def _covers(own: Own, name: str) -> bool:
    return own.facts.covers(name) or name.lower() in certificate_names(own.facts)


@dc.dataclass(kw_only=True)
class Line:
    """Certificates of one subject, as one after the other serves the same groups (VMS-17).

    Attributes:
        own: The one that serves, or is going to; None where there is none.
        groups: What presents it, or is going to.
        subject: Distinguished name of the next one.
        new: Whether one comes whose thumbprint nobody knows yet.
    """

    own: Own | None
    groups: list[str]
    subject: str
    new: bool = False

    @property
    def thumbprint(self) -> str:
        """Of the certificate that serves in the end; empty for one that is yet to come, or none."""
        return "" if self.new or self.own is None else self.own.thumbprint

    @property
    def reference(self) -> Shown:
        """By which a step finds the certificate: by its thumbprint, or as what was installed for its subject."""
        return {"thumbprint": self.thumbprint, "subject": self.subject}


def certificate_lines(current: ServerFacts, identity: Identity, now: dt.datetime) -> dict[str, Line]:
    """What serves each certificate group that is known, now or once it is on; of one subject there is one line.

    Args:
        current: The present state.
        identity: Which server it is.
        now: The present instant.

    Returns:
        By certificate group; groups that share a certificate have the same line.
    """
    lines: dict[str, Line] = {}
    by_group: dict[str, Line] = {}
    presented = [current.presented(group) for group in identity.groups if group in current.encrypted]
    in_use = {one.facts.subject for one in presented if one is not None}
    for group in (group for group in identity.groups if group not in current.silent):
        own = current.serving(group, identity, now)
        fresh = new_subject(group, identity.host_name, identity.mobile_host_name)
        kept = own is not None and (own.facts.subject in in_use or _is_fit(own, group, current, identity, now))
        key = own.facts.subject if own is not None and kept else fresh
        line = by_group[group] = lines.setdefault(key, Line(own=own, groups=[], subject=fresh))
        line.groups.append(group)
        if own is not None and current.takes_up(group, own.facts.subject):
            line.own = own
        line.own = line.own or own
        line.subject = key if key in in_use else line.subject
    return by_group


def _is_fit(own: Own, group: str, current: ServerFacts, identity: Identity, now: dt.datetime) -> bool:
    """Whether one that nothing presents could be switched on with."""
    fault, _rule = own.held().fault(identity.name_for(group, presented=False), now)
    return not fault and own.root in current.roots


class _Planner:
    def __init__(self, current: ServerFacts, identity: Identity, wanted: WantedServer, now: dt.datetime) -> None:
        self._current, self._identity, self._wanted, self._now = current, identity, wanted, now
        self._steps: list[Step] = []
        self._warnings: list[str] = []
        self._roots = set(current.roots)
        self._lines = certificate_lines(current, identity, now)
        #: Thumbprints of the host's certificates, and whether the service account can read their keys.
        self._keys = {
            one.thumbprint: one.readable for one in current.own if one.has_private_key and self._is_the_servers(one)
        }
        self._before = self._state(current.roots, self._keys, current.groups_shown())

    def plan(self) -> Plan:
        self._check_known()
        self._trust()
        if self._wanted.source is not None:
            self._certificates(self._wanted.source)
        self._switches()
        self._distrust()
        return Plan(
            before=self._before,
            after=self._after(),
            steps=tuple(self._steps),
            impacts=tuple(self._impacts()),
            warnings=tuple(f"{self._identity.name}: {text}" for text in dict.fromkeys(self._warnings)),
        )

    def _is_the_servers(self, one: Own) -> bool:
        presented = any(found.thumbprint == one.thumbprint for found in self._current.groups.values())
        return presented or one.held().covers(self._identity.host_name)

    def _check_known(self) -> None:
        """What a group presents decides about its certificate, its switch and roots that go; not about the others."""
        concerned = {*self._wanted.groups, *self._wanted.certificate_groups}
        if self._wanted.distrusted:
            concerned |= {*self._identity.groups}
        for group in (group for group in self._identity.groups if group in self._current.silent):
            if group in concerned:
                raise silence(self._identity, group)
            if self._wanted.source is not None:
                error = silence(self._identity, group)
                self._warnings.append(f"{error.message.removeprefix(f'{self._identity.name}: ')} Left as it is.")

    def _add(self, identifier: str, title: str, rule: str, **data: t.Any) -> None:
        self._steps.append(Step(id=identifier, title=title, rule=rule, data=data))

    # -- trust -----------------------------------------------------------------------------------------------------

    def _trust(self) -> None:
        for root in self._wanted.trusted:
            if root.sha256 not in self._roots:
                self._roots.add(root.sha256)
                self._add("trust_root", f"Trust the root {root.subject_common_name}", "VMS-13", der=root.der)

    def _distrust(self) -> None:
        for root in self._wanted.distrusted:
            if root.sha256 in self._roots:
                self._check_unused(root)
                self._roots.discard(root.sha256)
                title = f"Trust the root {root.subject_common_name} no longer"
                self._add("distrust_root", title, "VMS-13", thumbprint=thumbprint_of(root))

    def _check_unused(self, root: CertificateFacts) -> None:
        """VMS-13: what a server presents is trusted on that server too."""
        for group in self._groups_on():
            own = self._current.presented(group)
            if own is not None and own.root == root.sha256 and not self._lines[group].new:
                raise self._broken(
                    "VMS-13", f"root {root.subject_common_name}", f"in use by the certificate group {group}",
                    "a root below which this server presents nothing",
                )  # fmt: skip

    # -- certificates ----------------------------------------------------------------------------------------------

    def _certificates(self, source: Source) -> None:
        groups = self._wanted.certificate_groups or self._identity.groups
        self._check_groups(groups)
        if isinstance(source, Bundle):
            self._lines |= dict.fromkeys(groups, self._bundle_line(source, groups))
        for line in {id(line): line for group, line in self._lines.items() if group in groups}.values():
            self._certificate(source, line, [group for group in line.groups if group in groups])

    def _bundle_line(self, source: Bundle, groups: t.Collection[str]) -> Line:
        there = self._current.by_thumbprint(source.thumbprint)
        own = there if there is not None and there.has_private_key else None
        return Line(own=own, groups=list(groups), subject=source.leaf.subject)

    def _certificate(self, source: Source, line: Line, groups: t.Sequence[str]) -> None:
        own = line.own
        fault, rule = self._fault(source, own, groups)
        coming = next((other for other in self._lines.values() if other.new and other.subject == line.subject), None)
        if fault and coming is not None:
            self._lines |= dict.fromkeys(line.groups, coming)
            return
        if fault:
            self._install(source, line, fault, rule)
        elif own is not None and not own.readable:
            title = f"Let {self._identity.service_account} read the private key of {own.thumbprint}"
            self._add("grant_key", title, "VMS-14", **line.reference)
            self._check_handshake(line)
        if own is not None and not line.new:
            self._await_uptake(line, own)
        for group in groups:
            if self._has_lost_its_key(group) and not self._is_seen_to(group):
                self._enable(group, line, f"Have {_words(group)} present a certificate whose key is there")
        if self._wanted.remove_old and own is not None:
            self._remove_old(line, own)

    def _has_lost_its_key(self, group: str) -> bool:
        """Whether it presents a certificate whose key is gone, or stands by with one that is gone itself."""
        if group in self._current.standing_by & self._current.broken:
            return True
        presented = self._current.presented(group)
        return group in self._current.encrypted and presented is not None and not presented.has_private_key

    def _is_seen_to(self, group: str) -> bool:
        """Whether a step makes a group present another certificate, or waits for it."""
        return any(group == step.data.get("group") or group in step.data.get("groups", ()) for step in self._steps)

    def _fault(self, source: Source, own: Own | None, groups: t.Sequence[str]) -> tuple[str, str]:
        """Why a certificate has to come, and the rule that says so."""
        if isinstance(source, Bundle):
            return ("", "") if own is not None else ("the certificate of the PKCS#12 file not installed", "VMS-11")
        if own is None:
            return "no certificate for this host", "VMS-11"
        names = dict.fromkeys(self._name_for(group, own.facts.subject) for group in groups)
        reasons = [certificate_reason(own, name, self._wanted, self._now) for name in names]
        self._warnings += [reason.warning for reason in reasons if reason.warning]
        found = next((reason for reason in reasons if reason.found), Reason())
        if not found.found and own.root not in self._roots:
            return "a certificate below a root that this server does not trust", "VMS-13"
        return found.found, found.rule

    def _install(self, source: Source, line: Line, fault: str, rule: str) -> None:
        self._check_source(source, line, fault)
        used = [group for group in self._groups_on() if self._current.takes_up(group, line.subject)]
        what = "Install the certificate of the PKCS#12 file" if isinstance(source, Bundle) else "Issue a certificate"
        self._check_subject(source, line.subject)
        title = f"{what} for {self._identity.host_name}, its key readable for {self._identity.service_account}: {fault}"
        self._add(
            "install_certificate", title, rule, subject=line.subject, names=self._names(line), keep=bool(used),
            hours_back=self._hours_back(line.own),
        )  # fmt: skip
        line.new = True
        self._check_handshake(line)
        self._have_taken_up(line, used)

    def _names(self, line: Line) -> tuple[str, ...]:
        """What a new certificate names: of what phones see, the name by which they reach it too."""
        phones = [f"DNS:{self._identity.mobile_host_name}"] if self._identity.mobile_host_name else []
        return tuple(dict.fromkeys((*self._wanted.names, *(phones if MOBILE in line.groups else ()))))

    def _hours_back(self, own: Own | None) -> float:
        """Of two certificates the later one serves (VMS-17): it must not start before the one that it replaces."""
        if own is None:
            return math.inf
        age = (self._now - own.facts.not_before) / dt.timedelta(hours=1)
        return max(0.0, age - 1.0)

    def _check_subject(self, source: Source, subject: str) -> None:
        """What certreq is asked for in a file in ASCII, in Windows' own way of writing names."""
        if isinstance(source, Bundle) or _PLAIN_SUBJECT.fullmatch(subject):
            return
        raise InputError(
            device=self._identity.name,
            subject="subject of the certificate in use",
            found=subject,
            expected="letters, digits, blanks and .-_/ alone, for a request with the same subject (VMS-17)",
            advice="Install the renewed certificate as PKCS#12 (pkcs12_path).",
        )

    def _name_for(self, group: str, subject: str) -> str:
        """What a certificate of a subject has to name for a group."""
        return self._identity.name_for(group, presented=self._current.takes_up(group, subject))

    def _check_source(self, source: Source, line: Line, fault: str) -> None:
        if isinstance(source, Bundle):
            self._check_bundle(source, line)
            return
        if not source.roots:
            self._warnings.append(_NO_AUTHORITY_YET)
            return
        if not any(root.sha256 in self._roots for root in source.roots):
            found = f"no {source.roots[0].subject_common_name}"
            expected = "the root of the authority, before a certificate below it is installed"
            raise self._broken("VMS-13", "trusted roots", found, expected, "Run camsec.fleet.vms_trusted_ca first.")
        source.check(self._names(line), self._identity.host_name, device=self._identity.name, fault=fault)

    def _check_bundle(self, source: Bundle, line: Line) -> None:
        names = certificate_names(source.leaf)
        for group in line.groups:
            name = self._name_for(group, line.subject)
            if name and not names_host(names, name):
                raise self._broken(
                    "VMS-12", "certificate of the PKCS#12 file", f"one for {', '.join(names) or 'no name'}",
                    f"one for {name} (certificate group {_words(group)})",
                    _FOR_CLIENTS if MOBILE in self._identity.groups else "",
                )  # fmt: skip

    def _check_handshake(self, line: Line) -> None:
        title = "Check the certificate by a handshake on the server itself"
        # Any name that it has, where nobody has said by which one clients reach it.
        names = [self._identity.name_for(group, presented=False) for group in line.groups if group != MOBILE]
        name = next(iter(names), self._identity.mobile_host_name)
        self._add("check_handshake", title, "VMS-13", **line.reference, name=name)

    def _await_uptake(self, line: Line, own: Own) -> None:
        """A run that was cut off may have left a renewed certificate that is not presented yet."""
        self._have_taken_up(
            line,
            [
                group
                for group in self._groups_on()
                if self._current.takes_up(group, own.facts.subject)
                and self._current.groups[group].thumbprint != own.thumbprint
            ],
        )

    def _have_taken_up(self, line: Line, groups: t.Sequence[str]) -> None:
        """What runs takes a certificate of the same subject up by itself; what stands by is told by its thumbprint."""
        running = [group for group in groups if group not in self._current.standing_by]
        if running:
            which = f"certificate {line.thumbprint}" if line.thumbprint else "new certificate"
            title = f"Wait until {', '.join(running)} present the {which}, without a restart"
            self._add("await_renewal", title, "VMS-17", groups=running, **line.reference)
        for group in groups:
            if group in self._current.standing_by:
                self._enable(group, line, f"Have {_words(group)}, which stands by, present the renewed certificate")

    def _remove_old(self, line: Line, own: Own) -> None:
        """What was replaced; only after a handshake has shown that the new one is presented in its place."""
        if self._current.silent or any(self._current.presented(group) is None for group in self._groups_on()):
            return  # nobody can tell yet what is still needed
        for one in self._current.own:
            if one.facts.subject == own.facts.subject and self._may_go(one, line) and self._is_replaced(one, line):
                title = f"Remove the certificate {one.thumbprint}, which was replaced"
                self._add("remove_certificate", title, "VMS-17", thumbprint=one.thumbprint)

    def _is_replaced(self, one: Own, line: Line) -> bool:
        if line.new or line.own is None:
            return True
        return one.thumbprint != line.own.thumbprint and one.facts.not_before <= line.own.facts.not_before

    def _may_go(self, one: Own, line: Line) -> bool:
        """One of our authority; of another only the one that was presented and is replaced: others use the rest."""
        source = self._wanted.source
        if source is None or isinstance(source, Bundle) or one.thumbprint in (self._wanted.thumbprint, *self._going()):
            return False
        using = [group for group in self._groups_on() if self._current.presented(group) == one]
        if not all(map(self._is_seen_to, using)):
            return False
        if source.issued_by_us(one.facts):
            return line.own is None or line.new or source.issued_by_us(line.own.facts)
        return self._wanted.replace_others and one == line.own and bool(using)

    def _going(self) -> list[str]:
        return [step.data["thumbprint"] for step in self._steps if step.id == "remove_certificate"]

    # -- switches --------------------------------------------------------------------------------------------------

    def _groups_on(self) -> list[str]:
        return [group for group in self._identity.groups if group in self._current.encrypted]

    def _check_groups(self, groups: t.Iterable[str]) -> None:
        unknown = [group for group in groups if group not in self._identity.groups]
        if unknown:
            raise InputError(
                device=self._identity.name,
                subject="certificate group",
                found=unknown[0],
                expected=f"one of this server's: {', '.join(self._identity.groups) or 'none'}",
            )

    def _switches(self) -> None:
        """On in the groups' order, off the other way round."""
        self._check_groups(self._wanted.groups)
        for group in self._identity.groups:
            if self._wanted.groups.get(group) is True:
                self._switch_on(group)
        for group in reversed(self._identity.groups):
            if self._wanted.groups.get(group) is False and group in self._current.encrypted:
                self._check_configurator()
                title = f"Switch encryption off ({_words(group)})"
                self._add("disable_encryption", title, "VMS-10", group=group)

    def _switch_on(self, group: str) -> None:
        line = self._lines[group]
        if self._wanted.thumbprint or not line.new:
            line = self._lines[group] = self._line_to_present(group, line)
        if not self._presents(group, line):
            self._enable(group, line, f"Switch encryption on ({_words(group)})")

    def _presents(self, group: str, line: Line) -> bool:
        """Whether it does in the end without a switch of its own."""
        if self._is_seen_to(group):
            return True
        if group not in self._current.encrypted or line.new or line.own is None:
            return False
        same_subject = not self._wanted.thumbprint and self._current.takes_up(group, line.own.facts.subject)
        return same_subject or self._current.groups[group].thumbprint == line.thumbprint

    def _enable(self, group: str, line: Line, title: str) -> None:
        self._check_configurator()
        was_on = group in self._current.encrypted
        self._add("enable_encryption", title, "VMS-10", group=group, was_on=was_on, **line.reference)

    def _line_to_present(self, group: str, line: Line) -> Line:
        """The certificate to switch on with (VMS-11 to VMS-14)."""
        subject = f"certificate of the group {group}"
        asked = self._wanted.thumbprint
        own = self._current.by_thumbprint(asked) if asked else line.own
        name = self._name_for(group, own.facts.subject if own is not None else "")
        expected = f"one for {name or self._identity.host_name} before encryption is switched on"
        if asked and (own is None or not own.has_private_key):
            raise InputError(
                device=self._identity.name,
                subject="thumbprint",
                found=f"{asked.upper()}, which the store My does not hold{' with its key' if own else ''}",
                expected=f"one of {', '.join(one.thumbprint for one in self._current.own) or 'none'}",
            )
        if own is None:
            advice = "Run camsec.fleet.vms_certificate first."
            raise self._broken("VMS-11", subject, "no certificate", expected, advice)
        if line.new and own.facts.subject == line.subject:
            raise InputError(
                device=self._identity.name,
                subject="thumbprint",
                found=f"{own.thumbprint}, in whose place this run puts a new one",
                expected="none, since the VMS takes up the later one of a subject by itself (VMS-17)",
            )
        fault, rule = own.held().fault(name, self._now)
        if fault:
            raise self._broken(rule, subject, fault, expected)
        if own.root not in self._roots:
            advice = "Run camsec.fleet.vms_trusted_ca first."
            found = "one below a root that this server does not trust"
            raise self._broken("VMS-13", subject, found, "a trusted one", advice)
        if not own.readable and not any(step.id == "grant_key" for step in self._steps):
            account = self._identity.service_account
            found = f"a private key that {account} cannot read"
            advice = "Run camsec.fleet.vms_certificate first."
            raise self._broken("VMS-14", subject, found, "one that it can read", advice)
        return line if own == line.own else Line(own=own, groups=[group], subject=own.facts.subject)

    def _check_configurator(self) -> None:
        if not self._current.configurator:
            raise self._broken(
                "VMS-10", "ServerConfigurator", f"no file {self._identity.configurator}",
                "the program that switches encryption on and off", "Name it in configurator_path.",
            )  # fmt: skip
        if self._current.configurators_running and not self._wanted.stop_running_configurator:
            raise self._broken(
                "VMS-10", "ServerConfigurator", f"{self._current.configurators_running} running already",
                "none, since a second one ends with -4", "Close it there, or set stop_running_configurator.",
            )  # fmt: skip

    # -- showing ---------------------------------------------------------------------------------------------------

    def _impacts(self) -> t.Iterator[Impact]:
        switched = {step.data["group"]: step.id for step in self._steps if step.id.endswith("_encryption")}
        if switched:
            yield Impact(rule="VMS-10", text="Services of the server restart and do not answer meanwhile.")
        if SERVER in switched:
            text = "Until all servers have been switched alike, some have no connection to the management server."
            yield Impact(rule="VMS-10", text=text)
        if switched.get(MOBILE) == "disable_encryption":
            yield Impact(rule="VMS-18", text="Push-to-talk in the Web Client does not work without encryption.")

    def _groups_after(self) -> dict[str, str]:
        groups = self._current.groups_shown()
        for step in self._steps:
            if step.id == "enable_encryption":
                groups[step.data["group"]] = step.data["thumbprint"] or "new"
            elif step.id == "disable_encryption":
                groups[step.data["group"]] = "off"
            elif step.id == "await_renewal":
                groups.update(dict.fromkeys(step.data["groups"], step.data["thumbprint"] or "new"))
        return groups

    def _state(self, roots: t.Collection[str], keys: t.Mapping[str, bool], groups: t.Mapping[str, str]) -> Shown:
        """Of the roots only those that were asked about: Windows brings many of its own."""
        asked = (*self._wanted.trusted, *self._wanted.distrusted)
        return {
            "trusted": {root.sha256: root.sha256 in roots for root in asked},
            "certificates": dict(keys),
            "groups": dict(groups),
        }

    def _after(self) -> Shown:
        keys = dict(self._keys)
        for step in self._steps:
            if step.id == "remove_certificate":
                keys.pop(step.data["thumbprint"], None)
            elif step.id == "grant_key":
                keys[step.data["thumbprint"]] = True
            elif step.id == "install_certificate":
                keys["new"] = True
        concerned = self._wanted.certificate_groups or self._wanted.groups or self._identity.groups
        serving = [line.thumbprint for group, line in self._lines.items() if group in concerned]
        return {**self._state(self._roots, keys, self._groups_after()), "serving": next(iter(serving), "")}

    def _broken(self, rule: str, subject: str, found: str, expected: str, advice: str = "") -> RuleError:
        return RuleError(
            rule=rule,
            device=self._identity.name,
            subject=subject,
            found=found,
            expected=expected,
            advice=advice,
        )


def _words(group: str) -> str:
    return group.replace("_", " ")
