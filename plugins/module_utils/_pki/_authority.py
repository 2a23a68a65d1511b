# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A certificate authority in a directory (RFC 5280).

The directory, mode 0700, holds ``root.pem`` and ``root.key``, with an intermediate authority also
``intermediate.pem`` and ``intermediate.key`` (keys: encrypted PKCS#8, mode 0600), ``trusted.pem`` (what clients trust:
its own certificates and, while a root is rotated, those of another authority), ``ledger.sqlite3`` and ``config.json``.
``config.json`` is written last: where it is, the authority is complete.
"""

from __future__ import annotations

import contextlib
import dataclasses as dc
import datetime as dt
import fcntl
import hashlib
import json
import secrets
import stat
import typing as t
from pathlib import Path

from .._core._errors import InputError, PkiError
from .._core._secret import Secret
from .._thirdparty import InvalidSignature, UnsupportedAlgorithm, oid, serialization, x509
from .._tls._certificate import CertificateFacts, certificate_blocks, iso, load_one_certificate
from .._tls._names import bare, general_names, parse_names
from ._constraints import common_name_within, name_constraints, outside, parse_permitted, violation
from ._files import PRIVATE, PUBLIC, make_directory, read_secret_bytes, read_text, write_or_fail
from ._keys import (
    PrivateKey,
    PublicKey,
    default_size,
    digest_for,
    generate_key,
    key_pem,
    load_request,
    request_key,
    spki_sha256,
    unlock_own_key,
)
from ._ledger import Ledger, LedgerEntry

__all__ = ["AuthorityParameters", "CertificateAuthority", "Issued", "check_passphrase_length"]

_CONFIG = "config.json"
_LEDGER = "ledger.sqlite3"
_TRUSTED = "trusted.pem"
_LONGEST_NAME = 64  # ub-common-name, RFC 5280 appendix A.1
_SERIAL_BITS = 159  # positive and at most 20 octets, RFC 5280 section 4.1.2.2
_ATTEMPTS = 8
_SHORTEST_PASSPHRASE = 8


@dc.dataclass(frozen=True, kw_only=True)
class AuthorityParameters:
    """What an authority was made with; kept in ``config.json`` and never changed.

    Attributes:
        common_name: Of the root certificate, at most 64 characters.
        key_type: ``rsa`` or ``ecdsa``.
        key_size: In bits.
        lifetime_days: Of the root certificate.
        intermediate_common_name: Of the intermediate certificate; empty for none.
        intermediate_lifetime_days: Of the intermediate certificate; 0 for none.
        backdate_days: How long before its creation the authority's validity starts.
        permitted_names: Networks and domains outside of which nothing is issued (RFC 5280 section 4.2.1.10); empty for
            no such limit.
    """

    common_name: str
    key_type: str = "rsa"
    key_size: int = 3072
    lifetime_days: int = 3650
    intermediate_common_name: str = ""
    intermediate_lifetime_days: int = 0
    backdate_days: int = 30
    permitted_names: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "permitted_names", parse_permitted(self.permitted_names))
        _check_common_name(self.common_name, "common name of the root")
        if self.intermediate_common_name:
            _check_common_name(self.intermediate_common_name, "common name of the intermediate")
            _check_range(self.intermediate_lifetime_days, "intermediate_lifetime_days", 1, 36500)
            if self.intermediate_common_name == self.common_name:
                raise InputError(
                    device="this host",
                    subject="common name of the intermediate",
                    found="the root's own",
                    expected="another name",
                )
        _check_range(self.lifetime_days, "lifetime_days", 1, 36500)
        _check_range(self.backdate_days, "backdate_days", 0, 3650)
        default_size(self.key_type, self.key_size)

    @classmethod
    def of(
        cls,
        *,
        common_name: str,
        key_type: str | None = None,
        key_size: int | None = None,
        lifetime_days: int | None = None,
        intermediate_common_name: str | None = None,
        intermediate_lifetime_days: int | None = None,
        backdate_days: int | None = None,
        permitted_names: t.Sequence[str] | None = None,
    ) -> AuthorityParameters:
        """The parameters with their defaults filled in.

        Args:
            common_name: Of the root certificate.
            key_type: Default ``rsa``.
            key_size: Default 3072 for RSA, 256 for ECDSA.
            lifetime_days: Default 3650.
            intermediate_common_name: Default none.
            intermediate_lifetime_days: Default half of the root's.
            backdate_days: Default 30.
            permitted_names: Default any.

        Returns:
            The parameters.

        Raises:
            InputError: One of them cannot be used.
        """
        lifetime = 3650 if lifetime_days is None else lifetime_days
        half = max(1, lifetime // 2) if intermediate_lifetime_days is None else intermediate_lifetime_days
        return cls(
            common_name=common_name,
            key_type=key_type or "rsa",
            key_size=default_size(key_type or "rsa", key_size),
            lifetime_days=lifetime,
            intermediate_common_name=intermediate_common_name or "",
            intermediate_lifetime_days=half if intermediate_common_name else 0,
            backdate_days=30 if backdate_days is None else backdate_days,
            permitted_names=tuple(permitted_names or ()),
        )


@dc.dataclass(frozen=True, kw_only=True)
class Issued:
    """A certificate that was issued and is in the ledger.

    Attributes:
        pem: The certificate.
        chain_pem: The certificate, then the intermediate one, if any: what a server should send.
        facts: What it says.
        shortened: It ends with the authority, earlier than was asked for.
    """

    pem: str
    chain_pem: str
    facts: CertificateFacts
    shortened: bool = False

    @property
    def issuers_pem(self) -> tuple[str, ...]:
        """The certificates between it and the root, nearest first."""
        return certificate_blocks(self.chain_pem)[1:]


class CertificateAuthority:
    """An authority that exists; made by :meth:`create` or :meth:`open`.

    Args:
        directory: Its directory.
        parameters: What it was made with.
        root: The root certificate.
        intermediate: The intermediate certificate, if there is one.
    """

    def __init__(
        self,
        directory: Path,
        parameters: AuthorityParameters,
        root: CertificateFacts,
        intermediate: CertificateFacts | None,
    ) -> None:
        self.directory = directory
        self.parameters = parameters
        self.root_certificate = root
        self.intermediate_certificate = intermediate
        self.ledger = Ledger(directory / _LEDGER)
        self._unlocked: tuple[bytes, Secret, PrivateKey] | None = None

    @classmethod
    def create(
        cls,
        directory: str | Path,
        *,
        passphrase: Secret,
        common_name: str,
        key_type: str = "rsa",
        key_size: int | None = None,
        lifetime_days: int = 3650,
        intermediate_common_name: str = "",
        intermediate_lifetime_days: int | None = None,
        backdate_days: int = 30,
        permitted_names: t.Sequence[str] = (),
        now: dt.datetime | None = None,
    ) -> CertificateAuthority:
        """Make an authority. Two processes at once: one makes it, the other fails.

        Args:
            directory: Made with mode 0700.
            passphrase: Encrypts the private keys; at least 8 characters.
            common_name: Of the root certificate.
            key_type: ``rsa`` or ``ecdsa``.
            key_size: 2048, 3072 or 4096; 256, 384 or 521 bits. Default 3072 or 256.
            lifetime_days: Of the root certificate.
            intermediate_common_name: Makes an intermediate authority too, and that one issues.
            intermediate_lifetime_days: Half of the root's by default.
            backdate_days: The validity starts this long ago, for devices whose clock is behind.
            permitted_names: Networks and domains outside of which nothing is issued.
            now: The clock.

        Returns:
            The authority.

        Raises:
            InputError: A parameter cannot be used.
            PkiError: There is an authority already, or it cannot be written.
        """
        parameters = AuthorityParameters.of(
            common_name=common_name,
            key_type=key_type,
            key_size=key_size,
            lifetime_days=lifetime_days,
            intermediate_common_name=intermediate_common_name,
            intermediate_lifetime_days=intermediate_lifetime_days,
            backdate_days=backdate_days,
            permitted_names=permitted_names,
        )
        return cls.make(directory, parameters, passphrase=passphrase, now=now)

    @classmethod
    def make(
        cls,
        directory: str | Path,
        parameters: AuthorityParameters,
        *,
        passphrase: Secret,
        now: dt.datetime | None = None,
    ) -> CertificateAuthority:
        """Make an authority, see :meth:`create`.

        Args:
            directory: Made with mode 0700.
            parameters: What it is made with.
            passphrase: Encrypts the private keys; at least 8 characters.
            now: The clock.

        Returns:
            The authority.

        Raises:
            InputError: The passphrase is too short.
            PkiError: There is an authority already, or it cannot be written.
        """
        home = Path(directory)
        check_passphrase_length(passphrase, device=str(home))
        make_directory(home, subject="certificate authority")
        with _lock(home):
            _refuse_existing(home)
            _make(home, parameters, passphrase, now or dt.datetime.now(dt.UTC))
        return cls.open(home)

    @classmethod
    def exists(cls, directory: str | Path) -> bool:
        """Whether there is a complete authority.

        Args:
            directory: Its directory.

        Returns:
            True when ``config.json`` is there.
        """
        return (Path(directory) / _CONFIG).exists()

    @classmethod
    def open(cls, directory: str | Path) -> CertificateAuthority:
        """Open an authority; only its certificates are read, no key.

        Args:
            directory: Its directory.

        Returns:
            The authority.

        Raises:
            PkiError: It is missing, incomplete, damaged, or other users may write to it.
        """
        home = Path(directory)
        if not cls.exists(home):
            raise PkiError(
                device=str(home),
                subject="certificate authority",
                found="no complete authority",
                expected="a directory that camsec.fleet.certificate_authority made",
            )
        mode = stat.S_IMODE(home.stat().st_mode)
        if mode & 0o022:
            raise PkiError(
                device=str(home),
                subject="certificate authority",
                found=f"mode {mode:04o}, other users may write",
                expected="mode 0700",
            )
        parameters = _read_config(home / _CONFIG)
        root = _read_certificate(home / "root.pem")
        intermediate = _read_certificate(home / "intermediate.pem") if parameters.intermediate_common_name else None
        read_text(home / _TRUSTED, subject="trusted certificates")
        return cls(home, parameters, root, intermediate)

    @property
    def trusted_path(self) -> str:
        """Path of the PEM file that clients trust: root and intermediate certificate, see :mod:`._trust`."""
        return str(self.directory / _TRUSTED)

    @property
    def trusted_pem(self) -> str:
        """Content of :attr:`trusted_path`."""
        return read_text(self.trusted_path, subject="trusted certificates")

    @property
    def trusted_certificates(self) -> tuple[CertificateFacts, ...]:
        """The certificates of :attr:`trusted_path`, in their order; while a root is rotated, those of two authorities.

        Raises:
            PkiError: The file is damaged.
        """
        return self.certificates_in(self.trusted_pem)

    def certificates_in(self, pem: str) -> tuple[CertificateFacts, ...]:
        """The certificates of a trust file's text.

        Args:
            pem: The text.

        Returns:
            The certificates, in their order.

        Raises:
            PkiError: One of them is damaged.
        """
        subject = "trusted certificates"
        return tuple(
            load_one_certificate(block, device=self.trusted_path, subject=subject) for block in certificate_blocks(pem)
        )

    @property
    def own_pem(self) -> str:
        """The root certificate and then the intermediate one, whatever :attr:`trusted_path` holds."""
        own = self.intermediate_certificate
        return self.root_certificate.pem + ("" if own is None else own.pem)

    @property
    def issuer_certificate(self) -> CertificateFacts:
        """The certificate that signs: the intermediate one, or else the root."""
        return self.intermediate_certificate or self.root_certificate

    @property
    def chain(self) -> tuple[CertificateFacts, ...]:
        """The certificate that signs, then the root where that is another one."""
        own = self.intermediate_certificate
        return (self.root_certificate,) if own is None else (own, self.root_certificate)

    def violation(self, facts: CertificateFacts) -> str:
        """Which names of a certificate this authority's name constraints do not allow.

        Args:
            facts: The certificate.

        Returns:
            What was found; empty when all names are allowed.
        """
        return violation(facts, self.chain)

    def common_name_for(self, host: str) -> str:
        """The common name of a device that is known by an address or host name.

        Args:
            host: Address or host name.

        Returns:
            The host; where name constraints would not let it pass as a host name, without its dots.
        """
        return common_name_within(host, self.chain)

    def check_names(self, names: t.Sequence[str], common_name: str | None, *, device: str) -> None:
        """Refuse names that the authority's name constraints do not allow.

        Args:
            names: Subject alternative names in their canonical form.
            common_name: That was asked for.
            device: Inventory name, for the error.

        Raises:
            InputError: One of them is outside.
        """
        limits = self.parameters.permitted_names
        found = outside(names, common_name or "", name_constraints(limits)) if limits else ()
        if found:
            raise InputError(
                device=device,
                subject="name that the certificate is for",
                found=", ".join(found),
                expected=f"names within {', '.join(limits)}, for which the authority in {self.directory} was made",
            )

    def shown(self, now: dt.datetime | None = None) -> dict[str, t.Any]:
        """The authority as a result shows it.

        Args:
            now: The clock, for ``days_left``.

        Returns:
            ``directory``, ``trusted_path``, ``parameters``, ``root`` and ``intermediate`` (nothing without one).
        """
        own = self.intermediate_certificate
        return {
            "directory": str(self.directory),
            "trusted_path": self.trusted_path,
            "parameters": dc.asdict(self.parameters),
            "root": self.root_certificate.shown(now),
            "intermediate": None if own is None else own.shown(now),
        }

    def issued_by_us(self, facts: CertificateFacts) -> bool:
        """Whether this authority issued a certificate.

        Args:
            facts: The certificate; its signature is checked when ``facts.der`` is given.

        Returns:
            True when issuer, key identifier and signature are those of :attr:`issuer_certificate`.
        """
        issuer = self.issuer_certificate
        if facts.issuer != issuer.subject:
            return False
        if facts.authority_key_identifier and facts.authority_key_identifier != issuer.subject_key_identifier:
            return False
        if not facts.der:
            return bool(facts.authority_key_identifier)
        certificate = x509.load_der_x509_certificate(facts.der)
        try:
            certificate.verify_directly_issued_by(x509.load_der_x509_certificate(issuer.der))
        except (InvalidSignature, UnsupportedAlgorithm, ValueError, TypeError):
            return False
        return True

    def revoked(self, facts: CertificateFacts) -> str:
        """Why a certificate is no longer to be trusted.

        Args:
            facts: The certificate.

        Returns:
            A sentence; empty when it was not revoked.
        """
        found = self.ledger.revocation(facts.serial_number)
        return "" if found is None else f"The certificate was revoked at {found.revoked_at} ({found.reason})."

    @contextlib.contextmanager
    def locked(self) -> t.Iterator[None]:
        """Hold the authority's lock, so that one process at a time publishes.

        Yields:
            Nothing.

        Raises:
            PkiError: Its directory cannot be written.
        """
        with _lock(self.directory):
            yield

    def sign_list(
        self, builder: x509.CertificateRevocationListBuilder, *, passphrase: Secret
    ) -> x509.CertificateRevocationList:
        """Sign a revocation list.

        Args:
            builder: The list, without its issuer.
            passphrase: Of the issuing key.

        Returns:
            The list.

        Raises:
            PkiError: The key cannot be used.
        """
        key = self._issuer_key(passphrase)
        issuer = x509.load_der_x509_certificate(self.issuer_certificate.der)
        named = builder.issuer_name(issuer.subject).add_extension(_authority_identifier(issuer), critical=False)
        return named.sign(key, digest_for(key))

    def check_terms(
        self,
        *,
        device: str,
        subject_alt_names: t.Sequence[str],
        lifetime_days: int,
        backdate_hours: int,
        common_name: str | None,
        now: dt.datetime,
    ) -> None:
        """Refuse what :meth:`sign_request` would refuse of the terms of a certificate; nothing is read.

        Args:
            device: Inventory name, for the errors.
            subject_alt_names: See :meth:`sign_request`.
            lifetime_days: See there.
            backdate_hours: See there.
            common_name: See there.
            now: The clock.

        Raises:
            InputError: A name or a time span cannot be used.
            PkiError: The authority is not valid now.
        """
        if common_name is not None:
            _check_common_name(common_name, "common name", device)
        self.check_names(parse_names(subject_alt_names, device=device), common_name, device=device)
        self._validity(now, lifetime_days, backdate_hours, device)

    def check_passphrase(self, passphrase: Secret) -> None:
        """Prove that the issuing key can be used.

        Args:
            passphrase: Of the key.

        Raises:
            PkiError: The key is missing, open to others, does not fit its certificate, or the passphrase is wrong.
        """
        self._issuer_key(passphrase)

    def sign_request(
        self,
        csr_pem: str,
        *,
        passphrase: Secret,
        device: str,
        subject_alt_names: t.Sequence[str],
        lifetime_days: int = 397,
        backdate_hours: int = 24,
        common_name: str | None = None,
        client_auth: bool = False,
        evidence_signer: bool = False,
        now: dt.datetime | None = None,
    ) -> Issued:
        """Issue a certificate for a request that the device made.

        Args:
            csr_pem: The request; its own names are not taken over, its other subject attributes are.
            passphrase: Of the issuing key.
            device: Inventory name, for the ledger and the errors.
            subject_alt_names: Addresses and host names, see :func:`.._tls._names.parse_name`; at least one.
            lifetime_days: From now on; never longer than the issuer's.
            backdate_hours: The validity starts this long ago, for devices whose clock is behind.
            common_name: Instead of the request's; at most 64 characters.
            client_auth: The certificate is also good for clients (802.1X, links between servers).
            evidence_signer: The certificate is good for signing evidence, and for nothing else.
            now: The clock.

        Returns:
            The certificate, already in the ledger.

        Raises:
            InputError: A name or a time span cannot be used.
            PkiError: The request, the key or the authority cannot be used.
        """
        request = load_request(csr_pem, device=device)
        key = request_key(request)
        return self._issue(
            key,
            request.subject,
            passphrase=passphrase,
            device=device,
            subject_alt_names=subject_alt_names,
            lifetime_days=lifetime_days,
            backdate_hours=backdate_hours,
            common_name=common_name,
            client_auth=client_auth,
            evidence_signer=evidence_signer,
            now=now,
        )

    def issue_with_new_key(
        self,
        *,
        passphrase: Secret,
        device: str,
        subject_alt_names: t.Sequence[str],
        key_type: str = "rsa",
        key_size: int | None = None,
        lifetime_days: int = 397,
        backdate_hours: int = 24,
        common_name: str | None = None,
        client_auth: bool = False,
        evidence_signer: bool = False,
        now: dt.datetime | None = None,
    ) -> tuple[Secret, Issued]:
        """Make a key and issue a certificate for it, for devices that take both.

        Args:
            passphrase: Of the issuing key.
            device: Inventory name, for the ledger and the errors.
            subject_alt_names: See :meth:`sign_request`.
            key_type: ``rsa`` or ``ecdsa``.
            key_size: In bits.
            lifetime_days: See :meth:`sign_request`.
            backdate_hours: See :meth:`sign_request`.
            common_name: At most 64 characters.
            client_auth: See :meth:`sign_request`.
            evidence_signer: See :meth:`sign_request`.
            now: The clock.

        Returns:
            The unencrypted PKCS#8 key in PEM, and the certificate.

        Raises:
            InputError: A name, a size or a time span cannot be used.
            PkiError: The key or the authority cannot be used.
        """
        key = generate_key(key_type, key_size)
        issued = self.issue_for_key(
            key,
            passphrase=passphrase,
            device=device,
            subject_alt_names=subject_alt_names,
            lifetime_days=lifetime_days,
            backdate_hours=backdate_hours,
            common_name=common_name,
            client_auth=client_auth,
            evidence_signer=evidence_signer,
            now=now,
        )
        return Secret(key_pem(key, None).decode("ascii")), issued

    def issue_for_key(
        self,
        key: PrivateKey,
        *,
        passphrase: Secret,
        device: str,
        subject_alt_names: t.Sequence[str],
        lifetime_days: int = 397,
        backdate_hours: int = 24,
        common_name: str | None = None,
        client_auth: bool = False,
        evidence_signer: bool = False,
        now: dt.datetime | None = None,
    ) -> Issued:
        """Issue a certificate for a key at hand.

        Args:
            key: The private key; only its public half is used.
            passphrase: Of the issuing key.
            device: Inventory name, for the ledger and the errors.
            subject_alt_names: See :meth:`sign_request`.
            lifetime_days: See :meth:`sign_request`.
            backdate_hours: See :meth:`sign_request`.
            common_name: At most 64 characters.
            client_auth: See :meth:`sign_request`.
            evidence_signer: See :meth:`sign_request`.
            now: The clock.

        Returns:
            The certificate, already in the ledger.

        Raises:
            InputError: A name or a time span cannot be used.
            PkiError: The authority cannot be used.
        """
        return self._issue(
            key.public_key(),
            x509.Name([]),
            passphrase=passphrase,
            device=device,
            subject_alt_names=subject_alt_names,
            lifetime_days=lifetime_days,
            backdate_hours=backdate_hours,
            common_name=common_name,
            client_auth=client_auth,
            evidence_signer=evidence_signer,
            now=now,
        )

    def _issue(
        self,
        key: PublicKey,
        asked: x509.Name,
        *,
        passphrase: Secret,
        device: str,
        subject_alt_names: t.Sequence[str],
        lifetime_days: int,
        backdate_hours: int,
        common_name: str | None,
        client_auth: bool,
        evidence_signer: bool,
        now: dt.datetime | None,
    ) -> Issued:
        names = parse_names(subject_alt_names, device=device)
        self.check_names(names, common_name, device=device)
        subject = self._leaf_subject(asked, common_name, names, device)
        issuer_key = self._issuer_key(passphrase)
        issued_at = now or dt.datetime.now(dt.UTC)
        not_before, not_after, shortened = self._validity(issued_at, lifetime_days, backdate_hours, device)
        issuer = x509.load_der_x509_certificate(self.issuer_certificate.der)
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(issuer.subject)
            .public_key(key)
            .not_valid_before(not_before)
            .not_valid_after(not_after)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_leaf_usage(key, evidence_signer), critical=True)
            .add_extension(_extended_usage(client_auth, evidence_signer), critical=False)
            .add_extension(x509.SubjectAlternativeName(general_names(names)), critical=not list(subject))
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
            .add_extension(_authority_identifier(issuer), critical=False)
        )
        for _attempt in range(_ATTEMPTS):
            signed = builder.serial_number(_serial_number()).sign(issuer_key, digest_for(issuer_key))
            signed.verify_directly_issued_by(issuer)
            facts = CertificateFacts.from_der(signed.public_bytes(serialization.Encoding.DER))
            if self.ledger.add(_entry(facts, device, issued_at)):
                chain = facts.pem + (self.intermediate_certificate.pem if self.intermediate_certificate else "")
                return Issued(pem=facts.pem, chain_pem=chain, facts=facts, shortened=shortened)
        raise PkiError(
            device=str(self.ledger.path),
            subject="serial number",
            found=f"{_ATTEMPTS} random numbers taken",
            expected="a free one",
            advice="This host's source of random numbers is broken: issue nothing with it.",
        )

    def _leaf_subject(
        self, asked: x509.Name, common_name: str | None, names: tuple[str, ...], device: str
    ) -> x509.Name:
        if common_name is not None:
            _check_common_name(common_name, "common name", device)
        own = oid.NameOID.COMMON_NAME
        found = [str(attribute.value) for attribute in asked.get_attributes_for_oid(own)]
        named = any(name.startswith("DNS:") for name in names)
        others = [*found, *map(bare, names), device]
        # Where the names hold no host name, clients may take the common name for one.
        candidates = [
            *([common_name] if common_name else []),
            *(others if named else map(self.common_name_for, others)),
        ]
        chosen = next((name for name in candidates if 0 < len(name) <= _LONGEST_NAME), None)
        attributes = [attribute for attribute in asked if attribute.oid != own]
        if chosen is not None:
            attributes.append(x509.NameAttribute(own, chosen))
        return x509.Name(attributes)

    def _validity(
        self, now: dt.datetime, lifetime_days: int, backdate_hours: int, device: str
    ) -> tuple[dt.datetime, dt.datetime, bool]:
        _check_range(lifetime_days, "lifetime_days", 1, 36500, device)
        _check_range(backdate_hours, "backdate_hours", 0, 24 * 3650, device)
        for authority in (self.issuer_certificate, self.root_certificate):
            if not authority.not_before <= now < authority.not_after:
                raise PkiError(
                    device=str(self.directory),
                    subject=f"certificate of {authority.subject_common_name}",
                    found=f"valid from {iso(authority.not_before)} to {iso(authority.not_after)}",
                    expected=f"valid at {iso(now)}",
                    advice="An authority that has expired is replaced by a new one: see the guide on rotating the CA.",
                )
        earliest = max(self.issuer_certificate.not_before, self.root_certificate.not_before)
        latest = min(self.issuer_certificate.not_after, self.root_certificate.not_after)
        wanted = (now + dt.timedelta(days=lifetime_days)).replace(microsecond=0)
        start = max((now - dt.timedelta(hours=backdate_hours)).replace(microsecond=0), earliest)
        return start, min(wanted, latest), wanted > latest

    def _issuer_key(self, passphrase: Secret) -> PrivateKey:
        path = self.directory / ("intermediate.key" if self.intermediate_certificate else "root.key")
        content = read_secret_bytes(path, subject="key of the authority")
        # A run needs the key twice: to check the passphrase, then to sign.
        if self._unlocked is not None and self._unlocked[:2] == (hashlib.sha256(content).digest(), passphrase):
            return self._unlocked[2]
        key = unlock_own_key(content, passphrase, device=str(path), subject="key of the authority")
        if spki_sha256(key.public_key()) != self.issuer_certificate.spki_sha256:
            raise PkiError(
                device=str(path),
                subject="key of the authority",
                found="a key that does not fit the certificate",
                expected=f"the key of {self.issuer_certificate.subject}",
            )
        self._unlocked = (hashlib.sha256(content).digest(), passphrase, key)
        return key


def check_passphrase_length(passphrase: Secret, *, device: str) -> None:
    """Refuse a passphrase that is too short to protect an authority.

    Args:
        passphrase: The passphrase.
        device: Directory that the error names.

    Raises:
        InputError: It has fewer than 8 characters.
    """
    if len(passphrase) < _SHORTEST_PASSPHRASE:
        raise InputError(
            device=device,
            subject="passphrase of the authority",
            found="a shorter one",
            expected=f"at least {_SHORTEST_PASSPHRASE} characters",
        )


@contextlib.contextmanager
def _lock(directory: Path) -> t.Iterator[None]:
    try:
        with (directory / ".lock").open("wb") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield
    except OSError as error:
        raise PkiError(
            device=str(directory),
            subject="lock of the certificate authority",
            found=(error.strerror or "an error").lower(),
            expected="a directory that can be written",
        ) from error


def _refuse_existing(home: Path) -> None:
    found = ""
    if (home / _CONFIG).exists():
        found = "an authority"
    elif any((home / name).exists() for name in ("root.key", "root.pem", _LEDGER)):
        found = "an unfinished authority"
    if found:
        raise PkiError(
            device=str(home),
            subject="certificate authority",
            found=found,
            expected="an empty directory",
            advice="An authority is never overwritten; move the directory away if it is not needed.",
        )


def _make(home: Path, parameters: AuthorityParameters, passphrase: Secret, now: dt.datetime) -> None:
    not_before = (now - dt.timedelta(days=parameters.backdate_days)).replace(microsecond=0)
    end = (now + dt.timedelta(days=parameters.lifetime_days)).replace(microsecond=0)
    root_key = generate_key(parameters.key_type, parameters.key_size)
    name = _name(parameters.common_name)
    depth = 1 if parameters.intermediate_common_name else 0
    root = _sign_authority(
        root_key.public_key(),
        name,
        issuer_key=root_key,
        issuer_name=name,
        issuer=None,
        not_before=not_before,
        not_after=end,
        depth=depth,
        permitted_names=parameters.permitted_names,
    )
    _write_pair(home, "root", root, root_key, passphrase)
    trusted = _pem(root)
    if parameters.intermediate_common_name:
        own_end = min(end, (now + dt.timedelta(days=parameters.intermediate_lifetime_days)).replace(microsecond=0))
        key = generate_key(parameters.key_type, parameters.key_size)
        own_name = _name(parameters.intermediate_common_name)
        intermediate = _sign_authority(
            key.public_key(),
            own_name,
            issuer_key=root_key,
            issuer_name=name,
            issuer=root,
            not_before=not_before,
            not_after=own_end,
            depth=0,
            permitted_names=parameters.permitted_names,
        )
        _write_pair(home, "intermediate", intermediate, key, passphrase)
        trusted += _pem(intermediate)
    write_or_fail(home / _TRUSTED, trusted, mode=PUBLIC, subject="trusted certificates")
    Ledger(home / _LEDGER).create()
    config = json.dumps({"version": 1, "parameters": dc.asdict(parameters)}, indent=2).encode() + b"\n"
    write_or_fail(home / _CONFIG, config, mode=PUBLIC, subject="configuration of the authority")


def _sign_authority(
    key: PublicKey,
    name: x509.Name,
    *,
    issuer_key: PrivateKey,
    issuer_name: x509.Name,
    issuer: x509.Certificate | None,
    not_before: dt.datetime,
    not_after: dt.datetime,
    depth: int,
    permitted_names: tuple[str, ...],
) -> x509.Certificate:
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(issuer_name)
        .public_key(key)
        .serial_number(_serial_number())
        .not_valid_before(not_before)
        .not_valid_after(not_after)
        .add_extension(x509.BasicConstraints(ca=True, path_length=depth), critical=True)
        .add_extension(_usage(key_cert_sign=True, crl_sign=True), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
    )
    if permitted_names:
        builder = builder.add_extension(name_constraints(permitted_names), critical=True)
    if issuer is not None:
        builder = builder.add_extension(_authority_identifier(issuer), critical=False)
    return builder.sign(issuer_key, digest_for(issuer_key))


def _write_pair(home: Path, stem: str, certificate: x509.Certificate, key: PrivateKey, passphrase: Secret) -> None:
    write_or_fail(home / f"{stem}.key", key_pem(key, passphrase), mode=PRIVATE, subject="key of the authority")
    write_or_fail(home / f"{stem}.pem", _pem(certificate), mode=PUBLIC, subject="certificate of the authority")


def _read_config(path: Path) -> AuthorityParameters:
    try:
        document = json.loads(read_text(path, subject="configuration of the authority"))
        return AuthorityParameters(**document["parameters"])
    except (ValueError, TypeError, KeyError) as error:
        raise PkiError(
            device=str(path),
            subject="configuration of the authority",
            found="a damaged file",
            expected="the file as camsec.fleet.certificate_authority wrote it",
        ) from error


def _read_certificate(path: Path) -> CertificateFacts:
    subject = "certificate of the authority"
    return load_one_certificate(read_text(path, subject=subject), device=str(path), subject=subject)


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)


def _name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(oid.NameOID.COMMON_NAME, common_name)])


def _check_common_name(name: str, subject: str, device: str = "this host") -> None:
    if not 1 <= len(name) <= _LONGEST_NAME or not name.isprintable() or name != name.strip():
        raise InputError(
            device=device,
            subject=subject,
            found=f"{len(name)} characters" if name.isprintable() else "unprintable characters",
            expected=f"1 to {_LONGEST_NAME} printable characters, no blank at either end",
        )


def _check_range(value: int, subject: str, least: int, most: int, device: str = "this host") -> None:
    if not least <= value <= most:
        raise InputError(device=device, subject=subject, found=value, expected=f"{least} to {most}")


def _usage(**on: bool) -> x509.KeyUsage:
    off = dict.fromkeys(
        (
            "digital_signature",
            "content_commitment",
            "key_encipherment",
            "data_encipherment",
            "key_agreement",
            "key_cert_sign",
            "crl_sign",
            "encipher_only",
            "decipher_only",
        ),
        False,
    )
    return x509.KeyUsage(**{**off, **on})


def _leaf_usage(key: PublicKey, evidence_signer: bool) -> x509.KeyUsage:
    if evidence_signer:
        return _usage(digital_signature=True, content_commitment=True)
    is_rsa = not hasattr(key, "curve")  # RSA key exchange, which old devices still speak, needs key encipherment
    return _usage(digital_signature=True, key_encipherment=is_rsa)


def _extended_usage(client_auth: bool, evidence_signer: bool) -> x509.ExtendedKeyUsage:
    if evidence_signer:  # RFC 9336, and what validators of CMS signatures ask for
        document_signing = x509.ObjectIdentifier("1.3.6.1.5.5.7.3.36")
        return x509.ExtendedKeyUsage([document_signing, oid.ExtendedKeyUsageOID.EMAIL_PROTECTION])
    usages = [oid.ExtendedKeyUsageOID.SERVER_AUTH]
    return x509.ExtendedKeyUsage([*usages, *([oid.ExtendedKeyUsageOID.CLIENT_AUTH] if client_auth else [])])


def _authority_identifier(issuer: x509.Certificate) -> x509.AuthorityKeyIdentifier:
    own = issuer.extensions.get_extension_for_class(x509.SubjectKeyIdentifier)
    return x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(own.value)


def _serial_number() -> int:
    return secrets.randbits(_SERIAL_BITS) | 1


def _entry(facts: CertificateFacts, device: str, issued_at: dt.datetime) -> LedgerEntry:
    return LedgerEntry(
        serial=facts.serial_number,
        device=device,
        subject=facts.subject,
        subject_alt_names=facts.subject_alt_names,
        spki_sha256=facts.spki_sha256,
        sha256=facts.sha256,
        not_before=iso(facts.not_before),
        not_after=iso(facts.not_after),
        issued_at=iso(issued_at),
        pem=facts.pem,
    )
