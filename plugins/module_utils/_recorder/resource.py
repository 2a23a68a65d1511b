# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A recorder as one resource: reading what is needed, carrying out steps, proof by a new handshake, the way back.

Every module of the family is this resource with some parts of the desired state: one login, one read, one plan.
"""

from __future__ import annotations

import contextlib
import dataclasses as dc
import datetime as dt
import types
import typing as t
from pathlib import Path

from .._core._errors import CamsecError, EscrowError, InputError, LoginError, VerificationError
from .._core._plan import Plan, Step
from .._core._secret import Secret
from .._escrow._escrow import Entry, Escrow
from .._pki._files import make_parents, read_text, write_or_fail
from .._tls._certificate import CertificateFacts
from .._transport._connection import Trust
from .._transport._contact import Contact, Target, contact, contact_shown
from .._transport._patience import Patience, until
from .._transport._session import DeviceSession, Refused
from . import rules
from .api import RecorderApi
from .planning import PasswordChange, make_plan, plan_all, plan_licenses
from .state import (
    CameraState,
    Encryption,
    EncryptionSetting,
    Licenses,
    LinkSetting,
    PcSide,
    RecorderState,
    System,
    Wanted,
)

__all__ = ["EscrowAccess", "Limits", "RecorderResource", "known_root"]

#: At most so many cameras are asked for a picture to prove the password (two commands each).
_PROBED_CAMERAS = 3
#: The same for a former password that is given; only where the escrow does not know it.
_FORMER_PROBED_CAMERAS = 16
_STAMP = "%y%m%d%H%M%S"
#: With one of these the recorder says that it did not carry out a write; 401 is a :class:`LoginError`.
_DEFINITE_NO: t.Final = frozenset((400, 403, 404))
_PENDING = (
    "Whether the recorder took the password is not known: the escrow keeps it as pending beside the one before. Run the"
    " task again, which sends it again; password_evidence then shows whether it opens what is recorded."
)


@dc.dataclass(frozen=True, kw_only=True)
class Limits:
    """Times and what to do when they are over.

    Attributes:
        command_interval: Seconds between the commands of one UID.
        link_seconds: Until the recorder is connected to a camera again after its setting was changed.
        switch_seconds: Until the recorder answers under a new port.
        on_unseen: ``fail``, ``revert`` or ``report``: what to do with cameras that it is not connected to by then.
    """

    command_interval: float = 3.0
    link_seconds: float = 60.0
    switch_seconds: float = 60.0
    on_unseen: str = "fail"


@dc.dataclass(frozen=True, kw_only=True)
class EscrowAccess:
    """Where data encryption passwords are kept.

    Attributes:
        escrow: The recorder's escrow.
        former_password: The password that is in force, where the escrow does not know it yet.
        accept_loss: A password in force that nobody knows may be replaced.
        look_only: Nothing is written, not even to see whether it could be.
    """

    escrow: Escrow
    former_password: Secret | None = None
    accept_loss: bool = False
    look_only: bool = False


class RecorderResource:
    """What is wanted of one recorder.

    Use it as a context manager, so that the recorder gets its UID back however it ends.

    Args:
        wanted: The desired state; parts that are None are not looked at.
        target: The recorder.
        limits: Times.
        escrow: Needed when a data encryption password is wanted.
    """

    def __init__(self, wanted: Wanted, *, target: Target, limits: Limits, escrow: EscrowAccess | None = None) -> None:
        self.wanted = wanted
        self.target = target
        self.limits = limits
        self.escrow = escrow
        self._api: RecorderApi | None = None
        self._contact: Contact | None = None
        self._before: RecorderState | None = None
        self._planned: RecorderState | None = None
        self._camera_steps: list[Step] = []
        self._unseen: dict[int, dict[str, t.Any]] = {}
        self._reverted: list[int] = []
        self._not_sent: set[int] = set()
        self._password_evidence: dict[str, t.Any] | None = None
        self._former_proved = False
        self._loses_password = False

    def __enter__(self) -> t.Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: types.TracebackType | None,
    ) -> None:
        if self._api is not None:
            self._api.logout()
            self._api.session.close()

    @property
    def api(self) -> RecorderApi:
        """The calls over the open session."""
        if self._api is None:
            raise RuntimeError("read() comes first")
        return self._api

    # Read.

    def read(self) -> RecorderState:
        """The recorder's present state.

        Returns:
            The state.

        Raises:
            CamsecError: It cannot be reached or understood, or what is wanted cannot be, whatever its state.
        """
        self._check_wishes()
        self.open()
        state = self._read()
        self._password_evidence = self._prove_password(state)
        self._check_former(state)
        self._before = state
        return state

    def open(self) -> RecorderApi:
        """Reach the recorder and log in.

        Returns:
            The calls.
        """
        self._contact, self._api = contact(self.target, self._log_in)
        return self._api

    def _log_in(self, session: DeviceSession) -> RecorderApi:
        api = RecorderApi(session, self.limits.command_interval)
        api.login()
        return api

    def _check_wishes(self) -> None:
        device, wanted = self.target.host, self.wanted
        if wanted.https is not None:
            rules.check_https_port(device, wanted.https.https_port)
        if wanted.licenses is not None:
            for key in (wanted.licenses.main, *wanted.licenses.kits):
                if key is not None:
                    rules.check_unlock_key(device, key)
        if wanted.encryption is not None and wanted.encryption.password is not None:
            rules.check_password(device, wanted.encryption.password)
            if self.escrow is None:
                raise InputError(
                    device=device,
                    subject="escrow",
                    found="none",
                    expected="an escrow before a data encryption password is set, since losing one loses recordings",
                    advice="Give escrow_path or escrow_directory, and the vault's password.",
                )
        if self.escrow is not None:
            self.escrow.escrow.check(look_only=self.escrow.look_only)

    def _read(self) -> RecorderState:
        api, wanted = self.api, self.wanted
        licensed = wanted.cameras is not None or wanted.encryption is not None
        path = wanted.root_certificate_path
        kept = known_root(path) if path is not None else None
        peer = api.session.peer
        state = RecorderState(
            contact=self.reached(),
            peer=peer,
            certificate=CertificateFacts.from_der(peer.certificate) if peer else None,
            licenses=api.licenses() if wanted.licenses is not None else None,
            pc_side=api.pc_side() if wanted.https is not None or (path is not None and kept is None) else None,
            trusted_cas=api.trusted_cas() if self._trust_is_wanted() else None,
            root_certificate=api.root_certificate() if path is not None and kept is None else None,
            kept_root_sha256=(kept.sha256 if kept else "") if path is not None else None,
        )
        return self._with_cameras(state) if licensed else state

    def _trust_is_wanted(self) -> bool:
        wanted = self.wanted
        return bool(wanted.trusted_cas or wanted.trusted_ca_to_come or wanted.retired_cas)

    def _with_cameras(self, state: RecorderState) -> RecorderState:
        # Asking for the connect states makes the recorder look; the fault column is read after that.
        states = self.api.connect_states()
        read = self.api.cameras()
        if read is None:
            return dc.replace(state, unlicensed=True)
        cameras, used, total = read
        cameras = tuple(dc.replace(one, state=states.get(one.number, "not_registered")) for one in cameras)
        return dc.replace(
            state,
            cameras=cameras,
            licenses=state.licenses or Licenses(total=total, used=used),
            encryption=self._encryption(),
            system=self._system(cameras),
        )

    def _system(self, cameras: t.Sequence[CameraState]) -> System | None:
        """Only where REC-23 asks for the software version."""
        return self.api.system() if sum(camera.internet_mode for camera in cameras) > 4 else None

    def _encryption(self) -> Encryption:
        present = self.escrow.escrow.present() if self.escrow is not None else None
        known = present.fingerprint if present is not None and self.api.encryption.password_set else ""
        return dc.replace(self.api.encryption, password_version=known)

    def _prove_password(self, state: RecorderState) -> dict[str, t.Any] | None:
        """Whether the recorder's present password opens what was recorded under the escrowed one (REC-34, REC-35)."""
        password = self.wanted.encryption.password if self.wanted.encryption is not None else None
        if self.escrow is None or password is None or not self.escrow.escrow.matches(password):
            return None
        entry = self.escrow.escrow.present()
        if entry is None or state.encryption is None or not state.encryption.password_set:
            return None
        evidence: dict[str, t.Any] | None = None
        for camera in [camera for camera in state.cameras or () if camera.encrypted][:_PROBED_CAMERAS]:
            found = self._prove_on(camera.number, entry)
            evidence = found or evidence
            if found is not None and (found["decodes"] or found["escrowed_decodes"]):
                break
        return evidence

    def _would_lose_password(self, state: RecorderState) -> bool:
        """Whether the recorder's present password would be replaced, while nobody would know it any more (REC-35)."""
        if self.escrow is None or self.escrow.former_password is not None or not _password_set(state):
            return False
        known = any(
            entry.state == "in_force" or (entry.state in ("pending", "unconfirmed") and entry.until is None)
            for entry in self.escrow.escrow.entries()
        )
        return not known and self._password_change(state) is not None

    def _check_former(self, state: RecorderState) -> None:
        """No password that is in force is replaced before the escrow has it (REC-35)."""
        if self.escrow is None:
            return
        self._loses_password = self._would_lose_password(state)
        if self._loses_password and not self.escrow.accept_loss:
            raise EscrowError(
                device=self.target.host,
                subject="data encryption password",
                found="that the password in force is not in the escrow",
                expected="it there before it is replaced, since what was recorded under it needs it (REC-35)",
                advice="Give former_data_encryption_password, or on_unknown_former: accept_loss.",
            )
        # It goes along, so that it waits for a verified connection if there is still to be one.
        if self.api.session.endpoint.scheme == "https":
            self._prove_former(state)

    def _prove_former(self, state: RecorderState) -> None:
        """Whether the given former password opens what the recorder's present one does, where there is such a thing."""
        former = self.escrow.former_password if self.escrow is not None else None
        if self.escrow is None or former is None or self._former_proved or not _password_set(state):
            return
        if self.escrow.escrow.matches(former) or self._password_change(state) is None:
            return
        self._former_proved = True
        cameras = sorted(state.cameras or (), key=lambda camera: not camera.encrypted)[:_FORMER_PROBED_CAMERAS]
        for camera in cameras:
            span = self._newest_encrypted(camera.number)
            if span is None or not self.api.decodes(camera.number, *span):
                # What the present one does not open tells nothing of which one that is.
                continue
            if self.api.decodes(camera.number, *span, former):
                return
            raise EscrowError(
                device=self.target.host,
                subject="former_data_encryption_password",
                found=f"one that does not open what the password in force opens, recorded by camera {camera.number}",
                expected="the password in force, since the escrow would keep a wrong one for it (REC-35)",
            )

    def _newest_encrypted(self, camera: int) -> tuple[str, str] | None:
        """Start and end of the last second of a camera's newest encrypted recording."""
        recordings = [one for one in self.api.recordings(camera) if one.encrypted]
        if not recordings:
            return None
        newest = max(recordings, key=lambda one: one.end)
        end = _instant(newest.end)
        if end is None:
            return None
        return max(newest.start, (end - dt.timedelta(seconds=1)).strftime(_STAMP)), newest.end

    def _prove_on(self, camera: int, entry: Entry) -> dict[str, t.Any] | None:
        span = self._newest_encrypted(camera)
        end = _instant(span[1]) if span is not None else None
        if span is None or end is None or (entry.since is not None and end <= entry.since):
            return None
        decodes = self.api.decodes(camera, *span)
        if decodes is None:
            return None
        escrowed = None
        if not decodes and self.api.session.endpoint.scheme == "https":
            # Where neither opens it, the camera encrypts with another password, which tells nothing of the recorder's.
            escrowed = self.api.decodes(camera, *span, entry.password)
        return {
            "camera": camera,
            "recorded_at": end.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "decodes": decodes,
            "escrowed_decodes": escrowed,
        }

    # Plan.

    def plan(self, current: RecorderState) -> Plan:
        """The steps: the recorder's root, licences, trust, links, encryption, PC side last.

        Args:
            current: The present state.

        Returns:
            The plan.

        Raises:
            RuleError: The manual forbids a step.
            InputError: There is nothing to verify the new endpoint by.
        """
        steps: list[Step] = []
        after = current
        if self.wanted.licenses is not None:
            steps, after = plan_licenses(current, self.wanted.licenses)
        # Only a kit's key adds licences: without a new one they are counted before anything is sent.
        registering = any(step.id == "register_kit_key" for step in steps)
        if registering and (self.wanted.cameras is not None or self.wanted.encryption is not None):
            title = "Read the recorder again and count the licences before anything else is sent"
            steps.append(Step(id="count_licenses", title=title, rule="REC-07"))
        more, after = self._plan_rest(after, count=not registering)
        # The root comes first: secrets are better sent over a verified connection.
        first = [step for step in more if step.id == "keep_root_certificate"]
        steps = [*first, *steps, *(step for step in more if step not in first)]
        if any(step.id in ("set_pc_https", "set_pc_connection", "keep_root_certificate") for step in steps):
            self._https_trust()
        self._planned = after
        plan = make_plan(current, after, steps)
        if self._loses_password:
            lost = (
                f"{self.target.host}: the data encryption password in force is not in the escrow: what was recorded"
                " under it is lost unless somebody knows it, as on_unknown_former allows."
            )
            plan = dc.replace(plan, warnings=(*plan.warnings, lost))
        return plan

    def _plan_rest(self, state: RecorderState, *, count: bool) -> tuple[list[Step], RecorderState]:
        root = self._root_of(state)
        change = self._password_change(state)
        return plan_all(state, self.wanted, change, root_sha256=root.sha256 if root else "", count=count)

    def _root_of(self, state: RecorderState) -> CertificateFacts | None:
        if state.root_certificate is None:
            return None
        device = self.target.host
        return CertificateFacts.from_pem(state.root_certificate, device=device, subject="root certificate")

    def _password_change(self, state: RecorderState) -> PasswordChange | None:
        password = self.wanted.encryption.password if self.wanted.encryption is not None else None
        if password is None or self.escrow is None:
            return None
        escrow = self.escrow.escrow
        evidence = self._password_evidence
        if not _password_set(state):
            why = "none is set"
        elif not escrow.matches(password):
            why = "it is not the one that the escrow knows to be in force"
        elif evidence is not None and not evidence["decodes"] and evidence["escrowed_decodes"]:
            why = f"it opens what camera {evidence['camera']} records, and the recorder's present one does not"
        else:
            return None
        return PasswordChange(password=password, version=escrow.fingerprint(password), why=why)

    # Apply.

    def apply(self, step: Step) -> None:
        """Carry out one step.

        Args:
            step: The step.

        Raises:
            CamsecError: The recorder refused it or did not answer, or the evidence does not show its success.
        """
        data = step.data
        actions: dict[str, t.Callable[[], None]] = {
            "register_main_key": lambda: self.api.register("MAIN", data["key"].key),
            "register_kit_key": lambda: self.api.register("SECURE", data["key"].key),
            "count_licenses": self._count_licenses,
            "keep_root_certificate": self._keep_root,
            "add_trusted_ca": lambda: self.api.add_trusted_cas(data["pem"]),
            "remove_trusted_ca": lambda: self.api.remove_trusted_ca(data["sha256"]),
            "set_cameras": self._set_cameras,
            "set_links": lambda: self._set_links(data["links"]),
            "set_encryption": lambda: self._set_encryption(data["cameras"], data["password"]),
            "set_pc_https": lambda: self._set_pc_https(data),
            "set_pc_connection": lambda: self._set_pc_connection(data["connection"], data["https_port"]),
        }
        actions[step.id]()

    def _count_licenses(self) -> None:
        state = self._read()
        self._check_former(state)
        steps, self._planned = self._plan_rest(state, count=True)
        self._camera_steps = [step for step in steps if step.id in ("set_links", "set_encryption")]
        if self._before is not None and self._before.unlicensed:
            self._before = dc.replace(self._before, cameras=state.cameras)

    def _set_cameras(self) -> None:
        for step in self._camera_steps:
            self.apply(step)

    def _keep_root(self) -> None:
        before, path = self._known_before(), self.wanted.root_certificate_path
        if path is None or before.root_certificate is None or before.pc_side is None:
            raise RuntimeError("keep_root_certificate is planned only when the root was read")
        make_parents(path, subject="root certificate of the recorder")
        write_or_fail(path, before.root_certificate.encode(), mode=0o644, subject="root certificate of the recorder")
        try:
            self._prove_https(before.pc_side.https_port, Trust(ca_path=path))
        except CamsecError:
            Path(path).unlink()
            raise

    def _set_links(self, links: t.Sequence[LinkSetting]) -> None:
        self._not_sent.update(self.api.set_links(links))
        unseen = self._await_cameras([link.number for link in links])
        if not unseen:
            return
        # The fault column and the log as they are under the wanted setting, before anything is put back.
        read = self.api.cameras()
        self._unseen = self._reasons(unseen, read[0] if read else ())
        if self.limits.on_unseen == "fail":
            raise self._unseen_error()
        if self.limits.on_unseen == "report":
            return
        before = self._known_before()
        back = [
            LinkSetting(
                number=camera.number,
                connection=camera.connection,
                port=camera.port,
                send=link.send,
                address=camera.address if link.address is not None else None,
            )
            for link in links
            if link.number in unseen and (camera := before.camera(link.number)) is not None
        ]
        self.api.set_links(back)
        self._reverted = [link.number for link in back]
        self._await_cameras([n for n in self._reverted if (one := before.camera(n)) and one.state == "normal"])

    def _await_cameras(self, numbers: t.Sequence[int]) -> list[int]:
        patience = Patience(self.limits.link_seconds)
        while True:
            states = self.api.connect_states()
            unseen = [number for number in numbers if states.get(number) != "normal"]
            if not unseen or not patience.wait():
                return unseen

    def _unseen_error(self) -> VerificationError:
        reasons = self._unseen.values()
        texts = [
            f"camera {one['number']} ({one['fault'] or one['error_log'] or 'no entry in the log'})" for one in reasons
        ]
        return VerificationError(
            device=self.target.host,
            subject="connection to cameras",
            found=f"none after {self.limits.link_seconds:g} s to {', '.join(texts)}",
            expected="the recorder to be connected to every camera whose connection was changed",
            advice="The setting was left as it is; on_unseen=revert puts it back.",
        )

    def _reasons(self, unseen: t.Sequence[int], cameras: t.Iterable[CameraState]) -> dict[int, dict[str, t.Any]]:
        if not unseen:
            return {}
        faults = {camera.number: camera.fault for camera in cameras}
        log = self.api.error_log()
        return {
            number: {
                "number": number,
                "fault": faults.get(number, ""),
                "error_log": next((line for line in log if f"CAM {number} " in f"{line} "), ""),
            }
            for number in unseen
        }

    def _set_encryption(self, cameras: t.Sequence[EncryptionSetting], password: Secret | None) -> None:
        if password is None or self.escrow is None:
            self._not_sent.update(self.api.set_encryption(cameras, None))
            return
        if self._before is not None:
            self._prove_former(self._before)
        escrow = self.escrow.escrow
        escrow.begin_change(password, self.escrow.former_password, _now())
        try:
            self._not_sent.update(self.api.set_encryption(cameras, password))
        except CamsecError as error:
            if not _is_definite_no(error):
                error.advice = _PENDING
                raise
            escrow.revert(_now())
            raise
        escrow.confirm(_now())

    def _set_pc_https(self, data: t.Mapping[str, t.Any]) -> None:
        before = self._known_before().pc_side
        if before is None:
            raise RuntimeError("the PC side is planned only when it was read")
        port = data.get("https_port", before.https_port)
        unheard: CamsecError | None = None
        try:
            self.api.set_pc_side(**data)
        except CamsecError as error:
            if _is_definite_no(error):
                raise
            unheard = error
        try:
            self._prove_https(port)
        except CamsecError as error:
            self._return_from(port, data, unheard or error)
        if unheard is not None:
            unheard.advice = f"The recorder answers in HTTPS on port {port}: run the task again, it reads what is set."
            raise unheard

    def _return_from(self, port: int, data: t.Mapping[str, t.Any], error: CamsecError) -> t.NoReturn:
        """A changed HTTPS port must not leave the recorder unreachable (REC-14)."""
        before = self._known_before().pc_side
        if before is None:
            raise RuntimeError("the PC side is planned only when it was read")
        by_hand = (
            f"let the network through to port {port}, or set the HTTPS port to {before.https_port} at the recorder's"
            " own screen."
        )
        advice = self._return_by_https(before, data)
        if not advice and before.connection != "http_and_https":
            advice = f"HTTP is off, so it could not be brought back: {by_hand}"
        elif not advice and self.target.first_contact == "refuse":
            advice = f"It was not brought back, since first_contact is refuse and that would take plain HTTP: {by_hand}"
        elif not advice:
            advice = self._return_by_http(before, data)
        raise VerificationError(
            device=self.target.host,
            subject=f"HTTPS on port {port} ({error.subject})",
            found=error.found,
            expected=error.expected,
            advice=advice,
        ) from error

    def _return_by_https(self, before: PcSide, data: t.Mapping[str, t.Any]) -> str:
        """By the old HTTPS port, verified; how it went, or nothing when it does not answer there."""
        try:
            self.api.move(self.target.session("https", before.https_port, self._https_trust()))
            if self.api.pc_side() == before:
                return f"Its settings are as they were, and it answers on port {before.https_port}."
            self.api.set_pc_side(**{name: getattr(before, name) for name in data})
            self._prove_https(before.https_port)
        except CamsecError:
            return ""
        return f"It was brought back to port {before.https_port} by HTTPS and answers there."

    def _return_by_http(self, before: PcSide, data: t.Mapping[str, t.Any]) -> str:
        try:
            self.api.move(self.target.session("http", before.http_port, Trust()))
            self.api.set_pc_side(**{name: getattr(before, name) for name in data})
            self._prove_https(before.https_port)
        except CamsecError as error:
            return f"It could NOT be brought back through its HTTP port ({error.found}): do it at its own screen."
        return f"It was brought back to port {before.https_port} through its HTTP port and answers there."

    def _set_pc_connection(self, connection: str, https_port: int) -> None:
        if connection == "https_only":
            # HTTP is still on: only what answers and verifies by HTTPS now may become the only way.
            self._prove_https(https_port)
        self.api.set_pc_side(connection=connection)

    def _prove_https(self, port: int, trust: Trust | None = None) -> None:
        """Go on over HTTPS at this port, when it answers and verifies."""
        trust = trust or self._https_trust()
        session = self.target.session("https", port, trust)
        self.api.move(session)
        until(self.api.connect_states, seconds=self.limits.switch_seconds)
        self._contact = Contact(session=session, trust=trust.kind)

    def _https_trust(self) -> Trust:
        """By what the recorder is verified when it answers in HTTPS.

        Raises:
            InputError: By nothing.
        """
        if self.target.trust.usable:
            return self.target.trust
        if self.wanted.root_certificate_path is not None:
            return Trust(ca_path=self.wanted.root_certificate_path)
        if self.target.first_contact == "any_certificate":
            return Trust(any_certificate=True)
        raise InputError(
            device=self.target.host,
            subject="trust",
            found="no root_certificate_path, no ca_path and no spki_sha256",
            expected="something to verify the recorder by once it answers in HTTPS",
            advice="Give root_certificate_path: the recorder's own root is kept there at the first contact.",
        )

    # Verify.

    def verify(self, plan: Plan) -> dict[str, t.Any]:
        """Read again in the same login, over a new connection to the new endpoint.

        Args:
            plan: The plan that was carried out.

        Returns:
            ``after``, ``contact``, ``endpoint``, ``certificate`` and what is known of the cameras.

        Raises:
            VerificationError: The evidence does not show the planned state.
        """
        endpoint = self.api.session.endpoint
        if endpoint.scheme == "https":
            session = self.target.session("https", endpoint.port, self.api.session.trust)
            self.api.move(session)
            until(self.api.connect_states, seconds=self.limits.switch_seconds)
            self._contact = Contact(session=session, trust=session.trust.kind)
        state = self._read()
        self._check(state)
        before = self._before.shown() if self._before is not None else dict(plan.before)
        more: dict[str, t.Any] = {"before": before, "diff": {"before": before, "after": state.shown()}}
        if self._camera_steps:
            more["plan"] = [shown for step in plan.steps for shown in self._carried_out(step)]
        return {"after": state.shown(), **self._shown(state), **more}

    def _carried_out(self, step: Step) -> list[dict[str, t.Any]]:
        return [one.shown() for one in self._camera_steps] if step.id == "set_cameras" else [step.shown()]

    def evidence(self, current: RecorderState) -> dict[str, t.Any]:
        """What the read proved: the handshake that it came over, and the recorder's own view of its cameras."""
        shown = {"after": current.shown(), **self._shown(current)}
        if shown.get("unseen"):
            numbers = ", ".join(map(str, shown["unseen"]))
            shown["warnings"] = [*make_plan(current, current, ()).warnings]
            shown["warnings"].append(f"{self.target.host}: the recorder is not connected to camera {numbers}.")
        return shown

    def abandon(self, step: Step, error: Exception) -> None:
        """Each step that could cut the recorder off has brought it back by itself; nothing is left to do here."""

    def _check(self, state: RecorderState) -> None:
        planned = self._planned
        if planned is None:
            raise RuntimeError("plan() comes first")
        if self.wanted.https is not None and planned.pc_side is not None and state.pc_side is not None:
            for name in ("connection", "tls_1_1", "https_port"):
                self._check_part(name, getattr(planned.pc_side, name), getattr(state.pc_side, name))
        if planned.trusted_cas is not None:
            missing = {ca.sha256 for ca in planned.trusted_cas} - {ca.sha256 for ca in state.trusted_cas or ()}
            self._check_part("trusted certificates that are missing", (), tuple(sorted(missing)))
            retired = {facts.sha256 for facts in self.wanted.retired_cas}
            left = sorted(retired & {ca.sha256 for ca in state.trusted_cas or ()})
            self._check_part("retired certificates that it still trusts", [], left)
        for camera in planned.cameras or ():
            if camera.number not in self._reverted:
                found = state.camera(camera.number)
                self._check_part(f"camera {camera.number}", camera.setting(), found.setting() if found else None)
        if planned.encryption is not None and state.encryption is not None:
            self._check_part("password set", planned.encryption.password_set, state.encryption.password_set)
        if planned.licenses is not None and state.licenses is not None and self.wanted.licenses is not None:
            keys = {kit.key for kit in state.licenses.kits or ()}
            lost = [key.shown for key in self.wanted.licenses.kits if key.shown not in keys]
            self._check_part("unlock keys that are not registered", [], lost)

    def _check_part(self, subject: str, planned: object, found: object) -> None:
        if planned is not None and found != planned:
            raise VerificationError(device=self.target.host, subject=subject, found=found, expected=str(planned))

    def _shown(self, state: RecorderState) -> dict[str, t.Any]:
        shown = contact_shown(state.contact, state.certificate)
        if state.cameras is not None:
            shown["cameras"] = [camera.shown() for camera in state.cameras]
            wanted = {one.number for one in self.wanted.cameras or () if one.connection is not None}
            unseen = [one.number for one in state.cameras if one.number in wanted and one.state != "normal"]
            new = [number for number in unseen if number not in self._unseen]
            reasons = {**self._unseen, **self._reasons(new, state.cameras)}
            shown["unseen"] = sorted({*unseen, *self._reverted})
            shown["unseen_reasons"] = [reasons[number] for number in shown["unseen"]]
            shown["reverted"] = list(self._reverted)
            shown["not_sent"] = sorted(self._not_sent)
        if self._password_evidence is not None:
            shown["password_evidence"] = self._password_evidence
        return shown

    def reached(self) -> Contact:
        """How the recorder was reached last."""
        if self._contact is None:
            raise RuntimeError("open() comes first")
        return self._contact

    def _known_before(self) -> RecorderState:
        if self._before is None:
            raise RuntimeError("read() comes first")
        return self._before


def known_root(path: str) -> CertificateFacts | None:
    """The root that is kept in a file.

    Args:
        path: The file.

    Returns:
        Its facts, None when there is no such file.

    Raises:
        PkiError: It cannot be read, or holds something else.
    """
    if not Path(path).exists():
        return None
    return CertificateFacts.from_pem(
        read_text(path, subject="root certificate"), device=path, subject="root certificate"
    )


def _password_set(state: RecorderState) -> bool:
    return state.encryption is not None and state.encryption.password_set


def _is_definite_no(error: CamsecError) -> bool:
    return isinstance(error, LoginError) or (isinstance(error, Refused) and error.status in _DEFINITE_NO)


def _instant(stamp: str) -> dt.datetime | None:
    with contextlib.suppress(ValueError):
        return dt.datetime.strptime(stamp, _STAMP).replace(tzinfo=dt.UTC)
    return None


def _now() -> dt.datetime:
    return dt.datetime.now(tz=dt.UTC)
