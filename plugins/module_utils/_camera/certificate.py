# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The CA certificate: install, update, delete."""

from __future__ import annotations

import dataclasses as dc

from .._core._errors import PkiError
from .._core._plan import Impact, Plan, Step
from .._pki._bundle import Bundle
from .._pki._keys import load_request, request_key, spki_sha256
from .._tls._certificate import CertificateFacts
from .._tls._names import name_covers
from .planning import make_plan
from .resource import CameraResource
from .state import CameraState, KeyFacts

__all__ = ["Certificate"]

#: Without the device's name: Ansible shows equal warnings once.
_OUTSIDE = "The private key was made outside of the camera: whoever else has it can stand in for the camera."
_IN_BETWEEN = (
    "The private key goes over HTTPS with an unverified certificate: whoever stands in between has it, and can stand in"
    " for the camera. Replace key and certificate once more over verified HTTPS unless you trust the network."
)
_NO_CHAIN = "The camera keeps no intermediate certificates: its clients need those of the file."
_KEEP_A_BACKUP = "The deleted certificate cannot be read back from the camera: keep a copy of it elsewhere."


class Certificate(CameraResource[Bundle | None]):
    """The CA certificate of a camera; None where there should be none."""

    _request = ""

    def read(self) -> CameraState:
        """The camera's state, with the CSR that the certificate has to fit, or what it takes from outside.

        Returns:
            The state.

        Raises:
            RuleError: The certificate is not valid by the camera's clock.
        """
        state = super().read()
        if self.wanted is None or not state.tls_supported or self._is_installed(state, self.wanted):
            return state
        leaf = self.wanted.leaf
        for clock in self.driver.clock_bounds():
            state.rules.check_clock(self.target.host, clock, leaf.not_before, leaf.not_after)
        if self.wanted.key is not None:
            return dc.replace(state, abilities=self.driver.abilities())
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
        if self._is_installed(current, self.wanted):
            return make_plan(current, current, [])
        self._expected = leaf = self.wanted.leaf
        step = self._install_step(current, self.wanted)
        over_https = leaf if current.https.connection == "https" else None
        after = dc.replace(
            current,
            ca_certificate="valid",
            ca_certificate_name=leaf.subject_common_name,
            certificate=over_https,
            key=current.key if self.wanted.key is None else _key_of(leaf, current),
        )
        if current.self_signed == "valid":
            after = dc.replace(after, self_signed="invalid", self_signed_name="")
        plan = make_plan(current, after, [step])
        if self.wanted.key is not None:
            current.rules.check_foreign_key(self.target.host, current, leaf.key_type)
            return self._with_words_on_the_key(plan, current, leaf)
        if self.wanted.issuers and not current.rules.keeps_chain:
            plan = dc.replace(plan, warnings=(*plan.warnings, _NO_CHAIN))
        return plan

    def _install_step(self, current: CameraState, wanted: Bundle) -> Step:
        rules, leaf = current.rules, wanted.leaf
        verb = "Update" if current.ca_certificate == "valid" else "Install"
        data = {"pem": leaf.pem, "issuers": wanted.issuers if rules.keeps_chain else ()}
        if wanted.key is not None:
            title = f"{verb} the certificate {leaf.serial_number} and its private key"
            return Step(
                id="install_with_key", title=title, rule=rules.ids.foreign_key, data={**data, "key": wanted.key}
            )
        rules.check_certificate_installable(self.target.host, current)
        self._check_key(current, leaf)
        title = f"{verb} the certificate {leaf.serial_number}"
        return Step(id="install_certificate", title=title, rule=rules.ids.installation, data=data)

    def _with_words_on_the_key(self, plan: Plan, current: CameraState, leaf: CertificateFacts) -> Plan:
        others = [name for name in leaf.subject_alt_names if not name_covers(name, self.target.host)]
        text = f"The certificate also names {', '.join(others)}: every device that gets it has the same private key."
        impacts = (Impact(rule=current.rules.ids.foreign_key, text=text),) if others else ()
        words = (_OUTSIDE, _IN_BETWEEN) if current.contact.trust == "any_certificate" else (_OUTSIDE,)
        return dc.replace(plan, warnings=(*plan.warnings, *words), impacts=(*plan.impacts, *impacts))

    @staticmethod
    def _is_installed(current: CameraState, wanted: Bundle) -> bool:
        if current.ca_certificate != "valid":
            return False
        if current.certificate is not None:
            return current.certificate.sha256 == wanted.leaf.sha256
        return current.installed_serial == wanted.leaf.serial_number

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


def _key_of(leaf: CertificateFacts, current: CameraState) -> KeyFacts | None:
    """The key of a certificate from outside; where a dialect shows no key, none."""
    if not current.rules.key_apart:
        return None
    return KeyFacts(type=leaf.key_type, size=leaf.key_size, generated_at="", external=True)
