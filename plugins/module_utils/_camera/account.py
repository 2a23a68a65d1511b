# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The password of the account that the camera is managed by: never one that nobody knows, never two that work."""

from __future__ import annotations

import contextlib
import dataclasses as dc
import datetime as dt
import typing as t

from .._core._errors import CamsecError, InputError, LoginError, VerificationError
from .._core._plan import Plan, Step
from .._core._secret import Secret
from .._escrow._escrow import Escrow
from .._transport._contact import contact
from .._transport._session import Credentials
from .planning import make_plan
from .resource import CameraResource
from .state import CameraState

__all__ = ["Account", "WantedAccount"]


@dc.dataclass(frozen=True, kw_only=True)
class WantedAccount:
    """The password that the account should have.

    Attributes:
        password: It.
        escrow: Where every password that the account ever had is written down, before it is changed.
    """

    password: Secret
    escrow: Escrow


class Account(CameraResource[WantedAccount]):
    """The account that the target's credentials name."""

    _is_new = False

    def read(self) -> CameraState:
        """The camera's state, by whichever of the two passwords it takes.

        The likelier one is tried first, since a camera may lock itself after wrong logins.

        Returns:
            The state.

        Raises:
            LoginError: It takes neither.
        """
        old, new = self.target.credentials.password, self.wanted.password
        new_first = old.reveal() == new.reveal() or self.wanted.escrow.matches(new)
        for attempt, is_new in enumerate((new_first, not new_first)):
            self.target = self._by(new if is_new else old)
            self._is_new = is_new
            try:
                return super().read()
            except LoginError:
                if attempt or old.reveal() == new.reveal():
                    raise
        raise AssertionError("one of the two ended it")

    def _by(self, password: Secret) -> t.Any:
        username = self.target.credentials.username
        return dc.replace(self.target, credentials=Credentials(username=username, password=password))

    def plan(self, current: CameraState) -> Plan:
        """Change it, unless the camera takes the new one already.

        Args:
            current: The present state.

        Returns:
            The plan.

        Raises:
            RuleError: The dialect has no call for it.
            InputError: The camera did not prove who it is.
        """
        steps = [self._step] if self._step else []
        plan = make_plan(current, current, steps)
        if steps:
            self._check_proven(current)
        shown = {True: "the new one", False: "the former one"}
        before, after = {"password": shown[self._is_new]}, {"password": shown[True]}
        return dc.replace(plan, before={**plan.before, **before}, after={**plan.after, **after})

    def _check_proven(self, current: CameraState) -> None:
        """A login may be relayed to the camera by whoever stands in between; what is sent after it is read there."""
        trust = current.contact.trust
        if trust not in ("certificate_authority", "pin"):
            raise InputError(
                device=self.target.host,
                subject="contact",
                found=f"a camera that was met by {trust}, where whoever is in between would read the new password",
                expected="HTTPS with a verified certificate",
                advice="Bring the camera to HTTPS first, and give ca_path or spki_sha256.",
            )

    @property
    def _step(self) -> Step | None:
        if not self._is_new:
            title = f"Give the account {self.target.credentials.username} its new password"
            return Step(id="set_password", title=title)
        pending = self.wanted.escrow.pending()
        if pending is not None and pending.password.reveal() == self.wanted.password.reveal():
            # A run was cut off between the camera's yes and the escrow's.
            return Step(id="confirm_escrow", title="Write down that the camera took the new password")
        return None

    def evidence(self, current: CameraState) -> dict[str, t.Any]:
        """The login with the new password was the proof.

        Args:
            current: The present state.

        Returns:
            The evidence.
        """
        found = super().evidence(current)
        return {**found, "after": {**found["after"], "password": "the new one"}}

    def _carry_out(self, step: Step) -> None:
        if step.id == "confirm_escrow":
            return  # verify() does, once the login was proven again
        old, now = self.target.credentials.password, dt.datetime.now(tz=dt.UTC)
        self.wanted.escrow.begin_change(self.wanted.password, old, now)
        self.driver.set_password(self.target.credentials.username, self.wanted.password)

    def verify(self, plan: Plan) -> dict[str, t.Any]:
        """The new one opens the camera, the old one does not any more.

        Args:
            plan: The plan that was carried out.

        Returns:
            The evidence.

        Raises:
            VerificationError: Both do.
        """
        former = self.target
        self.target = self._by(self.wanted.password)
        found = super().verify(plan)
        if plan.steps[0].id == "set_password":
            self._refused(former)
        self.wanted.escrow.confirm(dt.datetime.now(tz=dt.UTC))
        return {**found, "after": {**found["after"], "password": "the new one"}}

    def _refused(self, former: t.Any) -> None:
        """One login with the old password, which has to fail; a camera that counts wrong logins counts this one."""
        try:
            reached = contact(former, self._prove)[0]
        except LoginError:
            return
        reached.session.close()
        raise VerificationError(
            device=self.target.host,
            subject=f"account {self.target.credentials.username}",
            found="a login with the former password",
            expected="the new password to be the only one",
            advice="Both are in the escrow.",
        )

    def abandon(self, step: Step, error: Exception) -> None:
        """Say which password the camera takes now; both are in the escrow.

        Args:
            step: The step that failed.
            error: What went wrong.

        Raises:
            VerificationError: What went wrong, and which password it takes.
        """
        if not isinstance(error, CamsecError) or self.wanted.escrow.pending() is None:
            return
        taken = [name for name, password in self._both() if self._opens(password)]
        if taken == ["the former password"]:
            self.wanted.escrow.revert(dt.datetime.now(tz=dt.UTC))
        which = " and ".join(taken) or "neither of the two passwords, or does not answer,"
        advice = f"The camera takes {which} now; both are in the escrow. Run it again: it goes on from there."
        raise self._failed(step.title, error, advice) from error

    def _both(self) -> list[tuple[str, Secret]]:
        old = self.wanted.escrow.present()
        known = [("the former password", old.password)] if old is not None else []
        return [*known, ("the new password", self.wanted.password)]

    def _opens(self, password: Secret) -> bool:
        with contextlib.suppress(CamsecError):
            contact(self._by(password), self._prove)[0].session.close()
            return True
        return False
