# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Pure planning: from a state to the steps that change one part of it.

Each function returns the steps and the state that the recorder is in after them, so that the next function plans on.
"""

from __future__ import annotations

import dataclasses as dc
import typing as t

from .._core._errors import InputError
from .._core._plan import Impact, Plan, Step
from .._core._secret import Secret
from .._tls._certificate import CertificateFacts
from . import rules
from .state import (
    CameraState,
    Encryption,
    EncryptionSetting,
    LinkSetting,
    PcSide,
    RecorderState,
    TrustedCa,
    UnlockKey,
    Wanted,
    WantedCamera,
    WantedHttps,
    WantedLicenses,
)

__all__ = [
    "PasswordChange",
    "after_cameras",
    "make_plan",
    "new_keys",
    "plan_all",
    "plan_encryption",
    "plan_https",
    "plan_licenses",
    "plan_links",
    "plan_retired",
    "plan_root",
    "plan_trust",
]


@dc.dataclass(frozen=True, kw_only=True)
class PasswordChange:
    """A new data encryption password.

    Attributes:
        password: The password.
        version: What tells it from another without showing it.
        why: Why it is sent.
    """

    password: Secret
    version: str
    why: str


def new_keys(state: RecorderState, wanted: WantedLicenses) -> tuple[UnlockKey | None, tuple[UnlockKey, ...]]:
    """The wanted keys that are not registered yet.

    Args:
        state: Present state.
        wanted: The keys.

    Returns:
        The main unit's key and the kits' keys. A kit's key is recognised by its first and last four digits.
    """
    present = state.licenses
    if present is None:
        raise RuntimeError("licences are planned only when they were read")
    registered = {kit.key for kit in present.kits or ()}
    kits = {key.shown: key for key in wanted.kits if key.shown not in registered}
    return (None if present.main_unlocked else wanted.main), tuple(kits.values())


def plan_licenses(state: RecorderState, wanted: WantedLicenses) -> tuple[list[Step], RecorderState]:
    """Register keys, the main unit's first (REC-01 to REC-05).

    Args:
        state: Present state.
        wanted: The keys.

    Returns:
        Steps and the state after them; how many cameras a new kit adds shows only after its registration.

    Raises:
        RuleError: The main unit's key is missing.
        InputError: A key cannot be one.
    """
    device = state.contact.session.device
    for key in (wanted.main, *wanted.kits):
        if key is not None:
            rules.check_unlock_key(device, key)
    present = state.licenses
    if present is None:
        raise RuntimeError("licences are planned only when they were read")
    rules.check_main_unlocked(device, present, wanted)
    main, kits = new_keys(state, wanted)
    steps = []
    if main is not None:
        title = f"Register the main unit's unlock key {main.shown}"
        steps.append(Step(id="register_main_key", title=title, rule="REC-02", data={"key": main}))
    for key in kits:
        title = f"Register the licence kit's unlock key {key.shown}"
        steps.append(Step(id="register_kit_key", title=title, rule="REC-01", data={"key": key}))
    return steps, dc.replace(
        state, licenses=dc.replace(present, main_unlocked=bool(present.main_unlocked) or main is not None)
    )


def plan_trust(
    state: RecorderState, wanted: t.Sequence[CertificateFacts], to_come: str = ""
) -> tuple[list[Step], RecorderState]:
    """Certificates by which the recorder verifies cameras; what is there already stays.

    Args:
        state: Present state.
        wanted: The certificates.
        to_come: In check mode, their file that is not there yet.

    Returns:
        Steps and the state after them.
    """
    if to_come:
        title = "Install trusted certificates for cameras: those that the run makes"
        return [Step(id="add_trusted_ca", title=title, data={"to_come": to_come})], state
    present = state.trusted_cas or ()
    known = {ca.sha256 for ca in present}
    missing = list({facts.sha256: facts for facts in wanted if facts.sha256 not in known}.values())
    if not missing:
        return [], state
    names = ", ".join(facts.subject_common_name or facts.subject for facts in missing)
    step = Step(
        id="add_trusted_ca",
        title=f"Install trusted certificates for cameras: {names}",
        data={"pem": "".join(facts.pem for facts in missing)},
    )
    added = tuple(TrustedCa(sha256=facts.sha256, subject=facts.subject_common_name) for facts in missing)
    return [step], dc.replace(state, trusted_cas=(*present, *added))


def plan_retired(
    state: RecorderState, retired: t.Sequence[CertificateFacts], wanted: t.Sequence[CertificateFacts]
) -> tuple[list[Step], RecorderState]:
    """Certificates by which the recorder must no longer verify cameras, each in a request of its own.

    Args:
        state: State after everything else of the plan.
        retired: The certificates that go.
        wanted: Those that have to be there.

    Returns:
        Steps and the state after them.

    Raises:
        InputError: A certificate is wanted and retired, or none would be left.
    """
    gone = {facts.sha256 for facts in retired}
    present = state.trusted_cas or ()
    out = [ca for ca in present if ca.sha256 in gone]
    left = tuple(ca for ca in present if ca.sha256 not in gone)
    both = [facts.subject for facts in wanted if facts.sha256 in gone]
    if both or (out and not left):
        raise InputError(
            device=state.contact.session.device,
            subject="retired certificates",
            found=f"{', '.join(both)}, which has to be trusted too" if both else "all that the recorder trusts",
            expected="certificates that it can do without",
            advice="" if both else "It would see no camera over HTTPS any more; install the new ones first.",
        )
    steps = [
        Step(
            id="remove_trusted_ca",
            title=f"Verify cameras no longer by {ca.subject or ca.sha256}",
            data={"sha256": ca.sha256},
        )
        for ca in out
    ]
    return steps, dc.replace(state, trusted_cas=left) if out else state


def after_cameras(state: RecorderState, wanted: t.Sequence[WantedCamera]) -> RecorderState:
    """The cameras as they are wanted.

    Args:
        state: Present state.
        wanted: Settings of cameras.

    Returns:
        The state with these settings.
    """
    by_number = {camera.number: camera for camera in wanted}
    return dc.replace(
        state, cameras=tuple(_after(camera, by_number.get(camera.number)) for camera in state.cameras or ())
    )


def plan_links(state: RecorderState, wanted: t.Sequence[WantedCamera]) -> tuple[list[Step], RecorderState]:
    """How the recorder connects to cameras (REC-20 to REC-23), all in one request.

    Args:
        state: Present state.
        wanted: Settings of cameras.

    Returns:
        Steps and the state after them.

    Raises:
        RuleError: A camera cannot be set so.
    """
    device = state.contact.session.device
    linked = [dc.replace(camera, encrypted=None) for camera in wanted if camera.connection is not None]
    after = after_cameras(state, linked)
    rules.check_addresses(device, after.cameras or (), linked)
    changed = []
    for camera in linked:
        present = _found(state, camera.number)
        rules.check_link(device, present, camera)
        planned = _found(after, camera.number)
        if planned != present:
            changed.append(_link_of(planned, present, camera))
    if not changed:
        return [], state
    texts = [
        f"camera {link.number} {f'at {link.address} ' if link.address else ''}{link.connection} port {link.port}"
        for link in changed
    ]
    step = Step(
        id="set_links",
        title=f"Connect to cameras: {_some(texts)}",
        rule="REC-20",
        data={"links": tuple(changed)},
    )
    return [step], after


def plan_encryption(
    state: RecorderState, wanted: t.Sequence[WantedCamera], change: PasswordChange | None
) -> tuple[list[Step], RecorderState]:
    """Data encryption of cameras and its password (REC-30 to REC-37), all in one request.

    Args:
        state: Present state.
        wanted: Settings of cameras.
        change: The new password; None leaves it.

    Returns:
        Steps and the state after them.

    Raises:
        RuleError: A camera cannot encrypt, or there is no password.
    """
    device = state.contact.session.device
    encrypting = [dc.replace(camera, connection=None, port=None) for camera in wanted if camera.encrypted is not None]
    after = after_cameras(state, encrypting)
    changed = []
    for camera in encrypting:
        present = _found(state, camera.number)
        rules.check_encryptable(device, present, camera)
        planned = _found(after, camera.number)
        # A new password has to reach the cameras that encrypt already.
        new_password = change is not None and planned.encrypted and camera.send
        if planned.encrypted != present.encrypted or new_password:
            changed.append(EncryptionSetting(number=planned.number, encrypted=planned.encrypted, send=camera.send))
    encryption = state.encryption or Encryption(password_set=False)
    if change is not None:
        encryption = Encryption(password_set=True, password_version=change.version)
    rules.check_password_present(device, after.cameras or (), encryption.password_set)
    if not changed and change is None:
        return [], state
    texts = [f"password ({change.why})"] if change is not None else []
    texts += [f"camera {one.number} {'on' if one.encrypted else 'off'}" for one in changed]
    step = Step(
        id="set_encryption",
        title=f"Data encryption: {_some(texts)}",
        rule="REC-30" if change is not None else "REC-31",
        data={"cameras": tuple(changed), "password": change.password if change is not None else None},
    )
    return [step], dc.replace(after, encryption=encryption)


def plan_root(state: RecorderState, path: str | None, sha256: str) -> tuple[list[Step], RecorderState]:
    """Keep the recorder's own root, when none is kept yet (REC-13).

    Args:
        state: Present state.
        path: The file; None for no such wish.
        sha256: Of the root that the recorder hands out.

    Returns:
        Steps and the state after them.
    """
    if path is None or state.kept_root_sha256:
        return [], state
    step = Step(id="keep_root_certificate", title=f"Keep the recorder's root certificate in {path}", rule="REC-13")
    return [step], dc.replace(state, kept_root_sha256=sha256)


def plan_https(state: RecorderState, wanted: WantedHttps) -> tuple[list[Step], RecorderState]:
    """How PCs reach the recorder (REC-10 to REC-14); HTTP is switched off last, when HTTPS has been proved.

    Args:
        state: Present state.
        wanted: What is wanted.

    Returns:
        Steps and the state after them.

    Raises:
        RuleError: The port is forbidden.
    """
    device = state.contact.session.device
    present = state.pc_side
    if present is None:
        raise RuntimeError("the PC side is planned only when it was read")
    rules.check_https_port(device, wanted.https_port)
    rules.check_https_port_free(device, wanted.https_port, present)
    goal = dc.replace(
        present,
        connection=wanted.connection or present.connection,
        tls_1_1=present.tls_1_1 if wanted.tls_1_1 is None else wanted.tls_1_1,
        https_port=wanted.https_port,
    )
    steps = []
    if goal.https_port != present.https_port or goal.tls_1_1 != present.tls_1_1:
        steps.append(_listener_step(present, goal))
    if goal.connection != present.connection:
        only = goal.connection == "https_only"
        step = Step(
            id="set_pc_connection",
            title="Answer PCs in HTTPS only" if only else "Answer PCs in HTTP and HTTPS",
            rule="REC-10",
            disconnects=only,
            data={"connection": goal.connection, "https_port": goal.https_port},
        )
        steps.append(step)
        goal = dc.replace(goal, port_forwarding=goal.port_forwarding and not only)
    return steps, dc.replace(state, pc_side=goal)


def plan_all(
    state: RecorderState, wanted: Wanted, change: PasswordChange | None, *, root_sha256: str = "", count: bool = True
) -> tuple[list[Step], RecorderState]:
    """Everything but licences, in the safe order: root, trust, links, encryption, PC side last.

    Args:
        state: Present state.
        wanted: The desired state.
        change: The new data encryption password; None leaves it.
        root_sha256: Of the root that the recorder hands out.
        count: The licences can be counted now; not while keys are still to be registered.

    Returns:
        Steps and the state after them.

    Raises:
        RuleError: The manual forbids it.
    """
    device = state.contact.session.device
    steps, after = plan_root(state, wanted.root_certificate_path, root_sha256)
    more, after = plan_trust(after, wanted.trusted_cas, wanted.trusted_ca_to_come)
    steps += more
    if wanted.cameras is not None or wanted.encryption is not None:
        cameras = wanted.cameras or ()
        rules.check_camera_numbers(device, state, cameras)
        if count:
            needed = sum(camera.connection == "https" or bool(camera.encrypted) for camera in cameras)
            rules.check_kit_registered(device, state, needed)
        if state.unlicensed:
            title = "Set the cameras: planned as soon as they can be read, before anything else is sent"
            steps.append(Step(id="set_cameras", title=title, rule="REC-06"))
        else:
            more, after = _plan_cameras(after, cameras, change, count=count)
            steps += more
    more, after = plan_retired(after, wanted.retired_cas, wanted.trusted_cas)
    steps += more
    if wanted.https is not None:
        more, after = plan_https(after, wanted.https)
        steps += more
    return steps, after


def _plan_cameras(
    state: RecorderState, wanted: t.Sequence[WantedCamera], change: PasswordChange | None, *, count: bool
) -> tuple[list[Step], RecorderState]:
    """Links before encryption, unless the licences do for the other order only (REC-07)."""
    links, linked = plan_links(state, wanted)
    encryption, after = plan_encryption(linked, wanted, change)
    if not count or state.licenses is None:
        return [*links, *encryption], after
    device, total = state.contact.session.device, state.licenses.total
    rules.check_seats(device, after.cameras or (), total)
    after = dc.replace(after, licenses=dc.replace(state.licenses, used=rules.seats(after.cameras or ())))
    if rules.seats(linked.cameras or ()) <= total:
        return [*links, *encryption], after
    off_first, encrypted = plan_encryption(state, wanted, change)
    rules.check_seats_on_the_way(device, encrypted.cameras or (), total)
    return [*off_first, *links], after


def make_plan(state: RecorderState, after: RecorderState, steps: t.Sequence[Step]) -> Plan:
    """A plan from its parts, with the impacts that the manual names.

    Args:
        state: Present state.
        after: State after the steps.
        steps: The steps.

    Returns:
        The plan.
    """
    device = state.contact.session.device
    warnings = []
    if steps and state.contact.trust == "plain_http":
        warnings.append(f"{device}: the login went over plain HTTP, as first_contact allows.")
        warnings += _unencrypted(device, steps)
    if state.contact.trust == "any_certificate":
        warnings.append(f"{device}: its certificate was not verified, as first_contact allows.")
    warnings += [
        f"{device}: trusted_ca_path: found no file {step.data['to_come']} yet, planned as if the run made it."
        for step in steps
        if "to_come" in step.data
    ]
    impacts = tuple(_impacts(state, after, steps))
    # REC-23 does not come from these steps alone, so that it is a warning too.
    warnings += [f"{device}: {one.text[:-1]} [REC-23]." for one in impacts if one.rule == "REC-23"]
    return Plan(
        before=state.shown(),
        after=after.shown(),
        steps=tuple(steps),
        impacts=impacts,
        warnings=tuple(warning for warning in warnings if warning),
    )


def _unencrypted(device: str, steps: t.Sequence[Step]) -> list[str]:
    if any(step.id == "keep_root_certificate" for step in steps):
        return []
    keys = any(step.id in ("register_main_key", "register_kit_key") for step in steps)
    password = any(step.data.get("password") is not None for step in steps)
    names = [name for name, sent in (("unlock keys", keys), ("data encryption password", password)) if sent]
    if not names:
        return []
    return [f"{device}: its {' and '.join(names)} went over plain HTTP; root_certificate_path or ca_path avoids that."]


def _impacts(state: RecorderState, after: RecorderState, steps: t.Sequence[Step]) -> t.Iterator[Impact]:
    old, new = state.pc_side, after.pc_side
    if old and new:
        if old.port_forwarding and not new.port_forwarding:
            yield rules.IMPACTS["REC-10"]
        if old.https_port != new.https_port:
            yield rules.IMPACTS["REC-14"]
    unstable = rules.internet_mode_impact(state.cameras or (), state.system.version) if state.system else None
    if unstable is not None and any(step.id == "set_links" for step in steps):
        yield unstable
    for step in steps:
        if step.id == "set_encryption":
            yield from _encryption_impacts(state, after, step)


def _encryption_impacts(state: RecorderState, after: RecorderState, step: Step) -> t.Iterator[Impact]:
    if step.data["password"] is not None and state.encryption and state.encryption.password_set:
        yield rules.IMPACTS["REC-35"]
        sent = {one.number for one in step.data["cameras"] if one.send}
        if any(camera.encrypted and camera.number not in sent for camera in after.cameras or ()):
            yield rules.IMPACTS["REC-34"]
    if any(not one.send for one in step.data["cameras"]):
        yield rules.IMPACTS["REC-36"]
    if any(one.encrypted for one in step.data["cameras"]):
        yield rules.IMPACTS["REC-37"]


def _listener_step(present: PcSide, goal: PcSide) -> Step:
    texts = []
    data: dict[str, t.Any] = {}
    if goal.https_port != present.https_port:
        texts.append(f"port {goal.https_port}")
        data["https_port"] = goal.https_port
    if goal.tls_1_1 != present.tls_1_1:
        texts.append(f"TLS 1.1 {'on' if goal.tls_1_1 else 'off'}")
        data["tls_1_1"] = goal.tls_1_1
    return Step(
        id="set_pc_https", title=f"HTTPS to PCs: {', '.join(texts)}", rule="REC-12", disconnects=True, data=data
    )


def _after(camera: CameraState, wanted: WantedCamera | None) -> CameraState:
    if wanted is None:
        return camera
    return dc.replace(
        camera,
        connection=wanted.connection or camera.connection,
        port=camera.port if wanted.port is None else wanted.port,
        address=wanted.address or camera.address,
        encrypted=camera.encrypted if wanted.encrypted is None else wanted.encrypted,
    )


def _link_of(planned: CameraState, present: CameraState, wanted: WantedCamera) -> LinkSetting:
    return LinkSetting(
        number=planned.number,
        connection=planned.connection,
        port=planned.port,
        send=wanted.send,
        address=planned.address if planned.address != present.address else None,
    )


def _found(state: RecorderState, number: int) -> CameraState:
    camera = state.camera(number)
    if camera is None:
        raise RuntimeError("camera numbers are checked first")
    return camera


def _some(texts: t.Sequence[str]) -> str:
    shown = ", ".join(texts[:8])
    return f"{shown} and {len(texts) - 8} more" if len(texts) > 8 else shown
