# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A simulated Windows computer, and certificates for it."""

from __future__ import annotations

import dataclasses as dc
import datetime as dt
import typing as t

import pytest
from ansible_collections.camsec.fleet.extensions.simulator._clock import Clock
from ansible_collections.camsec.fleet.extensions.simulator._device import ReadOnly
from ansible_collections.camsec.fleet.extensions.simulator._windows_host import WindowsHost
from ansible_collections.camsec.fleet.extensions.simulator.testing import own_base_address
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

START = dt.datetime(2026, 6, 1, tzinfo=dt.UTC)


def name_of(common: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)])


def der_of(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.DER)


def pem_of(certificate: x509.Certificate) -> str:
    return certificate.public_bytes(serialization.Encoding.PEM).decode()


@dc.dataclass(frozen=True, kw_only=True)
class Authority:
    """A certificate authority of the tests."""

    certificate: x509.Certificate
    key: rsa.RSAPrivateKey

    @classmethod
    def made(cls, common: str, above: Authority | None = None, *, key: rsa.RSAPrivateKey | None = None) -> Authority:
        own = key or rsa.generate_private_key(public_exponent=65537, key_size=2048)
        builder = (
            x509.CertificateBuilder()
            .subject_name(name_of(common))
            .issuer_name(above.certificate.subject if above else name_of(common))
            .public_key(own.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(START - dt.timedelta(days=10))
            .not_valid_after(START + dt.timedelta(days=3000))
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), True)
        )
        return cls(certificate=builder.sign(above.key if above else own, hashes.SHA256()), key=own)

    def issue(
        self,
        key: rsa.RSAPublicKey,
        *,
        common: str = "rec01.example",
        dns: t.Sequence[str] = (),
        usage: x509.ObjectIdentifier | None = ExtendedKeyUsageOID.SERVER_AUTH,
        days: tuple[int, int] = (-1, 100),
    ) -> x509.Certificate:
        builder = (
            x509.CertificateBuilder()
            .subject_name(name_of(common))
            .issuer_name(self.certificate.subject)
            .public_key(key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(START + dt.timedelta(days=days[0]))
            .not_valid_after(START + dt.timedelta(days=days[1]))
        )
        if dns:
            builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName(name) for name in dns]), False)
        if usage is not None:
            builder = builder.add_extension(x509.ExtendedKeyUsage([usage]), False)
        return builder.sign(self.key, hashes.SHA256())


@pytest.fixture(scope="session")
def leaf_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


@pytest.fixture(scope="session")
def authority() -> Authority:
    return Authority.made("Root of the tests")


def make_host(**changes: t.Any) -> WindowsHost:
    address = own_base_address(4).removesuffix(".0") + ".9"
    values: dict[str, t.Any] = {
        "name": "rec01",
        "address": address,
        "host_name": "rec01.example",
        "clock": Clock(speed=0.0, start=START.timestamp()),
        "read_only": ReadOnly(),
        "resolve": {"rec01.example": address}.get,
        "password": "Password-1",
    }
    return WindowsHost(**{**values, **changes})


@pytest.fixture
def host() -> WindowsHost:
    return make_host()


@dc.dataclass(frozen=True, kw_only=True)
class Ran:
    """What a script left: its lines, its exit code, its errors."""

    lines: list[str]
    code: int
    errors: str
    limit: str


def run(host: WindowsHost, script: str, *stdin: str) -> Ran:
    outcome = host.run_script(script, stdin)
    lines = outcome.output.replace("\r\n", "\n").split("\n")
    errors = "\n".join(text for _stream, text in outcome.messages)
    return Ran(lines=lines[:-1], code=outcome.code, errors=errors, limit=outcome.limit)
