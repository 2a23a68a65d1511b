# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Programs that come with a simulated Windows: certreq, certutil, netsh, icacls, hostname and whoami."""

from __future__ import annotations

import base64
import collections.abc as c
import configparser
import datetime as dt
import ipaddress
import re
import typing as t

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import pkcs7
from cryptography.x509.oid import NameOID, ObjectIdentifier

from ._powershell_values import Limit
from ._windows_files import key_path
from ._windows_store import ADMINISTRATORS, Entry, Rule, new_key

if t.TYPE_CHECKING:
    from ._windows_host import WindowsHost
    from ._windows_parts import Binding

__all__ = ["BUILT_IN", "certificates_in", "split_command_line", "windows_name"]

_ACCESS_DENIED: t.Final = (0x80070005, "Access is denied.", "WIN32: 5 ERROR_ACCESS_DENIED")
_NOT_FOUND: t.Final = (0x80092004, "Cannot find object or property.", "-2146885628 CRYPT_E_NOT_FOUND")
_NO_FILE: t.Final = (0x80070002, "The system cannot find the file specified.", "WIN32: 2 ERROR_FILE_NOT_FOUND")
_EXISTS: t.Final = (0x80070050, "The file exists.", "WIN32: 80 ERROR_FILE_EXISTS")
_BAD_DATA: t.Final = (0x8007000D, "The data is invalid.", "WIN32: 13 ERROR_INVALID_DATA")
_BAD_NAME: t.Final = (
    0x80092023,
    "The string contains an invalid X500 name attribute key, oid, value or delimiter.",
    "-2146885597 CRYPT_E_INVALID_X500_STRING",
)
_UNTRUSTED: t.Final = (
    "A certificate chain processed, but terminated in a root certificate which is not trusted by the trust provider."
)
_EXPIRED: t.Final = (
    "A required certificate is not within its validity period when verifying against the current system clock"
    " or the timestamp in the signed file."
)
_CHAIN: t.Final[c.Mapping[str, tuple[int, str, str]]] = {
    "UntrustedRoot": (0x800B0109, _UNTRUSTED, "-2146762487 CERT_E_UNTRUSTEDROOT"),
    "PartialChain": (
        0x800B010A,
        "A certificate chain could not be built to a trusted root authority.",
        "-2146762486 CERT_E_CHAINING",
    ),
    "NotTimeValid": (0x800B0101, _EXPIRED, "-2146762495 CERT_E_EXPIRED"),
}
Failure = tuple[int, str, str]


class _Unreadable(Exception):
    """A file of certreq that Windows does not read: with which of its errors."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure[1])
        self.failure = failure


def _signed(code: int) -> int:
    return code - (1 << 32) if code >= 1 << 31 else code


def split_command_line(text: str) -> list[str]:
    """A command line as a program of Microsoft's C runtime sees it, by its documented rules."""
    found: list[str] = []
    word, quoted, begun, at = "", False, False, 0
    while at < len(text):
        run = re.match(r"(\\+)(\"?)", text[at:])
        if run is not None:
            slashes, quote = len(run[1]), bool(run[2])
            word += "\\" * (slashes // 2 if quote else slashes)
            begun = True
            at += slashes
            if quote and slashes % 2:
                word += '"'
                at += 1
            continue
        sign = text[at]
        if sign == '"':
            quoted, begun = not quoted, True
        elif sign in " \t" and not quoted:
            if begun:
                found.append(word)
            word, begun = "", False
        else:
            word, begun = word + sign, True
        at += 1
    return [*found, word] if begun else found


# -- names -------------------------------------------------------------------------------------------------------

_SHORT: t.Final[c.Mapping[ObjectIdentifier, str]] = {
    NameOID.COMMON_NAME: "CN",
    NameOID.ORGANIZATION_NAME: "O",
    NameOID.ORGANIZATIONAL_UNIT_NAME: "OU",
    NameOID.LOCALITY_NAME: "L",
    NameOID.STATE_OR_PROVINCE_NAME: "S",
    NameOID.COUNTRY_NAME: "C",
    NameOID.EMAIL_ADDRESS: "E",
    NameOID.DOMAIN_COMPONENT: "DC",
    NameOID.SERIAL_NUMBER: "SERIALNUMBER",
    NameOID.TITLE: "T",
    NameOID.GIVEN_NAME: "G",
    NameOID.SURNAME: "SN",
    NameOID.STREET_ADDRESS: "STREET",
}
_LONG: t.Final = {short: oid for oid, short in _SHORT.items()} | {"ST": NameOID.STATE_OR_PROVINCE_NAME}


def windows_name(name: x509.Name) -> str:
    """A name as X509Certificate2.Subject shows it: the last part first, `S` for a state."""
    parts = []
    for rdn in reversed(list(name.rdns)):
        pieces = []
        for attribute in rdn:
            value = str(attribute.value)
            if re.search(r'[,+"<>;=#\n]|^\s|\s$', value):
                value = '"' + value.replace('"', '""') + '"'
            pieces.append(f"{_SHORT.get(attribute.oid, 'OID.' + attribute.oid.dotted_string)}={value}")
        parts.append(" + ".join(pieces))
    return ", ".join(parts)


_SEPARATED: t.Final = re.compile(r'((?:[^,;+"]|"(?:[^"]|"")*")+)([,;+]|\Z)')


def _parsed_name(text: str) -> x509.Name:
    """`CN=host, O="A, B"` as CertStrToName reads it: quotes protect separators, a backslash is a sign like others.

    In the order of the text (INFERRED: certreq keeps it). _Unreadable where it is no name.
    """
    rdns: list[list[x509.NameAttribute[str]]] = [[]]
    at = 0
    while at < len(text):
        match = _SEPARATED.match(text, at)
        if match is None:
            raise _Unreadable(_BAD_NAME)
        rdns[-1].append(_attribute(match[1]))
        if match[2] != "+":
            rdns.append([])
        at = match.end()
    return x509.Name([x509.RelativeDistinguishedName(rdn) for rdn in rdns if rdn])


def _attribute(part: str) -> x509.NameAttribute[str]:
    key, equals, value = part.partition("=")
    oid = _LONG.get(key.strip().upper())
    match = re.fullmatch(r'\s*(?:"((?:[^"]|"")*)"|([^"]*?))\s*', value)
    if not equals or oid is None or match is None:
        raise _Unreadable(_BAD_NAME)
    return x509.NameAttribute(oid, match[2] if match[1] is None else match[1].replace('""', '"'))


def certificates_in(data: bytes) -> list[bytes]:
    """The certificates of a file: DER, PEM or PKCS #7; ValueError when there is none."""
    if b"-----BEGIN PKCS7" in data:
        found = pkcs7.load_pem_pkcs7_certificates(data)
    elif b"-----BEGIN" in data:
        found = x509.load_pem_x509_certificates(data)
    else:
        raw = data
        if not raw.startswith(b"\x30"):
            raw = base64.b64decode(b"".join(raw.split()), validate=True)
        try:
            found = [x509.load_der_x509_certificate(raw)]
        except ValueError:
            found = pkcs7.load_der_pkcs7_certificates(raw)
    return [one.public_bytes(serialization.Encoding.DER) for one in found]


# -- certreq -----------------------------------------------------------------------------------------------------


def _refusal(program: str, failure: Failure) -> tuple[int, str]:
    code, words, name = failure
    return _signed(code), f"{program}: {words} 0x{code:08x} ({name})\r\n"


def _certreq(host: WindowsHost, argv: c.Sequence[str]) -> tuple[int, str]:
    options = [word[1:].lower() for word in argv if word[:1] in {"-", "/"}]
    paths = [word for word in argv if word[:1] not in {"-", "/"}]
    unknown = [word for word in options if word not in {"new", "accept", "machine", "q", "f"}]
    if unknown or not {"new", "accept"} & set(options):
        raise Limit(f"certreq -{' -'.join(unknown or options)}")
    if not host.may_change():
        return _refusal("Certificate Request Processor", _ACCESS_DENIED)
    try:
        if "new" in options:
            return _new_request(host, paths, machine="machine" in options, force="f" in options)
        return _accept(host, paths, machine="machine" in options)
    except FileNotFoundError:
        return _refusal("Certificate Request Processor", _NO_FILE)
    except _Unreadable as error:
        return _refusal("Certificate Request Processor", error.failure)


def _read_inf(host: WindowsHost, data: bytes) -> configparser.ConfigParser:
    """An INF file: UTF-16LE with its mark, or the ANSI code page.

    INFERRED: UTF-8 is no encoding of such files; its mark spoils the first line, and its letters are others.
    """
    mark = b"\xff\xfe"
    text = (
        data[2:].decode("utf-16-le", "replace") if data.startswith(mark) else data.decode(host.ansi_encoding, "replace")
    )
    # `_continue_` stands several times: each gets a key of its own, in order.
    lines, number = [], 0
    for line in text.splitlines():
        if line.strip().lower().startswith("_continue_"):
            number += 1
            line = re.sub(r"(?i)_continue_", f"_continue_{number:04d}", line, count=1)  # noqa: PLW2901
        lines.append(line)
    parser = configparser.ConfigParser(
        interpolation=None, delimiters=("=",), comment_prefixes=(";",), strict=False, allow_no_value=True
    )
    try:
        parser.read_string("\n".join(lines))
    except configparser.Error as error:
        raise _Unreadable(_BAD_DATA) from error
    return parser


def _inf_text(value: str | None) -> str:
    text = (value or "").strip()
    if match := re.match(r'"((?:[^"]|"")*)"', text):
        return match[1].replace('""', '"')
    return text.partition(";")[0].strip()


def _section(parser: configparser.ConfigParser, name: str) -> dict[str, str]:
    found = next((one for one in parser.sections() if one.lower() == name.lower()), None)
    return {key.lower(): _inf_text(value) for key, value in parser.items(found)} if found else {}


_KNOWN: t.Final = {
    "subject", "keylength", "keyalgorithm", "machinekeyset", "exportable", "providername", "keyusage", "hashalgorithm",
    "requesttype", "keyspec", "silent", "smime", "useexistingkeyset", "providertype", "friendlyname",
    "privatekeyarchive",
    "userprotected", "suppressdefaults",
}  # fmt: skip


def _extensions(request: dict[str, str], parser: configparser.ConfigParser) -> list[tuple[x509.ExtensionType, bool]]:
    found: list[tuple[x509.ExtensionType, bool]] = []
    if "keyusage" in request:
        found.append((_key_usage(int(request["keyusage"], 0)), True))
    usages = _section(parser, "EnhancedKeyUsageExtension")
    if usages:
        found.append((x509.ExtendedKeyUsage([ObjectIdentifier(oid) for oid in usages.values()]), False))
    entries = _section(parser, "Extensions")
    current = ""
    texts: dict[str, str] = {}
    for key, value in entries.items():
        if key.startswith("_continue_"):
            texts[current] += value
        else:
            current = key
            texts[current] = value
    for oid, text in texts.items():
        if oid != "2.5.29.17" or not text.startswith("{text}"):
            raise Limit(f"the extension {oid} of certreq's file")
        found.append((_alternative(text.removeprefix("{text}")), False))
    return found


def _key_usage(bits: int) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=bool(bits & 0x80),
        content_commitment=bool(bits & 0x40),
        key_encipherment=bool(bits & 0x20),
        data_encipherment=bool(bits & 0x10),
        key_agreement=bool(bits & 0x08),
        key_cert_sign=bool(bits & 0x04),
        crl_sign=bool(bits & 0x02),
        encipher_only=False,
        decipher_only=False,
    )


def _alternative(text: str) -> x509.SubjectAlternativeName:
    makers: dict[str, c.Callable[[str], x509.GeneralName]] = {
        "dns": x509.DNSName,
        "ipaddress": lambda value: x509.IPAddress(ipaddress.ip_address(value)),
        "email": x509.RFC822Name,
        "url": x509.UniformResourceIdentifier,
    }
    names: list[x509.GeneralName] = []
    for part in text.split("&"):
        if not part.strip():
            continue
        kind, _equals, value = part.strip().partition("=")
        if kind.lower() not in makers:
            raise Limit(f"{kind} as an alternative name in certreq's file")
        names.append(makers[kind.lower()](value.strip()))
    return x509.SubjectAlternativeName(names)


_DIGESTS: t.Final[c.Mapping[str, hashes.SHA256 | hashes.SHA384 | hashes.SHA512]] = {
    "SHA256": hashes.SHA256(),
    "SHA384": hashes.SHA384(),
    "SHA512": hashes.SHA512(),
}


def _on(value: str) -> bool:
    return value.strip().lower() in {"true", "1", "yes"}


def _new_request(host: WindowsHost, paths: list[str], *, machine: bool, force: bool) -> tuple[int, str]:
    program = "Certificate Request Processor"
    if len(paths) != 2:
        raise Limit("certreq -new without the names of both files")
    parser = _read_inf(host, host.files.read(paths[0]))
    request = _section(parser, "NewRequest")
    unknown = sorted(set(request) - _KNOWN)
    if unknown:
        raise Limit(f"{', '.join(unknown)} of certreq's [NewRequest]")
    if not machine and not _on(request.get("machinekeyset", "false")):
        raise Limit("a request in a user's own store")
    if request.get("keyalgorithm", "RSA").upper() != "RSA" or request.get("requesttype", "PKCS10").upper() != "PKCS10":
        raise Limit("certreq with anything but an RSA key and PKCS10")
    if _on(request.get("useexistingkeyset", "false")):
        raise Limit("certreq with UseExistingKeySet")
    try:
        subject = _parsed_name(request.get("subject", ""))
        size = int(request.get("keylength", "2048"), 0)
        extensions = _extensions(request, parser)
    except ValueError:
        return _refusal(program, _BAD_DATA)
    if host.files.is_file(paths[1]) and not force:
        return _refusal(program, _EXISTS)
    private = rsa.generate_private_key(public_exponent=65537, key_size=size)
    digest = _DIGESTS.get(request.get("hashalgorithm", "SHA256").upper())
    if digest is None:
        raise Limit(f"the hash algorithm {request['hashalgorithm']}")
    builder = x509.CertificateSigningRequestBuilder().subject_name(subject)
    dummy = x509.CertificateBuilder().subject_name(subject).issuer_name(subject).public_key(private.public_key())
    for extension, critical in [*extensions, (x509.SubjectKeyIdentifier.from_public_key(private.public_key()), False)]:
        builder = builder.add_extension(extension, critical)
        dummy = dummy.add_extension(extension, critical)
    made = builder.sign(private, digest)
    begin = dt.datetime.fromtimestamp(host.now(), dt.UTC).replace(microsecond=0)
    pending = (
        dummy.serial_number(x509.random_serial_number())
        .not_valid_before(begin)
        .not_valid_after(begin + dt.timedelta(days=365))
        .sign(private, digest)
    )
    provider = request.get("providername", host.provider)
    key = new_key(private, provider=provider, exportable=_on(request.get("exportable", "false")))
    text = base64.encodebytes(made.public_bytes(serialization.Encoding.DER)).decode()
    body = re.sub(r"\s", "", text)
    lines = "\r\n".join(body[at : at + 64] for at in range(0, len(body), 64))
    heads = ("-----BEGIN NEW CERTIFICATE REQUEST-----", "-----END NEW CERTIFICATE REQUEST-----")
    host.files.write(paths[1], f"{heads[0]}\r\n{lines}\r\n{heads[1]}\r\n".encode())
    host.stores.add("REQUEST", pending.public_bytes(serialization.Encoding.DER), key)
    return 0, "\r\nCertReq: Request Created\r\n"


def _accept(host: WindowsHost, paths: list[str], *, machine: bool) -> tuple[int, str]:
    program = "Certificate Request Processor"
    if len(paths) != 1:
        raise Limit("certreq -accept without the name of one file")
    try:
        ders = certificates_in(host.files.read(paths[0]))
    except ValueError:
        return _refusal(program, _BAD_DATA)
    # INFERRED: without -machine the user's requests are looked through; there are none here.
    pending = host.stores.entries("REQUEST") if machine else []
    for der in ders:
        entry = Entry(der=der)
        match = next((one for one in pending if one.spki == entry.spki), None)
        if match is None:
            continue
        verdict = host.stores.check_chain(der, [one for one in ders if one != der], host.now())
        if verdict.statuses:
            status = min(verdict.statuses, key=lambda name: name not in {"UntrustedRoot", "PartialChain"})
            return _refusal(program, _CHAIN.get(status, _CHAIN["PartialChain"]))
        host.stores.add("My", der, match.key)
        host.stores.remove("REQUEST", match.thumbprint)
        return 0, ""
    return _refusal(program, _NOT_FOUND)


# -- certutil ----------------------------------------------------------------------------------------------------

_TITLES: t.Final = {"My": "Personal", "Root": "Trusted Root Certification Authorities", "CA": "Intermediate Certification Authorities", "REQUEST": "Certificate Enrollment Requests"}  # noqa: E501  # fmt: skip


def _certutil(host: WindowsHost, argv: c.Sequence[str]) -> tuple[int, str]:
    words = [word for word in argv if word.lower() not in {"-f", "-q", "-silent", "-v"}]
    verb = words[0].lower().lstrip("-/") if words else ""
    verbs = {"store": _list_store, "addstore": _add_to_store, "delstore": _delete, "repairstore": _repair}
    if verb not in verbs or len(words) < 2:
        raise Limit(f"certutil {' '.join(argv)}")
    store = host.stores.store_name(words[1])
    if store is None:
        raise Limit(f"the certificate store {words[1]}")
    if verb != "store" and not host.may_change():
        return _refusal(f"CertUtil: -{verb} command FAILED", _ACCESS_DENIED)
    failure, text = verbs[verb](host, store, words[2:])
    if failure is not None:
        code, said = _refusal(f"CertUtil: -{verb} command FAILED", failure)
        return code, f"{text}{said}CertUtil: {failure[1]}\r\n"
    return 0, f"{text}CertUtil: -{verb} command completed successfully.\r\n"


def _chosen(host: WindowsHost, store: str, words: list[str]) -> list[Entry]:
    if not words:
        return host.stores.entries(store)
    wanted = words[0].replace(" ", "").upper()
    return [
        entry
        for entry in host.stores.entries(store)
        if entry.thumbprint == wanted or f"{entry.certificate.serial_number:X}" == wanted.lstrip("0")
    ]


def _list_store(host: WindowsHost, store: str, words: list[str]) -> tuple[Failure | None, str]:
    if not host.locale.startswith("en"):
        raise Limit(f"certutil's output in {host.locale}")
    entries = _chosen(host, store, words)
    if words and not entries:
        return _NOT_FOUND, f'{store} "{_TITLES[store]}"\r\n'
    lines = [f'{store} "{_TITLES[store]}"']
    for number, entry in enumerate(entries):
        certificate = entry.certificate
        serial = f"{certificate.serial_number:x}"
        lines += [
            f"================ Certificate {number} ================",
            f"Serial Number: {serial.zfill(len(serial) + len(serial) % 2)}",
            f"Issuer: {windows_name(certificate.issuer)}",
            f" NotBefore: {_stamp(host, certificate.not_valid_before_utc)}",
            f" NotAfter: {_stamp(host, certificate.not_valid_after_utc)}",
            f"Subject: {windows_name(certificate.subject)}",
            f"Cert Hash(sha1): {entry.thumbprint.lower()}",
        ]
        if entry.key is None:
            lines.append("Missing stored keyset" if entry.orphaned else "  No key provider information")
            continue
        lines += [
            f"  Unique container name: {entry.key.unique_name}",
            f"  Provider = {entry.key.provider}",
            f"Private key is {'' if entry.key.exportable else 'NOT '}exportable",
        ]
    return None, "\r\n".join(lines) + "\r\n"


def _stamp(host: WindowsHost, value: dt.datetime) -> str:
    local = value + dt.timedelta(seconds=host.time_zone)
    return f"{local.month}/{local.day}/{local.year} {(local.hour - 1) % 12 + 1}:{local:%M %p}"


def _add_to_store(host: WindowsHost, store: str, words: list[str]) -> tuple[Failure | None, str]:
    try:
        ders = certificates_in(host.files.read(words[0] if words else ""))
    except FileNotFoundError:
        return _NO_FILE, ""
    except ValueError:
        return _BAD_DATA, ""
    text = f'{store} "{_TITLES[store]}"\r\n'
    for der in ders:
        name = windows_name(host.stores.add(store, der).certificate.subject)
        text += f'Certificate "{name}" added to store.\r\n'
    return None, text


def _delete(host: WindowsHost, store: str, words: list[str]) -> tuple[Failure | None, str]:
    entries = _chosen(host, store, words) if words else []
    for entry in entries:
        host.stores.remove(store, entry.thumbprint)
    text = f'{store} "{_TITLES[store]}"\r\n'
    return (None, text + "".join("Deleting Certificate\r\n" for _entry in entries)) if entries else (_NOT_FOUND, text)


def _repair(host: WindowsHost, store: str, words: list[str]) -> tuple[Failure | None, str]:
    entries = _chosen(host, store, words) if words else []
    for entry in entries:
        key = host.stores.key_of(entry.spki)
        if key is None:
            return _NOT_FOUND, "Cannot find the certificate and private key for decryption.\r\n"
        host.stores.add(store, entry.der, key)
    return (None, f'{store} "{_TITLES[store]}"\r\n') if entries else (_NOT_FOUND, "")


# -- netsh -------------------------------------------------------------------------------------------------------

# INFERRED: the Japanese and the German words; what is sure is that netsh's words differ with the language, and the
# order does not.
_SSLCERT: t.Final[c.Mapping[str, tuple[str, ...]]] = {
    "en": (
        "SSL Certificate bindings:", "IP:port", "Hostname:port", "Certificate Hash", "Application ID",
        "Certificate Store Name", "Verify Client Certificate Revocation",
        "Verify Revocation Using Cached Client Certificate Only", "Usage Check", "Revocation Freshness Time",
        "URL Retrieval Timeout", "Ctl Identifier", "Ctl Store Name", "DS Mapper Usage", "Negotiate Client Certificate",
        "Enabled", "Disabled", "The system cannot find the file specified.",
    ),
    "ja": (
        "SSL 証明書のバインド:", "IP:ポート", "ホスト名:ポート", "証明書ハッシュ", "アプリケーション ID",
        "証明書ストア名", "クライアント証明書の失効の検証",
        "キャッシュされたクライアント証明書のみを使用した失効の検証",
        "使用法の確認", "失効の更新時間", "URL 取得タイムアウト", "CTL 識別子", "CTL ストア名", "DS マッパーの使用",
        "クライアント証明書のネゴシエーション", "有効", "無効", "指定されたファイルが見つかりません。",
    ),
    "de": (
        "SSL-Zertifikatbindungen:", "IP:Port", "Hostname:Port", "Zertifikathash", "Anwendungs-ID",
        "Zertifikatspeichername", "Clientzertifikatsperrung überprüfen",
        "Sperrung ausschließlich mithilfe von zwischengespeichertem Clientzertifikat überprüfen",
        "Verwendungsüberprüfung", "Sperraktualisierungszeit", "Zeitlimit für URL-Abruf", "Steuerelement-ID",
        "Steuerelement-Speichername", "DS-Zuordnungsverwendung", "Clientzertifikat aushandeln", "Aktiviert",
        "Deaktiviert", "Das System kann die angegebene Datei nicht finden.",
    ),
}  # fmt: skip


def _netsh(host: WindowsHost, argv: c.Sequence[str]) -> tuple[int, str]:
    words = [word.lower() for word in argv]
    if words[:3] != ["http", "show", "sslcert"] or len(words) > 4:
        raise Limit(f"netsh {' '.join(argv)}")
    wanted = words[3].partition("=")[2] if len(words) == 4 and "=" in words[3] else words[3] if len(words) == 4 else ""
    bindings = [one for one in host.bindings if not wanted or one.endpoint.lower() == wanted]
    language = _SSLCERT[host.locale[:2]]
    text = f"\r\n{language[0]}\r\n-------------------------\r\n\r\n"
    if wanted and not bindings:
        return 1, f"{text}{language[17]}\r\n\r\n"
    return 0, text + "".join(_binding(one, language) for one in bindings)


def _binding(binding: Binding, words: tuple[str, ...]) -> str:
    by_address = re.match(r"[\d.]+:|\[", binding.endpoint) is not None
    rows = [
        (words[1 if by_address else 2], binding.endpoint),
        (words[3], binding.thumbprint.lower()),
        (words[4], binding.app_id),
        (words[5], binding.store),
        (words[6], words[15]),
        (words[7], words[16]),
        (words[8], words[15]),
        (words[9], "0"),
        (words[10], "0"),
        (words[11], "(null)"),
        (words[12], "(null)"),
        (words[13], words[16]),
        (words[14], words[16]),
    ]
    return "".join(f"    {name:<28} : {value}\r\n" for name, value in rows) + "\r\n"


# -- icacls ------------------------------------------------------------------------------------------------------


def _icacls(host: WindowsHost, argv: c.Sequence[str]) -> tuple[int, str]:
    path, rest = argv[0], list(argv[1:])
    key = host.files.key_at(path)
    if key is None:
        if host.files.exists(path):
            raise Limit(f"the access list of {path}")
        return 2, f"{path}: The system cannot find the file specified.\r\n{_summary(0)}"
    if not key.shows_rules(ADMINISTRATORS):
        return 5, f"{path}: Access is denied.\r\n{_summary(0)}"
    if not rest:
        rows = [f"{host.account_of(sid) or sid}:{_MARKS[rule]}" for sid, rule in key.rules.items()]
        blank = " " * (len(path) + 1)
        shown = f"{path} " + f"\r\n{blank}".join(rows)
        return 0, f"{shown}\r\n\r\n{_summary(1)}"
    rules = dict(key.rules)
    verb = ""
    for word in rest:
        if word.startswith("/"):
            verb = word.lower().partition(":")[0]
            if verb not in {"/grant", "/deny", "/remove", "/q", "/c"}:
                raise Limit(f"icacls {word}")
            continue
        code = _change(host, rules, verb, word)
        if code:
            return 1332, f"{word.partition(':')[0]}: {code}\r\n{_summary(0)}"
    if key.rules[ADMINISTRATORS] != "full" or not host.may_change():
        return 5, f"{path}: Access is denied.\r\n{_summary(0)}"
    host.stores.set_rules(key.unique_name, rules)
    return 0, f"processed file: {key_path(key)}\r\n{_summary(1)}"


_MARKS: t.Final[c.Mapping[str, str]] = {"use": "(RD)", "read": "(R)", "full": "(F)", "deny": "(DENY)(R)"}


def _summary(good: int) -> str:
    return f"Successfully processed {good} files; Failed processing {1 - good} files\r\n"


def _change(host: WindowsHost, rules: dict[str, Rule], verb: str, word: str) -> str:
    """Carry one word of icacls out; a sentence when it cannot."""
    account, colon, rights = word.partition(":")
    sid = account[1:] if account.startswith("*S-") else host.sid_of(account)
    if sid is None:
        return "No mapping between account names and security IDs was done."
    if verb == "/remove":
        rules.pop(sid, None)
        return ""
    marks = set(re.findall(r"[A-Z]+", rights.upper())) - {"I", "OI", "CI", "IO", "NP"}
    if not colon or not marks or not marks <= {"R", "GR", "RX", "F", "GA"}:
        raise Limit(f"icacls {verb} {word}")
    if verb == "/deny":
        rules[sid] = "deny"
    elif marks & {"F", "GA"} or rules.get(sid) == "full":
        rules[sid] = "full"
    else:
        rules[sid] = "read"
    return ""


# -- small ones --------------------------------------------------------------------------------------------------


def _hostname(host: WindowsHost, argv: c.Sequence[str]) -> tuple[int, str]:
    del argv
    return 0, f"{host.host_name.partition('.')[0]}\r\n"


def _whoami(host: WindowsHost, argv: c.Sequence[str]) -> tuple[int, str]:
    if argv:
        raise Limit(f"whoami {' '.join(argv)}")
    return 0, f"{host.host_name.partition('.')[0].lower()}\\{host.account.lower()}\r\n"


BUILT_IN: t.Final[c.Mapping[str, c.Callable[[WindowsHost, c.Sequence[str]], tuple[int, str]]]] = {
    "certreq.exe": _certreq,
    "certutil.exe": _certutil,
    "netsh.exe": _netsh,
    "icacls.exe": _icacls,
    "hostname.exe": _hostname,
    "whoami.exe": _whoami,
}
