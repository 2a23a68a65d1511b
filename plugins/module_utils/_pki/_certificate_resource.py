# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A certificate in a file as a resource: issued when it is missing, does not fit or is due."""

from __future__ import annotations

import dataclasses as dc
import datetime as dt
import os
import typing as t

from .._core._errors import InputError, PkiError, VerificationError
from .._core._plan import Plan, Step
from .._core._secret import Secret
from .._thirdparty import oid, x509
from .._tls._certificate import CertificateFacts, iso, load_one_certificate
from .._tls._names import bare, parse_names
from ._authority import CertificateAuthority, Issued
from ._check import for_evidence, require_usable
from ._files import PRIVATE, PUBLIC, exists, read_text, write_or_fail
from ._keys import (
    PrivateKey,
    default_size,
    describe_key,
    generate_key,
    key_pem,
    load_private_key,
    load_request,
    request_key,
)
from ._renewal import (
    check_window,
    expiry_warning,
    pointless_renewal,
    renewal_due,
    renewal_is_pointless,
    warning_window,
)

__all__ = ["CertificateResource", "CertificateState", "CertificateWish", "Regenerate"]

Regenerate = t.Literal["never", "on_mismatch", "on_renewal", "always"]


@dc.dataclass(frozen=True, kw_only=True)
class CertificateWish:
    """The certificate that is wanted.

    Attributes:
        authority_directory: Of the authority that issues it.
        certificate_path: File of the certificate.
        subject_alt_names: Addresses and host names.
        device: Name in the ledger; empty for the first address or host name.
        passphrase: Of the authority; needed only when something is to be issued.
        request_path: File of the device's request.
        request_content: The device's request.
        private_key_path: File of the private key, instead of a request.
        chain_path: File for the certificate with the intermediate one after it.
        key_type: Of a new key; nothing leaves an existing key as it is.
        key_size: In bits.
        regenerate: When an existing private key may be replaced.
        common_name: Of the subject; nothing leaves it to the authority.
        client_auth: Good for clients too.
        evidence_signer: Good for signing evidence, and for nothing else.
        lifetime_days: Of a new certificate.
        backdate_hours: Of a new certificate.
        renew_before: Days.
        renew_share: Share of the lifetime.
        warn_before: Days; one with fewer left that is not renewed is a warning. Half of the renewal window without it.
    """

    authority_directory: str
    certificate_path: str
    subject_alt_names: tuple[str, ...]
    device: str = ""
    passphrase: Secret | None = None
    request_path: str | None = None
    request_content: str | None = None
    private_key_path: str | None = None
    chain_path: str | None = None
    key_type: str | None = None
    key_size: int | None = None
    regenerate: Regenerate = "never"
    common_name: str | None = None
    client_auth: bool = False
    evidence_signer: bool = False
    lifetime_days: int = 397
    backdate_hours: int = 24
    renew_before: float = 30
    renew_share: float | None = None
    warn_before: float | None = None

    def __post_init__(self) -> None:
        names = parse_names(self.subject_alt_names, device=self.device or self.certificate_path)
        object.__setattr__(self, "subject_alt_names", names)
        object.__setattr__(self, "device", self.device or bare(names[0]))
        sources = [self.request_path, self.request_content, self.private_key_path]
        if sum(source is not None for source in sources) != 1:
            raise InputError(
                device=self.device,
                subject="source of the key",
                found="none or several",
                expected="exactly one of request_path, request_content and private_key_path",
            )
        paths = [path for path in (self.certificate_path, self.private_key_path, self.chain_path) if path is not None]
        if len(set(map(os.path.realpath, paths))) != len(paths):
            raise InputError(
                device=self.device,
                subject="certificate_path, private_key_path and chain_path",
                found="the same file twice",
                expected="a file for each",
            )
        if self.client_auth and self.evidence_signer:
            raise InputError(
                device=self.device,
                subject="client_auth and evidence_signer",
                found="both",
                expected="one of them, since a key that signs evidence does nothing else",
            )
        check_window(self.device, self.renew_before, self.lifetime_days)
        self.warning_days()
        default_size(self.key_type or "rsa", self.key_size if self.key_type else None)

    def warning_days(self) -> float:
        """Within how many days of its end a certificate that is not renewed is a warning.

        Raises:
            InputError: ``warn_before`` is not inside of the renewal window.
        """
        window = (self.warn_before, self.renew_before, self.renew_share, self.lifetime_days)
        return warning_window(self.device, *window)


@dc.dataclass(frozen=True, kw_only=True)
class CertificateState:
    """What is there.

    Attributes:
        certificate: The present certificate, or nothing.
        chain: Content of the chain file, or nothing.
        key: Facts of the key that the certificate should fit, or nothing when it is yet to be made.
        key_problem: Why the private key cannot stay; empty when it can.
        request: The request's text, or nothing.
        now: The clock when it was read.
    """

    certificate: CertificateFacts | None
    chain: str | None
    key: t.Mapping[str, t.Any] | None
    key_problem: str
    request: str | None
    now: dt.datetime

    def shown(self) -> dict[str, t.Any]:
        """The state as a result shows it."""
        return {
            "certificate": None if self.certificate is None else self.certificate.shown(),
            "key": None if self.key is None else dict(self.key),
        }


class CertificateResource:
    """A certificate file that an authority keeps up to date.

    Args:
        wish: What is wanted.
        now: The clock.
    """

    def __init__(self, wish: CertificateWish, *, now: dt.datetime | None = None) -> None:
        self._wish = wish
        self._now = now or dt.datetime.now(dt.UTC)
        self._authority = CertificateAuthority.open(wish.authority_directory)
        self._state: CertificateState | None = None
        self._new_key: PrivateKey | None = None
        self._notes: tuple[str, ...] = ()
        #: What a certificate that a check does not renew is about to do; empty for nothing.
        self.renewal_planned_because = ""

    def read(self) -> CertificateState:
        """The files, and proof that the passphrase is right."""
        wish = self._wish
        certificate = None
        if exists(wish.certificate_path):
            text = read_text(wish.certificate_path, subject="certificate")
            certificate = load_one_certificate(text, device=wish.certificate_path)
        chain = None
        if wish.chain_path is not None and exists(wish.chain_path):
            chain = read_text(wish.chain_path, subject="certificate chain")
        request, key, problem = self._read_key()
        if wish.passphrase is not None:
            self._authority.check_passphrase(wish.passphrase)
        self._state = CertificateState(
            certificate=certificate, chain=chain, key=key, key_problem=problem, request=request, now=self._now
        )
        return self._state

    def plan(self, current: CertificateState) -> Plan:
        """Issue when there is a reason to; make a key when there is none that may stay."""
        reasons, warnings = self._reasons(current)
        before = current.shown()
        new_key = current.key is None or bool(current.key_problem)
        if reasons and self._wish.regenerate == "on_renewal" and self._wish.private_key_path and not new_key:
            new_key = True
        steps = []
        if new_key:
            title = f"Make a private key in {self._wish.private_key_path}"
            steps.append(Step(id="generate_key", title=f"{title}: {current.key_problem or 'a new one is due.'}"))
        if reasons or new_key:
            reason = " ".join(reasons) or "The key is new."
            title = f"Issue a certificate for {self._wish.device}: {reason}"
            steps.append(Step(id="issue_certificate", title=title))
        elif self._chain_is_stale(current):
            steps.append(Step(id="write_chain", title=f"Write the chain to {self._wish.chain_path}"))
        expiry = expiry_warning(current.certificate, self._now, self._wish.warning_days())
        if any(step.id == "issue_certificate" for step in steps):
            self._check_issuing()
            self.renewal_planned_because = expiry
        elif expiry:
            warnings.append(f"{self._wish.device}: {expiry}")
        after = before if not steps else self._after(current, steps)
        return Plan(before=before, after=after, steps=tuple(steps), warnings=tuple(warnings))

    def apply(self, step: Step) -> None:
        """Carry out one step; key and certificate are written only after both exist."""
        if step.id == "generate_key":
            present = (self._state.key if self._state is not None else None) or {}
            kind = self._wish.key_type or t.cast("str | None", present.get("key_type")) or "rsa"
            same_kind = kind == present.get("key_type")
            size = self._wish.key_size or (t.cast("int", present["key_size"]) if same_kind else None)
            self._new_key = generate_key(kind, size)
        elif step.id == "issue_certificate":
            self._issue()
        elif self._state is not None and self._state.certificate is not None:
            self._write_chain(self._chain(self._state.certificate))

    def verify(self, plan: Plan) -> t.Mapping[str, t.Any]:
        """Read the files again."""
        found = self.read()
        if found.certificate is None or found.key is None:
            raise VerificationError(
                device=self._wish.certificate_path, subject="certificate", found="none", expected="the new one"
            )
        require_usable(
            found.certificate,
            now=self._now,
            device=self._wish.certificate_path,
            key_spki_sha256=found.key["spki_sha256"],
            authority=self._authority,
        )
        warnings = [*plan.warnings, *self._notes]
        return {"after": found.shown(), "warnings": warnings, **self.evidence(found)}

    def evidence(self, current: CertificateState) -> t.Mapping[str, t.Any]:
        """The certificate with its content and the paths."""
        certificate = current.certificate
        return {
            "certificate": None
            if certificate is None
            else {**certificate.shown(self._now), "content": certificate.pem},
            "certificate_path": self._wish.certificate_path,
            "trusted_path": self._authority.trusted_path,
        }

    def abandon(self, step: Step, error: Exception) -> None:
        """Nothing to undo: files change only by renaming finished ones, and the next run mends a torn pair."""

    def _read_key(self) -> tuple[str | None, t.Mapping[str, t.Any] | None, str]:
        wish = self._wish
        if wish.private_key_path is None:
            device = wish.request_path or wish.device
            text = wish.request_content
            if text is None:
                text = read_text(t.cast("str", wish.request_path), subject="certificate request")
            request = load_request(text, device=device)
            return text, describe_key(request_key(request)), ""
        if not exists(wish.private_key_path):
            return None, None, "There is none yet."
        try:
            key = describe_key(load_private_key(wish.private_key_path).public_key())
            self._refuse_other_kind(key)
        except PkiError as error:
            if wish.regenerate not in ("on_mismatch", "always"):
                raise
            return None, None, error.message
        return None, key, "A new one is made in every run." if wish.regenerate == "always" else ""

    def _refuse_other_kind(self, key: t.Mapping[str, t.Any]) -> None:
        wish = self._wish
        kind = wish.key_type or key["key_type"]
        size = key["key_size"] if wish.key_size is None else wish.key_size
        if (key["key_type"], key["key_size"]) != (kind, size):
            raise PkiError(
                device=t.cast("str", wish.private_key_path),
                subject="private key",
                found=f"{key['key_type']} of {key['key_size']} bits",
                expected=f"{kind} of {size} bits",
                advice="It is replaced only with regenerate=on_mismatch.",
            )

    def _reasons(self, current: CertificateState) -> tuple[list[str], list[str]]:
        certificate, wish = current.certificate, self._wish
        if certificate is None:
            return ["There is no certificate yet."], []
        reasons = []
        if not self._authority.issued_by_us(certificate):
            reasons.append(f"The present one was issued by {certificate.issuer}.")
        elif revoked := self._authority.revoked(certificate):
            reasons.append(revoked)
        if current.key is not None and certificate.spki_sha256 != current.key["spki_sha256"]:
            reasons.append("The present one does not fit the key.")
        if set(certificate.subject_alt_names) != set(wish.subject_alt_names):
            reasons.append(f"The present one is for {', '.join(certificate.subject_alt_names) or 'no name'}.")
        if wish.common_name is not None and certificate.subject_common_name != wish.common_name:
            reasons.append(f"The present one is named {certificate.subject_common_name}.")
        if (_for_clients(certificate), for_evidence(certificate)) != (wish.client_auth, wish.evidence_signer):
            reasons.append("The present one has other extended key usages.")
        due = renewal_due(certificate, self._now, wish.renew_before, wish.renew_share)
        if due is None:
            return reasons, []
        end = self._authority.issuer_certificate.not_after
        if not reasons and renewal_is_pointless(certificate, self._now, end):
            return [], [pointless_renewal(due, end)]
        return [*reasons, due], []

    def _check_issuing(self) -> None:
        wish = self._wish
        if wish.passphrase is None:
            raise InputError(
                device=wish.device,
                subject="authority_passphrase",
                found="none",
                expected="the passphrase, since a certificate is to be issued",
            )
        self._authority.check_terms(
            device=wish.device,
            subject_alt_names=wish.subject_alt_names,
            lifetime_days=wish.lifetime_days,
            backdate_hours=wish.backdate_hours,
            common_name=wish.common_name,
            now=self._now,
        )

    def _chain_is_stale(self, current: CertificateState) -> bool:
        if self._wish.chain_path is None or current.certificate is None:
            return False
        return current.chain != self._chain(current.certificate)

    def _after(self, current: CertificateState, steps: t.Sequence[Step]) -> dict[str, t.Any]:
        if steps[0].id == "write_chain":
            return {**current.shown(), "chain_path": self._wish.chain_path}
        planned = {
            "issuer": self._authority.issuer_certificate.subject,
            "subject_alt_names": list(self._wish.subject_alt_names),
        }
        return {"certificate": planned, "key": None if steps[0].id == "generate_key" else current.shown()["key"]}

    def _issue(self) -> None:
        state, wish = self._state, self._wish
        if state is None or wish.passphrase is None:
            raise RuntimeError("planned before it was read")
        common: dict[str, t.Any] = {
            "passphrase": wish.passphrase,
            "device": wish.device,
            "subject_alt_names": wish.subject_alt_names,
            "lifetime_days": wish.lifetime_days,
            "backdate_hours": wish.backdate_hours,
            "common_name": wish.common_name,
            "client_auth": wish.client_auth,
            "evidence_signer": wish.evidence_signer,
            "now": self._now,
        }
        if state.request is not None:
            issued = self._authority.sign_request(state.request, **common)
        else:
            path = t.cast("str", wish.private_key_path)
            key = self._new_key or load_private_key(path)
            issued = self._authority.issue_for_key(key, **common)
            if self._new_key is not None:
                write_or_fail(path, key_pem(key, None), mode=PRIVATE, subject="private key")
                self._wish = dc.replace(wish, regenerate="never", key_type=None, key_size=None)
        self._write(issued)

    def _write(self, issued: Issued) -> None:
        write_or_fail(self._wish.certificate_path, issued.pem.encode(), mode=PUBLIC, subject="certificate")
        if self._wish.chain_path is not None:
            self._write_chain(issued.chain_pem)
        if issued.shortened:
            end = iso(issued.facts.not_after)
            self._notes = (f"The certificate ends with the authority on {end}, earlier than lifetime_days.",)

    def _write_chain(self, content: str) -> None:
        path = t.cast("str", self._wish.chain_path)
        write_or_fail(path, content.encode(), mode=PUBLIC, subject="certificate chain")

    def _chain(self, certificate: CertificateFacts) -> str:
        own = self._authority.intermediate_certificate
        return certificate.pem + (own.pem if own is not None else "")


def _for_clients(facts: CertificateFacts) -> bool:
    try:
        extensions = x509.load_der_x509_certificate(facts.der).extensions
        usages = extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    except (x509.ExtensionNotFound, ValueError):
        return False
    return oid.ExtendedKeyUsageOID.CLIENT_AUTH in usages
