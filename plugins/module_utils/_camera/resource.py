# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What every resource of a camera shares: reading, carrying out steps, proof by a new handshake, the way back."""

from __future__ import annotations

import abc
import contextlib
import dataclasses as dc
import typing as t

from .._core._errors import (
    CamsecError,
    ConnectError,
    InputError,
    ProtocolError,
    RuleError,
    TrustError,
    VerificationError,
)
from .._core._plan import Plan, Step
from .._pki._authority import Issued
from .._tls._certificate import CertificateFacts
from .._transport._connection import Trust
from .._transport._contact import Contact, Target, contact
from .._transport._patience import until
from .._transport._session import DeviceSession, Refused
from .driver import CameraDriver, Reading
from .planning import tls_versions_step
from .signing import Signer
from .state import CameraState, HttpsState

__all__ = ["CameraResource", "Limits"]

W = t.TypeVar("W")
#: How a camera says that it does not know a path, or a way of asking.
_NOT_THIS_DIALECT = frozenset({400, 404, 405, 415, 501})


@dc.dataclass(frozen=True, kw_only=True)
class Limits:
    """How long the slow things may take.

    Attributes:
        key_seconds: Generation of a key (i-PRO: about two minutes).
        switch_seconds: Until the camera answers under a new scheme, port or certificate.
    """

    key_seconds: float = 300.0
    switch_seconds: float = 120.0


class CameraResource(abc.ABC, t.Generic[W]):
    """One thing of a camera that has a desired state ``W``.

    Args:
        wanted: The desired state.
        target: The camera.
        limits: How long the slow things may take.
        drivers: What the camera may speak; several are tried one after the other.
        authority: Who signs this camera's certificates, and may know them by a ledger.
    """

    def __init__(
        self,
        wanted: W,
        *,
        target: Target,
        limits: Limits,
        drivers: t.Sequence[type[CameraDriver]],
        authority: Signer | None = None,
    ) -> None:
        self.wanted = wanted
        self.target = target
        self.limits = limits
        self.authority = authority
        self._drivers = tuple(drivers)
        #: The camera's own serial number, where the operator knows it.
        self.serial_number = ""
        self._driver: CameraDriver | None = None
        self._before: CameraState | None = None
        #: The certificate that a handshake has to show from now on.
        self._expected: CertificateFacts | None = None
        self._issued: Issued | None = None
        self._done: list[str] = []

    def __enter__(self) -> t.Self:
        return self

    def __exit__(self, *details: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection, if there is one."""
        if self._driver is not None:
            self._driver.session.close()

    @abc.abstractmethod
    def plan(self, current: CameraState) -> Plan:
        """The steps to the desired state."""

    @property
    def driver(self) -> CameraDriver:
        """The calls over the open session."""
        if self._driver is None:
            raise RuntimeError("read() comes first")
        return self._driver

    def read(self) -> CameraState:
        """The camera's present state.

        Returns:
            The state.

        Raises:
            CamsecError: It cannot be reached or understood.
        """
        state = self._read_at(self.target)
        self._before = state
        self._expected = self.known_certificate(state)
        return state

    def with_http_port(self, state: CameraState, wanted: HttpsState) -> CameraState:
        """The state with the camera's own HTTP port, asked for only where a switch is to come.

        Args:
            state: The state.
            wanted: How the camera is to answer.

        Returns:
            The state.

        Raises:
            RuleError: The camera is to answer HTTP, on another port than ``http_port`` says.
        """
        if state.peer is None or state.https == wanted:
            return state
        port = self.driver.http_port()
        state.rules.check_http_port(self.target.host, wanted, port, self.target.http_port)
        return dc.replace(state, http_port=port)

    def known_certificate(self, state: CameraState) -> CertificateFacts | None:
        """The certificate in force: from the handshake or, over plain HTTP, from the CA's ledger.

        Args:
            state: The state.

        Returns:
            Its facts, None when unknown.
        """
        if state.certificate is not None or self.authority is None or not state.installed_serial:
            return state.certificate
        return self.authority.known(state.installed_serial)

    def evidence(self, current: CameraState) -> dict[str, t.Any]:
        """What the read proved: the handshake that it came over."""
        return {"after": current.shown(), **_shown(current)}

    def apply(self, step: Step) -> None:
        """Carry out one step.

        Args:
            step: The step.

        Raises:
            CamsecError: The camera refused it or did not answer.
        """
        if not self._done and self._before is not None:
            self._record(self._before.contact)
        self._carry_out(step)
        self._done.append(step.id)

    def _carry_out(self, step: Step) -> None:
        driver, data = self.driver, step.data
        calls: dict[str, t.Callable[[], None]] = {
            "generate_key": lambda: driver.generate_key(data["kind"]),
            "apply_previous_key": driver.apply_previous_key,
            "make_request": lambda: driver.make_request(data["subject"], data["names"]),
            "sign_request": self._sign_request,
            "install_certificate": lambda: self._install(step),
            "install_with_key": lambda: driver.install_with_key(data["pem"], data["issuers"], data["key"]),
            "delete_certificate": driver.delete_certificate,
            "make_self_signed": lambda: driver.make_self_signed(data["subject"]),
            "delete_self_signed": driver.delete_self_signed,
            "set_tls_versions": lambda: driver.set_tls_versions(data["versions"]),
            "set_https": lambda: driver.set_https(data["https"]),
        }
        if step.id not in calls:
            raise RuntimeError(f"no such step: {step.id}")
        calls[step.id]()

    def _install(self, step: Step) -> None:
        if self._issued is not None:
            self.driver.install_certificate(self._issued.pem, self._issued.issuers_pem)
        else:
            self.driver.install_certificate(step.data["pem"], step.data["issuers"])

    def verify(self, plan: Plan) -> dict[str, t.Any]:
        """Read again over the new endpoint, by a new handshake.

        Args:
            plan: The plan that was carried out.

        Returns:
            ``after``, ``certificate``, ``endpoint`` and ``contact``.

        Raises:
            VerificationError: The evidence does not show the planned state.
        """
        target = self.target_after(plan)

        def attempt() -> CameraState:
            state = self._read_at(target)
            self._check(plan, state)
            return state

        # Until the change has taken effect, the camera may still show its old certificate or state.
        passing = (TrustError, VerificationError)
        state = until(attempt, seconds=self.limits.switch_seconds, passing=passing)
        # What is proven stands; what this run leaves behind, the next one that changes something puts away.
        with contextlib.suppress(CamsecError):
            self.driver.tidy()
        return {"after": state.shown(), **_shown(state)}

    def target_after(self, plan: Plan) -> Target:
        """Where and on what terms the camera is to be met after the plan.

        Args:
            plan: The plan.

        Returns:
            The target.

        Raises:
            InputError: There is nothing to verify the new endpoint by.
        """
        over_http = self._before is not None and self._before.peer is None
        if plan.after["connection"] == "http" or (plan.after["connection"] == "http_and_https" and over_http):
            return dc.replace(self.target, trust=Trust(), first_contact="plain_http")
        trust = self._trust_after(plan)
        if not trust.usable:
            self._check_unverified()
        return dc.replace(
            self.target,
            trust=trust,
            https_ports=(plan.after["https_port"],),
            first_contact="refuse" if trust.usable else "any_certificate",
        )

    def _trust_after(self, plan: Plan) -> Trust:
        """What verifies the camera after the plan, once it answers in HTTPS."""
        del plan
        return self.target.trust

    def _check_unverified(self) -> None:
        """Whether the camera may be met in HTTPS with nothing to verify it by.

        Raises:
            InputError: It may not, or could not be logged in to.
        """
        found, advice = "no ca_path and no spki_sha256", "Give ca_path or spki_sha256"
        if self.target.first_contact != "any_certificate":
            advice += ", or first_contact=any_certificate for a self-signed certificate"
        elif self._before is not None and self._before.basic_over_https:
            found += ", for a camera that takes nothing but the password itself in HTTPS (HTTP Basic)"
        else:
            return
        raise InputError(
            device=self.target.host,
            subject="trust",
            found=found,
            expected="something to verify the camera by once it answers in HTTPS",
            advice=f"{advice}.",
        )

    def abandon(self, step: Step, error: Exception) -> None:
        """Bring the camera back to where its recorder sees it, then say so.

        Args:
            step: The step that failed, or the last one when the verification did.
            error: What went wrong.

        Raises:
            VerificationError: What went wrong, and where the camera is now.
        """
        before = self._before
        # A rule refuses before anything is sent.
        if before is None or not isinstance(error, CamsecError) or isinstance(error, RuleError):
            return
        if step.id == "open_http_window":
            self._return_to(before, dc.replace(before.https, connection="http"), error)
        if "open_http_window" in self._done:
            there = f"http on port {before.http_port}"
            if step.id == "set_https" and step.data["https"].connection != "http":
                there += f", or https on port {step.data['https'].https_port} with its new certificate"
            advice = (
                f"The camera is in the window of plain HTTP that this run opened: it answers {there}. Run this again"
                " with first_contact plain_http: it goes on from there."
            )
            raise self._failed(step.title, error, advice) from error
        if step.id == "set_https":
            self._return_to(before, step.data["https"], error)
        versions = self._versions_back(before, step.id, *self._done)
        if self._installed and before.peer is not None:
            self._return_certificate(before, error)
        if versions:
            raise self._failed(step.title, error, versions) from error
        if self._key_replaced(before, step):
            advice = (
                "The camera may have replaced the key of its certificate already (a CSR brings a new one): it shows the"
                " certificate until it is restarted, and one that its clients do not trust from then on. Run this"
                " again, with first_contact any_certificate if it was restarted."
            )
            raise self._failed(step.title, error, advice) from error

    def _versions_back(self, before: CameraState, *steps: str) -> str:
        """Enable the TLS versions again by which the camera was met, and say whether that went well.

        Nothing is done where none of the steps chose others, and over plain HTTP, where there is nothing to lose yet.
        """
        if before.peer is None or "set_tls_versions" not in steps:
            return ""
        versions = ", ".join(before.tls_versions)
        try:
            with self.target.session("https", before.https.https_port, self._way_back_trust()) as session:
                driver = self._talk(session)
                driver.https()
                driver.set_tls_versions(before.tls_versions)
                kept = set(driver.tls_versions()) == set(before.tls_versions)
        except CamsecError as error:
            return f"TLS {versions} could NOT be enabled again ({error.found}): run this again."
        return f"TLS {versions} {'are' if kept else 'could NOT be'} enabled again, as before: run this again."

    def _key_replaced(self, before: CameraState, step: Step) -> bool:
        asked = step.id == "make_request" or "make_request" in self._done
        return asked and not before.rules.key_apart and before.ca_certificate == "valid"

    def _read_at(self, target: Target) -> CameraState:
        self.close()
        reached, (driver, first) = contact(target, self._prove)
        self._driver, self._drivers = driver, (type(driver),)
        self._check_serial_number(driver)
        reading = driver.rest(first)
        peer = reached.session.peer
        state = CameraState(
            rules=driver.rules,
            https=reading.https,
            http_port=self.target.http_port,
            self_signed=reading.self_signed,
            self_signed_name=reading.self_signed_name,
            ca_certificate=reading.ca_certificate,
            ca_certificate_name=reading.ca_certificate_name,
            key=reading.key,
            previous_key=reading.previous_key,
            request_made_at=reading.request_made_at,
            installed_serial=reading.installed_serial,
            tls_supported=reading.tls_supported,
            contact=reached,
            peer=peer,
            certificate=CertificateFacts.from_der(peer.certificate) if peer else None,
            abilities=driver.rules.abilities,
            basic_over_https=reading.basic_over_https,
        )
        return self._completed(state)

    def _completed(self, state: CameraState) -> CameraState:
        """The state with what only some of the desired states need to know."""
        return state

    def _with_tls_versions(self, state: CameraState, wanted: t.Sequence[str]) -> CameraState:
        """The state with the TLS versions, asked for only where some are wanted."""
        if not wanted or not state.tls_supported:
            return state
        state.rules.check_possible(self.target.host, [tls_versions_step(state.rules, wanted)])
        enabled = tuple(sorted(self.driver.tls_versions()))
        return dc.replace(state, tls_versions=enabled, abilities=self.driver.abilities())

    def _check_serial_number(self, driver: CameraDriver) -> None:
        """Addresses move; whatever answers here has to be the camera that is meant, before it is told anything."""
        if not self.serial_number:
            return
        found = driver.identity().serial_number
        if found != self.serial_number:
            raise TrustError(
                device=self.target.host,
                subject="serial number",
                found=found or "none",
                expected=self.serial_number,
                advice="Another camera answers at this address; nothing was changed.",
            )

    def _prove(self, session: DeviceSession) -> tuple[CameraDriver, Reading]:
        """The first read, by the first dialect that the camera understands."""
        failures: list[CamsecError] = []
        for kind in self._drivers:
            driver = kind(session, key_seconds=self.limits.key_seconds)
            try:
                return driver, driver.first_read()
            except (ProtocolError, Refused) as error:
                if isinstance(error, Refused) and error.status not in _NOT_THIS_DIALECT:
                    raise
                failures.append(error)
        if len(failures) == 1:
            raise failures[0]
        raise ProtocolError(
            device=self.target.host,
            subject="dialect",
            found="; ".join(
                f"{kind.rules.dialect}: {error.found}" for kind, error in zip(self._drivers, failures, strict=True)
            ),
            expected="a camera that speaks one of them",
            advice="Name its dialect with the option driver to see what it answers.",
        )

    def _talk(self, session: DeviceSession) -> CameraDriver:
        """The dialect that was found, over another session."""
        return type(self.driver)(session, key_seconds=self.limits.key_seconds)

    def _record(self, reached: Contact) -> None:
        if self.authority is not None and reached.trust in ("plain_http", "any_certificate"):
            endpoint = reached.session.endpoint
            self.authority.note_contact(
                device=self.target.host, address=endpoint.host, port=endpoint.port, trust=reached.trust
            )

    def _sign_request(self) -> None:
        raise NotImplementedError(f"{type(self).__name__} plans no signing")

    def _check(self, plan: Plan, state: CameraState) -> None:
        for name in ("connection", "https_port", "tls_versions"):
            if state.shown()[name] != plan.after[name]:
                raise self._not_proven(name.replace("_", " "), state.shown()[name], str(plan.after[name]))
        expected = self._expected if self._installed else None
        if expected is None:
            return
        if state.certificate is None:
            same, found = state.installed_serial == expected.serial_number, state.installed_serial or "none"
        else:
            same, found = state.certificate.sha256 == expected.sha256, state.certificate.serial_number
        if not same:
            where = "on the camera" if state.certificate is None else "in the handshake"
            raise self._not_proven(
                f"certificate {where}", f"serial number {found}", f"serial number {expected.serial_number}"
            )

    @property
    def _installed(self) -> bool:
        """Whether this run installed a certificate."""
        return not {"install_certificate", "install_with_key"}.isdisjoint(self._done)

    def _not_proven(self, subject: str, found: object, expected: str) -> VerificationError:
        return VerificationError(device=self.target.host, subject=subject, found=found, expected=expected)

    def _way_back_trust(self) -> Trust:
        """The key that the camera must hold, whatever certificate it shows: nobody else can stand in for it.

        Where that key is not known, the way back is no weaker than the way there was.
        """
        if self._expected is not None:
            return Trust(spki_sha256=(self._expected.spki_sha256, *self._former_key))
        weak = self._before is not None and self._before.contact.trust in ("plain_http", "any_certificate")
        return Trust(any_certificate=True) if weak or not self.target.trust.usable else self.target.trust

    @property
    def _former_key(self) -> tuple[str, ...]:
        """The key that a certificate with a key of its own replaced, or did not come to replace."""
        former = self._before.certificate if self._before is not None else None
        return (former.spki_sha256,) if former is not None and "install_with_key" in self._done else ()

    def _return_to(self, before: CameraState, wanted: HttpsState, error: CamsecError) -> t.NoReturn:
        """It is where it was, or where it was sent, or on its way."""
        was_https = before.peer is not None
        goal = (
            f"{'https' if was_https else 'http'} on port {before.https.https_port if was_https else before.http_port}"
        )
        old = dc.replace(
            self.target,
            trust=self._way_back_trust() if was_https else Trust(),
            https_ports=(before.https.https_port,),
            first_contact="refuse" if was_https else "plain_http",
        )

        def attempt() -> None:
            try:
                reached = contact(old, self._prove)[0]
            except ConnectError:
                self._send_back(before, wanted)
                raise
            reached.session.close()

        advice = f"The camera answers {goal} again, as before."
        try:
            until(attempt, seconds=self.limits.switch_seconds)
            advice = f"{advice} {self._versions_back(before, *self._done)}".rstrip()
        except CamsecError as second:
            advice = (
                f"It could NOT be brought back to {goal} ({second.found}): restart the camera, and if it still does"
                " not answer, reset its network settings at the device; then run this again."
            )
        raise self._failed("the switch", error, advice) from error

    def _send_back(self, before: CameraState, wanted: HttpsState) -> None:
        secure = wanted.connection == "https"
        port = wanted.https_port if secure else before.http_port
        trust = self._way_back_trust() if secure else Trust()
        # Not there yet is no failure: the next attempt finds it at one of the two places.
        with self.target.session(wanted.connection, port, trust) as session, contextlib.suppress(ConnectError):
            driver = self._talk(session)
            driver.https()
            driver.set_https(before.https)

    def _return_certificate(self, before: CameraState, error: CamsecError) -> t.NoReturn:
        """Only a CA certificate can be put back: a self-signed one cannot be installed."""
        old, pin = before.certificate, self._way_back_trust()
        advice = (
            f"With spki_sha256 {', '.join(pin.spki_sha256)} the camera can be reached, whatever certificate it shows:"
            " run this again with it."
        )
        if old is not None and before.ca_certificate == "valid":
            try:
                self._put_back(old, before.https.https_port, pin)
                advice = "The certificate that was there before was put back."
            except CamsecError as second:
                advice = f"The certificate that was there before could NOT be put back ({second.found}). {advice}"
        raise self._failed("the new certificate", error, advice) from error

    def _put_back(self, old: CertificateFacts, port: int, pin: Trust) -> None:
        with self.target.session("https", port, pin) as session:
            driver = self._talk(session)
            driver.https()
            driver.install_certificate(old.pem, ())
        with self.target.session("https", port, pin) as session:
            self._talk(session).https()
            if session.peer is None or session.peer.certificate != old.der:
                raise self._not_proven("certificate in the handshake", "another one", old.serial_number)

    def _failed(self, what: str, error: CamsecError, advice: str) -> VerificationError:
        return VerificationError(
            device=self.target.host,
            subject=f"{what} ({error.subject})",
            found=error.found,
            expected=error.expected,
            advice=advice,
        )


def _shown(state: CameraState) -> dict[str, t.Any]:
    shown: dict[str, t.Any] = {"contact": state.contact.shown()}
    if state.certificate is not None and state.peer is not None:
        shown["certificate"] = state.certificate.shown()
        shown["endpoint"] = {
            "address": state.contact.session.endpoint.host,
            "port": state.contact.session.endpoint.port,
            "protocol": state.peer.protocol,
            "suite": state.peer.suite,
        }
    return shown
