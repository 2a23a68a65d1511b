# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What ONVIF's documents say, as data that validates itself at import: names, levels, faults, algorithms."""

from __future__ import annotations

import dataclasses as dc
import re
import typing as t

__all__ = [
    "ACCESS_CLASSES",
    "ELLIPTIC_CURVES",
    "FAULTS",
    "KNOWN_CURVES",
    "LEVELS_FOR",
    "NAMESPACES",
    "RSA_KEY_LENGTHS",
    "SIGNATURES",
    "SUBJECT_ATTRIBUTES",
    "TLS_VERSIONS",
    "USER_LEVELS",
    "FaultCode",
    "Signature",
]

AccessClass = t.Literal["PRE_AUTH", "READ_SYSTEM", "READ_SYSTEM_SECRET", "WRITE_SYSTEM", "UNRECOVERABLE"]

NAMESPACES: t.Final[t.Mapping[str, str]] = {
    "tds": "http://www.onvif.org/ver10/device/wsdl",
    "tas": "http://www.onvif.org/ver10/advancedsecurity/wsdl",
    "tmd": "http://www.onvif.org/ver10/deviceIO/wsdl",
    "tt": "http://www.onvif.org/ver10/schema",
    "ter": "http://www.onvif.org/ver10/error",
    "dn": "http://www.onvif.org/ver10/network/wsdl",
    "s": "http://www.w3.org/2003/05/soap-envelope",
    "wsse": "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd",
    "wsu": "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd",
    "wsd": "http://schemas.xmlsoap.org/ws/2005/04/discovery",
    "wsa": "http://schemas.xmlsoap.org/ws/2004/08/addressing",
    "wsa5": "http://www.w3.org/2005/08/addressing",
    "xmime": "http://www.w3.org/2005/05/xmlmime",
}
USER_LEVELS: t.Final = ("Administrator", "Operator", "User", "Anonymous")
#: The default access policy of the core specification.
LEVELS_FOR: t.Final[t.Mapping[AccessClass, frozenset[str]]] = {
    "PRE_AUTH": frozenset(USER_LEVELS),
    "READ_SYSTEM": frozenset({"Administrator", "Operator", "User"}),
    "READ_SYSTEM_SECRET": frozenset({"Administrator"}),
    "WRITE_SYSTEM": frozenset({"Administrator"}),
    "UNRECOVERABLE": frozenset({"Administrator"}),
}
ACCESS_CLASSES: t.Final = tuple(LEVELS_FOR)
TLS_VERSIONS: t.Final = ("1.0", "1.1", "1.2", "1.3")
RSA_KEY_LENGTHS: t.Final = (2048, 3072, 4096)
#: A device's own choice out of those that are known.
ELLIPTIC_CURVES: t.Final = ("secp256r1", "secp384r1")
KNOWN_CURVES: t.Final = (*ELLIPTIC_CURVES, "secp521r1")


@dc.dataclass(frozen=True, kw_only=True)
class FaultCode:
    """A fault of the documents: who is to blame, the subcode, and the one below it, by which it is known."""

    code: t.Literal["Sender", "Receiver"]
    subcode: str
    detail: str = ""

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[A-Z]\w+", self.subcode) or not re.fullmatch(r"(?:[A-Z]\w+)?", self.detail):
            raise ValueError(f"{self.subcode}/{self.detail} is no fault of ONVIF")

    @property
    def name(self) -> str:
        return self.detail or self.subcode

    @property
    def status(self) -> int:
        """SOAP 1.2's HTTP binding."""
        return 400 if self.code == "Sender" else 500

    @property
    def path(self) -> str:
        return "/".join(filter(None, (self.code, self.subcode, self.detail)))


def _codes(code: t.Literal["Sender", "Receiver"], subcode: str, details: str = "") -> list[FaultCode]:
    return [FaultCode(code=code, subcode=subcode, detail=detail) for detail in details.split() or [""]]


_ALL: t.Final = (
    *_codes("Sender", "NotAuthorized"),
    *_codes("Sender", "WellFormed"),
    *_codes("Sender", "TagMismatch"),
    *_codes("Sender", "Namespace"),
    *_codes("Sender", "UnknownAction"),
    *_codes("Sender", "InvalidArgs"),
    *_codes("Sender", "InvalidArgVal"),
    *_codes("Sender", "OperationProhibited"),
    *_codes("Receiver", "Action"),
    *_codes("Receiver", "ActionNotSupported"),
    *_codes(
        "Receiver",
        "Action",
        "MaximumNumberOfKeysReached MaximumNumberOfCertificatesReached MaximumNumberOfCertificationPathsReached "
        "MaximumNumberOfPassphrasesReached MaximumNumberOfCRLsReached "
        "MaximumNumberOfCertificationPathValidationPoliciesReached "
        "MaximumNumberOfTLSCertificationPathValidationPoliciesReached "
        "NoMatchingPrivateKey KeyDeletionFailed CertificateDeletionFailed CertificationPathDeletionFailed "
        "PassphraseDeletionFailed CSRCreationFailed CertificateCreationFailed CertificationPathCreationFailed "
        "TooManyUsers",
    ),
    *_codes(
        "Receiver",
        "ActionNotSupported",
        "EnablingTlsFailed EnablingClientAuthenticationFailed CnMapsToUserFailed NoSuchService",
    ),
    *_codes(
        "Sender",
        "InvalidArgVal",
        "KeyID CertificateID CertificationPathID OldCertificationPathID NewCertificationPathID PassphraseID CRLID "
        "CertPathValidationPolicyID OldCertPathValidationPolicyID NewCertPathValidationPolicyID "
        "CertPathValidationParameters ReferenceExists KeyLength UnsupportedEllipticCurve UnsupportedSignatureAlgorithm "
        "KeySignatureAlgorithmMismatch UnsupportedPublicKeyAlgorithm UnsupportedX509Version "
        "X509VersionExtensionsMismatch InvalidKeyStatus InvalidSubject InvalidAttribute InvalidDateTime "
        "BadCertificate BadCRL BadPassphrase BadPKCS12File BadPKCS8File DecryptionFailed Duplicate "
        "PublicPrivateKeyMismatch InvalidCertificationPath NoPrivateKey EmptyList TLSVersion InvalidTimeZone "
        "NtpServerUndefined InvalidIPv4Address InvalidIPv6Address InvalidDnsName TimeSyncedToNtp ServiceNotSupported "
        "PortAlreadyInUse InvalidHostname UsernameMissing FixedUser InvalidNetworkInterface InvalidGatewayAddress",
    ),
    *_codes(
        "Sender",
        "OperationProhibited",
        "PasswordTooLong PasswordTooWeak AnonymousNotAllowed UsernameClash UsernameTooLong UsernameTooShort",
    ),
)
FAULTS: t.Final[t.Mapping[str, FaultCode]] = {code.name: code for code in _ALL}


@dc.dataclass(frozen=True, kw_only=True)
class Signature:
    """A signature algorithm of certificates and requests."""

    oid: str
    hash_name: str
    kind: t.Literal["RSA", "ECC"]

    def __post_init__(self) -> None:
        if not re.fullmatch(r"\d+(\.\d+)+", self.oid) or self.hash_name not in {"sha1", "sha256", "sha384", "sha512"}:
            raise ValueError(f"{self.oid} with {self.hash_name} is no signature algorithm")


SIGNATURES: t.Final[t.Mapping[str, Signature]] = {
    signature.oid: signature
    for signature in (
        Signature(oid="1.2.840.113549.1.1.11", hash_name="sha256", kind="RSA"),
        Signature(oid="1.2.840.113549.1.1.12", hash_name="sha384", kind="RSA"),
        Signature(oid="1.2.840.113549.1.1.13", hash_name="sha512", kind="RSA"),
        Signature(oid="1.2.840.10045.4.3.2", hash_name="sha256", kind="ECC"),
        Signature(oid="1.2.840.10045.4.3.3", hash_name="sha384", kind="ECC"),
        Signature(oid="1.2.840.10045.4.3.4", hash_name="sha512", kind="ECC"),
    )
}
#: The simple parts of a DistinguishedName in the order of the schema, with their X.520 types.
SUBJECT_ATTRIBUTES: t.Final[t.Mapping[str, str]] = {
    "Country": "2.5.4.6",
    "Organization": "2.5.4.10",
    "OrganizationalUnit": "2.5.4.11",
    "DistinguishedNameQualifier": "2.5.4.46",
    "StateOrProvinceName": "2.5.4.8",
    "CommonName": "2.5.4.3",
    "SerialNumber": "2.5.4.5",
    "Locality": "2.5.4.7",
    "Title": "2.5.4.12",
    "Surname": "2.5.4.4",
    "GivenName": "2.5.4.42",
    "Initials": "2.5.4.43",
    "Pseudonym": "2.5.4.65",
    "GenerationQualifier": "2.5.4.44",
}


def _check() -> None:
    if len(FAULTS) != len(_ALL):
        raise ValueError("two faults have the same last subcode")
    for access, levels in LEVELS_FOR.items():
        if "Administrator" not in levels or not levels <= set(USER_LEVELS):
            raise ValueError(f"{access}: {sorted(levels)}")
    if len(set(SUBJECT_ATTRIBUTES.values())) != len(SUBJECT_ATTRIBUTES):
        raise ValueError("two parts of a name have the same type")
    if set(NAMESPACES) & {"xml", "xmlns"} or len(set(NAMESPACES.values())) != len(NAMESPACES):
        raise ValueError("a prefix is reserved, or a namespace is listed twice")


_check()
