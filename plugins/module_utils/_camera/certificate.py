# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The CA certificate: install, update, delete."""

from __future__ import annotations

import dataclasses as dc

from .._core._errors import PkiError
from .._core._plan import Impact, Plan, Step
from .._pki._keys import load_request, request_key, spki_sha256
from .._tls._certificate import CertificateFacts
from .planning import make_plan
from .resource import CameraResource
from .state import CameraState

__all__ = ["Certificate"]

_KEEP_A_BACKUP = "The deleted certificate cannot be read back from the camera: keep a copy of it elsewhere."


class Certificate(CameraResource[CertificateFacts | None]):
    """The CA certificate of a camera; None where there should be none."""

    _request = ""

    def read(self) -> CameraState:
        """The camera's state, with the CSR that the certificate has to fit.

        Returns:
            The state.
        """
        state = super().read()
        if self.wanted is None or not state.tls_supported or self._is_installed(state):
            return state
        made_at = state.request_made_at or self.driver.request_made_at()
        self._request = self.driver.certificate_request() if made_at else ""
        return dc.replace(state, request_made_at=made_at)

    def plan(self, current: CameraState) -> Plan:
        """The steps to the wanted certificate, or to none.

        Args:
            current: The present state.

        Returns:
            The plan.

        Raises:
            RuleError: It may not be installed or deleted now.
            PkiError: It does not fit the camera's key.
        """
        if self.wanted is None:
            return self._plan_absent(current)
        current.rules.check_tls_supported(self.target.host, current)
        if self._is_installed(current):
            return make_plan(current, current, [])
        current.rules.check_certificate_installable(self.target.host, current)
        self._check_key(current, self.wanted)
        self._expected = self.wanted
        verb = "Update" if current.ca_certificate == "valid" else "Install"
        step = Step(
            id="install_certificate",
            title=f"{verb} the certificate {self.wanted.serial_number}",
            rule=current.rules.ids.installation,
            data={"pem": self.wanted.pem, "issuers": ()},
        )
        name = self.wanted.subject_common_name
        over_https = self.wanted if current.https.connection == "https" else None
        after = dc.replace(current, ca_certificate="valid", ca_certificate_name=name, certificate=over_https)
        if current.self_signed == "valid":
            after = dc.replace(after, self_signed="invalid", self_signed_name="")
        return make_plan(current, after, [step])

    def _is_installed(self, current: CameraState) -> bool:
        if self.wanted is None or current.ca_certificate != "valid":
            return False
        if current.certificate is not None:
            return current.certificate.sha256 == self.wanted.sha256
        return current.installed_serial == self.wanted.serial_number

    def _check_key(self, current: CameraState, wanted: CertificateFacts) -> None:
        """Key and certificate are a pair."""
        request = load_request(self._request, device=self.target.host)
        if spki_sha256(request_key(request)) != wanted.spki_sha256:
            raise PkiError(
                device=self.target.host,
                subject=f"certificate for {wanted.subject_common_name}",
                found="a public key that is not the one in the camera's CSR",
                expected="a certificate for the newest CSR of this very camera",
                advice=f"With a new key, a new certificate is needed ({current.rules.ids.pair}).",
            )

    def _plan_absent(self, current: CameraState) -> Plan:
        if current.ca_certificate in ("not_generated", "invalid"):
            return make_plan(current, current, [])
        current.rules.check_ca_certificate_deletable(self.target.host, current)
        step = Step(id="delete_certificate", title="Delete the CA certificate", rule=current.rules.ids.deletion)
        after = dc.replace(current, ca_certificate="invalid", ca_certificate_name="")
        return dc.replace(
            make_plan(current, after, [step]), impacts=(Impact(rule=current.rules.ids.deletion, text=_KEEP_A_BACKUP),)
        )

    def _check(self, plan: Plan, state: CameraState) -> None:
        super()._check(plan, state)
        if (state.ca_certificate == "valid") != (self.wanted is not None):
            raise self._not_proven(
                "CA certificate", state.ca_certificate, "valid" if self.wanted is not None else "none"
            )
