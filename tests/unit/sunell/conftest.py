# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A certificate of a CA in a firmware, and a session that is none."""

from __future__ import annotations

import datetime as dt
import typing as t

import pytest
from ansible_collections.camsec.fleet.plugins.module_utils._tls._certificate import CertificateFacts
from ansible_collections.camsec.fleet.plugins.module_utils._transport._connection import Endpoint
from ansible_collections.camsec.fleet.plugins.module_utils._transport._session import Answer
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

DEVICE = "192.0.2.21"
NOW = dt.datetime(2026, 11, 22, 12, tzinfo=dt.UTC)
DAY = dt.timedelta(days=1)


@pytest.fixture(scope="session")
def root() -> CertificateFacts:
    """Valid for a day before and after NOW."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.oid.NameOID.COMMON_NAME, "built-in CA")])
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(NOW - DAY)
        .not_valid_after(NOW + DAY)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    return CertificateFacts.from_der(made.public_bytes(serialization.Encoding.DER))


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
