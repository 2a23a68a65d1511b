# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One server of the VMS as a resource: read once, planned by :mod:`.server_plan`, changed, proved by handshakes."""

from __future__ import annotations

import datetime as dt
import functools
import typing as t

from .._core._errors import CamsecError, ConnectError, PkiError, RefusedError, VerificationError
from .._core._plan import Plan, Step
from .._tls._certificate import CertificateFacts
from .._transport._patience import Patience
from . import configurator
from .facts import (
    Handshake,
    Identity,
    Own,
    ServerFacts,
    any_name,
    handshake,
    read_groups,
    read_server,
    read_uses,
    thumbprint_of,
)
from .server_plan import WantedServer, make_plan
from .signing import Bundle, Signer, request_inf
from .topology import MANAGEMENT, SERVER
from .windows import WindowsHost

__all__ = ["ServerResource"]

#: Seconds that ServerConfigurator is given at least; it restarts services itself.
_SHORTEST_CONFIGURATION: t.Final = 120.0


class ServerResource:
    """A server of the VMS.

    Args:
        host: Its host.
        identity: Which server it is.
        wanted: What it should be like; what is not named stays as it is.
        switch_timeout: Seconds until a certificate group answers as it should after a switch or a renewal.
    """

    def __init__(self, host: WindowsHost, identity: Identity, wanted: WantedServer, *, switch_timeout: float) -> None:
        self._host = host
        self._identity = identity
        self._wanted = wanted
        self._switch_timeout = switch_timeout
        self._now = dt.datetime.now(tz=dt.UTC)
        #: Thumbprint of the certificate that serves.
        self._thumbprint = ""
        #: What this run installed, by subject.
        self._installed: dict[str, CertificateFacts] = {}
        self._own: tuple[Own, ...] = ()
        self._pending: list[str] = []
        #: Certificates that this run put there, until a handshake proved them.
        self._unproven = ""

    def read(self) -> ServerFacts:
        """Ask the server for everything.

        Returns:
            The facts.
        """
        return read_server(self._host, self._identity)

    def plan(self, current: ServerFacts) -> Plan:
        """See :func:`.server_plan.make_plan`.

        Args:
            current: The present state.

        Returns:
            The plan.
        """
        plan = make_plan(current, self._identity, self._wanted, self._now)
        self._own, self._thumbprint = current.own, str(plan.after["serving"])
        return plan

    def apply(self, step: Step) -> None:
        """Carry out one step.

        Args:
            step: The step.
        """
        actions: dict[str, t.Callable[[t.Mapping[str, t.Any]], None]] = {
            "trust_root": lambda data: self._host.add_trusted(data["der"]),
            "distrust_root": lambda data: self._host.remove_trusted(data["thumbprint"]),
            "install_certificate": self._install,
            "grant_key": lambda data: self._host.grant_key(data["thumbprint"], self._identity.account),
            "check_handshake": self._check,
            "await_renewal": self._await_renewal,
            "remove_certificate": lambda data: self._host.remove_certificate(data["thumbprint"]),
            "disable_encryption": self._disable,
            "enable_encryption": self._enable,
        }
        actions[step.id](step.data)

    def verify(self, plan: Plan) -> t.Mapping[str, t.Any]:
        """Read again, and compare.

        Args:
            plan: Not used: what is wanted tells more than what was planned.

        Returns:
            ``after``, and the certificate that serves.

        Raises:
            VerificationError: The server is not what was planned.
        """
        del plan
        # A certificate that was issued meanwhile may be valid from this second on.
        self._now = dt.datetime.now(tz=dt.UTC)
        found = self.read()
        again = make_plan(found, self._identity, self._wanted, self._now)
        # What was replaced where a group broke is only known to be so now; the next run removes it.
        left = [step for step in again.steps if step.id != "remove_certificate"]
        if left:
            raise VerificationError(
                device=self._identity.name,
                subject="state after all steps",
                found=f"still to be done: {left[0].title}",
                expected="nothing left to do",
            )
        self._thumbprint = str(again.after["serving"])
        return {"after": dict(again.after), "certificate": self._certificate(found), "thumbprint": self._thumbprint}

    def evidence(self, current: ServerFacts) -> t.Mapping[str, t.Any]:
        """What reading has already shown.

        Args:
            current: The state.

        Returns:
            ``certificate`` and ``thumbprint`` of the one that serves.
        """
        return {"certificate": self._certificate(current), "thumbprint": self._thumbprint}

    def abandon(self, step: Step, error: Exception) -> None:
        """Take back what no handshake has proved: a pending request, a new certificate.

        Args:
            step: The step that failed.
            error: Why; what could not be taken back is added to it.
        """
        del step
        try:
            if self._pending:
                self._host.abandon_request(self._pending)
            if self._unproven:
                self._host.remove_certificate(self._unproven)
        except CamsecError as second:
            _add_advice(error, f"What was left there: {second.message}")

    def _certificate(self, facts: ServerFacts) -> dict[str, t.Any]:
        own = facts.by_thumbprint(self._thumbprint)
        return {} if own is None else own.facts.shown(self._now)

    # -- certificates ----------------------------------------------------------------------------------------------

    def _install(self, data: t.Mapping[str, t.Any]) -> None:
        source = self._wanted.source
        if isinstance(source, Bundle):
            self._add_issuers(source.issuers)
            self._unproven, self._installed[source.leaf.subject] = source.thumbprint, source.leaf
            self._host.import_pkcs12(source.content, source.passphrase, self._identity.account)
        elif source is not None:
            self._request(source, data)

    def _request(self, source: Signer, data: t.Mapping[str, t.Any]) -> None:
        inf = request_inf(data["subject"], data["names"], key_size=self._wanted.key_size)
        request, self._pending = self._host.make_request(inf, self._identity.account)
        issued = source.sign(request, device=self._identity.name, names=data["names"], hours_back=data["hours_back"])
        if data["keep"] and issued.facts.subject != data["subject"]:
            raise PkiError(
                device=self._identity.name,
                subject="subject of the new certificate",
                found=issued.facts.subject,
                expected=f"{data['subject']}, since the VMS takes up a renewed certificate by its subject (VMS-17)",
            )
        self._add_issuers(issued.issuers_pem)
        thumbprint = thumbprint_of(issued.facts)
        self._installed[data["subject"]] = issued.facts
        self._host.accept_certificate(issued.pem, thumbprint)
        self._pending, self._unproven = [], thumbprint

    def _add_issuers(self, issuers: t.Sequence[str]) -> None:
        """What stands between a certificate and its root: Windows presents it along."""
        for pem in issuers:
            self._host.add_trusted(CertificateFacts.from_pem(pem, device=self._identity.name).der, "CA")

    def _facts_of(self, data: t.Mapping[str, t.Any]) -> CertificateFacts:
        """The certificate that a step is about: one that was there, or what was installed for its subject."""
        there = next((one.facts for one in self._own if one.thumbprint == data["thumbprint"]), None)
        return there or self._installed[data["subject"]]

    def _check(self, data: t.Mapping[str, t.Any]) -> None:
        """VMS-13: the certificate works, and this server trusts it."""
        facts = self._facts_of(data)
        thumbprint = thumbprint_of(facts)
        found = handshake(
            self._host.check_certificate(thumbprint, data["name"] or any_name(facts)), self._identity.name
        )
        if not found.trusted:
            raise VerificationError(
                device=self._identity.name,
                subject=f"handshake with certificate {thumbprint} on the server itself",
                found=", ".join(found.errors) or found.status,
                expected="an encrypted connection that the server trusts",
            )
        self._unproven = ""

    def _await_renewal(self, data: t.Mapping[str, t.Any]) -> None:
        """VMS-17: what is in use is taken up by its subject, without a restart, wherever the others meet it."""
        thumbprint = thumbprint_of(self._facts_of(data))
        presented = functools.partial(_presents, thumbprint)
        for group in data["groups"]:
            self._await(group, presented, f"the renewed certificate {thumbprint} (VMS-17)")
            places = Patience(self._switch_timeout)
            while not all(map(presented, found := read_uses(self._host, self._identity, group))):
                if not places.wait():
                    raise self._late(group, next(one for one in found if not presented(one)), "it everywhere")

    # -- switches --------------------------------------------------------------------------------------------------

    def _enable(self, data: t.Mapping[str, t.Any]) -> None:
        group, thumbprint = data["group"], thumbprint_of(self._facts_of(data))
        code = self._configure(configurator.enable(group, thumbprint))
        try:
            configurator.check_exit(code, device=self._identity.name, group=group)
            self._await(group, functools.partial(_presents, thumbprint), f"the certificate {thumbprint}, trusted")
        except (RefusedError, VerificationError) as error:
            if self._is_to_go_back(code, group) and not data["was_on"]:
                self._take_back(group, error)
            raise

    def _is_to_go_back(self, code: int, group: str) -> bool:
        """Whether encryption that is bound, and that nobody speaks with, goes off again.

        One of the others whose service is only slow has to stay on: the management server speaks TLS to it by now.
        """
        if code in configurator.APPLIED:
            return True
        return code == 0 and (group != SERVER or MANAGEMENT in self._identity.roles)

    def _take_back(self, group: str, error: CamsecError) -> None:
        try:
            self._disable({"group": group})
        except CamsecError as second:
            _add_advice(error, f"It could not be switched off again: {second.message}")
        else:
            _add_advice(error, "It is off again, as it was.")

    def _disable(self, data: t.Mapping[str, t.Any]) -> None:
        group = data["group"]
        code = self._configure(configurator.disable(group))
        configurator.check_exit(code, device=self._identity.name, group=group)
        self._await(group, lambda found: found.status == "plain", "no TLS")

    def _configure(self, arguments: t.Sequence[str]) -> int:
        return self._host.configure(
            self._identity.configurator,
            arguments,
            stop_running=self._wanted.stop_running_configurator,
            seconds=max(self._switch_timeout, _SHORTEST_CONFIGURATION),
        )

    def _await(self, group: str, holds: t.Callable[[Handshake], bool], expected: str) -> None:
        """Services restart after a switch; until then they do not answer."""
        patience = Patience(self._switch_timeout)
        while not holds(found := self._look(group)):
            if not patience.wait():
                raise self._late(group, found, expected)

    def _late(self, group: str, found: Handshake, expected: str) -> VerificationError:
        return VerificationError(
            device=self._identity.name,
            subject=f"certificate group {group}",
            found=", ".join((f"{found.status} {found.thumbprint}".strip(), *found.errors)),
            expected=f"{expected} within {self._switch_timeout:g} s",
            advice="A service may still be down there since the switch: camsec.fleet.vms_info lists them.",
        )

    def _look(self, group: str) -> Handshake:
        """A connection that is lost while services restart comes back."""
        try:
            return read_groups(self._host, self._identity)[group]
        except ConnectError:
            return Handshake(status="silent")


def _presents(thumbprint: str, found: Handshake) -> bool:
    return found.trusted and found.thumbprint == thumbprint


def _add_advice(error: Exception, text: str) -> None:
    if isinstance(error, CamsecError):
        error.advice = f"{error.advice} {text}".strip()
