# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An authority behind a command: what it returns is taken when openssl would take it, and refused in one sentence."""

from __future__ import annotations

import dataclasses as dc
import datetime as dt
import ipaddress
import pathlib
import stat
import time
import typing as t

import pytest
from ansible_collections.camsec.fleet.plugins.module_utils._camera.command import SigningCommand
from ansible_collections.camsec.fleet.plugins.module_utils._core._errors import CamsecError, InputError
from ansible_collections.camsec.fleet.plugins.module_utils._pki._authority import Issued
from ansible_collections.camsec.fleet.plugins.module_utils._pki._external import ExternalAuthority, Terms
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from ..pki.conftest import openssl, request

ADDRESS = "192.0.2.11"
NOW = dt.datetime.now(dt.UTC)
TERMS = Terms(
    device=ADDRESS,
    common_name=ADDRESS,
    subject_alt_names=(f"IP:{ADDRESS}",),
    lifetime_days=90,
    backdate_hours=24,
    renew_before_days=30,
    renew_share=None,
)


@dc.dataclass
class Made:
    """A certificate and its key."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey

    @property
    def pem(self) -> str:
        return self.certificate.public_bytes(serialization.Encoding.PEM).decode()


def make(name: str, above: Made | None, key: t.Any = None, **how: t.Any) -> Made:
    """A certificate; an authority unless an address is given."""
    own = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    begin, end = how.get("begin", NOW - dt.timedelta(days=1)), how.get("end", NOW + dt.timedelta(days=90))
    addresses = how.get("addresses", ())
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(above.certificate.subject if above else subject)
        .public_key(key or own.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(begin)
        .not_valid_after(end)
        .add_extension(x509.BasicConstraints(how.get("ca", not addresses), how.get("depth")), critical=True)
    )
    if addresses:
        names = [x509.IPAddress(ipaddress.ip_address(one)) for one in addresses]
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
    for extension in how.get("extensions", ()):
        builder = builder.add_extension(extension, critical=True)
    signer = above.key if above else own
    return Made(builder.sign(signer, hashes.SHA256()), own)


@pytest.fixture(scope="module")
def tree() -> dict[str, Made]:
    """A root, two intermediate authorities below it, and strangers."""
    root = make("Root", None)
    policy = make("Policy", root)
    return {
        "root": root,
        "policy": policy,
        "issuing": make("Issuing", policy),
        "flat": make("Flat", root, depth=0),
        "stranger": make("Stranger", None),
    }


@dc.dataclass(frozen=True)
class Desk:
    """A device's request, and an authority whose command answers what a test wants."""

    home: pathlib.Path
    tree: dict[str, Made]

    @property
    def csr(self) -> str:
        path = self.home / "device.csr"
        return path.read_text() if path.exists() else request(self.home, "ec", "-pkeyopt",
                                                              "ec_paramgen_curve:P-256").read_text()  # fmt: skip

    def leaf(self, above: str = "issuing", **how: t.Any) -> str:
        key = how.pop("key", None) or x509.load_pem_x509_csr(self.csr.encode()).public_key()
        return make("cam", self.tree[above], key, **{"addresses": [ADDRESS], **how}).pem

    def pems(self, *names: str) -> str:
        return "".join(self.tree[name].pem for name in names)

    def command(self, script: str) -> list[str]:
        path = self.home / "sign"
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(path.stat().st_mode | stat.S_IXUSR)
        return [str(path)]

    def authority(self, command: list[str], *trusted: str, **how: t.Any) -> ExternalAuthority:
        (self.home / "ca.pem").write_text(self.pems(*(trusted or ("root", "policy", "issuing"))))
        run = SigningCommand(arguments=tuple(command), timeout=how.get("timeout", 60.0))
        path = str(self.home / "ca.pem")
        return ExternalAuthority(ca_path=path, command=run, device=ADDRESS, crl_path=how.get("crl_path"))

    def answers(self, output: str, *trusted: str, terms: Terms = TERMS, clock: dt.datetime | None = None) -> Issued:
        (self.home / "answer.pem").write_text(output)
        command = self.command(f"cat >/dev/null; cat {self.home}/answer.pem")
        return self.authority(command, *trusted).sign(self.csr, terms, clock=clock or dt.datetime.now(dt.UTC))

    def refused(self, output: str, *trusted: str, **how: t.Any) -> str:
        with pytest.raises(CamsecError) as caught:
            self.answers(output, *trusted, **how)
        assert caught.value.message.startswith(f"{ADDRESS}: certificate from sign_command: found ")
        assert "\n" not in caught.value.message
        return caught.value.message


@pytest.fixture
def desk(tmp_path: pathlib.Path, tree: dict[str, Made]) -> Desk:
    return Desk(tmp_path, tree)


@pytest.mark.parametrize("shown", [("issuing", "policy"), ("issuing", "policy", "root"), ("issuing",), ()])
def test_a_chain_in_order_is_taken_and_the_root_left_out(desk: Desk, shown: tuple[str, ...]) -> None:
    issued = desk.answers(desk.leaf() + desk.pems(*shown))
    (desk.home / "leaf.pem").write_text(issued.pem)
    (desk.home / "between.pem").write_text(issued.chain_pem)
    assert issued.chain_pem == issued.pem + desk.pems(*(name for name in shown if name != "root"))
    assert "OK" in openssl("verify", "-CAfile", desk.home / "ca.pem", "-untrusted", desk.home / "between.pem",
                           desk.home / "leaf.pem")  # fmt: skip


def test_what_a_command_gets(desk: Desk) -> None:
    (desk.home / "answer.pem").write_text(desk.leaf())
    command = desk.command(f"cat >{desk.home}/asked; env >{desk.home}/env; cat {desk.home}/answer.pem")
    terms = dc.replace(TERMS, subject_alt_names=(f"IP:{ADDRESS}",))
    desk.authority(command).sign(desk.csr, terms, clock=NOW)
    assert (desk.home / "asked").read_text() == desk.csr
    told = dict(line.split("=", 1) for line in (desk.home / "env").read_text().splitlines() if "=" in line)
    assert told["CAMSEC_DEVICE"] == told["CAMSEC_COMMON_NAME"] == told["CAMSEC_IP_ADDRESSES"] == ADDRESS
    assert told["CAMSEC_SUBJECT_ALT_NAMES"] == f"IP:{ADDRESS}"
    assert (told["CAMSEC_DNS_NAMES"], told["CAMSEC_LIFETIME_DAYS"], told["CAMSEC_LIFETIME_HOURS"]) == ("", "90", "2160")
    assert told["CAMSEC_NOT_BEFORE"] < told["CAMSEC_NOT_AFTER"]


def test_the_wrong_order_is_refused_with_the_right_one(desk: Desk) -> None:
    leaf = desk.leaf()
    for output in (
        desk.pems("issuing") + leaf,
        leaf + desk.pems("policy", "issuing"),
        leaf + desk.pems("root", "policy", "issuing"),
        leaf + desk.pems("issuing", "stranger"),
    ):
        message = desk.refused(output)
        assert "a chain in the wrong order or with a foreign certificate" in message
        assert "the device's certificate first, then the one that signed it, and so on up to the root" in message


def test_foreign_incomplete_and_unknown(desk: Desk) -> None:
    other = ec.generate_private_key(ec.SECP256R1()).public_key()
    assert "a certificate for a foreign key" in desk.refused(desk.leaf(key=other) + desk.pems("issuing"))
    assert "a chain that ends at CN=Stranger" in desk.refused(desk.leaf("stranger"))
    assert "a chain that ends at CN=Issuing" in desk.refused(desk.leaf(), "root")
    told = desk.refused(desk.leaf() + desk.pems("issuing", "policy"), "root")
    assert "put that certificate there too" in told


def test_names_time_and_extensions(desk: Desk) -> None:
    past = NOW - dt.timedelta(days=5)
    client = x509.ExtendedKeyUsage([x509.ExtendedKeyUsageOID.CLIENT_AUTH])
    assert f"subject alternative names for {ADDRESS} too" in desk.refused(desk.leaf(addresses=["192.0.2.12"]))
    assert "valid from" in desk.refused(desk.leaf(begin=past, end=NOW - dt.timedelta(days=1)))
    assert "valid from" in desk.refused(desk.leaf(begin=NOW + dt.timedelta(days=1)))
    assert "by the device's clock" in desk.refused(desk.leaf(), clock=dt.datetime(1970, 1, 1, tzinfo=dt.UTC))
    assert "CA:TRUE" in desk.refused(desk.leaf(ca=True))
    assert "serverAuth among them" in desk.refused(desk.leaf(extensions=[client]))
    assert "not to be renewed at once" in desk.refused(desk.leaf(end=NOW + dt.timedelta(days=20)))


def test_a_weak_signature(desk: Desk, tree: dict[str, Made]) -> None:
    """Made by openssl, since our library signs nothing with SHA-1."""
    issuing, csr = tree["issuing"], desk.home / "device.csr"
    csr.write_text(desk.csr)
    (desk.home / "issuing.pem").write_text(issuing.pem)
    (desk.home / "issuing.key").write_bytes(
        issuing.key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    (desk.home / "leaf.cnf").write_text(f"subjectAltName=IP:{ADDRESS}\n")
    openssl("x509", "-req", "-in", csr, "-CA", desk.home / "issuing.pem", "-CAkey", desk.home / "issuing.key", "-sha1",
            "-days", 90, "-extfile", desk.home / "leaf.cnf", "-out", desk.home / "weak.pem")  # fmt: skip
    told = desk.refused((desk.home / "weak.pem").read_text(), clock=dt.datetime.now(dt.UTC) + dt.timedelta(seconds=2))
    assert "a signature with SHA1, expected SHA-256 or better" in told


def test_authorities_on_the_way(desk: Desk, tree: dict[str, Made]) -> None:
    gone = make("Gone", tree["root"], begin=NOW - dt.timedelta(days=9), end=NOW - dt.timedelta(days=1))
    no_ca = make("NoCA", tree["root"], ca=False)
    deep = make("Deep", tree["flat"])
    narrow = make("Narrow", tree["root"], extensions=[
        x509.NameConstraints([x509.IPAddress(ipaddress.ip_network("198.51.100.0/24"))], None)
    ])  # fmt: skip
    for name, made, between, expected in (
        ("gone", gone, (), "CN=Gone, valid from"),
        ("no_ca", no_ca, (), "CN=NoCA, which is no authority"),
        ("deep", deep, ("flat",), "1 authorities below CN=Flat"),
        ("narrow", narrow, (), "which the name constraints of CN=Narrow do not allow"),
    ):
        more = Desk(desk.home, {**tree, name: made})
        output = more.leaf(name) + more.pems(name, *between)
        assert expected in more.refused(output, "root", name, *between)
        (desk.home / "leaf.pem").write_text(more.leaf(name))
        judged = openssl("verify", "-CAfile", desk.home / "ca.pem", desk.home / "leaf.pem", check=False)
        assert "OK" not in judged, name


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        ("exit 3", "found exit status 3, expected status 0"),
        ("echo 'first' >&2; echo 'the token is expired.' >&2; exit 1", "found exit status 1 (the token is expired)"),
        ('echo "denied for $MY_TOKEN" >&2; exit 1', "found exit status 1 (denied for ***)"),
        ("true", "found nothing (empty)"),
        ("echo hello", "found something else than certificates in PEM"),
        ("head -c 5000 /dev/urandom", "found output that is no text"),
        ("head -c 104857600 /dev/zero", "found more than 1 MiB of output"),
        ("head -c 104857600 /dev/zero >&2; echo", "found more than 1 MiB of output"),
        ("echo '-----BEGIN EC' 'PRIVATE KEY-----'", "found a private key, expected certificates alone"),
        ("for end in BEGIN END; do echo -----$end CERTIFICATE-----; done", "found a damaged certificate"),
    ],
)
def test_a_command_that_does_not_do(desk: Desk, script: str, expected: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MY_TOKEN", "s3cr3t-of-the-ca")
    authority = desk.authority(desk.command(script))
    with pytest.raises(CamsecError) as caught:
        authority.sign(desk.csr, TERMS, clock=NOW)
    assert expected in caught.value.message
    assert "s3cr3t" not in caught.value.message
    assert len(caught.value.message) < 500


def test_a_command_that_hangs_ends_with_what_it_started(desk: Desk) -> None:
    marker = desk.home / "child"
    authority = desk.authority(desk.command(f"(sleep 600 & echo $! >{marker}; wait)"), timeout=1.0)
    begin = time.monotonic()
    with pytest.raises(CamsecError, match=r"found no end after 1 s"):
        authority.sign(desk.csr, TERMS, clock=NOW)
    assert time.monotonic() - begin < 60
    status = pathlib.Path(f"/proc/{marker.read_text().strip()}/stat")
    end = time.monotonic() + 20
    while status.exists() and status.read_text().split()[2] != "Z" and time.monotonic() < end:
        time.sleep(0.05)
    assert not status.exists() or status.read_text().split()[2] == "Z"


def test_no_command_no_root_and_a_tampered_request(desk: Desk) -> None:
    with pytest.raises(CamsecError, match=r"found no program '/nowhere/sign' that can be run"):
        desk.authority(["/nowhere/sign"]).check_ready(device=ADDRESS)
    with pytest.raises(InputError, match=r"ca_path: found no root certificate"):
        desk.authority(["true"], "issuing")
    der = bytearray(x509.load_pem_x509_csr(desk.csr.encode()).public_bytes(serialization.Encoding.DER))
    der[-1] ^= 1
    tampered = x509.load_der_x509_csr(bytes(der)).public_bytes(serialization.Encoding.PEM).decode()
    marker = desk.home / "was-asked"
    with pytest.raises(CamsecError, match=r"a signature that its own key did not make"):
        desk.authority(desk.command(f"touch {marker}")).sign(tampered, TERMS, clock=NOW)
    assert not marker.exists()


def test_renewal_asks_who_signed_it_and_a_list(desk: Desk, tree: dict[str, Made]) -> None:
    facts = desk.answers(desk.leaf()).facts
    root = tree["issuing"]
    revoked = x509.RevokedCertificateBuilder(int(facts.serial_number, 16), NOW)
    listed = x509.CertificateRevocationListBuilder(
        root.certificate.subject, NOW, NOW + dt.timedelta(days=7), revoked_certificates=[revoked.build()]
    )
    for number, (signer, encoding) in enumerate(
        [(root, serialization.Encoding.PEM), (root, serialization.Encoding.DER), (tree["stranger"], None)]
    ):
        path = desk.home / f"crl{number}"
        path.write_bytes(listed.sign(signer.key, hashes.SHA256()).public_bytes(encoding or serialization.Encoding.PEM))
        if encoding is None:
            with pytest.raises(CamsecError, match=r"which no authority of ca_path signed"):
                desk.authority(["true"], crl_path=str(path))
        else:
            assert "was revoked at" in desk.authority(["true"], crl_path=str(path)).revoked(facts)
    authority = desk.authority(["true"])
    assert authority.issued_by_us(facts)
    assert authority.issuer_certificate.subject == "CN=Issuing"
    assert not authority.revoked(facts)
    assert not desk.authority(["true"], "stranger").issued_by_us(facts)
