# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The certificate stores of a simulated Windows computer (LocalMachine), its keys, and how Windows verifies with them.

Nothing of this was tried on a real Windows; what its documentation leaves open says INFERRED.
"""

from __future__ import annotations

import base64
import dataclasses as dc
import datetime as dt
import functools
import hashlib
import ipaddress
import secrets
import threading
import typing as t

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, ExtensionOID, NameOID
from OpenSSL import crypto

__all__ = [
    "ADMINISTRATORS",
    "CNG",
    "CSP",
    "LOCAL_SERVICE",
    "NETWORK_SERVICE",
    "STORES",
    "SYSTEM",
    "Entry",
    "Key",
    "Stores",
    "Verdict",
    "names_host",
    "new_key",
]

SYSTEM: t.Final = "S-1-5-18"
LOCAL_SERVICE: t.Final = "S-1-5-19"
NETWORK_SERVICE: t.Final = "S-1-5-20"
ADMINISTRATORS: t.Final = "S-1-5-32-544"
STORES: t.Final = ("My", "Root", "CA", "REQUEST")

CNG: t.Final = "Microsoft Software Key Storage Provider"
CSP: t.Final = "Microsoft RSA SChannel Cryptographic Provider"

#: What an account may do with a key's file. "use": read the key, but not who else may.
Rule = t.Literal["use", "read", "full", "deny"]

NO_CERTIFICATE: t.Final = "RemoteCertificateNotAvailable"
WRONG_NAME: t.Final = "RemoteCertificateNameMismatch"
WRONG_CHAIN: t.Final = "RemoteCertificateChainErrors"
WRONG_PURPOSE: t.Final = "NotValidForUsage"

_NO_CHECK_TIME: t.Final = 0x200000
_MACHINE: t.Final = "6d1a4c0e-52b7-4f39-9a54-1f7f30c5d3aa"
# OpenSSL's verification errors (x509_vfy.h) in the words of .NET's X509ChainStatusFlags.
_STATUS: t.Final[t.Mapping[int, str]] = {
    2: "PartialChain",
    7: "NotSignatureValid",
    9: "NotTimeValid",
    10: "NotTimeValid",
    18: "UntrustedRoot",
    19: "UntrustedRoot",
    20: "PartialChain",
    21: "PartialChain",
    24: "InvalidBasicConstraints",
    25: "InvalidBasicConstraints",
    26: WRONG_PURPOSE,
    32: WRONG_PURPOSE,
    47: "HasNotPermittedNameConstraint",
    48: "HasExcludedNameConstraint",
    79: "InvalidBasicConstraints",
}


@dc.dataclass(kw_only=True, eq=False)
class Key:
    """A private key in its container; who may use it is the access list of the container's file.

    `rules` maps a SID to what it is allowed. A machine key's new file lets SYSTEM and the administrators in, and nobody
    else: a service under another account cannot use it until somebody gives it the right.
    """

    pem: str
    unique_name: str
    exportable: bool = False
    provider: str = CNG
    rules: dict[str, Rule] = dc.field(default_factory=lambda: {SYSTEM: "full", ADMINISTRATORS: "full"})

    @functools.cached_property
    def private(self) -> rsa.RSAPrivateKey:
        key = serialization.load_pem_private_key(self.pem.encode(), None)
        assert isinstance(key, rsa.RSAPrivateKey)
        return key

    @functools.cached_property
    def spki(self) -> bytes:
        """The public key as DER, by which a key and a certificate are known to belong together."""
        return self.private.public_key().public_bytes(
            serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
        )

    def allows(self, *sids: str) -> bool:
        """Whether an account that is all of `sids` (itself and its groups) may read it; a deny wins."""
        rules = {self.rules[sid] for sid in sids if sid in self.rules}
        return bool(rules) and "deny" not in rules

    def shows_rules(self, *sids: str) -> bool:
        """Whether that account may read the file's access list."""
        return self.allows(*sids) and any(self.rules.get(sid) in {"read", "full"} for sid in sids)


def new_key(
    private: rsa.RSAPrivateKey, *, provider: str = CNG, exportable: bool = False, unique_name: str | None = None
) -> Key:
    """A machine key as Windows makes or imports it."""
    pem = private.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()
    name = unique_name or f"{secrets.token_hex(16)}_{_MACHINE}"
    return Key(pem=pem, unique_name=name, exportable=exportable, provider=provider)


@dc.dataclass(kw_only=True, eq=False)
class Entry:
    """A certificate in a store, with its key where the computer has it."""

    der: bytes
    key: Key | None = None
    friendly_name: str = ""
    # The store still names a key's container, which is gone: HasPrivateKey is true, and the key cannot be had.
    orphaned: bool = False

    @functools.cached_property
    def certificate(self) -> x509.Certificate:
        return x509.load_der_x509_certificate(self.der)

    @functools.cached_property
    def thumbprint(self) -> str:
        # Windows names certificates by SHA-1; nothing is secured by it.
        return hashlib.sha1(self.der, usedforsecurity=False).hexdigest().upper()

    @property
    def subject(self) -> str:
        return self.certificate.subject.rfc4514_string()

    @functools.cached_property
    def spki(self) -> bytes:
        return self.certificate.public_key().public_bytes(
            serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
        )


@dc.dataclass(frozen=True, kw_only=True)
class Verdict:
    """What Windows says of a server's certificate: SslPolicyErrors' names, and those of X509ChainStatusFlags."""

    errors: frozenset[str] = frozenset()
    statuses: frozenset[str] = frozenset()
    chain: tuple[bytes, ...] = ()

    @property
    def good(self) -> bool:
        return not self.errors

    def __str__(self) -> str:
        words = ", ".join(sorted(self.errors)) or "None"
        return f"{words} ({', '.join(sorted(self.statuses))})" if self.statuses else words


def _alternative_names(certificate: x509.Certificate) -> list[x509.GeneralName]:
    try:
        extension = certificate.extensions.get_extension_for_oid(ExtensionOID.SUBJECT_ALTERNATIVE_NAME)
    except x509.ExtensionNotFound:
        return []
    assert isinstance(extension.value, x509.SubjectAlternativeName)
    return list(extension.value)


def _matches(pattern: str, name: str) -> bool:
    pattern, name = pattern.lower().rstrip("."), name.lower().rstrip(".")
    if not pattern.startswith("*."):
        return pattern == name
    _label, _dot, rest = name.partition(".")
    return bool(rest) and rest == pattern[2:]


def names_host(certificate: x509.Certificate, host_name: str) -> bool:
    """Whether a certificate is one for that host; the common name counts only where there is no DNS name."""
    names = _alternative_names(certificate)
    dns = [name.value for name in names if isinstance(name, x509.DNSName)]
    try:
        address = ipaddress.ip_address(host_name)
    except ValueError:
        common = [str(name.value) for name in certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)]
        return any(_matches(pattern, host_name) for pattern in dns or common)
    # INFERRED: an address is looked for among the addresses of the certificate.
    return any(isinstance(name, x509.IPAddress) and name.value == address for name in names)


def _serves(certificate: x509.Certificate) -> bool:
    """Whether its extended key usage, where it has one, lets it stand for a server (or issue for one)."""
    try:
        extension = certificate.extensions.get_extension_for_oid(ExtensionOID.EXTENDED_KEY_USAGE)
    except x509.ExtensionNotFound:
        return True
    assert isinstance(extension.value, x509.ExtendedKeyUsage)
    return bool({ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE} & set(extension.value))


def _der(certificate: crypto.X509) -> bytes:
    return crypto.dump_certificate(crypto.FILETYPE_ASN1, certificate)


class Stores:
    """The stores of LocalMachine. Scripts run in threads of their own, so each call holds a lock.

    `on_change` is called after each change, in the thread that made it.
    """

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.on_change: t.Callable[[], None] = lambda: None
        # Keys outlive their certificates: a certificate that is removed leaves its key where it is.
        self.keys: dict[str, Key] = {}
        self._stores: dict[str, dict[str, Entry]] = {name: {} for name in STORES}

    # -- what is there -------------------------------------------------------------------------------------------

    @staticmethod
    def store_name(name: str) -> str | None:
        """A store's name in its own spelling; Windows does not look at upper and lower case."""
        return next((known for known in STORES if known.lower() == name.lower()), None)

    def _store(self, name: str) -> dict[str, Entry]:
        known = self.store_name(name)
        if known is None:
            raise KeyError(name)
        return self._stores[known]

    def entries(self, store: str) -> list[Entry]:
        with self.lock:
            return list(self._store(store).values())

    def find(self, store: str, thumbprint: str) -> Entry | None:
        with self.lock:
            return self._store(store).get(thumbprint.replace(" ", "").upper())

    def key_of(self, spki: bytes) -> Key | None:
        """The key of this computer that belongs to a public key."""
        with self.lock:
            return next((key for key in self.keys.values() if key.spki == spki), None)

    def key_named(self, unique_name: str) -> Key | None:
        with self.lock:
            return next((key for name, key in self.keys.items() if name.lower() == unique_name.lower()), None)

    def readable(self, thumbprint: str, *sids: str) -> bool:
        """Whether that account (its SID, and those of its groups) can use the key of a certificate in My."""
        entry = self.find("My", thumbprint)
        return entry is not None and entry.key is not None and entry.key.allows(*sids)

    # -- changes -------------------------------------------------------------------------------------------------

    def add(self, store: str, der: bytes, key: Key | None = None) -> Entry:
        """Put a certificate in. One that is there already stays, and gets the key if it had none."""
        with self.lock:
            new = Entry(der=der, key=key)
            entry = self._store(store).setdefault(new.thumbprint, new)
            entry.key = key or entry.key
            entry.orphaned = entry.orphaned and entry.key is None
            if key is not None:
                self.keys[key.unique_name] = key
        self.on_change()
        return entry

    def keep(self, key: Key) -> None:
        """A key in its container, without a certificate in a store."""
        with self.lock:
            self.keys[key.unique_name] = key
        self.on_change()

    def remove(self, store: str, thumbprint: str, *, delete_key: bool = False) -> bool:
        """Take a certificate out; False when it is not there."""
        with self.lock:
            entry = self._store(store).pop(thumbprint.replace(" ", "").upper(), None)
            if entry is None:
                return False
            if delete_key and entry.key is not None:
                self._forget(entry.key)
        self.on_change()
        return True

    def _forget(self, key: Key) -> None:
        """A key that is deleted is gone for every certificate that had it, which none of them is told."""
        self.keys.pop(key.unique_name, None)
        for entries in self._stores.values():
            for entry in entries.values():
                if entry.key is key:
                    entry.key, entry.orphaned = None, True

    def delete_key(self, unique_name: str) -> bool:
        with self.lock:
            key = self.key_named(unique_name)
            if key is None:
                return False
            self._forget(key)
        self.on_change()
        return True

    def orphan_key(self, thumbprint: str) -> bool:
        """Lose the key of a certificate in My, as after a restore without the keys; False when there is none."""
        entry = self.find("My", thumbprint)
        return entry is not None and entry.key is not None and self.delete_key(entry.key.unique_name)

    def set_rules(self, unique_name: str, rules: t.Mapping[str, Rule]) -> bool:
        """Another access list for a key's file; False when there is no such key."""
        with self.lock:
            key = self.key_named(unique_name)
            if key is None:
                return False
            key.rules = dict(rules)
        self.on_change()
        return True

    # -- verification --------------------------------------------------------------------------------------------

    def path_of(self, der: bytes, extra: t.Iterable[bytes] = ()) -> tuple[bytes, ...]:
        """A certificate and its issuers as far as they are known, trusted or not."""
        chain = [x509.load_der_x509_certificate(der)]
        with self.lock:
            known = [entry.certificate for name in ("CA", "Root") for entry in self._stores[name].values()]
        known += [x509.load_der_x509_certificate(one) for one in extra]
        while chain[-1].issuer != chain[-1].subject:
            issuer = next((one for one in known if one not in chain and _issued(one, chain[-1])), None)
            if issuer is None:
                break
            chain.append(issuer)
        return tuple(one.public_bytes(serialization.Encoding.DER) for one in chain)

    def chain_of(self, der: bytes) -> tuple[bytes, ...]:
        """What Schannel sends for a certificate: it, and the intermediates that this computer has, without the root."""
        path = [x509.load_der_x509_certificate(one) for one in self.path_of(der)]
        kept = path[:1] + [one for one in path[1:] if one.issuer != one.subject]
        return tuple(one.public_bytes(serialization.Encoding.DER) for one in kept)

    def check_chain(self, leaf: bytes, extra: t.Iterable[bytes], now: float) -> Verdict:
        """The chain alone, without a name and a purpose, as `X509Chain.Build` without revocation."""
        timeless, chain = self._verify(leaf, extra, now, _NO_CHECK_TIME)
        timely, other = self._verify(leaf, extra, now, 0)
        statuses = timeless | timely
        return Verdict(
            errors=frozenset({WRONG_CHAIN}) if statuses else frozenset(), statuses=statuses, chain=chain or other
        )

    def judge(self, leaf_der: bytes | None, chain_ders: t.Iterable[bytes], host_name: str, now: float) -> Verdict:
        """What a TLS client on this computer thinks of a server's certificate at that time (seconds since 1970)."""
        if leaf_der is None:
            return Verdict(errors=frozenset({NO_CERTIFICATE}))
        checked = self.check_chain(leaf_der, chain_ders, now)
        statuses = set(checked.statuses)
        # INFERRED: as RFC 5280 leaves to the verifier, Windows wants the purpose in the issuers' certificates as well.
        if not all(_serves(x509.load_der_x509_certificate(one)) for one in checked.chain or (leaf_der,)):
            statuses.add(WRONG_PURPOSE)
        errors = {WRONG_CHAIN} if statuses else set()
        if not names_host(x509.load_der_x509_certificate(leaf_der), host_name):
            errors.add(WRONG_NAME)
        return Verdict(errors=frozenset(errors), statuses=frozenset(statuses), chain=checked.chain)

    def _verify(
        self, leaf: bytes, extra: t.Iterable[bytes], now: float, flags: int
    ) -> tuple[frozenset[str], tuple[bytes, ...]]:
        """OpenSSL's word on a chain, in Windows' terms; and the chain when it is good."""
        store = crypto.X509Store()
        with self.lock:
            roots, middle = list(self._stores["Root"].values()), list(self._stores["CA"].values())
        # A self-signed leaf in `Root` is trusted as it stands; anything else must reach a self-signed certificate.
        for root in roots:
            if root.certificate.issuer == root.certificate.subject:
                store.add_cert(crypto.X509.from_cryptography(root.certificate))
        store.set_time(dt.datetime.fromtimestamp(now, dt.UTC))
        store.set_flags(flags)
        others = [x509.load_der_x509_certificate(der) for der in extra] + [entry.certificate for entry in middle]
        context = crypto.X509StoreContext(
            store,
            crypto.X509.from_cryptography(x509.load_der_x509_certificate(leaf)),
            [crypto.X509.from_cryptography(one) for one in others],
        )
        try:
            chain = context.get_verified_chain()
        except crypto.X509StoreContextError as error:
            code = t.cast("list[int]", error.errors)[0]
            return frozenset({_STATUS.get(code, "InvalidExtension")}), ()
        return frozenset(), tuple(_der(one) for one in chain)

    # -- memory --------------------------------------------------------------------------------------------------

    def dump(self) -> dict[str, t.Any]:
        """Everything as plain JSON data; the private keys are in it."""
        with self.lock:
            keys = [dc.asdict(key) for key in self.keys.values()]
            stores = {
                name: [
                    {
                        "der": base64.b64encode(entry.der).decode(),
                        "key": entry.key.unique_name if entry.key else None,
                        "friendly_name": entry.friendly_name,
                        "orphaned": entry.orphaned,
                    }
                    for entry in entries.values()
                ]
                for name, entries in self._stores.items()
            }
        return {"keys": keys, "stores": stores}

    def load(self, data: t.Mapping[str, t.Any]) -> None:
        """Be as `dump` said."""
        with self.lock:
            self.keys = {item["unique_name"]: Key(**item) for item in data["keys"]}
            for name in STORES:
                entries = [
                    Entry(
                        der=base64.b64decode(item["der"]),
                        key=self.keys.get(item["key"]),
                        friendly_name=item["friendly_name"],
                        orphaned=item.get("orphaned", False),
                    )
                    for item in data["stores"].get(name, ())
                ]
                self._stores[name] = {entry.thumbprint: entry for entry in entries}


def _issued(issuer: x509.Certificate, certificate: x509.Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(issuer)
    except (ValueError, TypeError, InvalidSignature):
        return False
    return True
