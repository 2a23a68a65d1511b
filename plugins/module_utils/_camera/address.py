# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A camera's own address: it moves only when its certificate is good there too, and nobody else is there."""

from __future__ import annotations

import contextlib
import dataclasses as dc
import ipaddress
import typing as t

from .._core._errors import CamsecError, ConnectError, InputError, RuleError, TrustError
from .._core._plan import Plan, Step
from .._tls._certificate import CertificateFacts
from .._transport._contact import Target, contact
from .._transport._reach import reachable
from .driver import Identity, NetworkSetting
from .planning import make_plan
from .resource import CameraResource
from .state import CameraState

__all__ = ["Address", "WantedAddress"]

#: Where cameras answer besides the ports that the task knows: web and RTSP.
_USUAL_PORTS: t.Final = (80, 443, 554)
_STEP: t.Final = "set_address"


@dc.dataclass(frozen=True, kw_only=True)
class WantedAddress:
    """Where a camera should be.

    Attributes:
        address: IPv4.
        prefix_length: Of its network; None leaves it.
        gateway: IPv4; None leaves it.
        look_only: Nothing is to be changed: an earlier task, which only planned it too, will have made the certificate.
    """

    address: str
    prefix_length: int | None
    gateway: str | None
    look_only: bool


class Address(CameraResource[WantedAddress]):
    """The address of a camera. The target's host is where it was when the operator last knew.

    Whatever is found at the new address has to be this camera: by its serial number, by a certificate of ours that
    names both addresses, or by a key that one of ours for the old address was made for.
    """

    _setting: NetworkSetting | None = None
    _identity: Identity | None = None
    _taken: str = ""

    def read(self) -> CameraState:
        """The camera's state, at its old address or, when it does not answer there, at its new one.

        Returns:
            The state.

        Raises:
            ConnectError: It answers at neither.
            TrustError: Another device answers.
        """
        former = self.target
        try:
            state = super().read()
        except ConnectError as error:
            if former.host == self.wanted.address:
                raise
            state = self._read_moved(former, error)
        if _STEP not in state.rules.cannot:
            self._setting = self.driver.network()
        self._identity = self.driver.identity()
        if self.target.host != self.wanted.address:
            self._taken = self._who_is_there()
        return state

    def _read_moved(self, former: Target, error: ConnectError) -> CameraState:
        self.target = dc.replace(former, host=self.wanted.address, first_contact="refuse")
        try:
            state = super().read()
        except ConnectError as second:
            raise ConnectError(
                device=former.host,
                subject="contact",
                found=f"no answer here ({error.found}) and none at {self.wanted.address} ({second.found})",
                expected="the camera to answer at its old address or at its new one",
                advice="Look whether it has power, and which address it shows at the device; then run this again.",
            ) from error
        self._check_same(former.host, state)
        return state

    def _check_same(self, former: str, state: CameraState) -> None:
        """Only this camera has moved: a verified certificate for the new address may be that of another one."""
        facts = state.certificate
        if self.serial_number or (facts is not None and self._known_at(former, facts)):
            return
        raise TrustError(
            device=former,
            subject=f"the camera at {self.wanted.address}",
            found="a certificate that does not tell whether it is this camera, which no longer answers here",
            expected=f"a certificate or a key that was in use at {former} too",
            advice="Give serial_number, the camera's own; or, when the move was finished, change the inventory.",
        )

    def _known_at(self, former: str, facts: CertificateFacts) -> bool:
        if facts.covers(former):
            return True
        known = self.authority.certificates_of(facts.spki_sha256) if self.authority is not None else ()
        return any(one.covers(former) for one in known)

    def _who_is_there(self) -> str:
        ports = dict.fromkeys((*self.target.https_ports, self.target.http_port, *_USUAL_PORTS))
        found = [port for port in ports if reachable(self.wanted.address, port, seconds=min(3.0, self.target.timeout))]
        return f"a device that answers on port {', '.join(map(str, found))}" if found else ""

    def plan(self, current: CameraState) -> Plan:
        """Move it, unless it is there.

        Args:
            current: The present state.

        Returns:
            The plan.

        Raises:
            RuleError: The dialect has no call for it.
            InputError: The contact was not verified, the certificate would not be good at the new address, or somebody
                else has that.
        """
        goal = self._goal()
        if self._is_there(goal):
            return self._with_address(make_plan(current, current, []), goal)
        title = f"Move to the address {self.wanted.address}"
        if self.target.host == self.wanted.address:
            title = f"Change network and gateway at the address {self.wanted.address}"
        step = Step(id=_STEP, title=title, rule=current.rules.ids.address, disconnects=True, data={"network": goal})
        plan = make_plan(current, current, [step])
        warning = self._check_movable(current)
        return self._with_address(dc.replace(plan, warnings=(*plan.warnings, *filter(None, [warning]))), goal)

    def _goal(self) -> NetworkSetting:
        present = self._setting or NetworkSetting(address=self.target.host, prefix_length=24, gateway="")
        return NetworkSetting(
            address=self.wanted.address,
            prefix_length=self.wanted.prefix_length or present.prefix_length,
            gateway=present.gateway if self.wanted.gateway is None else self.wanted.gateway,
        )

    def _is_there(self, goal: NetworkSetting) -> bool:
        """A dialect that does not tell its network settings is judged by the address alone."""
        return self.target.host == self.wanted.address and self._setting in (None, goal)

    def _with_address(self, plan: Plan, goal: NetworkSetting) -> Plan:
        present = self._setting or NetworkSetting(address=self.target.host, prefix_length=0, gateway="")
        shown = goal if self._setting is not None else dc.replace(present, address=goal.address)
        return dc.replace(plan, before={**plan.before, **present.shown()}, after={**plan.after, **shown.shown()})

    def _check_movable(self, current: CameraState) -> str:
        device, address = self.target.host, self.wanted.address
        if current.contact.trust not in ("certificate_authority", "pin"):
            raise InputError(
                device=device,
                subject="contact",
                found=f"a camera that was met by {current.contact.trust}",
                expected="HTTPS with a verified certificate, by which it is known again at its new address",
                advice="Bring the camera to HTTPS first.",
            )
        if self._taken:
            raise InputError(
                device=device,
                subject=f"the new address {address}",
                found=self._taken,
                expected="nobody there",
                advice="Nothing was changed.",
            )
        self._check_gateway(self._goal())
        if current.certificate is not None and current.certificate.covers(address):
            return ""
        if self.wanted.look_only:
            return (
                f"{device}: its certificate does not name {address} yet; planned as if the run had made one that does."
            )
        raise RuleError(
            rule=current.rules.ids.address,
            device=device,
            subject="certificate",
            found=f"one that does not name {address}",
            expected="one for the old and the new address, before the camera moves",
            advice=f"Run camera with subject_alt_name IP:{address} first, as camsec.fleet.move_cameras does.",
        )

    def _check_gateway(self, goal: NetworkSetting) -> None:
        network = ipaddress.IPv4Network(f"{goal.address}/{goal.prefix_length}", strict=False)
        if goal.gateway and ipaddress.IPv4Address(goal.gateway) not in network:
            raise InputError(
                device=self.target.host,
                subject="gateway",
                found=f"{goal.gateway}, outside of the network {network}",
                expected="one inside of the network that the camera moves into",
                advice="Give gateway, and netmask where that differs too.",
            )

    def _carry_out(self, step: Step) -> None:
        """The answer may be lost with the address."""
        with contextlib.suppress(ConnectError):
            self.driver.set_network(step.data["network"])

    def target_after(self, plan: Plan) -> Target:
        """The same terms, at the new address.

        Args:
            plan: The plan.

        Returns:
            The target.
        """
        del plan
        return dc.replace(self.target, host=self.wanted.address, first_contact="refuse")

    def verify(self, plan: Plan) -> dict[str, t.Any]:
        """The same camera answers at the new address.

        Args:
            plan: The plan that was carried out.

        Returns:
            The evidence.

        Raises:
            VerificationError: It does not, or something else does.
        """
        found = super().verify(plan)
        return {**found, "after": {**found["after"], **self.driver.network().shown()}}

    def _check(self, plan: Plan, state: CameraState) -> None:
        super()._check(plan, state)
        before = self._before.certificate if self._before is not None else None
        if before is None or state.certificate is None or state.certificate.sha256 != before.sha256:
            shown = state.certificate.serial_number if state.certificate is not None else "none"
            wanted = before.serial_number if before is not None else "none"
            raise self._not_proven(
                "certificate in the handshake",
                f"serial number {shown}",
                f"serial number {wanted}, as at {self.target.host}",
            )
        if self.driver.identity() != self._identity:
            raise self._not_proven(
                "identity of the camera", "another camera's", f"the one that was at {self.target.host}"
            )
        network = self.driver.network()
        if network != plan.steps[0].data["network"]:
            raise self._not_proven("network settings", str(network.shown()), str(plan.steps[0].data["network"].shown()))

    def evidence(self, current: CameraState) -> dict[str, t.Any]:
        """Where it is.

        Args:
            current: The present state.

        Returns:
            The evidence.
        """
        found = super().evidence(current)
        present = self._setting or NetworkSetting(address=self.target.host, prefix_length=0, gateway="")
        return {**found, "after": {**found["after"], **present.shown()}}

    def abandon(self, step: Step, error: Exception) -> None:
        """Say where the camera is now.

        Args:
            step: The step that failed.
            error: What went wrong.

        Raises:
            VerificationError: What went wrong, and where it is.
        """
        if not isinstance(error, CamsecError) or isinstance(error, RuleError):
            return
        old, new = self.target.host, self.wanted.address
        places = [host for host in dict.fromkeys((old, new)) if self._answers(host)]
        where = f"The camera answers at {' and '.join(places)}."
        if not places:
            where = (
                f"The camera answers neither at {old} nor at {new}: look whether it has power, and which address it"
                " shows at the device. Its recorder was told nothing."
            )
        raise self._failed(step.title, error, f"{where} Run this again: it goes on from there.") from error

    def _answers(self, host: str) -> bool:
        there = dc.replace(self.target, host=host, first_contact="refuse")
        with contextlib.suppress(CamsecError):
            contact(there, self._prove)[0].session.close()
            return True
        return False
