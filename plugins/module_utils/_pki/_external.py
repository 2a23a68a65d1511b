# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A certificate authority that is not ours: a command signs, and everything that it returns is checked."""

from __future__ import annotations

import dataclasses as dc
import datetime as dt
import typing as t

from .._core._errors import InputError, PkiError
from .._thirdparty import UnsupportedAlgorithm, oid, x509
from .._tls._certificate import CertificateFacts, certificate_blocks, iso, load_one_certificate, pem_labels
from .._tls._names import bare
from ._authority import Issued
from ._constraints import common_name_within, violation
from ._files import read_bytes, read_text
from ._keys import load_request, request_key, spki_sha256
from ._renewal import renewal_due
from ._seen import signed_by

__all__ = ["Command", "ExternalAuthority", "Terms", "for_servers"]

_WEAK: t.Final = frozenset({"md5", "sha1"})
_RIGHT_ORDER: t.Final = "the device's certificate first, then the one that signed it, and so on up to the root"


@dc.dataclass(frozen=True, kw_only=True)
class Terms:
    """What a certificate is asked for.

    Attributes:
        device: Inventory name or address.
        common_name: Of the subject.
        subject_alt_names: ``IP:…`` and ``DNS:…``; each must be covered.
        lifetime_days: Validity.
        backdate_hours: How long ago it may start.
        renew_before_days: It must have more days than this.
        renew_share: Share of the lifetime; nothing when not wanted.
    """

    device: str
    common_name: str
    subject_alt_names: tuple[str, ...]
    lifetime_days: int
    backdate_hours: int
    renew_before_days: float
    renew_share: float | None

    def variables(self, now: dt.datetime) -> dict[str, str]:
        """The terms as the command gets them.

        Args:
            now: The clock.

        Returns:
            Environment variables.
        """
        by_kind = {
            kind: ",".join(bare(name) for name in self.subject_alt_names if name.startswith(f"{kind}:"))
            for kind in ("IP", "DNS")
        }
        return {
            "CAMSEC_DEVICE": self.device,
            "CAMSEC_COMMON_NAME": self.common_name,
            "CAMSEC_SUBJECT_ALT_NAMES": ",".join(self.subject_alt_names),
            "CAMSEC_IP_ADDRESSES": by_kind["IP"],
            "CAMSEC_DNS_NAMES": by_kind["DNS"],
            "CAMSEC_LIFETIME_DAYS": str(self.lifetime_days),
            "CAMSEC_LIFETIME_HOURS": str(self.lifetime_days * 24),
            "CAMSEC_NOT_BEFORE": iso(now - dt.timedelta(hours=self.backdate_hours)),
            "CAMSEC_NOT_AFTER": iso(now + dt.timedelta(days=self.lifetime_days)),
        }


class Command(t.Protocol):
    """What is asked to sign; this layer starts no programs itself."""

    def check(self, *, device: str) -> None:
        """Refuse a command that cannot be run."""

    def run(self, stdin: str, variables: t.Mapping[str, str], *, device: str) -> str:
        """Run it; what it wrote."""


class ExternalAuthority:
    """An authority behind a command.

    Args:
        ca_path: PEM file with the root certificates, and with each intermediate one that signs for devices: a camera
            shows one certificate alone, so that whoever verifies it needs those too.
        command: Reads the request in PEM and writes the certificate with its intermediates.
        crl_path: Revocation list of the authority in PEM or DER; nothing for none.
        device: Inventory name, for the errors.

    Raises:
        InputError: ``ca_path`` holds no root.
        PkiError: A file cannot be used.
    """

    def __init__(self, *, ca_path: str, command: Command, crl_path: str | None, device: str) -> None:
        self.trusted_path = ca_path
        self._command = command
        subject = "certificate authority"
        self._trusted = tuple(
            load_one_certificate(block, device=ca_path, subject=subject)
            for block in certificate_blocks(read_text(ca_path, subject=subject))
        )
        self._roots = tuple(one for one in self._trusted if one.self_signed and one.is_ca)
        if not self._roots:
            raise InputError(
                device=device,
                subject="ca_path",
                found=f"no root certificate in {ca_path}",
                expected="the root of the authority that sign_command asks, and its intermediate certificates",
            )
        self._revoked = _revoked(crl_path, self._trusted) if crl_path else {}

    @property
    def roots(self) -> tuple[CertificateFacts, ...]:
        """The root certificates of ``ca_path``."""
        return self._roots

    @property
    def issuer_certificate(self) -> CertificateFacts:
        """Of the authorities that sign no other one of ``ca_path``, the one that ends last."""
        lowest = [
            one
            for one in self._trusted
            if one.is_ca and not any(other.sha256 != one.sha256 and signed_by(other, one) for other in self._trusted)
        ]
        return max(lowest or self._roots, key=lambda one: one.not_after)

    def issued_by_us(self, facts: CertificateFacts) -> bool:
        """Whether one of the authorities of ``ca_path`` signed a certificate.

        Args:
            facts: The certificate.

        Returns:
            True when its signature verifies.
        """
        return not facts.self_signed and any(one.is_ca and signed_by(facts, one) for one in self._trusted)

    def revoked(self, facts: CertificateFacts) -> str:
        """Why a certificate is no longer to be trusted.

        Args:
            facts: The certificate.

        Returns:
            A sentence; empty when the list does not hold it.
        """
        at = self._revoked.get((facts.issuer, facts.serial_number))
        return "" if at is None else f"The certificate was revoked at {at}."

    def common_name_for(self, host: str) -> str:
        """See :meth:`CertificateAuthority.common_name_for`; the constraints are those of ``ca_path``.

        Args:
            host: Address or host name.

        Returns:
            A common name.
        """
        return common_name_within(host, self._trusted)

    def check_ready(self, *, device: str) -> None:
        """Refuse a command that cannot be run.

        Args:
            device: Inventory name, for the error.

        Raises:
            PkiError: It cannot.
        """
        self._command.check(device=device)

    def sign(self, csr_pem: str, terms: Terms, *, clock: dt.datetime) -> Issued:
        """Have a request signed, and check what comes back.

        Args:
            csr_pem: The device's request.
            terms: What is asked for.
            clock: The device's own time.

        Returns:
            The certificate and those between it and the root.

        Raises:
            PkiError: The request is not good, the command failed, or what it returned would not do.
        """
        key = spki_sha256(request_key(load_request(csr_pem, device=terms.device)))
        output = self._command.run(csr_pem, terms.variables(dt.datetime.now(dt.UTC)), device=terms.device)
        chain = self._ordered(_returned(output, terms.device), key, terms.device)
        root = self._check_chain(chain, terms.device, clock)
        self._check_leaf(chain[0], (*chain[1:], root), terms, clock=clock)
        between = tuple(one.pem for one in chain[1:] if not one.self_signed)
        return Issued(pem=chain[0].pem, chain_pem=chain[0].pem + "".join(between), facts=chain[0])

    def _ordered(self, chain: tuple[CertificateFacts, ...], key: str, device: str) -> tuple[CertificateFacts, ...]:
        """The chain; refused when it is not in order, since nobody can tell what else went wrong then."""
        if not any(one.spki_sha256 == key for one in chain):
            raise _refused(device, "a certificate for a foreign key", "one for the key of the device's request")
        for one in chain:
            if not one.self_signed:  # nobody checks the signature of a root
                _check_signature(one, device)
        for above, one in zip(chain[1:], chain, strict=False):
            if chain[0].spki_sha256 != key or not signed_by(one, above):
                found = "a chain in the wrong order or with a foreign certificate"
                raise _refused(device, found, f"in this order: {_RIGHT_ORDER}; the root may be left out")
        return chain

    def _check_chain(self, chain: tuple[CertificateFacts, ...], device: str, clock: dt.datetime) -> CertificateFacts:
        """The root that it ends at; each certificate on the way is an authority, valid, and long enough a path."""
        last = chain[-1]
        signer = last if last.sha256 in {one.sha256 for one in self._roots} else self._above(last, device)
        above = list(chain[1:])
        while True:
            if signer.sha256 not in {one.sha256 for one in above}:
                above.append(signer)
            if signer.sha256 in {one.sha256 for one in self._roots}:
                break
            signer = self._above(signer, device)
        for depth, one in enumerate(above):
            _check_authority(one, depth, device, clock)
        if chain[0].issuer != signer.subject and not self.issued_by_us(chain[0]):
            raise _refused(
                device,
                f"a certificate signed by {chain[0].issuer}",
                f"one signed by an authority of {self.trusted_path}: put that certificate there too",
                advice="A camera shows its certificate alone, so that its clients need the one that signed it.",
            )
        return signer

    def _above(self, facts: CertificateFacts, device: str) -> CertificateFacts:
        found = next((one for one in self._trusted if one.sha256 != facts.sha256 and signed_by(facts, one)), None)
        if found is None:
            raise _refused(
                device,
                f"a chain that ends at {facts.issuer}",
                f"one that is complete up to a root of {self.trusted_path}",
            )
        return found

    def _check_leaf(
        self,
        facts: CertificateFacts,
        above: tuple[CertificateFacts, ...],
        terms: Terms,
        *,
        clock: dt.datetime,
    ) -> None:
        device = terms.device
        if facts.is_ca:
            raise _refused(device, "a certificate of an authority (CA:TRUE)", "one of a device (CA:FALSE)")
        if not for_servers(facts):
            raise _refused(device, "extended key usages without that of a server", "serverAuth among them, or none")
        missing = [bare(name) for name in terms.subject_alt_names if not facts.covers(bare(name))]
        if missing:
            names = ", ".join(facts.subject_alt_names) or "no subject alternative name"
            raise _refused(device, names, f"subject alternative names for {', '.join(missing)} too")
        violated = violation(facts, above)
        if violated:
            raise _refused(device, violated, "names that its authority may issue for")
        _check_validity(facts, device, clock)
        due = renewal_due(facts, dt.datetime.now(dt.UTC), terms.renew_before_days, terms.renew_share)
        if due:
            found = due.removeprefix("The certificate has ").removesuffix(".")
            raise _refused(device, found, "a certificate that is not to be renewed at once")


def _returned(output: str, device: str) -> tuple[CertificateFacts, ...]:
    labels = pem_labels(output)
    if any(label.endswith("PRIVATE KEY") for label in labels):
        raise _refused(device, "a private key", "certificates alone", advice="Consider that key known to others.")
    if not labels or set(labels) != {"CERTIFICATE"}:
        found = "nothing (empty)" if not output.strip() else "something else than certificates in PEM"
        raise _refused(device, found, "a certificate and its intermediate ones in PEM on standard output")
    return tuple(
        load_one_certificate(block, device=device, subject="certificate from sign_command")
        for block in certificate_blocks(output)
    )


def _check_authority(facts: CertificateFacts, depth: int, device: str, clock: dt.datetime) -> None:
    name = facts.subject
    if not facts.is_ca:
        raise _refused(device, f"a chain over {name}, which is no authority", "CA:TRUE for each certificate above")
    extensions = x509.load_der_x509_certificate(facts.der).extensions
    most = extensions.get_extension_for_class(x509.BasicConstraints).value.path_length
    if most is not None and depth > most:
        raise _refused(device, f"{depth} authorities below {name}", f"at most {most}, as it says itself")
    _check_validity(facts, device, clock)


def _check_validity(facts: CertificateFacts, device: str, clock: dt.datetime) -> None:
    if not facts.not_before <= clock < facts.not_after:
        raise _refused(
            device,
            f"{facts.subject or facts.serial_number}, valid from {iso(facts.not_before)} to {iso(facts.not_after)}",
            f"valid at {iso(clock)}, by the device's clock",
        )


def _check_signature(facts: CertificateFacts, device: str) -> None:
    try:
        algorithm = x509.load_der_x509_certificate(facts.der).signature_hash_algorithm
    except UnsupportedAlgorithm:
        algorithm = None
    if algorithm is not None and algorithm.name in _WEAK:
        raise _refused(device, f"a signature with {algorithm.name.upper()}", "SHA-256 or better")


def for_servers(facts: CertificateFacts) -> bool:
    """Whether a server may present a certificate (RFC 5280 section 4.2.1.12).

    Args:
        facts: The certificate.

    Returns:
        False when it names extended key usages without that of a server.
    """
    try:
        extensions = x509.load_der_x509_certificate(facts.der).extensions
        usages = extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    except x509.ExtensionNotFound:
        return True
    return oid.ExtendedKeyUsageOID.SERVER_AUTH in usages


def _revoked(path: str, trusted: t.Sequence[CertificateFacts]) -> dict[tuple[str, str], str]:
    """Issuer and serial number of each certificate of a list, with when it was revoked."""
    content = read_bytes(path, subject="revocation list")
    try:
        pem = b"-----BEGIN" in content
        found = x509.load_pem_x509_crl(content) if pem else x509.load_der_x509_crl(content)
    except ValueError:
        raise PkiError(
            device=path, subject="revocation list", found="something else", expected="a CRL in PEM or DER"
        ) from None
    issuer = found.issuer.rfc4514_string()
    keys = [x509.load_der_x509_certificate(one.der).public_key() for one in trusted if one.subject == issuer]
    if not any(found.is_signature_valid(key) for key in keys):  # type: ignore[arg-type]
        raise PkiError(
            device=path,
            subject="revocation list",
            found=f"one of {issuer}, which no authority of ca_path signed",
            expected="the list of the authority",
        )
    return {(issuer, f"{one.serial_number:x}"): iso(one.revocation_date_utc) for one in found}


def _refused(device: str, found: str, expected: str, *, advice: str = "") -> PkiError:
    return PkiError(
        device=device, subject="certificate from sign_command", found=found, expected=expected, advice=advice
    )
