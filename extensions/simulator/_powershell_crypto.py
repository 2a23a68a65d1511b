# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Certificates, stores and chains of .NET (X509Certificates) over the computer's own stores."""

from __future__ import annotations

import datetime as dt
import hashlib
import typing as t

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import pkcs12
from cryptography.x509.oid import ExtensionOID, NameOID

from ._powershell_binding import Bound, Items, cmdlet
from ._powershell_net import new_date
from ._powershell_types import NetType, convert, enum, find_type, register
from ._powershell_values import (
    VOID,
    DateTime,
    Enum,
    Limit,
    NetError,
    NetList,
    NetObject,
    PsObject,
    as_list,
    items_of,
    net_error,
    text_of,
    true,
)
from ._windows_programs import certificates_in, windows_name
from ._windows_store import ADMINISTRATORS, CNG, Entry, Key, new_key

if t.TYPE_CHECKING:
    from ._powershell import PowerShell

__all__ = ["CERTIFICATES", "Certificate", "Chain", "SecureString", "certificate_of"]

CERTIFICATES: t.Final = "System.Security.Cryptography.X509Certificates."
_CRYPTO: t.Final = "System.Security.Cryptography.CryptographicException"

_FLAGS: t.Final = enum(CERTIFICATES + "X509KeyStorageFlags", {"DefaultKeySet": 0, "UserKeySet": 1, "MachineKeySet": 2, "Exportable": 4, "UserProtected": 8, "PersistKeySet": 16, "EphemeralKeySet": 32}, flags=True)  # noqa: E501  # fmt: skip
_STATUS: t.Final = enum(CERTIFICATES + "X509ChainStatusFlags", {"NoError": 0, "NotTimeValid": 1, "NotTimeNested": 2, "Revoked": 4, "NotSignatureValid": 8, "NotValidForUsage": 16, "UntrustedRoot": 32, "RevocationStatusUnknown": 64, "Cyclic": 128, "InvalidExtension": 256, "InvalidPolicyConstraints": 512, "InvalidBasicConstraints": 1024, "InvalidNameConstraints": 2048, "HasNotSupportedNameConstraint": 4096, "HasNotDefinedNameConstraint": 8192, "HasNotPermittedNameConstraint": 16384, "HasExcludedNameConstraint": 32768, "PartialChain": 65536, "OfflineRevocation": 16777216}, flags=True)  # noqa: E501  # fmt: skip
_REVOCATION: t.Final = enum(CERTIFICATES + "X509RevocationMode", {"NoCheck": 0, "Online": 1, "Offline": 2})
_REVOCATION_FLAG: t.Final = enum(CERTIFICATES + "X509RevocationFlag", {"EndCertificateOnly": 0, "EntireChain": 1, "ExcludeRoot": 2})  # noqa: E501  # fmt: skip
_VERIFICATION: t.Final = enum(CERTIFICATES + "X509VerificationFlags", {"NoFlag": 0, "IgnoreNotTimeValid": 1, "AllowUnknownCertificateAuthority": 16, "AllFlags": 4095}, flags=True)  # noqa: E501  # fmt: skip
enum(CERTIFICATES + "StoreName", {"AddressBook": 1, "AuthRoot": 2, "CertificateAuthority": 3, "Disallowed": 4, "My": 5, "Root": 6, "TrustedPeople": 7, "TrustedPublisher": 8})  # noqa: E501  # fmt: skip
enum(CERTIFICATES + "StoreLocation", {"CurrentUser": 1, "LocalMachine": 2})
enum(CERTIFICATES + "OpenFlags", {"ReadOnly": 0, "ReadWrite": 1, "MaxAllowed": 2, "OpenExistingOnly": 4, "IncludeArchived": 8}, flags=True)  # noqa: E501  # fmt: skip
enum(CERTIFICATES + "X509ContentType", {"Unknown": 0, "Cert": 1, "SerializedCert": 2, "Pfx": 3, "SerializedStore": 4, "Pkcs7": 5})  # noqa: E501  # fmt: skip
enum(CERTIFICATES + "X509FindType", {"FindByThumbprint": 0, "FindBySubjectName": 1, "FindBySubjectDistinguishedName": 2, "FindByIssuerName": 3, "FindByIssuerDistinguishedName": 4, "FindBySerialNumber": 5})  # noqa: E501  # fmt: skip
enum(CERTIFICATES + "X509NameType", {"SimpleName": 0, "EmailName": 1, "UpnName": 2, "DnsName": 3, "DnsFromAlternativeName": 4, "UrlName": 5})  # noqa: E501  # fmt: skip

_INFORMATION: t.Final = {
    "UntrustedRoot": "A certificate chain processed, but terminated in a root certificate which is not trusted by the trust provider.\r\n",  # noqa: E501
    "PartialChain": "A certificate chain could not be built to a trusted root authority.\r\n",
    "NotTimeValid": "A required certificate is not within its validity period when verifying against the current system clock or the timestamp in the signed file.\r\n",  # noqa: E501
    "RevocationStatusUnknown": "The revocation function was unable to check revocation for the certificate.\r\n",
    "OfflineRevocation": "The revocation function was unable to check revocation because the revocation server was offline.\r\n",  # noqa: E501
    "NotValidForUsage": "The certificate is not valid for the requested usage.\r\n",
    "InvalidBasicConstraints": "The basic constraint extension of a certificate has not been observed.\r\n",
    "NotSignatureValid": "The signature of the certificate cannot be verified.\r\n",
}


# INFERRED: the Japanese and the German words.
_NAME_WORDS: t.Final = {
    "en": ("DNS Name=", "IP Address="),
    "ja": ("DNS 名=", "IP アドレス="),
    "de": ("DNS-Name=", "IP-Adresse="),
}


class _Oid(NetObject):
    TYPE = "System.Security.Cryptography.Oid"
    _NAMES: t.ClassVar[dict[str, str]] = {
        "1.2.840.113549.1.1.1": "RSA", "1.2.840.10045.2.1": "ECC", "1.3.6.1.5.5.7.3.1": "Server Authentication",
        "1.3.6.1.5.5.7.3.2": "Client Authentication", "2.5.29.17": "Subject Alternative Name",
        "2.5.29.15": "Key Usage", "2.5.29.37": "Enhanced Key Usage", "2.5.29.19": "Basic Constraints",
        "2.5.29.14": "Subject Key Identifier", "2.5.29.35": "Authority Key Identifier",
        "1.2.840.113549.1.1.11": "sha256RSA", "1.2.840.113549.1.1.12": "sha384RSA",
        "1.2.840.113549.1.1.13": "sha512RSA",
        "1.2.840.113549.1.1.5": "sha1RSA", "1.2.840.10045.4.3.2": "sha256ECDSA",
    }  # fmt: skip

    def __init__(self, value: str) -> None:
        self.value = value

    def get_value(self) -> str:
        return self.value

    def get_friendlyname(self) -> str | None:
        return self._NAMES.get(self.value)


class _Extension(NetObject):
    TYPE = CERTIFICATES + "X509Extension"

    def __init__(self, shell: PowerShell, extension: x509.Extension[t.Any]) -> None:
        self.shell, self.extension = shell, extension

    def get_oid(self) -> _Oid:
        return _Oid(self.extension.oid.dotted_string)

    def get_critical(self) -> bool:
        return self.extension.critical

    def get_rawdata(self) -> bytes:
        return bytes(self.extension.value.public_bytes())

    def get_enhancedkeyusages(self) -> list[t.Any]:
        return [_Oid(oid.dotted_string) for oid in self.extension.value]

    def get_certificateauthority(self) -> bool:
        return bool(self.extension.value.ca)

    def do_format(self, lines: t.Any = False) -> str:
        """A Subject Alternative Name as Windows shows it: in the computer's own language."""
        if self.extension.oid != ExtensionOID.SUBJECT_ALTERNATIVE_NAME:
            raise Limit(f"the text of the extension {self.extension.oid.dotted_string}")
        dns, address = _NAME_WORDS[self.shell.host.locale[:2]]
        parts = []
        for name in self.extension.value:
            if isinstance(name, x509.DNSName):
                parts.append(dns + name.value)
            elif isinstance(name, x509.IPAddress):
                parts.append(address + str(name.value))
            else:
                raise Limit("the text of such an alternative name")
        return "".join(f"{part}\r\n" for part in parts) if true(lines) else ", ".join(parts)


class _PublicKey(NetObject):
    TYPE = CERTIFICATES + "PublicKey"

    def __init__(self, certificate: x509.Certificate) -> None:
        self.key = certificate.public_key()
        self.oid = certificate.public_key_algorithm_oid.dotted_string

    def get_oid(self) -> _Oid:
        return _Oid(self.oid)

    def get_key(self) -> _Rsa:
        if not isinstance(self.key, rsa.RSAPublicKey):
            raise Limit("PublicKey.Key of anything but RSA")
        return _Rsa(None, self.key.key_size, "System.Security.Cryptography.RSACryptoServiceProvider")


class _Rsa(NetObject):
    """An RSA key; with its container when it is a private one."""

    def __init__(self, key: Key | None, size: int, kind: str) -> None:
        self.key, self.size, self.kind = key, size, kind

    @property
    def full_name(self) -> str:
        return self.kind

    def type_names(self) -> tuple[str, ...]:
        return (self.kind, "System.Security.Cryptography.RSA", "System.Object")

    def get_keysize(self) -> int:
        return self.size

    def get_key(self) -> PsObject | None:
        if not self.kind.endswith("RSACng") or self.key is None:
            return None
        provider = PsObject({"Provider": self.key.provider})
        return PsObject({"UniqueName": self.key.unique_name, "Provider": provider, "IsMachineKey": True})

    def get_cspkeycontainerinfo(self) -> PsObject | None:
        if self.kind.endswith("RSACng") or self.key is None:
            return None
        return PsObject(
            {
                "UniqueKeyContainerName": self.key.unique_name,
                "ProviderName": self.key.provider,
                "MachineKeyStore": True,
                "Exportable": self.key.exportable,
            }
        )

    def do_dispose(self) -> t.Any:
        return VOID


def _usable(key: Key | None) -> Key:
    """A key that an administrator's process can open."""
    if key is None:
        raise net_error(_CRYPTO, "Keyset does not exist\r\n", hresult=0x80090016)
    if not key.allows(ADMINISTRATORS):
        raise net_error(_CRYPTO, "Access denied.\r\n", hresult=0x80090010)
    return key


class Certificate(NetObject):
    """An X509Certificate2: of a file, or one in a store, whose key is the store's."""

    TYPE = CERTIFICATES + "X509Certificate2"
    BASES = (CERTIFICATES + "X509Certificate",)
    PROPERTIES = ("Thumbprint", "Subject", "Issuer", "NotBefore", "NotAfter", "SerialNumber", "HasPrivateKey")

    def __init__(
        self,
        shell: PowerShell,
        entry: Entry,
        *,
        store: str = "",
        private: rsa.RSAPrivateKey | None = None,
        flags: int = 0,
    ) -> None:
        self.shell, self.entry, self.store, self.private, self.flags = shell, entry, store, private, flags

    @property
    def certificate(self) -> x509.Certificate:
        return self.entry.certificate

    def get_thumbprint(self) -> str:
        return self.entry.thumbprint

    def get_subject(self) -> str:
        return windows_name(self.certificate.subject)

    def get_issuer(self) -> str:
        return windows_name(self.certificate.issuer)

    def get_notbefore(self) -> DateTime:
        return new_date(self.shell, self.certificate.not_valid_before_utc, "Local")

    def get_notafter(self) -> DateTime:
        return new_date(self.shell, self.certificate.not_valid_after_utc, "Local")

    def get_rawdata(self) -> bytes:
        return self.entry.der

    def get_hasprivatekey(self) -> bool:
        return self.entry.key is not None or self.private is not None or self.entry.orphaned

    def get_serialnumber(self) -> str:
        text = f"{self.certificate.serial_number:X}"
        return text.zfill(len(text) + len(text) % 2)

    def get_version(self) -> int:
        return self.certificate.version.value + 1

    def get_friendlyname(self) -> str:
        return self.entry.friendly_name

    def get_archived(self) -> bool:
        return False

    def get_publickey(self) -> _PublicKey:
        return _PublicKey(self.certificate)

    def get_signaturealgorithm(self) -> _Oid:
        return _Oid(self.certificate.signature_algorithm_oid.dotted_string)

    def get_extensions(self) -> list[t.Any]:
        return [_Extension(self.shell, one) for one in self.certificate.extensions]

    def get_dnsnamelist(self) -> list[t.Any]:
        names = [str(one.value) for one in self.certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)]
        for extension in self.certificate.extensions:
            if isinstance(extension.value, x509.SubjectAlternativeName):
                # INFERRED: the common name comes only where there is no DNS name.
                names = extension.value.get_values_for_type(x509.DNSName) or names
        return [PsObject({"Punycode": name, "Unicode": name}) for name in names]

    def get_enhancedkeyusagelist(self) -> list[t.Any]:
        for extension in self.certificate.extensions:
            if isinstance(extension.value, x509.ExtendedKeyUsage):
                oids = [_Oid(oid.dotted_string) for oid in extension.value]
                return [PsObject({"FriendlyName": o.get_friendlyname(), "ObjectId": o.get_value()}) for o in oids]
        return []

    def get_privatekey(self) -> _Rsa | None:
        """The old property: keys of CNG are not for it, and PowerShell makes $null of its exception."""
        key = self.entry.key
        if key is None or key.provider == CNG or not key.allows(ADMINISTRATORS):
            return None
        return _Rsa(key, key.private.key_size, "System.Security.Cryptography.RSACryptoServiceProvider")

    def get_pspath(self) -> str:
        return f"Microsoft.PowerShell.Security\\Certificate::LocalMachine\\{self.store}\\{self.entry.thumbprint}"

    def get_psparentpath(self) -> str:
        return f"Microsoft.PowerShell.Security\\Certificate::LocalMachine\\{self.store}"

    def get_pschildname(self) -> str:
        return self.entry.thumbprint

    def do_getcerthashstring(self) -> str:
        return self.entry.thumbprint

    def do_getcerthash(self) -> bytes:
        return bytes.fromhex(self.entry.thumbprint)

    def do_getrawcertdata(self) -> bytes:
        return self.entry.der

    def do_getserialnumberstring(self) -> str:
        return self.get_serialnumber()

    def do_getnameinfo(self, kind: t.Any, issuer: t.Any) -> str:
        name = self.certificate.issuer if true(issuer) else self.certificate.subject
        word = text_of(kind).lower()
        if word in {"dnsname", "dnsfromalternativename"} and not true(issuer):
            return text_of(self.get_dnsnamelist()[0].get("Unicode")) if self.get_dnsnamelist() else ""
        if word != "simplename":
            raise Limit(f"GetNameInfo of {text_of(kind)}")
        common = name.get_attributes_for_oid(NameOID.COMMON_NAME)
        return str(common[0].value) if common else windows_name(name).partition("=")[2]

    def do_verify(self) -> bool:
        chain = Chain(self.shell)
        return chain.do_build(self)

    def do_export(self, kind: t.Any, password: t.Any = None) -> bytes:
        word = text_of(kind).lower()
        if word == "cert":
            return self.entry.der
        if word not in {"pfx", "pkcs12"}:
            raise Limit(f"Export as {text_of(kind)}")
        key = self.entry.key
        if key is None or not key.exportable:
            raise net_error(_CRYPTO, "Key not valid for use in specified state.\r\n", hresult=0x8009000B)
        secret = _plain(password).encode()
        how = serialization.BestAvailableEncryption(secret) if secret else serialization.NoEncryption()
        return pkcs12.serialize_key_and_certificates(None, key.private, self.certificate, None, how)

    def do_equals(self, other: t.Any) -> bool:
        return isinstance(other, Certificate) and other.entry.der == self.entry.der

    def do_dispose(self) -> t.Any:
        return VOID

    do_reset = do_dispose

    def do_tostring(self, *_verbose: t.Any) -> str:
        raise Limit("the text of a certificate")

    def __str__(self) -> str:
        raise Limit("the text of a certificate")


def certificate_of(shell: PowerShell, entry: Entry, store: str) -> Certificate:
    """A certificate of a store."""
    return Certificate(shell, entry, store=store)


class SecureString(NetObject):
    """A SecureString; what is in it is shown nowhere."""

    TYPE = "System.Security.SecureString"

    def __init__(self, text: str) -> None:
        self._text = text

    def get_length(self) -> int:
        return len(self._text)

    def do_dispose(self) -> t.Any:
        return VOID

    def reveal(self) -> str:
        """The text, for what has to use it."""
        return self._text


register(NetType("System.Security.SecureString"))


def _plain(password: t.Any) -> str:
    return password.reveal() if isinstance(password, SecureString) else text_of(password)


def _not_found(text: str = "Cannot find the requested object.") -> NetError:
    return net_error(_CRYPTO, f"{text}\r\n", hresult=0x80092009)


def _new_certificate(
    shell: PowerShell, source: t.Any = None, password: t.Any = None, flags: t.Any = None
) -> Certificate:
    if isinstance(source, Certificate):
        return Certificate(shell, source.entry, store=source.store, private=source.private, flags=source.flags)
    if isinstance(source, str):
        try:
            data = shell.host.files.read(source)
        except FileNotFoundError as error:
            raise net_error(_CRYPTO, "The system cannot find the file specified.\r\n", hresult=0x80070002) from error
    else:
        data = source if isinstance(source, bytes) else bytes(items_of(source))
    bits = convert(shell, flags, find_type(CERTIFICATES + "X509KeyStorageFlags")).value if flags is not None else 0
    try:
        return Certificate(shell, Entry(der=certificates_in(data)[0]))
    except (ValueError, IndexError):
        return _from_pfx(shell, data, _plain(password), bits)


def _from_pfx(shell: PowerShell, data: bytes, password: str, flags: int) -> Certificate:
    private, certificate, _others = _read_pfx(data, password)
    if certificate is None:
        raise _not_found()
    return _loaded(shell, certificate, private, flags)


def _loaded(
    shell: PowerShell, certificate: x509.Certificate, private: rsa.RSAPrivateKey | None, flags: int
) -> Certificate:
    """A PFX's certificate; a key that is to stay (PersistKeySet) is in its container as soon as it is read."""
    entry = Entry(der=certificate.public_bytes(serialization.Encoding.DER))
    if private is None or not flags & 16:
        return Certificate(shell, entry, private=private, flags=flags)
    if not flags & 2:
        raise Limit("a key in a user's own key set")
    if not shell.host.may_change():
        raise net_error(_CRYPTO, "Access denied.\r\n", hresult=0x80090010)
    key = new_key(private, provider=shell.host.provider, exportable=bool(flags & 4))
    shell.host.stores.keep(key)
    entry.key = key
    return Certificate(shell, entry)


def _read_pfx(
    data: bytes, password: str
) -> tuple[rsa.RSAPrivateKey | None, x509.Certificate | None, list[x509.Certificate]]:
    try:
        private, certificate, others = pkcs12.load_key_and_certificates(data, password.encode() or None)
    except ValueError as error:
        if "password" in str(error).lower():
            raise net_error(
                _CRYPTO, "The specified network password is not correct.\r\n", hresult=0x80070056
            ) from error
        raise _not_found() from error
    if private is not None and not isinstance(private, rsa.RSAPrivateKey):
        raise Limit("a PFX with anything but an RSA key")
    return private, certificate, others


register(NetType(Certificate.TYPE, new=_new_certificate))
register(NetType(CERTIFICATES + "X509Certificate", new=_new_certificate))


class _Collection(NetList):
    """An X509Certificate2Collection."""

    def __init__(self, shell: PowerShell, items: t.Iterable[t.Any] = ()) -> None:
        super().__init__(items)
        self.shell = shell

    def do_find(self, kind: t.Any, value: t.Any, valid_only: t.Any) -> _Collection:
        word, wanted = text_of(kind).lower(), text_of(value).lower()
        tests: dict[str, t.Callable[[Certificate], bool]] = {
            "findbythumbprint": lambda one: one.get_thumbprint().lower() == wanted.replace(" ", ""),
            "findbysubjectname": lambda one: wanted in one.get_subject().lower(),
            "findbysubjectdistinguishedname": lambda one: one.get_subject().lower() == wanted,
            "findbyissuername": lambda one: wanted in one.get_issuer().lower(),
            "findbyserialnumber": lambda one: one.get_serialnumber().lower() == wanted,
        }
        if word not in tests:
            raise Limit(f"Find with {text_of(kind)}")
        found = [one for one in self if tests[word](one)]
        return _Collection(self.shell, [one for one in found if not true(valid_only) or one.do_verify()])

    def do_import(self, data: t.Any, password: t.Any = None, flags: t.Any = None) -> t.Any:
        raw = data if isinstance(data, bytes) else bytes(items_of(data))
        try:
            self.extend(Certificate(self.shell, Entry(der=der)) for der in certificates_in(raw))
        except ValueError:
            bits = convert(self.shell, flags, find_type(CERTIFICATES + "X509KeyStorageFlags")).value if flags else 0
            private, certificate, others = _read_pfx(raw, _plain(password))
            for one in others:
                self.append(Certificate(self.shell, Entry(der=one.public_bytes(serialization.Encoding.DER))))
            if certificate is not None:
                self.append(_loaded(self.shell, certificate, private, bits))
        return VOID


def _new_collection(shell: PowerShell, items: t.Any = None) -> _Collection:
    return _Collection(shell, items_of(items) if items is not None else ())


register(NetType(CERTIFICATES + "X509Certificate2Collection", new=_new_collection))
register(NetType(CERTIFICATES + "X509CertificateCollection", new=_new_collection))


class _Store(NetObject):
    TYPE = CERTIFICATES + "X509Store"

    def __init__(self, shell: PowerShell, name: str) -> None:
        self.shell, self.name = shell, name
        self.opened: str | None = None

    def do_open(self, flags: t.Any) -> t.Any:
        self.opened = text_of(flags).lower()
        if isinstance(flags, int):
            self.opened = "readwrite" if flags & 3 else "readonly"
        return VOID

    def do_close(self) -> t.Any:
        self.opened = None
        return VOID

    do_dispose = do_close

    def get_name(self) -> str:
        return self.name

    def get_certificates(self) -> _Collection:
        if self.opened is None:
            return _Collection(self.shell)
        entries = self.shell.host.stores.entries(self.name)
        return _Collection(self.shell, [certificate_of(self.shell, one, self.name) for one in entries])

    def _writes(self) -> None:
        if self.opened is None:
            raise net_error(_CRYPTO, "The X509 certificate store has not been opened.", hresult=0x80131430)
        if "readwrite" not in self.opened and "maxallowed" not in self.opened:
            raise net_error(_CRYPTO, "Access is denied.\r\n", hresult=0x80070005)
        if not self.shell.host.may_change():
            raise net_error(_CRYPTO, "Access is denied.\r\n", hresult=0x80070005)

    def do_add(self, certificate: t.Any) -> t.Any:
        self._writes()
        # The key of a PFX that was read without PersistKeySet goes with the object: the certificate stays without.
        self.shell.host.stores.add(self.name, certificate.entry.der, certificate.entry.key)
        return VOID

    def do_addrange(self, certificates: t.Any) -> t.Any:
        for one in items_of(certificates):
            self.do_add(one)
        return VOID

    def do_remove(self, certificate: t.Any) -> t.Any:
        self._writes()
        self.shell.host.stores.remove(self.name, certificate.entry.thumbprint)
        return VOID


def _new_store(shell: PowerShell, name: t.Any = "My", location: t.Any = "CurrentUser") -> _Store:
    word = {"certificateauthority": "CA", "3": "CA"}.get(text_of(name).lower(), text_of(name))
    if text_of(location).lower() != "localmachine":
        raise Limit(f"the certificate stores of {text_of(location)}")
    known = shell.host.stores.store_name(word)
    if known is None:
        raise Limit(f"the certificate store {word}")
    return _Store(shell, known)


register(NetType(_Store.TYPE, new=_new_store))


# -- chains ------------------------------------------------------------------------------------------------------


class _Policy(NetObject):
    TYPE = CERTIFICATES + "X509ChainPolicy"

    def __init__(self, shell: PowerShell) -> None:
        self.shell = shell
        self.revocation, self.flag = Enum(_REVOCATION, 1), Enum(_REVOCATION_FLAG, 2)
        self.verification = Enum(_VERIFICATION, 0)
        self.extra = _Collection(shell)
        self.application = NetList()
        self.time: DateTime | None = None

    def get_revocationmode(self) -> Enum:
        return self.revocation

    def set_revocationmode(self, value: t.Any) -> None:
        self.revocation = convert(self.shell, value, find_type(_REVOCATION.name))

    def get_revocationflag(self) -> Enum:
        return self.flag

    def set_revocationflag(self, value: t.Any) -> None:
        self.flag = convert(self.shell, value, find_type(_REVOCATION_FLAG.name))

    def get_verificationflags(self) -> Enum:
        return self.verification

    def set_verificationflags(self, value: t.Any) -> None:
        self.verification = convert(self.shell, value, find_type(_VERIFICATION.name))

    def get_extrastore(self) -> _Collection:
        return self.extra

    def get_applicationpolicy(self) -> NetList:
        return self.application

    def set_verificationtime(self, value: t.Any) -> None:
        self.time = convert(self.shell, value, find_type("datetime"))

    def get_verificationtime(self) -> DateTime:
        return self.time or new_date(self.shell, dt.datetime.fromtimestamp(self.shell.host.now(), dt.UTC), "Local")


class _ChainStatus(NetObject):
    TYPE = CERTIFICATES + "X509ChainStatus"

    def __init__(self, name: str) -> None:
        self.name = name

    def get_status(self) -> Enum:
        return _STATUS.named(self.name)

    def get_statusinformation(self) -> str:
        return _INFORMATION.get(self.name, f"{self.name}\r\n")


class Chain(NetObject):
    """An X509Chain."""

    TYPE = CERTIFICATES + "X509Chain"

    def __init__(self, shell: PowerShell) -> None:
        self.shell, self.policy = shell, _Policy(shell)
        self.statuses: list[str] = []
        self.ders: list[bytes] = []

    def fill(self, statuses: t.Iterable[str], ders: t.Iterable[bytes]) -> Chain:
        """The chain that a validation callback gets."""
        self.statuses, self.ders = sorted(statuses), list(ders)
        return self

    def get_chainpolicy(self) -> _Policy:
        return self.policy

    def set_chainpolicy(self, value: t.Any) -> None:
        self.policy = value

    def do_build(self, certificate: t.Any) -> bool:
        host, policy = self.shell.host, self.policy
        extra = [one.entry.der for one in policy.extra]
        when = host.now()
        if policy.time is not None:
            when = policy.time.utc.replace(tzinfo=dt.UTC).timestamp()
        verdict = host.stores.check_chain(certificate.entry.der, extra, when)
        statuses = set(verdict.statuses)
        if policy.application and not self._usages(certificate):
            statuses.add("NotValidForUsage")
        self.ders = list(verdict.chain or host.stores.path_of(certificate.entry.der, extra))
        # INFERRED: without a place for revocation lists in the certificates, both of these are said.
        if policy.revocation.value != 0 and len(self.ders) > 1:
            statuses |= {"RevocationStatusUnknown", "OfflineRevocation"}
        ignored = {"NotTimeValid"} if policy.verification.value & 1 else set()
        if policy.verification.value & 16:
            ignored |= {"UntrustedRoot", "PartialChain"}
        if policy.verification.value & ~17:
            raise Limit(f"the verification flags {policy.verification}")
        self.statuses = sorted(statuses)
        return not statuses - ignored

    def _usages(self, certificate: Certificate) -> bool:
        wanted = {text_of(one.get("Value")) for one in self.policy.application}
        listed = [text_of(one.get("ObjectId")) for one in certificate.get_enhancedkeyusagelist()]
        return not listed or wanted <= set(listed)

    def get_chainstatus(self) -> list[t.Any]:
        return [_ChainStatus(name) for name in self.statuses]

    def get_chainelements(self) -> list[t.Any]:
        return [
            PsObject(
                {
                    "Certificate": Certificate(self.shell, Entry(der=der)),
                    "ChainElementStatus": self.get_chainstatus() if at == 0 else [],
                }
            )
            for at, der in enumerate(self.ders)
        ]

    def do_dispose(self) -> t.Any:
        return VOID

    do_reset = do_dispose


register(
    NetType(
        Chain.TYPE,
        new=lambda shell, *_machine: Chain(shell),
        methods={"Create": Chain},
    )
)
register(NetType("System.Security.Cryptography.Oid", new=lambda _shell, value, *_name: _Oid(text_of(value))))


def _private_key(_shell: PowerShell, certificate: t.Any) -> _Rsa | None:
    if certificate.private is not None and certificate.entry.key is None:
        return _Rsa(None, certificate.private.key_size, "System.Security.Cryptography.RSACng")
    if not certificate.get_hasprivatekey():
        return None
    key = _usable(certificate.entry.key)
    kind = "RSACng" if key.provider == CNG else "RSACryptoServiceProvider"
    return _Rsa(key, key.private.key_size, f"System.Security.Cryptography.{kind}")


def _public_key(_shell: PowerShell, certificate: t.Any) -> _Rsa | None:
    key = certificate.certificate.public_key()
    if not isinstance(key, rsa.RSAPublicKey):
        return None
    return _Rsa(None, key.key_size, "System.Security.Cryptography.RSACng")


register(
    NetType(
        CERTIFICATES + "RSACertificateExtensions",
        methods={"GetRSAPrivateKey": _private_key, "GetRSAPublicKey": _public_key},
    )
)
register(NetType("System.Security.Cryptography.RSACng"))
register(NetType("System.Security.Cryptography.RSACryptoServiceProvider"))
register(NetType("System.Security.Cryptography.RSA"))


def _hash(name: str) -> None:
    class Hash(NetObject):
        TYPE = f"System.Security.Cryptography.{name}"

        def do_computehash(self, data: t.Any) -> bytes:
            raw = data if isinstance(data, bytes) else bytes(items_of(data))
            return hashlib.new(name.lower(), raw, usedforsecurity=False).digest()

        def do_dispose(self) -> t.Any:
            return VOID

    register(NetType(Hash.TYPE, methods={"Create": lambda _shell: Hash()}))


for _name in ("SHA1", "SHA256"):
    _hash(_name)


# -- cmdlets -----------------------------------------------------------------------------------------------------


@cmdlet("ConvertTo-SecureString", "String:0 AsPlainText! Force! Key")
def _secure(_shell: PowerShell, bound: Bound, items: Items, out: list[t.Any]) -> None:
    if not bound.on("AsPlainText") or not bound.on("Force"):
        raise Limit("ConvertTo-SecureString without -AsPlainText -Force")
    given = [bound.get("String")] if bound.has("String") else items or []
    out.extend(SecureString(text_of(text)) for text in given)


def _store_of(shell: PowerShell, location: str) -> str:
    parts = location.replace("/", "\\").strip("\\").split("\\")
    if len(parts) != 3 or parts[0].lower() != "cert:" or parts[1].lower() != "localmachine":
        raise Limit(f"the certificate store {location}")
    known = shell.host.stores.store_name(parts[2])
    if known is None:
        raise Limit(f"the certificate store {location}")
    return known


def _file(shell: PowerShell, path: str) -> bytes:
    try:
        return shell.host.files.read(path)
    except FileNotFoundError as error:
        raise net_error(
            "System.IO.FileNotFoundException",
            "The system cannot find the file specified. 0x80070002 (WIN32: 2 ERROR_FILE_NOT_FOUND)",
        ) from error


def _may_change(shell: PowerShell) -> None:
    if not shell.host.may_change():
        raise net_error(
            "System.UnauthorizedAccessException", "Access is denied. 0x80070005 (WIN32: 5 ERROR_ACCESS_DENIED)"
        )


@cmdlet("Import-Certificate", "FilePath:0 CertStoreLocation")
def _import(shell: PowerShell, bound: Bound, _items: Items, out: list[t.Any]) -> None:
    store = _store_of(shell, bound.text("CertStoreLocation"))
    data = _file(shell, bound.text("FilePath"))
    _may_change(shell)
    try:
        ders = certificates_in(data)
    except ValueError as error:
        raise net_error(
            _CRYPTO, "Cannot find the requested object. 0x80092009 (-2146885623 CRYPT_E_NO_MATCH)"
        ) from error
    out.extend(certificate_of(shell, shell.host.stores.add(store, der), store) for der in ders)


@cmdlet("Import-PfxCertificate", "FilePath:0 CertStoreLocation:1 Password Exportable!")
def _import_pfx(shell: PowerShell, bound: Bound, _items: Items, out: list[t.Any]) -> None:
    store = _store_of(shell, bound.text("CertStoreLocation"))
    data = _file(shell, bound.text("FilePath"))
    _may_change(shell)
    private, certificate, others = _read_pfx(data, _plain(bound.get("Password")))
    if certificate is None:
        raise _not_found()
    for one in others:
        # A PFX's other certificates go where such are kept.
        place = "Root" if one.issuer == one.subject else "CA"
        shell.host.stores.add(place, one.public_bytes(serialization.Encoding.DER))
    key = new_key(private, provider=shell.host.provider, exportable=bound.on("Exportable")) if private else None
    entry = shell.host.stores.add(store, certificate.public_bytes(serialization.Encoding.DER), key)
    out.append(certificate_of(shell, entry, store))


@cmdlet("Export-Certificate", "Cert:0 FilePath Type Force!")
def _export(shell: PowerShell, bound: Bound, items: Items, _out: list[t.Any]) -> None:
    if bound.text("Type", "CERT").upper() != "CERT":
        raise Limit(f"Export-Certificate -Type {bound.text('Type')}")
    found = as_list(bound.get("Cert")) or items or []
    _may_change(shell)
    shell.host.files.write(bound.text("FilePath"), found[0].entry.der)
