# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The keystore of an ONVIF device: what it holds, its limits, and who refers to whom; no sockets and no XML in here."""

from __future__ import annotations

import dataclasses as dc
import typing as t

from cryptography import x509
from cryptography.hazmat.primitives import serialization

from ._onvif_pki import (
    Private,
    as_pem,
    check_chain,
    key_kind,
    load_private,
    private_pem,
    spki_hex,
)
from ._soap import SoapFault

__all__ = ["Crl", "Keystore", "Limits", "Passphrase", "Path", "Policy", "StoredCertificate", "StoredKey"]

KeyStatus = t.Literal["ok", "generating", "corrupt"]


class Limits(t.Protocol):
    """What the spec says of a keystore."""

    @property
    def max_keys(self) -> int: ...
    @property
    def max_certificates(self) -> int: ...
    @property
    def max_certification_paths(self) -> int: ...
    @property
    def max_passphrases(self) -> int: ...
    @property
    def max_crls(self) -> int: ...
    @property
    def max_validation_policies(self) -> int: ...


@dc.dataclass(frozen=True, kw_only=True)
class StoredKey:
    """A key pair, or the public key of a certificate alone."""

    id: str
    alias: str = ""
    kind: str
    status: KeyStatus = "ok"
    private: str = ""
    spki: str = ""
    external: bool = False


@dc.dataclass(frozen=True, kw_only=True)
class StoredCertificate:
    id: str
    alias: str = ""
    key_id: str
    pem: str

    @property
    def parsed(self) -> x509.Certificate:
        return x509.load_pem_x509_certificate(self.pem.encode())

    @property
    def der(self) -> bytes:
        return self.parsed.public_bytes(serialization.Encoding.DER)


@dc.dataclass(frozen=True, kw_only=True)
class Path:
    """A certification path; the server's own certificate comes first."""

    id: str
    alias: str = ""
    certificates: tuple[str, ...]


@dc.dataclass(frozen=True, kw_only=True)
class Passphrase:
    id: str
    alias: str = ""
    text: str = dc.field(repr=False)


@dc.dataclass(frozen=True, kw_only=True)
class Crl:
    id: str
    alias: str = ""
    pem: str

    @property
    def parsed(self) -> x509.CertificateRevocationList:
        return x509.load_pem_x509_crl(self.pem.encode())


@dc.dataclass(frozen=True, kw_only=True)
class Policy:
    """By which clients' certificates are judged."""

    id: str
    alias: str = ""
    anchors: tuple[str, ...]


Item = StoredKey | StoredCertificate | Path | Passphrase | Crl | Policy
_Item = t.TypeVar("_Item", StoredKey, StoredCertificate, Path, Passphrase, Crl, Policy)
_KINDS: t.Final[t.Mapping[str, type[Item]]] = {
    "keys": StoredKey,
    "certificates": StoredCertificate,
    "paths": Path,
    "passphrases": Passphrase,
    "crls": Crl,
    "policies": Policy,
}


class Keystore:
    """Keys, certificates, paths, passphrases, CRLs and policies by their ids."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.serial = 0
        self.keys: dict[str, StoredKey] = {}
        self.certificates: dict[str, StoredCertificate] = {}
        self.paths: dict[str, Path] = {}
        self.passphrases: dict[str, Passphrase] = {}
        self.crls: dict[str, Crl] = {}
        self.policies: dict[str, Policy] = {}

    def new_id(self, what: str) -> str:
        """An id that was never given before."""
        self.serial += 1
        return f"{what}-{self.serial}"

    @staticmethod
    def _find(items: t.Mapping[str, _Item], name: str, fault: str) -> _Item:
        found = items.get(name)
        if found is None:
            raise SoapFault(fault, f"There is none with the id {name!r}.")
        return found

    # -- keys ----------------------------------------------------------------------------------------------------

    def key(self, name: str) -> StoredKey:
        return self._find(self.keys, name, "KeyID")

    def ready_key(self, name: str) -> Private:
        """The private key to sign with."""
        key = self.key(name)
        if key.status != "ok":
            raise SoapFault("InvalidKeyStatus", f"The key is {key.status}.")
        if not key.private:
            raise SoapFault("KeyID", "Only the public half of this key is known.")
        return load_private(key.private)

    def check_room_for_key(self) -> None:
        if len(self.keys) >= self.limits.max_keys:
            raise SoapFault("MaximumNumberOfKeysReached", f"There is room for {self.limits.max_keys} keys.")

    def begin_key(self, kind: str, alias: str) -> StoredKey:
        self.check_room_for_key()
        key = StoredKey(id=self.new_id("key"), alias=alias, kind=kind, status="generating")
        self.keys[key.id] = key
        return key

    def finish_key(self, name: str, pem: str) -> None:
        """A key that was generated; it may have been deleted meanwhile."""
        key = self.keys.get(name)
        if key is not None and key.status == "generating":
            spki = spki_hex(load_private(pem).public_key())
            self.keys[name] = dc.replace(key, status="ok", private=pem, spki=spki)

    def spoil_generating(self) -> None:
        """The power went while keys were generated."""
        for key in self.keys.values():
            if key.status == "generating":
                self.keys[key.id] = dc.replace(key, status="corrupt")

    def key_of(self, spki: str) -> StoredKey | None:
        return next((key for key in self.keys.values() if key.spki == spki), None)

    def put_private(self, key: Private, alias: str) -> StoredKey:
        """A key pair from outside; one that is known already keeps its id."""
        public = key.public_key()
        known = self.key_of(spki_hex(public))
        if known is not None and known.private:
            return known
        if known is None:
            self.check_room_for_key()
            known = StoredKey(id=self.new_id("key"), alias=alias, kind=key_kind(public), spki=spki_hex(public))
        self.keys[known.id] = dc.replace(known, private=private_pem(key), external=True)
        return self.keys[known.id]

    def delete_key(self, name: str) -> None:
        self.key(name)
        if any(certificate.key_id == name for certificate in self.certificates.values()):
            raise SoapFault("ReferenceExists", "A certificate refers to the key.")
        del self.keys[name]

    # -- certificates --------------------------------------------------------------------------------------------

    def certificate(self, name: str) -> StoredCertificate:
        return self._find(self.certificates, name, "CertificateID")

    def check_room_for_certificates(self, count: int = 1) -> None:
        limit = self.limits.max_certificates
        if len(self.certificates) + count > limit:
            raise SoapFault("MaximumNumberOfCertificatesReached", f"There is room for {limit} certificates.")

    def known_certificate(self, parsed: x509.Certificate) -> StoredCertificate | None:
        pem = as_pem(parsed)
        return next((one for one in self.certificates.values() if one.pem == pem), None)

    def put_certificate(
        self, parsed: x509.Certificate, *, alias: str = "", key_alias: str = "", private: bool = False, name: str = ""
    ) -> StoredCertificate:
        """A certificate, linked to its key; without a private key the public one is stored for it."""
        self.check_room_for_certificates()
        if self.known_certificate(parsed) is not None:
            raise SoapFault("Duplicate", "The certificate is in the keystore already.")
        key = self._key_for(parsed, key_alias, private=private)
        certificate = StoredCertificate(
            id=name or self.new_id("certificate"), alias=alias, key_id=key.id, pem=as_pem(parsed)
        )
        self.keys[key.id] = key
        self.certificates[certificate.id] = certificate
        return certificate

    def _key_for(self, parsed: x509.Certificate, alias: str, *, private: bool) -> StoredKey:
        spki = spki_hex(parsed.public_key())
        key = self.key_of(spki)
        if private and (key is None or not key.private):
            raise SoapFault("NoMatchingPrivateKey", "The keystore has no private key for the certificate.")
        if key is None:
            self.check_room_for_key()
            key = StoredKey(id=self.new_id("key"), alias=alias, kind=key_kind(parsed.public_key()), spki=spki)
        if key.status != "ok":
            raise SoapFault("InvalidKeyStatus", f"The key of the certificate is {key.status}.")
        return key

    def delete_certificate(self, name: str) -> None:
        self.certificate(name)
        if any(name in path.certificates for path in self.paths.values()):
            raise SoapFault("ReferenceExists", "A certification path refers to the certificate.")
        if any(name in policy.anchors for policy in self.policies.values()):
            raise SoapFault("ReferenceExists", "A validation policy refers to the certificate.")
        del self.certificates[name]

    # -- certification paths -------------------------------------------------------------------------------------

    def path(self, name: str, fault: str = "CertificationPathID") -> Path:
        return self._find(self.paths, name, fault)

    def check_path(self, names: t.Sequence[str]) -> None:
        chain = [self.certificate(name).parsed for name in names]
        if len(set(names)) != len(names):
            raise SoapFault("InvalidCertificationPath", "A certificate is twice in the path.")
        check_chain(chain)

    def check_room_for_path(self) -> None:
        limit = self.limits.max_certification_paths
        if len(self.paths) >= limit:
            raise SoapFault("MaximumNumberOfCertificationPathsReached", f"There is room for {limit} paths.")

    def put_path(self, names: t.Sequence[str], alias: str) -> Path:
        self.check_path(names)
        self.check_room_for_path()
        path = Path(id=self.new_id("path"), alias=alias, certificates=tuple(names))
        self.paths[path.id] = path
        return path

    def leaf_key(self, path: Path) -> StoredKey:
        """The key of a path's own certificate; NoPrivateKey when only its public half is known."""
        key = self.keys[self.certificates[path.certificates[0]].key_id]
        if not key.private:
            raise SoapFault("NoPrivateKey", "The private key of the path's first certificate is not in the keystore.")
        return key

    def chain_pem(self, path: Path) -> str:
        return "".join(self.certificates[name].pem for name in path.certificates)

    # -- passphrases, CRLs, policies -----------------------------------------------------------------------------

    def passphrase(self, name: str) -> Passphrase:
        return self._find(self.passphrases, name, "PassphraseID")

    def put_passphrase(self, text: str, alias: str) -> Passphrase:
        limit = self.limits.max_passphrases
        if len(self.passphrases) >= limit:
            raise SoapFault("MaximumNumberOfPassphrasesReached", f"There is room for {limit} passphrases.")
        if not text or not text.isprintable():
            raise SoapFault("BadPassphrase", "The passphrase is empty, or holds control characters.")
        passphrase = Passphrase(id=self.new_id("passphrase"), alias=alias, text=text)
        self.passphrases[passphrase.id] = passphrase
        return passphrase

    def crl(self, name: str) -> Crl:
        return self._find(self.crls, name, "CRLID")

    def put_crl(self, parsed: x509.CertificateRevocationList, alias: str) -> Crl:
        if len(self.crls) >= self.limits.max_crls:
            raise SoapFault("MaximumNumberOfCRLsReached", f"There is room for {self.limits.max_crls} CRLs.")
        pem = parsed.public_bytes(serialization.Encoding.PEM).decode()
        crl = Crl(id=self.new_id("crl"), alias=alias, pem=pem)
        self.crls[crl.id] = crl
        return crl

    def policy(self, name: str, fault: str = "CertPathValidationPolicyID") -> Policy:
        return self._find(self.policies, name, fault)

    def put_policy(self, policy: Policy) -> None:
        """A new one, or one that takes another's place."""
        limit = self.limits.max_validation_policies
        if policy.id not in self.policies and len(self.policies) >= limit:
            raise SoapFault(
                "MaximumNumberOfCertificationPathValidationPoliciesReached", f"There is room for {limit} policies."
            )
        for name in policy.anchors:
            self.certificate(name)
        self.policies[policy.id] = policy

    # -- keeping it ----------------------------------------------------------------------------------------------

    def dump(self) -> dict[str, t.Any]:
        parts = {kind: [dc.asdict(item) for item in getattr(self, kind).values()] for kind in _KINDS}
        return {"serial": self.serial, **parts}

    def load(self, data: t.Mapping[str, t.Any]) -> None:
        self.serial = data["serial"]
        for kind, make in _KINDS.items():
            items = [make(**_tuples(values)) for values in data[kind]]
            setattr(self, kind, {item.id: item for item in items})

    def shown(self) -> dict[str, t.Any]:
        """As `dump`, without secrets."""
        state = self.dump()
        for key in state["keys"]:
            key["private"] = "***" if key["private"] else ""
        for passphrase in state["passphrases"]:
            passphrase["text"] = "***"
        return state


def _tuples(values: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    return {key: tuple(value) if isinstance(value, list) else value for key, value in values.items()}
