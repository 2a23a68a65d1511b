# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""States of a Sunell camera that nobody has to read from one, certificates, and a session that is none."""

from __future__ import annotations

import datetime as dt
import ipaddress
import types
import typing as t

import pytest
from ansible_collections.camsec.fleet.plugins.module_utils._core._secret import Secret
from ansible_collections.camsec.fleet.plugins.module_utils._sunell.state import (
    DeviceClock,
    HttpsState,
    Network,
    Ntp,
    SunellState,
)
from ansible_collections.camsec.fleet.plugins.module_utils._tls._certificate import CertificateFacts
from ansible_collections.camsec.fleet.plugins.module_utils._transport._connection import Endpoint
from ansible_collections.camsec.fleet.plugins.module_utils._transport._session import Answer
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

DEVICE = "192.0.2.21"
NOW = dt.datetime(2026, 11, 22, 12, tzinfo=dt.UTC)
HOUR = dt.timedelta(hours=1)
DAY = dt.timedelta(days=1)
NOTHING = HttpsState(enabled=True, way="built_in", uploaded=False, requested=False, signed=False)

PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey


def state(**changes: t.Any) -> SunellState:
    """A camera fresh from the factory, read over plain HTTP."""
    given = {
        "model": "SN-1",
        "version": "v5.0",
        "mac_address": "00:1C:27:00:00:01",
        "ports": types.MappingProxyType({"httpPort": 80, "httpsPort": 443}),
        "network": Network(address=DEVICE, netmask="255.255.255.0", gateway="192.0.2.1"),
        "https": NOTHING,
        "clock": DeviceClock(earliest=NOW, latest=NOW),
        "ntp": Ntp(enabled=False, server="ntp.nict.jp", port=123, interval=3600),
        "request_spki_sha256": "",
        "scheme": "http",
        "certificate": None,
    }
    return SunellState(**{**given, **changes})


def pem(key: PrivateKey, *, passphrase: str = "") -> Secret:
    protection = serialization.BestAvailableEncryption(passphrase.encode()) if passphrase else None
    text = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        protection or serialization.NoEncryption(),
    )
    return Secret(text.decode())


@pytest.fixture(scope="session")
def keys() -> list[rsa.RSAPrivateKey]:
    return [rsa.generate_private_key(65537, 2048) for _number in range(2)]


@pytest.fixture(scope="session")
def make_certificate(keys: list[rsa.RSAPrivateKey]) -> t.Callable[..., CertificateFacts]:
    def make(
        *hosts: str,
        key: PrivateKey | None = None,
        not_before: dt.datetime = NOW - DAY,
        not_after: dt.datetime = NOW + 100 * DAY,
    ) -> CertificateFacts:
        names: list[x509.GeneralName] = [
            x509.IPAddress(ipaddress.ip_address(host)) if host[0].isdigit() else x509.DNSName(host) for host in hosts
        ]
        subject = x509.Name([x509.NameAttribute(x509.oid.NameOID.COMMON_NAME, DEVICE)])
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(subject)
            .public_key((key or keys[0]).public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(not_before)
            .not_valid_after(not_after)
        )
        if names:
            builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
        made = builder.sign(keys[0], hashes.SHA256())
        return CertificateFacts.from_der(made.public_bytes(serialization.Encoding.DER))

    return make


class FakeSession:
    """Answers what a test says, and remembers what was asked."""

    device = DEVICE
    endpoint = Endpoint(scheme="http", host=DEVICE, port=80)
    peer = None

    def __init__(self) -> None:
        self.answers: dict[str, str] = {}
        self.asked: list[tuple[str, str, dict[str, t.Any]]] = []
        self.error: Exception | None = None

    def read(self, path: str, params: t.Mapping[str, str]) -> Answer:
        return self._answer("read", path, {"params": dict(params)})

    def write(self, path: str, **given: t.Any) -> Answer:
        return self._answer("write", path, given)

    def _answer(self, kind: str, path: str, given: dict[str, t.Any]) -> Answer:
        self.asked.append((kind, path, given))
        if self.error is not None:
            raise self.error
        text = self.answers.get(given["params"].get("type", ""), "")
        return Answer(status=200, content_type="text/plain", body=text.replace("\n", "\r\n").encode())


@pytest.fixture
def session() -> FakeSession:
    return FakeSession()
