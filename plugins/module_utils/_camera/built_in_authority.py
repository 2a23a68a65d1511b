# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The certificate authority in a camera's firmware: what is known of it, and its certificate as a file."""

from __future__ import annotations

import contextlib
import dataclasses as dc
import datetime as dt
import typing as t
from pathlib import Path

from .._core._errors import CamsecError, InputError, PkiError, ProtocolError, VerificationError
from .._core._plan import Plan, Step
from .._pki._bundle import issued_by
from .._pki._files import PUBLIC, exists, read_text, write_or_fail
from .._tls._certificate import CertificateFacts
from .driver import CameraDriver
from .planning import make_plan
from .resource import CameraResource
from .state import CameraState

__all__ = ["BuiltInAuthority", "WantedExport", "built_in_root", "known_of_built_in_authority"]

_EXPORT: t.Final = "export_built_in_authority"
_SUBJECT: t.Final = "certificate of the built-in authority"
_SHARED_KEY = (
    "The private key of this certificate authority lies in every camera of this firmware: whoever has one of them can"
    " issue a certificate for any name, and each client that trusts this authority believes it."
)
_UNVERIFIED = (
    "The certificate came over a connection that nobody verified: compare its SHA-256 with what another way shows."
)


@dc.dataclass(frozen=True, kw_only=True)
class WantedExport:
    """What is to become of the authority's certificate.

    Attributes:
        path: File that clients trust, for example; None to write none.
        accepted: The operator's word that clients may trust an authority whose private key others have.
    """

    path: str | None
    accepted: bool


class BuiltInAuthority(CameraResource[WantedExport]):
    """The authority in the firmware of a camera."""

    _root: CertificateFacts

    def read(self) -> CameraState:
        """The camera's state, and the authority's certificate.

        Returns:
            The state.

        Raises:
            RuleError: The dialect has no such authority.
            ProtocolError: What the camera gave is none.
        """
        state = super().read()
        state.rules.check_possible(self.target.host, [self._step(state)])
        self._root = _root_of(self.driver)
        return state

    def plan(self, current: CameraState) -> Plan:
        """Write its certificate into the file, unless it is there.

        Args:
            current: The present state.

        Returns:
            The plan.

        Raises:
            RuleError: Nobody said that clients may trust it.
            InputError: The file holds something else.
        """
        plan = make_plan(current, current, [])
        unverified = current.contact.trust in ("plain_http", "any_certificate")
        warnings = (_SHARED_KEY, *((_UNVERIFIED,) if unverified else ()))
        if self.wanted.path is None:
            return dc.replace(plan, warnings=warnings)
        current.rules.check_built_in_trusted(self.target.host, allowed=self.wanted.accepted)
        present = _present(self.wanted.path, self._root)
        steps = () if present == self._root.sha256 else (self._step(current),)
        before, after = ({**plan.before, "trusted_file": sha256 or None} for sha256 in (present, self._root.sha256))
        return dc.replace(plan, before=before, after=after, steps=steps, warnings=warnings)

    def _step(self, current: CameraState) -> Step:
        title = f"Write the {_SUBJECT} into {self.wanted.path or 'no file'}"
        return Step(id=_EXPORT, title=title, rule=current.rules.ids.self_signed)

    def evidence(self, current: CameraState) -> dict[str, t.Any]:
        """The authority.

        Args:
            current: The present state.

        Returns:
            Also ``authority``, and ``trusted_file`` in the state.
        """
        found = super().evidence(current)
        after = {**found["after"], **self._file()}
        return {**found, "after": after, "authority": self._root.shown()}

    def _file(self) -> dict[str, t.Any]:
        return {"trusted_file": _present(self.wanted.path, self._root)} if self.wanted.path else {}

    def _carry_out(self, step: Step) -> None:
        del step
        path = t.cast("str", self.wanted.path)
        write_or_fail(path, self._root.pem.encode("ascii"), mode=PUBLIC, subject=_SUBJECT)

    def verify(self, plan: Plan) -> dict[str, t.Any]:
        """The file holds it; nothing was changed on the camera.

        Args:
            plan: The plan that was carried out.

        Returns:
            The evidence.

        Raises:
            VerificationError: It does not.
        """
        found = self._file()
        if found["trusted_file"] != plan.after["trusted_file"]:
            raise VerificationError(
                device=self.target.host,
                subject=f"file {self.wanted.path}",
                found=found["trusted_file"],
                expected=f"the certificate {self._root.sha256}",
            )
        return {"after": dict(plan.after), "authority": self._root.shown()}


def known_of_built_in_authority(
    driver: CameraDriver, state: CameraState, clock: dt.datetime
) -> dict[str, t.Any] | None:
    """What can be known of the authority in the firmware and of the certificate that it made (CAM-01 to CAM-05).

    Args:
        driver: The calls of the camera.
        state: Its state.
        clock: Its time.

    Returns:
        ``authority``; ``in_use``, ``fits_host`` (CAM-03) and ``clock_inside`` (CAM-05), None where only a handshake
        could tell. None where the dialect has no such authority, or the camera does not show it.
    """
    root, shown = built_in_root(driver, state), state.certificate
    if root is None:
        return None
    in_use = issued_by(shown, root) if shown is not None else None
    return {
        "authority": root.shown(),
        "in_use": in_use,
        "fits_host": shown.covers(driver.session.endpoint.host) if shown is not None and in_use else None,
        "clock_inside": root.not_before <= clock <= root.not_after,
    }


def built_in_root(driver: CameraDriver, state: CameraState) -> CertificateFacts | None:
    """The certificate of the authority in the firmware.

    Args:
        driver: The calls of the camera.
        state: Its state.

    Returns:
        The certificate; None where the dialect has no such authority, or the camera does not show it.
    """
    if _EXPORT not in state.rules.cannot:
        with contextlib.suppress(CamsecError):  # an inferred call: without it everything else is still worth knowing
            return _root_of(driver)
    return None


def _root_of(driver: CameraDriver) -> CertificateFacts:
    device = driver.session.device
    root = CertificateFacts.from_pem(driver.built_in_authority(), device=device, subject=_SUBJECT)
    if not root.is_ca or not root.self_signed:
        raise ProtocolError(
            device=device,
            subject=_SUBJECT,
            found=f"a certificate for {root.subject_common_name} that is no root's",
            expected="a self-signed certificate of a certificate authority",
        )
    return root


def _present(path: str, root: CertificateFacts) -> str:
    """SHA-256 of the authority's certificate in a file, or of a former one; empty where there is no file yet."""
    if not exists(Path(path)):
        return ""
    try:
        present = CertificateFacts.from_pem(read_text(path, subject=_SUBJECT), device=path, subject=_SUBJECT)
        if present.subject == root.subject:
            return present.sha256
        found = f"a certificate of {present.subject}"
    except PkiError as error:
        found = error.found
    raise InputError(
        device=path,
        subject="file",
        found=found,
        expected=f"no file, or one that holds a certificate of {root.subject} alone",
        advice="Give it a file of its own, which is not the one of your own certificate authority.",
    )
