# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What every resource of a camera shares: reading, carrying out steps, proof by a new handshake, the way back."""

from __future__ import annotations

import abc
import dataclasses as dc
import typing as t

from .._core._errors import CamsecError, InputError, ProtocolError, TrustError, VerificationError
from .._core._plan import Plan, Step
from .._pki._authority import CertificateAuthority
from .._tls._certificate import CertificateFacts
from .._transport._connection import Trust
from .._transport._contact import Contact, Target, contact
from .._transport._patience import Patience, until
from .._transport._session import DeviceSession
from .api import CameraApi, certificate_status
from .state import CameraState, HttpsState

__all__ = ["CameraResource", "Limits"]

W = t.TypeVar("W")


@dc.dataclass(frozen=True, kw_only=True)
class Limits:
    """How long the slow things may take.

    Attributes:
        key_seconds: Generation of a key (HTTPS-03: about two minutes).
        switch_seconds: Until the camera answers under a new scheme, port or certificate (HTTPS-32).
    """

    key_seconds: float = 300.0
    switch_seconds: float = 120.0


class CameraResource(abc.ABC, t.Generic[W]):
    """One thing of a camera that has a desired state ``W``.

    Args:
        wanted: The desired state.
        target: The camera.
        limits: How long the slow things may take.
        authority: The certificate authority whose ledger knows this camera's certificates, if there is one.
    """

    def __init__(
        self, wanted: W, *, target: Target, limits: Limits, authority: CertificateAuthority | None = None
    ) -> None:
        self.wanted = wanted
        self.target = target
        self.limits = limits
        self.authority = authority
        self._api: CameraApi | None = None
        self._before: CameraState | None = None
        #: The certificate that a handshake has to show from now on.
        self._expected: CertificateFacts | None = None
        self._issued_pem = ""
        self._done: list[str] = []

    @abc.abstractmethod
    def plan(self, current: CameraState) -> Plan:
        """The steps to the desired state."""

    @property
    def api(self) -> CameraApi:
        """The calls over the open session."""
        if self._api is None:
            raise RuntimeError("read() comes first")
        return self._api

    def read(self) -> CameraState:
        """The camera's present state.

        Returns:
            The state.

        Raises:
            CamsecError: It cannot be reached or understood.
        """
        reached, (https, fields) = contact(self.target, _prove)
        state = self._state(reached, https, fields)
        self._before = state
        self._expected = self.known_certificate(state)
        self._record(reached)
        return state

    def known_certificate(self, state: CameraState) -> CertificateFacts | None:
        """The certificate in force: from the handshake or, over plain HTTP, from the CA's ledger.

        Args:
            state: The state.

        Returns:
            Its facts, None when unknown.
        """
        if state.certificate is not None or self.authority is None or not state.installed_serial:
            return state.certificate
        entry = self.authority.ledger.find(state.installed_serial)
        return CertificateFacts.from_pem(entry.pem) if entry else None

    def evidence(self, current: CameraState) -> dict[str, t.Any]:
        """What the read proved: the handshake that it came over."""
        self.api.session.close()
        return {"after": current.shown(), **_shown(current)}

    def apply(self, step: Step) -> None:
        """Carry out one step.

        Args:
            step: The step.

        Raises:
            CamsecError: The camera refused it or did not answer.
        """
        match step.id:
            case "generate_key":
                self._generate_key(step.data["size"])
            case "apply_previous_key":
                self.api.apply_previous_key()
            case "make_request":
                self.api.make_request(step.data["subject"])
            case "sign_request":
                self._sign_request()
            case "install_certificate":
                self.api.install_certificate(step.data.get("pem") or self._issued_pem)
            case "delete_certificate":
                self.api.delete_certificate()
            case "make_self_signed":
                self.api.make_self_signed(step.data["subject"])
            case "delete_self_signed":
                self.api.delete_self_signed()
            case "set_https":
                self.api.set_https(step.data["https"])
            case unknown:
                raise RuntimeError(f"no such step: {unknown}")
        self._done.append(step.id)

    def verify(self, plan: Plan) -> dict[str, t.Any]:
        """Read again over the new endpoint, by a new handshake.

        Args:
            plan: The plan that was carried out.

        Returns:
            ``after``, ``certificate``, ``endpoint`` and ``contact``.

        Raises:
            VerificationError: The evidence does not show the planned state.
        """
        self.api.session.close()
        target = self.target_after(plan)
        reached, (https, fields) = until(lambda: contact(target, _prove), seconds=self.limits.switch_seconds)
        state = self._state(reached, https, fields)
        self._check(plan, state)
        reached.session.close()
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
        if plan.after["connection"] == "http":
            return dc.replace(self.target, trust=Trust(), first_contact="plain_http")
        if not self.target.trust.usable and self.target.first_contact != "any_certificate":
            raise InputError(
                device=self.target.host,
                subject="trust",
                found="no ca_path and no spki_sha256",
                expected="something to verify the camera by once it answers in HTTPS",
                advice="Give ca_path, spki_sha256, or first_contact=any_certificate for a self-signed certificate.",
            )
        first_contact = "refuse" if self.target.trust.usable else "any_certificate"
        return dc.replace(self.target, https_ports=(plan.after["https_port"],), first_contact=first_contact)

    def abandon(self, step: Step, error: Exception) -> None:
        """Bring the camera back to where its recorder sees it, then say so.

        Args:
            step: The step that failed, or the last one when the verification did.
            error: What went wrong.

        Raises:
            VerificationError: What went wrong, and where the camera is now.
        """
        before = self._before
        if before is None or not isinstance(error, CamsecError):
            return
        if "set_https" in self._done or step.id == "set_https":
            self._return_to(before, error)
        elif "install_certificate" in self._done and before.certificate is not None and before.peer is not None:
            self._reinstall(before, error)

    def _state(self, reached: Contact, https: HttpsState, fields: t.Mapping[str, str]) -> CameraState:
        self._api = api = CameraApi(reached.session)
        peer = reached.session.peer
        self_signed, self_signed_name = certificate_status(fields["self_signed_info"])
        ca_certificate, ca_certificate_name = certificate_status(fields["ca_cert_info"])
        key, previous_key, generating = api.keys()
        plain = peer is None
        return CameraState(
            https=https,
            http_port=self.target.http_port,
            self_signed=self_signed,
            self_signed_name=self_signed_name,
            ca_certificate=ca_certificate,
            ca_certificate_name=ca_certificate_name,
            key=key,
            previous_key=previous_key,
            generating=generating,
            request_made_at="" if ca_certificate == "valid" or generating else api.request_made_at(),
            installed_serial=api.installed_serial() if plain and ca_certificate == "valid" else "",
            tls_supported=api.tls_supported() if plain and not generating else None,
            contact=reached,
            peer=peer,
            certificate=CertificateFacts.from_der(peer.certificate) if peer else None,
        )

    def _record(self, reached: Contact) -> None:
        if self.authority is not None and reached.trust in ("plain_http", "any_certificate"):
            endpoint = reached.session.endpoint
            self.authority.ledger.record_contact(
                device=self.target.host, address=endpoint.host, port=endpoint.port, trust=reached.trust
            )

    def _generate_key(self, size: int) -> None:
        before, _, _ = self.api.keys()
        self.api.generate_key(size)
        patience = Patience(self.limits.key_seconds)
        while True:
            key, _, generating = self.api.keys()
            if not generating:
                break
            if not patience.wait():
                raise VerificationError(
                    device=self.target.host,
                    subject="CRT key",
                    found=f"still being generated after {self.limits.key_seconds:g} s",
                    expected="a new key after about two minutes",
                    advice="Run it again later: it goes on from there.",
                )
        if key is None or key == before or key.size != size:
            raise VerificationError(
                device=self.target.host,
                subject="CRT key",
                found=f"{key.size} bits of {key.generated_at}" if key else "none",
                expected=f"a new one of {size} bits",
                advice="The camera may have restarted meanwhile; run it again.",
            )

    def _sign_request(self) -> None:
        raise NotImplementedError(f"{type(self).__name__} plans no signing")

    def _check(self, plan: Plan, state: CameraState) -> None:
        for name in ("connection", "https_port"):
            if state.shown()[name] != plan.after[name]:
                raise self._not_proven(name.replace("_", " "), state.shown()[name], str(plan.after[name]))
        expected = self._expected if "install_certificate" in self._done else None
        if state.certificate is None or expected is None:
            return
        if state.certificate.sha256 != expected.sha256:
            found = f"serial number {state.certificate.serial_number}"
            raise self._not_proven("certificate in the handshake", found, f"serial number {expected.serial_number}")

    def _not_proven(self, subject: str, found: object, expected: str) -> VerificationError:
        return VerificationError(device=self.target.host, subject=subject, found=found, expected=expected)

    def _way_back_trust(self) -> Trust:
        """The key that the camera must hold, whatever certificate it shows: nobody else can stand in for it."""
        if self._expected is not None:
            return Trust(spki_sha256=(self._expected.spki_sha256,))
        return self.target.trust

    def _return_to(self, before: CameraState, error: CamsecError) -> t.NoReturn:
        old = before.https
        goal = f"{old.connection} on port {old.https_port if old.connection == 'https' else before.http_port}"
        try:
            for scheme, port in self._present_endpoints(before):
                self._send_back(scheme, port, old)
            back = dc.replace(
                self.target,
                trust=self.target.trust if old.connection == "https" else Trust(),
                https_ports=(old.https_port,),
                first_contact="refuse" if old.connection == "https" else "plain_http",
            )
            reached, _ = until(lambda: contact(back, _prove), seconds=self.limits.switch_seconds)
            reached.session.close()
        except CamsecError as second:
            raise VerificationError(
                device=self.target.host,
                subject=f"the switch ({error.subject})",
                found=error.found,
                expected=error.expected,
                advice=f"It could NOT be brought back to {goal} ({second.found}): restart the camera, and if it still"
                " does not answer, reset its network settings at the device; then run this again.",
            ) from error
        raise VerificationError(
            device=self.target.host,
            subject=f"the switch ({error.subject})",
            found=error.found,
            expected=error.expected,
            advice=f"The camera was brought back and answers {goal} again.",
        ) from error

    def _present_endpoints(self, before: CameraState) -> t.Iterator[tuple[str, int]]:
        if before.https.connection == "https":
            yield "http", before.http_port
        for port in self.target.https_ports:
            yield "https", port

    def _send_back(self, scheme: str, port: int, old: HttpsState) -> None:
        trust = self._way_back_trust() if scheme == "https" else Trust()
        with self.target.session(scheme, port, trust) as session:
            try:
                api = CameraApi(session)
                api.https()
                api.set_https(old)
            except (TrustError, ProtocolError):
                raise
            except CamsecError:
                # Not there: another endpoint may be, and the check of the old one decides.
                return

    def _reinstall(self, before: CameraState, error: CamsecError) -> t.NoReturn:
        pem = before.certificate.pem if before.certificate else ""
        try:
            with self.target.session("https", before.https.https_port, self._way_back_trust()) as session:
                api = CameraApi(session)
                api.https()
                api.install_certificate(pem)
            advice = "The certificate that was there before was put back."
        except CamsecError as second:
            advice = f"The certificate that was there before could NOT be put back ({second.found})."
        raise VerificationError(
            device=self.target.host,
            subject=f"the new certificate ({error.subject})",
            found=error.found,
            expected=error.expected,
            advice=advice,
        ) from error


def _prove(session: DeviceSession) -> tuple[HttpsState, dict[str, str]]:
    return CameraApi(session).https()


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
