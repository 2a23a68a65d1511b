# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a simulated Windows thinks of certificates, judged by openssl; and the programs that deal with them."""

from __future__ import annotations

import base64
import datetime as dt
import json
import pathlib
import subprocess
import typing as t

import pytest
from ansible_collections.camsec.fleet.extensions.simulator._windows_files import key_path
from ansible_collections.camsec.fleet.extensions.simulator._windows_parts import Binding, Service
from ansible_collections.camsec.fleet.extensions.simulator._windows_store import (
    ADMINISTRATORS,
    LOCAL_SERVICE,
    NETWORK_SERVICE,
    SYSTEM,
    Stores,
    new_key,
)
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import pkcs12
from cryptography.x509.oid import ExtendedKeyUsageOID

from .conftest import START, Authority, der_of, make_host, pem_of, run

Host = t.Any
Key = rsa.RSAPrivateKey
INF = '''[Version]
Signature="$Windows NT$"
[NewRequest]
Subject = "CN=rec01.example, O=""A, B"""
KeyLength = 2048
KeyAlgorithm = RSA
MachineKeySet = TRUE
Exportable = FALSE
KeyUsage = 0xa0
HashAlgorithm = SHA256
RequestType = PKCS10
[EnhancedKeyUsageExtension]
OID=1.3.6.1.5.5.7.3.1
[Extensions]
2.5.29.17 = "{text}"
_continue_ = "dns=rec01.example&"
_continue_ = "ipaddress=192.0.2.7"
'''


def openssl_verifies(  # noqa: PLR0917 - the order of openssl's own words
    folder: pathlib.Path, roots: list[bytes], middle: list[bytes], leaf: bytes, name: str, at: dt.datetime
) -> bool:
    """`openssl verify` as a TLS client would: purpose, host name and time."""
    files = {"roots": roots, "middle": middle, "leaf": [leaf]}
    for kind, ders in files.items():
        text = "".join(pem_of(x509.load_der_x509_certificate(der)) for der in ders)
        (folder / kind).write_text(text, encoding="ascii")
    trusted = ["-CAfile", str(folder / "roots")] if roots else ["-no-CAfile"]
    others = ["-untrusted", str(folder / "middle")] if middle else []
    command = [
        "openssl", "verify", "-no-CApath", "-no-CAstore", *trusted, *others, "-purpose", "sslserver",
        "-verify_hostname", name, "-attime", str(int(at.timestamp())), str(folder / "leaf"),
    ]  # fmt: skip
    return subprocess.run(command, capture_output=True, check=False, timeout=60).returncode == 0


CASES: dict[str, tuple[dict[str, t.Any], str, int, frozenset[str], frozenset[str]]] = {
    "good": ({"dns": ["rec01.example"]}, "REC01.example", 0, frozenset(), frozenset()),
    "common name": ({}, "rec01.example", 0, frozenset(), frozenset()),
    "common name beside DNS names": (
        {"dns": ["other.example"]}, "rec01.example", 0, frozenset({"RemoteCertificateNameMismatch"}), frozenset(),
    ),
    "wildcard": ({"dns": ["*.site.example"]}, "rec01.site.example", 0, frozenset(), frozenset()),
    "wildcard, two labels": (
        {"dns": ["*.site.example"]}, "a.rec01.site.example", 0, frozenset({"RemoteCertificateNameMismatch"}), frozenset(),  # noqa: E501
    ),
    "ended": (
        {"dns": ["rec01.example"]}, "rec01.example", 101,
        frozenset({"RemoteCertificateChainErrors"}), frozenset({"NotTimeValid"}),
    ),
    "not yet": (
        {"dns": ["rec01.example"]}, "rec01.example", -5,
        frozenset({"RemoteCertificateChainErrors"}), frozenset({"NotTimeValid"}),
    ),
    "for clients": (
        {"dns": ["rec01.example"], "usage": ExtendedKeyUsageOID.CLIENT_AUTH}, "rec01.example", 0,
        frozenset({"RemoteCertificateChainErrors"}), frozenset({"NotValidForUsage"}),
    ),
    "any purpose": ({"dns": ["rec01.example"], "usage": None}, "rec01.example", 0, frozenset(), frozenset()),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("through", ["root", "handshake", "store", "nowhere", "untrusted"])
def test_verdicts(tmp_path: pathlib.Path, authority: Authority, leaf_key: Key, case: str, through: str) -> None:
    options, name, days, errors, statuses = CASES[case]
    middle = Authority.made("Middle", authority, key=authority.key)
    issuer = authority if through in {"root", "untrusted"} else middle
    leaf = der_of(issuer.issue(leaf_key.public_key(), **options))
    now = START + dt.timedelta(days=days)
    stores = Stores()
    roots = [] if through == "untrusted" else [der_of(authority.certificate)]
    for root in roots:
        stores.add("Root", root)
    sent = [der_of(middle.certificate)] if through == "handshake" else []
    if through == "store":
        stores.add("CA", der_of(middle.certificate))
    verdict = stores.judge(leaf, sent, name, now.timestamp())
    broken = through in {"nowhere", "untrusted"}
    more = {"RemoteCertificateChainErrors"} if broken else set()
    assert verdict.errors == errors | more
    assert verdict.statuses >= ({"PartialChain"} if broken else statuses)
    known = [der_of(middle.certificate)] if through in {"handshake", "store"} else []
    assert openssl_verifies(tmp_path, roots, known, leaf, name, now) == verdict.good


def test_a_root_that_was_sent_is_no_trusted_one(authority: Authority, leaf_key: Key) -> None:
    leaf = der_of(authority.issue(leaf_key.public_key()))
    verdict = Stores().judge(leaf, [der_of(authority.certificate)], "rec01.example", START.timestamp())
    assert verdict.statuses == {"UntrustedRoot"}
    assert Stores().judge(None, [], "x", 0).errors == {"RemoteCertificateNotAvailable"}


def test_who_may_use_a_key(authority: Authority, leaf_key: Key) -> None:
    stores, changes = Stores(), []
    stores.on_change = lambda: changes.append(1)
    key = new_key(leaf_key)
    entry = stores.add("My", der_of(authority.issue(leaf_key.public_key())), key)
    print_ = entry.thumbprint
    assert [stores.readable(print_, sid) for sid in (SYSTEM, ADMINISTRATORS, NETWORK_SERVICE)] == [True, True, False]
    stores.set_rules(key.unique_name, {**key.rules, NETWORK_SERVICE: "read", LOCAL_SERVICE: "deny"})
    assert stores.readable(print_, NETWORK_SERVICE)
    assert not stores.readable(print_, LOCAL_SERVICE)
    assert not stores.readable(print_, NETWORK_SERVICE, LOCAL_SERVICE)
    other = Stores()
    other.load(json.loads(json.dumps(stores.dump())))
    assert other.readable(print_.lower(), NETWORK_SERVICE)
    assert other.dump() == stores.dump()
    stores.remove("My", print_)
    assert stores.key_of(key.spki) is key
    assert len(changes) == 3


def _write(path: str, data: bytes) -> str:
    text = base64.b64encode(data).decode()
    return f"[IO.File]::WriteAllBytes(\"$env:TEMP\\{path}\", [Convert]::FromBase64String('{text}'))\n"


def _requested(host: Host) -> str:
    script = _write("r.inf", INF.encode()) + (
        '& certreq.exe -new -machine -q "$env:TEMP\\r.inf" "$env:TEMP\\r.req" | Out-Null; $LASTEXITCODE\n'
        'Get-Content "$env:TEMP\\r.req" -Raw'
    )
    ran = run(host, script)
    assert ran.lines[0] == "0", ran
    return "\n".join(ran.lines[1:])


def test_certreq(authority: Authority) -> None:
    host = make_host()
    text = _requested(host)
    shown = subprocess.run(
        ["openssl", "req", "-verify", "-noout", "-text"],
        input=text,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert "verify OK" in shown.stderr
    for words in ("CN = rec01.example, O = \"A, B\"", "DNS:rec01.example, IP Address:192.0.2.7",
                  "TLS Web Server Authentication", "Digital Signature, Key Encipherment"):  # fmt: skip
        assert words in shown.stdout.replace("CN=", "CN = ").replace("O=", "O = ")
    request = x509.load_pem_x509_csr(text.replace("NEW ", "").encode())
    public = request.public_key()
    assert isinstance(public, rsa.RSAPublicKey)
    certificate = authority.issue(public, dns=["rec01.example"])
    accept = 'certreq.exe -accept -machine -q "$env:TEMP\\c.cer" | Out-Null; $LASTEXITCODE\n'
    count = "@(Get-ChildItem Cert:\\LocalMachine\\My).Count; @(Get-ChildItem Cert:\\LocalMachine\\REQUEST).Count"
    # Neither a certificate of a foreign authority nor one for another key is taken.
    assert run(host, _write("c.cer", der_of(certificate)) + accept + count).lines == ["-2146762486", "0", "1"]
    root = _write("root.cer", der_of(authority.certificate)) + 'certutil -addstore Root "$env:TEMP\\root.cer" > $null\n'
    assert run(host, root + accept + count).lines == ["0", "1", "0"]
    assert run(host, accept).lines == ["-2146885628"]
    # The key never left: what the host holds is what was certified.
    entry = host.stores.entries("My")[0]
    assert entry.key is not None
    assert entry.key.spki == entry.spki
    removed = run(
        host, "Remove-Item Cert:\\LocalMachine\\My\\* -DeleteKey; @(Get-ChildItem Cert:\\LocalMachine\\My).Count"
    )
    assert removed.lines == ["0"]
    assert host.stores.keys == {}


def test_repairstore_finds_the_key_again(authority: Authority, leaf_key: Key) -> None:
    host = make_host()
    entry = host.stores.add("My", der_of(authority.issue(leaf_key.public_key())), new_key(leaf_key))
    host.stores.remove("My", entry.thumbprint)
    host.stores.add("My", entry.der)
    path = f"Cert:\\LocalMachine\\My\\{entry.thumbprint}"
    script = f"(Get-Item {path}).HasPrivateKey; certutil -repairstore My {entry.thumbprint} > $null; (Get-Item {path}).HasPrivateKey"  # noqa: E501
    assert run(host, script).lines == ["False", "True"]


PFX = r"""
$c = [Security.Cryptography.X509Certificates.X509Certificate2]::new([IO.File]::ReadAllBytes("$env:TEMP\p"), 'pw', '%s')
$s = New-Object System.Security.Cryptography.X509Certificates.X509Store 'My', 'LocalMachine'
$s.Open('ReadWrite'); $s.Add($c); $s.Close()
"""


@pytest.mark.parametrize(("flags", "kept"), [("MachineKeySet, PersistKeySet", True), ("MachineKeySet", False)])
def test_a_pfx_keeps_its_key_only_when_told(authority: Authority, leaf_key: Key, flags: str, kept: bool) -> None:
    host = make_host()
    certificate = authority.issue(leaf_key.public_key())
    how = serialization.BestAvailableEncryption(b"pw")
    data = pkcs12.serialize_key_and_certificates(b"n", leaf_key, certificate, None, how)
    assert run(host, _write("p", data) + PFX % flags).limit == ""
    assert (host.stores.entries("My")[0].key is not None) == kept
    wrong = run(host, (PFX % flags).replace("'pw'", "'no'"))
    assert "The specified network password is not correct." in wrong.errors


ACL = r"""
$c = Get-ChildItem Cert:\LocalMachine\My
$k = [Security.Cryptography.X509Certificates.RSACertificateExtensions]::GetRSAPrivateKey($c)
if ($k -is [Security.Cryptography.RSACng]) { $p = "$env:ProgramData\Microsoft\Crypto\Keys\" + $k.Key.UniqueName }
else { $p = "$env:ProgramData\Microsoft\Crypto\RSA\MachineKeys\" + $k.CspKeyContainerInfo.UniqueKeyContainerName }
$k.KeySize; Test-Path $p
$a = Get-Acl -LiteralPath $p
$r = New-Object System.Security.AccessControl.FileSystemAccessRule('NETWORK SERVICE', 'Read', 'Allow')
%s
Set-Acl -LiteralPath $p -AclObject $a
((Get-Acl $p).Access | ForEach-Object { "$($_.IdentityReference)=$($_.FileSystemRights)" }) -join ';'
"""


@pytest.mark.parametrize("storage", ["cng", "csp"])
def test_access_to_keys(authority: Authority, leaf_key: Key, storage: t.Any) -> None:
    host = make_host(key_storage=storage)
    key = new_key(leaf_key, provider=host.provider)
    print_ = host.stores.add("My", der_of(authority.issue(leaf_key.public_key())), key).thumbprint
    full = "NT AUTHORITY\\SYSTEM=FullControl;BUILTIN\\Administrators=FullControl"
    granted = run(host, ACL % "$a.AddAccessRule($r)")
    assert granted.lines == ["2048", "True", f"{full};NT AUTHORITY\\NETWORK SERVICE=Read, Synchronize"], granted
    assert host.stores.readable(print_, NETWORK_SERVICE)
    assert run(host, ACL % "[void]$a.RemoveAccessRule($r)").lines[-1] == full
    assert not host.stores.readable(print_, NETWORK_SERVICE)
    path = host.files.children(
        "C:\\ProgramData\\Microsoft\\Crypto\\" + ("Keys" if storage == "cng" else "RSA\\MachineKeys")
    )
    shown = run(host, f"icacls '{path[0]}' /grant 'NT AUTHORITY\\LocalService:(R)'; icacls '{path[0]}'")
    assert "Successfully processed 1 files" in shown.lines[1]
    assert host.stores.readable(print_, LOCAL_SERVICE)
    translate = "([Security.Principal.NTAccount]'nobody').Translate([Security.Principal.SecurityIdentifier])"
    unknown = run(host, f"try {{ {translate} }} catch {{ $_.Exception.InnerException.GetType().Name }}")
    assert unknown.lines == ["IdentityNotMappedException"]
    # Nobody who was shut out gets in, an administrator neither.
    host.stores.set_rules(key.unique_name, {ADMINISTRATORS: "deny"})
    denied = run(host, ACL % "")
    assert 'Exception calling "GetRSAPrivateKey"' in denied.errors


@pytest.mark.parametrize(
    ("locale", "word"), [("en-US", "Certificate Hash"), ("ja-JP", "証明書ハッシュ"), ("de-DE", "Zertifikathash")]
)
def test_netsh_speaks_the_computers_language(locale: str, word: str) -> None:
    host = make_host(locale=locale)
    host.bindings.append(Binding(endpoint="0.0.0.0:443", thumbprint="AB" * 20, app_id="{0}"))
    ran = run(
        host,
        "netsh.exe http show sslcert ipport=0.0.0.0:443\nnetsh http show sslcert ipport=0.0.0.0:1 >$null; $LASTEXITCODE",  # noqa: E501
    )
    assert any(word in line and ("ab" * 20) in line for line in ran.lines)
    assert ran.lines[-1] == "1"


def test_read_only_changes_nothing_and_counts(authority: Authority, leaf_key: Key) -> None:
    host = make_host()
    host.stores.add("My", der_of(authority.issue(leaf_key.public_key())), new_key(leaf_key))
    before = json.dumps(host.dump())
    host.read_only.enabled = True
    for script in (
        "Remove-Item Cert:\\LocalMachine\\My\\*",
        "Set-Content C:\\x 1",
        ACL % "$a.AddAccessRule($r)",
        "certutil -delstore My 1; exit $LASTEXITCODE",
        "certreq -new -machine -q a b; exit $LASTEXITCODE",
        "New-Item -ItemType Directory C:\\d",
    ):
        assert run(host, script).limit == ""
    assert host.read_only.refused == 6
    assert json.dumps(host.dump()) == before
    fresh = make_host()
    fresh.load(json.loads(before))
    assert json.dumps(fresh.dump()) == before


KEY = r"""
$c = Get-ChildItem Cert:\LocalMachine\My
$c.HasPrivateKey
try { [Security.Cryptography.X509Certificates.RSACertificateExtensions]::GetRSAPrivateKey($c).KeySize }
catch { $e = $_.Exception.InnerException; $e.GetType().Name; $e.Message.Trim() }
"""
GONE = ["True", "CryptographicException", "Keyset does not exist"]


def test_an_orphaned_key(authority: Authority, leaf_key: Key) -> None:
    host = make_host()
    key = new_key(leaf_key)
    print_ = host.stores.add("My", der_of(authority.issue(leaf_key.public_key())), key).thumbprint
    assert not host.stores.orphan_key("00" * 20)
    assert run(host, KEY).lines == ["True", "2048"]
    assert host.stores.orphan_key(print_)
    assert run(host, KEY).lines == GONE
    assert not host.stores.orphan_key(print_)
    assert not host.stores.readable(print_, ADMINISTRATORS)
    assert run(host, "certutil -store My").lines[-2] == "Missing stored keyset"
    # It is remembered, and ends when the key is back.
    other = make_host()
    other.load(json.loads(json.dumps(host.dump())))
    assert run(other, KEY).lines == GONE
    other.stores.keep(key)
    assert run(other, f"certutil -repairstore My {print_} > $null\n{KEY}").lines == ["True", "2048"]


def test_a_key_that_is_deleted_orphans_the_certificates_that_stay(authority: Authority, leaf_key: Key) -> None:
    host = make_host()
    key = new_key(leaf_key)
    host.stores.add("My", der_of(authority.issue(leaf_key.public_key())), key)
    gone = host.stores.add("My", der_of(authority.issue(leaf_key.public_key())), key)
    run(host, f"Remove-Item Cert:\\LocalMachine\\My\\{gone.thumbprint} -DeleteKey")
    assert run(host, KEY).lines == GONE


WHO_MAY = r"""
try { (Get-Acl -LiteralPath '%s').Access.Count } catch { $_.Exception.GetType().FullName; $_.Exception.Message }
icacls '%s' | Out-Null; $LASTEXITCODE
"""


@pytest.mark.parametrize("rule", ["use", "deny", None])
def test_an_access_list_that_administrators_may_not_read(authority: Authority, leaf_key: Key, rule: t.Any) -> None:
    host = make_host()
    key = new_key(leaf_key)
    host.stores.add("My", der_of(authority.issue(leaf_key.public_key())), key)
    path = key_path(key)
    before = run(host, f"Get-Acl '{path}' | ForEach-Object {{ $_.Access.Count }}")
    assert before.lines == ["2"]
    host.stores.set_rules(key.unique_name, {SYSTEM: "full"} | ({ADMINISTRATORS: rule} if rule else {}))
    assert run(host, WHO_MAY % (path, path)).lines == [
        "System.UnauthorizedAccessException",
        "Attempted to perform an unauthorized operation.",
        "5",
    ]
    # The list is one thing, the key another.
    denied = ["True", "CryptographicException", "Access denied."]
    assert run(host, KEY).lines == (["True", "2048"] if rule == "use" else denied)


def test_who_may_only_read_an_access_list_writes_none(authority: Authority, leaf_key: Key) -> None:
    host = make_host()
    key = new_key(leaf_key)
    host.stores.add("My", der_of(authority.issue(leaf_key.public_key())), key)
    host.stores.set_rules(key.unique_name, {ADMINISTRATORS: "read", LOCAL_SERVICE: "use"})
    ran = run(host, ACL % "$a.AddAccessRule($r)")
    assert "Attempted to perform an unauthorized operation." in ran.errors
    assert "NT AUTHORITY\\LOCAL SERVICE=ReadData" in ran.lines[-1]
    assert key.rules == {ADMINISTRATORS: "read", LOCAL_SERVICE: "use"}


# -- another language --------------------------------------------------------------------------------------------

TRANSLATE = r"""
foreach ($n in 'NT AUTHORITY\NETWORK SERVICE', 'NT AUTHORITY\NetworkService', 'NETWORK SERVICE',
    'BUILTIN\Administrators', 'NT-AUTORITÄT\Netzwerkdienst', 'NT-AUTORITÄT\Lokaler Dienst', 'NT-AUTORITÄT\SYSTEM',
    'VORDEFINIERT\Administratoren')
{
    try { ([Security.Principal.NTAccount]$n).Translate([Security.Principal.SecurityIdentifier]).Value }
    catch { $_.Exception.InnerException.GetType().Name }
}
([Security.Principal.SecurityIdentifier]'S-1-5-20').Translate([Security.Principal.NTAccount]).Value
"""
UNKNOWN = "IdentityNotMappedException"
SIDS = [NETWORK_SERVICE, LOCAL_SERVICE, SYSTEM, ADMINISTRATORS]


@pytest.mark.parametrize(
    ("locale", "lines"),
    [
        ("de-DE", [UNKNOWN] * 4 + SIDS + ["NT-AUTORITÄT\\Netzwerkdienst"]),
        ("en-US", [NETWORK_SERVICE] * 3 + [ADMINISTRATORS] + [UNKNOWN] * 4 + ["NT AUTHORITY\\NETWORK SERVICE"]),
        ("ja-JP", [NETWORK_SERVICE] * 3 + [ADMINISTRATORS] + [UNKNOWN] * 4 + ["NT AUTHORITY\\NETWORK SERVICE"]),
    ],
)
def test_accounts_have_the_names_of_the_language(locale: str, lines: list[str]) -> None:
    assert run(make_host(locale=locale), TRANSLATE).lines == lines


def test_access_to_keys_in_german(authority: Authority, leaf_key: Key) -> None:
    host = make_host(locale="de-DE")
    print_ = host.stores.add("My", der_of(authority.issue(leaf_key.public_key())), new_key(leaf_key)).thumbprint
    english = run(host, ACL % "$a.AddAccessRule($r)")
    assert "Some or all identity references could not be translated." in english.errors
    assert not host.stores.readable(print_, NETWORK_SERVICE)
    by_sid = (ACL % "$a.AddAccessRule($r)").replace(
        "'NETWORK SERVICE'", "[Security.Principal.SecurityIdentifier]'S-1-5-20'"
    )
    full = "NT-AUTORITÄT\\SYSTEM=FullControl;VORDEFINIERT\\Administratoren=FullControl"
    assert run(host, by_sid).lines[-1] == f"{full};NT-AUTORITÄT\\Netzwerkdienst=Read, Synchronize"
    assert host.stores.readable(print_, NETWORK_SERVICE)


def test_a_services_account_is_known_by_its_sid() -> None:
    host = make_host(locale="de-DE")
    host.services["S"] = Service(name="S", display_name="S", account="NT AUTHORITY\\NetworkService")
    assert host.sid_of("NT AUTHORITY\\NetworkService") is None
    assert host.service_accounts == {"NT AUTHORITY\\NetworkService": NETWORK_SERVICE}
    assert host.service_sid("NT-AUTORITÄT\\Netzwerkdienst") == host.service_sid("NETWORK SERVICE") == NETWORK_SERVICE
    # That name is the service manager's alone (LocalSystem Account, Microsoft): nobody else resolves it.
    assert host.service_sid("LocalSystem") == SYSTEM
    assert make_host().sid_of("LocalSystem") is None


# -- INF files ---------------------------------------------------------------------------------------------------


def _certreq_of(host: Host, inf: bytes) -> tuple[str, str]:
    """The exit code and words of certreq, and the request's subject as openssl reads it."""
    script = _write("r.inf", inf) + (
        '& certreq.exe -new -f -machine -q "$env:TEMP\\r.inf" "$env:TEMP\\r.req"; $LASTEXITCODE\n'
        'if ($LASTEXITCODE -eq 0) { [IO.File]::ReadAllText("$env:TEMP\\r.req") }'
    )
    ran = run(host, script)
    assert ran.limit == "", ran
    text = "\n".join(ran.lines)
    if "-----BEGIN" not in text:
        return ran.lines[-1], text
    shown = subprocess.run(
        ["openssl", "req", "-noout", "-subject", "-nameopt", "utf8,esc_2253,sep_comma_plus"],
        input=text[text.index("-----BEGIN") :],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    return "0", shown.stdout.strip().removeprefix("subject=")


def _inf(subject: str) -> str:
    return INF.replace('Subject = "CN=rec01.example, O=""A, B"""', f"Subject = {subject}")


@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "utf-16"])
def test_encodings_of_inf_files(encoding: str) -> None:
    organisation = "Zuern" if encoding == "ascii" else "Zürn"
    data = _inf(f'"CN=rec01.example,O={organisation}"').encode(encoding)
    assert _certreq_of(make_host(), data) == ("0", f"CN=rec01.example,O={organisation}")


def test_utf_8_is_no_encoding_of_inf_files() -> None:
    text = _inf('"CN=rec01.example,O=Zürn"')
    assert _certreq_of(make_host(), text.encode()) == ("0", "CN=rec01.example,O=ZÃ¼rn")
    assert _certreq_of(make_host(), text.encode("utf-8-sig"))[0] == str(0x8007000D - (1 << 32))


@pytest.mark.parametrize(
    ("subject", "read"),
    [
        ('"CN=a,O=""Acme, Inc."""', "CN=a,O=Acme\\, Inc."),
        ('"CN=a;O=""say """"hi"""""""', 'CN=a,O=say \\"hi\\"'),
        ('"CN=a + OU=b,O=c\\d"', "CN=a+OU=b,O=c\\\\d"),
    ],
)
def test_subjects(subject: str, read: str) -> None:
    assert _certreq_of(make_host(), _inf(subject).encode()) == ("0", read)


@pytest.mark.parametrize(
    "subject",
    ['"CN=a,O=Acme\\, Inc."', '"CN=a,O=Acme, Inc."', '"CN=a,XY=b"', '"CN=a,O=x""y"', '"CN=a,O=""x"', '"rec01"'],
)
def test_subjects_that_are_no_names(subject: str) -> None:
    host = make_host()
    code, words = _certreq_of(host, _inf(subject).encode())
    assert code == str(0x80092023 - (1 << 32))
    assert "0x80092023 (-2146885597 CRYPT_E_INVALID_X500_STRING)" in words
    assert not host.stores.keys
