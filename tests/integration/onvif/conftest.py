# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""ONVIF cameras for the session, driven by somebody else's client, judged by the official schemas and by openssl."""

from __future__ import annotations

import base64
import contextlib
import dataclasses as dc
import datetime as dt
import functools
import hashlib
import http.client
import os
import pathlib
import re
import shutil
import subprocess
import time
import typing as t

import onvif
import pytest
from ansible_collections.camsec.fleet.extensions.simulator.testing import RunningSimulator, own_base_address
from lxml import etree
from onvif import ONVIFClient
from onvif.operator import CacheMode
from onvif.utils.exceptions import ONVIFOperationException
from zeep import Plugin

RSA, ECDSA = "1.2.840.113549.1.1.11", "1.2.840.10045.4.3.2"
HTTP, HTTPS, UDP = 8080, 8443, 3702
PASSWORD = "Password-of-tests-1"
WSDL = pathlib.Path(onvif.__file__).parent / "wsdl"
SOAP = "http://www.w3.org/2003/05/soap-envelope"
TDS = "http://www.onvif.org/ver10/device/wsdl"
TAS = "http://www.onvif.org/ver10/advancedsecurity/wsdl"
TT = "http://www.onvif.org/ver10/schema"
TER = "http://www.onvif.org/ver10/error"
XS = "{http://www.w3.org/2001/XMLSchema}"
WSSE = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd"
WSU = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd"
DIGEST = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-username-token-profile-1.0#PasswordDigest"

# The kinds of camera, and how many tests may have one each.
KINDS: dict[str, tuple[int, str]] = {
    "plain": (171, ""),
    "legacy": (10, "advanced_security: false"),
    "tokens": (8, "token_only: true"),
    "sha": (4, "digest: [SHA-256, MD5]"),
    "old": (6, "tls_versions: ['1.0', '1.1', '1.2', '1.3'], max_tls_certification_paths: 2"),
    "small": (
        12,
        "max_keys: 2, max_certificates: 2, max_certification_paths: 1, max_passphrases: 1, max_crls: 1, max_users: 2",
    ),
    "found": (20, f"discovery_port: {UDP}, scopes: ['onvif://www.onvif.org/place/gate']"),
    "locking": (2, "lockout_after: 3"),
}
#: i-PRO cameras, which have ONVIF as their second door.
IPRO = 16
USERS = ", ".join(f"{{name: {level.lower()}, password: {PASSWORD}, level: {level}}}" for level in ("Operator", "User"))


def _fleet() -> str:
    first, second, third, _last = own_base_address().split(".")
    lines, number = ["onvif_cameras:"], 0
    for kind, (count, options) in KINDS.items():
        for index in range(count):
            number += 1
            place = f"name: {kind}-{index}, address: {first}.{second}.{int(third) + 5}.{number}"
            users = "" if kind == "small" else f", users: [{USERS}]"
            ports = f"http_port: {HTTP}, https_port: {HTTPS}, password: {PASSWORD}{users}"
            lines.append(f"  - {{{place}, {ports}{', ' if options else ''}{options}}}")
    lines.append("cameras:")
    for index in range(IPRO):
        place = f"name: ipro-{index}, address: {first}.{second}.{int(third) + 7}.{index + 1}"
        users = f"users: [{{name: viewer, password: {PASSWORD}}}, {{name: operator, password: {PASSWORD}, level: 2}}]"
        lines.append(f"  - {{{place}, http_port: {HTTP}, https_port: {HTTPS}, password: {PASSWORD}, {users}}}")
    return "\n".join(lines)


def run(*command: str, data: bytes = b"") -> str:
    """Run somebody else's program; its standard output and error, whatever its status."""
    done = subprocess.run(command, input=data, capture_output=True, timeout=60, check=False)
    return (done.stdout + done.stderr).decode(errors="replace")


# -- the schemas -----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def schema(tmp_path_factory: pytest.TempPathFactory) -> t.Any:
    """The official schemas of envelope, device and security service, offline.

    libxml2 calls the wildcards of some types ambiguous. Without them the schemas are stricter; nobody here uses them.
    """
    folder = tmp_path_factory.mktemp("wsdl")
    for part in ("ver10/schema", "schema/common"):
        shutil.copytree(WSDL / part, folder / part)
    for path in (folder / "ver10/schema").glob("*.xsd"):
        tree = etree.parse(str(path))
        _without_wildcards(tree.getroot())
        tree.write(str(path))
    found = [(SOAP, folder / "schema/common/soap-envelope")]
    for name in ("device/wsdl/devicemgmt", "advancedsecurity/wsdl/advancedsecurity"):
        part = etree.parse(str(WSDL / f"ver10/{name}.wsdl")).find(f".//{XS}schema")
        _without_wildcards(part)
        for one in part.findall(f"{XS}import"):
            one.set("schemaLocation", (folder / "ver10/schema/onvif.xsd").as_uri())
        path = folder / f"{name.rpartition('/')[2]}.xsd"
        path.write_bytes(etree.tostring(part))
        found.append((part.get("targetNamespace"), path))
    top = etree.Element(f"{XS}schema")
    for namespace, path in found:
        etree.SubElement(top, f"{XS}import", namespace=namespace, schemaLocation=path.as_uri())
    return etree.XMLSchema(top)


def _without_wildcards(root: t.Any) -> None:
    for wildcard in [one for one in root.iter(f"{XS}any") if one.get("minOccurs") == "0"]:
        wildcard.getparent().remove(wildcard)


class Judge(Plugin):
    """Sees every message of the foreign client, and what the schemas have against it."""

    def __init__(self, schema: t.Any) -> None:
        self.schema = schema
        self.complaints: list[str] = []
        self.seen: set[str] = set()

    def judge(self, envelope: t.Any) -> None:
        fresh = etree.fromstring(etree.tostring(envelope))
        body = fresh.find(f"{{{SOAP}}}Body")
        self.seen.add(etree.QName(body[0]).localname)
        if not self.schema.validate(fresh):
            self.complaints.append(f"{body[0].tag}: {self.schema.error_log}")

    def egress(self, envelope: t.Any, http_headers: t.Any, *_more: t.Any) -> t.Any:
        self.judge(envelope)
        return envelope, http_headers

    def ingress(self, envelope: t.Any, http_headers: t.Any, *_more: t.Any) -> t.Any:
        self.judge(envelope)
        return envelope, http_headers


# -- a camera --------------------------------------------------------------------------------------------------------


@dc.dataclass(frozen=True, kw_only=True)
class Reply:
    status: int
    headers: t.Mapping[str, str]
    data: bytes

    @property
    def root(self) -> t.Any:
        return etree.fromstring(self.data)

    @property
    def fault(self) -> str:
        """As `Sender/InvalidArgVal/KeyID`; empty when the answer is none."""
        values = self.root.findall(f".//{{{SOAP}}}Code//{{{SOAP}}}Value")
        for value in values:
            prefix, _colon, _name = value.text.partition(":")
            assert value.nsmap[prefix] in (SOAP, TER), value.text
        return "/".join(value.text.partition(":")[2] for value in values)


def token(user: str, password: str, *, created: str | None = None, nonce: bytes | None = None) -> str:
    """A WS-UsernameToken, made by hand."""
    stamp = created or dt.datetime.now(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    number = os.urandom(16) if nonce is None else nonce
    proof = base64.b64encode(hashlib.sha1(number + stamp.encode() + password.encode()).digest()).decode()
    return (
        f'<w:Security xmlns:w="{WSSE}"><w:UsernameToken><w:Username>{user}</w:Username>'
        f'<w:Password Type="{DIGEST}">{proof}</w:Password><w:Nonce>{base64.b64encode(number).decode()}</w:Nonce>'
        f'<u:Created xmlns:u="{WSU}">{stamp}</u:Created></w:UsernameToken></w:Security>'
    )


def message(body: str, header: str = "") -> str:
    return f'<e:Envelope xmlns:e="{SOAP}"><e:Header>{header}</e:Header><e:Body>{body}</e:Body></e:Envelope>'


@dc.dataclass(kw_only=True)
class Camera:
    """A camera of the session: the foreign client's services, and messages made by hand."""

    sim: RunningSimulator
    name: str
    judge: Judge
    folder: pathlib.Path
    digest: bool = False
    user: str = "admin"

    PASSWORD: t.ClassVar[str] = PASSWORD
    HTTP: t.ClassVar[int] = HTTP
    HTTPS: t.ClassVar[int] = HTTPS

    @property
    def address(self) -> str:
        return str(self.sim.device(self.name).spec.address)

    def control(self, path: str = "", method: str = "GET", body: object = None) -> t.Any:
        return self.sim.control(f"/devices/{self.name}{path}", method, body)

    def advance(self, seconds: float) -> None:
        """Let time pass, and bring this camera's clock back to the time by which clients make their tokens."""
        self.sim.advance(seconds)
        self.match_clock()

    def match_clock(self) -> None:
        offset = time.time() - self.sim.simulator.clock.now()
        self.control("/set", "POST", {"clock_offset": offset})

    # -- the foreign client

    def new_client(self, *, port: int = HTTP, https: bool = False, password: str = PASSWORD) -> ONVIFClient:
        return ONVIFClient(
            self.address, port, self.user, password, http_digest=self.digest, use_https=https, verify_ssl=https,
            cache=CacheMode.NONE, timeout=60, plugins=[self.judge],
        )  # fmt: skip

    @functools.cached_property
    def client(self) -> ONVIFClient:
        return self.new_client()

    @functools.cached_property
    def device(self) -> t.Any:
        return self.client.devicemgmt()

    @functools.cached_property
    def keystore(self) -> t.Any:
        return self.client.keystore()

    @functools.cached_property
    def tls(self) -> t.Any:
        return self.client.tlsserver()

    # -- messages made by hand

    def post(
        self, data: str | bytes, *, path: str = "/onvif/device_service", headers: t.Mapping[str, str] | None = None
    ) -> Reply:
        connection = http.client.HTTPConnection(self.address, HTTP, timeout=60)
        try:
            connection.request("POST", path, data.encode() if isinstance(data, str) else data, dict(headers or {}))
            answer = connection.getresponse()
            return Reply(status=answer.status, headers=dict(answer.getheaders()), data=answer.read())
        finally:
            connection.close()

    def ask(self, body: str, *, user: str = "admin", password: str = PASSWORD, **options: t.Any) -> Reply:
        """With a token."""
        reply = self.post(message(body, token(user, password)), **options)
        self.judge.judge(reply.root)
        return reply

    # -- the usual steps

    def make_key(self, kind: int | str = 2048) -> str:
        keystore = self.keystore
        made = (
            keystore.CreateRSAKeyPair(KeyLength=kind)
            if isinstance(kind, int)
            else keystore.CreateECCKeyPair(EllipticCurve=kind)
        )
        self.advance(20)
        assert keystore.GetKeyStatus(KeyID=made.KeyID) == "ok"
        return str(made.KeyID)

    def make_request(self, key: str, **options: t.Any) -> bytes:
        algorithm = options.pop("algorithm", RSA)
        subject = options.pop("subject", {"CommonName": [self.address]})
        made = self.keystore.CreatePKCS10CSR(
            Subject=subject, KeyID=key, SignatureAlgorithm={"algorithm": algorithm}, **options
        )
        return bytes(made)

    def self_signed(self, key: str, **options: t.Any) -> str:
        subject = options.pop("subject", {"CommonName": [self.address]})
        algorithm = options.pop("algorithm", RSA)
        return str(
            self.keystore.CreateSelfSignedCertificate(
                Subject=subject, KeyID=key, SignatureAlgorithm={"algorithm": algorithm}, **options
            )
        )

    def path(self, *certificates: str) -> str:
        return str(self.keystore.CreateCertificationPath(CertificateIDs={"CertificateID": list(certificates)}))

    def set_protocols(self, **protocols: tuple[bool, int]) -> None:
        self.device.SetNetworkProtocols(
            NetworkProtocols=[
                {"Name": name, "Enabled": enabled, "Port": [port]} for name, (enabled, port) in protocols.items()
            ]
        )

    def go_https(self) -> None:
        self.set_protocols(HTTPS=(True, HTTPS))
        self.advance(5)

    def secure(self, authority: Authority) -> str:
        """The whole way to HTTPS with a certificate of an authority; the path's id."""
        request = self.make_request(self.make_key("secp256r1"), algorithm=ECDSA)
        uploaded = self.keystore.UploadCertificate(Certificate=authority.sign(request, self.address))
        path = self.path(uploaded.CertificateID)
        self.tls.AddServerCertificateAssignment(CertificationPathID=path)
        self.go_https()
        return path

    def handshake(self, *options: str, port: int = HTTPS) -> str:
        """What openssl says of a TLS connection."""
        return run("openssl", "s_client", "-connect", f"{self.address}:{port}", *options)

    def shown(self) -> str:
        """The SHA-256 of the certificate that a new connection gets."""
        found = re.search(r"-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----", self.handshake(), re.DOTALL)
        assert found is not None
        return fingerprint(found[0].encode())


def fingerprint(certificate: bytes) -> str:
    form = "PEM" if certificate.startswith(b"-----") else "DER"
    text = run("openssl", "x509", "-inform", form, "-noout", "-fingerprint", "-sha256", data=certificate)
    return text.partition("=")[2].strip()


@contextlib.contextmanager
def _expects(code: str) -> t.Iterator[None]:
    with pytest.raises(ONVIFOperationException) as caught:
        yield
    original = t.cast("t.Any", caught.value.original_exception)
    assert hasattr(original, "subcodes"), repr(original)
    names = [original.code.partition(":")[2], *(name.localname for name in original.subcodes)]
    assert "/".join(names) == code, original.message


# -- an authority that is openssl's ----------------------------------------------------------------------------------


class Authority:
    """A root and an intermediate CA, made and used with the openssl program."""

    def __init__(self, folder: pathlib.Path) -> None:
        self.folder = folder
        self.root, self.intermediate = folder / "root.pem", folder / "intermediate.pem"
        must(
            "openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "3650", "-subj", "/CN=Root of tests",
            "-addext", "keyUsage=critical,keyCertSign,cRLSign",
            "-keyout", str(folder / "root.key"), "-out", str(self.root),
        )  # fmt: skip
        request = must(
            "openssl", "req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
            "-subj", "/CN=Intermediate of tests",
            "-keyout", str(folder / "intermediate.key"),
        )  # fmt: skip
        extensions = "basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign,cRLSign\n"
        self.intermediate.write_bytes(self._issue(request, "root", extensions))
        self.bundle = folder / "bundle.pem"
        self.bundle.write_bytes(self.root.read_bytes() + self.intermediate.read_bytes())

    def _issue(self, request: bytes, by: str, extensions: str) -> bytes:
        path = self.folder / "extensions.cnf"
        path.write_text(extensions + "subjectKeyIdentifier=hash\nauthorityKeyIdentifier=keyid\n")
        return must(
            "openssl", "x509", "-req", "-days", "90", "-CA", str(self.folder / f"{by}.pem"),
            "-CAkey", str(self.folder / f"{by}.key"), "-extfile", str(path), data=request,
        )  # fmt: skip

    def sign(self, request: bytes, host: str, *, by: str = "root") -> bytes:
        """A server certificate for a request in DER; DER."""
        pem = must("openssl", "req", "-inform", "DER", data=request)
        extensions = (
            "basicConstraints=critical,CA:FALSE\nkeyUsage=critical,digitalSignature\n"
            f"extendedKeyUsage=serverAuth\nsubjectAltName=IP:{host}\n"
        )
        return der(self._issue(pem, by, extensions))

    def made(self, name: str, *, kind: str = "prime256v1", by: str = "root") -> tuple[pathlib.Path, pathlib.Path]:
        """A client's certificate with its key, both as files in PEM."""
        key, certificate = self.folder / f"{name}.key", self.folder / f"{name}.pem"
        options = ["-newkey", "ec", "-pkeyopt", f"ec_paramgen_curve:{kind}"]
        request = must("openssl", "req", "-new", *options, "-nodes", "-subj", f"/CN={name}", "-keyout", str(key))
        extensions = "basicConstraints=critical,CA:FALSE\nextendedKeyUsage=clientAuth,serverAuth\n"
        certificate.write_bytes(self._issue(request, by, extensions))
        return certificate, key

    def crl(self, *revoked: pathlib.Path) -> bytes:
        """A CRL of the root; DER."""
        database = self.folder / "index.txt"
        database.write_text("")
        config = self.folder / "ca.cnf"
        config.write_text(
            f"[ca]\ndefault_ca=own\n[own]\ndatabase={database}\ndefault_md=sha256\ndefault_crl_days=30\n"
            f"certificate={self.root}\nprivate_key={self.folder / 'root.key'}\n"
        )
        for path in revoked:
            must("openssl", "ca", "-config", str(config), "-revoke", str(path))
        return der(must("openssl", "ca", "-config", str(config), "-gencrl"), "crl")

    def pkcs12(self, name: str, passphrase: str | None, *, chain: bool = False) -> bytes:
        certificate, key = self.made(name, by="intermediate" if chain else "root")
        command = ["openssl", "pkcs12", "-export", "-in", str(certificate), "-inkey", str(key), "-passout",
                   f"pass:{passphrase or ''}"]  # fmt: skip
        return must(*command, *(["-certfile", str(self.bundle)] if chain else []))


def must(*command: str, data: bytes = b"") -> bytes:
    return subprocess.run(command, input=data, capture_output=True, timeout=60, check=True).stdout


def der(pem: bytes, kind: str = "x509") -> bytes:
    return must("openssl", kind, "-outform", "DER", data=pem)


# -- fixtures --------------------------------------------------------------------------------------------------------


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    """The foreign client reads the environment; everything here is on loopback."""
    monkeypatch.setenv("no_proxy", "*")


@pytest.fixture(scope="session")
def sim() -> t.Iterator[RunningSimulator]:
    with RunningSimulator(_fleet()) as running:
        yield running


@pytest.fixture(scope="session")
def unused() -> dict[str, t.Iterator[str]]:
    counts = {"ipro": IPRO, **{kind: count for kind, (count, _options) in KINDS.items()}}
    return {kind: iter([f"{kind}-{index}" for index in range(count)]) for kind, count in counts.items()}


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture
def judge(schema: t.Any) -> t.Iterator[Judge]:
    judge = Judge(schema)
    yield judge
    assert judge.complaints == []


@pytest.fixture
def new_camera(
    sim: RunningSimulator, unused: dict[str, t.Iterator[str]], judge: Judge, tmp_path: pathlib.Path
) -> t.Callable[..., Camera]:
    def make(kind: str = "plain", **options: t.Any) -> Camera:
        camera = Camera(sim=sim, name=next(unused[kind]), judge=judge, folder=tmp_path, **options)
        camera.match_clock()
        return camera

    return make


@pytest.fixture
def camera(new_camera: t.Callable[..., Camera]) -> Camera:
    """A camera fresh from the factory, with tokens."""
    return new_camera()


@pytest.fixture(params=[False, True], ids=["token", "digest"])
def either(request: pytest.FixtureRequest, new_camera: t.Callable[..., Camera]) -> Camera:
    """The same by each login."""
    return new_camera(digest=request.param)


@pytest.fixture(scope="session")
def expects() -> t.Callable[[str], contextlib.AbstractContextManager[None]]:
    """What the foreign client reads out of a fault, as `Sender/InvalidArgVal/KeyID`."""
    return _expects


@pytest.fixture(scope="session")
def operations() -> t.Callable[[str], list[t.Any]]:
    """The elements of a service's requests, of its WSDL."""

    def requests(service: str) -> list[t.Any]:
        root = etree.parse(str(WSDL / f"ver10/{service}.wsdl"))
        elements = {one.get("name"): one for one in root.findall(f".//{XS}schema/{XS}element")}
        return [one for name, one in elements.items() if f"{name}Response" in elements]

    return requests


@pytest.fixture(scope="session")
def shell() -> t.Callable[..., str]:
    return run


@pytest.fixture(scope="session")
def to_der() -> t.Callable[..., bytes]:
    return der


@pytest.fixture(scope="session")
def print_of() -> t.Callable[[bytes], str]:
    return fingerprint


@pytest.fixture(scope="session")
def soap() -> t.Callable[..., str]:
    """An envelope, made by hand."""
    return message


@pytest.fixture(scope="session")
def new_token() -> t.Callable[..., str]:
    return token
